/* offload.c - will trains form on the way in, and be cut by somebody else on the way out?
 *
 * Ingress: without generic receive offload the kernel hands over single datagrams, unless the
 * sender's trains arrive whole as they do over a veth. Egress: a device that segments UDP (USO) or
 * the kernel just before it cuts a train; up to Linux 6.10 a device without checksum offload
 * refuses trains with EIO. Pure. No step of a datagram runs here.
 */
#include "src/host/host.h"

#include "src/host/kernel.h"

static const char *on_off(bool on)
{
	return on ? "on" : "off";
}

static void check_gro(struct check *check, const struct check_iface *iface)
{
	const struct ethtool_features *features = &iface->features;
	const char *name = iface->at->name;
	bool wanted = check->setup->opt->gro != OPT_OFF;
	bool lacks = wanted && features->known && !features->gro;

	check_add(check,
		  &(struct check_finding){
			  .level = lacks ? CHECK_WARN : CHECK_OK,
			  .id = "gro",
			  .subject = name,
			  .value = !wanted ? "not used: --gro off"
				   : !features->known
					   ? "not known: the interface does not say"
					   : check_text(check, "generic-receive-offload %s",
							on_off(features->gro)),
			  .why = "datagrams that the device's driver gathers into trains cost a "
				 "fraction of the CPU",
			  .cure = lacks ? check_text(check, "ethtool -K %s gro on", name) : NULL,
		  });
}

static bool lacks_checksum(const struct check_iface *iface)
{
	const struct ethtool_features *features = &iface->features;

	return (iface->out_v4 && !features->checksum_v4) ||
	       (iface->out_v6 && !features->checksum_v6);
}

static void check_gso(struct check *check, const struct check_iface *iface)
{
	const struct ethtool_features *features = &iface->features;
	const char *release = check_line(check, "/proc/sys/kernel/osrelease");
	struct check_finding finding = {
		.id = "gso",
		.subject = iface->at->name,
		.why = "a train is one trip through the kernel for many datagrams; the device cuts "
		       "it, or the kernel just before the device",
	};

	if (check->setup->opt->gso == OPT_OFF) {
		finding.value = "not used: --gso off";
	} else if (!features->known) {
		finding.value = "not known: the interface does not say";
	} else {
		finding.value = check_text(check,
					   "tx-udp-segmentation %s, generic-segmentation-offload "
					   "%s, tx checksums %s",
					   on_off(features->uso), on_off(features->gso),
					   on_off(!lacks_checksum(iface)));
		if (lacks_checksum(iface) && (!release || check_kernel_older(release, 6, 11))) {
			finding.level = CHECK_WARN;
			finding.why = "up to Linux 6.10 trains need checksums by the device; "
				      "without them every train is refused and sent as singles";
			finding.cure = check_text(check, "ethtool -K %s tx on", iface->at->name);
		}
	}
	check_add(check, &finding);
}

void check_offloads(struct check *check)
{
	for (uint32_t i = 0; i < check->facts->iface_count; i++) {
		const struct check_iface *iface = &check->facts->ifaces[i];

		if (iface->flags != 0 && iface->flow_count > 0) {
			check_gro(check, iface);
		}
		if (iface->flags != 0 && iface->output_count > 0) {
			check_gso(check, iface);
		}
	}
}
