/* iface.c - looks up the interfaces that the rules name (step 1 of a datagram's life).
 *
 * An interface may have other names than the kernel's own, which neither sysfs nor sysctls know;
 * they are replaced in the rules first, so that whatever follows sees one name for one interface.
 * Names come from the configuration, indexes and MTUs from the kernel (netdevice(7)), offloads from
 * the driver, nodes from the topology, which on this machine lists bonds, VLANs and bridges too.
 * Control thread, at start.
 */
#include "src/setup/iface.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "src/base/advice.h"

#define LOWER_PREFIX    "lower_" /* in sysfs, a link for each device that traffic goes through */
#define LOWER_DEPTH_MAX 8        /* more than the kernel allows */

static int collect_all(const struct conf *conf, struct iface_table *table);
static void collect(struct iface_table *table, const char *name);
static void keep_unique(struct iface_table *table);
static int find_kernel_name(const char *name, char kernel_name[IF_NAMESIZE]);
static void refuse(const struct conf *conf, const char *name, int rc, struct err *err);
static const struct conf_rule *first_user(const struct conf *conf, const char *name);
static void locate(struct iface *iface, const struct topo *topo);
static bool is_physical_below(const char *sysfs, const char *name, int depth);
static int keep_lower(const struct dirent *entry);
static int compare_names(const void *a, const void *b);

int iface_rename(struct conf *conf, struct err *err)
{
	struct iface_table table = {0};
	struct conf_ifname *names = NULL;
	uint32_t count = 0;
	int rc = collect_all(conf, &table);

	if (rc == 0) {
		names = calloc(table.count + 1UL, sizeof(*names));
		rc = names ? 0 : -ENOMEM;
	}
	for (uint32_t i = 0; i < table.count && rc == 0; i++) {
		memcpy(names[count].from, table.list[i].name, sizeof(names->from));
		rc = find_kernel_name(conf_ifname(conf, table.list[i].name), names[count].to);
		if (rc < 0 && rc != -ENODEV) {
			refuse(conf, table.list[i].name, rc, err);
			break;
		}
		count += rc == 0 && strcmp(names[count].from, names[count].to) != 0;
		rc = 0;
	}
	if (!names) {
		err_set(err, "interfaces: out of memory");
	} else if (rc == 0 && count > 0) {
		rc = conf_rename(conf, names, count, err);
	}
	free(names);
	iface_free(&table);
	return rc;
}

int iface_resolve(const struct conf *conf, const struct topo *topo, bool required,
		  struct iface_table *out, struct err *err)
{
	struct iface_table table = {0};

	if (collect_all(conf, &table) != 0) {
		err_set(err, "interfaces: out of memory");
		return -ENOMEM;
	}
	for (uint32_t i = 0; i < table.count; i++) {
		struct iface *iface = &table.list[i];
		int rc = iface_index(iface->name, &iface->ifindex);

		if (rc < 0 && (required || rc != -ENODEV)) {
			refuse(conf, iface->name, rc, err);
			iface_free(&table);
			return rc;
		}
		iface->mtu = iface_mtu(iface->name);
		iface->physical = iface_is_physical("/sys", iface->name);
		(void)ethtool_read(iface->name, &iface->features); /* what is not known is off */
		(void)linkinfo_ask(iface->ifindex, &iface->link);
		locate(iface, topo);
	}
	*out = table;
	return 0;
}

bool iface_is_physical(const char *sysfs, const char *name)
{
	return is_physical_below(sysfs, name, 0);
}

const struct iface *iface_find(const struct iface_table *table, const char *name)
{
	struct iface key = {0};

	if (table->count == 0) {
		return NULL;
	}
	snprintf(key.name, sizeof(key.name), "%s", name);
	return bsearch(&key, table->list, table->count, sizeof(key), compare_names);
}

int iface_index(const char *name, unsigned *out)
{
	unsigned ifindex;

	errno = 0;
	ifindex = if_nametoindex(name);
	if (ifindex == 0) {
		return errno == 0 || errno == ENXIO ? -ENODEV : -errno;
	}
	*out = ifindex;
	return 0;
}

uint32_t iface_mtu(const char *name)
{
	struct ifreq req = {0};
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	uint32_t mtu = 0;

	if (fd < 0) {
		return 0;
	}
	snprintf(req.ifr_name, sizeof(req.ifr_name), "%s", name);
	if (ioctl(fd, SIOCGIFMTU, &req) == 0 && req.ifr_mtu > 0) {
		mtu = (uint32_t)req.ifr_mtu;
	}
	close(fd);
	return mtu;
}

void iface_free(struct iface_table *table)
{
	free(table->list);
	*table = (struct iface_table){0};
}

/* Each name that a rule uses, sorted, and nothing else of them. 0 or -ENOMEM. */
static int collect_all(const struct conf *conf, struct iface_table *table)
{
	table->list =
		calloc((size_t)conf->flow_count + conf->output_count + 1, sizeof(*table->list));
	if (!table->list) {
		return -ENOMEM;
	}
	for (uint32_t i = 0; i < conf->flow_count; i++) {
		collect(table, conf->flows[i].in.at.ifname);
	}
	for (uint32_t i = 0; i < conf->output_count; i++) {
		collect(table, conf->outputs[i].to.ifname);
	}
	keep_unique(table);
	return 0;
}

static void collect(struct iface_table *table, const char *name)
{
	if (name[0] != '\0') {
		snprintf(table->list[table->count++].name, IF_NAMESIZE, "%s", name);
	}
}

/* Sorted and each name once. */
static void keep_unique(struct iface_table *table)
{
	uint32_t kept = 0;

	qsort(table->list, table->count, sizeof(*table->list), compare_names);
	for (uint32_t i = 0; i < table->count; i++) {
		if (kept == 0 || strcmp(table->list[kept - 1].name, table->list[i].name) != 0) {
			table->list[kept++] = table->list[i];
		}
	}
	table->count = kept;
}

/* What the kernel itself calls the interface that has `name'. 0 or -errno as iface_index. */
static int find_kernel_name(const char *name, char kernel_name[IF_NAMESIZE])
{
	unsigned ifindex = 0;
	int rc = iface_index(name, &ifindex);

	if (rc == -ENODEV && strlen(name) >= IF_NAMESIZE) {
		rc = linkinfo_find(name, &ifindex);
	}
	if (rc == 0 && !if_indextoname(ifindex, kernel_name)) {
		rc = errno == ENXIO ? -ENODEV : -errno;
	}
	return rc;
}

static void refuse(const struct conf *conf, const char *name, int rc, struct err *err)
{
	const struct conf_rule *rule = first_user(conf, name);
	const char *where = rule ? rule->where : "--rule";

	if (rc == -ENODEV) {
		err_set(err,
			"%s: interface %s does not exist; expected one of this host's interfaces; "
			"`ip link' lists them",
			where, conf_ifname(conf, name));
	} else {
		err_set(err, "%s: interface %s: cannot ask the kernel for it: %s; %s", where,
			conf_ifname(conf, name), strerror(-rc), advice_for_file(-rc));
	}
}

/* Which rule needs `name': for the message. */
static const struct conf_rule *first_user(const struct conf *conf, const char *name)
{
	for (uint32_t i = 0; i < conf->flow_count; i++) {
		const struct conf_flow *flow = &conf->flows[i];

		if (strcmp(flow->in.at.ifname, name) == 0) {
			return &conf->rules[flow->rule];
		}
		for (uint32_t o = 0; o < flow->output_count; o++) {
			if (strcmp(conf->outputs[flow->first_output + o].to.ifname, name) == 0) {
				return &conf->rules[flow->rule];
			}
		}
	}
	return NULL;
}

static void locate(struct iface *iface, const struct topo *topo)
{
	const struct topo_nic *nic = topo_find_nic(topo, iface->name);

	iface->node_os = TOPO_UNKNOWN;
	if (nic) {
		iface->node_os = nic->node_os;
		snprintf(iface->via, sizeof(iface->via), "%s", nic->via);
	}
}

static bool is_physical_below(const char *sysfs, const char *name, int depth)
{
	struct dirent **links = NULL;
	char path[PATH_MAX];
	bool physical;
	int count = 0;

	snprintf(path, sizeof(path), "%s/class/net/%s/device", sysfs, name);
	physical = access(path, F_OK) == 0;
	if (!physical && depth < LOWER_DEPTH_MAX) {
		*strrchr(path, '/') = '\0';
		count = scandir(path, &links, keep_lower, NULL);
	}
	for (int i = 0; i < count; i++) {
		const char *lower = links[i]->d_name + sizeof(LOWER_PREFIX) - 1;

		physical = physical || is_physical_below(sysfs, lower, depth + 1);
		free(links[i]);
	}
	free(links);
	return physical;
}

static int keep_lower(const struct dirent *entry)
{
	return strncmp(entry->d_name, LOWER_PREFIX, sizeof(LOWER_PREFIX) - 1) == 0;
}

static int compare_names(const void *a, const void *b)
{
	return strcmp(((const struct iface *)a)->name, ((const struct iface *)b)->name);
}
