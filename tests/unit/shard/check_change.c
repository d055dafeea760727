/* check_change.c - flows and outputs come and go while their shard relays, and every datagram is in
 * exactly one counter before, meanwhile and after.
 */
#include <arpa/inet.h>
#include <check.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <unistd.h>

#include "tests/unit/shard/change_rig.h"

/* ---- outputs ---- */

START_TEST(an_output_added_to_a_running_flow_gets_what_comes_from_then_on)
{
	struct shard_message m = new_output(0, 7000, NEW_FD);

	open_rig();
	deliver(5);
	rig_settle(&rig);
	ck_assert_int_eq(ask(&m), 0);
	ck_assert_uint_eq(output_of(m.output)->relayed_before, 5);
	deliver(7);
	rig_settle(&rig);
	ck_assert_uint_eq(sent_in_order(NEW_FD, 5), 7);
	ck_assert_uint_eq(sent_in_order(100, 0), 12);
	ck_assert_uint_eq(sent_in_order(101, 0), 12);
	expect_laws();
	rig_close(&rig);
}
END_TEST

START_TEST(an_output_is_closed_when_its_trains_in_flight_are_answered)
{
	struct shard_message m = {.op = SHARD_REMOVE_OUTPUT};

	open_rig();
	m.output = egress_output(&rig.egress, 0)->token;
	fake_hold_sends(rig.ring, true);
	deliver(3);
	ck_assert_int_eq(relay_turn(&rig.relay), 0); /* the first train is in flight ... */
	deliver(4);
	ck_assert_int_eq(relay_turn(&rig.relay), 0); /* ... and the next waits for its answer */
	hand_over(&m);
	deliver(5);
	for (int i = 0; i < 10; i++) {
		ck_assert_int_eq(relay_turn(&rig.relay), 0);
		ck_assert(!is_answered(&m));
	}
	ck_assert_int_eq(fake_file_fd(rig.ring, 0), 100); /* not forgotten while sends are out */
	fake_hold_sends(rig.ring, false);
	await_answer(&m);
	ck_assert_int_eq(m.result, 0);
	ck_assert_int_eq(m.fd, -1); /* the rig's outputs have none */
	ck_assert_int_eq(fake_file_fd(rig.ring, 0), -1);
	ck_assert_uint_eq(stat_get(&m.output_stats.offered), 7);
	expect_output_law(&m.output_stats);
	rig_settle(&rig);
	ck_assert_uint_eq(sent_in_order(100, 0), 7);
	ck_assert_uint_eq(sent_in_order(101, 0), 12);
	expect_laws();
	rig_close(&rig);
}
END_TEST

START_TEST(what_a_closing_output_cannot_send_is_counted)
{
	struct shard_message m = new_output(0, 7000, NEW_FD);
	struct shard_message gone = {.op = SHARD_REMOVE_OUTPUT};

	open_rig();
	ck_assert_int_eq(ask(&m), 0);
	gone.output = m.output;
	fake_fail_sends(rig.ring, m.socket.file, -ENETDOWN, 1);
	fake_hold_sends(rig.ring, true);
	deliver(3);
	ck_assert_int_eq(relay_turn(&rig.relay), 0);
	hand_over(&gone);
	fake_hold_sends(rig.ring, false);
	await_answer(&gone);
	ck_assert_uint_eq(stat_get(&gone.output_stats.offered), 3);
	ck_assert_uint_eq(stat_get(&gone.output_stats.drops[OUTPUT_DROP_LINK_DOWN]), 3);
	expect_output_law(&gone.output_stats);
	rig_settle(&rig);
	expect_laws();
	rig_close(&rig);
}
END_TEST

START_TEST(outputs_may_go_from_anywhere_in_their_list)
{
	struct shard_message added[3];

	open_rig();
	for (uint16_t i = 0; i < 3; i++) {
		added[i] = new_output(0, 7000 + i, NEW_FD + i);
		ck_assert_int_eq(ask(&added[i]), 0);
	}
	for (int i = 1; i < 4; i++) { /* the middle, the first added, the last: % 3 */
		struct shard_message m = {.op = SHARD_REMOVE_OUTPUT,
					  .output = added[i * 2 % 3].output};

		deliver(1);
		rig_settle(&rig);
		ck_assert_int_eq(ask(&m), 0);
		ck_assert_int_eq(m.fd, NEW_FD + i * 2 % 3);
		ck_assert_uint_eq(stat_get(&m.output_stats.sent), (uint64_t)i);
	}
	deliver(1);
	rig_settle(&rig);
	ck_assert_uint_eq(sent_in_order(100, 0), 4);
	ck_assert_uint_eq(sent_in_order(101, 0), 4);
	expect_laws();
	rig_close(&rig);
}
END_TEST

/* ---- flows ---- */

START_TEST(a_flow_added_receives_once_it_is_started)
{
	struct shard_message flow = new_flow(NEW_FD), output, start = {.op = SHARD_START_FLOW};
	uint32_t index;

	open_rig();
	ck_assert_int_eq(ask(&flow), 0);
	index = place_index(flow.flow);
	output = new_output(flow.flow, 7000, NEW_FD + 1);
	rig_deliver_to(&rig, index, 100);
	ck_assert_int_eq(ask(&output), 0);
	ck_assert(!fake_is_armed(rig.ring, index));
	start.flow = flow.flow;
	ck_assert_int_eq(ask(&start), 0);
	rig_settle(&rig);
	ck_assert(fake_is_armed(rig.ring, index));
	ck_assert_uint_eq(sent_in_order(NEW_FD + 1, 0), 1);
	ck_assert_uint_eq(sent_in_order(100, 0), 0);
	ck_assert_int_eq(ask(&start), -EALREADY);
	expect_laws();
	rig_close(&rig);
}
END_TEST

START_TEST(a_flow_is_closed_with_datagrams_queued_and_loses_none_that_it_took)
{
	struct shard_message m = {.op = SHARD_REMOVE_FLOW};

	open_rig();
	m.flow = relay_place(&rig.relay, 0)->flow.token;
	fake_limit_burst(rig.ring, 2);
	fake_delay_cancel(rig.ring, 3);
	deliver(20);
	ck_assert_int_eq(relay_turn(&rig.relay), 0);
	hand_over(&m);
	ck_assert(!is_answered(&m)); /* it still receives */
	await_answer(&m);
	ck_assert_int_eq(m.result, 0);
	ck_assert_int_eq(m.fd, -1); /* the rig's flows have none */
	ck_assert_int_eq(fake_file_fd(rig.ring, 2), -1);
	ck_assert(!fake_is_armed(rig.ring, 0));
	expect_flow_law(&m.flow_stats);
	ck_assert_uint_gt(fake_undelivered(rig.ring, 0), 0); /* they wait in the socket */
	ck_assert_uint_eq(stat_get(&rig.flow_stats.received) + fake_undelivered(rig.ring, 0), 20);
	for (int i = 0; i < 10; i++) {
		ck_assert_int_eq(relay_turn(&rig.relay), 0);
	}
	ck_assert(!egress_busy(&rig.egress));
	ck_assert_uint_eq(sent_in_order(100, 0), stat_get(&rig.flow_stats.received));
	ck_assert_uint_eq(sent_in_order(101, 0), stat_get(&rig.flow_stats.received));
	/* Its outputs stay until they are asked to go, too. */
	m = (struct shard_message){.op = SHARD_REMOVE_OUTPUT,
				   .output = egress_output(&rig.egress, 0)->token};
	ck_assert_int_eq(ask(&m), 0);
	ck_assert_int_eq(fake_file_fd(rig.ring, 0), -1);
	rig_close(&rig);
}
END_TEST

START_TEST(a_flow_that_waits_to_be_armed_goes_at_once)
{
	struct shard_message flow = new_flow(NEW_FD), start = {.op = SHARD_START_FLOW};
	struct shard_message gone = {.op = SHARD_REMOVE_FLOW};

	open_rig();
	ck_assert_int_eq(ask(&flow), 0);
	start.flow = gone.flow = flow.flow;
	ck_assert_int_eq(ask(&start), 0);
	fake_end_recv(rig.ring, place_index(flow.flow), -EIO);
	ck_assert_int_eq(relay_turn(&rig.relay), 0);
	ck_assert_uint_eq(rig.relay.retrying_count, 1);
	ck_assert_int_eq(ask(&gone), 0);
	ck_assert_int_eq(gone.fd, NEW_FD);
	ck_assert_uint_eq(stat_get(&gone.flow_stats.recv_errors), 1);
	ck_assert_uint_eq(rig.relay.retrying_count, 0);
	ck_assert_uint_eq(rig.relay.ended_count, 0);
	deliver(3);
	rig_settle(&rig);
	ck_assert_uint_eq(sent_in_order(100, 0), 3);
	rig_close(&rig);
}
END_TEST

/* ---- answers ---- */

START_TEST(what_the_socket_of_a_flow_that_goes_had_no_room_for_is_told)
{
	struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(at);
	int fd = socket(AF_INET, SOCK_DGRAM, 0), smallest = 1;
	struct shard_message flow = new_flow(fd), gone = {.op = SHARD_REMOVE_FLOW};

	ck_assert_int_eq(setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &smallest, sizeof(smallest)), 0);
	ck_assert_int_eq(bind(fd, (struct sockaddr *)&at, len), 0);
	ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&at, &len), 0);
	open_rig();
	ck_assert_int_eq(ask(&flow), 0);
	for (int i = 0; i < 1000; i++) {
		ck_assert_int_eq(sendto(fd, "abc", 3, 0, (struct sockaddr *)&at, len), 3);
	}
	gone.flow = flow.flow;
	ck_assert_int_eq(ask(&gone), 0);
	ck_assert_uint_gt(stat_get(&gone.flow_stats.kernel_drops), 0);
	ck_assert_uint_eq(gone.flow_past.drops_seen, stat_get(&gone.flow_stats.kernel_drops));
	close(fd);
	rig_close(&rig);
}
END_TEST

START_TEST(what_cannot_be_is_refused_and_changes_nothing)
{
	struct shard_message m = new_output(place_token(0, 9), 7000, NEW_FD);

	open_rig();
	ck_assert_int_eq(ask(&m), -ENOENT);
	m = new_output(PLACE_NONE, 7000, NEW_FD);
	ck_assert_int_eq(ask(&m), -ENOENT);
	m = new_output(0, 7000, NEW_FD);
	m.output_rule.out.to = egress_output(&rig.egress, 1)->rule->out.to;
	ck_assert_int_eq(ask(&m), -EEXIST);
	m = (struct shard_message){.op = SHARD_REMOVE_OUTPUT, .output = place_token(5, 0)};
	ck_assert_int_eq(ask(&m), -ENOENT);
	m = new_flow(NEW_FD);
	m.flow_rule.pool_class = POOL_SMALL;
	ck_assert_int_eq(ask(&m), -EINVAL);
	for (int i = 1; i < ROOM_FLOWS; i++) {
		m = new_flow(NEW_FD + i);
		ck_assert_int_eq(ask(&m), 0);
	}
	m = new_flow(NEW_FD);
	ck_assert_int_eq(ask(&m), -ENOSPC);
	for (uint16_t i = 2; i < ROOM_OUTPUTS; i++) {
		m = new_output(0, 7000 + i, NEW_FD + i);
		ck_assert_int_eq(ask(&m), 0);
	}
	m = new_output(0, 8000, NEW_FD);
	ck_assert_int_eq(ask(&m), -ENOSPC);
	deliver(3);
	rig_settle(&rig);
	expect_laws();
	rig_close(&rig);
}
END_TEST

/* As many as went wrong above, and more, in rooms that come while datagrams are under way. */
START_TEST(rooms_are_added_to_a_running_shard)
{
	struct shard_message m = {.op = SHARD_ADD_ROOM, .flow_rooms = 2, .output_rooms = 1};
	struct arena memory;

	open_rig();
	for (int i = 1; i < ROOM_FLOWS; i++) {
		struct shard_message flow = new_flow(NEW_FD + i);

		ck_assert_int_eq(ask(&flow), 0);
	}
	fake_hold_sends(rig.ring, true);
	deliver(5);
	ck_assert_int_eq(relay_turn(&rig.relay), 0);
	ck_assert_int_eq(arena_map(&memory, change_room_bytes(&rig.relay, &m), ARENA_HUGE_OFF), 0);
	m.memory = &memory;
	hand_over(&m);
	ck_assert(is_answered(&m));
	ck_assert_int_eq(m.result, 0);
	fake_hold_sends(rig.ring, false);
	for (int i = 0; i < 2 * ROOM_FLOWS; i++) {
		struct shard_message flow = new_flow(NEW_FD + i), output;
		struct shard_message start = {.op = SHARD_START_FLOW};

		ck_assert_int_eq(ask(&flow), 0);
		ck_assert_uint_eq(place_index(flow.flow), ROOM_FLOWS + (uint32_t)i);
		output = new_output(flow.flow, 7000, NEW_FD + 100 + i);
		ck_assert_int_eq(ask(&output), 0);
		start.flow = flow.flow;
		ck_assert_int_eq(ask(&start), 0);
		rig_deliver_to(&rig, place_index(flow.flow), 100);
		rig_settle(&rig);
		ck_assert_uint_eq(sent_in_order(NEW_FD + 100 + i, 5 + (uint32_t)i), 1);
	}
	ck_assert_uint_eq(sent_in_order(100, 0), 5);
	m.flow_rooms = SHARD_FLOWS_MAX / ROOM_FLOWS;
	ck_assert_int_eq(ask(&m), -E2BIG);
	expect_laws();
	rig_close(&rig);
	arena_unmap(&memory);
}
END_TEST

START_TEST(a_shard_that_ends_answers_what_it_was_asked)
{
	struct shard_message m = {.op = SHARD_REMOVE_OUTPUT};
	int i = 0;

	open_rig();
	m.output = egress_output(&rig.egress, 0)->token;
	fake_hold_sends(rig.ring, true);
	deliver(3);
	ck_assert_int_eq(relay_turn(&rig.relay), 0);
	hand_over(&m);
	fake_fail_turn(rig.ring, -EIO);
	while (relay_turn(&rig.relay) == 0) {
		ck_assert_int_lt(i++, CHANGE_TURNS_MAX);
	}
	ck_assert(is_answered(&m));
	ck_assert_int_eq(m.result, -ESHUTDOWN);
	ring_close(rig.ring);
}
END_TEST

START_TEST(a_shard_that_drains_takes_no_changes)
{
	struct shard_message m = new_output(0, 7000, NEW_FD);

	open_rig();
	rig.relay.drain_ns = 1000000000;
	mailbox_post(&rig.mailbox, MAIL_DRAIN);
	ck_assert(mailbox_send(&rig.mailbox, &m));
	fake_wake(rig.ring);
	ck_assert_int_eq(relay_turn(&rig.relay), 0);
	ck_assert(is_answered(&m));
	ck_assert_int_eq(m.result, -ESHUTDOWN);
	rig_close(&rig);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("change");
	SRunner *runner = srunner_create(suite);
	TCase *tc = tcase_create("change");
	int failed;

	tcase_add_test(tc, an_output_added_to_a_running_flow_gets_what_comes_from_then_on);
	tcase_add_test(tc, an_output_is_closed_when_its_trains_in_flight_are_answered);
	tcase_add_test(tc, what_a_closing_output_cannot_send_is_counted);
	tcase_add_test(tc, outputs_may_go_from_anywhere_in_their_list);
	tcase_add_test(tc, a_flow_added_receives_once_it_is_started);
	tcase_add_test(tc, a_flow_is_closed_with_datagrams_queued_and_loses_none_that_it_took);
	tcase_add_test(tc, a_flow_that_waits_to_be_armed_goes_at_once);
	tcase_add_test(tc, what_the_socket_of_a_flow_that_goes_had_no_room_for_is_told);
	tcase_add_test(tc, what_cannot_be_is_refused_and_changes_nothing);
	tcase_add_test(tc, rooms_are_added_to_a_running_shard);
	tcase_add_test(tc, a_shard_that_ends_answers_what_it_was_asked);
	tcase_add_test(tc, a_shard_that_drains_takes_no_changes);
	suite_add_tcase(suite, tc);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
