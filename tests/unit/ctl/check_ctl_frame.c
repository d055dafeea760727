/* check_ctl_frame.c - pictures of cells: what text takes on a terminal, and numbers. */
#include <check.h>
#include <locale.h>
#include <math.h>
#include <stdlib.h>

#include "src/ctl/top_frame.h"
#include "src/ctl/top_layout.h"

static struct top_frame frame;

static void setup(void)
{
	ck_assert_ptr_nonnull(setlocale(LC_CTYPE, "C.UTF-8"));
}

static void teardown(void)
{
	top_frame_free(&frame);
}

/* The line's text, until the next call. */
static const char *line(unsigned number)
{
	static char *text;

	free(text);
	text = top_frame_text(&frame, number);
	ck_assert_ptr_nonnull(text);
	return text;
}

START_TEST(text_takes_the_cells_that_it_takes_on_a_terminal)
{
	static const char odd[] = "e\u0301\033[2J\x9b\xff日";

	ck_assert_int_eq(top_frame_init(&frame, 10, 3), 0);
	ck_assert_uint_eq(top_frame_width("größe"), 5);
	ck_assert_uint_eq(top_frame_width("日本"), 4);
	ck_assert_uint_eq(top_frame_width("e\u0301"), 1);
	/* What combines, what is a control character in ASCII and beyond, and what is no UTF-8. */
	ck_assert_uint_eq(top_frame_put(&frame, 0, 0, 10, odd, false, 0), 9);
	ck_assert_str_eq(line(0), "e\u0301?[2J??日");
	ck_assert_uint_eq(top_frame_put(&frame, 1, 0, 5, "日本語", false, 0), 5);
	ck_assert_str_eq(line(1), "日本~");
	ck_assert_uint_eq(top_frame_put(&frame, 2, 2, 4, "12345", true, 0), 4);
	ck_assert_str_eq(line(2), "  ~345");
	ck_assert_uint_eq(top_frame_put(&frame, 2, 8, 9, "abcdef", false, 0), 2);
	ck_assert_uint_eq(top_frame_put(&frame, 2, 9, 9, "日", false, 0), 0);
	ck_assert_uint_eq(top_frame_put(&frame, 3, 0, 9, "beyond", false, 0), 0);
	ck_assert_str_eq(line(2), "  ~345  ab");
}
END_TEST

START_TEST(numbers_have_six_characters_at_most)
{
	static const struct {
		double value;
		const char *text;
	} numbers[] = {
		{0, "0"},         {1.25, "1.2"},      {9.96, "10"},     {999, "999"},
		{999.6, "1.00k"}, {12345, "12.3k"},   {999499, "999k"}, {999999, "1.00M"},
		{1e18, "1.00E"},  {1e24, "1000000E"}, {NAN, "-"},
	};

	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		char text[TOP_NUMBER_BYTES];

		top_layout_number(numbers[i].value, text);
		ck_assert_str_eq(text, numbers[i].text);
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("ctl_frame");
	TCase *tc = tcase_create("ctl_frame");
	SRunner *runner = srunner_create(suite);
	int failed;

	suite_add_tcase(suite, tc);
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, text_takes_the_cells_that_it_takes_on_a_terminal);
	tcase_add_test(tc, numbers_have_six_characters_at_most);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
