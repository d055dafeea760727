/* change.c - adds and removes flows and outputs while their shard relays. See change.h.
 *
 * Two things can be under way when something is to go: a receive that the kernel still has, and
 * sends that are not answered. Both are waited for over as many turns as it takes, while everybody
 * else is relayed as ever. Shard thread.
 */
#include "shard/change.h"

#include <errno.h>

#include "shard/change_place.h"
#include "shard/relay_breaker.h"
#include "shard/relay_merge.h"
#include "shard/relay_merge_set.h"
#include "src/base/clock.h"
#include "src/base/must.h"

static void go_on(struct relay *r, uint64_t began_ns);
static int begin(struct relay *r, struct shard_message *m);
static void cut_rooms(struct relay *r, const struct shard_message *m, struct arena *arena);
static int add_room(struct relay *r, const struct shard_message *m);
static int add_flow(struct relay *r, struct shard_message *m);
static int add_output(struct relay *r, struct shard_message *m);
static int start_flow(struct relay *r, const struct shard_message *m);
static int remove_output(struct relay *r, const struct shard_message *m);
static int remove_flow(struct relay *r, const struct shard_message *m);
static int set_flow(struct relay *r, const struct shard_message *m);
static int set_output(struct relay *r, const struct shard_message *m);
static int replace_output(struct relay *r, struct shard_message *m);
static int set_echoes(struct relay *r, const struct shard_message *m);
static int begin_list(struct shard_message *list);
static bool finish(struct relay *r, struct shard_message *m);
static bool finish_list(struct relay *r, struct shard_message *list);
static bool finish_listed(struct relay *r, struct shard_message *list, struct shard_message *m);
static bool finish_output(struct relay *r, struct shard_message *m);
static bool finish_replaced(struct relay *r, struct shard_message *m);
static bool finish_flow(struct relay *r, struct shard_message *m);
static void answer(struct relay *r, struct shard_message *m, int result);

size_t change_room_bytes(const struct relay *r, const struct shard_message *m)
{
	struct arena counter = ARENA_COUNTER;

	cut_rooms((struct relay *)r, m, &counter);
	return counter.used_bytes;
}

void change_begin(struct relay *r, struct shard_message *m)
{
	uint64_t began_ns = clock_now_ns();
	int rc = begin(r, m);

	must(r->change == NULL);
	if (rc == 0) {
		r->change = m;
		go_on(r, began_ns);
	} else {
		answer(r, m, rc);
	}
}

void change_continue(struct relay *r)
{
	go_on(r, clock_now_ns());
}

void change_abandon(struct relay *r)
{
	struct shard_message *m = r->change;

	if (m != NULL && r->failed == 0 && finish(r, m)) {
		answer(r, m, 0);
	} else {
		m = m != NULL ? m : mailbox_receive(r->mailbox);
		if (m != NULL) {
			answer(r, m, -ESHUTDOWN);
		}
	}
	r->change = NULL;
}

/* Answers what is over; counts the time since `began_ns', in this turn. */
static void go_on(struct relay *r, uint64_t began_ns)
{
	struct ring_stats *stats = ring_stats_of(r->ring);
	struct shard_message *m = r->change;
	bool done = finish(r, m);
	uint64_t took_ns = clock_now_ns() - began_ns;

	if (took_ns > stat_get(&stats->longest_change_ns)) {
		stat_set(&stats->longest_change_ns, took_ns);
	}
	if (done) {
		r->change = NULL;
		answer(r, m, 0);
	}
}

static int begin(struct relay *r, struct shard_message *m)
{
	if (r->phase != RELAY_RUNNING) {
		return -ESHUTDOWN;
	}
	switch (m->op) {
	case SHARD_ADD_ROOM:
		return add_room(r, m);
	case SHARD_ADD_FLOW:
		return add_flow(r, m);
	case SHARD_ADD_OUTPUT:
		return add_output(r, m);
	case SHARD_START_FLOW:
		return start_flow(r, m);
	case SHARD_OPEN_FLOW:
		return change_open_flow(r, m);
	case SHARD_OPEN_OUTPUT:
		return change_open_output(r, m);
	case SHARD_CLOSE_FLOW:
		return change_close_flow(r, m);
	case SHARD_CLOSE_OUTPUT:
		return change_close_output(r, m);
	case SHARD_TRY_PATH:
		return change_try_path(r, m);
	case SHARD_REMOVE_OUTPUT:
		return remove_output(r, m);
	case SHARD_REMOVE_FLOW:
		return remove_flow(r, m);
	case SHARD_HOLD_FLOW:
		return change_hold_flow(r, m);
	case SHARD_SET_FLOW:
		return set_flow(r, m);
	case SHARD_SET_DUTIES:
		return change_set_duties(r, m);
	case SHARD_SET_OUTPUT:
		return set_output(r, m);
	case SHARD_REPLACE_OUTPUT:
		return replace_output(r, m);
	case SHARD_SET_ECHOES:
		return set_echoes(r, m);
	case SHARD_SET_MERGE:
		return relay_merge_set(r, m);
	case SHARD_SET_WAITS:
		return change_set_waits(r, m);
	case SHARD_LIST:
		return begin_list(m);
	}
	must(!"a message that asks for nothing known");
	return -EINVAL;
}

/* With an arena that counts, the relay is only looked at. */
static void cut_rooms(struct relay *r, const struct shard_message *m, struct arena *arena)
{
	uint32_t flows = r->place_count + m->flow_rooms * ROOM_FLOWS;
	uint32_t outputs = r->egress->place_count + m->output_rooms * ROOM_OUTPUTS;

	if (m->flow_rooms + m->output_rooms > 0) {
		relay_add_rooms(r, m->flow_rooms, arena);
		egress_add_rooms(r->egress, m->output_rooms, arena);
		ring_grow(r->ring, flows, flows + outputs, arena);
	}
	for (uint32_t i = 0; i < m->merge_blocks; i++) {
		relay_merge_add_block(r, m->merge_bytes[i], arena);
	}
}

static int add_room(struct relay *r, const struct shard_message *m)
{
	if (m->flow_rooms > (SHARD_FLOWS_MAX - r->place_count) / ROOM_FLOWS ||
	    m->output_rooms > (SHARD_OUTPUTS_MAX - r->egress->place_count) / ROOM_OUTPUTS) {
		return -E2BIG;
	}
	cut_rooms(r, m, m->memory);
	return 0;
}

static int add_flow(struct relay *r, struct shard_message *m)
{
	struct flow_place *place;
	int file;

	if (r->pool->classes[m->flow_rule.pool_class].count == 0) {
		return -EINVAL;
	}
	place = relay_take_place(r, &m->flow_rule);
	if (place == NULL) {
		return -ENOSPC;
	}
	place->flow.drops_seen = m->flow_past.drops_seen;
	place->flow.since_ns = m->cut_ns;
	place->flow.since_end_ns = m->cut_ns != 0 ? clock_now_ns() + CUT_PAST_NS : 0;
	if (m->goes_on) {
		place->stats = m->flow_stats;
		stat_set(&place->stats.circling, 0); /* that is to be found anew */
		place->book = m->flow_past.book;
		place->flow.next_group = m->flow_past.next_group;
	}
	place->flow.echoes = m->echoes;
	place->flow.echo_count = m->echo_count;
	m->flow = place->flow.token;
	if (m->fd < 0) {
		place->flow.state = FLOW_PENDING;
		return 0;
	}
	file = ring_add_file(r->ring, m->fd);
	if (file < 0) {
		relay_leave_place(r, &place->flow);
		return file;
	}
	place->got = m->got;
	place->flow.fd = m->fd;
	place->flow.file = (uint32_t)file;
	return 0;
}

static int add_output(struct relay *r, struct shard_message *m)
{
	struct ingress_flow *flow = change_find_flow(r, m->flow);
	struct output_place *place;
	uint32_t last;
	int rc = flow != NULL ? change_find_end(r, flow, &m->output_rule.out, &last) : -ENOENT;

	rc = rc == 0 ? change_take_output(r, m, &place) : rc;
	if (rc != 0) {
		return rc;
	}
	m->output = place->output.token;
	place->output.flow = flow->token;
	place->output.relayed_before = relay_offered(flow);
	if (m->goes_on) {
		egress_go_on(place, &m->output_past, &m->output_stats);
	}
	*(last == PLACE_NONE ? &flow->first_output : &egress_output(r->egress, last)->sibling) =
		place_index(m->output);
	return 0;
}

static int start_flow(struct relay *r, const struct shard_message *m)
{
	struct ingress_flow *flow = change_find_flow(r, m->flow);

	if (flow == NULL) {
		return -ENOENT;
	}
	if (flow->state == FLOW_PENDING || flow->held) {
		return 0; /* once it has its socket, and need not wait */
	}
	if (flow->state != FLOW_IDLE) {
		return -EALREADY;
	}
	if (flow->merge != NULL) {
		flow->merge->rests = false; /* it may have been held, to move */
	}
	relay_start_flow(r, flow);
	return 0;
}

static int remove_output(struct relay *r, const struct shard_message *m)
{
	struct egress_output *output = change_find_output(r, m->output);

	if (output == NULL) {
		return -ENOENT;
	}
	change_unlink_output(r, output);
	egress_close_output(r->egress, output);
	return 0;
}

static int remove_flow(struct relay *r, const struct shard_message *m)
{
	struct ingress_flow *flow = change_find_flow(r, m->flow);

	if (flow == NULL) {
		return -ENOENT;
	}
	flow->until_ns = m->cut_ns;
	if (!m->empties) {
		relay_end_flow(r, flow);
	} else if (flow->state == FLOW_IDLE) {
		relay_start_flow(r, flow); /* it was held */
	}
	return 0;
}

static int set_flow(struct relay *r, const struct shard_message *m)
{
	struct ingress_flow *flow = change_find_flow(r, m->flow);
	struct rule_flow *rule;

	if (flow == NULL) {
		return -ENOENT;
	}
	rule = &relay_place(r, place_index(m->flow))->rule;
	rule->in.max_age_ms = m->flow_rule.in.max_age_ms;
	rule->standby = m->flow_rule.standby;
	relay_breaker_set(r, flow, m->flow_rule.in.breaker);
	return 0;
}

static int set_output(struct relay *r, const struct shard_message *m)
{
	struct egress_output *output = change_find_output(r, m->output);

	if (output == NULL || output->state == OUTPUT_CLOSING) {
		return -ENOENT;
	}
	if (output->state == OUTPUT_PENDING) {
		egress_place(r->egress, place_index(output->token))->rule.out = m->output_rule.out;
		return 0;
	}
	egress_set_output(r->egress, output, &m->output_rule, m->socket.gso);
	return 0;
}

/* The new one stands where the old one stood, in one step between two datagrams, and sends nothing
 * before the old one has sent what it has. */
static int replace_output(struct relay *r, struct shard_message *m)
{
	struct egress_output *old = change_find_output(r, m->output);
	struct ingress_flow *flow = old != NULL ? change_find_flow(r, old->flow) : NULL;
	struct output_place *place;
	int rc;

	if (flow == NULL || old->state == OUTPUT_CLOSING) {
		return -ENOENT;
	}
	rc = change_take_output(r, m, &place);
	if (rc < 0) {
		return rc;
	}
	m->replaced = old->token;
	m->output = place->output.token;
	place->output.flow = flow->token;
	place->output.relayed_before = relay_offered(flow);
	place->output.sibling = old->sibling;
	place->output.after = old->token;
	*change_find_link(r, flow, place_index(old->token)) = place_index(m->output);
	egress_close_output(r->egress, old);
	return 0;
}

static int set_echoes(struct relay *r, const struct shard_message *m)
{
	struct ingress_flow *flow = change_find_flow(r, m->flow);

	if (flow == NULL) {
		return -ENOENT;
	}
	flow->echoes = m->echoes;
	flow->echo_count = m->echo_count;
	return 0;
}

static int begin_list(struct shard_message *list)
{
	for (uint32_t i = 0; i < list->list_count; i++) {
		list->list[i].result = -ECANCELED;
	}
	list->list_at = 0;
	list->list_begun = false;
	return 0;
}

/* Whether all that was begun is over; then the message holds the answer. */
static bool finish(struct relay *r, struct shard_message *m)
{
	switch (m->op) {
	case SHARD_HOLD_FLOW:
		return change_finish_held_flow(r, m);
	case SHARD_SET_DUTIES:
		return change_finish_duties(r, m);
	case SHARD_CLOSE_FLOW:
		return change_finish_closed_flow(r, m);
	case SHARD_CLOSE_OUTPUT:
		return change_finish_closed_output(r, m);
	case SHARD_REMOVE_OUTPUT:
		return finish_output(r, m);
	case SHARD_REMOVE_FLOW:
		return finish_flow(r, m);
	case SHARD_REPLACE_OUTPUT:
		return finish_replaced(r, m);
	case SHARD_LIST:
		return finish_list(r, m);
	default:
		return true; /* done when it was begun */
	}
}

/* Goes on until something is under way. */
static bool finish_list(struct relay *r, struct shard_message *list)
{
	while (list->list_at < list->list_count) {
		struct shard_message *m = &list->list[list->list_at];

		if (!finish_listed(r, list, m)) {
			return false;
		}
		if (m->result < 0 && m->op != SHARD_ADD_OUTPUT) {
			break;
		}
		list->list_at++;
		list->list_begun = false;
	}
	return true;
}

/* Begins `m', unless that is done; whether it is over. */
static bool finish_listed(struct relay *r, struct shard_message *list, struct shard_message *m)
{
	int rc = 0;

	if (!list->list_begun) {
		m->flow = list->flow;
		rc = begin(r, m);
		list->list_begun = rc == 0;
	}
	if (rc == 0 && !finish(r, m)) {
		return false;
	}
	m->result = rc;
	if (rc == 0 && m->op == SHARD_ADD_FLOW) {
		list->flow = m->flow;
	}
	return true;
}

static bool finish_output(struct relay *r, struct shard_message *m)
{
	struct egress_output *output = change_find_output(r, m->output);
	const struct output_place *place = egress_place(r->egress, place_index(m->output));

	if (!egress_is_closed(output)) {
		return false;
	}
	m->output_stats = *output->stats;
	m->output_rule = *output->rule;
	m->got = place->got;
	egress_tell_past(place, &m->output_past);
	m->fd = egress_finish_output(r->egress, output);
	return true;
}

/* What the old one has counted goes on in the new one. */
static bool finish_replaced(struct relay *r, struct shard_message *m)
{
	struct egress_output *old = change_find_output(r, m->replaced),
			     *output = change_find_output(r, m->output);

	if (!egress_is_closed(old)) {
		return false;
	}
	for (int f = COUNTERS_OUTPUT; f <= COUNTERS_OUTPUT_LATENCY; f++) {
		counters_add(&counter_families[f], output->stats, old->stats);
	}
	output->relayed_before = old->relayed_before;
	output->after = PLACE_NONE;
	m->fd = egress_finish_output(r->egress, old);
	return true;
}

static bool finish_flow(struct relay *r, struct shard_message *m)
{
	struct ingress_flow *flow = change_find_flow(r, m->flow);
	const struct flow_place *place = relay_place(r, place_index(m->flow));

	if (m->empties && !flow->going) {
		if (flow->fd >= 0 && sock_queued_bytes(flow->fd) > 0) {
			return false;
		}
		relay_end_flow(r, flow);
	}
	if (flow->state != FLOW_IDLE) {
		return false;
	}
	m->fd = flow->fd;
	relay_merge_leave(r, flow);
	if (flow->file != PLACE_NONE) {
		if (m->empties) {
			ingress_count_drops(flow, m->flow_past.drops_seen);
		} else {
			ingress_look_at_drops(flow);
		}
		ring_remove_file(r->ring, flow->file);
	}
	m->flow_stats = *flow->stats;
	m->flow_rule = *flow->rule;
	m->got = place->got;
	m->flow_past = (struct flow_past){flow->drops_seen, flow->next_group, place->book};
	relay_leave_place(r, flow);
	return true;
}

static void answer(struct relay *r, struct shard_message *m, int result)
{
	m->result = result;
	mailbox_answer(r->mailbox, m);
}
