/* regbuf_bench.h - what the files of regbuf_bench share; see regbuf_bench.c. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define REGBUF_BATCH  16 /* operations a submission */
#define REGBUF_ROUNDS 7  /* of which the median is taken */

struct io_uring; /* liburing's */

/* A ring and buffers that may be registered with it. */
struct regbuf {
	struct io_uring *io;
	unsigned char *memory;
	struct iovec *iovecs;
	unsigned count;
	size_t bytes; /* each */
};

/* What to do with a file: `ops' operations on each of the first `buffers' buffers, in turn. */
struct regbuf_work {
	int fd;
	size_t bytes; /* an operation */
	unsigned buffers;
	unsigned ops;
	bool write;
	bool fixed;
};

/* CPU time of this thread. */
uint64_t regbuf_cpu_ns(void);

/* Says why, and exits with 1. */
void regbuf_die(const char *what, int error);

/* Maps and populates; exits with 1 when it cannot. */
void regbuf_open(struct regbuf *r, unsigned count, size_t bytes);
void regbuf_close(struct regbuf *r);

/* The first `count' buffers; 0 or -errno. */
int regbuf_register(struct regbuf *r, unsigned count);
void regbuf_unregister(struct regbuf *r);

/* A new file of that size in `dir' that is already unlinked; -1 when `direct' I/O is impossible. */
int regbuf_open_file(const char *dir, size_t bytes, bool direct);

/* Carries out `work'; ns of CPU time an operation. */
double regbuf_files(struct regbuf *r, const struct regbuf_work *work);

/* The tables of regbuf_bench_io.c. */
void regbuf_bench_files(bool quick, const char *dir);
void regbuf_bench_sends(bool quick, const char *to);
