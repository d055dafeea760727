/* check_pool.c - the pool: LIFO, every slot in one place, misuse aborts, exhaustion survived. */
#include "tests/unit/shard/check_pool.h"

#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "shard/pool.h"
#include "src/setup/options.h"

#define RANDOM_STEPS 200000

static struct arena arena;
static struct pool pool;
static struct pool_class_stats stats[POOL_CLASS_COUNT];

static void make_pool(uint32_t small, uint32_t standard, uint32_t jumbo, uint32_t train)
{
	struct pool_counts counts = {{small, standard, jumbo, train}};

	ck_assert_int_eq(arena_map(&arena, pool_arena_bytes(&counts), ARENA_HUGE_OFF), 0);
	ck_assert_int_eq(arena_populate(&arena), 0);
	pool_cut(&pool, &counts, &arena);
	pool_init(&pool, stats);
	arena_seal(&arena);
}

static void unmake_pool(void)
{
	arena_unmap(&arena);
}

/* Of --pool. */
static struct pool_counts default_counts(void)
{
	struct cli_fill fill;
	struct opt opt = {0};
	struct pool_counts counts;
	struct err err;

	ck_assert_int_eq(cli_fill_init(&fill, &options_table, &opt, &err), 0);
	counts = opt.pool;
	options_free(&opt);
	return counts;
}

START_TEST(default_footprint_is_below_7_9_mib)
{
	struct pool_counts counts = default_counts();

	ck_assert_uint_lt(pool_arena_bytes(&counts), 79 * 1024 * 1024 / 10);
}
END_TEST

START_TEST(stride_is_an_odd_number_of_cache_lines_and_holds_head_and_payload)
{
	static const uint32_t payloads[] = {1500, 4096, 9000, UDP_PAYLOAD_MAX};

	for (int cls = 0; cls < POOL_CLASS_COUNT; cls++) {
		size_t stride = pool_stride_bytes((enum pool_class)cls);

		ck_assert_uint_ge(stride,
				  SLOT_HEAD_BYTES + pool_payload_bytes((enum pool_class)cls));
		ck_assert_uint_eq(stride % CACHE_LINE_BYTES, 0);
		ck_assert_uint_eq(stride / CACHE_LINE_BYTES % 2, 1);
		ck_assert_uint_ge(pool_payload_bytes((enum pool_class)cls), payloads[cls]);
	}
}
END_TEST

START_TEST(class_for_is_the_smallest_that_fits_and_has_slots)
{
	struct pool_counts all = {{1, 1, 1, 1}};
	struct pool_counts gaps = {{1, 0, 1, 0}};
	struct pool_counts none = {{0}};

	ck_assert_int_eq(pool_class_for(&all, 0), POOL_SMALL);
	ck_assert_int_eq(pool_class_for(&all, 1500), POOL_SMALL);
	ck_assert_int_eq(pool_class_for(&all, 1501), POOL_STANDARD);
	ck_assert_int_eq(pool_class_for(&all, 4097), POOL_JUMBO);
	ck_assert_int_eq(pool_class_for(&all, 65535), POOL_TRAIN);
	ck_assert_int_eq(pool_class_for(&gaps, 1501), POOL_JUMBO);
	ck_assert_int_eq(pool_class_for(&gaps, 65535), POOL_JUMBO);
	ck_assert_int_eq(pool_class_for(&none, 1), -ENOENT);
}
END_TEST

START_TEST(class_names_are_those_of_the_option)
{
	ck_assert_str_eq(pool_class_name(POOL_SMALL), "small");
	ck_assert_str_eq(pool_class_name(POOL_STANDARD), "standard");
	ck_assert_str_eq(pool_class_name(POOL_JUMBO), "jumbo");
	ck_assert_str_eq(pool_class_name(POOL_TRAIN), "train");
}
END_TEST

START_TEST(slots_do_not_overlap_and_payloads_start_on_a_cache_line)
{
	make_pool(7, 5, 3, 2);
	for (int cls = 0; cls < POOL_CLASS_COUNT; cls++) {
		const struct pool_class_state *c = &pool.classes[cls];

		for (uint16_t i = 0; i < c->count; i++) {
			uint32_t slot = pool_slot_id((enum pool_class)cls, i);
			unsigned char *base = pool_slot_base(&pool, slot);

			ck_assert_uint_eq((uintptr_t)(base + SLOT_HEAD_BYTES) % CACHE_LINE_BYTES,
					  0);
			memset(base, 16 * cls + i, SLOT_HEAD_BYTES + c->payload_bytes);
		}
	}
	for (int cls = 0; cls < POOL_CLASS_COUNT; cls++) {
		const struct pool_class_state *c = &pool.classes[cls];

		for (uint16_t i = 0; i < c->count; i++) {
			const unsigned char *base =
				pool_slot_base(&pool, pool_slot_id((enum pool_class)cls, i));

			ck_assert_uint_eq(base[0], 16U * (unsigned)cls + i);
			ck_assert_uint_eq(base[SLOT_HEAD_BYTES + c->payload_bytes - 1],
					  16U * (unsigned)cls + i);
		}
	}
	ck_assert(pool_consistent(&pool));
	unmake_pool();
}
END_TEST

START_TEST(slot_id_carries_class_and_index)
{
	uint32_t slot = pool_slot_id(POOL_TRAIN, 32767);

	ck_assert_int_eq(pool_slot_class(slot), POOL_TRAIN);
	ck_assert_uint_eq(pool_slot_index(slot), 32767);
	ck_assert_uint_ne(slot, POOL_NONE);
}
END_TEST

START_TEST(first_takes_go_up_from_index_0)
{
	make_pool(4, 0, 0, 0);
	for (uint16_t i = 0; i < 4; i++) {
		ck_assert_uint_eq(pool_take(&pool, POOL_SMALL), pool_slot_id(POOL_SMALL, i));
	}
	unmake_pool();
}
END_TEST

START_TEST(last_freed_is_first_taken)
{
	make_pool(8, 0, 0, 4);

	uint32_t a = pool_take(&pool, POOL_TRAIN);
	uint32_t b = pool_take(&pool, POOL_TRAIN);
	uint32_t c = pool_take(&pool, POOL_TRAIN);

	ck_assert(pool_drop(&pool, b));
	ck_assert(pool_drop(&pool, a));
	ck_assert_uint_eq(pool_take(&pool, POOL_TRAIN), a);
	ck_assert_uint_eq(pool_lend(&pool, POOL_TRAIN), b);
	ck_assert(pool_drop(&pool, c));
	ck_assert_uint_eq(pool_take(&pool, POOL_TRAIN), c);
	ck_assert(pool_consistent(&pool));
	unmake_pool();
}
END_TEST

START_TEST(drop_of_last_hold_returns_buffer)
{
	make_pool(1, 0, 0, 0);

	uint32_t slot = pool_lend(&pool, POOL_SMALL);

	pool_accept(&pool, slot);
	pool_hold(&pool, slot);
	pool_hold(&pool, slot);
	ck_assert(!pool_drop(&pool, slot));
	ck_assert(!pool_drop(&pool, slot));
	ck_assert_uint_eq(pool_take(&pool, POOL_SMALL), POOL_NONE);
	ck_assert(pool_drop(&pool, slot));
	ck_assert_uint_eq(pool_take(&pool, POOL_SMALL), slot);
	ck_assert(pool_consistent(&pool));
	unmake_pool();
}
END_TEST

START_TEST(holds_count_up_to_their_maximum_and_back)
{
	make_pool(1, 0, 0, 0);

	uint32_t slot = pool_take(&pool, POOL_SMALL);

	for (uint32_t i = 1; i < POOL_HOLDS_MAX; i++) {
		pool_hold(&pool, slot);
	}
	for (uint32_t i = 1; i < POOL_HOLDS_MAX; i++) {
		ck_assert(!pool_drop(&pool, slot));
	}
	ck_assert(pool_drop(&pool, slot));
	unmake_pool();
}
END_TEST

START_TEST(unlend_takes_back_what_was_lent)
{
	make_pool(2, 0, 0, 0);

	uint32_t a = pool_lend(&pool, POOL_SMALL);
	uint32_t b = pool_lend(&pool, POOL_SMALL);

	pool_publish_stats(&pool);
	ck_assert_uint_eq(stat_get(&stats[POOL_SMALL].in_ring), 2);
	ck_assert(pool_consistent(&pool));
	pool_unlend(&pool, a);
	pool_unlend(&pool, b);
	pool_publish_stats(&pool);
	ck_assert_uint_eq(stat_get(&stats[POOL_SMALL].in_ring), 0);
	ck_assert_uint_eq(stat_get(&stats[POOL_SMALL].free), pool.classes[POOL_SMALL].count);
	ck_assert(pool_consistent(&pool));
	unmake_pool();
}
END_TEST

START_TEST(exhaustion_is_counted_and_recovered_from_at_once)
{
	uint32_t slots[3];

	make_pool(3, 1, 0, 0);
	for (int i = 0; i < 3; i++) {
		slots[i] = pool_take(&pool, POOL_SMALL);
	}
	ck_assert_uint_eq(pool_take(&pool, POOL_SMALL), POOL_NONE);
	ck_assert_uint_eq(pool_lend(&pool, POOL_SMALL), POOL_NONE);
	ck_assert_uint_eq(pool_take(&pool, POOL_JUMBO), POOL_NONE);
	ck_assert_uint_ne(pool_take(&pool, POOL_STANDARD), POOL_NONE);
	ck_assert(pool_drop(&pool, slots[1]));
	ck_assert_uint_eq(pool_take(&pool, POOL_SMALL), slots[1]);
	pool_publish_stats(&pool);
	ck_assert_uint_eq(stat_get(&stats[POOL_SMALL].exhausted), 2);
	ck_assert_uint_eq(stat_get(&stats[POOL_JUMBO].exhausted), 1);
	ck_assert_uint_eq(stat_get(&stats[POOL_STANDARD].exhausted), 0);
	ck_assert(pool_consistent(&pool));
	unmake_pool();
}
END_TEST

START_TEST(statistics_appear_at_publish_and_agree)
{
	make_pool(10, 0, 0, 0);

	uint32_t a = pool_take(&pool, POOL_SMALL);
	uint32_t b = pool_lend(&pool, POOL_SMALL);
	uint32_t c = pool_lend(&pool, POOL_SMALL);

	ck_assert_uint_eq(stat_get(&stats[POOL_SMALL].taken), 0);
	pool_accept(&pool, b);
	pool_drop(&pool, a);
	pool_publish_stats(&pool);
	ck_assert_uint_eq(stat_get(&stats[POOL_SMALL].taken), 3);
	ck_assert_uint_eq(stat_get(&stats[POOL_SMALL].returned), 1);
	ck_assert_uint_eq(stat_get(&stats[POOL_SMALL].free), 8);
	ck_assert_uint_eq(stat_get(&stats[POOL_SMALL].in_ring), 1);
	ck_assert_uint_eq(stat_get(&stats[POOL_SMALL].held), 1);
	ck_assert_uint_eq(stat_get(&stats[POOL_SMALL].high_water), 3);
	pool_drop(&pool, b);
	pool_unlend(&pool, c);
	pool_publish_stats(&pool);
	ck_assert_uint_eq(stat_get(&stats[POOL_SMALL].returned), 3);
	ck_assert_uint_eq(stat_get(&stats[POOL_SMALL].free), pool.classes[POOL_SMALL].count);
	ck_assert_uint_eq(stat_get(&stats[POOL_SMALL].high_water), 3);
	unmake_pool();
}
END_TEST

START_TEST(high_water_is_the_most_ever_in_use)
{
	uint32_t slots[10];

	make_pool(10, 0, 0, 0);
	for (uint32_t most = 1; most <= 10; most++) {
		for (int round = 0; round < 3; round++) {
			for (uint32_t i = 0; i < most; i++) {
				slots[i] = i % 2 ? pool_take(&pool, POOL_SMALL)
						 : pool_lend(&pool, POOL_SMALL);
			}
			for (uint32_t i = 0; i < most; i++) {
				if (i % 2 == 0) {
					pool_accept(&pool, slots[i]);
				}
				ck_assert(pool_drop(&pool, slots[i]));
			}
		}
		pool_publish_stats(&pool);
		ck_assert_uint_eq(stat_get(&stats[POOL_SMALL].high_water), most);
		ck_assert_uint_eq(stat_get(&stats[POOL_SMALL].free),
				  pool.classes[POOL_SMALL].count);
	}
	unmake_pool();
}
END_TEST

START_TEST(takes_are_counted_across_the_wrap_of_their_word)
{
	make_pool(2, 0, 0, 0);

	struct pool_class_state *c = &pool.classes[POOL_SMALL];

	/* As if 2^32 - 1 takes had been published before. */
	c->taken = UINT32_MAX;
	pool_publish_stats(&pool);
	ck_assert_uint_eq(stat_get(&stats[POOL_SMALL].taken), UINT32_MAX);
	ck_assert(pool_drop(&pool, pool_take(&pool, POOL_SMALL)));
	pool_take(&pool, POOL_SMALL);
	ck_assert_uint_eq(c->taken, 1);
	ck_assert_uint_eq(c->free_count, 1);
	pool_publish_stats(&pool);
	ck_assert_uint_eq(stat_get(&stats[POOL_SMALL].taken), (uint64_t)UINT32_MAX + 2);
	ck_assert_uint_eq(stat_get(&stats[POOL_SMALL].returned), (uint64_t)UINT32_MAX + 1);
	unmake_pool();
}
END_TEST

/* One random verb that is allowed for `slot' in its state; holds[] is the test's own model. */
static void step_slot(uint32_t slot, int *model, unsigned dice)
{
	if (*model < 0) {
		if (dice % 3 == 0) {
			pool_unlend(&pool, slot);
			*model = 0;
		} else {
			pool_accept(&pool, slot);
			*model = 1;
		}
		return;
	}
	if (dice % 2 == 0) {
		pool_hold(&pool, slot);
		++*model;
		return;
	}
	ck_assert_int_eq(pool_drop(&pool, slot), *model == 1);
	--*model;
}

START_TEST(any_sequence_of_allowed_verbs_keeps_the_pool_whole)
{
	static int model[POOL_CLASS_COUNT][64];
	unsigned seed = 20240611;
	uint64_t refused = 0;
	uint64_t taken = 0;
	uint64_t most_used[POOL_CLASS_COUNT] = {0};

	make_pool(64, 33, 5, 1);
	for (int step = 0; step < RANDOM_STEPS; step++) {
		enum pool_class cls = (enum pool_class)(rand_r(&seed) % POOL_CLASS_COUNT);
		unsigned dice = (unsigned)rand_r(&seed);
		uint32_t index = (unsigned)rand_r(&seed) % pool.classes[cls].count;

		if (model[cls][index] != 0) {
			step_slot(pool_slot_id(cls, (uint16_t)index), &model[cls][index], dice);
			continue;
		}

		uint32_t slot = dice % 2 ? pool_take(&pool, cls) : pool_lend(&pool, cls);

		if (slot == POOL_NONE) {
			refused++;
			continue;
		}
		ck_assert_int_eq(model[cls][pool_slot_index(slot)], 0);
		model[cls][pool_slot_index(slot)] = dice % 2 ? 1 : -1;
		taken++;

		uint64_t used = pool.classes[cls].count - pool.classes[cls].free_count;

		most_used[cls] = used > most_used[cls] ? used : most_used[cls];
		if (step % 1000 == 0) {
			ck_assert(pool_consistent(&pool));
		}
	}
	/* `index' was free, so whoever asked got something. */
	ck_assert_uint_eq(refused, 0);
	ck_assert(pool_consistent(&pool));
	pool_publish_stats(&pool);
	for (int cls = 0; cls < POOL_CLASS_COUNT; cls++) {
		ck_assert_uint_eq(stat_get(&stats[cls].high_water), most_used[cls]);
		taken -= stat_get(&stats[cls].taken);
	}
	ck_assert_uint_eq(taken, 0);
	unmake_pool();
}
END_TEST

START_TEST(largest_class_uses_all_16_bit_indexes_it_may)
{
	make_pool(POOL_SLOTS_MAX, 0, 0, 0);

	uint32_t last = POOL_NONE;

	for (uint32_t i = 0; i < POOL_SLOTS_MAX; i++) {
		last = pool_take(&pool, POOL_SMALL);
		ck_assert_uint_eq(pool_slot_index(last), i);
	}
	ck_assert_uint_eq(pool_take(&pool, POOL_SMALL), POOL_NONE);
	ck_assert(pool_slot_base(&pool, last) + pool_stride_bytes(POOL_SMALL) <=
		  (unsigned char *)arena.base + arena.len_bytes);
	ck_assert(pool_consistent(&pool));
	unmake_pool();
}
END_TEST

START_TEST(consistent_notices_each_kind_of_damage)
{
	make_pool(4, 0, 0, 0);

	struct pool_class_state *c = &pool.classes[POOL_SMALL];

	ck_assert(pool_consistent(&pool));
	c->state[2] = POOL_HELD; /* yet on the stack */
	ck_assert(!pool_consistent(&pool));
	c->state[2] = POOL_FRESH;
	c->free_stack[0] = c->free_stack[1]; /* an index twice */
	ck_assert(!pool_consistent(&pool));
	c->free_stack[0] = 3;
	ck_assert(pool_consistent(&pool));
	c->free_stack[0] = 4; /* outside */
	ck_assert(!pool_consistent(&pool));
	c->free_stack[0] = 3;
	c->ring_count = 1; /* lent, but none is marked so */
	ck_assert(!pool_consistent(&pool));
	c->ring_count = 0;
	c->free_count = 3; /* one leaked */
	ck_assert(!pool_consistent(&pool));
	unmake_pool();
}
END_TEST

static TCase *case_of(Suite *suite, const char *name)
{
	TCase *tc = tcase_create(name);

	suite_add_tcase(suite, tc);
	return tc;
}

int main(void)
{
	Suite *suite = suite_create("pool");
	TCase *tc = case_of(suite, "sizes");

	tcase_add_test(tc, default_footprint_is_below_7_9_mib);
	tcase_add_test(tc, stride_is_an_odd_number_of_cache_lines_and_holds_head_and_payload);
	tcase_add_test(tc, class_for_is_the_smallest_that_fits_and_has_slots);
	tcase_add_test(tc, class_names_are_those_of_the_option);
	tcase_add_test(tc, slots_do_not_overlap_and_payloads_start_on_a_cache_line);
	tcase_add_test(tc, slot_id_carries_class_and_index);
	tcase_add_test(tc, largest_class_uses_all_16_bit_indexes_it_may);
	tc = case_of(suite, "verbs");
	tcase_add_test(tc, first_takes_go_up_from_index_0);
	tcase_add_test(tc, last_freed_is_first_taken);
	tcase_add_test(tc, drop_of_last_hold_returns_buffer);
	tcase_add_test(tc, holds_count_up_to_their_maximum_and_back);
	tcase_add_test(tc, unlend_takes_back_what_was_lent);
	tcase_add_test(tc, exhaustion_is_counted_and_recovered_from_at_once);
	tcase_add_test(tc, statistics_appear_at_publish_and_agree);
	tcase_add_test(tc, high_water_is_the_most_ever_in_use);
	tcase_add_test(tc, takes_are_counted_across_the_wrap_of_their_word);
	tcase_add_test(tc, any_sequence_of_allowed_verbs_keeps_the_pool_whole);
	tcase_add_test(tc, consistent_notices_each_kind_of_damage);
	suite_add_tcase(suite, check_pool_misuse());

	SRunner *runner = srunner_create(suite);

	srunner_run_all(runner, CK_ENV);

	int failed = srunner_ntests_failed(runner);

	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
