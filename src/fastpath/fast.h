/* fast.h - flows that are relayed in the kernel's softirq, and what they have counted there.
 *
 * Between what is wanted of a flow (struct fast_wanted) and the maps of the program (abi.h) stands
 * a record for each flow that was ever relayed so, known by what it is and never by where it
 * stands. A flow is put in force, dropped, put again: what it has counted adds up in its record
 * until it is forgotten, which gives the counts to whoever keeps them then. While it is dropped all
 * of its datagrams go by its socket.
 *
 * Changes do not stop a flow: the next image takes the place of the last in one word, and what the
 * last has counted is settled once nobody uses it any more. So the sums hold at any time when no
 * packet is under way: of an output that came later they are what its flow has relayed since.
 * Control thread.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "shard/rule.h"
#include "src/base/addr.h"
#include "src/base/log.h"
#include "src/fastpath/abi.h"
#include "src/fastpath/hook.h"
#include "src/fastpath/program.h"

/* Without fast_prolong nothing is taken any more after that, if fast_outlive says no other. */
#define FAST_LEASE_NS 5000000000ULL

struct fast_wanted_output {
	struct endpoint to; /* which of the flow's outputs it is */
	struct fast_output wire;
};

/* A flow as it is to be relayed. */
struct fast_wanted {
	struct rule_ingress in;
	unsigned ifindex; /* of in.at.ifname, not 0 */
	uint32_t mtu;     /* the least of its outputs' */
	struct fast_echo echoes[FAST_ECHOES_MAX];
	uint32_t echo_count;
	const struct fast_wanted_output *outputs;
	uint32_t output_count; /* 1..FAST_OUTPUTS_MAX */
};

struct fast_record_output {
	struct endpoint to;
	struct fast_output wire;
	uint32_t number;     /* in the program's maps; 0: not in force */
	uint32_t old_number; /* that it had, not yet settled */
	bool in_old;         /* the image that is not yet settled had it */
	uint64_t before;     /* datagrams that its flow has relayed here without it, settled */
	struct fast_output_counts past;
};

/* Kept for whoever puts the flow (src/run/lane_order.h). */
struct fast_order {
	bool open;          /* what its socket held when it was taken over may still be there */
	uint64_t base;      /* that its shard had received of it then, and was done with */
	uint64_t turns;     /* that its shard had made then */
	uint64_t overtaken; /* before */
	uint64_t left;      /* how often it was left to its shard since that is cheaper */
};

struct fast_record {
	struct rule_ingress in;
	unsigned ifindex;
	struct fast_key key;
	uint32_t way;
	uint32_t image;     /* in force; FAST_NONE: dropped */
	uint32_t old_image; /* not yet settled */
	struct fast_image now;
	struct fast_image_counts past; /* of images that are settled */
	struct fast_record_output *outputs;
	uint32_t output_count;
	uint64_t puts; /* how often it was put in force after it had not been */
	struct fast_order order;
};

/* Numbers that are free: of ways, images or outputs. */
struct fast_numbers {
	uint32_t *free;
	uint32_t count;
};

struct fast_place {
	struct hook hook;
	uint32_t users; /* records */
};

/* All zero: nothing is loaded, and nothing is or was relayed here. */
struct fast {
	struct program program;
	struct hooks hooks;
	struct fast_numbers ways, images, outputs;
	struct fast_record **records; /* sorted by rule_compare_flows */
	uint32_t record_count, record_room;
	struct fast_place *places; /* interfaces */
	uint32_t place_count;
	uint64_t lease_ns; /* 0: FAST_LEASE_NS */
	bool unsettled;
};

/* Loads the program for at most so many flows and outputs at a time; nothing is relayed yet. 0, or
 * -errno with `err'. */
int fast_open(uint32_t flows, uint32_t outputs, struct fast *out, struct err *err);

/* The program is to go on when this process has died without fast_close, for at most so long since
 * it was prolonged last; FAST_LEASE_NS at least. Before anything is put. */
void fast_outlive(struct fast *fast, uint64_t lease_ns);

/* Whether it was opened. */
bool fast_is_open(const struct fast *fast);

/* Accepts all-zero. Detaches from every interface. */
void fast_close(struct fast *fast);

/* Whatever takes long of fast_put, whose word counts from its last step: the program is called
 * where the flow comes in, and still leaves it to its socket. 0, or -errno with `err'. */
int fast_prepare(struct fast *fast, const struct fast_wanted *wanted, struct err *err);

/* From now on the flow is relayed here as it says; one that is already is left alone. 0; -ENOSPC,
 * there are too many; or another -errno: with `err', and nothing has changed. */
int fast_put(struct fast *fast, const struct fast_wanted *wanted, struct err *err);

/* From now on the flow goes by its socket, if it did not. */
void fast_drop(struct fast *fast, const struct rule_ingress *in);
void fast_drop_all(struct fast *fast);

/* Waits until whatever was dropped or replaced is used by nobody, and keeps its counts. Needs to be
 * done before anything is read or forgotten; does nothing when there is nothing to do. */
void fast_settle(struct fast *fast);

/* Forgets a flow, which is dropped, with all outputs, or one output of it, which is not in force
 * either; adds what it has counted to `flow' and `outputs'. Nothing, if it is not known. */
void fast_forget(struct fast *fast, const struct rule_ingress *in, struct fast_image_counts *flow,
		 struct fast_output_counts *outputs);
void fast_forget_output(struct fast *fast, const struct rule_ingress *in, const struct endpoint *to,
			struct fast_output_counts *output);

/* NULL: not known. Valid until something is put or forgotten. */
const struct fast_record *fast_find(const struct fast *fast, const struct rule_ingress *in);

/* NULL: not known. */
struct fast_order *fast_order_of(const struct fast *fast, const struct rule_ingress *in);

/* What a flow has counted here; an output of it, and what the flow has relayed here without it, so
 * that the two add up to what the flow has relayed. All zero for flows that are not known. */
void fast_read(const struct fast *fast, const struct rule_ingress *in,
	       struct fast_image_counts *out);
void fast_read_output(const struct fast *fast, const struct rule_ingress *in,
		      const struct endpoint *to, struct fast_output_counts *out, uint64_t *before);

/* Counts ICMP errors that have come to the socket of an output. Nothing, if it is not known. */
void fast_add_errors(struct fast *fast, const struct rule_ingress *in, const struct endpoint *to,
		     uint64_t errors);

/* Why the program has given a flow that is in force up; enum fast_flag. */
uint32_t fast_flag(const struct fast *fast, const struct fast_record *record);

/* The program goes on until its lease from now is over, whoever is alive then. */
void fast_prolong(const struct fast *fast, uint64_t now_ns);
