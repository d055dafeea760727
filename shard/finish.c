/* finish.c - sends what a shard had received when its thread was killed. See finish.h.
 *
 * Of what the dead thread was just about only facts are believed: how many pieces each train has,
 * which sends were made, how far each output has taken what came, and what lies in the queue of
 * receptions. Everything that follows from these is built anew: which trains are free, the outputs'
 * queues, who holds which slot. Then the shard's own code goes on from there, on a ring that sends
 * at once: trains that were not sent are, in their order, and behind them what each output has not
 * taken yet of the receptions in the queue.
 *
 * Two things cannot be known. Of the reception at hand that belongs to a merge, whether its numbers
 * were judged to be news just now or before; so it is not relayed. And of a send that was refused,
 * whether the next one would have been; so it is counted as lost. Slots are never given to the
 * kernel again, so nothing is overwritten. Whoever finishes the work of the dead threads.
 */
#include "shard/finish.h"

#include "shard/egress_send.h"
#include "shard/journal.h"
#include "shard/relay_merge.h"
#include "src/base/clock.h"
#include "src/base/must.h"

#define FINISH_NS (500 * NS_PER_MS)

static uint64_t count_sent(const struct egress *eg);
static uint64_t count_dropped(const struct egress *eg);
static bool is_of_the_path(unsigned drop);
static void forget_holds(struct relay *r);
static void hold(struct pool *pool, uint32_t slot);
static void forget_queues(struct egress *eg);
static void look_at_trains(struct egress *eg, const uint8_t *fates, struct finish *result);
static void measure(struct train *t);
static bool is_unsent(struct train *t, enum ring_fate fate);
static void enlist(struct egress *eg, struct train *t, uint32_t idx);
static void take_receptions(struct relay *r, bool at_hand, struct finish *result);
static void hand_out_rest(struct relay *r, const struct ingress_flow *flow,
			  const struct datagram *d);
static bool trim(struct datagram *d, uint64_t taken);
static void send_all(struct relay *r);

void shard_finish(struct shard *shard, struct finish *result)
{
	static uint8_t fates[TRAIN_COUNT];
	struct relay *r = &shard->relay;
	uint64_t sent = count_sent(r->egress), dropped = count_dropped(r->egress);
	bool at_hand = ring_salvage(r->ring, fates);

	forget_holds(r);
	forget_queues(r->egress);
	look_at_trains(r->egress, fates, result);
	take_receptions(r, at_hand, result);
	send_all(r);
	result->sent += count_sent(r->egress) - sent;
	result->lost += count_dropped(r->egress) - dropped;
}

static uint64_t count_sent(const struct egress *eg)
{
	uint64_t sum = 0;

	for (uint32_t i = 0; i < eg->place_count; i++) {
		sum += stat_get(&egress_place(eg, i)->stats.sent);
	}
	return sum;
}

static uint64_t count_dropped(const struct egress *eg)
{
	uint64_t sum = 0;

	for (uint32_t i = 0; i < eg->place_count; i++) {
		for (unsigned drop = 0; drop < OUTPUT_DROP_COUNT; drop++) {
			sum += is_of_the_path(drop)
				       ? stat_get(&egress_place(eg, i)->stats.drops[drop])
				       : 0;
		}
	}
	return sum;
}

/* And not what the rules want dropped, or an output without a socket. */
static bool is_of_the_path(unsigned drop)
{
	return drop != OUTPUT_DROP_PENDING && drop != OUTPUT_DROP_NO_SOURCE &&
	       drop != OUTPUT_DROP_RATE_LIMITED && drop != OUTPUT_DROP_TTL_EXPIRED;
}

/* All slots are free, and none is to be had. */
static void forget_holds(struct relay *r)
{
	for (unsigned cls = 0; cls < POOL_CLASS_COUNT; cls++) {
		struct pool_class_state *c = &r->pool->classes[cls];

		c->free_count = 0;
		c->ring_count = 0;
		for (uint32_t i = 0; i < c->count; i++) {
			c->state[i] = POOL_FREE;
		}
	}
	for (const struct relay_merge *rm = r->merges; rm; rm = rm->next) {
		for (unsigned leg = 0; leg < MERGE_LEGS_MAX; leg++) {
			const struct datagram *held = &rm->held[leg];

			if (held->count > 0) {
				hold(r->pool, held->slot);
			}
		}
	}
}

static void hold(struct pool *pool, uint32_t slot)
{
	uint16_t *state = &pool_class_of(pool, slot)->state[pool_slot_index(slot)];

	*state = *state == POOL_FREE ? POOL_HELD : (uint16_t)(*state + 1);
}

static void forget_queues(struct egress *eg)
{
	for (uint32_t i = 0; i < eg->place_count; i++) {
		struct egress_output *o = egress_output(eg, i);

		o->queue.open = o->queue.first = TRAIN_NONE;
		o->newest = o->awaited = TRAIN_NONE;
		o->in_flight = 0;
		o->after = PLACE_NONE;
		o->zerocopy.min_bytes = 0;
		o->dirty = false;
		o->file = (uint32_t)o->fd;
	}
	for (unsigned level = 0; level < RULE_LEVELS; level++) {
		eg->dirty[level] = PLACE_LIST_EMPTY;
	}
	eg->zerocopy = (struct zerocopy){0};
	eg->dirty_levels = 0;
	eg->dirty_count = 0;
	eg->in_flight = 0;
	eg->held = 0;
	eg->free = TRAIN_NONE;
	eg->now_ns = clock_now_ns();
}

/* How far outputs have come is known by their trains, too. Those that were not sent are enlisted
 * again, the others are free. */
static void look_at_trains(struct egress *eg, const uint8_t *fates, struct finish *result)
{
	for (uint32_t i = 0; i < eg->train_count; i++) {
		struct train *t = &eg->trains[i];
		struct egress_output *o = egress_output(eg, place_index(t->output));

		if (t->state != TRAIN_FREE && o->token == t->output && t->iov_count > 0) {
			uint64_t end = t->ends[(t->iov_count - 1) & 1];

			o->taken = end > o->taken ? end : o->taken;
		}
		if (t->state != TRAIN_FREE && t->state != TRAIN_HELD && fates[i] == RING_FAILED) {
			result->lost += train_send_datagrams(t);
		}
		if (is_unsent(t, (enum ring_fate)fates[i]) && o->token == t->output && o->fd >= 0) {
			enlist(eg, t, i);
		} else {
			t->state = TRAIN_FREE;
			t->next = eg->free;
			eg->free = i;
		}
	}
}

/* Whether there is something of it to send; then it is as one that was never sent. */
static bool is_unsent(struct train *t, enum ring_fate fate)
{
	bool made = fate == RING_MADE || fate == RING_FAILED;

	switch ((enum train_state)t->state) {
	case TRAIN_FREE:
	case TRAIN_HELD:
		return false;
	case TRAIN_OPEN:
	case TRAIN_CLOSED:
		break;
	case TRAIN_IN_FLIGHT:
		made = fate != RING_UNMADE; /* its answer was taken already, or never awaited */
		break;
	}
	measure(t);
	if (t->way == TRAIN_SINGLES) {
		t->single_at += made;
		return t->single_at < t->datagrams;
	}
	t->way = TRAIN_WHOLE;
	return !made && t->iov_count > 0;
}

/* The sums of its pieces, which the dead thread may not have come to. */
static void measure(struct train *t)
{
	t->bytes = 0;
	t->datagrams = 0;
	for (uint32_t i = 0; i < t->iov_count; i++) {
		uint32_t bytes = (uint32_t)t->iov[i].iov_len;
		uint32_t segment = t->segment_bytes;

		t->bytes += bytes;
		t->datagrams += bytes > segment ? (bytes + segment - 1) / segment : 1;
	}
}

/* Behind those of its output that were closed before. Nothing is appended to it any more. */
static void enlist(struct egress *eg, struct train *t, uint32_t idx)
{
	struct egress_output *o = egress_output(eg, place_index(t->output));
	uint32_t *link = &o->queue.first;

	if (t->state == TRAIN_OPEN) {
		t->seq = o->queue.next_seq++;
	}
	t->state = TRAIN_CLOSED;
	while (*link != TRAIN_NONE && eg->trains[*link].seq < t->seq) {
		link = &eg->trains[*link].next;
	}
	t->next = *link;
	*link = idx;
	if (t->next == TRAIN_NONE) {
		o->queue.last = idx;
	}
	for (uint32_t i = 0; i < t->iov_count; i++) {
		hold(eg->pool, t->slots[i]);
	}
	egress_mark_dirty(eg, o);
}

static void take_receptions(struct relay *r, bool at_hand, struct finish *result)
{
	struct ring_recv event;

	for (; ring_next_recv(r->ring, &event); at_hand = false) {
		struct ingress_flow *flow = &relay_place(r, place_index(event.flow))->flow;
		uint32_t slot;
		struct datagram d;

		if (!event.has_slot || flow->token != event.flow) {
			continue;
		}
		slot = pool_slot_id((enum pool_class)ring_class_of(event.group), event.slot);
		hold(r->pool, slot);
		if (ingress_accept(flow, &event, r->pool, &d)) {
			d.place = journal_place(ring_taken(r->ring));
			d.stamp_ns = 0;
			if (flow->rule->standby) {
				stat_add(&flow->stats->drops[FLOW_DROP_STANDBY], d.count);
			} else if (flow->judge == NULL) {
				stat_add(&flow->stats->relayed, d.count);
				hand_out_rest(r, flow, &d);
			} else if (at_hand) {
				stat_add(&flow->stats->drops[FLOW_DROP_SHUTDOWN], d.count);
				result->lost += d.count;
			} else {
				relay_take_merged(r, flow, &d);
			}
		}
		(void)pool_drop(r->pool, slot);
	}
}

/* To each output what it has not taken. */
static void hand_out_rest(struct relay *r, const struct ingress_flow *flow,
			  const struct datagram *d)
{
	uint32_t o = flow->first_output;

	while (o != PLACE_NONE) {
		const struct egress_output *output = egress_output(r->egress, o);
		struct datagram rest = *d;

		if (trim(&rest, output->taken)) {
			relay_hand_to(r, o, &rest);
		}
		o = output->sibling;
	}
}

/* Takes away the datagrams that end at `taken' or before; whether any is left. */
static bool trim(struct datagram *d, uint64_t taken)
{
	while (d->count > 0) {
		uint32_t bytes = d->count > 1 ? d->segment_bytes : d->bytes;

		if (d->place + bytes > taken) {
			return true;
		}
		d->payload += bytes;
		d->place += bytes;
		d->bytes -= bytes;
		d->count--;
	}
	return false;
}

static void send_all(struct relay *r)
{
	uint64_t end_ns = clock_now_ns() + FINISH_NS;
	struct ring_sent sent;

	do {
		egress_flush(r->egress);
		while (ring_next_sent(r->ring, &sent)) {
			egress_done(r->egress, &sent);
		}
	} while (egress_busy(r->egress) && clock_now_ns() < end_ns);
	egress_abandon(r->egress);
}
