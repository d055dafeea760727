/* check_pace.c - how a ring waits that may add latency: slow, fast, silent and changing arrivals.
 */
#include <check.h>
#include <stdlib.h>

#include "shard/ring/pace.h"
#include "src/base/clock.h"

static struct pace pace;
static struct ring_waits waits;
static uint64_t now_ns;

/* Turns of `events' every `step_us' for `ms' milliseconds; the way of the last. */
static enum pace_way go_on(uint32_t step_us, uint32_t events, uint32_t ms)
{
	enum pace_way way = PACE_SLEEP;

	for (uint64_t end_ns = now_ns + ms * NS_PER_MS; now_ns < end_ns;) {
		now_ns += step_us * NS_PER_US;
		way = pace_choose(&pace, now_ns, events, &waits);
	}
	return way;
}

static void begin(uint32_t latency_us)
{
	now_ns = NS_PER_S;
	waits = (struct ring_waits){.latency_us = latency_us};
	pace_begin(&pace, latency_us);
}

START_TEST(nothing_is_known_at_first)
{
	begin(100);
	ck_assert_int_eq(pace_choose(&pace, now_ns, 0, &waits), PACE_SLEEP);
	ck_assert_int_eq(pace_choose(&pace, now_ns + 1000, 50, &waits), PACE_SLEEP);
	ck_assert_uint_eq(waits.batch_us, 0);
	ck_assert_uint_eq(waits.spin_us, 0);
	ck_assert_uint_eq(waits.latency_us, 100);
}
END_TEST

/* The budget, the pause between events, and what becomes of it. */
static const struct {
	uint32_t latency_us, step_us, events;
	enum pace_way way;
	uint32_t batch_us, spin_us;
} ways[] = {
	{100, 125, 1, PACE_SLEEP, 0, 0},     /* 8000/s: none comes within the budget */
	{100, 100, 1, PACE_SLEEP, 0, 0},     /* 10 000/s: one does, and has the timer for itself */
	{100, 20, 1, PACE_GATHER, 100, 0},   /* 50 000/s: five do */
	{100, 100, 15, PACE_GATHER, 100, 0}, /* 150 000/s, gathered already */
	{100, 100, 200, PACE_GATHER, 32, 0}, /* 2 million/s: enough come in less */
	{150, 100, 1, PACE_GATHER, 150, 0},  /* just enough */
	{149, 100, 1, PACE_SLEEP, 0, 0},     /* and just not */
	{15, 10, 1, PACE_GATHER, 15, 0},     {14, 10, 1, PACE_SLEEP, 0, 0},
	{2, 4, 1, PACE_SPIN, 0, 8},  /* nearer than a wake-up is dear */
	{2, 6, 1, PACE_SLEEP, 0, 0}, /* farther */
	{1, 1, 1, PACE_SPIN, 0, 2},          {1000000, 200000, 1, PACE_GATHER, 1000000, 0},
};

START_TEST(the_way_follows_the_rate)
{
	begin(ways[_i].latency_us);
	ck_assert_int_eq(go_on(ways[_i].step_us, ways[_i].events, 3000), ways[_i].way);
	ck_assert_uint_eq(waits.batch_us, ways[_i].batch_us);
	ck_assert_uint_eq(waits.spin_us, ways[_i].spin_us);
}
END_TEST

START_TEST(what_changes_is_followed_within_some_windows)
{
	begin(100);
	ck_assert_int_eq(go_on(10, 1, 5), PACE_GATHER);
	ck_assert_int_eq(go_on(200, 1, 5), PACE_SLEEP);
	ck_assert_int_eq(go_on(10, 1, 5), PACE_GATHER);
}
END_TEST

START_TEST(a_silence_ends_what_was_before)
{
	begin(100);
	ck_assert_int_eq(go_on(10, 1, 5), PACE_GATHER);
	now_ns += NS_PER_S;
	ck_assert_int_eq(pace_choose(&pace, now_ns, 1, &waits), PACE_SLEEP);
	ck_assert_uint_eq(waits.batch_us, 0);
	ck_assert_int_eq(go_on(10, 1, 6), PACE_GATHER);
}
END_TEST

START_TEST(a_burst_alone_changes_nothing)
{
	begin(100);
	ck_assert_int_eq(go_on(200, 1, 20), PACE_SLEEP);
	ck_assert_int_eq(pace_choose(&pace, now_ns += 1000, 12, &waits), PACE_SLEEP);
	ck_assert_int_eq(go_on(200, 1, 1), PACE_SLEEP);
}
END_TEST

START_TEST(turns_without_events_count_as_time)
{
	begin(100);
	ck_assert_int_eq(go_on(10, 1, 5), PACE_GATHER);
	ck_assert_int_eq(go_on(10, 0, 20), PACE_SLEEP);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("pace");
	TCase *tc = tcase_create("pace");
	SRunner *sr;
	int failed;

	tcase_add_test(tc, nothing_is_known_at_first);
	tcase_add_loop_test(tc, the_way_follows_the_rate, 0, sizeof(ways) / sizeof(ways[0]));
	tcase_add_test(tc, what_changes_is_followed_within_some_windows);
	tcase_add_test(tc, a_silence_ends_what_was_before);
	tcase_add_test(tc, a_burst_alone_changes_nothing);
	tcase_add_test(tc, turns_without_events_count_as_time);
	suite_add_tcase(s, tc);
	sr = srunner_create(s);
	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
