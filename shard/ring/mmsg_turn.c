/* mmsg_turn.c - one turn of the mmsg engine: send, wait, receive (steps 5, 6 and 10).
 *
 * ring/mmsg.c tells what the engine is. Here is what costs system calls, all of them counted: one
 * sendmmsg per output with something queued, one wait, one recvmmsg per readable socket. Owner: the
 * shard's thread. Times in microseconds, sizes in bytes.
 */
#include <errno.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

#include "shard/ring/mmsg.h"
#include "shard/slot.h"
#include "src/base/clock.h"
#include "src/base/must.h"

static void end_cancelled(struct mmsg *m);
static int wait_for_events(struct mmsg *m, uint32_t wait_us);
static int wait_for_batch(struct mmsg *m, uint32_t wait_us);
static int wait_spinning(struct mmsg *m, uint32_t wait_us);
static int wait_once(struct mmsg *m, uint32_t wait_us);
static void read_wake(struct mmsg *m);
static void receive(struct mmsg *m, uint32_t flow, uint32_t events);
static void end_flow(struct mmsg *m, uint32_t flow, int32_t res);
static int receive_burst(struct mmsg *m, int fd, struct mmsg_slots *slots);
static void point_at_slots(struct mmsg *m, const struct mmsg_slots *slots, uint32_t count);
static uint32_t burst_max(const struct mmsg_slots *slots);
static void hand_over(struct mmsg *m, uint32_t flow, struct mmsg_slots *slots, uint32_t count);
static void drain_error(struct mmsg *m, int fd);
static bool send_run(struct mmsg *m, int fd, uint32_t *token);

int mmsg_turn(struct ring *ring, uint32_t wait_us)
{
	struct mmsg *m = mmsg_of(ring);
	int count;

	wait_us = ring_bounded_wait_us(ring, wait_us, m->queued > 0);
	if (!mmsg_send_everything(m) || m->cancelled_count > 0) {
		wait_us = 0;
	}
	end_cancelled(m);
	count = wait_for_events(m, wait_us);
	if (count < 0) {
		return count;
	}
	m->more = false;
	for (int i = 0; i < count; i++) {
		if (m->events[i].data.u32 == MMSG_WAKE_TOKEN) {
			read_wake(m);
		} else {
			receive(m, m->events[i].data.u32, m->events[i].events);
		}
	}
	return 0;
}

/* Carries out all queued sends; false when one failed. */
bool mmsg_send_everything(struct mmsg *m)
{
	bool all_sent = true;

	while (m->queued > 0) {
		struct mmsg_file *f = &m->files[m->first_file];
		uint32_t token = f->first_token;

		f->first_token = MMSG_NO_TOKEN;
		while (token != MMSG_NO_TOKEN) {
			all_sent &= send_run(m, f->fd, &token);
		}
		m->first_file = f->next_file;
	}
	return all_sent;
}

static void end_cancelled(struct mmsg *m)
{
	for (uint32_t i = 0; i < m->cancelled_count; i++) {
		uint32_t flow = m->cancelled[i];

		if (m->base.flow_states[flow].armed) {
			end_flow(m, flow, -ECANCELED);
		}
	}
	m->cancelled_count = 0;
}

/* Fills m->events; their number, or -errno. */
static int wait_for_events(struct mmsg *m, uint32_t wait_us)
{
	if (wait_us == 0) {
		return wait_once(m, 0);
	}
	return m->base.waits.batch_us > 0 ? wait_for_batch(m, wait_us) : wait_spinning(m, wait_us);
}

/* What arrives within waits.batch_us of the start is gathered until then; what arrives later, after
 * an idle time, is taken at once. How much lies in a socket cannot be asked cheaply, so
 * batch_complete cannot end the wait early; but when the last turn left datagrams behind there is
 * no wait. */
static int wait_for_batch(struct mmsg *m, uint32_t wait_us)
{
	uint64_t start_ns = clock_now_ns();
	uint32_t batch_us = m->base.waits.batch_us < wait_us ? m->base.waits.batch_us : wait_us;
	uint64_t end_ns = start_ns + batch_us * NS_PER_US;
	int count = wait_spinning(m, wait_us);
	uint64_t now_ns = clock_now_ns();

	if (count > 0 && now_ns < end_ns && !m->more) {
		const struct timespec rest = {.tv_nsec = (long)((end_ns - now_ns) % NS_PER_S),
					      .tv_sec = (time_t)((end_ns - now_ns) / NS_PER_S)};

		stat_add(&m->base.stats->syscalls, 1);
		nanosleep(&rest, NULL);
		return wait_once(m, 0);
	}
	return count;
}

/* With waits.spin_us, asks again and again that long before sleeping. */
static int wait_spinning(struct mmsg *m, uint32_t wait_us)
{
	uint32_t spin_us = m->base.waits.spin_us < wait_us ? m->base.waits.spin_us : wait_us;
	uint64_t end_ns;
	int count;

	if (spin_us > 0) {
		end_ns = clock_now_ns() + spin_us * NS_PER_US;
		do {
			count = wait_once(m, 0);
		} while (count == 0 && clock_now_ns() < end_ns);
		if (count != 0 || spin_us == wait_us) {
			return count;
		}
	}
	return wait_once(m, wait_us - spin_us);
}

static int wait_once(struct mmsg *m, uint32_t wait_us)
{
	const struct timespec ts = {.tv_sec = wait_us / 1000000,
				    .tv_nsec = (long)(wait_us % 1000000) * 1000};
	int count;

	stat_add(&m->base.stats->syscalls, 1);
	if (m->pwait2) {
		count = epoll_pwait2(m->epoll_fd, m->events, MMSG_EVENTS_MAX, &ts, NULL);
	} else {
		count = epoll_wait(m->epoll_fd, m->events, MMSG_EVENTS_MAX,
				   (int)((wait_us + 999ULL) / 1000));
	}
	if (count < 0) {
		return errno == EINTR ? 0 : -errno;
	}
	return count;
}

static void read_wake(struct mmsg *m)
{
	uint64_t value;

	stat_add(&m->base.stats->syscalls, 1);
	if (read(m->wake_fd, &value, sizeof(value)) == (ssize_t)sizeof(value)) {
		m->base.woken = true;
	}
}

static void receive(struct mmsg *m, uint32_t flow, uint32_t events)
{
	int fd = m->files[m->flows[flow].file].fd;
	struct mmsg_slots *slots = &m->groups[m->base.flow_states[flow].group];
	int ret;

	if (slots->count == 0) {
		m->more = true;
		end_flow(m, flow, -ENOBUFS);
		return;
	}
	m->burst_flow = flow;
	ret = receive_burst(m, fd, slots);
	if (ret > 0) {
		m->more = m->more || (uint32_t)ret == burst_max(slots);
		hand_over(m, flow, slots, (uint32_t)ret);
	} else if (ret == -EAGAIN || ret == -EINTR) {
		/* Nothing after all: a bad checksum, or only an error report. */
		if ((events & EPOLLERR) != 0) {
			drain_error(m, fd);
		}
	} else {
		end_flow(m, flow, ret);
	}
}

/* Its socket leaves the set: level-triggered, it would be reported for ever. */
static void end_flow(struct mmsg *m, uint32_t flow, int32_t res)
{
	(void)mmsg_epoll_control(m, EPOLL_CTL_DEL, m->files[m->flows[flow].file].fd, flow);
	ring_push_recv(&m->base, &(struct ring_recv){.flow = flow,
						     .res = res,
						     .group = m->base.flow_states[flow].group,
						     .ended = true});
}

/* Datagrams received into the topmost slots, first into the topmost; or -errno. */
static int receive_burst(struct mmsg *m, int fd, struct mmsg_slots *slots)
{
	uint32_t count = burst_max(slots);
	int ret;

	point_at_slots(m, slots, count);
	m->burst_top = slots->count;
	journal_step();
	m->burst_count = count;
	journal_step();
	stat_add(&m->base.stats->syscalls, 1);
	/* MSG_TRUNC makes the length that of the datagram even when it did not fit. */
	ret = recvmmsg(fd, m->headers, count, MSG_DONTWAIT | MSG_TRUNC, NULL);
	if (ret < 0) {
		m->burst_count = 0;
		return -errno;
	}
	return ret;
}

static void point_at_slots(struct mmsg *m, const struct mmsg_slots *slots, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++) {
		unsigned char *base = slots->stack[slots->count - 1 - i].base;

		m->iovecs[i] = (struct iovec){.iov_base = base + SLOT_HEAD_BYTES,
					      .iov_len = slots->payload_bytes};
		m->headers[i].msg_hdr = (struct msghdr){
			.msg_name = base + SLOT_NAME_OFFSET,
			.msg_namelen = SLOT_NAME_BYTES,
			.msg_iov = &m->iovecs[i],
			.msg_iovlen = 1,
			.msg_control = base + SLOT_CONTROL_OFFSET,
			.msg_controllen = SLOT_CONTROL_BYTES,
		};
		m->headers[i].msg_len = MMSG_UNTOUCHED;
	}
}

static uint32_t burst_max(const struct mmsg_slots *slots)
{
	return slots->count < MMSG_RECV_BURST_MAX ? slots->count : MMSG_RECV_BURST_MAX;
}

/* Writes the heads as io_uring would, and queues the events. */
static void hand_over(struct mmsg *m, uint32_t flow, struct mmsg_slots *slots, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++) {
		const struct mmsg_slot *slot = &slots->stack[--slots->count];

		mmsg_write_head(slot->base, &m->headers[i]);
		ring_push_recv(&m->base,
			       &(struct ring_recv){.flow = flow,
						   .slot = slot->index,
						   .group = m->base.flow_states[flow].group,
						   .has_slot = true});
	}
	m->burst_count = 0;
}

/* Takes one report off the error queue, or the socket would stay readable for ever. */
static void drain_error(struct mmsg *m, int fd)
{
	char ignored[1];
	struct iovec iov = {.iov_base = ignored, .iov_len = sizeof(ignored)};
	struct msghdr hdr = {.msg_iov = &iov, .msg_iovlen = 1};

	stat_add(&m->base.stats->syscalls, 1);
	(void)recvmsg(fd, &hdr, MSG_ERRQUEUE | MSG_DONTWAIT | MSG_TRUNC);
}

/* Sends from `*token' on and leaves the first message not tried there. sendmmsg stops at a message
 * that fails and tells why only when it is the first: the call is repeated from that one on. */
static bool send_run(struct mmsg *m, int fd, uint32_t *token)
{
	uint32_t count = 0;
	uint32_t done = 0;
	bool all_sent = true;

	for (uint32_t t = *token; t != MMSG_NO_TOKEN && count < MMSG_SEND_RUN_MAX; count++) {
		m->headers[count].msg_hdr = *m->sends[t].msg;
		m->headers[count].msg_len = MMSG_UNTOUCHED;
		t = m->sends[t].next_token;
	}
	m->run_token = *token;
	journal_step();
	m->run_count = count;
	journal_step();
	while (done < count) {
		int ret =
			sendmmsg(fd, m->headers + done, count - done, MSG_DONTWAIT | MSG_NOSIGNAL);
		int32_t failure = ret > 0 ? 0 : -errno;
		uint32_t tried = ret > 0 ? (uint32_t)ret : 1;

		stat_add(&m->base.stats->syscalls, 1);
		all_sent &= ret > 0;
		for (uint32_t end = done + tried; done < end; done++) {
			int32_t res = ret > 0 ? (int32_t)m->headers[done].msg_len : failure;
			struct mmsg_send *send = &m->sends[*token];

			ring_push_sent(&m->base, *token, res);
			send->msg = NULL;
			*token = send->next_token;
		}
	}
	m->run_count = 0;
	m->queued -= count;
	return all_sent;
}
