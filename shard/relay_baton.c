/* relay_baton.c - see relay_baton.h. */
#include "shard/relay_baton.h"

#include "shard/baton.h"
#include "shard/relay_flows.h"

static struct datagram rest_of(const struct datagram *d, uint32_t gone);

void relay_stand_by(struct relay *r, struct ingress_flow *flow, const struct datagram *d,
		    uint64_t stamp_ns)
{
	uint32_t silent =
		flow->baton != NULL ? baton_take(flow->baton, flow->salt, d, stamp_ns) : d->count;

	stat_add(&flow->stats->drops[FLOW_DROP_STANDBY], silent);
	if (silent < d->count) {
		struct datagram rest = rest_of(d, silent);

		stat_add(&flow->stats->relayed, rest.count);
		relay_hand_out(r, flow, &rest);
	}
}

/* As at its end, but that it stays. */
void relay_hold_flow(struct relay *r, struct ingress_flow *flow)
{
	if (flow->held) {
		return;
	}
	flow->held = true;
	if (!flow->going && flow->state >= FLOW_ARMED) {
		relay_end_flow(r, flow);
		flow->going = false;
	}
}

bool relay_is_held(const struct ingress_flow *flow)
{
	return !flow->held || flow->state < FLOW_ARMED;
}

void relay_let_flow(struct relay *r, struct ingress_flow *flow)
{
	if (flow->held && flow->state == FLOW_IDLE && !flow->going) {
		relay_start_flow(r, flow);
	}
	flow->held = false;
}

/* Without the first `gone' of its datagrams. */
static struct datagram rest_of(const struct datagram *d, uint32_t gone)
{
	struct datagram rest = *d;
	uint32_t at = gone * d->segment_bytes;

	rest.payload += at;
	rest.place += d->place != 0 ? at : 0;
	rest.bytes -= at;
	rest.count -= gone;
	if (rest.count == 1) {
		rest.segment_bytes = rest.bytes;
	}
	return rest;
}
