/* check_signals.c - signals are read, none interrupts, none is lost for want of a reader. */
#include "src/run/signals.h"

#include <check.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

START_TEST(each_signal_is_read_once)
{
	static const int signals[] = {SIGTERM, SIGINT, SIGHUP};
	int fd = signals_open();

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(signals_next(fd), 0);
	for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++) {
		struct pollfd pollfd = {.fd = fd, .events = POLLIN};

		ck_assert_int_eq(kill(getpid(), signals[i]), 0);
		ck_assert_int_eq(poll(&pollfd, 1, 0), 1);
		ck_assert_int_eq(signals_next(fd), signals[i]);
		ck_assert_int_eq(signals_next(fd), 0);
	}
	close(fd);
}
END_TEST

START_TEST(two_different_signals_at_once_are_two)
{
	int fd = signals_open();
	int first, second;

	ck_assert_int_eq(kill(getpid(), SIGTERM), 0);
	ck_assert_int_eq(kill(getpid(), SIGINT), 0);
	first = signals_next(fd);
	second = signals_next(fd);
	ck_assert_int_ne(first, second);
	ck_assert_int_eq(first + second, SIGTERM + SIGINT);
	close(fd);
}
END_TEST

START_TEST(reader_that_went_away_does_not_end_the_process)
{
	int fd = signals_open();
	int ends[2];

	ck_assert_int_eq(pipe(ends), 0);
	close(ends[0]);
	ck_assert_int_eq(write(ends[1], "x", 1), -1);
	ck_assert_int_eq(signals_next(fd), 0);
	close(ends[1]);
	close(fd);
}
END_TEST

START_TEST(signals_that_mean_nothing_end_nothing)
{
	struct rlimit none = {.rlim_cur = 0, .rlim_max = 0};
	int file = memfd_create("limited", 0);
	int fd = signals_open();

	ck_assert_int_eq(kill(getpid(), SIGUSR1), 0);
	ck_assert_int_eq(kill(getpid(), SIGUSR2), 0);
	ck_assert_int_eq(signals_next(fd), 0);
	ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &none), 0);
	ck_assert_int_eq(write(file, "x", 1), -1);
	ck_assert_int_eq(errno, EFBIG);
	close(file);
	close(fd);
}
END_TEST

START_TEST(released_signals_end_the_process_and_earlier_ones_do_not)
{
	int fd = signals_open();
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		signal(SIGINT, SIG_DFL); /* libcheck has handlers */
		signal(SIGTERM, SIG_DFL);
		kill(getpid(), SIGTERM);
		signals_release(fd);
		kill(getpid(), SIGINT);
		_exit(0);
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert(WIFSIGNALED(status));
	ck_assert_int_eq(WTERMSIG(status), SIGINT);
	close(fd);
}
END_TEST

START_TEST(signals_have_names)
{
	ck_assert_str_eq(signals_name(SIGTERM), "SIGTERM");
	ck_assert_str_eq(signals_name(SIGINT), "SIGINT");
	ck_assert_str_eq(signals_name(SIGHUP), "SIGHUP");
}
END_TEST

static Suite *signals_suite(void)
{
	Suite *suite = suite_create("signals");
	TCase *tcase = tcase_create("signals");

	tcase_add_test(tcase, each_signal_is_read_once);
	tcase_add_test(tcase, two_different_signals_at_once_are_two);
	tcase_add_test(tcase, reader_that_went_away_does_not_end_the_process);
	tcase_add_test(tcase, signals_that_mean_nothing_end_nothing);
	tcase_add_test(tcase, released_signals_end_the_process_and_earlier_ones_do_not);
	tcase_add_test(tcase, signals_have_names);
	suite_add_tcase(suite, tcase);
	return suite;
}

int main(void)
{
	SRunner *runner = srunner_create(signals_suite());
	int failed;

	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? 0 : 1;
}
