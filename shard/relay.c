/* relay.c - the turn of a shard (steps 5 to 11 of a datagram's life).
 *
 * relay_turn comes first, and what it does follows in the order in which it does it: wait (5), take
 * the answers to what was sent (11), take what arrived and hand it out (6 to 9), send (10), lend
 * slots (4); then what may end a shard. A turn begins with one ring_turn, which submits what the
 * turn before queued and waits for what happens next. Only when every train is in use does it make
 * more of them, so that some become free; and when slots for trains are short, it sends and takes
 * the answers before it lends (relay_hot.h). Nothing here allocates, locks, logs or blocks but that
 * wait.
 *
 * When the control thread asks for the end, the relay leaves its groups, relays what is already
 * queued until a turn brings nothing (or time is up), cancels its receives, and counts the rest.
 * Asked to hand over, it takes nothing more of the flows whose sockets outlive the process: what it
 * has taken is relayed, and what is queued is left, group and all, to who comes next.
 */
#include "shard/relay.h"

#include <errno.h>

#include "shard/change.h"
#include "shard/egress_send.h"
#include "shard/journal.h"
#include "shard/relay_arm.h"
#include "shard/relay_band.h"
#include "shard/relay_baton.h"
#include "shard/relay_breaker.h"
#include "shard/relay_flows.h"
#include "shard/relay_hot.h"
#include "shard/relay_merge.h"
#include "shard/sock.h"
#include "src/base/clock.h"
#include "src/base/must.h"

static bool is_listening(const struct relay *r);
static uint32_t turn_wait_us(const struct relay *r);
static uint32_t pass_on(struct relay *r);
static void take_sent(struct relay *r);
static uint32_t take_received(struct relay *r);
static void let_pass(struct relay *r, const struct ring_recv *event);
static uint32_t slot_of(const struct ring_recv *event);
static void take_datagram(struct relay *r, struct ingress_flow *flow,
			  const struct ring_recv *event);
static void take_aside(struct relay *r, struct ingress_flow *flow, const struct datagram *d,
		       uint64_t stamp_ns);
static bool is_sampled(struct relay *r);
static void hand_out_rest(struct relay *r, struct egress_rest *rest);
static bool make_room(struct relay *r);
static bool is_late(struct relay *r, uint64_t since_ns);
static void flow_ended(struct relay *r, struct ingress_flow *flow, int res);
static void count_batches(struct relay *r, uint32_t received, uint32_t sends);
static void fail(struct relay *r);
static void take_mail(struct relay *r);
static void drain(struct relay *r);
static void take_message(struct relay *r);
static void look_at_sockets(struct relay *r);
static void stop(struct relay *r);
static void cancel_all(struct relay *r);
static bool is_over(const struct relay *r);
static void settle(struct relay *r);

int relay_turn(struct relay *r)
{
	bool silent = is_listening(r);
	uint32_t received = 0;

	r->failed = ring_turn(r->ring, turn_wait_us(r));
	if (r->failed == 0) {
		received = pass_on(r);
	}
	if (r->failed < 0) {
		fail(r);
		return r->failed;
	}
	silent = silent && received == 0;
	if (r->change != NULL) {
		change_continue(r);
	}
	if (ring_woken(r->ring)) {
		silent = false;
		take_mail(r);
	}
	if (r->phase == RELAY_DRAINING &&
	    ((silent && is_listening(r)) || clock_now_ns() >= r->drain_end_ns)) {
		stop(r);
	}
	if (r->phase != RELAY_STOPPED) {
		relay_rearm(r);
		return 0;
	}
	if (is_over(r)) {
		settle(r);
		return 1;
	}
	if (is_late(r, r->stop_end_ns)) {
		fail(r);
	}
	return r->failed;
}

void relay_start(struct relay *r)
{
	for (uint32_t i = 0; i < r->place_count; i++) {
		struct ingress_flow *flow = &relay_place(r, i)->flow;

		if (flow->state >= FLOW_IDLE) {
			band_weigh(r, flow);
		}
	}
	relay_lend(r);
	for (uint32_t i = 0; i < r->place_count; i++) {
		struct ingress_flow *flow = &relay_place(r, i)->flow;

		if (flow->state >= FLOW_IDLE) {
			relay_arm(r, flow);
		}
	}
}

void relay_hand_out(struct relay *r, const struct ingress_flow *flow, const struct datagram *d)
{
	uint32_t o = flow->first_output;

	while (o != PLACE_NONE) {
		relay_hand_to(r, o, d);
		o = egress_output(r->egress, o)->sibling;
	}
}

void relay_hand_to(struct relay *r, uint32_t output, const struct datagram *d)
{
	struct egress_rest rest;

	if (!egress_append(r->egress, output, d, &rest)) {
		hand_out_rest(r, &rest);
	}
}

/* Whether every flow listens and no answer is to come. A turn that begins and ends so, slept, and
 * brought nothing, says that nothing is queued any more. (One whose receive fails is not waited
 * for.) */
static bool is_listening(const struct relay *r)
{
	return r->phase == RELAY_DRAINING && r->ended_count == r->retrying_count &&
	       !egress_busy(r->egress);
}

/* How long the turn may sleep: not while flows wait for their turn to be armed. Sends are answered
 * when their turn ends, so while some are in flight it must end: at once when a flow waits for
 * their slots, and soon in any case, so that the counters of a quiet shard are complete. */
static uint32_t turn_wait_us(const struct relay *r)
{
	if (r->egress->dirty_count > 0 || r->arms_left ||
	    (r->ended_count > r->retrying_count && r->egress->in_flight > 0)) {
		return 0;
	}
	if (r->phase != RELAY_RUNNING) {
		return DRAIN_WAIT_US;
	}
	if (r->retrying_count > 0) {
		return RETRY_WAIT_US;
	}
	return r->egress->in_flight > 0 ? RING_ANSWER_LAG_US : RING_WAIT_FOREVER;
}

/* Steps 11, 6 to 10 and 4 for what the ring turn brought; returns how many receptions that were. */
static uint32_t pass_on(struct relay *r)
{
	uint64_t queued = r->egress->queued;
	uint32_t received;

	if (r->egress->has_rate || r->merges != NULL) {
		r->egress->now_ns = clock_now_ns();
	}
	take_sent(r);
	band_next_turn(r);
	received = take_received(r);
	relay_merges_turn(r);
	egress_flush(r->egress);
	if (hot_is_short(r)) {
		ring_submit(r->ring);
		take_sent(r);
	}
	relay_lend(r);
	count_batches(r, received, (uint32_t)(r->egress->queued - queued));
	pool_publish_stats(r->pool);
	return received;
}

static void take_sent(struct relay *r)
{
	struct ring_sent sent;

	while (ring_next_sent(r->ring, &sent)) {
		egress_done(r->egress, &sent);
	}
}

static uint32_t take_received(struct relay *r)
{
	struct ring_recv event;
	uint32_t taken = 0;

	while (ring_next_recv(r->ring, &event)) {
		struct ingress_flow *flow;

		must(place_index(event.flow) < r->place_count);
		flow = &relay_place(r, place_index(event.flow))->flow;
		if (flow->token != event.flow) {
			let_pass(r, &event);
			continue;
		}
		if (event.has_slot) {
			band_note_taken(r, flow);
			take_datagram(r, flow, &event);
			taken++;
		}
		if (event.ended) {
			flow_ended(r, flow, event.res);
		} else {
			relay_change_group(r, flow);
		}
	}
	return taken;
}

/* An event for somebody who has left. It belongs to no flow of ours, so no flow counts it; its slot
 * is free again. */
static void let_pass(struct relay *r, const struct ring_recv *event)
{
	if (event->has_slot) {
		uint32_t slot = slot_of(event);

		pool_accept(r->pool, slot);
		(void)pool_drop(r->pool, slot);
	}
}

static uint32_t slot_of(const struct ring_recv *event)
{
	return pool_slot_id((enum pool_class)ring_class_of(event->group), event->slot);
}

/* Steps 6 to 9 for one reception: we hold its slot, check it, hand it to each output, let go. Each
 * train that will send from the slot holds it too. */
static void take_datagram(struct relay *r, struct ingress_flow *flow, const struct ring_recv *event)
{
	uint32_t slot = slot_of(event);
	struct datagram d;

	pool_accept(r->pool, slot);
	if (ingress_accept(flow, event, r->pool, &d)) {
		uint64_t stamp_ns = d.stamp_ns;

		hot_note_taken(r, ring_class_of(event->group), d.bytes);
		d.place = journal_place(ring_taken(r->ring));
		if (d.stamp_ns != 0 && !is_sampled(r)) {
			d.stamp_ns = 0;
		}
		if (__builtin_expect(flow->aside != 0, 0)) {
			take_aside(r, flow, &d, stamp_ns);
		} else if (__builtin_expect(flow->rule->standby, 0)) {
			relay_stand_by(r, flow, &d, stamp_ns);
		} else {
			stat_add(&flow->stats->relayed, d.count);
			relay_hand_out(r, flow, &d);
		}
	}
	(void)pool_drop(r->pool, slot);
}

static void take_aside(struct relay *r, struct ingress_flow *flow, const struct datagram *d,
		       uint64_t stamp_ns)
{
	if (flow->aside & ASIDE_MERGED) {
		relay_take_merged(r, flow, d);
	} else if (flow->rule->standby) {
		relay_stand_by(r, flow, d, stamp_ns);
	} else {
		relay_take_examined(r, flow, d);
	}
}

/* One in `sample_every' on average, at distances that no regular traffic keeps to. */
static bool is_sampled(struct relay *r)
{
	if (r->sample_every == 0 || --r->sample_left > 0) {
		return false;
	}
	r->sample_seed = r->sample_seed * 1664525U + 1013904223U;
	r->sample_left =
		1 + (uint32_t)((uint64_t)(2 * r->sample_every - 1) * (r->sample_seed >> 8) >> 24);
	return true;
}

/* Every train is in use: hands out the rest of a datagram as some become free. */
static void hand_out_rest(struct relay *r, struct egress_rest *rest)
{
	while (make_room(r)) {
		if (egress_append_rest(r->egress, rest)) {
			return;
		}
	}
	egress_drop_rest(r->egress, rest);
}

/* Sends and settles until a train is free; false when none ever will be, since the ring failed.
 * Sends are over when their turn ends, so the first one does not wait. What such a turn receives is
 * taken after what was received before. */
static bool make_room(struct relay *r)
{
	uint64_t start_ns = 0;

	for (uint32_t wait_us = 0; !egress_has_train(r->egress); wait_us = MAKE_ROOM_WAIT_US) {
		if (r->failed == 0) {
			egress_flush(r->egress);
			r->failed = ring_turn(r->ring, wait_us);
		}
		take_sent(r);
		if (r->failed < 0 || (wait_us > 0 && is_late(r, start_ns))) {
			return false;
		}
		start_ns = start_ns > 0 ? start_ns : clock_now_ns();
	}
	return true;
}

/* Whether the kernel has not answered for so long that it never will; then the ring has failed. */
static bool is_late(struct relay *r, uint64_t since_ns)
{
	if (clock_now_ns() >= since_ns + r->answer_ns) {
		r->failed = -ETIMEDOUT;
	}
	return r->failed < 0;
}

static void flow_ended(struct relay *r, struct ingress_flow *flow, int res)
{
	must(r->armed_count > 0);
	r->armed_count--;
	if (r->phase == RELAY_STOPPED || flow->going || flow->held) {
		flow->state = FLOW_IDLE;
		return;
	}
	if (res == -ENOBUFS) {
		stat_add(&flow->stats->starved, 1);
		band_note_starved(r, flow);
	} else if (res < 0 && res != -ECANCELED) {
		stat_add(&flow->stats->recv_errors, 1);
		stat_set(&flow->stats->recv_errno, (uint64_t)-res);
		flow->retry_ns = clock_now_ns() + RETRY_WAIT_US * NS_PER_US;
		r->retrying_count++;
	}
	flow->state = FLOW_ENDED;
	relay_list_ended(r, flow);
}

static void count_batches(struct relay *r, uint32_t received, uint32_t sends)
{
	struct batch_stats *batches = r->egress->batches;

	stat_add(&batches->received[batch_bucket(received)], 1);
	stat_add(&batches->sends[batch_bucket(sends)], 1);
}

/* The ring is of no use any more. What it has already told is relayed no further, but counted, so
 * that the sums agree. Slots stay lent: the kernel might still write to them. */
static void fail(struct relay *r)
{
	r->phase = RELAY_STOPPED;
	take_sent(r);
	(void)take_received(r);
	relay_merges_end(r);
	egress_abandon(r->egress);
	relay_count_unread(r);
	pool_publish_census(r->pool, false);
	change_abandon(r);
}

static void take_mail(struct relay *r)
{
	uint32_t mail = mailbox_take(r->mailbox);

	if (mail & MAIL_LOOK) {
		look_at_sockets(r);
		relay_merges_look(r);
		relay_breaker_look(r);
		egress_follow_sources(r->egress);
	}
	if ((mail & MAIL_HAND_OVER) && r->phase == RELAY_RUNNING) {
		relay_keep_stored(r);
		drain(r);
	}
	if ((mail & MAIL_DRAIN) && r->phase == RELAY_RUNNING) {
		drain(r);
	}
	if (mail & MAIL_QUIT) {
		stop(r);
	}
	if (mail & MAIL_MESSAGE) {
		take_message(r);
	}
}

static void drain(struct relay *r)
{
	relay_leave_groups(r);
	r->phase = RELAY_DRAINING;
	r->drain_end_ns = clock_now_ns() + r->drain_ns;
	if (!relay_has_own_flow(r)) {
		stop(r); /* who comes next waits for our end */
	}
}

static void take_message(struct relay *r)
{
	struct shard_message *message = mailbox_receive(r->mailbox);

	if (message != NULL) {
		change_begin(r, message);
	}
}

/* A few flows each time, so that no turn takes long. */
static void look_at_sockets(struct relay *r)
{
	bool polls = ring_busy_polls(r->ring), queue_known = false;

	for (uint32_t i = 0; i < r->place_count && i < LOOK_FLOWS_MAX; i++) {
		struct ingress_flow *flow;

		r->look_at = r->look_at < r->place_count ? r->look_at : 0;
		flow = &relay_place(r, r->look_at++)->flow;
		if (flow->state >= FLOW_IDLE) {
			ingress_look_at_drops(flow);
			queue_known |= polls && ingress_look_at_queue(flow);
		}
	}
	ring_tell_queue(r->ring, queue_known);
}

static void stop(struct relay *r)
{
	r->phase = RELAY_STOPPED;
	r->stop_end_ns = clock_now_ns() + RELEASE_WAIT_US * NS_PER_US;
	cancel_all(r);
}

static void cancel_all(struct relay *r)
{
	for (uint32_t i = 0; i < r->place_count; i++) {
		struct ingress_flow *flow = &relay_place(r, i)->flow;

		if (flow->state == FLOW_ARMED) {
			ring_cancel_recv(r->ring, flow->token);
			flow->state = FLOW_LEAVING;
		} else if (flow->state == FLOW_ENDED) {
			flow->state = FLOW_IDLE;
		}
	}
	(void)relay_take_ended(r);
	r->retrying_count = 0;
}

/* A device that does not come to sending is waited for a little only: the kernel keeps the pages it
 * has to read, whatever becomes of us. */
static bool is_over(const struct relay *r)
{
	const struct egress *eg = r->egress;

	if (r->armed_count > 0 || eg->dirty_count > 0 || eg->in_flight > 0) {
		return false;
	}
	return eg->held == 0 || clock_now_ns() >= r->stop_end_ns;
}

/* Nothing is armed and nothing in flight: take back the lent slots, count what stayed unread. */
static void settle(struct relay *r)
{
	for (unsigned g = 0; g < RING_GROUP_COUNT; g++) {
		relay_take_back(r, g);
	}
	relay_merges_end(r);
	relay_count_unread(r);
	must(pool_consistent(r->pool));
	pool_publish_census(r->pool, r->egress->held == 0);
	change_abandon(r);
}
