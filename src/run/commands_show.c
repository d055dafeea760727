/* commands_show.c - show: the report and the plan, cut into tables.
 *
 * Each subject answers with a member of its own name, an array of flat rows, or with members of the
 * plan as --plan=json has them. A row of the report's gets beside its own members those that say
 * where it stands: the rule, the flow, the shard. See commands.h.
 */
#include <assert.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "src/base/must.h"
#include "src/base/protocol.h"
#include "src/run/commands.h"
#include "src/run/report.h"
#include "src/run/report_put.h"
#include "src/run/supervisor.h"
#include "src/view/view.h"

/* Adds to `rows' those of one element of the report. */
typedef void add_rows(json_t *rows, json_t *element);

struct subject {
	const char *from; /* the report's array; NULL: not of the report */
	add_rows *add;
	enum protocol_refusal (*other)(const struct supervisor *sup, json_t *result,
				       struct err *err);
};

static int find_subject(const char *name);
static void from_report(const struct supervisor *sup, const json_t *rules, int id, json_t *result);
static bool is_among(const char *name, const json_t *names);
static add_rows add_rule, add_flows, add_outputs, add_shard, add_pools;
static void move(json_t *row, const json_t *from, const char *key);
static json_t *disabled_rows(const struct supervisor *sup);
static enum protocol_refusal plan_members(const struct supervisor *sup, json_t *result,
					  struct err *err);
static enum protocol_refusal topology_members(const struct supervisor *sup, json_t *result,
					      struct err *err);
static json_t *plan_of(const struct supervisor *sup);
static enum protocol_refusal change_rows(const struct supervisor *sup, json_t *result,
					 struct err *err);
static json_t *change_row(const struct history_note *note, uint64_t number);

static const char *const subject_names[] = {PROTOCOL_SUBJECTS(PROTOCOL_NAME)};

static const struct subject subjects[] = {
	[PROTOCOL_SUBJECT_RULES] = {.from = "rules", .add = add_rule},
	[PROTOCOL_SUBJECT_FLOWS] = {.from = "rules", .add = add_flows},
	[PROTOCOL_SUBJECT_OUTPUTS] = {.from = "rules", .add = add_outputs},
	[PROTOCOL_SUBJECT_SHARDS] = {.from = "shards", .add = add_shard},
	[PROTOCOL_SUBJECT_POOLS] = {.from = "shards", .add = add_pools},
	[PROTOCOL_SUBJECT_TOPOLOGY] = {.other = topology_members},
	[PROTOCOL_SUBJECT_PLAN] = {.other = plan_members},
	[PROTOCOL_SUBJECT_CHANGES] = {.other = change_rows},
};

static_assert(sizeof(subjects) / sizeof(subjects[0]) == PROTOCOL_SUBJECT_COUNT, "a row each");

enum protocol_refusal command_show(const struct command_request *request, json_t *result,
				   struct err *err)
{
	const json_t *rules = json_object_get(request->members, "rules");
	const char *what = commands_text(request, "what");
	int id = find_subject(what);

	if (id < 0) {
		err_set(err,
			"show: unknown subject: %.64s; expected rules, flows, outputs, shards, "
			"pools, topology, plan or changes; name one of them",
			what);
		return PROTOCOL_REFUSED_BAD_REQUEST;
	}
	if (subjects[id].other) {
		return subjects[id].other(request->sup, result, err);
	}
	from_report(request->sup, rules, id, result);
	if (id == PROTOCOL_SUBJECT_RULES) {
		must(json_object_set_new(result, "disabled", disabled_rows(request->sup)) == 0);
	}
	return PROTOCOL_DONE;
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

/* `rules', when given, are the names of those that are shown. */
static void from_report(const struct supervisor *sup, const json_t *rules, int id, json_t *result)
{
	json_t *report = report_build(sup), *rows = json_array();
	json_t *element;
	size_t i;

	json_array_foreach(json_object_get(report, subjects[id].from), i, element)
	{
		const char *rule = json_string_value(json_object_get(element, "rule"));

		if (!rules || !rule || is_among(rule, rules)) {
			subjects[id].add(rows, element);
		}
	}
	move(result, report, "uptime_s");
	must(json_object_set_new(result, subject_names[id], rows) == 0);
	json_decref(report);
}

static bool is_among(const char *name, const json_t *names)
{
	json_t *element;
	size_t i;

	json_array_foreach(names, i, element)
	{
		if (strcmp(json_string_value(element), name) == 0) {
			return true;
		}
	}
	return false;
}

static void add_rule(json_t *rows, json_t *element)
{
	json_t *flows = json_object_get(element, "flows");
	json_int_t outputs = 0;
	json_t *flow;
	size_t i;

	json_array_foreach(flows, i, flow)
	{
		outputs += (json_int_t)json_array_size(json_object_get(flow, "outputs"));
	}
	must(json_object_set_new(element, "flows",
				 json_integer((json_int_t)json_array_size(flows))) == 0);
	must(json_object_set_new(element, "outputs", json_integer(outputs)) == 0);
	must(json_array_append(rows, element) == 0);
}

static void add_flows(json_t *rows, json_t *element)
{
	json_t *flow;
	size_t i;

	json_array_foreach(json_object_get(element, "flows"), i, flow)
	{
		json_t *outputs = json_object_get(flow, "outputs");
		json_t *row = json_object();

		move(row, element, "rule");
		must(json_object_update(row, flow) == 0);
		must(json_object_set_new(row, "outputs",
					 json_integer((json_int_t)json_array_size(outputs))) == 0);
		must(json_array_append_new(rows, row) == 0);
	}
}

static void add_outputs(json_t *rows, json_t *element)
{
	json_t *flow, *output;
	size_t i, o;

	json_array_foreach(json_object_get(element, "flows"), i, flow)
	{
		json_array_foreach(json_object_get(flow, "outputs"), o, output)
		{
			json_t *row = json_object();

			move(row, element, "rule");
			move(row, flow, "ingress");
			move(row, flow, "shard");
			must(json_object_update(row, output) == 0);
			must(json_array_append_new(rows, row) == 0);
		}
	}
}

static void add_shard(json_t *rows, json_t *element)
{
	must(json_object_del(element, "pool") == 0);
	must(json_array_append(rows, element) == 0);
}

static void add_pools(json_t *rows, json_t *element)
{
	const char *class_name;
	json_t *class;

	json_object_foreach(json_object_get(element, "pool"), class_name, class)
	{
		json_t *row = json_object();

		move(row, element, "shard");
		must(json_object_set_new(row, "class", json_string(class_name)) == 0);
		must(json_object_update(row, class) == 0);
		must(json_array_append_new(rows, row) == 0);
	}
}

/* The member is in both from here on. */
static void move(json_t *row, const json_t *from, const char *key)
{
	must(json_object_set(row, key, json_object_get(from, key)) == 0);
}

static json_t *disabled_rows(const struct supervisor *sup)
{
	json_t *rows = json_array();

	for (uint32_t i = 0; i < sup->disabled.rule_count; i++) {
		const struct conf_rule *rule = &sup->disabled.rules[i];

		must(json_array_append_new(rows, json_pack("{s:o, s:o, s:o}", "rule",
							   report_text(rule->name), "text",
							   report_text(rule->text), "where",
							   report_text(rule->where))) == 0);
	}
	return rows;
}

static enum protocol_refusal plan_members(const struct supervisor *sup, json_t *result,
					  struct err *err)
{
	json_t *plan = plan_of(sup);

	if (!plan) {
		err_set(err, "show: the plan cannot be had: out of memory; try again");
		return PROTOCOL_REFUSED_FAILED;
	}
	move(result, plan, "shards");
	move(result, plan, "flows");
	move(result, plan, "summary");
	json_decref(plan);
	return PROTOCOL_DONE;
}

static enum protocol_refusal topology_members(const struct supervisor *sup, json_t *result,
					      struct err *err)
{
	json_t *plan = plan_of(sup);

	if (!plan) {
		err_set(err, "show: the topology cannot be had: out of memory; try again");
		return PROTOCOL_REFUSED_FAILED;
	}
	must(json_object_update(result, plan) == 0);
	must(json_object_del(result, "format") == 0);
	must(json_object_del(result, "shards") == 0);
	must(json_object_del(result, "flows") == 0);
	must(json_object_del(result, "summary") == 0);
	json_decref(plan);
	return PROTOCOL_DONE;
}

/* As --plan=json prints it. NULL: out of memory. */
static json_t *plan_of(const struct supervisor *sup)
{
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);
	json_t *plan = NULL;
	int rc = -1;

	if (out) {
		rc = view_print_as(sup->setup, OPT_PLAN_JSON, out);
		rc = fclose(out) == 0 ? rc : -1;
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
		must(json_array_append_new(rows, change_row(history_at(history, i), i)) == 0);
	}
	must(json_object_set_new(result, "changes", rows) == 0);
	must(json_object_set_new(result, "forgotten", json_integer((json_int_t)first)) == 0);
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
