/* uring.c - queues io_uring operations: slots lent, receives armed, sends (steps 4 and 10).
 *
 * Nothing here waits and, with room in the submission queue, nothing here is a system call: the
 * next turn (ring/uring_turn.c) submits everything at once, or what ring_submit has left of it.
 * Three choices worth knowing:
 *
 *   - Receives name their socket by descriptor, not by the registered table. They are armed once,
 *     so the table would save nothing, and before Linux 6.10 a request that used the table keeps
 *     every later removal from it pending: a multishot that lives for days would keep the
 *     sockets of removed flows bound and joined. For the same reason a socket enters the table
 *     with its first send, not when it is added.
 *   - Sends carry MSG_DONTWAIT, so that one that meets a full socket buffer fails instead of being
 *     parked and overtaken, and they are therefore over when the submission returns. Their
 *     successes are silent (CQE_SKIP_SUCCESS); the engine remembers what it submitted and answers
 *     for the kernel. Only with SQPOLL, where another thread submits, each has its completion.
 *   - The kernel takes lent slots in the order they were lent, so the entries that it has not
 *     taken are known, and the last one can be taken back by moving the tail.
 *
 * Owner: the shard's thread. Units: bytes; slots by index in their group.
 */
#include "shard/ring/uring.h"

#include <errno.h>
#include <poll.h>

#include "shard/slot.h"
#include "src/base/must.h"

static int uring_add_file(struct ring *ring, int fd);
static void uring_remove_file(struct ring *ring, uint32_t file);
static int uring_arm_wake(struct ring *ring, int eventfd);
static void uring_lend(struct ring *ring, unsigned group, uint16_t index, unsigned char *base);
static int uring_reclaim(struct ring *ring, unsigned group);
static void uring_arm_recv(struct ring *ring, uint32_t flow, uint32_t file, unsigned group);
static void uring_cancel_recv(struct ring *ring, uint32_t flow);
static void uring_queue_send(struct ring *ring, uint32_t file, const struct msghdr *msg,
			     uint32_t token);
static int uring_set_busy_poll(struct ring *ring, uint32_t busy_poll_us);
static void update_file_table(struct uring *u, uint32_t file, int fd);
static void remember_send(struct uring *u, uint32_t token, uint32_t sqe_number);

const struct ring_ops uring_ops = {
	.open = uring_open,
	.close = uring_close,
	.grow = uring_grow,
	.add_file = uring_add_file,
	.remove_file = uring_remove_file,
	.arm_wake = uring_arm_wake,
	.lend = uring_lend,
	.reclaim = uring_reclaim,
	.arm_recv = uring_arm_recv,
	.cancel_recv = uring_cancel_recv,
	.queue_send = uring_queue_send,
	.queue_send_zc = uring_queue_send_zc,
	.busy_poll = uring_set_busy_poll,
	.turn = uring_turn,
	.submit = uring_submit,
	.salvage = uring_salvage,
};

/* Queues the poll of the eventfd. One shot: the turn that sees it reads the eventfd and polls
 * again, and polling something readable completes at once, so no wake is ever missed. */
void uring_queue_wake(struct uring *u)
{
	struct io_uring_sqe *sqe = uring_take_sqe(u);

	if (sqe == NULL) {
		u->wake_wanted = true;
		return;
	}
	io_uring_prep_poll_add(sqe, u->wake_fd, POLLIN);
	sqe->flags = 0;
	sqe->user_data = uring_user_data(URING_WAKE, 0);
	u->wake_wanted = false;
}

/* Writes one entry behind the last; the kernel sees it when the turn publishes the tail. */
void uring_buffers_add(struct uring_buffers *group, uint64_t addr, uint16_t index)
{
	struct io_uring_buf *entry = &group->entries->bufs[group->tail & group->mask];

	entry->addr = addr;
	entry->len = group->slot_bytes;
	entry->bid = index;
	group->tail++;
}

struct io_uring_sqe *uring_prepare_send(struct uring *u, uint32_t file, const struct msghdr *msg,
					uint32_t token)
{
	struct uring_file *f;
	struct io_uring_sqe *sqe;

	must(file < u->file_count);
	f = &u->files[file];
	must(f->fd >= 0);
	if (!f->fixed && !f->refused) {
		update_file_table(u, file, f->fd);
	}
	sqe = uring_take_sqe(u);
	remember_send(u, token, u->io.sq.sqe_tail - 1);
	if (sqe == NULL) {
		u->send_res[token] = -EAGAIN;
		return NULL;
	}
	io_uring_prep_sendmsg(sqe, f->fixed ? (int)file : f->fd, msg, MSG_DONTWAIT | MSG_NOSIGNAL);
	sqe->flags = f->fixed ? IOSQE_FIXED_FILE : 0;
	sqe->user_data = uring_user_data(URING_SEND, token);
	return sqe;
}

void uring_submit_if_many(struct uring *u)
{
	u->unsubmitted++;
	if (u->batch_submit > 0 && u->unsubmitted >= u->batch_submit) {
		stat_add(&u->base.stats->early_submits, 1);
		uring_submit_early(u);
	}
}

static int uring_add_file(struct ring *ring, int fd)
{
	struct uring *u = uring_of(ring);
	uint32_t file;

	if (u->file_free_count == 0) {
		return -ENFILE;
	}
	file = u->file_free[--u->file_free_count];
	u->files[file] = (struct uring_file){.fd = fd};
	return (int)file;
}

static void uring_remove_file(struct ring *ring, uint32_t file)
{
	struct uring *u = uring_of(ring);

	must(file < u->file_count);
	must(u->files[file].fd >= 0);
	if (u->files[file].fixed) {
		update_file_table(u, file, -1);
	}
	u->files[file] = (struct uring_file){.fd = -1};
	u->file_free[u->file_free_count++] = file;
}

static int uring_arm_wake(struct ring *ring, int eventfd)
{
	struct uring *u = uring_of(ring);

	if (u->wake_fd >= 0) {
		return -EBUSY;
	}
	u->wake_fd = eventfd;
	uring_queue_wake(u);
	return 0;
}

static void uring_lend(struct ring *ring, unsigned group, uint16_t index, unsigned char *base)
{
	uring_buffers_add(&uring_of(ring)->groups[group], (uint64_t)(uintptr_t)base, index);
}

/* With no receive armed the kernel does not look at the ring, so the tail may move back. */
static int uring_reclaim(struct ring *ring, unsigned group)
{
	struct uring_buffers *g = &uring_of(ring)->groups[group];

	g->tail--;
	return g->entries->bufs[g->tail & g->mask].bid;
}

static void uring_arm_recv(struct ring *ring, uint32_t flow, uint32_t file, unsigned group)
{
	struct uring *u = uring_of(ring);
	struct io_uring_sqe *sqe = uring_take_sqe(u);

	must(file < u->file_count);
	must(u->files[file].fd >= 0);
	if (sqe == NULL) {
		ring_push_recv(ring, &(struct ring_recv){.flow = flow,
							 .res = -EAGAIN,
							 .group = (uint8_t)group,
							 .ended = true});
		return;
	}
	/* MSG_TRUNC makes the header carry the real length of a datagram that did not fit. */
	io_uring_prep_recvmsg_multishot(sqe, u->files[file].fd, &u->recv_template, MSG_TRUNC);
	sqe->flags = IOSQE_BUFFER_SELECT;
	sqe->buf_group = (uint16_t)group;
	sqe->user_data = uring_user_data(URING_RECV, ring->flow_states[flow].token);
	u->starts = true;
}

/* A receive that has ended by itself in the meantime is not found, which is as good. */
static void uring_cancel_recv(struct ring *ring, uint32_t flow)
{
	struct uring *u = uring_of(ring);
	struct io_uring_sqe *sqe = uring_take_sqe(u);

	if (sqe == NULL) {
		u->failed = -EAGAIN;
		return;
	}
	io_uring_prep_cancel64(sqe, uring_user_data(URING_RECV, ring->flow_states[flow].token), 0);
	sqe->flags = IOSQE_CQE_SKIP_SUCCESS;
	sqe->user_data = uring_user_data(URING_CANCEL, flow);
}

static void uring_queue_send(struct ring *ring, uint32_t file, const struct msghdr *msg,
			     uint32_t token)
{
	struct uring *u = uring_of(ring);
	struct io_uring_sqe *sqe = uring_prepare_send(u, file, msg, token);

	if (sqe == NULL) {
		return;
	}
	if (u->sqpoll) {
		u->inflight++;
		u->send_res[token] = URING_NO_RESULT;
	} else {
		sqe->flags |= IOSQE_CQE_SKIP_SUCCESS;
		u->send_res[token] = ring_msg_bytes(msg);
	}
	uring_submit_if_many(u);
}

static int uring_set_busy_poll(struct ring *ring, uint32_t busy_poll_us)
{
	stat_add(&ring->stats->syscalls, 1);
	return uring_busy_poll(&uring_of(ring)->io, busy_poll_us);
}

/* Puts `fd' (-1: nothing) into the ring's table at `file'. A table that will not take it costs
 * speed only: the sends of that file name their descriptor. */
static void update_file_table(struct uring *u, uint32_t file, int fd)
{
	struct uring_file *f = &u->files[file];
	int ret = -EBADF;

	if (u->files_registered && file < u->table_count) {
		stat_add(&u->base.stats->syscalls, 1);
		ret = io_uring_register_files_update(&u->io, file, &fd, 1);
	}
	f->fixed = ret == 1 && fd >= 0;
	f->refused = ret != 1;
}

static void remember_send(struct uring *u, uint32_t token, uint32_t sqe_number)
{
	must(u->pending_tail - u->pending_head <= u->pending_mask);
	u->pending[u->pending_tail & u->pending_mask] =
		(struct uring_pending){.token = token, .sqe = sqe_number};
	journal_step();
	u->pending_tail++;
	journal_step();
}
