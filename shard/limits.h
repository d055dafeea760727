/* limits.h - every bound of a shard in one place, tied to one another.
 *
 * A shard allocates nothing after start, so each array it owns has its size from here or from the
 * configuration, and the arena is their sum. Units are in the names.
 */
#pragma once

#include <assert.h>

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

#define RING_ENTRIES_MAX 32768
#define RING_BUFFERS_MAX 16 /* memory areas registered with a ring */
#define SQPOLL_IDLE_MS                                                       \
	20 /* without work, until the kernel's submitting thread sleeps: the \
	    * next send then has to wake it, which costs a system call */

#define ERRQUEUE_DRAIN_MAX 16        /* error-queue reads after one failed send */
#define DRAIN_READ_MAX     (1 << 22) /* left-over datagrams of a socket: above 2 GiB of them */
#define LOOK_FLOWS_MAX     64        /* sockets looked at for each MAIL_LOOK, in turn */

static_assert(TRAIN_IOV_MAX <= UDP_SEGMENTS_NEW_MAX, "every piece holds a datagram at least");
static_assert(POOL_SLOTS_MAX <= 65536, "a slot index within its class is a 16-bit buffer id");
