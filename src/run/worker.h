/* worker.h - the thread under a shard: pinned, with memory of its node, started in step with the
 * others.
 *
 * The supervisor starts all workers at once, so that they populate their memory in parallel. Each
 * opens its shard and waits at the gate; when all are there the control thread looks at what came
 * of it, and lets them go live together or leave. A worker belongs to the control
 * thread before the start, to its own thread until that has arrived at the gate, and to the control
 * thread after.
 */
#pragma once

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "numa/nodemem.h"
#include "shard/mailbox.h"
#include "shard/shard.h"
#include "src/base/arena.h"
#include "src/base/log.h"
#include "src/run/gate.h"
#include "src/run/recheck.h"

struct worker {
	uint32_t index;
	int cpu_os;
	int node_os; /* NODE_UNKNOWN: memory from anywhere */
	bool pin;    /* false: --topology of another machine */
	enum nodemem_huge huge;
	bool require_huge;
	struct shard_spec spec;
	struct mailbox mailbox;
	struct gate *gate;
	pthread_t thread;
	bool started;
	pid_t tid; /* by the worker */
	struct arena arena;
	struct nodemem_result mem;
	struct recheck placement; /* by the control thread, while running */
	struct shard *shard;      /* in the arena; NULL until opened */
	bool engine_refused;      /* that is what failed; set before it arrives at the gate */
	bool closing;             /* its sockets are its own again; under the gate's lock */
	int rc;                   /* first failure of any step, 0 = none; under the gate's lock */
	struct err err;           /* of it */
};

/* 0 or -errno with `err'. */
int worker_start(struct worker *worker, struct err *err);

/* The first failure of any of its steps so far: 0, or -errno with `err'. Control thread. */
int worker_failure(const struct worker *worker, struct err *err);

/* How long its thread has run on a CPU so far: 0, or -errno when nobody can say. Any thread. */
int worker_cpu_ns(const struct worker *worker, uint64_t *out);

/* After the thread has ended: gives its memory back. */
void worker_free(struct worker *worker);
