/* check_relay_zc_random.c - zero-copy sends under random traffic, failures and slow memory.
 *
 * Whatever the weather, what leaves is a subsequence of what came, what is missing is counted, and
 * all memory comes back. The fake engine aborts when a payload changes before it was given back. */
#include <check.h>
#include <errno.h>
#include <stdlib.h>

#include "tests/unit/shard/relay_rig.h"

static struct rig rig;

static const struct output_stats *stats(uint32_t output)
{
	return &rig.output_stats[output];
}

static void turn(uint32_t times)
{
	for (uint32_t i = 0; i < times; i++) {
		ck_assert_int_eq(relay_turn(&rig.relay), 0);
	}
}

struct weather {
	unsigned seed;
};

static int32_t moody(void *context, const struct fake_send *send)
{
	static const int errors[] = {EAGAIN, ENOBUFS, EMSGSIZE, EPERM, ENETDOWN, ENOMEM};
	struct weather *w = context;
	int odds = send->zerocopy ? 4 : 12;

	return rand_r(&w->seed) % odds == 0 ? -errors[rand_r(&w->seed) % 6] : FAKE_SUCCESS;
}

/* What left is a subsequence of what came, and what is missing is counted. */
static void expect_ordered_subset(uint32_t output)
{
	static uint32_t numbers[65536];
	uint32_t count = rig_sent_numbers(&rig, output, numbers, 65536);

	ck_assert_uint_eq(count, stat_get(&stats(output)->sent));
	for (uint32_t i = 1; i < count; i++) {
		ck_assert_uint_lt(numbers[i - 1], numbers[i]);
	}
}

static void random_step(struct weather *w)
{
	uint32_t segment = 400 + (uint32_t)rand_r(&w->seed) % 1000;

	switch (rand_r(&w->seed) % 8) {
	case 0:
	case 1:
	case 2:
		rig_deliver_train(&rig, 2 + (uint32_t)rand_r(&w->seed) % 40, segment, segment);
		break;
	case 3:
		rig_deliver(&rig, segment);
		break;
	case 4:
		fake_keep_memory(rig.ring, rand_r(&w->seed) % 2 == 0);
		break;
	case 5:
		fake_return_memory(rig.ring, (uint32_t)rand_r(&w->seed) % 4);
		break;
	case 6:
		fake_say_copied(rig.ring, rand_r(&w->seed) % 5 == 0);
		break;
	default:
		turn(1 + (uint32_t)rand_r(&w->seed) % 3);
	}
}

START_TEST(random_traffic_failures_and_slow_memory_keep_order_and_sums)
{
	struct rig_options any = {.train_max = 64, .mtu = 1500, .out = {.ttl = 16}};
	struct weather weather = {.seed = (unsigned)_i + 1};

	any.outputs = 1 + (uint32_t)_i % RIG_OUTPUTS_MAX;
	any.slots = 4 + (uint32_t)_i % 29;
	any.trains = 4 + (uint32_t)_i % 30;
	any.zerocopy = 1 + 1000 * ((uint32_t)_i % 12);
	rig_open(&rig, &any);
	fake_decide_sends(rig.ring, moody, &weather);
	for (int step = 0; step < 400; step++) {
		random_step(&weather);
	}
	fake_keep_memory(rig.ring, false);
	rig_settle(&rig);
	ck_assert_uint_eq(stat_get(&rig.flow_stats.received), rig.delivered);
	for (uint32_t o = 0; o < any.outputs; o++) {
		expect_ordered_subset(o);
	}
	ck_assert_uint_eq(rig.egress.held, 0);
	ck_assert_uint_eq(rig.egress.zerocopy.trains_out, 0);
	ck_assert_uint_eq(rig.egress.zerocopy.slots_out[POOL_TRAIN], 0);
	rig_close(&rig);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("relay_zc_random");
	TCase *tc = tcase_create("weather");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_loop_test(tc, random_traffic_failures_and_slow_memory_keep_order_and_sums, 0, 60);
	suite_add_tcase(suite, tc);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
