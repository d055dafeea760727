/* hook.h - where the program is called: at the ingress of interfaces, beside other people's.
 *
 * Two ways. A tcx link (Linux 6.6) is a descriptor: it goes when we go, however that is, and stands
 * behind the others' links. Where the kernel has none, or where there are filters of the older kind
 * that are to see packets before us, it is a filter of ours behind all others, by priority; that
 * one stays when we are killed, and does nothing any more once its time is over (struct
 * fast_control). Its handle is ours alone in this network namespace, by a lock that the kernel
 * frees at our end, so the next process knows what was left and takes it away. Both need
 * CAP_NET_ADMIN. Without libbpf hook_none.c stands in place of hook.c. Control thread.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "src/base/log.h"

#define HOOK_PRIORITY    0xfffe /* of our filters: behind all that is not meant to be last */
#define HOOK_HANDLES_MAX 16     /* relays with filters of one network namespace */

enum hook_kind {
	HOOK_NONE,
	HOOK_LINK,
	HOOK_FILTER,
};

struct hook {
	enum hook_kind kind; /* HOOK_NONE: not attached */
	unsigned ifindex;
	int link;       /* of HOOK_LINK */
	bool made_room; /* of HOOK_FILTER: the queueing discipline for filters is ours */
};

/* What all hooks of this process have in common. */
struct hooks {
	int lock;        /* of `handle' */
	uint32_t handle; /* of our filters; 0: none yet */
	bool outlives;   /* filters rather than links, so that the program outlives us */
};

/* The program runs for packets that come in there, from now on. 0, or -errno with `err'. */
int hook_attach(struct hooks *hooks, int program_fd, unsigned ifindex, struct hook *out,
		struct err *err);

/* Accepts all-zero. No packet begins it any more when this returns; program_wait tells when the
 * last is through. The interface may be gone. */
void hook_detach(struct hooks *hooks, struct hook *hook);

/* After all were detached. Accepts all-zero. */
void hooks_free(struct hooks *hooks);
