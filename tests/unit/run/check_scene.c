/* check_scene.c - a picture of the running machine shows what was counted since the one before the
 * last, a loss in its colour, and names that a reload brought. */
#include "src/run/scene.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "src/base/clock.h"
#include "src/run/tally.h"
#include "tests/unit/run/supervisor_rig.h"

#define WIDTH 600

static struct sup_rig rig;
static uint32_t first_owner[1];
static struct iface ifaces[] = {{.name = "eth0", .node_os = TOPO_UNKNOWN},
				{.name = "eth1", .node_os = TOPO_UNKNOWN}};
static struct scene scene;
static char *text;

/* So long that the time which a busy machine takes for a test changes no rate in it. */
#define LONG_S 2000

static void setup(void)
{
	struct err err;

	sup_rig_open(&rig);
	ck_assert_int_eq(topo_load("package:1 numanode:1 core:1 pu:1", &rig.setup.topo, &err), 0);
	rig.setup.plan.first_owner = first_owner;
	rig.setup.ifaces = (struct iface_table){.list = ifaces, .count = 2};
	rig.sup.started_ns = clock_now_ns() - 5 * LONG_S * NS_PER_S;
}

static void teardown(void)
{
	free(text);
	text = NULL;
	scene_free(&scene);
	topo_free(&rig.setup.topo);
	sup_rig_close(&rig);
}

static void paint(void)
{
	size_t len;

	struct tally tally;

	free(text);
	ck_assert_int_eq(tally_take(&rig.sup, &tally), 0);
	text = scene_text(&scene, &rig.sup, &tally, WIDTH, &len);
	tally_free(&tally);
	ck_assert_ptr_nonnull(text);
	ck_assert_uint_eq(strlen(text), len);
}

static bool shows(const char *part)
{
	return strstr(text, part) != NULL;
}

/* As if the samples so far had been taken so much earlier. */
static void age(uint64_t by_ns)
{
	scene.newer.at_ns -= by_ns;
	scene.older.at_ns -= scene.older.at_ns ? by_ns : 0;
}

START_TEST(the_first_picture_is_the_mean_since_the_start)
{
	stat_set(&rig.flow_stats.received, 1000000);
	stat_set(&rig.output_stats[0].sent, 20000000);
	paint();
	ck_assert(shows("mean of the last 10000."));
	ck_assert(shows(">in 100<"));
	ck_assert(shows(">out 2.0k<"));
	ck_assert(!shows(">lost"));
}
END_TEST

START_TEST(the_next_one_is_of_what_came_since)
{
	stat_set(&rig.flow_stats.received, 1000000);
	paint();
	age(LONG_S * NS_PER_S);
	stat_set(&rig.flow_stats.received, 1600000);
	paint();
	ck_assert(shows("mean of the last 2000."));
	ck_assert(shows(">in 300<"));
	age(LONG_S * NS_PER_S);
	paint();
	ck_assert(shows(">in 0<"));
}
END_TEST

START_TEST(pictures_in_quick_succession_do_not_shorten_what_they_show)
{
	paint();
	age(LONG_S * NS_PER_S);
	stat_set(&rig.flow_stats.received, 600000);
	paint();
	ck_assert(shows(">in 300<"));
	paint();
	ck_assert(shows("mean of the last 2000."));
	ck_assert(shows(">in 300<"));
}
END_TEST

START_TEST(a_loss_is_seen_at_the_shard_and_at_its_interface)
{
	paint();
	age(LONG_S * NS_PER_S);
	ck_assert_ptr_eq(strstr(strstr(text, "b-losing\"") + 1, "b-losing\""), NULL); /* legend */
	stat_set(&rig.output_stats[1].drops[OUTPUT_DROP_QDISC], 40000);
	paint();
	ck_assert(shows(">lost 20<"));              /* the shard */
	ck_assert(shows(">lost 20, in 0, out 0<")); /* eth1 */
	ck_assert(shows("eth1: of no known node\nlost 20"));
	ck_assert(!shows("eth0: of no known node\nlost"));
}
END_TEST

START_TEST(a_sum_that_went_back_is_no_traffic)
{
	stat_set(&rig.flow_stats.received, 1000);
	paint();
	age(LONG_S * NS_PER_S);
	stat_set(&rig.flow_stats.received, 10); /* another flow has gone */
	paint();
	ck_assert(shows(">in 0<"));
}
END_TEST

START_TEST(an_interface_that_came_later_begins_at_its_first_sample)
{
	rig.setup.ifaces.count = 1;
	paint();
	age(LONG_S * NS_PER_S);
	rig.setup.ifaces.count = 2;
	stat_set(&rig.output_stats[0].sent, 5000);
	paint();
	ck_assert(shows(">eth1<"));
	ck_assert(shows("eth1: of no known node\nin 0, out 0<"));
	age(LONG_S * NS_PER_S);
	stat_set(&rig.output_stats[0].sent, 65000);
	paint();
	ck_assert(shows("eth1: of no known node\nin 0, out 30<"));
}
END_TEST

static Suite *scene_suite(void)
{
	Suite *suite = suite_create("scene");
	TCase *tcase = tcase_create("scene");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, the_first_picture_is_the_mean_since_the_start);
	tcase_add_test(tcase, the_next_one_is_of_what_came_since);
	tcase_add_test(tcase, pictures_in_quick_succession_do_not_shorten_what_they_show);
	tcase_add_test(tcase, a_loss_is_seen_at_the_shard_and_at_its_interface);
	tcase_add_test(tcase, a_sum_that_went_back_is_no_traffic);
	tcase_add_test(tcase, an_interface_that_came_later_begins_at_its_first_sample);
	suite_add_tcase(suite, tcase);
	return suite;
}

int main(void)
{
	SRunner *runner = srunner_create(scene_suite());
	int failed;

	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? 0 : 1;
}
