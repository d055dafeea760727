/* law.c - what must hold after each event of a simulation.
 *
 *     pool     each slot is held as often as trains and legs hold it, lent, or free
 *     flow     what the ring has handed over was received; each datagram of it was relayed or has
 *              the one reason for its drop that it ought to have
 *              (but for what circles: it is relayed, or kept out)
 *     output   offered is what its flow has relayed since it came; each of these was sent, dropped
 *              or is in a train; what it says was sent is what left, and who asked last who did
 *              (reply=yes); what cannot be sent before it is tried has that one reason
 *     feed     each number was relayed once, whichever leg brought it; what each leg brought, and
 *              what none did, adds up (feed.c)
 *     twins    each datagram was relayed by the one or the other, once (twins.c)
 *     socket   each has the place that it was given to
 *     counts   what a shard counts of flows and trains is what there is
 *
 * A flow or an output that control is about to end or to move is between two places, and is looked
 * at when it has come to one, or has gone.
 */
#include <string.h>

#include "shard/relay_merge.h"
#include "shard/ring/engine.h"
#include "tests/sim/sim.h"

#define SLOTS_MAX 256

/* Datagrams of an output's that are in its trains. */
static uint64_t pending_of(const struct egress *eg, uint32_t token)
{
	uint64_t sum = 0;

	for (uint32_t i = 0; i < eg->train_count; i++) {
		const struct train *t = &eg->trains[i];

		if (t->state != TRAIN_FREE && t->state != TRAIN_HELD && t->output == token) {
			sum += t->datagrams - t->single_at;
		}
	}
	return sum;
}

static void check_class(const struct sim_shard *s, enum pool_class cls)
{
	const struct pool_class_state *c = &s->pool.classes[cls];
	uint32_t holds[SLOTS_MAX] = {0};

	for (uint32_t i = 0; i < s->egress.train_count; i++) {
		const struct train *t = &s->egress.trains[i];

		for (uint32_t k = 0; t->state != TRAIN_FREE && k < t->iov_count; k++) {
			if (pool_slot_class(t->slots[k]) == cls) {
				holds[pool_slot_index(t->slots[k])]++;
			}
		}
	}
	for (const struct relay_merge *rm = s->relay.merges; rm; rm = rm->next) {
		for (uint32_t leg = 0; leg < SIM_LEGS; leg++) {
			const struct datagram *d = &rm->held[leg];

			if (d->count > 0 && pool_slot_class(d->slot) == cls) {
				holds[pool_slot_index(d->slot)]++;
			}
		}
	}
	for (uint32_t i = 0; i < c->count; i++) {
		bool lent = c->state[i] == POOL_LENT;
		uint32_t held = lent || c->state[i] <= POOL_FREE ? 0 : c->state[i] - POOL_HELD + 1U;

		if (held != holds[i]) {
			sim_broken("a slot's holds # %u of class %d: %u, and %u are known", i,
				   (int)cls, held, holds[i]);
		}
	}
}

static void check_lent(const struct sim_shard *s, unsigned cls)
{
	uint32_t lent = 0;

	for (unsigned g = cls; g < RING_GROUP_COUNT; g += POOL_CLASS_COUNT) {
		lent += ring_depth(s->ring, g) - ring_room(s->ring, g);
	}
	if (lent != s->pool.classes[cls].ring_count) {
		sim_broken("slots lent # class %u: %u, and the ring has %u", cls,
			   s->pool.classes[cls].ring_count, lent);
	}
}

/* What a shard keeps count of is what there is. */
static void check_counts(const struct sim_shard *s)
{
	const struct relay *r = &s->relay;
	const struct egress *eg = &s->egress;
	uint32_t armed = 0, ended = 0, retrying = 0, in_flight = 0, dirty = 0;

	for (uint32_t i = 0; i < r->place_count; i++) {
		const struct ingress_flow *flow = &relay_place(r, i)->flow;

		armed += flow->state == FLOW_ARMED || flow->state == FLOW_LEAVING;
		ended += flow->state == FLOW_ENDED;
		retrying += flow->state == FLOW_ENDED && flow->retry_ns != 0;
		if (flow->state == FLOW_ARMED && flow->group != flow->next_group) {
			sim_broken("a flow stays in a class that it has grown out of");
		}
	}
	for (uint32_t i = 0; i < eg->train_count; i++) {
		in_flight += eg->trains[i].state == TRAIN_IN_FLIGHT;
	}
	for (uint32_t i = 0; i < eg->place_count; i++) {
		dirty += egress_output(eg, i)->dirty;
	}
	if (armed != r->armed_count || ended != r->ended_count || retrying != r->retrying_count) {
		sim_broken("counts of flows # armed %u, %u, ended %u, %u, retrying %u, %u", armed,
			   r->armed_count, ended, r->ended_count, retrying, r->retrying_count);
	}
	if (in_flight != eg->in_flight || dirty != eg->dirty_count) {
		sim_broken("counts of outputs # in flight %u, %u, dirty %u, %u", in_flight,
			   eg->in_flight, dirty, eg->dirty_count);
	}
}

static uint64_t sum_of(const stat_t *drops, unsigned count)
{
	uint64_t sum = 0;

	for (unsigned i = 0; i < count; i++) {
		sum += stat_get(&drops[i]);
	}
	return sum;
}

/* The breaker keeps out what has come back, and nothing else. */
static uint64_t check_circled(const struct sim_flow *flow, const struct flow_stats *stats)
{
	uint64_t circled = stat_get(&stats->drops[FLOW_DROP_CIRCLED]);

	if (circled > flow->returned) {
		sim_broken("kept out as circled # %lu, and %lu have come back", circled,
			   flow->returned);
	}
	return circled;
}

void sim_check_flow(const struct sim_world *w, const struct sim_flow *flow,
		    const struct flow_stats *stats, uint64_t held)
{
	uint64_t drops = sum_of(stats->drops, FLOW_DROP_COUNT);
	uint64_t received = stat_get(&stats->received), relayed = stat_get(&stats->relayed);

	if (received != relayed + drops + held) {
		sim_broken("received = relayed + drops # %lu, %lu, %lu", received, relayed, drops);
	}
	if (received != flow->handed) {
		sim_broken("received is what was handed over # %lu, %lu", received, flow->handed);
	}
	if (flow->circled) {
		relayed += check_circled(flow, stats);
	} else if (sim_is_wild(w, flow)) {
		return;
	}
	if (relayed != flow->relayed) {
		sim_broken("relayed is what ought to be # %lu, %lu", relayed, flow->relayed);
	}
	for (unsigned i = 0; i < FLOW_DROP_COUNT; i++) {
		if (stat_get(&stats->drops[i]) != flow->drops[i] &&
		    !(i == FLOW_DROP_CIRCLED && flow->circled)) {
			sim_broken("drops of a flow for the reason they have # %u: %lu, %lu", i,
				   stat_get(&stats->drops[i]), flow->drops[i]);
		}
	}
}

/* Of reasons that errors of sends have too there may be more; the others are counted exactly. */
static void check_due(const struct sim_output *o, const struct output_stats *stats)
{
	for (unsigned i = 0; i < OUTPUT_DROP_COUNT; i++) {
		uint64_t dropped = stat_get(&stats->drops[i]);
		bool exact = i == OUTPUT_DROP_PENDING || i == OUTPUT_DROP_NO_SOURCE ||
			     i == OUTPUT_DROP_TTL_EXPIRED;

		if (dropped < o->due[i] || (exact && dropped > o->due[i])) {
			sim_broken("drops of an output for the reason they have # %u: %lu, %lu", i,
				   dropped, o->due[i]);
		}
	}
}

void sim_check_output(const struct sim_world *w, const struct sim_output *o,
		      const struct output_stats *stats, uint64_t pending)
{
	uint64_t drops = sum_of(stats->drops, OUTPUT_DROP_COUNT);
	uint64_t offered = stat_get(&stats->offered), sent = stat_get(&stats->sent);

	if (offered != sent + drops + pending) {
		sim_broken("offered = sent + drops # %lu, %lu, %lu, and %lu under way", offered,
			   sent, drops, pending);
	}
	if (!sim_is_wild(w, &w->flows[o->flow])) {
		check_due(o, stats);
	}
	if (sent != o->sent || stat_get(&stats->sent_bytes) != o->sent_bytes) {
		sim_broken("sent is what left # %lu, %lu", sent, o->sent);
	}
}

static void check_asker(const struct sim_output *o, const struct output_place *place)
{
	struct addr who = {0}, due = o->asked > 0 ? sim_sender(o->asked) : (struct addr){0};

	(void)asker_get(&place->asker, &who);
	if (!addr_ip_equal(&who, &due) || who.port != due.port) {
		sim_broken("who asked last # port %u, not %u", who.port, due.port);
	}
}

/* While one is replaced, it and who comes after count apart. */
static void check_output(const struct sim_world *w, const struct sim_output *o)
{
	const struct sim_flow *flow = &w->flows[o->flow];
	const struct egress *eg = &w->shards[flow->shard].egress;
	const struct output_place *place = egress_place(eg, place_index(o->token));
	struct output_stats both = place->stats;
	uint64_t pending = pending_of(eg, o->token);

	if (place->output.token != o->token) {
		sim_broken("an output has left its place");
	}
	if (o->old_token != SIM_NONE) {
		counters_add(&counter_families[COUNTERS_OUTPUT], &both,
			     &egress_place(eg, place_index(o->old_token))->stats);
		counters_add(&counter_families[COUNTERS_OUTPUT_DROPS], &both,
			     &egress_place(eg, place_index(o->old_token))->stats);
		pending += pending_of(eg, o->old_token);
	}
	if (o->old_token == SIM_NONE &&
	    relay_offered(
		    &relay_place(&w->shards[flow->shard].relay, place_index(flow->token))->flow) -
			    place->output.relayed_before !=
		    stat_get(&both.offered)) {
		sim_broken("relayed before it came # %lu", place->output.relayed_before);
	}
	if (place->output.fd != sim_fd(o->sock)) {
		sim_broken("an output has another socket # %d", place->output.fd);
	}
	sim_check_output(w, o, &both, pending);
	if (sim_is_wild(w, flow)) {
		return;
	}
	check_asker(o, place);
	if (stat_get(&both.offered) != sim_offered(w, flow) - o->base) {
		sim_broken("offered is what was relayed # %lu, %lu", stat_get(&both.offered),
			   sim_offered(w, flow) - o->base);
	}
}

static void check_place(const struct sim_world *w, const struct sim_flow *flow)
{
	const struct relay *r = &w->shards[flow->shard].relay;
	const struct flow_place *place = relay_place(r, place_index(flow->token));

	if (place->flow.token != flow->token) {
		sim_broken("a flow has left its place");
	}
	if (place->flow.fd != sim_fd(flow->sock)) {
		sim_broken("a flow has another socket # %d", place->flow.fd);
	}
	sim_check_flow(w, flow, &place->stats, relay_held(&place->flow));
	if (w->shards[flow->shard].ended != 0 && flow->sock != SIM_NONE &&
	    stat_get(&place->stats.kernel_drops) != flow->lost + w->socks[flow->sock].drops) {
		sim_broken("kernel drops # %lu, %lu", stat_get(&place->stats.kernel_drops),
			   flow->lost + w->socks[flow->sock].drops);
	}
}

bool sim_has_more(const struct sim_world *w, uint32_t shard)
{
	const struct ring *ring = w->shards[shard].ring;

	return ring->recv_head != ring->recv_tail;
}

void sim_check(struct sim_world *w)
{
	for (uint32_t i = 0; i < SIM_SHARDS; i++) {
		const struct sim_shard *s = &w->shards[i];

		if (s->ended < 0) {
			continue; /* its slots stay where they are */
		}
		check_counts(s);
		for (unsigned cls = 0; cls < POOL_CLASS_COUNT; cls++) {
			check_class(s, (enum pool_class)cls);
			check_lent(s, cls);
		}
		if (s->turns % 16 == 0 && !pool_consistent(&s->pool)) {
			sim_broken("the pool is not consistent");
		}
	}
	for (uint32_t i = 0; i < SIM_FLOWS; i++) {
		if (w->flows[i].used && !w->flows[i].busy && !sim_has_more(w, w->flows[i].shard)) {
			check_place(w, &w->flows[i]);
		}
	}
	for (uint32_t i = 0; i < SIM_FEEDS; i++) {
		if (w->feed_list[i].used) {
			sim_check_feed(w, &w->feed_list[i], false);
		}
	}
	sim_check_twins(w);
	for (uint32_t i = 0; i < SIM_OUTPUTS; i++) {
		const struct sim_output *o = &w->outputs[i];

		if (o->used && !o->busy && !w->flows[o->flow].busy &&
		    !sim_has_more(w, w->flows[o->flow].shard)) {
			check_output(w, o);
		}
	}
}
