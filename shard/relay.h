/* relay.h - one turn of a shard: the steps of a datagram's life, in order.
 *
 * The relay ties ring, pool, ingress and egress together and knows nothing of threads or memory
 * placement. relay_turn is the whole hot path. Everything it touches belongs to the calling shard
 * thread.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "shard/egress.h"
#include "shard/ingress.h"
#include "shard/mailbox.h"
#include "shard/pool.h"
#include "shard/ring.h"

enum relay_phase {
	RELAY_RUNNING,
	RELAY_DRAINING, /* groups left; relaying what is still queued */
	RELAY_STOPPED,
};

/* The flow that has taken most receptions of a group in this window. */
struct relay_greed {
	uint32_t flow; /* token */
	uint32_t taken;
};

/* How many slots for trains are lent; see relay_hot.h. */
struct relay_hot {
	uint32_t least;  /* where it begins; 0: it never changes */
	uint32_t most;   /* now */
	uint32_t pieces; /* receptions into such slots in this window, and ... */
	uint64_t bytes;  /* ... of payload in them */
};

#define RELAY_RANKS (2 * RULE_LEVELS) /* see band_rank */

struct relay {
	struct ring *ring;
	struct pool *pool;
	struct egress *egress;
	struct flow_place **rooms; /* of ROOM_FLOWS places each; see relay_flows.h */
	struct mailbox *mailbox;
	struct relay_merge *merges;    /* a list; relay_merge.h */
	uint64_t merges_ns;            /* when they were looked at last */
	struct relay_breaker *breaker; /* relay_breaker.h */
	uint32_t place_count;
	uint32_t free_first;                  /* list of free places */
	struct place_list ended[RELAY_RANKS]; /* flows to be armed again, rank by rank, in order */
	uint32_t ended_count;
	uint32_t armed_count;
	uint32_t retrying_count; /* of the ended: their receive failed, and is tried again later */
	struct relay_greed greed[RING_GROUP_COUNT];
	struct relay_hot hot;
	uint32_t in_group[RING_GROUP_COUNT]; /* flows that receive into it, or are to */
	uint32_t window;                     /* number of this window of turns (relay_band.h) */
	uint32_t window_turns;               /* of it so far */
	uint32_t sample_every; /* of receptions that come with a stamp one is timed; 0: none */
	uint32_t sample_left;  /* until the next one */
	uint32_t sample_seed;  /* of the distances between them */
	uint32_t look_at;      /* place of the flow whose kernel drops are looked at next */
	bool arms_left;        /* some of `ended' could be armed, but not in the turn that began */
	struct shard_message *change; /* being carried out (change.h); NULL: none */
	enum relay_phase phase;
	int failed;            /* -errno of a ring turn; nothing is sent any more */
	uint64_t drain_ns;     /* longest time draining may take */
	uint64_t drain_end_ns; /* when draining gives up */
	uint64_t answer_ns;    /* longest time without an answer, until the ring has failed */
	uint64_t stop_end_ns;  /* when a stopped relay waits no longer for devices */
};

/* One turn; 0 while there is more to do, 1 when stopped, -errno when the ring failed for good. Then
 * everything has been counted, and no other turn may follow. */
int relay_turn(struct relay *r);

static inline struct flow_place *relay_place(const struct relay *r, uint32_t index)
{
	return &r->rooms[index / ROOM_FLOWS][index % ROOM_FLOWS];
}

/* Before the first turn: lends buffers and arms every flow; the groups must have been joined, or be
 * joined next. */
void relay_start(struct relay *r);

/* Hands `d' to each output of `flow', or to one; each train that will send from its slot holds
 * that.
 */
void relay_hand_out(struct relay *r, const struct ingress_flow *flow, const struct datagram *d);
void relay_hand_to(struct relay *r, uint32_t output, const struct datagram *d);
