/* top_pick.h - which rows of a view are shown, and in which order.
 *
 * Pure, one thread.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "src/ctl/top_rows.h"

#define TOP_FILTER_BYTES 128

struct top_choice {
	unsigned sort;                 /* column, or TOP_UNSORTED */
	bool reverse;                  /* the other way round than top_view_falls says */
	bool losing;                   /* only rows that have lost something, or wait */
	char filter[TOP_FILTER_BYTES]; /* only rows a text of which has this in it; "": all */
};

/* The places of those rows, in order, to be freed: rows that are equal stand as they were answered,
 * and what is not known comes last. 0 or -ENOMEM. */
int top_pick(const struct top_rows *rows, const struct top_choice *choice, size_t **out,
	     size_t *out_count);

/* Whether the row has lost something since the start, or waits for something. */
bool top_pick_is_losing(const struct top_rows *rows, size_t row);
