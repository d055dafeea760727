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
#include <linux/ipv6.h>
#include <linux/pkt_cls.h>
#include <linux/udp.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "src/fastpath/abi.h"
#include "src/fastpath/packet.bpf.h"

#define AF_INET          2
#define AF_INET6         10
#define PACKET_MULTICAST 2
#define IP_MF            0x2000
#define IP_OFFSET        0x1fff
#define V6_OFFSET        0xfff8
#define V6_HOP_BY_HOP    0
#define V6_ROUTING       43
#define V6_FRAGMENT      44
#define V6_DESTINATION   60
#define ENETDOWN         100
#define NOT_OURS         (-1)
/* The compiler must not choose among members by arithmetic on a pointer: without CAP_PERFMON, which
 * nothing else here needs, the verifier refuses that. */
#define COUNT(counts, member, n)                   \
	do {                                       \
		(counts)->member += (n);           \
		__asm__ volatile("" ::: "memory"); \
	} while (0)
#define ID_OF_CPU 0x1f3d /* CPUs number their own datagrams, apart from each other's */

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
	__type(value, struct fast_image_cell);
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

char LICENSE[] SEC("license") = "Dual BSD/GPL";

int send_one(struct __sk_buff *skb, struct packet *p, __u32 number);
static __always_inline int read_v4(struct __sk_buff *skb, struct packet *p);
static __always_inline int read_v6(struct __sk_buff *skb, struct packet *p);
static __always_inline int read_udp(struct __sk_buff *skb, struct packet *p, __u32 at);
static __always_inline struct fast_way *find_way(struct __sk_buff *skb, const struct packet *p);
static __always_inline int relay(struct __sk_buff *skb, struct fast_way *way, struct packet *p);
static __always_inline int is_over(void);
static __always_inline int is_echo(const struct fast_image *image, const struct packet *p);
static __always_inline int is_unsummed(struct __sk_buff *skb, const struct packet *p);
static __always_inline int ttl_for(const struct fast_output *out, __u8 received, __u8 *ttl);
static __always_inline __u32 priority_of_tos(__u8 tos);

SEC("tc")
int fast_ingress(struct __sk_buff *skb)
{
	struct packet p = {0};
	struct fast_way *way;
	int rc = NOT_OURS;

	if (skb->pkt_type != PACKET_MULTICAST || skb->vlan_present) {
		return TC_ACT_UNSPEC;
	}
	if (skb->protocol == bpf_htons(ETH_P_IP)) {
		rc = read_v4(skb, &p);
	} else if (skb->protocol == bpf_htons(ETH_P_IPV6)) {
		rc = read_v6(skb, &p);
	}
	way = rc == NOT_OURS ? 0 : find_way(skb, &p);
	if (!way || way->flag != FAST_FLAG_NONE) {
		return TC_ACT_UNSPEC;
	}
	if (rc != FAST_FLAG_NONE) {
		way->flag = rc;
		return TC_ACT_UNSPEC;
	}
	return relay(skb, way, &p);
}

/* Sends a copy by output `number', or counts why not. */
__noinline int send_one(struct __sk_buff *skb, struct packet *p, __u32 number)
{
	struct fast_output *out = bpf_map_lookup_elem(&outputs, &number);
	struct fast_output_counts *counts = bpf_map_lookup_elem(&output_counts, &number);
	__u8 ttl;
	int rc;

	if (!out || !counts || !p) {
		return 0;
	}
	if (out->flags & FAST_DARK) {
		COUNT(counts, link_down, p->count);
		return 0;
	}
	if (!ttl_for(out, p->ttl, &ttl)) {
		COUNT(counts, ttl_expired, p->count);
		return 0;
	}
	rc = p->v6 ? packet_write_v6(skb, p, out, ttl)
		   : packet_write_v4(skb, p, out, ttl,
				     counts->sent + bpf_get_smp_processor_id() * ID_OF_CPU);
	skb->priority =
		out->flags & FAST_TOS_KEEP && !p->v6 ? priority_of_tos(p->tos) : out->priority;
	counts->sends++;
	if (rc == 0) {
		rc = bpf_clone_redirect(skb, out->ifindex, 0);
	}
	/* A queue that says it is filling up (2, NET_XMIT_CN) has taken this packet. */
	if (rc == 0 || rc == 2) {
		COUNT(counts, sent, p->count);
		counts->sent_bytes += p->bytes;
		counts->trains += p->count > 1;
	} else if (rc > 0) {
		COUNT(counts, qdisc, p->count);
	} else if (rc == -ENETDOWN) {
		COUNT(counts, link_down, p->count);
	} else {
		COUNT(counts, send_error, p->count);
	}
	return 0;
}

/* Reads what there is to know of a packet: FAST_FLAG_NONE, it is whole and as it should be; another
 * flag, only a socket can take it; NOT_OURS, it is no datagram, or one that the kernel is to refuse
 * and to count. */
static __always_inline int read_v4(struct __sk_buff *skb, struct packet *p)
{
	struct iphdr ip;

	if (bpf_skb_load_bytes(skb, IP_AT, &ip, sizeof(ip)) != 0 || ip.version != 4 || ip.ihl < 5 ||
	    ip.protocol != IPPROTO_UDP || ip.frag_off & bpf_htons(IP_OFFSET) ||
	    read_udp(skb, p, IP_AT + ip.ihl * 4) != 0) {
		return NOT_OURS; /* a later fragment has no ports */
	}
	p->from[0] = p->sender[0] = ip.saddr;
	p->to[0] = ip.daddr;
	p->length = ip.tot_len;
	p->ttl = ip.ttl;
	p->tos = ip.tos;
	if (ip.frag_off & bpf_htons(IP_MF)) {
		return FAST_FLAG_FRAGMENT;
	}
	if (ip.ihl != 5) {
		return FAST_FLAG_OPTIONS;
	}
	if (bpf_ntohs(ip.tot_len) != sizeof(ip) + bpf_ntohs(p->udp_length) ||
	    bpf_ntohs(ip.tot_len) + IP_AT > skb->len || packet_sum_of_header(&ip) != 0xffff) {
		return NOT_OURS;
	}
	return FAST_FLAG_NONE;
}

/* One header may stand between, and then says what follows. */
static __always_inline int read_v6(struct __sk_buff *skb, struct packet *p)
{
	struct ipv6hdr ip;
	__be16 between[2] = {0}; /* next header and length; offset and flags of a fragment */
	__u8 next;
	__u32 udp_at = UDP_V6_AT;
	int rc = FAST_FLAG_NONE;

	if (bpf_skb_load_bytes(skb, IP_AT, &ip, sizeof(ip)) != 0 || ip.version != 6) {
		return NOT_OURS;
	}
	next = ip.nexthdr;
	if (next == V6_FRAGMENT || next == V6_HOP_BY_HOP || next == V6_ROUTING ||
	    next == V6_DESTINATION) {
		if (bpf_skb_load_bytes(skb, UDP_V6_AT, between, sizeof(between)) != 0 ||
		    (next == V6_FRAGMENT && between[1] & bpf_htons(V6_OFFSET))) {
			return NOT_OURS;
		}
		rc = next == V6_FRAGMENT ? FAST_FLAG_FRAGMENT : FAST_FLAG_OPTIONS;
		udp_at += next == V6_FRAGMENT ? 8 : ((bpf_ntohs(between[0]) & 0xff) + 1) * 8;
		next = bpf_ntohs(between[0]) >> 8;
	}
	if (next != IPPROTO_UDP || read_udp(skb, p, udp_at) != 0) {
		return NOT_OURS;
	}
	p->v6 = 1;
	__builtin_memcpy(p->from, &ip.saddr, sizeof(p->from));
	__builtin_memcpy(p->sender, &ip.saddr, sizeof(p->sender));
	__builtin_memcpy(p->to, &ip.daddr, sizeof(p->to));
	p->length = ip.payload_len;
	p->ttl = ip.hop_limit;
	p->tos = ip.priority << 4 | ip.flow_lbl[0] >> 4;
	p->flow_label = (ip.flow_lbl[0] & 0xf) << 16 | ip.flow_lbl[1] << 8 | ip.flow_lbl[2];
	if (rc == FAST_FLAG_NONE &&
	    (ip.payload_len != p->udp_length || bpf_ntohs(ip.payload_len) + UDP_V6_AT > skb->len)) {
		return NOT_OURS;
	}
	return rc;
}

static __always_inline int read_udp(struct __sk_buff *skb, struct packet *p, __u32 at)
{
	struct udphdr udp;

	if (bpf_skb_load_bytes(skb, at, &udp, sizeof(udp)) != 0 ||
	    bpf_ntohs(udp.len) < sizeof(udp)) {
		return -1;
	}
	p->from_port = p->sender_port = udp.source;
	p->to_port = udp.dest;
	p->udp_length = udp.len;
	p->check = udp.check;
	p->bytes = bpf_ntohs(udp.len) - sizeof(udp);
	return 0;
}

static __always_inline struct fast_way *find_way(struct __sk_buff *skb, const struct packet *p)
{
	struct fast_key key = {
		.ifindex = skb->ifindex, .port = p->to_port, .family = p->v6 ? AF_INET6 : AF_INET};
	__u32 *number;

	__builtin_memcpy(key.group, p->to, sizeof(key.group));
	number = bpf_map_lookup_elem(&keys, &key);
	if (!number) {
		__builtin_memcpy(key.source, p->from, sizeof(key.source));
		number = bpf_map_lookup_elem(&keys, &key);
	}
	return number ? bpf_map_lookup_elem(&ways, number) : 0;
}

/* A packet of a flow that is relayed here, whole and as it should be. */
static __always_inline int relay(struct __sk_buff *skb, struct fast_way *way, struct packet *p)
{
	__u32 number = *(volatile __u32 *)&way->image;
	struct fast_image *image = bpf_map_lookup_elem(&images, &number);
	struct fast_image_cell *cell = bpf_map_lookup_elem(&image_counts, &number);
	__u32 segment = skb->gso_size;

	if (number == FAST_NONE || !image || !cell || is_over() || is_echo(image, p)) {
		return TC_ACT_UNSPEC;
	}
	p->count = 1;
	if (segment > 0 && p->bytes > segment) {
		p->count = (p->bytes + segment - 1) / segment;
	} else {
		segment = p->bytes;
	}
	if (segment + sizeof(struct udphdr) +
		    (p->v6 ? sizeof(struct ipv6hdr) : sizeof(struct iphdr)) >
	    image->mtu) {
		way->flag = FAST_FLAG_TOO_BIG;
		return TC_ACT_UNSPEC;
	}
	p->unsummed = is_unsummed(skb, p);
	if (p->unsummed && p->v6) {
		return TC_ACT_UNSPEC; /* not allowed, and the kernel's to refuse */
	}
	p->complete = p->v6 && bpf_csum_update(skb, 0) >= 0;
	cell->counts.received += p->count;
	cell->counts.received_bytes += p->bytes;
	cell->counts.trains += p->count > 1;
	cell->counts.pieces++;
	cell->counts.unlike += cell->last != 0 && cell->last != segment + 1;
	cell->last = segment + 1;
	for (int i = 0; i < FAST_OUTPUTS_MAX; i++) {
		if (i >= (int)image->output_count) {
			break;
		}
		send_one(skb, p, image->outputs[i]);
	}
	return TC_ACT_SHOT;
}

static __always_inline int is_over(void)
{
	__u32 zero = 0;
	struct fast_control *c = bpf_map_lookup_elem(&control, &zero);

	return !c || bpf_ktime_get_ns() > c->until_ns;
}

static __always_inline int is_echo(const struct fast_image *image, const struct packet *p)
{
#pragma unroll
	for (int i = 0; i < FAST_ECHOES_MAX; i++) {
		const __be32 *ip = (const __be32 *)image->echoes[i].ip;

		if (i < (int)image->echo_count && image->echoes[i].port == p->from_port &&
		    ((ip[0] | ip[1] | ip[2] | ip[3]) == 0 ||
		     (ip[0] == p->from[0] && ip[1] == p->from[1] && ip[2] == p->from[2] &&
		      ip[3] == p->from[3]))) {
			return 1;
		}
	}
	return 0;
}

/* Whether a checksum field of 0 means that there is none. If it is left to the device it holds the
 * sum of addresses and length, and that may be 0, too: then a change of a port leaves it alone. */
static __always_inline int is_unsummed(struct __sk_buff *skb, const struct packet *p)
{
	__u32 at = (p->v6 ? UDP_V6_AT : UDP_V4_AT) + CHECK_AT;
	__u64 sum = bpf_htons(IPPROTO_UDP) + p->udp_length;
	__u16 check = 0xffff;

	if (p->check != 0) {
		return 0;
	}
#pragma unroll
	for (int i = 0; i < 4; i++) {
		sum += (__u64)p->from[i] + p->to[i];
	}
	if (packet_fold(sum) != 0xffff && packet_fold(sum) != 0) {
		return 1;
	}
	if (bpf_l4_csum_replace(skb, at, 0, 1, 0) != 0 ||
	    bpf_skb_load_bytes(skb, at, &check, sizeof(check)) != 0) {
		return 1;
	}
	if (check != 0) {
		check = 0;
		(void)bpf_skb_store_bytes(skb, at, &check, sizeof(check), 0);
		return 1;
	}
	check = 0xffff; /* the same number, and not taken for none */
	(void)bpf_skb_store_bytes(skb, at, &check, sizeof(check), 0);
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
