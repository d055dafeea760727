/* check_mover.c - a move asks in the one order that keeps datagrams in order, and whatever a shard
 * refuses, each socket and each counter ends in one place.
 *
 * The test answers for the shards.
 */
#include "src/run/mover.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "src/run/changer.h"
#include "src/run/changer_find.h"
#include "tests/unit/run/supervisor_rig.h"

#define FROM 0
#define TO   1

/* Messages: a flow and its outputs, and for giving them its start. */
#define TAKEN (1 + SUP_RIG_OUTPUTS)
#define GIVEN (TAKEN + 1)

static struct sup_rig rig, second;
static struct worker workers[2];
static struct changer_shard known[2];
static struct changer changer;
static struct rule_flow wanted;
static struct changer_step step;
static int fd; /* of the flow */

static void setup(void)
{
	sup_rig_open(&rig);
	sup_rig_open(&second);
	second.flow_room[0].flow.rule = NULL; /* it has none */
	rig.output_room[0].output.token = place_token(0, 1);
	rig.output_room[1].output.token = place_token(1, 2);
	rig.flow_room[0].rule = rig.flow;
	workers[FROM] = rig.worker;
	workers[TO] = second.worker;
	rig.sup.workers = workers;
	rig.sup.worker_count = 2;
	changer = (struct changer){.sup = &rig.sup, .shards = known};
	known[0] = known[1] = (struct changer_shard){0};
	wanted = rig.flow;
	wanted.pool_class = POOL_JUMBO;
	step = (struct changer_step){
		.op = SHARD_REMOVE_FLOW, .moved = true, .from = FROM, .shard = TO, .flow = &wanted};
	fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);
	ck_assert_int_ge(fd, 0);
	logged_start();
}

static void teardown(void)
{
	mover_abandon(&changer);
	free(known[0].order);
	free(known[1].order);
	sup_rig_close(&rig);
	sup_rig_close(&second);
}

static bool is_open(int any)
{
	return fcntl(any, F_GETFD) >= 0;
}

/* The next list that is asked, and of whom: so many messages, the first to do `op'. */
static struct shard_message *expect_asked(enum shard_op op, uint32_t shard, uint32_t count)
{
	const struct shard_message *m = &changer.message;

	ck_assert_uint_eq(mover_ask(&changer), shard);
	ck_assert_int_eq(m->op, SHARD_LIST);
	ck_assert_uint_eq(m->list_count, count);
	ck_assert_int_eq(m->list[0].op, op);
	for (uint32_t i = 0; i < count; i++) {
		ck_assert_int_eq(m->list[i].result, -ECANCELED);
	}
	return m->list;
}

/* The shard does the first `done' of the list, and all if that is what there are. */
static void do_some(uint32_t done)
{
	for (uint32_t i = 0; i < done; i++) {
		changer.message.list[i].result = 0;
	}
}

static void answer(int result)
{
	ck_assert_int_eq(mover_settle(&changer), result);
}

static void take_outputs(struct shard_message *list)
{
	for (uint32_t o = 0; o < SUP_RIG_OUTPUTS; o++) {
		struct shard_message *m = &list[o];

		ck_assert_int_eq(m->op, SHARD_REMOVE_OUTPUT);
		ck_assert_uint_eq(m->output, rig.output_room[o].output.token);
		m->fd = -1;
		m->output_rule = rig.outputs[o];
		stat_set(&m->output_stats.offered, 7);
		stat_set(&m->output_stats.sent, 7);
	}
}

/* What taking is asked; each output has sent so many. */
static void fill_taken(void)
{
	struct shard_message *m;

	ck_assert_int_eq(mover_begin(&changer, &step), 0);
	m = expect_asked(SHARD_REMOVE_FLOW, FROM, TAKEN);
	ck_assert_uint_eq(changer.message.flow, rig.flow_room[0].flow.token);
	m->fd = fd;
	m->flow_rule = rig.flow;
	m->flow_past.next_group = POOL_TRAIN;
	stat_set(&m->flow_stats.received, 7);
	stat_set(&m->flow_stats.relayed, 7);
	take_outputs(m + 1);
}

/* Flow and outputs are taken. */
static void take_all(void)
{
	fill_taken();
	do_some(TAKEN);
	answer(0);
}

START_TEST(a_flow_is_taken_whole_before_it_is_given_and_started_last)
{
	static const struct addr ours = {.family = AF_INET, .port = 9};
	struct shard_message *m;

	ck_assert(!changer_is_amid(&changer));
	rig.flow_room[0].flow.echoes = &ours;
	rig.flow_room[0].flow.echo_count = 1;
	take_all();
	ck_assert(changer_is_amid(&changer));        /* who looked now would miss it */
	m = expect_asked(SHARD_ADD_FLOW, TO, GIVEN); /* two lists are all */
	ck_assert(m->goes_on);
	ck_assert_int_eq(m->fd, fd);
	ck_assert_uint_eq(m->flow_rule.pool_class, POOL_JUMBO);
	ck_assert_uint_eq(m->flow_past.next_group, POOL_JUMBO);
	ck_assert_uint_eq(stat_get(&m->flow_stats.received), 7);
	ck_assert_ptr_eq(m->echoes, &ours);
	ck_assert_uint_eq(m->echo_count, 1);
	for (uint32_t o = 0; o < SUP_RIG_OUTPUTS; o++) {
		ck_assert_int_eq((++m)->op, SHARD_ADD_OUTPUT);
		ck_assert(m->goes_on);
		ck_assert(rule_same_output(&m->output_rule.out, &rig.outputs[o].out));
		ck_assert_uint_eq(stat_get(&m->output_stats.sent), 7);
	}
	ck_assert_int_eq((++m)->op, SHARD_START_FLOW);
	do_some(GIVEN);
	answer(0);
	ck_assert(!changer_is_amid(&changer));
	ck_assert(is_open(fd));
	ck_assert_uint_eq(stat_get(&rig.sup.gone.flows.received), 0);
	close(fd);
}
END_TEST

START_TEST(a_class_that_a_flow_has_grown_into_goes_along)
{
	wanted.pool_class = rig.flow.pool_class;
	take_all();
	ck_assert_uint_eq(expect_asked(SHARD_ADD_FLOW, TO, GIVEN)->flow_past.next_group,
			  POOL_TRAIN);
}
END_TEST

START_TEST(a_flow_that_is_refused_goes_back_to_where_it_was)
{
	struct shard_message *m;

	take_all();
	expect_asked(SHARD_ADD_FLOW, TO, GIVEN)->result = -ENFILE;
	answer(-ENFILE);
	m = expect_asked(SHARD_ADD_FLOW, FROM, GIVEN);
	ck_assert_uint_eq(m->flow_rule.pool_class, rig.flow.pool_class);
	ck_assert_uint_eq(m->flow_past.next_group, POOL_TRAIN);
	ck_assert_int_eq(m->fd, fd);
	ck_assert_uint_eq(stat_get(&m[SUP_RIG_OUTPUTS].output_stats.sent), 7);
	do_some(GIVEN);
	answer(0);
	ck_assert_int_eq(changer.mover.phase, MOVER_IDLE);
	ck_assert(is_open(fd));
	ck_assert_uint_eq(stat_get(&rig.sup.gone.flows.received), 0);
	ck_assert_uint_eq(stat_get(&rig.sup.gone.outputs.sent), 0);
	close(fd);
}
END_TEST

START_TEST(a_flow_that_nobody_takes_is_counted_and_closed)
{
	take_all();
	expect_asked(SHARD_ADD_FLOW, TO, GIVEN)->result = -ENFILE;
	answer(-ENFILE);
	expect_asked(SHARD_ADD_FLOW, FROM, GIVEN)->result = -ENFILE;
	answer(-ENFILE);
	ck_assert_int_eq(changer.mover.phase, MOVER_IDLE);
	ck_assert(!is_open(fd));
	ck_assert_uint_eq(stat_get(&rig.sup.gone.flows.received), 7);
	ck_assert_uint_eq(stat_get(&rig.sup.gone.outputs.sent), 7 * SUP_RIG_OUTPUTS);
}
END_TEST

START_TEST(an_output_that_is_refused_is_counted_and_the_others_go_on)
{
	take_all();
	(void)expect_asked(SHARD_ADD_FLOW, TO, GIVEN);
	do_some(GIVEN);
	changer.message.list[1].result = -ENFILE;
	answer(-ENFILE);
	ck_assert_int_eq(changer.mover.phase, MOVER_IDLE); /* the flow has started */
	ck_assert(is_open(fd));
	ck_assert_uint_eq(stat_get(&rig.sup.gone.flows.received), 0);
	ck_assert_uint_eq(stat_get(&rig.sup.gone.outputs.sent), 7);
	close(fd);
}
END_TEST

START_TEST(what_is_on_its_way_when_the_shards_end_is_counted)
{
	take_all();
	(void)expect_asked(SHARD_ADD_FLOW, TO, GIVEN);
	changer.message.result = -ESHUTDOWN;
	answer(-ESHUTDOWN);
	ck_assert_int_eq(changer.mover.phase, MOVER_IDLE);
	ck_assert(!is_open(fd));
	ck_assert_uint_eq(stat_get(&rig.sup.gone.flows.received), 7);
	ck_assert_uint_eq(stat_get(&rig.sup.gone.outputs.sent), 7 * SUP_RIG_OUTPUTS);
}
END_TEST

START_TEST(what_a_shard_that_ends_has_not_given_back_is_its_own)
{
	fill_taken();
	do_some(2);
	changer.message.list[2].result = -ESHUTDOWN;
	answer(-ESHUTDOWN);
	ck_assert_int_eq(changer.mover.phase, MOVER_IDLE);
	ck_assert(!is_open(fd));
	ck_assert_uint_eq(stat_get(&rig.sup.gone.flows.received), 7);
	ck_assert_uint_eq(stat_get(&rig.sup.gone.outputs.sent), 7);
}
END_TEST

START_TEST(a_flow_that_cannot_be_taken_stays)
{
	fill_taken();
	changer.message.list[0].result = -ESHUTDOWN;
	answer(-ESHUTDOWN);
	ck_assert_int_eq(changer.mover.phase, MOVER_IDLE);
	ck_assert_uint_eq(stat_get(&rig.sup.gone.flows.received), 0);
	ck_assert_uint_eq(stat_get(&rig.sup.gone.outputs.sent), 0);
	ck_assert(is_open(fd));
	close(fd);
}
END_TEST

START_TEST(places_are_counted_where_it_goes)
{
	struct err err;

	ck_assert_int_eq(mover_prepare(&changer, &step, &err), 0);
	ck_assert_uint_eq(known[TO].flows_wanted, 1);
	ck_assert_uint_eq(known[TO].outputs_wanted, SUP_RIG_OUTPUTS);
	step.shard = FROM; /* for other buffers: its own places do */
	ck_assert_int_eq(mover_prepare(&changer, &step, &err), 0);
	ck_assert_uint_eq(known[FROM].flows_wanted, 0);
	step.from = TO;
	ck_assert_int_eq(mover_begin(&changer, &step), -ENOENT);
	close(fd);
}
END_TEST

/* Amid a list places are given back, and the index of them stays as it was. */
START_TEST(a_flow_that_has_gone_is_found_no_more)
{
	const struct rule_ingress *in = &rig.flow_room[0].rule.in;
	const struct rule_output *out = &rig.outputs[1].out;

	rig.output_room[1].rule = rig.outputs[1];
	ck_assert_ptr_eq(changer_find_flow(&changer, FROM, in), &rig.flow_room[0]);
	ck_assert_ptr_eq(changer_find_output(&changer, FROM, in, out), &rig.output_room[1]);
	ck_assert_ptr_null(changer_find_flow(&changer, TO, in));
	rig.flow_room[0].flow.rule = NULL;
	ck_assert_ptr_null(changer_find_flow(&changer, FROM, in));
	ck_assert_ptr_null(changer_find_output(&changer, FROM, in, out));
	changer_forget_places(&changer, FROM);
	ck_assert_ptr_null(changer_find_flow(&changer, FROM, in));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("mover");
	SRunner *runner = srunner_create(suite);
	TCase *tc = tcase_create("mover");
	int failed;

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, a_flow_is_taken_whole_before_it_is_given_and_started_last);
	tcase_add_test(tc, a_class_that_a_flow_has_grown_into_goes_along);
	tcase_add_test(tc, a_flow_that_is_refused_goes_back_to_where_it_was);
	tcase_add_test(tc, a_flow_that_nobody_takes_is_counted_and_closed);
	tcase_add_test(tc, an_output_that_is_refused_is_counted_and_the_others_go_on);
	tcase_add_test(tc, what_is_on_its_way_when_the_shards_end_is_counted);
	tcase_add_test(tc, what_a_shard_that_ends_has_not_given_back_is_its_own);
	tcase_add_test(tc, a_flow_that_cannot_be_taken_stays);
	tcase_add_test(tc, places_are_counted_where_it_goes);
	tcase_add_test(tc, a_flow_that_has_gone_is_found_no_more);
	suite_add_tcase(suite, tc);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
