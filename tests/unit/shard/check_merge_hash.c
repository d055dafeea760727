/* check_merge_hash.c - copies that are told by their payloads, by hand and against a model. */
#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/random.h>

#include "shard/merge.h"
#include "shard/merge_hash.h"
#include "src/base/clock.h"

#define A      0
#define B      1
#define LEGS   3
#define WINDOW 64

static struct arena arena;
static struct merge *m;
static uint64_t now_ns;
static bool chance_is_forbidden;

ssize_t __real_getrandom(void *to, size_t bytes, unsigned flags);
ssize_t __wrap_getrandom(void *to, size_t bytes, unsigned flags);

ssize_t __wrap_getrandom(void *to, size_t bytes, unsigned flags)
{
	if (chance_is_forbidden) {
		errno = EPERM;
		return -1;
	}
	return __real_getrandom(to, bytes, flags);
}

static void set_up(void)
{
	const struct merge_rule rule = {.method = MERGE_BY_HASH,
					.leg_count = LEGS,
					.window = WINDOW,
					.skew_ms = 500,
					.silent_ms = 1000};
	struct arena counter = ARENA_COUNTER;

	(void)merge_cut(&rule, false, &counter);
	ck_assert_int_eq(arena_map(&arena, counter.used_bytes, ARENA_HUGE_OFF), 0);
	m = merge_cut(&rule, false, &arena);
	now_ns = NS_PER_S;
}

static void tear_down(void)
{
	arena_unmap(&arena);
}

static enum merge_verdict bring(unsigned leg, uint64_t hash)
{
	struct sequence seq = {.number = hash};
	enum merge_verdict held, verdict = merge_judge(m, leg, &seq, now_ns, &held);

	ck_assert_int_eq(held, MERGE_NONE);
	return verdict;
}

static void check_laws(void)
{
	uint64_t numbers = stat_get(&m->stats->numbers), only = 0;

	for (unsigned i = 0; i < LEGS; i++) {
		const struct leg_stats *leg = m->legs[i].stats;

		ck_assert_uint_eq(numbers, stat_get(&leg->seen) + stat_get(&leg->lost) +
						   stat_get(&leg->before));
		only += stat_get(&leg->only);
	}
	ck_assert_uint_eq(numbers, stat_get(&m->stats->delivered));
	ck_assert_uint_eq(numbers, stat_get(&m->stats->shared) + only);
}

START_TEST(copies_go_and_what_one_lost_passes)
{
	ck_assert_int_eq(bring(A, 1), MERGE_RELAY);
	ck_assert_int_eq(bring(B, 1), MERGE_DUPLICATE);
	ck_assert_int_eq(bring(B, 2), MERGE_RELAY);
	ck_assert_int_eq(bring(A, 3), MERGE_RELAY);
	ck_assert_int_eq(bring(A, 2), MERGE_DUPLICATE);
	merge_end(m);
	check_laws();
	ck_assert_uint_eq(stat_get(&m->legs[B].stats->lost), 1);
	ck_assert_uint_eq(stat_get(&m->legs[A].stats->only), 1);
	ck_assert_uint_eq(stat_get(&m->legs[2].stats->before), 3);
}
END_TEST

START_TEST(payload_sent_twice_passes_twice)
{
	for (int i = 0; i < 10; i++) {
		ck_assert_int_eq(bring(A, 7), MERGE_RELAY);
	}
	for (int i = 0; i < 10; i++) {
		ck_assert_int_eq(bring(B, 7), MERGE_DUPLICATE);
	}
	ck_assert_int_eq(bring(B, 7), MERGE_RELAY);
	ck_assert_int_eq(bring(A, 7), MERGE_DUPLICATE);
	merge_end(m);
	check_laws();
	ck_assert_uint_eq(stat_get(&m->stats->shared), 11);
}
END_TEST

START_TEST(copy_is_none_after_skew)
{
	ck_assert_int_eq(bring(A, 7), MERGE_RELAY);
	now_ns += 500 * NS_PER_MS;
	ck_assert_int_eq(bring(B, 7), MERGE_DUPLICATE);
	ck_assert_int_eq(bring(A, 8), MERGE_RELAY);
	now_ns += 501 * NS_PER_MS;
	ck_assert_int_eq(bring(B, 8), MERGE_RELAY);
	ck_assert_int_eq(bring(A, 8), MERGE_DUPLICATE);
}
END_TEST

/* A heartbeat of which a leg has lost one does not pass for older ones ever after. */
START_TEST(leg_that_lost_one_is_not_behind_for_ever)
{
	ck_assert_int_eq(bring(A, 7), MERGE_RELAY); /* which B lacks */
	for (int i = 0; i < 20; i++) {
		now_ns += 600 * NS_PER_MS;
		ck_assert_int_eq(bring(A, 7), MERGE_RELAY);
		ck_assert_int_eq(bring(B, 7), MERGE_DUPLICATE);
	}
	now_ns += 600 * NS_PER_MS;
	ck_assert_int_eq(bring(B, 7), MERGE_RELAY); /* which A lacks */
}
END_TEST

START_TEST(window_forgets_the_oldest_and_says_so)
{
	for (uint64_t i = 0; i < WINDOW + 10; i++) {
		ck_assert_int_eq(bring(A, i), MERGE_RELAY);
	}
	ck_assert_uint_eq(stat_get(&m->stats->crowded), 10);
	for (uint64_t i = 10; i < WINDOW + 10; i++) {
		ck_assert_int_eq(bring(B, i), MERGE_DUPLICATE);
	}
	ck_assert_int_eq(bring(B, 9), MERGE_RELAY);
}
END_TEST

/* What the model remembers of a copy. */
struct copy {
	uint64_t hash, heard_ns;
	uint32_t legs; /* that have brought it */
};

/* Hashes are few and stand together in the index. */
START_TEST(random_copies_are_told_as_by_a_plain_list)
{
	static struct copy copies[WINDOW];
	unsigned count = 0;

	srand(1);
	for (int i = 0; i < 200000; i++) {
		unsigned leg = (unsigned)rand() % LEGS, oldest = 0, at;
		uint64_t hash = (uint64_t)(rand() % 40) * 32 + (uint64_t)(rand() % 2);
		enum merge_verdict wanted = MERGE_DUPLICATE;

		now_ns += (uint64_t)(rand() % 20) * NS_PER_MS;
		while (oldest < count && now_ns - copies[oldest].heard_ns > 500 * NS_PER_MS) {
			oldest++;
		}
		for (at = oldest; at < count; at++) {
			if (copies[at].hash == hash && !(copies[at].legs & 1U << leg)) {
				copies[at].legs |= 1U << leg;
				break;
			}
		}
		if (at == count) {
			wanted = MERGE_RELAY;
			oldest += count - oldest == WINDOW;
		}
		for (unsigned j = oldest; j < count; j++) {
			copies[j - oldest] = copies[j];
		}
		count -= oldest;
		if (wanted == MERGE_RELAY) {
			copies[count++] = (struct copy){hash, now_ns, 1U << leg};
		}
		ck_assert_int_eq(bring(leg, hash), wanted);
	}
	merge_end(m);
	check_laws();
}
END_TEST

START_TEST(every_byte_counts_and_each_start_has_its_secret)
{
	const struct merge_rule rule = {
		.method = MERGE_BY_HASH, .leg_count = 2, .window = WINDOW, .skew_ms = 500};
	unsigned char payload[1400] = {0};
	uint64_t empty = merge_hash_of(m->hash, payload, 0), all, other;
	struct arena second = {0};

	all = merge_hash_of(m->hash, payload, sizeof(payload));
	ck_assert_uint_ne(all, empty);
	for (size_t i = 0; i < sizeof(payload); i++) {
		payload[i] = 1;
		ck_assert_uint_ne(merge_hash_of(m->hash, payload, sizeof(payload)), all);
		payload[i] = 0;
	}
	ck_assert_uint_ne(merge_hash_of(m->hash, payload, sizeof(payload) - 1), all);
	ck_assert_int_eq(arena_map(&second, 1 << 16, ARENA_HUGE_OFF), 0);
	other = merge_hash_of(merge_cut(&rule, false, &second)->hash, payload, sizeof(payload));
	ck_assert_uint_ne(other, all);
	arena_unmap(&second);
}
END_TEST

START_TEST(where_chance_is_forbidden_there_is_a_secret_nevertheless)
{
	const struct merge_rule rule = {
		.method = MERGE_BY_HASH, .leg_count = 2, .window = WINDOW, .skew_ms = 500};
	unsigned char payload[1400] = {0};
	struct arena second = {0};
	struct merge *cut;

	ck_assert_int_eq(arena_map(&second, 1 << 16, ARENA_HUGE_OFF), 0);
	chance_is_forbidden = true;
	cut = merge_cut(&rule, false, &second);
	for (size_t len = 0; len < sizeof(payload); len += 13) {
		uint64_t hash = merge_hash_of(cut->hash, payload, (uint32_t)len);

		ck_assert_uint_ne(hash, merge_hash_of(m->hash, payload, (uint32_t)len));
		ck_assert_uint_ne(hash, merge_hash_of(cut->hash, payload, (uint32_t)len + 1));
	}
	arena_unmap(&second);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("merge_hash");
	TCase *tests = tcase_create("copies");
	SRunner *runner;
	int failed;

	tcase_add_checked_fixture(tests, set_up, tear_down);
	tcase_add_test(tests, copies_go_and_what_one_lost_passes);
	tcase_add_test(tests, payload_sent_twice_passes_twice);
	tcase_add_test(tests, copy_is_none_after_skew);
	tcase_add_test(tests, leg_that_lost_one_is_not_behind_for_ever);
	tcase_add_test(tests, window_forgets_the_oldest_and_says_so);
	tcase_add_test(tests, random_copies_are_told_as_by_a_plain_list);
	tcase_add_test(tests, every_byte_counts_and_each_start_has_its_secret);
	tcase_add_test(tests, where_chance_is_forbidden_there_is_a_secret_nevertheless);
	suite_add_tcase(suite, tests);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
