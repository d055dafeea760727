/* value.c - reads one argument as its row says, and makes the refusal from the row.
 *
 * Numbers are read strictly (num.h): nothing is rounded, clamped or ignored, and each refusal
 * names the range and the words, so that it cannot forget to say what was expected. Units: as the
 * rows' kinds say. Pure but for CLI_TEXT, any thread.
 */
#include "src/cli/value.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "src/base/clock.h"
#include "src/base/must.h"
#include "src/base/num.h"

#define TAKES_MAX 256

static int read_value(const struct cli_row *row, void *into, const char *value);
static int read_flag(bool *out, const char *value);
static int read_number(const struct cli_row *row, void *at, const char *value);
static int read_digits(const struct cli_row *row, const char *value, uint64_t *out);
static int read_choice(const struct cli_row *row, const char *value, uint64_t *out);
static void store(const struct cli_row *row, void *at, uint64_t number);
static int read_text(char **out, const char *value);
static int read_action(const struct cli_row *row, void *into, const char *value);
static void describe(const struct cli_row *row, char *takes);
static size_t describe_choices(const struct cli_row *row, const char *last, char *takes);
static void describe_range(const struct cli_row *row, char *range, size_t room);

int cli_value_set(const struct cli_row *row, void *into, const char *value, const char *where,
		  struct err *err)
{
	const char *example = row->example ? row->example : row->initial;
	char takes[TAKES_MAX];
	int rc = read_value(row, into, value);

	if (rc == 0) {
		return 0;
	}
	if (rc == -ENOMEM) {
		err_set(err, "%s: out of memory; free some and try again", where);
		return rc;
	}
	describe(row, takes);
	if (row->arg && example) {
		err_set(err, "%s: '%.80s' is not valid; %s takes %s; write for instance '%s%s %s'",
			where, value, row->name, takes, where[0] == '-' ? "--" : "", row->name,
			example);
	} else {
		err_set(err, "%s: '%.80s' is not valid; %s takes %s; correct or remove it", where,
			value ? value : "", row->name, takes);
	}
	return -EINVAL;
}

static int read_value(const struct cli_row *row, void *into, const char *value)
{
	void *at = (char *)into + row->offset;

	switch (row->kind) {
	case CLI_FLAG:
		return read_flag(at, value);
	case CLI_NUMBER:
	case CLI_COUNT:
	case CLI_SIZE:
	case CLI_SECONDS:
	case CLI_CHOICE:
		return read_number(row, at, value);
	case CLI_RATIO:
		return num_parse_ratio(value, (double)row->min, (double)row->max, at);
	case CLI_TEXT:
		return read_text(at, value);
	case CLI_ACTION:
		return read_action(row, into, value);
	case CLI_OWN:
		return row->read(row, into, value);
	case CLI_CALL:
		break;
	}
	must(!"a row with a value");
	return -EINVAL;
}

static int read_flag(bool *out, const char *value)
{
	if (!value || strcmp(value, "on") == 0) {
		*out = true;
		return 0;
	}
	if (strcmp(value, "off") == 0) {
		*out = false;
		return 0;
	}
	return -EINVAL;
}

static int read_number(const struct cli_row *row, void *at, const char *value)
{
	uint64_t number;
	int rc = read_choice(row, value, &number);

	if (rc != 0) {
		rc = read_digits(row, value, &number);
	}
	if (rc == 0) {
		store(row, at, number);
	}
	return rc;
}

static int read_digits(const struct cli_row *row, const char *value, uint64_t *out)
{
	switch (row->kind) {
	case CLI_NUMBER:
		return num_parse(value, row->min, row->max, out);
	case CLI_COUNT:
		return num_parse_count(value, row->min, row->max, out);
	case CLI_SIZE:
		return num_parse_size(value, row->min, row->max, out);
	case CLI_SECONDS:
		return num_parse_seconds(value, row->min, row->max, out);
	default:
		return -EINVAL;
	}
}

static int read_choice(const struct cli_row *row, const char *value, uint64_t *out)
{
	for (size_t i = 0; row->choices && row->choices[i]; i++) {
		if (strcmp(row->choices[i], value) == 0) {
			*out = row->meanings ? row->meanings[i] : i;
			return 0;
		}
	}
	return -EINVAL;
}

/* An int takes a negative meaning as well: its low half is the same number. */
static void store(const struct cli_row *row, void *at, uint64_t number)
{
	uint32_t low = (uint32_t)number;

	must(row->size == sizeof(low) || row->size == sizeof(number));
	if (row->size == sizeof(low)) {
		memcpy(at, &low, sizeof(low));
	} else {
		memcpy(at, &number, sizeof(number));
	}
}

static int read_text(char **out, const char *value)
{
	char *copy;

	if (!*value) {
		return -EINVAL;
	}
	copy = strdup(value);
	if (!copy) {
		return -ENOMEM;
	}
	free(*out);
	*out = copy;
	return 0;
}

static int read_action(const struct cli_row *row, void *into, const char *value)
{
	uint64_t choice;

	if (value) {
		uint32_t detail;

		if (read_choice(row, value, &choice) != 0) {
			return -EINVAL;
		}
		detail = (uint32_t)choice;
		memcpy((char *)into + row->detail, &detail, sizeof(detail));
	}
	store(row, (char *)into + row->offset, row->min);
	return 0;
}

/* What the option takes, for a refusal. */
static void describe(const struct cli_row *row, char *takes)
{
	char range[TAKES_MAX / 2];
	size_t used;

	switch (row->kind) {
	case CLI_FLAG:
		snprintf(takes, TAKES_MAX, "no value, on or off");
		return;
	case CLI_TEXT:
		snprintf(takes, TAKES_MAX, "a text that is not empty");
		return;
	case CLI_OWN:
		snprintf(takes, TAKES_MAX, "%s", row->takes);
		return;
	case CLI_CHOICE:
	case CLI_ACTION:
		snprintf(takes, TAKES_MAX, "no value");
		if (row->choices) {
			(void)describe_choices(row, " or ", takes);
		}
		return;
	default:
		break;
	}
	describe_range(row, range, sizeof(range));
	if (!row->choices) {
		snprintf(takes, TAKES_MAX, "%s", range);
	} else if (!row->choices[1]) {
		snprintf(takes, TAKES_MAX, "%s, or %s", range, row->choices[0]);
	} else {
		used = describe_choices(row, ", ", takes);
		snprintf(takes + used, TAKES_MAX - used, " or %s", range);
	}
}

/* The words, `last' before the last of them; how many bytes that took. */
static size_t describe_choices(const struct cli_row *row, const char *last, char *takes)
{
	size_t used = 0;

	for (size_t i = 0; row->choices[i] && used < TAKES_MAX; i++) {
		const char *before = i == 0 ? "" : row->choices[i + 1] ? ", " : last;

		used += (size_t)snprintf(takes + used, TAKES_MAX - used, "%s%s", before,
					 row->choices[i]);
	}
	must(used < TAKES_MAX);
	return used;
}

static void describe_range(const struct cli_row *row, char *range, size_t room)
{
	const double second = (double)NS_PER_S;
	bool whole_gib = row->max != 0 && row->max % (1u << 30) == 0;

	switch (row->kind) {
	case CLI_SIZE:
		snprintf(range, room, "%" PRIu64 " to %" PRIu64 "%s bytes, with K, M or G",
			 row->min, whole_gib ? row->max >> 30 : row->max, whole_gib ? "G" : "");
		return;
	case CLI_COUNT:
		snprintf(range, room,
			 "%" PRIu64 " to %" PRIu64 ", with k, M or G for powers of 1000", row->min,
			 row->max);
		return;
	case CLI_SECONDS:
		snprintf(range, room, "seconds such as 2 or 0.5, %g to %.9g",
			 (double)row->min / second, (double)row->max / second);
		return;
	default:
		snprintf(range, room, "%" PRIu64 " to %" PRIu64, row->min, row->max);
	}
}
