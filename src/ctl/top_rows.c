/* top_rows.c - see top_rows.h.
 *
 * Rows mostly come in the order in which they came before, so each is looked for at the same place
 * first, and by a map only when something has moved. Values are computed when they are asked for:
 * of ten thousand rows a screen shows forty.
 */
#include "src/ctl/top_rows.h"

#include <errno.h>
#include <jansson.h>
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define KEY_BYTES 1024

/* The cause of most losses so far. */
struct worst {
	const char *name;
	double more, all; /* datagrams between the two answers, and ever */
};

static int match(struct top_rows *rows);
static bool is_same(const struct top_view *view, const json_t *a, const json_t *b);
static json_t *map_of(const struct top_view *view, const json_t *array);
static void write_key(const struct top_view *view, const json_t *row, char *key);
static double sum_of(const json_t *row, const struct top_column *column);
static double grown(const struct top_rows *rows, size_t row, const struct top_column *column);
static double ratio(const struct top_rows *rows, size_t row, const struct top_column *column);
static double level(const json_t *row, const struct top_column *column);
static const char *cause_of(const struct top_rows *rows, size_t row,
			    const struct top_column *column, bool *past);
static void look_at_cause(const json_t *now, const json_t *before, const char *path,
			  struct worst *worst);
static void offer_cause(const char *name, const json_t *now, const json_t *old,
			struct worst *worst);

int top_rows_take(struct top_rows *rows, const struct top_view *view, json_t *now, double now_s)
{
	int rc;

	if (rows->view != view || now_s < rows->now_s) {
		top_rows_forget(rows);
	}
	json_decref(rows->before);
	rows->before = rows->now;
	rows->before_s = rows->now_s;
	rows->view = view;
	rows->now = now;
	rows->now_s = now_s;
	rows->count = json_array_size(now);
	rc = match(rows);
	if (rc < 0) {
		top_rows_forget(rows);
	}
	return rc;
}

void top_rows_forget(struct top_rows *rows)
{
	json_decref(rows->now);
	json_decref(rows->before);
	free(rows->at_before);
	memset(rows, 0, sizeof(*rows));
}

double top_rows_value(const struct top_rows *rows, size_t row, unsigned column)
{
	const struct top_column *of = &rows->view->columns[column];
	const json_t *now = json_array_get(rows->now, row);
	bool past;

	switch (of->kind) {
	case TOP_TEXT:
		return NAN;
	case TOP_CAUSE:
		return cause_of(rows, row, of, &past)[0] ? 1 : 0;
	case TOP_RATE:
	case TOP_LOSS:
		return grown(rows, row, of) / (rows->now_s - rows->before_s);
	case TOP_BITS:
		return 8 * grown(rows, row, of) / (rows->now_s - rows->before_s);
	case TOP_RATIO:
		return ratio(rows, row, of);
	case TOP_LEVEL:
		return level(now, of);
	case TOP_NUMBER:
	case TOP_TOTAL:
	case TOP_LOST:
	case TOP_ALARM:
		break;
	}
	return sum_of(now, of);
}

const char *top_rows_text(const struct top_rows *rows, size_t row, unsigned column, bool *past)
{
	const struct top_column *of = &rows->view->columns[column];
	const char *text;

	*past = false;
	if (of->kind == TOP_CAUSE) {
		return cause_of(rows, row, of, past);
	}
	text = json_string_value(json_object_get(json_array_get(rows->now, row), of->paths[0]));
	return text ? text : "";
}

json_t *top_rows_of_losses(const json_t *stats)
{
	const json_t *totals = json_object_get(stats, "totals");
	json_t *kernel = json_object_get(totals, "kernel_drops");
	json_t *rows = json_pack("[{s:s, s:O}]", "cause", "kernel_drops", "count", kernel);
	const char *name;
	json_t *count;

	json_object_foreach(json_object_get(totals, "drops"), name, count)
	{
		if (rows && json_array_append_new(rows, json_pack("{s:s, s:O}", "cause", name,
								  "count", count)) < 0) {
			json_decref(rows);
			return NULL;
		}
	}
	return rows;
}

double top_rows_sum(const json_t *row, const char *path)
{
	const char *dot = strchr(path, '.'), *name;
	json_t *value = json_object_getn(row, path, dot ? (size_t)(dot - path) : strlen(path));
	json_t *part;
	double sum = 0;

	if (dot) {
		return top_rows_sum(value, dot + 1);
	}
	if (!json_is_object(value)) {
		return (double)json_integer_value(value);
	}
	json_object_foreach(value, name, part)
	{
		sum += (double)json_integer_value(part);
	}
	return sum;
}

static int match(struct top_rows *rows)
{
	size_t *at = malloc((rows->count + 1) * sizeof(*at));
	json_t *map = NULL;
	char key[KEY_BYTES];

	free(rows->at_before);
	rows->at_before = at;
	if (!at) {
		return -ENOMEM;
	}
	for (size_t i = 0; i < rows->count; i++) {
		const json_t *now = json_array_get(rows->now, i);
		const json_t *place;

		if (!rows->before || is_same(rows->view, now, json_array_get(rows->before, i))) {
			at[i] = rows->before ? i : TOP_NOWHERE;
			continue;
		}
		map = map ? map : map_of(rows->view, rows->before);
		write_key(rows->view, now, key);
		place = json_object_get(map, key);
		at[i] = place ? (size_t)json_integer_value(place) : TOP_NOWHERE;
	}
	json_decref(map);
	return 0;
}

static bool is_same(const struct top_view *view, const json_t *a, const json_t *b)
{
	for (size_t k = 0; k < TOP_KEYS_MAX && view->keys[k]; k++) {
		if (!json_equal(json_object_get(a, view->keys[k]),
				json_object_get(b, view->keys[k])) &&
		    (json_object_get(a, view->keys[k]) || json_object_get(b, view->keys[k]))) {
			return false;
		}
	}
	return b != NULL;
}

/* From what a row is to where it stands. */
static json_t *map_of(const struct top_view *view, const json_t *array)
{
	json_t *map = json_object(), *row;
	char key[KEY_BYTES];
	size_t i;

	json_array_foreach(array, i, row)
	{
		write_key(view, row, key);
		(void)json_object_set_new(map, key, json_integer((json_int_t)i));
	}
	return map;
}

static void write_key(const struct top_view *view, const json_t *row, char *key)
{
	size_t used = 0;

	key[0] = '\0';
	for (size_t k = 0; k < TOP_KEYS_MAX && view->keys[k] && used < KEY_BYTES; k++) {
		const json_t *value = json_object_get(row, view->keys[k]);
		const char *text = json_string_value(value);
		int more = text ? snprintf(key + used, KEY_BYTES - used, "%s\n", text)
				: snprintf(key + used, KEY_BYTES - used,
					   "%" JSON_INTEGER_FORMAT "\n", json_integer_value(value));

		used += more > 0 ? (size_t)more : 0;
	}
}

static double sum_of(const json_t *row, const struct top_column *column)
{
	double sum = 0;

	for (size_t p = 0; p < TOP_PATHS_MAX && column->paths[p]; p++) {
		sum += top_rows_sum(row, column->paths[p]);
	}
	return sum;
}

/* NAN: not known. */
static double grown(const struct top_rows *rows, size_t row, const struct top_column *column)
{
	const json_t *before = rows->at_before[row] == TOP_NOWHERE
				       ? NULL
				       : json_array_get(rows->before, rows->at_before[row]);
	double more = sum_of(json_array_get(rows->now, row), column) - sum_of(before, column);

	return before && more >= 0 && rows->now_s > rows->before_s ? more : NAN;
}

static double ratio(const struct top_rows *rows, size_t row, const struct top_column *column)
{
	struct top_column over = {.paths = {column->over}};
	double many = grown(rows, row, &over);

	return many > 0 ? grown(rows, row, column) / many : NAN;
}

static double level(const json_t *row, const struct top_column *column)
{
	double all = top_rows_sum(row, column->over);

	return all > 0 ? 100 * (all - sum_of(row, column)) / all : NAN;
}

static const char *cause_of(const struct top_rows *rows, size_t row,
			    const struct top_column *column, bool *past)
{
	const json_t *now = json_array_get(rows->now, row);
	const json_t *before = rows->at_before[row] == TOP_NOWHERE
				       ? NULL
				       : json_array_get(rows->before, rows->at_before[row]);
	const char *reason =
		column->over ? json_string_value(json_object_get(now, column->over)) : NULL;
	struct worst worst = {.name = ""};

	*past = true;
	if (reason) {
		return reason;
	}
	for (size_t p = 0; p < TOP_PATHS_MAX && column->paths[p]; p++) {
		look_at_cause(now, before, column->paths[p], &worst);
	}
	*past = worst.more <= 0;
	return worst.name;
}

static void look_at_cause(const json_t *now, const json_t *before, const char *path,
			  struct worst *worst)
{
	json_t *part, *value = json_object_get(now, path);
	const json_t *old = json_object_get(before, path);
	const char *name;

	if (!json_is_object(value)) {
		offer_cause(path, value, before ? old : value, worst);
		return;
	}
	json_object_foreach(value, name, part)
	{
		offer_cause(name, part, before ? json_object_get(old, name) : part, worst);
	}
}

/* `old' NULL: there was none yet. */
static void offer_cause(const char *name, const json_t *now, const json_t *old, struct worst *worst)
{
	double all = (double)json_integer_value(now);
	double more = all - (double)json_integer_value(old);

	if (all > 0 && (more > worst->more || (more == worst->more && all > worst->all))) {
		*worst = (struct worst){name, more, all};
	}
}
