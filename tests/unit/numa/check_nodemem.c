/* check_nodemem.c - arenas on their node: what was got is said, and what is said can be relied on.
 *
 * Works on any machine, with what it has; who can lend himself huge pages (hugepool.h) must get
 * them, and then no test goes without. Several nodes are the business of tests/guest, and calls
 * that a container forbids that of check_nodemem_faults.
 */
#include "numa/nodemem.h"

#include <check.h>
#include <errno.h>
#include <numaif.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/sysinfo.h>
#include <unistd.h>

#include "numa/hugepages.h"
#include "numa/procmaps.h"
#include "tests/unit/hugepool.h"

#define MIB       ((size_t)1 << 20)
#define POOL_LENT 24
#define SHARDS    8
#define TOTAL_MAX 480 /* beyond it (just below 1 GiB) a test would take too much memory */

static const struct arena nothing;
static bool pool_lent;

static void lend_pool(void)
{
	pool_lent = hugepool_grow(POOL_LENT);
	ck_assert(pool_lent || !hugepool_may_grow());
}

/* A node that this process may have memory from: the first allowed one. */
static int some_node(void)
{
	char list[256];

	procmaps_allowed_nodes(list, sizeof(list));
	return (int)strtol(list, NULL, 10);
}

static long thp_bytes(const struct arena *arena)
{
	uint64_t bytes = 0;

	ck_assert_int_eq(procmaps_thp_bytes(arena->base, &bytes), 0);
	return (long)bytes;
}

/* How the memory at `at' is to be placed: MPOL_BIND and the like. */
static int policy_at(void *at)
{
	int mode = -1;

	ck_assert_int_eq(get_mempolicy(&mode, NULL, 0, at, MPOL_F_ADDR), 0);
	return mode;
}

/* What must be true of every arena that was got, on `node_os'. */
static void check_got(const struct arena *arena, size_t len_bytes, int node_os,
		      const struct nodemem_result *res)
{
	uint64_t pages = 0;
	uint64_t misplaced = 0;

	ck_assert_ptr_nonnull(arena->base);
	ck_assert_uint_ge(arena->len_bytes, len_bytes);
	ck_assert_int_eq(arena->huge, res->got);
	ck_assert(!arena->sealed);
	ck_assert_int_eq(res->bound, node_os != NODE_UNKNOWN);
	if (res->bound) { /* and not just preferred there */
		ck_assert_int_eq(policy_at(arena->base), MPOL_BIND);
	}
	ck_assert(res->verified);
	ck_assert(!res->unverifiable);
	ck_assert_uint_eq(res->pages, arena->len_bytes / arena->page_bytes);
	ck_assert_uint_eq(res->pages_misplaced, 0);
	ck_assert_int_eq(nodemem_verify(arena->base, arena->len_bytes, arena->page_bytes, node_os,
					&pages, &misplaced),
			 0);
	ck_assert_uint_eq(pages, res->pages);
	ck_assert_uint_eq(misplaced, 0);
	memset(arena->base, 0x5a, arena->len_bytes); /* no page can be missing */
}

static struct nodemem_result get(struct arena *arena, size_t len_bytes, int node_os,
				 enum nodemem_huge want)
{
	struct nodemem_result res;
	struct err err = {""};
	int ret = nodemem_arena(arena, len_bytes, node_os, want, false, &res, &err);

	ck_assert_msg(ret == 0, "%d: %s", ret, err.text);
	check_got(arena, len_bytes, node_os, &res);
	return res;
}

START_TEST(small_pages_are_got_when_asked_for)
{
	struct arena arena = {0};
	struct nodemem_result res = get(&arena, 3 * MIB + 1, some_node(), NODEMEM_HUGE_OFF);

	ck_assert_int_eq(res.got, ARENA_HUGE_OFF);
	ck_assert(!res.degraded);
	ck_assert_str_eq(res.note.text, "");
	ck_assert_int_eq(thp_bytes(&arena), 0); /* off is off */
	arena_unmap(&arena);
}
END_TEST

START_TEST(transparent_pages_are_got_or_the_note_says_why_not)
{
	struct arena arena = {0};
	struct nodemem_result res = get(&arena, 3 * MIB, some_node(), NODEMEM_HUGE_THP);

	if (hugepages_thp_never()) {
		ck_assert_int_eq(res.got, ARENA_HUGE_OFF);
		ck_assert_ptr_nonnull(strstr(res.note.text, "echo madvise > /sys/kernel/mm/"));
	}
	if (res.got == ARENA_HUGE_THP) {
		ck_assert_int_gt(thp_bytes(&arena), 0);
		ck_assert_int_eq(res.degraded, thp_bytes(&arena) < (long)(4 * MIB));
	}
	ck_assert_int_eq(res.degraded, res.note.text[0] != '\0');
	arena_unmap(&arena);
}
END_TEST

/* The kernel spreads the pages lent over all nodes: only with one node is it known where they are.
 */
static int node_of_pool(void)
{
	return access("/sys/devices/system/node/node1", F_OK) == 0 ? NODE_UNKNOWN : some_node();
}

START_TEST(auto_takes_huge_pages_of_2_mib)
{
	int node_os = _i == 0 ? node_of_pool() : NODE_UNKNOWN;
	struct arena arena = {0};
	struct nodemem_result res = get(&arena, 7 * MIB, node_os, NODEMEM_HUGE_AUTO);

	ck_assert_int_ne(res.got, ARENA_HUGE_1G);
	if (pool_lent) {
		ck_assert_int_eq(res.got, ARENA_HUGE_2M);
		ck_assert_uint_eq(arena.len_bytes, 8 * MIB);
		ck_assert_uint_eq(res.pages, 4);
		ck_assert(!res.degraded);
		ck_assert_str_eq(res.note.text, "");
	}
	arena_unmap(&arena);
}
END_TEST

/* The number in the note's "echo N > PATH", with the path. */
static unsigned long cure_count(const char *text, const char **line)
{
	*line = strstr(text, "echo ");
	ck_assert_msg(*line != NULL, "no cure in: %s", text);
	ck_assert_msg(strstr(*line, "/hugepages-2048kB/nr_hugepages") != NULL, "%s", text);
	return strtoul(*line + strlen("echo "), NULL, 10);
}

START_TEST(a_short_pool_degrades_and_names_the_line_that_cures_it)
{
	long total = hugepool_read("nr_hugepages");
	size_t pages = (size_t)(total + 8);
	struct arena arena = {0};
	struct nodemem_result res;
	unsigned long count;
	const char *line;

	if (total < 0 || total > TOTAL_MAX) {
		return;
	}
	res = get(&arena, pages * 2 * MIB, NODE_UNKNOWN, NODEMEM_HUGE_AUTO);
	ck_assert_int_gt(res.got, ARENA_HUGE_2M);
	ck_assert(res.degraded);
	arena_unmap(&arena);
	count = cure_count(res.note.text, &line);
	/* Between "all were free" and "none was". */
	ck_assert_uint_ge(count, pages);
	ck_assert_uint_le(count, pages + (size_t)total);
	if (pool_lent) {
		/* Another process may take pages in between; then the next line must cure it. */
		for (int tries = 0; tries < 5 && res.got != ARENA_HUGE_2M; tries++) {
			(void)cure_count(res.note.text, &line);
			ck_assert_int_eq(system(line), 0);
			arena_unmap(&arena);
			res = get(&arena, pages * 2 * MIB, NODE_UNKNOWN, NODEMEM_HUGE_AUTO);
		}
		ck_assert_msg(res.got == ARENA_HUGE_2M, "`%s' did not cure: %s", line,
			      res.note.text);
		ck_assert_str_eq(res.note.text, "");
		arena_unmap(&arena);
		hugepool_write(total);
	}
}
END_TEST

START_TEST(require_refuses_less_and_leaves_nothing)
{
	long total = hugepool_read("nr_hugepages");
	size_t len_bytes = (size_t)(total + 8) * 2 * MIB;
	struct arena arena = {0};
	struct nodemem_result res;
	struct nodemem_result before;
	struct err err = {""};
	const char *line;
	int node_os = some_node();
	char path[64];

	/* From 1 GiB on, automatic choice begins with larger pages. */
	if (total < 0 || (_i == NODEMEM_HUGE_AUTO && total > TOTAL_MAX)) {
		return;
	}
	memset(&res, 0xa5, sizeof(res));
	before = res;
	ck_assert_int_eq(nodemem_arena(&arena, len_bytes, node_os, _i, true, &res, &err), -ENOMEM);
	ck_assert_mem_eq(&arena, &nothing, sizeof(arena));
	ck_assert_mem_eq(&res, &before, sizeof(res));
	ck_assert_ptr_eq(strstr(err.text, "--require-huge: "), err.text);
	ck_assert_uint_gt(cure_count(err.text, &line), (unsigned long)total);
	snprintf(path, sizeof(path), "> /sys/devices/system/node/node%d/", node_os);
	ck_assert_ptr_nonnull(strstr(line, path));
}
END_TEST

START_TEST(require_accepts_what_is_asked_for)
{
	struct arena arena = {0};
	struct nodemem_result res;
	struct err err = {""};

	ck_assert_int_eq(
		nodemem_arena(&arena, MIB, some_node(), NODEMEM_HUGE_OFF, true, &res, &err), 0);
	ck_assert_int_eq(res.got, ARENA_HUGE_OFF);
	arena_unmap(&arena);
	if (pool_lent) {
		ck_assert_int_eq(nodemem_arena(&arena, MIB, NODE_UNKNOWN, NODEMEM_HUGE_AUTO, true,
					       &res, &err),
				 0);
		ck_assert_int_eq(res.got, ARENA_HUGE_2M);
		arena_unmap(&arena);
	}
}
END_TEST

/* Asks for `pages' huge pages, more than there are; the pool size that the refusal names. */
static unsigned long refused_count(size_t pages)
{
	struct arena arena = {0};
	struct nodemem_result res;
	struct err err;
	const char *line;
	int ret = nodemem_arena(&arena, pages * 2 * MIB, NODE_UNKNOWN, NODEMEM_HUGE_2M, true, &res,
				&err);

	ck_assert_int_eq(ret, -ENOMEM);
	return cure_count(err.text, &line);
}

START_TEST(the_last_of_several_short_shards_names_the_sum)
{
	long total = hugepool_read("nr_hugepages");

	for (unsigned long i = 1; total >= 0 && i <= 3; i++) {
		ck_assert_uint_ge(refused_count((size_t)total + 8), i * (size_t)(total + 8));
	}
}
END_TEST

START_TEST(announced_shards_are_all_in_the_first_message)
{
	size_t pages = (size_t)hugepool_read("nr_hugepages") + 8;

	for (int i = 0; i < 3; i++) {
		nodemem_expect(pages * 2 * MIB, NODE_UNKNOWN);
	}
	ck_assert(hugepool_read("nr_hugepages") < 0 || refused_count(pages) >= 3 * pages);
}
END_TEST

START_TEST(a_node_that_is_not_there_is_refused)
{
	static const int nodes[] = {63, 64, 1000, 1023, 1024, 5000, INT32_MAX, -2, INT32_MIN};
	struct arena arena = {0};
	struct nodemem_result res;
	struct err err = {""};
	char name[32];

	ck_assert_int_eq(nodemem_arena(&arena, MIB, nodes[_i], NODEMEM_HUGE_OFF, false, &res, &err),
			 -EINVAL);
	ck_assert_mem_eq(&arena, &nothing, sizeof(arena));
	snprintf(name, sizeof(name), "node %d: ", nodes[_i]);
	ck_assert_ptr_eq(strstr(err.text, name), err.text);
	ck_assert_ptr_nonnull(strstr(err.text, "cpuset.mems"));
}
END_TEST

START_TEST(more_than_the_machine_has_is_an_error_not_a_kill)
{
	int node_os = _i == 0 ? some_node() : NODE_UNKNOWN;
	struct arena arena = {0};
	struct nodemem_result res;
	struct err err = {""};
	uint64_t room = 0;
	struct sysinfo info;
	uint64_t total;

	ck_assert_int_eq(hugepages_node_room(node_os, &room), 0);
	ck_assert_int_eq(sysinfo(&info), 0);
	total = (uint64_t)info.totalram * info.mem_unit;
	ck_assert_uint_gt(room, 0);
	ck_assert_uint_lt(room, total);
	/* Half way between what there is and what the kernel would refuse to map. */
	ck_assert_int_eq(nodemem_arena(&arena, room + (total - room) / 2, node_os,
				       NODEMEM_HUGE_AUTO, false, &res, &err),
			 -ENOMEM);
	ck_assert_mem_eq(&arena, &nothing, sizeof(arena));
	ck_assert_ptr_nonnull(strstr(err.text, "MiB are needed"));
	ck_assert_int_eq(
		nodemem_arena(&arena, total * 2, node_os, NODEMEM_HUGE_AUTO, false, &res, &err),
		-ENOMEM);
	ck_assert_mem_eq(&arena, &nothing, sizeof(arena));
	ck_assert_ptr_nonnull(strstr(err.text, "MiB"));
	(void)get(&arena, 4 * MIB, node_os, NODEMEM_HUGE_OFF); /* and nothing is promised still */
	arena_unmap(&arena);
}
END_TEST

START_TEST(no_transparent_page_at_all_is_none)
{
	struct arena arena = {0};
	struct nodemem_result res;

	ck_assert_int_eq(prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0), 0);
	res = get(&arena, 3 * MIB, some_node(), NODEMEM_HUGE_THP);
	ck_assert_int_eq(res.got, ARENA_HUGE_OFF);
	ck_assert(res.degraded);
	arena_unmap(&arena);
}
END_TEST

START_TEST(verify_counts_pages_that_are_elsewhere_or_absent)
{
	const size_t pages = 1300; /* more than two calls' worth */
	size_t page_bytes = (size_t)sysconf(_SC_PAGESIZE);
	uint64_t looked = 0;
	uint64_t wrong = 0;
	struct arena arena = {0};

	ck_assert_int_eq(arena_map(&arena, pages * page_bytes, ARENA_HUGE_OFF), 0);
	for (size_t i = 0; i < pages; i++) {
		if (i % 3 != 0) {
			arena.base[i * page_bytes] = 1;
		}
	}
	ck_assert_int_eq(nodemem_verify(arena.base, arena.len_bytes, page_bytes, NODE_UNKNOWN,
					&looked, &wrong),
			 0);
	ck_assert_uint_eq(looked, pages);
	ck_assert_uint_eq(wrong, (pages + 2) / 3);
	ck_assert_int_eq(arena_populate(&arena), 0);
	ck_assert_int_eq(
		nodemem_verify(arena.base, arena.len_bytes, page_bytes, 1022, &looked, &wrong), 0);
	ck_assert_uint_eq(looked, pages);
	ck_assert_uint_eq(wrong, pages);
	arena_unmap(&arena);
}
END_TEST

struct shard {
	pthread_t thread;
	struct arena arena;
	struct nodemem_result res;
	struct err err;
	int ret;
};

static void *start_shard(void *arg)
{
	struct shard *shard = arg;

	shard->ret = nodemem_arena(&shard->arena, 8 * MIB, some_node(), NODEMEM_HUGE_AUTO, false,
				   &shard->res, &shard->err);
	return NULL;
}

START_TEST(shards_that_start_at_once_each_get_whole_arenas)
{
	struct shard shards[SHARDS] = {0};
	uint64_t huge_pages = 0;

	for (int i = 0; i < SHARDS; i++) {
		ck_assert_int_eq(pthread_create(&shards[i].thread, NULL, start_shard, &shards[i]),
				 0);
	}
	for (int i = 0; i < SHARDS; i++) {
		ck_assert_int_eq(pthread_join(shards[i].thread, NULL), 0);
		ck_assert_msg(shards[i].ret == 0, "%s", shards[i].err.text);
		check_got(&shards[i].arena, 8 * MIB, some_node(), &shards[i].res);
		if (shards[i].res.got == ARENA_HUGE_2M) {
			huge_pages += shards[i].res.pages;
		} else {
			ck_assert_ptr_nonnull(
				strstr(shards[i].res.note.text, "huge pages of 2 MiB"));
		}
	}
	/* Lent pages that all lie on the one node suffice for some of the shards, not for all. */
	if (pool_lent && node_of_pool() != NODE_UNKNOWN) {
		ck_assert_uint_ge(huge_pages, 4);
	}
	for (int i = 0; i < SHARDS; i++) {
		arena_unmap(&shards[i].arena);
	}
}
END_TEST

/* libnuma's, written out: its header belongs to nodemem.c alone. */
struct bitmask *numa_parse_nodestring(const char *string);
void numa_error(char *where);

START_TEST(libnuma_complains_through_the_log)
{
	char text[1024] = "";
	char where[] = "mbind";
	int saved = dup(STDERR_FILENO);
	int ends[2];

	ck_assert_int_ge(saved, 0);
	ck_assert_int_eq(pipe(ends), 0);
	ck_assert_int_eq(dup2(ends[1], STDERR_FILENO), STDERR_FILENO);
	log_init(LOG_LEVEL_INFO, true);
	ck_assert_ptr_null(numa_parse_nodestring("nonsense"));
	errno = ENOMEM;
	numa_error(where);
	ck_assert_int_eq(dup2(saved, STDERR_FILENO), STDERR_FILENO);
	ck_assert_int_gt(read(ends[0], text, sizeof(text) - 1), 0);
	ck_assert_msg(strstr(text, "<4>libnuma: ") == text, "%s", text);
	ck_assert_msg(strstr(text, "nonsense") != NULL, "%s", text);
	ck_assert_msg(strstr(text, "<4>libnuma: mbind: Cannot allocate memory\n") != NULL, "%s",
		      text);
}
END_TEST

static Suite *nodemem_suite(void)
{
	Suite *suite = suite_create("nodemem");
	TCase *tc = tcase_create("nodemem");

	tcase_add_unchecked_fixture(tc, lend_pool, hugepool_restore);
	tcase_add_test(tc, small_pages_are_got_when_asked_for);
	tcase_add_test(tc, transparent_pages_are_got_or_the_note_says_why_not);
	tcase_add_loop_test(tc, auto_takes_huge_pages_of_2_mib, 0, 2);
	tcase_add_test(tc, a_short_pool_degrades_and_names_the_line_that_cures_it);
	tcase_add_loop_test(tc, require_refuses_less_and_leaves_nothing, NODEMEM_HUGE_2M,
			    NODEMEM_HUGE_2M + 1);
	tcase_add_loop_test(tc, require_refuses_less_and_leaves_nothing, NODEMEM_HUGE_AUTO,
			    NODEMEM_HUGE_AUTO + 1);
	tcase_add_test(tc, require_accepts_what_is_asked_for);
	tcase_add_test(tc, the_last_of_several_short_shards_names_the_sum);
	tcase_add_test(tc, announced_shards_are_all_in_the_first_message);
	tcase_add_loop_test(tc, a_node_that_is_not_there_is_refused, 0, 9);
	tcase_add_loop_test(tc, more_than_the_machine_has_is_an_error_not_a_kill, 0, 2);
	tcase_add_test(tc, no_transparent_page_at_all_is_none);
	tcase_add_test(tc, verify_counts_pages_that_are_elsewhere_or_absent);
	tcase_add_test(tc, shards_that_start_at_once_each_get_whole_arenas);
	tcase_add_test(tc, libnuma_complains_through_the_log);
	suite_add_tcase(suite, tc);
	return suite;
}

int main(void)
{
	SRunner *runner = srunner_create(nodemem_suite());
	int failed;

	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
