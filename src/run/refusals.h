/* refusals.h - system calls that a filter has refused: answered with EPERM, counted and told.
 *
 * The kernel sends SIGSYS to the thread that made such a call, and the handler gives the call its
 * result. What each kind of thread was refused is counted, and each call that it was refused is
 * told once; no such call is made but by a defect, a library that has changed, or somebody who has
 * made the process run code of his.
 */
#pragma once

#include <stdint.h>

#include "src/base/confine.h"

/* Takes SIGSYS. Before there are threads. 0 or -errno. */
int refusals_open(void);

/* What a filter of this kind adds to SECCOMP_RET_TRAP, so that its refusals are known. */
uint32_t refusals_mark(enum confine_kind kind);

/* Calls that were refused so far, to one kind and to all; any thread. */
uint64_t refusals_count(enum confine_kind kind);
uint64_t refusals_sum(void);

/* What was refused and not told yet: to how many kinds which calls, and the first of them. */
struct refusals_news {
	uint32_t count; /* 0: all is told */
	enum confine_kind kind;
	int number; /* of the call */
};

/* Control thread, or the finisher when there are no threads any more. */
void refusals_untold(struct refusals_news *out);

/* Logs what was not told yet, and whether the kernel took the filters. Control thread. */
void refusals_tell(void);

/* Logs what the process before ours was refused, and had no time to tell. */
void refusals_tell_of(const struct refusals_news *before);
