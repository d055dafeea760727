/* needs.h - what a setup takes from the host: memory, pages of each node, files, locked memory.
 *
 * One place for sums that the start, the host check and the printed plans must agree on. Pure.
 * Units: bytes, pages, files.
 */
#pragma once

#include <stdint.h>

#include "src/base/arena.h"
#include "src/setup/setup.h"

/* Huge pages that arenas take from one node. */
struct needs_node {
	uint32_t arena_count; /* shards whose memory comes from here */
	uint64_t pages;       /* huge pages for these arenas; 0 when pages come from no pool */
	uint64_t goal;        /* size of the pool with which they succeed: more than `pages' where
			       * others hold some; `pages' when the pool cannot be read */
	int64_t total;        /* size of the pool now, or TOPO_UNKNOWN */
	int64_t unused;       /* of these still to be had, or TOPO_UNKNOWN */
};

/* The arenas of a plan by node. */
struct needs_arenas {
	struct needs_node *nodes; /* as topo->nodes */
	struct needs_node any;    /* shards whose memory node is unknown, and the machine's pool */
	uint64_t page_bytes;
	uint64_t pages_per_shard; /* 0 when pages come from no pool */
};

/* Bytes of the largest arena among the shards, which differ by the tables they own. */
uint64_t needs_largest_arena(const struct setup *setup);

/* The kind of page that a shard tries first for an arena of `arena_bytes'. */
enum arena_huge needs_first_page(const struct opt *opt, uint64_t arena_bytes);

/* Counts arenas of `arena_bytes' each in pages of kind `page'. 0 or -ENOMEM. */
int needs_count_arenas(const struct topo *topo, const struct plan *plan, uint64_t arena_bytes,
		       enum arena_huge page, struct needs_arenas *out);

/* Accepts all-zero. */
void needs_free_arenas(struct needs_arenas *arenas);

/* What the control group is asked for. */
struct needs_group {
	uint64_t memory_bytes; /* that count as memory: all but pages of the huge-page pools */
	uint64_t huge_bytes;   /* from the pools, in pages of `page_bytes' */
	uint64_t page_bytes;
	uint64_t threads; /* beside the one that runs now */
	uint64_t cpus;    /* different ones that run shards */
};

/* 0 or -ENOMEM. */
int needs_of_group(const struct setup *setup, struct needs_group *out);

/* Files that the shards and the process around them will have open. */
uint64_t needs_files(const struct setup *setup);

/* Memory that the rings of all shards take from RLIMIT_MEMLOCK at most. */
uint64_t needs_ring_bytes(const struct setup *setup);
