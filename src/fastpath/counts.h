/* counts.h - what the program counts, as rows of counters and as part of a flow's and an output's.
 *
 * The shards' counters (shard/counters.h) and these are of the same kinds; what people are shown is
 * their sum, with the program's part beside it. Pure.
 */
#pragma once

#include <stdint.h>

#include "shard/counters.h"
#include "src/fastpath/abi.h"

/* Of a flow: what the program counts, and control of its coming and going. */
struct fast_flow_counts {
	struct fast_image_counts image;
	uint64_t taken;
	uint64_t overtaken;
	uint64_t left;
};

/* Rows as in shard/counters.h. */
#define FAST_FLOW_COUNTERS(X)                                                               \
	X(image.received, "received", "datagrams", COUNT,                                   \
	  "of the flow's received, relayed in the kernel")                                  \
	X(image.received_bytes, "received_bytes", "bytes", COUNT, "payload of these")       \
	X(image.trains, "trains", "trains", COUNT, "of these, of more than one datagram")   \
	X(image.pieces, "pieces", "packets", COUNT, "that these came in, a train as one")   \
	X(image.unlike, "unlike", "packets", COUNT,                                         \
	  "of these, of another size than the one before")                                  \
	X(taken, "taken", "times", COUNT, "how often the program has taken the flow over")  \
	X(overtaken, "overtaken", "datagrams", COUNT,                                       \
	  "of the flow's received: its socket still held them when the program took over, " \
	  "so they may have left out of order")                                             \
	X(left, "left", "times", COUNT,                                                     \
	  "how often --fastpath auto has left the flow to its shard, which sends it cheaper")

#define FAST_OUTPUT_COUNTERS(X)                                                          \
	X(sent, "sent", "datagrams", COUNT, "of the output's sent, sent in the kernel")  \
	X(sent_bytes, "sent_bytes", "bytes", COUNT, "payload of these")                  \
	X(trains, "trains", "trains", COUNT, "of these, of more than one datagram")      \
	X(sends, "sends", "packets", COUNT, "handed to the interface, a train as one")   \
	X(qdisc, "qdisc", "datagrams", COUNT, "of the output's qdisc")                   \
	X(link_down, "link_down", "datagrams", COUNT, "of the output's link_down")       \
	X(ttl_expired, "ttl_expired", "datagrams", COUNT, "of the output's ttl_expired") \
	X(send_error, "send_error", "datagrams", COUNT, "of the output's send_error")    \
	X(icmp_errors, "icmp_errors", "errors", COUNT, "of the output's icmp_errors")

/* Values lie in struct fast_flow_counts and struct fast_output_counts. */
extern const struct counter_family fast_flow_counters;
extern const struct counter_family fast_output_counters;

/* Adds. */
void counts_add_flow(struct fast_image_counts *to, const struct fast_image_counts *from);
void counts_add_output(struct fast_output_counts *to, const struct fast_output_counts *from);

/* Sent and dropped together. */
uint64_t counts_offered(const struct fast_output_counts *counts);

/* Adds the program's part to what a shard has counted; `to' is the caller's copy. */
void counts_join_flow(struct flow_stats *to, const struct fast_image_counts *from);
void counts_join_output(struct output_stats *to, const struct fast_output_counts *from);
