/* relay_flows.h - the flows of a relay: their places, and the list of those to be armed (step 4).
 *
 * relay.h has the turn that they are part of. Shard thread only.
 */
#pragma once

#include "shard/relay.h"
#include "src/base/arena.h"

/* Begins a relay with places for `flow_count' flows, in rooms cut off `arena'. All are free, the
 * first to be taken first. With an arena that counts the relay is of no use. */
void relay_cut(struct relay *r, uint32_t flow_count, struct arena *arena);

/* Adds `count' rooms, cut off `arena'; with one that counts nothing but that is done. */
void relay_add_rooms(struct relay *r, uint32_t count, struct arena *arena);

/* Gives a free place to a flow of `rule', which is copied; the descriptor is still to come, and
 * nothing is received. NULL when no place is free, or it is a leg of a merge that is not here. */
struct flow_place *relay_take_place(struct relay *r, const struct rule_flow *rule);

/* The flow is gone; its place is free for the next. It is FLOW_IDLE. */
void relay_leave_place(struct relay *r, struct ingress_flow *flow);

/* Receives as soon as buffers permit, after those that wait already; the flow is FLOW_IDLE. */
void relay_start_flow(struct relay *r, struct ingress_flow *flow);

/* Ends the receive of a flow, for good. It is over when the flow is FLOW_IDLE. */
void relay_end_flow(struct relay *r, struct ingress_flow *flow);

/* Puts the flow among those to be armed, behind those of its rank (band_rank). */
void relay_list_ended(struct relay *r, struct ingress_flow *flow);

/* Takes all of these; returns its first place, and the others follow as `next'. */
uint32_t relay_take_ended(struct relay *r);

/* Times one in `every' receptions that come with a stamp (sock_set_stamp); 0: none. */
void relay_sample(struct relay *r, uint32_t every);

/* Leaves the group of every flow that is not kept; what has arrived stays in the sockets. */
void relay_leave_groups(struct relay *r);

/* Whether there is a flow that is not kept for somebody else. */
bool relay_has_own_flow(const struct relay *r);

/* Leaves the flows that are stored to who comes after us: receives no more of them. */
void relay_keep_stored(struct relay *r);

/* Takes what is left in the sockets of all flows but those kept, and counts it as not relayed. */
void relay_count_unread(struct relay *r);
