/* check_ingress.c - what is refused is counted, what is accepted is described exactly. */
#include <arpa/inet.h>
#include <check.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "shard/ingress.h"
#include "shard/sock.h"
#include "src/base/clock.h"

#ifndef UDP_GRO
#define UDP_GRO 104
#endif
#ifndef UDP_SEGMENT
#define UDP_SEGMENT 103
#endif

static struct arena arena;
static struct pool pool;
static struct pool_class_stats pool_stats[POOL_CLASS_COUNT];
static struct flow_stats stats;
static struct rule_flow rule;
static struct ingress_flow flow;
static struct ring_recv event;
static struct datagram d;
static unsigned char *base;
static struct slot_head *head;

static void setup(void)
{
	struct pool_counts counts = {{4, 4, 0, 2}};

	memset(&arena, 0, sizeof(arena));
	memset(&stats, 0, sizeof(stats));
	ck_assert_int_eq(arena_map(&arena, pool_arena_bytes(&counts), ARENA_HUGE_OFF), 0);
	pool_cut(&pool, &counts, &arena);
	pool_init(&pool, pool_stats);
	rule = (struct rule_flow){.in.at.addr.family = AF_INET};
	flow = (struct ingress_flow){.rule = &rule, .stats = &stats, .fd = -1};
	event = (struct ring_recv){.group = POOL_SMALL, .slot = 0, .has_slot = true};
	base = pool_slot_base(&pool, pool_slot_id(POOL_SMALL, 0));
	head = (struct slot_head *)base;
	*head = (struct slot_head){.payload_bytes = 100};
}

static void teardown(void)
{
	arena_unmap(&arena);
}

static void from_v4(const char *ip, uint16_t port)
{
	struct sockaddr_in from = {.sin_family = AF_INET, .sin_port = htons(port)};

	ck_assert_int_eq(inet_pton(AF_INET, ip, &from.sin_addr), 1);
	memcpy(base + SLOT_NAME_OFFSET, &from, sizeof(from));
	head->name_bytes = sizeof(from);
}

static void add_control(int level, int type, const void *data, size_t len)
{
	struct cmsghdr *c = (void *)(base + SLOT_CONTROL_OFFSET + head->control_bytes);

	c->cmsg_level = level;
	c->cmsg_type = type;
	c->cmsg_len = CMSG_LEN(len);
	memcpy(CMSG_DATA(c), data, len);
	head->control_bytes += CMSG_SPACE(len);
}

static void add_int(int level, int type, int value)
{
	add_control(level, type, &value, sizeof(value));
}

START_TEST(plain_datagram_is_described_and_counted)
{
	from_v4("192.0.2.1", 4000);
	ck_assert(ingress_accept(&flow, &event, &pool, &d));
	ck_assert_ptr_eq(d.payload, base + SLOT_HEAD_BYTES);
	ck_assert_uint_eq(d.bytes, 100);
	ck_assert_uint_eq(d.segment_bytes, 100);
	ck_assert_uint_eq(d.count, 1);
	ck_assert_int_eq(d.ttl, -1);
	ck_assert_int_eq(d.tos, -1);
	ck_assert_uint_eq(stat_get(&stats.received), 1);
	ck_assert_uint_eq(stat_get(&stats.received_bytes), 100);
	ck_assert_uint_eq(stat_get(&stats.trains), 0);
}
END_TEST

START_TEST(empty_datagram_is_a_datagram)
{
	head->payload_bytes = 0;
	ck_assert(ingress_accept(&flow, &event, &pool, &d));
	ck_assert_uint_eq(d.count, 1);
	ck_assert_uint_eq(d.bytes, 0);
	ck_assert_uint_eq(stat_get(&stats.received), 1);
}
END_TEST

START_TEST(train_counts_as_its_datagrams_the_last_one_shorter)
{
	head->payload_bytes = 3 * 400 + 7;
	add_int(IPPROTO_UDP, UDP_GRO, 400);
	ck_assert(ingress_accept(&flow, &event, &pool, &d));
	ck_assert_uint_eq(d.count, 4);
	ck_assert_uint_eq(d.segment_bytes, 400);
	ck_assert_uint_eq(stat_get(&stats.received), 4);
	ck_assert_uint_eq(stat_get(&stats.trains), 1);
}
END_TEST

START_TEST(train_of_one_is_a_single_datagram)
{
	head->payload_bytes = 400;
	add_int(IPPROTO_UDP, UDP_GRO, 400);
	ck_assert(ingress_accept(&flow, &event, &pool, &d));
	ck_assert_uint_eq(d.count, 1);
	ck_assert_uint_eq(stat_get(&stats.trains), 0);
}
END_TEST

START_TEST(stamp_of_the_kernel_is_read)
{
	struct timespec at = {.tv_sec = 1700000000, .tv_nsec = 42};

	ck_assert(ingress_accept(&flow, &event, &pool, &d));
	ck_assert_uint_eq(d.stamp_ns, 0);
	add_control(SOL_SOCKET, SCM_TIMESTAMPNS, &at, sizeof(at));
	add_int(IPPROTO_IP, IP_TTL, 9);
	ck_assert(ingress_accept(&flow, &event, &pool, &d));
	ck_assert_uint_eq(d.stamp_ns, 1700000000000000042);
	ck_assert_int_eq(d.ttl, 9);
	head->control_bytes = 0;
	add_int(SOL_SOCKET, SCM_TIMESTAMPNS, 7); /* too short to be one */
	ck_assert(ingress_accept(&flow, &event, &pool, &d));
	ck_assert_uint_eq(d.stamp_ns, 0);
}
END_TEST

/* The next datagram was received so long ago. */
static void aged(uint64_t ns)
{
	uint64_t then_ns = clock_wall_ns() - ns;
	struct timespec at = {.tv_sec = (time_t)(then_ns / NS_PER_S),
			      .tv_nsec = (long)(then_ns % NS_PER_S)};

	head->control_bytes = 0;
	add_control(SOL_SOCKET, SCM_TIMESTAMPNS, &at, sizeof(at));
}

START_TEST(what_has_waited_too_long_is_refused_where_the_rule_says_so)
{
	aged(3 * NS_PER_S);
	ck_assert(ingress_accept(&flow, &event, &pool, &d));
	rule.in.max_age_ms = 2000;
	ck_assert(!ingress_accept(&flow, &event, &pool, &d));
	ck_assert_uint_eq(stat_get(&stats.drops[FLOW_DROP_STALE]), 1);
	aged(NS_PER_S); /* and a second for a test that has to wait */
	ck_assert(ingress_accept(&flow, &event, &pool, &d));
	aged(-NS_PER_S * 1000); /* the clock was set back */
	ck_assert(ingress_accept(&flow, &event, &pool, &d));
	head->control_bytes = 0; /* nobody knows */
	ck_assert(ingress_accept(&flow, &event, &pool, &d));
	aged(3 * NS_PER_S);
	head->payload_bytes = 1000;
	add_int(IPPROTO_UDP, UDP_GRO, 100);
	ck_assert(!ingress_accept(&flow, &event, &pool, &d));
	ck_assert_uint_eq(stat_get(&stats.drops[FLOW_DROP_STALE]), 11);
	ck_assert_uint_eq(stat_get(&stats.received), 15);
}
END_TEST

/* Counted as seen, and as nothing else; what has no stamp came when nobody had cut anything. */
START_TEST(what_another_socket_has_is_left_to_it)
{
	flow.since_ns = clock_wall_ns() - 5 * NS_PER_S;
	flow.since_end_ns = clock_now_ns() + 60 * NS_PER_S;
	aged(6 * NS_PER_S);
	ck_assert(!ingress_accept(&flow, &event, &pool, &d));
	aged(4 * NS_PER_S);
	ck_assert(ingress_accept(&flow, &event, &pool, &d));
	flow.until_ns = clock_wall_ns() - 3 * NS_PER_S;
	ck_assert(ingress_accept(&flow, &event, &pool, &d));
	aged(2 * NS_PER_S);
	ck_assert(!ingress_accept(&flow, &event, &pool, &d));
	head->control_bytes = 0;
	ck_assert(ingress_accept(&flow, &event, &pool, &d));
	ck_assert_uint_eq(stat_get(&stats.received), 3);
	ck_assert_uint_eq(stat_get(&stats.pieces), 5);
	flow.until_ns = 0;
	flow.since_end_ns = clock_now_ns(); /* and then it has it all, whatever the clock says */
	aged(6 * NS_PER_S);
	ck_assert(ingress_accept(&flow, &event, &pool, &d));
	ck_assert_uint_eq(flow.since_ns, 0);
}
END_TEST

START_TEST(what_came_at_the_moment_of_a_cut_is_the_next_sockets)
{
	uint64_t cut_ns = clock_wall_ns() - NS_PER_S;
	struct timespec at = {.tv_sec = (time_t)(cut_ns / NS_PER_S),
			      .tv_nsec = (long)(cut_ns % NS_PER_S)};

	add_control(SOL_SOCKET, SCM_TIMESTAMPNS, &at, sizeof(at));
	flow.until_ns = cut_ns;
	ck_assert(!ingress_accept(&flow, &event, &pool, &d));
	flow.until_ns = 0;
	flow.since_ns = cut_ns;
	flow.since_end_ns = UINT64_MAX;
	ck_assert(ingress_accept(&flow, &event, &pool, &d));
}
END_TEST

START_TEST(hop_limit_and_traffic_class_are_read_for_both_families)
{
	unsigned char tos = 0xb8;

	add_int(IPPROTO_IP, IP_TTL, 9);
	add_control(IPPROTO_IP, IP_TOS, &tos, sizeof(tos));
	ck_assert(ingress_accept(&flow, &event, &pool, &d));
	ck_assert_int_eq(d.ttl, 9);
	ck_assert_int_eq(d.tos, 0xb8);
	head->control_bytes = 0;
	add_int(IPPROTO_IPV6, IPV6_HOPLIMIT, 33);
	add_int(IPPROTO_IPV6, IPV6_TCLASS, 0x28);
	ck_assert(ingress_accept(&flow, &event, &pool, &d));
	ck_assert_int_eq(d.ttl, 33);
	ck_assert_int_eq(d.tos, 0x28);
}
END_TEST

START_TEST(cut_datagram_is_refused_and_its_flow_moves_up)
{
	head->payload_bytes = 3000;
	head->flags = MSG_TRUNC;
	ck_assert(!ingress_accept(&flow, &event, &pool, &d));
	ck_assert_uint_eq(stat_get(&stats.drops[FLOW_DROP_TRUNCATED]), 1);
	ck_assert_uint_eq(stat_get(&stats.received), 1);
	ck_assert_uint_eq(stat_get(&stats.longest_bytes), 3000);
	ck_assert_uint_eq(flow.next_group, POOL_STANDARD);
	ck_assert_uint_eq(flow.group, POOL_SMALL);
}
END_TEST

START_TEST(moving_up_skips_classes_without_buffers)
{
	head->payload_bytes = 8000;
	head->flags = MSG_TRUNC;
	ck_assert(!ingress_accept(&flow, &event, &pool, &d));
	ck_assert_uint_eq(flow.next_group, POOL_TRAIN);
}
END_TEST

START_TEST(incomplete_control_data_is_refused)
{
	head->flags = MSG_CTRUNC;
	ck_assert(!ingress_accept(&flow, &event, &pool, &d));
	ck_assert_uint_eq(stat_get(&stats.drops[FLOW_DROP_CONTROL]), 1);
}
END_TEST

START_TEST(only_the_named_source_is_accepted)
{
	ck_assert_int_eq(addr_parse_ip("192.0.2.1", &rule.in.source), 0);
	from_v4("192.0.2.1", 4000);
	ck_assert(ingress_accept(&flow, &event, &pool, &d));
	from_v4("192.0.2.2", 4000);
	ck_assert(!ingress_accept(&flow, &event, &pool, &d));
	ck_assert_uint_eq(stat_get(&stats.drops[FLOW_DROP_FOREIGN]), 1);
	ck_assert_uint_eq(stat_get(&stats.received), 2);
}
END_TEST

START_TEST(own_sender_is_a_loop_and_a_neighbour_port_is_not)
{
	struct addr echo;

	ck_assert_int_eq(addr_parse_ip("192.0.2.1", &echo), 0);
	echo.port = 4000;
	flow.echoes = &echo;
	flow.echo_count = 1;
	from_v4("192.0.2.1", 4001);
	ck_assert(ingress_accept(&flow, &event, &pool, &d));
	from_v4("192.0.2.3", 4000);
	ck_assert(ingress_accept(&flow, &event, &pool, &d));
	from_v4("192.0.2.1", 4000);
	ck_assert(!ingress_accept(&flow, &event, &pool, &d));
	ck_assert_uint_eq(stat_get(&stats.drops[FLOW_DROP_LOOP]), 1);
}
END_TEST

START_TEST(leftovers_of_a_socket_are_received_and_dropped)
{
	int pair[2];

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_DGRAM, 0, pair), 0);
	for (int i = 0; i < 5; i++) {
		ck_assert_int_eq(send(pair[0], "0123456789", 10, 0), 10);
	}
	flow.fd = pair[1];
	ingress_count_leftovers(&flow);
	ck_assert_uint_eq(stat_get(&stats.received), 5);
	ck_assert_uint_eq(stat_get(&stats.drops[FLOW_DROP_SHUTDOWN]), 5);
	close(pair[0]);
	close(pair[1]);
}
END_TEST

/* ---- at the end: a real socket ---- */

/* A socket on 127.0.0.1 for `flow', and one connected to it. */
static int open_flow_socket(int rcvbuf)
{
	struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(at);
	int sender = socket(AF_INET, SOCK_DGRAM, 0);

	flow.fd = socket(AF_INET, SOCK_DGRAM, 0);
	ck_assert_int_ge(flow.fd, 0);
	if (setsockopt(flow.fd, SOL_SOCKET, SO_RCVBUFFORCE, &rcvbuf, sizeof(rcvbuf)) < 0) {
		(void)setsockopt(flow.fd, SOL_SOCKET, SO_RCVBUF, &rcvbuf, sizeof(rcvbuf));
	}
	ck_assert_int_eq(bind(flow.fd, (struct sockaddr *)&at, sizeof(at)), 0);
	ck_assert_int_eq(getsockname(flow.fd, (struct sockaddr *)&at, &len), 0);
	ck_assert_int_eq(connect(sender, (struct sockaddr *)&at, len), 0);
	return sender;
}

START_TEST(every_datagram_is_a_leftover_or_a_kernel_drop)
{
	const uint32_t count = 70000;
	int sender = open_flow_socket(256 << 20);

	for (uint32_t i = 0; i < count; i++) {
		ck_assert_int_eq(send(sender, "abc", 3, 0), 3);
	}
	ingress_count_leftovers(&flow);
	ck_assert_int_eq(send(sender, "late", 4, 0), 4);
	ingress_look_at_drops(&flow);
	ck_assert_int_eq(recv(flow.fd, (char[1]){0}, 1, MSG_DONTWAIT), -1);
	ck_assert_uint_eq(stat_get(&stats.received), stat_get(&stats.drops[FLOW_DROP_SHUTDOWN]));
	ck_assert_uint_eq(stat_get(&stats.received) + stat_get(&stats.kernel_drops), count + 1);
	ck_assert_uint_ge(stat_get(&stats.kernel_drops), 1);
	close(sender);
	close(flow.fd);
}
END_TEST

START_TEST(train_left_in_a_socket_is_as_many_datagrams_as_it_holds)
{
	int sender = open_flow_socket(1 << 20), on = 1, segment = 100;
	char payload[950] = "";

	ck_assert_int_eq(setsockopt(flow.fd, IPPROTO_UDP, UDP_GRO, &on, sizeof(on)), 0);
	ck_assert_int_eq(setsockopt(sender, IPPROTO_UDP, UDP_SEGMENT, &segment, sizeof(segment)),
			 0);
	ck_assert_int_eq(send(sender, payload, sizeof(payload), 0), sizeof(payload));
	ingress_count_leftovers(&flow);
	ck_assert_uint_eq(stat_get(&stats.received), 10);
	ck_assert_uint_eq(stat_get(&stats.drops[FLOW_DROP_SHUTDOWN]), 10);
	ck_assert_uint_eq(stat_get(&stats.received_bytes), sizeof(payload));
	close(sender);
	close(flow.fd);
}
END_TEST

START_TEST(socket_that_is_handed_over_says_how_many_of_its_drops_are_counted)
{
	int sender = open_flow_socket(1);

	for (int i = 0; i < 1000; i++) {
		ck_assert_int_eq(send(sender, "abc", 3, 0), 3);
	}
	ingress_hand_over(&flow);
	ck_assert_uint_gt(stat_get(&stats.kernel_drops), 0);
	ck_assert_uint_eq(sock_noted_drops(flow.fd), stat_get(&stats.kernel_drops));
	close(sender);
	close(flow.fd);
}
END_TEST

START_TEST(kernel_drops_add_up_beyond_32_bits)
{
	int sender = open_flow_socket(1);
	uint64_t dropped;

	for (int i = 0; i < 1000; i++) {
		ck_assert_int_eq(send(sender, "abc", 3, 0), 3);
	}
	ingress_look_at_drops(&flow);
	dropped = stat_get(&stats.kernel_drops);
	ck_assert_uint_gt(dropped, 0);
	ck_assert_uint_lt(dropped, 1000);
	ingress_look_at_drops(&flow); /* nothing new */
	ck_assert_uint_eq(stat_get(&stats.kernel_drops), dropped);
	/* As if the last look had been just before the kernel's count began again. */
	stat_set(&stats.kernel_drops, UINT32_MAX);
	flow.drops_seen = UINT32_MAX;
	ingress_look_at_drops(&flow);
	ck_assert_uint_eq(stat_get(&stats.kernel_drops), UINT32_MAX + dropped + 1);
	close(sender);
	close(flow.fd);
}
END_TEST

START_TEST(length_beyond_the_slot_is_truncated_even_if_not_flagged)
{
	head->payload_bytes = pool.classes[POOL_SMALL].payload_bytes + 1;
	ck_assert(!ingress_accept(&flow, &event, &pool, &d));
	ck_assert_uint_eq(stat_get(&stats.drops[FLOW_DROP_TRUNCATED]), 1);
}
END_TEST

static Suite *ingress_suite(void)
{
	Suite *suite = suite_create("ingress");
	TCase *tcase = tcase_create("accept");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, plain_datagram_is_described_and_counted);
	tcase_add_test(tcase, empty_datagram_is_a_datagram);
	tcase_add_test(tcase, train_counts_as_its_datagrams_the_last_one_shorter);
	tcase_add_test(tcase, train_of_one_is_a_single_datagram);
	tcase_add_test(tcase, what_another_socket_has_is_left_to_it);
	tcase_add_test(tcase, what_came_at_the_moment_of_a_cut_is_the_next_sockets);
	tcase_add_test(tcase, hop_limit_and_traffic_class_are_read_for_both_families);
	tcase_add_test(tcase, stamp_of_the_kernel_is_read);
	tcase_add_test(tcase, what_has_waited_too_long_is_refused_where_the_rule_says_so);
	tcase_add_test(tcase, cut_datagram_is_refused_and_its_flow_moves_up);
	tcase_add_test(tcase, moving_up_skips_classes_without_buffers);
	tcase_add_test(tcase, incomplete_control_data_is_refused);
	tcase_add_test(tcase, only_the_named_source_is_accepted);
	tcase_add_test(tcase, own_sender_is_a_loop_and_a_neighbour_port_is_not);
	tcase_add_test(tcase, leftovers_of_a_socket_are_received_and_dropped);
	tcase_add_test(tcase, every_datagram_is_a_leftover_or_a_kernel_drop);
	tcase_add_test(tcase, train_left_in_a_socket_is_as_many_datagrams_as_it_holds);
	tcase_add_test(tcase, socket_that_is_handed_over_says_how_many_of_its_drops_are_counted);
	tcase_add_test(tcase, kernel_drops_add_up_beyond_32_bits);
	tcase_add_test(tcase, length_beyond_the_slot_is_truncated_even_if_not_flagged);
	suite_add_tcase(suite, tcase);
	return suite;
}

int main(void)
{
	SRunner *runner = srunner_create(ingress_suite());
	int failed;

	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? 0 : 1;
}
