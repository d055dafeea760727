/* ring_fake_send.c - what becomes of the fake's sends, in the order that the test wished.
 *
 * A turn first gives back the memory of zero-copy sends answered before, then answers sends.
 * Messages are compared with their record when they are answered: a change in between would have
 * gone out on a real ring.
 */
#include "tests/fake/ring_fake_engine.h"

#include <netinet/udp.h>
#include <stdlib.h>
#include <string.h>

#include "src/base/must.h"

static void skip_answered(struct fake *f);
static void give_back(struct fake *f, uint32_t count);
static void answer_reversed(struct fake *f);
static void answer_shuffled(struct fake *f);
static struct fake_send *oldest_of_file(struct fake *f, uint32_t record);
static void answer_in_order(struct fake *f, uint32_t count);
static bool is_due(const struct fake *f, const struct fake_send *send);
static void answer(struct fake *f, struct fake_send *send);
static void check_payload(const struct fake_send *send);
static void check_unchanged(const struct fake_send *send);
static uint16_t segment_of(const struct fake_send *send);

void fake_answer_sends(struct fake *f)
{
	give_back(f, f->keep_memory ? f->return_count : f->held);
	f->return_count = 0;
	if (f->reverse && !f->hold) {
		answer_reversed(f);
	} else if (f->shuffle != 0 && !f->hold) {
		answer_shuffled(f);
	} else {
		answer_in_order(f, f->hold ? f->release_count : f->unanswered);
	}
	f->release_count = 0;
	skip_answered(f);
}

void fake_answer_early(struct fake *f)
{
	if (f->hold || f->send_delay > 0) {
		return;
	}
	for (uint32_t i = f->first_unanswered; i + 1 < f->send_count; i++) {
		if (!f->sends[i].answered) {
			answer(f, &f->sends[i]);
		}
	}
	skip_answered(f);
}

void fake_record_message(struct fake_send *send, const struct msghdr *msg)
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

static void skip_answered(struct fake *f)
{
	while (f->first_unanswered < f->send_count && f->sends[f->first_unanswered].answered) {
		f->first_unanswered++;
	}
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

static void answer_shuffled(struct fake *f)
{
	uint32_t left = f->unanswered, late = 0;

	if (left > 1 && rand_r(&f->shuffle) % 8 == 0) {
		late = (uint32_t)rand_r(&f->shuffle) % left;
	}
	for (uint32_t i = f->first_unanswered; left > late;) {
		uint32_t any = i + (uint32_t)rand_r(&f->shuffle) % (f->send_count - i);

		while (f->sends[any].answered) {
			any = any + 1 < f->send_count ? any + 1 : i;
		}
		answer(f, oldest_of_file(f, any));
		left--;
	}
}

/* Of those that are not answered. */
static struct fake_send *oldest_of_file(struct fake *f, uint32_t record)
{
	uint32_t i = f->first_unanswered;

	while (f->sends[i].answered || f->sends[i].file != f->sends[record].file) {
		i++;
	}
	return &f->sends[i];
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

	fake_record_message(&now, send->msg);
	must(now.payload_bytes == send->payload_bytes);
	must(memcmp(now.payload, send->payload, now.payload_bytes) == 0);
	free(now.payload);
}

/* A message and all it points to must stay as queued until its answer. */
static void check_unchanged(const struct fake_send *send)
{
	struct fake_send now = {0};

	fake_record_message(&now, send->msg);
	must(now.payload_bytes == send->payload_bytes);
	must(now.iov_count == send->iov_count);
	must(now.control_bytes == send->control_bytes);
	must(now.name_bytes == send->name_bytes);
	must(memcmp(now.payload, send->payload, now.payload_bytes) == 0);
	must(memcmp(now.control, send->control, now.control_bytes) == 0);
	must(memcmp(&now.name, &send->name, now.name_bytes) == 0);
	free(now.payload);
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
