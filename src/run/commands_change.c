/* commands_change.c - what changes the configuration that runs: reload, replace, add, remove,
 * enable, disable.
 *
 * Each makes other options of those that run and hands them to reload.h, which validates them whole
 * and goes on by the difference; the answer comes when that is done (commands_late). What was
 * edited stands in memory only: a later reload reads the files again. Rules that are disabled are
 * kept aside until they are enabled, removed, or the configuration is read again. See commands.h.
 */
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "src/base/must.h"
#include "src/run/commands.h"
#include "src/run/supervisor.h"

/* Which of the configured rules a command names. */
enum edit {
	EDIT_REMOVE,
	EDIT_DISABLE,
	EDIT_ENABLE,
};

static int read_again(const struct command_request *request, struct opt *opt, struct err *err);
static enum protocol_refusal edit(const struct command_request *request, enum edit how,
				  const char *command, struct err *err);
static int check_names(const struct command_request *request, enum edit how, struct err *err);
static bool has_rule(const struct conf *conf, const char *name);
static int sort_rules(const struct command_request *request, enum edit how, struct opt *opt,
		      struct conf *disabled, struct err *err);
static bool is_named(const struct command_request *request, const char *name);
static enum protocol_refusal go_on(const struct command_request *request, struct opt *opt,
				   struct conf *disabled, const char *what, struct err *err);
static enum protocol_refusal refused(const struct command_request *request, const char *what,
				     const struct err *err);
static void done(void *context, int rc, const struct err *text);
static void describe(const struct command_request *request, const char *command, char *out,
		     size_t room);

enum protocol_refusal command_reload(const struct command_request *request, json_t *result,
				     struct err *err)
{
	struct conf none = {0};
	struct opt opt = {0};

	if (read_again(request, &opt, err) < 0) {
		return refused(request, "reload", err);
	}
	return go_on(request, &opt, &none, "reload", err);
}

enum protocol_refusal command_replace(const struct command_request *request, json_t *result,
				      struct err *err)
{
	const json_t *text = json_object_get(request->members, "text");
	const char *name = commands_text(request, "name");
	const struct options_text from = {.name = name ? name : "replace",
					  .text = json_string_value(text),
					  .len = json_string_length(text)};
	const struct reload *reload = &request->sup->reload;
	struct conf none = {0};
	struct opt opt = {0};

	if (options_parse_instead(reload->argc, reload->argv, &from, &opt, err) < 0) {
		return refused(request, "replace", err);
	}
	return go_on(request, &opt, &none, "replace", err);
}

enum protocol_refusal command_add(const struct command_request *request, json_t *result,
				  struct err *err)
{
	const struct opt *running = request->sup->setup->opt;
	json_t *rules = json_object_get(request->members, "rules"), *rule;
	struct conf disabled = {0};
	struct opt opt = {0};
	char what[160];
	size_t i;
	int rc = options_copy(running, &opt, err);

	describe(request, "add", what, sizeof(what));
	for (uint32_t r = 0; r < running->conf.rule_count && rc == 0; r++) {
		rc = options_take_rule(&opt.conf, &running->conf.rules[r], err);
	}
	for (uint32_t r = 0; r < request->sup->disabled.rule_count && rc == 0; r++) {
		rc = options_take_rule(&disabled, &request->sup->disabled.rules[r], err);
	}
	json_array_foreach(rules, i, rule)
	{
		rc = rc == 0 ? options_add_rule(&opt.conf, &disabled, json_string_value(rule),
						"add", err)
			     : rc;
	}
	rc = rc == 0 ? conf_check_twins(&opt.conf, err) : rc;
	if (rc < 0) {
		options_free(&opt);
		conf_free(&disabled);
		return refused(request, what, err);
	}
	return go_on(request, &opt, &disabled, what, err);
}

enum protocol_refusal command_remove(const struct command_request *request, json_t *result,
				     struct err *err)
{
	return edit(request, EDIT_REMOVE, "remove", err);
}

enum protocol_refusal command_enable(const struct command_request *request, json_t *result,
				     struct err *err)
{
	return edit(request, EDIT_ENABLE, "enable", err);
}

enum protocol_refusal command_disable(const struct command_request *request, json_t *result,
				      struct err *err)
{
	return edit(request, EDIT_DISABLE, "disable", err);
}

static int read_again(const struct command_request *request, struct opt *opt, struct err *err)
{
	const struct reload *reload = &request->sup->reload;

	return options_parse_again(reload->argc, reload->argv, opt, err);
}

static enum protocol_refusal edit(const struct command_request *request, enum edit how,
				  const char *command, struct err *err)
{
	struct conf disabled = {0};
	struct opt opt = {0};
	char what[160];
	int rc = check_names(request, how, err);

	describe(request, command, what, sizeof(what));
	if (rc == 0) {
		rc = options_copy(request->sup->setup->opt, &opt, err);
	}
	if (rc == 0) {
		rc = sort_rules(request, how, &opt, &disabled, err);
	}
	if (rc == 0) {
		rc = conf_check_twins(&opt.conf, err);
	}
	if (rc < 0) {
		options_free(&opt);
		conf_free(&disabled);
		return refused(request, what, err);
	}
	return go_on(request, &opt, &disabled, what, err);
}

/* Whether each of the names is one that it can be done to. */
static int check_names(const struct command_request *request, enum edit how, struct err *err)
{
	const struct conf *running = &request->sup->setup->opt->conf;
	const struct conf *disabled = &request->sup->disabled;
	json_t *name;
	size_t i;

	json_array_foreach(json_object_get(request->members, "names"), i, name)
	{
		const char *text = json_string_value(name);
		bool runs = has_rule(running, text), waits = has_rule(disabled, text);

		if (how == EDIT_ENABLE ? !waits : how == EDIT_DISABLE ? !runs : !runs && !waits) {
			err_set(err,
				"no rule %s of that name: %.64s; expected one that `numacastctl "
				"show rules' shows; nothing was changed",
				how == EDIT_ENABLE    ? "is disabled"
				: how == EDIT_DISABLE ? "is enabled"
						      : "is there",
				text);
			return -EINVAL;
		}
	}
	return 0;
}

static bool has_rule(const struct conf *conf, const char *name)
{
	for (uint32_t i = 0; i < conf->rule_count; i++) {
		if (strcmp(conf->rules[i].name, name) == 0) {
			return true;
		}
	}
	return false;
}

/* Each rule goes to those that run, to those that are disabled, or nowhere. */
static int sort_rules(const struct command_request *request, enum edit how, struct opt *opt,
		      struct conf *disabled, struct err *err)
{
	const struct conf *from[] = {&request->sup->setup->opt->conf, &request->sup->disabled};
	int rc = 0;

	for (int aside = 0; aside < 2; aside++) {
		for (uint32_t i = 0; i < from[aside]->rule_count && rc == 0; i++) {
			const struct conf_rule *rule = &from[aside]->rules[i];
			bool named = is_named(request, rule->name);
			bool off = named && how != EDIT_REMOVE ? how == EDIT_DISABLE : aside == 1;

			if (!named || how != EDIT_REMOVE) {
				rc = options_take_rule(off ? disabled : &opt->conf, rule, err);
			}
		}
	}
	return rc;
}

static bool is_named(const struct command_request *request, const char *name)
{
	json_t *element;
	size_t i;

	json_array_foreach(json_object_get(request->members, "names"), i, element)
	{
		if (strcmp(json_string_value(element), name) == 0) {
			return true;
		}
	}
	return false;
}

/* Takes `opt' and `disabled'. */
static enum protocol_refusal go_on(const struct command_request *request, struct opt *opt,
				   struct conf *disabled, const char *what, struct err *err)
{
	struct reload_client client = {.done = done, .context = request->sup};
	struct command_order *order = &request->sup->order;

	if (request->sup->draining) {
		err_set(err, "the relay is ending; expected one that goes on");
	} else if (order->under_way || order->answered || reload_is_busy(&request->sup->reload)) {
		err_set(err, "another change is under way; try again");
	} else {
		*order = (struct command_order){
			.under_way = true,
			.client = request->peer->number,
			.uid = request->peer->uid,
			.pid = request->peer->pid,
			.disabled = *disabled,
			.id = json_incref(json_object_get(request->members, "id")),
			.command = json_incref(json_object_get(request->members, "command"))};
		snprintf(order->what, sizeof(order->what), "%s", what);
		if (reload_apply(&request->sup->reload, opt, &client, err) == 0) {
			return PROTOCOL_LATER;
		}
		json_decref(order->id);
		json_decref(order->command);
		*order = (struct command_order){0};
	}
	options_free(opt);
	conf_free(disabled);
	return refused(request, what, err);
}

static enum protocol_refusal refused(const struct command_request *request, const char *what,
				     const struct err *err)
{
	commands_note(request->sup, request->peer, what, err->text);
	return PROTOCOL_REFUSED_FAILED;
}

static void done(void *context, int rc, const struct err *text)
{
	struct supervisor *sup = context;
	struct command_order *order = &sup->order;
	struct command_peer peer = {.uid = order->uid, .pid = order->pid};

	must(order->under_way);
	if (rc == 0 || sup->reload.partly) {
		conf_free(&sup->disabled);
		sup->disabled = order->disabled;
	} else {
		conf_free(&order->disabled);
	}
	order->disabled = (struct conf){0};
	order->under_way = false;
	order->answered = true;
	order->rc = rc;
	order->text = *text;
	commands_note(sup, &peer, order->what, rc < 0 ? text->text : "done");
}

/* "remove one two", cut off where it is long. */
static void describe(const struct command_request *request, const char *command, char *out,
		     size_t room)
{
	const char *key = strcmp(command, "add") == 0 ? "rules" : "names";
	size_t used = (size_t)snprintf(out, room, "%s", command);
	json_t *word;
	size_t i;

	json_array_foreach(json_object_get(request->members, key), i, word)
	{
		if (used < room) {
			used += (size_t)snprintf(out + used, room - used, " %s",
						 json_string_value(word));
		}
	}
}
