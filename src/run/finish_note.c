/* finish_note.c - see finish_note.h. A note is lines of text, of which other builds can read the
 * first. */
#include "src/run/finish_note.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "src/base/clock.h"

#define AWAIT_NS     NS_PER_S
#define NOTE_ROOM    160
#define NAME_ROOM    32
#define ORDERLY      "ended in order\n"
#define FINISHED     "finished: %" PRIu64 " sent, %" PRIu64 " lost\n"
#define READ_BACK    "finished: %" SCNu64 " sent, %" SCNu64 " lost"
#define REFUSED      "refused: %" PRIu32 ", %s %d\n"
#define READ_REFUSED "refused: %" SCNu32 ", %31s %d"

static bool await_end(int fd);
static void read_refused(const char *text, struct refusals_news *out);

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

void finish_note_write(int fd, const struct finish *done, const struct refusals_news *refused)
{
	char text[NOTE_ROOM] = ORDERLY;

	if (done) {
		int len = snprintf(text, sizeof(text), FINISHED, done->sent, done->lost);

		if (refused->count > 0) {
			snprintf(text + len, sizeof(text) - (size_t)len, REFUSED, refused->count,
				 confine_name(refused->kind), refused->number);
		}
	}
	(void)!write(fd, text, strlen(text));
}

enum finish_note finish_note_await(int fd, struct finish *done, struct refusals_news *refused)
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
	read_refused(text, refused);
	return FINISH_NOTE_FINISHED;
}

/* In a line of its own, if there was anything. */
static void read_refused(const char *text, struct refusals_news *out)
{
	const char *line = strchr(text, '\n');
	struct refusals_news news = {0};
	char name[NAME_ROOM];

	*out = news;
	if (!line || sscanf(line + 1, READ_REFUSED, &news.count, name, &news.number) != 3) {
		return;
	}
	for (int kind = 0; kind < CONFINE_COUNT; kind++) {
		if (strcmp(name, confine_name((enum confine_kind)kind)) == 0) {
			news.kind = (enum confine_kind)kind;
			*out = news;
		}
	}
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
