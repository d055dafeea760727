/* due.c - what ought to become of what a flow of a simulation is handed.
 *
 * The order of reasons is that of shard/ingress.c, and at each output that of egress_append; what
 * the weather, a rate or a path that shrinks may do to it later is not certain, and not told here.
 */
#include <stdlib.h>

#include "src/base/clock.h"
#include "src/base/must.h"
#include "tests/sim/sim.h"

/* Whether what its flow has is still offered to it. A flow that goes or moves keeps its outputs
 * until it receives no more. */
static bool is_there(const struct sim_world *w, const struct sim_output *o)
{
	const struct sim_job *job = &w->job;
	bool goes = job->kind == SIM_REMOVE_FLOW || job->kind == SIM_MOVE_TAKE ||
		    (job->kind == SIM_REMOVE_OUTPUT && !job->taken);

	return !o->busy || (goes && o->token != SIM_NONE);
}

static bool is_expired(const struct rule_output *out, uint8_t ttl)
{
	return (out->ttl_mode == RULE_TTL_DEC && ttl == 1) ||
	       (out->ttl_mode == RULE_TTL_AUTO && ttl == RULE_TTL_FRESH + 1);
}

/* How many of the packet's datagrams df= forbids. */
static uint32_t count_too_big(const struct rule_output *out, const struct sim_packet *packet)
{
	bool v6 = out->to.addr.family == AF_INET6;
	uint32_t headers = v6 ? IPV6_UDP_HEADER_BYTES : IPV4_UDP_HEADER_BYTES;
	uint32_t most = out->mtu - headers;

	if (!out->df || out->mtu == 0) {
		return 0;
	}
	return (packet->segment > most ? packet->count - 1 : 0) + (packet->last_bytes > most);
}

static void note(struct sim_flow *flow, uint32_t number)
{
	if (flow->log_count == flow->log_room) {
		flow->log_room = flow->log_room > 0 ? 2 * flow->log_room : 1024;
		flow->log = realloc(flow->log, flow->log_room * sizeof(*flow->log));
		must(flow->log);
	}
	flow->log[flow->log_count++] = number;
}

static void expect_of(struct sim_output *o, const struct sim_packet *packet)
{
	const struct rule_output *out = &o->rule.out;

	if (o->cut_off || o->dark) {
		o->due[OUTPUT_DROP_LINK_DOWN] += packet->count;
		return;
	}
	if (o->sock == SIM_NONE) {
		o->due[OUTPUT_DROP_PENDING] += packet->count;
		return;
	}
	if (o->sourceless) {
		o->due[OUTPUT_DROP_NO_SOURCE] += packet->count;
		return;
	}
	o->asked = out->reply ? sim_name(packet) : o->asked;
	if (is_expired(out, packet->ttl)) {
		o->due[OUTPUT_DROP_TTL_EXPIRED] += packet->count;
	} else if (out->rate_bps == 0) {
		o->due[OUTPUT_DROP_TOO_BIG] += count_too_big(out, packet);
	}
}

/* One datagram is relayed, or all of a packet are. */
static void relay(struct sim_world *w, struct sim_flow *flow, const struct sim_packet *packet)
{
	uint32_t of = (uint32_t)(flow - w->flows);

	for (uint32_t i = 0; i < packet->count; i++) {
		bool empty = i + 1 == packet->count && packet->last_bytes == 0;

		note(flow, empty ? SIM_EMPTY : packet->first + i);
	}
	for (uint32_t i = 0; i < SIM_OUTPUTS; i++) {
		struct sim_output *o = &w->outputs[i];

		if (o->used && o->flow == of && is_there(w, o)) {
			expect_of(o, packet);
		}
	}
}

/* Whoever brings a number first is relayed. */
static void merge_one(struct sim_world *w, struct sim_flow *flow, const struct sim_packet *one,
		      bool standby)
{
	struct sim_feed *feed = &w->feed_list[flow->of_feed];
	uint8_t *brought = &feed->brought[one->first % SIM_NUMBERS],
		bit = (uint8_t)(1 << flow->leg);
	bool own = *brought & bit, first = *brought == 0;

	if (one->last_bytes == 0) {
		flow->drops[FLOW_DROP_UNNUMBERED]++;
		return;
	}
	*brought |= bit;
	if (!feed->joined[flow->leg] || one->first < feed->leg_first[flow->leg]) {
		feed->joined[flow->leg] = true;
		feed->leg_first[flow->leg] = one->first;
	}
	if (!first) {
		flow->drops[own ? FLOW_DROP_REPEATED : FLOW_DROP_DUPLICATE]++;
		return;
	}
	feed->first = feed->distinct == 0 || one->first < feed->first ? one->first : feed->first;
	feed->end = one->first >= feed->end ? one->first + 1 : feed->end;
	feed->distinct++;
	if (standby) {
		flow->drops[FLOW_DROP_STANDBY]++;
		return;
	}
	flow->relayed++;
	feed->relayed++;
	relay(w, &w->flows[feed->legs[0]], one);
}

static void merge(struct sim_world *w, struct sim_flow *flow, const struct sim_packet *packet,
		  bool standby)
{
	struct sim_packet one = *packet;

	one.count = 1;
	for (uint32_t i = 0; i < packet->count; i++) {
		one.first = packet->first + i;
		one.segment = i + 1 < packet->count ? packet->segment : packet->last_bytes;
		one.last_bytes = one.segment;
		if (sim_is_wild(w, flow)) {
			note(&w->flows[w->feed_list[flow->of_feed].legs[0]],
			     one.last_bytes == 0 ? SIM_EMPTY : one.first);
		} else {
			merge_one(w, flow, &one, standby);
		}
	}
}

void sim_expect(struct sim_world *w, struct sim_flow *flow, const struct sim_packet *packet,
		size_t room)
{
	const struct relay *r = &w->shards[flow->shard].relay;
	const struct flow_place *place = relay_place(r, place_index(flow->token));
	uint64_t age_ns = w->clock_ns + SIM_WALL_S * NS_PER_S - packet->stamp_ns;
	const struct rule_ingress *in = &place->rule.in;
	uint64_t *fate = &flow->relayed;

	if (sim_packet_bytes(packet) > room) {
		fate = &flow->drops[FLOW_DROP_TRUNCATED];
	} else if (packet->control_cut) {
		fate = &flow->drops[FLOW_DROP_CONTROL];
	} else if (in->max_age_ms > 0 && age_ns > in->max_age_ms * NS_PER_MS) {
		fate = &flow->drops[FLOW_DROP_STALE];
	} else if (in->source.family != 0 && sim_is_foreign(packet)) {
		fate = &flow->drops[FLOW_DROP_FOREIGN];
	} else if (place->flow.echo_count > 0 && packet->echo && !sim_is_foreign(packet)) {
		fate = &flow->drops[FLOW_DROP_LOOP];
	} else if (place->rule.standby) {
		fate = &flow->drops[FLOW_DROP_STANDBY];
	}
	flow->handed += packet->count;
	flow->returned += packet->returned ? packet->count : 0;
	if (fate != &flow->relayed && fate != &flow->drops[FLOW_DROP_STANDBY]) {
		*fate += packet->count;
	} else if (flow->is_twin) {
		for (uint32_t i = 0; i < packet->count; i++) {
			note(flow, packet->first + i);
		}
	} else if (flow->of_feed != SIM_NONE) {
		merge(w, flow, packet, place->rule.standby);
	} else {
		*fate += packet->count;
		if (fate == &flow->relayed) {
			relay(w, flow, packet);
		}
	}
}
