/* uring_setup.c - opens and closes the io_uring engine (before step 4, after step 11).
 *
 * uring_open asks for every ring flag that helps and gives them up one by one, newest first,
 * while the kernel answers EINVAL; registrations that are refused cost only speed. What is in use
 * in the end is reported in a line. Closing leaves nothing to the kernel's own tear-down, which
 * comes some time later and keeps sockets bound and joined until then.
 *
 * Owner: the shard's thread, pinned, so that the kernel's part of the ring is on its node. Sizes in
 * entries and bytes.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "shard/ring/uring.h"
#include "shard/slot.h"
#include "src/base/must.h"

#define CANCEL_TIMEOUT_S 1
#define CLOSE_TURNS_MAX  100
#define CLOSE_TURN_US    10000
#define RING_HEAD_BYTES  1024 /* of the queues' shared page, at most */
#define PROBE_PAGES      3    /* of the probe's small ring, given back some time later */

/* Newest first: the order in which they are given up, with their kernel. */
static const struct {
	unsigned flag;
	const char *name;
} setup_flags[] = {
	{IORING_SETUP_DEFER_TASKRUN, "defer_taskrun"},         /* 6.1 */
	{IORING_SETUP_SINGLE_ISSUER, "single_issuer"},         /* 6.0 */
	{IORING_SETUP_TASKRUN_FLAG, "taskrun_flag"},           /* 5.19 */
	{IORING_SETUP_COOP_TASKRUN, "coop_taskrun"},           /* 5.19 */
	{IORING_SETUP_SUBMIT_ALL, "submit_all"},               /* 5.18 */
	{IORING_SETUP_R_DISABLED, NULL},                       /* 5.10; enable() names it */
	{IORING_SETUP_SQ_AFF | IORING_SETUP_SQPOLL, "sqpoll"}, /* last resort: it was asked for */
	{IORING_SETUP_CQSIZE, "cqsize"},                       /* 5.5 */
};
#define SETUP_FLAG_COUNT (sizeof(setup_flags) / sizeof(setup_flags[0]))

static int open_ring(struct uring *u, const struct ring_params *params, struct err *features,
		     struct err *err);
static unsigned next_flags(unsigned flags);
static int register_groups(struct uring *u, const struct ring_params *params, struct err *err);
static int enable(struct uring *u, const struct ring_params *params, struct err *features,
		  struct err *err);
static void register_files(struct uring *u, struct err *features);
static void register_ring(struct uring *u, struct err *features);
static void cancel_everything(struct uring *u);
static bool any_armed(const struct ring *ring);
static void cut_arrays(struct uring *u, const struct ring_params *params, struct arena *arena);
static void cut_files(struct uring *u, uint32_t files, struct arena *arena);
static void free_files(struct uring *u, uint32_t files);
static uint32_t sq_entries(const struct ring_params *params);
static size_t in_pages(size_t bytes);

/* Nothing that the kernel looks at moves. Its table of files stays as it is: more of them would
 * cost a registration anew, and a send that names its descriptor costs hardly more. */
void uring_grow(struct ring *ring, uint32_t flows, uint32_t files, struct arena *arena)
{
	struct uring *u = uring_of(ring);
	struct uring grown = {0};

	(void)flows;
	cut_files(&grown, files, arena);
	if (arena->counting) {
		return;
	}
	memcpy(grown.files, u->files, u->file_count * sizeof(*u->files));
	memcpy(grown.file_free, u->file_free, u->file_free_count * sizeof(*u->file_free));
	u->files = grown.files;
	u->file_free = grown.file_free;
	free_files(u, files);
}

int uring_open(struct ring *ring, const struct ring_params *params, struct err *features,
	       struct err *err)
{
	struct uring *u = uring_of(ring);
	int ret;

	u->batch_submit = params->batch_submit;
	u->batch_complete = params->batch_complete > 0 ? params->batch_complete : 1;
	u->recv_template = (struct msghdr){.msg_namelen = SLOT_NAME_BYTES,
					   .msg_controllen = SLOT_CONTROL_BYTES};
	ret = open_ring(u, params, features, err);
	if (ret == 0) {
		ret = register_groups(u, params, err);
	}
	if (ret == 0) {
		ret = enable(u, params, features, err);
	}
	if (ret < 0) {
		uring_close(&u->base);
		return ret;
	}
	uring_zc_open(u, params, features);
	register_files(u, features);
	register_ring(u, features);
	return 0;
}

void uring_close(struct ring *ring)
{
	struct uring *u = uring_of(ring);

	if (!u->io_open) {
		return;
	}
	cancel_everything(u);
	/* The rest would go with the ring, but some time later: sockets would stay bound. */
	if (u->files_registered) {
		io_uring_unregister_files(&u->io);
	}
	if (u->areas_registered) {
		io_uring_unregister_buffers(&u->io);
	}
	for (unsigned i = 0; i < RING_GROUP_COUNT; i++) {
		if (u->groups[i].registered) {
			io_uring_unregister_buf_ring(&u->io, (int)i);
		}
	}
	if (u->ring_registered) {
		io_uring_unregister_ring_fd(&u->io);
	}
	io_uring_queue_exit(&u->io);
	u->io_open = false;
}

struct ring *ring_uring_cut(const struct ring_params *params, struct arena *arena)
{
	struct uring *u = arena_alloc(arena, sizeof(*u), CACHE_LINE_BYTES);
	struct uring cut = {.base.ops = &uring_ops, .wake_fd = -1};

	cut_arrays(&cut, params, arena);
	if (u == NULL) {
		return NULL;
	}
	*u = cut;
	free_files(u, params->files);
	return &u->base;
}

size_t ring_uring_locked_bytes(const struct ring_params *params, uint32_t rings)
{
	size_t sq = ring_power_of_two(sq_entries(params));
	size_t cq = ring_power_of_two(params->cq_entries);
	size_t each = in_pages(sq * sizeof(struct io_uring_sqe)) +
		      in_pages(cq * sizeof(struct io_uring_cqe) + sq * sizeof(uint32_t) +
			       RING_HEAD_BYTES);

	for (unsigned i = 0; i < RING_GROUP_COUNT; i++) {
		each += in_pages(params->groups[i].depth * sizeof(struct io_uring_buf));
	}
	return rings * each + PROBE_PAGES * uring_page_bytes();
}

static int open_ring(struct uring *u, const struct ring_params *params, struct err *features,
		     struct err *err)
{
	unsigned flags = IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_SUBMIT_ALL | IORING_SETUP_CQSIZE;
	struct io_uring_params p;
	char text[64];
	int ret;

	flags |= params->unrestricted ? 0 : IORING_SETUP_R_DISABLED;
	flags |= params->sqpoll ? IORING_SETUP_SQPOLL : IORING_SETUP_DEFER_TASKRUN;
	flags |= params->sqpoll && params->sqpoll_cpu >= 0 ? IORING_SETUP_SQ_AFF : 0;
	flags |= (params->waits.spin_us > 0 || params->waits.latency_us > 0) && !params->sqpoll
			 ? IORING_SETUP_TASKRUN_FLAG
			 : 0;
	for (;;) {
		p = (struct io_uring_params){.flags = flags,
					     .cq_entries = params->cq_entries,
					     .sq_thread_cpu = (uint32_t)params->sqpoll_cpu,
					     .sq_thread_idle = SQPOLL_IDLE_MS};
		ret = uring_init(sq_entries(params), &u->io, &p);
		if (ret != -EINVAL || flags == 0) {
			break;
		}
		flags = next_flags(flags);
	}
	if (ret < 0) {
		uring_describe_error(-ret, params, err);
		return ret;
	}
	u->io_open = true;
	u->enter_fd = u->io.ring_fd;
	u->sqpoll = (p.flags & IORING_SETUP_SQPOLL) != 0;
	u->min_wait = (p.features & IORING_FEAT_MIN_TIMEOUT) != 0;
	for (size_t i = 0; i < SETUP_FLAG_COUNT; i++) {
		if ((p.flags & setup_flags[i].flag) != 0 && setup_flags[i].name) {
			ring_feature_add(features, setup_flags[i].name);
		}
	}
	if (u->sqpoll && params->sqpoll_cpu >= 0) {
		snprintf(text, sizeof(text), "sqpoll_cpu=%d", params->sqpoll_cpu);
		ring_feature_add(features, text);
	}
	ring_feature_add(features, u->min_wait ? "min_wait" : "timed_wait");
	snprintf(text, sizeof(text), "sq=%u cq=%u", p.sq_entries, p.cq_entries);
	ring_feature_add(features, text);
	return 0;
}

/* Without its newest flag; the cooperative kind of task work replaces the deferred one. */
static unsigned next_flags(unsigned flags)
{
	for (size_t i = 0; i < SETUP_FLAG_COUNT; i++) {
		unsigned flag = setup_flags[i].flag;

		if ((flags & flag) != 0) {
			flags &= ~flag;
			if (flag == IORING_SETUP_DEFER_TASKRUN) {
				flags |= IORING_SETUP_COOP_TASKRUN;
			}
			break;
		}
	}
	return flags;
}

static int register_groups(struct uring *u, const struct ring_params *params, struct err *err)
{
	for (unsigned i = 0; i < RING_GROUP_COUNT; i++) {
		uint32_t depth = params->groups[i].depth;
		struct uring_buffers *group = &u->groups[i];
		struct io_uring_buf_reg reg = {.ring_entries = depth, .bgid = (uint16_t)i};
		int ret;

		if (depth == 0) {
			continue;
		}
		reg.ring_addr = (uint64_t)(uintptr_t)group->entries;
		ret = uring_register_buffers(&u->io, &reg);
		if (ret == -ENOMEM) {
			uring_describe_error(ENOMEM, params, err);
			return ret;
		}
		if (ret < 0) {
			err_set(err,
				"io_uring: cannot register a ring of %u buffers: %s; "
				"--engine mmsg does without",
				depth, strerror(-ret));
			return ret;
		}
		group->registered = true;
	}
	return 0;
}

/* From here on the ring takes requests, and can no more be given rings of buffers. */
static int enable(struct uring *u, const struct ring_params *params, struct err *features,
		  struct err *err)
{
	int ret = (u->io.flags & IORING_SETUP_R_DISABLED) != 0 ? uring_enable(u) : 0;

	if (ret < 0) {
		err_set(err, "io_uring: cannot enable the ring: %s; --engine mmsg does without",
			strerror(-ret));
		return ret;
	}
	if (!params->unrestricted) {
		ring_feature_add(features, u->restricted ? "restricted" : "no_restrictions");
	}
	return 0;
}

static void register_files(struct uring *u, struct err *features)
{
	if (u->file_count == 0) {
		return;
	}
	u->table_count = u->file_count;
	u->files_registered = io_uring_register_files_sparse(&u->io, u->table_count) == 0;
	ring_feature_add(features, u->files_registered ? "registered_files" : "plain_files");
}

static void register_ring(struct uring *u, struct err *features)
{
	u->ring_registered = io_uring_register_ring_fd(&u->io) == 1;
	if (u->ring_registered) {
		u->enter_fd = u->io.enter_ring_fd;
		u->enter_flags = IORING_ENTER_REGISTERED_RING;
		ring_feature_add(features, "registered_ring");
	}
}

/* The wake's poll, and whatever else is in flight; waits until it is over. A cancelled request lets
 * go of its socket when it completes: when this thread next enters the kernel or, with SQPOLL, some
 * time later. */
static void cancel_everything(struct uring *u)
{
	struct io_uring_sync_cancel_reg reg = {
		.fd = -1,
		.flags = IORING_ASYNC_CANCEL_ANY | IORING_ASYNC_CANCEL_ALL,
		.timeout = {.tv_sec = CANCEL_TIMEOUT_S},
	};

	(void)io_uring_register_sync_cancel(&u->io, &reg);
	for (int turns = 0; turns < CLOSE_TURNS_MAX; turns++) {
		bool armed = any_armed(&u->base);
		struct ring_recv ignored;

		(void)uring_turn(&u->base, armed ? CLOSE_TURN_US : 0);
		while (ring_next_recv(&u->base, &ignored)) {
		}
		if (!armed) {
			break;
		}
	}
}

static bool any_armed(const struct ring *ring)
{
	for (unsigned i = 0; i < RING_GROUP_COUNT; i++) {
		if (ring->armed[i] > 0) {
			return true;
		}
	}
	return false;
}

static void cut_arrays(struct uring *u, const struct ring_params *params, struct arena *arena)
{
	uint32_t pending = ring_power_of_two(params->sends);

	ring_queues_cut(&u->base, params, arena);
	cut_files(u, params->files, arena);
	u->send_res = arena_alloc(arena, params->sends * sizeof(*u->send_res), CACHE_LINE_BYTES);
	u->pending = arena_alloc(arena, pending * sizeof(*u->pending), CACHE_LINE_BYTES);
	u->pending_mask = pending - 1;
	if (params->zerocopy) {
		u->zc_state = arena_alloc(arena, params->sends, CACHE_LINE_BYTES);
	}
	for (unsigned i = 0; i < RING_GROUP_COUNT; i++) {
		uint32_t depth = params->groups[i].depth;

		if (depth > 0) {
			u->groups[i].entries = arena_alloc(
				arena, depth * sizeof(struct io_uring_buf), uring_page_bytes());
			u->groups[i].mask = depth - 1;
			u->groups[i].slot_bytes = params->groups[i].slot_bytes;
		}
	}
}

static void cut_files(struct uring *u, uint32_t files, struct arena *arena)
{
	u->file_free = arena_alloc(arena, files * sizeof(*u->file_free), CACHE_LINE_BYTES);
	u->files = arena_alloc(arena, files * sizeof(*u->files), CACHE_LINE_BYTES);
}

/* The files from those there are up to `files' are new, and free. */
static void free_files(struct uring *u, uint32_t files)
{
	for (uint32_t file = files; file-- > u->file_count;) {
		u->files[file].fd = -1;
		u->file_free[u->file_free_count++] = file;
	}
	u->file_count = files;
}

/* The kernel wants the completion queue to be no smaller than the submission queue. */
static uint32_t sq_entries(const struct ring_params *params)
{
	return params->sq_entries < params->cq_entries ? params->sq_entries : params->cq_entries;
}

static size_t in_pages(size_t bytes)
{
	size_t page_bytes = uring_page_bytes();

	return (bytes + page_bytes - 1) / page_bytes * page_bytes;
}
