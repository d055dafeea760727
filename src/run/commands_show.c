/* commands_show.c - show: what there is, as tables.
 *
 * Each subject answers with a member of its own name, an array of flat rows that are made a piece
 * at a time (answer.h), or with members of the plan as --plan=json has them. See commands.h.
 */
#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "src/base/memfile.h"
#include "src/base/protocol.h"
#include "src/run/answer.h"
#include "src/run/commands.h"
#include "src/run/report.h"
#include "src/run/report_put.h"
#include "src/run/rows.h"
#include "src/run/supervisor.h"
#include "src/view/view.h"

struct subject {
	enum rows_of rows; /* unless `other' answers */
	enum protocol_refusal (*other)(const struct supervisor *sup, json_t *result,
				       struct err *err);
};

static int find_subject(const char *name);
static json_t *disabled_rows(const struct supervisor *sup);
static void put_members(const struct supervisor *sup, json_t *result);
static enum protocol_refusal plan_members(const struct supervisor *sup, json_t *result,
					  struct err *err);
static void share(json_t *to, const json_t *from, const char *key);
static enum protocol_refusal topology_members(const struct supervisor *sup, json_t *result,
					      struct err *err);
static json_t *plan_of(const struct supervisor *sup);
static enum protocol_refusal change_rows(const struct supervisor *sup, json_t *result,
					 struct err *err);
static json_t *change_row(const struct history_note *note, uint64_t number);

static const char *const subject_names[] = {PROTOCOL_SUBJECTS(PROTOCOL_NAME)};

static const struct subject subjects[] = {
	[PROTOCOL_SUBJECT_RULES] = {.rows = ROWS_OF_RULES},
	[PROTOCOL_SUBJECT_FLOWS] = {.rows = ROWS_OF_FLOWS},
	[PROTOCOL_SUBJECT_OUTPUTS] = {.rows = ROWS_OF_OUTPUTS},
	[PROTOCOL_SUBJECT_LEGS] = {.rows = ROWS_OF_LEGS},
	[PROTOCOL_SUBJECT_SHARDS] = {.rows = ROWS_OF_SHARDS},
	[PROTOCOL_SUBJECT_POOLS] = {.rows = ROWS_OF_POOLS},
	[PROTOCOL_SUBJECT_TOPOLOGY] = {.other = topology_members},
	[PROTOCOL_SUBJECT_PLAN] = {.other = plan_members},
	[PROTOCOL_SUBJECT_CHANGES] = {.other = change_rows},
};

static_assert(sizeof(subjects) / sizeof(subjects[0]) == PROTOCOL_SUBJECT_COUNT, "a row each");

enum protocol_refusal command_show(const struct command_request *request, json_t *result,
				   struct err *err)
{
	const char *what = commands_text(request, "what");
	const struct supervisor *sup = request->sup;
	int id = find_subject(what);

	if (id < 0) {
		err_set(err,
			"show: unknown subject: %.64s; expected rules, flows, outputs, legs, "
			"shards, pools, topology, plan or changes; name one of them",
			what);
		return PROTOCOL_REFUSED_BAD_REQUEST;
	}
	if (subjects[id].other) {
		return subjects[id].other(sup, result, err);
	}
	*request->rows =
		answer_new(sup, subjects[id].rows, json_object_get(request->members, "rules"),
			   json_object_get(request->members, "members"));
	if (!*request->rows) {
		err_set(err, "show: out of memory; free some and try again");
		return PROTOCOL_REFUSED_FAILED;
	}
	return PROTOCOL_LATER;
}

void commands_show_rest(const struct supervisor *sup, const struct answer *rows, json_t *result)
{
	report_stored(json_object_set_new(result, "uptime_s", json_real(report_uptime_s(sup))));
	if (answer_of(rows) == ROWS_OF_RULES) {
		report_stored(json_object_set_new(result, "disabled", disabled_rows(sup)));
		put_members(sup, result);
	}
}

const char *commands_show_name(const struct answer *rows)
{
	int id = 0;

	while (subjects[id].other || subjects[id].rows != answer_of(rows)) {
		id++;
	}
	return subject_names[id];
}

static int find_subject(const char *name)
{
	for (int i = 0; i < PROTOCOL_SUBJECT_COUNT; i++) {
		if (strcmp(subject_names[i], name) == 0) {
			return i;
		}
	}
	return -1;
}

static json_t *disabled_rows(const struct supervisor *sup)
{
	json_t *rows = json_array();

	for (uint32_t i = 0; i < sup->disabled.rule_count; i++) {
		const struct conf_rule *rule = &sup->disabled.rules[i];

		report_stored(json_array_append_new(
			rows,
			json_pack("{s:o, s:o, s:o}", "rule", report_text(rule->name), "text",
				  report_text(rule->text), "where", report_text(rule->where))));
	}
	return rows;
}

/* Who shares these rules, and the hash of that list, which is to be the same everywhere. */
static void put_members(const struct supervisor *sup, json_t *result)
{
	const struct partition *partition = &sup->setup->partition;
	json_t *names;
	char hash[17];

	if (partition->members.count == 0) {
		return;
	}
	names = json_array();
	for (uint32_t m = 0; m < partition->members.count; m++) {
		report_stored(
			json_array_append_new(names, report_text(partition->members.names[m])));
	}
	snprintf(hash, sizeof(hash), "%016" PRIx64, partition->members.hash);
	report_stored(json_object_set_new(result, "members",
					  json_pack("{s:s, s:s, s:o}", "member",
						    partition->members.names[partition->self],
						    "hash", hash, "names", names)));
}

static enum protocol_refusal plan_members(const struct supervisor *sup, json_t *result,
					  struct err *err)
{
	json_t *plan = plan_of(sup);

	if (!plan) {
		err_set(err, "show: the plan cannot be had: out of memory; try again");
		return PROTOCOL_REFUSED_FAILED;
	}
	share(result, plan, "shards");
	share(result, plan, "flows");
	share(result, plan, "summary");
	if (json_object_get(plan, "members")) {
		share(result, plan, "members");
	}
	json_decref(plan);
	return PROTOCOL_DONE;
}

/* The member is in both from here on. */
static void share(json_t *to, const json_t *from, const char *key)
{
	report_stored(json_object_set(to, key, json_object_get(from, key)));
}

static enum protocol_refusal topology_members(const struct supervisor *sup, json_t *result,
					      struct err *err)
{
	json_t *plan = plan_of(sup);

	if (!plan) {
		err_set(err, "show: the topology cannot be had: out of memory; try again");
		return PROTOCOL_REFUSED_FAILED;
	}
	report_stored(json_object_update(result, plan));
	report_stored(json_object_del(result, "format"));
	report_stored(json_object_del(result, "shards"));
	report_stored(json_object_del(result, "flows"));
	report_stored(json_object_del(result, "summary"));
	(void)json_object_del(result, "members");
	json_decref(plan);
	return PROTOCOL_DONE;
}

/* As --plan=json prints it. NULL: out of memory. */
static json_t *plan_of(const struct supervisor *sup)
{
	char *text = NULL;
	size_t len = 0;
	FILE *out = memfile_open(&text, &len);
	json_t *plan = NULL;
	int rc = -1;

	if (out) {
		rc = view_print_as(sup->setup, OPT_PLAN_JSON, out);
		rc = memfile_close(out, &text) == 0 ? rc : -1;
	}
	if (rc == 0) {
		plan = json_loadb(text, len, 0, NULL);
	}
	free(text);
	return plan;
}

static enum protocol_refusal change_rows(const struct supervisor *sup, json_t *result,
					 struct err *err)
{
	const struct history *history = &sup->history;
	uint64_t first = history->count > HISTORY_KEPT ? history->count - HISTORY_KEPT : 0;
	json_t *rows = json_array();

	for (uint64_t i = first; i < history->count; i++) {
		report_stored(json_array_append_new(rows, change_row(history_at(history, i), i)));
	}
	report_stored(json_object_set_new(result, "changes", rows));
	report_stored(json_object_set_new(result, "forgotten", json_integer((json_int_t)first)));
	return PROTOCOL_DONE;
}

static json_t *change_row(const struct history_note *note, uint64_t number)
{
	char when[64];
	struct tm tm;

	gmtime_r(&note->when.tv_sec, &tm);
	strftime(when, sizeof(when), "%Y-%m-%dT%H:%M:%SZ", &tm);
	return json_pack("{s:I, s:s, s:o, s:o, s:o}", "number", (json_int_t)number + 1, "time",
			 when, "who", report_text(note->who), "what", report_text(note->what),
			 "result", report_text(note->result));
}
