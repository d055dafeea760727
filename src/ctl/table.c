/* table.c - see table.h.
 *
 * All cells are made first, so that each column is as wide as its widest. Widths are counted in
 * characters of UTF-8.
 */
#include "src/ctl/table.h"

#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "src/base/memfile.h"

#define GAP 2 /* blanks between columns */

static bool add_value(FILE *out, const json_t *value, const char *path, bool first);
static json_int_t sum_of(const json_t *object);
static void hide_controls(char *text);
static size_t width_of(const char *text);
static void print_line(const struct table_column *columns, char *const *cells, const size_t *widths,
		       FILE *out);

int table_print(const struct table_column *columns, const json_t *rows, FILE *out)
{
	size_t widths[TABLE_COLUMNS_MAX], column_count = 0, row_count = json_array_size(rows);
	char *titles[TABLE_COLUMNS_MAX], **cells;
	int rc = 0;

	for (; columns[column_count].title; column_count++) {
		titles[column_count] = (char *)columns[column_count].title;
		widths[column_count] = strlen(columns[column_count].title);
	}
	cells = calloc(row_count * column_count + 1, sizeof(*cells));
	if (!cells) {
		return -ENOMEM;
	}
	for (size_t i = 0; i < row_count * column_count && rc == 0; i++) {
		size_t c = i % column_count, width;

		cells[i] = table_cell(json_array_get(rows, i / column_count), columns[c].path);
		rc = cells[i] ? 0 : -ENOMEM;
		width = cells[i] ? width_of(cells[i]) : 0;
		widths[c] = width > widths[c] ? width : widths[c];
	}
	if (rc == 0) {
		print_line(columns, titles, widths, out);
		for (size_t r = 0; r < row_count; r++) {
			print_line(columns, cells + r * column_count, widths, out);
		}
	}
	for (size_t i = 0; i < row_count * column_count; i++) {
		free(cells[i]);
	}
	free(cells);
	return rc;
}

char *table_cell(const json_t *row, const char *path)
{
	char *text = NULL;
	size_t len = 0;
	FILE *out = memfile_open(&text, &len);

	if (!out) {
		return NULL;
	}
	(void)add_value(out, row, path, true);
	if (memfile_close(out, &text) < 0) {
		return NULL;
	}
	hide_controls(text);
	return text;
}

/* Whether nothing was added yet. */
static bool add_value(FILE *out, const json_t *value, const char *path, bool first)
{
	size_t len = strcspn(path, ".");
	json_t *element;
	char name[64];
	size_t i;

	if (json_is_array(value)) {
		json_array_foreach(value, i, element)
		{
			first = add_value(out, element, path, first);
		}
		return first;
	}
	if (len > 0) {
		snprintf(name, sizeof(name), "%.*s", (int)len, path);
		return add_value(out, json_object_get(value, name), path + len + (path[len] == '.'),
				 first);
	}
	if (!first) {
		fputc(',', out);
	}
	if (json_is_string(value)) {
		fputs(json_string_value(value), out);
	} else if (json_is_integer(value)) {
		fprintf(out, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
	} else if (json_is_real(value)) {
		fprintf(out, "%.1f", json_real_value(value));
	} else if (json_is_boolean(value)) {
		fputs(json_is_true(value) ? "yes" : "no", out);
	} else if (json_is_object(value)) {
		fprintf(out, "%" JSON_INTEGER_FORMAT, sum_of(value));
	} else {
		fputc('-', out);
	}
	return false;
}

static json_int_t sum_of(const json_t *object)
{
	json_int_t sum = 0;
	const char *name;
	json_t *value;

	json_object_foreach((json_t *)object, name, value)
	{
		if (__builtin_add_overflow(sum, json_integer_value(value), &sum)) {
			return INT64_MAX; /* what is no daemon of ours may say anything */
		}
	}
	return sum;
}

/* Those of ASCII, and of ISO 6429's second set, which are two bytes in UTF-8. */
static void hide_controls(char *text)
{
	for (unsigned char *at = (unsigned char *)text; *at; at++) {
		if (*at < 0x20 || *at == 0x7f) {
			*at = '?';
		} else if (at[0] == 0xc2 && at[1] >= 0x80 && at[1] < 0xa0) {
			at[0] = at[1] = '?';
		}
	}
}

static size_t width_of(const char *text)
{
	size_t width = 0;

	for (; *text; text++) {
		width += ((unsigned char)*text & 0xc0) != 0x80;
	}
	return width;
}

/* No blank stands at the end. */
static void print_line(const struct table_column *columns, char *const *cells, const size_t *widths,
		       FILE *out)
{
	size_t owed = 0; /* blanks before what comes next */

	for (size_t c = 0; columns[c].title; c++) {
		size_t fill = widths[c] - width_of(cells[c]);

		if (cells[c][0] == '\0') {
			owed += GAP + fill;
			continue;
		}
		fprintf(out, "%*s%s", (int)(owed + (columns[c].right ? fill : 0)), "", cells[c]);
		owed = GAP + (columns[c].right ? 0 : fill);
	}
	fputc('\n', out);
}
