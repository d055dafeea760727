/* circle.c - what a flow of a simulation sends comes back to it by way of other hosts.
 *
 * Nothing tells it from what is new but that it was there before: it is the same in each byte, and
 * some of it is coalesced. A
 * second of it and it is examined, and once it is sure it is kept out (shard/relay_breaker.h). Not
 * more comes back at once than a short queue holds, so that a storm costs little here.
 */
#include <arpa/inet.h>
#include <string.h>

#include "src/base/clock.h"
#include "tests/sim/trace.h"

#define TURN_NS   (8 * NS_PER_MS)
#define TURNS     600
#define LOOK      125        /* turns of a second */
#define ENOUGH    (3 * LOOK) /* to examine it, and to break the circle */
#define FIRST     14         /* datagrams that begin it */
#define TRAIN     5          /* datagrams that come back as one */
#define RATE_MANY 10         /* in a turn: more than CIRCLE_RATE, and more than may be padding */

/* The one that is connected to the same segment, say. */
static uint32_t first_output(const struct sim_world *w, const struct sim_flow *flow)
{
	for (uint32_t i = 0; i < SIM_OUTPUTS; i++) {
		const struct sim_output *o = &w->outputs[i];

		if (o->used && !o->busy && o->sock != SIM_NONE && &w->flows[o->flow] == flow) {
			return i;
		}
	}
	return SIM_NONE;
}

/* What comes back together is one train, as with GRO: false: it does not go with what came last. */
static bool coalesce(const struct sim_flow *flow, struct sim_sock *sock,
		     const struct sim_packet *packet)
{
	struct sim_packet *last =
		&sock->queue[(sock->head + sock->count + SIM_QUEUE - 1) % SIM_QUEUE];

	if (flow->rule.pool_class != POOL_TRAIN || sock->count == 0 || !last->returned ||
	    last->first + last->count != packet->first || last->segment != packet->segment ||
	    last->last_bytes != packet->segment || last->ttl != packet->ttl ||
	    last->tos != packet->tos || sim_name(last) != sim_name(packet) ||
	    last->count == TRAIN) {
		return false;
	}
	last->count++;
	return true;
}

void sim_come_back(struct sim_world *w, const struct sim_output *o, const unsigned char *at,
		   uint32_t bytes)
{
	struct sim_flow *flow = &w->flows[o->flow];
	struct sim_packet packet = {.count = 1, .segment = bytes, .last_bytes = bytes};
	uint32_t number;

	if (&w->outputs[flow->circles_by % SIM_OUTPUTS] != o || flow->circles_by == SIM_NONE ||
	    flow->sock == SIM_NONE || bytes == 0 || w->socks[flow->sock].count >= SIM_RETURNS) {
		return;
	}
	memcpy(&number, at, 4);
	packet.first = ntohl(number);
	packet.ttl = at[10];
	packet.tos = at[11];
	packet.sender = (at[12] - 1) % SIM_SENDERS;
	packet.echo = at[12] > SIM_SENDERS;
	packet.returned = true;
	if (!coalesce(flow, &w->socks[flow->sock], &packet)) {
		sim_arrive(w, flow, packet);
	}
}

static const struct flow_circle *circle_of(const struct sim_world *w, const struct sim_flow *flow)
{
	const struct relay *r = &w->shards[flow->shard].relay;

	return &relay_place(r, place_index(flow->token))->flow.circle;
}

/* Where most that comes is new it is taken for innocent, and not looked at for a while. */
static bool is_left_alone(const struct sim_world *w, const struct sim_flow *flow)
{
	const struct flow_circle *circle = circle_of(w, flow);

	return circle->trials == 0 && circle->again_ns > w->clock_ns;
}

void sim_circle(struct sim_world *w, const struct sim_event *e)
{
	struct sim_flow *flow = sim_any_flow(w, e->a);
	struct sim_packet packet = {.first = SIM_NONE, .count = 1};
	struct sim_shard *s;
	uint64_t before = 0;
	uint32_t alone = 0; /* turns in which it was left alone, and those before */
	bool fresh;

	if (!flow || flow->busy || flow->of_feed != SIM_NONE ||
	    flow->rule.in.breaker == RULE_BREAKER_OFF || w->job.kind != SIM_IDLE) {
		return;
	}
	s = &w->shards[flow->shard];
	fresh = circle_of(w, flow)->trials == 0 && !is_left_alone(w, flow) &&
		flow->rule.in.breaker == RULE_BREAKER_ON;
	flow->circles_by = first_output(w, flow);
	flow->circled = true;
	sim_clear_sky(s);
	packet.segment = packet.last_bytes = SIM_HEAD_BYTES + e->b % 64;
	for (uint32_t i = 0; i < FIRST; i++) {
		sim_arrive(w, flow, packet);
	}
	for (uint32_t turn = 0; turn < TURNS; turn++) {
		w->clock_ns += TURN_NS;
		before = turn == TURNS - LOOK ? flow->returned : before;
		if (turn % LOOK == 0) {
			mailbox_post(&s->mailbox, MAIL_LOOK);
			sim_wake(s);
		}
		sim_turn(w, s->number);
		alone = is_left_alone(w, flow) ? turn + 1 : alone;
	}
	flow->circles_by = SIM_NONE;
	if (fresh && TURNS - alone >= ENOUGH && flow->returned - before > LOOK * RATE_MANY) {
		sim_broken("a circle goes on # %lu in a second", flow->returned - before);
	}
}
