/* report_file.h - where the exit report goes: a file, a device or a pipe, standard output.
 *
 * Control thread.
 */
#pragma once

#include <stdbool.h>

#include "src/base/log.h"

struct supervisor;

/* Whether the exit report could be written now, by whoever will write it, so that a bad path is an
 * error at start and not a lost report. 0, or -errno with `err'. */
int report_file_check(const char *path, struct err *err);

/* Whether writing it may have to wait for whoever reads it. */
bool report_file_may_wait(const char *path);

/* Writes to --exit-report (FILE or `-' for stdout); nothing without that option. 0 or -errno, which
 * has been logged. A file appears whole or not at all; a device or a pipe is written
 * to as it is. */
int report_file_write(const struct supervisor *sup);
