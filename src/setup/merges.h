/* merges.h - what of merged feeds (shard/merge.h) can change while they are relayed.
 *
 * Outputs can, and so can everything else of their rules; which flows bring which feed, and how
 * they are told apart, waits for a restart: a shard has its memory for merges from its start. Pure;
 * control thread.
 */
#pragma once

#include "src/base/log.h"
#include "src/rules/conf.h"
#include "src/setup/difference.h"
#include "src/setup/layout.h"

/* Whether `wanted' merges the same flows in the same way as `running'. 0, or -EINVAL with `err'
 * naming a rule that does not; -ENOMEM. */
int merges_check_live(const struct conf *running, const struct conf *wanted, struct err *err);

/* Whether no step moves a leg to another shard or other buffers, away from the rest of its feed. 0,
 * or -EINVAL with `err'. */
int merges_check_moves(const struct difference *difference, const struct layout *wanted,
		       struct err *err);
