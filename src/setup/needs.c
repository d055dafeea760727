/* needs.c - sums over a setup. See needs.h. */
#include "src/setup/needs.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "shard/shard.h"

#define FILES_OF_THE_PROCESS 64 /* standard streams, libraries, signals, reports */
#define FILES_FOR_METRICS    80 /* its clients, and what it polls */
#define LOG_THREADS          1
#define METRICS_THREADS      1
#define FILES_PER_SHARD      4 /* ring, mailbox and its answers, epoll */

static uint64_t count_cpus(const struct plan *plan);
static void count_pages(const struct topo *topo, enum arena_huge page, struct needs_arenas *arenas);
static void set_goal(struct needs_node *at, uint64_t pages_per_shard);

uint64_t needs_largest_arena(const struct setup *setup)
{
	uint64_t largest = 0;

	for (uint32_t i = 0; i < setup->plan.shard_count; i++) {
		struct shard_spec spec;
		uint64_t bytes;

		setup_spec(setup, i, &spec);
		bytes = shard_arena_bytes(&spec);
		largest = bytes > largest ? bytes : largest;
	}
	return largest;
}

enum arena_huge needs_first_page(const struct opt *opt, uint64_t arena_bytes)
{
	switch (opt->huge) {
	case NODEMEM_HUGE_1G:
		return ARENA_HUGE_1G;
	case NODEMEM_HUGE_2M:
		return ARENA_HUGE_2M;
	case NODEMEM_HUGE_THP:
		return ARENA_HUGE_THP;
	case NODEMEM_HUGE_OFF:
		return ARENA_HUGE_OFF;
	case NODEMEM_HUGE_AUTO:
		break;
	}
	return arena_bytes >= arena_huge_bytes(ARENA_HUGE_1G) ? ARENA_HUGE_1G : ARENA_HUGE_2M;
}

int needs_count_arenas(const struct topo *topo, const struct plan *plan, uint64_t arena_bytes,
		       enum arena_huge page, struct needs_arenas *out)
{
	struct needs_arenas arenas = {.page_bytes = arena_huge_bytes(page)};

	arenas.nodes = calloc((size_t)topo->node_count + 1, sizeof(arenas.nodes[0]));
	if (!arenas.nodes) {
		return -ENOMEM;
	}
	if (page == ARENA_HUGE_1G || page == ARENA_HUGE_2M) {
		arenas.pages_per_shard = (arena_bytes + arenas.page_bytes - 1) / arenas.page_bytes;
	}
	for (uint32_t i = 0; i < plan->shard_count; i++) {
		const struct topo_node *memory = topo_find_node(topo, plan->shards[i].node_os);

		if (memory) {
			arenas.nodes[memory - topo->nodes].arena_count++;
		} else {
			arenas.any.arena_count++;
		}
	}
	count_pages(topo, page, &arenas);
	*out = arenas;
	return 0;
}

void needs_free_arenas(struct needs_arenas *arenas)
{
	free(arenas->nodes);
	memset(arenas, 0, sizeof(*arenas));
}

int needs_of_group(const struct setup *setup, struct needs_group *out)
{
	const struct plan *plan = &setup->plan;
	uint64_t arena_bytes = needs_largest_arena(setup);
	struct needs_arenas arenas;
	int rc = needs_count_arenas(&setup->topo, plan, arena_bytes,
				    needs_first_page(setup->opt, arena_bytes), &arenas);

	if (rc < 0) {
		return rc;
	}
	*out = (struct needs_group){
		.page_bytes = arenas.page_bytes,
		.threads = (uint64_t)plan->shard_count * (setup->sqpoll_os ? 2 : 1) + LOG_THREADS +
			   (setup->opt->metrics.family != 0 ? METRICS_THREADS : 0),
		.cpus = count_cpus(plan),
	};
	for (uint32_t i = 0; i < setup->topo.node_count; i++) {
		const struct needs_node *at = &arenas.nodes[i];
		bool fits = at->pages > 0 && at->unused >= (int64_t)at->pages;

		if (fits || (at->pages > 0 && setup->opt->require_huge)) {
			out->huge_bytes += at->pages * arenas.page_bytes;
		} else {
			out->memory_bytes += at->arena_count * arena_bytes;
		}
	}
	if (arenas.any.pages > 0 && arenas.any.unused >= (int64_t)arenas.any.pages) {
		out->huge_bytes += arenas.any.pages * arenas.page_bytes;
	} else {
		out->memory_bytes += arenas.any.arena_count * arena_bytes;
	}
	out->memory_bytes += needs_ring_bytes(setup);
	needs_free_arenas(&arenas);
	return 0;
}

uint64_t needs_files(const struct setup *setup)
{
	const struct conf *conf = &setup->opt->conf;
	uint64_t need = FILES_OF_THE_PROCESS + (uint64_t)setup->plan.shard_count * FILES_PER_SHARD;

	need += setup->opt->metrics.family != 0 ? FILES_FOR_METRICS : 0;

	for (uint32_t s = 0; s < setup->layout.shard_count; s++) {
		need += (uint64_t)setup->layout.tables[s].flow_count +
			setup->layout.tables[s].output_count;
	}
	for (uint32_t o = 0; o < conf->output_count; o++) {
		need += conf->outputs[o].reply;
	}
	return need;
}

uint64_t needs_ring_bytes(const struct setup *setup)
{
	struct shard_spec spec;

	if (setup->plan.shard_count == 0) {
		return 0;
	}
	setup_spec(setup, 0, &spec);
	return shard_locked_bytes(&spec, setup->plan.shard_count);
}

/* With --oversubscribe several shards share one. */
static uint64_t count_cpus(const struct plan *plan)
{
	uint64_t count = 0;

	for (uint32_t i = 0; i < plan->shard_count; i++) {
		bool seen = false;

		for (uint32_t j = 0; j < i && !seen; j++) {
			seen = plan->shards[j].cpu_os == plan->shards[i].cpu_os;
		}
		count += !seen;
	}
	return count;
}

static void count_pages(const struct topo *topo, enum arena_huge page, struct needs_arenas *arenas)
{
	bool giant = page == ARENA_HUGE_1G;

	for (uint32_t i = 0; i < topo->node_count; i++) {
		const struct topo_node *node = &topo->nodes[i];

		arenas->nodes[i].total = giant ? node->huge_1g_total : node->huge_2m_total;
		arenas->nodes[i].unused = giant ? node->huge_1g_free : node->huge_2m_free;
		set_goal(&arenas->nodes[i], arenas->pages_per_shard);
	}
	arenas->any.total = topo->pool[giant].total;
	arenas->any.unused = topo->pool[giant].unused;
	set_goal(&arenas->any, arenas->pages_per_shard);
}

static void set_goal(struct needs_node *at, uint64_t pages_per_shard)
{
	at->pages = at->arena_count * pages_per_shard;
	at->goal = at->pages;
	if (at->total != TOPO_UNKNOWN && at->unused != TOPO_UNKNOWN) {
		uint64_t others = (uint64_t)(at->total - at->unused);
		uint64_t enough = others + at->pages;

		at->goal = enough > (uint64_t)at->total ? enough : (uint64_t)at->total;
	}
}
