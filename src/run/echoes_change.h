/* echoes_change.h - what flows are to know of our own senders when a change is carried out.
 *
 * Senders that come are known before they send, and those that go until they have gone. See
 * echoes.h. Control thread.
 */
#pragma once

#include "src/base/addr.h"
#include "src/run/changer.h"
#include "src/setup/layout.h"

struct supervisor;

/* Fills in the echoes of each ADD_FLOW and SET_ECHOES among `steps', whose flows and outputs stand
 * in `wanted'; the sockets of the list are open. A SET_ECHOES that is not late keeps those that its
 * flow has now, too; one that changes nothing, or whose flow is not there, is skipped. `out' has
 * `out_count' addresses, to be freed once no flow uses them any more. 0, or -ENOMEM with `err'. */
int echoes_fill(struct changer *changer, const struct layout *wanted, struct changer_step *steps,
		uint32_t count, struct addr **out, size_t *out_count, struct err *err);

/* Whether any flow uses some of `addrs'. No shard has a message. */
bool echoes_are_used(const struct supervisor *sup, const struct addr *addrs, size_t count);
