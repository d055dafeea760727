/* udp_header.h - the UDP header of a datagram that leaves with its sender's port (step 10).
 *
 * A socket sends from one port. Where a rule keeps the sender's (sport=keep), the output has a raw
 * socket, and the header is ours to write. Any thread, pure.
 */
#pragma once

#include <assert.h>
#include <stdint.h>
#include <sys/uio.h>

#include "src/base/addr.h"

/* As it travels, in network order. */
struct udp_header {
	uint16_t from_port, to_port, bytes, checksum;
};

static_assert(sizeof(struct udp_header) == 8, "RFC 768");

/* Writes the header of `payload' on its way from `from' to `to', ports included. Over IPv4 it has a
 * checksum, unless `from' is of no family; over IPv6 the kernel adds it (IPV6_CHECKSUM). */
void udp_header_write(const struct addr *from, const struct addr *to, const struct iovec *payload,
		      struct udp_header *out);
