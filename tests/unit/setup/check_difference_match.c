/* check_difference_match.c - of a divided flow all shares go on with their sockets, or none does;
 * and which options of an output its socket follows.
 */
#include "src/setup/difference_match.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "src/setup/difference.h"

#define SHARDS 3

static struct rule_flow flows[2][SHARDS];
static struct rule_table tables[2][SHARDS];
static struct layout layouts[2] = {{.tables = tables[0], .shard_count = SHARDS},
				   {.tables = tables[1], .shard_count = SHARDS}};
static struct difference_matches all;

static void setup(void)
{
	memset(flows, 0, sizeof(flows));
	memset(tables, 0, sizeof(tables));
	for (int i = 0; i < 2 * SHARDS; i++) {
		tables[i / SHARDS][i % SHARDS].flows = &flows[i / SHARDS][i % SHARDS];
	}
	all = (struct difference_matches){.running = &layouts[0], .wanted = &layouts[1]};
}

static void teardown(void)
{
	free(all.list);
}

/* In the layout, on the shard: share `index' of `count'; of 1 the whole flow. */
static struct rule_flow *put(int layout, uint32_t shard, uint8_t index, uint8_t count)
{
	struct rule_flow *flow = &flows[layout][shard];

	tables[layout][shard].flow_count = 1;
	flow->in.at.addr = (struct addr){.family = AF_INET, .ip = {239, 1, 1, 1}, .port = 5000};
	flow->share = (struct share){
		.by = count > 1 ? SHARE_BY_SOURCE : 0, .index = index, .count = count};
	return flow;
}

/* How many of the matches are kept, and move. */
static void expect(uint32_t kept, uint32_t moved)
{
	uint32_t keeps = 0, moves = 0;

	ck_assert_int_eq(difference_match(&all), 0);
	for (uint32_t i = 0; i < all.count; i++) {
		keeps += difference_keeps(&all.list[i]);
		moves += difference_moves(&all.list[i]);
	}
	ck_assert_uint_eq(keeps, kept);
	ck_assert_uint_eq(moves, moved);
}

START_TEST(shares_that_stay_are_kept)
{
	for (int l = 0; l < 2; l++) {
		put(l, 0, 0, 2);
		put(l, 2, 1, 2);
	}
	expect(2, 0);
}
END_TEST

START_TEST(a_share_moves_as_what_it_is)
{
	put(0, 0, 0, 2);
	put(0, 2, 1, 2);
	put(1, 1, 0, 2);
	put(1, 2, 1, 2);
	expect(1, 1);
}
END_TEST

START_TEST(none_is_kept_when_there_are_more)
{
	put(0, 0, 0, 2);
	put(0, 1, 1, 2);
	put(1, 0, 0, 3);
	put(1, 1, 1, 3);
	put(1, 2, 2, 3);
	expect(0, 0);
}
END_TEST

/* The first stays where it was, what it was. */
START_TEST(none_is_kept_when_one_cannot_be)
{
	put(0, 0, 0, 2);
	put(0, 1, 1, 2)->gro = true;
	put(1, 0, 0, 2);
	put(1, 1, 1, 2);
	expect(0, 0);
}
END_TEST

/* Where the second was the first is to be, so that neither can go first. */
START_TEST(none_moves_when_they_would_meet)
{
	put(0, 0, 0, 2);
	put(0, 1, 1, 2);
	put(1, 1, 0, 2);
	put(1, 2, 1, 2);
	expect(0, 0);
}
END_TEST

START_TEST(a_whole_flow_is_no_share)
{
	put(0, 0, 0, 1);
	put(1, 0, 0, 2);
	put(1, 1, 1, 2);
	expect(0, 0);
}
END_TEST

/* How many of the matches are cut. */
static void expect_cuts(uint32_t wanted)
{
	struct difference_match **cuts;
	uint32_t count;

	ck_assert_int_eq(difference_match(&all), 0);
	cuts = difference_cuts(&all, &count);
	ck_assert_ptr_nonnull(cuts);
	ck_assert_uint_eq(count, wanted);
	for (uint32_t i = 0; i < count; i++) {
		ck_assert(cuts[i]->cut);
	}
	free(cuts);
}

START_TEST(a_group_whose_sockets_are_all_others_is_cut)
{
	put(0, 0, 0, 2);
	put(0, 1, 1, 2);
	put(1, 0, 0, 3);
	put(1, 1, 1, 3);
	put(1, 2, 2, 3);
	expect_cuts(3);
}
END_TEST

START_TEST(what_goes_on_only_comes_or_only_goes_is_not_cut)
{
	put(0, 0, 0, 1);
	put(1, 0, 0, 1);
	put(0, 1, 0, 1)->in.at.addr.port = 1;
	put(1, 2, 0, 1)->in.at.addr.port = 2;
	expect_cuts(0);
}
END_TEST

START_TEST(neither_a_port_nor_a_leg_is_cut)
{
	static struct rule_merge merge;

	put(0, 0, 0, 1)->gro = true;
	put(1, 0, 0, 1);
	for (int l = 0; l < 2; l++) {
		flows[l][0].in.at.addr.ip[0] = 10;
	}
	put(0, 1, 0, 1)->merge = &merge;
	put(1, 1, 0, 1)->merge = &merge;
	flows[0][1].gro = true;
	expect_cuts(0);
}
END_TEST

/* Each alone, beside an output without any. */
static const struct rule_output bound[] = {
	{.sport = 7},
	{.src_keep = true},
	{.sport_keep = true},
	{.df = true},
	{.mtu = 1400},
	{.reply = true},
	{.src = {.family = AF_INET, .ip = {10, 0, 0, 1}}},
	{.to.addr = {.family = AF_INET, .ip = {10, 0, 0, 2}}},
	{.priority = RULE_AUTO},
};
static const struct rule_output followed[] = {
	{.rate_bps = 1}, {.ttl_mode = RULE_TTL_KEEP},
	{.ttl = 9},      {.dscp = 10},
	{.priority = 3}, {.gso = true},
	{.local = true},
};

START_TEST(output_has_another_socket_where_the_one_it_has_cannot_follow)
{
	struct rule_table_output plain = {.ifindex = 1}, other;

	for (size_t i = 0; i < sizeof(bound) / sizeof(bound[0]); i++) {
		other = (struct rule_table_output){.out = bound[i]};
		ck_assert_int_eq(difference_of_output(&plain, &other), DIFFERENCE_REPLACE_OUTPUT);
	}
	for (size_t i = 0; i < sizeof(followed) / sizeof(followed[0]); i++) {
		other = (struct rule_table_output){.out = followed[i]};
		ck_assert_int_eq(difference_of_output(&plain, &other), DIFFERENCE_SET_OUTPUT);
	}
	other = (struct rule_table_output){.ifindex = 9, .mtu = 9000};
	ck_assert_int_eq(difference_of_output(&plain, &other), -1);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("difference_match");
	SRunner *runner = srunner_create(suite);
	TCase *tc = tcase_create("difference_match");
	int failed;

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, shares_that_stay_are_kept);
	tcase_add_test(tc, a_share_moves_as_what_it_is);
	tcase_add_test(tc, none_is_kept_when_there_are_more);
	tcase_add_test(tc, none_is_kept_when_one_cannot_be);
	tcase_add_test(tc, none_moves_when_they_would_meet);
	tcase_add_test(tc, a_whole_flow_is_no_share);
	tcase_add_test(tc, a_group_whose_sockets_are_all_others_is_cut);
	tcase_add_test(tc, what_goes_on_only_comes_or_only_goes_is_not_cut);
	tcase_add_test(tc, neither_a_port_nor_a_leg_is_cut);
	tcase_add_test(tc, output_has_another_socket_where_the_one_it_has_cannot_follow);
	suite_add_tcase(suite, tc);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? 0 : 1;
}
