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

static bool start_lines(struct metrics_lines *lines, uint32_t room);
static struct text *begin_line(struct metrics_lines *lines, const void *stats);
static void end_line(struct metrics_lines *lines);
static bool by_rule(const struct snapshot *snapshot, struct metrics_table *out);
static bool by_flow(const struct snapshot *snapshot, bool outputs, struct metrics_table *out);
static void put_flow_labels(const struct snapshot *snapshot, const struct snapshot_flow *flow,
			    struct text *text);
static void put_number_label(struct text *text, bool first, const char *key, uint64_t number);
static void *make_sums(struct metrics_lines *lines, uint32_t count, size_t size);
static void add_flow(struct flow_stats *to, const struct flow_stats *from);
static void add_output(struct output_stats *to, const struct output_stats *from);
static void add(enum counter_family_id id, void *to, const void *from);
static bool add_shards(const struct snapshot *snapshot, struct metrics_table *out);
static void free_lines(struct metrics_lines *lines);

bool metrics_table_build(const struct snapshot *snapshot, enum metrics_detail detail,
			 struct metrics_table *out)
{
	bool done;

	*out = (struct metrics_table){0};
	done = detail == METRICS_BY_RULE ? by_rule(snapshot, out)
					 : by_flow(snapshot, detail == METRICS_BY_OUTPUT, out);
	if (!done || !start_lines(&out->gone_flows, 1) || !start_lines(&out->gone_outputs, 1) ||
	    !add_shards(snapshot, out)) {
		return false;
	}
	(void)begin_line(&out->gone_flows, &snapshot->gone_flows);
	end_line(&out->gone_flows);
	(void)begin_line(&out->gone_outputs, &snapshot->gone_outputs);
	end_line(&out->gone_outputs);
	out->flows_left_out = snapshot->flow_count > out->flows.count
				      ? snapshot->flow_count - out->flows.count
				      : 0;
	out->outputs_left_out = snapshot->output_count > out->outputs.count
					? snapshot->output_count - out->outputs.count
					: 0;
	return !out->flows.labels.failed && !out->outputs.labels.failed &&
	       !out->pools.labels.failed && !out->rings.labels.failed;
}

void metrics_table_free(struct metrics_table *table)
{
	free_lines(&table->flows);
	free_lines(&table->outputs);
	free_lines(&table->pools);
	free_lines(&table->rings);
	free_lines(&table->batches);
	free_lines(&table->placement);
	free_lines(&table->gone_flows);
	free_lines(&table->gone_outputs);
}

static bool start_lines(struct metrics_lines *lines, uint32_t room)
{
	lines->at = calloc(room + 1UL, sizeof(*lines->at));
	return lines->at != NULL;
}

/* The text that takes its labels. */
static struct text *begin_line(struct metrics_lines *lines, const void *stats)
{
	struct metrics_line *line = &lines->at[lines->count];

	line->label = lines->labels.len;
	line->stats = stats;
	return &lines->labels;
}

static void end_line(struct metrics_lines *lines)
{
	struct metrics_line *line = &lines->at[lines->count++];

	line->label_len = lines->labels.len - line->label;
}

/* One more for flows that no rule has, if there are any. */
static bool by_rule(const struct snapshot *snapshot, struct metrics_table *out)
{
	uint32_t count = snapshot->rule_count;
	struct sums *sums = make_sums(&out->flows, count + 1, sizeof(*sums));

	if (!sums || !start_lines(&out->flows, count + 1) ||
	    !start_lines(&out->outputs, count + 1)) {
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

		metric_put_label(begin_line(&out->flows, &sums[r].flows), true, "rule", name);
		end_line(&out->flows);
		metric_put_label(begin_line(&out->outputs, &sums[r].outputs), true, "rule", name);
		end_line(&out->outputs);
	}
	return true;
}

static bool by_flow(const struct snapshot *snapshot, bool outputs, struct metrics_table *out)
{
	uint32_t count = outputs ? snapshot->output_count : snapshot->flow_count;
	struct output_stats *sums = outputs ? NULL : make_sums(&out->outputs, count, sizeof(*sums));

	if ((!outputs && !sums) || !start_lines(&out->flows, snapshot->flow_count) ||
	    !start_lines(&out->outputs, count)) {
		return false;
	}
	for (uint32_t f = 0; f < snapshot->flow_count; f++) {
		const struct snapshot_flow *flow = &snapshot->flows[f];
		const struct snapshot_output *first = &snapshot->outputs[flow->first_output];

		put_flow_labels(snapshot, flow, begin_line(&out->flows, &flow->stats));
		end_line(&out->flows);
		for (uint32_t o = 0; o < flow->output_count; o++) {
			char to[ENDPOINT_TEXT_MAX];
			struct text *text;

			if (!outputs) {
				add_output(&sums[f], &first[o].stats);
				continue;
			}
			text = begin_line(&out->outputs, &first[o].stats);
			put_flow_labels(snapshot, flow, text);
			metric_put_label(text, false, "to", endpoint_format(&first[o].to, to));
			end_line(&out->outputs);
		}
		if (!outputs) {
			put_flow_labels(snapshot, flow, begin_line(&out->outputs, &sums[f]));
			end_line(&out->outputs);
		}
	}
	return true;
}

static void put_flow_labels(const struct snapshot *snapshot, const struct snapshot_flow *flow,
			    struct text *text)
{
	bool known = flow->rule < snapshot->rule_count;
	char buf[RULE_SOURCE_TEXT_MAX + ENDPOINT_TEXT_MAX];

	metric_put_label(text, true, "rule", known ? snapshot->rules[flow->rule].name : GONE_RULE);
	metric_put_label(text, false, "ingress", endpoint_format(&flow->in.at, buf));
	if (flow->in.source.family != 0) {
		metric_put_label(text, false, "source", rule_format_source(&flow->in, buf));
	}
	put_number_label(text, false, "shard", flow->shard);
}

static void put_number_label(struct text *text, bool first, const char *key, uint64_t number)
{
	text_put(text, first ? "" : ",");
	text_put(text, key);
	text_put(text, "=\"");
	text_put_number(text, number);
	text_put(text, "\"");
}

/* Of structs of counters, all zero. */
static void *make_sums(struct metrics_lines *lines, uint32_t count, size_t size)
{
	lines->sums = aligned_alloc(64, (count + 1UL) * size);
	if (lines->sums) {
		memset(lines->sums, 0, (count + 1UL) * size);
	}
	return lines->sums;
}

static void add_flow(struct flow_stats *to, const struct flow_stats *from)
{
	add(COUNTERS_FLOW, to, from);
	add(COUNTERS_FLOW_DROPS, to, from);
}

static void add_output(struct output_stats *to, const struct output_stats *from)
{
	add(COUNTERS_OUTPUT, to, from);
	add(COUNTERS_OUTPUT_ZEROCOPY, to, from);
	add(COUNTERS_OUTPUT_DROPS, to, from);
	add(COUNTERS_OUTPUT_LATENCY, to, from);
}

static void add(enum counter_family_id id, void *to, const void *from)
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

static bool add_shards(const struct snapshot *snapshot, struct metrics_table *out)
{
	uint32_t count = snapshot->shard_count;

	if (!start_lines(&out->pools, count * POOL_CLASS_COUNT) ||
	    !start_lines(&out->rings, count) || !start_lines(&out->batches, count) ||
	    !start_lines(&out->placement, count)) {
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
			put_number_label(begin_line(each[i].lines, each[i].stats), true, "shard",
					 s);
			end_line(each[i].lines);
		}
		for (unsigned c = 0; c < POOL_CLASS_COUNT; c++) {
			struct text *text = begin_line(&out->pools, &shard->pool[c].stats);

			put_number_label(text, true, "shard", s);
			metric_put_label(text, false, "class", pool_class_name((enum pool_class)c));
			end_line(&out->pools);
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
