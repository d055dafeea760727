/* text.c - a plan as tables for a terminal (--plan).
 *
 * Four tables (nodes, interfaces, shards, flows) and then notes: whatever in this plan is not as
 * good as it could be, why, and what to do about it. Reads only; control thread.
 */
#include "src/view/view.h"

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "numa/hugepages.h"
#include "src/view/fast.h"
#include "src/view/members.h"
#include "src/view/spread.h"
#include "src/view/sum.h"

static void print_head(const struct view *view, FILE *out);
static void print_nodes(const struct view *view, const struct view_sum *sum, FILE *out);
static void print_nics(const struct view *view, FILE *out);
static bool nic_matters(const struct view *view, const struct topo_nic *nic);
static void print_shards(const struct view *view, FILE *out);
static void print_flows(const struct view *view, FILE *out);
static void print_flow(const struct view *view, uint32_t flow, const int width[2], FILE *out);
static void print_notes(const struct view *view, const struct view_sum *sum, FILE *out);
static void print_fast(const struct view *view, FILE *out);
static void print_far_notes(const struct view *view, const struct view_sum *sum, FILE *out);
static const char *far_cure(enum plan_why why);
static void print_spare_notes(const struct view *view, FILE *out);
static void print_memory_notes(const struct view *view, const struct view_sum *sum, FILE *out);
static void print_count(uint32_t count, const char *what, FILE *out);

int view_text(const struct view *view, FILE *out)
{
	struct view_sum sum;

	if (view_sum_build(view, &sum) != 0) {
		return -ENOMEM;
	}
	print_head(view, out);
	print_nodes(view, &sum, out);
	print_nics(view, out);
	print_shards(view, out);
	print_flows(view, out);
	view_spread_print_asked(view, out);
	view_members_print(view, out);
	print_notes(view, &sum, out);
	view_sum_free(&sum);
	return view_sum_status(out);
}

static void print_head(const struct view *view, FILE *out)
{
	const struct topo *topo = view->topo;
	const struct plan *plan = view->plan;
	char bytes[VIEW_BYTES_TEXT_MAX];
	uint32_t allowed = 0;

	for (uint32_t i = 0; i < topo->cpu_count; i++) {
		allowed += topo->cpus[i].allowed;
	}
	fprintf(out, "%s: ", topo->source);
	print_count(topo->package_count, "socket", out);
	fprintf(out, ", ");
	print_count(topo->node_count, "node", out);
	fprintf(out, ", ");
	print_count(topo->core_count, "core", out);
	fprintf(out, ", ");
	print_count(topo->cpu_count, "CPU", out);
	if (allowed < topo->cpu_count) {
		fprintf(out, ", of which %" PRIu32 " may be used", allowed);
	}
	if (topo->offline_count > 0) {
		fprintf(out, ", and %" PRIu32 " offline", topo->offline_count);
	}
	fprintf(out, "\n");
	print_count(plan->shard_count, "shard", out);
	fprintf(out, " with %s each in %s pages", view_sum_bytes(view->arena_bytes, bytes),
		arena_huge_name(view->page));
	if (plan->shards_idle > 0) {
		fprintf(out, ", as many as the flows can use");
	}
	if (plan->cpus_reserved > 0) {
		fprintf(out, "; CPU%s ", plan->cpus_reserved == 1 ? "" : "s");
		view_sum_print_list(plan->reserved_os, plan->cpus_reserved, out);
		fprintf(out, " left to the rest of the system");
	}
	fprintf(out, "\n");
}

static void print_nodes(const struct view *view, const struct view_sum *sum, FILE *out)
{
	const struct topo *topo = view->topo;
	char bytes[VIEW_BYTES_TEXT_MAX];
	char socket[VIEW_BYTES_TEXT_MAX];
	char unused[VIEW_BYTES_TEXT_MAX];

	fprintf(out, "\nNODE  SOCKET      MEMORY  CPUS  SHARDS  FLOWS  HUGE PAGES  AVAILABLE\n");
	for (uint32_t i = 0; i < topo->node_count; i++) {
		const struct topo_node *node = &topo->nodes[i];
		const struct view_sum_node *at = &sum->nodes[i];

		fprintf(out,
			"%4d  %6s  %10s  %4" PRIu32 "  %6" PRIu32 "  %5" PRIu32 "  %10" PRIu64
			"  %9s%s%s%s\n",
			node->node_os, view_sum_number(node->package_os, socket),
			node->memory_bytes ? view_sum_bytes(node->memory_bytes, bytes) : "none",
			node->cpu_count, at->shard_count, at->flow_count, at->need->pages,
			view_sum_number(at->need->unused, unused), node->kind[0] ? "  " : "",
			node->kind,
			node->allowed || node->memory_bytes == 0 ? "" : "  may not be used");
	}
}

static void print_nics(const struct view *view, FILE *out)
{
	char node[VIEW_BYTES_TEXT_MAX];
	bool any = false;

	for (uint32_t i = 0; i < view->topo->nic_count; i++) {
		const struct topo_nic *nic = &view->topo->nics[i];

		if (!nic_matters(view, nic)) {
			continue;
		}
		if (!any) {
			fprintf(out, "\n%-*s  NODE  FOUND BY\n", IF_NAMESIZE - 1, "INTERFACE");
			any = true;
		}
		fprintf(out, "%-*s  %4s  %s\n", IF_NAMESIZE - 1, nic->name,
			view_sum_number(nic->node_os, node), nic->via);
	}
}

/* Interfaces with a place, and those that flows come in by. */
static bool nic_matters(const struct view *view, const struct topo_nic *nic)
{
	if (nic->node_os != TOPO_UNKNOWN) {
		return true;
	}
	for (uint32_t i = 0; i < view->plan->flow_count; i++) {
		if (strcmp(view->flows[i].ifname, nic->name) == 0) {
			return true;
		}
	}
	return false;
}

static void print_shards(const struct view *view, FILE *out)
{
	char home[VIEW_BYTES_TEXT_MAX];
	char memory[VIEW_BYTES_TEXT_MAX];

	fprintf(out, "\nSHARD   CPU  NODE  MEMORY NODE  FLOWS        LOAD\n");
	for (uint32_t i = 0; i < view->plan->shard_count; i++) {
		const struct plan_shard *shard = &view->plan->shards[i];

		fprintf(out, "%5" PRIu32 "  %4d  %4s  %11s  %5" PRIu32 "  %10" PRIu64 "\n", i,
			shard->cpu_os, view_sum_number(shard->home_os, home),
			view_sum_number(shard->node_os, memory), shard->flow_count, shard->load);
	}
}

static void print_flows(const struct view *view, FILE *out)
{
	int width[2] = {4, 7};

	if (view->plan->flow_count == 0) {
		fprintf(out, "\nno flows: add --rule or --config to see who would own them\n");
		return;
	}
	for (uint32_t i = 0; i < view->plan->flow_count; i++) {
		int name = (int)strlen(view->flows[i].name);
		int ingress = (int)strlen(view->flows[i].ingress);

		width[0] = name > width[0] ? name : width[0];
		width[1] = ingress > width[1] ? ingress : width[1];
	}
	fprintf(out, "\n  FLOW  %-*s  %-*s  NODE  WEIGHT  OUTPUTS  SHARD  WHY\n", width[0], "NAME",
		width[1], "INGRESS");
	for (uint32_t i = 0; i < view->plan->flow_count; i++) {
		print_flow(view, i, width, out);
	}
}

static void print_flow(const struct view *view, uint32_t flow, const int width[2], FILE *out)
{
	const struct view_flow *f = &view->flows[flow];
	const struct plan *plan = view->plan;
	char node[VIEW_BYTES_TEXT_MAX];
	char share[VIEW_SHARE_TEXT_MAX];
	char fast[VIEW_FAST_TEXT_MAX];

	for (uint32_t i = plan->first_owner[flow]; i < plan->first_owner[flow + 1]; i++) {
		const struct plan_owner *owner = &plan->owners[i];
		bool remote = view_sum_place(view, flow, owner->shard) == VIEW_PLACE_REMOTE;

		if (i == plan->first_owner[flow]) {
			fprintf(out, "%6" PRIu32 "  %-*s  %-*s  %4s  %6" PRIu32 "  %7" PRIu32, flow,
				width[0], f->name, width[1], f->ingress,
				view_sum_number(f->node_os, node), f->weight, f->output_count);
		} else {
			fprintf(out, "%*s", 6 + 2 + width[0] + 2 + width[1] + 2 + 4 + 8 + 9, "");
		}
		fprintf(out, "  %5" PRIu32 "  %s%s%s%s%s\n", owner->shard, remote ? "remote: " : "",
			plan_why_name(owner->why), view_spread_text(view, flow, i, share),
			f->fast ? "; " : "", view_fast_text(f, fast));
	}
}

static void print_notes(const struct view *view, const struct view_sum *sum, FILE *out)
{
	if (view->plan->flow_count > 0) {
		fprintf(out, "\n");
		print_count(view->plan->flow_count, "flow", out);
		fprintf(out,
			": %" PRIu32 " local, %" PRIu32 " remote, %" PRIu32
			" with unknown interface node\n",
			sum->flows_local, sum->flows_remote, sum->flows_unknown);
	}
	print_fast(view, out);
	view_spread_print(view, out);
	print_far_notes(view, sum, out);
	print_spare_notes(view, out);
	print_memory_notes(view, sum, out);
}

static void print_fast(const struct view *view, FILE *out)
{
	uint32_t unknown, count = view_fast_count(view, &unknown);

	if (count > 0) {
		print_count(count, "flow", out);
		fprintf(out, " may be relayed in the kernel, %" PRIu32 " on unknown CPUs\n",
			unknown);
	}
}

static void print_far_notes(const struct view *view, const struct view_sum *sum, FILE *out)
{
	for (uint32_t i = 0; i < view->topo->node_count; i++) {
		for (int why = 0; why < PLAN_WHY_COUNT; why++) {
			uint32_t count = sum->nodes[i].far_why[why];

			if (count > 0) {
				fprintf(out, "note: node %d: ", view->topo->nodes[i].node_os);
				print_count(count, "owner", out);
				fprintf(out, " of its flows on another node: %s\n",
					far_cure((enum plan_why)why));
			}
		}
	}
}

/* What to do about an owner on another node, by the reason for it. */
static const char *far_cure(enum plan_why why)
{
	switch (why) {
	case PLAN_WHY_NO_LOCAL:
		return "it has no shard; allow its CPUs (affinity, cpuset) or name them in --cpus";
	case PLAN_WHY_SPREAD:
		return "spread= asks for more shards than it has; lower it or give it more shards";
	case PLAN_WHY_BALANCE:
		return "its shards would carry more than --balance allows; raise it (0: no bound) "
		       "or give it more shards";
	case PLAN_WHY_NAMED:
		return "shard= names one there";
	case PLAN_WHY_PRIOR:
		return "they stay with their owners until a restart";
	case PLAN_WHY_MERGED:
		return "they are merged with a flow there";
	case PLAN_WHY_LOCAL:
	case PLAN_WHY_NODE_UNKNOWN:
	case PLAN_WHY_COUNT:
		break;
	}
	return "";
}

/* CPUs that only wait to be asked for. */
static void print_spare_notes(const struct view *view, FILE *out)
{
	static const char *const why[] = {"not in the affinity mask (CPUAffinity=, taskset)",
					  "isolated (isolcpus=, nohz_full=)"};
	int *list = calloc(view->topo->cpu_count + 1UL, sizeof(*list));

	for (int isolated = 0; list && isolated < 2; isolated++) {
		uint32_t count = view_sum_list_spare(view, isolated != 0, list);

		if (count > 0) {
			fprintf(out, "note: CPU%s ", count == 1 ? "" : "s");
			view_sum_print_list(list, count, out);
			fprintf(out, " %s %s and without a shard: --cpus ",
				count == 1 ? "is" : "are", why[isolated]);
			view_sum_print_list(list, count, out);
			fprintf(out, " gives %s one\n", count == 1 ? "it" : "each");
		}
	}
	free(list);
}

static void print_memory_notes(const struct view *view, const struct view_sum *sum, FILE *out)
{
	char line[HUGEPAGES_LINE_MAX];

	for (uint32_t i = 0; i < view->topo->node_count; i++) {
		const struct topo_node *node = &view->topo->nodes[i];
		const struct view_sum_node *at = &sum->nodes[i];

		if (at->need->unused != TOPO_UNKNOWN &&
		    (uint64_t)at->need->unused < at->need->pages) {
			fprintf(out,
				"note: node %d needs %" PRIu64 " huge pages and has %" PRId64
				" available: %s\n",
				node->node_os, at->need->pages, at->need->unused,
				hugepages_line(topo_pool_node(view->topo, node->node_os),
					       sum->arenas.page_bytes, at->need->goal, line));
		}
		if (at->shard_count > 0 && (!node->allowed || node->memory_bytes == 0)) {
			fprintf(out, "note: node %d has %s: its shards take memory from another\n",
				node->node_os,
				node->memory_bytes == 0 ? "no memory" : "memory we may not use");
		}
	}
	if (sum->arenas.any.arena_count > 0 && view->topo->node_count > 1) {
		fprintf(out, "note: ");
		print_count(sum->arenas.any.arena_count, "shard", out);
		fprintf(out, " %s no known memory node and will take memory anywhere\n",
			sum->arenas.any.arena_count == 1 ? "has" : "have");
	}
}

static void print_count(uint32_t count, const char *what, FILE *out)
{
	fprintf(out, "%" PRIu32 " %s%s", count, what, count == 1 ? "" : "s");
}
