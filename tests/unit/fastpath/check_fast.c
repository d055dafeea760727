/* check_fast.c - datagrams cross a host within the kernel, each once, as the rule says. */
#include <arpa/inet.h>
#include <check.h>
#include <net/if.h>
#include <netinet/udp.h>
#include <string.h>
#include <sys/socket.h>

#include "src/base/clock.h"
#include "src/fastpath/counts.h"
#include "src/fastpath/wire.h"
#include "tests/unit/fastpath/fast_rig.h"

#ifndef UDP_SEGMENT
#define UDP_SEGMENT 103
#endif

START_TEST(whole_datagram_leaves_as_its_output_says)
{
	struct rule_output out = rig_output("239.2.2.2", 6000);
	int rx = rig_receiver("239.2.2.2", 6000);
	struct sockaddr_in from;
	char text[64] = "", name[INET_ADDRSTRLEN];
	int ttl = 0;

	rig_put(&out, 1);
	net_go(THERE);
	send_text(rig_sender, "through the kernel");
	ck_assert_int_eq(rig_take(rx, text, sizeof(text), &from, &ttl), 18);
	ck_assert_str_eq(text, "through the kernel");
	ck_assert_str_eq(inet_ntop(AF_INET, &from.sin_addr, name, sizeof(name)), "10.2.0.2");
	ck_assert_int_eq(ntohs(from.sin_port), 4000);
	ck_assert_int_eq(ttl, 9);
	ck_assert_uint_eq(rig_count_waiting(rx), 0);
	ck_assert_uint_eq(rig_count_waiting(rig_socket), 0);
	rig_sums_hold(1, &out, 1);
}
END_TEST

START_TEST(outputs_of_one_interface_get_a_copy_each)
{
	struct rule_output outs[3] = {rig_output("239.2.2.2", 6000), rig_output("239.2.2.3", 6001),
				      rig_output("239.2.2.4", 6002)};
	int rx[3] = {rig_receiver("239.2.2.2", 6000), rig_receiver("239.2.2.3", 6001),
		     rig_receiver("239.2.2.4", 6002)};
	char bytes[1500];

	net_sysctl("net/ipv4/conf/b0/accept_local", "1"); /* who sends is who hears */
	outs[1].src_keep = outs[1].sport_keep = true;
	outs[2].ttl_mode = RULE_TTL_KEEP;
	rig_put(outs, 3);
	for (size_t len = 0; len < 1472; len += 97) {
		rig_send(len, (uint8_t)len);
		for (int i = 0; i < 3; i++) {
			struct sockaddr_in from = {0};
			int ttl = 0;

			ck_assert_int_eq(rig_take(rx[i], bytes, sizeof(bytes), &from, &ttl),
					 (ssize_t)len);
			ck_assert(len == 0 ||
				  (bytes[0] == (char)len && bytes[len - 1] == (char)len));
			ck_assert_int_eq(ttl, i == 2 ? RULE_TTL_DEFAULT : 9);
			ck_assert_str_eq(inet_ntoa(from.sin_addr),
					 i == 1 ? "10.1.0.1" : "10.2.0.2");
		}
	}
	ck_assert_uint_eq(rig_count_waiting(rig_socket), 0);
	rig_sums_hold(16, outs, 3);
}
END_TEST

/* One packet's copies wait all together in the backlog of the processor at the veth's other end,
 * which takes a thousand. */
START_TEST(as_many_outputs_as_a_rule_may_have)
{
	static struct rule_output outs[FAST_OUTPUTS_MAX];
	int rx[2];
	char bytes[100];

	rig_open(FAST_OUTPUTS_MAX);
	for (int i = 0; i < FAST_OUTPUTS_MAX; i++) {
		outs[i] = rig_output("239.2.2.2", (uint16_t)(6000 + i));
	}
	rx[0] = rig_receiver("239.2.2.2", 6000);
	rx[1] = rig_receiver("239.2.2.2", 6000 + 990);
	rig_put(outs, FAST_OUTPUTS_MAX);
	for (int i = 0; i < 3; i++) {
		rig_send(50, (uint8_t)i);
		ck_assert_int_eq(rig_take(rx[0], bytes, sizeof(bytes), NULL, NULL), 50);
		ck_assert_int_eq(rig_take(rx[1], bytes, sizeof(bytes), NULL, NULL), 50);
		ck_assert_int_eq(bytes[49], i);
	}
	ck_assert_uint_eq(rig_count_waiting(rig_socket), 0);
	rig_sums_hold(3, outs, FAST_OUTPUTS_MAX);
}
END_TEST

START_TEST(pieces_of_another_size_than_the_last_are_counted)
{
	struct rule_output out = rig_output("239.2.2.2", 6000);
	struct rule_ingress in = ingress_at(GROUP, "a1", SOCK_PORT);
	struct fast_image_counts flow;
	static const int sizes[] = {0, 0, 100, 100, 99, 100, 100};

	rig_put(&out, 1);
	net_go(THERE);
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		rig_send((size_t)sizes[i], 7);
	}
	rig_sums_hold(sizeof(sizes) / sizeof(sizes[0]), &out, 1);
	fast_read(&rig_fast, &in, &flow);
	ck_assert_uint_eq(flow.unlike, 3);
}
END_TEST

START_TEST(train_stays_a_train_and_counts_as_its_datagrams)
{
	struct rule_output outs[2] = {rig_output("239.2.2.2", 6000), rig_output("239.2.2.3", 6000)};
	struct rule_ingress in = ingress_at(GROUP, "a1", SOCK_PORT);
	int rx = rig_receiver("239.2.2.3", 6000), segment = 100;
	struct fast_output_counts counts;
	struct fast_image_counts flow;
	uint64_t before;
	char bytes[200];

	rig_put(outs, 2);
	net_go(THERE);
	ck_assert_int_eq(setsockopt(rig_sender, SOL_UDP, UDP_SEGMENT, &segment, sizeof(segment)),
			 0);
	rig_send(1950, 7);
	for (int i = 0; i < 20; i++) {
		ck_assert_int_eq(rig_take(rx, bytes, sizeof(bytes), NULL, NULL), i < 19 ? 100 : 50);
	}
	rig_sums_hold(20, outs, 2);
	fast_read(&rig_fast, &in, &flow);
	ck_assert_uint_eq(flow.received_bytes, 1950);
	ck_assert_uint_eq(flow.pieces, 1);
	ck_assert_uint_eq(flow.trains, 1);
	fast_read_output(&rig_fast, &in, &outs[1].to, &counts, &before);
	ck_assert_uint_eq(counts.sent, 20);
	ck_assert_uint_eq(counts.sent_bytes, 1950);
	ck_assert_uint_eq(counts.sends, 1);
}
END_TEST

START_TEST(datagram_without_a_checksum_has_none_when_it_leaves)
{
	struct rule_output outs[2] = {rig_output("239.2.2.2", 6000), rig_output("239.2.2.3", 6000)};
	int rx = rig_receiver("239.2.2.3", 6000), on = 1;
	char bytes[1500];

	rig_put(outs, 2);
	net_go(THERE);
	ck_assert_int_eq(setsockopt(rig_sender, SOL_SOCKET, SO_NO_CHECK, &on, sizeof(on)), 0);
	rig_send(150, 1);
	ck_assert_int_eq(rig_take(rx, bytes, sizeof(bytes), NULL, NULL), 150);
	rig_send(NO_SUM, 1);
	ck_assert_int_eq(rig_take(rx, bytes, sizeof(bytes), NULL, NULL), NO_SUM);
}
END_TEST

START_TEST(every_length_keeps_its_checksum)
{
	struct rule_output outs[2] = {rig_output("239.2.2.2", 6000), rig_output("239.2.2.3", 6000)};
	int rx = rig_receiver("239.2.2.3", 6000);
	char bytes[1500];

	rig_put(outs, 2);
	for (size_t len = 0; len < 1472; len++) {
		rig_send(len, 3);
		ck_assert_int_eq(rig_take(rx, bytes, sizeof(bytes), NULL, NULL), (ssize_t)len);
	}
}
END_TEST

START_TEST(outputs_of_ipv6_get_a_copy_each)
{
	struct rule_output outs[2] = {rig_output("ff1e::2", 6000), rig_output("ff1e::3", 6001)};
	int rx[2] = {rig_receiver("ff1e::2", 6000), rig_receiver("ff1e::3", 6001)};
	char bytes[1500];

	rig_use_v6();
	outs[1].ttl_mode = RULE_TTL_DEC;
	rig_put(outs, 2);
	for (size_t len = 0; len < 1452; len++) {
		rig_send(len, (uint8_t)len);
		for (int i = 0; i < 2; i++) {
			int ttl = 0;

			ck_assert_int_eq(rig_take(rx[i], bytes, sizeof(bytes), NULL, &ttl),
					 (ssize_t)len);
			ck_assert(len == 0 || bytes[len - 1] == (char)len);
			ck_assert_int_eq(ttl, i == 0 ? 9 : RULE_TTL_DEFAULT - 1);
		}
	}
	ck_assert_uint_eq(rig_count_waiting(rig_socket), 0);
	rig_sums_hold(1452, outs, 2);
}
END_TEST

START_TEST(train_of_ipv6_stays_a_train)
{
	struct rule_output outs[2] = {rig_output("ff1e::2", 6000), rig_output("ff1e::3", 6000)};
	int rx = rig_receiver("ff1e::3", 6000), segment = 100;
	char bytes[200];

	rig_use_v6();
	rig_put(outs, 2);
	net_go(THERE);
	ck_assert_int_eq(
		setsockopt(rig_sender, IPPROTO_UDP, UDP_SEGMENT, &segment, sizeof(segment)), 0);
	rig_send(1950, 7);
	for (int i = 0; i < 20; i++) {
		ck_assert_int_eq(rig_take(rx, bytes, sizeof(bytes), NULL, NULL), i < 19 ? 100 : 50);
	}
	rig_sums_hold(20, outs, 2);
}
END_TEST

START_TEST(fragment_of_ipv6_sends_its_flow_to_the_socket)
{
	struct rule_output out = rig_output("ff1e::2", 6000);
	int rx = rig_receiver("ff1e::2", 6000);

	rig_use_v6();
	rig_put(&out, 1);
	rig_send(100, 1);
	rig_send(3000, 2);
	rig_send(100, 3);
	ck_assert_uint_eq(rig_count_waiting(rx), 1);
	ck_assert_uint_eq(rig_count_waiting(rig_socket), 2);
	rig_sums_hold(1, &out, 1);
}
END_TEST

START_TEST(options_of_ipv6_send_a_flow_to_the_socket)
{
	static const unsigned char options[8] = {0, 0, 1, 4};
	struct rule_output out = rig_output("ff1e::2", 6000);

	rig_use_v6();
	rig_put(&out, 1);
	net_go(THERE);
	ck_assert_int_eq(
		setsockopt(rig_sender, IPPROTO_IPV6, IPV6_DSTOPTS, options, sizeof(options)), 0);
	rig_send(100, 1);
	ck_assert_uint_eq(rig_count_waiting(rig_socket), 1);
	rig_sums_hold(0, &out, 1);
}
END_TEST

START_TEST(fragment_sends_its_flow_to_the_socket_in_order)
{
	struct rule_output out = rig_output("239.2.2.2", 6000);
	struct rule_ingress in = ingress_at(GROUP, "a1", SOCK_PORT);
	int rx = rig_receiver("239.2.2.2", 6000);

	rig_put(&out, 1);
	rig_send(100, 1);
	ck_assert_uint_eq(fast_flag(&rig_fast, fast_find(&rig_fast, &in)), FAST_FLAG_NONE);
	rig_send(3000, 2);
	rig_send(100, 3);
	ck_assert_uint_eq(fast_flag(&rig_fast, fast_find(&rig_fast, &in)), FAST_FLAG_FRAGMENT);
	ck_assert_uint_eq(rig_count_waiting(rx), 1);
	ck_assert_uint_eq(rig_count_waiting(rig_socket), 2);
	rig_sums_hold(1, &out, 1);
	fast_drop(&rig_fast, &in);
	rig_put(&out, 1);
	rig_send(100, 4);
	ck_assert_uint_eq(rig_count_waiting(rx), 1);
	rig_sums_hold(2, &out, 1);
}
END_TEST

START_TEST(options_of_ip_send_a_flow_to_the_socket)
{
	static const unsigned char options[] = {1, 1, 1, 1};
	struct rule_output out = rig_output("239.2.2.2", 6000);
	struct rule_ingress in = ingress_at(GROUP, "a1", SOCK_PORT);
	int rx = rig_receiver("239.2.2.2", 6000);

	rig_put(&out, 1);
	net_go(THERE);
	ck_assert_int_eq(setsockopt(rig_sender, IPPROTO_IP, IP_OPTIONS, options, sizeof(options)),
			 0);
	rig_send(100, 1);
	ck_assert_uint_eq(fast_flag(&rig_fast, fast_find(&rig_fast, &in)), FAST_FLAG_OPTIONS);
	ck_assert_uint_eq(rig_count_waiting(rx), 0);
	ck_assert_uint_eq(rig_count_waiting(rig_socket), 1);
}
END_TEST

START_TEST(larger_than_an_egress_takes_goes_to_the_socket)
{
	struct rule_output out = rig_output("239.2.2.2", 6000);
	struct rule_ingress in = ingress_at(GROUP, "a1", SOCK_PORT);

	net_go(HERE);
	net_ip("link set b1 mtu 1000\n");
	rig_put(&out, 1);
	rig_send(972, 1);
	ck_assert_uint_eq(fast_flag(&rig_fast, fast_find(&rig_fast, &in)), FAST_FLAG_NONE);
	rig_send(973, 1);
	ck_assert_uint_eq(fast_flag(&rig_fast, fast_find(&rig_fast, &in)), FAST_FLAG_TOO_BIG);
	ck_assert_uint_eq(rig_count_waiting(rig_socket), 1);
	rig_sums_hold(1, &out, 1);
}
END_TEST

START_TEST(hop_limits_run_out_as_in_a_shard)
{
	struct rule_output outs[3] = {rig_output("239.2.2.2", 6000), rig_output("239.2.2.3", 6000),
				      rig_output("239.2.2.4", 6000)};
	struct rule_ingress in = ingress_at(GROUP, "a1", SOCK_PORT);
	int rx[3] = {rig_receiver("239.2.2.2", 6000), rig_receiver("239.2.2.3", 6000),
		     rig_receiver("239.2.2.4", 6000)};
	static const struct {
		int sent;
		int got[3]; /* 0: expired */
	} cases[] = {{1, {16, 0, 1}},    {2, {16, 1, 2}},    {3, {0, 2, 3}},       {4, {3, 3, 4}},
		     {16, {15, 15, 16}}, {17, {16, 16, 17}}, {255, {16, 254, 255}}};
	char bytes[8];

	outs[0].ttl_mode = RULE_TTL_AUTO;
	outs[0].ttl = 0;
	outs[1].ttl_mode = RULE_TTL_DEC;
	outs[2].ttl_mode = RULE_TTL_KEEP;
	rig_put(outs, 3);
	for (size_t c = 0; c < sizeof(cases) / sizeof(cases[0]); c++) {
		net_go(THERE);
		ck_assert_int_eq(setsockopt(rig_sender, IPPROTO_IP, IP_MULTICAST_TTL,
					    &cases[c].sent, sizeof(int)),
				 0);
		rig_send(1, 1);
		for (int i = 0; i < 3; i++) {
			int ttl = 0;

			ck_assert_int_eq(rig_take(rx[i], bytes, sizeof(bytes), NULL, &ttl),
					 cases[c].got[i] == 0 ? -1 : 1);
			ck_assert_int_eq(ttl, cases[c].got[i]);
		}
	}
	rig_sums_hold(7, outs, 3);
	for (int i = 0; i < 3; i++) {
		struct fast_output_counts counts;
		uint64_t before;

		fast_read_output(&rig_fast, &in, &outs[i].to, &counts, &before);
		ck_assert_uint_eq(counts.ttl_expired, i == 2 ? 0 : 1);
	}
}
END_TEST

START_TEST(what_comes_from_ourselves_is_left_to_the_shard)
{
	struct rule_output out = rig_output("239.2.2.2", 6000);
	struct fast_wanted_output outputs[1];
	struct fast_wanted wanted;
	struct sockaddr_in name = {0};
	socklen_t len = sizeof(name);
	struct addr us = addr_of("10.1.0.1");
	struct err err;

	net_go(THERE);
	ck_assert_int_eq(getsockname(rig_sender, (struct sockaddr *)&name, &len), 0);
	us.port = ntohs(name.sin_port);
	net_go(HERE);
	rig_want(&out, 1, &wanted, outputs);
	wanted.echoes[0] = wire_echo(&us);
	wanted.echo_count = 1;
	ck_assert_int_eq(fast_put(&rig_fast, &wanted, &err), 0);
	fast_prolong(&rig_fast, clock_now_ns());
	rig_send(10, 1);
	ck_assert_uint_eq(rig_count_waiting(rig_socket), 1);
	rig_sums_hold(0, &out, 1);
	wanted.echo_count = 0; /* and nothing else is another one */
	memset(wanted.echoes, 0, sizeof(wanted.echoes));
	net_go(HERE);
	ck_assert_int_eq(fast_put(&rig_fast, &wanted, &err), 0);
	rig_send(10, 1);
	ck_assert_uint_eq(rig_count_waiting(rig_socket), 0);
	rig_sums_hold(1, &out, 1);
}
END_TEST

START_TEST(one_source_is_told_from_another)
{
	struct rule_output out = rig_output("239.2.2.2", 6000);
	int rx = rig_receiver("239.2.2.2", 6000);
	struct fast_wanted_output outputs[1];
	struct fast_wanted wanted;
	struct err err;

	net_go(HERE);
	rig_want(&out, 1, &wanted, outputs);
	wanted.in.source = addr_of("10.1.0.9");
	ck_assert_int_eq(fast_put(&rig_fast, &wanted, &err), 0);
	fast_prolong(&rig_fast, clock_now_ns());
	rig_send(10, 1);
	ck_assert_uint_eq(rig_count_waiting(rig_socket), 1);
	ck_assert_uint_eq(rig_count_waiting(rx), 0);
	net_go(HERE);
	wanted.in.source = addr_of("10.1.0.1");
	ck_assert_int_eq(fast_put(&rig_fast, &wanted, &err), 0);
	rig_send(10, 1);
	ck_assert_uint_eq(rig_count_waiting(rig_socket), 0);
	ck_assert_uint_eq(rig_count_waiting(rx), 1);
}
END_TEST

static Suite *fast_suite(void)
{
	Suite *suite = suite_create("fast");
	TCase *tcase = tcase_create("fast");

	tcase_add_checked_fixture(tcase, rig_set_up, rig_tear_down);
	tcase_set_timeout(tcase, 600);
	tcase_add_test(tcase, whole_datagram_leaves_as_its_output_says);
	tcase_add_test(tcase, outputs_of_one_interface_get_a_copy_each);
	tcase_add_test(tcase, as_many_outputs_as_a_rule_may_have);
	tcase_add_test(tcase, pieces_of_another_size_than_the_last_are_counted);
	tcase_add_test(tcase, train_stays_a_train_and_counts_as_its_datagrams);
	tcase_add_test(tcase, datagram_without_a_checksum_has_none_when_it_leaves);
	tcase_add_test(tcase, every_length_keeps_its_checksum);
	tcase_add_test(tcase, outputs_of_ipv6_get_a_copy_each);
	tcase_add_test(tcase, train_of_ipv6_stays_a_train);
	tcase_add_test(tcase, fragment_of_ipv6_sends_its_flow_to_the_socket);
	tcase_add_test(tcase, options_of_ipv6_send_a_flow_to_the_socket);
	tcase_add_test(tcase, fragment_sends_its_flow_to_the_socket_in_order);
	tcase_add_test(tcase, options_of_ip_send_a_flow_to_the_socket);
	tcase_add_test(tcase, larger_than_an_egress_takes_goes_to_the_socket);
	tcase_add_test(tcase, hop_limits_run_out_as_in_a_shard);
	tcase_add_test(tcase, what_comes_from_ourselves_is_left_to_the_shard);
	tcase_add_test(tcase, one_source_is_told_from_another);
	suite_add_tcase(suite, tcase);
	return suite;
}

int main(void)
{
	SRunner *runner;
	int failed;

	if (!rig_possible()) {
		return 77;
	}
	runner = srunner_create(fast_suite());
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? 0 : 1;
}
