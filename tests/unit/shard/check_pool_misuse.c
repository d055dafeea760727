/* check_pool_misuse.c - every misuse of a slot ends in SIGABRT, in release builds too. */
#include "tests/unit/shard/check_pool.h"

#include <signal.h>

#include "shard/pool.h"

static struct arena arena;
static struct pool pool;
static struct pool_class_stats stats[POOL_CLASS_COUNT];

static void make_pool(void)
{
	struct pool_counts counts = {{4, 1, 1, 1}};

	ck_assert_int_eq(arena_map(&arena, pool_arena_bytes(&counts), ARENA_HUGE_OFF), 0);
	ck_assert_int_eq(arena_populate(&arena), 0);
	pool_cut(&pool, &counts, &arena);
	pool_init(&pool, stats);
	arena_seal(&arena);
}

/* What must() catches: each of these is expected to end in SIGABRT. */
enum misuse {
	DROP_FREE,
	DROP_TWICE,
	DROP_LENT,
	HOLD_FREE,
	HOLD_LENT,
	HOLD_TOO_OFTEN,
	ACCEPT_FREE,
	ACCEPT_TWICE,
	UNLEND_HELD,
	INDEX_OUTSIDE,
	CLASS_OUTSIDE,
	DROP_NONE,
	MISUSE_COUNT,
};

static void misuse_pool(enum misuse kind)
{
	uint32_t lent = pool_lend(&pool, POOL_SMALL);
	uint32_t held = pool_take(&pool, POOL_SMALL);
	uint32_t free_slot = pool_slot_id(POOL_SMALL, 3);

	switch (kind) {
	case DROP_FREE:
		pool_drop(&pool, free_slot);
		break;
	case DROP_TWICE:
		pool_drop(&pool, held);
		pool_drop(&pool, held);
		break;
	case DROP_LENT:
		pool_drop(&pool, lent);
		break;
	case HOLD_FREE:
		pool_hold(&pool, free_slot);
		break;
	case HOLD_LENT:
		pool_hold(&pool, lent);
		break;
	case HOLD_TOO_OFTEN:
		for (uint32_t i = 0; i < POOL_HOLDS_MAX; i++) {
			pool_hold(&pool, held);
		}
		break;
	case ACCEPT_FREE:
		pool_accept(&pool, free_slot);
		break;
	case ACCEPT_TWICE:
		pool_accept(&pool, lent);
		pool_accept(&pool, lent);
		break;
	case UNLEND_HELD:
		pool_unlend(&pool, held);
		break;
	case INDEX_OUTSIDE:
		pool_hold(&pool, pool_slot_id(POOL_SMALL, 4));
		break;
	case CLASS_OUTSIDE:
		pool_hold(&pool, pool_slot_id((enum pool_class)POOL_CLASS_COUNT, 0));
		break;
	case DROP_NONE:
		pool_drop(&pool, POOL_NONE);
		break;
	case MISUSE_COUNT:
		break;
	}
}

START_TEST(misuse_aborts)
{
	make_pool();
	misuse_pool((enum misuse)_i);
}
END_TEST

TCase *check_pool_misuse(void)
{
	TCase *tc = tcase_create("misuse");

	tcase_add_loop_test_raise_signal(tc, misuse_aborts, SIGABRT, 0, MISUSE_COUNT);
	return tc;
}
