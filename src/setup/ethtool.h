/* ethtool.h - which offloads an interface has switched on (SIOCETHTOOL, as `ethtool -k' shows).
 *
 * Unprivileged; works in any network namespace, in which sysfs may show another one's interfaces.
 * Control thread.
 */
#pragma once

#include <stdbool.h>

struct ethtool_features {
	bool known;       /* false: the interface did not answer, all below is meaningless */
	bool gro;         /* generic-receive-offload */
	bool lro;         /* large-receive-offload */
	bool gso;         /* generic-segmentation-offload */
	bool uso;         /* tx-udp-segmentation: trains are cut by the device */
	bool scatter;     /* scatter-gather */
	bool checksum_v4; /* tx checksums by the device, or postponed by a virtual one */
	bool checksum_v6;
	char driver[32]; /* "veth", "mlx5_core"; "" = unknown */
};

/* 0, or -errno when there is no such interface or it knows no such question; then `out' is all
 * zero. */
int ethtool_read(const char *ifname, struct ethtool_features *out);
