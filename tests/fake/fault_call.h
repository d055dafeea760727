/* fault_call.h - system calls as a seccomp listener sees them: which it is asked about, and what
 * they are called (fault_call.c).
 */
#pragma once

#include <linux/seccomp.h>

#define FAULT_NAME_MAX 64
#define FAULT_WHAT_MAX 192

#define FAULT_WORDS_MAX 512 /* of a stack that are told */

/* The calling thread, and all that it becomes or starts, asks the listener about its calls from now
 * on. Returns the listener's descriptor, closed on exec, or -1 with errno. */
int fault_filter_install(void);

/* The call's name with what makes it another call: `mmap:huge', `setsockopt:0:35', `ioctl:0x8933'.
 * No blank is in it. */
void fault_call_name(const struct seccomp_notif *req, char name[FAULT_NAME_MAX]);

/* What it is done to: a path or the file behind a descriptor; "-" where nothing is known. */
void fault_call_what(const struct seccomp_notif *req, char what[FAULT_WHAT_MAX]);

/* A place in the program or in a library, and where on the caller's stack it stands. */
struct fault_word {
	unsigned long at;
	unsigned long offset; /* bytes from the stack pointer */
};

/* Up to `most' of them, at least 1; how many: where the call was made, at offset 0, and then what
 * may be return addresses, the innermost first. Among these is each function that waits for the
 * call, but what the stack still holds of functions that have returned may be, too. */
int fault_call_frames(const struct seccomp_notif *req, struct fault_word *words, int most);
