/* wire.c - writes and reads the header that wire.h lays out, and knows the pattern.
 *
 * Pure after probe_wire_init; the bytes read come from the network, so each length is checked
 * before the bytes are. Units: bytes and nanoseconds; any thread.
 */
#include "src/probe/wire.h"

#include <endian.h>
#include <string.h>

#define SUM_OFFSET  40
#define BODY_STARTS 65536u /* places in the table where a body may begin; a power of two */

/* Room for a body of the largest size from the last place on. */
static unsigned char pattern[BODY_STARTS + PROBE_WIRE_SIZE_MAX + 7];

static void put32(unsigned char *at, uint32_t value);
static void put64(unsigned char *at, uint64_t value);
static bool header_sound(const unsigned char *data);
static uint32_t get32(const unsigned char *at);
static uint32_t header_sum(const unsigned char *header);
static uint64_t get64(const unsigned char *at);
static uint64_t mix(uint64_t x);

void probe_wire_init(void)
{
	for (size_t i = 0; i + sizeof(uint64_t) <= sizeof(pattern); i += sizeof(uint64_t)) {
		uint64_t word = htole64(mix(i + 1));

		memcpy(pattern + i, &word, sizeof(word));
	}
}

void probe_wire_pack(const struct probe_wire *wire, unsigned char *out)
{
	put32(out, PROBE_WIRE_MAGIC);
	out[4] = PROBE_WIRE_VERSION;
	out[5] = (unsigned char)wire->kind;
	out[6] = (unsigned char)wire->clock;
	out[7] = 0;
	put32(out + 8, wire->session);
	put32(out + 12, wire->flow);
	put64(out + 16, wire->seq);
	put64(out + 24, wire->time_ns);
	put32(out + 32, wire->boot);
	put32(out + 36, wire->size_bytes);
	put32(out + SUM_OFFSET, header_sum(out));
}

enum probe_wire_verdict probe_wire_parse(const unsigned char *data, size_t len,
					 struct probe_wire *out)
{
	/* The pattern does not begin with the magic, so a short datagram of ours and the stump of a
	 * longer one can be told apart from four bytes on. */
	bool magic = len >= sizeof(uint32_t) && get32(data) == PROBE_WIRE_MAGIC;

	if (len < PROBE_WIRE_HEADER_BYTES && !magic) {
		return memcmp(data, pattern, len) == 0 ? PROBE_WIRE_SHORT : PROBE_WIRE_FOREIGN;
	}
	if (!magic) {
		return PROBE_WIRE_FOREIGN;
	}
	if (len < PROBE_WIRE_HEADER_BYTES || !header_sound(data)) {
		return PROBE_WIRE_CORRUPT;
	}
	out->kind = (enum probe_wire_kind)data[5];
	out->clock = (enum probe_wire_clock)data[6];
	out->session = get32(data + 8);
	out->flow = get32(data + 12);
	out->seq = get64(data + 16);
	out->time_ns = get64(data + 24);
	out->boot = get32(data + 32);
	out->size_bytes = get32(data + 36);
	return PROBE_WIRE_OURS;
}

const unsigned char *probe_wire_body(uint32_t flow, uint64_t seq)
{
	return pattern + (mix(((uint64_t)flow << 40) ^ seq) & (BODY_STARTS - 1));
}

const unsigned char *probe_wire_short(void)
{
	return pattern;
}

bool probe_wire_body_ok(const struct probe_wire *wire, const unsigned char *data, size_t len)
{
	size_t whole = len < wire->size_bytes ? len : wire->size_bytes;

	if (whole > PROBE_WIRE_SIZE_MAX) {
		return false;
	}
	if (whole <= PROBE_WIRE_HEADER_BYTES) {
		return true;
	}
	return memcmp(data + PROBE_WIRE_HEADER_BYTES, probe_wire_body(wire->flow, wire->seq),
		      whole - PROBE_WIRE_HEADER_BYTES) == 0;
}

static void put32(unsigned char *at, uint32_t value)
{
	value = htobe32(value);
	memcpy(at, &value, sizeof(value));
}

static void put64(unsigned char *at, uint64_t value)
{
	value = htobe64(value);
	memcpy(at, &value, sizeof(value));
}

static bool header_sound(const unsigned char *data)
{
	return data[4] == PROBE_WIRE_VERSION && data[5] <= PROBE_WIRE_END &&
	       (data[6] == PROBE_WIRE_MONOTONIC || data[6] == PROBE_WIRE_REALTIME) &&
	       data[7] == 0 && get32(data + SUM_OFFSET) == header_sum(data);
}

static uint32_t get32(const unsigned char *at)
{
	uint32_t value;

	memcpy(&value, at, sizeof(value));
	return be32toh(value);
}

static uint32_t header_sum(const unsigned char *header)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < SUM_OFFSET; i += sizeof(uint64_t)) {
		sum = mix(sum ^ get64(header + i));
	}
	return (uint32_t)(sum >> 32);
}

static uint64_t get64(const unsigned char *at)
{
	uint64_t value;

	memcpy(&value, at, sizeof(value));
	return be64toh(value);
}

/* The finaliser of MurmurHash3 (public domain): every input bit reaches every output bit. */
static uint64_t mix(uint64_t x)
{
	x ^= x >> 33;
	x *= 0xff51afd7ed558ccdULL;
	x ^= x >> 33;
	x *= 0xc4ceb9fe1a85ec53ULL;
	return x ^ (x >> 33);
}
