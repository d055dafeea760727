/* notify.h - tells systemd how far we are: READY=1, STOPPING=1, STATUS=... (sd_notify(3)).
 *
 * The protocol is one datagram to the socket named by NOTIFY_SOCKET; libsystemd would bring four
 * more libraries for it. Without the variable every call does nothing. Control thread.
 */
#pragma once

/* Sends `state' ("READY=1\nSTATUS=..."). 0, also when nobody asked to be told, or -errno. */
int notify_send(const char *state);
