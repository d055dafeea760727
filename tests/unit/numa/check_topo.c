/* check_topo.c - machines are read as they are, this one and foreign ones alike. */
#include "numa/topo.h"

#include <check.h>
#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "numa/pin.h"
#include "numa/topo_here.h"

static struct topo topo;
static struct err err;

static void setup(void)
{
	memset(&topo, 0, sizeof(topo));
	err.text[0] = '\0';
}

static void teardown(void)
{
	topo_free(&topo);
}

static void load(const char *spec)
{
	ck_assert_msg(topo_load(spec, &topo, &err) == 0, "%s", err.text);
}

START_TEST(this_machine_has_the_cpus_the_kernel_allows)
{
	cpu_set_t set;
	int allowed = 0;

	load(NULL);
	ck_assert(topo.this_machine);
	ck_assert_int_eq(sched_getaffinity(0, sizeof(set), &set), 0);
	for (uint32_t i = 0; i < topo.cpu_count; i++) {
		const struct topo_cpu *cpu = &topo.cpus[i];

		ck_assert(i == 0 || topo.cpus[i - 1].cpu_os < cpu->cpu_os);
		ck_assert_int_eq(cpu->allowed, CPU_ISSET((size_t)cpu->cpu_os, &set) != 0);
		ck_assert_int_eq(cpu->smt_rank == TOPO_UNKNOWN, !cpu->allowed);
		ck_assert_ptr_eq(topo_find_cpu(&topo, cpu->cpu_os), cpu);
		allowed += cpu->allowed;
	}
	ck_assert_int_eq(allowed, CPU_COUNT(&set));
	ck_assert_ptr_null(topo_find_cpu(&topo, 1 << 20));
}
END_TEST

START_TEST(affinity_restricts_this_machine)
{
	cpu_set_t set;
	int last = -1;

	ck_assert_int_eq(sched_getaffinity(0, sizeof(set), &set), 0);
	for (int i = 0; i < CPU_SETSIZE; i++) {
		last = CPU_ISSET((size_t)i, &set) ? i : last;
	}
	CPU_ZERO(&set);
	CPU_SET((size_t)last, &set);
	ck_assert_int_eq(sched_setaffinity(0, sizeof(set), &set), 0);
	load(NULL);
	for (uint32_t i = 0; i < topo.cpu_count; i++) {
		ck_assert_int_eq(topo.cpus[i].allowed, topo.cpus[i].cpu_os == last);
		/* The cgroup has the others still: a thread may move there. */
		ck_assert(topo.cpus[i].nameable || topo.cpus[i].cpu_os != 0);
		ck_assert(!topo.cpus[i].nameable || pin_self(topo.cpus[i].cpu_os) == 0);
	}
}
END_TEST

static void expect_isolated(const char *list, const char *expected)
{
	char path[] = "/tmp/numacast-isolated.XXXXXX";
	int fd = mkstemp(path);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(write(fd, list, strlen(list)), (ssize_t)strlen(list));
	close(fd);
	topo_free(&topo);
	load("core:8 pu:1");
	topo_mark_isolated(&topo, path);
	unlink(path);
	for (uint32_t i = 0; i < topo.cpu_count; i++) {
		ck_assert_int_eq(topo.cpus[i].isolated, expected[i] == 'i');
	}
}

START_TEST(environment_names_no_other_machine)
{
	uint32_t cpu_count, node_count;

	load(NULL);
	cpu_count = topo.cpu_count;
	node_count = topo.node_count;
	topo_free(&topo);
	setenv("HWLOC_SYNTHETIC", "package:3 numanode:1 core:5 pu:1", 1);
	setenv("HWLOC_THISSYSTEM", "1", 1);
	setenv("HWLOC_COMPONENTS", "-linux", 1);
	setenv("HWLOC_THISSYSTEM_ALLOWED_RESOURCES", "1", 1);
	load(NULL);
	ck_assert(topo.this_machine);
	ck_assert_str_eq(topo.source, "this machine");
	ck_assert_uint_eq(topo.cpu_count, cpu_count);
	ck_assert_uint_eq(topo.node_count, node_count);
	ck_assert_ptr_null(getenv("HWLOC_SYNTHETIC"));
	ck_assert_ptr_null(getenv("HWLOC_THISSYSTEM_ALLOWED_RESOURCES"));
	ck_assert_ptr_nonnull(getenv("PATH"));
}
END_TEST

START_TEST(isolated_cpus_are_those_of_the_kernel_s_list)
{
	expect_isolated("2-3,7\n", "..ii...i");
	expect_isolated("0\n", "i.......");
	expect_isolated("\n", "........");
	expect_isolated("(null)\n", "........");
	expect_isolated("5-900,x", ".....iii");
	topo_mark_isolated(&topo, "/nonexistent");
}
END_TEST

START_TEST(this_machine_s_loopback_has_no_place)
{
	const struct topo_nic *lo;

	load(NULL);
	lo = topo_find_nic(&topo, "lo");
	if (lo) { /* no sysfs, no interfaces */
		ck_assert_int_eq(lo->node_os, TOPO_UNKNOWN);
		ck_assert_str_eq(lo->via, "virtual");
	}
	ck_assert_ptr_null(topo_find_nic(&topo, "no-such-if"));
}
END_TEST

START_TEST(synthetic_machine_has_what_its_string_says)
{
	load("package:2 [numanode(memory=64GiB)] l3:2(size=16MiB) core:4 pu:2");
	ck_assert(!topo.this_machine);
	ck_assert_uint_eq(topo.cpu_count, 32);
	ck_assert_uint_eq(topo.core_count, 16);
	ck_assert_uint_eq(topo.package_count, 2);
	ck_assert_uint_eq(topo.l3_count, 4);
	ck_assert_uint_eq(topo.l3_bytes[3], 16 << 20);
	ck_assert_uint_eq(topo.node_count, 2);
	ck_assert_uint_eq(topo.nodes[1].memory_bytes, UINT64_C(64) << 30);
	ck_assert_uint_eq(topo.nodes[1].cpu_count, 16);
	ck_assert_int_eq(topo.nodes[1].package_os, 1);
	ck_assert_int_eq(topo.nodes[1].huge_2m_free, TOPO_UNKNOWN);
	ck_assert_int_eq(topo.cpus[17].smt_rank, 1);
	ck_assert_int_eq(topo.cpus[17].core_idx, 8);
	ck_assert_int_eq(topo.cpus[17].home_os, 1);
	ck_assert_int_eq(topo.cpus[17].node_os, 1);
	ck_assert_int_eq(topo.cpus[17].package_os, 1);
	ck_assert_int_eq(topo.cpus[17].l3_idx, 2);
	ck_assert_uint_eq(topo_distance(&topo, 0, 1), 0);
}
END_TEST

START_TEST(kernel_s_numbers_are_kept_apart_from_positions)
{
	load("numanode:2(indexes=4,1) core:2 pu:1(indexes=9,2,7,5)");
	ck_assert_uint_eq(topo.node_count, 2);
	ck_assert_int_eq(topo.nodes[0].node_os, 1);
	ck_assert_int_eq(topo.nodes[1].node_os, 4);
	ck_assert_int_eq(topo.cpus[0].cpu_os, 2);
	ck_assert_int_eq(topo_find_cpu(&topo, 9)->home_os, 4);
	ck_assert_int_eq(topo_find_cpu(&topo, 5)->home_os, 1);
	ck_assert_ptr_null(topo_find_node(&topo, 0));
}
END_TEST

START_TEST(closest_node_is_chosen_and_ties_go_to_the_lowest)
{
	load("package:2 [numanode(memory=1TiB)] group:2 [numanode(memory=64GiB)] "
	     "[numanode(memory=16GiB)] core:2 pu:1");
	ck_assert_uint_eq(topo.node_count, 10);
	for (uint32_t i = 0; i < topo.cpu_count; i++) {
		const struct topo_node *node = topo_find_node(&topo, topo.cpus[i].node_os);

		ck_assert_uint_eq(node->memory_bytes, UINT64_C(64) << 30);
	}
}
END_TEST

/* The nodes of a machine without CPUs: DRAM at both ends, HBM between. */
static struct topo_node near_and_far[] = {
	{.node_os = 0, .allowed = true},
	{.node_os = 1, .allowed = true, .special = true, .memory_bytes = 1},
	{.node_os = 4, .allowed = true, .memory_bytes = 1},
	{.node_os = 6, .allowed = true, .memory_bytes = 1},
};

START_TEST(memory_of_a_node_without_any_is_the_nearest_plain_one)
{
	uint32_t there_and_back[16] = {10, 11, 40, 30, 12, 10, 40, 40,
				       21, 40, 10, 40, 22, 40, 40, 10};
	struct topo machine = {.nodes = near_and_far, .node_count = 4, .distances = there_and_back};

	ck_assert_uint_eq(topo_distance(&machine, 0, 4), 40);
	ck_assert_uint_eq(topo_distance(&machine, 4, 0), 21);
	ck_assert_uint_eq(topo_distance(&machine, 0, 5), 0);
	ck_assert_int_eq(topo_nearest_memory(&machine, 0), 6);
	near_and_far[3].allowed = false;
	ck_assert_int_eq(topo_nearest_memory(&machine, 0), 4);
	near_and_far[2].memory_bytes = 0;
	ck_assert_int_eq(topo_nearest_memory(&machine, 0), 1); /* before none */
}
END_TEST

START_TEST(without_distances_there_is_memory_only_where_there_is_one_node)
{
	struct topo machine = {.nodes = near_and_far, .node_count = 4};

	ck_assert_int_eq(topo_nearest_memory(&machine, 0), TOPO_UNKNOWN);
	near_and_far[1].memory_bytes = near_and_far[2].memory_bytes = 0;
	ck_assert_int_eq(topo_nearest_memory(&machine, 0), 6);
}
END_TEST

/* It is printed as it is. */
START_TEST(name_of_a_file_is_one_line_of_plain_text)
{
	char folder[] = "/tmp/check_topo.XXXXXX", file[128], xml[4096];

	ck_assert_msg(getenv("TOPOLOGIES") != NULL, "TOPOLOGIES is not set: run by make check");
	snprintf(xml, sizeof(xml), "%s/arm-64.xml", getenv("TOPOLOGIES"));
	ck_assert_ptr_nonnull(mkdtemp(folder));
	snprintf(file, sizeof(file), "%s/a\033[7mb\nc\177.xml", folder);
	ck_assert_int_eq(symlink(xml, file), 0);
	load(file);
	ck_assert_ptr_nonnull(strstr(topo.source, "/a?[7mb?c?.xml"));
	ck_assert_int_eq(unlink(file), 0);
	ck_assert_int_eq(rmdir(folder), 0);
}
END_TEST

START_TEST(foreign_text_is_refused_with_what_was_expected)
{
	ck_assert_int_eq(topo_load("no such thing", &topo, &err), -EINVAL);
	ck_assert_ptr_nonnull(strstr(err.text, "--topology no such thing: neither a file nor"));
	ck_assert_int_eq(topo_load("/dev/null", &topo, &err), -EINVAL);
	ck_assert_ptr_nonnull(strstr(err.text, "/dev/null: not an hwloc XML file"));
	ck_assert_ptr_null(topo.cpus);
}
END_TEST

static Suite *topo_suite(void)
{
	Suite *suite = suite_create("topo");
	TCase *tc = tcase_create("topo");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, this_machine_has_the_cpus_the_kernel_allows);
	tcase_add_test(tc, affinity_restricts_this_machine);
	tcase_add_test(tc, environment_names_no_other_machine);
	tcase_add_test(tc, isolated_cpus_are_those_of_the_kernel_s_list);
	tcase_add_test(tc, this_machine_s_loopback_has_no_place);
	tcase_add_test(tc, synthetic_machine_has_what_its_string_says);
	tcase_add_test(tc, kernel_s_numbers_are_kept_apart_from_positions);
	tcase_add_test(tc, closest_node_is_chosen_and_ties_go_to_the_lowest);
	tcase_add_test(tc, memory_of_a_node_without_any_is_the_nearest_plain_one);
	tcase_add_test(tc, without_distances_there_is_memory_only_where_there_is_one_node);
	tcase_add_test(tc, name_of_a_file_is_one_line_of_plain_text);
	tcase_add_test(tc, foreign_text_is_refused_with_what_was_expected);
	suite_add_tcase(suite, tc);
	return suite;
}

int main(void)
{
	SRunner *runner = srunner_create(topo_suite());
	int failed;

	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
