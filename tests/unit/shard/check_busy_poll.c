/* check_busy_poll.c - what a ring has the kernel poll, by its waits and by what the kernel says.
 *
 * With the fake for what is asked of an engine, and with both engines for what this kernel answers:
 * whether it offers busy polling or not, what is said of it must be true.
 */
#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "shard/ring/engine.h"
#include "src/base/clock.h"
#include "tests/fake/ring_fake.h"
#include "tests/unit/shard/ring_rig.h"

static struct rig rig;
static struct ring *ring;
static struct ring_stats stats;

static void open_fake(void)
{
	const struct ring_params params = {.sq_entries = 8,
					   .cq_entries = 16,
					   .flows = 4,
					   .files = 4,
					   .sends = 16,
					   .groups = {{8, 512}},
					   .stats = &stats};

	ring = fake_open(&params);
}

/* Turns that see so many events in a millisecond, for long enough that --latency has chosen. The
 * events are made by hand: a flow that nobody armed yields none. */
static void turn_by_rate(uint32_t events_a_ms)
{
	for (int window = 0; window < 20; window++) {
		ring->pace.since_ns -= 2 * NS_PER_MS;
		ring->paced -= 2 * events_a_ms;
		ck_assert_int_eq(ring_turn(ring, 1000), 0);
	}
}

START_TEST(nothing_is_asked_of_the_kernel_by_default)
{
	open_fake();
	ring_set_waits(ring, &(struct ring_waits){.batch_us = 50});
	ring_set_waits(ring, &(struct ring_waits){.latency_us = 50});
	turn_by_rate(300);
	ck_assert_uint_eq(fake_busy_poll_count(ring), 0);
	ck_assert(!ring_busy_polls(ring));
	ring_close(ring);
}
END_TEST

START_TEST(it_is_in_force_until_other_waits_are_set)
{
	open_fake();
	ring_set_waits(ring, &(struct ring_waits){.busy_poll_us = 70});
	ck_assert_uint_eq(fake_busy_poll_us(ring), 70);
	ck_assert_uint_eq(stat_get(&stats.busy_poll_us), 70);
	ck_assert_uint_eq(stat_get(&stats.busy_poll_errno), 0);
	ck_assert(ring_busy_polls(ring));
	ring_set_waits(ring, &(struct ring_waits){.busy_poll_us = 70, .batch_us = 10});
	ck_assert_uint_eq(fake_busy_poll_count(ring), 1);
	ring_set_waits(ring, &(struct ring_waits){.busy_poll_us = 30});
	ck_assert_uint_eq(fake_busy_poll_us(ring), 30);
	ring_set_waits(ring, &(struct ring_waits){0});
	ck_assert_uint_eq(fake_busy_poll_us(ring), 0);
	ck_assert_uint_eq(stat_get(&stats.busy_poll_us), 0);
	ck_assert(!ring_busy_polls(ring));
	ring_close(ring);
}
END_TEST

START_TEST(what_is_refused_is_told_and_not_in_force)
{
	open_fake();
	fake_refuse_busy_poll(ring, -EOPNOTSUPP);
	ring_set_waits(ring, &(struct ring_waits){.busy_poll_us = 70});
	ck_assert(!ring_busy_polls(ring));
	ck_assert_uint_eq(stat_get(&stats.busy_poll_us), 0);
	ck_assert_uint_eq(stat_get(&stats.busy_poll_errno), EOPNOTSUPP);
	fake_refuse_busy_poll(ring, 0);
	ring_set_waits(ring, &(struct ring_waits){.busy_poll_us = 70});
	ck_assert_uint_eq(stat_get(&stats.busy_poll_errno), 0);
	ck_assert_uint_eq(stat_get(&stats.busy_poll_us), 70);
	ring_close(ring);
}
END_TEST

/* Only turns that would spin, and only once a queue is known that can be polled. */
START_TEST(with_a_budget_the_kernel_polls_instead_of_a_spin)
{
	open_fake();
	ring_set_waits(ring, &(struct ring_waits){.latency_us = 2, .busy_poll_us = 70});
	ck_assert(ring_busy_polls(ring));
	ck_assert_uint_eq(fake_busy_poll_us(ring), 0);
	turn_by_rate(250);
	ck_assert_uint_gt(stat_get(&stats.spun), 0);
	ck_assert_uint_gt(ring->waits.spin_us, 0);
	ck_assert_uint_eq(stat_get(&stats.polled), 0);
	ck_assert_uint_eq(fake_busy_poll_us(ring), 0);

	ring_tell_queue(ring, true);
	turn_by_rate(250);
	ck_assert_uint_gt(stat_get(&stats.polled), 0);
	ck_assert_uint_eq(ring->waits.spin_us, 0);
	ck_assert_uint_eq(fake_busy_poll_us(ring), 70);

	turn_by_rate(1);
	ck_assert_uint_eq(fake_busy_poll_us(ring), 0);
	ck_assert_uint_eq(stat_get(&stats.busy_poll_us), 70);

	ring_tell_queue(ring, false);
	turn_by_rate(250);
	ck_assert_uint_gt(ring->waits.spin_us, 0);
	ck_assert_uint_eq(fake_busy_poll_us(ring), 0);
	ring_close(ring);
}
END_TEST

START_TEST(a_ring_that_is_refused_spins_by_itself)
{
	open_fake();
	fake_refuse_busy_poll(ring, -EINVAL);
	ring_set_waits(ring, &(struct ring_waits){.latency_us = 2, .busy_poll_us = 70});
	ring_tell_queue(ring, true);
	turn_by_rate(250);
	ck_assert_uint_gt(stat_get(&stats.spun), 0);
	ck_assert_uint_eq(stat_get(&stats.polled), 0);
	ck_assert_uint_eq(fake_busy_poll_count(ring), 1);
	ring_close(ring);
}
END_TEST

static const enum ring_engine engines[] = {RING_ENGINE_URING, RING_ENGINE_MMSG};

/* Whatever this kernel is: the probe, the counters and the line of features agree. */
START_TEST(an_engine_says_what_the_kernel_says)
{
	int offered = ring_probe_busy_poll(engines[_i]);
	int variant = 0;
	bool polls;

	while (rig_variants[variant].engine != engines[_i] ||
	       strstr(rig_variants[variant].name, "busy poll") == NULL) {
		variant++;
	}
	rig_init(&rig);
	rig_open(&rig, variant);
	polls = ring_busy_polls(rig.ring);
	ck_assert_int_eq(polls, offered == 0);
	ck_assert_uint_eq(stat_get(&rig.stats.busy_poll_us), polls ? 20 : 0);
	ck_assert_int_eq(-(int)stat_get(&rig.stats.busy_poll_errno), offered);
	ck_assert_ptr_nonnull(strstr(rig.features.text, polls ? " busy_poll" : " no_busy_poll"));
	ring_set_waits(rig.ring, &(struct ring_waits){0});
	ck_assert(!ring_busy_polls(rig.ring));
	ring_set_waits(rig.ring, &(struct ring_waits){.busy_poll_us = 5});
	ck_assert_int_eq(ring_busy_polls(rig.ring), polls);
	rig_close(&rig);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("busy_poll");
	TCase *tc = tcase_create("busy_poll");
	SRunner *sr;
	int failed;

	tcase_add_test(tc, nothing_is_asked_of_the_kernel_by_default);
	tcase_add_test(tc, it_is_in_force_until_other_waits_are_set);
	tcase_add_test(tc, what_is_refused_is_told_and_not_in_force);
	tcase_add_test(tc, with_a_budget_the_kernel_polls_instead_of_a_spin);
	tcase_add_test(tc, a_ring_that_is_refused_spins_by_itself);
	tcase_add_loop_test(tc, an_engine_says_what_the_kernel_says, 0,
			    sizeof(engines) / sizeof(engines[0]));
	suite_add_tcase(s, tc);
	sr = srunner_create(s);
	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
