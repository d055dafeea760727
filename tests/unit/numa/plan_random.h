/* plan_random.h - random machines, flows and policies for the planner, the same in every run.
 *
 * Everything comes from one seed through random_below, so a failure is repeated by its seed.
 * Machines are odd on purpose: nodes without CPUs or memory, gaps in all numbers, CPUs that are not
 * allowed or have no node, distances that are unknown or not symmetric.
 */
#pragma once

#include <stdint.h>
#include <stdlib.h>

#include "numa/plan.h"

#define RANDOM_CPUS_MAX  192
#define RANDOM_NODES_MAX 12
#define RANDOM_FLOWS_MAX 300

struct random_case {
	uint64_t state;
	struct topo topo;
	struct topo_cpu cpus[RANDOM_CPUS_MAX];
	struct topo_node nodes[RANDOM_NODES_MAX];
	uint32_t distances[RANDOM_NODES_MAX * RANDOM_NODES_MAX];
	struct plan_flow flows[RANDOM_FLOWS_MAX];
	uint32_t flow_count;
	struct plan_policy policy;
};

/* A number in [0, limit), 0 for an empty range, by a 64-bit congruential generator's upper half. */
static inline uint32_t random_below(struct random_case *rc, uint32_t limit)
{
	rc->state = rc->state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return limit > 0 ? (uint32_t)(rc->state >> 33) % limit : 0;
}

static inline void random_nodes(struct random_case *rc)
{
	uint32_t count = 1 + random_below(rc, RANDOM_NODES_MAX);
	int node_os = (int)random_below(rc, 3);

	for (uint32_t i = 0; i < count; i++) {
		rc->nodes[i] = (struct topo_node){
			.node_os = node_os,
			.memory_bytes = random_below(rc, 8) ? UINT64_C(1) << 34 : 0,
			.allowed = random_below(rc, 8) > 0};
		node_os += 1 + (int)random_below(rc, 3) * (int)random_below(rc, 8);
	}
	for (uint32_t i = 0; i < count * count; i++) {
		bool self = i / count == i % count;

		rc->distances[i] = self ? 10 : random_below(rc, 5) * 8; /* 0: not said */
	}
	rc->topo.nodes = rc->nodes;
	rc->topo.node_count = count;
	rc->topo.distances = random_below(rc, 3) ? rc->distances : NULL;
}

/* Threads of a core share their node and cache; about one CPU in eight is not allowed. */
static inline void random_cpus(struct random_case *rc)
{
	uint32_t threads = 1 + random_below(rc, 4);
	uint32_t cores = 1 + random_below(rc, RANDOM_CPUS_MAX / threads);
	int cpu_os = (int)random_below(rc, 4);

	for (uint32_t core = 0; core < cores; core++) {
		uint32_t pick = random_below(rc, rc->topo.node_count + 1);
		int home_os = pick < rc->topo.node_count && random_below(rc, 16)
				      ? rc->nodes[pick].node_os
				      : TOPO_UNKNOWN;
		int rank = 0;

		for (uint32_t i = 0; i < threads; i++) {
			bool allowed = random_below(rc, 8) > 0;

			rc->cpus[rc->topo.cpu_count++] =
				(struct topo_cpu){.cpu_os = cpu_os,
						  .core_idx = (int)core,
						  .package_os = 0,
						  .home_os = home_os,
						  .node_os = home_os,
						  .smt_rank = allowed ? rank++ : TOPO_UNKNOWN,
						  .efficiency = core % 3 ? 1 : 0,
						  .l3_idx = (int)core / 4,
						  .allowed = allowed};
			cpu_os += 1 + (random_below(rc, 10) == 0);
		}
	}
	rc->topo.cpus = rc->cpus;
	rc->topo.core_count = cores;
	rc->topo.l3_count = cores / 4 + 1;
}

static inline struct plan_flow random_flow(struct random_case *rc, uint32_t shard_count)
{
	uint32_t pick = random_below(rc, rc->topo.node_count + 2);
	struct plan_flow flow = {.node_os = pick < rc->topo.node_count ? rc->nodes[pick].node_os
					    : pick == rc->topo.node_count
						    ? TOPO_UNKNOWN
						    : 9999, /* not in the topology */
				 .weight = random_below(rc, 4) ? 1 : 1 + random_below(rc, 100),
				 .spread = 1,
				 .named_shard = PLAN_ANY,
				 .prior_flow = PLAN_ANY};

	if (random_below(rc, 6) == 0) {
		flow.spread = 1 + random_below(rc, shard_count < 8 ? shard_count : 8);
	}
	if (random_below(rc, 12) == 0) {
		flow.named_shard = random_below(rc, shard_count);
	}
	return flow;
}

static inline uint32_t random_usable(const struct random_case *rc, bool threads)
{
	uint32_t count = 0;

	for (uint32_t i = 0; i < rc->topo.cpu_count; i++) {
		count += threads ? rc->cpus[i].allowed : rc->cpus[i].smt_rank == 0;
	}
	return count;
}

/* A machine, a policy that it can meet, and flows; `rc' is overwritten. */
static inline void random_fill(struct random_case *rc, uint64_t seed)
{
	static const double balances[] = {0, 1, 1.5, 2, 4, 100};
	uint32_t cores;
	uint32_t shards;

	*rc = (struct random_case){.state = seed};
	random_nodes(rc);
	random_cpus(rc);
	rc->cpus[0].allowed = true; /* at least one, whatever else */
	rc->cpus[0].smt_rank = 0;
	for (uint32_t i = 1; i < rc->topo.cpu_count && rc->cpus[i].core_idx == 0; i++) {
		rc->cpus[i].allowed = false;
		rc->cpus[i].smt_rank = TOPO_UNKNOWN;
	}
	cores = random_usable(rc, false);
	rc->policy.balance = balances[random_below(rc, 6)];
	rc->policy.smt = random_below(rc, 3) == 0;
	rc->policy.reserve_cores = random_below(rc, 2) ? -1 : (int)random_below(rc, cores);
	rc->policy.oversubscribe = random_below(rc, 8) == 0;
	shards = cores - (rc->policy.reserve_cores > 0 ? (uint32_t)rc->policy.reserve_cores : 0);
	shards =
		rc->policy.oversubscribe ? 1 + random_below(rc, 200) : 1 + random_below(rc, shards);
	rc->policy.shard_count = random_below(rc, 2) || rc->policy.oversubscribe ? shards : 0;
	shards = rc->policy.shard_count ? shards : 1;
	rc->flow_count = random_below(rc, RANDOM_FLOWS_MAX);
	for (uint32_t i = 0; i < rc->flow_count; i++) {
		rc->flows[i] = random_flow(rc, shards);
	}
}
