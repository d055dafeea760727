/* plan_cpus.h - the first half of a plan: which CPUs become shards (step 2).
 *
 * Only numa/plan.c includes this; the rules are written down in numa/plan.h. Pure.
 */
#pragma once

#include "numa/plan.h"

/* Fills in shards, shard_count, reserved_os and cpus_reserved of `out', every shard without load.
 * 0 or -errno with `err'; what was allocated belongs to `out' in either case. */
int plan_cpus_choose(const struct topo *topo, const struct plan_flow *flows, uint32_t flow_count,
		     const struct plan_policy *policy, struct plan *out, struct err *err);
