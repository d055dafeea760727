/* relay_merge_set.c - see relay_merge_set.h.
 *
 * The counts go on: outputs have been offered what the flows have relayed together, those that have
 * left included, which the flow with the outputs keeps as `relayed_others'. Time is now. Shard
 * thread.
 */
#include "shard/relay_merge_set.h"

#include <errno.h>
#include <string.h>

#include "shard/change_place.h"
#include "shard/merge_carry.h"
#include "shard/relay_breaker.h"
#include "shard/relay_merge.h"
#include "src/base/clock.h"
#include "src/base/must.h"

/* What is being set. */
struct setting {
	struct relay *r;
	const struct shard_message *m;
	struct ingress_flow *from;                  /* has the outputs at present */
	struct ingress_flow *stays[MERGE_LEGS_MAX]; /* as m->legs */
	struct relay_merge *before;                 /* NULL: `from' is a plain flow */
	uint64_t offered;                           /* to each output that was always there */
	uint64_t now_ns;
};

static int find_flows(struct setting *s);
static void move_here(struct relay_merge *rm, struct relay_merge *from, uint64_t now_ns);
static void make_plain(struct setting *s);
static void merge_flows(struct setting *s, struct relay_merge *rm);
static struct ingress_flow *choose_holder(const struct setting *s);
static void take_leave(struct setting *s, uint8_t to[MERGE_LEGS_MAX]);
static void pass_held(struct setting *s, struct relay_merge *rm);
static void join(struct setting *s, uint32_t i, struct relay_merge *rm);
static void count_others(struct setting *s, struct ingress_flow *holder);

int relay_merge_set(struct relay *r, const struct shard_message *m)
{
	struct setting s = {.r = r, .m = m, .now_ns = clock_now_ns()};
	const struct rule_merge *key = m->flow_rule.merge;
	struct relay_merge *rm = NULL;
	int rc = find_flows(&s);

	if (rc < 0) {
		return rc;
	}
	if (key) {
		rm = m->leg_count == 0 ? relay_merge_find(r, key) : NULL; /* left from a failure */
		if (rm && m->moves) {
			return -EALREADY; /* it may have judged something */
		}
		rm = rm ? rm : relay_merge_take(r, key);
		if (!rm) {
			return -ENOSPC;
		}
	}
	if (m->leg_count == 0) {
		must(rm); /* find_flows has looked */
		if (m->moves) {
			move_here(rm, m->moves, s.now_ns);
		}
		rm->awaited = true;
		return 0;
	}
	if (rm) {
		merge_flows(&s, rm);
	} else {
		make_plain(&s);
	}
	return 0;
}

static int find_flows(struct setting *s)
{
	const struct shard_message *m = s->m;

	if (m->leg_count == 0) {
		return m->flow_rule.merge ? 0 : -EINVAL;
	}
	s->from = change_find_flow(s->r, m->flow);
	for (uint32_t i = 0; i < m->leg_count; i++) {
		s->stays[i] = change_find_flow(s->r, m->legs[i].token);
		if (!s->stays[i]) {
			return -ENOENT;
		}
	}
	if (!s->from) {
		return -ENOENT;
	}
	s->before = s->from->judge;
	for (uint32_t i = 0; i < m->leg_count; i++) {
		if (s->stays[i]->judge != s->before) {
			return -EALREADY; /* they have not been of one feed */
		}
	}
	return 0;
}

/* Before its legs come, the first one first, with the outputs. The other shard's thread looks at
 * `from' no more. */
static void move_here(struct relay_merge *rm, struct relay_merge *from, uint64_t now_ns)
{
	uint8_t same[MERGE_LEGS_MAX];

	for (uint8_t leg = 0; leg < MERGE_LEGS_MAX; leg++) {
		same[leg] = leg;
	}
	merge_carry(rm->merge, from->merge, same, now_ns);
}

/* One flow goes on by itself. What other legs have brought it may still bring for skew=. */
static void make_plain(struct setting *s)
{
	struct ingress_flow *flow = s->stays[0];
	struct rule_flow *rule = &relay_place(s->r, place_index(flow->token))->rule;
	struct relay_merge *before = s->before;
	uint8_t legs[MERGE_LEGS_MAX];

	if (!flow->merge) {
		return;
	}
	relay_merge_settle_untold(s->r, flow);
	s->offered = relay_offered(s->from);
	take_leave(s, legs);
	before->legs[flow->leg] = PLACE_NONE;
	before->lead = place_index(flow->token);
	before->parting_ns = s->now_ns + before->merge->skew_ns;
	before->merge->speaker = flow->leg; /* else it would seem late, whatever is known */
	flow->merge = NULL;
	if (before->key.rule.method == MERGE_FAILOVER) {
		relay_merge_set_judge(flow, NULL);
		before->lead = PLACE_NONE;
		stat_set(&before->users, stat_get(&before->users) - 1);
	}
	rule->merge = NULL;
	rule->leg = 0;
	if (s->from != flow) {
		relay_merge_pass_outputs(s->r, s->from, flow);
	}
	count_others(s, flow);
}

static void merge_flows(struct setting *s, struct relay_merge *rm)
{
	struct ingress_flow *holder = choose_holder(s);
	uint8_t to[MERGE_LEGS_MAX];

	pass_held(s, rm);
	s->offered = relay_offered(s->from);
	take_leave(s, to);
	if (s->before) {
		merge_carry(rm->merge, s->before->merge, to, s->now_ns);
		s->before->parting_ns = s->now_ns;
	} else {
		merge_follow(rm->merge, s->m->legs[0].leg, s->now_ns);
	}
	for (uint32_t i = 0; i < s->m->leg_count; i++) {
		join(s, i, rm);
	}
	rm->awaited = false;
	if (s->from != holder) {
		relay_merge_pass_outputs(s->r, s->from, holder);
	}
	rm->lead = place_index(holder->token);
	stat_set(&rm->merge->stats->relayed, s->offered);
	count_others(s, holder);
}

/* The first leg, once it is there, has the outputs; until then one that stays, best the one that
 * has them. */
static struct ingress_flow *choose_holder(const struct setting *s)
{
	struct ingress_flow *holder = s->stays[0];

	for (uint32_t i = 0; i < s->m->leg_count; i++) {
		if (s->m->legs[i].leg == 0) {
			return s->stays[i];
		}
		holder = s->stays[i] == s->from ? s->from : holder;
	}
	return holder;
}

/* Those that do not stay are no legs any more. Tells what becomes of each leg. */
static void take_leave(struct setting *s, uint8_t to[MERGE_LEGS_MAX])
{
	struct relay_merge *before = s->before;

	memset(to, MERGE_LEG_LEFT, MERGE_LEGS_MAX);
	for (uint32_t i = 0; i < s->m->leg_count && before; i++) {
		to[s->stays[i]->leg] = s->m->legs[i].leg;
	}
	for (unsigned leg = 0; before && leg < before->key.rule.leg_count; leg++) {
		struct flow_place *place;

		if (to[leg] != MERGE_LEG_LEFT || before->legs[leg] == PLACE_NONE) {
			continue;
		}
		place = relay_place(s->r, before->legs[leg]);
		relay_merge_give_up(s->r, &place->flow);
		place->flow.merge = NULL;
		place->rule.merge = NULL;
		before->legs[leg] = PLACE_NONE;
	}
}

/* What legs hold is held on, or settled if nobody will tell any more. */
static void pass_held(struct setting *s, struct relay_merge *rm)
{
	struct relay_merge *before = s->before;

	for (uint32_t i = 0; i < s->m->leg_count; i++) {
		struct ingress_flow *flow = s->stays[i];

		if (!flow->merge) {
			continue;
		}
		if (merge_rule_tells_alike(&before->key.rule, &rm->key.rule)) {
			rm->held[s->m->legs[i].leg] = before->held[flow->leg];
			before->held[flow->leg].count = 0;
		} else {
			relay_merge_settle_untold(s->r, flow);
		}
	}
}

/* The flow that stays as leg `i' of the order. */
static void join(struct setting *s, uint32_t i, struct relay_merge *rm)
{
	struct ingress_flow *flow = s->stays[i];
	struct rule_flow *rule = &relay_place(s->r, place_index(flow->token))->rule;

	if (flow->judge) {
		flow->judge->legs[flow->leg] = PLACE_NONE;
		flow->judge->lead = PLACE_NONE;
		stat_set(&flow->judge->users, stat_get(&flow->judge->users) - 1);
	}
	relay_breaker_forget(s->r, flow); /* legs know copies by themselves */
	flow->merge = rm;
	relay_merge_set_judge(flow, rm);
	flow->leg = rule->leg = s->m->legs[i].leg;
	rule->merge = &rm->key;
	rm->legs[flow->leg] = place_index(flow->token);
	stat_add(&rm->users, 1);
}

static void count_others(struct setting *s, struct ingress_flow *holder)
{
	uint64_t others = s->offered;

	for (uint32_t i = 0; i < s->m->leg_count; i++) {
		others -= stat_get(&s->stays[i]->stats->relayed);
		stat_set(&s->stays[i]->stats->relayed_others, 0);
	}
	stat_set(&holder->stats->relayed_others, others);
}
