/* endpoint.c - reads one endpoint: [SOURCE@]ADDR[/PREFIX][%IFACE]:PORT[-PORT].
 *
 * Decides what step 3 is asked to open: whatever gets through here can be bound, joined or sent to,
 * given the interface exists. An IPv6 endpoint has brackets around everything but its port, and
 * around its source. A host may be named where datagrams go to (name.c). Pure, control thread.
 */
#include "src/rules/parse.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>

#include "src/base/must.h"
#include "src/base/num.h"

#define BROADCAST_WORD "broadcast"
#define ANY_WORD       "any"

/* The word cut to pieces, each pointing into it; source, prefix and ifname are NULL where there is
 * none. */
struct pieces {
	char *source;
	char *ip;
	char *prefix;
	char *ifname;
	char *port;
	bool bracketed;
};

static int cut(struct conf_cursor *cursor, enum conf_side side, struct pieces *out);
static int read_ip(struct conf_cursor *cursor, enum conf_side side, const struct pieces *pieces,
		   struct conf_span *span);
static int read_prefix(struct conf_cursor *cursor, const struct pieces *pieces,
		       struct conf_span *span);
static int read_ifname(struct conf_cursor *cursor, const struct pieces *pieces,
		       struct conf_span *span);
static int read_ports(struct conf_cursor *cursor, const struct pieces *pieces,
		      struct conf_span *span);
static char *cut_at(char *text, char separator);
static int read_source(struct conf_cursor *cursor, struct pieces *pieces, struct conf_span *span);
static int read_source_prefix(struct conf_cursor *cursor, const char *prefix,
			      struct conf_span *span);
static int check_scope(struct conf_cursor *cursor, enum conf_side side, const struct pieces *pieces,
		       const struct conf_span *span);
static int check_group(struct conf_cursor *cursor, const struct pieces *pieces,
		       const struct conf_span *span);
static int check_broadcast(struct conf_cursor *cursor, const struct conf_span *span);
static bool stays_on_link(const struct addr *addr);

int conf_read_endpoint(struct conf_cursor *cursor, enum conf_side side, struct conf_span *out)
{
	struct conf_span span = {.addr_count = 1, .port_count = 1};
	struct pieces pieces = {.ip = cursor->word, .port = cursor->word};
	int rc = cut(cursor, side, &pieces) ? -EINVAL : read_ip(cursor, side, &pieces, &span);

	if (rc != 0) {
		return rc; /* a name may want memory */
	}
	if (read_prefix(cursor, &pieces, &span) || read_ifname(cursor, &pieces, &span) ||
	    read_ports(cursor, &pieces, &span) || read_source(cursor, &pieces, &span) ||
	    check_scope(cursor, side, &pieces, &span)) {
		return -EINVAL;
	}
	span.link_local = stays_on_link(&span.first.addr);
	*out = span;
	return 0;
}

int conf_check_unicast(struct conf_cursor *cursor, const char *text, const struct addr *addr)
{
	static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};
	bool v4 = addr->family == AF_INET;

	if (addr_is_multicast(addr)) {
		return conf_refuse(
			cursor,
			"source '%s' is a multicast address; a source is one sender; write its "
			"unicast address before the '@'",
			text);
	}
	if (addr_is_any(addr) || (v4 && addr->ip[0] == 0)) {
		return conf_refuse(
			cursor,
			"'%s' names no host; 0.0.0.0/8 and :: would also hear what other rules own "
			"and hide loops; write the one address meant, or as an ingress "
			"any%%IFACE:PORT",
			text);
	}
	if (addr_is_broadcast(addr)) {
		return conf_refuse(
			cursor,
			"'%s' includes the broadcast address 255.255.255.255; expected a "
			"host's; to broadcast, write broadcast%%IFACE:PORT",
			text);
	}
	if (!v4 && memcmp(addr->ip, mapped, sizeof(mapped)) == 0) {
		return conf_refuse(
			cursor,
			"'%s' is IPv4 written as IPv6; one address is written in one way; write "
			"the IPv4 address itself, without brackets",
			text);
	}
	return 0;
}

bool conf_endpoints_meet(const struct endpoint *to, const struct endpoint *at)
{
	if (!addr_equal(&to->addr, &at->addr) || !endpoint_is_known(to)) {
		return false;
	}
	return !to->ifname[0] || !at->ifname[0] || strcmp(to->ifname, at->ifname) == 0;
}

static int cut(struct conf_cursor *cursor, enum conf_side side, struct pieces *out)
{
	char *text = cursor->word;
	char *at = memchr(text, '@', strcspn(text, "%")); /* an interface may be called a@b */
	char *close;

	if (strstr(text, "://")) {
		return conf_refuse(
			cursor,
			"'%s' is a URL; an endpoint is ADDR%%IFACE:PORT, where other programs "
			"write udp://@ADDR:PORT or udp://ADDR:PORT; write for instance "
			"239.1.1.1%%eth0:5000",
			cursor->shown);
	}
	if (at) {
		if (side == CONF_EGRESS) {
			return conf_refuse(
				cursor,
				"'%s' has a SOURCE@; only an ingress takes one; to choose the "
				"address to send from, write src=ADDR after the egress",
				cursor->shown);
		}
		*at = '\0';
		out->source = text;
		text = at + 1;
	}
	if (*text == '[') {
		out->bracketed = true;
		out->ip = text + 1;
		close = strrchr(text, ']');
		if (!close || close[1] != ':') {
			return conf_refuse(cursor,
					   "'%s' has no ']:PORT'; an IPv6 endpoint is "
					   "[ADDR%%IFACE]:PORT; write for instance "
					   "[ff3e::1%%eth0]:5000",
					   cursor->shown);
		}
		*close = '\0';
		out->port = close + 2;
	} else {
		out->ip = text;
		close = strrchr(text, ':');
		if (!close) {
			return conf_refuse(
				cursor,
				"'%s' has no port; an endpoint is ADDR%%IFACE:PORT; write for "
				"instance 239.1.1.1%%eth0:5000",
				cursor->shown);
		}
		*close = '\0';
		out->port = close + 1;
	}
	out->ifname = cut_at(out->ip, '%');
	if (!out->ifname && strcmp(out->ip, ANY_WORD) == 0) {
		out->ifname = cut_at(out->port, '%'); /* any:PORT%IFACE is understood, too */
	}
	out->prefix = cut_at(out->ip, '/');
	return 0;
}

static int read_ip(struct conf_cursor *cursor, enum conf_side side, const struct pieces *pieces,
		   struct conf_span *span)
{
	struct addr *addr = &span->first.addr;

	if (!pieces->bracketed && strchr(pieces->ip, ':')) {
		return conf_refuse(
			cursor,
			"'%s' is IPv6 without brackets; everything but the port stands in "
			"brackets; write for instance [ff3e::1%%eth0]:5000",
			cursor->shown);
	}
	if (!pieces->bracketed && strcmp(pieces->ip, BROADCAST_WORD) == 0) {
		must(addr_parse_ip("255.255.255.255", addr) == 0);
		return 0;
	}
	if (strcmp(pieces->ip, ANY_WORD) == 0) {
		addr->family = pieces->bracketed ? AF_INET6 : AF_INET;
		return 0;
	}
	if (addr_parse_ip(pieces->ip, addr) != 0 && host_name_is_valid(pieces->ip) &&
	    strcasecmp(pieces->ip, BROADCAST_WORD) != 0 && strcasecmp(pieces->ip, ANY_WORD) != 0) {
		if (pieces->prefix) {
			return conf_refuse(cursor,
					   "'%s' has a prefix behind a host's name; a name has one "
					   "address; give a range of ports instead, as in "
					   "host.example:6000-6015",
					   cursor->shown);
		}
		return conf_read_name(cursor, side, pieces->ip, pieces->bracketed, &span->first);
	}
	if (addr->family == 0) {
		return conf_refuse(
			cursor,
			"'%.48s' in '%s' is not an address; expected IPv4 as 239.1.1.1, IPv6 as "
			"[ff3e::1], broadcast or any, or as an egress a host's name, whose last "
			"label begins with a letter; write one of these",
			pieces->ip, cursor->shown);
	}
	if (pieces->bracketed && addr->family == AF_INET) {
		return conf_refuse(
			cursor,
			"'%s' has IPv4 in brackets; only IPv6 stands in brackets; remove them",
			cursor->shown);
	}
	return 0;
}

/* A prefix counts its addresses from its first one, which the address must be. */
static int read_prefix(struct conf_cursor *cursor, const struct pieces *pieces,
		       struct conf_span *span)
{
	const struct addr *addr = &span->first.addr;
	unsigned bits = addr->family == AF_INET ? 32 : 128;
	uint64_t length;
	unsigned host_bits;

	if (!pieces->prefix) {
		return 0;
	}
	if (num_parse(pieces->prefix, 0, bits, &length) != 0) {
		return conf_refuse(
			cursor,
			"'/%.48s' in '%s' is not a prefix length; expected /0 to /%u; write for "
			"instance /%u for 16 addresses",
			pieces->prefix, cursor->shown, bits, bits - 4);
	}
	host_bits = bits - (unsigned)length;
	if (host_bits > 31 || 1u << host_bits > CONF_FLOWS_MAX) {
		return conf_refuse(
			cursor,
			"'%s' has too many addresses; a rule has at most %d flows; use /%u or "
			"longer",
			cursor->shown, CONF_FLOWS_MAX,
			bits - (unsigned)__builtin_ctz(CONF_FLOWS_MAX));
	}
	for (unsigned bit = 0; bit < host_bits; bit++) {
		if (addr->ip[(bits - 1 - bit) / 8] & 1u << bit % 8) {
			return conf_refuse(
				cursor,
				"'%s' does not begin at a multiple of its %u addresses; the bits "
				"below /%u must be zero; write the first address of the range, or "
				"one rule for each address",
				cursor->shown, 1u << host_bits, (unsigned)length);
		}
	}
	span->addr_count = 1u << host_bits;
	return 0;
}

static int read_ifname(struct conf_cursor *cursor, const struct pieces *pieces,
		       struct conf_span *span)
{
	const char *name = pieces->ifname;

	if (!name) {
		return 0;
	}
	if (!*name) {
		return conf_refuse(
			cursor,
			"'%s' has nothing after '%%'; an interface name follows it; write for "
			"instance %%eth0",
			cursor->shown);
	}
	if (strlen(name) >= CONF_IFNAME_MAX) {
		return conf_refuse(cursor,
				   "interface name '%.48s' has %zu characters; the kernel allows "
				   "at most %d; check the name with `ip link'",
				   name, strlen(name), CONF_IFNAME_MAX - 1);
	}
	/* A kernel name may have them, and nobody gives such to a long one: it is a slip. */
	if (strlen(name) >= IF_NAMESIZE && strpbrk(name, "@%")) {
		return conf_refuse(
			cursor,
			"interface name '%.48s' has %zu characters, and a '@' or '%%' among "
			"them; the kernel's own have at most %d; a source has no %%IFACE, "
			"as in 192.0.2.1@239.1.1.1%%eth0:5000",
			name, strlen(name), IF_NAMESIZE - 1);
	}
	if (strpbrk(name, "/:") || strcmp(name, ".") == 0 || strcmp(name, "..") == 0) {
		return conf_refuse(
			cursor,
			"'%.48s' in '%s' cannot be an interface name; the kernel allows no '/' and "
			"no ':' in one; a prefix goes before the '%%', as in "
			"239.1.1.0/28%%eth0:5000",
			name, cursor->shown);
	}
	if (strlen(name) < IF_NAMESIZE) {
		memcpy(span->first.ifname, name, strlen(name) + 1);
	} else {
		memcpy(span->long_ifname, name, strlen(name) + 1);
		memcpy(span->first.ifname, name, IF_NAMESIZE - 1); /* until it gets its alias */
	}
	return 0;
}

static int read_ports(struct conf_cursor *cursor, const struct pieces *pieces,
		      struct conf_span *span)
{
	char *last_text = cut_at(pieces->port, '-');
	uint64_t first;
	uint64_t last;

	if (num_parse(pieces->port, 1, UINT16_MAX, &first) != 0 ||
	    num_parse(last_text ? last_text : pieces->port, 1, UINT16_MAX, &last) != 0) {
		return conf_refuse(
			cursor,
			"'%s' has no valid port; expected 1 to 65535, or a range such as "
			"5000-5010; write it after the last ':'",
			cursor->shown);
	}
	if (last < first) {
		return conf_refuse(cursor,
				   "the port range of '%s' runs backwards; the lower port comes "
				   "first; write %u-%u",
				   cursor->shown, (unsigned)last, (unsigned)first);
	}
	span->first.addr.port = (uint16_t)first;
	span->port_count = (uint32_t)(last - first + 1);
	return 0;
}

/* Ends `text' at `separator' and returns what follows it, or NULL. */
static char *cut_at(char *text, char separator)
{
	char *at = strchr(text, separator);

	if (!at) {
		return NULL;
	}
	*at = '\0';
	return at + 1;
}

static int read_source(struct conf_cursor *cursor, struct pieces *pieces, struct conf_span *span)
{
	char *text = pieces->source;
	size_t len = text ? strlen(text) : 0;
	bool bracketed = len >= 2 && text[0] == '[' && text[len - 1] == ']';

	char *prefix;

	if (!text) {
		return 0;
	}
	if (bracketed) {
		text[len - 1] = '\0';
		text++;
	}
	prefix = cut_at(text, '/');
	if (addr_parse_ip(text, &span->source) != 0 ||
	    bracketed != (span->source.family == AF_INET6)) {
		return conf_refuse(
			cursor,
			"'%s' has no valid source before the '@'; expected a unicast address "
			"without port, IPv6 in brackets; write for instance "
			"192.0.2.1@232.1.1.1%%eth0:5000",
			cursor->shown);
	}
	if (span->source.family != span->first.addr.family) {
		return conf_refuse(
			cursor,
			"source and address of '%s' are of different families; both must be IPv4 "
			"or both IPv6; give the source's address of the same family",
			cursor->shown);
	}
	if (conf_check_unicast(cursor, text, &span->source) != 0) {
		return -EINVAL;
	}
	return prefix ? read_source_prefix(cursor, prefix, span) : 0;
}

/* Groups are joined by single sources, and a prefix of one address is that address. */
static int read_source_prefix(struct conf_cursor *cursor, const char *prefix,
			      struct conf_span *span)
{
	const struct addr *addr = &span->first.addr;
	unsigned bits = addr->family == AF_INET ? 32 : 128;
	uint64_t length;

	if (addr_is_multicast(addr) || addr_is_broadcast(addr)) {
		return conf_refuse(
			cursor,
			"'%s' has a prefix before the '@'; a group or broadcast is heard "
			"from any sender or from single ones; write a rule for each, or "
			"leave SOURCE@ out",
			cursor->shown);
	}
	if (num_parse(prefix, 1, bits, &length) != 0) {
		return conf_refuse(cursor,
				   "'/%.48s' in '%s' is not the length of a sender's prefix; "
				   "expected /1 to /%u; leave it out for one sender",
				   prefix, cursor->shown, bits);
	}
	for (unsigned bit = (unsigned)length; bit < bits; bit++) {
		if (span->source.ip[bit / 8] & 0x80u >> bit % 8) {
			return conf_refuse(cursor,
					   "the source of '%s' does not begin at its prefix; the "
					   "bits below /%u must be zero; write its first address",
					   cursor->shown, (unsigned)length);
		}
	}
	span->source_bits = length < bits ? (uint8_t)length : 0;
	return 0;
}

static int check_scope(struct conf_cursor *cursor, enum conf_side side, const struct pieces *pieces,
		       const struct conf_span *span)
{
	const struct addr *first = &span->first.addr;
	struct addr last;

	if (span->first.name) {
		return 0; /* what it means shows when it is looked up */
	}
	if (addr_is_multicast(first)) {
		return check_group(cursor, pieces, span);
	}
	if (addr_is_broadcast(first)) {
		return check_broadcast(cursor, span);
	}
	if (addr_is_any(first) && side == CONF_INGRESS && !pieces->prefix &&
	    span->first.ifname[0]) {
		return 0; /* whatever address of that interface is meant */
	}
	if (first->family == AF_INET6 && addr_is_link_local(first) && !span->first.ifname[0]) {
		return conf_refuse(cursor,
				   "'%s' is link-local and has no interface; such an address means "
				   "something only on its link; write [%.48s%%IFACE]:%.11s",
				   cursor->shown, pieces->ip, pieces->port);
	}
	/* A prefix of at most CONF_FLOWS_MAX addresses lies wholly in or out of every refused
	 * block but for single addresses, which are first or last in it. */
	must(addr_offset(first, span->addr_count - 1, &last) == 0);
	if (conf_check_unicast(cursor, cursor->shown, first) != 0) {
		return -EINVAL;
	}
	return conf_check_unicast(cursor, cursor->shown, &last);
}

/* 255.255.255.255 means every host of a link, and only an interface says of which. */
static int check_broadcast(struct conf_cursor *cursor, const struct conf_span *span)
{
	if (!span->first.ifname[0]) {
		return conf_refuse(cursor,
				   "'%s' is a broadcast and has no interface; a broadcast reaches "
				   "one link; write for instance broadcast%%eth0:%u",
				   cursor->shown, span->first.addr.port);
	}
	return 0;
}

/* The scope of an IPv6 group is the low half of its second byte (RFC 4291 section 2.7): 1 stays on
 * the interface, 2 on the link, 0 and 15 are reserved. Those of the link need link-local=. */
static int check_group(struct conf_cursor *cursor, const struct pieces *pieces,
		       const struct conf_span *span)
{
	const struct addr *addr = &span->first.addr;
	unsigned scope = addr->ip[1] & 0x0f;

	if (!span->first.ifname[0]) {
		return conf_refuse(
			cursor,
			"'%s' has no interface; a multicast endpoint needs %%IFACE after the "
			"address; write for instance %s",
			cursor->shown,
			addr->family == AF_INET ? "239.1.1.1%eth0:5000" : "[ff3e::1%eth0]:5000");
	}
	if (addr->family == AF_INET6 && (scope < 2 || scope == 15)) {
		return conf_refuse(
			cursor,
			"'%s' has %s scope; such groups are never forwarded (RFC 4291); use a "
			"group of wider scope, for instance in ff05::/16 or ff3e::/32",
			cursor->shown, scope == 1 ? "interface-local" : "a reserved");
	}
	return 0;
}

static bool stays_on_link(const struct addr *addr)
{
	return addr_is_multicast(addr) && (addr_is_local_control(addr) || addr_is_link_local(addr));
}
