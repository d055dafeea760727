/* plan_heaps.c - binary heaps of shards, one for each node (step 2).
 *
 * Each shard knows its position, so one in the middle can be taken out in O(log n). Pure.
 */
#include "numa/plan_heaps.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "src/base/must.h"

static void fill(struct plan_heaps *hs, const struct topo *topo, uint32_t shard_count);
static void rise(struct plan_heaps *hs, struct plan_heap *heap, uint32_t pos);
static void sink(struct plan_heaps *hs, struct plan_heap *heap, uint32_t pos);
static void put(struct plan_heaps *hs, struct plan_heap *heap, uint32_t pos, uint32_t shard);
static bool lighter(const struct plan_heaps *hs, uint32_t a, uint32_t b);

uint32_t plan_node_slot(const struct topo *topo, int node_os)
{
	const struct topo_node *node = topo_find_node(topo, node_os);

	return node ? (uint32_t)(node - topo->nodes) : topo->node_count;
}

int plan_heaps_init(struct plan_heaps *hs, const struct topo *topo, const struct plan_shard *shards,
		    uint32_t shard_count)
{
	size_t slots = (size_t)topo->node_count + 1;

	hs->shards = shards;
	hs->slot_count = (uint32_t)slots;
	hs->heaps = calloc(slots, sizeof(*hs->heaps));
	hs->shards_at = calloc(slots, sizeof(*hs->shards_at));
	hs->room = calloc((size_t)shard_count + 1, sizeof(*hs->room));
	hs->slot_of = calloc((size_t)shard_count + 1, sizeof(*hs->slot_of));
	hs->at = calloc((size_t)shard_count + 1, sizeof(*hs->at));
	if (!hs->heaps || !hs->shards_at || !hs->room || !hs->slot_of || !hs->at) {
		plan_heaps_free(hs);
		return -ENOMEM;
	}
	fill(hs, topo, shard_count);
	return 0;
}

void plan_heaps_free(struct plan_heaps *hs)
{
	free(hs->heaps);
	free(hs->shards_at);
	free(hs->room);
	free(hs->slot_of);
	free(hs->at);
	memset(hs, 0, sizeof(*hs));
}

void plan_heaps_add(struct plan_heaps *hs, uint32_t shard)
{
	struct plan_heap *heap = &hs->heaps[hs->slot_of[shard]];

	must(hs->at[shard] == PLAN_HEAPS_NONE);
	must(heap->shards != NULL);
	heap->shards[heap->count] = shard;
	rise(hs, heap, heap->count++);
}

void plan_heaps_remove(struct plan_heaps *hs, uint32_t shard)
{
	struct plan_heap *heap = &hs->heaps[hs->slot_of[shard]];
	uint32_t pos = hs->at[shard];
	uint32_t last;

	must(pos != PLAN_HEAPS_NONE);
	last = heap->shards[--heap->count];
	hs->at[shard] = PLAN_HEAPS_NONE;
	if (last != shard) {
		put(hs, heap, pos, last);
		rise(hs, heap, pos);
		sink(hs, heap, hs->at[last]);
	}
}

uint32_t plan_heaps_top(const struct plan_heaps *hs, uint32_t slot)
{
	const struct plan_heap *heap = &hs->heaps[slot];

	return heap->count > 0 ? heap->shards[0] : PLAN_HEAPS_NONE;
}

uint32_t plan_heaps_lighter(const struct plan_heaps *hs, uint32_t a, uint32_t b)
{
	if (a == PLAN_HEAPS_NONE || b == PLAN_HEAPS_NONE) {
		return a == PLAN_HEAPS_NONE ? b : a;
	}
	return lighter(hs, a, b) ? a : b;
}

static void fill(struct plan_heaps *hs, const struct topo *topo, uint32_t shard_count)
{
	uint32_t room_used = 0;

	for (uint32_t i = 0; i < shard_count; i++) {
		hs->slot_of[i] = plan_node_slot(topo, hs->shards[i].home_os);
		hs->shards_at[hs->slot_of[i]]++;
		hs->at[i] = PLAN_HEAPS_NONE;
	}
	for (uint32_t slot = 0; slot < hs->slot_count; slot++) {
		hs->heaps[slot].shards = &hs->room[room_used];
		room_used += hs->shards_at[slot];
	}
	for (uint32_t i = 0; i < shard_count; i++) {
		plan_heaps_add(hs, i);
	}
}

static void rise(struct plan_heaps *hs, struct plan_heap *heap, uint32_t pos)
{
	uint32_t shard = heap->shards[pos];

	while (pos > 0 && lighter(hs, shard, heap->shards[(pos - 1) / 2])) {
		put(hs, heap, pos, heap->shards[(pos - 1) / 2]);
		pos = (pos - 1) / 2;
	}
	put(hs, heap, pos, shard);
}

static void sink(struct plan_heaps *hs, struct plan_heap *heap, uint32_t pos)
{
	uint32_t shard = heap->shards[pos];
	uint32_t child;

	while ((child = 2 * pos + 1) < heap->count) {
		if (child + 1 < heap->count &&
		    lighter(hs, heap->shards[child + 1], heap->shards[child])) {
			child++;
		}
		if (!lighter(hs, heap->shards[child], shard)) {
			break;
		}
		put(hs, heap, pos, heap->shards[child]);
		pos = child;
	}
	put(hs, heap, pos, shard);
}

static void put(struct plan_heaps *hs, struct plan_heap *heap, uint32_t pos, uint32_t shard)
{
	heap->shards[pos] = shard;
	hs->at[shard] = pos;
}

static bool lighter(const struct plan_heaps *hs, uint32_t a, uint32_t b)
{
	uint64_t a_load = hs->shards[a].load;
	uint64_t b_load = hs->shards[b].load;

	return a_load < b_load || (a_load == b_load && a < b);
}
