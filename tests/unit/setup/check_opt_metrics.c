/* check_opt_metrics.c - where --metrics listens, and by which names it answers, as it is written.
 */
#include <check.h>
#include <errno.h>
#include <string.h>

#include "src/setup/options.h"
#include "src/setup/options_value.h"

static const struct cli_row row = {CLI_AT(struct opt, metrics)};
static struct opt opt;
static struct err err;
static char text[ADDR_TEXT_MAX];

static const char *taken(const char *value)
{
	ck_assert_int_eq(options_read_metrics(&row, &opt, value), 0);
	return addr_format(&opt.metrics, text);
}

START_TEST(metrics_listen_at_the_loopback_unless_told_otherwise)
{
	ck_assert_str_eq(taken("9469"), "127.0.0.1:9469");
	ck_assert_str_eq(taken(":9470"), "127.0.0.1:9470");
	ck_assert_str_eq(taken("0.0.0.0:1"), "0.0.0.0:1");
	ck_assert_str_eq(taken("[::]:80"), "[::]:80");
	ck_assert_str_eq(taken("[2001:db8::5]:65535"), "[2001:db8::5]:65535");
	(void)taken("off");
	ck_assert_uint_eq(opt.metrics.family, 0);
}
END_TEST

START_TEST(metrics_address_that_is_none_is_refused)
{
	static const char *const wrong[] = {
		"",
		"0",
		"65536",
		"x:1",
		"127.0.0.1:",
		"::1:9469",
		"[::1]",
		"on",
		"[127.0.0.1]:1",
		"127.0.0.1",
		"239.1.1.1:1",
		"[ff02::1]:1",
		"1.2.3.4:x",
		"[::1]:",
		"localhost:9469",
		"[]:1",
		"::1",
		"[::1%lo]:1",
		"255.255.255.255:1",
	};

	(void)taken("9469");
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		ck_assert_msg(options_read_metrics(&row, &opt, wrong[i]) == -EINVAL, "taken: %s",
			      wrong[i]);
		ck_assert_uint_eq(opt.metrics.port, 9469);
	}
}
END_TEST

static int parse(const char *names)
{
	const char *argv[] = {"numacastd",      "--check",
			      "--rule",         "239.1.1.1%eth0:5000 -> 239.2.2.2%eth1:6000",
			      "--metrics-host", names};

	options_free(&opt);
	return options_parse(sizeof(argv) / sizeof(argv[0]), (char **)argv, &opt, &err);
}

START_TEST(names_of_hosts_are_taken_as_written)
{
	static const char *const names[] = {"any", "relay", "relay1.example",
					    "a-b.example,C,d_e.f"};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		ck_assert_msg(parse(names[i]) == 0, "%s", err.text);
		ck_assert_str_eq(opt.metrics_host, names[i]);
	}
	options_free(&opt);
}
END_TEST

START_TEST(what_is_no_name_of_a_host_is_refused_by_itself)
{
	static const char *const wrong[] = {
		",",         "relay,", ",relay", "relay:9469", "http://relay", "a b",
		"192.0.2.1", "a,*,b",  "[::1]",  "relay.,b",   "a,,b"};

	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		ck_assert_msg(parse(wrong[i]) == -EINVAL, "taken: %s", wrong[i]);
		ck_assert_msg(strstr(err.text, "is no name of a host; expected") != NULL, "%s",
			      err.text);
	}
	ck_assert_int_eq(parse("a,b c,d"), -EINVAL);
	ck_assert_msg(strncmp(err.text, "--metrics-host: `b c' is", 24) == 0, "%s", err.text);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("opt_metrics");
	TCase *tc = tcase_create("opt_metrics");
	SRunner *runner = srunner_create(suite);
	int failed;

	suite_add_tcase(suite, tc);
	tcase_add_test(tc, metrics_listen_at_the_loopback_unless_told_otherwise);
	tcase_add_test(tc, metrics_address_that_is_none_is_refused);
	tcase_add_test(tc, names_of_hosts_are_taken_as_written);
	tcase_add_test(tc, what_is_no_name_of_a_host_is_refused_by_itself);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
