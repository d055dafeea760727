/* judge.h - runs traces, each in a process of its own, and shortens those that fail. */
#pragma once

#include "tests/sim/trace.h"

/* What became of a run. */
struct sim_verdict {
	bool failed;
	uint32_t done; /* events before the one that failed */
	char why[256]; /* the law that was broken, or the must() */
};

void sim_judge(const struct sim_trace *trace, struct sim_verdict *out);

/* Leaves away of a trace that fails what it fails without, for the same reason as before. */
void sim_shorten(struct sim_trace *trace, struct sim_verdict *verdict);
