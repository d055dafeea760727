/* frames.c - lays out Ethernet, IPv4 and UDP headers; see frames.h.
 *
 * The UDP sockets that the sender opened first are asked which address and port they would send
 * from, and give way to packet sockets then. What is the same in all datagrams of a flow is written
 * once; for each datagram only its lengths, its identification and the sum over its IPv4 header
 * differ.
 */
#include "src/probe/frames.h"

#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <netinet/udp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "src/base/must.h"
#include "src/probe/run.h"

#define IP_AT  ETH_HLEN
#define UDP_AT (ETH_HLEN + (int)sizeof(struct iphdr))

struct frames {
	unsigned char head[FRAMES_HEADER_BYTES]; /* of a flow; an array of these */
};

static int replace_socket(struct sender *sender, uint64_t sock, struct ifreq *hardware,
			  struct err *err);
static int own_name(int fd, const struct dest *dest, struct sockaddr_in *out);
static int open_packets(unsigned ifindex, uint64_t sndbuf_bytes);
static void lay_out(const struct sender *sender, const struct sockaddr_in *from,
		    const struct sockaddr_in *to, const void *hardware, unsigned char *out);
static uint16_t sum_of(const void *words, size_t bytes);

static_assert(FRAMES_HEADER_BYTES == UDP_AT + sizeof(struct udphdr), "Ethernet, IPv4, UDP");

int frames_open(struct sender *sender, struct err *err)
{
	struct ifreq hardware = {0};
	int rc = 0;

	if (sender->opt->size.max > sender->payload_max) {
		err_set(err,
			"--frames: a frame of %s holds %u bytes of payload; expected a --size of "
			"no more",
			sender->opt->targets.list[0].at.ifname, sender->payload_max);
		return -EINVAL;
	}
	sender->frames = calloc(sender->flow_count, sizeof(*sender->frames));
	if (sender->frames == NULL) {
		err_set(err, "out of memory");
		return -ENOMEM;
	}
	memcpy(hardware.ifr_name, sender->opt->targets.list[0].at.ifname, IF_NAMESIZE);
	if (ioctl(sender->fds[0], SIOCGIFHWADDR, &hardware) != 0) {
		rc = -errno;
		err_set(err, "--frames: %s: cannot ask for its Ethernet address: %s",
			hardware.ifr_name, strerror(-rc));
		return rc;
	}
	if (hardware.ifr_hwaddr.sa_family != ARPHRD_ETHER) {
		err_set(err, "--frames: %s has no Ethernet address; expected one that has",
			hardware.ifr_name);
		return -EINVAL;
	}
	for (uint64_t i = 0; rc == 0 && i < sender->opt->flows; i++) {
		rc = replace_socket(sender, i, &hardware, err);
	}
	return rc;
}

void frames_close(struct sender *sender)
{
	free(sender->frames);
	sender->frames = NULL;
}

void frames_head(const struct sender *sender, uint32_t flow, uint32_t size,
		 unsigned char out[FRAMES_HEADER_BYTES])
{
	struct iphdr ip;
	struct udphdr udp;

	memcpy(out, sender->frames[flow].head, FRAMES_HEADER_BYTES);
	memcpy(&ip, out + IP_AT, sizeof(ip));
	memcpy(&udp, out + UDP_AT, sizeof(udp));
	udp.len = htons((uint16_t)(sizeof(udp) + size));
	ip.tot_len = htons((uint16_t)(sizeof(ip) + sizeof(udp) + size));
	ip.id = htons((uint16_t)sender->flows[flow].next_seq);
	ip.check = 0;
	ip.check = sum_of(&ip, sizeof(ip));
	memcpy(out + IP_AT, &ip, sizeof(ip));
	memcpy(out + UDP_AT, &udp, sizeof(udp));
}

static int replace_socket(struct sender *sender, uint64_t sock, struct ifreq *hardware,
			  struct err *err)
{
	unsigned ifindex = 0;
	struct sockaddr_in from;
	int rc = probe_sock_ifindex(&sender->opt->targets.list[0].at, &ifindex, err);
	int fd;

	if (rc != 0) {
		return rc;
	}
	rc = own_name(sender->fds[sock], &sender->dests[0], &from);
	fd = rc == 0 ? open_packets(ifindex, sender->opt->sndbuf_bytes) : rc;
	if (fd < 0) {
		err_set(err, "--frames: cannot open a packet socket: %s; root may (CAP_NET_RAW)",
			strerror(-fd));
		return fd;
	}
	close(sender->fds[sock]);
	sender->fds[sock] = fd;
	for (uint32_t d = 0; d < sender->dest_count; d++) {
		struct sockaddr_in to;

		memcpy(&to, &sender->dests[d].sa, sizeof(to));
		lay_out(sender, &from, &to, hardware->ifr_hwaddr.sa_data,
			sender->frames[sock * sender->dest_count + d].head);
	}
	return 0;
}

/* The address and port that a datagram of the socket to `dest' would come from. */
static int own_name(int fd, const struct dest *dest, struct sockaddr_in *out)
{
	socklen_t len = sizeof(*out);

	if (connect(fd, (const struct sockaddr *)&dest->sa, dest->len) != 0 ||
	    getsockname(fd, (struct sockaddr *)out, &len) != 0) {
		return -errno;
	}
	return 0;
}

/* It receives nothing: no protocol. */
static int open_packets(unsigned ifindex, uint64_t sndbuf_bytes)
{
	struct sockaddr_ll at = {.sll_family = AF_PACKET, .sll_ifindex = (int)ifindex};
	int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
	int on = 1, bytes = sndbuf_bytes < INT32_MAX ? (int)sndbuf_bytes : INT32_MAX;

	if (fd < 0) {
		return -errno;
	}
	/* What the limit leaves of the buffer is enough: the driver takes each frame at once. */
	(void)setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &bytes, sizeof(bytes));
	if (setsockopt(fd, SOL_PACKET, PACKET_QDISC_BYPASS, &on, sizeof(on)) != 0 ||
	    bind(fd, (const struct sockaddr *)&at, sizeof(at)) != 0) {
		int rc = -errno;

		close(fd);
		return rc;
	}
	return fd;
}

static void lay_out(const struct sender *sender, const struct sockaddr_in *from,
		    const struct sockaddr_in *to, const void *hardware, unsigned char *out)
{
	const uint8_t *group = (const uint8_t *)&to->sin_addr;
	struct ether_header ether = {
		.ether_dhost = {0x01, 0, 0x5e, group[1] & 0x7f, group[2], group[3]},
		.ether_type = htons(ETHERTYPE_IP)};
	struct iphdr ip = {.version = 4,
			   .ihl = sizeof(ip) / 4,
			   .tos = (uint8_t)(sender->opt->dscp << 2),
			   .ttl = sender->opt->ttl != 0 ? (uint8_t)sender->opt->ttl : 1,
			   .protocol = IPPROTO_UDP,
			   .saddr = from->sin_addr.s_addr,
			   .daddr = to->sin_addr.s_addr};
	struct udphdr udp = {.source = from->sin_port, .dest = to->sin_port};

	memcpy(ether.ether_shost, hardware, ETH_ALEN);
	memcpy(out, &ether, sizeof(ether));
	memcpy(out + IP_AT, &ip, sizeof(ip));
	memcpy(out + UDP_AT, &udp, sizeof(udp));
}

/* The Internet checksum of an even number of bytes, RFC 1071. */
static uint16_t sum_of(const void *words, size_t bytes)
{
	uint32_t sum = 0;

	for (size_t i = 0; i < bytes; i += 2) {
		uint16_t word;

		memcpy(&word, (const unsigned char *)words + i, sizeof(word));
		sum += word;
	}
	sum = (sum >> 16) + (sum & 0xffff);
	return (uint16_t) ~((sum >> 16) + sum);
}
