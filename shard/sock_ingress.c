/* sock_ingress.c - the socket that hears exactly one flow (step 3).
 *
 * Owner: the shard thread at start. The order matters: the interface and *_MULTICAST_ALL before
 * bind, so that there is no moment at which a bound socket hears what is not its own; joining
 * last and apart, so that the relay can arm the receive before the first datagram is delivered.
 */
#include "shard/sock.h"

#include <errno.h>
#include <linux/filter.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "shard/sock_opt.h"
#include "src/base/must.h"

static void want_ingress_opts(const struct rule_ingress *in, const struct sock_want *want,
			      struct sock_opts *opts);
static bool may_share(const struct rule_ingress *in);
static bool is_bound_later(const struct rule_ingress *in, const struct sock_want *want);
static int refuse_all(int fd);
static int hear_only_source(int fd, const struct rule_ingress *in, unsigned ifindex,
			    const char *subject, struct err *err);
static bool try_gro(int fd);
static int member(int fd, const struct rule_ingress *in, unsigned ifindex, bool join);

int sock_open_ingress(const struct rule_ingress *in, unsigned ifindex, const struct sock_want *want,
		      struct sock_got *got, struct err *err)
{
	struct sock_got found = {0};
	struct sock_opts opts = {0};
	char subject[ENDPOINT_TEXT_MAX];

	must(!addr_is_multicast(&in->at.addr) || in->at.ifname[0]);
	endpoint_format(&in->at, subject);

	int fd = sock_create(in->at.addr.family, subject, err);

	if (fd < 0) {
		return fd;
	}
	want_ingress_opts(in, want, &opts);

	int rc = sock_set_opts(fd, subject, &opts, err);

	if (rc == 0) {
		rc = sock_set_buffer(fd, SO_RCVBUF, want->buffer_bytes, &found);
		if (rc != 0) {
			sock_fail(err, SOCK_DEED_OPTION, subject, "set SO_RCVBUF", -rc);
		}
	}
	if (rc == 0 && share_is_part(&want->share)) {
		rc = refuse_all(fd); /* until all the others are there */
		if (rc != 0) {
			sock_fail(err, SOCK_DEED_SHARE, subject,
				  "refuse what comes before all shares are there", -rc);
		}
	}
	if (rc == 0) {
		found.gro = want->gro && try_gro(fd);
		if (!is_bound_later(in, want)) {
			rc = sock_bind_ingress(fd, in, ifindex, &found, err);
		}
	}
	if (rc == 0 && in->shared && in->source.family != 0 && in->source_bits == 0) {
		rc = hear_only_source(fd, in, ifindex, subject, err);
	}
	if (rc != 0) {
		close(fd);
		return rc;
	}
	*got = found;
	return fd;
}

int sock_set_shared(int fd, const struct rule_ingress *in, unsigned ifindex, struct err *err)
{
	struct sock_opts opts = {0};
	char subject[ENDPOINT_TEXT_MAX];
	bool connects = in->shared && in->source.family != 0 && in->source_bits == 0;
	int rc;

	endpoint_format(&in->at, subject);
	sock_want_opt(&opts, SOCK_OPT(SOL_SOCKET, SO_REUSEADDR, may_share(in)));
	rc = sock_set_opts(fd, subject, &opts, err);
	return rc == 0 && connects ? hear_only_source(fd, in, ifindex, subject, err) : rc;
}

bool sock_coalesce(int fd)
{
	return try_gro(fd);
}

int sock_join(int fd, const struct rule_ingress *in, unsigned ifindex, struct err *err)
{
	char group[ADDR_TEXT_MAX];
	char source[ADDR_TEXT_MAX];
	char doing[2 * ADDR_TEXT_MAX + 16];
	struct addr bare = in->at.addr;

	if (!addr_is_multicast(&in->at.addr)) {
		return 0;
	}

	int rc = member(fd, in, ifindex, true);

	if (rc == 0) {
		return 0;
	}
	bare.port = 0;
	addr_format(&bare, group);
	if (in->source.family == 0) {
		snprintf(doing, sizeof(doing), "join %s", group);
	} else {
		snprintf(doing, sizeof(doing), "join %s from %s", group,
			 addr_format(&in->source, source));
	}
	return sock_fail(err, SOCK_DEED_JOIN, in->at.ifname, doing, -rc);
}

void sock_leave(int fd, const struct rule_ingress *in, unsigned ifindex)
{
	if (addr_is_multicast(&in->at.addr)) {
		(void)member(fd, in, ifindex, false);
	}
}

void sock_refuse_all(int fd)
{
	(void)refuse_all(fd);
}

int sock_want_more(int fd, const struct rule_ingress *in, const struct sock_want *want,
		   struct err *err)
{
	bool v6 = in->at.addr.family == AF_INET6;
	struct sock_opts opts = {0};
	char subject[ENDPOINT_TEXT_MAX];

	if (want->ttl) {
		sock_want_opt(&opts, v6 ? SOCK_OPT(IPPROTO_IPV6, IPV6_RECVHOPLIMIT, 1)
					: SOCK_OPT(IPPROTO_IP, IP_RECVTTL, 1));
	}
	if (want->tos) {
		sock_want_opt(&opts, v6 ? SOCK_OPT(IPPROTO_IPV6, IPV6_RECVTCLASS, 1)
					: SOCK_OPT(IPPROTO_IP, IP_RECVTOS, 1));
	}
	return sock_set_opts(fd, endpoint_format(&in->at, subject), &opts, err);
}

int sock_set_stamp(int fd, bool on)
{
	int value = on;

	return setsockopt(fd, SOL_SOCKET, SO_TIMESTAMPNS, &value, sizeof(value)) == 0 ? 0 : -errno;
}

int sock_bind_ingress(int fd, const struct rule_ingress *in, unsigned ifindex, struct sock_got *got,
		      struct err *err)
{
	if (in->at.ifname[0]) {
		int rc = sock_bind_device(fd, in->at.ifname, ifindex, err);

		if (rc != 0) {
			return rc;
		}
	}
	return sock_bind(fd, &in->at.addr, ifindex, &got->local, err);
}

static void want_ingress_opts(const struct rule_ingress *in, const struct sock_want *want,
			      struct sock_opts *opts)
{
	if (may_share(in)) {
		sock_want_opt(opts, SOCK_OPT(SOL_SOCKET, SO_REUSEADDR, 1));
	}
	if (is_bound_later(in, want)) {
		sock_want_opt(opts, SOCK_OPT(SOL_SOCKET, SO_REUSEPORT, 1));
	}
	if (want->stamp) {
		sock_want_opt(opts, SOCK_OPT(SOL_SOCKET, SO_TIMESTAMPNS, 1));
	}
	if (in->at.addr.family == AF_INET6) {
		sock_want_opt(opts, SOCK_OPT(IPPROTO_IPV6, IPV6_V6ONLY, 1));
		sock_want_opt(opts, SOCK_OPT(IPPROTO_IPV6, IPV6_MULTICAST_ALL, 0));
		sock_want_opt(opts, SOCK_OPT(IPPROTO_IPV6, IPV6_RECVHOPLIMIT, want->ttl));
		sock_want_opt(opts, SOCK_OPT(IPPROTO_IPV6, IPV6_RECVTCLASS, want->tos));
		return;
	}
	sock_want_opt(opts, SOCK_OPT(IPPROTO_IP, IP_MULTICAST_ALL, 0));
	sock_want_opt(opts, SOCK_OPT(IPPROTO_IP, IP_RECVTTL, want->ttl));
	sock_want_opt(opts, SOCK_OPT(IPPROTO_IP, IP_RECVTOS, want->tos));
}

/* As a group, a broadcast is for every socket that asks for it. */
static bool may_share(const struct rule_ingress *in)
{
	return addr_is_multicast(&in->at.addr) || addr_is_broadcast(&in->at.addr) || in->shared;
}

/* The shares of a unicast flow are bound in order, which their shards could not see to. */
static bool is_bound_later(const struct rule_ingress *in, const struct sock_want *want)
{
	return share_is_part(&want->share) && !addr_is_multicast(&in->at.addr);
}

static int refuse_all(int fd)
{
	struct sock_filter nothing = BPF_STMT(BPF_RET | BPF_K, 0);
	struct sock_fprog program = {.len = 1, .filter = &nothing};

	return setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof(program)) == 0
		       ? 0
		       : -errno;
}

/* Of several sockets on one address and port the kernel gives a datagram to the one that fits best,
 * and one that is connected fits its peer only: here to each port of that host. A shard may be
 * receiving by it (sock_set_shared), which the kernel allows; the system call itself is made, since
 * ThreadSanitizer takes libc's connect for the birth of a descriptor. */
static int hear_only_source(int fd, const struct rule_ingress *in, unsigned ifindex,
			    const char *subject, struct err *err)
{
	struct sockaddr_storage name;
	socklen_t len = addr_to_sockaddr(&in->source, ifindex, &name);
	char source[ADDR_TEXT_MAX];
	char doing[ADDR_TEXT_MAX + 16];

	if (syscall(SYS_connect, fd, &name, len) == 0) {
		return 0;
	}
	snprintf(doing, sizeof(doing), "hear only %s", addr_format(&in->source, source));
	return sock_fail(err, SOCK_DEED_SOURCE, subject, doing, errno);
}

/* Coalescing is a wish: without it datagrams come one by one, and `got' says so. Kernels before
 * 5.7 accept UDP_GRO but cannot be asked for it. */
static bool try_gro(int fd)
{
	int value = 1;
	socklen_t len = sizeof(value);

	if (setsockopt(fd, SOL_UDP, UDP_GRO, &value, sizeof(value)) != 0) {
		return false;
	}
	return getsockopt(fd, SOL_UDP, UDP_GRO, &value, &len) != 0 || value == 1;
}

static int member(int fd, const struct rule_ingress *in, unsigned ifindex, bool join)
{
	struct group_source_req req = {.gsr_interface = ifindex};
	struct group_req any = {.gr_interface = ifindex};
	int level = in->at.addr.family == AF_INET6 ? IPPROTO_IPV6 : IPPROTO_IP;
	struct addr group = in->at.addr;
	int rc;

	group.port = 0;
	addr_to_sockaddr(&group, ifindex, &any.gr_group);
	if (in->source.family == 0) {
		rc = setsockopt(fd, level, join ? MCAST_JOIN_GROUP : MCAST_LEAVE_GROUP, &any,
				sizeof(any));
	} else {
		req.gsr_group = any.gr_group;
		addr_to_sockaddr(&in->source, ifindex, &req.gsr_source);
		rc = setsockopt(fd, level,
				join ? MCAST_JOIN_SOURCE_GROUP : MCAST_LEAVE_SOURCE_GROUP, &req,
				sizeof(req));
	}
	return rc == 0 ? 0 : -errno;
}
