/* check_privileges.c - which capabilities rules and options ask for, and which reload asks for more
 * than is left.
 */
#include "src/setup/privileges.h"

#include <check.h>
#include <errno.h>
#include <linux/capability.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#define ALL   UINT64_MAX
#define RAW   PRIVILEGE(CAP_NET_RAW)
#define ADMIN PRIVILEGE(CAP_NET_ADMIN)
#define PORTS PRIVILEGE(CAP_NET_BIND_SERVICE)

static struct opt opt;
static struct privileges asked;
static struct err err;

/* Options with one rule, and with buffers that every host gives. */
static void read_options(const char *rule, const char *option, const char *value)
{
	const char *argv[] = {"numacastd", "--rcvbuf", "1K",   "--sndbuf", "1K",
			      "--rule",    rule,       option, value,      NULL};

	options_free(&opt);
	ck_assert_msg(options_parse(option ? 9 : 7, (char **)argv, &opt, &err) == 0, "%s",
		      err.text);
}

static uint64_t asked_by(const char *rule)
{
	read_options(rule, NULL, NULL);
	privileges_asked(&opt, ALL, &asked);
	ck_assert_uint_eq(asked.start, asked.running);
	return asked.running;
}

static void teardown(void)
{
	options_free(&opt);
}

START_TEST(an_ordinary_rule_asks_for_nothing)
{
	ck_assert_uint_eq(asked_by("239.1.1.1%in0:5000 -> 239.2.2.2%out0:6000 priority=6"), 0);
	ck_assert_uint_eq(asked_by("[ff3e::1%in0]:5000 -> 10.1.1.1:6000 sport=7000"), 0);
}
END_TEST

START_TEST(each_key_asks_for_its_own)
{
	ck_assert_uint_eq(asked_by("239.1.1.1%i:5000 -> 239.2.2.2%o:6000 src=keep"), RAW);
	ck_assert_uint_eq(asked_by("239.1.1.1%i:5000 -> 239.2.2.2%o:6000 src=keep sport=keep"),
			  RAW);
	ck_assert_uint_eq(asked_by("239.1.1.1%i:5000 -> 239.2.2.2%o:6000 priority=7"), RAW);
	ck_assert_uint_eq(asked_by("239.1.1.1%i:500 -> 239.2.2.2%o:6000"), PORTS);
	ck_assert_uint_eq(asked_by("239.1.1.1%i:5000 -> 239.2.2.2%o:600"), 0);
	ck_assert_uint_eq(asked_by("239.1.1.1%i:5000 -> 239.2.2.2%o:6000 sport=600 priority=7"),
			  PORTS | RAW);
}
END_TEST

/* Of two that would do the one that is there; sport=keep has no choice. */
START_TEST(what_is_there_is_chosen)
{
	read_options("239.1.1.1%i:5000 -> 239.2.2.2%o:6000 src=keep priority=7", NULL, NULL);
	privileges_asked(&opt, ADMIN | PORTS, &asked);
	ck_assert_uint_eq(asked.running, ADMIN);
	privileges_asked(&opt, 0, &asked);
	ck_assert_uint_eq(asked.running, 0);
}
END_TEST

START_TEST(options_ask_too)
{
	static const char rule[] = "239.1.1.1%i:5000 -> 239.2.2.2%o:6000";

	read_options(rule, "--fastpath", "auto");
	privileges_asked(&opt, ALL, &asked);
	ck_assert_uint_eq(asked.running, ADMIN | PRIVILEGE(CAP_BPF));
	read_options(rule, "--privileges", "net_raw,sys_admin");
	privileges_asked(&opt, ALL, &asked);
	ck_assert_uint_eq(asked.running, RAW | PRIVILEGE(CAP_SYS_ADMIN));
	opt.privileges = 0;
	opt.rcvbuf_bytes = 1U << 30; /* above rmem_max of any host */
	privileges_asked(&opt, ALL, &asked);
	ck_assert_uint_eq(asked.running, ADMIN);
}
END_TEST

START_TEST(a_port_of_metrics_is_for_the_start_alone)
{
	read_options("239.1.1.1%i:5000 -> 239.2.2.2%o:6000", NULL, NULL);
	opt.metrics = (struct addr){.family = AF_INET, .port = 80};
	privileges_asked(&opt, ALL, &asked);
	ck_assert_uint_eq(asked.running, 0);
	ck_assert_uint_eq(asked.start, PORTS);
}
END_TEST

START_TEST(rings_ask_until_they_are_open_where_no_limit_can_be_lifted)
{
	struct rlimit limited = {.rlim_cur = 1 << 20, .rlim_max = 1 << 20};
	uint64_t locks = PRIVILEGE(CAP_IPC_LOCK);

	ck_assert_int_eq(setrlimit(RLIMIT_MEMLOCK, &limited), 0);
	read_options("239.1.1.1%i:5000 -> 239.2.2.2%o:6000", NULL, NULL);
	privileges_asked(&opt, locks, &asked);
	ck_assert_uint_eq(asked.running, 0);
	ck_assert_uint_eq(asked.rings, locks);
	ck_assert_uint_eq(asked.start, locks);
	privileges_asked(&opt, locks | PRIVILEGE(CAP_SYS_RESOURCE), &asked); /* which lifts it */
	ck_assert_uint_eq(asked.start, 0);
	privileges_asked(&opt, ADMIN, &asked);
	ck_assert_uint_eq(asked.start, 0);
}
END_TEST

START_TEST(who_stands_by_for_unicast_resolves_ahead)
{
	read_options("239.1.1.1%i:5000 -> 10.1.1.1:6000", "--config", "/dev/null");
	opt.standby = true;
	privileges_asked(&opt, ALL, &asked);
	ck_assert_uint_eq(asked.running, ADMIN);
	read_options("239.1.1.1%i:5000 -> 239.2.2.2%o:6000", "--config", "/dev/null");
	opt.standby = true;
	privileges_asked(&opt, ALL, &asked);
	ck_assert_uint_eq(asked.running, 0);
}
END_TEST

START_TEST(who_may_wait_for_its_source_resolves_ahead)
{
	ck_assert_uint_eq(asked_by("239.1.1.1%i:5000 -> 10.1.1.1:6000 src=10.1.1.2"), ADMIN);
	ck_assert_uint_eq(asked_by("239.1.1.1%i:5000 -> 239.2.2.2%o:6000 src=10.1.1.2"), 0);
}
END_TEST

START_TEST(what_was_given_up_needs_a_restart)
{
	read_options("239.1.1.1%i:5000 -> 239.2.2.2%o:6000 src=keep", NULL, NULL);
	ck_assert_int_eq(privileges_check(&opt, ALL, RAW, &err), 0);
	ck_assert_int_eq(privileges_check(&opt, ALL, ADMIN, &err), 0);
	ck_assert_int_eq(privileges_check(&opt, 0, 0, &err), 0); /* opening says what is missing */
	ck_assert_int_eq(privileges_check(&opt, ALL, PORTS, &err), -EPERM);
	ck_assert_ptr_nonnull(strstr(err.text, "rule1: src=keep needs a restart"));
	ck_assert_ptr_nonnull(strstr(err.text, "(net_admin,net_raw)"));
}
END_TEST

START_TEST(names_are_read_strictly)
{
	char text[PRIVILEGES_TEXT_MAX];
	uint64_t set = 7;

	ck_assert_int_eq(privileges_parse("net_raw,", &set), -EINVAL);
	ck_assert_int_eq(privileges_parse("", &set), -EINVAL);
	ck_assert_int_eq(privileges_parse("net_raw,net_raw", &set), -EINVAL);
	ck_assert_int_eq(privileges_parse("CAP_NET_RAW", &set), -EINVAL);
	ck_assert_int_eq(privileges_parse("net_raw,setuid", &set), -EINVAL);
	ck_assert_uint_eq(set, 7);
	ck_assert_int_eq(privileges_parse("bpf,net_raw", &set), 0);
	ck_assert_uint_eq(set, RAW | PRIVILEGE(CAP_BPF));
	ck_assert_str_eq(privileges_format(set, text), "net_raw,bpf");
	ck_assert_str_eq(privileges_format(0, text), "none");
}
END_TEST

int main(void)
{
	Suite *s = suite_create("privileges");
	TCase *tc = tcase_create("privileges");
	SRunner *sr = srunner_create(s);
	int failed;

	tcase_add_checked_fixture(tc, NULL, teardown);
	tcase_add_test(tc, an_ordinary_rule_asks_for_nothing);
	tcase_add_test(tc, each_key_asks_for_its_own);
	tcase_add_test(tc, what_is_there_is_chosen);
	tcase_add_test(tc, options_ask_too);
	tcase_add_test(tc, a_port_of_metrics_is_for_the_start_alone);
	tcase_add_test(tc, who_stands_by_for_unicast_resolves_ahead);
	tcase_add_test(tc, rings_ask_until_they_are_open_where_no_limit_can_be_lifted);
	tcase_add_test(tc, who_may_wait_for_its_source_resolves_ahead);
	tcase_add_test(tc, what_was_given_up_needs_a_restart);
	tcase_add_test(tc, names_are_read_strictly);
	suite_add_tcase(s, tc);
	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed == 0 ? 0 : 1;
}
