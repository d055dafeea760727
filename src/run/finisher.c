/* finisher.c - see finisher.h.
 *
 * The other process is made by clone(2) with CLONE_VM and CLONE_FILES, so it has the same memory
 * and the same descriptors, but is a process of its own: no signal for this one reaches it, SIGKILL
 * included. It has no thread-local memory of its own either and uses that of the thread that made
 * it, so while that lives it may do nothing but wait in a system call that does not fail. It blocks
 * all signals. Once the threads are dead, nobody holds a lock that will be let go: so nothing is
 * allocated and nothing logged. Giving up what it may do (src/base/confine.h) takes system calls
 * that can fail, and so the thread that makes it waits until that is over.
 *
 * The descriptor by which it waits becomes readable when the last thread of the process is gone,
 * io_uring's included. As the descriptors are shared, the rings are still open then, but nobody can
 * receive by them.
 */
#include "src/run/finisher.h"

#include <errno.h>
#include <linux/futex.h>
#include <linux/prctl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "src/base/clock.h"
#include "src/base/confine.h"
#include "src/run/finish_note.h"
#include "src/run/supervisor.h"

#define STACK_BYTES     (256 * 1024)
#define NAME            "nc-finisher"
#define CONFINE_WAIT_MS 1000
#define CONFINE_WAITS   10

/* Its sanitizer takes clone(2) for a fork, after which it allows no thread. */
#if defined(__SANITIZE_THREAD__)
#define IS_WATCHED true
#else
#define IS_WATCHED false
#endif

static pid_t make_process(struct finisher *f);
static void await_confined(struct finisher *f);
static int wait_and_finish(void *arg);
static void finish(const struct finisher *f);

void finisher_start(struct finisher *f, const struct supervisor *sup)
{
	if (!sup->store.on) {
		return;
	}
	*f = (struct finisher){.sup = sup, .stack = MAP_FAILED, .death_fd = -1};
	if (IS_WATCHED) {
		return;
	}
	f->death_fd = (int)syscall(SYS_pidfd_open, getpid(), 0);
	f->stack = mmap(NULL, STACK_BYTES, PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
	f->pid = f->death_fd >= 0 && f->stack != MAP_FAILED ? make_process(f) : -1;
	if (f->pid < 0) {
		log_warn("store: cannot make the process that finishes what a killed one was "
			 "about: %s; expected Linux 5.3, and clone and pidfd_open to be allowed; "
			 "what was received and not sent is lost when this process is killed",
			 strerror(errno));
	}
}

void finisher_end(struct finisher *f)
{
	if (!f->sup) {
		return;
	}
	if (f->pid > 0) {
		kill(f->pid, SIGKILL);
		while (waitpid(f->pid, NULL, __WALL) < 0 && errno == EINTR) {
		}
	}
	if (f->stack != MAP_FAILED) {
		munmap(f->stack, STACK_BYTES);
	}
	if (f->death_fd >= 0) {
		close(f->death_fd);
	}
	finish_note_write(f->sup->store.note_fds[1], NULL, NULL);
	*f = (struct finisher){0};
}

/* With all signals blocked, there from the start. */
static pid_t make_process(struct finisher *f)
{
	sigset_t all, before;
	pid_t pid;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	pid = clone(wait_and_finish, (char *)f->stack + STACK_BYTES, CLONE_VM | CLONE_FILES, f);
	if (pid > 0) {
		await_confined(f);
	}
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return pid;
}

/* Not for ever: whoever may kill this process may kill that one. */
static void await_confined(struct finisher *f)
{
	const struct timespec piece = {.tv_nsec = CONFINE_WAIT_MS / CONFINE_WAITS * NS_PER_MS};

	for (int i = 0; i < CONFINE_WAITS && !__atomic_load_n(&f->confined, __ATOMIC_ACQUIRE);
	     i++) {
		(void)syscall(SYS_futex, &f->confined, FUTEX_WAIT, 0, &piece, NULL, 0);
	}
}

/* Nothing here may be watched by a sanitizer, which keeps its accounts with the thread. */
__attribute__((no_sanitize("address", "undefined", "thread"))) static int wait_and_finish(void *arg)
{
	struct finisher *f = arg;
	struct pollfd death = {.fd = f->death_fd, .events = POLLIN};

	syscall(SYS_prctl, PR_SET_NAME, NAME, 0, 0, 0);
	confine_self(CONFINE_FINISHER);
	__atomic_store_n(&f->confined, 1, __ATOMIC_RELEASE);
	syscall(SYS_futex, &f->confined, FUTEX_WAKE, 1, NULL, NULL, 0);
	while (syscall(SYS_ppoll, &death, 1, NULL, NULL, 0) != 1) {
	}
	finish(f);
	return 0;
}

static void finish(const struct finisher *f)
{
	struct finish done = {0};
	struct refusals_news refused;

	for (uint32_t i = 0; i < f->sup->worker_count; i++) {
		struct shard *shard = f->sup->workers[i].shard;

		if (shard && shard->relay.ring) {
			shard_finish(shard, &done);
		}
	}
	refusals_untold(&refused);
	finish_note_write(f->sup->store.note_fds[1], &done, &refused);
}
