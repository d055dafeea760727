/* wire.h - what numacast-probe writes into a datagram, and how it is judged on arrival.
 *
 * The payload that the relay must not touch. Integers stand in network byte order; sizes are
 * bytes of UDP payload, times nanoseconds.
 *
 *     offset  bytes
 *          0      4  magic "NCPB"
 *          4      1  version, 1
 *          5      1  kind: 0 data, 1 end marker
 *          6      1  clock of the time: 1 monotonic (valid on one host), 2 real time
 *          7      1  zero
 *          8      4  session, drawn at random by each run of the sender
 *         12      4  flow, counted from 0 within the session
 *         16      8  data: sequence number within the flow, from 0
 *                    end:  how many sequence numbers the flow was given
 *         24      8  data: the time of sending;  end: how many short datagrams the flow sent
 *         32      4  boot: which boot of which host the monotonic time belongs to
 *         36      4  size of the whole payload
 *         40      4  checksum of the 40 bytes before
 *         44      -  body: the pattern
 *
 * The pattern is a fixed table of pseudo-random bytes that both sides can build. The body of a
 * datagram is a slice of it that starts where (flow, sequence) says, so the receiver compares every
 * byte instead of trusting a checksum, a segment taken from a neighbour in a train does not pass,
 * and the sender gathers the slice straight from the table without a copy.
 *
 * A datagram shorter than the header has no flow and no sequence number: it holds the first bytes
 * of the table, and is only counted. Pure functions; any thread, after probe_wire_init.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PROBE_WIRE_MAGIC        0x4e435042u /* "NCPB" */
#define PROBE_WIRE_VERSION      1
#define PROBE_WIRE_HEADER_BYTES 44
#define PROBE_WIRE_SIZE_MAX     65507 /* the largest payload of UDP over IPv4 */

enum probe_wire_kind {
	PROBE_WIRE_DATA = 0,
	PROBE_WIRE_END = 1
};
enum probe_wire_clock {
	PROBE_WIRE_MONOTONIC = 1,
	PROBE_WIRE_REALTIME = 2
};

struct probe_wire {
	enum probe_wire_kind kind;
	enum probe_wire_clock clock;
	uint32_t session;
	uint32_t flow;
	uint64_t seq;     /* end marker: sequence numbers given out in all */
	uint64_t time_ns; /* end marker: short datagrams sent */
	uint32_t boot;
	uint32_t size_bytes; /* header included */
};

enum probe_wire_verdict {
	PROBE_WIRE_OURS,    /* a sound header; the body is not looked at yet */
	PROBE_WIRE_SHORT,   /* a short datagram of ours */
	PROBE_WIRE_CORRUPT, /* begins with our magic, but the header is damaged or cut */
	PROBE_WIRE_FOREIGN, /* somebody else's */
};

/* Builds the pattern table. Once, before any other call and any thread. */
void probe_wire_init(void);

/* Writes PROBE_WIRE_HEADER_BYTES. */
void probe_wire_pack(const struct probe_wire *wire, unsigned char *out);

/* Judges `len' bytes; `out' is written only for PROBE_WIRE_OURS. Whether `len' equals the size in
 * the header is for the caller to compare. */
enum probe_wire_verdict probe_wire_parse(const unsigned char *data, size_t len,
					 struct probe_wire *out);

/* The slice of the pattern that follows the header of (flow, seq): readable for
 * PROBE_WIRE_SIZE_MAX bytes, and valid for ever. */
const unsigned char *probe_wire_body(uint32_t flow, uint64_t seq);

/* What a short datagram holds. */
const unsigned char *probe_wire_short(void);

/* Whether the `len' bytes of a parsed datagram carry the body they should, as far as they reach;
 * bytes beyond the size in the header are not looked at. */
bool probe_wire_body_ok(const struct probe_wire *wire, const unsigned char *data, size_t len);
