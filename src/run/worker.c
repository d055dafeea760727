/* worker.c - the thread that a shard runs on (steps 2 to 4 happen in its first moments).
 *
 * Order matters: pin, then bind and populate memory from here so that it is local, then open ring
 * and sockets so that the kernel's share is local too, then wait for the others.
 */
#include "src/run/worker.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "numa/pin.h"
#include "src/base/advice.h"
#include "src/base/clock.h"
#include "src/base/confine.h"

static void *thread_main(void *arg);
static int open_shard(struct worker *w, struct err *err);
static int pin_thread(const struct worker *w, struct err *err);
static int join_and_run(struct worker *w, struct err *err);
static int run_shard(struct worker *w, struct err *err);
static void begin_close(struct worker *w);
static void arrive(struct worker *w, uint32_t *stage, int rc, const struct err *err);

int worker_start(struct worker *w, struct err *err)
{
	int rc = mailbox_open(&w->mailbox);

	if (rc < 0) {
		err_set(err, "shard %u: cannot open its mailbox: %s; %s", w->index, strerror(-rc),
			advice_for_file(-rc));
		return rc;
	}
	rc = -pthread_create(&w->thread, NULL, thread_main, w);
	if (rc < 0) {
		err_set(err, "shard %u: cannot start its thread: %s; %s", w->index, strerror(-rc),
			advice_for_thread(-rc));
		mailbox_close(&w->mailbox);
		return rc;
	}
	w->started = true;
	return 0;
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

int worker_cpu_ns(const struct worker *w, uint64_t *out)
{
	struct timespec used;
	clockid_t clock;
	int rc = w->started ? -pthread_getcpuclockid(w->thread, &clock) : -ESRCH;

	if (rc < 0 || clock_gettime(clock, &used) < 0) {
		return rc < 0 ? rc : -errno;
	}
	*out = (uint64_t)used.tv_sec * NS_PER_S + (uint64_t)used.tv_nsec;
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

static void *thread_main(void *arg)
{
	struct worker *w = arg;
	struct err err = {0};
	char name[16];
	int rc;

	snprintf(name, sizeof(name), "shard-%u", w->index);
	pthread_setname_np(pthread_self(), name);
	w->tid = (pid_t)syscall(SYS_gettid);
	rc = open_shard(w, &err);
	arrive(w, &w->gate->opened, rc, &err);
	if (gate_await_order(w->gate, GATE_CLOSED) == GATE_JOIN) {
		rc = join_and_run(w, &err);
	}
	begin_close(w);
	if (w->shard) {
		shard_close(w->shard);
	}
	arrive(w, &w->gate->ended, rc, &err);
	return NULL;
}

static int open_shard(struct worker *w, struct err *err)
{
	size_t need = shard_arena_bytes(&w->spec);
	struct err cause = {0};
	int rc = pin_thread(w, err);

	if (rc < 0) {
		return rc;
	}
	rc = nodemem_arena(&w->arena, need, w->node_os, w->huge, w->require_huge, &w->mem, &cause);
	if (rc == 0) {
		rc = shard_open(&w->spec, &w->arena, &w->mailbox, &w->shard, &cause);
		w->engine_refused = rc < 0;
	}
	if (rc == 0) {
		rc = shard_open_sockets(w->shard, &cause);
		if (rc < 0) {
			shard_close(w->shard);
			w->shard = NULL;
		}
	}
	if (rc < 0) {
		err_set(err, "shard %u: %s", w->index, cause.text);
	}
	return rc;
}

static int pin_thread(const struct worker *w, struct err *err)
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

/* What arrives while others still join, or when one of them could not, waits in our sockets. */
static int join_and_run(struct worker *w, struct err *err)
{
	struct err cause = {0};
	int rc = shard_join(w->shard, &cause);

	if (rc < 0) {
		err_set(err, "shard %u: %s", w->index, cause.text);
	}
	arrive(w, &w->gate->joined, rc, err);
	if (gate_await_order(w->gate, GATE_JOIN) == GATE_GO) {
		return run_shard(w, err);
	}
	shard_discard(w->shard);
	return rc;
}

static int run_shard(struct worker *w, struct err *err)
{
	struct err cause = {0};
	int rc = shard_live(w->shard, &cause);

	if (rc < 0) {
		err_set(err, "shard %u: %s", w->index, cause.text);
	}
	arrive(w, &w->gate->live, rc, err);
	if (rc == 0) {
		confine_self(w->spec.engine == RING_ENGINE_MMSG ? CONFINE_SHARD_MMSG
								: CONFINE_SHARD_URING);
		rc = shard_run(w->shard);
		if (rc < 0) {
			err_set(err, "shard %u: the ring failed: %s", w->index, strerror(-rc));
		}
	}
	return rc;
}

/* From here on nobody else uses the shard's descriptors. */
static void begin_close(struct worker *w)
{
	pthread_mutex_lock(&w->gate->lock);
	w->closing = true;
	pthread_mutex_unlock(&w->gate->lock);
}

/* Passes `stage', and says how it went up to there. */
static void arrive(struct worker *w, uint32_t *stage, int rc, const struct err *err)
{
	if (rc < 0) {
		pthread_mutex_lock(&w->gate->lock);
		if (w->rc == 0) {
			w->rc = rc;
			w->err = *err;
		}
		pthread_mutex_unlock(&w->gate->lock);
	}
	gate_arrive(w->gate, stage);
}
