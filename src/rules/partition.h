/* partition.h - what of a configuration is this machine's, where several share it.
 *
 * A flow of which this member is the first is relayed, one of which it is the second stands by, and
 * any other is left out, as if its rule did not have it: the rules stay, so that each is known by
 * the same name everywhere. Legs of a feed go together, by the first. Pure; control thread.
 */
#pragma once

#include <stdint.h>

#include "src/rules/conf.h"
#include "src/rules/members.h"

/* A flow, or the first leg of several, as all members see it. */
struct partition_flow {
	uint32_t rule;
	struct rule_ingress in;
	struct members_rank rank;
};

/* All zero: nothing is shared. */
struct partition {
	struct members members;
	uint32_t self; /* this machine's position among them */
	struct partition_flow *flows;
	uint32_t flow_count;
};

/* Leaves out of `conf' what is not `member's, and marks what stands by; what else is marked so
 * stays. Takes `members'. 0; -EINVAL with `err': it is none of them; -ENOMEM. */
int partition_apply(struct conf *conf, const char *member, struct members *members,
		    struct partition *out, struct err *err);

/* Accepts all-zero. */
void partition_free(struct partition *partition);
