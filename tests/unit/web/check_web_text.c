/* check_web_text.c - text that grows, and the table of paths. */
#include "src/web/text.h"

#include <check.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

#include "src/web/routes.h"

static struct text text;

START_TEST(parts_stand_one_behind_the_other)
{
	text_put(&text, "a");
	text_put_number(&text, 0);
	text_put(&text, "");
	text_printf(&text, "<%s>", "b");
	text_put_number(&text, UINT64_MAX);
	text_put_bytes(&text, "cut here", 3);
	ck_assert_str_eq(text.at, "a0<b>18446744073709551615cut");
	ck_assert_uint_eq(text.len, strlen(text.at));
	ck_assert(!text_failed(&text));
}
END_TEST

START_TEST(long_text_is_whole)
{
	for (uint64_t i = 0; i < 5000; i++) {
		text_put_number(&text, i);
		text_put(&text, "\n");
	}
	ck_assert_uint_eq(text.len, 10 * 2 + 90 * 3 + 900 * 4 + 4000 * 5);
	ck_assert_str_eq(text.at + text.len - 10, "4998\n4999\n");
}
END_TEST

/* As when there is no memory for a long number. */
START_TEST(text_that_the_c_library_cannot_make_is_not_left_out_unseen)
{
	text_put(&text, "a");
	text_printf(&text, "%lc", (wint_t)0x7fffffff);
	ck_assert(text_failed(&text));
	text_put(&text, "b");
	ck_assert_str_eq(text.at, "a");
}
END_TEST

START_TEST(every_path_is_found_and_made_of_something)
{
	for (size_t i = 0; i < route_count; i++) {
		ck_assert_int_eq(route_find(routes[i].path), (int)i);
		ck_assert(routes[i].path[0] == '/');
		ck_assert(routes[i].make || routes[i].kind == ROUTE_TEXT);
	}
	ck_assert_ptr_null(routes[route_count].path);
	ck_assert_int_eq(route_find("/nothing"), -ENOENT);
	ck_assert_int_eq(route_find(""), -ENOENT);
}
END_TEST

static void teardown(void)
{
	text_free(&text);
	ck_assert_ptr_null(text.at);
}

int main(void)
{
	Suite *suite = suite_create("web_text");
	TCase *tc = tcase_create("web_text");
	SRunner *runner = srunner_create(suite);
	int failed;

	suite_add_tcase(suite, tc);
	tcase_add_checked_fixture(tc, NULL, teardown);
	tcase_add_test(tc, parts_stand_one_behind_the_other);
	tcase_add_test(tc, long_text_is_whole);
	tcase_add_test(tc, text_that_the_c_library_cannot_make_is_not_left_out_unseen);
	tcase_add_test(tc, every_path_is_found_and_made_of_something);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
