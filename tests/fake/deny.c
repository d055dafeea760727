/* deny.c - runs a program for which chosen system calls fail, as a hardened host would have it.
 *
 *     deny CALL[:INDEX&MASK]=ERRNO... -- PROGRAM [ARGUMENT...]
 *     deny io_uring_setup=EPERM -- src/numacastd ...
 *     deny mmap:3\&0x40000=ENOMEM -- src/numacastd ...       (MAP_HUGETLB in argument 3)
 *     deny madvise:2=23=EFAULT ...                            (argument 2 equals 23)
 *
 * seccomp compares arguments by value, so this works on the real binary without a special build.
 * Exit status 2 when the words cannot be understood; otherwise the program's own.
 */
#include <errno.h>
#include <seccomp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct denial {
	char call[64];
	bool has_arg;
	struct scmp_arg_cmp arg;
	int error;
};

static bool denial_parse(const char *text, struct denial *out);
static int errno_by_name(const char *name);
static bool arg_parse(const char *text, struct denial *out);
static bool denial_install(scmp_filter_ctx filter, const struct denial *denial);

int main(int argc, char **argv)
{
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
	struct denial denial;
	int i = 1;

	for (; i < argc && strcmp(argv[i], "--") != 0; i++) {
		if (!denial_parse(argv[i], &denial) || !denial_install(filter, &denial)) {
			fprintf(stderr, "deny: cannot understand %s\n", argv[i]);
			return 2;
		}
	}
	if (i == 1 || i + 1 >= argc) {
		fprintf(stderr, "usage: deny CALL[:ARGUMENT]=ERRNO... -- PROGRAM...\n");
		return 2;
	}
	if (seccomp_load(filter) != 0) {
		fprintf(stderr, "deny: the filter cannot be loaded\n");
		return 2;
	}
	execvp(argv[i + 1], argv + i + 1);
	perror(argv[i + 1]);
	return 2;
}

/* Reads CALL[:ARGUMENT]=ERRNO; the last `=' separates the error. */
static bool denial_parse(const char *text, struct denial *out)
{
	char copy[128];
	char *error;
	char *arg;

	memset(out, 0, sizeof(*out));
	if (strlen(text) >= sizeof(copy)) {
		return false;
	}
	strcpy(copy, text);
	error = strrchr(copy, '=');
	if (error == NULL) {
		return false;
	}
	*error++ = 0;
	out->error = errno_by_name(error);
	arg = strchr(copy, ':');
	if (arg != NULL) {
		*arg++ = 0;
	}
	if (strlen(copy) >= sizeof(out->call)) {
		return false;
	}
	strcpy(out->call, copy);
	return out->error != 0 && (arg == NULL || arg_parse(arg, out));
}

static int errno_by_name(const char *name)
{
	static const struct {
		const char *name;
		int value;
	} names[] = {{"EPERM", EPERM},   {"ENOSYS", ENOSYS}, {"ENOMEM", ENOMEM},
		     {"EINVAL", EINVAL}, {"EFAULT", EFAULT}, {"ENOBUFS", ENOBUFS},
		     {"EACCES", EACCES}, {"EIO", EIO},       {"EMSGSIZE", EMSGSIZE}};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (strcmp(names[i].name, name) == 0) {
			return names[i].value;
		}
	}
	return 0;
}

/* "INDEX=VALUE" or "INDEX&MASK" (all bits of MASK set). */
static bool arg_parse(const char *text, struct denial *out)
{
	char *end;
	unsigned index = (unsigned)strtoul(text, &end, 10);
	char op = *end;
	uint64_t value;

	if (end == text || index > 5 || (op != '=' && op != '&')) {
		return false;
	}
	text = end + 1;
	value = strtoull(text, &end, 0);
	out->has_arg = true;
	out->arg = op == '=' ? SCMP_CMP64(index, SCMP_CMP_EQ, value, 0)
			     : SCMP_CMP64(index, SCMP_CMP_MASKED_EQ, value, value);
	return end != text && *end == 0;
}

static bool denial_install(scmp_filter_ctx filter, const struct denial *denial)
{
	int call = seccomp_syscall_resolve_name(denial->call);

	return call != __NR_SCMP_ERROR &&
	       seccomp_rule_add_array(filter, SCMP_ACT_ERRNO(denial->error), call,
				      denial->has_arg ? 1 : 0, &denial->arg) == 0;
}
