/* inspect.h - inspects what decides success on this host (--check-host).
 *
 * Prints one line per finding to stdout, or JSON with --json. Changes nothing. Control thread;
 * nothing has been started.
 */
#pragma once

#include <stdio.h>

#include "src/setup/setup.h"

/* Inspects the host for the plan of `setup', on which setup_prepare has returned 0. Returns the
 * exit status of the process: 0, or 1 when a finding is `fail' or `out' cannot be written. */
int host_inspect(const struct setup *setup, FILE *out);
