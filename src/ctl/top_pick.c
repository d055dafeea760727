/* top_pick.c - see top_pick.h.
 *
 * The values to sort by are computed once for each row. Filters do not mind the case of ASCII
 * letters.
 */
#include "src/ctl/top_pick.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* A row while it is sorted. */
struct item {
	size_t row;
	double value;     /* in the order of numbers: smaller first; NAN last */
	const char *text; /* NULL: numbers are compared */
	bool falls;
};

static bool is_chosen(const struct top_rows *rows, size_t row, const struct top_choice *choice);
static struct item item_of(const struct top_rows *rows, size_t row,
			   const struct top_choice *choice);
static int compare(const void *a, const void *b);

int top_pick(const struct top_rows *rows, const struct top_choice *choice, size_t **out,
	     size_t *out_count)
{
	struct item *items = malloc((rows->count + 1) * sizeof(*items));
	size_t *picked = malloc((rows->count + 1) * sizeof(*picked));
	size_t count = 0;

	if (!items || !picked) {
		free(items);
		free(picked);
		return -ENOMEM;
	}
	for (size_t i = 0; i < rows->count; i++) {
		if (is_chosen(rows, i, choice)) {
			items[count++] = item_of(rows, i, choice);
		}
	}
	qsort(items, count, sizeof(*items), compare);
	for (size_t i = 0; i < count; i++) {
		picked[i] = items[i].row;
	}
	free(items);
	*out = picked;
	*out_count = count;
	return 0;
}

bool top_pick_is_losing(const struct top_rows *rows, size_t row)
{
	const struct top_column *columns = rows->view->columns;

	for (unsigned c = 0; columns[c].title; c++) {
		bool tells = columns[c].kind == TOP_LOST || columns[c].kind == TOP_CAUSE ||
			     columns[c].kind == TOP_LOSS || columns[c].kind == TOP_ALARM;

		if (tells && top_rows_value(rows, row, c) > 0) {
			return true;
		}
	}
	return false;
}

static bool is_chosen(const struct top_rows *rows, size_t row, const struct top_choice *choice)
{
	const struct top_column *columns = rows->view->columns;
	bool past, chosen = choice->filter[0] == '\0';

	for (unsigned c = 0; !chosen && columns[c].title; c++) {
		chosen = top_view_is_text(&columns[c]) &&
			 strcasestr(top_rows_text(rows, row, c, &past), choice->filter) != NULL;
	}
	return chosen && (!choice->losing || top_pick_is_losing(rows, row));
}

static struct item item_of(const struct top_rows *rows, size_t row, const struct top_choice *choice)
{
	struct item item = {.row = row};
	const struct top_column *column;
	bool past;

	if (choice->sort == TOP_UNSORTED) {
		item.value = (double)row;
		item.falls = choice->reverse;
		return item;
	}
	column = &rows->view->columns[choice->sort];
	item.falls = top_view_falls(column) != choice->reverse;
	if (top_view_is_text(column)) {
		item.text = top_rows_text(rows, row, choice->sort, &past);
	} else {
		item.value = top_rows_value(rows, row, choice->sort);
	}
	return item;
}

static int compare(const void *a, const void *b)
{
	const struct item *one = a, *other = b;
	int order = 0;

	if (one->text) {
		order = strcmp(one->text, other->text);
		if (order != 0 && (!one->text[0] || !other->text[0])) {
			return one->text[0] ? -1 : 1;
		}
	} else if (isnan(one->value) || isnan(other->value)) {
		order = (isnan(one->value) != 0) - (isnan(other->value) != 0);
		if (order != 0) {
			return order;
		}
	} else {
		order = (one->value > other->value) - (one->value < other->value);
	}
	if (order == 0) {
		return one->row < other->row ? -1 : one->row > other->row;
	}
	return one->falls ? -order : order;
}
