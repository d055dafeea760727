/* counts.c - see counts.h. */
#include "src/fastpath/counts.h"

#include <stddef.h>

#define FLOW_ROW(member, name_, unit_, kind_, help_)          \
	{.name = (name_),                                     \
	 .unit = (unit_),                                     \
	 .help = (help_),                                     \
	 .kind = COUNTER_##kind_,                             \
	 .offset = offsetof(struct fast_flow_counts, member), \
	 .buckets = 1},
#define OUTPUT_ROW(member, name_, unit_, kind_, help_)          \
	{.name = (name_),                                       \
	 .unit = (unit_),                                       \
	 .help = (help_),                                       \
	 .kind = COUNTER_##kind_,                               \
	 .offset = offsetof(struct fast_output_counts, member), \
	 .buckets = 1},

static const struct counter flow_rows[] = {FAST_FLOW_COUNTERS(FLOW_ROW)};
static const struct counter output_rows[] = {FAST_OUTPUT_COUNTERS(OUTPUT_ROW)};

const struct counter_family fast_flow_counters = {
	.name = "fast_flow",
	.title = "Counters of a flow in the kernel",
	.rows = flow_rows,
	.count = sizeof(flow_rows) / sizeof(flow_rows[0]),
};

const struct counter_family fast_output_counters = {
	.name = "fast_output",
	.title = "Counters of an output in the kernel",
	.rows = output_rows,
	.count = sizeof(output_rows) / sizeof(output_rows[0]),
};

static_assert(sizeof(flow_rows) / sizeof(flow_rows[0]) ==
		      sizeof(struct fast_flow_counts) / sizeof(uint64_t),
	      "a row for each");
static_assert(sizeof(output_rows) / sizeof(output_rows[0]) ==
		      sizeof(struct fast_output_counts) / sizeof(uint64_t),
	      "a row for each");

void counts_add_flow(struct fast_image_counts *to, const struct fast_image_counts *from)
{
	to->received += from->received;
	to->received_bytes += from->received_bytes;
	to->trains += from->trains;
	to->pieces += from->pieces;
	to->unlike += from->unlike;
}

void counts_add_output(struct fast_output_counts *to, const struct fast_output_counts *from)
{
	counters_add(&fast_output_counters, to, from);
}

uint64_t counts_offered(const struct fast_output_counts *counts)
{
	return counts->sent + counts->qdisc + counts->link_down + counts->ttl_expired +
	       counts->send_error;
}

/* The program relays whatever it receives. */
void counts_join_flow(struct flow_stats *to, const struct fast_image_counts *from)
{
	stat_add(&to->received, from->received);
	stat_add(&to->received_bytes, from->received_bytes);
	stat_add(&to->relayed, from->received);
	stat_add(&to->trains, from->trains);
	stat_add(&to->pieces, from->pieces);
}

void counts_join_output(struct output_stats *to, const struct fast_output_counts *from)
{
	stat_add(&to->offered, counts_offered(from));
	stat_add(&to->sent, from->sent);
	stat_add(&to->sent_bytes, from->sent_bytes);
	stat_add(&to->trains, from->trains);
	stat_add(&to->sends, from->sends);
	stat_add(&to->drops[OUTPUT_DROP_QDISC], from->qdisc);
	stat_add(&to->drops[OUTPUT_DROP_LINK_DOWN], from->link_down);
	stat_add(&to->drops[OUTPUT_DROP_TTL_EXPIRED], from->ttl_expired);
	stat_add(&to->drops[OUTPUT_DROP_SEND_ERROR], from->send_error);
	stat_add(&to->icmp_errors, from->icmp_errors);
}
