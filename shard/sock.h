/* sock.h - opens the sockets of a flow and of its outputs (steps 3 and 10).
 *
 * Ingress: bound to group:port, SO_REUSEADDR, SO_BINDTODEVICE to the ingress interface,
 * IP_MULTICAST_ALL / IPV6_MULTICAST_ALL off, joined by interface index with the RFC 3678 calls.
 * Together these make it hear exactly its own flow: without BINDTODEVICE IPv6 would hear other
 * interfaces, without MULTICAST_ALL=0 other processes' joins. One socket per flow, so
 * igmp_max_memberships (20 per socket) never matters.
 *
 * SO_REUSEPORT is never set on multicast. Sharing a group:port needs SO_REUSEADDR only, and with
 * REUSEPORT Linux 6.18 passes an IPv4 datagram that exactly one socket matches through the
 * reuseport hash: of two flows that differ in their source only, each heard half of both, and a
 * socket that has not joined took datagrams from one that has (both measured). A unicast ingress
 * shares its port with nobody, so that a port in use is an error and not a flow split in silence;
 * but flows of one port that differ in their source share it, with SO_REUSEADDR, each connected to
 * its source, and so do the shares of one flow (share.h), which is what SO_REUSEPORT is for.
 *
 * Egress: one socket per output - an unresolvable unicast neighbour fills the send buffer of its
 * socket, and must fill no other's. Loopback of multicast off unless local=yes, IP_RECVERR on
 * (without it a drop in the queueing discipline is reported as success). One that sends to a
 * unicast address from an address of ours is connected when there is a route; every other one is
 * hidden from ICMP errors (sock_egress.c) and not connected.
 *
 * sock_ingress.c and sock_egress.c open, sock_kept.c takes over what was open, sock_share.c has
 * what sockets of one flow do together, sock_report.c has memberships reported again; sock.c has
 * the steps they have in common.
 *
 * All functions: shard thread at start, or control thread. Errors: -errno with `err' in the form
 * `eth0: cannot join 239.1.1.1: CAUSE; CURE', naming the sysctl and its value where one decides. On
 * error nothing stays open. Every option is read back; one that the kernel did not keep is -EIO,
 * but for buffer sizes, where less than asked for is reported in sock_got.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#include "shard/rule.h"
#include "shard/share.h"
#include "src/base/log.h"

/* What was got, read back. Buffer sizes as the operator counts them (half of what the kernel
 * reports, which doubles them). */
struct sock_got {
	uint32_t buffer_bytes; /* SO_RCVBUF or SO_SNDBUF in force */
	bool clamped;          /* less than asked for: rmem_max or wmem_max */
	bool gro;              /* ingress: UDP_GRO accepted */
	bool gso;              /* egress: UDP_SEGMENT known to this kernel */
	bool connected;        /* egress: sends need no name */
	bool sourceless;       /* egress: the address of src= is not this host's, yet or any more */
	uint32_t path_mtu;     /* egress: of the path now, IP header included; 0: unknown */
	struct addr local;     /* ingress: what it is bound to. Egress: address and port it sends
				* from; the port is always known, the address is the wildcard while
				* nobody can know it (src=keep, or no route yet). Unless a unicast
				* socket is connected or there is src=, it may change later */
};

/* What the ingress control data must carry, by what the outputs ask for. */
struct sock_want {
	uint32_t buffer_bytes; /* SO_RCVBUF or SO_SNDBUF wanted; 0: leave the system's default */
	bool ttl;              /* IP_RECVTTL / IPV6_RECVHOPLIMIT */
	bool tos;              /* IP_RECVTOS / IPV6_RECVTCLASS */
	bool gro;              /* UDP_GRO */
	bool stamp;            /* SO_TIMESTAMPNS */
	struct share share;    /* ingress: which part of the flow; all zero: the whole */
};

/* Opens and binds, does not join: nothing arrives before sock_join for multicast. `ifindex' is
 * that of the rule's interface, 0 when it names none (unicast only). The socket of a share refuses
 * whatever arrives, and is not bound for unicast: the next two calls do the rest. Returns the fd.
 */
int sock_open_ingress(const struct rule_ingress *in, unsigned ifindex, const struct sock_want *want,
		      struct sock_got *got, struct err *err);

/* In sock_kept.c. Takes over the socket that an earlier process had opened and joined for the whole
 * of a flow: verifies that it hears what sock_open_ingress and sock_join would have made it hear,
 * and fits what may change. 0, or -ESTALE or another -errno with `err': then it stays as it was,
 * but for what may change, and is the caller's to close. */
int sock_take_ingress(int fd, const struct rule_ingress *in, unsigned ifindex,
		      const struct sock_want *want, struct sock_got *got, struct err *err);

/* In sock_kept.c. Writes on the socket itself how many of its kernel drops (sock_kernel_drops) have
 * been told of, for whoever takes it over; that reads it, 0 when nothing was noted. */
void sock_note_drops(int fd, uint32_t drops);
uint32_t sock_noted_drops(int fd);

/* In sock_kept.c. The same of a share of a group: how many pieces it refused and received, 53 bits
 * of each; whether that was noted, and not forgotten since. */
void sock_note_share(int fd, uint64_t refused, uint64_t received);
bool sock_noted_share(int fd, uint64_t *refused, uint64_t *received);
void sock_forget_share(int fd);

/* In sock_share.c. The sockets of one flow become ready together: all are bound, by share from the
 * first to the last, then all join, and only then are they opened. So every one of them sees, and
 * counts as dropped, whatever came since the last has joined, and no share is another's meanwhile.
 * Bind does nothing for multicast. -EADDRINUSE when anybody else, of whatever user, has the port.
 */
int sock_share_bind(int fd, const struct rule_ingress *in, unsigned ifindex,
		    const struct share *share, struct sock_got *got, struct err *err);
int sock_share_open(int fd, const struct rule_ingress *in, const struct share *share,
		    struct err *err);

/* In sock_share.c. A socket that an earlier process opened for this share takes what the share has,
 * and nothing else: verified of a group, of a unicast flow its program is attached again. */
int sock_share_take(int fd, const struct rule_ingress *in, const struct share *share,
		    struct err *err);

/* What the socket of a flow, which goes on hearing, can follow when its rule changes: whether
 * others may have its address (in->shared; of a stranger's datagrams then only the shard knows, or,
 * once it was shared, nobody), 0 or -errno; and coalescing from now on, of what comes: whether it
 * does. Datagrams that are queued stay. */
int sock_set_shared(int fd, const struct rule_ingress *in, unsigned ifindex, struct err *err);
bool sock_coalesce(int fd);

/* Joins the group (and source) on the interface; no-op for unicast. 0 or -errno. */
int sock_join(int fd, const struct rule_ingress *in, unsigned ifindex, struct err *err);

/* Leaves what sock_join joined, so that nothing new arrives. Errors are ignored: the interface
 * may be gone. */
void sock_leave(int fd, const struct rule_ingress *in, unsigned ifindex);

enum sock_report {
	SOCK_REPORT_WHOLE,  /* reported as if joined now; in between the socket hears nothing */
	SOCK_REPORT_GENTLY, /* it goes on hearing, and not every switch is content */
	SOCK_REPORT_END,
};

/* Makes the kernel report a multicast membership again, in two halves: WHOLE or GENTLY for every
 * socket of ours that has joined the group on this interface, then at once END for each. Nothing is
 * left. 0 or -errno; END must follow all the same. Control thread, while the owner relays. */
int sock_report(int fd, const struct rule_ingress *in, unsigned ifindex, enum sock_report what);

/* From now on the kernel drops, and counts as dropped, whatever arrives at `fd'; what is queued
 * stays readable. Errors are ignored: there is nothing else one could do. */
void sock_refuse_all(int fd);

/* Opens an output's socket with TTL, DSCP, source, priority set and read back. Returns the fd. An
 * unreachable destination is not an error here. While the socket is not connected each send names
 * the destination, and where there is src= the source address too. ttl=keep|dec and dscp=keep set
 * the defaults; control data with each send overrides them. */
int sock_open_egress(const struct rule_output *out, unsigned ifindex, const struct sock_want *want,
		     struct sock_got *got, struct err *err);

/* Gives an open socket the TTL, DSCP, priority and loopback of `out', another rule of the same
 * output, read back. A priority that `out' leaves to the kernel stays as it is. */
int sock_set_egress(int fd, const struct rule_output *out, unsigned ifindex, struct err *err);

/* A connected socket sends from the address that the route gave it then, and goes on doing so when
 * that is gone. If the route gives another one now, connects it anew: as before, but from that
 * address. `local' is the address in force before and after. Whether it was connected anew. No send
 * may be under way. Shard thread, while traffic flows: a few calls that do not block. */
bool sock_follow_source(int fd, const struct rule_output *out, unsigned ifindex,
			struct addr *local);

/* In sock_source.c. Whether the address of src= is not this host's. A few calls that do not block.
 */
bool sock_lacks_source(const struct rule_output *out, unsigned ifindex);

/* From now on what is read from an ingress comes with what `want' asks for, as what was queued
 * before does; what it does not ask for stays as it is. */
int sock_want_more(int fd, const struct rule_ingress *in, const struct sock_want *want,
		   struct err *err);

/* From now on what is read from an ingress comes with the time at which the kernel received it, or
 * no longer does; what was queued before with about the time at which it is read, unless somebody
 * on this host had asked for stamps already. 0 or -errno. */
int sock_set_stamp(int fd, bool on);

/* MTU of the path that a connected socket sends by, IP header included; 0 when it is not connected
 * or the kernel cannot say. */
uint32_t sock_path_mtu(int fd, int family);

/* Whether an interface is there and up, asked by any socket. */
bool sock_device_is_up(int fd, unsigned ifindex);

/* MTU of an interface, asked by any socket; 0 when there is none such. */
uint32_t sock_device_mtu(int fd, unsigned ifindex);

/* Datagrams the kernel dropped at this socket so far (SK_MEMINFO_DROPS), modulo 2^32: add up
 * differences. 0 when it cannot say. */
uint32_t sock_kernel_drops(int fd);

/* Bytes of memory that the datagrams take which are queued there (SK_MEMINFO_RMEM_ALLOC). */
uint32_t sock_queued_bytes(int fd);

/* The number of the device's queue (its NAPI instance) that a datagram of this socket came from; 0:
 * none came, or none of a device that the kernel can poll. */
uint32_t sock_napi_id(int fd);

/* What an error queue held. */
struct sock_errors {
	uint32_t icmp;  /* entries that ICMP errors have left, true or forged */
	int icmp_errno; /* of the last of these */
};

/* Empties the error queue, at most ERRQUEUE_DRAIN_MAX entries. With the queue empty the error that
 * an ICMP error left for the next send is gone too. */
struct sock_errors sock_drain_errors(int fd);
