/* check_difference_group.c - feeds that are merged before, afterwards or both, and what is done.
 *
 * Layouts are written as text: `0:ab>1,2 c>3' has on shard 0 the merge of flows a and b with
 * outputs 1 and 2, and the plain flow c. Steps are told as text as well: `-a/1' output 1 of flow a
 * goes, `=ab(b)a' the feed that is to begin with a gets b of those that were there, and had the
 * outputs of a; `-a' flow a goes, `|a' is held, `>a' moves, `+a' comes, `+a/1' and its output.
 */
#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "src/setup/difference.h"
#include "src/setup/merges.h"

#define SHARDS 2
#define ROOM   16

static struct rule_flow flows[2][SHARDS][ROOM];
static struct rule_table_output outputs[2][SHARDS][ROOM];
static struct rule_merge merges[2][SHARDS][ROOM];
static struct rule_table tables[2][SHARDS];
static struct layout layouts[2] = {{.tables = tables[0], .shard_count = SHARDS},
				   {.tables = tables[1], .shard_count = SHARDS}};
static struct difference difference;
static uint8_t method; /* of the merges that are read */

static void setup(void)
{
	memset(flows, 0, sizeof(flows));
	memset(outputs, 0, sizeof(outputs));
	memset(merges, 0, sizeof(merges));
	for (int l = 0; l < 2; l++) {
		for (int s = 0; s < SHARDS; s++) {
			tables[l][s] = (struct rule_table){.flows = flows[l][s],
							   .outputs = outputs[l][s],
							   .merges = merges[l][s]};
		}
	}
	method = MERGE_BY_NUMBER;
}

static void teardown(void)
{
	difference_free(&difference);
}

/* `ab>1,2', or a plain flow. */
static const char *read_feed(const char *text, struct rule_table *table)
{
	uint8_t legs = (uint8_t)strspn(text, "abcdefgh");
	struct rule_merge *merge = legs > 1 ? &table->merges[table->merge_count++] : NULL;

	for (uint8_t leg = 0; leg < legs; leg++) {
		struct rule_flow *flow = &table->flows[table->flow_count++];

		flow->in.at.addr = (struct addr){.family = AF_INET, .port = 5000};
		flow->in.at.addr.ip[3] = (uint8_t)text[leg];
		flow->first_output = table->output_count;
		flow->merge = merge;
		flow->leg = leg;
	}
	if (merge) {
		merge->rule = (struct merge_rule){.method = method, .leg_count = legs};
		merge->lead = table->flows[table->flow_count - legs].in;
	}
	for (text += legs; *text == '>' || *text == ','; text += 2) {
		struct rule_output *out = &table->outputs[table->output_count++].out;

		*out = (struct rule_output)RULE_OUTPUT_UNSET;
		out->to.addr = (struct addr){.family = AF_INET, .port = (uint16_t)text[1]};
		table->flows[table->flow_count - legs].output_count++;
	}
	return text;
}

static void read_layout(int layout, const char *text)
{
	uint32_t shard = 0;

	while (*text) {
		if (text[0] == '0' || text[0] == '1') {
			shard = (uint32_t)(text[0] - '0');
			text += 2;
		}
		text = read_feed(text, &tables[layout][shard]);
		text += *text == ' ';
	}
}

static void tell_flow(FILE *to, const char *sign, const struct rule_flow *flow)
{
	fprintf(to, " %s%c", sign, flow->in.at.addr.ip[3]);
}

static void tell_step(FILE *to, const struct difference_step *step)
{
	bool goes = step->what <= DIFFERENCE_REMOVE_FLOW && step->what != DIFFERENCE_SET_MERGE;
	const struct rule_table *table = &tables[!goes][step->shard];
	const struct rule_flow *flow = &table->flows[step->flow];
	const struct difference_group *group = step->group;

	switch (step->what) {
	case DIFFERENCE_REMOVE_FLOW:
		tell_flow(to, "-", flow);
		break;
	case DIFFERENCE_HOLD_LEG:
		tell_flow(to, "|", flow);
		break;
	case DIFFERENCE_MOVE_FLOW:
		tell_flow(to, ">", flow);
		break;
	case DIFFERENCE_ADD_FLOW:
		tell_flow(to, "+", flow);
		break;
	case DIFFERENCE_REMOVE_OUTPUT:
	case DIFFERENCE_ADD_OUTPUT:
		tell_flow(to, goes ? "-" : "+", flow);
		fprintf(to, "/%c", table->outputs[step->output].out.to.addr.port);
		break;
	case DIFFERENCE_SET_MERGE:
		tell_flow(to, flow->merge ? "=" : "~", flow);
		for (uint32_t i = 0; i < group->stay_count; i++) {
			fprintf(to, "%c%c", i ? ',' : '(', group->stays[i]->in.at.addr.ip[3]);
		}
		fprintf(to, group->had ? ")%c" : "", group->had ? group->had->in.at.addr.ip[3] : 0);
		break;
	case DIFFERENCE_START_FLOW:
		break;
	default:
		fprintf(to, " ?");
		break;
	}
}

static void expect_steps(const char *running, const char *wanted, const char *steps)
{
	char *told = NULL;
	size_t size;
	FILE *to;

	read_layout(0, running);
	read_layout(1, wanted);
	ck_assert_int_eq(difference_build(&layouts[0], &layouts[1], &difference), 0);
	to = open_memstream(&told, &size);
	for (uint32_t i = 0; i < difference.count; i++) {
		tell_step(to, &difference.steps[i]);
	}
	fclose(to);
	ck_assert_str_eq(told, steps);
	free(told);
}

static const struct {
	const char *running, *wanted, *steps;
} cases[] = {
	{"ab>1 c>2", "ab>1 c>2", ""},
	{"ab>1", "ab>2", " -a/1 +a/2"},
	{"", "ab>1", " =a +a +a/1 +b"},
	{"ab>1", "", " -a -b"},
	/* a plain flow gets legs, and loses them */
	{"a>1", "ab>1,2", " =a(a)a +b +a/2"},
	{"ab>1", "a>1", " ~a(a)a -b"},
	{"ab>1,2", "b>2,3", " -a/1 ~b(b)a -a +b/3"},
	/* legs come and go; the first one, too */
	{"ab>1", "abc>1", " =a(a,b)a +c"},
	{"ab>1", "ac>1", " =a(a)a -b +c"},
	{"ab>1", "cb>1,2", " =c(b)a -a +c +c/2"},
	{"ab>1", "ba>1", " =b(b,a)a"},
	{"a>1", "ba>1", " =b(a)a +b"},
	/* two feeds become one: the first leg's goes on */
	{"a>1 b>2", "ab>1,2", " =a(a)a -b +b +a/2"},
	{"a>1 b>2", "ba>1,2", " =b(b)b -a +a +b/1"},
	/* and one two */
	{"ab>1", "a>1 b>1", " ~a(a)a -b +b +b/1"},
	{"abcd>1", "ab>1 cd>1", " =a(a,b)a =c -c -d +c +c/1 +d"},
	/* a leg of a feed that goes on elsewhere is another feed's */
	{"ab>1 cd>2", "ad>1 cb>2", " =a(a)a =c(c)c -b -d +b +d"},
	/* from shard to shard: a leg comes anew, a feed moves as it is (else below) */
	{"0:ab>1 1:c>2", "0:abc>1", " =a(a,b)a -c +c"},
	{"0:ab>1 c>2", "0:c>2 1:ab>1,3", " |a |b =a >a >b +a/3"},
	{"0:ab>1 1:cd>2", "0:cd>2 1:ab>1", " |c |d =c |a |b =a >c >d >a >b"},
};

START_TEST(steps_are_those_of_what_goes_on)
{
	expect_steps(cases[_i].running, cases[_i].wanted, cases[_i].steps);
	ck_assert_uint_eq(difference.groups.anew, 0);
}
END_TEST

START_TEST(another_rule_is_told_to_the_feed)
{
	read_layout(0, "ab>1 cd>2");
	method = MERGE_BY_HASH;
	expect_steps("", "ab>1 cd>2", " =a(a,b)a =c(c,d)c");
	ck_assert_uint_eq(difference.groups.changed, 2);
	ck_assert_uint_eq(difference.groups.anew, 2);
}
END_TEST

/* Coalescing cannot be ended of a socket. */
START_TEST(a_leg_that_needs_another_socket_is_replaced)
{
	read_layout(0, "ab>1");
	flows[0][0][0].gro = true;
	expect_steps("", "ab>1", " =a(b)a -a +a");
}
END_TEST

START_TEST(legs_that_all_need_other_sockets_are_awaited)
{
	read_layout(0, "ab>1");
	flows[0][0][0].gro = flows[0][0][1].gro = true;
	expect_steps("", "ab>1", " =a -a -b +a +a/1 +b");
}
END_TEST

START_TEST(a_feed_that_would_change_and_move_is_refused)
{
	static const char *const from[] = {"0:ab>1", "0:ab>1", "0:a>1"}, *const to[] = {"1:abc>1",
											"1:a>1",
											"1:ab>1"};
	struct err err;

	read_layout(0, from[_i]);
	read_layout(1, to[_i]);
	ck_assert_int_eq(difference_build(&layouts[0], &layouts[1], &difference), 0);
	ck_assert_int_eq(merges_check_moves(&difference, &layouts[0], &layouts[1], &err), -EINVAL);
	ck_assert_ptr_nonnull(strstr(err.text, "moves to another shard as it is"));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("difference_group");
	TCase *tests = tcase_create("feeds");
	SRunner *runner;
	int failed;

	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_add_loop_test(tests, steps_are_those_of_what_goes_on, 0,
			    sizeof(cases) / sizeof(cases[0]));
	tcase_add_test(tests, another_rule_is_told_to_the_feed);
	tcase_add_test(tests, a_leg_that_needs_another_socket_is_replaced);
	tcase_add_test(tests, legs_that_all_need_other_sockets_are_awaited);
	tcase_add_loop_test(tests, a_feed_that_would_change_and_move_is_refused, 0, 3);
	suite_add_tcase(suite, tests);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
