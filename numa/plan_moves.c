/* plan_moves.c - finds the moves that even out measured loads. See plan_moves.h.
 *
 * Each step looks at the heaviest shard that has not been given up, and at all parts that it owns:
 * for each there is one shard that it may go to, the lightest of its node or of all, so a step
 * costs the number of parts and not that times the shards. A move lessens the sum of squares of the
 * loads, so this ends; MOVES_TRIED bounds it beside.
 */
#include "numa/plan_moves.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "numa/plan_heaps.h"
#include "src/base/must.h"

#define MOVES_TRIED 4 /* times the most moves: a part may be moved more than once on the way */

struct evener {
	const struct topo *topo;
	const struct plan *plan;
	const int *nodes_os;
	const struct plan_part *parts;
	const struct plan_moves_policy *policy;
	struct plan_moves *out;
	uint32_t *shard_of; /* by owner, as moved so far */
	uint32_t *flow_of;  /* by owner */
	bool *given_up;     /* by shard */
	uint32_t *lightest; /* by node slot; PLAN_HEAPS_NONE: no shard there */
	uint32_t lightest_of_all;
	uint32_t owner_count;
	double mean;
};

static int open_evener(struct evener *e);
static void even_out(struct evener *e);
static uint32_t heaviest(const struct evener *e);
static bool gives(const struct evener *e, uint32_t shard);
static void find_lightest(struct evener *e);
static bool give_away(struct evener *e, uint32_t from);
static uint32_t taker_of(const struct evener *e, uint32_t owner);
static bool owns_part(const struct evener *e, uint32_t flow, uint32_t shard);
static double gain(const struct evener *e, uint32_t owner, uint32_t to);
static int list_moves(struct evener *e);
static void close_evener(struct evener *e);

int plan_moves_find(const struct topo *topo, const struct plan *plan, const int *nodes_os,
		    const struct plan_part *parts, const struct plan_moves_policy *policy,
		    struct plan_moves *out)
{
	struct plan_moves found = {0};
	struct evener e = {.topo = topo,
			   .plan = plan,
			   .nodes_os = nodes_os,
			   .parts = parts,
			   .policy = policy,
			   .out = &found,
			   .owner_count = plan->first_owner[plan->flow_count]};
	int rc = open_evener(&e);

	must(policy->tolerance >= 1);
	if (rc == 0) {
		even_out(&e);
	}
	if (rc == 0) {
		rc = list_moves(&e);
	}
	close_evener(&e);
	if (rc < 0) {
		plan_moves_free(&found);
		return rc;
	}
	*out = found;
	return 0;
}

void plan_moves_free(struct plan_moves *moves)
{
	free(moves->moves);
	free(moves->before);
	free(moves->after);
	*moves = (struct plan_moves){0};
}

double plan_moves_peak(const uint64_t *loads, uint32_t count)
{
	double total = 0, most = 0;

	for (uint32_t s = 0; s < count; s++) {
		total += (double)loads[s];
		most = (double)loads[s] > most ? (double)loads[s] : most;
	}
	return total > 0 ? most * count / total : 0;
}

static int open_evener(struct evener *e)
{
	const struct plan *plan = e->plan;
	struct plan_moves *out = e->out;

	out->before = calloc(plan->shard_count + 1UL, sizeof(*out->before));
	out->after = calloc(plan->shard_count + 1UL, sizeof(*out->after));
	e->shard_of = calloc(e->owner_count + 1UL, sizeof(*e->shard_of));
	e->flow_of = calloc(e->owner_count + 1UL, sizeof(*e->flow_of));
	e->given_up = calloc(plan->shard_count + 1UL, sizeof(*e->given_up));
	e->lightest = calloc(e->topo->node_count + 1UL, sizeof(*e->lightest));
	if (!out->before || !out->after || !e->shard_of || !e->flow_of || !e->given_up ||
	    !e->lightest) {
		return -ENOMEM;
	}
	for (uint32_t f = 0; f < plan->flow_count; f++) {
		for (uint32_t o = plan->first_owner[f]; o < plan->first_owner[f + 1]; o++) {
			e->flow_of[o] = f;
			e->shard_of[o] = plan->owners[o].shard;
			out->before[e->shard_of[o]] += e->parts[o].load;
			out->after[e->shard_of[o]] += e->parts[o].load;
			out->total += e->parts[o].load;
		}
	}
	e->mean = plan->shard_count > 0 ? (double)out->total / plan->shard_count : 0;
	return 0;
}

/* What a shard could not give away it may be able to once another one has become lighter. */
static void even_out(struct evener *e)
{
	uint32_t moved = 0;

	for (uint64_t i = 0; i < (uint64_t)MOVES_TRIED * e->policy->most + e->plan->shard_count;
	     i++) {
		uint32_t from = heaviest(e);

		if (from == PLAN_HEAPS_NONE || moved == e->policy->most) {
			return;
		}
		find_lightest(e);
		if (give_away(e, from)) {
			moved++;
			memset(e->given_up, 0, e->plan->shard_count * sizeof(*e->given_up));
		} else {
			e->given_up[from] = true;
		}
	}
}

static uint32_t heaviest(const struct evener *e)
{
	uint32_t found = PLAN_HEAPS_NONE;

	for (uint32_t s = 0; s < e->plan->shard_count; s++) {
		if (gives(e, s) &&
		    (found == PLAN_HEAPS_NONE || e->out->after[s] > e->out->after[found])) {
			found = s;
		}
	}
	return found;
}

/* Whoever once had too much goes on giving until it has little more than the mean. */
static bool gives(const struct evener *e, uint32_t shard)
{
	double before = (double)e->out->before[shard], now = (double)e->out->after[shard];

	return !e->given_up[shard] && now > PLAN_MOVES_GOAL * e->mean &&
	       (before > now ? before : now) > e->policy->tolerance * e->mean;
}

static void find_lightest(struct evener *e)
{
	for (uint32_t slot = 0; slot <= e->topo->node_count; slot++) {
		e->lightest[slot] = PLAN_HEAPS_NONE;
	}
	e->lightest_of_all = 0;
	for (uint32_t s = 0; s < e->plan->shard_count; s++) {
		uint32_t slot = plan_node_slot(e->topo, e->plan->shards[s].home_os);

		if (e->lightest[slot] == PLAN_HEAPS_NONE ||
		    e->out->after[s] < e->out->after[e->lightest[slot]]) {
			e->lightest[slot] = s;
		}
		if (e->out->after[s] < e->out->after[e->lightest_of_all]) {
			e->lightest_of_all = s;
		}
	}
}

/* The part whose move makes the heavier of the two shards lightest; false when none is worth it. */
static bool give_away(struct evener *e, uint32_t from)
{
	uint32_t best = 0, best_to = PLAN_HEAPS_NONE;
	double best_gain = 0;

	for (uint32_t o = 0; o < e->owner_count; o++) {
		uint32_t to;

		if (e->shard_of[o] != from || e->parts[o].fixed || e->parts[o].load == 0) {
			continue;
		}
		to = taker_of(e, o);
		if (to != PLAN_HEAPS_NONE && gain(e, o, to) > best_gain &&
		    gain(e, o, to) >= PLAN_MOVES_WORTH * (double)e->parts[o].load) {
			best_gain = gain(e, o, to);
			best = o;
			best_to = to;
		}
	}
	if (best_to == PLAN_HEAPS_NONE) {
		return false;
	}
	e->out->after[from] -= e->parts[best].load;
	e->out->after[best_to] += e->parts[best].load;
	e->shard_of[best] = best_to;
	return true;
}

static uint32_t taker_of(const struct evener *e, uint32_t owner)
{
	uint32_t flow = e->flow_of[owner];
	uint32_t near = e->lightest[plan_node_slot(e->topo, e->nodes_os[flow])];
	uint32_t to = near != PLAN_HEAPS_NONE ? near : e->lightest_of_all;

	if (near != PLAN_HEAPS_NONE && e->policy->balance > 0 &&
	    (double)(e->out->after[near] +
		     (near == e->shard_of[owner] ? 0 : e->parts[owner].load)) >
		    e->policy->balance * e->mean) {
		to = e->lightest_of_all;
	}
	return to == e->shard_of[owner] || owns_part(e, flow, to) ? PLAN_HEAPS_NONE : to;
}

static bool owns_part(const struct evener *e, uint32_t flow, uint32_t shard)
{
	for (uint32_t o = e->plan->first_owner[flow]; o < e->plan->first_owner[flow + 1]; o++) {
		if (e->shard_of[o] == shard) {
			return true;
		}
	}
	return false;
}

/* By how much the heavier of the two shards becomes lighter; negative when the taker becomes the
 * heavier one by more. */
static double gain(const struct evener *e, uint32_t owner, uint32_t to)
{
	double load = (double)e->parts[owner].load;
	double from_after = (double)e->out->after[e->shard_of[owner]] - load;
	double to_after = (double)e->out->after[to] + load;

	return from_after + load - (from_after > to_after ? from_after : to_after);
}

static int list_moves(struct evener *e)
{
	struct plan_moves *out = e->out;
	uint32_t count = 0;

	for (uint32_t o = 0; o < e->owner_count; o++) {
		count += e->shard_of[o] != e->plan->owners[o].shard;
	}
	out->moves = calloc(count + 1UL, sizeof(*out->moves));
	if (!out->moves) {
		return -ENOMEM;
	}
	for (uint32_t o = 0; o < e->owner_count; o++) {
		if (e->shard_of[o] != e->plan->owners[o].shard) {
			out->moves[out->count++] = (struct plan_move){
				.flow = e->flow_of[o],
				.owner = o,
				.from = e->plan->owners[o].shard,
				.to = e->shard_of[o],
			};
		}
	}
	return 0;
}

static void close_evener(struct evener *e)
{
	free(e->shard_of);
	free(e->flow_of);
	free(e->given_up);
	free(e->lightest);
}
