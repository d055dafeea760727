/* relay_arm.c - lends slots and arms receives, again and again (step 4). See relay_arm.h. */
#include "shard/relay_arm.h"

#include "shard/relay_flows.h"
#include "src/base/clock.h"

static bool can_arm(const struct relay *r, unsigned group);
static bool may_retry(struct relay *r, struct ingress_flow *flow);

void relay_lend(struct relay *r)
{
	for (unsigned g = 0; g < POOL_CLASS_COUNT; g++) {
		uint32_t room = ring_room(r->ring, g);

		if (room > 0 && r->pool->classes[g].free_count == 0 &&
		    r->pool->classes[g].ring_count == 0) {
			(void)pool_lend(r->pool, (enum pool_class)g); /* counts as exhausted */
		}
		while (room > 0 && r->pool->classes[g].free_count > 0) {
			uint32_t slot = pool_lend(r->pool, (enum pool_class)g);

			ring_lend(r->ring, g, pool_slot_index(slot), pool_slot_base(r->pool, slot));
			room--;
		}
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
	uint32_t starts[POOL_CLASS_COUNT];

	for (unsigned g = 0; g < POOL_CLASS_COUNT; g++) {
		starts[g] = can_arm(r, g) ? 1 + r->pool->classes[g].ring_count / ARM_SHARE : 0;
	}
	r->arms_left = false;
	while (next != PLACE_NONE) {
		struct ingress_flow *flow = &relay_place(r, next)->flow;

		next = flow->next;
		if (starts[flow->next_group] > 0 && may_retry(r, flow)) {
			starts[flow->next_group]--;
			relay_arm(r, flow);
		} else {
			relay_list_ended(r, flow);
			r->arms_left = r->arms_left ||
				       (flow->retry_ns == 0 && can_arm(r, flow->next_group));
		}
	}
}

void relay_arm(struct relay *r, struct ingress_flow *flow)
{
	flow->group = flow->next_group;
	flow->state = FLOW_ARMED;
	stat_add(&flow->stats->rearms, 1);
	r->armed_count++;
	ring_arm_recv(r->ring, flow->token, flow->file, flow->group);
}

/* Arming with hardly a buffer lent would end again at once, and spin: wait for a quarter of what
 * the group can have. */
static bool can_arm(const struct relay *r, unsigned group)
{
	uint32_t lent = r->pool->classes[group].ring_count;
	uint32_t most = lent + ring_room(r->ring, group);

	most = most < r->pool->classes[group].count ? most : r->pool->classes[group].count;
	return lent > 0 && lent >= most / 4;
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
