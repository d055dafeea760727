/* report.h - all counters as JSON, and the check that their sums agree.
 *
 * Per flow received = relayed + its drops; per output offered = relayed = sent + its drops; per
 * pool class free + in ring + held = all, taken = returned + in ring + held, and none leaked.
 * `consistent' in the report is the verdict over all of them; it is computed from the numbers
 * printed, not assumed. Control thread.
 */
#pragma once

#include "shard/counters.h"

struct json_t;
struct supervisor;

/* Sums of flows and outputs that have gone while their shards ran. All zero: none has. */
struct report_gone {
	struct flow_stats flows;
	struct output_stats outputs;
};

/* Keeps the last of what a flow or an output has counted. */
void report_keep_flow(struct report_gone *gone, const struct flow_stats *stats);
void report_keep_output(struct report_gone *gone, const struct output_stats *stats);

/* Since the start, seconds. */
double report_uptime_s(const struct supervisor *sup);

/* The report, which the caller gives back by json_decref; NULL: out of memory. After the shards
 * have ended (or while they run, when the sums may be a few datagrams apart). */
struct json_t *report_build(const struct supervisor *sup);
