/* check_merge_far.c - a number that is believed lies as far ahead as numbers can, and what lies in
 * between is settled at once, as lost, and not one by one.
 */
#include <check.h>
#include <stdlib.h>

#include "shard/merge.h"
#include "src/base/clock.h"

#define A       0
#define B       1
#define WINDOW  1024
#define HALF    (1ULL << 63)
#define SESSION 7
#define BEGUN   100 /* numbers that both have brought before */

static struct arena arena;
static struct merge *m;
static uint64_t now_ns;
static enum merge_verdict held;

/* Within a session it is one feed, however far the numbers are from each other. */
static void setup(void)
{
	const struct merge_rule rule = {
		.method = MERGE_BY_NUMBER,
		.leg_count = 2,
		.sequence = {.number.bytes = 8, .session_bytes = 4},
		.window = WINDOW,
		.skew_ms = 500,
		.silent_ms = 1000,
	};
	struct arena counter = ARENA_COUNTER;

	(void)merge_cut(&rule, false, &counter);
	ck_assert_int_eq(arena_map(&arena, counter.used_bytes, ARENA_HUGE_OFF), 0);
	m = merge_cut(&rule, false, &arena);
	now_ns = NS_PER_S;
}

static void teardown(void)
{
	arena_unmap(&arena);
}

static enum merge_verdict bring(unsigned leg, uint64_t number)
{
	struct sequence seq = {.number = number, .count = 1, .session = {SESSION}};

	now_ns += NS_PER_MS;
	return merge_judge(m, leg, &seq, now_ns, &held);
}

static void begin(void)
{
	for (uint64_t i = 0; i < BEGUN; i++) {
		ck_assert_int_eq(bring(A, i), MERGE_RELAY);
		ck_assert_int_eq(bring(B, i), MERGE_DUPLICATE);
	}
}

/* So far ahead of the last number, which half of all numbers at most can be. */
static const uint64_t steps[] = {
	WINDOW + 1,  1ULL << 32, HALF / 2,   HALF - 4 * WINDOW, HALF - WINDOW,
	HALF - 1024, HALF - 512, HALF - 128, HALF - 64,         HALF - 2,
};

START_TEST(number_far_ahead_is_believed_and_all_between_is_lost)
{
	uint64_t far = BEGUN - 1 + steps[_i], between = steps[_i] - 1;

	begin();
	ck_assert_int_eq(bring(A, far), MERGE_HOLD);
	ck_assert_int_eq(bring(A, far + 1), MERGE_RELAY);
	ck_assert_int_eq(held, MERGE_RELAY);
	ck_assert_int_eq(bring(A, far + 2), MERGE_RELAY);
	ck_assert_int_eq(bring(B, far + 2), MERGE_DUPLICATE);
	ck_assert_int_eq(bring(B, far + 3), MERGE_RELAY);
	merge_end(m);
	ck_assert_uint_eq(stat_get(&m->stats->lost_all), between);
	ck_assert_uint_eq(stat_get(&m->stats->delivered), BEGUN + 4);
	ck_assert_uint_eq(stat_get(&m->stats->numbers), BEGUN + 4 + between);
	ck_assert_uint_eq(stat_get(&m->legs[A].stats->seen), BEGUN + 3);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("merge_far");
	TCase *tcase = tcase_create("far");
	SRunner *runner;
	int failed;

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_loop_test(tcase, number_far_ahead_is_believed_and_all_between_is_lost, 0,
			    sizeof(steps) / sizeof(steps[0]));
	suite_add_tcase(suite, tcase);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
