/* changer_shares.h - the sockets of divided flows that a list of changes brings.
 *
 * Those of one flow are bound, joined and opened together (shard/sock.h), wherever in the list the
 * steps are that bring them: the first of these to be reached opens them all. Private to changer.c.
 * Control thread.
 */
#pragma once

#include "src/run/changer.h"

/* Opens what `step' and those of the other shares of its flow bring, unless that was tried. Nothing
 * for what is added on an interface that is not there. 0; -errno with `err', and then none of them
 * has a socket: those that may fail are to be skipped, each with the reason. */
int changer_open_shares(struct changer *changer, struct changer_step *step, struct err *err);

/* The list is another. */
void changer_forget_shares(struct changer *changer);
