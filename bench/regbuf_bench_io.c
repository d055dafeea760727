/* regbuf_bench_io.c - files and sends, with registered buffers and without; see regbuf_bench.c. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <liburing.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "bench/bench.h"
#include "bench/regbuf_bench.h"
#include "src/base/must.h"

#ifndef IORING_SEND_ZC_REPORT_USAGE
#define IORING_SEND_ZC_REPORT_USAGE (1U << 3) /* since Linux 6.2 */
#endif
#ifndef IORING_NOTIF_USAGE_ZC_COPIED
#define IORING_NOTIF_USAGE_ZC_COPIED (1U << 31)
#endif

#define FILE_BUFFERS  16
#define OPS_MAX       10000
#define PATH_BYTES    4096
#define DISCARD_PORT  9
#define SEGMENT_BYTES 1316
#define SINK_BYTES    4096 /* of receive buffer: nearly everything is dropped there */

struct file_case {
	const char *name;
	size_t bytes;
	bool write;
	bool direct;
};

enum send_kind {
	SEND_PLAIN,
	SEND_ZC,
	SEND_ZC_FIXED,
	SEND_KINDS,
};

struct sender {
	struct regbuf r;
	int fd;
	int sink; /* -1: the destination is elsewhere */
	unsigned copied;
	unsigned notified;
};

static void prep_file_op(struct regbuf *r, const struct regbuf_work *w, unsigned buffer);
static void finish(struct regbuf *r, unsigned count);
static void file_row(struct bench_table *t, const struct file_case *c, int fd, unsigned ops);
static double registered_ns(struct regbuf *r, struct regbuf_work *w);
static void open_sockets(struct sender *s, const char *to);
static void send_row(struct bench_table *t, struct sender *s, unsigned bytes, unsigned sends);
static double send_many(struct sender *s, enum send_kind kind, unsigned bytes, unsigned sends);
static void prep_send(struct sender *s, enum send_kind kind, unsigned buffer, unsigned bytes);
static void finish_sends(struct sender *s, unsigned count);

int regbuf_open_file(const char *dir, size_t bytes, bool direct)
{
	char path[PATH_BYTES];
	void *page;
	int fd;

	snprintf(path, sizeof(path), "%s/numacast-bench-%d", dir, (int)getpid());
	fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | (direct ? O_DIRECT : 0), 0600);
	if (fd < 0) {
		if (direct && errno == EINVAL) {
			unlink(path);
			return -1;
		}
		regbuf_die(path, errno);
	}
	unlink(path);
	page = aligned_alloc(4096, bytes);
	must(page != NULL);
	memset(page, 'n', bytes);
	if (pwrite(fd, page, bytes, 0) != (ssize_t)bytes) {
		regbuf_die(path, errno);
	}
	free(page);
	return fd;
}

double regbuf_files(struct regbuf *r, const struct regbuf_work *w)
{
	uint64_t start = regbuf_cpu_ns();
	unsigned total = w->ops * w->buffers;

	for (unsigned done = 0; done < total;) {
		unsigned batch = total - done < REGBUF_BATCH ? total - done : REGBUF_BATCH;

		for (unsigned i = 0; i < batch; i++) {
			prep_file_op(r, w, (done + i) % w->buffers);
		}
		finish(r, batch);
		done += batch;
	}
	return (double)(regbuf_cpu_ns() - start) / total;
}

void regbuf_bench_files(bool quick, const char *dir)
{
	static const struct file_case cases[] = {
		{"read", 4096, false, false},       {"read", 65536, false, false},
		{"write", 4096, true, false},       {"write", 65536, true, false},
		{"read direct", 4096, false, true}, {"read direct", 65536, false, true},
		{"write direct", 4096, true, true}, {"write direct", 65536, true, true},
	};
	static const char *const columns[] = {"file",  "bytes", "ops_per_buffer", "ns", "fixed_ns",
					      "ratio", NULL};
	static struct bench_table t;

	bench_begin(&t, "regbuf_files",
		    "Whole files: ns of CPU an operation, without and with registered buffers, "
		    "registering included",
		    columns);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		int fd = regbuf_open_file(dir, cases[i].bytes, cases[i].direct);
		unsigned most = cases[i].direct || quick ? 1000 : OPS_MAX;

		for (unsigned ops = 1; fd >= 0 && ops <= most; ops *= quick ? 100 : 10) {
			file_row(&t, &cases[i], fd, ops);
		}
		if (fd < 0) {
			printf("%s: no direct I/O there\n", dir);
			break;
		}
		close(fd);
	}
	bench_end(&t);
}

void regbuf_bench_sends(bool quick, const char *to)
{
	static const unsigned sizes[] = {64, 1316, 5264, 13160, 26320, 52640};
	static const char *const columns[] = {"bytes",       "datagrams", "send_ns",  "zc_ns",
					      "zc_fixed_ns", "ratio",     "copied_%", NULL};
	static struct bench_table t;
	struct sender s = {0};
	char title[128];
	int ret;

	regbuf_open(&s.r, REGBUF_BATCH, 65536);
	ret = regbuf_register(&s.r, REGBUF_BATCH);
	if (ret < 0) {
		regbuf_die("cannot register", -ret);
	}
	open_sockets(&s, to);
	snprintf(title, sizeof(title),
		 "Sends to %s%s: ns of CPU each, plain, zero-copy, zero-copy from registered", to,
		 s.sink >= 0 ? " (this host)" : "");
	bench_begin(&t, s.sink >= 0 ? "regbuf_sends" : "regbuf_sends_away", title, columns);
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		send_row(&t, &s, sizes[i], quick ? 512 : 4096);
	}
	bench_end(&t);
	close(s.fd);
	if (s.sink >= 0) {
		close(s.sink);
	}
	regbuf_unregister(&s.r);
	regbuf_close(&s.r);
}

static void prep_file_op(struct regbuf *r, const struct regbuf_work *w, unsigned buffer)
{
	struct io_uring_sqe *sqe = io_uring_get_sqe(r->io);
	void *at = r->iovecs[buffer].iov_base;
	unsigned bytes = (unsigned)w->bytes;

	must(sqe != NULL);
	if (w->fixed && w->write) {
		io_uring_prep_write_fixed(sqe, w->fd, at, bytes, 0, (int)buffer);
	} else if (w->fixed) {
		io_uring_prep_read_fixed(sqe, w->fd, at, bytes, 0, (int)buffer);
	} else if (w->write) {
		io_uring_prep_write(sqe, w->fd, at, bytes, 0);
	} else {
		io_uring_prep_read(sqe, w->fd, at, bytes, 0);
	}
	sqe->user_data = w->bytes;
}

/* Submits what is prepared and takes as many completions; each must have done its whole. */
static void finish(struct regbuf *r, unsigned count)
{
	struct io_uring_cqe *cqe;
	unsigned head;
	unsigned taken = 0;

	while (taken < count) {
		unsigned seen = 0;
		int ret = io_uring_submit_and_wait(r->io, count - taken);

		if (ret < 0 && ret != -EINTR) {
			regbuf_die("cannot submit", -ret);
		}
		io_uring_for_each_cqe(r->io, head, cqe)
		{
			if (cqe->res != (int)cqe->user_data) {
				regbuf_die("an operation failed", cqe->res < 0 ? -cqe->res : EIO);
			}
			seen++;
		}
		io_uring_cq_advance(r->io, seen);
		taken += seen;
	}
}

static void file_row(struct bench_table *t, const struct file_case *c, int fd, unsigned ops)
{
	struct regbuf_work w = {.fd = fd, .bytes = c->bytes, .write = c->write, .ops = ops};
	double plain[REGBUF_ROUNDS], fixed[REGBUF_ROUNDS], ratio[REGBUF_ROUNDS];
	unsigned rounds = ops >= OPS_MAX || c->direct ? 3 : REGBUF_ROUNDS;
	struct regbuf r;

	w.buffers = ops >= 1000 || c->direct ? 2 : FILE_BUFFERS;
	regbuf_open(&r, FILE_BUFFERS, c->bytes);
	(void)regbuf_files(&r, &w);
	for (unsigned i = 0; i < rounds; i++) {
		plain[i] = regbuf_files(&r, &w);
		fixed[i] = registered_ns(&r, &w);
		ratio[i] = fixed[i] / plain[i];
	}
	regbuf_close(&r);
	bench_cell(t, "%s", c->name);
	bench_cell(t, "%zu", c->bytes);
	bench_cell(t, "%u", ops);
	bench_cell(t, "%.0f", bench_median(plain, rounds));
	bench_cell(t, "%.0f", bench_median(fixed, rounds));
	bench_cell(t, "%.2f", bench_median(ratio, rounds));
}

/* Registration belongs to the price, once for each buffer: that is what few operations pay for. */
static double registered_ns(struct regbuf *r, struct regbuf_work *w)
{
	uint64_t start = regbuf_cpu_ns();
	unsigned total = w->ops * w->buffers;
	int ret = regbuf_register(r, w->buffers);

	if (ret < 0) {
		regbuf_die("cannot register", -ret);
	}
	w->fixed = true;
	(void)regbuf_files(r, w);
	regbuf_unregister(r);
	w->fixed = false;
	return (double)(regbuf_cpu_ns() - start) / total;
}

static void open_sockets(struct sender *s, const char *to)
{
	struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(DISCARD_PORT)};
	int bytes = SINK_BYTES;

	if (inet_pton(AF_INET, to, &at.sin_addr) != 1) {
		fprintf(stderr, "regbuf_bench: --to %s: expected an IPv4 address\n", to);
		exit(2);
	}
	s->sink = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	must(s->sink >= 0);
	must(setsockopt(s->sink, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof(bytes)) == 0);
	if (IN_MULTICAST(ntohl(at.sin_addr.s_addr)) ||
	    bind(s->sink, (struct sockaddr *)&at, sizeof(at)) < 0) {
		close(s->sink); /* not this host's address */
		s->sink = -1;
	}
	s->fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (s->fd < 0 || connect(s->fd, (struct sockaddr *)&at, sizeof(at)) < 0) {
		regbuf_die(to, errno);
	}
}

static void send_row(struct bench_table *t, struct sender *s, unsigned bytes, unsigned sends)
{
	double ns[SEND_KINDS][REGBUF_ROUNDS];
	int segment = bytes > SEGMENT_BYTES ? SEGMENT_BYTES : 0;

	must(setsockopt(s->fd, IPPROTO_UDP, UDP_SEGMENT, &segment, sizeof(segment)) == 0);
	s->copied = s->notified = 0;
	for (unsigned i = 0; i < REGBUF_ROUNDS; i++) {
		for (unsigned kind = 0; kind < SEND_KINDS; kind++) {
			ns[kind][i] = send_many(s, (enum send_kind)kind, bytes, sends);
		}
	}
	bench_cell(t, "%u", bytes);
	bench_cell(t, "%u", segment ? (bytes + (unsigned)segment - 1) / (unsigned)segment : 1);
	for (unsigned kind = 0; kind < SEND_KINDS; kind++) {
		bench_cell(t, "%.0f", bench_median(ns[kind], REGBUF_ROUNDS));
	}
	bench_cell(t, "%.2f",
		   bench_median(ns[SEND_ZC_FIXED], REGBUF_ROUNDS) /
			   bench_median(ns[SEND_PLAIN], REGBUF_ROUNDS));
	bench_cell(t, "%.0f", s->notified ? 100.0 * s->copied / s->notified : 0.0);
}

static double send_many(struct sender *s, enum send_kind kind, unsigned bytes, unsigned sends)
{
	uint64_t start = regbuf_cpu_ns();

	for (unsigned done = 0; done < sends; done += REGBUF_BATCH) {
		for (unsigned i = 0; i < REGBUF_BATCH; i++) {
			prep_send(s, kind, i, bytes);
		}
		finish_sends(s, REGBUF_BATCH);
	}
	return (double)(regbuf_cpu_ns() - start) / sends;
}

static void prep_send(struct sender *s, enum send_kind kind, unsigned buffer, unsigned bytes)
{
	struct io_uring_sqe *sqe = io_uring_get_sqe(s->r.io);
	const void *at = s->r.iovecs[buffer].iov_base;

	must(sqe != NULL);
	if (kind == SEND_PLAIN) {
		io_uring_prep_send(sqe, s->fd, at, bytes, 0);
	} else if (kind == SEND_ZC) {
		io_uring_prep_send_zc(sqe, s->fd, at, bytes, 0, IORING_SEND_ZC_REPORT_USAGE);
	} else {
		io_uring_prep_send_zc_fixed(sqe, s->fd, at, bytes, 0, IORING_SEND_ZC_REPORT_USAGE,
					    buffer);
	}
	sqe->user_data = bytes;
}

/* Waits for the results of `count' sends and for all notifications that they announced. */
static void finish_sends(struct sender *s, unsigned count)
{
	unsigned awaited = count;

	while (awaited > 0) {
		struct io_uring_cqe *cqe;
		unsigned head;
		unsigned seen = 0;
		int ret = io_uring_submit_and_wait(s->r.io, 1);

		if (ret < 0 && ret != -EINTR) {
			regbuf_die("cannot submit", -ret);
		}
		io_uring_for_each_cqe(s->r.io, head, cqe)
		{
			if ((cqe->flags & IORING_CQE_F_NOTIF) != 0) {
				s->notified++;
				s->copied +=
					((unsigned)cqe->res & IORING_NOTIF_USAGE_ZC_COPIED) != 0;
			} else if (cqe->res < 0 && cqe->res != -ECONNREFUSED) {
				regbuf_die("a send failed", -cqe->res);
			}
			awaited += (cqe->flags & IORING_CQE_F_MORE) != 0;
			awaited--;
			seen++;
		}
		io_uring_cq_advance(s->r.io, seen);
	}
}
