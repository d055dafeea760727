/* world.c - opens the shards of a simulation, turns them, and ends them.
 *
 * Each is what shard/shard.c makes of it: pool, egress, relay and mailbox, on the fake ring in
 * place of an engine, in an arena of its own.
 */
#include <errno.h>
#include <string.h>

#include "shard/relay_band.h"
#include "shard/relay_flows.h"
#include "shard/relay_merge.h"
#include "src/base/clock.h"
#include "src/base/must.h"
#include "tests/sim/trace.h"

#define TURNS_MAX   20000 /* until all is quiet, with the sky clear */
#define DRAIN_NS    (300 * NS_PER_MS)
#define CALM_NS     (20 * NS_PER_MS) /* a turn of a shard that has nothing to do */
#define BEGIN_FLOWS 3
#define LATE_TURNS  5 /* in which something still comes to a shard that ends */

static void cut(struct sim_shard *s, const struct sim_conf *conf, const struct pool_counts *counts,
		struct arena *arena)
{
	relay_cut(&s->relay, SIM_FLOWS / 2, arena);
	for (uint32_t i = 0; i < SIM_FEEDS; i++) {
		relay_merge_add_block(&s->relay, sim_feed_bytes(), arena);
	}
	egress_cut(&s->egress, SIM_OUTPUTS / 2, conf->trains, arena);
	zerocopy_cut(&s->egress.zerocopy, counts, conf->trains, arena);
	pool_cut(&s->pool, counts, arena);
}

static void describe_groups(struct ring_params *params, const struct pool_counts *counts)
{
	for (unsigned cls = 0; cls < POOL_CLASS_COUNT; cls++) {
		struct ring_group *group = &params->groups[cls];

		if (counts->count[cls] == 0) {
			continue;
		}
		group->slot_bytes = SLOT_HEAD_BYTES + pool_payload_bytes((enum pool_class)cls);
		for (group->depth = 1; group->depth * 2 <= counts->count[cls];) {
			group->depth *= 2;
		}
		params->groups[band_group(BAND_KEPT, cls)] =
			(struct ring_group){group->depth / BAND_KEPT_SHARE, group->slot_bytes};
		params->groups[band_group(BAND_APART, cls)] =
			(struct ring_group){group->depth / BAND_APART_SHARE, group->slot_bytes};
	}
}

static void open_ring(struct sim_shard *s, const struct sim_conf *conf,
		      const struct pool_counts *counts)
{
	struct regbuf_limit limit = {.slots = conf->slots_train / 2, .bytes = REGBUF_ALL};
	struct ring_params params = {.sq_entries = 8,
				     .cq_entries = 16,
				     .flows = s->relay.place_count,
				     .files = s->relay.place_count + s->egress.place_count,
				     .sends = conf->trains,
				     .stats = &s->ring_stats};
	struct iovec areas[RING_BUFFERS_MAX];

	describe_groups(&params, counts);
	if (conf->zerocopy > 0) {
		regbuf_plan(counts, &limit, &s->egress.zerocopy.areas);
		regbuf_areas(&s->egress.zerocopy.areas, &s->pool, areas);
		params.zerocopy = true;
		params.buffers = areas;
		params.buffer_count = s->egress.zerocopy.areas.area_count;
	}
	s->ring = fake_open(&params);
	fake_feed_from(s->ring, sim_feed, s->world);
	fake_decide_sends(s->ring, sim_decide, s);
}

static void open_shard(struct sim_shard *s, const struct sim_conf *conf)
{
	struct pool_counts counts = {{conf->slots_small, 0, 0, conf->slots_train}};
	struct arena counter = ARENA_COUNTER;

	cut(s, conf, &counts, &counter);
	must(arena_map(&s->arena, counter.used_bytes, ARENA_HUGE_OFF) == 0);
	cut(s, conf, &counts, &s->arena);
	pool_init(&s->pool, s->pool_stats);
	egress_init(&s->egress, conf->train_max, &s->pool);
	open_ring(s, conf, &counts);
	must(mailbox_open(&s->mailbox) == 0);
	s->egress.ring = s->relay.ring = s->ring;
	s->egress.batches = &s->batches;
	s->relay.pool = &s->pool;
	s->relay.egress = &s->egress;
	s->relay.mailbox = &s->mailbox;
	s->relay.answer_ns = SILENCE_MAX_US * NS_PER_US;
	s->relay.drain_ns = DRAIN_NS;
	relay_start(&s->relay);
}

void sim_open(struct sim_world *w, const struct sim_conf *conf)
{
	sim_world = w;
	w->conf = *conf;
	w->clock_ns = NS_PER_S;
	for (uint32_t i = 0; i < SIM_SHARDS; i++) {
		w->shards[i].world = w;
		w->shards[i].number = i;
		w->shards[i].weather.seed = conf->seed + i + 1;
		open_shard(&w->shards[i], conf);
	}
	for (uint32_t i = 0; i < BEGIN_FLOWS; i++) {
		sim_begin_flow(w, i % SIM_SHARDS, 1 + i % SIM_FLOW_OUTPUTS, conf->seed + i);
		sim_turn(w, i % SIM_SHARDS);
	}
}

void sim_wake(struct sim_shard *s)
{
	fake_wake(s->ring);
}

void sim_turn(struct sim_world *w, uint32_t shard)
{
	struct sim_shard *s = &w->shards[shard];

	if (s->ended != 0) {
		return;
	}
	w->clock_ns += SIM_STEP_NS;
	s->ended = relay_turn(&s->relay);
	s->turns++;
	sim_take_answer(w, s);
	if (s->turns % 64 == 0) {
		fake_forget_sends(s->ring);
	}
}

void sim_clear_sky(struct sim_shard *s)
{
	s->weather.odds = 0;
	fake_shuffle_answers(s->ring, 0);
	fake_reverse_answers(s->ring, false);
	fake_delay_sends(s->ring, 0);
	fake_limit_burst(s->ring, 0);
	fake_delay_cancel(s->ring, 0);
	fake_keep_memory(s->ring, false);
	fake_say_copied(s->ring, false);
}

/* Whether what came to the flow ought to have been relayed by now. */
static bool is_waiting(const struct sim_world *w, const struct sim_flow *flow)
{
	return flow->used && flow->sock != SIM_NONE && !flow->held &&
	       w->socks[flow->sock].count > 0;
}

/* Then it takes turn after turn, and no time. */
static bool sends(const struct sim_shard *s)
{
	return s->egress.dirty_count > 0 || s->egress.in_flight > 0;
}

static bool is_quiet(const struct sim_world *w)
{
	for (uint32_t i = 0; i < SIM_SHARDS; i++) {
		if (w->shards[i].ended == 0 && egress_busy(&w->shards[i].egress)) {
			return false;
		}
	}
	for (uint32_t i = 0; i < SIM_FLOWS; i++) {
		if (is_waiting(w, &w->flows[i])) {
			return false;
		}
	}
	return w->job.kind == SIM_IDLE;
}

void sim_settle(struct sim_world *w)
{
	for (uint32_t i = 0; i < SIM_SHARDS; i++) {
		sim_clear_sky(&w->shards[i]);
	}
	for (uint32_t turn = 0; !is_quiet(w); turn++) {
		if (turn == TURNS_MAX) {
			sim_broken("it does not come to rest: %s",
				   w->job.kind != SIM_IDLE ? "a message is not answered"
							   : "datagrams wait");
		}
		w->clock_ns += sends(&w->shards[0]) || sends(&w->shards[1]) ? 0 : CALM_NS;
		for (uint32_t i = 0; i < SIM_SHARDS; i++) {
			sim_turn(w, i);
		}
		sim_check(w);
	}
}

static struct flow_place *place_of(const struct sim_world *w, const struct sim_flow *flow)
{
	return relay_place(&w->shards[flow->shard].relay, place_index(flow->token));
}

/* Every other flow has a socket that outlives the shard, and more comes to it. */
static void store_some(struct sim_world *w, const struct sim_shard *s, enum sim_end how)
{
	for (uint32_t i = 0; i < SIM_FLOWS; i += 2) {
		struct sim_flow *flow = &w->flows[i];

		if (flow->used && !flow->busy && flow->shard == s->number &&
		    flow->sock != SIM_NONE && how == SIM_END_HAND_OVER) {
			place_of(w, flow)->stored = true;
		}
	}
}

/* What waits there is left as it is, group and all, to who comes next, who knows what was dropped;
 * what others had is counted. */
static void check_stored(const struct sim_world *w, const struct sim_shard *s)
{
	for (uint32_t i = 0; i < SIM_FLOWS; i++) {
		const struct sim_flow *flow = &w->flows[i];
		const struct sim_sock *sock = &w->socks[flow->sock % SIM_SOCKS];
		bool kept;

		if (!flow->used || flow->busy || flow->shard != s->number ||
		    flow->sock == SIM_NONE) {
			continue;
		}
		kept = place_of(w, flow)->stored;
		if (kept && s->ended == 1 && (sock->left || sock->refuses || !sock->noted)) {
			sim_broken("a socket that is handed over is left, or shut");
		}
		if (!kept && sock->count > 0 && s->ended == 1) {
			sim_broken("datagrams stay in a socket that nobody has");
		}
	}
}

/* To all that have not gone, whatever their shard is at. */
static void bring_late(struct sim_world *w, const struct sim_shard *s)
{
	const struct sim_packet packet = {.first = SIM_NONE,
					  .count = 1,
					  .segment = SIM_HEAD_BYTES,
					  .last_bytes = SIM_HEAD_BYTES};

	for (uint32_t i = 0; i < SIM_FLOWS; i++) {
		struct sim_flow *flow = &w->flows[i];

		if (flow->used && !flow->busy && !flow->is_twin && flow->shard == s->number &&
		    flow->sock != SIM_NONE && !w->socks[flow->sock].refuses) {
			sim_arrive(w, flow, packet);
		}
	}
}

static void end_shard(struct sim_world *w, struct sim_shard *s)
{
	enum sim_end how = (enum sim_end)(w->conf.end >> 2 * s->number & 3);

	sim_clear_sky(s);
	if (how == SIM_END_FAIL) {
		fake_fail_turn(s->ring, -EIO);
	} else {
		static const uint32_t mails[] = {[SIM_END_DRAIN] = MAIL_DRAIN,
						 [SIM_END_QUIT] = MAIL_QUIT,
						 [SIM_END_HAND_OVER] = MAIL_HAND_OVER};

		store_some(w, s, how);
		s->drains_until_ns = how == SIM_END_QUIT ? 0 : w->clock_ns + DRAIN_NS;
		mailbox_post(&s->mailbox, mails[how]);
		sim_wake(s);
	}
	for (uint32_t turn = 0; s->ended == 0; turn++) {
		if (turn == TURNS_MAX) {
			sim_broken("a shard does not end");
		}
		w->clock_ns += sends(s) ? 0 : CALM_NS;
		if (turn < LATE_TURNS) {
			bring_late(w, s);
		}
		sim_turn(w, s->number);
		sim_check(w);
	}
	check_stored(w, s);
	if (how != SIM_END_FAIL && s->ended != 1) {
		sim_broken("a shard failed at its end # %d", s->ended);
	}
}

static void check_home(const struct sim_shard *s)
{
	for (unsigned cls = 0; s->ended == 1 && cls < POOL_CLASS_COUNT; cls++) {
		if (s->pool.classes[cls].free_count != s->pool.classes[cls].count) {
			sim_broken("a buffer is not home # class %u", cls);
		}
	}
	if (s->egress.in_flight > 0 || s->egress.dirty_count > 0) {
		sim_broken("something is under way at the end");
	}
}

void sim_close(struct sim_world *w)
{
	for (uint32_t i = 0; i < SIM_SHARDS; i++) {
		end_shard(w, &w->shards[i]);
	}
	for (uint32_t i = 0; i < SIM_SHARDS; i++) {
		struct sim_shard *s = &w->shards[i];

		for (uint32_t k = 0; k < SIM_FEEDS; k++) {
			const struct sim_feed *feed = &w->feed_list[k];

			if (feed->used && w->flows[feed->legs[0]].shard == i) {
				sim_check_feed(w, feed, true);
			}
		}
		check_home(s);
		ring_close(s->ring);
		mailbox_close(&s->mailbox);
		arena_unmap(&s->arena);
	}
}
