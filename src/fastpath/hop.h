/* hop.h - by which neighbour a unicast destination is reached, and whether that one is known.
 *
 * The kernel is asked (rtnetlink(7)), and answers while it is asked: nothing is waited for. Control
 * thread.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "src/base/addr.h"

struct mnl_socket;
struct nlmsghdr;

enum hop_way {
	HOP_NOWHERE,   /* nobody knows at present */
	HOP_NEIGHBOUR, /* by the neighbour `addr' */
	HOP_HERE,      /* it is this host's own, or a broadcast */
	HOP_TUNNEL,    /* by a neighbour, and the route puts something around it */
	HOP_SEVERAL, /* by one of several neighbours, which the kernel chooses by more than `to' */
	HOP_POLICY,  /* rules may lead elsewhere what says more than where it is for */
};

struct hop {
	enum hop_way way;
	struct addr addr; /* of the gateway, or of the destination itself; its port is 0 */
	unsigned ifindex;
	uint32_t mtu;      /* by the route, or learned of the path; 0: the interface's */
	uint16_t state;    /* of the neighbour, the kernel's NUD_* */
	uint8_t mac[6];    /* its hardware address, if it has one and that is known */
	uint8_t mac_bytes; /* 6, or 0: neither; else it is no Ethernet's */
};

/* A socket to ask by, which mnl_socket_close closes; NULL with errno. */
struct mnl_socket *hop_open(void);

/* Where the kernel sends what is for `to', by interface `ifindex' or, with 0, by route. 0; -ENOENT,
 * it is this host's own, or a broadcast; -ENETUNREACH and the like, nobody knows; or another
 * -errno. */
int hop_find(struct mnl_socket *socket, const struct addr *to, unsigned ifindex, struct hop *out);

/* Whether the kernel has rules for routes of the family (ip-rule(8)) that ask for more than the
 * destination and the interface: sender, mark, user, ports ... 1 or 0, or -errno. */
int hop_has_policy(struct mnl_socket *socket, int family);

/* Fills in what is known of the neighbour. 0, or -errno: -ENOENT, nothing. */
int hop_look(struct mnl_socket *socket, struct hop *hop);

/* hop_find and hop_look; whatever goes wrong is a way that is not known, or a neighbour that is
 * not. */
void hop_reach(struct mnl_socket *socket, const struct addr *to, unsigned ifindex, struct hop *out);

/* As if something were sent to the neighbour: the kernel asks for its hardware address, or whether
 * the one that it has is still right. One that stands fast, as somebody has said, is left alone,
 * since the kernel would take that for gone. Looks at it before. Needs CAP_NET_ADMIN. 0 or -errno.
 */
int hop_use(struct mnl_socket *socket, struct hop *hop);

/* Whether packets can be sent to the neighbour: its hardware address is known, and held for right
 * until the opposite shows. */
bool hop_is_known(const struct hop *hop);

/* Whether the kernel knows it without asking, or has asked a short while ago. */
bool hop_is_fresh(const struct hop *hop);

/* Reads what the kernel says of a neighbour (RTM_NEWNEIGH, RTM_DELNEIGH), way and MTU apart. False:
 * the message is another one. */
bool hop_read(const struct nlmsghdr *message, struct hop *out);

/* Orders by who it is: interface and address. 0: the same neighbour. */
int hop_compare(const struct hop *a, const struct hop *b);
