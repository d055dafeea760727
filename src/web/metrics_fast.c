/* metrics_fast.c - whose lines there are of what the kernel has relayed of flows and outputs.
 *
 * They are a part of the lines that flows and outputs have anyhow, with the same labels, each at
 * the same place of its list; where nothing can be relayed there, there are none. See metrics.h.
 * The HTTP thread.
 */
#include "src/web/metrics.h"

static bool by_rule(const struct snapshot *snapshot, struct metrics_table *out);
static bool by_flow(const struct snapshot *snapshot, bool outputs, struct metrics_table *out);
static void copy_line(const struct metrics_lines *from, const void *stats,
		      struct metrics_lines *out);

bool metrics_add_fast(const struct snapshot *snapshot, enum metrics_detail detail,
		      struct metrics_table *out)
{
	if (!metrics_start_lines(&out->fast_flows, out->flows.count) ||
	    !metrics_start_lines(&out->fast_outputs, out->outputs.count)) {
		return false;
	}
	if (!snapshot->fast) {
		return true;
	}
	return detail == METRICS_BY_RULE ? by_rule(snapshot, out)
					 : by_flow(snapshot, detail == METRICS_BY_OUTPUT, out);
}

/* The last line is that of flows which no rule has, if there is one. */
static bool by_rule(const struct snapshot *snapshot, struct metrics_table *out)
{
	uint32_t rules = snapshot->rule_count;
	char *flows = metrics_make_sums(&out->fast_flows, rules + 1, SNAPSHOT_FAST_SIZE);
	char *outputs = metrics_make_sums(&out->fast_outputs, rules + 1, SNAPSHOT_FAST_SIZE);

	if (!flows || !outputs) {
		return false;
	}
	for (uint32_t f = 0; f < snapshot->flow_count; f++) {
		const struct snapshot_flow *flow = &snapshot->flows[f];
		size_t at = (flow->rule < rules ? flow->rule : rules) * (size_t)SNAPSHOT_FAST_SIZE;

		counters_add(snapshot->rows.fast_flow, flows + at, flow->fast);
		for (uint32_t o = 0; o < flow->output_count; o++) {
			counters_add(snapshot->rows.fast_output, outputs + at,
				     snapshot->outputs[flow->first_output + o].fast);
		}
	}
	for (uint32_t r = 0; r < out->flows.count; r++) {
		copy_line(&out->flows, flows + r * (size_t)SNAPSHOT_FAST_SIZE, &out->fast_flows);
		copy_line(&out->outputs, outputs + r * (size_t)SNAPSHOT_FAST_SIZE,
			  &out->fast_outputs);
	}
	return true;
}

static bool by_flow(const struct snapshot *snapshot, bool outputs, struct metrics_table *out)
{
	char *sums = outputs ? NULL
			     : metrics_make_sums(&out->fast_outputs, snapshot->flow_count,
						 SNAPSHOT_FAST_SIZE);

	if (!outputs && !sums) {
		return false;
	}
	for (uint32_t f = 0; f < snapshot->flow_count; f++) {
		const struct snapshot_flow *flow = &snapshot->flows[f];
		const struct snapshot_output *first = &snapshot->outputs[flow->first_output];
		char *sum = outputs ? NULL : sums + f * (size_t)SNAPSHOT_FAST_SIZE;

		copy_line(&out->flows, flow->fast, &out->fast_flows);
		for (uint32_t o = 0; o < flow->output_count; o++) {
			if (outputs) {
				copy_line(&out->outputs, first[o].fast, &out->fast_outputs);
			} else {
				counters_add(snapshot->rows.fast_output, sum, first[o].fast);
			}
		}
		if (!outputs) {
			copy_line(&out->outputs, sum, &out->fast_outputs);
		}
	}
	return true;
}

/* The next one, with the labels of the line at its place in `from'. */
static void copy_line(const struct metrics_lines *from, const void *stats,
		      struct metrics_lines *out)
{
	const struct metrics_line *line = &from->at[out->count];

	if (from->labels.at) {
		text_put_bytes(metrics_begin_line(out, stats), from->labels.at + line->label,
			       line->label_len);
	} else {
		(void)metrics_begin_line(out, stats);
	}
	metrics_end_line(out);
}
