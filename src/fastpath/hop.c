/* hop.c - RTM_GETROUTE, and neighbours' entries of the same table; see hop.h.
 *
 * Control thread.
 */
#include "src/fastpath/hop.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <string.h>

#define ANSWER_BYTES 4096

static size_t addr_bytes(const struct addr *addr);
static int ask(struct mnl_socket *socket, struct nlmsghdr *message, char *answer, size_t room);

struct mnl_socket *hop_open(void)
{
	struct mnl_socket *socket = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC | SOCK_NONBLOCK);
	int rc;

	if (!socket || mnl_socket_bind(socket, 0, MNL_SOCKET_AUTOPID) == 0) {
		return socket;
	}
	rc = errno;
	mnl_socket_close(socket);
	errno = rc;
	return NULL;
}

int hop_find(struct mnl_socket *socket, const struct addr *to, unsigned ifindex, struct hop *out)
{
	char buffer[256], answer[ANSWER_BYTES] = {0};
	struct nlmsghdr *message = mnl_nlmsg_put_header(buffer);
	struct rtmsg *route;
	const struct nlattr *attr;
	int rc;

	message->nlmsg_type = RTM_GETROUTE;
	message->nlmsg_flags = NLM_F_REQUEST;
	route = mnl_nlmsg_put_extra_header(message, sizeof(*route));
	route->rtm_family = (unsigned char)to->family;
	route->rtm_dst_len = (unsigned char)(addr_bytes(to) * 8);
	mnl_attr_put(message, RTA_DST, addr_bytes(to), to->ip);
	if (ifindex != 0) {
		mnl_attr_put_u32(message, RTA_OIF, ifindex);
	}
	rc = ask(socket, message, answer, sizeof(answer));
	message = (struct nlmsghdr *)(void *)answer;
	if (rc < 0 || message->nlmsg_type != RTM_NEWROUTE) {
		return rc < 0 ? rc : -ENOENT;
	}
	route = mnl_nlmsg_get_payload(message);
	*out = (struct hop){.addr = *to};
	mnl_attr_for_each(attr, message, sizeof(*route))
	{
		if (mnl_attr_get_type(attr) == RTA_OIF) {
			out->ifindex = mnl_attr_get_u32(attr);
		} else if (mnl_attr_get_type(attr) == RTA_GATEWAY &&
			   mnl_attr_get_payload_len(attr) == addr_bytes(to)) {
			memcpy(out->addr.ip, mnl_attr_get_payload(attr), addr_bytes(to));
		}
	}
	return route->rtm_type == RTN_UNICAST && out->ifindex != 0 ? 0 : -ENOENT;
}

int hop_use(struct mnl_socket *socket, const struct hop *hop)
{
	char buffer[256], answer[ANSWER_BYTES] = {0};
	struct nlmsghdr *message = mnl_nlmsg_put_header(buffer);
	struct ndmsg *neighbour;

	message->nlmsg_type = RTM_NEWNEIGH;
	message->nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK | NLM_F_CREATE;
	neighbour = mnl_nlmsg_put_extra_header(message, sizeof(*neighbour));
	neighbour->ndm_family = (unsigned char)hop->addr.family;
	neighbour->ndm_ifindex = (int)hop->ifindex;
	neighbour->ndm_state = NUD_NONE;
	neighbour->ndm_flags = NTF_USE;
	mnl_attr_put(message, NDA_DST, addr_bytes(&hop->addr), hop->addr.ip);
	return ask(socket, message, answer, sizeof(answer));
}

static size_t addr_bytes(const struct addr *addr)
{
	return addr->family == AF_INET6 ? 16 : 4;
}

/* The first message of the answer; an error is returned as such. */
static int ask(struct mnl_socket *socket, struct nlmsghdr *message, char *answer, size_t room)
{
	const struct nlmsghdr *got = (const struct nlmsghdr *)(const void *)answer;
	const struct nlmsgerr *error;
	ssize_t len;

	if (mnl_socket_sendto(socket, message, message->nlmsg_len) < 0) {
		return -errno;
	}
	len = mnl_socket_recvfrom(socket, answer, room);
	if (len < 0) {
		return -errno;
	}
	if (!mnl_nlmsg_ok(got, (int)len)) {
		return -EPROTO;
	}
	if (got->nlmsg_type != NLMSG_ERROR) {
		return 0;
	}
	error = mnl_nlmsg_get_payload(got);
	return mnl_nlmsg_get_payload_len(got) >= sizeof(error->error) ? error->error : -EPROTO;
}
