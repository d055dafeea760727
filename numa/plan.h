/* plan.h - a pure function: (topology, flows, policy) to a plan (step 2).
 *
 * First the shards, each with its CPU and memory node; then the flows, each with `spread' distinct
 * owner shards, normally one. No system call, no clock, no randomness: the same input gives the
 * same plan on every machine. Any thread.
 *
 * *Which CPUs become shards.* One per allowed physical core, on its first allowed hardware thread;
 * with `smt' one per allowed hardware thread. With more than two cores one is left to the rest of
 * the system: the core of the lowest CPU, where the kernel's housekeeping sits, unless it is the
 * only core of its node, in which case the next one. A `--cpus' list is taken literally instead:
 * exactly those CPUs, in that order, nothing reserved unless asked for; it may name CPUs that are
 * not in the affinity mask, as isolated ones are. With fewer shards than
 * cores, the nodes that flows ask for get shards in proportion to the weight asking (each at least
 * one, while there are enough), the other nodes what is left, in proportion to their cores; within
 * a node powerful cores come before efficient ones, separate cores before second hardware threads,
 * and separate last-level caches before shared ones. Shards are then numbered by node, then CPU.
 *
 * *Who owns a flow.* Flows are placed in the order given. A flow prefers shards whose CPU sits on
 * its ingress interface's node, then those on nodes at growing distance; among equally near ones
 * the least loaded by weight wins, ties to the lowest number. No shard is chosen that would then
 * carry more than `balance' times its fair share (the weight placed so far, this flow included,
 * divided by the shards; at least this flow's weight), rounded up. When all nearer shards are
 * beyond that bound the flow goes farther, and the plan says so; when all shards are, to the
 * nearest of the least loaded.
 *
 * A flow that is merged with an earlier one is owned by the same shards as that, in that order.
 *
 * *Stability.* Appending a flow moves no other, because each is placed knowing only those before
 * it. A plan in force may be given as `prior': its shards stay as they are and every flow that was
 * in it keeps its owners, so neither adding nor removing one moves another.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "numa/topo.h"
#include "src/base/log.h"

#define PLAN_SPREAD_MAX 64
#define PLAN_SHARDS_MAX 4096
#define PLAN_ANY        UINT32_MAX /* no shard named, not in the plan before */

enum plan_why {
	PLAN_WHY_LOCAL,        /* on the ingress interface's node */
	PLAN_WHY_NODE_UNKNOWN, /* interface has no known node: balanced over all shards */
	PLAN_WHY_NO_LOCAL,     /* no shard runs on the interface's node */
	PLAN_WHY_SPREAD,       /* all shards of the node own a part of this flow already */
	PLAN_WHY_BALANCE,      /* nearer shards were beyond the balance bound */
	PLAN_WHY_NAMED,        /* shard= on the rule */
	PLAN_WHY_PRIOR,        /* kept its owner */
	PLAN_WHY_MERGED,       /* where the flow is that it is merged with */
	PLAN_WHY_COUNT,
};

struct plan_flow {
	int node_os;          /* of the ingress interface; TOPO_UNKNOWN */
	uint32_t weight;      /* at least 1 */
	uint32_t spread;      /* owners wanted, 1..PLAN_SPREAD_MAX */
	uint32_t named_shard; /* shard=: the first owner; or PLAN_ANY */
	uint32_t prior_flow;  /* its number in policy->prior, or PLAN_ANY when it is new */
	uint32_t merged_with; /* 1 + the number of an earlier flow, whose owners it shares whatever
			       * else is said here; 0: none */
	const char *where;    /* for messages: "file.conf:12"; NULL: it is called by its number */
};

struct plan_policy {
	uint32_t shard_count; /* --shards, 0 = one per core, or per CPU of --cpus */
	uint32_t shards_max;  /* when shard_count is 0: no more than so many; 0 = no bound */
	const int *cpus_os;   /* --cpus, NULL = all allowed */
	uint32_t cpus_count;
	bool smt;                 /* --smt: a shard per hardware thread */
	int reserve_cores;        /* --reserve-cores; -1 = one when there are more than two cores */
	bool oversubscribe;       /* --oversubscribe: more shards than CPUs, for tests */
	double balance;           /* --balance, at least 1, see above; 0 = strictly nearest */
	const struct plan *prior; /* plan in force (its shards are kept, and none of the members
				   * above but `balance' is looked at), or NULL */
};

struct plan_shard {
	int cpu_os;
	int home_os; /* node the CPU sits on: what "local" means; or TOPO_UNKNOWN */
	int node_os; /* memory comes from here; TOPO_UNKNOWN: anywhere */
	uint32_t flow_count;
	uint64_t load; /* sum of weights (a spread flow counts its weight at each owner) */
};

struct plan_owner {
	uint32_t shard;
	enum plan_why why;
};

struct plan {
	struct plan_shard *shards;
	uint32_t shard_count;
	struct plan_owner *owners; /* flow i's are owners[first_owner[i] .. first_owner[i + 1]) */
	uint32_t *first_owner;     /* flow_count + 1 entries */
	uint32_t flow_count;
	uint32_t shards_idle;   /* more would have been started but for shards_max */
	uint32_t cpus_reserved; /* CPUs left to the rest of the system */
	int *reserved_os;       /* which, ascending */
};

/* 0 or -errno with `err' naming the flag that cannot be met (EINVAL: a CPU that is not allowed,
 * more shards than CPUs without --oversubscribe, a shard= that does not exist, spread above
 * shards). `flows' may be NULL when `flow_count' is 0. `policy->prior' is only read and may be
 * freed after. */
int plan_build(const struct topo *topo, const struct plan_flow *flows, uint32_t flow_count,
	       const struct plan_policy *policy, struct plan *out, struct err *err);

/* Accepts all-zero. */
void plan_free(struct plan *plan);

/* "local", "interface node unknown", "no shard on node", "spread", "balance", "named", "kept",
 * "merged". */
const char *plan_why_name(enum plan_why why);
