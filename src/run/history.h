/* history.h - what was changed while relaying: when, by whom, and what became of it.
 *
 * The last HISTORY_KEPT are remembered, older ones are forgotten and counted. Control thread.
 */
#pragma once

#include <stdint.h>
#include <time.h>

#define HISTORY_KEPT 64

struct history_note {
	struct timespec when; /* CLOCK_REALTIME */
	char who[64];         /* "control: uid 0, pid 4711", "SIGHUP" */
	char what[160];       /* cut off where it is longer */
	char result[256];     /* "done", or why not */
};

/* All zero: nothing was changed. */
struct history {
	struct history_note notes[HISTORY_KEPT]; /* of change n at n % HISTORY_KEPT */
	uint64_t count;                          /* ever */
};

void history_note(struct history *history, const char *who, const char *what, const char *result);

/* The change `number', counted from 0; NULL when there was none, or it is forgotten. */
const struct history_note *history_at(const struct history *history, uint64_t number);
