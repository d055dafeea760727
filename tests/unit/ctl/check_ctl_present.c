/* check_ctl_present.c - the tables that numacastctl prints name members that the daemon answers. */
#include "src/fastpath/counts.h"
#include "src/ctl/present.h"

#include <check.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "src/ctl/options.h"
#include "src/ctl/top_view.h"
#include "src/run/commands.h"
#include "tests/unit/run/supervisor_rig.h"

static struct sup_rig rig;

static json_t *ask(const char *command, const char *what)
{
	static const struct command_peer owner = {.may_change = true};
	char line[128];
	json_t *answer, *result;
	size_t len;
	char *text;

	snprintf(line, sizeof(line), "{\"version\":1,\"command\":\"%s\"%s%s%s}", command,
		 what ? ",\"what\":\"" : "", what ? what : "", what ? "\"" : "");
	text = sup_rig_ask(&rig, &owner, line, &len);
	answer = json_loadb(text, len, 0, NULL);
	result = json_incref(json_object_get(answer, "result"));
	ck_assert_msg(result != NULL, "%s", line);
	json_decref(answer);
	free(text);
	return result;
}

/* Whether the path leads to a member, be it null. */
static bool has_path(const json_t *row, const char *path)
{
	size_t len = strcspn(path, ".");
	char name[64];
	json_t *value;

	if (json_is_array(row)) {
		return json_array_size(row) == 0 || has_path(json_array_get(row, 0), path);
	}
	snprintf(name, sizeof(name), "%.*s", (int)len, path);
	value = json_object_get(row, name);
	return value && (!path[len] || has_path(value, path + len + 1));
}

START_TEST(every_column_is_a_member_that_the_daemon_answers)
{
	static const char *const empty[] = {"topology", "plan"}; /* of a rig without a machine */
	const struct present_section *section;
	size_t looked = 0;
	struct err err;

	sup_rig_merge(&rig);
	history_note(&rig.sup.history, "somebody", "something", "done");
	ck_assert_int_eq(
		conf_add_rule(&rig.sup.disabled, "239.1.1.9%eth0:5 -> 192.0.2.1:5", "add", &err),
		0);
	for (size_t i = 0; (section = present_section_at(i)) != NULL; i++) {
		json_t *result = ask("show", section->subject);
		json_t *rows = json_object_get(result, section->rows);

		ck_assert_msg(json_is_array(rows), "%s", section->rows);
		ck_assert_msg(json_array_size(rows) > 0 ||
				      strcmp(section->subject, empty[0]) == 0 ||
				      strcmp(section->subject, empty[1]) == 0,
			      "%s", section->subject);
		for (const struct table_column *c = section->columns; c->title; c++) {
			ck_assert_msg(has_path(rows, c->path), "%s: %s", section->subject, c->path);
			looked += json_array_size(rows) > 0;
		}
		json_decref(result);
	}
	ck_assert_uint_gt(looked, 40);
	conf_free(&rig.sup.disabled);
}
END_TEST

/* The answer to the request that a view of top makes. */
static json_t *ask_for_view(const struct top_view *view)
{
	static const struct command_peer looker = {.may_change = false};
	json_t *request = top_view_request(view), *answer, *rows;
	char *line = json_dumps(request, JSON_COMPACT), *text;
	size_t len;

	text = sup_rig_ask(&rig, &looker, line, &len);
	answer = json_loadb(text, len, 0, NULL);
	rows = json_incref(json_object_get(json_object_get(answer, "result"), view->subject));
	ck_assert_msg(json_array_size(rows) > 0, "%s: %.*s", line, (int)len, text);
	json_decref(answer);
	json_decref(request);
	free(text);
	free(line);
	return rows;
}

/* Members that there are only where flows can be relayed in the kernel, which takes a kernel. */
static bool is_fast(const char *path)
{
	static const struct counter_family *const families[] = {&fast_flow_counters,
								&fast_output_counters};

	for (size_t f = 0; f < 2 && strncmp(path, "fast.", 5) == 0; f++) {
		for (uint32_t i = 0; i < families[f]->count; i++) {
			if (strcmp(families[f]->rows[i].name, path + 5) == 0) {
				return true;
			}
		}
	}
	return false;
}

START_TEST(every_column_of_top_is_a_member_that_its_request_brings)
{
	sup_rig_merge(&rig);
	for (const struct top_view *view = top_views; view->name; view++) {
		json_t *rows = view->subject ? ask_for_view(view) : NULL;

		for (size_t k = 0; rows && k < TOP_KEYS_MAX && view->keys[k]; k++) {
			ck_assert_msg(has_path(rows, view->keys[k]), "%s", view->keys[k]);
		}
		for (const struct top_column *c = view->columns; rows && c->title; c++) {
			for (size_t p = 0; p < TOP_PATHS_MAX && c->paths[p]; p++) {
				ck_assert_msg(has_path(rows, c->paths[p]) || is_fast(c->paths[p]),
					      "%s: %s", view->name, c->paths[p]);
			}
			ck_assert_msg(!c->over || has_path(rows, c->over), "%s: %s", view->name,
				      c->over);
		}
		json_decref(rows);
	}
}
END_TEST

START_TEST(every_subject_has_a_table_and_every_command_a_row)
{
	static const char *const subjects[] = {PROTOCOL_SUBJECTS(PROTOCOL_NAME)};
	static const char *const commands[] = {PROTOCOL_COMMANDS(PROTOCOL_NAME)};
	int requests = 0;

	for (int s = 0; s < PROTOCOL_SUBJECT_COUNT; s++) {
		const struct present_section *section;
		bool found = false;

		for (size_t i = 0; (section = present_section_at(i)) != NULL; i++) {
			found |= strcmp(section->subject, subjects[s]) == 0;
		}
		ck_assert_msg(found, "%s", subjects[s]);
	}
	for (const struct ctl_command *at = ctl_commands; at->table.command; at++) {
		if (at->id != CTL_NO_REQUEST) {
			ck_assert_str_eq(at->table.command, commands[at->id]);
			requests++;
		}
	}
	ck_assert_int_eq(requests, PROTOCOL_COMMAND_COUNT);
}
END_TEST

START_TEST(rates_are_what_was_counted_between_two_answers)
{
	json_t *before, *now;
	const json_t *rates;

	stat_set(&rig.flow_stats.received, 30);
	before = ask("stats", NULL);
	stat_set(&rig.flow_stats.received, 100);
	stat_set(&rig.flow_stats.drops[FLOW_DROP_LOOP], 40);
	now = ask("stats", NULL);
	json_object_set_new(before, "uptime_s", json_real(10));
	json_object_set_new(now, "uptime_s", json_real(12));
	present_add_rates(now, before);
	rates = json_object_get(now, "rates");
	ck_assert(json_real_value(json_object_get(rates, "received")) == 35.0);
	ck_assert(json_real_value(json_object_get(json_object_get(rates, "drops"), "loop")) ==
		  20.0);
	ck_assert(json_real_value(json_object_get(rates, "sent")) == 0.0);
	json_decref(before);
	json_decref(now);
}
END_TEST

/* By somebody else at the socket. */
START_TEST(any_two_numbers_have_a_rate)
{
	json_t *before = json_pack("{s{sI}sf}", "totals", "sent", INT64_MIN + 1, "uptime_s", 1.0);
	json_t *now = json_pack("{s{sI}sf}", "totals", "sent", INT64_MAX, "uptime_s", 2.0);

	present_add_rates(now, before);
	ck_assert(json_real_value(json_object_get(json_object_get(now, "rates"), "sent")) > 1.8e19);
	json_decref(before);
	json_decref(now);
}
END_TEST

/* What is printed of an answer of stats; to be freed. */
static char *printed_stats(void)
{
	static const struct ctl_command command = {.id = PROTOCOL_COMMAND_STATS};
	const struct ctl_opt opt = {.command = &command};
	json_t *result = ask("stats", NULL);
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);

	ck_assert_int_eq(present_print(&opt, result, out), 0);
	ck_assert_int_eq(fclose(out), 0);
	json_decref(result);
	return text;
}

START_TEST(stats_tell_the_longest_change_once_there_was_one)
{
	char *text = printed_stats();

	ck_assert(!strstr(text, "longest_change_ns"));
	free(text);
	stat_set(&rig.stats.ring.longest_change_ns, 123456);
	text = printed_stats();
	ck_assert_msg(strstr(text, "longest_change_ns  123456") != NULL, "%s", text);
	free(text);
}
END_TEST

static void setup(void)
{
	sup_rig_open(&rig);
}

static void teardown(void)
{
	sup_rig_close(&rig);
}

int main(void)
{
	Suite *suite = suite_create("ctl_present");
	TCase *tc = tcase_create("ctl_present");
	SRunner *runner = srunner_create(suite);
	int failed;

	suite_add_tcase(suite, tc);
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, every_column_is_a_member_that_the_daemon_answers);
	tcase_add_test(tc, every_column_of_top_is_a_member_that_its_request_brings);
	tcase_add_test(tc, every_subject_has_a_table_and_every_command_a_row);
	tcase_add_test(tc, rates_are_what_was_counted_between_two_answers);
	tcase_add_test(tc, any_two_numbers_have_a_rate);
	tcase_add_test(tc, stats_tell_the_longest_change_once_there_was_one);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
