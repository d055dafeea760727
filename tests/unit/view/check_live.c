/* check_live.c - a picture of what goes on: each shard and interface has its colour and its
 * numbers, what is lost stands out in both, and the picture fits the width that was asked for. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "src/view/live.h"
#include "src/view/view.h"

static struct topo topo;
static struct plan plan;
static struct rule_ingress ingress;
static struct view_flow flow = {.name = "rule1",
				.ingress = "239.1.1.1%eth0:5000",
				.ifname = "eth0",
				.node_os = TOPO_UNKNOWN,
				.weight = 1,
				.output_count = 1,
				.in = &ingress};
static struct view_live_item shards[3];
static struct view_live_item nics[2];
static struct view_live live;
static struct view view;
static char *text;
static size_t text_len;

static void setup(void)
{
	struct plan_flow wanted = {.node_os = TOPO_UNKNOWN,
				   .weight = 1,
				   .spread = 1,
				   .named_shard = PLAN_ANY,
				   .prior_flow = PLAN_ANY};
	struct plan_policy policy = {.shard_count = 3, .reserve_cores = -1, .balance = 2};
	struct err err;

	ck_assert_int_eq(topo_load("package:2 numanode:1 core:2 pu:1", &topo, &err), 0);
	ck_assert_int_eq(plan_build(&topo, &wanted, 1, &policy, &plan, &err), 0);
	memset(shards, 0, sizeof(shards));
	nics[0] = (struct view_live_item){.name = "eth0", .load = -1};
	nics[1] = (struct view_live_item){.name = "", .load = -1};
	live = (struct view_live){
		.shards = shards, .nics = nics, .nic_count = 2, .window_s = 2.5, .width = 900};
	view = (struct view){.topo = &topo, .plan = &plan, .flows = &flow, .live = &live};
}

static void teardown(void)
{
	plan_free(&plan);
	topo_free(&topo);
	free(text);
	text = NULL;
}

static void paint(void)
{
	FILE *out;

	free(text);
	text = NULL;
	out = open_memstream(&text, &text_len);
	ck_assert_ptr_nonnull(out);
	ck_assert_int_eq(view_picture(&view, out), 0);
	ck_assert_int_eq(fclose(out), 0);
}

static unsigned count(const char *part)
{
	unsigned n = 0;

	for (const char *at = text; (at = strstr(at, part)) != NULL; at += strlen(part)) {
		n++;
	}
	return n;
}

/* How many boxes have that class besides the one in the legend. */
static unsigned boxes(const char *class_name)
{
	char part[64];
	unsigned n;

	snprintf(part, sizeof(part), "<rect class=\"%s\"", class_name);
	n = count(part);
	ck_assert_uint_ge(n, 1);
	return n - 1;
}

START_TEST(load_has_a_colour_and_a_number)
{
	shards[0] = (struct view_live_item){.load = 0.1, .in_per_s = 1, .out_per_s = 2};
	shards[1] = (struct view_live_item){.load = 0.6, .in_per_s = 12345, .out_per_s = 2};
	shards[2] = (struct view_live_item){.load = 1.02, .in_per_s = 1, .out_per_s = 2000000};
	paint();
	ck_assert_uint_eq(boxes("b-load1"), 1);
	ck_assert_uint_eq(boxes("b-load2"), 0);
	ck_assert_uint_eq(boxes("b-load3"), 1);
	ck_assert_uint_eq(boxes("b-load4"), 1);
	ck_assert_uint_eq(boxes("b-losing"), 0);
	ck_assert_uint_eq(count(">s1 60%<"), 1);
	ck_assert_uint_eq(count(">in 12k<"), 1);
	ck_assert_uint_eq(count(">out 2.0M<"), 1);
	ck_assert_uint_eq(count(">lost"), 0);
}
END_TEST

START_TEST(what_loses_stands_out_in_colour_and_in_words)
{
	shards[1] = (struct view_live_item){
		.load = 0.1, .in_per_s = 100, .out_per_s = 20, .lost_per_s = 0.4};
	nics[0].out_per_s = 20;
	nics[0].lost_per_s = 80;
	paint();
	ck_assert_uint_eq(boxes("b-losing"), 2);
	ck_assert_uint_eq(count(">lost 0.4<"), 1);
	ck_assert_uint_eq(count(">lost 80, in 0, out 20<"), 1);
	ck_assert_uint_eq(boxes("b-quiet"), 3); /* two shards and the other interface */
}
END_TEST

START_TEST(load_that_nobody_knows_is_no_number)
{
	shards[0] = (struct view_live_item){.load = -1, .in_per_s = 7};
	paint();
	ck_assert_uint_eq(count(">s0<"), 1);
	ck_assert_uint_eq(boxes("b-load1"), 1);
}
END_TEST

START_TEST(interfaces_of_no_node_are_shown_too)
{
	paint();
	ck_assert_uint_eq(count(">no known node<"), 1);
	ck_assert_uint_eq(count(">eth0<"), 1);
	ck_assert_uint_eq(count(">(any)<"), 1);
}
END_TEST

START_TEST(a_plan_alone_is_painted_as_before)
{
	view.live = NULL;
	paint();
	ck_assert_uint_eq(count("class=\"b-quiet\""), 0);
	ck_assert_uint_eq(count(">no known node<"), 0);
	ck_assert_uint_eq(count("class=\"b-local\""), 2); /* the owner, and the legend */
}
END_TEST

START_TEST(a_picture_is_as_wide_as_was_asked)
{
	static const double widths[] = {VIEW_LIVE_WIDTH_MIN, 360, 900, VIEW_LIVE_WIDTH_MAX};

	for (size_t i = 0; i < sizeof(widths) / sizeof(widths[0]); i++) {
		char expected[64];

		live.width = widths[i];
		paint();
		snprintf(expected, sizeof(expected), "/svg\" width=\"%.0f\" height=", widths[i]);
		ck_assert_uint_eq(count(expected), 1);
		ck_assert_uint_eq(count(">s2 0%<"), 1);
	}
}
END_TEST

START_TEST(hostile_names_are_escaped)
{
	nics[0].name = "<a b=\"&'>";
	paint();
	ck_assert_uint_eq(count("<a b"), 0);
	ck_assert_uint_eq(count("&lt;a b=\"&amp;'&gt;"), 2);
}
END_TEST

START_TEST(rates_are_short)
{
	static const struct {
		double per_s;
		const char *text;
	} cases[] = {{0, "0"},        {0.04, "<0.1"},    {0.3, "0.3"},   {9.96, "10"},
		     {999.4, "999"},  {999.6, "1.0k"},   {12345, "12k"}, {999600, "1.0M"},
		     {5.4e9, "5.4G"}, {1e15, "1000000G"}};
	char buf[LIVE_RATE_TEXT_MAX];

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		ck_assert_str_eq(live_rate(cases[i].per_s, buf), cases[i].text);
	}
}
END_TEST

static Suite *live_suite(void)
{
	Suite *suite = suite_create("live");
	TCase *tcase = tcase_create("live");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, load_has_a_colour_and_a_number);
	tcase_add_test(tcase, what_loses_stands_out_in_colour_and_in_words);
	tcase_add_test(tcase, load_that_nobody_knows_is_no_number);
	tcase_add_test(tcase, interfaces_of_no_node_are_shown_too);
	tcase_add_test(tcase, a_plan_alone_is_painted_as_before);
	tcase_add_test(tcase, a_picture_is_as_wide_as_was_asked);
	tcase_add_test(tcase, hostile_names_are_escaped);
	tcase_add_test(tcase, rates_are_short);
	suite_add_tcase(suite, tcase);
	return suite;
}

int main(void)
{
	SRunner *runner = srunner_create(live_suite());
	int failed;

	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? 0 : 1;
}
