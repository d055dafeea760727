/* pool_bench.h - what the sections of pool_bench share. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shard/pool.h"
#include "src/base/arena.h"
#include "src/base/log.h"

#define BENCH_NODE_ANY (-1)
#define ROUNDS_MAX     31

struct pool_bench {
	size_t ops;      /* pairs in one timed run */
	unsigned rounds; /* runs of each kind, taken in turn; medians are reported; odd */
	size_t singles;  /* pairs timed one by one */
	int node_os;     /* --bench-node, or BENCH_NODE_ANY */
	bool only_nodes; /* --nodes: the table of nodes and nothing else */
	double tick_ns;
	uint64_t tick_overhead;
};

/* A pool with memory of its own. */
struct pool_rig {
	struct arena arena;
	struct pool pool;
	struct pool_class_stats stats[POOL_CLASS_COUNT];
	struct err err; /* why rig_make refused */
};

/* What the targets are judged by; filled by the sections. */
struct pool_results {
	double pair_ns;         /* small class, counted */
	double pair_p99_ns;     /* small class, timed one by one */
	double malloc_ratio;    /* small class */
	double metrics_percent; /* worst class */
	double recovery_ns;     /* p99 */
};

/* Memory of kind `huge' on the bench's node; populated unless told otherwise. 0 or -errno. */
int rig_make(struct pool_rig *rig, const struct pool_bench *bench, const struct pool_counts *counts,
	     enum arena_huge huge, bool populate);
void rig_free(struct pool_rig *rig);

/* rig_make in 4 KiB pages, populated; exits when that is refused. */
void rig_make_usual(struct pool_rig *rig, const struct pool_bench *bench,
		    const struct pool_counts *counts);

/* As --pool has them when it is not given. */
struct pool_counts bench_default_counts(void);

/* pool_bench_cost.c: what the verbs cost. */
void bench_latency(const struct pool_bench *bench, struct pool_results *results);
void bench_sizes(const struct pool_bench *bench);
void bench_bursts(const struct pool_bench *bench);
void bench_copies(const struct pool_bench *bench);
void bench_exhaustion(const struct pool_bench *bench, struct pool_results *results);

/* pool_bench_memory.c: what the memory below costs. */
void bench_footprints(const struct pool_bench *bench);
void bench_nodes(const struct pool_bench *bench);
void bench_misses(const struct pool_bench *bench);
