/* check_relay_flows.c - many flows on few slots: who is armed when, and that nobody is forgotten.
 */
#include <arpa/inet.h>
#include <check.h>
#include <netinet/in.h>
#include <string.h>
#include <unistd.h>

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

/* A socket whose queue has overflowed. */
static int open_overflowed(void)
{
	struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(at);
	int fd = socket(AF_INET, SOCK_DGRAM, 0), smallest = 1;

	ck_assert_int_eq(setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &smallest, sizeof(smallest)), 0);
	ck_assert_int_eq(bind(fd, (struct sockaddr *)&at, len), 0);
	ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&at, &len), 0);
	for (int i = 0; i < 1000; i++) {
		ck_assert_int_eq(sendto(fd, "abc", 3, 0, (struct sockaddr *)&at, len), 3);
	}
	return fd;
}

static void look(void)
{
	mailbox_post(&rig.mailbox, MAIL_LOOK);
	fake_wake(rig.ring);
	ck_assert_int_eq(relay_turn(&rig.relay), 0);
}

/* Those that a look has left out come first in the next one, and after the last the first. */
START_TEST(drops_of_any_of_many_sockets_are_seen_while_running)
{
	struct rig_options options = many_flows;
	uint64_t before;
	int fd = open_overflowed();

	options.flows = LOOK_FLOWS_MAX + ROOM_FLOWS;
	rig_open(&rig, &options);
	relay_place(&rig.relay, LOOK_FLOWS_MAX + 3)->flow.fd = fd;
	look();
	ck_assert_uint_eq(stat_get(&rig.flow_stats.kernel_drops), 0);
	look();
	before = stat_get(&rig.flow_stats.kernel_drops);
	ck_assert_uint_gt(before, 0);
	relay_place(&rig.relay, LOOK_FLOWS_MAX + 3)->flow.fd = -1;
	close(fd);
	relay_place(&rig.relay, 0)->flow.fd = fd = open_overflowed();
	for (int i = 0; i < 3; i++) {
		look();
	}
	ck_assert_uint_gt(stat_get(&rig.flow_stats.kernel_drops), before);
	relay_place(&rig.relay, 0)->flow.fd = -1;
	close(fd);
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
	tcase_add_test(tcase, drops_of_any_of_many_sockets_are_seen_while_running);
	suite_add_tcase(suite, tcase);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? 0 : 1;
}
