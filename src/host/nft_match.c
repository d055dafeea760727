/* nft_match.c - what a packet is, in nft's terms, compared with what a rule asks for.
 *
 * The left side of a match is looked up in the packet and becomes a value: a word, a number, an
 * address, none (the packet has no such field, so nothing fits), or unknown. The right side is one
 * value, a prefix, a range, a set or a list. Pure.
 */
#include "src/host/nft_match.h"

#include <jansson.h>
#include <netinet/in.h>
#include <string.h>

enum value_kind {
	VALUE_UNKNOWN,
	VALUE_NONE,
	VALUE_WORD,
	VALUE_NUMBER,
	VALUE_ADDR,
};

struct value {
	enum value_kind kind;
	const char *word;
	json_int_t number; /* of a word too, where it has one (a protocol); else -1 */
	const struct addr *addr;
};

static const struct value none = {.kind = VALUE_NONE};
static const struct value unknown = {.kind = VALUE_UNKNOWN};

static enum nft_fit fit_order(const struct nft_packet *packet, const json_t *left, const char *op,
			      const json_t *right);
static enum nft_fit fit_list(const struct nft_scope *scope, const struct nft_packet *packet,
			     const json_t *left, const json_t *list);
static enum nft_fit fit_concat(const struct nft_scope *scope, const struct nft_packet *packet,
			       const json_t *left, const json_t *right);
static struct value value_of(const struct nft_packet *packet, const json_t *left);
static struct value value_meta(const struct nft_packet *packet, const char *key);
static struct value value_payload(const struct nft_packet *packet, const char *header,
				  const char *field);
static struct value value_network(const struct nft_packet *packet, const char *field);
static struct value value_addr(const struct addr *addr);
static const char *protocol_word(int protocol);
static struct value value_transport(const struct nft_packet *packet, const char *field);
static struct value value_type(const struct nft_packet *packet, const char *field);
static struct value value_fib(const struct nft_packet *packet, const json_t *fib);
static struct value value_word(const char *word, json_int_t number);
static enum nft_fit fit_one(const struct value *value, const json_t *right);
static enum nft_fit fit_word(const struct value *value, const json_t *right);
static enum nft_fit fit_number(json_int_t number, const json_t *right);
static enum nft_fit fit_addr(const struct addr *addr, const json_t *right);
static bool same_prefix(const struct addr *a, const struct addr *b, json_int_t len);

bool nft_step(const struct nft_scope *scope)
{
	bool left = *scope->steps_left > 0;

	*scope->steps_left -= left;
	return left;
}

enum nft_fit nft_match(const struct nft_scope *scope, const struct nft_packet *packet,
		       const json_t *match)
{
	const char *op = json_string_value(json_object_get(match, "op"));
	const json_t *left = json_object_get(match, "left");
	const json_t *right = json_object_get(match, "right");
	enum nft_fit fit;

	if (!op || !left || !right) {
		return NFT_FIT_MAYBE;
	}
	if (op[0] == '<' || op[0] == '>') {
		return op[1] == op[0] ? NFT_FIT_MAYBE : fit_order(packet, left, op, right);
	}
	fit = nft_match_value(scope, packet, left, right);
	if (strcmp(op, "!=") == 0) {
		struct value value = value_of(packet, left);

		/* A header that is not there differs from nothing either. */
		return value.kind == VALUE_NONE ? NFT_FIT_NO
		       : fit == NFT_FIT_MAYBE   ? NFT_FIT_MAYBE
		       : fit == NFT_FIT_YES     ? NFT_FIT_NO
						: NFT_FIT_YES;
	}
	return strcmp(op, "==") == 0 || strcmp(op, "in") == 0 ? fit : NFT_FIT_MAYBE;
}

enum nft_fit nft_match_value(const struct nft_scope *scope, const struct nft_packet *packet,
			     const json_t *left, const json_t *right)
{
	const json_t *set = json_object_get(right, "set");
	const json_t *elem = json_object_get(json_object_get(right, "elem"), "val");
	const json_t *concat = json_object_get(left, "concat");
	const char *text = json_string_value(right);
	bool named = text && text[0] == '@';
	struct nft_scope within = *scope;
	struct value value;

	if (!nft_step(scope) || (named && scope->in_set)) {
		return NFT_FIT_MAYBE;
	}
	if (named) {
		within.in_set = true;
		set = nft_match_named(scope, "set", text + 1);
		return fit_list(&within, packet, left, set); /* an empty set has no elements */
	}
	if (elem) {
		return nft_match_value(scope, packet, left, elem);
	}
	if (set || json_is_array(right)) {
		return json_is_array(set ? set : right)
			       ? fit_list(scope, packet, left, set ? set : right)
			       : nft_match_value(scope, packet, left, set);
	}
	if (concat) {
		return fit_concat(scope, packet, concat, json_object_get(right, "concat"));
	}
	value = value_of(packet, left);
	return fit_one(&value, right);
}

const json_t *nft_match_named(const struct nft_scope *scope, const char *kind, const char *name)
{
	const json_t *object;
	size_t i;

	json_array_foreach((json_t *)scope->all, i, object)
	{
		const json_t *set = json_object_get(object, kind);
		const char *family = json_string_value(json_object_get(set, "family"));
		const char *table = json_string_value(json_object_get(set, "table"));
		const char *own = json_string_value(json_object_get(set, "name"));

		if (family && table && own && strcmp(family, scope->family) == 0 &&
		    strcmp(table, scope->table) == 0 && strcmp(own, name) == 0) {
			return json_object_get(set, "elem");
		}
	}
	return NULL;
}

/* <, >, <=, >= of numbers. */
static enum nft_fit fit_order(const struct nft_packet *packet, const json_t *left, const char *op,
			      const json_t *right)
{
	struct value value = value_of(packet, left);
	json_int_t bound = json_integer_value(right);
	bool fits;

	if (value.kind == VALUE_NONE) {
		return NFT_FIT_NO;
	}
	if (value.kind != VALUE_NUMBER || !json_is_integer(right)) {
		return NFT_FIT_MAYBE;
	}
	fits = op[0] == '<' ? value.number < bound : value.number > bound;
	fits |= op[1] == '=' && value.number == bound;
	return fits ? NFT_FIT_YES : NFT_FIT_NO;
}

/* Any of the elements. */
static enum nft_fit fit_list(const struct nft_scope *scope, const struct nft_packet *packet,
			     const json_t *left, const json_t *list)
{
	enum nft_fit best = NFT_FIT_NO;

	for (size_t i = 0; i < json_array_size(list); i++) {
		enum nft_fit fit = nft_match_value(scope, packet, left, json_array_get(list, i));

		best = fit > best ? fit : best;
	}
	return best;
}

/* All parts of a concatenation. */
static enum nft_fit fit_concat(const struct nft_scope *scope, const struct nft_packet *packet,
			       const json_t *left, const json_t *right)
{
	enum nft_fit worst = NFT_FIT_YES;

	if (!right || json_array_size(left) != json_array_size(right)) {
		return NFT_FIT_MAYBE;
	}
	for (size_t i = 0; i < json_array_size(left); i++) {
		enum nft_fit fit = nft_match_value(scope, packet, json_array_get(left, i),
						   json_array_get(right, i));

		worst = fit < worst ? fit : worst;
	}
	return worst;
}

static struct value value_of(const struct nft_packet *packet, const json_t *left)
{
	const json_t *payload = json_object_get(left, "payload");
	const json_t *fib = json_object_get(left, "fib");
	const char *meta = json_string_value(json_object_get(json_object_get(left, "meta"), "key"));
	const char *ct = json_string_value(json_object_get(json_object_get(left, "ct"), "key"));
	const char *header = json_string_value(json_object_get(payload, "protocol"));
	const char *field = json_string_value(json_object_get(payload, "field"));

	if (meta) {
		return value_meta(packet, meta);
	}
	if (header && field) {
		return value_payload(packet, header, field);
	}
	if (ct) {
		return strcmp(ct, "state") == 0 ? value_word("new", -1) : unknown;
	}
	return fib ? value_fib(packet, fib) : unknown;
}

static struct value value_meta(const struct nft_packet *packet, const char *key)
{
	bool v6 = packet->to.family == AF_INET6;

	if (strcmp(key, "iifname") == 0 || strcmp(key, "iif") == 0) {
		return packet->out ? none : value_word(packet->ifname, -1);
	}
	if (strcmp(key, "oifname") == 0 || strcmp(key, "oif") == 0) {
		return packet->out ? value_word(packet->ifname, -1) : none;
	}
	if (strcmp(key, "l4proto") == 0) {
		return value_word(protocol_word(packet->protocol), packet->protocol);
	}
	if (strcmp(key, "nfproto") == 0) {
		return value_word(v6 ? "ipv6" : "ipv4", v6 ? 10 : 2);
	}
	if (strcmp(key, "protocol") == 0) {
		return value_word(v6 ? "ip6" : "ip", v6 ? 0x86dd : 0x0800);
	}
	if (strcmp(key, "pkttype") == 0 && !packet->out) {
		return addr_is_multicast(&packet->to) ? value_word("multicast", 2)
						      : value_word("host", 0);
	}
	return unknown;
}

/* A field of a header: none when the packet has no such header. */
static struct value value_payload(const struct nft_packet *packet, const char *header,
				  const char *field)
{
	static const struct {
		const char *header;
		int family;   /* 0: any */
		int protocol; /* 0: any */
		struct value (*get)(const struct nft_packet *packet, const char *field);
	} headers[] = {
		{"ip", AF_INET, 0, value_network},
		{"ip6", AF_INET6, 0, value_network},
		{"udp", 0, IPPROTO_UDP, value_transport},
		{"th", 0, IPPROTO_UDP, value_transport},
		{"igmp", AF_INET, IPPROTO_IGMP, value_type},
		{"icmpv6", AF_INET6, IPPROTO_ICMPV6, value_type},
		{"tcp", 0, IPPROTO_TCP, value_transport},
		{"icmp", AF_INET, IPPROTO_ICMP, value_type},
	};

	for (size_t i = 0; i < sizeof(headers) / sizeof(headers[0]); i++) {
		if (strcmp(headers[i].header, header) != 0) {
			continue;
		}
		if ((headers[i].family && headers[i].family != packet->to.family) ||
		    (headers[i].protocol && headers[i].protocol != packet->protocol)) {
			return none;
		}
		return headers[i].get(packet, field);
	}
	return unknown;
}

static struct value value_network(const struct nft_packet *packet, const char *field)
{
	if (strcmp(field, "daddr") == 0) {
		return value_addr(&packet->to);
	}
	if (strcmp(field, "saddr") == 0) {
		return value_addr(&packet->from);
	}
	if (strcmp(field, "protocol") == 0 || strcmp(field, "nexthdr") == 0) {
		return value_word(protocol_word(packet->protocol), packet->protocol);
	}
	return unknown;
}

static struct value value_addr(const struct addr *addr)
{
	return (struct value){.kind = addr->family ? VALUE_ADDR : VALUE_UNKNOWN, .addr = addr};
}

static const char *protocol_word(int protocol)
{
	switch (protocol) {
	case IPPROTO_UDP:
		return "udp";
	case IPPROTO_IGMP:
		return "igmp";
	default:
		return protocol == IPPROTO_ICMPV6 ? "ipv6-icmp" : "?";
	}
}

static struct value value_transport(const struct nft_packet *packet, const char *field)
{
	if (strcmp(field, "dport") == 0) {
		return (struct value){.kind = VALUE_NUMBER, .number = packet->to.port};
	}
	return unknown;
}

static struct value value_type(const struct nft_packet *packet, const char *field)
{
	return strcmp(field, "type") == 0 && packet->type ? value_word(packet->type, -1) : unknown;
}

static struct value value_fib(const struct nft_packet *packet, const json_t *fib)
{
	const char *result = json_string_value(json_object_get(fib, "result"));
	const json_t *flags = json_object_get(fib, "flags");
	const char *flag = json_is_array(flags) && json_array_size(flags) == 1
				   ? json_string_value(json_array_get(flags, 0))
				   : json_string_value(flags);

	if (result && flag && strcmp(result, "type") == 0 && strcmp(flag, "daddr") == 0 &&
	    addr_is_multicast(&packet->to)) {
		return value_word("multicast", -1);
	}
	return unknown;
}

static struct value value_word(const char *word, json_int_t number)
{
	return (struct value){.kind = VALUE_WORD, .word = word, .number = number};
}

static enum nft_fit fit_one(const struct value *value, const json_t *right)
{
	switch (value->kind) {
	case VALUE_NONE:
		return NFT_FIT_NO;
	case VALUE_WORD:
		return fit_word(value, right);
	case VALUE_NUMBER:
		return fit_number(value->number, right);
	case VALUE_ADDR:
		return fit_addr(value->addr, right);
	case VALUE_UNKNOWN:
		break;
	}
	return NFT_FIT_MAYBE;
}

/* Interface names may end in '*'. */
static enum nft_fit fit_word(const struct value *value, const json_t *right)
{
	const char *text = json_string_value(right);
	size_t len = text ? strlen(text) : 0;

	if (json_is_integer(right) && value->number >= 0) {
		return json_integer_value(right) == value->number ? NFT_FIT_YES : NFT_FIT_NO;
	}
	if (!text) {
		return NFT_FIT_MAYBE;
	}
	if (len > 0 && text[len - 1] == '*') {
		return strncmp(text, value->word, len - 1) == 0 ? NFT_FIT_YES : NFT_FIT_NO;
	}
	return strcmp(text, value->word) == 0 ? NFT_FIT_YES : NFT_FIT_NO;
}

static enum nft_fit fit_number(json_int_t number, const json_t *right)
{
	const json_t *range = json_object_get(right, "range");
	const json_t *low = json_array_get(range, 0), *high = json_array_get(range, 1);

	if (json_is_integer(right)) {
		return json_integer_value(right) == number ? NFT_FIT_YES : NFT_FIT_NO;
	}
	if (json_is_integer(low) && json_is_integer(high)) {
		return number >= json_integer_value(low) && number <= json_integer_value(high)
			       ? NFT_FIT_YES
			       : NFT_FIT_NO;
	}
	return NFT_FIT_MAYBE;
}

static enum nft_fit fit_addr(const struct addr *addr, const json_t *right)
{
	const json_t *prefix = json_object_get(right, "prefix");
	const json_t *range = json_object_get(right, "range");
	const char *base = json_string_value(prefix  ? json_object_get(prefix, "addr")
					     : range ? json_array_get(range, 0)
						     : right);
	const char *top = json_string_value(json_array_get(range, 1));
	json_int_t len = json_integer_value(json_object_get(prefix, "len"));
	struct addr low, high;

	if (!base || addr_parse_ip(base, &low) < 0 || low.family != addr->family) {
		return NFT_FIT_MAYBE;
	}
	if (prefix) {
		return len >= 0 && len <= 128 && same_prefix(addr, &low, len) ? NFT_FIT_YES
									      : NFT_FIT_NO;
	}
	if (range) {
		if (!top || addr_parse_ip(top, &high) < 0) {
			return NFT_FIT_MAYBE;
		}
		return memcmp(addr->ip, low.ip, 16) >= 0 && memcmp(addr->ip, high.ip, 16) <= 0
			       ? NFT_FIT_YES
			       : NFT_FIT_NO;
	}
	return addr_ip_equal(addr, &low) ? NFT_FIT_YES : NFT_FIT_NO;
}

static bool same_prefix(const struct addr *a, const struct addr *b, json_int_t len)
{
	size_t bytes = (size_t)len / 8;
	unsigned rest = (unsigned)len % 8;
	unsigned mask = rest ? 0xffu << (8 - rest) & 0xffu : 0;

	return memcmp(a->ip, b->ip, bytes) == 0 &&
	       (rest == 0 || ((a->ip[bytes] ^ b->ip[bytes]) & mask) == 0);
}
