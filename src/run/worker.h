/* worker.h - the thread under a shard: pinned, with memory of its node, started in step with the
 * others.
 *
 * The supervisor starts all workers at once, so that they populate their memory in parallel. Each
 * opens its shard and waits at the gate; when all are there the control thread looks at what came
 * of it, and lets them go live together or leave. Fields above the line belong to the control
 * thread before the start and to the worker until it has arrived at the gate.
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
#include "src/run/recheck.h"

/* Where the control thread lets the workers wait; locks are used only while starting and ending. */
struct gate {
	pthread_mutex_t lock;
	pthread_cond_t changed;
	uint32_t opened; /* workers whose shard_open has returned */
	uint32_t live;   /* workers whose shard_live has returned */
	uint32_t ended;  /* workers that have left shard_run, or never entered it */
	enum {
		GATE_CLOSED,
		GATE_GO,
		GATE_LEAVE
	} order;
	int eventfd; /* written at every change: the control thread polls it */
};

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
	struct placement placement; /* by the control thread, while running */
	struct shard *shard;        /* in the arena; NULL until opened */
	int rc;                     /* first failure of any step, 0 = none; under the gate's lock */
	struct err err;             /* of it */
};

int gate_init(struct gate *gate);
void gate_free(struct gate *gate);

/* 0 or -errno with `err'. */
int worker_start(struct worker *worker, struct err *err);

/* Waits until `count' workers have passed the stage whose counter is `stage' (&gate->opened, ...)
 * or have ended. */
void gate_wait(struct gate *gate, const uint32_t *stage, uint32_t count);

/* Whether they have; does not wait. */
bool gate_passed(struct gate *gate, const uint32_t *stage, uint32_t count);

void gate_order(struct gate *gate, int order);

/* The first failure of any of its steps so far: 0, or -errno with `err'. Control thread. */
int worker_failure(const struct worker *worker, struct err *err);

/* After the thread has ended: gives its memory back. */
void worker_free(struct worker *worker);
