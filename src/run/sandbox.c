/* sandbox.c - see sandbox.h; libseccomp makes the programs (sandbox_make.h), in a child.
 *
 * What the child says is a head and behind it the instructions of one program after the other. A
 * thread needs no memory and no library to put one in force. A filter must not switch on what the
 * processor does against speculation, which earlier kernels did for each thread that has one: those
 * threads run no foreign code, and would pay for it with every system call.
 *
 * Built by the control thread; read by any.
 */
#include "src/run/sandbox.h"

#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <seccomp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "src/base/errand.h"
#include "src/run/refusals.h"
#include "src/run/sandbox_make.h"

/* All programs take some 20 ms, and with sanitizers ten times that; a circle has no end. */
#define CPU_S       2
#define PATIENCE_MS 30000
#define ANSWER_MAX  ((size_t)1 << 20)

/* Before the instructions. */
struct head {
	int rc; /* 0 or -errno: then no instructions follow */
	unsigned short lens[CONFINE_COUNT];
};

static struct sock_fprog programs[CONFINE_COUNT]; /* without instructions: not built */
static int refused;                               /* -errno of the kernel; atomic */

static int have_made(bool fastpath, struct err *how);
static bool make_and_tell(void *context, int fd);
static int take(const struct errand_answer *answer, struct err *how);

int sandbox_build(bool fastpath, struct err *err)
{
	struct err how = {0};
	int rc = refusals_open();

	if (rc < 0) {
		err_set(&how, "%s", strerror(-rc));
	} else {
		rc = have_made(fastpath, &how);
	}
	if (rc < 0) {
		sandbox_free();
		err_set(err,
			"sandbox: cannot make the filters of system calls: %.256s; expected "
			"memory, and memfd_create to be allowed",
			how.text);
	}
	return rc;
}

void sandbox_free(void)
{
	for (int kind = 0; kind < CONFINE_COUNT; kind++) {
		free(programs[kind].filter);
		programs[kind] = (struct sock_fprog){0};
	}
}

/* A signal that the kernel sends for a refused call ends the process where it is blocked. */
void sandbox_enter(enum confine_kind kind)
{
	sigset_t set;
	long rc;

	if (programs[kind].len == 0) {
		return;
	}
	sigemptyset(&set);
	sigaddset(&set, SIGSYS);
	(void)pthread_sigmask(SIG_UNBLOCK, &set, NULL);
	rc = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_SPEC_ALLOW,
		     &programs[kind]);
	if (rc < 0) {
		__atomic_store_n(&refused, -errno, __ATOMIC_RELAXED);
	}
}

int sandbox_refused(void)
{
	return __atomic_load_n(&refused, __ATOMIC_RELAXED);
}

const char *sandbox_name_call(int number, char text[SANDBOX_CALL_MAX])
{
	char *name = seccomp_syscall_resolve_num_arch(SCMP_ARCH_NATIVE, number);

	if (name) {
		snprintf(text, SANDBOX_CALL_MAX, "%.30s", name);
	} else {
		snprintf(text, SANDBOX_CALL_MAX, "number %d", number);
	}
	free(name);
	return text;
}

static int have_made(bool fastpath, struct err *how)
{
	struct errand errand = {.run = make_and_tell,
				.context = &fastpath,
				.answer_max = ANSWER_MAX,
				.patience_ms = PATIENCE_MS,
				.cpu_s = CPU_S};
	struct errand_answer answer;
	int rc = errand_run(&errand, &answer, how);

	rc = rc == 0 ? take(&answer, how) : rc;
	errand_answer_free(&answer);
	return rc;
}

/* The child, which gives nothing back: it ends. */
static bool make_and_tell(void *context, int fd)
{
	bool fastpath = *(const bool *)context, told;
	struct sock_fprog made[CONFINE_COUNT] = {0};
	struct head head = {0};

	for (int kind = 0; kind < CONFINE_COUNT && head.rc == 0; kind++) {
		head.rc = sandbox_make((enum confine_kind)kind, fastpath, &made[kind]);
		head.lens[kind] = made[kind].len;
	}
	told = errand_tell(fd, &head, sizeof(head));
	for (int kind = 0; kind < CONFINE_COUNT && head.rc == 0 && told; kind++) {
		told = errand_tell(fd, made[kind].filter, made[kind].len * sizeof(*made->filter));
	}
	return told;
}

/* A child that has lost its way over a lack of memory is not believed: a program that is not whole,
 * or longer than the kernel takes, is none. */
static int take(const struct errand_answer *answer, struct err *how)
{
	size_t at = sizeof(struct head);
	struct head head = {.rc = -ENOMEM};

	if (answer->len >= sizeof(head)) {
		memcpy(&head, answer->bytes, sizeof(head));
	}
	for (int kind = 0; kind < CONFINE_COUNT && head.rc == 0; kind++) {
		struct sock_fprog *program = &programs[kind];
		size_t bytes = head.lens[kind] * sizeof(*program->filter);

		if (bytes == 0 || bytes > answer->len - at) {
			head.rc = -ENOMEM;
			break;
		}
		program->filter = malloc(bytes);
		if (!program->filter) {
			head.rc = -ENOMEM;
			break;
		}
		memcpy(program->filter, answer->bytes + at, bytes);
		program->len = head.lens[kind];
		at += bytes;
	}
	if (head.rc < 0) {
		err_set(how, "%s", strerror(-head.rc));
	}
	return head.rc;
}
