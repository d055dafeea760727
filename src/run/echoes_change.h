/* echoes_change.h - what flows are to know of our own senders when a change is carried out.
 *
 * Senders that come are known before they send, and those that go until they have gone. See
 * echoes.h. What flows were told is kept for as long as any of them uses it. Control thread.
 */
#pragma once

#include "src/base/addr.h"
#include "src/run/changer.h"
#include "src/setup/layout.h"

struct supervisor;

/* What one list of changes has told flows. */
struct echoes_told {
	struct echoes_told *next;
	struct addr *addrs;
	size_t count;
};

/* Fills in the echoes of each ADD_FLOW and SET_ECHOES among `steps', whose flows stand in `wanted';
 * the sockets of the list are open. A SET_ECHOES that is not late keeps those that its flow has
 * now, too; one that changes nothing, or whose flow is not there, is skipped. 0, or -ENOMEM with
 * `err'. */
int echoes_fill(struct changer *changer, const struct layout *wanted, struct changer_step *steps,
		uint32_t count, struct err *err);

/* Writes a SET_ECHOES for each flow that could hear an output that `opens' opens to `out', which
 * has room for as many as `running' has echoes; how many. The flows stand in `running'. */
uint32_t echoes_of_opened(const struct layout *running, const struct changer_step *opens,
			  uint32_t count, struct changer_step *out);

/* Frees what no flow uses any more. No shard has a message. */
void echoes_sweep(struct supervisor *sup);

/* Frees all, after the shards have ended. */
void echoes_forget(struct supervisor *sup);
