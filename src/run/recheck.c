/* recheck.c - re-verifies CPU and memory of each shard (step 2, kept true). See recheck.h. */
#include "src/run/recheck.h"

#include <inttypes.h>
#include <stdio.h>

#include "numa/nodemem.h"
#include "numa/pin.h"
#include "src/base/clock.h"
#include "src/run/supervisor.h"

#define RECHECK_ROW(member, name, unit, kind, help) \
	{name, unit, help, COUNTER_##kind, offsetof(struct recheck, member), 1},

static const struct counter recheck_rows[] = {RECHECK_COUNTERS(RECHECK_ROW)};

const struct counter_family recheck_counters = {"placement", "Placement of a shard", recheck_rows,
						sizeof(recheck_rows) / sizeof(recheck_rows[0])};

static void check_cpu(struct worker *w);
static void check_pages(struct worker *w);

void recheck_tick(const struct supervisor *sup, uint64_t *last_ns)
{
	uint64_t now_ns = clock_now_ns();

	if (now_ns - *last_ns < RECHECK_EVERY_S * NS_PER_S) {
		return;
	}
	*last_ns = now_ns;
	for (uint32_t i = 0; i < sup->worker_count; i++) {
		struct worker *w = &sup->workers[i];

		w->placement.checks++;
		check_cpu(w);
		check_pages(w);
	}
}

static void check_cpu(struct worker *w)
{
	struct recheck *p = &w->placement;
	int cpu_os;

	if (!w->pin) {
		return;
	}
	cpu_os = pin_get(w->tid);
	if (cpu_os == PIN_UNKNOWN) {
		return; /* it may be where it was */
	}
	if (cpu_os == w->cpu_os) {
		if (p->cpu_told) {
			log_notice("shard %u: back on cpu %d", w->index, w->cpu_os);
		}
		p->cpu_told = false;
		return;
	}
	p->cpu_deviations++;
	if (!p->cpu_told) {
		char now[48] = "may now run on several CPUs";

		if (cpu_os >= 0) {
			snprintf(now, sizeof(now), "was moved to cpu %d", cpu_os);
		}
		log_warn("shard %u: %s, cpu %d was planned; the cpuset or affinity was changed "
			 "from outside; restart to plan anew",
			 w->index, now, w->cpu_os);
	}
	p->cpu_told = true;
}

/* Before pages are called misplaced they get time to settle; what has been told already is not
 * waited for, so that many shards do not keep the control thread. */
static void check_pages(struct worker *w)
{
	struct recheck *p = &w->placement;
	int (*verify)(const void *, size_t, size_t, int, uint64_t *, uint64_t *) =
		p->pages_told ? nodemem_verify : nodemem_verify_settled;
	uint64_t pages;

	if (w->node_os == NODE_UNKNOWN || w->mem.unverifiable ||
	    verify(w->arena.base, w->arena.len_bytes, w->arena.page_bytes, w->node_os, &pages,
		   &p->pages_misplaced) < 0) {
		return;
	}
	if (p->pages_misplaced == 0) {
		if (p->pages_told) {
			log_notice("shard %u: all pages are back on node %d", w->index, w->node_os);
		}
		p->pages_told = false;
		return;
	}
	p->page_deviations++;
	if (!p->pages_told) {
		log_warn("shard %u: %" PRIu64 " of %" PRIu64
			 " pages have left node %d; the cpuset's memory nodes were changed from "
			 "outside; restart to place them anew",
			 w->index, p->pages_misplaced, pages, w->node_os);
	}
	p->pages_told = true;
}
