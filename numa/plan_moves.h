/* plan_moves.h - which flows of a plan in force should move, given what each of them costs (step
 * 2).
 *
 * A plan is made before anybody knows how much arrives. Once that was measured, the heaviest shard
 * gives away what makes it and the taker most equal, again and again, until no shard carries much
 * more than the mean or no move is worth it. Few large moves come before many small ones.
 *
 * *Nothing moves without need.* Only a shard that carries more than `tolerance' times the mean
 * gives anything away, and only until it carries PLAN_MOVES_GOAL times the mean; and each move must
 * take PLAN_MOVES_WORTH of what moves off the heavier of its two shards, so that no two shards
 * change their roles. So what was found once is not found again, with the same loads.
 *
 * *Nodes.* A flow whose interface's node has shards goes to one of these, and away from there only
 * as the plan would send it away: when the lightest there would carry more than `balance' times the
 * mean. Two parts of one flow never meet on one shard.
 *
 * Pure; any thread.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "numa/plan.h"

#define PLAN_MOVES_GOAL  1.05
#define PLAN_MOVES_WORTH 0.5

/* Of one owner of a flow, as `owners' of the plan has them. */
struct plan_part {
	uint64_t load;
	bool fixed; /* it stays */
};

struct plan_moves_policy {
	double tolerance; /* at least 1 */
	double balance;   /* as that of struct plan_policy */
	uint32_t most;    /* moves, so many at most */
};

struct plan_move {
	uint32_t flow;
	uint32_t owner; /* position in the plan's owners */
	uint32_t from, to;
};

struct plan_moves {
	struct plan_move *moves; /* by owner */
	uint32_t count;
	uint64_t *before, *after; /* load by shard */
	uint64_t total;
};

/* `nodes_os' has each flow's node, or TOPO_UNKNOWN. 0 or -ENOMEM; plan_moves_free after 0. */
int plan_moves_find(const struct topo *topo, const struct plan *plan, const int *nodes_os,
		    const struct plan_part *parts, const struct plan_moves_policy *policy,
		    struct plan_moves *out);

/* Accepts all-zero. */
void plan_moves_free(struct plan_moves *moves);

/* The heaviest of the loads of `count' shards in means; 0 when there is no load. */
double plan_moves_peak(const uint64_t *loads, uint32_t count);
