/* pool.h - a shard's datagram buffers: four size classes, LIFO by index (steps 6 and 11).
 *
 * The life of a buffer, told by the verbs:
 *
 *     pool_lend      free    -> in ring   given to the kernel to receive into
 *     pool_accept    in ring -> held (1)  the kernel filled it; we hold it
 *     pool_hold      held n  -> held n+1  a train will send from it
 *     pool_drop      held n  -> held n-1, and at 0 -> free
 *     pool_unlend    in ring -> free      taken back at shutdown
 *     pool_take      free    -> held (1)  without a kernel in between (tests, benches)
 *
 * Free lists are stacks of 16-bit indexes, so take and free are O(1) and hand back the buffer that
 * is still in cache. The kernel's own buffer ring is FIFO, therefore only a shallow part of each
 * class is lent (ring.h's group depth) and topped up from the stack. Strides are an odd number
 * of cache lines: consecutive payloads do not fall into the same cache sets, as a 64 KiB stride
 * would make them. Slots are named by a global id: class in the high 16 bits, index within the
 * class in the low 16.
 *
 * One thread, no locks, no atomics. Counting costs no instruction: how many are free and how often
 * one was taken share a word that a take changes by one addition, and the rest is derived when
 * the relay publishes the statistics, once per turn (pool_publish_stats). Returned is taken less
 * what is not free, and held is what is neither free nor in ring: while a shard runs, these agree
 * by construction. At its end pool_publish_census counts the slots themselves. High water is the
 * number of slots that were ever taken, because a LIFO that began with the lowest index on top
 * hands out index N for the first time exactly when N others are in use. Misuse of a slot (dropping
 * a free one, accepting one that was not lent, an index outside the class) aborts by must(), in
 * release builds too.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shard/counters.h"
#include "shard/limits.h"
#include "shard/slot.h"
#include "src/base/arena.h"
#include "src/base/must.h"

enum pool_class {
	POOL_SMALL,    /* 1500 B of payload */
	POOL_STANDARD, /* 4096 B */
	POOL_JUMBO,    /* 9000 B */
	POOL_TRAIN,    /* 65535 B: coalesced trains and fragmented datagrams */
};

#define POOL_NONE UINT32_MAX

/* A slot's entry in `state'. */
#define POOL_FRESH     0          /* free, and never taken yet */
#define POOL_FREE      1          /* free again */
#define POOL_HELD      2          /* held once; each further hold adds one */
#define POOL_LENT      UINT16_MAX /* in ring */
#define POOL_HOLDS_MAX (POOL_LENT - POOL_HELD)

static_assert(FLOW_OUTPUTS_MAX + 1 <= POOL_HOLDS_MAX,
	      "one hold per output and one of ingress fit in 16 bits");
static_assert(TRAIN_COUNT * TRAIN_IOV_MAX + 1 <= POOL_HOLDS_MAX,
	      "even every iovec of every train holding one slot fits in 16 bits");

/* The first cache line is what the verbs touch. Counts are in slots. */
struct pool_class_state {
	unsigned char *base;  /* slot 0 */
	uint16_t *free_stack; /* free_stack[0 .. free_count) */
	uint16_t *state;      /* per slot, see POOL_FRESH */
	union {
		uint64_t free_and_taken; /* one addition changes both */
		struct {
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
			uint32_t free_count;
			uint32_t taken; /* takes and lends, modulo 2^32 */
#else
			uint32_t taken;
			uint32_t free_count;
#endif
		};
	};
	uint64_t exhausted;     /* takes and lends that found nothing free */
	uint32_t count;         /* slots in all */
	uint32_t ring_count;    /* lent */
	uint32_t stride_bytes;  /* slot to slot */
	uint32_t payload_bytes; /* largest datagram that fits */
	struct pool_class_stats *stats;
	/* Touched by pool_publish_stats only. */
	uint64_t taken_total;
	uint32_t taken_seen; /* `taken' when last looked at */
	uint32_t high_water; /* indexes below it were taken at least once */
} __attribute__((aligned(CACHE_LINE_BYTES)));

struct pool {
	struct pool_class_state classes[POOL_CLASS_COUNT];
};

/* --pool small=N,standard=N,jumbo=N,train=N; each 0..POOL_SLOTS_MAX. */
struct pool_counts {
	uint32_t count[POOL_CLASS_COUNT];
};

uint32_t pool_payload_bytes(enum pool_class cls);
size_t pool_stride_bytes(enum pool_class cls);
const char *pool_class_name(enum pool_class cls); /* "small", ... */

/* The smallest class that has slots and takes `payload_bytes'; when none is large enough, the
 * largest that has slots (what does not fit is counted as truncated); -ENOENT when no class has
 * slots. */
int pool_class_for(const struct pool_counts *counts, uint32_t payload_bytes);

/* Cuts a pool's memory off `arena', which may be one that counts; as many bytes as
 * pool_arena_bytes says. */
void pool_cut(struct pool *pool, const struct pool_counts *counts, struct arena *arena);
size_t pool_arena_bytes(const struct pool_counts *counts);

/* All slots free, lowest index on top. `stats' has POOL_CLASS_COUNT elements and outlives the
 * pool. */
void pool_init(struct pool *pool, struct pool_class_stats *stats);

/* Brings the shared statistics of every class up to date. Shard thread, at the end of a turn:
 * readers see the state between two turns. At least once in 2^32 takes of a class. */
void pool_publish_stats(struct pool *pool);

/* The same at the shard's end, but what is in ring and held is counted slot by slot, not derived
 * from what is free: a slot that was lost makes the sums disagree. `idle': nothing is under way any
 * more, so whatever is held has leaked. Shard thread. */
void pool_publish_census(struct pool *pool, bool idle);

/* Walks every slot: free + in ring + held = all, no index twice on a stack, free slots unheld. Any
 * time, on the shard thread; not for the datagram path. */
bool pool_consistent(const struct pool *pool);

static inline enum pool_class pool_slot_class(uint32_t slot)
{
	return (enum pool_class)(slot >> 16);
}

static inline uint16_t pool_slot_index(uint32_t slot)
{
	return (uint16_t)slot;
}

static inline uint32_t pool_slot_id(enum pool_class cls, uint16_t index)
{
	return (uint32_t)cls << 16 | index;
}

/* First byte of the slot: its head (slot.h); the payload is SLOT_HEAD_BYTES further. */
static inline unsigned char *pool_slot_base(const struct pool *pool, uint32_t slot)
{
	const struct pool_class_state *c = &pool->classes[pool_slot_class(slot)];

	return c->base + (size_t)pool_slot_index(slot) * c->stride_bytes;
}

/* pool_lend, pool_take: a slot id, or POOL_NONE, counted as exhausted. pool_drop: true when that
 * was the last hold. */
static inline uint32_t pool_take(struct pool *pool, enum pool_class cls);
static inline uint32_t pool_lend(struct pool *pool, enum pool_class cls);
static inline void pool_accept(struct pool *pool, uint32_t slot);
static inline void pool_hold(struct pool *pool, uint32_t slot);
static inline bool pool_drop(struct pool *pool, uint32_t slot);
static inline void pool_unlend(struct pool *pool, uint32_t slot);

#include "shard/pool_inline.h"
