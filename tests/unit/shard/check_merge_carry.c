/* check_merge_carry.c - legs come and go while a feed is merged, and nothing is doubled or
 * withheld.
 */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "shard/merge_carry.h"
#include "src/base/clock.h"

#define WIRES    4 /* that may be legs */
#define NUMBERS  6000
#define DELAY_MS 60 /* most that a wire is behind, jitter included */
#define NOT_LEG  UINT8_MAX

/* A feed of a number a millisecond by several wires, and the merge of those that are legs. */
struct world {
	uint32_t arrives_ms[WIRES][NUMBERS]; /* 0: lost */
	unsigned relayed[NUMBERS];
	uint8_t leg[WIRES]; /* or NOT_LEG */
	struct merge *m;
	struct arena arena, old;
	uint8_t method, bytes;
	uint64_t now_ns;
};

static struct world w;

static void setup(void)
{
	memset(&w, 0, sizeof(w));
}

static void tear_down(void)
{
	if (w.arena.base) {
		arena_unmap(&w.arena);
	}
}

static struct merge_rule rule_of(uint8_t legs)
{
	static const uint32_t windows[] = {256, 1024, 4096};

	return (struct merge_rule){.method = w.method,
				   .leg_count = legs,
				   .sequence.number.bytes = w.bytes,
				   .window = windows[rand() % 3],
				   .skew_ms = 80 + (uint32_t)(rand() % 2) * 20,
				   .silent_ms = 1000};
}

static struct merge *make(const struct merge_rule *rule)
{
	struct arena counter = ARENA_COUNTER;

	(void)merge_cut(rule, true, &counter);
	w.old = w.arena;
	ck_assert_int_eq(arena_map(&w.arena, counter.used_bytes, ARENA_HUGE_OFF), 0);
	return merge_cut(rule, true, &w.arena);
}

static void draw_wires(void)
{
	for (unsigned wire = 0; wire < WIRES; wire++) {
		uint32_t delay = 1 + (uint32_t)rand() % 40, jitter = 1 + (uint32_t)rand() % 20;
		uint32_t loss = 2 + (uint32_t)rand() % 28;

		for (uint32_t n = 0; n < NUMBERS; n++) {
			w.arrives_ms[wire][n] = (uint32_t)rand() % 100 < loss
							? 0
							: n + delay + (uint32_t)rand() % jitter;
		}
	}
}

/* Each is another one in the window. */
static uint64_t number_of(uint32_t n)
{
	uint64_t number = w.method == MERGE_BY_HASH ? (n + 1) * 0x9E3779B97F4A7C15ULL : n + 65000U;

	return w.bytes == 2 ? number & 0xFFFF : number;
}

static void bring(unsigned wire, uint32_t n)
{
	struct sequence seq = {.number = number_of(n), .count = 1};
	bool waits = w.m->waits_ns > w.now_ns && w.leg[wire] != w.m->speaker;
	enum merge_verdict held, verdict;

	verdict = merge_judge(w.m, w.leg[wire], &seq, w.now_ns, &held);
	ck_assert_int_ne(verdict, MERGE_HOLD);
	ck_assert_int_eq(held, MERGE_NONE);
	w.relayed[n] += verdict == MERGE_RELAY;
	ck_assert_uint_le(w.relayed[n], 1);
	ck_assert(w.relayed[n] == 1 || waits);
}

/* What arrives in millisecond `ms' by those wires that are heard; `plain': relayed unseen. */
static void pass(uint32_t ms, bool plain)
{
	w.now_ns = NS_PER_S + ms * NS_PER_MS;
	for (unsigned wire = 0; wire < WIRES; wire++) {
		for (uint32_t n = ms > DELAY_MS ? ms - DELAY_MS : 0; n < ms && n < NUMBERS; n++) {
			if (w.leg[wire] == NOT_LEG || w.arrives_ms[wire][n] != ms) {
				continue;
			}
			if (plain) {
				w.relayed[n]++;
			} else {
				bring(wire, n);
			}
		}
	}
}

/* Other legs, in another order; one stays at least. */
static void change_legs(void)
{
	uint8_t to[MERGE_LEGS_MAX], before[WIRES], count = 0;
	unsigned stays = (unsigned)rand() % WIRES, first = (unsigned)rand() % WIRES;
	struct merge *old = w.m;
	struct merge_rule rule;

	memcpy(before, w.leg, sizeof(before));
	memset(to, MERGE_LEG_LEFT, sizeof(to));
	while (before[stays] == NOT_LEG) {
		stays = (stays + 1) % WIRES;
	}
	for (unsigned i = 0; i < WIRES; i++) {
		unsigned wire = (first + i) % WIRES;

		w.leg[wire] = wire == stays || rand() % 2 ? count++ : NOT_LEG;
		if (before[wire] != NOT_LEG) {
			to[before[wire]] = w.leg[wire];
		}
	}
	rule = rule_of(count);
	w.m = make(&rule);
	merge_carry(w.m, old, to, w.now_ns);
	if (w.old.base) {
		arena_unmap(&w.old);
	}
}

static void check_laws(void)
{
	uint64_t numbers = stat_get(&w.m->stats->numbers), only = 0;

	for (unsigned i = 0; i < w.m->rule.leg_count; i++) {
		const struct leg_stats *leg = w.m->legs[i].stats;

		ck_assert_uint_eq(numbers, stat_get(&leg->seen) + stat_get(&leg->lost) +
						   stat_get(&leg->before));
		only += stat_get(&leg->only);
	}
	ck_assert_uint_eq(numbers,
			  stat_get(&w.m->stats->delivered) + stat_get(&w.m->stats->lost_all));
	ck_assert_uint_eq(stat_get(&w.m->stats->delivered),
			  stat_get(&w.m->stats->shared) + only + stat_get(&w.m->stats->only_left));
}

static const struct {
	uint8_t method, bytes;
} kinds[] = {{MERGE_BY_NUMBER, 8}, {MERGE_BY_NUMBER, 2}, {MERGE_BY_HASH, 0}};

START_TEST(nothing_is_doubled_or_withheld_while_legs_come_and_go)
{
	uint64_t relayed = 0, sent = 0;

	srand((unsigned)_i + 1);
	w.method = kinds[_i % 3].method;
	w.bytes = kinds[_i % 3].bytes;
	draw_wires();
	for (unsigned wire = 0; wire < WIRES; wire++) {
		w.leg[wire] = wire < 2 ? (uint8_t)wire : NOT_LEG;
	}
	w.m = make(&(struct merge_rule){.method = w.method,
					.leg_count = 2,
					.sequence.number.bytes = w.bytes,
					.window = 1024,
					.skew_ms = 80,
					.silent_ms = 1000});
	for (uint32_t ms = 1; ms < NUMBERS; ms++) {
		pass(ms, false);
		if (ms % 100 == 50 && rand() % 2) {
			change_legs();
		}
		check_laws();
	}
	merge_end(w.m);
	check_laws();
	for (uint32_t n = 0; n < NUMBERS; n++) {
		relayed += w.relayed[n];
		sent++;
	}
	ck_assert_uint_eq(relayed, stat_get(&w.m->stats->delivered));
	ck_assert_uint_gt(relayed, sent / 2);
}
END_TEST

START_TEST(a_flow_that_gets_a_second_leg_is_not_doubled)
{
	srand((unsigned)_i + 1);
	w.method = kinds[_i % 3].method;
	w.bytes = kinds[_i % 3].bytes;
	draw_wires();
	memset(w.leg, NOT_LEG, sizeof(w.leg));
	w.leg[1] = 0;
	for (uint32_t ms = 1; ms < 1000; ms++) {
		pass(ms, true);
	}
	w.leg[0] = 0;
	w.leg[1] = 1;
	w.m = make(&(struct merge_rule){.method = w.method,
					.leg_count = 2,
					.sequence.number.bytes = w.bytes,
					.window = 1024,
					.skew_ms = 80,
					.silent_ms = 1000});
	merge_follow(w.m, 1, w.now_ns);
	for (uint32_t ms = 1000; ms < NUMBERS; ms++) {
		pass(ms, false);
	}
	for (uint32_t n = 0; n + DELAY_MS < NUMBERS; n++) {
		ck_assert(w.relayed[n] == 1 || w.arrives_ms[1][n] == 0);
	}
	merge_end(w.m);
	check_laws();
	ck_assert_uint_gt(stat_get(&w.m->legs[0].stats->only), 0);
}
END_TEST

/* The other way round: what the second leg was ahead of the first is known for skew=. */
START_TEST(a_leg_that_is_left_alone_doubles_nothing)
{
	srand((unsigned)_i + 1);
	w.method = kinds[_i % 3].method;
	w.bytes = kinds[_i % 3].bytes;
	draw_wires();
	memset(w.leg, NOT_LEG, sizeof(w.leg));
	w.leg[0] = 0;
	w.leg[1] = 1;
	w.m = make(&(struct merge_rule){.method = w.method,
					.leg_count = 2,
					.sequence.number.bytes = w.bytes,
					.window = 1024,
					.skew_ms = 80,
					.silent_ms = 1000});
	for (uint32_t ms = 1; ms < 1000; ms++) {
		pass(ms, false);
	}
	w.leg[1] = NOT_LEG;
	for (uint32_t ms = 1000; ms < 1080; ms++) {
		pass(ms, false);
	}
	for (uint32_t ms = 1080; ms < NUMBERS; ms++) {
		pass(ms, true);
	}
	for (uint32_t n = 0; n < NUMBERS; n++) {
		ck_assert_uint_le(w.relayed[n], 1);
	}
}
END_TEST

START_TEST(another_way_of_telling_apart_begins_with_one_leg)
{
	const uint8_t to[MERGE_LEGS_MAX] = {1, 0};
	struct sequence seq = {.number = 7, .count = 1};
	enum merge_verdict held;
	struct merge_rule rule;
	struct merge *old;

	w.method = MERGE_BY_NUMBER;
	w.bytes = 4;
	w.now_ns = NS_PER_S;
	rule = rule_of(2);
	old = w.m = make(&rule);
	ck_assert_int_eq(merge_judge(w.m, 0, &seq, w.now_ns, &held), MERGE_RELAY);
	w.bytes = 8;
	rule = rule_of(2);
	w.m = make(&rule);
	merge_carry(w.m, old, to, w.now_ns);
	ck_assert_uint_eq(stat_get(&w.m->stats->numbers), 1);
	ck_assert_int_eq(merge_judge(w.m, 0, &seq, w.now_ns, &held), MERGE_LATE);
	ck_assert_int_eq(merge_judge(w.m, 1, &seq, w.now_ns, &held), MERGE_RELAY);
	seq.number = 8;
	ck_assert_int_eq(merge_judge(w.m, 1, &seq, w.now_ns, &held), MERGE_RELAY);
	w.now_ns += w.m->skew_ns;
	ck_assert_int_eq(merge_judge(w.m, 0, &seq, w.now_ns, &held), MERGE_DUPLICATE);
	check_laws();
	arena_unmap(&w.old);
}
END_TEST

/* What it has no room for may be relayed once more; what it has room for is not. */
START_TEST(a_smaller_window_forgets_the_oldest)
{
	const uint8_t to[MERGE_LEGS_MAX] = {0, 1};
	struct merge_rule rule = {.method = MERGE_BY_HASH,
				  .leg_count = 2,
				  .window = 256,
				  .skew_ms = 500,
				  .silent_ms = 1000};
	struct merge *old;

	w.method = MERGE_BY_HASH;
	w.now_ns = NS_PER_S;
	w.leg[1] = 1;
	old = w.m = make(&rule);
	for (uint32_t n = 0; n < 200; n++) {
		bring(0, n);
	}
	rule.window = 64;
	w.m = make(&rule);
	merge_carry(w.m, old, to, w.now_ns);
	ck_assert_uint_eq(stat_get(&w.m->stats->numbers), 200 - 64);
	for (uint32_t n = 200 - 64; n < 200; n++) {
		bring(1, n);
	}
	ck_assert_uint_eq(stat_get(&w.m->stats->crowded), 0);
	bring(1, 200);
	ck_assert_uint_eq(stat_get(&w.m->stats->crowded), 1);
	merge_end(w.m);
	check_laws();
	arena_unmap(&w.old);
}
END_TEST

START_TEST(failover_goes_on_with_the_leg_that_is_relayed)
{
	const uint8_t to[MERGE_LEGS_MAX] = {MERGE_LEG_LEFT, 2};
	const struct merge_rule two = {
		.method = MERGE_FAILOVER, .leg_count = 2, .failover_ms = 100, .silent_ms = 1000};
	struct merge_rule three = two;
	enum merge_verdict held;
	struct merge *old;

	w.now_ns = NS_PER_S;
	old = w.m = make(&two);
	ck_assert_int_eq(merge_judge(w.m, 0, NULL, w.now_ns, &held), MERGE_RELAY);
	w.now_ns += 200 * NS_PER_MS;
	ck_assert_int_eq(merge_judge(w.m, 1, NULL, w.now_ns, &held), MERGE_RELAY);
	three.leg_count = 3;
	w.m = make(&three);
	merge_carry(w.m, old, to, w.now_ns);
	ck_assert_int_eq(merge_judge(w.m, 0, NULL, w.now_ns, &held), MERGE_UNSELECTED);
	ck_assert_int_eq(merge_judge(w.m, 2, NULL, w.now_ns, &held), MERGE_RELAY);
	arena_unmap(&w.old);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("merge_carry");
	TCase *tests = tcase_create("legs");
	SRunner *runner;
	int failed;

	tcase_add_checked_fixture(tests, setup, tear_down);
	tcase_set_timeout(tests, 600);
	tcase_add_loop_test(tests, nothing_is_doubled_or_withheld_while_legs_come_and_go, 0, 30);
	tcase_add_loop_test(tests, a_flow_that_gets_a_second_leg_is_not_doubled, 0, 9);
	tcase_add_loop_test(tests, a_leg_that_is_left_alone_doubles_nothing, 0, 9);
	tcase_add_test(tests, another_way_of_telling_apart_begins_with_one_leg);
	tcase_add_test(tests, a_smaller_window_forgets_the_oldest);
	tcase_add_test(tests, failover_goes_on_with_the_leg_that_is_relayed);
	suite_add_tcase(suite, tests);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
