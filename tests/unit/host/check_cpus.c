/* check_cpus.c - --check-host, the parts about CPUs, nodes and interrupts: each condition made
 * false on a made-up host, and found.
 */
#include "tests/unit/host/host_rig.h"

#include <check.h>
#include <string.h>

#define ANY "239.1.1.1%in0:5000 -> 239.2.2.2%out0:6000"

/* ---- CPUs ---- */

#define CPU "/sys/devices/system/cpu/"

START_TEST(governor_of_the_shards_cpus_is_judged)
{
	rig_host("--rule", ANY);
	rig_look(host_cpu);
	rig_expect("cpu_governor", NULL, FINDING_UNKNOWN, NULL);
	rig_expect("cpu_idle", NULL, FINDING_UNKNOWN, NULL);
	rig_file(CPU "cpu0/cpufreq/scaling_governor", "powersave\n"); /* runs no shard */
	rig_file(CPU "cpu5/cpufreq/scaling_governor", "performance\n");
	rig_look(host_cpu);
	rig_expect("cpu_governor", NULL, FINDING_OK, NULL);
	rig_file(CPU "cpu5/cpufreq/scaling_governor", "schedutil\n");
	rig_look(host_cpu);
	rig_expect("cpu_governor", NULL, FINDING_WARN,
		   "for f in /sys/devices/system/cpu/cpu[0-9]*/cpufreq/scaling_governor; do echo "
		   "performance > $f; done");
	rig_expect_value("cpu_governor", NULL, "schedutil on CPU 5, 1 of 7 shards");
}
END_TEST

START_TEST(deep_idle_states_are_doubtful_until_disabled)
{
	rig_host("--rule", ANY);
	rig_file(CPU "cpu5/cpuidle/state0/latency", "0\n");
	rig_file(CPU "cpu5/cpuidle/state0/name", "POLL\n");
	rig_file(CPU "cpu5/cpuidle/state1/latency", "133\n");
	rig_file(CPU "cpu5/cpuidle/state1/name", "C6\n");
	rig_file(CPU "cpu5/cpuidle/state1/disable", "0\n");
	rig_look(host_cpu);
	ck_assert_int_eq(rig_find("cpu_idle", NULL)->level, FINDING_WARN);
	rig_expect_value("cpu_idle", NULL, "deepest state C6, 133 us to leave");
	rig_file(CPU "cpu5/cpuidle/state1/disable", "1\n");
	rig_look(host_cpu);
	rig_expect("cpu_idle", NULL, FINDING_OK, NULL);
	rig_expect_value("cpu_idle", NULL, "POLL");
}
END_TEST

START_TEST(cpuset_that_shuts_out_an_interfaces_node_is_doubtful)
{
	rig_host("--rule", ANY);
	rig_place("in0", 1);
	rig_look(host_cpu);
	rig_expect("cpuset", NULL, FINDING_UNKNOWN, NULL);
	rig_file("/proc/self/status",
		 "Name:\tx\nCpus_allowed_list:\t0-7\nMems_allowed_list:\t0-1\n");
	rig_file(CPU "online", "0-7\n");
	rig_look(host_cpu);
	rig_expect("cpuset", NULL, FINDING_OK, NULL);
	rig.setup.topo.nodes[1].allowed = false;
	rig_look(host_cpu);
	rig_expect("cpuset", "in0", FINDING_WARN, NULL);
}
END_TEST

START_TEST(isolated_cpus_are_told_with_how_to_use_them)
{
	rig_host("--rule", ANY, "--cpus", "4-6");
	rig_look(host_cpu);
	ck_assert(!rig_has("isolated_cpus", NULL));
	rig_file(CPU "isolated", "5-7\n");
	for (int i = 5; i < 8; i++) {
		rig.setup.topo.cpus[i].isolated = true;
	}
	rig_look(host_cpu);
	rig_expect("isolated_cpus", NULL, FINDING_OK, NULL);
	rig_expect_value("isolated_cpus", NULL, "CPUs 5-7 are isolated, without a shard: 7");
	ck_assert_str_eq(rig_find("isolated_cpus", NULL)->advice, "for shards there: --cpus 7");
	rig_file(CPU "isolated", "\n"); /* of none the kernel says so */
	rig_look(host_cpu);
	ck_assert(!rig_has("isolated_cpus", NULL));
}
END_TEST

START_TEST(node_outside_the_affinity_mask_may_have_shards)
{
	rig_host("--rule", ANY, "--cpus", "4-6");
	rig_place("in0", 1);
	rig.setup.topo.nodes[1].cpu_count = 0;
	rig_look(host_cpu);
	ck_assert(!rig_has("cpuset", "in0"));
	for (uint32_t i = 0; i < rig.setup.plan.shard_count; i++) {
		rig.setup.plan.shards[i].home_os = 0;
	}
	rig_look(host_cpu);
	rig_expect("cpuset", "in0", FINDING_WARN, NULL);
}
END_TEST

/* ---- interfaces and nodes ---- */

START_TEST(flows_owned_elsewhere_are_told_with_the_reason)
{
	rig_host("--rule", ANY, "--shards", "2");
	rig_place("in0", 1);
	rig_look(host_nics);
	rig_expect("nic_node", "in0", FINDING_OK, NULL);
	rig_expect_value("nic_node", "in0", "node 1 (made up), 1 of 1 flows owned there");
	for (uint32_t i = 0; i < rig.setup.plan.shard_count; i++) {
		rig.setup.plan.shards[i].home_os = 0;
	}
	rig.setup.plan.owners[0].why = PLAN_WHY_NO_LOCAL;
	rig_look(host_nics);
	rig_expect("nic_node", "in0", FINDING_WARN, NULL);
	ck_assert_ptr_nonnull(strstr(rig_find("nic_node", "in0")->advice, "no shard on node"));
}
END_TEST

START_TEST(interrupts_on_another_node_are_doubtful)
{
	rig_host("--rule", ANY);
	rig_place("in0", 1);
	rig_file("/sys/class/net/in0/device/msi_irqs/40", "msix\n");
	rig_file("/sys/class/net/in0/device/msi_irqs/41", "msix\n");
	rig_file("/sys/class/net/in0/queues/rx-0/rps_cpus", "0\n");
	rig_file("/proc/irq/40/smp_affinity_list", "4-7\n");
	rig_file("/proc/irq/41/smp_affinity_list", "0-7\n");
	rig_file("/proc/irq/41/effective_affinity_list", "2\n");
	rig_look(host_nics);
	rig_expect("nic_irq", "in0", FINDING_WARN,
		   "for i in 41; do echo 4-7 > /proc/irq/$i/smp_affinity_list; done");
	rig_expect_value("nic_irq", "in0",
			 "1 of 2 interrupts go elsewhere, the first to CPU 2 on "
			 "node 0; the shards of its flows are on node 1, 1 receive queues");
	rig_file("/run/irqbalance/sock", "%s", "");
	rig_look(host_nics);
	rig_expect("nic_irq", "in0", FINDING_WARN,
		   "systemctl disable --now irqbalance; for i in 41; do echo 4-7 > "
		   "/proc/irq/$i/smp_affinity_list; done");
	rig_file("/proc/irq/41/effective_affinity_list", "6\n");
	rig_look(host_nics);
	rig_expect("nic_irq", "in0", FINDING_OK, NULL);
}
END_TEST

START_TEST(interfaces_without_interrupts_or_node_are_fine)
{
	rig_host("--rule", ANY);
	rig_look(host_nics);
	rig_expect("nic_irq", "in0", FINDING_UNKNOWN, NULL);
	rig_file("/sys/class/net/in0/mtu", "1500\n");
	rig_look(host_nics);
	rig_expect("nic_node", "in0", FINDING_UNKNOWN, NULL);
	rig_place("in0", TOPO_UNKNOWN); /* virtual, say */
	rig_look(host_nics);
	rig_expect("nic_node", "in0", FINDING_OK, NULL);
	rig_expect("nic_irq", "in0", FINDING_OK, NULL);
	rig_expect_value("nic_irq", "in0", "no interrupts of its own");
	ck_assert(!rig_has("nic_node", "out0"));
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		governor_of_the_shards_cpus_is_judged,
		deep_idle_states_are_doubtful_until_disabled,
		cpuset_that_shuts_out_an_interfaces_node_is_doubtful,
		isolated_cpus_are_told_with_how_to_use_them,
		node_outside_the_affinity_mask_may_have_shards,
		flows_owned_elsewhere_are_told_with_the_reason,
		interrupts_on_another_node_are_doubtful,
		interfaces_without_interrupts_or_node_are_fine,
	};

	return rig_run("host_cpus", tests, sizeof(tests) / sizeof(tests[0]));
}
