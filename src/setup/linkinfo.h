/* linkinfo.h - what kind of device an interface is, and whose port (rtnetlink(7)).
 *
 * sysfs tells this of bridges and bonds only; the kernel's own word for a device covers them all.
 * Control thread.
 */
#pragma once

#include <net/if.h>
#include <stdbool.h>
#include <stdint.h>

#define LINKINFO_KIND_MAX 16

struct linkinfo {
	char kind[LINKINFO_KIND_MAX]; /* "veth", "vlan", "wireguard"; "": a device, or not known */
	char master_kind[LINKINFO_KIND_MAX]; /* of whom it is a port: "bridge", "bond", "vrf" */
	char master[IF_NAMESIZE];            /* "": it is nobody's port */
	bool keeps_tags;                     /* a VLAN that receives with the tag still there */
	uint32_t mtu_max;                    /* the largest MTU it takes; 0: not known */
};

/* 0, or -errno when the kernel could not be asked or has no such interface. */
int linkinfo_ask(unsigned ifindex, struct linkinfo *out);

/* The interface that has `altname', which may be longer than the other calls of the kernel take. 0,
 * -ENODEV, or another -errno when the kernel could not be asked. */
int linkinfo_find(const char *altname, unsigned *ifindex);

/* Whether what arrives at the interface is handed to its master, so that no socket at the interface
 * itself hears it. A VRF leaves its ports their datagrams. */
bool linkinfo_is_taken(const struct linkinfo *link);

/* Whether its MTU follows from the devices below it: a tunnel, a VLAN, a bridge. */
bool linkinfo_is_stacked(const struct linkinfo *link);
