/* check_sock.c - sockets on loopback: what needs no namespace and no privilege (steps 3 and 10).
 *
 * check_sock_net.c and check_sock_send.c add what needs interfaces of its own. Where a test is
 * about missing privileges and runs as root, it gives root up first.
 */
#include "tests/unit/shard/check_sock.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "shard/sock.h"
#include "tests/unit/sock_help.h"

static struct err err;
static struct sock_got got;
static const struct sock_want no_wish;

static int open_in(const struct rule_ingress *in)
{
	return sock_open_ingress(in, if_nametoindex(in->at.ifname), &no_wish, &got, &err);
}

static int open_out(const struct rule_output *out)
{
	return sock_open_egress(out, if_nametoindex(out->to.ifname), &no_wish, &got, &err);
}

static const char *const loopback_ip[] = {"127.0.0.1", "::1"};

/* A unicast ingress on a port the kernel picked; port 0 exists in tests only. */
static int open_free_port(const char *ip, struct rule_ingress *in)
{
	*in = ingress_at(ip, "", 0);

	int fd = must_ingress(in, &got);

	in->at.addr.port = got.local.port;
	return fd;
}

START_TEST(unicast_passes_with_ttl_and_dscp)
{
	struct rule_ingress in;
	int rx = open_free_port(loopback_ip[_i], &in);
	struct rule_output out = output_to(loopback_ip[_i], "", in.at.addr.port);

	out.ttl = 7;
	out.dscp = 46;

	int tx = must_egress(&out, &got);

	ck_assert(got.connected);
	send_text(tx, "one");

	struct recv_info info = recv_with_info(rx);

	ck_assert_str_eq(info.text, "one");
	ck_assert_int_eq(info.ttl, 7);
	ck_assert_int_eq(info.tos, 46 << 2);
	ck_assert(addr_equal(&info.from, &got.local));
}
END_TEST

START_TEST(default_ttl_is_16_and_dscp_0)
{
	struct rule_ingress in;
	int rx = open_free_port(loopback_ip[_i], &in);
	struct rule_output out = output_to(loopback_ip[_i], "", in.at.addr.port);

	out.ttl_mode = RULE_TTL_KEEP;
	out.ttl = 0;
	out.dscp = RULE_DSCP_KEEP;
	send_text(must_egress(&out, NULL), "one");

	struct recv_info info = recv_with_info(rx);

	ck_assert_int_eq(info.ttl, RULE_TTL_DEFAULT);
	ck_assert_int_eq(info.tos, 0);
}
END_TEST

/* 127.255.255.255 is what the kernel makes of lo's network. */
START_TEST(broadcasts_are_sent_with_ttl_1)
{
	static const struct {
		const char *ip, *ifname;
		uint8_t ttl;
		int broadcast, got_ttl;
	} rows[] = {{"127.255.255.255", "lo", 0, 1, 1}, {"127.255.255.255", "", 0, 1, 1},
		    {"127.255.255.255", "lo", 9, 1, 9}, {"255.255.255.255", "lo", 0, 1, 1},
		    {"127.0.0.1", "lo", 0, 0, 16},      {"127.0.0.1", "", 0, 0, 16}};
	struct rule_output out = output_to(rows[_i].ip, rows[_i].ifname, 9);
	int broadcast = -1, ttl = -1;
	socklen_t len = sizeof(int);
	int fd;

	out.ttl_mode = rows[_i].ttl ? RULE_TTL_FIXED : RULE_TTL_AUTO;
	out.ttl = rows[_i].ttl;
	fd = must_egress(&out, NULL);
	ck_assert_int_eq(getsockopt(fd, SOL_SOCKET, SO_BROADCAST, &broadcast, &len), 0);
	ck_assert_int_eq(getsockopt(fd, IPPROTO_IP, IP_TTL, &ttl, &len), 0);
	ck_assert_int_eq(broadcast, rows[_i].broadcast);
	ck_assert_int_eq(ttl, rows[_i].got_ttl);
}
END_TEST

START_TEST(fds_do_not_block_nor_leak_into_programs)
{
	struct rule_ingress in;
	int rx = open_free_port(loopback_ip[_i], &in);
	struct rule_output out = output_to(loopback_ip[_i], "", in.at.addr.port);
	int tx = must_egress(&out, NULL);

	ck_assert(fcntl(rx, F_GETFL) & O_NONBLOCK);
	ck_assert(fcntl(tx, F_GETFL) & O_NONBLOCK);
	ck_assert(fcntl(rx, F_GETFD) & FD_CLOEXEC);
	ck_assert(fcntl(tx, F_GETFD) & FD_CLOEXEC);
}
END_TEST

START_TEST(unicast_port_in_use_is_refused_and_leaks_nothing)
{
	struct rule_ingress in;
	int next;

	open_free_port(loopback_ip[_i], &in);
	next = open("/dev/null", O_RDONLY);
	close(next);
	ck_assert_int_eq(open_in(&in), -EADDRINUSE);
	err_says(&err, "ss -ulpn");
	err_says(&err, loopback_ip[_i]);
	ck_assert_int_eq(open("/dev/null", O_RDONLY), next);
	close(next);
}
END_TEST

START_TEST(outputs_share_a_named_source_port)
{
	struct rule_ingress in;
	int rx = open_free_port(loopback_ip[_i], &in);
	struct rule_output first = output_to(loopback_ip[_i], "", in.at.addr.port);
	struct rule_ingress probe;
	int held = open_free_port(loopback_ip[_i], &probe);

	close(held);
	first.sport = probe.at.addr.port;
	send_text(must_egress(&first, NULL), "first");

	struct rule_output second = first;

	second.to.addr.port = (uint16_t)(in.at.addr.port ^ 1U);
	must_egress(&second, &got);
	ck_assert_uint_eq(got.local.port, probe.at.addr.port);
	ck_assert_uint_eq(recv_with_info(rx).from.port, probe.at.addr.port);
}
END_TEST

START_TEST(source_address_is_the_one_asked_for)
{
	struct rule_ingress in;
	int rx = open_free_port("127.0.0.1", &in);
	struct rule_output out = output_to("127.0.0.1", "", in.at.addr.port);

	out.src = addr_of("127.9.8.7");
	send_text(must_egress(&out, &got), "one");
	ck_assert(addr_ip_equal(&got.local, &out.src));

	struct recv_info info = recv_with_info(rx);

	ck_assert(addr_equal(&info.from, &got.local));
}
END_TEST

START_TEST(source_address_that_is_elsewhere_is_bound_to_ahead_and_told)
{
	struct rule_output out = output_to(loopback_ip[_i], "", 5000);

	out.src = addr_of(loopback_ip[_i]);
	ck_assert_int_ge(open_out(&out), 0);
	ck_assert(!got.sourceless);
	ck_assert(!sock_lacks_source(&out, 0));
	out.src = addr_of(_i ? "2001:db8::9" : "192.0.2.9");
	ck_assert_int_ge(open_out(&out), 0);
	ck_assert(got.sourceless);
	ck_assert(addr_ip_equal(&got.local, &out.src));
	ck_assert(sock_lacks_source(&out, 0));
}
END_TEST

START_TEST(foreign_ingress_address_is_refused)
{
	struct rule_ingress in = ingress_at(_i ? "2001:db8::9" : "192.0.2.9", "", 5000);

	ck_assert_int_eq(open_in(&in), -EADDRNOTAVAIL);
	err_says(&err, "ip address");
}
END_TEST

START_TEST(local_port_is_known_before_the_first_send)
{
	struct rule_output out = output_to(loopback_ip[_i], "", 5000);

	must_egress(&out, &got);
	ck_assert_uint_ne(got.local.port, 0);
	ck_assert(!addr_is_any(&got.local));
}
END_TEST

START_TEST(path_mtu_is_that_of_the_route)
{
	struct rule_output out = output_to(loopback_ip[_i], "", 5000);
	int family = _i ? AF_INET6 : AF_INET;
	int tx = must_egress(&out, NULL);
	struct sockaddr apart = {.sa_family = AF_UNSPEC};

	/* Loopback's is 65536 unless somebody changed it; IPv6 needs 1280. */
	ck_assert_uint_ge(sock_path_mtu(tx, family), 1280);
	ck_assert_int_eq(connect(tx, &apart, sizeof(apart)), 0);
	ck_assert_uint_eq(sock_path_mtu(tx, AF_INET), 0);
}
END_TEST

START_TEST(refused_datagrams_are_found_in_the_error_queue)
{
	struct rule_ingress in;
	int rx = open_free_port(loopback_ip[_i], &in);
	struct rule_output out = output_to(loopback_ip[_i], "", in.at.addr.port);
	int tx = must_egress(&out, NULL);

	struct sock_errors seen;

	close(rx);
	ck_assert_uint_eq(sock_drain_errors(tx).icmp, 0);
	send_text(tx, "nobody listens");
	seen = sock_drain_errors(tx);
	ck_assert_uint_eq(seen.icmp, 1);
	ck_assert_int_eq(seen.icmp_errno, ECONNREFUSED);
	ck_assert_uint_eq(sock_drain_errors(tx).icmp, 0);
	/* Drained, the error does not fail the next send, which has another answer to wait for. */
	send_text(tx, "still nobody");
	ck_assert_uint_eq(sock_drain_errors(tx).icmp, 1);
}
END_TEST

START_TEST(kernel_drops_are_exact_under_overflow)
{
	struct rule_ingress in = ingress_at(loopback_ip[_i], "", 0);
	struct sock_want want = {.buffer_bytes = 4096};
	int rx = sock_open_ingress(&in, 0, &want, &got, &err);

	ck_assert_msg(rx >= 0, "%s", err.text);

	struct rule_output out = output_to(loopback_ip[_i], "", got.local.port);
	int tx = must_egress(&out, NULL);

	ck_assert_uint_eq(sock_kernel_drops(rx), 0);
	for (int i = 0; i < 500; i++) {
		send_text(tx, "burst");
	}

	unsigned received = drain_socket(rx);

	ck_assert_uint_gt(received, 0);
	ck_assert_uint_gt(sock_kernel_drops(rx), 0);
	ck_assert_uint_eq(received + sock_kernel_drops(rx), 500);
}
END_TEST

START_TEST(kernel_drops_of_a_bad_fd_are_0)
{
	ck_assert_uint_eq(sock_kernel_drops(-1), 0);
	ck_assert_uint_eq(sock_drain_errors(-1).icmp, 0);
}
END_TEST

START_TEST(buffer_beyond_the_limit_is_reported)
{
	struct rule_ingress in = ingress_at("127.0.0.1", "", 0);
	struct rule_output out = output_to("127.0.0.1", "", 5000);
	struct sock_want want = {.buffer_bytes = 1U << 30};

	net_become_nobody();
	ck_assert_int_ge(sock_open_ingress(&in, 0, &want, &got, &err), 0);
	ck_assert(got.clamped);
	ck_assert_uint_lt(got.buffer_bytes, want.buffer_bytes);
	ck_assert_int_ge(sock_open_egress(&out, 0, &want, &got, &err), 0);
	ck_assert(got.clamped);
}
END_TEST

START_TEST(buffer_within_the_limit_is_got)
{
	struct rule_ingress in = ingress_at("127.0.0.1", "", 0);
	struct rule_output out = output_to("127.0.0.1", "", 5000);
	struct sock_want want = {.buffer_bytes = 65536};

	net_become_nobody();
	ck_assert_int_ge(sock_open_ingress(&in, 0, &want, &got, &err), 0);
	ck_assert(!got.clamped);
	ck_assert_uint_eq(got.buffer_bytes, 65536);
	ck_assert_int_ge(sock_open_egress(&out, 0, &want, &got, &err), 0);
	ck_assert(!got.clamped);
	ck_assert_uint_eq(got.buffer_bytes, 65536);
}
END_TEST

START_TEST(buffer_no_kernel_can_give_is_reported_even_to_root)
{
	struct rule_ingress in = ingress_at("127.0.0.1", "", 0);
	struct sock_want want = {.buffer_bytes = UINT32_MAX};

	ck_assert_int_ge(sock_open_ingress(&in, 0, &want, &got, &err), 0);
	ck_assert(got.clamped);
}
END_TEST

START_TEST(no_more_files_names_the_limit)
{
	struct rule_output out = output_to("127.0.0.1", "", 5000);
	struct rlimit usual;
	struct rlimit few;

	ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &usual), 0);
	few = usual;
	few.rlim_cur = (rlim_t)open("/dev/null", O_RDONLY) + 1;
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &few), 0);
	ck_assert_int_eq(open_out(&out), -EMFILE);
	/* The sanitizers open files of their own at exit. */
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &usual), 0);
	err_says(&err, "ulimit -n");
	err_says(&err, "LimitNOFILE=");
}
END_TEST

START_TEST(low_port_names_the_capability)
{
	struct rule_ingress in = ingress_at("127.0.0.1", "", 1);

	net_become_nobody();

	int fd = open_in(&in);

	/* A container may have opened all ports to everyone. */
	if (fd >= 0) {
		ck_assert_uint_eq(got.local.port, 1);
		return;
	}
	ck_assert_int_eq(fd, -EACCES);
	err_says(&err, "CAP_NET_BIND_SERVICE");
	err_says(&err, "(now net.ipv4.ip_unprivileged_port_start = ");
}
END_TEST

START_TEST(kept_source_names_the_capability)
{
	struct rule_output out = output_to(loopback_ip[_i], "", 5000);

	out.src_keep = true;
	net_become_nobody();
	ck_assert_int_eq(open_out(&out), -EPERM);
	err_says(&err, "src=keep");
	err_says(&err, "CAP_NET_RAW");
}
END_TEST

START_TEST(priority_is_set_and_read_back)
{
	struct rule_output out = output_to("127.0.0.1", "", 5000);
	int kept = -1;
	socklen_t len = sizeof(kept);

	out.priority = 5;
	out.dscp = 46;

	int fd = must_egress(&out, NULL);

	ck_assert_int_eq(getsockopt(fd, SOL_SOCKET, SO_PRIORITY, &kept, &len), 0);
	ck_assert_int_eq(kept, 5);
	net_become_nobody();
	out.priority = 7;
	ck_assert_int_eq(open_out(&out), -EPERM);
	err_says(&err, "priority=7");
}
END_TEST

START_TEST(interface_that_is_not_there_is_named)
{
	struct rule_ingress in = ingress_at("239.1.1.1", "nosuch0", 5000);
	struct rule_output out = output_to("127.0.0.1", "nosuch0", 5000);

	ck_assert_int_eq(sock_open_ingress(&in, 77, &no_wish, &got, &err), -ENODEV);
	err_says(&err, "nosuch0: cannot bind to the interface: No such device");
	ck_assert_int_eq(sock_open_egress(&out, 77, &no_wish, &got, &err), -ENODEV);
	err_says(&err, "nosuch0");
}
END_TEST

START_TEST(interface_of_another_index_is_refused)
{
	struct rule_ingress in = ingress_at("239.1.1.1", "lo", 5000);

	ck_assert_int_eq(sock_open_ingress(&in, if_nametoindex("lo") + 1, &no_wish, &got, &err),
			 -ENODEV);
	err_says(&err, "made anew");
}
END_TEST

START_TEST(gso_is_known_and_gro_is_got_when_wanted)
{
	struct rule_ingress in = ingress_at("127.0.0.1", "", 0);
	struct rule_output out = output_to("127.0.0.1", "", 5000);
	struct sock_want want = {.gro = true};

	must_egress(&out, &got);
	ck_assert(got.gso);
	ck_assert_int_ge(sock_open_ingress(&in, 0, &want, &got, &err), 0);
	ck_assert(got.gro);
	ck_assert_int_ge(open_in(&in), 0);
	ck_assert(!got.gro);
}
END_TEST

START_TEST(egress_hears_no_group_that_others_joined)
{
	struct rule_ingress in = ingress_at("239.7.7.7", "lo", 0);
	int rx = must_ingress(&in, &got);
	struct rule_output out = output_to("127.0.0.1", "", 5000);

	out.sport = got.local.port;

	/* Bound to the wildcard and not connected: only MULTICAST_ALL keeps the group out. */
	int tx = must_egress(&out, NULL);
	struct sockaddr apart = {.sa_family = AF_UNSPEC};

	ck_assert_int_eq(connect(tx, &apart, sizeof(apart)), 0);

	struct rule_output to_group = output_to("239.7.7.7", "lo", out.sport);

	send_text(must_egress(&to_group, NULL), "group");
	ck_assert_str_eq(recv_text(rx), "group");
	ck_assert(nothing_queued(tx));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("sock");
	TCase *tc = tcase_create("loopback");

	suite_add_tcase(suite, tc);
	tcase_add_loop_test(tc, unicast_passes_with_ttl_and_dscp, 0, 2);
	tcase_add_loop_test(tc, default_ttl_is_16_and_dscp_0, 0, 2);
	tcase_add_loop_test(tc, broadcasts_are_sent_with_ttl_1, 0, 6);
	tcase_add_loop_test(tc, fds_do_not_block_nor_leak_into_programs, 0, 2);
	tcase_add_loop_test(tc, unicast_port_in_use_is_refused_and_leaks_nothing, 0, 2);
	tcase_add_loop_test(tc, outputs_share_a_named_source_port, 0, 2);
	tcase_add_test(tc, source_address_is_the_one_asked_for);
	tcase_add_loop_test(tc, source_address_that_is_elsewhere_is_bound_to_ahead_and_told, 0, 2);
	tcase_add_loop_test(tc, foreign_ingress_address_is_refused, 0, 2);
	tcase_add_loop_test(tc, local_port_is_known_before_the_first_send, 0, 2);
	tcase_add_loop_test(tc, path_mtu_is_that_of_the_route, 0, 2);
	tcase_add_loop_test(tc, refused_datagrams_are_found_in_the_error_queue, 0, 2);
	tcase_add_loop_test(tc, kernel_drops_are_exact_under_overflow, 0, 2);
	tcase_add_test(tc, kernel_drops_of_a_bad_fd_are_0);
	tcase_add_test(tc, buffer_beyond_the_limit_is_reported);
	tcase_add_test(tc, buffer_within_the_limit_is_got);
	tcase_add_test(tc, buffer_no_kernel_can_give_is_reported_even_to_root);
	tcase_add_test(tc, no_more_files_names_the_limit);
	tcase_add_test(tc, low_port_names_the_capability);
	tcase_add_loop_test(tc, kept_source_names_the_capability, 0, 2);
	tcase_add_test(tc, priority_is_set_and_read_back);
	tcase_add_test(tc, interface_that_is_not_there_is_named);
	tcase_add_test(tc, interface_of_another_index_is_refused);
	tcase_add_test(tc, gso_is_known_and_gro_is_got_when_wanted);
	tcase_add_test(tc, egress_hears_no_group_that_others_joined);
	if (net_possible()) {
		suite_add_tcase(suite, check_sock_net());
		suite_add_tcase(suite, check_sock_send());
	}

	SRunner *runner = srunner_create(suite);

	srunner_run_all(runner, CK_ENV);

	int failed = srunner_ntests_failed(runner);

	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
