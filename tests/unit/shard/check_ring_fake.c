/* check_ring_fake.c - the fake engine keeps ring.h's contract and breaks it only on command. */
#include "tests/fake/ring_fake.h"

#include <check.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "shard/slot.h"

#define SLOT_BYTES 512

static struct ring *ring;
static struct ring_stats stats;
static _Alignas(64) unsigned char slots[8][SLOT_BYTES];

static void open_fake(void)
{
	const struct ring_params params = {.sq_entries = 8,
					   .cq_entries = 16,
					   .flows = 4,
					   .files = 4,
					   .sends = 16,
					   .groups = {{8, SLOT_BYTES}},
					   .stats = &stats};

	ring = fake_open(&params);
	ck_assert_int_eq(ring_add_file(ring, 100), 0);
	ck_assert_int_eq(ring_add_file(ring, 101), 1);
}

static void lend(uint16_t first, uint16_t count)
{
	for (uint16_t i = first; i < first + count; i++) {
		ring_lend(ring, 0, i, slots[i]);
	}
}

static void deliver(uint32_t flow, const char *text)
{
	fake_deliver(ring, flow,
		     &(struct fake_datagram){.payload = text, .payload_bytes = strlen(text)});
}

static void expect_datagram(uint32_t flow, const char *text)
{
	struct ring_recv event;
	struct slot_head head;

	ck_assert(ring_next_recv(ring, &event));
	ck_assert(event.has_slot);
	ck_assert_uint_eq(event.flow, flow);
	memcpy(&head, slots[event.slot], sizeof(head));
	ck_assert_uint_eq(head.payload_bytes, strlen(text));
	ck_assert_mem_eq(slots[event.slot] + SLOT_HEAD_BYTES, text, strlen(text));
}

static void expect_end(uint32_t flow, int32_t res)
{
	struct ring_recv event;

	ck_assert(ring_next_recv(ring, &event));
	ck_assert(event.ended);
	ck_assert(!event.has_slot);
	ck_assert_uint_eq(event.flow, flow);
	ck_assert_int_eq(event.res, res);
}

static void expect_nothing(void)
{
	struct ring_recv recv;
	struct ring_sent sent;

	ck_assert(!ring_next_recv(ring, &recv));
	ck_assert(!ring_next_sent(ring, &sent));
}

static void turn(void)
{
	ck_assert_int_eq(ring_turn(ring, RING_WAIT_FOREVER), 0);
}

/* What ring.c does is the same for every engine: here events wait in the middle of their queue. */
START_TEST(events_that_wait_while_a_ring_grows_come_in_order)
{
	static const char *const texts[] = {"a", "b", "c", "d", "e", "f"};
	struct arena counter = ARENA_COUNTER, more;

	open_fake();
	lend(0, 8);
	ring_arm_recv(ring, 3, 0, 0);
	for (int i = 0; i < 6; i++) {
		deliver(3, texts[i]);
	}
	ck_assert_int_eq(ring_turn(ring, 0), 0);
	expect_datagram(3, "a");
	expect_datagram(3, "b");
	ring_grow(ring, 40, 80, &counter);
	expect_datagram(3, "c"); /* counting changes nothing */
	ck_assert_int_eq(arena_map(&more, counter.used_bytes, ARENA_HUGE_OFF), 0);
	ring_grow(ring, 40, 80, &more);
	expect_datagram(3, "d");
	expect_datagram(3, "e");
	expect_datagram(3, "f");
	ring_arm_recv(ring, 39, 1, 0);
	deliver(39, "g");
	deliver(3, "h");
	ck_assert_int_eq(ring_turn(ring, 0), 0);
	expect_datagram(3, "h");
	expect_datagram(39, "g");
	ring_close(ring);
	arena_unmap(&more);
}
END_TEST

START_TEST(datagrams_arrive_in_order_while_slots_last_and_none_is_lost)
{
	open_fake();
	deliver(0, "one");
	turn();
	expect_nothing();
	lend(0, 2);
	ring_arm_recv(ring, 0, 0, 0);
	deliver(0, "two");
	deliver(0, "three");
	turn();
	expect_datagram(0, "one");
	expect_datagram(0, "two");
	expect_end(0, -ENOBUFS);
	ck_assert(!fake_is_armed(ring, 0));
	ck_assert_uint_eq(fake_undelivered(ring, 0), 1);
	lend(0, 2);
	ring_arm_recv(ring, 0, 0, 0);
	turn();
	expect_datagram(0, "three");
	ring_cancel_recv(ring, 0);
	turn();
	expect_end(0, -ECANCELED);
	ck_assert_int_eq(ring_reclaim(ring, 0), 1);
	ck_assert_int_eq(ring_reclaim(ring, 0), -ENOENT);
	ck_assert_uint_eq(ring_room(ring, 0), 8);
	ring_close(ring);
}
END_TEST

START_TEST(receives_end_as_the_test_wishes)
{
	open_fake();
	lend(0, 8);
	ring_arm_recv(ring, 1, 0, 0);
	fake_end_recv(ring, 1, -ECONNREFUSED);
	turn();
	expect_end(1, -ECONNREFUSED);
	ring_arm_recv(ring, 1, 0, 0);
	fake_deliver(ring, 1, &(struct fake_datagram){.ends = true});
	turn();
	expect_datagram(1, "");
	ck_assert(!fake_is_armed(ring, 1));
	ring_arm_recv(ring, 1, 0, 0);
	fake_delay_cancel(ring, 1);
	ring_cancel_recv(ring, 1);
	deliver(1, "late");
	turn();
	expect_datagram(1, "late");
	turn();
	expect_end(1, -ECANCELED);
	ring_close(ring);
}
END_TEST

START_TEST(name_control_data_and_flags_lie_where_slot_h_says)
{
	struct fake_datagram d = {.payload = "abcdef",
				  .payload_bytes = 6,
				  .real_bytes = 900,
				  .ttl = 7,
				  .tos = 0x28,
				  .gro_segment = 3,
				  .control_cut = true};
	struct slot_head head;
	struct msghdr hdr;
	int found = 0;

	open_fake();
	d.from.ss_family = AF_INET6;
	lend(0, 1);
	ring_arm_recv(ring, 0, 0, 0);
	fake_deliver(ring, 0, &d);
	turn();
	memcpy(&head, slots[0], sizeof(head));
	ck_assert_uint_eq(head.payload_bytes, 900);
	ck_assert_uint_eq(head.flags, MSG_TRUNC | MSG_CTRUNC);
	ck_assert_uint_eq(head.name_bytes, sizeof(struct sockaddr_in6));
	hdr = (struct msghdr){.msg_control = slots[0] + SLOT_CONTROL_OFFSET,
			      .msg_controllen = head.control_bytes};
	for (struct cmsghdr *c = CMSG_FIRSTHDR(&hdr); c != NULL; c = CMSG_NXTHDR(&hdr, c)) {
		int value;

		memcpy(&value, CMSG_DATA(c), sizeof(value));
		found += c->cmsg_level == SOL_IPV6 && c->cmsg_type == IPV6_HOPLIMIT && value == 7;
		found += c->cmsg_level == SOL_IPV6 && c->cmsg_type == IPV6_TCLASS && value == 0x28;
		found += c->cmsg_level == SOL_UDP && c->cmsg_type == UDP_GRO && value == 3;
	}
	ck_assert_int_eq(found, 3);
	ring_cancel_recv(ring, 0);
	turn();
	ring_close(ring);
}
END_TEST

static struct iovec vectors[16][2];
static struct msghdr messages[16];

static void queue(uint32_t file, uint32_t token)
{
	vectors[token][0] = (struct iovec){.iov_base = slots[0], .iov_len = 3};
	vectors[token][1] = (struct iovec){.iov_base = slots[1], .iov_len = token};
	messages[token] = (struct msghdr){.msg_iov = vectors[token], .msg_iovlen = 2};
	ring_queue_send(ring, file, &messages[token], token);
}

static void expect_sent(uint32_t token, int32_t res)
{
	struct ring_sent sent;

	ck_assert(ring_next_sent(ring, &sent));
	ck_assert_uint_eq(sent.token, token);
	ck_assert_int_eq(sent.res, res);
}

START_TEST(sends_are_recorded_and_answered_in_order)
{
	open_fake();
	memset(slots[0], 'a', SLOT_BYTES);
	memset(slots[1], 'b', SLOT_BYTES);
	queue(0, 2);
	queue(1, 4);
	turn();
	expect_sent(2, 5);
	expect_sent(4, 7);
	ck_assert_uint_eq(fake_send_count(ring), 2);
	ck_assert_mem_eq(fake_send_at(ring, 0)->payload, "aaabb", 5);
	ck_assert_mem_eq(fake_send_at(ring, 1)->payload, "aaabbbb", 7);
	ck_assert_uint_eq(fake_send_at(ring, 1)->file, 1);
	ck_assert_int_eq(fake_send_at(ring, 1)->fd, 101);
	ck_assert_uint_eq(fake_send_at(ring, 1)->iov_count, 2);
	ring_close(ring);
}
END_TEST

static int32_t refuse_odd(void *context, const struct fake_send *send)
{
	++*(int *)context;
	return send->token % 2 == 1 ? -EMSGSIZE : FAKE_SUCCESS;
}

START_TEST(sends_fail_by_count_and_by_decision)
{
	int asked = 0;

	open_fake();
	fake_fail_sends(ring, 1, -ENOBUFS, 1);
	fake_decide_sends(ring, refuse_odd, &asked);
	queue(1, 2);
	queue(0, 3);
	queue(1, 4);
	turn();
	expect_sent(2, -ENOBUFS);
	expect_sent(3, -EMSGSIZE);
	expect_sent(4, 7);
	ck_assert_int_eq(asked, 2);
	ring_close(ring);
}
END_TEST

START_TEST(answers_come_late_or_reversed_on_command)
{
	open_fake();
	fake_hold_sends(ring, true);
	queue(0, 0);
	queue(0, 1);
	queue(1, 2);
	turn();
	expect_nothing();
	fake_release(ring, 1);
	turn();
	expect_sent(0, 3);
	expect_nothing();
	ck_assert_uint_eq(fake_unanswered(ring), 2);
	fake_hold_sends(ring, false);
	fake_reverse_answers(ring, true);
	queue(0, 3);
	queue(1, 4);
	turn();
	expect_sent(2, 5);
	expect_sent(4, 7);
	expect_sent(1, 4);
	expect_sent(3, 6);
	ck_assert_uint_eq(fake_unanswered(ring), 0);
	ring_close(ring);
}
END_TEST

START_TEST(turns_fail_wake_and_record_their_wait)
{
	open_fake();
	fake_fail_turn(ring, -EIO);
	fake_wake(ring);
	ck_assert_int_eq(ring_turn(ring, 7), -EIO);
	ck_assert(!ring_woken(ring));
	ck_assert_int_eq(ring_turn(ring, 9), 0);
	ck_assert(ring_woken(ring));
	ck_assert(!ring_woken(ring));
	ck_assert_uint_eq(fake_turn_count(ring), 2);
	ck_assert_uint_eq(fake_last_wait_us(ring), 9);
	ring_close(ring);
}
END_TEST

START_TEST(a_message_changed_before_its_answer_aborts)
{
	open_fake();
	queue(0, 5);
	slots[0][0] ^= 1;
	turn();
}
END_TEST

START_TEST(a_token_in_flight_twice_aborts)
{
	open_fake();
	queue(0, 5);
	queue(0, 5);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("ring_fake");
	SRunner *runner = srunner_create(suite);
	TCase *tc = tcase_create("fake");
	int failed;

	tcase_add_test(tc, events_that_wait_while_a_ring_grows_come_in_order);
	tcase_add_test(tc, datagrams_arrive_in_order_while_slots_last_and_none_is_lost);
	tcase_add_test(tc, receives_end_as_the_test_wishes);
	tcase_add_test(tc, name_control_data_and_flags_lie_where_slot_h_says);
	tcase_add_test(tc, sends_are_recorded_and_answered_in_order);
	tcase_add_test(tc, sends_fail_by_count_and_by_decision);
	tcase_add_test(tc, answers_come_late_or_reversed_on_command);
	tcase_add_test(tc, turns_fail_wake_and_record_their_wait);
	tcase_add_test_raise_signal(tc, a_message_changed_before_its_answer_aborts, SIGABRT);
	tcase_add_test_raise_signal(tc, a_token_in_flight_twice_aborts, SIGABRT);
	suite_add_tcase(suite, tc);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
