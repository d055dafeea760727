/* report_merge.h - what the report says of feeds that several flows bring (shard/merge.h).
 *
 * Out of memory is fatal. Control thread.
 */
#pragma once

#include "src/run/report_put.h"

struct ingress_flow;
struct json_t;
struct merge_rule;

/* Of a flow that is a leg: `leg', and of the first one `merge', what they are together. */
void report_put_leg(const struct ingress_flow *flow, const struct report_want *want,
		    struct json_t *row);

/* Adds to a rule, whose `flows' are complete, `merge' with the sums over its feeds and shards, leg
 * by leg; none when nothing is merged. */
void report_put_merge(struct json_t *rule);

/* By what copies are told: "rtp", "field" ... */
const char *report_merge_method(const struct merge_rule *rule);

/* Adds to an object of the counters of a leg `skew_us', its percentiles: from the buckets, so no
 * more exact than these. */
void report_merge_put_skew(struct json_t *leg);
