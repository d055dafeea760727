/* spread.c - whether a flow can be divided over shards as its rule asks.
 *
 * What only the plan shows, as that there are enough shards, is looked at by numa/plan.c and
 * src/setup/layout.c. Pure; control thread.
 */
#include <errno.h>

#include "src/rules/parse.h"

static int check_rates(struct conf_cursor *cursor, const struct conf_rule *rule,
		       const struct rule_output *outputs, uint32_t count);

int conf_check_spread(struct conf_cursor *cursor, const struct conf_rule *rule,
		      const struct rule_ingress *in, const struct rule_output *outputs,
		      uint32_t count)
{
	if (rule->by == SHARE_BY_OUTPUTS && rule->spread > count) {
		return conf_refuse(
			cursor,
			"spread=%u with %u egress(es); the outputs are spread over shards, so each "
			"needs at least one; lower spread= to at most %u, or divide the senders "
			"with by=source",
			rule->spread, count, count);
	}
	if (rule->by == SHARE_BY_OUTPUTS || rule->spread == 1) {
		return 0;
	}
	if (in->source.family != 0 && in->source_bits == 0) {
		return conf_refuse(
			cursor,
			"by=%s with one SOURCE@; a sender is one shard's, or its datagrams would "
			"overtake each other; give each source a rule of its own, without spread=",
			share_by_name(rule->by));
	}
	return check_rates(cursor, rule, outputs, count);
}

/* Each shard sends by a socket of its own and knows nothing of the others. */
static int check_rates(struct conf_cursor *cursor, const struct conf_rule *rule,
		       const struct rule_output *outputs, uint32_t count)
{
	char to[ENDPOINT_TEXT_MAX];

	for (uint32_t i = 0; i < count; i++) {
		if (outputs[i].rate_bps > 0) {
			return conf_refuse(
				cursor,
				"rate= of egress %s with spread=%u by=%s; none of the shards knows "
				"what the others send there; remove rate=, or by=",
				endpoint_format(&outputs[i].to, to), rule->spread,
				share_by_name(rule->by));
		}
	}
	return 0;
}
