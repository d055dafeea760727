/* lane.c - opens and closes the program's lane, and keeps its counts in the books. See lane.h;
 * lane_look.c says who is carried.
 */
#include "src/run/lane.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "src/base/clock.h"
#include "src/fastpath/counts.h"
#include "src/run/lane_look.h"
#include "src/run/lane_order.h"
#include "src/run/lane_weigh.h"
#include "src/run/supervisor.h"
#include "src/setup/difference_group.h"

/* Room for flows and outputs: what there is at the start, and as much again for changes, in bounds:
 * each has some ten numbers per CPU. */
#define ROOM_FLOWS_MIN   64
#define ROOM_FLOWS_MAX   16384
#define ROOM_OUTPUTS_MIN 512
#define ROOM_OUTPUTS_MAX 65536

#define LINGER_KEPT_S 10 /* more than a service takes to start again */

#define CHANGE_NS NS_PER_S /* a feed's change is made in less, once it has begun */

#define ROUTES_PAUSE_NS (200 * NS_PER_MS) /* a host's routes may change all the while */

static uint32_t room_for(uint32_t count, uint32_t least, uint32_t most);
static void linger(struct supervisor *sup);
static bool has_changed(struct lane *lane);
static void hold_last_leg(struct lane *lane, const struct difference_group *group);
static void look_at_flags(struct supervisor *sup, uint64_t now_ns);
static void give_up(struct supervisor *sup, struct lane_verdict *verdict, enum fast_reason reason,
		    uint64_t now_ns);

int lane_open(struct supervisor *sup, struct err *err)
{
	const struct opt *opt = sup->setup->opt;
	struct err cause;
	int rc;

	if (!options_want_fastpath(opt)) {
		return 0;
	}
	rc = fast_open(room_for(opt->conf.flow_count, ROOM_FLOWS_MIN, ROOM_FLOWS_MAX),
		       room_for(opt->conf.output_count, ROOM_OUTPUTS_MIN, ROOM_OUTPUTS_MAX),
		       &sup->lane.fast, &cause);
	if (rc == 0) {
		lane_hops_open(&sup->lane.hops);
		linger(sup);
	}
	if (rc < 0 && opt->fastpath == OPT_FASTPATH_REQUIRE) {
		err_set(err, "--fastpath require: %s", cause.text);
		return rc;
	}
	if (rc < 0) {
		log_warn("fast path: %s; all flows go by their sockets", cause.text);
	}
	return 0;
}

void lane_close(struct lane *lane)
{
	fast_close(&lane->fast);
	free(lane->verdicts);
	free(lane->devices);
	lane_hops_close(&lane->hops);
	*lane = (struct lane){0};
}

int lane_start(struct supervisor *sup, struct err *err)
{
	if (!lane_is_open(sup)) {
		return 0;
	}
	fast_prolong(&sup->lane.fast, clock_now_ns());
	links_listen(&sup->links, lane_hops_fd(&sup->lane.hops));
	lane_look(sup);
	if (sup->setup->opt->fastpath == OPT_FASTPATH_REQUIRE) {
		return lane_check_all(sup, err);
	}
	return 0;
}

void lane_changed(struct supervisor *sup)
{
	if (lane_is_open(sup) && !sup->lane.stopped) {
		lane_look(sup);
	}
}

void lane_addresses_changed(struct supervisor *sup)
{
	sup->lane.probes = true;
	sup->lane.due = true;
}

void lane_hear(struct supervisor *sup)
{
	sup->lane.due = lane_hops_hear(&sup->lane.hops) || sup->lane.due;
}

void lane_tick(struct supervisor *sup, uint64_t now_ns)
{
	struct lane *lane = &sup->lane;

	if (!lane_is_open(sup) || lane->stopped) {
		return;
	}
	if (now_ns - lane->tick_ns >= NS_PER_S) {
		lane->tick_ns = now_ns;
		lane_order_look(sup);
		look_at_flags(sup, now_ns);
		lane_weigh(sup, now_ns);
		lane_errors_count(sup, LANE_ERRORS_MOST);
		lane->due = has_changed(lane) || lane->due || lane->unseen;
		lane->due = lane_hops_refresh(&lane->hops, now_ns) || lane->due;
	}
	if (lane->due || (lane->hops.routes && now_ns - lane->look_ns >= ROUTES_PAUSE_NS)) {
		lane_look(sup);
	}
}

int lane_sleep_ms(const struct supervisor *sup, int most_ms)
{
	const int pause_ms = (int)(ROUTES_PAUSE_NS / NS_PER_MS);

	return sup->lane.hops.routes && most_ms > pause_ms ? pause_ms : most_ms;
}

void lane_prolong(const struct supervisor *sup, uint64_t now_ns)
{
	if (lane_is_open(sup)) {
		fast_prolong(&sup->lane.fast, now_ns);
	}
}

/* One that is added anew, or elsewhere too, begins to count anew: what it has counted is gone. */
void lane_touch(struct supervisor *sup, const struct changer_step *steps, uint32_t count)
{
	if (!lane_is_open(sup)) {
		return;
	}
	lane_order_look(sup);
	for (uint32_t i = 0; i < count; i++) {
		if (steps[i].flow) {
			fast_drop(&sup->lane.fast, &steps[i].flow->in);
		}
		if (steps[i].group && steps[i].group->had) {
			fast_drop(&sup->lane.fast, &steps[i].group->had->in);
		}
	}
	fast_settle(&sup->lane.fast);
	for (uint32_t i = 0; i < count; i++) {
		if (steps[i].op == SHARD_ADD_FLOW) {
			lane_forget(sup, &steps[i].flow->in);
		}
		if (steps[i].group && steps[i].group->had) {
			lane_forget(sup, &steps[i].group->had->in);
		}
		if (steps[i].group && steps[i].flow && !steps[i].flow->merge) {
			hold_last_leg(&sup->lane, steps[i].group);
		}
	}
}

void lane_drop(struct supervisor *sup, const struct rule_ingress *in)
{
	if (lane_is_open(sup)) {
		fast_drop(&sup->lane.fast, in);
	}
}

void lane_settle(struct supervisor *sup)
{
	if (lane_is_open(sup)) {
		fast_settle(&sup->lane.fast);
	}
}

void lane_forget(struct supervisor *sup, const struct rule_ingress *in)
{
	struct fast_image_counts flow = {0};
	struct fast_output_counts outputs = {0};

	if (lane_is_open(sup)) {
		fast_drop(&sup->lane.fast, in);
		fast_settle(&sup->lane.fast);
		fast_forget(&sup->lane.fast, in, &flow, &outputs);
		counts_join_flow(&sup->gone.flows, &flow);
		counts_join_output(&sup->gone.outputs, &outputs);
	}
}

void lane_forget_output(struct supervisor *sup, const struct rule_ingress *in,
			const struct endpoint *to)
{
	struct fast_output_counts output = {0};

	if (lane_is_open(sup)) {
		fast_drop(&sup->lane.fast, in);
		fast_settle(&sup->lane.fast);
		fast_forget_output(&sup->lane.fast, in, to, &output);
		counts_join_output(&sup->gone.outputs, &output);
	}
}

void lane_stop(struct supervisor *sup)
{
	if (lane_is_open(sup)) {
		lane_errors_count(sup, UINT32_MAX);
		fast_drop_all(&sup->lane.fast);
		fast_settle(&sup->lane.fast);
		sup->lane.stopped = true;
		sup->lane.carried = 0;
	}
}

bool lane_is_open(const struct supervisor *sup)
{
	return fast_is_open(&sup->lane.fast);
}

enum fast_reason lane_reason(const struct supervisor *sup, const struct rule_ingress *in)
{
	const struct lane_verdict *verdict = lane_verdict_of(&sup->lane, in);

	return verdict ? verdict->reason : FAST_REASON_CLOSED;
}

const char *lane_why(const struct supervisor *sup, const struct rule_ingress *in)
{
	enum fast_reason reason = lane_reason(sup, in);

	return reason == FAST_REASON_NONE || reason == FAST_REASON_UNWANTED
		       ? NULL
		       : fast_reason_text(reason);
}

void lane_read(const struct supervisor *sup, const struct rule_ingress *in,
	       struct fast_image_counts *out)
{
	fast_read(&sup->lane.fast, in, out);
}

void lane_read_flow(const struct supervisor *sup, const struct ingress_flow *flow,
		    struct fast_flow_counts *out)
{
	const struct fast_record *record = fast_find(&sup->lane.fast, &flow->rule->in);

	*out = (struct fast_flow_counts){0};
	if (record) {
		fast_read(&sup->lane.fast, &flow->rule->in, &out->image);
		out->taken = record->puts;
		out->overtaken = lane_order_overtaken(&sup->lane, flow);
		out->left = record->order.left;
	}
}

void lane_read_output(const struct supervisor *sup, const struct rule_ingress *in,
		      const struct endpoint *to, struct fast_output_counts *out, uint64_t *before)
{
	fast_read_output(&sup->lane.fast, in, to, out, before);
}

static uint32_t room_for(uint32_t count, uint32_t least, uint32_t most)
{
	uint32_t room = count < most / 2 ? 2 * count : most;

	return room > least ? room : least;
}

/* Sockets that the service manager keeps stay joined when we are killed, so there is something to
 * be relayed until the next process takes over. */
static void linger(struct supervisor *sup)
{
	uint32_t seconds = sup->setup->opt->fastpath_linger_s;

	if (seconds == OPT_AMOUNT_AUTO) {
		seconds = sup->store.on ? LINGER_KEPT_S : OPT_AMOUNT_OFF;
	}
	if (seconds != OPT_AMOUNT_OFF) {
		fast_outlive(&sup->lane.fast, seconds * NS_PER_S);
	}
}

/* A leg that is left alone: its shard knows for `skew=' what the others have brought before. */
static void hold_last_leg(struct lane *lane, const struct difference_group *group)
{
	struct lane_verdict *verdict = lane_verdict_of(lane, &group->stays[0]->in);

	if (verdict && group->had && group->had->merge) {
		verdict->reason = FAST_REASON_MERGED;
		verdict->hold_ns =
			clock_now_ns() + CHANGE_NS + group->had->merge->rule.skew_ms * NS_PER_MS;
	}
}

/* Whether an interface is another one than it was. */
static bool has_changed(struct lane *lane)
{
	bool changed = false;

	for (uint32_t i = 0; i < lane->device_count; i++) {
		struct device now;

		device_read(lane->devices[i].name, &now);
		changed = changed || memcmp(&now, &lane->devices[i].device, sizeof(now)) != 0;
	}
	return changed;
}

static void look_at_flags(struct supervisor *sup, uint64_t now_ns)
{
	static const enum fast_reason reasons[] = {
		[FAST_FLAG_FRAGMENT] = FAST_REASON_FRAGMENT,
		[FAST_FLAG_OPTIONS] = FAST_REASON_OPTIONS,
		[FAST_FLAG_TOO_BIG] = FAST_REASON_TOO_BIG,
	};
	struct lane *lane = &sup->lane;

	for (uint32_t i = 0; i < lane->verdict_count; i++) {
		struct lane_verdict *verdict = &lane->verdicts[i];
		const struct fast_record *record = fast_find(&lane->fast, &verdict->in);
		uint32_t flag = record ? fast_flag(&lane->fast, record) : FAST_FLAG_NONE;

		if (flag != FAST_FLAG_NONE && flag < sizeof(reasons) / sizeof(reasons[0])) {
			give_up(sup, verdict, reasons[flag], now_ns);
		}
		lane->due = lane->due || verdict->queued_ns > 0 ||
			    (verdict->hold_ns > 0 && now_ns >= verdict->hold_ns);
	}
	fast_settle(&lane->fast);
}

static void give_up(struct supervisor *sup, struct lane_verdict *verdict, enum fast_reason reason,
		    uint64_t now_ns)
{
	char at[ENDPOINT_TEXT_MAX];

	fast_drop(&sup->lane.fast, &verdict->in);
	verdict->reason = reason;
	verdict->hold_ns = now_ns + LANE_HOLD_S * NS_PER_S;
	sup->lane.carried--;
	log_notice("flow %s: leaves the fast path for %d s: %s",
		   endpoint_format(&verdict->in.at, at), LANE_HOLD_S, fast_reason_text(reason));
}
