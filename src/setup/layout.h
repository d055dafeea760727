/* layout.h - from rules and plan to one table per shard (step 2 to step 3).
 *
 * A planner's answer (numa/) becomes each shard's orders (shard/). Pure: structs in, structs out. A
 * flow with spread=k stands in k tables, each with its own, disjoint part of the outputs: output i
 * goes to owner i mod k. With by=source or by=cpu it stands in k tables too, with all outputs in
 * each, and a share of its own (shard/share.h). Control thread.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "numa/plan.h"
#include "shard/pool.h"
#include "shard/rule.h"
#include "src/base/log.h"
#include "src/rules/conf.h"
#include "src/setup/iface.h"

/* A sender of ours that could be heard again by one of our flows: same group and port, another
 * interface. */
struct layout_echo {
	uint32_t shard, flow;             /* who would hear it: position in that shard's table */
	uint32_t from_shard, from_output; /* who sends it */
};

/* Who has a share of a flow: position in that shard's table. */
struct layout_share {
	uint32_t shard, flow;
};

struct layout {
	struct rule_table *tables;   /* one per shard */
	struct layout_share *shares; /* flow by flow, and of a flow by share */
	int *share_cpus_os;          /* the same: the CPUs that these shards run on */
	uint32_t share_count;
	uint32_t *echo_counts;      /* per shard */
	struct layout_echo *echoes; /* sorted by shard, then flow */
	uint32_t shard_count;
	uint32_t echo_count;
};

struct layout_options {
	struct pool_counts pool;
	bool gro;          /* coalesce on ingress unless a rule says otherwise */
	uint32_t zerocopy; /* --zerocopy */
};

/* The planner's view of the configured flows: an array of conf->flow_count, to be freed, or NULL.
 */
struct plan_flow *layout_plan_flows(const struct conf *conf, const struct iface_table *ifaces);

/* How many shards the flows can use: each has one owner, or spread= of them, and shard= may name
 * one beyond these. 0: there are no flows, and nothing is known. */
uint32_t layout_shards_max(const struct conf *conf);

/* 0; -EINVAL with `err' for what only plan and rules together show (spread above the number of
 * outputs, spread by outputs on a unicast ingress, a class without buffers, too many flows for one
 * shard); -ENOMEM. */
int layout_build(const struct conf *conf, const struct iface_table *ifaces, const struct plan *plan,
		 const struct layout_options *options, struct layout *out, struct err *err);

void layout_free(struct layout *layout);
