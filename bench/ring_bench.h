/* ring_bench.h - what the files of ring_bench share; see ring_bench.c.
 *
 * ring_bench_net.c has the far side and the clocks, ring_bench_echo.c the echo through a ring,
 * ring_bench_raw.c the echo on bare liburing.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "shard/ring.h"

#define ECHO_BYTES     200 /* of a datagram */
#define ECHO_BURST     64  /* datagrams fed at a time by the echoing thread itself */
#define ECHO_SLOTS     64
#define ECHO_SENDS     256
#define ECHO_IDLE_US   10000
#define ECHO_SINK_SIZE 4096 /* of receive buffer: nearly everything is dropped there */

/* Sockets on loopback: feed -> in, which the ring receives from; out -> sink, to which it echoes.
 */
struct echo_net {
	int feed;
	int in;
	int out;
	int sink;
};

/* What an echo over `events' (receives and sends) took. */
struct echo_cost {
	double events;
	double calls;  /* system calls of the ring */
	double cpu_ns; /* of this thread, and of the kernel's under SQPOLL */
	double turns;
	double sq_full;
	double switches; /* of context, wanted and unwanted */
	double lost;     /* datagrams fed and not echoed */
	double p50_us;   /* from feeding to having it in hand; 0 when not measured */
};

/* Feeds datagrams at a steady rate from a thread of its own, each with the time of its sending. */
struct feeder;
struct feeder *feeder_start(int fd, double rate, double seconds);
bool feeder_done(const struct feeder *feeder);
uint64_t feeder_stop(struct feeder *feeder); /* how many datagrams were fed */

void echo_net_open(struct echo_net *net);
void echo_net_close(struct echo_net *net);

/* Feeds `count' (at most ECHO_BURST) from this thread. */
void echo_feed(const struct echo_net *net, unsigned count);

/* Latencies, in one place for all kinds of loops. */
void latency_reset(void);
void latency_note(const unsigned char *payload);
double latency_p50_us(void);

/* CPU time of this thread; that of the kernel's SQPOLL thread, 0 without one; context switches. */
uint64_t bench_cpu_ns(void);
uint64_t bench_sqpoll_ns(void);
uint64_t bench_switches(void);

void ring_bench_die(const char *what, int error);

/* Through shard/ring.h: `rounds' bursts fed by this thread, or fed by another for `seconds'. */
void echo_bursts(enum ring_engine engine, const struct ring_params *params, unsigned rounds,
		 struct echo_cost *out);
void echo_paced(enum ring_engine engine, const struct ring_params *params, double rate,
		double seconds, struct echo_cost *out);

/* The same paced echo on bare liburing with these set-up flags; false when they are refused. */
bool raw_paced(unsigned flags, double rate, double seconds, struct echo_cost *out);
