/* check_wire.c - what an output writes into the headers of its datagrams, by its rule. Pure. */
#include "src/fastpath/wire.h"

#include <arpa/inet.h>
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct device device = {
	.ifindex = 7, .mtu = 1500, .mac = {2, 0, 0, 0, 0, 9}, .ethernet = true};

static struct addr addr_of(const char *ip, uint16_t port)
{
	struct addr addr;

	ck_assert_int_eq(addr_parse_ip(ip, &addr), 0);
	addr.port = port;
	return addr;
}

/* An output to `ip' by a rule that leaves all else open. */
static struct rule_output output_to(const char *ip)
{
	struct rule_output out = RULE_OUTPUT_UNSET;

	out.to.addr = addr_of(ip, 6000);
	out.dscp = 0;
	return out;
}

static struct fast_output filled(const struct rule_output *rule)
{
	struct addr local = addr_of(rule->to.addr.family == AF_INET ? "10.0.0.1" : "fd00::1", 5555);
	struct fast_output out;

	wire_fill(rule, &device, &local, false, &out);
	return out;
}

static void expect_mac(const char *group, const char *mac)
{
	struct rule_output rule = output_to(group);
	const struct fast_output out = filled(&rule);
	char text[32];

	snprintf(text, sizeof(text), "%02x:%02x:%02x:%02x:%02x:%02x", out.to_mac[0], out.to_mac[1],
		 out.to_mac[2], out.to_mac[3], out.to_mac[4], out.to_mac[5]);
	ck_assert_str_eq(text, mac);
}

/* RFC 1112 has 23 bits of an IPv4 group there, RFC 2464 has 32 of an IPv6 one. */
START_TEST(a_group_has_its_hardware_address)
{
	expect_mac("239.2.3.4", "01:00:5e:02:03:04");
	expect_mac("239.130.3.4", "01:00:5e:02:03:04");
	expect_mac("239.255.255.255", "01:00:5e:7f:ff:ff");
	expect_mac("ff3e::80:1", "33:33:00:80:00:01");
	expect_mac("192.0.2.1", "00:00:00:00:00:00"); /* a neighbour's is filled in by others */
}
END_TEST

START_TEST(addresses_and_ports_are_those_of_the_socket)
{
	struct rule_output rule = output_to("239.2.3.4");
	struct fast_output out = filled(&rule);
	uint8_t none[16] = {0};

	ck_assert_uint_eq(out.ifindex, 7);
	ck_assert_uint_eq(ntohs(out.to_port), 6000);
	ck_assert_uint_eq(ntohs(out.from_port), 5555);
	ck_assert_mem_eq(out.from_mac, device.mac, sizeof(out.from_mac));
	ck_assert_mem_eq(out.from, addr_of("10.0.0.1", 0).ip, sizeof(out.from));
	ck_assert_mem_eq(out.to, rule.to.addr.ip, sizeof(out.to));
	ck_assert_uint_eq(out.flags, 0);
	rule.src_keep = rule.sport_keep = true;
	out = filled(&rule);
	ck_assert_uint_eq(out.flags, FAST_SRC_KEEP | FAST_SPORT_KEEP);
	ck_assert_uint_eq(out.from_port, 0);
	ck_assert_mem_eq(out.from, none, sizeof(none));
}
END_TEST

START_TEST(dscp_is_above_the_bits_of_ecn_and_says_the_priority)
{
	struct rule_output rule = output_to("239.2.3.4");

	rule.dscp = 46;
	ck_assert_uint_eq(filled(&rule).tos, 46 << 2);
	ck_assert_uint_eq(filled(&rule).priority, 4); /* as the kernel's table has it */
	rule.dscp = 4;
	ck_assert_uint_eq(filled(&rule).priority, 6);
	rule.priority = 3;
	ck_assert_uint_eq(filled(&rule).priority, 3);
	rule.dscp = RULE_DSCP_KEEP;
	ck_assert_uint_eq(filled(&rule).tos, 0);
	ck_assert_uint_eq(filled(&rule).flags, FAST_TOS_KEEP);
	rule = output_to("ff3e::1");
	rule.dscp = 46;
	ck_assert_uint_eq(filled(&rule).priority, 0); /* IPv6 has no such table */
}
END_TEST

START_TEST(hop_limits_that_are_left_open_are_those_of_a_shard)
{
	struct rule_output rule = output_to("239.2.3.4");

	rule.ttl_mode = RULE_TTL_AUTO;
	rule.ttl = 0;
	ck_assert_uint_eq(filled(&rule).ttl_mode, FAST_TTL_AUTO);
	ck_assert_uint_eq(filled(&rule).ttl, RULE_TTL_DEFAULT);
	ck_assert_uint_eq(filled(&rule).ttl_fresh, RULE_TTL_FRESH);
	ck_assert_uint_eq(filled(&rule).ttl_most, RULE_TTL_DEFAULT);
	rule.ttl_mode = RULE_TTL_FIXED;
	rule.ttl = 5;
	ck_assert_uint_eq(filled(&rule).ttl, 5);
}
END_TEST

START_TEST(what_is_not_asked_for_makes_no_two_of_one)
{
	const struct addr sender = addr_of("10.0.0.1", 5555);
	struct rule_output rule = output_to("239.2.3.4");
	const struct addr local = sender;
	struct fast_output first, second;

	memset(&first, 0xff, sizeof(first));
	memset(&second, 0, sizeof(second));
	wire_fill(&rule, &device, &local, false, &first);
	wire_fill(&rule, &device, &local, false, &second);
	ck_assert_mem_eq(&first, &second, sizeof(first));
	wire_fill(&rule, &device, &local, true, &second);
	ck_assert_uint_eq(second.flags, first.flags | FAST_DARK);
	ck_assert_uint_eq(ntohs(wire_echo(&sender).port), 5555);
	ck_assert_mem_eq(wire_echo(&sender).ip, sender.ip, sizeof(sender.ip));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("wire");
	TCase *tc = tcase_create("wire");
	SRunner *runner = srunner_create(suite);
	int failed;

	suite_add_tcase(suite, tc);
	tcase_add_test(tc, a_group_has_its_hardware_address);
	tcase_add_test(tc, addresses_and_ports_are_those_of_the_socket);
	tcase_add_test(tc, dscp_is_above_the_bits_of_ecn_and_says_the_priority);
	tcase_add_test(tc, hop_limits_that_are_left_open_are_those_of_a_shard);
	tcase_add_test(tc, what_is_not_asked_for_makes_no_two_of_one);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
