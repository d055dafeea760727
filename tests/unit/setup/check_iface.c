/* check_iface.c - a device is found behind an interface, through whatever is stacked on it.
 *
 * Each test builds a sysfs of its own below a temporary directory.
 */
#include "src/setup/iface.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static char sysfs[64];
static char made[32][128]; /* to be removed, last first */
static int made_count;

static void make(const char *path)
{
	char *at = made[made_count++];

	ck_assert_int_lt(made_count, 32);
	ck_assert_int_lt(snprintf(at, sizeof(made[0]), "%s/%s", sysfs, path), sizeof(made[0]));
	ck_assert_int_eq(mkdir(at, 0755), 0);
}

static void setup(void)
{
	snprintf(sysfs, sizeof(sysfs), "/tmp/check_iface.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(sysfs));
	made_count = 0;
}

static void teardown(void)
{
	while (made_count > 0) {
		ck_assert_int_eq(rmdir(made[--made_count]), 0);
	}
	ck_assert_int_eq(rmdir(sysfs), 0);
}

START_TEST(device_is_found_by_itself_and_below)
{
	make("class");
	make("class/net");
	make("class/net/eth0");
	make("class/net/eth0/device");
	make("class/net/bond0");
	make("class/net/bond0/lower_eth0");
	make("class/net/bond0.7");
	make("class/net/bond0.7/lower_bond0");
	ck_assert(iface_is_physical(sysfs, "eth0"));
	ck_assert(iface_is_physical(sysfs, "bond0"));
	ck_assert(iface_is_physical(sysfs, "bond0.7"));
}
END_TEST

START_TEST(kernels_own_interfaces_are_no_devices)
{
	make("class");
	make("class/net");
	make("class/net/veth0");
	make("class/net/br0");
	make("class/net/br0/lower_veth0");
	make("class/net/ring");
	make("class/net/ring/lower_ring"); /* never ends, were there no limit */
	ck_assert(!iface_is_physical(sysfs, "veth0"));
	ck_assert(!iface_is_physical(sysfs, "br0"));
	ck_assert(!iface_is_physical(sysfs, "ring"));
	ck_assert(!iface_is_physical(sysfs, "nosuch0"));
	ck_assert(!iface_is_physical("/sys", "lo"));
}
END_TEST

static Suite *iface_suite(void)
{
	Suite *suite = suite_create("iface");
	TCase *tcase = tcase_create("iface");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, device_is_found_by_itself_and_below);
	tcase_add_test(tcase, kernels_own_interfaces_are_no_devices);
	suite_add_tcase(suite, tcase);
	return suite;
}

int main(void)
{
	SRunner *runner = srunner_create(iface_suite());
	int failed;

	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? 0 : 1;
}
