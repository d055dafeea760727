/* check_plan_moves.c - measured loads are evened out with few moves, near where the datagrams come
 * in, and nothing moves without need.
 */
#include "numa/plan_moves.h"

#include "tests/unit/numa/plan_machine.h"

#define RANDOM_RUNS 300

static struct plan_part parts[FLOWS_MAX * 4];
static int nodes_os[FLOWS_MAX];
static struct plan_moves_policy moves_policy;
static struct plan_moves moves;

static void setup_moves(void)
{
	setup();
	memset(parts, 0, sizeof(parts));
	moves_policy = (struct plan_moves_policy){.tolerance = 1.2, .balance = 4, .most = 64};
	moves = (struct plan_moves){0};
}

static void teardown_moves(void)
{
	plan_moves_free(&moves);
	teardown();
}

/* Builds the plan of `flows', all on `shard' where that is not PLAN_ANY. */
static void plan_on(uint32_t shard)
{
	for (uint32_t i = 0; i < flow_count; i++) {
		flows[i].named_shard = shard;
		nodes_os[i] = flows[i].node_os;
	}
	build_ok();
}

static void find(void)
{
	plan_moves_free(&moves);
	ck_assert_int_eq(plan_moves_find(&topo, &plan, nodes_os, parts, &moves_policy, &moves), 0);
}

/* The plan becomes what it was found it should be. */
static void take(void)
{
	for (uint32_t i = 0; i < moves.count; i++) {
		plan.owners[moves.moves[i].owner].shard = moves.moves[i].to;
	}
}

START_TEST(what_is_even_enough_stays)
{
	add_node(4, 1);
	for (int i = 0; i < 8; i++) {
		add_flow(0);
		parts[i].load = 100 + (uint64_t)i;
	}
	plan_on(PLAN_ANY);
	find();
	ck_assert_uint_eq(moves.count, 0);
	ck_assert_uint_eq(moves.total, 828);
	memset(parts, 0, sizeof(parts)); /* nor does anything where nothing comes */
	find();
	ck_assert_uint_eq(moves.count, 0);
}
END_TEST

START_TEST(a_full_shard_gives_to_an_empty_one)
{
	add_node(2, 1);
	for (int i = 0; i < 4; i++) {
		add_flow(TOPO_UNKNOWN);
		parts[i].load = 1000;
	}
	plan_on(0);
	find();
	ck_assert_uint_eq(moves.count, 2);
	ck_assert_uint_eq(moves.before[0], 4000);
	ck_assert_uint_eq(moves.before[1], 0);
	ck_assert_uint_eq(moves.after[0], 2000);
	ck_assert_uint_eq(moves.after[1], 2000);
	ck_assert_uint_eq(moves.moves[0].from, 0);
	ck_assert_uint_eq(moves.moves[0].to, 1);
}
END_TEST

START_TEST(one_large_move_comes_before_many_small_ones)
{
	add_node(2, 1);
	for (int i = 0; i < 11; i++) {
		add_flow(TOPO_UNKNOWN);
		parts[i].load = i == 0 ? 500 : 50;
	}
	plan_on(0);
	find();
	ck_assert_uint_eq(moves.count, 1);
	ck_assert_uint_eq(moves.moves[0].flow, 0);
}
END_TEST

START_TEST(a_flow_that_is_all_of_the_load_stays)
{
	add_node(2, 1);
	add_flow(TOPO_UNKNOWN);
	parts[0].load = 1000;
	plan_on(0);
	find();
	ck_assert_uint_eq(moves.count, 0); /* to carry it to and fro helps nobody */
}
END_TEST

START_TEST(two_shards_do_not_change_their_roles)
{
	add_node(2, 1);
	add_flow(TOPO_UNKNOWN);
	add_flow(TOPO_UNKNOWN);
	add_flow(TOPO_UNKNOWN);
	parts[0].load = 5700;
	parts[1].load = 5600;
	parts[2].load = 5500;
	plan_on(0);
	plan.owners[2].shard = 1;
	find();
	ck_assert_uint_eq(moves.count, 0);
}
END_TEST

START_TEST(many_small_flows_add_up)
{
	add_node(2, 1);
	for (int i = 0; i < 60; i++) {
		add_flow(TOPO_UNKNOWN);
		parts[i].load = 1;
	}
	plan_on(0);
	find();
	ck_assert_uint_ge(moves.count, 28);
	ck_assert_uint_le(moves.count, 30);
}
END_TEST

START_TEST(a_shard_within_the_tolerance_gives_nothing)
{
	add_node(3, 1);
	for (int i = 0; i < 30; i++) {
		add_flow(TOPO_UNKNOWN);
		parts[i].load = 10;
	}
	plan_on(1);
	for (int i = 0; i < 11; i++) {
		plan.owners[i].shard = 0; /* 110, 140, 50 */
	}
	for (int i = 11; i < 16; i++) {
		plan.owners[i].shard = 2;
	}
	find();
	ck_assert_uint_gt(moves.count, 0);
	ck_assert_uint_eq(moves.after[0], 110);
}
END_TEST

START_TEST(what_is_fixed_stays_and_others_make_room)
{
	add_node(2, 1);
	for (int i = 0; i < 4; i++) {
		add_flow(TOPO_UNKNOWN);
		parts[i].load = 1000;
	}
	parts[0].fixed = parts[1].fixed = true;
	plan_on(0);
	find();
	ck_assert_uint_eq(moves.count, 2);
	ck_assert_uint_eq(moves.moves[0].flow, 2);
	ck_assert_uint_eq(moves.moves[1].flow, 3);
}
END_TEST

START_TEST(a_flow_stays_on_the_node_of_its_interface)
{
	add_node(2, 1);
	add_node(2, 1);
	for (int i = 0; i < 4; i++) {
		add_flow(0);
		parts[i].load = 1000;
	}
	plan_on(0);
	find();
	ck_assert_uint_eq(moves.count, 2);
	ck_assert_uint_eq(moves.moves[0].to, 1);
	ck_assert_uint_eq(moves.moves[1].to, 1);
	ck_assert_uint_eq(moves.after[2] + moves.after[3], 0);
	/* The bound of the plan lets it go farther. */
	moves_policy.balance = 1;
	find();
	ck_assert_uint_eq(moves.count, 3);
	ck_assert_uint_eq(moves.after[3], 1000);
	/* Strictly local: never. */
	moves_policy.balance = 0;
	find();
	ck_assert_uint_eq(moves.after[2] + moves.after[3], 0);
}
END_TEST

START_TEST(the_parts_of_a_flow_never_meet)
{
	add_node(3, 1);
	add_flow(TOPO_UNKNOWN)->spread = 2;
	add_flow(TOPO_UNKNOWN)->spread = 3;
	plan_on(0);
	for (uint32_t o = 0; o < 5; o++) {
		parts[o].load = plan.owners[o].shard == 0 ? 1000 : 1;
	}
	find();
	ck_assert_uint_eq(moves.count, 1);
	ck_assert_uint_eq(moves.moves[0].flow, 0);
	take();
	ck_assert_uint_ne(plan.owners[0].shard, plan.owners[1].shard);
}
END_TEST

START_TEST(there_are_no_more_moves_than_may_be)
{
	add_node(2, 1);
	for (int i = 0; i < 40; i++) {
		add_flow(TOPO_UNKNOWN);
		parts[i].load = 1000;
	}
	plan_on(0);
	moves_policy.most = 3;
	find();
	ck_assert_uint_eq(moves.count, 3);
}
END_TEST

/* Whatever the loads: the heaviest shard becomes no heavier, nothing is lost, fixed parts and
 * parts of one flow stay apart, and what was found is not found again. */
START_TEST(whatever_the_loads_it_becomes_better_and_stays_so)
{
	uint64_t total = 0, after = 0;

	srand((unsigned)_i);
	add_node(1 + (uint32_t)rand() % 4, 1);
	add_node(1 + (uint32_t)rand() % 4, 1);
	for (int i = 0; i < 40; i++) {
		add_flow(rand() % 3 - 1)->spread = 1 + (uint32_t)(rand() % 4 == 0);
	}
	plan_on(PLAN_ANY);
	for (uint32_t o = 0; o < plan.first_owner[flow_count]; o++) {
		parts[o].load =
			rand() % 5 == 0 ? (uint64_t)(rand() % 100000) : (uint64_t)(rand() % 100);
		parts[o].fixed = rand() % 6 == 0;
		total += parts[o].load;
	}
	find();
	for (uint32_t s = 0; s < plan.shard_count; s++) {
		after += moves.after[s];
	}
	ck_assert_uint_eq(after, total);
	ck_assert_double_le(plan_moves_peak(moves.after, plan.shard_count),
			    plan_moves_peak(moves.before, plan.shard_count));
	for (uint32_t i = 0; i < moves.count; i++) {
		ck_assert(!parts[moves.moves[i].owner].fixed);
		ck_assert_uint_ne(moves.moves[i].from, moves.moves[i].to);
	}
	take();
	for (uint32_t f = 0; f < flow_count; f++) {
		uint32_t first = plan.first_owner[f];

		ck_assert(flows[f].spread == 1 ||
			  plan.owners[first].shard != plan.owners[first + 1].shard);
	}
	find();
	ck_assert_uint_eq(moves.count, 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("plan_moves");
	SRunner *runner = srunner_create(suite);
	TCase *tc = tcase_create("plan_moves");
	int failed;

	tcase_add_checked_fixture(tc, setup_moves, teardown_moves);
	tcase_add_test(tc, what_is_even_enough_stays);
	tcase_add_test(tc, a_full_shard_gives_to_an_empty_one);
	tcase_add_test(tc, one_large_move_comes_before_many_small_ones);
	tcase_add_test(tc, a_flow_that_is_all_of_the_load_stays);
	tcase_add_test(tc, two_shards_do_not_change_their_roles);
	tcase_add_test(tc, many_small_flows_add_up);
	tcase_add_test(tc, a_shard_within_the_tolerance_gives_nothing);
	tcase_add_test(tc, what_is_fixed_stays_and_others_make_room);
	tcase_add_test(tc, a_flow_stays_on_the_node_of_its_interface);
	tcase_add_test(tc, the_parts_of_a_flow_never_meet);
	tcase_add_test(tc, there_are_no_more_moves_than_may_be);
	tcase_add_loop_test(tc, whatever_the_loads_it_becomes_better_and_stays_so, 0, RANDOM_RUNS);
	suite_add_tcase(suite, tc);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
