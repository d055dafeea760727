/* hop.c - one question for the route (RTM_GETROUTE) and one for the neighbour there; see hop.h.
 *
 * The kernel keeps a neighbour by itself only while its own stack sends to it. To whom a program
 * sends, it is nobody's: its entry grows old, and would go when the table is full. NTF_USE says
 * that it is used, so the kernel asks it whether it is there, and tells when it is not. (The flag
 * NTF_MANAGED would have the kernel do that for good, also when we are no more.) Control thread.
 */
#include "src/fastpath/hop.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/fib_rules.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <string.h>

#define ANSWER_BYTES 4096
#define POLICY_BYTES 32768 /* the kernel fills as much at once as it can */
#define NUD_ASKED    (NUD_INCOMPLETE | NUD_DELAY | NUD_PROBE)
#define NUD_FAST     (NUD_PERMANENT | NUD_NOARP) /* nobody is asked */

static struct nlmsghdr *put_route(char *buffer, const struct addr *to, unsigned ifindex,
				  unsigned flags);
static bool has_several(struct mnl_socket *socket, const struct addr *to, unsigned ifindex);
static int read_rule(const struct nlmsghdr *message, void *context);
static bool is_whole_range(const struct nlattr *attr);
static void read_route(const struct nlmsghdr *message, const struct addr *to, struct hop *out);
static void read_gateway(const struct nlattr *attr, struct addr *out);
static uint32_t read_mtu(const struct nlattr *metrics);
static struct nlmsghdr *put_neighbour(char *buffer, const struct hop *hop, uint16_t type,
				      uint16_t flags);
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
	const struct nlmsghdr *message = (const struct nlmsghdr *)(const void *)answer;
	struct hop hop = {.way = HOP_HERE};
	int rc = ask(socket, put_route(buffer, to, ifindex, 0), answer, sizeof(answer));

	if (rc < 0) {
		return rc;
	}
	if (message->nlmsg_type == RTM_NEWROUTE &&
	    mnl_nlmsg_get_payload_len(message) >= sizeof(struct rtmsg)) {
		read_route(message, to, &hop);
	}
	if (hop.way == HOP_HERE || hop.ifindex == 0) {
		return -ENOENT;
	}
	if (hop.way == HOP_NEIGHBOUR && has_several(socket, to, ifindex)) {
		hop.way = HOP_SEVERAL;
	}
	*out = hop;
	return 0;
}

int hop_has_policy(struct mnl_socket *socket, int family)
{
	char buffer[256], answer[POLICY_BYTES];
	struct nlmsghdr *message = mnl_nlmsg_put_header(buffer);
	struct fib_rule_hdr *rule;
	bool found = false;
	int rc = MNL_CB_OK;

	message->nlmsg_type = RTM_GETRULE;
	message->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
	rule = mnl_nlmsg_put_extra_header(message, sizeof(*rule));
	rule->family = (unsigned char)family;
	if (mnl_socket_sendto(socket, message, message->nlmsg_len) < 0) {
		return -errno;
	}
	while (rc > MNL_CB_STOP) {
		ssize_t len = mnl_socket_recvfrom(socket, answer, sizeof(answer));

		rc = len < 0 ? MNL_CB_ERROR
			     : mnl_cb_run(answer, (size_t)len, 0, 0, read_rule, &found);
	}
	return rc == MNL_CB_ERROR ? -errno : found;
}

int hop_look(struct mnl_socket *socket, struct hop *hop)
{
	char buffer[256], answer[ANSWER_BYTES] = {0};
	struct nlmsghdr *message = put_neighbour(buffer, hop, RTM_GETNEIGH, 0);
	struct hop found;
	int rc = ask(socket, message, answer, sizeof(answer));

	if (rc < 0) {
		return rc;
	}
	if (!hop_read((const struct nlmsghdr *)(const void *)answer, &found)) {
		return -EPROTO;
	}
	hop->state = found.state;
	hop->mac_bytes = found.mac_bytes;
	memcpy(hop->mac, found.mac, sizeof(hop->mac));
	return 0;
}

void hop_reach(struct mnl_socket *socket, const struct addr *to, unsigned ifindex, struct hop *out)
{
	int rc;

	*out = (struct hop){0};
	rc = hop_find(socket, to, ifindex, out);
	if (rc == -ENOENT) {
		out->way = HOP_HERE;
	} else if (rc == 0) {
		(void)hop_look(socket, out);
	}
}

int hop_use(struct mnl_socket *socket, struct hop *hop)
{
	char buffer[256], answer[ANSWER_BYTES] = {0};
	int rc = hop_look(socket, hop);

	if (rc == 0 && hop->state & NUD_FAST) {
		return 0;
	}
	return ask(socket, put_neighbour(buffer, hop, RTM_NEWNEIGH, NLM_F_ACK | NLM_F_CREATE),
		   answer, sizeof(answer));
}

bool hop_is_known(const struct hop *hop)
{
	return hop->way == HOP_NEIGHBOUR && hop->mac_bytes == sizeof(hop->mac) &&
	       hop->state & (NUD_PERMANENT | NUD_NOARP | NUD_REACHABLE | NUD_STALE | NUD_DELAY |
			     NUD_PROBE);
}

bool hop_is_fresh(const struct hop *hop)
{
	return hop->state & (NUD_FAST | NUD_ASKED | NUD_REACHABLE);
}

bool hop_read(const struct nlmsghdr *message, struct hop *out)
{
	const struct ndmsg *neighbour = mnl_nlmsg_get_payload(message);
	const struct nlattr *attr;

	if ((message->nlmsg_type != RTM_NEWNEIGH && message->nlmsg_type != RTM_DELNEIGH) ||
	    mnl_nlmsg_get_payload_len(message) < sizeof(*neighbour)) {
		return false;
	}
	*out = (struct hop){.addr.family = neighbour->ndm_family,
			    .ifindex = (unsigned)neighbour->ndm_ifindex,
			    .state = neighbour->ndm_state};
	if (message->nlmsg_type == RTM_DELNEIGH) {
		out->state = NUD_NONE;
	}
	mnl_attr_for_each(attr, message, sizeof(*neighbour))
	{
		const void *bytes = mnl_attr_get_payload(attr);
		size_t len = mnl_attr_get_payload_len(attr);

		if (mnl_attr_get_type(attr) == NDA_DST && len == addr_bytes(&out->addr)) {
			memcpy(out->addr.ip, bytes, len);
		} else if (mnl_attr_get_type(attr) == NDA_LLADDR) {
			out->mac_bytes = (uint8_t)len;
			memcpy(out->mac, bytes, len < sizeof(out->mac) ? len : sizeof(out->mac));
		}
	}
	return true;
}

int hop_compare(const struct hop *a, const struct hop *b)
{
	if (a->ifindex != b->ifindex) {
		return a->ifindex < b->ifindex ? -1 : 1;
	}
	if (a->addr.family != b->addr.family) {
		return a->addr.family < b->addr.family ? -1 : 1;
	}
	return memcmp(a->addr.ip, b->addr.ip, sizeof(a->addr.ip));
}

static struct nlmsghdr *put_route(char *buffer, const struct addr *to, unsigned ifindex,
				  unsigned flags)
{
	struct nlmsghdr *message = mnl_nlmsg_put_header(buffer);
	struct rtmsg *route;

	message->nlmsg_type = RTM_GETROUTE;
	message->nlmsg_flags = NLM_F_REQUEST;
	route = mnl_nlmsg_put_extra_header(message, sizeof(*route));
	route->rtm_family = (unsigned char)to->family;
	route->rtm_dst_len = (unsigned char)(addr_bytes(to) * 8);
	route->rtm_flags = flags;
	mnl_attr_put(message, RTA_DST, addr_bytes(to), to->ip);
	if (ifindex != 0) {
		mnl_attr_put_u32(message, RTA_OIF, ifindex);
	}
	return message;
}

/* The answer to hop_find is what the kernel chose for nobody in particular: the route as it was
 * configured says whether it had a choice. Where nexthop(8) objects are not spelled out, one is
 * taken for several. */
static bool has_several(struct mnl_socket *socket, const struct addr *to, unsigned ifindex)
{
	char buffer[256], answer[ANSWER_BYTES] = {0};
	const struct nlmsghdr *message = (const struct nlmsghdr *)(const void *)answer;
	bool several = false, object = false, spelled = false;
	const struct nlattr *attr;

	if (ask(socket, put_route(buffer, to, ifindex, RTM_F_FIB_MATCH), answer, sizeof(answer)) <
		    0 ||
	    message->nlmsg_type != RTM_NEWROUTE ||
	    mnl_nlmsg_get_payload_len(message) < sizeof(struct rtmsg)) {
		return false;
	}
	mnl_attr_for_each(attr, message, sizeof(struct rtmsg))
	{
		several = several || mnl_attr_get_type(attr) == RTA_MULTIPATH;
		object = object || mnl_attr_get_type(attr) == RTA_NH_ID;
		spelled = spelled || mnl_attr_get_type(attr) == RTA_OIF;
	}
	return several || (object && !spelled);
}

/* Whoever asks for the destination alone, as we do, is answered as if all else were zero. */
static int read_rule(const struct nlmsghdr *message, void *context)
{
	const struct fib_rule_hdr *rule = mnl_nlmsg_get_payload(message);
	bool *found = context;
	const struct nlattr *attr;

	if (message->nlmsg_type != RTM_NEWRULE ||
	    mnl_nlmsg_get_payload_len(message) < sizeof(*rule)) {
		return MNL_CB_OK;
	}
	*found = *found || rule->src_len > 0 || rule->tos != 0;
	mnl_attr_for_each(attr, message, sizeof(*rule))
	{
		switch (mnl_attr_get_type(attr)) {
		case FRA_FWMARK:
		case FRA_FWMASK:
		case FRA_IP_PROTO:
		case FRA_SPORT_RANGE:
		case FRA_DPORT_RANGE:
			*found = true;
			break;
		case FRA_UID_RANGE:
			*found = *found || !is_whole_range(attr);
			break;
		default: /* those that came to the kernel later all ask for more */
			*found = *found || mnl_attr_get_type(attr) > FRA_DPORT_RANGE;
			break;
		}
	}
	return MNL_CB_OK;
}

static bool is_whole_range(const struct nlattr *attr)
{
	const struct fib_rule_uid_range *range = mnl_attr_get_payload(attr);

	return mnl_attr_get_payload_len(attr) >= sizeof(*range) && range->start == 0 &&
	       range->end == UINT32_MAX;
}

/* HOP_HERE stays for whatever is no unicast. */
static void read_route(const struct nlmsghdr *message, const struct addr *to, struct hop *out)
{
	const struct rtmsg *route = mnl_nlmsg_get_payload(message);
	const struct nlattr *attr;

	if (route->rtm_type != RTN_UNICAST) {
		return;
	}
	*out = (struct hop){.way = HOP_NEIGHBOUR, .addr = *to};
	out->addr.port = 0;
	mnl_attr_for_each(attr, message, sizeof(*route))
	{
		switch (mnl_attr_get_type(attr)) {
		case RTA_OIF:
			out->ifindex = mnl_attr_get_u32(attr);
			break;
		case RTA_GATEWAY:
			if (mnl_attr_get_payload_len(attr) == addr_bytes(to)) {
				memcpy(out->addr.ip, mnl_attr_get_payload(attr), addr_bytes(to));
			}
			break;
		case RTA_VIA:
			read_gateway(attr, &out->addr);
			break;
		case RTA_METRICS:
			out->mtu = read_mtu(attr);
			break;
		case RTA_ENCAP_TYPE:
			out->way = HOP_TUNNEL;
			break;
		default:
			break;
		}
	}
}

/* One of the other family: IPv4 by a router that has an address of IPv6. */
static void read_gateway(const struct nlattr *attr, struct addr *out)
{
	const struct rtvia *via = mnl_attr_get_payload(attr);
	struct addr addr = {0};

	if (mnl_attr_get_payload_len(attr) < sizeof(*via)) {
		return;
	}
	addr.family = via->rtvia_family;
	if (mnl_attr_get_payload_len(attr) == sizeof(*via) + addr_bytes(&addr)) {
		memcpy(addr.ip, via->rtvia_addr, addr_bytes(&addr));
		*out = addr;
	}
}

static uint32_t read_mtu(const struct nlattr *metrics)
{
	const struct nlattr *attr;
	uint32_t mtu = 0;

	mnl_attr_for_each_nested(attr, metrics)
	{
		if (mnl_attr_get_type(attr) == RTAX_MTU) {
			mtu = mnl_attr_get_u32(attr);
		}
	}
	return mtu;
}

/* A message about the neighbour; of NTF_USE when it is to be made. */
static struct nlmsghdr *put_neighbour(char *buffer, const struct hop *hop, uint16_t type,
				      uint16_t flags)
{
	struct nlmsghdr *message = mnl_nlmsg_put_header(buffer);
	struct ndmsg *neighbour;

	message->nlmsg_type = type;
	message->nlmsg_flags = NLM_F_REQUEST | flags;
	neighbour = mnl_nlmsg_put_extra_header(message, sizeof(*neighbour));
	neighbour->ndm_family = (unsigned char)hop->addr.family;
	neighbour->ndm_ifindex = (int)hop->ifindex;
	neighbour->ndm_state = NUD_NONE;
	neighbour->ndm_flags = type == RTM_NEWNEIGH ? NTF_USE : 0;
	mnl_attr_put(message, NDA_DST, addr_bytes(&hop->addr), hop->addr.ip);
	return message;
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
