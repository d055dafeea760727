/* stats.h - exact counting of one flow's sequence numbers, and a histogram of latencies.
 *
 * The instrument beside the relay. Pure but for malloc; one thread, that of numacast-probe recv.
 *
 * probe_seq keeps one bit for each sequence number, in chunks of 32768. A chunk whose every number
 * has arrived is given back and replaced by a shared stand-in, so a flow without loss costs 8 bytes
 * per 32768 datagrams, and loss, duplicates and reordering stay exact however late a datagram
 * comes. Definitions (RFC 4737 for reordering):
 *
 *     duplicate   its number has arrived before
 *     reordered   new, but below a number that has arrived before
 *     lost        a number of the flow that never arrived; known only at the end
 *
 * probe_hist has 128 buckets for each power of two: the width of a bucket is at most 1/128 of the
 * values in it, so a quantile is at most 0.8 % too high. Minimum, maximum, and sum are exact.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PROBE_SEQ_MAX \
	(1ULL << 36) /* numbers of one flow: 19 hours at 1 M/s; 16 MiB of chunk list */

enum probe_seq_verdict {
	PROBE_SEQ_NEW,
	PROBE_SEQ_REORDERED, /* new as well */
	PROBE_SEQ_DUPLICATE,
	PROBE_SEQ_REFUSED, /* not counted: at or above PROBE_SEQ_MAX, or out of memory */
};

struct probe_seq_chunk;

struct probe_seq {
	struct probe_seq_chunk **chunks; /* NULL entries: nothing of it arrived */
	size_t chunk_count;
	uint64_t first;           /* lowest number seen; 0 when none was */
	uint64_t next;            /* highest number seen + 1 */
	uint64_t unique_count;    /* numbers seen */
	uint64_t duplicate_count; /* arrivals beyond the first of their number */
	uint64_t reordered_count;
	uint64_t reordered_extent; /* largest distance below the highest number seen before */
};

struct probe_range {
	uint64_t first;
	uint64_t last; /* inclusive */
};

enum probe_seq_verdict probe_seq_add(struct probe_seq *seq, uint64_t number);

/* The first run of missing numbers at or after `from' and below `until'; false when there is none.
 * Walk all by calling again with from = out->last + 1. */
bool probe_seq_gap(const struct probe_seq *seq, uint64_t from, uint64_t until,
		   struct probe_range *out);

/* Accepts all-zero. */
void probe_seq_free(struct probe_seq *seq);

#define PROBE_HIST_ROWS 58 /* 0..127 exactly, then one row for each power of two up to 2^63 */

struct probe_hist {
	uint64_t *rows[PROBE_HIST_ROWS]; /* 128 buckets each; NULL: nothing in them */
	uint64_t count;
	uint64_t min_ns, max_ns; /* meaningless when count is 0 */
	unsigned __int128 sum_ns;
};

/* 0 or -ENOMEM. */
int probe_hist_add(struct probe_hist *hist, uint64_t value_ns);
int probe_hist_merge(struct probe_hist *into, const struct probe_hist *from);

/* The smallest value that at least `per_100000'/100000 of the samples do not exceed (99900 for
 * p99.9), at most 0.8 % too high and never above the maximum; 0 when there is no sample. */
uint64_t probe_hist_quantile(const struct probe_hist *hist, uint32_t per_100000);
double probe_hist_mean(const struct probe_hist *hist);

/* Accepts all-zero. */
void probe_hist_free(struct probe_hist *hist);
