/* partition.c - see partition.h. */
#include "src/rules/partition.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static uint32_t legs_of(const struct conf *conf, uint32_t lead);
static uint32_t keep(struct conf *conf, uint32_t from, uint32_t to, uint32_t legs);

int partition_apply(struct conf *conf, const char *member, struct members *members,
		    struct partition *out, struct err *err)
{
	struct partition made = {.self = members_find(members, member),
				 .flows = calloc(conf->flow_count + 1UL, sizeof(*made.flows))};
	uint32_t kept = 0, legs;

	if (!made.flows || made.self == MEMBER_NONE) {
		free(made.flows);
		err_set(err,
			made.flows
				? "--member %s: is none of --members; expected one of these; add "
				  "it there, or name another one"
				: "--member %s: out of memory",
			member);
		return made.self == MEMBER_NONE ? -EINVAL : -ENOMEM;
	}
	for (uint32_t r = 0; r < conf->rule_count; r++) {
		conf->rules[r].flow_count = 0;
	}
	for (uint32_t f = 0; f < conf->flow_count; f += legs) {
		const struct conf_rule *rule = &conf->rules[conf->flows[f].rule];
		struct partition_flow *flow = &made.flows[made.flow_count++];

		legs = legs_of(conf, f);
		flow->rule = conf->flows[f].rule;
		flow->in = conf->flows[f].in;
		flow->rank =
			members_rank(members, &flow->in, rule->member[0] ? rule->member : NULL);
		if (made.self != flow->rank.first && made.self != flow->rank.second) {
			continue;
		}
		for (uint32_t l = 0; l < legs; l++) {
			conf->flows[f + l].standby |= made.self == flow->rank.second;
		}
		kept = keep(conf, f, kept, legs);
	}
	conf->flow_count = kept;
	made.members = *members;
	*members = (struct members){0};
	*out = made;
	return 0;
}

void partition_free(struct partition *partition)
{
	members_free(&partition->members);
	free(partition->flows);
	*partition = (struct partition){0};
}

static uint32_t legs_of(const struct conf *conf, uint32_t lead)
{
	uint32_t legs = 1;

	while (lead + legs < conf->flow_count && conf->flows[lead + legs].leg > 0) {
		legs++;
	}
	return legs;
}

/* Flows of a rule stand together, and so do those that are left. Returns where the next one goes.
 */
static uint32_t keep(struct conf *conf, uint32_t from, uint32_t to, uint32_t legs)
{
	struct conf_rule *rule = &conf->rules[conf->flows[from].rule];

	if (rule->flow_count == 0) {
		rule->first_flow = to;
	}
	rule->flow_count += legs;
	memmove(&conf->flows[to], &conf->flows[from], legs * sizeof(*conf->flows));
	return to + legs;
}
