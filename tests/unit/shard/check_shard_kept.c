/* check_shard_kept.c - a shard that hands over leaves its socket and its queue, and the next one
 * goes on with them: each datagram is relayed once, in order, and counted by one of the two.
 *
 * Loop tests: _i is the engine. On the loopback interface, unicast, in one thread beside the test's
 * own.
 */
#include <arpa/inet.h>
#include <check.h>
#include <fcntl.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <unistd.h>

#include "shard/shard.h"

#define WAIT_S 200 /* for what must come; ends a test that hangs */

static struct arena arena;
static struct mailbox mailbox;
static struct shard *shard;
static struct shard_spec spec;
static struct shard_kept kept;
static struct rule_table table;
static struct rule_flow flow;
static struct rule_table_output output;
static pthread_t thread;
static sem_t live;
static int sender, receiver;
static uint32_t sent, received;

static int open_receiver(struct sockaddr_in *at)
{
	const struct timeval wait = {.tv_sec = WAIT_S};
	socklen_t len = sizeof(*at);
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	*at = (struct sockaddr_in){.sin_family = AF_INET,
				   .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	ck_assert_int_eq(bind(fd, (struct sockaddr *)at, sizeof(*at)), 0);
	ck_assert_int_eq(getsockname(fd, (struct sockaddr *)at, &len), 0);
	ck_assert_int_eq(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait)), 0);
	return fd;
}

/* One flow with one output, to be relayed by `engine'. */
static void describe(enum ring_engine engine)
{
	struct sockaddr_in from, to;

	receiver = open_receiver(&to);
	close(open_receiver(&from)); /* the shard takes the port */
	flow = (struct rule_flow){.output_count = 1, .pool_class = POOL_SMALL};
	flow.in.pool_class = flow.in.gro = RULE_AUTO;
	ck_assert_int_eq(addr_from_sockaddr((struct sockaddr *)&from, &flow.in.at.addr), 0);
	output = (struct rule_table_output){.out = RULE_OUTPUT_UNSET};
	output.out.ttl_mode = RULE_TTL_FIXED;
	output.out.ttl = 16;
	ck_assert_int_eq(addr_from_sockaddr((struct sockaddr *)&to, &output.out.to.addr), 0);
	table = (struct rule_table){
		.flows = &flow, .outputs = &output, .flow_count = 1, .output_count = 1};
	spec = (struct shard_spec){
		.table = &table, .engine = engine, .train_max = 1, .pool = {{64, 0, 0, 0}}};
	spec.ring.sq_entries = 64;
	spec.ring.cq_entries = 256;
	sender = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	ck_assert_int_eq(connect(sender, (struct sockaddr *)&from, sizeof(from)), 0);
	sent = received = 0;
}

static void *run(void *arg)
{
	struct err err;

	(void)arg;
	ck_assert_msg(shard_open(&spec, &arena, &mailbox, &shard, &err) == 0, "%s", err.text);
	ck_assert_msg(shard_open_sockets(shard, &err) == 0, "%s", err.text);
	ck_assert_msg(shard_join(shard, &err) == 0, "%s", err.text);
	ck_assert_msg(shard_live(shard, &err) == 0, "%s", err.text);
	sem_post(&live);
	ck_assert_int_eq(shard_run(shard), 0);
	shard_close(shard);
	return NULL;
}

static void begin(void)
{
	ck_assert_int_eq(mailbox_open(&mailbox), 0);
	ck_assert_int_eq(arena_map(&arena, shard_arena_bytes(&spec), ARENA_HUGE_OFF), 0);
	ck_assert_int_eq(sem_init(&live, 0, 0), 0);
	ck_assert_int_eq(pthread_create(&thread, NULL, run, NULL), 0);
	ck_assert_int_eq(sem_wait(&live), 0);
}

/* How many datagrams it received. */
static uint64_t end(void)
{
	uint64_t count;

	ck_assert_int_eq(pthread_join(thread, NULL), 0);
	count = stat_get(&shard_flow(shard, 0)->stats.received);
	ck_assert_uint_eq(count, stat_get(&shard_flow(shard, 0)->stats.relayed));
	mailbox_close(&mailbox);
	arena_unmap(&arena);
	return count;
}

static void send_one(void)
{
	ck_assert_int_eq(send(sender, &sent, sizeof(sent), 0), sizeof(sent));
	sent++;
}

static void receive_next(void)
{
	uint32_t number = UINT32_MAX;

	ck_assert_int_eq(recv(receiver, &number, sizeof(number), 0), sizeof(number));
	ck_assert_uint_eq(number, received);
	received++;
}

/* A copy of its socket, as a service manager has one, while the shard relays. */
static int keep(void)
{
	send_one();
	receive_next(); /* it runs */
	return fcntl(shard_flow(shard, 0)->flow.fd, F_DUPFD_CLOEXEC, 0);
}

static void take_over(int fd)
{
	struct err err;
	struct sock_want want = shard_want(&spec, &flow);

	kept.fd = fd;
	ck_assert_msg(sock_take_ingress(fd, &flow.in, 0, &want, &kept.got, &err) == 0, "%s",
		      err.text);
	spec.kept = &kept;
}

START_TEST(each_datagram_is_relayed_by_one_or_the_other)
{
	uint64_t count;
	int fd;

	describe((enum ring_engine)_i);
	begin();
	fd = keep();
	for (int i = 0; i < 100; i++) {
		send_one();
	}
	((struct flow_place *)shard_flow(shard, 0))->stored = true;
	mailbox_post(&mailbox, MAIL_HAND_OVER);
	for (int i = 0; i < 20; i++) {
		send_one();
	}
	count = end();
	for (int i = 0; i < 20; i++) {
		send_one();
	}
	take_over(fd);
	begin();
	for (int i = 0; i < 20; i++) {
		send_one();
	}
	while (received < sent) {
		receive_next();
	}
	ck_assert_int_eq(kept.fd, -1);
	mailbox_post(&mailbox, MAIL_QUIT);
	count += end();
	ck_assert_uint_eq(count, sent);
}
END_TEST

START_TEST(what_is_not_stored_is_drained)
{
	describe((enum ring_engine)_i);
	spec.drain_ns = 2000000000;
	begin();
	close(keep());
	for (int i = 0; i < 100; i++) {
		send_one();
	}
	mailbox_post(&mailbox, MAIL_HAND_OVER);
	ck_assert_uint_eq(end(), sent);
	while (received < sent) {
		receive_next();
	}
}
END_TEST

/* The start fails elsewhere: the queue is for whoever tries next. */
START_TEST(shard_that_never_lives_leaves_what_is_queued)
{
	struct err err;
	int fd;

	describe((enum ring_engine)_i);
	begin();
	fd = keep();
	((struct flow_place *)shard_flow(shard, 0))->stored = true;
	mailbox_post(&mailbox, MAIL_HAND_OVER);
	(void)end();
	send_one();
	take_over(fcntl(fd, F_DUPFD_CLOEXEC, 0));
	ck_assert_int_eq(mailbox_open(&mailbox), 0);
	ck_assert_int_eq(arena_map(&arena, shard_arena_bytes(&spec), ARENA_HUGE_OFF), 0);
	ck_assert_int_eq(shard_open(&spec, &arena, &mailbox, &shard, &err), 0);
	ck_assert_int_eq(shard_open_sockets(shard, &err), 0);
	ck_assert_int_eq(shard_join(shard, &err), 0);
	shard_discard(shard);
	shard_close(shard);
	ck_assert_uint_eq(stat_get(&shard_flow(shard, 0)->stats.received), 0);
	arena_unmap(&arena);
	mailbox_close(&mailbox);
	take_over(fd);
	begin();
	receive_next();
	mailbox_post(&mailbox, MAIL_QUIT);
	ck_assert_uint_eq(end(), 1);
}
END_TEST

/* What the socket had no room for while nobody ran is told of by who comes next, and once. */
START_TEST(drops_between_are_counted_by_the_next)
{
	uint32_t before, gap;
	int fd, small = 1;

	describe((enum ring_engine)_i);
	begin();
	fd = keep();
	((struct flow_place *)shard_flow(shard, 0))->stored = true;
	mailbox_post(&mailbox, MAIL_HAND_OVER);
	(void)end();
	before = sock_kernel_drops(fd);
	ck_assert_int_eq(setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small)), 0);
	for (int i = 0; i < 100; i++) {
		ck_assert_int_eq(send(sender, &sent, sizeof(sent), 0), sizeof(sent));
	}
	gap = sock_kernel_drops(fd) - before;
	ck_assert_uint_gt(gap, 0);
	take_over(fd);
	begin();
	ck_assert_int_eq(recv(receiver, &before, sizeof(before), 0), sizeof(before));
	mailbox_post(&mailbox, MAIL_QUIT);
	ck_assert_int_eq(pthread_join(thread, NULL), 0);
	ck_assert_uint_eq(stat_get(&shard_flow(shard, 0)->stats.kernel_drops), gap);
	ck_assert_uint_eq(stat_get(&shard_flow(shard, 0)->stats.received), 100 - gap);
}
END_TEST

int main(void)
{
	static const enum ring_engine engines[] = {RING_ENGINE_URING, RING_ENGINE_MMSG};
	Suite *suite = suite_create("shard_kept");
	TCase *tcase = tcase_create("shard_kept");
	SRunner *runner = srunner_create(suite);
	struct err err;
	int failed;

	for (unsigned i = 0; i < 2; i++) {
		int e = (int)engines[i];
		enum ring_engine got;

		if (ring_choose(engines[i], &got, &err) < 0) {
			continue;
		}
		tcase_add_loop_test(tcase, each_datagram_is_relayed_by_one_or_the_other, e, e + 1);
		tcase_add_loop_test(tcase, what_is_not_stored_is_drained, e, e + 1);
		tcase_add_loop_test(tcase, shard_that_never_lives_leaves_what_is_queued, e, e + 1);
		tcase_add_loop_test(tcase, drops_between_are_counted_by_the_next, e, e + 1);
	}
	tcase_set_timeout(tcase, 600);
	suite_add_tcase(suite, tcase);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? 0 : 1;
}
