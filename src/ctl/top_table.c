/* top_table.c - see top_table.h. */
#include "src/ctl/top_table.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "src/ctl/top_layout.h"

#define GAP          1  /* between columns */
#define TEXT_MAX     60 /* cells that a text gets at most */
#define BAR_CELLS    10
#define LEVEL_WARN   75 /* percent */
#define LEVEL_BAD    95
#define CELL_BYTES   80
#define ROWS_LOOK_AT 200 /* for the width of texts */

/* The rows to be drawn, and how wide their columns are; 0: left out. */
struct table {
	const struct top_rows *rows;
	const struct top_column *columns;
	const size_t *picked;
	unsigned count; /* rows */
	unsigned sort;
	unsigned widths[TOP_COLUMNS_MAX];
};

static void choose_widths(struct table *table, unsigned room);
static unsigned least_short(const struct table *table, const unsigned *wanted);
static unsigned natural_width(const struct table *table, unsigned column);
static unsigned sum_of(const struct table *table);
static bool leave_out(struct table *table);
static void draw_head(const struct table *table, struct top_frame *frame, unsigned line);
static void draw_row(const struct table *table, size_t row, struct top_frame *frame, unsigned line);
static const char *cell_text(const struct table *table, size_t row, unsigned column, char *text,
			     enum top_style *style);
static enum top_style style_of(enum top_kind kind, double value);
static void write_level(double percent, char *text);

void top_table_draw(const struct top_state *state, struct top_frame *frame, unsigned head,
		    unsigned first, unsigned page)
{
	const struct top_view *view = &top_views[state->view];
	size_t from = state->scrolled[state->view];
	struct table table = {.rows = &state->rows,
			      .columns = view->columns,
			      .sort = state->choices[state->view].sort};

	if (state->rows.view == view && from < state->picked_count) {
		size_t count = state->picked_count - from;

		table.picked = state->picked + from;
		table.count = count < page ? (unsigned)count : page;
	}
	choose_widths(&table, frame->columns);
	draw_head(&table, frame, head);
	for (unsigned i = 0; i < table.count; i++) {
		draw_row(&table, table.picked[i], frame, first + i);
	}
}

static void choose_widths(struct table *table, unsigned room)
{
	unsigned wanted[TOP_COLUMNS_MAX] = {0};

	for (unsigned c = 0; table->columns[c].title; c++) {
		wanted[c] = natural_width(table, c);
		table->widths[c] =
			table->columns[c].width < wanted[c] ? table->columns[c].width : wanted[c];
	}
	while (sum_of(table) > room && leave_out(table)) {
	}
	for (unsigned c;
	     (c = least_short(table, wanted)) < TOP_COLUMNS_MAX && sum_of(table) < room;) {
		unsigned lacks = wanted[c] - table->widths[c], more = room - sum_of(table);

		table->widths[c] += lacks < more ? lacks : more;
	}
}

/* The shown column that lacks least of what it wants, so that one long text does not leave others
 * without the last letter of theirs; TOP_COLUMNS_MAX: none lacks anything. */
static unsigned least_short(const struct table *table, const unsigned *wanted)
{
	unsigned least = TOP_COLUMNS_MAX;

	for (unsigned c = 0; table->columns[c].title; c++) {
		if (table->widths[c] > 0 && table->widths[c] < wanted[c] &&
		    (least == TOP_COLUMNS_MAX ||
		     wanted[c] - table->widths[c] < wanted[least] - table->widths[least])) {
			least = c;
		}
	}
	return least;
}

/* Of the rows that are drawn. */
static unsigned natural_width(const struct table *table, unsigned column)
{
	const struct top_column *of = &table->columns[column];
	unsigned width = (unsigned)strlen(of->title);

	if (!top_view_is_text(of)) {
		return of->width;
	}
	for (unsigned i = 0; i < table->count && i < ROWS_LOOK_AT; i++) {
		bool past;
		unsigned wide = top_frame_width(
			top_rows_text(table->rows, table->picked[i], column, &past));

		width = wide > width ? wide : width;
	}
	return width < TEXT_MAX ? width : TEXT_MAX;
}

static unsigned sum_of(const struct table *table)
{
	unsigned sum = 0;

	for (unsigned c = 0; table->columns[c].title; c++) {
		sum += table->widths[c] > 0 ? table->widths[c] + GAP : 0;
	}
	return sum > 0 ? sum - GAP : 0;
}

/* One column, the last of the highest rank; false when only such remain as are never left out. */
static bool leave_out(struct table *table)
{
	unsigned worst = TOP_COLUMNS_MAX;

	for (unsigned c = 0; table->columns[c].title; c++) {
		if (table->widths[c] > 0 && table->columns[c].rank > 0 &&
		    (worst == TOP_COLUMNS_MAX ||
		     table->columns[c].rank >= table->columns[worst].rank)) {
			worst = c;
		}
	}
	if (worst == TOP_COLUMNS_MAX) {
		return false;
	}
	table->widths[worst] = 0;
	return true;
}

static void draw_head(const struct table *table, struct top_frame *frame, unsigned line)
{
	unsigned at = 0;

	top_frame_fill(frame, line, TOP_STYLE_HEAD);
	for (unsigned c = 0; table->columns[c].title; c++) {
		if (table->widths[c] > 0 && at < frame->columns) {
			top_frame_put(frame, line, at, table->widths[c], table->columns[c].title,
				      !top_view_is_text(&table->columns[c]),
				      c == table->sort ? TOP_STYLE_CHOSEN : TOP_STYLE_HEAD);
			at += table->widths[c] + GAP;
		}
	}
}

static void draw_row(const struct table *table, size_t row, struct top_frame *frame, unsigned line)
{
	unsigned at = 0;

	for (unsigned c = 0; table->columns[c].title; c++) {
		enum top_style style;
		char text[CELL_BYTES];

		if (table->widths[c] > 0 && at < frame->columns) {
			const char *shown = cell_text(table, row, c, text, &style);

			top_frame_put(frame, line, at, table->widths[c], shown,
				      !top_view_is_text(&table->columns[c]), style);
			at += table->widths[c] + GAP;
		}
	}
}

/* What stands in a cell: `text', or the row's own. */
static const char *cell_text(const struct table *table, size_t row, unsigned column, char *text,
			     enum top_style *style)
{
	const struct top_column *of = &table->columns[column];
	const char *shown;
	double value;
	bool past;

	if (top_view_is_text(of)) {
		shown = top_rows_text(table->rows, row, column, &past);
		*style = of->kind == TOP_TEXT ? TOP_STYLE_PLAIN
			 : past               ? TOP_STYLE_WARN
					      : TOP_STYLE_BAD;
		return shown;
	}
	value = top_rows_value(table->rows, row, column);
	*style = style_of(of->kind, value);
	switch (of->kind) {
	case TOP_LEVEL:
		write_level(value, text);
		break;
	case TOP_RATIO:
		snprintf(text, CELL_BYTES, isnan(value) ? "-" : "%.1f", value);
		break;
	case TOP_NUMBER:
		snprintf(text, CELL_BYTES, "%.0f", value);
		break;
	case TOP_ALARM:
		snprintf(text, CELL_BYTES, "%s", value > 0 ? "yes" : "no");
		break;
	default:
		top_layout_number(value, text);
	}
	return text;
}

static enum top_style style_of(enum top_kind kind, double value)
{
	if (isnan(value) || (value == 0 && kind != TOP_NUMBER && kind != TOP_LEVEL)) {
		return TOP_STYLE_DIM;
	}
	switch (kind) {
	case TOP_LOSS:
	case TOP_ALARM:
		return TOP_STYLE_BAD;
	case TOP_LOST:
		return TOP_STYLE_WARN;
	case TOP_LEVEL:
		return value < LEVEL_WARN  ? TOP_STYLE_GOOD
		       : value < LEVEL_BAD ? TOP_STYLE_WARN
					   : TOP_STYLE_BAD;
	default:
		return TOP_STYLE_PLAIN;
	}
}

static void write_level(double percent, char *text)
{
	int full = isnan(percent) ? 0 : (int)(percent * BAR_CELLS / 100 + 0.5);

	snprintf(text, CELL_BYTES, "[%.*s%*s] %3.0f%%", full, "##########", BAR_CELLS - full, "",
		 isnan(percent) ? 0 : percent);
}
