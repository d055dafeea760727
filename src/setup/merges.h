/* merges.h - what of merged feeds (shard/merge.h) cannot change while they are relayed.
 *
 * What a feed remembers is in the memory of its shard. It moves to another one as it is, before its
 * flows do; with other legs or options at once, or to other buffers, it does not. Pure; control
 * thread.
 */
#pragma once

#include "src/base/log.h"
#include "src/setup/difference.h"
#include "src/setup/layout.h"

/* Whether no step moves what is a leg, or was one, to another shard or other buffers, away from the
 * rest of its feed. 0, or -EINVAL with `err'. */
int merges_check_moves(const struct difference *difference, const struct layout *running,
		       const struct layout *wanted, struct err *err);
