/* plan.c - gives every flow its owner shards (step 2).
 *
 * The rules are in numa/plan.h. What makes it quick with 100 000 flows and 1024 shards: the shards
 * of each node stand in a heap with the least loaded on top, so a flow looks at one shard for each
 * node, not at all shards. A *node slot* is a position in topo->nodes; one more slot, the last,
 * stands for shards whose home is unknown. For each slot there is an order of all slots by growing
 * distance, cut into *rings* of equal distance; a flow walks the rings outwards.
 *
 * Two passes: first the flows that keep their owners, so that their weight is known; then the
 * others in the order given. Pure: no system call, no clock, no global state.
 */
#include "numa/plan.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "numa/plan_cpus.h"
#include "src/base/must.h"

#define NOWHERE UINT32_MAX

/* The shards of one node that are not taken by the flow at hand, the least loaded on top. */
struct heap {
	uint32_t *shards;
	uint32_t count;
};

struct placer {
	const struct topo *topo;
	const struct plan_flow *flows;
	const struct plan_policy *policy;
	struct plan *plan;
	struct heap *heaps;  /* by node slot */
	uint32_t *heap_room; /* what the heaps' arrays are cut from */
	uint32_t *slot_of;   /* by shard: its node slot */
	uint32_t *at;        /* by shard: position in its heap, or NOWHERE */
	uint32_t *near;      /* slot_count x slot_count: slots by growing distance */
	uint32_t *distance;  /* slot_count: from the slot whose row of `near' is being sorted */
	bool *ring_end;      /* slot_count x slot_count: last slot of its ring */
	uint32_t *shards_at; /* by node slot */
	uint32_t slot_count;
	uint64_t weight_placed;
};

static int open_placer(struct placer *pl);
static void close_placer(struct placer *pl);
static int check_flows(const struct placer *pl, struct err *err);
static int alloc_owners(struct placer *pl);
static void keep_prior(struct placer *pl, uint32_t flow);
static void place_flow(struct placer *pl, uint32_t flow);

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
	}
	return "unknown";
}

static int check_flows(const struct placer *pl, struct err *err)
{
	uint32_t shards = pl->plan->shard_count;
	double balance = pl->policy->balance;

	if (balance != 0 && !(balance >= 1)) {
		err_set(err, "--balance %g: expected 1 or more, or 0 for strictly local", balance);
		return -EINVAL;
	}
	for (uint32_t i = 0; i < pl->plan->flow_count; i++) {
		const struct plan_flow *flow = &pl->flows[i];

		must(flow->weight >= 1);
		must(flow->spread >= 1);
		must(flow->spread <= PLAN_SPREAD_MAX);
		if (flow->named_shard != PLAN_ANY && flow->named_shard >= shards) {
			err_set(err,
				"shard=%u of flow %u: there are %u shards, numbered from 0; "
				"name one of them or raise --shards",
				flow->named_shard, i, shards);
			return -EINVAL;
		}
		if (flow->spread > shards) {
			err_set(err,
				"spread=%u of flow %u: there are only %u shards; lower spread= "
				"or raise --shards",
				flow->spread, i, shards);
			return -EINVAL;
		}
	}
	return 0;
}

/* ---- the heaps ---- */

static bool lighter(const struct placer *pl, uint32_t a, uint32_t b)
{
	uint64_t a_load = pl->plan->shards[a].load;
	uint64_t b_load = pl->plan->shards[b].load;

	return a_load < b_load || (a_load == b_load && a < b);
}

static void heap_put(struct placer *pl, struct heap *heap, uint32_t pos, uint32_t shard)
{
	heap->shards[pos] = shard;
	pl->at[shard] = pos;
}

static void heap_rise(struct placer *pl, struct heap *heap, uint32_t pos)
{
	uint32_t shard = heap->shards[pos];

	while (pos > 0 && lighter(pl, shard, heap->shards[(pos - 1) / 2])) {
		heap_put(pl, heap, pos, heap->shards[(pos - 1) / 2]);
		pos = (pos - 1) / 2;
	}
	heap_put(pl, heap, pos, shard);
}

static void heap_sink(struct placer *pl, struct heap *heap, uint32_t pos)
{
	uint32_t shard = heap->shards[pos];
	uint32_t child;

	while ((child = 2 * pos + 1) < heap->count) {
		if (child + 1 < heap->count &&
		    lighter(pl, heap->shards[child + 1], heap->shards[child])) {
			child++;
		}
		if (!lighter(pl, heap->shards[child], shard)) {
			break;
		}
		heap_put(pl, heap, pos, heap->shards[child]);
		pos = child;
	}
	heap_put(pl, heap, pos, shard);
}

static void heap_add(struct placer *pl, uint32_t shard)
{
	struct heap *heap = &pl->heaps[pl->slot_of[shard]];

	heap->shards[heap->count] = shard;
	heap_rise(pl, heap, heap->count++);
}

static void heap_remove(struct placer *pl, uint32_t shard)
{
	struct heap *heap = &pl->heaps[pl->slot_of[shard]];
	uint32_t pos = pl->at[shard];
	uint32_t last = heap->shards[--heap->count];

	must(pos != NOWHERE);
	pl->at[shard] = NOWHERE;
	if (last != shard) {
		heap_put(pl, heap, pos, last);
		heap_rise(pl, heap, pos);
		heap_sink(pl, heap, pl->at[last]);
	}
}

/* ---- building the tables ---- */

static uint32_t node_slot(const struct topo *topo, int node_os)
{
	const struct topo_node *node = topo_find_node(topo, node_os);

	return node ? (uint32_t)(node - topo->nodes) : topo->node_count;
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

static void fill_heaps(struct placer *pl)
{
	uint32_t room_used = 0;

	for (uint32_t i = 0; i < pl->plan->shard_count; i++) {
		pl->slot_of[i] = node_slot(pl->topo, pl->plan->shards[i].home_os);
		pl->heaps[pl->slot_of[i]].count++;
	}
	for (uint32_t slot = 0; slot < pl->slot_count; slot++) {
		pl->shards_at[slot] = pl->heaps[slot].count;
		pl->heaps[slot].shards = &pl->heap_room[room_used];
		room_used += pl->heaps[slot].count;
		pl->heaps[slot].count = 0;
	}
	for (uint32_t i = 0; i < pl->plan->shard_count; i++) {
		heap_add(pl, i);
	}
}

static int open_placer(struct placer *pl)
{
	uint32_t shards = pl->plan->shard_count;
	size_t slots = (size_t)pl->topo->node_count + 1;

	pl->slot_count = (uint32_t)slots;
	pl->heaps = calloc(slots, sizeof(*pl->heaps));
	pl->shards_at = calloc(slots, sizeof(*pl->shards_at));
	pl->heap_room = calloc(shards, sizeof(*pl->heap_room));
	pl->slot_of = calloc(shards, sizeof(*pl->slot_of));
	pl->at = calloc(shards, sizeof(*pl->at));
	pl->near = calloc(slots * slots, sizeof(*pl->near));
	pl->distance = calloc(slots, sizeof(*pl->distance));
	pl->ring_end = calloc(slots * slots, sizeof(*pl->ring_end));
	if (!pl->heaps || !pl->shards_at || !pl->heap_room || !pl->slot_of || !pl->at ||
	    !pl->near || !pl->distance || !pl->ring_end) {
		return -ENOMEM;
	}
	fill_heaps(pl);
	for (uint32_t slot = 0; slot < pl->slot_count; slot++) {
		sort_row(pl, slot);
	}
	return 0;
}

static void close_placer(struct placer *pl)
{
	free(pl->heaps);
	free(pl->shards_at);
	free(pl->heap_room);
	free(pl->slot_of);
	free(pl->at);
	free(pl->near);
	free(pl->distance);
	free(pl->ring_end);
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

/* ---- placing ---- */

/* Gives owner `nth' of `flow' to `shard', which leaves its heap until the flow is complete. */
static void own(struct placer *pl, uint32_t flow, uint32_t nth, struct plan_owner owner)
{
	struct plan_shard *shard = &pl->plan->shards[owner.shard];

	heap_remove(pl, owner.shard);
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
			heap_add(pl, plan->owners[i].shard);
		}
	}
}

/* First pass. A flow that names its shard moves there whatever the plan before said. */
static void keep_prior(struct placer *pl, uint32_t flow)
{
	const struct plan *prior = pl->policy->prior;
	const struct plan_flow *wish = &pl->flows[flow];
	uint32_t first;
	uint32_t count;

	if (!prior || wish->prior_flow == PLAN_ANY || wish->named_shard != PLAN_ANY) {
		return;
	}
	must(wish->prior_flow < prior->flow_count);
	first = prior->first_owner[wish->prior_flow];
	count = prior->first_owner[wish->prior_flow + 1] - first;
	for (uint32_t i = 0; i < count && i < wish->spread; i++) {
		own(pl, flow, i,
		    (struct plan_owner){.shard = prior->owners[first + i].shard,
					.why = PLAN_WHY_PRIOR});
	}
	release(pl, flow);
}

/* The most that a shard may carry once it owns this flow too. */
static double load_bound(const struct placer *pl, const struct plan_flow *flow)
{
	double share = (double)(pl->weight_placed + flow->weight) / pl->plan->shard_count;

	return pl->policy->balance * (share > flow->weight ? share : flow->weight);
}

/* The lightest shard of the ring that begins at `*pos' of `row', or NOWHERE when it is empty.
 * `*pos' moves to the next ring. */
static uint32_t lightest_in_ring(const struct placer *pl, uint32_t from, uint32_t *pos)
{
	const uint32_t *row = &pl->near[(size_t)from * pl->slot_count];
	const bool *ends = &pl->ring_end[(size_t)from * pl->slot_count];
	uint32_t best = NOWHERE;
	bool end;

	do {
		const struct heap *heap = &pl->heaps[row[*pos]];

		if (heap->count > 0 && (best == NOWHERE || lighter(pl, heap->shards[0], best))) {
			best = heap->shards[0];
		}
		end = ends[(*pos)++];
	} while (!end);
	return best;
}

static uint32_t lightest_anywhere(const struct placer *pl)
{
	uint32_t best = NOWHERE;

	for (uint32_t slot = 0; slot < pl->slot_count; slot++) {
		const struct heap *heap = &pl->heaps[slot];

		if (heap->count > 0 && (best == NOWHERE || lighter(pl, heap->shards[0], best))) {
			best = heap->shards[0];
		}
	}
	return best;
}

/* Walks the rings outwards to the first shard within the bound. */
static struct plan_owner choose_near(const struct placer *pl, const struct plan_flow *flow,
				     uint32_t from)
{
	double bound = load_bound(pl, flow);
	struct plan_owner owner = {.shard = NOWHERE, .why = PLAN_WHY_LOCAL};
	uint32_t pos = 0;

	while (pos < pl->slot_count) {
		uint32_t shard = lightest_in_ring(pl, from, &pos);

		if (shard != NOWHERE) {
			if (pl->policy->balance == 0 ||
			    (double)pl->plan->shards[shard].load + flow->weight <= bound) {
				owner.shard = shard;
				return owner;
			}
			owner.why = PLAN_WHY_BALANCE;
		} else if (owner.why == PLAN_WHY_LOCAL) {
			owner.why = pl->shards_at[from] > 0 ? PLAN_WHY_SPREAD : PLAN_WHY_NO_LOCAL;
		}
	}
	owner.shard = lightest_anywhere(pl);
	if (pl->slot_of[owner.shard] == from) {
		owner.why = PLAN_WHY_LOCAL;
	}
	return owner;
}

static struct plan_owner choose_owner(const struct placer *pl, const struct plan_flow *flow)
{
	uint32_t from = node_slot(pl->topo, flow->node_os);

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

/* Second pass: whatever owners the first left open. */
static void place_flow(struct placer *pl, uint32_t flow)
{
	const struct plan_flow *wish = &pl->flows[flow];
	struct plan *plan = pl->plan;
	uint32_t first = plan->first_owner[flow];
	uint32_t nth = 0;

	for (; nth < wish->spread && plan->owners[first + nth].shard != PLAN_ANY; nth++) {
		heap_remove(pl, plan->owners[first + nth].shard);
	}
	for (; nth < wish->spread; nth++) {
		struct plan_owner owner = {.shard = wish->named_shard, .why = PLAN_WHY_NAMED};

		if (nth > 0 || wish->named_shard == PLAN_ANY) {
			owner = choose_owner(pl, wish);
		}
		must(owner.shard < plan->shard_count);
		own(pl, flow, nth, owner);
	}
	release(pl, flow);
}
