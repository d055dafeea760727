/* ingress.c - checks what the kernel put into a slot (steps 7 and 8 of a datagram's life).
 *
 * Order of the checks: cut off? (never relayed cut), control data complete? (else the segment size
 * would be a guess), too old for max-age=?, from the source that the rule names?, from one of our
 * own sockets? Each no is one counter, multiplied by the datagrams that a train holds. Shard
 * thread; ingress_accept makes no system call.
 */
#include "shard/ingress.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <string.h>
#include <sys/socket.h>

#include "shard/sock.h"
#include "src/base/clock.h"

static void read_control(unsigned char *control, size_t len, struct datagram *out);
static void read_stamp(const struct cmsghdr *c, struct datagram *out);
static uint32_t segments_in(uint32_t bytes, uint32_t segment_bytes);
static void move_up(struct ingress_flow *flow, const struct pool *pool, uint32_t bytes);
static bool is_others(struct ingress_flow *flow, const struct datagram *d);
static bool refuse(struct ingress_flow *flow, enum flow_drop drop, uint32_t count);
static bool is_stale(const struct ingress_flow *flow, const struct datagram *d);
static bool is_foreign(const struct ingress_flow *flow, const struct addr *from);
static bool is_echo(const struct ingress_flow *flow, const struct addr *from);
static ssize_t discard(int fd, struct datagram *d);

bool ingress_accept(struct ingress_flow *flow, const struct ring_recv *event,
		    const struct pool *pool, struct datagram *out)
{
	unsigned cls = ring_class_of(event->group);
	uint32_t slot = pool_slot_id((enum pool_class)cls, event->slot);
	unsigned char *base = pool_slot_base(pool, slot);
	const struct slot_head *head = (const struct slot_head *)base;
	struct addr from;

	*out = (struct datagram){
		.payload = base + SLOT_HEAD_BYTES,
		.slot = slot,
		.bytes = head->payload_bytes,
		.ttl = -1,
		.tos = -1,
		.from = (const struct sockaddr *)(base + SLOT_NAME_OFFSET),
	};
	if (head->control_bytes > 0) {
		read_control(base + SLOT_CONTROL_OFFSET, head->control_bytes, out);
	}
	if ((flow->since_ns | flow->until_ns) != 0 && is_others(flow, out)) {
		stat_add(&flow->stats->pieces, 1);
		return false;
	}
	out->count = segments_in(out->bytes, out->segment_bytes);
	if (out->count == 1) {
		out->segment_bytes = out->bytes;
	}
	stat_add(&flow->stats->received, out->count);
	stat_add(&flow->stats->received_bytes, out->bytes);
	stat_add(&flow->stats->pieces, 1);
	if (out->count > 1) {
		stat_add(&flow->stats->trains, 1);
	}
	if ((head->flags & MSG_TRUNC) || out->bytes > pool->classes[cls].payload_bytes) {
		move_up(flow, pool, out->bytes);
		return refuse(flow, FLOW_DROP_TRUNCATED, out->count);
	}
	if (head->flags & MSG_CTRUNC) {
		return refuse(flow, FLOW_DROP_CONTROL, out->count);
	}
	if (flow->rule->in.max_age_ms > 0 && is_stale(flow, out)) {
		return refuse(flow, FLOW_DROP_STALE, out->count);
	}
	if (flow->rule->in.source.family == 0 && flow->echo_count == 0) {
		return true; /* nothing left to compare the sender with */
	}
	if (addr_from_sockaddr(out->from, &from) != 0 || is_foreign(flow, &from)) {
		return refuse(flow, FLOW_DROP_FOREIGN, out->count);
	}
	if (is_echo(flow, &from)) {
		return refuse(flow, FLOW_DROP_LOOP, out->count);
	}
	return true;
}

void ingress_count_leftovers(struct ingress_flow *flow)
{
	int errors = 0;

	/* Without this a sender that goes on would keep us reading. */
	sock_refuse_all(flow->fd);
	for (uint32_t i = 0; i < DRAIN_READ_MAX && errors < ERRQUEUE_DRAIN_MAX; i++) {
		struct datagram d;
		ssize_t n = discard(flow->fd, &d);

		if (n == -EAGAIN || n == -EBADF) {
			return;
		}
		if (n < 0) {
			errors++; /* of the socket, not of a datagram */
			continue;
		}
		if (is_others(flow, &d)) {
			stat_add(&flow->stats->pieces, 1);
			continue;
		}
		stat_add(&flow->stats->received, d.count);
		stat_add(&flow->stats->received_bytes, (uint64_t)n);
		stat_add(&flow->stats->pieces, 1);
		stat_add(&flow->stats->drops[FLOW_DROP_SHUTDOWN], d.count);
	}
}

void ingress_hand_over(struct ingress_flow *flow)
{
	ingress_look_at_drops(flow);
	sock_note_drops(flow->fd, flow->drops_seen);
}

void ingress_look_at_drops(struct ingress_flow *flow)
{
	if (flow->until_ns == 0) { /* else what it drops may have another socket */
		ingress_count_drops(flow, sock_kernel_drops(flow->fd));
	}
}

void ingress_count_drops(struct ingress_flow *flow, uint32_t drops)
{
	bool filters = share_is_filtered(&flow->rule->share, &flow->rule->in.at.addr);

	if (drops != 0) { /* 0 is also what it says when it cannot say */
		stat_add(filters ? &flow->stats->not_mine : &flow->stats->kernel_drops,
			 drops - flow->drops_seen);
		flow->drops_seen = drops;
	}
}

bool ingress_look_at_queue(struct ingress_flow *flow)
{
	uint32_t napi_id = sock_napi_id(flow->fd);

	stat_set(&flow->stats->napi_id, napi_id);
	return napi_id != 0;
}

/* Walks `len' bytes of control data that the kernel wrote; `control' is aligned for a cmsghdr. */
static void read_control(unsigned char *control, size_t len, struct datagram *out)
{
	struct msghdr msg = {.msg_control = control, .msg_controllen = len};

	for (struct cmsghdr *c = CMSG_FIRSTHDR(&msg); c; c = CMSG_NXTHDR(&msg, c)) {
		int value;

		if (c->cmsg_len < CMSG_LEN(1)) {
			continue;
		}
		/* An IPv4 TOS is a single byte, everything else here an int. */
		if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_TOS) {
			out->tos = *CMSG_DATA(c);
			continue;
		}
		if (c->cmsg_len < CMSG_LEN(sizeof(value))) {
			continue;
		}
		if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_TIMESTAMPNS) {
			read_stamp(c, out);
			continue;
		}
		memcpy(&value, CMSG_DATA(c), sizeof(value));
		if (c->cmsg_level == IPPROTO_UDP && c->cmsg_type == UDP_GRO && value > 0) {
			out->segment_bytes = (uint32_t)value;
		} else if ((c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_TTL) ||
			   (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_HOPLIMIT)) {
			out->ttl = (int16_t)value;
		} else if (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_TCLASS) {
			out->tos = (int16_t)value;
		}
	}
}

static void read_stamp(const struct cmsghdr *c, struct datagram *out)
{
	struct timespec at;

	if (c->cmsg_len >= CMSG_LEN(sizeof(at))) {
		memcpy(&at, CMSG_DATA(c), sizeof(at));
		out->stamp_ns = (uint64_t)at.tv_sec * NS_PER_S + (uint64_t)at.tv_nsec;
	}
}

static uint32_t segments_in(uint32_t bytes, uint32_t segment_bytes)
{
	return segment_bytes == 0 || bytes <= segment_bytes
		       ? 1
		       : (bytes + segment_bytes - 1) / segment_bytes;
}

/* Whether the socket has it that was there before this one, or the one that comes after. */
static bool is_others(struct ingress_flow *flow, const struct datagram *d)
{
	if (flow->since_ns != 0 && clock_now_ns() >= flow->since_end_ns) {
		flow->since_ns = 0; /* a clock that is set back is to hold nothing up */
	}
	return d->stamp_ns != 0 && (d->stamp_ns < flow->since_ns ||
				    (flow->until_ns != 0 && d->stamp_ns >= flow->until_ns));
}

/* Remembers the real length, and moves the flow to a class in which it fits. */
static void move_up(struct ingress_flow *flow, const struct pool *pool, uint32_t bytes)
{
	if (bytes > stat_get(&flow->stats->longest_bytes)) {
		stat_set(&flow->stats->longest_bytes, bytes);
	}
	for (unsigned cls = flow->next_group; cls < POOL_CLASS_COUNT; cls++) {
		if (pool->classes[cls].count == 0) {
			continue;
		}
		flow->next_group = (uint8_t)cls;
		if (pool->classes[cls].payload_bytes >= bytes) {
			return;
		}
	}
}

static bool refuse(struct ingress_flow *flow, enum flow_drop drop, uint32_t count)
{
	stat_add(&flow->stats->drops[drop], count);
	return false;
}

/* It has waited too long to be of use. A train is as old as its first datagram; what came without a
 * stamp, because nobody had asked for one when it came, is not old. */
static bool is_stale(const struct ingress_flow *flow, const struct datagram *d)
{
	return d->stamp_ns != 0 &&
	       clock_wall_since_ns(d->stamp_ns) > flow->rule->in.max_age_ms * NS_PER_MS;
}

/* The rule names a source and this is another one. The kernel filters multicast sources itself; for
 * unicast nobody else does. */
static bool is_foreign(const struct ingress_flow *flow, const struct addr *from)
{
	return !rule_takes_source(&flow->rule->in, from);
}

/* Whether one of our egress sockets sent this: two interfaces on one segment would otherwise feed
 * a relay its own output. Almost always there are no candidates. An unconnected sender's own
 * address is unknown; its port alone then decides. */
static bool is_echo(const struct ingress_flow *flow, const struct addr *from)
{
	for (uint32_t i = 0; i < flow->echo_count; i++) {
		const struct addr *echo = &flow->echoes[i];

		if (echo->port == from->port && (addr_is_any(echo) || addr_ip_equal(echo, from))) {
			return true;
		}
	}
	return false;
}

/* One datagram off the socket: its length, with what `d' says of its segments, or -errno. */
static ssize_t discard(int fd, struct datagram *d)
{
	unsigned char control[SLOT_CONTROL_BYTES] __attribute__((aligned(8)));
	struct msghdr msg = {.msg_control = control, .msg_controllen = sizeof(control)};
	ssize_t n = recvmsg(fd, &msg, MSG_DONTWAIT | MSG_TRUNC);

	*d = (struct datagram){0};
	if (n < 0) {
		return -errno;
	}
	read_control(control, msg.msg_controllen, d);
	d->count = segments_in((uint32_t)n, d->segment_bytes);
	return n;
}
