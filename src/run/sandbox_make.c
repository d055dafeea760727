/* sandbox_make.c - see sandbox_make.h; libseccomp makes the programs of the rows in sandbox_rows.h.
 *
 * A filter must not switch on what the processor does against speculation, which earlier kernels
 * did for each thread that has one: that is asked for where it is put in force (sandbox.c). The
 * number of its kind is added to what each program answers to a call that is not on its list, and
 * the kernel hands it to the handler of SIGSYS: the finisher has no memory of its own in which that
 * could stand.
 */
#include "src/run/sandbox_make.h"

#include <errno.h>
#include <linux/seccomp.h>
#include <seccomp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "src/run/refusals.h"
#include "src/run/sandbox_rows.h"

static int add_row(scmp_filter_ctx filter, const struct sandbox_row *row);
static int take(scmp_filter_ctx filter, enum confine_kind kind, struct sock_fprog *program);
static int export(scmp_filter_ctx filter, struct sock_fprog *program);
static int read_all(int fd, struct sock_fprog *program);
static bool are_same(const struct sock_fprog *a, const struct sock_fprog *b);
static void mark(struct sock_fprog *program, enum confine_kind kind);

/* Another machine's calls, as a processor may make those of its predecessor, end the process: they
 * have other numbers, and nothing here makes them. The library takes that only where it has seen
 * that the kernel can; elsewhere they end the thread. */
int sandbox_make(enum confine_kind kind, bool fastpath, struct sock_fprog *out)
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
	rc = rc == 0 ? take(filter, kind, out) : rc;
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
static int take(scmp_filter_ctx filter, enum confine_kind kind, struct sock_fprog *program)
{
	struct sock_fprog again = {0};
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
