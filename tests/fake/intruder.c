/* intruder.c - makes system calls that the thread it runs on has no use for.
 *
 * Preloaded into the real numacastd (LD_PRELOAD): a thread that has given itself the name in
 * INTRUDER_THREAD asks, each time before it polls for events, for a call that changes nothing:
 * personality(2). With INTRUDER_ENDS, a file, it does so once the first byte of that is not zero,
 * and then ends the process by an instruction that there is none of.
 */
#include <dlfcn.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

/* next NAME: the C library's function behind ours. */
#define NEXT(name) ((__typeof__(&(name)))dlsym(RTLD_NEXT, #name))

#define PERSONALITY_ASK 0xffffffffUL /* changes nothing */

static __thread bool chosen;
static const volatile char *order; /* NULL: none is awaited */

static void await_order(void);

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
	if (chosen && (!order || *order)) {
		(void)syscall(SYS_personality, PERSONALITY_ASK);
		if (order) {
			__builtin_trap();
		}
	}
	return next(fds, count, wait_ms);
}
/* NOLINTEND(readability-inconsistent-declaration-parameter-name) */

/* Before any thread is limited. */
__attribute__((constructor)) static void await_order(void)
{
	const char *file = getenv("INTRUDER_ENDS");
	int fd = file ? open(file, O_RDONLY | O_CLOEXEC) : -1;

	if (fd >= 0) {
		void *page = mmap(NULL, 1, PROT_READ, MAP_SHARED, fd, 0);

		order = page == MAP_FAILED ? NULL : page;
		close(fd);
	}
}
