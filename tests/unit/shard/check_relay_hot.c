/* check_relay_hot.c - more slots for trains are lent while single datagrams lie in them, and no
 * more once trains come.
 */
#include <check.h>
#include <stdlib.h>

#include "shard/relay_band.h"
#include "shard/relay_hot.h"
#include "tests/unit/shard/relay_rig.h"

#define LEAST 8
#define MOST  32 /* what the rig makes of so many slots */
#define SLOTS 48
#define TURNS 20

static struct rig rig;

static const struct rig_options options = {.outputs = 1,
					   .train_max = 64,
					   .mtu = 30000,
					   .slots = SLOTS,
					   .hot_least = LEAST,
					   .out = {.ttl = 16}};

static uint32_t limit(void)
{
	return band_limit(&rig.relay, BAND_COMMON, POOL_TRAIN);
}

static uint32_t lent(void)
{
	return ring_depth(rig.ring, POOL_TRAIN) - ring_room(rig.ring, POOL_TRAIN);
}

static uint64_t starved(void)
{
	return stat_get(&rig.flow_stats.starved);
}

/* More than is lent of mixed sizes waits before each of so many turns. */
static void flood_singly(uint32_t turns)
{
	for (uint32_t turn = 0; turn < turns; turn++) {
		while (fake_undelivered(rig.ring, 0) < 2 * MOST) {
			rig_deliver(&rig, 64 + rig.delivered * 37 % 1300);
		}
		ck_assert_int_eq(relay_turn(&rig.relay), 0);
	}
}

/* The same of trains of 48 000 bytes, of which HOT_BYTES hold ten. */
static void flood_in_trains(uint32_t turns)
{
	for (uint32_t turn = 0; turn < turns; turn++) {
		while (fake_undelivered(rig.ring, 0) < 2 * MOST) {
			rig_deliver_train(&rig, 2, 24000, 24000);
		}
		ck_assert_int_eq(relay_turn(&rig.relay), 0);
	}
}

static void open_rig(void)
{
	rig_open(&rig, &options);
	ck_assert_uint_eq(ring_depth(rig.ring, POOL_TRAIN), MOST);
}

static void close_rig(void)
{
	rig_settle(&rig);
	rig_expect_all_in_order(&rig, 0);
	rig_close(&rig);
}

START_TEST(as_few_as_said_are_lent_to_begin_with)
{
	open_rig();
	ck_assert_uint_eq(limit(), LEAST);
	ck_assert_uint_eq(lent(), LEAST);
	rig_deliver(&rig, 100);
	rig_settle(&rig);
	ck_assert_uint_eq(lent(), LEAST); /* nothing starves */
	close_rig();
}
END_TEST

START_TEST(singles_that_starve_find_more_slots)
{
	uint64_t before;

	open_rig();
	flood_singly(TURNS);
	ck_assert_uint_gt(starved(), 0);
	ck_assert_uint_eq(limit(), MOST);
	rig_settle(&rig);
	ck_assert_uint_eq(lent(), MOST);
	before = starved();
	for (uint32_t turn = 0; turn < TURNS; turn++) {
		for (uint32_t i = 0; i < 2 * LEAST; i++) {
			rig_deliver(&rig, 64 + i);
		}
		rig_settle(&rig);
	}
	ck_assert_uint_eq(starved(), before);
	close_rig();
}
END_TEST

/* As many as can be lent come in each turn, each of a size of its own, so that none shares a send
 * with another. Were they lent again only when the next turn has sent them, it would find the
 * SLOTS - MOST that are left, and starve. */
START_TEST(what_is_short_is_sent_before_the_turn_that_receives)
{
	uint64_t before;

	open_rig();
	flood_singly(TURNS);
	rig_settle(&rig);
	before = starved();
	for (uint32_t turn = 0; turn < TURNS; turn++) {
		for (uint32_t i = 0; i < MOST; i++) {
			rig_deliver(&rig, 64 + i);
		}
		ck_assert_int_eq(relay_turn(&rig.relay), 0);
		ck_assert_uint_eq(fake_undelivered(rig.ring, 0), 0);
	}
	ck_assert_uint_eq(starved(), before);
	close_rig();
}
END_TEST

START_TEST(trains_that_starve_find_no_more)
{
	open_rig();
	flood_in_trains(TURNS);
	ck_assert_uint_gt(starved(), 0);
	ck_assert_uint_lt(limit(), LEAST + LEAST);
	close_rig();
}
END_TEST

/* HOT_BYTES hold ten of these trains. */
START_TEST(once_trains_come_there_are_fewer_again)
{
	open_rig();
	flood_singly(TURNS);
	ck_assert_uint_eq(limit(), MOST);
	flood_in_trains(2 * FAIR_TURNS);
	ck_assert_uint_lt(limit(), LEAST + LEAST);
	rig_settle(&rig);
	ck_assert_uint_eq(lent(), limit());
	flood_singly(2 * FAIR_TURNS);
	ck_assert_uint_eq(limit(), MOST);
	close_rig();
}
END_TEST

/* Neither does a window in which nothing came say anything. */
START_TEST(what_is_quiet_keeps_what_it_has)
{
	open_rig();
	flood_singly(TURNS);
	rig_settle(&rig);
	for (uint32_t turn = 0; turn < 4 * FAIR_TURNS; turn++) {
		ck_assert_int_eq(relay_turn(&rig.relay), 0);
	}
	ck_assert_uint_eq(limit(), MOST);
	close_rig();
}
END_TEST

/* As if so many short ones had come in this window. */
static void starve_after(uint32_t pieces, uint8_t band)
{
	struct ingress_flow *flow = &relay_place(&rig.relay, 0)->flow;

	rig.relay.hot.pieces = pieces;
	rig.relay.hot.bytes = 64ULL * pieces;
	flow->band = band;
	hot_note_starved(&rig.relay, flow);
	flow->band = BAND_COMMON;
}

START_TEST(few_receptions_and_other_bands_say_nothing)
{
	open_rig();
	starve_after(LEAST - 1, BAND_COMMON);
	ck_assert_uint_eq(limit(), LEAST);
	starve_after(LEAST, BAND_KEPT);
	ck_assert_uint_eq(limit(), LEAST);
	starve_after(LEAST, BAND_COMMON);
	ck_assert_uint_eq(limit(), MOST);
	close_rig();
}
END_TEST

START_TEST(however_little_fits_the_least_is_lent)
{
	open_rig();
	starve_after(LEAST, BAND_COMMON);
	rig.relay.hot.pieces = 1;
	rig.relay.hot.bytes = HOT_BYTES;
	hot_next_window(&rig.relay);
	ck_assert_uint_eq(limit(), LEAST);
	close_rig();
}
END_TEST

START_TEST(what_the_operator_has_said_never_changes)
{
	struct rig_options fixed = options;

	fixed.hot_least = 0;
	rig_open(&rig, &fixed);
	ck_assert_uint_eq(limit(), MOST);
	flood_in_trains(2 * FAIR_TURNS);
	ck_assert_uint_eq(limit(), MOST);
	flood_singly(2 * FAIR_TURNS);
	ck_assert_uint_eq(limit(), MOST);
	close_rig();
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("relay_hot");
	SRunner *runner = srunner_create(suite);
	TCase *tc = tcase_create("relay_hot");
	int failed;

	tcase_add_test(tc, as_few_as_said_are_lent_to_begin_with);
	tcase_add_test(tc, singles_that_starve_find_more_slots);
	tcase_add_test(tc, what_is_short_is_sent_before_the_turn_that_receives);
	tcase_add_test(tc, trains_that_starve_find_no_more);
	tcase_add_test(tc, once_trains_come_there_are_fewer_again);
	tcase_add_test(tc, what_is_quiet_keeps_what_it_has);
	tcase_add_test(tc, few_receptions_and_other_bands_say_nothing);
	tcase_add_test(tc, however_little_fits_the_least_is_lent);
	tcase_add_test(tc, what_the_operator_has_said_never_changes);
	suite_add_tcase(suite, tc);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
