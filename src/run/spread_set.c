/* spread_set.c - where the shares of a divided flow stand. See spread_set.h. */
#include "src/run/spread_set.h"

#include "src/run/supervisor.h"

static bool holds(const struct flow_place *place, const struct rule_flow *rule);

const struct share *spread_share_at(const struct supervisor *sup, uint32_t first)
{
	const struct layout_share *at = &sup->setup->layout.shares[first];

	return &sup->setup->layout.tables[at->shard].flows[at->flow].share;
}

/* At start flow `i' of a table stands in place `i'; after a reload it may stand in another one.
 * NULL: it has left. */
struct flow_place *spread_place_of(const struct supervisor *sup, uint32_t nth)
{
	const struct layout_share *at = &sup->setup->layout.shares[nth];
	const struct rule_flow *rule = &sup->setup->layout.tables[at->shard].flows[at->flow];
	const struct relay *relay = &sup->workers[at->shard].shard->relay;

	if (at->flow < relay->place_count && holds(relay_place(relay, at->flow), rule)) {
		return relay_place(relay, at->flow);
	}
	for (uint32_t i = 0; i < relay->place_count; i++) {
		if (holds(relay_place(relay, i), rule)) {
			return relay_place(relay, i);
		}
	}
	return NULL;
}

/* Whether any share of the flow whose shares begin at `first' is gone: then so are the others, now
 * or soon. */
bool spread_has_left(const struct supervisor *sup, uint32_t first)
{
	uint32_t k = spread_share_at(sup, first)->count;
	bool left = false;

	for (uint32_t i = 0; i < k; i++) {
		left = left || spread_place_of(sup, first + i) == NULL;
	}
	return left;
}

/* The CPUs are not compared: those of the flow that runs are known to who opened it only. */
static bool holds(const struct flow_place *place, const struct rule_flow *rule)
{
	const struct share *has = &place->rule.share, *wants = &rule->share;

	return place->flow.rule && has->by == wants->by && has->index == wants->index &&
	       has->count == wants->count && rule_compare_flows(&place->rule.in, &rule->in) == 0;
}
