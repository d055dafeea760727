/* check_precedence.c - the control thread comes after the shards: by a nice value, or by a priority
 * where the scheduler goes by those. Each test is a process of its own.
 */
#include "src/run/precedence.h"

#include <check.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/resource.h>

START_TEST(control_is_nicer_than_it_was)
{
	int before = getpriority(PRIO_PROCESS, 0);

	precedence_give_way();
	if (before < 19) {
		ck_assert_int_gt(getpriority(PRIO_PROCESS, 0), before);
	}
	ck_assert_int_le(getpriority(PRIO_PROCESS, 0), 19);
}
END_TEST

START_TEST(control_in_real_time_is_a_step_below)
{
	struct sched_param param = {.sched_priority = 3};

	if (sched_setscheduler(0, SCHED_FIFO, &param) != 0) {
		return; /* not allowed here */
	}
	precedence_give_way();
	ck_assert_int_eq(sched_getscheduler(0), SCHED_FIFO);
	ck_assert_int_eq(sched_getparam(0, &param), 0);
	ck_assert_int_eq(param.sched_priority, 2);
	precedence_give_way();
	precedence_give_way(); /* below the least there is no real time */
	ck_assert_int_eq(sched_getscheduler(0), SCHED_OTHER);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("precedence");
	SRunner *runner = srunner_create(suite);
	TCase *tc = tcase_create("precedence");
	int failed;

	tcase_add_test(tc, control_is_nicer_than_it_was);
	tcase_add_test(tc, control_in_real_time_is_a_step_below);
	suite_add_tcase(suite, tc);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
