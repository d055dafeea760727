/* sqpoll.h - where the kernel's submitting threads run (step 2).
 *
 * With SQPOLL a kernel thread watches each shard's submission queue without a pause. Left alone it
 * inherits the shard's affinity and shares the shard's only CPU, where each of the two runs at
 * best half of the time and waits for the scheduler in between: 60 ms to 1 s of latency and loss
 * at 20 000 datagrams a second were measured. Two such threads on one CPU take turns likewise: half
 * the datagrams took 3.5 ms and more, against 30 us with a CPU for each. So each gets a CPU that
 * runs no shard and no other of them, or SQPOLL is refused. Pure: the same plan gives the same
 * CPUs. Any thread.
 */
#pragma once

#include <stdbool.h>

#include "numa/plan.h"
#include "numa/topo.h"
#include "src/base/log.h"

/* Fills in `cpus_os' (plan->shard_count entries): for each shard an allowed CPU that runs none. Of
 * the least used ones the nearest to the shard's own CPU comes first, then one whose core runs no
 * shard, then one of the cores left to the rest of the system, then the lowest number. 0, or
 * -EINVAL with `err' when no CPU is free, or fewer than shards without `may_share' (for tests);
 * -ENOMEM. */
int sqpoll_place(const struct topo *topo, const struct plan *plan, bool may_share, int *cpus_os,
		 struct err *err);
