/* change_place.c - finds who stands in a place and in the list of a flow, and gives it the socket
 * that a message brings. See change_place.h.
 */
#include "shard/change_place.h"

#include <errno.h>

#include "shard/baton.h"
#include "shard/relay_baton.h"
#include "shard/relay_merge.h"
#include "src/base/clock.h"
#include "src/base/must.h"

static void set_duty(struct relay *r, struct flow_place *place, const struct shard_duty *duty);
static int give_socket(struct relay *r, struct output_place *place, struct shard_message *m);

struct ingress_flow *change_find_flow(const struct relay *r, uint32_t token)
{
	struct ingress_flow *flow;

	if (place_index(token) >= r->place_count) {
		return NULL;
	}
	flow = &relay_place(r, place_index(token))->flow;
	return flow->token == token && flow->state != FLOW_FREE ? flow : NULL;
}

struct egress_output *change_find_output(const struct relay *r, uint32_t token)
{
	struct egress_output *output;

	if (place_index(token) >= r->egress->place_count) {
		return NULL;
	}
	output = egress_output(r->egress, place_index(token));
	return output->token == token && output->state != OUTPUT_FREE ? output : NULL;
}

/* It has been joined already: what arrived since waits in the socket. */
int change_open_flow(struct relay *r, const struct shard_message *m)
{
	struct ingress_flow *flow = change_find_flow(r, m->flow);
	struct flow_place *place;
	int file;

	if (flow == NULL || flow->state != FLOW_PENDING) {
		return flow == NULL ? -ENOENT : -EALREADY;
	}
	file = ring_add_file(r->ring, m->fd);
	if (file < 0) {
		return file;
	}
	place = relay_place(r, place_index(flow->token));
	place->got = m->got;
	place->rule.ifindex = m->flow_rule.ifindex;
	flow->fd = m->fd;
	flow->file = (uint32_t)file;
	flow->drops_seen = m->flow_past.drops_seen;
	flow->state = FLOW_IDLE;
	if (!flow->held) { /* else it waits until it is let go */
		relay_start_flow(r, flow);
	}
	return 0;
}

int change_open_output(struct relay *r, struct shard_message *m)
{
	struct egress_output *output = change_find_output(r, m->output);

	if (output == NULL || output->state != OUTPUT_PENDING) {
		return output == NULL ? -ENOENT : -EALREADY;
	}
	return give_socket(r, egress_place(r->egress, place_index(output->token)), m);
}

int change_close_flow(struct relay *r, const struct shard_message *m)
{
	struct ingress_flow *flow = change_find_flow(r, m->flow);

	if (flow == NULL || flow->state == FLOW_PENDING) {
		return flow == NULL ? -ENOENT : -EALREADY;
	}
	relay_end_flow(r, flow);
	return 0;
}

bool change_finish_closed_flow(struct relay *r, struct shard_message *m)
{
	struct ingress_flow *flow = change_find_flow(r, m->flow);

	if (flow->state != FLOW_IDLE) {
		return false;
	}
	ingress_look_at_drops(flow);
	ring_remove_file(r->ring, flow->file);
	m->fd = flow->fd;
	flow->fd = -1;
	flow->file = PLACE_NONE;
	flow->drops_seen = 0;
	flow->going = false;
	flow->state = FLOW_PENDING;
	return true;
}

int change_close_output(struct relay *r, const struct shard_message *m)
{
	struct egress_output *output = change_find_output(r, m->output);

	if (output == NULL || output->state != OUTPUT_OPEN) {
		return output == NULL ? -ENOENT : -EALREADY;
	}
	egress_suspend_output(r->egress, output);
	return 0;
}

bool change_finish_closed_output(struct relay *r, struct shard_message *m)
{
	struct egress_output *output = change_find_output(r, m->output);

	if (!egress_is_closed(output)) {
		return false;
	}
	m->fd = egress_take_socket(r->egress, output);
	return true;
}

int change_try_path(struct relay *r, const struct shard_message *m)
{
	struct egress_output *output = change_find_output(r, m->output);

	if (output == NULL || output->state != OUTPUT_OPEN) {
		return output == NULL ? -ENOENT : -EALREADY;
	}
	egress_place(r->egress, place_index(m->output))->rule.mtu = m->output_rule.mtu;
	egress_try_path(output, m->output_rule.mtu);
	output->dark = m->dark;
	return 0;
}

int change_hold_flow(struct relay *r, const struct shard_message *m)
{
	struct ingress_flow *flow = change_find_flow(r, m->flow);

	if (flow == NULL) {
		return -ENOENT;
	}
	if (flow->state != FLOW_PENDING) {
		relay_end_flow(r, flow);
	}
	if (flow->merge == NULL) {
		flow->until_ns = UINT64_MAX; /* its removal tells; what it drops is not looked at */
	}
	return 0;
}

bool change_finish_held_flow(struct relay *r, const struct shard_message *m)
{
	struct ingress_flow *flow = change_find_flow(r, m->flow);

	if (flow->state != FLOW_PENDING && flow->state != FLOW_IDLE) {
		return false;
	}
	flow->going = false;
	if (flow->merge != NULL) {
		relay_merge_rest(r, flow);
	}
	return true;
}

int change_set_waits(struct relay *r, const struct shard_message *m)
{
	ring_set_waits(r->ring, &m->waits);
	r->drain_ns = m->drain_ns;
	relay_sample(r, m->latency_sample);
	return 0;
}

/* All of them between two turns: what came before is relayed as it was, what follows as it is. */
int change_set_duties(struct relay *r, const struct shard_message *m)
{
	for (uint32_t i = 0; i < m->duty_count; i++) {
		const struct shard_duty *duty = &m->duties[i];
		uint32_t place = place_index(duty->token);
		struct egress_output *output =
			duty->is_output ? change_find_output(r, duty->token) : NULL;

		if (output != NULL) {
			output->sourceless = duty->standby;
			egress_place(r->egress, place)->got.sourceless = duty->standby;
		} else if (!duty->is_output && change_find_flow(r, duty->token) != NULL) {
			set_duty(r, relay_place(r, place), duty);
		}
	}
	return 0;
}

bool change_finish_duties(const struct relay *r, const struct shard_message *m)
{
	for (uint32_t i = 0; i < m->duty_count; i++) {
		const struct shard_duty *duty = &m->duties[i];
		const struct ingress_flow *flow =
			duty->hold ? change_find_flow(r, duty->token) : NULL;

		if (flow != NULL && !relay_is_held(flow)) {
			return false;
		}
	}
	return true;
}

int change_take_output(struct relay *r, struct shard_message *m, struct output_place **out)
{
	struct output_place *place = egress_take_place(r->egress, &m->output_rule);
	int rc;

	if (place == NULL) {
		return -ENOSPC;
	}
	rc = m->socket.fd >= 0 ? give_socket(r, place, m) : 0;
	if (rc < 0) {
		egress_leave_place(r->egress, &place->output);
		return rc;
	}
	*out = place;
	return 0;
}

int change_find_end(const struct relay *r, const struct ingress_flow *flow,
		    const struct rule_output *out, uint32_t *last)
{
	uint32_t end = PLACE_NONE, count = 0;

	for (uint32_t o = flow->first_output; o != PLACE_NONE;) {
		const struct egress_output *output = egress_output(r->egress, o);

		if (rule_same_output(&output->rule->out, out)) {
			return -EEXIST;
		}
		end = o;
		o = output->sibling;
		count++;
	}
	if (count >= FLOW_OUTPUTS_MAX) {
		return -E2BIG;
	}
	*last = end;
	return 0;
}

void change_unlink_output(struct relay *r, const struct egress_output *output)
{
	struct ingress_flow *flow = change_find_flow(r, output->flow);

	if (flow != NULL) {
		*change_find_link(r, flow, place_index(output->token)) = output->sibling;
	}
}

uint32_t *change_find_link(struct relay *r, struct ingress_flow *flow, uint32_t index)
{
	uint32_t *link = &flow->first_output;

	while (*link != index) {
		must(*link != PLACE_NONE);
		link = &egress_output(r->egress, *link)->sibling;
	}
	return link;
}

static void set_duty(struct relay *r, struct flow_place *place, const struct shard_duty *duty)
{
	struct ingress_flow *flow = &place->flow;

	if (duty->baton != NULL && !duty->baton->follows && !place->rule.standby) {
		duty->baton->since_ns = clock_wall_ns();
	}
	place->rule.standby = duty->standby;
	flow->baton = duty->baton;
	flow->salt = duty->salt;
	if (duty->hold) {
		relay_hold_flow(r, flow);
	} else {
		relay_let_flow(r, flow);
	}
}

static int give_socket(struct relay *r, struct output_place *place, struct shard_message *m)
{
	int file = ring_add_file(r->ring, m->socket.fd);

	if (file < 0) {
		return file;
	}
	m->socket.file = (uint32_t)file;
	place->got = m->got;
	place->rule.ifindex = m->output_rule.ifindex;
	place->rule.mtu = m->output_rule.mtu;
	egress_open_output(r->egress, &place->output, &m->socket);
	return 0;
}
