/* facts.h - gathers what only system calls tell, so that judging it needs none.
 *
 * Interfaces (netdevice(7), ethtool), routes to the sources that rules name (rtnetlink(7)), a trial
 * ring, and the packet filter's rules. Control thread.
 */
#pragma once

#include "src/host/host.h"

/* 0, or -ENOMEM; what could not be found out is marked so in `out'. */
int host_facts_gather(const struct setup *setup, struct host_facts *out);

/* What the rules of `setup' let pass at each interface, without asking the kernel: the first half
 * of gathering, also for tests. 0 or -ENOMEM. */
int host_facts_count(const struct setup *setup, struct host_facts *out);

/* The entry of `ifname', or NULL. */
const struct host_iface *host_facts_iface(const struct host_facts *facts, const char *ifname);

/* Accepts all-zero. */
void host_facts_free(struct host_facts *facts);
