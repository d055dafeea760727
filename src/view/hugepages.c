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
static void print_need(const struct view_sum *sum, const struct needs_node *need, const char *name,
		       int pool_os, FILE *out);
static void print_commands(const struct view_sum *sum, int pool_os, const char *name, uint64_t goal,
			   FILE *out);
static void print_anywhere(const struct view *view, const struct view_sum *sum, FILE *out);

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
	if (sum.arenas.any.pages > 0) {
		print_anywhere(view, &sum, out);
	}
	view_sum_free(&sum);
	return view_sum_status(out);
}

static void print_node(const struct view *view, const struct view_sum *sum, uint32_t idx, FILE *out)
{
	const struct needs_node *need = sum->nodes[idx].need;
	int node_os = view->topo->nodes[idx].node_os;
	char name[32];

	snprintf(name, sizeof(name), "node %d", node_os);
	if (need->arena_count == 0) {
		fprintf(out, "# %s: no shard takes memory here\n", name);
		return;
	}
	fprintf(out, "# %s: %" PRIu32 " shard%s x %" PRIu64 " = %" PRIu64 " page%s", name,
		need->arena_count, plural(need->arena_count), sum->arenas.pages_per_shard,
		need->pages, plural(need->pages));
	print_need(sum, need, name, topo_pool_node(view->topo, node_os), out);
}

static const char *plural(uint64_t count)
{
	return count == 1 ? "" : "s";
}

/* The rest of the line, and what follows from it. */
static void print_need(const struct view_sum *sum, const struct needs_node *need, const char *name,
		       int pool_os, FILE *out)
{
	if (need->total == TOPO_UNKNOWN || need->unused == TOPO_UNKNOWN) {
		fprintf(out, "\n");
		print_commands(sum, pool_os, name, need->goal, out);
	} else if ((uint64_t)need->unused >= need->pages) {
		fprintf(out, ", %" PRId64 " available: nothing to do\n", need->unused);
	} else {
		fprintf(out, ", %" PRId64 " of %" PRId64 " available\n", need->unused, need->total);
		print_commands(sum, pool_os, name, need->goal, out);
	}
}

/* The kernel reserves fewer pages than it is told to without a word, so the script asks. */
static void print_commands(const struct view_sum *sum, int pool_os, const char *name, uint64_t goal,
			   FILE *out)
{
	char line[HUGEPAGES_LINE_MAX];
	const char *path =
		strstr(hugepages_line(pool_os, sum->arenas.page_bytes, goal, line), "> ");

	must(path != NULL);
	fprintf(out,
		"%s\ntest \"$(cat %s)\" -ge %" PRIu64 " || { echo '%s: fewer than %" PRIu64
		" huge pages could be had' >&2; exit 1; }\n",
		line, path + strlen("> "), goal, name, goal);
}

/* Where all shards take memory anywhere the machine's pool is the one to fill; beside nodes of
 * their own it would count theirs too. */
static void print_anywhere(const struct view *view, const struct view_sum *sum, FILE *out)
{
	const struct needs_node *any = &sum->arenas.any;

	fprintf(out,
		"# %" PRIu32 " shard%s with unknown memory node: %" PRIu64 " more, on any node",
		any->arena_count, plural(any->arena_count), any->pages);
	if (any->arena_count == view->plan->shard_count) {
		print_need(sum, any, "any node", TOPO_UNKNOWN, out);
	} else {
		fprintf(out, "\n");
	}
}
