/* check_report_file.c - where the exit report goes, and what happens to what is there already. */
#include "src/run/report_file.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/unit/run/supervisor_rig.h"

static struct sup_rig rig;
static char dir[64];
static char path[128];

static void setup(void)
{
	sup_rig_open(&rig);
	snprintf(dir, sizeof(dir), "/tmp/check_report_file.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/report.json", dir);
	rig.opt.exit_report = path;
}

static void teardown(void)
{
	(void)unlink(path);
	ck_assert_int_eq(rmdir(dir), 0); /* nothing else was left there */
	sup_rig_close(&rig);
}

static json_t *written(void)
{
	json_error_t error;
	json_t *report;

	ck_assert_int_eq(report_file_write(&rig.sup), 0);
	report = json_load_file(path, 0, &error);
	ck_assert_msg(report != NULL, "%s", error.text);
	return report;
}

static void put_text(const char *name, const char *text)
{
	FILE *file = fopen(name, "w");

	ck_assert_ptr_nonnull(file);
	fputs(text, file);
	fclose(file);
}

START_TEST(existing_report_is_replaced_whole)
{
	FILE *old = fopen(path, "w");

	ck_assert_ptr_nonnull(old);
	for (int i = 0; i < 100000; i++) {
		fputs("old ", old);
	}
	fclose(old);
	json_decref(written());
}
END_TEST

START_TEST(pipe_is_written_to_and_stays_a_pipe)
{
	static char text[65536];
	struct stat st;
	ssize_t n;
	int reader;

	ck_assert_int_eq(mkfifo(path, 0600), 0);
	reader = open(path, O_RDONLY | O_NONBLOCK);
	ck_assert_int_eq(report_file_check(path, &(struct err){0}), 0);
	ck_assert_int_eq(report_file_write(&rig.sup), 0);
	n = read(reader, text, sizeof(text) - 1);
	ck_assert_int_gt(n, 0);
	ck_assert_ptr_nonnull(strstr(text, "\"consistent\""));
	ck_assert_int_eq(stat(path, &st), 0);
	ck_assert(S_ISFIFO(st.st_mode));
	close(reader);
}
END_TEST

/* Of a file that the operator keeps under the name that was once used on the way. */
START_TEST(neighbours_of_the_report_are_left_alone)
{
	char beside[140], victim[140];
	struct stat st;

	snprintf(beside, sizeof(beside), "%s.new", path);
	snprintf(victim, sizeof(victim), "%s/victim", dir);
	put_text(victim, "precious");
	ck_assert_int_eq(symlink(victim, beside), 0);
	ck_assert_int_eq(report_file_check(path, &(struct err){0}), 0);
	json_decref(written());
	ck_assert_int_eq(lstat(beside, &st), 0);
	ck_assert(S_ISLNK(st.st_mode));
	ck_assert_int_eq(stat(victim, &st), 0);
	ck_assert_int_eq(st.st_size, 8);
	ck_assert_int_eq(unlink(beside), 0);
	ck_assert_int_eq(unlink(victim), 0);
}
END_TEST

START_TEST(link_in_the_place_of_the_report_is_replaced_and_not_followed)
{
	char victim[140];
	struct stat st;

	snprintf(victim, sizeof(victim), "%s/victim", dir);
	put_text(victim, "precious");
	ck_assert_int_eq(symlink(victim, path), 0);
	json_decref(written());
	ck_assert_int_eq(lstat(path, &st), 0);
	ck_assert(S_ISREG(st.st_mode));
	ck_assert_int_eq(stat(victim, &st), 0);
	ck_assert_int_eq(st.st_size, 8);
	ck_assert_int_eq(unlink(victim), 0);
}
END_TEST

START_TEST(report_has_the_mode_of_any_new_file)
{
	struct stat st;

	umask(027);
	json_decref(written());
	ck_assert_int_eq(stat(path, &st), 0);
	ck_assert_int_eq(st.st_mode & 07777, 0640);
}
END_TEST

START_TEST(report_in_the_working_directory_needs_no_slash)
{
	static char name[] = "report.json";

	ck_assert_int_eq(chdir(dir), 0);
	rig.opt.exit_report = name;
	ck_assert_int_eq(report_file_check("report.json", &(struct err){0}), 0);
	json_decref(written());
}
END_TEST

/* What the kernel said is what the operator reads, and the old report stays. */
START_TEST(cause_of_a_lost_report_is_kept)
{
	static char full[] = "/dev/full";
	struct rlimit few = {.rlim_cur = 100, .rlim_max = 100};
	struct stat st;

	logged_start();
	rig.opt.exit_report = full;
	ck_assert_int_eq(report_file_write(&rig.sup), -ENOSPC);
	ck_assert_ptr_nonnull(strstr(logged(), "No space left on device"));
	rig.opt.exit_report = path;
	put_text(path, "old");
	ck_assert_ptr_ne(signal(SIGXFSZ, SIG_IGN), SIG_ERR);
	ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &few), 0);
	ck_assert_int_eq(report_file_write(&rig.sup), -EFBIG);
	ck_assert_int_eq(stat(path, &st), 0);
	ck_assert_int_eq(st.st_size, 3);
}
END_TEST

/* NOLINTBEGIN(bugprone-signal-handler): these two are system calls and nothing else */
static void allow_more(int number)
{
	struct rlimit limit;

	(void)number;
	(void)getrlimit(RLIMIT_FSIZE, &limit);
	limit.rlim_cur = limit.rlim_max;
	(void)setrlimit(RLIMIT_FSIZE, &limit);
}
/* NOLINTEND(bugprone-signal-handler) */

/* Where a file first grows beyond so many bytes a write fails, and none behind it. Check writes to
 * a file, too, so nothing is asserted meanwhile. */
static int write_within(rlim_t bytes)
{
	struct rlimit limit, few;
	int rc;

	(void)getrlimit(RLIMIT_FSIZE, &limit);
	few = (struct rlimit){.rlim_cur = bytes, .rlim_max = limit.rlim_max};
	(void)setrlimit(RLIMIT_FSIZE, &few);
	rc = report_file_write(&rig.sup);
	(void)setrlimit(RLIMIT_FSIZE, &limit);
	return rc;
}

/* A number that gets longer moves what each write begins with: the name of a member, or its value.
 */
START_TEST(cause_of_one_failing_write_is_kept)
{
	logged_start();
	ck_assert_ptr_ne(signal(SIGXFSZ, allow_more), SIG_ERR);
	for (uint64_t number = 1; number < UINT64_MAX / 100; number *= 10) {
		int rc = -EFBIG, tries = 0;

		stat_add(&rig.stats.ring.turns, number);
		for (; rc != 0; tries++) {
			rc = write_within(100 + (rlim_t)tries * 4096);
			ck_assert(rc == 0 || rc == -EFBIG);
		}
		ck_assert_int_gt(tries, 2);
	}
}
END_TEST

START_TEST(path_that_cannot_be_written_is_told_at_the_start)
{
	struct err err;
	char missing[160];

	snprintf(missing, sizeof(missing), "%s/no/such/report", dir);
	ck_assert_int_eq(report_file_check(missing, &err), -ENOENT);
	ck_assert_ptr_nonnull(strstr(err.text, "--exit-report"));
	ck_assert_ptr_nonnull(strstr(err.text, missing));
	ck_assert_int_eq(report_file_check(dir, &err), -EISDIR);
	ck_assert_int_eq(mkfifo(path, 0600), 0);
	ck_assert_int_eq(report_file_check(path, &err), -ENXIO); /* nobody reads it */
}
END_TEST

START_TEST(good_path_is_left_as_it_was)
{
	struct err err;

	ck_assert_int_eq(report_file_check(NULL, &err), 0);
	ck_assert_int_eq(report_file_check("-", &err), 0);
	ck_assert_int_eq(report_file_check(path, &err), 0);
	ck_assert_int_eq(access(path, F_OK), -1);
}
END_TEST

START_TEST(lost_report_is_a_failure_and_logged)
{
	rig.opt.exit_report = dir;
	logged_start();
	ck_assert_int_lt(report_file_write(&rig.sup), 0);
	ck_assert_ptr_nonnull(strstr(logged(), "--exit-report"));
	rig.opt.exit_report = NULL;
	ck_assert_int_eq(report_file_write(&rig.sup), 0);
}
END_TEST

static Suite *report_file_suite(void)
{
	Suite *suite = suite_create("report_file");
	TCase *tcase = tcase_create("report_file");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, existing_report_is_replaced_whole);
	tcase_add_test(tcase, pipe_is_written_to_and_stays_a_pipe);
	tcase_add_test(tcase, neighbours_of_the_report_are_left_alone);
	tcase_add_test(tcase, link_in_the_place_of_the_report_is_replaced_and_not_followed);
	tcase_add_test(tcase, report_has_the_mode_of_any_new_file);
	tcase_add_test(tcase, report_in_the_working_directory_needs_no_slash);
	tcase_add_test(tcase, cause_of_a_lost_report_is_kept);
	tcase_add_test(tcase, cause_of_one_failing_write_is_kept);
	tcase_add_test(tcase, path_that_cannot_be_written_is_told_at_the_start);
	tcase_add_test(tcase, good_path_is_left_as_it_was);
	tcase_add_test(tcase, lost_report_is_a_failure_and_logged);
	suite_add_tcase(suite, tcase);
	return suite;
}

int main(void)
{
	SRunner *runner = srunner_create(report_file_suite());
	int failed;

	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? 0 : 1;
}
