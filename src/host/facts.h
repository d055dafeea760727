/* facts.h - gathers what only system calls tell, so that judging it needs none.
 *
 * Interfaces (netdevice(7), ethtool), routes to the sources that rules name (rtnetlink(7)), a trial
 * ring, and the packet filter's rules. Control thread.
 */
#pragma once

#include "src/host/host.h"

/* 0, or -ENOMEM; what could not be found out is marked so in `out'. */
int check_facts_gather(const struct setup *setup, struct check_facts *out);

/* What the rules of `setup' let pass at each interface, without asking the kernel: the first half
 * of gathering, also for tests. 0 or -ENOMEM. */
int check_facts_count(const struct setup *setup, struct check_facts *out);

/* The entry of `ifname', or NULL. */
const struct check_iface *check_facts_iface(const struct check_facts *facts, const char *ifname);

/* Accepts all-zero. */
void check_facts_free(struct check_facts *facts);
