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

/* Gives them back by what was answered. */
static void give(struct shard_message *flow, struct shard_message *output)
{
	struct shard_message start = {.op = SHARD_START_FLOW};

	flow->op = SHARD_ADD_FLOW;
	flow->goes_on = true;
	ck_assert_int_eq(ask(flow), 0);
	output->op = SHARD_ADD_OUTPUT;
	output->goes_on = true;
	output->flow = flow->flow;
	output->socket = (struct egress_socket){.fd = output->fd, .gso = true, .mtu = 1500};
	ck_assert_int_eq(ask(output), 0);
	start.flow = flow->flow;
	ck_assert_int_eq(ask(&start), 0);
	rig_settle(&rig);
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
	suite_add_tcase(suite, tc);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
