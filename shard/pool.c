/* pool.c - builds the pool in the shard's arena, publishes its counts, proves it whole.
 *
 * Steps 6 and 11 of a datagram use the verbs in pool_inline.h; here is what happens around
 * them: sizes, set-up before traffic, one copy of the counters per turn, and the walk that tests
 * and shutdown use. Owner: the shard thread. Units: bytes and slots.
 *
 * Arena order: the stacks and states of all classes first, then the slots. The former are
 * touched for every datagram and so lie together; with the default counts they are 7 KiB.
 */
#include "shard/pool.h"

#include <errno.h>

static const struct {
	const char *name;
	uint32_t payload_bytes;
} pool_classes[POOL_CLASS_COUNT] = {
	[POOL_SMALL] = {"small", 1500},
	[POOL_STANDARD] = {"standard", 4096},
	[POOL_JUMBO] = {"jumbo", 9000},
	[POOL_TRAIN] = {"train", UDP_PAYLOAD_MAX},
};

static_assert(offsetof(struct pool_class_state, stats) < CACHE_LINE_BYTES,
	      "what the verbs touch is in the first line");

static void publish_class(struct pool_class_state *c);
static bool stack_is_sound(const struct pool_class_state *c);

uint32_t pool_payload_bytes(enum pool_class cls)
{
	must(cls < POOL_CLASS_COUNT);
	return pool_classes[cls].payload_bytes;
}

size_t pool_stride_bytes(enum pool_class cls)
{
	size_t need = SLOT_HEAD_BYTES + pool_payload_bytes(cls);
	size_t lines = (need + CACHE_LINE_BYTES - 1) / CACHE_LINE_BYTES;

	/* An odd number of lines is coprime to the number of cache sets: slots spread over all. */
	return (lines | 1) * CACHE_LINE_BYTES;
}

const char *pool_class_name(enum pool_class cls)
{
	must(cls < POOL_CLASS_COUNT);
	return pool_classes[cls].name;
}

int pool_class_for(const struct pool_counts *counts, uint32_t payload_bytes)
{
	int largest = -ENOENT;

	for (int cls = 0; cls < POOL_CLASS_COUNT; cls++) {
		if (counts->count[cls] == 0) {
			continue;
		}
		if (payload_bytes <= pool_classes[cls].payload_bytes) {
			return cls;
		}
		largest = cls;
	}
	return largest;
}

void pool_cut(struct pool *pool, const struct pool_counts *counts, struct arena *arena)
{
	*pool = (struct pool){0};
	for (int cls = 0; cls < POOL_CLASS_COUNT; cls++) {
		struct pool_class_state *c = &pool->classes[cls];

		must(counts->count[cls] <= POOL_SLOTS_MAX);
		c->count = counts->count[cls];
		c->stride_bytes = (uint32_t)pool_stride_bytes((enum pool_class)cls);
		c->payload_bytes = pool_payload_bytes((enum pool_class)cls);
		if (c->count > 0) {
			size_t bytes = c->count * sizeof(uint16_t);

			c->free_stack = arena_alloc(arena, bytes, CACHE_LINE_BYTES);
			c->state = arena_alloc(arena, bytes, CACHE_LINE_BYTES);
		}
	}
	for (int cls = 0; cls < POOL_CLASS_COUNT; cls++) {
		struct pool_class_state *c = &pool->classes[cls];

		if (c->count > 0) {
			c->base = arena_alloc(arena, (size_t)c->count * c->stride_bytes,
					      CACHE_LINE_BYTES);
		}
	}
}

size_t pool_arena_bytes(const struct pool_counts *counts)
{
	struct arena counter = ARENA_COUNTER;
	struct pool ignored;

	pool_cut(&ignored, counts, &counter);
	return counter.used_bytes;
}

void pool_init(struct pool *pool, struct pool_class_stats *stats)
{
	for (int cls = 0; cls < POOL_CLASS_COUNT; cls++) {
		struct pool_class_state *c = &pool->classes[cls];

		c->free_and_taken = c->count;
		for (uint32_t i = 0; i < c->count; i++) {
			c->free_stack[i] = (uint16_t)(c->count - 1 - i);
		}
		c->stats = &stats[cls];
	}
	pool_publish_stats(pool);
}

void pool_publish_stats(struct pool *pool)
{
	for (int cls = 0; cls < POOL_CLASS_COUNT; cls++) {
		publish_class(&pool->classes[cls]);
	}
}

void pool_publish_census(struct pool *pool, bool idle)
{
	pool_publish_stats(pool);
	for (int cls = 0; cls < POOL_CLASS_COUNT; cls++) {
		const struct pool_class_state *c = &pool->classes[cls];
		uint32_t lent = 0, held = 0;

		for (uint32_t i = 0; i < c->count; i++) {
			lent += c->state[i] == POOL_LENT;
			held += c->state[i] >= POOL_HELD && c->state[i] < POOL_LENT;
		}
		stat_set(&c->stats->in_ring, lent);
		stat_set(&c->stats->held, held);
		stat_set(&c->stats->leaked, idle ? held : 0);
	}
}

bool pool_consistent(const struct pool *pool)
{
	for (int cls = 0; cls < POOL_CLASS_COUNT; cls++) {
		const struct pool_class_state *c = &pool->classes[cls];
		uint32_t free_slots = 0;
		uint32_t lent = 0;

		for (uint32_t i = 0; i < c->count; i++) {
			free_slots += c->state[i] <= POOL_FREE;
			lent += c->state[i] == POOL_LENT;
		}
		if (free_slots != c->free_count || lent != c->ring_count || !stack_is_sound(c)) {
			return false;
		}
	}
	return true;
}

static void publish_class(struct pool_class_state *c)
{
	uint32_t in_use = c->count - c->free_count;

	c->taken_total += (uint32_t)(c->taken - c->taken_seen);
	c->taken_seen = c->taken;
	while (c->high_water < c->count && c->state[c->high_water] != POOL_FRESH) {
		c->high_water++;
	}
	stat_set(&c->stats->taken, c->taken_total);
	stat_set(&c->stats->returned, c->taken_total - in_use);
	stat_set(&c->stats->free, c->free_count);
	stat_set(&c->stats->in_ring, c->ring_count);
	stat_set(&c->stats->held, in_use - c->ring_count);
	stat_set(&c->stats->high_water, c->high_water);
	stat_set(&c->stats->exhausted, c->exhausted);
}

/* The stack's indexes are in range, unheld and different from each other. */
static bool stack_is_sound(const struct pool_class_state *c)
{
	uint8_t seen[POOL_SLOTS_MAX / 8] = {0};

	if (c->free_count > c->count) {
		return false;
	}
	for (uint32_t i = 0; i < c->free_count; i++) {
		uint16_t index = c->free_stack[i];

		if (index >= c->count || c->state[index] > POOL_FREE) {
			return false;
		}
		if (seen[index / 8] & 1U << index % 8) {
			return false;
		}
		seen[index / 8] |= (uint8_t)(1U << index % 8);
	}
	return true;
}
