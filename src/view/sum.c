/* sum.c - counts a plan once for all its printers.
 *
 * Pure but for view_sum_status. Units: pages of view->page, bytes, shards, flows.
 */
#include "src/view/sum.h"

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "src/base/out.h"

static bool runs_shard(const struct plan *plan, int cpu_os);
static void count_shards(const struct view *view, struct view_sum *sum);
static void count_flows(const struct view *view, struct view_sum *sum);
static uint32_t count_far(const struct view *view, uint32_t flow, struct view_sum_node *at);

int view_sum_build(const struct view *view, struct view_sum *out)
{
	struct view_sum sum = {0};

	sum.nodes = calloc((size_t)view->topo->node_count + 1, sizeof(sum.nodes[0]));
	if (!sum.nodes || needs_count_arenas(view->topo, view->plan, view->arena_bytes, view->page,
					     &sum.arenas) < 0) {
		view_sum_free(&sum);
		return -ENOMEM;
	}
	count_shards(view, &sum);
	count_flows(view, &sum);
	*out = sum;
	return 0;
}

void view_sum_free(struct view_sum *sum)
{
	free(sum->nodes);
	needs_free_arenas(&sum->arenas);
	memset(sum, 0, sizeof(*sum));
}

enum view_place view_sum_place(const struct view *view, uint32_t flow, uint32_t shard)
{
	int node_os = view->flows[flow].node_os;

	if (node_os == TOPO_UNKNOWN) {
		return VIEW_PLACE_UNKNOWN;
	}
	return view->plan->shards[shard].home_os == node_os ? VIEW_PLACE_LOCAL : VIEW_PLACE_REMOTE;
}

const char *view_sum_bytes(uint64_t bytes, char *buf)
{
	static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB"};
	uint64_t scale = 1;
	size_t unit = 0;
	uint64_t tenths;

	while (unit + 1 < sizeof(units) / sizeof(units[0]) && bytes / scale >= 1024) {
		scale *= 1024;
		unit++;
	}
	tenths = bytes / scale * 10 + bytes % scale * 10 / scale;
	if (tenths % 10 == 0 || tenths >= 1000) {
		snprintf(buf, VIEW_BYTES_TEXT_MAX, "%" PRIu64 " %s", tenths / 10, units[unit]);
	} else {
		snprintf(buf, VIEW_BYTES_TEXT_MAX, "%" PRIu64 ".%" PRIu64 " %s", tenths / 10,
			 tenths % 10, units[unit]);
	}
	return buf;
}

const char *view_sum_number(int64_t number, char *buf)
{
	if (number == TOPO_UNKNOWN) {
		snprintf(buf, VIEW_BYTES_TEXT_MAX, "?");
	} else {
		snprintf(buf, VIEW_BYTES_TEXT_MAX, "%" PRId64, number);
	}
	return buf;
}

uint32_t view_sum_list_spare(const struct view *view, bool isolated, int *list)
{
	uint32_t count = 0;

	for (uint32_t i = 0; i < view->topo->cpu_count; i++) {
		const struct topo_cpu *cpu = &view->topo->cpus[i];

		if (cpu->nameable && !cpu->allowed && cpu->isolated == isolated &&
		    !runs_shard(view->plan, cpu->cpu_os)) {
			list[count++] = cpu->cpu_os;
		}
	}
	return count;
}

void view_sum_print_list(const int *numbers, uint32_t count, FILE *out)
{
	uint32_t i = 0;

	while (i < count) {
		uint32_t last = i;

		while (last + 1 < count && numbers[last + 1] == numbers[last] + 1) {
			last++;
		}
		fprintf(out, "%s%d", i == 0 ? "" : ",", numbers[i]);
		if (last > i) {
			fprintf(out, "-%d", numbers[last]);
		}
		i = last + 1;
	}
}

int view_sum_status(FILE *out)
{
	return out_finish(out);
}

static bool runs_shard(const struct plan *plan, int cpu_os)
{
	for (uint32_t i = 0; i < plan->shard_count; i++) {
		if (plan->shards[i].cpu_os == cpu_os) {
			return true;
		}
	}
	return false;
}

static void count_shards(const struct view *view, struct view_sum *sum)
{
	const struct topo *topo = view->topo;

	for (uint32_t i = 0; i < topo->node_count; i++) {
		sum->nodes[i].need = &sum->arenas.nodes[i];
	}
	for (uint32_t i = 0; i < view->plan->shard_count; i++) {
		const struct topo_node *home = topo_find_node(topo, view->plan->shards[i].home_os);

		if (home) {
			sum->nodes[home - topo->nodes].shard_count++;
		}
	}
}

static void count_flows(const struct view *view, struct view_sum *sum)
{
	for (uint32_t flow = 0; flow < view->plan->flow_count; flow++) {
		int node_os = view->flows[flow].node_os;
		const struct topo_node *node = topo_find_node(view->topo, node_os);
		struct view_sum_node *at = node ? &sum->nodes[node - view->topo->nodes] : NULL;
		bool far = count_far(view, flow, at) > 0;

		if (node_os == TOPO_UNKNOWN) {
			sum->flows_unknown++;
		} else if (far) {
			sum->flows_remote++;
		} else {
			sum->flows_local++;
		}
		if (at) {
			at->flow_count++;
			at->far_count += far;
		}
	}
}

/* Counts the owners of a flow that are not on its node; returns how many. */
static uint32_t count_far(const struct view *view, uint32_t flow, struct view_sum_node *at)
{
	const struct plan *plan = view->plan;
	uint32_t far = 0;

	for (uint32_t i = plan->first_owner[flow]; i < plan->first_owner[flow + 1]; i++) {
		const struct plan_owner *owner = &plan->owners[i];

		if (view_sum_place(view, flow, owner->shard) == VIEW_PLACE_REMOTE) {
			far++;
			if (at) {
				at->far_why[owner->why]++;
			}
		}
	}
	return far;
}
