/* merges.c - compares what is merged before and after. See merges.h. */
#include "src/setup/merges.h"

#include <errno.h>

#include "src/rules/index.h"

static int find_other(const struct conf *conf, const struct conf *others,
		      const struct conf_rule **out);
static bool is_same(const struct conf *a_conf, const struct conf_flow *a, const struct conf *b_conf,
		    const struct conf_flow *b);
static const struct merge_rule *merge_of(const struct conf *conf, const struct conf_flow *flow);

int merges_check_live(const struct conf *running, const struct conf *wanted, struct err *err)
{
	const struct conf_rule *other = NULL;
	int rc = find_other(wanted, running, &other);

	if (rc == 0 && other == NULL) {
		rc = find_other(running, wanted, &other);
	}
	if (rc == 0 && other != NULL) {
		err_set(err,
			"%s: %s: which feeds are merged, and how, cannot change while they are "
			"relayed; expected seq=, failover= and the ingresses beside + as they "
			"are; restart to change them",
			other->where, other->name);
		rc = -EINVAL;
	}
	return rc;
}

int merges_check_moves(const struct difference *difference, const struct layout *wanted,
		       struct err *err)
{
	for (uint32_t i = 0; i < difference->count; i++) {
		const struct difference_step *step = &difference->steps[i];
		const struct rule_flow *flow = &wanted->tables[step->shard].flows[step->flow];
		char text[ENDPOINT_TEXT_MAX];

		if (step->what == DIFFERENCE_MOVE_FLOW && flow->merge) {
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

/* The rule of a merged flow of `conf' that `others' does not merge in the same way; NULL: none. */
static int find_other(const struct conf *conf, const struct conf *others,
		      const struct conf_rule **out)
{
	struct conf_index index;
	int rc = conf_index_build(others, &index);

	if (rc < 0) {
		return rc;
	}
	for (uint32_t i = 0; i < conf->flow_count && *out == NULL; i++) {
		const struct conf_flow *flow = &conf->flows[i];

		if (merge_of(conf, flow)->method != MERGE_OFF &&
		    !is_same(conf, flow, others, conf_index_find(&index, &flow->in))) {
			*out = &conf->rules[flow->rule];
		}
	}
	conf_index_free(&index);
	return 0;
}

static bool is_same(const struct conf *a_conf, const struct conf_flow *a, const struct conf *b_conf,
		    const struct conf_flow *b)
{
	return b != NULL && a->leg == b->leg &&
	       merge_rule_is_same(merge_of(a_conf, a), merge_of(b_conf, b)) &&
	       rule_compare_flows(&conf_lead(a)->in, &conf_lead(b)->in) == 0;
}

static const struct merge_rule *merge_of(const struct conf *conf, const struct conf_flow *flow)
{
	return &conf->rules[flow->rule].merge;
}
