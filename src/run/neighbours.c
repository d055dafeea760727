/* neighbours.c - see neighbours.h.
 *
 * The kernel is asked which way it would go (RTM_GETROUTE), and told to use the neighbour there. It
 * answers both while it is asked, so nothing is waited for.
 */
#include "src/run/neighbours.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <string.h>

#include "src/base/clock.h"
#include "src/base/log.h"
#include "src/run/supervisor.h"

#define ROUND_NS     (5 * NS_PER_S)
#define OUTPUTS_MAX  64 /* asked for at a time */
#define PLACES_MAX   4096
#define ANSWER_BYTES 4096

/* Where a destination is reached. */
struct hop {
	struct addr addr;
	unsigned ifindex;
};

static bool goes_on(struct neighbours *n, const struct supervisor *sup, uint64_t now_ns);
static bool stands_by(const struct supervisor *sup, const struct shard *shard,
		      const struct output_place *place);
static int resolve(struct neighbours *n, const struct output_place *place);
static int ask_route(struct neighbours *n, const struct rule_table_output *rule, struct hop *out);
static int use_neighbour(struct neighbours *n, const struct hop *hop);
static size_t addr_bytes(const struct addr *addr);
static int ask(struct neighbours *n, struct nlmsghdr *message, char *answer, size_t room);

void neighbours_tick(struct neighbours *n, const struct supervisor *sup, uint64_t now_ns)
{
	uint32_t asked = 0, looked = 0;

	while (!n->given_up && asked < OUTPUTS_MAX && looked++ < PLACES_MAX &&
	       goes_on(n, sup, now_ns)) {
		const struct shard *shard = sup->workers[n->shard].shard;
		const struct output_place *place = shard_output(shard, n->place++);
		int rc = 0;

		if (stands_by(sup, shard, place)) {
			rc = resolve(n, place);
			asked++;
		}
		if (rc == -EPERM || rc == -EACCES || rc == -EAFNOSUPPORT) {
			n->given_up = true;
			log_info("standby: neighbours are not resolved in advance: %s; expected "
				 "CAP_NET_ADMIN; the first datagrams after a take-over may wait "
				 "for it",
				 strerror(-rc));
		}
	}
}

void neighbours_free(struct neighbours *n)
{
	if (n->socket) {
		mnl_socket_close(n->socket);
	}
	*n = (struct neighbours){0};
}

/* Whether there is another place in this round, or it is time for the next one. */
static bool goes_on(struct neighbours *n, const struct supervisor *sup, uint64_t now_ns)
{
	if (!n->amid && now_ns - n->looked_ns < ROUND_NS) {
		return false;
	}
	if (!n->amid) {
		*n = (struct neighbours){.socket = n->socket, .looked_ns = now_ns, .amid = true};
	}
	while (n->shard < sup->worker_count &&
	       n->place >= sup->workers[n->shard].shard->egress.place_count) {
		n->shard++;
		n->place = 0;
	}
	n->amid = n->shard < sup->worker_count;
	return n->amid;
}

/* One that sends keeps its neighbour by itself. */
static bool stands_by(const struct supervisor *sup, const struct shard *shard,
		      const struct output_place *place)
{
	const struct egress_output *output = &place->output;
	const struct flow_place *flow;

	if (!output->rule || output->fd < 0 || addr_is_multicast(&place->rule.out.to.addr)) {
		return false;
	}
	flow = shard_flow(shard, place_index(output->flow));
	return output->sourceless || (flow->flow.rule && flow->rule.standby);
}

/* 0 or -errno. */
static int resolve(struct neighbours *n, const struct output_place *place)
{
	struct hop hop;
	int rc = 0;

	if (!n->socket) {
		n->socket = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC | SOCK_NONBLOCK);
		rc = n->socket && mnl_socket_bind(n->socket, 0, MNL_SOCKET_AUTOPID) == 0 ? 0
											 : -errno;
	}
	rc = rc == 0 ? ask_route(n, &place->rule, &hop) : rc;
	return rc == 0 ? use_neighbour(n, &hop) : rc;
}

/* -ENOENT: it is this host's own, or a broadcast, or nobody's. */
static int ask_route(struct neighbours *n, const struct rule_table_output *rule, struct hop *out)
{
	char buffer[256], answer[ANSWER_BYTES] = {0};
	const struct addr *to = &rule->out.to.addr;
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
	if (rule->ifindex != 0) {
		mnl_attr_put_u32(message, RTA_OIF, rule->ifindex);
	}
	rc = ask(n, message, answer, sizeof(answer));
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

static int use_neighbour(struct neighbours *n, const struct hop *hop)
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
	return ask(n, message, answer, sizeof(answer));
}

static size_t addr_bytes(const struct addr *addr)
{
	return addr->family == AF_INET6 ? 16 : 4;
}

/* The first message of the answer; an error is returned as such. */
static int ask(struct neighbours *n, struct nlmsghdr *message, char *answer, size_t room)
{
	const struct nlmsghdr *got = (const struct nlmsghdr *)(const void *)answer;
	const struct nlmsgerr *error;
	ssize_t len;

	if (mnl_socket_sendto(n->socket, message, message->nlmsg_len) < 0) {
		return -errno;
	}
	len = mnl_socket_recvfrom(n->socket, answer, room);
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
