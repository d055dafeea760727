/* report.h - all counters as JSON, and the check that their sums agree (DESIGN section 7).
 *
 * Per flow received = relayed + its drops; per output offered = relayed = sent + its drops; per
 * pool class free + in ring + held = all. `consistent' in the report is the verdict over all of
 * them; it is computed from the numbers printed, not assumed. Control thread, after the shards
 * have ended (or while they run, when the sums may be a few datagrams apart).
 */
#pragma once

#include "src/base/log.h"

struct supervisor;

/* Whether the exit report could be written now, by whoever will write it, so that a bad path is an
 * error at start and not a lost report. 0, or -errno with `err'. */
int report_check_exit(const char *path, struct err *err);

/* Writes to --exit-report (FILE or `-' for stdout); nothing without that option. 0 or -errno, which
 * has been logged. A file appears whole or not at all; a device or a pipe is written
 * to as it is. */
int report_write_exit(const struct supervisor *sup);
