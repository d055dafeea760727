/* baton.h - from which datagram of each sender on another machine relays (step 8).
 *
 * Two machines that hear the same senders change places without a datagram lost or doubled when
 * both know the datagram at which they do. The one that goes stands by, and writes down of each
 * sender the first ones that it has not relayed; the one that comes has received nothing
 * meanwhile, so all since before that waits in its sockets. It drops what comes before the first of
 * those, and relays from there on. So neither clocks nor what else the two do at that moment
 * matter, nor how long it takes, nor in which order the datagrams of several senders come.
 *
 * A datagram is known by 64 bits of XXH3 of its payload, seeded with its flow and its sender. Of
 * two alike from one sender, close to each other, the first is taken for both. A sender without a
 * mark was silent for a while around that moment (since_ns), by which what it sent is told apart,
 * if the kernel stamps it.
 *
 * The one that comes may have begun to let datagrams wait long after the kernel gave the one that
 * goes what it still has in its own sockets, where it is behind. So the one that goes relays all
 * that was stamped before it was told, and writes down what was stamped later.
 *
 * Memory is control's, which attaches it to flows that stand by (SHARD_SET_DUTIES); the shard alone
 * uses it until it is detached again, but for the counters.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shard/counters.h"
#include "shard/ingress.h"

#define BATON_FIRSTS                                                                \
	3 /* datagrams of a sender: one may be lost on the way to the other machine \
	   */

struct baton_mark {
	uint64_t sender; /* and flow; 0: nobody */
	uint64_t firsts[BATON_FIRSTS];
	uint32_t count;
	bool met;
};

struct baton {
	bool follows;      /* marks are waited for; else they are written down */
	uint32_t room;     /* of marks, a power of two; half of them at most are used */
	uint32_t count;    /* that are */
	uint64_t since_ns; /* by clock_wall_ns. Written down: when the flows stood by, what came
			    * before is relayed; waited for: what came before, of a sender without
			    * a mark, is not relayed */
	uint64_t end_ns;   /* by clock_now_ns: stamps count no more. Waited for: everything is
			    * relayed then; written down: nothing is */
	stat_t met;        /* marks that were */
	stat_t passed;     /* that were not, and whose sender is relayed all the same */
	struct baton_mark marks[];
};

/* Bytes of one that has `most' marks, all zero to begin with, and how many it has room for. */
size_t baton_bytes(uint32_t most);
uint32_t baton_room(uint32_t most);

/* What a flow adds to its senders: the same on both machines for the same `text'. */
uint64_t baton_salt(const void *text, size_t bytes, uint64_t salt);

/* A mark of the other machine's. False: there is no room. */
bool baton_add(struct baton *b, const struct baton_mark *mark);

/* How many datagrams of `d', from its first on, are not to be relayed; all of those from since_ns
 * on, when marks are written down. `stamp_ns' is when the kernel received it; 0: not known. Shard
 * thread. */
uint32_t baton_take(struct baton *b, uint64_t salt, const struct datagram *d, uint64_t stamp_ns);
