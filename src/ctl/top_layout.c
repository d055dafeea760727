/* top_layout.c - see top_layout.h. */
#include "src/ctl/top_layout.h"

#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "src/ctl/top_table.h"

/* Which line holds what; NO_LINE: there is none. */
struct places {
	unsigned title, totals, views, head, rows, keys;
	unsigned page; /* rows */
};

#define NO_LINE ((unsigned)-1)

static struct places places_of(unsigned lines, bool keys);
static unsigned take_line(bool wanted, unsigned *next);
static void draw_title(const struct top_state *state, struct top_frame *frame, unsigned line);
static void draw_totals(const struct top_state *state, struct top_frame *frame, unsigned line);
static unsigned put_rate(struct top_frame *frame, unsigned line, unsigned column, const char *name,
			 double rate);
static const char *worst_loss(const struct top_state *state, double *out_rate, double *out_total);
static void draw_views(const struct top_state *state, struct top_frame *frame, unsigned line);
static unsigned put_view(struct top_frame *frame, unsigned line, unsigned column, unsigned view,
			 enum top_style style);
static void draw_where(const struct top_state *state, struct top_frame *frame, unsigned line,
		       unsigned from);
static void draw_keys(const struct top_state *state, struct top_frame *frame, unsigned line);
static void draw_help(struct top_frame *frame, const struct places *places);
static void draw_message(const struct top_state *state, struct top_frame *frame, unsigned line);

void top_layout_draw(struct top_state *state, struct top_frame *frame)
{
	struct places places = places_of(frame->lines, !state->plain);

	top_state_fit(state, places.page);
	draw_title(state, frame, places.title);
	draw_totals(state, frame, places.totals);
	draw_views(state, frame, places.views);
	if (state->helping) {
		draw_help(frame, &places);
	} else {
		top_table_draw(state, frame, places.head, places.rows, places.page);
	}
	draw_keys(state, frame, places.keys);
	if (state->message[0]) {
		draw_message(state, frame,
			     places.totals != NO_LINE ? places.totals
			     : places.keys != NO_LINE ? places.keys
						      : 0);
	}
}

void top_layout_number(double value, char text[TOP_NUMBER_BYTES])
{
	static const char units[] = "kMGTPE";
	unsigned unit = 0;

	if (isnan(value)) {
		snprintf(text, TOP_NUMBER_BYTES, "-");
		return;
	}
	if (value < 999.5) {
		snprintf(text, TOP_NUMBER_BYTES,
			 value < 9.95 && value != floor(value) ? "%.1f" : "%.0f", value);
		return;
	}
	for (value /= 1000; value >= 999.5 && units[unit + 1]; unit++) {
		value /= 1000;
	}
	snprintf(text, TOP_NUMBER_BYTES, "%.*f%c",
		 value < 9.995   ? 2
		 : value < 99.95 ? 1
				 : 0,
		 value, units[unit]);
}

/* The first that go are the keys, then the views, the totals, the title, the heads. */
static struct places places_of(unsigned lines, bool keys)
{
	struct places places;
	unsigned next = 0;

	places.title = take_line(lines >= 4, &next);
	places.totals = take_line(lines >= (keys ? 5 : 4), &next);
	places.views = take_line(lines >= (keys ? 6 : 4), &next);
	places.head = take_line(lines >= 2, &next);
	places.rows = next;
	keys = keys && lines >= 7;
	places.keys = keys ? lines - 1 : NO_LINE;
	places.page = lines - next - keys;
	return places;
}

static unsigned take_line(bool wanted, unsigned *next)
{
	return wanted ? (*next)++ : NO_LINE;
}

static void draw_title(const struct top_state *state, struct top_frame *frame, unsigned line)
{
	const char *what = json_string_value(json_object_get(state->stats, "state"));
	long up_s = (long)json_real_value(json_object_get(state->stats, "uptime_s"));
	char text[160], days[32] = "";
	unsigned used;

	top_frame_fill(frame, line, TOP_STYLE_TITLE);
	snprintf(text, sizeof(text), " numacast %s", what ? what : "");
	used = top_frame_put(frame, line, 0, frame->columns, text, false, TOP_STYLE_TITLE);
	if (state->stats) {
		if (up_s >= 86400) {
			snprintf(days, sizeof(days), "%ld d ", up_s / 86400);
		}
		snprintf(text, sizeof(text),
			 " for %s%02ld:%02ld:%02ld, %.0f shards, %.0f rules, %.0f flows, "
			 "%.0f outputs",
			 days, up_s / 3600 % 24, up_s / 60 % 60, up_s % 60,
			 top_rows_sum(state->stats, "shards"), top_rows_sum(state->stats, "rules"),
			 top_rows_sum(state->stats, "flows"),
			 top_rows_sum(state->stats, "outputs"));
		used += top_frame_put(frame, line, used, frame->columns - used, text, false,
				      TOP_STYLE_TITLE);
	}
	snprintf(text, sizeof(text), " %.3g s ", state->interval_s);
	if (used + strlen(text) <= frame->columns) {
		top_frame_put(frame, line, used, frame->columns - used, text, true,
			      TOP_STYLE_TITLE);
	}
}

static void draw_totals(const struct top_state *state, struct top_frame *frame, unsigned line)
{
	double rate = 0, total = 0;
	const char *worst = worst_loss(state, &rate, &total);
	enum top_style style = rate > 0    ? TOP_STYLE_BAD
			       : total > 0 ? TOP_STYLE_WARN
					   : TOP_STYLE_GOOD;
	char number[TOP_NUMBER_BYTES], all[TOP_NUMBER_BYTES], text[160];
	unsigned column = 1;

	if (!state->stats) {
		return;
	}
	column += put_rate(frame, line, column, "in ", top_state_rate(state, "received"));
	column += put_rate(frame, line, column, "   out ", top_state_rate(state, "sent"));
	top_layout_number(rate, number);
	top_layout_number(total, all);
	if (total > 0) {
		snprintf(text, sizeof(text), "   lost %s/s, %s in all, most by %s", number, all,
			 worst);
	} else {
		snprintf(text, sizeof(text), "   nothing lost");
	}
	if (column < frame->columns) {
		top_frame_put(frame, line, column, frame->columns - column, text, false, style);
	}
}

static unsigned put_rate(struct top_frame *frame, unsigned line, unsigned column, const char *name,
			 double rate)
{
	char number[TOP_NUMBER_BYTES], text[64];

	top_layout_number(rate, number);
	snprintf(text, sizeof(text), "%s%s/s", name, number);
	return column < frame->columns ? top_frame_put(frame, line, column, frame->columns - column,
						       text, false, TOP_STYLE_PLAIN)
				       : 0;
}

/* The cause of most that is lost now, or else of most that was; and of all causes the sums. */
static const char *worst_loss(const struct top_state *state, double *out_rate, double *out_total)
{
	const json_t *totals = json_object_get(state->stats, "totals");
	double now = top_state_rate(state, "kernel_drops"), most = now;
	double all = top_rows_sum(totals, "kernel_drops"), most_ever = all;
	const char *worst = "kernel_drops", *name;
	json_t *count;

	*out_rate = now + top_state_rate(state, "drops");
	*out_total = all + top_rows_sum(totals, "drops");
	json_object_foreach(json_object_get(totals, "drops"), name, count)
	{
		char path[80];

		snprintf(path, sizeof(path), "drops.%s", name);
		now = top_state_rate(state, path);
		all = (double)json_integer_value(count);
		if (now > most || (!(now < most) && all > most_ever)) {
			worst = name;
			most = now;
			most_ever = all;
		}
	}
	return worst;
}

/* Neighbours share a blank, and the chosen one has both of its own. */
static void draw_views(const struct top_state *state, struct top_frame *frame, unsigned line)
{
	unsigned starts[TOP_VIEWS], column = 0;

	for (unsigned v = 0; v < TOP_VIEWS; v++) {
		unsigned cells = put_view(frame, line, column, v, TOP_STYLE_PLAIN);

		if (cells == 0) {
			return;
		}
		starts[v] = column;
		column += cells - 1;
		if (v >= state->view) {
			(void)put_view(frame, line, starts[state->view], state->view,
				       TOP_STYLE_CHOSEN);
		}
	}
	draw_where(state, frame, line, column + 2);
}

/* How many cells it took; 0: it has no room. */
static unsigned put_view(struct top_frame *frame, unsigned line, unsigned column, unsigned view,
			 enum top_style style)
{
	char text[32];

	snprintf(text, sizeof(text), " %u %s ", view + 1, top_views[view].name);
	return column + strlen(text) <= frame->columns
		       ? top_frame_put(frame, line, column, frame->columns - column, text, false,
				       style)
		       : 0;
}

/* Which rows of how many are seen. */
static void draw_where(const struct top_state *state, struct top_frame *frame, unsigned line,
		       unsigned from)
{
	const struct top_choice *choice = &state->choices[state->view];
	size_t first = state->scrolled[state->view], last = first + state->page;
	char text[TOP_FILTER_BYTES + 80];

	last = last > state->picked_count ? state->picked_count : last;
	snprintf(text, sizeof(text), "%s%s%s%s%zu-%zu of %zu", choice->losing ? "losing " : "",
		 choice->filter[0] ? "'" : "", choice->filter, choice->filter[0] ? "' " : "",
		 state->picked_count > 0 ? first + 1 : 0, last, state->picked_count);
	if (from + 10 < frame->columns) {
		top_frame_put(frame, line, from, frame->columns - from, text, true,
			      choice->filter[0] || choice->losing ? TOP_STYLE_WARN : TOP_STYLE_DIM);
	}
}

static void draw_keys(const struct top_state *state, struct top_frame *frame, unsigned line)
{
	char text[TOP_FILTER_BYTES + 80];

	if (state->typing) {
		snprintf(text, sizeof(text), " filter: %s_   (Enter keeps it, Escape shows all)",
			 state->choices[state->view].filter);
	} else {
		snprintf(text, sizeof(text),
			 " q quit  ? help  1-%d view  <> sort  r reverse  / filter  l losing  "
			 "+- pace",
			 TOP_VIEWS);
	}
	top_frame_fill(frame, line, TOP_STYLE_TITLE);
	top_frame_put(frame, line, 0, frame->columns, text, false, TOP_STYLE_TITLE);
}

static void draw_help(struct top_frame *frame, const struct places *places)
{
	static const char *const lines[] = {
		"1 to 7, Tab      another view",
		"arrows, Page     scroll; also j k, blank, Home End, g G",
		"< >, left right  sort by another column; none is the daemon's order",
		"r                the other way round",
		"/                only rows that have these characters; Escape: all",
		"l                only rows that have lost something, or wait",
		"+ -              ask more often, less often",
		"q                end",
		"",
		"IN/RECV   datagrams of a reception: more than 1 by trains",
		"OUT/SEND  datagrams of a send       IN/TURN  of a turn of the shard",
		"KERNEL/s  of these, in the kernel (--fastpath)",
		"LOST      red: at this moment; yellow: before. Of a leg: what it did not bring",
		"SAVED     what no other leg brought       LOST ALL  what none brought",
		"",
		"Any other key goes back.",
	};
	unsigned count = sizeof(lines) / sizeof(lines[0]);

	for (unsigned i = 0; i < count && i < places->page; i++) {
		top_frame_put(frame, places->rows + i, 1, frame->columns, lines[i], false,
			      TOP_STYLE_PLAIN);
	}
}

static void draw_message(const struct top_state *state, struct top_frame *frame, unsigned line)
{
	for (unsigned c = 0; c < frame->columns; c++) {
		top_frame_put(frame, line, c, 1, " ", false, TOP_STYLE_BAD);
	}
	top_frame_put(frame, line, 0, frame->columns, state->message, false, TOP_STYLE_BAD);
}
