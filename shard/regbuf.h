/* regbuf.h - which part of a pool is registered with its ring (step 10).
 *
 * The kernel keeps the pages of a registered area pinned and lets zero-copy sends name it by
 * number. One area covers as many slots of a class as fit into 1 GiB, so a pool needs a handful of
 * the 16384 areas that a ring may have. What is scarce is the memory that a user may lock
 * (RLIMIT_MEMLOCK): all rings of all shards draw on it, so each shard gets the same share, which
 * shrinks as their number grows. When the share does not hold the whole pool, classes of large
 * slots come first, where zero copy gains most, and of a class the lowest slots, which its LIFO
 * hands out first.
 *
 * Pure. Any thread.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

#include "shard/limits.h"
#include "shard/pool.h"

#define REGBUF_ALL UINT64_MAX /* no limit */

/* How much may be registered. */
struct regbuf_limit {
	uint64_t slots;
	uint64_t bytes;
	uint64_t page_bytes; /* what the kernel counts them in, each page whole; 0: 4096 */
};

struct regbuf_map {
	uint32_t slots[POOL_CLASS_COUNT];    /* registered: the indexes below */
	uint32_t per_area[POOL_CLASS_COUNT]; /* slots; the last area of a class has the rest */
	uint32_t first[POOL_CLASS_COUNT];    /* number of the class's first area */
	uint32_t area_count;
};

/* What shard `index' of `shards' gets of a limit for all: equal parts, what is left over one by one
 * to the first. */
uint64_t regbuf_share(uint64_t all, uint32_t shards, uint32_t index);

/* Fills in `out'; all zero when nothing may be registered. */
void regbuf_plan(const struct pool_counts *counts, const struct regbuf_limit *limit,
		 struct regbuf_map *out);

/* The areas as addresses: `areas' has RING_BUFFERS_MAX entries. */
void regbuf_areas(const struct regbuf_map *map, const struct pool *pool, struct iovec *areas);

/* The one area in which all of these slots lie, or -1. */
int regbuf_area_of(const struct regbuf_map *map, const uint32_t *slots, uint32_t count);
