/* uring.h - what the seven files of the io_uring engine share; nobody else includes it.
 *
 *     ring/uring_probe.c  tries whether io_uring can be used
 *     ring/uring_setup.c  opens, closes
 *     ring/uring_restrict.c  limits what the ring may be used for
 *     ring/uring.c        queues operations: lend, arm, cancel, send (steps 4, 10)
 *     ring/uring_zc.c     queues and answers zero-copy sends (steps 10, 11)
 *     ring/uring_turn.c   submits, waits, reaps (step 5)
 *     ring/uring_salvage.c  reads what is left of a ring whose thread was killed
 *
 * It breaks the rule of no third-party type in a header: it is the inside of one engine, cut in
 * seven so that each file stays readable.
 */
#pragma once

#include <liburing.h>
#include <stdbool.h>
#include <stdint.h>

#include "shard/ring/engine.h"
#include "shard/ring/compat.h"

/* user_data of a request: what it is in the high half, its token in the low half. */
enum uring_kind {
	URING_RECV = 1, /* token: that of the flow */
	URING_SEND,     /* token: the relay's */
	URING_SEND_ZC,  /* the same */
	URING_CANCEL,   /* of a receive; its own completion says nothing */
	URING_WAKE,     /* poll of the wake eventfd */
};

static inline uint64_t uring_user_data(enum uring_kind kind, uint32_t token)
{
	return (uint64_t)kind << 32 | token;
}

struct uring_file {
	int fd;       /* -1: not in use */
	bool fixed;   /* in the ring's file table, at its own number */
	bool refused; /* the table would not take it: its sends name the descriptor */
};

/* The kernel takes from the head, which it keeps to itself; it takes in order, so while it does not
 * receive the slots it has are the last `unfilled' (struct ring) entries before `tail'. */
struct uring_buffers {
	struct io_uring_buf_ring *entries; /* NULL: group unused */
	bool registered;
	uint32_t mask;
	uint32_t slot_bytes;
	uint16_t tail;      /* ours; free-running as the kernel's copy */
	uint16_t published; /* the kernel's copy */
};

#define URING_NO_RESULT INT32_MIN /* no errno, no length */

/* A send that is not yet answered. */
struct uring_pending {
	uint32_t token;
	uint32_t sqe; /* its running number in the submission queue */
};

struct uring {
	struct ring base;
	struct io_uring io;
	int enter_fd;         /* the ring's descriptor, or its number in the task's table */
	unsigned enter_flags; /* IORING_ENTER_REGISTERED_RING with the latter */
	bool io_open;
	bool ring_registered;
	bool files_registered; /* a sparse table of table_count entries exists */
	bool areas_registered; /* a table of memory areas exists */
	bool sqpoll;           /* a kernel thread submits: every send has a completion */
	bool restricted;       /* to what this engine does */
	bool min_wait;         /* the kernel batches waits itself (Linux 6.12) */
	uint32_t batch_submit;
	uint32_t batch_complete;
	int wake_fd; /* -1: none */
	bool wake_armed;
	bool wake_wanted;     /* its poll has to be queued again */
	int failed;           /* -errno that the next turn reports: nothing can cure it */
	uint32_t unsubmitted; /* sends queued since the last submission */
	uint32_t inflight;    /* with sqpoll: sends without their completion */
	bool starts;          /* receives are queued to be started */
	uint32_t zc_unseen;   /* without: zero-copy sends without their first completion */
	uint32_t table_count; /* the first files; later ones are named by descriptor */
	uint32_t file_count;
	uint32_t file_free_count;
	uint32_t *file_free; /* stack of free numbers */
	struct uring_file *files;
	uint8_t *zc_state; /* by token, see ring/uring_zc.c; NULL: no zero copy */
	int32_t *send_res; /* by token: bytes if it succeeds, unless a completion says otherwise */
	struct uring_pending *pending; /* circular, in the order of queueing */
	uint32_t pending_head, pending_tail, pending_mask;
	struct uring_buffers groups[RING_GROUP_COUNT];
	struct msghdr recv_template; /* room for name and control data, as slot.h lays them out */
};

static inline struct uring *uring_of(struct ring *ring)
{
	return (struct uring *)ring;
}

/* ring/uring.c */
extern const struct ring_ops uring_ops;
void uring_queue_wake(struct uring *u);
void uring_buffers_add(struct uring_buffers *group, uint64_t addr, uint16_t index);
/* A send that is complete but for what makes it silent or zero-copy; its send_res is to be set.
 * NULL: the kernel accepts nothing, which is the answer. */
struct io_uring_sqe *uring_prepare_send(struct uring *u, uint32_t file, const struct msghdr *msg,
					uint32_t token);
void uring_submit_if_many(struct uring *u); /* after each send */

/* ring/uring_zc.c */
void uring_zc_open(struct uring *u, const struct ring_params *params, struct err *features);
void uring_queue_send_zc(struct ring *ring, uint32_t file, const struct msghdr *msg, uint32_t token,
			 int buffer);
void uring_complete_zc(struct uring *u, uint32_t token, int32_t res, uint32_t flags);
bool uring_answer_zc(struct uring *u, uint32_t token); /* false: cannot be answered yet */

/* ring/uring_setup.c */
void uring_grow(struct ring *ring, uint32_t flows, uint32_t files, struct arena *arena);
int uring_open(struct ring *ring, const struct ring_params *params, struct err *features,
	       struct err *err);
void uring_close(struct ring *ring);

/* ring/uring_restrict.c */
/* Of a ring that began disabled: it takes requests from now on, where the kernel can do that
 * (u->restricted) only such as this engine makes. 0 or -errno. */
int uring_enable(struct uring *u);

/* ring/uring_probe.c */
int uring_busy_poll(struct io_uring *io, uint32_t busy_poll_us);                  /* 0, -errno */
int uring_init(unsigned entries, struct io_uring *io, struct io_uring_params *p); /* 0, -errno */
int uring_register_buffers(struct io_uring *io, struct io_uring_buf_reg *reg);    /* the same */
void uring_describe_error(int error, const struct ring_params *params, struct err *err);
size_t uring_page_bytes(void); /* buffer rings begin on a page */

/* ring/uring_salvage.c */
void uring_salvage(struct ring *ring, uint8_t *fates);

/* ring/uring_turn.c */
int uring_turn(struct ring *ring, uint32_t wait_us);
void uring_submit(struct ring *ring);
void uring_submit_early(struct uring *u);             /* batch_submit reached: hand over, no wait */
struct io_uring_sqe *uring_take_sqe(struct uring *u); /* NULL: the kernel accepts nothing */
