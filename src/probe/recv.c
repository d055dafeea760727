/* recv.c - receives many groups at once, accounts each datagram, and says when to stop.
 *
 * It judges what the relay sent. One socket for each group and port, all in one epoll; a ready
 * socket is read with recvmmsg, up to 64 datagrams (or trains) a call, and the time of arrival is
 * taken once after each call: the latency reported is until the datagram is in this process. One
 * thread. Units: datagrams, bytes of payload, nanoseconds.
 */
#include "src/probe/run.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <unistd.h>

#include "src/base/clock.h"
#include "src/base/must.h"
#include "src/probe/report.h"
#include "src/probe/tally.h"

#define BATCH         64u
#define EVENTS        64
#define SLOT_BYTES    65536u                       /* a whole train */
#define SLOT_STRIDE   (SLOT_BYTES + 4096 + 3 * 64) /* consecutive slots in different cache sets */
#define WAIT_SLICE_NS (200 * NS_PER_MS) /* the limits are looked at this often at least */
#define END_QUIET_NS  (200 * NS_PER_MS)
#define DRAIN_NS      (2 * NS_PER_S) /* at most, when the traffic never ceases */

struct receiver {
	const struct probe_opt *opt;
	int epoll_fd;
	int *fds;            /* one for each target */
	uint32_t open_count; /* of those */
	struct probe_tally tally;
	unsigned char *slots;
	struct mmsghdr msgs[BATCH];
	struct iovec iovs[BATCH];
	struct sockaddr_storage names[BATCH];
	union {
		char room[CMSG_SPACE(sizeof(int))];
		struct cmsghdr align;
	} control[BATCH];
	uint64_t ready_ns; /* all joined */
	uint64_t ctrunc_count, train_count;
};

static int receiver_open(struct receiver *receiver, struct err *err);
static int open_sockets(struct receiver *receiver, struct err *err);
static int say_ready(const struct probe_opt *opt, struct err *err);
static int receiver_loop(struct receiver *receiver, struct err *err);
static uint64_t stop_time(const struct receiver *receiver);
static int drain(struct receiver *receiver, struct err *err);
static void show_progress(const struct receiver *receiver, uint64_t now_ns);
static int wait_ms(uint64_t now_ns, uint64_t stop_ns);
static int read_socket(struct receiver *receiver, uint32_t sock_idx, struct err *err);
static void take_message(struct receiver *receiver, uint32_t sock_idx, uint32_t i,
			 const struct probe_now *now);
static uint32_t segment_of(struct receiver *receiver, struct msghdr *msg);
static int report(const struct receiver *receiver);
static void receiver_free(struct receiver *receiver);

int probe_recv(const struct probe_opt *opt)
{
	struct receiver *receiver = calloc(1, sizeof(*receiver));
	struct err err;
	int status = 1;
	int rc;

	if (receiver == NULL) {
		log_error("numacast-probe: out of memory");
		return 1;
	}
	receiver->opt = opt;
	receiver->epoll_fd = -1;
	rc = receiver_open(receiver, &err);
	if (rc == 0) {
		receiver->ready_ns = clock_now_ns();
		rc = say_ready(opt, &err);
	}
	if (rc == 0) {
		rc = receiver_loop(receiver, &err);
		status = report(receiver);
	}
	if (rc != 0) {
		log_error("numacast-probe: %s", err.text);
		status = 1;
	}
	receiver_free(receiver);
	return status;
}

static int receiver_open(struct receiver *receiver, struct err *err)
{
	uint32_t count = receiver->opt->targets.count;
	size_t slots_bytes = (size_t)BATCH * SLOT_STRIDE;

	receiver->fds = malloc(count * sizeof(receiver->fds[0]));
	if (receiver->fds == NULL ||
	    probe_tally_init(&receiver->tally, count, probe_run_boot()) != 0) {
		err_set(err, "out of memory for %u sockets", count);
		return -ENOMEM;
	}
	receiver->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (receiver->epoll_fd < 0) {
		int rc = -errno;

		err_set(err, "cannot watch sockets: %s", strerror(-rc));
		return rc;
	}
	receiver->tally.verify = !receiver->opt->no_verify;
	receiver->slots =
		mmap(NULL, slots_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (receiver->slots == MAP_FAILED) {
		receiver->slots = NULL;
		err_set(err, "out of memory for %zu bytes of receive buffers", slots_bytes);
		return -ENOMEM;
	}
	madvise(receiver->slots, slots_bytes,
		MADV_HUGEPAGE); /* fewer TLB misses; no matter if not */
	for (uint32_t i = 0; i < BATCH; i++) {
		struct msghdr *msg = &receiver->msgs[i].msg_hdr;

		receiver->iovs[i] =
			(struct iovec){receiver->slots + (size_t)i * SLOT_STRIDE, SLOT_BYTES};
		msg->msg_iov = &receiver->iovs[i];
		msg->msg_iovlen = 1;
		msg->msg_name = &receiver->names[i];
		msg->msg_namelen = sizeof(receiver->names[i]);
		msg->msg_control = receiver->control[i].room;
		msg->msg_controllen = sizeof(receiver->control[i].room);
	}
	return open_sockets(receiver, err);
}

static int open_sockets(struct receiver *receiver, struct err *err)
{
	const struct probe_targets *targets = &receiver->opt->targets;
	int rc = probe_sock_limit(targets->count, err);

	for (uint32_t i = 0; rc == 0 && i < targets->count; i++) {
		struct epoll_event event = {.events = EPOLLIN, .data.u32 = i};

		rc = probe_sock_open_recv(receiver->opt, &targets->list[i], &receiver->fds[i], err);
		receiver->open_count += rc == 0;
		if (rc == 0 &&
		    epoll_ctl(receiver->epoll_fd, EPOLL_CTL_ADD, receiver->fds[i], &event) != 0) {
			rc = -errno;
			err_set(err, "cannot watch a socket: %s", strerror(errno));
		}
	}
	return rc;
}

static int say_ready(const struct probe_opt *opt, struct err *err)
{
	static const char line[] = "ready\n";

	if (!opt->quiet) {
		fputs(line, stderr);
	}
	if (opt->ready_fd == PROBE_UNKNOWN) {
		return 0;
	}
	if (write((int)opt->ready_fd, line, sizeof(line) - 1) != sizeof(line) - 1) {
		err_set(err, "--ready-fd %llu: cannot write to it: %s",
			(unsigned long long)opt->ready_fd, strerror(errno));
		return -EIO;
	}
	if (opt->ready_fd > STDERR_FILENO) {
		close((int)opt->ready_fd);
	}
	return 0;
}

static int receiver_loop(struct receiver *receiver, struct err *err)
{
	const struct probe_opt *opt = receiver->opt;
	struct epoll_event events[EVENTS];
	int rc = 0;

	while (rc >= 0 && !probe_stop &&
	       (opt->count == 0 || receiver->tally.received_count < opt->count)) {
		uint64_t now_ns = clock_now_ns();
		uint64_t stop_ns = stop_time(receiver);
		int count;

		if (now_ns >= stop_ns) {
			probe_run_progress_wipe();
			return drain(receiver, err);
		}
		if (probe_run_progress_due(opt, now_ns)) {
			show_progress(receiver, now_ns);
		}
		count = epoll_wait(receiver->epoll_fd, events, EVENTS, wait_ms(now_ns, stop_ns));
		for (int i = 0; i < count && rc >= 0; i++) {
			rc = read_socket(receiver, events[i].data.u32, err);
		}
	}
	probe_run_progress_wipe();
	if (rc >= 0 && probe_stop) {
		rc = drain(receiver, err);
	}
	return rc < 0 ? rc : 0;
}

/* When the receiver has to stop at the latest, as far as is known now. */
static uint64_t stop_time(const struct receiver *receiver)
{
	const struct probe_opt *opt = receiver->opt;
	const struct probe_tally *tally = &receiver->tally;
	uint64_t stop_ns = UINT64_MAX;
	bool ended = opt->until_end && tally->flow_count > 0 &&
		     tally->ended_count == tally->flow_count &&
		     (opt->expect_flows == PROBE_UNKNOWN || tally->flow_count >= opt->expect_flows);

	if (opt->duration_ns != 0) {
		stop_ns = receiver->ready_ns + opt->duration_ns;
	}
	if (opt->idle_ns != 0 && tally->received_count > 0 &&
	    tally->last_ns + opt->idle_ns < stop_ns) {
		stop_ns = tally->last_ns + opt->idle_ns;
	}
	if (ended && tally->heard_ns + END_QUIET_NS < stop_ns) {
		stop_ns = tally->heard_ns + END_QUIET_NS;
	}
	return stop_ns;
}

/* Takes what the sockets already hold when the end comes from outside. */
static int drain(struct receiver *receiver, struct err *err)
{
	uint64_t until_ns = clock_now_ns() + DRAIN_NS;

	for (uint32_t i = 0; i < receiver->opt->targets.count; i++) {
		int count = (int)BATCH;

		while (count == (int)BATCH && clock_now_ns() < until_ns) {
			count = read_socket(receiver, i, err);
		}
		if (count < 0) {
			return count;
		}
	}
	return 0;
}

static void show_progress(const struct receiver *receiver, uint64_t now_ns)
{
	static uint64_t before_count;
	static uint64_t before_ns;
	const struct probe_tally *tally = &receiver->tally;
	struct probe_expect expect = {PROBE_UNKNOWN, PROBE_UNKNOWN, PROBE_UNKNOWN,
				      receiver->opt->late_start};
	struct probe_result sum;
	char line[160];

	probe_tally_sum(tally, &expect, &sum);
	snprintf(line, sizeof(line),
		 "%.0f s: %llu received, %.0f/s, %llu lost, %llu duplicated, %llu reordered",
		 (double)(now_ns - receiver->ready_ns) / (double)NS_PER_S,
		 (unsigned long long)tally->received_count,
		 before_ns == 0 ? 0.0
				: (double)(tally->received_count - before_count) *
					  (double)NS_PER_S / (double)(now_ns - before_ns),
		 (unsigned long long)sum.lost, (unsigned long long)sum.duplicated,
		 (unsigned long long)sum.reordered);
	probe_run_progress(line);
	before_count = tally->received_count;
	before_ns = now_ns;
}

/* Milliseconds to wait for a datagram, so that no limit is passed unseen; rounded up. */
static int wait_ms(uint64_t now_ns, uint64_t stop_ns)
{
	uint64_t left_ns = stop_ns - now_ns < WAIT_SLICE_NS ? stop_ns - now_ns : WAIT_SLICE_NS;

	return (int)((left_ns + NS_PER_MS - 1) / NS_PER_MS);
}

/* Reads one batch from a socket: how many messages there were, or -errno. */
static int read_socket(struct receiver *receiver, uint32_t sock_idx, struct err *err)
{
	int count = recvmmsg(receiver->fds[sock_idx], receiver->msgs, BATCH, MSG_DONTWAIT, NULL);
	struct probe_now now;

	if (count < 0) {
		if (errno == EAGAIN || errno == EINTR || errno == ECONNREFUSED) {
			return 0;
		}
		count = -errno;
		err_set(err, "cannot receive: %s", strerror(-count));
		return count;
	}
	now.mono_ns = clock_now_ns();
	now.real_ns = probe_run_realtime_ns();
	for (int i = 0; i < count; i++) {
		take_message(receiver, sock_idx, (uint32_t)i, &now);
	}
	return count;
}

static void take_message(struct receiver *receiver, uint32_t sock_idx, uint32_t i,
			 const struct probe_now *now)
{
	struct msghdr *msg = &receiver->msgs[i].msg_hdr;
	const unsigned char *data = receiver->iovs[i].iov_base;
	uint32_t len = receiver->msgs[i].msg_len;
	uint32_t segment = receiver->opt->gro ? segment_of(receiver, msg) : 0;
	struct addr source = {0};

	addr_from_sockaddr((const struct sockaddr *)&receiver->names[i], &source);
	msg->msg_namelen = sizeof(receiver->names[i]);
	msg->msg_controllen = sizeof(receiver->control[i].room);
	must((msg->msg_flags & MSG_TRUNC) == 0); /* a slot holds the largest datagram there is */
	receiver->train_count += segment > 0 && len > segment;
	while (segment > 0 && len > segment) {
		probe_tally_add(&receiver->tally, sock_idx, data, segment, &source, now);
		data += segment;
		len -= segment;
	}
	probe_tally_add(&receiver->tally, sock_idx, data, len, &source, now);
}

/* The size of the datagrams in a received train, or 0 when it is a single one. */
static uint32_t segment_of(struct receiver *receiver, struct msghdr *msg)
{
	if ((msg->msg_flags & MSG_CTRUNC) != 0) {
		receiver->ctrunc_count++;
	}
	for (struct cmsghdr *cmsg = CMSG_FIRSTHDR(msg); cmsg != NULL;
	     cmsg = CMSG_NXTHDR(msg, cmsg)) {
		if (cmsg->cmsg_level == SOL_UDP && cmsg->cmsg_type == UDP_GRO) {
			int size;

			memcpy(&size, CMSG_DATA(cmsg), sizeof(size));
			return size > 0 ? (uint32_t)size : 0;
		}
	}
	return 0;
}

static int report(const struct receiver *receiver)
{
	uint32_t count = receiver->opt->targets.count;
	uint32_t *drops = calloc(count, sizeof(drops[0]));
	struct probe_kernel kernel = {drops, receiver->ctrunc_count, receiver->train_count};
	int status;

	if (drops == NULL) {
		log_error("numacast-probe: out of memory");
		return 1;
	}
	for (uint32_t i = 0; i < count; i++) {
		drops[i] = probe_sock_drops(receiver->fds[i]);
	}
	status = probe_report(receiver->opt, &receiver->tally, &kernel);
	free(drops);
	return status;
}

static void receiver_free(struct receiver *receiver)
{
	for (uint32_t i = 0; i < receiver->open_count; i++) {
		close(receiver->fds[i]);
	}
	free(receiver->fds);
	if (receiver->epoll_fd >= 0) {
		close(receiver->epoll_fd);
	}
	if (receiver->slots != NULL) {
		munmap(receiver->slots, (size_t)BATCH * SLOT_STRIDE);
	}
	probe_tally_free(&receiver->tally);
	free(receiver);
}
