/* check_reasons.c - what is amiss, in words and in order. */
#include "src/run/reasons.h"

#include <arpa/inet.h>
#include <check.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <string.h>

#include "tests/unit/run/supervisor_rig.h"

static struct sup_rig rig;
static char told[8192];
static uint32_t count;

static void take(void *context, const char *text)
{
	ck_assert_ptr_eq(context, &rig);
	ck_assert_uint_lt(strlen(told) + strlen(text) + 2, sizeof(told));
	strcat(strcat(told, text), "\n");
	count++;
}

static uint32_t tell(void)
{
	count = 0;
	told[0] = '\0';
	return reasons_tell(&rig.sup, take, &rig);
}

static void setup(void)
{
	sup_rig_open(&rig);
	ck_assert_int_eq(gate_init(&rig.sup.gate), 0);
}

static void teardown(void)
{
	gate_free(&rig.sup.gate);
	sup_rig_close(&rig);
}

START_TEST(nothing_is_told_when_nothing_is_amiss)
{
	ck_assert_uint_eq(tell(), 0);
	ck_assert_uint_eq(count, 0);
}
END_TEST

START_TEST(failures_come_first_and_are_counted)
{
	struct pending_item item = {.token = 1, .is_output = true};

	err_set(&item.why, "no such interface");
	rig.sup.links.pending = (struct pending){.sup = &rig.sup, .items = &item, .count = 1};
	rig.worker.placement.cpu_told = true;
	rig.worker.cpu_os = 3;
	rig.worker.rc = -5;
	err_set(&rig.worker.err, "shard 0: ring failed");
	ck_assert_uint_eq(tell(), 1);
	ck_assert_str_eq(told, "shard 0: ring failed\n"
			       "shard 0: its thread is not on cpu 3\n"
			       "output 239.2.2.2%eth1:6000: pending: no such interface\n");
}
END_TEST

START_TEST(link_that_is_down_is_told_of_those_that_do_not_wait)
{
	struct ifwatch_link link = {.ifindex = 7};

	rig.sup.links.watch.table = (struct ifwatch_table){.links = &link, .count = 1};
	rig.flow.ifindex = 7;
	rig.outputs[0].ifindex = 7;
	ck_assert_uint_eq(tell(), 0);
	ck_assert_str_eq(
		told, "flow 239.1.1.1%eth0:5000: degraded: the link of its interface is down\n"
		      "output 239.2.2.1%eth1:6000: degraded: the link of its interface is down\n");
	link.running = true;
	ck_assert_uint_eq(tell(), 0);
	ck_assert_str_eq(told, "");
}
END_TEST

static void has(const char *text)
{
	struct sockaddr_in at = {.sin_family = AF_INET};
	struct ifaddrs other = {.ifa_name = (char *)"eth9"}; /* a link without an address */
	struct ifaddrs own = {.ifa_next = &other, .ifa_addr = (struct sockaddr *)&at};

	ck_assert_int_eq(inet_pton(AF_INET, text, &at.sin_addr), 1);
	sources_compare(&rig.sup.links.sources, &rig.sup, &own);
}

START_TEST(output_whose_source_address_is_elsewhere_waits_and_is_no_reason)
{
	rig.outputs[1].out.src = (struct addr){.family = AF_INET, .ip = {10, 1, 2, 3}};
	has("10.1.2.4");
	ck_assert_ptr_nonnull(links_output_waits(&rig.sup.links, &rig.outputs[1]));
	ck_assert_ptr_null(links_output_waits(&rig.sup.links, &rig.outputs[0]));
	ck_assert_uint_eq(tell(), 0);
	ck_assert_str_eq(told, "");
	has("10.1.2.3");
	ck_assert_ptr_null(links_output_waits(&rig.sup.links, &rig.outputs[1]));
	sources_free(&rig.sup.links.sources);
}
END_TEST

START_TEST(link_local_source_is_to_be_on_the_interface_of_the_output)
{
	struct sockaddr_in6 at = {.sin6_family = AF_INET6};
	struct ifaddrs own = {.ifa_name = (char *)"lo", .ifa_addr = (struct sockaddr *)&at};
	struct addr *src = &rig.outputs[0].out.src;

	ck_assert_int_eq(inet_pton(AF_INET6, "fe80::9", &at.sin6_addr), 1);
	at.sin6_scope_id = if_nametoindex("lo");
	ck_assert_int_eq(addr_from_sockaddr((struct sockaddr *)&at, src), 0);
	rig.outputs[0].ifindex = if_nametoindex("lo");
	sources_compare(&rig.sup.links.sources, &rig.sup, &own);
	ck_assert(!sources_lacks(&rig.sup.links.sources, &rig.outputs[0]));
	rig.outputs[0].ifindex++;
	sources_compare(&rig.sup.links.sources, &rig.sup, &own);
	ck_assert(sources_lacks(&rig.sup.links.sources, &rig.outputs[0]));
	sources_free(&rig.sup.links.sources);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("reasons");
	TCase *tc = tcase_create("reasons");
	SRunner *runner = srunner_create(suite);
	int failed;

	suite_add_tcase(suite, tc);
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, nothing_is_told_when_nothing_is_amiss);
	tcase_add_test(tc, failures_come_first_and_are_counted);
	tcase_add_test(tc, link_that_is_down_is_told_of_those_that_do_not_wait);
	tcase_add_test(tc, output_whose_source_address_is_elsewhere_waits_and_is_no_reason);
	tcase_add_test(tc, link_local_source_is_to_be_on_the_interface_of_the_output);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
