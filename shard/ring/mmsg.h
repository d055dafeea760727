/* mmsg.h - what the three files of the mmsg engine share; nobody else includes it.
 *
 *     ring/mmsg.c       opens, closes, queues: lend, arm, cancel, send (steps 4, 10)
 *     ring/mmsg_turn.c  sends, waits, receives (steps 5, 6, 10)
 *     ring/mmsg_salvage.c  reads what is left when the thread was killed
 */
#pragma once

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "shard/ring/engine.h"

#define MMSG_EVENTS_MAX     64 /* readable sockets taken from epoll a turn */
#define MMSG_RECV_BURST_MAX 64 /* datagrams of one socket a turn */
#define MMSG_SEND_RUN_MAX   64 /* messages in one sendmmsg */
#define MMSG_WAKE_TOKEN     UINT32_MAX
#define MMSG_NO_TOKEN       UINT32_MAX
#define MMSG_NO_FILE        UINT32_MAX
#define MMSG_UNTOUCHED      UINT32_MAX /* length of a message that the kernel has not written */

/* One array of headers serves both, and no socket takes more of a turn than another. */
static_assert(MMSG_RECV_BURST_MAX <= MMSG_SEND_RUN_MAX, "received into the headers of sends");

/* Linux 6.9; <sys/epoll.h> has it from glibc 2.40 on. */
#ifndef EPIOCSPARAMS
struct epoll_params {
	uint32_t busy_poll_usecs;
	uint16_t busy_poll_budget; /* packets a time; 0: 8 */
	uint8_t prefer_busy_poll;
	uint8_t zero;
};
#define EPIOCSPARAMS _IOW(0x8A, 1, struct epoll_params)
#endif

struct mmsg_flow {
	uint32_t file;  /* in the epoll set while the flow is armed and not cancelled */
	bool cancelled; /* its ended event is due in the next turn */
};

/* Not in every C library. */
#ifndef HAVE_EPOLL_PWAIT2
static inline int epoll_pwait2(int fd, struct epoll_event *events, int room,
			       const struct timespec *timeout, const sigset_t *mask)
{
	return (int)syscall(SYS_epoll_pwait2, fd, events, room, timeout, mask, _NSIG / 8);
}
#endif

/* Messages queued for one socket: a list by token, so that runs to one socket are long although
 * the relay queues output by output. */
struct mmsg_file {
	int fd; /* -1: not in use */
	uint32_t first_token;
	uint32_t last_token;
	uint32_t next_file; /* of those that have something queued */
};

struct mmsg_send {
	const struct msghdr *msg;
	uint32_t next_token; /* to the same file */
};

struct mmsg_slot {
	unsigned char *base;
	uint16_t index;
};

/* Lent slots, as a stack: the last lent is the one still in cache. */
struct mmsg_slots {
	struct mmsg_slot *stack;
	uint32_t count;
	uint32_t payload_bytes;
};

struct mmsg {
	struct ring base;
	int epoll_fd;
	int wake_fd; /* -1: none */
	bool pwait2; /* epoll waits with microseconds (Linux 5.11) */
	uint32_t batch_submit;
	bool more;       /* a receive of the last turn took as much as it might: more is there */
	uint32_t queued; /* sends not yet made */
	uint32_t first_file, last_file; /* with something queued, in order of their first message */
	uint32_t file_count;
	uint32_t file_free_count;
	uint32_t *file_free;
	struct mmsg_file *files;
	struct mmsg_flow *flows;
	struct mmsg_send *sends; /* by token */
	uint32_t *cancelled;     /* flows cancelled since the last turn */
	uint32_t cancelled_count;
	struct mmsg_slots groups[RING_GROUP_COUNT];
	uint32_t run_token, run_count; /* `headers' are sent from, the first for this token */
	uint32_t burst_flow;           /* or received into, for this flow, ... */
	uint32_t burst_top;            /* ... into its slots from the one below this on ... */
	uint32_t burst_count;          /* ... so many; 0: not */
	struct epoll_event events[MMSG_EVENTS_MAX];
	struct mmsghdr headers[MMSG_SEND_RUN_MAX];
	struct iovec iovecs[MMSG_RECV_BURST_MAX];
};

static inline struct mmsg *mmsg_of(struct ring *ring)
{
	return (struct mmsg *)ring;
}

/* ring/mmsg.c */
int mmsg_epoll_control(struct mmsg *m, int op, int fd, uint32_t token);

/* ring/mmsg_turn.c */
int mmsg_turn(struct ring *ring, uint32_t wait_us);
bool mmsg_send_everything(struct mmsg *m); /* false when a send failed */

/* ring/mmsg_salvage.c */
void mmsg_salvage(struct ring *ring, uint8_t *fates);
void mmsg_write_head(unsigned char *base, const struct mmsghdr *header); /* as io_uring would */
