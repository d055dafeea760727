/* ring_bench_raw.c - the paced echo on bare liburing, for set-up flags that the engine does not
 * offer a choice of (DEFER_TASKRUN off); see ring_bench.c.
 *
 * One multishot receive into a ring of provided buffers, one send for each datagram from where it
 * lies, one submission per wait. A buffer goes back after the submission that sent from it, which
 * is when a send with MSG_DONTWAIT is over.
 */
#include <errno.h>
#include <liburing.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "bench/bench.h"
#include "bench/ring_bench.h"
#include "src/base/must.h"

#define RAW_SLOTS      64
#define RAW_SLOT_BYTES 512
#define RAW_HEAD_BYTES sizeof(struct io_uring_recvmsg_out)
#define RECV_DATA      1
#define SEND_DATA      2
#define WAIT_NS        (10 * NS_PER_MS)

struct raw {
	struct io_uring io;
	struct io_uring_buf_ring *buffers;
	struct echo_net net;
	unsigned char slots[RAW_SLOTS][RAW_SLOT_BYTES];
	unsigned used[RAW_SLOTS]; /* to be given back after the next submission */
	unsigned used_count;
	struct msghdr template;
	uint64_t received, failed, calls, turns;
};

static struct raw raw;

static bool open_raw(struct raw *r, unsigned flags);
static void raw_turn(struct raw *r);
static void give_back(struct raw *r, unsigned slot, unsigned offset);
static void take(struct raw *r, const struct io_uring_cqe *cqe);
static void arm(struct raw *r);
static void close_raw(struct raw *r);

bool raw_paced(unsigned flags, double rate, double seconds, struct echo_cost *out)
{
	struct feeder *feeder;
	uint64_t cpu_ns, switches, before, fed;

	*out = (struct echo_cost){0};
	if (!open_raw(&raw, flags)) {
		return false;
	}
	latency_reset();
	feeder = feeder_start(raw.net.feed, rate, seconds);
	switches = bench_switches();
	cpu_ns = bench_cpu_ns();
	while (!feeder_done(feeder)) {
		raw_turn(&raw);
	}
	out->cpu_ns = (double)(bench_cpu_ns() - cpu_ns);
	out->switches = (double)(bench_switches() - switches);
	out->events = 2 * (double)raw.received;
	out->calls = (double)raw.calls;
	out->turns = (double)raw.turns;
	fed = feeder_stop(feeder);
	do {
		before = raw.received;
		raw_turn(&raw);
	} while (raw.received != before);
	out->lost = (double)(fed - raw.received + raw.failed);
	out->p50_us = latency_p50_us();
	close_raw(&raw);
	return true;
}

static bool open_raw(struct raw *r, unsigned flags)
{
	struct io_uring_buf_reg reg = {.ring_entries = RAW_SLOTS};
	int ret;

	memset(r, 0, sizeof(*r));
	ret = io_uring_queue_init(256, &r->io, flags);
	if (ret < 0) {
		return false;
	}
	r->buffers = mmap(NULL, RAW_SLOTS * sizeof(struct io_uring_buf), PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	must(r->buffers != MAP_FAILED);
	reg.ring_addr = (uint64_t)(uintptr_t)r->buffers;
	ret = io_uring_register_buf_ring(&r->io, &reg, 0);
	if (ret < 0) {
		ring_bench_die("cannot register buffers", -ret);
	}
	for (unsigned i = 0; i < RAW_SLOTS; i++) {
		give_back(r, i, i);
	}
	io_uring_buf_ring_advance(r->buffers, RAW_SLOTS);
	echo_net_open(&r->net);
	arm(r);
	return true;
}

static void raw_turn(struct raw *r)
{
	struct __kernel_timespec ts = {.tv_nsec = WAIT_NS};
	unsigned wait_nr = r->used_count == RAW_SLOTS ? 0 : 1;
	struct io_uring_cqe *cqe;
	unsigned head;
	unsigned seen = 0;
	int ret = io_uring_submit_and_wait_timeout(&r->io, &cqe, wait_nr, &ts, NULL);

	r->calls++;
	r->turns++;
	if (ret < 0 && ret != -ETIME && ret != -EINTR) {
		ring_bench_die("cannot submit", -ret);
	}
	for (unsigned i = 0; i < r->used_count; i++) {
		give_back(r, r->used[i], i);
	}
	io_uring_buf_ring_advance(r->buffers, (int)r->used_count);
	r->used_count = 0;
	io_uring_for_each_cqe(&r->io, head, cqe)
	{
		take(r, cqe);
		seen++;
	}
	io_uring_cq_advance(&r->io, seen);
}

static void give_back(struct raw *r, unsigned slot, unsigned offset)
{
	io_uring_buf_ring_add(r->buffers, r->slots[slot], RAW_SLOT_BYTES, (unsigned short)slot,
			      io_uring_buf_ring_mask(RAW_SLOTS), (int)offset);
}

static void take(struct raw *r, const struct io_uring_cqe *cqe)
{
	if (cqe->user_data == SEND_DATA) {
		r->failed++; /* successes are silent */
		return;
	}
	if ((cqe->flags & IORING_CQE_F_BUFFER) != 0) {
		unsigned slot = cqe->flags >> IORING_CQE_BUFFER_SHIFT;
		struct io_uring_sqe *sqe = io_uring_get_sqe(&r->io);
		unsigned char *payload = r->slots[slot] + RAW_HEAD_BYTES;

		must(sqe != NULL);
		latency_note(payload);
		io_uring_prep_send(sqe, r->net.out, payload, (size_t)cqe->res - RAW_HEAD_BYTES,
				   MSG_DONTWAIT);
		sqe->flags |= IOSQE_CQE_SKIP_SUCCESS;
		sqe->user_data = SEND_DATA;
		r->used[r->used_count++] = slot;
		r->received++;
	}
	if ((cqe->flags & IORING_CQE_F_MORE) == 0) {
		arm(r);
	}
}

static void arm(struct raw *r)
{
	struct io_uring_sqe *sqe = io_uring_get_sqe(&r->io);

	must(sqe != NULL);
	io_uring_prep_recvmsg_multishot(sqe, r->net.in, &r->template, 0);
	sqe->flags |= IOSQE_BUFFER_SELECT;
	sqe->buf_group = 0;
	sqe->user_data = RECV_DATA;
}

static void close_raw(struct raw *r)
{
	io_uring_queue_exit(&r->io);
	munmap(r->buffers, RAW_SLOTS * sizeof(struct io_uring_buf));
	echo_net_close(&r->net);
}
