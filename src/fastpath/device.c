/* device.c - asks for an interface's address, MTU and kind; see device.h. */
#include "src/fastpath/device.h"

#include <net/if.h>
#include <net/if_arp.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "src/setup/linkinfo.h"

void device_read(const char *ifname, struct device *out)
{
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct device found = {.ifindex = if_nametoindex(ifname)};
	struct ifreq ask = {0};
	struct linkinfo link;

	memcpy(ask.ifr_name, ifname, strnlen(ifname, sizeof(ask.ifr_name) - 1));
	*out = (struct device){0};
	if (fd >= 0 && found.ifindex != 0 && ioctl(fd, SIOCGIFHWADDR, &ask) == 0) {
		found.ethernet = ask.ifr_hwaddr.sa_family == ARPHRD_ETHER;
		memcpy(found.mac, ask.ifr_hwaddr.sa_data, sizeof(found.mac));
		if (ioctl(fd, SIOCGIFMTU, &ask) == 0) {
			found.mtu = (uint32_t)ask.ifr_mtu;
		}
		found.tagged = linkinfo_ask(found.ifindex, &link) == 0 && link.keeps_tags;
		*out = found;
	}
	if (fd >= 0) {
		close(fd);
	}
}
