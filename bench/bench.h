/* bench.h - what every bench program needs: time, percentiles, and tables as text and as CSV.
 *
 * A table is begun with its columns, filled row by row, and ended; it is printed aligned, and with
 * bench_csv_dir set also written to DIR/NAME.csv. Cells are text, so that a value that does not
 * exist here ("n/a") is said and not zero. One thread. Times in nanoseconds.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "src/base/clock.h"

#define BENCH_COLUMNS_MAX 16
#define BENCH_ROWS_MAX    64
#define BENCH_CELL_MAX    32

struct bench_table {
	const char *name;  /* of the CSV file */
	const char *title; /* one line that says what was measured, units included */
	const char *columns[BENCH_COLUMNS_MAX];
	unsigned column_count;
	unsigned row_count;
	unsigned filled; /* cells of the current row */
	char cells[BENCH_ROWS_MAX][BENCH_COLUMNS_MAX][BENCH_CELL_MAX];
};

/* Where CSV files go; NULL: none are written. */
extern const char *bench_csv_dir;

/* `columns' ends with NULL. */
void bench_begin(struct bench_table *t, const char *name, const char *title,
		 const char *const *columns);

/* Adds a cell; the row is complete when every column has one. */
void bench_cell(struct bench_table *t, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* Prints the table and writes its file; exits with 1 when the file cannot be written. */
void bench_end(const struct bench_table *t);

/* Sorts `values' and returns the value that `share' (0..1) of them do not exceed. */
double bench_percentile(double *values, size_t count, double share);
double bench_median(double *values, size_t count);

/* Keeps `value' and all memory in being, for the compiler's eyes only. */
#define bench_keep(value) __asm__ volatile("" : "+r"(value) : : "memory")

/* The same for a pointer that must be seen to stay what it is. */
#define bench_show(pointer) __asm__ volatile("" : : "r"(pointer) : "memory")

/* Date, machine, kernel, CPU in use: the first lines of a report. */
void bench_print_host(const char *command);

/* A counter of single operations: the processor's own where it has one that can be read without a
 * system call, else nanoseconds. Reading it waits for what came before. */
static inline uint64_t bench_ticks(void)
{
#if defined(__x86_64__)
	uint32_t low;
	uint32_t high;

	__asm__ volatile("lfence\n\trdtsc\n\tlfence" : "=a"(low), "=d"(high) : : "memory");
	return (uint64_t)high << 32 | low;
#else
	return clock_now_ns();
#endif
}

/* Nanoseconds a tick lasts, and what two readings in a row cost (the least seen), in ticks. */
double bench_tick_ns(void);
uint64_t bench_tick_overhead(void);
