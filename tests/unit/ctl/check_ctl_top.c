/* check_ctl_top.c - the model of `numacastctl top': rates, order, filters, keys and pictures. */
#include <check.h>
#include <errno.h>
#include <jansson.h>
#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "src/ctl/options.h"
#include "src/ctl/top_frame.h"
#include "src/ctl/top_layout.h"
#include "src/ctl/top_pick.h"
#include "src/ctl/top_rows.h"
#include "src/ctl/top_state.h"
#include "src/ctl/top_view.h"

static struct top_state state;
static struct top_frame frame;

static void setup(void)
{
	ck_assert_ptr_nonnull(setlocale(LC_CTYPE, "C.UTF-8"));
	top_state_init(&state, 0, 1);
}

static void teardown(void)
{
	top_state_free(&state);
	top_frame_free(&frame);
}

/* A rule's row. */
static json_t *rule(const char *name, json_int_t received, json_int_t pieces, json_int_t lost)
{
	json_t *losses = lost > 0 ? json_pack("{s:I}", "qdisc", lost) : json_object();

	return json_pack("{s:s, s:I, s:I, s:I, s:I, s:o, s:n}", "rule", name, "received", received,
			 "received_bytes", 100 * received, "pieces", pieces, "sent",
			 received - lost, "losses", losses, "reason");
}

/* The next answers: rows become the state's, and totals of as much. */
static void take(double uptime_s, json_t *rows)
{
	json_int_t received = 0, lost = 0;
	json_t *row, *stats;
	size_t i;

	json_array_foreach(rows, i, row)
	{
		received += json_integer_value(json_object_get(row, "received"));
		lost += (json_int_t)top_rows_sum(row, "losses");
	}
	stats = json_pack("{s:s, s:f, s:i, s:i, s:{s:I, s:I, s:I, s:{s:I}}}", "state", "relaying",
			  "uptime_s", uptime_s, "shards", 2, "rules", (int)json_array_size(rows),
			  "totals", "received", received, "sent", received - lost, "kernel_drops",
			  (json_int_t)0, "drops", "qdisc", lost);
	ck_assert_int_eq(
		top_state_take(&state, stats,
			       json_pack("{s:f, s:o}", "uptime_s", uptime_s, "rules", rows)),
		0);
}

/* The column of the rules' view that is called so. */
static unsigned column(const char *title)
{
	unsigned c = 0;

	while (strcmp(top_views[0].columns[c].title, title) != 0) {
		c++;
	}
	return c;
}

static double value(size_t row, const char *title)
{
	return top_rows_value(&state.rows, row, column(title));
}

static void press(const char *keys)
{
	for (; *keys; keys++) {
		(void)top_state_press(&state, (unsigned char)*keys);
	}
}

static void draw(unsigned columns, unsigned lines)
{
	top_frame_free(&frame);
	ck_assert_int_eq(top_frame_init(&frame, columns, lines), 0);
	top_layout_draw(&state, &frame);
}

/* The line's text, until the next call. */
static const char *line(unsigned number)
{
	static char *text;

	free(text);
	text = top_frame_text(&frame, number);
	ck_assert_ptr_nonnull(text);
	return text;
}

START_TEST(rates_are_what_came_between_two_answers)
{
	bool past;

	take(10, json_pack("[o]", rule("a", 100, 100, 0)));
	ck_assert(isnan(value(0, "IN/s")));
	ck_assert(isnan(top_state_rate(&state, "received")));
	take(12, json_pack("[o]", rule("a", 500, 200, 40)));
	ck_assert(value(0, "IN/s") == 200);
	ck_assert(value(0, "IN bit/s") == 200 * 100 * 8);
	ck_assert(value(0, "IN/RECV") == 4);
	ck_assert(isnan(value(0, "OUT/SEND"))); /* nothing says how many sends */
	ck_assert(value(0, "LOST/s") == 20);
	ck_assert(value(0, "LOST") == 40);
	ck_assert_str_eq(top_rows_text(&state.rows, 0, column("CAUSE"), &past), "qdisc");
	ck_assert(!past);
	ck_assert(top_state_rate(&state, "received") == 200);
	ck_assert(top_state_rate(&state, "drops.qdisc") == 20);
	take(13, json_pack("[o]", rule("a", 500, 200, 40)));
	ck_assert(value(0, "LOST/s") == 0);
	ck_assert_str_eq(top_rows_text(&state.rows, 0, column("CAUSE"), &past), "qdisc");
	ck_assert(past);
}
END_TEST

START_TEST(rows_are_found_again_wherever_they_stand)
{
	take(10,
	     json_pack("[o, o, o]", rule("a", 1, 1, 0), rule("b", 20, 1, 0), rule("c", 300, 1, 0)));
	take(11, json_pack("[o, o, o]", rule("c", 301, 1, 0), rule("new", 9, 1, 0),
			   rule("a", 5, 1, 0)));
	ck_assert(value(0, "IN/s") == 1);
	ck_assert(isnan(value(1, "IN/s")));
	ck_assert(value(2, "IN/s") == 4);
}
END_TEST

START_TEST(no_rate_is_negative)
{
	take(10, json_pack("[o]", rule("a", 100, 9, 0)));
	take(11, json_pack("[o]", rule("a", 7, 1, 0))); /* removed, and added again */
	ck_assert(isnan(value(0, "IN/s")));
	ck_assert(isnan(top_state_rate(&state, "received")));
	take(12, json_pack("[o]", rule("a", 9, 1, 0)));
	ck_assert(value(0, "IN/s") == 2);
	take(1, json_pack("[o]", rule("a", 90, 1, 0))); /* another daemon */
	ck_assert(isnan(value(0, "IN/s")));
	ck_assert(isnan(top_state_rate(&state, "received")));
	take(2, json_pack("[o]", rule("a", 95, 1, 0)));
	ck_assert(value(0, "IN/s") == 5);
	top_state_lose(&state, "gone"); /* and another one that has run for longer */
	ck_assert_str_eq(state.message, "gone");
	take(500, json_pack("[o]", rule("a", 1000, 1, 0)));
	ck_assert(isnan(value(0, "IN/s")));
	ck_assert(isnan(top_state_rate(&state, "received")));
	ck_assert_str_eq(state.message, "");
}
END_TEST

/* The names of what is picked, in order. */
static const char *picked(void)
{
	static char names[256];
	size_t used = 0;

	names[0] = '\0';
	for (size_t i = 0; i < state.picked_count; i++) {
		bool past;

		used += (size_t)snprintf(names + used, sizeof(names) - used, "%s ",
					 top_rows_text(&state.rows, state.picked[i], 0, &past));
	}
	return names;
}

START_TEST(rows_stand_by_the_column_that_is_chosen)
{
	json_t *now;

	take(10,
	     json_pack("[o, o, o]", rule("m", 0, 0, 0), rule("b", 0, 0, 0), rule("z", 0, 0, 0)));
	ck_assert_str_eq(picked(), "m b z "); /* nothing is known: as answered */
	now = json_pack("[o, o, o]", rule("m", 5, 1, 2), rule("b", 50, 9, 1), rule("z", 5, 5, 0));
	json_array_append_new(now, rule("new", 7, 1, 0));
	take(11, now);
	ck_assert_str_eq(picked(), "b m z new "); /* most first, what is not known last */
	press("r");
	ck_assert_str_eq(picked(), "m z b new ");
	press("<<"); /* over the rates' left neighbour, the duty */
	ck_assert_uint_eq(state.choices[0].sort, 0);
	ck_assert_str_eq(picked(), "b m new z ");
	press("<"); /* none */
	ck_assert_uint_eq(state.choices[0].sort, TOP_UNSORTED);
	ck_assert_str_eq(picked(), "m b z new ");
	press("<<");
	ck_assert_uint_eq(state.choices[0].sort, column("LOST"));
	ck_assert_str_eq(picked(), "m b z new ");
	press("l");
	ck_assert_str_eq(picked(), "m b ");
}
END_TEST

START_TEST(filter_holds_while_it_is_typed)
{
	take(10, json_pack("[o, o, o]", rule("Studio1", 0, 0, 0), rule("studio2", 0, 0, 3),
			   rule("größe", 0, 0, 0)));
	press("/");
	ck_assert(state.typing);
	press("UDIO");
	ck_assert_str_eq(picked(), "Studio1 studio2 ");
	press("2q"); /* no command now */
	ck_assert_str_eq(picked(), "");
	(void)top_state_press(&state, TOP_KEY_BACKSPACE);
	ck_assert_str_eq(picked(), "studio2 ");
	(void)top_state_press(&state, TOP_KEY_ENTER);
	ck_assert(!state.typing);
	ck_assert_str_eq(picked(), "studio2 ");
	(void)top_state_press(&state, TOP_KEY_ESCAPE);
	ck_assert_uint_eq(state.picked_count, 3);
	press("/");
	(void)top_state_press(&state, 0xf6); /* two bytes, of which one key is taken back */
	ck_assert_str_eq(picked(), "größe ");
	(void)top_state_press(&state, TOP_KEY_BACKSPACE);
	ck_assert_str_eq(state.choices[0].filter, "");
	press("qdisc"); /* causes are texts, too */
	ck_assert_str_eq(picked(), "studio2 ");
	for (int i = 0; i < 2 * TOP_FILTER_BYTES; i++) {
		press("x");
	}
	ck_assert_uint_lt(strlen(state.choices[0].filter), TOP_FILTER_BYTES);
}
END_TEST

START_TEST(keys_scroll_through_ten_thousand_rows)
{
	json_t *rows = json_array();

	for (int i = 0; i < 10000; i++) {
		char name[32];

		snprintf(name, sizeof(name), "rule%05d", i);
		json_array_append_new(rows, rule(name, 0, 0, 0));
	}
	take(10, rows);
	draw(80, 24);
	ck_assert_uint_eq(state.page, 19);
	ck_assert_ptr_nonnull(strstr(line(4), "rule00000"));
	ck_assert_ptr_nonnull(strstr(line(22), "rule00018"));
	press("j ");
	draw(80, 24);
	ck_assert_ptr_nonnull(strstr(line(4), "rule00020"));
	press("kG");
	draw(80, 24);
	ck_assert_ptr_nonnull(strstr(line(22), "rule09999"));
	ck_assert_ptr_nonnull(strstr(line(2), "9982-10000 of 10000"));
	press("jj ");
	draw(80, 60); /* no blank rows below the last */
	ck_assert_ptr_nonnull(strstr(line(58), "rule09999"));
	press("g");
	draw(80, 24);
	ck_assert_ptr_nonnull(strstr(line(4), "rule00000"));
	press("/09999\n");
	draw(80, 24);
	ck_assert_ptr_nonnull(strstr(line(4), "rule09999"));
	ck_assert_ptr_nonnull(strstr(line(2), "'09999' 1-1 of 1"));
}
END_TEST

START_TEST(views_are_turned_to_by_key_and_asked_for)
{
	ck_assert_int_eq(top_state_press(&state, '4'), TOP_ASK);
	ck_assert_str_eq(top_views[state.view].name, "shards");
	ck_assert_int_eq(top_state_press(&state, '4'), TOP_DRAW);
	ck_assert_int_eq(top_state_press(&state, '8'), TOP_DRAW);
	ck_assert_int_eq(top_state_press(&state, TOP_KEY_TAB), TOP_ASK);
	ck_assert_str_eq(top_views[state.view].name, "pools");
	ck_assert_int_eq(top_state_press(&state, TOP_KEY_BACK_TAB), TOP_ASK);
	ck_assert_int_eq(top_state_press(&state, '1'), TOP_ASK);
	ck_assert_int_eq(top_state_press(&state, '?'), TOP_DRAW);
	ck_assert(state.helping);
	draw(80, 24);
	ck_assert_ptr_nonnull(strstr(line(4), "another view"));
	ck_assert_int_eq(top_state_press(&state, 'x'), TOP_DRAW);
	ck_assert(!state.helping);
	press("+");
	ck_assert(state.interval_s == 0.5);
	press("--");
	ck_assert(state.interval_s == 2);
	press("++++++++++++");
	ck_assert(state.interval_s >= TOP_INTERVAL_MIN_S);
	ck_assert_int_eq(top_state_press(&state, 'q'), TOP_QUIT);
}
END_TEST

START_TEST(losses_are_rows_of_their_own)
{
	json_t *stats =
		json_pack("{s:f, s:{s:I, s:{s:I, s:I}}}", "uptime_s", 5.0, "totals", "kernel_drops",
			  (json_int_t)3, "drops", "loop", (json_int_t)0, "qdisc", (json_int_t)7);

	ck_assert_int_eq(top_state_press(&state, '6'), TOP_ASK);
	ck_assert_int_eq(top_state_take(&state, stats, NULL), 0);
	ck_assert_uint_eq(state.picked_count, 3);
	ck_assert(top_rows_value(&state.rows, 0, 2) == 3);
	ck_assert(top_rows_value(&state.rows, 2, 2) == 7);
	press("l");
	ck_assert_str_eq(picked(), "kernel_drops qdisc ");
}
END_TEST

START_TEST(what_is_no_answer_is_refused)
{
	ck_assert_int_eq(top_state_take(&state, json_object(), json_object()), -EPROTO);
	ck_assert_int_eq(top_state_take(&state, json_pack("{s:{}}", "totals"),
					json_pack("{s:i}", "rules", 1)),
			 -EPROTO);
	draw(80, 24);
	take(10, json_pack("[o, i, n]", rule("a", 1, 1, 0), 7)); /* rows that are none */
	draw(80, 24);
	ck_assert_uint_eq(state.picked_count, 3);
}
END_TEST

/* The style of the cell in which `text' begins, before which all is ASCII. */
static enum top_style style_at(unsigned number, const char *text)
{
	const char *all = line(number), *found = strstr(all, text);

	ck_assert_msg(found != NULL, "%s: %s", text, all);
	return frame.cells[number * frame.columns + (size_t)(found - all)].style;
}

START_TEST(losses_have_a_colour)
{
	take(10, json_pack("[o, o, o]", rule("now", 100, 1, 0), rule("before", 50, 1, 5),
			   rule("never", 9, 1, 0)));
	take(11, json_pack("[o, o, o]", rule("now", 300, 1, 77), rule("before", 60, 1, 5),
			   rule("never", 9, 1, 0)));
	draw(120, 24);
	ck_assert_ptr_nonnull(strstr(line(4), "now"));
	ck_assert_int_eq(style_at(4, " 77 "), TOP_STYLE_PLAIN); /* the blank before it */
	ck_assert_int_eq(style_at(4, "77 "), TOP_STYLE_BAD);
	ck_assert_int_eq(style_at(4, "qdisc"), TOP_STYLE_BAD);
	ck_assert_int_eq(style_at(5, "5 qdisc"), TOP_STYLE_WARN);
	ck_assert_int_eq(style_at(5, "qdisc"), TOP_STYLE_WARN);
	ck_assert_int_eq(style_at(1, "lost 77/s, 82 in all"), TOP_STYLE_BAD);
	ck_assert_int_eq(style_at(2, "1 rules"), TOP_STYLE_CHOSEN);
	ck_assert_int_eq(style_at(2, "2 flows"), TOP_STYLE_PLAIN);
	ck_assert_int_eq(style_at(3, "IN/s"), TOP_STYLE_CHOSEN);
	take(12, json_pack("[o, o]", rule("now", 300, 1, 77), rule("before", 80, 1, 5)));
	draw(120, 24);
	ck_assert_int_eq(style_at(1, "lost 0/s, 82 in all"), TOP_STYLE_WARN);
}
END_TEST

/* A leg's row. */
static json_t *leg(json_int_t number, json_int_t lost, json_int_t silent)
{
	return json_pack("{s:s, s:s, s:n, s:i, s:I, s:I, s:{s:I, s:I, s:I, s:I, s:{s:i, s:i}}}",
			 "rule", "feed", "ingress", number == 0 ? "239.1.1.1:1" : "239.1.1.2:1",
			 "source", "shard", 0, "received", 100 * number, "relayed", 50 * number,
			 "leg", "leg", number, "lost", lost, "only", (json_int_t)4, "silent",
			 silent, "skew_us", "p50", 31, "p99", 255);
}

static void take_legs(double uptime_s, json_t *rows)
{
	json_t *stats = json_pack("{s:f, s:{s:i}}", "uptime_s", uptime_s, "totals", "received", 1);

	ck_assert_int_eq(
		top_state_take(&state, stats,
			       json_pack("{s:f, s:o}", "uptime_s", uptime_s, "legs", rows)),
		0);
}

START_TEST(legs_are_rows_and_a_silent_one_is_red)
{
	ck_assert_int_eq(top_state_press(&state, '7'), TOP_ASK);
	take_legs(10, json_pack("[o, o, o]", leg(0, 0, 0), leg(1, 7, 0), leg(2, 7, 1)));
	take_legs(11, json_pack("[o, o, o]", leg(0, 0, 0), leg(1, 9, 0), leg(2, 7, 1)));
	draw(100, 24);
	ck_assert_str_eq(line(2), " 1 rules 2 flows 3 outputs 4 shards 5 pools 6 losses 7 legs"
				  "                                 1-3 of 3");
	ck_assert_int_eq(style_at(2, " 7 legs "), TOP_STYLE_CHOSEN);
	ck_assert_int_eq(style_at(2, "6 losses"), TOP_STYLE_PLAIN);
	ck_assert_int_eq(style_at(4, "no"), TOP_STYLE_DIM);
	ck_assert_int_eq(style_at(6, "yes"), TOP_STYLE_BAD);
	ck_assert_ptr_nonnull(strstr(line(5), " 2 "));
	ck_assert_int_eq(style_at(5, "2       9 "), TOP_STYLE_BAD);
	press("l");
	ck_assert_uint_eq(state.picked_count, 2);
	draw(40, 10); /* what says whether a leg is well stays */
	ck_assert_ptr_nonnull(strstr(line(3), "LOST/s"));
	ck_assert_ptr_nonnull(strstr(line(3), "SILENT"));
}
END_TEST

START_TEST(picture_fits_any_size)
{
	take(10, json_pack("[o, o]", rule("日本のスタジオ", 1, 1, 0), rule("b", 0, 0, 0)));
	take(11, json_pack("[o, o]", rule("日本のスタジオ", 100, 1, 9), rule("b", 0, 0, 0)));
	for (unsigned view = 0; view < 2; view++) {
		for (unsigned columns = 1; columns < 200; columns += columns < 60 ? 1 : 23) {
			for (unsigned lines = 1; lines < 40; lines++) {
				draw(columns, lines);
				ck_assert_uint_ge(state.page, 1);
				(void)line(lines - 1);
			}
		}
		press("?");
		top_state_lose(&state, "a message that is longer than most of these pictures are");
	}
	press("x");
	draw(40, 10);
	ck_assert_str_eq(line(3), "RULE          IN/s   OUT/s  LOST/s CAUSE");
	ck_assert_str_eq(line(4), "日本のス~       99      90       9 qdisc");
	draw(20, 2);
	ck_assert_str_eq(line(0), "a message that is l~");
	draw(200, 60);
	ck_assert_ptr_nonnull(strstr(line(3), "OUT/SEND"));
	ck_assert_ptr_nonnull(strstr(line(59), "q quit"));
}
END_TEST

START_TEST(what_lacks_little_is_shown_whole)
{
	json_t *row = rule("no-screen-has-room-for-all-of-this-name-beside-all-rates", 1, 1, 0);

	json_object_set_new(row, "reason", json_string("out9 is not there"));
	take(10, json_pack("[o]", row));
	draw(105, 10);
	ck_assert_ptr_nonnull(strstr(line(4), "out9 is not there"));
}
END_TEST

START_TEST(option_names_the_views_and_requests_name_members_once)
{
	struct err err;

	for (unsigned v = 0; v < TOP_VIEWS; v++) {
		char *argv[] = {(char *)"numacastctl", (char *)"top", (char *)"--view",
				(char *)top_views[v].name, NULL};
		struct ctl_opt opt;

		ck_assert_int_eq(ctl_options_parse(4, argv, &opt, &err), 0);
		ck_assert_uint_eq(opt.view, v);
		ck_assert_uint_eq(top_view_find(top_views[v].name), v);
		ctl_options_free(&opt);
		if (top_views[v].subject) {
			json_t *request = top_view_request(&top_views[v]);
			const json_t *members = json_object_get(request, "members");

			ck_assert_uint_gt(json_array_size(members), 3);
			for (size_t i = 0; i < json_array_size(members); i++) {
				for (size_t j = 0; j < i; j++) {
					ck_assert(!json_equal(json_array_get(members, i),
							      json_array_get(members, j)));
				}
			}
			json_decref(request);
		}
	}
	ck_assert_uint_eq(top_view_find("nothing"), TOP_VIEWS);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("ctl_top");
	TCase *tc = tcase_create("ctl_top");
	SRunner *runner = srunner_create(suite);
	int failed;

	suite_add_tcase(suite, tc);
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, rates_are_what_came_between_two_answers);
	tcase_add_test(tc, rows_are_found_again_wherever_they_stand);
	tcase_add_test(tc, no_rate_is_negative);
	tcase_add_test(tc, rows_stand_by_the_column_that_is_chosen);
	tcase_add_test(tc, filter_holds_while_it_is_typed);
	tcase_add_test(tc, keys_scroll_through_ten_thousand_rows);
	tcase_add_test(tc, views_are_turned_to_by_key_and_asked_for);
	tcase_add_test(tc, losses_are_rows_of_their_own);
	tcase_add_test(tc, legs_are_rows_and_a_silent_one_is_red);
	tcase_add_test(tc, what_is_no_answer_is_refused);
	tcase_add_test(tc, losses_have_a_colour);
	tcase_add_test(tc, picture_fits_any_size);
	tcase_add_test(tc, what_lacks_little_is_shown_whole);
	tcase_add_test(tc, option_names_the_views_and_requests_name_members_once);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
