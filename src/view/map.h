/* map.h - a machine and its plan as nested boxes: socket, node, cache, core; and interfaces.
 *
 * Internal to picture.c and live.c; place.c has what concerns where boxes stand. A map is built in
 * two steps, what is inside what and then where it stands, and only read after that. Boxes are an
 * array; children are chained by index, so there are no pointers to keep true. Owner: the caller.
 * Units: CSS pixels.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "src/view/view.h"
#include "src/view/table.h"
#include "src/view/svg.h"

#define MAP_NONE UINT32_MAX

enum map_kind {
	MAP_PAGE,   /* all sockets */
	MAP_SOCKET, /* `os' = socket, or TOPO_UNKNOWN: outside any */
	MAP_NODE,   /* `os' = node, or TOPO_UNKNOWN; one for each socket it reaches into */
	MAP_CACHE,  /* `index' = last-level cache, or MAP_NONE */
	MAP_CORE,   /* `index' = in map->cores */
	MAP_NIC,    /* `index' = in topo->nics */
	MAP_LINK,   /* `index' = in live->nics: one of no known node */
	MAP_GUEST,  /* `index' = in table->guests: flows from another node, owned here */
};

struct map_core {
	int package_os;
	int home_os;
	int l3_idx;
	int cpu_os;      /* lowest of its CPUs */
	int last_cpu_os; /* highest */
	uint32_t thread_count;
	uint32_t shard_count; /* on its CPUs */
	uint32_t first_shard; /* lowest number of these */
	uint32_t flow_count;
	uint32_t fast_count; /* flows that may be relayed in the kernel on its CPUs, each once */
	uint32_t fast_last;  /* the last of these, plus one */
	uint64_t load;
	struct view_live_item live; /* of all its shards; when the view has that */
	bool allowed;               /* at least one CPU may be used */
	bool reserved;              /* left to the rest of the system */
	bool far;                   /* owns a flow whose interface is on another node */
};

struct map_box {
	enum map_kind kind;
	int os;
	uint32_t index;
	uint32_t first_child, last_child, next; /* MAP_NONE: none */
	struct svg_rect at;
};

struct map {
	struct map_core *cores; /* sorted by socket, node, cache, CPU */
	struct map_box *boxes;  /* the first is the page */
	uint32_t core_count;
	uint32_t box_count;
	uint32_t socket_count; /* boxes of that kind */
	uint64_t load_max;     /* of a core */
	bool live;             /* boxes have room for what view->live says */
};

/* 0 or -ENOMEM. */
int map_build(const struct view *view, const struct view_table *table, struct map *out);

/* Gives every box its place, the page's upper left corner at x, y; it is about as wide as `width'
 * allows, or wider when a single box is. */
void map_place(struct map *map, double x, double y, double width);

/* Heights of the text above a box's children, and the space around them. */
double map_head_height(enum map_kind kind);

void map_free(struct map *map);
