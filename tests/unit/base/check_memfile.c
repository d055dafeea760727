/* check_memfile.c - texts in memory, where there is enough of it and where there is not. The linker
 * sends malloc and realloc here. */
#include "src/base/memfile.h"

#include <check.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>

#define LINES 20000

void *__real_malloc(size_t bytes);
void *__real_realloc(void *memory, size_t bytes);
void *__wrap_malloc(size_t bytes);
void *__wrap_realloc(void *memory, size_t bytes);

static int left = -1; /* allocations that succeed yet, before one that does not; below 0: all do */

static bool may_have(void)
{
	return left < 0 || left-- != 0;
}

void *__wrap_malloc(size_t bytes)
{
	return may_have() ? __real_malloc(bytes) : NULL;
}

void *__wrap_realloc(void *memory, size_t bytes)
{
	return may_have() ? __real_realloc(memory, bytes) : NULL;
}

static void write_lines(FILE *file)
{
	for (int i = 0; i < LINES; i++) {
		fprintf(file, "%d\n", i);
	}
}

/* LINES lines and nothing else. */
static void expect_lines(const char *text, size_t len)
{
	const char *at = text;

	for (int i = 0; i < LINES; i++) {
		char *end;

		ck_assert_int_eq(strtol(at, &end, 10), i);
		ck_assert_int_eq(*end, '\n');
		at = end + 1;
	}
	ck_assert_uint_eq((size_t)(at - text), len);
	ck_assert_int_eq(*at, '\0');
}

START_TEST(what_is_written_is_there_after_a_flush_and_at_the_end)
{
	char *text;
	size_t len;
	FILE *file = memfile_open(&text, &len);

	ck_assert_ptr_nonnull(file);
	ck_assert_str_eq(text, "");
	ck_assert_uint_eq(len, 0);
	write_lines(file);
	ck_assert_int_eq(fflush(file), 0);
	expect_lines(text, len);
	fputs("more", file);
	ck_assert_int_eq(memfile_close(file, &text), 0);
	ck_assert_str_eq(text + len - 4, "more");
	text[len - 4] = '\0';
	expect_lines(text, len - 4);
	free(text);
}
END_TEST

/* One allocation fails, each in its turn, and those behind it do not. */
START_TEST(what_lacks_a_part_is_told_and_given_to_nobody)
{
	bool whole = false;
	int tries = 0;
	char *text;
	size_t len;

	for (; !whole; tries++) {
		FILE *file;
		int rc = 0;

		left = tries;
		file = memfile_open(&text, &len);
		if (file) {
			write_lines(file);
			whole = fflush(file) == 0 && !ferror(file);
			rc = memfile_close(file, &text);
		}
		left = -1; /* Check has memory, too */
		ck_assert_int_eq(rc, !file || whole ? 0 : -ENOMEM);
		ck_assert(whole == (text != NULL));
	}
	ck_assert_int_gt(tries, 4);
	expect_lines(text, len);
	free(text);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("memfile");
	TCase *tc = tcase_create("memfile");
	SRunner *runner = srunner_create(suite);
	int failed;

	suite_add_tcase(suite, tc);
	tcase_add_test(tc, what_is_written_is_there_after_a_flush_and_at_the_end);
	tcase_add_test(tc, what_lacks_a_part_is_told_and_given_to_nobody);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
