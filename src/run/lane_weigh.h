/* lane_weigh.h - flows that --fastpath auto leaves to their shards for what they cost.
 *
 * Once a second what each flow has counted is weighed (src/fastpath/weigh.h), where it goes now.
 * Only flows whose rule does not say fast= are, and only with `auto': who asks for the program has
 * it. lane.c and lane_look.c use it. Control thread.
 */
#pragma once

#include <stdint.h>

struct conf_flow;
struct lane_verdict;
struct opt;
struct supervisor;

/* Whether a configured flow may be left, and for how many outputs. One that was left and may be no
 * more is no longer held. */
void lane_weigh_ask(const struct opt *opt, const struct conf_flow *flow,
		    struct lane_verdict *verdict);

/* Leaves flows that are dear to their shards, and has those come back that are dear there. */
void lane_weigh(struct supervisor *sup, uint64_t now_ns);
