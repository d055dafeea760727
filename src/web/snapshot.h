/* snapshot.h - what runs, as it was at one moment: copied once, and then nobody's to change.
 *
 * The control thread fills one in, in pieces (src/run/survey.h), and hands it over (web.h); from
 * then on it is read by the thread that answers HTTP and by nobody else. It holds no pointer into
 * anything that lives: texts and counters are copies. So whatever is made of it, metrics or a page,
 * takes its time and looks at nothing that changes.
 *
 * Flows and outputs stand as their shards have them: a flow that is divided, or whose outputs are,
 * stands there once for each shard that has a part.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "shard/counters.h"
#include "shard/pool.h"
#include "shard/rule.h"
#include "src/base/addr.h"
#include "src/base/confine.h"

#define SNAPSHOT_NO_RULE        UINT32_MAX /* a change was broken off, and the flow is to go */
#define SNAPSHOT_PLACEMENT_SIZE 64         /* bytes; holds a struct of `rows.placement' */
#define SNAPSHOT_FAST_SIZE      72         /* the same of `rows.fast_flow' and `fast_output' */

/* Families of counters that are no shard's. */
struct snapshot_rows {
	const struct counter_family *placement;
	const struct counter_family *fast_flow, *fast_output; /* part of a flow and an output */
};

struct snapshot_rule {
	char *name, *text, *where; /* as the configuration has them */
	unsigned state;            /* 0 it has no flow here, 1 it stands by, 2 it relays */
	uint64_t takeovers;
	double changed_s; /* since 1970, when that changed last; 0: it has not */
};

struct snapshot_flow {
	struct flow_stats stats;
	struct rule_ingress in;
	struct share share; /* all zero: the whole; without its CPUs */
	uint32_t rule;      /* of the snapshot's, or SNAPSHOT_NO_RULE */
	uint32_t shard;
	uint32_t first_output; /* of the snapshot's */
	uint32_t output_count;
	/* Of a leg of a feed (shard/merge.h); what all legs are together stands with the first. */
	struct leg_stats leg_stats;
	struct merge_stats merge_stats;
	bool merged;
	uint8_t leg;                           /* counted from 0 */
	char *why;                             /* it is pending; NULL: it is not */
	bool degraded;                         /* something is amiss with its interface */
	bool carried;                          /* the kernel relays it now */
	const char *by_shard;                  /* why not, a constant; NULL: nobody asked, either */
	uint64_t fast[SNAPSHOT_FAST_SIZE / 8]; /* of this, what it has; snapshot.fast */
};

struct snapshot_output {
	struct output_stats stats;
	struct endpoint to;
	struct addr from;
	uint64_t relayed_before; /* datagrams its flow had relayed when it came */
	uint32_t flow;           /* of the snapshot's */
	char *why;               /* as above, as is the next one */
	bool degraded;
	uint64_t fast[SNAPSHOT_FAST_SIZE / 8];
};

struct snapshot_pool {
	struct pool_class_stats stats;
	uint32_t slots;
	uint32_t payload_bytes; /* of each */
};

struct snapshot_shard {
	struct ring_stats ring;
	struct batch_stats batches;
	struct snapshot_pool pool[POOL_CLASS_COUNT];
	uint64_t placement[SNAPSHOT_PLACEMENT_SIZE / 8]; /* a struct of rows.placement */
	int cpu_os, node_os;
	pid_t tid;
	uint64_t arena_bytes;
	const char *page_size; /* a constant */
	bool huge_degraded, verified, failed;
	uint64_t pages, pages_misplaced;
	char *features; /* of the ring */
};

/* All bytes zero: empty, and safe to free. */
struct snapshot {
	uint64_t uptime_ns;
	double started_s;   /* since 1970 */
	const char *engine; /* a constant */
	bool draining;
	char *member; /* this machine's name among those that share the rules; NULL: none do */
	uint32_t members;
	uint64_t members_hash;
	uint64_t changes;                /* of the configuration or of its state, since the start */
	uint32_t disabled;               /* rules that are kept aside */
	uint64_t refused[CONFINE_COUNT]; /* system calls, by kind of thread */
	/* Why it is not as it should be, as `numacastctl health' tells; the first `failures' of
	 * them are shards that have failed. */
	char **reasons;
	uint32_t reason_count, failures;
	struct snapshot_rows rows;
	bool fast;  /* flows may be relayed in the kernel */
	bool timed; /* sends are, by --latency-sample */
	struct snapshot_shard *shards;
	struct snapshot_rule *rules;
	struct snapshot_flow *flows;
	struct snapshot_output *outputs;
	uint32_t shard_count, rule_count, flow_count, output_count;
	/* Sums of flows and outputs that are in no shard any more. */
	struct flow_stats gone_flows;
	struct output_stats gone_outputs;
};

/* Room for so many of each, all zero, and none of it counted yet. NULL: out of memory. */
struct snapshot *snapshot_new(uint32_t shards, uint32_t rules, uint32_t flows, uint32_t outputs);

/* Accepts NULL, and one that is half filled in. */
void snapshot_free(struct snapshot *snapshot);
