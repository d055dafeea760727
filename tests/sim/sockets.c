/* sockets.c - what the shards of a simulation ask the kernel about their sockets, and its clock.
 *
 * The linker sends these calls here (--wrap, see automake.mk), so no descriptor is open: what is
 * queued in a socket, what it has dropped, what ICMP has left there and how much its path carries
 * stand in the world. Time passes with events and turns only.
 */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "shard/sock.h"
#include "src/base/clock.h"
#include "src/base/must.h"
#include "tests/sim/sim.h"

#define CLOCK_READS_MAX 10000000 /* in one event: somebody waits for what will never be */
#define ECHO_PORT       9000

struct sim_world *sim_world;

int __wrap_clock_gettime(clockid_t clock, struct timespec *out);
void __wrap_sock_leave(int fd, const struct rule_ingress *in, unsigned ifindex);
void __wrap_sock_refuse_all(int fd);
bool __wrap_sock_follow_source(int fd, const struct rule_output *out, unsigned ifindex,
			       struct addr *local);
bool __wrap_sock_lacks_source(const struct rule_output *out, unsigned ifindex);
uint32_t __wrap_sock_path_mtu(int fd, int family);
bool __wrap_sock_device_is_up(int fd, unsigned ifindex);
uint32_t __wrap_sock_device_mtu(int fd, unsigned ifindex);
uint32_t __wrap_sock_kernel_drops(int fd);
void __wrap_sock_note_drops(int fd, uint32_t drops);
uint32_t __wrap_sock_queued_bytes(int fd);
struct sock_errors __wrap_sock_drain_errors(int fd);
ssize_t __wrap_recvmsg(int fd, struct msghdr *msg, int flags);

static void take_packet(struct sim_world *w, struct sim_sock *sock, struct sim_packet *out)
{
	*out = sock->queue[sock->head];
	sock->head = (sock->head + 1) % SIM_QUEUE;
	sock->count--;
}

/* Aborts where nothing such is open. */
static struct sim_sock *sock_of(int fd)
{
	must(fd >= SIM_FD);
	must(fd < SIM_FD + SIM_SOCKS);
	must(sim_world->socks[fd - SIM_FD].open);
	return &sim_world->socks[fd - SIM_FD];
}

int __wrap_clock_gettime(clockid_t clock, struct timespec *out)
{
	if (++sim_world->clock_reads > CLOCK_READS_MAX) {
		sim_broken("somebody waits for ever");
	}
	out->tv_sec = (time_t)(sim_world->clock_ns / NS_PER_S);
	out->tv_sec += clock == CLOCK_REALTIME ? SIM_WALL_S : 0;
	out->tv_nsec = (long)(sim_world->clock_ns % NS_PER_S);
	return 0;
}

void __wrap_sock_leave(int fd, const struct rule_ingress *in, unsigned ifindex)
{
	(void)in;
	(void)ifindex;
	sock_of(fd)->left = true;
}

void __wrap_sock_refuse_all(int fd)
{
	sock_of(fd)->refuses = true;
}

bool __wrap_sock_follow_source(int fd, const struct rule_output *out, unsigned ifindex,
			       struct addr *local)
{
	(void)out;
	(void)ifindex;
	(void)local;
	(void)sock_of(fd);
	return false;
}

bool __wrap_sock_lacks_source(const struct rule_output *out, unsigned ifindex)
{
	(void)out;
	(void)ifindex;
	return false;
}

uint32_t __wrap_sock_path_mtu(int fd, int family)
{
	(void)family;
	return sock_of(fd)->mtu;
}

bool __wrap_sock_device_is_up(int fd, unsigned ifindex)
{
	(void)ifindex;
	(void)sock_of(fd);
	return true;
}

uint32_t __wrap_sock_device_mtu(int fd, unsigned ifindex)
{
	(void)ifindex;
	return sock_of(fd)->mtu;
}

uint32_t __wrap_sock_kernel_drops(int fd)
{
	return sock_of(fd)->drops;
}

void __wrap_sock_note_drops(int fd, uint32_t drops)
{
	if (drops != sock_of(fd)->drops) {
		sim_broken("drops that are noted # %u, not %u", drops, sock_of(fd)->drops);
	}
	sock_of(fd)->noted = true;
}

uint32_t __wrap_sock_queued_bytes(int fd)
{
	return sock_of(fd)->count;
}

struct sock_errors __wrap_sock_drain_errors(int fd)
{
	struct sim_sock *sock = sock_of(fd);
	struct sock_errors seen = {.icmp = sock->icmp, .icmp_errno = sock->icmp ? ECONNREFUSED : 0};

	sock->icmp = 0;
	return seen;
}

/* What a shard that was told to end can relay, in the time that it has for that, it does; also
 * where others of its sockets are handed over. But not amid a change, nor of a flow that is to wait
 * or whose receive has failed. */
static void check_drained(const struct sim_flow *flow)
{
	const struct sim_shard *s = &sim_world->shards[flow->shard];
	const struct flow_place *place = relay_place(&s->relay, place_index(flow->token));

	if (sim_world->clock_ns < s->drains_until_ns && sim_world->job.kind == SIM_IDLE &&
	    !flow->held && place->flow.retry_ns == 0) {
		sim_broken("what a shard that drains does not relay");
	}
}

/* Who reads a socket by this throws away what is left in it. */
ssize_t __wrap_recvmsg(int fd, struct msghdr *msg, int flags)
{
	struct sim_sock *sock = sock_of(fd);
	struct sim_packet packet;
	struct sim_flow *flow;
	int segment;

	must(flags & MSG_DONTWAIT);
	must(sock->refuses);
	if (sock->count == 0) {
		errno = EAGAIN;
		return -1;
	}
	take_packet(sim_world, sock, &packet);
	flow = &sim_world->flows[sock->flow];
	check_drained(flow);
	flow->handed += packet.count;
	flow->drops[FLOW_DROP_SHUTDOWN] += packet.count;
	segment = (int)packet.segment;
	if (packet.count > 1) {
		struct cmsghdr *c = CMSG_FIRSTHDR(msg);

		*c = (struct cmsghdr){.cmsg_len = CMSG_LEN(sizeof(segment)),
				      .cmsg_level = SOL_UDP,
				      .cmsg_type = UDP_GRO};
		memcpy(CMSG_DATA(c), &segment, sizeof(segment));
		msg->msg_controllen = CMSG_SPACE(sizeof(segment));
	} else {
		msg->msg_controllen = 0;
	}
	return (ssize_t)sim_packet_bytes(&packet);
}

uint32_t sim_sock_open(struct sim_world *w, uint32_t flow, uint32_t output)
{
	for (uint32_t i = 0; i < SIM_SOCKS; i++) {
		if (!w->socks[i].open) {
			w->socks[i] = (struct sim_sock){
				.open = true, .flow = flow, .output = output, .mtu = w->conf.mtu};
			return i;
		}
	}
	return SIM_NONE;
}

void sim_sock_close(struct sim_world *w, uint32_t sock)
{
	if (sock != SIM_NONE) {
		must(w->socks[sock].open);
		w->socks[sock].open = false;
	}
}

uint32_t sim_packet_bytes(const struct sim_packet *packet)
{
	return (packet->count - 1) * packet->segment + packet->last_bytes;
}

void sim_arrive(struct sim_world *w, struct sim_flow *flow, struct sim_packet packet)
{
	struct sim_sock *sock = &w->socks[flow->sock];
	uint32_t *next = flow->of_feed == SIM_NONE ? &flow->next_number
						   : &w->feed_list[flow->of_feed].next_number;

	if (sock->count == w->conf.queue) {
		sock->drops += 1; /* the kernel counts a train as one */
		return;
	}
	if (packet.first == SIM_NONE) {
		packet.first = *next;
		*next += packet.count;
	}
	if (packet.last_bytes == 0 && flow->rule.in.breaker != RULE_BREAKER_OFF) {
		packet.last_bytes = SIM_HEAD_BYTES; /* else they would all be the same */
	}
	packet.stamp_ns = w->clock_ns + SIM_WALL_S * NS_PER_S;
	sock->queue[(sock->head + sock->count++) % SIM_QUEUE] = packet;
}

struct addr sim_address(uint8_t last, uint16_t port)
{
	return (struct addr){.family = AF_INET, .port = port, .ip = {10, 0, 0, last}};
}

uint8_t sim_name(const struct sim_packet *packet)
{
	return (uint8_t)(1 + packet->sender + (packet->echo ? SIM_SENDERS : 0));
}

struct addr sim_sender(uint8_t name)
{
	static const uint8_t lasts[SIM_SENDERS] = {1, 1, 3, 9};
	uint8_t sender = (name - 1) % SIM_SENDERS;

	return sim_address(lasts[sender],
			   name > SIM_SENDERS ? ECHO_PORT : (uint16_t)(4000 + sender));
}

bool sim_is_foreign(const struct sim_packet *packet)
{
	return sim_sender(sim_name(packet)).ip[3] != 1;
}

/* Each datagram tells its number, its feed, its length, and what it was received with and from
 * whom; what follows is one byte again and again. */
static void write_payload(const struct sim_flow *flow, const struct sim_packet *packet,
			  unsigned char *at)
{
	for (uint32_t i = 0; i < packet->count; i++) {
		uint32_t bytes = i + 1 < packet->count ? packet->segment : packet->last_bytes;
		uint32_t number = htonl(packet->first + i);
		uint16_t length = (uint16_t)bytes;

		if (bytes == 0) {
			return;
		}
		must(bytes >= SIM_HEAD_BYTES);
		memset(at, (int)(packet->first + i), bytes);
		memcpy(at, &number, 4);
		memcpy(at + 4, &flow->feed, 4);
		memcpy(at + 8, &length, 2);
		at[10] = packet->ttl;
		at[11] = packet->tos;
		at[12] = sim_name(packet);
		at += bytes;
	}
}

bool sim_feed(void *context, int fd, size_t room, struct fake_datagram *out)
{
	struct sim_world *w = context;
	struct sim_sock *sock = sock_of(fd);
	struct sim_packet packet;
	struct addr from;

	if (out == NULL || sock->count == 0) {
		return sock->count > 0;
	}
	if (w->flows[sock->flow].held && w->job.kind == SIM_IDLE) {
		sim_broken("a flow that is to wait receives");
	}
	take_packet(w, sock, &packet);
	sim_expect(w, &w->flows[sock->flow], &packet, room);
	write_payload(&w->flows[sock->flow], &packet, w->payload);
	*out = (struct fake_datagram){.payload = w->payload,
				      .payload_bytes = sim_packet_bytes(&packet),
				      .ttl = packet.ttl,
				      .tos = packet.tos,
				      .stamp_ns = packet.stamp_ns,
				      .gro_segment = packet.count > 1 ? (int)packet.segment : 0,
				      .control_cut = packet.control_cut,
				      .ends = packet.ends};
	from = sim_sender(sim_name(&packet));
	(void)addr_to_sockaddr(&from, 0, &out->from);
	return true;
}
