/* change_rig.h - the relay's rig, and a control that sends it messages and checks the laws.
 *
 * The rig's own flow 0 with outputs 0 and 1 is what runs; messages go through a real mailbox.
 */
#pragma once

#include "shard/change.h"
#include "tests/unit/shard/relay_rig.h"

#define NEW_FD           300 /* of the first socket added; none of them is open */
#define CHANGE_TURNS_MAX 1000

extern struct rig rig;
extern const struct rig_options change_options;

/* Opens the rig. Its own sums are of outputs that stay; expect_laws is of all. */
void open_rig(void);

/* Sends a message and makes the turn that takes it; the answer, if there is one; turns until it
 * came; all of that, and the result. */
void hand_over(struct shard_message *m);
bool is_answered(const struct shard_message *m);
void await_answer(const struct shard_message *m);
int ask(struct shard_message *m);

/* Additions: an output of flow `flow', a flow. */
struct shard_message new_output(uint32_t flow, uint16_t port, int fd);
struct shard_message new_flow(int fd);

/* The holder of a place, by token. */
struct egress_output *output_of(uint32_t token);
struct ingress_flow *flow_of(uint32_t token);

/* Aborts unless the sums agree: of one that has gone, or of all that are there. */
void expect_output_law(const struct output_stats *stats);
void expect_flow_law(const struct flow_stats *stats);
void expect_laws(void);

/* Delivers to flow 0. How many have left by `fd'; aborts unless they are `first' and those after
 * it. */
void deliver(uint32_t count);
uint32_t sent_in_order(int fd, uint32_t first);
