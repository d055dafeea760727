/* engine.h - what an engine implements; included by ring.c, the engines and the test's fake.
 *
 * Of io_uring's engine, ring/uring_setup.c and ring/uring_probe.c define what is declared here, of
 * the other ring/mmsg.c. ring.c holds the public functions of ring.h, each one indirect call; the
 * two event queues are plain arrays in the arena that every engine fills in its turn and ring.c
 * empties. ring.c also counts the slots lent to each group - a slot counts from ring_lend until its
 * event is taken or it is reclaimed - so that the queues' bound holds whatever an engine does.
 */
#pragma once

#include <errno.h>

#include "shard/journal.h"
#include "shard/ring.h"
#include "shard/ring/pace.h"
#include "src/base/must.h"

/* Engines may rely on what ring.c checked: tokens and groups in range, room for a lent slot. They
 * know a flow by its index (RING_FLOW_INDEX); struct ring_flow has the token. */
struct ring_ops {
	/* What it had opened is closed again when it fails. */
	int (*open)(struct ring *ring, const struct ring_params *params, struct err *features,
		    struct err *err);
	void (*close)(struct ring *ring);
	/* As ring_grow; `ring' has its old sizes. Writes nothing with an arena that counts. */
	void (*grow)(struct ring *ring, uint32_t flows, uint32_t files, struct arena *arena);
	int (*add_file)(struct ring *ring, int fd);
	void (*remove_file)(struct ring *ring, uint32_t file);
	int (*arm_wake)(struct ring *ring, int eventfd);
	void (*lend)(struct ring *ring, unsigned group, uint16_t index, unsigned char *base);
	int (*reclaim)(struct ring *ring, unsigned group); /* the slot's index, or -ENOENT */
	void (*arm_recv)(struct ring *ring, uint32_t flow, uint32_t file, unsigned group);
	void (*cancel_recv)(struct ring *ring, uint32_t flow);
	void (*queue_send)(struct ring *ring, uint32_t file, const struct msghdr *msg,
			   uint32_t token);
	/* `buffer': usable, or -1. NULL in engines that never set `zerocopy'. */
	void (*queue_send_zc)(struct ring *ring, uint32_t file, const struct msghdr *msg,
			      uint32_t token, int buffer);
	/* From now on the kernel polls the devices' queues so long before a wait sleeps; 0: not.
	 * Refused: -errno, and as before. */
	int (*busy_poll)(struct ring *ring, uint32_t busy_poll_us);
	int (*turn)(struct ring *ring, uint32_t wait_us);
	/* NULL where nothing is gained. */
	void (*submit)(struct ring *ring);
	/* As ring_salvage, but for what is in the queues. NULL in the fake, whose thread does not
	 * die. */
	void (*salvage)(struct ring *ring, uint8_t *fates);
};

/* One flow as every engine sees it. */
struct ring_flow {
	uint32_t token; /* it was armed with last */
	uint8_t group;
	bool armed;   /* from ring_arm_recv until its `ended' event is queued */
	bool starved; /* ended for want of a slot and not armed since */
};

/* First member of every engine's struct. The queues are circular: head and tail run freely, the
 * capacities are powers of two. All but what the engine sets is kept by the functions below. */
struct ring {
	const struct ring_ops *ops;
	struct ring_stats *stats;
	struct ring_recv *recvs;
	struct ring_sent *sents;
	uint64_t recv_done; /* the next to be taken, or one less: that one is at hand */
	uint64_t recv_head, recv_tail;
	uint32_t recv_mask;
	uint32_t sent_head, sent_tail, sent_mask;
	uint32_t depth[RING_GROUP_COUNT];    /* most slots lent */
	uint32_t lent[RING_GROUP_COUNT];     /* slots lent, those in queued events included */
	uint32_t unfilled[RING_GROUP_COUNT]; /* of these, the ones in no event yet */
	uint32_t armed[RING_GROUP_COUNT];    /* flows that receive into the group */
	uint32_t starved_count;              /* flows with `starved' set */
	uint32_t flows, sends;               /* bounds of the tokens */
	struct ring_waits waits;             /* of this turn */
	struct pace pace;                    /* chooses them, with a budget of latency */
	uint64_t paced;                      /* the recv_tail that it has seen */
	uint32_t busy_poll_us;               /* what the engine was told last, and took */
	bool queue_known;                    /* busy polling finds something: see ring_tell_queue */
	struct ring_flow *flow_states;
	uint32_t buffer_count;   /* areas to register that were asked for */
	uint32_t buffers_usable; /* a bit for each that zero-copy sends may name; by the engine */
	bool zerocopy;           /* possible; set by the engine */
	bool woken;
};

/* Aborts unless `params' keep the bounds of limits.h and ring.h. */
void ring_params_check(const struct ring_params *params);

/* Cuts the queues and flow states, and sets up all of struct ring but `ops' and `stats'. */
void ring_queues_cut(struct ring *ring, const struct ring_params *params, struct arena *arena);

/* Notes that the flow of token `flow' is armed; ring_push_recv notes its end. */
void ring_start_flow(struct ring *ring, uint32_t flow, unsigned group);

/* `event' names the flow by its index. */
static inline void ring_push_recv(struct ring *ring, const struct ring_recv *event)
{
	struct ring_flow *flow = &ring->flow_states[event->flow];
	struct ring_recv *at = &ring->recvs[ring->recv_tail & ring->recv_mask];

	must(ring->recv_tail - ring->recv_done <= ring->recv_mask);
	*at = *event;
	at->flow = flow->token;
	journal_step();
	ring->recv_tail++;
	journal_step();
	ring->unfilled[event->group] -= event->has_slot;
	if (event->ended) {
		must(flow->armed);
		flow->armed = false;
		flow->starved = event->res == -ENOBUFS;
		ring->starved_count += flow->starved;
		ring->armed[event->group]--;
	}
}

static inline void ring_push_answer(struct ring *ring, const struct ring_sent *answer)
{
	must(ring->sent_tail - ring->sent_head <= ring->sent_mask);
	ring->sents[ring->sent_tail & ring->sent_mask] = *answer;
	journal_step();
	ring->sent_tail++;
	journal_step();
}

static inline void ring_push_sent(struct ring *ring, uint32_t token, int32_t res)
{
	ring_push_answer(ring, &(struct ring_sent){.token = token, .res = res});
}

/* Whether the datagram in slot `index' of `group' is among those queued, the one at hand included.
 */
bool ring_has_slot(const struct ring *ring, unsigned group, uint16_t index);

/* Whether an event waits to be taken: then a turn does not sleep. */
static inline bool ring_has_events(const struct ring *ring)
{
	return ring->recv_head != ring->recv_tail || ring->sent_head != ring->sent_tail ||
	       ring->woken;
}

/* How long a turn asked to wait `wait_us' may sleep: not at all while events wait to be taken, and
 * with `unanswered' sends at most RING_ANSWER_LAG_US, or not at all if receives lack slots that the
 * answers may free. */
uint32_t ring_bounded_wait_us(const struct ring *ring, uint32_t wait_us, bool unanswered);

/* The smallest power of two that is at least `n', and at least 1. */
uint32_t ring_power_of_two(uint32_t n);

/* Payload bytes of a message: what a send of it returns when it succeeds. */
int32_t ring_msg_bytes(const struct msghdr *msg);

/* Appends " name" (without the blank when it is the first) to a features text. */
void ring_feature_add(struct err *features, const char *name);

/* What the table in engines.c names. A ring that was cut has its `ops'. */
struct ring *ring_uring_cut(const struct ring_params *params, struct arena *arena);
size_t ring_uring_locked_bytes(const struct ring_params *params, uint32_t rings);
int ring_uring_probe(struct err *err);
int ring_uring_probe_busy_poll(void);

/* In ring/finish.c: of a ring whose thread is dead. Files are descriptors, and sends are made at
 * once. */
extern const struct ring_ops ring_finish_ops;

struct ring *ring_mmsg_cut(const struct ring_params *params, struct arena *arena);
int ring_mmsg_probe(struct err *err);
int ring_mmsg_probe_busy_poll(void);
