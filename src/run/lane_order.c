/* lane_order.c - see lane_order.h. Control thread. */
#include "src/run/lane_order.h"

#include <poll.h>

#include "shard/shard.h"
#include "src/base/clock.h"
#include "src/run/supervisor.h"

static bool is_through(const struct shard *shard, const struct ingress_flow *flow,
		       const struct fast_order *order);
static uint64_t in_hand(const struct output_stats *stats);
static uint64_t unsorted(const struct flow_stats *stats);
static bool is_empty(const struct ingress_flow *flow);

bool lane_order_waits(const struct lane *lane, const struct ingress_flow *flow,
		      struct lane_verdict *verdict)
{
	const struct fast_record *record = fast_find(&lane->fast, &flow->rule->in);
	uint64_t now_ns = clock_now_ns();

	if ((record && record->image != FAST_NONE) || is_empty(flow)) {
		verdict->queued_ns = 0;
		return false;
	}
	verdict->queued_ns = verdict->queued_ns == 0 ? now_ns : verdict->queued_ns;
	return now_ns - verdict->queued_ns < LANE_QUEUED_MAX_S * NS_PER_S;
}

uint64_t lane_order_base(const struct shard *shard, const struct ingress_flow *flow)
{
	uint64_t received = stat_get(&flow->stats->received);
	uint64_t most = 0;

	for (uint32_t o = flow->first_output; o != PLACE_NONE;) {
		const struct output_place *place = shard_output(shard, o);
		uint64_t n = in_hand(place->output.stats);

		most = n > most ? n : most;
		o = place->output.sibling;
	}
	most += unsorted(flow->stats);
	return most < received ? received - most : 0;
}

void lane_order_begin(struct lane *lane, const struct shard *shard, const struct ingress_flow *flow,
		      uint64_t base)
{
	struct fast_order *order = fast_order_of(&lane->fast, &flow->rule->in);

	if (order && !order->open) {
		order->open = true;
		order->base = base;
		order->turns = stat_get(&shard->stats->ring.turns);
		lane->orders_open = true;
	}
}

void lane_order_look(struct supervisor *sup)
{
	bool open = false;

	for (uint32_t s = 0; s < sup->worker_count && sup->lane.orders_open; s++) {
		const struct shard *shard = sup->workers[s].shard;

		for (uint32_t i = 0; i < shard->relay.place_count; i++) {
			const struct ingress_flow *flow = &shard_flow(shard, i)->flow;
			struct fast_order *order =
				flow->rule ? fast_order_of(&sup->lane.fast, &flow->rule->in) : NULL;

			if (!order || !order->open) {
				continue;
			}
			if (!is_through(shard, flow, order)) {
				open = true;
				continue;
			}
			order->overtaken += stat_get(&flow->stats->received) - order->base;
			order->open = false;
		}
	}
	sup->lane.orders_open = open;
}

uint64_t lane_order_overtaken(const struct lane *lane, const struct ingress_flow *flow)
{
	const struct fast_order *order = fast_order_of(&lane->fast, &flow->rule->in);

	if (!order) {
		return 0;
	}
	return order->overtaken +
	       (order->open ? stat_get(&flow->stats->received) - order->base : 0);
}

/* Whether the shard has seen all that its socket held. What it has taken from there is counted by
 * its next turn. */
static bool is_through(const struct shard *shard, const struct ingress_flow *flow,
		       const struct fast_order *order)
{
	uint64_t turns = stat_get(&shard->stats->ring.turns);

	return flow->fd < 0 || (turns >= order->turns + 2 && is_empty(flow));
}

/* Offered to an output and neither sent nor dropped yet. The shard counts on meanwhile: too few by
 * that are found among what it receives then. */
static uint64_t in_hand(const struct output_stats *stats)
{
	uint64_t done = stat_get(&stats->sent);
	uint64_t offered;

	for (uint32_t i = 0; i < OUTPUT_DROP_COUNT; i++) {
		done += stat_get(&stats->drops[i]);
	}
	offered = stat_get(&stats->offered);
	return offered > done ? offered - done : 0;
}

/* Received and neither relayed nor dropped yet. */
static uint64_t unsorted(const struct flow_stats *stats)
{
	uint64_t done = stat_get(&stats->relayed);
	uint64_t received;

	for (uint32_t i = 0; i < FLOW_DROP_COUNT; i++) {
		done += stat_get(&stats->drops[i]);
	}
	received = stat_get(&stats->received);
	return received > done ? received - done : 0;
}

static bool is_empty(const struct ingress_flow *flow)
{
	struct pollfd fd = {.fd = flow->fd, .events = POLLIN};

	return poll(&fd, 1, 0) == 0;
}
