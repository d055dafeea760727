/* merges.c - looks for legs that would move without their feed. See merges.h. */
#include "src/setup/merges.h"

#include <errno.h>

static bool moves_whole(const struct difference *difference, const struct rule_flow *flow);
static bool was_merged(const struct rule_table *table, const struct rule_ingress *in);

int merges_check_moves(const struct difference *difference, const struct layout *running,
		       const struct layout *wanted, struct err *err)
{
	for (uint32_t i = 0; i < difference->count; i++) {
		const struct difference_step *step = &difference->steps[i];
		const struct rule_flow *flow = &wanted->tables[step->shard].flows[step->flow];
		char text[ENDPOINT_TEXT_MAX];

		if (step->what == DIFFERENCE_MOVE_FLOW && !moves_whole(difference, flow) &&
		    (flow->merge || was_merged(&running->tables[step->from], &flow->in))) {
			err_set(err,
				"ingress %s: a feed that is merged moves to another shard as it "
				"is, and keeps its buffers; expected shard= alone to change, or "
				"its legs and options, and class= and --pool as they are; change "
				"one after the other, or restart",
				endpoint_format(&flow->in.at, text));
			return -EINVAL;
		}
	}
	return 0;
}

static bool moves_whole(const struct difference *difference, const struct rule_flow *flow)
{
	for (uint32_t i = 0; i < difference->groups.count && flow->merge; i++) {
		const struct difference_group *group = &difference->groups.list[i];

		if (group->move_count > 0 && group->lead->merge == flow->merge) {
			return true;
		}
	}
	return false;
}

static bool was_merged(const struct rule_table *table, const struct rule_ingress *in)
{
	for (uint32_t i = 0; i < table->flow_count && table->merge_count > 0; i++) {
		if (table->flows[i].merge && rule_compare_flows(&table->flows[i].in, in) == 0) {
			return true;
		}
	}
	return false;
}
