/* sequence.h - reads the number that a feed's sender gave to a datagram (step 7).
 *
 * Market data, broadcast and telemetry number what they send, each in its own place and width. One
 * description of a field covers all of them; shard/merge.h decides by what is read here. Pure; any
 * thread.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define SEQUENCE_SESSION_MAX 16  /* bytes of a session's name */
#define SEQUENCE_OFFSET_MAX  255 /* of a field, from the first byte of the payload */

/* A number in a payload. */
struct sequence_field {
	uint8_t bytes; /* 1, 2, 4 or 8; 0: there is no such field */
	uint8_t offset;
	bool little; /* its lowest byte comes first */
};

struct sequence_rule {
	struct sequence_field number;
	struct sequence_field count; /* how many numbers a datagram uses up; one without it */
	uint8_t session_bytes;       /* 0: there is none. Numbers begin anew when it changes */
	uint8_t session_offset;
	bool rtp;  /* only RTP has numbers; its sender's name (SSRC) is the session of a leg */
	bool mold; /* a count of all ones says that the session has ended */
};

/* What one datagram says of itself. */
struct sequence {
	uint64_t number;
	uint32_t count;      /* at least 1, but of a beat */
	bool beat;           /* it has no number of its own: a heartbeat, or a session's end */
	uint64_t session[2]; /* zeros without one */
};

/* What `seq=rtp' and `seq=moldudp64' stand for. */
extern const struct sequence_rule sequence_rtp, sequence_moldudp64;

/* Reads the payload of one datagram. False when it has no number: it is too short, or no RTP. */
bool sequence_read(const struct sequence_rule *rule, const unsigned char *payload, uint32_t bytes,
		   struct sequence *out);
