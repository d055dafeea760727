/* rows.h - what is relayed, as the flat rows of tables that `show' answers.
 *
 * Made straight from the counters, and only what is asked for: of ten thousand rules a client that
 * looks each second wants a few numbers each. They are written some at a time, each forgotten at
 * once; see answer.h. Control thread, and not while a change is under way.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "src/run/report_put.h"
#include "src/run/tally.h"

struct json_t;
struct supervisor;

struct rows_ask {
	const struct supervisor *sup;
	struct json_t *rules; /* an object whose members are the names of rules; NULL: all */
	struct report_want want;
};

/* Which rows. */
enum rows_of {
	ROWS_OF_RULES,   /* with the sums of its flows and outputs on all shards */
	ROWS_OF_FLOWS,   /* on each of its shards, in the order of rules */
	ROWS_OF_OUTPUTS, /* the same */
	ROWS_OF_LEGS,    /* flows that are legs of a feed */
	ROWS_OF_SHARDS,  /* with the sums of its flows and outputs */
	ROWS_OF_POOLS,   /* each class of buffers of each shard */
};

/* All zero: nothing is under way. */
struct rows {
	const struct rows_ask *ask;
	enum rows_of of;
	struct tally tally;      /* of rules and shards */
	bool tallied;            /* or none is needed */
	struct rows_spot *spots; /* of flows and outputs */
	uint32_t spot_count;
	uint32_t next; /* rule, shard, class or spot */
	bool second;   /* there is a row before */
	bool failed;   /* out of memory: they are not to be shown */
};

/* `ask' must live as long. 0 or -ENOMEM; then there is nothing to free. */
int rows_begin(struct rows *rows, const struct rows_ask *ask, enum rows_of of);

/* Sums at most so many places of flows, or writes at most so many rows, or those of one flow, apart
 * by commas. Whether these were the last. No change has come since the beginning.
 */
bool rows_add(struct rows *rows, uint32_t most_places, uint32_t most_rows, FILE *out);

/* Accepts all-zero, and makes it that. */
void rows_free(struct rows *rows);
