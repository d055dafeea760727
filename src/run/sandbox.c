/* sandbox.c - see sandbox.h; libseccomp makes the programs of the rows in sandbox_rows.h.
 *
 * It only makes them: each is taken from it as bytes, so that a thread needs no memory and no
 * library to put one in force. The number of its kind is added to what each program answers to a
 * call that is not on its list, and the kernel hands it to the handler of SIGSYS: the finisher has
 * no memory of its own in which that could stand. A filter must not switch on what the processor
 * does against speculation, which earlier kernels did for each thread that has one: those threads
 * run no foreign code, and would pay for it with every system call.
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
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "src/run/refusals.h"
#include "src/run/sandbox_rows.h"

static struct sock_fprog programs[CONFINE_COUNT]; /* without instructions: not built */
static int refused;                               /* -errno of the kernel; atomic */

static int build(enum confine_kind kind, bool fastpath);
static int add_row(scmp_filter_ctx filter, const struct sandbox_row *row);
static int take(scmp_filter_ctx filter, enum confine_kind kind);
static int export(scmp_filter_ctx filter, struct sock_fprog *program);
static int read_all(int fd, struct sock_fprog *program);
static bool are_same(const struct sock_fprog *a, const struct sock_fprog *b);
static void mark(struct sock_fprog *program, enum confine_kind kind);

int sandbox_build(bool fastpath, struct err *err)
{
	int rc = refusals_open();

	for (int kind = 0; kind < CONFINE_COUNT && rc == 0; kind++) {
		rc = build((enum confine_kind)kind, fastpath);
	}
	if (rc < 0) {
		sandbox_free();
		err_set(err,
			"sandbox: cannot make the filters of system calls: %s; expected memory, "
			"and memfd_create to be allowed",
			strerror(-rc));
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

/* Another machine's calls, as a processor may make those of its predecessor, end the process: they
 * have other numbers, and nothing here makes them. The library takes that only where it has seen
 * that the kernel can; elsewhere they end the thread. */
static int build(enum confine_kind kind, bool fastpath)
{
	unsigned kinds = SANDBOX_KIND(kind);
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_TRAP);
	int rc = filter ? 0 : -ENOMEM;

	if (kind == CONFINE_CONTROL && fastpath) {
		kinds |= SANDBOX_FASTPATH;
	}
	if (rc == 0) {
		(void)seccomp_attr_set(filter, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS);
	}
	if (rc == 0) { /* a tree of numbers instead of a list of them */
		rc = seccomp_attr_set(filter, SCMP_FLTATR_CTL_OPTIMIZE, 2);
	}
	for (size_t i = 0; i < sandbox_row_count && rc == 0; i++) {
		if (sandbox_rows[i].kinds & kinds) {
			rc = add_row(filter, &sandbox_rows[i]);
		}
	}
	rc = rc == 0 ? take(filter, kind) : rc;
	seccomp_release(filter);
	return rc;
}

/* A call that an earlier row allows as a whole stays so. */
static int add_row(scmp_filter_ctx filter, const struct sandbox_row *row)
{
	struct scmp_arg_cmp test = {.arg = row->arg, .op = SCMP_CMP_MASKED_EQ};
	int rc;

	if (row->test == SANDBOX_IS) {
		test.datum_a = UINT32_MAX;
		test.datum_b = row->value;
	} else {
		test.datum_a = row->value;
	}
	rc = seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, row->call, row->test != SANDBOX_ANY,
				    &test);
	return rc == -EEXIST ? 0 : rc;
}

/* What the library leaves out when malloc fails it does not tell in each case: so it makes each
 * program twice, and both must be the same. */
static int take(scmp_filter_ctx filter, enum confine_kind kind)
{
	struct sock_fprog *program = &programs[kind], again = {0};
	int rc = export(filter, program);

	rc = rc == 0 ? export(filter, &again) : rc;
	if (rc == 0 && !are_same(program, &again)) {
		rc = -ENOMEM;
	}
	free(again.filter);
	if (rc == 0) {
		mark(program, kind);
	}
	return rc;
}

/* What the library calls a failure of its own is want of memory. */
static int export(scmp_filter_ctx filter, struct sock_fprog *program)
{
	int fd = memfd_create("numacast-sandbox", MFD_CLOEXEC);
	int rc = fd < 0 ? -errno : seccomp_export_bpf(filter, fd);

	if (rc == 0) {
		rc = read_all(fd, program);
	}
	if (fd >= 0) {
		close(fd);
	}
	return rc == -EFAULT || rc == -ECANCELED ? -ENOMEM : rc;
}

static int read_all(int fd, struct sock_fprog *program)
{
	off_t bytes = lseek(fd, 0, SEEK_END);
	size_t count = bytes > 0 ? (size_t)bytes / sizeof(struct sock_filter) : 0;
	ssize_t got;

	if (bytes < 0) {
		return -errno;
	}
	if (count == 0 || count > BPF_MAXINSNS) {
		return -EFBIG;
	}
	program->filter = malloc((size_t)bytes);
	if (!program->filter) {
		return -ENOMEM;
	}
	got = pread(fd, program->filter, (size_t)bytes, 0);
	if (got != bytes) {
		return got < 0 ? -errno : -EIO;
	}
	program->len = (unsigned short)count;
	return 0;
}

static bool are_same(const struct sock_fprog *a, const struct sock_fprog *b)
{
	return a->filter && b->filter && a->len == b->len &&
	       memcmp(a->filter, b->filter, a->len * sizeof(*a->filter)) == 0;
}

static void mark(struct sock_fprog *program, enum confine_kind kind)
{
	for (unsigned i = 0; i < program->len; i++) {
		struct sock_filter *at = &program->filter[i];

		if (at->code == (BPF_RET | BPF_K) && at->k == SECCOMP_RET_TRAP) {
			at->k |= refusals_mark(kind);
		}
	}
}
