/* check_relay_end.c - receives that fail, draining, quitting, and a ring that fails: nothing is
 * lost uncounted, nothing spins, and everything ends. See check_relay.c for datagrams that pass.
 */
#include <arpa/inet.h>
#include <check.h>
#include <errno.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "src/base/clock.h"
#include "tests/unit/shard/relay_rig.h"

#define TURNS_MAX 1000

static struct rig rig;

static const struct rig_options trains = {
	.outputs = 2, .train_max = 64, .mtu = 1500, .slots = 32, .out = {.ttl = 16}};
static const struct rig_options singles = {
	.outputs = 2, .train_max = 1, .mtu = 1500, .slots = 32, .out = {.ttl = 16}};

static void deliver(int count)
{
	for (int i = 0; i < count; i++) {
		rig_deliver(&rig, 100);
	}
}

/* ---- receives that fail ---- */

static const int receive_errors[] = {ENODEV, EINVAL, ENOMEM, EBADF, ENETDOWN, EPROTO};

START_TEST(receive_that_fails_is_counted_and_not_spun_on)
{
	rig_open(&rig, &singles);
	fake_end_recv(rig.ring, 0, -receive_errors[_i]);
	ck_assert_int_eq(relay_turn(&rig.relay), 0);
	ck_assert(!fake_is_armed(rig.ring, 0));
	ck_assert_int_eq(relay_turn(&rig.relay), 0);
	ck_assert_uint_gt(fake_last_wait_us(rig.ring), 0);
	ck_assert_uint_le(fake_last_wait_us(rig.ring), 20000);
	ck_assert_uint_eq(stat_get(&rig.flow_stats.recv_errors), 1);
	ck_assert_uint_eq(stat_get(&rig.flow_stats.recv_errno), (uint64_t)receive_errors[_i]);
	rig_close(&rig);
}
END_TEST

START_TEST(flow_whose_receive_failed_is_armed_again_and_loses_nothing)
{
	rig_open(&rig, &singles);
	fake_end_recv(rig.ring, 0, -ENOMEM);
	deliver(5);
	ck_assert_int_eq(relay_turn(&rig.relay), 0);
	ck_assert_uint_eq(rig.relay.retrying_count, 1);
	relay_place(&rig.relay, 0)->flow.retry_ns = 1; /* long ago */
	rig_settle(&rig);
	rig_expect_all_in_order(&rig, 0);
	ck_assert_uint_eq(rig.relay.retrying_count, 0);
	rig_close(&rig);
}
END_TEST

/* ---- the end ---- */

static void ask_to_drain(uint64_t drain_ns)
{
	rig.relay.drain_ns = drain_ns;
	mailbox_post(&rig.mailbox, MAIL_DRAIN);
	fake_wake(rig.ring);
}

static void close_drained(void)
{
	ck_assert(rig_sums_agree(&rig));
	ck_assert_uint_eq(rig.pool.classes[POOL_TRAIN].free_count,
			  rig.pool.classes[POOL_TRAIN].count);
	ring_close(rig.ring);
	mailbox_close(&rig.mailbox);
	arena_unmap(&rig.arena);
}

static void expect_all_drained(void)
{
	int rc = 0;

	for (int i = 0; i < TURNS_MAX && rc == 0; i++) {
		rc = relay_turn(&rig.relay);
	}
	ck_assert_int_eq(rc, 1);
	ck_assert_uint_eq(fake_undelivered(rig.ring, 0), 0);
	ck_assert_uint_eq(stat_get(&rig.pool_stats[POOL_TRAIN].leaked), 0);
	rig_expect_all_in_order(&rig, 0);
	rig_expect_all_in_order(&rig, 1);
	close_drained();
}

START_TEST(draining_relays_what_a_starved_flow_has_queued)
{
	struct rig_options options = singles;

	options.slots = 1 + (uint32_t)_i;
	rig_open(&rig, &options);
	deliver(20);
	ask_to_drain(5 * NS_PER_S);
	expect_all_drained();
}
END_TEST

START_TEST(slot_that_nobody_drops_is_found_at_the_end)
{
	struct rig_options options = singles;
	int rc = 0;
	uint32_t slot;

	options.slots++; /* one more than are lent */
	rig_open(&rig, &options);
	slot = pool_take(&rig.pool, POOL_TRAIN);
	ck_assert_uint_ne(slot, POOL_NONE);
	deliver(10);
	ask_to_drain(5 * NS_PER_S);
	for (int i = 0; i < TURNS_MAX && rc == 0; i++) {
		rc = relay_turn(&rig.relay);
	}
	ck_assert_int_eq(rc, 1);
	ck_assert_uint_eq(stat_get(&rig.pool_stats[POOL_TRAIN].leaked), 1);
	pool_drop(&rig.pool, slot);
	close_drained();
}
END_TEST

START_TEST(draining_waits_for_silence_and_not_only_for_its_own_order)
{
	rig_open(&rig, &singles);
	fake_limit_burst(rig.ring, 1);
	ask_to_drain(5 * NS_PER_S);
	ck_assert_int_eq(relay_turn(&rig.relay), 0);
	ck_assert_int_eq(rig.relay.phase, RELAY_DRAINING);
	deliver(10);
	expect_all_drained();
}
END_TEST

/* As relay_change_group leaves it: the end of its receive is awaited. */
static void make_leaving(uint32_t turns)
{
	fake_delay_cancel(rig.ring, turns);
	relay_place(&rig.relay, 0)->flow.state = FLOW_LEAVING;
	ring_cancel_recv(rig.ring, 0);
}

START_TEST(draining_goes_on_while_a_flow_changes_its_class)
{
	rig_open(&rig, &trains);
	make_leaving((uint32_t)_i);
	fake_limit_burst(rig.ring, 1);
	ask_to_drain(5 * NS_PER_S);
	deliver(10);
	expect_all_drained();
}
END_TEST

START_TEST(draining_ends_in_time_whatever_goes_on_arriving)
{
	int rc = 0;

	rig_open(&rig, &singles);
	ask_to_drain(NS_PER_MS);
	while (rc == 0) {
		deliver(1);
		rc = relay_turn(&rig.relay);
		ck_assert_uint_lt(fake_send_count(rig.ring), FAKE_SENDS_MAX - 10);
	}
	ck_assert_int_eq(rc, 1);
	close_drained();
}
END_TEST

START_TEST(draining_does_not_wait_for_a_flow_that_cannot_receive)
{
	int rc = 0;

	rig_open(&rig, &singles);
	fake_end_recv(rig.ring, 0, -ENODEV);
	ask_to_drain(600 * NS_PER_S);
	for (int i = 0; i < 5 && rc == 0; i++) {
		rc = relay_turn(&rig.relay);
	}
	ck_assert_int_eq(rc, 1);
	close_drained();
}
END_TEST

START_TEST(quit_while_a_flow_changes_its_class_ends)
{
	rig_open(&rig, &singles);
	make_leaving(3);
	deliver(10);
	rig_close(&rig);
}
END_TEST

START_TEST(quit_overtakes_a_drain)
{
	rig_open(&rig, &singles);
	ask_to_drain(600 * NS_PER_S);
	deliver(1);
	ck_assert_int_eq(relay_turn(&rig.relay), 0);
	deliver(100);
	rig_close(&rig);
}
END_TEST

/* Nothing of it is in flight at the end of a turn, since nothing of it is sent. */
START_TEST(draining_goes_on_while_what_arrives_is_dropped)
{
	int rc = 0;

	rig_open(&rig, &singles);
	egress_output(&rig.egress, 0)->dark = egress_output(&rig.egress, 1)->dark = true;
	fake_limit_burst(rig.ring, 1);
	ask_to_drain(5 * NS_PER_S);
	ck_assert_int_eq(relay_turn(&rig.relay), 0);
	deliver(10);
	while (rc == 0) {
		rc = relay_turn(&rig.relay);
	}
	ck_assert_int_eq(rc, 1);
	ck_assert_uint_eq(stat_get(&rig.flow_stats.relayed), 10);
	close_drained();
}
END_TEST

START_TEST(turn_that_waits_for_answers_ends_soon)
{
	rig_open(&rig, &singles);
	fake_hold_sends(rig.ring, true);
	deliver(1);
	ck_assert_int_eq(relay_turn(&rig.relay), 0);
	ck_assert_uint_eq(fake_last_wait_us(rig.ring), RING_WAIT_FOREVER);
	ck_assert_int_eq(relay_turn(&rig.relay), 0);
	ck_assert_uint_eq(fake_last_wait_us(rig.ring), RING_ANSWER_LAG_US);
	fake_hold_sends(rig.ring, false);
	rig_close(&rig);
}
END_TEST

/* ---- sockets at the end ---- */

/* Gives flow `index' a socket that has joined a group on loopback. */
static int join_a_group(uint32_t index)
{
	struct flow_place *place = relay_place(&rig.relay, index);
	struct group_req group = {.gr_interface = if_nametoindex("lo")};
	int fd = socket(AF_INET, SOCK_DGRAM, 0);

	ck_assert_int_eq(addr_parse_ip("239.1.1.1", &place->rule.in.at.addr), 0);
	place->rule.ifindex = group.gr_interface;
	addr_to_sockaddr(&place->rule.in.at.addr, 0, &group.gr_group);
	ck_assert_int_eq(setsockopt(fd, IPPROTO_IP, MCAST_JOIN_GROUP, &group, sizeof(group)), 0);
	place->flow.fd = fd;
	return fd;
}

/* Whether the socket is a member still; then it cannot join. */
static bool has_joined(int fd)
{
	struct group_req group = {.gr_interface = if_nametoindex("lo")};
	struct addr addr;

	ck_assert_int_eq(addr_parse_ip("239.1.1.1", &addr), 0);
	addr_to_sockaddr(&addr, 0, &group.gr_group);
	return setsockopt(fd, IPPROTO_IP, MCAST_JOIN_GROUP, &group, sizeof(group)) < 0 &&
	       errno == EADDRINUSE;
}

START_TEST(draining_leaves_the_groups_of_flows_and_not_of_those_handed_over)
{
	struct rig_options options = singles;
	int fds[2], rc = 0;

	options.flows = 2;
	rig_open(&rig, &options);
	for (uint32_t i = 0; i < 2; i++) {
		fds[i] = join_a_group(i);
	}
	relay_place(&rig.relay, 0)->stored = true;
	rig.relay.drain_ns = 5 * NS_PER_S;
	mailbox_post(&rig.mailbox, MAIL_HAND_OVER);
	fake_wake(rig.ring);
	ck_assert_int_eq(relay_turn(&rig.relay), 0);
	ck_assert_int_eq(rig.relay.phase, RELAY_DRAINING); /* for the second */
	ck_assert_int_eq(relay_turn(&rig.relay), 0);
	ck_assert(!fake_is_armed(rig.ring, 0)); /* who comes next has what arrives */
	ck_assert(has_joined(fds[0]));
	ck_assert(!has_joined(fds[1]));
	while (rc == 0) {
		rc = relay_turn(&rig.relay);
	}
	ck_assert_int_eq(rc, 1);
	close(fds[0]);
	close(fds[1]);
	close_drained();
}
END_TEST

START_TEST(shard_whose_flows_are_all_handed_over_ends_at_once)
{
	int rc = 0;

	rig_open(&rig, &singles);
	relay_place(&rig.relay, 0)->stored = true;
	rig.relay.drain_ns = 600 * NS_PER_S;
	mailbox_post(&rig.mailbox, MAIL_HAND_OVER);
	fake_wake(rig.ring);
	ck_assert_int_eq(relay_turn(&rig.relay), 0);
	ck_assert_int_eq(rig.relay.phase, RELAY_STOPPED);
	while (rc == 0) {
		rc = relay_turn(&rig.relay);
	}
	ck_assert_int_eq(rc, 1);
	close_drained();
}
END_TEST

/* ---- a ring that fails ---- */

/* Turns until one fails; the ring is then closed without rest. */
static void expect_failure(int err)
{
	int rc = 0;

	while (rc == 0) {
		rc = relay_turn(&rig.relay);
	}
	ck_assert_int_eq(rc, err);
	ck_assert(rig_sums_agree(&rig));
	ck_assert(!egress_busy(&rig.egress));
	arena_unmap(&rig.arena);
}

START_TEST(failed_ring_leaves_sums_that_agree)
{
	rig_open(&rig, &trains);
	for (int i = 0; i < 20; i++) {
		rig_deliver(&rig, 100 + (size_t)i % 3);
	}
	fake_hold_sends(rig.ring, true);
	ck_assert_int_eq(relay_turn(&rig.relay), 0);
	ck_assert(egress_busy(&rig.egress));
	fake_fail_turn(rig.ring, -ENOMEM);
	expect_failure(-ENOMEM);
	ck_assert_uint_eq(stat_get(&rig.flow_stats.relayed), 20);
	ck_assert_uint_eq(stat_get(&rig.output_stats[0].drops[OUTPUT_DROP_SEND_ERROR]), 20);
}
END_TEST

START_TEST(failed_ring_leaves_nothing_in_a_socket_uncounted)
{
	struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(at);
	int fd = socket(AF_INET, SOCK_DGRAM, 0);

	ck_assert_int_eq(bind(fd, (struct sockaddr *)&at, len), 0);
	ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&at, &len), 0);
	ck_assert_int_eq(sendto(fd, "abc", 3, 0, (struct sockaddr *)&at, len), 3);
	rig_open(&rig, &singles);
	relay_place(&rig.relay, 0)->flow.fd = fd;
	fake_fail_turn(rig.ring, -ENOMEM);
	expect_failure(-ENOMEM);
	ck_assert_uint_eq(stat_get(&rig.flow_stats.drops[FLOW_DROP_SHUTDOWN]), 1);
	close(fd);
}
END_TEST

START_TEST(ring_that_fails_while_trains_are_short_ends_the_relay)
{
	struct rig_options options = singles;

	options.trains = 2;
	rig_open(&rig, &options);
	rig_deliver(&rig, 100);
	ck_assert_int_eq(relay_turn(&rig.relay), 0);
	for (int i = 0; i < 20; i++) {
		rig_deliver(&rig, 100);
	}
	fake_fail_turn_after(rig.ring, 1, -ENOMEM);
	expect_failure(-ENOMEM);
	ck_assert_uint_eq(stat_get(&rig.flow_stats.relayed), 21);
	ck_assert_uint_gt(stat_get(&rig.output_stats[0].drops[OUTPUT_DROP_SEND_ERROR]), 0);
}
END_TEST

/* As when the kernel's thread behind a ring is stuck: it takes everything and answers nothing. */
START_TEST(end_does_not_wait_for_answers_that_never_come)
{
	rig_open(&rig, &singles);
	rig.relay.answer_ns = 20 * NS_PER_MS;
	fake_hold_sends(rig.ring, true);
	deliver(10);
	ck_assert_int_eq(relay_turn(&rig.relay), 0);
	mailbox_post(&rig.mailbox, MAIL_QUIT);
	fake_wake(rig.ring);
	expect_failure(-ETIMEDOUT);
	ck_assert_uint_eq(rig_drops(&rig, 0), 10);
}
END_TEST

START_TEST(end_does_not_wait_for_a_receive_that_cannot_be_cancelled)
{
	rig_open(&rig, &singles);
	rig.relay.answer_ns = 20 * NS_PER_MS;
	fake_delay_cancel(rig.ring, 1U << 30);
	mailbox_post(&rig.mailbox, MAIL_QUIT);
	fake_wake(rig.ring);
	expect_failure(-ETIMEDOUT);
}
END_TEST

START_TEST(room_is_not_waited_for_when_no_train_ever_comes_back)
{
	struct rig_options few = singles;

	few.trains = 4;
	rig_open(&rig, &few);
	rig.relay.answer_ns = 20 * NS_PER_MS;
	fake_hold_sends(rig.ring, true);
	deliver(10);
	expect_failure(-ETIMEDOUT);
	ck_assert_uint_eq(rig_drops(&rig, 0) + rig_drops(&rig, 1), 20);
}
END_TEST

static Suite *relay_end_suite(void)
{
	Suite *suite = suite_create("relay_end");
	TCase *tcase = tcase_create("relay_end");

	tcase_add_loop_test(tcase, receive_that_fails_is_counted_and_not_spun_on, 0,
			    sizeof(receive_errors) / sizeof(receive_errors[0]));
	tcase_add_test(tcase, flow_whose_receive_failed_is_armed_again_and_loses_nothing);
	tcase_add_loop_test(tcase, draining_relays_what_a_starved_flow_has_queued, 0, 4);
	tcase_add_test(tcase, slot_that_nobody_drops_is_found_at_the_end);
	tcase_add_test(tcase, draining_waits_for_silence_and_not_only_for_its_own_order);
	tcase_add_loop_test(tcase, draining_goes_on_while_a_flow_changes_its_class, 0, 5);
	tcase_add_test(tcase, draining_ends_in_time_whatever_goes_on_arriving);
	tcase_add_test(tcase, draining_does_not_wait_for_a_flow_that_cannot_receive);
	tcase_add_test(tcase, quit_while_a_flow_changes_its_class_ends);
	tcase_add_test(tcase, quit_overtakes_a_drain);
	tcase_add_test(tcase, draining_goes_on_while_what_arrives_is_dropped);
	tcase_add_test(tcase, turn_that_waits_for_answers_ends_soon);
	tcase_add_test(tcase, draining_leaves_the_groups_of_flows_and_not_of_those_handed_over);
	tcase_add_test(tcase, shard_whose_flows_are_all_handed_over_ends_at_once);
	tcase_add_test(tcase, failed_ring_leaves_sums_that_agree);
	tcase_add_test(tcase, failed_ring_leaves_nothing_in_a_socket_uncounted);
	tcase_add_test(tcase, ring_that_fails_while_trains_are_short_ends_the_relay);
	tcase_add_test(tcase, end_does_not_wait_for_answers_that_never_come);
	tcase_add_test(tcase, end_does_not_wait_for_a_receive_that_cannot_be_cancelled);
	tcase_add_test(tcase, room_is_not_waited_for_when_no_train_ever_comes_back);
	suite_add_tcase(suite, tcase);
	return suite;
}

int main(void)
{
	SRunner *runner = srunner_create(relay_end_suite());
	int failed;

	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? 0 : 1;
}
