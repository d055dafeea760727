/* check_nic.c - an interface's node is found through every kind of device that Linux stacks.
 *
 * Each test builds a sysfs of its own below a temporary directory, with the links that the kernel
 * makes: class/net/NAME -> ../../devices/..., NAME/device, NAME/lower_OTHER, subsystem.
 */
#include "numa/nic.h"

#include <check.h>
#include <errno.h>
#include <ftw.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char sysfs[64];
static char via[64];

/* Path below the made-up sysfs; four at a time may be in use. */
static const char *at(const char *format, ...) __attribute__((format(printf, 1, 2)));

static const char *at(const char *format, ...)
{
	static char paths[4][512];
	static unsigned turn;
	char *path = paths[turn++ % 4];
	char below[400];
	va_list args;

	va_start(args, format);
	vsnprintf(below, sizeof(below), format, args);
	va_end(args);
	snprintf(path, sizeof(paths[0]), "%s/%s", sysfs, below);
	return path;
}

static void make_dirs(const char *path)
{
	char part[512];

	snprintf(part, sizeof(part), "%s", path);
	for (char *slash = strchr(part + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		mkdir(part, 0755);
		*slash = '/';
	}
	mkdir(part, 0755);
	ck_assert_int_eq(access(part, X_OK), 0);
}

static void make_link(const char *target, const char *path)
{
	ck_assert_int_eq(symlink(target, path), 0);
}

static void write_node(const char *dir, int node_os)
{
	FILE *file = fopen(at("%s/numa_node", dir), "w");

	ck_assert_ptr_nonnull(file);
	fprintf(file, "%d\n", node_os);
	fclose(file);
}

/* A device with a driver: on a bus, below `dir', which may be below other devices. */
static void add_device(const char *dir, const char *bus, int node_os)
{
	make_dirs(at("%s", dir));
	make_dirs(at("bus/%s", bus));
	make_link(at("bus/%s", bus), at("%s/subsystem", dir));
	write_node(dir, node_os);
}

static void add_nic(const char *dir, const char *name)
{
	make_dirs(at("%s/net/%s", dir, name));
	make_link(at("%s", dir), at("%s/net/%s/device", dir, name));
	make_link(at("%s/net/%s", dir, name), at("class/net/%s", name));
}

static void add_pci_nic(const char *name, const char *function, int node_os)
{
	char dir[128];

	snprintf(dir, sizeof(dir), "devices/pci0000:80/%s", function);
	add_device(dir, "pci", node_os);
	add_nic(dir, name);
}

static void add_virtual(const char *name)
{
	make_dirs(at("devices/virtual/net/%s", name));
	make_link(at("devices/virtual/net/%s", name), at("class/net/%s", name));
}

static void add_lower(const char *upper, const char *lower)
{
	make_link(at("class/net/%s", lower), at("class/net/%s/lower_%s", upper, lower));
}

static void setup(void)
{
	snprintf(sysfs, sizeof(sysfs), "/tmp/check_nic.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(sysfs));
	make_dirs(at("class/net"));
}

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *walk)
{
	return remove(path);
}

static void teardown(void)
{
	nftw(sysfs, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static int node_of(const char *name)
{
	return nic_node(sysfs, name, via, sizeof(via));
}

START_TEST(pci_function_says_its_node)
{
	add_pci_nic("eth0", "0000:81:00.0", 3);
	ck_assert_int_eq(node_of("eth0"), 3);
	ck_assert_str_eq(via, "pci 0000:81:00.0");
}
END_TEST

START_TEST(virtio_gets_the_node_of_the_function_above_it)
{
	add_device("devices/pci0000:00/0000:00:03.0", "pci", 1);
	make_dirs(at("devices/pci0000:00/0000:00:03.0/virtio2"));
	add_nic("devices/pci0000:00/0000:00:03.0/virtio2", "eth0");
	ck_assert_int_eq(node_of("eth0"), 1);
	ck_assert_str_eq(via, "pci 0000:00:03.0");
}
END_TEST

START_TEST(minus_one_is_unknown_and_not_node_0)
{
	add_pci_nic("eth0", "0000:81:00.0", -1);
	ck_assert_int_eq(node_of("eth0"), TOPO_UNKNOWN);
	ck_assert_str_eq(via, "pci 0000:81:00.0, node not said");
}
END_TEST

START_TEST(vlan_on_bond_is_followed_to_the_device)
{
	add_pci_nic("eth0", "0000:81:00.0", 1);
	add_pci_nic("eth1", "0000:81:00.1", 1);
	add_virtual("bond0");
	add_virtual("bond0.7");
	add_lower("bond0", "eth0");
	add_lower("bond0", "eth1");
	add_lower("bond0.7", "bond0");
	ck_assert_int_eq(node_of("bond0"), 1);
	ck_assert_str_eq(via, "lower eth0 and 1 more");
	ck_assert_int_eq(node_of("bond0.7"), 1);
	ck_assert_str_eq(via, "lower bond0");
}
END_TEST

START_TEST(lower_devices_that_disagree_are_unknown)
{
	add_pci_nic("eth0", "0000:81:00.0", 0);
	add_pci_nic("eth1", "0000:81:00.1", 1);
	add_virtual("bond0");
	add_lower("bond0", "eth0");
	add_lower("bond0", "eth1");
	ck_assert_int_eq(node_of("bond0"), TOPO_UNKNOWN);
	ck_assert_str_eq(via, "lower devices on nodes 0 and 1");
}
END_TEST

START_TEST(bridge_members_without_a_place_do_not_count)
{
	add_pci_nic("eth0", "0000:81:00.0", 2);
	add_virtual("br0");
	add_virtual("veth0");
	add_lower("br0", "veth0");
	add_lower("br0", "eth0");
	ck_assert_int_eq(node_of("br0"), 2);
	ck_assert_str_eq(via, "lower eth0");
}
END_TEST

START_TEST(device_with_an_unplaced_lower_device_counts_itself)
{
	add_pci_nic("eth0", "0000:81:00.0", 2);
	add_virtual("vf0");
	add_lower("eth0", "vf0");
	ck_assert_int_eq(node_of("eth0"), 2);
	ck_assert_str_eq(via, "pci 0000:81:00.0");
}
END_TEST

START_TEST(virtual_and_absent_interfaces_are_unknown)
{
	add_virtual("veth0");
	ck_assert_int_eq(node_of("veth0"), TOPO_UNKNOWN);
	ck_assert_str_eq(via, "virtual");
	ck_assert_int_eq(node_of("eth9"), TOPO_UNKNOWN);
	ck_assert_str_eq(via, "no such interface");
}
END_TEST

START_TEST(names_that_leave_the_directory_are_refused)
{
	static const char *const names[] = {"",       ".",   "..",
					    "../net", "a/b", "longer-than-any-interface"};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		ck_assert_int_eq(node_of(names[i]), TOPO_UNKNOWN);
		ck_assert_str_eq(via, "no such interface");
	}
}
END_TEST

START_TEST(a_ring_of_lower_devices_ends)
{
	add_virtual("a");
	add_virtual("b");
	add_lower("a", "b");
	add_lower("b", "a");
	ck_assert_int_eq(node_of("a"), TOPO_UNKNOWN);
}
END_TEST

START_TEST(list_is_sorted_and_leaves_out_what_is_no_interface)
{
	struct topo_nic *nics = NULL;
	uint32_t count = 0;
	FILE *file = fopen(at("class/net/bonding_masters"), "w");

	fclose(file);
	add_pci_nic("eth1", "0000:81:00.1", 1);
	add_virtual("lo");
	add_pci_nic("eth0", "0000:81:00.0", 0);
	ck_assert_int_eq(nic_list(sysfs, &nics, &count), 0);
	ck_assert_uint_eq(count, 3);
	ck_assert_str_eq(nics[0].name, "eth0");
	ck_assert_int_eq(nics[0].node_os, 0);
	ck_assert_str_eq(nics[1].name, "eth1");
	ck_assert_int_eq(nics[1].node_os, 1);
	ck_assert_str_eq(nics[2].name, "lo");
	ck_assert_int_eq(nics[2].node_os, TOPO_UNKNOWN);
	free(nics);
}
END_TEST

START_TEST(list_without_sysfs_says_so)
{
	struct topo_nic *nics = NULL;
	uint32_t count = 0;

	ck_assert_int_eq(nic_list("/nonexistent", &nics, &count), -ENOENT);
	ck_assert_ptr_null(nics);
}
END_TEST

static Suite *nic_suite(void)
{
	Suite *suite = suite_create("nic");
	TCase *tc = tcase_create("nic");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, pci_function_says_its_node);
	tcase_add_test(tc, virtio_gets_the_node_of_the_function_above_it);
	tcase_add_test(tc, minus_one_is_unknown_and_not_node_0);
	tcase_add_test(tc, vlan_on_bond_is_followed_to_the_device);
	tcase_add_test(tc, lower_devices_that_disagree_are_unknown);
	tcase_add_test(tc, bridge_members_without_a_place_do_not_count);
	tcase_add_test(tc, device_with_an_unplaced_lower_device_counts_itself);
	tcase_add_test(tc, virtual_and_absent_interfaces_are_unknown);
	tcase_add_test(tc, names_that_leave_the_directory_are_refused);
	tcase_add_test(tc, a_ring_of_lower_devices_ends);
	tcase_add_test(tc, list_is_sorted_and_leaves_out_what_is_no_interface);
	tcase_add_test(tc, list_without_sysfs_says_so);
	suite_add_tcase(suite, tc);
	return suite;
}

int main(void)
{
	SRunner *runner = srunner_create(nic_suite());
	int failed;

	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
