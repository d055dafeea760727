/* check_spread.c - what a divided flow has lost is told from what its filters refused, and one
 * share that has everything is told of, once.
 *
 * Three shards with a flow each, in counters that the test sets; no socket, no ring.
 */
#include "src/run/spread.h"

#include <check.h>
#include <string.h>

#include "src/base/clock.h"
#include "src/run/spread_set.h"
#include "tests/unit/run/spread_rig.h"
#include "tests/unit/run/supervisor_rig.h"

/* A share has received `pieces', and its socket has dropped `dropped', whatever the reason. */
static void count(uint32_t share, uint64_t pieces, uint64_t dropped)
{
	stat_set(&places[share][0].stats.pieces, pieces);
	stat_set(&places[share][0].stats.received, pieces);
	stat_set(&places[share][0].stats.not_mine, dropped);
}

static struct spread_account account_of(uint32_t share)
{
	struct spread_account account;

	spread_account(&sup, &places[share][0].flow, &account);
	return account;
}

START_TEST(what_filters_refused_is_not_lost)
{
	spread_rig_open("239.1.1.1");
	count(0, 50, 50);
	count(1, 30, 70);
	count(2, 20, 80);
	for (uint32_t i = 0; i < SHARES; i++) {
		ck_assert_uint_eq(account_of(i).pieces, 100);
		ck_assert_uint_eq(account_of(i).kernel_drops, 0);
		ck_assert_uint_eq(account_of(i).outside, 0);
	}
	ck_assert_uint_eq(account_of(0).not_mine, 50);
	ck_assert_uint_eq(account_of(2).not_mine, 80);
}
END_TEST

/* Ten of the first share's own and five of the second's found no room. */
START_TEST(what_no_share_received_is_lost_and_counted_once)
{
	uint64_t lost = 0, refused = 0;

	spread_rig_open("239.1.1.1");
	count(0, 40, 60);
	count(1, 25, 75);
	count(2, 20, 80);
	for (uint32_t i = 0; i < SHARES; i++) {
		lost += account_of(i).kernel_drops;
		refused += account_of(i).not_mine;
	}
	ck_assert_uint_eq(lost, 15);
	ck_assert_uint_eq(refused, 200); /* each of 100 by two of three */
	ck_assert_uint_eq(account_of(2).kernel_drops, 15);
}
END_TEST

/* Seven came after the first had joined and three after the second, before the third had. */
START_TEST(what_came_before_all_had_joined_is_told_apart)
{
	spread_rig_open("239.1.1.1");
	count(0, 50, 50 + 7);
	count(1, 30, 70 + 3);
	count(2, 20, 80);
	ck_assert_uint_eq(account_of(0).outside, 7);
	ck_assert_uint_eq(account_of(1).outside, 3);
	ck_assert_uint_eq(account_of(2).outside, 0);
	ck_assert_uint_eq(account_of(2).kernel_drops, 0);
}
END_TEST

/* While shards run, the drops of one are older than what the others have received since. */
START_TEST(stale_drop_counts_make_no_losses)
{
	spread_rig_open("239.1.1.1");
	count(0, 5000, 0);
	count(1, 3000, 0);
	count(2, 2000, 10);
	ck_assert_uint_eq(account_of(2).kernel_drops, 0);
	ck_assert_uint_eq(account_of(2).not_mine, 10);
}
END_TEST

/* Its place is free, or another flow's: nothing is said of it, nor done to it. */
START_TEST(a_flow_that_has_left_is_left_alone)
{
	spread_rig_open("239.1.1.1");
	count(0, 50, 50);
	places[2][0].flow.rule = NULL;
	places[1][0].flow.fd = places[2][0].flow.fd = -1;
	spread_tick(&sup);
	ck_assert_uint_eq(places[0][0].book.heard_ns, 0);
	spread_end(&sup);
	ck_assert_uint_eq(account_of(0).kernel_drops, 0);
	ck_assert_uint_eq(account_of(0).not_mine, 50);
}
END_TEST

/* After reloads one shard has several shares, and none where the layout says. */
START_TEST(a_share_is_known_by_its_number_and_not_by_its_place)
{
	spread_rig_open("239.1.1.1");
	places[0][1] = places[0][0];
	places[0][1].flow.rule = &places[0][1].rule;
	places[0][0].rule.share.index = 1;
	ck_assert_ptr_eq(spread_place_of(&sup, 0), &places[0][1]);
	places[0][1].rule.share.index = 2;
	ck_assert_ptr_null(spread_place_of(&sup, 0));
	ck_assert(spread_has_left(&sup, 0));
}
END_TEST

/* Its interface goes: what was lost is settled, and the sockets that come next begin at zero. */
START_TEST(what_was_lost_stays_when_other_sockets_come)
{
	spread_rig_open("239.1.1.1");
	count(0, 40, 60 + 7);
	count(1, 25, 75);
	count(2, 20, 80);
	for (uint32_t i = 0; i < SHARES; i++) {
		places[i][0].flow.fd = -1;
	}
	spread_closed(&sup, &places[1][0].flow);
	ck_assert_uint_eq(account_of(2).kernel_drops, 15);
	ck_assert_uint_eq(account_of(2).not_mine, 65);
	ck_assert_uint_eq(account_of(0).outside, 7);
	for (uint32_t i = 0; i < SHARES; i++) { /* ten more, of which one is lost */
		struct flow_stats *stats = &places[i][0].stats;

		places[i][0].flow.fd = 0;
		stat_add(&stats->pieces, 3);
		stat_add(&stats->not_mine, 7);
	}
	ck_assert_uint_eq(account_of(0).kernel_drops, 0);
	ck_assert_uint_eq(account_of(2).kernel_drops, 15 + 1);
	ck_assert_uint_eq(account_of(2).not_mine, 65 + 6);
	ck_assert_uint_eq(account_of(0).outside, 7);
	ck_assert_uint_eq(account_of(0).pieces, 107 + 10);
	ck_assert_uint_eq(account_of(2).pieces, 100 + 10);
}
END_TEST

/* The first that is asked has been closed, and others have not: they may still be counting. */
START_TEST(an_account_is_closed_with_the_last_socket)
{
	spread_rig_open("239.1.1.1");
	count(0, 40, 60);
	count(1, 25, 75);
	count(2, 20, 80);
	places[0][0].flow.fd = -1;
	spread_closed(&sup, &places[0][0].flow);
	ck_assert_uint_eq(stat_get(&places[2][0].stats.kernel_drops), 0);
	ck_assert_uint_eq(account_of(2).kernel_drops, 15);
}
END_TEST

/* Whichever comes last. */
START_TEST(what_a_removed_flow_had_lost_is_kept)
{
	static const uint32_t orders[][SHARES] = {{0, 1, 2}, {2, 1, 0}, {1, 2, 0}};

	for (unsigned n = 0; n < sizeof(orders) / sizeof(orders[0]); n++) {
		spread_rig_open("239.1.1.1");
		sup.gone = (struct report_gone){0};
		count(0, 40, 60);
		count(1, 25, 75);
		count(2, 20, 80);
		spread_leave(&sup, &places[0][0].rule, true);
		for (uint32_t i = 0; i < SHARES; i++) {
			const struct flow_place *place = &places[orders[n][i]][0];
			struct shard_message told = {.flow_rule = place->rule,
						     .flow_stats = place->stats};

			report_keep_flow(&sup.gone, &told.flow_stats);
			spread_removed(&sup, &told);
		}
		ck_assert_uint_eq(stat_get(&sup.gone.flows.kernel_drops), 15);
		ck_assert_uint_eq(stat_get(&sup.gone.flows.not_mine), 200);
	}
	spread_free(&sup);
}
END_TEST

START_TEST(cpus_are_lent_once_and_stay)
{
	int cpus[2] = {3, 5};
	struct share a = {.by = SHARE_BY_CPU, .count = 2, .cpus_os = cpus}, b = a, none = {0};

	ck_assert_int_eq(spread_lend_cpus(&sup, &a), 0);
	ck_assert_int_eq(spread_lend_cpus(&sup, &b), 0);
	ck_assert_int_eq(spread_lend_cpus(&sup, &none), 0);
	ck_assert_ptr_eq(a.cpus_os, b.cpus_os);
	ck_assert_ptr_ne(a.cpus_os, cpus);
	cpus[0] = 4;
	ck_assert_int_eq(a.cpus_os[0], 3);
	b.cpus_os = cpus;
	ck_assert_int_eq(spread_lend_cpus(&sup, &b), 0);
	ck_assert_ptr_ne(a.cpus_os, b.cpus_os);
	spread_free(&sup);
}
END_TEST

START_TEST(one_share_that_has_everything_is_told_of_once)
{
	spread_rig_open("239.1.1.1");
	logged_start();
	spread_tick(&sup);
	count(1, 100, 0);
	spread_tick(&sup);
	ck_assert_str_eq(logged(), "");
	ck_assert_uint_ne(places[0][0].book.heard_ns, 0);
	places[0][0].book.heard_ns -= 10 * NS_PER_S;
	spread_tick(&sup);
	ck_assert_ptr_nonnull(strstr(logged(), "one share of 3 has everything after 10 s of "
					       "traffic (shard 1): one source only?"));
	spread_tick(&sup);
	ck_assert_str_eq(logged(), "");
}
END_TEST

START_TEST(a_flow_that_two_shares_hear_is_told_of_never)
{
	spread_rig_open("192.0.2.1");
	logged_start();
	count(0, 100, 0);
	count(2, 1, 0);
	spread_tick(&sup);
	places[0][0].book.heard_ns -= 10 * NS_PER_S;
	spread_tick(&sup);
	ck_assert_str_eq(logged(), "");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("spread");
	TCase *tcase = tcase_create("spread");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_test(tcase, what_filters_refused_is_not_lost);
	tcase_add_test(tcase, what_no_share_received_is_lost_and_counted_once);
	tcase_add_test(tcase, what_came_before_all_had_joined_is_told_apart);
	tcase_add_test(tcase, stale_drop_counts_make_no_losses);
	tcase_add_test(tcase, a_flow_that_has_left_is_left_alone);
	tcase_add_test(tcase, a_share_is_known_by_its_number_and_not_by_its_place);
	tcase_add_test(tcase, what_was_lost_stays_when_other_sockets_come);
	tcase_add_test(tcase, an_account_is_closed_with_the_last_socket);
	tcase_add_test(tcase, what_a_removed_flow_had_lost_is_kept);
	tcase_add_test(tcase, cpus_are_lent_once_and_stay);
	tcase_add_test(tcase, one_share_that_has_everything_is_told_of_once);
	tcase_add_test(tcase, a_flow_that_two_shares_hear_is_told_of_never);
	suite_add_tcase(suite, tcase);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? 0 : 1;
}
