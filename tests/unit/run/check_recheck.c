/* check_recheck.c - a shard that is no longer where it was put is noticed, counted, said once. */
#include "src/run/recheck.h"

#include <check.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "numa/nodemem.h"
#include "numa/pin.h"
#include "src/base/clock.h"
#include "tests/unit/run/supervisor_rig.h"

static struct sup_rig rig;

static void setup(void)
{
	int cpu_os = sched_getcpu();

	sup_rig_open(&rig);
	ck_assert_int_eq(pin_self(cpu_os), 0);
	rig.worker.pin = true;
	rig.worker.tid = gettid();
	rig.worker.cpu_os = cpu_os;
	logged_start();
}

static void teardown(void)
{
	sup_rig_close(&rig);
}

/* A look, whatever the time. */
static const char *look(void)
{
	uint64_t last_ns = 0;

	recheck_tick(&rig.sup, &last_ns);
	ck_assert_uint_gt(last_ns, 0);
	return logged();
}

START_TEST(shard_in_its_place_is_not_spoken_of)
{
	ck_assert_str_eq(look(), "");
	ck_assert_uint_eq(rig.worker.placement.checks, 1);
	ck_assert_uint_eq(rig.worker.placement.cpu_deviations, 0);
}
END_TEST

START_TEST(looks_are_seconds_apart)
{
	uint64_t now_ns = clock_now_ns(), last_ns = now_ns;

	recheck_tick(&rig.sup, &last_ns);
	ck_assert_uint_eq(last_ns, now_ns);
	ck_assert_uint_eq(rig.worker.placement.checks, 0);
}
END_TEST

START_TEST(shard_moved_to_another_cpu_is_counted_each_time_and_said_once)
{
	rig.worker.cpu_os++;
	ck_assert_ptr_nonnull(strstr(look(), "was moved to cpu"));
	ck_assert_str_eq(look(), "");
	ck_assert_uint_eq(rig.worker.placement.cpu_deviations, 2);
	rig.worker.cpu_os--;
	ck_assert_ptr_nonnull(strstr(look(), "back on cpu"));
	ck_assert_str_eq(look(), "");
	ck_assert_uint_eq(rig.worker.placement.cpu_deviations, 2);
}
END_TEST

START_TEST(shard_of_which_nobody_can_say_where_it_may_run_is_not_spoken_of)
{
	rig.worker.tid = -2; /* there is no such thread to be asked about */
	ck_assert_str_eq(look(), "");
	ck_assert_uint_eq(rig.worker.placement.cpu_deviations, 0);
}
END_TEST

START_TEST(worker_that_was_never_pinned_may_be_anywhere)
{
	rig.worker.pin = false;
	rig.worker.cpu_os++;
	ck_assert_str_eq(look(), "");
	ck_assert_uint_eq(rig.worker.placement.cpu_deviations, 0);
}
END_TEST

START_TEST(pages_on_another_node_are_counted_and_said_once)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	uint64_t pages, misplaced;
	void *base =
		mmap(NULL, 4 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	const int elsewhere = 1000; /* no page is on a node with this number */

	ck_assert_ptr_ne(base, MAP_FAILED);
	memset(base, 1, 4 * page);
	rig.worker.arena.base = base;
	rig.worker.arena.len_bytes = 4 * page;
	rig.worker.arena.page_bytes = page;
	rig.worker.node_os = elsewhere;
	if (nodemem_verify(base, 4 * page, page, elsewhere, &pages, &misplaced) < 0) {
		ck_assert_str_eq(look(), ""); /* not allowed to know: nothing is claimed */
		ck_assert_uint_eq(rig.worker.placement.page_deviations, 0);
	} else {
		ck_assert_ptr_nonnull(strstr(look(), "4 of 4 pages have left node 1000"));
		ck_assert_str_eq(look(), "");
		ck_assert_uint_eq(rig.worker.placement.page_deviations, 2);
		ck_assert_uint_eq(rig.worker.placement.pages_misplaced, 4);
	}
	munmap(base, 4 * page);
}
END_TEST

static Suite *recheck_suite(void)
{
	Suite *suite = suite_create("placement");
	TCase *tcase = tcase_create("placement");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, shard_in_its_place_is_not_spoken_of);
	tcase_add_test(tcase, looks_are_seconds_apart);
	tcase_add_test(tcase, shard_moved_to_another_cpu_is_counted_each_time_and_said_once);
	tcase_add_test(tcase, shard_of_which_nobody_can_say_where_it_may_run_is_not_spoken_of);
	tcase_add_test(tcase, worker_that_was_never_pinned_may_be_anywhere);
	tcase_add_test(tcase, pages_on_another_node_are_counted_and_said_once);
	suite_add_tcase(suite, tcase);
	return suite;
}

int main(void)
{
	SRunner *runner = srunner_create(recheck_suite());
	int failed;

	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? 0 : 1;
}
