/* pace.h - how a ring that may add latency waits, chosen turn by turn from the rate of events.
 *
 * A wake-up costs more than relaying what it brings, so that at some rates it pays to let events
 * gather, at some to watch for the next one, and at others to do neither. Pure: the caller brings
 * the clock. Owner: the shard's thread.
 */
#pragma once

#include <stdint.h>

#include "shard/ring.h"

enum pace_way {
	PACE_SLEEP,  /* until the next event: what costs least when events are few */
	PACE_GATHER, /* as long as it may, or until enough are there: least when they are many */
	PACE_SPIN,   /* for the next event, which is nearer than a wake-up is dear */
};

struct pace {
	uint32_t latency_us; /* most that a wait may add; 0: there is no choice to make */
	uint32_t events;     /* since since_ns */
	uint64_t since_ns;   /* 0: nothing was seen yet */
	uint64_t gap_ns;     /* between two events, of late; 0: not known yet */
};

/* Begins anew with a budget. */
void pace_begin(struct pace *pace, uint32_t latency_us);

/* How to wait in a turn that begins at `now_ns', by clock_now_ns, `events' after the one before;
 * the budget is not 0. Fills `waits' but for its latency_us. */
enum pace_way pace_choose(struct pace *pace, uint64_t now_ns, uint32_t events,
			  struct ring_waits *waits);
