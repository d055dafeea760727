/* mover.c - see mover.h.
 *
 * What a shard answers to a removal is kept as it is and becomes the addition to the other shard.
 * The order of the messages is the whole of it: an output is taken when its last datagram was
 * answered for, and the flow is started when all outputs are there.
 */
#include "src/run/mover.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "src/base/clock.h"
#include "src/base/log.h"
#include "src/base/must.h"
#include "src/run/changer.h"
#include "src/run/changer_find.h"
#include "src/run/changer_sock.h"
#include "src/run/supervisor.h"

static uint32_t count_outputs(const struct shard *shard, const struct flow_place *place);
static void give_flow(struct mover *m, struct shard_message *message);
static void give_output(struct changer *c, struct shard_message *message);
static void take_answer(struct changer *c);
static void next_output(struct mover *m, enum mover_phase then);
static int refused(struct changer *c);
static void lose(struct changer *c, struct shard_message *told, enum shard_op op);
static void tell(const struct mover *m);
static void end(struct mover *m);

int mover_prepare(struct changer *c, const struct changer_step *step, struct err *err)
{
	const struct flow_place *place = changer_find_flow(c, step->from, &step->flow->in);
	const struct shard *shard = c->sup->workers[step->from].shard;

	if (!place) {
		return 0; /* gone by a change that failed: mover_begin will tell */
	}
	if (step->shard != step->from) {
		c->shards[step->shard].flows_wanted++;
		c->shards[step->shard].outputs_wanted += count_outputs(shard, place);
	}
	return place->flow.fd >= 0 && place->rule.in.shared != step->flow->in.shared
		       ? sock_set_shared(place->flow.fd, &step->flow->in, step->flow->ifindex, err)
		       : 0;
}

int mover_begin(struct changer *c, const struct changer_step *step)
{
	const struct flow_place *place = changer_find_flow(c, step->from, &step->flow->in);
	const struct shard *shard = c->sup->workers[step->from].shard;
	struct mover *m = &c->mover;

	must(m->phase == MOVER_IDLE);
	if (!place) {
		return -ENOENT;
	}
	*m = (struct mover){
		.from = step->from,
		.to = step->shard,
		.rule = step->flow,
		.echoes = place->flow.echoes,
		.echo_count = place->flow.echo_count,
		.flow = place->flow.token,
		.told = {.fd = -1},
		.began_ns = clock_now_ns(),
		.outputs = calloc(count_outputs(shard, place) + 1UL, sizeof(*m->outputs)),
	};
	if (!m->outputs) {
		return -ENOMEM;
	}
	for (uint32_t o = place->flow.first_output; o != PLACE_NONE;
	     o = shard_output(shard, o)->output.sibling) {
		m->outputs[m->count++] = (struct shard_message){
			.output = shard_output(shard, o)->output.token, .fd = -1};
	}
	m->phase = MOVER_TAKES_FLOW;
	return 0;
}

uint32_t mover_ask(struct changer *c)
{
	struct mover *m = &c->mover;
	struct shard_message *message = &c->message;

	*message = (struct shard_message){.fd = -1, .flow = m->flow};
	switch (m->phase) {
	case MOVER_TAKES_FLOW:
		message->op = SHARD_REMOVE_FLOW;
		return m->from;
	case MOVER_TAKES_OUTPUTS:
		message->op = SHARD_REMOVE_OUTPUT;
		message->output = m->outputs[m->at].output;
		return m->from;
	case MOVER_GIVES_FLOW:
		give_flow(m, message);
		return m->to;
	case MOVER_GIVES_OUTPUTS:
		give_output(c, message);
		return m->to;
	case MOVER_STARTS:
		message->op = SHARD_START_FLOW;
		return m->to;
	case MOVER_IDLE:
		break;
	}
	must(!"nothing is being moved");
	return 0;
}

int mover_settle(struct changer *c)
{
	int rc = c->message.result;

	if (rc < 0) {
		return refused(c);
	}
	take_answer(c);
	return 0;
}

void mover_abandon(struct changer *c)
{
	struct mover *m = &c->mover;

	if (m->phase == MOVER_IDLE) {
		return;
	}
	lose(c, &m->told, SHARD_REMOVE_FLOW);
	for (uint32_t i = 0; i < m->count; i++) {
		lose(c, &m->outputs[i], SHARD_REMOVE_OUTPUT);
	}
	end(m);
}

static uint32_t count_outputs(const struct shard *shard, const struct flow_place *place)
{
	uint32_t count = 0;

	for (uint32_t o = place->flow.first_output; o != PLACE_NONE;
	     o = shard_output(shard, o)->output.sibling) {
		count++;
	}
	return count;
}

/* Datagrams that wait were not coalesced, and those that come may be from now on. A class that the
 * flow has grown out of is left behind, unless another one is wanted. */
static void give_flow(struct mover *m, struct shard_message *message)
{
	*message = m->told;
	message->op = SHARD_ADD_FLOW;
	message->goes_on = true;
	message->flow_rule = *m->rule;
	message->flow_rule.ifindex = m->told.flow_rule.ifindex;
	message->echoes = m->echoes;
	message->echo_count = m->echo_count;
	if (m->rule->gro && !message->got.gro && message->fd >= 0) {
		message->got.gro = sock_coalesce(message->fd);
	}
	if (m->rule->pool_class != m->told.flow_rule.pool_class) {
		message->flow_past.next_group = m->rule->pool_class;
	}
}

static void give_output(struct changer *c, struct shard_message *message)
{
	struct mover *m = &c->mover;

	*message = m->outputs[m->at];
	message->op = SHARD_ADD_OUTPUT;
	message->flow = m->flow;
	message->goes_on = true;
	message->socket = (struct egress_socket){.fd = message->fd};
	if (message->fd >= 0) {
		shard_describe(c->sup->workers[m->to].shard, &message->output_rule, &message->got,
			       &message->socket);
	}
}

static void take_answer(struct changer *c)
{
	struct mover *m = &c->mover;

	switch (m->phase) {
	case MOVER_TAKES_FLOW:
		m->told = c->message;
		next_output(m, MOVER_GIVES_FLOW);
		break;
	case MOVER_TAKES_OUTPUTS:
		m->outputs[m->at++] = c->message;
		next_output(m, MOVER_GIVES_FLOW);
		break;
	case MOVER_GIVES_FLOW:
		m->flow = c->message.flow;
		changer_forget_places(c, m->to);
		m->told.fd = -1; /* the shard's from here on */
		m->told.op = SHARD_ADD_FLOW;
		m->at = 0;
		next_output(m, MOVER_STARTS);
		break;
	case MOVER_GIVES_OUTPUTS:
		replies_follow(&c->sup->replies, m->from, m->outputs[m->at].output, m->to,
			       c->message.output);
		m->outputs[m->at].fd = -1;
		m->outputs[m->at++].op = SHARD_ADD_OUTPUT;
		next_output(m, MOVER_STARTS);
		break;
	case MOVER_STARTS:
		tell(m);
		end(m);
		break;
	case MOVER_IDLE:
		break;
	}
}

/* Goes on with the outputs that are left, of those that are taken or given, or with `then'. */
static void next_output(struct mover *m, enum mover_phase then)
{
	if (m->at == m->count) {
		m->phase = then;
	} else {
		m->phase = then == MOVER_STARTS ? MOVER_GIVES_OUTPUTS : MOVER_TAKES_OUTPUTS;
	}
}

/* What the shard of before has taken is given back to it; an output that nobody takes is lost. */
static int refused(struct changer *c)
{
	struct mover *m = &c->mover;
	int rc = c->message.result;

	if (m->phase == MOVER_GIVES_FLOW && m->to != m->from && rc != -ESHUTDOWN) {
		m->to = m->from;
		m->rule = &m->told.flow_rule;
	} else if (m->phase == MOVER_GIVES_OUTPUTS && rc != -ESHUTDOWN) {
		lose(c, &m->outputs[m->at++], SHARD_REMOVE_OUTPUT);
		next_output(m, MOVER_STARTS);
	} else {
		mover_abandon(c);
	}
	return rc;
}

/* `op': what `told' answers if it is in our hands. */
static void lose(struct changer *c, struct shard_message *told, enum shard_op op)
{
	const struct changer_step step = {.flow = &told->flow_rule};

	if (told->op == op) {
		changer_keep(c->sup, told, &step);
		told->op = SHARD_ADD_ROOM;
	}
}

/* What arrived in this time had to wait in the socket. */
static void tell(const struct mover *m)
{
	log_debug("a flow with %u outputs has moved from shard %u to %u in %llu us", m->count,
		  m->from, m->to, (unsigned long long)(clock_now_ns() - m->began_ns) / NS_PER_US);
}

static void end(struct mover *m)
{
	free(m->outputs);
	*m = (struct mover){0};
}
