/* check_relay_band.c - a flow that floods is set apart from those that share its buffers, and a
 * higher priority is served first.
 */
#include <check.h>
#include <errno.h>
#include <stdlib.h>

#include "shard/relay_band.h"
#include "tests/unit/shard/relay_rig.h"

#define SLOTS 32
#define SMALL 8 /* flows beside flow 0 */
#define ROUND 64
#define TURNS 40

static struct rig rig;

static const struct rig_options options = {.flows = 1 + SMALL,
					   .outputs = 1,
					   .train_max = 1,
					   .mtu = 1500,
					   .slots = SLOTS,
					   .out = {.ttl = 16}};

static struct ingress_flow *flow_at(uint32_t index)
{
	return &relay_place(&rig.relay, index)->flow;
}

static uint64_t set_apart(void)
{
	return stat_get(&rig.flow_stats.set_apart);
}

/* So much more than is lent waits for `flow' before each turn; `count' turns. */
static void flood(uint32_t flow, uint32_t count)
{
	for (uint32_t turn = 0; turn < count; turn++) {
		while (fake_undelivered(rig.ring, flow) < ROUND) {
			rig_deliver_to(&rig, flow, 100);
		}
		ck_assert_int_eq(relay_turn(&rig.relay), 0);
	}
}

/* The same, with a datagram of each small flow in each turn; the most that waited for one of these
 * after a turn. */
static uint32_t flood_beside_others(uint32_t count)
{
	uint32_t most = 0;

	for (uint32_t turn = 0; turn < count; turn++) {
		for (uint32_t f = 1; f <= SMALL; f++) {
			rig_deliver_to(&rig, f, 100);
		}
		flood(0, 1);
		for (uint32_t f = 1; f <= SMALL; f++) {
			uint32_t waits = fake_undelivered(rig.ring, f);

			most = waits > most ? waits : most;
		}
	}
	return most;
}

START_TEST(a_flood_is_set_apart_and_others_starve_no_more)
{
	uint64_t starved;

	rig_open(&rig, &options);
	(void)flood_beside_others(TURNS);
	ck_assert_uint_eq(set_apart(), 1);
	ck_assert_uint_eq(flow_at(0)->band, BAND_APART);
	(void)flood_beside_others(TURNS);
	starved = stat_get(&rig.flow_stats.starved);
	/* What is delivered before a turn is received in it. */
	ck_assert_uint_eq(flood_beside_others(TURNS), 0);
	ck_assert_uint_le(stat_get(&rig.flow_stats.starved), starved + TURNS); /* the flood alone */
	for (uint32_t f = 1; f <= SMALL; f++) {
		ck_assert_uint_eq(flow_at(f)->band, BAND_COMMON);
	}
	ck_assert_uint_eq(set_apart(), 1);
	rig_close(&rig);
}
END_TEST

START_TEST(a_flood_set_apart_goes_on_within_its_bound)
{
	uint64_t before;

	rig_open(&rig, &options);
	(void)flood_beside_others(2 * TURNS);
	ck_assert_uint_eq(flow_at(0)->band, BAND_APART);
	before = stat_get(&rig.flow_stats.relayed);
	flood(0, TURNS);
	ck_assert_uint_le(stat_get(&rig.flow_stats.relayed) - before,
			  (uint64_t)TURNS * SLOTS / BAND_APART_SHARE);
	/* It need not have all of them in each turn, since some are under way. */
	ck_assert_uint_ge(stat_get(&rig.flow_stats.relayed) - before,
			  (uint64_t)TURNS * SLOTS / BAND_APART_SHARE / 3);
	rig_close(&rig);
}
END_TEST

START_TEST(one_that_is_alone_has_all_slots)
{
	rig_open(&rig, &options);
	flood(0, 4 * TURNS);
	ck_assert_uint_gt(stat_get(&rig.flow_stats.starved), 0);
	ck_assert_uint_eq(set_apart(), 0);
	ck_assert_uint_eq(flow_at(0)->band, BAND_COMMON);
	rig_close(&rig);
}
END_TEST

START_TEST(equals_are_not_set_apart)
{
	rig_open(&rig, &options);
	for (uint32_t turn = 0; turn < 8 * TURNS; turn++) {
		for (uint32_t f = 1; f < 3; f++) {
			while (fake_undelivered(rig.ring, f) < ROUND) {
				rig_deliver_to(&rig, f, 100);
			}
		}
		flood(0, 1);
	}
	ck_assert_uint_gt(stat_get(&rig.flow_stats.starved), 0);
	ck_assert_uint_eq(set_apart(), 0);
	rig_close(&rig);
}
END_TEST

START_TEST(two_floods_are_both_set_apart)
{
	rig_open(&rig, &options);
	for (uint32_t turn = 0; turn < 8 * TURNS; turn++) {
		while (fake_undelivered(rig.ring, 1) < ROUND) {
			rig_deliver_to(&rig, 1, 100);
		}
		rig_deliver_to(&rig, 2 + turn % (SMALL - 1), 100);
		flood(0, 1);
	}
	ck_assert_uint_eq(flow_at(0)->band, BAND_APART);
	ck_assert_uint_eq(flow_at(1)->band, BAND_APART);
	ck_assert_uint_eq(set_apart(), 2);
	rig_close(&rig);
}
END_TEST

START_TEST(a_flood_that_has_calmed_comes_back)
{
	rig_open(&rig, &options);
	(void)flood_beside_others(TURNS);
	rig_settle(&rig);
	ck_assert_uint_eq(flow_at(0)->band, BAND_APART);
	ck_assert_uint_gt(flow_at(0)->apart_until_ns, 0);
	for (uint32_t i = 0; i < 2 * FAIR_TURNS; i++) {
		rig_deliver_to(&rig, 0, 100);
		rig_settle(&rig);
	}
	ck_assert_uint_eq(flow_at(0)->band, BAND_APART); /* too soon */
	flow_at(0)->apart_until_ns = 1;
	for (uint32_t i = 0; i < 2 * FAIR_TURNS; i++) {
		rig_deliver_to(&rig, 0, 100);
		rig_settle(&rig);
	}
	ck_assert_uint_eq(flow_at(0)->band, BAND_COMMON);
	ck_assert_uint_eq(fake_undelivered(rig.ring, 0), 0);
	/* Its slots are back. */
	ck_assert_uint_eq(band_limit(&rig.relay, BAND_COMMON, POOL_TRAIN), SLOTS);
	ck_assert_uint_eq(ring_room(rig.ring, band_group(BAND_APART, POOL_TRAIN)),
			  ring_depth(rig.ring, band_group(BAND_APART, POOL_TRAIN)));
	rig_close(&rig);
}
END_TEST

/* Gives output `index' a priority. */
static void prefer(uint32_t index, int8_t priority)
{
	struct egress_output *output = egress_output(&rig.egress, index);
	struct rule_table_output rule = *output->rule;

	rule.out.priority = priority;
	egress_set_output(&rig.egress, output, &rule, false);
}

/* Two outputs: the second is that of flow 1 alone, and above the first, which all others have. */
static void open_with_favourite(void)
{
	struct rig_options two = options;

	two.outputs = 2;
	rig_open(&rig, &two);
	rig.divided = true;
	egress_output(&rig.egress, 0)->sibling = PLACE_NONE;
	flow_at(1)->first_output = 1;
	prefer(1, 5);
	/* It is noticed in the flow's next window of turns. */
	for (uint32_t i = 0; i < 2 * FAIR_TURNS; i++) {
		rig_deliver_to(&rig, 1, 100);
		rig_settle(&rig);
	}
	ck_assert_uint_eq(flow_at(1)->level, 5);
	ck_assert_uint_eq(flow_at(1)->band, BAND_KEPT);
}

START_TEST(those_above_others_find_a_slot_from_the_first_turn_on)
{
	open_with_favourite();
	for (uint32_t turn = 0; turn < TURNS; turn++) {
		rig_deliver_to(&rig, 1, 100);
		flood(0, 1);
		ck_assert_uint_eq(fake_undelivered(rig.ring, 1), 0);
	}
	ck_assert_uint_eq(flow_at(0)->band, BAND_COMMON); /* it has starved nobody */
	ck_assert_uint_eq(set_apart(), 0);
	rig_close(&rig);
}
END_TEST

START_TEST(a_flood_above_others_takes_none_of_their_slots_and_is_left_alone)
{
	uint64_t before;

	open_with_favourite();
	flood(1, 2 * TURNS);
	before = stat_get(&rig.flow_stats.starved);
	for (uint32_t turn = 0; turn < 4 * TURNS; turn++) {
		for (uint32_t f = 2; f <= SMALL; f++) {
			rig_deliver_to(&rig, f, 100);
		}
		flood(1, 1);
		for (uint32_t f = 2; f <= SMALL; f++) {
			ck_assert_uint_eq(fake_undelivered(rig.ring, f), 0);
		}
	}
	ck_assert_uint_le(stat_get(&rig.flow_stats.starved), before + 4ULL * TURNS);
	ck_assert_uint_eq(set_apart(), 0);
	ck_assert_uint_eq(flow_at(1)->band, BAND_KEPT);
	rig_close(&rig);
}
END_TEST

START_TEST(a_priority_taken_away_gives_the_reserve_back)
{
	open_with_favourite();
	prefer(1, 0);
	for (uint32_t i = 0; i < 2 * FAIR_TURNS; i++) {
		rig_deliver_to(&rig, 1, 100);
		rig_settle(&rig);
	}
	ck_assert_uint_eq(flow_at(1)->band, BAND_COMMON);
	ck_assert_uint_eq(band_limit(&rig.relay, BAND_COMMON, POOL_TRAIN), SLOTS);
	ck_assert_uint_eq(ring_room(rig.ring, band_group(BAND_KEPT, POOL_TRAIN)),
			  ring_depth(rig.ring, band_group(BAND_KEPT, POOL_TRAIN)));
	rig_close(&rig);
}
END_TEST

START_TEST(a_higher_priority_is_sent_first_in_each_turn)
{
	struct rig_options three = options;

	three.outputs = 3;
	three.flows = 1;
	rig_open(&rig, &three);
	prefer(1, 2);
	prefer(2, 7);
	for (uint32_t turn = 0; turn < 10; turn++) {
		rig_deliver(&rig, 100);
		rig_deliver(&rig, 100);
		rig_settle(&rig);
	}
	ck_assert_uint_eq(fake_send_count(rig.ring), 60);
	for (uint32_t i = 0; i < 60; i++) {
		/* Two datagrams by each output, and the last output first. */
		ck_assert_int_eq(fake_send_at(rig.ring, i)->fd, 102 - (int)(i % 6 / 2));
	}
	for (uint32_t o = 0; o < 3; o++) {
		rig_expect_all_in_order(&rig, o);
	}
	rig_close(&rig);
}
END_TEST

START_TEST(those_above_others_are_armed_first)
{
	static const uint32_t order[] = {3, 1, 2};
	uint32_t next;

	rig_open(&rig, &options);
	rig.egress.has_level = true;
	(void)relay_turn(&rig.relay);
	for (uint32_t f = 1; f <= 3; f++) {
		flow_at(f)->first_output = PLACE_NONE;
	}
	flow_at(3)->first_output = 0;
	prefer(0, 4);
	for (uint32_t f = 1; f <= 3; f++) {
		fake_end_recv(rig.ring, f, -EIO);
	}
	(void)relay_turn(&rig.relay);
	next = relay_take_ended(&rig.relay);
	for (uint32_t i = 0; i < 3; i++) {
		ck_assert_uint_eq(next, order[i]);
		next = flow_at(next)->next;
	}
	ck_assert_uint_eq(next, PLACE_NONE);
	for (uint32_t f = 1; f <= 3; f++) {
		relay_list_ended(&rig.relay, flow_at(f));
	}
	rig_close(&rig);
}
END_TEST

START_TEST(too_few_slots_are_not_divided)
{
	struct rig_options few = options;

	few.slots = 2;
	rig_open(&rig, &few);
	(void)flood_beside_others(4 * TURNS);
	ck_assert_uint_eq(set_apart(), 0);
	rig_settle(&rig);
	rig_close(&rig);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("relay_band");
	SRunner *runner = srunner_create(suite);
	TCase *tc = tcase_create("relay_band");
	int failed;

	tcase_add_test(tc, a_flood_is_set_apart_and_others_starve_no_more);
	tcase_add_test(tc, a_flood_set_apart_goes_on_within_its_bound);
	tcase_add_test(tc, one_that_is_alone_has_all_slots);
	tcase_add_test(tc, equals_are_not_set_apart);
	tcase_add_test(tc, two_floods_are_both_set_apart);
	tcase_add_test(tc, a_flood_that_has_calmed_comes_back);
	tcase_add_test(tc, those_above_others_find_a_slot_from_the_first_turn_on);
	tcase_add_test(tc, a_flood_above_others_takes_none_of_their_slots_and_is_left_alone);
	tcase_add_test(tc, a_priority_taken_away_gives_the_reserve_back);
	tcase_add_test(tc, a_higher_priority_is_sent_first_in_each_turn);
	tcase_add_test(tc, those_above_others_are_armed_first);
	tcase_add_test(tc, too_few_slots_are_not_divided);
	suite_add_tcase(suite, tc);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
