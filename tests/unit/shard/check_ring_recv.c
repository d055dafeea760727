/* check_ring_recv.c - both engines receive as ring.h promises, in every way they can be opened.
 *
 * Loop tests: _i is an index of rig_variants. */
#include "shard/ring.h"

#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/unit/shard/ring_rig.h"

static struct rig rig;

START_TEST(datagrams_arrive_in_order_with_sender_and_length)
{
	struct sockaddr_storage sender;
	socklen_t len = sizeof(sender);
	const int families[] = {AF_INET, AF_INET6};
	const int family = families[_i % 2];

	rig_init(&rig);
	rig.relend = true;
	rig.rearm = true;
	rig_open_pair(&rig, _i / 2, family);
	ck_assert_int_eq(getsockname(rig.out_fd, (struct sockaddr *)&sender, &len), 0);
	rig_lend_range(&rig, 0, 64);
	ring_arm_recv(rig.ring, 0, 0, 0);
	for (uint32_t i = 0; i < 300; i++) {
		rig_send_number(rig.out_fd, i);
		if (i % 100 == 50) {
			rig_turn(&rig, 0);
		}
	}
	rig_until_got(&rig, 300);
	for (uint32_t i = 0; i < 300; i++) {
		const struct slot_head *head = &rig.got[i].head;

		ck_assert_uint_eq(rig_got_number(&rig, i), i);
		ck_assert_uint_eq(head->name_bytes, rig_name_len(&sender));
		ck_assert_mem_eq(&rig.got[i].name, &sender, rig_name_len(&sender));
		ck_assert_uint_eq(head->control_bytes, 0);
		ck_assert_uint_eq(head->flags & (MSG_TRUNC | MSG_CTRUNC), 0);
	}
	rig_stop_flow(&rig, 0);
	ck_assert_uint_eq(rig_reclaim_all(&rig), 64);
	rig_close_pair(&rig);
}
END_TEST

START_TEST(a_flow_armed_under_another_token_answers_with_that)
{
	const uint32_t first = 0x7fe00000U | (RIG_FLOWS - 1), second = first + 0x100000;

	rig_init(&rig);
	rig_open_pair(&rig, _i, AF_INET);
	rig_lend_range(&rig, 0, 8);
	ring_arm_recv(rig.ring, first, 0, 0);
	rig_send_number(rig.out_fd, 1);
	rig_until_got(&rig, 1);
	ck_assert_uint_eq(rig.got[0].flow, first);
	ring_cancel_recv(rig.ring, second); /* of one that is not armed: nothing */
	rig_send_number(rig.out_fd, 2);
	rig_until_got(&rig, 2);
	rig_stop_flow(&rig, first);
	ck_assert_uint_eq(rig.ended_flow, first);
	ring_arm_recv(rig.ring, second, 0, 0);
	rig_send_number(rig.out_fd, 3);
	rig_until_got(&rig, 3);
	ck_assert_uint_eq(rig.got[2].flow, second);
	rig_stop_flow(&rig, second);
	ck_assert_uint_eq(rig.ended_flow, second);
	rig_reclaim_all(&rig);
	rig_close_pair(&rig);
}
END_TEST

START_TEST(a_ring_that_grows_loses_nothing_and_takes_more)
{
	struct arena counter = ARENA_COUNTER, more;
	uint32_t flow;
	int in, out;
	struct sockaddr_storage at;
	int file;

	rig_init(&rig);
	rig_open_pair(&rig, _i, AF_INET);
	flow = rig.params.flows;
	rig_lend_range(&rig, 0, 16);
	ring_arm_recv(rig.ring, 0, 0, 0);
	rig_send_number(rig.out_fd, 1);
	rig_until_got(&rig, 1);
	ring_grow(rig.ring, flow + 8, rig.params.files + 20, &counter);
	ck_assert_int_eq(arena_map(&more, counter.used_bytes, ARENA_HUGE_OFF), 0);
	ring_grow(rig.ring, flow + 8, rig.params.files + 20, &more);
	ck_assert_uint_eq(more.used_bytes, counter.used_bytes);
	for (uint32_t i = 2; i < rig.params.files + 18; i++) {
		ck_assert_int_ge(ring_add_file(rig.ring, rig.in_fd), 0);
	}
	in = rig_udp(AF_INET, &at);
	out = rig_udp_to(&at);
	file = ring_add_file(rig.ring, in);
	ck_assert_int_ge(file, 0);
	ring_arm_recv(rig.ring, flow, (uint32_t)file, 0);
	rig_send_number(out, 2);
	rig_until_got(&rig, 2);
	ck_assert_uint_eq(rig.got[1].flow, flow);
	rig_send_number(rig.out_fd, 3); /* and the one armed before goes on */
	rig_until_got(&rig, 3);
	file = ring_add_file(rig.ring, out); /* the last there is */
	ck_assert_int_ge(file, 0);
	ck_assert_int_eq(ring_add_file(rig.ring, out), -ENFILE);
	rig_queue_numbers(&rig, (uint32_t)file, 4, 1);
	rig_until_got(&rig, 4);
	ck_assert_uint_eq(rig_got_number(&rig, 3), 4);
	rig_stop_flow(&rig, 0);
	rig_stop_flow(&rig, flow);
	rig_reclaim_all(&rig);
	rig_close_pair(&rig);
	arena_unmap(&more);
	close(in);
	close(out);
}
END_TEST

START_TEST(zero_length_datagrams_are_delivered_and_may_end_the_receive)
{
	rig_init(&rig);
	rig.relend = true;
	rig.rearm = true;
	rig_open_pair(&rig, _i, AF_INET);
	rig_lend_range(&rig, 0, 64);
	ring_arm_recv(rig.ring, 0, 0, 0);
	rig_turn(&rig, 0);
	for (int i = 0; i < 10; i++) {
		ck_assert_int_eq(send(rig.out_fd, "", 0, 0), 0);
		rig_send_number(rig.out_fd, 7);
	}
	rig_until_got(&rig, 20);
	for (uint32_t i = 0; i < 20; i += 2) {
		ck_assert_uint_eq(rig.got[i].head.payload_bytes, 0);
		ck_assert_uint_eq(rig_got_number(&rig, i + 1), 7);
	}
	ck_assert(rig.ended_count == 0 || rig.ended_res == 0 || rig.ended_res == -ENOBUFS);
	rig_stop_flow(&rig, 0);
	rig_close_pair(&rig);
}
END_TEST

/* Fails by not coming to an end. */
START_TEST(what_waits_for_a_receive_that_is_started_again_is_not_batched)
{
	rig_init(&rig);
	rig_open_pair(&rig, _i, AF_INET);
	rig_lend_range(&rig, 0, 64);
	ring_arm_recv(rig.ring, 0, 0, 0);
	rig_turn(&rig, 0);
	ck_assert_int_eq(send(rig.out_fd, "", 0, 0), 0);
	rig_until_got(&rig, 1);
	if (rig.ended_count > 0) {
		ring_set_waits(rig.ring, &(struct ring_waits){.batch_us = 3600U * 1000 * 1000});
		rig_send_number(rig.out_fd, 7);
		ring_arm_recv(rig.ring, 0, 0, 0);
		rig_turn(&rig, RING_WAIT_FOREVER);
		ck_assert_uint_eq(rig.got_count, 2);
		ring_set_waits(rig.ring, &(struct ring_waits){0});
	}
	rig_stop_flow(&rig, 0);
	rig_reclaim_all(&rig);
	rig_close_pair(&rig);
}
END_TEST

START_TEST(a_datagram_longer_than_its_slot_reports_its_real_length)
{
	static unsigned char big[5000];

	rig_init(&rig);
	rig.rearm = true;
	rig_open_pair(&rig, _i, AF_INET);
	rig_lend_range(&rig, 0, 4);
	ring_arm_recv(rig.ring, 0, 0, 0);
	big[0] = 9;
	ck_assert_int_eq(send(rig.out_fd, big, sizeof(big), 0), sizeof(big));
	rig_until_got(&rig, 1);
	ck_assert_uint_eq(rig.got[0].head.payload_bytes, sizeof(big));
	ck_assert_uint_ne(rig.got[0].head.flags & MSG_TRUNC, 0);
	ck_assert_uint_eq(rig.got[0].payload[0], 9);
	/* The slot's neighbour was not written to. */
	ck_assert_uint_eq(rig.slots[RIG_SLOT_BYTES], 0xa5);
	rig_stop_flow(&rig, 0);
	rig_close_pair(&rig);
}
END_TEST

START_TEST(starving_ends_the_receive_and_loses_nothing)
{
	rig_init(&rig);
	rig_open_pair(&rig, _i, AF_INET);
	rig_lend_range(&rig, 0, 2);
	ring_arm_recv(rig.ring, 0, 0, 0);
	rig_turn(&rig, 0);
	for (uint32_t i = 0; i < 10; i++) {
		rig_send_number(rig.out_fd, i);
	}
	rig_until_ended(&rig, 1);
	while (rig.ended_res != -ENOBUFS) {
		/* A full completion queue ends it too, with a datagram in hand. */
		uint32_t before = rig.ended_count;

		ring_arm_recv(rig.ring, 0, 0, 0);
		rig_until_ended(&rig, before + 1);
	}
	ck_assert_uint_eq(rig.got_count, 2);
	ck_assert_uint_eq(ring_room(rig.ring, 0), 64);
	rig_lend_range(&rig, 0, 10);
	ck_assert_uint_eq(ring_room(rig.ring, 0), 54);
	rig.rearm = true;
	ring_arm_recv(rig.ring, 0, 0, 0);
	rig_until_got(&rig, 10);
	for (uint32_t i = 0; i < 10; i++) {
		ck_assert_uint_eq(rig_got_number(&rig, i), i);
	}
	rig_stop_flow(&rig, 0);
	ck_assert_uint_eq(rig_reclaim_all(&rig), 2);
	rig_close_pair(&rig);
}
END_TEST

START_TEST(flows_that_share_a_group_get_each_their_own)
{
	enum {
		FLOWS = 16,
		EACH = 12
	};
	int in[FLOWS];
	int out[FLOWS];
	uint32_t next[FLOWS] = {0};
	struct sockaddr_storage at;

	rig_init(&rig);
	rig.relend = true;
	rig.rearm = true;
	rig_open(&rig, _i);
	rig_lend_range(&rig, 0, 64);
	for (uint32_t flow = 0; flow < FLOWS; flow++) {
		int file;

		in[flow] = rig_udp(AF_INET, &at);
		out[flow] = rig_udp_to(&at);
		file = ring_add_file(rig.ring, in[flow]);
		ck_assert_int_ge(file, 0);
		rig.rearm_file[flow] = (uint32_t)file;
		ring_arm_recv(rig.ring, flow, (uint32_t)file, 0);
	}
	rig_turn(&rig, 0);
	for (uint32_t i = 0; i < EACH; i++) {
		for (int flow = 0; flow < FLOWS; flow++) {
			/* Empty ones end a multishot, and out of turn: their completions come
			 * later than those of flows that go on. */
			if ((flow + i) % 5 == 0) {
				ck_assert_int_eq(send(out[flow], "", 0, 0), 0);
			}
			rig_send_number(out[flow], i);
		}
		rig_turn(&rig, 0);
	}
	for (int i = 0; i < RIG_TURNS_MAX; i++) {
		uint32_t numbers = 0;

		rig_turn(&rig, RIG_WAIT_US);
		for (uint32_t g = 0; g < rig.got_count; g++) {
			numbers += rig.got[g].head.payload_bytes > 0;
		}
		if (numbers == FLOWS * EACH) {
			break;
		}
	}
	for (uint32_t g = 0; g < rig.got_count; g++) {
		if (rig.got[g].head.payload_bytes > 0) {
			ck_assert_uint_eq(rig_got_number(&rig, g), next[rig.got[g].flow]++);
		}
	}
	for (uint32_t flow = 0; flow < FLOWS; flow++) {
		ck_assert_uint_eq(next[flow], EACH);
		rig_stop_flow(&rig, flow);
		ring_remove_file(rig.ring, rig.rearm_file[flow]);
		close(in[flow]);
		close(out[flow]);
	}
	ck_assert_uint_eq(rig_reclaim_all(&rig), 64);
	rig_close(&rig);
}
END_TEST

START_TEST(cancel_is_followed_by_the_end_and_slots_can_be_reclaimed)
{
	rig_init(&rig);
	rig_open_pair(&rig, _i, AF_INET);
	rig_lend_range(&rig, 10, 20);
	ring_arm_recv(rig.ring, 0, 0, 0);
	ring_cancel_recv(rig.ring, 0);
	ring_cancel_recv(rig.ring, 0);
	rig_until_ended(&rig, 1);
	ck_assert_int_eq(rig.ended_res, -ECANCELED);
	ring_cancel_recv(rig.ring, 0);
	rig_turn(&rig, 0);
	rig_turn(&rig, RIG_WAIT_US);
	ck_assert_uint_eq(rig.ended_count, 1);
	rig_send_number(rig.out_fd, 5);
	rig_turn(&rig, RIG_WAIT_US);
	ck_assert_uint_eq(rig.got_count, 0);
	ck_assert_uint_eq(rig_reclaim_all(&rig), 20);
	ck_assert_uint_eq(ring_room(rig.ring, 0), 64);
	rig_close_pair(&rig);
}
END_TEST

START_TEST(reclaimed_slots_are_not_written_to_by_a_later_receive)
{
	rig_init(&rig);
	rig_open_pair(&rig, _i, AF_INET);
	rig_lend_range(&rig, 0, 8);
	ring_arm_recv(rig.ring, 0, 0, 0);
	rig_send_number(rig.out_fd, 0);
	rig_send_number(rig.out_fd, 1);
	rig.rearm = true;
	rig_until_got(&rig, 2);
	rig_stop_flow(&rig, 0);
	for (int i = 0; i < 4; i++) {
		int index = ring_reclaim(rig.ring, 0);

		ck_assert_int_ge(index, 0);
		ck_assert(rig.slot_lent[index]);
		rig.slot_lent[index] = false; /* and rig_turn fails when it is filled */
	}
	rig_lend_range(&rig, 100, 1);
	ring_arm_recv(rig.ring, 0, 0, 0);
	for (uint32_t i = 2; i < 5; i++) {
		rig_send_number(rig.out_fd, i);
	}
	rig.rearm = true;
	rig_until_got(&rig, 5);
	for (uint32_t i = 0; i < 5; i++) {
		ck_assert_uint_eq(rig_got_number(&rig, i), i);
	}
	rig_stop_flow(&rig, 0);
	ck_assert_uint_eq(rig_reclaim_all(&rig), 0);
	rig_close_pair(&rig);
}
END_TEST

/* Descriptors in a control message: 40 of them take more room than a slot has. */
static void send_descriptors(int fd)
{
	_Alignas(struct cmsghdr) unsigned char control[CMSG_SPACE(40 * sizeof(int))] = {0};
	char text[] = "fd";
	struct iovec iov = {.iov_base = text, .iov_len = 2};
	struct msghdr hdr = {.msg_iov = &iov,
			     .msg_iovlen = 1,
			     .msg_control = control,
			     .msg_controllen = sizeof(control)};
	struct cmsghdr *cmsg = CMSG_FIRSTHDR(&hdr);

	cmsg->cmsg_level = SOL_SOCKET;
	cmsg->cmsg_type = SCM_RIGHTS;
	cmsg->cmsg_len = CMSG_LEN(40 * sizeof(int));
	for (size_t i = 0; i < 40; i++) {
		memcpy(CMSG_DATA(cmsg) + i * sizeof(int), &fd, sizeof(fd));
	}
	ck_assert_int_eq(sendmsg(fd, &hdr, 0), 2);
}

START_TEST(control_data_that_did_not_fit_is_visible)
{
	int pair[2];

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_DGRAM, 0, pair), 0);
	rig_init(&rig);
	rig_open(&rig, _i);
	ck_assert_int_eq(ring_add_file(rig.ring, pair[1]), 0);
	rig_lend_range(&rig, 0, 2);
	ring_arm_recv(rig.ring, 0, 0, 0);
	send_descriptors(pair[0]);
	rig_until_got(&rig, 1);
	ck_assert_uint_ne(rig.got[0].head.flags & MSG_CTRUNC, 0);
	ck_assert_uint_gt(rig.got[0].head.control_bytes, 0);
	ck_assert_uint_le(rig.got[0].head.control_bytes, SLOT_CONTROL_BYTES);
	ck_assert_uint_eq(rig.got[0].head.payload_bytes, 2);
	ck_assert_mem_eq(rig.got[0].payload, "fd", 2);
	ck_assert_uint_eq(rig.got[0].payload[2], 0xa5);
	rig_stop_flow(&rig, 0);
	ring_remove_file(rig.ring, 0);
	rig_close(&rig);
	close(pair[0]);
	close(pair[1]);
}
END_TEST

START_TEST(control_data_arrives_aligned_for_both_families)
{
	const int on = 1;
	int ttl = 0;
	int hops = 0;

	rig_init(&rig);
	rig_open_pair(&rig, _i, AF_INET6);
	ck_assert_int_eq(setsockopt(rig.in_fd, SOL_IPV6, IPV6_RECVHOPLIMIT, &on, sizeof(on)), 0);
	ck_assert_int_eq(
		setsockopt(rig.out_fd, SOL_IPV6, IPV6_UNICAST_HOPS, &(int){33}, sizeof(int)), 0);
	rig_lend_range(&rig, 0, 2);
	ring_arm_recv(rig.ring, 0, 0, 0);
	rig_send_number(rig.out_fd, 1);
	rig_until_got(&rig, 1);
	ck_assert(rig_got_control(&rig, 0, SOL_IPV6, IPV6_HOPLIMIT, &hops));
	ck_assert_int_eq(hops, 33);
	ck_assert(!rig_got_control(&rig, 0, SOL_IP, IP_TTL, &ttl));
	rig_stop_flow(&rig, 0);
	rig_close_pair(&rig);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("ring_recv");
	SRunner *runner = srunner_create(suite);
	TCase *tc = tcase_create("receive");
	const int n = rig_variant_count;
	int failed;

	tcase_add_loop_test(tc, datagrams_arrive_in_order_with_sender_and_length, 0, 2 * n);
	tcase_add_loop_test(tc, a_flow_armed_under_another_token_answers_with_that, 0, n);
	tcase_add_loop_test(tc, a_ring_that_grows_loses_nothing_and_takes_more, 0, n);
	tcase_add_loop_test(tc, zero_length_datagrams_are_delivered_and_may_end_the_receive, 0, n);
	tcase_add_loop_test(tc, what_waits_for_a_receive_that_is_started_again_is_not_batched, 0,
			    n);
	tcase_add_loop_test(tc, a_datagram_longer_than_its_slot_reports_its_real_length, 0, n);
	tcase_add_loop_test(tc, starving_ends_the_receive_and_loses_nothing, 0, n);
	tcase_add_loop_test(tc, flows_that_share_a_group_get_each_their_own, 0, n);
	tcase_add_loop_test(tc, cancel_is_followed_by_the_end_and_slots_can_be_reclaimed, 0, n);
	tcase_add_loop_test(tc, reclaimed_slots_are_not_written_to_by_a_later_receive, 0, n);
	tcase_add_loop_test(tc, control_data_that_did_not_fit_is_visible, 0, n);
	tcase_add_loop_test(tc, control_data_arrives_aligned_for_both_families, 0, n);
	suite_add_tcase(suite, tc);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
