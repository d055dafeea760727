/* stats.c - the bitmap of sequence numbers and the log-linear histogram of stats.h.
 *
 * One thread: that of numacast-probe recv. Numbers are datagrams, values nanoseconds.
 */
#include "src/probe/stats.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "src/base/must.h"

#define CHUNK_BITS  15
#define CHUNK_SIZE  (1u << CHUNK_BITS) /* sequence numbers */
#define CHUNK_WORDS (CHUNK_SIZE / 64)

struct probe_seq_chunk {
	uint32_t seen_count;
	uint64_t words[CHUNK_WORDS];
};

/* Stands for every chunk that is complete; never written. */
static struct probe_seq_chunk full_chunk = {.seen_count = CHUNK_SIZE};

#define SUB_BITS  7
#define SUB_COUNT (1u << SUB_BITS) /* buckets in a row */

static struct probe_seq_chunk *chunk_of(struct probe_seq *seq, uint64_t number);
static uint64_t find_bit(const struct probe_seq *seq, uint64_t from, uint64_t until, bool wanted);
static void bucket_of(uint64_t value, unsigned *row, unsigned *column);
static uint64_t *row_of(struct probe_hist *hist, unsigned row);
static uint64_t bucket_top(unsigned row, unsigned column);

enum probe_seq_verdict probe_seq_add(struct probe_seq *seq, uint64_t number)
{
	struct probe_seq_chunk *chunk = chunk_of(seq, number);
	uint32_t bit = (uint32_t)(number & (CHUNK_SIZE - 1));
	bool late = number < seq->next;

	if (chunk == NULL) {
		return PROBE_SEQ_REFUSED;
	}
	if (chunk == &full_chunk || (chunk->words[bit / 64] >> (bit % 64) & 1) != 0) {
		seq->duplicate_count++;
		return PROBE_SEQ_DUPLICATE;
	}
	chunk->words[bit / 64] |= 1ULL << (bit % 64);
	if (++chunk->seen_count == CHUNK_SIZE) {
		seq->chunks[number >> CHUNK_BITS] = &full_chunk;
		free(chunk);
	}
	if (seq->unique_count++ == 0 || number < seq->first) {
		seq->first = number;
	}
	if (!late) {
		seq->next = number + 1;
		return PROBE_SEQ_NEW;
	}
	seq->reordered_count++;
	if (seq->next - 1 - number > seq->reordered_extent) {
		seq->reordered_extent = seq->next - 1 - number;
	}
	return PROBE_SEQ_REORDERED;
}

bool probe_seq_gap(const struct probe_seq *seq, uint64_t from, uint64_t until,
		   struct probe_range *out)
{
	uint64_t first = find_bit(seq, from, until, false);

	if (first >= until) {
		return false;
	}
	out->first = first;
	out->last = find_bit(seq, first, until, true) - 1;
	return true;
}

void probe_seq_free(struct probe_seq *seq)
{
	for (size_t i = 0; i < seq->chunk_count; i++) {
		if (seq->chunks[i] != &full_chunk) {
			free(seq->chunks[i]);
		}
	}
	free(seq->chunks);
	memset(seq, 0, sizeof(*seq));
}

int probe_hist_add(struct probe_hist *hist, uint64_t value_ns)
{
	unsigned row;
	unsigned column;
	uint64_t *buckets;

	bucket_of(value_ns, &row, &column);
	buckets = row_of(hist, row);
	if (buckets == NULL) {
		return -ENOMEM;
	}
	buckets[column]++;
	if (hist->count == 0 || value_ns < hist->min_ns) {
		hist->min_ns = value_ns;
	}
	if (hist->count == 0 || value_ns > hist->max_ns) {
		hist->max_ns = value_ns;
	}
	hist->count++;
	hist->sum_ns += value_ns;
	return 0;
}

int probe_hist_merge(struct probe_hist *into, const struct probe_hist *from)
{
	if (from->count == 0) {
		return 0;
	}
	for (unsigned row = 0; row < PROBE_HIST_ROWS; row++) {
		if (from->rows[row] != NULL && row_of(into, row) == NULL) {
			return -ENOMEM;
		}
	}
	for (unsigned row = 0; row < PROBE_HIST_ROWS; row++) {
		for (unsigned i = 0; from->rows[row] != NULL && i < SUB_COUNT; i++) {
			into->rows[row][i] += from->rows[row][i];
		}
	}
	if (into->count == 0 || from->min_ns < into->min_ns) {
		into->min_ns = from->min_ns;
	}
	if (into->count == 0 || from->max_ns > into->max_ns) {
		into->max_ns = from->max_ns;
	}
	into->count += from->count;
	into->sum_ns += from->sum_ns;
	return 0;
}

uint64_t probe_hist_quantile(const struct probe_hist *hist, uint32_t per_100000)
{
	unsigned __int128 scaled = (unsigned __int128)hist->count * per_100000 + 99999;
	uint64_t rank = (uint64_t)(scaled / 100000); /* samples that must not exceed it */
	uint64_t below = 0;

	must(per_100000 <= 100000);
	if (hist->count == 0) {
		return 0;
	}
	rank = rank > 0 ? rank : 1;
	for (unsigned row = 0; row < PROBE_HIST_ROWS; row++) {
		for (unsigned i = 0; hist->rows[row] != NULL && i < SUB_COUNT; i++) {
			below += hist->rows[row][i];
			if (below >= rank) {
				uint64_t top = bucket_top(row, i);

				return top < hist->max_ns ? top : hist->max_ns;
			}
		}
	}
	return hist->max_ns;
}

double probe_hist_mean(const struct probe_hist *hist)
{
	return hist->count == 0 ? 0 : (double)hist->sum_ns / (double)hist->count;
}

void probe_hist_free(struct probe_hist *hist)
{
	for (unsigned row = 0; row < PROBE_HIST_ROWS; row++) {
		free(hist->rows[row]);
	}
	memset(hist, 0, sizeof(*hist));
}

/* Makes the chunk of `number' exist; NULL when it cannot. */
static struct probe_seq_chunk *chunk_of(struct probe_seq *seq, uint64_t number)
{
	size_t idx = (size_t)(number >> CHUNK_BITS);

	if (number >= PROBE_SEQ_MAX) {
		return NULL;
	}
	if (idx >= seq->chunk_count) {
		size_t count = seq->chunk_count * 2 > idx ? seq->chunk_count * 2 : idx + 1;
		struct probe_seq_chunk **chunks = calloc(count, sizeof(struct probe_seq_chunk *));

		if (chunks == NULL) {
			return NULL;
		}
		if (seq->chunk_count > 0) {
			memcpy(chunks, seq->chunks,
			       seq->chunk_count * sizeof(struct probe_seq_chunk *));
		}
		free(seq->chunks);
		seq->chunks = chunks;
		seq->chunk_count = count;
	}
	if (seq->chunks[idx] == NULL) {
		seq->chunks[idx] = calloc(1, sizeof(struct probe_seq_chunk));
	}
	return seq->chunks[idx];
}

/* The first number at or after `from' and below `until' whose bit is `wanted'; `until' if none. */
static uint64_t find_bit(const struct probe_seq *seq, uint64_t from, uint64_t until, bool wanted)
{
	while (from < until) {
		size_t idx = (size_t)(from >> CHUNK_BITS);
		const struct probe_seq_chunk *chunk =
			idx < seq->chunk_count ? seq->chunks[idx] : NULL;
		uint32_t bit = (uint32_t)(from & (CHUNK_SIZE - 1));
		uint64_t word;

		if (idx >= seq->chunk_count) {
			return wanted ? until : from;
		}
		if (chunk == NULL || chunk == &full_chunk) {
			if ((chunk != NULL) == wanted) {
				return from;
			}
			from += CHUNK_SIZE - bit;
			continue;
		}
		word = wanted ? chunk->words[bit / 64] : ~chunk->words[bit / 64];
		word >>= bit % 64;
		if (word != 0) {
			from += (unsigned)__builtin_ctzll(word);
			break;
		}
		from += 64 - bit % 64;
	}
	return from < until ? from : until;
}

/* Row 0 holds 0..127 one by one; row r >= 1 holds 2^(r+6) .. 2^(r+7)-1, in steps of 2^(r-1). */
static void bucket_of(uint64_t value, unsigned *row, unsigned *column)
{
	unsigned top = value < SUB_COUNT ? 0 : 63u - (unsigned)__builtin_clzll(value);

	*row = value < SUB_COUNT ? 0 : top - SUB_BITS + 1;
	*column = value < SUB_COUNT ? (unsigned)value
				    : (unsigned)(value >> (top - SUB_BITS)) - SUB_COUNT;
}

static uint64_t *row_of(struct probe_hist *hist, unsigned row)
{
	if (hist->rows[row] == NULL) {
		hist->rows[row] = calloc(SUB_COUNT, sizeof(uint64_t));
	}
	return hist->rows[row];
}

/* The largest value that falls into the bucket. */
static uint64_t bucket_top(unsigned row, unsigned column)
{
	if (row == 0) {
		return column;
	}
	return ((uint64_t)(SUB_COUNT + column) << (row - 1)) + ((1ULL << (row - 1)) - 1);
}
