/* check_rlimits.c - open files are counted, raised when possible, else asked for by number. */
#include "shard/regbuf.h"
#include "src/run/rlimits.h"
#include "src/setup/needs.h"

#include <cap-ng.h>
#include <check.h>
#include <errno.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/unit/run/supervisor_rig.h"

static struct sup_rig rig;
static struct err err;
static char root[64]; /* of a made-up control group; "": none */

static void setup(void)
{
	sup_rig_open(&rig);
}

static int remove_one(const char *path, const struct stat *stat, int kind, struct FTW *ftw)
{
	(void)stat;
	(void)kind;
	(void)ftw;
	return remove(path);
}

static void remove_group(void)
{
	if (root[0] != '\0') {
		nftw(root, remove_one, 8, FTW_DEPTH | FTW_PHYS);
		root[0] = '\0';
	}
}

static void teardown(void)
{
	remove_group();
	sup_rig_close(&rig);
}

static void limit_files(rlim_t soft, rlim_t hard)
{
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &(struct rlimit){soft, hard}), 0);
}

START_TEST(each_flow_output_and_shard_needs_files)
{
	uint64_t before = needs_files(&rig.setup);

	rig.table.flow_count += 10;
	rig.table.output_count += 100;
	ck_assert_uint_eq(needs_files(&rig.setup), before + 110);
	rig.setup.plan.shard_count++;
	ck_assert_uint_gt(needs_files(&rig.setup), before + 110);
}
END_TEST

/* A mark is no need: where the limit has no room for it, the start goes on without. */
START_TEST(files_for_marks_are_had_only_where_there_is_room)
{
	limit_files(32, needs_files(&rig.setup));
	ck_assert_int_eq(setuid(65534), 0); /* else the hard limit could be raised */
	ck_assert_int_eq(rlimits_raise(&rig.setup, &err), 0);
	ck_assert_uint_eq(rlimits_spare_files(&rig.setup), 0);
}
END_TEST

START_TEST(marks_raise_the_limit_where_they_may)
{
	limit_files(32, 1000);
	ck_assert_int_eq(rlimits_raise(&rig.setup, &err), 0);
	ck_assert_uint_eq(rlimits_spare_files(&rig.setup), 1);
}
END_TEST

START_TEST(soft_limit_is_raised_as_far_as_needed)
{
	struct rlimit now;

	limit_files(32, 1000);
	ck_assert_int_eq(rlimits_raise(&rig.setup, &err), 0);
	ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &now), 0);
	ck_assert_uint_ge(now.rlim_cur, needs_files(&rig.setup));
	ck_assert_uint_eq(now.rlim_max, 1000);
}
END_TEST

START_TEST(limit_that_cannot_be_raised_is_named_with_both_numbers)
{
	limit_files(32, 50);
	ck_assert_int_eq(capng_get_caps_process(), 0);
	ck_assert_int_eq(capng_update(CAPNG_DROP, CAPNG_EFFECTIVE, CAP_SYS_RESOURCE), 0);
	ck_assert_int_eq(capng_apply(CAPNG_SELECT_CAPS), 0);
	ck_assert_int_eq(rlimits_raise(&rig.setup, &err), -EMFILE);
	ck_assert_ptr_nonnull(strstr(err.text, "the limit is 50"));
	ck_assert_ptr_nonnull(strstr(err.text, "LimitNOFILE="));
}
END_TEST

START_TEST(half_of_what_may_be_locked_is_for_buffers)
{
	const struct rlimit some = {1 << 20, 1 << 20};

	ck_assert_int_eq(setrlimit(RLIMIT_MEMLOCK, &some), 0);
	ck_assert_int_eq(capng_get_caps_process(), 0);
	if (capng_have_capability(CAPNG_EFFECTIVE, CAP_IPC_LOCK)) {
		ck_assert_uint_eq(rlimits_lockable_bytes(1 << 20), REGBUF_ALL);
		ck_assert_int_eq(capng_update(CAPNG_DROP, CAPNG_EFFECTIVE, CAP_IPC_LOCK), 0);
		ck_assert_int_eq(capng_apply(CAPNG_SELECT_CAPS), 0);
	}
	ck_assert_uint_eq(rlimits_lockable_bytes(0), 1 << 19);
	ck_assert_uint_eq(rlimits_lockable_bytes(1 << 19), 1 << 19);
	ck_assert_uint_eq(rlimits_lockable_bytes((1 << 20) - 4096), 4096); /* rings come first */
	ck_assert_uint_eq(rlimits_lockable_bytes(1 << 21), 0);
}
END_TEST

/* A control group with one limit, below a made-up root. */
static void limit_group(const char *file, const char *text)
{
	static const char *const dirs[] = {"proc", "proc/self", "sys", "sys/fs", "sys/fs/cgroup"};
	char path[256];
	FILE *out;

	remove_group();
	snprintf(root, sizeof(root), "/tmp/check_rlimits.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(root));
	for (size_t i = 0; i < sizeof(dirs) / sizeof(dirs[0]); i++) {
		snprintf(path, sizeof(path), "%s/%s", root, dirs[i]);
		ck_assert_int_eq(mkdir(path, 0755), 0);
	}
	snprintf(path, sizeof(path), "%s/proc/self/cgroup", root);
	out = fopen(path, "we");
	fputs("0::/\n", out);
	fclose(out);
	snprintf(path, sizeof(path), "%s/sys/fs/cgroup/%s", root, file);
	out = fopen(path, "we");
	fputs(text, out);
	fclose(out);
}

START_TEST(control_group_that_cannot_hold_the_shards_is_named_before_they_start)
{
	struct plan_shard shard = {.node_os = NODE_UNKNOWN};
	uint32_t echo_count = 0;

	rig.setup.plan.shards = &shard;
	rig.setup.layout.echo_counts = &echo_count;
	rig.setup.engine = RING_ENGINE_MMSG;
	rig.opt.pool.count[POOL_SMALL] = 64;
	rig.opt.cq_entries = 64;
	rig.opt.sq_entries = 64;
	logged_start();
	ck_assert_int_eq(rlimits_check_group(&rig.setup, "/nonexistent", &err), 0);
	limit_group("memory.max", "65536\n");
	ck_assert_int_eq(rlimits_check_group(&rig.setup, root, &err), -ENOMEM);
	ck_assert_msg(strstr(err.text, "/sys/fs/cgroup/memory.max is 0 MiB") != NULL, "%s",
		      err.text);
	limit_group("memory.max", "1073741824\n");
	ck_assert_int_eq(rlimits_check_group(&rig.setup, root, &err), 0);
	limit_group("pids.max", "1\n");
	ck_assert_int_eq(rlimits_check_group(&rig.setup, root, &err), -EAGAIN);
	ck_assert_ptr_nonnull(strstr(err.text, "TasksMax="));
	ck_assert_str_eq(logged(), "");
	limit_group("cpu.max", "50000 100000\n");
	ck_assert_int_eq(rlimits_check_group(&rig.setup, root, &err), 0);
	ck_assert_ptr_nonnull(strstr(logged(), "gives 0.50 CPUs, and 1 run shards"));
}
END_TEST

static Suite *rlimits_suite(void)
{
	Suite *suite = suite_create("rlimits");
	TCase *tcase = tcase_create("rlimits");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, each_flow_output_and_shard_needs_files);
	if (geteuid() == 0) {
		tcase_add_test(tcase, files_for_marks_are_had_only_where_there_is_room);
	}
	tcase_add_test(tcase, marks_raise_the_limit_where_they_may);
	tcase_add_test(tcase, soft_limit_is_raised_as_far_as_needed);
	tcase_add_test(tcase, limit_that_cannot_be_raised_is_named_with_both_numbers);
	tcase_add_test(tcase, control_group_that_cannot_hold_the_shards_is_named_before_they_start);
	tcase_add_test(tcase, half_of_what_may_be_locked_is_for_buffers);
	suite_add_tcase(suite, tcase);
	return suite;
}

int main(void)
{
	SRunner *runner = srunner_create(rlimits_suite());
	int failed;

	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? 0 : 1;
}
