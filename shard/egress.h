/* egress.h - outputs and their trains: what leaves, in order (steps 9, 10 and 11).
 *
 * Per output the order of datagrams is kept through all that may happen to a train (train.h). One
 * that the path refuses (EIO, EINVAL, EMSGSIZE) is resent datagram by datagram, and its output
 * sends no trains any more; until the first train of an output has succeeded no second one is in
 * flight, so that not even this fallback reorders. Nor does anything follow a zero-copy send
 * (zerocopy.h) of a shape that its output has not taken yet before it is known to be under way: it
 * may have to be copied. In all these cases the train that must be answered first is `awaited'.
 *
 * Here is what gathers datagrams; egress_send.h sends and settles what was gathered. Shard thread
 * only.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "shard/counters.h"
#include "shard/ingress.h"
#include "shard/pool.h"
#include "shard/ring.h"
#include "shard/rule.h"
#include "shard/train.h"
#include "shard/zerocopy.h"
#include "src/base/arena.h"

enum egress_gso {
	GSO_OFF,      /* not wanted, not possible, or refused once */
	GSO_UNPROVEN, /* no train has succeeded yet: one at a time */
	GSO_PROVEN,
};

struct egress_output {
	const struct rule_table_output *rule;
	struct output_stats *stats;
	struct train_path path;
	int fd;
	uint32_t file; /* in the ring */
	struct train_queue queue;
	uint32_t in_flight;
	uint32_t newest;          /* train queued to the ring last */
	uint32_t awaited;         /* train in flight that nothing may follow before its answer */
	uint32_t segment_max;     /* largest datagram that may be in a train: MTU less headers */
	uint32_t train_bytes_max; /* 65507 or 65487 */
	struct zerocopy_output zerocopy;
	uint64_t tokens_bits;  /* rate=: may be sent now */
	uint64_t tokens_at_ns; /* when tokens_bits was true */
	uint8_t gso;           /* enum egress_gso */
	bool dirty;            /* in the dirty list */
};

struct egress {
	struct ring *ring;
	struct pool *pool;
	struct train *trains;
	struct egress_output *outputs;
	uint32_t *dirty; /* outputs with something to flush */
	uint32_t dirty_count;
	uint32_t output_count;
	uint32_t train_count;
	uint32_t free;               /* list of free trains */
	uint32_t in_flight;          /* trains queued to the ring and not answered */
	uint32_t held;               /* trains answered that a device still reads */
	struct zerocopy zerocopy;    /* set up by the shard when an output uses it */
	uint32_t train_max;          /* datagrams a train, at most UDP_SEGMENTS_NEW_MAX */
	struct batch_stats *batches; /* outlives the egress */
	uint64_t queued;             /* sends queued since start */
	uint64_t now_ns;             /* of this turn; kept only when an output has a rate */
	bool has_rate;
};

/* Cuts outputs and trains off `arena', which may be one that counts. */
void egress_cut(struct egress *eg, uint32_t output_count, uint32_t train_count,
		struct arena *arena);

/* All trains free and all outputs empty, to be opened by egress_open_output. */
void egress_init(struct egress *eg, uint32_t train_max, struct pool *pool);

/* How an output's socket was opened. */
struct egress_socket {
	int fd;
	uint32_t file;
	bool connected;
	bool gso;                /* wanted and known to the kernel */
	uint32_t mtu;            /* of the path; 0: unknown, 1500 is assumed */
	uint32_t zerocopy_bytes; /* shortest train sent without copying; 0: none. Needs a ring that
				  * can, and eg->zerocopy */
};

void egress_open_output(struct egress *eg, uint32_t output, const struct rule_table_output *rule,
			const struct egress_socket *sock, struct output_stats *stats);

/* What an output has not taken yet of a datagram, for want of a free train. */
struct egress_rest {
	const struct datagram *d;
	struct train_meta meta;
	uint32_t output;
	uint32_t per_send; /* datagrams that may travel in one send */
	uint32_t done;     /* datagrams taken */
	uint32_t at;       /* payload bytes taken */
};

/* Appends `d' to `output': offered, then sent or counted as dropped, sooner or later. False when
 * every train is in use: `rest' is what was not taken. Then the caller makes room, by flushing and
 * a ring turn, and appends the rest before anything else of this output; or drops it. */
bool egress_append(struct egress *eg, uint32_t output, const struct datagram *d,
		   struct egress_rest *rest);
bool egress_append_rest(struct egress *eg, struct egress_rest *rest);

/* The rest will never be sent, since the ring failed: counts it as `send_error'. */
void egress_drop_rest(struct egress *eg, const struct egress_rest *rest);

/* Whether a datagram that needs a train of its own would find one. */
static inline bool egress_has_train(const struct egress *eg)
{
	return eg->free != TRAIN_NONE;
}

/* Whether something waits to be flushed or answered. */
static inline bool egress_busy(const struct egress *eg)
{
	return eg->dirty_count > 0 || eg->in_flight > 0 || eg->held > 0;
}

/* Notes that `output' has something to flush. */
static inline void egress_mark_dirty(struct egress *eg, uint32_t output)
{
	struct egress_output *o = &eg->outputs[output];

	if (!o->dirty) {
		o->dirty = true;
		eg->dirty[eg->dirty_count++] = output;
	}
}
