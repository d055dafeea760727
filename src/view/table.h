/* table.h - the tables below the picture of a machine: interfaces, and flows if they are few.
 *
 * Internal to picture.c. Owner: the caller. Units: flows; CSS pixels.
 */
#pragma once

#include <stdint.h>
#include <stdio.h>

#include "src/view/view.h"
#include "src/view/svg.h"

#define PLAN_TABLE_FLOWS_MAX 60 /* more are counted by interface only */

/* An interface that flows come in by. */
struct view_table_nic {
	const char *ifname; /* "" = any */
	int node_os;
	uint32_t flow_count;
	uint32_t far_count; /* of these owned, at least in part, on another node */
};

/* Owners, on one node, of flows whose interface is on another: guests there. */
struct view_table_guest {
	const char *ifname;
	int from_os, to_os;
	uint32_t owner_count;
};

struct view_table {
	struct view_table_nic *nics;     /* ascending by name */
	struct view_table_guest *guests; /* ascending by name, then node */
	uint32_t nic_count;
	uint32_t guest_count;
};

/* 0 or -ENOMEM. */
int view_table_build(const struct view *view, struct view_table *out);

double view_table_height(const struct view *view, const struct view_table *table);

/* Paints the tables from the upper left corner of `at', at most `at.w' wide. */
void view_table_paint(const struct view *view, const struct view_table *table, struct svg_rect at,
		      FILE *out);

/* Accepts all-zero. */
void view_table_free(struct view_table *table);
