/* target.c - parses one endpoint of the probe's command line and expands its ranges.
 *
 * Pure but for malloc; main thread, before anything starts. Ports are in host order.
 */
#include "src/probe/target.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "src/base/num.h"

#define TARGET_TEXT_MAX 256

/* One endpoint text, taken apart in place. */
struct parts {
	char text[TARGET_TEXT_MAX];
	char *source; /* NULL: none */
	char *ip;
	char *prefix; /* NULL: none */
	char *ifname; /* NULL: none */
	char *ports;
	bool brackets;
};

static int split(const char *text, struct parts *parts, struct err *err);
static int split_source(const char *text, struct parts *parts, char **rest, struct err *err);
static int read_ip(const char *text, const struct parts *parts, struct probe_target *first,
		   uint64_t *addr_count, struct err *err);
static int bad_form(const char *text, struct err *err);
static uint64_t prefix_size(const struct addr *addr, uint32_t len);
static int read_ifname(const char *text, const struct parts *parts, struct probe_target *first,
		       struct err *err);
static int read_source(const char *text, const struct parts *parts, struct probe_target *first,
		       struct err *err);
static int read_ports(const char *text, const char *ports, struct probe_target *first,
		      uint32_t *port_count, struct err *err);
static bool read_number(const char *text, uint32_t max, uint32_t *out);
static int append(struct probe_targets *targets, const struct probe_target *first,
		  uint64_t addr_count, uint32_t port_count);

int probe_targets_add(struct probe_targets *targets, const char *text, uint64_t groups,
		      struct err *err)
{
	struct parts parts = {0};
	struct probe_target first = {0};
	struct addr last;
	uint64_t addr_count = 1;
	uint32_t port_count = 1;

	if (split(text, &parts, err) != 0 || read_ip(text, &parts, &first, &addr_count, err) != 0 ||
	    read_source(text, &parts, &first, err) != 0 ||
	    read_ports(text, parts.ports, &first, &port_count, err) != 0) {
		return -EINVAL;
	}
	if (groups != 0 && parts.prefix != NULL) {
		err_set(err,
			"%s: has a prefix and comes with --groups; both give a number of "
			"addresses; leave one out",
			text);
		return -EINVAL;
	}
	addr_count = groups != 0 ? groups : addr_count;
	if (addr_count > PROBE_TARGETS_MAX ||
	    addr_count * port_count > PROBE_TARGETS_MAX - targets->count) {
		err_set(err,
			"%s: makes more than %u addresses and ports in all, which is the most; "
			"expected fewer; use a smaller range",
			text, PROBE_TARGETS_MAX);
		return -EINVAL;
	}
	if (addr_offset(&first.at.addr, addr_count - 1, &last) != 0 ||
	    addr_is_multicast(&last) != addr_is_multicast(&first.at.addr)) {
		err_set(err,
			"%s: %llu consecutive addresses run out of the address space; expected all "
			"of them multicast, or all unicast; start lower",
			text, (unsigned long long)addr_count);
		return -EINVAL;
	}
	if (append(targets, &first, addr_count, port_count) != 0) {
		err_set(err, "%s: out of memory; free some and try again", text);
		return -ENOMEM;
	}
	return 0;
}

void probe_targets_free(struct probe_targets *targets)
{
	free(targets->list);
	memset(targets, 0, sizeof(*targets));
}

static int split(const char *text, struct parts *parts, struct err *err)
{
	char *rest;
	char *colon;

	if (strlen(text) >= sizeof(parts->text)) {
		err_set(err,
			"%.40s...: is too long; an endpoint has at most %d characters; shorten it",
			text, TARGET_TEXT_MAX - 1);
		return -EINVAL;
	}
	memcpy(parts->text, text, strlen(text) + 1);
	if (split_source(text, parts, &rest, err) != 0) {
		return -EINVAL;
	}
	colon = strrchr(rest, ':');
	if (colon == NULL || colon == rest) {
		return bad_form(text, err);
	}
	*colon = '\0';
	parts->ports = colon + 1;
	if (rest[0] == '[') {
		if (colon[-1] != ']') {
			return bad_form(text, err);
		}
		colon[-1] = '\0';
		rest++;
		parts->brackets = true;
	}
	parts->ip = rest;
	parts->ifname = strchr(rest, '%');
	if (parts->ifname != NULL) {
		*parts->ifname++ = '\0';
	}
	parts->prefix = strchr(rest, '/');
	if (parts->prefix != NULL) {
		*parts->prefix++ = '\0';
	}
	return 0;
}

/* "a@b" or "[a]@b": cuts the source off and strips its brackets. */
static int split_source(const char *text, struct parts *parts, char **rest, struct err *err)
{
	char *at = strchr(parts->text, '@');

	*rest = parts->text;
	if (at == NULL) {
		return 0;
	}
	*at = '\0';
	*rest = at + 1;
	parts->source = parts->text;
	if (parts->source[0] == '[') {
		if (at - parts->text < 3 || at[-1] != ']') {
			return bad_form(text, err);
		}
		at[-1] = '\0';
		parts->source++;
	}
	return 0;
}

static int read_ip(const char *text, const struct parts *parts, struct probe_target *first,
		   uint64_t *addr_count, struct err *err)
{
	uint32_t len;

	if (addr_parse_ip(parts->ip, &first->at.addr) != 0) {
		err_set(err,
			"%s: address %s is not valid; expected an IPv4 or a bracketed IPv6 "
			"address; correct it",
			text, parts->ip);
		return -EINVAL;
	}
	if (parts->brackets != (first->at.addr.family == AF_INET6)) {
		return bad_form(text, err);
	}
	if (parts->prefix != NULL) {
		if (!read_number(parts->prefix, first->at.addr.family == AF_INET ? 32 : 128,
				 &len)) {
			err_set(err,
				"%s: prefix /%s is not valid; expected a length of 0 to %d; "
				"correct it",
				text, parts->prefix, first->at.addr.family == AF_INET ? 32 : 128);
			return -EINVAL;
		}
		*addr_count = prefix_size(&first->at.addr, len);
		if (*addr_count == 0) {
			err_set(err,
				"%s: %s has bits set beyond /%s; expected the first address of the "
				"prefix; write that",
				text, parts->ip, parts->prefix);
			return -EINVAL;
		}
	}
	return read_ifname(text, parts, first, err);
}

static int bad_form(const char *text, struct err *err)
{
	err_set(err,
		"%s: is not a target; expected [SOURCE@]ADDR%%IFACE:PORT; write for instance "
		"239.1.1.1%%eth0:5000 or [ff3e::1%%eth0]:5000",
		text);
	return -EINVAL;
}

/* How many addresses a prefix of `len' bits holds; 0 when bits are set below it. */
static uint64_t prefix_size(const struct addr *addr, uint32_t len)
{
	uint32_t bits = addr->family == AF_INET ? 32 : 128;

	for (uint32_t bit = len; bit < bits; bit++) {
		if ((addr->ip[bit / 8] >> (7 - bit % 8) & 1) != 0) {
			return 0;
		}
	}
	return bits - len < 32 ? 1ULL << (bits - len) : UINT32_MAX;
}

static int read_ifname(const char *text, const struct parts *parts, struct probe_target *first,
		       struct err *err)
{
	if (parts->ifname == NULL) {
		if (!addr_is_multicast(&first->at.addr)) {
			return 0;
		}
		err_set(err,
			"%s: names no interface; a multicast group needs its interface; write "
			"%s%%IFACE",
			text, parts->ip);
		return -EINVAL;
	}
	if (parts->ifname[0] == '\0' || strlen(parts->ifname) >= IF_NAMESIZE) {
		err_set(err,
			"%s: interface %s is not valid; expected a name of 1 to %d characters; "
			"correct it",
			text, parts->ifname, IF_NAMESIZE - 1);
		return -EINVAL;
	}
	memcpy(first->at.ifname, parts->ifname, strlen(parts->ifname) + 1);
	return 0;
}

static int read_source(const char *text, const struct parts *parts, struct probe_target *first,
		       struct err *err)
{
	if (parts->source == NULL) {
		return 0;
	}
	if (addr_parse_ip(parts->source, &first->source) != 0 ||
	    addr_is_multicast(&first->source) || addr_is_any(&first->source) ||
	    first->source.family != first->at.addr.family) {
		err_set(err,
			"%s: source %s is not valid; expected a unicast address of the group's "
			"family; correct it",
			text, parts->source);
		return -EINVAL;
	}
	if (!addr_is_multicast(&first->at.addr)) {
		err_set(err,
			"%s: has a source, which can only be chosen for a multicast group; "
			"expected a host alone; leave out %s@",
			text, parts->source);
		return -EINVAL;
	}
	return 0;
}

static int read_ports(const char *text, const char *ports, struct probe_target *first,
		      uint32_t *port_count, struct err *err)
{
	char from[TARGET_TEXT_MAX];
	const char *dash = strchr(ports, '-');
	size_t len = dash == NULL ? strlen(ports) : (size_t)(dash - ports);
	uint32_t low;
	uint32_t high;

	memcpy(from, ports, len);
	from[len] = '\0';
	if (!read_number(from, UINT16_MAX, &low) || low == 0 ||
	    (dash != NULL && !read_number(dash + 1, UINT16_MAX, &high))) {
		err_set(err,
			"%s: port %s is not valid; expected 1 to 65535, or a range such as "
			"5000-5010; correct it",
			text, ports);
		return -EINVAL;
	}
	high = dash == NULL ? low : high;
	if (high < low) {
		err_set(err,
			"%s: port range %s runs downwards; expected FIRST-LAST; write the lower "
			"port first",
			text, ports);
		return -EINVAL;
	}
	first->at.addr.port = (uint16_t)low;
	*port_count = high - low + 1;
	return 0;
}

/* Decimal digits up to `max'. */
static bool read_number(const char *text, uint32_t max, uint32_t *out)
{
	uint64_t value;

	if (num_parse(text, 0, max, &value) != 0) {
		return false;
	}
	*out = (uint32_t)value;
	return true;
}

static int append(struct probe_targets *targets, const struct probe_target *first,
		  uint64_t addr_count, uint32_t port_count)
{
	uint32_t wanted = targets->count + (uint32_t)addr_count * port_count;

	if (wanted > targets->room) {
		uint32_t room = wanted > targets->room * 2 ? wanted : targets->room * 2;
		struct probe_target *list = realloc(targets->list, room * sizeof(list[0]));

		if (list == NULL) {
			return -ENOMEM;
		}
		targets->list = list;
		targets->room = room;
	}
	for (uint64_t i = 0; i < addr_count; i++) {
		for (uint32_t port = 0; port < port_count; port++) {
			struct probe_target *target = &targets->list[targets->count++];

			*target = *first;
			addr_offset(&first->at.addr, i, &target->at.addr);
			target->at.addr.port = (uint16_t)(first->at.addr.port + port);
		}
	}
	return 0;
}
