/* sock.h - opens the sockets of a flow and of its outputs (steps 3 and 10).
 *
 * Ingress: bound to group:port, SO_REUSEADDR and SO_REUSEPORT, SO_BINDTODEVICE to the ingress
 * interface, IP_MULTICAST_ALL / IPV6_MULTICAST_ALL off, joined by interface index with the RFC 3678
 * calls. Together these make it hear exactly its own flow: without BINDTODEVICE IPv6 would
 * hear other interfaces, without MULTICAST_ALL=0 other processes' joins. One socket per flow, so
 * igmp_max_memberships (20 per socket) never matters.
 *
 * Egress: one socket per output - an unresolvable unicast neighbour fills the send buffer of its
 * socket, and must fill no other's. Loopback of multicast off, IP_RECVERR on (without it a drop in
 * the queueing discipline is reported as success), connected when the destination has a route.
 *
 * All functions: shard thread at start, or control thread. Errors: -errno with `err' in the form
 * `eth0: cannot join 239.1.1.1: CAUSE; CURE', naming the sysctl and its value where one decides.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#include "shard/rule.h"
#include "src/base/log.h"

/* What was got, read back. Buffer sizes as the operator counts them (half of what the kernel
 * reports, which doubles them). */
struct sock_got {
	uint32_t buffer_bytes;  /* SO_RCVBUF or SO_SNDBUF in force */
	bool clamped;           /* less than asked for: rmem_max or wmem_max */
	bool gro;               /* ingress: UDP_GRO accepted */
	bool gso;               /* egress: UDP_SEGMENT known to this kernel */
	bool connected;         /* egress: sends need no name */
	struct addr local;      /* egress: address and port it sends from, port always known */
};

/* What the ingress control data must carry, by what the outputs ask for. */
struct sock_want {
	uint32_t buffer_bytes;  /* SO_RCVBUF or SO_SNDBUF wanted; 0: leave the system's default */
	bool ttl;               /* IP_RECVTTL / IPV6_RECVHOPLIMIT */
	bool tos;               /* IP_RECVTOS / IPV6_RECVTCLASS */
	bool gro;               /* UDP_GRO */
};

/* Opens and binds, does not join: nothing arrives before sock_join for multicast. Returns the fd. */
int sock_open_ingress(const struct rule_ingress *in, unsigned ifindex, const struct sock_want *want,
                      struct sock_got *got, struct err *err);

/* Joins the group (and source) on the interface; no-op for unicast. 0 or -errno. */
int sock_join(int fd, const struct rule_ingress *in, unsigned ifindex, struct err *err);

/* Leaves what sock_join joined, so that nothing new arrives. Errors are ignored: the interface
 * may be gone. */
void sock_leave(int fd, const struct rule_ingress *in, unsigned ifindex);

/* Opens an output's socket with TTL, DSCP, source, priority set and read back. Returns the fd. An
 * unreachable destination is not an error here: the socket stays unconnected. */
int sock_open_egress(const struct rule_output *out, unsigned ifindex, const struct sock_want *want,
                     struct sock_got *got, struct err *err);

/* Datagrams the kernel dropped at this socket so far (SK_MEMINFO_DROPS); 0 when it cannot say. */
uint64_t sock_kernel_drops(int fd);

/* Empties the error queue, at most ERRQUEUE_DRAIN_MAX entries; the last errno seen there, or 0. */
int sock_drain_errors(int fd);
