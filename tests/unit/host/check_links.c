/* check_links.c - --check-host, interfaces, offloads and the packet filter: each condition
 * made false on a made-up host, and found.
 */
#include "tests/unit/host/host_rig.h"

#include <check.h>
#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ANY "239.1.1.1%in0:5000 -> 239.2.2.2%out0:6000"

/* ---- interfaces ---- */

START_TEST(missing_interface_is_a_failure)
{
	rig_host("--rule", ANY);
	rig_iface("in0")->flags = 0;
	rig_look(host_links);
	rig_expect("link", "in0", FINDING_FAIL, NULL);
	rig_expect("link", "out0", FINDING_OK, NULL);
}
END_TEST

START_TEST(flags_of_an_interface_are_judged)
{
	rig_host("--rule", ANY);
	rig_iface("in0")->flags = IFF_MULTICAST;
	rig_iface("out0")->flags = IFF_UP | IFF_MULTICAST;
	rig_look(host_links);
	rig_expect("link", "in0", FINDING_FAIL, "ip link set dev in0 up");
	rig_expect("link", "out0", FINDING_WARN, NULL);
}
END_TEST

START_TEST(virtual_interfaces_need_no_multicast_flag)
{
	rig_host("--rule", ANY);
	rig_iface("in0")->flags = IFF_UP | IFF_RUNNING;
	rig_iface("out0")->flags = IFF_UP | IFF_RUNNING;
	rig_look(host_links);
	rig_expect("link", "in0", FINDING_OK, NULL);
	rig_expect("link", "out0", FINDING_OK, NULL);
}
END_TEST

START_TEST(devices_without_the_multicast_flag_are_doubtful_as_ingress)
{
	rig_host("--rule", ANY, "--rule", "10.1.1.1%in1:5000 -> 10.2.2.2%out0:6000");
	rig_iface("in0")->flags = IFF_UP | IFF_RUNNING;
	rig_iface("in1")->flags = IFF_UP | IFF_RUNNING;
	((struct iface *)rig_iface("in0")->at)->physical = true;
	((struct iface *)rig_iface("in1")->at)->physical = true;
	rig_look(host_links);
	rig_expect("link", "in0", FINDING_WARN, "ip link set dev in0 multicast on");
	rig_expect("link", "in1", FINDING_OK, NULL); /* unicast */
}
END_TEST

static struct linkinfo *link_of(const char *name)
{
	return &((struct iface *)rig_iface(name)->at)->link;
}

static void make_port(const char *name, const char *kind)
{
	*link_of(name) = (struct linkinfo){.master = "br7"};
	snprintf(link_of(name)->master_kind, LINKINFO_KIND_MAX, "%s", kind);
	rig_look(host_links);
}

START_TEST(port_whose_master_takes_all_hears_nothing)
{
	const char *const takers[] = {"bridge", "bond", "team", "openvswitch"};

	rig_host("--rule", ANY);
	for (size_t i = 0; i < sizeof(takers) / sizeof(takers[0]); i++) {
		char words[64];

		make_port("in0", takers[i]);
		snprintf(words, sizeof(words), "a port of %s br7", takers[i]);
		rig_expect("link", "in0", FINDING_FAIL, NULL);
		rig_expect_value("link", "in0", words);
	}
	rig_look(host_ports); /* what the daemon says at start */
	rig_expect("link", "in0", FINDING_FAIL, NULL);
	make_port("out0", "bridge");
	rig_expect("link", "out0", FINDING_OK, NULL); /* sending by a port works */
}
END_TEST

START_TEST(port_of_a_vrf_hears_as_before)
{
	rig_host("--rule", ANY);
	make_port("in0", "vrf");
	rig_expect("link", "in0", FINDING_OK, NULL);
	rig_look(host_ports);
	ck_assert(!rig_has("link", "in0"));
}
END_TEST

static void set_mtu(const char *name, uint32_t mtu)
{
	((struct iface *)rig_iface(name)->at)->mtu = mtu;
}

START_TEST(egress_mtu_is_judged_once_a_pair)
{
	rig_host("--rule",
		 "239.1.1.0/28%in0:5000 -> 239.2.2.0/28%out0:6000, 239.3.3.0/28%out1:6000");
	set_mtu("in0", 9000);
	set_mtu("out1", 9000);
	rig_look(host_links);
	rig_expect("mtu", "in0 -> out0", FINDING_WARN, "ip link set dev out0 mtu 9000");
	rig_expect("mtu", "in0 -> out1", FINDING_OK, NULL);
	set_mtu("out0", 9000);
	rig_look(host_links);
	rig_expect("mtu", "in0 -> out0", FINDING_OK, NULL);
}
END_TEST

START_TEST(mtu_that_cannot_be_raised_is_not_told_to_be)
{
	rig_host("--rule", ANY);
	set_mtu("in0", 9000);
	link_of("out0")->mtu_max = 1500;
	rig_look(host_links);
	rig_expect("mtu", "in0 -> out0", FINDING_WARN, NULL);
	ck_assert_ptr_nonnull(strstr(rig_find("mtu", "in0 -> out0")->advice, "1472 bytes"));
	*link_of("out0") = (struct linkinfo){.kind = "wireguard", .mtu_max = 65535};
	rig_look(host_links);
	rig_expect("mtu", "in0 -> out0", FINDING_WARN, NULL);
	ck_assert_ptr_nonnull(
		strstr(rig_find("mtu", "in0 -> out0")->advice, "out0 is a wireguard"));
	*link_of("out0") = (struct linkinfo){.kind = "veth", .mtu_max = 65535};
	rig_look(host_links);
	rig_expect("mtu", "in0 -> out0", FINDING_WARN, "ip link set dev out0 mtu 9000");
}
END_TEST

START_TEST(mtu_of_loopback_says_nothing_of_datagrams)
{
	rig_host("--rule", "239.1.1.1%lo:5000 -> 239.2.2.2%out0:6000");
	set_mtu("lo", 65536);
	rig_iface("lo")->flags = IFF_UP | IFF_RUNNING | IFF_LOOPBACK;
	rig_look(host_links);
	rig_expect("link", "lo", FINDING_OK, NULL);
	rig_expect("mtu", "lo -> out0", FINDING_OK, NULL);
}
END_TEST

START_TEST(route_that_is_narrower_than_its_interface_is_doubtful)
{
	rig_host("--rule", "239.1.1.1%in0:5000 -> 10.2.2.2%out0:6000");
	rig_look(host_paths);
	rig_expect("path_mtu", "out0", FINDING_OK, NULL);
	rig_iface("out0")->path_mtu = 1400;
	ck_assert_int_eq(addr_parse_ip("10.2.2.2", &rig_iface("out0")->path_to), 0);
	rig_look(host_paths);
	rig_expect("path_mtu", "out0", FINDING_WARN, NULL);
	rig_expect_value("path_mtu", "out0",
			 "1400 by the route to 10.2.2.2, 1500 by the interface");
	set_mtu("in0", 1400); /* nothing larger comes in */
	rig_look(host_paths);
	rig_expect("path_mtu", "out0", FINDING_OK, NULL);
	rig_iface("out0")->path_mtu = 9000; /* the interface is what decides */
	set_mtu("in0", 9000);
	rig_look(host_paths);
	rig_expect("path_mtu", "out0", FINDING_OK, NULL);
}
END_TEST

START_TEST(disabled_ipv6_is_a_failure)
{
	rig_host("--rule", "[ff3e::1%in0]:5000 -> [ff3e::2%out0]:6000");
	rig_look(host_links);
	rig_expect("ipv6", "in0", FINDING_UNKNOWN, NULL); /* /proc/sys is hidden */
	rig_file("/proc/sys/kernel/osrelease", "6.1.0\n");
	rig_look(host_links);
	rig_expect("ipv6", "in0", FINDING_FAIL, NULL); /* no such sysctl: no IPv6 */
	rig_file("/proc/sys/net/ipv6/conf/in0/disable_ipv6", "1\n");
	rig_file("/proc/sys/net/ipv6/conf/out0/disable_ipv6", "0\n");
	rig_look(host_links);
	rig_expect("ipv6", "in0", FINDING_FAIL, "sysctl -w net.ipv6.conf.in0.disable_ipv6=0");
	rig_expect("ipv6", "out0", FINDING_OK, NULL);
}
END_TEST

START_TEST(egress_without_an_address_is_doubtful_unless_src_is_given)
{
	rig_host("--rule", ANY);
	rig_iface("out0")->has_ipv4 = false;
	rig_look(host_links);
	rig_expect("source_address", "out0", FINDING_WARN, NULL);
	rig_end();
	rig_host("--rule", ANY " src=10.2.2.2");
	rig_iface("out0")->has_ipv4 = false;
	rig_look(host_links);
	ck_assert(!rig_has("source_address", "out0"));
}
END_TEST

/* ---- offloads ---- */

START_TEST(gro_matters_when_it_is_wanted)
{
	rig_host("--rule", ANY);
	rig_iface("in0")->features.gro = false;
	rig_look(host_offloads);
	rig_expect("gro", "in0", FINDING_WARN, "ethtool -K in0 gro on");
	rig.opt.gro = OPT_OFF;
	rig_look(host_offloads);
	rig_expect("gro", "in0", FINDING_OK, NULL);
	rig_iface("in0")->features.known = false;
	rig.opt.gro = OPT_AUTO;
	rig_look(host_offloads);
	rig_expect("gro", "in0", FINDING_UNKNOWN, NULL);
}
END_TEST

START_TEST(older_kernels_need_checksums_for_trains)
{
	rig_host("--rule", ANY);
	rig_iface("out0")->features.checksum_v4 = false;
	rig_file("/proc/sys/kernel/osrelease", "6.1.0-56-amd64\n");
	rig_look(host_offloads);
	rig_expect("gso", "out0", FINDING_WARN, "ethtool -K out0 tx on");
	rig_file("/proc/sys/kernel/osrelease", "6.11.0\n");
	rig_look(host_offloads);
	rig_expect("gso", "out0", FINDING_OK, NULL);
}
END_TEST

/* ---- packet filter ---- */

static void ruleset(const char *chains)
{
	free(rig.facts.ruleset);
	ck_assert_int_gt(asprintf(&rig.facts.ruleset, "{\"nftables\": [%s]}", chains), 0);
	rig_look(host_firewall);
}

#define INPUT_DROP                                                                           \
	"{\"chain\": {\"family\": \"inet\", \"table\": \"fw\", \"name\": \"in\", \"type\": " \
	"\"filter\", \"hook\": \"input\", \"policy\": \"drop\"}}"

START_TEST(no_chain_no_drop)
{
	rig_host("--rule", ANY);
	ruleset("");
	rig_expect("firewall_legacy", NULL, FINDING_UNKNOWN, NULL);
	rig_file("/proc/net/route", "x\n");
	ruleset("");
	rig_expect("firewall", NULL, FINDING_OK, NULL);
	ck_assert_uint_eq(rig.host.count, 1);
}
END_TEST

START_TEST(dropping_policy_is_named_with_the_rule_that_cures_it)
{
	rig_host("--rule", ANY);
	ruleset(INPUT_DROP);
	rig_expect("firewall_in", "in0", FINDING_FAIL,
		   "nft 'insert rule inet fw in iifname \"in0\" ip daddr 239.1.1.1 udp dport 5000 "
		   "accept'");
	rig_expect_value("firewall_in", "in0",
			 "239.1.1.1:5000: dropped by the policy of chain inet fw in");
	rig_expect("firewall_membership", "in0", FINDING_WARN,
		   "nft 'insert rule inet fw in meta l4proto igmp accept'");
	rig_expect("firewall_out", "out0", FINDING_OK, NULL);
}
END_TEST

START_TEST(many_dropped_flows_are_cured_by_one_rule)
{
	rig_host("--rule", "239.1.1.0/28%in0:5000 -> 239.2.2.0/28%out0:6000", "--rule",
		 "239.1.1.1%in0:5001 -> 239.2.2.1%out0:6001", "--rule",
		 "[ff3e::1%in0]:4000-4100 -> [ff3e::2%out0]:4000-4100");
	ruleset(INPUT_DROP);
	rig_expect("firewall_in", "in0", FINDING_FAIL,
		   "nft 'insert rule inet fw in iifname \"in0\" ip daddr 224.0.0.0/4 udp dport "
		   "{ 5000, 5001 } accept'");
	rig_expect("firewall_in", "in0 IPv6", FINDING_FAIL,
		   "nft 'insert rule inet fw in iifname \"in0\" ip6 daddr ff00::/8 meta l4proto "
		   "udp accept'");
}
END_TEST

#define JUMP(from, to)                                                              \
	", {\"rule\": {\"family\": \"inet\", \"table\": \"fw\", \"chain\": \"" from \
	"\", \"expr\": [{\"jump\": {\"target\": \"" to "\"}}]}}"
#define JUMPS(from, to) JUMP(from, to) JUMP(from, to) JUMP(from, to) JUMP(from, to)

START_TEST(rules_that_branch_too_often_are_unknown)
{
	rig_host("--rule", ANY);
	ruleset(INPUT_DROP JUMPS("in", "a") JUMPS("a", "b") JUMPS("b", "a"));
	rig_expect("firewall_in", "in0", FINDING_UNKNOWN, NULL);
	rig_expect_value("firewall_in", "in0", "not known: the rules from chain inet fw in on");
	rig_expect("firewall_membership", "in0", FINDING_UNKNOWN, NULL);
	rig_expect("firewall_out", "out0", FINDING_OK, NULL);
}
END_TEST

START_TEST(unknown_filters_are_said_to_be_unknown)
{
	rig_host("--rule", ANY);
	rig.facts.ruleset_rc = -ENOENT;
	rig_look(host_firewall);
	rig_expect("firewall", NULL, FINDING_WARN, "apt-get install nftables");
	rig.facts.ruleset_rc = -EPERM;
	rig_look(host_firewall);
	rig_expect("firewall", NULL, FINDING_WARN, NULL);
	rig.facts.ruleset_rc = -EIO; /* nft failed: that there is advice the rig looks at */
	rig_look(host_firewall);
	rig_expect("firewall", NULL, FINDING_WARN, NULL);
	rig_file("/proc/net/ip_tables_names", "filter\n");
	ruleset("");
	rig_expect("firewall_legacy", NULL, FINDING_WARN, NULL);
	ruleset("[");
	rig_expect("firewall", NULL, FINDING_WARN, NULL);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		missing_interface_is_a_failure,
		flags_of_an_interface_are_judged,
		virtual_interfaces_need_no_multicast_flag,
		devices_without_the_multicast_flag_are_doubtful_as_ingress,
		port_whose_master_takes_all_hears_nothing,
		port_of_a_vrf_hears_as_before,
		egress_mtu_is_judged_once_a_pair,
		mtu_that_cannot_be_raised_is_not_told_to_be,
		mtu_of_loopback_says_nothing_of_datagrams,
		route_that_is_narrower_than_its_interface_is_doubtful,
		disabled_ipv6_is_a_failure,
		egress_without_an_address_is_doubtful_unless_src_is_given,
		gro_matters_when_it_is_wanted,
		older_kernels_need_checksums_for_trains,
		no_chain_no_drop,
		dropping_policy_is_named_with_the_rule_that_cures_it,
		many_dropped_flows_are_cured_by_one_rule,
		rules_that_branch_too_often_are_unknown,
		unknown_filters_are_said_to_be_unknown,
	};

	return rig_run("host_links", tests, sizeof(tests) / sizeof(tests[0]));
}
