/* nic.h - which NUMA node is an interface's device on? (step 1)
 *
 * Physical and virtio devices say so in sysfs (device/numa_node, or the parent PCI function's);
 * bonds, VLANs, bridges and macvlans are followed to their lower devices; veth, tun and lo have
 * no place and are unknown, which is a value of its own and never node 0. Reads sysfs below
 * `sysfs' ("/sys" in production, a made-up tree in tests). Control thread.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "numa/topo.h"

#define NIC_SYSFS "/sys"

/* The node of `ifname', or TOPO_UNKNOWN (-1): no such device, no place, or lower devices that
 * disagree. `via', of `via_len' bytes, receives how it was found ("pci 0000:81:00.0", "lower
 * eth0", "lower devices on nodes 0 and 1", "virtual"). */
int nic_node(const char *sysfs, const char *ifname, char *via, size_t via_len);

/* Every interface of the network namespace that `sysfs' shows, ascending by name, each located as
 * nic_node does. 0 with an array to free() in `nics', or -errno. */
int nic_list(const char *sysfs, struct topo_nic **nics, uint32_t *count);
