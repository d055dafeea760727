/* print.h - a plan for people to see: as text, JSON, a picture, or commands (--plan).
 *
 * Whoever has a plan fills in a plan_view, which owns nothing, and calls one of the printers.
 * They only read, so they work without privileges and for machines one is not on. Each returns 0,
 * -ENOMEM, or -EIO when `out' has failed; nothing is flushed or closed. Control thread. Numbers
 * ending in _os are the kernel's.
 *
 * The JSON (json.c) is an interface for scripts: members are added, never renamed, and
 * `format' is raised should one ever change its meaning.
 */
#pragma once

#include <stdint.h>
#include <stdio.h>

#include "numa/plan.h"
#include "numa/topo.h"
#include "src/base/arena.h"

/* A flow as people know it; what the planner decided is in plan->owners. */
struct plan_view_flow {
	const char *name;    /* of its rule */
	const char *ingress; /* "10.0.0.1@239.1.1.1%eth0:5000" */
	const char *ifname;  /* ingress interface, "" = any */
	int node_os;         /* of that interface, or TOPO_UNKNOWN */
	uint32_t weight;
	uint32_t output_count;
};

struct plan_view {
	const struct topo *topo;
	const struct plan *plan;
	const struct plan_view_flow *flows; /* plan->flow_count of them */
	uint64_t arena_bytes;               /* memory of one shard */
	enum arena_huge page;               /* the kind of page tried first */
};

int plan_print_text(const struct plan_view *view, FILE *out);
int plan_print_json(const struct plan_view *view, FILE *out);
int plan_print_svg(const struct plan_view *view, FILE *out);

/* A shell script that gives each node the huge pages which its shards need. */
int plan_print_hugepages(const struct plan_view *view, FILE *out);
