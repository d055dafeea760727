/* link.c - do the interfaces exist, run, and carry what the rules send across?
 *
 * For each interface that a rule names; and for each pair of them across which a rule relays,
 * whether the way out carries datagrams as large as the way in. Pure but for files below root.
 * Units: bytes of MTU, IP header included.
 */
#include "src/host/host.h"

#include <net/if.h>
#include <stdlib.h>

#include "src/host/facts.h"

#define IPV4_UDP_BYTES 28
#define IPV6_UDP_BYTES 48

static void check_missing(struct host *host, const struct host_iface *iface);
static void check_up(struct host *host, const struct host_iface *iface);
static bool add_port(struct host *host, const struct host_iface *iface);
static void check_ipv6(struct host *host, const struct host_iface *iface);
static void check_source_address(struct host *host, const struct host_iface *iface);
static void check_mtus(struct host *host);
static void check_pairs(struct host *host, bool *seen);
static void check_pair(struct host *host, const struct host_iface *in,
		       const struct host_iface *out);
static void judge_narrow(struct host *host, const struct host_iface *in,
			 const struct host_iface *out, struct finding *finding);

void host_links(struct host *host)
{
	for (uint32_t i = 0; i < host->facts->iface_count; i++) {
		const struct host_iface *iface = &host->facts->ifaces[i];

		if (iface->flags == 0) {
			check_missing(host, iface);
			continue;
		}
		check_up(host, iface);
		if (iface->in_v6 || iface->out_v6) {
			check_ipv6(host, iface);
		}
		if (iface->out_v4_any) {
			check_source_address(host, iface);
		}
	}
	check_mtus(host);
}

void host_ports(struct host *host)
{
	for (uint32_t i = 0; i < host->facts->iface_count; i++) {
		(void)add_port(host, &host->facts->ifaces[i]);
	}
}

static void check_missing(struct host *host, const struct host_iface *iface)
{
	host_add(host,
		 &(struct finding){
			 .level = FINDING_FAIL,
			 .id = "link",
			 .subject = iface->at->name,
			 .value = "does not exist",
			 .why = "a rule names it, and what needs it is pending until it comes",
			 .advice = "expected one of the interfaces that `ip link' lists",
		 });
}

/* The kernel joins groups, reports and receives without the MULTICAST flag: WireGuard, tun, VRF and
 * lo have none. Only the driver of a device may take the flag for leave to filter groups out. */
static void check_up(struct host *host, const struct host_iface *iface)
{
	const char *name = iface->at->name;
	bool groups = iface->in_group_v4 || iface->in_group_v6;
	struct finding finding = {
		.id = "link",
		.subject = name,
		.why = "an interface that is down or without carrier receives nothing, and what is "
		       "sent there is lost without an error",
	};

	if (!(iface->flags & IFF_UP)) {
		finding.level = FINDING_FAIL;
		finding.value = "down";
		finding.cure = host_text(host, "ip link set dev %s up", name);
	} else if (add_port(host, iface)) {
		return;
	} else if (groups && iface->at->physical && !(iface->flags & IFF_MULTICAST)) {
		finding.level = FINDING_WARN;
		finding.value = "up, without the MULTICAST flag";
		finding.why = "some devices' drivers let no group in without it";
		finding.cure = host_text(host, "ip link set dev %s multicast on", name);
	} else if (!(iface->flags & IFF_RUNNING)) {
		finding.level = FINDING_WARN;
		finding.value = "up, no carrier";
		finding.advice = "look at the cable, the far end, or the other end of the veth";
	} else {
		finding.value = host_text(host, "up, running, MTU %u", iface->at->mtu);
	}
	host_add(host, &finding);
}

/* A finding, and true, for an ingress whose datagrams its master takes. */
static bool add_port(struct host *host, const struct host_iface *iface)
{
	const struct linkinfo *link = &iface->at->link;

	if (iface->flow_count == 0 || !linkinfo_is_taken(link)) {
		return false;
	}
	host_add(host,
		 &(struct finding){
			 .level = FINDING_FAIL,
			 .id = "link",
			 .subject = iface->at->name,
			 .value = host_text(host, "a port of %s %s",
					    link->master_kind[0] ? link->master_kind : "device",
					    link->master),
			 .why = "what comes in by a port is handed to its master, so no "
				"socket at the port ever hears it",
			 .advice = host_text(host, "write %%%s in the rule", link->master),
		 });
	return true;
}

static void check_ipv6(struct host *host, const struct host_iface *iface)
{
	const char *name = iface->at->name;
	int64_t off = host_number(host, -1, "/proc/sys/net/ipv6/conf/%s/disable_ipv6", name);
	struct finding finding = {
		.id = "ipv6",
		.subject = name,
		.value = off == 0 ? "enabled" : "disabled",
		.why = "a rule relays IPv6 there",
	};

	if (off < 0 && !host_has_sysctls(host)) {
		finding.level = FINDING_UNKNOWN;
		finding.value = "not known: no /proc/sys";
	} else if (off < 0) {
		finding.level = FINDING_FAIL;
		finding.value = "this kernel or namespace has no IPv6";
		finding.advice = "boot without ipv6.disable=1, or remove the rule";
	} else if (off > 0) {
		finding.level = FINDING_FAIL;
		finding.cure = host_text(host, "sysctl -w %s",
					 host_conf_setting(host, "ipv6", name, "disable_ipv6", 0));
	}
	host_add(host, &finding);
}

/* Whether an output without src= leaves here with an address of another interface. */
static void check_source_address(struct host *host, const struct host_iface *iface)
{
	struct finding finding = {
		.id = "source_address",
		.subject = iface->at->name,
		.value = iface->has_ipv4 ? "has an IPv4 address" : "has no IPv4 address",
		.why = "datagrams leave with an address of this interface, or with another "
		       "interface's, which receivers and routers may refuse",
	};

	if (!iface->has_ipv4) {
		finding.level = FINDING_WARN;
		finding.advice = host_text(host,
					   "add one (ip address add ADDRESS/LENGTH dev %s), or "
					   "write src=ADDRESS on the output",
					   iface->at->name);
	}
	host_add(host, &finding);
}

static void check_mtus(struct host *host)
{
	size_t count = host->facts->iface_count;
	bool *seen = calloc(count * count + 1, sizeof(*seen));

	if (!seen) {
		host->out_of_memory = true;
		return;
	}
	check_pairs(host, seen);
	free(seen);
}

/* One finding for each pair, however many rules relay across it. `seen' has a place for every
 * pair. */
static void check_pairs(struct host *host, bool *seen)
{
	const struct conf *conf = &host->setup->opt->conf;
	const struct host_facts *facts = host->facts;

	for (uint32_t f = 0; f < conf->flow_count; f++) {
		const struct conf_flow *flow = &conf->flows[f];
		const struct host_iface *in = host_facts_iface(facts, flow->in.at.ifname);

		for (uint32_t o = 0; in && in->flags != 0 && o < flow->output_count; o++) {
			const struct host_iface *out = host_facts_iface(
				facts, conf->outputs[flow->first_output + o].to.ifname);
			size_t pair;

			if (!out || out->flags == 0) {
				continue;
			}
			pair = (size_t)(in - facts->ifaces) * facts->iface_count +
			       (size_t)(out - facts->ifaces);
			if (!seen[pair]) {
				seen[pair] = true;
				check_pair(host, in, out);
			}
		}
	}
}

static void check_pair(struct host *host, const struct host_iface *in, const struct host_iface *out)
{
	struct finding finding = {
		.id = "mtu",
		.subject = host_text(host, "%s -> %s", in->at->name, out->at->name),
		.value = host_text(host, "%u in, %u out", in->at->mtu, out->at->mtu),
		.why = "datagrams larger than the way out leave in fragments, and one lost "
		       "fragment loses the datagram",
	};

	if (in->flags & IFF_LOOPBACK) {
		finding.value = host_text(host,
					  "%u out; in by %s come datagrams as large as this host's "
					  "own senders make them",
					  out->at->mtu, in->at->name);
	} else if (out->at->mtu < in->at->mtu) {
		judge_narrow(host, in, out, &finding);
	}
	host_add(host, &finding);
}

/* A tunnel or a VLAN gets no larger than what carries it, and a bridge than its ports. */
static void judge_narrow(struct host *host, const struct host_iface *in,
			 const struct host_iface *out, struct finding *finding)
{
	const struct linkinfo *link = &out->at->link;
	uint32_t headers = out->out_v6 ? IPV6_UDP_BYTES : IPV4_UDP_BYTES;
	uint32_t payload = out->at->mtu > headers ? out->at->mtu - headers : 0;

	finding->level = FINDING_WARN;
	if (link->mtu_max != 0 && link->mtu_max < in->at->mtu) {
		finding->advice = host_text(host,
					    "%s takes at most %u: let the senders send no more "
					    "than %u bytes of payload",
					    out->at->name, link->mtu_max, payload);
	} else if (linkinfo_is_stacked(link)) {
		finding->advice = host_text(host,
					    "%s is a %s: raise what is below it first, or let the "
					    "senders send no more than %u bytes of payload",
					    out->at->name, link->kind, payload);
	} else {
		finding->cure =
			host_text(host, "ip link set dev %s mtu %u", out->at->name, in->at->mtu);
	}
}
