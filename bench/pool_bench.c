/* pool_bench.c - what the buffer pool costs, against malloc and against its own memory.
 *
 *     bench/pool_bench [--quick] [--csv DIR] [--cpu N] [--bench-node N] [--nodes]
 *
 * Pins itself to one CPU and prints one table per question; each is a ratio within this run, taken
 * in turn with what it is compared to, median of several. A second, sleeping thread exists
 * throughout, because the C library's allocator is faster in a process that has only one, which
 * a relay never is. Ends with the targets and whether this run reached them; the exit status does
 * not depend on them: 0, 1 when something could not be done, 2 for wrong usage.
 */
#include "bench/pool_bench.h"

#include <errno.h>
#include <getopt.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench/bench.h"
#include "numa/nodemem.h"
#include "numa/pin.h"
#include "src/setup/options.h"

#define FOOTPRINT_MAX_MIB 8.0

static const char usage[] =
	"usage: pool_bench [--quick] [--csv DIR] [--cpu N] [--bench-node N] [--nodes]\n";

static int parse_options(int argc, char **argv, struct pool_bench *bench);
static int parse_number(const char *flag, const char *text);
static void pin_to(int cpu);
static void start_second_thread(void);
static void *sleep_for_ever(void *unused);
static void print_command(int argc, char **argv);
static void print_targets(const struct pool_results *r);
static void judge(struct bench_table *t, const char *what, double is, const char *bound, bool met);

int main(int argc, char **argv)
{
	struct pool_results results = {0};
	struct pool_bench bench;
	int cpu = parse_options(argc, argv, &bench);

	pin_to(cpu);
	start_second_thread();
	print_command(argc, argv);
	bench.tick_ns = bench_tick_ns();
	bench.tick_overhead = bench_tick_overhead();
	printf("timer    %.3f ns a tick, %.1f ns to read, taken off single times\n", bench.tick_ns,
	       (double)bench.tick_overhead * bench.tick_ns);
	if (bench.only_nodes) {
		bench_nodes(&bench);
		return EXIT_SUCCESS;
	}
	bench_latency(&bench, &results);
	bench_sizes(&bench);
	bench_bursts(&bench);
	bench_exhaustion(&bench, &results);
	bench_copies(&bench);
	bench_footprints(&bench);
	bench_nodes(&bench);
	bench_misses(&bench);
	print_targets(&results);
	return EXIT_SUCCESS;
}

int rig_make(struct pool_rig *rig, const struct pool_bench *bench, const struct pool_counts *counts,
	     enum arena_huge huge, bool populate)
{
	static const enum nodemem_huge wish[] = {[ARENA_HUGE_1G] = NODEMEM_HUGE_1G,
						 [ARENA_HUGE_2M] = NODEMEM_HUGE_2M,
						 [ARENA_HUGE_THP] = NODEMEM_HUGE_THP,
						 [ARENA_HUGE_OFF] = NODEMEM_HUGE_OFF};
	size_t bytes = pool_arena_bytes(counts);
	struct nodemem_result result;
	int rc;

	memset(rig, 0, sizeof(*rig));
	if (populate) {
		rc = nodemem_arena(&rig->arena, bytes, bench->node_os, wish[huge], true, &result,
				   &rig->err);
		if (rc == 0 && bench->node_os != BENCH_NODE_ANY && !result.verified) {
			err_set(&rig->err, "node %d: %s", bench->node_os, result.note.text);
			arena_unmap(&rig->arena);
			rc = -EXDEV;
		}
	} else {
		rc = arena_map(&rig->arena, bytes, huge);
	}
	if (rc == 0) {
		pool_cut(&rig->pool, counts, &rig->arena);
		pool_init(&rig->pool, rig->stats);
		arena_seal(&rig->arena);
	}
	return rc;
}

void rig_free(struct pool_rig *rig)
{
	arena_unmap(&rig->arena);
}

void rig_make_usual(struct pool_rig *rig, const struct pool_bench *bench,
		    const struct pool_counts *counts)
{
	int rc = rig_make(rig, bench, counts, ARENA_HUGE_OFF, true);

	if (rc != 0) {
		fprintf(stderr, "pool_bench: %s\n", rig->err.text);
		exit(EXIT_FAILURE);
	}
}

struct pool_counts bench_default_counts(void)
{
	struct cli_fill fill;
	struct opt opt = {0};
	struct pool_counts counts;
	struct err err;

	if (cli_fill_init(&fill, &options_table, &opt, &err) < 0) {
		fprintf(stderr, "%s\n", err.text);
		exit(EXIT_FAILURE);
	}
	counts = opt.pool;
	options_free(&opt);
	return counts;
}

static int parse_options(int argc, char **argv, struct pool_bench *bench)
{
	static const struct option options[] = {
		{"quick", no_argument, NULL, 'q'},     {"csv", required_argument, NULL, 'c'},
		{"cpu", required_argument, NULL, 'p'}, {"bench-node", required_argument, NULL, 'n'},
		{"nodes", no_argument, NULL, 'o'},     {0}};
	int cpu = -1;
	int option;

	*bench = (struct pool_bench){
		.ops = 1000000, .rounds = 15, .singles = 200000, .node_os = BENCH_NODE_ANY};
	while ((option = getopt_long(argc, argv, "", options, NULL)) >= 0) {
		if (option == 'q') {
			bench->ops = 200000;
			bench->rounds = 7;
		} else if (option == 'c') {
			bench_csv_dir = optarg;
		} else if (option == 'p') {
			cpu = parse_number("cpu", optarg);
		} else if (option == 'n') {
			bench->node_os = parse_number("bench-node", optarg);
		} else if (option == 'o') {
			bench->only_nodes = true;
		} else {
			fputs(usage, stderr);
			exit(2);
		}
	}
	if (optind != argc) {
		fputs(usage, stderr);
		exit(2);
	}
	return cpu;
}

/* A number of at least 0, or usage. */
static int parse_number(const char *flag, const char *text)
{
	char *end;
	long value;

	errno = 0;
	value = strtol(text, &end, 10);
	if (errno != 0 || *end != '\0' || end == text || value < 0 || value > 65535) {
		fprintf(stderr, "pool_bench: --%s %s: expected a number from 0 to 65535\n", flag,
			text);
		exit(2);
	}
	return (int)value;
}

static void pin_to(int cpu)
{
	int rc = pin_self(cpu >= 0 ? cpu : sched_getcpu());

	if (rc != 0) {
		fprintf(stderr, "pool_bench: --cpu %d: cannot run there: %s\n", cpu, strerror(-rc));
		exit(EXIT_FAILURE);
	}
}

static void start_second_thread(void)
{
	pthread_t thread;

	if (pthread_create(&thread, NULL, sleep_for_ever, NULL) != 0) {
		fprintf(stderr, "pool_bench: cannot start a thread\n");
		exit(EXIT_FAILURE);
	}
	pthread_detach(thread);
}

static void *sleep_for_ever(void *unused)
{
	for (;;) {
		pause();
	}
	return unused;
}

static void print_command(int argc, char **argv)
{
	char command[1024] = "bench/pool_bench";
	size_t len = strlen(command);

	for (int i = 1; i < argc && len < sizeof(command); i++) {
		len += (size_t)snprintf(command + len, sizeof(command) - len, " %s", argv[i]);
	}
	bench_print_host(command);
}

static void print_targets(const struct pool_results *r)
{
	static const char *const columns[] = {"target", "is", "bound", "reached", NULL};
	static struct bench_table t;
	struct pool_counts counts = bench_default_counts();
	double mib = (double)pool_arena_bytes(&counts) / (1024.0 * 1024.0);

	bench_begin(&t, "pool_targets", "Targets and this run (small class)", columns);
	judge(&t, "allocate+free with metrics ns", r->pair_ns, "<= 2.5", r->pair_ns <= 2.5);
	judge(&t, "p99 ns", r->pair_p99_ns, "< 50", r->pair_p99_ns < 50);
	judge(&t, "times faster than malloc", r->malloc_ratio, ">= 10", r->malloc_ratio >= 10);
	judge(&t, "metrics cost % worst", r->metrics_percent, "<= 3", r->metrics_percent <= 3);
	judge(&t, "recovery p99 ns", r->recovery_ns, "< 1000", r->recovery_ns < 1000);
	judge(&t, "default footprint MiB", mib, "<= 8", mib <= FOOTPRINT_MAX_MIB);
	bench_end(&t);
}

static void judge(struct bench_table *t, const char *what, double is, const char *bound, bool met)
{
	bench_cell(t, "%s", what);
	bench_cell(t, "%.2f", is);
	bench_cell(t, "%s", bound);
	bench_cell(t, "%s", met ? "yes" : "NO");
}
