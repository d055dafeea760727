/* uring_zc.c - zero-copy sends and the memory registered for them (steps 10 and 11).
 *
 * SENDMSG_ZC hands the pages of the payload to the device instead of a copy. It completes twice:
 * first as any send does, while it is submitted, with F_MORE; then, when nobody reads the pages any
 * more, with F_NOTIF, which also tells whether the kernel has copied after all (for a receiver on
 * this host, for a device that cannot gather). Between the two the send is over but its memory is
 * not free: ring.h calls that `held'. Neither completion can be left out, so a zero-copy send costs
 * two of them where a copying one costs none.
 *
 * A registered area spares the kernel looking up and counting each page of a send. It says no more
 * than: this memory may be named by number.
 *
 * Both are found out by trying, on a socket that supports neither: a kernel that knows the
 * operation and its flags answers EOPNOTSUPP, one that does not EINVAL. Nothing is sent. With
 * registered memory that takes memory that is registered; without any, a kernel that can and one
 * that cannot both answer EFAULT. Owner: the shard's thread. Sizes in bytes.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include "shard/ring/uring.h"
#include "shard/slot.h"
#include "src/base/must.h"

#define PROBE_TIMEOUT_S 1

/* Of a token in flight; 0: no zero-copy send. */
#define ZC_USED     1U
#define ZC_MORE     2U /* its notification will come */
#define ZC_NOTIFIED 4U /* its notification has come */
#define ZC_COPIED   8U
#define ZC_TOLD     16U /* answered as held */

static void register_areas(struct uring *u, const struct ring_params *params, struct err *features);
static const char *name_of_error(int error);
static int register_each(struct uring *u, const struct ring_params *params, size_t *bytes);
static bool probe(struct uring *u, int area, void *payload);
static int try_send(struct uring *u, int fd, int area, void *payload);
static void use_area(struct io_uring_sqe *sqe, int area);
static void finish(struct uring *u, uint32_t token);

void uring_zc_open(struct uring *u, const struct ring_params *params, struct err *features)
{
	unsigned char byte = 0;

	if (params->zerocopy) {
		u->base.zerocopy = probe(u, -1, &byte);
		if (u->base.zerocopy) {
			ring_feature_add(features, "sendmsg_zc");
		}
	}
	if (params->buffer_count > 0) {
		register_areas(u, params, features);
	}
}

void uring_queue_send_zc(struct ring *ring, uint32_t file, const struct msghdr *msg, uint32_t token,
			 int buffer)
{
	struct uring *u = uring_of(ring);
	struct io_uring_sqe *sqe;

	must(u->zc_state[token] == 0);
	sqe = uring_prepare_send(u, file, msg, token);
	if (sqe == NULL) {
		return;
	}
	sqe->opcode = URING_OP_SENDMSG_ZC;
	sqe->user_data = uring_user_data(URING_SEND_ZC, token);
	use_area(sqe, buffer);
	u->zc_state[token] = ZC_USED;
	u->send_res[token] = URING_NO_RESULT;
	u->inflight += u->sqpoll;
	u->zc_unseen += !u->sqpoll;
	uring_submit_if_many(u);
}

void uring_complete_zc(struct uring *u, uint32_t token, int32_t res, uint32_t flags)
{
	must(token < u->base.sends);
	must(u->zc_state[token] != 0);
	if ((flags & IORING_CQE_F_NOTIF) == 0) {
		u->send_res[token] = res;
		u->zc_state[token] |= (flags & IORING_CQE_F_MORE) != 0 ? ZC_MORE : ZC_NOTIFIED;
		u->inflight -= u->sqpoll;
		u->zc_unseen -= !u->sqpoll;
		return;
	}
	u->zc_state[token] |= ZC_NOTIFIED;
	if (((uint32_t)res & IORING_NOTIF_USAGE_ZC_COPIED) != 0) {
		u->zc_state[token] |= ZC_COPIED;
	}
	if ((u->zc_state[token] & ZC_TOLD) != 0) {
		finish(u, token);
	}
}

bool uring_answer_zc(struct uring *u, uint32_t token)
{
	if ((u->zc_state[token] & ZC_NOTIFIED) != 0) {
		finish(u, token);
		return true;
	}
	if (u->send_res[token] < 0) {
		return false; /* its notification is on its way, as nothing was sent */
	}
	u->zc_state[token] |= ZC_TOLD;
	ring_push_answer(
		&u->base,
		&(struct ring_sent){.token = token, .res = u->send_res[token], .held = true});
	return true;
}

static void register_areas(struct uring *u, const struct ring_params *params, struct err *features)
{
	uint64_t refused;
	size_t bytes = 0;
	char text[64];
	int ret = register_each(u, params, &bytes);
	int first = ffs((int)u->base.buffers_usable) - 1;

	if (first >= 0 && !probe(u, first, params->buffers[first].iov_base)) {
		io_uring_unregister_buffers(&u->io);
		u->areas_registered = false;
		u->base.buffers_usable = 0;
		return;
	}
	stat_set(&u->base.stats->buffers_bytes, bytes);
	refused = params->buffer_count - (uint64_t)__builtin_popcount(u->base.buffers_usable);
	stat_set(&u->base.stats->buffers_refused, refused);
	if (bytes > 0) {
		snprintf(text, sizeof(text), "registered_buffers=%zuK", bytes / 1024);
		ring_feature_add(features, text);
	}
	if (refused > 0) {
		snprintf(text, sizeof(text), "refused_buffers=%s", name_of_error(-ret));
		ring_feature_add(features, text);
	}
}

/* In one word. Where the C library has none, that of the only refusal that is to be expected. */
static const char *name_of_error(int error)
{
#ifdef HAVE_STRERRORNAME_NP
	const char *name = strerrorname_np(error);

	return name ? name : "?";
#else
	return error == ENOMEM ? "ENOMEM" : "?";
#endif
}

/* Each area by itself: one that exceeds the limit of locked memory leaves the others. The last
 * refusal, as -errno; `bytes' of those that are registered. */
static int register_each(struct uring *u, const struct ring_params *params, size_t *bytes)
{
	int ret = io_uring_register_buffers_sparse(&u->io, params->buffer_count);

	u->areas_registered = ret == 0;
	for (uint32_t i = 0; i < params->buffer_count && u->areas_registered; i++) {
		int one = io_uring_register_buffers_update_tag(&u->io, i, &params->buffers[i], NULL,
							       1);

		if (one == 1) {
			u->base.buffers_usable |= 1U << i;
			*bytes += params->buffers[i].iov_len;
		} else {
			ret = one;
		}
	}
	return ret;
}

/* Whether the kernel knows zero-copy sends that report, from `area' when that is one. */
static bool probe(struct uring *u, int area, void *payload)
{
	int fds[2];
	int ret;

	if (socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds) < 0) {
		return false;
	}
	ret = try_send(u, fds[0], area, payload);
	close(fds[0]);
	close(fds[1]);
	return ret == -EOPNOTSUPP || ret >= 0;
}

/* The result of one zero-copy send; both of its completions are taken. */
static int try_send(struct uring *u, int fd, int area, void *payload)
{
	struct iovec iov = {.iov_base = payload, .iov_len = 1};
	struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1};
	struct __kernel_timespec ts = {.tv_sec = PROBE_TIMEOUT_S};
	struct io_uring_sqe *sqe = io_uring_get_sqe(&u->io);
	struct io_uring_cqe *cqe;
	int res = -EIO;
	bool more = true;

	must(sqe != NULL);
	io_uring_prep_sendmsg(sqe, fd, &msg, MSG_DONTWAIT | MSG_NOSIGNAL);
	sqe->opcode = URING_OP_SENDMSG_ZC;
	use_area(sqe, area);
	sqe->user_data = uring_user_data(URING_CANCEL, 0); /* says nothing, should it be late */
	while (more && io_uring_submit_and_wait_timeout(&u->io, &cqe, 1, &ts, NULL) >= 0) {
		if ((cqe->flags & IORING_CQE_F_NOTIF) == 0) {
			res = cqe->res;
		}
		more = (cqe->flags & IORING_CQE_F_MORE) != 0;
		io_uring_cqe_seen(&u->io, cqe);
	}
	return res;
}

/* Which of the registered areas the payload lies in; -1: any memory. */
static void use_area(struct io_uring_sqe *sqe, int area)
{
	sqe->ioprio = IORING_SEND_ZC_REPORT_USAGE;
	if (area >= 0) {
		sqe->ioprio |= IORING_RECVSEND_FIXED_BUF;
		sqe->buf_index = (uint16_t)area;
	}
}

/* The last event of a zero-copy send. */
static void finish(struct uring *u, uint32_t token)
{
	bool copied = (u->zc_state[token] & ZC_COPIED) != 0;

	u->zc_state[token] = 0;
	ring_push_answer(
		&u->base,
		&(struct ring_sent){.token = token, .res = u->send_res[token], .copied = copied});
}
