/* bench.c - tables, percentiles and the tick's length; see bench.h. */
#include "bench/bench.h"

#include <errno.h>
#include <sched.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <time.h>

#include "src/base/must.h"

#define CALIBRATE_NS     (50 * NS_PER_MS)
#define OVERHEAD_SAMPLES 10000
#define PATH_MAX_BYTES   4096

const char *bench_csv_dir;

static void print_text(const struct bench_table *t);
static int cell_width(const struct bench_table *t, unsigned column);
static void write_csv(const struct bench_table *t);
static int compare_doubles(const void *a, const void *b);
static void print_cpu(void);

void bench_begin(struct bench_table *t, const char *name, const char *title,
		 const char *const *columns)
{
	memset(t, 0, sizeof(*t));
	t->name = name;
	t->title = title;
	while (columns[t->column_count]) {
		must(t->column_count < BENCH_COLUMNS_MAX);
		t->columns[t->column_count] = columns[t->column_count];
		t->column_count++;
	}
}

void bench_cell(struct bench_table *t, const char *format, ...)
{
	va_list args;

	must(t->row_count < BENCH_ROWS_MAX);
	va_start(args, format);
	vsnprintf(t->cells[t->row_count][t->filled], BENCH_CELL_MAX, format, args);
	va_end(args);
	if (++t->filled == t->column_count) {
		t->filled = 0;
		t->row_count++;
	}
}

void bench_end(const struct bench_table *t)
{
	must(t->filled == 0);
	print_text(t);
	if (bench_csv_dir) {
		write_csv(t);
	}
}

double bench_percentile(double *values, size_t count, double share)
{
	size_t rank = (size_t)(share * (double)count);

	must(count > 0);
	qsort(values, count, sizeof(*values), compare_doubles);
	return values[rank < count ? rank : count - 1];
}

double bench_median(double *values, size_t count)
{
	return bench_percentile(values, count, 0.5);
}

void bench_print_host(const char *command)
{
	struct utsname host;
	time_t now = time(NULL);
	struct tm tm;
	char date[32];

	must(gmtime_r(&now, &tm) != NULL);
	strftime(date, sizeof(date), "%Y-%m-%d %H:%M UTC", &tm);
	must(uname(&host) == 0);
	printf("command  %s\ndate     %s\nkernel   %s %s\n", command, date, host.sysname,
	       host.release);
	print_cpu();
	printf("on cpu   %d\n", sched_getcpu());
}

double bench_tick_ns(void)
{
	uint64_t start_ns = clock_now_ns();
	uint64_t start = bench_ticks();
	uint64_t now_ns;

	do {
		now_ns = clock_now_ns();
	} while (now_ns - start_ns < CALIBRATE_NS);
	return (double)(now_ns - start_ns) / (double)(bench_ticks() - start);
}

uint64_t bench_tick_overhead(void)
{
	uint64_t least = UINT64_MAX;

	for (int i = 0; i < OVERHEAD_SAMPLES; i++) {
		uint64_t start = bench_ticks();
		uint64_t spent = bench_ticks() - start;

		least = spent < least ? spent : least;
	}
	return least;
}

static void print_text(const struct bench_table *t)
{
	printf("\n%s\n", t->title);
	for (unsigned c = 0; c < t->column_count; c++) {
		printf("%s%*s", c ? "  " : "", cell_width(t, c), t->columns[c]);
	}
	printf("\n");
	for (unsigned row = 0; row < t->row_count; row++) {
		for (unsigned c = 0; c < t->column_count; c++) {
			printf("%s%*s", c ? "  " : "", cell_width(t, c), t->cells[row][c]);
		}
		printf("\n");
	}
	fflush(stdout);
}

static int cell_width(const struct bench_table *t, unsigned column)
{
	size_t width = strlen(t->columns[column]);

	for (unsigned row = 0; row < t->row_count; row++) {
		size_t len = strlen(t->cells[row][column]);

		width = len > width ? len : width;
	}
	return (int)width;
}

static void write_csv(const struct bench_table *t)
{
	char path[PATH_MAX_BYTES];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s.csv", bench_csv_dir, t->name);
	file = fopen(path, "we");
	if (!file) {
		fprintf(stderr, "%s: cannot write: %s\n", path, strerror(errno));
		exit(EXIT_FAILURE);
	}
	for (unsigned c = 0; c < t->column_count; c++) {
		fprintf(file, "%s%s", c ? "," : "", t->columns[c]);
	}
	fputc('\n', file);
	for (unsigned row = 0; row < t->row_count; row++) {
		for (unsigned c = 0; c < t->column_count; c++) {
			fprintf(file, "%s%s", c ? "," : "", t->cells[row][c]);
		}
		fputc('\n', file);
	}
	if (fclose(file) != 0) {
		fprintf(stderr, "%s: cannot write: %s\n", path, strerror(errno));
		exit(EXIT_FAILURE);
	}
}

static int compare_doubles(const void *a, const void *b)
{
	double x = *(const double *)a;
	double y = *(const double *)b;

	return (x > y) - (x < y);
}

static void print_cpu(void)
{
	FILE *file = fopen("/proc/cpuinfo", "re");
	char line[256];

	while (file && fgets(line, sizeof(line), file)) {
		if (strncmp(line, "model name", 10) == 0 && strchr(line, ':')) {
			printf("cpu      %s", strchr(line, ':') + 2);
			break;
		}
	}
	if (file) {
		fclose(file);
	}
}
