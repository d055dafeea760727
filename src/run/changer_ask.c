/* changer_ask.c - makes the message of one step, or says why it failed. See changer_ask.h.
 *
 * Flows are found by what they are; what the list adds is remembered until the next flow is added,
 * because its outputs follow at once.
 */
#include "src/run/changer_ask.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "src/base/must.h"
#include "src/run/changer_find.h"
#include "src/run/changer_merge.h"
#include "src/run/changer_sock.h"
#include "src/run/spread.h"
#include "src/run/supervisor.h"

static void open_late(struct changer *c, struct changer_step *step);
static int find_flow(struct changer *c, const struct changer_step *step, uint32_t *token);
static int ask_of_flow(struct changer *c, struct changer_step *step, uint32_t flow);
static int note_rest(struct changer *c, uint32_t s, uint32_t flow);
static int ask_of_output(struct changer *c, struct changer_step *step, uint32_t flow);

int changer_ask(struct changer *c, struct changer_step *step)
{
	uint32_t flow = PLACE_NONE;
	int rc = 0;

	c->message = (struct shard_message){.op = step->op, .fd = -1};
	switch (step->op) {
	case SHARD_SET_WAITS:
		c->message.waits = step->waits;
		c->message.drain_ns = step->drain_ns;
		c->message.latency_sample = step->latency_sample;
		changer_stamp(&c->sup->workers[step->shard], step->latency_sample);
		break;
	case SHARD_ADD_FLOW:
		c->added = step->flow;
		c->added_shard = step->shard;
		c->added_flow = PLACE_NONE;
		open_late(c, step);
		c->message.fd = step->fd;
		c->message.got = step->got;
		c->message.flow_rule = *step->flow;
		c->message.flow_past.drops_seen = step->drops_seen;
		c->message.echoes = step->echoes;
		c->message.echo_count = step->echo_count;
		rc = spread_lend_cpus(c->sup, &c->message.flow_rule.share);
		break;
	case SHARD_SET_MERGE:
		rc = changer_ask_merge(c, step);
		break;
	default:
		rc = find_flow(c, step, &flow);
		rc = rc == 0 ? ask_of_flow(c, step, flow) : rc;
		break;
	}
	return rc;
}

void changer_fail(struct changer *c, int rc, struct changer_step *step, const char *what)
{
	char at[ENDPOINT_TEXT_MAX] = "a room";

	if (step) {
		step->result = rc;
		changer_keep_feed(c, step);
	}
	if (step && step->why && rc != -ESHUTDOWN) {
		err_set(step->why, "shard %u: %s: %s", step->shard, what, strerror(-rc));
		return;
	}
	if (step && step->output) {
		endpoint_format(&step->output->out.to, at);
	} else if (step && step->flow) {
		endpoint_format(&step->flow->in.at, at);
	}
	if (c->rc != 0) {
		return;
	}
	c->rc = rc;
	if (rc == -ESHUTDOWN) {
		err_set(&c->err, "the shards are ending");
	} else if (c->err.text[0] == '\0') {
		err_set(&c->err, "%s: %s: %s", at, what, strerror(-rc));
	}
}

/* One that had to wait until another was gone cannot be refused any more: it is tried again. */
static void open_late(struct changer *c, struct changer_step *step)
{
	struct err why;

	if (step->late && !step->tried && changer_open(c, step, &why) < 0) {
		step->fd = -1;
	}
}

static int find_flow(struct changer *c, const struct changer_step *step, uint32_t *token)
{
	uint32_t shard = step->moved ? step->from : step->shard;
	const struct flow_place *place;

	if (c->added && c->added_shard == shard &&
	    rule_compare_flows(&c->added->in, &step->flow->in) == 0) {
		*token = c->added_flow;
		return *token == PLACE_NONE ? -ENOENT : 0;
	}
	place = changer_find_flow(c, shard, &step->flow->in);
	*token = place ? place->flow.token : PLACE_NONE;
	return place ? 0 : -ENOENT;
}

static int ask_of_flow(struct changer *c, struct changer_step *step, uint32_t flow)
{
	c->message.flow = flow;
	c->message.fd = step->fd;
	c->message.got = step->got;
	c->message.flow_rule.ifindex = step->ifindex;
	c->message.flow_past.drops_seen = step->drops_seen;
	c->message.echoes = step->echoes;
	c->message.echo_count = step->echo_count;
	if (step->op == SHARD_REMOVE_FLOW) {
		return note_rest(c, step->shard, flow);
	}
	if (step->op == SHARD_SET_FLOW) {
		c->message.flow_rule = *step->flow;
		changer_stamp_flow(&c->sup->workers[step->shard], flow, step->flow);
	}
	return step->output ? ask_of_output(c, step, flow) : 0;
}

/* Remembers the outputs of a flow that is to go: nobody finds them once it is gone. */
static int note_rest(struct changer *c, uint32_t s, uint32_t flow)
{
	const struct shard *shard = c->sup->workers[s].shard;
	uint32_t o = shard_flow(shard, place_index(flow))->flow.first_output;

	if (!c->rest) {
		c->rest = calloc(FLOW_OUTPUTS_MAX, sizeof(*c->rest));
	}
	if (!c->rest) {
		return -ENOMEM;
	}
	for (; o != PLACE_NONE; o = shard_output(shard, o)->output.sibling) {
		must(c->rest_count < FLOW_OUTPUTS_MAX);
		c->rest[c->rest_count++] = shard_output(shard, o)->output.token;
	}
	return 0;
}

static int ask_of_output(struct changer *c, struct changer_step *step, uint32_t flow)
{
	const struct worker *w = &c->sup->workers[step->shard];
	const struct output_place *place;
	int rc = 0;

	c->message.output_rule = *step->output;
	if (step->op == SHARD_OPEN_OUTPUT) {
		c->message.output_rule.ifindex = step->ifindex;
		c->message.output_rule.mtu = step->mtu;
	} else if (step->op == SHARD_TRY_PATH) {
		c->message.output_rule.mtu = step->mtu;
		c->message.dark = step->dark;
	}
	if (step->op != SHARD_ADD_OUTPUT) {
		place = changer_find_among(
			w->shard, shard_flow(w->shard, place_index(flow))->flow.first_output,
			&step->output->out);
		c->message.output = place ? place->output.token : PLACE_NONE;
		rc = place ? 0 : -ENOENT;
	}
	if (rc == 0 && step->op != SHARD_REMOVE_OUTPUT && step->op != SHARD_CLOSE_OUTPUT &&
	    step->op != SHARD_TRY_PATH) {
		rc = changer_fit(w, flow, step, &c->message, step->why ? step->why : &c->err);
	}
	return rc;
}
