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

#define LOOK_NS (20 * NS_PER_MS) /* a fifth of the least silent= */

/* A datagram being walked along. */
struct walk {
	struct relay *r;
	struct ingress_flow *flow;
	const struct datagram *d;
	struct relay_merge *rm; /* the judge */
	bool alone;             /* there is no other leg: only what one has brought before is not
				 * relayed */
	uint32_t at;            /* bytes walked */
	struct datagram won;    /* the run of winners before that; `count' 0: none */
};

static void let_go(struct relay *r, struct ingress_flow *flow, enum merge_verdict verdict);
static size_t bytes_of(const struct merge_rule *rule, bool heir);
static void make(struct relay_merge *rm, const struct rule_merge *key, bool heir);
static bool goes_on_alone(struct walk *w);
static void end_parting(struct ingress_flow *flow);
static enum merge_verdict judge(struct walk *w, uint32_t bytes);
static void settle_held(struct walk *w, enum merge_verdict verdict);
static void hand_out(struct walk *w, const struct datagram *d);
static void hold(struct walk *w, uint32_t bytes);
static void drop(struct ingress_flow *flow, enum merge_verdict verdict);
static bool is_same(const struct rule_merge *a, const struct rule_merge *b);

void relay_merges_cut(struct relay *r, const struct rule_table *table, struct arena *arena)
{
	for (uint32_t i = 0; i < table->merge_count; i++) {
		const struct merge_rule *rule = &table->merges[i].rule;

		relay_merge_add_block(r, bytes_of(rule, false), arena);
		if (!arena->counting) {
			make(r->merges, &table->merges[i], false);
		}
	}
}

void relay_merge_add_block(struct relay *r, size_t memory_bytes, struct arena *arena)
{
	struct relay_merge *rm = arena_alloc(arena, sizeof(*rm), CACHE_LINE_BYTES);
	unsigned char *memory = arena_alloc(arena, memory_bytes, CACHE_LINE_BYTES);

	if (rm) {
		*rm = (struct relay_merge){.next = r->merges,
					   .memory = memory,
					   .memory_bytes = memory_bytes,
					   .lead = PLACE_NONE};
		r->merges = rm;
	}
}

size_t relay_merge_bytes(const struct merge_rule *rule)
{
	return bytes_of(rule, true);
}

/* The smallest that is large enough. */
struct relay_merge *relay_merge_take(struct relay *r, const struct rule_merge *key)
{
	size_t bytes = relay_merge_bytes(&key->rule);
	struct relay_merge *best = NULL;

	for (struct relay_merge *rm = r->merges; rm; rm = rm->next) {
		if (relay_merge_is_free(rm) && rm->memory_bytes >= bytes &&
		    (!best || rm->memory_bytes < best->memory_bytes)) {
			best = rm;
		}
	}
	if (best) {
		memset(best->memory, 0, bytes);
		make(best, key, true);
	}
	return best;
}

struct relay_merge *relay_merge_find(const struct relay *r, const struct rule_merge *key)
{
	struct relay_merge *rm = r->merges;

	while (rm && (relay_merge_is_free(rm) || rm->parting_ns != 0 || !is_same(&rm->key, key))) {
		rm = rm->next;
	}
	return rm;
}

bool relay_merge_join(struct relay *r, struct ingress_flow *flow)
{
	uint32_t place = place_index(flow->token);
	struct rule_flow *rule = &relay_place(r, place)->rule;
	struct relay_merge *rm = relay_merge_find(r, rule->merge);

	if (!rm) {
		return false;
	}
	rule->merge = &rm->key;
	flow->merge = rm;
	relay_merge_set_judge(flow, rm);
	flow->leg = rule->leg;
	rm->legs[flow->leg] = place;
	rm->awaited = false;
	stat_add(&rm->users, 1);
	if (flow->leg == 0) {
		if (rm->lead != PLACE_NONE) {
			relay_merge_pass_outputs(r, &relay_place(r, rm->lead)->flow, flow);
		}
		rm->lead = place;
	}
	return true;
}

void relay_merge_leave(struct relay *r, struct ingress_flow *flow)
{
	struct relay_merge *rm = flow->judge;

	if (!rm) {
		return;
	}
	if (flow->merge) {
		relay_merge_give_up(r, flow);
		rm->legs[flow->leg] = PLACE_NONE;
		if (rm->lead == place_index(flow->token)) {
			rm->lead = PLACE_NONE;
		}
	}
	flow->merge = NULL;
	relay_merge_set_judge(flow, NULL);
	stat_set(&rm->users, stat_get(&rm->users) - 1);
}

void relay_merge_pass_outputs(struct relay *r, struct ingress_flow *from, struct ingress_flow *to)
{
	must(to->first_output == PLACE_NONE);
	for (uint32_t o = from->first_output; o != PLACE_NONE;) {
		struct egress_output *output = egress_output(r->egress, o);

		output->flow = to->token;
		o = output->sibling;
	}
	to->first_output = from->first_output;
	from->first_output = PLACE_NONE;
	stat_set(&to->stats->relayed_others,
		 stat_get(&from->stats->relayed_others) + stat_get(&to->stats->relayed_others));
	stat_set(&from->stats->relayed_others, 0);
}

void relay_take_merged(struct relay *r, struct ingress_flow *flow, const struct datagram *d)
{
	struct walk w = {.r = r, .flow = flow, .d = d, .rm = flow->judge};

	if (!flow->merge && !goes_on_alone(&w)) {
		return;
	}
	w.alone = !flow->merge || w.rm->key.rule.leg_count == 1;
	for (uint32_t i = 0; i < d->count; i++) {
		uint32_t bytes = i + 1 < d->count ? d->segment_bytes : d->bytes - w.at;
		enum merge_verdict verdict = judge(&w, bytes);

		if (verdict == MERGE_RELAY || (w.alone && verdict != MERGE_DUPLICATE)) {
			datagram_extend(&w.won, d, w.at, bytes);
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

void relay_merge_give_up(struct relay *r, struct ingress_flow *flow)
{
	(void)merge_gives_up(flow->merge->merge, flow->leg, UINT64_MAX);
	let_go(r, flow, MERGE_LATE);
}

void relay_merge_settle_untold(struct relay *r, struct ingress_flow *flow)
{
	bool goes_on = flow->merge->merge->legs[flow->leg].delivering;

	let_go(r, flow, goes_on ? MERGE_LATE : MERGE_RELAY);
}

void relay_merge_rest(struct relay *r, struct ingress_flow *flow)
{
	relay_merge_settle_untold(r, flow);
	flow->merge->rests = true;
}

void relay_merges_look(struct relay *r)
{
	uint64_t now_ns = clock_now_ns();

	for (struct relay_merge *rm = r->merges; rm; rm = rm->next) {
		if (relay_merge_is_free(rm) || rm->rests) {
			continue;
		}
		if (rm->parting_ns != 0) {
			if (rm->lead != PLACE_NONE && (int64_t)(now_ns - rm->parting_ns) >= 0) {
				end_parting(&relay_place(r, rm->lead)->flow);
			}
			continue;
		}
		merge_look(rm->merge, now_ns);
		for (unsigned leg = 0; leg < rm->key.rule.leg_count; leg++) {
			if (rm->held[leg].count > 0 && merge_gives_up(rm->merge, leg, now_ns)) {
				let_go(r, &relay_place(r, rm->legs[leg])->flow, MERGE_LATE);
			}
		}
	}
}

/* A leg is silent while another one is heard, and then there are turns. */
void relay_merges_turn(struct relay *r)
{
	if (r->merges != NULL && r->egress->now_ns - r->merges_ns >= LOOK_NS) {
		r->merges_ns = r->egress->now_ns;
		relay_merges_look(r);
	}
}

void relay_merges_end(struct relay *r)
{
	for (struct relay_merge *rm = r->merges; rm; rm = rm->next) {
		if (relay_merge_is_free(rm)) {
			continue;
		}
		for (unsigned leg = 0; leg < rm->key.rule.leg_count; leg++) {
			if (rm->held[leg].count > 0) {
				relay_merge_give_up(r, &relay_place(r, rm->legs[leg])->flow);
			}
		}
		merge_end(rm->merge);
	}
}

/* What the flow, a leg, holds. */
static void let_go(struct relay *r, struct ingress_flow *flow, enum merge_verdict verdict)
{
	struct walk w = {.r = r, .flow = flow, .rm = flow->merge};

	settle_held(&w, verdict);
}

static size_t bytes_of(const struct merge_rule *rule, bool heir)
{
	struct arena counter = ARENA_COUNTER;

	(void)merge_cut(rule, heir, &counter);
	return counter.used_bytes;
}

/* In memory that is zero. */
static void make(struct relay_merge *rm, const struct rule_merge *key, bool heir)
{
	struct arena arena = {.base = rm->memory, .len_bytes = rm->memory_bytes};

	rm->key = *key;
	rm->merge = merge_cut(&key->rule, heir, &arena);
	rm->lead = PLACE_NONE;
	rm->awaited = true;
	rm->rests = false;
	rm->parting_ns = 0;
	for (unsigned leg = 0; leg < MERGE_LEGS_MAX; leg++) {
		rm->legs[leg] = PLACE_NONE;
		rm->held[leg].count = 0;
	}
}

/* The flow is no leg any more. One that goes on by itself is told apart from what other legs have
 * brought as long as that may come; one that is about to go relays nothing. */
static bool goes_on_alone(struct walk *w)
{
	struct ingress_flow *flow = w->flow;

	if (w->rm->lead != place_index(flow->token)) {
		stat_add(&flow->stats->drops[FLOW_DROP_SHUTDOWN], w->d->count);
		return false;
	}
	if ((int64_t)(w->r->egress->now_ns - w->rm->parting_ns) < 0) {
		return true;
	}
	end_parting(flow);
	w->won = *w->d;
	hand_out(w, &w->won);
	return false;
}

static void end_parting(struct ingress_flow *flow)
{
	struct relay_merge *rm = flow->judge;

	relay_merge_set_judge(flow, NULL);
	rm->lead = PLACE_NONE;
	stat_set(&rm->users, stat_get(&rm->users) - 1);
}

/* Of the datagram at hand, once what the leg holds has been settled. */
static enum merge_verdict judge(struct walk *w, uint32_t bytes)
{
	struct merge *merge = w->rm->merge;
	unsigned leg = w->flow->leg;
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
	struct datagram *held = &w->rm->held[w->flow->leg];
	struct datagram d = *held;

	if (d.count == 0) {
		return;
	}
	held->count = 0;
	stat_set(&w->rm->merge->legs[w->flow->leg].stats->held, 0);
	if (verdict == MERGE_RELAY) {
		hand_out(w, &w->won);
		w->won.count = 0;
		hand_out(w, &d);
	} else {
		drop(w->flow, verdict);
	}
	(void)pool_drop(w->r->pool, d.slot);
}

static void hand_out(struct walk *w, const struct datagram *d)
{
	struct ingress_flow *flow = w->flow;
	struct relay_merge *rm = flow->merge;

	if (d->count == 0) {
		return;
	}
	if (flow->rule->standby) { /* judged all the same, to know what others have relayed */
		stat_add(&flow->stats->drops[FLOW_DROP_STANDBY], d->count);
		return;
	}
	stat_add(&flow->stats->relayed, d->count);
	if (!rm) {
		relay_hand_out(w->r, flow, d);
		return;
	}
	stat_add(&rm->merge->stats->relayed, d->count);
	if (rm->lead != PLACE_NONE) {
		relay_hand_out(w->r, &relay_place(w->r, rm->lead)->flow, d);
	}
}

static void hold(struct walk *w, uint32_t bytes)
{
	struct datagram *held = &w->rm->held[w->flow->leg];

	must(held->count == 0);
	*held = *w->d;
	held->payload = w->d->payload + w->at;
	held->bytes = held->segment_bytes = bytes;
	held->count = 1;
	held->place = 0;
	pool_hold(w->r->pool, held->slot);
	stat_set(&w->rm->merge->legs[w->flow->leg].stats->held, 1);
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

static bool is_same(const struct rule_merge *a, const struct rule_merge *b)
{
	return rule_compare_flows(&a->lead, &b->lead) == 0 &&
	       merge_rule_is_same(&a->rule, &b->rule);
}
