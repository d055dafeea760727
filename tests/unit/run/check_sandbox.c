/* check_sandbox.c - each kind of thread can make its system calls and no others, and what it is
 * refused is counted.
 *
 * Filters cannot be left again: each is put in force on a thread of its own, and what that thread
 * found is looked at from the first one.
 */
#include "src/run/sandbox.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <pthread.h>
#include <seccomp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include "src/base/must.h"
#include "src/run/refusals.h"

#define CALLS_MAX 8

/* A system call with what it is to be asked with. */
struct call {
	long number;
	long args[6];
};

/* What one thread is to try, and what came of it. */
struct trial {
	enum confine_kind kind;
	struct call calls[CALLS_MAX];
	int count;
	int errors[CALLS_MAX]; /* errno of each, or 0 */
};

/* How the library is when it has no memory. */
enum library {
	LIBRARY_WORKS,
	LIBRARY_CIRCLES,
	LIBRARY_DIES,
	LIBRARY_LEAVES_OUT,
};

static struct err err;
static enum library library;

int __real_seccomp_export_bpf(scmp_filter_ctx filter, int fd);
int __wrap_seccomp_export_bpf(scmp_filter_ctx filter, int fd);

int __wrap_seccomp_export_bpf(scmp_filter_ctx filter, int fd)
{
	static int count;
	volatile enum library *at = &library;

	while (*at == LIBRARY_CIRCLES) {
		/* again */
	}
	if (library == LIBRARY_DIES) {
		(void)signal(SIGABRT, SIG_DFL);
		abort();
	}
	if (library == LIBRARY_LEAVES_OUT && count++ % 2 == 1) {
		return write(fd, "12345678", 8) == 8 ? 0 : -ECANCELED;
	}
	return __real_seccomp_export_bpf(filter, fd);
}

static void setup(void)
{
	ck_assert_int_eq(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), 0);
	ck_assert_msg(sandbox_build(false, &err) == 0, "%s", err.text);
}

static void teardown(void)
{
	sandbox_free();
}

static void *attempt(void *arg)
{
	struct trial *trial = arg;
	sigset_t all;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, NULL);
	sandbox_enter(trial->kind);
	for (int i = 0; i < trial->count; i++) {
		const struct call *c = &trial->calls[i];

		errno = 0;
		trial->errors[i] = syscall(c->number, c->args[0], c->args[1], c->args[2],
					   c->args[3], c->args[4], c->args[5]) < 0
					   ? errno
					   : 0;
	}
	return NULL;
}

static void try(struct trial *trial)
{
	pthread_t thread;

	while (trial->count < CALLS_MAX && trial->calls[trial->count].number != 0) {
		trial->count++;
	}
	ck_assert_int_eq(pthread_create(&thread, NULL, attempt, trial), 0);
	ck_assert_int_eq(pthread_join(thread, NULL), 0);
	ck_assert_int_eq(sandbox_refused(), 0);
}

/* What nobody here has use for, whatever it is asked with. */
START_TEST(no_kind_may_do_what_an_intruder_would)
{
	struct trial trial = {
		.kind = (enum confine_kind)_i,
		.calls = {{SYS_execve, {0}},
			  {SYS_personality, {0xffffffffL}},
			  {SYS_setuid, {0}},
			  {SYS_io_uring_setup, {8, 0}},
			  {SYS_socket, {AF_PACKET, SOCK_RAW, 0}},
			  {SYS_bpf, {BPF_PROG_LOAD, 0, 0}},
			  {SYS_init_module, {0}}},
	};
	uint64_t before = refusals_count((enum confine_kind)_i);

	try(&trial);
	ck_assert_int_eq(trial.count, 7);
	for (int i = 0; i < trial.count; i++) {
		ck_assert_msg(trial.errors[i] == EPERM, "%s, call %d: errno %d",
			      confine_name(trial.kind), i, trial.errors[i]);
	}
	ck_assert_uint_eq(refusals_count((enum confine_kind)_i), before + 7);
}
END_TEST

START_TEST(what_was_refused_is_news_until_it_is_told)
{
	struct trial http = {.kind = CONFINE_HTTP, .calls = {{SYS_setuid, {0}}, {SYS_bpf, {0}}}};
	struct trial log = {.kind = CONFINE_LOG, .calls = {{SYS_setuid, {0}}, {SYS_setuid, {0}}}};
	struct refusals_news news;

	refusals_untold(&news);
	ck_assert_uint_eq(news.count, 0);
	try(&http);
	try(&log);
	refusals_untold(&news);
	ck_assert_uint_eq(news.count, 3);
	ck_assert_int_eq(news.kind, CONFINE_LOG);
	ck_assert_int_eq(news.number, SYS_setuid);
	refusals_tell();
	refusals_untold(&news);
	ck_assert_uint_eq(news.count, 0);
}
END_TEST

START_TEST(every_kind_can_lock_wait_write_and_look_at_clocks)
{
	static int word = 1;
	struct timespec ts = {0};
	int fd = open("/dev/null", O_WRONLY | O_CLOEXEC);
	struct trial trial = {
		.kind = (enum confine_kind)_i,
		.calls = {{SYS_futex, {(long)&word, 1, 1}},
			  {SYS_clock_gettime, {CLOCK_MONOTONIC, (long)&ts}},
			  {SYS_nanosleep, {(long)&(struct timespec){0}, 0}},
			  {SYS_write, {fd, (long)"x", 1}},
			  {SYS_writev, {fd, (long)&(struct iovec){&word, 1}, 1}},
			  {SYS_ppoll, {0, 0, (long)&(struct timespec){0}, 0, 0}},
			  {SYS_gettid, {0}}},
	};
	uint64_t before = refusals_count((enum confine_kind)_i);

	ck_assert_int_ge(fd, 0);
	try(&trial);
	for (int i = 0; i < trial.count; i++) {
		ck_assert_msg(trial.errors[i] == 0, "%s, call %d: errno %d",
			      confine_name(trial.kind), i, trial.errors[i]);
	}
	ck_assert_uint_eq(refusals_count((enum confine_kind)_i), before);
	close(fd);
}
END_TEST

#if !NC_SANITIZED
START_TEST(no_kind_may_have_memory_that_can_be_executed)
{
	void *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct trial trial = {
		.kind = (enum confine_kind)_i,
		.calls = {{SYS_mmap,
			   {0, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0}},
			  {SYS_mprotect, {(long)page, 4096, PROT_READ | PROT_WRITE | PROT_EXEC}},
			  {SYS_mprotect, {(long)page, 4096, PROT_READ}},
			  {SYS_clone, {SIGCHLD, 0, 0, 0, 0}}},
	};

	ck_assert_ptr_ne(page, MAP_FAILED);
	try(&trial);
	ck_assert_int_eq(trial.errors[0], EPERM);
	ck_assert_int_eq(trial.errors[1], EPERM);
	ck_assert_int_eq(trial.errors[2], 0);
	ck_assert_int_eq(trial.errors[3], EPERM);
	munmap(page, 4096);
}
END_TEST

START_TEST(shards_may_read_files_and_control_alone_may_write_them)
{
	bool control = _i == CONFINE_CONTROL;
	bool shard = _i == CONFINE_SHARD_URING || _i == CONFINE_SHARD_MMSG;
	struct trial trial = {
		.kind = (enum confine_kind)_i,
		.calls = {{SYS_openat, {AT_FDCWD, (long)"/dev/null", O_RDONLY | O_CLOEXEC, 0}},
			  {SYS_openat, {AT_FDCWD, (long)"/dev/null", O_WRONLY | O_CLOEXEC, 0}},
			  {SYS_openat, {AT_FDCWD, (long)"/dev/null", O_RDWR | O_CREAT, 0600}}}};

	try(&trial);
	ck_assert_int_eq(trial.errors[0], control || shard ? 0 : EPERM);
	ck_assert_int_eq(trial.errors[1], control ? 0 : EPERM);
	ck_assert_int_eq(trial.errors[2], control ? 0 : EPERM);
}
END_TEST
#endif

/* An answer other than EPERM shows that the kernel was asked. */
START_TEST(engines_have_their_own_calls)
{
	static const struct {
		enum confine_kind kind;
		int enter, receive;
	} wanted[] = {
		{CONFINE_SHARD_URING, EBADF, EPERM},
		{CONFINE_SHARD_MMSG, EPERM, EBADF},
		{CONFINE_HTTP, EPERM, EPERM},
	};

	for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++) {
		struct trial trial = {.kind = wanted[i].kind,
				      .calls = {{SYS_io_uring_enter, {-1, 0, 0, 0, 0, 0}},
						{SYS_recvmmsg, {-1, 0, 0, 0, 0}}}};

		try(&trial);
		ck_assert_int_eq(trial.errors[0], wanted[i].enter);
		ck_assert_int_eq(trial.errors[1], wanted[i].receive);
	}
}
END_TEST

START_TEST(the_fast_path_is_told_only_where_it_was_asked_for)
{
	static const int load = BPF_PROG_LOAD, lookup = BPF_MAP_LOOKUP_ELEM;
	struct trial trial = {.kind = CONFINE_CONTROL,
			      .calls = {{SYS_bpf, {lookup, 0, 0}}, {SYS_bpf, {load, 0, 0}}}};
	struct trial without = trial;

	try(&without);
	ck_assert_int_eq(without.errors[0], EPERM);
	sandbox_free();
	ck_assert_int_eq(sandbox_build(true, &err), 0);
	try(&trial);
	ck_assert_uint_eq(refusals_count(CONFINE_CONTROL), 3);
	ck_assert_int_eq(trial.errors[1], EPERM);
}
END_TEST

START_TEST(what_was_not_built_limits_nobody)
{
	struct trial trial = {.kind = CONFINE_LOG,
			      .calls = {{SYS_getppid, {0}}, {SYS_getuid, {0}}}};

	sandbox_free();
	try(&trial);
	ck_assert_int_eq(trial.errors[0], 0);
	ck_assert_int_eq(trial.errors[1], 0);
	ck_assert_uint_eq(refusals_sum(), 0);
}
END_TEST

/* Number -1: what strace puts in the place of a call that it answers itself. */
START_TEST(what_a_debugger_answers_is_no_refusal)
{
	struct trial trial = {.kind = CONFINE_LOG, .calls = {{-1, {0}}}};

	try(&trial);
	ck_assert_int_ne(trial.errors[0], 0);
	ck_assert_uint_eq(refusals_sum(), 0);
}
END_TEST

START_TEST(a_signal_that_is_no_refusal_ends_the_process)
{
	(void)raise(SIGSYS);
}
END_TEST

/* What libseccomp 2.5 does without memory: its list of blocks becomes a circle, it gives back twice
 * what it has begun, or what it had no memory for is missing. */
START_TEST(a_library_without_memory_ends_in_a_line)
{
	static const struct {
		enum library library;
		int rc;
		const char *words;
	} ways[] = {{LIBRARY_CIRCLES, -EIO, ": it "},
		    {LIBRARY_DIES, -EIO, "it died by signal 6, Aborted"},
		    {LIBRARY_LEAVES_OUT, -ENOMEM, "Cannot allocate memory"}};
	struct trial trial = {.kind = CONFINE_LOG, .calls = {{SYS_getppid, {0}}}};

	sandbox_free();
	for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
		library = ways[i].library;
		ck_assert_int_eq(sandbox_build(false, &err), ways[i].rc);
		ck_assert_msg(strstr(err.text, "cannot make the filters of system calls: ") != NULL,
			      "%s", err.text);
		ck_assert_msg(strstr(err.text, ways[i].words) != NULL, "%s", err.text);
	}
	try(&trial); /* nobody is limited by half a filter */
	ck_assert_int_eq(trial.errors[0], 0);
}
END_TEST

static void *end_by_must(void *arg)
{
	sandbox_enter(*(enum confine_kind *)arg);
	must(!"a thread that has given up what it does not need can still end the process");
	return NULL;
}

/* With a message, and a core for whoever mends it. */
START_TEST(any_kind_may_end_the_process_for_a_mistake_of_ours)
{
	enum confine_kind kind = (enum confine_kind)_i;
	pthread_t thread;

	ck_assert_int_eq(pthread_create(&thread, NULL, end_by_must, &kind), 0);
	pthread_join(thread, NULL);
}
END_TEST

START_TEST(calls_have_names)
{
	char text[SANDBOX_CALL_MAX];

	ck_assert_str_eq(sandbox_name_call(SYS_socket, text), "socket");
	ck_assert_str_eq(sandbox_name_call(511, text), "number 511");
}
END_TEST

int main(void)
{
	Suite *s = suite_create("sandbox");
	TCase *tc = tcase_create("sandbox");
	SRunner *sr = srunner_create(s);
	int failed;

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(tc, no_kind_may_do_what_an_intruder_would, 0, CONFINE_COUNT);
	tcase_add_loop_test(tc, every_kind_can_lock_wait_write_and_look_at_clocks, 0,
			    CONFINE_COUNT);
#if !NC_SANITIZED
	tcase_add_loop_test(tc, no_kind_may_have_memory_that_can_be_executed, 0, CONFINE_COUNT);
	tcase_add_loop_test(tc, shards_may_read_files_and_control_alone_may_write_them, 0,
			    CONFINE_COUNT);
#endif
	tcase_add_test(tc, what_was_refused_is_news_until_it_is_told);
	tcase_add_test(tc, engines_have_their_own_calls);
	tcase_add_test(tc, the_fast_path_is_told_only_where_it_was_asked_for);
	tcase_add_test(tc, what_was_not_built_limits_nobody);
	tcase_add_test(tc, what_a_debugger_answers_is_no_refusal);
	tcase_add_test_raise_signal(tc, a_signal_that_is_no_refusal_ends_the_process, SIGSYS);
	tcase_add_loop_test_raise_signal(tc, any_kind_may_end_the_process_for_a_mistake_of_ours,
					 SIGABRT, 0, CONFINE_COUNT);
	tcase_add_test(tc, calls_have_names);
	tcase_add_test(tc, a_library_without_memory_ends_in_a_line);
	suite_add_tcase(s, tc);
	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed == 0 ? 0 : 1;
}
