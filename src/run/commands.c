/* commands.c - the table of commands, and the way from a line to one of them and back.
 *
 * A request is taken only when it is wholly understood: one object of the right version, whose
 * command exists and takes each of its members, each of the type it says. So a misspelt member is
 * told, and not ignored. See commands.h.
 */
#include "src/run/commands.h"

#include <assert.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "src/base/json_reserve.h"
#include "src/run/answer.h"
#include "src/run/commands_line.h"
#include "src/run/report_put.h"
#include "src/run/supervisor.h"

#define MEMBERS_MAX 3

enum member_type {
	MEMBER_TEXT,
	MEMBER_TEXTS, /* an array of them */
	MEMBER_SWITCH,
	MEMBER_NUMBER,
};

struct member {
	const char *name; /* NULL: behind the last */
	enum member_type type;
	bool needed;
	bool changes; /* with it the command needs the right to change */
};

struct command {
	const char *name;
	command_run *run;
	bool changes; /* needs the right */
	struct member members[MEMBERS_MAX + 1];
};

#define IS_COMMON(name) \
	(strcmp(name, "version") == 0 || strcmp(name, "id") == 0 || strcmp(name, "command") == 0)

static enum protocol_refusal obey(struct command_request *request, const json_t *object, size_t len,
				  json_t *result, struct err *err);
static enum protocol_refusal check_head(const json_t *object, struct err *err);
static const struct command *find_command(const char *name);
static enum protocol_refusal check_members(const struct command *command, const json_t *object,
					   struct err *err);
static const char *not_of(enum member_type type);
static const struct member *find_member(const struct command *command, const char *name);
static bool has_type(const json_t *value, enum member_type type);
static enum protocol_refusal check_right(const struct command *command,
					 const struct command_request *request, struct err *err);

static const char *const command_names[] = {PROTOCOL_COMMANDS(PROTOCOL_NAME)};

static const struct command commands[] = {
	[PROTOCOL_COMMAND_SHOW] = {.run = command_show,
				   .members = {{"what", MEMBER_TEXT, .needed = true},
					       {"rules", MEMBER_TEXTS},
					       {"members", MEMBER_TEXTS}}},
	[PROTOCOL_COMMAND_STATS] = {.run = command_stats},
	[PROTOCOL_COMMAND_HEALTH] = {.run = command_health},
	[PROTOCOL_COMMAND_LOG_LEVEL] = {.run = command_log_level,
					.members = {{"level", MEMBER_TEXT, .changes = true}}},
	[PROTOCOL_COMMAND_VERSION] = {.run = command_version},
	[PROTOCOL_COMMAND_RELOAD] = {.run = command_reload, .changes = true},
	[PROTOCOL_COMMAND_REPLACE] = {.run = command_replace,
				      .changes = true,
				      .members = {{"text", MEMBER_TEXT, .needed = true},
						  {"name", MEMBER_TEXT}}},
	[PROTOCOL_COMMAND_ADD] = {.run = command_add,
				  .changes = true,
				  .members = {{"rules", MEMBER_TEXTS, .needed = true}}},
	[PROTOCOL_COMMAND_REMOVE] = {.run = command_remove,
				     .changes = true,
				     .members = {{"names", MEMBER_TEXTS, .needed = true}}},
	[PROTOCOL_COMMAND_ENABLE] = {.run = command_enable,
				     .changes = true,
				     .members = {{"names", MEMBER_TEXTS, .needed = true}}},
	[PROTOCOL_COMMAND_DISABLE] = {.run = command_disable,
				      .changes = true,
				      .members = {{"names", MEMBER_TEXTS, .needed = true}}},
	[PROTOCOL_COMMAND_ACTIVE] = {.run = command_active,
				     .changes = true,
				     .members = {{"names", MEMBER_TEXTS},
						 {"marks", MEMBER_TEXTS},
						 {"since_ns", MEMBER_NUMBER}}},
	[PROTOCOL_COMMAND_STANDBY] = {.run = command_standby,
				      .changes = true,
				      .members = {{"names", MEMBER_TEXTS},
						  {"overlap_ms", MEMBER_NUMBER},
						  {"marks", MEMBER_SWITCH}}},
	[PROTOCOL_COMMAND_HOLD] = {.run = command_hold,
				   .changes = true,
				   .members = {{"names", MEMBER_TEXTS}, {"for_ms", MEMBER_NUMBER}}},
	[PROTOCOL_COMMAND_REBALANCE] = {.run = command_rebalance,
					.changes = true,
					.members = {{"window_s", MEMBER_NUMBER},
						    {"dry_run", MEMBER_SWITCH}}},
	[PROTOCOL_COMMAND_DRAIN] = {.run = command_drain, .changes = true},
};

static_assert(sizeof(commands) / sizeof(commands[0]) == PROTOCOL_COMMAND_COUNT, "a row each");

char *commands_answer(struct supervisor *sup, const struct command_peer *peer, const char *line,
		      size_t len, struct answer **out_rows, size_t *out_len)
{
	struct command_request request = {.sup = sup, .peer = peer, .rows = out_rows};
	struct err err = {0};
	json_error_t why;
	json_t *result, *object, *answer;
	enum protocol_refusal code = PROTOCOL_REFUSED_NOT_JSON;

	*out_rows = NULL;
	json_reserve_begin();
	result = json_object();
	object = json_loadb(line, len, JSON_REJECT_DUPLICATES, &why);
	if (json_reserve_was_used()) {
		code = PROTOCOL_REFUSED_FAILED;
		err_set(&err, "request: out of memory while reading it; nothing was done");
	} else if (object) {
		code = obey(&request, object, len, result, &err);
	} else {
		err_set(&err, "the line is no JSON: column %d: %s; expected one object a line",
			why.column, why.text);
	}
	answer = code == PROTOCOL_DONE
			 ? commands_line_success(json_object_get(object, "id"),
						 json_object_get(object, "command"), result)
		 : code == PROTOCOL_LATER || code == PROTOCOL_AGAIN
			 ? NULL
			 : commands_line_refusal(json_object_get(object, "id"), code, err.text);
	if (*out_rows) {
		answer_set_request(*out_rows, json_object_get(object, "id"),
				   json_object_get(object, "command"));
	}
	json_decref(result);
	json_decref(object);
	if (code == PROTOCOL_LATER || code == PROTOCOL_AGAIN) {
		*out_len = code == PROTOCOL_LATER ? COMMANDS_LATER : COMMANDS_AGAIN;
		return NULL;
	}
	return commands_line_of(answer, out_len);
}

char *commands_go_on(struct supervisor *sup, struct answer *rows, size_t *out_len)
{
	json_t *result;

	if (!answer_go_on(rows)) {
		return NULL;
	}
	json_reserve_begin();
	result = json_object();
	commands_show_rest(sup, rows, result);
	return commands_line_with_rows(
		commands_line_success(answer_id(rows), answer_command(rows), result), result, rows,
		out_len);
}

char *commands_late(struct supervisor *sup, uint64_t *out_client, size_t *out_len)
{
	struct command_order *order = sup->order.answered ? &sup->order : &sup->duty_order;
	json_t *result, *answer;

	if (!order->answered) {
		return NULL;
	}
	json_reserve_begin();
	result = order->result ? json_incref(order->result) : json_object();
	report_stored(json_object_set_new(result, "done", report_text(order->text.text)));
	if (order->rc < 0 || order->result_lost) {
		answer = commands_line_refusal(order->id, PROTOCOL_REFUSED_FAILED,
					       order->rc < 0 ? order->text.text
							     : COMMANDS_LINE_NO_MEMORY);
	} else {
		answer = commands_line_success(order->id, order->command, result);
	}
	json_decref(result);
	*out_client = order->client;
	commands_forget_order(order);
	return commands_line_of(answer, out_len);
}

bool commands_has_late(const struct supervisor *sup)
{
	return sup->order.answered || sup->duty_order.answered;
}

void commands_forget(struct supervisor *sup)
{
	commands_forget_order(&sup->order);
	commands_forget_order(&sup->duty_order);
}

void commands_forget_order(struct command_order *order)
{
	json_decref(order->id);
	json_decref(order->command);
	json_decref(order->result);
	conf_free(&order->disabled);
	*order = (struct command_order){0};
}

char *commands_refusal(enum protocol_refusal code, const char *text, size_t *out_len)
{
	json_reserve_begin();
	return commands_line_of(commands_line_refusal(NULL, code, text), out_len);
}

const char *commands_text(const struct command_request *request, const char *name)
{
	return json_string_value(json_object_get(request->members, name));
}

void commands_note(struct supervisor *sup, const struct command_peer *peer, const char *what,
		   const char *result)
{
	char who[64];

	snprintf(who, sizeof(who), "control: uid %u, pid %d", (unsigned)peer->uid, (int)peer->pid);
	history_note(&sup->history, who, what, result);
	log_notice("%s: %s: %s", who, what, result);
}

static enum protocol_refusal obey(struct command_request *request, const json_t *object, size_t len,
				  json_t *result, struct err *err)
{
	const char *name = json_string_value(json_object_get(object, "command"));
	const struct command *command = NULL;
	enum protocol_refusal code = check_head(object, err);

	if (code == PROTOCOL_DONE) {
		command = find_command(name);
		if (!command) {
			err_set(err,
				"unknown command: %.64s; expected one of doc/CONTROL.md, such as "
				"show or stats; see numacastctl --help",
				name);
			return PROTOCOL_REFUSED_UNKNOWN;
		}
		if (len > PROTOCOL_REQUEST_MAX && command != &commands[PROTOCOL_COMMAND_REPLACE] &&
		    command != &commands[PROTOCOL_COMMAND_ACTIVE]) {
			err_set(err, "the line is too long; expected at most 64 KiB for this "
				     "command; send less");
			return PROTOCOL_REFUSED_TOO_LONG;
		}
		code = check_members(command, object, err);
	}
	if (code == PROTOCOL_DONE) {
		request->members = object;
		code = check_right(command, request, err);
	}
	return code == PROTOCOL_DONE ? command->run(request, result, err) : code;
}

static enum protocol_refusal check_head(const json_t *object, struct err *err)
{
	const json_t *version = json_object_get(object, "version");
	const json_t *id = json_object_get(object, "id");

	if (!json_is_object(object)) {
		err_set(err,
			"the request is no object; expected {\"version\":%d,"
			"\"command\":...}; see doc/CONTROL.md",
			PROTOCOL_VERSION);
		return PROTOCOL_REFUSED_BAD_REQUEST;
	}
	if (!json_is_integer(version) || json_integer_value(version) != PROTOCOL_VERSION) {
		err_set(err,
			"the request is of no version that is known here; expected "
			"\"version\":%d; use a client of the same release",
			PROTOCOL_VERSION);
		return PROTOCOL_REFUSED_VERSION;
	}
	if (!json_is_string(json_object_get(object, "command")) ||
	    (id && !json_is_string(id) && !json_is_integer(id))) {
		err_set(err, "the request lacks a command, or its id is neither text nor integer; "
			     "expected \"command\":\"NAME\"; see doc/CONTROL.md");
		return PROTOCOL_REFUSED_BAD_REQUEST;
	}
	return PROTOCOL_DONE;
}

static const struct command *find_command(const char *name)
{
	for (int i = 0; i < PROTOCOL_COMMAND_COUNT; i++) {
		if (strcmp(command_names[i], name) == 0) {
			return &commands[i];
		}
	}
	return NULL;
}

static enum protocol_refusal check_members(const struct command *command, const json_t *object,
					   struct err *err)
{
	const char *name;
	json_t *value;

	json_object_foreach((json_t *)object, name, value)
	{
		const struct member *member = find_member(command, name);

		if (IS_COMMON(name)) {
			continue;
		}
		if (!member || !has_type(value, member->type)) {
			err_set(err,
				"the request has a member that is %s: %.64s; see doc/CONTROL.md "
				"for what the command takes",
				member ? not_of(member->type) : "unknown to its command", name);
			return PROTOCOL_REFUSED_BAD_REQUEST;
		}
	}
	for (const struct member *member = command->members; member->name; member++) {
		if (member->needed && !json_object_get(object, member->name)) {
			err_set(err,
				"the request lacks a member: %s; see doc/CONTROL.md for what the "
				"command takes",
				member->name);
			return PROTOCOL_REFUSED_BAD_REQUEST;
		}
	}
	return PROTOCOL_DONE;
}

/* "the request has a member that is ..." */
static const char *not_of(enum member_type type)
{
	switch (type) {
	case MEMBER_TEXT:
		return "not a text";
	case MEMBER_TEXTS:
		return "not an array of texts";
	case MEMBER_SWITCH:
		return "neither true nor false";
	case MEMBER_NUMBER:
		break;
	}
	return "not a number";
}

static const struct member *find_member(const struct command *command, const char *name)
{
	for (const struct member *member = command->members; member->name; member++) {
		if (strcmp(member->name, name) == 0) {
			return member;
		}
	}
	return NULL;
}

static bool has_type(const json_t *value, enum member_type type)
{
	json_t *element;
	size_t i;

	switch (type) {
	case MEMBER_TEXT:
		return json_is_string(value);
	case MEMBER_SWITCH:
		return json_is_boolean(value);
	case MEMBER_NUMBER:
		return json_is_number(value);
	case MEMBER_TEXTS:
		break;
	}
	json_array_foreach(value, i, element)
	{
		if (!json_is_string(element)) {
			return false;
		}
	}
	return json_is_array(value);
}

static enum protocol_refusal check_right(const struct command *command,
					 const struct command_request *request, struct err *err)
{
	bool changes = command->changes;

	for (const struct member *member = command->members; member->name; member++) {
		changes |= member->changes && json_object_get(request->members, member->name);
	}
	if (!changes || request->peer->may_change) {
		return PROTOCOL_DONE;
	}
	err_set(err,
		"only root and the daemon's own user may change what runs, and uid %u is "
		"neither; expected one of them; use sudo",
		(unsigned)request->peer->uid);
	return PROTOCOL_REFUSED_DENIED;
}
