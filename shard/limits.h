/* limits.h - the bounds that size a shard, tied to one another.
 *
 * A shard allocates nothing after start, so each array it owns has its size from here or from the
 * configuration, and the arena is their sum. A bound that concerns one file only stands there, with
 * a name. Units are in the names.
 */
#pragma once

#include <assert.h>
#include <stdint.h>

#define POOL_CLASS_COUNT 4 /* small, standard, jumbo, train */
#define POOL_SLOTS_MAX                                                    \
	32768 /* per class: a kernel buffer id has 16 bits, a buffer ring \
	       * at most 32768 entries */
#define UDP_PAYLOAD_MAX                                            \
	65535 /* IPv4 carries 65507, IPv6 65487 (no jumbograms); a \
	       * coalesced train at most 65535 */
#define UDP_PAYLOAD_MAX_V4   65507
#define UDP_PAYLOAD_MAX_V6   65487
#define UDP_SEGMENTS_OLD_MAX 64  /* UDP_MAX_SEGMENTS before Linux 6.9 */
#define UDP_SEGMENTS_NEW_MAX 128 /* from Linux 6.9 */

/* Slots lent at most, unless the operator says how many; class train has two (relay_hot.h). */
#define HOT_BYTES       (512 * 1024) /* half of a common 1 MiB L2: the other half is the kernel's */
#define HOT_TRAINS      32           /* to begin with */
#define HOT_TRAINS_MOST 128          /* while single datagrams lie in them */
#define HOT_TURN                                                        \
	64 /* so many of a socket come in a turn of io_uring: twice 32, \
	    * Linux's MULTISHOT_MAX_RETRY (measured, doc/TUNING.md) */

#define TRAIN_IOV_MAX       64  /* pieces gathered into one send: single datagrams or trains */
#define TRAIN_COUNT         256 /* trains a shard can have open or in flight */
#define TRAIN_CONTROL_BYTES 128 /* UDP_SEGMENT, TTL, TOS, PKTINFO */

#define ZEROCOPY_IOV_MAX     16    /* pieces of a zero-copy send: a packet has 17 fragments */
#define ZEROCOPY_AUTO_BYTES  32768 /* shorter sends gain nothing (measured, doc/TUNING.md) */
#define ZEROCOPY_COPIED_MAX  8     /* copied in a row, until an output stops trying */
#define ZEROCOPY_REFUSED_MAX 8     /* refused in a row, likewise */

#define SHARDS_MAX       1024
#define SHARD_FLOWS_MAX  65536
#define FLOW_OUTPUTS_MAX 1024 /* per rule and shard */

#define ROOM_FLOWS        8 /* places of a room, which is what tables grow by */
#define ROOM_OUTPUTS      16
#define SHARD_OUTPUTS_MAX (1 << PLACE_INDEX_BITS)
#define PLACE_INDEX_BITS  20    /* of a token; the rest counts holders */
#define PLACE_HOLDERS     0xfff /* all ones is no holder, so that no token is PLACE_NONE */

#define RING_ENTRIES_MAX 32768
#define RING_BANDS       3 /* of buffer groups, one of each class in each */
#define RING_GROUP_COUNT (RING_BANDS * POOL_CLASS_COUNT)
#define RING_BUFFERS_MAX 16 /* memory areas registered with a ring */
#define SQPOLL_IDLE_MS                                                       \
	20 /* without work, until the kernel's submitting thread sleeps: the \
	    * next send then has to wake it, which costs a system call */

/* Sends that succeed are silent on io_uring, so a turn that both sends and sleeps would answer them
 * only when it wakes: such a sleep is bounded, and none is made while receives starve. Longer than
 * the scheduler's tick, so that the bound seldom costs programming a timer. */
#define RING_ANSWER_LAG_US 20000

#define DRAIN_WAIT_US    10000  /* silence that counts as "nothing queued any more" */
#define RETRY_WAIT_US    10000  /* between a receive that failed and the next try; datagrams wait */
#define RELEASE_WAIT_US  200000 /* after the end, for devices that still read our memory */
#define FAIR_TURNS       64     /* over so many a flow's receptions are compared with others' */
#define FAIR_FILLS       4      /* times all slots lent, received in them, are a flood */
#define FAIR_RATIO       8      /* times what one that starves has received are too many */
#define BAND_KEPT_SHARE  4      /* of a class's lent slots: one in so many is for priorities */
#define BAND_APART_SHARE 4      /* of a class's lent slots: one in so many is for floods */
#define BAND_APART_NS    5000000000ULL /* how long a flood has its own at least */
#define ARM_SHARE        4             /* of the lent slots: one flow may start in each turn */
#define SILENCE_MAX_US   5000000 /* for a kernel that answers nothing: then its ring has failed */
#define MAKE_ROOM_WAIT_US                                                    \
	1000 /* for a train to become free: only an engine that sends in the \
	      * background (SQPOLL) has anything to wait for */

#define IPV4_UDP_HEADER_BYTES 28
#define IPV6_UDP_HEADER_BYTES 48
#define MTU_ASSUMED           1500 /* of a path that nobody knows */
/* rate=: what may be sent at once after a pause, as time at that rate, and at least a train. */
#define RATE_BURST_NS       20000000ULL
#define RATE_BURST_MIN_BITS (8 * UDP_PAYLOAD_MAX)

#define ERRQUEUE_DRAIN_MAX 16 /* error-queue reads after one failed send */
#define SEND_RETRIES_MAX   3  /* of one send that met ICMP errors about others */
#define SEND_DOUBTS_MAX    2  /* of these without an error being found: it may have come late */
#define WARY_NS            1000000000ULL /* how long an output sends one by one after such */
/* Trains that a path refused are tried again: first after so long, then doubling up to so long. */
#define GSO_WAIT_MIN_NS  10000000000ULL
#define GSO_WAIT_MAX_NS  600000000000ULL
#define DRAIN_READ_MAX   (1 << 22)     /* left-over datagrams of a socket: above 2 GiB of them */
#define LOOK_OUTPUTS_MAX 32            /* outputs looked at for each MAIL_LOOK, in turn */
#define CUT_PAST_NS      1000000000ULL /* what came before a cut has been read by then */
#define LOOK_FLOWS_MAX   64            /* sockets looked at for each MAIL_LOOK, in turn */

static_assert(TRAIN_IOV_MAX <= UDP_SEGMENTS_NEW_MAX, "every piece holds a datagram at least");
static_assert((uint64_t)TRAIN_COUNT * TRAIN_IOV_MAX + FLOW_OUTPUTS_MAX < UINT16_MAX,
	      "the holds of one slot fit their 16-bit counter");
static_assert(
	RELEASE_WAIT_US >= 10 * DRAIN_WAIT_US,
	"a stopped relay, which sleeps DRAIN_WAIT_US at a time, looks often before it gives up");
static_assert(SILENCE_MAX_US >= 10 * RELEASE_WAIT_US, "a slow device is no ring that failed");
static_assert(MAKE_ROOM_WAIT_US <= RING_ANSWER_LAG_US, "an answer is not waited for longer");
static_assert(SEND_DOUBTS_MAX < SEND_RETRIES_MAX, "what repeats itself is believed in the end");
static_assert(POOL_SLOTS_MAX <= 65536, "a slot index within its class is a 16-bit buffer id");
