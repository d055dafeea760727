/* check_probe_stats.c - the bitmap of sequence numbers and the histogram, against simple models.
 *
 * The models are an array with a count for each number, and the sorted samples themselves.
 */
#include "src/probe/stats.h"

#include <check.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* As ck_assert_uint_eq, which tells the parent about each call: too slow for every number. */
#define same(got, wanted)                                            \
	do {                                                         \
		if ((got) != (wanted)) {                             \
			ck_abort_msg("%s is not %s", #got, #wanted); \
		}                                                    \
	} while (0)

#define NUMBERS 200000u /* more than six chunks of 32768 */

static uint64_t random_state = 1;

static uint64_t draw(void)
{
	uint64_t x = random_state += 0x9e3779b97f4a7c15ULL;

	x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9ULL;
	x = (x ^ x >> 27) * 0x94d049bb133111ebULL;
	return x ^ x >> 31;
}

/* ---- the model of a flow ---- */

struct model {
	unsigned char *seen; /* NUMBERS */
	uint64_t unique, duplicate, reordered, extent, next, first;
};

static void model_add(struct model *model, uint64_t number)
{
	if (model->seen[number]) {
		model->duplicate++;
		return;
	}
	model->seen[number] = 1;
	if (model->unique++ == 0 || number < model->first) {
		model->first = number;
	}
	if (number >= model->next) {
		model->next = number + 1;
		return;
	}
	model->reordered++;
	if (model->next - 1 - number > model->extent) {
		model->extent = model->next - 1 - number;
	}
}

/* Feeds both, and compares every verdict, every counter and every gap. */
static void compare(const uint32_t *arrivals, size_t count, uint64_t until)
{
	struct probe_seq seq = {0};
	struct model model = {.seen = calloc(NUMBERS + 1, 1)};
	struct probe_range gap;
	uint64_t from = 0;

	ck_assert_ptr_nonnull(model.seen);
	for (size_t i = 0; i < count; i++) {
		enum probe_seq_verdict wanted = model.seen[arrivals[i]]    ? PROBE_SEQ_DUPLICATE
						: arrivals[i] < model.next ? PROBE_SEQ_REORDERED
									   : PROBE_SEQ_NEW;

		model_add(&model, arrivals[i]);
		same(probe_seq_add(&seq, arrivals[i]), wanted);
	}
	ck_assert_uint_eq(seq.unique_count, model.unique);
	ck_assert_uint_eq(seq.duplicate_count, model.duplicate);
	ck_assert_uint_eq(seq.reordered_count, model.reordered);
	ck_assert_uint_eq(seq.reordered_extent, model.extent);
	ck_assert_uint_eq(seq.next, model.next);
	ck_assert_uint_eq(seq.first, model.first);
	for (uint64_t at = 0; at < until; at++) {
		if (model.seen[at]) {
			continue;
		}
		same(probe_seq_gap(&seq, from, until, &gap), true);
		same(gap.first, at);
		while (at + 1 < until && !model.seen[at + 1]) {
			at++;
		}
		same(gap.last, at);
		from = gap.last + 1;
	}
	ck_assert(!probe_seq_gap(&seq, from, until, &gap));
	probe_seq_free(&seq);
	free(model.seen);
}

static uint32_t *in_order(size_t count)
{
	uint32_t *arrivals = calloc(2 * count, sizeof(arrivals[0]));

	ck_assert_ptr_nonnull(arrivals);
	for (size_t i = 0; i < count; i++) {
		arrivals[i] = (uint32_t)i;
	}
	return arrivals;
}

/* Swaps each arrival with one at most `reach' further on. */
static void shuffle(uint32_t *arrivals, size_t count, size_t reach)
{
	for (size_t i = 0; i < count; i++) {
		size_t room = count - i < reach ? count - i : reach;
		size_t j = i + (size_t)(draw() % room);
		uint32_t kept = arrivals[i];

		arrivals[i] = arrivals[j];
		arrivals[j] = kept;
	}
}

START_TEST(nothing_has_no_numbers_and_one_whole_gap)
{
	struct probe_seq seq = {0};
	struct probe_range gap;

	ck_assert(!probe_seq_gap(&seq, 0, 0, &gap));
	ck_assert(probe_seq_gap(&seq, 3, 1ULL << 40, &gap));
	ck_assert_uint_eq(gap.first, 3);
	ck_assert_uint_eq(gap.last, (1ULL << 40) - 1);
	ck_assert_uint_eq(seq.unique_count, 0);
	probe_seq_free(&seq);
}
END_TEST

START_TEST(all_in_order_is_clean)
{
	uint32_t *arrivals = in_order(NUMBERS);

	compare(arrivals, NUMBERS, NUMBERS);
	free(arrivals);
}
END_TEST

START_TEST(backwards_reorders_all_but_the_first)
{
	uint32_t *arrivals = in_order(NUMBERS);
	struct probe_seq seq = {0};

	for (size_t i = 0; i < NUMBERS; i++) {
		probe_seq_add(&seq, NUMBERS - 1 - i);
	}
	ck_assert_uint_eq(seq.reordered_count, NUMBERS - 1);
	ck_assert_uint_eq(seq.reordered_extent, NUMBERS - 1);
	ck_assert_uint_eq(seq.unique_count, NUMBERS);
	ck_assert_uint_eq(seq.first, 0);
	probe_seq_free(&seq);
	free(arrivals);
}
END_TEST

/* The reach decides how late a number may come: within a word, a chunk, or the whole flow. */
static const size_t reaches[] = {2, 50, 5000, 60000, NUMBERS};

START_TEST(permutations_agree_with_the_model)
{
	uint32_t *arrivals = in_order(NUMBERS);

	shuffle(arrivals, NUMBERS, reaches[_i]);
	compare(arrivals, NUMBERS, NUMBERS);
	free(arrivals);
}
END_TEST

START_TEST(loss_agrees_with_the_model)
{
	static const unsigned per_mille[] = {0, 1, 100, 500, 990};
	uint32_t *arrivals = in_order(NUMBERS);
	size_t kept = 0;

	for (size_t i = 0; i < NUMBERS; i++) {
		if (draw() % 1000 >= per_mille[_i]) {
			arrivals[kept++] = (uint32_t)i;
		}
	}
	compare(arrivals, kept, NUMBERS);
	free(arrivals);
}
END_TEST

START_TEST(loss_duplicates_and_reordering_together_agree_with_the_model)
{
	uint32_t *arrivals = in_order(NUMBERS);
	size_t count = 0;

	random_state = 1000 + (uint64_t)_i;
	for (size_t i = 0; i < NUMBERS; i++) {
		uint64_t fate = draw() % 100;

		if (fate < 5) {
			continue;
		}
		arrivals[count++] = (uint32_t)i;
		if (fate >= 95) {
			arrivals[count++] = (uint32_t)(draw() % (i + 1));
		}
	}
	shuffle(arrivals, count, reaches[_i]);
	compare(arrivals, count, NUMBERS);
	free(arrivals);
}
END_TEST

START_TEST(a_complete_chunk_still_knows_its_duplicates)
{
	struct probe_seq seq = {0};

	for (uint64_t i = 0; i < 65536; i++) {
		same(probe_seq_add(&seq, i), PROBE_SEQ_NEW);
	}
	for (uint64_t i = 0; i < 65536; i++) {
		same(probe_seq_add(&seq, i), PROBE_SEQ_DUPLICATE);
	}
	ck_assert_uint_eq(seq.duplicate_count, 65536);
	ck_assert_uint_eq(seq.unique_count, 65536);
	probe_seq_free(&seq);
}
END_TEST

START_TEST(a_number_beyond_the_limit_is_refused_and_changes_nothing)
{
	struct probe_seq seq = {0};
	struct probe_seq before;

	ck_assert_int_eq(probe_seq_add(&seq, 7), PROBE_SEQ_NEW);
	before = seq;
	ck_assert_int_eq(probe_seq_add(&seq, PROBE_SEQ_MAX), PROBE_SEQ_REFUSED);
	ck_assert_int_eq(probe_seq_add(&seq, UINT64_MAX), PROBE_SEQ_REFUSED);
	ck_assert_mem_eq(&seq, &before, sizeof(seq));
	probe_seq_free(&seq);
}
END_TEST

START_TEST(the_last_number_of_all_is_counted)
{
	struct probe_seq seq = {0};
	struct probe_range gap;

	ck_assert_int_eq(probe_seq_add(&seq, PROBE_SEQ_MAX - 1), PROBE_SEQ_NEW);
	ck_assert_int_eq(probe_seq_add(&seq, 0), PROBE_SEQ_REORDERED);
	ck_assert_uint_eq(seq.reordered_extent, PROBE_SEQ_MAX - 1);
	ck_assert(probe_seq_gap(&seq, 0, PROBE_SEQ_MAX, &gap));
	ck_assert_uint_eq(gap.first, 1);
	ck_assert_uint_eq(gap.last, PROBE_SEQ_MAX - 2);
	ck_assert(!probe_seq_gap(&seq, gap.last + 1, PROBE_SEQ_MAX, &gap));
	probe_seq_free(&seq);
}
END_TEST

/* ---- the histogram ---- */

static int by_value(const void *left, const void *right)
{
	uint64_t a = *(const uint64_t *)left;
	uint64_t b = *(const uint64_t *)right;

	return a < b ? -1 : a > b;
}

/* Each quantile is no lower than the true one, and at most 1/128 above it. */
static void compare_quantiles(const struct probe_hist *hist, uint64_t *samples, size_t count)
{
	static const uint32_t asked[] = {0, 1, 10000, 50000, 90000, 99000, 99900, 99999, 100000};

	qsort(samples, count, sizeof(samples[0]), by_value);
	ck_assert_uint_eq(hist->count, count);
	ck_assert_uint_eq(hist->min_ns, samples[0]);
	ck_assert_uint_eq(hist->max_ns, samples[count - 1]);
	for (size_t i = 0; i < sizeof(asked) / sizeof(asked[0]); i++) {
		size_t rank = ((size_t)count * asked[i] + 99999) / 100000;
		uint64_t truth = samples[rank == 0 ? 0 : rank - 1];
		uint64_t got = probe_hist_quantile(hist, asked[i]);

		ck_assert_uint_ge(got, truth);
		ck_assert_uint_le(got - truth, truth / 128);
	}
}

#define SAMPLES 100000u

static uint64_t sample(int distribution)
{
	switch (distribution) {
	case 0:
		return draw() % 100;
	case 1:
		return 10000 + draw() % 5000;
	case 2: /* over all sizes */
		return draw() >> draw() % 64;
	case 3: /* a long tail */
		return (uint64_t)(5000.0 / pow((double)(draw() % 1000000 + 1) / 1e6, 1.5));
	default:
		return 42000;
	}
}

START_TEST(quantiles_are_within_one_percent)
{
	struct probe_hist hist = {0};
	uint64_t *samples = malloc(SAMPLES * sizeof(samples[0]));
	unsigned __int128 sum = 0;

	ck_assert_ptr_nonnull(samples);
	for (size_t i = 0; i < SAMPLES; i++) {
		samples[i] = sample(_i);
		sum += samples[i];
		same(probe_hist_add(&hist, samples[i]), 0);
	}
	ck_assert_double_eq_tol(probe_hist_mean(&hist), (double)sum / SAMPLES,
				(double)sum / SAMPLES * 1e-12);
	compare_quantiles(&hist, samples, SAMPLES);
	probe_hist_free(&hist);
	free(samples);
}
END_TEST

START_TEST(merged_histograms_equal_one_that_had_it_all)
{
	struct probe_hist parts[3] = {0};
	struct probe_hist sum = {0};
	uint64_t *samples = malloc(SAMPLES * sizeof(samples[0]));

	ck_assert_ptr_nonnull(samples);
	for (size_t i = 0; i < SAMPLES; i++) {
		samples[i] = sample((int)(i % 3) + 1);
		same(probe_hist_add(&parts[i % 3], samples[i]), 0);
	}
	for (size_t i = 0; i < 3; i++) {
		ck_assert_int_eq(probe_hist_merge(&sum, &parts[i]), 0);
		probe_hist_free(&parts[i]);
	}
	ck_assert_int_eq(probe_hist_merge(&sum, &parts[0]), 0); /* an empty one changes nothing */
	compare_quantiles(&sum, samples, SAMPLES);
	probe_hist_free(&sum);
	free(samples);
}
END_TEST

START_TEST(extreme_values_fit)
{
	struct probe_hist hist = {0};

	ck_assert_uint_eq(probe_hist_quantile(&hist, 50000), 0);
	ck_assert_double_eq(probe_hist_mean(&hist), 0);
	ck_assert_int_eq(probe_hist_add(&hist, UINT64_MAX), 0);
	ck_assert_uint_eq(probe_hist_quantile(&hist, 50000), UINT64_MAX);
	ck_assert_int_eq(probe_hist_add(&hist, 0), 0);
	ck_assert_uint_eq(probe_hist_quantile(&hist, 50000), 0);
	ck_assert_uint_eq(probe_hist_quantile(&hist, 50001), UINT64_MAX);
	probe_hist_free(&hist);
}
END_TEST

START_TEST(each_border_of_a_bucket_is_within_its_bound)
{
	for (unsigned bit = 0; bit < 64; bit++) {
		for (int64_t step = -1; step <= 1; step++) {
			struct probe_hist hist = {0};
			uint64_t value = (1ULL << bit) + (uint64_t)step;
			uint64_t got;

			ck_assert_int_eq(probe_hist_add(&hist, value), 0);
			/* A larger sample, so that the maximum does not help. */
			ck_assert_int_eq(probe_hist_add(&hist, UINT64_MAX), 0);
			got = probe_hist_quantile(&hist, 50000);
			ck_assert_uint_ge(got, value);
			ck_assert_uint_le(got - value, value / 128);
			probe_hist_free(&hist);
		}
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("probe_stats");
	TCase *seq = tcase_create("seq");
	TCase *hist = tcase_create("hist");
	SRunner *runner;
	int failed;

	tcase_add_test(seq, nothing_has_no_numbers_and_one_whole_gap);
	tcase_add_test(seq, all_in_order_is_clean);
	tcase_add_test(seq, backwards_reorders_all_but_the_first);
	tcase_add_loop_test(seq, permutations_agree_with_the_model, 0, 5);
	tcase_add_loop_test(seq, loss_agrees_with_the_model, 0, 5);
	tcase_add_loop_test(seq, loss_duplicates_and_reordering_together_agree_with_the_model, 0,
			    5);
	tcase_add_test(seq, a_complete_chunk_still_knows_its_duplicates);
	tcase_add_test(seq, a_number_beyond_the_limit_is_refused_and_changes_nothing);
	tcase_add_test(seq, the_last_number_of_all_is_counted);
	suite_add_tcase(suite, seq);
	tcase_add_loop_test(hist, quantiles_are_within_one_percent, 0, 5);
	tcase_add_test(hist, merged_histograms_equal_one_that_had_it_all);
	tcase_add_test(hist, extreme_values_fit);
	tcase_add_test(hist, each_border_of_a_bucket_is_within_its_bound);
	suite_add_tcase(suite, hist);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? 0 : 1;
}
