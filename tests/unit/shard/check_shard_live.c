/* check_shard_live.c - a whole shard on a real engine, whose flows and outputs change while it
 * runs.
 *
 * Loop tests: _i is the engine. All on the loopback interface, unicast, in one thread beside the
 * test's own.
 */
#include "shard/shard.h"

#include <arpa/inet.h>
#include <check.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <unistd.h>

#include "shard/change.h"

#define WAIT_S 200 /* for what must come; ends a test that hangs */

static struct arena arena;
static struct mailbox mailbox;
static struct shard *shard;
static struct shard_spec spec;
static struct rule_table table;
static struct rule_flow flow;
static struct rule_table_output output;
static pthread_t thread;
static int sender;
static struct sockaddr_in ingress;

/* A socket on a port of its own, whose address is told. */
static int open_receiver(struct sockaddr_in *at)
{
	const struct timeval wait = {.tv_sec = WAIT_S};
	socklen_t len = sizeof(*at);
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	*at = (struct sockaddr_in){.sin_family = AF_INET,
				   .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(bind(fd, (struct sockaddr *)at, sizeof(*at)), 0);
	ck_assert_int_eq(getsockname(fd, (struct sockaddr *)at, &len), 0);
	ck_assert_int_eq(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait)), 0);
	return fd;
}

static struct rule_table_output output_to(const struct sockaddr_in *at)
{
	struct rule_table_output to = {.out = {.ttl_mode = RULE_TTL_FIXED,
					       .ttl = 16,
					       .dscp = RULE_AUTO,
					       .priority = RULE_AUTO,
					       .gso = RULE_AUTO}};

	ck_assert_int_eq(addr_from_sockaddr((const struct sockaddr *)at, &to.out.to.addr), 0);
	return to;
}

static void *run(void *arg)
{
	struct err err;

	(void)arg;
	ck_assert_msg(shard_open(&spec, &arena, &mailbox, &shard, &err) == 0, "%s", err.text);
	ck_assert_msg(shard_open_sockets(shard, &err) == 0, "%s", err.text);
	ck_assert_msg(shard_live(shard, &err) == 0, "%s", err.text);
	ck_assert_int_eq(shard_run(shard), 0);
	shard_close(shard);
	return NULL;
}

/* A shard with one flow, which has one output. */
static void start(enum ring_engine engine, const struct sockaddr_in *to)
{
	int port_of = open_receiver(&ingress);

	close(port_of); /* the shard takes the port */
	output = output_to(to);
	flow = (struct rule_flow){.output_count = 1, .pool_class = POOL_SMALL};
	ck_assert_int_eq(addr_from_sockaddr((struct sockaddr *)&ingress, &flow.in.at.addr), 0);
	flow.in.pool_class = flow.in.gro = RULE_AUTO;
	table = (struct rule_table){
		.flows = &flow, .outputs = &output, .flow_count = 1, .output_count = 1};
	spec = (struct shard_spec){
		.table = &table, .engine = engine, .train_max = 1, .pool = {{64, 0, 0, 0}}};
	spec.ring.sq_entries = 64;
	spec.ring.cq_entries = 256;
	ck_assert_int_eq(mailbox_open(&mailbox), 0);
	ck_assert_int_eq(arena_map(&arena, shard_arena_bytes(&spec), ARENA_HUGE_OFF), 0);
	ck_assert_int_eq(pthread_create(&thread, NULL, run, NULL), 0);
	sender = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	ck_assert_int_eq(connect(sender, (struct sockaddr *)&ingress, sizeof(ingress)), 0);
}

static void stop(void)
{
	mailbox_post(&mailbox, MAIL_QUIT);
	ck_assert_int_eq(pthread_join(thread, NULL), 0);
	mailbox_close(&mailbox);
	arena_unmap(&arena);
	close(sender);
}

static int ask(struct shard_message *m)
{
	struct pollfd pollfd = {.fd = mailbox.answerfd, .events = POLLIN};

	ck_assert(mailbox_send(&mailbox, m));
	while (!mailbox_take_answer(&mailbox)) {
		ck_assert_int_eq(poll(&pollfd, 1, WAIT_S * 1000), 1);
	}
	return m->result;
}

static void send_number(uint32_t number)
{
	/* Until the shard has its socket, the port refuses. */
	for (int tries = 0; tries < WAIT_S * 100; tries++) {
		if (send(sender, &number, sizeof(number), 0) == sizeof(number)) {
			return;
		}
		(void)poll(NULL, 0, 10);
	}
	ck_abort_msg("nobody takes datagrams");
}

/* The next number; zeros only ask whether the shard is live, and as many come as it took. */
static uint32_t receive_number(int fd)
{
	uint32_t number;

	do {
		ck_assert_int_eq(recv(fd, &number, sizeof(number), 0), sizeof(number));
	} while (number == 0);
	return number;
}

static bool has_nothing(int fd)
{
	uint32_t number = 0;

	while (number == 0 && recv(fd, &number, sizeof(number), MSG_DONTWAIT) > 0) {
		continue;
	}
	return number == 0;
}

/* Sends zeros until one comes through; those before it met no socket. */
static void await_live(int receiver)
{
	struct pollfd pollfd = {.fd = receiver, .events = POLLIN};

	do {
		send_number(0);
	} while (poll(&pollfd, 1, 20) == 0);
}

static void add_output(uint32_t of, const struct sockaddr_in *to, struct shard_message *m)
{
	struct sock_want want = {0};
	struct err err;

	*m = (struct shard_message){
		.op = SHARD_ADD_OUTPUT, .flow = of, .output_rule = output_to(to)};
	m->socket.fd = sock_open_egress(&m->output_rule.out, 0, &want, &m->got, &err);
	ck_assert_msg(m->socket.fd >= 0, "%s", err.text);
	m->socket.connected = m->got.connected;
	ck_assert_int_eq(ask(m), 0);
}

START_TEST(outputs_come_and_go)
{
	struct sockaddr_in first, second;
	int to_first = open_receiver(&first), to_second = open_receiver(&second);
	struct shard_message added, gone = {.op = SHARD_REMOVE_OUTPUT, .output = place_token(0, 0)};

	start((enum ring_engine)_i, &first);
	await_live(to_first);
	add_output(place_token(0, 0), &second, &added);
	send_number(1);
	ck_assert_uint_eq(receive_number(to_first), 1);
	ck_assert_uint_eq(receive_number(to_second), 1);
	ck_assert_int_eq(ask(&gone), 0);
	ck_assert_uint_eq(stat_get(&gone.output_stats.offered), stat_get(&gone.output_stats.sent));
	ck_assert_int_eq(close(gone.fd), 0);
	send_number(2);
	ck_assert_uint_eq(receive_number(to_second), 2);
	ck_assert(has_nothing(to_first));
	stop();
	close(to_first);
	close(to_second);
}
END_TEST

/* What arrives while nobody owns the flow waits in its socket. */
START_TEST(a_flow_moves_with_its_socket_and_loses_nothing)
{
	struct sockaddr_in at, next;
	int to = open_receiver(&at), to_next = open_receiver(&next);
	struct shard_message gone = {.op = SHARD_REMOVE_FLOW, .flow = place_token(0, 0)};
	struct shard_message moved = {.op = SHARD_ADD_FLOW}, added, live = {.op = SHARD_START_FLOW};

	start((enum ring_engine)_i, &at);
	await_live(to);
	ck_assert_int_eq(ask(&gone), 0);
	ck_assert_uint_eq(stat_get(&gone.flow_stats.received), stat_get(&gone.flow_stats.relayed));
	for (uint32_t i = 1; i <= 5; i++) {
		send_number(i);
	}
	moved.fd = gone.fd;
	moved.flow_rule = flow;
	ck_assert_int_eq(ask(&moved), 0);
	ck_assert_uint_ne(moved.flow, gone.flow);
	add_output(moved.flow, &next, &added);
	live.flow = moved.flow;
	ck_assert_int_eq(ask(&live), 0);
	for (uint32_t i = 6; i <= 10; i++) {
		send_number(i);
	}
	for (uint32_t i = 1; i <= 10; i++) {
		ck_assert_uint_eq(receive_number(to_next), i);
	}
	ck_assert(has_nothing(to)); /* the flow that fed it is gone */
	stop();
	close(to);
	close(to_next);
}
END_TEST

/* A shard may end, by request or by itself, while control prepares a change of it. */
START_TEST(an_output_is_described_after_the_shard_has_ended)
{
	struct sockaddr_in at;
	int to = open_receiver(&at);
	struct sock_got got = {.gso = true};
	struct egress_socket sock = {0};

	start((enum ring_engine)_i, &at);
	await_live(to);
	mailbox_post(&mailbox, MAIL_QUIT);
	ck_assert_int_eq(pthread_join(thread, NULL), 0);
	shard_describe(shard, &output, &got, &sock);
	ck_assert(!sock.gso); /* trains of one */
	mailbox_close(&mailbox);
	arena_unmap(&arena);
	close(sender);
	close(to);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("shard_live");
	SRunner *runner = srunner_create(suite);
	TCase *tc = tcase_create("live");
	int failed;

	tcase_set_timeout(tc, 600);
	tcase_add_loop_test(tc, outputs_come_and_go, RING_ENGINE_AUTO + 1, RING_ENGINE_COUNT);
	tcase_add_loop_test(tc, a_flow_moves_with_its_socket_and_loses_nothing,
			    RING_ENGINE_AUTO + 1, RING_ENGINE_COUNT);
	tcase_add_loop_test(tc, an_output_is_described_after_the_shard_has_ended,
			    RING_ENGINE_AUTO + 1, RING_ENGINE_COUNT);
	suite_add_tcase(suite, tc);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
