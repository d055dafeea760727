/* ring_fake_engine.h - what the files of the fake share; nobody else includes it.
 *
 *     ring_fake.c         opens it and takes the test's wishes
 *     ring_fake_engine.c  carries them out behind ring_ops
 *     ring_fake_send.c    of these, what becomes of sends
 *     ring_fake_slot.c    writes what arrives
 */
#pragma once

#include "shard/ring/engine.h"
#include "tests/fake/ring_fake.h"

/* A delivered datagram that waits for its flow. */
struct fake_waiting {
	struct fake_datagram datagram;
	unsigned char *payload;
	struct fake_waiting *next;
};

#define FAKE_NO_FLOW UINT32_MAX

struct fake_flow {
	uint32_t file;
	uint32_t armed_next; /* was armed after it; FAKE_NO_FLOW: nobody */
	int32_t end_res;     /* 0: does not end by itself */
	bool cancelled;
	uint32_t cancel_turn; /* the turn in which a cancelled receive ends */
	struct fake_waiting *first;
	struct fake_waiting **last;
	uint32_t waiting_count;
};

struct fake_file {
	int fd; /* -1: not in use */
	int32_t fail_res;
	uint32_t fail_count;
};

struct fake_slot {
	unsigned char *base;
	uint16_t index;
};

struct fake_slots {
	struct fake_slot *ring; /* FIFO, `depth' entries */
	uint32_t head, count, mask;
	uint32_t slot_bytes;
};

struct fake {
	struct ring base;
	struct arena arena;
	struct fake_flow *flows;
	uint32_t armed_first, armed_last; /* list of those that are armed, in that order */
	struct fake_file *files;
	uint32_t file_count;
	struct fake_slots groups[RING_GROUP_COUNT];
	struct fake_send *sends;
	uint32_t send_count;
	uint32_t unanswered;
	uint32_t first_unanswered; /* no record before this one is */
	uint32_t held;
	uint32_t first_held; /* no record before this one is held */
	uint32_t return_count;
	bool keep_memory;
	bool say_copied;
	uint32_t *inflight; /* by token: record number plus one, or 0 */
	fake_decide_fn *decide;
	void *decide_context;
	fake_feed_fn *feed;
	void *feed_context;
	bool hold;
	bool reverse;
	unsigned shuffle; /* 0: not */
	uint32_t release_count;
	uint32_t burst;
	uint32_t cancel_delay;
	uint32_t send_delay;
	uint32_t turn_count;
	uint32_t last_wait_us;
	uint32_t busy_poll_us; /* taken last */
	uint32_t busy_poll_count;
	int32_t busy_poll_res;
	int32_t turn_res;
	uint32_t turn_res_after; /* turns that come before the one that fails */
	bool wake;
	int wake_fd;
};

extern const struct ring_ops fake_ops;

/* ring_fake.c: makes more flows and files, as ring_grow says. */
void fake_grow(struct ring *ring, uint32_t flows, uint32_t files, struct arena *arena);

/* ring_fake_send.c: answers what a turn answers; copies a message into its record. */
void fake_answer_sends(struct fake *f);
/* Of what is queued all but the last, between turns; nothing of sends that are held or delayed. */
void fake_answer_early(struct fake *f);
void fake_record_message(struct fake_send *send, const struct msghdr *msg);

/* ring_fake_slot.c: writes what waits into a slot. */
void fake_write_slot(unsigned char *base, uint32_t slot_bytes, const struct fake_waiting *w);

/* Zeroed memory from malloc; aborts when there is none. */
void *fake_zeroed(size_t count, size_t bytes);

static inline struct fake *fake_of(const struct ring *ring)
{
	must(ring->ops == &fake_ops);
	return (struct fake *)ring;
}
