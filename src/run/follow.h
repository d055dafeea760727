/* follow.h - what becomes of live flows and outputs when the interface that they stand on does.
 *
 * A rule names an interface, and a socket stands on an index. When the name is another index's now,
 * or nobody's, because the interface was deleted, made anew or renamed, each flow and output on it
 * is closed by the changer (changer.h) and is pending from then on (pending.h), which opens it
 * again as soon as there is an interface of that name. Its counters go on. When an MTU changes,
 * outputs find out anew what their path carries. An interface without a carrier takes what it is
 * given to send, and loses it without a word: so its outputs are told, and count `link_down'.
 * Control thread.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "src/base/log.h"
#include "src/run/changer.h"

struct supervisor;

struct follow {
	struct supervisor *sup;
	bool due;                   /* something happened to interfaces */
	bool all;                   /* what stands where is to be compared in any case */
	struct changer_step *steps; /* under way, or NULL */
	uint32_t step_count;
	struct err why; /* of a step that could not be done: it is pending, or has gone */
};

/* Links came, lost their carrier or have it again; or places are new. */
void follow_links(struct follow *follow);

/* Looks at the interfaces of the rules, and has what stands on those that have changed changed,
 * unless the changer has something else to do. Not after the shards were told to end. */
void follow_tick(struct follow *follow);
