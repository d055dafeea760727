/* check_topo_load.c - however the child that reads a topology ends, its parent says so, and nothing
 * is left.
 *
 * The linker sends topo_read() here, which the child calls, and the poll() of the parent.
 */
#include <check.h>
#include <dirent.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "numa/topo.h"
#include "numa/topo_read.h"

enum child {
	CHILD_READS,
	CHILD_REFUSES,
	CHILD_DIES,
	CHILD_LEAVES,
	CHILD_LIES,
	CHILD_HANGS,
};

int __real_topo_read(const char *spec, struct topo *out, struct err *reason);
int __wrap_topo_read(const char *spec, struct topo *out, struct err *reason);
int __real_poll(struct pollfd *fds, nfds_t count, int wait_ms);
int __wrap_poll(struct pollfd *fds, nfds_t count, int wait_ms);

static enum child child;
static struct topo topo;
static struct err err;

int __wrap_topo_read(const char *spec, struct topo *out, struct err *reason)
{
	int rc;

	switch (child) {
	case CHILD_REFUSES:
		err_set(reason, "%s: it is refused", spec);
		return -EINVAL;
	case CHILD_DIES:
		(void)raise(SIGABRT);
		break;
	case CHILD_LEAVES:
		_exit(3);
	case CHILD_HANGS:
		pause();
		break;
	case CHILD_LIES:
	case CHILD_READS:
		break;
	}
	rc = __real_topo_read(spec, out, reason);
	if (child == CHILD_LIES) {
		out->cpus[1].core_idx = (int)out->core_count;
	}
	return rc;
}

/* Of a child that hangs nothing comes for as long as the parent waits. */
int __wrap_poll(struct pollfd *fds, nfds_t count, int wait_ms)
{
	ck_assert_int_gt(wait_ms, 1000);
	return child == CHILD_HANGS ? 0 : __real_poll(fds, count, wait_ms);
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

static int load(enum child how, const char *spec)
{
	int before = count_open(), rc;

	child = how;
	err.text[0] = '\0';
	rc = topo_load(spec, &topo, &err);
	ck_assert_int_eq(count_open(), before);
	ck_assert_int_eq(waitpid(-1, NULL, WNOHANG), -1); /* no child, nor what is left of one */
	ck_assert_int_eq(errno, ECHILD);
	return rc;
}

static void expect(const char *words)
{
	ck_assert_msg(strstr(err.text, words) != NULL, "%s: %s", words, err.text);
}

START_TEST(machine_is_read_as_without_a_child)
{
	struct topo own;

	ck_assert_int_eq(load(CHILD_READS, "package:2 core:3 pu:2"), 0);
	ck_assert_int_eq(__real_topo_read("package:2 core:3 pu:2", &own, &err), 0);
	ck_assert_uint_eq(topo.cpu_count, 12);
	ck_assert_mem_eq(topo.cpus, own.cpus, 12 * sizeof(*own.cpus));
	ck_assert_uint_eq(topo.node_count, own.node_count);
	ck_assert_str_eq(topo.source, own.source);
	topo_free(&topo);
	topo_free(&own);
}
END_TEST

START_TEST(reason_of_a_refusal_is_the_child_s)
{
	ck_assert_int_eq(load(CHILD_REFUSES, "machine.xml"), -EINVAL);
	ck_assert_str_eq(err.text, "machine.xml: it is refused");
}
END_TEST

START_TEST(child_that_dies_is_told_by_its_signal)
{
	ck_assert_int_eq(load(CHILD_DIES, "machine.xml"), -EIO);
	expect("--topology machine.xml: hwloc could not read it: it died by signal 6");
	ck_assert_int_eq(load(CHILD_DIES, NULL), -EIO);
	expect("this machine: hwloc could not read it: it died by signal 6");
	expect("enough memory");
}
END_TEST

START_TEST(child_that_leaves_is_told_by_its_status)
{
	ck_assert_int_eq(load(CHILD_LEAVES, NULL), -EIO);
	expect("it ended with status 3");
}
END_TEST

START_TEST(child_that_says_what_cannot_be_is_not_believed)
{
	ck_assert_int_eq(load(CHILD_LIES, "core:4 pu:1"), -EIO);
	expect("what it said makes no sense");
}
END_TEST

START_TEST(child_that_hangs_is_ended)
{
	ck_assert_int_eq(load(CHILD_HANGS, NULL), -EIO);
	expect("it was not done after 60 s");
}
END_TEST

START_TEST(without_a_process_or_a_pipe_that_is_what_is_told)
{
	struct rlimit limit, few;

	ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
	few = limit;
	few.rlim_cur = 4;
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &few), 0);
	child = CHILD_READS;
	while (dup(STDERR_FILENO) >= 0) {
		/* until none is free */
	}
	ck_assert_int_eq(topo_load(NULL, &topo, &err), -EMFILE);
	expect("no pipe: Too many open files");
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0); /* a sanitizer's end opens files */
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("topo_load");
	SRunner *runner = srunner_create(suite);
	TCase *tc = tcase_create("child");
	int failed;

	tcase_add_test(tc, machine_is_read_as_without_a_child);
	tcase_add_test(tc, reason_of_a_refusal_is_the_child_s);
	tcase_add_test(tc, child_that_dies_is_told_by_its_signal);
	tcase_add_test(tc, child_that_leaves_is_told_by_its_status);
	tcase_add_test(tc, child_that_says_what_cannot_be_is_not_believed);
	tcase_add_test(tc, child_that_hangs_is_ended);
	tcase_add_test(tc, without_a_process_or_a_pipe_that_is_what_is_told);
	suite_add_tcase(suite, tc);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
