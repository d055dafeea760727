/* check_pool_census.c - at a shard's end its slots are counted one by one, so that the sums of the
 * report can disagree.
 */
#include <check.h>

#include "shard/pool.h"

static struct arena arena;
static struct pool pool;
static struct pool_class_stats stats[POOL_CLASS_COUNT];

static void make_pool(void)
{
	struct pool_counts counts = {{10, 0, 0, 0}};

	ck_assert_int_eq(arena_map(&arena, pool_arena_bytes(&counts), ARENA_HUGE_OFF), 0);
	pool_cut(&pool, &counts, &arena);
	pool_init(&pool, stats);
}

/* What the report compares. */
static bool sums_agree(void)
{
	const struct pool_class_stats *s = &stats[POOL_SMALL];
	uint64_t out = stat_get(&s->in_ring) + stat_get(&s->held);

	return stat_get(&s->free) + out == pool.classes[POOL_SMALL].count &&
	       stat_get(&s->taken) == stat_get(&s->returned) + out;
}

START_TEST(census_of_a_sound_pool_agrees)
{
	make_pool();
	pool_take(&pool, POOL_SMALL);
	pool_lend(&pool, POOL_SMALL);
	pool_accept(&pool, pool_lend(&pool, POOL_SMALL));
	pool_publish_census(&pool, false);
	ck_assert(sums_agree());
	ck_assert_uint_eq(stat_get(&stats[POOL_SMALL].in_ring), 1);
	ck_assert_uint_eq(stat_get(&stats[POOL_SMALL].held), 2);
	ck_assert_uint_eq(stat_get(&stats[POOL_SMALL].leaked), 0);
	arena_unmap(&arena);
}
END_TEST

START_TEST(census_finds_the_slot_that_nobody_drops)
{
	uint32_t slot;

	make_pool();
	slot = pool_take(&pool, POOL_SMALL);
	pool_hold(&pool, slot);
	pool_drop(&pool, slot); /* and its other holder has forgotten it */
	pool_publish_census(&pool, true);
	ck_assert_uint_eq(stat_get(&stats[POOL_SMALL].leaked), 1);
	arena_unmap(&arena);
}
END_TEST

/* Each of these makes a slot vanish between two places. What is derived cannot see it. */
START_TEST(census_finds_the_slot_that_is_nowhere)
{
	struct pool_class_state *c = &pool.classes[POOL_SMALL];

	make_pool();
	pool_publish_census(&pool, true);
	ck_assert(sums_agree());
	c->free_count--; /* off the stack, yet in nobody's hands */
	pool_publish_stats(&pool);
	ck_assert(sums_agree());
	pool_publish_census(&pool, true);
	ck_assert(!sums_agree());
	c->free_count++;
	c->state[2] = POOL_LENT; /* on the stack, and lent */
	pool_publish_census(&pool, true);
	ck_assert(!sums_agree());
	arena_unmap(&arena);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("pool_census");
	TCase *tc = tcase_create("pool_census");
	SRunner *runner = srunner_create(suite);
	int failed;

	suite_add_tcase(suite, tc);
	tcase_add_test(tc, census_of_a_sound_pool_agrees);
	tcase_add_test(tc, census_finds_the_slot_that_nobody_drops);
	tcase_add_test(tc, census_finds_the_slot_that_is_nowhere);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
