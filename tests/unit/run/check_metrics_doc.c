/* check_metrics_doc.c - what names metrics names those that there are.
 *
 * Reads below NC_SRCDIR: doc/METRICS.md has a row for each metric and for nothing else; dashboard
 * and alert rules in etc/ name no sample that there is none of, and the dashboard is JSON.
 * `check_metrics_doc dump' prints the rows instead.
 */
#include <check.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "src/fastpath/counts.h"
#include "src/run/recheck.h"
#include "src/web/metrics.h"

#define FILE_ROOM   262144
#define SAMPLES_MAX 1024

static const struct snapshot_rows families = {&recheck_counters, &fast_flow_counters,
					      &fast_output_counters};
static char text[FILE_ROOM];
static char samples[SAMPLES_MAX][METRIC_NAME_MAX + 8];
static int sample_count;

static const char *const type_names[] = {"counter", "gauge", "histogram", "info"};

static void row_of(const struct metric *metric, const char *labels, char *row, size_t room)
{
	char name[METRIC_NAME_MAX];

	snprintf(row, room, "| `%s` | %s | %s | %s |\n", metric_sample_name(metric, name),
		 type_names[metric->type], labels, metric->help);
}

static void print(void *context, const struct metric *metric, const char *labels)
{
	char row[512];

	(void)context;
	row_of(metric, labels, row, sizeof(row));
	fputs(row, stdout);
}

static void read_file(const char *name)
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

static void is_told(void *context, const struct metric *metric, const char *labels)
{
	int *count = context;
	char row[512];

	row_of(metric, labels, row, sizeof(row));
	ck_assert_msg(strstr(text, row), "not in doc/METRICS.md: %s", row);
	(*count)++;
}

START_TEST(documentation_has_each_metric_and_no_other)
{
	int told = 0, rows = 0;

	read_file("doc/METRICS.md");
	metrics_list(&families, is_told, &told);
	for (const char *at = text; (at = strstr(at, "\n| `numacast_")) != NULL; at++) {
		rows++;
	}
	ck_assert_int_eq(rows, told);
}
END_TEST

static void add_sample(const char *name, const char *suffix)
{
	ck_assert_int_lt(sample_count, SAMPLES_MAX);
	snprintf(samples[sample_count++], sizeof(samples[0]), "%s%s", name, suffix);
}

static void add_samples(void *context, const struct metric *metric, const char *labels)
{
	char name[METRIC_NAME_MAX];

	(void)context;
	(void)labels;
	metric_sample_name(metric, name);
	if (metric->type == METRIC_HISTOGRAM) {
		add_sample(name, "_bucket");
		add_sample(name, "_count");
		if (metric->decimals > 0) {
			add_sample(name, "_sum");
		}
	} else {
		add_sample(name, "");
	}
}

/* Each word of `text' that begins as a metric does. */
static int count_known_words(const char *file)
{
	int count = 0;

	for (const char *at = text; (at = strstr(at, "numacast_")) != NULL; count++) {
		size_t len = strspn(at, "abcdefghijklmnopqrstuvwxyz0123456789_");
		int i = 0;

		while (i < sample_count &&
		       (strlen(samples[i]) != len || strncmp(samples[i], at, len) != 0)) {
			i++;
		}
		ck_assert_msg(i < sample_count, "%s: there is no %.*s", file, (int)len, at);
		at += len;
	}
	return count;
}

START_TEST(dashboard_and_alerts_name_what_there_is)
{
	static const char *const files[] = {"etc/grafana/numacast.json",
					    "etc/prometheus/numacast-alerts.yaml"};

	metrics_list(&families, add_samples, NULL);
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		read_file(files[i]);
		ck_assert_int_gt(count_known_words(files[i]), 5);
	}
}
END_TEST

START_TEST(dashboard_is_json_with_panels_that_ask)
{
	json_t *board, *panels, *panel;
	size_t i;

	read_file("etc/grafana/numacast.json");
	board = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
	ck_assert_ptr_nonnull(board);
	panels = json_object_get(board, "panels");
	ck_assert_uint_gt(json_array_size(panels), 5);
	json_array_foreach(panels, i, panel)
	{
		const char *type = json_string_value(json_object_get(panel, "type"));

		ck_assert_ptr_nonnull(type);
		ck_assert(strcmp(type, "row") == 0 ||
			  json_array_size(json_object_get(panel, "targets")) > 0);
	}
	json_decref(board);
}
END_TEST

int main(int argc, char **argv)
{
	Suite *suite = suite_create("metrics_doc");
	TCase *tc = tcase_create("metrics_doc");
	SRunner *runner;
	int failed;

	if (argc > 1 && strcmp(argv[1], "dump") == 0) {
		metrics_list(&families, print, NULL);
		return 0;
	}
	runner = srunner_create(suite);
	suite_add_tcase(suite, tc);
	tcase_add_test(tc, documentation_has_each_metric_and_no_other);
	tcase_add_test(tc, dashboard_and_alerts_name_what_there_is);
	tcase_add_test(tc, dashboard_is_json_with_panels_that_ask);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
