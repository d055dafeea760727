/* ring_uring_setup.c - probes, opens and closes the io_uring engine (before step 4, after 11).
 *
 * What the kernel can do is found by trying: version numbers say nothing about distribution
 * kernels, containers or sysctls. ring_uring_probe makes a small ring and receives one datagram
 * the way the engine will; ring_uring_open asks for every ring flag that helps and gives them up
 * one by one, newest first, while the kernel answers EINVAL. What is in use in the end is
 * reported in a line.
 *
 * Ring memory counts against RLIMIT_MEMLOCK per user from about Linux 6.14 and is given back
 * some milliseconds after a process ended, so a shortage right after a restart is waited out.
 *
 * ring_uring_probe: any thread. All else: the shard's thread, pinned, so that the kernel's part of
 * the ring is on its node. Sizes in entries and bytes.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "shard/ring_uring.h"
#include "shard/slot.h"
#include "src/base/clock.h"
#include "src/base/must.h"

#define SETUP_TRIES      20
#define SETUP_RETRY_NS   (50 * NS_PER_MS) /* ENOMEM is given a second to go away */
#define CANCEL_TIMEOUT_S 1
#define PROBE_SLOT_BYTES 512
#define PROBE_TIMEOUT_S  1

/* Newest first: the order in which they are given up, with their kernel. */
static const struct {
	unsigned flag;
	const char *name;
} setup_flags[] = {
	{IORING_SETUP_DEFER_TASKRUN, "defer_taskrun"}, /* 6.1 */
	{IORING_SETUP_SINGLE_ISSUER, "single_issuer"}, /* 6.0 */
	{IORING_SETUP_TASKRUN_FLAG, "taskrun_flag"},   /* 5.19 */
	{IORING_SETUP_COOP_TASKRUN, "coop_taskrun"},   /* 5.19 */
	{IORING_SETUP_SUBMIT_ALL, "submit_all"},       /* 5.18 */
	{IORING_SETUP_SQPOLL, "sqpoll"},               /* last resort: it was asked for */
	{IORING_SETUP_CQSIZE, "cqsize"},               /* 5.5 */
};
#define SETUP_FLAG_COUNT (sizeof(setup_flags) / sizeof(setup_flags[0]))

/* What the probe needs; on its own page, because a buffer ring has to be. */
struct probe_memory {
	struct io_uring_buf_ring buffers; /* one entry */
	unsigned char slot[PROBE_SLOT_BYTES];
};

static size_t page_bytes(void);
static int probe_ring(struct io_uring *io, struct err *err);
static int probe_receive(struct io_uring *io, struct probe_memory *memory, const int fds[2],
			 struct err *err);
static int wait_one(struct io_uring *io, struct io_uring_cqe *out);
static int open_ring(struct uring *u, const struct ring_params *params, struct err *features,
		     struct err *err);
static int init_retrying(unsigned entries, struct io_uring *io, struct io_uring_params *p);
static unsigned next_flags(unsigned flags);
static void describe_setup_error(int error, const struct ring_params *params, struct err *err);
static void describe_refusal(struct err *err);
static int read_sysctl(const char *path, long *out);
static int register_groups(struct uring *u, const struct ring_params *params, struct arena *arena,
			   struct err *err);
static void register_files(struct uring *u, struct err *features);
static void register_ring(struct uring *u, struct err *features);
static void cut_arrays(struct uring *u, const struct ring_params *params, struct arena *arena);
static void cancel_everything(struct uring *u);

int ring_uring_probe(struct err *err)
{
	struct io_uring_params p = {0};
	struct io_uring io;
	int ret = init_retrying(4, &io, &p);

	if (ret < 0) {
		describe_setup_error(-ret, NULL, err);
		return ret;
	}
	ret = probe_ring(&io, err);
	io_uring_queue_exit(&io);
	return ret;
}

size_t ring_uring_arena_bytes(const struct ring_params *params)
{
	size_t bytes =
		arena_need(sizeof(struct uring), CACHE_LINE_BYTES) + ring_queues_bytes(params);

	bytes += arena_need(params->files * sizeof(uint32_t), CACHE_LINE_BYTES);
	bytes += arena_need(params->files * sizeof(struct uring_file), CACHE_LINE_BYTES);
	bytes += arena_need(params->sends * sizeof(int32_t), CACHE_LINE_BYTES);
	bytes += arena_need(ring_power_of_two(params->sends) * sizeof(struct uring_pending),
			    CACHE_LINE_BYTES);
	for (unsigned i = 0; i < POOL_CLASS_COUNT; i++) {
		if (params->groups[i].depth > 0) {
			bytes += arena_need(params->groups[i].depth * sizeof(struct io_uring_buf),
					    page_bytes());
		}
	}
	return bytes;
}

int ring_uring_open(const struct ring_params *params, struct arena *arena, struct ring **out,
		    struct err *features, struct err *err)
{
	struct uring *u = arena_alloc(arena, sizeof(*u), CACHE_LINE_BYTES);
	int ret;

	u->base.ops = &uring_ops;
	u->wake_fd = -1;
	u->batch_submit = params->batch_submit;
	u->batch_complete = params->batch_complete > 0 ? params->batch_complete : 1;
	u->batch_wait_us = params->batch_wait_us;
	u->spin_us = params->spin_us;
	u->recv_template = (struct msghdr){.msg_namelen = SLOT_NAME_BYTES,
					   .msg_controllen = SLOT_CONTROL_BYTES};
	cut_arrays(u, params, arena);
	ret = open_ring(u, params, features, err);
	if (ret == 0) {
		ret = register_groups(u, params, arena, err);
	}
	if (ret < 0) {
		uring_close(&u->base);
		return ret;
	}
	register_files(u, features);
	register_ring(u, features);
	*out = &u->base;
	return 0;
}

void uring_close(struct ring *ring)
{
	struct uring *u = uring_of(ring);

	if (!u->io_open) {
		return;
	}
	for (unsigned i = 0; i < POOL_CLASS_COUNT; i++) {
		must(ring->armed[i] == 0);
	}
	cancel_everything(u);
	/* The rest would go with the ring, but some time later: sockets would stay bound. */
	if (u->files_registered) {
		io_uring_unregister_files(&u->io);
	}
	for (unsigned i = 0; i < POOL_CLASS_COUNT; i++) {
		if (u->groups[i].entries != NULL) {
			io_uring_unregister_buf_ring(&u->io, (int)i);
		}
	}
	if (u->ring_registered) {
		io_uring_unregister_ring_fd(&u->io);
	}
	io_uring_queue_exit(&u->io);
	u->io_open = false;
}

/* Buffer rings begin on a page. */
static size_t page_bytes(void)
{
	return (size_t)sysconf(_SC_PAGESIZE);
}

/* Receives one datagram through a multishot recvmsg into a provided buffer. */
static int probe_ring(struct io_uring *io, struct err *err)
{
	int fds[2] = {-1, -1};
	struct probe_memory *memory = mmap(NULL, page_bytes(), PROT_READ | PROT_WRITE,
					   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct io_uring_buf_reg reg = {.ring_addr = (uint64_t)(uintptr_t)memory, .ring_entries = 1};
	int ret;

	if (memory == MAP_FAILED) {
		err_set(err, "io_uring: cannot map a page: %s", strerror(errno));
		return -ENOMEM;
	}
	ret = io_uring_register_buf_ring(io, &reg, 0);
	if (ret < 0) {
		err_set(err,
			"io_uring: this kernel refuses provided buffer rings (%s); they need Linux "
			"5.19, receiving needs 6.0: use a newer kernel, or --engine mmsg",
			strerror(-ret));
		goto out;
	}
	ret = socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, fds) < 0 ? -errno : 0;
	if (ret < 0) {
		err_set(err, "io_uring: cannot open a socket to probe with: %s", strerror(-ret));
		goto out;
	}
	ret = probe_receive(io, memory, fds, err);
out:
	if (fds[0] >= 0) {
		close(fds[0]);
		close(fds[1]);
	}
	munmap(memory, page_bytes());
	return ret;
}

static int probe_receive(struct io_uring *io, struct probe_memory *memory, const int fds[2],
			 struct err *err)
{
	struct msghdr msg = {.msg_namelen = SLOT_NAME_BYTES, .msg_controllen = SLOT_CONTROL_BYTES};
	struct io_uring_cqe cqe;
	struct io_uring_sqe *sqe = io_uring_get_sqe(io);
	int ret;

	io_uring_buf_ring_add(&memory->buffers, memory->slot, PROBE_SLOT_BYTES, 0, 0, 0);
	io_uring_buf_ring_advance(&memory->buffers, 1);
	must(sqe != NULL);
	io_uring_prep_recvmsg_multishot(sqe, fds[0], &msg, MSG_TRUNC);
	sqe->flags = IOSQE_BUFFER_SELECT;
	sqe->buf_group = 0;
	if (send(fds[1], "?", 1, 0) != 1) {
		err_set(err, "io_uring: cannot send a datagram to probe with: %s", strerror(errno));
		return -EIO;
	}
	ret = wait_one(io, &cqe);
	if (ret == 0 && cqe.res < 0) {
		ret = cqe.res;
	}
	if (ret < 0) {
		err_set(err,
			"io_uring: this kernel refuses multishot receives (%s); they need Linux "
			"6.0: "
			"use a newer kernel, or --engine mmsg",
			strerror(-ret));
		return ret;
	}
	if (cqe.res != (int32_t)SLOT_HEAD_BYTES + 1 || (cqe.flags & IORING_CQE_F_BUFFER) == 0) {
		err_set(err,
			"io_uring: a multishot receive of 1 byte gave result %d, flags %#x, where "
			"%zu "
			"and a buffer were expected; use --engine mmsg",
			cqe.res, cqe.flags, SLOT_HEAD_BYTES + 1);
		return -EPROTO;
	}
	return 0;
}

static int wait_one(struct io_uring *io, struct io_uring_cqe *out)
{
	struct __kernel_timespec ts = {.tv_sec = PROBE_TIMEOUT_S};
	struct io_uring_cqe *cqe = NULL;
	int ret = io_uring_submit_and_wait_timeout(io, &cqe, 1, &ts, NULL);

	if (ret < 0) {
		return ret;
	}
	if (cqe == NULL) {
		return -ETIME;
	}
	*out = *cqe;
	io_uring_cqe_seen(io, cqe);
	return 0;
}

static int open_ring(struct uring *u, const struct ring_params *params, struct err *features,
		     struct err *err)
{
	/* The kernel wants the completion queue to be no smaller than the submission queue. */
	uint32_t sq_entries =
		params->sq_entries < params->cq_entries ? params->sq_entries : params->cq_entries;
	unsigned flags = IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_SUBMIT_ALL | IORING_SETUP_CQSIZE;
	struct io_uring_params p;
	char text[64];
	int ret;

	flags |= params->sqpoll ? IORING_SETUP_SQPOLL : IORING_SETUP_DEFER_TASKRUN;
	flags |= params->spin_us > 0 && !params->sqpoll ? IORING_SETUP_TASKRUN_FLAG : 0;
	for (;;) {
		p = (struct io_uring_params){.flags = flags, .cq_entries = params->cq_entries};
		ret = init_retrying(sq_entries, &u->io, &p);
		if (ret != -EINVAL || flags == 0) {
			break;
		}
		flags = next_flags(flags);
	}
	if (ret < 0) {
		describe_setup_error(-ret, params, err);
		return ret;
	}
	u->io_open = true;
	u->enter_fd = u->io.ring_fd;
	u->sqpoll = (p.flags & IORING_SETUP_SQPOLL) != 0;
	u->min_wait = (p.features & IORING_FEAT_MIN_TIMEOUT) != 0;
	for (size_t i = 0; i < SETUP_FLAG_COUNT; i++) {
		if ((p.flags & setup_flags[i].flag) != 0) {
			ring_feature_add(features, setup_flags[i].name);
		}
	}
	ring_feature_add(features, u->min_wait ? "min_wait" : "timed_wait");
	snprintf(text, sizeof(text), "sq=%u cq=%u", p.sq_entries, p.cq_entries);
	ring_feature_add(features, text);
	return 0;
}

static int init_retrying(unsigned entries, struct io_uring *io, struct io_uring_params *p)
{
	const struct timespec pause = {.tv_nsec = SETUP_RETRY_NS};
	const struct io_uring_params wanted = *p;
	int ret = -ENOMEM;

	for (int tries = 0; ret == -ENOMEM && tries < SETUP_TRIES; tries++) {
		if (tries > 0) {
			nanosleep(&pause, NULL);
		}
		*p = wanted;
		ret = io_uring_queue_init_params(entries, io, p);
	}
	return ret;
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

static void describe_setup_error(int error, const struct ring_params *params, struct err *err)
{
	struct rlimit limit = {0};

	switch (error) {
	case ENOSYS:
		err_set(err,
			"io_uring: this kernel or sandbox has no io_uring (%s); use a kernel "
			"with CONFIG_IO_URING from Linux 6.0 on, or --engine mmsg",
			strerror(error));
		break;
	case EPERM:
	case EACCES:
		describe_refusal(err);
		break;
	case ENOMEM:
		getrlimit(RLIMIT_MEMLOCK, &limit);
		err_set(err,
			"io_uring: no memory for a ring within RLIMIT_MEMLOCK, which is %llu KiB "
			"per "
			"user; raise it with LimitMEMLOCK=infinity in the unit, or ulimit -l "
			"unlimited, or ask for smaller rings",
			(unsigned long long)limit.rlim_cur / 1024);
		break;
	case EMFILE:
	case ENFILE:
		getrlimit(RLIMIT_NOFILE, &limit);
		err_set(err,
			"io_uring: no file descriptor left for a ring; RLIMIT_NOFILE is %llu: "
			"raise "
			"it with LimitNOFILE= in the unit, or ulimit -n",
			(unsigned long long)limit.rlim_cur);
		break;
	default:
		err_set(err,
			"io_uring: cannot make a ring of %u and %u entries: %s; "
			"--engine mmsg does without",
			params != NULL ? params->sq_entries : 4,
			params != NULL ? params->cq_entries : 8, strerror(error));
	}
}

/* EPERM has three sources; the sysctl tells two of them. */
static void describe_refusal(struct err *err)
{
	long disabled = 0;

	(void)read_sysctl("/proc/sys/kernel/io_uring_disabled", &disabled);
	if (disabled == 2) {
		err_set(err, "io_uring: forbidden to everybody by kernel.io_uring_disabled=2; "
			     "allow it with sysctl -w kernel.io_uring_disabled=0, or use "
			     "--engine mmsg");
		return;
	}
	if (disabled == 1) {
		long group = -1;

		(void)read_sysctl("/proc/sys/kernel/io_uring_group", &group);
		err_set(err,
			"io_uring: kernel.io_uring_disabled=1 allows it only with "
			"CAP_SYS_ADMIN or to members of kernel.io_uring_group, which is %ld; "
			"set either, or use --engine mmsg",
			group);
		return;
	}
	err_set(err, "io_uring: refused with EPERM although kernel.io_uring_disabled is 0, so a "
		     "seccomp filter forbids it, as container runtimes do; run with a profile "
		     "that allows io_uring_setup, io_uring_enter and io_uring_register, or use "
		     "--engine mmsg");
}

static int read_sysctl(const char *path, long *out)
{
	FILE *file = fopen(path, "re");
	int ret;

	if (file == NULL) {
		return -errno;
	}
	ret = fscanf(file, "%ld", out) == 1 ? 0 : -EINVAL;
	fclose(file);
	return ret;
}

static int register_groups(struct uring *u, const struct ring_params *params, struct arena *arena,
			   struct err *err)
{
	for (unsigned i = 0; i < POOL_CLASS_COUNT; i++) {
		uint32_t depth = params->groups[i].depth;
		struct uring_buffers *group = &u->groups[i];
		struct io_uring_buf_reg reg = {.ring_entries = depth, .bgid = (uint16_t)i};
		struct io_uring_buf_ring *entries;
		int ret;

		if (depth == 0) {
			continue;
		}
		entries = arena_alloc(arena, depth * sizeof(struct io_uring_buf), page_bytes());
		reg.ring_addr = (uint64_t)(uintptr_t)entries;
		ret = io_uring_register_buf_ring(&u->io, &reg, 0);
		if (ret < 0) {
			err_set(err,
				"io_uring: cannot register a ring of %u buffers: %s; raise "
				"LimitMEMLOCK= or ulimit -l, or use --engine mmsg",
				depth, strerror(-ret));
			return ret;
		}
		group->entries = entries;
		group->mask = depth - 1;
		group->slot_bytes = params->groups[i].slot_bytes;
	}
	return 0;
}

static void register_files(struct uring *u, struct err *features)
{
	if (u->file_count == 0) {
		return;
	}
	u->files_registered = io_uring_register_files_sparse(&u->io, u->file_count) == 0;
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

static void cut_arrays(struct uring *u, const struct ring_params *params, struct arena *arena)
{
	uint32_t pending = ring_power_of_two(params->sends);

	ring_queues_init(&u->base, params, arena);
	u->file_count = params->files;
	u->file_free = arena_alloc(arena, params->files * sizeof(*u->file_free), CACHE_LINE_BYTES);
	u->files = arena_alloc(arena, params->files * sizeof(*u->files), CACHE_LINE_BYTES);
	u->send_res = arena_alloc(arena, params->sends * sizeof(*u->send_res), CACHE_LINE_BYTES);
	u->pending = arena_alloc(arena, pending * sizeof(*u->pending), CACHE_LINE_BYTES);
	u->pending_mask = pending - 1;
	for (uint32_t file = params->files; file-- > 0;) {
		u->files[file].fd = -1;
		u->file_free[u->file_free_count++] = file;
	}
}

/* The wake's poll, and whatever else is in flight; waits until it is over. */
static void cancel_everything(struct uring *u)
{
	struct io_uring_sync_cancel_reg reg = {
		.fd = -1,
		.flags = IORING_ASYNC_CANCEL_ANY | IORING_ASYNC_CANCEL_ALL,
		.timeout = {.tv_sec = CANCEL_TIMEOUT_S},
	};

	(void)io_uring_register_sync_cancel(&u->io, &reg);
}
