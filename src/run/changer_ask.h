/* changer_ask.h - from a step of a list to the message that a shard gets.
 *
 * Private to changer.c. Control thread.
 */
#pragma once

#include "src/run/changer.h"

/* Fills in the changer's message by `step', and what is late of its sockets. What a flow that goes
 * leaves behind is noted. 0 or -errno: -ENOENT, nobody is meant. No shard has a message. */
int changer_ask(struct changer *changer, struct changer_step *step);
