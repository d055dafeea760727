/* ring_engine.h - what an engine implements; included by ring.c, the engines and the test's fake.
 *
 * ring.c holds the public functions of ring.h, each one indirect call; the two event queues are
 * plain arrays in the arena that every engine fills in its turn and ring.c empties.
 */
#pragma once

#include "shard/ring.h"

struct ring_ops {
	void (*close)(struct ring *ring);
	int (*add_file)(struct ring *ring, int fd);
	void (*remove_file)(struct ring *ring, uint32_t file);
	int (*arm_wake)(struct ring *ring, int eventfd);
	uint32_t (*room)(const struct ring *ring, unsigned group);
	void (*lend)(struct ring *ring, unsigned group, uint16_t index, unsigned char *base);
	int (*reclaim)(struct ring *ring, unsigned group);
	void (*arm_recv)(struct ring *ring, uint32_t flow, uint32_t file, unsigned group);
	void (*cancel_recv)(struct ring *ring, uint32_t flow);
	void (*queue_send)(struct ring *ring, uint32_t file, const struct msghdr *msg, uint32_t token);
	int (*turn)(struct ring *ring, uint32_t wait_us);
};

/* First member of every engine's struct. The queues are circular: head and tail run freely, the
 * capacities are powers of two. */
struct ring {
	const struct ring_ops *ops;
	struct ring_stats *stats;
	struct ring_recv *recvs;
	struct ring_sent *sents;
	uint32_t recv_head, recv_tail, recv_mask;
	uint32_t sent_head, sent_tail, sent_mask;
	bool woken;
};

/* Arena bytes of the two queues, and their set-up. */
size_t ring_queues_bytes(const struct ring_params *params);
void ring_queues_init(struct ring *ring, const struct ring_params *params, struct arena *arena);

void ring_push_recv(struct ring *ring, const struct ring_recv *event);
void ring_push_sent(struct ring *ring, uint32_t token, int32_t res);

size_t ring_uring_arena_bytes(const struct ring_params *params);
int ring_uring_probe(struct err *err);
int ring_uring_open(const struct ring_params *params, struct arena *arena, struct ring **out,
                    struct err *features, struct err *err);

size_t ring_mmsg_arena_bytes(const struct ring_params *params);
int ring_mmsg_open(const struct ring_params *params, struct arena *arena, struct ring **out,
                   struct err *features, struct err *err);
