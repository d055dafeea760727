/* sequence.c - reads a datagram's number (step 7). See sequence.h.
 *
 * Whatever bytes come from the network, nothing beyond the datagram's end is looked at. Pure; runs
 * on the shard thread for each datagram of a rule with seq=.
 */
#include "shard/sequence.h"

#include <endian.h>
#include <string.h>

#define RTP_VERSION  2
#define RTCP_TYPE    72 /* where RTP has its payload type, RTCP has 200 to 204 less its top bit */
#define RTCP_TYPES   5
#define MOLD_AT_END  0xffff
#define COUNT_AT_END UINT32_MAX

static uint64_t read_field(const struct sequence_field *field, const unsigned char *payload);
static bool is_rtp(const unsigned char *payload);

const struct sequence_rule sequence_rtp = {
	.number = {.bytes = 2, .offset = 2},
	.session_bytes = 4,
	.session_offset = 8,
	.rtp = true,
};

const struct sequence_rule sequence_moldudp64 = {
	.number = {.bytes = 8, .offset = 10},
	.count = {.bytes = 2, .offset = 18},
	.session_bytes = 10,
	.session_offset = 0,
	.mold = true,
};

bool sequence_read(const struct sequence_rule *rule, const unsigned char *payload, uint32_t bytes,
		   struct sequence *out)
{
	uint64_t count;

	if (bytes < (uint32_t)rule->number.offset + rule->number.bytes ||
	    bytes < (uint32_t)rule->count.offset + rule->count.bytes ||
	    bytes < (uint32_t)rule->session_offset + rule->session_bytes ||
	    (rule->rtp && !is_rtp(payload))) {
		return false;
	}
	*out = (struct sequence){.number = read_field(&rule->number, payload), .count = 1};
	if (rule->session_bytes > 0) {
		memcpy(out->session, payload + rule->session_offset, rule->session_bytes);
	}
	if (rule->count.bytes > 0) {
		count = read_field(&rule->count, payload);
		out->beat = count == 0 || (rule->mold && count == MOLD_AT_END);
		out->count = count < COUNT_AT_END ? (uint32_t)count : COUNT_AT_END;
	}
	return true;
}

static uint64_t read_field(const struct sequence_field *field, const unsigned char *payload)
{
	const unsigned char *at = payload + field->offset;
	uint16_t two;
	uint32_t four;
	uint64_t eight;

	switch (field->bytes) {
	case 1:
		return *at;
	case 2:
		memcpy(&two, at, sizeof(two));
		return field->little ? le16toh(two) : be16toh(two);
	case 4:
		memcpy(&four, at, sizeof(four));
		return field->little ? le32toh(four) : be32toh(four);
	default:
		memcpy(&eight, at, sizeof(eight));
		return field->little ? le64toh(eight) : be64toh(eight);
	}
}

/* What a sender tells of itself on the port of its media (RFC 5761) has no number. */
static bool is_rtp(const unsigned char *payload)
{
	unsigned type = payload[1] & 0x7fU;

	return payload[0] >> 6 == RTP_VERSION && type - RTCP_TYPE >= RTCP_TYPES;
}
