/* route.c - RTM_GETROUTE and its answers.
 *
 * With RTM_F_FIB_MATCH the kernel gives the route itself, all its next hops included, rather than
 * the one it would choose; kernels before 4.13 ignore the flag and give one. Control thread.
 */
#include "src/host/route.h"

#include <errno.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#define ANSWER_BYTES 8192
#define DUMP_BYTES   32768
#define ANSWER_S     2

struct route_question {
	struct nlmsghdr head;
	struct rtmsg body;
	char attrs[RTA_SPACE(16) + RTA_SPACE(sizeof(unsigned))];
};

static int ask_kernel(int fd, const struct addr *to, unsigned ifindex, struct route *out);
static void add_attr(struct route_question *ask, unsigned short type, const void *data,
		     size_t bytes);
static int count_all(int fd, unsigned ifindex);
static int count_part(const struct nlmsghdr *head, uint32_t left, unsigned ifindex, int *count);
static int read_route(const struct nlmsghdr *head, struct route *route);
static void read_multipath(const struct rtattr *attr, struct route *route);
static void read_metrics(const struct rtattr *attr, struct route *route);
static void add_hop(struct route *route, unsigned ifindex);

int route_ask(const struct addr *to, struct route *out)
{
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
	struct route route = {0};
	int rc;

	if (fd < 0) {
		return -errno;
	}
	rc = ask_kernel(fd, to, 0, &route);
	close(fd);
	if (rc == 0) {
		*out = route;
	}
	return rc;
}

int route_mtu(const struct addr *to, unsigned ifindex)
{
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
	struct route route = {0};
	int rc;

	if (fd < 0) {
		return -errno;
	}
	rc = ask_kernel(fd, to, ifindex, &route);
	close(fd);
	return rc < 0 ? rc : route.error < 0 ? route.error : (int)route.mtu;
}

int route_count_by(unsigned ifindex)
{
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
	int rc;

	if (fd < 0) {
		return -errno;
	}
	rc = count_all(fd, ifindex);
	close(fd);
	return rc;
}

bool route_uses(const struct route *route, unsigned ifindex)
{
	for (uint32_t i = 0; i < route->hop_count; i++) {
		if (route->hops[i] == ifindex) {
			return true;
		}
	}
	return false;
}

static int ask_kernel(int fd, const struct addr *to, unsigned ifindex, struct route *out)
{
	struct timeval limit = {.tv_sec = ANSWER_S};
	uint32_t ip_bytes = to->family == AF_INET6 ? 16 : 4;
	struct route_question ask = {
		.head = {.nlmsg_len = NLMSG_LENGTH(sizeof(ask.body)),
			 .nlmsg_type = RTM_GETROUTE,
			 .nlmsg_flags = NLM_F_REQUEST},
		.body = {.rtm_family = (unsigned char)to->family,
			 .rtm_dst_len = (unsigned char)(ip_bytes * 8),
			 .rtm_flags = ifindex == 0 ? RTM_F_FIB_MATCH : 0},
	};
	union {
		struct nlmsghdr head;
		char bytes[ANSWER_BYTES];
	} answer;
	ssize_t len;

	add_attr(&ask, RTA_DST, to->ip, ip_bytes);
	if (ifindex != 0) {
		add_attr(&ask, RTA_OIF, &ifindex, sizeof(ifindex));
	}
	if (setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit)) < 0 ||
	    send(fd, &ask, ask.head.nlmsg_len, 0) < 0) {
		return -errno;
	}
	len = recv(fd, &answer, sizeof(answer), 0);
	if (len < 0) {
		return -errno;
	}
	return NLMSG_OK(&answer.head, (uint32_t)len) ? read_route(&answer.head, out) : -EBADMSG;
}

static void add_attr(struct route_question *ask, unsigned short type, const void *data,
		     size_t bytes)
{
	struct rtattr *attr = (struct rtattr *)((char *)ask + NLMSG_ALIGN(ask->head.nlmsg_len));

	attr->rta_type = type;
	attr->rta_len = (unsigned short)RTA_LENGTH(bytes);
	memcpy(RTA_DATA(attr), data, bytes);
	ask->head.nlmsg_len = (uint32_t)(NLMSG_ALIGN(ask->head.nlmsg_len) + RTA_LENGTH(bytes));
}

/* Reads a dump of all tables to its end. */
static int count_all(int fd, unsigned ifindex)
{
	struct timeval limit = {.tv_sec = ANSWER_S};
	struct {
		struct nlmsghdr head;
		struct rtmsg body;
	} ask = {
		.head = {.nlmsg_len = NLMSG_LENGTH(sizeof(ask.body)),
			 .nlmsg_type = RTM_GETROUTE,
			 .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP},
		.body = {.rtm_family = AF_INET},
	};
	union {
		struct nlmsghdr head;
		char bytes[DUMP_BYTES];
	} answer;
	int count = 0;

	if (setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit)) < 0 ||
	    send(fd, &ask, ask.head.nlmsg_len, 0) < 0) {
		return -errno;
	}
	for (;;) {
		ssize_t len = recv(fd, &answer, sizeof(answer), 0);
		int rc =
			len < 0 ? -errno : count_part(&answer.head, (uint32_t)len, ifindex, &count);

		if (rc != 0) {
			return rc < 0 ? rc : count;
		}
	}
}

/* One part of a dump: 0 when more follow, 1 after the last, or -errno. */
static int count_part(const struct nlmsghdr *head, uint32_t left, unsigned ifindex, int *count)
{
	for (; NLMSG_OK(head, left); head = NLMSG_NEXT(head, left)) {
		struct route route = {0};

		if (head->nlmsg_type == NLMSG_DONE) {
			return 1;
		}
		if (read_route(head, &route) < 0 || route.error < 0) {
			return -EBADMSG;
		}
		*count += route.unicast && route_uses(&route, ifindex);
		if (NLMSG_ALIGN(head->nlmsg_len) > left) {
			break; /* the last one, without what would fill it up */
		}
	}
	return 0;
}

static int read_route(const struct nlmsghdr *head, struct route *route)
{
	const struct rtmsg *body = NLMSG_DATA(head);
	const struct rtattr *attr = RTM_RTA(body);
	int left = (int)RTM_PAYLOAD(head);

	if (head->nlmsg_type == NLMSG_ERROR && NLMSG_PAYLOAD(head, 0) >= sizeof(route->error)) {
		route->error = ((const struct nlmsgerr *)NLMSG_DATA(head))->error;
		return route->error < 0 ? 0 : -EBADMSG;
	}
	if (head->nlmsg_type != RTM_NEWROUTE || NLMSG_PAYLOAD(head, 0) < sizeof(*body)) {
		return -EBADMSG;
	}
	route->local = body->rtm_type == RTN_LOCAL;
	route->unicast = body->rtm_type == RTN_UNICAST;
	for (; RTA_OK(attr, left); attr = RTA_NEXT(attr, left)) {
		unsigned ifindex = 0;

		if (attr->rta_type == RTA_OIF && RTA_PAYLOAD(attr) >= sizeof(ifindex)) {
			memcpy(&ifindex, RTA_DATA(attr), sizeof(ifindex));
			add_hop(route, ifindex);
		} else if (attr->rta_type == RTA_MULTIPATH) {
			read_multipath(attr, route);
		} else if (attr->rta_type == RTA_METRICS) {
			read_metrics(attr, route);
		}
	}
	return 0;
}

static void read_multipath(const struct rtattr *attr, struct route *route)
{
	const struct rtnexthop *hop = RTA_DATA(attr);
	int left = (int)RTA_PAYLOAD(attr);

	while (left >= (int)sizeof(*hop) && RTNH_OK(hop, left)) {
		add_hop(route, (unsigned)hop->rtnh_ifindex);
		left -= RTNH_ALIGN(hop->rtnh_len);
		hop = RTNH_NEXT(hop);
	}
}

static void read_metrics(const struct rtattr *attr, struct route *route)
{
	const struct rtattr *metric = RTA_DATA(attr);
	int left = (int)RTA_PAYLOAD(attr);

	for (; RTA_OK(metric, left); metric = RTA_NEXT(metric, left)) {
		if (metric->rta_type == RTAX_MTU && RTA_PAYLOAD(metric) >= sizeof(route->mtu)) {
			memcpy(&route->mtu, RTA_DATA(metric), sizeof(route->mtu));
		}
	}
}

static void add_hop(struct route *route, unsigned ifindex)
{
	if (ifindex != 0 && route->hop_count < ROUTE_HOPS_MAX) {
		route->hops[route->hop_count++] = ifindex;
	}
}
