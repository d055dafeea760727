/* check_regbuf.c - fair shares of what may be registered, and areas that hold what they say. */
#include "shard/regbuf.h"

#include <check.h>
#include <stdlib.h>
#include <sys/mman.h>

static const struct pool_counts usual = {{1000, 500, 200, 32}};
static const struct regbuf_limit no_limit = {.slots = REGBUF_ALL, .bytes = REGBUF_ALL};

START_TEST(shares_are_equal_but_for_one_and_add_up)
{
	static const uint64_t alls[] = {0, 1, 7, 64, 16384, 1000003};

	for (size_t a = 0; a < sizeof(alls) / sizeof(alls[0]); a++) {
		uint64_t before = REGBUF_ALL;

		for (uint32_t shards = 1; shards <= 130; shards++) {
			uint64_t sum = 0;
			uint64_t first = regbuf_share(alls[a], shards, 0);

			for (uint32_t i = 0; i < shards; i++) {
				uint64_t share = regbuf_share(alls[a], shards, i);

				ck_assert_uint_le(share, first);
				ck_assert_uint_ge(share + 1, first);
				sum += share;
			}
			ck_assert_uint_eq(sum, alls[a]);
			ck_assert_uint_le(first, before); /* more shards, no larger share */
			before = first;
		}
	}
	ck_assert_uint_eq(regbuf_share(REGBUF_ALL, 7, 3), REGBUF_ALL);
}
END_TEST

START_TEST(without_limit_a_pool_is_one_area_per_class)
{
	struct regbuf_map map;

	regbuf_plan(&usual, &no_limit, &map);
	ck_assert_uint_eq(map.area_count, POOL_CLASS_COUNT);
	for (int cls = 0; cls < POOL_CLASS_COUNT; cls++) {
		ck_assert_uint_eq(map.slots[cls], usual.count[cls]);
	}
}
END_TEST

START_TEST(large_slots_come_first_when_slots_are_few)
{
	struct regbuf_limit limit = {.slots = 250, .bytes = REGBUF_ALL};
	struct regbuf_map map;

	regbuf_plan(&usual, &limit, &map);
	ck_assert_uint_eq(map.slots[POOL_TRAIN], 32);
	ck_assert_uint_eq(map.slots[POOL_JUMBO], 200);
	ck_assert_uint_eq(map.slots[POOL_STANDARD], 18);
	ck_assert_uint_eq(map.slots[POOL_SMALL], 0);
	ck_assert_uint_eq(map.area_count, 3);
	limit.slots = 0;
	regbuf_plan(&usual, &limit, &map);
	ck_assert_uint_eq(map.area_count, 0);
}
END_TEST

START_TEST(bytes_are_never_exceeded_and_well_used)
{
	for (uint64_t bytes = 0; bytes < 12 << 20; bytes += 99991) {
		struct regbuf_limit limit = {.slots = REGBUF_ALL, .bytes = bytes};
		struct regbuf_map map;
		uint64_t used = 0;
		bool all = true;

		regbuf_plan(&usual, &limit, &map);
		for (int cls = 0; cls < POOL_CLASS_COUNT; cls++) {
			used += map.slots[cls] * (uint64_t)pool_stride_bytes((enum pool_class)cls);
			all = all && map.slots[cls] == usual.count[cls];
		}
		ck_assert_uint_le(used, bytes);
		/* What is left is no slot of the smallest class, pages at the ends aside. */
		ck_assert(all || bytes - used < (uint64_t)POOL_CLASS_COUNT * 4 * 4096 + 1728);
	}
}
END_TEST

/* The kernel charges a huge page whole, whatever part of it is registered. */
START_TEST(huge_pages_at_the_ends_count_whole)
{
	const uint64_t huge = 2 << 20;
	struct regbuf_limit limit = {.slots = REGBUF_ALL, .page_bytes = huge};
	struct regbuf_map map;

	limit.bytes = 2 * huge - 1;
	regbuf_plan(&usual, &limit, &map);
	ck_assert_uint_eq(map.area_count, 0);
	limit.bytes = 2 * huge;
	regbuf_plan(&usual, &limit, &map);
	ck_assert_uint_eq(map.area_count, 1);
	ck_assert_uint_eq(map.slots[POOL_TRAIN], 31); /* just less than a page */
	limit.bytes = 3 * huge;
	regbuf_plan(&usual, &limit, &map);
	ck_assert_uint_eq(map.area_count, 1);
	ck_assert_uint_eq(map.slots[POOL_TRAIN], 32);
	limit.bytes = REGBUF_ALL;
	regbuf_plan(&usual, &limit, &map);
	ck_assert_uint_eq(map.area_count, POOL_CLASS_COUNT);
}
END_TEST

/* A pool whose slots exist by address only; nothing may be read or written there. */
static void lay_out(struct pool *pool, const struct pool_counts *counts)
{
	unsigned char *at = mmap(NULL, 4UL << 30, PROT_NONE,
				 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	ck_assert_ptr_ne(at, MAP_FAILED);
	*pool = (struct pool){0};
	for (int cls = 0; cls < POOL_CLASS_COUNT; cls++) {
		size_t stride = pool_stride_bytes((enum pool_class)cls);

		pool->classes[cls].base = at;
		pool->classes[cls].stride_bytes = (uint32_t)stride;
		at += counts->count[cls] * stride;
	}
}

static bool holds(const struct iovec *area, const struct pool *pool, uint32_t slot)
{
	uintptr_t base = (uintptr_t)area->iov_base;
	uintptr_t at = (uintptr_t)pool_slot_base(pool, slot);

	return at >= base && at + pool_stride_bytes(pool_slot_class(slot)) <= base + area->iov_len;
}

START_TEST(every_registered_slot_lies_in_the_area_it_names)
{
	struct pool_counts large = {{POOL_SLOTS_MAX, POOL_SLOTS_MAX, 0, POOL_SLOTS_MAX}};
	struct iovec areas[RING_BUFFERS_MAX];
	struct regbuf_map map;
	struct pool pool;

	lay_out(&pool, &large);
	regbuf_plan(&large, &no_limit, &map);
	regbuf_areas(&map, &pool, areas);
	ck_assert_uint_gt(map.area_count, POOL_CLASS_COUNT); /* 2 GiB of trains: three areas */
	for (uint32_t i = 0; i < map.area_count; i++) {
		ck_assert_uint_le(areas[i].iov_len, 1UL << 30);
	}
	for (int cls = 0; cls < POOL_CLASS_COUNT; cls++) {
		for (uint32_t i = 0; i < large.count[cls]; i++) {
			uint32_t slot = pool_slot_id((enum pool_class)cls, (uint16_t)i);
			int area = regbuf_area_of(&map, &slot, 1);

			ck_assert_int_ge(area, 0);
			ck_assert(holds(&areas[area], &pool, slot));
		}
	}
}
END_TEST

START_TEST(slots_of_several_areas_or_of_none_have_no_area)
{
	struct regbuf_limit limit = {.slots = 40, .bytes = REGBUF_ALL};
	struct regbuf_map map;
	uint32_t slots[2] = {pool_slot_id(POOL_TRAIN, 3), pool_slot_id(POOL_TRAIN, 31)};

	regbuf_plan(&usual, &limit, &map);
	ck_assert_int_ge(regbuf_area_of(&map, slots, 2), 0);
	slots[1] = pool_slot_id(POOL_JUMBO, 0); /* registered, but elsewhere */
	ck_assert_int_ge(regbuf_area_of(&map, &slots[1], 1), 0);
	ck_assert_int_eq(regbuf_area_of(&map, slots, 2), -1);
	slots[0] = pool_slot_id(POOL_JUMBO, 8); /* beyond the limit */
	ck_assert_int_eq(regbuf_area_of(&map, slots, 2), -1);
	ck_assert_int_eq(regbuf_area_of(&map, slots, 1), -1);
	map = (struct regbuf_map){0};
	ck_assert_int_eq(regbuf_area_of(&map, slots, 1), -1);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("regbuf");
	TCase *tc = tcase_create("regbuf");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_test(tc, shares_are_equal_but_for_one_and_add_up);
	tcase_add_test(tc, without_limit_a_pool_is_one_area_per_class);
	tcase_add_test(tc, large_slots_come_first_when_slots_are_few);
	tcase_add_test(tc, bytes_are_never_exceeded_and_well_used);
	tcase_add_test(tc, huge_pages_at_the_ends_count_whole);
	tcase_add_test(tc, every_registered_slot_lies_in_the_area_it_names);
	tcase_add_test(tc, slots_of_several_areas_or_of_none_have_no_area);
	suite_add_tcase(suite, tc);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
