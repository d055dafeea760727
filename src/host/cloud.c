/* cloud.c - what is known of multicast in the networks of cloud providers.
 *
 * The firmware's strings (DMI) tell the provider. AWS carries multicast by transit gateways, which
 * speak IGMPv2 only; Azure and Google carry none; Oracle only inside its layer-2 VLANs. Virtual
 * interfaces (veth, tunnels, overlays) do not depend on them. Pure but for files below root. No
 * step of a datagram runs here.
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

static bool dmi_begins(struct check *check, const char *field, const char *with)
{
	const char *text = check_line(check, "/sys/class/dmi/id/%s", field);

	return text && strncmp(text, with, strlen(with)) == 0;
}

static enum cloud find_cloud(struct check *check)
{
	if (dmi_begins(check, "sys_vendor", "Amazon EC2")) {
		return CLOUD_AWS;
	}
	if (dmi_begins(check, "chassis_asset_tag", AZURE_TAG)) {
		return CLOUD_AZURE;
	}
	if (dmi_begins(check, "sys_vendor", "Google")) {
		return CLOUD_GOOGLE;
	}
	if (dmi_begins(check, "chassis_asset_tag", "OracleCloud.com")) {
		return CLOUD_ORACLE;
	}
	return CLOUD_NONE;
}

static void check_aws(struct check *check, const struct check_iface *iface)
{
	const char *name = iface->at->name;
	int64_t all = check_number(check, 0, "/proc/sys/net/ipv4/conf/all/force_igmp_version");
	int64_t own = check_number(check, 0, "/proc/sys/net/ipv4/conf/%s/force_igmp_version", name);
	bool forced = all == 2 || (all == 0 && own == 2);
	struct check_finding finding = {
		.id = "cloud",
		.subject = name,
		.value = check_text(check, "AWS, force_igmp_version %d", (int)(all ? all : own)),
		.why = "transit gateways speak IGMPv2 only; Linux begins with IGMPv3, and its "
		       "reports are not understood until it has heard a query",
	};

	if (iface->ssm_v4 || iface->in_group_v6) {
		finding.level = CHECK_FAIL;
		finding.why = "transit gateways carry neither source-specific nor IPv6 groups";
		finding.advice = "receive an IPv4 group from any source here";
	} else if (!forced) {
		finding.level = CHECK_WARN;
		finding.cure = check_text(check, "sysctl -w %s",
					  check_conf_setting(check, "ipv4", all ? "all" : name,
							     "force_igmp_version", 2));
	}
	check_add(check, &finding);
}

static void check_carrier(struct check *check, const struct check_iface *iface, enum cloud cloud)
{
	check_add(check, &(struct check_finding){
				 .level = CHECK_WARN,
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

void check_cloud(struct check *check)
{
	enum cloud cloud = find_cloud(check);
	bool told = false;

	for (uint32_t i = 0; cloud != CLOUD_NONE && i < check->facts->iface_count; i++) {
		const struct check_iface *iface = &check->facts->ifaces[i];
		bool groups = iface->in_group_v4 || iface->in_group_v6 || iface->out_group;

		if (!groups || !check_exists(check, "/sys/class/net/%s/device", iface->at->name)) {
			continue;
		}
		if (cloud != CLOUD_AWS) {
			check_carrier(check, iface, cloud);
			told = true;
		} else if (iface->in_group_v4 || iface->in_group_v6) {
			check_aws(check, iface);
			told = true;
		}
	}
	if (!told) {
		check_add(check, &(struct check_finding){
					 .id = "cloud",
					 .value = cloud_names[cloud],
					 .why = "some providers' networks carry no multicast, or "
						"only some of it",
				 });
	}
}
