/* lane_weigh.c - see lane_weigh.h. Control thread. */
#include "src/run/lane_weigh.h"

#include "shard/shard.h"
#include "src/base/clock.h"
#include "src/run/lane_look.h"
#include "src/run/supervisor.h"

static bool read_counts(const struct supervisor *sup, const struct worker *w,
			const struct ingress_flow *flow, const struct lane_verdict *verdict,
			struct weigh_sample *out);
static void weigh_flow(struct supervisor *sup, struct lane_verdict *verdict,
		       const struct weigh_sample *now);
static void turn(struct supervisor *sup, struct lane_verdict *verdict);

void lane_weigh_ask(const struct opt *opt, const struct conf_flow *flow,
		    struct lane_verdict *verdict)
{
	uint32_t outputs = conf_lead(flow)->output_count;
	bool may = opt->fastpath == OPT_FASTPATH_AUTO &&
		   opt->conf.rules[flow->rule].fast == RULE_AUTO && outputs >= WEIGH_OUTPUTS_MIN;

	verdict->outputs = may ? outputs : 0;
	if (!may && verdict->reason == FAST_REASON_CHEAPER) {
		verdict->reason = FAST_REASON_PENDING;
		verdict->hold_ns = 0;
	}
	if (!may) {
		verdict->weigh = (struct weigh){0};
	}
}

void lane_weigh(struct supervisor *sup, uint64_t now_ns)
{
	for (uint32_t s = 0; s < sup->worker_count; s++) {
		const struct worker *w = &sup->workers[s];

		for (uint32_t i = 0; i < w->shard->relay.place_count; i++) {
			const struct ingress_flow *flow = &shard_flow(w->shard, i)->flow;
			struct lane_verdict *verdict =
				flow->rule ? lane_verdict_of(&sup->lane, &flow->rule->in) : NULL;
			struct weigh_sample now = {.ns = now_ns};

			if (!verdict || verdict->outputs == 0) {
				continue;
			}
			if (read_counts(sup, w, flow, verdict, &now)) {
				weigh_flow(sup, verdict, &now);
			} else {
				verdict->so_far = (struct weigh_sample){0};
			}
		}
	}
	lane_settle(sup);
}

/* What the program has counted of a flow, or its shard of one that was left to it. False: it goes
 * by its socket for another reason. */
static bool read_counts(const struct supervisor *sup, const struct worker *w,
			const struct ingress_flow *flow, const struct lane_verdict *verdict,
			struct weigh_sample *out)
{
	struct fast_image_counts counts;

	out->outputs = verdict->outputs;
	if (verdict->reason == FAST_REASON_NONE) {
		lane_read(sup, &flow->rule->in, &counts);
		out->received = counts.received;
		out->pieces = counts.pieces;
		out->unlike = counts.unlike;
		return true;
	}
	if (verdict->reason != FAST_REASON_CHEAPER) {
		return false;
	}
	out->received = stat_get(&flow->stats->received);
	out->pieces = stat_get(&flow->stats->pieces);
	for (uint32_t o = flow->first_output; o != PLACE_NONE;) {
		const struct egress_output *output = &shard_output(w->shard, o)->output;

		out->sent += stat_get(&output->stats->sent);
		out->sends += stat_get(&output->stats->sends);
		o = output->sibling;
	}
	return true;
}

/* Counts of what has gone meanwhile, as of an output, begin the sample anew. */
static void weigh_flow(struct supervisor *sup, struct lane_verdict *verdict,
		       const struct weigh_sample *now)
{
	const struct weigh_sample *before = &verdict->so_far;
	struct weigh_sample since = {.ns = now->ns - before->ns,
				     .outputs = now->outputs,
				     .received = now->received - before->received,
				     .pieces = now->pieces - before->pieces,
				     .unlike = now->unlike - before->unlike,
				     .sent = now->sent - before->sent,
				     .sends = now->sends - before->sends};
	bool known = before->ns > 0 && now->received >= before->received &&
		     now->sent >= before->sent && now->sends >= before->sends;

	verdict->so_far = *now;
	if (known && weigh_add(&verdict->weigh, &since)) {
		turn(sup, verdict);
	}
}

static void turn(struct supervisor *sup, struct lane_verdict *verdict)
{
	struct lane *lane = &sup->lane;
	struct fast_order *order = fast_order_of(&lane->fast, &verdict->in);
	char at[ENDPOINT_TEXT_MAX];

	verdict->so_far = (struct weigh_sample){0};
	endpoint_format(&verdict->in.at, at);
	if (verdict->weigh.left) {
		fast_drop(&lane->fast, &verdict->in);
		lane->carried--;
		order->left++;
		verdict->reason = FAST_REASON_CHEAPER;
		verdict->hold_ns = UINT64_MAX;
		log_notice("flow %s: leaves the fast path until it costs less there: %s", at,
			   fast_reason_text(FAST_REASON_CHEAPER));
	} else {
		verdict->hold_ns = 0;
		lane->due = true;
		log_notice("flow %s: goes back to the fast path, where it costs less by now", at);
	}
}
