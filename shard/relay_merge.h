/* relay_merge.h - flows that are legs of one feed (steps 7 to 9).
 *
 * What a leg receives is cut where the decision of merge.h differs from one datagram to the next;
 * what wins goes to the outputs of the first leg in as few pieces as there are. So a train of which
 * all wins leaves as a train. A datagram that is held keeps its slot. Shard thread only.
 */
#pragma once

#include "shard/ingress.h"
#include "shard/merge.h"
#include "shard/relay.h"
#include "shard/rule.h"
#include "src/base/arena.h"

struct relay_merge {
	struct rule_merge key; /* which one it is */
	struct merge *merge;
	uint32_t lead; /* place of the first leg, whose outputs are those of all; or PLACE_NONE */
	struct datagram held[MERGE_LEGS_MAX]; /* of each leg; `count' 0: none */
};

/* Cuts the merges of a table off `arena'; with one that counts nothing but that is done. */
void relay_merges_cut(struct relay *r, const struct rule_table *table, struct arena *arena);

/* A flow that has taken its place becomes the leg that its rule says. False: there is no such
 * merge here. */
bool relay_merge_join(struct relay *r, struct ingress_flow *flow);

/* The flow is about to go: what it holds is let go, and counted. */
void relay_merge_leave(struct relay *r, struct ingress_flow *flow);

/* Relays of `d', which ingress has accepted, what wins. */
void relay_take_merged(struct relay *r, struct ingress_flow *flow, const struct datagram *d);

/* Lets go what was held for too long, and notes who is silent. For each MAIL_LOOK. */
void relay_merges_look(struct relay *r);

/* Nothing comes any more: nothing is held any more, and all numbers are settled. */
void relay_merges_end(struct relay *r);

/* What each output of the flow has been offered since the start. */
static inline uint64_t relay_offered(const struct ingress_flow *flow)
{
	return stat_get(flow->merge ? &flow->merge->merge->stats->relayed : &flow->stats->relayed);
}

/* Datagrams of the flow that are held at present: received, and neither relayed nor dropped. */
static inline uint64_t relay_held(const struct ingress_flow *flow)
{
	return flow->merge ? stat_get(&flow->merge->merge->legs[flow->rule->leg].stats->held) : 0;
}
