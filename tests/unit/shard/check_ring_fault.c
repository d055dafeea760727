/* check_ring_fault.c - the engines on kernels that refuse, are short of memory, or do things by
 * half.
 *
 * The functions below stand before those of liburing and of the C library, so each test can make
 * the kernel look older or poorer than it is: flags unknown, registrations refused, io_uring_enter
 * taking one operation at a time or none. What gets through is the real thing. */
#include "shard/ring.h"

#include <check.h>
#include <dlfcn.h>
#include <errno.h>
#include <liburing.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "shard/ring/compat.h"
#include "tests/unit/shard/ring_rig.h"

static struct rig rig;

/* What the kernel of a test cannot do. */
static struct {
	unsigned setup_refused; /* flags answered with EINVAL */
	int setup_errno;        /* for the next setup_count setups */
	int setup_count;
	unsigned features_hidden;
	int files_errno, buffers_errno, ring_fd_errno;
	int enter_errno;       /* of every enter_period-th io_uring_enter; */
	unsigned enter_period; /* 1: of each */
	unsigned enter_calls;
	unsigned submit_max; /* operations taken by one io_uring_enter; 0: all */
	int pwait2_errno;
	int epoll_add_errno;
	unsigned sendmmsg_max;        /* messages taken by one sendmmsg; 0: all */
	unsigned recvmmsg_interrupts; /* calls that are interrupted first */
} fault;

#define REAL(name) ((__typeof__(&(name)))dlsym(RTLD_NEXT, #name))

int io_uring_queue_init_params(unsigned entries, struct io_uring *ring, struct io_uring_params *p)
{
	int ret;

	if (fault.setup_count > 0) {
		fault.setup_count--;
		return -fault.setup_errno;
	}
	if ((p->flags & fault.setup_refused) != 0) {
		return -EINVAL;
	}
	ret = REAL(io_uring_queue_init_params)(entries, ring, p);
	p->features &= ~fault.features_hidden;
	return ret;
}

int io_uring_register_files_sparse(struct io_uring *ring, unsigned nr)
{
	return fault.files_errno != 0 ? -fault.files_errno
				      : REAL(io_uring_register_files_sparse)(ring, nr);
}

int io_uring_register_files_update(struct io_uring *ring, unsigned off, const int *files,
				   unsigned nr)
{
	return fault.files_errno != 0 ? -fault.files_errno
				      : REAL(io_uring_register_files_update)(ring, off, files, nr);
}

int io_uring_register_buf_ring(struct io_uring *ring, struct io_uring_buf_reg *reg, unsigned flags)
{
	return fault.buffers_errno != 0 ? -fault.buffers_errno
					: REAL(io_uring_register_buf_ring)(ring, reg, flags);
}

int io_uring_register_ring_fd(struct io_uring *ring)
{
	return fault.ring_fd_errno != 0 ? -fault.ring_fd_errno
					: REAL(io_uring_register_ring_fd)(ring);
}

int io_uring_enter2(unsigned fd, unsigned to_submit, unsigned min_complete, unsigned flags,
		    sigset_t *sig, size_t sz)
{
	if (fault.enter_errno != 0 && ++fault.enter_calls % fault.enter_period == 0) {
		return -fault.enter_errno;
	}
	if (fault.submit_max > 0 && to_submit > fault.submit_max) {
		/* As the kernel does: what was not all taken is not waited for. */
		return REAL(io_uring_enter2)(fd, fault.submit_max, 0, flags & ~IORING_ENTER_EXT_ARG,
					     NULL, _NSIG / 8);
	}
	return REAL(io_uring_enter2)(fd, to_submit, min_complete, flags, sig, sz);
}

int epoll_pwait2(int fd, struct epoll_event *events, int maxevents, const struct timespec *timeout,
		 const sigset_t *ss)
{
	if (fault.pwait2_errno != 0) {
		errno = fault.pwait2_errno;
		return -1;
	}
	return REAL(epoll_pwait2)(fd, events, maxevents, timeout, ss);
}

int epoll_ctl(int epfd, int op, int fd, struct epoll_event *event)
{
	if (fault.epoll_add_errno != 0 && op == EPOLL_CTL_ADD) {
		errno = fault.epoll_add_errno;
		return -1;
	}
	return REAL(epoll_ctl)(epfd, op, fd, event);
}

int sendmmsg(int fd, struct mmsghdr *vmessages, unsigned vlen, int flags)
{
	if (fault.sendmmsg_max > 0 && vlen > fault.sendmmsg_max) {
		vlen = fault.sendmmsg_max;
	}
	return REAL(sendmmsg)(fd, vmessages, vlen, flags);
}

int recvmmsg(int fd, struct mmsghdr *vmessages, unsigned vlen, int flags, struct timespec *tmo)
{
	if (fault.recvmmsg_interrupts > 0) {
		fault.recvmmsg_interrupts--;
		errno = EINTR;
		return -1;
	}
	return REAL(recvmmsg)(fd, vmessages, vlen, flags, tmo);
}

/* Sends 100 numbers through the ring and receives them through it, in order. */
static void relay_hundred(int variant)
{
	rig.relend = true;
	rig.rearm = true;
	rig_open_pair(&rig, variant, AF_INET);
	rig_lend_range(&rig, 0, 16);
	ring_arm_recv(rig.ring, 0, 0, 0);
	for (uint32_t i = 0; i < 100; i += 20) {
		rig_queue_numbers(&rig, 1, i, 20);
		rig_turn(&rig, 0);
	}
	rig_until_sent(&rig, 100);
	rig_until_got(&rig, 100);
	for (uint32_t i = 0; i < 100; i++) {
		ck_assert_uint_eq(rig.sent[i].token, i);
		ck_assert_int_eq(rig.sent[i].res, sizeof(uint32_t));
		ck_assert_uint_eq(rig_got_number(&rig, i), i);
	}
	rig_stop_flow(&rig, 0);
	rig_close_pair(&rig);
}

static bool has_feature(const char *name)
{
	const char *at = strstr(rig.features.text, name);

	return at != NULL && (at == rig.features.text || at[-1] == ' ');
}

START_TEST(flags_an_older_kernel_does_not_know_are_given_up)
{
	static const struct {
		unsigned refused;
		const char *kept, *gone;
	} kernels[] = {
		{0, "defer_taskrun", "coop_taskrun"},
		{IORING_SETUP_DEFER_TASKRUN, "coop_taskrun", "defer_taskrun"},
		{IORING_SETUP_DEFER_TASKRUN | IORING_SETUP_SINGLE_ISSUER, "coop_taskrun",
		 "single_issuer"},
		{IORING_SETUP_DEFER_TASKRUN | IORING_SETUP_SINGLE_ISSUER |
			 IORING_SETUP_COOP_TASKRUN | IORING_SETUP_TASKRUN_FLAG,
		 "submit_all", "coop_taskrun"},
		{~0U & ~IORING_SETUP_CQSIZE, "cqsize", "submit_all"},
		{~0U, "sq=64", "cqsize"},
	};

	rig_init(&rig);
	rig.params.waits.spin_us = 5;
	fault.setup_refused = kernels[_i].refused;
	relay_hundred(0);
	ck_assert_msg(has_feature(kernels[_i].kept), "%s", rig.features.text);
	ck_assert_msg(!has_feature(kernels[_i].gone), "%s", rig.features.text);
}
END_TEST

START_TEST(sqpoll_that_is_refused_is_given_up_and_reported)
{
	rig_init(&rig);
	rig.params.sqpoll = true;
	rig.params.sqpoll_cpu = sched_getcpu();
	relay_hundred(0);
	ck_assert(has_feature("sqpoll"));
	rig_init(&rig);
	rig.params.sqpoll = true;
	rig.params.sqpoll_cpu = sched_getcpu();
	fault.setup_refused = IORING_SETUP_SQPOLL;
	relay_hundred(0);
	ck_assert(!has_feature("sqpoll"));
	/* Without a CPU of its own it runs wherever this thread may. */
	rig_init(&rig);
	rig.params.sqpoll = true;
	rig.params.sqpoll_cpu = -1;
	fault.setup_refused = 0;
	relay_hundred(0);
	ck_assert(has_feature("sqpoll"));
	ck_assert(!has_feature("sqpoll_cpu"));
}
END_TEST

START_TEST(batches_without_min_wait_are_timed)
{
	rig_init(&rig);
	rig.params.waits.batch_us = 30;
	fault.features_hidden = IORING_FEAT_MIN_TIMEOUT;
	relay_hundred(0);
	ck_assert(has_feature("timed_wait"));
	ck_assert(!has_feature("min_wait"));
}
END_TEST

START_TEST(registrations_that_are_refused_cost_only_speed)
{
	rig_init(&rig);
	fault.files_errno = EMFILE;
	fault.ring_fd_errno = EINVAL;
	relay_hundred(0);
	ck_assert(has_feature("plain_files"));
	ck_assert(!has_feature("registered_ring"));
	/* Without files there is nothing to register. */
	rig_init(&rig);
	fault.files_errno = 0;
	rig.params.files = 0;
	rig_open(&rig, 0);
	ck_assert(!has_feature("plain_files") && !has_feature("registered_files"));
	rig_close(&rig);
	/* A table that is there but takes nothing. */
	rig_init(&rig);
	fault.ring_fd_errno = 0;
	fault.files_errno = 0;
	rig_open(&rig, 0);
	ck_assert(has_feature("registered_files"));
	rig_close(&rig);
}
END_TEST

static int open_failing(struct err *err)
{
	struct ring *ring;
	int ret;

	rig_init(&rig);
	ck_assert_int_eq(arena_map(&rig.arena, ring_arena_bytes(RING_ENGINE_URING, &rig.params),
				   ARENA_HUGE_OFF),
			 0);
	ring = ring_cut(RING_ENGINE_URING, &rig.params, &rig.arena);
	ret = ring_open(ring, &rig.params, &rig.features, err);
	ck_assert_int_lt(ret, 0);
	arena_unmap(&rig.arena);
	return ret;
}

START_TEST(a_shortage_of_ring_memory_is_waited_out_a_while)
{
	struct err err = {""};

	rig_init(&rig);
	ck_assert_int_eq(setrlimit(RLIMIT_MEMLOCK, &(struct rlimit){1 << 20, 1 << 20}), 0);
	fault.setup_errno = ENOMEM;
	fault.setup_count = 30; /* longer than a second */
	relay_hundred(0);
	ck_assert_int_eq(fault.setup_count, 0);
	fault.setup_count = 1000;
	ck_assert_int_eq(open_failing(&err), -ENOMEM);
	ck_assert_ptr_nonnull(strstr(err.text, "LimitMEMLOCK"));
	ck_assert_ptr_nonnull(strstr(err.text, "ulimit -l"));
}
END_TEST

START_TEST(errors_of_setup_name_cause_and_cure)
{
	static const struct {
		int error;
		const char *cause, *cure;
	} cases[] = {
		{ENOSYS, "no io_uring", "--engine mmsg"},
		{EPERM, "seccomp", "profile"},
		{EMFILE, "RLIMIT_NOFILE", "LimitNOFILE"},
		{EINVAL, "cannot make a ring of", "--engine mmsg"},
	};
	struct err err = {""};

	fault.setup_errno = cases[_i].error;
	fault.setup_count = 1000;
	ck_assert_int_eq(open_failing(&err), -cases[_i].error);
	ck_assert_msg(strstr(err.text, cases[_i].cause) != NULL, "%s", err.text);
	ck_assert_msg(strstr(err.text, cases[_i].cure) != NULL, "%s", err.text);
	ck_assert_int_eq(ring_probe(RING_ENGINE_URING, &err), -cases[_i].error);
	ck_assert_int_eq(ring_probe(RING_ENGINE_AUTO, &err), 0);
}
END_TEST

START_TEST(a_kernel_without_buffer_rings_is_told_from_one_that_forbids_io_uring)
{
	struct err err = {""};

	fault.buffers_errno = EINVAL;
	ck_assert_int_eq(ring_probe(RING_ENGINE_URING, &err), -EINVAL);
	ck_assert_msg(strstr(err.text, "6.0") != NULL, "%s", err.text);
	ck_assert_int_eq(open_failing(&err), -EINVAL);
	ck_assert_msg(strstr(err.text, "buffers") != NULL, "%s", err.text);
}
END_TEST

START_TEST(a_kernel_that_takes_operations_one_by_one_gets_them_all)
{
	rig_init(&rig);
	fault.submit_max = 1;
	relay_hundred(0);
}
END_TEST

START_TEST(interrupted_and_refused_calls_are_repeated)
{
	static const int errors[] = {EAGAIN, EBUSY, EINTR};

	rig_init(&rig);
	rig.params.sq_entries = 4;
	rig.params.cq_entries = 4;
	fault.enter_errno = errors[_i % 3];
	fault.enter_period = 2;
	fault.submit_max = _i < 3 ? 0 : 3;
	relay_hundred(0);
}
END_TEST

START_TEST(a_kernel_that_accepts_nothing_loses_nothing_silently)
{
	rig_init(&rig);
	rig.params.sq_entries = 4;
	rig_open_pair(&rig, 0, AF_INET);
	fault.enter_errno = EAGAIN;
	fault.enter_period = 1;
	rig_queue_numbers(&rig, 1, 0, 8);
	rig_turn(&rig, 1000);
	ck_assert_uint_eq(rig.sent_count, 0);
	fault.enter_errno = 0;
	rig_until_sent(&rig, 8);
	for (uint32_t i = 0; i < 8; i++) {
		/* Four fitted into the queue and went out late; the rest was refused. */
		ck_assert_uint_eq(rig.sent[i].token, i);
		ck_assert_int_eq(rig.sent[i].res, i < 4 ? (int)sizeof(uint32_t) : -EAGAIN);
	}
	rig_close_pair(&rig);
}
END_TEST

START_TEST(what_no_retry_cures_is_reported)
{
	rig_init(&rig);
	rig_open_pair(&rig, 0, AF_INET);
	fault.enter_errno = EBADF;
	fault.enter_period = 1;
	ck_assert_int_eq(ring_turn(rig.ring, 1000), -EBADF);
	fault.enter_errno = 0;
	rig_close_pair(&rig);
}
END_TEST

static int mmsg_variant(void)
{
	int i = 0;

	while (rig_variants[i].engine != RING_ENGINE_MMSG) {
		i++;
	}
	return i;
}

START_TEST(without_epoll_pwait2_waits_are_rounded_up)
{
	rig_init(&rig);
	fault.pwait2_errno = ENOSYS;
	relay_hundred(mmsg_variant());
	ck_assert(has_feature("epoll_wait"));
}
END_TEST

START_TEST(a_socket_that_epoll_refuses_ends_its_receive)
{
	rig_init(&rig);
	rig_open_pair(&rig, mmsg_variant(), AF_INET);
	rig_lend_range(&rig, 0, 2);
	fault.epoll_add_errno = ENOSPC;
	ring_arm_recv(rig.ring, 0, 0, 0);
	rig_until_ended(&rig, 1);
	ck_assert_int_eq(rig.ended_res, -ENOSPC);
	ck_assert_uint_eq(rig_reclaim_all(&rig), 2);
	rig_close_pair(&rig);
}
END_TEST

START_TEST(mmsg_calls_cut_short_are_repeated)
{
	rig_init(&rig);
	fault.sendmmsg_max = 3;
	fault.recvmmsg_interrupts = 2;
	relay_hundred(mmsg_variant());
}
END_TEST

/* From here on io_uring_setup fails with `error', as under a container's filter. */
static void forbid_io_uring(uint32_t error)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, __NR_io_uring_setup, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | error),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	const struct sock_fprog program = {.len = 4, .filter = code};

	ck_assert_int_eq(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), 0);
	ck_assert_int_eq(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program), 0);
}

START_TEST(a_forbidden_io_uring_is_named_and_auto_takes_mmsg)
{
	static const uint32_t errors[] = {EPERM, ENOSYS};
	enum ring_engine chosen = RING_ENGINE_AUTO;
	struct err err = {""}, why;

	forbid_io_uring(errors[_i]);
	ck_assert_int_eq(ring_probe(RING_ENGINE_URING, &err), -(int)errors[_i]);
	ck_assert_msg(strstr(err.text, "--engine mmsg") != NULL, "%s", err.text);
	ck_assert_int_eq(ring_probe(RING_ENGINE_AUTO, &err), 0);
	ck_assert_int_eq(ring_choose(RING_ENGINE_URING, &chosen, &why), -(int)errors[_i]);
	ck_assert_int_eq(ring_choose(RING_ENGINE_AUTO, &chosen, &why), 0);
	ck_assert_int_eq(chosen, RING_ENGINE_MMSG);
	ck_assert_msg(strstr(why.text, "io_uring") != NULL, "%s", why.text);
	ck_assert_int_eq(ring_choose(RING_ENGINE_MMSG, &chosen, &why), 0);
	ck_assert_str_eq(why.text, "");
	rig_init(&rig);
	relay_hundred(rig_variant_auto);
	ck_assert(has_feature("epoll_pwait2") || has_feature("epoll_wait"));
}
END_TEST

static TCase *uring_case(void)
{
	TCase *tc = tcase_create("uring");

	tcase_add_loop_test(tc, flags_an_older_kernel_does_not_know_are_given_up, 0, 6);
	tcase_add_test(tc, sqpoll_that_is_refused_is_given_up_and_reported);
	tcase_add_test(tc, batches_without_min_wait_are_timed);
	tcase_add_test(tc, registrations_that_are_refused_cost_only_speed);
	tcase_add_test(tc, a_shortage_of_ring_memory_is_waited_out_a_while);
	tcase_add_loop_test(tc, errors_of_setup_name_cause_and_cure, 0, 4);
	tcase_add_test(tc, a_kernel_without_buffer_rings_is_told_from_one_that_forbids_io_uring);
	tcase_add_test(tc, a_kernel_that_takes_operations_one_by_one_gets_them_all);
	tcase_add_loop_test(tc, interrupted_and_refused_calls_are_repeated, 0, 6);
	tcase_add_test(tc, a_kernel_that_accepts_nothing_loses_nothing_silently);
	tcase_add_test(tc, what_no_retry_cures_is_reported);
	tcase_add_loop_test(tc, a_forbidden_io_uring_is_named_and_auto_takes_mmsg, 0, 2);
	return tc;
}

int main(void)
{
	Suite *suite = suite_create("ring_fault");
	SRunner *runner = srunner_create(suite);
	TCase *mmsg = tcase_create("mmsg");
	int failed;

	suite_add_tcase(suite, uring_case());
	tcase_add_test(mmsg, without_epoll_pwait2_waits_are_rounded_up);
	tcase_add_test(mmsg, a_socket_that_epoll_refuses_ends_its_receive);
	tcase_add_test(mmsg, mmsg_calls_cut_short_are_repeated);
	suite_add_tcase(suite, mmsg);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
