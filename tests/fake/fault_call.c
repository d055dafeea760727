/* fault_call.c - system calls as a seccomp listener sees them: the filter, and what a call is
 * called.
 *
 * The filter asks about all calls but those in spared[]. A call's name has the arguments that say
 * what is asked of the kernel (an option, a command), for an N of `setsockopt' would mean
 * something else after each change of the program, and an N of `setsockopt:0:42' is a join.
 */
#include "tests/fake/fault_call.h"

#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <seccomp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV
#define SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV (1UL << 5)
#endif

/* Not asked about. First what has no way to fail in a program that is not wrong, on which the C
 * library relies; then brk, which answers with an address, and what has done its work even where
 * it reports an error. */
static const int spared[] = {
	__NR_futex,
	__NR_rt_sigreturn,
	__NR_exit,
	__NR_exit_group,
	__NR_rseq,
	__NR_set_robust_list,
	__NR_set_tid_address,
	__NR_rt_sigprocmask,
	__NR_restart_syscall,
	__NR_gettid,
	__NR_getpid,
	__NR_getppid,
	__NR_getuid,
	__NR_geteuid,
	__NR_getgid,
	__NR_getegid,
	__NR_umask,
	__NR_sched_yield,
	__NR_clock_gettime,
	__NR_gettimeofday,
	__NR_clock_nanosleep,
	__NR_nanosleep,
	__NR_tgkill,
	__NR_sigaltstack,
	__NR_brk,
	__NR_close,
	__NR_munmap,
};

#define SPARED_COUNT (sizeof(spared) / sizeof(spared[0]))

/* What the arguments of a call are. */
struct sort {
	int nr;
	const char *name_args; /* positions that belong to the name, as digits */
	char what;             /* 'p': a path, 'f': a descriptor */
	int what_arg;          /* its position */
};

static const struct sort sorts[] = {
	{__NR_openat, "", 'p', 1},       {__NR_open, "", 'p', 0},
	{__NR_newfstatat, "", 'p', 1},   {__NR_stat, "", 'p', 0},
	{__NR_readlink, "", 'p', 0},     {__NR_readlinkat, "", 'p', 1},
	{__NR_access, "", 'p', 0},       {__NR_faccessat, "", 'p', 1},
	{__NR_faccessat2, "", 'p', 1},   {__NR_unlink, "", 'p', 0},
	{__NR_rename, "", 'p', 0},       {__NR_mkdir, "", 'p', 0},
	{__NR_statfs, "", 'p', 0},       {__NR_chmod, "", 'p', 0},
	{__NR_chown, "", 'p', 0},        {__NR_read, "", 'f', 0},
	{__NR_write, "", 'f', 0},        {__NR_pread64, "", 'f', 0},
	{__NR_getdents64, "", 'f', 0},   {__NR_fstat, "", 'f', 0},
	{__NR_fstatfs, "", 'f', 0},      {__NR_fsync, "", 'f', 0},
	{__NR_lseek, "", 'f', 0},        {__NR_recvmsg, "", 'f', 0},
	{__NR_sendmsg, "", 'f', 0},      {__NR_recvfrom, "", 'f', 0},
	{__NR_sendto, "", 'f', 0},       {__NR_bind, "", 'f', 0},
	{__NR_connect, "", 'f', 0},      {__NR_listen, "", 'f', 0},
	{__NR_accept4, "", 'f', 0},      {__NR_getsockname, "", 'f', 0},
	{__NR_socket, "01", 0, 0},       {__NR_setsockopt, "12", 'f', 0},
	{__NR_getsockopt, "12", 'f', 0}, {__NR_ioctl, "1", 'f', 0},
	{__NR_fcntl, "1", 'f', 0},       {__NR_prctl, "0", 0, 0},
	{__NR_madvise, "2", 0, 0},       {__NR_io_uring_register, "1", 0, 0},
	{__NR_bpf, "0", 0, 0},           {__NR_epoll_ctl, "1", 'f', 0},
	{__NR_prlimit64, "1", 0, 0},
};

#define STACK_WORDS 8192 /* looked at for return addresses */
#define TEXTS_MAX   64

/* Where instructions are: of the program and of its libraries. */
struct texts {
	struct text {
		unsigned long from, to;
	} list[TEXTS_MAX];
	int count;
};

static const struct sort *sort_of(int nr);
static void add_arg(char *name, unsigned long arg);
static void path_of(const struct seccomp_notif *req, unsigned long at, char *what);
static void file_of(const struct seccomp_notif *req, int fd, char *what);
static void texts_of(const struct seccomp_notif *req, struct texts *out);
static bool is_text(const struct texts *texts, unsigned long at);
static FILE *memory_of(const struct seccomp_notif *req);
static unsigned long stack_of(const struct seccomp_notif *req, unsigned long *at);
static bool follows_a_call(FILE *memory, unsigned long at);

int fault_filter_install(void)
{
	struct sock_filter code[SPARED_COUNT + 3];
	struct sock_fprog prog = {.filter = code};
	size_t n = 0;

	code[n++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
						 offsetof(struct seccomp_data, nr));
	for (size_t i = 0; i < SPARED_COUNT; i++) {
		code[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, spared[i],
							 (uint8_t)(SPARED_COUNT - i), 0);
	}
	code[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_USER_NOTIF);
	code[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
	prog.len = (unsigned short)n;
	return (int)syscall(
		SYS_seccomp, SECCOMP_SET_MODE_FILTER,
		SECCOMP_FILTER_FLAG_NEW_LISTENER | SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV, &prog);
}

void fault_call_name(const struct seccomp_notif *req, char name[FAULT_NAME_MAX])
{
	char *word = seccomp_syscall_resolve_num_arch(SCMP_ARCH_NATIVE, req->data.nr);
	const struct sort *sort = sort_of(req->data.nr);

	if (word) {
		snprintf(name, FAULT_NAME_MAX, "%.31s", word);
	} else {
		snprintf(name, FAULT_NAME_MAX, "call-%d", req->data.nr);
	}
	free(word);
	for (const char *p = sort ? sort->name_args : ""; *p; p++) {
		add_arg(name, (unsigned)req->data.args[*p - '0']);
	}
	if (req->data.nr == __NR_mmap) {
		strcat(name, req->data.args[3] & MAP_HUGETLB     ? ":huge"
			     : req->data.args[3] & MAP_ANONYMOUS ? ":memory"
								 : ":file");
	}
}

void fault_call_what(const struct seccomp_notif *req, char what[FAULT_WHAT_MAX])
{
	const struct sort *sort = sort_of(req->data.nr);

	strcpy(what, "-");
	if (sort && sort->what == 'p') {
		path_of(req, req->data.args[sort->what_arg], what);
	} else if (sort && sort->what == 'f') {
		file_of(req, (int)req->data.args[sort->what_arg], what);
	}
	for (char *p = what; *p; p++) {
		*p = *p == '\n' ? ' ' : *p;
	}
}

int fault_call_frames(const struct seccomp_notif *req, struct fault_word *words, int most)
{
	static unsigned long stack[STACK_WORDS];
	static struct texts texts;
	FILE *memory = memory_of(req);
	unsigned long sp = stack_of(req, &words[0].at);
	size_t count = 0;
	int found = 1;

	words[0].offset = 0;
	texts_of(req, &texts);
	if (memory && fseek(memory, (long)sp, SEEK_SET) == 0) {
		count = fread(stack, 1, sizeof(stack), memory) / sizeof(stack[0]);
	}
	for (size_t i = 0; i < count && found < most; i++) {
		if (is_text(&texts, stack[i]) && follows_a_call(memory, stack[i])) {
			words[found++] =
				(struct fault_word){.at = stack[i], .offset = i * sizeof(stack[0])};
		}
	}
	if (memory) {
		fclose(memory);
	}
	return found;
}

static const struct sort *sort_of(int nr)
{
	for (size_t i = 0; i < sizeof(sorts) / sizeof(sorts[0]); i++) {
		if (sorts[i].nr == nr) {
			return &sorts[i];
		}
	}
	return NULL;
}

/* Small numbers are read best in decimal, commands of ioctl are not small. */
static void add_arg(char *name, unsigned long arg)
{
	size_t len = strlen(name);

	snprintf(name + len, FAULT_NAME_MAX - len, arg < 4096 ? ":%lu" : ":%#lx", arg);
}

/* A path that is relative to a directory's descriptor is told behind it; an empty one is the file.
 */
static void path_of(const struct seccomp_notif *req, unsigned long at, char *what)
{
	const struct sort *sort = sort_of(req->data.nr);
	FILE *file = memory_of(req);
	char path[128] = "";
	size_t len = 0;

	if (file && fseek(file, (long)at, SEEK_SET) == 0) {
		len = fread(path, 1, sizeof(path) - 1, file);
	}
	if (file) {
		fclose(file);
	}
	path[len] = 0;
	if (path[0] != '/' && sort->what_arg == 1 && (int)req->data.args[0] >= 0) {
		file_of(req, (int)req->data.args[0], what);
		len = strlen(what);
		snprintf(what + len, FAULT_WHAT_MAX - len, "%s%.60s", path[0] ? "/" : "", path);
	} else {
		snprintf(what, FAULT_WHAT_MAX, "%s", path);
	}
}

static void file_of(const struct seccomp_notif *req, int fd, char *what)
{
	char link[64];
	ssize_t len;

	snprintf(link, sizeof(link), "/proc/%u/fd/%d", req->pid, fd);
	len = readlink(link, what, FAULT_WHAT_MAX / 2);
	what[len > 0 ? len : 0] = 0;
	if (len <= 0) {
		strcpy(what, "-");
	}
}

static void texts_of(const struct seccomp_notif *req, struct texts *out)
{
	char path[64], line[512];
	FILE *file;

	out->count = 0;
	snprintf(path, sizeof(path), "/proc/%u/maps", req->pid);
	file = fopen(path, "re");
	while (file && out->count < TEXTS_MAX && fgets(line, sizeof(line), file)) {
		struct text *text = &out->list[out->count];

		out->count += strstr(line, " r-xp ") &&
			      sscanf(line, "%lx-%lx", &text->from, &text->to) == 2;
	}
	if (file) {
		fclose(file);
	}
}

static bool is_text(const struct texts *texts, unsigned long at)
{
	for (int i = 0; i < texts->count; i++) {
		if (at > texts->list[i].from && at < texts->list[i].to) {
			return true;
		}
	}
	return false;
}

static FILE *memory_of(const struct seccomp_notif *req)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%u/mem", req->pid);
	return fopen(path, "re");
}

/* The stack pointer, and where the call was made. The file ends with these two. */
static unsigned long stack_of(const struct seccomp_notif *req, unsigned long *at)
{
	char path[64], line[256] = "";
	unsigned long stack = 0;
	char *end;
	FILE *file;

	*at = 0;
	snprintf(path, sizeof(path), "/proc/%u/syscall", req->pid);
	file = fopen(path, "re");
	if (file && fgets(line, sizeof(line), file) && (end = strrchr(line, ' ')) != NULL) {
		*at = strtoul(end + 1, NULL, 16);
		*end = 0;
		end = strrchr(line, ' ');
		stack = end ? strtoul(end + 1, NULL, 16) : 0;
	}
	if (file) {
		fclose(file);
	}
	return stack;
}

/* On x86-64 a call is e8 and four bytes, or ff, a byte that has 2 in its middle, and up to four
 * more. */
static bool follows_a_call(FILE *memory, unsigned long at)
{
#ifdef __x86_64__
	unsigned char code[7];

	if (fseek(memory, (long)at - 7, SEEK_SET) != 0 || fread(code, 1, 7, memory) != 7) {
		return false;
	}
	if (code[2] == 0xe8) {
		return true;
	}
	for (int back = 2; back <= 7; back++) {
		if (code[7 - back] == 0xff && (code[8 - back] >> 3 & 7) == 2) {
			return true;
		}
	}
	return false;
#else
	(void)memory;
	(void)at;
	return true;
#endif
}
