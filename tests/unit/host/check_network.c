/* check_network.c - --check-host, who may send to us and who knows of us: each condition
 * made false on a made-up host, and found.
 */
#include "tests/unit/host/host_rig.h"

#include <check.h>
#include <net/if.h>
#include <stdio.h>

#define ANY  "239.1.1.1%in0:5000 -> 239.2.2.2%out0:6000"
#define SSM  "10.9.9.9@232.1.1.1%in0:5000 -> 239.2.2.2%out0:6000"
#define CONF "/proc/sys/net/ipv4/conf/"

/* ---- reverse-path filter ---- */

static void filter(int all, int own)
{
	rig_file(CONF "all/rp_filter", "%d\n", all);
	rig_file(CONF "in0/rp_filter", "%d\n", own);
	rig_look(host_rp_filter);
}

static void default_route(void)
{
	rig_file("/proc/net/route", "Iface\tDestination\tGateway\n"
				    "out0\t00000000\t010200C0\t0003\t0\t0\t0\t00000000\t0\t0\t0\n");
}

START_TEST(rp_filter_off_lets_any_source_in)
{
	rig_host("--rule", SSM);
	rig_route("10.9.9.9", NULL);
	filter(0, 0);
	rig_expect("rp_filter", "in0", FINDING_OK, NULL);
}
END_TEST

START_TEST(strict_filter_wants_the_route_back)
{
	rig_host("--rule", SSM);
	rig_route("10.9.9.9", "in0");
	filter(1, 0);
	rig_expect("rp_filter", "in0", FINDING_OK, NULL);
	rig_route("10.9.9.9", "out0");
	filter(0, 1);
	rig_expect("rp_filter", "in0", FINDING_FAIL, "sysctl -w net.ipv4.conf.in0.rp_filter=2");
	rig_expect_value("rp_filter", "in0", "strict (conf/all 0, its own 1); source 10.9.9.9");
}
END_TEST

START_TEST(loose_filter_wants_any_route)
{
	rig_host("--rule", SSM);
	rig_route("10.9.9.9", "out0");
	filter(1, 2);
	rig_expect("rp_filter", "in0", FINDING_OK, NULL);
	rig_route("10.9.9.9", NULL);
	filter(1, 2);
	rig_expect("rp_filter", "in0", FINDING_FAIL,
		   "sysctl -w net.ipv4.conf.all.rp_filter=0 net.ipv4.conf.in0.rp_filter=0");
}
END_TEST

START_TEST(loose_is_no_cure_without_a_route_or_an_address)
{
	rig_host("--rule", SSM);
	rig_route("10.9.9.9", NULL);
	filter(0, 1);
	rig_expect("rp_filter", "in0", FINDING_FAIL, "sysctl -w net.ipv4.conf.in0.rp_filter=0");
	rig_route("10.9.9.9", "out0");
	rig_iface("in0")->has_ipv4 = false;
	filter(1, 0);
	rig_expect("rp_filter", "in0", FINDING_FAIL, "sysctl -w net.ipv4.conf.all.rp_filter=0");
}
END_TEST

START_TEST(strict_filter_is_doubtful_for_any_source)
{
	rig_host("--rule", ANY);
	filter(1, 0);
	rig_expect("rp_filter", "in0", FINDING_WARN, "sysctl -w net.ipv4.conf.all.rp_filter=0");
	default_route();
	filter(1, 0);
	rig_expect("rp_filter", "in0", FINDING_WARN, "sysctl -w net.ipv4.conf.in0.rp_filter=2");
	filter(1, 2);
	rig_expect("rp_filter", "in0", FINDING_OK, NULL);
}
END_TEST

START_TEST(interface_with_neither_address_nor_route_is_deaf)
{
	rig_host("--rule", ANY);
	rig_iface("in0")->has_ipv4 = false;
	filter(0, 2);
	rig_expect("rp_filter", "in0", FINDING_WARN, "sysctl -w net.ipv4.conf.in0.rp_filter=0");
	rig_iface("in0")->unrouted = true;
	default_route();
	filter(0, 2);
	rig_expect("rp_filter", "in0", FINDING_FAIL, "sysctl -w net.ipv4.conf.in0.rp_filter=0");
	rig_expect_value("rp_filter", "in0", "no address and no route by it");
	filter(1, 0);
	rig_expect("rp_filter", "in0", FINDING_FAIL, "sysctl -w net.ipv4.conf.all.rp_filter=0");
	filter(0, 0);
	rig_expect("rp_filter", "in0", FINDING_OK, NULL);
}
END_TEST

START_TEST(filter_that_cannot_be_read_or_judged_is_unknown)
{
	rig_host("--rule", SSM);
	rig_route("10.9.9.9", NULL);
	rig_look(host_rp_filter);
	rig_expect("rp_filter", "in0", FINDING_UNKNOWN, NULL);
	snprintf(((struct iface *)rig_iface("in0")->at)->link.master_kind, LINKINFO_KIND_MAX,
		 "vrf");
	filter(1, 0);
	rig_expect("rp_filter", "in0", FINDING_UNKNOWN, NULL);
	rig_expect_value("rp_filter", "in0", "routes of a VRF");
	filter(0, 0);
	rig_expect("rp_filter", "in0", FINDING_OK, NULL);
}
END_TEST

START_TEST(interface_names_with_dots_are_written_with_slashes)
{
	rig_host("--rule", "10.9.9.9@232.1.1.1%eth0.7:5000 -> 239.2.2.2%out0:6000");
	rig_route("10.9.9.9", "out0");
	rig_file(CONF "all/rp_filter", "0\n");
	rig_file(CONF "eth0.7/rp_filter", "1\n");
	rig_look(host_rp_filter);
	rig_expect("rp_filter", "eth0.7", FINDING_FAIL,
		   "sysctl -w net/ipv4/conf/eth0.7/rp_filter=2");
}
END_TEST

START_TEST(own_address_as_source_is_a_finding_of_its_own)
{
	rig_host("--rule", SSM);
	rig.facts.sources[0].route = (struct route){.local = true};
	filter(0, 0);
	rig_expect("rp_filter", "in0", FINDING_OK, NULL);
	rig_expect("own_source", "in0", FINDING_WARN, "sysctl -w net.ipv4.conf.in0.accept_local=1");
	rig_file(CONF "in0/accept_local", "1\n");
	filter(0, 0);
	rig_expect("own_source", "in0", FINDING_OK, NULL);
}
END_TEST

START_TEST(ipv6_has_no_reverse_path_filter)
{
	rig_host("--rule", "[ff3e::1%in0]:5000 -> [ff3e::2%out0]:6000");
	rig_look(host_rp_filter);
	ck_assert_uint_eq(rig.host.count, 0);
}
END_TEST

/* ---- what was lost already ---- */

static void counters(int checksums, int fragments)
{
	rig_file("/proc/net/snmp",
		 "Ip: Forwarding ReasmReqds ReasmFails FragOKs\nIp: 1 50 %d 7\n"
		 "Udp: InDatagrams InCsumErrors\nUdp: 100 %d\n"
		 "UdpLite: InDatagrams InCsumErrors\nUdpLite: 0 0\n",
		 fragments, checksums);
	rig_look(host_losses);
}

START_TEST(losses_that_nobody_hears_of_are_told)
{
	rig_host("--rule", ANY);
	rig_look(host_losses);
	rig_expect("udp_checksums", NULL, FINDING_UNKNOWN, NULL);
	rig_expect("reassembly", NULL, FINDING_UNKNOWN, NULL);
	counters(0, 0);
	rig_expect("udp_checksums", NULL, FINDING_OK, NULL);
	rig_expect("reassembly", NULL, FINDING_OK, NULL);
	counters(3, 4);
	rig_expect("udp_checksums", NULL, FINDING_WARN, NULL);
	rig_expect_value("udp_checksums", NULL, "3 datagrams came with a wrong checksum, 0 of");
	rig_expect("reassembly", NULL, FINDING_WARN, NULL);
	rig_expect_value("reassembly", NULL, "4 times a datagram in fragments was given up");
	rig_file("/proc/net/snmp6", "Ip6ReasmFails                  \t5\nUdp6InCsumErrors\t6\n");
	counters(0, 0);
	rig_expect_value("udp_checksums", NULL, "6 datagrams came with a wrong checksum, 6 of");
	rig_expect_value("reassembly", NULL, "5 times");
}
END_TEST

/* ---- memberships ---- */

static void force_igmp(int all, int own)
{
	rig_file(CONF "all/force_igmp_version", "%d\n", all);
	rig_file(CONF "in0/force_igmp_version", "%d\n", own);
	rig_look(host_membership);
}

START_TEST(old_igmp_does_for_a_named_source)
{
	rig_host("--rule", "10.9.9.9@239.1.1.1%in0:5000 -> 239.2.2.2%out0:6000");
	rig_look(host_membership);
	rig_expect("igmp_version", "in0", FINDING_UNKNOWN, NULL);
	force_igmp(0, 0);
	rig_expect("igmp_version", "in0", FINDING_OK, NULL);
	force_igmp(0, 2);
	rig_expect("igmp_version", "in0", FINDING_OK, NULL);
	rig_expect_value("igmp_version", "in0", "IGMPv2, by force_igmp_version");
}
END_TEST

START_TEST(old_igmp_is_doubtful_in_the_range_of_single_sources)
{
	rig_host("--rule", SSM);
	force_igmp(0, 2);
	rig_expect("igmp_version", "in0", FINDING_WARN, NULL);
	force_igmp(3, 2); /* of all goes first */
	rig_expect("igmp_version", "in0", FINDING_OK, NULL);
}
END_TEST

START_TEST(forced_igmp_2_does_for_any_source)
{
	rig_host("--rule", ANY);
	force_igmp(0, 2);
	rig_expect("igmp_version", "in0", FINDING_OK, NULL);
	force_igmp(0, 1);
	rig_expect("igmp_version", "in0", FINDING_WARN,
		   "sysctl -w net.ipv4.conf.all.force_igmp_version=0 "
		   "net.ipv4.conf.in0.force_igmp_version=0");
}
END_TEST

START_TEST(older_querier_that_was_heard_is_named)
{
	rig_host("--rule", SSM);
	rig_file("/proc/net/igmp",
		 "Idx\tDevice    : Count Querier\tGroup    Users Timer\tReporter\n"
		 "1\tlo        :     1      V3\n\t\t\t\t010000E0     1 0:0\t\t0\n"
		 "2\tin0       :     1      V2\n\t\t\t\t010000E0     1 0:0\t\t0\n");
	force_igmp(0, 0);
	rig_expect("igmp_version", "in0", FINDING_WARN, NULL);
	rig_expect_value("igmp_version", "in0", "IGMPv2, as its querier speaks");
	rig_expect_value("querier", "in0", "an IGMPv2 querier was heard");
}
END_TEST

START_TEST(long_interface_names_are_found_in_the_igmp_table)
{
	rig_host("--rule", "239.1.1.1%abcdefghijklmno:5000 -> 239.2.2.2%out0:6000");
	rig_file("/proc/net/igmp",
		 "Idx\tDevice    : Count Querier\tGroup    Users Timer\tReporter\n"
		 "2\tabcdefghijklmno:     1      V1\n");
	rig_look(host_membership);
	rig_expect_value("querier", "abcdefghijklmno", "IGMPv1");
}
END_TEST

START_TEST(old_mld_is_doubtful_in_the_range_of_single_sources)
{
	rig_host("--rule", "[2001:db8::5]@[ff3e::1%in0]:5000 -> [ff3e::2%out0]:6000", "--rule",
		 "[2001:db8::5]@[ff15::1%in1]:5000 -> [ff3e::2%out0]:6000");
	rig_look(host_membership);
	rig_expect("mld_version", "in0", FINDING_UNKNOWN, NULL);
	rig_file("/proc/sys/net/ipv6/conf/all/force_mld_version", "0\n");
	rig_file("/proc/sys/net/ipv6/conf/in0/force_mld_version", "1\n");
	rig_file("/proc/sys/net/ipv6/conf/in1/force_mld_version", "1\n");
	rig_look(host_membership);
	rig_expect("mld_version", "in0", FINDING_WARN, NULL);
	rig_expect("mld_version", "in1", FINDING_OK, NULL); /* the kernel picks the source itself */
}
END_TEST

START_TEST(nobody_asks_for_members_on_loopback)
{
	rig_host("--rule", "239.1.1.1%lo:5000 -> 239.2.2.2%out0:6000");
	rig_look(host_membership);
	rig_expect("querier", "lo", FINDING_UNKNOWN, NULL);
	rig_iface("lo")->flags |= IFF_LOOPBACK;
	rig_look(host_membership);
	ck_assert(!rig_has("querier", "lo"));
}
END_TEST

START_TEST(snooping_bridge_needs_a_querier)
{
	rig_host("--rule", ANY);
	rig_file("/sys/class/net/in0/bridge/multicast_snooping", "1\n");
	rig_file("/sys/class/net/in0/bridge/multicast_querier", "0\n");
	rig_look(host_membership);
	rig_expect("querier", "in0", FINDING_WARN,
		   "ip link set dev in0 type bridge mcast_querier 1");
	rig_file("/sys/class/net/in0/bridge/multicast_querier", "1\n");
	rig_look(host_membership);
	rig_expect("querier", "in0", FINDING_OK, NULL);
}
END_TEST

START_TEST(memberships_matter_only_at_zero)
{
	rig_host("--rule", ANY);
	rig_file("/proc/sys/net/ipv4/igmp_max_memberships", "1\n");
	rig_look(host_membership);
	rig_expect("igmp_max_memberships", NULL, FINDING_OK, NULL);
	rig_file("/proc/sys/net/ipv4/igmp_max_memberships", "0\n");
	rig_look(host_membership);
	rig_expect("igmp_max_memberships", NULL, FINDING_FAIL,
		   "sysctl -w net.ipv4.igmp_max_memberships=20");
}
END_TEST

/* ---- clouds ---- */

static void cloud(const char *field, const char *value)
{
	rig_file("/sys/class/net/in0/device/vendor", "0x1d0f\n");
	rig_file("/sys/class/net/out0/device/vendor", "0x1d0f\n");
	rig_file(field, "%s\n", value);
	rig_look(host_cloud);
}

START_TEST(aws_wants_igmp_2)
{
	rig_host("--rule", ANY);
	cloud("/sys/class/dmi/id/sys_vendor", "Amazon EC2");
	rig_expect("cloud", "in0", FINDING_WARN,
		   "sysctl -w net.ipv4.conf.in0.force_igmp_version=2");
	rig_file(CONF "in0/force_igmp_version", "2\n");
	rig_look(host_cloud);
	rig_expect("cloud", "in0", FINDING_OK, NULL);
	rig_file(CONF "all/force_igmp_version", "3\n");
	rig_look(host_cloud);
	rig_expect("cloud", "in0", FINDING_WARN,
		   "sysctl -w net.ipv4.conf.all.force_igmp_version=2");
}
END_TEST

START_TEST(aws_carries_no_sources_and_no_ipv6_groups)
{
	rig_host("--rule", SSM);
	cloud("/sys/class/dmi/id/sys_vendor", "Amazon EC2");
	rig_expect("cloud", "in0", FINDING_FAIL, NULL);
	rig_end();
	rig_host("--rule", "10.9.9.9@239.1.1.1%in0:5000 -> 239.2.2.2%out0:6000");
	rig_file(CONF "all/force_igmp_version", "2\n");
	cloud("/sys/class/dmi/id/sys_vendor", "Amazon EC2");
	rig_expect("cloud", "in0", FINDING_OK, NULL); /* the kernel picks the source itself */
}
END_TEST

START_TEST(other_clouds_carry_no_multicast)
{
	rig_host("--rule", ANY);
	cloud("/sys/class/dmi/id/chassis_asset_tag", "7783-7084-3265-9085-8269-3286-77");
	rig_expect("cloud", "in0", FINDING_WARN, NULL);
	rig_expect_value("cloud", "out0", "Azure");
	rig_file("/sys/class/dmi/id/chassis_asset_tag", "x\n");
	cloud("/sys/class/dmi/id/sys_vendor", "Google");
	rig_expect_value("cloud", "in0", "Google");
}
END_TEST

START_TEST(virtual_interfaces_do_not_depend_on_the_cloud)
{
	rig_host("--rule", ANY);
	rig_look(host_cloud);
	rig_expect("cloud", NULL, FINDING_UNKNOWN, NULL);
	rig_file("/sys/class/dmi/id/sys_vendor", "Google\n");
	rig_look(host_cloud);
	rig_expect("cloud", NULL, FINDING_OK, NULL);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		rp_filter_off_lets_any_source_in,
		strict_filter_wants_the_route_back,
		loose_filter_wants_any_route,
		loose_is_no_cure_without_a_route_or_an_address,
		strict_filter_is_doubtful_for_any_source,
		interface_with_neither_address_nor_route_is_deaf,
		filter_that_cannot_be_read_or_judged_is_unknown,
		interface_names_with_dots_are_written_with_slashes,
		own_address_as_source_is_a_finding_of_its_own,
		ipv6_has_no_reverse_path_filter,
		losses_that_nobody_hears_of_are_told,
		old_igmp_does_for_a_named_source,
		old_igmp_is_doubtful_in_the_range_of_single_sources,
		forced_igmp_2_does_for_any_source,
		older_querier_that_was_heard_is_named,
		long_interface_names_are_found_in_the_igmp_table,
		old_mld_is_doubtful_in_the_range_of_single_sources,
		nobody_asks_for_members_on_loopback,
		snooping_bridge_needs_a_querier,
		memberships_matter_only_at_zero,
		aws_wants_igmp_2,
		aws_carries_no_sources_and_no_ipv6_groups,
		other_clouds_carry_no_multicast,
		virtual_interfaces_do_not_depend_on_the_cloud,
	};

	return rig_run("host_network", tests, sizeof(tests) / sizeof(tests[0]));
}
