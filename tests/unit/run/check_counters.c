/* check_counters.c - the tables of counters are sound, and what documents say of counters is what
 * the tables say.
 *
 * Reads doc/numacastd.8 and doc/TROUBLESHOOTING.md below NC_SRCDIR. In the manual each family has a
 * subsection of its own, whose items are the family's counters and nothing else; the other document
 * has a row for each drop. `check_counters dump' prints all counters instead, one a line: family,
 * name, unit, kind and what it counts, with tabs between.
 */
#include <check.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shard/counters.h"
#include "src/fastpath/counts.h"
#include "src/run/recheck.h"

#define FILE_ROOM 131072

/* All families, and how large the struct is that the values of each lie in. */
static const struct {
	const struct counter_family *family;
	size_t struct_bytes;
} all[] = {
	{&counter_families[COUNTERS_FLOW], sizeof(struct flow_stats)},
	{&counter_families[COUNTERS_FLOW_DROPS], sizeof(struct flow_stats)},
	{&counter_families[COUNTERS_OUTPUT], sizeof(struct output_stats)},
	{&counter_families[COUNTERS_OUTPUT_ZEROCOPY], sizeof(struct output_stats)},
	{&counter_families[COUNTERS_OUTPUT_DROPS], sizeof(struct output_stats)},
	{&counter_families[COUNTERS_OUTPUT_LATENCY], sizeof(struct output_stats)},
	{&counter_families[COUNTERS_LEG], sizeof(struct leg_stats)},
	{&counter_families[COUNTERS_MERGE], sizeof(struct merge_stats)},
	{&counter_families[COUNTERS_POOL], sizeof(struct pool_class_stats)},
	{&counter_families[COUNTERS_RING], sizeof(struct ring_stats)},
	{&counter_families[COUNTERS_BATCHES], sizeof(struct batch_stats)},
	{&recheck_counters, sizeof(struct recheck)},
	{&fast_flow_counters, sizeof(struct fast_flow_counts)},
	{&fast_output_counters, sizeof(struct fast_output_counts)},
};

#define FAMILIES ((int)(sizeof(all) / sizeof(all[0])))

static_assert(sizeof(all) / sizeof(all[0]) == COUNTERS_FAMILY_COUNT + 3, "all families");

static char text[FILE_ROOM];

START_TEST(each_counter_has_a_name_a_unit_and_an_explanation)
{
	const struct counter_family *family = all[_i].family;

	ck_assert_uint_gt(family->count, 0);
	for (uint32_t i = 0; i < family->count; i++) {
		const struct counter *row = &family->rows[i];
		size_t len = strlen(row->name);

		ck_assert_uint_gt(len, 0);
		ck_assert_uint_eq(strspn(row->name, "abcdefghijklmnopqrstuvwxyz0123456789_"), len);
		ck_assert_uint_gt(strlen(row->unit), 0);
		ck_assert_uint_gt(strlen(row->help), 0);
		ck_assert_int_le(row->kind, COUNTER_HISTOGRAM);
	}
}
END_TEST

START_TEST(name_stands_once_in_its_family)
{
	const struct counter_family *family = all[_i].family;

	for (uint32_t i = 0; i < family->count; i++) {
		for (uint32_t j = 0; j < i; j++) {
			ck_assert_str_ne(family->rows[i].name, family->rows[j].name);
		}
	}
}
END_TEST

/* The totals of the report hold both. */
START_TEST(no_drop_of_a_flow_is_called_like_one_of_an_output)
{
	const struct counter_family *flow = &counter_families[COUNTERS_FLOW_DROPS];
	const struct counter_family *output = &counter_families[COUNTERS_OUTPUT_DROPS];

	for (uint32_t i = 0; i < flow->count; i++) {
		for (uint32_t j = 0; j < output->count; j++) {
			ck_assert_str_ne(flow->rows[i].name, output->rows[j].name);
		}
	}
}
END_TEST

START_TEST(each_value_has_a_place_of_its_own_in_its_struct)
{
	const struct counter_family *family = all[_i].family;

	for (uint32_t i = 0; i < family->count; i++) {
		const struct counter *row = &family->rows[i];
		size_t bytes = sizeof(stat_t) * row->buckets;

		ck_assert(row->kind == COUNTER_HISTOGRAM ? row->buckets > 1 : row->buckets == 1);
		ck_assert_uint_eq(row->offset % sizeof(stat_t), 0);
		ck_assert_uint_le(row->offset + bytes, all[_i].struct_bytes);
		for (uint32_t j = 0; j < i; j++) {
			ck_assert_uint_ne(row->offset, family->rows[j].offset);
		}
	}
}
END_TEST

START_TEST(drops_are_in_the_order_of_their_enums)
{
	static struct flow_stats flow;
	static struct output_stats output;

	for (unsigned d = 0; d < FLOW_DROP_COUNT; d++) {
		const struct counter *row = &counter_families[COUNTERS_FLOW_DROPS].rows[d];

		stat_set(&flow.drops[d], 100 + d);
		ck_assert_uint_eq(counter_get(row, &flow), 100 + d);
		ck_assert_int_eq(row->kind, COUNTER_DROP);
	}
	for (unsigned d = 0; d < OUTPUT_DROP_COUNT; d++) {
		const struct counter *row = &counter_families[COUNTERS_OUTPUT_DROPS].rows[d];

		stat_set(&output.drops[d], 100 + d);
		ck_assert_uint_eq(counter_get(row, &output), 100 + d);
		ck_assert_int_eq(row->kind, COUNTER_DROP);
	}
}
END_TEST

START_TEST(buckets_are_powers_of_two_and_the_last_holds_the_rest)
{
	ck_assert_uint_eq(counter_bucket_of(0, 12), 0);
	ck_assert_uint_eq(counter_bucket_of(1, 12), 1);
	ck_assert_uint_eq(counter_bucket_of(2, 12), 2);
	ck_assert_uint_eq(counter_bucket_of(3, 12), 2);
	ck_assert_uint_eq(counter_bucket_of(1023, 12), 10);
	ck_assert_uint_eq(counter_bucket_of(1024, 12), 11);
	ck_assert_uint_eq(counter_bucket_of(UINT64_MAX, 12), 11);
	ck_assert_uint_eq(counter_bucket_of(1024, 4), 3);
}
END_TEST

START_TEST(histogram_gives_each_bucket)
{
	const struct counter *row = &counter_families[COUNTERS_BATCHES].rows[1];
	static struct batch_stats batches;

	ck_assert_str_eq(row->name, "sends_per_turn");
	ck_assert_uint_eq(row->buckets, BATCH_BUCKETS);
	for (unsigned b = 0; b < BATCH_BUCKETS; b++) {
		stat_set(&batches.sends[b], b + 1);
		ck_assert_uint_eq(counter_bucket(row, &batches, b), b + 1);
	}
}
END_TEST

START_TEST(no_bucket_behind_the_last)
{
	static struct batch_stats batches;

	counter_bucket(&counter_families[COUNTERS_BATCHES].rows[0], &batches, BATCH_BUCKETS);
}
END_TEST

START_TEST(reasons_have_words)
{
	ck_assert_str_eq(counter_reason(ZEROCOPY_OFF_NOT), "no");
	ck_assert_str_eq(counter_reason(ZEROCOPY_OFF_COPIED), "copied");
	ck_assert_str_eq(counter_reason(ZEROCOPY_OFF_REFUSED), "refused");
}
END_TEST

/* The file below NC_SRCDIR, in `text'. */
static void read_source_file(const char *name)
{
	const char *top = getenv("NC_SRCDIR");
	char path[4096];
	FILE *file;
	size_t len;

	ck_assert_msg(top != NULL, "NC_SRCDIR is not set: run by make check");
	snprintf(path, sizeof(path), "%s/%s", top, name);
	file = fopen(path, "r");
	ck_assert_msg(file != NULL, "cannot open %s", path);
	len = fread(text, 1, sizeof(text) - 1, file);
	ck_assert_uint_lt(len, sizeof(text) - 1);
	text[len] = '\0';
	fclose(file);
}

/* What the manual says between this family's heading and the next one. */
static char *manual_section(const struct counter_family *family)
{
	char heading[128];
	char *section, *end;

	read_source_file("doc/numacastd.8");
	snprintf(heading, sizeof(heading), "\n.Ss %s\n", family->title);
	section = strstr(text, heading);
	ck_assert_msg(section != NULL, "the manual has no .Ss %s", family->title);
	section++;
	end = strstr(section, "\n.S");
	ck_assert_ptr_nonnull(end);
	end[1] = '\0';
	return section;
}

static uint32_t items_of(const char *section)
{
	uint32_t items = 0;

	for (const char *at = section; (at = strstr(at, "\n.It Sy ")) != NULL; at++) {
		items++;
	}
	return items;
}

START_TEST(manual_explains_each_counter_and_no_other)
{
	const struct counter_family *family = all[_i].family;
	const char *section = manual_section(family);

	for (uint32_t i = 0; i < family->count; i++) {
		char item[128];
		const char *at;

		snprintf(item, sizeof(item), "\n.It Sy %s\n", family->rows[i].name);
		at = strstr(section, item);
		ck_assert_msg(at != NULL, "%s: no item %s in the manual", family->title,
			      family->rows[i].name);
		at += strlen(item);
		ck_assert_msg(strncmp(at, ".It ", 4) != 0 && strncmp(at, ".El", 3) != 0,
			      "the manual does not explain %s", family->rows[i].name);
	}
	ck_assert_uint_eq(items_of(section), family->count);
}
END_TEST

START_TEST(each_drop_has_a_row_in_troubleshooting)
{
	static const enum counter_family_id drops[] = {COUNTERS_FLOW_DROPS, COUNTERS_OUTPUT_DROPS};

	read_source_file("doc/TROUBLESHOOTING.md");
	for (size_t f = 0; f < sizeof(drops) / sizeof(drops[0]); f++) {
		const struct counter_family *family = &counter_families[drops[f]];

		for (uint32_t i = 0; i < family->count; i++) {
			char row[128];

			snprintf(row, sizeof(row), "\n| `%s` |", family->rows[i].name);
			ck_assert_msg(strstr(text, row) != NULL, "no row for %s",
				      family->rows[i].name);
		}
	}
}
END_TEST

static int dump(void)
{
	static const char *const kinds[] = {
		[COUNTER_COUNT] = "count",   [COUNTER_DROP] = "drop",
		[COUNTER_GAUGE] = "gauge",   [COUNTER_ERRNO] = "errno",
		[COUNTER_REASON] = "reason", [COUNTER_HISTOGRAM] = "histogram",
	};

	for (int f = 0; f < FAMILIES; f++) {
		for (uint32_t i = 0; i < all[f].family->count; i++) {
			const struct counter *row = &all[f].family->rows[i];

			printf("%s\t%s\t%s\t%s\t%s\n", all[f].family->name, row->name, row->unit,
			       kinds[row->kind], row->help);
		}
	}
	return 0;
}

int main(int argc, char **argv)
{
	Suite *suite = suite_create("counters");
	TCase *tc = tcase_create("counters");
	SRunner *runner;
	int failed;

	if (argc == 2 && strcmp(argv[1], "dump") == 0) {
		return dump();
	}
	runner = srunner_create(suite);
	suite_add_tcase(suite, tc);
	tcase_add_loop_test(tc, each_counter_has_a_name_a_unit_and_an_explanation, 0, FAMILIES);
	tcase_add_loop_test(tc, name_stands_once_in_its_family, 0, FAMILIES);
	tcase_add_test(tc, no_drop_of_a_flow_is_called_like_one_of_an_output);
	tcase_add_loop_test(tc, each_value_has_a_place_of_its_own_in_its_struct, 0, FAMILIES);
	tcase_add_test(tc, drops_are_in_the_order_of_their_enums);
	tcase_add_test(tc, buckets_are_powers_of_two_and_the_last_holds_the_rest);
	tcase_add_test(tc, histogram_gives_each_bucket);
	tcase_add_test_raise_signal(tc, no_bucket_behind_the_last, SIGABRT);
	tcase_add_test(tc, reasons_have_words);
	tcase_add_loop_test(tc, manual_explains_each_counter_and_no_other, 0, FAMILIES);
	tcase_add_test(tc, each_drop_has_a_row_in_troubleshooting);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
