/* check_sock_kept.c - a socket that was kept is taken over with its queue, and only when it hears
 * what its rule wants it to hear.
 *
 * In namespaces of its own, since it joins groups; loops run over IPv4 and IPv6.
 */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "shard/sock.h"
#include "tests/unit/sock_help.h"

static const char *const group_ip[] = {"239.1.1.1", "ff3e::4321:1"};
static const char *const there_ip[] = {"10.1.0.1", "fd00:1::1"};
static const char *const here_ip[] = {"10.1.0.2", "fd00:1::2"};
static struct err err;
static struct sock_got got;
static int fails_in; /* options that are set, with the one that is refused; 0: none */

int __real_setsockopt(int fd, int level, int name, const void *value, socklen_t len);
int __wrap_setsockopt(int fd, int level, int name, const void *value, socklen_t len);

int __wrap_setsockopt(int fd, int level, int name, const void *value, socklen_t len)
{
	if (fails_in > 0 && --fails_in == 0) {
		errno = ENOBUFS;
		return -1;
	}
	return __real_setsockopt(fd, level, name, value, len);
}

/* An open and joined socket as a process before us had it. */
static int keep(const struct rule_ingress *in)
{
	net_go(HERE);
	return must_ingress(in, NULL);
}

static int take(int fd, const struct rule_ingress *in)
{
	struct sock_want want = {.ttl = true, .tos = true};

	err.text[0] = '\0';
	return sock_take_ingress(fd, in, if_nametoindex(in->at.ifname), &want, &got, &err);
}

static void expect_difference(int fd, const struct rule_ingress *in, const char *what)
{
	ck_assert_int_eq(take(fd, in), -ESTALE);
	err_says(&err, what);
}

START_TEST(group_is_taken_over_with_what_is_queued)
{
	struct rule_ingress in = ingress_at(group_ip[_i], "a1", SOCK_PORT);
	int rx = keep(&in);
	int tx = out_there(group_ip[_i], "a0", NULL);

	for (int i = 0; i < 3; i++) {
		send_text(tx, "queued");
	}
	net_go(HERE);
	ck_assert_int_eq(fcntl(rx, F_SETFL, 0), 0); /* who kept it may have set that */
	ck_assert_msg(take(rx, &in) == 0, "%s", err.text);
	ck_assert_int_ne(fcntl(rx, F_GETFL) & O_NONBLOCK, 0);
	ck_assert(addr_equal(&got.local, &in.at.addr));
	send_text(tx, "later");
	for (int i = 0; i < 3; i++) {
		struct recv_info info = recv_with_info(rx);

		ck_assert_str_eq(info.text, "queued");
		ck_assert_int_eq(info.ttl, RULE_TTL_DEFAULT);
	}
	ck_assert_str_eq(recv_text(rx), "later");
	ck_assert(nothing_queued(rx));
}
END_TEST

START_TEST(what_outputs_want_to_know_is_told_of_what_is_queued_too)
{
	struct rule_ingress in = ingress_at(group_ip[_i], "a1", SOCK_PORT);
	struct sock_want want = {0};
	int rx, tx;

	net_go(HERE);
	rx = sock_open_ingress(&in, if_nametoindex("a1"), &want, &got, &err);
	ck_assert_int_ge(rx, 0);
	ck_assert_int_eq(sock_join(rx, &in, if_nametoindex("a1"), &err), 0);
	tx = out_there(group_ip[_i], "a0", NULL);
	send_text(tx, "queued");
	net_go(HERE);
	ck_assert_msg(take(rx, &in) == 0, "%s", err.text);
	ck_assert_int_eq(recv_with_info(rx).ttl, RULE_TTL_DEFAULT);
}
END_TEST

START_TEST(stamps_come_and_go_as_the_rule_wants)
{
	struct rule_ingress in = ingress_at(group_ip[_i], "a1", SOCK_PORT);
	struct sock_want want = {.stamp = true};
	int rx = keep(&in), on = -1;
	socklen_t len = sizeof(on);

	ck_assert_int_eq(sock_take_ingress(rx, &in, if_nametoindex("a1"), &want, &got, &err), 0);
	ck_assert_int_eq(getsockopt(rx, SOL_SOCKET, SO_TIMESTAMPNS, &on, &len), 0);
	ck_assert_int_eq(on, 1);
	ck_assert_int_eq(take(rx, &in), 0);
	ck_assert_int_eq(getsockopt(rx, SOL_SOCKET, SO_TIMESTAMPNS, &on, &len), 0);
	ck_assert_int_eq(on, 0);
}
END_TEST

START_TEST(unicast_and_source_are_taken_over)
{
	struct rule_ingress one = ingress_at(here_ip[_i], "", SOCK_PORT);
	struct rule_ingress ssm = ingress_at(group_ip[_i], "a1", SOCK_PORT);
	struct rule_ingress apart = ingress_at(here_ip[_i], "a1", SOCK_PORT + 1);

	ssm.source = addr_of(there_ip[_i]);
	apart.source = addr_of(there_ip[_i]);
	apart.shared = true;
	ck_assert_msg(take(keep(&one), &one) == 0, "%s", err.text);
	ck_assert_msg(take(keep(&ssm), &ssm) == 0, "%s", err.text);
	ck_assert_msg(take(keep(&apart), &apart) == 0, "%s", err.text);
}
END_TEST

START_TEST(another_address_port_or_device_is_refused)
{
	struct rule_ingress in = ingress_at(group_ip[_i], "a1", SOCK_PORT);
	struct rule_ingress device = ingress_at(group_ip[_i], "b1", SOCK_PORT);
	struct rule_ingress port = ingress_at(group_ip[_i], "a1", SOCK_PORT + 1);
	struct rule_ingress group = ingress_at(group_ip[_i], "a1", SOCK_PORT);
	struct rule_ingress family = ingress_at(group_ip[!_i], "a1", SOCK_PORT);
	int rx = keep(&in);

	group.at.addr.ip[_i ? 15 : 3]++;
	expect_difference(rx, &device, "its device differs");
	expect_difference(rx, &port, "what it is bound to differs");
	expect_difference(rx, &group, "what it is bound to differs");
	expect_difference(rx, &family, "its family differs");
	ck_assert_int_eq(take(rx, &in), 0);
}
END_TEST

START_TEST(interface_that_was_made_anew_is_another_device)
{
	struct rule_ingress in = ingress_at(group_ip[_i], "t1", SOCK_PORT);
	int rx;

	net_go(HERE);
	net_ip("link add t1 type veth peer name t0\nlink set t1 up\n");
	rx = keep(&in);
	net_ip("link del t1\nlink add t1 type veth peer name t0\nlink set t1 up\n");
	expect_difference(rx, &in, "its device differs");
	net_ip("link del t1\n");
}
END_TEST

START_TEST(membership_must_be_as_it_was_joined)
{
	struct rule_ingress all = ingress_at(group_ip[_i], "a1", SOCK_PORT);
	struct rule_ingress one = all, other = all;
	int rx;

	one.source = addr_of(there_ip[_i]);
	other.source = addr_of(here_ip[_i]);
	expect_difference(keep(&all), &one, "its membership differs");
	expect_difference(keep(&one), &all, "its membership differs");
	expect_difference(keep(&one), &other, "its membership differs");
	rx = keep(&all);
	sock_leave(rx, &all, if_nametoindex("a1"));
	expect_difference(rx, &all, "its membership differs");
	rx = keep(&all);
	ck_assert_int_eq(sock_report(rx, &all, if_nametoindex("a1"), SOCK_REPORT_GENTLY), 0);
	expect_difference(rx, &all, "its membership differs");
}
END_TEST

START_TEST(filtered_socket_is_refused)
{
	struct rule_ingress in = ingress_at(group_ip[_i], "a1", SOCK_PORT);
	int rx = keep(&in);

	sock_refuse_all(rx);
	expect_difference(rx, &in, "its filter differs");
}
END_TEST

START_TEST(options_must_be_as_they_were)
{
	static const struct {
		int level[2], name[2], value;
		const char *what;
	} rows[] = {
		{{SOL_SOCKET, SOL_SOCKET}, {SO_REUSEADDR, SO_REUSEADDR}, 0, "SO_REUSEADDR"},
		{{IPPROTO_IP, IPPROTO_IPV6},
		 {IP_MULTICAST_ALL, IPV6_MULTICAST_ALL},
		 1,
		 "MULTICAST_ALL"},
		{{SOL_UDP, SOL_UDP}, {UDP_GRO, UDP_GRO}, 1, "UDP_GRO"},
	};
	struct rule_ingress in = ingress_at(group_ip[_i], "a1", SOCK_PORT);

	for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		int rx = keep(&in);

		ck_assert_int_eq(setsockopt(rx, rows[i].level[_i], rows[i].name[_i], &rows[i].value,
					    sizeof(rows[i].value)),
				 0);
		expect_difference(rx, &in, rows[i].what);
		close(rx);
	}
}
END_TEST

/* With trains wanted and others queued, both are read as they are. */
START_TEST(stamps_come_and_go_as_they_are_wanted)
{
	struct rule_ingress in = ingress_at(group_ip[_i], "a1", SOCK_PORT);
	int rx = keep(&in);

	for (int wanted = 1; wanted >= 0; wanted--) {
		struct sock_want want = {.stamp = wanted};
		int is = -1;
		socklen_t len = sizeof(is);

		ck_assert_int_eq(
			sock_take_ingress(rx, &in, if_nametoindex(in.at.ifname), &want, &got, &err),
			0);
		ck_assert_int_eq(getsockopt(rx, SOL_SOCKET, SO_TIMESTAMPNS, &is, &len), 0);
		ck_assert_int_eq(is, wanted);
	}
	close(rx);
}
END_TEST

START_TEST(trains_may_come_but_not_go)
{
	struct rule_ingress in = ingress_at(group_ip[_i], "a1", SOCK_PORT);
	struct sock_want want = {.gro = true};
	int rx = keep(&in);

	ck_assert_int_eq(sock_take_ingress(rx, &in, if_nametoindex("a1"), &want, &got, &err), 0);
	ck_assert(got.gro);
	ck_assert_int_eq(sock_take_ingress(rx, &in, if_nametoindex("a1"), &want, &got, &err), 0);
	expect_difference(rx, &in, "UDP_GRO differs");
}
END_TEST

START_TEST(peer_that_no_rule_names_is_refused)
{
	struct rule_ingress in = ingress_at(here_ip[_i], "", SOCK_PORT);
	struct sockaddr_storage name;
	struct addr peer = addr_of(there_ip[_i]);
	int rx = keep(&in);

	peer.port = 9;
	ck_assert_int_eq(connect(rx, (struct sockaddr *)&name, addr_to_sockaddr(&peer, 0, &name)),
			 0);
	expect_difference(rx, &in, "its peer differs");
}
END_TEST

START_TEST(what_is_no_socket_of_ours_is_refused)
{
	struct rule_ingress in = ingress_at(group_ip[_i], "a1", SOCK_PORT);
	int fds[2];

	net_go(HERE);
	ck_assert_int_eq(pipe(fds), 0);
	ck_assert_int_eq(take(fds[0], &in), -ENOTSOCK);
	ck_assert_int_eq(take(-1, &in), -EBADF);
	expect_difference(socket(AF_UNIX, SOCK_DGRAM, 0), &in, "its family differs");
	expect_difference(socket(in.at.addr.family, SOCK_STREAM, 0), &in, "its type differs");
}
END_TEST

START_TEST(drops_are_noted_on_the_socket)
{
	struct rule_ingress in = ingress_at(group_ip[_i], "a1", SOCK_PORT);
	int rx = keep(&in);

	ck_assert_uint_eq(sock_noted_drops(rx), 0);
	sock_note_drops(rx, 70000);
	ck_assert_uint_eq(sock_noted_drops(dup(rx)), 70000);
	sock_note_drops(rx, UINT32_MAX);
	ck_assert_uint_eq(sock_noted_drops(rx), UINT32_MAX);
	sock_note_drops(rx, 0);
	ck_assert_uint_eq(sock_noted_drops(rx), 0);
}
END_TEST

/* Of half a note another sum would be made. */
START_TEST(share_is_noted_whole_or_not_at_all)
{
	struct rule_ingress in = ingress_at(group_ip[0], "a1", SOCK_PORT);
	int rx = keep(&in);
	uint64_t refused = 0, received = 0;

	for (int nth = 1; nth <= 2; nth++) {
		sock_forget_share(rx);
		fails_in = nth;
		sock_note_share(rx, 7, 9);
		fails_in = 0;
		ck_assert(!sock_noted_share(rx, &refused, &received));
	}
	sock_note_share(rx, 7, 9);
	ck_assert(sock_noted_share(rx, &refused, &received));
	ck_assert(refused == 7 && received == 9);
	close(rx);
}
END_TEST

static Suite *kept_suite(void)
{
	Suite *suite = suite_create("sock_kept");
	TCase *tc = tcase_create("namespaces");

	if (!net_possible()) {
		return suite;
	}
	tcase_set_timeout(tc, 600);
	tcase_add_unchecked_fixture(tc, net_make, NULL);
	tcase_add_loop_test(tc, group_is_taken_over_with_what_is_queued, 0, 2);
	tcase_add_loop_test(tc, what_outputs_want_to_know_is_told_of_what_is_queued_too, 0, 2);
	tcase_add_loop_test(tc, stamps_come_and_go_as_the_rule_wants, 0, 2);
	tcase_add_loop_test(tc, unicast_and_source_are_taken_over, 0, 2);
	tcase_add_loop_test(tc, another_address_port_or_device_is_refused, 0, 2);
	tcase_add_loop_test(tc, interface_that_was_made_anew_is_another_device, 0, 2);
	tcase_add_loop_test(tc, membership_must_be_as_it_was_joined, 0, 2);
	tcase_add_loop_test(tc, filtered_socket_is_refused, 0, 2);
	tcase_add_loop_test(tc, options_must_be_as_they_were, 0, 2);
	tcase_add_loop_test(tc, stamps_come_and_go_as_they_are_wanted, 0, 2);
	tcase_add_loop_test(tc, trains_may_come_but_not_go, 0, 2);
	tcase_add_loop_test(tc, peer_that_no_rule_names_is_refused, 0, 2);
	tcase_add_loop_test(tc, what_is_no_socket_of_ours_is_refused, 0, 2);
	tcase_add_loop_test(tc, drops_are_noted_on_the_socket, 0, 2);
	tcase_add_test(tc, share_is_noted_whole_or_not_at_all);
	suite_add_tcase(suite, tc);
	return suite;
}

int main(void)
{
	SRunner *runner = srunner_create(kept_suite());
	int failed;

	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? 0 : 1;
}
