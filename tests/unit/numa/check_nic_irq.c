/* check_nic_irq.c - the interrupts of an interface, and their CPUs, from made-up /sys and /proc.
 *
 * The tree imitates the kernel's: class/net/NAME/device leads to the device, whose PCI function has
 * msi_irqs (for virtio one level up); bonds and VLANs have lower_NAME links.
 */
#include "numa/nic_irq.h"

#include <check.h>
#include <errno.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char root[64];
static char sysfs[80];
static char procfs[80];
static int *irqs;
static uint32_t count;

static void make_path(const char *path, char *out, size_t room)
{
	ck_assert_int_lt(snprintf(out, room, "%s/%s", root, path), (int)room);
	for (char *slash = strchr(out + strlen(root) + 1, '/'); slash;
	     slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		mkdir(out, 0755);
		*slash = '/';
	}
}

static void put(const char *path, const char *text)
{
	char at[256];
	FILE *file;

	make_path(path, at, sizeof(at));
	file = fopen(at, "we");
	ck_assert_msg(file != NULL, "%s", at);
	fputs(text, file);
	ck_assert_int_eq(fclose(file), 0);
}

static void make_dir(const char *path)
{
	char at[256];

	make_path(path, at, sizeof(at));
	ck_assert_int_eq(mkdir(at, 0755), 0);
}

static int remove_one(const char *path, const struct stat *stat, int kind, struct FTW *ftw)
{
	(void)stat;
	(void)kind;
	(void)ftw;
	return remove(path);
}

static void setup(void)
{
	snprintf(root, sizeof(root), "/tmp/numacast-irq.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(root));
	snprintf(sysfs, sizeof(sysfs), "%s/sys", root);
	snprintf(procfs, sizeof(procfs), "%s/proc", root);
	irqs = NULL;
	count = 0;
}

static void teardown(void)
{
	free(irqs);
	nftw(root, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

static void list(const char *ifname)
{
	free(irqs);
	irqs = NULL;
	ck_assert_int_eq(nic_irq_list(sysfs, procfs, ifname, &irqs, &count), 0);
}

START_TEST(interrupts_of_the_device_come_ascending)
{
	put("sys/class/net/eth0/device/msi_irqs/120", "msix\n");
	put("sys/class/net/eth0/device/msi_irqs/33", "msix\n");
	list("eth0");
	ck_assert_uint_eq(count, 2);
	ck_assert_int_eq(irqs[0], 33);
	ck_assert_int_eq(irqs[1], 120);
}
END_TEST

START_TEST(virtio_finds_them_at_its_parent)
{
	put("sys/devices/pci0/virtio2/features", "1\n");
	put("sys/devices/pci0/msi_irqs/37", "msix\n");
	make_dir("sys/class/net/eth0");

	char at[256];

	make_path("sys/class/net/eth0/device", at, sizeof(at));
	ck_assert_int_eq(symlink("../../../devices/pci0/virtio2", at), 0);
	list("eth0");
	ck_assert_uint_eq(count, 1);
	ck_assert_int_eq(irqs[0], 37);
}
END_TEST

START_TEST(bonds_have_those_of_their_members)
{
	put("sys/class/net/eth0/device/msi_irqs/33", "msix\n");
	put("sys/class/net/eth1/device/msi_irqs/34", "msix\n");
	make_dir("sys/class/net/bond0");
	make_dir("sys/class/net/bond0/lower_eth0");
	make_dir("sys/class/net/bond0/lower_eth1");
	make_dir("sys/class/net/bond0.7");
	make_dir("sys/class/net/bond0.7/lower_bond0");
	list("bond0.7");
	ck_assert_uint_eq(count, 2);
	ck_assert_int_eq(irqs[0], 33);
	ck_assert_int_eq(irqs[1], 34);
}
END_TEST

START_TEST(circles_of_lower_devices_end)
{
	make_dir("sys/class/net/a0");
	make_dir("sys/class/net/a0/lower_a0");
	list("a0");
	ck_assert_uint_eq(count, 0);
}
END_TEST

START_TEST(virtual_interfaces_have_none)
{
	make_dir("sys/class/net/veth0");
	list("veth0");
	ck_assert_uint_eq(count, 0);
	list("nosuch0");
	ck_assert_uint_eq(count, 0);
}
END_TEST

START_TEST(only_those_that_fired_count_once_any_has)
{
	put("sys/class/net/eth0/device/msi_irqs/30", "msix\n");
	put("sys/class/net/eth0/device/msi_irqs/31", "msix\n");
	put("sys/class/net/eth0/device/msi_irqs/32", "msix\n");
	put("proc/interrupts",
	    "            CPU0       CPU1\n"
	    "  30:          0          0  PCI-MSIX 0-edge      virtio2-config\n"
	    "  31:          0          9  PCI-MSIX 1-edge      virtio2-input.0\n"
	    "  32:         12          0  PCI-MSIX 2-edge      virtio2-output.0\n"
	    "  99:          5          0  PCI-MSIX 2-edge      other\n"
	    " NMI:          1          1  Non-maskable interrupts\n");
	list("eth0");
	ck_assert_uint_eq(count, 2);
	ck_assert_int_eq(irqs[0], 31);
	ck_assert_int_eq(irqs[1], 32);
	put("proc/interrupts", "            CPU0       CPU1\n  30:  0  0  PCI-MSIX 0-edge  x\n");
	list("eth0");
	ck_assert_uint_eq(count, 3);
}
END_TEST

START_TEST(effective_cpus_go_before_allowed_ones)
{
	int *cpus = NULL;
	uint32_t cpu_count = 0;

	ck_assert_int_eq(nic_irq_cpus(procfs, 40, &cpus, &cpu_count), -ENOENT);
	put("proc/irq/40/smp_affinity_list", "0-2,8\n");
	ck_assert_int_eq(nic_irq_cpus(procfs, 40, &cpus, &cpu_count), 0);
	ck_assert_uint_eq(cpu_count, 4);
	ck_assert_int_eq(cpus[2], 2);
	ck_assert_int_eq(cpus[3], 8);
	free(cpus);
	put("proc/irq/40/effective_affinity_list", "5\n");
	ck_assert_int_eq(nic_irq_cpus(procfs, 40, &cpus, &cpu_count), 0);
	ck_assert_uint_eq(cpu_count, 1);
	ck_assert_int_eq(cpus[0], 5);
	free(cpus);
	put("proc/irq/40/effective_affinity_list", "\n"); /* some controllers leave it empty */
	ck_assert_int_eq(nic_irq_cpus(procfs, 40, &cpus, &cpu_count), 0);
	ck_assert_uint_eq(cpu_count, 4);
	free(cpus);
}
END_TEST

START_TEST(absurd_cpu_lists_are_refused)
{
	int *cpus = NULL;
	uint32_t cpu_count = 0;

	put("proc/irq/40/smp_affinity_list", "0-999999999\n");
	ck_assert_int_eq(nic_irq_cpus(procfs, 40, &cpus, &cpu_count), -ENOENT);
	put("proc/irq/40/smp_affinity_list", "x\n");
	ck_assert_int_eq(nic_irq_cpus(procfs, 40, &cpus, &cpu_count), -ENOENT);
}
END_TEST

START_TEST(receive_queues_are_counted)
{
	ck_assert_uint_eq(nic_irq_queues(sysfs, "eth0"), 0);
	make_dir("sys/class/net/eth0");
	make_dir("sys/class/net/eth0/queues");
	make_dir("sys/class/net/eth0/queues/rx-0");
	make_dir("sys/class/net/eth0/queues/rx-1");
	make_dir("sys/class/net/eth0/queues/tx-0");
	ck_assert_uint_eq(nic_irq_queues(sysfs, "eth0"), 2);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		interrupts_of_the_device_come_ascending,
		virtio_finds_them_at_its_parent,
		bonds_have_those_of_their_members,
		circles_of_lower_devices_end,
		virtual_interfaces_have_none,
		only_those_that_fired_count_once_any_has,
		effective_cpus_go_before_allowed_ones,
		absurd_cpu_lists_are_refused,
		receive_queues_are_counted,
	};
	Suite *suite = suite_create("nic_irq");
	TCase *tcase = tcase_create("interrupts");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_checked_fixture(tcase, setup, teardown);
	for (size_t i = 0; i < sizeof(tests) / sizeof(tests[0]); i++) {
		tcase_add_test(tcase, tests[i]);
	}
	suite_add_tcase(suite, tcase);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
