/* index.c - the flows of a configuration, sorted by what they are. See index.h. */
#include "src/rules/index.h"

#include <errno.h>
#include <stdlib.h>

static int compare(const void *left, const void *right, void *context);

int conf_index_build(const struct conf *conf, struct conf_index *out)
{
	struct conf_index index = {.conf = conf};

	index.order = calloc(conf->flow_count + 1UL, sizeof(*index.order));
	if (!index.order) {
		return -ENOMEM;
	}
	for (uint32_t i = 0; i < conf->flow_count; i++) {
		index.order[i] = i;
	}
	qsort_r(index.order, conf->flow_count, sizeof(*index.order), compare, (void *)conf);
	*out = index;
	return 0;
}

const struct conf_flow *conf_index_find(const struct conf_index *index,
					const struct rule_ingress *in)
{
	uint32_t low = 0, high = index->conf->flow_count;

	while (low < high) {
		uint32_t mid = low + (high - low) / 2;
		const struct conf_flow *flow = &index->conf->flows[index->order[mid]];
		int diff = rule_compare_flows(&flow->in, in);

		if (diff == 0) {
			return flow;
		}
		if (diff < 0) {
			low = mid + 1;
		} else {
			high = mid;
		}
	}
	return NULL;
}

void conf_index_free(struct conf_index *index)
{
	free(index->order);
	*index = (struct conf_index){0};
}

static int compare(const void *left, const void *right, void *context)
{
	const struct conf *conf = context;
	const uint32_t *a = left, *b = right;

	return rule_compare_flows(&conf->flows[*a].in, &conf->flows[*b].in);
}
