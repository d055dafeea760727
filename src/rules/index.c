/* index.c - the flows of a configuration, sorted by what they are. See index.h. */
#include "src/rules/index.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

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

int conf_mark_shared(struct conf *conf)
{
	struct conf_index index;
	int rc = conf_index_build(conf, &index);

	for (uint32_t i = 1; i < conf->flow_count && rc == 0; i++) {
		struct rule_ingress *a = &conf->flows[index.order[i - 1]].in;
		struct rule_ingress *b = &conf->flows[index.order[i]].in;

		if (addr_equal(&a->at.addr, &b->at.addr) &&
		    strcmp(a->at.ifname, b->at.ifname) == 0 && !addr_is_multicast(&a->at.addr) &&
		    !addr_is_broadcast(&a->at.addr)) {
			a->shared = b->shared = true;
		}
	}
	if (rc == 0) {
		conf_index_free(&index);
	}
	return rc;
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
