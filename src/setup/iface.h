/* iface.h - the interfaces that the rules name: index, MTU, NUMA node (step 1).
 *
 * Resolved once, by name, before anything starts. Control thread.
 */
#pragma once

#include <net/if.h>
#include <stdbool.h>
#include <stdint.h>

#include "numa/topo.h"
#include "src/base/log.h"
#include "src/rules/conf.h"
#include "src/setup/ethtool.h"
#include "src/setup/linkinfo.h"

struct iface {
	char name[IF_NAMESIZE];
	unsigned ifindex; /* 0: not on this host (only when planning for another one) */
	uint32_t mtu;     /* 0: unknown */
	int node_os;      /* TOPO_UNKNOWN: no known place */
	char via[64];     /* how the node was found */
	bool physical;    /* it, or what it stands on, is a device and not the kernel's own */
	struct ethtool_features features;
	struct linkinfo link; /* all empty where the kernel did not say */
};

struct iface_table {
	struct iface *list; /* sorted by name */
	uint32_t count;
};

/* Replaces alternative names of this host's interfaces by the kernel's own, also those too long for
 * an endpoint; a name that nobody has stays. 0, -EINVAL with `err' when rules turn out to be about
 * one interface that may not be, -ENOMEM. */
int iface_rename(struct conf *conf, struct err *err);

/* Looks up every interface that a rule names, by the kernel's name. With `required', one that does
 * not exist is -ENODEV and `err' names the rule that needs it. `topo' gives the node where it knows
 * the interface. */
int iface_resolve(const struct conf *conf, const struct topo *topo, bool required,
		  struct iface_table *out, struct err *err);

/* Whether a device stands behind `name', by itself or as a lower one (of a bond, a VLAN, ...).
 * `sysfs' is "/sys" but in tests. */
bool iface_is_physical(const char *sysfs, const char *name);

/* The entry of `name', or NULL for "" and for names that no rule uses. */
const struct iface *iface_find(const struct iface_table *table, const char *name);

/* The index of the interface that has `name' now, as its own or another one. 0; -ENODEV: there is
 * none; or another -errno: the kernel could not be asked, and what was known may still be so. */
int iface_index(const char *name, unsigned *out);

/* Of the interface that is called so now; 0: there is none, or nobody knows. */
uint32_t iface_mtu(const char *name);

void iface_free(struct iface_table *table);
