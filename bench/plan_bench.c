/* plan_bench.c - how long planning takes, and how even the plan is, up to 100 000 flows on 1024
 * CPUs.
 *
 *     bench/plan_bench [--quick] [--csv DIR]
 *
 * The machines are synthetic. Flows ask for a node each as their interface would (uniformly, or
 * nine in ten for one node, or unknown), with weights from 1 to 100. Time is this thread's CPU
 * time, median of several. Balance is the heaviest shard's load against the mean; `farther' are
 * flows that the balance bound or the lack of a shard sent to another node than their own.
 */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "bench/bench.h"
#include "numa/plan.h"
#include "src/base/must.h"

#define FLOWS_MAX  100000
#define ROUNDS     5
#define WEIGHT_MAX 100

static const char usage[] = "usage: plan_bench [--quick] [--csv DIR]\n";

enum asking {
	ASK_EVENLY,
	ASK_ONE_NODE,
	ASK_UNKNOWN,
};

static const char *const asking_names[] = {"evenly", "one node", "unknown"};

static struct plan_flow flows[FLOWS_MAX];

static void make_flows(const struct topo *topo, enum asking asking);
static void plan_row(struct bench_table *t, const struct topo *topo, uint32_t count,
		     enum asking asking);
static double build_ns(const struct topo *topo, const struct plan_policy *policy, uint32_t count,
		       struct plan *plan);
static uint64_t cpu_ns(void);
static void die(const char *what, const struct err *err);
static void measure_balance(struct bench_table *t, const struct plan *plan);

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{"quick", no_argument, NULL, 'q'}, {"csv", required_argument, NULL, 'c'}, {0}};
	static const char *const columns[] = {
		"cpus",    "nodes",     "shards",           "flows",     "asking",
		"plan_ms", "ns_a_flow", "heaviest_to_mean", "farther_%", NULL};
	static const char *const machines[] = {"package:1 numanode:1 core:8 pu:1",
					       "package:2 numanode:1 core:32 pu:2",
					       "package:8 numanode:4 core:16 pu:2"};
	static struct bench_table t;
	bool quick = false;
	int option;

	while ((option = getopt_long(argc, argv, "", options, NULL)) >= 0) {
		if (option == 'c') {
			bench_csv_dir = optarg;
		} else if (option == 'q') {
			quick = true;
		} else {
			fputs(usage, stderr);
			return 2;
		}
	}
	bench_print_host("bench/plan_bench");
	bench_begin(&t, "plan", "Planning: which shard owns which flow", columns);
	for (size_t m = 0; m < sizeof(machines) / sizeof(machines[0]); m++) {
		struct topo topo = {0};
		struct err err;

		if (topo_load(machines[m], &topo, &err) != 0) {
			die(machines[m], &err);
		}
		for (unsigned asking = 0; asking <= ASK_UNKNOWN; asking++) {
			make_flows(&topo, (enum asking)asking);
			for (uint32_t n = quick ? FLOWS_MAX : 1000; n <= FLOWS_MAX; n *= 10) {
				plan_row(&t, &topo, n, (enum asking)asking);
			}
		}
		topo_free(&topo);
	}
	bench_end(&t);
	return EXIT_SUCCESS;
}

/* The same flows in every run. */
static void make_flows(const struct topo *topo, enum asking asking)
{
	uint64_t state = 1;

	for (uint32_t i = 0; i < FLOWS_MAX; i++) {
		uint32_t a, b;

		state = state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
		a = (uint32_t)(state >> 40);
		b = (uint32_t)(state >> 20) & 0xfffff;
		flows[i] = (struct plan_flow){.node_os = topo->nodes[a % topo->node_count].node_os,
					      .weight = 1 + b % WEIGHT_MAX,
					      .spread = 1,
					      .named_shard = PLAN_ANY,
					      .prior_flow = PLAN_ANY};
		if (asking == ASK_UNKNOWN) {
			flows[i].node_os = TOPO_UNKNOWN;
		} else if (asking == ASK_ONE_NODE && b % 10 != 0) {
			flows[i].node_os = topo->nodes[0].node_os;
		}
	}
}

static void plan_row(struct bench_table *t, const struct topo *topo, uint32_t count,
		     enum asking asking)
{
	const struct plan_policy policy = {.smt = true, .balance = 4};
	struct plan plans[ROUNDS] = {0};
	double ns[ROUNDS];

	for (unsigned i = 0; i < ROUNDS; i++) {
		ns[i] = build_ns(topo, &policy, count, &plans[i]);
	}
	bench_cell(t, "%u", topo->cpu_count);
	bench_cell(t, "%u", topo->node_count);
	bench_cell(t, "%u", plans[0].shard_count);
	bench_cell(t, "%u", count);
	bench_cell(t, "%s", asking_names[asking]);
	bench_cell(t, "%.2f", bench_median(ns, ROUNDS) / 1e6);
	bench_cell(t, "%.0f", bench_median(ns, ROUNDS) / count);
	measure_balance(t, &plans[0]);
	for (unsigned i = 0; i < ROUNDS; i++) {
		plan_free(&plans[i]);
	}
}

static double build_ns(const struct topo *topo, const struct plan_policy *policy, uint32_t count,
		       struct plan *plan)
{
	struct err err;
	uint64_t start = cpu_ns();

	if (plan_build(topo, flows, count, policy, plan, &err) != 0) {
		die("cannot plan", &err);
	}
	return (double)(cpu_ns() - start);
}

static uint64_t cpu_ns(void)
{
	struct timespec ts;

	must(clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts) == 0);
	return (uint64_t)ts.tv_sec * NS_PER_S + (uint64_t)ts.tv_nsec;
}

static void die(const char *what, const struct err *err)
{
	fprintf(stderr, "plan_bench: %s: %s\n", what, err->text);
	exit(EXIT_FAILURE);
}

static void measure_balance(struct bench_table *t, const struct plan *plan)
{
	uint64_t most = 0, sum = 0;
	uint32_t farther = 0;

	for (uint32_t i = 0; i < plan->shard_count; i++) {
		sum += plan->shards[i].load;
		most = plan->shards[i].load > most ? plan->shards[i].load : most;
	}
	for (uint32_t i = 0; i < plan->flow_count; i++) {
		enum plan_why why = plan->owners[plan->first_owner[i]].why;

		farther += why == PLAN_WHY_BALANCE || why == PLAN_WHY_NO_LOCAL;
	}
	bench_cell(t, "%.3f", (double)most * plan->shard_count / (double)sum);
	bench_cell(t, "%.1f", 100.0 * farther / plan->flow_count);
}
