/* uring_turn.c - one turn of the io_uring engine: submit, wait, reap (step 5).
 *
 * A turn is one io_uring_enter that submits everything queued and waits for the next completion,
 * then one pass over the completion queue. Waiting comes in three flavours:
 *
 *   batch   with waits.batch_us the kernel waits that long for batch_complete completions and from
 *           then on for a single one, so a flow that is idle for longer than that pays nothing.
 *           From Linux 6.12 that is one call (min_wait); before, two with timeouts. Not in a
 *           turn that starts a receive: what waits in the socket comes at once, and anybody can
 *           end a receive, by an empty datagram, and would buy a whole wait for each.
 *   spin    with waits.spin_us the completion queue is watched that long before sleeping, in user
 *           space: the kernel raises a flag in the shared memory when it has work to finish.
 *   sleep   whatever is left of wait_us; with busy polling the kernel looks at the devices first.
 *
 * After a submission the sends in it are over (ring/uring.c tells why), the failed ones have left
 * a completion, and when the queue of completions was read to its end - including what the
 * kernel kept aside because the queue was full - silence means success. That is why answers to
 * sends are given only after reaping.
 *
 * uring_submit makes most of the sends earlier, in a call of their own that receives nothing, for
 * whoever wants their slots back before the turn.
 *
 * What cannot be submitted or flushed at once is tried again, a bounded number of times in a row
 * and then at the next turn; nothing is dropped. Owner: the shard's thread. Times in microseconds.
 */
#include <errno.h>
#include <unistd.h>

#include "shard/ring/uring.h"
#include "shard/slot.h"
#include "src/base/clock.h"
#include "src/base/must.h"

#define SUBMIT_TRIES_MAX 1000  /* in a row, while the kernel is short of memory */
#define ANSWER_SPIN_US   20    /* another core's thread needs about that long to send */
#define ANSWER_WAIT_US   1000  /* and this long on a busy one */
#define FLUSH_TRIES_MAX  65536 /* of completions kept aside; each frees at least one */

static int submit_and_wait(struct uring *u, uint32_t wait_us);
static int wait_for_answer(struct uring *u);
static int wait_for_batch(struct uring *u, uint32_t wait_us);
static uint32_t batch_events(const struct uring *u);
static int wait_for_event(struct uring *u, uint32_t wait_us);
static bool spin(const struct uring *u, uint32_t spin_us);
static int enter_until_submitted(struct uring *u, uint32_t wait_nr, uint32_t wait_us,
				 uint32_t min_wait_us);
static int enter(struct uring *u, unsigned flags, uint32_t wait_nr, struct uring_wait_arg *arg);
static unsigned wake_submitter(struct uring *u);
static bool is_transient(int ret);
static void publish_buffers(struct uring *u);
static int reap_all(struct uring *u);
static void reap(struct uring *u);
static void complete(struct uring *u, const struct io_uring_cqe *cqe);
static void complete_recv(struct uring *u, uint32_t token, int32_t res, uint32_t flags);
static bool take_slot(struct uring_buffers *group, uint16_t index, int32_t res);
static void complete_wake(struct uring *u, int32_t res);
static void answer_sends(struct uring *u);

int uring_turn(struct ring *ring, uint32_t wait_us)
{
	struct uring *u = uring_of(ring);
	int ret;
	int flush_ret;

	if (u->wake_wanted) {
		uring_queue_wake(u);
	}
	wait_us = ring_bounded_wait_us(ring, wait_us,
				       !u->sqpoll && u->pending_head != u->pending_tail);
	ret = submit_and_wait(u, wait_us);
	flush_ret = reap_all(u);
	answer_sends(u);
	if (u->failed != 0) {
		return u->failed;
	}
	return ret < 0 ? ret : flush_ret;
}

/* Nothing is received by a call that does not ask for events (IORING_SETUP_DEFER_TASKRUN). The last
 * request stays, because only a turn that submits something receives twice from each socket. */
void uring_submit(struct ring *ring)
{
	struct uring *u = uring_of(ring);
	struct io_uring_sq *sq = &u->io.sq;
	unsigned count = sq->sqe_tail - io_uring_smp_load_acquire(sq->khead);

	if (u->sqpoll || count < 2) {
		return;
	}
	publish_buffers(u);
	io_uring_smp_store_release(sq->ktail, sq->sqe_tail - 1);
	u->unsubmitted = 1;
	stat_add(&u->base.stats->syscalls, 1);
	stat_add(&u->base.stats->early_submits, 1);
	(void)io_uring_enter2((unsigned)u->enter_fd, count - 1, 0, u->enter_flags, NULL, _NSIG / 8);
	if (reap_all(u) == 0) {
		answer_sends(u);
	}
}

void uring_submit_early(struct uring *u)
{
	publish_buffers(u);
	/* An error here is met again by the turn, which retries and reports. */
	(void)enter(u, 0, 0, NULL);
}

struct io_uring_sqe *uring_take_sqe(struct uring *u)
{
	struct io_uring_sqe *sqe = io_uring_get_sqe(&u->io);

	if (sqe != NULL) {
		return sqe;
	}
	stat_add(&u->base.stats->sq_full, 1);
	publish_buffers(u);
	for (int tries = 0; sqe == NULL && tries < SUBMIT_TRIES_MAX; tries++) {
		int ret = enter(u, u->sqpoll ? IORING_ENTER_SQ_WAIT : 0, 0, NULL);

		if (ret < 0 && !is_transient(ret)) {
			break;
		}
		if (ret < 0) {
			(void)enter(u, IORING_ENTER_GETEVENTS, 0, NULL);
			reap(u);
		}
		sqe = io_uring_get_sqe(&u->io);
	}
	return sqe;
}

static int submit_and_wait(struct uring *u, uint32_t wait_us)
{
	bool starts = u->starts;

	u->starts = false;
	publish_buffers(u);
	if (wait_us == 0) {
		return u->inflight > 0 && !ring_has_events(&u->base)
			       ? wait_for_answer(u)
			       : enter_until_submitted(u, 0, 0, 0);
	}
	return u->base.waits.batch_us > 0 && !starts ? wait_for_batch(u, wait_us)
						     : wait_for_event(u, wait_us);
}

/* Only with SQPOLL: whoever asks not to wait expects the answers that other engines give in the
 * same turn, and would ask again and again, maybe on the core that the submitting thread needs. */
static int wait_for_answer(struct uring *u)
{
	int ret = enter_until_submitted(u, 0, 0, 0);

	if (ret < 0 || spin(u, ANSWER_SPIN_US)) {
		return ret;
	}
	return enter_until_submitted(u, 1, ANSWER_WAIT_US, 0);
}

static int wait_for_batch(struct uring *u, uint32_t wait_us)
{
	uint32_t batch_us = u->base.waits.batch_us < wait_us ? u->base.waits.batch_us : wait_us;
	uint32_t wait_nr = batch_events(u);
	int ret;

	if (u->min_wait && u->base.waits.spin_us == 0) {
		return enter_until_submitted(u, wait_nr, wait_us, batch_us);
	}
	ret = enter_until_submitted(u, wait_nr, batch_us, 0);
	if (ret < 0 || batch_us == wait_us || io_uring_cq_ready(&u->io) > 0 ||
	    ring_has_events(&u->base)) {
		return ret;
	}
	return wait_for_event(u, wait_us - batch_us);
}

/* How many completions a batch may have: no more receives than slots are lent, or the wait would go
 * on after the last slot was filled. */
static uint32_t batch_events(const struct uring *u)
{
	uint32_t events = u->batch_complete;

	for (unsigned i = 0; i < RING_GROUP_COUNT; i++) {
		if (u->base.armed[i] > 0 && u->base.unfilled[i] < events) {
			events = u->base.unfilled[i];
		}
	}
	return (events > 0 ? events : 1) + u->inflight + u->zc_unseen;
}

static int wait_for_event(struct uring *u, uint32_t wait_us)
{
	uint32_t spin_us = u->base.waits.spin_us < wait_us ? u->base.waits.spin_us : wait_us;
	int ret;

	if (spin_us == 0) {
		/* Not for what the submission itself completes. */
		return enter_until_submitted(u, 1 + u->zc_unseen, wait_us, 0);
	}
	ret = enter_until_submitted(u, 0, 0, 0);
	if (ret < 0 || ring_has_events(&u->base)) {
		return ret;
	}
	if (spin(u, spin_us) || spin_us == wait_us) {
		return enter_until_submitted(u, 0, 0, 0);
	}
	return enter_until_submitted(u, 1, wait_us - spin_us, 0);
}

/* True as soon as a completion is there or the kernel has work for us. */
static bool spin(const struct uring *u, uint32_t spin_us)
{
	uint64_t end_ns = clock_now_ns() + spin_us * NS_PER_US;

	do {
		if (io_uring_cq_ready(&u->io) > 0 ||
		    (IO_URING_READ_ONCE(*u->io.sq.kflags) &
		     (IORING_SQ_TASKRUN | IORING_SQ_CQ_OVERFLOW)) != 0) {
			return true;
		}
#if defined(__x86_64__) || defined(__i386__)
		__builtin_ia32_pause();
#endif
	} while (clock_now_ns() < end_ns);
	return false;
}

/* Enters until the kernel took everything queued; it waits in the call that takes the last. A
 * kernel short of memory, or with completions to deliver first, takes less. */
static int enter_until_submitted(struct uring *u, uint32_t wait_nr, uint32_t wait_us,
				 uint32_t min_wait_us)
{
	struct __kernel_timespec ts = {.tv_sec = wait_us / 1000000,
				       .tv_nsec = (long long)(wait_us % 1000000) * 1000};
	struct uring_wait_arg arg = {.min_wait_us = min_wait_us,
				     .timespec = (uint64_t)(uintptr_t)&ts};
	int ret = 0;

	for (int tries = 0; tries < SUBMIT_TRIES_MAX; tries++) {
		bool wait = wait_nr > 0 && !ring_has_events(&u->base);

		ret = enter(u, IORING_ENTER_GETEVENTS, wait ? wait_nr : 0, wait ? &arg : NULL);
		if (ret < 0 && !is_transient(ret)) {
			return ret;
		}
		if (u->sqpoll || io_uring_sq_ready(&u->io) == 0) {
			break;
		}
		reap(u);
	}
	return 0;
}

/* One io_uring_enter with everything queued; what it returns. Without a thing to do under SQPOLL
 * there is no call at all. */
static int enter(struct uring *u, unsigned flags, uint32_t wait_nr, struct uring_wait_arg *arg)
{
	struct io_uring_sq *sq = &u->io.sq;
	unsigned count = sq->sqe_tail - io_uring_smp_load_acquire(sq->khead);

	u->unsubmitted = 0;
	sq->sqe_head = sq->sqe_tail;
	if (u->sqpoll) {
		flags |= wake_submitter(u);
		if (wait_nr == 0 && (flags & ~IORING_ENTER_GETEVENTS) == 0 &&
		    !io_uring_cq_has_overflow(&u->io)) {
			return 0;
		}
	} else {
		io_uring_smp_store_release(sq->ktail, sq->sqe_tail);
	}
	if (arg != NULL) {
		flags |= IORING_ENTER_EXT_ARG;
	}
	stat_add(&u->base.stats->syscalls, 1);
	return io_uring_enter2((unsigned)u->enter_fd, count, wait_nr, flags | u->enter_flags,
			       (sigset_t *)arg, arg != NULL ? sizeof(*arg) : _NSIG / 8);
}

/* Shows the kernel's thread what is queued; IORING_ENTER_SQ_WAKEUP if it went to sleep meanwhile.
 * Our store of the tail comes before our load of its flag in the one order of such accesses. */
static unsigned wake_submitter(struct uring *u)
{
	__atomic_store_n(u->io.sq.ktail, u->io.sq.sqe_tail, __ATOMIC_SEQ_CST);
	return (__atomic_load_n(u->io.sq.kflags, __ATOMIC_SEQ_CST) & IORING_SQ_NEED_WAKEUP) != 0
		       ? IORING_ENTER_SQ_WAKEUP
		       : 0;
}

/* Time ran out, a signal came, or the kernel wants completions taken or memory freed first. */
static bool is_transient(int ret)
{
	return ret == -ETIME || ret == -EINTR || ret == -EAGAIN || ret == -EBUSY;
}

static void publish_buffers(struct uring *u)
{
	for (unsigned i = 0; i < RING_GROUP_COUNT; i++) {
		struct uring_buffers *group = &u->groups[i];

		if (group->tail != group->published) {
			io_uring_smp_store_release(&group->entries->tail, group->tail);
			group->published = group->tail;
		}
	}
}

/* Takes every completion there is, those that the kernel kept aside included. */
static int reap_all(struct uring *u)
{
	reap(u);
	for (int tries = 0; io_uring_cq_has_overflow(&u->io); tries++) {
		int ret = enter(u, IORING_ENTER_GETEVENTS, 0, NULL);

		if (tries == 0) {
			stat_add(&u->base.stats->cq_overflow, 1);
		}
		if (ret < 0 && !is_transient(ret)) {
			return ret;
		}
		if (tries == FLUSH_TRIES_MAX) {
			return -ENOMEM;
		}
		reap(u);
	}
	return 0;
}

static void reap(struct uring *u)
{
	struct io_uring_cqe *cqe;
	unsigned head;
	unsigned count = 0;

	io_uring_for_each_cqe(&u->io, head, cqe)
	{
		complete(u, cqe);
		count++;
	}
	io_uring_cq_advance(&u->io, count);
}

static void complete(struct uring *u, const struct io_uring_cqe *cqe)
{
	uint32_t token = (uint32_t)cqe->user_data;

	switch (cqe->user_data >> 32) {
	case URING_RECV:
		complete_recv(u, token, cqe->res, cqe->flags);
		break;
	case URING_SEND:
		must(token < u->base.sends);
		u->inflight -= u->sqpoll;
		u->send_res[token] = cqe->res;
		break;
	case URING_SEND_ZC:
		uring_complete_zc(u, token, cqe->res, cqe->flags);
		break;
	case URING_WAKE:
		complete_wake(u, cqe->res);
		break;
	case URING_CANCEL:
		break;
	default:
		must(!"a completion of a kind that was never submitted");
	}
}

static void complete_recv(struct uring *u, uint32_t token, int32_t res, uint32_t flags)
{
	struct ring_recv event = {.flow = RING_FLOW_INDEX(token),
				  .ended = (flags & IORING_CQE_F_MORE) == 0};
	const struct ring_flow *flow = &u->base.flow_states[event.flow];

	must(event.flow < u->base.flows);
	must(flow->token == token); /* the last completion of a receive is waited for */
	must(flow->armed);
	event.group = flow->group;
	if ((flags & IORING_CQE_F_BUFFER) != 0) {
		event.slot = (uint16_t)(flags >> IORING_CQE_BUFFER_SHIFT);
		event.has_slot = take_slot(&u->groups[event.group], event.slot, res);
	}
	if (!event.has_slot) {
		event.res = res < 0 ? res : -EPROTO;
	}
	if (event.has_slot || event.ended) {
		ring_push_recv(&u->base, &event);
	}
}

/* Whether a datagram lies in slot `index', which the kernel took. If not, the slot goes back in
 * line, at the address it had: the last entry that names it. */
static bool take_slot(struct uring_buffers *group, uint16_t index, int32_t res)
{
	uint16_t at = group->tail;

	if (res >= (int32_t)SLOT_HEAD_BYTES) {
		return true;
	}
	for (uint32_t i = 0; i <= group->mask; i++) {
		const struct io_uring_buf *entry = &group->entries->bufs[--at & group->mask];

		if (entry->bid == index) {
			uring_buffers_add(group, entry->addr, index);
			return false;
		}
	}
	must(!"the kernel took a slot that was never lent");
	return false;
}

static void complete_wake(struct uring *u, int32_t res)
{
	uint64_t value;

	if (res < 0) {
		u->failed = res;
		return;
	}
	/* The poll said readable and nobody else reads it, so this does not block. */
	stat_add(&u->base.stats->syscalls, 1);
	if (read(u->wake_fd, &value, sizeof(value)) == (ssize_t)sizeof(value)) {
		u->base.woken = true;
	}
	u->wake_wanted = true;
}

/* Answers in the order of queueing, which completions need not keep: in Linux 6.1 failures
 * overtake successes. Where successes are silent, silence means success for all that the kernel has
 * taken from the submission queue. */
static void answer_sends(struct uring *u)
{
	uint32_t taken = io_uring_smp_load_acquire(u->io.sq.khead);

	while (u->pending_head != u->pending_tail) {
		struct uring_pending *p = &u->pending[u->pending_head & u->pending_mask];

		if ((int32_t)(p->sqe - taken) >= 0 || u->send_res[p->token] == URING_NO_RESULT) {
			break;
		}
		if (u->zc_state == NULL || u->zc_state[p->token] == 0) {
			ring_push_sent(&u->base, p->token, u->send_res[p->token]);
		} else if (!uring_answer_zc(u, p->token)) {
			break;
		}
		u->pending_head++;
		journal_step();
	}
}
