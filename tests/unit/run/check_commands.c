/* check_commands.c - what requests are answered, and that wrong ones are refused by name. */
#include "src/run/commands.h"

#include <check.h>
#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "src/run/report.h"
#include "src/run/answer.h"
#include "tests/unit/run/supervisor_rig.h"

#define ASK "{\"version\":1,\"command\":"
static struct sup_rig rig;
static const struct command_peer owner = {.uid = 0, .pid = 7, .may_change = true};
static const struct command_peer looker = {.uid = 1000, .pid = 8};
static json_t *answer;

static void setup(void)
{
	sup_rig_open(&rig);
	logged_start();
	log_set_level(LOG_LEVEL_INFO);
}

static void teardown(void)
{
	json_decref(answer);
	answer = NULL;
	sup_rig_close(&rig);
}

static void ask_as(const struct command_peer *peer, const char *line)
{
	size_t len = 0;
	char *text = sup_rig_ask(&rig, peer, line, &len);

	json_decref(answer);
	ck_assert_ptr_nonnull(text);
	ck_assert_uint_gt(len, 1);
	ck_assert_ptr_eq(memchr(text, '\n', len), text + len - 1);
	answer = json_loadb(text, len, 0, NULL);
	ck_assert_ptr_nonnull(answer);
	ck_assert_int_eq(json_integer_value(json_object_get(answer, "version")), 1);
	free(text);
}

/* The result of a request that must succeed. */
static json_t *result_of(const char *members)
{
	char line[512];

	snprintf(line, sizeof(line), "{\"version\":1,%s}", members);
	ask_as(&owner, line);
	ck_assert_msg(json_is_true(json_object_get(answer, "ok")), "%s", json_dumps(answer, 0));
	return json_object_get(answer, "result");
}

static void expect_refusal(const char *line, const char *code)
{
	json_t *error = json_object_get(answer, "error");
	const char *got = json_string_value(json_object_get(error, "code"));

	ck_assert(json_is_false(json_object_get(answer, "ok")));
	ck_assert_ptr_null(json_object_get(answer, "result"));
	ck_assert_msg(got && strcmp(got, code) == 0, "%s: %s", line, got);
	ck_assert_uint_gt(strlen(json_string_value(json_object_get(error, "text"))), 10);
}

START_TEST(wrong_requests_are_refused_with_a_code_each)
{
	static const struct {
		const char *line, *code;
	} wrong[] = {
		{"", "not_json"},
		{"{", "not_json"},
		{"nonsense", "not_json"},
		{"\"show\"", "not_json"},
		{"{\"version\":1,\"version\":1,\"command\":\"stats\"}", "not_json"},
		{ASK "\"stats\"} more", "not_json"},
		{ASK "\"\xff\"}", "not_json"},
		{"[]", "bad_request"},
		{"{\"command\":\"stats\"}", "version"},
		{"{\"version\":2,\"command\":\"stats\"}", "version"},
		{"{\"version\":\"1\",\"command\":\"stats\"}", "version"},
		{"{\"version\":1}", "bad_request"},
		{ASK "7}", "bad_request"},
		{ASK "\"stats\",\"id\":[]}", "bad_request"},
		{ASK "\"statistics\"}", "unknown_command"},
		{ASK "\"stats\",\"what\":\"flows\"}", "bad_request"},
		{ASK "\"show\"}", "bad_request"},
		{ASK "\"show\",\"what\":[\"flows\"]}", "bad_request"},
		{ASK "\"show\",\"what\":\"flowers\"}", "bad_request"},
		{ASK "\"show\",\"what\":\"flows\",\"rules\":\"a\"}", "bad_request"},
		{ASK "\"show\",\"what\":\"flows\",\"rules\":[1]}", "bad_request"},
		{ASK "\"log-level\",\"level\":\"loud\"}", "bad_request"},
		{ASK "\"reload\"}", "failed"},
		{ASK "\"replace\",\"text\":\"x\"}", "failed"},
		{ASK "\"add\",\"rules\":[\"x\"]}", "failed"},
		{ASK "\"add\",\"rules\":\"x\"}", "bad_request"},
		{ASK "\"remove\",\"names\":[\"x\"]}", "failed"},
		{ASK "\"remove\",\"names\":[\"rule1\"]}", "failed"},
		{ASK "\"enable\",\"names\":[\"rule1\"]}", "failed"},
		{ASK "\"disable\",\"names\":[\"rule1\"]}", "failed"},
		{ASK "\"active\",\"marks\":[],\"since_ns\":-1}", "bad_request"},
		{ASK "\"active\",\"marks\":[],\"since_ns\":1e300}", "bad_request"},
	};

	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		ask_as(&owner, wrong[i].line);
		expect_refusal(wrong[i].line, wrong[i].code);
	}
}
END_TEST

static const char *find(const char *line, size_t len, const char *words)
{
	return memmem(line, len, words, strlen(words));
}

/* The end of a change, as the reload tells it, for client 7. */
START_TEST(answer_to_a_change_comes_once_and_says_how_it_went)
{
	uint64_t client = 0;
	size_t len;
	char *line;

	ck_assert(!commands_has_late(&rig.sup));
	ck_assert_ptr_null(commands_late(&rig.sup, &client, &len));
	rig.sup.order = (struct command_order){.answered = true,
					       .client = 7,
					       .id = json_integer(3),
					       .command = json_string("reload")};
	err_set(&rig.sup.order.text, "flows: 1 kept");
	ck_assert(commands_has_late(&rig.sup));
	line = commands_late(&rig.sup, &client, &len);
	ck_assert_uint_eq(client, 7);
	ck_assert_ptr_nonnull(line);
	ck_assert_msg(find(line, len, "\"id\":3,\"command\":\"reload\"") != NULL, "%s", line);
	ck_assert_ptr_nonnull(find(line, len, "{\"done\":\"flows: 1 kept\"}"));
	free(line);
	ck_assert(!commands_has_late(&rig.sup));
	rig.sup.order = (struct command_order){.answered = true, .rc = -EIO};
	err_set(&rig.sup.order.text, "no socket");
	line = commands_late(&rig.sup, &client, &len);
	ck_assert_ptr_nonnull(find(line, len, "\"code\":\"failed\",\"text\":\"no socket\""));
	free(line);
}
END_TEST

START_TEST(request_is_short_but_for_those_that_hold_more)
{
	char *line = malloc(PROTOCOL_REQUEST_MAX + 100);

	memset(line, ' ', PROTOCOL_REQUEST_MAX + 99);
	line[PROTOCOL_REQUEST_MAX + 99] = '\0';
	memcpy(line, "{\"version\":1,\"command\":\"stats\"}", 31);
	ask_as(&owner, line);
	expect_refusal("a long one", "too_long");
	line[PROTOCOL_REQUEST_MAX] = '\0';
	ask_as(&owner, line);
	ck_assert(json_is_true(json_object_get(answer, "ok")));
	free(line);
}
END_TEST

START_TEST(lookers_look_and_change_nothing)
{
	static const char *const changes[] = {
		ASK "\"drain\"}",
		ASK "\"reload\"}",
		ASK "\"replace\",\"text\":\"\"}",
		ASK "\"add\",\"rules\":[]}",
		ASK "\"remove\",\"names\":[\"rule1\"]}",
		ASK "\"enable\",\"names\":[]}",
		ASK "\"disable\",\"names\":[\"rule1\"]}",
		ASK "\"log-level\",\"level\":\"debug\"}",
	};
	static const char *const looks[] = {
		ASK "\"log-level\"}",
		ASK "\"stats\"}",
		ASK "\"show\",\"what\":\"changes\"}",
	};

	for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
		ask_as(&looker, changes[i]);
		expect_refusal(changes[i], "denied");
	}
	for (size_t i = 0; i < sizeof(looks) / sizeof(looks[0]); i++) {
		ask_as(&looker, looks[i]);
		ck_assert(json_is_true(json_object_get(answer, "ok")));
	}
	ck_assert(!rig.sup.drain_asked);
	ck_assert_int_eq(log_level(), LOG_LEVEL_INFO);
	ck_assert_uint_eq(rig.sup.history.count, 0);
}
END_TEST

static json_int_t number(const json_t *object, const char *key)
{
	ck_assert_msg(json_is_integer(json_object_get(object, key)), "%s is no integer", key);
	return json_integer_value(json_object_get(object, key));
}

static json_t *show(const char *what)
{
	char members[64];

	snprintf(members, sizeof(members), "\"command\":\"show\",\"what\":\"%s\"", what);
	return json_object_get(result_of(members), what);
}

START_TEST(show_answers_flat_rows_with_the_counters_of_the_report)
{
	json_t *rows, *row;

	stat_set(&rig.flow_stats.received, 12);
	stat_set(&rig.output_stats[1].offered, 5);
	stat_set(&rig.output_stats[1].drops[OUTPUT_DROP_QDISC], 3);
	rows = show("rules");
	ck_assert_uint_eq(json_array_size(rows), 1);
	row = json_array_get(rows, 0);
	ck_assert_str_eq(json_string_value(json_object_get(row, "rule")), "rule1");
	ck_assert_int_eq(number(row, "flows"), 1);
	ck_assert_int_eq(number(row, "outputs"), 2);
	ck_assert_int_eq(number(row, "received"), 12);
	row = json_array_get(show("flows"), 0);
	ck_assert_str_eq(json_string_value(json_object_get(row, "ingress")), "239.1.1.1%eth0:5000");
	ck_assert_int_eq(number(row, "outputs"), 2);
	ck_assert_int_eq(number(row, "received"), 12);
	rows = show("outputs");
	ck_assert_uint_eq(json_array_size(rows), 2);
	row = json_array_get(rows, 1);
	ck_assert_str_eq(json_string_value(json_object_get(row, "to")), "239.2.2.2%eth1:6000");
	ck_assert_str_eq(json_string_value(json_object_get(row, "rule")), "rule1");
	ck_assert_int_eq(number(row, "offered"), 5);
	ck_assert_int_eq(number(json_object_get(row, "drops"), "qdisc"), 3);
}
END_TEST

static struct answer *rows_of(const char *what)
{
	struct answer *rows;
	char line[80];
	size_t len;

	snprintf(line, sizeof(line), "{\"version\":1,\"command\":\"show\",\"what\":\"%s\"}", what);
	ck_assert_ptr_null(commands_answer(&rig.sup, &looker, line, strlen(line), &rows, &len));
	return rows;
}

START_TEST(rows_begin_anew_when_a_change_has_come)
{
	struct answer *rows = rows_of("rules");
	size_t len, pieces = 0;
	char *text = NULL;

	for (; !text && pieces <= ANSWER_TRIES; pieces++, rig.sup.changer.lists++) {
		text = commands_go_on(&rig.sup, rows, &len);
	}
	ck_assert_uint_eq(pieces, ANSWER_TRIES + 1);
	ck_assert_ptr_null(strstr(strstr(text, "\"rule1\"") + 1, "\"rule1\""));
	answer_free(rows);
	free(text);
	rows = rows_of("shards");
	rig.sup.changer.phase = CHANGER_PREPARING; /* while one is under way all are made at once */
	ck_assert_ptr_nonnull(text = commands_go_on(&rig.sup, rows, &len));
	answer_free(rows);
	free(text);
}
END_TEST

/* The names of its members, in order. */
static const char *names_of(const json_t *row)
{
	static char names[512];
	const char *name;
	json_t *value;
	size_t used = 0;

	names[0] = '\0';
	json_object_foreach((json_t *)row, name, value)
	{
		used += (size_t)snprintf(names + used, sizeof(names) - used, "%s ", name);
	}
	return names;
}

START_TEST(show_answers_only_the_members_that_are_asked_for)
{
	static const struct {
		const char *what, *members, *want;
	} asked[] = {
		{"rules", "\"rule\",\"sent\",\"received\",\"losses\"",
		 "rule received sent losses "},
		{"flows", "\"losses\",\"ingress\",\"received\",\"reason\"",
		 "ingress reason received losses "},
		{"outputs", "\"to\",\"rule\",\"source\",\"sent\"", "rule source to sent "},
		{"shards", "\"ring\",\"shard\",\"received\"", "shard ring received "},
		{"pools", "\"class\",\"free\"", "class free "},
		{"rules", "", ""},
		{"rules", "\"nothing\"", ""},
	};

	for (size_t i = 0; i < sizeof(asked) / sizeof(asked[0]); i++) {
		char members[256];
		json_t *rows;

		snprintf(members, sizeof(members),
			 "\"command\":\"show\",\"what\":\"%s\",\"members\":[%s]", asked[i].what,
			 asked[i].members);
		rows = json_object_get(result_of(members), asked[i].what);
		ck_assert_uint_gt(json_array_size(rows), 0);
		ck_assert_str_eq(names_of(json_array_get(rows, 0)), asked[i].want);
	}
}
END_TEST

START_TEST(losses_are_those_that_there_were_of_rule_flow_output_and_shard)
{
	stat_set(&rig.flow_stats.kernel_drops, 2);
	stat_set(&rig.flow_stats.drops[FLOW_DROP_LOOP], 1);
	stat_set(&rig.output_stats[1].drops[OUTPUT_DROP_QDISC], 3);
	ck_assert_str_eq(names_of(json_object_get(json_array_get(show("rules"), 0), "losses")),
			 "kernel_drops loop qdisc ");
	ck_assert_str_eq(names_of(json_object_get(json_array_get(show("shards"), 0), "losses")),
			 "kernel_drops loop qdisc ");
	ck_assert_str_eq(names_of(json_object_get(json_array_get(show("flows"), 0), "losses")),
			 "kernel_drops loop ");
	ck_assert_str_eq(names_of(json_object_get(json_array_get(show("outputs"), 0), "losses")),
			 "");
	ck_assert_int_eq(
		number(json_object_get(json_array_get(show("outputs"), 1), "losses"), "qdisc"), 3);
}
END_TEST

/* Of each subject its own row, and of stats, are what the exit report says of the same counters. */
START_TEST(show_and_stats_say_what_the_exit_report_says)
{
	json_t *report, *rule, *result;

	stat_set(&rig.flow_stats.received, 12);
	stat_set(&rig.flow_stats.relayed, 11);
	stat_set(&rig.flow_stats.drops[FLOW_DROP_LOOP], 1);
	for (int o = 0; o < SUP_RIG_OUTPUTS; o++) {
		stat_set(&rig.output_stats[o].offered, 11);
		stat_set(&rig.output_stats[o].sent, 11);
	}
	report = report_build(&rig.sup);
	rule = json_array_get(json_object_get(report, "rules"), 0);
	result = result_of("\"command\":\"stats\"");
	ck_assert(json_equal(json_object_get(result, "totals"), json_object_get(report, "totals")));
	ck_assert(json_is_true(json_object_get(report, "consistent")));
	ck_assert(json_is_true(json_object_get(result, "consistent")));
	ck_assert(json_equal(json_object_get(json_array_get(show("rules"), 0), "drops"),
			     json_object_get(rule, "drops")));
	ck_assert(json_equal(
		json_object_get(json_array_get(show("flows"), 0), "drops"),
		json_object_get(json_array_get(json_object_get(rule, "flows"), 0), "drops")));
	stat_set(&rig.output_stats[1].sent, 10);
	ck_assert(json_is_false(json_object_get(result_of("\"command\":\"stats\""), "consistent")));
	json_decref(report);
}
END_TEST

START_TEST(show_takes_the_names_of_rules)
{
	ck_assert_uint_eq(
		json_array_size(json_object_get(
			result_of("\"command\":\"show\",\"what\":\"outputs\",\"rules\":[\"a\"]"),
			"outputs")),
		0);
	ck_assert_uint_eq(
		json_array_size(json_object_get(
			result_of("\"command\":\"show\",\"what\":\"outputs\",\"rules\":[\"a\","
				  "\"rule1\"]"),
			"outputs")),
		2);
}
END_TEST

START_TEST(show_knows_shards_pools_plan_and_topology)
{
	rig.shard.pool.classes[POOL_SMALL].count = 10;
	ck_assert_int_eq(number(json_array_get(show("shards"), 0), "shard"), 0);
	ck_assert_uint_eq(json_array_size(show("pools")), POOL_CLASS_COUNT);
	ck_assert_int_eq(number(json_array_get(show("pools"), 0), "slots"), 10);
	ck_assert(json_is_array(
		json_object_get(result_of("\"command\":\"show\",\"what\":\"plan\""), "flows")));
	ck_assert(json_is_array(
		json_object_get(result_of("\"command\":\"show\",\"what\":\"topology\""), "nodes")));
}
END_TEST

START_TEST(stats_are_the_totals_of_the_report)
{
	json_t *result;

	stat_set(&rig.flow_stats.received, 12);
	stat_set(&rig.flow_stats.relayed, 11);
	stat_set(&rig.flow_stats.drops[FLOW_DROP_LOOP], 1);
	result = result_of("\"command\":\"stats\"");
	ck_assert_int_eq(number(json_object_get(result, "totals"), "received"), 12);
	ck_assert_int_eq(
		number(json_object_get(json_object_get(result, "totals"), "drops"), "loop"), 1);
	ck_assert_int_eq(number(result, "outputs"), 2);
	ck_assert_str_eq(json_string_value(json_object_get(result, "state")), "relaying");
}
END_TEST

START_TEST(health_says_what_is_wrong)
{
	json_t *result = result_of("\"command\":\"health\"");

	ck_assert(json_is_true(json_object_get(result, "healthy")));
	rig.worker.placement.pages_misplaced = 3;
	rig.worker.placement.cpu_told = true;
	result = result_of("\"command\":\"health\"");
	ck_assert(json_is_false(json_object_get(result, "healthy")));
	ck_assert_uint_eq(json_array_size(json_object_get(result, "reasons")), 2);
	ck_assert_ptr_nonnull(strstr(
		json_string_value(json_array_get(json_object_get(result, "reasons"), 0)), "cpu"));
}
END_TEST

START_TEST(log_level_is_told_and_changed_and_noted)
{
	json_t *result = result_of("\"command\":\"log-level\"");

	ck_assert_str_eq(json_string_value(json_object_get(result, "level")), "info");
	ck_assert_uint_eq(rig.sup.history.count, 0);
	(void)result_of("\"command\":\"log-level\",\"level\":\"debug\"");
	ck_assert_int_eq(log_level(), LOG_LEVEL_DEBUG);
	ck_assert_str_eq(history_at(&rig.sup.history, 0)->what, "log-level debug");
	ck_assert_str_eq(history_at(&rig.sup.history, 0)->who, "control: uid 0, pid 7");
	ck_assert_ptr_nonnull(strstr(logged(), "control: uid 0, pid 7: log-level debug: done"));
	(void)result_of("\"command\":\"log-level\",\"level\":\"error\"");
	ck_assert_int_eq(log_level(), LOG_LEVEL_ERROR);
	ck_assert_str_eq(
		json_string_value(json_object_get(json_array_get(show("changes"), 1), "what")),
		"log-level error");
}
END_TEST

START_TEST(drain_is_asked_once)
{
	json_t *result = result_of("\"command\":\"drain\"");

	ck_assert_str_eq(json_string_value(json_object_get(result, "state")), "draining");
	ck_assert(rig.sup.drain_asked);
	rig.sup.drain_asked = false;
	rig.sup.draining = true; /* as the supervisor does */
	(void)result_of("\"command\":\"drain\"");
	ck_assert(!rig.sup.drain_asked);
	ck_assert_uint_eq(rig.sup.history.count, 1);
}
END_TEST

START_TEST(version_says_who_answers)
{
	json_t *result = result_of("\"command\":\"version\",\"id\":\"x\"");

	ck_assert_str_eq(json_string_value(json_object_get(result, "version")), PACKAGE_VERSION);
	ck_assert_int_eq(number(result, "pid"), getpid());
	ck_assert_str_eq(json_string_value(json_object_get(answer, "id")), "x");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("commands");
	TCase *tc = tcase_create("commands");
	SRunner *runner = srunner_create(suite);
	int failed;

	suite_add_tcase(suite, tc);
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, wrong_requests_are_refused_with_a_code_each);
	tcase_add_test(tc, answer_to_a_change_comes_once_and_says_how_it_went);
	tcase_add_test(tc, request_is_short_but_for_those_that_hold_more);
	tcase_add_test(tc, lookers_look_and_change_nothing);
	tcase_add_test(tc, show_answers_flat_rows_with_the_counters_of_the_report);
	tcase_add_test(tc, rows_begin_anew_when_a_change_has_come);
	tcase_add_test(tc, show_answers_only_the_members_that_are_asked_for);
	tcase_add_test(tc, losses_are_those_that_there_were_of_rule_flow_output_and_shard);
	tcase_add_test(tc, show_and_stats_say_what_the_exit_report_says);
	tcase_add_test(tc, show_takes_the_names_of_rules);
	tcase_add_test(tc, show_knows_shards_pools_plan_and_topology);
	tcase_add_test(tc, stats_are_the_totals_of_the_report);
	tcase_add_test(tc, health_says_what_is_wrong);
	tcase_add_test(tc, log_level_is_told_and_changed_and_noted);
	tcase_add_test(tc, drain_is_asked_once);
	tcase_add_test(tc, version_says_who_answers);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
