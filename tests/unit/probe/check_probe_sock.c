/* check_probe_sock.c - numacast-probe's receivers: who hears what when several share a port.
 *
 * The namespaces and the senders are those of sock_help.h. A veth delivers in order, so "hears
 * nothing" is decided by a datagram sent later and received, never by waiting.
 */
#include <check.h>
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "src/probe/run.h"
#include "tests/unit/sock_help.h"

#define SENDERS 20 /* sockets of each sender, one after the other: the port is part of a hash */

static const char *const group_ip[] = {"239.1.1.1", "ff3e::4321:1"};
static const char *const first_ip[] = {"10.1.0.1", "fd00:1::1"};
static const char *const second_ip[] = {"10.1.0.9", "fd00:1::9"};
static const char *const here_ip[] = {"10.1.0.2", "fd00:1::2"};

static int open_recv(const char *source, const char *ip, int *rc)
{
	static const struct probe_opt opt = {.mode = PROBE_MODE_RECV, .rcvbuf_bytes = 1 << 20};
	struct probe_target target = {.at = ingress_at(ip, "a1", SOCK_PORT).at};
	struct err err = {.text = ""};
	int fd = -1;

	if (source) {
		target.source = addr_of(source);
	}
	net_go(HERE);
	*rc = probe_sock_open_recv(&opt, &target, &fd, &err);
	return fd;
}

static int must_recv(const char *source, const char *ip)
{
	int rc;
	int fd = open_recv(source, ip, &rc);

	ck_assert_int_eq(rc, 0);
	return fd;
}

static void send_from(const char *source, const char *group, const char *text)
{
	struct rule_output out = output_to(group, "a0", SOCK_PORT);
	int fd;

	out.src = addr_of(source);
	net_go(THERE);
	fd = must_egress(&out, NULL);
	send_text(fd, text);
	close(fd);
}

START_TEST(two_sources_of_one_group_are_heard_apart)
{
	int rx_first = must_recv(first_ip[_i], group_ip[_i]);
	int rx_second = must_recv(second_ip[_i], group_ip[_i]);

	for (int i = 0; i < SENDERS; i++) {
		send_from(first_ip[_i], group_ip[_i], "first");
		send_from(second_ip[_i], group_ip[_i], "second");
	}
	for (int i = 0; i < SENDERS; i++) {
		ck_assert_str_eq(recv_text(rx_first), "first");
		ck_assert_str_eq(recv_text(rx_second), "second");
	}
	ck_assert(nothing_queued(rx_first));
	ck_assert(nothing_queued(rx_second));
}
END_TEST

START_TEST(every_receiver_of_a_group_hears_all)
{
	int rx[3];

	for (int r = 0; r < 3; r++) {
		rx[r] = must_recv(NULL, group_ip[_i]);
	}
	for (int i = 0; i < SENDERS; i++) {
		send_from(first_ip[_i], group_ip[_i], "first");
		send_from(second_ip[_i], group_ip[_i], "second");
	}
	for (int r = 0; r < 3; r++) {
		for (int i = 0; i < SENDERS; i++) {
			ck_assert_str_eq(recv_text(rx[r]), "first");
			ck_assert_str_eq(recv_text(rx[r]), "second");
		}
		ck_assert(nothing_queued(rx[r]));
	}
}
END_TEST

START_TEST(no_receiver_sets_reuseport)
{
	int fd = must_recv(NULL, group_ip[_i]);
	int value = -1;
	socklen_t len = sizeof(value);

	ck_assert_int_eq(getsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &value, &len), 0);
	ck_assert_int_eq(value, 0);
	ck_assert_int_eq(getsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &value, &len), 0);
	ck_assert_int_eq(value, 1);
}
END_TEST

START_TEST(second_receiver_of_a_unicast_address_is_refused)
{
	int rc;

	must_recv(NULL, here_ip[_i]);
	open_recv(NULL, here_ip[_i], &rc);
	ck_assert_int_eq(rc, -EADDRINUSE);
}
END_TEST

static Suite *probe_sock_suite(void)
{
	Suite *suite = suite_create("probe_sock");
	TCase *tcase = tcase_create("receivers");

	tcase_add_unchecked_fixture(tcase, net_make, NULL);
	tcase_add_loop_test(tcase, two_sources_of_one_group_are_heard_apart, 0, 2);
	tcase_add_loop_test(tcase, every_receiver_of_a_group_hears_all, 0, 2);
	tcase_add_loop_test(tcase, no_receiver_sets_reuseport, 0, 2);
	tcase_add_loop_test(tcase, second_receiver_of_a_unicast_address_is_refused, 0, 2);
	suite_add_tcase(suite, tcase);
	return suite;
}

int main(void)
{
	SRunner *runner;
	int failed;

	if (!net_possible()) {
		return 77;
	}
	runner = srunner_create(probe_sock_suite());
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? 0 : 1;
}
