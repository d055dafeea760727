/* regbuf_bench.c - whether registering buffers with io_uring pays, and from when on.
 *
 *     bench/regbuf_bench [--quick] [--csv DIR] [--file DIR] [--to ADDRESS] [--sends]
 *
 * Four tables: what registering costs in time and memory; what an operation costs against how many
 * are registered; reads and writes of whole small files, registered and not, by the number of
 * operations that each registration serves; and sends, plain, zero-copy, and zero-copy from a
 * registered buffer, to ADDRESS:9 (127.0.0.1), where a socket of its own takes what comes when the
 * address is this host's; with --sends that alone. Files lie in DIR (/var/tmp).
 *
 * Times are the thread's own CPU time, so other processes do not count; what a device does by
 * itself does not either. Each figure is the median of several, sides taken in turn. Exit status 0,
 * 1 when something could not be done, 2 for wrong usage.
 */
#include "bench/regbuf_bench.h"

#include <errno.h>
#include <getopt.h>
#include <liburing.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include "bench/bench.h"
#include "src/base/must.h"

#define REGISTER_MAX     16384
#define REGISTER_ROUNDS  5
#define COUNT_OPS        4096
#define COUNT_FILE_BYTES 4096
#define MEMINFO_MAX      4096
#define LINE_MAX_BYTES   256

static const char usage[] =
	"usage: regbuf_bench [--quick] [--csv DIR] [--file DIR] [--to ADDRESS] [--sends]\n";

static void bench_register(bool quick);
static void register_row(struct bench_table *t, unsigned count, size_t bytes);
static double kernel_kib(void);
static double proc_kib(const char *path, const char *name);
static void bench_count(bool quick, const char *dir);
static void count_row(struct bench_table *t, unsigned count, int fd);

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{"quick", no_argument, NULL, 'q'},      {"csv", required_argument, NULL, 'c'},
		{"file", required_argument, NULL, 'f'}, {"to", required_argument, NULL, 't'},
		{"sends", no_argument, NULL, 's'},      {0}};
	const char *dir = "/var/tmp";
	const char *to = "127.0.0.1";
	bool quick = false;
	bool sends_only = false;
	int option;

	while ((option = getopt_long(argc, argv, "", options, NULL)) >= 0) {
		switch (option) {
		case 'q':
			quick = true;
			break;
		case 'c':
			bench_csv_dir = optarg;
			break;
		case 'f':
			dir = optarg;
			break;
		case 't':
			to = optarg;
			break;
		case 's':
			sends_only = true;
			break;
		default:
			fputs(usage, stderr);
			return 2;
		}
	}
	bench_print_host("bench/regbuf_bench");
	if (!sends_only) {
		bench_register(quick);
		bench_count(quick, dir);
		regbuf_bench_files(quick, dir);
	}
	regbuf_bench_sends(quick, to);
	return EXIT_SUCCESS;
}

uint64_t regbuf_cpu_ns(void)
{
	struct timespec ts;

	must(clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts) == 0);
	return (uint64_t)ts.tv_sec * NS_PER_S + (uint64_t)ts.tv_nsec;
}

void regbuf_die(const char *what, int error)
{
	fprintf(stderr, "regbuf_bench: %s: %s\n", what, strerror(error));
	exit(EXIT_FAILURE);
}

void regbuf_open(struct regbuf *r, unsigned count, size_t bytes)
{
	int ret;

	r->io = calloc(1, sizeof(*r->io));
	must(r->io != NULL);
	ret = io_uring_queue_init(REGBUF_BATCH * 2, r->io,
				  IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN);
	if (ret < 0) {
		ret = io_uring_queue_init(REGBUF_BATCH * 2, r->io, 0);
	}
	if (ret < 0) {
		regbuf_die("cannot make a ring", -ret);
	}
	r->count = count;
	r->bytes = bytes;
	r->memory = mmap(NULL, count * bytes, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
	r->iovecs = calloc(count, sizeof(*r->iovecs));
	if (r->memory == MAP_FAILED || r->iovecs == NULL) {
		regbuf_die("cannot map the buffers", ENOMEM);
	}
	for (unsigned i = 0; i < count; i++) {
		r->iovecs[i] = (struct iovec){.iov_base = r->memory + i * bytes, .iov_len = bytes};
	}
}

void regbuf_close(struct regbuf *r)
{
	io_uring_queue_exit(r->io);
	free(r->io);
	munmap(r->memory, r->count * r->bytes);
	free(r->iovecs);
}

int regbuf_register(struct regbuf *r, unsigned count)
{
	return io_uring_register_buffers(r->io, r->iovecs, count);
}

void regbuf_unregister(struct regbuf *r)
{
	must(io_uring_unregister_buffers(r->io) == 0);
}

static void bench_register(bool quick)
{
	static const char *const columns[] = {"buffers",       "bytes_each", "register_us",
					      "unregister_us", "ns_each",    "pinned_KiB",
					      "kernel_KiB",    NULL};
	static struct bench_table t;

	bench_begin(&t, "regbuf_register",
		    "Registering buffers: CPU time, memory pinned, kernel memory beside it",
		    columns);
	for (unsigned count = 64; count <= REGISTER_MAX; count *= quick ? 16 : 4) {
		register_row(&t, count, 4096);
		if (count <= 4096) {
			register_row(&t, count, 65536);
		}
	}
	register_row(&t, 1, (size_t)REGISTER_MAX * 4096);
	bench_end(&t);
}

static void register_row(struct bench_table *t, unsigned count, size_t bytes)
{
	double on[REGISTER_ROUNDS], off[REGISTER_ROUNDS], slab[REGISTER_ROUNDS];
	double pinned = 0;
	struct regbuf r;

	regbuf_open(&r, count, bytes);
	for (unsigned i = 0; i < REGISTER_ROUNDS; i++) {
		double before = kernel_kib();
		uint64_t start = regbuf_cpu_ns();
		int ret = regbuf_register(&r, count);

		if (ret < 0) {
			regbuf_die("cannot register", -ret);
		}
		on[i] = (double)(regbuf_cpu_ns() - start) / 1000;
		slab[i] = kernel_kib() - before;
		pinned = proc_kib("/proc/self/status", "VmPin:");
		start = regbuf_cpu_ns();
		regbuf_unregister(&r);
		off[i] = (double)(regbuf_cpu_ns() - start) / 1000;
	}
	regbuf_close(&r);
	bench_cell(t, "%u", count);
	bench_cell(t, "%zu", bytes);
	bench_cell(t, "%.1f", bench_median(on, REGISTER_ROUNDS));
	bench_cell(t, "%.1f", bench_median(off, REGISTER_ROUNDS));
	bench_cell(t, "%.0f", 1000 * bench_median(on, REGISTER_ROUNDS) / count);
	bench_cell(t, "%.0f", pinned);
	bench_cell(t, "%.0f", bench_median(slab, REGISTER_ROUNDS));
}

static double kernel_kib(void)
{
	return proc_kib("/proc/meminfo", "Slab:") + proc_kib("/proc/meminfo", "VmallocUsed:");
}

/* A line of /proc/FILE that begins with `name', in KiB; 0 when there is none. */
static double proc_kib(const char *path, const char *name)
{
	FILE *file = fopen(path, "re");
	char line[LINE_MAX_BYTES];
	double value = 0;

	while (file && fgets(line, sizeof(line), file)) {
		if (strncmp(line, name, strlen(name)) == 0) {
			value = strtod(line + strlen(name), NULL);
			break;
		}
	}
	if (file) {
		fclose(file);
	}
	return value;
}

static void bench_count(bool quick, const char *dir)
{
	static const char *const columns[] = {"registered", "read_ns", "read_fixed_ns", "ratio",
					      NULL};
	static struct bench_table t;
	int fd = regbuf_open_file(dir, COUNT_FILE_BYTES, false);

	bench_begin(&t, "regbuf_count",
		    "Reading 4 KiB from the page cache into one buffer after the other: ns each",
		    columns);
	for (unsigned count = 64; count <= REGISTER_MAX; count *= quick ? 16 : 4) {
		count_row(&t, count, fd);
	}
	bench_end(&t);
	close(fd);
}

static void count_row(struct bench_table *t, unsigned count, int fd)
{
	double plain[REGBUF_ROUNDS], fixed[REGBUF_ROUNDS];
	unsigned ops = count > COUNT_OPS ? 1 : COUNT_OPS / count;
	struct regbuf r;
	int ret;

	regbuf_open(&r, count, COUNT_FILE_BYTES);
	ret = regbuf_register(&r, count);
	if (ret < 0) {
		regbuf_die("cannot register", -ret);
	}
	for (unsigned i = 0; i < REGBUF_ROUNDS; i++) {
		struct regbuf_work work = {.fd = fd, .bytes = COUNT_FILE_BYTES, .buffers = count};

		work.ops = ops;
		plain[i] = regbuf_files(&r, &work);
		work.fixed = true;
		fixed[i] = regbuf_files(&r, &work);
	}
	regbuf_unregister(&r);
	regbuf_close(&r);
	bench_cell(t, "%u", count);
	bench_cell(t, "%.0f", bench_median(plain, REGBUF_ROUNDS));
	bench_cell(t, "%.0f", bench_median(fixed, REGBUF_ROUNDS));
	bench_cell(t, "%.2f",
		   bench_median(fixed, REGBUF_ROUNDS) / bench_median(plain, REGBUF_ROUNDS));
}
