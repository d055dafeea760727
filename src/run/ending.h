/* ending.h - how a relay that runs is told to end: by a signal, by control, or by a failed shard.
 *
 * The first request has the shards drain, or hand their sockets over where another process may come
 * after us (store.h); a second one ends them at once. Amid a change nobody can tell which socket is
 * whose, so handing over waits for the end of that, within bounds. Control thread.
 */
#pragma once

#include <stdint.h>

struct supervisor;

struct ending {
	int asked;         /* how often it was asked to end; 0: it relays */
	const char *who;   /* asked first, while a change is to end before */
	uint64_t until_ns; /* by clock_now_ns: how long that may take; 0: it is not waited for */
};

/* Takes signals and what control was asked, and notes workers that ended by themselves. */
void ending_look(struct supervisor *sup, int signals);

/* Posts `mail' (mailbox.h) to every shard. */
void ending_post(struct supervisor *sup, uint32_t mail);
