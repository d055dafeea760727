/* check_reasons.c - what is amiss, in words and in order. */
#include "src/run/reasons.h"

#include <check.h>
#include <string.h>

#include "tests/unit/run/supervisor_rig.h"

static struct sup_rig rig;
static char told[8192];
static uint32_t count;

static void take(void *context, const char *text)
{
	ck_assert_ptr_eq(context, &rig);
	ck_assert_uint_lt(strlen(told) + strlen(text) + 2, sizeof(told));
	strcat(strcat(told, text), "\n");
	count++;
}

static uint32_t tell(void)
{
	count = 0;
	told[0] = '\0';
	return reasons_tell(&rig.sup, take, &rig);
}

static void setup(void)
{
	sup_rig_open(&rig);
	ck_assert_int_eq(gate_init(&rig.sup.gate), 0);
}

static void teardown(void)
{
	gate_free(&rig.sup.gate);
	sup_rig_close(&rig);
}

START_TEST(nothing_is_told_when_nothing_is_amiss)
{
	ck_assert_uint_eq(tell(), 0);
	ck_assert_uint_eq(count, 0);
}
END_TEST

START_TEST(failures_come_first_and_are_counted)
{
	struct pending_item item = {.token = 1, .is_output = true};

	err_set(&item.why, "no such interface");
	rig.sup.links.pending = (struct pending){.sup = &rig.sup, .items = &item, .count = 1};
	rig.worker.placement.cpu_told = true;
	rig.worker.cpu_os = 3;
	rig.worker.rc = -5;
	err_set(&rig.worker.err, "shard 0: ring failed");
	ck_assert_uint_eq(tell(), 1);
	ck_assert_str_eq(told, "shard 0: ring failed\n"
			       "shard 0: its thread is not on cpu 3\n"
			       "output 239.2.2.2%eth1:6000: pending: no such interface\n");
}
END_TEST

START_TEST(link_that_is_down_is_told_of_those_that_do_not_wait)
{
	struct ifwatch_link link = {.ifindex = 7};

	rig.sup.links.watch.table = (struct ifwatch_table){.links = &link, .count = 1};
	rig.flow.ifindex = 7;
	rig.outputs[0].ifindex = 7;
	ck_assert_uint_eq(tell(), 0);
	ck_assert_str_eq(
		told, "flow 239.1.1.1%eth0:5000: degraded: the link of its interface is down\n"
		      "output 239.2.2.1%eth1:6000: degraded: the link of its interface is down\n");
	link.running = true;
	ck_assert_uint_eq(tell(), 0);
	ck_assert_str_eq(told, "");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("reasons");
	TCase *tc = tcase_create("reasons");
	SRunner *runner = srunner_create(suite);
	int failed;

	suite_add_tcase(suite, tc);
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, nothing_is_told_when_nothing_is_amiss);
	tcase_add_test(tc, failures_come_first_and_are_counted);
	tcase_add_test(tc, link_that_is_down_is_told_of_those_that_do_not_wait);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
