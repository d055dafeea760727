/* view.h - a setup for people to see: as text, JSON, a picture, or commands (--plan).
 *
 * view_print fills in a view, which owns nothing, and calls one of the printers. They only read, so
 * they work without privileges and for machines one is not on. Each returns 0, -ENOMEM, or -errno
 * when `out' has failed; it is flushed and not closed. Control thread; nothing has been started and
 * nothing of the host is touched. Numbers ending in _os are the kernel's.
 *
 * The JSON (json.c) is an interface for scripts: members are added, never renamed, and `format' is
 * raised should one ever change its meaning. The others stand in text.c, picture.c, hugepages.c.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "numa/plan.h"
#include "numa/topo.h"
#include "src/base/arena.h"
#include "src/fastpath/eligible.h"
#include "src/setup/setup.h"

/* A flow as people know it; what the planner decided is in plan->owners. */
struct view_flow {
	const char *name;    /* of its rule */
	const char *ingress; /* "10.0.0.1@239.1.1.1%eth0:5000" */
	const char *ifname;  /* ingress interface, "" = any */
	int node_os;         /* of that interface, or TOPO_UNKNOWN */
	uint32_t weight;
	uint32_t output_count;
	const struct rule_ingress *in;
	enum share_by by;        /* what spread= divides */
	bool fast;               /* the kernel is asked to relay it (--fastpath), where it can */
	enum fast_reason reason; /* what stands in the way of that, as far as can be planned */
	const struct view_irqs *irqs; /* its CPUs then; NULL: nobody knows */
};

struct view {
	const struct topo *topo;
	const struct plan *plan;
	const struct view_flow *flows;     /* plan->flow_count of them */
	const struct addr *source;         /* --source: whose shard is asked for; NULL: nobody's */
	const struct view_live *live;      /* NULL: the picture is of the plan alone */
	const struct partition *partition; /* among machines; NULL: all is this one's */
	const struct conf *conf;           /* with the names of its rules */
	uint64_t arena_bytes;              /* memory of one shard */
	enum arena_huge page;              /* the kind of page tried first */
};

/* What a shard or an interface does at present, by a picture that is about that. */
struct view_live_item {
	const char *name; /* of an interface, "" = any; NULL: a shard */
	double load;      /* of its CPU or link, 0 to 1; negative: nobody knows */
	double in_per_s, out_per_s, lost_per_s; /* datagrams */
};

struct view_live {
	const struct view_live_item *shards; /* as plan->shards */
	const struct view_live_item *nics;   /* that flows come in by or outputs go out by */
	uint32_t nic_count;
	double window_s; /* what "at present" is a mean over */
	double width;    /* of the picture, VIEW_LIVE_WIDTH_MIN to _MAX CSS pixels */
};

#define VIEW_LIVE_WIDTH_MIN 300
#define VIEW_LIVE_WIDTH_MAX 4000

int view_text(const struct view *view, FILE *out);
int view_json(const struct view *view, FILE *out);
int view_picture(const struct view *view, FILE *out);

/* A shell script that gives each node the huge pages which its shards need. */
int view_hugepages(const struct view *view, FILE *out);

/* Prints the plan of `setup', on which setup_prepare has returned 0, in the way that its options
 * ask for. */
int view_print(const struct setup *setup, FILE *out);

/* The same in the way `how'. */
int view_print_as(const struct setup *setup, enum opt_plan how, FILE *out);

/* The machine with its shards and interfaces, coloured by what they do and lose at present. */
int view_print_live(const struct setup *setup, const struct view_live *live, FILE *out);
