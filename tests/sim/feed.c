/* feed.c - feeds of two legs in a simulation: what they bring, and what control does to them.
 *
 * A packet comes on both legs, or one of them loses it; now and then its sender leaves numbers out,
 * and what came lately comes again, late, on either leg, whole or in part. So each law of a merge
 * is known beforehand: whoever brings a number first is relayed. Of half of the feeds it is not,
 * since their window and their skew= are as narrow as can be: these are wild (sim.h).
 *
 * Control makes the feed and then its legs; it moves by holding all legs first, as changer.c does.
 */
#include <string.h>

#include "shard/relay_merge.h"
#include "src/base/must.h"
#include "tests/sim/trace.h"

#define LONG_MS  1000000000 /* more than a simulation lasts */
#define TRAIN    33
#define GAP_ODDS 8

static const struct rule_merge wide = {.rule = {.method = MERGE_BY_NUMBER,
						.leg_count = SIM_LEGS,
						.sequence.number = {.bytes = 4},
						.window = SIM_NUMBERS,
						.skew_ms = LONG_MS,
						.silent_ms = MERGE_SILENT_MS}};

size_t sim_feed_bytes(void)
{
	return relay_merge_bytes(&wide.rule);
}

static struct sim_feed *feed_of(struct sim_world *w, uint32_t choice)
{
	for (uint32_t i = 0; i < SIM_FEEDS; i++) {
		struct sim_feed *feed = &w->feed_list[(choice + i) % SIM_FEEDS];

		if (feed->used) {
			return feed;
		}
	}
	return NULL;
}

static void bring(struct sim_world *w, const struct sim_feed *feed, uint32_t leg,
		  const struct sim_packet *packet)
{
	struct sim_flow *flow = &w->flows[feed->legs[leg]];

	if (flow->used && flow->sock != SIM_NONE) {
		sim_arrive(w, flow, *packet);
	}
}

void sim_bring_feed(struct sim_world *w, const struct sim_event *e, struct sim_packet packet)
{
	struct sim_feed *feed = feed_of(w, e->a);

	if (!feed) {
		return;
	}
	packet.count = e->c % 2 ? 1 : 2 + e->c / 2 % TRAIN;
	if (packet.count * packet.segment > UDP_PAYLOAD_MAX) {
		packet.count = UDP_PAYLOAD_MAX / packet.segment;
	}
	feed->next_number += e->a / 64 % GAP_ODDS == 0 ? 1 + e->a / 512 : 0;
	packet.first = feed->next_number;
	feed->next_number += packet.count;
	feed->lately[feed->lately_count++ % SIM_LATELY] = packet;
	for (uint32_t i = 0; i < SIM_LEGS; i++) {
		uint32_t leg = (e->a / 2 + i) % SIM_LEGS;

		if (e->b / 4096 != leg) { /* one in sixteen is lost there */
			bring(w, feed, leg, &packet);
		}
	}
}

/* A part of what came lately, perhaps all, on one leg. */
void sim_bring_again(struct sim_world *w, const struct sim_event *e)
{
	struct sim_feed *feed = feed_of(w, e->a);
	struct sim_packet packet;
	uint32_t from;

	if (!feed || feed->lately_count == 0) {
		return;
	}
	packet = feed->lately[e->b %
			      (feed->lately_count < SIM_LATELY ? feed->lately_count : SIM_LATELY)];
	from = e->c % 3 == 0 ? e->c / 3 % packet.count : 0;
	packet.first += from;
	packet.count -= from;
	bring(w, feed, e->a / 2 % SIM_LEGS, &packet);
}

static void plan(struct sim_world *w, uint32_t feed, uint32_t shard, const struct sim_step *steps,
		 uint32_t count)
{
	must(count <= SIM_PLAN);
	memcpy(w->plan, steps, count * sizeof(*steps));
	w->plan_count = count;
	w->plan_at = 0;
	w->plan_twins = false;
	w->plan_feed = feed;
	w->plan_shard = shard;
	sim_next_step(w);
}

void sim_begin_feed(struct sim_world *w, const struct sim_event *e)
{
	static const struct sim_step steps[] = {
		{SIM_MAKE_FEED, 0}, {SIM_ADD_FLOW, 0}, {SIM_ADD_FLOW, 1}};
	uint32_t at = 0, found = 0;
	struct sim_feed *feed;

	while (at < SIM_FEEDS && w->feed_list[at].used) {
		at++;
	}
	if (at == SIM_FEEDS) {
		return;
	}
	feed = &w->feed_list[at];
	*feed = (struct sim_feed){.wild = e->c % 2, .key = wide};
	for (uint32_t i = 0; i < SIM_FLOWS && found < SIM_LEGS; i++) {
		if (!w->flows[i].used) {
			feed->legs[found++] = i;
		}
	}
	if (found < SIM_LEGS) {
		return;
	}
	feed->used = true;
	feed->key.lead.at.addr = sim_address(3, (uint16_t)(w->feeds % 60000));
	if (feed->wild) {
		feed->key.rule.window = MERGE_WINDOW_MIN << e->b % 4;
		feed->key.rule.skew_ms = 1 + e->b / 4 % 100;
	}
	w->plan_kind = e->c;
	plan(w, at, e->a % SIM_SHARDS, steps, 3);
}

void sim_change_feed(struct sim_world *w, uint32_t feed, enum sim_job_kind kind)
{
	static const struct sim_step end[] = {{SIM_REMOVE_FLOW, 1}, {SIM_REMOVE_FLOW, 0}};
	static const struct sim_step move[] = {{SIM_HOLD_LEG, 0},
					       {SIM_HOLD_LEG, 1},
					       {SIM_MAKE_FEED, 0},
					       {SIM_MOVE_TAKE, 0},
					       {SIM_MOVE_TAKE, 1}};
	uint32_t shard = w->flows[w->feed_list[feed].legs[0]].shard;

	if (kind == SIM_REMOVE_FLOW) {
		plan(w, feed, shard, end, 2);
	} else {
		plan(w, feed, (shard + 1) % SIM_SHARDS, move, 5);
	}
}

/* The feed is to be on a shard; if its legs are there already, on another one, it moves. */
static void make_feed(struct sim_world *w, struct sim_feed *feed)
{
	const struct sim_flow *lead = &w->flows[feed->legs[0]];
	struct shard_message *m = &w->job.message;

	w->job = (struct sim_job){.kind = SIM_MAKE_FEED, .flow = feed->legs[0], .fresh = SIM_NONE};
	*m = (struct shard_message){.op = SHARD_SET_MERGE, .fd = -1, .flow = PLACE_NONE};
	m->flow_rule.merge = &feed->key;
	if (lead->used && lead->of_feed == w->plan_feed) {
		m->moves = relay_place(&w->shards[lead->shard].relay, place_index(lead->token))
				   ->flow.merge;
		must(m->moves);
	}
	sim_ask(w, w->plan_shard);
}

void sim_next_step(struct sim_world *w)
{
	struct sim_feed *feed = &w->feed_list[w->plan_feed];
	struct sim_step step;
	uint32_t flow;

	if (w->plan_at == w->plan_count) {
		return;
	}
	step = w->plan[w->plan_at++];
	if (w->plan_twins) {
		sim_add_twin(w, step.leg);
		return;
	}
	flow = feed->legs[step.leg];
	switch (step.kind) {
	case SIM_MAKE_FEED:
		make_feed(w, feed);
		break;
	case SIM_ADD_FLOW:
		sim_add_leg(w, feed, step.leg, step.leg == 0 ? 1 + w->plan_kind / 16 % 3 : 0);
		break;
	case SIM_HOLD_LEG:
		w->job = (struct sim_job){.kind = SIM_HOLD_LEG, .flow = flow, .fresh = SIM_NONE};
		w->job.message = (struct shard_message){
			.op = SHARD_HOLD_FLOW, .fd = -1, .flow = w->flows[flow].token};
		sim_ask(w, w->flows[flow].shard);
		break;
	default:
		sim_take_flow(w, flow, step.kind);
		if (step.kind == SIM_REMOVE_FLOW && step.leg == 0) {
			feed->used = false;
		}
	}
}

uint64_t sim_offered(const struct sim_world *w, const struct sim_flow *flow)
{
	return flow->of_feed == SIM_NONE ? flow->relayed : w->feed_list[flow->of_feed].relayed;
}

bool sim_is_wild(const struct sim_world *w, const struct sim_flow *flow)
{
	return flow->is_twin || flow->circled ||
	       (flow->of_feed != SIM_NONE && w->feed_list[flow->of_feed].wild);
}

static void check_sums(const struct merge *m)
{
	uint64_t numbers = stat_get(&m->stats->numbers), only = stat_get(&m->stats->only_left);

	for (uint32_t leg = 0; leg < SIM_LEGS; leg++) {
		const struct leg_stats *l = m->legs[leg].stats;
		uint64_t sum = stat_get(&l->seen) + stat_get(&l->lost) + stat_get(&l->before);

		if (sum != numbers) {
			sim_broken("numbers = seen + lost + before # %lu, %lu, leg %u", numbers,
				   sum, leg);
		}
		only += stat_get(&l->only);
	}
	if (numbers != stat_get(&m->stats->delivered) + stat_get(&m->stats->lost_all) ||
	    stat_get(&m->stats->delivered) != stat_get(&m->stats->shared) + only) {
		sim_broken("numbers = delivered + lost_all # %lu, and %lu delivered", numbers,
			   stat_get(&m->stats->delivered));
	}
}

/* What there was before a leg brought anything it has not lost, wherever it stands by now. */
static void check_before(const struct sim_feed *feed, const struct merge *m)
{
	for (uint32_t leg = 0; leg < SIM_LEGS; leg++) {
		uint32_t from = feed->joined[leg] ? feed->leg_first[leg] : feed->end;
		uint64_t before = stat_get(&m->legs[leg].stats->before);

		if (before != from - feed->first) {
			sim_broken("numbers from before a leg came # %lu, not %u, leg %u", before,
				   from - feed->first, leg);
		}
	}
}

/* While it is made, moved or ended its legs are in several places, or none. */
void sim_check_feed(const struct sim_world *w, const struct sim_feed *feed, bool over)
{
	const struct sim_flow *lead = &w->flows[feed->legs[0]];
	const struct sim_flow *other = &w->flows[feed->legs[1]];
	const struct merge *m;

	if (!lead->used || !other->used || lead->busy || other->busy ||
	    lead->shard != other->shard || w->shards[lead->shard].ended < 0) {
		return;
	}
	m = relay_place(&w->shards[lead->shard].relay, place_index(lead->token))->flow.merge->merge;
	check_sums(m);
	if (!over || feed->wild) {
		return;
	}
	if (stat_get(&m->stats->numbers) != feed->end - feed->first ||
	    stat_get(&m->stats->delivered) != feed->distinct) {
		sim_broken("gaps of a feed # numbers %lu, %u, delivered %lu, %u",
			   stat_get(&m->stats->numbers), feed->end - feed->first,
			   stat_get(&m->stats->delivered), feed->distinct);
	}
	check_before(feed, m);
}
