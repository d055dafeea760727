/* sock_egress.c - the socket that one output sends from (step 10).
 *
 * Owner: the shard thread at start. Everything an output may ask for is set before the first
 * send; what differs from datagram to datagram (ttl=keep, dscp=keep, src=keep) travels as control
 * data and finds the defaults here. The socket never reads: its receive buffer is the smallest
 * there is, and *_MULTICAST_ALL is off, so that a shared sport= makes it no second receiver of
 * somebody's group.
 *
 * A unicast output is connected, and so hears of ICMP errors about what it sent. An output whose
 * datagrams go to many, or have sources that are not ours, has nothing to learn from them, and each
 * would fail one of its sends: anybody who can send to this host could forge them. Its socket is
 * therefore hidden: bound to a multicast address made up at random, which nobody joins. The kernel
 * looks for the socket that an ICMP error is about by the address the socket is bound to, and finds
 * none; what such a socket sends has the source that its route gives it each time, as if it were
 * bound to none. A second socket, which lives only while the first is opened, finds out which
 * address and which path MTU that is now, and a port that nobody else uses.
 *
 * An output that keeps its senders' ports (sport=keep) has a raw socket, hidden like the others: a
 * UDP socket has one port, and there may be as many as there are senders. Bound to that address it
 * receives nothing, where a raw socket otherwise gets a copy of all UDP that comes to this host.
 */
#include "shard/sock.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <stddef.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "shard/sock_opt.h"
#include "shard/udp_header.h"
#include "src/base/must.h"

#define UDP_CHECKSUM_AT ((int)offsetof(struct udp_header, checksum))

static bool has_moved(const struct rule_output *out, unsigned ifindex, const struct addr *local);
static int set_up(int fd, const struct rule_output *out, unsigned ifindex, const char *subject,
		  struct err *err);
static int set_options(int fd, const struct rule_output *out, unsigned ifindex, const char *subject,
		       struct err *err);
static void want_opts_v6(const struct rule_output *out, unsigned ifindex, struct sock_opts *opts);
static void want_opts_v4(const struct rule_output *out, bool broadcast, struct sock_opts *opts);
static int output_ttl(const struct rule_output *out, bool broadcast);
static int output_tos(const struct rule_output *out);
static void want_opts_any(const struct rule_output *out, struct sock_opts *opts);
static int set_multicast_if_v4(int fd, const char *subject, unsigned ifindex, struct err *err);
static int set_buffers(int fd, const struct sock_want *want, const char *subject,
		       struct sock_got *got, struct err *err);
static bool is_hidden(const struct rule_output *out, unsigned ifindex);
static int hide(int fd, const struct rule_output *out, unsigned ifindex, struct sock_got *got,
		struct err *err);
static int scout(int fd, const struct rule_output *out, unsigned ifindex, struct sock_got *got,
		 struct err *err);
static int bind_out_of_sight(int fd, const struct rule_output *out, uint16_t port, struct err *err);
static void make_up_group(uint16_t family, struct addr *group);
static int bind_egress(int fd, const struct rule_output *out, unsigned ifindex,
		       struct sock_got *got, struct err *err);
static int connect_egress(int fd, const struct rule_output *out, unsigned ifindex,
			  struct sock_got *got, struct err *err);
static bool is_unreachable(int error);
static bool knows_gso(int fd);

int sock_open_egress(const struct rule_output *out, unsigned ifindex, const struct sock_want *want,
		     struct sock_got *got, struct err *err)
{
	struct sock_got found = {0};
	char subject[ENDPOINT_TEXT_MAX];

	endpoint_format(&out->to, subject);
	if (!endpoint_is_known(&out->to)) {
		err_set(err, "%s: its address is not known yet", subject);
		return -EADDRNOTAVAIL;
	}

	int fd = out->sport_keep ? sock_create_raw(out->to.addr.family, subject, err)
				 : sock_create(out->to.addr.family, subject, err);

	if (fd < 0) {
		return fd;
	}

	int rc = set_up(fd, out, ifindex, subject, err);

	if (rc == 0) {
		rc = set_buffers(fd, want, subject, &found, err);
	}
	if (rc == 0 && out->sport_keep) {
		found.local = (struct addr){.family = out->to.addr.family};
		rc = bind_out_of_sight(fd, out, 0, err);
	} else if (rc == 0 && is_hidden(out, ifindex)) {
		rc = hide(fd, out, ifindex, &found, err);
	} else if (rc == 0) {
		rc = bind_egress(fd, out, ifindex, &found, err);
		if (rc == 0) {
			rc = connect_egress(fd, out, ifindex, &found, err);
		}
	}
	if (rc != 0) {
		close(fd);
		return rc;
	}
	found.gso = knows_gso(fd);
	*got = found;
	return fd;
}

int sock_set_egress(int fd, const struct rule_output *out, unsigned ifindex, struct err *err)
{
	char subject[ENDPOINT_TEXT_MAX];

	endpoint_format(&out->to, subject);
	return set_options(fd, out, ifindex, subject, err);
}

bool sock_follow_source(int fd, const struct rule_output *out, unsigned ifindex, struct addr *local)
{
	struct sockaddr apart = {.sa_family = AF_UNSPEC};
	struct sock_got got = {0};
	struct err ignored;

	if (out->src.family != 0 || !has_moved(out, ifindex, local) ||
	    connect(fd, &apart, sizeof(apart)) != 0) {
		return false;
	}
	/* Apart, it has lost its device, and a port that the kernel chose. */
	if (out->to.ifname[0]) {
		(void)sock_bind_device(fd, out->to.ifname, ifindex, &ignored);
	}
	if (out->sport == 0) {
		struct addr at = {.family = local->family, .port = local->port};

		(void)sock_bind(fd, &at, ifindex, &got.local, &ignored);
	}
	if (connect_egress(fd, out, ifindex, &got, &ignored) == 0 && got.connected) {
		*local = got.local;
	}
	return true;
}

/* Whether the route gives another address than `local'; not when there is no route. */
static bool has_moved(const struct rule_output *out, unsigned ifindex, const struct addr *local)
{
	struct sock_got got = {0};
	struct err ignored;
	int fd = sock_create(out->to.addr.family, "", &ignored);
	bool moved = false;

	if (fd < 0) {
		return false;
	}
	if (!out->to.ifname[0] || sock_bind_device(fd, out->to.ifname, ifindex, &ignored) == 0) {
		moved = connect_egress(fd, out, ifindex, &got, &ignored) == 0 && got.connected &&
			!addr_ip_equal(&got.local, local);
	}
	close(fd);
	return moved;
}

static int set_up(int fd, const struct rule_output *out, unsigned ifindex, const char *subject,
		  struct err *err)
{
	bool multicast = addr_is_multicast(&out->to.addr);
	struct sock_opts opts = {0};
	int rc;

	if (out->to.addr.family == AF_INET6 && out->sport_keep) {
		sock_want_opt(&opts, SOCK_OPT(IPPROTO_IPV6, IPV6_CHECKSUM, UDP_CHECKSUM_AT));
	} else if (out->to.addr.family == AF_INET6) {
		sock_want_opt(&opts, SOCK_OPT(IPPROTO_IPV6, IPV6_V6ONLY, 1));
	}
	rc = sock_set_opts(fd, subject, &opts, err);
	if (rc == 0) {
		rc = set_options(fd, out, ifindex, subject, err);
	}

	if (rc != 0) {
		return rc;
	}
	if (multicast && out->to.addr.family == AF_INET && ifindex != 0) {
		return set_multicast_if_v4(fd, subject, ifindex, err);
	}
	if (!multicast && out->to.ifname[0]) {
		return sock_bind_device(fd, out->to.ifname, ifindex, err);
	}
	return 0;
}

static int set_options(int fd, const struct rule_output *out, unsigned ifindex, const char *subject,
		       struct err *err)
{
	struct sock_opts opts = {0};

	if (out->to.addr.family == AF_INET6) {
		want_opts_v6(out, ifindex, &opts);
	} else {
		want_opts_v4(out, sock_is_broadcast(&out->to, ifindex), &opts);
	}
	want_opts_any(out, &opts);
	return sock_set_opts(fd, subject, &opts, err);
}

static void want_opts_v6(const struct rule_output *out, unsigned ifindex, struct sock_opts *opts)
{
	sock_want_opt(opts, SOCK_OPT(IPPROTO_IPV6, IPV6_MULTICAST_ALL, 0));
	sock_want_opt(opts, SOCK_OPT(IPPROTO_IPV6, IPV6_MULTICAST_LOOP, out->local));
	sock_want_opt(opts, SOCK_OPT(IPPROTO_IPV6, IPV6_MULTICAST_HOPS, output_ttl(out, false)));
	sock_want_opt(opts, SOCK_OPT(IPPROTO_IPV6, IPV6_UNICAST_HOPS, output_ttl(out, false)));
	sock_want_opt(opts, SOCK_OPT(IPPROTO_IPV6, IPV6_TCLASS, output_tos(out)));
	sock_want_opt(opts, SOCK_OPT(IPPROTO_IPV6, IPV6_RECVERR, 1));
	/* Only the sender cuts up, so what is known of the path counts: by its route, or learned.
	 */
	sock_want_opt(opts, SOCK_OPT(IPPROTO_IPV6, IPV6_MTU_DISCOVER,
				     out->df ? IPV6_PMTUDISC_DO : IPV6_PMTUDISC_DONT));
	if (addr_is_multicast(&out->to.addr) && ifindex != 0) {
		sock_want_opt(opts, SOCK_OPT(IPPROTO_IPV6, IPV6_MULTICAST_IF, (int)ifindex));
	}
	if (out->src_keep) {
		sock_want_opt(opts, (struct sock_opt){IPPROTO_IPV6, IPV6_TRANSPARENT, 1,
						      "IPV6_TRANSPARENT", SOCK_DEED_TRANSPARENT});
	}
}

static void want_opts_v4(const struct rule_output *out, bool broadcast, struct sock_opts *opts)
{
	if (broadcast) {
		sock_want_opt(opts, SOCK_OPT(SOL_SOCKET, SO_BROADCAST, 1));
	}
	sock_want_opt(opts, SOCK_OPT(IPPROTO_IP, IP_MULTICAST_ALL, 0));
	sock_want_opt(opts, SOCK_OPT(IPPROTO_IP, IP_MULTICAST_LOOP, out->local));
	sock_want_opt(opts, SOCK_OPT(IPPROTO_IP, IP_MULTICAST_TTL, output_ttl(out, broadcast)));
	sock_want_opt(opts, SOCK_OPT(IPPROTO_IP, IP_TTL, output_ttl(out, broadcast)));
	sock_want_opt(opts, SOCK_OPT(IPPROTO_IP, IP_TOS, output_tos(out)));
	sock_want_opt(opts, SOCK_OPT(IPPROTO_IP, IP_RECVERR, 1));
	/* Not what is known of the path, which anybody can forge: whoever comes to a narrower link
	 * may cut datagrams up, singles and those of a train alike. */
	sock_want_opt(opts, SOCK_OPT(IPPROTO_IP, IP_MTU_DISCOVER,
				     out->df ? IP_PMTUDISC_DO : IP_PMTUDISC_OMIT));
	if (out->src_keep) {
		sock_want_opt(opts, (struct sock_opt){IPPROTO_IP, IP_TRANSPARENT, 1,
						      "IP_TRANSPARENT", SOCK_DEED_TRANSPARENT});
	}
}

static int output_ttl(const struct rule_output *out, bool broadcast)
{
	if (out->ttl != 0) {
		return out->ttl;
	}
	return broadcast ? 1 : RULE_TTL_DEFAULT;
}

static int output_tos(const struct rule_output *out)
{
	return out->dscp > 0 ? out->dscp << 2 : 0;
}

/* After the family's own: setting IP_TOS sets a priority of the kernel's choice. */
static void want_opts_any(const struct rule_output *out, struct sock_opts *opts)
{
	if (out->priority != RULE_AUTO) {
		sock_want_opt(opts, (struct sock_opt){SOL_SOCKET, SO_PRIORITY, out->priority,
						      "SO_PRIORITY", SOCK_DEED_PRIORITY});
	}
	/* Several outputs may send from one port that the rules name; one chosen by the kernel is
	 * this socket's alone. */
	if (out->sport != 0) {
		sock_want_opt(opts, SOCK_OPT(SOL_SOCKET, SO_REUSEADDR, 1));
	}
}

static int set_multicast_if_v4(int fd, const char *subject, unsigned ifindex, struct err *err)
{
	struct ip_mreqn mreqn = {.imr_ifindex = (int)ifindex};
	struct ip_mreqn kept = {0};
	socklen_t len = sizeof(kept);

	if (setsockopt(fd, IPPROTO_IP, IP_MULTICAST_IF, &mreqn, sizeof(mreqn)) != 0) {
		int error = errno == EADDRNOTAVAIL ? ENODEV : errno;

		return sock_fail(err, SOCK_DEED_DEVICE, subject, "set IP_MULTICAST_IF", error);
	}
	if (getsockopt(fd, IPPROTO_IP, IP_MULTICAST_IF, &kept, &len) != 0) {
		return sock_fail(err, SOCK_DEED_OPTION, subject, "read IP_MULTICAST_IF", errno);
	}
	/* Older kernels answer with an address only, which says nothing of the index. */
	if (len == sizeof(kept) && kept.imr_ifindex != mreqn.imr_ifindex) {
		err_set(err, "%s: cannot set IP_MULTICAST_IF to interface %u: the kernel kept %d",
			subject, ifindex, kept.imr_ifindex);
		return -EIO;
	}
	return 0;
}

static int set_buffers(int fd, const struct sock_want *want, const char *subject,
		       struct sock_got *got, struct err *err)
{
	int smallest = 0;
	int rc = sock_set_buffer(fd, SO_SNDBUF, want->buffer_bytes, got);

	if (rc != 0) {
		return sock_fail(err, SOCK_DEED_OPTION, subject, "set SO_SNDBUF", -rc);
	}
	/* The kernel raises it to its own minimum, whatever that is: nothing to read back. */
	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &smallest, sizeof(smallest)) != 0) {
		return sock_fail(err, SOCK_DEED_OPTION, subject, "set SO_RCVBUF", errno);
	}
	return 0;
}

static bool is_hidden(const struct rule_output *out, unsigned ifindex)
{
	return out->src_keep || out->reply || addr_is_multicast(&out->to.addr) ||
	       sock_is_broadcast(&out->to, ifindex);
}

static int hide(int fd, const struct rule_output *out, unsigned ifindex, struct sock_got *got,
		struct err *err)
{
	char subject[ENDPOINT_TEXT_MAX];
	int helper = sock_create(out->to.addr.family, endpoint_format(&out->to, subject), err);

	if (helper < 0) {
		return helper;
	}

	int rc = set_up(helper, out, ifindex, subject, err);

	if (rc == 0) {
		rc = scout(helper, out, ifindex, got, err);
	}
	/* While the helper has the port, nobody takes it who would not share it with us. */
	if (rc == 0) {
		rc = sock_share_port(helper, 1, subject, err);
	}
	if (rc == 0) {
		rc = bind_out_of_sight(fd, out, got->local.port, err);
	}
	got->connected = false; /* the helper is, if anybody */
	close(helper);
	return rc;
}

/* Finds out address, port and path by a socket that is bound and connected as the other one would
 * be if it were not hidden. With src=keep there is no address to be found. */
static int scout(int fd, const struct rule_output *out, unsigned ifindex, struct sock_got *got,
		 struct err *err)
{
	int rc = bind_egress(fd, out, ifindex, got, err);
	struct addr bound = got->local;

	if (rc == 0) {
		rc = connect_egress(fd, out, ifindex, got, err);
	}
	if (out->src_keep) {
		got->local = bound;
	}
	return rc;
}

/* The port is shared with the helper for as long as there is one, and with other outputs where the
 * rule names it. */
static int bind_out_of_sight(int fd, const struct rule_output *out, uint16_t port, struct err *err)
{
	char subject[ENDPOINT_TEXT_MAX];
	struct addr group;
	struct addr local;

	endpoint_format(&out->to, subject);
	make_up_group(out->to.addr.family, &group);
	group.port = port;

	int rc = sock_share_port(fd, 1, subject, err);

	if (rc == 0) {
		rc = sock_bind(fd, &group, 0, &local, err);
	}
	/* With reply=yes another socket is to hear what comes to the port. */
	if (rc == 0 && out->sport == 0 && !out->reply) {
		rc = sock_share_port(fd, 0, subject, err);
	}
	return rc;
}

/* 28 bits of chance in IPv4, 112 in IPv6 (RFC 4291: transient, global). Without them the address is
 * a known one, and the socket only a little less hard to find. */
static void make_up_group(uint16_t family, struct addr *group)
{
	*group = (struct addr){.family = family};
	(void)!getrandom(group->ip, sizeof(group->ip), GRND_NONBLOCK);
	if (family == AF_INET6) {
		group->ip[0] = 0xff;
		group->ip[1] = 0x1e;
		return;
	}
	memset(group->ip + 4, 0, sizeof(group->ip) - 4);
	group->ip[0] = 0xe0 | (group->ip[0] & 0x0f);
	group->ip[1] |= group->ip[0] == 0xe0; /* 224.0.0.0/24 is for routers */
}

/* Explicitly even when everything is left to the kernel: the port must be known before the first
 * send, since it is how ingress recognises our own echo. */
static int bind_egress(int fd, const struct rule_output *out, unsigned ifindex,
		       struct sock_got *got, struct err *err)
{
	struct addr at = {.family = out->to.addr.family, .port = out->sport};

	return out->src.family != 0 ? sock_bind_source(fd, out, ifindex, got, err)
				    : sock_bind(fd, &at, ifindex, &got->local, err);
}

static int connect_egress(int fd, const struct rule_output *out, unsigned ifindex,
			  struct sock_got *got, struct err *err)
{
	struct sockaddr_storage name;
	socklen_t len = addr_to_sockaddr(&out->to.addr, ifindex, &name);
	char subject[ENDPOINT_TEXT_MAX];

	if (connect(fd, (struct sockaddr *)&name, len) == 0) {
		int rc = sock_read_local(fd, &got->local);

		got->connected = rc == 0;
		got->path_mtu = sock_path_mtu(fd, out->to.addr.family);
		return rc == 0 ? 0
			       : sock_fail(err, SOCK_DEED_OPTION,
					   endpoint_format(&out->to, subject), "read its own name",
					   -rc);
	}
	if (is_unreachable(errno)) {
		return 0;
	}
	return sock_fail(err, SOCK_DEED_CONNECT, endpoint_format(&out->to, subject), "connect",
			 errno);
}

/* Without a route, or without an address to send from, the destination may become reachable later:
 * the socket then names it in each send. */
static bool is_unreachable(int error)
{
	switch (error) {
	case ENETUNREACH:
	case EHOSTUNREACH:
	case ENETDOWN:
	case EADDRNOTAVAIL:
		return true;
	default:
		return false;
	}
}

/* Setting a segment size of 0 changes nothing and fails where trains are unknown. */
static bool knows_gso(int fd)
{
	int off = 0;

	return setsockopt(fd, SOL_UDP, UDP_SEGMENT, &off, sizeof(off)) == 0;
}
