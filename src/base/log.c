/* log.c - formats one line, whole and in one piece, for sink.c to write.
 *
 * Control path only. What an operator or a file contributed to a message may hold control
 * characters; in a log line they become '?', in an error text, which may be printed as it is, \xNN,
 * so that a line stays one line and a terminal stays as it is. Owner: the control thread, and a
 * shard thread until its start is complete.
 */
#include "src/base/log.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "src/base/sink.h"

const char *const log_level_names[] = {"error", "warn", "notice", "info", "debug", NULL};

/* Written while one thread logs, read by all that do. */
static enum log_level log_max = LOG_LEVEL_INFO;
static bool log_prefixed;

static size_t format_text(char *buf, size_t room, const char *format, va_list args)
	__attribute__((format(printf, 3, 0)));
static void copy_escaped(struct err *err, const char *text);
static size_t control_bytes(const unsigned char *text);

void log_init(enum log_level level, bool prefixed)
{
	log_max = level;
	log_prefixed = prefixed;
	sink_init(prefixed);
}

void log_set_level(enum log_level level)
{
	log_max = level;
}

enum log_level log_level(void)
{
	return log_max;
}

void log_write(enum log_level level, const char *format, ...)
{
	char line[SINK_LINE_MAX];
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
	sink_put(line, end + 1);
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
	copy_escaped(err, new.text);
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

/* Control characters become \xNN. What does not fit then is cut off. */
static void copy_escaped(struct err *err, const char *text)
{
	size_t used = 0;

	for (size_t i = 0; text[i] != '\0';) {
		size_t control = control_bytes((const unsigned char *)text + i);
		size_t need = control > 0 ? control * strlen("\\xNN") : 1;

		if (used + need >= sizeof(err->text)) {
			used = used < sizeof(err->text) - sizeof("...")
				       ? used
				       : sizeof(err->text) - sizeof("...");
			memcpy(err->text + used, "...", sizeof("..."));
			return;
		}
		if (control == 0) {
			err->text[used++] = text[i++];
			continue;
		}
		for (size_t end = i + control; i < end; i++) {
			used += (size_t)snprintf(err->text + used, sizeof("\\xNN"), "\\x%02x",
						 (unsigned char)text[i]);
		}
	}
	err->text[used] = '\0';
}

/* How many bytes at `text' are one control character: those of ASCII, or one of ISO 6429's second
 * set in UTF-8, of which terminals know a few. 0: none. */
static size_t control_bytes(const unsigned char *text)
{
	if (text[0] < 0x20 || text[0] == 0x7f) {
		return 1;
	}
	return text[0] == 0xc2 && text[1] >= 0x80 && text[1] <= 0x9f ? 2 : 0;
}
