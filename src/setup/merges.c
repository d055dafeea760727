/* merges.c - looks for legs that would move. See merges.h. */
#include "src/setup/merges.h"

#include <errno.h>

static bool was_merged(const struct rule_table *table, const struct rule_ingress *in);

int merges_check_moves(const struct difference *difference, const struct layout *running,
		       const struct layout *wanted, struct err *err)
{
	for (uint32_t i = 0; i < difference->count; i++) {
		const struct difference_step *step = &difference->steps[i];
		const struct rule_flow *flow = &wanted->tables[step->shard].flows[step->flow];
		char text[ENDPOINT_TEXT_MAX];

		if (step->what == DIFFERENCE_MOVE_FLOW &&
		    (flow->merge || was_merged(&running->tables[step->from], &flow->in))) {
			err_set(err,
				"ingress %s: a feed that is merged stays with its shard and its "
				"buffers while it is relayed; expected shard=, class= and --pool "
				"that leave it there; restart to move it",
				endpoint_format(&flow->in.at, text));
			return -EINVAL;
		}
	}
	return 0;
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
