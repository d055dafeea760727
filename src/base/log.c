/* log.c - formats one line and writes it to stderr in one system call.
 *
 * Control path only: no step of a datagram's life logs. One write per line keeps lines whole when
 * several processes share the journal's pipe. What an operator or a file contributed to a message
 * may hold control characters; they become '?', so that a line stays one line and a terminal
 * stays as it is. Owner: the control thread, and a shard thread until its start is complete.
 */
#include "src/base/log.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define LINE_MAX_BYTES 4096 /* PIPE_BUF: what a pipe takes in one piece */

/* Written before threads start, read by all. */
static enum log_level log_max = LOG_LEVEL_INFO;
static bool log_prefixed;

static size_t format_text(char *buf, size_t room, const char *format, va_list args)
	__attribute__((format(printf, 3, 0)));
static void write_all(const char *text, size_t len);

void log_init(enum log_level level, bool prefixed)
{
	log_max = level;
	log_prefixed = prefixed;
}

void log_write(enum log_level level, const char *format, ...)
{
	char line[LINE_MAX_BYTES];
	size_t start = 0;
	size_t end;
	va_list args;
	int saved = errno;

	if (level > log_max) {
		return;
	}
	if (log_prefixed) {
		start = (size_t)snprintf(line, sizeof(line), "<%d>", (int)level);
	}
	errno = saved; /* for %m */
	va_start(args, format);
	end = start + format_text(line + start, sizeof(line) - start, format, args);
	va_end(args);
	for (size_t i = start; i < end; i++) {
		if ((unsigned char)line[i] < 0x20 || line[i] == 0x7f) {
			line[i] = line[i] == '\t' ? ' ' : '?';
		}
	}
	line[end] = '\n'; /* in the place of the zero byte */
	write_all(line, end + 1);
	errno = saved;
}

void err_set(struct err *err, const char *format, ...)
{
	struct err new; /* The old text may be among the arguments: a caller puts words before it.
			 */
	va_list args;

	va_start(args, format);
	format_text(new.text, sizeof(new.text), format, args);
	va_end(args);
	memcpy(err->text, new.text, strlen(new.text) + 1);
}

/* Formats into `buf' and returns the length; text that does not fit in `room' ends in "...". */
static size_t format_text(char *buf, size_t room, const char *format, va_list args)
{
	int wanted = vsnprintf(buf, room, format, args);

	if (wanted < 0) {
		buf[0] = '\0';
		return 0;
	}
	if ((size_t)wanted < room) {
		return (size_t)wanted;
	}
	memcpy(buf + room - sizeof("..."), "...", sizeof("..."));
	return room - 1;
}

/* A reader that is gone or slow must not stop the control thread: then the line is lost. */
static void write_all(const char *text, size_t len)
{
	while (len > 0) {
		ssize_t written = write(STDERR_FILENO, text, len);

		if (written < 0 && errno == EINTR) {
			continue;
		}
		if (written <= 0) {
			return;
		}
		text += written;
		len -= (size_t)written;
	}
}
