/* probe_report.h - what numacast-probe recv prints at its end. Main thread. */
#pragma once

#include <stdint.h>

#include "src/probe_opt.h"
#include "src/probe_tally.h"

/* Prints the result to stdout, as text or JSON; `drops' has one number for each target: datagrams
 * the kernel dropped at that socket. The exit status: 0 when all is well, else 1. */
int probe_report(const struct probe_opt *opt, const struct probe_tally *tally,
		 const uint32_t *drops, uint64_t ctrunc_count);
