/* check_finish.c - a shard that is killed at any instruction, and what is finished then.
 *
 * The shard turns in a process of its own, which shares the test's memory and descriptors; the
 * processor stops it at each instruction, until that at which it is to die. What had left by then,
 * what the finisher sends, and what waits in the socket still, must together be what came: all of
 * it, once and in order. Loop tests: _i is a variant of the shard. All on the loopback interface.
 */
#include "shard/finish.h"

#include "shard/ring/uring.h"

#include <arpa/inet.h>
#include <check.h>
#include <errno.h>
#include <netinet/udp.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define OUTPUTS     2
#define COUNT       8 /* datagrams that come */
#define TRAIN       4 /* of them in one, where they come in trains */
#define BYTES       64
#define STACK_BYTES (256 * 1024)
#define WAIT_MS     200000
#define DEATHS      4 /* at instructions that stand equally apart; or as the environment says */

/* The flag of the processor that is meant here is of this kind only. */
#if defined(__x86_64__)
#define CAN_STEP true
#else
#define CAN_STEP false
#endif

static const struct variant {
	enum ring_engine engine;
	uint32_t train_max;
	bool trains_in;
} variants[] = {
	{RING_ENGINE_URING, 1, false}, {RING_ENGINE_URING, 64, false},
	{RING_ENGINE_URING, 64, true}, {RING_ENGINE_MMSG, 1, false},
	{RING_ENGINE_MMSG, 64, false}, {RING_ENGINE_MMSG, 64, true},
};
#define VARIANT_COUNT (int)(sizeof(variants) / sizeof(variants[0]))

static struct arena arena;
static struct mailbox mailbox;
static struct shard *shard;
static struct shard_spec spec;
static struct rule_table table;
static struct rule_flow flow;
static struct rule_table_output outputs[OUTPUTS];
static int receivers[OUTPUTS];
static void *stack;
static pid_t child;
static int pipes[2][2]; /* from the child and to it */
static volatile uint32_t steps, steps_max;
static bool (*dies_when)(void); /* asked before each instruction; NULL: it does not matter */
static volatile bool has_met;   /* it was so */
static bool stands_by;          /* the rule does */
static int refusal;             /* errno of each send that the finisher makes; 0: none */
static bool finishing;

ssize_t __real_sendmsg(int fd, const struct msghdr *message, int flags);
ssize_t __wrap_sendmsg(int fd, const struct msghdr *message, int flags);

ssize_t __wrap_sendmsg(int fd, const struct msghdr *message, int flags)
{
	if (finishing && refusal != 0) {
		errno = refusal;
		return -1;
	}
	return __real_sendmsg(fd, message, flags);
}

static int open_receiver(struct sockaddr_in *at)
{
	socklen_t len = sizeof(*at);
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	*at = (struct sockaddr_in){.sin_family = AF_INET,
				   .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(bind(fd, (struct sockaddr *)at, sizeof(*at)), 0);
	ck_assert_int_eq(getsockname(fd, (struct sockaddr *)at, &len), 0);
	return fd;
}

static void make_rules(const struct variant *v, struct sockaddr_in *ingress)
{
	struct sockaddr_in at;

	close(open_receiver(ingress)); /* the shard takes the port */
	flow = (struct rule_flow){.output_count = OUTPUTS,
				  .standby = stands_by,
				  .pool_class = v->trains_in ? POOL_TRAIN : POOL_SMALL,
				  .gro = v->trains_in};
	flow.in.pool_class = flow.in.gro = RULE_AUTO;
	ck_assert_int_eq(addr_from_sockaddr((struct sockaddr *)ingress, &flow.in.at.addr), 0);
	for (int i = 0; i < OUTPUTS; i++) {
		receivers[i] = open_receiver(&at);
		outputs[i] = (struct rule_table_output){.out = {.ttl_mode = RULE_TTL_FIXED,
								.ttl = 16,
								.dscp = RULE_AUTO,
								.priority = RULE_AUTO,
								.gso = RULE_AUTO}};
		ck_assert_int_eq(
			addr_from_sockaddr((struct sockaddr *)&at, &outputs[i].out.to.addr), 0);
	}
	table = (struct rule_table){
		.flows = &flow, .outputs = outputs, .flow_count = 1, .output_count = OUTPUTS};
	spec = (struct shard_spec){.table = &table,
				   .engine = v->engine,
				   .train_max = v->train_max,
				   .gso = v->train_max > 1,
				   .pool = {{64, 0, 0, v->trains_in ? 16 : 0}}};
	spec.ring.sq_entries = 64;
	spec.ring.cq_entries = 256;
	ck_assert_int_eq(mailbox_open(&mailbox), 0);
	ck_assert_int_eq(arena_map(&arena, shard_arena_bytes(&spec), ARENA_HUGE_OFF), 0);
}

/* Ends the child before its next instruction, when it is time. */
static void count_step(int signo)
{
	(void)signo;
	has_met = dies_when && dies_when();
	if (++steps >= steps_max || has_met) {
		syscall(SYS_kill, syscall(SYS_getpid), SIGKILL);
	}
}

/* The processor raises SIGTRAP after each instruction from here on. */
static void begin_steps(void)
{
	struct sigaction action = {.sa_handler = count_step};

	sigaction(SIGTRAP, &action, NULL);
#if defined(__x86_64__)
	__asm__ volatile("pushfq\n\torq $0x100, (%%rsp)\n\tpopfq" ::: "memory", "cc");
#endif
}

static int turn(void *arg)
{
	struct err err;
	char word = 'r';

	(void)arg;
	if (shard_open(&spec, &arena, &mailbox, &shard, &err) < 0 ||
	    shard_open_sockets(shard, &err) < 0 || shard_live(shard, &err) < 0 ||
	    write(pipes[0][1], &word, 1) != 1 || read(pipes[1][0], &word, 1) != 1) {
		return 1;
	}
	begin_steps();
	do {
		relay_turn(&shard->relay);
	} while (stat_get(&shard_flow(shard, 0)->stats.received) < COUNT ||
		 egress_busy(&shard->egress));
	syscall(SYS_kill, syscall(SYS_getpid), SIGKILL);
	return 1;
}

static void begin(const struct variant *v, struct sockaddr_in *ingress)
{
	struct pollfd ready;
	char word;

	make_rules(v, ingress);
	stack = mmap(NULL, STACK_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	ck_assert_ptr_ne(stack, MAP_FAILED);
	ck_assert_int_eq(pipe(pipes[0]), 0);
	ck_assert_int_eq(pipe(pipes[1]), 0);
	child = clone(turn, (char *)stack + STACK_BYTES, CLONE_VM | CLONE_FILES | SIGCHLD, NULL);
	ck_assert_int_gt(child, 0);
	ready = (struct pollfd){.fd = pipes[0][0], .events = POLLIN};
	ck_assert_int_eq(poll(&ready, 1, WAIT_MS), 1);
	ck_assert_int_eq(read(pipes[0][0], &word, 1), 1);
}

/* Each datagram begins with its number. */
static void send_numbers(const struct variant *v, const struct sockaddr_in *to)
{
	static unsigned char train[TRAIN * BYTES];
	int per_send = v->trains_in ? TRAIN : 1, segment = BYTES;
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	ck_assert_int_eq(connect(fd, (const struct sockaddr *)to, sizeof(*to)), 0);
	if (v->trains_in) {
		ck_assert_int_eq(setsockopt(fd, SOL_UDP, UDP_SEGMENT, &segment, sizeof(segment)),
				 0);
	}
	for (uint32_t number = 0; number < COUNT; number += (uint32_t)per_send) {
		for (uint32_t i = 0; i < (uint32_t)per_send; i++) {
			uint32_t is = number + i;

			memcpy(train + i * BYTES, &is, sizeof(is));
		}
		ck_assert_int_eq(send(fd, train, (size_t)(per_send * BYTES), 0), per_send * BYTES);
	}
	close(fd);
}

/* What is in a socket must go on from `next'; returns what comes after. */
static uint32_t read_numbers(int fd, uint32_t next)
{
	unsigned char train[TRAIN * BYTES];
	ssize_t n;

	while ((n = recv(fd, train, sizeof(train), MSG_DONTWAIT)) > 0) {
		ck_assert_int_eq(n % BYTES, 0);
		for (ssize_t at = 0; at < n; at += BYTES) {
			uint32_t number;

			memcpy(&number, train + at, sizeof(number));
			ck_assert_uint_eq(number, next);
			next++;
		}
	}
	return next;
}

static void end(void)
{
	for (int i = 0; i < 2; i++) {
		close(pipes[i][0]);
		close(pipes[i][1]);
	}
	for (int i = 0; i < OUTPUTS; i++) {
		close(receivers[i]);
		close(egress_output(&shard->egress, (uint32_t)i)->fd);
	}
	close(shard_flow(shard, 0)->flow.fd);
	mailbox_close(&mailbox);
	munmap(stack, STACK_BYTES);
	arena_unmap(&arena);
}

/* Dies after so many instructions, or when it is time, and is finished: what came of that. */
static struct finish die(const struct variant *v, uint32_t count)
{
	struct finish done = {0};
	struct sockaddr_in ingress;
	int status;

	begin(v, &ingress);
	send_numbers(v, &ingress);
	steps = 0;
	steps_max = count;
	ck_assert_int_eq(write(pipes[1][1], "g", 1), 1);
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	ck_assert(WIFSIGNALED(status));
	ck_assert_int_eq(WTERMSIG(status), SIGKILL);
	finishing = true;
	shard_finish(shard, &done);
	finishing = false;
	return done;
}

/* Returns how many instructions it came to. */
static uint32_t die_after(const struct variant *v, uint32_t count)
{
	uint32_t left;

	ck_assert_uint_eq(die(v, count).lost, 0);
	left = read_numbers(receivers[0], 0);
	ck_assert_uint_eq(read_numbers(receivers[1], 0), left);
	ck_assert_uint_eq(read_numbers(shard_flow(shard, 0)->flow.fd, left), COUNT);
	end();
	return steps;
}

START_TEST(killed_at_any_instruction_it_loses_and_doubles_nothing)
{
	const char *more = getenv("DEATHS");
	const struct variant *v = &variants[_i];
	uint32_t deaths = more ? (uint32_t)atoi(more) : DEATHS;
	uint32_t all = die_after(v, UINT32_MAX);

	ck_assert_uint_gt(all, 1000);
	for (uint32_t i = 0; i < deaths; i++) {
		die_after(v, (uint32_t)((uint64_t)all * (2 * i + 1) / (2 * deaths)));
	}
}
END_TEST

/* A train has a piece of which its output does not know yet. */
static bool is_gathered(void)
{
	const struct egress *eg = &shard->egress;

	for (uint32_t i = 0; i < OUTPUTS; i++) {
		const struct egress_output *o = egress_output(eg, i);
		const struct train *t = &eg->trains[o->queue.open];

		if (o->queue.open != TRAIN_NONE && t->iov_count > 0 &&
		    t->ends[(t->iov_count - 1) & 1] > o->taken) {
			return true;
		}
	}
	return false;
}

/* A reception is in the queue, and among the kernel's completions still. */
static bool is_taken(void)
{
	struct uring *u = uring_of(shard->relay.ring);
	struct io_uring_cqe *cqe;
	unsigned head;

	io_uring_for_each_cqe(&u->io, head, cqe)
	{
		unsigned group = u->base.flow_states[0].group;
		uint16_t slot = (uint16_t)(cqe->flags >> IORING_CQE_BUFFER_SHIFT);

		if (cqe->user_data >> 32 == URING_RECV && cqe->flags & IORING_CQE_F_BUFFER &&
		    ring_has_slot(&u->base, group, slot)) {
			return true;
		}
	}
	return false;
}

static bool is_queued(void)
{
	const struct ring *ring = shard->relay.ring;

	return ring->recv_head != ring->recv_tail;
}

/* Of these instructions there are few, so that deaths that stand equally apart miss them. */
START_TEST(killed_between_two_stores_it_loses_and_doubles_nothing)
{
	const struct variant *v = &variants[_i];

	dies_when = is_gathered;
	(void)die_after(v, UINT32_MAX);
	ck_assert(has_met);
	if (v->engine == RING_ENGINE_URING) {
		dies_when = is_taken;
		(void)die_after(v, UINT32_MAX);
		ck_assert(has_met);
	}
}
END_TEST

START_TEST(what_stands_by_is_not_sent_when_it_was_killed)
{
	const struct flow_stats *stats;
	uint64_t received;

	dies_when = is_queued;
	stands_by = true;
	ck_assert_uint_eq(die(&variants[_i], UINT32_MAX).lost, 0);
	ck_assert(has_met);
	stats = &shard_flow(shard, 0)->stats;
	received = stat_get(&stats->received);
	ck_assert_uint_gt(received, 0);
	ck_assert_uint_eq(stat_get(&stats->drops[FLOW_DROP_STANDBY]), received);
	ck_assert_uint_eq(read_numbers(receivers[0], 0), 0);
	ck_assert_uint_eq(read_numbers(receivers[1], 0), 0);
	ck_assert_uint_eq(read_numbers(shard_flow(shard, 0)->flow.fd, (uint32_t)received), COUNT);
	end();
}
END_TEST

/* Whatever the reason: it was received, and each output was to have it. */
START_TEST(what_the_path_refuses_is_told_as_lost)
{
	static const int refusals[] = {ENOBUFS, EHOSTUNREACH, EPERM, ENETDOWN, EIO};

	for (unsigned i = 0; i < sizeof(refusals) / sizeof(refusals[0]); i++) {
		struct finish done;
		uint32_t left;

		dies_when = is_queued;
		refusal = refusals[i];
		done = die(&variants[_i], UINT32_MAX);
		ck_assert(has_met);
		left = read_numbers(receivers[0], 0);
		ck_assert_uint_eq(read_numbers(receivers[1], 0), left);
		ck_assert_uint_eq(done.sent, 0);
		ck_assert_uint_gt(done.lost, 0);
		ck_assert_uint_eq(done.lost % OUTPUTS, 0);
		left += (uint32_t)done.lost / OUTPUTS;
		ck_assert_uint_eq(read_numbers(shard_flow(shard, 0)->flow.fd, left), COUNT);
		end();
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("finish");
	TCase *tcase = tcase_create("finish");
	SRunner *runner = srunner_create(suite);
	int failed;

	if (!CAN_STEP) {
		printf("skipped: a process cannot be stopped at each instruction here\n");
		return 77;
	}
	tcase_set_timeout(tcase, 600);
	tcase_add_loop_test(tcase, killed_at_any_instruction_it_loses_and_doubles_nothing, 0,
			    VARIANT_COUNT);
	tcase_add_loop_test(tcase, killed_between_two_stores_it_loses_and_doubles_nothing, 0,
			    VARIANT_COUNT);
	tcase_add_loop_test(tcase, what_stands_by_is_not_sent_when_it_was_killed, 0, VARIANT_COUNT);
	tcase_add_loop_test(tcase, what_the_path_refuses_is_told_as_lost, 0, VARIANT_COUNT);
	suite_add_tcase(suite, tcase);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
