/* metric.c - see metric.h. */
#include "src/web/metric.h"

#include <stdio.h>
#include <string.h>

#include "src/base/must.h"

static const char *find_unit(const struct counter *row, unsigned *decimals);
static size_t name_without_time(const char *name);
static bool ends_with(const char *text, const char *word);
static enum metric_type type_of(enum counter_kind kind);
static void put_escaped(struct text *text, const char *value, bool quotes);
static bool is_utf8(const char *value);
static size_t utf8_length(const unsigned char *at);

void metric_of_row(const char *prefix, const struct counter *row, struct metric *out)
{
	int len;

	*out = (struct metric){.type = type_of(row->kind)};
	out->unit = find_unit(row, &out->decimals);
	len = snprintf(out->name, sizeof(out->name), "%s_%.*s", prefix,
		       (int)name_without_time(row->name), row->name);
	must(len < (int)sizeof(out->name) - 16);
	if (out->unit && !ends_with(out->name, out->unit)) {
		snprintf(out->name + len, sizeof(out->name) - (size_t)len, "_%s", out->unit);
	}
	snprintf(out->help, sizeof(out->help), "%s: %s",
		 row->kind == COUNTER_ERRNO ? "errno"
		 : out->unit                ? out->unit
					    : row->unit,
		 row->help);
	if (out->help[0] >= 'a' && out->help[0] <= 'z') {
		out->help[0] = (char)(out->help[0] - 'a' + 'A');
	}
}

void metric_of_words(const char *name, enum metric_type type, const char *unit, const char *help,
		     struct metric *out)
{
	*out = (struct metric){.type = type, .unit = unit};
	must(snprintf(out->name, sizeof(out->name), "%s", name) < (int)sizeof(out->name));
	must(snprintf(out->help, sizeof(out->help), "%s", help) < (int)sizeof(out->help));
	must(!unit || ends_with(name, unit));
}

const char *metric_sample_name(const struct metric *metric, char *buf)
{
	snprintf(buf, METRIC_NAME_MAX, "%.80s%s", metric->name,
		 metric->type == METRIC_COUNTER ? "_total"
		 : metric->type == METRIC_INFO  ? "_info"
						: "");
	return buf;
}

void metric_put_head(struct text *text, const struct metric *metric, bool open)
{
	static const char *const open_types[] = {"counter", "gauge", "histogram", "info"};
	static const char *const types[] = {"counter", "gauge", "histogram", "gauge"};
	char buf[METRIC_NAME_MAX];
	const char *name = open ? metric->name : metric_sample_name(metric, buf);

	text_printf(text, "# HELP %s ", name);
	put_escaped(text, metric->help, open);
	text_printf(text, "\n# TYPE %s %s\n", name,
		    open ? open_types[metric->type] : types[metric->type]);
	if (open && metric->unit) {
		text_printf(text, "# UNIT %s %s\n", name, metric->unit);
	}
}

void metric_put_value(struct text *text, const char *labels, size_t labels_len, const char *more,
		      uint64_t value, unsigned decimals)
{
	if (labels_len > 0 || more[0]) {
		text_put_bytes(text, "{", 1);
		text_put_bytes(text, labels, labels_len);
		if (labels_len > 0 && more[0]) {
			text_put_bytes(text, ",", 1);
		}
		text_put(text, more);
		text_put_bytes(text, "}", 1);
	}
	text_put_bytes(text, " ", 1);
	if (decimals == 0) {
		text_put_number(text, value);
	} else {
		metric_put_decimal(text, value, decimals);
	}
	text_put_bytes(text, "\n", 1);
}

void metric_put_label(struct text *text, bool first, const char *key, const char *value)
{
	if (value[0] == '\0') {
		return;
	}
	if (!first) {
		text_put_bytes(text, ",", 1);
	}
	text_put(text, key);
	text_put_bytes(text, "=\"", 2);
	put_escaped(text, value, true);
	text_put_bytes(text, "\"", 1);
}

void metric_put_decimal(struct text *text, uint64_t number, unsigned decimals)
{
	uint64_t unit = 1, rest;
	char digits[24];
	int len;

	for (unsigned i = 0; i < decimals; i++) {
		unit *= 10;
	}
	rest = number % unit;
	text_put_number(text, number / unit);
	if (rest == 0) {
		return;
	}
	len = snprintf(digits, sizeof(digits), ".%0*llu", (int)decimals, (unsigned long long)rest);
	while (digits[len - 1] == '0') {
		len--;
	}
	text_put_bytes(text, digits, (size_t)len);
}

/* Those that a name says; NULL: the name says all there is. */
static const char *find_unit(const struct counter *row, unsigned *decimals)
{
	static const char *const told[] = {"bytes", "datagrams", "slots"};

	if (row->kind == COUNTER_HISTOGRAM) {
		return NULL; /* its unit is that of what is counted, not of the value */
	}
	for (size_t i = 0; i < sizeof(told) / sizeof(told[0]); i++) {
		if (strcmp(row->unit, told[i]) == 0) {
			return told[i];
		}
	}
	*decimals = strcmp(row->unit, "nanoseconds") == 0    ? 9
		    : strcmp(row->unit, "microseconds") == 0 ? 6
							     : 0;
	return *decimals > 0 ? "seconds" : NULL;
}

static size_t name_without_time(const char *name)
{
	return strlen(name) - (ends_with(name, "ns") || ends_with(name, "us") ? 3 : 0);
}

/* As a word of its own. */
static bool ends_with(const char *text, const char *word)
{
	size_t len = strlen(text), word_len = strlen(word);

	return len > word_len && text[len - word_len - 1] == '_' &&
	       strcmp(text + len - word_len, word) == 0;
}

static enum metric_type type_of(enum counter_kind kind)
{
	switch (kind) {
	case COUNTER_COUNT:
	case COUNTER_DROP:
		return METRIC_COUNTER;
	case COUNTER_HISTOGRAM:
		return METRIC_HISTOGRAM;
	default:
		return METRIC_GAUGE;
	}
}

static void put_escaped(struct text *text, const char *value, bool quotes)
{
	bool whole = is_utf8(value);

	for (const char *at = value; *at; at++) {
		if (*at == '\\') {
			text_put_bytes(text, "\\\\", 2);
		} else if (*at == '\n') {
			text_put_bytes(text, "\\n", 2);
		} else if (*at == '"' && quotes) {
			text_put_bytes(text, "\\\"", 2);
		} else {
			text_put_bytes(text, (signed char)*at < 0 && !whole ? "?" : at, 1);
		}
	}
}

static bool is_utf8(const char *value)
{
	const unsigned char *at = (const unsigned char *)value;

	while (*at) {
		size_t len = utf8_length(at);

		if (len == 0) {
			return false;
		}
		at += len;
	}
	return true;
}

/* Of the character at `at'; 0: it is none (RFC 3629: no longer than needed, no surrogates). */
static size_t utf8_length(const unsigned char *at)
{
	size_t len = at[0] < 0x80 ? 1 : at[0] < 0xc2 ? 0 : at[0] < 0xe0 ? 2 : at[0] < 0xf0 ? 3 : 4;

	if (len == 0 || at[0] > 0xf4) {
		return 0;
	}
	for (size_t i = 1; i < len; i++) {
		if ((at[i] & 0xc0) != 0x80) {
			return 0;
		}
	}
	if ((at[0] == 0xe0 && at[1] < 0xa0) || (at[0] == 0xed && at[1] > 0x9f) ||
	    (at[0] == 0xf0 && at[1] < 0x90) || (at[0] == 0xf4 && at[1] > 0x8f)) {
		return 0;
	}
	return len;
}
