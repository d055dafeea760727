/* addr.c - reads, writes, compares and counts on IP addresses.
 *
 * The configuration, the sockets (step 3) and the reports use it. Pure but for inet_pton and
 * inet_ntop, which look nothing up; any thread. Ports are in host order, address bytes in network
 * order.
 */
#include "src/base/addr.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#define IPV4_BYTES 4u
#define IPV6_BYTES 16u

static void write_named(const struct endpoint *ep, char *buf);
static size_t ip_bytes(const struct addr *addr);
static void write_endpoint(const struct addr *addr, const char *ifname, char *buf, size_t room);

int addr_parse_ip(const char *text, struct addr *out)
{
	struct addr addr = {0};

	if (inet_pton(AF_INET, text, addr.ip) == 1) {
		addr.family = AF_INET;
	} else if (inet_pton(AF_INET6, text, addr.ip) == 1) {
		addr.family = AF_INET6;
	} else {
		return -EINVAL;
	}
	*out = addr;
	return 0;
}

const char *addr_format(const struct addr *addr, char *buf)
{
	write_endpoint(addr, "", buf, ADDR_TEXT_MAX);
	return buf;
}

const char *endpoint_format(const struct endpoint *ep, char *buf)
{
	if (ep->name) {
		write_named(ep, buf);
	} else {
		write_endpoint(&ep->addr, ep->ifname, buf, ENDPOINT_TEXT_MAX);
	}
	return buf;
}

bool endpoint_is_known(const struct endpoint *ep)
{
	return !ep->name || !addr_is_any(&ep->addr);
}

bool addr_is_multicast(const struct addr *addr)
{
	if (addr->family == AF_INET) {
		return (addr->ip[0] & 0xf0) == 0xe0;
	}
	return addr->family == AF_INET6 && addr->ip[0] == 0xff;
}

bool addr_is_broadcast(const struct addr *addr)
{
	static const uint8_t ones[IPV4_BYTES] = {0xff, 0xff, 0xff, 0xff};

	return addr->family == AF_INET && memcmp(addr->ip, ones, sizeof(ones)) == 0;
}

bool addr_is_any(const struct addr *addr)
{
	static const uint8_t zero[IPV6_BYTES];

	return addr->family != 0 && memcmp(addr->ip, zero, ip_bytes(addr)) == 0;
}

bool addr_is_link_local(const struct addr *addr)
{
	if (addr->family == AF_INET) {
		return addr->ip[0] == 169 && addr->ip[1] == 254;
	}
	if (addr->family != AF_INET6) {
		return false;
	}
	if (addr->ip[0] == 0xff) {
		unsigned scope = addr->ip[1] & 0x0f;

		return scope == 1 || scope == 2; /* interface-local, link-local */
	}
	return addr->ip[0] == 0xfe && (addr->ip[1] & 0xc0) == 0x80;
}

bool addr_is_local_control(const struct addr *addr)
{
	return addr->family == AF_INET && addr->ip[0] == 224 && addr->ip[1] == 0 &&
	       addr->ip[2] == 0;
}

bool addr_ip_equal(const struct addr *a, const struct addr *b)
{
	return a->family == b->family && memcmp(a->ip, b->ip, ip_bytes(a)) == 0;
}

bool addr_equal(const struct addr *a, const struct addr *b)
{
	return addr_ip_equal(a, b) && a->port == b->port;
}

int addr_offset(const struct addr *addr, uint64_t offset, struct addr *out)
{
	struct addr sum = *addr;
	uint64_t carry = offset;

	/* Byte by byte from the least significant one; `carry' is what is left to add, in units of
	 * the byte at hand. It stays below 2^64: it is divided by 256 before a byte is added. */
	for (size_t i = ip_bytes(addr); i-- > 0;) {
		unsigned low = (unsigned)(carry & 0xff) + sum.ip[i];

		sum.ip[i] = (uint8_t)low;
		carry = (carry >> 8) + (low >> 8);
	}
	if (carry != 0) {
		return -ERANGE;
	}
	*out = sum;
	return 0;
}

socklen_t addr_to_sockaddr(const struct addr *addr, unsigned ifindex, struct sockaddr_storage *out)
{
	memset(out, 0, sizeof(*out));
	if (addr->family == AF_INET6) {
		struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)out;

		in6->sin6_family = AF_INET6;
		in6->sin6_port = htons(addr->port);
		memcpy(&in6->sin6_addr, addr->ip, IPV6_BYTES);
		if (addr_is_link_local(addr)) {
			in6->sin6_scope_id = ifindex;
		}
		return sizeof(*in6);
	}
	if (addr->family == AF_INET) {
		struct sockaddr_in *in = (struct sockaddr_in *)out;

		in->sin_family = AF_INET;
		in->sin_port = htons(addr->port);
		memcpy(&in->sin_addr, addr->ip, IPV4_BYTES);
		return sizeof(*in);
	}
	return 0;
}

int addr_from_sockaddr(const struct sockaddr *sa, struct addr *out)
{
	struct addr addr = {0};

	/* Copied out rather than cast: the address may stand unaligned in a receive buffer. */
	if (sa->sa_family == AF_INET) {
		struct sockaddr_in in;

		memcpy(&in, sa, sizeof(in));
		addr.port = ntohs(in.sin_port);
		memcpy(addr.ip, &in.sin_addr, IPV4_BYTES);
	} else if (sa->sa_family == AF_INET6) {
		struct sockaddr_in6 in6;

		memcpy(&in6, sa, sizeof(in6));
		addr.port = ntohs(in6.sin6_port);
		memcpy(addr.ip, &in6.sin6_addr, IPV6_BYTES);
	} else {
		return -EAFNOSUPPORT;
	}
	addr.family = sa->sa_family;
	*out = addr;
	return 0;
}

static void write_named(const struct endpoint *ep, char *buf)
{
	bool brackets = ep->name->family == AF_INET6;

	snprintf(buf, ENDPOINT_TEXT_MAX, "%s%s%s%s%s:%u", brackets ? "[" : "", ep->name->text,
		 ep->ifname[0] != '\0' ? "%" : "", ep->ifname, brackets ? "]" : "",
		 (unsigned)ep->addr.port);
}

static size_t ip_bytes(const struct addr *addr)
{
	if (addr->family == AF_INET) {
		return IPV4_BYTES;
	}
	return addr->family == AF_INET6 ? IPV6_BYTES : 0;
}

/* Brackets appear only where they are needed, around an IPv6 address before its port. */
static void write_endpoint(const struct addr *addr, const char *ifname, char *buf, size_t room)
{
	char ip[INET6_ADDRSTRLEN] = "none";
	const char *percent = ifname[0] != '\0' ? "%" : "";
	bool brackets = addr->family == AF_INET6 && addr->port != 0;
	int used;

	if (addr->family != 0) {
		inet_ntop(addr->family, addr->ip, ip, sizeof(ip));
	}
	used = snprintf(buf, room, "%s%s%s%s%s", brackets ? "[" : "", ip, percent, ifname,
			brackets ? "]" : "");
	if (addr->port != 0 && used > 0 && (size_t)used < room) {
		snprintf(buf + used, room - (size_t)used, ":%u", (unsigned)addr->port);
	}
}
