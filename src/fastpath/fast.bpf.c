/* fast.bpf.c - relays whole datagrams and trains of eligible flows within the kernel's softirq.
 *
 * A TC program at the ingress of an interface, compiled for the kernel's virtual machine and
 * embedded in numacastd (program.c loads it). What it takes never comes to a socket: it rewrites
 * the headers for one output after the other, sends a clone for each, and drops the packet. What it
 * does not take goes on as if it were not there and comes to the flow's joined socket. So each
 * packet is relayed once, and this file alone says by whom.
 *
 * Every copy is sent by bpf_clone_redirect, the last one, too: the other way would not say what
 * became of it, and then the sums would not hold. A train stays one packet; its datagrams are
 * counted by its size. What has to be cut up, or was, goes by the socket, and its flow with it, as
 * long as the flag stands, so that nothing is overtaken.
 *
 * The verifier of Linux 6.1 refuses loops that later ones take: so one function per output, checked
 * by itself, is called in a loop with a constant bound.
 */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/pkt_cls.h>
#include <linux/udp.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "src/fastpath/abi.h"

#define AF_INET          2
#define PACKET_MULTICAST 2
#define IP_AT            ETH_HLEN
#define UDP_AT           (ETH_HLEN + sizeof(struct iphdr))
#define CHECK_AT         (UDP_AT + 6)
#define IP_DF            0x4000
#define IP_MF            0x2000
#define IP_OFFSET        0x1fff
#define ENETDOWN         100
#define ID_OF_CPU        0x1f3d /* CPUs number their own datagrams, apart from each other's */

/* Sizes of all but the last are set before the program is loaded. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__type(key, struct fast_key);
	__type(value, __u32);
	__uint(max_entries, 1);
} keys SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__type(key, __u32);
	__type(value, struct fast_way);
	__uint(max_entries, 1);
} ways SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__type(key, __u32);
	__type(value, struct fast_image);
	__uint(max_entries, 1);
} images SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__type(key, __u32);
	__type(value, struct fast_output);
	__uint(max_entries, 1);
} outputs SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__type(key, __u32);
	__type(value, struct fast_image_counts);
	__uint(max_entries, 1);
} image_counts SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__type(key, __u32);
	__type(value, struct fast_output_counts);
	__uint(max_entries, 1);
} output_counts SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__type(key, __u32);
	__type(value, struct fast_control);
	__uint(max_entries, 1);
} control SEC(".maps");

/* A packet as it came, and what its headers say by now. */
struct packet {
	__u32 count;     /* datagrams */
	__u32 bytes;     /* payload */
	__be32 from, to; /* now */
	__be16 from_port, to_port;
	__be32 sender; /* as it came */
	__be16 sender_port;
	__be16 total;  /* IP length */
	__u8 ttl, tos; /* as it came */
	__u8 unsummed; /* it came without a UDP checksum */
	__u8 zero[5];
};

/* What is written for an output, from the start of the packet on. */
struct head {
	__u8 zero[2]; /* so that the rest is aligned */
	struct ethhdr eth;
	struct iphdr ip;
};

#define HEAD_BYTES (sizeof(struct head) - 2)

char LICENSE[] SEC("license") = "Dual BSD/GPL";

int send_one(struct __sk_buff *skb, struct packet *p, __u32 number);
static __always_inline struct fast_way *find_way(struct __sk_buff *skb, const struct iphdr *ip,
						 __be16 port);
static __always_inline int relay(struct __sk_buff *skb, struct fast_way *way,
				 const struct iphdr *ip, const struct udphdr *udp);
static __always_inline int is_over(void);
static __always_inline int is_echo(const struct fast_image *image, __be32 from, __be16 port);
static __always_inline int is_unsummed(struct __sk_buff *skb, const struct iphdr *ip,
				       const struct udphdr *udp);
static __always_inline int write_headers(struct __sk_buff *skb, struct packet *p,
					 const struct fast_output *out, __u8 ttl, __u16 id);
static __always_inline int ttl_for(const struct fast_output *out, __u8 received, __u8 *ttl);
static __always_inline int mend_checksum(struct __sk_buff *skb, const struct packet *p, __be32 from,
					 __be32 to, __be16 from_port, __be16 to_port);
static __always_inline __u32 priority_of_tos(__u8 tos);
static __always_inline __u32 sum_of_header(const struct iphdr *ip);
static __always_inline __u32 fold(__u64 sum);

SEC("tc")
int fast_ingress(struct __sk_buff *skb)
{
	struct iphdr ip;
	struct udphdr udp;
	struct fast_way *way;
	__u32 total, udp_at;

	if (skb->protocol != bpf_htons(ETH_P_IP) || skb->pkt_type != PACKET_MULTICAST ||
	    skb->vlan_present || bpf_skb_load_bytes(skb, IP_AT, &ip, sizeof(ip)) != 0) {
		return TC_ACT_UNSPEC;
	}
	if (ip.version != 4 || ip.ihl < 5 || ip.protocol != IPPROTO_UDP ||
	    ip.frag_off & bpf_htons(IP_OFFSET)) {
		return TC_ACT_UNSPEC; /* a later fragment has no ports */
	}
	total = bpf_ntohs(ip.tot_len);
	udp_at = IP_AT + ip.ihl * 4;
	if (bpf_skb_load_bytes(skb, udp_at, &udp, sizeof(udp)) != 0) {
		return TC_ACT_UNSPEC;
	}
	way = find_way(skb, &ip, udp.dest);
	if (!way || way->flag != FAST_FLAG_NONE) {
		return TC_ACT_UNSPEC;
	}
	if (ip.frag_off & bpf_htons(IP_MF)) {
		way->flag = FAST_FLAG_FRAGMENT;
		return TC_ACT_UNSPEC;
	}
	if (ip.ihl != 5) {
		way->flag = FAST_FLAG_OPTIONS;
		return TC_ACT_UNSPEC;
	}
	/* What the kernel would refuse it is to refuse, and to count. */
	if (bpf_ntohs(udp.len) < sizeof(udp) || total != sizeof(ip) + bpf_ntohs(udp.len) ||
	    total + IP_AT > skb->len || sum_of_header(&ip) != 0xffff) {
		return TC_ACT_UNSPEC;
	}
	return relay(skb, way, &ip, &udp);
}

/* Sends a copy by output `number', or counts why not. */
__noinline int send_one(struct __sk_buff *skb, struct packet *p, __u32 number)
{
	struct fast_output *out = bpf_map_lookup_elem(&outputs, &number);
	struct fast_output_counts *counts = bpf_map_lookup_elem(&output_counts, &number);
	__u8 ttl;
	int rc;

	if (!out || !counts || !p || !skb) {
		return 0;
	}
	if (out->flags & FAST_DARK) {
		counts->link_down += p->count;
		return 0;
	}
	if (!ttl_for(out, p->ttl, &ttl)) {
		counts->ttl_expired += p->count;
		return 0;
	}
	rc = write_headers(skb, p, out, ttl, counts->sent + bpf_get_smp_processor_id() * ID_OF_CPU);
	skb->priority = out->flags & FAST_TOS_KEEP ? priority_of_tos(p->tos) : out->priority;
	counts->sends++;
	if (rc == 0) {
		rc = bpf_clone_redirect(skb, out->ifindex, 0);
	}
	/* A queue that says it is filling up (2, NET_XMIT_CN) has taken this packet. */
	if (rc == 0 || rc == 2) {
		counts->sent += p->count;
		counts->sent_bytes += p->bytes;
		counts->trains += p->count > 1;
	} else if (rc > 0) {
		counts->qdisc += p->count;
	} else if (rc == -ENETDOWN) {
		counts->link_down += p->count;
	} else {
		counts->send_error += p->count;
	}
	return 0;
}

static __always_inline struct fast_way *find_way(struct __sk_buff *skb, const struct iphdr *ip,
						 __be16 port)
{
	struct fast_key key = {.ifindex = skb->ifindex, .port = port, .family = AF_INET};
	__u32 *number;

	*(__be32 *)key.group = ip->daddr;
	number = bpf_map_lookup_elem(&keys, &key);
	if (!number) {
		*(__be32 *)key.source = ip->saddr;
		number = bpf_map_lookup_elem(&keys, &key);
	}
	return number ? bpf_map_lookup_elem(&ways, number) : 0;
}

/* A packet of a flow that is relayed here, whole and as it should be. */
static __always_inline int relay(struct __sk_buff *skb, struct fast_way *way,
				 const struct iphdr *ip, const struct udphdr *udp)
{
	__u32 number = *(volatile __u32 *)&way->image;
	struct fast_image *image = bpf_map_lookup_elem(&images, &number);
	struct fast_image_counts *counts = bpf_map_lookup_elem(&image_counts, &number);
	__u32 segment = skb->gso_size;
	struct packet p = {
		.count = 1,
		.bytes = bpf_ntohs(udp->len) - sizeof(*udp),
		.from = ip->saddr,
		.to = ip->daddr,
		.from_port = udp->source,
		.to_port = udp->dest,
		.sender = ip->saddr,
		.sender_port = udp->source,
		.total = ip->tot_len,
		.ttl = ip->ttl,
		.tos = ip->tos,
	};

	if (number == FAST_NONE || !image || !counts || is_over() ||
	    is_echo(image, ip->saddr, udp->source)) {
		return TC_ACT_UNSPEC;
	}
	if (segment > 0 && p.bytes > segment) {
		p.count = (p.bytes + segment - 1) / segment;
	} else {
		segment = p.bytes;
	}
	if (segment + sizeof(*ip) + sizeof(*udp) > image->mtu) {
		way->flag = FAST_FLAG_TOO_BIG;
		return TC_ACT_UNSPEC;
	}
	p.unsummed = is_unsummed(skb, ip, udp);
	counts->received += p.count;
	counts->received_bytes += p.bytes;
	counts->trains += p.count > 1;
	counts->pieces++;
	for (int i = 0; i < FAST_OUTPUTS_MAX; i++) {
		if (i >= (int)image->output_count) {
			break;
		}
		send_one(skb, &p, image->outputs[i]);
	}
	return TC_ACT_SHOT;
}

static __always_inline int is_over(void)
{
	__u32 zero = 0;
	struct fast_control *c = bpf_map_lookup_elem(&control, &zero);

	return !c || bpf_ktime_get_ns() > c->until_ns;
}

static __always_inline int is_echo(const struct fast_image *image, __be32 from, __be16 port)
{
#pragma unroll
	for (int i = 0; i < FAST_ECHOES_MAX; i++) {
		__be32 ip = *(const __be32 *)image->echoes[i].ip;

		if (i < (int)image->echo_count && image->echoes[i].port == port &&
		    (ip == 0 || ip == from)) {
			return 1;
		}
	}
	return 0;
}

/* Whether a checksum field of 0 means that there is none. If it is left to the device it holds the
 * sum of addresses and length, and that may be 0, too: then a change of a port leaves it alone. */
static __always_inline int is_unsummed(struct __sk_buff *skb, const struct iphdr *ip,
				       const struct udphdr *udp)
{
	__u64 sum = (__u64)ip->saddr + ip->daddr + bpf_htons(IPPROTO_UDP) + udp->len;
	__u16 check = 0xffff;

	if (udp->check != 0) {
		return 0;
	}
	if (fold(sum) != 0xffff && fold(sum) != 0) {
		return 1;
	}
	if (bpf_l4_csum_replace(skb, CHECK_AT, 0, 1, 0) != 0 ||
	    bpf_skb_load_bytes(skb, CHECK_AT, &check, sizeof(check)) != 0) {
		return 1;
	}
	if (check != 0) {
		check = 0;
		(void)bpf_skb_store_bytes(skb, CHECK_AT, &check, sizeof(check), 0);
		return 1;
	}
	check = 0xffff; /* the same number, and not taken for none */
	(void)bpf_skb_store_bytes(skb, CHECK_AT, &check, sizeof(check), 0);
	return 0;
}

/* False when the hop limit has run out; as the shards have it. */
static __always_inline int ttl_for(const struct fast_output *out, __u8 received, __u8 *ttl)
{
	*ttl = out->ttl;
	switch (out->ttl_mode) {
	case FAST_TTL_FIXED:
		return 1;
	case FAST_TTL_KEEP:
		*ttl = received;
		return received > 0;
	case FAST_TTL_DEC:
		*ttl = received - 1;
		return received > 1;
	}
	if (received > out->ttl_fresh && received <= out->ttl_most) {
		*ttl = received - 1;
	}
	return received != out->ttl_fresh + 1;
}

static __always_inline int write_headers(struct __sk_buff *skb, struct packet *p,
					 const struct fast_output *out, __u8 ttl, __u16 id)
{
	__be32 from = out->flags & FAST_SRC_KEEP ? p->sender : *(const __be32 *)out->from;
	__be32 to = *(const __be32 *)out->to;
	__be16 from_port = out->flags & FAST_SPORT_KEEP ? p->sender_port : out->from_port;
	__be16 ports[2] = {from_port, out->to_port};
	struct head head = {0};
	int rc = 0;

	__builtin_memcpy(head.eth.h_dest, out->to_mac, ETH_ALEN);
	__builtin_memcpy(head.eth.h_source, out->from_mac, ETH_ALEN);
	head.eth.h_proto = bpf_htons(ETH_P_IP);
	*(__u8 *)&head.ip = 0x45;
	head.ip.tos = out->flags & FAST_TOS_KEEP ? p->tos & 0xfc : out->tos;
	head.ip.tot_len = p->total;
	head.ip.id = bpf_htons(id);
	head.ip.frag_off = out->flags & FAST_DF ? bpf_htons(IP_DF) : 0;
	head.ip.ttl = ttl;
	head.ip.protocol = IPPROTO_UDP;
	head.ip.saddr = from;
	head.ip.daddr = to;
	head.ip.check = ~sum_of_header(&head.ip);
	if (!p->unsummed) {
		rc = mend_checksum(skb, p, from, to, from_port, out->to_port);
	}
	if (rc == 0) {
		rc = bpf_skb_store_bytes(skb, 0, &head.eth, HEAD_BYTES, 0);
	}
	if (rc == 0) {
		rc = bpf_skb_store_bytes(skb, UDP_AT, ports, sizeof(ports), 0);
	}
	p->from = from;
	p->to = to;
	p->from_port = from_port;
	p->to_port = out->to_port;
	return rc;
}

/* Mends the checksum for other addresses and ports: in a packet whose checksum is left to the
 * device it holds the sum of the addresses alone. */
static __always_inline int mend_checksum(struct __sk_buff *skb, const struct packet *p, __be32 from,
					 __be32 to, __be16 from_port, __be16 to_port)
{
	__u64 addresses = (__u64)(__u32)~p->from + (__u32)~p->to + from + to;
	__u32 ports = (__u32)(__u16)~p->from_port + (__u16)~p->to_port + from_port + to_port;
	int rc;

	addresses = (addresses & 0xffffffff) + (addresses >> 32);
	addresses = (addresses & 0xffffffff) + (addresses >> 32);
	rc = bpf_l4_csum_replace(skb, CHECK_AT, 0, addresses,
				 BPF_F_PSEUDO_HDR | BPF_F_MARK_MANGLED_0);
	if (rc == 0) {
		rc = bpf_l4_csum_replace(skb, CHECK_AT, 0, ports, BPF_F_MARK_MANGLED_0);
	}
	return rc;
}

/* What the kernel takes the priority of a packet from, if its socket names none. */
static __always_inline __u32 priority_of_tos(__u8 tos)
{
	switch (tos >> 3 & 3) {
	case 0:
		return 0; /* best effort */
	case 1:
		return 2; /* bulk */
	case 2:
		return 6; /* interactive */
	}
	return 4; /* interactive bulk */
}

static __always_inline __u32 sum_of_header(const struct iphdr *ip)
{
	const __u16 *words = (const __u16 *)ip;
	__u64 sum = 0;

#pragma unroll
	for (int i = 0; i < (int)sizeof(*ip) / 2; i++) {
		sum += words[i];
	}
	return fold(sum);
}

static __always_inline __u32 fold(__u64 sum)
{
	sum = (sum & 0xffff) + (sum >> 16 & 0xffff) + (sum >> 32 & 0xffff) + (sum >> 48);
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return (__u32)sum;
}
