/* mailbox.h - how the control thread speaks to a shard: one word and an eventfd.
 *
 * The word holds flags, set by control with release order and taken by the shard with acquire
 * order; the eventfd wakes the shard's ring. There is no queue to overflow and no lock to wait
 * for; flags that were already set stay set. This is the only thing two threads write to, and it
 * is idle while datagrams flow.
 */
#pragma once

#include <stdint.h>

enum mail {
	MAIL_DRAIN = 1 << 0, /* leave the groups, relay what is queued, end */
	MAIL_QUIT = 1 << 1,  /* end at once, counting what is left behind */
	MAIL_LOOK = 1 << 2,  /* look how many datagrams the kernel has dropped at some sockets */
};

struct mailbox {
	_Atomic uint32_t flags;
	int eventfd; /* -1: not open */
};

/* 0 or -errno. Control thread. */
int mailbox_open(struct mailbox *box);
void mailbox_close(struct mailbox *box);

/* Control thread; also safe in a signal handler. */
void mailbox_post(struct mailbox *box, uint32_t flags);

/* What was posted since the last call. Shard thread. */
uint32_t mailbox_take(struct mailbox *box);
