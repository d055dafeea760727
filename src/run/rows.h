/* rows.h - what is relayed, as the flat rows of tables that `show' answers.
 *
 * Made straight from the counters, and only what is asked for: of ten thousand rules a client that
 * looks each second wants a few numbers each. New arrays; out of memory is fatal. Control thread,
 * and not while a change is under way.
 */
#pragma once

#include "src/run/report_put.h"

struct json_t;
struct supervisor;

struct rows_ask {
	const struct supervisor *sup;
	struct json_t *rules; /* an object whose members are the names of rules; NULL: all */
	struct report_want want;
};

/* Each rule, with the sums of its flows and outputs on all shards. */
struct json_t *rows_of_rules(const struct rows_ask *ask);

/* Each flow on each of its shards, and each output of each, in the order of rules. */
struct json_t *rows_of_flows(const struct rows_ask *ask);
struct json_t *rows_of_outputs(const struct rows_ask *ask);

/* Each shard, with the sums of its flows and outputs. */
struct json_t *rows_of_shards(const struct rows_ask *ask);

/* Each class of buffers of each shard. */
struct json_t *rows_of_pools(const struct rows_ask *ask);
