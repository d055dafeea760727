/* check_lane_order.c - a flow waits until its socket is empty before the program takes it over, but
 * not for ever, and what may have been overtaken then is counted, no more and no less.
 */
#include "src/run/lane_order.h"

#include <check.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "src/base/clock.h"
#include "tests/unit/run/lane_rig.h"

static struct supervisor *const sup = &rig.at.sup;
static struct lane *const lane = &rig.at.sup.lane;
static struct ingress_flow *const flow = &rig.at.flow_room[0].flow;

/* A datagram comes to the flow's socket; or is taken from there. */
static void arrive(void)
{
	ck_assert_int_eq(send(rig.tx, "a", 1, 0), 1);
}

static void take(void)
{
	char byte;

	ck_assert_int_eq(recv(rig.rx, &byte, 1, 0), 1);
}

static bool waits(void)
{
	return lane_order_waits(lane, flow, lane_rig_verdict());
}

START_TEST(flow_with_an_empty_socket_does_not_wait)
{
	lane_rig_carry();
	lane_drop(sup, &rig.at.flow.in);
	lane_rig_verdict()->queued_ns = 77;
	ck_assert(!waits());
	ck_assert_uint_eq(lane_rig_verdict()->queued_ns, 0);
}
END_TEST

START_TEST(flow_waits_for_its_empty_socket_but_not_for_ever)
{
	uint64_t since_ns;

	lane_rig_carry();
	lane_drop(sup, &rig.at.flow.in);
	arrive();
	ck_assert(waits());
	since_ns = lane_rig_verdict()->queued_ns;
	ck_assert_uint_gt(since_ns, 0);
	ck_assert(waits());
	ck_assert_uint_eq(lane_rig_verdict()->queued_ns, since_ns); /* not from now on */
	lane_rig_verdict()->queued_ns = clock_now_ns() - LANE_QUEUED_MAX_S * NS_PER_S;
	ck_assert(!waits());
	lane_rig_verdict()->queued_ns = 0;
	ck_assert(waits());
	take();
	ck_assert(!waits());
}
END_TEST

START_TEST(flow_that_is_carried_already_does_not_wait)
{
	lane_rig_carry();
	arrive();
	lane_rig_verdict()->queued_ns = 77;
	ck_assert(!waits());
	ck_assert_uint_eq(lane_rig_verdict()->queued_ns, 0);
}
END_TEST

START_TEST(flow_waits_across_looks)
{
	uint64_t since_ns;

	lane_rig_carry();
	lane_drop(sup, &rig.at.flow.in);
	lane_settle(sup);
	arrive();
	lane_changed(sup);
	since_ns = lane_rig_verdict()->queued_ns;
	lane_changed(sup);
	ck_assert_int_eq(lane_rig_verdict()->reason, FAST_REASON_QUEUED);
	ck_assert_uint_eq(lane_rig_verdict()->queued_ns, since_ns);
	lane_rig_verdict()->queued_ns = clock_now_ns() - LANE_QUEUED_MAX_S * NS_PER_S;
	lane_changed(sup);
	ck_assert_int_eq(lane_rig_verdict()->reason, FAST_REASON_NONE);
	ck_assert(lane->orders_open);
}
END_TEST

START_TEST(flow_that_waits_is_taken_over_once_its_socket_is_empty)
{
	lane_rig_carry();
	lane_drop(sup, &rig.at.flow.in);
	lane_settle(sup);
	arrive();
	lane_changed(sup);
	ck_assert_int_eq(lane_rig_verdict()->reason, FAST_REASON_QUEUED);
	ck_assert_uint_eq(lane_rig_record()->image, FAST_NONE);
	take();
	lane_tick(sup, lane->tick_ns + NS_PER_S); /* nobody else asks for it */
	ck_assert_int_eq(lane_rig_verdict()->reason, FAST_REASON_NONE);
}
END_TEST

/* What a shard is done with: all that it received but what it has in hand. */
START_TEST(what_a_shard_has_in_hand_may_be_overtaken)
{
	struct output_stats *out = rig.at.output_stats;

	stat_set(&rig.at.flow_stats.received, 100);
	stat_set(&rig.at.flow_stats.relayed, 90);
	stat_set(&rig.at.flow_stats.drops[0], 6);
	ck_assert_uint_eq(lane_order_base(&rig.at.shard, flow), 96);
	stat_set(&out[0].offered, 90);
	stat_set(&out[0].sent, 85);
	stat_set(&out[0].drops[OUTPUT_DROP_QDISC], 2);
	ck_assert_uint_eq(lane_order_base(&rig.at.shard, flow), 93);
	stat_set(&out[1].offered, 90);
	stat_set(&out[1].sent, 83); /* the last of its outputs says */
	ck_assert_uint_eq(lane_order_base(&rig.at.shard, flow), 89);
	stat_set(&out[0].sent, 99); /* it counts while it is asked */
	ck_assert_uint_eq(lane_order_base(&rig.at.shard, flow), 89);
	stat_set(&out[1].sent, 0);
	stat_set(&rig.at.flow_stats.received, 90);
	ck_assert_uint_eq(lane_order_base(&rig.at.shard, flow), 0);
}
END_TEST

/* The flow is taken over with 5 in hand and some in its socket. */
static void take_over(void)
{
	lane_rig_carry();
	lane_drop(sup, &rig.at.flow.in);
	lane_settle(sup);
	*fast_order_of(&lane->fast, &rig.at.flow.in) = (struct fast_order){0};
	lane->orders_open = false;
	stat_set(&rig.at.flow_stats.received, 100);
	stat_set(&rig.at.stats.ring.turns, 50);
	lane_order_begin(lane, &rig.at.shard, flow, 95);
	ck_assert(lane->orders_open);
}

START_TEST(what_comes_until_the_socket_was_seen_empty_is_counted)
{
	take_over();
	ck_assert_uint_eq(lane_order_overtaken(lane, flow), 5);
	stat_set(&rig.at.flow_stats.received, 103);
	ck_assert_uint_eq(lane_order_overtaken(lane, flow), 8);
	arrive();
	stat_set(&rig.at.stats.ring.turns, 52);
	lane_order_look(sup);
	ck_assert(lane->orders_open); /* it holds one yet */
	take();
	stat_set(&rig.at.flow_stats.received, 104);
	stat_set(&rig.at.stats.ring.turns, 51);
	lane_order_look(sup);
	ck_assert(lane->orders_open); /* its turn may not have counted what it took */
	stat_set(&rig.at.stats.ring.turns, 52);
	lane_order_look(sup);
	ck_assert(!lane->orders_open);
	ck_assert_uint_eq(lane_order_overtaken(lane, flow), 9);
	stat_set(&rig.at.flow_stats.received, 200); /* these are of another time */
	ck_assert_uint_eq(lane_order_overtaken(lane, flow), 9);
}
END_TEST

START_TEST(what_was_overtaken_adds_up)
{
	take_over();
	stat_set(&rig.at.stats.ring.turns, 60);
	lane_order_look(sup);
	lane_order_begin(lane, &rig.at.shard, flow, 98);
	lane_order_begin(lane, &rig.at.shard, flow, 100); /* it has begun before */
	ck_assert_uint_eq(lane_order_overtaken(lane, flow), 7);
	lane_order_look(sup);
	ck_assert(lane->orders_open);
	stat_set(&rig.at.stats.ring.turns, 62);
	lane_order_look(sup);
	ck_assert_uint_eq(lane_order_overtaken(lane, flow), 7);
	ck_assert(!lane->orders_open);
}
END_TEST

START_TEST(flow_without_a_socket_is_through)
{
	take_over();
	flow->fd = -1;
	lane_order_look(sup);
	ck_assert(!lane->orders_open);
	ck_assert_uint_eq(lane_order_overtaken(lane, flow), 5);
}
END_TEST

START_TEST(nothing_is_overtaken_of_a_flow_that_was_never_carried)
{
	stat_set(&rig.at.flow_stats.received, 100);
	ck_assert_uint_eq(lane_order_overtaken(lane, flow), 0);
	lane_order_begin(lane, &rig.at.shard, flow, 1);
	ck_assert(!lane->orders_open);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		flow_with_an_empty_socket_does_not_wait,
		flow_waits_for_its_empty_socket_but_not_for_ever,
		flow_that_is_carried_already_does_not_wait,
		flow_waits_across_looks,
		flow_that_waits_is_taken_over_once_its_socket_is_empty,
		what_a_shard_has_in_hand_may_be_overtaken,
		what_comes_until_the_socket_was_seen_empty_is_counted,
		what_was_overtaken_adds_up,
		flow_without_a_socket_is_through,
		nothing_is_overtaken_of_a_flow_that_was_never_carried,
	};
	Suite *suite = suite_create("lane_order");
	TCase *tcase = tcase_create("lane_order");
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
