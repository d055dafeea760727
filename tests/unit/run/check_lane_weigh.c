/* check_lane_weigh.c - a flow that costs less by its shard is left to it, and comes back when it
 * does so no more. What is weighed, and for how long: check_weigh.c.
 */
#include "src/run/lane_weigh.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "src/base/clock.h"
#include "tests/unit/run/lane_rig.h"

#define OUTPUTS  4
#define RATE     (WEIGH_COPIES_MIN / OUTPUTS) /* from which on the program is dear, a second */
#define START_NS NS_PER_S

static struct supervisor *const sup = &rig.at.sup;
static struct lane *const lane = &rig.at.sup.lane;
static struct lane_verdict *verdict;
static uint64_t now_ns;

static void setup(void)
{
	lane_rig_open();
	lane_rig_carry();
	verdict = lane_rig_verdict();
	verdict->outputs = OUTPUTS;
	now_ns = START_NS;
}

static void weigh(void)
{
	lane_weigh(sup, now_ns);
	now_ns += NS_PER_S;
}

/* A second in which so many came to the program. */
static void second_by_program(uint64_t datagrams)
{
	lane_rig_counts()->received += datagrams;
	lane_rig_counts()->pieces += datagrams;
	weigh();
}

/* The same by the shard, whose sends take so many each. */
static void second_by_shard(uint64_t datagrams, uint64_t train)
{
	stat_add(&rig.at.flow_stats.received, datagrams);
	stat_add(&rig.at.flow_stats.pieces, datagrams);
	for (uint32_t o = 0; o < SUP_RIG_OUTPUTS; o++) {
		stat_add(&rig.at.output_stats[o].sent, datagrams);
		stat_add(&rig.at.output_stats[o].sends, datagrams / train);
	}
	weigh();
}

/* It is dear for as long as it takes. */
static void leave(void)
{
	weigh();
	for (int i = 0; i < WEIGH_LEAVE_S; i++) {
		ck_assert_int_eq(verdict->reason, FAST_REASON_NONE);
		second_by_program(RATE);
	}
	ck_assert_int_eq(verdict->reason, FAST_REASON_CHEAPER);
}

START_TEST(flow_that_its_shard_sends_cheaper_is_left_to_it)
{
	leave();
	ck_assert_uint_eq(lane_rig_record()->image, FAST_NONE);
	ck_assert_uint_eq(lane_rig_record()->old_image, FAST_NONE); /* it is settled */
	ck_assert_uint_eq(lane_rig_record()->order.left, 1);
	ck_assert_uint_eq(lane->carried, 0);
	ck_assert_uint_eq(verdict->hold_ns, UINT64_MAX);
	ck_assert_ptr_nonnull(strstr(logged(), "leaves the fast path until it costs less there"));
}
END_TEST

START_TEST(flow_below_that_rate_stays)
{
	for (int i = 0; i < 3 * WEIGH_LEAVE_S; i++) {
		second_by_program(RATE - 1);
	}
	ck_assert_int_eq(verdict->reason, FAST_REASON_NONE);
}
END_TEST

/* What was counted before it was known is of no second. */
START_TEST(first_look_at_a_flow_weighs_nothing)
{
	second_by_program(100 * RATE);
	ck_assert_uint_eq(verdict->weigh.dear_ns, 0);
	ck_assert_uint_eq(verdict->so_far.ns, START_NS);
	ck_assert_uint_eq(verdict->so_far.received, 100 * RATE);
	second_by_program(RATE);
	ck_assert_uint_eq(verdict->weigh.dear_ns, NS_PER_S);
}
END_TEST

START_TEST(flow_of_many_sizes_stays)
{
	weigh();
	for (int i = 0; i < 3 * WEIGH_LEAVE_S; i++) {
		lane_rig_counts()->unlike += RATE / 2;
		second_by_program(RATE);
	}
	ck_assert_int_eq(verdict->reason, FAST_REASON_NONE);
}
END_TEST

START_TEST(flow_that_gets_less_comes_back)
{
	leave();
	(void)logged();
	lane->due = false;
	weigh();
	for (int i = 0; i < WEIGH_RETURN_S; i++) {
		ck_assert(!lane->due);
		second_by_shard(RATE / 4, 16);
	}
	ck_assert(lane->due);
	ck_assert_uint_eq(verdict->hold_ns, 0);
	ck_assert_uint_eq(lane_rig_record()->order.left, 1);
	ck_assert_ptr_nonnull(strstr(logged(), "goes back to the fast path"));
	lane_look(sup);
	ck_assert_int_eq(lane_reason(sup, &rig.at.flow.in), FAST_REASON_NONE);
}
END_TEST

START_TEST(flow_of_which_its_shard_makes_trains_stays_there)
{
	leave();
	lane->due = false;
	weigh();
	for (int i = 0; i < 3 * WEIGH_RETURN_S; i++) {
		second_by_shard(RATE, WEIGH_TRAIN_MIN);
	}
	ck_assert(!lane->due);
	for (int i = 0; i < WEIGH_RETURN_S; i++) {
		second_by_shard(RATE, 1);
	}
	ck_assert(lane->due);
}
END_TEST

START_TEST(counts_that_went_with_an_output_begin_anew)
{
	leave();
	second_by_shard(RATE, 16);
	second_by_shard(RATE, 16);
	stat_set(&rig.at.output_stats[1].sent, 0);
	stat_set(&rig.at.output_stats[1].sends, 0);
	verdict->weigh.dear_ns = 77;
	weigh();
	ck_assert_uint_eq(verdict->weigh.dear_ns, 77); /* nothing was weighed */
	ck_assert_uint_eq(verdict->so_far.sent, 2 * RATE);
}
END_TEST

START_TEST(flow_that_goes_by_its_socket_for_another_reason_is_not_weighed)
{
	second_by_program(RATE);
	ck_assert_uint_gt(verdict->so_far.ns, 0);
	verdict->reason = FAST_REASON_OPTIONS;
	weigh();
	ck_assert_uint_eq(verdict->so_far.ns, 0);
	verdict->reason = FAST_REASON_NONE;
	verdict->outputs = 0; /* it is not to be left */
	second_by_program(RATE);
	ck_assert_uint_eq(verdict->so_far.ns, 0);
}
END_TEST

/* Asked of the rule's flow as if it had so many outputs. */
static uint32_t ask(uint32_t outputs)
{
	struct conf_flow flow = rig.at.opt.conf.flows[0];

	flow.output_count = outputs;
	lane_weigh_ask(&rig.at.opt, &flow, verdict);
	return verdict->outputs;
}

START_TEST(only_flows_that_nobody_asks_for_by_name_may_be_left)
{
	struct opt *opt = &rig.at.opt;

	ck_assert_uint_eq(ask(WEIGH_OUTPUTS_MIN - 1), 0);
	ck_assert_uint_eq(ask(WEIGH_OUTPUTS_MIN), WEIGH_OUTPUTS_MIN);
	opt->fastpath = OPT_FASTPATH_REQUIRE;
	ck_assert_uint_eq(ask(WEIGH_OUTPUTS_MIN), 0);
	opt->fastpath = OPT_FASTPATH_AUTO;
	opt->conf.rules[0].fast = 1;
	ck_assert_uint_eq(ask(WEIGH_OUTPUTS_MIN), 0);
}
END_TEST

START_TEST(flow_that_was_left_and_may_be_no_more_is_held_no_more)
{
	leave();
	verdict->weigh.dear_ns = 77;
	ck_assert_uint_eq(ask(OUTPUTS), OUTPUTS);
	ck_assert_int_eq(verdict->reason, FAST_REASON_CHEAPER);
	ck_assert(verdict->weigh.left);
	ck_assert_uint_eq(ask(1), 0);
	ck_assert_int_eq(verdict->reason, FAST_REASON_PENDING);
	ck_assert_uint_eq(verdict->hold_ns, 0);
	ck_assert(!verdict->weigh.left);
	ck_assert_uint_eq(verdict->weigh.dear_ns, 0);
	verdict->reason = FAST_REASON_FRAGMENT;
	verdict->hold_ns = 88;
	ck_assert_uint_eq(ask(1), 0);
	ck_assert_uint_eq(verdict->hold_ns, 88); /* that has another reason */
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		flow_that_its_shard_sends_cheaper_is_left_to_it,
		flow_below_that_rate_stays,
		first_look_at_a_flow_weighs_nothing,
		flow_of_many_sizes_stays,
		flow_that_gets_less_comes_back,
		flow_of_which_its_shard_makes_trains_stays_there,
		counts_that_went_with_an_output_begin_anew,
		flow_that_goes_by_its_socket_for_another_reason_is_not_weighed,
		only_flows_that_nobody_asks_for_by_name_may_be_left,
		flow_that_was_left_and_may_be_no_more_is_held_no_more,
	};
	Suite *suite = suite_create("lane_weigh");
	TCase *tcase = tcase_create("lane_weigh");
	SRunner *runner;
	int failed;

	tcase_add_checked_fixture(tcase, setup, lane_rig_close);
	for (size_t i = 0; i < sizeof(tests) / sizeof(tests[0]); i++) {
		tcase_add_test(tcase, tests[i]);
	}
	suite_add_tcase(suite, tcase);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
