/* ingress.h - from a completion to a datagram one may relay (steps 4, 7 and 8).
 *
 * The kernel has filled a slot; ingress reads the slot's head and control data, decides whether
 * the datagram is whole and ours, and describes it without touching the payload. What it refuses
 * it counts, so that received = relayed + drops holds per flow. A coalesced train stays one slot
 * and one struct datagram; it counts as the datagrams in it. Shard thread only.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "shard/asker.h"
#include "shard/counters.h"
#include "shard/pool.h"
#include "shard/ring.h"
#include "shard/room.h"
#include "shard/rule.h"
#include "shard/sock.h"
#include "src/base/addr.h"

/* What one reception holds; valid as long as its slot is held. */
struct datagram {
	unsigned char *payload;
	uint32_t slot;
	uint32_t bytes;         /* of payload, all segments together */
	uint32_t segment_bytes; /* of each datagram but the last; = bytes when there is one */
	uint32_t count;         /* datagrams: 1, or the segments of a train */
	int16_t ttl;            /* received hop limit, -1: not asked for */
	int16_t tos;            /* received TOS or traffic class byte, -1: not asked for */
	const struct sockaddr *from;
	uint64_t stamp_ns; /* when the kernel received it, or the first of a train, by
			    * clock_wall_ns; 0: not told, or nobody wants to know */
	uint64_t place;    /* where it begins, as journal_place; 0: it is handed out late */
};

struct baton;
struct relay_merge;

/* Why what a flow receives does not go straight to its outputs; bits. */
#define ASIDE_MERGED   1 /* somebody judges it (relay_merge.h) */
#define ASIDE_EXAMINED 2 /* it may circle (relay_breaker.h) */
#define ASIDE_BROKEN   4 /* what comes again is kept out, likewise */

/* What is known of a flow that may circle; relay_breaker.c. */
struct flow_circle {
	uint64_t looked_ns;      /* last look, and ... */
	uint64_t received;       /* ... what had been received then */
	uint64_t rate;           /* between the last two: datagrams a second */
	uint64_t innocent_rate;  /* the highest that it was acquitted with */
	uint64_t again_ns;       /* not examined before */
	uint64_t until_ns;       /* what comes again is kept out, if nothing happens */
	uint64_t purge_until_ns; /* all is kept out: more goes round than can be remembered */
	uint32_t kept_out;       /* since it is */
	uint8_t trials;          /* that cost it something and did not convict it */
	uint8_t convictions;     /* in a row */
};

enum flow_state {
	FLOW_FREE,    /* its place has no holder */
	FLOW_PENDING, /* has no socket, yet or any more; all that follow have one */
	FLOW_IDLE,    /* not armed: before start, after draining, or about to go */
	FLOW_ARMED,
	FLOW_ENDED,   /* its receive ended; to be armed again when buffers permit */
	FLOW_LEAVING, /* cancel asked for, the end is awaited */
};

struct ingress_flow {
	uint32_t token;        /* of its place (room.h), and its receives' */
	uint32_t first_output; /* place; the others follow as `sibling'. PLACE_NONE: no output */
	uint32_t next;         /* place after it in the list that it is in */
	const struct rule_flow *rule;
	struct flow_stats *stats;
	struct relay_merge *merge; /* relay_merge.h; NULL: it is no leg of one */
	struct relay_merge *judge; /* who is asked of each datagram: `merge', or for a while that of
				    * before; the shard's own. NULL: nobody */
	struct baton *baton;       /* baton.h, while it stands by; NULL: none */
	uint64_t salt;             /* then: of its senders */
	const struct addr *echoes; /* our own senders towards this group; see ingress.c */
	uint32_t echo_count;
	int fd;
	uint32_t file;       /* in the ring; PLACE_NONE: not there */
	uint32_t drops_seen; /* kernel drops when last looked at, modulo 2^32 */
	uint64_t retry_ns;   /* after a failed receive: not to be armed before; 0: at once */
	uint8_t group;       /* pool class it receives into now */
	uint8_t next_group;  /* class it moves to when it is armed again */
	uint8_t band;        /* enum relay_band, likewise */
	uint8_t next_band;
	uint8_t level;   /* highest of its outputs', when last looked at */
	uint8_t counted; /* ring group that has slots for it, or BAND_NOWHERE */
	uint32_t window; /* of turns, in which it has ... */
	uint32_t taken;  /* ... so many receptions */
	uint64_t since_ns,
		until_ns;        /* by clock_wall_ns: takes nothing that the kernel received
				  * before, nor from then on, which another socket has; 0: all */
	uint64_t since_end_ns;   /* by clock_now_ns: from then on nothing is left from before */
	uint64_t apart_until_ns; /* in BAND_APART: not before, and longer while it starves */
	uint8_t state;           /* enum flow_state */
	bool going;              /* to be given up: not armed again */
	uint8_t leg;             /* of `judge' */
	bool held;               /* nor as long as this is so: what comes waits in its socket */
	bool kept; /* its socket and queue are for who comes after us: neither left nor emptied */
	uint8_t aside; /* ASIDE_*, 0: as nearly always */
	struct flow_circle circle;
};

#define BAND_NOWHERE UINT8_MAX

/* What control keeps of a share of a divided flow, beside its counters (src/run/spread.h). */
struct share_book {
	uint64_t pieces, not_mine; /* counted by sockets that it had before */
	uint64_t outside;          /* that only some of the shares saw, the same */
	uint64_t sure;             /* of the last share, when it is kept: losses that are told */
	uint64_t heard_ns;         /* of the first share: when any was seen to receive; 0: none */
	bool judged;               /* the same: whether one share has everything */
};

/* What a flow that moves to another place takes along beside its counters. */
struct flow_past {
	uint32_t drops_seen;
	uint8_t next_group;
	struct share_book book;
};

/* Where a flow stands, with all that belongs to it. */
struct flow_place {
	struct ingress_flow flow;
	struct rule_flow rule;     /* flow.rule */
	struct sock_got got;       /* buffer size got, clamped, coalescing */
	struct flow_stats stats;   /* flow.stats */
	struct share_book book;    /* control's */
	uint64_t unstamp_ns;       /* control's: when it needs no stamps any more; 0: as it is */
	struct asker circled_from; /* sender of what the breaker kept out last: for control */
	bool stored; /* somebody keeps its socket beyond our end; control's until MAIL_HAND_OVER */
};

/* Describes the datagram in `event'. False when it was refused, which has then been counted; the
 * slot is held by the caller in either case. `counts' tells which larger classes exist: a flow
 * whose datagrams do not fit gets a larger `next_group'. */
bool ingress_accept(struct ingress_flow *flow, const struct ring_recv *event,
		    const struct pool *pool, struct datagram *out);

/* A run of segments of one reception, which go the same way: `run' begins empty, with a `count' of
 * 0, and takes the next, of `bytes' at `at' in the payload of `d'. */
static inline void datagram_extend(struct datagram *run, const struct datagram *d, uint32_t at,
				   uint32_t bytes)
{
	if (run->count == 0) {
		*run = *d;
		run->payload = d->payload + at;
		run->bytes = 0;
		run->count = 0;
		run->segment_bytes = bytes;
		run->place += at;
	}
	run->bytes += bytes;
	run->count++;
}

/* Stops the socket from taking anything more, then reads and counts (as `shutdown') what is still
 * queued there; at most DRAIN_READ_MAX. What arrives later is a kernel drop. Only while not
 * armed. */
void ingress_count_leftovers(struct ingress_flow *flow);

/* Instead, of a flow that is kept: counts what was dropped so far, and notes on the socket that it
 * was counted. Only while not armed. */
void ingress_hand_over(struct ingress_flow *flow);

/* Adds to `kernel_drops' what the kernel has dropped at the flow's socket since the last look. The
 * kernel counts modulo 2^32, so looks must not be farther apart than that. Of a share that a filter
 * takes, the kernel's count also holds what the filter refused, and nothing tells the two apart at
 * one socket: all of it is `not_mine' here, and only all shares together say what was lost
 * (src/run/spread.h). */
void ingress_look_at_drops(struct ingress_flow *flow);

/* The same when the kernel's count is, or was, `drops': of one that is cut, which nobody else looks
 * at. */
void ingress_count_drops(struct ingress_flow *flow, uint32_t drops);

/* Notes which queue of a device the kernel polls for the flow, for a ring that has it do so; false:
 * none that is known. */
bool ingress_look_at_queue(struct ingress_flow *flow);
