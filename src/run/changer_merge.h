/* changer_merge.h - feeds that get other legs, or are merged by another rule.
 *
 * Private to changer.c. Control thread.
 */
#pragma once

#include "src/run/changer.h"
#include "src/run/worker.h"

/* Notes the memory that `step', a SET_MERGE of the list that is being prepared, needs. 0 or
 * -ENOMEM. */
int changer_want_merge(struct changer *changer, const struct changer_step *step);

/* Leaves of the blocks that are wanted those that the shard has not. 0 or -ENOMEM with `err'. No
 * shard has a message. */
int changer_find_blocks(const struct worker *worker, struct changer_shard *wanted, struct err *err);

/* The message for `step': who stays, and who has the outputs. The sockets of those that stay tell
 * from now on whatever an output may want to know. 0 or -errno: -ENOENT, one of them has gone. */
int changer_ask_merge(struct changer *changer, const struct changer_step *step);

/* A step that has failed: if it was of a feed that moves, those legs that have not yet stay. */
void changer_keep_feed(struct changer *changer, const struct changer_step *failed);
