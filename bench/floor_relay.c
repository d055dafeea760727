/* floor_relay.c - the least that a relay by sockets does, for bench/run: what a loop of recvmmsg
 * and sendmmsg costs that counts, checks and remembers nothing.
 *
 *     floor_relay GROUP PORT INTERFACE GROUP PORT INTERFACE
 *
 * relays what comes to the first group to the second one. It asks for what a relay has to know of
 * each datagram, its source, its hop limit and whether it is a train, and sends what came in one
 * call as trains, as far as it can be: equal ones, and one that is shorter at the end. It says
 * "ready" and ends by SIGTERM, with the two figures of an exit report that bench/run reads. IPv4
 * and one thread only. Whoever wants a relay takes numacastd: this one loses without a word.
 */
#include <arpa/inet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#define BATCH         64    /* datagrams in a call, as a shard of numacastd takes at most */
#define SLOT_BYTES    65535 /* a train may come in each */
#define SEND_MOST     65507 /* bytes in a send: UDP_MAX_SIZE of IPv4 */
#define SEGMENTS_MOST 64    /* UDP_MAX_SEGMENTS before Linux 6.9 */
#define CONTROL_BYTES 128
#define RCVBUF_BYTES  (4 << 20) /* the default of numacastd --rcvbuf */
#define HOPS          16

struct received {
	struct iovec iov;
	struct sockaddr_in source;
	char control[CONTROL_BYTES];
	unsigned segment; /* bytes of a train's segments; 0: no train */
};

struct sending {
	char control[CMSG_SPACE(sizeof(uint16_t))];
};

static char slots[BATCH][SLOT_BYTES];
static struct received received[BATCH];
static struct mmsghdr in_msgs[BATCH];
static struct iovec pieces[BATCH];
static struct sending sendings[BATCH];
static struct mmsghdr out_msgs[BATCH];
static struct sockaddr_in target;
static volatile sig_atomic_t ends;
static uint64_t syscalls;
static uint64_t sent;

static void end(int signal);
static void give_up(const char *what);
static struct sockaddr_in address_of(const char *group, const char *port);
static void set_int(int fd, int level, int option, int value, const char *what);
static int open_ingress(char **words);
static int open_egress(char **words);
static unsigned receive(int fd);
static unsigned segment_of(struct msghdr *msg);
static unsigned gather(unsigned count);
static unsigned train_from(unsigned first, unsigned count);
static void relay(int fd, unsigned count);

int main(int argc, char **argv)
{
	struct sigaction on_end = {.sa_handler = end};
	int in, out;

	if (argc != 7) {
		fprintf(stderr, "usage: floor_relay GROUP PORT INTERFACE GROUP PORT INTERFACE\n");
		return 2;
	}
	in = open_ingress(argv + 1);
	out = open_egress(argv + 4);
	sigaction(SIGTERM, &on_end, NULL);
	fprintf(stderr, "ready\n");
	while (!ends) {
		relay(out, gather(receive(in)));
	}
	printf("{\"shards\": [{\"ring\": {\"syscalls\": %llu}}], \"totals\": {\"sent\": %llu}}\n",
	       (unsigned long long)syscalls, (unsigned long long)sent);
	return 0;
}

static void end(int signal)
{
	(void)signal;
	ends = 1;
}

static int open_ingress(char **words)
{
	struct sockaddr_in address = address_of(words[0], words[1]);
	struct ip_mreqn group = {.imr_multiaddr = address.sin_addr,
				 .imr_ifindex = (int)if_nametoindex(words[2])};
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	set_int(fd, SOL_SOCKET, SO_RCVBUFFORCE, RCVBUF_BYTES, "SO_RCVBUFFORCE");
	set_int(fd, IPPROTO_IP, IP_RECVTTL, 1, "IP_RECVTTL");
	set_int(fd, IPPROTO_UDP, UDP_GRO, 1, "UDP_GRO");
	if (bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0 ||
	    setsockopt(fd, IPPROTO_IP, IP_ADD_MEMBERSHIP, &group, sizeof(group)) < 0) {
		give_up(words[0]);
	}
	for (unsigned i = 0; i < BATCH; i++) {
		received[i].iov = (struct iovec){.iov_base = slots[i], .iov_len = SLOT_BYTES};
		in_msgs[i].msg_hdr = (struct msghdr){.msg_iov = &received[i].iov, .msg_iovlen = 1};
	}
	return fd;
}

static int open_egress(char **words)
{
	struct ip_mreqn interface = {.imr_ifindex = (int)if_nametoindex(words[2])};
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	target = address_of(words[0], words[1]);
	set_int(fd, IPPROTO_IP, IP_MULTICAST_TTL, HOPS, "IP_MULTICAST_TTL");
	set_int(fd, IPPROTO_IP, IP_MULTICAST_LOOP, 0, "IP_MULTICAST_LOOP");
	if (setsockopt(fd, IPPROTO_IP, IP_MULTICAST_IF, &interface, sizeof(interface)) < 0) {
		give_up(words[2]);
	}
	return fd;
}

static struct sockaddr_in address_of(const char *group, const char *port)
{
	struct sockaddr_in address = {.sin_family = AF_INET,
				      .sin_port = htons((uint16_t)strtoul(port, NULL, 10))};

	if (inet_pton(AF_INET, group, &address.sin_addr) != 1) {
		fprintf(stderr, "floor_relay: %s: expected an IPv4 address\n", group);
		exit(2);
	}
	return address;
}

static void set_int(int fd, int level, int option, int value, const char *what)
{
	if (setsockopt(fd, level, option, &value, sizeof(value)) < 0) {
		give_up(what);
	}
}

static void give_up(const char *what)
{
	fprintf(stderr, "floor_relay: ");
	perror(what);
	exit(1);
}

/* How many came; waits for the first. */
static unsigned receive(int fd)
{
	int count;

	for (unsigned i = 0; i < BATCH; i++) {
		struct msghdr *msg = &in_msgs[i].msg_hdr;

		msg->msg_name = &received[i].source;
		msg->msg_namelen = sizeof(received[i].source);
		msg->msg_control = received[i].control;
		msg->msg_controllen = sizeof(received[i].control);
	}
	count = recvmmsg(fd, in_msgs, BATCH, MSG_WAITFORONE, NULL);
	syscalls++;
	for (int i = 0; i < count; i++) {
		received[i].segment = segment_of(&in_msgs[i].msg_hdr);
	}
	return count > 0 ? (unsigned)count : 0;
}

static unsigned segment_of(struct msghdr *msg)
{
	for (struct cmsghdr *c = CMSG_FIRSTHDR(msg); c; c = CMSG_NXTHDR(msg, c)) {
		int bytes;

		if (c->cmsg_level == IPPROTO_UDP && c->cmsg_type == UDP_GRO) {
			memcpy(&bytes, CMSG_DATA(c), sizeof(bytes));
			return (unsigned)bytes;
		}
	}
	return 0;
}

/* Makes sends of what came; how many. */
static unsigned gather(unsigned count)
{
	unsigned made = 0;

	for (unsigned i = 0; i < count; made++) {
		unsigned segment = received[i].segment;
		unsigned first = i;
		struct msghdr *out = &out_msgs[made].msg_hdr;

		i += segment == 0 ? train_from(first, count) : 1;
		*out = (struct msghdr){.msg_name = &target,
				       .msg_namelen = sizeof(target),
				       .msg_iov = &pieces[first],
				       .msg_iovlen = i - first};
		if (i - first > 1 || segment > 0) {
			uint16_t bytes = (uint16_t)(segment > 0 ? segment : in_msgs[first].msg_len);
			struct cmsghdr *c;

			out->msg_control = sendings[made].control;
			out->msg_controllen = sizeof(sendings[made].control);
			c = CMSG_FIRSTHDR(out);
			c->cmsg_level = IPPROTO_UDP;
			c->cmsg_type = UDP_SEGMENT;
			c->cmsg_len = CMSG_LEN(sizeof(bytes));
			memcpy(CMSG_DATA(c), &bytes, sizeof(bytes));
		}
		for (unsigned p = first; p < i; p++) {
			pieces[p] =
				(struct iovec){.iov_base = slots[p], .iov_len = in_msgs[p].msg_len};
		}
		sent += segment > 0 ? (in_msgs[first].msg_len + segment - 1) / segment : i - first;
	}
	return made;
}

/* How many go together: as long as the first, and perhaps a shorter one behind them. */
static unsigned train_from(unsigned first, unsigned count)
{
	unsigned bytes = in_msgs[first].msg_len;
	unsigned n = 1, all = bytes, last = bytes;

	while (first + n < count && n < SEGMENTS_MOST && last == bytes) {
		last = in_msgs[first + n].msg_len;
		all += last;
		if (received[first + n].segment > 0 || last == 0 || last > bytes ||
		    all > SEND_MOST) {
			break;
		}
		n++;
	}
	return n;
}

static void relay(int fd, unsigned count)
{
	for (unsigned done = 0; done < count;) {
		int took = sendmmsg(fd, out_msgs + done, count - done, 0);

		syscalls++;
		done += took > 0 ? (unsigned)took : 1;
	}
}
