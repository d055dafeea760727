/* check_changer_cut.c - a group goes on by other sockets: what is waited for, when the moment is
 * chosen, and what becomes of it when those that come cannot be had.
 *
 * Sockets are opened by the test (changer_open, which the linker sends here); that of the flow that
 * goes is one of this host's.
 */
#include "src/run/changer_cut.h"

#include <arpa/inet.h>
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "src/base/clock.h"
#include "src/run/changer_find.h"
#include "src/run/changer_sock.h"
#include "tests/unit/run/supervisor_rig.h"

#define OTHER_GROUP 5 /* steps before it */
#define STEPS       8

int __wrap_changer_open(struct changer *c, struct changer_step *step, struct err *err);

static struct sup_rig rig;
static struct changer *changer;
static struct changer_shard known;
static struct changer_step steps[STEPS];
static struct rule_flow comes, other;
static struct ingress_flow *flow;
static struct sockaddr_in name; /* of the socket of the flow that goes */
static uint32_t opened[STEPS], opened_count;
static int refusal; /* of whoever opens */

int __wrap_changer_open(struct changer *c, struct changer_step *step, struct err *err)
{
	opened[opened_count++] = (uint32_t)(step - c->steps);
	if (refusal < 0) {
		err_set(err, "no socket for step %u", opened[opened_count - 1]);
	}
	return refusal;
}

static int make_socket(void)
{
	socklen_t len = sizeof(name);
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);

	name = (struct sockaddr_in){.sin_family = AF_INET};
	name.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(bind(fd, (struct sockaddr *)&name, len), 0);
	ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&name, &len), 0);
	return fd;
}

/* Two groups, one of which is cut: what it had is held and goes, what it is to have comes. */
static void setup(void)
{
	static const enum shard_op ops[STEPS] = {
		SHARD_HOLD_FLOW, SHARD_REMOVE_FLOW, SHARD_ADD_FLOW,    SHARD_ADD_OUTPUT,
		SHARD_ADD_FLOW,  SHARD_HOLD_FLOW,   SHARD_REMOVE_FLOW, SHARD_ADD_FLOW};

	sup_rig_open(&rig);
	ck_assert_int_eq(gate_init(&rig.sup.gate), 0);
	changer = &rig.sup.changer;
	*changer = (struct changer){
		.sup = &rig.sup, .shards = &known, .steps = steps, .count = STEPS, .begun = true};
	known = (struct changer_shard){0};
	rig.flow_room[0].rule = rig.flow;
	flow = &rig.flow_room[0].flow;
	flow->fd = make_socket();
	comes = other = rig.flow;
	other.in.at.addr.port++;
	for (uint32_t i = 0; i < STEPS; i++) {
		steps[i] = (struct changer_step){.op = ops[i],
						 .cut = ops[i] != SHARD_ADD_OUTPUT,
						 .flow = i < OTHER_GROUP ? &comes : &other,
						 .output = &rig.outputs[0],
						 .fd = -1};
	}
	opened_count = 0;
	refusal = 0;
	logged_start();
}

static void teardown(void)
{
	changer_cut_end(changer);
	free(known.order);
	close(flow->fd);
	gate_free(&rig.sup.gate);
	sup_rig_close(&rig);
}

/* As the changer comes to it. */
static int begin(uint32_t at)
{
	changer->at = at + 1;
	return changer_cut_begin(changer, &steps[at]);
}

/* The kernel has stamped what comes for long enough. */
static void prepare(void)
{
	ck_assert_int_eq(changer_cut_prepare(changer), 0);
	changer->stamp_ns -= NS_PER_S;
}

static bool is_stamped(int fd)
{
	int on = 0;
	socklen_t len = sizeof(on);

	ck_assert_int_eq(getsockopt(fd, SOL_SOCKET, SO_TIMESTAMPNS, &on, &len), 0);
	return on != 0;
}

static bool arrives(int fd)
{
	int from = socket(AF_INET, SOCK_DGRAM, 0);
	char byte;

	ck_assert_int_eq(sendto(from, "x", 1, 0, (struct sockaddr *)&name, sizeof(name)), 1);
	close(from);
	return recv(fd, &byte, 1, 0) == 1;
}

START_TEST(nothing_is_held_before_all_is_stamped)
{
	ck_assert_int_eq(changer_cut_prepare(changer), 0);
	ck_assert(is_stamped(changer->stamp_fd));
	ck_assert_int_eq(begin(0), 1);
	ck_assert_uint_eq(changer->pause_ns, changer->stamp_ns + 100 * NS_PER_MS);
	ck_assert_uint_eq(opened_count, 0);
	ck_assert(!is_stamped(flow->fd));
	changer->stamp_ns -= NS_PER_S;
	ck_assert_int_eq(begin(0), 0);
	ck_assert_uint_eq(changer->pause_ns, 0);
	ck_assert(is_stamped(flow->fd));
}
END_TEST

START_TEST(one_socket_has_all_stamped_and_goes_with_the_list)
{
	uint64_t since_ns;
	int fd;

	prepare();
	fd = changer->stamp_fd;
	since_ns = changer->stamp_ns;
	ck_assert_int_eq(changer_cut_prepare(changer), 0);
	ck_assert_int_eq(changer->stamp_fd, fd);
	ck_assert_uint_eq(changer->stamp_ns, since_ns);
	changer_cut_end(changer);
	ck_assert_int_lt(fcntl(fd, F_GETFD), 0);
	ck_assert(!changer->stamping);
}
END_TEST

/* Those of its own group, and no others; the outputs that come with them have been opened. */
START_TEST(sockets_that_come_are_opened_before_the_first_is_held)
{
	prepare();
	ck_assert_int_eq(begin(0), 0);
	ck_assert_uint_eq(opened_count, 2);
	ck_assert_uint_eq(opened[0], 2);
	ck_assert_uint_eq(opened[1], 4);
	ck_assert_int_eq(begin(OTHER_GROUP), 0);
	ck_assert_uint_eq(opened_count, 3);
	ck_assert_uint_eq(opened[2], OTHER_GROUP + 2);
}
END_TEST

START_TEST(of_several_that_are_held_the_first_alone_opens)
{
	prepare();
	steps[1].op = SHARD_HOLD_FLOW;
	ck_assert_int_eq(begin(0), 0);
	opened_count = 0;
	ck_assert_int_eq(begin(1), 0);
	ck_assert_uint_eq(opened_count, 0);
}
END_TEST

START_TEST(what_cannot_be_had_ends_a_list_of_which_nothing_was_done)
{
	prepare();
	refusal = -EMFILE;
	ck_assert_int_eq(begin(0), -EMFILE);
	ck_assert_str_eq(changer->err.text, "no socket for step 2");
	ck_assert_str_eq(logged(), "");
	ck_assert(!is_stamped(flow->fd));
}
END_TEST

START_TEST(what_cannot_be_had_is_pending_where_a_shard_has_heard_of_the_list)
{
	const char *said;

	prepare();
	refusal = -EMFILE;
	changer->acted = true;
	ck_assert_int_eq(begin(0), 0);
	said = logged();
	ck_assert_ptr_nonnull(strstr(said, "no socket for step 2; these groups are not received"));
	ck_assert_str_eq(changer->err.text, "");
	ck_assert_uint_eq(opened_count, 2); /* the others may be had */
	ck_assert(is_stamped(flow->fd));
	ck_assert_int_eq(begin(1), 1); /* and what there was goes */
	ck_assert_uint_gt(changer->cut_ns, 0);
}
END_TEST

START_TEST(moment_is_chosen_when_all_are_held)
{
	uint64_t before_ns = clock_wall_ns(), cut_ns;

	prepare();
	ck_assert_int_eq(begin(0), 0);
	ck_assert_uint_eq(changer->cut_ns, 0);
	ck_assert_int_eq(begin(1), 1);
	cut_ns = changer->cut_ns;
	ck_assert_uint_ge(cut_ns, before_ns);
	ck_assert_uint_le(cut_ns, clock_wall_ns());
	ck_assert_uint_gt(changer->arrived_ns, clock_now_ns());
	ck_assert_uint_eq(changer->pause_ns, changer->arrived_ns);
	ck_assert(arrives(flow->fd)); /* what came before may be on its way */
	changer->arrived_ns -= NS_PER_S;
	ck_assert_int_eq(begin(1), 0);
	ck_assert_uint_eq(changer->cut_ns, cut_ns);
	ck_assert(!arrives(flow->fd));
}
END_TEST

START_TEST(each_group_has_a_moment_of_its_own)
{
	prepare();
	ck_assert_int_eq(begin(0), 0);
	ck_assert_int_eq(begin(1), 1);
	ck_assert_uint_gt(changer->cut_ns, 0);
	ck_assert_int_eq(begin(OTHER_GROUP), 0);
	ck_assert_uint_eq(changer->cut_ns, 0);
}
END_TEST

START_TEST(shard_is_told_the_moment_and_who_empties_its_queue)
{
	changer->cut_ns = 77;
	changer_cut_ask(changer, &steps[1]);
	ck_assert_uint_eq(changer->message.cut_ns, 77);
	ck_assert(changer->message.empties);
	changer_cut_ask(changer, &steps[2]);
	ck_assert(!changer->message.empties);
}
END_TEST

START_TEST(socket_that_came_is_stamped_no_longer_after_a_while)
{
	struct flow_place *place = &rig.flow_room[0];

	ck_assert_int_eq(sock_set_stamp(flow->fd, true), 0);
	changer->message = (struct shard_message){.result = -ENOMEM};
	changer_cut_note(changer, &steps[2]);
	ck_assert_uint_eq(place->unstamp_ns, 0);
	changer->message.result = 0;
	changer_cut_note(changer, &steps[1]);
	ck_assert_uint_eq(place->unstamp_ns, 0);
	changer_cut_note(changer, &steps[2]);
	ck_assert_uint_gt(place->unstamp_ns, clock_now_ns());
	changer_cut_tick(&rig.sup);
	ck_assert(is_stamped(flow->fd));
	place->unstamp_ns = 1;
	changer_cut_tick(&rig.sup);
	ck_assert(!is_stamped(flow->fd));
	ck_assert_uint_eq(place->unstamp_ns, 0);
}
END_TEST

START_TEST(socket_that_is_to_be_stamped_stays_so)
{
	rig.flow_room[0].rule.in.max_age_ms = 5;
	ck_assert_int_eq(sock_set_stamp(flow->fd, true), 0);
	rig.flow_room[0].unstamp_ns = 1;
	changer_cut_tick(&rig.sup);
	ck_assert(is_stamped(flow->fd));
}
END_TEST

/* Its places may change at any time, or are going. */
START_TEST(shard_that_is_asked_or_closes_is_looked_at_later)
{
	rig.flow_room[0].unstamp_ns = 1;
	changer->waiting = true;
	changer_cut_tick(&rig.sup);
	ck_assert_uint_eq(rig.flow_room[0].unstamp_ns, 1);
	changer->waiting = false;
	rig.worker.closing = true;
	changer_cut_tick(&rig.sup);
	ck_assert_uint_eq(rig.flow_room[0].unstamp_ns, 1);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("changer_cut");
	TCase *tcase = tcase_create("cut");
	SRunner *runner;
	int failed;

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, nothing_is_held_before_all_is_stamped);
	tcase_add_test(tcase, one_socket_has_all_stamped_and_goes_with_the_list);
	tcase_add_test(tcase, sockets_that_come_are_opened_before_the_first_is_held);
	tcase_add_test(tcase, of_several_that_are_held_the_first_alone_opens);
	tcase_add_test(tcase, what_cannot_be_had_ends_a_list_of_which_nothing_was_done);
	tcase_add_test(tcase, what_cannot_be_had_is_pending_where_a_shard_has_heard_of_the_list);
	tcase_add_test(tcase, moment_is_chosen_when_all_are_held);
	tcase_add_test(tcase, each_group_has_a_moment_of_its_own);
	tcase_add_test(tcase, shard_is_told_the_moment_and_who_empties_its_queue);
	tcase_add_test(tcase, socket_that_came_is_stamped_no_longer_after_a_while);
	tcase_add_test(tcase, socket_that_is_to_be_stamped_stays_so);
	tcase_add_test(tcase, shard_that_is_asked_or_closes_is_looked_at_later);
	suite_add_tcase(suite, tcase);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
