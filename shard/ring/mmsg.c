/* mmsg.c - the engine of epoll, recvmmsg and sendmmsg (steps 4, 5, 6, 10).
 *
 * For hosts that forbid io_uring, and the baseline that every measurement compares with: the best
 * that can be done with ordinary system calls, not a straw man. A turn is
 *
 *     sendmmsg   once per output that has something queued, all its messages in order
 *     epoll      waits for the first readable socket, level-triggered
 *     recvmmsg   once per readable socket, straight into lent slots, at most MMSG_RECV_BURST_MAX
 *                datagrams of one socket a turn so that a hot flow starves no other
 *
 * What io_uring does by itself is imitated, so that the relay sees no difference: a readable
 * socket without a lent slot ends its receive with -ENOBUFS, the head of each slot is written here
 * as the kernel would, and a batch wait gathers datagrams before they are read. Unlike there, a
 * zero-length datagram ends nothing, and a send is answered in the turn that makes it.
 *
 * Owner: the shard's thread; all arrays are in the arena. Times in microseconds, sizes in bytes.
 */
#include "shard/ring/mmsg.h"

#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

#include "shard/slot.h"
#include "src/base/advice.h"
#include "src/base/must.h"

static int mmsg_open(struct ring *ring, const struct ring_params *params, struct err *features,
		     struct err *err);
static void mmsg_close(struct ring *ring);
static void mmsg_grow(struct ring *ring, uint32_t flows, uint32_t files, struct arena *arena);
static int mmsg_add_file(struct ring *ring, int fd);
static void mmsg_remove_file(struct ring *ring, uint32_t file);
static int mmsg_arm_wake(struct ring *ring, int eventfd);
static void mmsg_lend(struct ring *ring, unsigned group, uint16_t index, unsigned char *base);
static int mmsg_reclaim(struct ring *ring, unsigned group);
static void mmsg_arm_recv(struct ring *ring, uint32_t flow, uint32_t file, unsigned group);
static void mmsg_cancel_recv(struct ring *ring, uint32_t flow);
static void mmsg_queue_send(struct ring *ring, uint32_t file, const struct msghdr *msg,
			    uint32_t token);
static int mmsg_busy_poll(struct ring *ring, uint32_t busy_poll_us);
static int set_busy_poll(int epoll_fd, uint32_t busy_poll_us);
static void free_files(struct mmsg *m, uint32_t files);
static void cut_arrays(struct mmsg *m, const struct ring_params *params, struct arena *arena);
static void cut_tables(struct mmsg *m, uint32_t flows, uint32_t files, struct arena *arena);

static const struct ring_ops mmsg_ops = {
	.open = mmsg_open,
	.close = mmsg_close,
	.grow = mmsg_grow,
	.add_file = mmsg_add_file,
	.remove_file = mmsg_remove_file,
	.arm_wake = mmsg_arm_wake,
	.lend = mmsg_lend,
	.reclaim = mmsg_reclaim,
	.arm_recv = mmsg_arm_recv,
	.cancel_recv = mmsg_cancel_recv,
	.queue_send = mmsg_queue_send,
	.busy_poll = mmsg_busy_poll,
	.turn = mmsg_turn,
	.salvage = mmsg_salvage,
};

int ring_mmsg_probe(struct err *err)
{
	int fd = epoll_create1(EPOLL_CLOEXEC);

	if (fd < 0) {
		int ret = -errno;

		err_set(err, "mmsg: cannot make an epoll set: %s; %s", strerror(-ret),
			advice_for_file(-ret));
		return ret;
	}
	close(fd);
	return 0;
}

int ring_mmsg_probe_busy_poll(void)
{
	int fd = epoll_create1(EPOLL_CLOEXEC);
	int ret = fd < 0 ? -errno : set_busy_poll(fd, 1);

	if (fd >= 0) {
		close(fd);
	}
	return ret;
}

struct ring *ring_mmsg_cut(const struct ring_params *params, struct arena *arena)
{
	struct mmsg *m = arena_alloc(arena, sizeof(*m), CACHE_LINE_BYTES);
	struct mmsg cut = {.base.ops = &mmsg_ops, .epoll_fd = -1, .wake_fd = -1};

	cut_arrays(&cut, params, arena);
	if (m == NULL) {
		return NULL;
	}
	*m = cut;
	free_files(m, params->files);
	return &m->base;
}

int mmsg_epoll_control(struct mmsg *m, int op, int fd, uint32_t token)
{
	struct epoll_event event = {.events = EPOLLIN, .data.u32 = token};

	stat_add(&m->base.stats->syscalls, 1);
	return epoll_ctl(m->epoll_fd, op, fd, &event) < 0 ? -errno : 0;
}

static int mmsg_open(struct ring *ring, const struct ring_params *params, struct err *features,
		     struct err *err)
{
	struct mmsg *m = mmsg_of(ring);
	const struct timespec now = {0};

	m->batch_submit = params->batch_submit;
	m->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (m->epoll_fd < 0) {
		int ret = -errno;

		err_set(err, "mmsg: cannot make an epoll set: %s; raise LimitNOFILE= or ulimit -n",
			strerror(-ret));
		return ret;
	}
	m->pwait2 = epoll_pwait2(m->epoll_fd, m->events, MMSG_EVENTS_MAX, &now, NULL) == 0;
	ring_feature_add(features, m->pwait2 ? "epoll_pwait2" : "epoll_wait");
	return 0;
}

static void mmsg_close(struct ring *ring)
{
	struct mmsg *m = mmsg_of(ring);

	if (m->epoll_fd >= 0) {
		close(m->epoll_fd);
		m->epoll_fd = -1;
	}
}

static void mmsg_grow(struct ring *ring, uint32_t flows, uint32_t files, struct arena *arena)
{
	struct mmsg *m = mmsg_of(ring);
	struct mmsg grown = {0};

	cut_tables(&grown, flows, files, arena);
	if (arena->counting) {
		return;
	}
	memcpy(grown.files, m->files, m->file_count * sizeof(*m->files));
	memcpy(grown.file_free, m->file_free, m->file_free_count * sizeof(*m->file_free));
	memcpy(grown.flows, m->flows, ring->flows * sizeof(*m->flows));
	memcpy(grown.cancelled, m->cancelled, m->cancelled_count * sizeof(*m->cancelled));
	m->files = grown.files;
	m->file_free = grown.file_free;
	m->flows = grown.flows;
	m->cancelled = grown.cancelled;
	free_files(m, files);
}

/* The files from those there are up to `files' are new, and free. */
static void free_files(struct mmsg *m, uint32_t files)
{
	for (uint32_t file = files; file-- > m->file_count;) {
		m->files[file].fd = -1;
		m->file_free[m->file_free_count++] = file;
	}
	m->file_count = files;
}

static int mmsg_add_file(struct ring *ring, int fd)
{
	struct mmsg *m = mmsg_of(ring);
	uint32_t file;

	if (m->file_free_count == 0) {
		return -ENFILE;
	}
	file = m->file_free[--m->file_free_count];
	m->files[file] = (struct mmsg_file){.fd = fd, .first_token = MMSG_NO_TOKEN};
	return (int)file;
}

static void mmsg_remove_file(struct ring *ring, uint32_t file)
{
	struct mmsg *m = mmsg_of(ring);

	must(file < m->file_count);
	must(m->files[file].fd >= 0);
	must(m->files[file].first_token == MMSG_NO_TOKEN);
	m->files[file].fd = -1;
	m->file_free[m->file_free_count++] = file;
}

static int mmsg_arm_wake(struct ring *ring, int eventfd)
{
	struct mmsg *m = mmsg_of(ring);
	int ret;

	if (m->wake_fd >= 0) {
		return -EBUSY;
	}
	ret = mmsg_epoll_control(m, EPOLL_CTL_ADD, eventfd, MMSG_WAKE_TOKEN);
	if (ret == 0) {
		m->wake_fd = eventfd;
	}
	return ret;
}

static void mmsg_lend(struct ring *ring, unsigned group, uint16_t index, unsigned char *base)
{
	struct mmsg_slots *slots = &mmsg_of(ring)->groups[group];

	slots->stack[slots->count++] = (struct mmsg_slot){.base = base, .index = index};
}

static int mmsg_reclaim(struct ring *ring, unsigned group)
{
	struct mmsg_slots *slots = &mmsg_of(ring)->groups[group];

	must(slots->count > 0);
	return slots->stack[--slots->count].index;
}

static void mmsg_arm_recv(struct ring *ring, uint32_t flow, uint32_t file, unsigned group)
{
	struct mmsg *m = mmsg_of(ring);
	int ret;

	must(file < m->file_count);
	must(m->files[file].fd >= 0);
	m->flows[flow] = (struct mmsg_flow){.file = file};
	ret = mmsg_epoll_control(m, EPOLL_CTL_ADD, m->files[file].fd, flow);
	if (ret < 0) {
		ring_push_recv(ring, &(struct ring_recv){.flow = flow,
							 .res = ret,
							 .group = (uint8_t)group,
							 .ended = true});
	}
}

static void mmsg_cancel_recv(struct ring *ring, uint32_t flow)
{
	struct mmsg *m = mmsg_of(ring);

	if (!m->flows[flow].cancelled) {
		m->flows[flow].cancelled = true;
		m->cancelled[m->cancelled_count++] = flow;
	}
}

static void mmsg_queue_send(struct ring *ring, uint32_t file, const struct msghdr *msg,
			    uint32_t token)
{
	struct mmsg *m = mmsg_of(ring);
	struct mmsg_file *f;

	must(file < m->file_count);
	must(m->sends[token].msg == NULL);
	f = &m->files[file];
	must(f->fd >= 0);
	m->sends[token] = (struct mmsg_send){.msg = msg, .next_token = MMSG_NO_TOKEN};
	if (f->first_token != MMSG_NO_TOKEN) {
		m->sends[f->last_token].next_token = token;
	} else {
		f->first_token = token;
		f->next_file = MMSG_NO_FILE;
		*(m->queued > 0 ? &m->files[m->last_file].next_file : &m->first_file) = file;
		m->last_file = file;
	}
	f->last_token = token;
	m->queued++;
	if (m->batch_submit > 0 && m->queued >= m->batch_submit) {
		stat_add(&ring->stats->early_submits, 1);
		(void)mmsg_send_everything(m);
	}
}

static int mmsg_busy_poll(struct ring *ring, uint32_t busy_poll_us)
{
	stat_add(&ring->stats->syscalls, 1);
	return set_busy_poll(mmsg_of(ring)->epoll_fd, busy_poll_us);
}

/* The kernel notes the queue of the last socket that woke the set, and polls that one. */
static int set_busy_poll(int epoll_fd, uint32_t busy_poll_us)
{
	struct epoll_params params = {.busy_poll_usecs = busy_poll_us};

	return ioctl(epoll_fd, EPIOCSPARAMS, &params) < 0 ? -errno : 0;
}

static void cut_arrays(struct mmsg *m, const struct ring_params *params, struct arena *arena)
{
	ring_queues_cut(&m->base, params, arena);
	cut_tables(m, params->flows, params->files, arena);
	m->sends = arena_alloc(arena, params->sends * sizeof(*m->sends), CACHE_LINE_BYTES);
	for (unsigned i = 0; i < RING_GROUP_COUNT; i++) {
		const struct ring_group *group = &params->groups[i];

		m->groups[i].stack = arena_alloc(arena, group->depth * sizeof(struct mmsg_slot),
						 CACHE_LINE_BYTES);
		m->groups[i].payload_bytes = group->slot_bytes - (uint32_t)SLOT_HEAD_BYTES;
	}
}

/* What grows with flows and files. */
static void cut_tables(struct mmsg *m, uint32_t flows, uint32_t files, struct arena *arena)
{
	m->file_free = arena_alloc(arena, files * sizeof(*m->file_free), CACHE_LINE_BYTES);
	m->files = arena_alloc(arena, files * sizeof(*m->files), CACHE_LINE_BYTES);
	m->flows = arena_alloc(arena, flows * sizeof(*m->flows), CACHE_LINE_BYTES);
	m->cancelled = arena_alloc(arena, flows * sizeof(*m->cancelled), CACHE_LINE_BYTES);
}
