/* plan_view.h - from a prepared supervisor to a printed plan (--plan).
 *
 * Control thread; nothing has been started and nothing of the host is touched.
 */
#pragma once

#include <stdio.h>

#include "src/supervisor.h"

/* Bytes of the largest arena among the shards: people plan for that one. */
uint64_t plan_view_largest_arena(const struct supervisor *sup);

/* The kind of page that a shard will try first for such an arena. */
enum arena_huge plan_view_first_page(const struct opt *opt, uint64_t arena_bytes);

/* Prints the plan of `sup', on which supervisor_prepare has returned 0, in the way that its options
 * ask for. 0, -ENOMEM, or -EIO when `out' has failed. */
int plan_view_print(const struct supervisor *sup, FILE *out);
