/* relay_band.c - sets floods apart (step 4). See relay_band.h. */
#include "shard/relay_band.h"

#include "shard/relay_arm.h"
#include "shard/relay_hot.h"
#include "src/base/clock.h"
#include "src/base/must.h"

static uint8_t level_of(const struct relay *r, const struct ingress_flow *flow);
static uint32_t taken_by(const struct relay *r, const struct ingress_flow *flow);
static void set_apart(struct relay *r, struct ingress_flow *flow);

uint32_t band_limit(const struct relay *r, unsigned band, unsigned cls)
{
	uint32_t depth = ring_depth(r->ring, band_group(band, cls));
	uint32_t rest;

	if (band != BAND_COMMON) {
		return r->in_group[band_group(band, cls)] > 0 ? depth : 0;
	}
	rest = r->pool->classes[cls].count - band_limit(r, BAND_KEPT, cls) -
	       band_limit(r, BAND_APART, cls);
	depth = hot_limit(r, cls, depth);
	return depth < rest ? depth : rest;
}

void band_weigh(struct relay *r, struct ingress_flow *flow)
{
	flow->level = level_of(r, flow);
	if (flow->next_band == BAND_APART) {
		band_choose(r, flow, BAND_APART);
	} else {
		band_choose(r, flow, flow->level > 0 ? BAND_KEPT : BAND_COMMON);
	}
}

void band_choose(struct relay *r, struct ingress_flow *flow, enum relay_band band)
{
	unsigned group = band_group(band, flow->next_group);

	if (ring_depth(r->ring, group) == 0) {
		group = band_group(BAND_COMMON, flow->next_group);
	}
	flow->next_band = (uint8_t)(group / POOL_CLASS_COUNT);
	if (flow->counted != group) {
		band_leave(r, flow);
		flow->counted = (uint8_t)group;
		r->in_group[group]++;
	}
}

unsigned band_rank(const struct relay *r, const struct ingress_flow *flow)
{
	unsigned is_fed = 2 * taken_by(r, flow) > r->greed[band_group_of(flow)].taken;

	return 2U * (RULE_LEVELS - 1U - flow->level) + is_fed;
}

void band_leave(struct relay *r, struct ingress_flow *flow)
{
	if (flow->counted != BAND_NOWHERE) {
		must(r->in_group[flow->counted] > 0);
		r->in_group[flow->counted]--;
		flow->counted = BAND_NOWHERE;
	}
}

void band_note_starved(struct relay *r, const struct ingress_flow *flow)
{
	const struct relay_greed *greed = &r->greed[band_group_of(flow)];
	uint32_t taken = taken_by(r, flow);
	struct ingress_flow *other;

	hot_note_starved(r, flow);
	if (flow->band == BAND_APART) {
		relay_place(r, place_index(flow->token))->flow.apart_until_ns =
			clock_now_ns() + BAND_APART_NS;
		return;
	}
	if (greed->taken < FAIR_FILLS * band_limit(r, flow->band, flow->group) ||
	    greed->taken / FAIR_RATIO <= taken) {
		return;
	}
	other = &relay_place(r, place_index(greed->flow))->flow;
	if (other->token == greed->flow && other->state >= FLOW_ARMED && !other->going &&
	    other->next_group == flow->group && other->level <= flow->level) {
		set_apart(r, other);
	}
}

void band_next_turn(struct relay *r)
{
	if (++r->window_turns < FAIR_TURNS) {
		return;
	}
	r->window_turns = 0;
	r->window++;
	for (unsigned group = 0; group < RING_GROUP_COUNT; group++) {
		r->greed[group].taken = 0;
	}
	hot_next_window(r);
}

void band_look_again(struct relay *r, struct ingress_flow *flow)
{
	if (flow->next_band == BAND_APART && clock_now_ns() >= flow->apart_until_ns) {
		flow->next_band = BAND_COMMON;
	}
	band_weigh(r, flow);
}

/* The highest of its outputs'. Where no output has any, there is nothing to look at. */
static uint8_t level_of(const struct relay *r, const struct ingress_flow *flow)
{
	uint8_t level = 0;

	for (uint32_t o = flow->first_output; r->egress->has_level && o != PLACE_NONE;) {
		const struct egress_output *output = egress_output(r->egress, o);

		level = output->level > level ? output->level : level;
		o = output->sibling;
	}
	return level;
}

/* In this window. */
static uint32_t taken_by(const struct relay *r, const struct ingress_flow *flow)
{
	return flow->window == r->window ? flow->taken : 0;
}

/* From the next receive on: relay_change_group ends the one that is under way. */
static void set_apart(struct relay *r, struct ingress_flow *flow)
{
	band_choose(r, flow, BAND_APART);
	if (flow->next_band != BAND_APART) {
		return; /* the class has too few slots to divide */
	}
	stat_add(&flow->stats->set_apart, 1);
	flow->apart_until_ns = clock_now_ns() + BAND_APART_NS;
	r->greed[band_group_of(flow)].taken = 0;
	relay_change_group(r, flow);
}
