/* check_metrics.c - the texts for Prometheus: names, escapes, who gets which, and that every
 * counter stands there with its value at every detail.
 */
#include "src/web/metrics.h"

#include <check.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LABELS "rule=\"one\",ingress=\"239.1.1.1%eth0:5000\",source=\"192.0.2.1\",shard=\"0\""

static const struct counter placement_row[] = {
	{"checks", "looks", "taken", COUNTER_COUNT, 0, 1},
};
static const struct counter_family placement = {"placement", "Placement", placement_row, 1};
static const struct counter fast_row[] = {
	{"sent", "datagrams", "in the kernel", COUNTER_COUNT, 8, 1},
};
static const struct counter_family fast = {"fast", "In the kernel", fast_row, 1};
static struct snapshot *snapshot;
static struct route_answer answer;
static uint64_t next; /* each counter gets another value */

/* Gives each counter of a family a value that no other has. */
static void count_up(const struct counter_family *family, void *stats)
{
	for (uint32_t i = 0; i < family->count; i++) {
		const struct counter *row = &family->rows[i];
		stat_t *at = (stat_t *)(void *)((char *)stats + row->offset);

		for (uint32_t b = 0; b < row->buckets; b++) {
			stat_set(&at[b],
				 row->kind == COUNTER_REASON ? ZEROCOPY_OFF_COPIED : ++next);
		}
	}
}

static void add_output(uint32_t flow, const char *ip, uint16_t port)
{
	struct snapshot_output *output = &snapshot->outputs[snapshot->output_count++];

	ck_assert_int_eq(addr_parse_ip(ip, &output->to.addr), 0);
	output->to.addr.port = port;
	output->flow = flow;
	for (int f = COUNTERS_OUTPUT; f <= COUNTERS_OUTPUT_LATENCY; f++) {
		count_up(&counter_families[f], &output->stats);
	}
}

/* One rule, one flow with a source, two outputs, one shard. */
static void setup(void)
{
	struct snapshot_flow *flow;

	next = 1000;
	answer = (struct route_answer){.status = 200};
	snapshot = snapshot_new(1, 1, 1, 2);
	ck_assert_ptr_nonnull(snapshot);
	snapshot->engine = "uring";
	snapshot->rows = (struct snapshot_rows){&placement, &fast, &fast};
	snapshot->shard_count = snapshot->rule_count = snapshot->flow_count = 1;
	snapshot->rules[0].name = strdup("one");
	snapshot->shards[0].page_size = "2M";
	snapshot->shards[0].features = strdup("a \"b\"");
	count_up(&counter_families[COUNTERS_RING], &snapshot->shards[0].ring);
	count_up(&counter_families[COUNTERS_BATCHES], &snapshot->shards[0].batches);
	for (unsigned c = 0; c < POOL_CLASS_COUNT; c++) {
		count_up(&counter_families[COUNTERS_POOL], &snapshot->shards[0].pool[c].stats);
	}
	snapshot->shards[0].placement[0] = 77;
	flow = &snapshot->flows[0];
	ck_assert_int_eq(addr_parse_ip("239.1.1.1", &flow->in.at.addr), 0);
	ck_assert_int_eq(addr_parse_ip("192.0.2.1", &flow->in.source), 0);
	flow->in.at.addr.port = 5000;
	strcpy(flow->in.at.ifname, "eth0");
	count_up(&counter_families[COUNTERS_FLOW], &flow->stats);
	count_up(&counter_families[COUNTERS_FLOW_DROPS], &flow->stats);
	flow->output_count = 2;
	add_output(0, "239.2.2.1", 6000);
	add_output(0, "239.2.2.2", 6000);
}

static void teardown(void)
{
	text_free(&answer.text);
	snapshot_free(snapshot);
}

static const char *made(unsigned variant, unsigned detail)
{
	text_free(&answer.text);
	metrics_make(
		&(struct route_ask){.snapshot = snapshot, .variant = variant, .detail = detail},
		&answer);
	ck_assert(!text_failed(&answer.text));
	return answer.text.at;
}

static void has(const char *text, const char *line)
{
	char whole[1024];

	snprintf(whole, sizeof(whole), "\n%s\n", line);
	ck_assert_msg(strstr(text, whole), "no line '%s' in:\n%s", line, text);
}

START_TEST(names_follow_from_rows)
{
	static const struct {
		struct counter row;
		const char *sample;
		const char *unit;
	} cases[] = {
		{{"received", "datagrams", "", COUNTER_COUNT, 0, 1},
		 "p_received_datagrams_total",
		 "datagrams"},
		{{"received_bytes", "bytes", "", COUNTER_COUNT, 0, 1},
		 "p_received_bytes_total",
		 "bytes"},
		{{"free", "slots", "", COUNTER_GAUGE, 0, 1}, "p_free_slots", "slots"},
		{{"turns", "turns", "", COUNTER_COUNT, 0, 1}, "p_turns_total", NULL},
		{{"longest_change_ns", "nanoseconds", "", COUNTER_GAUGE, 0, 1},
		 "p_longest_change_seconds",
		 "seconds"},
		{{"sum_us", "microseconds", "", COUNTER_COUNT, 0, 1},
		 "p_sum_seconds_total",
		 "seconds"},
		{{"send_errno", "errno", "", COUNTER_ERRNO, 0, 1}, "p_send_errno", NULL},
		{{"bytes", "bytes", "", COUNTER_GAUGE, 0, 1}, "p_bytes", "bytes"},
	};
	char name[METRIC_NAME_MAX];
	struct metric metric;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		metric_of_row("p", &cases[i].row, &metric);
		ck_assert_str_eq(metric_sample_name(&metric, name), cases[i].sample);
		ck_assert_pstr_eq(metric.unit, cases[i].unit);
	}
}
END_TEST

static const char *label(const char *value)
{
	static struct text text;

	text_free(&text);
	metric_put_label(&text, false, "k", value);
	return text.at ? text.at : "";
}

START_TEST(labels_are_escaped_and_are_utf8)
{
	ck_assert_str_eq(label("a\"b\\c\nd"), ",k=\"a\\\"b\\\\c\\nd\"");
	ck_assert_str_eq(label("gr\xc3\xbc\xc3\x9f"), ",k=\"gr\xc3\xbc\xc3\x9f\"");
	ck_assert_str_eq(label("\xe2\x82\xac \xf0\x9f\x90\x98"),
			 ",k=\"\xe2\x82\xac \xf0\x9f\x90\x98\"");
	ck_assert_str_eq(label("a\xff"), ",k=\"a?\"");
	ck_assert_str_eq(label("\xc3"), ",k=\"?\"");
	ck_assert_str_eq(label("\xc0\x80"), ",k=\"??\"");
	ck_assert_str_eq(label("\xed\xa0\x80"), ",k=\"???\"");
	ck_assert_str_eq(label("\xf5\x80\x80\x80"), ",k=\"????\"");
	ck_assert_str_eq(label(""), "");
}
END_TEST

START_TEST(decimals_are_exact)
{
	struct text text = {0};

	metric_put_decimal(&text, 1500000000, 9);
	text_put(&text, " ");
	metric_put_decimal(&text, 7, 6);
	text_put(&text, " ");
	metric_put_decimal(&text, 0, 9);
	text_put(&text, " ");
	metric_put_decimal(&text, UINT64_MAX, 9);
	ck_assert_str_eq(text.at, "1.5 0.000007 0 18446744073.709551615");
	text_free(&text);
}
END_TEST

START_TEST(whoever_asks_for_open_metrics_gets_them)
{
	ck_assert_uint_eq(metrics_choose(""), METRICS_TEXT);
	ck_assert_uint_eq(metrics_choose("*/*"), METRICS_TEXT);
	ck_assert_uint_eq(metrics_choose("text/html,*/*;q=0.8"), METRICS_TEXT);
	ck_assert_uint_eq(metrics_choose("application/openmetrics-text"), METRICS_OPEN);
	ck_assert_uint_eq(metrics_choose("application/openmetrics-text;version=1.0.0,"
					 "application/openmetrics-text;version=0.0.1;q=0.75,"
					 "text/plain;version=0.0.4;q=0.5,*/*;q=0.1"),
			  METRICS_OPEN);
	ck_assert_uint_eq(metrics_choose("text/plain, Application/OpenMetrics-Text;q=0.9"),
			  METRICS_TEXT);
	ck_assert_uint_eq(metrics_choose("application/openmetrics-text; q=0"), METRICS_TEXT);
	ck_assert_uint_eq(metrics_choose("application/openmetrics-text-not"), METRICS_TEXT);
	ck_assert_uint_eq(metrics_choose(",;,q=;application/openmetrics-text"), METRICS_TEXT);
}
END_TEST

/* The line of a plain counter; what is made of histograms, drops and reasons is looked at below. */
static void has_counters(const char *text, const char *prefix, const struct counter_family *family,
			 const void *stats, const char *labels)
{
	for (uint32_t i = 0; i < family->count; i++) {
		const struct counter *row = &family->rows[i];
		char line[1024], name[METRIC_NAME_MAX];
		struct text value = {0};
		struct metric metric;

		if (row->kind == COUNTER_HISTOGRAM || row->kind == COUNTER_REASON) {
			continue;
		}
		metric_of_row(prefix, row, &metric);
		metric_put_decimal(&value, counter_get(row, stats), metric.decimals);
		if (row->kind == COUNTER_DROP) {
			snprintf(line, sizeof(line),
				 "%s_dropped_datagrams_total{%s,cause=\"%s\"} %s", prefix, labels,
				 row->name, value.at);
		} else if (family == &counter_families[COUNTERS_OUTPUT_LATENCY] &&
			   row->kind == COUNTER_COUNT && strcmp(row->name, "sum_us") == 0) {
			snprintf(line, sizeof(line), "%s_seconds_sum{%s} %s", prefix, labels,
				 value.at);
		} else if (family == &counter_families[COUNTERS_OUTPUT_LATENCY] &&
			   row->kind == COUNTER_COUNT) {
			ck_assert_str_eq(row->name, "samples"); /* is _count, looked at below */
			text_free(&value);
			continue;
		} else {
			snprintf(line, sizeof(line), "%s{%s} %s", metric_sample_name(&metric, name),
				 labels, value.at);
		}
		has(text, line);
		text_free(&value);
	}
}

START_TEST(every_counter_is_there_with_its_value)
{
	const char *text = made((unsigned)_i, METRICS_BY_OUTPUT);
	const struct snapshot_shard *shard = &snapshot->shards[0];

	has_counters(text, "numacast_flow", &counter_families[COUNTERS_FLOW],
		     &snapshot->flows[0].stats, LABELS);
	has_counters(text, "numacast_flow", &counter_families[COUNTERS_FLOW_DROPS],
		     &snapshot->flows[0].stats, LABELS);
	for (uint32_t o = 0; o < 2; o++) {
		static const char *const prefixes[] = {
			"numacast_output", "numacast_output_zerocopy", "numacast_output",
			"numacast_output_latency"};
		char labels[256];

		snprintf(labels, sizeof(labels), "%s,to=\"239.2.2.%u:6000\"", LABELS, o + 1);
		for (int f = COUNTERS_OUTPUT; f <= COUNTERS_OUTPUT_LATENCY; f++) {
			has_counters(text, prefixes[f - COUNTERS_OUTPUT], &counter_families[f],
				     &snapshot->outputs[o].stats, labels);
		}
	}
	has_counters(text, "numacast_ring", &counter_families[COUNTERS_RING], &shard->ring,
		     "shard=\"0\"");
	has_counters(text, "numacast_pool", &counter_families[COUNTERS_POOL], &shard->pool[1].stats,
		     "shard=\"0\",class=\"standard\"");
	has_counters(text, "numacast_placement", &placement, shard->placement, "shard=\"0\"");
	has(text, "numacast_placement_checks_total{shard=\"0\"} 77");
}
END_TEST

/* Families that nobody has written a place for would be missing. */
START_TEST(every_family_is_looked_at)
{
	ck_assert_int_eq(COUNTERS_FLOW, 0);
	ck_assert_int_eq(COUNTERS_OUTPUT, 2);
	ck_assert_int_eq(COUNTERS_OUTPUT_LATENCY, 5);
	ck_assert_int_eq(COUNTERS_FAMILY_COUNT, 11);
}
END_TEST

START_TEST(histograms_add_up_and_reasons_are_words)
{
	struct batch_stats *batches = &snapshot->shards[0].batches;
	struct output_stats *output = &snapshot->outputs[0].stats;
	const char *text;

	for (unsigned b = 0; b < BATCH_BUCKETS; b++) {
		stat_set(&batches->sends[b], 1);
	}
	for (unsigned b = 0; b < LATENCY_BUCKETS; b++) {
		stat_set(&output->latency[b], 2);
	}
	stat_set(&output->latency_sum_us, 2500000);
	stat_set(&snapshot->outputs[1].stats.latency_samples, 0);
	text = made(METRICS_TEXT, METRICS_BY_OUTPUT);
	has(text, "# TYPE numacast_batch_sends_per_turn histogram");
	has(text, "numacast_batch_sends_per_turn_bucket{shard=\"0\",le=\"0\"} 1");
	has(text, "numacast_batch_sends_per_turn_bucket{shard=\"0\",le=\"3\"} 3");
	has(text, "numacast_batch_sends_per_turn_bucket{shard=\"0\",le=\"1023\"} 11");
	has(text, "numacast_batch_sends_per_turn_bucket{shard=\"0\",le=\"+Inf\"} 12");
	has(text, "numacast_batch_sends_per_turn_count{shard=\"0\"} 12");
	has(text, "numacast_output_latency_seconds_bucket{" LABELS
		  ",to=\"239.2.2.1:6000\",le=\"0.001024\"} 22");
	has(text, "numacast_output_latency_seconds_count{" LABELS ",to=\"239.2.2.1:6000\"} 48");
	has(text, "numacast_output_latency_seconds_sum{" LABELS ",to=\"239.2.2.1:6000\"} 2.5");
	ck_assert_ptr_null(strstr(text, "latency_seconds_count{" LABELS ",to=\"239.2.2.2"));
	has(text,
	    "numacast_output_zerocopy_off{" LABELS ",to=\"239.2.2.1:6000\",reason=\"copied\"} 1");
	has(text,
	    "numacast_output_zerocopy_off{" LABELS ",to=\"239.2.2.1:6000\",reason=\"refused\"} 0");
}
END_TEST

/* Else the growth from nothing to the first value that is scraped would be seen by nobody. */
START_TEST(what_is_timed_has_lines_before_it_has_values)
{
	snapshot->outputs[0].stats = (struct output_stats){0};
	snapshot->outputs[1].stats = (struct output_stats){0};
	ck_assert_ptr_null(strstr(made(METRICS_TEXT, METRICS_BY_OUTPUT), "latency_seconds_count{"));
	snapshot->timed = true;
	for (uint32_t o = 1; o <= 2; o++) {
		char line[256];

		snprintf(line, sizeof(line),
			 "numacast_output_latency_seconds_count{%s,to=\"239.2.2.%u:6000\"} 0",
			 LABELS, o);
		has(made(METRICS_TEXT, METRICS_BY_OUTPUT), line);
	}
}
END_TEST

START_TEST(coarser_detail_has_sums_and_says_what_it_left_out)
{
	uint64_t sent = stat_get(&snapshot->outputs[0].stats.sent) +
			stat_get(&snapshot->outputs[1].stats.sent);
	char line[512];
	const char *text = made(METRICS_TEXT, METRICS_BY_FLOW);

	snprintf(line, sizeof(line), "numacast_output_sent_datagrams_total{%s} %" PRIu64, LABELS,
		 sent);
	has(text, line);
	ck_assert_ptr_null(strstr(text, ",to=\""));
	has(text, "numacast_metrics_detail_info{detail=\"flow\"} 1");
	has(text, "numacast_metrics_left_out{of=\"flows\"} 0");
	has(text, "numacast_metrics_left_out{of=\"outputs\"} 1");
	text = made(METRICS_TEXT, METRICS_BY_RULE);
	snprintf(line, sizeof(line), "numacast_output_sent_datagrams_total{rule=\"one\"} %" PRIu64,
		 sent);
	has(text, line);
	snprintf(line, sizeof(line),
		 "numacast_flow_received_datagrams_total{rule=\"one\"} %" PRIu64,
		 stat_get(&snapshot->flows[0].stats.received));
	has(text, line);
	ck_assert_ptr_null(strstr(text, "ingress=\""));
	has(text, "numacast_metrics_left_out{of=\"outputs\"} 1");
	snapshot->flows[0].rule = SNAPSHOT_NO_RULE;
	has(made(METRICS_TEXT, METRICS_BY_RULE),
	    "numacast_flow_received_datagrams_total{rule=\"one\"} 0");
	ck_assert_ptr_nonnull(strstr(answer.text.at, "{rule=\"(being removed)\"}"));
}
END_TEST

/* A part of the lines of flows and outputs, where there can be any. */
START_TEST(what_the_kernel_relays_has_lines_at_each_detail)
{
	ck_assert_ptr_null(strstr(made(METRICS_TEXT, METRICS_BY_OUTPUT), "\nnumacast_fast_flow_"));
	has(answer.text.at, "numacast_fast_flows 0");
	snapshot->fast = true;
	snapshot->flows[0].carried = true;
	snapshot->flows[0].fast[1] = 5;
	snapshot->outputs[0].fast[1] = 7;
	snapshot->outputs[1].fast[1] = 11;
	has(made(METRICS_TEXT, METRICS_BY_OUTPUT), "numacast_fast_flows 1");
	ck_assert_ptr_null(strstr(answer.text.at, "numacast_fast_reason_flows{"));
	snapshot->flows[0].by_shard = "it is \"new\"";
	has(made(METRICS_TEXT, METRICS_BY_OUTPUT),
	    "numacast_fast_reason_flows{reason=\"it is \\\"new\\\"\"} 1");
	has(answer.text.at, "numacast_fast_flow_sent_datagrams_total{" LABELS "} 5");
	has(answer.text.at,
	    "numacast_fast_output_sent_datagrams_total{" LABELS ",to=\"239.2.2.1:6000\"} 7");
	has(answer.text.at,
	    "numacast_fast_output_sent_datagrams_total{" LABELS ",to=\"239.2.2.2:6000\"} 11");
	has(made(METRICS_OPEN, METRICS_BY_FLOW),
	    "numacast_fast_output_sent_datagrams_total{" LABELS "} 18");
	has(answer.text.at, "numacast_fast_flow_sent_datagrams_total{" LABELS "} 5");
	has(made(METRICS_TEXT, METRICS_BY_RULE),
	    "numacast_fast_flow_sent_datagrams_total{rule=\"one\"} 5");
	has(answer.text.at, "numacast_fast_output_sent_datagrams_total{rule=\"one\"} 18");
	snapshot->flows[0].rule = SNAPSHOT_NO_RULE;
	has(made(METRICS_TEXT, METRICS_BY_RULE),
	    "numacast_fast_flow_sent_datagrams_total{rule=\"(being removed)\"} 5");
}
END_TEST

START_TEST(both_texts_differ_where_they_must)
{
	const char *text = made(METRICS_OPEN, METRICS_BY_OUTPUT);

	ck_assert_ptr_nonnull(strstr(answer.type, "application/openmetrics-text; version=1.0.0"));
	has(text, "# TYPE numacast_flow_received_bytes counter");
	has(text, "# UNIT numacast_flow_received_bytes bytes");
	has(text, "# TYPE numacast_engine info");
	has(text, "numacast_engine_info{engine=\"uring\"} 1");
	ck_assert_str_eq(text + strlen(text) - 6, "# EOF\n");
	text = made(METRICS_TEXT, METRICS_BY_OUTPUT);
	ck_assert_ptr_nonnull(strstr(answer.type, "text/plain; version=0.0.4"));
	has(text, "# TYPE numacast_flow_received_bytes_total counter");
	has(text, "# TYPE numacast_engine_info gauge");
	ck_assert_ptr_null(strstr(text, "# UNIT"));
	ck_assert_ptr_null(strstr(text, "# EOF"));
	ck_assert_ptr_nonnull(strstr(text, "features=\"a \\\"b\\\"\"} 1\n"));
}
END_TEST

START_TEST(what_waits_or_has_no_link_is_counted)
{
	const char *text;

	snapshot->flows[0].degraded = true;
	snapshot->outputs[0].degraded = snapshot->outputs[1].degraded = true;
	text = made(METRICS_TEXT, METRICS_BY_OUTPUT);
	has(text, "numacast_degraded_flows 1");
	has(text, "numacast_degraded_outputs 2");
	has(text, "numacast_pending_outputs 0");
	snapshot->outputs[1].degraded = false;
	snapshot->outputs[1].why = strdup("no interface");
	text = made(METRICS_TEXT, METRICS_BY_OUTPUT);
	has(text, "numacast_degraded_outputs 1");
	has(text, "numacast_pending_outputs 1");
	has(text, "numacast_output_pending{" LABELS ",to=\"239.2.2.2:6000\"} 1");
}
END_TEST

START_TEST(sums_agree_but_for_what_is_under_way)
{
	struct flow_stats *flow = &snapshot->flows[0].stats;

	memset(flow, 0, sizeof(*flow));
	memset(&snapshot->outputs[0].stats, 0, sizeof(snapshot->outputs[0].stats));
	memset(&snapshot->outputs[1].stats, 0, sizeof(snapshot->outputs[1].stats));
	snapshot->shards[0].pool[POOL_SMALL].slots = 10;
	has(made(METRICS_TEXT, METRICS_BY_RULE), "numacast_consistent 1");
	stat_set(&snapshot->outputs[1].stats.offered, 10);
	has(made(METRICS_TEXT, METRICS_BY_RULE), "numacast_consistent 1");
	stat_set(&snapshot->outputs[1].stats.offered, 100000);
	has(made(METRICS_TEXT, METRICS_BY_RULE), "numacast_consistent 0");
	stat_set(&snapshot->outputs[1].stats.drops[OUTPUT_DROP_QDISC], 100000);
	has(made(METRICS_TEXT, METRICS_BY_RULE), "numacast_consistent 1");
	stat_set(&flow->relayed, 100000);
	has(made(METRICS_TEXT, METRICS_BY_RULE), "numacast_consistent 0");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("metrics");
	TCase *tc = tcase_create("metrics");
	SRunner *runner = srunner_create(suite);
	int failed;

	suite_add_tcase(suite, tc);
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, names_follow_from_rows);
	tcase_add_test(tc, labels_are_escaped_and_are_utf8);
	tcase_add_test(tc, decimals_are_exact);
	tcase_add_test(tc, whoever_asks_for_open_metrics_gets_them);
	tcase_add_loop_test(tc, every_counter_is_there_with_its_value, 0, 2);
	tcase_add_test(tc, every_family_is_looked_at);
	tcase_add_test(tc, histograms_add_up_and_reasons_are_words);
	tcase_add_test(tc, what_is_timed_has_lines_before_it_has_values);
	tcase_add_test(tc, coarser_detail_has_sums_and_says_what_it_left_out);
	tcase_add_test(tc, both_texts_differ_where_they_must);
	tcase_add_test(tc, what_the_kernel_relays_has_lines_at_each_detail);
	tcase_add_test(tc, what_waits_or_has_no_link_is_counted);
	tcase_add_test(tc, sums_agree_but_for_what_is_under_way);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
