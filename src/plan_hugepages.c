/* plan_hugepages.c - the commands that give each node its huge pages (--plan=hugepages).
 *
 * The output is a shell script, so that `numacastd --plan=hugepages --config FILE | sudo sh' does
 * it and a oneshot unit can do it before the daemon starts. On this machine the pool is raised by
 * what is missing, never lowered: pages that others hold stay theirs. For a foreign topology the
 * pool is set to what the shards need. Reads only; control thread. Units: pages.
 */
#include "src/plan_print.h"

#include <errno.h>
#include <inttypes.h>

#include "numa/hugepages.h"
#include "src/plan_sum.h"

static void print_node(const struct plan_view *view, const struct plan_sum *sum, uint32_t idx,
		       FILE *out)
{
	const struct plan_sum_node *at = &sum->nodes[idx];
	int node_os = view->topo->nodes[idx].node_os;
	char line[HUGEPAGES_LINE_MAX];

	if (at->arena_count == 0) {
		fprintf(out, "# node %d: no shard takes memory here\n", node_os);
		return;
	}
	fprintf(out, "# node %d: %" PRIu32 " shard%s x %" PRIu64 " = %" PRIu64 " pages", node_os,
		at->arena_count, at->arena_count == 1 ? "" : "s", sum->pages_per_shard, at->pages);
	if (at->total == TOPO_UNKNOWN || at->unused == TOPO_UNKNOWN) {
		fprintf(out, "\n%s\n", hugepages_line(node_os, sum->page_bytes, at->goal, line));
	} else if ((uint64_t)at->unused >= at->pages) {
		fprintf(out, ", %" PRId64 " available: nothing to do\n", at->unused);
	} else {
		fprintf(out, ", %" PRId64 " of %" PRId64 " available\n%s\n", at->unused, at->total,
			hugepages_line(node_os, sum->page_bytes, at->goal, line));
	}
}

int plan_print_hugepages(const struct plan_view *view, FILE *out)
{
	struct plan_sum sum;
	char bytes[PLAN_BYTES_TEXT_MAX];

	if (plan_sum_build(view, &sum) != 0) {
		return -ENOMEM;
	}
	fprintf(out, "# %s: %" PRIu32 " shards, %s each, in %s pages\n", view->topo->source,
		view->plan->shard_count, plan_sum_bytes(view->arena_bytes, bytes),
		arena_huge_name(view->page));
	if (sum.pages_per_shard == 0) {
		fprintf(out, "# pages of this kind need no reservation\n");
	}
	for (uint32_t i = 0; sum.pages_per_shard > 0 && i < view->topo->node_count; i++) {
		print_node(view, &sum, i, out);
	}
	if (sum.pages_per_shard > 0 && sum.arenas_anywhere > 0) {
		fprintf(out,
			"# %" PRIu32 " shards with unknown memory node: %" PRIu64
			" pages more, on any node\n",
			sum.arenas_anywhere, sum.arenas_anywhere * sum.pages_per_shard);
	}
	plan_sum_free(&sum);
	return plan_sum_status(out);
}
