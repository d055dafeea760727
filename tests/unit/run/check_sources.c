/* check_sources.c - which source addresses are gone, by a list of what the host has. */
#include "src/run/sources.h"

#include <check.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <stdlib.h>

#include "tests/unit/run/supervisor_rig.h"

int __wrap_getifaddrs(struct ifaddrs **out);
void *__real_realloc(void *old, size_t size);
void *__wrap_realloc(void *old, size_t size);

static struct sup_rig rig;
static struct sources sources;
static bool kernel_tells, memory_is_short;

/* The host has no address. */
int __wrap_getifaddrs(struct ifaddrs **out)
{
	*out = NULL;
	return kernel_tells ? 0 : -1;
}

void *__wrap_realloc(void *old, size_t size)
{
	return memory_is_short ? NULL : __real_realloc(old, size);
}

static void setup(void)
{
	kernel_tells = true;
	sup_rig_open(&rig);
	sources = (struct sources){0};
}

static void teardown(void)
{
	sources_free(&sources);
	sup_rig_close(&rig);
}

/* Output `index' names this source, and a port. */
static void want(uint32_t index, const char *ip, unsigned ifindex)
{
	ck_assert_int_eq(addr_parse_ip(ip, &rig.outputs[index].out.src), 0);
	rig.outputs[index].out.src.port = 4000;
	rig.outputs[index].ifindex = ifindex;
}

/* The host has this address on loopback, and nothing else; how many are gone. */
static uint32_t gone_with(const char *ip)
{
	struct sockaddr_storage at;
	struct ifaddrs have = {.ifa_name = (char *)"lo", .ifa_addr = (struct sockaddr *)&at};
	struct addr addr;

	ck_assert_int_eq(addr_parse_ip(ip, &addr), 0);
	addr_to_sockaddr(&addr, if_nametoindex("lo"), &at);
	sources_compare(&sources, &rig.sup, &have);
	return sources.count;
}

START_TEST(address_that_the_host_has_is_not_gone_whatever_port_is_asked_for)
{
	want(0, "192.0.2.1", 0);
	ck_assert_uint_eq(gone_with("192.0.2.1"), 0);
	ck_assert(!sources_lacks(&sources, &rig.outputs[0]));
	ck_assert_uint_eq(gone_with("192.0.2.2"), 1);
	ck_assert(sources_lacks(&sources, &rig.outputs[0]));
	ck_assert(!sources_lacks(&sources, &rig.outputs[1])); /* it names none */
}
END_TEST

START_TEST(address_that_several_outputs_name_is_gone_once)
{
	want(0, "192.0.2.1", 0);
	want(1, "192.0.2.1", 0);
	ck_assert_uint_eq(gone_with("192.0.2.2"), 1);
	want(1, "192.0.2.3", 0);
	ck_assert_uint_eq(gone_with("192.0.2.2"), 2);
}
END_TEST

START_TEST(link_local_address_is_one_of_the_outputs_own_interface)
{
	unsigned lo = if_nametoindex("lo");

	want(0, "fe80::1", lo);
	want(1, "fe80::1", lo + 1);
	ck_assert_uint_eq(gone_with("fe80::1"), 1);
	ck_assert(!sources_lacks(&sources, &rig.outputs[0]));
	ck_assert(sources_lacks(&sources, &rig.outputs[1]));
}
END_TEST

START_TEST(what_was_not_told_is_asked_for_again)
{
	bool looked;

	want(0, "192.0.2.1", 0);
	sources.due = true;
	kernel_tells = false;
	ck_assert(!sources_tick(&sources, &rig.sup));
	ck_assert(!sources_lacks(&sources, &rig.outputs[0]));
	kernel_tells = true;
	memory_is_short = true; /* not for the test itself */
	looked = sources_tick(&sources, &rig.sup);
	memory_is_short = false;
	ck_assert(looked);
	ck_assert(!sources_lacks(&sources, &rig.outputs[0]));
	ck_assert(sources_tick(&sources, &rig.sup));
	ck_assert(sources_lacks(&sources, &rig.outputs[0]));
	ck_assert(!sources_tick(&sources, &rig.sup)); /* all is known */
	kernel_tells = false;
	sources.due = true;
	ck_assert(!sources_tick(&sources, &rig.sup));
	ck_assert(sources_lacks(&sources, &rig.outputs[0])); /* as it was */
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("sources");
	SRunner *runner = srunner_create(suite);
	TCase *tc = tcase_create("sources");
	int failed;

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, address_that_the_host_has_is_not_gone_whatever_port_is_asked_for);
	tcase_add_test(tc, address_that_several_outputs_name_is_gone_once);
	tcase_add_test(tc, link_local_address_is_one_of_the_outputs_own_interface);
	tcase_add_test(tc, what_was_not_told_is_asked_for_again);
	suite_add_tcase(suite, tc);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
