/* check_difference.c - taking the steps of a difference one by one makes the second layout of the
 * first, and what is in both is not touched.
 */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "src/setup/difference.h"

#define SHARDS  3
#define FLOWS   10
#define OUTPUTS 6
#define PAIRS   2000

/* What runs, known by what it is: flow f, told by the last byte of its group; output o likewise. */
struct model_flow {
	bool there, started;
	struct rule_flow rule;
	bool has[OUTPUTS];
	struct rule_table_output outputs[OUTPUTS];
};

struct model {
	struct model_flow flows[SHARDS][FLOWS];
};

static struct rule_table tables[2][SHARDS];
static struct layout layouts[2] = {{.tables = tables[0], .shard_count = SHARDS},
				   {.tables = tables[1], .shard_count = SHARDS}};
static struct difference difference;

static void make_tables(void)
{
	for (int i = 0; i < 2 * SHARDS; i++) {
		struct rule_table *table = &tables[i / SHARDS][i % SHARDS];

		*table = (struct rule_table){
			.flows = calloc(FLOWS, sizeof(*table->flows)),
			.outputs = calloc((size_t)FLOWS * OUTPUTS, sizeof(*table->outputs))};
	}
	difference = (struct difference){0};
}

static void free_tables(void)
{
	difference_free(&difference);
	for (int i = 0; i < 2 * SHARDS; i++) {
		free(tables[i / SHARDS][i % SHARDS].flows);
		free(tables[i / SHARDS][i % SHARDS].outputs);
	}
}

static struct rule_flow *add_flow(struct rule_table *table, unsigned id)
{
	struct rule_flow *flow = &table->flows[table->flow_count++];

	flow->in.at.addr = (struct addr){.family = AF_INET, .port = 5000};
	flow->in.at.addr.ip[3] = (uint8_t)id;
	flow->first_output = table->output_count;
	return flow;
}

static struct rule_table_output *add_output(struct rule_table *table, unsigned id)
{
	struct rule_table_output *out = &table->outputs[table->output_count++];

	out->out = (struct rule_output)RULE_OUTPUT_UNSET;
	out->out.to.addr = (struct addr){.family = AF_INET, .port = (uint16_t)(6000 + id)};
	table->flows[table->flow_count - 1].output_count++;
	return out;
}

static unsigned id_of_flow(const struct rule_flow *flow)
{
	return flow->in.at.addr.ip[3];
}

static unsigned id_of_output(const struct rule_table_output *out)
{
	return out->out.to.addr.port - 6000U;
}

/* ---- the model ---- */

static void model_of(const struct layout *layout, struct model *model)
{
	memset(model, 0, sizeof(*model));
	for (uint32_t s = 0; s < SHARDS; s++) {
		const struct rule_table *table = &layout->tables[s];

		for (uint32_t f = 0; f < table->flow_count; f++) {
			const struct rule_flow *flow = &table->flows[f];
			struct model_flow *to = &model->flows[s][id_of_flow(flow)];

			to->there = to->started = true;
			to->rule = *flow;
			for (uint32_t o = 0; o < flow->output_count; o++) {
				const struct rule_table_output *out =
					&table->outputs[flow->first_output + o];

				to->has[id_of_output(out)] = true;
				to->outputs[id_of_output(out)] = *out;
			}
		}
	}
}

static void take_output_step(struct model_flow *flow, const struct difference_step *step,
			     const struct rule_table_output *out)
{
	unsigned id = id_of_output(out);

	ck_assert(flow->there);
	switch (step->what) {
	case DIFFERENCE_REMOVE_OUTPUT:
		ck_assert(flow->has[id]);
		flow->has[id] = false;
		return;
	case DIFFERENCE_ADD_OUTPUT:
		ck_assert(!flow->has[id]);
		break;
	case DIFFERENCE_SET_OUTPUT: /* how the socket is bound stays */
		ck_assert(flow->has[id]);
		ck_assert_uint_eq(flow->outputs[id].out.sport, out->out.sport);
		ck_assert(!(out->out.priority == RULE_AUTO &&
			    flow->outputs[id].out.priority != RULE_AUTO));
		break;
	default:
		ck_assert(flow->has[id]);
		break;
	}
	flow->has[id] = true;
	flow->outputs[id] = *out;
}

/* Outputs go along as they are; trains that wait would be taken for datagrams. */
static void take_move(struct model *model, const struct difference_step *step,
		      const struct rule_flow *rule)
{
	struct model_flow *from = &model->flows[step->from][id_of_flow(rule)];
	struct model_flow *to = &model->flows[step->shard][id_of_flow(rule)];
	struct model_flow moving = *from;

	ck_assert(from->there);
	ck_assert(from == to || !to->there);
	ck_assert(!from->rule.gro || rule->gro);
	ck_assert_uint_eq(difference_runs_at(&difference, step->shard, step->flow), step->from);
	memset(from, 0, sizeof(*from));
	*to = moving;
	to->rule = *rule;
}

static void take(struct model *model, const struct difference_step *step)
{
	bool removes =
		step->what == DIFFERENCE_REMOVE_FLOW || step->what == DIFFERENCE_REMOVE_OUTPUT;
	const struct rule_table *table = &tables[removes ? 0 : 1][step->shard];
	const struct rule_flow *rule = &table->flows[step->flow];
	struct model_flow *flow = &model->flows[step->shard][id_of_flow(rule)];

	switch (step->what) {
	case DIFFERENCE_REMOVE_FLOW:
		ck_assert(flow->there);
		memset(flow, 0, sizeof(*flow));
		break;
	case DIFFERENCE_MOVE_FLOW:
		take_move(model, step, rule);
		break;
	case DIFFERENCE_ADD_FLOW:
		ck_assert(!flow->there);
		*flow = (struct model_flow){.there = true, .rule = *rule};
		break;
	case DIFFERENCE_SET_FLOW: /* and no other part of it */
		ck_assert(flow->there);
		ck_assert(flow->started);
		flow->rule.in.max_age_ms = rule->in.max_age_ms;
		break;
	case DIFFERENCE_START_FLOW:
		ck_assert(flow->there);
		ck_assert(!flow->started);
		flow->started = true;
		break;
	default:
		take_output_step(flow, step, &table->outputs[step->output]);
		break;
	}
}

/* All that fill_output() varies. */
static bool is_alike(const struct rule_table_output *a, const struct rule_table_output *b)
{
	const struct rule_output *one = &a->out, *other = &b->out;

	return rule_same_output(one, other) && one->sport == other->sport &&
	       one->rate_bps == other->rate_bps && one->ttl_mode == other->ttl_mode &&
	       one->ttl == other->ttl && one->dscp == other->dscp &&
	       one->priority == other->priority && one->local == other->local;
}

static void expect_same(const struct model *got, const struct model *wanted)
{
	for (uint32_t i = 0; i < SHARDS * FLOWS; i++) {
		const struct model_flow *a = &got->flows[i / FLOWS][i % FLOWS];
		const struct model_flow *b = &wanted->flows[i / FLOWS][i % FLOWS];

		ck_assert_int_eq(a->there, b->there);
		ck_assert_int_eq(a->started, b->started);
		ck_assert(!a->there ||
			  (a->rule.gro == b->rule.gro && a->rule.pool_class == b->rule.pool_class &&
			   a->rule.in.max_age_ms == b->rule.in.max_age_ms));
		for (int o = 0; o < OUTPUTS; o++) {
			ck_assert_int_eq(a->has[o], b->has[o]);
			ck_assert(!a->has[o] || is_alike(&a->outputs[o], &b->outputs[o]));
		}
	}
}

/* ---- at random ---- */

static void fill_output(struct rule_table_output *out)
{
	struct rule_output *rule = &out->out;

	rule->sport = rand() % 6 == 0 ? 7000 : 0;
	rule->rate_bps = rand() % 4 == 0 ? 1000 : 0;
	if (rand() % 3 == 0) {
		rule->ttl_mode = RULE_TTL_FIXED;
		rule->ttl = (uint8_t)(1 + rand() % 2);
	}
	rule->dscp = (int8_t)(rand() % 3 - 2);
	rule->priority = rand() % 4 == 0 ? (int8_t)(rand() % 3) : RULE_AUTO;
	rule->local = rand() % 5 == 0;
	out->ifindex = rand() % 8 == 0;
}

/* Flows stand in any order, and so do the outputs of each. */
static void fill(struct layout *layout)
{
	for (uint32_t s = 0; s < SHARDS; s++) {
		struct rule_table *table = &layout->tables[s];
		unsigned turn = (unsigned)rand() % FLOWS;

		table->flow_count = table->output_count = 0;
		memset(table->flows, 0, FLOWS * sizeof(*table->flows));
		memset(table->outputs, 0, sizeof(*table->outputs) * FLOWS * OUTPUTS);
		for (unsigned i = 0; i < FLOWS; i++) {
			unsigned shift = (unsigned)rand() % OUTPUTS;
			struct rule_flow *flow;

			if (rand() % 2 == 0) {
				continue;
			}
			flow = add_flow(table, (i + turn) % FLOWS);
			flow->gro = rand() % 6 == 0;
			flow->pool_class = (uint8_t)(rand() % 6 == 0);
			flow->ifindex = rand() % 6 == 0;
			flow->in.max_age_ms = rand() % 3 ? 0 : 100;
			for (unsigned o = 0; o < OUTPUTS; o++) {
				if (rand() % 2 == 0) {
					fill_output(add_output(table, (o + shift) % OUTPUTS));
				}
			}
		}
	}
}

START_TEST(taking_the_steps_makes_the_second_of_the_first)
{
	static struct model got, wanted;

	srand(1);
	for (int i = 0; i < PAIRS; i++) {
		fill(&layouts[0]);
		fill(&layouts[1]);
		model_of(&layouts[0], &got);
		model_of(&layouts[1], &wanted);
		ck_assert_int_eq(difference_build(&layouts[0], &layouts[1], &difference), 0);
		for (uint32_t step = 0; step < difference.count; step++) {
			take(&got, &difference.steps[step]);
		}
		expect_same(&got, &wanted);
		difference_free(&difference);
	}
}
END_TEST

START_TEST(no_difference_takes_no_step)
{
	srand(2);
	fill(&layouts[0]);
	ck_assert_int_eq(difference_build(&layouts[0], &layouts[0], &difference), 0);
	ck_assert_uint_eq(difference.count, 0);
	ck_assert_uint_gt(difference.flows_kept, 0);
	ck_assert_uint_eq(difference.flows_changed + difference.outputs_changed, 0);
}
END_TEST

/* ---- one by one ---- */

/* One flow with outputs 0 and 1 in both, on shard 0. */
static void fill_plainly(void)
{
	for (int i = 0; i < 2; i++) {
		add_flow(&tables[i][0], 1);
		add_output(&tables[i][0], 0);
		add_output(&tables[i][0], 1);
	}
}

static void expect_step(uint32_t i, enum difference_do what, uint32_t shard)
{
	ck_assert_int_lt(difference_build(&layouts[0], &layouts[1], &difference), 1);
	ck_assert_uint_lt(i, difference.count);
	ck_assert_int_eq(difference.steps[i].what, what);
	ck_assert_uint_eq(difference.steps[i].shard, shard);
}

START_TEST(an_output_that_moves_in_its_rule_is_kept)
{
	fill_plainly();
	tables[1][0].outputs[0].out.to.addr.port = 6001;
	tables[1][0].outputs[1].out.to.addr.port = 6000;
	ck_assert_int_eq(difference_build(&layouts[0], &layouts[1], &difference), 0);
	ck_assert_uint_eq(difference.count, 0);
	ck_assert_uint_eq(difference.outputs_kept, 2);
}
END_TEST

START_TEST(an_output_added_touches_neither_its_flow_nor_the_others)
{
	fill_plainly();
	add_output(&tables[1][0], 2);
	expect_step(0, DIFFERENCE_ADD_OUTPUT, 0);
	ck_assert_uint_eq(difference.count, 1);
	ck_assert_uint_eq(difference.flows_kept, 1);
	ck_assert_uint_eq(difference.outputs_kept, 2);
	ck_assert_uint_eq(difference.outputs_added, 1);
}
END_TEST

START_TEST(a_greatest_age_is_set_and_its_flow_kept)
{
	fill_plainly();
	tables[1][0].flows[0].in.max_age_ms = 5;
	expect_step(0, DIFFERENCE_SET_FLOW, 0);
	ck_assert_uint_eq(difference.count, 1);
	ck_assert_uint_eq(difference.flows_kept, 1);
	ck_assert_uint_eq(difference.outputs_kept, 2);
}
END_TEST

START_TEST(options_are_set_where_the_socket_can_follow)
{
	fill_plainly();
	tables[1][0].outputs[1].out.rate_bps = 1000;
	tables[1][0].outputs[0].mtu = 9000; /* no change of the configuration */
	expect_step(0, DIFFERENCE_SET_OUTPUT, 0);
	ck_assert_uint_eq(difference.count, 1);
	difference_free(&difference);
	tables[1][0].outputs[1].out.sport = 7;
	expect_step(0, DIFFERENCE_REPLACE_OUTPUT, 0);
	ck_assert_uint_eq(difference.count, 1);
	difference_free(&difference);
	tables[1][0].outputs[1].out = tables[0][0].outputs[1].out;
	tables[0][0].outputs[0].out.to.name = tables[1][0].outputs[0].out.to.name =
		host_name_keep("host.example", 0);
	tables[1][0].outputs[0].out.to.addr.ip[3] = 9; /* it has another one now */
	expect_step(0, DIFFERENCE_REPLACE_OUTPUT, 0);
	ck_assert_uint_eq(difference.count, 1);
}
END_TEST

START_TEST(a_flow_that_is_to_be_coalesced_no_more_comes_again)
{
	fill_plainly();
	tables[0][0].flows[0].gro = true;
	expect_step(0, DIFFERENCE_REMOVE_FLOW, 0);
	difference_free(&difference);
	expect_step(1, DIFFERENCE_ADD_FLOW, 0);
	ck_assert(difference.steps[1].again);
	ck_assert_uint_eq(difference.count, 5);
	ck_assert_uint_eq(difference.flows_changed, 1);
	ck_assert_uint_eq(difference.flows_added + difference.flows_removed, 0);
}
END_TEST

START_TEST(a_flow_received_into_other_buffers_keeps_its_socket)
{
	fill_plainly();
	tables[1][0].flows[0].gro = true;
	tables[1][0].flows[0].in.shared = true;
	tables[1][0].flows[0].pool_class = 2;
	expect_step(0, DIFFERENCE_MOVE_FLOW, 0);
	ck_assert_uint_eq(difference.steps[0].from, 0);
	ck_assert_uint_eq(difference.count, 1);
	ck_assert_uint_eq(difference.flows_moved, 1);
	ck_assert_uint_eq(difference.flows_kept + difference.flows_changed, 0);
	ck_assert_uint_eq(difference.outputs_kept, 2);
}
END_TEST

START_TEST(a_flow_moves_with_what_it_has_and_gets_the_rest_where_it_is_then)
{
	add_flow(&tables[0][1], 1);
	add_output(&tables[0][1], 0);
	add_output(&tables[0][1], 1);
	add_flow(&tables[1][2], 1);
	add_output(&tables[1][2], 1)->out.rate_bps = 7;
	add_output(&tables[1][2], 2);
	expect_step(0, DIFFERENCE_REMOVE_OUTPUT, 1);
	difference_free(&difference);
	expect_step(1, DIFFERENCE_MOVE_FLOW, 2);
	ck_assert_uint_eq(difference.steps[1].from, 1);
	difference_free(&difference);
	expect_step(2, DIFFERENCE_SET_OUTPUT, 2);
	difference_free(&difference);
	expect_step(3, DIFFERENCE_ADD_OUTPUT, 2);
	ck_assert_uint_eq(difference.count, 4);
	ck_assert_uint_eq(difference_runs_at(&difference, 2, 0), 1);
	ck_assert_uint_eq(difference_runs_at(&difference, 0, 0), 0);
}
END_TEST

START_TEST(of_a_spread_flow_each_part_moves_to_a_shard_of_its_own)
{
	add_flow(&tables[0][0], 1);
	add_flow(&tables[0][1], 1);
	add_flow(&tables[1][1], 1);
	add_flow(&tables[1][2], 1);
	expect_step(0, DIFFERENCE_MOVE_FLOW, 2);
	ck_assert_uint_eq(difference.steps[0].from, 0);
	ck_assert_uint_eq(difference.count, 1);
	ck_assert_uint_eq(difference.flows_kept, 1);
}
END_TEST

START_TEST(a_flow_that_cannot_move_goes_before_it_comes_to_another_shard)
{
	add_flow(&tables[0][1], 1)->gro = true;
	add_flow(&tables[1][0], 1);
	expect_step(0, DIFFERENCE_REMOVE_FLOW, 1);
	difference_free(&difference);
	expect_step(1, DIFFERENCE_ADD_FLOW, 0);
	ck_assert(difference.steps[1].again);
}
END_TEST

START_TEST(what_became_of_an_interface_is_no_difference)
{
	add_flow(&tables[0][1], 1)->ifindex = 7;
	add_output(&tables[0][1], 0)->ifindex = 7;
	tables[0][1].outputs[0].mtu = 1500;
	add_flow(&tables[1][1], 1)->ifindex = 9;
	add_output(&tables[1][1], 0)->ifindex = 0;
	tables[1][1].outputs[0].mtu = 0;
	ck_assert_int_eq(difference_build(&layouts[0], &layouts[1], &difference), 0);
	ck_assert_uint_eq(difference.count, 0);
	ck_assert_uint_eq(difference.flows_kept, 1);
	ck_assert_uint_eq(difference.outputs_kept, 1);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("difference");
	SRunner *runner = srunner_create(suite);
	TCase *tc = tcase_create("difference");
	int failed;

	tcase_add_checked_fixture(tc, make_tables, free_tables);
	tcase_add_test(tc, taking_the_steps_makes_the_second_of_the_first);
	tcase_add_test(tc, no_difference_takes_no_step);
	tcase_add_test(tc, an_output_that_moves_in_its_rule_is_kept);
	tcase_add_test(tc, an_output_added_touches_neither_its_flow_nor_the_others);
	tcase_add_test(tc, a_greatest_age_is_set_and_its_flow_kept);
	tcase_add_test(tc, options_are_set_where_the_socket_can_follow);
	tcase_add_test(tc, a_flow_that_is_to_be_coalesced_no_more_comes_again);
	tcase_add_test(tc, a_flow_received_into_other_buffers_keeps_its_socket);
	tcase_add_test(tc, a_flow_moves_with_what_it_has_and_gets_the_rest_where_it_is_then);
	tcase_add_test(tc, of_a_spread_flow_each_part_moves_to_a_shard_of_its_own);
	tcase_add_test(tc, a_flow_that_cannot_move_goes_before_it_comes_to_another_shard);
	tcase_add_test(tc, what_became_of_an_interface_is_no_difference);
	suite_add_tcase(suite, tc);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
