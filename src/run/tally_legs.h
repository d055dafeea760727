/* tally_legs.h - what the legs of a rule's feeds have counted, leg by leg, over all its flows.
 *
 * Part of a tally (tally.h); only a rule that merges has one. Control thread, and not while a
 * change is under way.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "shard/counters.h"
#include "shard/merge_rule.h"
#include "src/base/addr.h"

struct ingress_flow;
struct json_t;

/* Sums over the flows of one leg. */
struct tally_leg {
	struct flow_stats flows;
	struct leg_stats stats;
	char ingress[ENDPOINT_TEXT_MAX]; /* of the first of these flows; "": there is none */
	bool silent;                     /* one of them is */
};

struct tally_legs {
	struct merge_rule rule;
	struct merge_stats merges;
	struct tally_leg legs[MERGE_LEGS_MAX];
};

/* Adds a flow that is a leg, and has counted `stats', to `*at', which is made when it is NULL, and
 * to be freed. 0 or -ENOMEM. */
int tally_legs_add(struct tally_legs **at, const struct ingress_flow *flow,
		   const struct flow_stats *stats);

/* As a new object: what they are together, and a row for each leg in `legs'. */
struct json_t *tally_legs_show(const struct tally_legs *sums);
