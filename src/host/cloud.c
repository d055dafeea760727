/* cloud.c - what is known of multicast in the networks of cloud providers.
 *
 * The firmware's strings (DMI) tell the provider. AWS carries multicast by transit gateways, which
 * speak IGMPv2 only; Azure and Google carry none; Oracle only inside its layer-2 VLANs. Virtual
 * interfaces (veth, tunnels, overlays) do not depend on them. Pure but for files below root.
 */
#include "src/host/host.h"

#include <string.h>

#define AZURE_TAG "7783-7084-3265-9085-8269-3286-77" /* sets it apart from Hyper-V elsewhere */

enum cloud {
	CLOUD_NONE,
	CLOUD_AWS,
	CLOUD_AZURE,
	CLOUD_GOOGLE,
	CLOUD_ORACLE,
};

static const char *const cloud_names[] = {
	[CLOUD_NONE] = "no cloud known to numacast",
	[CLOUD_AWS] = "AWS",
	[CLOUD_AZURE] = "Azure",
	[CLOUD_GOOGLE] = "Google Cloud",
	[CLOUD_ORACLE] = "Oracle Cloud",
};

static enum cloud find_cloud(struct host *host);
static bool dmi_begins(struct host *host, const char *field, const char *with);
static void check_carrier(struct host *host, const struct host_iface *iface, enum cloud cloud);
static void check_aws(struct host *host, const struct host_iface *iface);

void host_cloud(struct host *host)
{
	enum cloud cloud = find_cloud(host);
	bool told = false, dmi = host_exists(host, "/sys/class/dmi/id");

	for (uint32_t i = 0; cloud != CLOUD_NONE && i < host->facts->iface_count; i++) {
		const struct host_iface *iface = &host->facts->ifaces[i];
		bool groups = iface->in_group_v4 || iface->in_group_v6 || iface->out_group;

		if (!groups || !host_exists(host, "/sys/class/net/%s/device", iface->at->name)) {
			continue;
		}
		if (cloud != CLOUD_AWS) {
			check_carrier(host, iface, cloud);
			told = true;
		} else if (iface->in_group_v4 || iface->in_group_v6) {
			check_aws(host, iface);
			told = true;
		}
	}
	if (!told) {
		host_add(host, &(struct finding){
				       .level = dmi ? FINDING_OK : FINDING_UNKNOWN,
				       .id = "cloud",
				       .value = dmi ? cloud_names[cloud]
						    : "not known: no /sys/class/dmi/id",
				       .why = "some providers' networks carry no multicast, or "
					      "only some of it",
			       });
	}
}

static enum cloud find_cloud(struct host *host)
{
	if (dmi_begins(host, "sys_vendor", "Amazon EC2")) {
		return CLOUD_AWS;
	}
	if (dmi_begins(host, "chassis_asset_tag", AZURE_TAG)) {
		return CLOUD_AZURE;
	}
	if (dmi_begins(host, "sys_vendor", "Google")) {
		return CLOUD_GOOGLE;
	}
	if (dmi_begins(host, "chassis_asset_tag", "OracleCloud.com")) {
		return CLOUD_ORACLE;
	}
	return CLOUD_NONE;
}

static bool dmi_begins(struct host *host, const char *field, const char *with)
{
	const char *text = host_line(host, "/sys/class/dmi/id/%s", field);

	return text && strncmp(text, with, strlen(with)) == 0;
}

static void check_carrier(struct host *host, const struct host_iface *iface, enum cloud cloud)
{
	host_add(host, &(struct finding){
			       .level = FINDING_WARN,
			       .id = "cloud",
			       .subject = iface->at->name,
			       .value = cloud_names[cloud],
			       .why = cloud == CLOUD_ORACLE
					      ? "only its layer-2 VLANs carry multicast, its "
						"subnets do not"
					      : "its networks carry no multicast",
			       .advice = "use unicast to and from this host, or a tunnel (vxlan, "
					 "gre) that carries the groups",
		       });
}

static void check_aws(struct host *host, const struct host_iface *iface)
{
	const char *name = iface->at->name;
	int64_t all = host_number(host, 0, "/proc/sys/net/ipv4/conf/all/force_igmp_version");
	int64_t own = host_number(host, 0, "/proc/sys/net/ipv4/conf/%s/force_igmp_version", name);
	bool forced = all == 2 || (all == 0 && own == 2);
	struct finding finding = {
		.id = "cloud",
		.subject = name,
		.value = host_text(host, "AWS, force_igmp_version %d", (int)(all ? all : own)),
		.why = "transit gateways speak IGMPv2 only; Linux begins with IGMPv3, and its "
		       "reports are not understood until it has heard a query",
	};

	if (iface->ssm_range_v4 || iface->in_group_v6) {
		finding.level = FINDING_FAIL;
		finding.why = "transit gateways carry neither groups in 232.0.0.0/8 nor IPv6 ones";
		finding.advice = "receive an IPv4 group outside that range here";
	} else if (!forced) {
		finding.level = FINDING_WARN;
		finding.cure = host_text(host, "sysctl -w %s",
					 host_conf_setting(host, "ipv4", all ? "all" : name,
							   "force_igmp_version", 2));
	}
	host_add(host, &finding);
}
