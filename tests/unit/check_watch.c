/* check_watch.c - what shards counted is said in words, once each. */
#include "src/watch.h"

#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/supervisor_rig.h"

static struct sup_rig rig;
static struct watch watch;

static void setup(void)
{
	sup_rig_open(&rig);
	ck_assert_int_eq(watch_init(&watch, &rig.sup), 0);
	logged_start();
}

static void teardown(void)
{
	watch_free(&watch);
	sup_rig_close(&rig);
}

static void expect_words(const char *words)
{
	watch_tick(&watch);
	ck_assert_ptr_nonnull(strstr(logged(), words));
	watch_tick(&watch);
	ck_assert_str_eq(logged(), ""); /* said once */
}

START_TEST(quiet_shards_are_not_spoken_of)
{
	watch_tick(&watch);
	ck_assert_str_eq(logged(), "");
}
END_TEST

START_TEST(output_that_gave_up_trains_is_named_with_the_cause)
{
	stat_set(&rig.output_stats[1].gso_off, EIO);
	watch_tick(&watch);
	ck_assert_ptr_nonnull(strstr(logged(), "output 239.2.2.2%eth1:6000"));
	stat_set(&rig.output_stats[0].gso_off, EIO);
	expect_words(strerror(EIO));
}
END_TEST

START_TEST(flow_tells_each_kind_of_news_once)
{
	stat_set(&rig.flow_stats.recv_errno, ENODEV);
	expect_words("flow 239.1.1.1%eth0:5000: cannot receive");
	stat_set(&rig.flow_stats.longest_bytes, 4321);
	expect_words("4321 bytes");
	stat_set(&rig.flow_stats.recv_errno, ENOMEM);
	watch_tick(&watch);
	ck_assert_str_eq(logged(), "");
}
END_TEST

START_TEST(start_names_shards_and_clamped_buffers)
{
	const char *text;

	rig.opt.rcvbuf_bytes = 8388608;
	rig.ingress_got[0] = (struct sock_got){.buffer_bytes = 212992, .clamped = true};
	watch_log_start(&rig.sup);
	text = logged();
	ck_assert_ptr_nonnull(strstr(text, "shard 0: cpu 0, node any"));
	ck_assert_ptr_nonnull(strstr(text, "1 flows, 2 outputs"));
	ck_assert_ptr_nonnull(strstr(text, "212992 bytes of the 8388608 wanted"));
	ck_assert_ptr_nonnull(strstr(text, "net.core.rmem_max=8388608"));
	ck_assert_ptr_null(strstr(text, "wmem_max"));
}
END_TEST

static Suite *watch_suite(void)
{
	Suite *suite = suite_create("watch");
	TCase *tcase = tcase_create("watch");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, quiet_shards_are_not_spoken_of);
	tcase_add_test(tcase, output_that_gave_up_trains_is_named_with_the_cause);
	tcase_add_test(tcase, flow_tells_each_kind_of_news_once);
	tcase_add_test(tcase, start_names_shards_and_clamped_buffers);
	suite_add_tcase(suite, tcase);
	return suite;
}

int main(void)
{
	SRunner *runner = srunner_create(watch_suite());
	int failed;

	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? 0 : 1;
}
