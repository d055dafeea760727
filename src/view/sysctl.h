/* sysctl.h - the kernel settings that a configuration asks for, as a file (--plan=sysctl).
 *
 * The output is for sysctl.d(5). Settings with a price for others (the reverse-path filter of an
 * interface) are written as comments. Control thread; only reads.
 */
#pragma once

#include <stdio.h>

#include "src/setup/setup.h"

/* `setup' has been prepared. Never lowers what this host has; for a foreign --topology nothing of
 * this host is looked at. 0, or -errno when `out' has failed. */
int view_sysctl(const struct setup *setup, FILE *out);
