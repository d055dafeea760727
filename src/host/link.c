/* link.c - do the interfaces exist, run, and carry what the rules send across?
 *
 * For each interface that a rule names; and for each pair of them across which a rule relays,
 * whether the way out carries datagrams as large as the way in. Pure but for files below root.
 * Units: bytes of MTU, IP header included.
 */
#include "src/host/host.h"

#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "src/host/facts.h"

static void check_missing(struct host *host, const struct host_iface *iface);
static void check_up(struct host *host, const struct host_iface *iface);
static const char *taken_by(struct host *host, const char *ifname, char *master, size_t room);
static void check_ipv6(struct host *host, const struct host_iface *iface);
static void check_source_address(struct host *host, const struct host_iface *iface);
static void check_mtus(struct host *host);
static void check_pairs(struct host *host, bool *seen);
static void check_pair(struct host *host, const struct host_iface *in,
		       const struct host_iface *out);

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

static void check_missing(struct host *host, const struct host_iface *iface)
{
	host_add(host, &(struct finding){
			       .level = FINDING_FAIL,
			       .id = "link",
			       .subject = iface->at->name,
			       .value = "does not exist",
			       .why = "a rule names it, and the daemon does not start without it",
			       .advice = "expected one of the interfaces that `ip link' lists",
		       });
}

static void check_up(struct host *host, const struct host_iface *iface)
{
	const char *name = iface->at->name;
	bool groups = iface->in_group_v4 || iface->in_group_v6 || iface->out_group;
	struct finding finding = {
		.id = "link",
		.subject = name,
		.why = "an interface that is down or without carrier receives nothing, and what is "
		       "sent there is lost without an error",
	};
	char master[IF_NAMESIZE] = "";
	const char *kind = taken_by(host, name, master, sizeof(master));

	if (!(iface->flags & IFF_UP)) {
		finding.level = FINDING_FAIL;
		finding.value = "down";
		finding.cure = host_text(host, "ip link set dev %s up", name);
	} else if (kind && iface->flow_count > 0) {
		finding.level = FINDING_FAIL;
		finding.value = host_text(host, "a port of %s %s", kind, master);
		finding.why = "what comes in by a port is handed to its master, so no socket at "
			      "the port ever hears it";
		finding.advice = host_text(host, "write %%%s in the rule", master);
	} else if (groups && !(iface->flags & IFF_MULTICAST)) {
		finding.level = FINDING_FAIL;
		finding.value = "up, without the MULTICAST flag";
		finding.why = "the kernel joins no group and sends no membership report there";
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

/* Where a port's datagrams really arrive; "" = the interface is nobody's port. A VRF leaves them
 * where they are. */
static const char *taken_by(struct host *host, const char *ifname, char *master, size_t room)
{
	static const char *const kinds[] = {"bridge", "bonding", "team"};
	static const char *const names[] = {"bridge", "bond", "team"};
	const char *index = host_line(host, "/sys/class/net/%s/master/ifindex", ifname);
	const char *uevent = host_file(host, "/sys/class/net/%s/master/uevent", ifname);
	const char *name = uevent ? strstr(uevent, "INTERFACE=") : NULL;

	if (!index || !name || strstr(uevent, "DEVTYPE=vrf")) {
		return NULL;
	}
	name += strlen("INTERFACE=");
	snprintf(master, room, "%.*s", (int)strcspn(name, "\n"), name);
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		if (host_exists(host, "/sys/class/net/%s/master/%s", ifname, kinds[i])) {
			return names[i];
		}
	}
	return "device";
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

	if (off < 0) {
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
	bool narrow = out->at->mtu < in->at->mtu;

	host_add(host,
		 &(struct finding){
			 .level = narrow ? FINDING_WARN : FINDING_OK,
			 .id = "mtu",
			 .subject = host_text(host, "%s -> %s", in->at->name, out->at->name),
			 .value = host_text(host, "%u in, %u out", in->at->mtu, out->at->mtu),
			 .why = "datagrams larger than the way out leave in fragments, and one "
				"lost fragment loses the datagram",
			 .cure = narrow ? host_text(host, "ip link set dev %s mtu %u",
						    out->at->name, in->at->mtu)
					: NULL,
		 });
}
