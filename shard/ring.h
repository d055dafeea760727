/* ring.h - the only door to the kernel's I/O (steps 4, 5, 6, 10).
 *
 * Three engines stand behind it: ring/uring.c (io_uring: multishot receives into provided buffers,
 * batched sends), ring/mmsg.c (epoll with recvmmsg and sendmmsg, for hosts that forbid io_uring and
 * as the baseline), and in tests a fake. ring/engines.c has the list of them and what each is able
 * to do. What they have in common:
 *
 *   - Receives: a flow is armed once and then yields datagrams, each in a slot that was lent to
 *     the flow's buffer group, until an event says `ended' - then the relay re-arms it when it
 *     wants to. A datagram that arrives with `ended' set is as good as any other.
 *   - Sends: queued, carried out in order per file by the next ring_turn, or by ring_submit before
 *     it, never blocking (MSG_DONTWAIT), and each answered by exactly one ring_sent, successes
 *     included; the answers of one file come in that order too, those of different files in any.
 *   - Zero-copy sends (ring_queue_send_zc, where ring_zerocopy says so): the same, but the device
 *     may read the payload long after the send is over. Then its answer has `held' set, and a last
 *     event with the same token follows, at any time and in any order, once the memory is free.
 *   - Lent slots are FIFO or not as the engine pleases; a slot is the ring's until a receive event
 *     hands it over or ring_reclaim returns it.
 *
 * ring_turn does one batch of system calls and moves everything that happened into two queues;
 * ring_next_recv and ring_next_sent take from them without a system call. The queues cannot
 * overflow: there are never more receive events than slots lent plus flows armed plus one, nor
 * more sent events than sends queued, zero-copy ones twice. One thread: the one that opened the
 * ring.
 */
#pragma once

#include <assert.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include "shard/counters.h"
#include "shard/limits.h"
#include "shard/ring/engines.h"
#include "src/base/arena.h"
#include "src/base/log.h"

#define RING_WAIT_FOREVER UINT32_MAX

/* A buffer group. Each pool class has one in each band: the number of a group is that of its class,
 * and POOL_CLASS_COUNT more for each band. What bands are for is the relay's matter (relay_arm.h).
 */
struct ring_group {
	uint32_t depth;      /* most slots lent at once, a power of two; 0: group unused */
	uint32_t slot_bytes; /* head and payload: what a receive may write */
};

/* How a turn waits, in microseconds. */
struct ring_waits {
	uint32_t batch_us;     /* each wait gathers events this long; later ones end it at once */
	uint32_t spin_us;      /* poll this long before sleeping; after the batch wait if both */
	uint32_t latency_us;   /* not 0: the ring chooses both, and adds so much latency at most */
	uint32_t busy_poll_us; /* the kernel polls the devices' queues this long before a wait
				* sleeps, where it can; with latency_us instead of spinning */
};

struct ring_params {
	uint32_t sq_entries;     /* submission queue, rounded up to a power of two by the engine */
	uint32_t cq_entries;     /* completion queue; at least 4 */
	uint32_t flows;          /* most flows; see RING_FLOW_INDEX */
	uint32_t files;          /* most ring_add_file calls */
	uint32_t sends;          /* sent tokens are 0 .. sends-1; most sends in flight */
	uint32_t batch_submit;   /* queued sends that trigger an early submit; 0 = only at turns */
	uint32_t batch_complete; /* completions that end a batch wait early; 0: 1 */
	struct ring_waits waits;
	bool sqpoll;    /* a kernel thread submits, where RING_CAN_SQPOLL */
	int sqpoll_cpu; /* where it runs; -1: with the opening thread, on its CPUs */
	struct ring_group groups[RING_GROUP_COUNT];
	bool unrestricted;           /* any request, where requests can be limited */
	bool zerocopy;               /* find out whether ring_queue_send_zc is possible */
	const struct iovec *buffers; /* areas to register, where sends can make use of that */
	uint32_t buffer_count;       /* at most RING_BUFFERS_MAX */
	struct ring_stats *stats;    /* outlives the ring */
};

/* A recv token names one of the ring's flows in its low bits. The rest is the caller's, who may
 * count there how often the flow was given to somebody else (room.h): the whole token comes back
 * with each event of the receive that was armed with it. */
#define RING_FLOW_INDEX(token) ((token) & ((1U << PLACE_INDEX_BITS) - 1))

static_assert(RING_FLOW_INDEX(SHARD_FLOWS_MAX - 1) == SHARD_FLOWS_MAX - 1, "it names all");

static inline unsigned ring_class_of(unsigned group)
{
	return group % POOL_CLASS_COUNT;
}

/* One receive event. */
struct ring_recv {
	uint32_t flow; /* token of ring_arm_recv */
	int32_t res;   /* 0, or why the receive ended without a datagram: -ENOBUFS (no slot
			* lent; nothing lost), -ECANCELED (ring_cancel_recv), other -errno */
	uint16_t slot; /* index within `group'; valid when has_slot */
	uint8_t group;
	bool has_slot; /* a datagram lies in it, in slot.h's layout */
	bool ended;    /* the flow is no longer armed */
};

/* One send event. */
struct ring_sent {
	uint32_t token;
	int32_t res; /* bytes sent, or -errno */
	bool held;   /* sent, but the payload may still be read: another event with this token and
		      * `res' says when that is over; zero-copy sends only */
	bool copied; /* in the last event of a zero-copy send: the payload was copied after all */
};

struct ring; /* opaque: each engine begins with one (ring/engine.h) */

/* "uring", "mmsg", "auto". */
const char *ring_engine_name(enum ring_engine engine);

/* Whether `engine', or with AUTO some engine, has all of `abilities' (enum ring_ability). */
bool ring_can(enum ring_engine engine, unsigned abilities);

/* Whether `engine' can be used here: 0, or -errno with `err' naming what forbids it and the cure
 * (sysctl kernel.io_uring_disabled, seccomp of a container, a kernel before 6.0, memlock). */
int ring_probe(enum ring_engine engine, struct err *err);

/* The engine that `wish' would have if everything could be used: itself, or the best. */
enum ring_engine ring_preferred(enum ring_engine wish);

/* Whether the kernel would poll devices for a ring of `engine', which is not AUTO: 0 or -errno. */
int ring_probe_busy_poll(enum ring_engine engine);

/* The first engine of `wish' that can be used here. `why' tells what forbids the preferred one, and
 * is empty when that is the answer. 0, or -errno when none can be used. */
int ring_choose(enum ring_engine wish, enum ring_engine *out, struct err *why);

/* Cuts the memory of a ring off `arena', which must hold ring_arena_bytes; NULL from one that
 * counts. `engine' is not AUTO; of `params' only what decides sizes is looked at. */
struct ring *ring_cut(enum ring_engine engine, const struct ring_params *params,
		      struct arena *arena);
size_t ring_arena_bytes(enum ring_engine engine, const struct ring_params *params);

/* What so many rings hold against RLIMIT_MEMLOCK of the user at most, beside the arena, with what
 * ring_probe leaves behind for a while: queues and buffer rings, each rounded up to pages. */
size_t ring_locked_bytes(enum ring_engine engine, const struct ring_params *params, uint32_t rings);

/* Opens what ring_cut has cut, with params of the same sizes. Called on the pinned thread, so that
 * the kernel's part is node-local too. `features' receives a short text of what is in use
 * ("defer_taskrun registered_files ..."). 0 or -errno with `err', and then nothing is open. */
int ring_open(struct ring *ring, const struct ring_params *params, struct err *features,
	      struct err *err);

/* Gives back everything. A receive that is still armed, as after a failed turn, is ended first:
 * from then on nothing writes to lent slots. Accepts NULL, and a ring that is not open. */
void ring_close(struct ring *ring);

/* From the next turn on it waits so. A ring that did not spin when it was opened cannot see all
 * that there is to see while it spins, so to begin needs another ring. What of busy polling is in
 * force, or why it is not, is in the ring's counters. */
void ring_set_waits(struct ring *ring, const struct ring_waits *waits);

/* Whether the kernel polls the devices for this ring. It polls those queues that datagrams of its
 * sockets came from; the ring itself does not know of any until it is told. */
bool ring_busy_polls(const struct ring *ring);
void ring_tell_queue(struct ring *ring, bool known);

/* Where an open ring counts. */
struct ring_stats *ring_stats_of(struct ring *ring);

/* Registers a socket; its number here, used below, or -errno. The fd stays the caller's. */
int ring_add_file(struct ring *ring, int fd);

/* Forgets a file again; its receive must not be armed, and each of its sends is answered. One that
 * is held does not need the file any more. */
void ring_remove_file(struct ring *ring, uint32_t file);

/* Makes room for `flows' and `files' in all, never less than now, in memory cut off `arena'; what
 * was cut before stays in use. With an arena that counts nothing but that is done. Whatever is
 * under way goes on, and no event is lost. */
void ring_grow(struct ring *ring, uint32_t flows, uint32_t files, struct arena *arena);

/* Makes ring_turn return, and ring_woken say true, when `eventfd' becomes readable. 0 or -errno.
 * The ring reads the eventfd. */
int ring_arm_wake(struct ring *ring, int eventfd);
bool ring_woken(struct ring *ring); /* and clears it */

/* How many slots may be lent to `group' in all, 0 when it is unused, and how many more. */
uint32_t ring_depth(const struct ring *ring, unsigned group);
uint32_t ring_room(const struct ring *ring, unsigned group);

/* Whether any flow receives into `group'. */
bool ring_is_armed(const struct ring *ring, unsigned group);

/* Lends slot `index' of `group', which begins at `base'. Only while ring_room says so. Becomes
 * visible to the kernel at the next turn or arm at the latest. */
void ring_lend(struct ring *ring, unsigned group, uint16_t index, unsigned char *base);

/* Takes back one lent slot of `group', or -ENOENT; only while no flow of that group is armed. */
int ring_reclaim(struct ring *ring, unsigned group);

/* Starts receiving from `file' into slots of `group'. The start is queued like a send. */
void ring_arm_recv(struct ring *ring, uint32_t flow, uint32_t file, unsigned group);

/* Asks an armed receive to end; the `ended' event follows in some later turn. `flow' is the token
 * it was armed with. */
void ring_cancel_recv(struct ring *ring, uint32_t flow);

/* Queues one sendmsg. `msg' and all it points to stay valid until the ring_sent with `token'. A
 * full submission queue is submitted and the send queued again: this cannot fail. */
void ring_queue_send(struct ring *ring, uint32_t file, const struct msghdr *msg, uint32_t token);

/* Whether zero-copy sends are possible, as far as the engine and the kernel go. */
bool ring_zerocopy(const struct ring *ring);

/* Queues one sendmsg whose payload the kernel need not copy. Only while ring_zerocopy. `buffer' is
 * the area of params.buffers that all of the payload lies in, or -1. The message stays valid until
 * its answer, the payload until the last event of `token'. -EMSGSIZE, -EOPNOTSUPP, -EINVAL,
 * -ENOMEM, -ENOBUFS or -EFAULT may mean that it can be sent only by copying; nothing was sent then.
 */
void ring_queue_send_zc(struct ring *ring, uint32_t file, const struct msghdr *msg, uint32_t token,
			int buffer);

/* Submits, waits at most `wait_us' for something to happen (0: does not wait, unless with sqpoll
 * for the next answer to a send in flight, 1 ms at most), reaps. 0, or -errno only for what no
 * retry can cure (counts as a failure of the shard). */
int ring_turn(struct ring *ring, uint32_t wait_us);

/* Carries out what is queued but for the last request, without waiting, so that its answers can be
 * taken, and the slots that it held be lent again, before the next turn receives. Only a matter of
 * speed: may do nothing, and what goes wrong is met again by the turn. */
void ring_submit(struct ring *ring);

/* What was taken last is at hand until the next is asked for. */
bool ring_next_recv(struct ring *ring, struct ring_recv *out);
bool ring_next_sent(struct ring *ring, struct ring_sent *out);

/* How many receptions and ends have been taken in all, the one at hand included. */
uint64_t ring_taken(const struct ring *ring);

/* What became of the sends of a thread that was killed, by token. */
enum ring_fate {
	RING_NOT_QUEUED, /* or answered, and that was taken */
	RING_UNMADE,     /* queued, and never made */
	RING_MADE,
	RING_FAILED, /* made, and refused */
};

/* The ring's thread and all others of its process are dead. Whatever the kernel did for it is
 * brought into the queue of receptions, that at hand first again; true when there is one. `fates'
 * has room for params.sends of enum ring_fate. From then on a turn brings nothing, a queued send is
 * made at once, and the file that it names is a descriptor. */
bool ring_salvage(struct ring *ring, uint8_t *fates);
