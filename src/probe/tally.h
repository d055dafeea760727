/* tally.h - what the receiver knows: every flow it has seen, and the sum of it all.
 *
 * A flow here is (receiving socket, session of the sender, flow number): a datagram that a relay
 * copied to two groups is therefore no duplicate, and one that went to the wrong group appears as a
 * flow of its own. Pure but for malloc: bytes and times come in as arguments, so unit tests and the
 * fuzz target drive it without a socket. One thread.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "src/base/addr.h"
#include "src/probe/stats.h"
#include "src/probe/wire.h"

#define PROBE_FLOWS_MAX (1u << 18)
#define PROBE_UNKNOWN   UINT64_MAX

struct probe_flow {
	uint32_t sock_idx;
	uint32_t session;
	uint32_t flow;
	struct addr source; /* of its first datagram */
	struct probe_seq seq;
	struct probe_hist latency;
	uint64_t bytes;         /* payload, duplicates included */
	uint64_t corrupt_count; /* the body is not what was sent */
	uint64_t cut_count;     /* longer or shorter than sent */
	uint64_t end_seqs;      /* what the end marker says was sent, or PROBE_UNKNOWN */
	uint64_t end_shorts;    /* likewise, short datagrams; 0 without a marker */
};

struct probe_tally {
	struct probe_flow *flows;
	uint32_t flow_count, flow_room;
	uint32_t ended_count; /* flows whose end marker has come */
	uint32_t *slots;      /* open addressing: flow index + 1, or 0 */
	uint32_t slot_count;  /* a power of two, at least twice flow_count */
	uint32_t *last;       /* for each socket, its latest flow index + 1, or 0 */
	uint32_t sock_count;
	uint32_t boot;           /* of this host: monotonic times of another boot say nothing */
	bool verify;             /* compare bodies */
	uint64_t received_count; /* ours: data and short datagrams, duplicates included */
	uint64_t bytes;          /* of those, payload */
	uint64_t short_count;
	uint64_t foreign_count;   /* not ours, not in any other number */
	uint64_t damaged_count;   /* header damaged: it belongs to no flow */
	uint64_t marker_count;    /* end markers */
	uint64_t untracked_count; /* ours, but beyond PROBE_FLOWS_MAX, PROBE_SEQ_MAX or memory */
	uint64_t untimed_count;   /* its latency cannot be known: other boot, clocks apart */
	uint64_t first_ns;        /* monotonic arrival of the first and the last of ours */
	uint64_t last_ns;
	uint64_t heard_ns; /* likewise, of the last of ours or end marker */
};

/* When a batch of datagrams was taken from the kernel. */
struct probe_now {
	uint64_t mono_ns; /* CLOCK_MONOTONIC */
	uint64_t real_ns; /* CLOCK_REALTIME */
};

/* 0 or -ENOMEM. `tally' need not be zero before. */
int probe_tally_init(struct probe_tally *tally, uint32_t sock_count, uint32_t boot);

/* Accounts one datagram. Returns whether it is one of ours and not an end marker. */
bool probe_tally_add(struct probe_tally *tally, uint32_t sock_idx, const unsigned char *data,
		     size_t len, const struct addr *source, const struct probe_now *now);

/* Accepts all-zero. */
void probe_tally_free(struct probe_tally *tally);

/* What the operator says was sent; PROBE_UNKNOWN where nothing was said. */
struct probe_expect {
	uint64_t total;    /* datagrams over all flows, short ones included */
	uint64_t per_flow; /* sequence numbers of each flow */
	uint64_t flows;
	bool late_start; /* numbers below the first one seen are not lost */
};

struct probe_result {
	uint64_t flows;
	uint64_t unique;       /* sequence numbers seen */
	uint64_t lost;         /* `unattributed' and short_lost included */
	uint64_t short_lost;   /* known only when every flow has its end marker */
	uint64_t unattributed; /* lost, but no flow can be named: nothing of it was seen */
	uint64_t duplicated;
	uint64_t reordered;
	uint64_t extent;  /* the largest reordering */
	uint64_t corrupt; /* damaged headers and bodies */
	uint64_t cut;
	uint64_t surplus; /* more than was expected, or short ones more than were sent */
	uint64_t flows_missing, flows_surplus; /* against expect->flows */
	bool nothing; /* nothing was received, and nothing said that this is as it should be */
	bool ok;
};

/* The numbers of one flow that should have arrived: [*floor, *until). */
void probe_flow_span(const struct probe_flow *flow, const struct probe_expect *expect,
		     uint64_t *floor, uint64_t *until);

void probe_tally_sum(const struct probe_tally *tally, const struct probe_expect *expect,
		     struct probe_result *out);

/* The order in which flows are reported: sessions as they were first seen, in them by flow number,
 * then by socket. Writes flow_count indexes to `order'; 0 or -ENOMEM. */
int probe_tally_order(const struct probe_tally *tally, uint32_t *order);
