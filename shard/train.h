/* train.h - one future send: what it carries, how it leaves and what state it is in (steps 9 to
 * 11).
 *
 * A train is datagrams of one output, equal in size but for the last, gathered by iovec straight
 * from the pool's slots and cut apart again by the kernel or the device (UDP_SEGMENT,
 * Documentation/networking/segmentation-offloads.rst). A train of one is an ordinary send. Each
 * train holds every slot it points into once more, until it is free again.
 *
 *             append      flush         ring_turn
 *     FREE ---> OPEN ---> CLOSED ---> IN_FLIGHT ---> FREE    sent, or counted as dropped
 *                           ^            |  |
 *                           '------------'  '------> HELD ---> FREE
 *                          to be sent again          sent; the device still reads its slots
 *
 * When the ring has failed for good, trains that are OPEN, CLOSED or IN_FLIGHT become FREE at once.
 *
 * Beside its state a train has a way to leave, which it keeps while it is sent again. WHOLE is how
 * each begins. It becomes UNCOPIED for a send that lets the device read the slots; when that is
 * refused it is COPIED in its place, when it fails otherwise it is WHOLE again. One that is refused
 * as a train, WHOLE or COPIED, is sent in SINGLES from then on.
 * Shard thread only; sizes in payload bytes.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include "shard/limits.h"
#include "shard/udp_header.h"
#include "src/base/addr.h"
#include "src/base/must.h"

#define TRAIN_NONE UINT32_MAX

enum train_state {
	TRAIN_FREE,      /* holds no slot */
	TRAIN_OPEN,      /* datagrams are appended */
	TRAIN_CLOSED,    /* in its output's queue, complete */
	TRAIN_IN_FLIGHT, /* queued to the ring: exactly one answer comes */
	TRAIN_HELD,      /* sent and counted; the device still reads it */
};

enum train_way {
	TRAIN_WHOLE,    /* one send; the kernel copies the payload */
	TRAIN_UNCOPIED, /* one send, made without copying */
	TRAIN_COPIED,   /* one send, by copying, in place of an uncopied one that was refused */
	TRAIN_SINGLES,  /* one send a datagram, since it was refused as a train */
};

/* What must be equal for datagrams to share a train, beyond size and output. */
struct train_meta {
	int16_t ttl;     /* hop limit to send with, -1: the socket's */
	int16_t tos;     /* TOS byte to send with, -1: the socket's */
	struct addr src; /* family 0: the socket's; its port counts for a raw socket only */
};

/* Where the trains of an output go. */
struct train_path {
	struct sockaddr_storage name; /* destination, when not connected */
	socklen_t name_len;           /* 0: connected */
	uint16_t family;              /* of the destination */
	uint32_t ifindex;
	struct addr headed_to; /* of a raw socket, for which we write the UDP header; family 0: none
				* is written */
};

struct train {
	struct msghdr msg;
	struct iovec iov[TRAIN_IOV_MAX];
	uint32_t slots[TRAIN_IOV_MAX]; /* held, one per iovec */
	uint64_t ends[2]; /* where iovec n ends, as journal_place, by the last bit of n: only that
			   * of the last one is of interest */
	unsigned char control[TRAIN_CONTROL_BYTES] __attribute__((aligned(8)));
	struct iovec one; /* the datagram sent now, of one that leaves in singles */
	struct udp_header header;
	struct iovec headed[2]; /* `header' and the payload, to a raw socket */
	struct train_meta meta;
	uint32_t iov_count; /* its pieces: what is beyond is not the train's (journal.h) */
	uint32_t datagrams;
	uint32_t segment_bytes; /* of each but the last */
	uint32_t bytes;         /* in all */
	uint32_t output;        /* token of its place */
	uint32_t next;          /* in its queue, or in the free list */
	uint64_t stamp_ns;      /* when what is timed in it was received, by clock_wall_ns; 0:
				 * nothing is, or it was sent once */
	uint64_t seq;           /* order among its output's trains; set when it is closed */
	uint32_t single_at;     /* datagrams already sent as singles */
	uint8_t state;          /* enum train_state; changed by train_to only */
	uint8_t way;            /* enum train_way; changed by train_go only */
	uint8_t retries; /* how often what is sent now has met an ICMP error about something else */
};

/* Which state may follow which. */
static inline bool train_may_become(enum train_state from, enum train_state to)
{
	switch (to) {
	case TRAIN_FREE:
		return from != TRAIN_FREE;
	case TRAIN_OPEN:
		return from == TRAIN_FREE;
	case TRAIN_CLOSED:
		return from == TRAIN_OPEN || from == TRAIN_IN_FLIGHT;
	case TRAIN_IN_FLIGHT:
		return from == TRAIN_CLOSED;
	case TRAIN_HELD:
		return from == TRAIN_IN_FLIGHT;
	}
	return false;
}

/* Takes the train into `state'. */
static inline void train_to(struct train *t, enum train_state state)
{
	must(train_may_become((enum train_state)t->state, state));
	t->state = (uint8_t)state;
}

/* Which way may follow which. */
static inline bool train_may_go(enum train_way from, enum train_way to)
{
	switch (to) {
	case TRAIN_WHOLE:
	case TRAIN_COPIED:
		return from == TRAIN_UNCOPIED;
	case TRAIN_UNCOPIED:
		return from == TRAIN_WHOLE;
	case TRAIN_SINGLES:
		return from == TRAIN_WHOLE || from == TRAIN_COPIED;
	}
	return false;
}

/* The train leaves by another way from now on. */
static inline void train_go(struct train *t, enum train_way way)
{
	must(train_may_go((enum train_way)t->way, way));
	t->way = (uint8_t)way;
}

/* What the next send of the train carries, or the one in flight: all of it, or one datagram. */
static inline uint32_t train_send_datagrams(const struct train *t)
{
	return t->way == TRAIN_SINGLES ? 1 : t->datagrams;
}

static inline uint32_t train_send_bytes(const struct train *t)
{
	uint32_t left = t->bytes - t->single_at * t->segment_bytes;

	return t->way == TRAIN_SINGLES && left > t->segment_bytes ? t->segment_bytes : left;
}

/* The trains of one output, in order: one that is OPEN, and those that are CLOSED. */
struct train_queue {
	uint32_t open;        /* or TRAIN_NONE */
	uint32_t first, last; /* of the closed ones; `last' only while there is a first */
	uint64_t next_seq;
};

#define TRAIN_QUEUE_EMPTY ((struct train_queue){TRAIN_NONE, TRAIN_NONE, TRAIN_NONE, 0})

/* Closes the open train, if there is one: it becomes the last in the queue. */
void train_queue_close(struct train_queue *q, struct train *trains);

/* Takes the first closed train off the queue; there must be one. It stays CLOSED. */
uint32_t train_queue_take(struct train_queue *q, struct train *trains);

/* Puts a train that was in flight back where it stood: before every younger one. */
void train_queue_return(struct train_queue *q, struct train *trains, uint32_t idx);

/* Points `msg' at what the next send carries, by `path'. Valid until the train is changed. */
void train_build_message(struct train *t, const struct train_path *path);
