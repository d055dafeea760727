/* check_train.c - the states of a train and its ways to leave: which may follow which, and that
 * anything else aborts; the order in a queue; the message of each way. See check_relay.c for trains
 * on their way.
 */
#include <arpa/inet.h>
#include <check.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "shard/train.h"

#define STATES (TRAIN_HELD + 1)
#define WAYS   (TRAIN_SINGLES + 1)

#ifndef UDP_SEGMENT
#define UDP_SEGMENT 103
#endif

static struct train train;

/* ---- what may follow what ---- */

/* By the picture in train.h: rows are from, columns to. */
static const bool state_follows[STATES][STATES] = {
	[TRAIN_FREE] = {[TRAIN_OPEN] = true},
	[TRAIN_OPEN] = {[TRAIN_CLOSED] = true, [TRAIN_FREE] = true},
	[TRAIN_CLOSED] = {[TRAIN_IN_FLIGHT] = true, [TRAIN_FREE] = true},
	[TRAIN_IN_FLIGHT] = {[TRAIN_CLOSED] = true, [TRAIN_HELD] = true, [TRAIN_FREE] = true},
	[TRAIN_HELD] = {[TRAIN_FREE] = true},
};

static const bool way_follows[WAYS][WAYS] = {
	[TRAIN_WHOLE] = {[TRAIN_UNCOPIED] = true, [TRAIN_SINGLES] = true},
	[TRAIN_UNCOPIED] = {[TRAIN_WHOLE] = true, [TRAIN_COPIED] = true},
	[TRAIN_COPIED] = {[TRAIN_SINGLES] = true},
};

/* The loop's number as a pair. */
static uint8_t from_of(int i, int count)
{
	return (uint8_t)(i / count);
}

static uint8_t to_of(int i, int count)
{
	return (uint8_t)(i % count);
}

START_TEST(legal_state_is_taken)
{
	for (int i = 0; i < STATES * STATES; i++) {
		if (state_follows[from_of(i, STATES)][to_of(i, STATES)]) {
			train.state = from_of(i, STATES);
			train_to(&train, to_of(i, STATES));
			ck_assert_uint_eq(train.state, to_of(i, STATES));
		}
	}
}
END_TEST

START_TEST(illegal_state_aborts)
{
	train.state = from_of(_i, STATES);
	train_to(&train, to_of(_i, STATES));
}
END_TEST

START_TEST(legal_way_is_taken)
{
	for (int i = 0; i < WAYS * WAYS; i++) {
		if (way_follows[from_of(i, WAYS)][to_of(i, WAYS)]) {
			train.way = from_of(i, WAYS);
			train_go(&train, to_of(i, WAYS));
			ck_assert_uint_eq(train.way, to_of(i, WAYS));
		}
	}
}
END_TEST

START_TEST(illegal_way_aborts)
{
	train.way = from_of(_i, WAYS);
	train_go(&train, to_of(_i, WAYS));
}
END_TEST

START_TEST(zeroed_train_is_free_and_whole)
{
	ck_assert_uint_eq(train.state, TRAIN_FREE);
	ck_assert_uint_eq(train.way, TRAIN_WHOLE);
}
END_TEST

/* ---- the order in a queue ---- */

static struct train trains[4];
static struct train_queue queue;

static void close_train(uint32_t idx)
{
	train_to(&trains[idx], TRAIN_OPEN);
	queue.open = idx;
	train_queue_close(&queue, trains);
	ck_assert_uint_eq(queue.open, TRAIN_NONE);
	ck_assert_uint_eq(trains[idx].state, TRAIN_CLOSED);
}

static void send_next(uint32_t expected)
{
	ck_assert_uint_eq(train_queue_take(&queue, trains), expected);
	train_to(&trains[expected], TRAIN_IN_FLIGHT);
}

START_TEST(closed_trains_leave_in_the_order_of_their_closing)
{
	queue = TRAIN_QUEUE_EMPTY;
	train_queue_close(&queue, trains); /* nothing is open: nothing happens */
	ck_assert_uint_eq(queue.first, TRAIN_NONE);
	close_train(2);
	close_train(0);
	send_next(2);
	close_train(3);
	send_next(0);
	send_next(3);
	ck_assert_uint_eq(queue.first, TRAIN_NONE);
	close_train(1);
	send_next(1);
}
END_TEST

START_TEST(train_to_be_sent_again_goes_before_every_younger_one)
{
	queue = TRAIN_QUEUE_EMPTY;
	close_train(3);
	close_train(1);
	send_next(3);
	send_next(1);
	close_train(0);
	train_queue_return(&queue, trains, 1);
	train_queue_return(&queue, trains, 3);
	close_train(2);
	send_next(3);
	send_next(1);
	send_next(0);
	train_queue_return(&queue, trains, 0);
	send_next(0);
	send_next(2);
	train_queue_return(&queue, trains, 2);
	train_to(&trains[1], TRAIN_FREE);
	close_train(1); /* behind one that came back alone */
	send_next(2);
	send_next(1);
	ck_assert_uint_eq(queue.first, TRAIN_NONE);
}
END_TEST

START_TEST(what_is_closed_goes_behind_the_only_one_that_came_back)
{
	queue = TRAIN_QUEUE_EMPTY;
	close_train(0);
	close_train(1);
	send_next(0);
	send_next(1); /* the last in the queue, and in flight for good */
	train_queue_return(&queue, trains, 0);
	close_train(2);
	send_next(0);
	send_next(2);
	ck_assert_uint_eq(queue.first, TRAIN_NONE);
}
END_TEST

START_TEST(empty_queue_gives_no_train)
{
	queue = TRAIN_QUEUE_EMPTY;
	(void)train_queue_take(&queue, trains);
}
END_TEST

/* ---- what a send carries ---- */

static unsigned char payload[] = "aaaabbbbccccdd";

/* Three and a half datagrams of four bytes, in two pieces. */
static void fill_train(void)
{
	train = (struct train){.meta = {.ttl = -1, .tos = -1},
			       .iov = {{payload, 8}, {payload + 8, 6}},
			       .iov_count = 2,
			       .datagrams = 4,
			       .segment_bytes = 4,
			       .bytes = 14};
}

static uint32_t control_count(void)
{
	uint32_t count = 0;

	for (struct cmsghdr *c = CMSG_FIRSTHDR(&train.msg); c; c = CMSG_NXTHDR(&train.msg, c)) {
		count++;
	}
	return count;
}

START_TEST(whole_train_is_one_message_that_names_its_segments)
{
	struct train_path path = {.family = AF_INET};
	struct cmsghdr *c;
	uint16_t segment;

	fill_train();
	train_build_message(&train, &path);
	ck_assert_uint_eq(train_send_datagrams(&train), 4);
	ck_assert_uint_eq(train_send_bytes(&train), 14);
	ck_assert_uint_eq(train.msg.msg_iovlen, 2);
	ck_assert_ptr_null(train.msg.msg_name);
	c = CMSG_FIRSTHDR(&train.msg);
	ck_assert_int_eq(c->cmsg_level, IPPROTO_UDP);
	ck_assert_int_eq(c->cmsg_type, UDP_SEGMENT);
	memcpy(&segment, CMSG_DATA(c), sizeof(segment));
	ck_assert_uint_eq(segment, 4);
	ck_assert_uint_eq(control_count(), 1);
}
END_TEST

START_TEST(singles_are_its_datagrams_one_by_one)
{
	static const char *const expected[] = {"aaaa", "bbbb", "cccc", "dd"};
	struct train_path path = {.family = AF_INET, .name_len = sizeof(struct sockaddr_in)};

	fill_train();
	train_go(&train, TRAIN_SINGLES);
	for (uint32_t i = 0; i < 4; i++) {
		train.single_at = i;
		train_build_message(&train, &path);
		ck_assert_uint_eq(train_send_datagrams(&train), 1);
		ck_assert_uint_eq(train_send_bytes(&train), strlen(expected[i]));
		ck_assert_uint_eq(train.msg.msg_iovlen, 1);
		ck_assert_uint_eq(train.msg.msg_iov->iov_len, strlen(expected[i]));
		ck_assert_mem_eq(train.msg.msg_iov->iov_base, expected[i], strlen(expected[i]));
		ck_assert_ptr_eq(train.msg.msg_name, &path.name);
		ck_assert_ptr_null(train.msg.msg_control);
	}
}
END_TEST

START_TEST(everything_a_train_may_say_fits_in_its_control_data)
{
	struct train_path path = {.family = _i ? AF_INET6 : AF_INET, .ifindex = 7};

	fill_train();
	train.meta = (struct train_meta){
		.ttl = 9, .tos = 0xb8, .src = {.family = _i ? AF_INET6 : AF_INET}};
	train_build_message(&train, &path);
	ck_assert_uint_eq(control_count(), 4); /* segments, hop limit, DSCP, source */
	ck_assert_uint_le(train.msg.msg_controllen, TRAIN_CONTROL_BYTES);
}
END_TEST

START_TEST(source_of_ipv6_is_named_with_its_interface)
{
	struct train_path path = {.family = AF_INET6, .ifindex = 7};
	const struct cmsghdr *c;
	struct in6_pktinfo info;

	fill_train();
	train.datagrams = 1;
	train.meta.src = (struct addr){.family = AF_INET6, .ip = {0xfd, 0x77}};
	train_build_message(&train, &path);
	c = CMSG_FIRSTHDR(&train.msg);
	ck_assert_int_eq(c->cmsg_level, IPPROTO_IPV6);
	ck_assert_int_eq(c->cmsg_type, IPV6_PKTINFO);
	memcpy(&info, CMSG_DATA(c), sizeof(info));
	ck_assert_uint_eq(info.ipi6_ifindex, 7);
	ck_assert_mem_eq(&info.ipi6_addr, train.meta.src.ip, sizeof(info.ipi6_addr));
}
END_TEST

START_TEST(to_a_raw_socket_goes_a_header_and_the_payload)
{
	struct train_path path = {.family = AF_INET,
				  .headed_to = {AF_INET, 1900, {239, 255, 255, 250}}};
	const struct udp_header *header;

	train = (struct train){
		.meta = {.ttl = -1, .tos = -1, .src = {AF_INET, 34534, {10, 0, 0, 1}}},
		.iov = {{payload, 5}},
		.iov_count = 1,
		.datagrams = 1,
		.segment_bytes = 5,
		.bytes = 5};
	train_build_message(&train, &path);
	ck_assert_uint_eq(train.msg.msg_iovlen, 2);
	header = train.msg.msg_iov[0].iov_base;
	ck_assert_uint_eq(train.msg.msg_iov[0].iov_len, 8);
	ck_assert_uint_eq(ntohs(header->from_port), 34534);
	ck_assert_uint_eq(ntohs(header->to_port), 1900);
	ck_assert_uint_eq(ntohs(header->bytes), 13);
	ck_assert_ptr_eq(train.msg.msg_iov[1].iov_base, payload);
	ck_assert_uint_eq(train.msg.msg_iov[1].iov_len, 5);
	ck_assert_uint_eq(control_count(), 1); /* the source address */
}
END_TEST

START_TEST(a_raw_socket_takes_no_trains)
{
	struct train_path path = {.family = AF_INET, .headed_to = {.family = AF_INET}};

	fill_train();
	train_build_message(&train, &path);
}
END_TEST

static void add_aborts(TCase *tcase)
{
	for (int i = 0; i < STATES * STATES; i++) {
		if (!state_follows[from_of(i, STATES)][to_of(i, STATES)]) {
			tcase_add_loop_test_raise_signal(tcase, illegal_state_aborts, SIGABRT, i,
							 i + 1);
		}
	}
	for (int i = 0; i < WAYS * WAYS; i++) {
		if (!way_follows[from_of(i, WAYS)][to_of(i, WAYS)]) {
			tcase_add_loop_test_raise_signal(tcase, illegal_way_aborts, SIGABRT, i,
							 i + 1);
		}
	}
}

int main(void)
{
	Suite *suite = suite_create("train");
	TCase *tcase = tcase_create("train");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_test(tcase, zeroed_train_is_free_and_whole);
	tcase_add_test(tcase, legal_state_is_taken);
	tcase_add_test(tcase, legal_way_is_taken);
	add_aborts(tcase);
	tcase_add_test(tcase, closed_trains_leave_in_the_order_of_their_closing);
	tcase_add_test(tcase, train_to_be_sent_again_goes_before_every_younger_one);
	tcase_add_test(tcase, what_is_closed_goes_behind_the_only_one_that_came_back);
	tcase_add_test_raise_signal(tcase, empty_queue_gives_no_train, SIGABRT);
	tcase_add_test(tcase, whole_train_is_one_message_that_names_its_segments);
	tcase_add_test(tcase, singles_are_its_datagrams_one_by_one);
	tcase_add_test(tcase, source_of_ipv6_is_named_with_its_interface);
	tcase_add_test(tcase, to_a_raw_socket_goes_a_header_and_the_payload);
	tcase_add_test_raise_signal(tcase, a_raw_socket_takes_no_trains, SIGABRT);
	tcase_add_loop_test(tcase, everything_a_train_may_say_fits_in_its_control_data, 0, 2);
	suite_add_tcase(suite, tcase);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
