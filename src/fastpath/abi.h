/* abi.h - what the program in the kernel and we have in common: the layouts of its maps.
 *
 * The program (fast.bpf.c) finds the flow of a packet by what the packet says, a `way' by the flow,
 * an image by the way, and the outputs by the image:
 *
 *     keys    fast_key -> number of a way       hash; an entry keeps its number while it exists
 *     ways    number -> fast_way                which image is in force; 0: none, all goes on
 *     images  number -> fast_image              a flow as it is relayed; never changed in place
 *     outputs number -> fast_output             of one image; never changed in place
 *     image_counts, output_counts               what each image and output has counted, per CPU
 *     control one fast_control
 *
 * So a flow changes by one word, and whoever runs in the kernel meanwhile sees the one image or the
 * other as a whole. Numbers are given away again once no program can be using them (program_wait).
 * Addresses and ports of packets are in network order, all else in host order. Includes nothing but
 * the kernel's types, for a compiler without a C library.
 */
#pragma once

#include <linux/types.h>

#define FAST_OUTPUTS_MAX 1024 /* of one flow, as many as a rule may have */
#define FAST_ECHOES_MAX  8    /* of our own senders that one flow could hear */
#define FAST_NONE        0    /* number of no way and no image */

struct fast_key {
	__u32 ifindex;
	__u16 port; /* that it was sent to */
	__u8 family;
	__u8 zero;
	__u8 group[16];  /* IPv4: the first 4, the rest is zero */
	__u8 source[16]; /* all zero: any */
};

/* Why the program has given a flow up: what came had to go by the socket, and what comes after it
 * must not overtake it. */
enum fast_flag {
	FAST_FLAG_NONE,
	FAST_FLAG_FRAGMENT, /* the first of the fragments of a datagram */
	FAST_FLAG_OPTIONS,  /* a header with options */
	FAST_FLAG_TOO_BIG,  /* larger than some egress takes */
};

struct fast_way {
	__u32 image; /* written by us */
	__u32 flag;  /* enum fast_flag: written by the program, cleared by us */
};

/* A sender of ours. */
struct fast_echo {
	__u8 ip[16]; /* all zero: known by its port alone */
	__u16 port;
	__u16 zero;
};

struct fast_image {
	__u32 output_count;
	__u32 mtu; /* the least of its outputs', IP header included */
	__u32 echo_count;
	__u32 outputs[FAST_OUTPUTS_MAX];
	struct fast_echo echoes[FAST_ECHOES_MAX];
};

/* As enum rule_ttl. */
enum fast_ttl {
	FAST_TTL_FIXED,
	FAST_TTL_KEEP,
	FAST_TTL_DEC,
	FAST_TTL_AUTO,
};

#define FAST_DARK       1  /* its link has no carrier: all is lost */
#define FAST_SRC_KEEP   2  /* the sender's address */
#define FAST_SPORT_KEEP 4  /* and its port */
#define FAST_TOS_KEEP   8  /* the sender's DSCP */
#define FAST_DF         16 /* not to be cut up */

/* How one output's datagrams look, and where they leave. */
struct fast_output {
	__u32 ifindex;
	__u32 flags;    /* FAST_* */
	__u32 priority; /* of the packet, for queues; with FAST_TOS_KEEP its TOS says it */
	__u8 to_mac[6];
	__u8 from_mac[6];
	__u8 to[16];
	__u8 from[16];
	__u16 to_port;
	__u16 from_port;
	__u8 ttl_mode;  /* enum fast_ttl */
	__u8 ttl;       /* sent when FIXED; when AUTO of what comes from its sender */
	__u8 ttl_fresh; /* AUTO: received so few or fewer come from a sender, and so many plus ...
			 */
	__u8 ttl_most;  /* ... one are a circle's end; from that up to this one counts down */
	__u8 tos;
	__u8 zero[3];
};

/* Datagrams, but where it says otherwise; a train counts as the datagrams in it. */
struct fast_image_counts {
	__u64 received;
	__u64 received_bytes; /* payload */
	__u64 trains;         /* of more than one */
	__u64 pieces;         /* a train as one */
	__u64 unlike;         /* of these, of another size than the one before */
};

/* As it lies in the map: what a CPU has counted, and the size of its last piece plus one. */
struct fast_image_cell {
	struct fast_image_counts counts;
	__u64 last;
};

struct fast_output_counts {
	__u64 sent;
	__u64 sent_bytes; /* payload */
	__u64 trains;     /* that were taken */
	__u64 sends;      /* tried, a train as one */
	__u64 qdisc;      /* refused by the queueing discipline or the device */
	__u64 link_down;
	__u64 ttl_expired;
	__u64 send_error;
	__u64 icmp_errors; /* errors: counted by us, since they come to the output's socket */
};

struct fast_control {
	__u64 until_ns; /* by the monotonic clock: after that nothing is taken any more */
};
