/* regular.h - opens files that are to be read again and again while the relay runs.
 *
 * Whoever may put something in the place of such a file could otherwise put a pipe there that
 * nobody writes to, and the thread that opens or reads it would wait for ever. Any thread.
 */
#pragma once

/* For reading, and waits for nothing, whatever stands there. The descriptor, or -errno; -ENOSTR:
 * there is something, and it is no regular file. */
int regular_open(const char *path);
