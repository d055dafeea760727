/* table.h - the tables below the picture of a machine: interfaces, and flows if they are few.
 *
 * Internal to picture.c. Owner: the caller. Units: flows; CSS pixels.
 */
#pragma once

#include <stdint.h>
#include <stdio.h>

#include "src/view/print.h"
#include "src/view/svg.h"

#define PLAN_TABLE_FLOWS_MAX 60 /* more are counted by interface only */

/* An interface that flows come in by. */
struct plan_table_nic {
	const char *ifname; /* "" = any */
	int node_os;
	uint32_t flow_count;
	uint32_t far_count; /* of these owned, at least in part, on another node */
};

/* Owners, on one node, of flows whose interface is on another: guests there. */
struct plan_table_guest {
	const char *ifname;
	int from_os, to_os;
	uint32_t owner_count;
};

struct plan_table {
	struct plan_table_nic *nics;     /* ascending by name */
	struct plan_table_guest *guests; /* ascending by name, then node */
	uint32_t nic_count;
	uint32_t guest_count;
};

/* 0 or -ENOMEM. */
int plan_table_build(const struct plan_view *view, struct plan_table *out);

double plan_table_height(const struct plan_view *view, const struct plan_table *table);

/* Paints the tables from the upper left corner of `at', at most `at.w' wide. */
void plan_table_paint(const struct plan_view *view, const struct plan_table *table,
		      struct svg_rect at, FILE *out);

/* Accepts all-zero. */
void plan_table_free(struct plan_table *table);
