/* sock.c - the sockets of numacast-probe, both sides.
 *
 * Written apart from shard/sock.c on purpose, so that a mistake there is not made here as well. A
 * receiving socket is bound to its group and port, to its interface, and has *_MULTICAST_ALL off:
 * it receives exactly its target. One thread, before the traffic.
 */
#include "src/probe/run.h"

#include <errno.h>
#include <linux/sock_diag.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#ifndef SO_MEMINFO
#define SO_MEMINFO 55
#endif
#ifndef IP_MULTICAST_ALL
#define IP_MULTICAST_ALL 49
#endif
#ifndef IPV6_MULTICAST_ALL
#define IPV6_MULTICAST_ALL 29
#endif

static int set_send_options(int fd, const struct probe_opt *opt, bool v6, unsigned ifindex,
			    struct err *err);
static int prepare_recv(int fd, const struct probe_opt *opt, const struct probe_target *target,
			struct err *err);
static void set_buffer(int fd, int name, int force, uint64_t wanted, bool *warned);
static int bind_device(int fd, const char *ifname, struct err *err);
static int set_int(int fd, int level, int name, int value, const char *what, struct err *err);
static int bind_addr(int fd, const struct addr *addr, unsigned ifindex, struct err *err);
static const char *bind_cure(int error);
static int join(int fd, const struct probe_target *target, unsigned ifindex, struct err *err);

int probe_sock_open_send(const struct probe_opt *opt, uint16_t source_port, int *out,
			 struct err *err)
{
	static bool warned;
	const struct endpoint *at = &opt->targets.list[0].at;
	struct addr from = opt->source;
	unsigned ifindex = 0;
	int rc = probe_sock_ifindex(at, &ifindex, err);
	int fd;

	if (rc != 0) {
		return rc;
	}
	fd = socket(at->addr.family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0) {
		rc = -errno;
		err_set(err, "cannot open a socket: %s", strerror(errno));
		return rc;
	}
	from.family = at->addr.family;
	from.port = source_port;
	set_buffer(fd, SO_SNDBUF, SO_SNDBUFFORCE, opt->sndbuf_bytes, &warned);
	rc = bind_device(fd, at->ifname, err);
	if (rc == 0) {
		rc = set_send_options(fd, opt, at->addr.family == AF_INET6, ifindex, err);
	}
	if (rc == 0 && (opt->source.family != 0 || source_port != 0)) {
		rc = bind_addr(fd, &from, ifindex, err);
	}
	if (rc != 0) {
		close(fd);
		return rc;
	}
	*out = fd;
	return 0;
}

int probe_sock_open_recv(const struct probe_opt *opt, const struct probe_target *target, int *out,
			 struct err *err)
{
	int fd = socket(target->at.addr.family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int rc;

	if (fd < 0) {
		rc = -errno;
		err_set(err, "cannot open a socket: %s", strerror(errno));
		return rc;
	}
	rc = prepare_recv(fd, opt, target, err);
	if (rc != 0) {
		close(fd);
		return rc;
	}
	*out = fd;
	return 0;
}

int probe_sock_limit(uint32_t count, struct err *err)
{
	struct rlimit limit;
	rlim_t wanted = (rlim_t)count + 16;

	if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= wanted) {
		return 0;
	}
	if (limit.rlim_max < wanted) {
		limit.rlim_max = wanted; /* allowed to root */
	}
	limit.rlim_cur = wanted;
	if (setrlimit(RLIMIT_NOFILE, &limit) != 0) {
		err_set(err, "%u sockets need %llu file descriptors; run `ulimit -n %llu' first",
			count, (unsigned long long)wanted, (unsigned long long)wanted);
		return -EMFILE;
	}
	return 0;
}

int probe_sock_payload(int fd, const struct sockaddr_storage *to, socklen_t len, uint32_t *out)
{
	bool v6 = to->ss_family == AF_INET6;
	int mtu = 0;
	socklen_t mtu_len = sizeof(mtu);
	struct sockaddr none = {.sa_family = AF_UNSPEC};
	int rc = 0;

	if (connect(fd, (const struct sockaddr *)to, len) != 0 ||
	    getsockopt(fd, v6 ? IPPROTO_IPV6 : IPPROTO_IP, v6 ? IPV6_MTU : IP_MTU, &mtu,
		       &mtu_len) != 0) {
		rc = -errno;
	}
	if (connect(fd, &none, sizeof(none)) != 0 && rc == 0) {
		rc = -errno;
	}
	if (rc == 0) {
		*out = (uint32_t)mtu - (v6 ? 48 : 28);
	}
	return rc;
}

uint32_t probe_sock_drops(int fd)
{
	uint32_t info[SK_MEMINFO_VARS] = {0};
	socklen_t len = sizeof(info);

	if (getsockopt(fd, SOL_SOCKET, SO_MEMINFO, info, &len) != 0 ||
	    len <= SK_MEMINFO_DROPS * sizeof(info[0])) {
		return 0;
	}
	return info[SK_MEMINFO_DROPS];
}

int probe_sock_ifindex(const struct endpoint *at, unsigned *out, struct err *err)
{
	unsigned ifindex = at->ifname[0] == '\0' ? 0 : if_nametoindex(at->ifname);

	if (at->ifname[0] != '\0' && ifindex == 0) {
		int rc = -errno;

		err_set(err, "%s: %s; `ip link' lists those there are", at->ifname,
			rc == -ENODEV ? "no such interface" : strerror(-rc));
		return rc;
	}
	*out = ifindex;
	return 0;
}

/* TTL, traffic class and loopback for IPv4 and IPv6. */
static int set_send_options(int fd, const struct probe_opt *opt, bool v6, unsigned ifindex,
			    struct err *err)
{
	int level = v6 ? IPPROTO_IPV6 : IPPROTO_IP;
	struct ip_mreqn mreq = {.imr_ifindex = (int)ifindex};
	int rc = 0;

	if (ifindex != 0 && v6) {
		rc = set_int(fd, level, IPV6_MULTICAST_IF, (int)ifindex, "IPV6_MULTICAST_IF", err);
	} else if (ifindex != 0 &&
		   setsockopt(fd, level, IP_MULTICAST_IF, &mreq, sizeof(mreq)) != 0) {
		rc = -errno;
		err_set(err, "cannot set IP_MULTICAST_IF: %s", strerror(errno));
	}
	if (rc == 0 && opt->ttl != 0) {
		rc = set_int(fd, level, v6 ? IPV6_MULTICAST_HOPS : IP_MULTICAST_TTL, (int)opt->ttl,
			     "the multicast TTL", err);
	}
	if (rc == 0 && opt->ttl != 0) {
		rc = set_int(fd, level, v6 ? IPV6_UNICAST_HOPS : IP_TTL, (int)opt->ttl, "the TTL",
			     err);
	}
	if (rc == 0 && opt->dscp != 0) {
		rc = set_int(fd, level, v6 ? IPV6_TCLASS : IP_TOS, (int)opt->dscp << 2, "the DSCP",
			     err);
	}
	if (rc == 0) {
		rc = set_int(fd, level, v6 ? IPV6_MULTICAST_LOOP : IP_MULTICAST_LOOP, !opt->no_loop,
			     "multicast loop", err);
	}
	/* Without it a datagram that the queueing discipline drops counts as sent. */
	if (rc == 0) {
		rc = set_int(fd, level, v6 ? IPV6_RECVERR : IP_RECVERR, 1, "RECVERR", err);
	}
	return rc;
}

static int prepare_recv(int fd, const struct probe_opt *opt, const struct probe_target *target,
			struct err *err)
{
	static bool warned;
	bool v6 = target->at.addr.family == AF_INET6;
	bool group = addr_is_multicast(&target->at.addr);
	unsigned ifindex = 0;
	int rc = probe_sock_ifindex(&target->at, &ifindex, err);

	set_buffer(fd, SO_RCVBUF, SO_RCVBUFFORCE, opt->rcvbuf_bytes, &warned);
	if (rc == 0) {
		rc = bind_device(fd, target->at.ifname, err);
	}
	/* A group may have a second reader on this host, such as the relay itself; on a unicast
	 * address a second one would take datagrams away in silence, so there it is an error.
	 * SO_REUSEPORT would make the kernel hand datagrams of one source to the socket that
	 * asked for another (doc/ARCHITECTURE.md). */
	if (rc == 0 && group) {
		rc = set_int(fd, SOL_SOCKET, SO_REUSEADDR, 1, "SO_REUSEADDR", err);
	}
	if (rc == 0 && v6) {
		rc = set_int(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1, "IPV6_V6ONLY", err);
	}
	if (rc == 0) {
		rc = set_int(fd, v6 ? IPPROTO_IPV6 : IPPROTO_IP,
			     v6 ? IPV6_MULTICAST_ALL : IP_MULTICAST_ALL, 0, "MULTICAST_ALL", err);
	}
	if (rc == 0 && opt->gro) {
		rc = set_int(fd, SOL_UDP, UDP_GRO, 1, "UDP_GRO (--gro)", err);
	}
	if (rc == 0) {
		rc = bind_addr(fd, &target->at.addr, ifindex, err);
	}
	return rc == 0 && group ? join(fd, target, ifindex, err) : rc;
}

/* Both kinds of buffer: by force when allowed; what was got is read back and told when short. */
static void set_buffer(int fd, int name, int force, uint64_t wanted, bool *warned)
{
	int value = (int)wanted;
	int got = 0;
	socklen_t len = sizeof(got);

	if (setsockopt(fd, SOL_SOCKET, force, &value, sizeof(value)) != 0) {
		setsockopt(fd, SOL_SOCKET, name, &value, sizeof(value));
	}
	if (getsockopt(fd, SOL_SOCKET, name, &got, &len) == 0 && (uint64_t)got / 2 < wanted &&
	    !*warned) {
		const char *kind = name == SO_RCVBUF ? "rcvbuf" : "sndbuf";

		log_warn("numacast-probe: --%s: wanted %llu bytes, got %d; raise "
			 "net.core.%cmem_max to %llu",
			 kind, (unsigned long long)wanted, got / 2, name == SO_RCVBUF ? 'r' : 'w',
			 (unsigned long long)wanted);
		*warned = true;
	}
}

static int bind_device(int fd, const char *ifname, struct err *err)
{
	if (ifname[0] != '\0' && setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, ifname,
					    (socklen_t)strlen(ifname) + 1) != 0) {
		int rc = -errno;

		err_set(err, "%s: cannot bind to the interface: %s", ifname, strerror(errno));
		return rc;
	}
	return 0;
}

/* Sets an integer option; on failure `err' names it. */
static int set_int(int fd, int level, int name, int value, const char *what, struct err *err)
{
	if (setsockopt(fd, level, name, &value, sizeof(value)) != 0) {
		int rc = -errno;

		err_set(err, "cannot set %s to %d: %s", what, value, strerror(errno));
		return rc;
	}
	return 0;
}

static int bind_addr(int fd, const struct addr *addr, unsigned ifindex, struct err *err)
{
	struct sockaddr_storage sa;
	socklen_t len = addr_to_sockaddr(addr, ifindex, &sa);

	if (bind(fd, (struct sockaddr *)&sa, len) != 0) {
		int rc = -errno;
		char text[ADDR_TEXT_MAX];

		err_set(err, "%s: cannot bind: %s%s", addr_format(addr, text), strerror(-rc),
			bind_cure(rc));
		return rc;
	}
	return 0;
}

/* What the operator can do about a bind that failed. */
static const char *bind_cure(int error)
{
	switch (error) {
	case -EADDRNOTAVAIL:
		return "; expected an address of this host, as `ip addr' shows them";
	case -EADDRINUSE:
		return "; another program has it: end that one, or choose another port";
	case -EACCES:
		return "; a port below net.ipv4.ip_unprivileged_port_start needs "
		       "CAP_NET_BIND_SERVICE";
	default:
		return "";
	}
}

static int join(int fd, const struct probe_target *target, unsigned ifindex, struct err *err)
{
	bool v6 = target->at.addr.family == AF_INET6;
	int level = v6 ? IPPROTO_IPV6 : IPPROTO_IP;
	int rc = 0;

	if (target->source.family == 0) {
		struct group_req req = {.gr_interface = ifindex};

		addr_to_sockaddr(&target->at.addr, ifindex, &req.gr_group);
		rc = setsockopt(fd, level, MCAST_JOIN_GROUP, &req, sizeof(req));
	} else {
		struct group_source_req req = {.gsr_interface = ifindex};

		addr_to_sockaddr(&target->at.addr, ifindex, &req.gsr_group);
		addr_to_sockaddr(&target->source, ifindex, &req.gsr_source);
		rc = setsockopt(fd, level, MCAST_JOIN_SOURCE_GROUP, &req, sizeof(req));
	}
	if (rc != 0) {
		char text[ENDPOINT_TEXT_MAX];

		rc = -errno;
		err_set(err, "%s: cannot join: %s%s", endpoint_format(&target->at, text),
			strerror(-rc),
			rc == -ENOBUFS || rc == -ENOMEM ? "; raise net.core.optmem_max" : "");
	}
	return rc;
}
