/* memory.c - have the nodes what the plan takes from them?
 *
 * The huge pages that the shards of each node need, against what its pool still holds; transparent
 * huge pages where those are the way; and automatic NUMA balancing, which looks for pages to move
 * by taking them away for a moment. Page counts were read with the topology; other files below
 * root. Pure otherwise. No step of a datagram runs here. Units: pages, bytes.
 */
#include "src/host/host.h"

#include <inttypes.h>
#include <string.h>

#include "numa/hugepages.h"
#include "src/setup/needs.h"
#include "src/view/sum.h"

static const char huge_why[] = "a shard's memory lies in huge pages of its own node; without them "
			       "it runs on smaller ones and misses the TLB more often";

static void check_node(struct check *check, const struct needs_arenas *arenas, uint32_t idx,
		       bool required)
{
	const struct needs_node *at = &arenas->nodes[idx];
	int node_os = check->setup->topo.nodes[idx].node_os;
	bool known = at->unused != TOPO_UNKNOWN && at->total != TOPO_UNKNOWN;
	bool short_of = known && (uint64_t)at->unused < at->pages;
	char line[HUGEPAGES_LINE_MAX], size[PLAN_BYTES_TEXT_MAX], unused[PLAN_BYTES_TEXT_MAX];

	if (at->pages == 0) {
		return;
	}
	check_add(check,
		  &(struct check_finding){
			  .level = !short_of  ? CHECK_OK
				   : required ? CHECK_FAIL
					      : CHECK_WARN,
			  .id = "huge_pages",
			  .subject = check_text(check, "node %d", node_os),
			  .value = check_text(check, "%s of %s available, %u shards need %" PRIu64,
					      plan_sum_number(at->unused, unused),
					      plan_sum_bytes(arenas->page_bytes, size),
					      at->arena_count, at->pages),
			  .why = huge_why,
			  .cure = short_of ? check_text(check, "%s",
							hugepages_line(node_os, arenas->page_bytes,
								       at->goal, line))
					   : NULL,
		  });
}

/* "always [madvise] never" */
static void check_transparent(struct check *check, bool wanted)
{
	const char *line = check_line(check, "/sys/kernel/mm/transparent_hugepage/enabled");
	bool never = line && strstr(line, "[never]");
	struct check_finding finding = {
		.level = wanted && (never || !line) ? CHECK_WARN : CHECK_OK,
		.id = "transparent_huge_pages",
		.value = line ? line : "this kernel has none",
		.why = wanted ? huge_why : "used only when no reserved huge page is left",
	};

	if (wanted && never) {
		finding.cure = "echo madvise > /sys/kernel/mm/transparent_hugepage/enabled";
	} else if (wanted && !line) {
		finding.advice = "give --huge 2M and reserve pages, or --huge off";
	}
	check_add(check, &finding);
}

static void check_huge(struct check *check)
{
	const struct setup *setup = check->setup;
	uint64_t arena_bytes = needs_largest_arena(setup);
	enum arena_huge page = needs_first_page(setup->opt, arena_bytes);
	struct needs_arenas arenas;

	if (needs_count_arenas(&setup->topo, &setup->plan, arena_bytes, page, &arenas) < 0) {
		check->out_of_memory = true;
		return;
	}
	for (uint32_t i = 0; i < setup->topo.node_count; i++) {
		check_node(check, &arenas, i, setup->opt->require_huge);
	}
	needs_free_arenas(&arenas);
	check_transparent(check, page == ARENA_HUGE_THP);
}

static void check_balancing(struct check *check)
{
	int64_t on = check_number(check, 0, "/proc/sys/kernel/numa_balancing");
	bool matters = on != 0 && check->setup->topo.node_count > 1;

	check_add(check,
		  &(struct check_finding){
			  .level = matters ? CHECK_WARN : CHECK_OK,
			  .id = "numa_balancing",
			  .value = check_text(check, "kernel.numa_balancing = %d, %u nodes",
					      (int)on, check->setup->topo.node_count),
			  .why = "it takes pages away for a moment to see who uses them, a fault "
				 "each; what numacast placed needs no moving",
			  .cure = matters ? "sysctl -w kernel.numa_balancing=0" : NULL,
		  });
}

void check_memory(struct check *check)
{
	check_huge(check);
	check_balancing(check);
}
