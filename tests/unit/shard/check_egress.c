/* check_egress.c - what an output wants changed or limited: hop limit, DSCP, rate; and what it says
 * when every train is in use. See check_relay.c for trains and their order.
 */
#include <check.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "shard/egress_send.h"
#include "src/base/clock.h"
#include "tests/unit/shard/relay_rig.h"

static struct rig rig;

static const struct rig_options trains = {
	.outputs = 1, .train_max = 64, .mtu = 1500, .slots = 32, .out = {.ttl = 16}};
static const struct rig_options singles = {
	.outputs = 1, .train_max = 1, .mtu = 1500, .slots = 32, .out = {.ttl = 16}};

static const struct fake_send *send_at(uint32_t index)
{
	ck_assert_uint_lt(index, fake_send_count(rig.ring));
	return fake_send_at(rig.ring, index);
}

static void deliver_with_ttl(int ttl)
{
	struct fake_datagram d = {.payload = "0123", .payload_bytes = 4, .ttl = ttl, .tos = 0xb8};

	d.from.ss_family = AF_INET;
	fake_deliver(rig.ring, 0, &d);
}

static int control_int(const struct fake_send *send, int level, int type)
{
	struct msghdr msg = {.msg_control = (void *)send->control,
			     .msg_controllen = send->control_bytes};
	int value;

	for (struct cmsghdr *c = CMSG_FIRSTHDR(&msg); c; c = CMSG_NXTHDR(&msg, c)) {
		if (c->cmsg_level == level && c->cmsg_type == type) {
			memcpy(&value, CMSG_DATA(c), sizeof(value));
			return value;
		}
	}
	return -1;
}

START_TEST(hop_limit_is_decremented_and_expiry_counted)
{
	struct rig_options options = singles;

	options.out.ttl_mode = RULE_TTL_DEC;
	rig_open(&rig, &options);
	deliver_with_ttl(9);
	deliver_with_ttl(1);
	rig_settle(&rig);
	ck_assert_uint_eq(fake_send_count(rig.ring), 1);
	ck_assert_int_eq(control_int(send_at(0), IPPROTO_IP, IP_TTL), 8);
	ck_assert_int_eq(control_int(send_at(0), IPPROTO_IP, IP_TOS), -1);
	ck_assert_uint_eq(stat_get(&rig.output_stats[0].drops[OUTPUT_DROP_TTL_EXPIRED]), 1);
	rig_close(&rig);
}
END_TEST

/* What an output without ttl= makes of each received hop limit; -1: the socket's own, which is 16.
 */
static const struct {
	int received, sent;
} counted[] = {{1, -1}, {2, -1}, {4, 3}, {5, 4}, {16, 15}, {17, -1}, {64, -1}, {255, -1}};

START_TEST(hop_limit_left_open_counts_down_from_16)
{
	struct rig_options options = singles;

	options.out = (struct rule_output){.ttl_mode = RULE_TTL_AUTO};
	rig_open(&rig, &options);
	deliver_with_ttl(counted[_i].received);
	rig_settle(&rig);
	ck_assert_uint_eq(fake_send_count(rig.ring), 1);
	ck_assert_int_eq(control_int(send_at(0), IPPROTO_IP, IP_TTL), counted[_i].sent);
	rig_close(&rig);
}
END_TEST

START_TEST(who_asked_last_is_noted_where_replies_are_wanted)
{
	struct fake_datagram d = {.payload = "0123", .payload_bytes = 4};
	struct rig_options options = singles;
	struct addr asker, first, second;
	const struct asker *at;

	ck_assert_int_eq(addr_parse_ip("10.0.0.1", &first), 0);
	first.port = 34534;
	ck_assert_int_eq(addr_parse_ip("fd77::1", &second), 0);
	second.port = 1900;
	options.out.reply = true;
	rig_open(&rig, &options);
	at = &egress_place(&rig.egress, 0)->asker;
	ck_assert(!asker_get(at, &asker));
	addr_to_sockaddr(&first, 0, &d.from);
	fake_deliver(rig.ring, 0, &d);
	rig_settle(&rig);
	ck_assert(asker_get(at, &asker));
	ck_assert(addr_equal(&asker, &first));
	addr_to_sockaddr(&second, 0, &d.from);
	fake_deliver(rig.ring, 0, &d);
	rig_settle(&rig);
	ck_assert(asker_get(at, &asker));
	ck_assert(addr_equal(&asker, &second));
	rig_close(&rig);
}
END_TEST

START_TEST(hop_limit_left_open_ends_a_circle)
{
	struct rig_options options = singles;
	int hops = 0;
	int ttl = 1;

	options.out = (struct rule_output){.ttl_mode = RULE_TTL_AUTO};
	rig_open(&rig, &options);
	for (; hops < 100; hops++) {
		deliver_with_ttl(ttl);
		rig_settle(&rig);
		if (fake_send_count(rig.ring) == (uint32_t)hops) {
			break;
		}
		ttl = control_int(send_at((uint32_t)hops), IPPROTO_IP, IP_TTL);
		ttl = ttl < 0 ? RULE_TTL_DEFAULT : ttl;
		ck_assert_int_gt(ttl, RULE_TTL_FRESH); /* or the next relay would begin anew */
	}
	ck_assert_int_eq(hops, 14);
	ck_assert_uint_eq(stat_get(&rig.output_stats[0].drops[OUTPUT_DROP_TTL_EXPIRED]), 1);
	rig_close(&rig);
}
END_TEST

START_TEST(kept_hop_limit_and_dscp_part_the_trains)
{
	struct rig_options options = trains;

	options.out.ttl_mode = RULE_TTL_KEEP;
	options.out.dscp = RULE_DSCP_KEEP;
	rig_open(&rig, &options);
	deliver_with_ttl(9);
	deliver_with_ttl(9);
	deliver_with_ttl(5);
	rig_settle(&rig);
	ck_assert_uint_eq(fake_send_count(rig.ring), 2);
	ck_assert_int_eq(control_int(send_at(0), IPPROTO_IP, IP_TTL), 9);
	ck_assert_int_eq(control_int(send_at(0), IPPROTO_IP, IP_TOS), 0xb8);
	ck_assert_uint_eq(send_at(0)->payload_bytes, 8);
	ck_assert_int_eq(control_int(send_at(1), IPPROTO_IP, IP_TTL), 5);
	rig_close(&rig);
}
END_TEST

static void deliver_from(const char *from, int tos)
{
	struct fake_datagram d = {.payload = "0123", .payload_bytes = 4, .ttl = 9, .tos = tos};
	struct addr addr;

	ck_assert_int_eq(addr_parse_ip(from, &addr), 0);
	addr_to_sockaddr(&addr, 0, &d.from);
	fake_deliver(rig.ring, 0, &d);
}

START_TEST(datagrams_of_another_mark_or_sender_leave_by_themselves)
{
	struct rig_options options = trains;

	options.out.dscp = RULE_DSCP_KEEP;
	options.out.src_keep = true;
	rig_open(&rig, &options);
	deliver_from("10.0.0.1", 0xb8);
	deliver_from("10.0.0.1", 0x28);
	deliver_from("10.0.0.2", 0x28);
	deliver_from("10.0.0.2", 0x28);
	rig_settle(&rig);
	ck_assert_uint_eq(fake_send_count(rig.ring), 3);
	ck_assert_int_eq(control_int(send_at(0), IPPROTO_IP, IP_TOS), 0xb8);
	ck_assert_int_eq(control_int(send_at(1), IPPROTO_IP, IP_TOS), 0x28);
	ck_assert_uint_eq(send_at(1)->payload_bytes, 4);
	ck_assert_uint_eq(send_at(2)->payload_bytes, 8);
	rig_close(&rig);
}
END_TEST

static void expect_fates(const struct rig_options *options, uint32_t sent, uint32_t too_big,
			 uint32_t sends)
{
	rig_open(&rig, options);
	rig_deliver_train(&rig, 3, 1300, 900);
	rig_deliver(&rig, 1272);
	rig_settle(&rig);
	ck_assert_uint_eq(stat_get(&rig.output_stats[0].sent), sent);
	ck_assert_uint_eq(stat_get(&rig.output_stats[0].drops[OUTPUT_DROP_TOO_BIG]), too_big);
	ck_assert_uint_eq(stat_get(&rig.output_stats[0].sends), sends);
	rig_close(&rig);
}

START_TEST(what_the_path_does_not_carry_is_in_no_train_and_dropped_if_never_cut_up)
{
	struct rig_options options = trains;

	expect_fates(&options, 4, 0, 2);
	options.out.mtu = 1300; /* 1272 of payload */
	expect_fates(&options, 4, 0, 4);
	options.out.df = true;
	expect_fates(&options, 2, 2, 2);
	options.out.mtu = 1328;
	expect_fates(&options, 4, 0, 2);
	options.out.mtu = 1327;
	expect_fates(&options, 2, 2, 2);
}
END_TEST

START_TEST(rate_limit_counts_what_it_drops)
{
	struct rig_options options = singles;

	options.out.rate_bps = 8; /* one byte a second: nothing is regained during the test */
	rig_open(&rig, &options);
	for (int i = 0; i < 100; i++) {
		rig_deliver(&rig, 1000);
	}
	rig_settle(&rig);
	/* The first burst allows a train's worth: 65535 bytes. */
	ck_assert_uint_eq(stat_get(&rig.output_stats[0].sent), 65);
	ck_assert_uint_eq(stat_get(&rig.output_stats[0].drops[OUTPUT_DROP_RATE_LIMITED]), 35);
	rig_close(&rig);
}
END_TEST

/* As if `ns' had gone by for the bucket. */
static void let_bucket_fill(uint64_t ns)
{
	egress_output(&rig.egress, 0)->tokens_at_ns -= ns;
}

START_TEST(slow_rate_is_kept_over_pauses)
{
	struct rig_options options = singles;

	options.out.rate_bps = 8000; /* 1000 bytes a second */
	rig_open(&rig, &options);
	for (int i = 0; i < 65; i++) {
		rig_deliver(&rig, 1000);
	}
	rig_settle(&rig);
	ck_assert_uint_eq(stat_get(&rig.output_stats[0].sent), 65); /* the first burst */
	let_bucket_fill(10 * NS_PER_S + NS_PER_S / 2);
	for (int i = 0; i < 65; i++) {
		rig_deliver(&rig, 1000);
	}
	rig_settle(&rig);
	/* Ten and a half seconds' worth, and what was left of the burst. */
	ck_assert_uint_ge(stat_get(&rig.output_stats[0].sent), 75);
	ck_assert_uint_le(stat_get(&rig.output_stats[0].sent), 76);
	rig_close(&rig);
}
END_TEST

START_TEST(bucket_is_full_after_a_long_pause_at_any_rate)
{
	static const uint64_t rates[] = {1, 8000, 1000000, 100000000000, 1000000000000};
	struct rig_options options = singles;

	options.out.rate_bps = rates[_i];
	rig_open(&rig, &options);
	for (int round = 0; round < 2; round++) {
		for (int i = 0; i < 30; i++) {
			rig_deliver(&rig, 2000);
		}
		rig_settle(&rig);
		let_bucket_fill(egress_output(&rig.egress, 0)->tokens_at_ns - 1);
	}
	if (rates[_i] >= 1000000) {
		ck_assert_uint_eq(stat_get(&rig.output_stats[0].sent), 60);
	}
	ck_assert_uint_ge(stat_get(&rig.output_stats[0].sent), 30);
	rig_close(&rig);
}
END_TEST

/* ---- every train in use ---- */

/* A train of `count' datagrams in a slot of the test's, counted as if it had been received. */
static struct datagram taken_train(uint32_t count)
{
	uint32_t slot = pool_take(&rig.pool, POOL_TRAIN);

	ck_assert_uint_ne(slot, POOL_NONE);
	stat_add(&rig.flow_stats.received, count);
	stat_add(&rig.flow_stats.relayed, count);
	return (struct datagram){.payload = pool_slot_base(&rig.pool, slot) + SLOT_HEAD_BYTES,
				 .slot = slot,
				 .bytes = count * 100,
				 .segment_bytes = 100,
				 .count = count,
				 .ttl = -1,
				 .tos = -1};
}

static void flush_and_settle(void)
{
	struct ring_sent sent;

	egress_flush(&rig.egress);
	ck_assert_int_eq(ring_turn(rig.ring, 0), 0);
	while (ring_next_sent(rig.ring, &sent)) {
		egress_done(&rig.egress, &sent);
	}
}

/* Offers one datagram of `bytes' at the time that the test has set; whether it was sent. */
static bool offer(struct datagram *d, uint32_t bytes)
{
	uint64_t sent = stat_get(&rig.output_stats[0].sent);
	struct egress_rest rest;

	stat_add(&rig.flow_stats.received, 1);
	stat_add(&rig.flow_stats.relayed, 1);
	d->bytes = d->segment_bytes = bytes;
	ck_assert(egress_append(&rig.egress, 0, d, &rest));
	flush_and_settle();
	return stat_get(&rig.output_stats[0].sent) > sent;
}

/* An output of this rate, a datagram to offer to it, and one second gone by. */
static struct datagram open_limited(uint64_t rate_bps)
{
	struct rig_options options = singles;
	struct datagram d;

	options.out.rate_bps = rate_bps;
	options.slots = 33;
	rig_open(&rig, &options);
	d = taken_train(1);
	stat_add(&rig.flow_stats.received, -1ULL); /* it is counted when it is offered */
	stat_add(&rig.flow_stats.relayed, -1ULL);
	rig.egress.now_ns = NS_PER_S;
	return d;
}

START_TEST(slow_rate_loses_no_fraction_however_often_it_is_looked_at)
{
	struct datagram d = open_limited(8000); /* a bit in 125 us */
	uint32_t sent = 0;

	while (offer(&d, 100)) {
		continue; /* the first burst */
	}
	for (int i = 0; i < 8000; i++) {
		rig.egress.now_ns += 187500;
		sent += offer(&d, 100);
	}
	ck_assert_uint_ge(sent, 14); /* of one and a half seconds */
	ck_assert_uint_le(sent, 15);
	ck_assert(pool_drop(&rig.pool, d.slot));
	rig_close(&rig);
}
END_TEST

START_TEST(bucket_holds_no_more_than_a_burst)
{
	struct datagram d = open_limited(1000000);
	uint32_t sent = 0;

	ck_assert(offer(&d, 4));
	rig.egress.now_ns += NS_PER_S / 4; /* less than fills it by itself */
	ck_assert(offer(&d, 4));
	while (offer(&d, 1000)) {
		sent++;
	}
	ck_assert_uint_eq(sent, RATE_BURST_MIN_BITS / 8000);
	ck_assert(pool_drop(&rig.pool, d.slot));
	rig_close(&rig);
}
END_TEST

START_TEST(hop_limit_of_zero_is_not_kept)
{
	struct rig_options options = singles;
	struct egress_rest rest;
	struct datagram d;

	options.out.ttl_mode = RULE_TTL_KEEP;
	options.slots = 33;
	rig_open(&rig, &options);
	d = taken_train(1);
	d.ttl = 0;
	ck_assert(egress_append(&rig.egress, 0, &d, &rest));
	ck_assert_uint_eq(stat_get(&rig.output_stats[0].drops[OUTPUT_DROP_TTL_EXPIRED]), 1);
	ck_assert(pool_drop(&rig.pool, d.slot));
	rig_close(&rig);
}
END_TEST

START_TEST(append_without_a_free_train_says_so_and_makes_no_turn)
{
	struct rig_options options = singles;
	struct datagram d;
	struct egress_rest rest;
	uint32_t turns;

	options.trains = 2;
	options.slots = 33; /* all but one are lent */
	rig_open(&rig, &options);
	d = taken_train(5);
	turns = fake_turn_count(rig.ring);
	ck_assert(!egress_append(&rig.egress, 0, &d, &rest));
	ck_assert(!egress_has_train(&rig.egress));
	ck_assert_uint_eq(rest.done, 2);
	ck_assert(!egress_append_rest(&rig.egress, &rest));
	ck_assert_uint_eq(rest.done, 2);
	ck_assert_uint_eq(fake_turn_count(rig.ring), turns);
	ck_assert_uint_eq(fake_send_count(rig.ring), 0);
	flush_and_settle();
	ck_assert(!egress_append_rest(&rig.egress, &rest));
	flush_and_settle();
	ck_assert(egress_append_rest(&rig.egress, &rest));
	flush_and_settle();
	ck_assert_uint_eq(stat_get(&rig.output_stats[0].offered), 5); /* once */
	ck_assert_uint_eq(stat_get(&rig.output_stats[0].sent), 5);
	ck_assert(pool_drop(&rig.pool, d.slot));
	rig_close(&rig);
}
END_TEST

START_TEST(rest_that_is_dropped_counts_what_was_not_taken)
{
	struct rig_options options = singles;
	struct datagram d;
	struct egress_rest rest;

	options.trains = 2;
	options.slots = 33;
	rig_open(&rig, &options);
	d = taken_train(5);
	ck_assert(!egress_append(&rig.egress, 0, &d, &rest));
	egress_drop_rest(&rig.egress, &rest);
	ck_assert_uint_eq(stat_get(&rig.output_stats[0].drops[OUTPUT_DROP_SEND_ERROR]), 3);
	(void)pool_drop(&rig.pool, d.slot);
	rig_close(&rig);
}
END_TEST

static Suite *egress_suite(void)
{
	Suite *suite = suite_create("egress");
	TCase *tcase = tcase_create("egress");

	tcase_add_test(tcase, hop_limit_is_decremented_and_expiry_counted);
	tcase_add_test(tcase, who_asked_last_is_noted_where_replies_are_wanted);
	tcase_add_test(tcase, hop_limit_left_open_ends_a_circle);
	tcase_add_loop_test(tcase, hop_limit_left_open_counts_down_from_16, 0,
			    sizeof(counted) / sizeof(counted[0]));
	tcase_add_test(tcase, kept_hop_limit_and_dscp_part_the_trains);
	tcase_add_test(tcase, datagrams_of_another_mark_or_sender_leave_by_themselves);
	tcase_add_test(tcase,
		       what_the_path_does_not_carry_is_in_no_train_and_dropped_if_never_cut_up);
	tcase_add_test(tcase, rate_limit_counts_what_it_drops);
	tcase_add_test(tcase, slow_rate_is_kept_over_pauses);
	tcase_add_loop_test(tcase, bucket_is_full_after_a_long_pause_at_any_rate, 0, 5);
	tcase_add_test(tcase, slow_rate_loses_no_fraction_however_often_it_is_looked_at);
	tcase_add_test(tcase, bucket_holds_no_more_than_a_burst);
	tcase_add_test(tcase, hop_limit_of_zero_is_not_kept);
	tcase_add_test(tcase, append_without_a_free_train_says_so_and_makes_no_turn);
	tcase_add_test(tcase, rest_that_is_dropped_counts_what_was_not_taken);
	suite_add_tcase(suite, tcase);
	return suite;
}

int main(void)
{
	SRunner *runner = srunner_create(egress_suite());
	int failed;

	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? 0 : 1;
}
