/* rp_filter.c - would the reverse-path filter let datagrams in?
 *
 * For each interface with IPv4 ingress. The kernel takes the larger of conf/all/rp_filter and the
 * interface's own: 1 (strict) drops a datagram whose source is not routed back by the interface it
 * came in by, 2 (loose) one whose source is not routed at all; also, in loose mode, anything by an
 * interface without an IPv4 address that the route does not use. So an interface with neither an
 * address nor any route by it is deaf in both modes. Nothing is logged and packet
 * sniffers still show the datagram; only TcpExtIPReversePathFilter counts it. A source that is an
 * address of this host is dropped whatever the filter, unless accept_local is set. Read from
 * fib_validate_source in net/ipv4/fib_frontend.c and tried in tests/net/check-host.sh. IPv6 has no
 * such filter. Pure but for files below root.
 */
#include "src/host/host.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CONF "/proc/sys/net/ipv4/conf/"

static const char why_text[] = "a datagram whose source this filter does not accept is dropped "
			       "unseen, while packet sniffers still show it";

/* What the flows of one interface amount to. */
struct rp_sum {
	uint32_t good; /* flows whose source passes */
	uint32_t any;  /* flows from any source */
	uint32_t bad;  /* flows whose source is dropped */
	uint32_t lost; /* of these not even routed: loose mode is no cure */
	bool deaf;     /* no source at all can pass */
	const struct host_source *first_bad;
	const struct host_source *own; /* a source that is this host's own address */
};

static void check_one(struct host *host, const struct host_iface *iface);
static bool has_default_route(struct host *host);
static void count_flows(const struct host *host, const struct host_iface *iface, int64_t mode,
			struct rp_sum *sum);
static const struct host_source *find_source(const struct host_facts *facts,
					     const struct addr *addr);
static int compare_source(const void *key, const void *entry);
static void count_source(const struct host_iface *iface, const struct host_source *source,
			 int64_t mode, struct rp_sum *sum);
static bool passes(const struct host_iface *iface, const struct route *route, int64_t mode);
static const char *describe(struct host *host, const struct host_iface *iface,
			    const struct rp_sum *sum, int64_t all, int64_t own);
static bool in_vrf(const struct host_iface *iface);
static const char *cure_for(struct host *host, const struct host_iface *iface, int64_t all,
			    int64_t own, bool loose_helps);
static void check_own_source(struct host *host, const struct host_iface *iface,
			     const struct host_source *source);

void host_rp_filter(struct host *host)
{
	for (uint32_t i = 0; i < host->facts->iface_count; i++) {
		const struct host_iface *iface = &host->facts->ifaces[i];

		if (iface->in_v4 && iface->flags != 0) {
			check_one(host, iface);
		}
	}
}

static void check_one(struct host *host, const struct host_iface *iface)
{
	const char *name = iface->at->name;
	int64_t all = host_number(host, -1, CONF "all/rp_filter");
	int64_t own = host_number(host, -1, CONF "%s/rp_filter", name);
	int64_t mode = all > own ? all : own;
	struct finding finding = {.id = "rp_filter", .subject = name, .why = why_text};
	struct rp_sum sum = {0};
	bool any_routed = has_default_route(host) && iface->has_ipv4;

	count_flows(host, iface, mode, &sum);
	sum.deaf = mode > 0 && !iface->has_ipv4 && iface->unrouted;
	if (all < 0 || own < 0) {
		finding.level = FINDING_UNKNOWN;
	} else if (mode > 0 && in_vrf(iface)) {
		finding.level = FINDING_UNKNOWN;
	} else if (sum.bad > 0 || (sum.any > 0 && sum.deaf)) {
		finding.level = FINDING_FAIL;
	} else if (sum.any > 0 && (mode == 1 || (mode > 1 && !any_routed))) {
		finding.level = FINDING_WARN;
	}
	finding.value = describe(host, iface, &sum, all, own);
	if (finding.level > FINDING_UNKNOWN) {
		bool loose_helps = mode == 1 && sum.lost == 0 && (sum.any == 0 || any_routed);

		finding.cure = cure_for(host, iface, all, own, loose_helps);
	}
	host_add(host, &finding);
	if (sum.own) {
		check_own_source(host, iface, sum.own);
	}
}

/* /proc/net/route: interface, destination and gateway, flags ..., mask in the eighth column. */
static bool has_default_route(struct host *host)
{
	const char *table = host_file(host, "/proc/net/route");

	for (const char *line = table ? strchr(table, '\n') : NULL; line;
	     line = strchr(line + 1, '\n')) {
		char mask[16] = "", to[16] = "";

		if (sscanf(line + 1, "%*s %15s %*s %*s %*s %*s %*s %15s", to, mask) == 2 &&
		    strcmp(to, "00000000") == 0 && strcmp(mask, "00000000") == 0) {
			return true;
		}
	}
	return false;
}

static void count_flows(const struct host *host, const struct host_iface *iface, int64_t mode,
			struct rp_sum *sum)
{
	const struct conf *conf = &host->setup->opt->conf;

	for (uint32_t i = 0; i < conf->flow_count; i++) {
		const struct rule_ingress *in = &conf->flows[i].in;

		if (in->at.addr.family != AF_INET || strcmp(in->at.ifname, iface->at->name) != 0) {
			continue;
		}
		if (in->source.family != AF_INET) {
			sum->any++;
		} else {
			const struct host_source *source = find_source(host->facts, &in->source);

			if (source) {
				count_source(iface, source, mode, sum);
			}
		}
	}
}

static const struct host_source *find_source(const struct host_facts *facts,
					     const struct addr *addr)
{
	return bsearch(addr, facts->sources, facts->source_count, sizeof(*facts->sources),
		       compare_source);
}

static int compare_source(const void *key, const void *entry)
{
	return memcmp(((const struct addr *)key)->ip, ((const struct host_source *)entry)->addr.ip,
		      4);
}

static void count_source(const struct host_iface *iface, const struct host_source *source,
			 int64_t mode, struct rp_sum *sum)
{
	if (source->route.local) {
		sum->own = source;
		return;
	}
	if (passes(iface, &source->route, mode)) {
		sum->good++;
		return;
	}
	if (sum->bad++ == 0) {
		sum->first_bad = source;
	}
	sum->lost += !passes(iface, &source->route, 2);
}

/* Does a source with this route pass, in this mode, at this interface? */
static bool passes(const struct host_iface *iface, const struct route *route, int64_t mode)
{
	if (mode == 0) {
		return true;
	}
	if (route->error != 0 || !route->unicast) {
		return false;
	}
	return route_uses(route, iface->at->ifindex) || (mode == 2 && iface->has_ipv4);
}

static const char *describe(struct host *host, const struct host_iface *iface,
			    const struct rp_sum *sum, int64_t all, int64_t own)
{
	static const char *const names[] = {"off", "strict", "loose"};
	int64_t mode = all > own ? all : own;
	const char *head = host_text(host, "%s (conf/all %d, its own %d)",
				     names[mode < 0 || mode > 2 ? 1 : mode], (int)all, (int)own);
	char source[ADDR_TEXT_MAX];

	if (all < 0 || own < 0) {
		return "not known: no net.ipv4.conf.*.rp_filter";
	}
	if (mode > 0 && in_vrf(iface)) {
		return host_text(host, "%s; not known: the routes of a VRF were not looked at",
				 head);
	}
	if (sum->bad > 0) {
		return host_text(host, "%s; source %s%s has no route %s", head,
				 addr_format(&sum->first_bad->addr, source),
				 sum->bad > 1 ? " and others" : "",
				 mode == 1 ? "back by this interface" : "that it accepts");
	}
	if (sum->any > 0 && sum->deaf) {
		return host_text(host, "%s; no address and no route by it, so no source passes",
				 head);
	}
	if (sum->any > 0 && mode > 0) {
		return host_text(host, "%s; %u flows take any source", head, sum->any);
	}
	return head;
}

static bool in_vrf(const struct host_iface *iface)
{
	const struct linkinfo *link = &iface->at->link;

	return strcmp(link->kind, "vrf") == 0 || strcmp(link->master_kind, "vrf") == 0;
}

/* Loose mode on the interface alone, where that is enough; otherwise both switched off. */
static const char *cure_for(struct host *host, const struct host_iface *iface, int64_t all,
			    int64_t own, bool loose_helps)
{
	const char *name = iface->at->name;

	if (loose_helps) {
		return host_text(host, "sysctl -w %s",
				 host_conf_setting(host, "ipv4", name, "rp_filter", 2));
	}
	return host_text(host, "sysctl -w%s%s%s%s", all ? " " : "",
			 all ? host_conf_setting(host, "ipv4", "all", "rp_filter", 0) : "",
			 own ? " " : "",
			 own ? host_conf_setting(host, "ipv4", name, "rp_filter", 0) : "");
}

static void check_own_source(struct host *host, const struct host_iface *iface,
			     const struct host_source *source)
{
	const char *name = iface->at->name;
	int64_t accept = host_number(host, 0, CONF "%s/accept_local", name) +
			 host_number(host, 0, CONF "all/accept_local");
	char text[ADDR_TEXT_MAX];
	struct finding finding = {
		.level = accept ? FINDING_OK : FINDING_WARN,
		.id = "own_source",
		.subject = name,
		.value = host_text(host, "source %s is an address of this host, accept_local %d",
				   addr_format(&source->addr, text), (int)accept),
		.why = "the kernel takes a datagram from the wire with an address of its own for "
		       "forged and drops it; only what this host sends itself is heard",
	};

	if (!accept) {
		finding.cure = host_text(host, "sysctl -w %s",
					 host_conf_setting(host, "ipv4", name, "accept_local", 1));
	}
	host_add(host, &finding);
}
