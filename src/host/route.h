/* route.h - asks the kernel how it would route to an address (rtnetlink(7)).
 *
 * What the reverse-path check asks itself when a datagram arrives (FIB, not cache). One question a
 * socket; control thread.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "src/base/addr.h"

#define ROUTE_HOPS_MAX 16 /* interfaces of a multipath route that are kept */

struct route {
	int error;    /* 0, or why there is none: -ENETUNREACH, -EHOSTUNREACH ... */
	bool local;   /* an address of this host */
	bool unicast; /* a plain route; neither blackhole nor broadcast */
	uint32_t mtu; /* 0: it has none of its own */
	uint32_t hop_count;
	unsigned hops[ROUTE_HOPS_MAX]; /* interface indexes */
};

/* 0 with `out' filled in (an address without a route is an answer too), or -errno when the kernel
 * could not be asked. */
int route_ask(const struct addr *to, struct route *out);

/* The MTU that the way to `to' out by `ifindex' has of its own, by its route or because a router
 * beyond told: 0 where it has none, or -errno. */
int route_mtu(const struct addr *to, unsigned ifindex);

/* How many unicast IPv4 routes of all tables leave by the interface, or -errno. */
int route_count_by(unsigned ifindex);

bool route_uses(const struct route *route, unsigned ifindex);
