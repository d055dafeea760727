/* pool_bench_memory.c - what the memory below the pool costs: footprint, pages, nodes, misses.
 *
 * A "pass" takes every slot of the class, writes the first cache line of each payload, and drops
 * them in the order taken, so the whole footprint is walked, in the other direction each time; in
 * random order, since the stack was shuffled, except where pages are touched for the first time.
 * The first pass over memory that was mapped but never touched pays for the page faults. A "hot
 * pair" takes, writes and drops one slot again and again: what LIFO makes of a shallow load.
 */
#include "bench/pool_bench.h"

#include <errno.h>
#include <linux/perf_event.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "bench/bench.h"
#include "numa/topo.h"
#include "src/base/must.h"

#define KIB          ((size_t)1024)
#define MIB          (1024 * KIB)
#define GIB          (1024 * MIB)
#define PASS_OPS_MIN 20000 /* a timed run walks the pool so often that it has this many pairs */

static struct bench_table table;
static struct pool_rig rig;
static uint32_t slots[POOL_SLOTS_MAX];

static const struct {
	const char *name;
	uint32_t type;
	uint64_t config;
} counters[] = {
	{"instructions", PERF_TYPE_HARDWARE, PERF_COUNT_HW_INSTRUCTIONS},
	{"l1d_read_misses", PERF_TYPE_HW_CACHE,
	 PERF_COUNT_HW_CACHE_L1D | PERF_COUNT_HW_CACHE_OP_READ << 8 |
		 PERF_COUNT_HW_CACHE_RESULT_MISS << 16},
	{"cache_misses", PERF_TYPE_HARDWARE, PERF_COUNT_HW_CACHE_MISSES},
	{"dtlb_read_misses", PERF_TYPE_HW_CACHE,
	 PERF_COUNT_HW_CACHE_DTLB | PERF_COUNT_HW_CACHE_OP_READ << 8 |
		 PERF_COUNT_HW_CACHE_RESULT_MISS << 16},
};

static void row_footprint(const struct pool_bench *bench, size_t bytes, enum arena_huge huge);
static bool memory_is_free(size_t bytes);
static void cell_untouched(const struct pool_bench *bench, const struct pool_counts *counts,
			   unsigned cls, enum arena_huge huge);
static void cell_touched(const struct pool_bench *bench, const struct pool_counts *counts,
			 unsigned cls, enum arena_huge huge);
static double time_passes(const struct pool_bench *bench, unsigned cls, uint32_t count);
static double time_hot_pairs(const struct pool_bench *bench, unsigned cls);
static unsigned choose_class(size_t bytes, struct pool_counts *counts);
static void row_misses(const struct pool_bench *bench, size_t c, unsigned cls, uint32_t count);
static int open_counter(uint32_t type, uint64_t config);
static void shuffle(unsigned cls, uint32_t count);
static uint64_t read_counter(int fd);
static void pass(unsigned cls, uint32_t count);
static inline void touch(uint32_t slot, uint64_t mark);

void bench_footprints(const struct pool_bench *bench)
{
	static const char *const columns[] = {"footprint", "class",      "slots",  "pages",
					      "first_ns",  "touched_ns", "hot_ns", NULL};
	static const size_t sizes[] = {32 * KIB, 256 * KIB, MIB,       8 * MIB,
				       32 * MIB, 128 * MIB, 512 * MIB, GIB};
	static const enum arena_huge pages[] = {ARENA_HUGE_OFF, ARENA_HUGE_THP, ARENA_HUGE_2M};

	bench_begin(
		&table, "pool_footprints",
		"Footprints: take, write a line, drop, over the whole pool; first: never touched "
		"before, touched: populated, hot: one slot (n/a: not enough memory or huge pages)",
		columns);
	for (size_t s = 0; s < sizeof(sizes) / sizeof(*sizes); s++) {
		for (size_t p = 0; p < sizeof(pages) / sizeof(*pages); p++) {
			row_footprint(bench, sizes[s], pages[p]);
		}
	}
	bench_end(&table);
}

void bench_nodes(const struct pool_bench *bench)
{
	static const char *const columns[] = {"node", "touched_ns", "hot_ns", NULL};
	struct pool_counts counts;
	unsigned cls = choose_class(128 * MIB, &counts);
	struct topo topo = {0};
	struct err err;

	if (topo_load(NULL, &topo, &err) != 0) {
		printf("\nNodes: n/a: %s\n", err.text);
		return;
	}
	bench_begin(&table, "pool_nodes", "128 MiB on each memory node, seen from this CPU",
		    columns);
	for (uint32_t n = 0; n < topo.node_count; n++) {
		struct pool_bench there = *bench;

		if (!topo.nodes[n].allowed || topo.nodes[n].memory_bytes == 0) {
			continue;
		}
		there.node_os = topo.nodes[n].node_os;
		bench_cell(&table, "%d", there.node_os);
		cell_touched(&there, &counts, cls, ARENA_HUGE_OFF);
	}
	bench_end(&table);
	topo_free(&topo);
}

void bench_misses(const struct pool_bench *bench)
{
	static const char *const columns[] = {"event", "hot_pair", "pass_8MiB", NULL};
	struct pool_counts counts;
	unsigned cls = choose_class(8 * MIB, &counts);

	rig_make_usual(&rig, bench, &counts);
	bench_begin(&table, "pool_misses",
		    "Events per take+write+drop, by perf (n/a: this machine does not count them)",
		    columns);
	for (size_t c = 0; c < sizeof(counters) / sizeof(*counters); c++) {
		row_misses(bench, c, cls, counts.count[cls]);
	}
	bench_end(&table);
	rig_free(&rig);
}

static void row_footprint(const struct pool_bench *bench, size_t bytes, enum arena_huge huge)
{
	struct pool_counts counts;
	unsigned cls = choose_class(bytes, &counts);

	if (bytes >= MIB) {
		bench_cell(&table, "%zu MiB", bytes / MIB);
	} else {
		bench_cell(&table, "%zu KiB", bytes / KIB);
	}
	bench_cell(&table, "%s", pool_class_name((enum pool_class)cls));
	bench_cell(&table, "%u", counts.count[cls]);
	bench_cell(&table, "%s", arena_huge_name(huge));
	if (!memory_is_free(bytes)) {
		bench_cell(&table, "n/a");
		bench_cell(&table, "n/a");
		bench_cell(&table, "n/a");
		return;
	}
	cell_untouched(bench, &counts, cls, huge);
	cell_touched(bench, &counts, cls, huge);
}

static bool memory_is_free(size_t bytes)
{
	long pages = sysconf(_SC_AVPHYS_PAGES);
	long page_bytes = sysconf(_SC_PAGESIZE);

	return pages > 0 && page_bytes > 0 && (size_t)pages * (size_t)page_bytes / 2 > bytes;
}

/* First pass over untouched memory; n/a with a node asked for, since binding populates. */
static void cell_untouched(const struct pool_bench *bench, const struct pool_counts *counts,
			   unsigned cls, enum arena_huge huge)
{
	uint64_t start;

	if (bench->node_os != BENCH_NODE_ANY || rig_make(&rig, bench, counts, huge, false) != 0) {
		bench_cell(&table, "n/a");
		return;
	}
	start = clock_now_ns();
	pass(cls, counts->count[cls]);
	bench_cell(&table, "%.1f", (double)(clock_now_ns() - start) / counts->count[cls]);
	rig_free(&rig);
}

static void cell_touched(const struct pool_bench *bench, const struct pool_counts *counts,
			 unsigned cls, enum arena_huge huge)
{
	if (rig_make(&rig, bench, counts, huge, true) != 0) {
		bench_cell(&table, "n/a");
		bench_cell(&table, "n/a");
		return;
	}
	bench_cell(&table, "%.1f", time_passes(bench, cls, counts->count[cls]));
	bench_cell(&table, "%.2f", time_hot_pairs(bench, cls));
	rig_free(&rig);
}

static double time_passes(const struct pool_bench *bench, unsigned cls, uint32_t count)
{
	uint32_t passes = count < PASS_OPS_MIN ? PASS_OPS_MIN / count + 1 : 1;
	double ns[ROUNDS_MAX];

	shuffle(cls, count);
	for (unsigned r = 0; r < bench->rounds; r++) {
		uint64_t start = clock_now_ns();

		for (uint32_t p = 0; p < passes; p++) {
			pass(cls, count);
		}
		ns[r] = (double)(clock_now_ns() - start) / ((double)passes * count);
	}
	return bench_median(ns, bench->rounds);
}

static double time_hot_pairs(const struct pool_bench *bench, unsigned cls)
{
	size_t ops = bench->ops / 4;
	double ns[ROUNDS_MAX];

	for (unsigned r = 0; r < bench->rounds; r++) {
		uint64_t start = clock_now_ns();

		for (size_t i = 0; i < ops; i++) {
			uint32_t slot = pool_take(&rig.pool, (enum pool_class)cls);

			touch(slot, i);
			pool_drop(&rig.pool, slot);
		}
		ns[r] = (double)(clock_now_ns() - start) / (double)ops;
	}
	return bench_median(ns, bench->rounds);
}

/* The smallest class of which `bytes' hold no more slots than a class may have, and how many. */
static unsigned choose_class(size_t bytes, struct pool_counts *counts)
{
	unsigned cls = POOL_SMALL;
	size_t n;

	while (bytes / pool_stride_bytes((enum pool_class)cls) > POOL_SLOTS_MAX) {
		cls++;
		must(cls < POOL_CLASS_COUNT);
	}
	n = bytes / pool_stride_bytes((enum pool_class)cls);
	*counts = (struct pool_counts){{0}};
	counts->count[cls] = n > 0 ? (uint32_t)n : 1;
	return cls;
}

static void row_misses(const struct pool_bench *bench, size_t c, unsigned cls, uint32_t count)
{
	int fd = open_counter(counters[c].type, counters[c].config);
	size_t ops = bench->ops / 4;

	bench_cell(&table, "%s", counters[c].name);
	if (fd < 0) {
		bench_cell(&table, "n/a");
		bench_cell(&table, "n/a");
		return;
	}

	shuffle(cls, count);

	uint64_t start = read_counter(fd);

	for (size_t i = 0; i < ops; i++) {
		uint32_t slot = pool_take(&rig.pool, (enum pool_class)cls);

		touch(slot, i);
		pool_drop(&rig.pool, slot);
	}
	bench_cell(&table, "%.3f", (double)(read_counter(fd) - start) / (double)ops);
	start = read_counter(fd);
	for (unsigned r = 0; r < bench->rounds; r++) {
		pass(cls, count);
	}
	bench_cell(&table, "%.3f",
		   (double)(read_counter(fd) - start) / ((double)count * bench->rounds));
	close(fd);
}

static int open_counter(uint32_t type, uint64_t config)
{
	struct perf_event_attr attr = {.type = type,
				       .size = sizeof(attr),
				       .config = config,
				       .exclude_kernel = 1,
				       .exclude_hv = 1};

	return (int)syscall(SYS_perf_event_open, &attr, 0, -1, -1, PERF_FLAG_FD_CLOEXEC);
}

/* Takes all and drops them in random order. */
static void shuffle(unsigned cls, uint32_t count)
{
	unsigned seed = 7;

	for (uint32_t i = 0; i < count; i++) {
		slots[i] = pool_take(&rig.pool, (enum pool_class)cls);
	}
	for (uint32_t left = count; left > 0; left--) {
		uint32_t pick = (uint32_t)rand_r(&seed) % left;

		pool_drop(&rig.pool, slots[pick]);
		slots[pick] = slots[left - 1];
	}
}

static uint64_t read_counter(int fd)
{
	uint64_t value = 0;

	return read(fd, &value, sizeof(value)) == (ssize_t)sizeof(value) ? value : 0;
}

static void pass(unsigned cls, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++) {
		slots[i] = pool_take(&rig.pool, (enum pool_class)cls);
		touch(slots[i], i);
	}
	for (uint32_t i = 0; i < count; i++) {
		pool_drop(&rig.pool, slots[i]);
	}
}

static inline void touch(uint32_t slot, uint64_t mark)
{
	uint64_t *line = (uint64_t *)(pool_slot_base(&rig.pool, slot) + SLOT_HEAD_BYTES);

	for (int i = 0; i < 8; i++) {
		line[i] = mark;
	}
	bench_keep(line);
}
