/* metric.h - one metric: its name, type and unit, made of a counter's row, and its lines of text.
 *
 * Both texts that Prometheus reads are written here: its own, version 0.0.4
 * (https://prometheus.io/docs/instrumenting/exposition_formats/), and OpenMetrics 1.0.0
 * (https://prometheus.io/docs/specs/om/open_metrics_spec/). They differ in the names of counters,
 * the types that there are, the line of the unit, and the end. Names follow from rows by rule:
 *
 *     PREFIX_NAME          the counter's own name
 *     ..._UNIT             behind it, where it is bytes, datagrams, slots or seconds and the name
 *                          does not say so already; smaller units of time become seconds
 *     ..._total            of what only grows
 *
 * Any thread.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "shard/counters.h"
#include "src/web/text.h"

#define METRIC_NAME_MAX 96

enum metric_type {
	METRIC_COUNTER,
	METRIC_GAUGE,
	METRIC_HISTOGRAM,
	METRIC_INFO, /* the value is 1, and what is told stands in labels */
};

struct metric {
	char name[METRIC_NAME_MAX]; /* without _total and _info */
	enum metric_type type;
	const char *unit; /* with which the name ends; NULL: none */
	char help[160];
	unsigned decimals; /* of a value: 6 where microseconds were counted */
};

/* `prefix' is "numacast_flow". */
void metric_of_row(const char *prefix, const struct counter *row, struct metric *out);

/* Of words that are constants: name, type and help as they stand. */
void metric_of_words(const char *name, enum metric_type type, const char *unit, const char *help,
		     struct metric *out);

/* The name as samples have it, "_total" or "_info" included, into METRIC_NAME_MAX bytes. */
const char *metric_sample_name(const struct metric *metric, char *buf);

/* HELP, TYPE and UNIT. */
void metric_put_head(struct text *text, const struct metric *metric, bool open);

/* `{labels} value' and the line's end behind a sample's name; `labels' may be "". */
void metric_put_value(struct text *text, const char *labels, size_t labels_len, const char *more,
		      uint64_t value, unsigned decimals);

/* `key="value"', with a comma before it unless `first', and with the value escaped; what is not
 * UTF-8 is shown by question marks. An empty value is no label, and puts nothing. */
void metric_put_label(struct text *text, bool first, const char *key, const char *value);

/* `number' of the last `decimals' digits behind a point; zeros at the end are left out. */
void metric_put_decimal(struct text *text, uint64_t number, unsigned decimals);
