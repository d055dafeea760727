/* check_change_open.c - flows and outputs that had no socket when their shard started get one. */
#include <check.h>
#include <errno.h>
#include <stdlib.h>

#include "tests/unit/shard/change_rig.h"

/* One more output of flow 0, as a shard leaves it whose socket could not be opened. */
static struct shard_message pending_output(void)
{
	struct shard_message m = new_output(0, 7000, NEW_FD);
	struct output_place *place = egress_take_place(&rig.egress, &m.output_rule);
	uint32_t *link = &flow_of(0)->first_output;

	while (*link != PLACE_NONE) {
		link = &egress_output(&rig.egress, *link)->sibling;
	}
	*link = place_index(place->output.token);
	place->output.flow = flow_of(0)->token;
	m.op = SHARD_OPEN_OUTPUT;
	m.output = place->output.token;
	m.output_rule.ifindex = 9;
	return m;
}

START_TEST(what_comes_before_the_socket_is_counted_and_what_comes_after_is_sent)
{
	struct shard_message m;
	const struct output_stats *stats;

	open_rig();
	m = pending_output();
	stats = output_of(m.output)->stats;
	deliver(3);
	rig_settle(&rig);
	ck_assert_uint_eq(stat_get(&stats->drops[OUTPUT_DROP_PENDING]), 3);
	ck_assert_int_eq(ask(&m), 0);
	ck_assert_uint_eq(output_of(m.output)->rule->ifindex, 9);
	deliver(5);
	rig_settle(&rig);
	ck_assert_uint_eq(stat_get(&stats->drops[OUTPUT_DROP_PENDING]), 3);
	ck_assert_uint_eq(stat_get(&stats->sent), 5);
	ck_assert_uint_eq(sent_in_order(NEW_FD, 3), 5);
	ck_assert_uint_eq(sent_in_order(100, 0), 8); /* the others lost nothing */
	expect_laws();
	ck_assert_int_eq(ask(&m), -EALREADY);
	rig_close(&rig);
}
END_TEST

START_TEST(a_pending_output_can_go)
{
	struct shard_message m, gone = {.op = SHARD_REMOVE_OUTPUT};

	open_rig();
	m = pending_output();
	gone.output = m.output;
	deliver(2);
	rig_settle(&rig);
	ck_assert_int_eq(ask(&gone), 0);
	ck_assert_int_eq(gone.fd, -1);
	expect_output_law(&gone.output_stats);
	ck_assert_int_eq(ask(&m), -ENOENT);
	rig_close(&rig);
}
END_TEST

START_TEST(a_pending_flow_receives_once_it_has_its_socket)
{
	struct shard_message m = new_flow(NEW_FD), output;
	struct flow_place *place;

	open_rig();
	place = relay_take_place(&rig.relay, &m.flow_rule);
	place->flow.state = FLOW_PENDING;
	m.op = SHARD_OPEN_FLOW;
	m.flow = place->flow.token;
	m.flow_rule.ifindex = 9;
	output = new_output(m.flow, 7000, NEW_FD + 1);
	ck_assert_int_eq(ask(&output), 0);
	ck_assert(!fake_is_armed(rig.ring, place_index(m.flow)));
	ck_assert_int_eq(ask(&m), 0);
	ck_assert_uint_eq(place->rule.ifindex, 9);
	ck_assert_int_eq(relay_turn(&rig.relay), 0);
	ck_assert(fake_is_armed(rig.ring, place_index(m.flow)));
	rig_deliver_to(&rig, place_index(m.flow), 100);
	rig_settle(&rig);
	ck_assert_uint_eq(stat_get(&place->stats.received), 1);
	ck_assert_uint_eq(stat_get(&output_of(output.output)->stats->sent), 1);
	ck_assert_int_eq(ask(&m), -EALREADY);
	rig_close(&rig);
}
END_TEST

START_TEST(a_pending_flow_can_go)
{
	struct shard_message m = new_flow(NEW_FD), gone = {.op = SHARD_REMOVE_FLOW};
	struct flow_place *place;

	open_rig();
	place = relay_take_place(&rig.relay, &m.flow_rule);
	place->flow.state = FLOW_PENDING;
	gone.flow = place->flow.token;
	ck_assert_int_eq(ask(&gone), 0);
	ck_assert_int_eq(gone.fd, -1);
	rig_close(&rig);
}
END_TEST

START_TEST(a_flow_can_be_added_without_a_socket)
{
	struct shard_message m = new_flow(-1), start = {.op = SHARD_START_FLOW}, output;
	const struct flow_place *place;

	open_rig();
	ck_assert_int_eq(ask(&m), 0);
	place = relay_place(&rig.relay, place_index(m.flow));
	output = new_output(m.flow, 7000, -1);
	output.op = SHARD_ADD_OUTPUT;
	ck_assert_int_eq(ask(&output), 0);
	start.flow = m.flow;
	ck_assert_int_eq(ask(&start), 0);
	ck_assert_int_eq(relay_turn(&rig.relay), 0);
	ck_assert(!fake_is_armed(rig.ring, place_index(m.flow)));
	m.op = SHARD_OPEN_FLOW;
	m.fd = NEW_FD;
	ck_assert_int_eq(ask(&m), 0);
	ck_assert_int_eq(relay_turn(&rig.relay), 0);
	rig_deliver_to(&rig, place_index(m.flow), 100);
	rig_settle(&rig);
	ck_assert_uint_eq(stat_get(&place->stats.relayed), 1);
	ck_assert_uint_eq(stat_get(&output_of(output.output)->stats->drops[OUTPUT_DROP_PENDING]),
			  1);
	expect_laws();
	rig_close(&rig);
}
END_TEST

START_TEST(a_pending_output_takes_other_options_and_goes_by_them_once_it_is_open)
{
	struct shard_message m, set, other;
	const struct output_stats *stats;

	open_rig();
	m = pending_output();
	set = m;
	set.op = SHARD_SET_OUTPUT;
	set.output_rule.out.ttl_mode = RULE_TTL_DEC;
	deliver(2);
	rig_settle(&rig);
	ck_assert_int_eq(ask(&set), 0);
	ck_assert_int_eq(output_of(m.output)->rule->out.ttl_mode, RULE_TTL_DEC);
	other = m;
	other.op = SHARD_REPLACE_OUTPUT;
	other.socket.fd = -1;
	other.output_rule.out.sport = 7001;
	ck_assert_int_eq(ask(&other), 0); /* pending as before, by another rule */
	ck_assert_int_lt(other.fd, 0);
	stats = output_of(other.output)->stats;
	ck_assert_uint_eq(stat_get(&stats->drops[OUTPUT_DROP_PENDING]), 2);
	other.op = SHARD_OPEN_OUTPUT;
	other.socket.fd = NEW_FD;
	ck_assert_int_eq(ask(&other), 0);
	ck_assert_int_eq(output_of(other.output)->rule->out.sport, 7001);
	deliver(4);
	rig_settle(&rig);
	ck_assert_uint_eq(sent_in_order(NEW_FD, 2), 4);
	expect_laws();
	rig_close(&rig);
}
END_TEST

START_TEST(an_open_output_may_be_replaced_by_one_that_waits)
{
	struct shard_message m = new_output(0, 7000, NEW_FD), other;

	open_rig();
	ck_assert_int_eq(ask(&m), 0);
	deliver(2);
	rig_settle(&rig);
	other = m;
	other.op = SHARD_REPLACE_OUTPUT;
	other.socket.fd = -1;
	ck_assert_int_eq(ask(&other), 0);
	ck_assert_int_eq(other.fd, NEW_FD);
	deliver(3);
	rig_settle(&rig);
	ck_assert_uint_eq(stat_get(&output_of(other.output)->stats->sent), 2);
	ck_assert_uint_eq(stat_get(&output_of(other.output)->stats->drops[OUTPUT_DROP_PENDING]), 3);
	expect_laws();
	rig_close(&rig);
}
END_TEST

START_TEST(a_flow_whose_socket_is_taken_goes_on_with_another_one)
{
	struct shard_message m = {.op = SHARD_CLOSE_FLOW, .fd = -1};
	const struct flow_place *place;
	int fd;

	open_rig();
	m.flow = flow_of(0)->token;
	place = relay_place(&rig.relay, 0);
	fd = place->flow.fd;
	deliver(3);
	rig_settle(&rig);
	fake_end_recv(rig.ring, 0, -ENODEV); /* it waits to be tried again */
	ck_assert_int_eq(relay_turn(&rig.relay), 0);
	ck_assert_uint_eq(rig.relay.retrying_count, 1);
	ck_assert_int_eq(ask(&m), 0);
	ck_assert_uint_eq(rig.relay.retrying_count, 0);
	ck_assert_int_eq(m.fd, fd);
	ck_assert_int_lt(place->flow.fd, 0);
	ck_assert_int_eq(relay_turn(&rig.relay), 0);
	ck_assert(!fake_is_armed(rig.ring, 0));
	ck_assert_uint_eq(stat_get(&place->flow.stats->relayed), 3);
	ck_assert_int_eq(ask(&m), -EALREADY);
	m.op = SHARD_OPEN_FLOW;
	m.fd = NEW_FD;
	m.flow_rule.ifindex = 9;
	ck_assert_int_eq(ask(&m), 0);
	ck_assert_int_eq(relay_turn(&rig.relay), 0);
	ck_assert(fake_is_armed(rig.ring, 0)); /* at once, and in vain no more */
	ck_assert_uint_eq(rig.relay.retrying_count, 0);
	deliver(4);
	rig_settle(&rig);
	ck_assert_uint_eq(stat_get(&place->flow.stats->relayed), 7);
	ck_assert_uint_eq(sent_in_order(100, 0), 7);
	expect_laws();
	rig_close(&rig);
}
END_TEST

START_TEST(an_output_whose_socket_is_taken_counts_link_down_until_it_has_another_one)
{
	struct shard_message m = new_output(0, 7000, NEW_FD);
	const struct output_stats *stats;

	open_rig();
	ck_assert_int_eq(ask(&m), 0);
	stats = output_of(m.output)->stats;
	deliver(2);
	rig_settle(&rig);
	m.op = SHARD_CLOSE_OUTPUT;
	ck_assert_int_eq(ask(&m), 0);
	ck_assert_int_eq(m.fd, NEW_FD);
	ck_assert_int_eq(ask(&m), -EALREADY);
	deliver(3);
	rig_settle(&rig);
	ck_assert_uint_eq(stat_get(&stats->drops[OUTPUT_DROP_LINK_DOWN]), 3);
	m.op = SHARD_OPEN_OUTPUT;
	m.socket.fd = NEW_FD + 1;
	m.output_rule.mtu = 9000;
	ck_assert_int_eq(ask(&m), 0);
	ck_assert_uint_eq(output_of(m.output)->rule->mtu, 9000);
	deliver(4);
	rig_settle(&rig);
	ck_assert_uint_eq(stat_get(&stats->sent), 6);
	ck_assert_uint_eq(stat_get(&stats->drops[OUTPUT_DROP_PENDING]), 0);
	ck_assert_uint_eq(sent_in_order(NEW_FD, 0), 2);
	ck_assert_uint_eq(sent_in_order(NEW_FD + 1, 5), 4);
	ck_assert_uint_eq(sent_in_order(100, 0), 9); /* the others lost nothing */
	expect_laws();
	rig_close(&rig);
}
END_TEST

START_TEST(an_output_whose_link_is_dark_counts_what_the_kernel_would_lose)
{
	struct shard_message m = new_output(0, 7000, NEW_FD), try = {.op = SHARD_TRY_PATH};
	const struct output_stats *stats;

	open_rig();
	ck_assert_int_eq(ask(&m), 0);
	stats = output_of(m.output)->stats;
	try.output = m.output;
	try.output_rule = m.output_rule;
	try.flow = m.flow;
	deliver(2);
	rig_settle(&rig);
	ck_assert_uint_eq(sent_in_order(NEW_FD, 0), 2);
	try.dark = true;
	ck_assert_int_eq(ask(&try), 0);
	deliver(3);
	rig_settle(&rig);
	ck_assert_uint_eq(stat_get(&stats->drops[OUTPUT_DROP_LINK_DOWN]), 3);
	try.dark = false;
	ck_assert_int_eq(ask(&try), 0);
	deliver(4);
	rig_settle(&rig);
	ck_assert_uint_eq(stat_get(&stats->sent), 6);
	ck_assert_uint_eq(sent_in_order(100, 0), 9); /* the others lost nothing */
	expect_laws();
	rig_close(&rig);
}
END_TEST

START_TEST(an_output_that_gave_up_trains_tries_them_on_another_path)
{
	struct shard_message m = new_output(0, 7000, NEW_FD), try = {.op = SHARD_TRY_PATH};
	struct egress_output *o;

	open_rig();
	ck_assert_int_eq(ask(&m), 0);
	o = output_of(m.output);
	o->gso = GSO_OFF; /* as a refusal leaves it */
	o->gso_again_ns = UINT64_MAX;
	o->gso_wait_ns = 1;
	egress_set_mtu(o, 1400);
	try.output = m.output;
	try.output_rule = m.output_rule;
	try.output_rule.mtu = 4000;
	try.flow = m.flow;
	ck_assert_int_eq(ask(&try), 0);
	ck_assert_uint_eq(o->mtu, 4000);
	ck_assert_uint_eq(o->segment_max, 4000 - 28);
	ck_assert_uint_eq(o->gso, GSO_UNPROVEN);
	ck_assert_uint_eq(o->gso_again_ns, 0);
	o->gso = GSO_OFF; /* not wanted: gso=off */
	ck_assert_int_eq(ask(&try), 0);
	ck_assert_uint_eq(o->gso, GSO_OFF);
	rig_close(&rig);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("change_open");
	SRunner *runner = srunner_create(suite);
	TCase *tc = tcase_create("change_open");
	int failed;

	tcase_add_test(tc, what_comes_before_the_socket_is_counted_and_what_comes_after_is_sent);
	tcase_add_test(tc, a_pending_output_can_go);
	tcase_add_test(tc, a_pending_flow_receives_once_it_has_its_socket);
	tcase_add_test(tc, a_pending_flow_can_go);
	tcase_add_test(tc, a_flow_can_be_added_without_a_socket);
	tcase_add_test(tc, a_pending_output_takes_other_options_and_goes_by_them_once_it_is_open);
	tcase_add_test(tc, an_open_output_may_be_replaced_by_one_that_waits);
	tcase_add_test(tc, a_flow_whose_socket_is_taken_goes_on_with_another_one);
	tcase_add_test(tc,
		       an_output_whose_socket_is_taken_counts_link_down_until_it_has_another_one);
	tcase_add_test(tc, an_output_whose_link_is_dark_counts_what_the_kernel_would_lose);
	tcase_add_test(tc, an_output_that_gave_up_trains_tries_them_on_another_path);
	suite_add_tcase(suite, tc);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
