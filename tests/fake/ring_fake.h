/* ring_fake.h - an engine behind shard/ring.h that does what a test tells it.
 *
 * No kernel: datagrams come from fake_deliver, sends go into a record. By default it behaves well
 * - a turn hands over what was delivered, carries out what was queued, answers in order - and each
 * function below makes it misbehave in one of the ways a kernel may:
 *
 *     receives   starve (no slot lent), end with or without a datagram, end by error,
 *                take turns to be cancelled
 *     sends      fail by any errno, chosen by count or by a function; are answered late, one by
 *                one, or in reverse
 *     zero copy  (with params.zerocopy) keeps memory for as long as the test likes, or copies
 *     turns      fail
 *
 * Like a socket, a flow keeps what was delivered to it while it is not armed or has no slot; or the
 * test has sockets of its own, which the flows are fed from (fake_feed_from). A turn
 * never sleeps: the wait that was asked for is recorded instead. The fake aborts by must() when
 * the caller breaks the contract of ring.h: an unknown file, a token in flight twice, a message
 * changed before its answer. For one thread; memory comes from malloc.
 *
 *     struct ring *ring = fake_open(&params);
 *     ... ring_lend, ring_arm_recv ...
 *     fake_deliver(ring, 0, &(struct fake_datagram){.payload = "abc", .payload_bytes = 3});
 *     relay_turn(&relay);
 *     ck_assert_mem_eq(fake_send_at(ring, 0)->payload, "abc", 3);
 *     ring_close(ring);
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include "shard/ring.h"

#define FAKE_SENDS_MAX 65536     /* recorded in all */
#define FAKE_SUCCESS   INT32_MAX /* an answer: the bytes of the message */

/* What arrives. All zero but the payload is a plain datagram from nobody. */
struct fake_datagram {
	const void *payload;
	size_t payload_bytes;
	size_t real_bytes;            /* longer than the payload: it arrives cut, with MSG_TRUNC */
	struct sockaddr_storage from; /* family 0: no name */
	int ttl;           /* above 0: as IP_TTL or IPV6_HOPLIMIT, by the family of `from' */
	int tos;           /* above 0: as IP_TOS or IPV6_TCLASS */
	uint64_t stamp_ns; /* above 0: as SCM_TIMESTAMPNS */
	int gro_segment;   /* above 0: as UDP_GRO, a train of segments of that size */
	bool control_cut;  /* MSG_CTRUNC */
	bool ends;         /* the receive ends with it, as by a zero-length datagram */
};

/* What was sent: copies, made when it was queued. */
struct fake_send {
	uint32_t token;
	uint32_t file;
	int fd;      /* that the file was added with */
	int32_t res; /* the answer, once given */
	bool answered;
	unsigned char *payload; /* all iovecs, joined */
	size_t payload_bytes;
	size_t iov_count;
	unsigned char control[256];
	size_t control_bytes;
	struct sockaddr_storage name;
	socklen_t name_bytes;
	uint16_t segment_bytes;   /* of its UDP_SEGMENT, or 0 */
	uint32_t turn;            /* turns before it was queued */
	bool zerocopy;            /* by ring_queue_send_zc */
	bool held;                /* answered so, and the memory not given back yet */
	int buffer;               /* the area named, or -1 */
	const struct msghdr *msg; /* what was queued; the caller's again once answered */
};

/* Decides the answer to a send: FAKE_SUCCESS or -errno. */
typedef int32_t fake_decide_fn(void *context, const struct fake_send *send);

/* Opens a fake for `params', which are checked as ring_open checks them; ring_close frees it. */
struct ring *fake_open(const struct ring_params *params);

/* ---- receives ---- */

/* Queues a copy for `flow'; it arrives in the next turn in which the flow is armed. */
void fake_deliver(struct ring *ring, uint32_t flow, const struct fake_datagram *datagram);

/* Datagrams of `flow' not yet handed over. */
uint32_t fake_undelivered(const struct ring *ring, uint32_t flow);

/* What a feed's sockets hold. With `out' NULL: whether a datagram waits in `fd'. Else there is one,
 * and it is taken; `room' bytes of payload fit the slot that it goes to. The payload stays as it is
 * until the next call. */
typedef bool fake_feed_fn(void *context, int fd, size_t room, struct fake_datagram *out);

/* Flows receive from the sockets of the test, and of what was delivered before that first. */
void fake_feed_from(struct ring *ring, fake_feed_fn *feed, void *context);

/* In the next turn the receive of `flow' ends with -errno `res', before any datagram. */
void fake_end_recv(struct ring *ring, uint32_t flow, int32_t res);

/* Hands over at most so many datagrams of a flow in a turn; 0: all. */
void fake_limit_burst(struct ring *ring, uint32_t count);

/* A cancelled receive ends so many turns later than it might. It goes on receiving until then. */
void fake_delay_cancel(struct ring *ring, uint32_t turns);

/* A completion that comes too late: one event with a slot of `group' and a token that no receive is
 * armed with, as if the last holder of the flow had left something behind. */
void fake_late_recv(struct ring *ring, unsigned group, uint32_t token);

/* Slots of `group' that a datagram may come into. */
uint32_t fake_lent(const struct ring *ring, unsigned group);

bool fake_is_armed(const struct ring *ring, uint32_t flow);
uint32_t fake_flow_file(const struct ring *ring, uint32_t flow);
uint32_t fake_flow_group(const struct ring *ring, uint32_t flow);

/* ---- sends ---- */

/* The next `count' sends to `file' are answered with -errno `res'. Replaces an earlier wish. */
void fake_fail_sends(struct ring *ring, uint32_t file, int32_t res, uint32_t count);

/* Every send's answer is what `decide' returns; NULL: back to success. Comes after
 * fake_fail_sends. */
void fake_decide_sends(struct ring *ring, fake_decide_fn *decide, void *context);

/* While held, turns answer nothing but what fake_release lets go. */
void fake_hold_sends(struct ring *ring, bool hold);
void fake_release(struct ring *ring, uint32_t count);

/* A send is answered at the earliest by the turn so many after the first that could. */
void fake_delay_sends(struct ring *ring, uint32_t turns);

/* Turns answer the sends of different files last first (of one file always in order). */
void fake_reverse_answers(struct ring *ring, bool reverse);

/* Turns answer in an order that `seed' tells, but those of one file in order; and one turn in eight
 * leaves some for later, never all. 0: in order again. */
void fake_shuffle_answers(struct ring *ring, unsigned seed);

uint32_t fake_send_count(const struct ring *ring);
uint32_t fake_unanswered(const struct ring *ring);
const struct fake_send *fake_send_at(const struct ring *ring, uint32_t index);

/* Forgets the sends that are over, so that there is room for FAKE_SENDS_MAX more; those that are
 * not are numbered anew. */
void fake_forget_sends(struct ring *ring);

/* Memory of zero-copy sends comes back in the turn after their answer; while kept, only as
 * fake_return_memory lets go, oldest first. */
void fake_keep_memory(struct ring *ring, bool keep);
void fake_return_memory(struct ring *ring, uint32_t count);

/* Zero-copy sends whose memory is kept. */
uint32_t fake_held(const struct ring *ring);

/* Zero-copy sends from now on are said to have been copied. */
void fake_say_copied(struct ring *ring, bool copied);

/* ---- turns and files ---- */

uint32_t fake_turn_count(const struct ring *ring);
uint32_t fake_last_wait_us(const struct ring *ring);

/* The next turn returns -errno `res' and does nothing. */
void fake_fail_turn(struct ring *ring, int32_t res);

/* The same, but `turns' turns are made first. */
void fake_fail_turn_after(struct ring *ring, uint32_t turns, int32_t res);

/* The next turn says woken. */
void fake_wake(struct ring *ring);

/* What was last said of busy polling and taken, and how often it was said. */
uint32_t fake_busy_poll_us(const struct ring *ring);
uint32_t fake_busy_poll_count(const struct ring *ring);

/* From now on it is refused with -errno `res'; 0: taken. */
void fake_refuse_busy_poll(struct ring *ring, int32_t res);

/* The descriptor of a file, or -1. */
int fake_file_fd(const struct ring *ring, uint32_t file);
