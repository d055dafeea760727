/* device.h - what is to be known of an interface before a program sends or takes packets there.
 *
 * Control thread.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct device {
	unsigned ifindex; /* 0: there is none of the name */
	uint32_t mtu;
	uint8_t mac[6];
	bool ethernet; /* its packets begin with two such addresses and a type */
	bool tagged;   /* a VLAN's whose packets come in with the tag still there */
};

/* Looks at what is called so now; all zero when nothing is. */
void device_read(const char *ifname, struct device *out);
