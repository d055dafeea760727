/* train.h - one future send: what it carries and how it leaves (steps 9 to 11).
 *
 * A train is datagrams of one output, equal in size but for the last, gathered by iovec straight
 * from the pool's slots and cut apart again by the kernel or the device (UDP_SEGMENT,
 * Documentation/networking/segmentation-offloads.rst). A train of one is an ordinary send. Each
 * train holds every slot it points into once more, until nobody reads them any more.
 * Shard thread only; sizes in payload bytes.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include "shard/limits.h"
#include "src/base/addr.h"

#define TRAIN_NONE UINT32_MAX

/* What must be equal for datagrams to share a train, beyond size and output. */
struct train_meta {
	int16_t ttl;     /* hop limit to send with, -1: the socket's */
	int16_t tos;     /* TOS byte to send with, -1: the socket's */
	struct addr src; /* family 0: the socket's */
};

/* Where the trains of an output go. */
struct train_path {
	struct sockaddr_storage name; /* destination, when not connected */
	socklen_t name_len;           /* 0: connected */
	uint16_t family;              /* of the destination */
	uint32_t ifindex;
};

struct train {
	struct msghdr msg;
	struct iovec iov[TRAIN_IOV_MAX];
	uint32_t slots[TRAIN_IOV_MAX]; /* held, one per iovec */
	unsigned char control[TRAIN_CONTROL_BYTES] __attribute__((aligned(8)));
	struct iovec one; /* the datagram sent now, while resending singly */
	struct train_meta meta;
	uint32_t iov_count;
	uint32_t datagrams;     /* 0: the train is free */
	uint32_t segment_bytes; /* of each but the last */
	uint32_t bytes;         /* in all */
	uint32_t output;
	uint32_t next;      /* in its output's queue, or in the free list */
	uint64_t seq;       /* order among its output's trains */
	uint32_t single_at; /* datagrams already resent singly */
	bool single;        /* being resent datagram by datagram */
	bool retried;       /* once, after a stale error of the socket */
	bool zerocopy;      /* sent so this time */
	bool copy;          /* was refused as zero-copy send: to be copied */
	bool doubtful;      /* a refusal would send it another way: nothing follows it until then */
	bool held;          /* sent and counted; the device still reads it */
};

/* Points `msg' at what is to be sent now, by `path': all of the train, or while it is resent singly
 * the datagram whose turn it is. Valid until the train is changed. */
void train_build_message(struct train *t, const struct train_path *path);

/* Bytes of the datagram that is sent now, while resending singly. */
uint32_t train_single_bytes(const struct train *t);
