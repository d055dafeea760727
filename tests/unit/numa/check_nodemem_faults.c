/* check_nodemem_faults.c - memory where the kernel or a container says no.
 *
 * A seccomp filter makes chosen calls fail with a chosen errno, for the rest of the test's process
 * (libcheck forks): what old kernels, containers and short nodes do, on any machine. Whatever
 * happens, the outcome is an arena that is whole and honestly described, or an error that leaves
 * nothing mapped; never a signal.
 */
#include "numa/nodemem.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <seccomp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "numa/hugepages.h"
#include "numa/procmaps.h"
#include "tests/unit/hugepool.h"

#define MIB      ((size_t)1 << 20)
#define REFUSALS 20
#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23
#endif

static const struct arena nothing;
static bool pool_lent;

static void lend_pool(void)
{
	pool_lent = hugepool_grow(16);
	ck_assert(pool_lent || !hugepool_may_grow());
}

static int some_node(void)
{
	char list[256];

	procmaps_allowed_nodes(list, sizeof(list));
	return (int)strtol(list, NULL, 10);
}

/* From now on `syscall_nr' fails with `error' when its argument `arg', of those bits that are in
 * `mask', equals `value'; a mask of zero means always. */
static void forbid(int syscall_nr, int error, unsigned arg, uint64_t mask, uint64_t value)
{
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
	const struct scmp_arg_cmp match = {arg, SCMP_CMP_MASKED_EQ, mask, value};

	ck_assert_ptr_nonnull(filter);
	ck_assert_int_eq(seccomp_rule_add_array(filter, SCMP_ACT_ERRNO((uint32_t)error), syscall_nr,
						mask == 0 ? 0 : 1, &match),
			 0);
	ck_assert_int_eq(seccomp_load(filter), 0);
	seccomp_release(filter);
}

static void forbid_advice(int advice, int error)
{
	forbid(SCMP_SYS(madvise), error, 2, UINT32_MAX, (uint64_t)advice);
}

static void forbid_huge_mmap(int error)
{
	forbid(SCMP_SYS(mmap), error, 3, MAP_HUGETLB, MAP_HUGETLB);
}

static long mapping_count(void)
{
	FILE *file = fopen("/proc/self/maps", "r");
	long lines = 0;
	int c;

	ck_assert_ptr_nonnull(file);
	while ((c = fgetc(file)) != EOF) {
		lines += c == '\n';
	}
	fclose(file);
	return lines;
}

/* An arena that is got is whole, whatever is forbidden. */
static struct nodemem_result get(size_t len_bytes, enum nodemem_huge want)
{
	struct arena arena = {0};
	struct nodemem_result res;
	struct err err = {""};
	int ret = nodemem_arena(&arena, len_bytes, some_node(), want, false, &res, &err);

	ck_assert_msg(ret == 0, "%d: %s", ret, err.text);
	ck_assert_int_eq(arena.huge, res.got);
	ck_assert_uint_ge(arena.len_bytes, len_bytes);
	memset(arena.base, 0x5a, arena.len_bytes);
	ck_assert(!(res.verified && res.unverifiable));
	ck_assert(res.note.text[0] != '\0' || (!res.degraded && !res.unverifiable && res.bound));
	arena_unmap(&arena);
	return res;
}

/* A refusal that leaves nothing behind; its text is in the buffer returned. A leak would leave
 * at least one mapping for each of the many calls, a sanitizer's own memory grows by less. */
static const char *refuse(size_t len_bytes, enum nodemem_huge want, bool require, int expected)
{
	static struct err err;
	struct arena arena = {0};
	struct nodemem_result res;
	long before = mapping_count();

	for (int i = 0; i < REFUSALS; i++) {
		ck_assert_int_eq(
			nodemem_arena(&arena, len_bytes, some_node(), want, require, &res, &err),
			expected);
		ck_assert_mem_eq(&arena, &nothing, sizeof(arena));
		ck_assert_uint_gt(strlen(err.text), 0);
	}
	ck_assert_int_lt(mapping_count(), before + REFUSALS);
	return err.text;
}

static void expect(const char *text, const char *part)
{
	ck_assert_msg(strstr(text, part) != NULL, "`%s' is not in: %s", part, text);
}

START_TEST(huge_mmap_without_pages_degrades)
{
	struct nodemem_result res;

	forbid_huge_mmap(ENOMEM);
	res = get(7 * MIB, NODEMEM_HUGE_AUTO);
	ck_assert_int_gt(res.got, ARENA_HUGE_2M);
	ck_assert(res.degraded);
	ck_assert(res.verified);
	/* Enough are free, so a larger pool is not the cure; too few are: it is. */
	expect(res.note.text, pool_lent ? "see hugetlb.*.max" : "huge pages of 2 MiB");
	expect(refuse(7 * MIB, NODEMEM_HUGE_2M, true, -ENOMEM), "--require-huge: ");
}
END_TEST

START_TEST(huge_mmap_forbidden_degrades)
{
	struct nodemem_result res;

	forbid_huge_mmap(EPERM);
	res = get(7 * MIB, NODEMEM_HUGE_1G);
	ck_assert_int_gt(res.got, ARENA_HUGE_2M);
	expect(res.note.text, "cannot map huge pages of 1 GiB: Operation not permitted");
	expect(refuse(7 * MIB, NODEMEM_HUGE_AUTO, true, -ENOMEM), "Operation not permitted");
}
END_TEST

START_TEST(a_machine_without_such_pages_degrades)
{
	struct nodemem_result res;

	forbid_huge_mmap(EINVAL);
	res = get(7 * MIB, NODEMEM_HUGE_2M);
	ck_assert_int_gt(res.got, ARENA_HUGE_2M);
	expect(res.note.text, "this machine has no huge pages of 2 MiB");
}
END_TEST

START_TEST(a_node_that_cannot_supply_its_pages_degrades)
{
	struct nodemem_result res;

	/* 8 MiB: what 7 MiB become with huge pages of either kind, but not with small ones. */
	forbid(SCMP_SYS(madvise), EFAULT, 1, UINT64_MAX, 8 * MIB);
	res = get(7 * MIB, NODEMEM_HUGE_AUTO);
	ck_assert_int_eq(res.got, ARENA_HUGE_OFF);
	ck_assert(res.degraded);
	ck_assert(res.verified);
	expect(res.note.text, "pages of 4 KiB instead of huge pages of 2 MiB: ");
}
END_TEST

START_TEST(populating_that_never_works_is_an_error)
{
	static const int errors[] = {EFAULT, ENOMEM, EHWPOISON};
	const char *text;

	forbid_advice(MADV_POPULATE_WRITE, errors[_i]);
	text = refuse(7 * MIB, NODEMEM_HUGE_AUTO, false, -errors[_i]);
	expect(text, "cannot populate 7.0 MiB of memory: ");
	expect(text, strerror(errors[_i]));
	refuse(7 * MIB, NODEMEM_HUGE_AUTO, true, -ENOMEM);
	refuse(7 * MIB, NODEMEM_HUGE_THP, true, -ENOMEM);
}
END_TEST

START_TEST(populating_unknown_to_the_kernel_touches_small_pages_only)
{
	static const int errors[] = {EINVAL, EPERM, ENOSYS};
	struct nodemem_result res;

	forbid_advice(MADV_POPULATE_WRITE, errors[_i]);
	res = get(7 * MIB, NODEMEM_HUGE_AUTO);
	ck_assert_int_gt(res.got, ARENA_HUGE_2M);
	ck_assert(res.verified);
	if (pool_lent) {
		expect(res.note.text, "MADV_POPULATE_WRITE");
	}
	res = get(7 * MIB, NODEMEM_HUGE_OFF);
	ck_assert_int_eq(res.got, ARENA_HUGE_OFF);
	ck_assert(res.verified);
	ck_assert(!res.degraded);
}
END_TEST

START_TEST(populating_that_is_interrupted_for_ever_ends)
{
	forbid_advice(MADV_POPULATE_WRITE, _i == 0 ? EINTR : EAGAIN);
	refuse(7 * MIB, NODEMEM_HUGE_AUTO, false, _i == 0 ? -EINTR : -EAGAIN);
}
END_TEST

START_TEST(a_kernel_without_transparent_pages_has_small_ones)
{
	struct nodemem_result res;

	forbid_advice(MADV_HUGEPAGE, EINVAL);
	forbid_advice(MADV_NOHUGEPAGE, EINVAL);
	res = get(7 * MIB, NODEMEM_HUGE_THP);
	ck_assert_int_eq(res.got, ARENA_HUGE_OFF);
	ck_assert(res.degraded);
	expect(res.note.text, "this kernel has no transparent huge pages");
	refuse(7 * MIB, NODEMEM_HUGE_THP, true, -ENOMEM);
}
END_TEST

START_TEST(mapping_that_fails_half_way_leaves_nothing)
{
	if (_i == 0) {
		forbid_advice(MADV_DONTFORK, ENOMEM);
	} else {
		/* glibc itself needs mprotect: only this size is refused. */
		forbid(SCMP_SYS(mprotect), ENOMEM, 1, UINT64_MAX, 7 * MIB);
	}
	expect(refuse(7 * MIB, _i == 0 ? NODEMEM_HUGE_AUTO : NODEMEM_HUGE_OFF, false, -ENOMEM),
	       "cannot map 7.0 MiB of memory: Cannot allocate memory");
}
END_TEST

START_TEST(binding_forbidden_is_survived_and_said)
{
	static const int errors[] = {EPERM, EACCES, ENOSYS};
	struct nodemem_result res;

	forbid(SCMP_SYS(mbind), errors[_i], 0, 0, 0);
	res = get(MIB, NODEMEM_HUGE_OFF);
	ck_assert(!res.bound);
	ck_assert(!res.degraded);
	expect(res.note.text, "memory is not bound to node ");
	expect(res.note.text, strerror(errors[_i]));
}
END_TEST

START_TEST(binding_refused_is_an_error)
{
	static const int errors[] = {EINVAL, ENOMEM, EFAULT};
	const char *text;

	forbid(SCMP_SYS(mbind), errors[_i], 0, 0, 0);
	text = refuse(MIB, _i % 2 == 0 ? NODEMEM_HUGE_AUTO : NODEMEM_HUGE_OFF, _i == 1,
		      -errors[_i]);
	expect(text, ": cannot bind memory: ");
	expect(text, strerror(errors[_i]));
	expect(text, "cpuset.mems");
}
END_TEST

START_TEST(verifying_goes_by_numa_maps_where_move_pages_is_forbidden)
{
	static const int errors[] = {EPERM, EACCES, ENOSYS};
	struct nodemem_result res;

	forbid(SCMP_SYS(move_pages), errors[_i], 0, 0, 0);
	for (enum nodemem_huge want = NODEMEM_HUGE_2M; want <= NODEMEM_HUGE_OFF; want++) {
		res = get(3 * MIB, want);
		ck_assert(res.verified);
		ck_assert(!res.unverifiable);
		ck_assert_uint_eq(res.pages_misplaced, 0);
		ck_assert_uint_gt(res.pages, 0);
	}
}
END_TEST

START_TEST(numa_maps_counts_what_is_elsewhere_or_absent)
{
	size_t page_bytes = (size_t)sysconf(_SC_PAGESIZE);
	struct arena arena = {0};
	uint64_t pages = 0;
	uint64_t wrong = 0;

	forbid(SCMP_SYS(move_pages), EPERM, 0, 0, 0);
	ck_assert_int_eq(arena_map(&arena, 10 * page_bytes, ARENA_HUGE_OFF), 0);
	for (size_t i = 0; i < 4; i++) {
		arena.base[i * 2 * page_bytes] = 1;
	}
	ck_assert_int_eq(nodemem_verify(arena.base, arena.len_bytes, page_bytes, NODE_UNKNOWN,
					&pages, &wrong),
			 0);
	ck_assert_uint_eq(pages, 10);
	ck_assert_uint_eq(wrong, 6);
	ck_assert_int_eq(
		nodemem_verify(arena.base, arena.len_bytes, page_bytes, 1022, &pages, &wrong), 0);
	ck_assert_uint_eq(wrong, 10);
	/* Not where a mapping begins: nothing is known of it. */
	ck_assert_int_eq(nodemem_verify(arena.base + page_bytes, page_bytes, page_bytes,
					NODE_UNKNOWN, &pages, &wrong),
			 -EPERM);
	arena_unmap(&arena);
}
END_TEST

START_TEST(nothing_to_read_is_said_to_be_unverified)
{
	struct nodemem_result res;

	forbid(SCMP_SYS(move_pages), EPERM, 0, 0, 0);
	forbid(SCMP_SYS(openat), EACCES, 2, UINT32_MAX, O_RDONLY | O_CLOEXEC);
	res = get(3 * MIB, NODEMEM_HUGE_THP);
	ck_assert(res.unverifiable);
	ck_assert(!res.verified);
	ck_assert(res.bound);
	expect(res.note.text, "page placement is unverified: move_pages: Operation not permitted");
}
END_TEST

START_TEST(shortage_without_sysfs_still_has_a_cause)
{
	struct nodemem_result res;

	forbid_huge_mmap(ENOMEM);
	forbid(SCMP_SYS(openat), EACCES, 2, UINT32_MAX, O_RDONLY | O_CLOEXEC);
	res = get(3 * MIB, NODEMEM_HUGE_2M);
	expect(res.note.text, "cannot map huge pages of 2 MiB: Cannot allocate memory");
}
END_TEST

START_TEST(move_pages_failing_otherwise_is_unverified_too)
{
	struct nodemem_result res;

	forbid(SCMP_SYS(move_pages), ENOMEM, 0, 0, 0);
	res = get(3 * MIB, NODEMEM_HUGE_OFF);
	ck_assert(res.unverifiable);
	expect(res.note.text, "page placement is unverified: move_pages: Cannot allocate memory");
}
END_TEST

START_TEST(everything_forbidden_still_gives_memory)
{
	struct nodemem_result res;

	forbid_huge_mmap(EPERM);
	forbid_advice(MADV_POPULATE_WRITE, EPERM);
	forbid_advice(MADV_HUGEPAGE, EINVAL);
	forbid(SCMP_SYS(mbind), EPERM, 0, 0, 0);
	forbid(SCMP_SYS(move_pages), EPERM, 0, 0, 0);
	res = get(7 * MIB, NODEMEM_HUGE_AUTO);
	ck_assert_int_eq(res.got, ARENA_HUGE_OFF);
	ck_assert(res.degraded);
	ck_assert(!res.bound);
}
END_TEST

static void add_tests(TCase *tc)
{
	tcase_add_test(tc, huge_mmap_without_pages_degrades);
	tcase_add_test(tc, huge_mmap_forbidden_degrades);
	tcase_add_test(tc, a_machine_without_such_pages_degrades);
	tcase_add_test(tc, a_node_that_cannot_supply_its_pages_degrades);
	tcase_add_loop_test(tc, populating_that_never_works_is_an_error, 0, 3);
	tcase_add_loop_test(tc, populating_unknown_to_the_kernel_touches_small_pages_only, 0, 3);
	tcase_add_loop_test(tc, populating_that_is_interrupted_for_ever_ends, 0, 2);
	tcase_add_test(tc, a_kernel_without_transparent_pages_has_small_ones);
	tcase_add_loop_test(tc, mapping_that_fails_half_way_leaves_nothing, 0, 2);
	tcase_add_loop_test(tc, binding_forbidden_is_survived_and_said, 0, 3);
	tcase_add_loop_test(tc, binding_refused_is_an_error, 0, 3);
	tcase_add_loop_test(tc, verifying_goes_by_numa_maps_where_move_pages_is_forbidden, 0, 3);
	tcase_add_test(tc, numa_maps_counts_what_is_elsewhere_or_absent);
	tcase_add_test(tc, nothing_to_read_is_said_to_be_unverified);
	tcase_add_test(tc, shortage_without_sysfs_still_has_a_cause);
	tcase_add_test(tc, move_pages_failing_otherwise_is_unverified_too);
	tcase_add_test(tc, everything_forbidden_still_gives_memory);
}

int main(void)
{
	Suite *suite = suite_create("nodemem_faults");
	TCase *tc = tcase_create("faults");
	SRunner *runner;
	int failed;

	tcase_add_unchecked_fixture(tc, lend_pool, hugepool_restore);
	add_tests(tc);
	suite_add_tcase(suite, tc);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
