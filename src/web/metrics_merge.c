/* metrics_merge.c - whose lines there are of feeds that several flows bring (shard/merge.h).
 *
 * By rule they are sums over the feeds of a range and over shards, leg by leg; else each flow that
 * is a leg has its line, and the first leg that of the merge. See metrics.h. The HTTP thread.
 */
#include <stdlib.h>

#include "src/web/metrics.h"

/* What a rule's feeds have together. */
struct feed_sums {
	struct merge_stats merge;
	struct leg_stats legs[MERGE_LEGS_MAX];
	uint32_t rule;
	uint32_t leg_count;
};

static uint32_t count_merged(const struct snapshot *snapshot);
static bool by_flow(const struct snapshot *snapshot, struct metrics_table *out);
static bool by_rule(const struct snapshot *snapshot, uint32_t most, struct metrics_table *out);
static struct feed_sums *find_sums(struct feed_sums *sums, uint32_t *count, uint32_t rule);
static void put_rule(const struct snapshot *snapshot, const struct feed_sums *sums,
		     struct metrics_table *out);

bool metrics_add_merges(const struct snapshot *snapshot, enum metrics_detail detail,
			struct metrics_table *out)
{
	uint32_t merged = count_merged(snapshot);

	if (!metrics_start_lines(&out->legs, merged) ||
	    !metrics_start_lines(&out->merges, merged)) {
		return false;
	}
	if (merged == 0) {
		return true;
	}
	return detail == METRICS_BY_RULE ? by_rule(snapshot, merged, out) : by_flow(snapshot, out);
}

static uint32_t count_merged(const struct snapshot *snapshot)
{
	uint32_t merged = 0;

	for (uint32_t f = 0; f < snapshot->flow_count; f++) {
		merged += snapshot->flows[f].merged;
	}
	return merged;
}

static bool by_flow(const struct snapshot *snapshot, struct metrics_table *out)
{
	for (uint32_t f = 0; f < snapshot->flow_count; f++) {
		const struct snapshot_flow *flow = &snapshot->flows[f];
		struct text *text;

		if (!flow->merged) {
			continue;
		}
		text = metrics_begin_line(&out->legs, &flow->leg_stats);
		metrics_put_flow_labels(snapshot, flow, text);
		metrics_put_number_label(text, false, "leg", flow->leg);
		metrics_end_line(&out->legs);
		if (flow->leg == 0) {
			text = metrics_begin_line(&out->merges, &flow->merge_stats);
			metrics_put_flow_labels(snapshot, flow, text);
			metrics_end_line(&out->merges);
		}
	}
	return true;
}

/* `most' is how many rules there can be. */
static bool by_rule(const struct snapshot *snapshot, uint32_t most, struct metrics_table *out)
{
	struct feed_sums *sums = metrics_make_sums(&out->legs, most, sizeof(*sums));
	uint32_t count = 0;

	if (!sums) {
		return false;
	}
	for (uint32_t f = 0; f < snapshot->flow_count; f++) {
		const struct snapshot_flow *flow = &snapshot->flows[f];
		struct feed_sums *sum;

		if (!flow->merged) {
			continue;
		}
		sum = find_sums(sums, &count, flow->rule);
		metrics_add(COUNTERS_LEG, &sum->legs[flow->leg], &flow->leg_stats);
		if (flow->leg == 0) {
			metrics_add(COUNTERS_MERGE, &sum->merge, &flow->merge_stats);
		}
		if (sum->leg_count <= flow->leg) {
			sum->leg_count = flow->leg + 1U;
		}
	}
	for (uint32_t i = 0; i < count; i++) {
		put_rule(snapshot, &sums[i], out);
	}
	return true;
}

/* Flows of a rule mostly follow each other. */
static struct feed_sums *find_sums(struct feed_sums *sums, uint32_t *count, uint32_t rule)
{
	for (uint32_t i = *count; i-- > 0;) {
		if (sums[i].rule == rule) {
			return &sums[i];
		}
	}
	sums[*count].rule = rule;
	return &sums[(*count)++];
}

static void put_rule(const struct snapshot *snapshot, const struct feed_sums *sums,
		     struct metrics_table *out)
{
	const char *name = metrics_rule_name(snapshot, sums->rule);
	struct text *text;

	for (uint32_t leg = 0; leg < sums->leg_count; leg++) {
		text = metrics_begin_line(&out->legs, &sums->legs[leg]);
		metric_put_label(text, true, "rule", name);
		metrics_put_number_label(text, false, "leg", leg);
		metrics_end_line(&out->legs);
	}
	text = metrics_begin_line(&out->merges, &sums->merge);
	metric_put_label(text, true, "rule", name);
	metrics_end_line(&out->merges);
}
