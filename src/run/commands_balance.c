/* commands_balance.c - rebalance: what would move and why, and moves it unless told not to.
 *
 * The answer comes when the window is over and everything has moved (commands_late); meanwhile
 * others may look, and no other change is taken. See commands.h and rebalance.h.
 */
#include <errno.h>
#include <jansson.h>
#include <string.h>

#include "src/base/clock.h"
#include "src/base/json_reserve.h"
#include "src/base/must.h"
#include "src/run/commands.h"
#include "src/run/report_put.h"
#include "src/run/supervisor.h"

static enum protocol_refusal read_window(const struct command_request *request, uint64_t *out_ns,
					 struct err *err);
static int begin(const struct command_request *request, uint64_t window_ns, struct err *err);
static void found(void *context, const struct rebalance_finding *finding);
static json_t *shards_array(const struct rebalance_finding *finding);
static json_t *move_object(const struct rebalance_finding *finding, const struct plan_move *move);
static uint64_t load_of(const struct rebalance_finding *finding, uint64_t work);
static uint64_t each_second(const struct rebalance_finding *finding, double count);
static void done(void *context, int rc, const struct err *text);

enum protocol_refusal command_rebalance(const struct command_request *request, json_t *result,
					struct err *err)
{
	uint64_t window_ns;
	enum protocol_refusal code = read_window(request, &window_ns, err);

	if (code != PROTOCOL_DONE) {
		return code;
	}
	if (begin(request, window_ns, err) < 0) {
		commands_note(request->sup, request->peer, "rebalance", err->text);
		return PROTOCOL_REFUSED_FAILED;
	}
	return PROTOCOL_LATER;
}

static enum protocol_refusal read_window(const struct command_request *request, uint64_t *out_ns,
					 struct err *err)
{
	const json_t *window = json_object_get(request->members, "window_s");
	double seconds = window ? json_number_value(window) : PROTOCOL_WINDOW_S;

	if (!(seconds >= PROTOCOL_WINDOW_MIN_S && seconds <= PROTOCOL_WINDOW_MAX_S)) {
		err_set(err, "window_s: %g: expected %g to %d seconds", seconds,
			PROTOCOL_WINDOW_MIN_S, PROTOCOL_WINDOW_MAX_S);
		return PROTOCOL_REFUSED_BAD_REQUEST;
	}
	*out_ns = (uint64_t)(seconds * NS_PER_S);
	return PROTOCOL_DONE;
}

static int begin(const struct command_request *request, uint64_t window_ns, struct err *err)
{
	struct supervisor *sup = request->sup;
	const struct rebalance_client client = {.found = found, .done = done, .context = sup};
	bool dry_run = json_is_true(json_object_get(request->members, "dry_run"));
	int rc = -EBUSY;

	if (sup->draining) {
		err_set(err, "the relay is ending; expected one that goes on");
		return rc;
	}
	if (sup->order.under_way || sup->order.answered || reload_is_busy(&sup->reload)) {
		err_set(err, "another change is under way; try again");
		return rc;
	}
	rc = rebalance_begin(&sup->rebalance, window_ns, dry_run, &client, err);
	if (rc == 0) {
		sup->order = (struct command_order){
			.under_way = true,
			.client = request->peer->number,
			.uid = request->peer->uid,
			.pid = request->peer->pid,
			.what = "rebalance",
			.id = json_incref(json_object_get(request->members, "id")),
			.command = json_incref(json_object_get(request->members, "command"))};
	}
	return rc;
}

static void found(void *context, const struct rebalance_finding *finding)
{
	struct supervisor *sup = context;
	json_t *result, *moves;

	json_reserve_begin();
	result = json_object();
	moves = json_array();
	report_put(result, "window_s", json_real(finding->seconds));
	report_put(result, "dry_run", json_boolean(sup->rebalance.dry_run));
	report_put(result, "shards", shards_array(finding));
	for (uint32_t i = 0; i < finding->moves->count; i++) {
		report_stored(json_array_append_new(
			moves, move_object(finding, &finding->moves->moves[i])));
	}
	report_put(result, "moves", moves);
	sup->order.result = result;
	sup->order.result_lost = json_reserve_was_short();
}

static json_t *shards_array(const struct rebalance_finding *finding)
{
	const struct plan_moves *moves = finding->moves;
	json_t *shards = json_array();

	for (uint32_t s = 0; s < finding->plan->shard_count; s++) {
		json_t *shard = json_object();

		report_put_number(shard, "shard", s);
		report_put_number(shard, "load", load_of(finding, moves->before[s]));
		report_put_number(shard, "load_then", load_of(finding, moves->after[s]));
		report_stored(json_array_append_new(shards, shard));
	}
	return shards;
}

static json_t *move_object(const struct rebalance_finding *finding, const struct plan_move *move)
{
	const struct conf_flow *flow = &finding->conf->flows[move->flow];
	const struct rate *rate = finding->rates[move->owner];
	char at[ENDPOINT_TEXT_MAX];
	json_t *object = json_object();
	struct err why;

	must(rate != NULL); /* what has no rate has no load, and does not move */
	rebalance_why(finding, move, &why);
	report_put_text(object, "rule", finding->conf->rules[flow->rule].name);
	report_put_text(object, "ingress", endpoint_format(&flow->in.at, at));
	report_put_number(object, "from", move->from);
	report_put_number(object, "to", move->to);
	report_put_number(object, "load", load_of(finding, rate->work));
	report_put_number(object, "received_per_s", each_second(finding, (double)rate->received));
	report_put_number(object, "sent_per_s", each_second(finding, (double)rate->sent));
	report_put_text(object, "why", why.text);
	return object;
}

/* As many receptions and sends of next to nothing would cost as much. */
static uint64_t load_of(const struct rebalance_finding *finding, uint64_t work)
{
	return each_second(finding, (double)work / RATE_CALL_BYTES);
}

static uint64_t each_second(const struct rebalance_finding *finding, double count)
{
	return (uint64_t)(count / finding->seconds + 0.5);
}

static void done(void *context, int rc, const struct err *text)
{
	struct supervisor *sup = context;
	struct command_order *order = &sup->order;
	struct command_peer peer = {.uid = order->uid, .pid = order->pid};

	must(order->under_way);
	order->under_way = false;
	order->answered = true;
	order->rc = rc;
	order->text = *text;
	if (rc < 0 || (!sup->rebalance.dry_run &&
		       (order->result_lost ||
			json_array_size(json_object_get(order->result, "moves")) > 0))) {
		commands_note(sup, &peer, order->what, rc < 0 ? text->text : "done");
	}
}
