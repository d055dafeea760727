/* changer_find.h - where flows and outputs stand in the shards, found by what they are.
 *
 * While a list of changes is carried out the places of a shard's flows are kept sorted, from the
 * first that is looked for. Whether a place has a holder is told by its rule, which changes by
 * messages only; its state is the shard's own. Not while the shard has a message. Control thread.
 */
#pragma once

#include "src/run/changer.h"
#include "shard/shard.h"

/* The place of a flow that `shard' has, or of an output of it; NULL: it has none such. */
const struct flow_place *changer_find_flow(struct changer *changer, uint32_t shard,
					   const struct rule_ingress *in);
const struct output_place *changer_find_output(struct changer *changer, uint32_t shard,
					       const struct rule_ingress *in,
					       const struct rule_output *out);

/* That of the outputs from place `first' on, which are of one flow. */
const struct output_place *changer_find_among(const struct shard *shard, uint32_t first,
					      const struct rule_output *out);

/* A flow has come to `shard'. */
void changer_forget_places(struct changer *changer, uint32_t shard);
