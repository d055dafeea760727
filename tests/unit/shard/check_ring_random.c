/* check_ring_random.c - whatever order things happen in, no datagram is lost, doubled or overtaken.
 *
 * Each test runs a few thousand random steps on one engine: datagrams of random size are sent to
 * several flows, by hand and through the ring, slots are lent and held back, receives are
 * cancelled, starved and armed again, slots reclaimed. At the end everything is let through, and
 * each flow must have received its numbers in order, each once. Seeds are fixed: a failure repeats.
 */
#include "shard/ring.h"

#include <check.h>
#include <errno.h>
#include <netinet/in.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/unit/shard/ring_rig.h"

#define FLOWS          6
#define SLOTS          24
#define STEPS          3000
#define PENDING        200 /* most datagrams in the sockets, so that no socket buffer overflows */
#define SIZE_MAX_BYTES (RIG_SLOT_BYTES - SLOT_HEAD_BYTES)

/* The first bytes of each datagram of at least their size; shorter ones are only counted. */
struct mark {
	uint32_t flow;
	uint32_t number;
};

enum flow_state {
	IDLE,
	ARMED,
	LEAVING
};

static struct rig rig;
static uint64_t seed;
static int in_fds[FLOWS], out_fds[FLOWS];
static enum flow_state states[FLOWS];
static uint32_t next_sent[FLOWS], next_got[FLOWS], empties_sent[FLOWS], empties_got[FLOWS];
static uint32_t pending;
static uint32_t queued[FLOWS]; /* by ring and unanswered: then none by hand, or it overtakes */
static bool held[SLOTS];       /* neither lent nor free: a train would hold it */
static bool lent[SLOTS];
static bool token_busy[RIG_SENDS];
static uint32_t token_flow[RIG_SENDS];
static struct msghdr token_msgs[RIG_SENDS];
static struct iovec token_iovs[RIG_SENDS];
static unsigned char token_payloads[RIG_SENDS][SIZE_MAX_BYTES];

static uint32_t random_below(uint32_t n)
{
	seed = seed * 6364136223846793005ULL + 1442695040888963407ULL;
	return (uint32_t)(seed >> 33) % n;
}

static size_t fill(unsigned char *payload, uint32_t flow)
{
	static const size_t sizes[] = {0, sizeof(struct mark), 100, 1316, SIZE_MAX_BYTES};
	size_t bytes = sizes[random_below(5)];
	struct mark mark = {.flow = flow};

	pending++;
	if (bytes == 0) {
		empties_sent[flow]++;
		return 0;
	}
	mark.number = next_sent[flow]++;
	memset(payload, (int)mark.number, bytes);
	memcpy(payload, &mark, sizeof(mark));
	return bytes;
}

static void send_by_hand(uint32_t flow)
{
	static unsigned char payload[SIZE_MAX_BYTES];
	size_t bytes = fill(payload, flow);

	ck_assert_int_eq(send(out_fds[flow], payload, bytes, 0), (ssize_t)bytes);
}

static void send_by_ring(uint32_t flow)
{
	uint32_t token = random_below(RIG_SENDS);

	if (token_busy[token]) {
		return;
	}
	token_busy[token] = true;
	token_flow[token] = flow;
	token_iovs[token] = (struct iovec){.iov_base = token_payloads[token],
					   .iov_len = fill(token_payloads[token], flow)};
	token_msgs[token] = (struct msghdr){.msg_iov = &token_iovs[token], .msg_iovlen = 1};
	queued[flow]++;
	ring_queue_send(rig.ring, FLOWS + flow, &token_msgs[token], token);
}

static void got_datagram(const struct ring_recv *event)
{
	const unsigned char *base = rig.slots + (size_t)event->slot * RIG_SLOT_BYTES;
	unsigned char expected[SIZE_MAX_BYTES];
	struct slot_head head;
	struct mark mark;

	memcpy(&head, base, sizeof(head));
	ck_assert_uint_le(head.payload_bytes, SIZE_MAX_BYTES);
	pending--;
	if (head.payload_bytes == 0) {
		empties_got[event->flow]++;
		return;
	}
	memcpy(&mark, base + SLOT_HEAD_BYTES, sizeof(mark));
	ck_assert_uint_eq(mark.flow, event->flow);
	ck_assert_uint_eq(mark.number, next_got[event->flow]++);
	memset(expected, (int)mark.number, head.payload_bytes);
	memcpy(expected, &mark, sizeof(mark));
	ck_assert_int_eq(memcmp(base + SLOT_HEAD_BYTES, expected, head.payload_bytes), 0);
}

static void take_events(void)
{
	struct ring_recv recv;
	struct ring_sent sent;

	while (ring_next_recv(rig.ring, &recv)) {
		ck_assert_int_ne(states[recv.flow], IDLE);
		if (recv.has_slot) {
			ck_assert_uint_lt(recv.slot, SLOTS);
			ck_assert(lent[recv.slot]);
			lent[recv.slot] = false;
			held[recv.slot] = random_below(3) == 0;
			got_datagram(&recv);
		}
		if (recv.ended) {
			states[recv.flow] = IDLE;
		}
	}
	while (ring_next_sent(rig.ring, &sent)) {
		ck_assert(token_busy[sent.token]);
		ck_assert_int_eq(sent.res, (int32_t)token_iovs[sent.token].iov_len);
		token_busy[sent.token] = false;
		queued[token_flow[sent.token]]--;
	}
}

static void lend_some(uint32_t most)
{
	for (uint16_t i = 0; i < SLOTS && most > 0 && ring_room(rig.ring, 0) > 0; i++) {
		if (!lent[i] && !held[i]) {
			lent[i] = true;
			ring_lend(rig.ring, 0, i, rig.slots + (size_t)i * RIG_SLOT_BYTES);
			most--;
		}
	}
}

static void arm(uint32_t flow)
{
	if (states[flow] == IDLE) {
		states[flow] = ARMED;
		ring_arm_recv(rig.ring, flow, flow, 0);
	}
}

static void cancel(uint32_t flow)
{
	if (states[flow] == ARMED) {
		states[flow] = LEAVING;
		ring_cancel_recv(rig.ring, flow);
	}
}

static bool all_idle(void)
{
	for (uint32_t i = 0; i < FLOWS; i++) {
		if (states[i] != IDLE) {
			return false;
		}
	}
	return true;
}

static void reclaim_some(uint32_t most)
{
	while (all_idle() && most-- > 0) {
		int index = ring_reclaim(rig.ring, 0);

		if (index < 0) {
			return;
		}
		ck_assert(lent[index]);
		lent[index] = false;
	}
}

static void step(void)
{
	uint32_t flow = random_below(FLOWS);

	switch (random_below(12)) {
	case 0:
	case 1:
	case 2:
		if (pending < PENDING && queued[flow] == 0) {
			send_by_hand(flow);
		}
		break;
	case 3:
	case 4:
	case 5:
		if (pending < PENDING) {
			send_by_ring(flow);
		}
		break;
	case 6:
		lend_some(1 + random_below(8));
		break;
	case 7:
		arm(flow);
		break;
	case 8:
		if (random_below(4) == 0) {
			cancel(flow);
		}
		break;
	case 9:
		held[random_below(SLOTS)] = false;
		break;
	case 10:
		if (random_below(20) == 0) {
			for (uint32_t i = 0; i < FLOWS; i++) {
				cancel(i);
			}
		}
		reclaim_some(random_below(4));
		break;
	default:
		ck_assert_int_eq(ring_turn(rig.ring, random_below(2) * 20), 0);
		take_events();
	}
}

/* Lends and arms everything until nothing is left in the sockets. */
static void let_all_through(void)
{
	for (int i = 0; i < RIG_TURNS_MAX; i++) {
		memset(held, 0, sizeof(held));
		lend_some(SLOTS);
		for (uint32_t flow = 0; flow < FLOWS; flow++) {
			arm(flow);
		}
		ck_assert_int_eq(ring_turn(rig.ring, 100), 0);
		take_events();
		if (pending == 0) {
			break;
		}
	}
	ck_assert_uint_eq(pending, 0);
	for (uint32_t i = 0; i < FLOWS; i++) {
		cancel(i);
	}
	for (int i = 0; i < RIG_TURNS_MAX && !all_idle(); i++) {
		ck_assert_int_eq(ring_turn(rig.ring, 100), 0);
		take_events();
	}
	ck_assert(all_idle());
}

/* As a shard's thread is: what a thread sends by loopback before and after it was moved to another
 * processor may arrive the other way round. */
static void stay_here(void)
{
	cpu_set_t here;

	CPU_ZERO(&here);
	CPU_SET(sched_getcpu(), &here);
	ck_assert_int_eq(sched_setaffinity(0, sizeof(here), &here), 0);
}

START_TEST(random_steps_lose_double_and_overtake_nothing)
{
	struct sockaddr_storage at;

	stay_here();
	seed = (uint64_t)_i + 1;
	rig_init(&rig);
	rig.params.groups[0].depth = 16;
	rig_open(&rig, _i % rig_variant_count);
	for (uint32_t flow = 0; flow < FLOWS; flow++) {
		in_fds[flow] = rig_udp(flow % 2 == 0 ? AF_INET : AF_INET6, &at);
		out_fds[flow] = rig_udp_to(&at);
		ck_assert_int_eq(ring_add_file(rig.ring, in_fds[flow]), (int)flow);
	}
	for (uint32_t flow = 0; flow < FLOWS; flow++) {
		ck_assert_int_eq(ring_add_file(rig.ring, out_fds[flow]), (int)(FLOWS + flow));
	}
	for (int i = 0; i < STEPS; i++) {
		step();
	}
	let_all_through();
	for (uint32_t flow = 0; flow < FLOWS; flow++) {
		ck_assert_uint_gt(next_sent[flow], 0);
		ck_assert_uint_eq(next_got[flow], next_sent[flow]);
		ck_assert_uint_eq(empties_got[flow], empties_sent[flow]);
		ck_assert_uint_eq(queued[flow], 0);
	}
	reclaim_some(SLOTS);
	ck_assert_uint_eq(ring_room(rig.ring, 0), 16);
	rig_close(&rig);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("ring_random");
	SRunner *runner = srunner_create(suite);
	TCase *tc = tcase_create("random");
	int failed;

	tcase_add_loop_test(tc, random_steps_lose_double_and_overtake_nothing, 0,
			    4 * rig_variant_count);
	suite_add_tcase(suite, tc);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
