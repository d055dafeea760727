/* sock_report.c - makes the kernel report a membership again, without leaving it (step 3).
 *
 * When a link comes back the kernel says nothing of what was joined, and a switch that listens to
 * reports (snooping) has forgotten it. What does make the kernel report is a change of the filter
 * that all sockets of a group add up to. It writes the report two ticks later, of what is so by
 * then, so whoever changes the filter and takes that back at once is in the report as a full member
 * (TO_EX, TO_IN) and never as one who left. No privilege is needed. Measured on Linux 6.18; while
 * a querier of IGMPv2 or MLDv1 is about, the kernel reports when asked only.
 *
 * - All sources (EXCLUDE): the socket itself asks for one unused source only, and again for all. In
 *   between, some microseconds, it hears nobody. Blocking that source instead costs nothing, but
 *   what is reported then (BLOCK, ALLOW) does not satisfy switches that count sources.
 * - One source (INCLUDE): another socket, bound to nothing, asks for all sources and goes. The
 *   flow's own socket is not touched.
 *
 * Control thread, on a socket that a shard owns: the kernel has its own lock for that, and
 * receiving does not take it.
 */
#include "shard/sock.h"

#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <unistd.h>

#include "src/base/must.h"

static int change_filter(int fd, const struct rule_ingress *in, unsigned ifindex, uint32_t mode,
			 bool unused);
static void unused_source(int family, struct sockaddr_storage *out);
static int visit_group(const struct rule_ingress *in, unsigned ifindex);

int sock_report(int fd, const struct rule_ingress *in, unsigned ifindex, enum sock_report what)
{
	must(addr_is_multicast(&in->at.addr));
	if (in->source.family != 0) {
		return what == SOCK_REPORT_END ? 0 : visit_group(in, ifindex);
	}
	switch (what) {
	case SOCK_REPORT_WHOLE:
		return change_filter(fd, in, ifindex, MCAST_INCLUDE, true);
	case SOCK_REPORT_GENTLY:
		return change_filter(fd, in, ifindex, MCAST_EXCLUDE, true);
	case SOCK_REPORT_END:
		break;
	}
	return change_filter(fd, in, ifindex, MCAST_EXCLUDE, false);
}

static int change_filter(int fd, const struct rule_ingress *in, unsigned ifindex, uint32_t mode,
			 bool unused)
{
	int level = in->at.addr.family == AF_INET6 ? IPPROTO_IPV6 : IPPROTO_IP;
	struct group_filter filter = {
		.gf_interface = ifindex, .gf_fmode = mode, .gf_numsrc = unused ? 1 : 0};
	struct addr group = in->at.addr;

	group.port = 0;
	addr_to_sockaddr(&group, ifindex, &filter.gf_group);
	unused_source(in->at.addr.family, &filter.gf_slist[0]);
	return setsockopt(fd, level, MCAST_MSFILTER, &filter,
			  (socklen_t)GROUP_FILTER_SIZE(filter.gf_numsrc)) == 0
		       ? 0
		       : -errno;
}

/* From the ranges set aside for documentation: nobody sends from there. */
static void unused_source(int family, struct sockaddr_storage *out)
{
	struct addr source;

	must(addr_parse_ip(family == AF_INET6 ? "2001:db8::1" : "192.0.2.1", &source) == 0);
	addr_to_sockaddr(&source, 0, out);
}

/* As a socket of its own that hears nothing: it is bound to no port. */
static int visit_group(const struct rule_ingress *in, unsigned ifindex)
{
	bool v6 = in->at.addr.family == AF_INET6;
	int fd = socket(in->at.addr.family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct group_req any = {.gr_interface = ifindex};
	struct addr group = in->at.addr;
	int rc = 0;

	if (fd < 0) {
		return -errno;
	}
	group.port = 0;
	addr_to_sockaddr(&group, ifindex, &any.gr_group);
	if (setsockopt(fd, v6 ? IPPROTO_IPV6 : IPPROTO_IP, MCAST_JOIN_GROUP, &any, sizeof(any)) !=
	    0) {
		rc = -errno;
	}
	close(fd);
	return rc;
}
