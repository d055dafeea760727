/* finish_note.c - see finish_note.h. A note is a line of text, which other builds can read. */
#include "src/run/finish_note.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "src/base/clock.h"

#define AWAIT_NS  NS_PER_S
#define NOTE_ROOM 96
#define ORDERLY   "ended in order\n"
#define FINISHED  "finished: %" PRIu64 " sent, %" PRIu64 " lost\n"
#define READ_BACK "finished: %" SCNu64 " sent, %" SCNu64 " lost\n"

static bool await_end(int fd);

int finish_note_open(int *read_fd, int *write_fd)
{
	int fds[2];

	if (pipe2(fds, O_CLOEXEC | O_NONBLOCK) < 0) {
		return -errno;
	}
	*read_fd = fds[0];
	*write_fd = fds[1];
	return 0;
}

void finish_note_write(int fd, const struct finish *done)
{
	char text[NOTE_ROOM] = ORDERLY;

	if (done) {
		snprintf(text, sizeof(text), FINISHED, done->sent, done->lost);
	}
	(void)!write(fd, text, strlen(text));
}

enum finish_note finish_note_await(int fd, struct finish *done)
{
	char text[NOTE_ROOM] = "";
	struct finish told;

	if (!await_end(fd)) {
		return FINISH_NOTE_LATE;
	}
	if (read(fd, text, sizeof(text) - 1) <= 0) {
		return FINISH_NOTE_NONE;
	}
	if (strcmp(text, ORDERLY) == 0) {
		return FINISH_NOTE_ORDERLY;
	}
	if (sscanf(text, READ_BACK, &told.sent, &told.lost) != 2) {
		return FINISH_NOTE_NONE;
	}
	*done = told;
	return FINISH_NOTE_FINISHED;
}

/* Whether nobody can write any more. */
static bool await_end(int fd)
{
	uint64_t end_ns = clock_now_ns() + AWAIT_NS;
	struct pollfd pipe = {.fd = fd};

	do {
		uint64_t now_ns = clock_now_ns();
		int left_ms = now_ns < end_ns ? (int)((end_ns - now_ns) / NS_PER_MS) + 1 : 0;

		if (poll(&pipe, 1, left_ms) == 1) {
			return (pipe.revents & POLLHUP) != 0;
		}
	} while (clock_now_ns() < end_ns);
	return false;
}
