/* report.h - what numacast-probe recv prints at its end. Main thread. */
#pragma once

#include <stdint.h>

#include "src/probe/options.h"
#include "src/probe/tally.h"

/* What the kernel told beside the datagrams. */
struct probe_kernel {
	const uint32_t *drops; /* for each target: datagrams (or trains) dropped at that socket */
	uint64_t ctrunc_count; /* control messages it had to cut */
	uint64_t train_count;  /* trains received whole */
};

/* Prints the result to stdout, as text or JSON. The exit status: 0 when all is well, else 1. */
int probe_report(const struct probe_opt *opt, const struct probe_tally *tally,
		 const struct probe_kernel *kernel);
