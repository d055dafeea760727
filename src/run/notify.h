/* notify.h - tells systemd how far we are: READY=1, STOPPING=1, STATUS=... (sd_notify(3)), and
 * hands it descriptors to keep.
 *
 * The protocol is one datagram to the socket named by NOTIFY_SOCKET; libsystemd would bring four
 * more libraries for it. Without the variable every call does nothing. Control thread.
 */
#pragma once

#include <stdbool.h>

#define NOTIFY_WAIT_MS 2000

/* Sends `state' ("READY=1\nSTATUS=..."). 0, also when nobody asked to be told, or -errno. A manager
 * that reads nothing is waited for once, NOTIFY_WAIT_MS at most, and then not again until it has
 * read: -EAGAIN, and notify_tick sends the last such state when it can. */
int notify_send(const char *state);

/* A sign of life: "WATCHDOG=1", and does not wait. As above, but nothing is kept of it. */
int notify_send_sign(const char *state);

/* To be called once a second: sends what the manager had no room for. */
void notify_tick(void);

/* The same with a descriptor ("FDSTORE=1\nFDNAME=..."), of which the manager gets its own, and does
 * not wait: -EAGAIN when the manager has not read what was sent before. `fd' is -1: none. */
int notify_send_fd(const char *state, int fd);

/* Whether anybody asked to be told. */
bool notify_is_wanted(void);
