/* ethtool.c - asks one interface for its offloads.
 *
 * Features have names, not fixed numbers: first how many there are, then all names, then the bits
 * that are on. Control thread.
 */
#include "src/setup/ethtool.h"

#include <errno.h>
#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#define FEATURES_MAX 4096 /* the kernel had 64 in 2024 */

static int count_features(int fd, const char *ifname, uint32_t *out);
static int ask_features(int fd, const char *ifname, uint32_t count, struct ethtool_features *out);
static void take_feature(struct ethtool_features *out, const char *name, bool on);
static int call_driver(int fd, const char *ifname, void *data);

int ethtool_read(const char *ifname, struct ethtool_features *out)
{
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct ethtool_drvinfo driver = {.cmd = ETHTOOL_GDRVINFO};
	struct ethtool_features found = {0};
	uint32_t count = 0;
	int rc = fd < 0 ? -errno : count_features(fd, ifname, &count);

	*out = (struct ethtool_features){0};
	if (rc == 0) {
		rc = ask_features(fd, ifname, count, &found);
	}
	if (rc == 0) {
		found.known = true;
		if (call_driver(fd, ifname, &driver) == 0) {
			snprintf(found.driver, sizeof(found.driver), "%.*s",
				 (int)sizeof(driver.driver) - 1, driver.driver);
		}
		*out = found;
	}
	if (fd >= 0) {
		close(fd);
	}
	return rc;
}

static int count_features(int fd, const char *ifname, uint32_t *out)
{
	union {
		struct ethtool_sset_info info;
		unsigned char room[sizeof(struct ethtool_sset_info) + sizeof(uint32_t)];
	} ask = {.info = {.cmd = ETHTOOL_GSSET_INFO, .sset_mask = 1ULL << ETH_SS_FEATURES}};
	int rc = call_driver(fd, ifname, &ask);

	if (rc < 0) {
		return rc;
	}
	if (ask.info.sset_mask == 0 || ask.info.data[0] == 0 || ask.info.data[0] > FEATURES_MAX) {
		return -EOPNOTSUPP;
	}
	*out = ask.info.data[0];
	return 0;
}

static int ask_features(int fd, const char *ifname, uint32_t count, struct ethtool_features *out)
{
	uint32_t blocks = (count + 31) / 32;
	struct ethtool_gstrings *names =
		calloc(1, sizeof(*names) + (size_t)count * ETH_GSTRING_LEN);
	struct ethtool_gfeatures *bits =
		calloc(1, sizeof(*bits) + blocks * sizeof(bits->features[0]));
	int rc = names && bits ? 0 : -ENOMEM;

	if (rc == 0) {
		names->cmd = ETHTOOL_GSTRINGS;
		names->string_set = ETH_SS_FEATURES;
		names->len = count;
		rc = call_driver(fd, ifname, names);
	}
	if (rc == 0) {
		bits->cmd = ETHTOOL_GFEATURES;
		bits->size = blocks;
		rc = call_driver(fd, ifname, bits);
	}
	for (uint32_t i = 0; rc == 0 && i < count && i / 32 < bits->size; i++) {
		char name[ETH_GSTRING_LEN + 1] = "";

		memcpy(name, &names->data[(size_t)i * ETH_GSTRING_LEN], ETH_GSTRING_LEN);
		take_feature(out, name, (bits->features[i / 32].active >> (i % 32) & 1) != 0);
	}
	free(names);
	free(bits);
	return rc;
}

/* Sets what the feature called `name' stands for. */
static void take_feature(struct ethtool_features *out, const char *name, bool on)
{
	const struct {
		const char *name;
		bool *value;
	} known[] = {
		{"rx-gro", &out->gro},
		{"rx-lro", &out->lro},
		{"tx-generic-segmentation", &out->gso},
		{"tx-udp-segmentation", &out->uso},
		{"tx-scatter-gather", &out->scatter},
		{"tx-checksum-ipv4", &out->checksum_v4},
		{"tx-checksum-ipv6", &out->checksum_v6},
	};

	if (strcmp(name, "tx-checksum-ip-generic") == 0) {
		out->checksum_v4 |= on;
		out->checksum_v6 |= on;
	}
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		if (strcmp(name, known[i].name) == 0) {
			*known[i].value |= on;
		}
	}
}

static int call_driver(int fd, const char *ifname, void *data)
{
	struct ifreq req = {0};

	snprintf(req.ifr_name, sizeof(req.ifr_name), "%s", ifname);
	req.ifr_data = data;
	return ioctl(fd, SIOCETHTOOL, &req) < 0 ? -errno : 0;
}
