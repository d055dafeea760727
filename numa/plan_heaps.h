/* plan_heaps.h - the shards of each node, the least loaded on top (step 2).
 *
 * Internal to numa/plan*.c. A *node slot* is a position in topo->nodes; one more slot, the last,
 * stands for shards whose home is unknown. A shard may be taken out of its heap while its load
 * changes and put back afterwards. Pure but for memory; init and free pair up, and free accepts
 * all-zero.
 */
#pragma once

#include <stdint.h>

#include "numa/plan.h"
#include "numa/topo.h"

#define PLAN_HEAPS_NONE UINT32_MAX

struct plan_heap {
	uint32_t *shards; /* numbers, a binary heap by load, then number */
	uint32_t count;
};

struct plan_heaps {
	const struct plan_shard *shards; /* whose `load' orders them */
	struct plan_heap *heaps;         /* by node slot */
	uint32_t *shards_at; /* by node slot: shards at home there, in the heap or not */
	uint32_t *room;      /* what the heaps' arrays are cut from */
	uint32_t *slot_of;   /* by shard: its node slot */
	uint32_t *at;        /* by shard: position in its heap, or PLAN_HEAPS_NONE */
	uint32_t slot_count;
};

uint32_t plan_node_slot(const struct topo *topo, int node_os);

/* All shards are in their heaps afterwards. 0 or -ENOMEM. */
int plan_heaps_init(struct plan_heaps *hs, const struct topo *topo, const struct plan_shard *shards,
		    uint32_t shard_count);
void plan_heaps_free(struct plan_heaps *hs);

/* Puts a shard into its heap, which it must not be in; takes out one that must be. */
void plan_heaps_add(struct plan_heaps *hs, uint32_t shard);
void plan_heaps_remove(struct plan_heaps *hs, uint32_t shard);

/* The least loaded shard of a slot's heap, or PLAN_HEAPS_NONE. */
uint32_t plan_heaps_top(const struct plan_heaps *hs, uint32_t slot);

/* The less loaded of two shards, with equal loads the lower number; PLAN_HEAPS_NONE loses. */
uint32_t plan_heaps_lighter(const struct plan_heaps *hs, uint32_t a, uint32_t b);
