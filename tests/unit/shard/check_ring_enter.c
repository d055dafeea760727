/* check_ring_enter.c - for how much and for how long the engines ask the kernel to wait, how much
 * they take of one socket, and what a kernel gives seldom: a slot taken for nothing, a report in
 * the error queue of a flow's socket.
 *
 * The functions below stand before those of liburing and of the C library: they note what was
 * asked for, and spoil what came. What gets through is the real thing. */
#include "shard/ring/uring.h"

#include <check.h>
#include <dlfcn.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

#include "shard/ring/mmsg.h"
#include "tests/unit/shard/ring_rig.h"

static struct rig rig;
static unsigned most_awaited; /* completions asked for in one call */
static unsigned to_spoil;     /* receptions that are going to be for nothing */
static uint64_t longest_ns;   /* asked of epoll in one call */

static void spoil(struct io_uring *io)
{
	struct io_uring_cqe *cqe;
	unsigned head;

	io_uring_for_each_cqe(io, head, cqe)
	{
		if (to_spoil > 0 && (cqe->flags & IORING_CQE_F_BUFFER) != 0) {
			cqe->res = -ENOMEM;
			to_spoil--;
		}
	}
}

int io_uring_enter2(unsigned fd, unsigned to_submit, unsigned min_complete, unsigned flags,
		    sigset_t *sig, size_t sz)
{
	__typeof__(&io_uring_enter2) real =
		(__typeof__(&io_uring_enter2))dlsym(RTLD_NEXT, "io_uring_enter2");
	int ret;

	most_awaited = min_complete > most_awaited ? min_complete : most_awaited;
	ret = real(fd, to_submit, min_complete, flags, sig, sz);
	if (rig.ring != NULL && to_spoil > 0) {
		spoil(&uring_of(rig.ring)->io);
	}
	return ret;
}

#ifdef HAVE_EPOLL_PWAIT2
int epoll_pwait2(int fd, struct epoll_event *events, int maxevents, const struct timespec *timeout,
		 const sigset_t *ss)
{
	__typeof__(&epoll_pwait2) real =
		(__typeof__(&epoll_pwait2))dlsym(RTLD_NEXT, "epoll_pwait2");
	uint64_t ns = (uint64_t)timeout->tv_sec * 1000000000 + (uint64_t)timeout->tv_nsec;

	longest_ns = ns > longest_ns ? ns : longest_ns;
	return real(fd, events, maxevents, timeout, ss);
}
#endif

START_TEST(slot_taken_for_nothing_is_lent_again)
{
	rig_init(&rig);
	rig.relend = true;
	rig_open_pair(&rig, 0, AF_INET);
	rig_lend_range(&rig, 0, 8);
	ring_arm_recv(rig.ring, 0, 0, 0);
	rig_turn(&rig, 0);
	to_spoil = 20; /* each slot several times */
	for (uint32_t i = 0; i < 20; i++) {
		rig_send_number(rig.out_fd, i);
		for (int turn = 0; to_spoil > 19 - i; turn++) {
			ck_assert_int_lt(turn, RIG_TURNS_MAX);
			ck_assert_int_ne(rig.ended_res, -ENOBUFS); /* without a slot */
			rig_turn(&rig, RIG_WAIT_US);
		}
	}
	ck_assert_uint_eq(rig.got_count, 0);
	for (uint32_t i = 0; i < 4; i++) {
		rig_send_number(rig.out_fd, 100 + i);
	}
	rig_until_got(&rig, 4);
	for (uint32_t i = 0; i < 4; i++) {
		ck_assert_uint_eq(rig_got_number(&rig, i), 100 + i);
	}
	rig_stop_flow(&rig, 0);
	rig_close_pair(&rig);
}
END_TEST

/* Turns once, with a datagram there to be received; how many completions were waited for. */
static unsigned awaited(void)
{
	rig_send_number(rig.out_fd, 0);
	most_awaited = 0;
	rig_turn(&rig, 100 * RIG_WAIT_US);
	return most_awaited;
}

START_TEST(batch_waits_for_no_more_than_slots_are_lent_and_not_where_a_receive_starts)
{
	rig_init(&rig);
	rig.params.waits.batch_us = RIG_WAIT_US;
	rig_open_pair(&rig, 0, AF_INET);
	rig_lend_range(&rig, 0, 3);
	ring_arm_recv(rig.ring, 0, 0, 0);
	ck_assert_uint_eq(awaited(), 1); /* it starts: what waits comes at once */
	rig_until_got(&rig, 1);
	ck_assert_uint_eq(awaited(), 2); /* what is lent still */
	rig_until_got(&rig, 2);
	rig_lend_range(&rig, 3, 32);
	ck_assert_uint_eq(awaited(), rig.params.batch_complete);
	rig_stop_flow(&rig, 0);
	rig_close_pair(&rig);
}
END_TEST

/* The index of the plain variant of an engine. */
static int plain(enum ring_engine engine)
{
	int i = 0;

	while (rig_variants[i].engine != engine || rig_variants[i].tweak != NULL) {
		i++;
	}
	return i;
}

START_TEST(one_socket_has_no_more_than_a_burst_in_a_turn)
{
	rig_init(&rig);
	rig.params.groups[0].depth = RIG_SLOTS_MAX;
	rig_open_pair(&rig, plain(RING_ENGINE_MMSG), AF_INET);
	rig_lend_range(&rig, 0, RIG_SLOTS_MAX);
	ring_arm_recv(rig.ring, 0, 0, 0);
	for (uint32_t i = 0; i < 2 * MMSG_RECV_BURST_MAX; i++) {
		rig_send_number(rig.out_fd, i);
	}
	rig_turn(&rig, RIG_WAIT_US);
	ck_assert_uint_eq(rig.got_count, MMSG_RECV_BURST_MAX);
	rig_until_got(&rig, 2 * MMSG_RECV_BURST_MAX);
	ck_assert_uint_eq(rig_got_number(&rig, MMSG_RECV_BURST_MAX), MMSG_RECV_BURST_MAX);
	rig_stop_flow(&rig, 0);
	rig_close_pair(&rig);
}
END_TEST

START_TEST(turn_in_which_a_send_failed_tells_and_does_not_sleep)
{
	static unsigned char payload[UDP_PAYLOAD_MAX];
	struct iovec vec = {payload, sizeof(payload)}; /* more than UDP carries */
	struct msghdr msg = {.msg_iov = &vec, .msg_iovlen = 1};

	rig_init(&rig);
	rig_open_pair(&rig, plain(RING_ENGINE_MMSG), AF_INET);
	ring_queue_send(rig.ring, 1, &msg, 0);
	longest_ns = 0;
	rig_turn(&rig, RIG_WAIT_US);
	ck_assert_uint_eq(rig.sent_count, 1);
	ck_assert_int_eq(rig.sent[0].res, -EMSGSIZE);
	ck_assert_uint_eq(longest_ns, 0);
#ifdef HAVE_EPOLL_PWAIT2
	rig_turn(&rig, RIG_WAIT_US);
	ck_assert_uint_gt(longest_ns, 0); /* that is how it waits */
#endif
	rig_close_pair(&rig);
}
END_TEST

/* Leaves a report in the error queue of `fd', and nothing else of it. */
static void leave_report(int fd)
{
	struct sockaddr_storage nobody;
	int on = 1, error = 0, other = rig_udp(AF_INET, &nobody);
	socklen_t len = sizeof(error);

	close(other);
	ck_assert_int_eq(setsockopt(fd, IPPROTO_IP, IP_RECVERR, &on, sizeof(on)), 0);
	ck_assert_int_eq(
		sendto(fd, "x", 1, 0, (struct sockaddr *)&nobody, sizeof(struct sockaddr_in)), 1);
	ck_assert_int_eq(getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len), 0);
	ck_assert_int_eq(error, ECONNREFUSED);
}

START_TEST(report_in_an_error_queue_is_taken_out_and_not_woken_by_for_ever)
{
	rig_init(&rig);
	rig_open_pair(&rig, plain(RING_ENGINE_MMSG), AF_INET);
	rig_lend_range(&rig, 0, 4);
	leave_report(rig.in_fd);
	ring_arm_recv(rig.ring, 0, 0, 0);
	rig_turn(&rig, RIG_WAIT_US);
	ck_assert_uint_eq(rig.ended_count, 0);
	ck_assert_int_eq(recv(rig.in_fd, (char[1]){0}, 1, MSG_ERRQUEUE | MSG_DONTWAIT), -1);
	ck_assert_int_eq(errno, EAGAIN);
	rig_send_number(rig.out_fd, 7);
	rig_until_got(&rig, 1);
	rig_stop_flow(&rig, 0);
	rig_close_pair(&rig);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("ring_enter");
	TCase *tcase = tcase_create("ring_enter");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_test(tcase, slot_taken_for_nothing_is_lent_again);
	tcase_add_test(tcase,
		       batch_waits_for_no_more_than_slots_are_lent_and_not_where_a_receive_starts);
	tcase_add_test(tcase, one_socket_has_no_more_than_a_burst_in_a_turn);
	tcase_add_test(tcase, turn_in_which_a_send_failed_tells_and_does_not_sleep);
	tcase_add_test(tcase, report_in_an_error_queue_is_taken_out_and_not_woken_by_for_ever);
	suite_add_tcase(suite, tcase);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
