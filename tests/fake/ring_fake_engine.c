/* ring_fake_engine.c - the fake behind ring_ops: what a kernel would do, and what the test wished.
 *
 * A turn first answers sends (ring_fake_send.c), then
 * looks at each armed flow, in the order of arming: ended by the test's wish, ended by a cancel, or
 * given what waits for it.
 */
#include "tests/fake/ring_fake_engine.h"

#include <errno.h>
#include <stdlib.h>

#include "shard/slot.h"
#include "src/base/must.h"

static void fake_close(struct ring *ring);
static int fake_add_file(struct ring *ring, int fd);
static void fake_remove_file(struct ring *ring, uint32_t file);
static int fake_arm_wake(struct ring *ring, int eventfd);
static void fake_lend(struct ring *ring, unsigned group, uint16_t index, unsigned char *base);
static int fake_reclaim(struct ring *ring, unsigned group);
static void fake_arm_recv(struct ring *ring, uint32_t flow, uint32_t file, unsigned group);
static void fake_cancel_recv(struct ring *ring, uint32_t flow);
static void fake_queue_send_zc(struct ring *ring, uint32_t file, const struct msghdr *msg,
			       uint32_t token, int buffer);
static void fake_queue_send(struct ring *ring, uint32_t file, const struct msghdr *msg,
			    uint32_t token);
static int fake_busy_poll(struct ring *ring, uint32_t busy_poll_us);
static int fake_turn(struct ring *ring, uint32_t wait_us);
static void fake_submit(struct ring *ring);
static void turn_armed(struct fake *f);
static void turn_flow(struct fake *f, uint32_t flow);
static bool has_waiting(const struct fake *f, const struct fake_flow *fl);
static bool hand_over(struct fake *f, uint32_t flow);
static bool take_waiting(struct fake_flow *fl, const struct fake_slot *slot, uint32_t slot_bytes);
static bool take_fed(struct fake *f, const struct fake_flow *fl, const struct fake_slot *slot,
		     uint32_t slot_bytes);
static void end_flow(struct fake *f, uint32_t flow, int32_t res);

const struct ring_ops fake_ops = {
	.close = fake_close,
	.grow = fake_grow,
	.add_file = fake_add_file,
	.remove_file = fake_remove_file,
	.arm_wake = fake_arm_wake,
	.lend = fake_lend,
	.reclaim = fake_reclaim,
	.arm_recv = fake_arm_recv,
	.cancel_recv = fake_cancel_recv,
	.queue_send = fake_queue_send,
	.queue_send_zc = fake_queue_send_zc,
	.busy_poll = fake_busy_poll,
	.turn = fake_turn,
	.submit = fake_submit,
};

static void fake_close(struct ring *ring)
{
	struct fake *f = fake_of(ring);

	for (uint32_t i = 0; i < ring->flows; i++) {
		while (f->flows[i].first != NULL) {
			struct fake_waiting *w = f->flows[i].first;

			f->flows[i].first = w->next;
			free(w->payload);
			free(w);
		}
	}
	for (uint32_t i = 0; i < f->send_count; i++) {
		free(f->sends[i].payload);
	}
	for (unsigned i = 0; i < RING_GROUP_COUNT; i++) {
		free(f->groups[i].ring);
	}
	free(f->flows);
	free(f->files);
	free(f->sends);
	free(f->inflight);
	arena_unmap(&f->arena);
	free(f);
}

static int fake_add_file(struct ring *ring, int fd)
{
	struct fake *f = fake_of(ring);

	for (uint32_t i = 0; i < f->file_count; i++) {
		if (f->files[i].fd < 0) {
			f->files[i] = (struct fake_file){.fd = fd};
			return (int)i;
		}
	}
	return -ENFILE;
}

static void fake_remove_file(struct ring *ring, uint32_t file)
{
	struct fake *f = fake_of(ring);

	must(fake_file_fd(ring, file) >= 0);
	for (uint32_t i = 0; i < ring->flows; i++) {
		must(!ring->flow_states[i].armed || f->flows[i].file != file);
	}
	for (uint32_t i = f->first_unanswered; i < f->send_count; i++) {
		must(f->sends[i].answered || f->sends[i].file != file);
	}
	f->files[file].fd = -1;
}

static int fake_arm_wake(struct ring *ring, int eventfd)
{
	struct fake *f = fake_of(ring);

	if (f->wake_fd >= 0) {
		return -EBUSY;
	}
	f->wake_fd = eventfd;
	return 0;
}

static void fake_lend(struct ring *ring, unsigned group, uint16_t index, unsigned char *base)
{
	struct fake_slots *slots = &fake_of(ring)->groups[group];

	slots->ring[(slots->head + slots->count++) & slots->mask] = (struct fake_slot){base, index};
}

static int fake_reclaim(struct ring *ring, unsigned group)
{
	struct fake_slots *slots = &fake_of(ring)->groups[group];

	must(slots->count > 0);
	return slots->ring[(slots->head + --slots->count) & slots->mask].index;
}

static void fake_arm_recv(struct ring *ring, uint32_t flow, uint32_t file, unsigned group)
{
	struct fake *f = fake_of(ring);
	struct fake_flow *fl = &f->flows[flow];

	(void)group;
	must(fake_file_fd(ring, file) >= 0);
	fl->file = file;
	fl->cancelled = false;
	fl->armed_next = FAKE_NO_FLOW;
	if (f->armed_first == FAKE_NO_FLOW) {
		f->armed_first = flow;
	} else {
		f->flows[f->armed_last].armed_next = flow;
	}
	f->armed_last = flow;
}

static void fake_cancel_recv(struct ring *ring, uint32_t flow)
{
	struct fake *f = fake_of(ring);

	if (!f->flows[flow].cancelled) {
		f->flows[flow].cancelled = true;
		f->flows[flow].cancel_turn = f->turn_count + f->cancel_delay;
	}
}

static void fake_queue_send_zc(struct ring *ring, uint32_t file, const struct msghdr *msg,
			       uint32_t token, int buffer)
{
	struct fake *f = fake_of(ring);

	fake_queue_send(ring, file, msg, token);
	f->sends[f->send_count - 1].zerocopy = true;
	f->sends[f->send_count - 1].buffer = buffer;
}

static void fake_queue_send(struct ring *ring, uint32_t file, const struct msghdr *msg,
			    uint32_t token)
{
	struct fake *f = fake_of(ring);
	struct fake_send *send;

	must(fake_file_fd(ring, file) >= 0);
	must(f->inflight[token] == 0);
	must(f->send_count < FAKE_SENDS_MAX);
	send = &f->sends[f->send_count];
	*send = (struct fake_send){.token = token,
				   .file = file,
				   .fd = f->files[file].fd,
				   .turn = f->turn_count,
				   .buffer = -1,
				   .msg = msg};
	fake_record_message(send, msg);
	f->inflight[token] = ++f->send_count;
	f->unanswered++;
}

static int fake_busy_poll(struct ring *ring, uint32_t busy_poll_us)
{
	struct fake *f = fake_of(ring);

	f->busy_poll_count++;
	if (f->busy_poll_res == 0) {
		f->busy_poll_us = busy_poll_us;
	}
	return f->busy_poll_res;
}

static int fake_turn(struct ring *ring, uint32_t wait_us)
{
	struct fake *f = fake_of(ring);
	int32_t res = f->turn_res;

	f->turn_count++;
	f->last_wait_us = wait_us;
	if (f->turn_res_after > 0) {
		f->turn_res_after--;
	} else if (res < 0) {
		f->turn_res = 0;
		return res;
	}
	fake_answer_sends(f);
	turn_armed(f);
	ring->woken |= f->wake;
	f->wake = false;
	return 0;
}

static void fake_submit(struct ring *ring)
{
	fake_answer_early(fake_of(ring));
}

/* Those armed first have their slots first, as where the kernel receives when a start is submitted.
 */
static void turn_armed(struct fake *f)
{
	uint32_t *link = &f->armed_first;

	f->armed_last = FAKE_NO_FLOW;
	while (*link != FAKE_NO_FLOW) {
		uint32_t flow = *link;

		turn_flow(f, flow);
		if (f->base.flow_states[flow].armed) {
			f->armed_last = flow;
			link = &f->flows[flow].armed_next;
		} else {
			*link = f->flows[flow].armed_next;
		}
	}
}

static void turn_flow(struct fake *f, uint32_t flow)
{
	struct fake_flow *fl = &f->flows[flow];
	uint32_t done = 0;

	if (!f->base.flow_states[flow].armed) {
		return;
	}
	if (fl->end_res < 0) {
		end_flow(f, flow, fl->end_res);
		fl->end_res = 0;
		return;
	}
	if (fl->cancelled && f->turn_count > fl->cancel_turn) {
		end_flow(f, flow, -ECANCELED);
		return;
	}
	while (has_waiting(f, fl) && (f->burst == 0 || done < f->burst)) {
		if (!hand_over(f, flow)) {
			return;
		}
		done++;
	}
}

static bool has_waiting(const struct fake *f, const struct fake_flow *fl)
{
	return fl->first != NULL ||
	       (f->feed != NULL && f->feed(f->feed_context, f->files[fl->file].fd, 0, NULL));
}

/* Hands over the oldest datagram of `flow'; false when its receive ended. */
static bool hand_over(struct fake *f, uint32_t flow)
{
	struct fake_flow *fl = &f->flows[flow];
	uint8_t group = f->base.flow_states[flow].group;
	struct fake_slots *slots = &f->groups[group];
	const struct fake_slot *slot = &slots->ring[slots->head & slots->mask];
	struct ring_recv event = {.flow = flow, .group = group, .has_slot = true};

	if (slots->count == 0) {
		end_flow(f, flow, -ENOBUFS);
		return false;
	}
	event.slot = slot->index;
	event.ended = fl->first != NULL ? take_waiting(fl, slot, slots->slot_bytes)
					: take_fed(f, fl, slot, slots->slot_bytes);
	slots->head++;
	slots->count--;
	ring_push_recv(&f->base, &event);
	return !event.ended;
}

/* Into the slot; whether the receive ends with it. */
static bool take_waiting(struct fake_flow *fl, const struct fake_slot *slot, uint32_t slot_bytes)
{
	struct fake_waiting *w = fl->first;
	bool ends = w->datagram.ends;

	fake_write_slot(slot->base, slot_bytes, w);
	fl->first = w->next;
	if (fl->first == NULL) {
		fl->last = &fl->first;
	}
	fl->waiting_count--;
	free(w->payload);
	free(w);
	return ends;
}

/* The same, from a socket of the test. */
static bool take_fed(struct fake *f, const struct fake_flow *fl, const struct fake_slot *slot,
		     uint32_t slot_bytes)
{
	struct fake_waiting w = {0};

	must(f->feed(f->feed_context, f->files[fl->file].fd, slot_bytes - SLOT_HEAD_BYTES,
		     &w.datagram));
	w.payload = (unsigned char *)w.datagram.payload;
	fake_write_slot(slot->base, slot_bytes, &w);
	return w.datagram.ends;
}

static void end_flow(struct fake *f, uint32_t flow, int32_t res)
{
	ring_push_recv(&f->base, &(struct ring_recv){.flow = flow,
						     .res = res,
						     .group = f->base.flow_states[flow].group,
						     .ended = true});
}
