/* relay_merge_set.h - which flows are legs of which feed changes while they are relayed (step 7).
 *
 * One step between two datagrams, of a merge or of a plain flow, and of what it is to be: it has
 * other legs, or is merged by another rule, or is one or the other no longer. The flows that stay
 * go on with their sockets, the outputs with theirs; what is remembered goes along where it means
 * something (merge_carry.h). Flows that are no longer meant relay nothing from then on, which
 * counts as `shutdown', and are to be removed; those that come are to be added. Shard thread.
 */
#pragma once

#include "shard/change.h"

/* SHARD_SET_MERGE: 0, or what it is answered. */
int relay_merge_set(struct relay *r, const struct shard_message *m);
