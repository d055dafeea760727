/* relay_merge.c - hands out what wins of several copies of a feed (steps 7 to 9). See
 * relay_merge.h.
 *
 * A rule with one leg only counts: all of it is relayed, whatever was decided. Time is that of the
 * turn (relay.c). Shard thread.
 */
#include "shard/relay_merge.h"

#include <string.h>

#include "shard/merge_hash.h"
#include "src/base/clock.h"
#include "src/base/must.h"

/* A datagram being walked along. */
struct walk {
	struct relay *r;
	struct ingress_flow *flow;
	const struct datagram *d;
	uint32_t at;         /* bytes walked */
	struct datagram won; /* the run of winners before that; `count' 0: none */
};

static enum merge_verdict judge(struct walk *w, uint32_t bytes);
static void settle_held(struct walk *w, enum merge_verdict verdict);
static void win(struct walk *w, uint32_t bytes);
static void hand_out(struct walk *w, const struct datagram *d);
static void hold(struct walk *w, uint32_t bytes);
static void drop(struct ingress_flow *flow, enum merge_verdict verdict);
static void let_go(struct relay *r, struct ingress_flow *flow);
static bool is_same(const struct rule_merge *a, const struct rule_merge *b);

void relay_merges_cut(struct relay *r, const struct rule_table *table, struct arena *arena)
{
	struct relay_merge *merges =
		arena_alloc(arena, table->merge_count * sizeof(*merges), CACHE_LINE_BYTES);

	for (uint32_t i = 0; i < table->merge_count; i++) {
		struct merge *merge = merge_cut(&table->merges[i].rule, arena);

		if (merges) {
			merges[i].key = table->merges[i];
			merges[i].merge = merge;
			merges[i].lead = PLACE_NONE;
		}
	}
	r->merges = merges;
	r->merge_count = table->merge_count;
}

bool relay_merge_join(struct relay *r, struct ingress_flow *flow)
{
	struct rule_flow *rule = &relay_place(r, place_index(flow->token))->rule;

	for (uint32_t i = 0; i < r->merge_count; i++) {
		struct relay_merge *merge = &r->merges[i];

		if (is_same(&merge->key, rule->merge)) {
			rule->merge = &merge->key;
			flow->merge = merge;
			if (rule->leg == 0) {
				merge->lead = place_index(flow->token);
			}
			return true;
		}
	}
	return false;
}

void relay_merge_leave(struct relay *r, struct ingress_flow *flow)
{
	if (flow->merge) {
		let_go(r, flow);
		if (flow->rule->leg == 0) {
			flow->merge->lead = PLACE_NONE;
		}
		flow->merge = NULL;
	}
}

void relay_take_merged(struct relay *r, struct ingress_flow *flow, const struct datagram *d)
{
	struct walk w = {.r = r, .flow = flow, .d = d};
	bool alone = flow->merge->key.rule.leg_count == 1;

	for (uint32_t i = 0; i < d->count; i++) {
		uint32_t bytes = i + 1 < d->count ? d->segment_bytes : d->bytes - w.at;
		enum merge_verdict verdict = judge(&w, bytes);

		if (alone || verdict == MERGE_RELAY) {
			win(&w, bytes);
		} else {
			hand_out(&w, &w.won);
			w.won.count = 0;
			if (verdict == MERGE_HOLD) {
				hold(&w, bytes);
			} else {
				drop(flow, verdict);
			}
		}
		w.at += bytes;
	}
	hand_out(&w, &w.won);
}

void relay_merges_look(struct relay *r)
{
	uint64_t now_ns = clock_now_ns();

	for (uint32_t i = 0; i < r->merge_count; i++) {
		merge_look(r->merges[i].merge, now_ns);
	}
	for (uint32_t i = 0; i < r->place_count && r->merge_count > 0; i++) {
		struct ingress_flow *flow = &relay_place(r, i)->flow;

		if (flow->merge && relay_held(flow) > 0 &&
		    merge_gives_up(flow->merge->merge, flow->rule->leg, now_ns)) {
			let_go(r, flow);
		}
	}
}

void relay_merges_end(struct relay *r)
{
	for (uint32_t i = 0; i < r->place_count && r->merge_count > 0; i++) {
		if (relay_place(r, i)->flow.merge) {
			let_go(r, &relay_place(r, i)->flow);
		}
	}
	for (uint32_t i = 0; i < r->merge_count; i++) {
		merge_end(r->merges[i].merge);
	}
}

/* Of the datagram at hand, once what the leg holds has been settled. */
static enum merge_verdict judge(struct walk *w, uint32_t bytes)
{
	struct merge *merge = w->flow->merge->merge;
	unsigned leg = w->flow->rule->leg;
	enum merge_verdict verdict, held;
	struct sequence seq;

	if (merge->rule.method == MERGE_BY_NUMBER &&
	    (!sequence_read(&merge->rule.sequence, w->d->payload + w->at, bytes, &seq) ||
	     !merge_takes(merge, &seq))) {
		stat_add(&merge->legs[leg].stats->unnumbered, 1);
		return MERGE_UNNUMBERED;
	}
	if (merge->rule.method == MERGE_BY_HASH) {
		seq.number = merge_hash_of(merge->hash, w->d->payload + w->at, bytes);
	}
	verdict = merge_judge(merge, leg, &seq, w->r->egress->now_ns, &held);
	if (held != MERGE_NONE) {
		settle_held(w, held);
	}
	return verdict;
}

/* The leg holds nothing any more. One with no other leg has relayed it. */
static void settle_held(struct walk *w, enum merge_verdict verdict)
{
	struct relay_merge *rm = w->flow->merge;
	struct datagram *held = &rm->held[w->flow->rule->leg];
	struct datagram d = *held;

	if (d.count == 0) {
		return;
	}
	held->count = 0;
	stat_set(&rm->merge->legs[w->flow->rule->leg].stats->held, 0);
	if (verdict == MERGE_RELAY) {
		hand_out(w, &w->won);
		w->won.count = 0;
		hand_out(w, &d);
	} else {
		drop(w->flow, verdict);
	}
	(void)pool_drop(w->r->pool, d.slot);
}

/* The datagram at hand joins those before it. */
static void win(struct walk *w, uint32_t bytes)
{
	if (w->won.count == 0) {
		w->won = *w->d;
		w->won.payload = w->d->payload + w->at;
		w->won.bytes = 0;
		w->won.count = 0;
		w->won.segment_bytes = bytes;
		w->won.place += w->at;
	}
	w->won.bytes += bytes;
	w->won.count++;
}

static void hand_out(struct walk *w, const struct datagram *d)
{
	struct relay_merge *rm = w->flow->merge;

	if (d->count == 0) {
		return;
	}
	if (w->flow->rule->standby) { /* judged all the same, to know what others have relayed */
		stat_add(&w->flow->stats->drops[FLOW_DROP_STANDBY], d->count);
		return;
	}
	stat_add(&w->flow->stats->relayed, d->count);
	stat_add(&rm->merge->stats->relayed, d->count);
	if (rm->lead != PLACE_NONE) {
		relay_hand_out(w->r, &relay_place(w->r, rm->lead)->flow, d);
	}
}

static void hold(struct walk *w, uint32_t bytes)
{
	struct relay_merge *rm = w->flow->merge;
	struct datagram *held = &rm->held[w->flow->rule->leg];

	must(held->count == 0);
	*held = *w->d;
	held->payload = w->d->payload + w->at;
	held->bytes = held->segment_bytes = bytes;
	held->count = 1;
	held->place = 0;
	pool_hold(w->r->pool, held->slot);
	stat_set(&rm->merge->legs[w->flow->rule->leg].stats->held, 1);
}

static void drop(struct ingress_flow *flow, enum merge_verdict verdict)
{
	static const enum flow_drop drops[] = {
		[MERGE_DUPLICATE] = FLOW_DROP_DUPLICATE,
		[MERGE_REPEATED] = FLOW_DROP_REPEATED,
		[MERGE_LATE] = FLOW_DROP_LATE,
		[MERGE_UNMATCHED] = FLOW_DROP_UNMATCHED,
		[MERGE_UNSELECTED] = FLOW_DROP_UNSELECTED,
		[MERGE_UNNUMBERED] = FLOW_DROP_UNNUMBERED,
	};

	stat_add(&flow->stats->drops[drops[verdict]], 1);
}

static void let_go(struct relay *r, struct ingress_flow *flow)
{
	struct walk w = {.r = r, .flow = flow};

	settle_held(&w, MERGE_LATE);
}

static bool is_same(const struct rule_merge *a, const struct rule_merge *b)
{
	return rule_compare_flows(&a->lead, &b->lead) == 0 &&
	       merge_rule_is_same(&a->rule, &b->rule);
}
