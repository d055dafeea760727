/* map.c - what is inside what: sorts cores into sockets, nodes and caches.
 *
 * Cores are sorted by (socket, node, cache, CPU), so each enclosing box is a run of cores. That
 * copes with machines where a node spans sockets as well as with the usual reverse: such a node
 * has a box in each of its sockets. Nodes without cores (memory only) come last in their socket,
 * or in a box outside all sockets. Pure. Where boxes stand is place.c.
 */
#include "src/view/map.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "src/view/fast.h"
#include "src/view/sum.h"

static int fill_cores(const struct view *view, struct map *map);
static void add_cpu(const struct view *view, struct map_core *core, const struct topo_cpu *cpu);
static bool is_reserved(const struct plan *plan, int cpu_os);
static void add_shard(const struct view *view, struct map *map, struct map_core *core,
		      uint32_t shard);
static void add_live(struct view_live_item *sum, const struct view_live_item *item);
static void mark_far(const struct view *view, struct map *map);
static void mark_fast(const struct view *view, struct map *map);
static struct map_core *core_of_shard(const struct view *view, struct map *map, uint32_t shard);
static int compare_cores(const void *left, const void *right);
static int compare_int(int64_t a, int64_t b);
static int64_t rank(int number);
static void fill_boxes(const struct view *view, const struct view_table *table, struct map *map);
static void box_cores(struct map *map);
static void box_links(const struct view *view, struct map *map);
static bool has_place(const struct view *view, const struct map *map, const char *ifname);
static uint32_t node_box(const struct map *map, int node_os);
static uint32_t find_box(struct map *map, uint32_t parent, enum map_kind kind, int os);
static uint32_t add_box(struct map *map, uint32_t parent, enum map_kind kind, int os,
			uint32_t index);

int map_build(const struct view *view, const struct view_table *table, struct map *out)
{
	const struct topo *topo = view->topo;
	struct map map = {.live = view->live != NULL};
	/* Every core may stand alone in its socket, node and cache; so may every node. */
	size_t room = 1 + 4 * ((size_t)topo->core_count + 1) + 2 * (size_t)topo->node_count +
		      topo->nic_count + table->guest_count +
		      (view->live ? 2 + (size_t)view->live->nic_count : 0);

	map.cores = calloc((size_t)topo->core_count + 1, sizeof(map.cores[0]));
	map.boxes = calloc(room, sizeof(map.boxes[0]));
	if (!map.cores || !map.boxes || fill_cores(view, &map) != 0) {
		map_free(&map);
		return -ENOMEM;
	}
	fill_boxes(view, table, &map);
	*out = map;
	return 0;
}

void map_free(struct map *map)
{
	free(map->cores);
	free(map->boxes);
	memset(map, 0, sizeof(*map));
}

static int fill_cores(const struct view *view, struct map *map)
{
	const struct topo *topo = view->topo;
	uint32_t used = 0;

	for (uint32_t i = 0; i < topo->cpu_count; i++) {
		add_cpu(view, &map->cores[topo->cpus[i].core_idx], &topo->cpus[i]);
	}
	for (uint32_t i = 0; i < view->plan->shard_count; i++) {
		struct map_core *core = core_of_shard(view, map, i);

		if (core) {
			add_shard(view, map, core, i);
		}
	}
	mark_far(view, map);
	mark_fast(view, map);
	for (uint32_t i = 0; i < topo->core_count; i++) {
		if (map->cores[i].thread_count > 0) {
			map->cores[used++] = map->cores[i];
		}
	}
	map->core_count = used;
	qsort(map->cores, used, sizeof(map->cores[0]), compare_cores);
	return 0;
}

static void add_cpu(const struct view *view, struct map_core *core, const struct topo_cpu *cpu)
{
	if (core->thread_count++ == 0) {
		core->package_os = cpu->package_os;
		core->home_os = cpu->home_os;
		core->l3_idx = cpu->l3_idx;
		core->cpu_os = cpu->cpu_os;
	}
	core->last_cpu_os = cpu->cpu_os;
	core->allowed |= cpu->allowed;
	core->reserved |= is_reserved(view->plan, cpu->cpu_os);
}

static bool is_reserved(const struct plan *plan, int cpu_os)
{
	for (uint32_t i = 0; i < plan->cpus_reserved; i++) {
		if (plan->reserved_os[i] == cpu_os) {
			return true;
		}
	}
	return false;
}

static void add_shard(const struct view *view, struct map *map, struct map_core *core,
		      uint32_t shard)
{
	const struct plan_shard *plan_shard = &view->plan->shards[shard];

	if (core->shard_count++ == 0) {
		core->first_shard = shard;
	}
	core->flow_count += plan_shard->flow_count;
	core->load += plan_shard->load;
	map->load_max = core->load > map->load_max ? core->load : map->load_max;
	if (view->live) {
		add_live(&core->live, &view->live->shards[shard]);
	}
}

/* One whose load nobody knows makes that of all unknown. */
static void add_live(struct view_live_item *sum, const struct view_live_item *item)
{
	sum->load = sum->load < 0 || item->load < 0 ? -1 : sum->load + item->load;
	sum->in_per_s += item->in_per_s;
	sum->out_per_s += item->out_per_s;
	sum->lost_per_s += item->lost_per_s;
}

static void mark_far(const struct view *view, struct map *map)
{
	const struct plan *plan = view->plan;

	for (uint32_t flow = 0; flow < plan->flow_count; flow++) {
		for (uint32_t i = plan->first_owner[flow]; i < plan->first_owner[flow + 1]; i++) {
			uint32_t shard = plan->owners[i].shard;
			struct map_core *core = core_of_shard(view, map, shard);

			if (core && view_sum_place(view, flow, shard) == VIEW_PLACE_REMOTE) {
				core->far = true;
			}
		}
	}
}

static void mark_fast(const struct view *view, struct map *map)
{
	for (uint32_t flow = 0; flow < view->plan->flow_count; flow++) {
		const struct view_flow *f = &view->flows[flow];
		bool known = f->fast && f->reason == FAST_REASON_NONE && f->irqs;

		for (uint32_t i = 0; known && i < f->irqs->count; i++) {
			const struct topo_cpu *cpu = topo_find_cpu(view->topo, f->irqs->cpus[i]);
			struct map_core *core = cpu ? &map->cores[cpu->core_idx] : NULL;

			if (core && core->fast_last != flow + 1) {
				core->fast_last = flow + 1;
				core->fast_count++;
			}
		}
	}
}

static struct map_core *core_of_shard(const struct view *view, struct map *map, uint32_t shard)
{
	const struct topo_cpu *cpu = topo_find_cpu(view->topo, view->plan->shards[shard].cpu_os);

	return cpu ? &map->cores[cpu->core_idx] : NULL;
}

static int compare_cores(const void *left, const void *right)
{
	const struct map_core *a = left;
	const struct map_core *b = right;
	int order = compare_int(rank(a->package_os), rank(b->package_os));

	order = order ? order : compare_int(rank(a->home_os), rank(b->home_os));
	order = order ? order : compare_int(rank(a->l3_idx), rank(b->l3_idx));
	return order ? order : compare_int(a->cpu_os, b->cpu_os);
}

static int compare_int(int64_t a, int64_t b)
{
	return (a > b) - (a < b);
}

/* Unknown comes last. */
static int64_t rank(int number)
{
	return number == TOPO_UNKNOWN ? INT64_MAX : number;
}

static void fill_boxes(const struct view *view, const struct view_table *table, struct map *map)
{
	const struct topo *topo = view->topo;

	add_box(map, MAP_NONE, MAP_PAGE, 0, MAP_NONE);
	box_cores(map);
	for (uint32_t i = 0; i < topo->node_count; i++) {
		const struct topo_node *node = &topo->nodes[i];

		if (node_box(map, node->node_os) == MAP_NONE) {
			uint32_t socket = find_box(map, 0, MAP_SOCKET, node->package_os);

			add_box(map, socket, MAP_NODE, node->node_os, MAP_NONE);
		}
	}
	for (uint32_t i = 0; i < topo->nic_count; i++) {
		uint32_t node = node_box(map, topo->nics[i].node_os);

		if (topo->nics[i].node_os != TOPO_UNKNOWN && node != MAP_NONE) {
			add_box(map, node, MAP_NIC, topo->nics[i].node_os, i);
		}
	}
	for (uint32_t i = 0; i < table->guest_count; i++) {
		uint32_t node = node_box(map, table->guests[i].to_os);

		if (node != MAP_NONE) {
			add_box(map, node, MAP_GUEST, table->guests[i].to_os, i);
		}
	}
	if (view->live) {
		box_links(view, map);
	}
}

static void box_cores(struct map *map)
{
	for (uint32_t i = 0; i < map->core_count; i++) {
		const struct map_core *core = &map->cores[i];
		uint32_t socket = find_box(map, 0, MAP_SOCKET, core->package_os);
		uint32_t node = find_box(map, socket, MAP_NODE, core->home_os);
		uint32_t cache = find_box(map, node, MAP_CACHE, core->l3_idx);

		add_box(map, cache, MAP_CORE, core->cpu_os, i);
	}
}

/* Interfaces of no known node stand in a box for these. */
static void box_links(const struct view *view, struct map *map)
{
	for (uint32_t i = 0; i < view->live->nic_count; i++) {
		if (!has_place(view, map, view->live->nics[i].name)) {
			uint32_t socket = find_box(map, 0, MAP_SOCKET, TOPO_UNKNOWN);
			uint32_t node = find_box(map, socket, MAP_NODE, TOPO_UNKNOWN);

			add_box(map, node, MAP_LINK, TOPO_UNKNOWN, i);
		}
	}
}

static bool has_place(const struct view *view, const struct map *map, const char *ifname)
{
	const struct topo_nic *nic = topo_find_nic(view->topo, ifname);

	return nic && nic->node_os != TOPO_UNKNOWN && node_box(map, nic->node_os) != MAP_NONE;
}

/* The first box of a node, or MAP_NONE. */
static uint32_t node_box(const struct map *map, int node_os)
{
	for (uint32_t id = 0; id < map->box_count; id++) {
		if (map->boxes[id].kind == MAP_NODE && map->boxes[id].os == node_os) {
			return id;
		}
	}
	return MAP_NONE;
}

/* The box of that kind and number among the children of `parent', made if there is none. */
static uint32_t find_box(struct map *map, uint32_t parent, enum map_kind kind, int os)
{
	for (uint32_t id = map->boxes[parent].first_child; id != MAP_NONE;
	     id = map->boxes[id].next) {
		if (map->boxes[id].kind == kind && map->boxes[id].os == os) {
			return id;
		}
	}
	return add_box(map, parent, kind, os, MAP_NONE);
}

static uint32_t add_box(struct map *map, uint32_t parent, enum map_kind kind, int os,
			uint32_t index)
{
	uint32_t id = map->box_count++;

	map->boxes[id] = (struct map_box){.kind = kind,
					  .os = os,
					  .index = index,
					  .first_child = MAP_NONE,
					  .last_child = MAP_NONE,
					  .next = MAP_NONE};
	if (parent != MAP_NONE) {
		struct map_box *up = &map->boxes[parent];

		if (up->first_child == MAP_NONE) {
			up->first_child = id;
		} else {
			map->boxes[up->last_child].next = id;
		}
		up->last_child = id;
	}
	map->socket_count += kind == MAP_SOCKET;
	return id;
}
