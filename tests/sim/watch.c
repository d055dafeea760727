/* watch.c - looks at what leaves a simulation's shards, as the kernel and a receiver would.
 *
 * A message that no kernel would take is a broken law, and so is a datagram that was sent twice,
 * that has overtaken another one of its output, that no longer is what arrived, or that leaves with
 * another hop limit, TOS, source address or port than its rule says.
 */
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "shard/udp_header.h"
#include "tests/sim/sim.h"

#define NEAR 256

/* What a datagram leaves with; -1: what its socket has. */
struct marks {
	int ttl, tos;
	int last; /* byte of its source address */
	int port; /* that it is from, by its header */
};

static struct sim_output *output_of(struct sim_world *w, const struct fake_send *send)
{
	struct sim_sock *sock;

	if (send->fd < SIM_FD || send->fd >= SIM_FD + SIM_SOCKS) {
		sim_broken("sent to no socket # %d", send->fd);
	}
	sock = &w->socks[send->fd - SIM_FD];
	if (!sock->open || sock->output == SIM_NONE) {
		sim_broken("sent to a socket that is closed or a flow's # %d", send->fd);
	}
	return &w->outputs[sock->output];
}

static struct marks marks_of(const struct fake_send *send)
{
	struct msghdr hdr = {.msg_control = (void *)send->control,
			     .msg_controllen = send->control_bytes};
	struct marks marks = {-1, -1, -1, -1};

	for (struct cmsghdr *c = CMSG_FIRSTHDR(&hdr); c != NULL; c = CMSG_NXTHDR(&hdr, c)) {
		bool v4 = c->cmsg_level == IPPROTO_IP, v6 = c->cmsg_level == IPPROTO_IPV6;

		if ((v4 && c->cmsg_type == IP_TTL) || (v6 && c->cmsg_type == IPV6_HOPLIMIT)) {
			memcpy(&marks.ttl, CMSG_DATA(c), sizeof(int));
		} else if ((v4 && c->cmsg_type == IP_TOS) || (v6 && c->cmsg_type == IPV6_TCLASS)) {
			memcpy(&marks.tos, CMSG_DATA(c), sizeof(int));
		} else if (v4 && c->cmsg_type == IP_PKTINFO) {
			struct in_pktinfo info;

			memcpy(&info, CMSG_DATA(c), sizeof(info));
			marks.last = (int)(ntohl(info.ipi_spec_dst.s_addr) & 0xff);
		}
	}
	return marks;
}

static struct marks marks_due(const struct sim_output *o, uint8_t ttl, uint8_t tos, uint8_t name)
{
	const struct rule_output *rule = &o->rule.out;
	struct marks due = {-1, -1, -1, -1};

	if (rule->src_keep) {
		struct addr from = sim_sender(name);

		due.last = from.ip[3];
		due.port = rule->sport_keep ? from.port : -1;
	}
	if (ttl > 0 && rule->ttl_mode == RULE_TTL_KEEP) {
		due.ttl = ttl;
	} else if (ttl > 0 && rule->ttl_mode == RULE_TTL_DEC) {
		due.ttl = ttl - 1;
	} else if (rule->ttl_mode == RULE_TTL_AUTO && ttl > RULE_TTL_FRESH &&
		   ttl <= RULE_TTL_DEFAULT) {
		due.ttl = ttl - 1;
	}
	if (tos > 0 && rule->dscp == RULE_DSCP_KEEP) {
		due.tos = tos & ~3;
	}
	return due;
}

/* Of its own that a raw socket is given. */
static uint32_t header_bytes(const struct sim_output *o)
{
	return o->rule.out.sport_keep ? (uint32_t)sizeof(struct udp_header) : 0;
}

/* As the kernel would look at it. */
static void check_form(const struct sim_world *w, const struct sim_output *o,
		       const struct fake_send *send)
{
	bool v6 = o->rule.out.to.addr.family == AF_INET6;
	uint32_t max = v6 ? UDP_PAYLOAD_MAX_V6 : UDP_PAYLOAD_MAX_V4;
	uint32_t headers = v6 ? IPV6_UDP_HEADER_BYTES : IPV4_UDP_HEADER_BYTES;
	uint32_t segment = send->segment_bytes;
	uint32_t count;

	if (header_bytes(o) > 0 && (segment > 0 || send->iov_count != 2 || send->zerocopy)) {
		sim_broken("a raw socket is sent more than a datagram and its header");
	}
	if (send->iov_count > (send->zerocopy ? ZEROCOPY_IOV_MAX : TRAIN_IOV_MAX)) {
		sim_broken("a send of too many pieces # %zu", send->iov_count);
	}
	if (segment == 0) {
		return;
	}
	count = ((uint32_t)send->payload_bytes + segment - 1) / segment;
	if (send->payload_bytes > max) {
		sim_broken("a train of more bytes than UDP carries # %zu", send->payload_bytes);
	}
	if (count < 2 || count > w->conf.train_max) {
		sim_broken("a train of too few or too many datagrams # %u", count);
	}
	if (segment + headers > o->mtu_told) {
		sim_broken("a train of datagrams that the path does not carry # %u", segment);
	}
}

/* SIM_NONE: nowhere. */
static uint32_t find(const struct sim_flow *flow, uint32_t from, uint32_t number)
{
	while (from < flow->log_count && flow->log[from] != number) {
		from++;
	}
	return from < flow->log_count ? from : SIM_NONE;
}

/* Of a wild feed nobody foretells which copy is sent, nor when: one that was held may come after
 * later ones, since that it is a restart's first is only known then. */
static void check_datagram(struct sim_world *w, struct sim_output *o, const unsigned char *at,
			   uint32_t bytes, const struct marks *marks)
{
	const struct sim_flow *flow = &w->flows[o->flow];
	bool wild = flow->of_feed != SIM_NONE && sim_is_wild(w, flow);
	uint32_t number = SIM_EMPTY, at_log, feed;
	uint16_t length;

	if (bytes > 0) {
		struct marks due = marks_due(o, at[10], at[11], at[12]);

		memcpy(&number, at, 4);
		memcpy(&feed, at + 4, 4);
		memcpy(&length, at + 8, 2);
		number = ntohl(number);
		if (bytes < SIM_HEAD_BYTES || feed != flow->feed || length != bytes ||
		    (bytes > SIM_HEAD_BYTES + 1 &&
		     memcmp(at + SIM_HEAD_BYTES, at + SIM_HEAD_BYTES + 1,
			    bytes - SIM_HEAD_BYTES - 1) != 0)) {
			sim_broken("a datagram that did not arrive so # %u of %u bytes", number,
				   bytes);
		}
		if (!o->meta_changed && (due.ttl != marks->ttl || due.tos != marks->tos)) {
			sim_broken("a datagram with other marks # TTL %d, TOS %d", marks->ttl,
				   marks->tos);
		}
		if (due.last != marks->last || due.port != marks->port) {
			sim_broken("a datagram from another sender # %d, port %d", marks->last,
				   marks->port);
		}
	}
	at_log = find(flow, wild && o->cursor > NEAR ? o->cursor - NEAR : o->cursor, number);
	at_log = wild && at_log == SIM_NONE ? find(flow, 0, number) : at_log;
	if (at_log == SIM_NONE) {
		sim_broken("sent twice, or overtaken # %u", number);
	}
	o->cursor = wild && at_log < o->cursor ? o->cursor : at_log + 1;
	if (flow->is_twin) {
		sim_twin_sent(w, flow, number);
	}
}

/* The sum that a receiver makes of an IPv4 datagram is all ones, if none is missing or changed. */
static uint32_t sum_of(const struct sim_output *o, const struct fake_send *send, int last)
{
	const struct addr from = sim_address((uint8_t)last, 0);
	const struct rule_output *rule = &o->rule.out;
	uint32_t sum = IPPROTO_UDP + (uint32_t)send->payload_bytes;

	for (unsigned i = 0; i < 4; i++) {
		sum += (uint32_t)(from.ip[i] + rule->to.addr.ip[i]) << (i % 2 ? 0 : 8);
	}
	for (size_t i = 0; i < send->payload_bytes; i++) {
		sum += (uint32_t)send->payload[i] << (i % 2 ? 0 : 8);
	}
	sum = (sum >> 16) + (sum & 0xffff);
	return (sum >> 16) + (sum & 0xffff);
}

/* The UDP header that we have written ourselves. */
static void check_header(const struct sim_output *o, const struct fake_send *send,
			 struct marks *marks)
{
	struct udp_header header;

	memcpy(&header, send->payload, sizeof(header));
	marks->port = ntohs(header.from_port);
	if (ntohs(header.to_port) != o->rule.out.to.addr.port ||
	    ntohs(header.bytes) != send->payload_bytes) {
		sim_broken("a header that is wrong # to port %u, of %u bytes",
			   ntohs(header.to_port), ntohs(header.bytes));
	}
	if (sum_of(o, send, marks->last) != 0xffff) {
		sim_broken("a header with a wrong checksum");
	}
}

static void check_sent(struct sim_world *w, struct sim_output *o, const struct fake_send *send)
{
	uint32_t header = header_bytes(o), at = 0;
	uint32_t bytes = (uint32_t)send->payload_bytes - header;
	uint32_t step = send->segment_bytes ? send->segment_bytes : bytes;
	struct marks marks = marks_of(send);

	if (header > 0) {
		check_header(o, send, &marks);
	}
	do {
		uint32_t left = bytes - at, n = left < step ? left : step;

		check_datagram(w, o, send->payload + header + at, n, &marks);
		sim_come_back(w, o, send->payload + header + at, n);
		o->sent++;
		o->sent_bytes += n;
		at += n;
	} while (at < bytes);
}

/* What a kernel says to this message whatever the weather; 0: nothing against it. */
static int refusal(const struct sim_output *o, const struct sim_sock *sock,
		   const struct fake_send *send)
{
	bool v6 = o->rule.out.to.addr.family == AF_INET6;
	uint32_t headers = v6 ? IPV6_UDP_HEADER_BYTES : IPV4_UDP_HEADER_BYTES;

	if (send->payload_bytes - header_bytes(o) >
	    (v6 ? UDP_PAYLOAD_MAX_V6 : UDP_PAYLOAD_MAX_V4)) {
		return EMSGSIZE;
	}
	return send->segment_bytes > 0 && send->segment_bytes + headers > sock->mtu ? EINVAL : 0;
}

static int stroke(struct sim_weather *weather, struct sim_sock *sock, const struct fake_send *send)
{
	static const int errors[][4] = {{EAGAIN, ENOBUFS, EPERM, ENETDOWN},
					{EINVAL, EIO, EMSGSIZE, ENOBUFS},
					{ECONNREFUSED, EHOSTUNREACH, ENETUNREACH, EMSGSIZE},
					{ENOMEM, EOPNOTSUPP, EFAULT, ENOBUFS}};
	int err;

	if (sock->icmp > 0 && rand_r(&weather->seed) % 2 == 0) {
		return ECONNREFUSED; /* of the socket: it says nothing of this send */
	}
	if (weather->odds == 0 || (uint32_t)rand_r(&weather->seed) % weather->odds != 0) {
		return 0;
	}
	err = errors[weather->kind][rand_r(&weather->seed) % 4];
	if (weather->kind == 2 && rand_r(&weather->seed) % 2 == 0) {
		sock->icmp++;
	}
	return err == EFAULT && !send->zerocopy ? EIO : err;
}

int32_t sim_decide(void *context, const struct fake_send *send)
{
	struct sim_shard *s = context;
	struct sim_world *w = s->world;
	struct sim_output *o = output_of(w, send);
	struct sim_sock *sock = &w->socks[send->fd - SIM_FD];
	int err;

	check_form(w, o, send);
	err = refusal(o, sock, send);
	err = err != 0 ? err : stroke(&s->weather, sock, send);
	if (err != 0) {
		return -err;
	}
	check_sent(w, o, send);
	return FAKE_SUCCESS;
}
