/* check_spread_kept.c - of a divided flow whose sockets outlive the process all are kept or none,
 * and what they have lost is told once, by this process or the next.
 *
 * Three shards with a share each, in counters that the test sets. The linker sends here what asks
 * the sockets and what is noted on them.
 */
#include "src/run/spread.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "src/run/spread_set.h"
#include "tests/unit/run/spread_rig.h"
#include "tests/unit/run/supervisor_rig.h"

#define BYTES 512 /* that the kernel counts for a piece at least */

void __wrap_sock_note_share(int fd, uint64_t refused, uint64_t received);
bool __wrap_sock_noted_share(int fd, uint64_t *refused, uint64_t *received);
void __wrap_sock_forget_share(int fd);
int __wrap_sock_share_take(int fd, const struct rule_ingress *in, const struct share *share,
			   struct err *why);
uint32_t __wrap_sock_kernel_drops(int fd);
uint32_t __wrap_sock_queued_bytes(int fd);

static struct err err;

static struct {
	dev_t dev; /* of the pipe that stands for it: copies are known by this */
	ino_t ino;
	uint32_t queued_bytes, kernel_drops;
	uint64_t refused, received; /* noted */
	bool noted;
	int take; /* 0, or what taking it over fails with */
} sockets[SHARES];

/* Whose socket it is, or a copy of it. */
static uint32_t share_of(int fd)
{
	struct stat at;

	ck_assert_int_eq(fstat(fd, &at), 0);
	for (uint32_t i = 0; i < SHARES; i++) {
		if (sockets[i].dev == at.st_dev && sockets[i].ino == at.st_ino) {
			return i;
		}
	}
	ck_abort_msg("nobody's socket");
	return SHARES;
}

void __wrap_sock_note_share(int fd, uint64_t refused, uint64_t received)
{
	sockets[share_of(fd)].refused = refused;
	sockets[share_of(fd)].received = received;
	sockets[share_of(fd)].noted = true;
}

bool __wrap_sock_noted_share(int fd, uint64_t *refused, uint64_t *received)
{
	if (!sockets[share_of(fd)].noted) {
		return false;
	}
	*refused = sockets[share_of(fd)].refused;
	*received = sockets[share_of(fd)].received;
	return true;
}

void __wrap_sock_forget_share(int fd)
{
	sockets[share_of(fd)].noted = false;
}

int __wrap_sock_share_take(int fd, const struct rule_ingress *in, const struct share *share,
			   struct err *why)
{
	(void)in;
	ck_assert_uint_eq(share->index, share_of(fd));
	if (sockets[share_of(fd)].take < 0) {
		err_set(why, "share %u", share_of(fd));
	}
	return sockets[share_of(fd)].take;
}

uint32_t __wrap_sock_kernel_drops(int fd)
{
	return sockets[share_of(fd)].kernel_drops;
}

uint32_t __wrap_sock_queued_bytes(int fd)
{
	return sockets[share_of(fd)].queued_bytes;
}

static struct flow_place *place_of(uint32_t share)
{
	return &places[share][0];
}

/* Shares that a filter takes, unless `at' is a host's. A pipe stands for each socket. */
static void open_all(const char *at)
{
	spread_rig_open(at);
	for (uint32_t i = 0; i < SHARES; i++) {
		struct stat stat;
		int ends[2];

		ck_assert_int_eq(pipe2(ends, O_CLOEXEC), 0);
		close(ends[1]);
		ck_assert_int_eq(fstat(ends[0], &stat), 0);
		sockets[i].dev = stat.st_dev;
		sockets[i].ino = stat.st_ino;
		place_of(i)->flow.fd = ends[0];
		place_of(i)->stored = true;
	}
}

/* A share has received `pieces' and refused, or lost, `others'. */
static void count(uint32_t share, uint64_t pieces, uint64_t others)
{
	stat_set(&place_of(share)->stats.pieces, pieces);
	stat_set(&place_of(share)->stats.not_mine, others);
}

static void expect_noted(uint32_t share, uint64_t refused, uint64_t received)
{
	ck_assert(sockets[share].noted);
	ck_assert_uint_eq(sockets[share].refused, refused);
	ck_assert_uint_eq(sockets[share].received, received);
}

/* The shards have closed theirs: from here on there are copies alone. */
static void end(void)
{
	ck_assert_uint_eq(spread_hand_over(&sup), 0);
	for (uint32_t i = 0; i < SHARES; i++) {
		close(place_of(i)->flow.fd);
	}
}

START_TEST(what_is_kept_is_noted_on_each_socket)
{
	open_all("239.1.1.1");
	count(0, 50, 50);
	count(1, 30, 70);
	count(2, 20, 80);
	end();
	spread_note(&sup);
	ck_assert_ptr_null(sup.spread.kept);
	expect_noted(0, 50, 50);
	expect_noted(1, 70, 30);
	expect_noted(2, 80, 20);
	ck_assert_uint_eq(place_of(2)->book.sure, 0);
}
END_TEST

START_TEST(what_was_lost_is_told_and_the_next_process_does_not_tell_it_again)
{
	open_all("239.1.1.1");
	count(0, 40, 60);
	count(1, 25, 75);
	count(2, 20, 80);
	end();
	spread_note(&sup);
	ck_assert_uint_eq(place_of(2)->book.sure, 15);
	expect_noted(0, 60, 40 + 15);
	expect_noted(1, 75, 25);
	expect_noted(2, 80, 20);
}
END_TEST

START_TEST(what_may_be_queued_is_not_sure_to_be_lost)
{
	open_all("239.1.1.1");
	count(0, 40, 60);
	count(1, 25, 75);
	count(2, 20, 80);
	sockets[0].queued_bytes = 10 * BYTES + BYTES - 1;
	sockets[2].queued_bytes = 100 * BYTES; /* it has not seen these itself */
	end();
	spread_note(&sup);
	ck_assert_uint_eq(place_of(2)->book.sure, 5);
	expect_noted(0, 60, 45);
}
END_TEST

START_TEST(no_less_than_nothing_was_lost)
{
	open_all("239.1.1.1");
	count(0, 40, 60);
	count(1, 25, 75);
	count(2, 20, 80);
	sockets[1].queued_bytes = 16 * BYTES;
	end();
	spread_note(&sup);
	ck_assert_uint_eq(place_of(2)->book.sure, 0);
	expect_noted(0, 60, 40);
}
END_TEST

/* By sockets that it had before, of which the account is closed. */
START_TEST(account_of_before_is_not_noted)
{
	open_all("239.1.1.1");
	for (uint32_t i = 0; i < SHARES; i++) {
		count(i, 1000 + 10, 2000 + 20);
		place_of(i)->book.pieces = 1000;
		place_of(i)->book.not_mine = 2000;
	}
	end();
	spread_note(&sup);
	expect_noted(0, 20, 10);
	expect_noted(2, 20, 10);
}
END_TEST

START_TEST(flow_of_which_a_socket_is_missing_is_not_kept)
{
	open_all("239.1.1.1");
	place_of(1)->stored = false;
	ck_assert_uint_eq(spread_hand_over(&sup), 2);
	ck_assert(!place_of(0)->stored);
	ck_assert(!place_of(2)->stored);
	ck_assert_ptr_null(sup.spread.kept);
}
END_TEST

START_TEST(flow_of_which_a_share_has_left_is_not_kept)
{
	open_all("239.1.1.1");
	place_of(2)->flow.rule = NULL;
	ck_assert_uint_eq(spread_hand_over(&sup), 2);
	ck_assert(!place_of(0)->stored);
	ck_assert_ptr_null(sup.spread.kept);
}
END_TEST

/* What is queued in one that nobody can look at would look lost. */
START_TEST(account_is_left_whole_or_not_at_all)
{
	struct rlimit limit, few;
	int next;

	open_all("239.1.1.1");
	next = fcntl(place_of(0)->flow.fd, F_DUPFD_CLOEXEC, 0);
	close(next);
	ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
	few = (struct rlimit){.rlim_cur = (rlim_t)next + 1, .rlim_max = limit.rlim_max};
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &few), 0); /* one copy more */
	ck_assert_uint_eq(spread_hand_over(&sup), 0);
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
	ck_assert_ptr_null(sup.spread.kept);
	ck_assert_int_eq(fcntl(next, F_GETFD), -1); /* it was given back */
	spread_note(&sup);
	ck_assert(!sockets[0].noted);
}
END_TEST

START_TEST(nothing_is_noted_of_sockets_that_lose_each_its_own)
{
	open_all("10.0.0.1");
	count(0, 40, 60);
	end();
	spread_note(&sup);
	for (uint32_t i = 0; i < SHARES; i++) {
		ck_assert(!sockets[i].noted);
	}
}
END_TEST

START_TEST(nothing_is_noted_of_shards_that_have_not_ended)
{
	int copy;

	open_all("239.1.1.1");
	sup.stuck = true;
	end();
	copy = sup.spread.kept->fds[1];
	ck_assert_int_ne(fcntl(copy, F_GETFD) & FD_CLOEXEC, 0);
	spread_note(&sup);
	ck_assert(!sockets[0].noted);
	ck_assert_int_eq(fcntl(copy, F_GETFD), -1);
}
END_TEST

/* In the words of the next process, which counts from zero. */
START_TEST(next_process_goes_on_where_this_one_has_left_off)
{
	open_all("239.1.1.1");
	for (uint32_t i = 0; i < SHARES; i++) {
		__wrap_sock_note_share(place_of(i)->flow.fd, 60 + i, 40 + i);
	}
	ck_assert_int_eq(spread_take_over(&sup, 0, &err), 0);
	for (uint32_t i = 0; i < SHARES; i++) {
		ck_assert_uint_eq(-place_of(i)->book.not_mine, 60 + i);
		ck_assert_uint_eq(-place_of(i)->book.pieces, 40 + i);
		ck_assert(!sockets[i].noted); /* it holds once */
		ck_assert_uint_eq(place_of(i)->flow.drops_seen, 0);
	}
}
END_TEST

/* Nobody knows what they had received: as if nothing had been lost. */
START_TEST(sockets_that_were_not_left_in_order_begin_anew)
{
	open_all("239.1.1.1");
	for (uint32_t i = 0; i < SHARES; i++) {
		sockets[i].kernel_drops = 100 * (i + 1);
		if (i != 1) {
			__wrap_sock_note_share(place_of(i)->flow.fd, 7, 7);
		}
	}
	ck_assert_int_eq(spread_take_over(&sup, 0, &err), 0);
	for (uint32_t i = 0; i < SHARES; i++) {
		ck_assert_uint_eq(place_of(i)->flow.drops_seen, 100 * (i + 1));
		ck_assert_uint_eq(-place_of(i)->book.not_mine, 100 * (i + 1));
	}
	ck_assert_uint_eq(-place_of(0)->book.pieces, 300); /* T of the last one */
	ck_assert_uint_eq(place_of(1)->book.pieces, 0);
	ck_assert_uint_eq(place_of(2)->book.pieces, 0);
}
END_TEST

START_TEST(sockets_that_lose_each_its_own_have_no_account)
{
	open_all("10.0.0.1");
	sockets[0].kernel_drops = 100;
	ck_assert_int_eq(spread_take_over(&sup, 0, &err), 0);
	ck_assert_uint_eq(place_of(0)->flow.drops_seen, 0);
}
END_TEST

START_TEST(socket_that_is_no_such_share_is_said)
{
	open_all("239.1.1.1");
	sockets[0].kernel_drops = 100;
	sockets[1].take = -EINVAL;
	ck_assert_int_eq(spread_take_over(&sup, 0, &err), -EINVAL);
	ck_assert_str_eq(err.text, "share 1");
	ck_assert_uint_eq(place_of(0)->flow.drops_seen, 0);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		what_is_kept_is_noted_on_each_socket,
		what_was_lost_is_told_and_the_next_process_does_not_tell_it_again,
		what_may_be_queued_is_not_sure_to_be_lost,
		no_less_than_nothing_was_lost,
		account_of_before_is_not_noted,
		flow_of_which_a_socket_is_missing_is_not_kept,
		flow_of_which_a_share_has_left_is_not_kept,
		account_is_left_whole_or_not_at_all,
		nothing_is_noted_of_sockets_that_lose_each_its_own,
		nothing_is_noted_of_shards_that_have_not_ended,
		next_process_goes_on_where_this_one_has_left_off,
		sockets_that_were_not_left_in_order_begin_anew,
		sockets_that_lose_each_its_own_have_no_account,
		socket_that_is_no_such_share_is_said,
	};
	Suite *suite = suite_create("spread_kept");
	TCase *tcase = tcase_create("spread_kept");
	SRunner *runner;
	int failed;

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
