/* check_relay_merge_set.c - flows become legs of a feed, and legs plain flows, while they relay.
 */
#include <check.h>
#include <errno.h>
#include <stdlib.h>

#include "shard/relay_merge.h"
#include "src/base/clock.h"
#include "tests/unit/shard/change_rig.h"

#define BLOCKS 3

static struct arena memory;
static struct rule_merge key; /* of the rig's flow and one or two more, by the number of the rig */

static void set_up(void)
{
	size_t bytes[BLOCKS];
	struct shard_message m = {
		.op = SHARD_ADD_ROOM, .merge_bytes = bytes, .merge_blocks = BLOCKS};

	open_rig();
	key = (struct rule_merge){.rule = {.method = MERGE_BY_NUMBER,
					   .leg_count = 2,
					   .sequence.number.bytes = 4,
					   .window = 1024,
					   .skew_ms = 60000,
					   .silent_ms = 1000},
				  .lead = rig.flow_rule.in};
	for (unsigned i = 0; i < BLOCKS; i++) {
		bytes[i] = relay_merge_bytes(&key.rule);
	}
	ck_assert_int_eq(arena_map(&memory, change_room_bytes(&rig.relay, &m), ARENA_HUGE_OFF), 0);
	m.memory = &memory;
	ck_assert_int_eq(ask(&m), 0);
}

static void tear_down(void)
{
	expect_laws();
	rig_close(&rig);
	arena_unmap(&memory);
}

/* The feed of `key', or a plain flow, of two flows that stay, or of one. */
static struct shard_message set_merge(bool merged, uint32_t outputs_of, uint32_t a, uint32_t b)
{
	struct shard_message m = {
		.op = SHARD_SET_MERGE, .flow = outputs_of, .legs = {{a, 0}, {b, 1}}};

	m.flow_rule.merge = merged ? &key : NULL;
	m.leg_count = b == PLACE_NONE ? 1 : 2;
	return m;
}

static uint32_t add_leg(uint8_t leg, int fd)
{
	struct shard_message m = new_flow(fd), start = {.op = SHARD_START_FLOW};

	m.flow_rule.merge = &key;
	m.flow_rule.leg = leg;
	ck_assert_int_eq(ask(&m), 0);
	start.flow = m.flow;
	ck_assert_int_eq(ask(&start), 0);
	return m.flow;
}

static void remove_flow(uint32_t flow)
{
	struct shard_message m = {.op = SHARD_REMOVE_FLOW, .flow = flow};

	ck_assert_int_eq(ask(&m), 0);
	expect_flow_law(&m.flow_stats);
}

/* Numbers from `from' on arrive at a flow. */
static void arrive(uint32_t flow, uint32_t from, uint32_t count)
{
	rig.delivered = from;
	for (uint32_t i = 0; i < count; i++) {
		rig_deliver_to(&rig, place_index(flow), 100);
	}
	rig_settle(&rig);
}

static uint64_t dropped(uint32_t flow, enum flow_drop why)
{
	return stat_get(&flow_of(flow)->stats->drops[why]);
}

static uint32_t rig_flow(void)
{
	return relay_place(&rig.relay, 0)->flow.token;
}

static void free_of_users(void)
{
	for (const struct relay_merge *rm = rig.relay.merges; rm; rm = rm->next) {
		ck_assert(relay_merge_is_free(rm));
	}
}

START_TEST(a_plain_flow_gets_a_second_leg_and_is_alone_again)
{
	uint32_t a = rig_flow(), b;
	struct shard_message m;

	arrive(a, 0, 10);
	key.rule.skew_ms = 1;
	m = set_merge(true, a, a, PLACE_NONE);
	ck_assert_int_eq(ask(&m), 0);
	b = add_leg(1, NEW_FD);
	flow_of(a)->merge->merge->waits_ns = clock_now_ns() + NS_PER_S; /* as if no time passed */
	arrive(b, 8, 4);                                                /* before the first does */
	ck_assert_uint_eq(dropped(b, FLOW_DROP_LATE), 4);
	flow_of(a)->merge->merge->waits_ns = clock_now_ns();
	flow_of(a)->merge->merge->skew_ns = 60 * NS_PER_S;
	arrive(a, 10, 5);
	arrive(b, 10, 10);
	ck_assert_uint_eq(dropped(b, FLOW_DROP_DUPLICATE), 5);
	ck_assert_uint_eq(sent_in_order(100, 0), 20);
	expect_laws();
	m = set_merge(false, a, a, PLACE_NONE);
	ck_assert_int_eq(ask(&m), 0);
	arrive(b, 20, 3); /* no leg any more */
	ck_assert_uint_eq(dropped(b, FLOW_DROP_SHUTDOWN), 3);
	remove_flow(b);
	arrive(a, 15, 10); /* of which five were relayed */
	ck_assert_uint_eq(dropped(a, FLOW_DROP_DUPLICATE), 5);
	ck_assert_uint_eq(sent_in_order(100, 0), 25);
	ck_assert_uint_eq(stat_get(&flow_of(a)->stats->relayed_others), 5);
	flow_of(a)->judge->parting_ns = 1; /* as if skew= were over */
	arrive(a, 25, 5);
	ck_assert_ptr_null(flow_of(a)->judge);
	ck_assert_uint_eq(sent_in_order(101, 0), 30);
	free_of_users();
}
END_TEST

START_TEST(another_leg_knows_what_was_relayed_before_it_came)
{
	uint32_t a = rig_flow(), b, c;
	struct shard_message m = set_merge(true, a, a, PLACE_NONE);

	ck_assert_int_eq(ask(&m), 0);
	b = add_leg(1, NEW_FD);
	flow_of(a)->merge->merge->waits_ns = 0;
	arrive(a, 0, 10);
	arrive(b, 10, 10);
	key.rule.window = 512;
	m = set_merge(true, a, a, PLACE_NONE); /* without the second leg, by another rule */
	ck_assert_int_eq(ask(&m), 0);
	remove_flow(b);
	c = add_leg(1, NEW_FD + 1);
	arrive(c, 0, 20);
	ck_assert_uint_eq(dropped(c, FLOW_DROP_DUPLICATE), 20);
	arrive(a, 10, 20);
	ck_assert_uint_eq(sent_in_order(100, 0), 30);
	ck_assert_uint_eq(stat_get(&flow_of(a)->merge->merge->stats->relayed), 30);
}
END_TEST

/* The first leg goes, and the outputs, which are its, stay: at first with the second one, then with
 * who comes in its place. */
START_TEST(outputs_stay_when_the_first_leg_goes)
{
	uint32_t a = rig_flow(), b, c;
	struct shard_message m = set_merge(true, a, a, PLACE_NONE);

	ck_assert_int_eq(ask(&m), 0);
	b = add_leg(1, NEW_FD);
	flow_of(a)->merge->merge->waits_ns = 0;
	arrive(a, 0, 10);
	key.lead = new_flow(NEW_FD + 1).flow_rule.in;
	m = set_merge(true, a, b, PLACE_NONE);
	m.legs[0].leg = 1;
	ck_assert_int_eq(ask(&m), 0);
	ck_assert_uint_eq(flow_of(a)->first_output, PLACE_NONE);
	ck_assert_uint_ne(flow_of(b)->first_output, PLACE_NONE);
	arrive(b, 5, 10);
	ck_assert_uint_eq(sent_in_order(100, 0), 15);
	c = add_leg(0, NEW_FD + 1);
	ck_assert_uint_eq(flow_of(b)->first_output, PLACE_NONE);
	ck_assert_uint_ne(flow_of(c)->first_output, PLACE_NONE);
	ck_assert_uint_eq(output_of(0)->flow, c);
	arrive(c, 10, 10);
	ck_assert_uint_eq(sent_in_order(100, 0), 20);
	expect_laws();
	m = set_merge(false, c, b, PLACE_NONE); /* and now the second one alone */
	ck_assert_int_eq(ask(&m), 0);
	arrive(b, 18, 4);
	ck_assert_uint_eq(sent_in_order(100, 0), 22);
	ck_assert_uint_eq(stat_get(&flow_of(b)->stats->relayed_others), 15);
	remove_flow(c);
}
END_TEST

static void order_duty(uint32_t a, uint32_t b, bool standby)
{
	const struct shard_duty duties[] = {{.token = a, .standby = standby},
					    {.token = b, .standby = standby}};
	struct shard_message m = {
		.op = SHARD_SET_DUTIES, .fd = -1, .duties = duties, .duty_count = 2};

	ck_assert_int_eq(ask(&m), 0);
}

/* So that who goes on knows what another machine has relayed. */
START_TEST(a_feed_that_stands_by_is_judged_and_not_relayed)
{
	uint32_t a = rig_flow(), b;
	struct shard_message m = set_merge(true, a, a, PLACE_NONE);

	ck_assert_int_eq(ask(&m), 0);
	b = add_leg(1, NEW_FD);
	flow_of(a)->merge->merge->waits_ns = 0;
	order_duty(a, b, true);
	arrive(a, 0, 5);
	arrive(b, 0, 8);
	ck_assert_uint_eq(dropped(a, FLOW_DROP_STANDBY), 5);
	ck_assert_uint_eq(dropped(b, FLOW_DROP_DUPLICATE), 5);
	ck_assert_uint_eq(dropped(b, FLOW_DROP_STANDBY), 3);
	ck_assert_uint_eq(sent_in_order(100, 0), 0);
	order_duty(a, b, false);
	arrive(a, 5, 5); /* of which three were there before */
	ck_assert_uint_eq(dropped(a, FLOW_DROP_DUPLICATE), 3);
	ck_assert_uint_eq(sent_in_order(100, 8), 2);
}
END_TEST

START_TEST(legs_change_places_and_what_is_held_goes_along)
{
	uint32_t a = rig_flow(), b;
	struct shard_message m = set_merge(true, a, a, PLACE_NONE);

	ck_assert_int_eq(ask(&m), 0);
	b = add_leg(1, NEW_FD);
	flow_of(a)->merge->merge->waits_ns = 0;
	arrive(a, 5000, 10);
	arrive(b, 5000, 10);
	arrive(a, 100, 1); /* a restart, perhaps */
	ck_assert_uint_eq(relay_held(flow_of(a)), 1);
	key.lead = new_flow(NEW_FD).flow_rule.in;
	m = set_merge(true, a, b, a);
	ck_assert_int_eq(ask(&m), 0);
	ck_assert_uint_eq(relay_held(flow_of(a)), 1);
	ck_assert_uint_eq(relay_held(flow_of(b)), 0);
	arrive(a, 101, 9);
	ck_assert_uint_eq(relay_held(flow_of(a)), 0);
	ck_assert_uint_eq(stat_get(&flow_of(b)->merge->merge->stats->relayed), 20);
	ck_assert_uint_eq(stat_get(&output_of(0)->stats->sent), 20);
	arrive(a, 900000, 1);
	ck_assert_uint_eq(relay_held(flow_of(a)), 1);
	m = set_merge(false, b, a, PLACE_NONE);
	ck_assert_int_eq(ask(&m), 0); /* what is held is relayed */
	ck_assert_uint_eq(stat_get(&output_of(0)->stats->offered), 21);
	arrive(b, 0, 1);
	remove_flow(b);
}
END_TEST

static void hold(uint32_t flow)
{
	struct shard_message m = {.op = SHARD_HOLD_FLOW, .flow = flow};

	ck_assert_int_eq(ask(&m), 0);
	ck_assert(flow_of(flow)->merge->rests);
}

/* It would follow what came after it, and perhaps be relayed twice. */
START_TEST(what_a_leg_holds_and_has_gone_on_without_is_late)
{
	uint32_t a = rig_flow(), b;
	struct shard_message m = set_merge(true, a, a, PLACE_NONE);

	ck_assert_int_eq(ask(&m), 0);
	b = add_leg(1, NEW_FD);
	flow_of(a)->merge->merge->waits_ns = 0;
	arrive(a, 5000, 10);
	arrive(a, 100, 1); /* a restart, perhaps */
	ck_assert_uint_eq(relay_held(flow_of(a)), 1);
	arrive(a, 5010, 1); /* it was none */
	ck_assert_uint_eq(relay_held(flow_of(a)), 1);
	hold(a);
	ck_assert_uint_eq(relay_held(flow_of(a)), 0);
	ck_assert_uint_eq(dropped(a, FLOW_DROP_LATE), 1);
	ck_assert_uint_eq(stat_get(&output_of(0)->stats->offered), 11);
	remove_flow(b);
}
END_TEST

/* To another merge of the same shard, which is nothing else. */
START_TEST(a_feed_that_moves_goes_on_by_what_it_remembers)
{
	uint32_t a = rig_flow(), b, c, d;
	struct rule_merge there;
	struct shard_message m = set_merge(true, a, a, PLACE_NONE);

	ck_assert_int_eq(ask(&m), 0);
	b = add_leg(1, NEW_FD);
	flow_of(a)->merge->merge->waits_ns = 0; /* as if skew= were over */
	arrive(a, 0, 10);
	arrive(b, 5, 10);
	ck_assert_uint_eq(dropped(b, FLOW_DROP_DUPLICATE), 5);
	hold(a);
	m = (struct shard_message){.op = SHARD_START_FLOW, .flow = a};
	ck_assert_int_eq(ask(&m), 0); /* it stays after all */
	ck_assert(!flow_of(a)->merge->rests);
	arrive(a, 10, 1);
	ck_assert_uint_eq(dropped(a, FLOW_DROP_DUPLICATE), 1);
	hold(a);
	hold(b);
	there = key;
	there.lead.at.addr.port++;
	m = (struct shard_message){
		.op = SHARD_SET_MERGE, .flow = PLACE_NONE, .moves = flow_of(a)->merge};
	m.flow_rule.merge = &there;
	ck_assert_int_eq(ask(&m), 0);
	ck_assert_int_eq(ask(&m), -EALREADY);
	key = there;
	remove_flow(b);
	c = add_leg(0, NEW_FD + 1);
	d = add_leg(1, NEW_FD + 2);
	arrive(d, 8, 10);
	ck_assert_uint_eq(dropped(d, FLOW_DROP_REPEATED), 7); /* it brought them there */
	arrive(c, 15, 5);
	ck_assert_uint_eq(dropped(c, FLOW_DROP_DUPLICATE), 3);
	ck_assert_uint_eq(stat_get(&flow_of(c)->merge->merge->stats->relayed), 20);
	remove_flow(c);
	remove_flow(d);
	remove_flow(a);
	free_of_users();
}
END_TEST

START_TEST(what_cannot_be_is_refused_and_changes_nothing)
{
	uint32_t a = rig_flow();
	struct shard_message m = set_merge(true, a, place_next_token(a), PLACE_NONE);

	ck_assert_int_eq(ask(&m), -ENOENT);
	m = set_merge(true, place_next_token(a), a, PLACE_NONE);
	ck_assert_int_eq(ask(&m), -ENOENT);
	key.rule.window = 65536;
	m = set_merge(true, a, a, PLACE_NONE);
	ck_assert_int_eq(ask(&m), -ENOSPC);
	arrive(a, 0, 10);
	ck_assert_uint_eq(sent_in_order(100, 0), 10);
	free_of_users();
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("relay_merge_set");
	TCase *tests = tcase_create("merges");
	SRunner *runner;
	int failed;

	tcase_add_checked_fixture(tests, set_up, tear_down);
	tcase_add_test(tests, a_plain_flow_gets_a_second_leg_and_is_alone_again);
	tcase_add_test(tests, another_leg_knows_what_was_relayed_before_it_came);
	tcase_add_test(tests, outputs_stay_when_the_first_leg_goes);
	tcase_add_test(tests, a_feed_that_stands_by_is_judged_and_not_relayed);
	tcase_add_test(tests, legs_change_places_and_what_is_held_goes_along);
	tcase_add_test(tests, what_a_leg_holds_and_has_gone_on_without_is_late);
	tcase_add_test(tests, a_feed_that_moves_goes_on_by_what_it_remembers);
	tcase_add_test(tests, what_cannot_be_is_refused_and_changes_nothing);
	suite_add_tcase(suite, tests);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
