/* plan.c - gives every flow its owner shards (step 2).
 *
 * The rules are in numa/plan.h. What makes it quick with 100 000 flows and 1024 shards: the shards
 * of each node stand in a heap with the least loaded on top (plan_heaps.c), so a flow looks at one
 * shard for each node, not at all shards. For each node slot there is an order of all slots by
 * growing distance, cut into *rings* of equal distance; a flow walks the rings outwards.
 *
 * Two passes: first the flows that keep their owners, so that their weight is known; then the
 * others in the order given. Pure: no system call, no clock, no global state.
 */
#include "numa/plan.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "numa/plan_cpus.h"
#include "numa/plan_heaps.h"
#include "src/base/must.h"

#define WHO_MAX 32 /* "flow 4294967295" */

struct placer {
	const struct topo *topo;
	const struct plan_flow *flows;
	const struct plan_policy *policy;
	struct plan *plan;
	struct plan_heaps heaps;
	uint32_t *near;     /* slot_count x slot_count: slots by growing distance */
	uint32_t *distance; /* slot_count: from the slot whose row of `near' is being sorted */
	bool *ring_end;     /* slot_count x slot_count: last slot of its ring */
	uint32_t slot_count;
	uint64_t weight_placed;
};

static int check_flows(const struct placer *pl, struct err *err);
static const char *name_flow(const struct plan_flow *flow, uint32_t i, char *buf);
static int open_placer(struct placer *pl);
static void sort_row(struct placer *pl, uint32_t from);
static uint32_t slot_distance(const struct topo *topo, uint32_t from, uint32_t to);
static int alloc_owners(struct placer *pl);
static void keep_prior(struct placer *pl, uint32_t flow);
static void place_flow(struct placer *pl, uint32_t flow);
static struct plan_owner choose_owner(const struct placer *pl, const struct plan_flow *flow);
static uint32_t lightest_anywhere(const struct placer *pl);
static struct plan_owner choose_near(const struct placer *pl, const struct plan_flow *flow,
				     uint32_t from);
static double load_bound(const struct placer *pl, const struct plan_flow *flow);
static uint32_t lightest_in_ring(const struct placer *pl, uint32_t from, uint32_t *pos);
static enum plan_why why_chosen(const struct placer *pl, uint32_t from, uint32_t shard);
static void own(struct placer *pl, uint32_t flow, uint32_t nth, struct plan_owner owner);
static void release(struct placer *pl, uint32_t flow);
static void close_placer(struct placer *pl);

int plan_build(const struct topo *topo, const struct plan_flow *flows, uint32_t flow_count,
	       const struct plan_policy *policy, struct plan *out, struct err *err)
{
	struct plan plan = {.flow_count = flow_count};
	struct placer pl = {.topo = topo, .flows = flows, .policy = policy, .plan = &plan};
	int rc = plan_cpus_choose(topo, flows, flow_count, policy, &plan, err);

	if (rc == 0) {
		rc = check_flows(&pl, err);
	}
	if (rc == 0) {
		rc = open_placer(&pl);
		rc = rc ? rc : alloc_owners(&pl);
		if (rc != 0) {
			err_set(err, "no memory to place %u flows", flow_count);
		}
	}
	for (uint32_t i = 0; rc == 0 && i < flow_count; i++) {
		keep_prior(&pl, i);
	}
	for (uint32_t i = 0; rc == 0 && i < flow_count; i++) {
		place_flow(&pl, i);
	}
	close_placer(&pl);
	if (rc != 0) {
		plan_free(&plan);
		return rc;
	}
	*out = plan;
	return 0;
}

void plan_free(struct plan *plan)
{
	free(plan->shards);
	free(plan->owners);
	free(plan->first_owner);
	free(plan->reserved_os);
	memset(plan, 0, sizeof(*plan));
}

const char *plan_why_name(enum plan_why why)
{
	switch (why) {
	case PLAN_WHY_LOCAL:
		return "local";
	case PLAN_WHY_NODE_UNKNOWN:
		return "interface node unknown";
	case PLAN_WHY_NO_LOCAL:
		return "no shard on node";
	case PLAN_WHY_SPREAD:
		return "spread";
	case PLAN_WHY_BALANCE:
		return "balance";
	case PLAN_WHY_NAMED:
		return "named";
	case PLAN_WHY_PRIOR:
		return "kept";
	case PLAN_WHY_MERGED:
		return "merged";
	case PLAN_WHY_COUNT:
		break;
	}
	return "unknown";
}

static int check_flows(const struct placer *pl, struct err *err)
{
	uint32_t shards = pl->plan->shard_count;
	char who[WHO_MAX];
	double balance = pl->policy->balance;

	if (balance != 0 && !(balance >= 1)) {
		err_set(err, "--balance %g: expected 1 or more, or 0 for strictly local", balance);
		return -EINVAL;
	}
	for (uint32_t i = 0; i < pl->plan->flow_count; i++) {
		const struct plan_flow *flow = &pl->flows[i];

		must(flow->weight >= 1);
		must(flow->merged_with <= i);
		must(flow->spread >= 1);
		must(flow->spread <= PLAN_SPREAD_MAX);
		if (flow->named_shard != PLAN_ANY && flow->named_shard >= shards) {
			err_set(err,
				"%s: shard=%u: there %s %u shard%s, numbered from 0; name one of "
				"them or raise --shards",
				name_flow(flow, i, who), flow->named_shard,
				shards == 1 ? "is" : "are", shards, shards == 1 ? "" : "s");
			return -EINVAL;
		}
		if (flow->spread > shards) {
			err_set(err,
				"%s: spread=%u: there %s only %u shard%s; lower spread= or raise "
				"--shards",
				name_flow(flow, i, who), flow->spread, shards == 1 ? "is" : "are",
				shards, shards == 1 ? "" : "s");
			return -EINVAL;
		}
	}
	return 0;
}

static const char *name_flow(const struct plan_flow *flow, uint32_t i, char *buf)
{
	if (flow->where) {
		return flow->where;
	}
	snprintf(buf, WHO_MAX, "flow %" PRIu32, i);
	return buf;
}

static int open_placer(struct placer *pl)
{
	size_t slots = (size_t)pl->topo->node_count + 1;
	int rc = plan_heaps_init(&pl->heaps, pl->topo, pl->plan->shards, pl->plan->shard_count);

	pl->slot_count = (uint32_t)slots;
	pl->near = calloc(slots * slots, sizeof(*pl->near));
	pl->distance = calloc(slots, sizeof(*pl->distance));
	pl->ring_end = calloc(slots * slots, sizeof(*pl->ring_end));
	if (rc != 0 || !pl->near || !pl->distance || !pl->ring_end) {
		return -ENOMEM;
	}
	for (uint32_t slot = 0; slot < pl->slot_count; slot++) {
		sort_row(pl, slot);
	}
	return 0;
}

/* Fills one row of `near' by insertion, which keeps equals in slot order, and marks its rings. */
static void sort_row(struct placer *pl, uint32_t from)
{
	uint32_t *row = &pl->near[(size_t)from * pl->slot_count];
	bool *ends = &pl->ring_end[(size_t)from * pl->slot_count];

	for (uint32_t to = 0; to < pl->slot_count; to++) {
		uint32_t pos = to;

		pl->distance[to] = slot_distance(pl->topo, from, to);
		while (pos > 0 && pl->distance[row[pos - 1]] > pl->distance[to]) {
			row[pos] = row[pos - 1];
			pos--;
		}
		row[pos] = to;
	}
	for (uint32_t i = 0; i < pl->slot_count; i++) {
		ends[i] =
			i + 1 == pl->slot_count || pl->distance[row[i]] != pl->distance[row[i + 1]];
	}
}

/* Distance between two slots as rings see it: a slot is nearest to itself, and everything whose
 * distance nobody said is equally far. */
static uint32_t slot_distance(const struct topo *topo, uint32_t from, uint32_t to)
{
	uint32_t said = 0;

	if (from == to) {
		return 0;
	}
	if (topo->distances && from < topo->node_count && to < topo->node_count) {
		said = topo->distances[(size_t)from * topo->node_count + to];
	}
	return said ? said : UINT32_MAX;
}

static int alloc_owners(struct placer *pl)
{
	struct plan *plan = pl->plan;
	size_t total = 0;

	for (uint32_t i = 0; i < plan->flow_count; i++) {
		total += pl->flows[i].spread;
	}
	if (total > UINT32_MAX) {
		return -ENOMEM;
	}
	plan->first_owner = calloc((size_t)plan->flow_count + 1, sizeof(plan->first_owner[0]));
	plan->owners = calloc(total + 1, sizeof(plan->owners[0]));
	if (!plan->first_owner || !plan->owners) {
		return -ENOMEM;
	}
	for (uint32_t i = 0; i < plan->flow_count; i++) {
		plan->first_owner[i + 1] = plan->first_owner[i] + pl->flows[i].spread;
	}
	for (size_t i = 0; i < total; i++) {
		plan->owners[i].shard = PLAN_ANY;
	}
	return 0;
}

/* First pass. A flow that names its shard moves there whatever the plan before said; its other
 * owners, if it is spread, stay. */
static void keep_prior(struct placer *pl, uint32_t flow)
{
	const struct plan *prior = pl->policy->prior;
	const struct plan_flow *wish = &pl->flows[flow];
	uint32_t nth = 0;

	if (!prior || wish->prior_flow == PLAN_ANY || wish->merged_with > 0) {
		return;
	}
	must(wish->prior_flow < prior->flow_count);
	if (wish->named_shard != PLAN_ANY) {
		own(pl, flow, nth++,
		    (struct plan_owner){.shard = wish->named_shard, .why = PLAN_WHY_NAMED});
	}
	for (uint32_t i = prior->first_owner[wish->prior_flow];
	     i < prior->first_owner[wish->prior_flow + 1] && nth < wish->spread; i++) {
		uint32_t shard = prior->owners[i].shard;

		if (shard != wish->named_shard) {
			own(pl, flow, nth++,
			    (struct plan_owner){.shard = shard, .why = PLAN_WHY_PRIOR});
		}
	}
	release(pl, flow);
}

/* Second pass: whatever owners the first left open. */
static void place_flow(struct placer *pl, uint32_t flow)
{
	const struct plan_flow *wish = &pl->flows[flow];
	struct plan *plan = pl->plan;
	uint32_t first = plan->first_owner[flow];
	uint32_t nth = 0;

	for (; nth < wish->spread && plan->owners[first + nth].shard != PLAN_ANY; nth++) {
		plan_heaps_remove(&pl->heaps, plan->owners[first + nth].shard);
	}
	for (; nth < wish->spread; nth++) {
		struct plan_owner owner = {.shard = wish->named_shard, .why = PLAN_WHY_NAMED};

		if (wish->merged_with > 0) {
			owner.shard =
				plan->owners[plan->first_owner[wish->merged_with - 1] + nth].shard;
			owner.why = PLAN_WHY_MERGED;
		} else if (nth > 0 || wish->named_shard == PLAN_ANY) {
			owner = choose_owner(pl, wish);
		}
		must(owner.shard < plan->shard_count);
		own(pl, flow, nth, owner);
	}
	release(pl, flow);
}

static struct plan_owner choose_owner(const struct placer *pl, const struct plan_flow *flow)
{
	uint32_t from = plan_node_slot(pl->topo, flow->node_os);

	if (flow->node_os == TOPO_UNKNOWN) {
		return (struct plan_owner){.shard = lightest_anywhere(pl),
					   .why = PLAN_WHY_NODE_UNKNOWN};
	}
	if (from == pl->topo->node_count) { /* a node that the topology does not have */
		return (struct plan_owner){.shard = lightest_anywhere(pl),
					   .why = PLAN_WHY_NO_LOCAL};
	}
	return choose_near(pl, flow, from);
}

static uint32_t lightest_anywhere(const struct placer *pl)
{
	uint32_t best = PLAN_HEAPS_NONE;

	for (uint32_t slot = 0; slot < pl->slot_count; slot++) {
		best = plan_heaps_lighter(&pl->heaps, best, plan_heaps_top(&pl->heaps, slot));
	}
	return best;
}

/* Walks the rings outwards to the first shard within the bound; without one, the least loaded of
 * all is taken, the nearest of these if there are several. */
static struct plan_owner choose_near(const struct placer *pl, const struct plan_flow *flow,
				     uint32_t from)
{
	double bound = load_bound(pl, flow);
	struct plan_owner owner = {.shard = PLAN_HEAPS_NONE};
	uint32_t pos = 0;

	while (pos < pl->slot_count) {
		uint32_t shard = lightest_in_ring(pl, from, &pos);

		if (shard == PLAN_HEAPS_NONE) {
			continue;
		}
		if (owner.shard == PLAN_HEAPS_NONE ||
		    pl->plan->shards[shard].load < pl->plan->shards[owner.shard].load) {
			owner.shard = shard;
		}
		if (pl->policy->balance == 0 ||
		    (double)pl->plan->shards[shard].load + flow->weight <= bound) {
			owner.shard = shard;
			break;
		}
	}
	owner.why = why_chosen(pl, from, owner.shard);
	return owner;
}

/* The most that a shard may carry once it owns this flow too; loads are whole numbers, so is it. */
static double load_bound(const struct placer *pl, const struct plan_flow *flow)
{
	double share = (double)(pl->weight_placed + flow->weight) / pl->plan->shard_count;

	return ceil(pl->policy->balance * (share > flow->weight ? share : flow->weight));
}

/* The lightest shard of the ring that begins at `*pos' of a row, or PLAN_HEAPS_NONE when it is
 * empty. `*pos' moves to the next ring. */
static uint32_t lightest_in_ring(const struct placer *pl, uint32_t from, uint32_t *pos)
{
	const uint32_t *row = &pl->near[(size_t)from * pl->slot_count];
	const bool *ends = &pl->ring_end[(size_t)from * pl->slot_count];
	uint32_t best = PLAN_HEAPS_NONE;
	bool end;

	do {
		best = plan_heaps_lighter(&pl->heaps, best, plan_heaps_top(&pl->heaps, row[*pos]));
		end = ends[(*pos)++];
	} while (!end);
	return best;
}

/* A flow stays local, or its node has no shard, or none that this flow does not own already, or
 * none that may carry more. */
static enum plan_why why_chosen(const struct placer *pl, uint32_t from, uint32_t shard)
{
	if (pl->heaps.slot_of[shard] == from) {
		return PLAN_WHY_LOCAL;
	}
	if (pl->heaps.shards_at[from] == 0) {
		return PLAN_WHY_NO_LOCAL;
	}
	return pl->heaps.heaps[from].count == 0 ? PLAN_WHY_SPREAD : PLAN_WHY_BALANCE;
}

/* Gives owner `nth' of `flow' to `shard', which leaves its heap until the flow is complete. */
static void own(struct placer *pl, uint32_t flow, uint32_t nth, struct plan_owner owner)
{
	struct plan_shard *shard = &pl->plan->shards[owner.shard];

	plan_heaps_remove(&pl->heaps, owner.shard);
	pl->plan->owners[pl->plan->first_owner[flow] + nth] = owner;
	shard->load += pl->flows[flow].weight;
	shard->flow_count++;
	pl->weight_placed += pl->flows[flow].weight;
}

/* Puts the owners of a flow back into their heaps, with their new load. */
static void release(struct placer *pl, uint32_t flow)
{
	const struct plan *plan = pl->plan;

	for (uint32_t i = plan->first_owner[flow]; i < plan->first_owner[flow + 1]; i++) {
		if (plan->owners[i].shard != PLAN_ANY) {
			plan_heaps_add(&pl->heaps, plan->owners[i].shard);
		}
	}
}

static void close_placer(struct placer *pl)
{
	plan_heaps_free(&pl->heaps);
	free(pl->near);
	free(pl->distance);
	free(pl->ring_end);
}
