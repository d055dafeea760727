/* check_ring.c - both engines wait, wake, keep files and can be probed as ring.h promises.
 *
 * Loop tests: _i is an index of rig_variants. */
#include "shard/ring.h"

#include <check.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "tests/unit/shard/ring_rig.h"

static struct rig rig;

START_TEST(a_turn_does_not_sleep_while_events_wait)
{
	rig_init(&rig);
	rig_open_pair(&rig, _i, AF_INET);
	rig_lend_range(&rig, 0, 2);
	ring_arm_recv(rig.ring, 0, 0, 0);
	rig_send_number(rig.out_fd, 1);
	ck_assert_int_eq(ring_turn(rig.ring, RING_WAIT_FOREVER), 0);
	ck_assert_int_eq(ring_turn(rig.ring, RING_WAIT_FOREVER), 0);
	rig_turn(&rig, RING_WAIT_FOREVER);
	ck_assert_uint_eq(rig.got_count, 1);
	if (rig.ended_count == 0) {
		rig_stop_flow(&rig, 0);
	}
	rig_close_pair(&rig);
}
END_TEST

START_TEST(an_idle_turn_ends_after_its_wait)
{
	rig_init(&rig);
	rig_open_pair(&rig, _i, AF_INET);
	rig_turn(&rig, 2000);
	rig_turn(&rig, 10);
	rig_turn(&rig, 0);
	ck_assert_uint_eq(rig.got_count + rig.sent_count + rig.ended_count, 0);
	ck_assert_uint_eq(stat_get(&rig.stats.turns), 3);
	rig_close_pair(&rig);
}
END_TEST

static void *wake_later(void *arg)
{
	const struct timespec pause = {.tv_nsec = 20000000};
	uint64_t one = 1;

	nanosleep(&pause, NULL);
	ck_assert_int_eq(write(*(int *)arg, &one, sizeof(one)), sizeof(one));
	return NULL;
}

START_TEST(an_eventfd_wakes_every_time)
{
	int fd = eventfd(0, EFD_CLOEXEC); /* blocking: the engine must not read it in vain */
	pthread_t thread;

	rig_init(&rig);
	rig_open_pair(&rig, _i, AF_INET);
	ck_assert_int_eq(ring_arm_wake(rig.ring, fd), 0);
	ck_assert_int_eq(ring_arm_wake(rig.ring, fd), -EBUSY);
	for (int round = 0; round < 3; round++) {
		rig_turn(&rig, 0);
		ck_assert(!ring_woken(rig.ring));
		ck_assert_int_eq(pthread_create(&thread, NULL, wake_later, &fd), 0);
		for (int i = 0; i < 1000; i++) {
			rig_turn(&rig, RING_WAIT_FOREVER);
			if (ring_woken(rig.ring)) {
				break;
			}
			ck_assert_int_lt(i, 999);
		}
		ck_assert_int_eq(pthread_join(thread, NULL), 0);
	}
	/* Many writes at once are one wake or several, and never a blocked read. */
	for (uint64_t one = 1, i = 0; i < 5; i++) {
		ck_assert_int_eq(write(fd, &one, sizeof(one)), sizeof(one));
	}
	rig_turn(&rig, RIG_WAIT_US);
	rig_turn(&rig, RIG_WAIT_US);
	(void)ring_woken(rig.ring);
	rig_turn(&rig, RIG_WAIT_US);
	rig_close_pair(&rig);
	close(fd);
}
END_TEST

START_TEST(file_numbers_are_bounded_and_used_again)
{
	int fd = eventfd(0, EFD_CLOEXEC);

	rig_init(&rig);
	rig.params.files = 3;
	rig_open(&rig, _i);
	if (rig.params.files == 3) {
		ck_assert_int_eq(ring_add_file(rig.ring, fd), 0);
		ck_assert_int_eq(ring_add_file(rig.ring, fd), 1);
		ck_assert_int_eq(ring_add_file(rig.ring, fd), 2);
		ck_assert_int_eq(ring_add_file(rig.ring, fd), -ENFILE);
		ring_remove_file(rig.ring, 1);
		ck_assert_int_eq(ring_add_file(rig.ring, fd), 1);
	}
	rig_close(&rig);
	close(fd);
}
END_TEST

/* At once; but a kernel's thread (SQPOLL) tells that a receive has ended before it lets go of its
 * socket. */
static void bind_again(int fd, const struct sockaddr_storage *at)
{
	int rc;

	do {
		rc = bind(fd, (const struct sockaddr *)at, rig_name_len(at));
	} while (rc < 0 && errno == EADDRINUSE && rig.params.sqpoll);
	ck_assert_int_eq(rc, 0);
}

/* A socket closed after its receive ended and its file was removed is really gone: its port can be
 * bound again, although other receives live on. */
START_TEST(a_removed_socket_is_released_at_once)
{
	struct sockaddr_storage other_at;
	int other = rig_udp(AF_INET, &other_at);
	int again = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	rig_init(&rig);
	rig_open_pair(&rig, _i, AF_INET);
	ck_assert_int_eq(ring_add_file(rig.ring, other), 2);
	rig_lend_range(&rig, 0, 8);
	ring_arm_recv(rig.ring, 0, 0, 0);
	ring_arm_recv(rig.ring, 1, 2, 0);
	rig_turn(&rig, 0);
	rig_stop_flow(&rig, 1);
	ring_remove_file(rig.ring, 2);
	close(other);
	bind_again(again, &other_at);
	close(again);
	rig_stop_flow(&rig, 0);
	rig_close_pair(&rig);
}
END_TEST

START_TEST(closing_with_a_receive_armed_releases_its_socket)
{
	struct sockaddr_storage other_at;
	int other = rig_udp(AF_INET, &other_at);
	int out = rig_udp_to(&other_at);
	int again = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	int wake = eventfd(0, EFD_CLOEXEC);

	rig_init(&rig);
	rig_open(&rig, _i);
	ck_assert_int_eq(ring_add_file(rig.ring, other), 0);
	ck_assert_int_eq(ring_add_file(rig.ring, out), 1);
	ck_assert_int_eq(ring_arm_wake(rig.ring, wake), 0);
	rig_lend_range(&rig, 0, 8);
	ring_arm_recv(rig.ring, 0, 0, 0);
	rig_queue_numbers(&rig, 1, 0, 3); /* the sending socket enters the file table */
	rig.rearm = true;
	rig_until_sent(&rig, 3);
	rig_until_got(&rig, 3);
	ring_close(rig.ring);
	close(other);
	bind_again(again, &other_at);
	close(out);
	close(again);
	close(wake);
	rig.ring = NULL;
	rig_close(&rig);
}
END_TEST

static void ignore_signal(int number)
{
	(void)number;
}

START_TEST(a_signal_ends_the_wait_without_an_error)
{
	struct sigaction action = {.sa_handler = ignore_signal};
	timer_t timer;
	struct itimerspec when = {.it_value = {.tv_nsec = 5000000},
				  .it_interval = {.tv_nsec = 5000000}};

	rig_init(&rig);
	rig_open_pair(&rig, _i, AF_INET);
	ck_assert_int_eq(sigaction(SIGALRM, &action, NULL), 0);
	ck_assert_int_eq(timer_create(CLOCK_MONOTONIC, NULL, &timer), 0);
	ck_assert_int_eq(timer_settime(timer, 0, &when, NULL), 0);
	for (int i = 0; i < 5; i++) {
		rig_turn(&rig, RING_WAIT_FOREVER);
	}
	timer_delete(timer);
	rig_close_pair(&rig);
}
END_TEST

START_TEST(both_engines_can_be_used_here)
{
	struct err err = {""};

	ck_assert_msg(ring_probe(RING_ENGINE_URING, &err) == 0, "%s", err.text);
	ck_assert_msg(ring_probe(RING_ENGINE_MMSG, &err) == 0, "%s", err.text);
	ck_assert_msg(ring_probe(RING_ENGINE_AUTO, &err) == 0, "%s", err.text);
	ck_assert_str_eq(ring_engine_name(RING_ENGINE_URING), "uring");
	ck_assert_str_eq(ring_engine_name(RING_ENGINE_MMSG), "mmsg");
	ck_assert_str_eq(ring_engine_name(RING_ENGINE_AUTO), "auto");
}
END_TEST

START_TEST(every_row_of_the_table_is_whole)
{
	rig_init(&rig);
	ck_assert_ptr_null(ring_engine_names[RING_ENGINE_COUNT]);
	for (int e = RING_ENGINE_AUTO + 1; e < RING_ENGINE_COUNT; e++) {
		const struct ring_engine_desc *engine = &ring_engines[e];

		ck_assert_ptr_nonnull(ring_engine_names[e]);
		ck_assert_ptr_nonnull(strstr(RING_ENGINE_HELP, ring_engine_names[e]));
		ck_assert_ptr_nonnull(engine->facility);
		ck_assert(engine->probe != NULL && engine->cut != NULL);
		ck_assert_uint_gt(ring_arena_bytes(e, &rig.params), 0);
	}
}
END_TEST

START_TEST(auto_can_what_any_can_and_needs_what_the_largest_needs)
{
	size_t locked_bytes = 0;
	unsigned abilities = 0;

	rig_init(&rig);
	for (int e = RING_ENGINE_AUTO + 1; e < RING_ENGINE_COUNT; e++) {
		size_t locked = ring_locked_bytes(e, &rig.params, 3);

		ck_assert(ring_can(e, ring_engines[e].abilities));
		ck_assert_int_eq(ring_preferred(e), e);
		abilities |= ring_engines[e].abilities;
		locked_bytes = locked > locked_bytes ? locked : locked_bytes;
	}
	for (unsigned ability = 1; ability != 0; ability *= 2) {
		ck_assert_int_eq(ring_can(RING_ENGINE_AUTO, ability), (abilities & ability) != 0);
	}
	ck_assert_int_eq(ring_preferred(RING_ENGINE_AUTO), RING_ENGINE_AUTO + 1);
	ck_assert_uint_eq(ring_locked_bytes(RING_ENGINE_AUTO, &rig.params, 3), locked_bytes);
	ck_assert_uint_eq(ring_locked_bytes(RING_ENGINE_MMSG, &rig.params, 3), 0);
	ck_assert_uint_gt(locked_bytes, ring_locked_bytes(RING_ENGINE_URING, &rig.params, 2));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("ring");
	SRunner *runner = srunner_create(suite);
	TCase *tc = tcase_create("wait");
	const int n = rig_variant_count;
	int failed;

	tcase_add_loop_test(tc, a_turn_does_not_sleep_while_events_wait, 0, n);
	tcase_add_loop_test(tc, an_idle_turn_ends_after_its_wait, 0, n);
	tcase_add_loop_test(tc, an_eventfd_wakes_every_time, 0, n);
	tcase_add_loop_test(tc, file_numbers_are_bounded_and_used_again, 0, n);
	tcase_add_loop_test(tc, a_removed_socket_is_released_at_once, 0, n);
	tcase_add_loop_test(tc, closing_with_a_receive_armed_releases_its_socket, 0, n);
	tcase_add_loop_test(tc, a_signal_ends_the_wait_without_an_error, 0, n);
	tcase_add_test(tc, both_engines_can_be_used_here);
	tcase_add_test(tc, every_row_of_the_table_is_whole);
	tcase_add_test(tc, auto_can_what_any_can_and_needs_what_the_largest_needs);
	suite_add_tcase(suite, tc);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
