/* check_echoes_change.c - what flows are told of our own senders by a list of changes, and for how
 * long that is kept.
 *
 * Two shards by hand: the flows of the first could hear what outputs of the second's send. No
 * socket is opened: what each sends from stands in its place, or in the step that brings it.
 */
#include "src/run/echoes_change.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "src/run/changer_find.h"
#include "src/run/echoes.h"
#include "src/run/supervisor.h"

enum {
	HEARS, /* shard */
	SENDS,
	SHARDS,
};

#define FLOWS   2 /* of each shard */
#define OUTPUTS 3 /* of the second: one of its first flow, and two of the other */

static struct supervisor sup;
static struct worker workers[SHARDS];
static struct shard shards[SHARDS];
static struct flow_place flow_room[SHARDS][ROOM_FLOWS], *flow_rooms[SHARDS];
static struct output_place output_room[SHARDS][ROOM_OUTPUTS], *output_rooms[SHARDS];
static struct changer_shard known[SHARDS];
static struct changer changer;
static struct layout wanted;
static struct rule_table tables[SHARDS];
static struct rule_flow flows[SHARDS][FLOWS];
static struct rule_table_output outputs[OUTPUTS];
static struct layout_echo echoes[] = {
	{HEARS, 0, SENDS, 0},
	{HEARS, 0, SENDS, 1},
	{HEARS, 1, SENDS, 2},
};
static struct err err;

static struct addr addr_at(const char *ip, uint16_t port)
{
	struct addr addr;

	ck_assert_int_eq(addr_parse_ip(ip, &addr), 0);
	addr.port = port;
	return addr;
}

/* What output `o' sends from. */
static struct addr sender(uint32_t o)
{
	static const char *const ips[] = {"10.0.0.1", "10.0.0.2", "10.0.0.3"};

	return addr_at(ips[o], 40000);
}

/* Flow `f' of `table' stands in place `f' of shard `s'. */
static void stand(uint32_t s, uint32_t f, const struct rule_flow *flow)
{
	struct flow_place *place = &flow_room[s][f];

	place->rule = *flow;
	place->flow.rule = &place->rule;
	place->flow.first_output = flow->output_count > 0 ? flow->first_output : PLACE_NONE;
	for (uint32_t i = 0; i < flow->output_count; i++) {
		uint32_t o = flow->first_output + i;

		output_room[s][o].rule = outputs[o];
		output_room[s][o].got.local = sender(o);
		output_room[s][o].output.sibling = i + 1 < flow->output_count ? o + 1 : PLACE_NONE;
	}
}

static void setup(void)
{
	static const char *const heard[FLOWS] = {"239.1.1.1", "239.1.1.2"};
	static const char *const relayed[FLOWS] = {"239.8.0.1", "239.8.0.2"};

	for (uint32_t s = 0; s < SHARDS; s++) {
		flow_rooms[s] = flow_room[s];
		output_rooms[s] = output_room[s];
		shards[s].relay.rooms = &flow_rooms[s];
		shards[s].relay.place_count = FLOWS + 1;
		shards[s].egress.rooms = &output_rooms[s];
		shards[s].egress.place_count = OUTPUTS;
		workers[s].shard = &shards[s];
		tables[s] = (struct rule_table){.flows = flows[s], .flow_count = FLOWS};
	}
	tables[SENDS].outputs = outputs;
	tables[SENDS].output_count = OUTPUTS;
	for (uint32_t f = 0; f < FLOWS; f++) {
		flows[HEARS][f].in.at.addr = addr_at(heard[f], 5000);
		flows[SENDS][f].in.at.addr = addr_at(relayed[f], 7000);
	}
	flows[SENDS][0].output_count = 1;
	flows[SENDS][1].first_output = 1;
	flows[SENDS][1].output_count = 2;
	for (uint32_t o = 0; o < OUTPUTS; o++) {
		outputs[o].out.to.addr = addr_at(heard[o == 2], 5000);
		outputs[o].out.to.ifname[0] = (char)('a' + o);
	}
	for (uint32_t f = 0; f < FLOWS; f++) {
		stand(HEARS, f, &flows[HEARS][f]);
		stand(SENDS, f, &flows[SENDS][f]);
	}
	wanted = (struct layout){.tables = tables,
				 .shard_count = SHARDS,
				 .echoes = echoes,
				 .echo_count = sizeof(echoes) / sizeof(echoes[0])};
	sup.workers = workers;
	sup.worker_count = SHARDS;
	changer = (struct changer){.sup = &sup, .shards = known};
}

static void teardown(void)
{
	echoes_forget(&sup);
	ck_assert_ptr_null(sup.told);
	for (uint32_t s = 0; s < SHARDS; s++) {
		changer_forget_places(&changer, s);
	}
}

static struct changer_step step_of(enum shard_op op, uint32_t s, uint32_t f)
{
	return (struct changer_step){.op = op, .shard = s, .flow = &flows[s][f], .fd = -1};
}

/* That brings output `o' a socket. */
static struct changer_step opens(enum shard_op op, uint32_t o, struct addr local)
{
	struct changer_step step = step_of(op, SENDS, o > 0);

	step.output = &outputs[o];
	step.got.local = local;
	return step;
}

static void fill(struct changer_step *steps, uint32_t count)
{
	ck_assert_int_eq(echoes_fill(&changer, &wanted, steps, count, &err), 0);
}

/* What flow `f' of the first shard knows so far. */
static void knows(uint32_t f, const struct addr *addrs, uint32_t count)
{
	flow_room[HEARS][f].flow.echoes = addrs;
	flow_room[HEARS][f].flow.echo_count = count;
}

static void expect(const struct changer_step *step, const struct addr *addrs, uint32_t count)
{
	ck_assert_uint_eq(step->echo_count, count);
	for (uint32_t i = 0; i < count; i++) {
		ck_assert(addr_equal(&step->echoes[i], &addrs[i]));
	}
}

START_TEST(flow_that_comes_knows_the_senders_that_run)
{
	const struct addr both[] = {sender(0), sender(1)};
	struct changer_step step = step_of(SHARD_ADD_FLOW, HEARS, 0);

	fill(&step, 1);
	expect(&step, both, 2);
	ck_assert(!step.skip);
	ck_assert_ptr_eq(sup.told->addrs, step.echoes);
	ck_assert_uint_eq(sup.told->count, 2);
}
END_TEST

START_TEST(each_flow_of_a_list_knows_its_own)
{
	const struct addr both[] = {sender(0), sender(1)}, third = sender(2);
	struct changer_step steps[] = {step_of(SHARD_ADD_FLOW, HEARS, 1),
				       step_of(SHARD_START_FLOW, HEARS, 1),
				       step_of(SHARD_ADD_FLOW, HEARS, 0)};

	fill(steps, 3);
	expect(&steps[0], &third, 1);
	expect(&steps[1], NULL, 0); /* it tells of none */
	expect(&steps[2], both, 2);
	ck_assert_uint_eq(sup.told->count, 3);
}
END_TEST

START_TEST(sender_that_the_list_opens_is_known_by_its_new_address)
{
	static const enum shard_op ops[] = {SHARD_ADD_OUTPUT, SHARD_REPLACE_OUTPUT,
					    SHARD_OPEN_OUTPUT};
	const struct addr anew[] = {sender(0), addr_at("10.0.0.99", 40000)};

	for (size_t i = 0; i < sizeof(ops) / sizeof(ops[0]); i++) {
		struct changer_step steps[] = {
			opens(ops[i], 2, addr_at("10.0.0.98", 40000)),
			opens(ops[i], 1, anew[1]),
			step_of(SHARD_ADD_FLOW, HEARS, 0),
		};

		fill(steps, 3);
		expect(&steps[2], anew, 2);
	}
}
END_TEST

START_TEST(what_opens_no_socket_says_nothing_of_an_address)
{
	const struct addr both[] = {sender(0), sender(1)};
	struct changer_step steps[] = {opens(SHARD_SET_OUTPUT, 1, addr_at("10.0.0.99", 1)),
				       step_of(SHARD_ADD_FLOW, HEARS, 0)};

	fill(steps, 2);
	expect(&steps[1], both, 2);
}
END_TEST

START_TEST(sender_that_is_not_there_is_not_known)
{
	const struct addr second = sender(1);
	struct changer_step step = step_of(SHARD_ADD_FLOW, HEARS, 0);

	flow_room[SENDS][0].flow.rule = NULL; /* its place was given back */
	fill(&step, 1);
	expect(&step, &second, 1);
}
END_TEST

/* It sends from whatever address the kernel chooses each time. */
START_TEST(sender_without_an_address_is_known_by_a_port_of_its_own)
{
	const struct addr nobodys[] = {sender(0), {.family = AF_INET, .port = 40001}};
	struct rule_output *out = &outputs[1].out;
	struct changer_step step = step_of(SHARD_ADD_FLOW, HEARS, 0);

	output_room[SENDS][1].got.local = nobodys[1];
	fill(&step, 1);
	expect(&step, nobodys, 2);
	out->sport = 40001; /* as the source may have */
	fill(&step, 1);
	expect(&step, nobodys, 1);
	out->sport = 0;
	out->sport_keep = true;
	fill(&step, 1);
	expect(&step, nobodys, 1);
	output_room[SENDS][1].got.local = sender(1);
	ck_assert(echoes_can_know(out, &output_room[SENDS][1].got.local));
	output_room[SENDS][1].got.local = (struct addr){0}; /* it is pending */
	out->sport_keep = false;
	fill(&step, 1);
	expect(&step, nobodys, 1);
}
END_TEST

START_TEST(sender_that_goes_is_known_until_it_has_gone)
{
	const struct addr before[] = {addr_at("10.0.0.77", 1), sender(0)};
	const struct addr both[] = {sender(0), sender(1), before[0]};
	struct changer_step steps[] = {step_of(SHARD_SET_ECHOES, HEARS, 0),
				       step_of(SHARD_SET_ECHOES, HEARS, 0)};

	steps[1].late = true;
	knows(0, before, 2);
	fill(steps, 2);
	expect(&steps[0], both, 3); /* before those come that are new */
	ck_assert(!steps[0].skip);
	expect(&steps[1], both, 2); /* after those went that are old */
	ck_assert(!steps[1].skip);
}
END_TEST

START_TEST(flow_that_would_know_no_more_and_no_less_is_not_told)
{
	const struct addr both[] = {sender(1), sender(0), addr_at("10.0.0.77", 1)};
	struct changer_step steps[] = {step_of(SHARD_SET_ECHOES, HEARS, 0),
				       step_of(SHARD_SET_ECHOES, HEARS, 0)};

	steps[1].late = true;
	knows(0, both, 2);
	fill(steps, 2);
	ck_assert(steps[0].skip);
	ck_assert(steps[1].skip);
	steps[0].skip = steps[1].skip = false;
	knows(0, both, 3);
	fill(steps, 2);
	ck_assert(steps[0].skip);
	ck_assert(!steps[1].skip); /* one has gone */
	knows(0, both, 1);
	fill(steps, 2);
	ck_assert(!steps[0].skip); /* one has come */
	ck_assert(steps[1].skip);
}
END_TEST

/* By sport= with src=, of two outputs that leave by different interfaces. */
START_TEST(two_senders_of_one_address_do_not_hide_a_third)
{
	const struct addr before[] = {sender(0), sender(0)};
	const struct addr both[] = {sender(0), sender(1)};
	struct changer_step step = step_of(SHARD_SET_ECHOES, HEARS, 0);

	knows(0, before, 2);
	fill(&step, 1);
	ck_assert(!step.skip);
	expect(&step, both, 2);
}
END_TEST

START_TEST(flow_that_is_not_there_is_told_nothing)
{
	struct changer_step step = step_of(SHARD_SET_ECHOES, HEARS, 0);

	flow_room[HEARS][0].flow.rule = NULL;
	fill(&step, 1);
	ck_assert(step.skip);
	step.skip = false;
	step.late = true;
	fill(&step, 1);
	ck_assert(step.skip);
}
END_TEST

/* The last place of the first shard has it yet; in the end it stands with the others. */
START_TEST(sender_that_moves_is_known_where_it_is)
{
	const struct addr both[] = {sender(0), sender(1)};
	struct changer_step steps[] = {step_of(SHARD_REMOVE_FLOW, SENDS, 1),
				       step_of(SHARD_ADD_FLOW, HEARS, 0)};

	flow_room[SENDS][1].flow.rule = NULL;
	stand(HEARS, FLOWS, &flows[SENDS][1]);
	steps[0].from = HEARS;
	fill(steps, 2);
	expect(&steps[1], both, 1); /* it is another one that is removed */
	steps[0].moved = true;
	fill(steps, 2);
	expect(&steps[1], both, 2);
}
END_TEST

START_TEST(flow_that_moves_knows_what_it_knew_where_it_is)
{
	const struct addr before = addr_at("10.0.0.77", 1);
	const struct addr all[] = {sender(0), sender(1), before};
	struct changer_step steps[] = {step_of(SHARD_SET_ECHOES, HEARS, 0),
				       step_of(SHARD_REMOVE_FLOW, HEARS, 0)};

	flow_room[HEARS][0].flow.rule = NULL;
	stand(SENDS, FLOWS, &flows[HEARS][0]);
	flow_room[SENDS][FLOWS].flow.echoes = &before;
	flow_room[SENDS][FLOWS].flow.echo_count = 1;
	steps[1].moved = true;
	steps[1].from = SENDS;
	fill(steps, 2);
	ck_assert(!steps[0].skip);
	expect(&steps[0], all, 3);
}
END_TEST

START_TEST(list_that_tells_nobody_keeps_nothing)
{
	struct changer_step steps[] = {step_of(SHARD_ADD_FLOW, SENDS, 0),
				       step_of(SHARD_REMOVE_FLOW, HEARS, 0)};

	fill(steps, 2);
	ck_assert_ptr_null(sup.told);
	expect(&steps[0], NULL, 0);
}
END_TEST

START_TEST(what_was_told_is_kept_while_a_flow_uses_it)
{
	struct changer_step steps[] = {step_of(SHARD_ADD_FLOW, HEARS, 0),
				       step_of(SHARD_ADD_FLOW, HEARS, 1)};
	struct echoes_told *second;

	for (int i = 0; i < 3; i++) {
		fill(steps, 2);
	}
	second = sup.told->next;
	knows(1, &second->addrs[second->count - 1], 1); /* the last word of the second list */
	echoes_sweep(&sup);
	ck_assert_ptr_eq(sup.told, second);
	ck_assert_ptr_null(second->next);
	knows(1, second->addrs + second->count, 1); /* of whatever lies behind it */
	echoes_sweep(&sup);
	ck_assert_ptr_null(sup.told);
}
END_TEST

START_TEST(flow_that_knows_of_nobody_uses_nothing)
{
	struct changer_step step = step_of(SHARD_ADD_FLOW, HEARS, 0);

	fill(&step, 1);
	knows(0, step.echoes, 0);
	echoes_sweep(&sup);
	ck_assert_ptr_null(sup.told);
}
END_TEST

START_TEST(flows_that_hear_what_was_opened_are_told_once)
{
	const struct changer_step opened[] = {
		opens(SHARD_OPEN_OUTPUT, 1, sender(1)),
		step_of(SHARD_OPEN_FLOW, SENDS, 1),
		opens(SHARD_OPEN_OUTPUT, 0, sender(0)),
	};
	struct changer_step out[3];

	ck_assert_uint_eq(echoes_of_opened(&wanted, opened, 3, out), 1);
	ck_assert_int_eq(out[0].op, SHARD_SET_ECHOES);
	ck_assert_uint_eq(out[0].shard, HEARS);
	ck_assert_ptr_eq(out[0].flow, &flows[HEARS][0]);
	ck_assert_int_eq(out[0].fd, -1);
	ck_assert(!out[0].late);
}
END_TEST

START_TEST(each_flow_that_hears_is_told)
{
	const struct changer_step opened[] = {opens(SHARD_OPEN_OUTPUT, 2, sender(2)),
					      opens(SHARD_OPEN_OUTPUT, 0, sender(0))};
	struct changer_step out[3];

	ck_assert_uint_eq(echoes_of_opened(&wanted, opened, 2, out), 2);
	ck_assert_ptr_eq(out[0].flow, &flows[HEARS][0]);
	ck_assert_ptr_eq(out[1].flow, &flows[HEARS][1]);
	wanted.echo_count = 0;
	ck_assert_uint_eq(echoes_of_opened(&wanted, opened, 2, out), 0);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		flow_that_comes_knows_the_senders_that_run,
		each_flow_of_a_list_knows_its_own,
		sender_that_the_list_opens_is_known_by_its_new_address,
		what_opens_no_socket_says_nothing_of_an_address,
		sender_that_is_not_there_is_not_known,
		sender_without_an_address_is_known_by_a_port_of_its_own,
		sender_that_goes_is_known_until_it_has_gone,
		flow_that_would_know_no_more_and_no_less_is_not_told,
		two_senders_of_one_address_do_not_hide_a_third,
		flow_that_is_not_there_is_told_nothing,
		sender_that_moves_is_known_where_it_is,
		flow_that_moves_knows_what_it_knew_where_it_is,
		list_that_tells_nobody_keeps_nothing,
		what_was_told_is_kept_while_a_flow_uses_it,
		flow_that_knows_of_nobody_uses_nothing,
		flows_that_hear_what_was_opened_are_told_once,
		each_flow_that_hears_is_told,
	};
	Suite *suite = suite_create("echoes_change");
	TCase *tcase = tcase_create("echoes_change");
	SRunner *runner;
	int failed;

	tcase_add_checked_fixture(tcase, setup, teardown);
	for (size_t i = 0; i < sizeof(tests) / sizeof(tests[0]); i++) {
		tcase_add_test(tcase, tests[i]);
	}
	suite_add_tcase(suite, tcase);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
