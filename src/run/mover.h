/* mover.h - moves a flow with its sockets to another shard, or to other buffers of the same one.
 *
 * A move is one step of a list (changer.h) and two messages, each a list: the shard that has the
 * flow ends its receive, relays what it has received, and gives the socket back; then each output,
 * when what it had is sent. Only then the other shard gets the flow, its outputs in their order,
 * and word to receive. Whatever arrives meanwhile waits in the socket. So nothing is lost, doubled
 * or overtaken. Where a flow has more outputs than fit into a list, more lists follow. Counters go
 * along: they are those of the flow and not of its place. A flow that the other shard does not take
 * goes back to where it was.
 *
 * Private to changer.c. Control thread.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "shard/change.h"
#include "src/base/log.h"

struct changer;
struct changer_step;

/* Of a list: it holds the flow and its start beside this many outputs. */
#define MOVER_LIST_OUTPUTS 32
#define MOVER_LIST_MAX     (MOVER_LIST_OUTPUTS + 2)

enum mover_phase {
	MOVER_IDLE,
	MOVER_TAKES, /* the flow, then its outputs */
	MOVER_GIVES, /* the same, then word to start */
};

/* All zero: nothing is being moved. */
struct mover {
	enum mover_phase phase;
	uint32_t from, to;            /* shards */
	const struct rule_flow *rule; /* that it is to go by */
	const struct addr *echoes;    /* that it has */
	uint32_t echo_count;
	uint32_t flow;                 /* its token: the old one, then the new one */
	struct shard_message told;     /* the answer to its removal */
	struct shard_message *outputs; /* the same of its outputs */
	uint32_t count;                /* of these */
	struct shard_message *list;    /* what was asked last; MOVER_LIST_MAX */
	uint32_t asked;                /* so many, from part `at' of the phase on */
	uint32_t at;                   /* 0: the flow; then the outputs; then the start */
	uint64_t began_ns;             /* when the first shard was asked */
};

/* Before any shard is asked: notes which places the move of `step' will take, and lets others at
 * the address of the flow if it is to be shared. 0, or -errno with `err'. */
int mover_prepare(struct changer *changer, const struct changer_step *step, struct err *err);

/* Begins the move. 0, or -ENOENT, -ENOMEM: there is nothing to move. No shard has a message. */
int mover_begin(struct changer *changer, const struct changer_step *step);

/* While something is being moved: fills in the changer's message and tells the shard that it is
 * for; takes in its answer: 0, or -errno, the move having failed as far as the answer tells. */
uint32_t mover_ask(struct changer *changer);
int mover_settle(struct changer *changer);

/* Counts and closes what is in no shard's hands. Accepts all-zero. */
void mover_abandon(struct changer *changer);
