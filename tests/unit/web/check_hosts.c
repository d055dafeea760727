/* check_hosts.c - by which names a browser may ask, here and elsewhere than at the loopback. */
#include "src/web/hosts.h"

#include <check.h>
#include <stddef.h>

static struct hosts hosts;

static void teardown(void)
{
	hosts_free(&hosts);
}

static void listen_at(const char *ip, const char *names)
{
	struct addr at;

	hosts_free(&hosts);
	ck_assert_int_eq(addr_parse_ip(ip, &at), 0);
	ck_assert_int_eq(hosts_init(&hosts, &at, names), 0);
}

static void expect(bool allowed, const char *const *asked, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		ck_assert_msg(hosts_allow(&hosts, asked[i]) == allowed, "%s: `%s'",
			      allowed ? "refused" : "allowed", asked[i]);
	}
}

static const char *const ours[] = {
	"localhost",       "localhost:9469", "LocalHost",      "localhost.", "relay.localhost:1",
	"127.0.0.1",       "127.9.9.9:1",    "192.0.2.1:9469", "[::1]",      "[::1]:9469",
	"[2001:db8::5]:1",
};
static const char *const foreign[] = {
	"evil.example",
	"evil.example:9469",
	"localhost.evil.example",
	"127.0.0.1.evil.example",
	"evil-localhost",
	"notlocalhost",
	"[::1].evil.example",
	"[evil.example]",
	"[::1",
	"::1",
	"",
	":9469",
	"localhost@evil",
	"127.0.0.1@evil",
	"127.0.0.1 evil",
	"127.0.0.256",
	"[127.0.0.1]",
	".",
	".localhost.evil",
	"127.1",
	"[0:0:0:0:0:0:0:0:0:0:0:0:0:0:0:0:0:0:0:0:0:0:0:0:0:0:0:0:0:0:0:1]",
};

#define COUNT(list) (sizeof(list) / sizeof((list)[0]))

START_TEST(at_the_loopback_only_what_no_dns_can_turn_here_is_answered)
{
	static const char *const at[] = {"127.0.0.1", "127.1.2.3", "::1"};

	for (size_t i = 0; i < COUNT(at); i++) {
		listen_at(at[i], NULL);
		expect(true, ours, COUNT(ours));
		expect(false, foreign, COUNT(foreign));
		ck_assert(hosts_allow(&hosts, NULL));
	}
}
END_TEST

START_TEST(elsewhere_any_name_is_answered_unless_some_are_given)
{
	static const char *const at[] = {"192.0.2.1", "0.0.0.0", "::", "2001:db8::1"};

	for (size_t i = 0; i < COUNT(at); i++) {
		listen_at(at[i], NULL);
		expect(true, ours, COUNT(ours));
		expect(true, foreign, COUNT(foreign));
		listen_at(at[i], "relay.example");
		expect(true, ours, COUNT(ours));
		expect(false, foreign, COUNT(foreign));
	}
	listen_at("127.0.0.1", "any");
	expect(true, foreign, COUNT(foreign));
}
END_TEST

START_TEST(names_that_were_given_are_answered_and_no_part_of_them)
{
	static const char *const named[] = {"relay.example", "Relay.Example.:9469", "b", "B:1",
					    "third.example"};
	static const char *const others[] = {"relay",
					     "relay.exampl",
					     "relay.examplee",
					     "x.relay.example",
					     "relay.example,b",
					     "b.third.example",
					     ",",
					     "relay.example..",
					     "any"};

	listen_at("::1", "relay.example,b,Third.example");
	expect(true, ours, COUNT(ours));
	expect(true, named, COUNT(named));
	expect(false, others, COUNT(others));
	expect(false, foreign, COUNT(foreign));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("hosts");
	TCase *tc = tcase_create("hosts");
	SRunner *runner = srunner_create(suite);
	int failed;

	suite_add_tcase(suite, tc);
	tcase_add_checked_fixture(tc, NULL, teardown);
	tcase_add_test(tc, at_the_loopback_only_what_no_dns_can_turn_here_is_answered);
	tcase_add_test(tc, elsewhere_any_name_is_answered_unless_some_are_given);
	tcase_add_test(tc, names_that_were_given_are_answered_and_no_part_of_them);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
