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

struct supervisor;
struct worker;

#define RECHECK_EVERY_S 5

/* Of one shard; written and read by the control thread only. */
struct recheck {
	uint64_t checks;          /* looks taken */
	uint64_t cpu_deviations;  /* looks that found the thread elsewhere or free to roam */
	uint64_t page_deviations; /* looks that found pages on another node */
	uint64_t pages_misplaced; /* at the last look */
	bool cpu_told;            /* said, and not yet over */
	bool pages_told;
};

/* Looks at every shard, when RECHECK_EVERY_S have passed since `last_ns', which is updated. */
void recheck_tick(const struct supervisor *sup, uint64_t *last_ns);
