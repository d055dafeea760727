/* check_hop.c - routes and neighbours as the kernel has them, in a host of the test's own. */
#include "src/fastpath/hop.h"

#include <check.h>
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/neighbour.h>
#include <net/if.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>

#include "tests/unit/sock_help.h"

static struct mnl_socket *asker;

static void set_up(void)
{
	net_make();
	asker = hop_open();
	ck_assert_ptr_nonnull(asker);
}

static void tear_down(void)
{
	mnl_socket_close(asker);
}

static struct hop reach(const char *ip, const char *ifname)
{
	struct addr to = addr_of(ip);
	struct hop hop;

	hop_reach(asker, &to, ifname ? if_nametoindex(ifname) : 0, &hop);
	return hop;
}

/* Bounded; each round asks the kernel again. */
static struct hop reach_known(const char *ip)
{
	struct hop hop = reach(ip, NULL);

	for (int i = 0; i < 300000 && !hop_is_known(&hop); i++) {
		(void)poll(NULL, 0, 1);
		hop = reach(ip, NULL);
	}
	return hop;
}

START_TEST(neighbour_is_known_once_it_was_used)
{
	struct hop hop = reach("10.2.0.1", NULL);

	ck_assert_int_eq(hop.way, HOP_NEIGHBOUR);
	ck_assert_uint_eq(hop.ifindex, if_nametoindex("b1"));
	ck_assert_uint_eq(hop.mtu, 0);
	ck_assert(!hop_is_known(&hop));
	ck_assert(!hop_is_fresh(&hop));
	ck_assert_int_eq(hop_use(asker, &hop), 0);
	hop = reach_known("10.2.0.1");
	ck_assert(hop_is_known(&hop));
	ck_assert(hop_is_fresh(&hop));
}
END_TEST

START_TEST(neighbour_that_nobody_is_fails)
{
	struct hop hop = reach("10.2.0.77", NULL);

	ck_assert_int_eq(hop_use(asker, &hop), 0);
	for (int i = 0; i < 50; i++) {
		hop = reach("10.2.0.77", NULL);
		ck_assert(!hop_is_known(&hop));
		(void)poll(NULL, 0, 1);
	}
}
END_TEST

START_TEST(neighbour_that_was_set_stays_as_it_is)
{
	struct hop hop;

	net_ip("neigh replace 10.2.0.1 lladdr 02:00:00:00:00:05 dev b1 nud permanent\n");
	hop = reach("10.2.0.1", NULL);
	ck_assert(hop_is_known(&hop));
	ck_assert_int_eq(hop_use(asker, &hop), 0);
	hop = reach("10.2.0.1", NULL);
	ck_assert_int_eq(hop.state, NUD_PERMANENT);
	ck_assert_uint_eq(hop.mac[5], 5);
	/* One that has grown old is asked. */
	net_ip("neigh replace 10.2.0.1 lladdr 02:00:00:00:00:05 dev b1 nud stale\n");
	hop = reach("10.2.0.1", NULL);
	ck_assert(hop_is_known(&hop));
	ck_assert(!hop_is_fresh(&hop));
	ck_assert_int_eq(hop_use(asker, &hop), 0);
	hop = reach("10.2.0.1", NULL);
	ck_assert(hop_is_known(&hop));
	ck_assert(hop_is_fresh(&hop));
}
END_TEST

START_TEST(route_says_gateway_interface_and_mtu)
{
	struct addr gateway = addr_of("10.2.0.1"), gateway6 = addr_of("fd00:2::1");
	struct hop hop;

	net_ip("route add 10.99.0.0/16 via 10.2.0.1 mtu 1400\n"
	       "route add fd99::/64 via fd00:2::1\n"
	       "route add 10.98.0.0/16 via inet6 fd00:2::1 dev b1\n");
	hop = reach("10.99.1.1", NULL);
	ck_assert_int_eq(hop.way, HOP_NEIGHBOUR);
	ck_assert(addr_equal(&hop.addr, &gateway));
	ck_assert_uint_eq(hop.mtu, 1400);
	hop = reach("fd99::1", NULL);
	ck_assert_int_eq(hop.way, HOP_NEIGHBOUR);
	ck_assert(addr_equal(&hop.addr, &gateway6));
	hop = reach("10.98.1.1", "b1");
	ck_assert_int_eq(hop.way, HOP_NEIGHBOUR);
	ck_assert(addr_equal(&hop.addr, &gateway6));
	ck_assert_uint_eq(hop.ifindex, if_nametoindex("b1"));
}
END_TEST

/* The kernel chooses among them by more than we ask for, the sender's address for one. */
START_TEST(one_of_several_next_hops_is_not_known)
{
	net_ip("route add 10.99.0.0/16 nexthop via 10.2.0.1 nexthop via 10.2.0.7\n"
	       "route add fd99::/64 nexthop via fd00:2::1 nexthop via fd00:2::7\n"
	       "nexthop add id 7 via 10.2.0.1 dev b1\n"
	       "route add 10.96.0.0/16 nhid 7\n"
	       "nexthop add id 8 via 10.2.0.7 dev b1\n"
	       "nexthop add id 9 group 7/8\n"
	       "route add 10.95.0.0/16 nhid 9\n");
	ck_assert_int_eq(reach("10.99.1.1", NULL).way, HOP_SEVERAL);
	ck_assert_int_eq(reach("fd99::1", NULL).way, HOP_SEVERAL);
	ck_assert_int_eq(reach("10.96.1.1", NULL).way, HOP_NEIGHBOUR);
	ck_assert_int_eq(reach("10.95.1.1", NULL).way, HOP_SEVERAL);
}
END_TEST

START_TEST(rules_that_ask_for_more_than_the_destination_are_seen)
{
	static const char *const rules[] = {
		"from 10.2.0.2",      "fwmark 5",    "not fwmark 0xca6c",     "dsfield 0x10",
		"uidrange 1000-2000", "ipproto udp", "ipproto udp dport 5000"};
	char line[128];

	ck_assert_int_eq(hop_has_policy(asker, AF_INET), 0);
	ck_assert_int_eq(hop_has_policy(asker, AF_INET6), 0);
	net_ip("rule add to 10.99.0.0/16 lookup 100\nrule add oif b1 lookup 100\n");
	ck_assert_int_eq(hop_has_policy(asker, AF_INET), 0);
	for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++) {
		snprintf(line, sizeof(line), "rule add pref 99 %s lookup 100\n", rules[i]);
		net_ip(line);
		ck_assert_msg(hop_has_policy(asker, AF_INET) == 1, "%s", rules[i]);
		net_ip("rule del pref 99\n");
		ck_assert_int_eq(hop_has_policy(asker, AF_INET), 0);
	}
	ck_assert_int_eq(system("ip -6 rule add from fd00:2::2 lookup 100"), 0);
	ck_assert_int_eq(hop_has_policy(asker, AF_INET6), 1);
	ck_assert_int_eq(hop_has_policy(asker, AF_INET), 0);
}
END_TEST

START_TEST(ways_that_lead_to_no_neighbour)
{
	struct addr nowhere = addr_of("10.97.0.1"), own = addr_of("10.2.0.2");
	struct hop hop;

	ck_assert_int_eq(reach("10.2.0.2", NULL).way, HOP_HERE);
	ck_assert_int_eq(reach("127.0.0.1", NULL).way, HOP_HERE);
	ck_assert_int_eq(reach("10.2.0.255", NULL).way, HOP_HERE);
	ck_assert_int_eq(reach("255.255.255.255", "b1").way, HOP_HERE);
	ck_assert_int_eq(reach("fd00:2::2", NULL).way, HOP_HERE);
	ck_assert_int_eq(reach("10.97.0.1", NULL).way, HOP_NOWHERE);
	ck_assert_int_eq(reach("fd97::1", NULL).way, HOP_NOWHERE);
	ck_assert_int_eq(hop_find(asker, &own, 0, &hop), -ENOENT);
	ck_assert_int_eq(hop_find(asker, &nowhere, 0, &hop), -ENETUNREACH);
}
END_TEST

static Suite *hop_suite(void)
{
	Suite *suite = suite_create("hop");
	TCase *tcase = tcase_create("hop");

	tcase_add_checked_fixture(tcase, set_up, tear_down);
	tcase_set_timeout(tcase, 600);
	tcase_add_test(tcase, neighbour_is_known_once_it_was_used);
	tcase_add_test(tcase, neighbour_that_nobody_is_fails);
	tcase_add_test(tcase, neighbour_that_was_set_stays_as_it_is);
	tcase_add_test(tcase, route_says_gateway_interface_and_mtu);
	tcase_add_test(tcase, one_of_several_next_hops_is_not_known);
	tcase_add_test(tcase, rules_that_ask_for_more_than_the_destination_are_seen);
	tcase_add_test(tcase, ways_that_lead_to_no_neighbour);
	suite_add_tcase(suite, tcase);
	return suite;
}

int main(void)
{
	SRunner *runner;
	int failed;

	if (!net_possible()) {
		return 77;
	}
	runner = srunner_create(hop_suite());
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? 0 : 1;
}
