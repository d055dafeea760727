/* check_sqpoll.c - where the kernel's submitting threads run, on machines made by hand. */
#include "numa/sqpoll.h"

#include "tests/unit/numa/plan_machine.h"

static int at[CPUS_MAX];

static void place_ok(void)
{
	build_ok();
	ck_assert_msg(sqpoll_place(&topo, &plan, false, at, &err) == 0, "%s", err.text);
}

static void place_refused(const char *part)
{
	build_ok();
	ck_assert_int_eq(sqpoll_place(&topo, &plan, false, at, &err), -EINVAL);
	ck_assert_msg(strstr(err.text, part) != NULL, "'%s' not in '%s'", part, err.text);
}

START_TEST(reserved_core_comes_before_other_free_ones)
{
	static const int list[] = {3};

	add_node(4, 1);
	policy.shard_count = 1;
	policy.cpus_os = list;
	policy.cpus_count = 1;
	place_ok();
	ck_assert_int_eq(at[0], 0);
	policy = (struct plan_policy){.reserve_cores = 1, .shard_count = 1, .balance = 4};
	place_ok();
	ck_assert_int_eq(plan.shards[0].cpu_os, 1);
	ck_assert_int_eq(at[0], plan.reserved_os[0]);
}
END_TEST

START_TEST(each_shard_gets_its_own_cpu_of_its_own_node)
{
	static const int list[] = {0, 1, 4, 5};

	add_node(4, 1);
	add_node(4, 1);
	policy.cpus_os = list;
	policy.cpus_count = 4;
	place_ok();
	ck_assert_int_eq(at[0], 2);
	ck_assert_int_eq(at[1], 3);
	ck_assert_int_eq(at[2], 6);
	ck_assert_int_eq(at[3], 7);
}
END_TEST

START_TEST(own_cpu_comes_before_own_node)
{
	static const int list[] = {0, 1, 2};

	add_node(4, 1);
	add_node(2, 1);
	policy.cpus_os = list;
	policy.cpus_count = 3;
	place_ok();
	ck_assert_int_eq(at[0], 3);
	ck_assert_int_eq(at[1], 4);
	ck_assert_int_eq(at[2], 5);
}
END_TEST

START_TEST(nearer_node_comes_first)
{
	static const int list[] = {0};
	static uint32_t distances[] = {10, 30, 20, 30, 10, 20, 20, 20, 10};

	add_node(1, 1);
	add_node(1, 1);
	add_node(1, 1);
	topo.distances = distances;
	policy.cpus_os = list;
	policy.cpus_count = 1;
	place_ok();
	ck_assert_int_eq(at[0], 2);
	topo.distances = NULL; /* then the lowest number */
	place_ok();
	ck_assert_int_eq(at[0], 1);
}
END_TEST

START_TEST(second_threads_of_a_shards_core_come_last)
{
	add_node(3, 2);
	policy.shard_count = 2;
	place_ok();
	ck_assert_int_eq(plan.shards[0].cpu_os, 0);
	ck_assert_int_eq(plan.shards[1].cpu_os, 2);
	ck_assert_int_eq(at[0], 4);
	ck_assert_int_eq(at[1], 5);
	policy.shard_count = 3; /* now nothing else is left */
	place_ok();
	ck_assert_int_eq(at[0], 1);
	ck_assert_int_eq(at[1], 3);
	ck_assert_int_eq(at[2], 5);
}
END_TEST

START_TEST(cpus_that_are_not_allowed_do_not_count)
{
	add_node(2, 2);
	policy.shard_count = 1;
	cpus[1].allowed = false;
	cpus[2].allowed = false;
	cpus[2].smt_rank = TOPO_UNKNOWN;
	cpus[3].smt_rank = 0;
	place_ok();
	ck_assert_int_eq(plan.shards[0].cpu_os, 0);
	ck_assert_int_eq(at[0], 3);
	cpus[3].allowed = false;
	place_refused("only allowed CPU");
}
END_TEST

START_TEST(too_few_free_cpus_are_refused_with_what_would_do)
{
	add_node(4, 1);
	place_refused("give --shards 2,");
	policy.reserve_cores = 1;
	place_refused("3 shards need a CPU each for the kernel's submitting thread, and 1 of");
	ck_assert_ptr_nonnull(strstr(err.text, "--cpus"));
	ck_assert_ptr_nonnull(strstr(err.text, "--reserve-cores"));
	policy.shard_count = 2;
	place_ok();
}
END_TEST

START_TEST(sharing_is_even_where_it_is_allowed)
{
	add_node(4, 1);
	policy.shard_count = 6;
	policy.oversubscribe = true;
	policy.reserve_cores = 2;
	build_ok();
	ck_assert_int_eq(sqpoll_place(&topo, &plan, true, at, &err), 0);
	for (int i = 0; i < 6; i++) {
		ck_assert_int_eq(at[i], plan.reserved_os[i % 2]);
	}
	policy.reserve_cores = 0;
	build_ok();
	ck_assert_int_eq(sqpoll_place(&topo, &plan, true, at, &err), -EINVAL);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("sqpoll");
	TCase *tc = tcase_create("sqpoll");
	SRunner *runner = srunner_create(suite);
	int failed;

	suite_add_tcase(suite, tc);
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, reserved_core_comes_before_other_free_ones);
	tcase_add_test(tc, each_shard_gets_its_own_cpu_of_its_own_node);
	tcase_add_test(tc, own_cpu_comes_before_own_node);
	tcase_add_test(tc, nearer_node_comes_first);
	tcase_add_test(tc, second_threads_of_a_shards_core_come_last);
	tcase_add_test(tc, cpus_that_are_not_allowed_do_not_count);
	tcase_add_test(tc, too_few_free_cpus_are_refused_with_what_would_do);
	tcase_add_test(tc, sharing_is_even_where_it_is_allowed);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
