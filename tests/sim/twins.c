/* twins.c - a rule on two machines that change places in a simulation (shard/baton.h).
 *
 * Each shard stands for one of the machines, and both hear the same, which their kernels stamp
 * alike; but what they coalesce, and who of two senders comes first, is not the same. The steps are
 * those of src/run/relief.c: the one that comes holds, the one that goes notes from which datagrams
 * on it has not relayed, the other follows. As long as neither falls behind by more than they wait
 * for each other, each datagram is relayed by one of the two, and of one sender all by the one
 * before all by the other.
 */
#include <stdlib.h>
#include <string.h>

#include "shard/baton.h"
#include "src/base/clock.h"
#include "src/base/must.h"
#include "tests/sim/sim.h"

#define MARKS      8
#define WINDOW_NS  (20 * NS_PER_MS)
#define FOLLOW_NS  (200 * NS_PER_MS)
#define GIVE_UP_NS (3 * NS_PER_S)
#define SALT       7
#define ROOM       4 /* packets that come at once */

void sim_begin_twins(struct sim_world *w)
{
	struct sim_twins *t = &w->twins;
	uint32_t found = 0;

	for (uint32_t i = 0; i < SIM_FLOWS && found < SIM_SHARDS && !t->used; i++) {
		if (!w->flows[i].used) {
			t->flows[found++] = i;
		}
	}
	if (found < SIM_SHARDS) {
		return;
	}
	t->used = true;
	for (uint32_t i = 0; i < SIM_SHARDS; i++) {
		w->plan[i].leg = i;
	}
	w->plan_count = SIM_SHARDS;
	w->plan_at = 0;
	w->plan_twins = true;
	sim_next_step(w);
}

static struct sim_flow *twin(struct sim_world *w, uint32_t shard)
{
	return &w->flows[w->twins.flows[shard]];
}

static bool is_there(const struct sim_world *w)
{
	for (uint32_t i = 0; i < SIM_SHARDS; i++) {
		const struct sim_flow *flow = &w->flows[w->twins.flows[i]];

		if (!w->twins.used || !flow->used || flow->busy || !flow->is_twin) {
			return false;
		}
	}
	return true;
}

/* Gives a packet its numbers. */
static void number(struct sim_twins *t, struct sim_packet *packet)
{
	packet->first = t->next_number;
	for (uint32_t k = 0; k < packet->count; k++) {
		t->sent_by[t->next_number % SIM_NUMBERS] = 0;
		t->senders[t->next_number++ % SIM_NUMBERS] = packet->sender;
	}
	t->brought += packet->count;
}

/* As another machine hears it: the first of its datagrams in a train of their own. */
static void arrive_cut(struct sim_world *w, struct sim_flow *flow, struct sim_packet packet,
		       uint32_t first)
{
	struct sim_packet rest = packet;

	if (first < packet.count) {
		packet.count = first;
		packet.last_bytes = packet.segment;
		rest.first += first;
		rest.count -= first;
		sim_arrive(w, flow, packet);
		sim_turn(w, flow->shard); /* it may be told something in between */
	}
	sim_arrive(w, flow, rest);
}

/* To both or to neither: what one alone has heard is lost or doubled by whoever is in charge. Each
 * sender is heard in order, but its trains are cut otherwise on the other machine, and who comes
 * first of two senders is another one there. */
void sim_bring_twins(struct sim_world *w, struct sim_packet packet, uint32_t times)
{
	struct sim_twins *t = &w->twins;

	for (uint32_t i = 0; i < times && is_there(w); i++) {
		struct sim_packet other = packet;

		if (w->socks[twin(w, 0)->sock].count + ROOM > w->conf.queue ||
		    w->socks[twin(w, 1)->sock].count + ROOM > w->conf.queue) {
			return;
		}
		packet.sender = (packet.sender + i / 3) % SIM_SENDERS;
		packet.count = 1 + (times + i) % 4;
		other.sender = packet.sender ^ 1;
		other.count = 1 + i % 4;
		number(t, &packet);
		number(t, &other);
		sim_arrive(w, twin(w, 0), packet);
		sim_arrive(w, twin(w, 0), other);
		arrive_cut(w, twin(w, 1), other, 1 + i % 3);
		arrive_cut(w, twin(w, 1), packet, 1 + i % 2);
	}
}

static struct baton *make_baton(const struct sim_world *w, bool follows)
{
	struct baton *b = calloc(1, baton_bytes(MARKS));

	must(b);
	b->follows = follows;
	b->room = baton_room(MARKS);
	b->end_ns = w->clock_ns + GIVE_UP_NS;
	return b;
}

/* As whoever prints and reads the marks. */
static void pass_marks(struct sim_world *w)
{
	struct sim_twins *t = &w->twins;

	t->follows = make_baton(w, true);
	t->follows->since_ns = t->notes->since_ns + WINDOW_NS / 2;
	for (uint32_t i = 0; i < t->notes->room; i++) {
		if (t->notes->marks[i].sender != 0) {
			must(baton_add(t->follows, &t->notes->marks[i]));
		}
	}
}

/* Whether the phase before is over. */
static bool is_due(struct sim_world *w)
{
	struct sim_twins *t = &w->twins;
	uint64_t passed_ns = w->clock_ns - t->phase_ns;

	switch (t->phase) {
	case SIM_NOTES:
		return passed_ns >= WINDOW_NS && w->socks[twin(w, t->active)->sock].count == 0;
	case SIM_FOLLOWS:
		return passed_ns >= FOLLOW_NS &&
		       (stat_get(&t->follows->met) + stat_get(&t->follows->passed) ==
				t->follows->count ||
			passed_ns >= GIVE_UP_NS) &&
		       w->socks[twin(w, 1 - t->active)->sock].count == 0;
	default:
		return true;
	}
}

void sim_relieve(struct sim_world *w)
{
	struct sim_twins *t = &w->twins;
	struct shard_duty duty = {.standby = true, .salt = SALT};
	uint32_t shard = 1 - t->active;

	if (!is_there(w) || !is_due(w)) {
		return;
	}
	switch (t->phase) {
	case SIM_SETTLED:
		duty.hold = true;
		t->phase = SIM_HELD;
		break;
	case SIM_HELD:
		shard = t->active;
		t->notes = make_baton(w, false);
		duty.baton = t->notes;
		t->phase = SIM_NOTES;
		break;
	case SIM_NOTES:
		shard = t->active;
		t->phase = SIM_READ;
		break;
	case SIM_READ:
		pass_marks(w);
		duty.baton = t->follows;
		t->phase = SIM_FOLLOWS;
		break;
	case SIM_FOLLOWS:
		duty.standby = false;
		t->active = 1 - t->active;
		t->phase = SIM_SETTLED;
		t->reliefs++;
		break;
	}
	t->phase_ns = w->clock_ns;
	sim_ask_duty(w, t->flows[shard], &duty);
}

void sim_twin_sent(struct sim_world *w, const struct sim_flow *flow, uint32_t number)
{
	uint8_t *by = &w->twins.sent_by[number % SIM_NUMBERS];

	if (*by != 0 && !w->twins.late && number >= w->twins.trusted_from) {
		sim_broken("both twins have sent it # %u", number);
	}
	*by = (uint8_t)(flow->shard + 1);
}

/* Of each sender, what the one has sent comes before what the other has. */
static void check_order(struct sim_twins *t)
{
	uint8_t last[SIM_SENDERS] = {0};
	uint32_t changes[SIM_SENDERS] = {0};

	for (uint32_t n = t->seen_from; n < t->next_number; n++) {
		uint8_t by = t->sent_by[n % SIM_NUMBERS], sender = t->senders[n % SIM_NUMBERS];

		if (by != 0 && by != last[sender]) {
			changes[sender] += last[sender] != 0;
			last[sender] = by;
		}
		if (changes[sender] > t->reliefs) {
			sim_broken("twins took turns # at %u of sender %u", n, sender);
		}
	}
	t->seen_from = t->next_number;
	t->reliefs = 0;
}

static uint64_t relayed(struct sim_world *w)
{
	uint64_t sum = 0;

	for (uint32_t i = 0; i < SIM_SHARDS; i++) {
		sum += stat_get(&relay_place(&w->shards[i].relay, place_index(twin(w, i)->token))
					 ->stats.relayed);
	}
	return sum;
}

/* When both have had all. */
void sim_check_twins(struct sim_world *w)
{
	struct sim_twins *t = &w->twins;

	t->late =
		t->late || (t->phase != SIM_SETTLED && w->clock_ns - t->phase_ns >= GIVE_UP_NS / 2);
	if (!is_there(w) || t->phase != SIM_SETTLED || w->job.kind != SIM_IDLE ||
	    w->socks[twin(w, 0)->sock].count + w->socks[twin(w, 1)->sock].count > 0 ||
	    w->shards[0].ended != 0 || w->shards[1].ended != 0 || sim_has_more(w, 0) ||
	    sim_has_more(w, 1)) {
		return;
	}
	if (t->late) {
		t->late = false;
		t->relayed_base = relayed(w) - t->brought;
		t->seen_from = t->trusted_from = t->next_number;
		t->reliefs = 0;
	}
	if (relayed(w) != t->brought + t->relayed_base) {
		sim_broken("what one of the twins has relayed # %lu of %lu",
			   relayed(w) - t->relayed_base, t->brought);
	}
	check_order(t);
}
