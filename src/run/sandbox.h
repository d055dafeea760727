/* sandbox.h - which system calls each kind of thread may make; all others are refused.
 *
 * A filter is a program of the kernel's, one for each kind of thread (src/base/confine.h). All are
 * made once, before there are threads, and each thread puts its own in force by one system call
 * when it begins its work: what only the start needs is not in any of them. Who puts one in force
 * cannot leave it again. A call that is not on its list is not made: it fails with EPERM, is
 * counted and told (refusals.h).
 */
#pragma once

#include <stdbool.h>

#include "src/base/confine.h"
#include "src/base/log.h"

#define SANDBOX_CALL_MAX 32 /* bytes of a call's name, with its end */

/* Makes all filters, in a child that may die of it; `fastpath': control may tell the kernel's
 * program what to relay. Before there are threads. 0 or -errno with `err', and then no thread is
 * limited: ENOMEM, EAGAIN, EMFILE, ENFILE and EIO, that the child came to no good end, are for want
 * of something, any other says that this cannot be had here. */
int sandbox_build(bool fastpath, struct err *err);

/* No thread begins any more, nor is one at its beginning; who cannot know leaves it. */
void sandbox_free(void);

/* The calling thread may make no other calls from now on, if the filters were built. Any thread;
 * allocates nothing. Leaves errno as it is, unless the kernel refuses: then sandbox_refused. */
void sandbox_enter(enum confine_kind kind);

/* Why the kernel refused a filter to some thread, -errno; 0: it has not. Any thread. */
int sandbox_refused(void);

/* The name of the system call with this number on this machine. */
const char *sandbox_name_call(int number, char text[SANDBOX_CALL_MAX]);
