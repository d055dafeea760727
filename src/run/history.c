/* history.c - see history.h. */
#include "src/run/history.h"

#include <stdio.h>

void history_note(struct history *history, const char *who, const char *what, const char *result)
{
	struct history_note *note = &history->notes[history->count % HISTORY_KEPT];

	clock_gettime(CLOCK_REALTIME, &note->when);
	snprintf(note->who, sizeof(note->who), "%s", who);
	snprintf(note->what, sizeof(note->what), "%s", what);
	snprintf(note->result, sizeof(note->result), "%s", result);
	history->count++;
}

const struct history_note *history_at(const struct history *history, uint64_t number)
{
	if (number >= history->count || history->count - number > HISTORY_KEPT) {
		return NULL;
	}
	return &history->notes[number % HISTORY_KEPT];
}
