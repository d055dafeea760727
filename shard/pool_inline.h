/* pool_inline.h - the verbs of pool.h, inline because each is a handful of instructions.
 *
 * Included by pool.h only. Shard thread. A buffer is in exactly one of three places, and every verb
 * checks that it comes from where the verb says: the entry in `state' is the witness.
 * POOL_METRICS=0 leaves the takes uncounted, which is how bench/pool_bench.c measures what
 * counting costs (nothing else may define it).
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

/* Added to free_and_taken: one less free, and one more taken. */
#define POOL_STEP_TAKE ((POOL_METRICS ? (uint64_t)1 << 32 : 0) - 1)

/* Pops an index, or returns POOL_NONE; its state becomes `mark'. */
static inline uint32_t pool_pop(struct pool_class_state *c, uint16_t mark)
{
	uint64_t word = c->free_and_taken;
	uint32_t n = (uint32_t)word;

	if (__builtin_expect(n == 0, 0)) {
		c->exhausted++;
		return POOL_NONE;
	}

	uint16_t index = c->free_stack[n - 1];

	c->free_and_taken = word + POOL_STEP_TAKE;
	must(c->state[index] <= POOL_FREE);
	c->state[index] = mark;
	return index;
}

static inline void pool_push(struct pool_class_state *c, uint16_t index)
{
	uint64_t word = c->free_and_taken;

	c->free_and_taken = word + 1;
	c->free_stack[(uint32_t)word] = index;
	c->state[index] = POOL_FREE;
}

static inline uint32_t pool_take(struct pool *pool, enum pool_class cls)
{
	struct pool_class_state *c = &pool->classes[cls];
	uint32_t index = pool_pop(c, POOL_HELD);

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
	uint16_t *state = &c->state[pool_slot_index(slot)];

	must(*state == POOL_LENT);
	*state = POOL_HELD;
	c->ring_count--;
}

static inline void pool_hold(struct pool *pool, uint32_t slot)
{
	struct pool_class_state *c = pool_class_of(pool, slot);
	uint16_t *state = &c->state[pool_slot_index(slot)];

	/* Neither free nor lent, and room for one more hold. */
	must((uint16_t)(*state - POOL_HELD) < POOL_HOLDS_MAX - 1);
	++*state;
}

static inline bool pool_drop(struct pool *pool, uint32_t slot)
{
	struct pool_class_state *c = pool_class_of(pool, slot);
	uint16_t index = pool_slot_index(slot);
	uint16_t state = c->state[index];

	/* Neither free nor lent. */
	must((uint16_t)(state - POOL_HELD) < POOL_HOLDS_MAX);
	if (state > POOL_HELD) {
		c->state[index] = (uint16_t)(state - 1);
		return false;
	}
	pool_push(c, index);
	return true;
}

static inline void pool_unlend(struct pool *pool, uint32_t slot)
{
	struct pool_class_state *c = pool_class_of(pool, slot);
	uint16_t index = pool_slot_index(slot);

	must(c->state[index] == POOL_LENT);
	c->ring_count--;
	pool_push(c, index);
}
