/* check_merge.c - what a merge decides, case by case; check_merge_random.c does what no one thought
 * of.
 */
#include <check.h>
#include <stdlib.h>

#include "shard/merge.h"
#include "src/base/clock.h"

#define A 0
#define B 1
#define C 2

static struct arena arena;
static struct merge *m;
static uint64_t now_ns;
static enum merge_verdict held;

static void make(const struct merge_rule *rule)
{
	struct arena counter = ARENA_COUNTER;

	(void)merge_cut(rule, false, &counter);
	ck_assert_int_eq(arena_map(&arena, counter.used_bytes, ARENA_HUGE_OFF), 0);
	m = merge_cut(rule, false, &arena);
	now_ns = NS_PER_S;
}

static void make_legs(uint8_t legs, uint8_t bytes, uint8_t session_bytes)
{
	const struct merge_rule rule = {
		.method = MERGE_BY_NUMBER,
		.leg_count = legs,
		.sequence = {.number.bytes = bytes, .session_bytes = session_bytes},
		.window = 1024,
		.skew_ms = 500,
		.silent_ms = 1000,
	};

	make(&rule);
}

static void wait_ms(uint64_t ms)
{
	now_ns += ms * NS_PER_MS;
}

static enum merge_verdict bring_named(unsigned leg, uint64_t number, uint64_t session)
{
	struct sequence seq = {.number = number & m->number_max, .count = 1, .session = {session}};

	return merge_judge(m, leg, &seq, now_ns, &held);
}

static enum merge_verdict bring(unsigned leg, uint64_t number)
{
	return bring_named(leg, number, 0);
}

static enum merge_verdict bring_many(unsigned leg, uint64_t number, uint32_t count)
{
	struct sequence seq = {.number = number, .count = count};

	return merge_judge(m, leg, &seq, now_ns, &held);
}

static void bring_both(uint64_t from, uint64_t to)
{
	for (; from < to; from++) {
		ck_assert_int_eq(bring(A, from), MERGE_RELAY);
		ck_assert_int_eq(bring(B, from), MERGE_DUPLICATE);
	}
}

START_TEST(first_arrival_wins_and_copies_go)
{
	make_legs(2, 4, 0);
	ck_assert_int_eq(bring(A, 7), MERGE_RELAY);
	ck_assert_int_eq(bring(B, 7), MERGE_DUPLICATE);
	ck_assert_int_eq(bring(B, 8), MERGE_RELAY);
	ck_assert_int_eq(bring(B, 8), MERGE_REPEATED);
	ck_assert_int_eq(bring(A, 8), MERGE_DUPLICATE);
}
END_TEST

START_TEST(gap_of_the_leader_is_filled_by_the_other)
{
	make_legs(2, 4, 0);
	ck_assert_int_eq(bring(A, 1), MERGE_RELAY);
	ck_assert_int_eq(bring(A, 3), MERGE_RELAY);
	ck_assert_int_eq(bring(B, 1), MERGE_DUPLICATE);
	ck_assert_int_eq(bring(B, 2), MERGE_RELAY);
	ck_assert_uint_eq(stat_get(&m->stats->filled), 1);
	ck_assert_uint_eq(stat_get(&m->legs[B].stats->filled), 1);
	merge_end(m);
	ck_assert_uint_eq(stat_get(&m->legs[A].stats->lost), 1);
	ck_assert_uint_eq(stat_get(&m->legs[B].stats->only), 1);
	ck_assert_uint_eq(stat_get(&m->stats->lost_all), 0);
}
END_TEST

START_TEST(numbers_wrap_at_every_width)
{
	static const uint8_t widths[] = {1, 2, 4, 8};
	struct merge_rule rule = {.method = MERGE_BY_NUMBER,
				  .leg_count = 2,
				  .sequence.number.bytes = widths[_i],
				  .window = 64,
				  .skew_ms = 500,
				  .silent_ms = 1000};

	make(&rule);
	bring_both(m->number_max - 40, m->number_max);
	for (uint64_t i = 0; i < 300; i++) {
		ck_assert_int_eq(bring(A, m->number_max + i), MERGE_RELAY);
		ck_assert_int_eq(bring(B, m->number_max + i), MERGE_DUPLICATE);
	}
	merge_end(m);
	ck_assert_uint_eq(stat_get(&m->stats->numbers), 340);
	ck_assert_uint_eq(stat_get(&m->stats->shared), 340);
	ck_assert_uint_eq(stat_get(&m->stats->restarts), 0);
}
END_TEST

/* With one leg dead for good the other's restart must still be believed. */
START_TEST(restart_is_believed_with_a_dead_leg)
{
	make_legs(2, 4, 0);
	bring_both(100000, 100100);
	wait_ms(5000);
	ck_assert_int_eq(bring(A, 0), MERGE_HOLD);
	ck_assert_int_eq(held, MERGE_NONE);
	ck_assert_int_eq(bring(A, 1), MERGE_RELAY);
	ck_assert_int_eq(held, MERGE_RELAY);
	ck_assert_int_eq(bring(A, 2), MERGE_RELAY);
	ck_assert_uint_eq(stat_get(&m->stats->restarts), 1);
}
END_TEST

START_TEST(other_leg_follows_a_restart_at_once)
{
	make_legs(2, 4, 0);
	bring_both(100000, 100100);
	bring(A, 5);
	bring(A, 6);
	ck_assert_int_eq(bring(B, 5), MERGE_DUPLICATE);
	ck_assert_int_eq(bring(B, 6), MERGE_DUPLICATE);
	ck_assert_int_eq(bring(B, 7), MERGE_RELAY);
	ck_assert_uint_eq(stat_get(&m->legs[B].stats->restarts), 1);
}
END_TEST

START_TEST(stray_is_held_and_let_go)
{
	make_legs(2, 4, 0);
	bring_both(100000, 100100);
	ck_assert_int_eq(bring(A, 5), MERGE_HOLD);
	ck_assert_int_eq(bring(A, 100100), MERGE_RELAY);
	ck_assert_int_eq(held, MERGE_NONE);
	wait_ms(501);
	ck_assert_int_eq(bring(A, 100101), MERGE_RELAY);
	ck_assert_int_eq(held, MERGE_LATE);
	ck_assert_int_eq(bring(A, 5), MERGE_HOLD);
	ck_assert_int_eq(bring(A, 5), MERGE_REPEATED);
	ck_assert_int_eq(bring(A, 50000), MERGE_HOLD); /* nor are two from anywhere a restart */
	ck_assert_int_eq(held, MERGE_LATE);
	ck_assert_uint_eq(stat_get(&m->stats->restarts), 0);
}
END_TEST

/* A leg far behind must not drag the feed back. */
START_TEST(lagging_leg_is_late_and_no_restart)
{
	make_legs(2, 4, 0);
	bring_both(0, 10);
	for (uint64_t i = 10; i < 2000; i++) {
		wait_ms(1);
		ck_assert_int_eq(bring(A, i), MERGE_RELAY);
		if (i >= 710) {
			ck_assert_int_eq(bring(B, i - 700), MERGE_LATE);
		}
	}
	ck_assert_uint_eq(stat_get(&m->stats->restarts), 0);
	ck_assert_uint_eq(stat_get(&m->legs[B].stats->behind), 1290);
}
END_TEST

/* But once it is alone, what it brings is all that there is. */
START_TEST(lagging_leg_takes_over_when_others_fall_silent)
{
	make_legs(2, 4, 0);
	bring_both(0, 10);
	for (uint64_t i = 10; i < 1000; i++) {
		wait_ms(1);
		bring(A, i);
	}
	wait_ms(1001);
	ck_assert_int_eq(bring(B, 300), MERGE_HOLD);
	ck_assert_int_eq(bring(B, 301), MERGE_RELAY);
	ck_assert_int_eq(held, MERGE_RELAY);
}
END_TEST

START_TEST(slow_feed_knows_copies_from_a_restart)
{
	make_legs(2, 4, 0);
	for (uint64_t i = 0; i < 40; i++) {
		wait_ms(1000);
		ck_assert_int_eq(bring(A, i), MERGE_RELAY);
		wait_ms(50);
		ck_assert_int_eq(bring(B, i), MERGE_DUPLICATE);
	}
	wait_ms(1000);
	ck_assert_int_eq(bring(A, 0), MERGE_HOLD);
	wait_ms(50);
	ck_assert_int_eq(bring(B, 0), MERGE_HOLD);
	wait_ms(400);
	ck_assert_int_eq(bring(A, 1), MERGE_RELAY);
	ck_assert_int_eq(held, MERGE_RELAY);
	ck_assert_int_eq(bring(B, 1), MERGE_DUPLICATE);
}
END_TEST

/* For as long as copies may be apart it may be the first after a restart. */
START_TEST(strange_leg_is_unmatched_until_it_is_alone)
{
	make_legs(2, 8, 0);
	for (uint64_t i = 0; i < 100; i++) {
		ck_assert_int_eq(bring(A, i), MERGE_RELAY);
		ck_assert_int_eq(bring(B, 1000000 + i), i == 0 ? MERGE_HOLD : MERGE_RELAY);
		ck_assert_int_eq(held, i == 1 ? MERGE_RELAY : MERGE_NONE);
	}
	wait_ms(501);
	ck_assert_int_eq(bring(A, 100), MERGE_RELAY);
	ck_assert_int_eq(bring(B, 1000100), MERGE_UNMATCHED);
	ck_assert_int_eq(bring(B, 1000101), MERGE_HOLD);
	ck_assert_int_eq(bring(B, 1000102), MERGE_UNMATCHED);
	ck_assert_int_eq(held, MERGE_UNMATCHED);
	for (uint64_t i = 0; i < 100; i++) {
		ck_assert_int_eq(bring(A, 101 + i), MERGE_RELAY);
		ck_assert_int_eq(bring(B, 1000103 + i), MERGE_UNMATCHED);
	}
	wait_ms(1001);
	ck_assert_int_eq(bring(B, 1000300), MERGE_HOLD);
	ck_assert_int_eq(bring(B, 1000301), MERGE_RELAY);
	ck_assert_int_eq(held, MERGE_RELAY);
}
END_TEST

START_TEST(strange_leg_takes_nobodys_place)
{
	make_legs(2, 4, 8);
	for (uint64_t i = 0; i < 1000; i++) {
		ck_assert_int_eq(bring_named(A, i, 1), MERGE_RELAY);
		for (uint64_t j = 0; j < 10; j++) {
			(void)bring_named(B, i, 1000 + 10 * i + j);
		}
		wait_ms(1);
	}
	ck_assert_uint_le(stat_get(&m->legs[A].stats->behind), 0);
}
END_TEST

START_TEST(session_decides_at_once)
{
	make_legs(2, 4, 8);
	ck_assert_int_eq(bring_named(A, 100, 1), MERGE_RELAY);
	ck_assert_int_eq(bring_named(B, 100, 1), MERGE_DUPLICATE);
	for (uint64_t session = 2; session < 5; session++) {
		wait_ms(1);
		ck_assert_int_eq(bring_named(A, 100, session), MERGE_RELAY);
	}
	wait_ms(1);
	ck_assert_int_eq(bring_named(B, 101, 1), MERGE_RELAY); /* the old one's last */
	ck_assert_int_eq(bring_named(B, 100, 2), MERGE_DUPLICATE);
	ck_assert_uint_eq(stat_get(&m->stats->crowded), 0);
	ck_assert_int_eq(bring_named(A, 100, 5), MERGE_RELAY);
	ck_assert_int_eq(bring_named(A, 100, 6), MERGE_RELAY);
	ck_assert_uint_eq(stat_get(&m->stats->crowded), 2);
	ck_assert_int_eq(bring_named(B, 102, 2), MERGE_LATE); /* there was no more room for it */
	ck_assert_int_eq(held, MERGE_NONE);
	wait_ms(1001);
	ck_assert_int_eq(bring_named(B, 103, 2), MERGE_RELAY); /* but nothing else comes */
}
END_TEST

START_TEST(one_ssrc_of_all_legs_decides_at_once)
{
	const struct merge_rule rule = {.method = MERGE_BY_NUMBER,
					.leg_count = 2,
					.sequence = sequence_rtp,
					.window = 16384,
					.skew_ms = 500,
					.silent_ms = 1000};

	make(&rule);
	ck_assert_int_eq(bring_named(A, 100, 1), MERGE_RELAY);
	ck_assert_int_eq(bring_named(B, 100, 1), MERGE_DUPLICATE);
	ck_assert_int_eq(bring_named(A, 100, 2), MERGE_RELAY);
	ck_assert_int_eq(bring_named(B, 101, 1), MERGE_RELAY); /* the old one's last */
	ck_assert_int_eq(bring_named(A, 101, 2), MERGE_RELAY);
	ck_assert_int_eq(bring_named(A, 101, 1), MERGE_DUPLICATE); /* overtaken */
	ck_assert_int_eq(bring_named(B, 101, 2), MERGE_DUPLICATE);
	ck_assert_int_eq(bring_named(B, 100, 2), MERGE_DUPLICATE);
	ck_assert_uint_eq(stat_get(&m->stats->restarts), 1);
}
END_TEST

/* What a leg holds is judged as soon as another leg has begun the same. */
START_TEST(first_after_a_restart_is_not_withheld)
{
	make_legs(2, 8, 0);
	for (uint64_t i = 0; i < 10; i++) {
		ck_assert_int_eq(bring(A, 5000 + i), MERGE_RELAY);
		ck_assert_int_eq(bring(B, 5000 + i), MERGE_DUPLICATE);
	}
	wait_ms(1);
	ck_assert_int_eq(bring(B, 1000000), MERGE_HOLD); /* the other leg loses it */
	ck_assert_int_eq(bring(A, 1000001), MERGE_HOLD);
	ck_assert_int_eq(bring(A, 1000002), MERGE_RELAY);
	ck_assert_int_eq(held, MERGE_RELAY);
	ck_assert_int_eq(bring(B, 1000001), MERGE_DUPLICATE);
	ck_assert_int_eq(held, MERGE_RELAY);
	ck_assert_int_eq(bring(A, 5010), MERGE_RELAY); /* overtaken by the new ones */
	ck_assert_int_eq(bring(B, 5010), MERGE_DUPLICATE);
}
END_TEST

START_TEST(gap_above_the_window_is_lost_within_a_session)
{
	make_legs(2, 8, 8);
	ck_assert_int_eq(bring_named(A, 0, 1), MERGE_RELAY);
	ck_assert_int_eq(bring_named(A, 5000, 1), MERGE_HOLD);
	ck_assert_int_eq(bring_named(A, 5001, 1), MERGE_RELAY);
	ck_assert_int_eq(held, MERGE_RELAY);
	merge_end(m);
	ck_assert_uint_eq(stat_get(&m->stats->numbers), 5002);
	ck_assert_uint_eq(stat_get(&m->stats->lost_all), 4999);
	ck_assert_uint_eq(stat_get(&m->legs[A].stats->lost), 4999);
	ck_assert_uint_eq(stat_get(&m->legs[B].stats->before), 5002);
}
END_TEST

START_TEST(other_ssrc_on_a_leg_is_a_restart)
{
	const struct merge_rule rule = {.method = MERGE_BY_NUMBER,
					.leg_count = 2,
					.sequence = sequence_rtp,
					.window = 16384,
					.skew_ms = 500,
					.silent_ms = 1000};

	make(&rule);
	for (uint64_t i = 1000; i < 1010; i++) {
		ck_assert_int_eq(bring_named(A, i, 1), MERGE_RELAY);
		ck_assert_int_eq(bring_named(B, i, 2), MERGE_DUPLICATE); /* a sender of its own */
	}
	ck_assert_int_eq(bring_named(A, 1005, 3), MERGE_RELAY);
	ck_assert_int_eq(bring_named(B, 1010, 2), MERGE_RELAY);
	ck_assert_int_eq(bring_named(B, 1005, 4), MERGE_DUPLICATE);
	ck_assert_int_eq(bring_named(B, 1006, 4), MERGE_RELAY);
	ck_assert_int_eq(bring_named(B, 4006, 4), MERGE_RELAY);
	ck_assert_int_eq(bring_named(B, 7007, 4), MERGE_HOLD); /* RFC 3550 takes that for no gap */
	ck_assert_uint_eq(stat_get(&m->stats->restarts), 1);
}
END_TEST

START_TEST(datagrams_of_several_numbers_overlap)
{
	make_legs(2, 4, 0);
	ck_assert_int_eq(bring_many(A, 100, 10), MERGE_RELAY);
	ck_assert_int_eq(bring_many(B, 100, 10), MERGE_DUPLICATE);
	ck_assert_int_eq(bring_many(B, 100, 5), MERGE_REPEATED);
	ck_assert_int_eq(bring_many(B, 105, 10), MERGE_RELAY); /* 110 to 114 are news */
	ck_assert_uint_eq(stat_get(&m->stats->overlap), 1);
	ck_assert_int_eq(bring_many(A, 110, 5), MERGE_DUPLICATE);
	merge_end(m);
	ck_assert_uint_eq(stat_get(&m->stats->numbers), 15);
	ck_assert_uint_eq(stat_get(&m->stats->shared), 15);
}
END_TEST

START_TEST(heartbeats_pass_once_and_come_again)
{
	struct sequence beat = {.number = 50, .beat = true};

	make_legs(2, 4, 0);
	for (int i = 0; i < 3; i++) {
		ck_assert_int_eq(merge_judge(m, A, &beat, now_ns, &held), MERGE_RELAY);
		ck_assert_int_eq(merge_judge(m, B, &beat, now_ns, &held), MERGE_DUPLICATE);
		ck_assert_int_eq(merge_judge(m, B, &beat, now_ns, &held), MERGE_REPEATED);
		wait_ms(1000);
	}
	ck_assert_int_eq(bring(A, 50), MERGE_RELAY);
}
END_TEST

START_TEST(failover_takes_the_first_that_is_heard)
{
	const struct merge_rule rule = {
		.method = MERGE_FAILOVER, .leg_count = 3, .silent_ms = 1000, .failover_ms = 500};

	make(&rule);
	ck_assert_int_eq(merge_judge(m, B, NULL, now_ns, &held), MERGE_RELAY);
	ck_assert_int_eq(merge_judge(m, A, NULL, now_ns, &held), MERGE_UNSELECTED);
	wait_ms(400);
	ck_assert_int_eq(merge_judge(m, B, NULL, now_ns, &held), MERGE_RELAY);
	ck_assert_int_eq(merge_judge(m, A, NULL, now_ns, &held), MERGE_UNSELECTED);
	ck_assert_int_eq(merge_judge(m, C, NULL, now_ns, &held), MERGE_UNSELECTED);
	wait_ms(100);
	ck_assert_int_eq(merge_judge(m, A, NULL, now_ns, &held), MERGE_RELAY); /* heard as long */
	ck_assert_int_eq(merge_judge(m, B, NULL, now_ns, &held), MERGE_UNSELECTED);
	wait_ms(400);
	ck_assert_int_eq(merge_judge(m, B, NULL, now_ns, &held), MERGE_UNSELECTED);
	ck_assert_int_eq(merge_judge(m, C, NULL, now_ns, &held), MERGE_UNSELECTED);
	wait_ms(101);
	ck_assert_int_eq(merge_judge(m, C, NULL, now_ns, &held), MERGE_UNSELECTED); /* B's turn */
	ck_assert_int_eq(merge_judge(m, B, NULL, now_ns, &held), MERGE_RELAY);
	ck_assert_int_eq(merge_judge(m, C, NULL, now_ns, &held), MERGE_UNSELECTED);
	ck_assert_uint_eq(stat_get(&m->stats->switches), 3);
}
END_TEST

START_TEST(silent_leg_is_told_once)
{
	make_legs(2, 4, 0);
	bring_both(0, 5);
	wait_ms(1001);
	merge_look(m, now_ns); /* nobody speaks: that is no leg's fault */
	ck_assert_uint_eq(stat_get(&m->legs[B].stats->silences), 0);
	bring(A, 5);
	merge_look(m, now_ns);
	merge_look(m, now_ns);
	ck_assert_uint_eq(stat_get(&m->legs[A].stats->silences), 0);
	ck_assert_uint_eq(stat_get(&m->legs[B].stats->silences), 1);
	ck_assert_uint_eq(stat_get(&m->legs[B].stats->silent), 1);
	bring(B, 5);
	merge_look(m, now_ns);
	ck_assert_uint_eq(stat_get(&m->legs[B].stats->silent), 0);
	ck_assert_uint_eq(stat_get(&m->legs[B].stats->silences), 1);
}
END_TEST

START_TEST(skew_is_how_far_a_leg_is_behind_the_first)
{
	make_legs(2, 4, 0);
	for (uint64_t i = 0; i < 640; i++) {
		bring(A, i);
		wait_ms(3);
		bring(B, i);
	}
	ck_assert_uint_eq(stat_get(&m->legs[B].stats->skew_max_us), 3000);
	ck_assert_uint_eq(stat_get(&m->legs[B].stats->skew[12]), 10); /* 2048 to 4095 */
	ck_assert_uint_eq(stat_get(&m->legs[A].stats->skew_max_us), 0);
}
END_TEST

static void unmake(void)
{
	arena_unmap(&arena);
}

int main(void)
{
	Suite *suite = suite_create("merge");
	TCase *tests = tcase_create("decisions");
	SRunner *runner;
	int failed;

	tcase_add_checked_fixture(tests, NULL, unmake);
	tcase_add_test(tests, first_arrival_wins_and_copies_go);
	tcase_add_test(tests, gap_of_the_leader_is_filled_by_the_other);
	tcase_add_loop_test(tests, numbers_wrap_at_every_width, 0, 4);
	tcase_add_test(tests, restart_is_believed_with_a_dead_leg);
	tcase_add_test(tests, other_leg_follows_a_restart_at_once);
	tcase_add_test(tests, stray_is_held_and_let_go);
	tcase_add_test(tests, lagging_leg_is_late_and_no_restart);
	tcase_add_test(tests, lagging_leg_takes_over_when_others_fall_silent);
	tcase_add_test(tests, slow_feed_knows_copies_from_a_restart);
	tcase_add_test(tests, strange_leg_is_unmatched_until_it_is_alone);
	tcase_add_test(tests, strange_leg_takes_nobodys_place);
	tcase_add_test(tests, session_decides_at_once);
	tcase_add_test(tests, one_ssrc_of_all_legs_decides_at_once);
	tcase_add_test(tests, first_after_a_restart_is_not_withheld);
	tcase_add_test(tests, gap_above_the_window_is_lost_within_a_session);
	tcase_add_test(tests, other_ssrc_on_a_leg_is_a_restart);
	tcase_add_test(tests, datagrams_of_several_numbers_overlap);
	tcase_add_test(tests, heartbeats_pass_once_and_come_again);
	tcase_add_test(tests, failover_takes_the_first_that_is_heard);
	tcase_add_test(tests, silent_leg_is_told_once);
	tcase_add_test(tests, skew_is_how_far_a_leg_is_behind_the_first);
	suite_add_tcase(suite, tests);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
