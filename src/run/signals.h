/* signals.h - SIGTERM, SIGINT and SIGHUP as something to poll.
 *
 * They are blocked in every thread and read from a file, so that nothing is ever interrupted.
 * Control thread, before any other thread starts.
 */
#pragma once

/* Blocks the signals in every thread to come (SIGPIPE too, which nobody wants), ignores SIGUSR1 and
 * SIGUSR2, which mean nothing here, and SIGXFSZ, since a write that is too long fails as well; and
 * returns a file that is readable when one arrived, or -errno. */
int signals_open(void);

/* The next signal that arrived, or 0. */
int signals_next(int fd);

/* From here on SIGTERM and SIGINT end the process as if they were not known to it. Those that have
 * arrived are forgotten. All other threads but such as block every signal have ended. */
void signals_release(int fd);

/* "SIGTERM", ... of those above. */
const char *signals_name(int signo);
