/* check_advice.c - each cause has its own advice, and there is always some. */
#include "src/base/advice.h"

#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

START_TEST(advice_goes_by_the_cause)
{
	ck_assert_ptr_nonnull(strstr(advice_for_file(EMFILE), "LimitNOFILE="));
	ck_assert_ptr_nonnull(strstr(advice_for_file(ENFILE), "fs.file-max"));
	ck_assert_ptr_nonnull(strstr(advice_for_file(ENOMEM), "MemoryMax="));
	ck_assert_ptr_nonnull(strstr(advice_for_file(EPERM), "SystemCallFilter="));
	ck_assert_ptr_nonnull(strstr(advice_for_thread(EAGAIN), "TasksMax="));
	ck_assert_ptr_nonnull(strstr(advice_for_thread(ENOMEM), "MemoryMax="));
	ck_assert_ptr_nonnull(strstr(advice_for_thread(EPERM), "SystemCallFilter="));
}
END_TEST

START_TEST(every_cause_has_some)
{
	for (int error = 0; error < 200; error++) {
		ck_assert_uint_gt(strlen(advice_for_file(error)), 10);
		ck_assert_uint_gt(strlen(advice_for_thread(error)), 10);
	}
}
END_TEST

static Suite *advice_suite(void)
{
	Suite *suite = suite_create("advice");
	TCase *tcase = tcase_create("advice");

	tcase_add_test(tcase, advice_goes_by_the_cause);
	tcase_add_test(tcase, every_cause_has_some);
	suite_add_tcase(suite, tcase);
	return suite;
}

int main(void)
{
	SRunner *runner = srunner_create(advice_suite());
	int failed;

	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
