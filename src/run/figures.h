/* figures.h - what a flow and an output have counted, wherever they were relayed.
 *
 * A shard counts what went by its sockets, the program of the fast path what it carried (lane.h),
 * and of a flow that is divided no shard knows alone what was lost (spread.h). Whoever shows
 * counters reads them here, and so shows the sum. Control thread, and not while a change is under
 * way.
 */
#pragma once

#include <stdint.h>

#include "shard/counters.h"

struct fast_image_counts;
struct fast_output_counts;
struct ingress_flow;
struct output_place;
struct supervisor;

/* All counters of a flow; its drops at the socket without what the filter of its share refused. */
void figures_flow(const struct supervisor *sup, const struct ingress_flow *flow,
		  struct flow_stats *out);

/* All counters of an output of `flow'; and how many datagrams that had relayed without it, so that
 * these and what it was offered are what the flow has relayed. */
uint64_t figures_output(const struct supervisor *sup, const struct ingress_flow *flow,
			const struct output_place *place, struct output_stats *out);

/* The same, with what of these the kernel has relayed; all zero where nothing can be. */
void figures_flow_parts(const struct supervisor *sup, const struct ingress_flow *flow,
			struct flow_stats *out, struct fast_image_counts *fast);
uint64_t figures_output_parts(const struct supervisor *sup, const struct ingress_flow *flow,
			      const struct output_place *place, struct output_stats *out,
			      struct fast_output_counts *fast);

/* Copies a struct that holds counters and nothing else, which its shard goes on adding to. */
void figures_copy(void *to, const void *from, size_t bytes);
