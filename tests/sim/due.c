/* due.c - what ought to become of what a flow of a simulation is handed.
 *
 * The order of reasons is that of shard/ingress.c, and at each output that of egress_append; what
 * the weather, a rate or a path that shrinks may do to it later is not certain, and not told here.
 */
#include "src/base/clock.h"
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
	*fate += packet->count;
	flow->handed += packet->count;
	for (uint32_t i = 0; fate == &flow->relayed && i < SIM_OUTPUTS; i++) {
		struct sim_output *o = &w->outputs[i];

		if (o->used && o->flow == (uint32_t)(flow - w->flows) && is_there(w, o)) {
			expect_of(o, packet);
		}
	}
}
