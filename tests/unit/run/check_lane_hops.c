/* check_lane_hops.c - next hops where the kernel cannot be asked for any. */
#include "src/run/lane_hops.h"

#include <check.h>
#include <stdlib.h>

#include "src/base/clock.h"
#include "tests/unit/sock_help.h"

static struct lane_hops hops; /* as lane_hops_open leaves it without sockets */

/* Looks for one hop, as a look at all flows does. */
static void look(void)
{
	struct lane_hop_list list = {0};
	struct lane_hop key = {.to = addr_of("10.1.0.1")};
	struct hop found;

	lane_hops_find(&hops, &list, 0, &key, &found);
	ck_assert(!hop_is_known(&found));
	lane_hops_take(&hops, &list);
	ck_assert_uint_eq(hops.found.count, 1);
}

START_TEST(hop_that_nobody_can_be_asked_for_is_not_asked_for_again)
{
	look();
	ck_assert(!lane_hops_refresh(&hops, clock_now_ns()));
	ck_assert(!lane_hops_hear(&hops));
	lane_hops_close(&hops);
}
END_TEST

static Suite *lane_hops_suite(void)
{
	Suite *suite = suite_create("lane_hops");
	TCase *tcase = tcase_create("alone");

	tcase_add_test(tcase, hop_that_nobody_can_be_asked_for_is_not_asked_for_again);
	suite_add_tcase(suite, tcase);
	return suite;
}

int main(void)
{
	SRunner *runner = srunner_create(lane_hops_suite());
	int failed;

	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? 0 : 1;
}
