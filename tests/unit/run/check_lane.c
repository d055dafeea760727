/* check_lane.c - the program's lane from opening to stopping: who leaves it, who comes back, and
 * that nothing that it has counted is lost.
 */
#include "src/run/lane.h"

#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "src/base/clock.h"
#include "src/setup/difference_group.h"
#include "tests/unit/run/lane_rig.h"

static struct supervisor *const sup = &rig.at.sup;
static struct lane *const lane = &rig.at.sup.lane;

/* A second has passed since the last tick. */
static uint64_t tick(void)
{
	uint64_t now_ns = lane->tick_ns + NS_PER_S;

	lane_tick(sup, now_ns);
	return now_ns;
}

static bool is_carried(void)
{
	bool carried = lane_reason(sup, &rig.at.flow.in) == FAST_REASON_NONE;

	ck_assert_int_eq(carried, lane_rig_record()->image != FAST_NONE);
	ck_assert_uint_eq(lane->carried, carried);
	return carried;
}

/* Opens the lane as if there were so many flows and outputs. */
static void open_for(uint32_t flows, uint32_t outputs)
{
	struct conf *conf = &rig.at.opt.conf;
	struct conf real = *conf;
	struct err err;

	conf->flow_count = flows;
	conf->output_count = outputs;
	ck_assert_int_eq(lane_open(sup, &err), 0);
	*conf = real;
	lane_close(lane);
}

START_TEST(lane_has_room_for_as_many_again_within_bounds)
{
	open_for(1, 2);
	ck_assert_uint_eq(rig.sizes.ways, 64 + 1);
	ck_assert_uint_eq(rig.sizes.outputs, 2 * 512 + 1);
	open_for(100, 5000);
	ck_assert_uint_eq(rig.sizes.ways, 200 + 1);
	ck_assert_uint_eq(rig.sizes.outputs, 2 * 10000 + 1);
	open_for(50000, 3000000000);
	ck_assert_uint_eq(rig.sizes.ways, 16384 + 1);
	ck_assert_uint_eq(rig.sizes.outputs, 2 * 65536 + 1);
}
END_TEST

START_TEST(lane_that_nobody_asks_for_is_not_opened)
{
	struct err err;

	rig.at.opt.fastpath = OPT_FASTPATH_OFF;
	ck_assert_int_eq(lane_open(sup, &err), 0);
	ck_assert(!lane_is_open(sup));
	ck_assert_int_eq(lane_start(sup, &err), 0);
	lane_changed(sup);
	tick();
	lane_drop(sup, &rig.at.flow.in);
	lane_settle(sup);
	lane_forget(sup, &rig.at.flow.in);
	lane_stop(sup);
	ck_assert(!lane->stopped);
	ck_assert_int_eq(lane_reason(sup, &rig.at.flow.in), FAST_REASON_CLOSED);
	rig.at.opt.conf.rules[0].fast = 1; /* but a rule does */
	ck_assert_int_eq(lane_open(sup, &err), 0);
	ck_assert(lane_is_open(sup));
}
END_TEST

START_TEST(lane_that_cannot_be_had_is_a_failure_only_where_it_is_required)
{
	struct err err;

	rig.loads = -EPERM;
	ck_assert_int_eq(lane_open(sup, &err), 0);
	ck_assert_ptr_nonnull(strstr(logged(), "no program here; all flows go by their sockets"));
	rig.at.opt.fastpath = OPT_FASTPATH_REQUIRE;
	ck_assert_int_eq(lane_open(sup, &err), -EPERM);
	ck_assert_str_eq(err.text, "--fastpath require: no program here");
	ck_assert_str_eq(logged(), "");
	ck_assert(!lane_is_open(sup));
}
END_TEST

/* How long the program goes on without us. */
static uint64_t lingers_for_ns(uint32_t option, bool store)
{
	struct err err;
	uint64_t lease_ns;

	rig.at.opt.fastpath_linger_s = option;
	sup->store.on = store;
	ck_assert_int_eq(lane_open(sup, &err), 0);
	lane_prolong(sup, 100);
	lease_ns = rig.until_ns - 100;
	ck_assert_int_eq(lane->fast.hooks.outlives, lease_ns != FAST_LEASE_NS);
	lane_close(lane);
	return lease_ns;
}

START_TEST(program_outlives_us_where_sockets_do)
{
	ck_assert_uint_eq(lingers_for_ns(OPT_AMOUNT_AUTO, false), FAST_LEASE_NS);
	ck_assert_uint_eq(lingers_for_ns(OPT_AMOUNT_AUTO, true), 10 * NS_PER_S);
	ck_assert_uint_eq(lingers_for_ns(OPT_AMOUNT_OFF, true), FAST_LEASE_NS);
	ck_assert_uint_eq(lingers_for_ns(30, false), 30 * NS_PER_S);
}
END_TEST

START_TEST(flow_is_carried_from_the_start_by_a_program_that_runs)
{
	lane_rig_carry();
	ck_assert(is_carried());
	ck_assert_uint_gt(rig.until_ns, clock_now_ns());
	ck_assert_ptr_null(lane_why(sup, &rig.at.flow.in));
}
END_TEST

START_TEST(flow_that_cannot_be_carried_is_a_failure_where_it_is_required)
{
	struct err err;

	rig.at.opt.fastpath = OPT_FASTPATH_REQUIRE;
	rig.at.opt.conf.outputs[1].rate_bps = 1000;
	ck_assert_int_eq(lane_open(sup, &err), 0);
	ck_assert_int_eq(lane_start(sup, &err), -EINVAL);
	ck_assert_ptr_nonnull(strstr(err.text, "cannot be relayed in the kernel: an output has "
					       "rate="));
	ck_assert_str_eq(lane_why(sup, &rig.at.flow.in), "an output has rate=");
	rig.at.opt.conf.rules[0].fast = 0;
	ck_assert_int_eq(lane_start(sup, &err), 0); /* it does not ask for it */
	ck_assert_ptr_null(lane_why(sup, &rig.at.flow.in));
}
END_TEST

START_TEST(flow_that_a_change_touches_goes_by_its_socket_before)
{
	const struct changer_step steps[] = {{.op = SHARD_SET_WAITS},
					     {.op = SHARD_SET_OUTPUT, .flow = &rig.at.flow}};
	uint32_t waits;

	lane_rig_carry();
	waits = rig.waits;
	lane_rig_counts()->received = 7;
	lane_touch(sup, steps, 2);
	ck_assert_uint_eq(lane_rig_record()->image, FAST_NONE);
	ck_assert_uint_eq(rig.waits, waits + 1);                /* once for all of them */
	ck_assert_uint_eq(lane_rig_record()->past.received, 7); /* it counts on */
	ck_assert_uint_eq(stat_get(&sup->gone.flows.received), 0);
	lane_changed(sup);
	ck_assert(is_carried());
}
END_TEST

START_TEST(flow_that_is_added_counts_anew)
{
	const struct changer_step step = {.op = SHARD_ADD_FLOW, .flow = &rig.at.flow};

	lane_rig_carry();
	lane_rig_counts()->received = 7;
	lane_touch(sup, &step, 1);
	ck_assert_ptr_null(fast_find(&lane->fast, &rig.at.flow.in));
	ck_assert_uint_eq(stat_get(&sup->gone.flows.received), 7);
}
END_TEST

START_TEST(flow_that_is_left_alone_by_its_feed_is_held)
{
	const struct rule_merge merge = {.rule = {.skew_ms = 500}};
	const struct rule_flow had = {.in = rig.at.flow.in, .merge = &merge};
	const struct difference_group group = {
		.lead = &rig.at.flow, .had = &had, .stays = {&rig.at.flow}, .stay_count = 1};
	const struct changer_step step = {
		.op = SHARD_SET_MERGE, .flow = &rig.at.flow, .group = &group};
	uint64_t now_ns;

	lane_rig_carry();
	now_ns = clock_now_ns();
	lane_touch(sup, &step, 1);
	ck_assert_int_eq(lane_rig_verdict()->reason, FAST_REASON_MERGED);
	ck_assert_uint_ge(lane_rig_verdict()->hold_ns, now_ns + NS_PER_S + 500 * NS_PER_MS);
	ck_assert_uint_le(lane_rig_verdict()->hold_ns, clock_now_ns() + 2 * NS_PER_S);
	lane_changed(sup);
	ck_assert_int_eq(lane_reason(sup, &rig.at.flow.in), FAST_REASON_MERGED);
}
END_TEST

START_TEST(counts_of_what_has_gone_are_kept)
{
	lane_rig_carry();
	lane_rig_counts()->received = 9;
	lane_rig_output_counts(0)->sent = 8;
	lane_rig_output_counts(0)->qdisc = 1;
	lane_rig_output_counts(1)->sent = 5;
	lane_forget_output(sup, &rig.at.flow.in, &rig.at.outputs[1].out.to);
	ck_assert_uint_eq(stat_get(&sup->gone.outputs.sent), 5);
	ck_assert_uint_eq(stat_get(&sup->gone.flows.received), 0);
	lane_forget(sup, &rig.at.flow.in);
	ck_assert_uint_eq(stat_get(&sup->gone.outputs.sent), 13);
	ck_assert_uint_eq(stat_get(&sup->gone.outputs.offered), 14);
	ck_assert_uint_eq(stat_get(&sup->gone.outputs.drops[OUTPUT_DROP_QDISC]), 1);
	ck_assert_uint_eq(stat_get(&sup->gone.flows.received), 9);
	ck_assert_uint_eq(stat_get(&sup->gone.flows.relayed), 9);
	lane_forget(sup, &rig.at.flow.in);
	ck_assert_uint_eq(stat_get(&sup->gone.flows.received), 9);
}
END_TEST

START_TEST(flow_and_output_are_read_with_what_they_count_now)
{
	struct fast_flow_counts flow;
	struct fast_output_counts output;
	uint64_t before;

	lane_read_flow(sup, &rig.at.flow_room[0].flow, &flow);
	ck_assert_uint_eq(flow.taken, 0);
	lane_rig_carry();
	lane_rig_counts()->received = 9;
	lane_rig_output_counts(1)->sent = 8;
	lane_drop(sup, &rig.at.flow.in);
	lane_settle(sup);
	lane_changed(sup);
	lane_rig_counts()->received = 2;
	fast_order_of(&lane->fast, &rig.at.flow.in)->left = 4;
	lane_read_flow(sup, &rig.at.flow_room[0].flow, &flow);
	ck_assert_uint_eq(flow.image.received, 11);
	ck_assert_uint_eq(flow.taken, 2);
	ck_assert_uint_eq(flow.left, 4);
	ck_assert_uint_eq(flow.overtaken, 0);
	stat_add(&rig.at.flow_stats.received, 3); /* its socket held them after all */
	lane_read_flow(sup, &rig.at.flow_room[0].flow, &flow);
	ck_assert_uint_eq(flow.overtaken, 3);
	lane_read_output(sup, &rig.at.flow.in, &rig.at.outputs[1].out.to, &output, &before);
	ck_assert_uint_eq(output.sent, 8);
}
END_TEST

START_TEST(flow_that_the_program_gives_up_is_left_for_a_minute)
{
	static const enum fast_reason reasons[] = {
		[FAST_FLAG_FRAGMENT] = FAST_REASON_FRAGMENT,
		[FAST_FLAG_OPTIONS] = FAST_REASON_OPTIONS,
		[FAST_FLAG_TOO_BIG] = FAST_REASON_TOO_BIG,
	};

	lane_rig_carry();
	for (uint32_t flag = FAST_FLAG_FRAGMENT; flag <= FAST_FLAG_TOO_BIG; flag++) {
		uint64_t now_ns;

		rig.ways[lane_rig_record()->way].flag = flag;
		now_ns = tick();
		ck_assert(!is_carried());
		ck_assert_int_eq(lane_rig_verdict()->reason, reasons[flag]);
		ck_assert_uint_eq(lane_rig_verdict()->hold_ns, now_ns + 60 * NS_PER_S);
		ck_assert_ptr_nonnull(strstr(logged(), "leaves the fast path for 60 s"));
		ck_assert_str_eq(lane_why(sup, &rig.at.flow.in), fast_reason_text(reasons[flag]));
		lane_rig_verdict()->hold_ns = clock_now_ns() + 60 * NS_PER_S;
		tick();
		lane_changed(sup);
		ck_assert(!is_carried());
		ck_assert_str_eq(logged(), "");
		lane_rig_verdict()->hold_ns = 1; /* it is over */
		tick();
		ck_assert(is_carried());
	}
	ck_assert_uint_eq(lane_rig_record()->puts, 4);
}
END_TEST

START_TEST(lane_is_looked_at_once_a_second)
{
	lane_rig_carry();
	lane->tick_ns = 5 * NS_PER_S;
	rig.ways[lane_rig_record()->way].flag = FAST_FLAG_OPTIONS;
	lane_tick(sup, 6 * NS_PER_S - 1);
	ck_assert(is_carried());
	lane_tick(sup, 6 * NS_PER_S);
	ck_assert(!is_carried());
	ck_assert_uint_eq(lane->tick_ns, 6 * NS_PER_S);
}
END_TEST

START_TEST(interface_that_is_another_one_is_looked_at_anew)
{
	uint32_t reads;

	lane_rig_carry();
	reads = rig.reads;
	tick();
	ck_assert_uint_eq(rig.reads, reads + 2); /* each once, and no flow */
	rig.mtu_out = 1400;
	tick();
	ck_assert_int_eq(lane_reason(sup, &rig.at.flow.in), FAST_REASON_MTU);
	ck_assert(!is_carried());
	rig.mtu_out = 0; /* it is gone */
	tick();
	ck_assert_int_eq(lane_reason(sup, &rig.at.flow.in), FAST_REASON_IFACE);
	rig.mtu_out = 9000;
	tick();
	ck_assert(is_carried());
	rig.mtu_in = 9001; /* that of the first alone */
	tick();
	ck_assert(!is_carried());
}
END_TEST

START_TEST(routes_that_change_all_the_while_are_looked_at_now_and_then)
{
	uint64_t look_ns;

	lane_rig_carry();
	ck_assert_int_eq(lane_sleep_ms(sup, 1000), 1000);
	lane->tick_ns = look_ns = lane->look_ns;
	lane->hops.routes = true;
	ck_assert_int_eq(lane_sleep_ms(sup, 1000), 200);
	ck_assert_int_eq(lane_sleep_ms(sup, 50), 50);
	lane_tick(sup, look_ns + 200 * NS_PER_MS - 1);
	ck_assert(lane->hops.routes);
	lane_tick(sup, look_ns + 200 * NS_PER_MS);
	ck_assert(!lane->hops.routes);
	ck_assert_uint_ge(lane->look_ns, look_ns);
}
END_TEST

START_TEST(addresses_that_changed_are_looked_at_with_the_next_tick)
{
	lane_rig_carry();
	lane->tick_ns = UINT64_MAX / 2;
	lane_addresses_changed(sup);
	ck_assert(lane->probes);
	rig.mtu_out = 1400; /* to see that all is looked at */
	lane_tick(sup, UINT64_MAX / 2);
	ck_assert(!is_carried());
	ck_assert(!lane->due);
	ck_assert(lane->probes); /* from now on */
}
END_TEST

START_TEST(nothing_is_carried_any_more_once_it_was_stopped)
{
	lane_rig_carry();
	lane_rig_counts()->received = 3;
	lane_stop(sup);
	ck_assert_uint_eq(lane->carried, 0);
	ck_assert_uint_eq(lane_rig_record()->image, FAST_NONE);
	ck_assert_uint_eq(lane_rig_record()->past.received, 3);
	lane_changed(sup);
	lane->due = true;
	tick();
	ck_assert_uint_eq(lane_rig_record()->image, FAST_NONE);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		lane_has_room_for_as_many_again_within_bounds,
		lane_that_nobody_asks_for_is_not_opened,
		lane_that_cannot_be_had_is_a_failure_only_where_it_is_required,
		program_outlives_us_where_sockets_do,
		flow_is_carried_from_the_start_by_a_program_that_runs,
		flow_that_cannot_be_carried_is_a_failure_where_it_is_required,
		flow_that_a_change_touches_goes_by_its_socket_before,
		flow_that_is_added_counts_anew,
		flow_that_is_left_alone_by_its_feed_is_held,
		counts_of_what_has_gone_are_kept,
		flow_and_output_are_read_with_what_they_count_now,
		flow_that_the_program_gives_up_is_left_for_a_minute,
		lane_is_looked_at_once_a_second,
		interface_that_is_another_one_is_looked_at_anew,
		routes_that_change_all_the_while_are_looked_at_now_and_then,
		addresses_that_changed_are_looked_at_with_the_next_tick,
		nothing_is_carried_any_more_once_it_was_stopped,
	};
	Suite *suite = suite_create("lane");
	TCase *tcase = tcase_create("lane");
	SRunner *runner;
	int failed;

	tcase_add_checked_fixture(tcase, lane_rig_open, lane_rig_close);
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
