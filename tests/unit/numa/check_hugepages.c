/* check_hugepages.c - the counts of huge-page pools, and what the kernel's maps say of a mapping.
 */
#include <check.h>
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

#include "numa/hugepages.h"
#include "numa/nodemem.h"
#include "numa/procmaps.h"
#include "src/base/arena.h"
#include "tests/unit/hugepool.h"

#define MIB ((size_t)1024 * 1024)

static void lend_pool(void)
{
	(void)hugepool_grow(8);
}

START_TEST(lines_and_counts_of_pools)
{
	char line[HUGEPAGES_LINE_MAX];
	struct hugepages pool;

	ck_assert_str_eq(hugepages_line(1, 2 * MIB, 4, line),
			 "echo 4 > /sys/devices/system/node/node1/hugepages/hugepages-2048kB/"
			 "nr_hugepages");
	ck_assert_str_eq(hugepages_line(NODE_UNKNOWN, 1024 * MIB, 2, line),
			 "echo 2 > /sys/kernel/mm/hugepages/hugepages-1048576kB/nr_hugepages");
	ck_assert_int_eq(hugepages_read(1022, 2 * MIB, &pool), -ENOENT);
	ck_assert_int_eq(hugepages_read(NODE_UNKNOWN, 3 * MIB, &pool), -ENOENT);
	if (access("/sys/kernel/mm/hugepages/hugepages-2048kB", F_OK) == 0) {
		ck_assert_int_eq(hugepages_read(NODE_UNKNOWN, 2 * MIB, &pool), 0);
		ck_assert_uint_le(pool.available, pool.total);
	}
}
END_TEST

/* What a mapping has reserved, and not touched yet, is somebody's. */
START_TEST(reserved_pages_are_not_available)
{
	struct hugepages pool = {0};
	struct arena arena = {0};
	long counted;

	if (arena_map(&arena, 4 * 2 * MIB, ARENA_HUGE_2M) < 0) {
		return; /* no such pages here */
	}
	ck_assert_int_ge(hugepool_read("resv_hugepages"), 4);
	do { /* others may take and return some meanwhile */
		counted = hugepool_available();
		ck_assert_int_eq(hugepages_read(NODE_UNKNOWN, 2 * MIB, &pool), 0);
	} while (counted != hugepool_available());
	ck_assert_int_eq((long)pool.available, counted);
	arena_unmap(&arena);
}
END_TEST

START_TEST(maps_find_a_mapping_by_its_beginning_only)
{
	uint64_t on_node = 0;
	uint64_t present = 0;
	uint64_t bytes = 0;
	struct arena arena = {0};
	size_t page_bytes = (size_t)sysconf(_SC_PAGESIZE);

	ck_assert_int_eq(arena_map(&arena, 10 * page_bytes, ARENA_HUGE_OFF), 0);
	arena.base[0] = 1;
	arena.base[5 * page_bytes] = 1;
	ck_assert_int_eq(procmaps_count_pages(arena.base, 0, &on_node, &present), 0);
	ck_assert_uint_eq(present, 2);
	ck_assert_uint_le(on_node, 2);
	ck_assert_int_eq(procmaps_count_pages(arena.base, 1022, &on_node, &present), 0);
	ck_assert_uint_eq(on_node, 0);
	ck_assert_int_eq(procmaps_thp_bytes(arena.base, &bytes), 0);
	ck_assert_uint_eq(bytes, 0);
	ck_assert_int_eq(procmaps_count_pages(arena.base + page_bytes, 0, &on_node, &present),
			 -ENOENT);
	ck_assert_int_eq(procmaps_thp_bytes(arena.base + page_bytes, &bytes), -ENOENT);
	arena_unmap(&arena);
}
END_TEST

static Suite *hugepages_suite(void)
{
	Suite *suite = suite_create("hugepages");
	TCase *tc = tcase_create("hugepages");

	tcase_add_test(tc, lines_and_counts_of_pools);
	tcase_add_unchecked_fixture(tc, lend_pool, hugepool_restore);
	tcase_add_test(tc, reserved_pages_are_not_available);
	tcase_add_test(tc, maps_find_a_mapping_by_its_beginning_only);
	suite_add_tcase(suite, tc);
	return suite;
}

int main(void)
{
	SRunner *runner = srunner_create(hugepages_suite());
	int failed;

	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
