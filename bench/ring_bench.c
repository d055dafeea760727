/* ring_bench.c - what the ways of talking to the kernel cost: batches, full queues, ring flags.
 *
 *     bench/ring_bench [--quick] [--csv DIR] [--cpu N]
 *
 * Datagrams of 200 bytes are received on loopback and sent on, one send each, by one thread:
 * through shard/ring.h with its two engines, and on bare liburing where a choice is wanted that the
 * engine does not offer. An event is one receive or one send. Either this thread feeds bursts of 64
 * itself, and only what follows is counted; or a thread on another processor feeds at a steady
 * rate. Times are this thread's CPU time (with SQPOLL the kernel thread's as well, which spins).
 * Medians; the sides of each table are taken in turn. Exit status 0, 1 when something could not be
 * done, 2 for wrong usage.
 */
#include "bench/ring_bench.h"

#include <getopt.h>
#include <liburing.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>

#include "bench/bench.h"
#include "src/base/must.h"

#define ROUNDS_MAX 9
#define BATCH_MAX  64

static const char usage[] = "usage: ring_bench [--quick] [--csv DIR] [--cpu N]\n";

struct bench {
	unsigned bursts;
	unsigned rounds;
	double seconds;
	double rate;
};

static const struct ring_params defaults = {
	.sq_entries = 256, .cq_entries = 4096, .batch_complete = 32};

/* The median of `member' over `rounds' costs, an event. */
#define median_each(costs, rounds, member)                                     \
	__extension__({                                                        \
		double values_[ROUNDS_MAX];                                    \
		for (unsigned i_ = 0; i_ < (rounds); i_++) {                   \
			values_[i_] = (costs)[i_].member / (costs)[i_].events; \
		}                                                              \
		bench_median(values_, rounds);                                 \
	})

struct kind {
	const char *name;
	enum ring_engine engine; /* AUTO: bare liburing */
	unsigned flags;          /* of bare liburing */
	uint32_t wait_us, spin_us;
	bool sqpoll;
};

static const struct kind kinds[] = {
	{"uring", RING_ENGINE_URING, 0, 0, 0, false},
	{"uring batch-wait 50", RING_ENGINE_URING, 0, 50, 0, false},
	{"uring spin 50", RING_ENGINE_URING, 0, 0, 50, false},
	{"uring sqpoll", RING_ENGINE_URING, 0, 0, 0, true},
	{"mmsg (epoll)", RING_ENGINE_MMSG, 0, 0, 0, false},
	{"mmsg batch-wait 50", RING_ENGINE_MMSG, 0, 50, 0, false},
	{"liburing defer_taskrun", RING_ENGINE_AUTO,
	 IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN, 0, 0, false},
	{"liburing coop_taskrun", RING_ENGINE_AUTO,
	 IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_COOP_TASKRUN, 0, 0, false},
	{"liburing no flags", RING_ENGINE_AUTO, 0, 0, 0, false},
};

#define KINDS (sizeof(kinds) / sizeof(kinds[0]))

static void pin_to(int cpu);
static void bench_submit(const struct bench *b);
static void bench_full(const struct bench *b);
static void bench_complete(const struct bench *b);
static void bench_kinds(const struct bench *b, double rate, const char *name, const char *title);
static bool run_kind(const struct bench *b, const struct kind *k, double rate,
		     struct echo_cost *out);
static void kind_row(struct bench_table *t, const struct kind *k, const struct echo_cost *costs,
		     unsigned rounds);
static double median_p50(const struct echo_cost *costs, unsigned rounds);
static double sum_lost(const struct echo_cost *costs, unsigned rounds);

int main(int argc, char **argv)
{
	static const struct option options[] = {{"quick", no_argument, NULL, 'q'},
						{"csv", required_argument, NULL, 'c'},
						{"cpu", required_argument, NULL, 'p'},
						{0}};
	struct bench b = {.bursts = 400, .rounds = 7, .seconds = 0.3, .rate = 100000};
	int cpu = sched_getcpu();
	int option;

	while ((option = getopt_long(argc, argv, "", options, NULL)) >= 0) {
		if (option == 'q') {
			b = (struct bench){
				.bursts = 50, .rounds = 3, .seconds = 0.1, .rate = 100000};
		} else if (option == 'c') {
			bench_csv_dir = optarg;
		} else if (option == 'p') {
			cpu = atoi(optarg);
		} else {
			fputs(usage, stderr);
			return 2;
		}
	}
	pin_to(cpu);
	bench_print_host("bench/ring_bench");
	bench_submit(&b);
	bench_full(&b);
	bench_complete(&b);
	bench_kinds(&b, b.rate, "ring_kinds",
		    "Kinds of rings, fed 100 000/s: system calls, ns and context switches an "
		    "event, batch, latency");
	bench_kinds(&b, 5000, "ring_kinds_slow",
		    "Kinds of rings, fed 5 000/s: system calls, ns and context switches an event, "
		    "batch, latency");
	return EXIT_SUCCESS;
}

static void pin_to(int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET((size_t)cpu, &set);
	if (sched_setaffinity(0, sizeof(set), &set) < 0) {
		fprintf(stderr, "ring_bench: --cpu %d: cannot run there\n", cpu);
		exit(EXIT_FAILURE);
	}
}

static void bench_submit(const struct bench *b)
{
	static const char *const columns[] = {"batch_submit", "uring_calls", "uring_ns",
					      "mmsg_calls",   "mmsg_ns",     NULL};
	static struct bench_table t;
	static struct echo_cost uring[ROUNDS_MAX], mmsg[ROUNDS_MAX];

	bench_begin(&t, "ring_submit",
		    "Early submission (0: only at turns), bursts of 64: system calls and ns an "
		    "event",
		    columns);
	for (uint32_t batch = 0; batch <= BATCH_MAX; batch = batch ? batch * 2 : 1) {
		struct ring_params params = defaults;

		params.batch_submit = batch;
		for (unsigned i = 0; i < b->rounds; i++) {
			echo_bursts(RING_ENGINE_URING, &params, b->bursts, &uring[i]);
			echo_bursts(RING_ENGINE_MMSG, &params, b->bursts, &mmsg[i]);
		}
		bench_cell(&t, "%u", batch);
		bench_cell(&t, "%.4f", median_each(uring, b->rounds, calls));
		bench_cell(&t, "%.0f", median_each(uring, b->rounds, cpu_ns));
		bench_cell(&t, "%.4f", median_each(mmsg, b->rounds, calls));
		bench_cell(&t, "%.0f", median_each(mmsg, b->rounds, cpu_ns));
	}
	bench_end(&t);
}

static void bench_full(const struct bench *b)
{
	static const char *const columns[] = {"sq_entries", "calls", "ns", "sq_full", "lost", NULL};
	static struct bench_table t;
	static struct echo_cost costs[ROUNDS_MAX];

	bench_begin(&t, "ring_full",
		    "Submission queues that fill, bursts of 64: system calls, ns and forced "
		    "submissions an event; sends lost",
		    columns);
	for (uint32_t entries = 2; entries <= 256; entries *= 2) {
		struct ring_params params = defaults;

		params.sq_entries = entries;
		for (unsigned i = 0; i < b->rounds; i++) {
			echo_bursts(RING_ENGINE_URING, &params, b->bursts, &costs[i]);
		}
		bench_cell(&t, "%u", entries);
		bench_cell(&t, "%.4f", median_each(costs, b->rounds, calls));
		bench_cell(&t, "%.0f", median_each(costs, b->rounds, cpu_ns));
		bench_cell(&t, "%.4f", median_each(costs, b->rounds, sq_full));
		bench_cell(&t, "%.0f", sum_lost(costs, b->rounds));
	}
	bench_end(&t);
}

static void bench_complete(const struct bench *b)
{
	static const char *const columns[] = {"batch_complete", "calls",       "ns",
					      "events_a_turn",  "p50_wait_us", NULL};
	static struct bench_table t;
	static struct echo_cost costs[ROUNDS_MAX];

	bench_begin(&t, "ring_complete",
		    "Completions that end a batch wait of at most 1000 us, fed at a steady rate, "
		    "uring",
		    columns);
	for (uint32_t batch = 1; batch <= BATCH_MAX; batch *= 2) {
		struct ring_params params = defaults;

		params.batch_complete = batch;
		params.waits.batch_us = 1000;
		for (unsigned i = 0; i < b->rounds; i++) {
			echo_paced(RING_ENGINE_URING, &params, b->rate, b->seconds, &costs[i]);
		}
		bench_cell(&t, "%u", batch);
		bench_cell(&t, "%.4f", median_each(costs, b->rounds, calls));
		bench_cell(&t, "%.0f", median_each(costs, b->rounds, cpu_ns));
		bench_cell(&t, "%.1f", 1 / median_each(costs, b->rounds, turns));
		bench_cell(&t, "%.0f", median_p50(costs, b->rounds));
	}
	bench_end(&t);
}

static void bench_kinds(const struct bench *b, double rate, const char *name, const char *title)
{
	static const char *const columns[] = {"ring",          "calls",  "ns",   "switches",
					      "events_a_turn", "p50_us", "lost", NULL};
	static struct bench_table t;
	static struct echo_cost costs[KINDS][ROUNDS_MAX];

	bench_begin(&t, name, title, columns);
	for (unsigned i = 0; i < b->rounds; i++) {
		for (size_t k = 0; k < KINDS; k++) {
			(void)run_kind(b, &kinds[k], rate, &costs[k][i]);
		}
	}
	for (size_t k = 0; k < KINDS; k++) {
		kind_row(&t, &kinds[k], costs[k], b->rounds);
	}
	bench_end(&t);
}

static bool run_kind(const struct bench *b, const struct kind *k, double rate,
		     struct echo_cost *out)
{
	struct ring_params params = defaults;

	if (k->engine == RING_ENGINE_AUTO) {
		return raw_paced(k->flags, rate, b->seconds, out);
	}
	params.waits.batch_us = k->wait_us;
	params.waits.spin_us = k->spin_us;
	params.sqpoll = k->sqpoll;
	echo_paced(k->engine, &params, rate, b->seconds, out);
	return true;
}

static void kind_row(struct bench_table *t, const struct kind *k, const struct echo_cost *costs,
		     unsigned rounds)
{
	bench_cell(t, "%s", k->name);
	if (costs[0].events == 0) {
		for (unsigned i = 1; i < t->column_count; i++) {
			bench_cell(t, "n/a");
		}
		return;
	}
	bench_cell(t, "%.4f", median_each(costs, rounds, calls));
	bench_cell(t, "%.0f", median_each(costs, rounds, cpu_ns));
	bench_cell(t, "%.4f", median_each(costs, rounds, switches));
	bench_cell(t, "%.1f", 1 / median_each(costs, rounds, turns));
	bench_cell(t, "%.1f", median_p50(costs, rounds));
	bench_cell(t, "%.0f", sum_lost(costs, rounds));
}

static double median_p50(const struct echo_cost *costs, unsigned rounds)
{
	double values[ROUNDS_MAX];

	for (unsigned i = 0; i < rounds; i++) {
		values[i] = costs[i].p50_us;
	}
	return bench_median(values, rounds);
}

static double sum_lost(const struct echo_cost *costs, unsigned rounds)
{
	double sum = 0;

	for (unsigned i = 0; i < rounds; i++) {
		sum += costs[i].lost;
	}
	return sum;
}
