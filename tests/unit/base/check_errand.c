/* check_errand.c - however a child that runs an errand ends, its parent says how, and nothing of it
 * is left.
 */
#include "src/base/errand.h"

#include <check.h>
#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#define MUCH 300000 /* bytes: more than a pipe holds */

static char first[] = "first";
static struct errand_answer answer;
static struct err how;

static bool say_much(void *context, int fd)
{
	unsigned char *bytes = malloc(MUCH);

	for (int i = 0; i < MUCH; i++) {
		bytes[i] = (unsigned char)(i * 7);
	}
	return errand_tell(fd, context, strlen(context)) && errand_tell(fd, bytes, MUCH);
}

static bool end_by_signal(void *context, int fd)
{
	struct rlimit core;

	(void)context;
	ck_assert_int_eq(getrlimit(RLIMIT_CORE, &core), 0);
	(void)errand_tell(fd, &core.rlim_max, sizeof(core.rlim_max));
	(void)signal(SIGSEGV, SIG_DFL);
	(void)raise(SIGSEGV);
	return true;
}

static bool leave(void *context, int fd)
{
	(void)context;
	(void)fd;
	_exit(3);
}

static bool give_up(void *context, int fd)
{
	(void)context;
	(void)fd;
	return false;
}

static bool wait_for_ever(void *context, int fd)
{
	(void)context;
	(void)fd;
	while (pause() < 0) {
		/* a signal */
	}
	return true;
}

static bool go_round(void *context, int fd)
{
	volatile const int *end = context;

	(void)fd;
	while (*end == 0) {
		/* again */
	}
	return true;
}

static int count_open(void)
{
	DIR *dir = opendir("/proc/self/fd");
	int count = 0;

	ck_assert_ptr_nonnull(dir);
	while (readdir(dir)) {
		count++;
	}
	closedir(dir);
	return count;
}

static int run(bool (*child)(void *context, int fd), void *context, uint32_t patience_ms,
	       uint32_t cpu_s)
{
	struct errand errand = {.run = child,
				.context = context,
				.answer_max = 2UL * MUCH,
				.patience_ms = patience_ms,
				.cpu_s = cpu_s};
	int before = count_open(), rc;

	errand_answer_free(&answer);
	how.text[0] = '\0';
	rc = errand_run(&errand, &answer, &how);
	ck_assert_int_eq(count_open(), before);
	ck_assert_int_eq(waitpid(-1, NULL, WNOHANG), -1); /* no child, nor what is left of one */
	ck_assert_int_eq(errno, ECHILD);
	return rc;
}

START_TEST(answer_comes_whole)
{
	ck_assert_int_eq(run(say_much, first, 60000, 0), 0);
	ck_assert_uint_eq(answer.len, 5 + MUCH);
	ck_assert_mem_eq(answer.bytes, "first", 5);
	for (int i = 0; i < MUCH; i++) {
		ck_assert_uint_eq((unsigned char)answer.bytes[5 + i], (unsigned char)(i * 7));
	}
	errand_answer_free(&answer);
	ck_assert_ptr_null(answer.bytes);
}
END_TEST

START_TEST(child_that_dies_leaves_no_core)
{
	rlim_t core = 1;

	ck_assert_int_eq(run(end_by_signal, NULL, 60000, 0), -EIO);
	ck_assert_str_eq(how.text, "it died by signal 11, Segmentation fault");
	ck_assert(answer.begun);
	ck_assert_uint_eq(answer.len, sizeof(core));
	memcpy(&core, answer.bytes, sizeof(core));
	ck_assert_uint_eq(core, 0);
	errand_answer_free(&answer);
}
END_TEST

START_TEST(child_that_leaves_or_fails_is_told_by_its_status)
{
	ck_assert_int_eq(run(leave, NULL, 60000, 0), -EIO);
	ck_assert_str_eq(how.text, "it ended with status 3");
	ck_assert_int_eq(run(give_up, NULL, 60000, 0), -EIO);
	ck_assert_str_eq(how.text, "it ended with status 1");
	errand_answer_free(&answer);
}
END_TEST

START_TEST(child_that_waits_for_ever_is_ended)
{
	ck_assert_int_eq(run(wait_for_ever, NULL, 100, 0), -EIO);
	ck_assert_str_eq(how.text, "it was not done after 0 s");
	errand_answer_free(&answer);
}
END_TEST

START_TEST(child_that_goes_round_in_a_circle_is_ended)
{
	int never = 0;

	ck_assert_int_eq(run(go_round, &never, 60000, 1), -EIO);
	ck_assert_msg(strncmp(how.text, "it died by signal ", 18) == 0, "%s", how.text);
	errand_answer_free(&answer);
}
END_TEST

START_TEST(answer_that_is_too_long_is_not_kept)
{
	struct errand errand = {
		.run = say_much, .context = first, .answer_max = 1000, .patience_ms = 60000};

	ck_assert_int_eq(errand_run(&errand, &answer, &how), -EMSGSIZE);
	ck_assert_ptr_nonnull(strstr(how.text, "its answer cannot be read: "));
	errand_answer_free(&answer);
}
END_TEST

START_TEST(without_a_pipe_there_is_no_child)
{
	struct rlimit limit, few;

	ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
	few = limit;
	few.rlim_cur = 4;
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &few), 0);
	while (dup(STDERR_FILENO) >= 0) {
		/* until none is free */
	}
	ck_assert_int_eq(
		errand_run(&(struct errand){.run = give_up, .patience_ms = 1000}, &answer, &how),
		-EMFILE);
	ck_assert(!answer.begun);
	ck_assert_str_eq(how.text, "no pipe: Too many open files");
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0); /* a sanitizer's end opens files */
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("errand");
	SRunner *runner = srunner_create(suite);
	TCase *tc = tcase_create("child");
	int failed;

	tcase_set_timeout(tc, 600);
	tcase_add_test(tc, answer_comes_whole);
	tcase_add_test(tc, child_that_dies_leaves_no_core);
	tcase_add_test(tc, child_that_leaves_or_fails_is_told_by_its_status);
	tcase_add_test(tc, child_that_waits_for_ever_is_ended);
	tcase_add_test(tc, child_that_goes_round_in_a_circle_is_ended);
	tcase_add_test(tc, answer_that_is_too_long_is_not_kept);
	tcase_add_test(tc, without_a_pipe_there_is_no_child);
	suite_add_tcase(suite, tc);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
