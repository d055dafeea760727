/* burst.c - fills a burst with datagrams and trains, and sends it.
 *
 * Bodies are gathered from the pattern table by iovec; nothing but headers is written for each
 * datagram. Messages that follow each other on one socket share a sendmmsg. What the kernel refuses
 * for want of room is sent again, so that every number leaves the host. One thread: numacast-probe
 * send.
 */
#include "src/probe/burst.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <string.h>
#include <time.h>

#include "src/base/must.h"
#include "src/probe/frames.h"
#include "src/probe/run.h"

#define ASYNC_ERROR_MAX 1000 /* ICMP errors, one after the other, for one message */
#define ROOM_PAUSE_NS   100000

static void write_train(struct sender *sender, uint64_t now_ns);
static uint32_t draw_size(struct sender *sender);
static uint32_t train_length(const struct sender *sender, const struct send_flow *flow,
			     uint32_t size);
static void set_segment(struct msghdr *msg, void *control, uint32_t size);
static void write_datagram(struct sender *sender, uint32_t flow_idx, uint32_t size,
			   uint64_t now_ns);
static int send_run(struct sender *sender, uint32_t from, uint32_t until);
static bool refuses_trains(const struct sender *sender, uint32_t i, int error);
static int send_refused_train(struct sender *sender, uint32_t i, int error);
static int send_singles(struct sender *sender, uint32_t i);
static void count_sent(struct sender *sender, uint32_t i, uint32_t count);
static int weigh_error(struct sender *sender, int fd, int error, uint32_t *async_errors);
static void drain_errors(int fd);

void probe_burst_fill(struct sender *sender, uint64_t now_ns)
{
	struct batch *batch = &sender->batch;

	batch->msg_count = batch->datagram_count = 0;
	while (batch->datagram_count < sender->burst && sender->left > 0 &&
	       batch->datagram_count + sender->opt->train <= PROBE_BURST_MAX) {
		if (sender->flows[sender->cursor].left > 0) {
			write_train(sender, now_ns);
		}
		sender->cursor = sender->cursor + 1 < sender->flow_count ? sender->cursor + 1 : 0;
	}
}

int probe_burst_send(struct sender *sender)
{
	struct batch *batch = &sender->batch;
	uint32_t from = 0;
	int rc = 0;

	while (rc == 0 && from < batch->msg_count) {
		uint32_t until = from + 1;

		while (until < batch->msg_count &&
		       batch->trains[until].sock == batch->trains[from].sock) {
			until++;
		}
		rc = send_run(sender, from, until);
		from = until;
	}
	return rc;
}

int probe_burst_mark(struct sender *sender, uint32_t flow_idx)
{
	const struct send_flow *flow = &sender->flows[flow_idx];
	struct dest *dest = &sender->dests[flow_idx % sender->dest_count];
	int fd = sender->fds[flow_idx / sender->dest_count];
	unsigned char frame[FRAMES_HEADER_BYTES], header[PROBE_WIRE_HEADER_BYTES];
	struct iovec iov[] = {{frame, 0}, {header, sizeof(header)}};
	struct msghdr msg = {.msg_iov = iov, .msg_iovlen = 2};
	struct probe_wire wire = {.kind = PROBE_WIRE_END,
				  .clock = sender->opt->clock,
				  .session = sender->session,
				  .flow = flow_idx,
				  .seq = flow->next_seq,
				  .time_ns = flow->shorts,
				  .boot = sender->boot,
				  .size_bytes = sizeof(header)};
	uint32_t async_errors = 0;

	probe_wire_pack(&wire, header);
	if (sender->frames != NULL) {
		frames_head(sender, flow_idx, sizeof(header), frame);
		iov[0].iov_len = sizeof(frame);
	} else if (sender->dest_count > 1) {
		msg.msg_name = &dest->sa;
		msg.msg_namelen = dest->len;
	}
	while (sendmsg(fd, &msg, 0) < 0) {
		int rc = weigh_error(sender, fd, errno, &async_errors);

		if (rc != 0) {
			return rc;
		}
	}
	return 0;
}

/* Appends one train of the flow whose turn it is. */
static void write_train(struct sender *sender, uint64_t now_ns)
{
	struct batch *batch = &sender->batch;
	uint32_t flow_idx = sender->cursor;
	uint32_t i = batch->msg_count++;
	struct msghdr *msg = &batch->msgs[i].msg_hdr;
	struct dest *dest = &sender->dests[flow_idx % sender->dest_count];
	uint32_t size = draw_size(sender);
	uint32_t count = train_length(sender, &sender->flows[flow_idx], size);

	must(count > 0);
	batch->trains[i].sock = flow_idx / sender->dest_count;
	batch->trains[i].first = batch->datagram_count;
	batch->trains[i].count = count;
	batch->trains[i].size = size;
	memset(msg, 0, sizeof(*msg));
	msg->msg_iov = &batch->iovs[2 * (size_t)batch->datagram_count];
	msg->msg_iovlen = 2 * (size_t)count;
	if (sender->dest_count > 1 && sender->frames == NULL) {
		msg->msg_name = &dest->sa;
		msg->msg_namelen = dest->len;
	}
	if (count > 1) {
		set_segment(msg, batch->control[i].room, size);
		sender->trains++;
	}
	while (count-- > 0) {
		write_datagram(sender, flow_idx, size, now_ns);
	}
}

/* splitmix64 (public domain), scaled to the range without a bias that matters for 16 bits. */
static uint32_t draw_size(struct sender *sender)
{
	const struct probe_size *size = &sender->opt->size;
	uint64_t x = sender->random += 0x9e3779b97f4a7c15ULL;

	x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9ULL;
	x = (x ^ x >> 27) * 0x94d049bb133111ebULL;
	x ^= x >> 31;
	return (uint32_t)(size->min + ((x >> 32) * (size->max - size->min + 1) >> 32));
}

/* How many datagrams of `size' the next train of `flow' holds. */
static uint32_t train_length(const struct sender *sender, const struct send_flow *flow,
			     uint32_t size)
{
	uint64_t count = sender->opt->train;
	uint64_t fits = size == 0 ? 1 : PROBE_BURST_TRAIN_BYTES / size;

	if (sender->gso_refused || size > sender->payload_max || fits == 0) {
		count = 1;
	} else if (count > fits) {
		count = fits;
	}
	count = count < flow->left ? count : flow->left;
	return (uint32_t)(count < sender->left ? count : sender->left);
}

static void set_segment(struct msghdr *msg, void *control, uint32_t size)
{
	struct cmsghdr *cmsg;
	uint16_t segment = (uint16_t)size;

	msg->msg_control = control;
	msg->msg_controllen = CMSG_SPACE(sizeof(segment));
	cmsg = CMSG_FIRSTHDR(msg);
	cmsg->cmsg_level = SOL_UDP;
	cmsg->cmsg_type = UDP_SEGMENT;
	cmsg->cmsg_len = CMSG_LEN(sizeof(segment));
	memcpy(CMSG_DATA(cmsg), &segment, sizeof(segment));
}

static void write_datagram(struct sender *sender, uint32_t flow_idx, uint32_t size, uint64_t now_ns)
{
	struct batch *batch = &sender->batch;
	uint32_t at = batch->datagram_count++;
	struct send_flow *flow = &sender->flows[flow_idx];
	struct iovec *iov = &batch->iovs[2 * (size_t)at];
	struct probe_wire wire = {.kind = PROBE_WIRE_DATA,
				  .clock = sender->opt->clock,
				  .session = sender->session,
				  .flow = flow_idx,
				  .time_ns = now_ns,
				  .boot = sender->boot,
				  .size_bytes = size};

	flow->left--;
	sender->left--;
	if (size < PROBE_WIRE_HEADER_BYTES) {
		flow->shorts++;
		iov[0] = (struct iovec){(void *)probe_wire_short(), size};
		iov[1] = (struct iovec){NULL, 0};
		return;
	}
	wire.seq = flow->next_seq++;
	probe_wire_pack(&wire, batch->headers[at].probe);
	iov[0] = (struct iovec){batch->headers[at].probe, PROBE_WIRE_HEADER_BYTES};
	if (sender->frames != NULL) {
		frames_head(sender, flow_idx, size, batch->headers[at].frame);
		iov[0] = (struct iovec){&batch->headers[at],
					FRAMES_HEADER_BYTES + PROBE_WIRE_HEADER_BYTES};
	}
	iov[1] = (struct iovec){(void *)probe_wire_body(flow_idx, wire.seq),
				size - PROBE_WIRE_HEADER_BYTES};
}

/* Sends messages `from' up to `until', all of one socket. */
static int send_run(struct sender *sender, uint32_t from, uint32_t until)
{
	struct batch *batch = &sender->batch;
	int fd = sender->fds[batch->trains[from].sock];
	uint32_t async_errors = 0;

	while (from < until) {
		int done = sendmmsg(fd, &batch->msgs[from], until - from, 0);

		if (done > 0) {
			for (; done > 0; done--) {
				count_sent(sender, from, batch->trains[from].count);
				from++;
			}
			async_errors = 0;
			continue;
		}
		if (refuses_trains(sender, from, errno)) {
			int rc = send_refused_train(sender, from++, errno);

			if (rc != 0) {
				return rc;
			}
			continue;
		}
		done = weigh_error(sender, fd, errno, &async_errors);
		if (done != 0) {
			return done;
		}
	}
	return 0;
}

/* Whether the kernel or the path refuses trains as such. */
static bool refuses_trains(const struct sender *sender, uint32_t i, int error)
{
	return sender->batch.trains[i].count > 1 &&
	       (error == EINVAL || error == EIO || error == EMSGSIZE);
}

static int send_refused_train(struct sender *sender, uint32_t i, int error)
{
	if (!sender->gso_refused) {
		log_warn("numacast-probe: --gso %llu: a train of %u datagrams was refused: %s; "
			 "sending singles",
			 (unsigned long long)sender->opt->train, sender->batch.trains[i].count,
			 strerror(error));
		sender->gso_refused = true;
	}
	return send_singles(sender, i);
}

/* Sends the datagrams of train `i' one by one, after the kernel refused the train. */
static int send_singles(struct sender *sender, uint32_t i)
{
	struct batch *batch = &sender->batch;
	int fd = sender->fds[batch->trains[i].sock];
	uint32_t async_errors = 0;

	for (uint32_t k = 0; k < batch->trains[i].count; k++) {
		struct msghdr msg = batch->msgs[i].msg_hdr;

		msg.msg_iov = &batch->iovs[2 * (size_t)(batch->trains[i].first + k)];
		msg.msg_iovlen = 2;
		msg.msg_control = NULL;
		msg.msg_controllen = 0;
		while (sendmsg(fd, &msg, 0) < 0) {
			int rc = weigh_error(sender, fd, errno, &async_errors);

			if (rc != 0) {
				return rc;
			}
		}
		count_sent(sender, i, 1);
	}
	return 0;
}

/* So many datagrams of train `i'. */
static void count_sent(struct sender *sender, uint32_t i, uint32_t count)
{
	sender->sent += count;
	sender->bytes += (uint64_t)count * sender->batch.trains[i].size;
	if (sender->batch.trains[i].size < PROBE_WIRE_HEADER_BYTES) {
		sender->shorts += count;
	}
}

/* What to do about a message that failed with `error': 0 to try again, else -errno to give up. */
static int weigh_error(struct sender *sender, int fd, int error, uint32_t *async_errors)
{
	struct timespec pause = {0, ROOM_PAUSE_NS};

	switch (error) {
	case EINTR:
		return 0; /* the burst is short: let it end, so that the numbers are known */
	case EAGAIN:
	case ENOBUFS: /* the queueing discipline is full */
		sender->retries++;
		nanosleep(&pause, NULL);
		return probe_stop ? -EINTR : 0;
	case ECONNREFUSED: /* an ICMP error about an earlier datagram; this one did not leave */
	case EHOSTUNREACH:
	case ENETUNREACH:
		sender->async_errors++;
		drain_errors(fd);
		return ++*async_errors < ASYNC_ERROR_MAX && sender->sent > 0 ? 0 : -error;
	default:
		return -error;
	}
}

static void drain_errors(int fd)
{
	char byte;
	struct iovec iov = {&byte, 1};
	struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1};

	for (int i = 0; i < 64 && recvmsg(fd, &msg, MSG_ERRQUEUE | MSG_DONTWAIT) >= 0; i++) {
	}
}
