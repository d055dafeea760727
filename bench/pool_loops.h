/* pool_loops.h - the measured loops of pool_bench.c.
 *
 * Compiled twice, by pool_loops_counted.c with the pool as it is and by pool_loops_bare.c with
 * POOL_METRICS 0, so that what counting costs is the difference of two equal loops; and once more
 * for malloc by malloc_loops.c. Each does `ops' allocate-and-free pairs. Every pair hides its slot
 * from the compiler (bench_keep), so nothing is folded away. One thread.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct pool;

struct pool_loops {
	/* One pair after the other. */
	void (*pairs)(struct pool *pool, unsigned cls, size_t ops);
	/* Takes `burst', then drops them in the order taken, and so on. `ops' is a multiple. */
	void (*bursts)(struct pool *pool, unsigned cls, size_t ops, size_t burst);
	/* Lend, accept, hold, drop, drop: a datagram's life with one output. */
	void (*lives)(struct pool *pool, unsigned cls, size_t ops);
	/* A pair with `len' bytes really copied in between, from `from' into the payload. */
	void (*copies)(struct pool *pool, unsigned cls, size_t ops, const void *from, size_t len);
	/* Times single pairs in ticks into `ticks'. */
	void (*singles)(struct pool *pool, unsigned cls, uint32_t *ticks, size_t count);
	/* Frees and takes at `at' of `held', which holds what is taken; `at' has `ops' entries. */
	void (*churn)(struct pool *pool, unsigned cls, size_t ops, const uint32_t *at,
		      uint32_t *held);
};

#define POOL_BURST_MAX 512

extern const struct pool_loops pool_loops_counted;
extern const struct pool_loops pool_loops_bare;

/* The same against malloc and free of `bytes'. malloc_settle makes the heap look as in a process
 * that has run for a while: there is a hole of that size, and what lies beyond it is in use, so
 * that free does not merge with the top of the heap each time (which costs four times as much). */
void malloc_settle(size_t bytes);
void malloc_pairs(size_t bytes, size_t ops);
void malloc_bursts(size_t bytes, size_t ops, size_t burst);
void malloc_copies(size_t bytes, size_t ops, const void *from, size_t len);
void malloc_singles(size_t bytes, uint32_t *ticks, size_t count);
void malloc_churn(size_t bytes, size_t ops, const uint32_t *at, void **held);
