/* changer.c - carries out a list of changes. See changer.h.
 *
 * A list passes three phases: its sockets are opened, rooms are added where places are short, and
 * the steps are taken. Each phase walks along the list and stops where it has to wait for an answer
 * or has worked long enough.
 */
#include "src/run/changer.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "src/base/clock.h"
#include "src/base/must.h"
#include "src/run/changer_ask.h"
#include "src/run/changer_cut.h"
#include "src/run/changer_find.h"
#include "src/run/changer_merge.h"
#include "src/run/changer_shares.h"
#include "src/run/changer_sock.h"
#include "src/run/spread.h"
#include "src/run/supervisor.h"

#define TICK_NS (4 * NS_PER_MS)

static void take_list(struct changer *c);
static bool has_work(const struct changer *c);
static bool go_on(struct changer *c);
static bool tell_duties(struct changer *c);
static bool prepare(struct changer *c);
static bool begin_growing(struct changer *c);
static bool grow(struct changer *c);
static bool change(struct changer *c);
static int begin_step(struct changer *c, struct changer_step *step);
static bool go_on_moving(struct changer *c);
static void ask_rest(struct changer *c);
static void send_message(struct changer *c, uint32_t shard);
static bool take_answer(struct changer *c);
static void settle(struct changer *c);
static void finish(struct changer *c);

void changer_init(struct changer *c, struct supervisor *sup)
{
	*c = (struct changer){.sup = sup};
	duty_init(&c->duty, sup);
}

void changer_free(struct changer *c)
{
	while (c->memory) {
		struct changer_memory *memory = c->memory;

		c->memory = memory->next;
		arena_unmap(&memory->arena);
		free(memory);
	}
	near_free(&c->near);
	free(c->rest);
	duty_free(&c->duty);
	*c = (struct changer){0};
}

int changer_begin(struct changer *c, struct changer_step *steps, uint32_t count,
		  const struct changer_client *client)
{
	struct changer_list *list = calloc(1, sizeof(*list));
	struct changer_shard *shards = calloc(c->sup->worker_count + 1UL, sizeof(*shards));

	if (!list || !shards) {
		free(list);
		free(shards);
		return -ENOMEM;
	}
	*list = (struct changer_list){
		.steps = steps, .count = count, .client = *client, .shards = shards};
	*(c->last ? &c->last->next : &c->first) = list;
	c->last = list;
	take_list(c);
	return 0;
}

void changer_tick(struct changer *c)
{
	uint64_t now_ns = clock_now_ns(), end_ns = now_ns + TICK_NS;

	duty_tick(&c->duty, now_ns);
	while ((c->waiting || has_work(c)) && go_on(c) && clock_now_ns() < end_ns) {
		continue;
	}
	changer_go_home(c);
}

int changer_fd(const struct changer *c)
{
	return c->waiting ? c->sup->workers[c->message_shard].mailbox.answerfd : -1;
}

int changer_sleep_ms(const struct changer *c, int most)
{
	uint64_t pause_ns = c->phase == CHANGER_IDLE ? duty_again_ns(&c->duty) : c->pause_ns;
	uint64_t now_ns = pause_ns > 0 ? clock_now_ns() : 0;
	int wait_ms = most;

	if (c->waiting) {
		wait_ms = c->message.empties ? 1 : most;
	} else if (has_work(c)) {
		wait_ms = pause_ns > now_ns ? (int)((pause_ns - now_ns) / NS_PER_MS) + 1 : 0;
	}
	return wait_ms < most ? wait_ms : most;
}

bool changer_is_idle(const struct changer *c)
{
	return c->phase == CHANGER_IDLE && !c->waiting;
}

void changer_take(struct changer *c)
{
	if (c->waiting) {
		(void)take_answer(c);
	}
}

bool changer_is_amid(const struct changer *c)
{
	return c->waiting || c->mover.phase != MOVER_IDLE || duty_is_due(&c->duty);
}

bool changer_has(const struct changer *c, uint32_t shard)
{
	return c->waiting && c->message_shard == shard;
}

void changer_end(struct changer *c)
{
	if (c->waiting && !take_answer(c)) {
		c->waiting = false; /* it ended before it looked: the message is ours again */
		c->message.result = -ESHUTDOWN;
		if (c->message.op != SHARD_SET_DUTIES) {
			settle(c);
		}
	}
	mover_abandon(c);
	relief_free(&c->duty.relief);
	take_list(c);
	while (c->phase != CHANGER_IDLE) {
		if (c->rc == 0) {
			c->rc = -ESHUTDOWN;
			err_set(&c->err, "the shards are ending");
		}
		finish(c);
	}
}

/* The next of the lists that wait, if none is under way. While machines change places none is
 * begun: marks are a shard's, and so its flows stay. */
static void take_list(struct changer *c)
{
	struct changer_list *list = c->first;

	if (!list || c->phase != CHANGER_IDLE || c->duty.relief.phase != RELIEF_NONE) {
		return;
	}
	c->first = list->next;
	c->last = c->first ? c->last : NULL;
	c->phase = CHANGER_PREPARING;
	c->steps = list->steps;
	c->count = list->count;
	c->at = 0;
	c->lists++;
	c->client = list->client;
	c->shards = list->shards;
	c->rest_count = 0;
	c->added = NULL;
	c->rc = 0;
	c->begun = c->acted = false;
	c->err.text[0] = '\0';
	free(list);
}

static bool has_work(const struct changer *c)
{
	return c->phase != CHANGER_IDLE || duty_is_due(&c->duty);
}

/* One piece of work; false when there is an answer to wait for, or nothing more to do. */
static bool go_on(struct changer *c)
{
	if (c->waiting && !take_answer(c)) {
		if (c->message.empties) { /* a queue that is empty wakes nobody */
			mailbox_post(&c->sup->workers[c->message_shard].mailbox, MAIL_LOOK);
		}
		return false;
	}
	if (tell_duties(c)) {
		return true;
	}
	switch (c->phase) {
	case CHANGER_PREPARING:
		return prepare(c);
	case CHANGER_GROWING:
		return grow(c);
	case CHANGER_CHANGING:
		return change(c);
	case CHANGER_IDLE:
		take_list(c); /* it may have waited for the duties */
		return c->phase != CHANGER_IDLE;
	}
	return false;
}

/* Between two steps: who is to take over does not wait for the end of a list. Not amid a flow that
 * goes or moves, since that is then in no place in which it could be told. */
static bool tell_duties(struct changer *c)
{
	uint32_t shard;

	if (c->rest_count > 0 || c->mover.phase != MOVER_IDLE ||
	    !duty_next(&c->duty, &c->message, &shard)) {
		return false;
	}
	send_message(c, shard);
	return true;
}

static bool prepare(struct changer *c)
{
	struct changer_step *step;
	int rc;

	if (c->at == c->count) {
		return begin_growing(c);
	}
	step = &c->steps[c->at++];
	if (step->skip) {
		return true; /* it was opened with another one, in vain */
	}
	step->result = -ECANCELED;
	c->shards[step->shard].flows_wanted += step->op == SHARD_ADD_FLOW;
	c->shards[step->shard].outputs_wanted +=
		step->op == SHARD_ADD_OUTPUT || step->op == SHARD_REPLACE_OUTPUT;
	rc = step->op == SHARD_HOLD_FLOW && step->cut ? changer_cut_prepare(c) : 0;
	if (step->op == SHARD_SET_MERGE && changer_want_merge(c, step) < 0) {
		rc = -ENOMEM;
	}
	if (rc < 0) {
		c->rc = rc;
		finish(c);
		return false;
	}
	if (step->late) {
		return true;
	}
	rc = step->op == SHARD_REMOVE_FLOW && step->moved
		     ? mover_prepare(c, step, &c->err)
		     : changer_open(c, step, step->why ? step->why : &c->err);
	if (rc < 0 && step->why) {
		step->result = rc;
		step->skip = true;
	} else if (rc < 0) {
		c->rc = rc;
		finish(c);
		return false;
	}
	return true;
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
	struct changer_shard *known;
	int rc;

	if (c->at == c->sup->worker_count) {
		lane_touch(c->sup, c->steps, c->count);
		c->phase = CHANGER_CHANGING;
		c->begun = true;
		c->at = 0;
		return true;
	}
	known = &c->shards[c->at];
	rc = changer_map_rooms(&c->sup->workers[c->at], known, &c->memory, &c->message, &c->err);
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
	if (c->pause_ns > clock_now_ns()) {
		return false;
	}
	c->pause_ns = 0;
	step = &c->steps[c->at++];
	if (step->skip) {
		return true;
	}
	rc = begin_step(c, step);
	if (rc > 0) {
		c->at--;
		return false;
	}
	if (!c->begun) {
		c->rc = rc;
		finish(c);
		links_changed(&c->sup->links); /* what the kernel relayed, it may again */
		return false;
	}
	if (rc == -ENOENT && !step->moved &&
	    (step->why || step->cut || step->op == SHARD_REMOVE_FLOW ||
	     step->op == SHARD_REMOVE_OUTPUT)) {
		step->result = step->why ? rc : 0;
		return true; /* gone already */
	}
	if (rc < 0) {
		changer_fail(c, rc, step, "cannot be changed");
	}
	return true;
}

/* 1: not yet. */
static int begin_step(struct changer *c, struct changer_step *step)
{
	int rc;

	if (step->op == SHARD_REMOVE_FLOW && step->moved) {
		rc = mover_begin(c, step);
		step->result = rc; /* unless it is refused later */
		return rc;
	}
	rc = step->cut ? changer_cut_begin(c, step) : 0;
	if (rc != 0) {
		c->begun = rc > 0;
		return rc;
	}
	rc = changer_ask(c, step);
	if (rc == 0 && step->cut) {
		changer_cut_ask(c, step);
	}
	if (rc == 0 && (step->op == SHARD_REMOVE_FLOW || step->op == SHARD_CLOSE_FLOW)) {
		spread_leave(c->sup, step->flow, step->op == SHARD_REMOVE_FLOW);
	}
	if (rc == 0) {
		send_message(c, step->moved ? step->from : step->shard);
	}
	return rc;
}

static bool go_on_moving(struct changer *c)
{
	uint32_t shard = mover_ask(c);

	send_message(c, shard);
	return true;
}

/* One of the outputs of a flow that has gone. */
static void ask_rest(struct changer *c)
{
	c->message = (struct shard_message){
		.op = SHARD_REMOVE_OUTPUT, .fd = -1, .output = c->rest[--c->rest_count]};
	send_message(c, c->message_shard);
}

static void send_message(struct changer *c, uint32_t shard)
{
	c->acted = c->acted || (c->phase == CHANGER_CHANGING && c->message.op != SHARD_SET_DUTIES);
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
	if (c->message.op != SHARD_SET_DUTIES) {
		settle(c);
	}
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
			changer_fail(c, rc, step, "cannot be moved");
		}
		return;
	}
	if (step && step->cut) {
		changer_cut_note(c, step);
	}
	if (m->op == SHARD_ADD_FLOW) {
		changer_forget_places(c, c->message_shard);
		c->added_flow = m->result == 0 ? m->flow : PLACE_NONE;
	}
	if (m->result < 0) {
		c->rest_count = 0;
		changer_fail(c, m->result, step, "the shard refuses the change");
		return;
	}
	if (step) {
		step->result = 0;
		step->fd = -1; /* the shard's from here on, if it brought one */
	}
	changer_keep(c->sup, m, step);
}

/* The list is done, or cannot be begun. */
static void finish(struct changer *c)
{
	struct changer_client client = c->client;
	struct err err = c->err;
	int rc = c->rc;
	bool begun = c->begun;

	for (uint32_t i = 0; i < c->count; i++) {
		if (c->steps[i].fd >= 0) {
			close(c->steps[i].fd);
			c->steps[i].fd = -1;
		}
	}
	for (uint32_t s = 0; s < c->sup->worker_count; s++) {
		free(c->shards[s].order);
		free(c->shards[s].merge_bytes);
	}
	free(c->shards);
	changer_forget_shares(c);
	changer_cut_end(c);
	c->shards = NULL;
	c->steps = NULL;
	c->phase = CHANGER_IDLE;
	changer_go_home(c);
	client.done(client.context, rc, begun, &err);
	take_list(c);
}
