/* log.h - one line to stderr, from the control thread only; sink.h says when it is written.
 *
 * Lines are journal-friendly: when stderr is not a terminal each begins with the syslog priority
 * in angle brackets (sd-daemon(3)). Form of a message: lower case, no full stop, subject first,
 * cause last: `eth0: cannot join 239.1.1.1: No such device'. A shard never logs after start; it
 * counts, and the control thread reports.
 */
#pragma once

#include <stdarg.h>
#include <stdbool.h>

enum log_level {
	LOG_LEVEL_ERROR = 3, /* the numbers are syslog's */
	LOG_LEVEL_WARN = 4,
	LOG_LEVEL_NOTICE = 5,
	LOG_LEVEL_INFO = 6,
	LOG_LEVEL_DEBUG = 7,
};

/* Lines above `level' are dropped; `prefixed' asks for the <N> prefix. Before threads start. */
void log_init(enum log_level level, bool prefixed);

/* Lines above `level' are dropped from here on. Control thread, while no other one logs. */
void log_set_level(enum log_level level);
enum log_level log_level(void);

/* "error" to "debug", of LOG_LEVEL_ERROR and up; ends with NULL. */
extern const char *const log_level_names[];

void log_write(enum log_level level, const char *format, ...) __attribute__((format(printf, 2, 3)));

#define log_error(...)  log_write(LOG_LEVEL_ERROR, __VA_ARGS__)
#define log_warn(...)   log_write(LOG_LEVEL_WARN, __VA_ARGS__)
#define log_notice(...) log_write(LOG_LEVEL_NOTICE, __VA_ARGS__)
#define log_info(...)   log_write(LOG_LEVEL_INFO, __VA_ARGS__)
#define log_debug(...)  log_write(LOG_LEVEL_DEBUG, __VA_ARGS__)

/* An error text for whoever asked, without allocation: functions that can refuse an operator's
 * wish fill one in on failure. Always terminated; text that does not fit ends in "...". Control
 * characters of the arguments stand there as \xNN. */
struct err {
	char text[512];
};

void err_set(struct err *err, const char *format, ...) __attribute__((format(printf, 2, 3)));
