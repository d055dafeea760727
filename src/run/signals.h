/* signals.h - SIGTERM, SIGINT and SIGHUP as something to poll.
 *
 * They are blocked in every thread and read from a file, so that nothing is ever interrupted.
 * Control thread, before any other thread starts.
 */
#pragma once

/* Blocks the signals in every thread to come (SIGPIPE too, which nobody wants), and returns a file
 * that is readable when one arrived, or -errno. */
int signals_open(void);

/* The next signal that arrived, or 0. */
int signals_next(int fd);

/* "SIGTERM", ... of those above. */
const char *signals_name(int signo);
