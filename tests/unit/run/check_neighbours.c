/* check_neighbours.c - what stands by has its neighbour asked for, and holds nothing meanwhile. */
#include "src/run/neighbours.h"

#include <check.h>
#include <dirent.h>
#include <libmnl/libmnl.h>
#include <poll.h>
#include <stdlib.h>

#include "src/base/clock.h"
#include "src/fastpath/hop.h"
#include "tests/unit/run/supervisor_rig.h"
#include "tests/unit/sock_help.h"

static struct sup_rig rig;
static struct neighbours neighbours;
static uint64_t now_ns;

/* Both outputs are unicast ones of a flow that relays. */
static void set_up(void)
{
	net_make();
	sup_rig_open(&rig);
	rig.flow_room[0].flow.rule = &rig.flow;
	for (uint32_t o = 0; o < SUP_RIG_OUTPUTS; o++) {
		rig.output_room[o].rule.out = output_to(o ? "10.1.0.1" : "10.2.0.1", NULL, 6000);
	}
	now_ns = clock_now_ns();
}

static void tear_down(void)
{
	neighbours_free(&neighbours);
	sup_rig_close(&rig);
}

static size_t count_files(void)
{
	DIR *dir = opendir("/proc/self/fd");
	size_t count = 0;

	ck_assert_ptr_nonnull(dir);
	while (readdir(dir)) {
		count++;
	}
	closedir(dir);
	return count;
}

/* Bounded; asks for nothing by itself. */
static bool becomes_known(const char *ip)
{
	struct addr to = addr_of(ip);
	struct hop hop = {0};
	struct mnl_socket *asker = hop_open();

	ck_assert_ptr_nonnull(asker);
	for (int i = 0; i < 300000 && !hop_is_known(&hop); i++) {
		(void)poll(NULL, 0, 1);
		hop_reach(asker, &to, 0, &hop);
	}
	mnl_socket_close(asker);
	return hop_is_known(&hop);
}

START_TEST(neighbours_of_what_stands_by_are_known_and_nothing_is_held_between_two_rounds)
{
	size_t before = count_files();

	rig.flow_room[0].rule.standby = true;
	for (int i = 1; i <= 3; i++) {
		neighbours_tick(&neighbours, &rig.sup, now_ns + (uint64_t)i * 6 * NS_PER_S);
		ck_assert_uint_eq(count_files(), before);
	}
	ck_assert(becomes_known("10.2.0.1"));
	ck_assert(becomes_known("10.1.0.1"));
}
END_TEST

static Suite *neighbours_suite(void)
{
	Suite *suite = suite_create("neighbours");
	TCase *tcase = tcase_create("rounds");

	tcase_set_timeout(tcase, 600);
	tcase_add_checked_fixture(tcase, set_up, tear_down);
	tcase_add_test(
		tcase,
		neighbours_of_what_stands_by_are_known_and_nothing_is_held_between_two_rounds);
	suite_add_tcase(suite, tcase);
	return suite;
}

int main(void)
{
	SRunner *runner;
	int failed;

	if (!net_possible()) {
		return 77;
	}
	runner = srunner_create(neighbours_suite());
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? 0 : 1;
}
