/* changer_cut.h - a group goes on by other sockets without a datagram lost or doubled.
 *
 * How a group is divided, or whether its datagrams are coalesced, cannot be changed of the sockets
 * that receive it, and filters of several sockets not in one moment. So other sockets join beside
 * those that are there, and each datagram is given to one of the two by the time at which the
 * kernel received it, which it has stamped on it once for all sockets: what came before a moment
 * that is chosen is relayed by those of before, all else by those that come. These begin when those
 * have relayed what they had, so each sender stays in order. What comes meanwhile waits in the
 * sockets.
 *
 * Of a list, the steps of some groups stand in a row: each flow of before is held (HOLD_FLOW),
 * and when all are, the moment is now; some time after it these are removed, which relay what is
 * left to them first; then those that come are added. Private to changer.c. Control thread.
 */
#pragma once

#include "src/run/changer.h"

/* A list that is prepared has such steps: from now on the kernel stamps what it receives. 0, or
 * -errno with the changer's `err'. */
int changer_cut_prepare(struct changer *changer);

/* Before `step', which is the changer's last and has `cut', is asked for: 0; 1: it is to be begun
 * again after a pause; -errno with the changer's `err': the sockets that come cannot be had, and
 * nothing of the list was done yet, nor is to be. Where something was, the groups go on without
 * them: they are pending. */
int changer_cut_begin(struct changer *changer, const struct changer_step *step);

/* The message that asks for it. */
void changer_cut_ask(struct changer *changer, const struct changer_step *step);

/* It was answered. */
void changer_cut_note(struct changer *changer, const struct changer_step *step);

/* The list is done. */
void changer_cut_end(struct changer *changer);

/* Each second: sockets that came by a cut are stamped no longer, unless they are to be. */
void changer_cut_tick(struct supervisor *sup);
