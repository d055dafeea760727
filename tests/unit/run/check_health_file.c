/* check_health_file.c - what the health file says, and what is said when it cannot be written. */
#include "src/run/health_file.h"

#include <check.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

static char dir[64];
static char path[96];
static struct health_file file;
static struct err err;

static void setup(void)
{
	snprintf(dir, sizeof(dir), "/tmp/check_health_file.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/health", dir);
}

static void teardown(void)
{
	(void)unlink(path);
	ck_assert_int_eq(rmdir(dir), 0); /* nothing else was left there */
}

static void expect(const char *text)
{
	char found[8] = {0};
	FILE *in = fopen(path, "r");

	ck_assert_ptr_nonnull(in);
	ck_assert_uint_eq(fread(found, 1, sizeof(found) - 1, in), strlen(text));
	ck_assert_str_eq(found, text);
	fclose(in);
}

START_TEST(it_says_1_from_before_the_start_and_at_the_end)
{
	ck_assert_int_eq(health_file_open(&file, path, &err), 0);
	expect("1\n");
	health_file_close(&file);
	expect("1\n");
	health_file_close(&file); /* or where there was none */
}
END_TEST

/* While no file grows beyond so many bytes. Check writes to a file, too, so nothing is asserted
 * meanwhile. */
static int open_within(rlim_t bytes)
{
	struct rlimit limit, few;
	int rc;

	(void)signal(SIGXFSZ, SIG_IGN);
	(void)getrlimit(RLIMIT_FSIZE, &limit);
	few = (struct rlimit){.rlim_cur = bytes, .rlim_max = limit.rlim_max};
	(void)setrlimit(RLIMIT_FSIZE, &few);
	rc = health_file_open(&file, path, &err);
	(void)setrlimit(RLIMIT_FSIZE, &limit);
	return rc;
}

/* A file system that is full takes nothing, or half of it; so does this limit. */
START_TEST(cause_of_a_file_that_cannot_be_written_is_told)
{
	static const int error[] = {EFBIG, ENOSPC};
	char words[160];

	ck_assert_int_eq(open_within((rlim_t)_i), -error[_i]);
	snprintf(words, sizeof(words), "--health-file %s: cannot write: %s; ", path,
		 strerror(error[_i]));
	ck_assert_ptr_nonnull(strstr(err.text, words));
	ck_assert_int_lt(access(path, F_OK), 0);
}
END_TEST

/* Where others may write, too: a pipe would have kept us waiting for its reader. */
START_TEST(what_somebody_has_put_beside_it_is_left_alone)
{
	char beside[112], other[112], found[8] = {0};
	FILE *victim;

	snprintf(beside, sizeof(beside), "%s.new", path);
	snprintf(other, sizeof(other), "%s/other", dir);
	victim = fopen(other, "w+");
	ck_assert_ptr_nonnull(victim);
	ck_assert_int_ge(fputs("mine\n", victim), 0);
	ck_assert_int_eq(fflush(victim), 0);
	ck_assert_int_eq(_i == 0   ? link(other, beside)
			 : _i == 1 ? symlink(other, beside)
				   : mkfifo(beside, 0600),
			 0);
	ck_assert_int_eq(health_file_open(&file, path, &err), 0);
	expect("1\n");
	rewind(victim);
	ck_assert_uint_eq(fread(found, 1, sizeof(found) - 1, victim), 5);
	ck_assert_str_eq(found, "mine\n");
	fclose(victim);
	ck_assert_int_eq(unlink(other), 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("health_file");
	TCase *tc = tcase_create("health_file");
	SRunner *runner = srunner_create(suite);
	int failed;

	suite_add_tcase(suite, tc);
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(tc, what_somebody_has_put_beside_it_is_left_alone, 0, 3);
	tcase_add_test(tc, it_says_1_from_before_the_start_and_at_the_end);
	tcase_add_loop_test(tc, cause_of_a_file_that_cannot_be_written_is_told, 0, 2);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
