/* difference_match.h - the flows of two layouts, each once, with where it is and where it is to be.
 *
 * Private to difference.c, which makes steps of it. Pure; control thread.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "src/setup/layout.h"

/* A flow in one of the layouts, or in both. */
struct difference_match {
	const struct rule_flow *running,
		*wanted;   /* one may be NULL; both: it was matched already */
	uint32_t from, to; /* their shards */
	bool anew;         /* a share of a flow that is divided in another way by now; or a leg of
			    * another feed than before */
	bool cut;          /* of a group that all other sockets are to receive */
	const struct rule_flow *had; /* the running flow that has its outputs, if another may have
				      * them (difference_group.h) */
	bool passed;                 /* its outputs go on with another flow */
	bool joins;                  /* it is added to a feed that goes on */
};

struct difference_matches {
	const struct layout *running, *wanted;
	struct difference_match *list;
	uint32_t count;
};

/* Fills in the list by the two layouts. 0 or -ENOMEM; the list is to be freed either way. */
int difference_match(struct difference_matches *all);

/* The running flow whose outputs go on with the wanted one; NULL: none. */
const struct rule_flow *difference_had(const struct difference_match *match);

/* Whether a flow that is in both goes on where it is, as it is; or with another shard or other
 * buffers, by the socket that it has. Neither: it needs another socket. Of a divided flow all
 * shares do one of the two, or none does. */
bool difference_keeps(const struct difference_match *match);
bool difference_moves(const struct difference_match *match);

/* Marks the flows of groups of which no socket stays while others come: `cut'. Returns those, one
 * group after the other, to be freed; NULL: out of memory. */
struct difference_match **difference_cuts(const struct difference_matches *all, uint32_t *count);

/* How many of such, from the first on, are of its group. */
uint32_t difference_same_flow(struct difference_match *const *sorted, uint32_t count);

/* How many flows a layout has. */
uint32_t difference_flows(const struct layout *layout);
