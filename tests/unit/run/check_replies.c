/* check_replies.c - answers to an output's port go to who asked last, by the socket that was asked;
 * and which outputs have a socket for answers.
 *
 * Two shards by hand. The linker sends here what opens a socket for answers: the test gives it one
 * of the loopback, and knows its port.
 */
#include "src/run/replies.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "shard/sock.h"
#include "tests/unit/run/supervisor_rig.h"

#define WORKERS 2
#define OPENS   (WORKERS * ROOM_OUTPUTS)

int __wrap_sock_open_ingress(const struct rule_ingress *in, unsigned ifindex,
			     const struct sock_want *want, struct sock_got *got, struct err *why);

static struct sup_rig rigs[WORKERS];
static struct worker workers[WORKERS];
static struct supervisor *const sup = &rigs[0].sup;
static struct replies *const replies = &rigs[0].sup.replies;
static struct err err;

/* Sockets for answers, in the order in which they were opened. */
static struct {
	int fd;
	uint16_t port; /* that it is for */
	unsigned ifindex;
	struct addr at; /* where it is in truth */
} opened[OPENS];
static uint32_t opens;
static uint16_t refused; /* the port whose socket cannot be had */

static int asked, asker; /* the flow's socket, and somebody else's */

/* A socket of the loopback, and its address. */
static int loopback(struct addr *at)
{
	const struct addr any = {.family = AF_INET, .ip = {127, 0, 0, 1}};
	struct sockaddr_storage name;
	socklen_t len = addr_to_sockaddr(&any, 0, &name);
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(bind(fd, (struct sockaddr *)&name, len), 0);
	len = sizeof(name);
	ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&name, &len), 0);
	ck_assert_int_eq(addr_from_sockaddr((struct sockaddr *)&name, at), 0);
	return fd;
}

int __wrap_sock_open_ingress(const struct rule_ingress *in, unsigned ifindex,
			     const struct sock_want *want, struct sock_got *got, struct err *why)
{
	(void)want;
	*got = (struct sock_got){0};
	ck_assert(addr_is_any(&in->at.addr));
	ck_assert(in->shared);
	ck_assert_str_eq(in->at.ifname, "eth1");
	if (in->at.addr.port == refused) {
		err_set(why, "port %u is refused", refused);
		return -EMFILE;
	}
	ck_assert_uint_lt(opens, OPENS);
	opened[opens].port = in->at.addr.port;
	opened[opens].ifindex = ifindex;
	opened[opens].fd = loopback(&opened[opens].at);
	return opened[opens++].fd;
}

/* Output `o' of shard `w', which answers by port 40000 + o. */
static struct output_place *place_of(uint32_t w, uint32_t o)
{
	return &rigs[w].output_room[o];
}

static void stand(uint32_t w, uint32_t o)
{
	struct output_place *place = place_of(w, o);

	place->rule = rigs[w].outputs[0];
	place->rule.out.reply = true;
	place->rule.ifindex = 2;
	place->got.local.port = (uint16_t)(40000 + o);
	place->output.token = o;
	place->output.rule = &place->rule;
	place->output.stats = &place->stats;
	place->output.flow = 0;
}

static void setup(void)
{
	struct addr at;

	for (uint32_t w = 0; w < WORKERS; w++) {
		sup_rig_open(&rigs[w]);
		workers[w] = rigs[w].worker;
		workers[w].gate = &sup->gate;
		for (uint32_t o = 0; o < ROOM_OUTPUTS; o++) {
			place_of(w, o)->output.fd = -1;
		}
	}
	ck_assert_int_eq(gate_init(&sup->gate), 0);
	sup->workers = workers;
	sup->worker_count = WORKERS;
	stand(0, 0);
	place_of(0, 0)->output.fd = 0; /* it has one */
	asked = loopback(&at);
	rigs[0].flow_room[0].flow.fd = asked;
	asker = loopback(&at);
	asker_note(&place_of(0, 0)->asker, &at);
	opens = 0;
	refused = 0;
}

static void teardown(void)
{
	replies_close(replies);
	close(asked);
	close(asker);
	gate_free(&sup->gate);
	for (uint32_t w = 0; w < WORKERS; w++) {
		sup_rig_close(&rigs[w]);
	}
}

static void look(void)
{
	ck_assert_int_eq(replies_look(replies, sup, &err), 0);
}

/* A host answers the socket that was opened as number `i'. */
static void answer(uint32_t i)
{
	struct sockaddr_storage name;
	struct addr ignored;
	socklen_t len = addr_to_sockaddr(&opened[i].at, 0, &name);
	int host = loopback(&ignored);

	ck_assert_int_eq(sendto(host, "yes", 3, 0, (struct sockaddr *)&name, len), 3);
	close(host);
}

static bool is_open(uint32_t i)
{
	return fcntl(opened[i].fd, F_GETFD) >= 0;
}

/* How many answers the asker has got, all of them from the socket that was asked. */
static uint32_t answers_got(void)
{
	struct sockaddr_storage from = {0}, own = {0};
	socklen_t len = sizeof(from), own_len = sizeof(own);
	char text[8] = "";
	uint32_t got = 0;

	ck_assert_int_eq(getsockname(asked, (struct sockaddr *)&own, &own_len), 0);
	while (recvfrom(asker, text, sizeof(text), MSG_DONTWAIT, (struct sockaddr *)&from, &len) ==
	       3) {
		ck_assert(memcmp(text, "yes", 3) == 0);
		ck_assert(memcmp(&from, &own, own_len) == 0);
		got++;
	}
	return got;
}

static void expect_counts(uint64_t came, uint64_t sent)
{
	ck_assert_uint_eq(stat_get(&place_of(0, 0)->stats.replies), came);
	ck_assert_uint_eq(stat_get(&place_of(0, 0)->stats.replies_sent), sent);
}

START_TEST(answer_goes_to_who_asked_by_the_socket_that_was_asked)
{
	ck_assert_int_eq(replies_open(replies, sup, &err), 0);
	ck_assert_uint_eq(opens, 1);
	ck_assert_uint_eq(opened[0].port, 40000);
	ck_assert_uint_eq(opened[0].ifindex, 2);
	ck_assert_int_ge(replies_fd(replies), 0);
	replies_tick(replies, sup);
	expect_counts(0, 0);
	answer(0);
	replies_tick(replies, sup);
	ck_assert_uint_eq(answers_got(), 1);
	expect_counts(1, 1);
}
END_TEST

START_TEST(answer_that_nobody_asked_for_is_counted_alone)
{
	place_of(0, 0)->asker = (struct asker){0};
	look();
	answer(0);
	replies_tick(replies, sup);
	ck_assert_uint_eq(answers_got(), 0);
	expect_counts(1, 0);
}
END_TEST

START_TEST(answer_is_not_sent_by_a_socket_that_may_be_anothers)
{
	look();
	workers[0].closing = true;
	answer(0);
	replies_tick(replies, sup);
	workers[0].closing = false;
	rigs[0].flow_room[0].flow.token = place_token(0, 1); /* another flow's place by now */
	answer(0);
	replies_tick(replies, sup);
	rigs[0].flow_room[0].flow.token = 0;
	rigs[0].flow_room[0].flow.rule = NULL;
	answer(0);
	replies_tick(replies, sup);
	ck_assert_uint_eq(answers_got(), 0);
	expect_counts(3, 0);
}
END_TEST

START_TEST(answer_to_an_output_that_has_left_is_nobodys)
{
	look();
	answer(0);
	place_of(0, 0)->output.token = place_token(0, 1); /* another one has come */
	replies_tick(replies, sup);
	ck_assert_uint_eq(answers_got(), 0);
	expect_counts(0, 0);
	place_of(0, 0)->output.token = 0;
	replies_tick(replies, sup);
	expect_counts(0, 0); /* it was taken out of the queue */
}
END_TEST

START_TEST(other_sockets_have_their_turn)
{
	look();
	for (int i = 0; i < 40; i++) {
		answer(0);
	}
	replies_tick(replies, sup);
	expect_counts(16, 16);
	replies_tick(replies, sup);
	replies_tick(replies, sup);
	expect_counts(40, 40);
	ck_assert_uint_eq(answers_got(), 40);
}
END_TEST

START_TEST(outputs_that_want_no_answers_have_no_socket_for_them)
{
	struct output_place *place = place_of(0, 0);

	place->rule.out.reply = false;
	look();
	place->rule.out.reply = true;
	place->output.fd = -1;
	look();
	place->output.fd = 0;
	place->got.local.port = 0; /* it is not known yet */
	look();
	place->got.local.port = 40000;
	place->output.rule = NULL;
	look();
	ck_assert_uint_eq(opens, 0);
	ck_assert_int_eq(replies_fd(replies), -1);
	replies_tick(replies, sup);
	place->output.rule = &place->rule;
	look();
	look();
	ck_assert_uint_eq(opens, 1); /* once */
}
END_TEST

START_TEST(output_with_another_socket_has_its_answers_there)
{
	struct output_place *place = place_of(0, 0);

	look();
	place->got.local.port = 40077;
	look();
	ck_assert_uint_eq(opens, 2);
	ck_assert_uint_eq(opened[1].port, 40077);
	place->rule.ifindex = 3;
	look();
	ck_assert_uint_eq(opens, 3);
	ck_assert_uint_eq(opened[2].ifindex, 3);
	place->output.token = place_token(0, 1);
	look();
	ck_assert_uint_eq(opens, 4);
	ck_assert_uint_eq(replies->count, 1);
	place->rule.out.reply = false;
	look();
	ck_assert_uint_eq(replies->count, 0);
	ck_assert(!is_open(3));
}
END_TEST

START_TEST(output_that_moves_keeps_its_socket_for_answers)
{
	look();
	stand(1, 5);
	place_of(1, 5)->output.fd = 0;
	place_of(1, 5)->output.token = place_token(5, 2);
	place_of(1, 5)->got.local.port = 40000;
	place_of(0, 0)->output.rule = NULL;
	replies_follow(replies, 0, 7, 1, 9); /* another one */
	replies_follow(replies, 1, 0, 1, 9); /* likewise */
	replies_follow(replies, 0, 0, 1, place_token(5, 2));
	look();
	ck_assert_uint_eq(opens, 1);
	ck_assert(is_open(0));
	answer(0);
	replies_tick(replies, sup);
	ck_assert_uint_eq(stat_get(&place_of(1, 5)->stats.replies), 1);
	expect_counts(0, 0);
}
END_TEST

START_TEST(socket_that_cannot_be_had_keeps_none_of_the_others)
{
	for (uint32_t w = 0; w < WORKERS; w++) {
		for (uint32_t o = 0; o < ROOM_OUTPUTS; o++) {
			stand(w, o);
			place_of(w, o)->output.fd = 0;
		}
	}
	refused = 40003;
	ck_assert_int_eq(replies_look(replies, sup, &err), -EMFILE);
	ck_assert_str_eq(err.text, "port 40003 is refused");
	ck_assert_uint_eq(replies->count, OPENS - WORKERS);
	refused = 0;
	look();
	ck_assert_uint_eq(replies->count, OPENS);
	answer(OPENS - 1);
	replies_tick(replies, sup);
	ck_assert_uint_eq(stat_get(&place_of(1, 3)->stats.replies), 1);
	replies_close(replies);
	for (uint32_t i = 0; i < OPENS; i++) {
		ck_assert(!is_open(i));
	}
}
END_TEST

START_TEST(start_without_a_socket_for_answers_leaves_nothing_open)
{
	stand(0, 1);
	place_of(0, 1)->output.fd = 0;
	refused = 40001;
	ck_assert_int_eq(replies_open(replies, sup, &err), -EMFILE);
	ck_assert_uint_eq(opens, 1);
	ck_assert(!is_open(0));
	ck_assert_int_eq(replies_fd(replies), -1);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		answer_goes_to_who_asked_by_the_socket_that_was_asked,
		answer_that_nobody_asked_for_is_counted_alone,
		answer_is_not_sent_by_a_socket_that_may_be_anothers,
		answer_to_an_output_that_has_left_is_nobodys,
		other_sockets_have_their_turn,
		outputs_that_want_no_answers_have_no_socket_for_them,
		output_with_another_socket_has_its_answers_there,
		output_that_moves_keeps_its_socket_for_answers,
		socket_that_cannot_be_had_keeps_none_of_the_others,
		start_without_a_socket_for_answers_leaves_nothing_open,
	};
	Suite *suite = suite_create("replies");
	TCase *tcase = tcase_create("replies");
	SRunner *runner;
	int failed;

	tcase_add_checked_fixture(tcase, setup, teardown);
	for (size_t i = 0; i < sizeof(tests) / sizeof(tests[0]); i++) {
		tcase_add_test(tcase, tests[i]);
	}
	suite_add_tcase(suite, tcase);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
