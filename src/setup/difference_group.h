/* difference_group.h - which feed of one layout goes on as which of another.
 *
 * A feed is a merge or a plain flow. One goes on as another when a flow of it does, on the same
 * shard: best when the first leg of the wanted one was the first of the running one, or a plain
 * flow. Of a feed that goes on the outputs stay, whoever has them, and so do those flows that are
 * in both; all other flows of both are removed and added. A feed that is in both as it is, but on
 * another shard, moves there. Private to difference.c, but for the struct. Pure; control thread.
 */
#pragma once

#include "src/setup/layout.h"

struct difference_match;
struct difference_matches;

/* A feed of the wanted layout that the shard has to be told of. */
struct difference_group {
	uint32_t shard;
	const struct rule_flow *lead; /* its first leg, or the plain flow */
	const struct rule_flow *had;  /* who has its outputs in the running layout; NULL: it is new,
				       * or none of its flows stays */
	const struct rule_flow *stays[MERGE_LEGS_MAX]; /* of the wanted layout */
	uint32_t stay_count;
	uint32_t from; /* of a feed that moves: its shard, and its legs there */
	const struct rule_flow *moves[MERGE_LEGS_MAX];
	uint32_t move_count; /* 0: it does not */
};

struct difference_groups {
	struct difference_group *list;
	uint32_t count;
	uint32_t changed; /* of them, those that go on */
	uint32_t anew;    /* of these, those that tell datagrams apart in another way */
};

/* Finds the groups and marks in `all' who goes on (`anew', `had', `passed', `joins'). 0 or -ENOMEM;
 * the list is to be freed either way. */
int difference_group(struct difference_matches *all, struct difference_groups *out);
