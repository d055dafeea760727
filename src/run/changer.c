/* changer.c - carries out a list of changes. See changer.h.
 *
 * A list passes three phases: its sockets are opened, rooms are added where places are short, and
 * the steps are taken. Each phase walks along the list and stops where it has to wait for an answer
 * or has worked long enough. Flows are found by what they are (changer_find.h); what a list adds is
 * remembered until the next flow is added, because its outputs follow at once.
 */
#include "src/run/changer.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "src/base/clock.h"
#include "src/base/must.h"
#include "src/run/changer_find.h"
#include "src/run/changer_sock.h"
#include "src/run/supervisor.h"

#define TICK_NS (4 * NS_PER_MS)

static bool go_on(struct changer *c);
static bool prepare(struct changer *c);
static bool begin_growing(struct changer *c);
static bool grow(struct changer *c);
static bool change(struct changer *c);
static bool go_on_moving(struct changer *c);
static int ask(struct changer *c, struct changer_step *step);
static int ask_of_flow(struct changer *c, struct changer_step *step, uint32_t flow);
static int ask_of_output(struct changer *c, struct changer_step *step, uint32_t flow);
static void ask_rest(struct changer *c);
static int find_flow(struct changer *c, const struct changer_step *step, uint32_t *token);
static int note_rest(struct changer *c, uint32_t shard, uint32_t flow);
static void send_message(struct changer *c, uint32_t shard);
static bool take_answer(struct changer *c);
static void settle(struct changer *c);
static void fail(struct changer *c, int rc, const struct changer_step *step, const char *what);
static void finish(struct changer *c);

void changer_init(struct changer *c, struct supervisor *sup)
{
	*c = (struct changer){.sup = sup};
}

void changer_free(struct changer *c)
{
	while (c->memory) {
		struct changer_memory *memory = c->memory;

		c->memory = memory->next;
		arena_unmap(&memory->arena);
		free(memory);
	}
	free(c->rest);
	*c = (struct changer){0};
}

int changer_begin(struct changer *c, struct changer_step *steps, uint32_t count,
		  const struct changer_client *client)
{
	struct changer_shard *shards;

	if (c->phase != CHANGER_IDLE) {
		return -EBUSY;
	}
	shards = calloc(c->sup->worker_count, sizeof(*shards));
	if (!shards) {
		return -ENOMEM;
	}
	c->phase = CHANGER_PREPARING;
	c->steps = steps;
	c->count = count;
	c->at = 0;
	c->lists++;
	c->client = *client;
	c->shards = shards;
	c->rest_count = 0;
	c->added = NULL;
	c->rc = 0;
	c->begun = false;
	c->err.text[0] = '\0';
	return 0;
}

void changer_tick(struct changer *c)
{
	uint64_t end_ns = clock_now_ns() + TICK_NS;

	while (c->phase != CHANGER_IDLE && go_on(c) && clock_now_ns() < end_ns) {
		continue;
	}
}

int changer_fd(const struct changer *c)
{
	return c->waiting ? c->sup->workers[c->message_shard].mailbox.answerfd : -1;
}

int changer_wait_ms(const struct changer *c)
{
	return c->phase != CHANGER_IDLE && !c->waiting ? 0 : -1;
}

bool changer_has(const struct changer *c, uint32_t shard)
{
	return c->waiting && c->message_shard == shard;
}

void changer_end(struct changer *c)
{
	struct err err;

	if (c->phase == CHANGER_IDLE) {
		return;
	}
	if (c->waiting && !take_answer(c)) {
		c->waiting = false; /* it ended before it looked: the message is ours again */
		c->message.result = -ESHUTDOWN;
		settle(c);
	}
	mover_abandon(c);
	err_set(&err, "the shards are ending");
	if (c->rc == 0) {
		c->rc = -ESHUTDOWN;
		c->err = err;
	}
	finish(c);
}

/* One piece of work; false when there is an answer to wait for, or nothing more to do. */
static bool go_on(struct changer *c)
{
	if (c->waiting && !take_answer(c)) {
		return false;
	}
	switch (c->phase) {
	case CHANGER_PREPARING:
		return prepare(c);
	case CHANGER_GROWING:
		return grow(c);
	case CHANGER_CHANGING:
		return change(c);
	case CHANGER_IDLE:
		break;
	}
	return false;
}

static bool prepare(struct changer *c)
{
	struct changer_step *step;
	int rc;

	if (c->at == c->count) {
		return begin_growing(c);
	}
	step = &c->steps[c->at++];
	step->fd = -1;
	c->shards[step->shard].flows_wanted += step->op == SHARD_ADD_FLOW;
	c->shards[step->shard].outputs_wanted +=
		step->op == SHARD_ADD_OUTPUT || step->op == SHARD_REPLACE_OUTPUT;
	if (step->late) {
		return true;
	}
	rc = step->op == SHARD_REMOVE_FLOW && step->moved
		     ? mover_prepare(c, step, &c->err)
		     : changer_open(c->sup, step, c->steps, c->count, &c->err);
	if (rc < 0) {
		c->rc = rc;
		finish(c);
	}
	return rc == 0;
}

static bool begin_growing(struct changer *c)
{
	int rc = c->client.prepared ? c->client.prepared(c->client.context, &c->err) : 0;

	if (rc < 0) {
		c->rc = rc;
		finish(c);
		return false;
	}
	c->phase = CHANGER_GROWING;
	c->at = 0;
	return true;
}

/* Rooms for one shard after the other. */
static bool grow(struct changer *c)
{
	const struct changer_shard *known;
	int rc;

	if (c->at == c->sup->worker_count) {
		c->phase = CHANGER_CHANGING;
		c->begun = true;
		c->at = 0;
		return true;
	}
	known = &c->shards[c->at];
	rc = changer_map_rooms(&c->sup->workers[c->at], known->flows_wanted, known->outputs_wanted,
			       &c->memory, &c->message, &c->err);
	if (rc < 0) {
		c->rc = rc;
		finish(c);
	} else if (rc > 0) {
		send_message(c, c->at);
	}
	c->at++;
	return rc >= 0;
}

static bool change(struct changer *c)
{
	struct changer_step *step;
	int rc;

	if (c->rest_count > 0) {
		ask_rest(c);
		return true;
	}
	if (c->mover.phase != MOVER_IDLE) {
		return go_on_moving(c);
	}
	if (c->at == c->count || c->rc == -ESHUTDOWN) {
		finish(c);
		return false;
	}
	step = &c->steps[c->at++];
	if (step->skip) {
		return true;
	}
	rc = step->op == SHARD_REMOVE_FLOW && step->moved ? mover_begin(c, step) : ask(c, step);
	if (rc == -ENOENT && !step->moved &&
	    (step->op == SHARD_REMOVE_FLOW || step->op == SHARD_REMOVE_OUTPUT)) {
		return true; /* gone already */
	}
	if (rc < 0) {
		fail(c, rc, step, "cannot be changed");
	}
	return true;
}

static bool go_on_moving(struct changer *c)
{
	uint32_t shard = mover_ask(c);

	send_message(c, shard);
	return true;
}

/* Makes the message of `step' and sends it. */
static int ask(struct changer *c, struct changer_step *step)
{
	uint32_t flow = PLACE_NONE;
	int rc = 0;

	c->message = (struct shard_message){.op = step->op, .fd = -1};
	switch (step->op) {
	case SHARD_SET_WAITS:
		c->message.batch_wait_us = step->batch_wait_us;
		c->message.spin_us = step->spin_us;
		c->message.drain_ns = step->drain_ns;
		c->message.latency_sample = step->latency_sample;
		changer_stamp(&c->sup->workers[step->shard], step->latency_sample);
		break;
	case SHARD_ADD_FLOW:
		c->added = step->flow;
		c->added_shard = step->shard;
		c->added_flow = PLACE_NONE;
		rc = step->late ? changer_open(c->sup, step, c->steps, c->count, &c->err) : 0;
		c->message.fd = step->fd;
		c->message.got = step->got;
		c->message.flow_rule = *step->flow;
		c->message.echoes = step->echoes;
		c->message.echo_count = step->echo_count;
		break;
	default:
		rc = find_flow(c, step, &flow);
		rc = rc == 0 ? ask_of_flow(c, step, flow) : rc;
		break;
	}
	if (rc == 0) {
		send_message(c, step->moved ? step->from : step->shard);
	}
	return rc;
}

static int ask_of_flow(struct changer *c, struct changer_step *step, uint32_t flow)
{
	c->message.flow = flow;
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

static int ask_of_output(struct changer *c, struct changer_step *step, uint32_t flow)
{
	const struct worker *w = &c->sup->workers[step->shard];
	const struct output_place *place;
	int rc = 0;

	c->message.got = step->got;
	c->message.output_rule = *step->output;
	if (step->op != SHARD_ADD_OUTPUT) {
		place = changer_find_among(
			w->shard, shard_flow(w->shard, place_index(flow))->flow.first_output,
			&step->output->out);
		c->message.output = place ? place->output.token : PLACE_NONE;
		rc = place ? 0 : -ENOENT;
	}
	if (rc == 0 && step->op != SHARD_REMOVE_OUTPUT) {
		rc = changer_fit(w, flow, step, &c->message, &c->err);
	}
	return rc;
}

/* One of the outputs of a flow that has gone. */
static void ask_rest(struct changer *c)
{
	c->message = (struct shard_message){
		.op = SHARD_REMOVE_OUTPUT, .fd = -1, .output = c->rest[--c->rest_count]};
	send_message(c, c->message_shard);
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

static void send_message(struct changer *c, uint32_t shard)
{
	must(mailbox_send(&c->sup->workers[shard].mailbox, &c->message));
	c->message_shard = shard;
	c->waiting = true;
}

/* False: not there yet. */
static bool take_answer(struct changer *c)
{
	if (!mailbox_take_answer(&c->sup->workers[c->message_shard].mailbox)) {
		return false;
	}
	c->waiting = false;
	settle(c);
	return true;
}

/* Keeps what the answer tells, and closes what it gives back. */
static void settle(struct changer *c)
{
	struct shard_message *m = &c->message;
	struct changer_step *step = c->phase == CHANGER_CHANGING ? &c->steps[c->at - 1] : NULL;

	if (c->mover.phase != MOVER_IDLE) {
		int rc = mover_settle(c);

		if (rc < 0) {
			fail(c, rc, step, "cannot be moved");
		}
		return;
	}
	if (m->op == SHARD_ADD_FLOW) {
		changer_forget_places(c, c->message_shard);
		c->added_flow = m->result == 0 ? m->flow : PLACE_NONE;
	}
	if (m->result < 0) {
		c->rest_count = 0;
		fail(c, m->result, step, "the shard refuses the change");
		return;
	}
	if (step && (m->op == SHARD_ADD_FLOW || m->op == SHARD_ADD_OUTPUT ||
		     m->op == SHARD_REPLACE_OUTPUT)) {
		step->fd = -1; /* the shard's from here on */
	}
	changer_keep(c->sup, m, step);
}

static void fail(struct changer *c, int rc, const struct changer_step *step, const char *what)
{
	char at[ENDPOINT_TEXT_MAX] = "a room";

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

/* The list is done, or cannot be begun. */
static void finish(struct changer *c)
{
	struct changer_client client = c->client;
	struct err err = c->err;
	int rc = c->rc;
	bool begun = c->begun;

	for (uint32_t i = 0; i < c->count; i++) {
		if (c->steps[i].fd >= 0 && (c->phase != CHANGER_PREPARING || i < c->at)) {
			close(c->steps[i].fd);
			c->steps[i].fd = -1;
		}
	}
	for (uint32_t s = 0; s < c->sup->worker_count; s++) {
		free(c->shards[s].order);
	}
	free(c->shards);
	c->shards = NULL;
	c->steps = NULL;
	c->phase = CHANGER_IDLE;
	client.done(client.context, rc, begun, &err);
}
