/* pool_bench_cost.c - what taking and dropping costs: latency, sizes, bursts, exhaustion, copies.
 *
 * Contenders of one row run in turn, round after round, so that a change of the machine's speed
 * meets all of them alike; each cell is the median over the rounds. One pinned thread.
 */
#include "bench/pool_bench.h"

#include <stdlib.h>
#include <string.h>

#include "bench/bench.h"
#include "bench/pool_loops.h"
#include "src/base/must.h"

static struct bench_table table;
static struct pool_rig rig;

enum contender {
	COUNTED,
	BARE,
	MALLOC,
	CONTENDERS
};

/* Nanoseconds an operation took in each round. */
struct timings {
	double ns[CONTENDERS][ROUNDS_MAX];
};

#define RECOVERIES 1000

static void time_pairs(const struct pool_bench *bench, unsigned cls, struct timings *t);
static void print_singles(const struct pool_bench *bench, struct pool_results *results);
static void cell_percentiles(const struct pool_bench *bench, const uint32_t *ticks, double *p99);
static double *ticks_to_ns(const struct pool_bench *bench, const uint32_t *ticks);
static void print_life(const struct pool_bench *bench);
static double time_churn(const struct pool_bench *bench, const uint32_t *at, uint32_t count);
static double time_malloc_churn(const struct pool_bench *bench, const uint32_t *at, uint32_t count);
static double time_pool_pairs(const struct pool_bench *bench);
static double counting_percent(const struct timings *t, unsigned rounds);
static int class_of(uint32_t len);
static double median(struct timings *t, enum contender who, unsigned rounds);
static void exhaust(const struct pool_bench *bench, unsigned factor, uint32_t count,
		    struct pool_results *results);
static double since(uint64_t start_ns, size_t ops);
static void time_recovery(const struct pool_bench *bench, uint32_t *slots, uint32_t count,
			  double *p50, double *p99);

void bench_latency(const struct pool_bench *bench, struct pool_results *results)
{
	static const char *const columns[] = {"class",     "counted_ns", "Mops/s",      "bare_ns",
					      "metrics_%", "malloc_ns",  "malloc/pool", NULL};
	struct pool_counts counts = bench_default_counts();
	struct timings t;

	rig_make_usual(&rig, bench, &counts);
	bench_begin(
		&table, "pool_latency",
		"Allocate+free in a row (counted: as the daemon has it; bare: without counters)",
		columns);
	for (unsigned cls = 0; cls < POOL_CLASS_COUNT; cls++) {
		time_pairs(bench, cls, &t);

		double percent = counting_percent(&t, bench->rounds);
		double counted = median(&t, COUNTED, bench->rounds);
		double library = median(&t, MALLOC, bench->rounds);

		bench_cell(&table, "%s", pool_class_name((enum pool_class)cls));
		bench_cell(&table, "%.2f", counted);
		bench_cell(&table, "%.0f", 1000 / counted);
		bench_cell(&table, "%.2f", median(&t, BARE, bench->rounds));
		bench_cell(&table, "%+.1f", percent);
		bench_cell(&table, "%.2f", library);
		bench_cell(&table, "%.1f", library / counted);
		if (cls == POOL_SMALL) {
			results->pair_ns = counted;
			results->malloc_ratio = library / counted;
			results->metrics_percent = percent;
		}
		if (percent > results->metrics_percent) {
			results->metrics_percent = percent;
		}
	}
	bench_end(&table);
	print_singles(bench, results);
	print_life(bench);
	rig_free(&rig);
}

void bench_sizes(const struct pool_bench *bench)
{
	static const char *const columns[] = {"buffers",         "pair_ns",     "churn_ns",
					      "malloc_churn_ns", "malloc/pool", NULL};
	static const uint32_t sizes[] = {100, 500, 1000, 5000};
	uint32_t *at = calloc(bench->ops / 4, sizeof(*at));
	unsigned seed = 1;

	must(at != NULL);
	bench_begin(&table, "pool_sizes",
		    "Pool sizes, small class: pairs in a row; churn: drop one of all at random, "
		    "take one",
		    columns);
	for (size_t s = 0; s < sizeof(sizes) / sizeof(*sizes); s++) {
		struct pool_counts counts = {{sizes[s]}};

		for (size_t i = 0; i < bench->ops / 4; i++) {
			at[i] = (uint32_t)rand_r(&seed) % sizes[s];
		}
		rig_make_usual(&rig, bench, &counts);

		double pool = time_churn(bench, at, sizes[s]);
		double library = time_malloc_churn(bench, at, sizes[s]);

		bench_cell(&table, "%u", sizes[s]);
		bench_cell(&table, "%.2f", time_pool_pairs(bench));
		bench_cell(&table, "%.2f", pool);
		bench_cell(&table, "%.2f", library);
		bench_cell(&table, "%.1f", library / pool);
		rig_free(&rig);
	}
	bench_end(&table);
	free(at);
}

void bench_bursts(const struct pool_bench *bench)
{
	static const char *const columns[] = {"burst",     "counted_ns",  "bare_ns", "metrics_%",
					      "malloc_ns", "malloc/pool", NULL};
	static const size_t sizes[] = {10, 50, 100, 500};
	struct pool_counts counts = bench_default_counts();
	size_t bytes = pool_payload_bytes(POOL_SMALL);
	struct timings t;

	rig_make_usual(&rig, bench, &counts);
	bench_begin(&table, "pool_bursts", "Bursts, small class: take n, then drop n; ns per pair",
		    columns);
	for (size_t s = 0; s < sizeof(sizes) / sizeof(*sizes); s++) {
		size_t ops = bench->ops / sizes[s] * sizes[s];

		for (unsigned r = 0; r < bench->rounds; r++) {
			uint64_t start = clock_now_ns();

			pool_loops_counted.bursts(&rig.pool, POOL_SMALL, ops, sizes[s]);
			t.ns[COUNTED][r] = since(start, ops);
			start = clock_now_ns();
			pool_loops_bare.bursts(&rig.pool, POOL_SMALL, ops, sizes[s]);
			t.ns[BARE][r] = since(start, ops);
			start = clock_now_ns();
			malloc_bursts(bytes, ops, sizes[s]);
			t.ns[MALLOC][r] = since(start, ops);
		}

		double percent = counting_percent(&t, bench->rounds);
		double counted = median(&t, COUNTED, bench->rounds);

		bench_cell(&table, "%zu", sizes[s]);
		bench_cell(&table, "%.2f", counted);
		bench_cell(&table, "%.2f", median(&t, BARE, bench->rounds));
		bench_cell(&table, "%+.1f", percent);
		bench_cell(&table, "%.2f", median(&t, MALLOC, bench->rounds));
		bench_cell(&table, "%.1f", median(&t, MALLOC, bench->rounds) / counted);
	}
	bench_end(&table);
	rig_free(&rig);
}

void bench_copies(const struct pool_bench *bench)
{
	static const char *const columns[] = {"bytes",     "class",       "pool_ns", "pool_GB/s",
					      "malloc_ns", "malloc/pool", NULL};
	static const uint32_t lens[] = {64, 200, 1316, 1500, 4096, 8900, 65507};
	struct pool_counts counts = bench_default_counts();
	unsigned char *from = malloc(UDP_PAYLOAD_MAX);
	struct timings t;

	must(from != NULL);
	memset(from, 0xa5, UDP_PAYLOAD_MAX);
	rig_make_usual(&rig, bench, &counts);
	bench_begin(&table, "pool_copies",
		    "Allocate+copy+free, the copy made (malloc of the class' size)", columns);
	for (size_t l = 0; l < sizeof(lens) / sizeof(*lens); l++) {
		unsigned cls = (unsigned)class_of(lens[l]);
		size_t bytes = pool_payload_bytes((enum pool_class)cls);
		size_t ops = bench->ops / (1 + lens[l] / 256);

		for (unsigned r = 0; r < bench->rounds; r++) {
			uint64_t start = clock_now_ns();

			pool_loops_counted.copies(&rig.pool, cls, ops, from, lens[l]);
			t.ns[COUNTED][r] = since(start, ops);
			malloc_settle(bytes);
			start = clock_now_ns();
			malloc_copies(bytes, ops, from, lens[l]);
			t.ns[MALLOC][r] = since(start, ops);
		}

		double pool = median(&t, COUNTED, bench->rounds);
		double library = median(&t, MALLOC, bench->rounds);

		bench_cell(&table, "%u", lens[l]);
		bench_cell(&table, "%s", pool_class_name((enum pool_class)cls));
		bench_cell(&table, "%.2f", pool);
		bench_cell(&table, "%.1f", lens[l] / pool);
		bench_cell(&table, "%.2f", library);
		bench_cell(&table, "%.2f", library / pool);
	}
	bench_end(&table);
	rig_free(&rig);
	free(from);
}

void bench_exhaustion(const struct pool_bench *bench, struct pool_results *results)
{
	static const char *const columns[] = {
		"load",       "offered",         "taken",           "refused",
		"refusal_ns", "recovery_p50_ns", "recovery_p99_ns", NULL};
	static const unsigned factors[] = {2, 5, 10};
	struct pool_counts counts = {{1000}};

	bench_begin(&table, "pool_exhaustion",
		    "Exhaustion of 1000 buffers; recovery: drop in an empty pool to the take that "
		    "gets it",
		    columns);
	for (size_t f = 0; f < sizeof(factors) / sizeof(*factors); f++) {
		rig_make_usual(&rig, bench, &counts);
		exhaust(bench, factors[f], counts.count[POOL_SMALL], results);
		rig_free(&rig);
	}
	bench_end(&table);
}

static void time_pairs(const struct pool_bench *bench, unsigned cls, struct timings *t)
{
	size_t bytes = pool_payload_bytes((enum pool_class)cls);

	for (unsigned r = 0; r < bench->rounds; r++) {
		uint64_t start = clock_now_ns();

		pool_loops_counted.pairs(&rig.pool, cls, bench->ops);
		t->ns[COUNTED][r] = since(start, bench->ops);
		start = clock_now_ns();
		pool_loops_bare.pairs(&rig.pool, cls, bench->ops);
		t->ns[BARE][r] = since(start, bench->ops);
		malloc_settle(bytes);
		start = clock_now_ns();
		malloc_pairs(bytes, bench->ops / 4);
		t->ns[MALLOC][r] = since(start, bench->ops / 4);
	}
}

static void print_singles(const struct pool_bench *bench, struct pool_results *results)
{
	static const char *const columns[] = {"class", "allocator", "p50", "p95",
					      "p99",   "p99.9",     NULL};
	uint32_t *ticks = calloc(bench->singles, sizeof(*ticks));
	double p99;

	must(ticks != NULL);
	bench_begin(&table, "pool_singles", "Allocate+free, each pair timed by itself, ns",
		    columns);
	for (unsigned cls = 0; cls < POOL_CLASS_COUNT; cls++) {
		bench_cell(&table, "%s", pool_class_name((enum pool_class)cls));
		bench_cell(&table, "pool");
		pool_loops_counted.singles(&rig.pool, cls, ticks, bench->singles);
		cell_percentiles(bench, ticks, &p99);
		if (cls == POOL_SMALL) {
			results->pair_p99_ns = p99;
		}
		bench_cell(&table, "%s", pool_class_name((enum pool_class)cls));
		bench_cell(&table, "malloc");
		malloc_settle(pool_payload_bytes((enum pool_class)cls));
		malloc_singles(pool_payload_bytes((enum pool_class)cls), ticks, bench->singles);
		cell_percentiles(bench, ticks, &p99);
	}
	bench_end(&table);
	free(ticks);
}

static void cell_percentiles(const struct pool_bench *bench, const uint32_t *ticks, double *p99)
{
	static const double shares[] = {0.5, 0.95, 0.99, 0.999};
	double *ns = ticks_to_ns(bench, ticks);

	for (size_t i = 0; i < sizeof(shares) / sizeof(*shares); i++) {
		bench_cell(&table, "%.1f", bench_percentile(ns, bench->singles, shares[i]));
	}
	*p99 = bench_percentile(ns, bench->singles, 0.99);
	free(ns);
}

/* Ticks to nanoseconds without what reading the timer costs. */
static double *ticks_to_ns(const struct pool_bench *bench, const uint32_t *ticks)
{
	double *ns = malloc(bench->singles * sizeof(*ns));

	must(ns != NULL);
	for (size_t i = 0; i < bench->singles; i++) {
		double net = (double)ticks[i] - (double)bench->tick_overhead;

		ns[i] = net > 0 ? net * bench->tick_ns : 0;
	}
	return ns;
}

static void print_life(const struct pool_bench *bench)
{
	static const char *const columns[] = {"class", "counted_ns", "bare_ns", "metrics_%", NULL};
	struct timings t;

	bench_begin(&table, "pool_life",
		    "A datagram's life with one output: lend, accept, hold, drop, drop; ns",
		    columns);
	for (unsigned cls = 0; cls < POOL_CLASS_COUNT; cls++) {
		for (unsigned r = 0; r < bench->rounds; r++) {
			uint64_t start = clock_now_ns();

			pool_loops_counted.lives(&rig.pool, cls, bench->ops);
			t.ns[COUNTED][r] = since(start, bench->ops);
			start = clock_now_ns();
			pool_loops_bare.lives(&rig.pool, cls, bench->ops);
			t.ns[BARE][r] = since(start, bench->ops);
		}

		double percent = counting_percent(&t, bench->rounds);

		bench_cell(&table, "%s", pool_class_name((enum pool_class)cls));
		bench_cell(&table, "%.2f", median(&t, COUNTED, bench->rounds));
		bench_cell(&table, "%.2f", median(&t, BARE, bench->rounds));
		bench_cell(&table, "%+.1f", percent);
	}
	bench_end(&table);
}

static double time_churn(const struct pool_bench *bench, const uint32_t *at, uint32_t count)
{
	uint32_t *held = calloc(count, sizeof(*held));
	double ns[ROUNDS_MAX];

	must(held != NULL);
	for (uint32_t i = 0; i < count; i++) {
		held[i] = pool_take(&rig.pool, POOL_SMALL);
	}
	for (unsigned r = 0; r < bench->rounds; r++) {
		uint64_t start = clock_now_ns();

		pool_loops_counted.churn(&rig.pool, POOL_SMALL, bench->ops / 4, at, held);
		ns[r] = since(start, bench->ops / 4);
	}
	for (uint32_t i = 0; i < count; i++) {
		pool_drop(&rig.pool, held[i]);
	}
	free(held);
	return bench_median(ns, bench->rounds);
}

static double time_malloc_churn(const struct pool_bench *bench, const uint32_t *at, uint32_t count)
{
	void **held = calloc(count, sizeof(*held));
	size_t bytes = pool_payload_bytes(POOL_SMALL);
	double ns[ROUNDS_MAX];

	must(held != NULL);
	for (uint32_t i = 0; i < count; i++) {
		held[i] = malloc(bytes);
		must(held[i] != NULL);
	}
	for (unsigned r = 0; r < bench->rounds; r++) {
		uint64_t start = clock_now_ns();

		malloc_churn(bytes, bench->ops / 4, at, held);
		ns[r] = since(start, bench->ops / 4);
	}
	for (uint32_t i = 0; i < count; i++) {
		free(held[i]);
	}
	free(held);
	return bench_median(ns, bench->rounds);
}

static double time_pool_pairs(const struct pool_bench *bench)
{
	double ns[ROUNDS_MAX];

	for (unsigned r = 0; r < bench->rounds; r++) {
		uint64_t start = clock_now_ns();

		pool_loops_counted.pairs(&rig.pool, POOL_SMALL, bench->ops);
		ns[r] = since(start, bench->ops);
	}
	return bench_median(ns, bench->rounds);
}

/* What counting costs, in percent: the median of the rounds' own ratios, since both loops of a
 * round met the same machine. */
static double counting_percent(const struct timings *t, unsigned rounds)
{
	double percent[ROUNDS_MAX];

	for (unsigned r = 0; r < rounds; r++) {
		percent[r] = (t->ns[COUNTED][r] / t->ns[BARE][r] - 1) * 100;
	}
	return bench_median(percent, rounds);
}

static int class_of(uint32_t len)
{
	static struct pool_counts all;

	if (all.count[POOL_SMALL] == 0) {
		all = bench_default_counts();
	}
	return pool_class_for(&all, len);
}

static double median(struct timings *t, enum contender who, unsigned rounds)
{
	return bench_median(t->ns[who], rounds);
}

/* Offers `factor' times what the pool has. */
static void exhaust(const struct pool_bench *bench, unsigned factor, uint32_t count,
		    struct pool_results *results)
{
	uint32_t *slots = calloc(count, sizeof(*slots));
	uint32_t refused = (factor - 1) * count;
	uint32_t taken = 0;
	uint64_t start;
	double refused_ns, p50, p99;

	must(slots != NULL);
	for (uint32_t i = 0; i < count; i++) {
		slots[i] = pool_take(&rig.pool, POOL_SMALL);
		taken += slots[i] != POOL_NONE;
	}
	start = clock_now_ns();
	for (uint32_t i = 0; i < refused; i++) {
		uint32_t slot = pool_take(&rig.pool, POOL_SMALL);

		bench_keep(slot);
		must(slot == POOL_NONE);
	}
	refused_ns = since(start, refused);
	time_recovery(bench, slots, count, &p50, &p99);
	for (uint32_t i = 0; i < count; i++) {
		pool_drop(&rig.pool, slots[i]);
	}
	must(pool_consistent(&rig.pool));
	pool_publish_stats(&rig.pool);
	must(stat_get(&rig.stats[POOL_SMALL].exhausted) == refused + RECOVERIES);
	bench_cell(&table, "%ux", factor);
	bench_cell(&table, "%u", factor * count);
	bench_cell(&table, "%u", taken);
	bench_cell(&table, "%u", refused);
	bench_cell(&table, "%.2f", refused_ns);
	bench_cell(&table, "%.1f", p50);
	bench_cell(&table, "%.1f", p99);
	results->recovery_ns = p99 > results->recovery_ns ? p99 : results->recovery_ns;
	free(slots);
}

static double since(uint64_t start_ns, size_t ops)
{
	return (double)(clock_now_ns() - start_ns) / (double)ops;
}

/* Times, in an empty pool, the drop of one buffer and the take that gets it. */
static void time_recovery(const struct pool_bench *bench, uint32_t *slots, uint32_t count,
			  double *p50, double *p99)
{
	double ns[RECOVERIES];

	for (uint32_t i = 0; i < RECOVERIES; i++) {
		uint32_t *slot = &slots[i * 7 % count];

		must(pool_take(&rig.pool, POOL_SMALL) == POOL_NONE);

		uint64_t start = bench_ticks();

		pool_drop(&rig.pool, *slot);
		*slot = pool_take(&rig.pool, POOL_SMALL);

		uint64_t spent = bench_ticks() - start;

		must(*slot != POOL_NONE);
		ns[i] = spent > bench->tick_overhead
				? (double)(spent - bench->tick_overhead) * bench->tick_ns
				: 0;
	}
	*p50 = bench_median(ns, RECOVERIES);
	*p99 = bench_percentile(ns, RECOVERIES, 0.99);
}
