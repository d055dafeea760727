/* check_egress_edges.c - trains at their limits: bytes, datagrams, pieces; what a refusal, or the
 * end of the ring, amid a resend is counted as; who is sent first, and who is not. The rig has more
 * slots than a train has pieces.
 */
#include <arpa/inet.h>
#include <check.h>
#include <errno.h>
#include <netinet/in.h>
#include <string.h>

#include "tests/unit/shard/relay_rig.h"

static struct rig rig;

static const struct rig_options options = {
	.outputs = 1, .train_max = 128, .mtu = 9000, .slots = 256, .out = {.ttl = 16}};

static void deliver(uint32_t count, size_t bytes)
{
	for (uint32_t i = 0; i < count; i++) {
		rig_deliver(&rig, bytes);
	}
}

/* One round, the path being proven; the sends it made are those after the first. */
static void open_proven(const struct rig_options *wanted)
{
	rig_open(&rig, wanted);
	rig_deliver_train(&rig, 2, 10, 10);
	rig_settle(&rig);
	ck_assert_uint_eq(fake_send_count(rig.ring), 1);
}

static void expect_sends(uint32_t count, size_t first_bytes, size_t second_bytes)
{
	rig_settle(&rig);
	ck_assert_uint_eq(fake_send_count(rig.ring), 1 + count);
	ck_assert_uint_eq(fake_send_at(rig.ring, 1)->payload_bytes, first_bytes);
	if (count > 1) {
		ck_assert_uint_eq(fake_send_at(rig.ring, 2)->payload_bytes, second_bytes);
	}
	rig_expect_all_in_order(&rig, 0);
	rig_close(&rig); /* and no slot is missing */
}

START_TEST(train_has_as_many_bytes_as_udp_carries_and_not_one_more)
{
	open_proven(&options);
	deliver(13, 5039);
	expect_sends(1, UDP_PAYLOAD_MAX_V4, 0);
	open_proven(&options);
	deliver(12, 5459); /* one byte more */
	expect_sends(2, 11 * 5459, 5459);
	open_proven(&options);
	rig_deliver_train(&rig, 12, 5459, 5459);
	expect_sends(2, 11 * 5459, 5459);
}
END_TEST

START_TEST(train_has_as_many_datagrams_as_allowed_and_not_one_more)
{
	struct rig_options short_ones = options;

	short_ones.train_max = 16;
	open_proven(&short_ones);
	deliver(17, 100);
	expect_sends(2, 1600, 100);
	open_proven(&short_ones);
	rig_deliver_train(&rig, 17, 100, 100);
	expect_sends(2, 1600, 100);
	open_proven(&short_ones);
	rig_deliver_train(&rig, 10, 100, 100);
	rig_deliver_train(&rig, 6, 100, 100);
	expect_sends(1, 1600, 0);
	open_proven(&short_ones);
	rig_deliver_train(&rig, 10, 100, 100);
	rig_deliver_train(&rig, 7, 100, 100);
	expect_sends(2, 1000, 700);
}
END_TEST

START_TEST(train_has_as_many_pieces_as_there_is_room_for_and_not_one_more)
{
	open_proven(&options);
	deliver(TRAIN_IOV_MAX + 1, 100);
	rig_settle(&rig);
	ck_assert_uint_eq(fake_send_at(rig.ring, 1)->iov_count, TRAIN_IOV_MAX);
	expect_sends(2, 100 * TRAIN_IOV_MAX, 100);
}
END_TEST

static int32_t refuse_trains(void *context, const struct fake_send *send)
{
	(void)context;
	return send->segment_bytes ? -EIO : FAKE_SUCCESS;
}

START_TEST(resent_datagrams_have_the_bytes_that_they_have)
{
	rig_open(&rig, &options);
	fake_decide_sends(rig.ring, refuse_trains, NULL);
	rig_deliver_train(&rig, 10, 500, 33);
	rig_settle(&rig);
	ck_assert_uint_eq(stat_get(&rig.output_stats[0].sent), 10);
	ck_assert_uint_eq(stat_get(&rig.output_stats[0].sent_bytes), 9 * 500 + 33);
	ck_assert_uint_eq(stat_get(&rig.output_stats[0].resent), 10);
	rig_close(&rig);
}
END_TEST

START_TEST(ring_that_fails_amid_a_resend_counts_each_datagram_once)
{
	rig_open(&rig, &options);
	fake_decide_sends(rig.ring, refuse_trains, NULL);
	rig_deliver_train(&rig, 10, 500, 500);
	while (stat_get(&rig.output_stats[0].sent) < 4) {
		ck_assert_int_eq(relay_turn(&rig.relay), 0);
	}
	fake_fail_turn(rig.ring, -EBADF);
	ck_assert_int_eq(relay_turn(&rig.relay), -EBADF);
	ck_assert_uint_eq(stat_get(&rig.output_stats[0].sent), 4);
	ck_assert_uint_eq(stat_get(&rig.output_stats[0].drops[OUTPUT_DROP_SEND_ERROR]), 6);
	ck_assert(rig_sums_agree(&rig));
	ring_close(rig.ring);
	mailbox_close(&rig.mailbox);
	arena_unmap(&rig.arena);
}
END_TEST

/* The control message of `type' in the first send. */
static const void *control_of(int type)
{
	const struct fake_send *send = fake_send_at(rig.ring, 0);
	struct msghdr msg = {.msg_control = (void *)send->control,
			     .msg_controllen = send->control_bytes};

	for (struct cmsghdr *c = CMSG_FIRSTHDR(&msg); c; c = CMSG_NXTHDR(&msg, c)) {
		if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == type) {
			return CMSG_DATA(c);
		}
	}
	ck_abort_msg("no control message of type %d", type);
}

START_TEST(kept_dscp_comes_without_a_mark_of_congestion_and_kept_source_with_the_interface)
{
	struct rig_options kept = options;
	struct fake_datagram d = {.payload = "0123", .payload_bytes = 4, .tos = 0xbb};
	struct sockaddr_in from = {.sin_family = AF_INET, .sin_port = htons(9)};
	struct in_pktinfo info;
	int tos;

	from.sin_addr.s_addr = htonl(0x0a000007);
	memcpy(&d.from, &from, sizeof(from));
	kept.out.dscp = RULE_DSCP_KEEP;
	kept.out.src_keep = true;
	rig_open(&rig, &kept);
	egress_output(&rig.egress, 0)->path.ifindex = 7;
	fake_deliver(rig.ring, 0, &d);
	rig_settle(&rig);
	memcpy(&tos, control_of(IP_TOS), sizeof(tos));
	ck_assert_int_eq(tos, 0xb8);
	memcpy(&info, control_of(IP_PKTINFO), sizeof(info));
	ck_assert_int_eq(info.ipi_ifindex, 7);
	ck_assert_uint_eq(info.ipi_spec_dst.s_addr, from.sin_addr.s_addr);
	rig_close(&rig);
}
END_TEST

START_TEST(output_without_carrier_counts_and_sends_nothing)
{
	rig_open(&rig, &options);
	egress_output(&rig.egress, 0)->dark = true;
	rig_deliver(&rig, 100);
	rig_settle(&rig);
	ck_assert_uint_eq(fake_send_count(rig.ring), 0);
	ck_assert_uint_eq(stat_get(&rig.output_stats[0].drops[OUTPUT_DROP_LINK_DOWN]), 1);
	rig_close(&rig);
}
END_TEST

START_TEST(outputs_of_the_highest_priority_are_sent_first)
{
	struct rig_options several = options;

	several.outputs = 3;
	rig_open(&rig, &several);
	egress_output(&rig.egress, 1)->level = RULE_LEVELS - 1;
	egress_output(&rig.egress, 2)->level = 1;
	rig_deliver(&rig, 100);
	rig_settle(&rig);
	ck_assert_int_eq(fake_send_at(rig.ring, 0)->fd, 101);
	ck_assert_int_eq(fake_send_at(rig.ring, 1)->fd, 102);
	ck_assert_int_eq(fake_send_at(rig.ring, 2)->fd, 100);
	rig_close(&rig);
}
END_TEST

START_TEST(starved_flow_is_started_again_once_a_quarter_of_its_slots_is_back)
{
	struct rig_options few = options;

	few.slots = 16;
	few.train_max = 1;
	rig_open(&rig, &few);
	fake_hold_sends(rig.ring, true);
	deliver(100, 100);
	for (int i = 0; i < 4; i++) {
		ck_assert_int_eq(relay_turn(&rig.relay), 0);
	}
	for (int i = 0; i < 32; i++) {
		fake_release(rig.ring, 1);
		ck_assert_int_eq(relay_turn(&rig.relay), 0);
		ck_assert_int_eq(relay_turn(&rig.relay), 0);
	}
	ck_assert_uint_ge(stat_get(&rig.flow_stats.rearms), 1 + 32 / 4 - 1);
	ck_assert_uint_le(stat_get(&rig.flow_stats.rearms), 1 + 32 / 4 + 1);
	fake_hold_sends(rig.ring, false);
	rig_settle(&rig);
	rig_expect_all_in_order(&rig, 0);
	rig_close(&rig);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("egress_edges");
	TCase *tcase = tcase_create("egress_edges");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_test(tcase, train_has_as_many_bytes_as_udp_carries_and_not_one_more);
	tcase_add_test(tcase, train_has_as_many_datagrams_as_allowed_and_not_one_more);
	tcase_add_test(tcase, train_has_as_many_pieces_as_there_is_room_for_and_not_one_more);
	tcase_add_test(tcase, resent_datagrams_have_the_bytes_that_they_have);
	tcase_add_test(tcase, ring_that_fails_amid_a_resend_counts_each_datagram_once);
	tcase_add_test(
		tcase,
		kept_dscp_comes_without_a_mark_of_congestion_and_kept_source_with_the_interface);
	tcase_add_test(tcase, output_without_carrier_counts_and_sends_nothing);
	tcase_add_test(tcase, outputs_of_the_highest_priority_are_sent_first);
	tcase_add_test(tcase, starved_flow_is_started_again_once_a_quarter_of_its_slots_is_back);
	suite_add_tcase(suite, tcase);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? 0 : 1;
}
