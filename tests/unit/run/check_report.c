/* check_report.c - the exit report is JSON, says what was counted, and `consistent' means it. */
#include "src/run/report_file.h"

#include <check.h>
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/unit/run/supervisor_rig.h"

#define MANY 9007199254740993ULL /* 2^53 + 1: no double holds it */

static struct sup_rig rig;
static char dir[64];
static char path[128];

static void setup(void)
{
	sup_rig_open(&rig);
	snprintf(dir, sizeof(dir), "/tmp/check_report.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/report.json", dir);
	rig.opt.exit_report = path;
}

static void teardown(void)
{
	(void)unlink(path);
	ck_assert_int_eq(rmdir(dir), 0); /* nothing else was left there */
	sup_rig_close(&rig);
}

static json_t *written(void)
{
	json_error_t error;
	json_t *report;

	ck_assert_int_eq(report_file_write(&rig.sup), 0);
	report = json_load_file(path, 0, &error);
	ck_assert_msg(report != NULL, "%s", error.text);
	return report;
}

/* Counters as after a run: of `n' datagrams one was a loop, and one was dropped by output 1. */
static void count_run(uint64_t n)
{
	stat_set(&rig.flow_stats.received, n);
	stat_set(&rig.flow_stats.relayed, n - 1);
	stat_set(&rig.flow_stats.drops[FLOW_DROP_LOOP], 1);
	for (int o = 0; o < SUP_RIG_OUTPUTS; o++) {
		stat_set(&rig.output_stats[o].offered, n - 1);
		stat_set(&rig.output_stats[o].sent, n - 1 - (uint64_t)o);
	}
	stat_set(&rig.output_stats[1].drops[OUTPUT_DROP_QDISC], 1);
	rig.shard.pool.classes[POOL_SMALL].count = 10;
	stat_set(&rig.stats.pool[POOL_SMALL].taken, n);
	stat_set(&rig.stats.pool[POOL_SMALL].returned, n - 3);
	stat_set(&rig.stats.pool[POOL_SMALL].free, 7);
	stat_set(&rig.stats.pool[POOL_SMALL].in_ring, 2);
	stat_set(&rig.stats.pool[POOL_SMALL].held, 1);
}

static json_int_t number(const json_t *object, const char *key)
{
	const json_t *value = json_object_get(object, key);

	ck_assert_msg(json_is_integer(value), "%s is no integer", key);
	return json_integer_value(value);
}

START_TEST(report_says_what_was_counted)
{
	json_t *report, *totals, *rule, *flow;

	count_run(MANY);
	report = written();
	ck_assert(json_is_true(json_object_get(report, "consistent")));
	totals = json_object_get(report, "totals");
	ck_assert_int_eq(number(totals, "received"), (json_int_t)MANY);
	ck_assert_int_eq(number(totals, "sent"), (json_int_t)(2 * MANY - 3));
	ck_assert_int_eq(number(json_object_get(totals, "drops"), "loop"), 1);
	ck_assert_int_eq(number(json_object_get(totals, "drops"), "qdisc"), 1);
	rule = json_array_get(json_object_get(report, "rules"), 0);
	ck_assert_int_eq(number(rule, "received"), (json_int_t)MANY);
	flow = json_array_get(json_object_get(rule, "flows"), 0);
	ck_assert_str_eq(json_string_value(json_object_get(flow, "ingress")),
			 "239.1.1.1%eth0:5000");
	ck_assert(json_is_null(json_object_get(flow, "source")));
	ck_assert_uint_eq(json_array_size(json_object_get(flow, "outputs")), 2);
	json_decref(report);
}
END_TEST

START_TEST(report_names_the_source_of_a_flow)
{
	json_t *report, *flow;

	ck_assert_int_eq(addr_parse_ip("192.0.2.7", &rig.flow.in.source), 0);
	rig.opt.conf.flows[0].in.source = rig.flow.in.source;
	report = written();
	flow = json_array_get(
		json_object_get(json_array_get(json_object_get(report, "rules"), 0), "flows"), 0);
	ck_assert_str_eq(json_string_value(json_object_get(flow, "source")), "192.0.2.7");
	json_decref(report);
}
END_TEST

static void has_family(const json_t *object, const struct counter_family *family)
{
	ck_assert_ptr_nonnull(object);
	for (uint32_t i = 0; i < family->count; i++) {
		ck_assert_msg(json_object_get(object, family->rows[i].name) != NULL,
			      "%s: no %s in the report", family->title, family->rows[i].name);
	}
}

START_TEST(each_counter_of_the_tables_is_in_the_report)
{
	json_t *report = written();
	const json_t *shard = json_array_get(json_object_get(report, "shards"), 0);
	const json_t *rule = json_array_get(json_object_get(report, "rules"), 0);
	const json_t *flow = json_array_get(json_object_get(rule, "flows"), 0);
	const json_t *output = json_array_get(json_object_get(flow, "outputs"), 1);

	has_family(flow, &counter_families[COUNTERS_FLOW]);
	has_family(json_object_get(flow, "drops"), &counter_families[COUNTERS_FLOW_DROPS]);
	has_family(json_object_get(rule, "drops"), &counter_families[COUNTERS_FLOW_DROPS]);
	has_family(output, &counter_families[COUNTERS_OUTPUT]);
	has_family(json_object_get(output, "zerocopy"),
		   &counter_families[COUNTERS_OUTPUT_ZEROCOPY]);
	has_family(json_object_get(output, "drops"), &counter_families[COUNTERS_OUTPUT_DROPS]);
	has_family(json_object_get(json_object_get(shard, "pool"), "jumbo"),
		   &counter_families[COUNTERS_POOL]);
	has_family(json_object_get(shard, "ring"), &counter_families[COUNTERS_RING]);
	has_family(json_object_get(shard, "batches"), &counter_families[COUNTERS_BATCHES]);
	has_family(json_object_get(shard, "placement"), &recheck_counters);
	json_decref(report);
}
END_TEST

/* What can be summed, and nothing else. */
START_TEST(rule_has_the_sums_of_its_flows)
{
	json_t *report, *rule;

	count_run(1000);
	stat_set(&rig.flow_stats.trains, 7);
	stat_set(&rig.flow_stats.longest_bytes, 1501);
	report = written();
	rule = json_array_get(json_object_get(report, "rules"), 0);
	ck_assert_int_eq(number(rule, "relayed"), 999);
	ck_assert_int_eq(number(rule, "trains"), 7);
	ck_assert_int_eq(number(json_object_get(rule, "drops"), "loop"), 1);
	ck_assert_ptr_null(json_object_get(rule, "longest_bytes"));
	json_decref(report);
}
END_TEST

START_TEST(what_has_gone_stays_in_the_sums)
{
	struct flow_stats flow = {.received = 10, .relayed = 7};
	struct output_stats output = {.offered = 7, .sent = 5};
	json_t *report, *totals;

	count_run(100);
	stat_set(&flow.drops[FLOW_DROP_LOOP], 3);
	stat_set(&output.drops[OUTPUT_DROP_QDISC], 2);
	report_keep_flow(&rig.sup.gone, &flow);
	report_keep_output(&rig.sup.gone, &output);
	report = written();
	ck_assert(json_is_true(json_object_get(report, "consistent")));
	totals = json_object_get(report, "totals");
	ck_assert_int_eq(number(totals, "received"), 110);
	ck_assert_int_eq(number(totals, "relayed"), 106);
	ck_assert_int_eq(number(totals, "sent"), 99 + 98 + 5);
	ck_assert_int_eq(number(json_object_get(totals, "drops"), "loop"), 4);
	ck_assert_int_eq(number(json_object_get(totals, "drops"), "qdisc"), 3);
	json_decref(report);
	stat_set(&output.sent, 6); /* more than was offered */
	report_keep_output(&rig.sup.gone, &output);
	report = written();
	ck_assert(json_is_false(json_object_get(report, "consistent")));
	json_decref(report);
}
END_TEST

/* A flow goes under its rule by what it is, and an output that came later has missed something. */
START_TEST(late_outputs_and_moved_rules_are_consistent)
{
	struct err err;
	json_t *report, *rules;

	ck_assert_int_eq(conf_add_rule(&rig.opt.conf, "239.1.1.1%eth7:5000 -> 239.2.2.1%eth1:6000",
				       "--rule", &err),
			 0);
	rig.flow.in = rig.opt.conf.flows[1].in;
	count_run(100);
	rig.output_room[1].output.relayed_before = 60;
	stat_set(&rig.output_stats[1].offered, 39);
	stat_set(&rig.output_stats[1].sent, 38);
	report = written();
	ck_assert(json_is_true(json_object_get(report, "consistent")));
	rules = json_object_get(report, "rules");
	ck_assert_int_eq(number(json_array_get(rules, 0), "received"), 0);
	ck_assert_int_eq(number(json_array_get(rules, 1), "received"), 100);
	json_decref(report);
	stat_set(&rig.output_stats[1].offered, 40);
	stat_set(&rig.output_stats[1].sent, 39);
	report = written();
	ck_assert(json_is_false(json_object_get(report, "consistent")));
	json_decref(report);
}
END_TEST

/* Each of a value of its own, so that none can stand in for another. */
START_TEST(each_drop_has_a_name_of_its_own_in_the_totals)
{
	uint64_t bit = 1;
	json_int_t sum = 0;
	const char *name;
	json_t *report, *drops, *count;

	for (int d = 0; d < FLOW_DROP_COUNT; d++, bit <<= 1) {
		stat_set(&rig.flow_stats.drops[d], bit);
	}
	for (int d = 0; d < OUTPUT_DROP_COUNT; d++, bit <<= 1) {
		stat_set(&rig.output_stats[0].drops[d], bit);
	}
	report = written();
	drops = json_object_get(json_object_get(report, "totals"), "drops");
	ck_assert_uint_eq(json_object_size(drops), FLOW_DROP_COUNT + OUTPUT_DROP_COUNT);
	json_object_foreach(drops, name, count)
	{
		sum += json_integer_value(count);
	}
	ck_assert_int_eq(sum, (json_int_t)(bit - 1));
	json_decref(report);
}
END_TEST

/* A configuration may lie in a file whose name is no UTF-8, which JSON would refuse. */
START_TEST(place_of_a_rule_is_shown_whatever_its_bytes)
{
	char *where = rig.opt.conf.rules[0].where;
	char strange[] = "caf\xe9.conf:1";
	json_t *report;

	rig.opt.conf.rules[0].where = strange;
	report = written();
	ck_assert_str_eq(json_string_value(json_object_get(
				 json_array_get(json_object_get(report, "rules"), 0), "where")),
			 "caf?.conf:1");
	json_decref(report);
	rig.opt.conf.rules[0].where = where;
}
END_TEST

START_TEST(report_says_what_was_not_copied)
{
	json_t *report, *ring, *output, *zerocopy;

	stat_set(&rig.output_stats[1].zc_sent, 100);
	stat_set(&rig.output_stats[1].zc_copied, 8);
	stat_set(&rig.output_stats[1].zc_refused, 1);
	stat_set(&rig.output_stats[1].zc_errno, EMSGSIZE);
	stat_set(&rig.output_stats[1].zc_off, ZEROCOPY_OFF_COPIED);
	stat_set(&rig.stats.ring.buffers_bytes, MANY);
	stat_set(&rig.stats.ring.buffers_refused, 2);
	stat_set(&rig.stats.ring.buffer_hits, 99);
	stat_set(&rig.stats.ring.buffer_misses, 10);
	report = written();
	ring = json_array_get(json_object_get(report, "shards"), 0);
	ring = json_object_get(ring, "ring");
	ck_assert_int_eq(number(ring, "registered_bytes"), (json_int_t)MANY);
	ck_assert_int_eq(number(ring, "registered_refused"), 2);
	ck_assert_int_eq(number(ring, "registered_hits"), 99);
	ck_assert_int_eq(number(ring, "registered_misses"), 10);
	output = json_array_get(json_object_get(report, "rules"), 0);
	output = json_array_get(json_object_get(output, "flows"), 0);
	output = json_object_get(output, "outputs");
	zerocopy = json_object_get(json_array_get(output, 1), "zerocopy");
	ck_assert_int_eq(number(zerocopy, "sent"), 100);
	ck_assert_int_eq(number(zerocopy, "copied"), 8);
	ck_assert_int_eq(number(zerocopy, "refused"), 1);
	ck_assert_int_eq(number(zerocopy, "refused_errno"), EMSGSIZE);
	ck_assert_str_eq(json_string_value(json_object_get(zerocopy, "off")), "copied");
	zerocopy = json_object_get(json_array_get(output, 0), "zerocopy");
	ck_assert_str_eq(json_string_value(json_object_get(zerocopy, "off")), "no");
	json_decref(report);
}
END_TEST

START_TEST(one_counter_off_by_one_is_inconsistent)
{
	stat_t *const counters[] = {
		&rig.flow_stats.received,
		&rig.flow_stats.relayed,
		&rig.flow_stats.drops[FLOW_DROP_SHUTDOWN],
		&rig.output_stats[0].offered,
		&rig.output_stats[0].sent,
		&rig.output_stats[1].offered,
		&rig.output_stats[1].drops[OUTPUT_DROP_SEND_ERROR],
		&rig.stats.pool[POOL_SMALL].taken,
		&rig.stats.pool[POOL_SMALL].returned,
		&rig.stats.pool[POOL_SMALL].free,
		&rig.stats.pool[POOL_SMALL].in_ring,
		&rig.stats.pool[POOL_SMALL].held,
		&rig.stats.pool[POOL_SMALL].leaked,
	};
	json_t *report;

	for (size_t i = 0; i < sizeof(counters) / sizeof(counters[0]); i++) {
		count_run(1000);
		stat_add(counters[i], 1);
		report = written();
		ck_assert_msg(json_is_false(json_object_get(report, "consistent")), "counter %zu",
			      i);
		json_decref(report);
		stat_add(counters[i], (uint64_t)-1);
	}
}
END_TEST

/* What whoever may look is answered: at least one row. */
static json_t *show(const char *what)
{
	const struct command_peer looker = {.uid = 1000, .pid = 8};
	char line[64];
	size_t len = 0;
	char *text;
	json_t *answer;

	snprintf(line, sizeof(line), "{\"version\":1,\"command\":\"show\",\"what\":\"%s\"}", what);
	text = sup_rig_ask(&rig, &looker, line, &len);
	answer = json_loadb(text, len, 0, NULL);
	free(text);
	ck_assert_uint_gt(json_array_size(json_object_get(json_object_get(answer, "result"), what)),
			  0);
	return answer;
}

/* The kernel takes nearly any bytes for one, and JSON does not. */
START_TEST(any_name_of_an_interface_can_be_shown)
{
	json_t *outputs, *first;

	sup_rig_merge(&rig);
	strcpy(rig.flow.in.at.ifname, "eth\xff");
	strcpy(rig.opt.conf.flows[0].in.at.ifname, "eth\xff");
	strcpy(rig.outputs[0].out.to.ifname, "eth\xfe");
	json_decref(show("flows"));
	json_decref(show("rules"));
	outputs = show("outputs");
	first = json_array_get(json_object_get(json_object_get(outputs, "result"), "outputs"), 0);
	ck_assert_str_eq(json_string_value(json_object_get(first, "ingress")),
			 "239.1.1.1%eth?:5000");
	json_decref(outputs);
}
END_TEST

static Suite *report_suite(void)
{
	Suite *suite = suite_create("report");
	TCase *tcase = tcase_create("report");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, report_says_what_was_counted);
	tcase_add_test(tcase, report_names_the_source_of_a_flow);
	tcase_add_test(tcase, what_has_gone_stays_in_the_sums);
	tcase_add_test(tcase, late_outputs_and_moved_rules_are_consistent);
	tcase_add_test(tcase, each_counter_of_the_tables_is_in_the_report);
	tcase_add_test(tcase, rule_has_the_sums_of_its_flows);
	tcase_add_test(tcase, each_drop_has_a_name_of_its_own_in_the_totals);
	tcase_add_test(tcase, place_of_a_rule_is_shown_whatever_its_bytes);
	tcase_add_test(tcase, any_name_of_an_interface_can_be_shown);
	tcase_add_test(tcase, report_says_what_was_not_copied);
	tcase_add_test(tcase, one_counter_off_by_one_is_inconsistent);
	suite_add_tcase(suite, tcase);
	return suite;
}

int main(void)
{
	SRunner *runner = srunner_create(report_suite());
	int failed;

	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? 0 : 1;
}
