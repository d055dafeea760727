/* check_change_reuse.c - places are used again and again, and nobody meets what is left of another.
 */
#include <check.h>
#include <errno.h>
#include <stdlib.h>

#include "tests/unit/shard/change_rig.h"

#define RANDOM_RUNS  20
#define RANDOM_STEPS 400

/* ---- places used again ---- */

START_TEST(a_late_receive_of_the_last_holder_is_not_the_next_ones)
{
	struct shard_message first = new_flow(NEW_FD), second = new_flow(NEW_FD + 1);
	struct shard_message gone = {.op = SHARD_REMOVE_FLOW};
	uint32_t free_slots;

	open_rig();
	ck_assert_int_eq(ask(&first), 0);
	stat_add(&flow_of(first.flow)->stats->received, 5); /* the next one begins anew */
	gone.flow = first.flow;
	ck_assert_int_eq(ask(&gone), 0);
	ck_assert_int_eq(ask(&second), 0);
	ck_assert_uint_eq(place_index(second.flow), place_index(first.flow));
	ck_assert_uint_ne(second.flow, first.flow);
	rig_settle(&rig);
	free_slots = rig.pool.classes[POOL_TRAIN].free_count;
	fake_late_recv(rig.ring, POOL_TRAIN, first.flow);
	rig_settle(&rig);
	ck_assert_uint_eq(stat_get(&flow_of(second.flow)->stats->received), 0);
	ck_assert_uint_eq(rig.pool.classes[POOL_TRAIN].free_count, free_slots);
	gone.flow = first.flow;
	ck_assert_int_eq(ask(&gone),
			 -ENOENT);        /* nor does a message for the last one meet the next */
	ck_assert_int_eq(ask(&first), 0); /* and another place is another's */
	ck_assert_uint_ne(place_index(first.flow), place_index(second.flow));
	expect_laws();
	rig_close(&rig);
}
END_TEST

START_TEST(a_device_that_reads_for_long_counts_for_nobody_who_came_later)
{
	struct shard_message first = new_output(0, 7000, NEW_FD);
	struct shard_message second = new_output(0, 7001, NEW_FD + 1);
	struct shard_message gone = {.op = SHARD_REMOVE_OUTPUT};

	open_rig();
	ck_assert_int_eq(ask(&first), 0);
	gone.output = first.output;
	rig_deliver_train(&rig, 10, 1000, 1000); /* proves the path */
	rig_settle(&rig);
	fake_keep_memory(rig.ring, true);
	rig_deliver_train(&rig, 10, 1000, 900);
	for (int i = 0; i < 6; i++) {
		ck_assert_int_eq(relay_turn(&rig.relay), 0);
	}
	ck_assert_uint_eq(rig.egress.held, 3);
	ck_assert_int_eq(ask(&gone), 0); /* what was sent is counted: nobody waits for the device */
	ck_assert_uint_eq(stat_get(&gone.output_stats.sent), 20);
	expect_output_law(&gone.output_stats);
	ck_assert_int_eq(ask(&second), 0);
	ck_assert_uint_eq(place_index(second.output), place_index(first.output));
	fake_keep_memory(rig.ring, false);
	fake_return_memory(rig.ring, 3);
	rig_settle(&rig);
	ck_assert_uint_eq(rig.egress.held, 0);
	ck_assert_uint_eq(stat_get(&output_of(second.output)->stats->zc_sent), 0);
	ck_assert_uint_eq(stat_get(&rig.output_stats[0].zc_sent), 1);
	expect_laws();
	rig_close(&rig);
}
END_TEST

/* ---- at random ---- */

static int32_t sometimes(void *context, const struct fake_send *send)
{
	static const int32_t errors[] = {-EAGAIN, -ENOBUFS, -EINVAL, -ENETDOWN};

	(void)context;
	(void)send;
	return rand() % 8 == 0 ? errors[rand() % 4] : FAKE_SUCCESS;
}

/* What may be asked of an output that is there. */
static const enum shard_op there_ops[] = {SHARD_REMOVE_OUTPUT, SHARD_REPLACE_OUTPUT,
					  SHARD_SET_OUTPUT};

/* One change or another; `m' is free to be sent. Three outputs may come and go, and a flow. */
static bool choose(struct shard_message *m, uint32_t outputs[3], uint32_t *flow)
{
	int which = rand() % 4;

	if (which < 3) {
		bool there = outputs[which] != PLACE_NONE;

		*m = new_output(0, (uint16_t)(7000 + which), NEW_FD + which);
		if (there) {
			m->op = there_ops[rand() % 3];
			m->output = outputs[which];
		}
		return true;
	}
	if (*flow != PLACE_NONE) {
		*m = (struct shard_message){.op = rand() % 2 ? SHARD_REMOVE_FLOW : SHARD_START_FLOW,
					    .flow = *flow};
		return true;
	}
	*m = new_flow(NEW_FD + 3);
	return true;
}

static void note(const struct shard_message *m, uint32_t outputs[3], uint32_t *flow)
{
	if (m->op == SHARD_START_FLOW) {
		ck_assert(m->result == 0 || m->result == -EALREADY);
		return;
	}
	ck_assert_int_eq(m->result, 0);
	switch (m->op) {
	case SHARD_ADD_OUTPUT:
	case SHARD_REPLACE_OUTPUT:
		outputs[m->output_rule.out.to.addr.port - 7000] = m->output;
		break;
	case SHARD_REMOVE_OUTPUT:
		ck_assert_int_ge(m->fd, NEW_FD);
		outputs[m->fd - NEW_FD] = PLACE_NONE;
		expect_output_law(&m->output_stats);
		break;
	case SHARD_ADD_FLOW:
		*flow = m->flow;
		break;
	case SHARD_REMOVE_FLOW:
		ck_assert_int_eq(m->fd, NEW_FD + 3);
		*flow = PLACE_NONE;
		expect_flow_law(&m->flow_stats);
		break;
	case SHARD_ADD_ROOM:
	case SHARD_START_FLOW:
	case SHARD_OPEN_FLOW:
	case SHARD_OPEN_OUTPUT:
	case SHARD_CLOSE_FLOW:
	case SHARD_CLOSE_OUTPUT:
	case SHARD_TRY_PATH:
	case SHARD_HOLD_FLOW:
	case SHARD_SET_FLOW:
	case SHARD_SET_OUTPUT:
	case SHARD_SET_ECHOES:
	case SHARD_SET_MERGE:
	case SHARD_SET_DUTIES:
	case SHARD_SET_WAITS:
	case SHARD_LIST:
		break;
	}
}

START_TEST(whatever_comes_and_goes_the_sums_agree)
{
	uint32_t outputs[3] = {PLACE_NONE, PLACE_NONE, PLACE_NONE}, flow = PLACE_NONE;
	struct shard_message m;
	bool waiting = false;

	srand((unsigned)_i);
	open_rig();
	fake_decide_sends(rig.ring, sometimes, NULL);
	for (int step = 0; step < RANDOM_STEPS; step++) {
		fake_hold_sends(rig.ring, rand() % 3 == 0);
		fake_keep_memory(rig.ring, rand() % 3 == 0);
		fake_delay_cancel(rig.ring, (uint32_t)rand() % 3);
		if (rand() % 2 == 0) {
			rig_deliver_train(&rig, 1 + (uint32_t)rand() % 12, 1000, 900);
		}
		if (flow != PLACE_NONE && rand() % 2 == 0) {
			rig_deliver_to(&rig, place_index(flow), 100);
		}
		if (!waiting && rand() % 2 == 0) {
			waiting = choose(&m, outputs, &flow) && mailbox_send(&rig.mailbox, &m);
			fake_wake(rig.ring);
		}
		ck_assert_int_eq(relay_turn(&rig.relay), 0);
		if (waiting && is_answered(&m)) {
			waiting = false;
			note(&m, outputs, &flow);
		}
	}
	fake_hold_sends(rig.ring, false);
	fake_keep_memory(rig.ring, false);
	fake_return_memory(rig.ring, TRAIN_COUNT);
	if (waiting) {
		await_answer(&m);
		note(&m, outputs, &flow);
	}
	for (int i = 0; i < 200; i++) {
		ck_assert_int_eq(relay_turn(&rig.relay), 0);
	}
	ck_assert(!egress_busy(&rig.egress));
	expect_laws();
	rig_close(&rig);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("change_reuse");
	SRunner *runner = srunner_create(suite);
	TCase *tc = tcase_create("change_reuse");
	int failed;

	tcase_add_test(tc, a_late_receive_of_the_last_holder_is_not_the_next_ones);
	tcase_add_test(tc, a_device_that_reads_for_long_counts_for_nobody_who_came_later);
	tcase_add_loop_test(tc, whatever_comes_and_goes_the_sums_agree, 0, RANDOM_RUNS);
	suite_add_tcase(suite, tc);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
