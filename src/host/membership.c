/* membership.c - will the network know that we want a group, and go on knowing it?
 *
 * Joining is told to the network by IGMP (IPv4) or MLD (IPv6). Old versions cannot name a source;
 * the kernel falls back to one by force_igmp_version, or when it hears a querier of that version
 * (/proc/net/igmp shows it; that a querier of the newest version was heard it does not tell
 * anybody). A rule that names a source works all the same: the kernel then asks for the group and
 * keeps the datagrams of others away itself. Only in the ranges made for one source routers ignore
 * such a report (RFC 4604), and there an old version is a doubt. A switch that snoops forgets
 * members when nobody asks for them, which is about 260 s after the last query: so somebody on each
 * network has to be the querier. A Linux bridge that is our own ingress can be it. Pure but for
 * files below root.
 */
#include "src/host/host.h"

#include <errno.h>
#include <net/if.h>
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
static void check_doubled(struct host *host);

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
		} else if (!(iface->flags & IFF_LOOPBACK)) {
			check_querier(host, iface);
		}
	}
	if (any_v4 || host->facts->iface_count == 0) {
		check_memberships(host);
	}
	if (marks_wanted(&host->setup->opt->conf) > 0) {
		check_doubled(host);
	}
}

static void check_igmp_version(struct host *host, const struct host_iface *iface)
{
	const char *name = iface->at->name;
	int force = (int)forced(host, "ipv4", name, "force_igmp_version");
	int heard = heard_version(host, name);
	int old = force == 1 || force == 2                   ? force
		  : force <= 0 && (heard == 1 || heard == 2) ? heard
							     : 0;
	struct finding finding = {
		.level = force < 0 && !heard ? FINDING_UNKNOWN : FINDING_OK,
		.id = "igmp_version",
		.subject = name,
		.value = force > 0 ? host_text(host, "IGMPv%d, by force_igmp_version", force)
			 : old     ? host_text(host, "IGMPv%d, as its querier speaks", heard)
			 : force < 0 && !heard
				 ? "not known: no net.ipv4.conf.all.force_igmp_version"
				 : "IGMPv3",
		.why = "routers and switches learn by IGMP who wants a group",
	};

	if (old && iface->ssm_v4) {
		finding.why = "an old version asks for the group from everybody; the kernel lets "
			      "in only the source that the rule names";
	}
	if (old && iface->ssm_range_v4) {
		finding.level = FINDING_WARN;
		finding.why = "routers ignore IGMPv1 and IGMPv2 for groups in 232.0.0.0/8";
		finding.advice =
			host_text(host, "%s, or take a group outside that range",
				  force > 0 ? unforce(host, "ipv4", name, "force_igmp_version")
					    : "configure the querier on that network for IGMPv3");
	} else if (force == 1) {
		finding.level = FINDING_WARN;
		finding.why = "IGMPv1 tells nobody when a group is left";
		finding.cure = unforce(host, "ipv4", name, "force_igmp_version");
	}
	host_add(host, &finding);
}

static void check_mld_version(struct host *host, const struct host_iface *iface)
{
	const char *name = iface->at->name;
	int force = (int)forced(host, "ipv6", name, "force_mld_version");
	struct finding finding = {
		.level = force < 0 ? FINDING_UNKNOWN : FINDING_OK,
		.id = "mld_version",
		.subject = name,
		.value = force > 0   ? host_text(host, "MLDv%d, by force_mld_version", force)
			 : force < 0 ? "not known: no net.ipv6.conf.all.force_mld_version"
				     : "MLDv2",
		.why = "routers and switches learn by MLD who wants a group",
	};

	if (iface->ssm_v6 && force == 1) {
		finding.why = "an old version asks for the group from everybody; the kernel lets "
			      "in only the source that the rule names";
	}
	if (iface->ssm_range_v6 && force == 1) {
		finding.level = FINDING_WARN;
		finding.why = "routers ignore MLDv1 for groups in ff3x::/32";
		finding.advice = host_text(host, "%s, or take a group outside that range",
					   unforce(host, "ipv6", name, "force_mld_version"));
	}
	host_add(host, &finding);
}

/* The version in force for `ifname' by sysctl: of all, else its own; 0: the newest; -1: not known.
 */
static int64_t forced(const struct host *host, const char *family, const char *ifname,
		      const char *key)
{
	int64_t all = host_number(host, -1, "/proc/sys/net/%s/conf/all/%s", family, key);

	return all ? all
		   : host_number(host, -1, "/proc/sys/net/%s/conf/%s/%s", family, ifname, key);
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
	int64_t snoops = host_number(host, -1, "/sys/class/net/%s/bridge/multicast_snooping", name);
	bool asks = host_number(host, 0, "/sys/class/net/%s/bridge/multicast_querier", name) != 0;
	struct finding finding = {
		.level = snoops < 0 ? FINDING_UNKNOWN : FINDING_OK,
		.id = "querier",
		.subject = name,
		.value = snoops < 0
				 ? "not known: this kernel's bridges do not say whether they snoop"
				 : host_text(host,
					     "a bridge of this host, multicast_snooping %d, "
					     "multicast_querier %d",
					     (int)snoops, asks),
		.why = "a bridge that snoops forgets members about 260 s after the last query, so "
		       "somebody has to ask",
	};

	if (snoops > 0 && !asks) {
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
		finding.level = FINDING_UNKNOWN;
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
		.level = most == 0  ? FINDING_FAIL
			 : most < 0 ? FINDING_UNKNOWN
				    : FINDING_OK,
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

/* Groups are shared, so that nothing keeps two relays from the same one. */
static void check_doubled(struct host *host)
{
	const struct host_tries *tries = &host->facts->tries;
	uint32_t taken = tries->marks.taken;
	struct finding finding = {
		.level = tries->done ? FINDING_OK : FINDING_UNKNOWN,
		.id = "doubled",
		.value = tries->done ? "no other numacastd here relays an ingress of the rules"
				     : "not known: no socket could be tried",
		.why = "two that relay one ingress send each of its datagrams twice",
	};

	if (taken > 0) {
		finding.level = FINDING_WARN;
		finding.value = host_text(host, "another numacastd relays this ingress: %s%s",
					  tries->marks.first, taken > 1 ? ", and others" : "");
		finding.advice = "none, when that is the service that this is asked for; else end "
				 "one of them: `ss -xlap | grep numacast/' names its process";
	}
	host_add(host, &finding);
}
