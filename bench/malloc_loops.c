/* malloc_loops.c - the loops of pool_loops.h with the C library's allocator. */
#include "bench/pool_loops.h"

#include <stdlib.h>
#include <string.h>

#include "bench/bench.h"
#include "src/base/must.h"

static inline void *take(size_t bytes);

void malloc_settle(size_t bytes)
{
	static void *fence; /* kept on purpose: it holds the hole's far side */
	void *hole = take(bytes);

	free(fence);
	fence = take(bytes / 2 + 64);
	free(hole);
}

void malloc_pairs(size_t bytes, size_t ops)
{
	for (size_t i = 0; i < ops; i++) {
		free(take(bytes));
	}
}

void malloc_bursts(size_t bytes, size_t ops, size_t burst)
{
	void *blocks[POOL_BURST_MAX];

	for (size_t i = 0; i < ops; i += burst) {
		for (size_t n = 0; n < burst; n++) {
			blocks[n] = take(bytes);
		}
		for (size_t n = 0; n < burst; n++) {
			free(blocks[n]);
		}
	}
}

void malloc_copies(size_t bytes, size_t ops, const void *from, size_t len)
{
	for (size_t i = 0; i < ops; i++) {
		void *block = take(bytes);

		memcpy(block, from, len);
		bench_show(block);
		free(block);
	}
}

void malloc_singles(size_t bytes, uint32_t *ticks, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		uint64_t start = bench_ticks();

		free(take(bytes));
		ticks[i] = (uint32_t)(bench_ticks() - start);
	}
}

void malloc_churn(size_t bytes, size_t ops, const uint32_t *at, void **held)
{
	for (size_t i = 0; i < ops; i++) {
		free(held[at[i]]);
		held[at[i]] = take(bytes);
	}
}

static inline void *take(size_t bytes)
{
	void *block = malloc(bytes);

	bench_show(block);
	must(block != NULL);
	return block;
}
