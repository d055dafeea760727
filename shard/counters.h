/* counters.h - every counter, in one table: its name, unit and kind, and what it counts.
 *
 * A family is a list of rows, X(member, "name", "unit", KIND, "what it counts"). From the rows come
 * the member of the struct that a shard counts in, and the entry in counter_families, which all
 * that show counters walk: the exit report, the comparison with the manual and with
 * doc/TROUBLESHOOTING.md. So a new counter is one row and the place that counts. The drops of a
 * flow and of an output are X(ID, "name", "what it counts") and count datagrams; they form an enum
 * and an array, since the code that drops chooses among them.
 *
 * Written by the shard, read by the control thread: relaxed atomics on the shard's own cache
 * lines, which compile to plain adds. What is counted for every datagram stands first in its
 * family and so on its first cache line. Identities that must hold whenever a shard is quiet:
 *
 *     flow:    received = relayed + sum(drops)
 *     output:  offered  = sent + sum(drops),  offered = the flow's relayed
 *     pool:    free + in ring + held = all
 *
 * A train counts as the datagrams in it. Kernel-side losses happen before `received' and are
 * reported beside it.
 */
#pragma once

#include <assert.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

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

/* ---- the rows ---- */

#define FLOW_COUNTERS(X)                                                                          \
	X(received, "received", "datagrams", COUNT, "received from the kernel")                   \
	X(received_bytes, "received_bytes", "bytes", COUNT, "payload of these")                   \
	X(relayed, "relayed", "datagrams", COUNT, "offered to every output")                      \
	X(trains, "trains", "trains", COUNT, "receptions of more than one datagram")              \
	X(pieces, "pieces", "receptions", COUNT, "received, a train as one")                      \
	X(kernel_drops, "kernel_drops", "datagrams", COUNT,                                       \
	  "dropped at the socket; a train as one")                                                \
	X(not_mine, "not_mine", "datagrams", COUNT,                                               \
	  "refused as another shard's share; a train as one")                                     \
	X(rearms, "rearms", "receives", COUNT, "multishot receives started, the first included")  \
	X(starved, "starved", "receives", COUNT, "ended for want of a buffer; nothing is lost")   \
	X(set_apart, "set_apart", "times", COUNT,                                                 \
	  "given few buffers of its own: it starved others")                                      \
	X(circles, "circles", "times", COUNT,                                                     \
	  "its datagrams were found to come back by way of other hosts")                          \
	X(circling, "circling", "flag", GAUGE, "1 while they do, and are kept out")               \
	X(recv_errors, "recv_errors", "receives", COUNT, "failed and tried again a little later") \
	X(recv_errno, "recv_errno", "errno", ERRNO, "of the last of these, or 0")                 \
	X(longest_bytes, "longest_bytes", "bytes", GAUGE, "longest datagram that was truncated")  \
	X(napi_id, "napi_id", "number", GAUGE,                                                    \
	  "of the device's queue that the kernel polls for it, or 0")                             \
	X(relayed_others, "relayed_others", "datagrams", COUNT,                                   \
	  "offered to its outputs by legs of its feed that have left")

/* Why a received datagram was relayed to no output. */
#define FLOW_DROPS(X)                                                                            \
	X(TRUNCATED, "truncated", "larger than its buffer; never relayed cut")                   \
	X(CONTROL, "control_truncated", "control data did not fit: segment size or TTL unknown") \
	X(FOREIGN, "foreign", "not from the source that the rule names")                         \
	X(LOOP, "loop", "came from one of our own egress sockets")                               \
	X(CIRCLED, "circled", "came again by way of other hosts; the breaker kept it out")       \
	X(STALE, "stale", "had waited in the kernel for longer than max-age=")                   \
	X(DUPLICATE, "duplicate", "another leg of the feed has brought it before")               \
	X(REPEATED, "repeated", "this leg of the feed has brought it before")                    \
	X(LATE, "late", "behind the other legs by more than skew= or window=")                   \
	X(UNMATCHED, "unmatched", "its leg is no copy of what the others bring")                 \
	X(UNNUMBERED, "no_number", "seq= finds no number in it")                                 \
	X(UNSELECTED, "unselected", "failover= relays another leg")                              \
	X(STANDBY, "standby", "its rule stands by, and relays nothing")                          \
	X(SHUTDOWN, "shutdown", "still queued in the socket when draining ended")

#define OUTPUT_COUNTERS(X)                                                                       \
	X(offered, "offered", "datagrams", COUNT, "relayed to this output")                      \
	X(sent, "sent", "datagrams", COUNT, "taken by the kernel")                               \
	X(sent_bytes, "sent_bytes", "bytes", COUNT, "payload of these")                          \
	X(trains, "trains", "trains", COUNT, "sends of more than one datagram")                  \
	X(sends, "sends", "sends", COUNT, "send operations, retries included")                   \
	X(resent, "resent", "datagrams", COUNT, "sent one by one after their train was refused") \
	X(gso_off, "gso_off", "errno", ERRNO, "that trains are given up for at present, or 0")   \
	X(send_errno, "send_errno", "errno", ERRNO, "of the last send that failed, or 0")        \
	X(icmp_errors, "icmp_errors", "errors", COUNT,                                           \
	  "of ICMP, about what it sent or said to be")                                           \
	X(replies, "replies", "datagrams", COUNT, "with reply=yes: came back to its port")       \
	X(replies_sent, "replies_sent", "datagrams", COUNT, "of these, to who asked last")

#define OUTPUT_ZEROCOPY(X)                                                          \
	X(zc_sent, "sent", "sends", COUNT, "whose payload the kernel did not copy") \
	X(zc_copied, "copied", "sends", COUNT, "whose payload it copied after all") \
	X(zc_refused, "refused", "sends", COUNT,                                    \
	  "that it refused; each was sent again by copying")                        \
	X(zc_errno, "refused_errno", "errno", ERRNO, "of the last of these, or 0")  \
	X(zc_off, "off", "reason", REASON, "why this output has stopped trying, or no")

/* Of the sends that --latency-sample has picked: from the kernel's time stamp of what it received
 * until the send is handed to the ring. */
#define OUTPUT_LATENCY(X)                                                             \
	X(latency_samples, "samples", "sends", COUNT, "that were timed")              \
	X(latency_sum_us, "sum_us", "microseconds", COUNT, "of all of them together") \
	X(latency_longest_us, "longest_us", "microseconds", GAUGE, "of the slowest")

/* X(member, "name", "unit", "what the buckets hold"). */
#define OUTPUT_LATENCY_HISTOGRAM(X) \
	X(latency, "sends_by_us", "sends", "timed ones, by microseconds")

/* Why a relayed datagram did not leave by one output. */
#define OUTPUT_DROPS(X)                                                                     \
	X(EGRESS_FULL, "egress_full", "the socket's send buffer is full: EAGAIN")           \
	X(QDISC, "qdisc", "the queueing discipline refused it: ENOBUFS")                    \
	X(UNREACHABLE, "unreachable", "no route, neighbour or listener: EHOSTUNREACH, ...") \
	X(TOO_BIG, "too_big", "larger than the path allows: EMSGSIZE")                      \
	X(DENIED, "denied", "a firewall or a restriction: EPERM, EACCES")                   \
	X(LINK_DOWN, "link_down", "the interface is down, without a carrier, or gone")      \
	X(PENDING, "pending", "its socket could not be opened yet")                         \
	X(NO_SOURCE, "no_source", "its source address (src=) is not this host's")           \
	X(RATE_LIMITED, "rate_limited", "beyond rate=")                                     \
	X(TTL_EXPIRED, "ttl_expired", "ttl=dec reached zero, or the default its end")       \
	X(SEND_ERROR, "send_error", "any other errno")

/* Of a rule with seq= or failover=, for each of its legs; see shard/merge.h. Numbers are counted
 * once they are settled: when they have left window= or skew= is over. */
#define LEG_COUNTERS(X)                                                                            \
	X(seen, "seen", "numbers", COUNT, "that this leg brought")                                 \
	X(lost, "lost", "numbers", COUNT, "that it did not bring, or too late")                    \
	X(before, "before", "numbers", COUNT, "from before its first")                             \
	X(only, "only", "numbers", COUNT, "that no other leg brought: saved by this one")          \
	X(filled, "filled", "datagrams", COUNT, "relayed behind newer ones: late, but not lost")   \
	X(overlap, "overlap", "datagrams", COUNT, "relayed though some of their numbers had been") \
	X(repeats, "repeats", "datagrams", COUNT, "whose numbers this leg had brought before")     \
	X(behind, "behind", "datagrams", COUNT, "farther behind than skew= or window=")            \
	X(restarts, "restarts", "times", COUNT, "went over to the numbers of a restart")           \
	X(unnumbered, "unnumbered", "datagrams", COUNT, "in which no number could be read")        \
	X(held, "held", "datagrams", GAUGE, "kept until the next one tells what they are")         \
	X(silences, "silences", "times", COUNT, "brought nothing for silent= while another did")   \
	X(silent, "silent", "flag", GAUGE, "1 while that lasts")                                   \
	X(skew_max_us, "skew_max_us", "microseconds", GAUGE, "most that it was behind the first")

/* X(member, "name", "unit", "what the buckets hold"). */
#define LEG_HISTOGRAM(X) \
	X(skew, "skew_by_us", "numbers", "one in 64, by microseconds behind the first")

#define MERGE_COUNTERS(X)                                                                 \
	X(relayed, "relayed", "datagrams", COUNT, "of all legs")                          \
	X(filled, "filled", "datagrams", COUNT, "of these behind newer ones")             \
	X(overlap, "overlap", "datagrams", COUNT, "of these with numbers relayed before") \
	X(numbers, "numbers", "numbers", COUNT, "settled")                                \
	X(delivered, "delivered", "numbers", COUNT, "of these, by any leg")               \
	X(shared, "shared", "numbers", COUNT, "of these, by more than one")               \
	X(only_left, "only_left", "numbers", COUNT, "of these, by a leg that has left")   \
	X(lost_all, "lost_all", "numbers", COUNT, "that no leg brought")                  \
	X(restarts, "restarts", "times", COUNT, "numbers began anew")                     \
	X(switches, "switches", "times", COUNT, "failover= took another leg")             \
	X(crowded, "crowded", "times", COUNT, "what was brought within skew= was forgotten")

/* Copied from the pool by pool_publish_stats at the end of each turn, and counted slot by slot by
 * pool_publish_census when the shard ends. */
#define POOL_COUNTERS(X)                                                        \
	X(taken, "taken", "slots", COUNT, "by the kernel's ring or by hand")    \
	X(returned, "returned", "slots", COUNT, "of these")                     \
	X(free, "free", "slots", GAUGE, "not in use")                           \
	X(in_ring, "in_ring", "slots", GAUGE, "lent to the kernel")             \
	X(held, "held", "slots", GAUGE, "of datagrams under way")               \
	X(leaked, "leaked", "slots", GAUGE,                                     \
	  "still held at the end with nothing under way: a defect")             \
	X(high_water, "high_water", "slots", GAUGE, "most ever in use at once") \
	X(exhausted, "exhausted", "takes", COUNT, "found nothing free")

#define RING_COUNTERS(X)                                                                      \
	X(syscalls, "syscalls", "calls", COUNT, "system calls of the engine after the start") \
	X(turns, "turns", "turns", COUNT, "of the shard's loop")                              \
	X(slept, "latency_sleeps", "turns", COUNT, "that --latency let sleep at once")        \
	X(gathered, "latency_gathers", "turns", COUNT, "that it let gather events")           \
	X(spun, "latency_spins", "turns", COUNT, "that it let watch for the next event")      \
	X(polled, "latency_polls", "turns", COUNT, "that it let the kernel poll a device")    \
	X(busy_poll_us, "busy_poll_us", "microseconds", GAUGE,                                \
	  "that the kernel polls devices for before a wait sleeps")                           \
	X(busy_poll_errno, "busy_poll_errno", "errno", ERRNO,                                 \
	  "that it refused --busy-poll with, or 0")                                           \
	X(longest_change_ns, "longest_change_ns", "nanoseconds", GAUGE,                       \
	  "most that a change of rules has taken of one turn")                                \
	X(sends_queued, "sends_queued", "sends", COUNT, "handed to the engine")               \
	X(sq_full, "sq_full", "calls", COUNT, "submissions forced by a full queue")           \
	X(cq_overflow, "cq_overflow", "times", COUNT, "the kernel kept completions aside")    \
	X(early_submits, "early_submits", "calls", COUNT, "submissions before a turn's end")  \
	X(buffers_bytes, "registered_bytes", "bytes", GAUGE, "registered with the kernel")    \
	X(buffers_refused, "registered_refused", "areas", GAUGE,                              \
	  "that the kernel did not register")                                                 \
	X(buffer_hits, "registered_hits", "sends", COUNT, "from a registered area")           \
	X(buffer_misses, "registered_misses", "sends", COUNT,                                 \
	  "zero-copy, but from no one such area")

/* X(member, "name", "unit", "what the buckets hold"): how large batches are, see counter_bucket_of.
 */
#define BATCH_COUNTERS(X)                                                               \
	X(received, "received_per_turn", "turns", "by receptions, datagrams or trains") \
	X(sends, "sends_per_turn", "turns", "by sends")                                 \
	X(trains, "datagrams_per_send", "sends", "by datagrams")

/* X(ID, "name"): why an output has stopped trying to send without copying. */
#define ZEROCOPY_REASONS(X)                                                  \
	X(NOT, "no")          /* it has not, or never wanted to */           \
	X(COPIED, "copied")   /* ZEROCOPY_COPIED_MAX in a row were copied */ \
	X(REFUSED, "refused") /* ZEROCOPY_REFUSED_MAX in a row were refused */

/* ---- what a shard counts in ---- */

#define COUNTER_MEMBER(member, ...)  stat_t member;
#define COUNTER_BUCKETS(member, ...) stat_t member[BATCH_BUCKETS];
#define COUNTER_LATENCY(member, ...) stat_t member[LATENCY_BUCKETS];
#define FLOW_DROP_ID(id, ...)        FLOW_DROP_##id,
#define OUTPUT_DROP_ID(id, ...)      OUTPUT_DROP_##id,
#define ZEROCOPY_OFF_ID(id, ...)     ZEROCOPY_OFF_##id,

#define BATCH_BUCKETS   12 /* of sizes: the last holds 1024 and more */
#define LATENCY_BUCKETS 24 /* of microseconds: the last holds 4.2 s and more */

enum flow_drop {
	FLOW_DROPS(FLOW_DROP_ID) FLOW_DROP_COUNT
};

enum output_drop {
	OUTPUT_DROPS(OUTPUT_DROP_ID) OUTPUT_DROP_COUNT
};

enum zerocopy_off {
	ZEROCOPY_REASONS(ZEROCOPY_OFF_ID) ZEROCOPY_OFF_COUNT
};

struct flow_stats {
	FLOW_COUNTERS(COUNTER_MEMBER)
	stat_t drops[FLOW_DROP_COUNT];
} __attribute__((aligned(64)));

struct output_stats {
	OUTPUT_COUNTERS(COUNTER_MEMBER)
	OUTPUT_ZEROCOPY(COUNTER_MEMBER)
	stat_t drops[OUTPUT_DROP_COUNT];
	OUTPUT_LATENCY(COUNTER_MEMBER)
	OUTPUT_LATENCY_HISTOGRAM(COUNTER_LATENCY)
} __attribute__((aligned(64)));

struct leg_stats {
	LEG_COUNTERS(COUNTER_MEMBER)
	LEG_HISTOGRAM(COUNTER_LATENCY)
} __attribute__((aligned(64)));

struct merge_stats {
	MERGE_COUNTERS(COUNTER_MEMBER)
} __attribute__((aligned(64)));

struct pool_class_stats {
	POOL_COUNTERS(COUNTER_MEMBER)
} __attribute__((aligned(64)));

struct ring_stats {
	RING_COUNTERS(COUNTER_MEMBER)
} __attribute__((aligned(64)));

struct batch_stats {
	BATCH_COUNTERS(COUNTER_BUCKETS)
} __attribute__((aligned(64)));

static_assert(offsetof(struct flow_stats, pieces) < 64, "each datagram's are on one cache line");
static_assert(offsetof(struct output_stats, sends) < 64, "each datagram's are on one cache line");

/* Which of `count' buckets holds `value'. In powers of two: bucket 0 counts zeros, bucket b values
 * from 2^(b-1) up to 2^b - 1, the last one everything beyond. */
static inline unsigned counter_bucket_of(uint64_t value, unsigned count)
{
	unsigned bucket = value == 0 ? 0 : 64 - (unsigned)__builtin_clzll(value);

	return bucket < count ? bucket : count - 1;
}

static inline unsigned batch_bucket(uint32_t size)
{
	return counter_bucket_of(size, BATCH_BUCKETS);
}

/* Counts one send that was timed. */
static inline void output_count_latency(struct output_stats *stats, uint64_t ns)
{
	uint64_t us = ns / 1000;

	stat_add(&stats->latency_samples, 1);
	stat_add(&stats->latency_sum_us, us);
	stat_add(&stats->latency[counter_bucket_of(us, LATENCY_BUCKETS)], 1);
	if (us > stat_get(&stats->latency_longest_us)) {
		stat_set(&stats->latency_longest_us, us);
	}
}

/* ---- for those that show counters ---- */

/* Whether what is dropped for this reason is no loss: another datagram that is the same was
 * relayed, or another leg is, or another machine relays. */
static inline bool flow_drop_is_copy(unsigned drop)
{
	return drop == FLOW_DROP_DUPLICATE || drop == FLOW_DROP_REPEATED ||
	       drop == FLOW_DROP_UNSELECTED || drop == FLOW_DROP_STANDBY;
}

/* The same of an output: one whose source address is elsewhere stands by, and whoever has it sends.
 */
static inline bool output_drop_is_standby(unsigned drop)
{
	return drop == OUTPUT_DROP_NO_SOURCE;
}

enum counter_kind {
	COUNTER_COUNT,     /* only grows; sums over flows, outputs and shards make sense */
	COUNTER_DROP,      /* the same, of datagrams that went no further */
	COUNTER_GAUGE,     /* goes up and down, or is a maximum */
	COUNTER_ERRNO,     /* of the last failure, or 0 */
	COUNTER_REASON,    /* an enum zerocopy_off; counter_reason is its word */
	COUNTER_HISTOGRAM, /* `buckets' values, see counter_bucket_of */
};

struct counter {
	const char *name; /* of letters, digits and _; unique in its family, drops in all */
	const char *unit;
	const char *help; /* what it counts */
	enum counter_kind kind;
	uint32_t offset;  /* in the struct that the family's values lie in */
	uint32_t buckets; /* values there: 1, but for a histogram */
};

struct counter_family {
	const char *name;  /* one word, before a counter's where families are mixed */
	const char *title; /* the heading of its section in the manual */
	const struct counter *rows;
	uint32_t count;
};

/* Those of an output stand together. */
enum counter_family_id {
	COUNTERS_FLOW,            /* in struct flow_stats */
	COUNTERS_FLOW_DROPS,      /* in struct flow_stats; by enum flow_drop */
	COUNTERS_OUTPUT,          /* in struct output_stats */
	COUNTERS_OUTPUT_ZEROCOPY, /* in struct output_stats */
	COUNTERS_OUTPUT_DROPS,    /* in struct output_stats; by enum output_drop */
	COUNTERS_OUTPUT_LATENCY,  /* in struct output_stats */
	COUNTERS_LEG,             /* in struct leg_stats */
	COUNTERS_MERGE,           /* in struct merge_stats */
	COUNTERS_POOL,            /* in struct pool_class_stats */
	COUNTERS_RING,            /* in struct ring_stats */
	COUNTERS_BATCHES,         /* in struct batch_stats */
	COUNTERS_FAMILY_COUNT,
};

extern const struct counter_family counter_families[COUNTERS_FAMILY_COUNT];

/* The value of `row' in `stats', the struct of its family; the first bucket of a histogram. Any
 * thread. */
uint64_t counter_get(const struct counter *row, const void *stats);

/* The value of bucket `bucket' of a histogram. */
uint64_t counter_bucket(const struct counter *row, const void *stats, unsigned bucket);

/* Adds what sums make sense of, histograms bucket by bucket. Both are the struct of the family. */
void counters_add(const struct counter_family *family, void *to, const void *from);

/* The word for the value of a COUNTER_REASON. */
const char *counter_reason(uint64_t value);
