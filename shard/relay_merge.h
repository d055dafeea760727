/* relay_merge.h - flows that are legs of one feed (steps 7 to 9).
 *
 * What a leg receives is cut where the decision of merge.h differs from one datagram to the next;
 * what wins goes to the outputs of the first leg in as few pieces as there are. So a train of which
 * all wins leaves as a train. A datagram that is held keeps its slot. Shard thread only, but for
 * what says otherwise.
 *
 * Merges stand in blocks of memory, which live as long as the shard: those of its table are cut at
 * the start, others come with SHARD_ADD_ROOM, and one that has no flow any more is free for any
 * that fits it. relay_merge_set.h has how legs and rules change.
 */
#pragma once

#include "shard/ingress.h"
#include "shard/merge.h"
#include "shard/relay.h"
#include "shard/rule.h"
#include "src/base/arena.h"

struct relay_merge {
	struct relay_merge *next; /* of all that the shard has */
	struct rule_merge key;    /* which one it is */
	struct merge *merge;
	uint32_t lead; /* place of the flow whose outputs are those of all; or PLACE_NONE */
	uint32_t legs[MERGE_LEGS_MAX];        /* places, or PLACE_NONE */
	struct datagram held[MERGE_LEGS_MAX]; /* of each leg; `count' 0: none */
	bool awaited;                         /* its first leg is to come */
	bool rests;          /* its legs are held, to move: another shard may read it */
	uint64_t parting_ns; /* with no leg, and flows that were: these are judged until then */
	stat_t users;        /* flows of which it is the judge; control reads it */
	unsigned char *memory;
	size_t memory_bytes;
};

/* Cuts the merges of a table off `arena'; with one that counts nothing but that is done. */
void relay_merges_cut(struct relay *r, const struct rule_table *table, struct arena *arena);

/* Adds a block of `memory_bytes' for a merge, cut off `arena', likewise. */
void relay_merge_add_block(struct relay *r, size_t memory_bytes, struct arena *arena);

/* Whether its block may be had. Control may ask, between messages. */
static inline bool relay_merge_is_free(const struct relay_merge *rm)
{
	return stat_get(&rm->users) == 0 && !rm->awaited;
}

/* What a merge that is made later takes of a block. */
size_t relay_merge_bytes(const struct merge_rule *rule);

/* Makes the merge `key' in a free block; NULL: none is large enough. */
struct relay_merge *relay_merge_take(struct relay *r, const struct rule_merge *key);

/* That of `key', or NULL. */
struct relay_merge *relay_merge_find(const struct relay *r, const struct rule_merge *key);

/* Who judges what the flow receives; NULL: nobody. */
static inline void relay_merge_set_judge(struct ingress_flow *flow, struct relay_merge *judge)
{
	flow->judge = judge;
	flow->aside = (uint8_t)(judge ? flow->aside | ASIDE_MERGED : flow->aside & ~ASIDE_MERGED);
}

/* A flow that has taken its place becomes the leg that its rule says; as the first one it takes
 * over the outputs. False: there is no such merge here. */
bool relay_merge_join(struct relay *r, struct ingress_flow *flow);

/* The flow is about to go: what it holds is let go, and counted. */
void relay_merge_leave(struct relay *r, struct ingress_flow *flow);

/* The outputs of `from' are those of `to' from now on, and go on in their counts. */
void relay_merge_pass_outputs(struct relay *r, struct ingress_flow *from, struct ingress_flow *to);

/* Relays of `d', which ingress has accepted, what wins. */
void relay_take_merged(struct relay *r, struct ingress_flow *flow, const struct datagram *d);

/* The flow's next datagram is waited for no longer: what it holds is late. */
void relay_merge_give_up(struct relay *r, struct ingress_flow *flow);

/* Nobody will tell what the datagram is that the flow, a leg, holds: it is relayed, unless the leg
 * has gone on without it, which it would follow out of order; then it is late. */
void relay_merge_settle_untold(struct relay *r, struct ingress_flow *flow);

/* The flow, a leg, receives no more until it has moved to another shard, which goes on by what the
 * merge remembers (SHARD_SET_MERGE): that changes no more. What the leg holds is settled. */
void relay_merge_rest(struct relay *r, struct ingress_flow *flow);

/* Lets go what was held for too long, and notes who is silent. For each MAIL_LOOK, and every few
 * milliseconds by the second, which each turn is to call. */
void relay_merges_look(struct relay *r);
void relay_merges_turn(struct relay *r);

/* Nothing comes any more: nothing is held any more, and all numbers are settled. */
void relay_merges_end(struct relay *r);

/* What each output of the flow has been offered since the start. Control may ask, too. */
static inline uint64_t relay_offered(const struct ingress_flow *flow)
{
	return flow->merge
		       ? stat_get(&flow->merge->merge->stats->relayed)
		       : stat_get(&flow->stats->relayed) + stat_get(&flow->stats->relayed_others);
}

/* Datagrams of the flow that are held at present: received, and neither relayed nor dropped.
 * Control may ask, too. */
static inline uint64_t relay_held(const struct ingress_flow *flow)
{
	return flow->merge ? stat_get(&flow->merge->merge->legs[flow->rule->leg].stats->held) : 0;
}
