/* check_sock_send.c - two namespaces, what leaves how: egress sockets.
 *
 * The tests share one pair of namespaces (sock_help.h), made before the first and inherited by
 * fork; those that change interfaces, routes or sysctls make their own. Loops run over IPv4 and
 * IPv6, some twice. Everything runs on one CPU and a veth delivers in order, so "hears nothing" is
 * decided by a datagram sent later and received, never by waiting.
 */
#include "tests/unit/shard/check_sock.h"

#include <errno.h>
#include <limits.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "tests/unit/sock_help.h"

static const char *const group_ip[] = {"239.1.1.1", "ff3e::4321:1"};
static const char *const here_ip[] = {"10.1.0.2", "fd00:1::2"};

static struct err err;
static struct sock_got got;
static const struct sock_want no_wish;

START_TEST(an_open_pair_takes_other_options)
{
	static const struct sock_want both = {.ttl = true, .tos = true};
	struct rule_ingress in = ingress_at(group_ip[_i], "a1", SOCK_PORT);
	int rx = in_here(group_ip[_i], "a1");
	int tx = out_there(group_ip[_i], "a0", NULL);
	struct rule_output out = output_to(group_ip[_i], "a0", SOCK_PORT);
	struct recv_info info;

	out.ttl = 7;
	out.dscp = 46;
	ck_assert_int_eq(sock_set_egress(tx, &out, if_nametoindex("a0"), &err), 0);
	send_text(tx, "one"); /* queued before the ingress is told: it comes with both as well */
	ck_assert_int_eq(sock_want_more(rx, &in, &both, &err), 0);
	info = recv_with_info(rx);
	ck_assert_int_eq(info.ttl, 7);
	ck_assert_int_eq(info.tos, 46 << 2);
	ck_assert_int_lt(sock_set_egress(-1, &out, 1, &err), 0);
	ck_assert_int_lt(sock_want_more(-1, &in, &both, &err), 0);
}
END_TEST

START_TEST(multicast_egress_knows_its_address_without_being_connected)
{
	int rx = in_here(group_ip[_i], "a1");
	int tx = out_there(group_ip[_i], "a0", &got);

	ck_assert(!got.connected);
	ck_assert(!addr_is_any(&got.local));
	send_text(tx, "one");

	struct recv_info info = recv_with_info(rx);

	ck_assert(addr_equal(&info.from, &got.local));
	ck_assert_int_eq(info.ttl, RULE_TTL_DEFAULT);
}
END_TEST

START_TEST(ttl_and_dscp_of_multicast_arrive)
{
	int rx = in_here(group_ip[_i], "a1");
	struct rule_output out = output_to(group_ip[_i], "a0", SOCK_PORT);

	out.ttl = 255;
	out.dscp = 10;
	net_go(THERE);
	send_text(must_egress(&out, NULL), "one");

	struct recv_info info = recv_with_info(rx);

	ck_assert_int_eq(info.ttl, 255);
	ck_assert_int_eq(info.tos, 10 << 2);
}
END_TEST

/* What ICMP errors are looked up by is the address a socket is bound to. */
START_TEST(multicast_and_kept_sources_send_from_sockets_bound_to_a_group_of_chance)
{
	struct rule_output out = output_to(group_ip[_i % 2], "a0", SOCK_PORT);
	struct sockaddr_storage name;
	struct addr bound[2];

	if (_i / 2 == 1) {
		out = output_to(here_ip[_i % 2], "a0", SOCK_PORT);
		out.src_keep = true;
	}
	net_go(THERE);
	for (int n = 0; n < 2; n++) {
		socklen_t len = sizeof(name);
		int tx = must_egress(&out, &got);

		ck_assert_int_eq(getsockname(tx, (struct sockaddr *)&name, &len), 0);
		ck_assert_int_eq(addr_from_sockaddr((struct sockaddr *)&name, &bound[n]), 0);
		ck_assert(addr_is_multicast(&bound[n]));
		ck_assert(!addr_ip_equal(&bound[n], &out.to.addr));
		ck_assert_uint_eq(bound[n].port, got.local.port);
	}
	ck_assert(!addr_ip_equal(&bound[0], &bound[1]));
	ck_assert_uint_ne(bound[0].port, bound[1].port);
}
END_TEST

START_TEST(multicast_has_the_source_asked_for_while_it_is_ours)
{
	struct rule_output out = output_to(group_ip[_i], "a0", SOCK_PORT);

	out.src = addr_of(_i ? "fd00:1::9" : "10.1.0.9");
	net_go(THERE);
	must_egress(&out, &got);
	ck_assert(addr_ip_equal(&got.local, &out.src));
	out.src = addr_of(_i ? "2001:db8::9" : "192.0.2.9");
	must_egress(&out, &got); /* it may become ours */
	ck_assert(got.sourceless);
}
END_TEST

START_TEST(sender_does_not_hear_itself)
{
	struct rule_ingress in = ingress_at(group_ip[_i], "a0", SOCK_PORT);

	int rx = in_here(group_ip[_i], "a1");
	int tx = out_there(group_ip[_i], "a0", &got);
	int own = must_ingress(&in, NULL);

	send_text(tx, "one");
	ck_assert_str_eq(recv_text(rx), "one");
	ck_assert(nothing_queued(own));
}
END_TEST

START_TEST(unreachable_destination_stays_unconnected_until_it_is_not)
{
	struct rule_output out = output_to(_i ? "2001:db8::5" : "192.0.2.5", "", SOCK_PORT);
	struct rule_ingress in = ingress_at(_i ? "2001:db8::5" : "192.0.2.5", "", SOCK_PORT);

	net_make();
	net_ip(_i ? "addr add 2001:db8::5/128 dev lo nodad\n" : "addr add 192.0.2.5/32 dev lo\n");
	if (_i) {
		net_wait_local("2001:db8::5");
	}

	int rx = must_ingress(&in, NULL);

	net_go(THERE);

	int tx = must_egress(&out, &got);

	ck_assert(!got.connected);
	ck_assert_uint_ne(got.local.port, 0);
	net_ip(_i ? "route add 2001:db8::5 via fd00:1::2\n" : "route add 192.0.2.5 via 10.1.0.2\n");
	send_text_until(tx, &out.to.addr, "found", rx);

	struct recv_info info = recv_with_info(rx);

	ck_assert_str_eq(info.text, "found");
	ck_assert_uint_eq(info.from.port, got.local.port);
}
END_TEST

START_TEST(multicast_goes_on_when_an_interface_that_was_down_comes_up)
{
	struct rule_output out = output_to(group_ip[_i], "a0", SOCK_PORT);

	net_make();
	net_go(THERE);
	net_ip("link set a0 down\n");

	int tx = must_egress(&out, &got);

	ck_assert(addr_is_any(&got.local));
	ck_assert_uint_ne(got.local.port, 0);

	int rx = in_here(group_ip[_i], "a1");

	net_go(THERE);
	net_ip("link set a0 up\n");
	/* Going down took the IPv6 address along. */
	if (_i) {
		net_ip("addr add fd00:1::1/64 dev a0 nodad\n");
		net_wait_local("fd00:1::1");
	}
	net_wait("a0");
	send_text(tx, "up again");
	ck_assert_str_eq(recv_text(rx), "up again");
}
END_TEST

START_TEST(dead_neighbour_does_no_harm_to_another_output)
{
	unsigned refused = 0;
	char big[1000];

	int rx = in_here(here_ip[_i], "");
	int good = out_there(here_ip[_i], "a0", &got);
	struct rule_output out = output_to(_i ? "fd00:1::dead" : "10.1.0.222", "a0", SOCK_PORT);
	/* Less than the neighbour's queue holds (net.ipv4.neigh.*.unres_qlen_bytes). */
	struct sock_want want = {.buffer_bytes = 32768};
	int dead = sock_open_egress(&out, if_nametoindex("a0"), &want, &got, &err);

	ck_assert_msg(dead >= 0, "%s", err.text);

	memset(big, 'x', sizeof(big));
	send_text(good, "warm up"); /* the neighbour is resolved from here on */
	ck_assert_str_eq(recv_text(rx), "warm up");
	for (int i = 0; i < 2000; i++) {
		refused += send(dead, big, sizeof(big), MSG_DONTWAIT) < 0;
		if (i % 20 == 0) {
			send_text(good, "good");
			ck_assert_str_eq(recv_text(rx), "good");
		}
	}
	ck_assert_uint_gt(refused, 0);
	ck_assert(nothing_queued(rx));
}
END_TEST

/* Sends `bytes' as a train of `segment' bytes each. */
static ssize_t send_train(int fd, size_t bytes, uint16_t segment)
{
	static char payload[8192];
	char control[CMSG_SPACE(sizeof(segment))] = {0};
	struct iovec iov = {payload, bytes};
	struct msghdr msg = {.msg_iov = &iov,
			     .msg_iovlen = 1,
			     .msg_control = control,
			     .msg_controllen = sizeof(control)};
	struct cmsghdr *c = CMSG_FIRSTHDR(&msg);

	c->cmsg_level = SOL_UDP;
	c->cmsg_type = UDP_SEGMENT;
	c->cmsg_len = CMSG_LEN(sizeof(segment));
	memcpy(CMSG_DATA(c), &segment, sizeof(segment));
	name_destination(fd, &msg);
	return sendmsg(fd, &msg, MSG_DONTWAIT);
}

START_TEST(multicast_sends_trains)
{
	char buf[2048];

	int rx = in_here(group_ip[_i], "a1");
	int tx = out_there(group_ip[_i], "a0", &got);

	ck_assert(got.gso);
	ck_assert_int_eq(send_train(tx, 4700, 1000), 4700);
	for (int i = 0; i < 5; i++) {
		recv_text(rx);
	}
	ck_assert(nothing_queued(rx));
	ck_assert_int_eq(send_train(tx, 4700, 1000), 4700);
	for (int i = 0; i < 5; i++) {
		ck_assert_int_eq(recv(rx, buf, sizeof(buf), 0), i < 4 ? 1000 : 700);
	}
}
END_TEST

START_TEST(path_mtu_follows_the_interface)
{
	net_make();
	net_go(THERE);
	net_ip("link set a0 mtu 1400\n");

	out_there(group_ip[_i], "a0", &got);
	ck_assert_uint_eq(got.path_mtu, 1400);
	ck_assert_uint_eq(sock_device_mtu(out_there(here_ip[_i], "", &got), if_nametoindex("a0")),
			  1400);
	ck_assert_uint_eq(got.path_mtu, 1400);
}
END_TEST

START_TEST(fragments_are_allowed_unless_forbidden)
{
	int level = _i ? IPPROTO_IPV6 : IPPROTO_IP;
	int name = _i ? IPV6_MTU_DISCOVER : IP_MTU_DISCOVER;
	int allowed = _i ? IPV6_PMTUDISC_DONT : IP_PMTUDISC_OMIT;
	int forbidden = _i ? IPV6_PMTUDISC_DO : IP_PMTUDISC_DO;
	struct rule_output out = output_to(here_ip[_i], "a0", SOCK_PORT);
	int kept = -1;
	socklen_t len = sizeof(kept);
	int fd;

	net_go(THERE);
	fd = must_egress(&out, NULL);
	ck_assert_int_eq(getsockopt(fd, level, name, &kept, &len), 0);
	ck_assert_int_eq(kept, allowed);
	out.df = true;
	ck_assert_int_eq(sock_set_egress(fd, &out, if_nametoindex("a0"), &err), 0);
	ck_assert_int_eq(getsockopt(fd, level, name, &kept, &len), 0);
	ck_assert_int_eq(kept, forbidden);
	ck_assert_uint_eq(sock_device_mtu(fd, 0), 0);
	ck_assert_uint_eq(sock_device_mtu(fd, INT_MAX), 0);
}
END_TEST

START_TEST(what_is_sent_to_an_output_takes_no_memory)
{
	struct rule_output out =
		output_to(_i / 2 ? here_ip[_i % 2] : group_ip[_i % 2], "a0", SOCK_PORT);
	int kept = 0;
	int smallest = 0;
	int other = socket(AF_INET, SOCK_DGRAM, 0);
	socklen_t len = sizeof(kept);

	net_go(THERE);
	ck_assert_int_eq(setsockopt(other, SOL_SOCKET, SO_RCVBUF, &kept, sizeof(kept)), 0);
	ck_assert_int_eq(getsockopt(other, SOL_SOCKET, SO_RCVBUF, &smallest, &len), 0);
	ck_assert_int_eq(getsockopt(must_egress(&out, NULL), SOL_SOCKET, SO_RCVBUF, &kept, &len),
			 0);
	ck_assert_int_eq(kept, smallest);
	close(other);
}
END_TEST

START_TEST(trains_arrive_whole_with_gro)
{
	struct rule_ingress in = ingress_at(group_ip[_i], "a1", SOCK_PORT);
	struct sock_want want = {.gro = true};
	char buf[8192];

	int rx = sock_open_ingress(&in, if_nametoindex("a1"), &want, &got, &err);

	ck_assert_msg(rx >= 0, "%s", err.text);
	ck_assert(got.gro);
	ck_assert_int_eq(sock_join(rx, &in, if_nametoindex("a1"), &err), 0);
	ck_assert_int_eq(send_train(out_there(group_ip[_i], "a0", &got), 4700, 1000), 4700);
	ck_assert_int_eq(recv(rx, buf, sizeof(buf), 0), 4700);
}
END_TEST

START_TEST(drop_in_the_qdisc_is_an_error_of_the_send)
{
	char line[256];
	char big[1000];
	unsigned refused = 0;
	unsigned dropped = 0;

	net_make();

	int tx = out_there(group_ip[_i], "a0", &got);

	net_tc("qdisc add dev a0 root tbf rate 8kbit burst 2000 limit 5000\n");
	memset(big, 'x', sizeof(big));
	for (int i = 0; i < 40; i++) {
		ssize_t n = send_bytes(tx, big, sizeof(big));

		ck_assert(n == (ssize_t)sizeof(big) || errno == ENOBUFS);
		refused += n < 0;
	}
	net_grep("tc -s qdisc show dev a0", "dropped", line, sizeof(line));
	ck_assert_int_eq(sscanf(line, "dropped %u", &dropped), 1);
	ck_assert_uint_gt(refused, 0);
	ck_assert_uint_eq(refused, dropped);
}
END_TEST

START_TEST(source_address_is_kept_when_asked)
{
	struct rule_output out = output_to(group_ip[_i], "a0", SOCK_PORT);
	struct sockaddr_storage name;
	char control[64] = {0};
	char text[] = "kept";
	struct iovec iov = {text, sizeof(text) - 1};
	struct addr foreign = addr_of(_i ? "2001:db8::77" : "192.0.2.77");
	struct msghdr msg = {
		.msg_name = &name, .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control};
	struct cmsghdr *c = (struct cmsghdr *)control;

	net_make();

	int rx = in_here(group_ip[_i], "a1");

	net_ip(_i ? "route add 2001:db8::/32 dev a1\n" : "route add 192.0.2.0/24 dev a1\n");
	net_go(THERE);
	out.src_keep = true;

	int tx = must_egress(&out, &got);

	ck_assert(!got.connected);
	msg.msg_namelen = addr_to_sockaddr(&out.to.addr, 0, &name);
	if (_i) {
		struct in6_pktinfo info = {.ipi6_ifindex = if_nametoindex("a0")};

		memcpy(&info.ipi6_addr, foreign.ip, 16);
		*c = (struct cmsghdr){CMSG_LEN(sizeof(info)), IPPROTO_IPV6, IPV6_PKTINFO};
		memcpy(CMSG_DATA(c), &info, sizeof(info));
		msg.msg_controllen = CMSG_SPACE(sizeof(info));
	} else {
		struct in_pktinfo info = {.ipi_ifindex = (int)if_nametoindex("a0")};

		memcpy(&info.ipi_spec_dst, foreign.ip, 4);
		*c = (struct cmsghdr){CMSG_LEN(sizeof(info)), IPPROTO_IP, IP_PKTINFO};
		memcpy(CMSG_DATA(c), &info, sizeof(info));
		msg.msg_controllen = CMSG_SPACE(sizeof(info));
	}
	ck_assert_msg(sendmsg(tx, &msg, MSG_DONTWAIT) == 4, "%s", strerror(errno));

	struct recv_info seen = recv_with_info(rx);

	ck_assert(addr_ip_equal(&seen.from, &foreign));
	ck_assert_uint_eq(seen.from.port, got.local.port);
}
END_TEST

START_TEST(ports_all_taken_name_the_range)
{
	struct rule_output out = output_to(here_ip[0], "", SOCK_PORT);

	net_make();
	net_sysctl("net/ipv4/ip_local_port_range", "40000 40001");
	must_egress(&out, NULL);
	must_egress(&out, NULL);
	ck_assert_int_eq(sock_open_egress(&out, 0, &no_wish, &got, &err), -EADDRINUSE);
	err_says(&err, "(now net.ipv4.ip_local_port_range = 40000 40001)");
}
END_TEST

TCase *check_sock_send(void)
{
	TCase *tc = tcase_create("sending");

	tcase_add_unchecked_fixture(tc, net_make, NULL);
	tcase_add_loop_test(tc, an_open_pair_takes_other_options, 0, 2);
	tcase_add_loop_test(tc, multicast_egress_knows_its_address_without_being_connected, 0, 2);
	tcase_add_loop_test(
		tc, multicast_and_kept_sources_send_from_sockets_bound_to_a_group_of_chance, 0, 4);
	tcase_add_loop_test(tc, multicast_has_the_source_asked_for_while_it_is_ours, 0, 2);
	tcase_add_loop_test(tc, ttl_and_dscp_of_multicast_arrive, 0, 2);
	tcase_add_loop_test(tc, sender_does_not_hear_itself, 0, 2);
	tcase_add_loop_test(tc, unreachable_destination_stays_unconnected_until_it_is_not, 0, 2);
	tcase_add_loop_test(tc, multicast_goes_on_when_an_interface_that_was_down_comes_up, 0, 2);
	tcase_add_loop_test(tc, dead_neighbour_does_no_harm_to_another_output, 0, 2);
	tcase_add_loop_test(tc, multicast_sends_trains, 0, 2);
	tcase_add_loop_test(tc, path_mtu_follows_the_interface, 0, 2);
	tcase_add_loop_test(tc, fragments_are_allowed_unless_forbidden, 0, 2);
	tcase_add_loop_test(tc, what_is_sent_to_an_output_takes_no_memory, 0, 4);
	tcase_add_loop_test(tc, trains_arrive_whole_with_gro, 0, 2);
	tcase_add_loop_test(tc, drop_in_the_qdisc_is_an_error_of_the_send, 0, 2);
	tcase_add_loop_test(tc, source_address_is_kept_when_asked, 0, 2);
	tcase_add_test(tc, ports_all_taken_name_the_range);
	return tc;
}
