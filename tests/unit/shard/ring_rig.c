/* ring_rig.c - a ring with slots and sockets around it; ring_rig.h tells how it is used. */
#include "tests/unit/shard/ring_rig.h"

#include <arpa/inet.h>
#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void take_recv(struct rig *rig, const struct ring_recv *event);
static void copy_out(struct rig *rig, const struct ring_recv *event);

static void tweak_batch(struct ring_params *params)
{
	params->waits.batch_us = 50;
	params->batch_complete = 32;
	params->batch_submit = 8;
}

static void tweak_spin(struct ring_params *params)
{
	params->waits.spin_us = 20;
}

static void tweak_batch_spin(struct ring_params *params)
{
	tweak_batch(params);
	tweak_spin(params);
}

static void tweak_latency(struct ring_params *params)
{
	params->waits.latency_us = 100;
	params->batch_complete = 32;
}

static void tweak_busy_poll(struct ring_params *params)
{
	params->waits.busy_poll_us = 20;
}

static void tweak_sqpoll(struct ring_params *params)
{
	params->sqpoll = true;
	params->sqpoll_cpu = -1;
}

static void tweak_plain_files(struct ring_params *params)
{
	params->files = 1 << 30; /* replaced by rig_open: more than the kernel lets register */
}

static void tweak_small_queues(struct ring_params *params)
{
	params->sq_entries = 2;
	params->cq_entries = 4;
}

const struct rig_variant rig_variants[] = {
	{"uring", RING_ENGINE_URING, NULL},
	{"uring, batch", RING_ENGINE_URING, tweak_batch},
	{"uring, spin", RING_ENGINE_URING, tweak_spin},
	{"uring, batch and spin", RING_ENGINE_URING, tweak_batch_spin},
	{"uring, latency", RING_ENGINE_URING, tweak_latency},
	{"uring, busy poll", RING_ENGINE_URING, tweak_busy_poll},
	{"uring, sqpoll", RING_ENGINE_URING, tweak_sqpoll},
	{"uring, plain files", RING_ENGINE_URING, tweak_plain_files},
	{"uring, small queues", RING_ENGINE_URING, tweak_small_queues},
	{"mmsg", RING_ENGINE_MMSG, NULL},
	{"mmsg, batch", RING_ENGINE_MMSG, tweak_batch},
	{"mmsg, spin", RING_ENGINE_MMSG, tweak_spin},
	{"mmsg, batch and spin", RING_ENGINE_MMSG, tweak_batch_spin},
	{"mmsg, latency", RING_ENGINE_MMSG, tweak_latency},
	{"mmsg, busy poll", RING_ENGINE_MMSG, tweak_busy_poll},
	{"auto", RING_ENGINE_AUTO, NULL},
};
const int rig_variant_count = sizeof(rig_variants) / sizeof(rig_variants[0]) - 1;
const int rig_variant_auto = sizeof(rig_variants) / sizeof(rig_variants[0]) - 1;

void rig_init(struct rig *rig)
{
	memset(rig, 0, sizeof(*rig));
	rig->params = (struct ring_params){
		.sq_entries = 64,
		.cq_entries = 256,
		.flows = RIG_FLOWS,
		.files = RIG_FLOWS,
		.sends = RIG_SENDS,
		.batch_complete = 8,
		.stats = &rig->stats,
		.groups = {{.depth = 64, .slot_bytes = RIG_SLOT_BYTES}},
	};
}

void rig_open(struct rig *rig, int index)
{
	const struct rig_variant *variant = &rig_variants[index];
	struct err err = {""};
	enum ring_engine engine = variant->engine;
	int ret;

	if (engine == RING_ENGINE_AUTO) {
		ck_assert_int_eq(ring_choose(variant->engine, &engine, &err), 0);
	}
	if (variant->tweak != NULL) {
		variant->tweak(&rig->params);
	}
	if (variant->tweak == tweak_plain_files) {
		rig->params.files = (uint32_t)sysconf(_SC_OPEN_MAX) + 1;
	}
	rig->slots = aligned_alloc(CACHE_LINE_BYTES, (size_t)RIG_SLOTS_MAX * RIG_SLOT_BYTES);
	ck_assert_ptr_nonnull(rig->slots);
	ret = arena_map(&rig->arena, ring_arena_bytes(engine, &rig->params), ARENA_HUGE_OFF);
	ck_assert_int_eq(ret, 0);
	ck_assert_int_eq(arena_populate(&rig->arena), 0);
	rig->ring = ring_cut(engine, &rig->params, &rig->arena);
	ck_assert_uint_eq(rig->arena.used_bytes, ring_arena_bytes(engine, &rig->params));
	ret = ring_open(rig->ring, &rig->params, &rig->features, &err);
	ck_assert_msg(ret == 0, "%s: %s", variant->name, err.text);
	arena_seal(&rig->arena);
}

void rig_close(struct rig *rig)
{
	ring_close(rig->ring);
	arena_unmap(&rig->arena);
	free(rig->slots);
}

void rig_open_pair(struct rig *rig, int index, int family)
{
	struct sockaddr_storage at;

	rig->in_fd = rig_udp(family, &at);
	rig->out_fd = rig_udp_to(&at);
	rig_open(rig, index);
	ck_assert_int_eq(ring_add_file(rig->ring, rig->in_fd), 0);
	ck_assert_int_eq(ring_add_file(rig->ring, rig->out_fd), 1);
}

void rig_close_pair(struct rig *rig)
{
	ring_remove_file(rig->ring, 0);
	ring_remove_file(rig->ring, 1);
	rig_close(rig);
	close(rig->in_fd);
	close(rig->out_fd);
}

void rig_send_number(int fd, uint32_t number)
{
	ck_assert_int_eq(send(fd, &number, sizeof(number), 0), sizeof(number));
}

uint32_t rig_got_number(const struct rig *rig, uint32_t index)
{
	uint32_t number;

	ck_assert_uint_lt(index, rig->got_count);
	ck_assert_uint_eq(rig->got[index].head.payload_bytes, sizeof(number));
	memcpy(&number, rig->got[index].payload, sizeof(number));
	return number;
}

void rig_queue_numbers(struct rig *rig, uint32_t file, uint32_t first, uint32_t count)
{
	for (uint32_t i = first; i < first + count; i++) {
		rig->numbers[i] = i;
		rig->vectors[i] = (struct iovec){.iov_base = &rig->numbers[i],
						 .iov_len = sizeof(rig->numbers[i])};
		rig->messages[i] = (struct msghdr){.msg_iov = &rig->vectors[i], .msg_iovlen = 1};
		ring_queue_send(rig->ring, file, &rig->messages[i], i);
	}
}

bool rig_got_control(struct rig *rig, uint32_t index, int level, int type, int *out)
{
	struct msghdr hdr = {.msg_control = rig->got[index].control,
			     .msg_controllen = rig->got[index].head.control_bytes};

	for (struct cmsghdr *c = CMSG_FIRSTHDR(&hdr); c != NULL; c = CMSG_NXTHDR(&hdr, c)) {
		if (c->cmsg_level == level && c->cmsg_type == type) {
			memcpy(out, CMSG_DATA(c), sizeof(*out));
			return true;
		}
	}
	return false;
}

void rig_lend(struct rig *rig, uint32_t index)
{
	ck_assert_uint_lt(index, RIG_SLOTS_MAX);
	ck_assert(!rig->slot_lent[index]);
	rig->slot_lent[index] = true;
	memset(rig->slots + (size_t)index * RIG_SLOT_BYTES, 0xa5, RIG_SLOT_BYTES);
	ring_lend(rig->ring, 0, (uint16_t)index, rig->slots + (size_t)index * RIG_SLOT_BYTES);
}

void rig_lend_range(struct rig *rig, uint32_t first, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++) {
		rig_lend(rig, first + i);
	}
}

void rig_turn(struct rig *rig, uint32_t wait_us)
{
	struct ring_recv recv;
	struct ring_sent sent;
	int ret = ring_turn(rig->ring, wait_us);

	ck_assert_msg(ret == 0, "turn: %s", strerror(-ret));
	while (ring_next_recv(rig->ring, &recv)) {
		take_recv(rig, &recv);
	}
	while (ring_next_sent(rig->ring, &sent)) {
		ck_assert_uint_lt(rig->sent_count, RIG_GOT_MAX);
		rig->sent[rig->sent_count++] = sent;
	}
}

void rig_until_got(struct rig *rig, uint32_t count)
{
	for (int i = 0; i < RIG_TURNS_MAX && rig->got_count < count; i++) {
		rig_turn(rig, RIG_WAIT_US);
	}
	ck_assert_uint_eq(rig->got_count, count);
}

void rig_until_sent(struct rig *rig, uint32_t count)
{
	for (int i = 0; i < RIG_TURNS_MAX && rig->sent_count < count; i++) {
		rig_turn(rig, RIG_WAIT_US);
	}
	ck_assert_uint_eq(rig->sent_count, count);
}

void rig_until_ended(struct rig *rig, uint32_t count)
{
	for (int i = 0; i < RIG_TURNS_MAX && rig->ended_count < count; i++) {
		rig_turn(rig, RIG_WAIT_US);
	}
	ck_assert_uint_eq(rig->ended_count, count);
}

void rig_stop_flow(struct rig *rig, uint32_t flow)
{
	uint32_t before = rig->ended_count;

	rig->rearm = false;
	ring_cancel_recv(rig->ring, flow);
	rig_until_ended(rig, before + 1);
	ck_assert_uint_eq(rig->ended_flow, flow);
}

uint32_t rig_reclaim_all(struct rig *rig)
{
	uint32_t count = 0;

	for (;;) {
		int index = ring_reclaim(rig->ring, 0);

		if (index < 0) {
			ck_assert_int_eq(index, -ENOENT);
			return count;
		}
		ck_assert_int_lt(index, RIG_SLOTS_MAX);
		ck_assert(rig->slot_lent[index]);
		rig->slot_lent[index] = false;
		count++;
	}
}

int rig_udp(int family, struct sockaddr_storage *at)
{
	int fd = socket(family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	int bytes = 4 << 20;
	socklen_t len = sizeof(*at);

	ck_assert_int_ge(fd, 0);
	(void)setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof(bytes));
	memset(at, 0, sizeof(*at));
	at->ss_family = (sa_family_t)family;
	if (family == AF_INET) {
		((struct sockaddr_in *)at)->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	} else {
		((struct sockaddr_in6 *)at)->sin6_addr = in6addr_loopback;
	}
	ck_assert_int_eq(bind(fd, (struct sockaddr *)at, rig_name_len(at)), 0);
	ck_assert_int_eq(getsockname(fd, (struct sockaddr *)at, &len), 0);
	return fd;
}

int rig_udp_to(const struct sockaddr_storage *to)
{
	struct sockaddr_storage at;
	int fd = rig_udp(to->ss_family, &at);

	ck_assert_int_eq(connect(fd, (const struct sockaddr *)to, rig_name_len(to)), 0);
	return fd;
}

socklen_t rig_name_len(const struct sockaddr_storage *at)
{
	return at->ss_family == AF_INET ? sizeof(struct sockaddr_in) : sizeof(struct sockaddr_in6);
}

static void take_recv(struct rig *rig, const struct ring_recv *event)
{
	if (event->has_slot) {
		ck_assert_uint_eq(event->group, 0);
		ck_assert_uint_lt(event->slot, RIG_SLOTS_MAX);
		ck_assert(rig->slot_lent[event->slot]);
		rig->slot_lent[event->slot] = false;
		ck_assert_int_eq(event->res, 0);
		copy_out(rig, event);
		if (rig->relend) {
			rig_lend(rig, event->slot);
		}
	} else {
		ck_assert(event->ended);
		ck_assert_int_lt(event->res, 0);
	}
	if (event->ended) {
		rig->ended_count++;
		rig->ended_res = event->res;
		rig->ended_flow = event->flow;
		if (rig->rearm) {
			ring_arm_recv(rig->ring, event->flow, rig->rearm_file[event->flow], 0);
		}
	}
}

static void copy_out(struct rig *rig, const struct ring_recv *event)
{
	const unsigned char *base = rig->slots + (size_t)event->slot * RIG_SLOT_BYTES;
	struct rig_got *got;

	ck_assert_uint_lt(rig->got_count, RIG_GOT_MAX);
	got = &rig->got[rig->got_count++];
	got->flow = event->flow;
	memcpy(&got->head, base, sizeof(got->head));
	memcpy(&got->name, base + SLOT_NAME_OFFSET, SLOT_NAME_BYTES);
	memcpy(got->control, base + SLOT_CONTROL_OFFSET, SLOT_CONTROL_BYTES);
	memcpy(got->payload, base + SLOT_HEAD_BYTES, RIG_SLOT_BYTES - SLOT_HEAD_BYTES);
}
