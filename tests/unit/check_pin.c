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
#include <stdlib.h>
#include <unistd.h>

#define CPUS_MAX 4096

static int cpus[CPUS_MAX];

static int read_allowed(void)
{
	int count = pin_allowed(cpus, CPUS_MAX);

	ck_assert_int_ge(count, 1);
	ck_assert_int_le(count, CPUS_MAX);
	return count;
}

START_TEST(allowed_cpus_are_ascending_and_agree_with_the_kernel)
{
	int count = read_allowed();
	cpu_set_t set;

	ck_assert_int_eq(sched_getaffinity(0, sizeof(set), &set), 0);
	ck_assert_int_eq(count, CPU_COUNT(&set));
	for (int i = 0; i < count; i++) {
		ck_assert(CPU_ISSET((size_t)cpus[i], &set));
		ck_assert(i == 0 || cpus[i - 1] < cpus[i]);
	}
}
END_TEST

START_TEST(allowed_counts_beyond_the_room_given)
{
	int count = read_allowed();
	int first = cpus[0];

	cpus[0] = -7;
	cpus[1] = -7;
	ck_assert_int_eq(pin_allowed(cpus, 0), count);
	ck_assert_int_eq(cpus[0], -7);
	ck_assert_int_eq(pin_allowed(cpus, 1), count);
	ck_assert_int_eq(cpus[0], first);
	ck_assert_int_eq(cpus[1], -7);
}
END_TEST

START_TEST(pin_to_each_allowed_cpu_holds)
{
	int count = read_allowed();

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
	if (read_allowed() > 1) {
		ck_assert_int_eq(pin_get(0), -1);
	} else {
		ck_assert_int_eq(pin_get(0), cpus[0]);
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
	ck_assert_int_eq(pin_get(INT32_MAX), -1);
}
END_TEST

/* What a thread is asked and what it answers. */
struct errand {
	int cpu_os;
	int pin_ret;
	int allowed;
};

static void *pin_and_count(void *arg)
{
	struct errand *errand = arg;

	errand->pin_ret = pin_self(errand->cpu_os);
	errand->allowed = pin_allowed(NULL, 0);
	return NULL;
}

START_TEST(pin_in_a_thread_leaves_the_process_as_it_was)
{
	int count = read_allowed();
	struct errand errand = {.cpu_os = cpus[count - 1]};
	pthread_t thread;

	ck_assert_int_eq(pthread_create(&thread, NULL, pin_and_count, &errand), 0);
	ck_assert_int_eq(pthread_join(thread, NULL), 0);
	ck_assert_int_eq(errand.pin_ret, 0);
	ck_assert_int_eq(errand.allowed, count); /* asked by the pinned thread */
	ck_assert_int_eq(read_allowed(), count);
}
END_TEST

static Suite *pin_suite(void)
{
	Suite *suite = suite_create("pin");
	TCase *tc = tcase_create("pin");

	tcase_add_test(tc, allowed_cpus_are_ascending_and_agree_with_the_kernel);
	tcase_add_test(tc, allowed_counts_beyond_the_room_given);
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
