/* ring_bench_echo.c - receives and sends through shard/ring.h, as a relay would; see ring_bench.c.
 *
 * One flow, one output, slots of one class. What is counted begins after the ring is armed and ends
 * before it is taken apart.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/bench.h"
#include "bench/ring_bench.h"
#include "shard/slot.h"
#include "src/base/must.h"

#define SLOT_BYTES (SLOT_HEAD_BYTES + 256)

struct echo {
	struct ring *ring;
	struct arena arena;
	struct ring_params params;
	struct ring_stats stats;
	struct echo_net net;
	uint32_t out_file, in_file;
	unsigned char slots[ECHO_SLOTS][SLOT_BYTES] __attribute__((aligned(CACHE_LINE_BYTES)));
	struct msghdr msgs[ECHO_SLOTS];
	struct iovec iovecs[ECHO_SLOTS];
	uint64_t received, sent, failed;
	bool armed;
	bool ending;
};

/* What the counters said at the beginning. */
struct mark {
	uint64_t calls, turns, sq_full, events, cpu_ns, sqpoll_ns, switches;
};

static struct echo echo;

static void open_echo(struct echo *e, enum ring_engine engine, const struct ring_params *params);
static void add_since(const struct echo *e, const struct mark *from, struct echo_cost *out);
static void set_mark(const struct echo *e, struct mark *m);
static void close_echo(struct echo *e);
static void turn(struct echo *e, uint32_t wait_us);
static void lend(struct echo *e, uint16_t index);

void echo_bursts(enum ring_engine engine, const struct ring_params *params, unsigned rounds,
		 struct echo_cost *out)
{
	uint64_t fed = 0;

	*out = (struct echo_cost){0};
	open_echo(&echo, engine, params);
	turn(&echo, 0);
	latency_reset();
	for (unsigned i = 0; i < rounds; i++) {
		struct mark mark;

		echo_feed(&echo.net, ECHO_BURST);
		fed += ECHO_BURST;
		set_mark(&echo, &mark);
		while (echo.sent < fed) {
			/* Sends are answered when a turn ends: do not wait for nothing. */
			turn(&echo, echo.received < fed ? ECHO_IDLE_US : 0);
		}
		add_since(&echo, &mark, out);
	}
	out->lost = (double)(fed - echo.sent + echo.failed);
	close_echo(&echo);
}

void echo_paced(enum ring_engine engine, const struct ring_params *params, double rate,
		double seconds, struct echo_cost *out)
{
	struct feeder *feeder;
	struct mark mark;
	uint64_t before;
	uint64_t fed;

	*out = (struct echo_cost){0};
	open_echo(&echo, engine, params);
	turn(&echo, 0);
	latency_reset();
	feeder = feeder_start(echo.net.feed, rate, seconds);
	set_mark(&echo, &mark);
	while (!feeder_done(feeder)) {
		turn(&echo, ECHO_IDLE_US);
	}
	add_since(&echo, &mark, out);
	fed = feeder_stop(feeder);
	do {
		before = echo.sent;
		turn(&echo, ECHO_IDLE_US);
	} while (echo.sent != before || echo.received != echo.sent);
	out->lost = (double)(fed - echo.sent + echo.failed);
	out->p50_us = latency_p50_us();
	close_echo(&echo);
}

static void open_echo(struct echo *e, enum ring_engine engine, const struct ring_params *params)
{
	struct err features, err;
	int ret;

	memset(e, 0, sizeof(*e));
	e->params = *params;
	e->params.flows = 1;
	e->params.files = 2;
	e->params.sends = ECHO_SENDS;
	e->params.stats = &e->stats;
	e->params.groups[0] = (struct ring_group){.depth = ECHO_SLOTS, .slot_bytes = SLOT_BYTES};
	echo_net_open(&e->net);
	ret = arena_map(&e->arena, ring_arena_bytes(engine, &e->params), ARENA_HUGE_OFF);
	if (ret < 0) {
		ring_bench_die("cannot map memory", -ret);
	}
	e->ring = ring_cut(engine, &e->params, &e->arena);
	ret = ring_open(e->ring, &e->params, &features, &err);
	if (ret < 0) {
		ring_bench_die(err.text, -ret);
	}
	e->in_file = (uint32_t)ring_add_file(e->ring, e->net.in);
	e->out_file = (uint32_t)ring_add_file(e->ring, e->net.out);
	for (uint16_t i = 0; i < ECHO_SLOTS; i++) {
		lend(e, i);
		e->iovecs[i].iov_base = e->slots[i] + SLOT_HEAD_BYTES;
		e->msgs[i] = (struct msghdr){.msg_iov = &e->iovecs[i], .msg_iovlen = 1};
	}
	ring_arm_recv(e->ring, 0, e->in_file, 0);
	e->armed = true;
}

static void add_since(const struct echo *e, const struct mark *from, struct echo_cost *out)
{
	struct mark to;

	set_mark(e, &to);
	out->events += (double)(to.events - from->events);
	out->calls += (double)(to.calls - from->calls);
	out->turns += (double)(to.turns - from->turns);
	out->sq_full += (double)(to.sq_full - from->sq_full);
	out->switches += (double)(to.switches - from->switches);
	out->cpu_ns += (double)(to.cpu_ns - from->cpu_ns + to.sqpoll_ns - from->sqpoll_ns);
}

static void set_mark(const struct echo *e, struct mark *m)
{
	m->calls = stat_get(&e->stats.syscalls);
	m->turns = stat_get(&e->stats.turns);
	m->sq_full = stat_get(&e->stats.sq_full);
	m->events = e->received + e->sent;
	m->sqpoll_ns = e->params.sqpoll ? bench_sqpoll_ns() : 0;
	m->switches = bench_switches();
	m->cpu_ns = bench_cpu_ns();
}

static void close_echo(struct echo *e)
{
	e->ending = true;
	ring_cancel_recv(e->ring, 0);
	while (e->armed || e->sent < e->received) {
		turn(e, ECHO_IDLE_US);
	}
	ring_close(e->ring);
	arena_unmap(&e->arena);
	echo_net_close(&e->net);
}

/* One turn, and what it brought: each datagram is sent on from where it lies, and its slot lent
 * again when it has been. */
static void turn(struct echo *e, uint32_t wait_us)
{
	struct ring_recv recv;
	struct ring_sent sent;
	int ret = ring_turn(e->ring, wait_us);

	if (ret < 0) {
		ring_bench_die("the ring failed", -ret);
	}
	while (ring_next_sent(e->ring, &sent)) {
		e->sent++;
		e->failed += sent.res < 0;
		lend(e, (uint16_t)sent.token);
	}
	while (ring_next_recv(e->ring, &recv)) {
		if (recv.has_slot) {
			const struct slot_head *head = (const void *)e->slots[recv.slot];

			e->received++;
			latency_note(e->slots[recv.slot] + SLOT_HEAD_BYTES);
			e->iovecs[recv.slot].iov_len = head->payload_bytes;
			ring_queue_send(e->ring, e->out_file, &e->msgs[recv.slot], recv.slot);
		}
		e->armed = e->armed && !recv.ended;
	}
	if (!e->armed && !e->ending) {
		ring_arm_recv(e->ring, 0, e->in_file, 0);
		e->armed = true;
	}
}

static void lend(struct echo *e, uint16_t index)
{
	ring_lend(e->ring, 0, index, e->slots[index]);
}
