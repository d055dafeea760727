/* relay_arm.c - lends slots and arms receives, again and again (step 4). See relay_arm.h. */
#include "shard/relay_arm.h"

#include "shard/relay_band.h"
#include "shard/relay_flows.h"
#include "src/base/clock.h"

static unsigned group_to_arm(const struct relay *r, const struct ingress_flow *flow);
static void arm_into(struct relay *r, struct ingress_flow *flow, unsigned group);
static void lend_to(struct relay *r, enum relay_band band, unsigned cls);
static uint32_t lent_to(const struct relay *r, unsigned group);
static bool can_arm(const struct relay *r, unsigned group);
static bool may_retry(struct relay *r, struct ingress_flow *flow);

void relay_lend(struct relay *r)
{
	for (unsigned cls = 0; cls < POOL_CLASS_COUNT; cls++) {
		const struct pool_class_state *state = &r->pool->classes[cls];

		if (state->count == 0) {
			continue;
		}
		if (state->free_count == 0 && state->ring_count == 0) {
			(void)pool_lend(r->pool, (enum pool_class)cls); /* counts as exhausted */
		}
		lend_to(r, BAND_KEPT, cls);
		lend_to(r, BAND_COMMON, cls);
		lend_to(r, BAND_APART, cls);
	}
}

void relay_take_back(struct relay *r, unsigned group)
{
	int index;

	while ((index = ring_reclaim(r->ring, group)) >= 0) {
		pool_unlend(r->pool,
			    pool_slot_id((enum pool_class)ring_class_of(group), (uint16_t)index));
	}
}

void relay_rearm(struct relay *r)
{
	uint32_t next = relay_take_ended(r);
	uint32_t starts[RING_GROUP_COUNT];

	for (unsigned g = 0; g < RING_GROUP_COUNT; g++) {
		starts[g] = can_arm(r, g) ? 1 + lent_to(r, g) / ARM_SHARE : 0;
	}
	r->arms_left = false;
	/* First those above others, and of equals those that have received least. */
	while (next != PLACE_NONE) {
		struct ingress_flow *flow = &relay_place(r, next)->flow;

		unsigned group = group_to_arm(r, flow);

		next = flow->next;
		if (starts[group] > 0 && may_retry(r, flow)) {
			starts[group]--;
			arm_into(r, flow, group);
		} else {
			relay_list_ended(r, flow);
			r->arms_left = r->arms_left || (flow->retry_ns == 0 && can_arm(r, group));
		}
	}
}

void relay_change_group(struct relay *r, struct ingress_flow *flow)
{
	if ((flow->next_group != flow->group || flow->next_band != flow->band) &&
	    flow->state == FLOW_ARMED && r->phase != RELAY_STOPPED) {
		ring_cancel_recv(r->ring, flow->token);
		flow->state = FLOW_LEAVING;
	}
}

void relay_arm(struct relay *r, struct ingress_flow *flow)
{
	band_weigh(r, flow);
	arm_into(r, flow, flow->counted);
}

/* While the common band has slots still that are another band's by now, and gives them back only by
 * receiving, a flow of that band helps it to: it is moved by its next reception. */
static unsigned group_to_arm(const struct relay *r, const struct ingress_flow *flow)
{
	unsigned cls = flow->next_group, common = band_group(BAND_COMMON, cls);

	return !can_arm(r, flow->counted) && lent_to(r, common) > band_limit(r, BAND_COMMON, cls)
		       ? common
		       : flow->counted;
}

static void arm_into(struct relay *r, struct ingress_flow *flow, unsigned group)
{
	flow->group = (uint8_t)ring_class_of(group);
	flow->band = (uint8_t)(group / POOL_CLASS_COUNT);
	flow->state = FLOW_ARMED;
	stat_add(&flow->stats->rearms, 1);
	r->armed_count++;
	ring_arm_recv(r->ring, flow->token, flow->file, group);
}

/* What is lent to a band that nobody uses any more comes back. */
static void lend_to(struct relay *r, enum relay_band band, unsigned cls)
{
	struct pool_class_state *state = &r->pool->classes[cls];
	unsigned group = band_group(band, cls);
	uint32_t lent = lent_to(r, group), limit = band_limit(r, band, cls);

	if (limit == 0 && lent > 0 && !ring_is_armed(r->ring, group)) {
		relay_take_back(r, group);
	}
	for (; lent < limit && state->free_count > 0; lent++) {
		uint32_t slot = pool_lend(r->pool, (enum pool_class)cls);

		ring_lend(r->ring, group, pool_slot_index(slot), pool_slot_base(r->pool, slot));
	}
}

static uint32_t lent_to(const struct relay *r, unsigned group)
{
	return ring_depth(r->ring, group) - ring_room(r->ring, group);
}

/* Arming with hardly a buffer lent would end again at once, and spin: wait for a quarter of what
 * the group can have. */
static bool can_arm(const struct relay *r, unsigned group)
{
	uint32_t lent = lent_to(r, group);

	return lent > 0 &&
	       lent >= band_limit(r, group / POOL_CLASS_COUNT, ring_class_of(group)) / 4;
}

/* A receive that failed would most likely fail again at once, and spin. */
static bool may_retry(struct relay *r, struct ingress_flow *flow)
{
	if (flow->retry_ns == 0) {
		return true;
	}
	if (clock_now_ns() < flow->retry_ns) {
		return false;
	}
	flow->retry_ns = 0;
	r->retrying_count--;
	return true;
}
