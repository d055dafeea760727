/* metrics_lines.c - whose lines a family of counters has: labels, and the counters or their sums.
 *
 * Labels are written once for each, however many counters it has. See metrics.h for which detail
 * gives which lines. Sums are as counters_add has them; of what has no sum, such as an errno, the
 * highest stands.
 */
#include <stdlib.h>
#include <string.h>

#include "src/web/metrics.h"

#define GONE_RULE "(being removed)" /* as in the exit report */

struct sums {
	struct flow_stats flows;
	struct output_stats outputs;
};

static bool by_rule(const struct snapshot *snapshot, struct metrics_table *out);
static bool by_flow(const struct snapshot *snapshot, bool outputs, struct metrics_table *out);
static void put_address(const struct endpoint *to, struct text *text);
static void add_flow(struct flow_stats *to, const struct flow_stats *from);
static void add_output(struct output_stats *to, const struct output_stats *from);
static bool add_shards(const struct snapshot *snapshot, struct metrics_table *out);
static void free_lines(struct metrics_lines *lines);

bool metrics_table_build(const struct snapshot *snapshot, enum metrics_detail detail,
			 struct metrics_table *out)
{
	bool done;

	*out = (struct metrics_table){0};
	done = detail == METRICS_BY_RULE ? by_rule(snapshot, out)
					 : by_flow(snapshot, detail == METRICS_BY_OUTPUT, out);
	if (!done || !metrics_start_lines(&out->gone_flows, 1) ||
	    !metrics_start_lines(&out->gone_outputs, 1) || !add_shards(snapshot, out) ||
	    !metrics_add_merges(snapshot, detail, out) ||
	    !metrics_add_fast(snapshot, detail, out)) {
		return false;
	}
	(void)metrics_begin_line(&out->gone_flows, &snapshot->gone_flows);
	metrics_end_line(&out->gone_flows);
	(void)metrics_begin_line(&out->gone_outputs, &snapshot->gone_outputs);
	metrics_end_line(&out->gone_outputs);
	out->flows_left_out = snapshot->flow_count > out->flows.count
				      ? snapshot->flow_count - out->flows.count
				      : 0;
	out->outputs_left_out = snapshot->output_count > out->outputs.count
					? snapshot->output_count - out->outputs.count
					: 0;
	return !out->flows.labels.failed && !out->outputs.labels.failed &&
	       !out->pools.labels.failed && !out->rings.labels.failed && !out->legs.labels.failed &&
	       !out->merges.labels.failed && !out->fast_flows.labels.failed &&
	       !out->fast_outputs.labels.failed;
}

void metrics_table_free(struct metrics_table *table)
{
	free_lines(&table->flows);
	free_lines(&table->outputs);
	free_lines(&table->legs);
	free_lines(&table->merges);
	free_lines(&table->pools);
	free_lines(&table->rings);
	free_lines(&table->batches);
	free_lines(&table->placement);
	free_lines(&table->gone_flows);
	free_lines(&table->gone_outputs);
	free_lines(&table->fast_flows);
	free_lines(&table->fast_outputs);
}

bool metrics_start_lines(struct metrics_lines *lines, uint32_t room)
{
	lines->at = calloc(room + 1UL, sizeof(*lines->at));
	return lines->at != NULL;
}

/* The text that takes its labels. */
struct text *metrics_begin_line(struct metrics_lines *lines, const void *stats)
{
	struct metrics_line *line = &lines->at[lines->count];

	line->label = lines->labels.len;
	line->stats = stats;
	return &lines->labels;
}

void metrics_end_line(struct metrics_lines *lines)
{
	struct metrics_line *line = &lines->at[lines->count++];

	line->label_len = lines->labels.len - line->label;
}

const char *metrics_rule_name(const struct snapshot *snapshot, uint32_t rule)
{
	return rule < snapshot->rule_count ? snapshot->rules[rule].name : GONE_RULE;
}

void metrics_put_flow_labels(const struct snapshot *snapshot, const struct snapshot_flow *flow,
			     struct text *text)
{
	char buf[RULE_SOURCE_TEXT_MAX + ENDPOINT_TEXT_MAX];

	metric_put_label(text, true, "rule", metrics_rule_name(snapshot, flow->rule));
	metric_put_label(text, false, "ingress", endpoint_format(&flow->in.at, buf));
	if (flow->in.source.family != 0) {
		metric_put_label(text, false, "source", rule_format_source(&flow->in, buf));
	}
	metrics_put_number_label(text, false, "shard", flow->shard);
}

void metrics_put_number_label(struct text *text, bool first, const char *key, uint64_t number)
{
	text_put(text, first ? "" : ",");
	text_put(text, key);
	text_put(text, "=\"");
	text_put_number(text, number);
	text_put(text, "\"");
}

/* Of structs of counters, all zero. */
void *metrics_make_sums(struct metrics_lines *lines, uint32_t count, size_t size)
{
	size_t bytes = ((count + 1UL) * size + 63) / 64 * 64;

	lines->sums = aligned_alloc(64, bytes);
	if (lines->sums) {
		memset(lines->sums, 0, bytes);
	}
	return lines->sums;
}

void metrics_add(enum counter_family_id id, void *to, const void *from)
{
	const struct counter_family *family = &counter_families[id];

	counters_add(family, to, from);
	for (uint32_t i = 0; i < family->count; i++) {
		const struct counter *row = &family->rows[i];
		uint64_t value = counter_get(row, from);

		if ((row->kind == COUNTER_GAUGE || row->kind == COUNTER_ERRNO ||
		     row->kind == COUNTER_REASON) &&
		    value > counter_get(row, to)) {
			stat_set((stat_t *)(void *)((char *)to + row->offset), value);
		}
	}
}

/* One more for flows that no rule has, if there are any. */
static bool by_rule(const struct snapshot *snapshot, struct metrics_table *out)
{
	uint32_t count = snapshot->rule_count;
	struct sums *sums = metrics_make_sums(&out->flows, count + 1, sizeof(*sums));

	if (!sums || !metrics_start_lines(&out->flows, count + 1) ||
	    !metrics_start_lines(&out->outputs, count + 1)) {
		return false;
	}
	for (uint32_t f = 0; f < snapshot->flow_count; f++) {
		const struct snapshot_flow *flow = &snapshot->flows[f];
		bool known = flow->rule < snapshot->rule_count;
		struct sums *sum = &sums[known ? flow->rule : snapshot->rule_count];

		count += count == snapshot->rule_count && !known;
		add_flow(&sum->flows, &flow->stats);
		for (uint32_t o = 0; o < flow->output_count; o++) {
			add_output(&sum->outputs, &snapshot->outputs[flow->first_output + o].stats);
		}
	}
	for (uint32_t r = 0; r < count; r++) {
		const char *name = r < snapshot->rule_count ? snapshot->rules[r].name : GONE_RULE;

		metric_put_label(metrics_begin_line(&out->flows, &sums[r].flows), true, "rule",
				 name);
		metrics_end_line(&out->flows);
		metric_put_label(metrics_begin_line(&out->outputs, &sums[r].outputs), true, "rule",
				 name);
		metrics_end_line(&out->outputs);
	}
	return true;
}

static bool by_flow(const struct snapshot *snapshot, bool outputs, struct metrics_table *out)
{
	uint32_t count = outputs ? snapshot->output_count : snapshot->flow_count;
	struct output_stats *sums =
		outputs ? NULL : metrics_make_sums(&out->outputs, count, sizeof(*sums));

	if ((!outputs && !sums) || !metrics_start_lines(&out->flows, snapshot->flow_count) ||
	    !metrics_start_lines(&out->outputs, count)) {
		return false;
	}
	for (uint32_t f = 0; f < snapshot->flow_count; f++) {
		const struct snapshot_flow *flow = &snapshot->flows[f];
		const struct snapshot_output *first = &snapshot->outputs[flow->first_output];

		metrics_put_flow_labels(snapshot, flow,
					metrics_begin_line(&out->flows, &flow->stats));
		metrics_end_line(&out->flows);
		for (uint32_t o = 0; o < flow->output_count; o++) {
			char to[ENDPOINT_TEXT_MAX];
			struct text *text;

			if (!outputs) {
				add_output(&sums[f], &first[o].stats);
				continue;
			}
			text = metrics_begin_line(&out->outputs, &first[o].stats);
			metrics_put_flow_labels(snapshot, flow, text);
			metric_put_label(text, false, "to", endpoint_format(&first[o].to, to));
			put_address(&first[o].to, text);
			metrics_end_line(&out->outputs);
		}
		if (!outputs) {
			metrics_put_flow_labels(snapshot, flow,
						metrics_begin_line(&out->outputs, &sums[f]));
			metrics_end_line(&out->outputs);
		}
	}
	return true;
}

/* Beside the name of a host, once it is known. */
static void put_address(const struct endpoint *to, struct text *text)
{
	struct addr addr = to->addr;
	char buf[ADDR_TEXT_MAX];

	addr.port = 0;
	if (to->name && endpoint_is_known(to)) {
		metric_put_label(text, false, "address", addr_format(&addr, buf));
	}
}

static void add_flow(struct flow_stats *to, const struct flow_stats *from)
{
	metrics_add(COUNTERS_FLOW, to, from);
	metrics_add(COUNTERS_FLOW_DROPS, to, from);
}

static void add_output(struct output_stats *to, const struct output_stats *from)
{
	metrics_add(COUNTERS_OUTPUT, to, from);
	metrics_add(COUNTERS_OUTPUT_ZEROCOPY, to, from);
	metrics_add(COUNTERS_OUTPUT_DROPS, to, from);
	metrics_add(COUNTERS_OUTPUT_LATENCY, to, from);
}

static bool add_shards(const struct snapshot *snapshot, struct metrics_table *out)
{
	uint32_t count = snapshot->shard_count;

	if (!metrics_start_lines(&out->pools, count * POOL_CLASS_COUNT) ||
	    !metrics_start_lines(&out->rings, count) ||
	    !metrics_start_lines(&out->batches, count) ||
	    !metrics_start_lines(&out->placement, count)) {
		return false;
	}
	for (uint32_t s = 0; s < count; s++) {
		const struct snapshot_shard *shard = &snapshot->shards[s];
		struct {
			struct metrics_lines *lines;
			const void *stats;
		} each[] = {{&out->rings, &shard->ring},
			    {&out->batches, &shard->batches},
			    {&out->placement, shard->placement}};

		for (size_t i = 0; i < sizeof(each) / sizeof(each[0]); i++) {
			metrics_put_number_label(metrics_begin_line(each[i].lines, each[i].stats),
						 true, "shard", s);
			metrics_end_line(each[i].lines);
		}
		for (unsigned c = 0; c < POOL_CLASS_COUNT; c++) {
			struct text *text = metrics_begin_line(&out->pools, &shard->pool[c].stats);

			metrics_put_number_label(text, true, "shard", s);
			metric_put_label(text, false, "class", pool_class_name((enum pool_class)c));
			metrics_end_line(&out->pools);
		}
	}
	return true;
}

static void free_lines(struct metrics_lines *lines)
{
	free(lines->at);
	free(lines->sums);
	text_free(&lines->labels);
	*lines = (struct metrics_lines){0};
}
