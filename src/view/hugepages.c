/* hugepages.c - the commands that give each node its huge pages (--plan=hugepages).
 *
 * The output is a shell script, so that `numacastd --plan=hugepages --config FILE | sudo sh' does
 * it and a oneshot unit can do it before the daemon starts. On this machine the pool is raised by
 * what is missing, never lowered: pages that others hold stay theirs. For a foreign topology the
 * pool is set to what the shards need. Reads only; control thread. Units: pages.
 */
#include "src/view/view.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "numa/hugepages.h"
#include "src/base/must.h"
#include "src/view/sum.h"

static void print_node(const struct view *view, const struct view_sum *sum, uint32_t idx,
		       FILE *out);
static const char *plural(uint64_t count);
static void print_commands(const struct view_sum *sum, int node_os, uint64_t goal, FILE *out);

int view_hugepages(const struct view *view, FILE *out)
{
	struct view_sum sum;
	char bytes[VIEW_BYTES_TEXT_MAX];

	if (view_sum_build(view, &sum) != 0) {
		return -ENOMEM;
	}
	fprintf(out, "# %s: %" PRIu32 " shard%s, %s each, in %s pages\n", view->topo->source,
		view->plan->shard_count, plural(view->plan->shard_count),
		view_sum_bytes(view->arena_bytes, bytes), arena_huge_name(view->page));
	if (sum.arenas.pages_per_shard == 0) {
		fprintf(out, "# pages of this kind need no reservation\n");
	}
	for (uint32_t i = 0; sum.arenas.pages_per_shard > 0 && i < view->topo->node_count; i++) {
		print_node(view, &sum, i, out);
	}
	if (sum.arenas.pages_per_shard > 0 && sum.arenas.anywhere > 0) {
		fprintf(out,
			"# %" PRIu32 " shard%s with unknown memory node: %" PRIu64
			" more, on any node\n",
			sum.arenas.anywhere, plural(sum.arenas.anywhere),
			sum.arenas.anywhere * sum.arenas.pages_per_shard);
	}
	view_sum_free(&sum);
	return view_sum_status(out);
}

static void print_node(const struct view *view, const struct view_sum *sum, uint32_t idx, FILE *out)
{
	const struct view_sum_node *at = &sum->nodes[idx];
	int node_os = view->topo->nodes[idx].node_os;

	if (at->need->arena_count == 0) {
		fprintf(out, "# node %d: no shard takes memory here\n", node_os);
		return;
	}
	fprintf(out, "# node %d: %" PRIu32 " shard%s x %" PRIu64 " = %" PRIu64 " page%s", node_os,
		at->need->arena_count, plural(at->need->arena_count), sum->arenas.pages_per_shard,
		at->need->pages, plural(at->need->pages));
	if (at->need->total == TOPO_UNKNOWN || at->need->unused == TOPO_UNKNOWN) {
		fprintf(out, "\n");
		print_commands(sum, node_os, at->need->goal, out);
	} else if ((uint64_t)at->need->unused >= at->need->pages) {
		fprintf(out, ", %" PRId64 " available: nothing to do\n", at->need->unused);
	} else {
		fprintf(out, ", %" PRId64 " of %" PRId64 " available\n", at->need->unused,
			at->need->total);
		print_commands(sum, node_os, at->need->goal, out);
	}
}

static const char *plural(uint64_t count)
{
	return count == 1 ? "" : "s";
}

/* The kernel reserves fewer pages than it is told to without a word, so the script asks. */
static void print_commands(const struct view_sum *sum, int node_os, uint64_t goal, FILE *out)
{
	char line[HUGEPAGES_LINE_MAX];
	const char *path =
		strstr(hugepages_line(node_os, sum->arenas.page_bytes, goal, line), "> ");

	must(path != NULL);
	fprintf(out,
		"%s\ntest \"$(cat %s)\" -ge %" PRIu64 " || { echo 'node %d: fewer than %" PRIu64
		" huge pages could be had' >&2; exit 1; }\n",
		line, path + strlen("> "), goal, node_os, goal);
}
