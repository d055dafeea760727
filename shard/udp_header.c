/* udp_header.c - see udp_header.h. The checksum is that of RFC 768, over a pseudo header with both
 * addresses, the header and the payload; it is summed 8 bytes at a time, since one's complement
 * sums do not mind how wide they are added (RFC 1071). Any thread.
 */
#include "shard/udp_header.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>

static uint64_t sum_up(uint64_t sum, const void *bytes, size_t len);
static uint64_t add(uint64_t sum, uint64_t value);
static uint16_t fold(uint64_t sum);

void udp_header_write(const struct addr *from, const struct addr *to, const struct iovec *payload,
		      struct udp_header *out)
{
	struct {
		uint8_t from[4], to[4];
		uint8_t zero, protocol;
		uint16_t bytes;
	} pseudo = {.protocol = IPPROTO_UDP};
	uint16_t checksum;

	*out = (struct udp_header){
		.from_port = htons(from->port),
		.to_port = htons(to->port),
		.bytes = htons((uint16_t)(sizeof(*out) + payload->iov_len)),
	};
	if (from->family != AF_INET || to->family != AF_INET) {
		return;
	}
	memcpy(pseudo.from, from->ip, sizeof(pseudo.from));
	memcpy(pseudo.to, to->ip, sizeof(pseudo.to));
	pseudo.bytes = out->bytes;
	checksum = (uint16_t)~fold(
		sum_up(sum_up(sum_up(0, &pseudo, sizeof(pseudo)), out, sizeof(*out)),
		       payload->iov_base, payload->iov_len));
	out->checksum = checksum != 0 ? checksum : 0xffff; /* 0 means that there is none */
}

static uint64_t sum_up(uint64_t sum, const void *bytes, size_t len)
{
	const unsigned char *at = bytes;
	uint64_t word;

	for (; len >= sizeof(word); at += sizeof(word), len -= sizeof(word)) {
		memcpy(&word, at, sizeof(word));
		sum = add(sum, word);
	}
	word = 0;
	if (len > 0) {
		memcpy(&word, at, len);
	}
	return add(sum, word);
}

/* What is carried out at the top comes in at the bottom. */
static uint64_t add(uint64_t sum, uint64_t value)
{
	sum += value;
	return sum + (sum < value);
}

static uint16_t fold(uint64_t sum)
{
	sum = (sum & 0xffffffff) + (sum >> 32);
	sum = (sum & 0xffffffff) + (sum >> 32);
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)sum;
}
