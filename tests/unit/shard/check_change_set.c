/* check_change_set.c - outputs that go on with other options, or another socket, and lose nothing.
 */
#include <check.h>
#include <errno.h>
#include <stdlib.h>

#include "shard/baton.h"
#include "src/base/clock.h"
#include "tests/unit/shard/change_rig.h"

/* The rig's first output with options that the test changes. */
static struct shard_message changed_output(enum shard_op op, int fd)
{
	struct shard_message m = {.op = op};
	const struct egress_output *o = egress_output(&rig.egress, 0);

	m.output = o->token;
	m.output_rule = *o->rule;
	m.socket = (struct egress_socket){.fd = fd, .gso = true, .mtu = change_options.mtu};
	return m;
}

START_TEST(a_rate_set_holds_from_the_next_datagram_on)
{
	struct shard_message m;

	open_rig();
	deliver(5);
	rig_settle(&rig);
	m = changed_output(SHARD_SET_OUTPUT, -1);
	m.output_rule.out.rate_bps = 1;
	ck_assert_int_eq(ask(&m), 0);
	ck_assert_uint_eq(m.output, egress_output(&rig.egress, 0)->token); /* the same one */
	rig_settle(&rig);
	for (int i = 0; i < 40; i++) {
		rig_deliver_train(&rig, 20, 1000, 1000); /* beyond the burst */
		rig_settle(&rig);
	}
	ck_assert_uint_gt(
		stat_get(&egress_output(&rig.egress, 0)->stats->drops[OUTPUT_DROP_RATE_LIMITED]),
		0);
	ck_assert_uint_eq(
		stat_get(&egress_output(&rig.egress, 1)->stats->drops[OUTPUT_DROP_RATE_LIMITED]),
		0);
	m = changed_output(SHARD_SET_OUTPUT, -1);
	m.output_rule.out.rate_bps = 0;
	ck_assert_int_eq(ask(&m), 0);
	ck_assert_uint_eq(egress_output(&rig.egress, 0)->rule->out.rate_bps, 0);
	expect_laws();
	rig_close(&rig);
}
END_TEST

START_TEST(an_output_told_to_may_send_trains_unless_its_path_refused_one)
{
	struct egress_output *o;
	struct shard_message m;

	open_rig();
	o = egress_output(&rig.egress, 0);
	m = changed_output(SHARD_SET_OUTPUT, -1);
	m.socket.gso = false;
	ck_assert_int_eq(ask(&m), 0);
	ck_assert_uint_eq(o->gso, GSO_OFF);
	m.socket.gso = true;
	ck_assert_int_eq(ask(&m), 0);
	ck_assert_uint_eq(o->gso, GSO_UNPROVEN);
	o->gso = GSO_OFF;
	stat_set(&o->stats->gso_off, EIO);
	ck_assert_int_eq(ask(&m), 0);
	ck_assert_uint_eq(o->gso, GSO_OFF);
	m.output = place_next_token(m.output);
	ck_assert_int_eq(ask(&m), -ENOENT);
	rig_close(&rig);
}
END_TEST

START_TEST(a_replaced_output_loses_doubles_and_reorders_nothing)
{
	uint32_t before;
	struct shard_message m;

	open_rig();
	m = changed_output(SHARD_REPLACE_OUTPUT, NEW_FD);
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
	for (uint32_t i = 0; i < fake_send_count(rig.ring); i++) {
		ck_assert_int_ne(fake_send_at(rig.ring, i)->fd, NEW_FD); /* it does not overtake */
	}
	fake_hold_sends(rig.ring, false);
	await_answer(&m);
	ck_assert_int_eq(m.result, 0);
	ck_assert_int_eq(m.fd, -1); /* the rig's outputs have none */
	rig_settle(&rig);
	before = sent_in_order(100, 0);
	ck_assert_uint_eq(before, 7);
	ck_assert_uint_eq(sent_in_order(NEW_FD, 7), 5);
	ck_assert_uint_eq(sent_in_order(101, 0), 12);
	ck_assert_uint_eq(stat_get(&output_of(m.output)->stats->sent), 12); /* one identity */
	ck_assert_uint_eq(output_of(m.output)->relayed_before, 0);
	ck_assert_uint_eq(flow_of(0)->first_output, place_index(m.output)); /* where it stood */
	expect_laws();
	rig_close(&rig);
}
END_TEST

/* Hands `m' over with sends in flight, and ends the shard before they are answered. */
static void end_amid(struct shard_message *m)
{
	int i = 0, rc;

	fake_hold_sends(rig.ring, true);
	deliver(3);
	ck_assert_int_eq(relay_turn(&rig.relay), 0);
	hand_over(m);
	ck_assert(!is_answered(m));
	mailbox_post(&rig.mailbox, MAIL_QUIT);
	fake_wake(rig.ring);
	ck_assert_int_eq(relay_turn(&rig.relay), 0);
	fake_hold_sends(rig.ring, false);
	while ((rc = relay_turn(&rig.relay)) == 0) {
		ck_assert_int_lt(i++, CHANGE_TURNS_MAX);
	}
	ck_assert_int_eq(rc, 1);
	ck_assert(is_answered(m));
	ck_assert_int_eq(m->result, 0);
}

START_TEST(what_is_under_way_is_done_when_its_shard_ends)
{
	struct shard_message m;

	open_rig();
	m = changed_output(SHARD_REPLACE_OUTPUT, NEW_FD);
	end_amid(&m);
	expect_output_law(output_of(m.output)->stats);
	ck_assert_uint_eq(stat_get(&output_of(m.output)->stats->offered), 3);
	ring_close(rig.ring);
	mailbox_close(&rig.mailbox);
	open_rig();
	m = changed_output(SHARD_REMOVE_OUTPUT, -1);
	end_amid(&m);
	expect_output_law(&m.output_stats);
	ck_assert_uint_eq(stat_get(&m.output_stats.offered), 3);
	ring_close(rig.ring);
	mailbox_close(&rig.mailbox);
}
END_TEST

START_TEST(what_is_replaced_or_told_must_be_there)
{
	struct shard_message m, echoes = {.op = SHARD_SET_ECHOES, .flow = 0xffff};

	open_rig();
	m = changed_output(SHARD_REPLACE_OUTPUT, NEW_FD);
	m.output = place_next_token(m.output);
	ck_assert_int_eq(ask(&m), -ENOENT);
	ck_assert_int_eq(ask(&echoes), -ENOENT);
	expect_laws();
	rig_close(&rig);
}
END_TEST

START_TEST(a_breaker_is_set_while_running)
{
	struct shard_message m = {.op = SHARD_SET_FLOW,
				  .flow_rule.in.breaker = RULE_BREAKER_STRICT};

	open_rig();
	m.flow = flow_of(0)->token;
	flow_of(0)->aside = ASIDE_BROKEN;
	stat_set(&flow_of(0)->stats->circling, 1);
	ck_assert_int_eq(ask(&m), 0);
	ck_assert_int_eq(flow_of(0)->rule->in.breaker, RULE_BREAKER_STRICT);
	ck_assert_int_eq(flow_of(0)->aside, 0);
	ck_assert_uint_eq(stat_get(&flow_of(0)->stats->circling), 0);
	rig_close(&rig);
}
END_TEST

START_TEST(a_greatest_age_is_set_while_running)
{
	struct shard_message m = {.op = SHARD_SET_FLOW, .flow_rule.in.max_age_ms = 1000};
	uint32_t number = 0;
	struct fake_datagram old = {
		.payload = &number,
		.payload_bytes = sizeof(number),
		.stamp_ns = clock_wall_ns() - 2 * NS_PER_S,
	};

	open_rig();
	m.flow = flow_of(0)->token;
	fake_deliver(rig.ring, 0, &old);
	rig_settle(&rig);
	ck_assert_uint_eq(stat_get(&flow_of(0)->stats->relayed), 1);
	ck_assert_int_eq(ask(&m), 0);
	fake_deliver(rig.ring, 0, &old);
	rig_settle(&rig);
	ck_assert_uint_eq(stat_get(&flow_of(0)->stats->relayed), 1);
	ck_assert_uint_eq(stat_get(&flow_of(0)->stats->drops[FLOW_DROP_STALE]), 1);
	m.flow = place_next_token(m.flow);
	ck_assert_int_eq(ask(&m), -ENOENT);
	expect_laws();
	rig_close(&rig);
}
END_TEST

START_TEST(a_flow_that_is_held_relays_what_is_its_own_before_it_goes)
{
	struct shard_message m = {.op = SHARD_HOLD_FLOW};

	open_rig();
	deliver(5);
	m.flow = flow_of(0)->token;
	ck_assert_int_eq(ask(&m), 0);
	rig_settle(&rig);
	ck_assert_uint_eq(flow_of(0)->state, FLOW_IDLE);
	ck_assert(!flow_of(0)->going);
	ck_assert_uint_eq(stat_get(&flow_of(0)->stats->relayed), 5);
	m = (struct shard_message){.op = SHARD_HOLD_FLOW, .flow = place_next_token(m.flow)};
	ck_assert_int_eq(ask(&m), -ENOENT);
	m = (struct shard_message){
		.op = SHARD_REMOVE_FLOW, .flow = flow_of(0)->token, .cut_ns = 1, .empties = true};
	ck_assert_int_eq(ask(&m), 0);
	expect_flow_law(&m.flow_stats);
	rig_close(&rig);
}
END_TEST

START_TEST(a_flow_that_stands_by_counts_and_relays_nothing)
{
	struct shard_duty duties[2] = {{.token = 0xffff, .standby = true}};
	struct shard_message m = {.op = SHARD_SET_DUTIES, .duties = duties, .duty_count = 2};

	open_rig();
	duties[1] = (struct shard_duty){.token = flow_of(0)->token, .standby = true};
	deliver(3);
	rig_settle(&rig);
	ck_assert_int_eq(ask(&m), 0); /* who has left is left out */
	deliver(4);
	rig_settle(&rig);
	ck_assert_uint_eq(stat_get(&flow_of(0)->stats->relayed), 3);
	ck_assert_uint_eq(stat_get(&flow_of(0)->stats->drops[FLOW_DROP_STANDBY]), 4);
	expect_laws();
	duties[1].standby = false;
	ck_assert_int_eq(ask(&m), 0);
	deliver(5);
	rig_settle(&rig);
	ck_assert_uint_eq(stat_get(&flow_of(0)->stats->relayed), 8);
	ck_assert_uint_eq(stat_get(&flow_of(0)->stats->drops[FLOW_DROP_STANDBY]), 4);
	ck_assert_uint_eq(stat_get(&egress_output(&rig.egress, 0)->stats->sent), 8);
	expect_laws();
	rig_close(&rig);
}
END_TEST

START_TEST(a_flow_that_is_held_leaves_what_comes_in_its_socket)
{
	struct shard_duty duty = {.hold = true};
	struct shard_message m = {.op = SHARD_SET_DUTIES, .duties = &duty, .duty_count = 1};

	open_rig();
	duty.token = flow_of(0)->token;
	deliver(3);
	ck_assert_int_eq(ask(&m), 0); /* once it has come to rest */
	ck_assert_uint_eq(flow_of(0)->state, FLOW_IDLE);
	ck_assert_uint_eq(stat_get(&flow_of(0)->stats->relayed), 3);
	ck_assert_int_eq(ask(&m), 0); /* again */
	duty.hold = false;
	ck_assert_int_eq(ask(&m), 0);
	rig_settle(&rig);
	ck_assert_uint_eq(flow_of(0)->state, FLOW_ARMED);
	deliver(2);
	rig_settle(&rig);
	ck_assert_uint_eq(stat_get(&flow_of(0)->stats->relayed), 5);
	duty.hold = true; /* and it may go meanwhile */
	ck_assert_int_eq(ask(&m), 0);
	m = (struct shard_message){.op = SHARD_REMOVE_FLOW, .flow = duty.token};
	ck_assert_int_eq(ask(&m), 0);
	expect_flow_law(&m.flow_stats);
	rig_close(&rig);
}
END_TEST

/* Its interface goes and comes back, or somebody starts it. */
START_TEST(a_flow_that_is_held_waits_whatever_becomes_of_its_socket)
{
	struct shard_duty duty = {.hold = true};
	struct shard_message m = {.op = SHARD_SET_DUTIES, .duties = &duty, .duty_count = 1},
			     closing = {.op = SHARD_CLOSE_FLOW}, opening = new_flow(NEW_FD),
			     starting = {.op = SHARD_START_FLOW};

	open_rig();
	duty.token = closing.flow = opening.flow = starting.flow = flow_of(0)->token;
	ck_assert_int_eq(ask(&m), 0);
	ck_assert_int_eq(ask(&closing), 0);
	opening.op = SHARD_OPEN_FLOW;
	ck_assert_int_eq(ask(&opening), 0);
	ck_assert_int_eq(ask(&starting), 0);
	deliver(2);
	ck_assert_int_eq(ask(&m), 0); /* it has come to rest, since it never left */
	ck_assert_uint_eq(flow_of(0)->state, FLOW_IDLE);
	ck_assert_uint_eq(stat_get(&flow_of(0)->stats->received), 0);
	duty.hold = false;
	ck_assert_int_eq(ask(&m), 0);
	rig_settle(&rig);
	ck_assert_uint_eq(stat_get(&flow_of(0)->stats->relayed), 2);
	rig_close(&rig);
}
END_TEST

/* Its receive has failed, and is tried again once it may receive. */
START_TEST(a_flow_that_is_held_is_not_one_that_is_tried_again)
{
	struct shard_duty duty = {.hold = true};
	struct shard_message m = {.op = SHARD_SET_DUTIES, .duties = &duty, .duty_count = 1};

	open_rig();
	duty.token = flow_of(0)->token;
	fake_end_recv(rig.ring, 0, -ENOMEM);
	ck_assert_int_eq(relay_turn(&rig.relay), 0);
	ck_assert_uint_eq(rig.relay.retrying_count, 1);
	ck_assert_int_eq(ask(&m), 0);
	ck_assert_uint_eq(rig.relay.retrying_count, 0);
	duty.hold = false;
	ck_assert_int_eq(ask(&m), 0);
	deliver(2);
	rig_settle(&rig);
	ck_assert_uint_eq(rig.relay.retrying_count, 0);
	ck_assert_uint_eq(stat_get(&flow_of(0)->stats->relayed), 2);
	rig_close(&rig);
}
END_TEST

START_TEST(a_flow_relays_from_the_mark_on_that_another_machine_noted)
{
	struct baton *notes = calloc(1, baton_bytes(1)), *follows = calloc(1, baton_bytes(1));
	struct shard_duty duty = {.standby = true, .salt = 5, .baton = notes};
	struct shard_message m = {.op = SHARD_SET_DUTIES, .duties = &duty, .duty_count = 1};

	ck_assert(notes && follows);
	notes->room = follows->room = baton_room(1);
	open_rig();
	duty.token = flow_of(0)->token;
	ck_assert_int_eq(ask(&m), 0);
	ck_assert_uint_gt(notes->since_ns, 0);
	rig.delivered = 2; /* of what the senders send, this machine relayed two */
	rig_deliver_train(&rig, 4, 100, 100);
	rig_settle(&rig);
	ck_assert_uint_eq(stat_get(&flow_of(0)->stats->drops[FLOW_DROP_STANDBY]), 4);
	ck_assert_uint_eq(notes->count, 1);

	follows->follows = true;
	follows->end_ns = UINT64_MAX;
	for (uint32_t i = 0; i < notes->room; i++) {
		(void)baton_add(follows, &notes->marks[i]);
	}
	duty.baton = follows;
	ck_assert_int_eq(ask(&m), 0);
	rig.delivered = 0; /* another machine has all of it, in other trains */
	rig_deliver_train(&rig, 6, 100, 100);
	rig_settle(&rig);
	ck_assert_uint_eq(stat_get(&follows->met), 1);
	ck_assert_uint_eq(stat_get(&flow_of(0)->stats->relayed), 4);
	ck_assert_uint_eq(sent_in_order(100, 2), 4);
	expect_laws();
	rig_close(&rig);
	free(notes);
	free(follows);
}
END_TEST

START_TEST(an_output_without_its_source_address_counts_and_sends_nothing)
{
	struct egress_output *o;
	struct shard_duty duty = {.is_output = true, .standby = true};
	struct shard_message m = {.op = SHARD_SET_DUTIES, .duties = &duty, .duty_count = 1};

	open_rig();
	o = egress_output(&rig.egress, 0);
	duty.token = o->token;
	ck_assert_int_eq(ask(&m), 0);
	deliver(4);
	rig_settle(&rig);
	ck_assert_uint_eq(stat_get(&o->stats->drops[OUTPUT_DROP_NO_SOURCE]), 4);
	ck_assert_uint_eq(stat_get(&o->stats->sent), 0);
	ck_assert_uint_eq(stat_get(&egress_output(&rig.egress, 1)->stats->sent), 4);
	duty.standby = false;
	ck_assert_int_eq(ask(&m), 0);
	deliver(2);
	rig_settle(&rig);
	ck_assert_uint_eq(stat_get(&o->stats->sent), 2);
	expect_laws();
	rig_close(&rig);
}
END_TEST

START_TEST(echoes_and_waits_are_set_while_running)
{
	static const struct addr echo = {.family = AF_INET, .port = 9};
	struct shard_message m = {.op = SHARD_SET_ECHOES, .echoes = &echo, .echo_count = 1};
	struct shard_message waits = {.op = SHARD_SET_WAITS, .drain_ns = 77, .latency_sample = 9};

	open_rig();
	ck_assert_int_eq(ask(&m), 0);
	ck_assert_ptr_eq(flow_of(0)->echoes, &echo);
	ck_assert_uint_eq(flow_of(0)->echo_count, 1);
	ck_assert_int_eq(ask(&waits), 0);
	ck_assert_uint_eq(rig.relay.drain_ns, 77);
	ck_assert_uint_eq(rig.relay.sample_every, 9);
	ck_assert_uint_gt(stat_get(&ring_stats_of(rig.ring)->longest_change_ns), 0);
	rig_close(&rig);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("change_set");
	SRunner *runner = srunner_create(suite);
	TCase *tc = tcase_create("change_set");
	int failed;

	tcase_add_test(tc, a_rate_set_holds_from_the_next_datagram_on);
	tcase_add_test(tc, an_output_told_to_may_send_trains_unless_its_path_refused_one);
	tcase_add_test(tc, a_replaced_output_loses_doubles_and_reorders_nothing);
	tcase_add_test(tc, what_is_under_way_is_done_when_its_shard_ends);
	tcase_add_test(tc, what_is_replaced_or_told_must_be_there);
	tcase_add_test(tc, a_breaker_is_set_while_running);
	tcase_add_test(tc, a_greatest_age_is_set_while_running);
	tcase_add_test(tc, a_flow_that_is_held_relays_what_is_its_own_before_it_goes);
	tcase_add_test(tc, a_flow_that_stands_by_counts_and_relays_nothing);
	tcase_add_test(tc, a_flow_that_is_held_leaves_what_comes_in_its_socket);
	tcase_add_test(tc, a_flow_that_is_held_is_not_one_that_is_tried_again);
	tcase_add_test(tc, a_flow_that_is_held_waits_whatever_becomes_of_its_socket);
	tcase_add_test(tc, a_flow_relays_from_the_mark_on_that_another_machine_noted);
	tcase_add_test(tc, an_output_without_its_source_address_counts_and_sends_nothing);
	tcase_add_test(tc, echoes_and_waits_are_set_while_running);
	suite_add_tcase(suite, tc);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
