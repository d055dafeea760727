/* check_weigh.c - when a flow costs less by the program, and when by its shard, by what it counts.
 */
#include "src/fastpath/weigh.h"

#include <check.h>
#include <stdlib.h>

#include "src/base/clock.h"

#define OUTPUTS 8U
#define RATE    (WEIGH_COPIES_MIN / OUTPUTS) /* datagrams a second that are just enough */

/* A second of single datagrams of one size; its shard makes trains of 16. */
static struct weigh_sample second(uint64_t received)
{
	return (struct weigh_sample){.ns = NS_PER_S,
				     .outputs = OUTPUTS,
				     .received = received,
				     .pieces = received,
				     .sent = OUTPUTS * received,
				     .sends = OUTPUTS * received / 16};
}

/* After how many such seconds it turns; 0: not within a minute. */
static unsigned turns_after(struct weigh *weigh, const struct weigh_sample *sample)
{
	for (unsigned s = 1; s <= 60; s++) {
		if (weigh_add(weigh, sample)) {
			return s;
		}
	}
	return 0;
}

START_TEST(equal_singles_to_many_outputs_are_left_to_the_shard)
{
	struct weigh weigh = {0};
	struct weigh_sample sample = second(RATE);

	ck_assert_uint_eq(turns_after(&weigh, &sample), WEIGH_LEAVE_S);
	ck_assert(weigh.left);
	ck_assert_uint_eq(turns_after(&weigh, &sample), 0);
	sample = second(RATE / 2);
	ck_assert_uint_eq(turns_after(&weigh, &sample), 0);
	sample = second(RATE / 2 - 1000);
	ck_assert_uint_eq(turns_after(&weigh, &sample), WEIGH_RETURN_S);
	ck_assert(!weigh.left);
	sample = second(RATE);
	ck_assert_uint_eq(turns_after(&weigh, &sample), WEIGH_LEAVE_S);
}
END_TEST

START_TEST(all_else_stays_with_the_program)
{
	struct weigh_sample low = second(RATE - 1000), few = second(10 * RATE),
			    trains = second(10 * RATE), mixed = second(10 * RATE), none = second(0);
	const struct weigh_sample *const stay[] = {&low, &few, &trains, &mixed, &none};

	few.outputs = WEIGH_OUTPUTS_MIN - 1;
	trains.pieces = trains.received * 8 / 10;
	mixed.unlike = mixed.pieces / 7;
	for (size_t i = 0; i < sizeof(stay) / sizeof(stay[0]); i++) {
		struct weigh weigh = {0};

		ck_assert_msg(turns_after(&weigh, stay[i]) == 0, "%zu", i);
	}
}
END_TEST

START_TEST(it_takes_seconds_at_a_stretch)
{
	struct weigh weigh = {0};
	struct weigh_sample high = second(10 * RATE), low = second(RATE / 4), part = high;

	for (int i = 0; i < 20; i++) {
		ck_assert(!weigh_add(&weigh, i % WEIGH_LEAVE_S == 0 ? &low : &high));
	}
	ck_assert(!weigh_add(&weigh, &low));
	part.ns = NS_PER_S * WEIGH_LEAVE_S; /* whoever was late has seen a longer time */
	part.received *= WEIGH_LEAVE_S;
	part.pieces *= WEIGH_LEAVE_S;
	ck_assert(weigh_add(&weigh, &part));
	for (int i = 0; i < 20; i++) {
		ck_assert(!weigh_add(&weigh, i % WEIGH_RETURN_S == 0 ? &high : &low));
	}
}
END_TEST

START_TEST(trains_that_come_or_sizes_that_differ_bring_it_back)
{
	struct weigh weigh = {.left = true};
	struct weigh_sample sample = second(RATE);

	sample.pieces /= 10; /* the device has begun to coalesce */
	ck_assert_uint_eq(turns_after(&weigh, &sample), WEIGH_RETURN_S);
	weigh = (struct weigh){.left = true};
	sample = second(RATE);
	sample.outputs = WEIGH_OUTPUTS_MIN - 1;
	ck_assert_uint_eq(turns_after(&weigh, &sample), WEIGH_RETURN_S);
}
END_TEST

/* Else it would go to and fro every few seconds. */
START_TEST(one_that_no_shard_made_trains_of_stays_for_long)
{
	struct weigh weigh = {.left = true};
	struct weigh_sample sample = second(RATE);
	unsigned seconds = 0;

	sample.sends = sample.sent / 2;
	ck_assert_uint_eq(turns_after(&weigh, &sample), WEIGH_RETURN_S);
	while (!weigh_add(&weigh, &sample)) {
		seconds++;
	}
	ck_assert_uint_ge(seconds, WEIGH_NO_TRAINS_S - 1);
	ck_assert_uint_le(seconds, WEIGH_NO_TRAINS_S + WEIGH_LEAVE_S);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("weigh");
	TCase *tcase = tcase_create("weigh");
	SRunner *runner;
	int failed;

	tcase_add_test(tcase, equal_singles_to_many_outputs_are_left_to_the_shard);
	tcase_add_test(tcase, all_else_stays_with_the_program);
	tcase_add_test(tcase, it_takes_seconds_at_a_stretch);
	tcase_add_test(tcase, trains_that_come_or_sizes_that_differ_bring_it_back);
	tcase_add_test(tcase, one_that_no_shard_made_trains_of_stays_for_long);
	suite_add_tcase(suite, tcase);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? 0 : 1;
}
