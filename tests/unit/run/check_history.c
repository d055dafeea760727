/* check_history.c - the last changes are remembered, and which number they have. */
#include "src/run/history.h"

#include <check.h>
#include <stdio.h>

START_TEST(oldest_are_forgotten_and_numbers_stay)
{
	static struct history history;
	char what[32];

	ck_assert_ptr_null(history_at(&history, 0));
	for (int i = 0; i < HISTORY_KEPT + 3; i++) {
		snprintf(what, sizeof(what), "change %d", i);
		history_note(&history, "somebody", what, "done");
	}
	ck_assert_uint_eq(history.count, HISTORY_KEPT + 3);
	ck_assert_ptr_null(history_at(&history, 2));
	ck_assert_str_eq(history_at(&history, 3)->what, "change 3");
	ck_assert_str_eq(history_at(&history, HISTORY_KEPT + 2)->what, what);
	ck_assert_str_eq(history_at(&history, 3)->who, "somebody");
	ck_assert_ptr_null(history_at(&history, HISTORY_KEPT + 3));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("history");
	TCase *tc = tcase_create("history");
	SRunner *runner = srunner_create(suite);
	int failed;

	suite_add_tcase(suite, tc);
	tcase_add_test(tc, oldest_are_forgotten_and_numbers_stay);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
