/* check_relay.c - from delivery to send: trains, order, exactly once, whatever the kernel answers.
 */
#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "src/base/clock.h"
#include "tests/unit/shard/relay_rig.h"

static struct rig rig;

static const struct rig_options trains = {
	.outputs = 2, .train_max = 64, .mtu = 1500, .slots = 32, .out = {.ttl = 16}};
static const struct rig_options singles = {
	.outputs = 2, .train_max = 1, .mtu = 1500, .slots = 32, .out = {.ttl = 16}};

static const struct fake_send *send_at(uint32_t index)
{
	ck_assert_uint_lt(index, fake_send_count(rig.ring));
	return fake_send_at(rig.ring, index);
}

static void expect_all_in_order(uint32_t output)
{
	rig_expect_all_in_order(&rig, output);
}

START_TEST(one_datagram_reaches_each_output_once)
{
	rig_open(&rig, &singles);
	rig_deliver(&rig, 100);
	rig_settle(&rig);
	ck_assert_uint_eq(fake_send_count(rig.ring), 2);
	ck_assert_uint_eq(send_at(0)->segment_bytes, 0);
	ck_assert_uint_eq(send_at(0)->payload_bytes, 100);
	expect_all_in_order(0);
	expect_all_in_order(1);
	rig_close(&rig);
}
END_TEST

START_TEST(equal_datagrams_of_one_turn_leave_as_one_train)
{
	rig_open(&rig, &trains);
	for (int i = 0; i < 10; i++) {
		rig_deliver(&rig, 200);
	}
	rig_settle(&rig);
	ck_assert_uint_eq(fake_send_count(rig.ring), 2);
	ck_assert_uint_eq(send_at(0)->segment_bytes, 200);
	ck_assert_uint_eq(send_at(0)->payload_bytes, 2000);
	ck_assert_uint_eq(send_at(0)->iov_count, 10);
	expect_all_in_order(0);
	expect_all_in_order(1);
	rig_close(&rig);
}
END_TEST

START_TEST(shorter_datagram_closes_its_train_and_longer_starts_the_next)
{
	rig_open(&rig, &trains);
	rig_deliver(&rig, 200);
	rig_deliver(&rig, 200);
	rig_deliver(&rig, 150); /* ends the first train */
	rig_deliver(&rig, 150);
	rig_deliver(&rig, 300); /* too long for the second */
	rig_settle(&rig);
	ck_assert_uint_eq(send_at(0)->payload_bytes, 550);
	ck_assert_uint_eq(send_at(0)->segment_bytes, 200);
	expect_all_in_order(0);
	ck_assert_uint_eq(stat_get(&rig.output_stats[0].sends), 3);
	ck_assert_uint_eq(stat_get(&rig.output_stats[0].trains), 1);
	rig_close(&rig);
}
END_TEST

START_TEST(empty_datagram_travels_alone)
{
	rig_open(&rig, &trains);
	rig_deliver(&rig, 8);
	fake_deliver(rig.ring, 0, &(struct fake_datagram){.payload = "", .ends = true});
	rig_deliver(&rig, 8);
	rig_settle(&rig);
	ck_assert_uint_eq(stat_get(&rig.output_stats[0].sent), 3);
	ck_assert_uint_eq(stat_get(&rig.output_stats[0].sends), 3);
	ck_assert_uint_eq(send_at(1)->payload_bytes, 0);
	ck_assert_uint_eq(stat_get(&rig.flow_stats.rearms), 2);
	rig_close(&rig);
}
END_TEST

START_TEST(received_train_passes_whole)
{
	rig_open(&rig, &trains);
	rig_deliver_train(&rig, 40, 1316, 700);
	rig_settle(&rig);
	ck_assert_uint_eq(fake_send_count(rig.ring), 2);
	ck_assert_uint_eq(send_at(0)->iov_count, 1);
	ck_assert_uint_eq(send_at(0)->segment_bytes, 1316);
	expect_all_in_order(0);
	expect_all_in_order(1);
	ck_assert_uint_eq(stat_get(&rig.flow_stats.received), 40);
	rig_close(&rig);
}
END_TEST

START_TEST(train_longer_than_allowed_is_split_in_order)
{
	struct rig_options options = trains;

	options.train_max = 16;
	rig_open(&rig, &options);
	rig_deliver_train(&rig, 40, 1316, 1316);
	rig_settle(&rig);
	expect_all_in_order(0);
	ck_assert_uint_eq(send_at(0)->payload_bytes, 16 * 1316);
	ck_assert_uint_eq(stat_get(&rig.output_stats[0].trains), 3);
	rig_close(&rig);
}
END_TEST

START_TEST(segments_above_the_egress_mtu_leave_as_single_datagrams)
{
	struct rig_options options = trains;

	options.mtu = 1000;
	rig_open(&rig, &options);
	rig_deliver_train(&rig, 5, 1316, 20);
	rig_settle(&rig);
	expect_all_in_order(0);
	ck_assert_uint_eq(stat_get(&rig.output_stats[0].sends), 5);
	ck_assert_uint_eq(stat_get(&rig.output_stats[0].trains), 0);
	rig_close(&rig);
}
END_TEST

START_TEST(segments_beyond_what_udp_can_send_leave_as_single_datagrams)
{
	struct rig_options options = trains;

	options.mtu = 70000; /* no device of IPv4 has it, but IPv6 on loopback comes to the same */
	rig_open(&rig, &options);
	rig_deliver_train(&rig, 2, 65510, 20);
	rig_settle(&rig);
	expect_all_in_order(0);
	ck_assert_uint_eq(stat_get(&rig.output_stats[0].sends), 2);
	rig_close(&rig);
}
END_TEST

static int32_t refuse_trains(void *context, const struct fake_send *send)
{
	(void)context;
	return send->segment_bytes ? -EIO : FAKE_SUCCESS;
}

START_TEST(refused_train_is_resent_singly_in_order_and_no_more_are_tried)
{
	rig_open(&rig, &trains);
	fake_decide_sends(rig.ring, refuse_trains, NULL);
	rig_deliver_train(&rig, 20, 500, 100);
	for (int i = 0; i < 30; i++) {
		rig_deliver(&rig, 300);
	}
	rig_settle(&rig);
	rig_deliver_train(&rig, 20, 500, 500);
	rig_settle(&rig);
	expect_all_in_order(0);
	expect_all_in_order(1);
	ck_assert_uint_eq(stat_get(&rig.output_stats[0].gso_off), EIO);
	ck_assert_uint_eq(stat_get(&rig.output_stats[0].trains), 0);
	ck_assert_uint_ge(stat_get(&rig.output_stats[0].resent), 20);
	ck_assert_uint_eq(rig_drops(&rig, 0), 0);
	rig_close(&rig);
}
END_TEST

START_TEST(until_one_train_succeeded_no_second_is_in_flight)
{
	rig_open(&rig, &trains);
	fake_hold_sends(rig.ring, true);
	for (int i = 0; i < 4; i++) {
		rig_deliver_train(&rig, 10, 400 + 10 * (uint32_t)i, 400);
	}
	for (int i = 0; i < 5; i++) {
		ck_assert_int_eq(relay_turn(&rig.relay), 0);
	}
	ck_assert_uint_eq(fake_send_count(rig.ring), 2); /* one per output */
	fake_hold_sends(rig.ring, false);
	rig_settle(&rig);
	expect_all_in_order(0);
	rig_close(&rig);
}
END_TEST

static const struct {
	int err;
	enum output_drop drop;
} failures[] = {
	{EAGAIN, OUTPUT_DROP_EGRESS_FULL},       {ENOBUFS, OUTPUT_DROP_QDISC},
	{EHOSTUNREACH, OUTPUT_DROP_UNREACHABLE}, {ECONNREFUSED, OUTPUT_DROP_UNREACHABLE},
	{EMSGSIZE, OUTPUT_DROP_TOO_BIG},         {EPERM, OUTPUT_DROP_DENIED},
	{ENOKEY, OUTPUT_DROP_UNREACHABLE},       {EDESTADDRREQ, OUTPUT_DROP_UNREACHABLE},
	{ENETDOWN, OUTPUT_DROP_LINK_DOWN},       {ENOTCONN, OUTPUT_DROP_SEND_ERROR},
};

START_TEST(failed_send_is_in_exactly_one_drop_counter)
{
	rig_open(&rig, &singles);
	fake_fail_sends(rig.ring, egress_output(&rig.egress, 1)->file, -failures[_i].err, 3);
	for (int i = 0; i < 10; i++) {
		rig_deliver(&rig, 64);
	}
	rig_settle(&rig);
	expect_all_in_order(0);
	ck_assert_uint_eq(stat_get(&rig.output_stats[1].sent), 7);
	ck_assert_uint_eq(stat_get(&rig.output_stats[1].drops[failures[_i].drop]), 3);
	ck_assert_uint_eq(rig_drops(&rig, 1), 3);
	ck_assert_uint_eq(stat_get(&rig.output_stats[1].send_errno), (uint64_t)failures[_i].err);
	ck_assert_uint_eq(stat_get(&rig.output_stats[0].send_errno), 0);
	rig_close(&rig);
}
END_TEST

START_TEST(dropped_train_counts_all_its_datagrams)
{
	rig_open(&rig, &trains);
	fake_fail_sends(rig.ring, egress_output(&rig.egress, 0)->file, -ENOBUFS, 1);
	rig_deliver_train(&rig, 12, 1000, 1000);
	rig_settle(&rig);
	ck_assert_uint_eq(stat_get(&rig.output_stats[0].drops[OUTPUT_DROP_QDISC]), 12);
	ck_assert_uint_eq(stat_get(&rig.output_stats[1].sent), 12);
	rig_close(&rig);
}
END_TEST

START_TEST(starved_flow_loses_nothing_and_goes_on)
{
	struct rig_options options = trains;

	options.slots = 2;
	rig_open(&rig, &options);
	for (int i = 0; i < 50; i++) {
		rig_deliver(&rig, 400 + (size_t)i);
	}
	rig_settle(&rig);
	expect_all_in_order(0);
	ck_assert_uint_gt(stat_get(&rig.flow_stats.starved), 0);
	rig_close(&rig);
}
END_TEST

START_TEST(too_few_trains_only_cost_turns)
{
	struct rig_options options = singles;

	options.trains = 1;
	rig_open(&rig, &options);
	for (int i = 0; i < 20; i++) {
		rig_deliver(&rig, 100);
	}
	ck_assert_int_eq(relay_turn(&rig.relay), 0);
	/* Sends that are over at once leave nothing to sleep for. */
	ck_assert_uint_eq(fake_last_wait_us(rig.ring), 0);
	rig_settle(&rig);
	expect_all_in_order(0);
	expect_all_in_order(1);
	rig_close(&rig);
}
END_TEST

/* ---- anything goes ---- */

struct weather {
	unsigned seed;
	bool refuse;
};

static int32_t moody(void *context, const struct fake_send *send)
{
	static const int errors[] = {EAGAIN, ENOBUFS, EMSGSIZE, EPERM, ENETDOWN};
	struct weather *w = context;

	if (w->refuse && send->segment_bytes && send->fd == 100) {
		return -EINVAL;
	}
	return rand_r(&w->seed) % 10 == 0 ? -errors[rand_r(&w->seed) % 5] : FAKE_SUCCESS;
}

/* What left is a subsequence of what came, and what is missing is counted. */
static void expect_ordered_subset(uint32_t output)
{
	static uint32_t numbers[65536];
	uint32_t count = rig_sent_numbers(&rig, output, numbers, 65536);

	ck_assert_uint_eq(count, stat_get(&rig.output_stats[output].sent));
	for (uint32_t i = 1; i < count; i++) {
		ck_assert_uint_lt(numbers[i - 1], numbers[i]);
	}
}

START_TEST(random_traffic_and_failures_keep_order_and_sums)
{
	struct rig_options options = _i % 2 ? trains : singles;
	struct weather weather = {.seed = (unsigned)_i + 1, .refuse = _i % 3 == 0};
	uint32_t late = 0; /* rounds after which answers were still to come */

	options.slots = 2 + (uint32_t)_i % 31;
	options.trains = 1 + (uint32_t)_i % 9;
	rig_open(&rig, &options);
	fake_decide_sends(rig.ring, moody, &weather);
	for (int round = 0; round < 200; round++) {
		uint32_t size = 4 + (uint32_t)rand_r(&weather.seed) % 1400;

		switch (rand_r(&weather.seed) % 4) {
		case 0:
			rig_deliver_train(&rig, 2 + (uint32_t)rand_r(&weather.seed) % 40, size,
					  4 + (uint32_t)rand_r(&weather.seed) % (size - 3));
			break;
		case 1:
			ck_assert_int_eq(relay_turn(&rig.relay), 0);
			break;
		case 2:
			fake_delay_sends(rig.ring, (uint32_t)rand_r(&weather.seed) % 6);
			break;
		default:
			rig_deliver(&rig, size);
		}
		late += fake_unanswered(rig.ring) > 0;
	}
	ck_assert_uint_gt(late, 0);
	rig_settle(&rig);
	ck_assert_uint_eq(stat_get(&rig.flow_stats.received), rig.delivered);
	expect_ordered_subset(0);
	expect_ordered_subset(1);
	rig_close(&rig);
}
END_TEST

static Suite *relay_suite(void)
{
	Suite *suite = suite_create("relay");
	TCase *tcase = tcase_create("relay");

	tcase_add_test(tcase, one_datagram_reaches_each_output_once);
	tcase_add_test(tcase, equal_datagrams_of_one_turn_leave_as_one_train);
	tcase_add_test(tcase, shorter_datagram_closes_its_train_and_longer_starts_the_next);
	tcase_add_test(tcase, empty_datagram_travels_alone);
	tcase_add_test(tcase, received_train_passes_whole);
	tcase_add_test(tcase, train_longer_than_allowed_is_split_in_order);
	tcase_add_test(tcase, segments_above_the_egress_mtu_leave_as_single_datagrams);
	tcase_add_test(tcase, segments_beyond_what_udp_can_send_leave_as_single_datagrams);
	tcase_add_test(tcase, refused_train_is_resent_singly_in_order_and_no_more_are_tried);
	tcase_add_test(tcase, until_one_train_succeeded_no_second_is_in_flight);
	tcase_add_loop_test(tcase, failed_send_is_in_exactly_one_drop_counter, 0,
			    sizeof(failures) / sizeof(failures[0]));
	tcase_add_test(tcase, dropped_train_counts_all_its_datagrams);
	tcase_add_test(tcase, starved_flow_loses_nothing_and_goes_on);
	tcase_add_test(tcase, too_few_trains_only_cost_turns);
	tcase_add_loop_test(tcase, random_traffic_and_failures_keep_order_and_sums, 0, 40);
	suite_add_tcase(suite, tcase);
	return suite;
}

int main(void)
{
	SRunner *runner = srunner_create(relay_suite());
	int failed;

	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? 0 : 1;
}
