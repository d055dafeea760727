/* ring.c - hands each call of ring.h to the engine behind it, and keeps the two event queues.
 *
 * Steps 5, 6 and 10 pass through here without work being done: the engine moved what happened into
 * the queues, the relay takes it out. What is common to all engines is here too: the checks of
 * what the relay asks for and the count of lent slots. The indirect
 * call costs about a nanosecond a send and keeps the relay free of `if uring'. Owner: the shard's
 * thread; no locks.
 */
#include "shard/ring.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>

#include "shard/journal.h"
#include "shard/ring/engine.h"
#include "shard/slot.h"
#include "src/base/clock.h"
#include "src/base/must.h"

#define BATCH_TIMER_SLACK_NS 1000UL

static void begin_busy_poll(struct ring *ring);
static int set_busy_poll(struct ring *ring, uint32_t busy_poll_us);
static void choose_wait(struct ring *ring);
static bool lets_poll(struct ring *ring);
static uint32_t recv_events_max(uint32_t flows, const uint32_t *depth);
static uint32_t sent_events_max(const struct ring_params *params);

struct ring *ring_cut(enum ring_engine engine, const struct ring_params *params,
		      struct arena *arena)
{
	must(engine > RING_ENGINE_AUTO);
	must(engine < RING_ENGINE_COUNT);
	return ring_engines[engine].cut(params, arena);
}

size_t ring_arena_bytes(enum ring_engine engine, const struct ring_params *params)
{
	struct arena counter = ARENA_COUNTER;

	(void)ring_cut(engine, params, &counter);
	return counter.used_bytes;
}

int ring_open(struct ring *ring, const struct ring_params *params, struct err *features,
	      struct err *err)
{
	int ret;

	ring_params_check(params);
	ring->stats = params->stats;
	features->text[0] = '\0';
	ret = ring->ops->open(ring, params, features, err);
	if (ret == 0) {
		ring_set_waits(ring, &params->waits);
	}
	if (ret == 0 && params->waits.busy_poll_us > 0) {
		ring_feature_add(features, ring_busy_polls(ring) ? "busy_poll" : "no_busy_poll");
	}
	if (ret == 0 && params->zerocopy && !ring->zerocopy) {
		ring_feature_add(features, "no_zerocopy");
	}
	if (ret == 0 && params->buffer_count > 0 && ring->buffers_usable == 0) {
		ring_feature_add(features, "no_registered_buffers");
	}
	return ret;
}

void ring_close(struct ring *ring)
{
	if (ring != NULL) {
		ring->ops->close(ring);
	}
}

void ring_set_waits(struct ring *ring, const struct ring_waits *waits)
{
	ring->waits = *waits;
	pace_begin(&ring->pace, waits->latency_us);
	if (waits->batch_us > 0 || waits->latency_us > 0) {
		/* The default slack of 50 us would double a short wait. It is the thread's own
		 * setting, and a refusal only costs accuracy. */
		(void)prctl(PR_SET_TIMERSLACK, BATCH_TIMER_SLACK_NS, 0, 0, 0);
	}
	begin_busy_poll(ring);
}

bool ring_busy_polls(const struct ring *ring)
{
	return stat_get(&ring->stats->busy_poll_us) > 0;
}

void ring_tell_queue(struct ring *ring, bool known)
{
	ring->queue_known = known;
}

struct ring_stats *ring_stats_of(struct ring *ring)
{
	return ring->stats;
}

int ring_add_file(struct ring *ring, int fd)
{
	must(fd >= 0);
	return ring->ops->add_file(ring, fd);
}

void ring_remove_file(struct ring *ring, uint32_t file)
{
	ring->ops->remove_file(ring, file);
}

void ring_grow(struct ring *ring, uint32_t flows, uint32_t files, struct arena *arena)
{
	uint32_t recv_count = ring_power_of_two(recv_events_max(flows, ring->depth));
	struct ring_recv *recvs = arena_alloc(arena, recv_count * sizeof(*recvs), CACHE_LINE_BYTES);
	struct ring_flow *states = arena_alloc(arena, flows * sizeof(*states), CACHE_LINE_BYTES);

	must(flows >= ring->flows);
	must(flows <= SHARD_FLOWS_MAX);
	ring->ops->grow(ring, flows, files, arena);
	if (arena->counting) { /* by control, while the shard turns */
		return;
	}
	for (uint64_t i = ring->recv_done; i != ring->recv_tail; i++) {
		recvs[i & (recv_count - 1)] = ring->recvs[i & ring->recv_mask];
	}
	memcpy(states, ring->flow_states, ring->flows * sizeof(*states));
	ring->recvs = recvs;
	ring->recv_mask = recv_count - 1;
	ring->flow_states = states;
	ring->flows = flows;
}

int ring_arm_wake(struct ring *ring, int eventfd)
{
	return ring->ops->arm_wake(ring, eventfd);
}

bool ring_woken(struct ring *ring)
{
	bool woken = ring->woken;

	ring->woken = false;
	return woken;
}

uint32_t ring_depth(const struct ring *ring, unsigned group)
{
	must(group < RING_GROUP_COUNT);
	return ring->depth[group];
}

uint32_t ring_room(const struct ring *ring, unsigned group)
{
	must(group < RING_GROUP_COUNT);
	return ring->depth[group] - ring->lent[group];
}

bool ring_is_armed(const struct ring *ring, unsigned group)
{
	must(group < RING_GROUP_COUNT);
	return ring->armed[group] > 0;
}

void ring_lend(struct ring *ring, unsigned group, uint16_t index, unsigned char *base)
{
	must(ring_room(ring, group) > 0);
	ring->lent[group]++;
	ring->unfilled[group]++;
	ring->ops->lend(ring, group, index, base);
}

int ring_reclaim(struct ring *ring, unsigned group)
{
	must(group < RING_GROUP_COUNT);
	must(ring->armed[group] == 0);
	if (ring->unfilled[group] == 0) {
		return -ENOENT;
	}
	ring->lent[group]--;
	ring->unfilled[group]--;
	return ring->ops->reclaim(ring, group);
}

void ring_arm_recv(struct ring *ring, uint32_t flow, uint32_t file, unsigned group)
{
	must(RING_FLOW_INDEX(flow) < ring->flows);
	must(group < RING_GROUP_COUNT);
	must(ring->depth[group] > 0);
	ring_start_flow(ring, flow, group);
	ring->ops->arm_recv(ring, RING_FLOW_INDEX(flow), file, group);
}

void ring_cancel_recv(struct ring *ring, uint32_t flow)
{
	const struct ring_flow *f = &ring->flow_states[RING_FLOW_INDEX(flow)];

	must(RING_FLOW_INDEX(flow) < ring->flows);
	if (f->armed && f->token == flow) {
		ring->ops->cancel_recv(ring, RING_FLOW_INDEX(flow));
	}
}

void ring_queue_send(struct ring *ring, uint32_t file, const struct msghdr *msg, uint32_t token)
{
	must(token < ring->sends);
	stat_add(&ring->stats->sends_queued, 1);
	ring->ops->queue_send(ring, file, msg, token);
}

bool ring_zerocopy(const struct ring *ring)
{
	return ring->zerocopy;
}

void ring_queue_send_zc(struct ring *ring, uint32_t file, const struct msghdr *msg, uint32_t token,
			int buffer)
{
	bool usable = buffer >= 0 && (ring->buffers_usable >> buffer & 1) != 0;

	must(ring->zerocopy);
	must(token < ring->sends);
	must(buffer < (int)ring->buffer_count);
	stat_add(&ring->stats->sends_queued, 1);
	if (ring->buffer_count > 0) {
		stat_add(usable ? &ring->stats->buffer_hits : &ring->stats->buffer_misses, 1);
	}
	ring->ops->queue_send_zc(ring, file, msg, token, usable ? buffer : -1);
}

int ring_turn(struct ring *ring, uint32_t wait_us)
{
	stat_add(&ring->stats->turns, 1);
	if (ring->pace.latency_us > 0 && wait_us > 0) {
		choose_wait(ring);
	}
	return ring->ops->turn(ring, wait_us);
}

void ring_submit(struct ring *ring)
{
	if (ring->ops->submit != NULL) {
		ring->ops->submit(ring);
	}
}

bool ring_next_recv(struct ring *ring, struct ring_recv *out)
{
	ring->recv_done = ring->recv_head;
	journal_step();
	if (ring->recv_head == ring->recv_tail) {
		return false;
	}
	*out = ring->recvs[ring->recv_head & ring->recv_mask];
	ring->recv_head++;
	journal_step();
	if (out->has_slot) {
		must(ring->lent[out->group] > 0);
		ring->lent[out->group]--;
	}
	return true;
}

bool ring_next_sent(struct ring *ring, struct ring_sent *out)
{
	if (ring->sent_head == ring->sent_tail) {
		return false;
	}
	*out = ring->sents[ring->sent_head++ & ring->sent_mask];
	return true;
}

uint64_t ring_taken(const struct ring *ring)
{
	return ring->recv_head;
}

bool ring_salvage(struct ring *ring, uint8_t *fates)
{
	bool at_hand = ring->recv_head != ring->recv_done;

	memset(fates, RING_NOT_QUEUED, ring->sends);
	ring->ops->salvage(ring, fates);
	for (; ring->sent_head != ring->sent_tail; ring->sent_head++) {
		const struct ring_sent *sent = &ring->sents[ring->sent_head & ring->sent_mask];

		fates[sent->token] = sent->res < 0 ? RING_FAILED : RING_MADE;
	}
	memset(ring->lent, 0, sizeof(ring->lent));
	for (uint64_t i = ring->recv_done; i != ring->recv_tail; i++) {
		const struct ring_recv *event = &ring->recvs[i & ring->recv_mask];

		ring->lent[event->group] += event->has_slot;
	}
	ring->recv_head = ring->recv_done;
	ring->ops = &ring_finish_ops;
	return at_hand;
}

void ring_params_check(const struct ring_params *params)
{
	must(params->sq_entries > 0);
	must(params->sq_entries <= RING_ENTRIES_MAX);
	must(params->cq_entries >= 4);
	must(params->cq_entries <= 2 * RING_ENTRIES_MAX);
	must(params->flows <= SHARD_FLOWS_MAX);
	must(params->stats != NULL);
	must(params->buffer_count <= RING_BUFFERS_MAX);
	for (unsigned i = 0; i < RING_GROUP_COUNT; i++) {
		const struct ring_group *group = &params->groups[i];

		must((group->depth & (group->depth - 1)) == 0 || group->depth == 0);
		must(group->depth <= POOL_SLOTS_MAX);
		must(group->depth == 0 || group->slot_bytes > SLOT_HEAD_BYTES);
	}
}

void ring_queues_cut(struct ring *ring, const struct ring_params *params, struct arena *arena)
{
	uint32_t depth[RING_GROUP_COUNT];
	uint32_t recv_count;
	uint32_t sent_count = ring_power_of_two(sent_events_max(params));

	for (unsigned i = 0; i < RING_GROUP_COUNT; i++) {
		depth[i] = params->groups[i].depth;
	}
	recv_count = ring_power_of_two(recv_events_max(params->flows, depth));
	ring->recvs = arena_alloc(arena, recv_count * sizeof(struct ring_recv), CACHE_LINE_BYTES);
	ring->sents = arena_alloc(arena, sent_count * sizeof(struct ring_sent), CACHE_LINE_BYTES);
	ring->flow_states =
		arena_alloc(arena, params->flows * sizeof(struct ring_flow), CACHE_LINE_BYTES);
	ring->recv_mask = recv_count - 1;
	ring->sent_mask = sent_count - 1;
	ring->flows = params->flows;
	ring->sends = params->sends;
	ring->buffer_count = params->buffer_count;
	memcpy(ring->depth, depth, sizeof(depth));
}

void ring_start_flow(struct ring *ring, uint32_t flow, unsigned group)
{
	struct ring_flow *f = &ring->flow_states[RING_FLOW_INDEX(flow)];

	must(!f->armed);
	ring->starved_count -= f->starved;
	*f = (struct ring_flow){.token = flow, .group = (uint8_t)group, .armed = true};
	ring->armed[group]++;
}

bool ring_has_slot(const struct ring *ring, unsigned group, uint16_t index)
{
	for (uint64_t i = ring->recv_done; i != ring->recv_tail; i++) {
		const struct ring_recv *event = &ring->recvs[i & ring->recv_mask];

		if (event->has_slot && event->slot == index &&
		    ring_class_of(event->group) == ring_class_of(group)) {
			return true;
		}
	}
	return false;
}

uint32_t ring_bounded_wait_us(const struct ring *ring, uint32_t wait_us, bool unanswered)
{
	if (ring_has_events(ring)) {
		return 0;
	}
	if (!unanswered) {
		return wait_us;
	}
	if (ring->starved_count > 0) {
		return 0;
	}
	for (unsigned i = 0; i < RING_GROUP_COUNT; i++) {
		if (ring->armed[i] > 0 && ring->unfilled[i] == 0) {
			return 0;
		}
	}
	return wait_us < RING_ANSWER_LAG_US ? wait_us : RING_ANSWER_LAG_US;
}

uint32_t ring_power_of_two(uint32_t n)
{
	uint32_t power = 1;

	while (power < n) {
		power *= 2;
	}
	return power;
}

int32_t ring_msg_bytes(const struct msghdr *msg)
{
	size_t total = 0;

	for (size_t i = 0; i < (size_t)msg->msg_iovlen; i++) {
		total += msg->msg_iov[i].iov_len;
	}
	return (int32_t)total;
}

void ring_feature_add(struct err *features, const char *name)
{
	size_t used = strlen(features->text);

	snprintf(features->text + used, sizeof(features->text) - used, "%s%s", used > 0 ? " " : "",
		 name);
}

/* Tries it, so that what the kernel refuses is known at once. With a budget of latency only turns
 * that would spin have it. */
static void begin_busy_poll(struct ring *ring)
{
	uint32_t wanted_us = ring->waits.busy_poll_us;
	int ret = set_busy_poll(ring, wanted_us);

	stat_set(&ring->stats->busy_poll_us, ret == 0 ? wanted_us : 0);
	stat_set(&ring->stats->busy_poll_errno, (uint64_t)-ret);
	if (ret == 0 && ring->waits.latency_us > 0) {
		(void)set_busy_poll(ring, 0);
	}
}

/* A ring that never polled need not be told not to. */
static int set_busy_poll(struct ring *ring, uint32_t busy_poll_us)
{
	int ret;

	if (busy_poll_us == ring->busy_poll_us) {
		return 0;
	}
	ret = ring->ops->busy_poll(ring, busy_poll_us);
	if (ret == 0) {
		ring->busy_poll_us = busy_poll_us;
	}
	return ret;
}

static void choose_wait(struct ring *ring)
{
	uint32_t events = (uint32_t)(ring->recv_tail - ring->paced);
	enum pace_way way = pace_choose(&ring->pace, clock_now_ns(), events, &ring->waits);
	bool polls = way == PACE_SPIN && lets_poll(ring);

	ring->paced = ring->recv_tail;
	if (!polls) {
		(void)set_busy_poll(ring, 0);
	}
	switch (way) {
	case PACE_SLEEP:
		stat_add(&ring->stats->slept, 1);
		break;
	case PACE_GATHER:
		stat_add(&ring->stats->gathered, 1);
		break;
	case PACE_SPIN:
		stat_add(polls ? &ring->stats->polled : &ring->stats->spun, 1);
		break;
	}
}

/* Where the kernel polls the device that the next event comes from, nobody need watch for it. */
static bool lets_poll(struct ring *ring)
{
	uint32_t most_us = (uint32_t)stat_get(&ring->stats->busy_poll_us);

	if (!ring->queue_known || most_us == 0 || set_busy_poll(ring, most_us) < 0) {
		return false;
	}
	ring->waits.spin_us = 0;
	return true;
}

/* Every lent slot can be one event, every flow can end without one, one is at hand, and one for
 * good measure. */
static uint32_t recv_events_max(uint32_t flows, const uint32_t *depth)
{
	uint32_t events = flows + 2;

	for (unsigned i = 0; i < RING_GROUP_COUNT; i++) {
		events += depth[i];
	}
	return events;
}

/* A zero-copy send has two at most. */
static uint32_t sent_events_max(const struct ring_params *params)
{
	return params->zerocopy ? 2 * params->sends : params->sends;
}
