/* sandbox_make.h - makes one kind's filter of system calls, by libseccomp.
 *
 * libseccomp does not look at each place at what malloc returns: without memory it may end the
 * process, leave out a part, or go round in a circle. So only a child asks it (sandbox.c).
 */
#pragma once

#include <linux/filter.h>
#include <stdbool.h>

#include "src/base/confine.h"

/* Its instructions are malloc's, whatever the result. 0 or -errno. */
int sandbox_make(enum confine_kind kind, bool fastpath, struct sock_fprog *out);
