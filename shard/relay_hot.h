/* relay_hot.h - how many slots for trains are lent at once (step 4), and when sends are hurried so
 * that there are any (step 10).
 *
 * All that is lent passes through the cache in turn. Trains fill their slots, and HOT_TRAINS are
 * more than fit; single datagrams lie in such slots too, while a flow is coalesced, and fill little
 * of them. With as few slots they find none left at the end of each turn: the receive ends and is
 * started again, and a turn never gathers more than these. So when a receive starves, what the
 * class has received in this window of turns tells how many slots would fit, and so many are lent
 * from then on, as far as the group goes. Once more comes than fits, there are fewer again, down to
 * what it began with.
 *
 * Even all of the default pool are too few where the slots that a turn filled lie in sends until
 * the next turn has made them, and that one receives: io_uring takes up to HOT_TURN in a turn, and
 * more than twice as many would have to be there, of 64 KiB each. So while fewer than that can be
 * lent, the sends are made by a call of their own, which costs less than a receive that ends and
 * starts.
 *
 * Only the common band changes, and only where the operator has not said how many (`--hot'). With
 * the mmsg engine a flow that is alone takes what is lent and never starves, so nothing changes.
 * Shard thread only.
 */
#pragma once

#include "shard/relay.h"

/* From now on at least `least' are lent, and as many as the group has at most; 0: always these. */
void hot_start(struct relay *r, uint32_t least);

/* How many slots the common band of a class, whose group has `depth', may have now. */
static inline uint32_t hot_limit(const struct relay *r, unsigned cls, uint32_t depth)
{
	return cls == POOL_TRAIN && r->hot.least > 0 && r->hot.most < depth ? r->hot.most : depth;
}

/* One reception of class `cls'. */
static inline void hot_note_taken(struct relay *r, unsigned cls, uint32_t bytes)
{
	if (cls == POOL_TRAIN) {
		r->hot.pieces++;
		r->hot.bytes += bytes;
	}
}

/* The receive of `flow' has ended for want of a slot. */
void hot_note_starved(struct relay *r, const struct ingress_flow *flow);

/* Whether fewer can be lent than the next turn may take: those that lie in sends are worth a call
 * of their own, which ends these before the turn receives (ring_submit). */
bool hot_is_short(const struct relay *r);

/* A window of turns is over (relay_band.h). */
void hot_next_window(struct relay *r);
