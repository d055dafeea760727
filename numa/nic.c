/* nic.c - finds an interface's NUMA node by reading sysfs (step 1).
 *
 * Two ways, tried in this order. First the lower devices: the kernel gives a bond, VLAN, bridge,
 * macvlan or accelerated Hyper-V interface one `lower_NAME' link for each device its traffic goes
 * through, so the question is passed on to those. Members without a place (the veths of a bridge)
 * do not count; members with different places make the whole unknown. Then the device itself: the
 * target of `device', and from there upwards until some parent has a `numa_node' that is not -1,
 * which is how a virtio interface gets the node of the PCI function it sits on. Everything else
 * (veth, tun, lo) is virtual. Control thread; no state; the paths are built below `sysfs'.
 */
#include "numa/nic.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define NIC_DEPTH_MAX 8 /* a VLAN on a bond on ...: more than the kernel itself allows */

/* What the lower devices said, taken together. */
struct lower_sum {
	int node_os;             /* first place found, or TOPO_UNKNOWN */
	int other_os;            /* a place that disagrees, or TOPO_UNKNOWN */
	unsigned count;          /* with a place */
	char first[IF_NAMESIZE]; /* the first one's name, by order of names */
};

static int locate(const char *sysfs, const char *ifname, int depth, char *via, size_t via_len);
static int locate_lower(const char *sysfs, const char *ifname, int depth, char *via,
			size_t via_len);
static int keep_lower_link(const struct dirent *entry);
static void sum_lower(struct lower_sum *sum, const char *name, int node_os);
static int judge_lower(const struct lower_sum *sum, char *via, size_t via_len);
static int locate_device(const char *sysfs, const char *ifname, char *via, size_t via_len);
static int read_node(const char *dir);
static void describe_device(const char *dir, const char *suffix, char *via, size_t via_len);
static int keep_ifname(const struct dirent *entry);
static bool ifname_usable(const char *ifname);
static bool fill_nic(const char *sysfs, const char *ifname, struct topo_nic *nic);

int nic_node(const char *sysfs, const char *ifname, char *via, size_t via_len)
{
	return locate(sysfs, ifname, 0, via, via_len);
}

int nic_list(const char *sysfs, struct topo_nic **nics, uint32_t *count)
{
	struct dirent **names = NULL;
	struct topo_nic *found;
	char path[PATH_MAX];
	uint32_t used = 0;
	int total;

	snprintf(path, sizeof(path), "%s/class/net", sysfs);
	total = scandir(path, &names, keep_ifname, alphasort);
	if (total < 0) {
		return -errno;
	}
	found = calloc((size_t)total + 1, sizeof(*found));
	for (int i = 0; i < total; i++) {
		if (found && fill_nic(sysfs, names[i]->d_name, &found[used])) {
			used++;
		}
		free(names[i]);
	}
	free(names);
	if (!found) {
		return -ENOMEM;
	}
	*nics = found;
	*count = used;
	return 0;
}

static int locate(const char *sysfs, const char *ifname, int depth, char *via, size_t via_len)
{
	char path[PATH_MAX];
	int node_os;

	snprintf(path, sizeof(path), "%s/class/net/%s", sysfs, ifname);
	if (!ifname_usable(ifname) || access(path, F_OK) != 0) {
		snprintf(via, via_len, "no such interface");
		return TOPO_UNKNOWN;
	}
	snprintf(via, via_len, "virtual");
	if (depth < NIC_DEPTH_MAX) {
		node_os = locate_lower(sysfs, ifname, depth, via, via_len);
		if (node_os != TOPO_UNKNOWN) {
			return node_os;
		}
	}
	return locate_device(sysfs, ifname, via, via_len);
}

static int locate_lower(const char *sysfs, const char *ifname, int depth, char *via, size_t via_len)
{
	struct lower_sum sum = {.node_os = TOPO_UNKNOWN, .other_os = TOPO_UNKNOWN};
	struct dirent **links = NULL;
	char path[PATH_MAX];
	char ignored[64];
	int count;

	snprintf(path, sizeof(path), "%s/class/net/%s", sysfs, ifname);
	count = scandir(path, &links, keep_lower_link, alphasort);
	for (int i = 0; i < count; i++) {
		const char *name = links[i]->d_name + strlen("lower_");

		sum_lower(&sum, name, locate(sysfs, name, depth + 1, ignored, sizeof(ignored)));
		free(links[i]);
	}
	free(links);
	return judge_lower(&sum, via, via_len);
}

static int keep_lower_link(const struct dirent *entry)
{
	return strncmp(entry->d_name, "lower_", 6) == 0;
}

static void sum_lower(struct lower_sum *sum, const char *name, int node_os)
{
	if (node_os == TOPO_UNKNOWN) {
		return;
	}
	if (sum->count++ == 0) {
		sum->node_os = node_os;
		snprintf(sum->first, sizeof(sum->first), "%s", name);
	} else if (node_os != sum->node_os) {
		sum->other_os = node_os;
	}
}

static int judge_lower(const struct lower_sum *sum, char *via, size_t via_len)
{
	if (sum->count == 0) {
		return TOPO_UNKNOWN;
	}
	if (sum->other_os != TOPO_UNKNOWN) {
		snprintf(via, via_len, "lower devices on nodes %d and %d", sum->node_os,
			 sum->other_os);
		return TOPO_UNKNOWN;
	}
	if (sum->count > 1) {
		snprintf(via, via_len, "lower %s and %u more", sum->first, sum->count - 1);
	} else {
		snprintf(via, via_len, "lower %s", sum->first);
	}
	return sum->node_os;
}

static int locate_device(const char *sysfs, const char *ifname, char *via, size_t via_len)
{
	char link[PATH_MAX];
	char dir[PATH_MAX];
	char root[PATH_MAX];
	size_t root_len;
	bool first = true;

	snprintf(link, sizeof(link), "%s/class/net/%s/device", sysfs, ifname);
	if (!realpath(sysfs, root) || !realpath(link, dir)) {
		return TOPO_UNKNOWN;
	}
	root_len = strlen(root);
	while (strlen(dir) > root_len && strncmp(dir, root, root_len) == 0) {
		int node_os = read_node(dir);

		if (node_os != TOPO_UNKNOWN) {
			describe_device(dir, "", via, via_len);
			return node_os;
		}
		if (first) {
			describe_device(dir, ", node not said", via, via_len);
			first = false;
		}
		*strrchr(dir, '/') = '\0';
	}
	return TOPO_UNKNOWN;
}

/* The number in DIR/numa_node, or TOPO_UNKNOWN. */
static int read_node(const char *dir)
{
	char path[PATH_MAX + 16];
	int node_os = TOPO_UNKNOWN;
	FILE *file;

	snprintf(path, sizeof(path), "%s/numa_node", dir);
	file = fopen(path, "re");
	if (!file) {
		return TOPO_UNKNOWN;
	}
	if (fscanf(file, "%d", &node_os) != 1 || node_os < 0) {
		node_os = TOPO_UNKNOWN;
	}
	fclose(file);
	return node_os;
}

/* "pci 0000:81:00.0": the bus a device is on, and its name there. */
static void describe_device(const char *dir, const char *suffix, char *via, size_t via_len)
{
	char link[PATH_MAX + 16];
	char bus[PATH_MAX];
	const char *name = strrchr(dir, '/');
	const char *bus_name = "device";

	snprintf(link, sizeof(link), "%s/subsystem", dir);
	if (realpath(link, bus)) {
		const char *slash = strrchr(bus, '/');

		bus_name = slash ? slash + 1 : bus;
	}
	snprintf(via, via_len, "%s %s%s", bus_name, name ? name + 1 : dir, suffix);
}

static int keep_ifname(const struct dirent *entry)
{
	return ifname_usable(entry->d_name);
}

static bool ifname_usable(const char *ifname)
{
	return ifname[0] != '\0' && strlen(ifname) < IF_NAMESIZE && !strchr(ifname, '/') &&
	       strcmp(ifname, ".") != 0 && strcmp(ifname, "..") != 0;
}

/* False for what is no interface: bonding_masters is a plain file. */
static bool fill_nic(const char *sysfs, const char *ifname, struct topo_nic *nic)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/class/net/%s/.", sysfs, ifname);
	if (access(path, F_OK) != 0) {
		return false;
	}
	memcpy(nic->name, ifname, strlen(ifname) + 1); /* fits: ifname_usable */
	nic->node_os = nic_node(sysfs, ifname, nic->via, sizeof(nic->via));
	return true;
}
