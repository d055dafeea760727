/* hop.h - by which neighbour a unicast destination is reached, and whether that one is known.
 *
 * The kernel is asked (rtnetlink(7)), and answers while it is asked: nothing is waited for. Control
 * thread.
 */
#pragma once

#include <stdint.h>

#include "src/base/addr.h"

struct mnl_socket;

struct hop {
	struct addr addr; /* of the gateway, or of the destination itself */
	unsigned ifindex;
};

/* A socket to ask by, which mnl_socket_close closes; NULL with errno. */
struct mnl_socket *hop_open(void);

/* Where the kernel sends what is for `to', by interface `ifindex' or, with 0, by route. 0; -ENOENT,
 * it is this host's own, or a broadcast, or nobody's; or another -errno. */
int hop_find(struct mnl_socket *socket, const struct addr *to, unsigned ifindex, struct hop *out);

/* As if something were sent to the neighbour: the kernel asks for its hardware address, or whether
 * the one that it has is still right. Needs CAP_NET_ADMIN. 0 or -errno. */
int hop_use(struct mnl_socket *socket, const struct hop *hop);
