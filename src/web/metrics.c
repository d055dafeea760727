/* metrics.c - puts all counters into the text that Prometheus reads; see metrics.h.
 *
 * One metric after the other, each with its head and all its lines, as both texts want it. Drops
 * are one metric for a flow and one for an output, with a label for the cause. A histogram's
 * buckets count what is up to their bound, as Prometheus has them; those of counters hold what is
 * above the one before.
 */
#include "src/web/metrics.h"

#include <stdio.h>
#include <string.h>

#define OPEN_CONTENT_TYPE "application/openmetrics-text; version=1.0.0; charset=utf-8"
#define TEXT_CONTENT_TYPE "text/plain; version=0.0.4; charset=utf-8"

/* What a family of counters is called here, and whose lines it has. */
struct family {
	unsigned
		id; /* enum counter_family_id, or of the snapshot's rows, FAMILY_PLACEMENT and on */
	const char *prefix;
	size_t lines; /* offset in struct metrics_table */
	const char *labels;
	const char *drops; /* the help of the one metric that they all are; NULL: each is one */
	const char *of;    /* whose they are: behind each help; NULL: of what is there */
};

enum {
	FAMILY_PLACEMENT = COUNTERS_FAMILY_COUNT,
	FAMILY_FAST_FLOW,
	FAMILY_FAST_OUTPUT,
};

struct writer {
	struct text *text;
	const struct metrics_table *table;
	bool open;
	bool timed; /* each output has lines of latency, also before its first datagram */
};

#define LINES(member) offsetof(struct metrics_table, member)
#define FLOW_LABELS   "rule ingress source shard"
#define OUTPUT_LABELS FLOW_LABELS " to"
#define RECEIVED_LOST "Datagrams: received and relayed to no output, by cause"
#define RELAYED_LOST  "Datagrams: relayed to an output that they did not leave by, by cause"

#define GONE_FLOWS   ", of flows that have gone"
#define GONE_OUTPUTS ", of outputs that have gone"

static const struct family families[] = {
	{COUNTERS_FLOW, "numacast_flow", LINES(flows), FLOW_LABELS, NULL, NULL},
	{COUNTERS_FLOW_DROPS, "numacast_flow", LINES(flows), FLOW_LABELS " cause", RECEIVED_LOST,
	 NULL},
	{COUNTERS_OUTPUT, "numacast_output", LINES(outputs), OUTPUT_LABELS, NULL, NULL},
	{COUNTERS_OUTPUT_DROPS, "numacast_output", LINES(outputs), OUTPUT_LABELS " cause",
	 RELAYED_LOST, NULL},
	{COUNTERS_OUTPUT_ZEROCOPY, "numacast_output_zerocopy", LINES(outputs), OUTPUT_LABELS, NULL,
	 NULL},
	{COUNTERS_OUTPUT_LATENCY, "numacast_output_latency", LINES(outputs), OUTPUT_LABELS, NULL,
	 NULL},
	{COUNTERS_LEG, "numacast_merge_leg", LINES(legs), FLOW_LABELS " leg", NULL, NULL},
	{COUNTERS_MERGE, "numacast_merge", LINES(merges), FLOW_LABELS, NULL, NULL},
	{COUNTERS_POOL, "numacast_pool", LINES(pools), "shard class", NULL, NULL},
	{COUNTERS_RING, "numacast_ring", LINES(rings), "shard", NULL, NULL},
	{COUNTERS_BATCHES, "numacast_batch", LINES(batches), "shard", NULL, NULL},
	{FAMILY_PLACEMENT, "numacast_placement", LINES(placement), "shard", NULL, NULL},
	{FAMILY_FAST_FLOW, "numacast_fast_flow", LINES(fast_flows), FLOW_LABELS, NULL, NULL},
	{FAMILY_FAST_OUTPUT, "numacast_fast_output", LINES(fast_outputs), OUTPUT_LABELS, NULL,
	 NULL},
	{COUNTERS_FLOW, "numacast_gone_flow", LINES(gone_flows), "", NULL, GONE_FLOWS},
	{COUNTERS_FLOW_DROPS, "numacast_gone_flow", LINES(gone_flows), "cause", RECEIVED_LOST,
	 GONE_FLOWS},
	{COUNTERS_OUTPUT, "numacast_gone_output", LINES(gone_outputs), "", NULL, GONE_OUTPUTS},
	{COUNTERS_OUTPUT_DROPS, "numacast_gone_output", LINES(gone_outputs), "cause", RELAYED_LOST,
	 GONE_OUTPUTS},
};

#define FAMILIES (sizeof(families) / sizeof(families[0]))

typedef void write_metric(void *context, const struct family *family, const struct metric *metric,
			  const struct counter *row);

static void put_counters(struct writer *writer, const struct snapshot *snapshot);
static void each_metric(const struct family *family, const struct counter_family *rows,
			write_metric *write, void *context);
static bool belongs(const struct family *family, const struct counter *row);
static void metric_of_latency(struct metric *out);
static write_metric put_metric, tell_metric;
static void put_row(struct writer *writer, const struct metrics_lines *lines,
		    const struct metric *metric, const struct counter *row, const char *more);
static void put_drops(struct writer *writer, const struct family *family,
		      const struct metrics_lines *lines, const struct metric *metric);
static void put_reasons(struct writer *writer, const struct metrics_lines *lines,
			const struct metric *metric, const struct counter *row);
static void put_histogram(struct writer *writer, const struct metrics_lines *lines,
			  const struct metric *metric, const struct counter *row);
static void put_buckets(struct writer *writer, const struct metric *metric,
			const struct counter *row, const char *labels,
			const struct metrics_line *line);
static const struct counter *latency_row(const char *name);
static const struct counter_family *rows_of(const struct family *family,
					    const struct snapshot_rows *rows);

void metrics_make(const struct route_ask *ask, struct route_answer *out)
{
	struct metrics_table table;
	struct writer writer = {
		.text = &out->text,
		.table = &table,
		.open = ask->variant == METRICS_OPEN,
		.timed = ask->snapshot->timed,
	};

	out->type = writer.open ? OPEN_CONTENT_TYPE : TEXT_CONTENT_TYPE;
	if (!metrics_table_build(ask->snapshot, (enum metrics_detail)ask->detail, &table)) {
		out->text.failed = true;
	} else {
		metrics_put_rest(writer.text, ask->snapshot, &table,
				 (enum metrics_detail)ask->detail, writer.open);
		put_counters(&writer, ask->snapshot);
		text_put(writer.text, writer.open ? "# EOF\n" : "");
	}
	metrics_table_free(&table);
}

void metrics_list(const struct snapshot_rows *rows, metrics_tell *tell, void *context)
{
	struct {
		metrics_tell *tell;
		void *context;
	} teller = {tell, context};

	metrics_list_rest(tell, context);
	for (size_t i = 0; i < FAMILIES; i++) {
		each_metric(&families[i], rows_of(&families[i], rows), tell_metric, &teller);
	}
}

static void put_counters(struct writer *writer, const struct snapshot *snapshot)
{
	for (size_t i = 0; i < FAMILIES; i++) {
		each_metric(&families[i], rows_of(&families[i], &snapshot->rows), put_metric,
			    writer);
	}
}

/* Those of a family, in the order of its rows. */
static void each_metric(const struct family *family, const struct counter_family *rows,
			write_metric *write, void *context)
{
	bool latency = family->id == COUNTERS_OUTPUT_LATENCY;
	struct metric metric;

	if (family->drops) {
		metric_of_row(family->prefix,
			      &(const struct counter){.name = "dropped",
						      .unit = "datagrams",
						      .help = "",
						      .kind = COUNTER_DROP},
			      &metric);
		snprintf(metric.help, sizeof(metric.help), "%s%s", family->drops,
			 family->of ? family->of : "");
		write(context, family, &metric, NULL);
		return;
	}
	for (uint32_t i = 0; i < rows->count; i++) {
		const struct counter *row = &rows->rows[i];

		metric_of_row(family->prefix, row, &metric);
		if (latency && row->kind == COUNTER_HISTOGRAM) {
			metric_of_latency(&metric);
		}
		if (family->of) {
			size_t len = strlen(metric.help);

			snprintf(metric.help + len, sizeof(metric.help) - len, "%s", family->of);
		}
		if (belongs(family, row)) {
			write(context, family, &metric, row);
		}
	}
}

/* The rows of a latency's samples and sum are the histogram's; of what has gone there are sums. */
static bool belongs(const struct family *family, const struct counter *row)
{
	if (family->id == COUNTERS_OUTPUT_LATENCY) {
		return row->kind != COUNTER_COUNT;
	}
	return !family->of || row->kind == COUNTER_COUNT;
}

static void metric_of_latency(struct metric *out)
{
	metric_of_words("numacast_output_latency_seconds", METRIC_HISTOGRAM, "seconds",
			"Seconds: from the kernel's time stamp of what was received until it is "
			"handed to the ring to be sent, of the sends that were timed",
			out);
	out->decimals = 6;
}

static void tell_metric(void *context, const struct family *family, const struct metric *metric,
			const struct counter *row)
{
	const struct {
		metrics_tell *tell;
		void *context;
	} *teller = context;
	char labels[96];

	snprintf(labels, sizeof(labels), "%s%s", family->labels,
		 !row                             ? ""
		 : row->kind == COUNTER_REASON    ? " reason"
		 : row->kind == COUNTER_HISTOGRAM ? " le"
						  : "");
	teller->tell(teller->context, metric, labels);
}

static void put_metric(void *context, const struct family *family, const struct metric *metric,
		       const struct counter *row)
{
	struct writer *writer = context;
	const struct metrics_lines *lines =
		(const struct metrics_lines *)(const void *)((const char *)writer->table +
							     family->lines);

	metric_put_head(writer->text, metric, writer->open);
	if (!row) {
		put_drops(writer, family, lines, metric);
	} else if (row->kind == COUNTER_REASON) {
		put_reasons(writer, lines, metric, row);
	} else if (row->kind == COUNTER_HISTOGRAM) {
		put_histogram(writer, lines, metric, row);
	} else {
		put_row(writer, lines, metric, row, "");
	}
}

/* There may be very many of these lines. */
static void put_row(struct writer *writer, const struct metrics_lines *lines,
		    const struct metric *metric, const struct counter *row, const char *more)
{
	char name[METRIC_NAME_MAX];
	size_t len = strlen(metric_sample_name(metric, name));

	for (uint32_t i = 0; i < lines->count; i++) {
		const struct metrics_line *line = &lines->at[i];

		text_put_bytes(writer->text, name, len);
		metric_put_value(
			writer->text, line->label_len > 0 ? lines->labels.at + line->label : "",
			line->label_len, more, counter_get(row, line->stats), metric->decimals);
	}
}

static void put_drops(struct writer *writer, const struct family *family,
		      const struct metrics_lines *lines, const struct metric *metric)
{
	const struct counter_family *rows = &counter_families[family->id];
	char more[64];

	for (uint32_t i = 0; i < rows->count; i++) {
		snprintf(more, sizeof(more), "cause=\"%s\"", rows->rows[i].name);
		put_row(writer, lines, metric, &rows->rows[i], more);
	}
}

/* A line for each that there may be, 1 for the one that is so. */
static void put_reasons(struct writer *writer, const struct metrics_lines *lines,
			const struct metric *metric, const struct counter *row)
{
	for (uint64_t r = ZEROCOPY_OFF_NOT + 1; r < ZEROCOPY_OFF_COUNT; r++) {
		char more[64];

		snprintf(more, sizeof(more), "reason=\"%s\"", counter_reason(r));
		for (uint32_t i = 0; i < lines->count; i++) {
			const struct metrics_line *line = &lines->at[i];

			text_put(writer->text, metric->name);
			metric_put_value(writer->text, lines->labels.at + line->label,
					 line->label_len, more, counter_get(row, line->stats) == r,
					 0);
		}
	}
}

/* Of latency only the lines of what is timed, or was: there is none where nothing is. They are
 * there before anything has passed, since Prometheus sees no growth in a line's first value. */
static void put_histogram(struct writer *writer, const struct metrics_lines *lines,
			  const struct metric *metric, const struct counter *row)
{
	for (uint32_t i = 0; i < lines->count; i++) {
		const struct metrics_line *line = &lines->at[i];

		if (metric->decimals == 0 || writer->timed ||
		    counter_get(latency_row("samples"), line->stats) > 0) {
			put_buckets(writer, metric, row, lines->labels.at + line->label, line);
		}
	}
}

/* Whole numbers up to 2^b - 1 are in bucket b; so are times of less than 2^b microseconds. */
static void put_buckets(struct writer *writer, const struct metric *metric,
			const struct counter *row, const char *labels,
			const struct metrics_line *line)
{
	bool times = metric->decimals > 0;
	uint64_t count = 0;

	for (uint32_t b = 0; b < row->buckets; b++) {
		struct text more = {0};

		count += counter_bucket(row, line->stats, b);
		text_put(&more, "le=\"");
		if (b + 1 == row->buckets) {
			text_put(&more, "+Inf");
		} else {
			metric_put_decimal(&more, times ? 1ULL << b : (1ULL << b) - 1,
					   metric->decimals);
		}
		text_put(&more, "\"");
		text_put(writer->text, metric->name);
		text_put(writer->text, "_bucket");
		metric_put_value(writer->text, labels, line->label_len, more.at ? more.at : "",
				 count, 0);
		text_free(&more);
	}
	if (times) {
		text_put(writer->text, metric->name);
		text_put(writer->text, "_sum");
		metric_put_value(writer->text, labels, line->label_len, "",
				 counter_get(latency_row("sum_us"), line->stats), metric->decimals);
	}
	text_put(writer->text, metric->name);
	text_put(writer->text, "_count");
	metric_put_value(writer->text, labels, line->label_len, "", count, 0);
}

static const struct counter *latency_row(const char *name)
{
	const struct counter_family *rows = &counter_families[COUNTERS_OUTPUT_LATENCY];
	uint32_t at = 0;

	while (at + 1 < rows->count && strcmp(rows->rows[at].name, name) != 0) {
		at++;
	}
	return &rows->rows[at];
}

static const struct counter_family *rows_of(const struct family *family,
					    const struct snapshot_rows *rows)
{
	switch (family->id) {
	case FAMILY_PLACEMENT:
		return rows->placement;
	case FAMILY_FAST_FLOW:
		return rows->fast_flow;
	case FAMILY_FAST_OUTPUT:
		return rows->fast_output;
	}
	return &counter_families[family->id];
}
