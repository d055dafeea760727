/* check_opt_edit.c - options that are edited while they run keep what they are not told to change.
 */
#include "src/setup/options.h"

#include <check.h>
#include <errno.h>
#include <string.h>

#define ONE "239.1.1.1%eth0:5000 -> 239.2.2.1%eth1:6000"
#define TWO "239.1.1.2%eth0:5000 name=two -> 239.2.2.2%eth1:6000"

static char *argv[] = {(char *)"numacastd", (char *)"--rule", (char *)ONE,   (char *)"--rule",
		       (char *)TWO,         (char *)"--cpus", (char *)"0-2", (char *)"--user",
		       (char *)"somebody",  (char *)"--spin", (char *)"7"};
#define ARGC ((int)(sizeof(argv) / sizeof(argv[0])))

static struct opt running, opt;
static struct err err;

static void setup(void)
{
	ck_assert_int_eq(options_parse(ARGC, argv, &running, &err), 0);
}

static void teardown(void)
{
	options_free(&running);
}

START_TEST(copy_has_all_but_the_rules_and_memory_of_its_own)
{
	ck_assert_int_eq(options_copy(&running, &opt, &err), 0);
	ck_assert_uint_eq(opt.conf.rule_count, 0);
	ck_assert_uint_eq(opt.cpus_count, 3);
	ck_assert_int_eq(opt.cpus_os[2], 2);
	ck_assert_ptr_ne(opt.cpus_os, running.cpus_os);
	ck_assert_str_eq(opt.user, "somebody");
	ck_assert_ptr_ne(opt.user, running.user);
	ck_assert_ptr_null(opt.exit_report);
	ck_assert_uint_eq(opt.waits.spin_us, 7);
	options_free(&opt);
}
END_TEST

START_TEST(rules_that_are_taken_over_keep_their_names)
{
	ck_assert_int_eq(options_take_rule(&opt.conf, &running.conf.rules[1], &err), 0);
	ck_assert_int_eq(options_take_rule(&opt.conf, &running.conf.rules[0], &err), 0);
	ck_assert_str_eq(opt.conf.rules[0].name, "two");
	ck_assert_str_eq(opt.conf.rules[1].name, "rule1");
	ck_assert_str_eq(opt.conf.rules[1].where, "--rule 1");
	conf_free(&opt.conf);
}
END_TEST

START_TEST(rule_without_a_name_gets_one_that_nobody_has)
{
	struct conf aside = {0};

	ck_assert_int_eq(options_take_rule(&opt.conf, &running.conf.rules[1], &err), 0);
	ck_assert_int_eq(
		conf_add_rule(&aside, "239.1.1.5%eth0:5000 name=rule2 -> 192.0.2.1:5", "x", &err),
		0);
	ck_assert_int_eq(options_add_rule(&opt.conf, &aside, "239.1.1.6%eth0:5000 -> 192.0.2.1:5",
					  "add", &err),
			 0);
	ck_assert_str_eq(opt.conf.rules[1].name, "rule3");
	ck_assert_int_eq(options_add_rule(&opt.conf, &aside,
					  "239.1.1.7%eth0:5000 name=mine -> 192.0.2.1:5", "add",
					  &err),
			 0);
	ck_assert_str_eq(opt.conf.rules[2].name, "mine");
	ck_assert_int_eq(options_add_rule(&opt.conf, &aside, "nonsense", "add", &err), -EINVAL);
	ck_assert_ptr_eq(strstr(err.text, "add: "), err.text);
	ck_assert_uint_eq(opt.conf.rule_count, 3);
	conf_free(&opt.conf);
	conf_free(&aside);
}
END_TEST

START_TEST(text_stands_in_the_place_of_files_and_rules_and_the_command_line_wins)
{
	struct options_text text = {.name = "new.conf", .text = "rule " TWO "\nspin 9\ngso off\n"};

	text.len = strlen(text.text);
	ck_assert_int_eq(options_parse_instead(ARGC, argv, &text, &opt, &err), 0);
	ck_assert_uint_eq(opt.conf.rule_count, 1);
	ck_assert_str_eq(opt.conf.rules[0].name, "two");
	ck_assert_uint_eq(opt.waits.spin_us, 7);
	ck_assert_int_eq(opt.gso, OPT_OFF);
	ck_assert_str_eq(opt.user, "somebody");
	options_free(&opt);
	text.text = "\nspin often\n";
	text.len = strlen(text.text);
	ck_assert_int_eq(options_parse_instead(ARGC, argv, &text, &opt, &err), -EINVAL);
	ck_assert_ptr_eq(strstr(err.text, "new.conf:2: "), err.text);
	text.len = 0; /* no rule */
	ck_assert_int_eq(options_parse_instead(ARGC, argv, &text, &opt, &err), -EINVAL);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("opt_edit");
	TCase *tc = tcase_create("opt_edit");
	SRunner *runner = srunner_create(suite);
	int failed;

	suite_add_tcase(suite, tc);
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, copy_has_all_but_the_rules_and_memory_of_its_own);
	tcase_add_test(tc, rules_that_are_taken_over_keep_their_names);
	tcase_add_test(tc, rule_without_a_name_gets_one_that_nobody_has);
	tcase_add_test(tc, text_stands_in_the_place_of_files_and_rules_and_the_command_line_wins);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
