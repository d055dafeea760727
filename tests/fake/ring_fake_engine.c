/* ring_fake_engine.c - the fake behind ring_ops: what a kernel would do, and what the test wished.
 *
 * A turn first gives back the memory of zero-copy sends answered before, then answers sends, then
 * looks at each armed flow, in the order of arming: ended by the test's wish, ended by a cancel, or
 * given what waits for it. Messages are compared with their record when they are answered: a change
 * in between would have gone out on a real ring.
 */
#include "tests/fake/ring_fake_engine.h"

#include <errno.h>
#include <netinet/udp.h>
#include <stdlib.h>
#include <string.h>

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
static void give_back(struct fake *f, uint32_t count);
static void answer_reversed(struct fake *f);
static void answer_in_order(struct fake *f, uint32_t count);
static bool is_due(const struct fake *f, const struct fake_send *send);
static void answer(struct fake *f, struct fake_send *send);
static void check_payload(const struct fake_send *send);
static void check_unchanged(const struct fake_send *send);
static void record_message(struct fake_send *send, const struct msghdr *msg);
static uint16_t segment_of(const struct fake_send *send);
static void turn_armed(struct fake *f);
static void turn_flow(struct fake *f, uint32_t flow);
static bool hand_over(struct fake *f, uint32_t flow);
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
	record_message(send, msg);
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
	give_back(f, f->keep_memory ? f->return_count : f->held);
	f->return_count = 0;
	if (f->reverse && !f->hold) {
		answer_reversed(f);
	} else {
		answer_in_order(f, f->hold ? f->release_count : f->unanswered);
	}
	f->release_count = 0;
	while (f->first_unanswered < f->send_count && f->sends[f->first_unanswered].answered) {
		f->first_unanswered++;
	}
	turn_armed(f);
	ring->woken |= f->wake;
	f->wake = false;
	return 0;
}

/* The last event of held sends, oldest first. */
static void give_back(struct fake *f, uint32_t count)
{
	for (uint32_t i = f->first_held; i < f->send_count && count > 0; i++) {
		struct fake_send *send = &f->sends[i];

		if (!send->held) {
			continue;
		}
		check_payload(send);
		send->held = false;
		f->held--;
		f->inflight[send->token] = 0;
		ring_push_answer(&f->base, &(struct ring_sent){.token = send->token,
							       .res = send->res,
							       .copied = f->say_copied});
		count--;
	}
	while (f->first_held < f->send_count && f->sends[f->first_held].answered &&
	       !f->sends[f->first_held].held) {
		f->first_held++;
	}
}

/* File by file from the last that was sent to, each in order. */
static void answer_reversed(struct fake *f)
{
	for (uint32_t i = f->send_count; i-- > f->first_unanswered;) {
		uint32_t file = f->sends[i].file;

		for (uint32_t k = f->first_unanswered; k <= i && !f->sends[i].answered; k++) {
			if (!f->sends[k].answered && f->sends[k].file == file) {
				answer(f, &f->sends[k]);
			}
		}
	}
}

static void answer_in_order(struct fake *f, uint32_t count)
{
	for (uint32_t i = f->first_unanswered; i < f->send_count && count > 0; i++) {
		if (!f->sends[i].answered && is_due(f, &f->sends[i])) {
			answer(f, &f->sends[i]);
			count--;
		}
	}
}

/* Its delay is over; `turn_count' has counted this turn already. */
static bool is_due(const struct fake *f, const struct fake_send *send)
{
	return f->turn_count > send->turn + f->send_delay;
}

static void answer(struct fake *f, struct fake_send *send)
{
	struct fake_file *file = &f->files[send->file];

	check_unchanged(send);
	send->res = FAKE_SUCCESS;
	if (file->fail_count > 0) {
		file->fail_count--;
		send->res = file->fail_res;
	} else if (f->decide != NULL) {
		send->res = f->decide(f->decide_context, send);
	}
	if (send->res == FAKE_SUCCESS) {
		send->res = (int32_t)send->payload_bytes;
	}
	send->answered = true;
	f->unanswered--;
	if (send->zerocopy && send->res >= 0) {
		send->held = true;
		f->held++;
		ring_push_answer(
			&f->base,
			&(struct ring_sent){.token = send->token, .res = send->res, .held = true});
		return;
	}
	f->inflight[send->token] = 0;
	ring_push_sent(&f->base, send->token, send->res);
}

/* A payload must stay as queued for as long as a device may read it. */
static void check_payload(const struct fake_send *send)
{
	struct fake_send now = {0};

	record_message(&now, send->msg);
	must(now.payload_bytes == send->payload_bytes);
	must(memcmp(now.payload, send->payload, now.payload_bytes) == 0);
	free(now.payload);
}

/* A message and all it points to must stay as queued until its answer. */
static void check_unchanged(const struct fake_send *send)
{
	struct fake_send now = {0};

	record_message(&now, send->msg);
	must(now.payload_bytes == send->payload_bytes);
	must(now.iov_count == send->iov_count);
	must(now.control_bytes == send->control_bytes);
	must(now.name_bytes == send->name_bytes);
	must(memcmp(now.payload, send->payload, now.payload_bytes) == 0);
	must(memcmp(now.control, send->control, now.control_bytes) == 0);
	must(memcmp(&now.name, &send->name, now.name_bytes) == 0);
	free(now.payload);
}

static void record_message(struct fake_send *send, const struct msghdr *msg)
{
	size_t at = 0;

	must(msg->msg_controllen <= sizeof(send->control));
	must(msg->msg_namelen <= sizeof(send->name));
	send->payload_bytes = (size_t)ring_msg_bytes(msg);
	send->payload = fake_zeroed(send->payload_bytes, 1);
	send->iov_count = msg->msg_iovlen;
	for (size_t i = 0; i < msg->msg_iovlen; i++) {
		if (msg->msg_iov[i].iov_len > 0) {
			memcpy(send->payload + at, msg->msg_iov[i].iov_base,
			       msg->msg_iov[i].iov_len);
		}
		at += msg->msg_iov[i].iov_len;
	}
	send->control_bytes = msg->msg_controllen;
	if (msg->msg_controllen > 0) {
		memcpy(send->control, msg->msg_control, msg->msg_controllen);
	}
	send->name_bytes = msg->msg_namelen;
	if (msg->msg_namelen > 0) {
		memcpy(&send->name, msg->msg_name, msg->msg_namelen);
	}
	send->segment_bytes = segment_of(send);
}

static uint16_t segment_of(const struct fake_send *send)
{
	struct msghdr hdr = {.msg_control = (void *)send->control,
			     .msg_controllen = send->control_bytes};
	uint16_t segment = 0;

	for (struct cmsghdr *c = CMSG_FIRSTHDR(&hdr); c != NULL; c = CMSG_NXTHDR(&hdr, c)) {
		if (c->cmsg_level == SOL_UDP && c->cmsg_type == UDP_SEGMENT) {
			memcpy(&segment, CMSG_DATA(c), sizeof(segment));
		}
	}
	return segment;
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
	while (fl->first != NULL && (f->burst == 0 || done < f->burst)) {
		if (!hand_over(f, flow)) {
			return;
		}
		done++;
	}
}

/* Hands over the oldest datagram of `flow'; false when its receive ended. */
static bool hand_over(struct fake *f, uint32_t flow)
{
	struct fake_flow *fl = &f->flows[flow];
	struct fake_waiting *w = fl->first;
	uint8_t group = f->base.flow_states[flow].group;
	struct fake_slots *slots = &f->groups[group];
	struct ring_recv event = {.flow = flow, .group = group, .has_slot = true};

	if (slots->count == 0) {
		end_flow(f, flow, -ENOBUFS);
		return false;
	}
	event.slot = slots->ring[slots->head & slots->mask].index;
	event.ended = w->datagram.ends;
	fake_write_slot(slots->ring[slots->head & slots->mask].base, slots->slot_bytes, w);
	slots->head++;
	slots->count--;
	fl->first = w->next;
	if (fl->first == NULL) {
		fl->last = &fl->first;
	}
	fl->waiting_count--;
	free(w->payload);
	free(w);
	ring_push_recv(&f->base, &event);
	return !event.ended;
}

static void end_flow(struct fake *f, uint32_t flow, int32_t res)
{
	ring_push_recv(&f->base, &(struct ring_recv){.flow = flow,
						     .res = res,
						     .group = f->base.flow_states[flow].group,
						     .ended = true});
}
