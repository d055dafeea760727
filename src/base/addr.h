/* addr.h - an IP address with a port, and an interface name beside it.
 *
 * A rule writes an endpoint as ADDR%IFACE:PORT (numacastd(8)); these two structs hold one. Ports
 * are in host order here and become network order only in addr_to_sockaddr. All zero means "no
 * address". Pure functions: no lookup, no system call, any thread.
 */
#pragma once

#include <net/if.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#include "src/base/host_name.h"

#define ADDR_TEXT_MAX 64 /* "[v6]:port" and its zero byte */
/* A host's name in place of the address, and "%iface". */
#define ENDPOINT_TEXT_MAX (ADDR_TEXT_MAX + IF_NAMESIZE + HOST_NAME_MAX_LEN)

struct addr {
	uint16_t family; /* AF_INET, AF_INET6, or 0: none */
	uint16_t port;   /* host order; 0: none */
	uint8_t ip[16];  /* network order; IPv4 uses the first 4, the rest is zero */
};

/* Where a host is named, its address is 0.0.0.0 or :: until it is known. */
struct endpoint {
	struct addr addr;
	char ifname[IF_NAMESIZE];     /* "" = any */
	const struct host_name *name; /* whose address it is; NULL: nobody looks it up */
};

/* Reads an address without brackets or port ("239.1.1.1", "ff3e::1"). 0 or -EINVAL; `out' has
 * port 0 and is written only on success. */
int addr_parse_ip(const char *text, struct addr *out);

/* Writes "239.1.1.1:5000", "[ff3e::1]:5000"; with port 0 "239.1.1.1", "ff3e::1"; with family 0
 * "none". Returns `buf', which holds at least ADDR_TEXT_MAX bytes. */
const char *addr_format(const struct addr *addr, char *buf);

/* Writes "239.1.1.1%eth0:5000", "[ff3e::1%eth0]:5000", and without a port "ff3e::1%eth0"; where a
 * host is named, the name in place of its address, in brackets when IPv6 is wanted: as rules write
 * it. `buf' holds ENDPOINT_TEXT_MAX bytes. */
const char *endpoint_format(const struct endpoint *ep, char *buf);

/* Whether there is an address to send to: always, but for that of a name. */
bool endpoint_is_known(const struct endpoint *ep);

bool addr_is_multicast(const struct addr *addr);
bool addr_is_broadcast(const struct addr *addr); /* 255.255.255.255 */
bool addr_is_any(const struct addr *addr);       /* 0.0.0.0 or :: */
/* fe80::/10, 169.254/16, and multicast of interface or link scope (ff_1::, ff_2::). */
bool addr_is_link_local(const struct addr *addr);
bool addr_is_local_control(const struct addr *addr); /* 224.0.0.0/24: never forwarded (RFC 5771) */
bool addr_ip_equal(const struct addr *a, const struct addr *b); /* ignores the port */
bool addr_equal(const struct addr *a, const struct addr *b);

/* The address `offset' above `addr' (range mapping), with the same port; -ERANGE when it would
 * wrap. */
int addr_offset(const struct addr *addr, uint64_t offset, struct addr *out);

/* Fills `out' and returns its length (0 for family 0); `ifindex' becomes the scope of a link-local
 * IPv6 address and is otherwise unused. */
socklen_t addr_to_sockaddr(const struct addr *addr, unsigned ifindex, struct sockaddr_storage *out);

/* 0, or -EAFNOSUPPORT. */
int addr_from_sockaddr(const struct sockaddr *sa, struct addr *out);
