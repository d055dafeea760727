/* store_name.c - see store_name.h. The hash is FNV-1a, scattered once more: it tells flows apart
 * that differ in a bit, and need not withstand anybody, since names are looked behind. */
#include "src/run/store_name.h"

#include <string.h>

#define DIGITS     11
#define DIGIT_BITS 6
#define FNV_OFFSET 0xcbf29ce484222325ULL
#define FNV_PRIME  0x100000001b3ULL
#define PREFIX     "n1-"
#define PREFIX_LEN (sizeof(PREFIX) - 1)

static_assert(PREFIX_LEN + DIGITS == STORE_NAME_LEN, "a prefix and digits");

static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

static void hash(uint64_t *sum, const void *bytes, size_t len);
static void hash_addr(uint64_t *sum, const struct addr *addr);
static uint64_t scatter(uint64_t sum);
static bool read_id(const char *text, size_t len, uint64_t *out);

uint64_t store_id(const struct rule_ingress *in)
{
	uint64_t sum = FNV_OFFSET;

	hash_addr(&sum, &in->at.addr);
	hash(&sum, in->at.ifname, strnlen(in->at.ifname, sizeof(in->at.ifname)) + 1);
	hash_addr(&sum, &in->source);
	hash(&sum, &in->source_bits, sizeof(in->source_bits));
	return scatter(sum);
}

uint64_t store_output_id(const struct rule_output *out)
{
	uint64_t sum = ~FNV_OFFSET;

	hash_addr(&sum, &out->to.addr);
	hash(&sum, out->to.ifname, strnlen(out->to.ifname, sizeof(out->to.ifname)) + 1);
	return scatter(sum);
}

uint64_t store_share_id(const struct share *share)
{
	const unsigned char head[] = {share->by, share->index, share->count};
	uint64_t sum = ~FNV_OFFSET;

	hash(&sum, head, sizeof(head));
	for (unsigned i = 0; share->by == SHARE_BY_CPU && i < share->count; i++) {
		const unsigned char cpu[] = {(unsigned char)(share->cpus_os[i] >> 8),
					     (unsigned char)share->cpus_os[i]};

		hash(&sum, cpu, sizeof(cpu));
	}
	return scatter(sum);
}

const char *store_name(uint64_t id, char buf[STORE_NAME_ROOM])
{
	memcpy(buf, PREFIX, PREFIX_LEN);
	for (unsigned i = 0; i < DIGITS; i++) {
		buf[PREFIX_LEN + i] = digits[id & 63];
		id >>= DIGIT_BITS;
	}
	buf[STORE_NAME_LEN] = '\0';
	return buf;
}

bool store_next_word(const char **at, struct store_word *out)
{
	const char *text = *at;
	size_t len;

	if (!text) {
		return false;
	}
	len = strcspn(text, ":");
	*out = (struct store_word){.text = text, .len = len};
	out->ours = read_id(text, len, &out->id);
	*at = text[len] == ':' ? text + len + 1 : NULL;
	return true;
}

static void hash(uint64_t *sum, const void *bytes, size_t len)
{
	const unsigned char *byte = bytes;

	for (size_t i = 0; i < len; i++) {
		*sum = (*sum ^ byte[i]) * FNV_PRIME;
	}
}

/* Byte by byte, so that machines of all kinds agree, and padding counts nowhere. */
static void hash_addr(uint64_t *sum, const struct addr *addr)
{
	const unsigned char head[] = {(unsigned char)(addr->family == AF_INET6 ? 6 : 4),
				      (unsigned char)(addr->port >> 8), (unsigned char)addr->port,
				      addr->family != 0};

	hash(sum, head, sizeof(head));
	hash(sum, addr->ip, sizeof(addr->ip));
}

static uint64_t scatter(uint64_t sum)
{
	sum ^= sum >> 32;
	sum *= FNV_PRIME;
	return sum ^ sum >> 29;
}

/* Each id has one name: digits beyond 64 bits are refused. */
static bool read_id(const char *text, size_t len, uint64_t *out)
{
	uint64_t id = 0;

	if (len != STORE_NAME_LEN || memcmp(text, PREFIX, PREFIX_LEN) != 0) {
		return false;
	}
	for (unsigned i = DIGITS; i-- > 0;) {
		const char *digit = memchr(digits, text[PREFIX_LEN + i], sizeof(digits) - 1);

		if (!digit || id >> (64 - DIGIT_BITS) != 0) {
			return false;
		}
		id = id << DIGIT_BITS | (uint64_t)(digit - digits);
	}
	*out = id;
	return true;
}
