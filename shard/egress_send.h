/* egress_send.h - what becomes of an output's closed trains (steps 10 and 11).
 *
 * egress.h has the outputs and what is appended to them. Shard thread only.
 */
#pragma once

#include "shard/egress.h"

/* Closes the open trains and queues everything that may go now. */
void egress_flush(struct egress *eg);

/* One ring_sent: counts it, gives the slots back, or queues what must be sent again. */
void egress_done(struct egress *eg, const struct ring_sent *sent);

/* The ring has failed for good: counts what has no answer as `send_error', and lets go of it. */
void egress_abandon(struct egress *eg);
