/* check_pin.c - pinning a thread: it holds, it is read back, and what cannot be is refused.
 *
 * Each test runs in its own process (libcheck forks), so pinning here changes nobody else.
 */
#include "numa/pin.h"

#include <check.h>
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdint.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#define CPUS_MAX 4096

static int cpus[CPUS_MAX];
static bool overruled; /* somebody else sets the CPUs that a thread may use */

/* Stands before the C library's. */
int sched_setaffinity(pid_t pid, size_t cpusetsize, const cpu_set_t *cpuset)
{
	return overruled ? 0 : (int)syscall(SYS_sched_setaffinity, pid, cpusetsize, cpuset);
}

/* The CPUs of thread `tid', into `cpus'; how many. */
static int read_allowed(pid_t tid)
{
	size_t bytes = CPU_ALLOC_SIZE(CPUS_MAX);
	cpu_set_t *set = CPU_ALLOC(CPUS_MAX);
	int count = 0;

	ck_assert_ptr_nonnull(set);
	ck_assert_int_eq(sched_getaffinity(tid, bytes, set), 0);
	for (int cpu = 0; cpu < CPUS_MAX; cpu++) {
		if (CPU_ISSET_S((size_t)cpu, bytes, set)) {
			cpus[count++] = cpu;
		}
	}
	CPU_FREE(set);
	ck_assert_int_ge(count, 1);
	return count;
}

START_TEST(pin_to_each_allowed_cpu_holds)
{
	int count = read_allowed(getpid());

	for (int i = 0; i < count; i++) {
		ck_assert_int_eq(pin_self(cpus[i]), 0);
		ck_assert_int_eq(sched_getcpu(), cpus[i]);
		ck_assert_int_eq(pin_get(0), cpus[i]);
		ck_assert_int_eq(pin_get(getpid()), cpus[i]);
	}
}
END_TEST

START_TEST(thread_on_several_cpus_is_pinned_to_none)
{
	/* One CPU in all would make every thread pinned. */
	if (read_allowed(getpid()) > 1) {
		ck_assert_int_eq(pin_get(0), PIN_SEVERAL);
	} else {
		ck_assert_int_eq(pin_get(0), cpus[0]);
	}
}
END_TEST

START_TEST(pin_that_does_not_hold_is_told)
{
	if (read_allowed(getpid()) > 1) {
		overruled = true;
		ck_assert_int_eq(pin_self(sched_getcpu()), -EXDEV);
	}
}
END_TEST

START_TEST(pin_to_what_is_no_cpu_is_refused)
{
	int before = pin_get(0);

	ck_assert_int_eq(pin_self(-1), -EINVAL);
	ck_assert_int_eq(pin_self(INT32_MAX), -EINVAL);
	/* Linux knows at most 8192 CPUs, which need a set larger than cpu_set_t. */
	ck_assert_int_eq(pin_self(9000), -EINVAL);
	ck_assert_int_eq(pin_self(60000), -EINVAL);
	if (sysconf(_SC_NPROCESSORS_CONF) < 512) {
		ck_assert_int_eq(pin_self(1023), -EINVAL);
	}
	ck_assert_int_eq(pin_get(0), before);
}
END_TEST

START_TEST(get_of_no_thread_is_unknown)
{
	ck_assert_int_eq(pin_get(INT32_MAX), PIN_UNKNOWN);
}
END_TEST

/* What a thread is asked and what it answers. */
struct errand {
	int cpu_os;
	int pin_ret;
};

static void *pin_it(void *arg)
{
	struct errand *errand = arg;

	errand->pin_ret = pin_self(errand->cpu_os);
	return NULL;
}

START_TEST(pin_in_a_thread_leaves_the_process_as_it_was)
{
	int count = read_allowed(getpid());
	struct errand errand = {.cpu_os = cpus[count - 1]};
	pthread_t thread;

	ck_assert_int_eq(pthread_create(&thread, NULL, pin_it, &errand), 0);
	ck_assert_int_eq(pthread_join(thread, NULL), 0);
	ck_assert_int_eq(errand.pin_ret, 0);
	ck_assert_int_eq(read_allowed(getpid()), count);
}
END_TEST

static Suite *pin_suite(void)
{
	Suite *suite = suite_create("pin");
	TCase *tc = tcase_create("pin");

	tcase_add_test(tc, pin_that_does_not_hold_is_told);
	tcase_add_test(tc, pin_to_each_allowed_cpu_holds);
	tcase_add_test(tc, thread_on_several_cpus_is_pinned_to_none);
	tcase_add_test(tc, pin_to_what_is_no_cpu_is_refused);
	tcase_add_test(tc, get_of_no_thread_is_unknown);
	tcase_add_test(tc, pin_in_a_thread_leaves_the_process_as_it_was);
	suite_add_tcase(suite, tc);
	return suite;
}

int main(void)
{
	SRunner *runner = srunner_create(pin_suite());
	int failed;

	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
