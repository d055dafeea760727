/* sum.h - what the four printers of a plan all need to know, counted once.
 *
 * Internal to src/view/. Owner: the caller; view_sum_free accepts all-zero.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "src/setup/needs.h"
#include "src/view/view.h"

#define VIEW_BYTES_TEXT_MAX 32

enum view_place {
	VIEW_PLACE_LOCAL,   /* the shard's CPU sits on the interface's node */
	VIEW_PLACE_REMOTE,  /* on another, or nobody knows which */
	VIEW_PLACE_UNKNOWN, /* nobody knows the interface's node */
};

/* The plan seen from one node. */
struct view_sum_node {
	uint32_t shard_count; /* shards whose CPU sits here */
	uint32_t flow_count;  /* flows whose interface is here */
	uint32_t far_count;   /* of these owned, at least in part, by a shard elsewhere */
	uint32_t far_why[PLAN_WHY_COUNT]; /* owners elsewhere, by reason */
	const struct needs_node *need;    /* its pages, in view_sum.arenas */
};

struct view_sum {
	struct view_sum_node *nodes; /* as topo->nodes */
	struct needs_arenas arenas;  /* pages for them, by node */
	uint32_t flows_local;        /* every owner local */
	uint32_t flows_remote;       /* at least one remote */
	uint32_t flows_unknown;      /* interface's node unknown */
};

/* 0 or -ENOMEM. */
int view_sum_build(const struct view *view, struct view_sum *out);
void view_sum_free(struct view_sum *sum);

enum view_place view_sum_place(const struct view *view, uint32_t flow, uint32_t shard);

/* "64 GiB", "1.5 MiB", "512 B"; `buf' holds VIEW_BYTES_TEXT_MAX bytes and is returned. */
const char *view_sum_bytes(uint64_t bytes, char *buf);

/* "7", or "?" for TOPO_UNKNOWN; `buf' as above. */
const char *view_sum_number(int64_t number, char *buf);

/* Fills `list', with room for all CPUs, with those that --cpus could give a shard and nothing else
 * does: not in the affinity mask, without a shard, and isolated or not. How many. */
uint32_t view_sum_list_spare(const struct view *view, bool isolated, int *list);

/* Ascending numbers as ranges: "0-3,8,10-11". */
void view_sum_print_list(const int *numbers, uint32_t count, FILE *out);

/* What view_* return in the end: 0, or -errno when `out' has failed. */
int view_sum_status(FILE *out);
