/* relay_baton.h - what becomes of a datagram whose flow stands by (steps 8 and 9).
 *
 * Shard thread.
 */
#pragma once

#include "shard/relay.h"

/* Counts it as `standby', unless the flow has waited for it, or what comes after is in the same
 * train, to relay again (baton.h): that is handed to its outputs. `stamp_ns' is when the kernel
 * received it, 0: not known. */
void relay_stand_by(struct relay *r, struct ingress_flow *flow, const struct datagram *d,
		    uint64_t stamp_ns);

/* The flow receives nothing until it is let go: what comes waits in its socket. Whether all that it
 * had received is through. */
void relay_hold_flow(struct relay *r, struct ingress_flow *flow);
bool relay_is_held(const struct ingress_flow *flow);
void relay_let_flow(struct relay *r, struct ingress_flow *flow);
