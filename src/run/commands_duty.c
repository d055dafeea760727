/* commands_duty.c - active and standby: which rules relay here, and which only receive.
 *
 * An order is taken whatever else is under way, since who takes over cannot wait; the answer comes
 * once every shard has been told (commands_late), which is before anybody else is listened to. With
 * `overlap_ms' rules stand by only then, and the answer, which comes at once, says so. See
 * commands.h and duty.h.
 */
#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "src/base/clock.h"
#include "src/base/must.h"
#include "src/run/commands.h"
#include "src/run/report_put.h"
#include "src/run/supervisor.h"

static enum protocol_refusal say(const struct command_request *request, bool standby,
				 json_t *result, struct err *err);
static enum protocol_refusal read_overlap(const struct command_request *request, uint64_t *out_ms,
					  struct err *err);
static enum protocol_refusal check_names(const struct command_request *request, struct err *err);
static bool has_rule(const struct conf *conf, const char *name);
static int say_all(const struct command_request *request, bool standby, uint64_t in_ns);
static void describe(const struct command_request *request, bool standby, char *out, size_t room);
static enum protocol_refusal answer_later(const struct command_request *request, const char *what);

enum protocol_refusal command_active(const struct command_request *request, json_t *result,
				     struct err *err)
{
	return say(request, false, result, err);
}

enum protocol_refusal command_standby(const struct command_request *request, json_t *result,
				      struct err *err)
{
	return say(request, true, result, err);
}

void commands_duty_done(struct supervisor *sup)
{
	struct command_order *order = &sup->duty_order;
	struct command_peer peer = {.uid = order->uid, .pid = order->pid};

	if (order->under_way) {
		order->under_way = false;
		order->answered = true;
		err_set(&order->text, "%s", order->what);
		commands_note(sup, &peer, order->what, "done");
	}
}

static enum protocol_refusal say(const struct command_request *request, bool standby,
				 json_t *result, struct err *err)
{
	struct supervisor *sup = request->sup;
	uint64_t overlap_ms = 0;
	char what[sizeof(sup->duty_order.what)];
	enum protocol_refusal code = read_overlap(request, &overlap_ms, err);

	code = code == PROTOCOL_DONE ? check_names(request, err) : code;
	if (code != PROTOCOL_DONE) {
		return code;
	}
	describe(request, standby, what, sizeof(what));
	if (say_all(request, standby, overlap_ms * NS_PER_MS) < 0) {
		err_set(err, "%s: out of memory; free some and try again", what);
		commands_note(sup, request->peer, what, err->text);
		return PROTOCOL_REFUSED_FAILED;
	}
	if (overlap_ms > 0) {
		char done[sizeof(what) + 32];

		snprintf(done, sizeof(done), "%s, in %" PRIu64 " ms", what, overlap_ms);
		report_put_text(result, "done", done);
		commands_note(sup, request->peer, done, "done");
		return PROTOCOL_DONE;
	}
	duty_wake(&sup->changer.duty);
	return answer_later(request, what);
}

static enum protocol_refusal read_overlap(const struct command_request *request, uint64_t *out_ms,
					  struct err *err)
{
	const json_t *overlap = json_object_get(request->members, "overlap_ms");
	double ms = overlap ? json_number_value(overlap) : 0;

	if (!(ms >= 0 && ms <= PROTOCOL_OVERLAP_MAX_MS)) {
		err_set(err, "overlap_ms: %g: expected %d to %d milliseconds", ms, 0,
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

/* "standby one two", cut off where it is long. */
static void describe(const struct command_request *request, bool standby, char *out, size_t room)
{
	const json_t *names = json_object_get(request->members, "names");
	size_t used = (size_t)snprintf(out, room, "%s%s", standby ? "standby" : "active",
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

/* Nobody is listened to until then, so there is none before it. */
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
