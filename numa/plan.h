/* plan.h - a pure function: (topology, flows, policy) to a plan (step 2).
 *
 * First the shards: one per allowed physical core (policy may say otherwise), each with its CPU
 * and memory node. Then the flows: each gets `spread' distinct owner shards, normally one. A flow
 * prefers shards on its ingress interface's node; among the candidates the least loaded by weight
 * wins, ties to the lowest index; a local candidate may carry at most `balance' times the load of
 * the least loaded shard anywhere, beyond which the flow goes remote, and says so. Flows are placed in
 * the order given, so appending a flow moves no other; `prior' owners are kept as they are, so
 * neither does removing one at reload. No system call, no clock, no randomness: the same input
 * gives the same plan on every machine. Any thread.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "numa/topo.h"
#include "src/base/log.h"

#define PLAN_SPREAD_MAX 64
#define PLAN_ANY        UINT32_MAX /* no shard named, no prior owner */

enum plan_why {
	PLAN_WHY_LOCAL,        /* on the ingress interface's node */
	PLAN_WHY_NODE_UNKNOWN, /* interface has no known node: balanced over all shards */
	PLAN_WHY_NO_LOCAL,     /* no shard runs on the interface's node */
	PLAN_WHY_BALANCE,      /* local shards were beyond the balance bound */
	PLAN_WHY_NAMED,        /* shard= on the rule */
	PLAN_WHY_PRIOR,        /* kept its owner */
};

struct plan_flow {
	int node_os;          /* of the ingress interface; TOPO_UNKNOWN */
	uint32_t weight;      /* at least 1 */
	uint32_t spread;      /* owners wanted, 1..PLAN_SPREAD_MAX */
	uint32_t named_shard; /* shard=, or PLAN_ANY */
	uint32_t prior_shard; /* owner in the plan before, or PLAN_ANY */
};

struct plan_policy {
	uint32_t shard_count;    /* --shards, 0 = one per core */
	const int *cpus_os;      /* --cpus, NULL = all allowed */
	uint32_t cpus_count;
	bool smt;                /* --smt: a shard per hardware thread */
	int reserve_cores;       /* --reserve-cores; -1 = one when there are more than two cores */
	bool oversubscribe;      /* --oversubscribe: more shards than CPUs, for tests */
	double balance;          /* --balance, see above; 0 = strictly local */
};

struct plan_shard {
	int cpu_os;
	int node_os;         /* memory comes from here; TOPO_UNKNOWN: anywhere */
	uint32_t flow_count;
	uint64_t load;       /* sum of weights (a spread flow counts its weight at each owner) */
};

struct plan_owner {
	uint32_t shard;
	enum plan_why why;
};

struct plan {
	struct plan_shard *shards;
	uint32_t shard_count;
	struct plan_owner *owners;   /* flow i's are owners[first_owner[i] .. first_owner[i + 1]) */
	uint32_t *first_owner;       /* flow_count + 1 entries */
	uint32_t flow_count;
	uint32_t cpus_reserved;      /* CPUs left to the rest of the system */
};

/* 0 or -errno with `err' naming the flag that cannot be met (EINVAL: a CPU that is not allowed, more
 * shards than CPUs without --oversubscribe, a shard= that does not exist, spread above shards).
 * `flows' may be NULL when `flow_count' is 0. */
int plan_build(const struct topo *topo, const struct plan_flow *flows, uint32_t flow_count,
               const struct plan_policy *policy, struct plan *out, struct err *err);

/* Accepts all-zero. */
void plan_free(struct plan *plan);

/* "local", "interface node unknown", "no shard on node", "balance", "named", "kept". */
const char *plan_why_name(enum plan_why why);
