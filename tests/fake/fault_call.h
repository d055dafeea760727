/* fault_call.h - system calls as a seccomp listener sees them: which it is asked about, and what
 * they are called (fault_call.c).
 */
#pragma once

#include <linux/seccomp.h>

#define FAULT_NAME_MAX 64
#define FAULT_WHAT_MAX 192

/* The calling thread, and all that it becomes or starts, asks the listener about its calls from now
 * on. Returns the listener's descriptor, closed on exec, or -1 with errno. */
int fault_filter_install(void);

/* The call's name with what makes it another call: `mmap:huge', `setsockopt:0:35', `ioctl:0x8933'.
 * No blank is in it. */
void fault_call_name(const struct seccomp_notif *req, char name[FAULT_NAME_MAX]);

/* What it is done to: a path or the file behind a descriptor; "-" where nothing is known. */
void fault_call_what(const struct seccomp_notif *req, char what[FAULT_WHAT_MAX]);

/* Up to `most' return addresses into the program itself that lie on the caller's stack, the
 * innermost first; how many. Among them is each function that waits for the call, but others may
 * be, too. */
int fault_call_frames(const struct seccomp_notif *req, unsigned long *frames, int most);
