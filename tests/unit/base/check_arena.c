/* check_arena.c - arenas: what is mapped, made present, cut off, sealed and given back.
 *
 * Whether an address may be touched is asked of the kernel (write(2) says EFAULT), so no test
 * depends on a signal that a sanitizer would catch. Huge pages are lent by hugepool.h: root never
 * goes without, where the pool can be written.
 */
#include "src/base/arena.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/unit/hugepool.h"

#define MIB ((size_t)1 << 20)

static const struct arena nothing;
static bool pool_lent;
static bool cuts_are_refused; /* as where the kernel has no memory for one more mapping */

int __real_munmap(void *at, size_t len_bytes);
int __wrap_munmap(void *at, size_t len_bytes);

int __wrap_munmap(void *at, size_t len_bytes)
{
	if (cuts_are_refused) {
		errno = ENOMEM;
		return -1;
	}
	return __real_munmap(at, len_bytes);
}

static void lend_pool(void)
{
	pool_lent = hugepool_grow(16);
	/* Not even root gets pages where there is no such pool, or /sys is read only. */
	ck_assert(pool_lent || !hugepool_may_grow());
}

static size_t page_bytes(void)
{
	return (size_t)sysconf(_SC_PAGESIZE);
}

/* Whether the byte may be read, as the kernel sees it. */
static bool readable(const void *at)
{
	int ends[2];
	ssize_t wrote;

	ck_assert_int_eq(pipe(ends), 0);
	wrote = write(ends[1], at, 1);
	close(ends[0]);
	close(ends[1]);
	return wrote == 1;
}

/* How many of the arena's system pages are in memory. */
static size_t resident(const struct arena *arena)
{
	size_t count = arena->len_bytes / page_bytes();
	unsigned char *in_core = calloc(count, 1);
	size_t sum = 0;

	ck_assert_ptr_nonnull(in_core);
	ck_assert_int_eq(mincore(arena->base, arena->len_bytes, in_core), 0);
	for (size_t i = 0; i < count; i++) {
		sum += in_core[i] & 1;
	}
	free(in_core);
	return sum;
}

static struct arena map(size_t len_bytes, enum arena_huge huge)
{
	struct arena arena = {0};

	ck_assert_int_eq(arena_map(&arena, len_bytes, huge), 0);
	ck_assert_ptr_nonnull(arena.base);
	ck_assert_uint_ge(arena.len_bytes, len_bytes);
	ck_assert_int_eq(arena.huge, huge);
	ck_assert_uint_eq(arena.used_bytes, 0);
	ck_assert(!arena.sealed);
	return arena;
}

START_TEST(small_pages_round_up_to_a_page)
{
	struct arena arena = map(1, ARENA_HUGE_OFF);

	ck_assert_uint_eq(arena.len_bytes, page_bytes());
	ck_assert_uint_eq(arena.page_bytes, page_bytes());
	arena_unmap(&arena);
	arena = map(10 * page_bytes() + 1, ARENA_HUGE_OFF);
	ck_assert_uint_eq(arena.len_bytes, 11 * page_bytes());
	arena_unmap(&arena);
	arena = map(10 * page_bytes(), ARENA_HUGE_OFF);
	ck_assert_uint_eq(arena.len_bytes, 10 * page_bytes());
	arena_unmap(&arena);
}
END_TEST

START_TEST(transparent_pages_are_aligned_and_rounded_to_2_mib)
{
	for (int i = 0; i < 8; i++) {
		struct arena arena = map(2 * MIB + 1, ARENA_HUGE_THP);

		ck_assert_uint_eq(arena.len_bytes, 4 * MIB);
		ck_assert_uint_eq((uintptr_t)arena.base % (2 * MIB), 0);
		ck_assert_uint_eq(arena.page_bytes, page_bytes());
		if (i % 2 == 0) {
			arena_unmap(&arena); /* the others stay, so that alignment is not luck */
		}
	}
}
END_TEST

START_TEST(populate_makes_every_page_present_once)
{
	struct arena arena = map(100 * page_bytes(), _i);

	ck_assert_uint_eq(resident(&arena), 0);
	ck_assert_int_eq(arena_populate(&arena), 0);
	ck_assert_uint_eq(resident(&arena), arena.len_bytes / page_bytes());
	ck_assert_int_eq(arena_populate(&arena), 0); /* again does no harm */
	arena_unmap(&arena);
}
END_TEST

START_TEST(huge_pages_come_from_the_pool_and_return_to_it)
{
	struct arena arena;

	if (!pool_lent) {
		ck_assert_int_eq(arena_map(&arena, SIZE_MAX / 4, ARENA_HUGE_2M), -ENOMEM);
		return;
	}
	arena = map(2 * MIB + 1, ARENA_HUGE_2M);
	ck_assert_uint_eq(arena.len_bytes, 4 * MIB);
	ck_assert_uint_eq(arena.page_bytes, 2 * MIB);
	ck_assert_uint_eq((uintptr_t)arena.base % (2 * MIB), 0);
	ck_assert_int_eq(arena_populate(&arena), 0);
	ck_assert_uint_eq(resident(&arena), 4 * MIB / page_bytes());
	memset(arena_alloc(&arena, 4 * MIB, 64), 0x5a, 4 * MIB);
	arena_unmap(&arena);
	ck_assert_mem_eq(&arena, &nothing, sizeof(arena));
}
END_TEST

START_TEST(more_huge_pages_than_there_are_is_an_errno)
{
	struct arena arena = {.used_bytes = 77};
	long total = hugepool_read("nr_hugepages");
	size_t pages = total < 0 ? 1 : (size_t)total + 1000;

	ck_assert_int_lt(arena_map(&arena, pages * 2 * MIB, ARENA_HUGE_2M), 0);
	ck_assert_uint_eq(arena.used_bytes, 77); /* written only on success */
	ck_assert_ptr_null(arena.base);
}
END_TEST

START_TEST(impossible_sizes_are_refused)
{
	static const enum arena_huge kinds[] = {ARENA_HUGE_1G, ARENA_HUGE_2M, ARENA_HUGE_THP,
						ARENA_HUGE_OFF};
	static const size_t sizes[] = {SIZE_MAX, SIZE_MAX / 2, SIZE_MAX / 2 - 4095,
				       (size_t)1 << 60};
	struct arena arena = {0};

	for (size_t k = 0; k < 4; k++) {
		ck_assert_int_eq(arena_map(&arena, 0, kinds[k]), -EINVAL);
		for (size_t i = 0; i < 4; i++) {
			ck_assert_int_eq(arena_map(&arena, sizes[i], kinds[k]), -ENOMEM);
		}
	}
	ck_assert_mem_eq(&arena, &nothing, sizeof(arena));
}
END_TEST

START_TEST(a_guard_page_follows_ordinary_memory)
{
	struct arena arena = map(3 * page_bytes(), _i);
	struct arena before = arena;

	ck_assert(readable(arena.base));
	ck_assert(readable(arena.base + arena.len_bytes - 1));
	ck_assert(!readable(arena.base + arena.len_bytes));
	ck_assert(!readable(arena.base + arena.len_bytes + page_bytes() - 1));
	arena_unmap(&arena);
	ck_assert(!readable(before.base));
	/* The guard is gone as well: its address can be mapped anew. */
	ck_assert_ptr_eq(mmap(before.base + before.len_bytes, page_bytes(), PROT_READ,
			      MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0),
			 before.base + before.len_bytes);
}
END_TEST

START_TEST(a_child_process_does_not_get_the_arena)
{
	/* Without a pool, not being root, the huge kind stands back for the transparent one. */
	enum arena_huge huge = _i == ARENA_HUGE_2M && !pool_lent ? ARENA_HUGE_THP : _i;
	struct arena arena = map(page_bytes(), huge);
	int status;
	pid_t pid;

	ck_assert_int_eq(arena_populate(&arena), 0);
	pid = fork();
	ck_assert_int_ge(pid, 0);
	if (pid == 0) {
		_exit(readable(arena.base) ? 1 : 0);
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(status, 0);
	ck_assert(readable(arena.base));
}
END_TEST

START_TEST(alloc_aligns_zeroes_and_never_overlaps)
{
	struct arena arena = map(4 * page_bytes(), ARENA_HUGE_OFF);
	unsigned char *end = arena.base;

	ck_assert_int_eq(arena_populate(&arena), 0);
	for (size_t align = 1; align <= page_bytes(); align *= 2) {
		unsigned char *at = arena_alloc(&arena, 5, align);

		ck_assert_uint_eq((uintptr_t)at % align, 0);
		ck_assert(at >= end);
		for (int i = 0; i < 5; i++) {
			ck_assert_uint_eq(at[i], 0);
			at[i] = 0xff;
		}
		end = at + 5;
	}
	ck_assert_uint_eq(arena.used_bytes, (size_t)(end - arena.base));
}
END_TEST

START_TEST(what_was_counted_is_exactly_what_is_cut)
{
	static const size_t terms[][2] = {{1, 1},   {3, 64},    {100, 4096}, {7, 8},    {64, 64},
					  {1, 128}, {5000, 16}, {0, 64},     {1500, 4}, {9, 4096}};
	struct arena counter = ARENA_COUNTER;
	struct arena arena;

	for (size_t i = 0; i < sizeof(terms) / sizeof(terms[0]); i++) {
		ck_assert_ptr_null(arena_alloc(&counter, terms[i][0], terms[i][1]));
	}
	arena = map(counter.used_bytes, ARENA_HUGE_OFF);
	for (size_t i = 0; i < sizeof(terms) / sizeof(terms[0]); i++) {
		ck_assert_ptr_nonnull(arena_alloc(&arena, terms[i][0], terms[i][1]));
	}
	ck_assert_uint_eq(arena.used_bytes, counter.used_bytes);
}
END_TEST

START_TEST(alloc_takes_the_last_byte)
{
	struct arena arena = map(page_bytes(), ARENA_HUGE_OFF);

	ck_assert_ptr_eq(arena_alloc(&arena, page_bytes() - 1, 1), arena.base);
	ck_assert_ptr_eq(arena_alloc(&arena, 1, 1), arena.base + page_bytes() - 1);
	ck_assert_ptr_eq(arena_alloc(&arena, 0, 1), arena.base + page_bytes());
}
END_TEST

START_TEST(alloc_beyond_the_end_is_a_bug)
{
	struct arena arena = map(page_bytes(), ARENA_HUGE_OFF);

	arena_alloc(&arena, page_bytes() - 1, 1);
	arena_alloc(&arena, 2, 1);
}
END_TEST

START_TEST(alloc_beyond_any_size_is_a_bug)
{
	struct arena arena = map(page_bytes(), ARENA_HUGE_OFF);

	arena_alloc(&arena, 1, 1);
	arena_alloc(&arena, SIZE_MAX, 1);
}
END_TEST

START_TEST(alloc_after_seal_is_a_bug)
{
	struct arena arena = map(page_bytes(), ARENA_HUGE_OFF);

	arena_alloc(&arena, 1, 1);
	arena_seal(&arena);
	arena_alloc(&arena, 1, 1);
}
END_TEST

START_TEST(alloc_with_an_odd_alignment_is_a_bug)
{
	struct arena arena = map(page_bytes(), ARENA_HUGE_OFF);

	arena_alloc(&arena, 1, 48);
}
END_TEST

START_TEST(alloc_from_nothing_is_a_bug)
{
	struct arena arena = {0};

	arena_alloc(&arena, 0, 1);
}
END_TEST

START_TEST(what_cannot_be_unmapped_gives_its_pages_back)
{
	struct arena arena = nothing, copy;

	cuts_are_refused = true;
	ck_assert_int_eq(arena_map(&arena, MIB, ARENA_HUGE_THP), 0);
	ck_assert_uint_eq((uintptr_t)arena.base % arena_huge_bytes(ARENA_HUGE_THP), 0);
	ck_assert_int_eq(arena_populate(&arena), 0);
	copy = arena;
	ck_assert_uint_gt(resident(&copy), 0);
	arena_unmap(&arena);
	ck_assert_ptr_null(arena.base);
	ck_assert_uint_eq(resident(&copy), 0);
}
END_TEST

START_TEST(unmap_accepts_nothing_and_twice)
{
	struct arena arena = {0};

	arena_unmap(&arena);
	arena = map(page_bytes(), ARENA_HUGE_OFF);
	arena_seal(&arena);
	arena_unmap(&arena);
	ck_assert_mem_eq(&arena, &nothing, sizeof(arena));
	arena_unmap(&arena);
}
END_TEST

START_TEST(names_and_sizes_of_kinds)
{
	ck_assert_str_eq(arena_huge_name(ARENA_HUGE_1G), "1G");
	ck_assert_str_eq(arena_huge_name(ARENA_HUGE_2M), "2M");
	ck_assert_str_eq(arena_huge_name(ARENA_HUGE_THP), "thp");
	ck_assert_str_eq(arena_huge_name(ARENA_HUGE_OFF), "4k");
	ck_assert_uint_eq(arena_huge_bytes(ARENA_HUGE_1G), 1024 * MIB);
	ck_assert_uint_eq(arena_huge_bytes(ARENA_HUGE_2M), 2 * MIB);
	ck_assert_uint_eq(arena_huge_bytes(ARENA_HUGE_THP), 2 * MIB);
	ck_assert_uint_eq(arena_huge_bytes(ARENA_HUGE_OFF), page_bytes());
}
END_TEST

static Suite *arena_suite(void)
{
	Suite *suite = suite_create("arena");
	TCase *map_tc = tcase_create("map");
	TCase *alloc_tc = tcase_create("alloc");

	tcase_add_unchecked_fixture(map_tc, lend_pool, hugepool_restore);
	tcase_add_test(map_tc, small_pages_round_up_to_a_page);
	tcase_add_test(map_tc, transparent_pages_are_aligned_and_rounded_to_2_mib);
	tcase_add_loop_test(map_tc, populate_makes_every_page_present_once, ARENA_HUGE_THP,
			    ARENA_HUGE_OFF + 1);
	tcase_add_test(map_tc, huge_pages_come_from_the_pool_and_return_to_it);
	tcase_add_test(map_tc, more_huge_pages_than_there_are_is_an_errno);
	tcase_add_test(map_tc, impossible_sizes_are_refused);
	tcase_add_loop_test(map_tc, a_guard_page_follows_ordinary_memory, ARENA_HUGE_THP,
			    ARENA_HUGE_OFF + 1);
	tcase_add_loop_test(map_tc, a_child_process_does_not_get_the_arena, ARENA_HUGE_2M,
			    ARENA_HUGE_OFF + 1);
	suite_add_tcase(suite, map_tc);
	tcase_add_test(alloc_tc, alloc_aligns_zeroes_and_never_overlaps);
	tcase_add_test(alloc_tc, what_was_counted_is_exactly_what_is_cut);
	tcase_add_test(alloc_tc, alloc_takes_the_last_byte);
	tcase_add_test_raise_signal(alloc_tc, alloc_beyond_the_end_is_a_bug, SIGABRT);
	tcase_add_test_raise_signal(alloc_tc, alloc_beyond_any_size_is_a_bug, SIGABRT);
	tcase_add_test_raise_signal(alloc_tc, alloc_after_seal_is_a_bug, SIGABRT);
	tcase_add_test_raise_signal(alloc_tc, alloc_with_an_odd_alignment_is_a_bug, SIGABRT);
	tcase_add_test_raise_signal(alloc_tc, alloc_from_nothing_is_a_bug, SIGABRT);
	tcase_add_test(alloc_tc, what_cannot_be_unmapped_gives_its_pages_back);
	tcase_add_test(alloc_tc, unmap_accepts_nothing_and_twice);
	tcase_add_test(alloc_tc, names_and_sizes_of_kinds);
	suite_add_tcase(suite, alloc_tc);
	return suite;
}

int main(void)
{
	SRunner *runner = srunner_create(arena_suite());
	int failed;

	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
