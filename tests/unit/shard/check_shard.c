/* check_shard.c - the memory of a shard: what is counted is what is cut, to the byte. */
#include "shard/shard.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ROUNDS      40
#define OUTPUTS_MAX 300

static struct rule_table table;

static uint32_t below(uint32_t n)
{
	return (uint32_t)rand() % n;
}

/* Any shard that could be ordered; its memory is below 64 MiB. */
static void order(struct shard_spec *spec, enum ring_engine engine)
{
	static struct rule_table_output outputs[OUTPUTS_MAX];

	outputs[0].zerocopy_bytes = below(2) * 4096;
	table = (struct rule_table){.outputs = outputs,
				    .flow_count = below(OUTPUTS_MAX),
				    .output_count = 1 + below(OUTPUTS_MAX)};
	*spec = (struct shard_spec){.table = &table, .engine = engine, .echo_count = below(50)};
	spec->ring.sq_entries = 1 + below(512);
	spec->ring.cq_entries = 4 + below(4096);
	spec->train_max = 1 + below(64);
	for (int cls = 0; cls < POOL_CLASS_COUNT; cls++) {
		spec->pool.count[cls] = below(3) == 0 ? 0 : below(cls == POOL_TRAIN ? 100 : 1000);
		spec->hot[cls] = below(2) * (1U << below(8));
	}
	spec->registered = (struct regbuf_limit){
		.slots = below(1000), .bytes = REGBUF_ALL, .page_bytes = 4096};
}

START_TEST(what_is_counted_is_exactly_what_is_cut)
{
	for (int round = 0; round < ROUNDS; round++) {
		struct arena counter = ARENA_COUNTER, arena;
		struct shard_spec spec;
		const struct shard *shard;

		srand((unsigned)round);
		order(&spec, (enum ring_engine)_i);
		ck_assert_ptr_null(shard_cut(&spec, &counter));
		ck_assert_uint_eq(counter.used_bytes, shard_arena_bytes(&spec));
		ck_assert_int_eq(arena_map(&arena, counter.used_bytes, ARENA_HUGE_OFF), 0);
		shard = shard_cut(&spec, &arena);
		ck_assert_ptr_eq(shard, arena.base);
		ck_assert_uint_eq(arena.used_bytes, counter.used_bytes);
		ck_assert_ptr_nonnull(shard->relay.ring);
		arena_unmap(&arena);
	}
}
END_TEST

/* An engine may begin an array at a page: what is added shows but for less than one. */
START_TEST(more_of_anything_counts_more)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE), bytes;
	struct shard_spec spec, more;

	srand(1);
	order(&spec, (enum ring_engine)_i);
	bytes = shard_arena_bytes(&spec);
	more = spec;
	more.echo_count += 1000;
	ck_assert_uint_gt(shard_arena_bytes(&more), bytes);
	more = spec;
	more.pool.count[POOL_JUMBO] += 10;
	ck_assert_uint_gt(shard_arena_bytes(&more) + page,
			  bytes + 10 * pool_stride_bytes(POOL_JUMBO));
	table.flow_count += 1000;
	ck_assert_uint_gt(shard_arena_bytes(&spec), bytes);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("shard");
	SRunner *runner = srunner_create(suite);
	TCase *tc = tcase_create("memory");
	int failed;

	tcase_add_loop_test(tc, what_is_counted_is_exactly_what_is_cut, RING_ENGINE_AUTO + 1,
			    RING_ENGINE_COUNT);
	tcase_add_loop_test(tc, more_of_anything_counts_more, RING_ENGINE_AUTO + 1,
			    RING_ENGINE_COUNT);
	suite_add_tcase(suite, tc);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
