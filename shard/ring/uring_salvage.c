/* uring_salvage.c - what the kernel did for a thread that was killed (steps 5, 6 and 10).
 *
 * A thread that is killed in io_uring_enter still finishes what that call does, and may receive
 * once more on its way out. Whatever came of it is in the completion queue, which lives as long as
 * somebody shares the process's memory and files. The head of the submission queue tells which
 * sends were made: it is stored when the call that made them ends, and after that nobody makes any,
 * since the ring belongs to the thread that is dead. Silence means success, as always.
 *
 * A completion may have been taken without being ticked off, so what is in the queue of receptions
 * already is passed over. What the kernel kept aside, because the completion queue was full, is out
 * of reach. Whoever finishes the work of the dead thread.
 */
#include "shard/ring/uring.h"
#include "shard/slot.h"

static void look_at(struct uring *u, const struct io_uring_cqe *cqe);
static void take_recv(struct uring *u, const struct io_uring_cqe *cqe);

void uring_salvage(struct ring *ring, uint8_t *fates)
{
	struct uring *u = uring_of(ring);
	struct io_uring_cqe *cqe;
	uint32_t taken;
	unsigned head;

	if (!u->io_open) {
		return;
	}
	io_uring_for_each_cqe(&u->io, head, cqe)
	{
		look_at(u, cqe);
	}
	taken = io_uring_smp_load_acquire(u->io.sq.khead);
	for (uint32_t i = u->pending_head; i != u->pending_tail; i++) {
		const struct uring_pending *p = &u->pending[i & u->pending_mask];
		int32_t res = u->send_res[p->token];

		if ((int32_t)(p->sqe - taken) >= 0) {
			fates[p->token] = RING_UNMADE;
		} else {
			fates[p->token] =
				res < 0 && res != URING_NO_RESULT ? RING_FAILED : RING_MADE;
		}
	}
}

static void look_at(struct uring *u, const struct io_uring_cqe *cqe)
{
	uint32_t token = (uint32_t)cqe->user_data;
	bool sends = token < u->base.sends;

	switch (cqe->user_data >> 32) {
	case URING_RECV:
		take_recv(u, cqe);
		break;
	case URING_SEND:
	case URING_SEND_ZC:
		if (sends && (cqe->flags & IORING_CQE_F_NOTIF) == 0) {
			u->send_res[token] = cqe->res;
		}
		break;
	default:
		break;
	}
}

static void take_recv(struct uring *u, const struct io_uring_cqe *cqe)
{
	uint32_t token = (uint32_t)cqe->user_data;
	const struct ring_flow *flow = &u->base.flow_states[RING_FLOW_INDEX(token)];
	struct ring_recv event = {.flow = RING_FLOW_INDEX(token),
				  .group = flow->group,
				  .slot = (uint16_t)(cqe->flags >> IORING_CQE_BUFFER_SHIFT),
				  .has_slot = true};

	if ((cqe->flags & IORING_CQE_F_BUFFER) != 0 && cqe->res >= (int32_t)SLOT_HEAD_BYTES &&
	    flow->token == token && !ring_has_slot(&u->base, event.group, event.slot)) {
		ring_push_recv(&u->base, &event);
	}
}
