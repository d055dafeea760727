/* relay_band.h - which flows of a pool class share their buffers (step 4).
 *
 * A class lends its slots to several groups of the ring (ring.h), one in each band:
 *
 *     BAND_COMMON  all flows, to begin with
 *     BAND_KEPT    those with an output that has a priority= above 0: a reserve
 *     BAND_APART   those that take so much that others find no slot
 *
 * A flow that floods takes every slot that is lent, turn by turn, and whoever shares them starves:
 * its receive ends for want of a slot, and its datagrams wait for turn after turn. So when a
 * receive starves, the flow that has taken most of late is looked at. If it has taken all that the
 * class lends FAIR_FILLS times over, and FAIR_RATIO times what the starved flow has, it is set
 * apart: from its next receive on it has fewer slots, of its own, and in no turn more than these;
 * the others are lent theirs first. Its datagrams wait in its own socket, and what finds no room
 * there is its own loss. It comes back once its slots have sufficed for BAND_APART_NS. Flows that
 * take about as much as one another starve each other as ever, and none is set apart for it; nor
 * is one that is alone.
 *
 * A flow above others in priority is never set apart for their sake, and finds the slots of its
 * band lent before all others, whatever those take. What of it floods among its like is set apart
 * as any other.
 *
 * Takings are counted over windows of FAIR_TURNS turns, since flows take turns. Shard thread only.
 */
#pragma once

#include "shard/relay.h"

enum relay_band {
	BAND_COMMON,
	BAND_KEPT,
	BAND_APART,
};

/* Into which group of the ring. */
static inline unsigned band_group(unsigned band, unsigned cls)
{
	return band * POOL_CLASS_COUNT + cls;
}

static inline unsigned band_group_of(const struct ingress_flow *flow)
{
	return band_group(flow->band, flow->group);
}

/* How many slots band `band' of a class is lent at most as things are: of the common one, what the
 * others that are used leave, if that is less than its depth. */
uint32_t band_limit(const struct relay *r, unsigned band, unsigned cls);

/* Looks at the priorities of the flow's outputs and chooses its band by the highest, unless it is
 * set apart. */
void band_weigh(struct relay *r, struct ingress_flow *flow);

/* The flow is to receive into `band', from when it is armed next; it is counted there at once, so
 * that slots come. Also when its class has changed. */
void band_choose(struct relay *r, struct ingress_flow *flow, enum relay_band band);

/* Who is armed before whom, 0 being the first: those with an output of higher priority, and of
 * equals those that have received less than half of what the greediest of their group has, so that
 * flows that starve each other take turns. */
unsigned band_rank(const struct relay *r, const struct ingress_flow *flow);

/* The flow receives no more, or leaves. */
void band_leave(struct relay *r, struct ingress_flow *flow);

/* The receive of `flow' has ended for want of a slot. */
void band_note_starved(struct relay *r, const struct ingress_flow *flow);

/* Begins the next turn's count. */
void band_next_turn(struct relay *r);

/* At the first reception of a flow in a window: whether one that is set apart may come back, and
 * which band it belongs to now. */
void band_look_again(struct relay *r, struct ingress_flow *flow);

/* One reception of `flow'. */
static inline void band_note_taken(struct relay *r, struct ingress_flow *flow)
{
	struct relay_greed *greed = &r->greed[band_group_of(flow)];

	if (flow->window != r->window) {
		flow->window = r->window;
		flow->taken = 0;
		if (__builtin_expect(r->egress->has_level || flow->next_band == BAND_APART, 0)) {
			band_look_again(r, flow);
		}
	}
	flow->taken++;
	if (flow->taken > greed->taken && flow->next_band != BAND_APART) {
		greed->taken = flow->taken;
		greed->flow = flow->token;
	}
}
