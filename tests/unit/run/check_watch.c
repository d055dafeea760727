/* check_watch.c - what shards counted is said in words, once each. */
#include "src/run/watch.h"

#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "src/base/clock.h"
#include "tests/unit/run/supervisor_rig.h"

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

START_TEST(output_that_went_back_to_copying_is_named_with_the_cause)
{
	stat_set(&rig.output_stats[1].zc_off, ZEROCOPY_OFF_COPIED);
	expect_words("output 239.2.2.2%eth1:6000: the kernel copied 8 zero-copy sends");
	stat_set(&rig.output_stats[0].zc_errno, EMSGSIZE);
	stat_set(&rig.output_stats[0].zc_off, ZEROCOPY_OFF_REFUSED);
	watch_tick(&watch);
	ck_assert_ptr_nonnull(strstr(logged(), strerror(EMSGSIZE)));
	stat_set(&rig.output_stats[0].gso_off, EIO); /* other news of the same output */
	expect_words("output 239.2.2.1%eth1:6000: the path refused a train");
}
END_TEST

START_TEST(output_that_loses_everything_is_named_once_and_when_it_recovers)
{
	struct output_stats *stats = &rig.output_stats[1];

	stat_set(&stats->send_errno, ENETUNREACH);
	stat_add(&stats->drops[OUTPUT_DROP_LINK_DOWN], 5);
	watch_tick(&watch);
	ck_assert_str_eq(logged(), ""); /* not yet a second */
	watch.shards[0].outputs[1].before.losing_ns -= NS_PER_S;
	watch_tick(&watch);
	ck_assert_str_eq(logged(), ""); /* and nothing since */
	stat_add(&stats->drops[OUTPUT_DROP_LINK_DOWN], 5);
	expect_words("output 239.2.2.2%eth1:6000: everything that it is to send is lost: "
		     "Network is unreachable");
	stat_add(&stats->drops[OUTPUT_DROP_LINK_DOWN], 5);
	watch_tick(&watch);
	ck_assert_str_eq(logged(), "");
	stat_add(&stats->sent, 1);
	expect_words("output 239.2.2.2%eth1:6000: sends again");
	/* What its rule forbids is not lost; what is sent meanwhile begins the second anew. */
	stat_add(&stats->drops[OUTPUT_DROP_RATE_LIMITED], 5);
	watch_tick(&watch);
	ck_assert_uint_eq(watch.shards[0].outputs[1].before.losing_ns, 0);
	ck_assert_str_eq(logged(), "");
}
END_TEST

/* What an output drops for want of a socket or a carrier has no errno. */
START_TEST(output_that_is_not_asked_to_send_says_why)
{
	struct output_stats *stats = &rig.output_stats[1];
	struct egress_output *output = &egress_place(&rig.shard.egress, 1)->output;

	output->dark = true;
	stat_add(&stats->drops[OUTPUT_DROP_LINK_DOWN], 5);
	watch_tick(&watch);
	watch.shards[0].outputs[1].before.losing_ns -= NS_PER_S;
	stat_add(&stats->drops[OUTPUT_DROP_LINK_DOWN], 5);
	expect_words("everything that it is to send is lost: the link of its interface is down");
	stat_add(&stats->sent, 1);
	expect_words("sends again");
	output->state = OUTPUT_PENDING;
	stat_add(&stats->drops[OUTPUT_DROP_PENDING], 5);
	watch_tick(&watch);
	watch.shards[0].outputs[1].before.losing_ns -= NS_PER_S;
	stat_add(&stats->drops[OUTPUT_DROP_PENDING], 5);
	expect_words("everything that it is to send is lost: it has no socket yet");
}
END_TEST

static const char *start_says(const char *features)
{
	err_set(&rig.shard.features, "%s", features);
	watch_log_start(&rig.sup);
	return logged();
}

START_TEST(start_names_what_was_asked_of_zero_copy_and_cannot_be)
{
	rig.setup.engine = rig.worker.spec.engine = RING_ENGINE_URING;
	rig.opt.zerocopy = OPT_AMOUNT_AUTO;
	rig.opt.register_buffers = OPT_AMOUNT_AUTO;
	ck_assert_ptr_null(strstr(start_says("no_zerocopy"), "--zerocopy"));
	rig.opt.zerocopy = 32768;
	ck_assert_ptr_nonnull(strstr(start_says("no_zerocopy"), "shard 0: --zerocopy: "));
	ck_assert_ptr_null(strstr(start_says("sendmsg_zc"), "--zerocopy"));
	rig.setup.engine = RING_ENGINE_MMSG;
	ck_assert_ptr_nonnull(strstr(start_says(""), "--zerocopy: the mmsg engine copies"));
	rig.opt.zerocopy = OPT_AMOUNT_AUTO;
	ck_assert_ptr_null(strstr(start_says(""), "the mmsg engine copies"));
}
END_TEST

START_TEST(start_names_buffers_that_could_not_be_registered)
{
	rig.setup.engine = rig.worker.spec.engine = RING_ENGINE_URING;
	rig.opt.register_buffers = OPT_AMOUNT_ON;
	rig.worker.spec.pool = (struct pool_counts){{0, 0, 0, 32}};
	rig.worker.spec.registered =
		(struct regbuf_limit){.slots = REGBUF_ALL, .bytes = REGBUF_ALL};
	rig.worker.mem.got = ARENA_HUGE_OFF;
	ck_assert_ptr_null(strstr(start_says("registered_buffers=2M"), "--register-buffers"));
	rig.worker.mem.got = ARENA_HUGE_THP;
	stat_set(&rig.stats.ring.buffers_bytes, 2 << 20);
	ck_assert_ptr_nonnull(strstr(start_says("registered_buffers=2M"), "huge page to the send"));
	stat_set(&rig.stats.ring.buffers_bytes, 0);
	ck_assert_ptr_nonnull(strstr(start_says("no_registered_buffers"), "Linux 6.15"));
	rig.worker.spec.registered.bytes = 10 * 68000;
	ck_assert_ptr_nonnull(strstr(start_says("registered_buffers=1M"), "of 32 buffers"));
	rig.worker.spec.registered.bytes = 100; /* none at all */
	ck_assert_ptr_nonnull(strstr(start_says(""), "room for 0 of 32 buffers"));
	rig.worker.spec.registered.bytes = REGBUF_ALL;
	stat_set(&rig.stats.ring.buffers_refused, 1);
	ck_assert_ptr_nonnull(strstr(start_says("no_registered_buffers"), "refused 1 of 1 areas"));
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

/* Who stands in a place now is another than who stood there: nothing was said of it. */
START_TEST(who_comes_to_a_place_is_told_of_anew)
{
	stat_set(&rig.output_stats[1].gso_off, EIO);
	expect_words("output 239.2.2.2%eth1:6000: the path refused a train");
	stat_set(&rig.flow_stats.recv_errno, ENODEV);
	expect_words("flow 239.1.1.1%eth0:5000: cannot receive");
	rig.output_room[1].output.token += 1u << 20;
	expect_words("output 239.2.2.2%eth1:6000: the path refused a train");
	rig.flow_room[0].flow.token += 1u << 20;
	expect_words("flow 239.1.1.1%eth0:5000: cannot receive");
}
END_TEST

/* Each time, and what it says is of now. */
START_TEST(flow_that_circles_is_told_and_that_it_does_no_more)
{
	static const char comes[] = "flow 239.1.1.1%eth0:5000: what is relayed comes back, last "
				    "from 192.0.2.9; it is kept out (circled) while that lasts";
	struct flow_place *place = &rig.flow_room[0];
	struct addr sender;

	place->rule = rig.flow;
	ck_assert_int_eq(addr_parse_ip("192.0.2.9", &sender), 0);
	asker_note(&place->circled_from, &sender);
	for (int i = 0; i < 2; i++) {
		stat_set(&place->stats.circling, 1);
		expect_words(comes);
		stat_set(&place->stats.circling, 0);
		expect_words("flow 239.1.1.1%eth0:5000: nothing comes back any more");
	}
}
END_TEST

START_TEST(leg_that_is_silent_is_told_and_that_it_is_heard_again)
{
	const char *text;

	sup_rig_merge(&rig);
	watch_tick(&watch);
	ck_assert_str_eq(logged(), "");
	stat_set(&rig.leg_stats.silent, 1);
	stat_set(&rig.leg_stats.silences, 1);
	expect_words(
		"flow 239.1.1.1%eth0:5000: this leg has been silent for longer than silent=300");
	watch_tick(&watch);
	ck_assert_str_eq(logged(), "");
	stat_set(&rig.leg_stats.silent, 0);
	expect_words("flow 239.1.1.1%eth0:5000: this leg is heard again");
	stat_set(&rig.leg_stats.silences, 2); /* it was, and is not any more */
	watch_tick(&watch);
	text = logged();
	ck_assert_ptr_nonnull(strstr(text, "this leg has been silent for longer than silent=300"));
	ck_assert_ptr_nonnull(strstr(text, "this leg is heard again"));
	watch_tick(&watch);
	ck_assert_str_eq(logged(), "");
	stat_set(&rig.flow_stats.drops[FLOW_DROP_UNMATCHED], 1);
	expect_words("is no copy of what the others bring");
	stat_set(&rig.flow_stats.drops[FLOW_DROP_UNMATCHED], 2);
	watch_tick(&watch);
	ck_assert_str_eq(logged(), "");
}
END_TEST

START_TEST(start_names_shards_and_clamped_buffers)
{
	const char *text;

	rig.opt.rcvbuf_bytes = 8388608;
	rig.flow_room[0].got = (struct sock_got){.buffer_bytes = 212992, .clamped = true};
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
	tcase_add_test(tcase, who_comes_to_a_place_is_told_of_anew);
	tcase_add_test(tcase, flow_that_circles_is_told_and_that_it_does_no_more);
	tcase_add_test(tcase, leg_that_is_silent_is_told_and_that_it_is_heard_again);
	tcase_add_test(tcase, quiet_shards_are_not_spoken_of);
	tcase_add_test(tcase, output_that_gave_up_trains_is_named_with_the_cause);
	tcase_add_test(tcase, output_that_loses_everything_is_named_once_and_when_it_recovers);
	tcase_add_test(tcase, output_that_is_not_asked_to_send_says_why);
	tcase_add_test(tcase, output_that_went_back_to_copying_is_named_with_the_cause);
	tcase_add_test(tcase, start_names_what_was_asked_of_zero_copy_and_cannot_be);
	tcase_add_test(tcase, start_names_buffers_that_could_not_be_registered);
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
