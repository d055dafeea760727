/* membership.c - will the network know that we want a group, and go on knowing it?
 *
 * Joining is told to the network by IGMP (IPv4) or MLD (IPv6). Old versions cannot name a source;
 * the kernel falls back to one by force_igmp_version, or when it hears a querier of that version
 * (/proc/net/igmp shows it; that a querier of the newest version was heard it does not tell
 * anybody). A switch that snoops forgets members when nobody asks for them, which is about 260 s
 * after the last query: so somebody on each network has to be the querier. A Linux bridge that is
 * our own ingress can be it. Pure but for files below root.
 */
#include "src/host/host.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define V4 "/proc/sys/net/ipv4/"
#define V6 "/proc/sys/net/ipv6/"

static void check_igmp_version(struct host *host, const struct host_iface *iface);
static void check_mld_version(struct host *host, const struct host_iface *iface);
static int64_t forced(const struct host *host, const char *family, const char *ifname,
		      const char *key);
static const char *unforce(struct host *host, const char *family, const char *ifname,
			   const char *key);
static void check_bridge_querier(struct host *host, const struct host_iface *iface);
static void check_querier(struct host *host, const struct host_iface *iface);
static int heard_version(struct host *host, const char *ifname);
static void check_memberships(struct host *host);

void host_membership(struct host *host)
{
	bool any_v4 = false;

	for (uint32_t i = 0; i < host->facts->iface_count; i++) {
		const struct host_iface *iface = &host->facts->ifaces[i];

		any_v4 |= iface->in_group_v4;
		if (iface->flags == 0 || (!iface->in_group_v4 && !iface->in_group_v6)) {
			continue;
		}
		if (iface->in_group_v4) {
			check_igmp_version(host, iface);
		}
		if (iface->in_group_v6) {
			check_mld_version(host, iface);
		}
		if (host_exists(host, "/sys/class/net/%s/bridge", iface->at->name)) {
			check_bridge_querier(host, iface);
		} else {
			check_querier(host, iface);
		}
	}
	if (any_v4 || host->facts->iface_count == 0) {
		check_memberships(host);
	}
}

static void check_igmp_version(struct host *host, const struct host_iface *iface)
{
	const char *name = iface->at->name;
	int force = (int)forced(host, "ipv4", name, "force_igmp_version");
	int heard = heard_version(host, name);
	struct finding finding = {
		.id = "igmp_version",
		.subject = name,
		.value = force ? host_text(host, "IGMPv%d, by force_igmp_version", force)
			 : heard == 1 || heard == 2
				 ? host_text(host, "IGMPv%d, as its querier speaks", heard)
				 : "IGMPv3",
		.why = iface->ssm_v4 ? "only IGMPv3 can ask for one source, and a rule here does"
				     : "routers and switches learn by IGMP who wants a group; no "
				       "rule here names a source, so any version from 2 on does",
	};

	if (iface->ssm_v4 && (force == 1 || force == 2)) {
		finding.level = FINDING_FAIL;
		finding.cure = unforce(host, "ipv4", name, "force_igmp_version");
	} else if (iface->ssm_v4 && (heard == 1 || heard == 2)) {
		finding.level = FINDING_WARN;
		finding.advice = "configure the querier on that network for IGMPv3";
	} else if (force == 1) {
		finding.level = FINDING_WARN;
		finding.cure = unforce(host, "ipv4", name, "force_igmp_version");
	}
	host_add(host, &finding);
}

static void check_mld_version(struct host *host, const struct host_iface *iface)
{
	const char *name = iface->at->name;
	int force = (int)forced(host, "ipv6", name, "force_mld_version");
	struct finding finding = {
		.id = "mld_version",
		.subject = name,
		.value = force ? host_text(host, "MLDv%d, by force_mld_version", force) : "MLDv2",
		.why = "only MLDv2 can ask for one source",
	};

	if (iface->ssm_v6 && force == 1) {
		finding.level = FINDING_FAIL;
		finding.cure = unforce(host, "ipv6", name, "force_mld_version");
	}
	host_add(host, &finding);
}

/* The version in force for `ifname' by sysctl: of all, else its own; 0: the newest. */
static int64_t forced(const struct host *host, const char *family, const char *ifname,
		      const char *key)
{
	int64_t all = host_number(host, 0, "/proc/sys/net/%s/conf/all/%s", family, key);

	return all ? all : host_number(host, 0, "/proc/sys/net/%s/conf/%s/%s", family, ifname, key);
}

static const char *unforce(struct host *host, const char *family, const char *ifname,
			   const char *key)
{
	return host_text(host, "sysctl -w %s %s", host_conf_setting(host, family, "all", key, 0),
			 host_conf_setting(host, family, ifname, key, 0));
}

/* A bridge of this host forgets members like any snooping switch. */
static void check_bridge_querier(struct host *host, const struct host_iface *iface)
{
	const char *name = iface->at->name;
	bool snoops =
		host_number(host, 0, "/sys/class/net/%s/bridge/multicast_snooping", name) != 0;
	bool asks = host_number(host, 0, "/sys/class/net/%s/bridge/multicast_querier", name) != 0;
	struct finding finding = {
		.id = "querier",
		.subject = name,
		.value = host_text(host,
				   "a bridge of this host, multicast_snooping %d, "
				   "multicast_querier %d",
				   snoops, asks),
		.why = "a bridge that snoops forgets members about 260 s after the last query, so "
		       "somebody has to ask",
	};

	if (snoops && !asks) {
		finding.level = FINDING_WARN;
		finding.cure =
			host_text(host, "ip link set dev %s type bridge mcast_querier 1", name);
	}
	host_add(host, &finding);
}

static void check_querier(struct host *host, const struct host_iface *iface)
{
	const char *name = iface->at->name;
	int heard = iface->in_group_v4 ? heard_version(host, name) : 0;
	struct finding finding = {
		.id = "querier",
		.subject = name,
		.value = heard == 1 || heard == 2
				 ? host_text(host, "an IGMPv%d querier was heard", heard)
				 : "not known: Linux tells nobody whether it heard one of the "
				   "newest version",
		.why = "a switch that snoops forgets members about 260 s after the last query; a "
		       "flow that stops after some minutes has this cause",
	};

	if (heard != 1 && heard != 2) {
		finding.advice = host_text(
			host,
			"to see one within about two minutes: tcpdump -ni %s -c 1 'igmp[0] = 0x11 "
			"or (icmp6 and ip6[48] = 130)'",
			name);
	}
	host_add(host, &finding);
}

/* What /proc/net/igmp says of the querier on `ifname': 1, 2, 3; 0: not listed. */
static int heard_version(struct host *host, const char *ifname)
{
	const char *table = host_file(host, "/proc/net/igmp");

	for (const char *line = table; line; line = strchr(line, '\n')) {
		char name[IF_NAMESIZE + 1] = "";
		int version = 0;

		line += *line == '\n';
		if (sscanf(line, "%*d %16s : %*d V%d", name, &version) == 2 ||
		    sscanf(line, "%*d %16[^: ]: %*d V%d", name, &version) == 2) {
			if (strcmp(name, ifname) == 0) {
				return version;
			}
		}
	}
	return 0;
}

static void check_memberships(struct host *host)
{
	int64_t most = host_number(host, -1, V4 "igmp_max_memberships");
	struct finding finding = {
		.level = most == 0 ? FINDING_FAIL : FINDING_OK,
		.id = "igmp_max_memberships",
		.value = most < 0
				 ? "not known: no net.ipv4.igmp_max_memberships"
				 : host_text(host, "net.ipv4.igmp_max_memberships = %d", (int)most),
		.why = "the limit is per socket and every flow has a socket with one membership, "
		       "so 1 is enough for any number of groups",
		.cure = most == 0 ? "sysctl -w net.ipv4.igmp_max_memberships=20" : NULL,
	};

	host_add(host, &finding);
}
