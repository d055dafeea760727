/* check_latency.c - how long what was received has waited when it is sent, by samples. */
#include <check.h>
#include <errno.h>
#include <stdlib.h>

#include "src/base/clock.h"
#include "tests/unit/shard/relay_rig.h"

#define AGE_NS (5 * NS_PER_MS)

static struct rig rig;

static const struct rig_options trains = {
	.outputs = 2, .train_max = 64, .mtu = 1500, .slots = 32, .out = {.ttl = 16}};
static const struct rig_options singles = {
	.outputs = 2, .train_max = 1, .mtu = 1500, .slots = 32, .out = {.ttl = 16}};

/* One datagram that the kernel received `age_ns' ago, or, negative, is to receive. */
static void deliver(int64_t age_ns)
{
	uint32_t number = rig.delivered++;

	fake_deliver(rig.ring, 0,
		     &(struct fake_datagram){.payload = &number,
					     .payload_bytes = sizeof(number),
					     .stamp_ns = clock_wall_ns() - (uint64_t)age_ns});
}

static uint64_t samples(uint32_t output)
{
	return stat_get(&rig.output_stats[output].latency_samples);
}

/* Aborts unless the histogram holds as many as were counted, all of at least AGE_NS. */
static void expect_aged(uint32_t output)
{
	const struct output_stats *stats = &rig.output_stats[output];
	unsigned least = counter_bucket_of(AGE_NS / NS_PER_US, LATENCY_BUCKETS);
	uint64_t sum = 0;

	for (unsigned b = 0; b < LATENCY_BUCKETS; b++) {
		ck_assert(b >= least || stat_get(&stats->latency[b]) == 0);
		sum += stat_get(&stats->latency[b]);
	}
	ck_assert_uint_eq(sum, samples(output));
	ck_assert_uint_ge(stat_get(&stats->latency_sum_us), sum * AGE_NS / NS_PER_US);
	ck_assert_uint_ge(stat_get(&stats->latency_longest_us), AGE_NS / NS_PER_US);
	ck_assert_uint_le(stat_get(&stats->latency_longest_us), stat_get(&stats->latency_sum_us));
}

START_TEST(nothing_is_timed_unless_asked)
{
	rig_open(&rig, &singles);
	deliver(AGE_NS);
	rig_settle(&rig);
	ck_assert_uint_eq(samples(0), 0);
	relay_sample(&rig.relay, 1);
	rig_deliver(&rig, 100); /* comes without a stamp */
	rig_settle(&rig);
	ck_assert_uint_eq(samples(0), 0);
	rig_close(&rig);
}
END_TEST

START_TEST(each_output_is_timed_from_the_stamp_to_its_send)
{
	rig_open(&rig, &singles);
	relay_sample(&rig.relay, 1);
	for (int i = 0; i < 10; i++) {
		deliver(AGE_NS);
	}
	rig_settle(&rig);
	ck_assert_uint_eq(samples(0), 10);
	ck_assert_uint_eq(samples(1), 10);
	expect_aged(0);
	expect_aged(1);
	rig_close(&rig);
}
END_TEST

START_TEST(a_train_is_one_send_and_timed_from_its_first_sample)
{
	rig_open(&rig, &trains);
	relay_sample(&rig.relay, 1);
	deliver(AGE_NS);
	for (int i = 0; i < 9; i++) {
		deliver(0);
	}
	rig_settle(&rig);
	ck_assert_uint_eq(fake_send_count(rig.ring), 2);
	ck_assert_uint_eq(samples(0), 1);
	expect_aged(0);
	rig_close(&rig);
}
END_TEST

START_TEST(what_is_sent_again_is_timed_once)
{
	rig_open(&rig, &trains);
	relay_sample(&rig.relay, 1);
	fake_fail_sends(rig.ring, egress_output(&rig.egress, 0)->file, -EIO, 1);
	for (int i = 0; i < 5; i++) {
		deliver(AGE_NS);
	}
	rig_settle(&rig);
	ck_assert_uint_eq(stat_get(&rig.output_stats[0].resent), 5);
	ck_assert_uint_eq(samples(0), 1);
	expect_aged(0);
	rig_close(&rig);
}
END_TEST

START_TEST(one_in_so_many_is_timed_whatever_the_pattern)
{
	rig_open(&rig, &singles);
	relay_sample(&rig.relay, 16);
	for (int i = 0; i < 8000; i++) {
		deliver(AGE_NS);
		rig_settle(&rig);
	}
	ck_assert_uint_gt(samples(0), 8000 / 16 * 7 / 10);
	ck_assert_uint_lt(samples(0), 8000 / 16 * 13 / 10);
	ck_assert_uint_eq(samples(0), samples(1));
	rig_close(&rig);
}
END_TEST

START_TEST(a_clock_that_was_set_back_is_not_believed)
{
	rig_open(&rig, &singles);
	relay_sample(&rig.relay, 1);
	deliver(-(int64_t)NS_PER_S * 100);
	rig_settle(&rig);
	ck_assert_uint_eq(samples(0), 0);
	rig_close(&rig);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("latency");
	SRunner *runner = srunner_create(suite);
	TCase *tc = tcase_create("latency");
	int failed;

	tcase_add_test(tc, nothing_is_timed_unless_asked);
	tcase_add_test(tc, each_output_is_timed_from_the_stamp_to_its_send);
	tcase_add_test(tc, a_train_is_one_send_and_timed_from_its_first_sample);
	tcase_add_test(tc, what_is_sent_again_is_timed_once);
	tcase_add_test(tc, one_in_so_many_is_timed_whatever_the_pattern);
	tcase_add_test(tc, a_clock_that_was_set_back_is_not_believed);
	suite_add_tcase(suite, tc);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
