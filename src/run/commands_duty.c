/* commands_duty.c - active, standby and hold: which rules relay here, and which only receive.
 *
 * An order is taken whatever else is under way, since who takes over cannot wait; the answer comes
 * once every shard has been told (commands_late). With `overlap_ms' rules stand by only then, and
 * the answer, which comes at once, says so. An order about marks (relief.h) takes a moment, in
 * which others wait. See commands.h and duty.h.
 */
#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "src/base/clock.h"
#include "src/base/json_reserve.h"
#include "src/base/must.h"
#include "src/run/commands.h"
#include "src/run/report_put.h"
#include "src/run/supervisor.h"

static enum protocol_refusal say(const struct command_request *request, bool standby,
				 json_t *result, struct err *err);
static bool must_wait(const struct command_request *request, bool relieves);
static enum protocol_refusal read_ms(const struct command_request *request, const char *name,
				     uint64_t *out_ms, struct err *err);
static enum protocol_refusal check_names(const struct command_request *request, struct err *err);
static bool has_rule(const struct conf *conf, const char *name);
static int say_all(const struct command_request *request, bool standby, uint64_t in_ns);
static int relieve(const struct command_request *request, bool standby);
static void describe(const struct command_request *request, const char *verb, char *out,
		     size_t room);
static enum protocol_refusal answer_later(const struct command_request *request, const char *what);
static enum protocol_refusal fail(const struct command_request *request, const char *what, int rc,
				  struct err *err);

enum protocol_refusal command_active(const struct command_request *request, json_t *result,
				     struct err *err)
{
	const json_t *since_ns = json_object_get(request->members, "since_ns");
	bool marks = json_object_get(request->members, "marks") != NULL;

	if (marks != (since_ns != NULL)) {
		err_set(err, "active: marks go with since_ns; expected both, as `standby' with "
			     "marks answered");
		return PROTOCOL_REFUSED_BAD_REQUEST;
	}
	if (marks && (!json_is_integer(since_ns) || json_integer_value(since_ns) < 0)) {
		err_set(err,
			"since_ns: %g: expected nanoseconds, a whole number, as `standby' "
			"with marks answered",
			json_number_value(since_ns));
		return PROTOCOL_REFUSED_BAD_REQUEST;
	}
	return say(request, false, result, err);
}

enum protocol_refusal command_standby(const struct command_request *request, json_t *result,
				      struct err *err)
{
	if (json_is_true(json_object_get(request->members, "marks")) &&
	    json_object_get(request->members, "overlap_ms")) {
		err_set(err, "standby: marks go without an overlap; expected one of them");
		return PROTOCOL_REFUSED_BAD_REQUEST;
	}
	return say(request, true, result, err);
}

enum protocol_refusal command_hold(const struct command_request *request, json_t *result,
				   struct err *err)
{
	struct duty *duty = &request->sup->changer.duty;
	uint64_t for_ms = RELIEF_HOLD_MS;
	char what[sizeof(request->sup->duty_order.what)];
	enum protocol_refusal code = check_names(request, err);

	code = code == PROTOCOL_DONE ? read_ms(request, "for_ms", &for_ms, err) : code;
	if (code != PROTOCOL_DONE) {
		return code;
	}
	if (must_wait(request, true)) {
		return PROTOCOL_AGAIN;
	}
	describe(request, "hold", what, sizeof(what));
	relief_hold(&duty->relief, json_object_get(request->members, "names"), for_ms * NS_PER_MS);
	duty_wake(duty);
	return answer_later(request, what);
}

void commands_duty_done(struct supervisor *sup, json_t *result)
{
	struct command_order *order = &sup->duty_order;
	struct command_peer peer = {.uid = order->uid, .pid = order->pid};

	if (!order->under_way) {
		json_decref(result);
		return;
	}
	order->under_way = false;
	order->answered = true;
	order->result = result;
	order->result_lost = json_reserve_was_short();
	err_set(&order->text, "%s", order->what);
	if (json_object_get(result, "met")) {
		err_set(&order->text, "%s; %u of %u senders went on at their marks", order->what,
			(unsigned)report_get(result, "met"), (unsigned)report_get(result, "marks"));
	}
	commands_note(sup, &peer, order->text.text, "done");
}

static enum protocol_refusal say(const struct command_request *request, bool standby,
				 json_t *result, struct err *err)
{
	struct supervisor *sup = request->sup;
	uint64_t overlap_ms = 0;
	char what[sizeof(sup->duty_order.what)];
	enum protocol_refusal code = check_names(request, err);
	int rc;

	code = code == PROTOCOL_DONE ? read_ms(request, "overlap_ms", &overlap_ms, err) : code;
	if (code != PROTOCOL_DONE) {
		return code;
	}
	if (must_wait(request, json_object_get(request->members, "marks") != NULL)) {
		return PROTOCOL_AGAIN;
	}
	describe(request, standby ? "standby" : "active", what, sizeof(what));
	rc = overlap_ms > 0 ? 0 : relieve(request, standby);
	rc = rc == 0 ? say_all(request, standby, overlap_ms * NS_PER_MS) : rc;
	if (rc == 0 && overlap_ms > 0) {
		char done[sizeof(what) + 32];

		snprintf(done, sizeof(done), "%s, in %" PRIu64 " ms", what, overlap_ms);
		report_put_text(result, "done", done);
		commands_note(sup, request->peer, done, "done");
		return PROTOCOL_DONE;
	}
	duty_wake(&sup->changer.duty);
	return rc < 0 ? fail(request, what, rc, err) : answer_later(request, what);
}

/* Orders are taken one after the other. One that begins a relief waits for the change that is under
 * way, by which flows may move from one shard to another; the next change waits for the relief
 * (changer.c). Any other waits for no change. */
static bool must_wait(const struct command_request *request, bool relieves)
{
	const struct supervisor *sup = request->sup;

	return sup->duty_order.under_way || sup->duty_order.answered ||
	       relief_is_busy(&sup->changer.duty.relief) ||
	       (relieves && !changer_is_idle(&sup->changer));
}

/* `*out_ms' stays as it is where the request does not say. */
static enum protocol_refusal read_ms(const struct command_request *request, const char *name,
				     uint64_t *out_ms, struct err *err)
{
	const json_t *value = json_object_get(request->members, name);
	double ms = value ? json_number_value(value) : (double)*out_ms;

	if (!(ms >= 0 && ms <= PROTOCOL_OVERLAP_MAX_MS)) {
		err_set(err, "%s: %g: expected %d to %d milliseconds", name, ms, 0,
			PROTOCOL_OVERLAP_MAX_MS);
		return PROTOCOL_REFUSED_BAD_REQUEST;
	}
	*out_ms = (uint64_t)ms;
	return PROTOCOL_DONE;
}

static enum protocol_refusal check_names(const struct command_request *request, struct err *err)
{
	json_t *name;
	size_t i;

	json_array_foreach(json_object_get(request->members, "names"), i, name)
	{
		const char *text = json_string_value(name);

		if (!has_rule(&request->sup->setup->opt->conf, text) &&
		    !has_rule(&request->sup->disabled, text)) {
			err_set(err,
				"no rule is there of that name: %.64s; expected one that "
				"`numacastctl show rules' shows; nothing was changed",
				text);
			return PROTOCOL_REFUSED_FAILED;
		}
	}
	return PROTOCOL_DONE;
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

/* Of the rules that are named, or of all. */
static int say_all(const struct command_request *request, bool standby, uint64_t in_ns)
{
	const json_t *names = json_object_get(request->members, "names");
	struct duty *duty = &request->sup->changer.duty;
	json_t *name;
	size_t i;
	int rc = 0;

	if (json_array_size(names) == 0) {
		return duty_say(duty, "", standby, in_ns);
	}
	json_array_foreach(names, i, name)
	{
		rc = rc == 0 ? duty_say(duty, json_string_value(name), standby, in_ns) : rc;
	}
	return rc;
}

/* Marks to be written down, or to be waited for. Without any, what is held stays so: whoever brings
 * the address (keepalived's notify script) may give its order amid a planned change. */
static int relieve(const struct command_request *request, bool standby)
{
	struct relief *relief = &request->sup->changer.duty.relief;
	json_t *names = json_object_get(request->members, "names");
	json_t *marks = json_object_get(request->members, "marks");

	if (standby && json_is_true(marks)) {
		return relief_note(relief, names);
	}
	if (!standby && marks) {
		const json_t *since_ns = json_object_get(request->members, "since_ns");

		return relief_follow(relief, names, marks, (uint64_t)json_integer_value(since_ns));
	}
	return 0;
}

/* "standby one two", cut off where it is long. */
static void describe(const struct command_request *request, const char *verb, char *out,
		     size_t room)
{
	const json_t *names = json_object_get(request->members, "names");
	size_t used = (size_t)snprintf(out, room, "%s%s", verb,
				       json_array_size(names) == 0 ? ": all rules" : "");
	json_t *name;
	size_t i;

	json_array_foreach(names, i, name)
	{
		if (used < room) {
			used += (size_t)snprintf(out + used, room - used, " %s",
						 json_string_value(name));
		}
	}
}

/* There is none before it (must_wait). */
static enum protocol_refusal answer_later(const struct command_request *request, const char *what)
{
	struct command_order *order = &request->sup->duty_order;

	must(!order->under_way);
	commands_forget_order(order);
	*order = (struct command_order){
		.under_way = true,
		.client = request->peer->number,
		.uid = request->peer->uid,
		.pid = request->peer->pid,
		.id = json_incref(json_object_get(request->members, "id")),
		.command = json_incref(json_object_get(request->members, "command"))};
	snprintf(order->what, sizeof(order->what), "%s", what);
	return PROTOCOL_LATER;
}

static enum protocol_refusal fail(const struct command_request *request, const char *what, int rc,
				  struct err *err)
{
	if (rc == -EINVAL) {
		err_set(err,
			"%s: these are no marks; expected those that `standby' with marks "
			"answered; nothing was changed",
			what);
	} else {
		err_set(err, "%s: out of memory; free some and try again", what);
	}
	commands_note(request->sup, request->peer, what, err->text);
	return rc == -EINVAL ? PROTOCOL_REFUSED_BAD_REQUEST : PROTOCOL_REFUSED_FAILED;
}
