/* check_sink.c - nobody waits for whoever reads the log, and no line goes missing unsaid.
 *
 * Standard error is a pipe that is full, a file or a full device inside each test (libcheck forks).
 * A test that waits where nobody should ends by libcheck's time limit.
 */
#include "src/base/sink.h"

#include <check.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "src/base/log.h"
#include "src/base/must.h"

#define MANY 20000

static int saved_stderr;

static void stderr_becomes(int fd)
{
	if (saved_stderr == 0) {
		saved_stderr = dup(STDERR_FILENO);
	}
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(dup2(fd, STDERR_FILENO), STDERR_FILENO);
	close(fd);
}

/* A blocking pipe with no room left, in the place of standard error; returns its other end. */
static int stderr_becomes_stuck(void)
{
	char byte = '\n';
	int ends[2];

	ck_assert_int_eq(pipe(ends), 0);
	ck_assert_int_ge(fcntl(ends[1], F_SETPIPE_SZ, 4096), 4096);
	ck_assert_int_eq(fcntl(ends[1], F_SETFL, O_NONBLOCK), 0);
	while (write(ends[1], &byte, 1) == 1) {
	}
	ck_assert_int_eq(fcntl(ends[1], F_SETFL, 0), 0);
	stderr_becomes(ends[1]);
	return ends[0];
}

/* Reads lines of numbers and of what is missing: in order, and MANY of both together. */
static void all_are_accounted_for(FILE *from)
{
	unsigned long next = 0, n, notes = 0;
	char line[SINK_LINE_MAX];

	while (next < MANY && fgets(line, sizeof(line), from)) {
		if (sscanf(line, "line %lu", &n) == 1) {
			ck_assert_uint_eq(n, next);
			next++;
		} else if (sscanf(line, "log: lines missing here: %lu", &n) == 1) {
			ck_assert_ptr_nonnull(strstr(line, ": nobody took them\n"));
			next += n;
			notes++;
		} else {
			ck_assert_str_eq(line, "\n");
		}
	}
	ck_assert_uint_eq(next, MANY);
	ck_assert_uint_gt(notes, 0);
}

START_TEST(nobody_waits_for_a_reader_that_does_not_read)
{
	FILE *reader = fdopen(stderr_becomes_stuck(), "r");

	log_init(LOG_LEVEL_INFO, false);
	ck_assert_int_eq(sink_start(), 0);
	for (unsigned i = 0; i < MANY; i++) {
		log_info("line %u, which is long enough to fill the queue soon enough", i);
	}
	all_are_accounted_for(reader);
	stderr_becomes(saved_stderr);
	sink_end();
	fclose(reader);
}
END_TEST

START_TEST(end_is_not_waited_for_when_nobody_reads)
{
	int reader = stderr_becomes_stuck();

	ck_assert_int_eq(sink_start(), 0);
	log_info("stuck");
	sink_end();
	log_info("lost, and not waited for either");
	stderr_becomes(saved_stderr);
	close(reader);
}
END_TEST

START_TEST(end_writes_what_was_queued_in_order)
{
	char line[SINK_LINE_MAX], wanted[64];
	int fd = memfd_create("log", 0);
	FILE *file = fdopen(dup(fd), "r");

	log_init(LOG_LEVEL_INFO, false);
	stderr_becomes(fd);
	ck_assert_int_eq(sink_start(), 0);
	for (int i = 0; i < 1000; i++) {
		log_info("%d", i);
	}
	sink_end();
	log_info("1000"); /* without the thread again */
	stderr_becomes(saved_stderr);
	rewind(file);
	for (int i = 0; i <= 1000; i++) {
		snprintf(wanted, sizeof(wanted), "%d\n", i);
		ck_assert_ptr_nonnull(fgets(line, sizeof(line), file));
		ck_assert_str_eq(line, wanted);
	}
	ck_assert_ptr_null(fgets(line, sizeof(line), file));
	fclose(file);
}
END_TEST

START_TEST(lines_of_any_length_cross_the_end_of_the_queue)
{
	static char text[SINK_LINE_MAX];
	char line[SINK_LINE_MAX + 1];
	int fd = memfd_create("log", 0);
	FILE *file = fdopen(dup(fd), "r");
	int n = 0;

	stderr_becomes(fd);
	ck_assert_int_eq(sink_start(), 0);
	for (int i = 0; i < 3000; i++) {
		int len = i % (SINK_LINE_MAX - 1);

		memset(text, 'a' + i % 26, (size_t)len);
		text[len] = '\n';
		sink_put(text, (size_t)len + 1);
		if (i % 20 == 0) {
			usleep(100); /* mostly there is room */
		}
	}
	sink_end();
	stderr_becomes(saved_stderr);
	rewind(file);
	while (fgets(line, sizeof(line), file)) {
		int missing;

		if (sscanf(line, "log: lines missing here: %d", &missing) == 1) {
			n += missing;
			continue;
		}
		ck_assert_uint_eq(strlen(line), (size_t)(n % (SINK_LINE_MAX - 1)) + 1);
		ck_assert(line[0] == '\n' || line[0] == 'a' + n % 26);
		n++;
	}
	ck_assert_int_eq(n, 3000);
	fclose(file);
}
END_TEST

static const char *logged_to(int fd)
{
	static char text[4096];
	ssize_t n = pread(fd, text, sizeof(text) - 1, 0);

	ck_assert_int_ge(n, 0);
	text[n] = '\0';
	return text;
}

START_TEST(lines_that_cannot_be_written_are_said_with_the_cause)
{
	int fd = memfd_create("log", 0);

	ck_assert_int_ge(fd, 0);
	stderr_becomes(open("/dev/full", O_WRONLY));
	log_init(LOG_LEVEL_INFO, true);
	log_info("one");
	log_info("two");
	log_info("three");
	stderr_becomes(dup(fd));
	log_info("four");
	log_info("five");
	stderr_becomes(saved_stderr);
	ck_assert_str_eq(logged_to(fd), "<4>log: lines missing here: 3: No space left on device\n"
					"<6>four\n<6>five\n");
	close(fd);
}
END_TEST

START_TEST(reader_that_has_gone_is_survived_by_the_thread)
{
	int reader = stderr_becomes_stuck();

	ck_assert_ptr_ne(signal(SIGPIPE, SIG_IGN), SIG_ERR);
	close(reader);
	ck_assert_int_eq(sink_start(), 0);
	log_info("one");
	log_info("two");
	sink_end();
	stderr_becomes(saved_stderr);
}
END_TEST

START_TEST(must_aborts_even_if_nobody_reads)
{
	int reader = stderr_becomes_stuck();
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		signal(SIGABRT, SIG_DFL);
		must(getpid() == 0);
		_exit(0);
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	stderr_becomes(saved_stderr);
	ck_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
	close(reader);
}
END_TEST

static Suite *sink_suite(void)
{
	Suite *suite = suite_create("sink");
	TCase *tc = tcase_create("sink");

	tcase_add_test(tc, nobody_waits_for_a_reader_that_does_not_read);
	tcase_add_test(tc, end_is_not_waited_for_when_nobody_reads);
	tcase_add_test(tc, end_writes_what_was_queued_in_order);
	tcase_add_test(tc, lines_of_any_length_cross_the_end_of_the_queue);
	tcase_add_test(tc, lines_that_cannot_be_written_are_said_with_the_cause);
	tcase_add_test(tc, reader_that_has_gone_is_survived_by_the_thread);
	tcase_add_test(tc, must_aborts_even_if_nobody_reads);
	suite_add_tcase(suite, tc);
	return suite;
}

int main(void)
{
	SRunner *runner = srunner_create(sink_suite());
	int failed;

	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
