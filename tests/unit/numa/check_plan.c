/* check_plan.c - who owns a flow: the planner's rules, one by one, on small machines made by hand.
 *
 * Which CPUs become shards is check_plan_cpus; whole plans of real machines are compared by
 * tests/topologies, random ones by check_plan_props.
 */
#include "numa/plan.h"

#include "tests/unit/numa/plan_machine.h"

static uint32_t distances[64];

static void expect_owner(uint32_t flow, uint32_t shard, enum plan_why why)
{
	const struct plan_owner *owner = &plan.owners[plan.first_owner[flow]];

	ck_assert_uint_eq(owner->shard, shard);
	ck_assert_str_eq(plan_why_name(owner->why), plan_why_name(why));
}

START_TEST(flows_are_local_and_balanced_by_count)
{
	add_node(2, 1);
	add_node(2, 1);
	for (int i = 0; i < 8; i++) {
		add_flow(i % 2);
	}
	build_ok();
	for (uint32_t i = 0; i < 8; i++) {
		expect_owner(i, (i % 2) * 2 + (i / 2) % 2, PLAN_WHY_LOCAL);
	}
	for (uint32_t i = 0; i < 4; i++) {
		ck_assert_uint_eq(plan.shards[i].flow_count, 2);
		ck_assert_uint_eq(plan.shards[i].load, 2);
	}
}
END_TEST

START_TEST(merged_flows_stay_together)
{
	add_node(2, 1);
	add_node(2, 1);
	add_flow(0);
	add_flow(0);
	add_flow(1)->merged_with = 2;
	add_flow(1)->merged_with = 2;
	add_flow(1);
	build_ok();
	expect_owner(1, 1, PLAN_WHY_LOCAL);
	expect_owner(2, 1, PLAN_WHY_MERGED);
	expect_owner(3, 1, PLAN_WHY_MERGED);
	expect_owner(4, 2, PLAN_WHY_LOCAL);
	ck_assert_uint_eq(plan.shards[1].flow_count, 3);
}
END_TEST

START_TEST(weight_balances)
{
	add_node(2, 1);
	add_flow(0)->weight = 5;
	for (int i = 0; i < 5; i++) {
		add_flow(0);
	}
	build_ok();
	expect_owner(0, 0, PLAN_WHY_LOCAL);
	for (uint32_t i = 1; i < 6; i++) {
		expect_owner(i, 1, PLAN_WHY_LOCAL);
	}
}
END_TEST

START_TEST(local_means_where_the_cpu_sits_not_where_its_memory_is)
{
	add_node(1, 1);
	add_node(1, 1);
	nodes[1].memory_bytes = 0;
	cpus[1].node_os = 0;
	add_flow(1);
	add_flow(1);
	build_ok();
	expect_owner(0, 1, PLAN_WHY_LOCAL);
	expect_owner(1, 1, PLAN_WHY_LOCAL);
	ck_assert_int_eq(plan.shards[1].node_os, 0);
}
END_TEST

START_TEST(unknown_node_is_balanced_over_all_shards)
{
	add_node(2, 1);
	add_node(2, 1);
	for (uint32_t i = 0; i < 4; i++) {
		add_flow(TOPO_UNKNOWN);
	}
	build_ok();
	for (uint32_t i = 0; i < 4; i++) {
		expect_owner(i, i, PLAN_WHY_NODE_UNKNOWN);
	}
}
END_TEST

START_TEST(flow_of_a_node_without_shards_goes_to_the_nearest)
{
	static const uint32_t far[] = {10, 40, 20, 40, 10, 30, 20, 30, 10};

	add_node(1, 1);
	add_node(1, 1);
	add_node(0, 1);
	memcpy(distances, far, sizeof(far));
	topo.distances = distances;
	add_flow(2);
	distances[6] = 30;
	distances[7] = 20;
	build_ok();
	expect_owner(0, 1, PLAN_WHY_NO_LOCAL);
	distances[6] = 20;
	distances[7] = 30;
	build_ok();
	expect_owner(0, 0, PLAN_WHY_NO_LOCAL);
	flows[0].node_os = 77;
	build_ok();
	expect_owner(0, 0, PLAN_WHY_NO_LOCAL);
}
END_TEST

START_TEST(overload_goes_to_the_next_node_and_says_so)
{
	add_node(1, 1);
	for (int i = 0; i < 7; i++) {
		add_node(1, 1);
	}
	policy.balance = 2;
	for (int i = 0; i < 4; i++) {
		add_flow(0);
	}
	build_ok();
	expect_owner(0, 0, PLAN_WHY_LOCAL);
	expect_owner(1, 0, PLAN_WHY_LOCAL);
	expect_owner(2, 1, PLAN_WHY_BALANCE);
	expect_owner(3, 2, PLAN_WHY_BALANCE);
	policy.balance = 0;
	build_ok();
	expect_owner(3, 0, PLAN_WHY_LOCAL);
	policy.balance = 0.5;
	build_refused("--balance 0.5");
}
END_TEST

START_TEST(spread_takes_distinct_shards)
{
	add_node(2, 1);
	add_node(2, 1);
	add_flow(1)->spread = 3;
	build_ok();
	ck_assert_uint_eq(plan.first_owner[1], 3);
	ck_assert_uint_eq(plan.owners[0].shard, 2);
	ck_assert_uint_eq(plan.owners[1].shard, 3);
	ck_assert_uint_eq(plan.owners[2].shard, 0);
	ck_assert_int_eq(plan.owners[1].why, PLAN_WHY_LOCAL);
	ck_assert_int_eq(plan.owners[2].why, PLAN_WHY_SPREAD);
	flows[0].spread = 5;
	build_refused("flow 0: spread=5: there are only 4 shards");
}
END_TEST

START_TEST(named_shard_is_obeyed_or_refused)
{
	add_node(2, 1);
	add_flow(0)->named_shard = 1;
	build_ok();
	expect_owner(0, 1, PLAN_WHY_NAMED);
	flows[0].named_shard = 2;
	flows[0].where = "a.conf:7";
	build_refused("a.conf:7: shard=2: there are 2 shards");
}
END_TEST

START_TEST(appending_a_flow_moves_no_other)
{
	struct plan before;

	add_node(3, 1);
	add_node(3, 1);
	for (int i = 0; i < 20; i++) {
		add_flow(i % 3 - 1)->weight = 1 + (uint32_t)i % 4;
	}
	build_ok();
	before = plan;
	plan = (struct plan){0};
	add_flow(0)->weight = 50;
	add_flow(0)->named_shard = 4;
	build_ok();
	for (uint32_t i = 0; i < 20; i++) {
		expect_owner(i, before.owners[i].shard, before.owners[i].why);
	}
	plan_free(&before);
}
END_TEST

START_TEST(removing_a_flow_at_reload_moves_no_other)
{
	struct plan before;

	add_node(4, 1);
	policy.shard_count = 3;
	for (uint32_t i = 0; i < 12; i++) {
		add_flow(0)->weight = 1 + i % 5;
	}
	flows[5].spread = 2;
	build_ok();
	before = plan;
	plan = (struct plan){0};
	for (uint32_t i = 0; i < 12; i++) {
		flows[i].prior_flow = i;
	}
	flows[2] = flows[11]; /* the last takes the place of one removed */
	flow_count = 11;
	policy.prior = &before;
	policy.shard_count = 99; /* not looked at: shards stay */
	build_ok();
	ck_assert_uint_eq(plan.shard_count, 3);
	for (uint32_t i = 0; i < 11; i++) {
		expect_owner(i, before.owners[before.first_owner[flows[i].prior_flow]].shard,
			     PLAN_WHY_PRIOR);
	}
	ck_assert_uint_eq(plan.owners[plan.first_owner[5] + 1].shard,
			  before.owners[before.first_owner[5] + 1].shard);
	plan_free(&before);
}
END_TEST

START_TEST(naming_another_shard_at_reload_moves_the_flow)
{
	struct plan before;

	add_node(2, 1);
	add_flow(0);
	build_ok();
	before = plan;
	plan = (struct plan){0};
	flows[0].prior_flow = 0;
	flows[0].named_shard = 1;
	policy.prior = &before;
	build_ok();
	expect_owner(0, 1, PLAN_WHY_NAMED);
	flows[0].named_shard = PLAN_ANY;
	flows[0].spread = 2;
	build_ok();
	expect_owner(0, 0, PLAN_WHY_PRIOR);
	ck_assert_uint_eq(plan.owners[1].shard, 1);
	ck_assert_int_eq(plan.owners[1].why, PLAN_WHY_LOCAL);
	plan_free(&before);
}
END_TEST

START_TEST(no_flows_make_a_plan_of_shards)
{
	add_node(2, 1);
	ck_assert_int_eq(plan_build(&topo, NULL, 0, &policy, &plan, &err), 0);
	ck_assert_uint_eq(plan.shard_count, 2);
	ck_assert_uint_eq(plan.flow_count, 0);
}
END_TEST

static Suite *plan_suite(void)
{
	Suite *suite = suite_create("plan");
	TCase *tc = tcase_create("plan");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, flows_are_local_and_balanced_by_count);
	tcase_add_test(tc, merged_flows_stay_together);
	tcase_add_test(tc, weight_balances);
	tcase_add_test(tc, local_means_where_the_cpu_sits_not_where_its_memory_is);
	tcase_add_test(tc, unknown_node_is_balanced_over_all_shards);
	tcase_add_test(tc, flow_of_a_node_without_shards_goes_to_the_nearest);
	tcase_add_test(tc, overload_goes_to_the_next_node_and_says_so);
	tcase_add_test(tc, spread_takes_distinct_shards);
	tcase_add_test(tc, named_shard_is_obeyed_or_refused);
	tcase_add_test(tc, appending_a_flow_moves_no_other);
	tcase_add_test(tc, removing_a_flow_at_reload_moves_no_other);
	tcase_add_test(tc, naming_another_shard_at_reload_moves_the_flow);
	tcase_add_test(tc, no_flows_make_a_plan_of_shards);
	suite_add_tcase(suite, tc);
	return suite;
}

int main(void)
{
	SRunner *runner = srunner_create(plan_suite());
	int failed;

	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
