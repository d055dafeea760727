/* check_relay_flows.c - many flows on few slots: who is armed when, and that nobody is forgotten.
 */
#include <check.h>

#include "src/base/clock.h"
#include "tests/unit/shard/relay_rig.h"

static struct rig rig;

static const struct rig_options many_flows = {.flows = RIG_FLOWS_MAX,
					      .outputs = 1,
					      .train_max = 64,
					      .mtu = 1500,
					      .slots = 4,
					      .out = {.ttl = 16}};

/* Each start should bring a datagram, not just another end. */
START_TEST(busy_flows_start_hardly_more_often_than_datagrams_come)
{
	rig_open(&rig, &many_flows);
	for (uint32_t i = 0; i < 10 * RIG_FLOWS_MAX; i++) {
		rig_deliver_to(&rig, i % RIG_FLOWS_MAX, 100);
	}
	rig_settle(&rig);
	ck_assert_uint_eq(stat_get(&rig.flow_stats.relayed), rig.delivered);
	ck_assert_uint_le(stat_get(&rig.flow_stats.rearms), RIG_FLOWS_MAX + 2 * rig.delivered);
	rig_close(&rig);
}
END_TEST

/* At no moment is there a slot for more than a few of them. */
START_TEST(draining_waits_for_flows_that_wait_for_a_slot)
{
	rig_open(&rig, &many_flows);
	rig.relay.drain_ns = NS_PER_S;
	for (uint32_t i = 0; i < RIG_FLOWS_MAX; i++) {
		rig_deliver_to(&rig, i, 100);
	}
	mailbox_post(&rig.mailbox, MAIL_DRAIN);
	fake_wake(rig.ring);
	while (relay_turn(&rig.relay) == 0) {
		continue;
	}
	ck_assert_uint_eq(stat_get(&rig.flow_stats.relayed), rig.delivered);
	rig_close(&rig);
}
END_TEST

/* Waiting for its turn to be armed is no reason to sleep. */
START_TEST(flows_that_could_be_armed_keep_the_turns_coming)
{
	rig_open(&rig, &many_flows);
	for (uint32_t i = 0; i < RIG_FLOWS_MAX; i++) {
		rig_deliver_to(&rig, i, 100);
	}
	for (uint32_t turns = 0; turns < RIG_FLOWS_MAX && rig.relay.armed_count > 0; turns++) {
		ck_assert_int_eq(relay_turn(&rig.relay), 0);
		if (rig.relay.ended_count > 0 && turns > 0) {
			ck_assert_uint_eq(fake_last_wait_us(rig.ring), 0);
		}
	}
	rig_settle(&rig);
	rig_close(&rig);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("relay_flows");
	TCase *tcase = tcase_create("relay_flows");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_test(tcase, busy_flows_start_hardly_more_often_than_datagrams_come);
	tcase_add_test(tcase, draining_waits_for_flows_that_wait_for_a_slot);
	tcase_add_test(tcase, flows_that_could_be_armed_keep_the_turns_coming);
	suite_add_tcase(suite, tcase);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? 0 : 1;
}
