/* offload.c - will trains form on the way in, and be cut by somebody else on the way out?
 *
 * Ingress: without generic receive offload the kernel hands over single datagrams, unless the
 * sender's trains arrive whole as they do over a veth. Egress: a device that segments UDP (USO) or
 * the kernel just before it cuts a train; up to Linux 6.10 a device without checksum offload
 * refuses trains with EIO. Pure.
 */
#include "src/host/host.h"

#include "src/host/kernel.h"

static void check_gro(struct host *host, const struct host_iface *iface);
static void check_gso(struct host *host, const struct host_iface *iface);
static const char *on_off(bool on);
static bool lacks_checksum(const struct host_iface *iface);

void host_offloads(struct host *host)
{
	for (uint32_t i = 0; i < host->facts->iface_count; i++) {
		const struct host_iface *iface = &host->facts->ifaces[i];

		if (iface->flags != 0 && iface->flow_count > 0) {
			check_gro(host, iface);
		}
		if (iface->flags != 0 && iface->output_count > 0) {
			check_gso(host, iface);
		}
	}
}

static void check_gro(struct host *host, const struct host_iface *iface)
{
	const struct ethtool_features *features = &iface->features;
	const char *name = iface->at->name;
	bool wanted = host->setup->opt->gro != OPT_OFF;
	bool lacks = wanted && features->known && !features->gro;

	host_add(host,
		 &(struct finding){
			 .level = lacks                        ? FINDING_WARN
				  : wanted && !features->known ? FINDING_UNKNOWN
							       : FINDING_OK,
			 .id = "gro",
			 .subject = name,
			 .value = !wanted            ? "not used: --gro off"
				  : !features->known ? "not known: the interface does not say"
						     : host_text(host, "generic-receive-offload %s",
								 on_off(features->gro)),
			 .why = "datagrams that the device's driver gathers into trains cost a "
				"fraction of the CPU",
			 .cure = lacks ? host_text(host, "ethtool -K %s gro on", name) : NULL,
		 });
}

static void check_gso(struct host *host, const struct host_iface *iface)
{
	const struct ethtool_features *features = &iface->features;
	const char *release = host_line(host, "/proc/sys/kernel/osrelease");
	struct finding finding = {
		.id = "gso",
		.subject = iface->at->name,
		.why = "a train is one trip through the kernel for many datagrams; the device cuts "
		       "it, or the kernel just before the device",
	};

	if (host->setup->opt->gso == OPT_OFF) {
		finding.value = "not used: --gso off";
	} else if (!features->known) {
		finding.level = FINDING_UNKNOWN;
		finding.value = "not known: the interface does not say";
	} else {
		finding.value = host_text(host,
					  "tx-udp-segmentation %s, generic-segmentation-offload "
					  "%s, tx checksums %s",
					  on_off(features->uso), on_off(features->gso),
					  on_off(!lacks_checksum(iface)));
		if (lacks_checksum(iface) && (!release || host_kernel_older(release, 6, 11))) {
			finding.level = FINDING_WARN;
			finding.why = "up to Linux 6.10 trains need checksums by the device; "
				      "without them every train is refused and sent as singles";
			finding.cure = host_text(host, "ethtool -K %s tx on", iface->at->name);
		}
	}
	host_add(host, &finding);
}

static const char *on_off(bool on)
{
	return on ? "on" : "off";
}

static bool lacks_checksum(const struct host_iface *iface)
{
	const struct ethtool_features *features = &iface->features;

	return (iface->out_v4 && !features->checksum_v4) ||
	       (iface->out_v6 && !features->checksum_v6);
}
