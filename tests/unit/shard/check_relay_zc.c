/* check_relay_zc.c - zero-copy sends: what they hold, when they stop, and what a refusal costs.
 *
 * The fake engine aborts when a payload changes before its memory was given back, so each of these
 * tests also shows that no slot is used again too early. */
#include <check.h>
#include <errno.h>
#include <stdlib.h>

#include "tests/unit/shard/relay_rig.h"

static struct rig rig;

static const struct rig_options options = {.outputs = 1,
					   .train_max = 64,
					   .mtu = 1500,
					   .slots = 32,
					   .zerocopy = 8000,
					   .out = {.ttl = 16}};

static const struct output_stats *stats(uint32_t output)
{
	return &rig.output_stats[output];
}

static uint32_t zero_copy_sends(void)
{
	uint32_t count = 0;

	for (uint32_t i = 0; i < fake_send_count(rig.ring); i++) {
		count += fake_send_at(rig.ring, i)->zerocopy;
	}
	return count;
}

static uint64_t held_slots(void)
{
	const struct pool_class_state *cls = &rig.pool.classes[POOL_TRAIN];

	return cls->count - cls->free_count - cls->ring_count;
}

static void turn(uint32_t times)
{
	for (uint32_t i = 0; i < times; i++) {
		ck_assert_int_eq(relay_turn(&rig.relay), 0);
	}
}

/* Open, with one train sent by copying: the path is proven. */
static void open_proven(const struct rig_options *wanted)
{
	rig_open(&rig, wanted);
	rig_deliver_train(&rig, 10, 1000, 1000);
	rig_settle(&rig);
	ck_assert_uint_eq(zero_copy_sends(), 0);
}

/* A shorter end keeps a train by itself. */
static void deliver_long(uint32_t trains)
{
	for (uint32_t i = 0; i < trains; i++) {
		rig_deliver_train(&rig, 10, 1000, 900);
	}
}

START_TEST(a_long_train_is_sent_without_copying_once_trains_are_proven)
{
	open_proven(&options);
	deliver_long(3);
	rig_settle(&rig);
	ck_assert_uint_eq(zero_copy_sends(), 3);
	ck_assert_uint_eq(stat_get(&stats(0)->zc_sent), 3);
	ck_assert_uint_eq(stat_get(&stats(0)->zc_copied), 0);
	ck_assert_uint_eq(stat_get(&stats(0)->trains), 4);
	rig_expect_all_in_order(&rig, 0);
	rig_close(&rig);
}
END_TEST

START_TEST(short_and_scattered_trains_are_copied)
{
	struct rig_options many = options;

	many.slots = 4 * ZEROCOPY_IOV_MAX; /* enough for more pieces than a packet has */
	open_proven(&many);
	rig_deliver_train(&rig, 7, 1000, 999);
	rig_settle(&rig);
	for (int i = 0; i <= ZEROCOPY_IOV_MAX; i++) {
		rig_deliver(&rig, 1000); /* gathered: a piece more than a packet has */
	}
	rig_settle(&rig);
	ck_assert_uint_eq(fake_send_at(rig.ring, 2)->payload_bytes, (ZEROCOPY_IOV_MAX + 1) * 1000);
	ck_assert_uint_eq(zero_copy_sends(), 0);
	for (int i = 0; i < ZEROCOPY_IOV_MAX; i++) {
		rig_deliver(&rig, 1000);
	}
	rig_settle(&rig);
	ck_assert_uint_eq(zero_copy_sends(), 1);
	rig_expect_all_in_order(&rig, 0);
	rig_close(&rig);
}
END_TEST

START_TEST(memory_is_held_until_the_device_gave_it_back_and_counted_at_once)
{
	open_proven(&options);
	fake_keep_memory(rig.ring, true);
	deliver_long(2);
	turn(6);
	ck_assert_uint_eq(fake_held(rig.ring), 2);
	ck_assert_uint_eq(held_slots(), 2);
	ck_assert_uint_eq(stat_get(&stats(0)->sent), 30);
	ck_assert_uint_eq(stat_get(&stats(0)->zc_sent), 0);
	ck_assert(egress_busy(&rig.egress));
	fake_return_memory(rig.ring, 1);
	turn(1);
	ck_assert_uint_eq(held_slots(), 1);
	ck_assert_uint_eq(stat_get(&stats(0)->zc_sent), 1);
	deliver_long(1); /* later sends do not wait for earlier memory */
	turn(6);
	ck_assert_uint_eq(stat_get(&stats(0)->sent), 40);
	ck_assert_uint_eq(held_slots(), 2);
	fake_keep_memory(rig.ring, false);
	rig_settle(&rig);
	ck_assert_uint_eq(held_slots(), 0);
	rig_expect_all_in_order(&rig, 0);
	rig_close(&rig);
}
END_TEST

START_TEST(half_of_the_trains_at_most_are_kept_by_devices)
{
	struct rig_options few = options;

	few.trains = 8;
	few.slots = 128;
	open_proven(&few);
	fake_keep_memory(rig.ring, true);
	for (int i = 0; i < 8; i++) {
		deliver_long(1);
		turn(3);
	}
	ck_assert_uint_eq(fake_held(rig.ring), 4);
	ck_assert_uint_eq(stat_get(&stats(0)->sent), 90); /* what is more was copied */
	fake_keep_memory(rig.ring, false);
	rig_settle(&rig);
	rig_expect_all_in_order(&rig, 0);
	rig_close(&rig);
}
END_TEST

START_TEST(nothing_follows_before_a_zero_copy_send_is_under_way)
{
	open_proven(&options);
	fake_hold_sends(rig.ring, true);
	deliver_long(3);
	turn(5);
	ck_assert_uint_eq(fake_send_count(rig.ring), 2);
	fake_release(rig.ring, 1); /* from now on such trains are known to be taken, */
	turn(5);
	ck_assert_uint_eq(fake_send_count(rig.ring), 4);
	rig_deliver_train(&rig, 11, 1000, 900); /* but not yet longer ones */
	deliver_long(1);
	turn(5);
	ck_assert_uint_eq(fake_send_count(rig.ring), 5);
	fake_hold_sends(rig.ring, false);
	rig_settle(&rig);
	rig_expect_all_in_order(&rig, 0);
	rig_close(&rig);
}
END_TEST

static int32_t refuse_zero_copy(void *context, const struct fake_send *send)
{
	return send->zerocopy ? -*(const int *)context : FAKE_SUCCESS;
}

START_TEST(nothing_follows_a_gathered_zero_copy_send_at_once)
{
	open_proven(&options);
	deliver_long(1);
	rig_settle(&rig);
	fake_hold_sends(rig.ring, true);
	for (int i = 0; i < 9; i++) {
		rig_deliver(&rig, 1000);
	}
	turn(2);
	deliver_long(1);
	turn(5);
	ck_assert_uint_eq(zero_copy_sends(), 2);
	fake_hold_sends(rig.ring, false);
	rig_settle(&rig);
	ck_assert_uint_eq(zero_copy_sends(), 3);
	rig_expect_all_in_order(&rig, 0);
	rig_close(&rig);
}
END_TEST

static const int refusals[] = {EMSGSIZE, EOPNOTSUPP, EINVAL, EIO, EFAULT, ENOMEM, ENOBUFS};

START_TEST(what_is_refused_is_copied_in_its_place)
{
	open_proven(&options);
	fake_decide_sends(rig.ring, refuse_zero_copy, (void *)&refusals[_i]);
	deliver_long(3);
	rig_settle(&rig);
	rig_expect_all_in_order(&rig, 0);
	ck_assert_uint_eq(stat_get(&stats(0)->zc_refused), 3);
	ck_assert_uint_eq(stat_get(&stats(0)->zc_errno), (unsigned)refusals[_i]);
	ck_assert_uint_eq(stat_get(&stats(0)->zc_off), ZEROCOPY_OFF_NOT);
	ck_assert_uint_eq(stat_get(&stats(0)->gso_off), 0);
	ck_assert_uint_eq(stat_get(&stats(0)->resent), 0);
	ck_assert_uint_eq(stat_get(&stats(0)->trains), 4);
	rig_close(&rig);
}
END_TEST

/* The kernel is out of memory for a moment: what others have followed is lost and counted, and the
 * next waits again. */
START_TEST(a_refusal_out_of_turn_is_a_drop_and_makes_the_next_wait)
{
	open_proven(&options);
	deliver_long(1);
	rig_settle(&rig);
	fake_hold_sends(rig.ring, true);
	deliver_long(3);
	turn(5);
	ck_assert_uint_eq(fake_send_count(rig.ring), 5);
	fake_decide_sends(rig.ring, refuse_zero_copy, (void *)&refusals[5]);
	fake_release(rig.ring, 1);
	turn(2);
	ck_assert_uint_eq(stat_get(&stats(0)->drops[OUTPUT_DROP_QDISC]), 10);
	ck_assert_uint_eq(stat_get(&stats(0)->zc_refused), 1);
	fake_decide_sends(rig.ring, NULL, NULL);
	deliver_long(1); /* as those that were taken before the refusal */
	turn(5);
	rig_deliver_train(&rig, 12, 1000, 1000);
	turn(5);
	ck_assert_uint_eq(fake_send_count(rig.ring), 6);
	fake_hold_sends(rig.ring, false);
	rig_settle(&rig);
	ck_assert_uint_eq(stat_get(&stats(0)->gso_off), 0);
	ck_assert_uint_eq(stat_get(&stats(0)->offered), stat_get(&stats(0)->sent) + 10);
	rig_close(&rig);
}
END_TEST

START_TEST(an_output_that_is_refused_again_and_again_stops_trying)
{
	open_proven(&options);
	fake_decide_sends(rig.ring, refuse_zero_copy, (void *)&refusals[0]);
	deliver_long(ZEROCOPY_REFUSED_MAX + 5);
	rig_settle(&rig);
	ck_assert_uint_eq(zero_copy_sends(), ZEROCOPY_REFUSED_MAX);
	ck_assert_uint_eq(stat_get(&stats(0)->zc_off), ZEROCOPY_OFF_REFUSED);
	rig_expect_all_in_order(&rig, 0);
	rig_close(&rig);
}
END_TEST

START_TEST(other_failures_are_drops_as_ever)
{
	static const int denied = EPERM;

	open_proven(&options);
	fake_decide_sends(rig.ring, refuse_zero_copy, (void *)&denied);
	deliver_long(3);
	rig_settle(&rig);
	ck_assert_uint_eq(stat_get(&stats(0)->drops[OUTPUT_DROP_DENIED]), 30);
	ck_assert_uint_eq(stat_get(&stats(0)->zc_refused), 0);
	ck_assert_uint_eq(rig.egress.zerocopy.trains_out, 0);
	ck_assert_uint_eq(rig.egress.zerocopy.slots_out[POOL_TRAIN], 0);
	rig_close(&rig);
}
END_TEST

static int32_t refuse_all_trains(void *context, const struct fake_send *send)
{
	(void)context;
	return send->segment_bytes > 0 ? -EMSGSIZE : FAKE_SUCCESS;
}

START_TEST(a_train_refused_either_way_leaves_as_single_datagrams)
{
	open_proven(&options);
	fake_decide_sends(rig.ring, refuse_all_trains, NULL);
	deliver_long(3);
	rig_settle(&rig);
	rig_expect_all_in_order(&rig, 0);
	ck_assert_uint_eq(stat_get(&stats(0)->gso_off), EMSGSIZE);
	ck_assert_uint_eq(stat_get(&stats(0)->zc_refused), 1);
	ck_assert_uint_eq(zero_copy_sends(), 1);
	rig_close(&rig);
}
END_TEST

START_TEST(an_output_that_is_copied_again_and_again_stops_trying)
{
	open_proven(&options);
	fake_say_copied(rig.ring, true);
	deliver_long(ZEROCOPY_COPIED_MAX - 1);
	rig_settle(&rig);
	fake_say_copied(rig.ring, false);
	deliver_long(1);
	rig_settle(&rig);
	ck_assert_uint_eq(stat_get(&stats(0)->zc_off), ZEROCOPY_OFF_NOT);
	fake_say_copied(rig.ring, true);
	deliver_long(ZEROCOPY_COPIED_MAX);
	rig_settle(&rig);
	ck_assert_uint_eq(stat_get(&stats(0)->zc_off), ZEROCOPY_OFF_COPIED);
	ck_assert_uint_eq(stat_get(&stats(0)->zc_copied), 2 * ZEROCOPY_COPIED_MAX - 1);
	deliver_long(5);
	rig_settle(&rig);
	ck_assert_uint_eq(zero_copy_sends(), 2 * ZEROCOPY_COPIED_MAX);
	rig_expect_all_in_order(&rig, 0);
	rig_close(&rig);
}
END_TEST

START_TEST(half_of_the_slots_stay_with_the_receives)
{
	open_proven(&options);
	fake_keep_memory(rig.ring, true);
	for (int i = 0; i < 10; i++) {
		deliver_long(10);
		turn(50);
	}
	ck_assert_uint_eq(fake_held(rig.ring), options.slots / 2);
	ck_assert_uint_eq(held_slots(), options.slots / 2);
	ck_assert_uint_eq(stat_get(&stats(0)->sent), 1010);
	rig_expect_all_in_order(&rig, 0);
	fake_keep_memory(rig.ring, false);
	rig_settle(&rig);
	deliver_long(1);
	rig_settle(&rig);
	ck_assert_uint_eq(zero_copy_sends(), options.slots / 2 + 1);
	rig_close(&rig);
}
END_TEST

START_TEST(outputs_that_share_a_slot_give_it_back_one_by_one)
{
	struct rig_options three = options;

	three.outputs = 3;
	open_proven(&three);
	fake_keep_memory(rig.ring, true);
	deliver_long(1);
	turn(5);
	ck_assert_uint_eq(fake_held(rig.ring), 3);
	ck_assert_uint_eq(rig.egress.zerocopy.slots_out[POOL_TRAIN], 1);
	for (uint32_t i = 0; i < 3; i++) {
		ck_assert_uint_eq(held_slots(), 1);
		fake_return_memory(rig.ring, 1);
		turn(1);
	}
	ck_assert_uint_eq(held_slots(), 0);
	ck_assert_uint_eq(rig.egress.zerocopy.slots_out[POOL_TRAIN], 0);
	rig_close(&rig);
}
END_TEST

START_TEST(registered_slots_are_named_by_their_area)
{
	uint32_t named = 0;

	open_proven(&options);
	fake_keep_memory(rig.ring, true);
	deliver_long(16);
	turn(50);
	for (uint32_t i = 0; i < fake_send_count(rig.ring); i++) {
		named += fake_send_at(rig.ring, i)->buffer == 0;
	}
	/* LIFO: the lowest indexes are used first, and those are registered. */
	ck_assert_uint_gt(named, 0);
	ck_assert_uint_eq(stat_get(&rig.ring_stats.buffer_hits), named);
	ck_assert_uint_eq(stat_get(&rig.ring_stats.buffer_misses), zero_copy_sends() - named);
	fake_keep_memory(rig.ring, false);
	rig_close(&rig);
}
END_TEST

START_TEST(draining_waits_for_memory)
{
	open_proven(&options);
	fake_keep_memory(rig.ring, true);
	deliver_long(1);
	turn(5);
	rig.relay.drain_ns = UINT64_MAX / 2;
	mailbox_post(&rig.mailbox, MAIL_DRAIN);
	fake_wake(rig.ring);
	turn(50);
	ck_assert_int_eq(rig.relay.phase, RELAY_DRAINING);
	fake_keep_memory(rig.ring, false);
	for (int i = 0; i < 50 && relay_turn(&rig.relay) == 0; i++) {
		continue;
	}
	ck_assert_int_eq(rig.relay.phase, RELAY_STOPPED);
	ck_assert_uint_eq(held_slots(), 0);
	rig_close(&rig);
}
END_TEST

START_TEST(memory_that_never_comes_back_does_not_keep_the_shard)
{
	int rc = 0;

	open_proven(&options);
	fake_keep_memory(rig.ring, true);
	deliver_long(1);
	turn(5);
	mailbox_post(&rig.mailbox, MAIL_QUIT);
	fake_wake(rig.ring);
	while (rc == 0) { /* ends by the relay's own clock */
		rc = relay_turn(&rig.relay);
	}
	ck_assert_int_eq(rc, 1);
	ck_assert_uint_eq(held_slots(), 1); /* truthfully */
	ck_assert_uint_eq(stat_get(&rig.pool_stats[POOL_TRAIN].held), 1);
	ck_assert_uint_eq(stat_get(&rig.pool_stats[POOL_TRAIN].leaked), 0); /* the device has it */
	ck_assert(rig_sums_agree(&rig));
	ring_close(rig.ring);
	mailbox_close(&rig.mailbox);
	arena_unmap(&rig.arena);
}
END_TEST

START_TEST(a_ring_that_fails_drops_nothing_that_was_sent)
{
	open_proven(&options);
	fake_keep_memory(rig.ring, true);
	deliver_long(2);
	turn(1);
	turn(1); /* the first is held, the second queued */
	ck_assert_uint_eq(fake_held(rig.ring), 1);
	fake_fail_turn(rig.ring, -EIO);
	ck_assert_int_eq(relay_turn(&rig.relay), -EIO);
	ck_assert_uint_eq(stat_get(&stats(0)->sent), 20);
	ck_assert_uint_eq(stat_get(&stats(0)->drops[OUTPUT_DROP_SEND_ERROR]), 10);
	ck_assert_uint_eq(stat_get(&stats(0)->offered), 30);
	arena_unmap(&rig.arena);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("relay_zc");
	TCase *tc = tcase_create("zerocopy");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_test(tc, a_long_train_is_sent_without_copying_once_trains_are_proven);
	tcase_add_test(tc, short_and_scattered_trains_are_copied);
	tcase_add_test(tc, memory_is_held_until_the_device_gave_it_back_and_counted_at_once);
	tcase_add_test(tc, half_of_the_trains_at_most_are_kept_by_devices);
	tcase_add_test(tc, nothing_follows_before_a_zero_copy_send_is_under_way);
	tcase_add_test(tc, nothing_follows_a_gathered_zero_copy_send_at_once);
	tcase_add_test(tc, a_refusal_out_of_turn_is_a_drop_and_makes_the_next_wait);
	tcase_add_loop_test(tc, what_is_refused_is_copied_in_its_place, 0,
			    sizeof(refusals) / sizeof(refusals[0]));
	tcase_add_test(tc, an_output_that_is_refused_again_and_again_stops_trying);
	tcase_add_test(tc, other_failures_are_drops_as_ever);
	tcase_add_test(tc, a_train_refused_either_way_leaves_as_single_datagrams);
	tcase_add_test(tc, an_output_that_is_copied_again_and_again_stops_trying);
	tcase_add_test(tc, half_of_the_slots_stay_with_the_receives);
	tcase_add_test(tc, outputs_that_share_a_slot_give_it_back_one_by_one);
	tcase_add_test(tc, registered_slots_are_named_by_their_area);
	tcase_add_test(tc, draining_waits_for_memory);
	tcase_add_test(tc, memory_that_never_comes_back_does_not_keep_the_shard);
	tcase_add_test(tc, a_ring_that_fails_drops_nothing_that_was_sent);
	suite_add_tcase(suite, tc);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
