/* relay_arm.h - the slots that a relay lends to its ring, and the receives that fill them (step 4).
 *
 * relay.h has the turn that they are part of. Shard thread only.
 */
#pragma once

#include "shard/relay.h"

/* Lends each group as many free slots as it may have. */
void relay_lend(struct relay *r);

/* Takes back what is lent to a group of which no flow is armed. */
void relay_take_back(struct relay *r, unsigned group);

/* Arms flows in the order in which they ended, and no more in one turn than a share of the slots
 * lent: each may have many datagrams waiting, and those that find no slot left end again at once.
 * With a thousand busy flows on 32 slots that is 35 starts for each datagram (measured). The
 * others' datagrams wait in their sockets. */
void relay_rearm(struct relay *r);

/* A receive that is under way, but into another class or band than the flow is to receive into from
 * now on, ends, and is armed anew. */
void relay_change_group(struct relay *r, struct ingress_flow *flow);

/* Starts the receive of a flow that has none. */
void relay_arm(struct relay *r, struct ingress_flow *flow);
