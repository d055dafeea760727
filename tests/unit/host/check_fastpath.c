/* check_fastpath.c - --check-host, what stands in the way of relaying in the kernel, and who misses
 * what is relayed there: each condition made false on a made-up host, and found.
 */
#include "tests/unit/host/host_rig.h"

#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define ANY "239.1.1.1%in0:5000 -> 239.2.2.2%out0:6000"

START_TEST(program_for_the_kernel_fails_only_where_it_is_required)
{
	rig_host("--rule", ANY);
	rig_look(host_fastpath);
	rig_expect("fastpath", NULL, FINDING_OK, NULL);
	rig_expect_value("fastpath", NULL, "not used");
	rig.opt.fastpath = OPT_FASTPATH_AUTO;
	rig.facts.fast_tried = true;
	rig_look(host_fastpath);
	rig_expect("fastpath", NULL, FINDING_OK, NULL);
	rig.facts.fast_rc = -EPERM;
	err_set(&rig.facts.fast_error, "the kernel refuses bpf()");
	rig_look(host_fastpath);
	rig_expect("fastpath", NULL, FINDING_WARN, NULL);
	rig_expect_value("fastpath", NULL, "the kernel refuses bpf()");
	ck_assert_ptr_nonnull(strstr(rig_find("fastpath", NULL)->advice, "CAP_BPF"));
	rig.opt.fastpath = OPT_FASTPATH_REQUIRE;
	rig_look(host_fastpath);
	rig_expect("fastpath", NULL, FINDING_FAIL, NULL);
}
END_TEST

START_TEST(who_misses_what_the_kernel_relays_is_told)
{
	rig_host("--fastpath", "auto", "--rule", ANY, "--rule",
		 "[ff1e::1%in1]:5001 fast=off -> [ff1e::2%out0]:6000");
	rig.facts.fast_tried = true;
	rig_file("/proc/sys/kernel/osrelease", "6.1.0-30-amd64\n");
	rig_file("/proc/net/udp", "  sl  local_address\n   7: 020101EF:1388 00000000:0000 07\n"
				  "   8: 00000000:1389 00000000:0000 07\n");
	rig_file("/proc/net/udp6", "  sl  local_address\n"
				   "   9: 00000000000000000000000000000000:1389 0 07\n");
	rig.facts.ruleset = strdup("{\"nftables\": []}");
	rig_look(host_fastpath);
	rig_expect("fastpath_hook", NULL, FINDING_UNKNOWN, "modprobe -a sch_ingress cls_bpf");
	rig_expect("fastpath_lro", "in0", FINDING_OK, NULL);
	ck_assert(!rig_has("fastpath_lro", "in1"));
	rig_expect("fastpath_firewall", NULL, FINDING_OK, NULL);
	rig_expect("fastpath_listener", NULL, FINDING_OK, NULL);

	rig_file("/proc/sys/kernel/osrelease", "6.12.0\n");
	rig_file("/proc/net/udp", "  sl  local_address\n   7: 010101EF:1388 00000000:0000 07\n");
	rig_iface("in0")->features.lro = true;
	free(rig.facts.ruleset);
	rig.facts.ruleset =
		strdup("{\"nftables\": [{\"table\": {\"family\": \"ip\", \"name\": \"f\"}}, "
		       "{\"chain\": {\"family\": \"ip\", \"table\": \"f\", \"name\": \"in\", "
		       "\"handle\": 1, \"type\": \"filter\", \"hook\": \"input\", \"prio\": 0, "
		       "\"policy\": \"drop\"}}]}");
	rig_look(host_fastpath);
	rig_expect("fastpath_hook", NULL, FINDING_OK, NULL);
	rig_expect("fastpath_lro", "in0", FINDING_WARN, "ethtool -K in0 lro off");
	rig_expect("fastpath_firewall", NULL, FINDING_WARN, NULL);
	rig_expect("fastpath_listener", NULL, FINDING_WARN, NULL);
	rig_expect_value("fastpath_listener", NULL, "239.1.1.1%in0:5000");
	rig.facts.tries.marks.taken = 1;
	rig_look(host_fastpath);
	rig_expect("fastpath_listener", NULL, FINDING_UNKNOWN, NULL);

	/* A socket of both families hears IPv4, too; where nothing is asked for, nobody looks. */
	rig_file("/proc/net/udp", "  sl  local_address\n");
	rig_file("/proc/net/udp6", "  sl  local_address\n"
				   "   9: 00000000000000000000000000000000:1388 0 07\n");
	rig_look(host_fastpath);
	rig_expect("fastpath_listener", NULL, FINDING_UNKNOWN, NULL);
	rig.opt.fastpath = OPT_FASTPATH_OFF;
	rig_look(host_fastpath);
	ck_assert(!rig_has("fastpath_listener", NULL));
}
END_TEST

START_TEST(interrupts_are_judged_by_the_device_for_what_the_kernel_relays)
{
	static const char *const there =
		"for i in 40; do echo 4-7 > /proc/irq/$i/smp_affinity_list; done";

	rig_host("--fastpath", "auto", "--rule", ANY, "--shards", "1");
	rig_place("in0", 0);
	rig.setup.ifaces.list[rig_iface("in0") - rig.facts.ifaces].node_os = 1;
	rig_file("/sys/class/net/in0/device/msi_irqs/40", "msix\n");
	rig_file("/proc/irq/40/smp_affinity_list", "0-3\n");

	/* By a socket the shard decides, which is where the interrupts are. */
	rig_look(host_nics);
	rig_expect("nic_irq", "in0", FINDING_OK, NULL);
	ck_assert(!rig_has("fastpath_irq", "in0"));

	rig.facts.fast_tried = true;
	rig_look(host_nics);
	ck_assert(!rig_has("nic_irq", "in0"));
	rig_expect("fastpath_irq", "in0", FINDING_WARN, there);
	rig_expect_value("fastpath_irq", "in0",
			 "1 of 1 interrupts go elsewhere, the first to CPU 0 on node 0; the device "
			 "is on node 1");
	rig_look(host_interrupts);
	rig_expect("fastpath_irq", "in0", FINDING_WARN, there);
	rig_file("/proc/irq/40/smp_affinity_list", "4-7\n");
	rig_look(host_nics);
	rig_expect("fastpath_irq", "in0", FINDING_OK, NULL);

	/* One flow each: each is judged by its own. */
	rig_end();
	rig_host("--fastpath", "auto", "--rule", ANY, "--rule",
		 "239.1.1.2%in0:5000 fast=off -> 239.2.2.2%out0:6000", "--shards", "1");
	rig_place("in0", 0);
	rig.setup.ifaces.list[rig_iface("in0") - rig.facts.ifaces].node_os = 1;
	rig_file("/sys/class/net/in0/device/msi_irqs/40", "msix\n");
	rig_file("/proc/irq/40/smp_affinity_list", "4-7\n");
	rig.facts.fast_tried = true;
	rig_look(host_nics);
	rig_expect("nic_irq", "in0", FINDING_WARN,
		   "for i in 40; do echo 0-3 > /proc/irq/$i/smp_affinity_list; done");
	rig_expect("fastpath_irq", "in0", FINDING_OK, NULL);

	/* Nobody knows where a virtual device is. */
	rig_place("in0", TOPO_UNKNOWN);
	rig_look(host_nics);
	rig_expect("fastpath_irq", "in0", FINDING_OK, NULL);
	rig_expect_value("fastpath_irq", "in0", "1 interrupts, the device is on no known node");
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		interrupts_are_judged_by_the_device_for_what_the_kernel_relays,
		program_for_the_kernel_fails_only_where_it_is_required,
		who_misses_what_the_kernel_relays_is_told,
	};

	return rig_run("host_fastpath", tests, sizeof(tests) / sizeof(tests[0]));
}
