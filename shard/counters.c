/* counters.c - the table of all counters, made of the rows in counters.h.
 *
 * Constant data and the way to a value, for those that show counters; a shard itself counts in the
 * members of its structs and needs none of this. Any thread.
 */
#include "shard/counters.h"

#include "src/base/must.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* A row without a name would be missing wherever it is shown: the compiler refuses it. */
#define NAMED(x, name, ...) static_assert(sizeof("" name) > 1, "a counter has a name");

FLOW_COUNTERS(NAMED)
FLOW_DROPS(NAMED)
OUTPUT_COUNTERS(NAMED)
OUTPUT_ZEROCOPY(NAMED)
OUTPUT_DROPS(NAMED)
OUTPUT_LATENCY(NAMED)
OUTPUT_LATENCY_HISTOGRAM(NAMED)
LEG_COUNTERS(NAMED)
LEG_HISTOGRAM(NAMED)
MERGE_COUNTERS(NAMED)
POOL_COUNTERS(NAMED)
RING_COUNTERS(NAMED)
BATCH_COUNTERS(NAMED)
ZEROCOPY_REASONS(NAMED)

enum {
	STAT_BYTES = sizeof(stat_t), /* the analyser takes two sizeof for a mistake */
};

#define VALUES(type, member) (sizeof(((type *)0)->member) / STAT_BYTES)
#define ROW(type, member, name, unit, kind, help) \
	{name, unit, help, COUNTER_##kind, offsetof(type, member), VALUES(type, member)},
#define DROP_ROW(type, index, name, help) ROW(type, drops[index], name, "datagrams", DROP, help)

#define FLOW_ROW(...)            ROW(struct flow_stats, __VA_ARGS__)
#define FLOW_DROP_ROW(id, ...)   DROP_ROW(struct flow_stats, FLOW_DROP_##id, __VA_ARGS__)
#define OUTPUT_ROW(...)          ROW(struct output_stats, __VA_ARGS__)
#define OUTPUT_DROP_ROW(id, ...) DROP_ROW(struct output_stats, OUTPUT_DROP_##id, __VA_ARGS__)
#define LATENCY_ROW(member, name, unit, help) \
	ROW(struct output_stats, member, name, unit, HISTOGRAM, help)
#define LEG_ROW(...) ROW(struct leg_stats, __VA_ARGS__)
#define SKEW_ROW(member, name, unit, help) \
	ROW(struct leg_stats, member, name, unit, HISTOGRAM, help)
#define MERGE_ROW(...) ROW(struct merge_stats, __VA_ARGS__)
#define POOL_ROW(...)  ROW(struct pool_class_stats, __VA_ARGS__)
#define RING_ROW(...)  ROW(struct ring_stats, __VA_ARGS__)
#define BATCH_ROW(member, name, unit, help) \
	ROW(struct batch_stats, member, name, unit, HISTOGRAM, help)
#define REASON_NAME(id, name) [ZEROCOPY_OFF_##id] = (name),

static const struct counter flow_rows[] = {FLOW_COUNTERS(FLOW_ROW)};
static const struct counter flow_drop_rows[] = {FLOW_DROPS(FLOW_DROP_ROW)};
static const struct counter output_rows[] = {OUTPUT_COUNTERS(OUTPUT_ROW)};
static const struct counter zerocopy_rows[] = {OUTPUT_ZEROCOPY(OUTPUT_ROW)};
static const struct counter output_drop_rows[] = {OUTPUT_DROPS(OUTPUT_DROP_ROW)};
static const struct counter latency_rows[] = {OUTPUT_LATENCY(OUTPUT_ROW)
						      OUTPUT_LATENCY_HISTOGRAM(LATENCY_ROW)};
static const struct counter leg_rows[] = {LEG_COUNTERS(LEG_ROW) LEG_HISTOGRAM(SKEW_ROW)};
static const struct counter merge_rows[] = {MERGE_COUNTERS(MERGE_ROW)};
static const struct counter pool_rows[] = {POOL_COUNTERS(POOL_ROW)};
static const struct counter ring_rows[] = {RING_COUNTERS(RING_ROW)};
static const struct counter batch_rows[] = {BATCH_COUNTERS(BATCH_ROW)};

/* Nothing is counted that has no row. */
static_assert(offsetof(struct flow_stats, drops) == sizeof(stat_t) * COUNT(flow_rows),
	      "a flow's counters are the rows");
static_assert(offsetof(struct output_stats, drops) ==
		      sizeof(stat_t) * (COUNT(output_rows) + COUNT(zerocopy_rows)),
	      "an output's counters are the rows");
static_assert(offsetof(struct leg_stats, skew) == sizeof(stat_t) * (COUNT(leg_rows) - 1),
	      "a leg's counters are the rows");
static_assert(COUNT(flow_drop_rows) == FLOW_DROP_COUNT, "one row a drop");
static_assert(COUNT(output_drop_rows) == OUTPUT_DROP_COUNT, "one row a drop");

const struct counter_family counter_families[COUNTERS_FAMILY_COUNT] = {
	[COUNTERS_FLOW] = {"flow", "Counters of a flow", flow_rows, COUNT(flow_rows)},
	[COUNTERS_FLOW_DROPS] = {"flow_drops", "Drops of a flow", flow_drop_rows,
				 COUNT(flow_drop_rows)},
	[COUNTERS_OUTPUT] = {"output", "Counters of an output", output_rows, COUNT(output_rows)},
	[COUNTERS_OUTPUT_ZEROCOPY] = {"zerocopy", "Zero copy of an output", zerocopy_rows,
				      COUNT(zerocopy_rows)},
	[COUNTERS_OUTPUT_DROPS] = {"output_drops", "Drops of an output", output_drop_rows,
				   COUNT(output_drop_rows)},
	[COUNTERS_OUTPUT_LATENCY] = {"latency", "Latency of an output", latency_rows,
				     COUNT(latency_rows)},
	[COUNTERS_LEG] = {"leg", "Counters of a leg", leg_rows, COUNT(leg_rows)},
	[COUNTERS_MERGE] = {"merge", "Counters of a merge", merge_rows, COUNT(merge_rows)},
	[COUNTERS_POOL] = {"pool", "Counters of a class of buffers", pool_rows, COUNT(pool_rows)},
	[COUNTERS_RING] = {"ring", "Counters of a ring", ring_rows, COUNT(ring_rows)},
	[COUNTERS_BATCHES] = {"batches", "Sizes of batches", batch_rows, COUNT(batch_rows)},
};

uint64_t counter_get(const struct counter *row, const void *stats)
{
	return counter_bucket(row, stats, 0);
}

uint64_t counter_bucket(const struct counter *row, const void *stats, unsigned bucket)
{
	const unsigned char *at = (const unsigned char *)stats + row->offset;

	must(bucket < row->buckets);
	return stat_get((const stat_t *)(const void *)at + bucket);
}

void counters_add(const struct counter_family *family, void *to, const void *from)
{
	for (uint32_t i = 0; i < family->count; i++) {
		const struct counter *row = &family->rows[i];

		stat_t *sum = (stat_t *)(void *)((unsigned char *)to + row->offset);

		if (row->kind != COUNTER_COUNT && row->kind != COUNTER_DROP &&
		    row->kind != COUNTER_HISTOGRAM) {
			continue;
		}
		for (uint32_t b = 0; b < row->buckets; b++) {
			uint64_t more = counter_bucket(row, from, b);

			if (more > 0) { /* most are not, and of many flows that counts */
				stat_add(&sum[b], more);
			}
		}
	}
}

const char *counter_reason(uint64_t value)
{
	static const char *const names[ZEROCOPY_OFF_COUNT] = {ZEROCOPY_REASONS(REASON_NAME)};

	must(value < ZEROCOPY_OFF_COUNT);
	return names[value];
}
