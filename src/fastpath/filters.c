/* filters.c - one dump of an interface's filters by rtnetlink; see filters.h. */
#include "src/fastpath/filters.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>
#include <stdint.h>
#include <stdlib.h>
#include <time.h>

#define ANSWER_BYTES 32768

static int ask(struct mnl_socket *socket, unsigned ifindex, uint32_t parent, char *buffer);
static bool is_nothing_there(int error);
static int count_one(const struct nlmsghdr *message, void *count);

int filters_count(unsigned ifindex, bool ingress)
{
	uint32_t parent = TC_H_MAKE(TC_H_CLSACT, ingress ? TC_H_MIN_INGRESS : TC_H_MIN_EGRESS);
	struct mnl_socket *socket = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC);
	char *buffer = malloc(ANSWER_BYTES);
	int count = !socket ? -errno : !buffer ? -ENOMEM : 0;

	if (count == 0 && mnl_socket_bind(socket, 0, MNL_SOCKET_AUTOPID) < 0) {
		count = -errno;
	}
	if (count == 0) {
		count = ask(socket, ifindex, parent, buffer);
	}
	free(buffer);
	if (socket) {
		mnl_socket_close(socket);
	}
	return count;
}

static int ask(struct mnl_socket *socket, unsigned ifindex, uint32_t parent, char *buffer)
{
	struct nlmsghdr *message = mnl_nlmsg_put_header(buffer);
	unsigned port = mnl_socket_get_portid(socket);
	struct tcmsg *filter;
	int count = 0, rc;
	ssize_t got;

	message->nlmsg_type = RTM_GETTFILTER;
	message->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
	filter = mnl_nlmsg_put_extra_header(message, sizeof(*filter));
	filter->tcm_family = AF_UNSPEC;
	filter->tcm_ifindex = (int)ifindex;
	filter->tcm_parent = parent;
	if (mnl_socket_sendto(socket, message, message->nlmsg_len) < 0) {
		return -errno;
	}
	do {
		got = mnl_socket_recvfrom(socket, buffer, ANSWER_BYTES);
		rc = got > 0 ? mnl_cb_run(buffer, (size_t)got, 0, port, count_one, &count)
			     : MNL_CB_ERROR;
	} while (rc > MNL_CB_STOP);
	if (rc == MNL_CB_STOP || is_nothing_there(errno)) {
		return count;
	}
	return -errno;
}

/* What kernels say of an interface that is none, or has no such queueing discipline. */
static bool is_nothing_there(int error)
{
	return error == EINVAL || error == ENOENT || error == ENODEV || error == EOPNOTSUPP;
}

/* One without a handle is the head of a list of filters. */
static int count_one(const struct nlmsghdr *message, void *count)
{
	const struct tcmsg *filter = mnl_nlmsg_get_payload(message);

	if (message->nlmsg_type == RTM_NEWTFILTER &&
	    mnl_nlmsg_get_payload_len(message) >= sizeof(*filter) && filter->tcm_handle != 0) {
		(*(int *)count)++;
	}
	return MNL_CB_OK;
}
