/* zerocopy.h - which trains leave without being copied, and when to stop trying (step 10).
 *
 * A zero-copy send gives the device the slots themselves, and they come back when it is done with
 * them: microseconds later as a rule, seconds when a link is paused. So that one slow device cannot
 * take the receives of all flows with it, at most half of the slots of a class and half of the
 * trains may be out at once; what comes then is copied.
 *
 * An output stops by itself when the kernel says ZEROCOPY_COPIED_MAX times in a row that it copied
 * (a receiver on this host, a device that cannot gather), or refuses that often what copying then
 * sends. Shard thread only.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shard/counters.h"
#include "shard/limits.h"
#include "shard/pool.h"
#include "shard/regbuf.h"
#include "src/base/arena.h"

/* Of a shard. All zero: no output uses zero copy. */
struct zerocopy {
	uint16_t *holds[POOL_CLASS_COUNT]; /* per slot: zero-copy sends that have it out */
	uint32_t slots[POOL_CLASS_COUNT];  /* in all */
	uint32_t slots_out[POOL_CLASS_COUNT];
	uint32_t trains_out;
	uint32_t trains_max; /* out at once */
	struct regbuf_map areas;
};

/* Of an output. All zero: does not use it. */
struct zerocopy_output {
	uint32_t min_bytes;  /* shorter trains are copied; 0: all */
	uint32_t sure_bytes; /* so much in one piece was taken last */
	uint32_t copied;     /* in a row */
	uint32_t refused;    /* in a row */
};

/* Cuts its memory off `arena', which may be one that counts; ready for use, but for `areas'. */
void zerocopy_cut(struct zerocopy *zc, const struct pool_counts *counts, uint32_t train_count,
		  struct arena *arena);

/* Whether a train of `bytes' in these slots is to be sent without copying. */
bool zerocopy_takes(const struct zerocopy *zc, const struct zerocopy_output *out,
		    const uint32_t *slots, uint32_t count, uint32_t bytes);

/* Whether it will be taken, as far as anybody can know: a piece at least as long was, which had as
 * many pages or more. Then others may follow it before it is answered. */
bool zerocopy_is_sure(const struct zerocopy_output *out, uint32_t count, uint32_t bytes);
void zerocopy_taken(struct zerocopy_output *out, uint32_t count, uint32_t bytes);

/* The train goes out; it is back. */
void zerocopy_out(struct zerocopy *zc, const uint32_t *slots, uint32_t count);
void zerocopy_back(struct zerocopy *zc, const uint32_t *slots, uint32_t count);

/* Whether a zero-copy send that failed so may succeed by copying. */
bool zerocopy_is_refusal(int err);

/* A zero-copy send is over and its memory free. */
void zerocopy_count_done(struct zerocopy_output *out, struct output_stats *stats, bool copied);

/* A zero-copy send was refused; what it could not, a copying one has done. */
void zerocopy_count_refused(struct zerocopy_output *out, struct output_stats *stats, int err);
void zerocopy_count_made_good(struct zerocopy_output *out, struct output_stats *stats);
