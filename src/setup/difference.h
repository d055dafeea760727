/* difference.h - what is to be done so that one layout becomes another.
 *
 * Flows and outputs are compared by what they are (rule_compare_flows, rule_same_output), shard by
 * shard, never by where they stand in a table. What is in both and goes by the same options is not
 * touched. What differs in a way that its socket can follow is set; an output whose socket must be
 * another one is replaced; a flow whose socket must be another one is removed and added. A flow
 * that another shard is to have, or that is to receive into other buffers, is moved with its
 * outputs as they are. A feed that is merged, or is to be, goes on as one with other legs, or moves
 * whole (difference_group.h). The steps come in an order in which they can be taken one after the
 * other: outputs that go, feeds that change, flows that go, what moves, legs that come to a feed,
 * what changes, the outputs that kept flows get, what comes, and then, some groups at a time, what
 * is received by other sockets. Pure; control thread.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "src/setup/difference_group.h"
#include "src/setup/layout.h"

enum difference_do {
	DIFFERENCE_REMOVE_OUTPUT,
	DIFFERENCE_HOLD_LEG,    /* of a feed that moves: nothing comes by it until it has */
	DIFFERENCE_SET_MERGE,   /* of `group': its flow, if it is there, is its first leg */
	DIFFERENCE_REMOVE_FLOW, /* with all its outputs */
	DIFFERENCE_MOVE_FLOW,   /* from shard `from', with the outputs that it has there still */
	DIFFERENCE_SET_FLOW,    /* its max-age= or breaker=, or whether it stands by */
	DIFFERENCE_SET_OUTPUT,
	DIFFERENCE_REPLACE_OUTPUT,
	DIFFERENCE_ADD_OUTPUT, /* to a flow that is kept, or to the one added before */
	DIFFERENCE_HOLD_FLOW,  /* it is removed and another socket comes, see `cut' */
	DIFFERENCE_ADD_FLOW,   /* its outputs follow, each to be added, and then START_FLOW */
	DIFFERENCE_START_FLOW,
};

/* Names flow and output by the table that they stand in: what is removed or held in the running
 * one, all others in the wanted one. */
struct difference_step {
	enum difference_do what;
	uint32_t shard;
	uint32_t flow;   /* position in the shard's table */
	uint32_t output; /* the same; of the *_OUTPUTs only */
	uint32_t from;   /* MOVE_FLOW; may be `shard' */
	bool cut; /* REMOVE_FLOW, ADD_FLOW: of a group that is received by other sockets. Of some
		   * such groups first each flow is cut, then these are removed, then those of now
		   * are added, all in a row */
	const struct difference_group *group; /* SET_MERGE */
	bool again; /* ADD_FLOW: a flow that is the same ran before, here or elsewhere */
};

struct difference {
	struct difference_step *steps;
	uint32_t count;
	uint32_t first_move; /* the moves stand together, by where they go */
	/* A flow that is spread counts at each of its shards. Changed: removed and added. */
	uint32_t flows_kept, flows_moved, flows_added, flows_removed, flows_changed;
	struct difference_groups groups; /* that the steps point to */
	uint32_t outputs_kept, outputs_added, outputs_removed, outputs_changed;
};

/* Both layouts are of the same shards. 0 or -ENOMEM; difference_free after 0. */
int difference_build(const struct layout *running, const struct layout *wanted,
		     struct difference *out);

/* Accepts all-zero. */
void difference_free(struct difference *difference);

/* Where a flow of the wanted layout runs before the first step is taken, if it moves: its shard.
 * Else `shard', which its table is of. */
uint32_t difference_runs_at(const struct difference *difference, uint32_t shard, uint32_t flow);

/* What is to become of an output that is in both: DIFFERENCE_SET_OUTPUT, _REPLACE_OUTPUT, or -1
 * when nothing is. */
int difference_of_output(const struct rule_table_output *running,
			 const struct rule_table_output *wanted);
