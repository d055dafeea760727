/* check_log.c - a log line is one line in one piece; error texts end; must() ends the process.
 *
 * Standard error is turned into a pipe inside each test (libcheck forks), so what was written can
 * be read back byte for byte.
 */
#include "src/base/log.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "src/base/must.h"

static char written[65536];

/* Puts a pipe in the place of standard error; read_back then restores it. */
static int saved_stderr;
static int read_end;

static void capture(void)
{
	int ends[2];

	ck_assert_int_eq(pipe2(ends, O_NONBLOCK), 0);
	saved_stderr = dup(STDERR_FILENO);
	ck_assert_int_ge(saved_stderr, 0);
	ck_assert_int_eq(dup2(ends[1], STDERR_FILENO), STDERR_FILENO);
	close(ends[1]);
	read_end = ends[0];
}

static const char *read_back(void)
{
	size_t used = 0;
	ssize_t got;

	ck_assert_int_eq(dup2(saved_stderr, STDERR_FILENO), STDERR_FILENO);
	while ((got = read(read_end, written + used, sizeof(written) - 1 - used)) > 0) {
		used += (size_t)got;
	}
	written[used] = '\0';
	return written;
}

START_TEST(lines_carry_no_prefix_on_a_terminal)
{
	capture();
	log_init(LOG_LEVEL_INFO, false);
	log_error("%s: cannot join %s: %s", "eth0", "239.1.1.1", strerror(ENODEV));
	ck_assert_str_eq(read_back(), "eth0: cannot join 239.1.1.1: No such device\n");
}
END_TEST

START_TEST(level_changes_what_is_written_from_there_on)
{
	capture();
	log_init(LOG_LEVEL_WARN, false);
	log_info("before");
	log_set_level(LOG_LEVEL_INFO);
	log_info("after");
	log_debug("never");
	ck_assert_int_eq(log_level(), LOG_LEVEL_INFO);
	ck_assert_str_eq(log_level_names[log_level() - LOG_LEVEL_ERROR], "info");
	ck_assert_str_eq(log_level_names[LOG_LEVEL_DEBUG - LOG_LEVEL_ERROR], "debug");
	ck_assert_str_eq(read_back(), "after\n");
}
END_TEST

START_TEST(lines_carry_the_priority_for_the_journal)
{
	capture();
	log_init(LOG_LEVEL_DEBUG, true);
	log_error("a");
	log_warn("b");
	log_notice("c");
	log_info("d");
	log_debug("e");
	ck_assert_str_eq(read_back(), "<3>a\n<4>b\n<5>c\n<6>d\n<7>e\n");
}
END_TEST

START_TEST(lines_above_the_level_are_dropped)
{
	capture();
	log_init(LOG_LEVEL_WARN, false);
	log_error("kept");
	log_warn("kept too");
	log_notice("dropped");
	log_info("dropped");
	log_debug("dropped");
	ck_assert_str_eq(read_back(), "kept\nkept too\n");
}
END_TEST

START_TEST(a_message_cannot_break_its_line)
{
	capture();
	log_init(LOG_LEVEL_INFO, true);
	log_info("one\ntwo\r\x1b[31m\tthree\x7f \xc3\xa4");
	ck_assert_str_eq(read_back(), "<6>one?two??[31m three? \xc3\xa4\n");
}
END_TEST

START_TEST(a_message_too_long_ends_in_dots)
{
	static char text[8192];
	const char *line;
	size_t len;

	memset(text, 'x', sizeof(text) - 1);
	capture();
	log_init(LOG_LEVEL_INFO, false);
	log_info("%s", text);
	line = read_back();
	len = strlen(line);
	ck_assert_uint_eq(len, 4096);
	ck_assert_str_eq(line + len - 5, "x...\n");
}
END_TEST

START_TEST(logging_keeps_errno_and_knows_percent_m)
{
	capture();
	log_init(LOG_LEVEL_INFO, true);
	errno = ENOMEM;
	log_info("cause: %m");
	ck_assert_int_eq(errno, ENOMEM);
	log_debug("dropped");
	ck_assert_int_eq(errno, ENOMEM);
	ck_assert_str_eq(read_back(), "<6>cause: Cannot allocate memory\n");
}
END_TEST

START_TEST(a_reader_that_is_full_or_gone_stops_nobody)
{
	capture();
	log_init(LOG_LEVEL_INFO, false);
	for (int i = 0; i < 100000; i++) {
		log_info("%d", i);
	}
	ck_assert_int_eq(strncmp(read_back(), "0\n1\n2\n", 6), 0);
	ck_assert_ptr_ne(signal(SIGPIPE, SIG_IGN), SIG_ERR);
	close(saved_stderr);
	capture();
	close(read_end);
	log_info("nobody reads this");
	ck_assert_int_eq(dup2(saved_stderr, STDERR_FILENO), STDERR_FILENO);
}
END_TEST

START_TEST(err_set_fills_and_ends_every_text)
{
	struct err err;
	static char text[2000];

	memset(&err, 0xa5, sizeof(err));
	err_set(&err, "%s:%d: ttl is %d", "numacast.conf", 12, 0);
	ck_assert_str_eq(err.text, "numacast.conf:12: ttl is 0");
	memset(text, 'y', sizeof(err.text) - 1);
	err_set(&err, "%s", text); /* fits to the byte */
	ck_assert_str_eq(err.text, text);
	text[sizeof(err.text) - 1] = 'y';
	err_set(&err, "%s", text);
	ck_assert_uint_eq(strlen(err.text), sizeof(err.text) - 1);
	ck_assert_str_eq(err.text + sizeof(err.text) - 5, "y...");
	err_set(&err, "%s", "");
	ck_assert_str_eq(err.text, "");
}
END_TEST

START_TEST(err_set_can_put_words_around_its_own_text)
{
	struct err err;

	err_set(&err, "unknown key `%s'", "tll");
	err_set(&err, "%s:%d: %s; did you mean ttl?", "a.conf", 3, err.text);
	ck_assert_str_eq(err.text, "a.conf:3: unknown key `tll'; did you mean ttl?");
}
END_TEST

START_TEST(err_set_shows_control_characters_instead_of_passing_them)
{
	struct err err;
	static char text[600];

	err_set(&err, "%s", "one\ntwo\t\x1b[31m\x7f \xc2\x9b \xc3\xa4 \\x41");
	ck_assert_str_eq(err.text, "one\\x0atwo\\x09\\x1b[31m\\x7f \\xc2\\x9b \xc3\xa4 \\x41");
	err_set(&err, "again: %s", err.text); /* is not shown twice */
	ck_assert_str_eq(err.text, "again: one\\x0atwo\\x09\\x1b[31m\\x7f \\xc2\\x9b \xc3\xa4 "
				   "\\x41");
	memset(text, '\n', sizeof(text) - 1);
	for (size_t i = 0; i < 8; i++) { /* wherever the end falls */
		err_set(&err, "%s%s", &"1234567"[i], text);
		ck_assert_uint_lt(strlen(err.text), sizeof(err.text));
		ck_assert_ptr_nonnull(strstr(err.text, "\\x0a"));
		ck_assert_str_eq(err.text + strlen(err.text) - 3, "...");
	}
}
END_TEST

START_TEST(must_passes_what_holds_and_evaluates_it_once)
{
	int count = 0;

	must(++count == 1);
	ck_assert_int_eq(count, 1);
}
END_TEST

START_TEST(must_names_place_and_condition_and_aborts)
{
	char place[64];
	pid_t pid;
	int status;
	int line = 0;

	capture();
	pid = fork();
	ck_assert_int_ge(pid, 0);
	if (pid == 0) {
		signal(SIGABRT, SIG_DFL);
		must(getpid() == 0);
		_exit(0);
	}
	line = __LINE__ - 3;
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	read_back();
	ck_assert(WIFSIGNALED(status));
	ck_assert_int_eq(WTERMSIG(status), SIGABRT);
	snprintf(place, sizeof(place), "check_log.c:%d: ", line);
	ck_assert_ptr_ne(strstr(written, place), NULL);
	ck_assert_ptr_ne(strstr(written, "must hold: getpid() == 0\n"), NULL);
}
END_TEST

static Suite *log_suite(void)
{
	Suite *suite = suite_create("log");
	TCase *tc = tcase_create("log");

	tcase_add_test(tc, level_changes_what_is_written_from_there_on);
	tcase_add_test(tc, lines_carry_no_prefix_on_a_terminal);
	tcase_add_test(tc, lines_carry_the_priority_for_the_journal);
	tcase_add_test(tc, lines_above_the_level_are_dropped);
	tcase_add_test(tc, a_message_cannot_break_its_line);
	tcase_add_test(tc, a_message_too_long_ends_in_dots);
	tcase_add_test(tc, logging_keeps_errno_and_knows_percent_m);
	tcase_add_test(tc, a_reader_that_is_full_or_gone_stops_nobody);
	tcase_add_test(tc, err_set_fills_and_ends_every_text);
	tcase_add_test(tc, err_set_shows_control_characters_instead_of_passing_them);
	tcase_add_test(tc, err_set_can_put_words_around_its_own_text);
	tcase_add_test(tc, must_passes_what_holds_and_evaluates_it_once);
	tcase_add_test(tc, must_names_place_and_condition_and_aborts);
	suite_add_tcase(suite, tc);
	return suite;
}

int main(void)
{
	SRunner *runner = srunner_create(log_suite());
	int failed;

	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
