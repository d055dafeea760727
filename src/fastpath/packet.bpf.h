/* packet.bpf.h - a packet in the program's hands, and how headers are written; fast.bpf.c's alone.
 *
 * For the compiler of programs for the kernel. Addresses and ports are in network order.
 */
#pragma once

#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/udp.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "src/fastpath/abi.h"

#define IP_AT      ETH_HLEN
#define UDP_V4_AT  (ETH_HLEN + sizeof(struct iphdr))
#define UDP_V6_AT  (ETH_HLEN + sizeof(struct ipv6hdr))
#define CHECK_AT   6 /* in the UDP header */
#define IP_DF      0x4000
#define FLOW_LABEL 0xfffff

/* A packet as it came, and what its headers say by now. IPv4 has the first word of an address. */
struct packet {
	__u32 count;      /* datagrams */
	__u32 bytes;      /* payload */
	__be32 from[4];   /* now */
	__be32 to[4];     /* now */
	__be32 sender[4]; /* as it came */
	__u32 flow_label; /* of IPv6 */
	__be16 from_port; /* now */
	__be16 to_port;   /* now */
	__be16 sender_port;
	__be16 length; /* as the IP header has it */
	__be16 udp_length;
	__be16 check; /* of UDP, as it came */
	__u8 ttl;
	__u8 tos;
	__u8 v6;
	__u8 unsummed; /* it came without a UDP checksum */
	__u8 complete; /* IPv6: the kernel has a sum of the whole, which is to stay right */
	__u8 zero[3];
};

/* What is written for an output, from the start of the packet on. */
struct head_v4 {
	__u8 zero[2]; /* so that the rest is aligned */
	struct ethhdr eth;
	struct iphdr ip;
};

struct head_v6 {
	__u8 zero[2];
	struct ethhdr eth;
	struct ipv6hdr ip;
};

#define HEAD_BYTES(head) (sizeof(head) - 2)

static __always_inline __u32 packet_fold(__u64 sum)
{
	sum = (sum & 0xffff) + (sum >> 16 & 0xffff) + (sum >> 32 & 0xffff) + (sum >> 48);
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return (__u32)sum;
}

static __always_inline __u32 packet_sum_of_header(const struct iphdr *ip)
{
	const __u16 *words = (const __u16 *)ip;
	__u64 sum = 0;

	for (int i = 0; i < (int)sizeof(*ip) / 2; i++) {
		sum += words[i];
	}
	return packet_fold(sum);
}

static __always_inline void packet_set_ethernet(struct ethhdr *eth, const struct fast_output *out)
{
	__builtin_memcpy(eth->h_dest, out->to_mac, ETH_ALEN);
	__builtin_memcpy(eth->h_source, out->from_mac, ETH_ALEN);
}

/* And what that adds to sums of addresses and of ports, in 32 bits. */
static __always_inline void packet_set_ends(struct packet *p, const struct fast_output *out,
					    __u64 *addresses, __u32 *ports)
{
	const __be32 *from = out->flags & FAST_SRC_KEEP ? p->sender : (const __be32 *)out->from;
	const __be32 *to = (const __be32 *)out->to;
	__be16 from_port = out->flags & FAST_SPORT_KEEP ? p->sender_port : out->from_port;
	__u64 sum = 0;

	for (int i = 0; i < 4; i++) {
		sum += (__u64)(__u32)~p->from[i] + (__u32)~p->to[i] + from[i] + to[i];
		p->from[i] = from[i];
		p->to[i] = to[i];
	}
	sum = (sum & 0xffffffff) + (sum >> 32);
	*addresses = (sum & 0xffffffff) + (sum >> 32);
	*ports = (__u32)(__u16)~p->from_port + (__u16)~p->to_port + from_port + out->to_port;
	p->from_port = from_port;
	p->to_port = out->to_port;
}

/* Ports and checksum for the ends that `out' says, which are the packet's from then on. In a packet
 * whose checksum is left to the device, that holds the sum of the addresses alone, and the helpers
 * know. Where the kernel has a sum of the whole packet, an IPv6 header, which has no checksum of
 * its own, and all else is written so that this stays right. */
static __always_inline int packet_write_udp(struct __sk_buff *skb, struct packet *p,
					    const struct fast_output *out)
{
	__u32 at = p->v6 ? UDP_V6_AT : UDP_V4_AT, ports;
	__u64 addresses;
	__be16 words[4] = {0};
	int rc = 0;

	packet_set_ends(p, out, &addresses, &ports);
	words[0] = p->from_port;
	words[1] = p->to_port;
	if (p->complete) {
		rc = bpf_skb_load_bytes(skb, at + CHECK_AT, &words[3], sizeof(words[3]));
		words[2] = p->udp_length;
		words[3] = ~packet_fold((__u64)(__u16)~words[3] + addresses + ports);
		words[3] = words[3] == 0 ? 0xffff : words[3];
		return rc != 0 ? rc
			       : bpf_skb_store_bytes(skb, at, words, sizeof(words),
						     BPF_F_RECOMPUTE_CSUM);
	}
	if (!p->unsummed) {
		rc = bpf_l4_csum_replace(skb, at + CHECK_AT, 0, addresses,
					 BPF_F_PSEUDO_HDR | BPF_F_MARK_MANGLED_0);
		if (rc == 0) {
			rc = bpf_l4_csum_replace(skb, at + CHECK_AT, 0, ports,
						 BPF_F_MARK_MANGLED_0);
		}
	}
	return rc != 0 ? rc : bpf_skb_store_bytes(skb, at, words, 2 * sizeof(words[0]), 0);
}

static __always_inline int packet_write_v4(struct __sk_buff *skb, struct packet *p,
					   const struct fast_output *out, __u8 ttl, __u16 id)
{
	struct head_v4 head = {0};
	int rc = packet_write_udp(skb, p, out);

	packet_set_ethernet(&head.eth, out);
	head.eth.h_proto = bpf_htons(ETH_P_IP);
	*(__u8 *)&head.ip = 0x45;
	head.ip.tos = out->flags & FAST_TOS_KEEP ? p->tos & 0xfc : out->tos;
	head.ip.tot_len = p->length;
	head.ip.id = bpf_htons(id);
	head.ip.frag_off = out->flags & FAST_DF ? bpf_htons(IP_DF) : 0;
	head.ip.ttl = ttl;
	head.ip.protocol = IPPROTO_UDP;
	head.ip.saddr = p->from[0];
	head.ip.daddr = p->to[0];
	head.ip.check = ~packet_sum_of_header(&head.ip);
	return rc != 0 ? rc : bpf_skb_store_bytes(skb, 0, &head.eth, HEAD_BYTES(head), 0);
}

static __always_inline int packet_write_v6(struct __sk_buff *skb, struct packet *p,
					   const struct fast_output *out, __u8 ttl)
{
	__u32 tos = out->flags & FAST_TOS_KEEP ? p->tos & 0xfc : out->tos;
	struct head_v6 head = {0};
	int rc = packet_write_udp(skb, p, out);

	packet_set_ethernet(&head.eth, out);
	head.eth.h_proto = bpf_htons(ETH_P_IPV6);
	*(__be32 *)&head.ip = bpf_htonl(6U << 28 | tos << 20 | (p->flow_label & FLOW_LABEL));
	head.ip.payload_len = p->length;
	head.ip.nexthdr = IPPROTO_UDP;
	head.ip.hop_limit = ttl;
	__builtin_memcpy(&head.ip.saddr, p->from, sizeof(p->from));
	__builtin_memcpy(&head.ip.daddr, p->to, sizeof(p->to));
	if (rc == 0 && p->complete) {
		rc = bpf_skb_store_bytes(skb, IP_AT, &head.ip, sizeof(head.ip),
					 BPF_F_RECOMPUTE_CSUM);
		return rc != 0 ? rc : bpf_skb_store_bytes(skb, 0, &head.eth, ETH_HLEN, 0);
	}
	return rc != 0 ? rc : bpf_skb_store_bytes(skb, 0, &head.eth, HEAD_BYTES(head), 0);
}
