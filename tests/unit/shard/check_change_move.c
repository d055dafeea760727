/* check_change_move.c - a flow and its outputs that move to other places go on as they were: what
 * they counted, what they learned, and the order of what they send.
 */
#include <check.h>
#include <errno.h>
#include <stdlib.h>

#include "tests/unit/shard/change_rig.h"

/* A flow with an output that goes by `options', and receives. */
static void add(struct shard_message *flow, struct shard_message *output,
		const struct rule_output *options)
{
	struct shard_message start = {.op = SHARD_START_FLOW};

	*flow = new_flow(NEW_FD);
	ck_assert_int_eq(ask(flow), 0);
	*output = new_output(flow->flow, 7000, NEW_FD + 1);
	output->output_rule.out.rate_bps = options->rate_bps;
	output->output_rule.out.reply = options->reply;
	ck_assert_int_eq(ask(output), 0);
	start.flow = flow->flow;
	ck_assert_int_eq(ask(&start), 0);
	rig_settle(&rig);
}

/* Takes both away: the messages are then the answers. */
static void take(struct shard_message *flow, struct shard_message *output)
{
	flow->op = SHARD_REMOVE_FLOW;
	ck_assert_int_eq(ask(flow), 0);
	output->op = SHARD_REMOVE_OUTPUT;
	ck_assert_int_eq(ask(output), 0);
	expect_flow_law(&flow->flow_stats);
	expect_output_law(&output->output_stats);
}

/* Gives them back by what was answered; the output may send trains, or not. */
static void give_as(struct shard_message *flow, struct shard_message *output, bool gso)
{
	struct shard_message start = {.op = SHARD_START_FLOW};

	flow->op = SHARD_ADD_FLOW;
	flow->goes_on = true;
	ck_assert_int_eq(ask(flow), 0);
	output->op = SHARD_ADD_OUTPUT;
	output->goes_on = true;
	output->flow = flow->flow;
	output->socket = (struct egress_socket){.fd = output->fd, .gso = gso, .mtu = 1500};
	ck_assert_int_eq(ask(output), 0);
	start.flow = flow->flow;
	ck_assert_int_eq(ask(&start), 0);
	rig_settle(&rig);
}

static void give(struct shard_message *flow, struct shard_message *output)
{
	give_as(flow, output, true);
}

START_TEST(counters_and_order_go_on)
{
	struct shard_message flow, output, between = new_flow(NEW_FD + 9);
	const struct rule_output plain = {0};
	uint32_t before;

	open_rig();
	add(&flow, &output, &plain);
	before = flow.flow;
	for (int i = 0; i < 5; i++) {
		rig_deliver_to(&rig, place_index(flow.flow), 100);
	}
	rig_settle(&rig);
	take(&flow, &output);
	ck_assert_int_eq(flow.fd, NEW_FD);
	ck_assert_int_eq(output.fd, NEW_FD + 1);
	ck_assert_int_eq(ask(&between), 0); /* so that the place is another one */
	give(&flow, &output);
	ck_assert_uint_ne(place_index(flow.flow), place_index(before));
	for (int i = 0; i < 3; i++) {
		rig_deliver_to(&rig, place_index(flow.flow), 100);
	}
	rig_settle(&rig);
	ck_assert_uint_eq(stat_get(&flow_of(flow.flow)->stats->relayed), 8);
	ck_assert_uint_eq(stat_get(&output_of(output.output)->stats->sent), 8);
	ck_assert_uint_eq(sent_in_order(NEW_FD + 1, 0), 8);
	expect_laws();
	rig_close(&rig);
}
END_TEST

START_TEST(an_output_that_came_later_has_been_offered_what_was_relayed_since)
{
	struct shard_message flow, output, later;
	const struct rule_output plain = {0};

	open_rig();
	add(&flow, &output, &plain);
	rig_deliver_to(&rig, place_index(flow.flow), 100);
	rig_settle(&rig);
	later = new_output(flow.flow, 7001, NEW_FD + 2);
	ck_assert_int_eq(ask(&later), 0);
	rig_deliver_to(&rig, place_index(flow.flow), 100);
	rig_settle(&rig);
	later.op = SHARD_REMOVE_OUTPUT;
	take(&flow, &output);
	ck_assert_int_eq(ask(&later), 0);
	give(&flow, &output);
	later.op = SHARD_ADD_OUTPUT;
	later.goes_on = true;
	later.flow = flow.flow;
	ck_assert_int_eq(ask(&later), 0);
	ck_assert_uint_eq(output_of(later.output)->relayed_before, 1);
	rig_deliver_to(&rig, place_index(flow.flow), 100);
	rig_settle(&rig);
	ck_assert_uint_eq(stat_get(&output_of(later.output)->stats->offered), 2);
	expect_laws();
	rig_close(&rig);
}
END_TEST

START_TEST(what_was_learned_of_the_path_is_still_known)
{
	struct shard_message flow, output;
	const struct rule_output options = {.rate_bps = 1000000, .reply = true};
	struct egress_output *o;
	struct addr asker = {.family = AF_INET, .port = 9}, kept;

	open_rig();
	add(&flow, &output, &options);
	o = output_of(output.output);
	asker_note(&egress_place(&rig.egress, place_index(output.output))->asker, &asker);
	o->gso = GSO_OFF;
	o->gso_again_ns = 77;
	o->gso_wait_ns = 88;
	o->tokens_bits = 5;
	o->tokens_at_ns = 99;
	flow_of(flow.flow)->drops_seen = 4711;
	flow_of(flow.flow)->next_group = POOL_TRAIN;
	take(&flow, &output);
	ck_assert_uint_eq(flow.flow_past.next_group, POOL_TRAIN);
	ck_assert_uint_eq(output.output_past.tokens_bits, 5);
	give(&flow, &output);
	o = output_of(output.output);
	ck_assert_uint_eq(o->gso, GSO_OFF);
	ck_assert_uint_eq(o->gso_again_ns, 77);
	ck_assert_uint_eq(o->gso_wait_ns, 88);
	ck_assert_uint_eq(o->tokens_bits, 5); /* no second burst */
	ck_assert_uint_eq(o->tokens_at_ns, 99);
	ck_assert_uint_eq(flow_of(flow.flow)->drops_seen, 4711);
	ck_assert(asker_get(&egress_place(&rig.egress, place_index(output.output))->asker, &kept));
	ck_assert_uint_eq(kept.port, 9);
	rig_close(&rig);
}
END_TEST

START_TEST(a_path_that_took_trains_need_not_prove_it_again)
{
	struct shard_message flow, output;
	const struct rule_output plain = {0};

	open_rig();
	add(&flow, &output, &plain);
	output_of(output.output)->gso = GSO_PROVEN;
	take(&flow, &output);
	give(&flow, &output);
	ck_assert_uint_eq(output_of(output.output)->gso, GSO_PROVEN);
	rig_close(&rig);
}
END_TEST

/* As its options say by now. */
START_TEST(an_output_that_may_send_no_trains_any_more_sends_none)
{
	struct shard_message flow, output;
	const struct rule_output plain = {0};

	open_rig();
	add(&flow, &output, &plain);
	output_of(output.output)->gso = GSO_PROVEN;
	output_of(output.output)->gso_again_ns = 77;
	take(&flow, &output);
	give_as(&flow, &output, false);
	ck_assert_uint_eq(output_of(output.output)->gso, GSO_OFF);
	ck_assert_uint_eq(output_of(output.output)->gso_again_ns, 0);
	rig_close(&rig);
}
END_TEST

/* Asks all of `list', about `flow', at once: its answer. */
static struct shard_message ask_list(struct shard_message *list, uint32_t count, uint32_t flow)
{
	struct shard_message m = {
		.op = SHARD_LIST, .fd = -1, .flow = flow, .list = list, .list_count = count};

	ck_assert_int_eq(ask(&m), 0);
	rig_settle(&rig);
	return m;
}

/* Offers a datagram to one whose link is down or gone. */
static void lose_one(const struct shard_message *flow, const struct shard_message *output)
{
	rig_deliver_to(&rig, place_index(flow->flow), 100);
	rig_settle(&rig);
	ck_assert_uint_eq(stat_get(&output_of(output->output)->stats->sent), 0);
	ck_assert_uint_eq(stat_get(&output_of(output->output)->stats->drops[OUTPUT_DROP_LINK_DOWN]),
			  1);
	expect_laws();
}

START_TEST(a_link_without_a_carrier_has_none_elsewhere)
{
	struct shard_message flow, output, path = {.op = SHARD_TRY_PATH, .dark = true};
	const struct rule_output plain = {0};

	open_rig();
	add(&flow, &output, &plain);
	path.output = output.output;
	ck_assert_int_eq(ask(&path), 0);
	take(&flow, &output);
	give(&flow, &output);
	lose_one(&flow, &output);
	rig_close(&rig);
}
END_TEST

START_TEST(an_interface_that_has_gone_is_gone_elsewhere)
{
	struct shard_message flow, output, link = {.op = SHARD_CLOSE_OUTPUT};
	const struct rule_output plain = {0};

	open_rig();
	add(&flow, &output, &plain);
	link.output = output.output;
	ck_assert_int_eq(ask(&link), 0);
	take(&flow, &output);
	ck_assert_int_eq(output.fd, -1);
	give(&flow, &output);
	lose_one(&flow, &output);
	rig_close(&rig);
}
END_TEST

START_TEST(two_lists_take_a_flow_and_give_it_with_its_outputs)
{
	struct shard_message list[4] = {{0}}, m;
	const struct rule_output plain = {0};

	open_rig();
	add(&list[0], &list[1], &plain);
	list[2] = new_output(list[0].flow, 7001, NEW_FD + 2);
	ck_assert_int_eq(ask(&list[2]), 0);
	for (int i = 0; i < 5; i++) {
		rig_deliver_to(&rig, place_index(list[0].flow), 100);
	}
	list[0].op = SHARD_REMOVE_FLOW; /* with all that under way */
	list[1].op = list[2].op = SHARD_REMOVE_OUTPUT;
	(void)ask_list(list, 3, list[0].flow);
	for (int i = 0; i < 3; i++) {
		ck_assert_int_eq(list[i].result, 0);
		ck_assert_int_eq(list[i].fd, NEW_FD + i);
	}
	expect_flow_law(&list[0].flow_stats);
	expect_output_law(&list[1].output_stats);
	expect_output_law(&list[2].output_stats);
	list[0].op = SHARD_ADD_FLOW;
	list[1].op = list[2].op = SHARD_ADD_OUTPUT;
	list[0].goes_on = list[1].goes_on = list[2].goes_on = true;
	list[3] = (struct shard_message){.op = SHARD_START_FLOW, .fd = -1};
	m = ask_list(list, 4, PLACE_NONE);
	ck_assert_uint_eq(m.flow, list[0].flow);
	for (int i = 0; i < 4; i++) {
		ck_assert_int_eq(list[i].result, 0);
	}
	rig_deliver_to(&rig, place_index(m.flow), 100);
	rig_settle(&rig);
	ck_assert_uint_eq(stat_get(&flow_of(m.flow)->stats->relayed), 6);
	ck_assert_uint_eq(sent_in_order(NEW_FD + 1, 0), 6);
	ck_assert_uint_eq(sent_in_order(NEW_FD + 2, 0), 6);
	expect_laws();
	rig_close(&rig);
}
END_TEST

START_TEST(a_list_ends_where_its_flow_is_refused_and_leaves_an_output_out)
{
	struct shard_message list[4];
	uint32_t slots;

	open_rig();
	list[0] = new_flow(NEW_FD);
	list[1] = new_output(0, 7000, NEW_FD + 1);
	list[2] = list[1]; /* the flow has such an output */
	list[3] = (struct shard_message){.op = SHARD_START_FLOW, .fd = -1};
	(void)ask_list(list, 4, PLACE_NONE);
	ck_assert_int_eq(list[1].result, 0);
	ck_assert_int_eq(list[2].result, -EEXIST);
	ck_assert_int_eq(list[3].result, 0);
	slots = rig.pool.classes[POOL_JUMBO].count;
	rig.pool.classes[POOL_JUMBO].count = 0; /* a flow of that class is refused */
	list[0].flow_rule.pool_class = POOL_JUMBO;
	ck_assert_uint_eq(ask_list(list, 4, PLACE_NONE).flow, PLACE_NONE);
	ck_assert_int_eq(list[0].result, -EINVAL);
	for (int i = 1; i < 4; i++) {
		ck_assert_int_eq(list[i].result, -ECANCELED);
	}
	rig.pool.classes[POOL_JUMBO].count = slots;
	expect_laws();
	rig_close(&rig);
}
END_TEST

START_TEST(a_list_that_the_end_of_the_shard_meets_goes_no_further)
{
	struct shard_message list[2] = {{0}}, m;
	const struct rule_output plain = {0};

	open_rig();
	add(&list[0], &list[1], &plain);
	list[0].op = SHARD_REMOVE_FLOW;
	list[1].op = SHARD_REMOVE_OUTPUT;
	m = (struct shard_message){
		.op = SHARD_LIST, .fd = -1, .flow = list[0].flow, .list = list, .list_count = 2};
	hand_over(&m);
	ck_assert(!is_answered(&m)); /* the receive is being ended */
	rig.relay.phase = RELAY_DRAINING;
	rig.relay.drain_end_ns = UINT64_MAX;
	await_answer(&m);
	ck_assert_int_eq(m.result, 0);
	ck_assert_int_eq(list[0].result, 0);
	ck_assert_int_eq(list[1].result, -ESHUTDOWN);
	ck_assert_int_eq(output_of(list[1].output)->state, OUTPUT_OPEN);
	rig_close(&rig);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("change_move");
	SRunner *runner = srunner_create(suite);
	TCase *tc = tcase_create("change_move");
	int failed;

	tcase_add_test(tc, counters_and_order_go_on);
	tcase_add_test(tc, an_output_that_came_later_has_been_offered_what_was_relayed_since);
	tcase_add_test(tc, what_was_learned_of_the_path_is_still_known);
	tcase_add_test(tc, a_path_that_took_trains_need_not_prove_it_again);
	tcase_add_test(tc, a_link_without_a_carrier_has_none_elsewhere);
	tcase_add_test(tc, an_interface_that_has_gone_is_gone_elsewhere);
	tcase_add_test(tc, an_output_that_may_send_no_trains_any_more_sends_none);
	tcase_add_test(tc, two_lists_take_a_flow_and_give_it_with_its_outputs);
	tcase_add_test(tc, a_list_ends_where_its_flow_is_refused_and_leaves_an_output_out);
	tcase_add_test(tc, a_list_that_the_end_of_the_shard_meets_goes_no_further);
	suite_add_tcase(suite, tc);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
