/* mover.c - see mover.h.
 *
 * What a shard answers to a removal is kept as it is and becomes the addition to the other shard.
 * The order of the messages is the whole of it: an output is taken when its last datagram was
 * answered for, and the flow is started when all outputs are there. The op of what is kept tells
 * whether it is in our hands: that of a removal, or no longer.
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
static uint32_t count_asked(const struct mover *m);
static void ask_part(struct changer *c, uint32_t part, struct shard_message *message);
static void give_flow(struct mover *m, struct shard_message *message);
static void give_output(struct changer *c, const struct shard_message *kept,
			struct shard_message *message);
static uint32_t count_parts(const struct mover *m);
static int take_answers(struct changer *c);
static void take_part(struct changer *c, uint32_t part, const struct shard_message *answer);
static int go_on(struct changer *c, int rc);
static int refused(struct changer *c, int rc);
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
		.list = calloc(MOVER_LIST_MAX, sizeof(*m->list)),
	};
	if (!m->outputs || !m->list) {
		end(m);
		return -ENOMEM;
	}
	for (uint32_t o = place->flow.first_output; o != PLACE_NONE;
	     o = shard_output(shard, o)->output.sibling) {
		m->outputs[m->count++] = (struct shard_message){
			.output = shard_output(shard, o)->output.token, .fd = -1};
	}
	m->phase = MOVER_TAKES;
	return 0;
}

uint32_t mover_ask(struct changer *c)
{
	struct mover *m = &c->mover;

	must(m->phase != MOVER_IDLE);
	m->asked = count_asked(m);
	for (uint32_t i = 0; i < m->asked; i++) {
		ask_part(c, m->at + i, &m->list[i]);
	}
	c->message = (struct shard_message){.op = SHARD_LIST,
					    .fd = -1,
					    .flow = m->flow,
					    .list = m->list,
					    .list_count = m->asked};
	return m->phase == MOVER_TAKES ? m->from : m->to;
}

int mover_settle(struct changer *c)
{
	int rc = take_answers(c);

	return go_on(c, c->message.result < 0 ? c->message.result : rc);
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

/* An output is added by walking along those before it, so that few are added at a time where many
 * are there: about as many steps as the flow with most outputs would take. */
static uint32_t count_asked(const struct mover *m)
{
	uint32_t left = count_parts(m) - m->at, most = MOVER_LIST_MAX;

	if (m->phase == MOVER_GIVES) {
		most = 2 + FLOW_OUTPUTS_MAX / (MOVER_LIST_OUTPUTS + m->at);
	}
	return left < most ? left : most;
}

static void ask_part(struct changer *c, uint32_t part, struct shard_message *message)
{
	struct mover *m = &c->mover;
	bool gives = m->phase == MOVER_GIVES;

	if (part == 0 && gives) {
		give_flow(m, message);
	} else if (part == 0) {
		*message = (struct shard_message){.op = SHARD_REMOVE_FLOW, .fd = -1};
	} else if (part > m->count) {
		*message = (struct shard_message){.op = SHARD_START_FLOW, .fd = -1};
	} else if (gives) {
		give_output(c, &m->outputs[part - 1], message);
	} else {
		*message = (struct shard_message){
			.op = SHARD_REMOVE_OUTPUT, .fd = -1, .output = m->outputs[part - 1].output};
	}
	message->result = -ECANCELED; /* unless a shard comes to it */
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
	message->flow_rule.share = m->told.flow_rule.share; /* the same, and it stays */
	message->echoes = m->echoes;
	message->echo_count = m->echo_count;
	if (m->rule->gro && !message->got.gro && message->fd >= 0) {
		message->got.gro = sock_coalesce(message->fd);
	}
	if (m->rule->pool_class != m->told.flow_rule.pool_class) {
		message->flow_past.next_group = m->rule->pool_class;
	}
}

static void give_output(struct changer *c, const struct shard_message *kept,
			struct shard_message *message)
{
	const struct mover *m = &c->mover;

	*message = *kept;
	message->op = SHARD_ADD_OUTPUT;
	message->goes_on = true;
	message->socket = (struct egress_socket){.fd = message->fd};
	if (message->fd >= 0) {
		shard_describe(c->sup->workers[m->to].shard, &message->output_rule, &message->got,
			       &message->socket);
	}
}

static uint32_t count_parts(const struct mover *m)
{
	return 1 + m->count + (m->phase == MOVER_GIVES);
}

/* Of all that was asked at once; the first refusal, or 0. */
static int take_answers(struct changer *c)
{
	struct mover *m = &c->mover;
	int first = 0;

	for (uint32_t i = 0; i < m->asked; i++) {
		int rc = m->list[i].result;

		if (rc == 0) {
			take_part(c, m->at + i, &m->list[i]);
		} else if (m->list[i].op == SHARD_ADD_OUTPUT && rc != -ECANCELED &&
			   rc != -ESHUTDOWN) {
			lose(c, &m->outputs[m->at + i - 1], SHARD_REMOVE_OUTPUT);
		}
		first = first == 0 ? rc : first;
	}
	return first;
}

/* What is given is the shard's from here on. */
static void take_part(struct changer *c, uint32_t part, const struct shard_message *answer)
{
	struct mover *m = &c->mover;
	struct shard_message *output;

	switch (answer->op) {
	case SHARD_REMOVE_FLOW:
		m->told = *answer;
		break;
	case SHARD_REMOVE_OUTPUT:
		m->outputs[part - 1] = *answer;
		break;
	case SHARD_ADD_FLOW:
		m->flow = answer->flow;
		changer_forget_places(c, m->to);
		m->told.fd = -1;
		m->told.op = SHARD_ADD_FLOW;
		break;
	case SHARD_ADD_OUTPUT:
		output = &m->outputs[part - 1];
		replies_follow(&c->sup->replies, m->from, output->output, m->to, answer->output);
		output->fd = -1;
		output->op = SHARD_ADD_OUTPUT;
		break;
	default:
		break; /* it receives */
	}
}

/* With the next parts, unless all that is left was refused; without an output that was. */
static int go_on(struct changer *c, int rc)
{
	struct mover *m = &c->mover;
	bool there = m->phase == MOVER_GIVES && m->told.op == SHARD_ADD_FLOW;

	if (rc < 0 && (!there || m->list[m->asked - 1].result == -ECANCELED || rc == -ESHUTDOWN)) {
		return refused(c, rc);
	}
	m->at += m->asked;
	if (m->at == count_parts(m) && m->phase == MOVER_TAKES) {
		m->phase = MOVER_GIVES;
		m->flow = PLACE_NONE;
		m->at = 0;
	} else if (m->at == count_parts(m)) {
		tell(m);
		end(m);
	}
	return rc;
}

/* What the shard of before has taken is given back to it; if that does not take it either, or the
 * shards are ending, it is lost. */
static int refused(struct changer *c, int rc)
{
	struct mover *m = &c->mover;

	if (m->phase == MOVER_GIVES && m->told.op == SHARD_REMOVE_FLOW && m->to != m->from &&
	    rc != -ESHUTDOWN) {
		m->to = m->from;
		m->rule = &m->told.flow_rule;
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
	free(m->list);
	*m = (struct mover){0};
}
