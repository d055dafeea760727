/* lane_order.h - what the program could overtake when it takes a flow over.
 *
 * What a flow's socket holds then is relayed by its shard, behind what the program relays from that
 * moment on. So a flow waits until its socket is empty, but not for ever, since a shard that falls
 * behind never is; and what its shard receives of it until the socket is seen to be empty after
 * that is counted, with what it had in hand: it may have been overtaken, and nothing else can have
 * been. Control thread.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "src/run/lane.h"

struct shard;

#define LANE_QUEUED_MAX_S 3 /* that a flow waits for its empty socket */

/* Whether a flow that could be taken over is to wait; notes in its verdict since when. */
bool lane_order_waits(const struct lane *lane, const struct ingress_flow *flow,
		      struct lane_verdict *verdict);

/* Of the flow, what its shard has received and is done with by now; to be asked before the flow is
 * put, and handed over as `base' when it was put and had not been in force. */
uint64_t lane_order_base(const struct shard *shard, const struct ingress_flow *flow);
void lane_order_begin(struct lane *lane, const struct shard *shard, const struct ingress_flow *flow,
		      uint64_t base);

/* Sees which sockets are empty by now. Before flows are dropped, and now and then. */
void lane_order_look(struct supervisor *sup);

/* Of a flow, so far. */
uint64_t lane_order_overtaken(const struct lane *lane, const struct ingress_flow *flow);
