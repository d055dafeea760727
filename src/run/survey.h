/* survey.h - makes what HTTP tells of what runs: snapshots and texts, a piece at a time.
 *
 * The thread that answers HTTP asks for them (src/web/web.h); control makes them between everything
 * else it does: a snapshot (src/web/snapshot.h), or a tally and then a text of it, SURVEY_PIECE
 * flows with their outputs, SURVEY_ROWS rows or a picture each time, so that with 10 000 rules it
 * is never away for more than some ms. Places of flows and outputs change hands by messages to
 * shards, so nothing is copied while a change is under way, and a change amid a survey begins it
 * anew; after SURVEY_TRIES the whole is copied at once. Counters are read relaxed, as always: no
 * shard notices. Control thread.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "src/rules/index.h"
#include "src/run/status.h"
#include "src/run/tally.h"

#define SURVEY_PIECE 500
#define SURVEY_ROWS  200
#define SURVEY_TRIES 3

struct snapshot;
struct supervisor;
struct web;

/* All zero: nothing is under way. */
struct survey {
	struct snapshot *making; /* NULL: nothing */
	struct conf_index index;
	uint32_t worker, place; /* the next flow that is copied */
	uint32_t flow_room, output_room;
	uint64_t changes; /* of shards, when it was begun */
	uint32_t tries;
	bool short_of_memory;   /* something is missing in it */
	double started_s;       /* the daemon, since 1970; the same for all snapshots */
	struct tally tally;     /* of a text */
	struct status status;   /* its rows are being written, if `out' is not NULL */
	bool tallying, tallied; /* a tally is begun; it is whole */
	uint64_t tally_changes; /* as above, of the tally */
	uint32_t tally_tries;
};

/* Whether there is more to do at once. */
bool survey_is_busy(const struct survey *survey);

/* Does a piece of what is wanted, if anything is. Not while a change is under way. */
void survey_tick(struct survey *survey, struct supervisor *sup, struct web *web);

/* Accepts all-zero. */
void survey_free(struct survey *survey);
