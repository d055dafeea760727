/* counters.h - every counter, each with one writer (DESIGN section 7).
 *
 * Written by the shard, read by the control thread: relaxed atomics on the shard's own cache
 * lines, which compile to plain adds. Identities that must hold whenever a shard is quiet:
 *
 *     flow:    received = relayed + sum(drops)
 *     output:  offered  = sent + sum(drops),  offered = the flow's relayed
 *     pool:    free + in ring + held = all
 *
 * A train counts as the datagrams in it. Kernel-side losses happen before `received' and are
 * reported beside it.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "shard/limits.h"

typedef _Atomic uint64_t stat_t; /* the one typedef: keeps `_Atomic' out of every line */

static inline void stat_add(stat_t *counter, uint64_t n)
{
	/* One writer: no locked instruction is needed, only no tearing. */
	__atomic_store_n((uint64_t *)counter,
			 __atomic_load_n((uint64_t *)counter, __ATOMIC_RELAXED) + n,
			 __ATOMIC_RELAXED);
}

static inline void stat_set(stat_t *counter, uint64_t value)
{
	__atomic_store_n((uint64_t *)counter, value, __ATOMIC_RELAXED);
}

static inline uint64_t stat_get(const stat_t *counter)
{
	return __atomic_load_n((const uint64_t *)counter, __ATOMIC_RELAXED);
}

/* Why a received datagram was relayed to no output. */
enum flow_drop {
	FLOW_DROP_TRUNCATED, /* larger than its buffer: never relayed cut; its class moves up */
	FLOW_DROP_CONTROL,   /* control data did not fit: segment size or TTL unknown */
	FLOW_DROP_FOREIGN,   /* not from the source that the rule names */
	FLOW_DROP_LOOP,      /* came from one of our own egress sockets */
	FLOW_DROP_SHUTDOWN,  /* still queued in the socket when draining ended */
	FLOW_DROP_COUNT,
};

/* Why a relayed datagram did not leave by one output. */
enum output_drop {
	OUTPUT_DROP_EGRESS_FULL,  /* EAGAIN: the socket's send buffer is full */
	OUTPUT_DROP_QDISC,        /* ENOBUFS: the queueing discipline refused it */
	OUTPUT_DROP_UNREACHABLE,  /* EHOSTUNREACH, ENETUNREACH, ECONNREFUSED, EHOSTDOWN, ... */
	OUTPUT_DROP_TOO_BIG,      /* EMSGSIZE */
	OUTPUT_DROP_DENIED,       /* EPERM, EACCES: a firewall or a restriction */
	OUTPUT_DROP_LINK_DOWN,    /* ENETDOWN, ENODEV, ENXIO */
	OUTPUT_DROP_RATE_LIMITED, /* rate= */
	OUTPUT_DROP_TTL_EXPIRED,  /* ttl=dec reached zero */
	OUTPUT_DROP_SEND_ERROR,   /* any other errno */
	OUTPUT_DROP_COUNT,
};

struct flow_stats {
	stat_t received;       /* datagrams handed to us */
	stat_t received_bytes; /* payload */
	stat_t relayed;        /* datagrams offered to every output */
	stat_t drops[FLOW_DROP_COUNT];
	stat_t trains;        /* receptions that held more than one datagram */
	stat_t kernel_drops;  /* at the socket, before we saw them: SK_MEMINFO_DROPS, without end */
	stat_t rearms;        /* multishots started, the first one included */
	stat_t starved;       /* multishots that ended for want of a buffer (nothing is lost) */
	stat_t longest_bytes; /* of a truncated datagram: its real length */
	stat_t recv_errors;   /* receives that failed, each tried again a little later */
	stat_t recv_errno;    /* of the last of them */
} __attribute__((aligned(64)));

enum zerocopy_off {
	ZEROCOPY_OFF_NOT,     /* it has not, or never wanted to */
	ZEROCOPY_OFF_COPIED,  /* ZEROCOPY_COPIED_MAX in a row were copied */
	ZEROCOPY_OFF_REFUSED, /* ZEROCOPY_REFUSED_MAX in a row were refused */
};

struct output_stats {
	stat_t offered;
	stat_t sent;
	stat_t sent_bytes;
	stat_t trains;     /* sends that carried more than one datagram */
	stat_t sends;      /* send operations, retries included */
	stat_t resent;     /* datagrams sent again one by one after their train was refused */
	stat_t gso_off;    /* errno that made this output stop sending trains, or 0 */
	stat_t zc_sent;    /* sends that the kernel made without copying the payload */
	stat_t zc_copied;  /* zero-copy sends of which it copied the payload after all */
	stat_t zc_refused; /* zero-copy sends that it refused; each was sent again by copying */
	stat_t zc_off;     /* enum zerocopy_off: why this output has stopped trying */
	stat_t zc_errno;   /* of the last refusal, or 0 */
	stat_t drops[OUTPUT_DROP_COUNT];
} __attribute__((aligned(64)));

/* Copied from the pool by pool_publish_stats at the end of each turn. Slots. */
struct pool_class_stats {
	stat_t taken;      /* by the kernel's ring or by hand, since start */
	stat_t returned;   /* of these */
	stat_t in_use;     /* in ring + held: taken - returned */
	stat_t in_ring;    /* lent to the kernel */
	stat_t high_water; /* most ever in use at once */
	stat_t exhausted;  /* takes that found nothing free */
} __attribute__((aligned(64)));

struct ring_stats {
	stat_t syscalls; /* every system call of the engine after start */
	stat_t turns;
	stat_t sends_queued;
	stat_t sq_full;     /* submissions forced by a full queue */
	stat_t cq_overflow; /* times the kernel had to keep completions aside (nothing is lost) */
	stat_t early_submits;
	stat_t buffers_bytes;   /* of the areas that are registered */
	stat_t buffers_refused; /* areas that the kernel did not register */
	stat_t buffer_hits;     /* sends from a registered area */
	stat_t buffer_misses;   /* zero-copy sends that could have been, but: no one area holds all
				 * of the payload, its area was refused, the kernel cannot */
} __attribute__((aligned(64)));

/* How large batches are, in powers of two: bucket 0 counts zeros, bucket b sizes from 2^(b-1) up to
 * 2^b - 1, the last one everything beyond. */
#define BATCH_BUCKETS 12

struct batch_stats {
	stat_t received[BATCH_BUCKETS]; /* receptions (datagrams or trains) a turn */
	stat_t sends[BATCH_BUCKETS];    /* sends a turn */
	stat_t trains[BATCH_BUCKETS];   /* datagrams a send */
} __attribute__((aligned(64)));

static inline unsigned batch_bucket(uint32_t size)
{
	unsigned bucket = size == 0 ? 0 : 32 - (unsigned)__builtin_clz(size);

	return bucket < BATCH_BUCKETS ? bucket : BATCH_BUCKETS - 1;
}

static inline const char *flow_drop_name(enum flow_drop drop)
{
	static const char *const names[FLOW_DROP_COUNT] = {
		[FLOW_DROP_TRUNCATED] = "truncated", [FLOW_DROP_CONTROL] = "control_truncated",
		[FLOW_DROP_FOREIGN] = "foreign",     [FLOW_DROP_LOOP] = "loop",
		[FLOW_DROP_SHUTDOWN] = "shutdown",
	};

	return names[drop];
}

static inline const char *output_drop_name(enum output_drop drop)
{
	static const char *const names[OUTPUT_DROP_COUNT] = {
		[OUTPUT_DROP_EGRESS_FULL] = "egress_full",
		[OUTPUT_DROP_QDISC] = "qdisc",
		[OUTPUT_DROP_UNREACHABLE] = "unreachable",
		[OUTPUT_DROP_TOO_BIG] = "too_big",
		[OUTPUT_DROP_DENIED] = "denied",
		[OUTPUT_DROP_LINK_DOWN] = "link_down",
		[OUTPUT_DROP_RATE_LIMITED] = "rate_limited",
		[OUTPUT_DROP_TTL_EXPIRED] = "ttl_expired",
		[OUTPUT_DROP_SEND_ERROR] = "send_error",
	};

	return names[drop];
}
