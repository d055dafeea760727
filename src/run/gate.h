/* gate.h - where the control thread lets the workers wait for one another.
 *
 * Each worker passes four stages: its shard is open, joined, live, ended. Before joining, and again
 * before going live, it waits for the order that lets all go on or all leave. Locks are used only
 * while starting and ending. Every arrival also writes an eventfd, so that the control thread can
 * wait for it in poll().
 */
#pragma once

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

enum gate_order {
	GATE_CLOSED,
	GATE_JOIN,
	GATE_GO,
	GATE_LEAVE,
};

struct gate {
	pthread_mutex_t lock; /* of all below */
	pthread_cond_t changed;
	uint32_t opened; /* workers whose shard_open has returned */
	uint32_t joined; /* workers whose shard_join has returned */
	uint32_t live;   /* workers whose shard_live has returned */
	uint32_t ended;  /* workers that have left shard_run, or never entered it */
	enum gate_order order;
	int eventfd; /* written at every arrival: the control thread polls it */
};

/* 0 or -errno; gate_free either way. Control thread. */
int gate_init(struct gate *gate);
void gate_free(struct gate *gate);

/* Worker: counts itself at the stage whose counter is `stage' (&gate->opened, ...). */
void gate_arrive(struct gate *gate, uint32_t *stage);

/* Worker: waits for another order than `order', and returns it. */
enum gate_order gate_await_order(struct gate *gate, enum gate_order order);

/* Control thread: lets the workers join, go, or leave. */
void gate_order(struct gate *gate, enum gate_order order);

/* Control thread: waits until `count' workers have arrived at `stage'. */
void gate_wait(struct gate *gate, const uint32_t *stage, uint32_t count);

/* Whether they have; does not wait. */
bool gate_passed(struct gate *gate, const uint32_t *stage, uint32_t count);

/* Control thread: from gate_keep to gate_let no worker begins to close its sockets (closing in
 * worker.h), and none arrives anywhere. Short: a worker that ends waits for it, one that relays
 * does not. */
void gate_keep(struct gate *gate);
void gate_let(struct gate *gate);
