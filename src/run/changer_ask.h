/* changer_ask.h - from a step of a list to the message that a shard gets.
 *
 * Private to changer.c. Control thread.
 */
#pragma once

#include "src/run/changer.h"

/* Fills in the changer's message by `step', and what is late of its sockets. What a flow that goes
 * leaves behind is noted. 0 or -errno: -ENOENT, nobody is meant. No shard has a message. */
int changer_ask(struct changer *changer, struct changer_step *step);

/* A step has failed, or with NULL a room could not be had: keeps why with the step that may fail,
 * else as the list's failure, the first one. `what' says what could not be done. */
void changer_fail(struct changer *changer, int rc, struct changer_step *step, const char *what);
