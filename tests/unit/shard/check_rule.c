/* check_rule.c - rule_table_check lets a sound table pass and aborts on each kind of damage. */
#include "shard/rule.h"

#include <check.h>
#include <signal.h>
#include <stdlib.h>

static struct rule_flow flows[2];
static struct rule_table_output outputs[3];
static struct rule_table table;

static void make_table(void)
{
	struct addr group = {.family = AF_INET, .port = 5000, .ip = {239, 1, 1, 1}};

	for (int i = 0; i < 2; i++) {
		flows[i] = (struct rule_flow){.in = {.at = {.addr = group}}};
	}
	for (int i = 0; i < 3; i++) {
		outputs[i] = (struct rule_table_output){.out = {.to = {.addr = group},
								.ttl = RULE_TTL_DEFAULT,
								.dscp = RULE_AUTO,
								.priority = RULE_AUTO}};
	}
	flows[0].first_output = 1;
	flows[0].output_count = 2;
	flows[1].first_output = 0;
	flows[1].output_count = 1;
	table = (struct rule_table){
		.flows = flows, .outputs = outputs, .flow_count = 2, .output_count = 3};
}

START_TEST(sound_table_passes)
{
	make_table();
	rule_table_check(&table);
	ck_assert_uint_eq(table.flow_count, 2);
}
END_TEST

START_TEST(empty_table_passes)
{
	struct rule_table empty = {0};

	rule_table_check(&empty);
	ck_assert_ptr_null(empty.flows);
}
END_TEST

START_TEST(mixed_families_and_kept_marks_pass)
{
	make_table();
	outputs[0].out.to.addr.family = AF_INET6;
	outputs[0].out.dscp = RULE_DSCP_KEEP;
	outputs[0].out.ttl_mode = RULE_TTL_DEC;
	outputs[0].out.ttl = 0;
	outputs[1].out.dscp = 63;
	outputs[1].out.priority = 7;
	flows[1].in.source = (struct addr){.family = AF_INET, .ip = {10, 0, 0, 1}};
	rule_table_check(&table);
	ck_assert_int_eq(outputs[0].out.to.addr.family, AF_INET6);
}
END_TEST

static void damage_flow(int kind)
{
	switch (kind) {
	case 0:
		flows[0].output_count = 3; /* 1 + 3 > 3 */
		break;
	case 1:
		flows[1].first_output = UINT32_MAX; /* UINT32_MAX + 1 wraps to 0 */
		break;
	case 2:
		flows[1].output_count = FLOW_OUTPUTS_MAX + 1;
		break;
	case 3:
		flows[0].pool_class = POOL_CLASS_COUNT;
		break;
	case 4:
		flows[0].in.at.addr.family = 0;
		break;
	case 5:
		flows[0].in.at.addr.port = 0;
		break;
	case 6:
		flows[0].in.source.family = AF_INET6;
		break;
	case 7:
		table.flows = NULL;
		break;
	case 8:
		table.flow_count = 1; /* leaves output 0 without a flow */
		break;
	default:
		table.flow_count = SHARD_FLOWS_MAX + 1;
		break;
	}
}

static void damage_output(int kind)
{
	switch (kind) {
	case 0:
		outputs[2].out.to.addr.family = AF_UNIX;
		break;
	case 1:
		outputs[2].out.to.addr.port = 0;
		break;
	case 2:
		outputs[2].out.ttl = 0;
		break;
	case 3:
		outputs[2].out.dscp = 64;
		break;
	case 4:
		outputs[2].out.priority = 8;
		break;
	case 5:
		outputs[2].out.src.family = AF_INET6;
		break;
	case 6:
		outputs[2].out.ttl_mode = RULE_TTL_AUTO + 1;
		break;
	case 7:
		outputs[2].out.dscp = RULE_DSCP_KEEP - 1;
		break;
	case 8:
		outputs[2].out.priority = RULE_AUTO - 1;
		break;
	case 9:
		outputs[2].out.gso = 2;
		break;
	case 10:
		outputs[2].out.mtu = RULE_MTU_MIN - 1;
		break;
	case 11:
		outputs[2].out.src = outputs[2].out.to.addr; /* one or the other */
		outputs[2].out.src_keep = true;
		break;
	default:
		table.outputs = NULL;
		break;
	}
}

/* Each damage of damage_output to one output; the last is to the table. */
START_TEST(question_and_abort_agree)
{
	make_table();
	ck_assert(rule_output_is_valid(&outputs[2].out));
	damage_output(_i);
	ck_assert(!rule_output_is_valid(&outputs[2].out));
}
END_TEST

START_TEST(damaged_flow_aborts)
{
	make_table();
	damage_flow(_i);
	rule_table_check(&table);
}
END_TEST

START_TEST(damaged_output_aborts)
{
	make_table();
	damage_output(_i);
	rule_table_check(&table);
}
END_TEST

START_TEST(a_source_is_one_address_or_a_prefix)
{
	static const struct {
		const char *source, *from;
		uint8_t bits;
		bool takes;
	} rows[] = {
		{NULL, "10.0.0.1", 0, true},
		{"10.0.0.1", "10.0.0.1", 0, true},
		{"10.0.0.1", "10.0.0.2", 0, false},
		{"10.0.0.0", "10.0.0.255", 24, true},
		{"10.0.0.0", "10.0.1.0", 24, false},
		{"10.0.0.128", "10.0.0.255", 25, true},
		{"10.0.0.128", "10.0.0.127", 25, false},
		{"128.0.0.0", "255.0.0.1", 1, true},
		{"128.0.0.0", "127.0.0.1", 1, false},
		{"2001:db8::", "2001:db8::1", 127, true},
		{"2001:db8::", "2001:db8::2", 127, false},
		{"::", "10.0.0.1", 0, false},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct rule_ingress in = {.source_bits = rows[i].bits};
		struct addr from;

		ck_assert_int_eq(addr_parse_ip(rows[i].from, &from), 0);
		if (rows[i].source) {
			ck_assert_int_eq(addr_parse_ip(rows[i].source, &in.source), 0);
		}
		from.port = 9;
		ck_assert_msg(rule_takes_source(&in, &from) == rows[i].takes, "row %zu", i);
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("rule");
	TCase *tc = tcase_create("table");

	suite_add_tcase(suite, tc);
	tcase_add_test(tc, sound_table_passes);
	tcase_add_test(tc, empty_table_passes);
	tcase_add_test(tc, mixed_families_and_kept_marks_pass);
	tcase_add_test(tc, a_source_is_one_address_or_a_prefix);
	tcase_add_loop_test(tc, question_and_abort_agree, 0, 12);
	tcase_add_loop_test_raise_signal(tc, damaged_flow_aborts, SIGABRT, 0, 10);
	tcase_add_loop_test_raise_signal(tc, damaged_output_aborts, SIGABRT, 0, 13);

	SRunner *runner = srunner_create(suite);

	srunner_run_all(runner, CK_ENV);

	int failed = srunner_ntests_failed(runner);

	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
