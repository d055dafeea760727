/* check_rebalance.c - what flows have cost is told from their counters, and who asks, or a minute
 * that was uneven all through, makes them move.
 */
#include "src/run/rebalance.h"

#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "src/base/clock.h"
#include "tests/unit/run/supervisor_rig.h"

#define SHARDS 2
#define FLOWS  3

/* Two shards: flows 0 and 2 are on the first, flow 1 on the second. */
static struct sup_rig rig, second;
static struct worker workers[SHARDS];
static struct plan_shard plan_shards[SHARDS];
static struct plan_owner owners[FLOWS];
static uint32_t first_owner[FLOWS + 1] = {0, 1, 2, 3};
static struct rule_flow third_rule;
static struct flow_stats third_stats;
static uint64_t now_ns;

/* What was told. */
static uint32_t moves_found, told;
static struct plan_move move_found;
static double load_found;
static int told_rc;
static struct err told_text, why_found;

static void found(void *context, const struct rebalance_finding *finding)
{
	ck_assert_ptr_eq(context, &rig);
	moves_found = finding->moves->count;
	if (moves_found > 0) {
		move_found = finding->moves->moves[0];
		load_found = (double)finding->parts[move_found.owner].load;
		ck_assert_ptr_nonnull(finding->rates[move_found.owner]);
		rebalance_why(finding, &move_found, &why_found);
	}
}

static void done(void *context, int rc, const struct err *text)
{
	ck_assert_ptr_eq(context, &rig);
	told++;
	told_rc = rc;
	told_text = *text;
}

static const struct rebalance_client client = {.found = found, .done = done, .context = &rig};

static void fill_workers(void)
{
	workers[0] = rig.worker;
	workers[1] = second.worker;
	rig.flow_room[1].flow = (struct ingress_flow){.token = 1,
						      .first_output = PLACE_NONE,
						      .rule = &third_rule,
						      .stats = &third_stats,
						      .state = FLOW_ARMED};
	rig.sup.workers = workers;
	rig.sup.worker_count = SHARDS;
	rig.sup.reload.sup = &rig.sup;
	rig.sup.rebalance.sup = &rig.sup;
	third_rule.in = rig.opt.conf.flows[2].in;
	second.flow.in = rig.opt.conf.flows[1].in;
}

static void setup(void)
{
	struct err err;

	sup_rig_open(&rig);
	sup_rig_open(&second);
	for (int i = 2; i <= FLOWS; i++) {
		char rule[80];

		snprintf(rule, sizeof(rule), "239.1.1.%d%%eth0:5000 -> 239.2.3.%d%%eth1:6000", i,
			 i);
		ck_assert_int_eq(conf_add_rule(&rig.opt.conf, rule, "--rule", &err), 0);
	}
	third_stats = (struct flow_stats){0};
	fill_workers();
	owners[0].shard = owners[2].shard = 0;
	owners[1].shard = 1;
	rig.setup.plan = (struct plan){.shards = plan_shards,
				       .shard_count = SHARDS,
				       .owners = owners,
				       .first_owner = first_owner,
				       .flow_count = FLOWS};
	now_ns = clock_now_ns();
	moves_found = told = 0;
	logged_start();
}

static void teardown(void)
{
	rebalance_end(&rig.sup.rebalance);
	conf_free(&rig.opt.conf);
	sup_rig_close(&second);
}

/* So many datagrams of a hundred bytes come for flows 0 and 2, and for flow 1. */
static void come(uint64_t here, uint64_t there)
{
	struct flow_stats *stats[] = {&rig.flow_stats, &third_stats, &second.flow_stats};
	const uint64_t counts[] = {here, here, there};

	for (int i = 0; i < 3; i++) {
		stat_add(&stats[i]->pieces, counts[i]);
		stat_add(&stats[i]->received, counts[i]);
		stat_add(&stats[i]->received_bytes, counts[i] * 100);
	}
}

/* So many seconds pass, each with these datagrams. */
static void pass(uint32_t seconds, uint64_t here, uint64_t there)
{
	for (uint32_t i = 0; i < seconds; i++) {
		now_ns += NS_PER_S;
		come(here, there);
		rebalance_tick(&rig.sup.rebalance, now_ns);
	}
}

/* No flow may leave. */
static void hold_all(void)
{
	for (uint32_t i = 0; i < rig.opt.conf.rule_count; i++) {
		rig.opt.conf.rules[i].shard = 0;
	}
}

START_TEST(a_flow_costs_its_calls_and_its_bytes)
{
	struct rates before, after;

	come(10, 1);
	stat_add(&rig.output_stats[0].sends, 3);
	ck_assert_int_eq(rates_take(&rig.sup, 1, &before), 0);
	ck_assert_uint_eq(before.count, FLOWS);
	ck_assert_uint_eq(rates_work_of(&rig.shard), 23 * RATE_CALL_BYTES + 2000);
	come(5, 0);
	stat_add(&rig.output_stats[1].sends, 2);
	stat_add(&rig.output_stats[1].sent, 16);
	stat_add(&rig.output_stats[1].sent_bytes, 1600);
	ck_assert_int_eq(rates_take(&rig.sup, 2, &after), 0);
	rates_since(&after, &before);
	ck_assert_uint_eq(after.list[0].received, 5);
	ck_assert_uint_eq(after.list[0].sent, 16);
	ck_assert_uint_eq(after.list[0].work, 7 * RATE_CALL_BYTES + 2100);
	ck_assert_uint_eq(after.list[1].work, 0);
	rates_free(&after);
	rates_free(&before);
}
END_TEST

START_TEST(of_a_flow_that_has_come_meanwhile_nothing_is_known)
{
	struct rates before, after;

	rig.flow_room[1].flow.rule = NULL;
	ck_assert_int_eq(rates_take(&rig.sup, 1, &before), 0);
	rig.flow_room[1].flow.rule = &third_rule;
	come(1000, 1);
	ck_assert_int_eq(rates_take(&rig.sup, 2, &after), 0);
	rates_since(&after, &before);
	ck_assert_uint_eq(after.list[0].received, 1000);
	ck_assert_uint_eq(after.list[2].received, 0);
	ck_assert_uint_eq(after.list[2].sent, 0);
	ck_assert_uint_eq(after.list[2].work, 0);
	rates_free(&after);
	rates_free(&before);
}
END_TEST

/* Both shards receive the same, each its share. */
START_TEST(each_share_of_a_divided_flow_is_compared_with_itself)
{
	struct rates before, after;

	second.flow.in = rig.flow.in;
	come(1000, 10);
	ck_assert_int_eq(rates_take(&rig.sup, 1, &before), 0);
	come(5, 7);
	ck_assert_int_eq(rates_take(&rig.sup, 2, &after), 0);
	rates_since(&after, &before);
	ck_assert_uint_eq(after.count, FLOWS);
	for (uint32_t i = 0; i < after.count; i++) {
		ck_assert_uint_eq(after.list[i].received, after.list[i].shard == 0 ? 5 : 7);
	}
	rates_free(&after);
	rates_free(&before);
}
END_TEST

START_TEST(a_dry_run_tells_what_would_move_and_moves_nothing)
{
	struct rebalance *r = &rig.sup.rebalance;
	struct err err;

	ck_assert_int_eq(rebalance_begin(r, NS_PER_S / 2, true, &client, &err), 0);
	ck_assert_int_le(rebalance_sleep_ms(r, now_ns, 1000), 502);
	ck_assert_int_eq(rebalance_begin(r, NS_PER_S, true, &client, &err), -EBUSY);
	rebalance_tick(r, now_ns);
	ck_assert_uint_eq(told, 0);
	pass(1, 1000, 1);
	ck_assert_uint_eq(told, 1);
	ck_assert_int_eq(told_rc, 0);
	ck_assert_str_eq(told_text.text, "1 flows would move");
	ck_assert_uint_eq(moves_found, 1);
	ck_assert_uint_eq(move_found.from, 0);
	ck_assert_uint_eq(move_found.to, 1);
	ck_assert_double_eq(load_found, 1000.0 * (RATE_CALL_BYTES + 100));
	ck_assert_str_eq(why_found.text, "shard 0 carries 2.00 times the mean, shard 1 0.00 times");
	ck_assert_int_eq(rebalance_sleep_ms(r, now_ns, 1000), 1000);
}
END_TEST

START_TEST(what_is_even_stays)
{
	struct rebalance *r = &rig.sup.rebalance;
	struct err err;

	ck_assert_int_eq(rebalance_begin(r, NS_PER_S / 2, false, &client, &err), 0);
	pass(1, 500, 1000);
	ck_assert_uint_eq(told, 1);
	ck_assert_uint_eq(moves_found, 0);
	ck_assert_str_eq(told_text.text, "nothing is to be moved");
}
END_TEST

START_TEST(a_flow_whose_rule_names_a_shard_stays)
{
	struct rebalance *r = &rig.sup.rebalance;
	struct err err;

	hold_all();
	ck_assert_int_eq(rebalance_begin(r, NS_PER_S / 2, false, &client, &err), 0);
	pass(1, 1000, 1);
	ck_assert_uint_eq(told, 1);
	ck_assert_uint_eq(moves_found, 0);
}
END_TEST

START_TEST(the_legs_of_a_feed_stay_together)
{
	struct rebalance *r = &rig.sup.rebalance;
	struct err err;

	for (uint32_t i = 0; i < rig.opt.conf.rule_count; i++) {
		rig.opt.conf.rules[i].merge.method = MERGE_BY_HASH;
	}
	ck_assert_int_eq(rebalance_begin(r, NS_PER_S / 2, true, &client, &err), 0);
	pass(1, 1000, 1);
	ck_assert_uint_eq(told, 1);
	ck_assert_uint_eq(moves_found, 0);
	ck_assert_str_eq(told_text.text, "nothing is to be moved");
}
END_TEST

/* The rig has no interface, so that it comes to the reload and no farther. */
START_TEST(a_move_that_cannot_be_is_told)
{
	struct rebalance *r = &rig.sup.rebalance;
	struct err err;

	ck_assert_int_eq(rebalance_begin(r, NS_PER_S / 2, false, &client, &err), 0);
	pass(1, 1000, 1);
	ck_assert_uint_eq(told, 1);
	ck_assert_int_lt(told_rc, 0);
	ck_assert_uint_gt(strlen(told_text.text), 5);
	ck_assert(!reload_is_busy(&rig.sup.reload));
	ck_assert_int_eq(rebalance_begin(r, NS_PER_S, true, &client, &err), 0); /* it is over */
}
END_TEST

START_TEST(while_a_shard_has_a_message_nobody_looks)
{
	struct rebalance *r = &rig.sup.rebalance;
	struct err err;

	ck_assert_int_eq(rebalance_begin(r, NS_PER_S / 2, true, &client, &err), 0);
	workers[1].mailbox.waiting = true;
	pass(3, 1000, 1);
	ck_assert_uint_eq(told, 0);
	workers[1].mailbox.waiting = false;
	pass(1, 0, 0);
	ck_assert_uint_eq(told, 1);
}
END_TEST

START_TEST(by_itself_it_does_nothing_unless_told)
{
	pass(200, 1000, 1);
	ck_assert_str_eq(logged(), "");
	rig.opt.rebalance = 3; /* with two shards it never is */
	pass(200, 1000, 1);
	ck_assert_str_eq(logged(), "");
}
END_TEST

START_TEST(an_uneven_minute_is_acted_upon_once)
{
	hold_all();
	rig.opt.rebalance = 1.5;
	pass(60, 1000, 1);
	ck_assert_str_eq(logged(), "");
	pass(2, 1000, 1);
	ck_assert_ptr_nonnull(strstr(logged(), "one shard carries 2.00 times the mean"));
	pass(590, 1000, 1);
	ck_assert_str_eq(logged(), "");
	pass(70, 1000, 1);
	ck_assert_ptr_nonnull(strstr(logged(), "one shard carries 2.00 times the mean"));
}
END_TEST

START_TEST(one_even_second_begins_the_minute_anew)
{
	hold_all();
	rig.opt.rebalance = 1.5;
	for (int i = 0; i < 5; i++) {
		pass(50, 1000, 1);
		pass(1, 500, 1000);
	}
	ck_assert_str_eq(logged(), "");
}
END_TEST

START_TEST(a_change_of_rules_begins_the_minute_anew)
{
	static struct setup another;

	hold_all();
	rig.opt.rebalance = 1.5;
	pass(50, 1000, 1);
	another = rig.setup;
	rig.sup.setup = &another;
	pass(55, 1000, 1);
	ck_assert_str_eq(logged(), "");
}
END_TEST

START_TEST(a_trifle_is_left_alone)
{
	rig.opt.rebalance = 1.5;
	pass(200, 400, 1);
	ck_assert_str_eq(logged(), "");
}
END_TEST

START_TEST(who_asks_comes_before_what_happens_by_itself)
{
	struct rebalance *r = &rig.sup.rebalance;
	struct err err;

	rig.opt.rebalance = 1.5;
	pass(30, 1000, 1);
	ck_assert(r->by_itself);
	ck_assert_int_eq(rebalance_begin(r, NS_PER_S / 2, true, &client, &err), 0);
	now_ns += NS_PER_S;
	pass(2, 1000, 1);
	ck_assert_uint_eq(told, 1);
	ck_assert_str_eq(logged(), "");
}
END_TEST

START_TEST(what_failed_by_itself_is_remembered)
{
	rig.opt.rebalance = 1.5;
	pass(62, 1000, 1);
	ck_assert_uint_eq(rig.sup.history.count, 1);
	ck_assert_str_eq(history_at(&rig.sup.history, 0)->who, "--rebalance auto");
	ck_assert_ptr_nonnull(strstr(logged(), "rebalance: not done: "));
}
END_TEST

START_TEST(who_asked_hears_of_the_end)
{
	struct rebalance *r = &rig.sup.rebalance;
	struct err err;

	ck_assert_int_eq(rebalance_begin(r, NS_PER_S, false, &client, &err), 0);
	rebalance_end(r);
	ck_assert_uint_eq(told, 1);
	ck_assert_int_eq(told_rc, -ESHUTDOWN);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("rebalance");
	SRunner *runner = srunner_create(suite);
	TCase *tc = tcase_create("rebalance");
	int failed;

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, a_flow_costs_its_calls_and_its_bytes);
	tcase_add_test(tc, of_a_flow_that_has_come_meanwhile_nothing_is_known);
	tcase_add_test(tc, each_share_of_a_divided_flow_is_compared_with_itself);
	tcase_add_test(tc, a_dry_run_tells_what_would_move_and_moves_nothing);
	tcase_add_test(tc, what_is_even_stays);
	tcase_add_test(tc, a_flow_whose_rule_names_a_shard_stays);
	tcase_add_test(tc, the_legs_of_a_feed_stay_together);
	tcase_add_test(tc, a_move_that_cannot_be_is_told);
	tcase_add_test(tc, while_a_shard_has_a_message_nobody_looks);
	tcase_add_test(tc, by_itself_it_does_nothing_unless_told);
	tcase_add_test(tc, an_uneven_minute_is_acted_upon_once);
	tcase_add_test(tc, one_even_second_begins_the_minute_anew);
	tcase_add_test(tc, a_change_of_rules_begins_the_minute_anew);
	tcase_add_test(tc, a_trifle_is_left_alone);
	tcase_add_test(tc, who_asks_comes_before_what_happens_by_itself);
	tcase_add_test(tc, what_failed_by_itself_is_remembered);
	tcase_add_test(tc, who_asked_hears_of_the_end);
	suite_add_tcase(suite, tc);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
