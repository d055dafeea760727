/* index.h - finds a configured flow by what it is (rule_compare_flows), not by where it stands.
 *
 * Control thread. Valid as long as the configuration is not changed.
 */
#pragma once

#include "src/rules/conf.h"

struct conf_index {
	const struct conf *conf;
	uint32_t *order; /* flows by rule_compare_flows; NULL: nothing was built */
};

/* 0 or -ENOMEM. */
int conf_index_build(const struct conf *conf, struct conf_index *out);

/* NULL when the configuration has no such flow. */
const struct conf_flow *conf_index_find(const struct conf_index *index,
					const struct rule_ingress *in);

/* Tells the flows of each unicast address, port and interface that they are several. 0 or
 * -ENOMEM. */
int conf_mark_shared(struct conf *conf);

/* Accepts all-zero. */
void conf_index_free(struct conf_index *index);
