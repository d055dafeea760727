/* check_ring_send.c - both engines send in order and answer every send, whatever comes of it.
 *
 * Loop tests: _i is an index of rig_variants. */
#include "shard/ring.h"

#include <check.h>
#include <errno.h>
#include <netinet/udp.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/unit/shard/ring_rig.h"

static struct rig rig;

START_TEST(each_send_is_carried_out_in_order_and_answered_once)
{
	uint32_t number;

	rig_init(&rig);
	rig_open_pair(&rig, _i, AF_INET);
	rig_queue_numbers(&rig, 1, 0, 100);
	rig_until_sent(&rig, 100);
	for (uint32_t i = 0; i < 100; i++) {
		ck_assert_uint_eq(rig.sent[i].token, i);
		ck_assert_int_eq(rig.sent[i].res, sizeof(number));
		ck_assert_int_eq(recv(rig.in_fd, &number, sizeof(number), 0), sizeof(number));
		ck_assert_uint_eq(number, i);
	}
	ck_assert_int_eq(recv(rig.in_fd, &number, sizeof(number), MSG_DONTWAIT), -1);
	ck_assert_uint_eq(stat_get(&rig.stats.sends_queued), 100);
	rig_close_pair(&rig);
}
END_TEST

START_TEST(a_failed_send_is_answered_with_its_error_and_later_ones_go_on)
{
	static unsigned char big[70000];
	struct sockaddr_storage gone;
	int gone_fd = rig_udp(AF_INET, &gone);
	int refused_fd = rig_udp_to(&gone);
	uint32_t refused = 0;

	close(gone_fd);
	rig_send_number(refused_fd, 0);
	ck_assert_int_eq(poll(&(struct pollfd){.fd = refused_fd}, 1, 300000), 1);
	rig_init(&rig);
	rig_open_pair(&rig, _i, AF_INET);
	ck_assert_int_eq(ring_add_file(rig.ring, refused_fd), 2);
	for (uint32_t i = 0; i < 60; i += 3) {
		rig_queue_numbers(&rig, 1, i, 1);
		rig.vectors[i + 1] = (struct iovec){.iov_base = big, .iov_len = sizeof(big)};
		rig.messages[i + 1] =
			(struct msghdr){.msg_iov = &rig.vectors[i + 1], .msg_iovlen = 1};
		ring_queue_send(rig.ring, 1, &rig.messages[i + 1], i + 1);
		rig_queue_numbers(&rig, 2, i + 2, 1);
	}
	rig_until_sent(&rig, 60);
	for (uint32_t i = 0; i < 60; i++) {
		const struct ring_sent *sent = &rig.sent[i];

		if (sent->token % 3 == 0) {
			ck_assert_int_eq(sent->res, sizeof(uint32_t));
		} else if (sent->token % 3 == 1) {
			ck_assert_int_eq(sent->res, -EMSGSIZE);
		} else {
			ck_assert(sent->res == -ECONNREFUSED || sent->res == sizeof(uint32_t));
			refused += sent->res < 0;
		}
	}
	/* At least the refusal that was pending; how soon the others come back is the kernel's
	 * affair, and sendmmsg tries a refused message again. */
	ck_assert_uint_ge(refused, 1);
	for (uint32_t i = 0; i < 20; i++) {
		uint32_t number;

		ck_assert_int_eq(recv(rig.in_fd, &number, sizeof(number), 0), sizeof(number));
		ck_assert_uint_eq(number, 3UL * i);
	}
	ring_remove_file(rig.ring, 2);
	close(refused_fd);
	rig_close_pair(&rig);
}
END_TEST

START_TEST(a_full_socket_fails_sends_instead_of_parking_them)
{
	int pair[2];
	uint32_t sent = 0;
	uint32_t number;

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_DGRAM, 0, pair), 0);
	ck_assert_int_eq(setsockopt(pair[0], SOL_SOCKET, SO_SNDBUF, &(int){4096}, sizeof(int)), 0);
	rig_init(&rig);
	rig_open(&rig, _i);
	ck_assert_int_eq(ring_add_file(rig.ring, pair[0]), 0);
	rig_queue_numbers(&rig, 0, 0, 100);
	rig_until_sent(&rig, 100);
	while (sent < 100 && rig.sent[sent].res == sizeof(number)) {
		sent++;
	}
	/* Nobody reads, so the queue of some datagrams is full once and for all. */
	ck_assert_uint_gt(sent, 0);
	ck_assert_uint_lt(sent, 100);
	for (uint32_t i = 0; i < 100; i++) {
		ck_assert_uint_eq(rig.sent[i].token, i);
		ck_assert_int_eq(rig.sent[i].res, i < sent ? (int)sizeof(number) : -EAGAIN);
	}
	for (uint32_t i = 0; i < sent; i++) {
		ck_assert_int_eq(recv(pair[1], &number, sizeof(number), MSG_DONTWAIT),
				 sizeof(number));
		ck_assert_uint_eq(number, i);
	}
	ring_remove_file(rig.ring, 0);
	rig_close(&rig);
	close(pair[0]);
	close(pair[1]);
}
END_TEST

/* All but the last of ten, where the engine can. */
START_TEST(what_is_submitted_early_is_answered_once_and_in_order)
{
	struct ring_recv event;
	struct ring_sent sent;
	uint32_t number;

	rig_init(&rig);
	rig_open_pair(&rig, _i, AF_INET);
	rig_queue_numbers(&rig, 1, 0, 10);
	ring_submit(rig.ring);
	while (ring_next_sent(rig.ring, &sent)) {
		ck_assert_uint_eq(sent.token, rig.sent_count);
		ck_assert_int_eq(sent.res, sizeof(number));
		rig.sent[rig.sent_count++] = sent;
	}
	if (rig_variants[_i].engine == RING_ENGINE_MMSG || rig.params.sqpoll) {
		ck_assert_uint_eq(rig.sent_count, rig.params.batch_submit); /* by itself */
	} else {
		ck_assert_uint_eq(rig.sent_count, 9);
	}
	ck_assert(!ring_next_recv(rig.ring, &event));
	rig_until_sent(&rig, 10);
	for (uint32_t i = 0; i < 10; i++) {
		ck_assert_uint_eq(rig.sent[i].token, i);
		ck_assert_int_eq(recv(rig.in_fd, &number, sizeof(number), 0), sizeof(number));
		ck_assert_uint_eq(number, i);
	}
	ring_submit(rig.ring); /* nothing */
	rig_close_pair(&rig);
}
END_TEST

/* A failure is no success only because its turn is not over. */
START_TEST(a_send_that_fails_early_is_answered_with_its_error)
{
	static unsigned char big[70000];
	uint32_t failed = 1;

	rig_init(&rig);
	rig_open_pair(&rig, _i, AF_INET);
	rig_queue_numbers(&rig, 1, 0, 1);
	rig.vectors[failed] = (struct iovec){.iov_base = big, .iov_len = sizeof(big)};
	rig.messages[failed] = (struct msghdr){.msg_iov = &rig.vectors[failed], .msg_iovlen = 1};
	ring_queue_send(rig.ring, 1, &rig.messages[failed], failed);
	rig_queue_numbers(&rig, 1, 2, 2);
	ring_submit(rig.ring);
	rig_until_sent(&rig, 4);
	for (uint32_t i = 0; i < 4; i++) {
		ck_assert_uint_eq(rig.sent[i].token, i);
		ck_assert_int_eq(rig.sent[i].res, i == failed ? -EMSGSIZE : (int)sizeof(uint32_t));
	}
	rig_close_pair(&rig);
}
END_TEST

START_TEST(a_turn_with_unanswered_sends_does_not_sleep_for_ever)
{
	rig_init(&rig);
	rig_open_pair(&rig, _i, AF_INET);
	rig_lend_range(&rig, 0, 1);
	rig_queue_numbers(&rig, 1, 0, 3);
	ring_arm_recv(rig.ring, 0, 0, 0);
	for (int i = 0; i < 10 && rig.sent_count < 3; i++) {
		rig_turn(&rig, RING_WAIT_FOREVER);
	}
	ck_assert_uint_eq(rig.sent_count, 3);
	rig_until_ended(&rig, 1);
	ck_assert_int_eq(rig.ended_res, -ENOBUFS);
	rig_close_pair(&rig);
}
END_TEST

/* A send of `payload' cut into segments of `segment' bytes, by its own control data. */
struct segmented {
	struct msghdr msg;
	struct iovec iov;
	_Alignas(struct cmsghdr) unsigned char control[CMSG_SPACE(sizeof(uint16_t))];
};

static void queue_segmented(struct segmented *s, unsigned char *payload, size_t len,
			    uint16_t segment, uint32_t token)
{
	struct cmsghdr *cmsg;

	memset(s, 0, sizeof(*s));
	s->iov = (struct iovec){.iov_base = payload, .iov_len = len};
	s->msg = (struct msghdr){.msg_iov = &s->iov,
				 .msg_iovlen = 1,
				 .msg_control = s->control,
				 .msg_controllen = sizeof(s->control)};
	cmsg = CMSG_FIRSTHDR(&s->msg);
	cmsg->cmsg_level = SOL_UDP;
	cmsg->cmsg_type = UDP_SEGMENT;
	cmsg->cmsg_len = CMSG_LEN(sizeof(segment));
	memcpy(CMSG_DATA(cmsg), &segment, sizeof(segment));
	ring_queue_send(rig.ring, 1, &s->msg, token);
}

START_TEST(a_train_leaves_by_one_send_with_its_own_control_data)
{
	static struct segmented sends[4];
	static unsigned char payload[1000];

	rig_init(&rig);
	rig.relend = true;
	rig.rearm = true;
	rig_open_pair(&rig, _i, AF_INET);
	rig_lend_range(&rig, 0, 64);
	ring_arm_recv(rig.ring, 0, 0, 0);
	for (size_t i = 0; i < sizeof(payload); i++) {
		payload[i] = (unsigned char)(i / 100);
	}
	for (uint32_t i = 0; i < 4; i++) {
		queue_segmented(&sends[i], payload, sizeof(payload), 100, i);
	}
	rig_until_sent(&rig, 4);
	rig_until_got(&rig, 40);
	for (uint32_t i = 0; i < 40; i++) {
		ck_assert_uint_eq(rig.got[i].head.payload_bytes, 100);
		ck_assert_uint_eq(rig.got[i].payload[0], i % 10);
		ck_assert_uint_eq(rig.got[i].payload[99], i % 10);
	}
	for (uint32_t i = 0; i < 4; i++) {
		ck_assert_int_eq(rig.sent[i].res, sizeof(payload));
	}
	rig_stop_flow(&rig, 0);
	rig_close_pair(&rig);
}
END_TEST

START_TEST(a_train_is_received_whole_with_its_segment_size)
{
	static struct segmented sends[2];
	static unsigned char payload[1050];
	const int on = 1;
	int segment = 0;

	rig_init(&rig);
	rig.rearm = true;
	rig_open_pair(&rig, _i, AF_INET);
	ck_assert_int_eq(setsockopt(rig.in_fd, SOL_UDP, UDP_GRO, &on, sizeof(on)), 0);
	rig_lend_range(&rig, 0, 8);
	ring_arm_recv(rig.ring, 0, 0, 0);
	queue_segmented(&sends[0], payload, sizeof(payload), 100, 0);
	rig_until_sent(&rig, 1);
	rig_send_number(rig.out_fd, 3);
	rig_until_got(&rig, 2);
	ck_assert_uint_eq(rig.got[0].head.payload_bytes, sizeof(payload));
	ck_assert(rig_got_control(&rig, 0, SOL_UDP, UDP_GRO, &segment));
	ck_assert_int_eq(segment, 100);
	ck_assert(!rig_got_control(&rig, 1, SOL_UDP, UDP_GRO, &segment));
	ck_assert_uint_eq(rig_got_number(&rig, 1), 3);
	rig_stop_flow(&rig, 0);
	rig_close_pair(&rig);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("ring_send");
	SRunner *runner = srunner_create(suite);
	TCase *tc = tcase_create("send");
	const int n = rig_variant_count;
	int failed;

	tcase_add_loop_test(tc, each_send_is_carried_out_in_order_and_answered_once, 0, n);
	tcase_add_loop_test(tc, a_failed_send_is_answered_with_its_error_and_later_ones_go_on, 0,
			    n);
	tcase_add_loop_test(tc, a_full_socket_fails_sends_instead_of_parking_them, 0, n);
	tcase_add_loop_test(tc, what_is_submitted_early_is_answered_once_and_in_order, 0, n);
	tcase_add_loop_test(tc, a_send_that_fails_early_is_answered_with_its_error, 0, n);
	tcase_add_loop_test(tc, a_turn_with_unanswered_sends_does_not_sleep_for_ever, 0, n);
	tcase_add_loop_test(tc, a_train_leaves_by_one_send_with_its_own_control_data, 0, n);
	tcase_add_loop_test(tc, a_train_is_received_whole_with_its_segment_size, 0, n);
	suite_add_tcase(suite, tc);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
