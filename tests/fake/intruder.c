/* intruder.c - makes system calls that the thread it runs on has no use for.
 *
 * Preloaded into the real numacastd (LD_PRELOAD): a thread that has given itself the name in
 * INTRUDER_THREAD asks, each time before it polls for events, for a call that changes nothing:
 * personality(2).
 */
#include <dlfcn.h>
#include <poll.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

/* next NAME: the C library's function behind ours. */
#define NEXT(name) ((__typeof__(&(name)))dlsym(RTLD_NEXT, #name))

#define PERSONALITY_ASK 0xffffffffUL /* changes nothing */

static __thread bool chosen;

/* NOLINTBEGIN(readability-inconsistent-declaration-parameter-name): libc calls them __fds. */
int pthread_setname_np(pthread_t thread, const char *name)
{
	const char *wanted = getenv("INTRUDER_THREAD");

	chosen = wanted && strcmp(name, wanted) == 0;
	return NEXT(pthread_setname_np)(thread, name);
}

int poll(struct pollfd *fds, nfds_t count, int wait_ms)
{
	static __typeof__(&poll) next;

	if (next == NULL) {
		next = NEXT(poll);
	}
	if (chosen) {
		(void)syscall(SYS_personality, PERSONALITY_ASK);
	}
	return next(fds, count, wait_ms);
}
/* NOLINTEND(readability-inconsistent-declaration-parameter-name) */
