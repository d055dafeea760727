/* check_breaker.c - circles are found, senders that repeat themselves are not taken for one.
 *
 * Each test is a world of its own: senders, and relays that bring back what was let pass. Its clock
 * is a number.
 */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "shard/breaker.h"
#include "src/base/clock.h"

#define STEP_NS   10000ULL /* between two datagrams */
#define QUEUE_MAX 8192

static struct exam exam;
static struct breaker_memory memory;
static uint64_t now_ns;

/* What has been let pass and is on its way back. */
static struct {
	uint64_t digest[QUEUE_MAX];
	uint32_t at, count;
} queue;

static void begin(unsigned trial)
{
	memset(&queue, 0, sizeof(queue));
	memset(&memory, 0, sizeof(memory));
	now_ns = NS_PER_S;
	exam_begin(&exam, trial, now_ns);
}

static uint64_t digest_of(uint32_t number)
{
	return breaker_digest(&number, sizeof(number), 1);
}

static void come_back(uint64_t digest)
{
	if (queue.count < QUEUE_MAX) {
		queue.digest[(queue.at + queue.count++) % QUEUE_MAX] = digest;
	}
}

/* One datagram arrives; true when it was let pass. */
static bool arrive(uint64_t digest, uint32_t who)
{
	now_ns += STEP_NS;
	return !exam_take(&exam, digest, who, now_ns);
}

/* The first of those that come back arrives, and comes back `times' when it was let pass. */
static void go_round(unsigned times, uint32_t who)
{
	uint64_t digest = queue.digest[queue.at];

	if (queue.count == 0) {
		now_ns += STEP_NS;
		return;
	}
	queue.at = (queue.at + 1) % QUEUE_MAX;
	queue.count--;
	if (arrive(digest, who)) {
		for (unsigned i = 0; i < times; i++) {
			come_back(digest);
		}
	}
}

START_TEST(what_never_comes_again_is_innocent_and_passes)
{
	uint32_t number = 0;

	begin(0);
	while (exam_judge(&exam, false, now_ns) == EXAM_GOES_ON) {
		ck_assert(arrive(digest_of(number++), 1));
	}
	ck_assert_int_eq(exam_judge(&exam, false, now_ns), EXAM_INNOCENT);
	ck_assert_uint_eq(number, EXAM_WATCHED_MIN);
}
END_TEST

START_TEST(a_constant_payload_is_innocent_and_passes)
{
	begin(0);
	while (exam_judge(&exam, true, now_ns) == EXAM_GOES_ON) {
		ck_assert(arrive(digest_of(7), 1));
	}
	ck_assert_int_eq(exam_judge(&exam, true, now_ns), EXAM_INNOCENT);
}
END_TEST

/* Padding beside a stream: few payloads are nearly everything, and the rest is new. */
START_TEST(padding_is_innocent_and_passes)
{
	uint32_t number = 0;

	begin(0);
	while (exam_judge(&exam, false, now_ns) == EXAM_GOES_ON) {
		uint32_t payload = rand() % 20 != 0  ? 1
				   : rand() % 3 != 0 ? 1000 + number++
						     : 2 + (uint32_t)rand() % 40;

		ck_assert(arrive(digest_of(payload), 1));
	}
	ck_assert_int_eq(exam_judge(&exam, false, now_ns), EXAM_INNOCENT);
}
END_TEST

/* A list that is sent again and again: a test costs it a few datagrams. */
START_TEST(a_carousel_is_acquitted)
{
	uint32_t lengths[] = {16, 64, 200, 3000}, kept_out, number;

	for (unsigned trial = 0; trial < 3; trial++) {
		for (unsigned i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
			begin(trial);
			kept_out = number = 0;
			while (exam_judge(&exam, false, now_ns) == EXAM_GOES_ON) {
				kept_out += !arrive(digest_of(number++ % lengths[i]), 1);
			}
			ck_assert_int_eq(exam_judge(&exam, false, now_ns), EXAM_ACQUITTED);
			ck_assert_uint_ge(kept_out, EXAM_TESTS);
			ck_assert_uint_le(kept_out, EXAM_TESTS * (EXAM_ROUNDS * 2 << trial));
		}
	}
}
END_TEST

/* It sends its list at once, and then nothing for a while. */
START_TEST(a_carousel_in_bursts_is_acquitted)
{
	uint32_t number = 0;

	begin(0);
	while (exam_judge(&exam, false, now_ns) == EXAM_GOES_ON) {
		arrive(digest_of(number++ % 100), 1);
		now_ns += number % 100 == 0 ? 90 * NS_PER_MS : 0;
	}
	ck_assert_int_eq(exam_judge(&exam, false, now_ns), EXAM_ACQUITTED);
}
END_TEST

/* Each datagram eight times, as a precaution against loss, and never again. */
START_TEST(repetition_against_loss_is_not_convicted)
{
	uint32_t number = 0;

	for (int i = 0; i < 50; i++) {
		begin(0);
		while (exam_judge(&exam, false, now_ns) == EXAM_GOES_ON) {
			uint32_t block = number / 800, at = number % 100;

			arrive(digest_of(block * 100 + at), 1);
			number++;
		}
		ck_assert_int_ne(exam_judge(&exam, false, now_ns), EXAM_CIRCLES);
	}
}
END_TEST

START_TEST(a_sender_that_stops_amid_a_trial_is_not_convicted)
{
	uint32_t number = 0;

	begin(0);
	while (exam.stage == EXAM_WATCHES) {
		arrive(digest_of(number++ % 64), 1);
		ck_assert_int_eq(exam_judge(&exam, false, now_ns), EXAM_GOES_ON);
	}
	now_ns += NS_PER_S;
	ck_assert_int_eq(exam_judge(&exam, false, now_ns), EXAM_GOES_ON);
	now_ns += 3 * NS_PER_S;
	ck_assert_int_eq(exam_judge(&exam, false, now_ns), EXAM_GOES_ON);
	now_ns += 3 * NS_PER_S;
	ck_assert_int_eq(exam_judge(&exam, false, now_ns), EXAM_UNCLEAR);
}
END_TEST

START_TEST(a_circle_is_convicted)
{
	uint32_t populations[] = {EXAM_RIPE_MIN, 20, 500, 5000};

	for (unsigned i = 0; i < sizeof(populations) / sizeof(populations[0]); i++) {
		begin(0);
		for (uint32_t number = 0; number < populations[i]; number++) {
			come_back(digest_of(number));
		}
		while (exam_judge(&exam, false, now_ns) == EXAM_GOES_ON) {
			go_round(1, 2);
		}
		ck_assert_int_eq(exam_judge(&exam, false, now_ns), EXAM_CIRCLES);
		ck_assert_uint_eq(queue.count, populations[i] - (i == 0 ? 4 : EXAM_TESTS));
	}
}
END_TEST

/* The feed goes on beside what comes back. */
START_TEST(a_circle_that_is_fed_is_convicted)
{
	uint32_t number = 0;

	begin(0);
	while (exam_judge(&exam, false, now_ns) == EXAM_GOES_ON) {
		if (number % 10 == 0 && arrive(digest_of(number), 1)) {
			come_back(digest_of(number));
		}
		go_round(1, 2);
		number++;
	}
	ck_assert_int_eq(exam_judge(&exam, false, now_ns), EXAM_CIRCLES);
}
END_TEST

/* Copies double each round, and what the queue cannot hold is lost. */
START_TEST(a_circle_that_multiplies_is_convicted)
{
	uint32_t number = 0;

	begin(0);
	while (exam_judge(&exam, true, now_ns) == EXAM_GOES_ON) {
		if (number % 100 == 0 && arrive(digest_of(number), 1)) {
			come_back(digest_of(number));
		}
		go_round(2, 2 + number % 2);
		number++;
	}
	ck_assert_int_eq(exam_judge(&exam, true, now_ns), EXAM_CIRCLES);
}
END_TEST

START_TEST(the_population_is_estimated)
{
	begin(0);
	for (uint32_t number = 0; number < 4000; number++) {
		come_back(digest_of(number));
	}
	while (exam.stage == EXAM_WATCHES) {
		go_round(1, 2);
		(void)exam_judge(&exam, false, now_ns);
	}
	ck_assert_uint_ge(exam_population(&exam), 3000);
	ck_assert_uint_le(exam_population(&exam), 5000);
}
END_TEST

START_TEST(memory_knows_what_was_there_lately)
{
	begin(0);
	ck_assert(!memory_knows(&memory, digest_of(1), MEMORY_MS, now_ns));
	ck_assert(memory_knows(&memory, digest_of(1), MEMORY_MS, now_ns + 999 * NS_PER_MS));
	ck_assert(memory_knows(&memory, digest_of(1), MEMORY_MS, now_ns + 1998 * NS_PER_MS));
	ck_assert(!memory_knows(&memory, digest_of(1), MEMORY_MS, now_ns + 2998 * NS_PER_MS));
	ck_assert(!memory_knows(&memory, digest_of(2), MEMORY_MS, now_ns + 2998 * NS_PER_MS));
}
END_TEST

START_TEST(memory_forgets_the_oldest_first)
{
	uint32_t known = 0;

	begin(0);
	for (uint32_t number = 0; number < 20000; number++) {
		ck_assert(!memory_knows(&memory, digest_of(number), MEMORY_MS,
					now_ns + number / 100 * NS_PER_MS));
	}
	for (uint32_t number = 19500; number < 20000; number++) {
		known += memory_knows(&memory, digest_of(number), MEMORY_MS,
				      now_ns + 200 * NS_PER_MS);
	}
	ck_assert_uint_ge(known, 450);
}
END_TEST

START_TEST(digests_differ_by_each_byte_by_length_and_by_seed)
{
	unsigned char bytes[64] = {0};
	uint64_t seen[2000];
	size_t count = 0;

	for (size_t len = 0; len <= sizeof(bytes); len++) {
		seen[count++] = breaker_digest(bytes, len, 1);
		seen[count++] = breaker_digest(bytes, len, 2);
	}
	for (size_t at = 0; at < sizeof(bytes); at++) {
		for (unsigned bit = 0; bit < 8; bit++) {
			bytes[at] = (unsigned char)(1U << bit);
			seen[count++] = breaker_digest(bytes, sizeof(bytes), 1);
			bytes[at] = 0;
		}
	}
	for (size_t i = 0; i < count; i++) {
		ck_assert_uint_ne(seen[i], 0);
		for (size_t j = 0; j < i; j++) {
			ck_assert_uint_ne(seen[i], seen[j]);
		}
	}
}
END_TEST

int main(void)
{
	TCase *tc = tcase_create("breaker");
	Suite *suite = suite_create("breaker");
	SRunner *runner = srunner_create(suite);
	int failed;

	suite_add_tcase(suite, tc);
	tcase_add_test(tc, what_never_comes_again_is_innocent_and_passes);
	tcase_add_test(tc, a_constant_payload_is_innocent_and_passes);
	tcase_add_test(tc, padding_is_innocent_and_passes);
	tcase_add_test(tc, a_carousel_is_acquitted);
	tcase_add_test(tc, a_carousel_in_bursts_is_acquitted);
	tcase_add_test(tc, repetition_against_loss_is_not_convicted);
	tcase_add_test(tc, a_sender_that_stops_amid_a_trial_is_not_convicted);
	tcase_add_test(tc, a_circle_is_convicted);
	tcase_add_test(tc, a_circle_that_is_fed_is_convicted);
	tcase_add_test(tc, a_circle_that_multiplies_is_convicted);
	tcase_add_test(tc, the_population_is_estimated);
	tcase_add_test(tc, memory_knows_what_was_there_lately);
	tcase_add_test(tc, memory_forgets_the_oldest_first);
	tcase_add_test(tc, digests_differ_by_each_byte_by_length_and_by_seed);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
