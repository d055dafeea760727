/* recheck.h - looks again, every few seconds, whether shards still are where they were put.
 *
 * A cpuset that shrinks re-pins threads for good, one whose memory nodes change moves huge pages,
 * and neither tells the process. So the control thread asks the kernel for each shard's CPU and for
 * the node of each of its pages, counts each look that found a deviation, and says so once, until
 * it is over. Nothing is moved back: whoever changed the cpuset may have meant it. Control thread.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "shard/counters.h"

struct supervisor;
struct worker;

#define RECHECK_EVERY_S 5

/* Rows as in shard/counters.h. */
#define RECHECK_COUNTERS(X)                                                                       \
	X(checks, "checks", "looks", COUNT, "taken")                                              \
	X(cpu_deviations, "cpu_deviations", "looks", COUNT, "found the thread elsewhere or free") \
	X(page_deviations, "page_deviations", "looks", COUNT, "found pages on another node")      \
	X(pages_misplaced, "pages_misplaced_now", "pages", GAUGE,                                 \
	  "on another node at the last look")

#define RECHECK_MEMBER(member, ...) uint64_t member;

/* Of one shard; written and read by the control thread only. */
struct recheck {
	RECHECK_COUNTERS(RECHECK_MEMBER)
	bool cpu_told; /* said, and not yet over */
	bool pages_told;
};

/* The rows; values lie in struct recheck. */
extern const struct counter_family recheck_counters;

/* Looks at every shard, when RECHECK_EVERY_S have passed since `last_ns', which is updated. */
void recheck_tick(const struct supervisor *sup, uint64_t *last_ns);
