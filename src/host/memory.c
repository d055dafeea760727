/* memory.c - have the nodes what the plan takes from them?
 *
 * The huge pages that the shards of each node need, against what its pool still holds; transparent
 * huge pages where those are the way; and automatic NUMA balancing, which looks for pages to move
 * by taking them away for a moment. Page counts were read with the topology; other files below
 * root. Pure otherwise. Units: pages, bytes.
 */
#include "src/host/host.h"

#include <inttypes.h>
#include <string.h>

#include "numa/hugepages.h"
#include "src/setup/needs.h"
#include "src/view/sum.h"

static const char huge_why[] = "a shard's memory lies in huge pages of its own node; without them "
			       "it runs on smaller ones and misses the TLB more often";

static void check_huge(struct host *host);
static void check_node(struct host *host, const struct needs_arenas *arenas,
		       const struct needs_node *at, const char *name, int pool_os);
static void check_transparent(struct host *host, bool wanted);
static void check_balancing(struct host *host);

void host_memory(struct host *host)
{
	check_huge(host);
	check_balancing(host);
}

static void check_huge(struct host *host)
{
	const struct setup *setup = host->setup;
	uint64_t arena_bytes = needs_largest_arena(setup);
	enum arena_huge page = needs_first_page(setup->opt, arena_bytes);
	struct needs_arenas arenas;

	if (needs_count_arenas(&setup->topo, &setup->plan, arena_bytes, page, &arenas) < 0) {
		host->out_of_memory = true;
		return;
	}
	for (uint32_t i = 0; i < setup->topo.node_count; i++) {
		int node_os = setup->topo.nodes[i].node_os;

		check_node(host, &arenas, &arenas.nodes[i], host_text(host, "node %d", node_os),
			   topo_pool_node(&setup->topo, node_os));
	}
	if (arenas.any.arena_count == setup->plan.shard_count) {
		check_node(host, &arenas, &arenas.any, "any node", TOPO_UNKNOWN);
	}
	needs_free_arenas(&arenas);
	check_transparent(host, page == ARENA_HUGE_THP);
}

static void check_node(struct host *host, const struct needs_arenas *arenas,
		       const struct needs_node *at, const char *name, int pool_os)
{
	bool known = at->unused != TOPO_UNKNOWN && at->total != TOPO_UNKNOWN;
	bool short_of = known && (uint64_t)at->unused < at->pages;
	char line[HUGEPAGES_LINE_MAX], size[VIEW_BYTES_TEXT_MAX], unused[VIEW_BYTES_TEXT_MAX];
	struct finding finding = {
		.level = known ? FINDING_OK : FINDING_UNKNOWN,
		.id = "huge_pages",
		.subject = name,
		.value = host_text(host, "%s of %s available, %u shards need %" PRIu64,
				   view_sum_number(at->unused, unused),
				   view_sum_bytes(arenas->page_bytes, size), at->arena_count,
				   at->pages),
		.why = huge_why,
	};

	if (at->pages == 0) {
		return;
	}
	if (short_of) {
		finding.level = host->setup->opt->require_huge ? FINDING_FAIL : FINDING_WARN;
		finding.cure = host_text(
			host, "%s", hugepages_line(pool_os, arenas->page_bytes, at->goal, line));
	}
	host_add(host, &finding);
}

/* "always [madvise] never" */
static void check_transparent(struct host *host, bool wanted)
{
	const char *line = host_line(host, "/sys/kernel/mm/transparent_hugepage/enabled");
	bool never = line && strstr(line, "[never]");
	struct finding finding = {
		.level = wanted && (never || !line) ? FINDING_WARN : FINDING_OK,
		.id = "transparent_huge_pages",
		.value = line ? line : "this kernel has none",
		.why = wanted ? huge_why : "used only when no reserved huge page is left",
	};

	if (wanted && never) {
		finding.cure = "echo madvise > /sys/kernel/mm/transparent_hugepage/enabled";
	} else if (wanted && !line) {
		finding.advice = "give --huge 2M and reserve pages, or --huge off";
	}
	if (!line && !host_exists(host, "/sys/kernel/mm")) {
		finding = (struct finding){.level = FINDING_UNKNOWN,
					   .id = finding.id,
					   .value = "not known: no /sys/kernel/mm",
					   .why = finding.why};
	}
	host_add(host, &finding);
}

static void check_balancing(struct host *host)
{
	int64_t on = host_number(host, -1, "/proc/sys/kernel/numa_balancing");
	uint32_t nodes = host->setup->topo.node_count;
	struct finding finding = {
		.id = "numa_balancing",
		.value = host_text(host, "kernel.numa_balancing = %d, %u nodes", (int)on, nodes),
		.why = "it takes pages away for a moment to see who uses them, a fault each; what "
		       "numacast placed needs no moving",
	};

	if (on < 0 && host_has_sysctls(host)) {
		finding.value = "this kernel has none";
	} else if (on < 0) {
		finding.level = FINDING_UNKNOWN;
		finding.value = "not known: no /proc/sys";
	} else if (on > 0 && nodes > 1) {
		finding.level = FINDING_WARN;
		finding.cure = "sysctl -w kernel.numa_balancing=0";
	}
	host_add(host, &finding);
}
