/* check_plan_cpus.c - which CPUs become shards: the rules one by one, on machines made by hand. */
#include "numa/plan.h"

#include "tests/unit/numa/plan_machine.h"

static void expect_cpus(const int *expected, uint32_t count)
{
	ck_assert_uint_eq(plan.shard_count, count);
	for (uint32_t i = 0; i < count; i++) {
		ck_assert_int_eq(plan.shards[i].cpu_os, expected[i]);
	}
}

#define EXPECT_CPUS(...) \
	expect_cpus((const int[]){__VA_ARGS__}, sizeof((int[]){__VA_ARGS__}) / sizeof(int))

START_TEST(one_shard_for_each_core)
{
	add_node(2, 2);
	add_node(2, 2);
	build_ok();
	EXPECT_CPUS(0, 2, 4, 6);
	ck_assert_int_eq(plan.shards[3].node_os, 1);
	ck_assert_uint_eq(plan.cpus_reserved, 0);
}
END_TEST

START_TEST(smt_gives_one_shard_for_each_thread)
{
	add_node(2, 2);
	policy.smt = true;
	build_ok();
	EXPECT_CPUS(0, 1, 2, 3);
}
END_TEST

START_TEST(first_allowed_thread_stands_for_its_core)
{
	add_node(2, 2);
	cpus[2].allowed = false;
	cpus[2].smt_rank = TOPO_UNKNOWN;
	cpus[3].smt_rank = 0;
	build_ok();
	EXPECT_CPUS(0, 3);
}
END_TEST

START_TEST(core_of_cpu_0_is_left_to_the_system_when_there_are_more_than_two)
{
	policy.reserve_cores = -1;
	add_node(2, 1);
	build_ok();
	EXPECT_CPUS(0, 1);
	add_node(2, 2);
	build_ok();
	EXPECT_CPUS(1, 2, 4);
	ck_assert_uint_eq(plan.cpus_reserved, 1);
	ck_assert_int_eq(plan.reserved_os[0], 0);
}
END_TEST

START_TEST(reserve_does_not_take_the_last_core_of_a_node)
{
	policy.reserve_cores = -1;
	add_node(1, 1);
	add_node(3, 2);
	build_ok();
	EXPECT_CPUS(0, 3, 5);
	ck_assert_uint_eq(plan.cpus_reserved, 2);
	ck_assert_int_eq(plan.reserved_os[0], 1);
	ck_assert_int_eq(plan.reserved_os[1], 2);
}
END_TEST

START_TEST(no_more_shards_than_flows_can_use_unless_told_so)
{
	policy.reserve_cores = -1;
	policy.shards_max = 2;
	add_node(4, 2);
	build_ok();
	EXPECT_CPUS(2, 4);
	ck_assert_uint_eq(plan.shards_idle, 1);
	ck_assert_uint_eq(plan.cpus_reserved, 2);
	policy.shards_max = 99;
	build_ok();
	EXPECT_CPUS(2, 4, 6);
	ck_assert_uint_eq(plan.shards_idle, 0);
	policy.shards_max = 2;
	policy.shard_count = 3;
	build_ok();
	EXPECT_CPUS(2, 4, 6);
	ck_assert_uint_eq(plan.shards_idle, 0);
}
END_TEST

START_TEST(automatic_reserve_gives_way_to_a_number_of_shards)
{
	policy.reserve_cores = -1;
	policy.shard_count = 4;
	add_node(4, 2);
	build_ok();
	EXPECT_CPUS(0, 2, 4, 6);
	policy.smt = true;
	policy.shard_count = 6;
	build_ok();
	EXPECT_CPUS(2, 3, 4, 5, 6, 7);
	policy.shard_count = 7;
	build_ok();
	ck_assert_uint_eq(plan.shard_count, 7);
	ck_assert_uint_eq(plan.cpus_reserved, 0);
}
END_TEST

START_TEST(reserving_every_core_is_refused)
{
	add_node(2, 2);
	policy.reserve_cores = 2;
	build_refused("--reserve-cores 2: only 2 cores");
	policy.reserve_cores = 1;
	build_ok();
	EXPECT_CPUS(2);
}
END_TEST

START_TEST(cpu_list_is_taken_as_written)
{
	static const int list[] = {3, 0, 1};

	add_node(2, 2);
	policy.reserve_cores = -1;
	policy.cpus_os = list;
	policy.cpus_count = 3;
	build_ok();
	EXPECT_CPUS(3, 0, 1);
	policy.shard_count = 2;
	build_ok();
	EXPECT_CPUS(3, 0);
}
END_TEST

START_TEST(cpu_list_with_what_may_not_be_used_is_refused)
{
	static const int absent[] = {0, 9};
	static const int twice[] = {1, 1};

	add_node(2, 1);
	policy.cpus_os = absent;
	policy.cpus_count = 2;
	build_refused("CPU 9 does not exist");
	policy.cpus_os = twice;
	build_refused("CPU 1 is listed twice");
	policy.oversubscribe = true;
	build_ok();
	EXPECT_CPUS(1, 1);
	cpus[1].allowed = false;
	build_refused("CPU 1 may not be used");
}
END_TEST

START_TEST(more_shards_than_cores_need_oversubscribe)
{
	add_node(2, 1);
	policy.shard_count = 5;
	build_refused("--shards 5: only 2 cores");
	policy.oversubscribe = true;
	build_ok();
	EXPECT_CPUS(0, 0, 0, 1, 1);
}
END_TEST

START_TEST(cpu_outside_the_affinity_mask_is_used_when_it_is_named)
{
	const int list[] = {3, 1};

	add_node(2, 1);
	add_node(2, 1);
	for (int i = 2; i < 4; i++) {
		cpus[i].allowed = false; /* isolcpus=2-3 */
		cpus[i].nameable = true;
		cpus[i].smt_rank = TOPO_UNKNOWN;
	}
	build_ok();
	EXPECT_CPUS(0, 1);
	policy.cpus_os = list;
	policy.cpus_count = 2;
	build_ok();
	EXPECT_CPUS(3, 1);
	ck_assert_int_eq(plan.shards[0].home_os, 1);
	ck_assert_int_eq(plan.shards[0].node_os, 1);
	cpus[3].nameable = false;
	build_refused("CPU 3 may not be used here (the cgroup's cpuset");
}
END_TEST

START_TEST(no_usable_cpu_is_refused)
{
	add_node(1, 1);
	cpus[0].allowed = false;
	build_refused("no CPU may be used");
}
END_TEST

START_TEST(few_shards_go_where_the_flows_come_in)
{
	add_node(4, 1);
	add_node(4, 1);
	policy.shard_count = 4;
	build_ok();
	EXPECT_CPUS(0, 1, 4, 5);
	add_flow(1)->weight = 3;
	build_ok();
	EXPECT_CPUS(4, 5, 6, 7);
	add_flow(0)->weight = 1;
	build_ok();
	EXPECT_CPUS(0, 4, 5, 6);
	policy.shard_count = 6;
	build_ok();
	EXPECT_CPUS(0, 1, 4, 5, 6, 7);
}
END_TEST

START_TEST(powerful_cores_and_separate_caches_come_first)
{
	add_node(8, 1);
	for (int i = 0; i < 8; i++) {
		cpus[i].l3_idx = i / 4;
	}
	topo.l3_count = 2;
	policy.shard_count = 2;
	build_ok();
	EXPECT_CPUS(0, 4);
	for (int i = 0; i < 8; i++) {
		cpus[i].efficiency = i >= 6;
	}
	build_ok();
	EXPECT_CPUS(6, 7);
}
END_TEST

static Suite *plan_cpus_suite(void)
{
	Suite *suite = suite_create("plan_cpus");
	TCase *tc = tcase_create("plan_cpus");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, one_shard_for_each_core);
	tcase_add_test(tc, no_more_shards_than_flows_can_use_unless_told_so);
	tcase_add_test(tc, smt_gives_one_shard_for_each_thread);
	tcase_add_test(tc, first_allowed_thread_stands_for_its_core);
	tcase_add_test(tc, core_of_cpu_0_is_left_to_the_system_when_there_are_more_than_two);
	tcase_add_test(tc, reserve_does_not_take_the_last_core_of_a_node);
	tcase_add_test(tc, automatic_reserve_gives_way_to_a_number_of_shards);
	tcase_add_test(tc, reserving_every_core_is_refused);
	tcase_add_test(tc, cpu_list_is_taken_as_written);
	tcase_add_test(tc, cpu_list_with_what_may_not_be_used_is_refused);
	tcase_add_test(tc, more_shards_than_cores_need_oversubscribe);
	tcase_add_test(tc, cpu_outside_the_affinity_mask_is_used_when_it_is_named);
	tcase_add_test(tc, no_usable_cpu_is_refused);
	tcase_add_test(tc, few_shards_go_where_the_flows_come_in);
	tcase_add_test(tc, powerful_cores_and_separate_caches_come_first);
	suite_add_tcase(suite, tc);
	return suite;
}

int main(void)
{
	SRunner *runner = srunner_create(plan_cpus_suite());
	int failed;

	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
