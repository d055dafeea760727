/* worker.c - the thread that a shard runs on (steps 2 to 4 happen in its first moments).
 *
 * Order matters: pin, then bind and populate memory from here so that it is local, then open ring
 * and sockets so that the kernel's share is local too, then wait for the others. The mutex of the
 * gate is the last lock before traffic and the first after it.
 */
#include "src/run/worker.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "numa/pin.h"

int gate_init(struct gate *gate)
{
	*gate = (struct gate){.order = GATE_CLOSED};
	pthread_mutex_init(&gate->lock, NULL);
	pthread_cond_init(&gate->changed, NULL);
	gate->eventfd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	return gate->eventfd < 0 ? -errno : 0;
}

void gate_free(struct gate *gate)
{
	if (gate->eventfd >= 0) {
		close(gate->eventfd);
	}
	pthread_cond_destroy(&gate->changed);
	pthread_mutex_destroy(&gate->lock);
}

void gate_wait(struct gate *gate, const uint32_t *stage, uint32_t count)
{
	pthread_mutex_lock(&gate->lock);
	while (*stage < count) {
		pthread_cond_wait(&gate->changed, &gate->lock);
	}
	pthread_mutex_unlock(&gate->lock);
}

void gate_order(struct gate *gate, int order)
{
	pthread_mutex_lock(&gate->lock);
	gate->order = order;
	pthread_cond_broadcast(&gate->changed);
	pthread_mutex_unlock(&gate->lock);
}

bool gate_passed(struct gate *gate, const uint32_t *stage, uint32_t count)
{
	bool passed;

	pthread_mutex_lock(&gate->lock);
	passed = *stage >= count;
	pthread_mutex_unlock(&gate->lock);
	return passed;
}

/* Passes `stage', and says how it went up to there. */
static void worker_arrive(struct worker *w, uint32_t *stage, int rc, const struct err *err)
{
	struct gate *gate = w->gate;
	uint64_t one = 1;

	pthread_mutex_lock(&gate->lock);
	if (rc < 0 && w->rc == 0) {
		w->rc = rc;
		w->err = *err;
	}
	(*stage)++;
	pthread_cond_broadcast(&gate->changed);
	pthread_mutex_unlock(&gate->lock);
	if (write(gate->eventfd, &one, sizeof(one)) < 0) {
		return; /* full: the control thread is awake already */
	}
}

int worker_failure(const struct worker *w, struct err *err)
{
	int rc;

	pthread_mutex_lock(&w->gate->lock);
	rc = w->rc;
	if (rc < 0) {
		*err = w->err;
	}
	pthread_mutex_unlock(&w->gate->lock);
	return rc;
}

static bool gate_may_go(struct gate *gate)
{
	bool go;

	pthread_mutex_lock(&gate->lock);
	while (gate->order == GATE_CLOSED) {
		pthread_cond_wait(&gate->changed, &gate->lock);
	}
	go = gate->order == GATE_GO;
	pthread_mutex_unlock(&gate->lock);
	return go;
}

static int worker_pin(const struct worker *w, struct err *err)
{
	int rc = w->pin ? pin_self(w->cpu_os) : 0;

	if (rc < 0) {
		err_set(err,
			"shard %u: cannot run on CPU %d: %s; expected a CPU that is online and "
			"allowed here; see `taskset -p $$' and --cpus",
			w->index, w->cpu_os, strerror(-rc));
	}
	return rc;
}

static int worker_open(struct worker *w, struct err *err)
{
	size_t need = shard_arena_bytes(&w->spec);
	struct err cause = {0};
	int rc = worker_pin(w, err);

	if (rc < 0) {
		return rc;
	}
	rc = nodemem_arena(&w->arena, need, w->node_os, w->huge, w->require_huge, &w->mem, &cause);
	if (rc == 0) {
		rc = shard_open(&w->spec, &w->arena, &w->mailbox, &w->shard, &cause);
	}
	if (rc < 0) {
		err_set(err, "shard %u: %s", w->index, cause.text);
	}
	return rc;
}

static int worker_relay(struct worker *w, struct err *err)
{
	struct err cause = {0};
	int rc = shard_live(w->shard, &cause);

	if (rc < 0) {
		err_set(err, "shard %u: %s", w->index, cause.text);
	}
	worker_arrive(w, &w->gate->live, rc, err);
	if (rc == 0) {
		rc = shard_run(w->shard);
		if (rc < 0) {
			err_set(err, "shard %u: the ring failed: %s", w->index, strerror(-rc));
		}
	}
	return rc;
}

static void *worker_main(void *arg)
{
	struct worker *w = arg;
	struct err err = {0};
	char name[16];
	int rc;

	snprintf(name, sizeof(name), "shard-%u", w->index);
	pthread_setname_np(pthread_self(), name);
	w->tid = (pid_t)syscall(SYS_gettid);
	rc = worker_open(w, &err);
	worker_arrive(w, &w->gate->opened, rc, &err);
	if (gate_may_go(w->gate) && rc == 0) {
		rc = worker_relay(w, &err);
	}
	if (w->shard) {
		shard_close(w->shard);
	}
	worker_arrive(w, &w->gate->ended, rc, &err);
	return NULL;
}

int worker_start(struct worker *w, struct err *err)
{
	int rc = mailbox_open(&w->mailbox);

	if (rc < 0) {
		err_set(err, "shard %u: cannot open its mailbox: %s; see `ulimit -n'", w->index,
			strerror(-rc));
		return rc;
	}
	rc = -pthread_create(&w->thread, NULL, worker_main, w);
	if (rc < 0) {
		err_set(err, "shard %u: cannot start its thread: %s; see `ulimit -u' and TasksMax=",
			w->index, strerror(-rc));
		mailbox_close(&w->mailbox);
		return rc;
	}
	w->started = true;
	return 0;
}

void worker_free(struct worker *w)
{
	if (w->started) {
		mailbox_close(&w->mailbox);
	}
	arena_unmap(&w->arena);
	w->shard = NULL;
}
