/* status.h - a running relay as one JSON object of bounded rows, for pages (/status.json).
 *
 * Where the exit report tells everything, this tells what one looks at again and again: a row for
 * each rule, interface and shard, with sums that only grow. Rates are differences of two answers,
 * over the difference of their `uptime_s'; whoever asks keeps the first, so that any number may
 * look without disturbing each other. doc/PAGE.md lists the members. Names are added to and
 * never renamed; `version' is raised should one ever change its meaning. Ten thousand rows take 0.1
 * s to write, so they are written some at a time. Control thread, and not while a change is under
 * way.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define STATUS_VERSION 1

struct supervisor;
struct tally;

/* All zero: nothing is being written. */
struct status {
	FILE *out; /* to `text' */
	char *text;
	size_t len;
	uint32_t rule; /* the next row */
	bool failed;   /* out of memory */
};

/* Begins with all but the rows of rules, of what `tally' has just summed. 0 or -ENOMEM. */
int status_begin(struct status *status, const struct supervisor *sup, const struct tally *tally);

/* Adds at most so many rows; whether that were the last ones. `tally' is the one of the beginning,
 * and no change has come since. */
bool status_add(struct status *status, const struct supervisor *sup, const struct tally *tally,
		uint32_t most);

/* The object; to be freed. NULL: out of memory. After that all is zero again. */
char *status_take(struct status *status, size_t *out_len);

/* Accepts all-zero. */
void status_free(struct status *status);
