/* check_nodemem_settle.c - pages that the kernel is just moving (numa/nodemem, steps 2 and 6).
 *
 * Compaction moves pages within their node at any time, and while it holds one, move_pages calls it
 * absent. A fake of move_pages stands before the C library's here: it says of one page that it is
 * absent as often as a test wants, and of all the others that they are on node 3.
 */
#include <check.h>
#include <errno.h>
#include <numaif.h>
#include <string.h>

#include "numa/nodemem.h"

#define PAGE_BYTES 4096
#define PAGES      1200 /* more than are asked about in one call */
#define NODE       3

static unsigned char memory[PAGES * PAGE_BYTES];
static unsigned long moving_page;  /* the one that is absent ... */
static unsigned int absent_looks;  /* ... for so many looks more */
static unsigned long strange_page; /* this one is on another node; PAGES: none is */
static unsigned int looks;         /* taken at moving_page */

long move_pages(int pid, unsigned long count, void **pages, const int *nodes, int *status,
		int flags)
{
	ck_assert_int_eq(pid, 0);
	ck_assert_ptr_null(nodes);
	ck_assert_int_eq(flags, 0);
	for (unsigned long i = 0; i < count; i++) {
		unsigned long page =
			(unsigned long)((unsigned char *)pages[i] - memory) / PAGE_BYTES;

		ck_assert_uint_lt(page, PAGES);
		status[i] = page == strange_page ? NODE + 1 : NODE;
		if (page == moving_page) {
			looks++;
			if (absent_looks > 0) {
				absent_looks--;
				status[i] = -ENOENT;
			}
		}
	}
	return 0;
}

static void setup(void)
{
	moving_page = 700;
	absent_looks = 0;
	strange_page = PAGES;
	looks = 0;
}

static uint64_t misplaced(int (*verify)(const void *, size_t, size_t, int, uint64_t *, uint64_t *),
			  int node_os)
{
	uint64_t pages = 0;
	uint64_t wrong = 12345;

	ck_assert_int_eq(verify(memory, sizeof(memory), PAGE_BYTES, node_os, &pages, &wrong), 0);
	ck_assert_uint_eq(pages, PAGES);
	return wrong;
}

START_TEST(page_that_is_just_moved_is_waited_for)
{
	absent_looks = 4;
	ck_assert_uint_eq(misplaced(nodemem_verify_settled, NODE), 0);
	ck_assert_uint_eq(looks, 5);
}
END_TEST

START_TEST(one_look_calls_a_moving_page_misplaced)
{
	absent_looks = 1;
	ck_assert_uint_eq(misplaced(nodemem_verify, NODE), 1);
	ck_assert_uint_eq(looks, 1);
	ck_assert_uint_eq(misplaced(nodemem_verify, NODE), 0);
}
END_TEST

START_TEST(page_that_stays_away_is_misplaced_on_any_node)
{
	absent_looks = 1000;
	ck_assert_uint_eq(misplaced(nodemem_verify_settled, NODE), 1);
	ck_assert_uint_eq(looks, 8); /* at once, then after 1, 2, 4 ... 64 ms */
	ck_assert_uint_eq(misplaced(nodemem_verify_settled, NODE_UNKNOWN), 1);
}
END_TEST

START_TEST(page_on_another_node_is_not_waited_for)
{
	strange_page = PAGES - 1;
	ck_assert_uint_eq(misplaced(nodemem_verify_settled, NODE), 1);
	ck_assert_uint_eq(looks, 1);
	ck_assert_uint_eq(misplaced(nodemem_verify_settled, NODE_UNKNOWN), 0);
}
END_TEST

START_TEST(waiting_for_one_page_keeps_count_of_others)
{
	strange_page = 3;
	absent_looks = 2;
	ck_assert_uint_eq(misplaced(nodemem_verify_settled, NODE), 1);
	ck_assert_uint_eq(looks, 3);
}
END_TEST

static Suite *settle_suite(void)
{
	Suite *suite = suite_create("nodemem_settle");
	TCase *tcase = tcase_create("settle");

	tcase_add_checked_fixture(tcase, setup, NULL);
	tcase_add_test(tcase, page_that_is_just_moved_is_waited_for);
	tcase_add_test(tcase, one_look_calls_a_moving_page_misplaced);
	tcase_add_test(tcase, page_that_stays_away_is_misplaced_on_any_node);
	tcase_add_test(tcase, page_on_another_node_is_not_waited_for);
	tcase_add_test(tcase, waiting_for_one_page_keeps_count_of_others);
	suite_add_tcase(suite, tcase);
	return suite;
}

int main(void)
{
	SRunner *runner = srunner_create(settle_suite());
	int failed;

	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? 0 : 1;
}
