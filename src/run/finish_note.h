/* finish_note.h - a pipe by which a process tells the next one of its service how it ended.
 *
 * The service manager keeps the end to read from, as it keeps sockets (store.h), and passes it to
 * the next process. Who writes is the process, when it ends in order, or its finisher, when it was
 * killed. That there is nobody left who could write is what the next process waits for before it
 * reads the sockets. Control thread; writing also the finisher.
 */
#pragma once

#include <stdint.h>

#include "shard/finish.h"
#include "src/run/refusals.h"

/* The name it is kept under. */
#define FINISH_NOTE_NAME "numacast-end"

enum finish_note {
	FINISH_NOTE_NONE,     /* nobody has written, and nobody will */
	FINISH_NOTE_ORDERLY,  /* nothing was left to be finished */
	FINISH_NOTE_FINISHED, /* the process was killed, and its finisher has sent what it had */
	FINISH_NOTE_LATE,     /* it has not come in time: whoever may write is still there */
};

/* Ends to read from and to write to. 0 or -errno. */
int finish_note_open(int *read_fd, int *write_fd);

/* `done' is NULL: in order. Otherwise with it what the process was refused and has not told. */
void finish_note_write(int fd, const struct finish *done, const struct refusals_news *refused);

/* Waits, a second at most, until all who could write are dead. `done' and `refused' are written
 * with FINISH_NOTE_FINISHED only. */
enum finish_note finish_note_await(int fd, struct finish *done, struct refusals_news *refused);
