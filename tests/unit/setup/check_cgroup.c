/* check_cgroup.c - the tightest limit of all groups above is found, in both versions. */
#include "src/setup/cgroup.h"

#include <check.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static char root[64];
static struct cgroup group;

static void setup(void)
{
	snprintf(root, sizeof(root), "/tmp/check_cgroup.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(root));
}

static int remove_one(const char *path, const struct stat *stat, int kind, struct FTW *ftw)
{
	(void)stat;
	(void)kind;
	(void)ftw;
	return remove(path);
}

static void teardown(void)
{
	ck_assert_int_eq(nftw(root, remove_one, 8, FTW_DEPTH | FTW_PHYS), 0);
}

static void put(const char *path, const char *text)
{
	char at[256];
	FILE *file;

	snprintf(at, sizeof(at), "%s%s", root, path);
	for (char *slash = strchr(at + strlen(root) + 1, '/'); slash;
	     slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		mkdir(at, 0755);
		*slash = '/';
	}
	file = fopen(at, "we");
	ck_assert_ptr_nonnull(file);
	fputs(text, file);
	fclose(file);
}

START_TEST(groups_that_cannot_be_read_are_not_known)
{
	cgroup_read(root, &group);
	ck_assert(!group.known);
	ck_assert_uint_eq(group.memory.max, CGROUP_UNLIMITED);
	ck_assert_uint_eq(cgroup_room(&group.pids), CGROUP_UNLIMITED);
}
END_TEST

START_TEST(group_without_limits_has_none)
{
	put("/proc/self/cgroup", "0::/a/b\n");
	put("/sys/fs/cgroup/a/b/memory.max", "max\n");
	put("/sys/fs/cgroup/a/b/pids.max", "max\n");
	put("/sys/fs/cgroup/a/b/cpu.max", "max 100000\n");
	cgroup_read(root, &group);
	ck_assert(group.known);
	ck_assert_uint_eq(group.memory.max, CGROUP_UNLIMITED);
	ck_assert_uint_eq(group.pids.max, CGROUP_UNLIMITED);
	ck_assert_uint_eq(group.cpu.max, CGROUP_UNLIMITED);
	put("/sys/fs/cgroup/a/b/cpu.max", "9223372036854775807 100000\n");
	cgroup_read(root, &group);
	ck_assert_uint_eq(group.cpu.max, CGROUP_UNLIMITED);
}
END_TEST

START_TEST(tightest_group_above_counts)
{
	put("/proc/self/cgroup", "0::/a/b\n");
	put("/sys/fs/cgroup/a/b/memory.max", "1000000\n");
	put("/sys/fs/cgroup/a/b/memory.current", "100000\n");
	put("/sys/fs/cgroup/a/memory.max", "2000000\n");
	put("/sys/fs/cgroup/a/memory.current", "1900000\n"); /* a neighbour's */
	put("/sys/fs/cgroup/a/memory.stat", "anon 1\ninactive_file 100000\nactive_file 200000\n");
	put("/sys/fs/cgroup/a/b/pids.max", "20\n");
	put("/sys/fs/cgroup/a/b/pids.current", "25\n");
	put("/sys/fs/cgroup/a/cpu.max", "150000 100000\n");
	put("/sys/fs/cgroup/a/b/cpu.max", "400000 100000\n");
	put("/sys/fs/cgroup/a/b/hugetlb.2MB.max", "4194304\n");
	cgroup_read(root, &group);
	ck_assert_uint_eq(group.memory.max, 2000000);
	ck_assert_uint_eq(group.memory.used, 1600000);
	ck_assert_str_eq(group.memory.where, "/sys/fs/cgroup/a/memory.max");
	ck_assert_uint_eq(cgroup_room(&group.pids), 0);
	ck_assert_uint_eq(group.cpu.max, 1500);
	ck_assert_uint_eq(group.huge_2m.max, 4194304);
	ck_assert_uint_eq(group.huge_1g.max, CGROUP_UNLIMITED);
}
END_TEST

START_TEST(container_sees_its_group_as_the_mount)
{
	put("/proc/self/cgroup", "0::/docker/0123\n");
	put("/sys/fs/cgroup/memory.max", "5000\n");
	cgroup_read(root, &group);
	ck_assert_uint_eq(group.memory.max, 5000);
	put("/proc/self/cgroup", "0::/\n");
	cgroup_read(root, &group);
	ck_assert_uint_eq(group.memory.max, 5000);
}
END_TEST

START_TEST(version_1_has_a_hierarchy_for_each)
{
	put("/proc/self/cgroup", "12:pids:/s\n4:memory:/s\n3:cpu,cpuacct:/s\n0::/s\n");
	put("/sys/fs/cgroup/memory/s/memory.limit_in_bytes", "7000\n");
	put("/sys/fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712\n");
	put("/sys/fs/cgroup/pids/s/pids.max", "9\n");
	put("/sys/fs/cgroup/cpu,cpuacct/s/cpu.cfs_quota_us", "50000\n");
	put("/sys/fs/cgroup/cpu,cpuacct/s/cpu.cfs_period_us", "100000\n");
	cgroup_read(root, &group);
	ck_assert_uint_eq(group.memory.max, 7000);
	ck_assert_uint_eq(group.pids.max, 9);
	ck_assert_uint_eq(group.cpu.max, 500);
	put("/sys/fs/cgroup/cpu,cpuacct/s/cpu.cfs_quota_us", "-1\n");
	cgroup_read(root, &group);
	ck_assert_uint_eq(group.cpu.max, CGROUP_UNLIMITED);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("cgroup");
	TCase *tc = tcase_create("limits");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, groups_that_cannot_be_read_are_not_known);
	tcase_add_test(tc, group_without_limits_has_none);
	tcase_add_test(tc, tightest_group_above_counts);
	tcase_add_test(tc, container_sees_its_group_as_the_mount);
	tcase_add_test(tc, version_1_has_a_hierarchy_for_each);
	suite_add_tcase(suite, tc);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
