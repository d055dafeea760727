/* check_relay_breaker.c - what the breaker does to the datagrams of a flow, and to its counters. */
#include <check.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "shard/breaker.h"
#include "shard/relay_breaker.h"
#include "src/base/clock.h"
#include "tests/unit/shard/relay_rig.h"

#define CONTENTS  64
#define ROUNDS    1000000 /* of one datagram: far more than any test needs */
#define CUT_BYTES 100

static struct rig rig;
static uint64_t time_ns = NS_PER_S;

/* Time passes here as if this machine were quick and never stood still: what comes often, and what
 * is still remembered, would else be up to it. */
/* NOLINTNEXTLINE(readability-inconsistent-declaration-parameter-name): libc calls it __clock_id. */
int clock_gettime(clockid_t clock, struct timespec *ts)
{
	(void)clock;
	time_ns += NS_PER_US;
	*ts = (struct timespec){.tv_sec = (time_t)(time_ns / NS_PER_S),
				.tv_nsec = (long)(time_ns % NS_PER_S)};
	return 0;
}

static const struct rig_options options = {
	.outputs = 2, .train_max = 64, .mtu = 1500, .slots = 32, .out = {.ttl = 16}};

static struct ingress_flow *flow(void)
{
	return &relay_place(&rig.relay, 0)->flow;
}

static void open_rig(enum rule_breaker breaker)
{
	rig_open(&rig, &options);
	relay_place(&rig.relay, 0)->rule.in.breaker = (int8_t)breaker;
}

/* One of `count' segments, each filled with its letter. */
static void deliver(const char *letters)
{
	unsigned char payload[16 * CUT_BYTES] = {0};
	size_t count = 0;

	for (; letters[count] != '\0'; count++) {
		memset(payload + count * CUT_BYTES, letters[count], CUT_BYTES);
	}
	fake_deliver(rig.ring, 0,
		     &(struct fake_datagram){.payload = payload,
					     .payload_bytes = count * CUT_BYTES,
					     .gro_segment = count > 1 ? CUT_BYTES : 0});
	rig_settle(&rig);
}

/* Datagrams that are not alike, fast enough to be noticed, between two looks. */
static void be_busy(void)
{
	relay_breaker_look(&rig.relay);
	for (int i = 0; i < 100; i++) {
		rig_deliver(&rig, 200);
		rig_settle(&rig);
	}
	relay_breaker_look(&rig.relay);
}

static uint64_t circled(void)
{
	return stat_get(&rig.flow_stats.drops[FLOW_DROP_CIRCLED]);
}

START_TEST(a_quiet_flow_is_left_alone)
{
	open_rig(RULE_BREAKER_ON);
	relay_breaker_look(&rig.relay);
	deliver("A");
	time_ns += 10 * NS_PER_MS;
	relay_breaker_look(&rig.relay);
	ck_assert_uint_eq(flow()->aside, 0);
	rig_close(&rig);
}
END_TEST

START_TEST(a_busy_flow_is_examined_and_loses_nothing)
{
	open_rig(RULE_BREAKER_ON);
	be_busy();
	ck_assert_uint_eq(flow()->aside, ASIDE_EXAMINED);
	for (int i = 0; i < ROUNDS && flow()->aside != 0; i++) {
		rig_deliver_train(&rig, 40, 100, 60);
		rig_settle(&rig);
	}
	ck_assert_uint_eq(flow()->aside, 0);
	ck_assert_uint_eq(circled(), 0);
	rig_expect_all_in_order(&rig, 0);
	rig_expect_all_in_order(&rig, 1);
	be_busy();
	ck_assert_uint_eq(flow()->aside, 0); /* not again at once */
	rig_close(&rig);
}
END_TEST

START_TEST(a_flow_without_breaker_is_never_examined)
{
	open_rig(RULE_BREAKER_OFF);
	be_busy();
	ck_assert_uint_eq(flow()->aside, 0);
	rig_close(&rig);
}
END_TEST

START_TEST(strict_keeps_out_what_is_repeated_at_once)
{
	open_rig(RULE_BREAKER_STRICT);
	be_busy();
	ck_assert_uint_eq(flow()->aside, ASIDE_BROKEN);
	deliver("ABACCD"); /* A, B, C and D pass, in three pieces */
	deliver("DE");
	ck_assert_uint_eq(circled(), 3);
	ck_assert_uint_eq(stat_get(&rig.flow_stats.relayed), 105);
	ck_assert_uint_eq(stat_get(&rig.output_stats[0].sent), 105);
	ck_assert_uint_eq(stat_get(&rig.output_stats[0].sent_bytes), 100 * 200 + 5 * CUT_BYTES);
	ck_assert_uint_eq(stat_get(&rig.flow_stats.circling), 0); /* a sender may do that */
	time_ns += (MEMORY_STRICT_MS + 1) * NS_PER_MS;
	deliver("A");
	ck_assert_uint_eq(circled(), 3);
	for (unsigned i = 0; i < CIRCLE_KEPT_MIN; i++) {
		deliver("A");
	}
	ck_assert_uint_eq(stat_get(&rig.flow_stats.circling), 1);
	ck_assert_uint_eq(stat_get(&rig.flow_stats.circles), 1);
	rig_close(&rig);
}
END_TEST

/* Whatever is relayed comes back. */
START_TEST(a_circle_is_found_and_broken)
{
	char letter[] = "0";
	bool alive[CONTENTS];
	int round;

	open_rig(RULE_BREAKER_ON);
	memset(alive, true, sizeof(alive));
	relay_breaker_look(&rig.relay);
	for (round = 0; round < ROUNDS && stat_get(&rig.flow_stats.circles) == 0; round++) {
		for (int i = 0; i < CONTENTS; i++) {
			uint64_t relayed = stat_get(&rig.flow_stats.relayed);

			letter[0] = (char)('0' + i);
			if (alive[i]) {
				deliver(letter);
				alive[i] = stat_get(&rig.flow_stats.relayed) > relayed;
			}
		}
		if (flow()->aside == 0) {
			relay_breaker_look(&rig.relay);
		}
	}
	ck_assert_int_lt(round, ROUNDS);
	ck_assert_uint_eq(stat_get(&rig.flow_stats.circling), 1);
	ck_assert_uint_eq(flow()->aside, ASIDE_BROKEN);
	ck_assert_uint_eq(circled(), (uint64_t)CIRCLE_CONVICTIONS * EXAM_TESTS);
	deliver("xyz"); /* passes once, and what is left of the circle does */
	deliver("xyz");
	ck_assert_uint_eq(circled(), (uint64_t)CIRCLE_CONVICTIONS * EXAM_TESTS + 3);
	rig_close(&rig);
}
END_TEST

/* Of a flow that leaves, or whose breaker= changes, nothing is examined or kept out any more. */
START_TEST(a_flow_is_forgotten)
{
	open_rig(RULE_BREAKER_ON);
	be_busy();
	ck_assert_uint_eq(flow()->aside, ASIDE_EXAMINED);
	relay_breaker_forget(&rig.relay, flow());
	ck_assert_uint_eq(flow()->aside, 0);
	relay_place(&rig.relay, 0)->rule.in.breaker = RULE_BREAKER_STRICT;
	be_busy();
	ck_assert_uint_eq(flow()->aside, ASIDE_BROKEN);
	for (unsigned i = 0; i <= CIRCLE_KEPT_MIN; i++) {
		deliver("A");
	}
	ck_assert_uint_eq(stat_get(&rig.flow_stats.circling), 1);
	relay_breaker_forget(&rig.relay, flow());
	ck_assert_uint_eq(flow()->aside, 0);
	ck_assert_uint_eq(stat_get(&rig.flow_stats.circling), 0);
	rig_close(&rig);
}
END_TEST

int main(void)
{
	TCase *tc = tcase_create("relay_breaker");
	Suite *suite = suite_create("relay_breaker");
	SRunner *runner = srunner_create(suite);
	int failed;

	suite_add_tcase(suite, tc);
	tcase_add_test(tc, a_quiet_flow_is_left_alone);
	tcase_add_test(tc, a_busy_flow_is_examined_and_loses_nothing);
	tcase_add_test(tc, a_flow_without_breaker_is_never_examined);
	tcase_add_test(tc, strict_keeps_out_what_is_repeated_at_once);
	tcase_add_test(tc, a_circle_is_found_and_broken);
	tcase_add_test(tc, a_flow_is_forgotten);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
