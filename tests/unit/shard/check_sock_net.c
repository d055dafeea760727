/* check_sock_net.c - two namespaces, who hears what: ingress sockets and memberships.
 *
 * The tests share one pair of namespaces (sock_help.h), made before the first and inherited by
 * fork; those that change interfaces, routes or sysctls make their own. Loops run over IPv4 and
 * IPv6, some twice. Everything runs on one CPU and a veth delivers in order, so "hears nothing" is
 * decided by a datagram sent later and received, never by waiting.
 */
#include "tests/unit/shard/check_sock.h"

#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <unistd.h>

#include "tests/unit/sock_help.h"

static const char *const group_ip[] = {"239.1.1.1", "ff3e::4321:1"};
static const char *const other_group_ip[] = {"239.1.1.2", "ff3e::4321:2"};
static const char *const there_ip[] = {"10.1.0.1", "fd00:1::1"};
static const char *const there_second_ip[] = {"10.1.0.9", "fd00:1::9"};
static const char *const here_ip[] = {"10.1.0.2", "fd00:1::2"};

static struct err err;
static struct sock_got got;
static const struct sock_want no_wish;

START_TEST(one_group_on_two_interfaces_is_heard_apart)
{
	int rx_a = in_here(group_ip[_i], "a1");
	int rx_b = in_here(group_ip[_i], "b1");
	int tx_a = out_there(group_ip[_i], "a0", NULL);
	int tx_b = out_there(group_ip[_i], "b0", NULL);

	for (int i = 0; i < 10; i++) {
		send_text(tx_a, "by a");
		send_text(tx_b, "by b");
	}
	for (int i = 0; i < 10; i++) {
		ck_assert_str_eq(recv_text(rx_a), "by a");
		ck_assert_str_eq(recv_text(rx_b), "by b");
	}
	ck_assert(nothing_queued(rx_a));
	ck_assert(nothing_queued(rx_b));
}
END_TEST

START_TEST(three_hundred_groups_on_one_port)
{
	int rx[300];

	for (unsigned i = 0; i < 300; i++) {
		struct rule_ingress in = ingress_at(group_ip[_i], "a1", SOCK_PORT);

		ck_assert_int_eq(addr_offset(&in.at.addr, i, &in.at.addr), 0);
		in.at.addr.port = SOCK_PORT;
		rx[i] = must_ingress(&in, NULL);
	}
	net_go(THERE);
	for (unsigned i = 0; i < 300; i++) {
		struct rule_output out = output_to(group_ip[_i], "a0", SOCK_PORT);
		char text[16];

		ck_assert_int_eq(addr_offset(&out.to.addr, i, &out.to.addr), 0);
		out.to.addr.port = SOCK_PORT;
		snprintf(text, sizeof(text), "group %u", i);

		int tx = must_egress(&out, NULL);

		send_text(tx, text);
		close(tx);
	}
	for (unsigned i = 0; i < 300; i++) {
		char text[16];

		snprintf(text, sizeof(text), "group %u", i);
		ck_assert_str_eq(recv_text(rx[i]), text);
		ck_assert(nothing_queued(rx[i]));
	}
}
END_TEST

static int out_from(const char *src)
{
	struct rule_output out = output_to(group_ip[strchr(src, ':') != NULL], "a0", SOCK_PORT);

	out.src = addr_of(src);
	net_go(THERE);
	return must_egress(&out, NULL);
}

START_TEST(source_specific_membership_hears_its_source_only)
{
	struct rule_ingress in = ingress_at(group_ip[_i], "a1", SOCK_PORT);

	in.source = addr_of(there_ip[_i]);
	int rx = must_ingress(&in, NULL);

	int stranger = out_from(there_second_ip[_i]);
	int friend = out_from(there_ip[_i]);

	for (int i = 0; i < 5; i++) {
		send_text(stranger, "stranger");
		send_text(friend, "friend");
	}
	for (int i = 0; i < 5; i++) {
		ck_assert_str_eq(recv_text(rx), "friend");
	}
	ck_assert(nothing_queued(rx));
}
END_TEST

/* With SO_REUSEPORT, Linux 6.18 gives a datagram that one IPv4 socket matches to any socket of its
 * reuseport group, by hash: each of two sources' sockets heard half of both. */
START_TEST(two_sources_of_one_group_are_heard_apart)
{
	struct rule_ingress first = ingress_at(group_ip[_i], "a1", SOCK_PORT);
	struct rule_ingress second = first;

	first.source = addr_of(there_ip[_i]);
	second.source = addr_of(there_second_ip[_i]);
	net_go(HERE);

	int rx_first = must_ingress(&first, NULL);
	int rx_second = must_ingress(&second, NULL);

	/* A new socket each time: its port is part of the hash. */
	for (int i = 0; i < 20; i++) {
		send_text(out_from(there_ip[_i]), "first");
		send_text(out_from(there_second_ip[_i]), "second");
	}
	for (int i = 0; i < 20; i++) {
		ck_assert_str_eq(recv_text(rx_first), "first");
		ck_assert_str_eq(recv_text(rx_second), "second");
	}
	ck_assert(nothing_queued(rx_first));
	ck_assert(nothing_queued(rx_second));
}
END_TEST

START_TEST(any_source_membership_hears_every_source)
{
	int rx = in_here(group_ip[_i], "a1");

	send_text(out_from(there_second_ip[_i]), "second");
	send_text(out_from(there_ip[_i]), "first");
	ck_assert_str_eq(recv_text(rx), "second");
	ck_assert_str_eq(recv_text(rx), "first");
}
END_TEST

START_TEST(nothing_is_heard_before_joining_though_others_joined)
{
	struct rule_ingress in = ingress_at(group_ip[_i], "a1", SOCK_PORT);

	unsigned ifindex = if_nametoindex("a1");
	int late = sock_open_ingress(&in, ifindex, &no_wish, &got, &err);

	ck_assert_msg(late >= 0, "%s", err.text);

	int rx = in_here(group_ip[_i], "a1");
	int tx = out_there(group_ip[_i], "a0", NULL);

	send_text(tx, "before");
	ck_assert_str_eq(recv_text(rx), "before");
	ck_assert(nothing_queued(late));
	ck_assert_int_eq(sock_join(late, &in, ifindex, &err), 0);
	send_text(tx, "after");
	ck_assert_str_eq(recv_text(rx), "after");
	ck_assert_str_eq(recv_text(late), "after");
}
END_TEST

START_TEST(nothing_is_heard_after_leaving)
{
	struct rule_ingress in = ingress_at(group_ip[_i % 2], "a1", SOCK_PORT);

	unsigned ifindex = if_nametoindex("a1");

	/* The second half of the loop leaves a source. */
	if (_i >= 2) {
		in.source = addr_of(there_ip[_i % 2]);
	}

	int rx = must_ingress(&in, NULL);
	int witness = in_here(group_ip[_i % 2], "a1");
	int tx = out_from(there_ip[_i % 2]);

	send_text(tx, "joined");
	ck_assert_str_eq(recv_text(rx), "joined");
	ck_assert_str_eq(recv_text(witness), "joined");
	sock_leave(rx, &in, ifindex);
	send_text(tx, "left");
	ck_assert_str_eq(recv_text(witness), "left");
	ck_assert(nothing_queued(rx));
}
END_TEST

START_TEST(two_groups_on_one_port_are_heard_apart)
{
	int rx = in_here(group_ip[_i], "a1");
	int other = in_here(other_group_ip[_i], "a1");

	send_text(out_there(group_ip[_i], "a0", NULL), "one");
	send_text(out_there(other_group_ip[_i], "a0", NULL), "two");
	ck_assert_str_eq(recv_text(rx), "one");
	ck_assert_str_eq(recv_text(other), "two");
	ck_assert(nothing_queued(rx));
	ck_assert(nothing_queued(other));
}
END_TEST

START_TEST(copies_of_one_flow_are_whole_for_each_shard)
{
	int rx[3];

	for (int i = 0; i < 3; i++) {
		rx[i] = in_here(group_ip[_i], "a1");
	}
	send_text(out_there(group_ip[_i], "a0", NULL), "one");
	for (int i = 0; i < 3; i++) {
		ck_assert_str_eq(recv_text(rx[i]), "one");
	}
}
END_TEST

START_TEST(link_local_unicast_passes_both_ways)
{
	struct rule_ingress in = ingress_at("fe80::2", "a1", SOCK_PORT);
	struct rule_output out = output_to("fe80::2", "a0", SOCK_PORT);

	int rx = must_ingress(&in, NULL);

	net_go(THERE);
	out.src = addr_of("fe80::1");
	send_text(must_egress(&out, &got), "one");
	ck_assert(got.connected);

	struct recv_info info = recv_with_info(rx);

	ck_assert(addr_ip_equal(&info.from, &out.src));
}
END_TEST

START_TEST(unicast_ingress_on_an_interface_hears_that_interface)
{
	net_make();

	int rx = in_here(here_ip[_i], "a1");

	/* HERE answers for the address on both interfaces; the socket is bound to one of them. */
	net_go(THERE);
	net_ip(_i ? "route add fd00:1::2 via fd00:2::2 dev b0\n"
		  : "route add 10.1.0.2 via 10.2.0.2 dev b0\n");
	send_text(out_there(here_ip[_i], "b0", NULL), "by b");
	send_text(out_there(here_ip[_i], "a0", NULL), "by a");
	ck_assert_str_eq(recv_text(rx), "by a");
	ck_assert(nothing_queued(rx));
}
END_TEST

START_TEST(refused_membership_names_the_sysctl_and_its_value)
{
	struct rule_ingress in = ingress_at("239.1.1.1", "a1", SOCK_PORT);

	net_make();
	net_sysctl("net/ipv4/igmp_max_memberships", "0");

	int fd = sock_open_ingress(&in, if_nametoindex("a1"), &no_wish, &got, &err);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(sock_join(fd, &in, if_nametoindex("a1"), &err), -ENOBUFS);
	err_says(&err, "a1: cannot join 239.1.1.1: No buffer space available; ");
	err_says(&err, "net.ipv4.igmp_max_memberships = 0");
	err_says(&err, "net.core.optmem_max = ");
}
END_TEST

START_TEST(membership_on_a_deleted_interface_names_it)
{
	struct rule_ingress in = ingress_at(group_ip[_i], "a1", SOCK_PORT);

	in.source = addr_of(there_ip[_i]);
	net_make();

	unsigned ifindex = if_nametoindex("a1");
	int fd = sock_open_ingress(&in, ifindex, &no_wish, &got, &err);

	ck_assert_int_ge(fd, 0);
	net_ip("link del a1\n");
	ck_assert_int_eq(sock_join(fd, &in, ifindex, &err), -ENODEV);
	err_says(&err, "a1: cannot join ");
	err_says(&err, " from ");
	err_says(&err, "ip link");
}
END_TEST

START_TEST(interface_without_address_can_be_joined)
{
	struct rule_ingress in = ingress_at(group_ip[_i], "a1", SOCK_PORT);

	net_make();
	net_ip("addr flush dev a1\n");

	/* IPv4 checks the sender against the routes: none here, as rp_filter=0 allows. */
	net_sysctl("net/ipv4/conf/all/rp_filter", "0");
	net_sysctl("net/ipv4/conf/a1/rp_filter", "0");

	int rx = must_ingress(&in, NULL);

	send_text(out_there(group_ip[_i], "a0", NULL), "one");
	ck_assert_str_eq(recv_text(rx), "one");
}
END_TEST

/* From every source, then from one. */
START_TEST(membership_is_heard_on_while_and_after_it_is_reported_again)
{
	struct rule_ingress in = ingress_at(group_ip[_i % 2], "a1", SOCK_PORT);
	unsigned ifindex = if_nametoindex("a1");

	if (_i >= 2) {
		in.source = addr_of(there_ip[_i % 2]);
	}

	int rx = must_ingress(&in, NULL);
	int tx = out_from(there_ip[_i % 2]);

	ck_assert_int_eq(
		sock_report(rx, &in, ifindex, _i < 2 ? SOCK_REPORT_GENTLY : SOCK_REPORT_WHOLE), 0);
	send_text(tx, "while");
	ck_assert_int_eq(sock_report(rx, &in, ifindex, SOCK_REPORT_END), 0);
	send_text(tx, "after");
	ck_assert_str_eq(recv_text(rx), "while");
	ck_assert_str_eq(recv_text(rx), "after");
}
END_TEST

START_TEST(membership_reported_as_a_whole_is_heard_after)
{
	struct rule_ingress in = ingress_at(group_ip[_i], "a1", SOCK_PORT);
	unsigned ifindex = if_nametoindex("a1");
	int rx = must_ingress(&in, NULL);
	int tx = out_there(group_ip[_i], "a0", NULL);

	ck_assert_int_eq(sock_report(rx, &in, ifindex, SOCK_REPORT_WHOLE), 0);
	send_text(tx, "while");
	ck_assert_int_eq(sock_report(rx, &in, ifindex, SOCK_REPORT_END), 0);
	send_text(tx, "after");
	ck_assert_str_eq(recv_text(rx), "after");
}
END_TEST

/* Sockets of another address have all ports but the last: whoever hears what comes to it at any
 * address (reply=yes) could not have one of theirs. */
START_TEST(a_named_source_has_a_port_that_nobody_has)
{
	struct rule_output out = output_to(group_ip[_i], "a0", SOCK_PORT);
	struct addr of_others = addr_of(there_ip[_i]);

	net_make();
	net_go(THERE);
	net_sysctl("net/ipv4/ip_local_port_range", "40000 40031");
	for (of_others.port = 40000; of_others.port < 40031; of_others.port++) {
		struct sockaddr_storage name;
		socklen_t len = addr_to_sockaddr(&of_others, 0, &name);
		int fd = socket(name.ss_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);

		ck_assert_int_eq(bind(fd, (struct sockaddr *)&name, len), 0);
	}
	out.src = addr_of(there_second_ip[_i]);
	must_egress(&out, &got);
	ck_assert(addr_ip_equal(&got.local, &out.src));
	ck_assert_uint_eq(got.local.port, 40031);
}
END_TEST

TCase *check_sock_net(void)
{
	TCase *tc = tcase_create("hearing");

	tcase_add_unchecked_fixture(tc, net_make, NULL);
	tcase_add_loop_test(tc, one_group_on_two_interfaces_is_heard_apart, 0, 2);
	tcase_add_loop_test(tc, three_hundred_groups_on_one_port, 0, 2);
	tcase_add_loop_test(tc, source_specific_membership_hears_its_source_only, 0, 2);
	tcase_add_loop_test(tc, two_sources_of_one_group_are_heard_apart, 0, 2);
	tcase_add_loop_test(tc, any_source_membership_hears_every_source, 0, 2);
	tcase_add_loop_test(tc, nothing_is_heard_before_joining_though_others_joined, 0, 2);
	tcase_add_loop_test(tc, nothing_is_heard_after_leaving, 0, 4);
	tcase_add_loop_test(tc, two_groups_on_one_port_are_heard_apart, 0, 2);
	tcase_add_loop_test(tc, copies_of_one_flow_are_whole_for_each_shard, 0, 2);
	tcase_add_test(tc, link_local_unicast_passes_both_ways);
	tcase_add_loop_test(tc, unicast_ingress_on_an_interface_hears_that_interface, 0, 2);
	tcase_add_test(tc, refused_membership_names_the_sysctl_and_its_value);
	tcase_add_loop_test(tc, membership_on_a_deleted_interface_names_it, 0, 2);
	tcase_add_loop_test(tc, interface_without_address_can_be_joined, 0, 2);
	tcase_add_loop_test(tc, membership_is_heard_on_while_and_after_it_is_reported_again, 0, 4);
	tcase_add_loop_test(tc, membership_reported_as_a_whole_is_heard_after, 0, 2);
	tcase_add_loop_test(tc, a_named_source_has_a_port_that_nobody_has, 0, 2);
	return tc;
}
