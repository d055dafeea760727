/* check_machine.c - --check-host, the parts about kernel, limits and memory: each
 * condition made false on a made-up host, and found.
 */
#include "tests/unit/host/host_rig.h"

#include <check.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "src/host/kernel.h"
#include "src/host/limits.h"
#include "src/setup/needs.h"

#define ANY "239.1.1.1%in0:5000 -> 239.2.2.2%out0:6000"

/* ---- kernel ---- */

START_TEST(kernels_are_told_by_their_version)
{
	ck_assert(host_kernel_is_suspect("6.17.0-41-generic"));
	ck_assert(!host_kernel_is_suspect("6.17.0-1-amd64"));
	ck_assert(host_kernel_older("6.0.9", 6, 1));
	ck_assert(!host_kernel_older("6.1", 6, 1));
	ck_assert(host_kernel_older("5.19.17", 6, 1));
}
END_TEST

START_TEST(mangling_kernel_fails_until_trains_are_off)
{
	rig_host("--rule", ANY);
	rig_file("/proc/sys/kernel/osrelease", "7.1.2-generic\n");
	rig_look(host_kernel);
	rig_expect("kernel_trains", NULL, FINDING_WARN, NULL); /* auto sends single datagrams */
	rig.opt.gso = OPT_ON;
	rig_look(host_kernel);
	rig_expect("kernel_trains", NULL, FINDING_FAIL, NULL);
	rig.opt.gso = OPT_OFF;
	rig_look(host_kernel);
	rig_expect("kernel_trains", NULL, FINDING_OK, NULL);
	rig.opt.gso = OPT_AUTO;
	rig_file("/proc/sys/kernel/osrelease", "6.17.0-41-generic\n");
	rig_look(host_kernel);
	rig_expect("kernel_trains", NULL, FINDING_WARN, NULL);
}
END_TEST

START_TEST(old_kernel_is_doubtful)
{
	rig_host("--rule", ANY);
	rig_look(host_kernel);
	rig_expect("kernel", NULL, FINDING_UNKNOWN, NULL);
	rig_expect("kernel_trains", NULL, FINDING_UNKNOWN, NULL);
	rig_file("/proc/sys/kernel/osrelease", "5.10.0-30-amd64\n");
	rig_look(host_kernel);
	rig_expect("kernel", NULL, FINDING_WARN, NULL);
}
END_TEST

static void limits(const char *files, const char *locked)
{
	rig_file("/proc/self/limits",
		 "Limit                     Soft Limit           Hard Limit           Units     \n"
		 "Max open files            %-20s %-20s files     \n"
		 "Max locked memory         %-20s %-20s bytes     \n",
		 files, files, locked, locked);
}

START_TEST(memlock_is_judged_by_the_rings_that_could_be_opened)
{
	rig_host("--rule", ANY, "--shards", "2", "--engine", "uring");
	limits("1024", "65536");
	rig_look(host_uring);
	rig_expect("memlock", NULL, FINDING_OK, NULL); /* an older kernel does not count it */
	rig_expect_value("memlock", NULL,
			 "2 rings of together 282624 bytes were opened, 65536 are");
	rig.facts.uring_rc = -ENOMEM;
	rig.facts.tries.rings = 1;
	rig_look(host_uring);
	rig_expect("memlock", NULL, FINDING_FAIL, "prlimit --pid $$ --memlock=unlimited:unlimited");
	rig_expect_value("memlock", NULL, "1 of 2 rings could be opened; they take 282624 bytes");
	rig.opt.engine = RING_ENGINE_AUTO; /* falls back */
	rig_look(host_uring);
	rig_expect("memlock", NULL, FINDING_WARN, "prlimit --pid $$ --memlock=unlimited:unlimited");
	rig.facts.uring_rc = -EPERM;
	rig_look(host_uring);
	rig_expect("memlock", NULL, FINDING_UNKNOWN, NULL);
}
END_TEST

/* ---- limits and capabilities ---- */

START_TEST(open_files_are_compared_with_sockets)
{
	char cure[96];
	uint64_t need;

	rig_host("--rule", "239.1.0.0/22%in0:5000 -> 239.2.0.0/22%out0:5000", "--shards", "1");
	need = needs_files(&rig.setup);
	ck_assert_uint_gt(need, 2048); /* one for each flow and output */
	rig.facts.tries.files = 0;
	rig_look(host_limits);
	rig_expect("nofile", NULL, FINDING_UNKNOWN, NULL);
	rig.facts.tries.files = need - 1;
	rig_look(host_limits);
	snprintf(cure, sizeof(cure), "prlimit --pid $$ --nofile=%" PRIu64 ":%" PRIu64, need, need);
	rig_expect("nofile", NULL, FINDING_FAIL, cure);
	rig.facts.tries.files = need;
	rig_look(host_limits);
	rig_expect("nofile", NULL, FINDING_OK, NULL);
}
END_TEST

START_TEST(busy_ports_are_named)
{
	rig_host("--rule", "10.1.1.1%in0:5000 -> 239.2.2.2%out0:6000");
	rig_look(host_limits);
	rig_expect("ports", NULL, FINDING_OK, NULL);
	rig.facts.tries.busy_count = 2;
	err_set(&rig.facts.tries.busy, "10.1.1.1:5000: cannot bind");
	rig_look(host_limits);
	rig_expect("ports", NULL, FINDING_FAIL, NULL);
	rig_expect_value("ports", NULL, "10.1.1.1:5000: cannot bind; others too");
	rig.facts.tries = (struct host_tries){0};
	rig_look(host_limits);
	rig_expect("ports", NULL, FINDING_UNKNOWN, NULL);
}
END_TEST

/* The cure names the program that runs, whatever that is here. */
static void expect_setcap(const char *id, const char *begins)
{
	const struct finding *finding = rig_find(id, NULL);

	ck_assert_int_eq(finding->level, FINDING_FAIL);
	ck_assert_msg(strncmp(finding->cure, begins, strlen(begins)) == 0, "%s", finding->cure);
}

START_TEST(capabilities_are_asked_for_together)
{
	rig_host("--rule", "239.1.1.1%in0:500 -> 239.2.2.2%out0:6000 src=keep");
	rig.facts.tries.keep = -EPERM;
	rig.facts.tries.low_port = -EACCES;
	rig_look(host_limits);
	expect_setcap("src_keep", "setcap cap_net_raw,cap_net_bind_service+ep /");
	expect_setcap("low_port", "setcap cap_net_raw,cap_net_bind_service+ep /");
	rig_expect_value("low_port", NULL, "--rule 1 binds port 500, below 1024");
	rig.facts.tries.keep = 0;
	rig.facts.tries.low_port = 0;
	rig_look(host_limits);
	rig_expect("src_keep", NULL, FINDING_OK, NULL);
	rig_expect("low_port", NULL, FINDING_OK, NULL);
	rig.facts.tries.done = false;
	rig_look(host_limits);
	rig_expect("src_keep", NULL, FINDING_UNKNOWN, NULL);
}
END_TEST

START_TEST(low_ports_begin_where_the_sysctl_says)
{
	rig_host("--rule", "239.1.1.1%in0:500 -> 239.2.2.2%out0:6000 sport=90");
	rig.facts.tries.low_port = -EACCES;
	rig_file("/proc/sys/net/ipv4/ip_unprivileged_port_start", "100\n");
	rig_look(host_limits);
	rig_expect_value("low_port", NULL, "binds port 90, below 100");
	rig_file("/proc/sys/net/ipv4/ip_unprivileged_port_start", "0\n");
	rig_look(host_limits);
	ck_assert(!rig_has("low_port", NULL));
	ck_assert(!rig_has("src_keep", NULL));
}
END_TEST

START_TEST(highest_priority_needs_a_capability)
{
	rig_host("--rule", ANY " priority=7");
	rig.facts.tries.priority = -EPERM;
	rig_look(host_limits);
	expect_setcap("priority", "setcap cap_net_raw+ep /");
	rig.facts.tries.priority = 0;
	rig_look(host_limits);
	rig_expect("priority", NULL, FINDING_OK, NULL);
}
END_TEST

/* ---- control group ---- */

#define GROUP "/sys/fs/cgroup/s/"

START_TEST(control_group_must_give_what_the_plan_takes)
{
	rig_host("--rule", ANY, "--shards", "2", "--huge", "off");
	rig_look(host_group);
	rig_expect("cgroup", NULL, FINDING_UNKNOWN, NULL);
	rig_file("/proc/self/cgroup", "0::/s\n");
	rig_look(host_group);
	rig_expect("cgroup_memory", NULL, FINDING_OK, NULL);
	rig_expect("cgroup_pids", NULL, FINDING_OK, NULL);
	rig_expect("cgroup_cpu", NULL, FINDING_OK, NULL);
	ck_assert(!rig_has("cgroup_hugetlb", NULL));
	rig_file(GROUP "memory.max", "4194304\n");
	rig_file(GROUP "pids.max", "2\n");
	rig_file(GROUP "pids.current", "1\n");
	rig_file(GROUP "cpu.max", "150000 100000\n");
	rig_look(host_group);
	rig_expect("cgroup_memory", NULL, FINDING_FAIL, NULL);
	rig_expect_value("cgroup_memory", NULL, GROUP "memory.max = 4 MiB, 0 B in use");
	rig_expect("cgroup_pids", NULL, FINDING_FAIL, NULL);
	rig_expect("cgroup_cpu", NULL, FINDING_WARN, NULL);
	rig_expect_value("cgroup_cpu", NULL, "gives 1.50 CPUs, 2 run shards");
	rig_file(GROUP "memory.max", "1073741824\n");
	rig_file(GROUP "memory.current", "1072693248\n");
	rig_file(GROUP "pids.max", "4\n"); /* one more writes the log */
	rig_file(GROUP "cpu.max", "200000 100000\n");
	rig_look(host_group);
	rig_expect("cgroup_memory", NULL, FINDING_WARN, NULL); /* others may give some back */
	rig_expect("cgroup_pids", NULL, FINDING_OK, NULL);
	rig_expect("cgroup_cpu", NULL, FINDING_OK, NULL);
}
END_TEST

START_TEST(huge_pages_are_the_groups_to_give_too)
{
	rig_host("--rule", ANY, "--shards", "2");
	rig_file("/proc/self/cgroup", "0::/s\n");
	rig_file(GROUP "hugetlb.2MB.max", "4194304\n");
	rig_file(GROUP "memory.max", "4194304\n");
	for (int i = 0; i < 2; i++) {
		rig.setup.topo.nodes[i].huge_2m_total = 100;
		rig.setup.topo.nodes[i].huge_2m_free = 100;
	}
	rig_look(host_group);
	rig_expect("cgroup_hugetlb", NULL, FINDING_WARN, NULL);
	rig_expect("cgroup_memory", NULL, FINDING_OK, NULL); /* these pages do not count there */
	rig.opt.require_huge = true;
	rig_look(host_group);
	rig_expect("cgroup_hugetlb", NULL, FINDING_FAIL, NULL);
	rig_file(GROUP "hugetlb.2MB.max", "max\n");
	rig_look(host_group);
	rig_expect("cgroup_hugetlb", NULL, FINDING_OK, NULL);
}
END_TEST

/* ---- buffers ---- */

START_TEST(buffers_are_judged_by_what_a_socket_got)
{
	rig_host("--rule", ANY, "--rcvbuf", "8M", "--sndbuf", "1M");
	rig.facts.tries.rcvbuf_bytes = 212992;
	rig.facts.tries.sndbuf_bytes = 1048576;
	rig_look(host_buffers);
	rig_expect("rmem_max", NULL, FINDING_WARN, NULL); /* the sysctl is the host's */
	rig_file("/proc/sys/net/core/rmem_max", "212992\n");
	rig_look(host_buffers);
	rig_expect("rmem_max", NULL, FINDING_WARN, "sysctl -w net.core.rmem_max=8388608");
	rig_expect_value("rmem_max", NULL,
			 "a socket gets 212992 of the 8388608 that --rcvbuf asks");
	rig_expect("wmem_max", NULL, FINDING_OK, NULL);
	rig.facts.tries.rcvbuf_bytes = 8388608;
	rig_look(host_buffers);
	rig_expect("rmem_max", NULL, FINDING_OK, NULL);
	rig.facts.tries.done = false;
	rig_look(host_buffers);
	rig_expect("rmem_max", NULL, FINDING_UNKNOWN, NULL);
}
END_TEST

START_TEST(default_buffers_are_judged_by_their_size)
{
	rig_host("--rule", ANY);
	rig.opt.rcvbuf_bytes = 0;
	rig_file("/proc/sys/net/core/rmem_default", "212992\n");
	rig_look(host_buffers);
	rig_expect("rmem_max", NULL, FINDING_WARN, NULL);
	rig_file("/proc/sys/net/core/rmem_default", "8388608\n");
	rig_look(host_buffers);
	rig_expect("rmem_max", NULL, FINDING_OK, NULL);
}
END_TEST

START_TEST(all_receive_buffers_together_are_bounded)
{
	rig_host("--rule", "239.1.1.0/24%in0:5000 -> 239.2.2.0/24%out0:5000", "--rcvbuf", "1M");
	rig_file("/proc/sys/net/ipv4/udp_mem", "1000\t2000\t3000\n");
	rig_look(host_buffers);
	rig_expect("udp_mem", NULL, FINDING_WARN,
		   "sysctl -w net.ipv4.udp_mem='1000 131072 131072'");
	rig_file("/proc/sys/net/ipv4/udp_mem", "1000\t131072\t131072\n");
	rig_look(host_buffers);
	rig_expect("udp_mem", NULL, FINDING_OK, NULL);
}
END_TEST

START_TEST(option_memory_must_hold_a_membership)
{
	rig_host("--rule", ANY);
	rig_look(host_buffers);
	rig_expect("optmem_max", NULL, FINDING_UNKNOWN, NULL);
	rig_expect("udp_mem", NULL, FINDING_UNKNOWN, NULL);
	rig_file("/proc/sys/net/core/optmem_max", "100\n");
	rig_look(host_buffers);
	rig_expect("optmem_max", NULL, FINDING_FAIL, "sysctl -w net.core.optmem_max=20480");
	rig_file("/proc/sys/net/core/optmem_max", "20480\n");
	rig_look(host_buffers);
	rig_expect("optmem_max", NULL, FINDING_OK, NULL);
}
END_TEST

/* ---- memory ---- */

/* Two nodes, three and four shards (one core is reserved). */
static void pools(int64_t total0, int64_t free0, int64_t total1, int64_t free1)
{
	struct topo_node *nodes = rig.setup.topo.nodes;

	ck_assert_uint_eq(rig.setup.topo.node_count, 2);
	nodes[0].huge_2m_total = total0;
	nodes[0].huge_2m_free = free0;
	nodes[1].huge_2m_total = total1;
	nodes[1].huge_2m_free = free1;
	rig_look(host_memory);
}

#define POOL_OF(node) "/sys/devices/system/node/" node "/hugepages/hugepages-2048kB/nr_hugepages"

START_TEST(each_node_needs_its_own_huge_pages)
{
	rig_host("--rule", ANY);
	pools(12, 12, 20, 10);
	rig_expect("huge_pages", "node 0", FINDING_OK, NULL);
	rig_expect("huge_pages", "node 1", FINDING_WARN, "echo 26 > " POOL_OF("node1"));
	rig_expect_value("huge_pages", "node 1", "10 of 2 MiB available, 4 shards need 16");
	rig.opt.require_huge = true;
	pools(12, 11, 26, 16);
	rig_expect("huge_pages", "node 0", FINDING_FAIL, "echo 13 > " POOL_OF("node0"));
	rig_expect("huge_pages", "node 1", FINDING_OK, NULL);
}
END_TEST

#define POOL_OF_ALL "/sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages"

START_TEST(kernel_without_numa_has_one_pool)
{
	rig_host("--rule", ANY);
	rig.setup.topo.one_pool = true;
	pools(12, 12, 20, 10);
	rig_expect("huge_pages", "node 1", FINDING_WARN, "echo 26 > " POOL_OF_ALL);
}
END_TEST

START_TEST(memory_of_unknown_nodes_comes_from_the_machine_s_pool)
{
	rig_host("--rule", ANY);
	for (uint32_t i = 0; i < rig.setup.plan.shard_count; i++) {
		rig.setup.plan.shards[i].node_os = TOPO_UNKNOWN;
	}
	rig_look(host_memory);
	rig_expect("huge_pages", "any node", FINDING_UNKNOWN, NULL);
	rig.setup.topo.pool[0] = (struct topo_pool){.total = 10, .unused = 3};
	rig_look(host_memory);
	rig_expect("huge_pages", "any node", FINDING_WARN, "echo 35 > " POOL_OF_ALL);
	rig.setup.topo.pool[0] = (struct topo_pool){.total = 28, .unused = 28};
	rig_look(host_memory);
	rig_expect("huge_pages", "any node", FINDING_OK, NULL);
	ck_assert(!rig_has("huge_pages", "node 0"));
}
END_TEST

START_TEST(ordinary_pages_need_no_pool)
{
	rig_host("--rule", ANY, "--huge", "off");
	pools(0, 0, 0, 0);
	ck_assert(!rig_has("huge_pages", "node 0"));
}
END_TEST

START_TEST(transparent_pages_matter_when_wanted)
{
	rig_host("--rule", ANY);
	rig_file("/sys/kernel/mm/transparent_hugepage/enabled", "always madvise [never]\n");
	rig_look(host_memory);
	rig_expect("transparent_huge_pages", NULL, FINDING_OK, NULL);
	rig.opt.huge = NODEMEM_HUGE_THP;
	rig_look(host_memory);
	rig_expect("transparent_huge_pages", NULL, FINDING_WARN,
		   "echo madvise > /sys/kernel/mm/transparent_hugepage/enabled");
	rig_file("/sys/kernel/mm/transparent_hugepage/enabled", "always [madvise] never\n");
	rig_look(host_memory);
	rig_expect("transparent_huge_pages", NULL, FINDING_OK, NULL);
}
END_TEST

START_TEST(balancing_matters_with_several_nodes)
{
	rig_host("--rule", ANY);
	rig_look(host_memory);
	rig_expect("numa_balancing", NULL, FINDING_UNKNOWN, NULL);
	rig_expect("transparent_huge_pages", NULL, FINDING_UNKNOWN, NULL);
	rig_expect("huge_pages", "node 0", FINDING_UNKNOWN, NULL);
	rig_file("/proc/sys/kernel/osrelease", "6.1.0\n");
	rig_look(host_memory);
	rig_expect("numa_balancing", NULL, FINDING_OK, NULL); /* this kernel has none */
	rig_file("/proc/sys/kernel/numa_balancing", "1\n");
	rig_look(host_memory);
	rig_expect("numa_balancing", NULL, FINDING_WARN, "sysctl -w kernel.numa_balancing=0");
	rig.setup.topo.node_count = 1;
	rig_look(host_memory);
	rig_expect("numa_balancing", NULL, FINDING_OK, NULL);
	rig.setup.topo.node_count = 2;
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		kernels_are_told_by_their_version,
		mangling_kernel_fails_until_trains_are_off,
		old_kernel_is_doubtful,
		memlock_is_judged_by_the_rings_that_could_be_opened,
		open_files_are_compared_with_sockets,
		busy_ports_are_named,
		capabilities_are_asked_for_together,
		low_ports_begin_where_the_sysctl_says,
		highest_priority_needs_a_capability,
		control_group_must_give_what_the_plan_takes,
		huge_pages_are_the_groups_to_give_too,
		buffers_are_judged_by_what_a_socket_got,
		default_buffers_are_judged_by_their_size,
		all_receive_buffers_together_are_bounded,
		option_memory_must_hold_a_membership,
		each_node_needs_its_own_huge_pages,
		kernel_without_numa_has_one_pool,
		memory_of_unknown_nodes_comes_from_the_machine_s_pool,
		ordinary_pages_need_no_pool,
		transparent_pages_matter_when_wanted,
		balancing_matters_with_several_nodes,
	};

	return rig_run("host_machine", tests, sizeof(tests) / sizeof(tests[0]));
}
