/* pool_inline.h - the verbs of pool.h, inline because each is a handful of instructions.
 *
 * Included by pool.h only. Shard thread. A buffer is in exactly one of three places, and every verb
 * checks that it comes from where the verb says: the entry in `holds' is the witness. Counting is
 * plain arithmetic on the class' own cache line; POOL_METRICS=0 leaves it out, which is how
 * bench/pool_bench.c measures what it costs (nothing else may define it).
 */
#pragma once

#include "shard/pool.h"

#ifndef POOL_METRICS
#define POOL_METRICS 1
#endif

/* The class is reached by counting up, which the processor predicts, instead of by arithmetic on
 * the slot id, which it has to wait for: measured, 2.0 against 4.2 ns per take and drop in turn.
 * The empty asm keeps the compiler from turning the loop back into a multiplication. */
static inline struct pool_class_state *pool_class_of(struct pool *pool, uint32_t slot)
{
	struct pool_class_state *c = pool->classes;

	must(slot >> 16 < POOL_CLASS_COUNT);
	for (uint32_t cls = slot >> 16; cls > 0; cls--) {
		c++;
		__asm__("" : "+r"(c));
	}
	must(pool_slot_index(slot) < c->count);
	return c;
}

static inline void pool_count_taken(struct pool_class_state *c)
{
	if (!POOL_METRICS) {
		return;
	}
	c->taken++;
	if (c->free_count < c->free_low) {
		c->free_low = c->free_count;
	}
}

/* Pops an index, or returns POOL_NONE; its holds become `mark'. */
static inline uint32_t pool_pop(struct pool_class_state *c, uint16_t mark)
{
	uint32_t n = c->free_count;

	if (__builtin_expect(n == 0, 0)) {
		c->exhausted++;
		return POOL_NONE;
	}

	uint16_t index = c->free_stack[n - 1];

	c->free_count = n - 1;
	pool_count_taken(c);
	must(c->holds[index] == 0);
	c->holds[index] = mark;
	return index;
}

static inline void pool_push(struct pool_class_state *c, uint16_t index)
{
	uint32_t n = c->free_count;

	c->free_count = n + 1;
	c->free_stack[n] = index;
	c->holds[index] = 0;
}

static inline uint32_t pool_take(struct pool *pool, enum pool_class cls)
{
	struct pool_class_state *c = &pool->classes[cls];
	uint32_t index = pool_pop(c, 1);

	if (__builtin_expect(index == POOL_NONE, 0)) {
		return POOL_NONE;
	}
	return pool_slot_id(cls, (uint16_t)index);
}

static inline uint32_t pool_lend(struct pool *pool, enum pool_class cls)
{
	struct pool_class_state *c = &pool->classes[cls];
	uint32_t index = pool_pop(c, POOL_LENT);

	if (__builtin_expect(index == POOL_NONE, 0)) {
		return POOL_NONE;
	}
	c->ring_count++;
	return pool_slot_id(cls, (uint16_t)index);
}

static inline void pool_accept(struct pool *pool, uint32_t slot)
{
	struct pool_class_state *c = pool_class_of(pool, slot);
	uint16_t *holds = &c->holds[pool_slot_index(slot)];

	must(*holds == POOL_LENT);
	*holds = 1;
	c->ring_count--;
}

static inline void pool_hold(struct pool *pool, uint32_t slot)
{
	struct pool_class_state *c = pool_class_of(pool, slot);
	uint16_t *holds = &c->holds[pool_slot_index(slot)];

	/* Neither free nor lent, and room for one more: 1 .. POOL_HOLDS_MAX - 1. */
	must((uint16_t)(*holds - 1) < POOL_HOLDS_MAX - 1);
	++*holds;
}

static inline bool pool_drop(struct pool *pool, uint32_t slot)
{
	struct pool_class_state *c = pool_class_of(pool, slot);
	uint16_t index = pool_slot_index(slot);
	uint16_t holds = c->holds[index];

	/* Neither free nor lent: 1 .. POOL_HOLDS_MAX. */
	must((uint16_t)(holds - 1) < POOL_HOLDS_MAX);
	if (holds > 1) {
		c->holds[index] = (uint16_t)(holds - 1);
		return false;
	}
	pool_push(c, index);
	return true;
}

static inline void pool_unlend(struct pool *pool, uint32_t slot)
{
	struct pool_class_state *c = pool_class_of(pool, slot);
	uint16_t index = pool_slot_index(slot);

	must(c->holds[index] == POOL_LENT);
	c->ring_count--;
	pool_push(c, index);
}
