/* check_index.c - a flow is found by where it is heard and from whom, wherever its rule stands. */
#include "src/rules/index.h"

#include <check.h>
#include <stdlib.h>

static struct conf conf;
static struct conf_index all;

static void add_rule(const char *text)
{
	struct err err;

	ck_assert_msg(conf_add_rule(&conf, text, "--rule", &err) == 0, "%s", err.text);
}

static void teardown(void)
{
	conf_index_free(&all);
	conf_free(&conf);
}

START_TEST(each_flow_is_found_and_nothing_else)
{
	struct rule_ingress other;

	add_rule("239.9.0.0/24%eth0:5000-5003 -> 239.2.0.0/24%eth1:6000-6003");
	add_rule("239.1.1.1%eth0:5000 -> 239.2.2.2%eth1:6000");
	add_rule("239.1.1.1%eth1:5000 -> 239.2.2.2%eth0:6000");
	add_rule("10.0.0.1@239.1.1.1%eth0:5000 -> 239.2.2.2%eth1:7000");
	add_rule("[ff3e::1%eth0]:5000 -> [ff3e::2%eth1]:6000");
	ck_assert_int_eq(conf_index_build(&conf, &all), 0);
	for (uint32_t i = 0; i < conf.flow_count; i++) {
		struct rule_ingress in = conf.flows[i].in;

		in.gro = 1; /* how it is received makes it no other flow */
		in.pool_class = 2;
		ck_assert_ptr_eq(conf_index_find(&all, &in), &conf.flows[i]);
	}
	other = conf.flows[0].in;
	other.at.addr.port = 1;
	ck_assert_ptr_null(conf_index_find(&all, &other));
	other = conf.flows[0].in;
	other.at.ifname[0] = 'x';
	ck_assert_ptr_null(conf_index_find(&all, &other));
	other = conf.flows[0].in;
	ck_assert_int_eq(addr_parse_ip("10.0.0.9", &other.source), 0);
	ck_assert_ptr_null(conf_index_find(&all, &other));
}
END_TEST

START_TEST(of_nothing_nothing_is_found)
{
	struct rule_ingress in = {0};

	ck_assert_int_eq(conf_index_build(&conf, &all), 0);
	ck_assert_ptr_null(conf_index_find(&all, &in));
}
END_TEST

START_TEST(flows_of_one_unicast_port_are_marked)
{
	static const char *const rules[] = {"10.0.0.1@192.0.2.1:1 -> 239.2.2.2%e:1",
					    "192.0.2.1:1 -> 239.2.2.2%e:1",
					    "192.0.2.1:2 -> 239.2.2.2%e:1",
					    "192.0.2.2%e:1 -> 239.2.2.2%e:1",
					    "10.0.0.1@239.1.1.1%e:1 -> 239.2.2.2%e:1",
					    "10.0.0.2@239.1.1.1%e:1 -> 239.2.2.2%e:1"};

	for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++) {
		struct err err;

		ck_assert_int_eq(conf_add_rule(&conf, rules[i], "here", &err), 0);
	}
	ck_assert_int_eq(conf_mark_shared(&conf), 0);
	for (uint32_t i = 0; i < conf.flow_count; i++) {
		ck_assert_msg(conf.flows[i].in.shared == (i < 2), "%s", rules[i]);
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("index");
	SRunner *runner = srunner_create(suite);
	TCase *tc = tcase_create("index");
	int failed;

	tcase_add_checked_fixture(tc, NULL, teardown);
	tcase_add_test(tc, each_flow_is_found_and_nothing_else);
	tcase_add_test(tc, flows_of_one_unicast_port_are_marked);
	tcase_add_test(tc, of_nothing_nothing_is_found);
	suite_add_tcase(suite, tc);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
