/* sink.c - lines in a queue, and a thread that waits for their reader in our place. See sink.h.
 *
 * The queue is a ring of bytes in which each line stands behind its length. The mutex is held for
 * a copy and never during a write, but while there is no thread. No step of a datagram runs here.
 */
#include "src/base/sink.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "src/base/confine.h"
#include "src/base/must.h"

#define QUEUE_BYTES  (256 * 1024) /* some 2000 lines: a start with a thousand shards */
#define NOTE_MAX     160
#define LOST_NO_ROOM "nobody took them"
#define END_WAIT_S   1

enum writer {
	WRITER_NONE, /* whoever logs writes */
	WRITER_THREAD,
	WRITER_ENDING, /* it writes what is queued; nothing is added */
	WRITER_ENDED,
};

static struct {
	pthread_mutex_t lock;   /* of all below, but `thread' */
	pthread_cond_t changed; /* timed by CLOCK_MONOTONIC */
	pthread_t thread;
	enum writer writer;
	bool prefixed;
	uint64_t lost;      /* lines that found no room, since the last that did */
	size_t first, used; /* bytes of the queue */
	char queue[QUEUE_BYTES];
} sink = {.lock = PTHREAD_MUTEX_INITIALIZER};

/* Of whoever writes: the thread, or else who has the lock. */
static struct {
	uint64_t failed; /* lines that could not be written, since the last that could */
	int why;         /* errno of the last of them */
	bool torn;       /* part of a line was written: the next begins with a newline */
} written;

static bool queue_line(const char *line, size_t len);
static size_t note_lost(char *note, uint64_t lost, const char *why);
static void queue_put(const char *line, size_t len);
static void copy_in(const void *from, size_t len);
static void *write_queued(void *unused);
static size_t take_line(char *line);
static size_t queue_take(char *line);
static void copy_out(void *to, size_t len);
static void write_line(const char *line, size_t len, bool patient);
static int write_text(const char *text, size_t len, bool patient);
static bool wait_for_end(void);

void sink_init(bool prefixed)
{
	sink.prefixed = prefixed;
}

void sink_put(const char *line, size_t len)
{
	must(len <= SINK_LINE_MAX);
	pthread_mutex_lock(&sink.lock);
	if (sink.writer == WRITER_NONE) {
		write_line(line, len, false);
	} else if (sink.writer != WRITER_THREAD || !queue_line(line, len)) {
		sink.lost++;
	}
	pthread_cond_signal(&sink.changed);
	pthread_mutex_unlock(&sink.lock);
}

int sink_start(void)
{
	pthread_condattr_t monotonic;
	sigset_t all, before;
	int rc;

	if (sink.writer != WRITER_NONE) {
		return 0;
	}
	pthread_condattr_init(&monotonic);
	pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	pthread_cond_init(&sink.changed, &monotonic);
	pthread_condattr_destroy(&monotonic);
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	sink.writer = WRITER_THREAD;
	rc = -pthread_create(&sink.thread, NULL, write_queued, NULL);
	if (rc < 0) {
		sink.writer = WRITER_NONE;
	}
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return rc;
}

void sink_end(void)
{
	if (sink.writer != WRITER_THREAD) {
		return;
	}
	if (wait_for_end()) {
		pthread_join(sink.thread, NULL);
		sink.writer = WRITER_NONE;
	} else {
		pthread_detach(sink.thread);
	}
}

/* False when there is no room, for the line or for the note about those that were lost before. */
static bool queue_line(const char *line, size_t len)
{
	char note[NOTE_MAX];
	size_t note_len = sink.lost > 0 ? note_lost(note, sink.lost, LOST_NO_ROOM) : 0;
	size_t need = 2 * sizeof(uint16_t) + note_len + len;

	if (need > QUEUE_BYTES - sink.used) {
		return false;
	}
	if (note_len > 0) {
		queue_put(note, note_len);
		sink.lost = 0;
	}
	queue_put(line, len);
	return true;
}

static size_t note_lost(char *note, uint64_t lost, const char *why)
{
	int len = snprintf(note, NOTE_MAX, "%slog: lines missing here: %" PRIu64 ": %s\n",
			   sink.prefixed ? "<4>" : "", lost, why);

	must(len > 0 && len < NOTE_MAX);
	return (size_t)len;
}

/* Appends a line behind its length; there is room. */
static void queue_put(const char *line, size_t len)
{
	uint16_t head = (uint16_t)len;

	copy_in(&head, sizeof(head));
	copy_in(line, len);
}

static void copy_in(const void *from, size_t len)
{
	size_t at = (sink.first + sink.used) % QUEUE_BYTES;
	size_t before_end = QUEUE_BYTES - at < len ? QUEUE_BYTES - at : len;

	memcpy(sink.queue + at, from, before_end);
	memcpy(sink.queue, (const char *)from + before_end, len - before_end);
	sink.used += len;
}

static void *write_queued(void *unused)
{
	char line[SINK_LINE_MAX];
	size_t len;

	(void)unused;
	confine_self(CONFINE_LOG);
	while ((len = take_line(line)) > 0) {
		write_line(line, len, true);
	}
	return NULL;
}

/* Waits for the next line, or for the end: 0. What was lost behind all that is queued is said when
 * that has been written. */
static size_t take_line(char *line)
{
	size_t len = 0;

	pthread_mutex_lock(&sink.lock);
	while (sink.used == 0 && sink.lost == 0 && sink.writer == WRITER_THREAD) {
		pthread_cond_wait(&sink.changed, &sink.lock);
	}
	if (sink.used > 0) {
		len = queue_take(line);
	} else if (sink.lost > 0) {
		len = note_lost(line, sink.lost, LOST_NO_ROOM);
		sink.lost = 0;
	} else {
		sink.writer = WRITER_ENDED;
		pthread_cond_signal(&sink.changed);
	}
	pthread_mutex_unlock(&sink.lock);
	return len;
}

static size_t queue_take(char *line)
{
	uint16_t len;

	copy_out(&len, sizeof(len));
	copy_out(line, len);
	return len;
}

static void copy_out(void *to, size_t len)
{
	size_t before_end = QUEUE_BYTES - sink.first < len ? QUEUE_BYTES - sink.first : len;

	memcpy(to, sink.queue + sink.first, before_end);
	memcpy((char *)to + before_end, sink.queue, len - before_end);
	sink.first = (sink.first + len) % QUEUE_BYTES;
	sink.used -= len;
}

/* With a word before it about those that could not be written. */
static void write_line(const char *line, size_t len, bool patient)
{
	char note[NOTE_MAX];
	int why = 0;

	if (written.failed > 0) {
		size_t note_len = note_lost(note, written.failed, strerror(written.why));

		why = write_text(note, note_len, patient);
	}
	if (why == 0) {
		written.failed = 0;
		why = write_text(line, len, patient);
	}
	if (why != 0) {
		written.failed++;
		written.why = why;
	}
}

/* 0 or an errno. Somebody who shares standard error may have made it non-blocking: the thread waits
 * all the same, others do not. */
static int write_text(const char *text, size_t len, bool patient)
{
	struct pollfd err = {.fd = STDERR_FILENO, .events = POLLOUT};

	if (written.torn && write(STDERR_FILENO, "\n", 1) == 1) {
		written.torn = false;
	}
	for (size_t done = 0; done < len;) {
		ssize_t n = write(STDERR_FILENO, text + done, len - done);

		if (n < 0 && errno == EAGAIN && patient) {
			(void)poll(&err, 1, -1);
		} else if (n < 0 && errno != EINTR) {
			return errno;
		} else if (n > 0) {
			done += (size_t)n;
			written.torn = done < len;
		}
	}
	return 0;
}

/* Tells the thread to end; false when it has not within END_WAIT_S. */
static bool wait_for_end(void)
{
	struct timespec until;
	bool ended;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += END_WAIT_S;
	pthread_mutex_lock(&sink.lock);
	sink.writer = WRITER_ENDING;
	pthread_cond_broadcast(&sink.changed);
	while (sink.writer == WRITER_ENDING &&
	       pthread_cond_timedwait(&sink.changed, &sink.lock, &until) == 0) {
	}
	ended = sink.writer == WRITER_ENDED;
	pthread_mutex_unlock(&sink.lock);
	return ended;
}
