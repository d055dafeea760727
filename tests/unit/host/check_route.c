/* check_route.c - what the kernel of this host answers about routes and offloads. */
#include "src/host/route.h"

#include <check.h>
#include <errno.h>
#include <net/if.h>
#include <stdlib.h>

#include "src/setup/ethtool.h"

static struct route ask(const char *to)
{
	struct route route = {0};
	struct addr addr;

	ck_assert_int_eq(addr_parse_ip(to, &addr), 0);
	ck_assert_int_eq(route_ask(&addr, &route), 0);
	return route;
}

START_TEST(loopback_addresses_are_local)
{
	struct route route = ask("127.0.0.1");

	ck_assert_int_eq(route.error, 0);
	ck_assert(route.local);
	ck_assert(!route.unicast);
	ck_assert(route_uses(&route, if_nametoindex("lo")));
	ck_assert(!route_uses(&route, 0));
}
END_TEST

START_TEST(unroutable_addresses_are_an_answer)
{
	/* Reserved (RFC 1112): refused whatever routes there are. */
	struct route route = ask("240.0.0.1");

	ck_assert(route.error != 0 || !route.local);
	ck_assert(!route_uses(&route, if_nametoindex("lo")));
}
END_TEST

START_TEST(routes_by_an_interface_are_counted_over_all_tables)
{
	ck_assert_int_ge(route_count_by(if_nametoindex("lo")), 0);
	ck_assert_int_eq(route_count_by(1 << 30), 0);
}
END_TEST

START_TEST(loopback_knows_its_offloads)
{
	struct ethtool_features features;

	ck_assert_int_eq(ethtool_read("lo", &features), 0);
	ck_assert(features.known);
	ck_assert(features.checksum_v4);
	ck_assert(features.checksum_v6);
	ck_assert(features.gso);
}
END_TEST

START_TEST(absent_interfaces_know_nothing)
{
	struct ethtool_features features = {.known = true};

	ck_assert_int_eq(ethtool_read("nosuch0", &features), -ENODEV);
	ck_assert(!features.known);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("route");
	TCase *tcase = tcase_create("answers");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_test(tcase, loopback_addresses_are_local);
	tcase_add_test(tcase, unroutable_addresses_are_an_answer);
	tcase_add_test(tcase, routes_by_an_interface_are_counted_over_all_tables);
	tcase_add_test(tcase, loopback_knows_its_offloads);
	tcase_add_test(tcase, absent_interfaces_know_nothing);
	suite_add_tcase(suite, tcase);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
