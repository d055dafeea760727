/* relay_rig.h - a whole relay, of one flow as a rule, on a ring that does what the test tells it.
 *
 * Real pool, ingress, egress and relay; the fake engine instead of the kernel. Every datagram has
 * its number in its first four bytes, so what was sent can be compared with what was delivered.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shard/relay.h"
#include "shard/relay_flows.h"
#include "tests/fake/ring_fake.h"

#define RIG_OUTPUTS_MAX 4
#define RIG_FLOWS_MAX   64

struct rig {
	struct arena arena;
	struct pool pool;
	struct egress egress;
	struct relay relay;
	struct mailbox mailbox;
	struct ring *ring;
	struct rule_flow flow_rule;
	struct flow_stats flow_stats; /* of all flows together */
	struct output_stats output_stats[RIG_OUTPUTS_MAX];
	struct pool_class_stats pool_stats[POOL_CLASS_COUNT];
	struct ring_stats ring_stats;
	struct batch_stats batches;
	bool divided;       /* by the test: each flow leads to one of the outputs only */
	uint32_t delivered; /* datagrams so far, the number of the next one */
};

struct rig_options {
	uint32_t flows; /* 0: one; all lead to the same outputs */
	uint32_t outputs;
	uint32_t train_max; /* 1: no coalescing */
	uint32_t mtu;
	uint32_t slots;         /* of class train */
	uint32_t hot_least;     /* slots lent to begin with; 0: always all of a power of two */
	uint32_t trains;        /* 0: TRAIN_COUNT */
	uint32_t zerocopy;      /* shortest train sent without copying; 0: none */
	struct rule_output out; /* options of every output; the destination is filled in */
};

void rig_open(struct rig *rig, const struct rig_options *options);
void rig_close(struct rig *rig);

/* Queues one datagram of `bytes' (at least 4), to the first flow or to `flow', or a train of
 * `count' with segments of `segment' whose last has `last' bytes. */
void rig_deliver(struct rig *rig, size_t bytes);
void rig_deliver_to(struct rig *rig, uint32_t flow, size_t bytes);
void rig_deliver_train(struct rig *rig, uint32_t count, uint32_t segment, uint32_t last);

/* Turns until nothing is left to do. */
void rig_settle(struct rig *rig);

/* The k-th datagram that left by `output' successfully: its number, counted over trains. Fills at
 * most `max' and returns how many there are. */
uint32_t rig_sent_numbers(const struct rig *rig, uint32_t output, uint32_t *numbers, uint32_t max);

/* Aborts unless every delivered datagram left by `output', once and in order. */
void rig_expect_all_in_order(const struct rig *rig, uint32_t output);

/* Whether received = relayed + drops, offered = sent + drops for each output, and no slot is held.
 */
bool rig_sums_agree(const struct rig *rig);

uint64_t rig_drops(const struct rig *rig, uint32_t output);
