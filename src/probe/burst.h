/* burst.h - one burst of the sender: laid out, then handed to the kernel.
 *
 * struct sender belongs to the one thread of numacast-probe send; send.c opens it and keeps its
 * schedule, burst.c fills and sends. Units: datagrams, bytes of payload, nanoseconds.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include "src/probe/options.h"

#define PROBE_BURST_TRAIN_BYTES 65487 /* payload of a train at most; IPv4 alone allows 65507 */

struct send_flow {
	uint64_t next_seq;
	uint64_t shorts; /* sent without a number */
	uint64_t left;   /* datagrams it may still send */
};

struct dest {
	struct sockaddr_storage sa;
	socklen_t len;
};

/* One burst, laid out for sendmmsg: message i is a train of `trains[i].count' datagrams. */
struct batch {
	struct mmsghdr msgs[PROBE_BURST_MAX];
	struct {
		uint32_t sock, first, count; /* datagrams: indexes into headers and iovs / 2 */
		uint32_t size;               /* of each, bytes of payload */
	} trains[PROBE_BURST_MAX];
	struct iovec iovs[2 * PROBE_BURST_MAX];
	struct {
		unsigned char frame[42], probe[48]; /* the first with --frames (frames.h) */
	} headers[PROBE_BURST_MAX];
	union {
		char room[CMSG_SPACE(sizeof(uint16_t))];
		struct cmsghdr align;
	} control[PROBE_BURST_MAX];
	uint32_t msg_count, datagram_count;
};

struct sender {
	const struct probe_opt *opt;
	int *fds;            /* one for each of opt->flows */
	uint64_t open_count; /* of those */
	struct dest *dests;
	struct send_flow *flows; /* [sock * dest_count + dest] */
	uint32_t dest_count, flow_count;
	uint32_t cursor; /* the flow whose turn it is */
	uint32_t burst;  /* datagrams */
	uint32_t session, boot;
	uint32_t payload_max; /* of one packet on the way out: larger ones are fragmented */
	uint64_t random;      /* state of the size generator */
	uint64_t left;        /* datagrams */
	bool gso_refused;
	struct frames *frames; /* NULL: by UDP sockets */
	struct batch batch;
	/* the result */
	uint64_t sent, bytes, shorts, trains, retries, async_errors;
	uint64_t start_ns, stop_ns, slipped_ns;
};

/* Lays out the next burst: the flows in turn, one train each, until it holds sender->burst
 * datagrams or nothing is left to send. All carry the time `now_ns'. */
void probe_burst_fill(struct sender *sender, uint64_t now_ns);

/* Sends what was laid out, all of it, waiting for room where there is none. -errno when the kernel
 * refuses for good; sender->sent then says how many left. */
int probe_burst_send(struct sender *sender);

/* Sends the end marker of one flow; 0 or -errno. */
int probe_burst_mark(struct sender *sender, uint32_t flow_idx);
