/* metrics.h - /metrics: every counter and what else there is to know, for Prometheus.
 *
 *     metrics.c         the counters: those of flows and outputs in lines as fine as asked for
 *     metrics_lines.c   whose lines there are, with their labels and sums
 *     metrics_merge.c   the lines of feeds that several flows bring
 *     metrics_fast.c    those of what the kernel has relayed of flows and outputs
 *     metrics_rest.c    what is no counter: the build, health, shards, what was left out
 *     metric.c          names, heads and lines
 *     accept.c          which of the two texts suits who asks
 *
 * Counters come from their tables (shard/counters.h), so a new one is there by itself. A metric has
 * the same name at every --metrics-detail; what differs is how many lines it has and which labels:
 *
 *     rule      rule                                      sums over its flows and outputs
 *     flow      rule, ingress, source, shard              outputs: sums over those of the flow
 *     output    the same, and to                          those of outputs only
 *
 * Of a feed that several flows bring, each leg has its lines with a label `leg' more.
 *
 * The HTTP thread.
 */
#pragma once

#include <stdbool.h>

#include "src/web/metric.h"
#include "src/web/routes.h"
#include "src/web/snapshot.h"

enum metrics_detail {
	METRICS_BY_RULE,
	METRICS_BY_FLOW,
	METRICS_BY_OUTPUT,
};

/* Variants of the route: how the text is written. */
enum metrics_format {
	METRICS_TEXT,
	METRICS_OPEN,
};

/* What metrics there are, in order: calls `tell' for each, with the labels that its lines may have,
 * separated by blanks. `rows' are a snapshot's. For tests, one of which compares
 * them with the documentation. */
typedef void metrics_tell(void *context, const struct metric *metric, const char *labels);
void metrics_list(const struct snapshot_rows *rows, metrics_tell *tell, void *context);

/* In metrics_lines.c. Whoever has a line of its own in a family of counters. */
struct metrics_line {
	size_t label; /* where its labels begin in the list's text */
	size_t label_len;
	const void *stats; /* the struct of the family */
};

struct metrics_lines {
	struct metrics_line *at;
	uint32_t count;
	struct text labels;
	void *sums; /* where `stats' point into, unless into the snapshot */
	bool failed;
};

struct metrics_table {
	struct metrics_lines flows, outputs, legs, merges, pools, rings, batches, placement,
		gone_flows, gone_outputs, fast_flows, fast_outputs;
	/* Lines that finer detail would have, for one metric. */
	uint32_t flows_left_out, outputs_left_out;
};

/* False: out of memory. metrics_table_free either way. */
bool metrics_table_build(const struct snapshot *snapshot, enum metrics_detail detail,
			 struct metrics_table *out);
void metrics_table_free(struct metrics_table *table);

/* For those that add lines: room for so many, then one after the other with the labels that its
 * text takes. False: out of memory. */
bool metrics_start_lines(struct metrics_lines *lines, uint32_t room);
struct text *metrics_begin_line(struct metrics_lines *lines, const void *stats);
void metrics_end_line(struct metrics_lines *lines);

/* Of snapshot_flow.rule, also where that is SNAPSHOT_NO_RULE. */
const char *metrics_rule_name(const struct snapshot *snapshot, uint32_t rule);

/* Labels of a line. */
void metrics_put_flow_labels(const struct snapshot *snapshot, const struct snapshot_flow *flow,
			     struct text *text);
void metrics_put_number_label(struct text *text, bool first, const char *key, uint64_t number);

/* Sums, all zero, and how one adds to them. NULL: out of memory. */
void *metrics_make_sums(struct metrics_lines *lines, uint32_t count, size_t size);
void metrics_add(enum counter_family_id id, void *to, const void *from);

/* In metrics_merge.c: the lines of legs and merges. False: out of memory. */
bool metrics_add_merges(const struct snapshot *snapshot, enum metrics_detail detail,
			struct metrics_table *out);

/* In metrics_fast.c, likewise; when flows and outputs have their lines. */
bool metrics_add_fast(const struct snapshot *snapshot, enum metrics_detail detail,
		      struct metrics_table *out);

/* In metrics_rest.c. */
void metrics_put_rest(struct text *text, const struct snapshot *snapshot,
		      const struct metrics_table *table, enum metrics_detail detail, bool open);
void metrics_list_rest(metrics_tell *tell, void *context);
