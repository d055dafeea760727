/* wire.c - see wire.h. */
#include "src/fastpath/wire.h"

#include <assert.h>
#include <endian.h>
#include <string.h>

static_assert((int)RULE_TTL_FIXED == FAST_TTL_FIXED && (int)RULE_TTL_KEEP == FAST_TTL_KEEP &&
		      (int)RULE_TTL_DEC == FAST_TTL_DEC && (int)RULE_TTL_AUTO == FAST_TTL_AUTO,
	      "the program has the rule's words");

static void group_mac(const struct addr *group, uint8_t mac[6]);
static uint32_t priority_of(uint8_t tos);

void wire_fill(const struct rule_output *rule, const struct device *device,
	       const struct addr *local, bool dark, struct fast_output *out)
{
	uint8_t tos = rule->dscp > 0 ? (uint8_t)(rule->dscp << 2) : 0;

	memset(out, 0, sizeof(*out)); /* compared byte by byte */
	out->ifindex = device->ifindex;
	out->flags = (dark ? FAST_DARK : 0U) | (rule->src_keep ? FAST_SRC_KEEP : 0U) |
		     (rule->sport_keep ? FAST_SPORT_KEEP : 0U) |
		     (rule->dscp == RULE_DSCP_KEEP ? FAST_TOS_KEEP : 0U) |
		     (rule->df ? FAST_DF : 0U);
	out->priority = rule->priority >= 0               ? (uint32_t)rule->priority
			: rule->to.addr.family == AF_INET ? priority_of(tos)
							  : 0;
	if (addr_is_multicast(&rule->to.addr)) {
		group_mac(&rule->to.addr, out->to_mac);
	}
	memcpy(out->from_mac, device->mac, sizeof(out->from_mac));
	memcpy(out->to, rule->to.addr.ip, sizeof(out->to));
	if (!rule->src_keep) {
		memcpy(out->from, local->ip, sizeof(out->from));
	}
	out->to_port = htobe16(rule->to.addr.port);
	out->from_port = rule->sport_keep ? 0 : htobe16(local->port);
	out->ttl_mode = rule->ttl_mode;
	out->ttl = rule->ttl != 0 ? rule->ttl : RULE_TTL_DEFAULT;
	out->ttl_fresh = RULE_TTL_FRESH;
	out->ttl_most = RULE_TTL_DEFAULT;
	out->tos = tos;
}

struct fast_echo wire_echo(const struct addr *sender)
{
	struct fast_echo echo = {.port = htobe16(sender->port)};

	memcpy(echo.ip, sender->ip, sizeof(echo.ip));
	return echo;
}

/* RFC 1112, RFC 2464. */
static void group_mac(const struct addr *group, uint8_t mac[6])
{
	const uint8_t *ip = group->ip;
	const uint8_t v4[6] = {0x01, 0x00, 0x5e, ip[1] & 0x7f, ip[2], ip[3]};
	const uint8_t v6[6] = {0x33, 0x33, ip[12], ip[13], ip[14], ip[15]};

	memcpy(mac, group->family == AF_INET6 ? v6 : v4, sizeof(v4));
}

/* What the kernel gives a socket of IPv4 with this TOS. */
static uint32_t priority_of(uint8_t tos)
{
	static const uint8_t priorities[] = {0, 2, 6, 4};

	return priorities[tos >> 3 & 3];
}
