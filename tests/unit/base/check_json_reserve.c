/* check_json_reserve.c - memory for JSON where the system has none. That answers are built of it is
 * shown by the fault sweep.
 */
#include "src/base/json_reserve.h"

#include <check.h>
#include <jansson.h>
#include <stdalign.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

START_TEST(pieces_are_cut_until_its_end_and_all_given_back)
{
	char *all[JSON_RESERVE_BYTES / 1024];

	ck_assert(!json_reserve_was_used());
	for (int round = 0; round < 3; round++) {
		for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
			all[i] = json_reserve_cut(1010); /* 1024, aligned */
			ck_assert_ptr_nonnull(all[i]);
			ck_assert_uint_eq((uintptr_t)all[i] % alignof(max_align_t), 0);
			memset(all[i], (int)i, 1010);
		}
		ck_assert_ptr_null(json_reserve_cut(1));
		for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
			ck_assert_int_eq(all[i][1009], (char)i);
			json_reserve_give(all[i]);
		}
	}
	ck_assert(json_reserve_was_used());
	ck_assert(json_reserve_was_short());
	json_reserve_begin();
	ck_assert(!json_reserve_was_used());
	ck_assert(!json_reserve_was_short());
}
END_TEST

START_TEST(with_memory_nothing_of_it_is_used)
{
	json_t *object;

	json_reserve_init();
	object = json_pack("{s:s, s:i}", "text", "what was asked", "number", 1);
	ck_assert_ptr_nonnull(object);
	json_decref(object);
	json_reserve_give(json_reserve_take(100));
	json_reserve_give(NULL);
	ck_assert(!json_reserve_was_used());
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("json_reserve");
	SRunner *runner = srunner_create(suite);
	TCase *tc = tcase_create("reserve");
	int failed;

	tcase_add_test(tc, pieces_are_cut_until_its_end_and_all_given_back);
	tcase_add_test(tc, with_memory_nothing_of_it_is_used);
	suite_add_tcase(suite, tc);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
