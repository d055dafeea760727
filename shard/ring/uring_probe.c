/* uring_probe.c - whether io_uring can be used here, and what to tell whoever cannot.
 *
 * What the kernel can do is found by trying: version numbers say nothing about distribution
 * kernels, containers or sysctls. The probe makes a small ring and receives one datagram the way
 * the engine will. Ring memory counts against RLIMIT_MEMLOCK per user from about Linux 6.14 and is
 * given back some milliseconds after a process ended, so a shortage right after a restart is
 * waited out, of the ring's memory as of a buffer ring's. A signal that interrupts a call says
 * nothing about the kernel either. Any thread; sizes in entries and bytes.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "shard/ring/uring.h"
#include "shard/slot.h"
#include "src/base/clock.h"
#include "src/base/must.h"

#define SETUP_TRIES      41
#define SETUP_RETRY_NS   (50 * NS_PER_MS) /* ENOMEM is given 2 s to go away */
#define PROBE_SLOT_BYTES 512
#define PROBE_TIMEOUT_S  1

/* What the probe needs; on its own page, because a buffer ring has to be. */
struct probe_memory {
	struct io_uring_buf_ring buffers; /* one entry */
	unsigned char slot[PROBE_SLOT_BYTES];
};

static bool is_worth_a_try(int ret, int *tries);
static int probe_ring(struct io_uring *io, struct err *err);
static int probe_receive(struct io_uring *io, struct probe_memory *memory, const int fds[2],
			 struct err *err);
static int wait_one(struct io_uring *io, struct io_uring_cqe *out);
static void describe_refusal(struct err *err);
static int read_sysctl(const char *path, long *out);

int ring_uring_probe(struct err *err)
{
	struct io_uring_params p = {0};
	struct io_uring io;
	int ret = uring_init(4, &io, &p);

	if (ret < 0) {
		uring_describe_error(-ret, NULL, err);
		return ret;
	}
	ret = probe_ring(&io, err);
	io_uring_queue_exit(&io);
	return ret;
}

int ring_uring_probe_busy_poll(void)
{
	struct io_uring_params p = {0};
	struct io_uring io;
	int ret = uring_init(4, &io, &p);

	if (ret < 0) {
		return ret;
	}
	ret = uring_busy_poll(&io, 1);
	io_uring_queue_exit(&io);
	return ret;
}

/* Before a datagram has come its queue is not known, so the ring is told early; from then on the
 * kernel notes the queue at each datagram that wakes a receive. */
int uring_busy_poll(struct io_uring *io, uint32_t busy_poll_us)
{
	struct uring_napi napi = {.busy_poll_us = busy_poll_us};

	return io_uring_register((unsigned)io->ring_fd,
				 busy_poll_us > 0 ? URING_REGISTER_NAPI : URING_UNREGISTER_NAPI,
				 &napi, 1);
}

int uring_init(unsigned entries, struct io_uring *io, struct io_uring_params *p)
{
	const struct io_uring_params wanted = *p;
	int tries = 0, ret;

	do {
		*p = wanted;
		ret = io_uring_queue_init_params(entries, io, p);
	} while (is_worth_a_try(ret, &tries));
	return ret;
}

int uring_register_buffers(struct io_uring *io, struct io_uring_buf_reg *reg)
{
	int tries = 0, ret;

	do {
		ret = io_uring_register_buf_ring(io, reg, 0);
	} while (is_worth_a_try(ret, &tries));
	return ret;
}

void uring_describe_error(int error, const struct ring_params *params, struct err *err)
{
	struct rlimit limit = {0};

	switch (error) {
	case ENOSYS:
		err_set(err,
			"io_uring: this kernel or sandbox has no io_uring (%s); use a kernel with "
			"CONFIG_IO_URING from Linux 6.0 on, or --engine mmsg",
			strerror(error));
		break;
	case EPERM:
	case EACCES:
		describe_refusal(err);
		break;
	case ENOMEM:
		if (getrlimit(RLIMIT_MEMLOCK, &limit) == 0 && limit.rlim_cur == RLIM_INFINITY) {
			err_set(err, "io_uring: no memory for a ring, although RLIMIT_MEMLOCK is "
				     "unlimited; the machine or the control group is short of it: "
				     "give fewer --shards or smaller rings, or use --engine mmsg");
			break;
		}
		err_set(err,
			"io_uring: no memory for a ring within RLIMIT_MEMLOCK, which is %llu KiB "
			"per user; raise it with LimitMEMLOCK=infinity in the unit, or ulimit -l "
			"unlimited, or ask for smaller rings",
			(unsigned long long)limit.rlim_cur / 1024);
		break;
	case EMFILE:
	case ENFILE:
		getrlimit(RLIMIT_NOFILE, &limit);
		err_set(err,
			"io_uring: no file descriptor left for a ring; RLIMIT_NOFILE is %llu: "
			"raise it with LimitNOFILE= in the unit, or ulimit -n",
			(unsigned long long)limit.rlim_cur);
		break;
	default:
		err_set(err,
			"io_uring: cannot make a ring of %u and %u entries: %s; --engine mmsg does "
			"without",
			params != NULL ? params->sq_entries : 4,
			params != NULL ? params->cq_entries : 8, strerror(error));
	}
}

size_t uring_page_bytes(void)
{
	return (size_t)sysconf(_SC_PAGESIZE);
}

/* Whether what was interrupted, or short of memory, may go well when it is done again; a shortage
 * gets a pause before that. `tries' counts, from 0. */
static bool is_worth_a_try(int ret, int *tries)
{
	const struct timespec pause = {.tv_nsec = SETUP_RETRY_NS};

	if ((ret != -ENOMEM && ret != -EINTR) || ++*tries >= SETUP_TRIES) {
		return false;
	}
	if (ret == -ENOMEM) {
		nanosleep(&pause, NULL);
	}
	return true;
}

/* Receives one datagram through a multishot recvmsg into a provided buffer. */
static int probe_ring(struct io_uring *io, struct err *err)
{
	int fds[2] = {-1, -1};
	struct probe_memory *memory = mmap(NULL, uring_page_bytes(), PROT_READ | PROT_WRITE,
					   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct io_uring_buf_reg reg = {.ring_addr = (uint64_t)(uintptr_t)memory, .ring_entries = 1};
	int ret;

	if (memory == MAP_FAILED) {
		err_set(err, "io_uring: cannot map a page: %s", strerror(errno));
		return -ENOMEM;
	}
	ret = uring_register_buffers(io, &reg);
	if (ret == -ENOMEM) {
		uring_describe_error(ENOMEM, NULL, err);
		goto out;
	}
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
	munmap(memory, uring_page_bytes());
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
			"6.0: use a newer kernel, or --engine mmsg",
			strerror(-ret));
		return ret;
	}
	if (cqe.res != (int32_t)SLOT_HEAD_BYTES + 1 || (cqe.flags & IORING_CQE_F_BUFFER) == 0) {
		err_set(err,
			"io_uring: a multishot receive of 1 byte gave result %d, flags %#x, where "
			"%zu and a buffer were expected; use --engine mmsg",
			cqe.res, cqe.flags, SLOT_HEAD_BYTES + 1);
		return -EPROTO;
	}
	return 0;
}

static int wait_one(struct io_uring *io, struct io_uring_cqe *out)
{
	struct __kernel_timespec ts = {.tv_sec = PROBE_TIMEOUT_S};
	struct io_uring_cqe *cqe = NULL;
	int tries = 0, ret;

	do {
		ret = io_uring_submit_and_wait_timeout(io, &cqe, 1, &ts, NULL);
	} while (is_worth_a_try(ret, &tries));
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

/* EPERM has three sources; the sysctl tells two of them. */
static void describe_refusal(struct err *err)
{
	long disabled = 0;

	(void)read_sysctl("/proc/sys/kernel/io_uring_disabled", &disabled);
	if (disabled == 2) {
		err_set(err, "io_uring: forbidden to everybody by kernel.io_uring_disabled=2; "
			     "allow it with sysctl -w kernel.io_uring_disabled=0, or use --engine "
			     "mmsg");
		return;
	}
	if (disabled == 1) {
		long group = -1;

		(void)read_sysctl("/proc/sys/kernel/io_uring_group", &group);
		err_set(err,
			"io_uring: kernel.io_uring_disabled=1 allows it only with CAP_SYS_ADMIN or "
			"to members of kernel.io_uring_group, which is %ld; set either, or use "
			"--engine mmsg",
			group);
		return;
	}
	err_set(err, "io_uring: refused with EPERM although kernel.io_uring_disabled is 0, so a "
		     "seccomp filter forbids it, as container runtimes do; run with a profile that "
		     "allows io_uring_setup, io_uring_enter and io_uring_register, or use --engine "
		     "mmsg");
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
