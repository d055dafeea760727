/* check_closing.c - what a shard has that has begun to close its sockets is left alone: the number
 * of a socket of its may be another's by now.
 */
#include <check.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "src/run/lane_errors.h"
#include "src/run/lane_look.h"
#include "src/run/pending.h"
#include "tests/unit/run/supervisor_rig.h"

static struct sup_rig rig;
static struct lane_verdict verdict;
static int ends[2];

/* The flow goes by the program, and its output to a host has a socket whose number is a client's
 * connection, in which a request waits. */
static void setup(void)
{
	struct endpoint *to = &rig.outputs[0].out.to;

	sup_rig_open(&rig);
	to->addr = (struct addr){.family = AF_INET, .port = 6000, .ip = {127, 0, 0, 1}};
	verdict = (struct lane_verdict){.in = rig.flow.in, .reason = FAST_REASON_NONE};
	rig.sup.lane.verdicts = &verdict;
	rig.sup.lane.verdict_count = 1;
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends), 0);
	ck_assert_int_eq(write(ends[1], "request", 7), 7);
	rig.output_room[0].output.fd = ends[0];
	rig.output_room[1].output.fd = -1;
	rig.flow_room[0].flow.fd = -1;
}

static void teardown(void)
{
	close(ends[0]);
	close(ends[1]);
	sup_rig_close(&rig);
}

static ssize_t left(void)
{
	char bytes[16];

	return recv(ends[0], bytes, sizeof(bytes), MSG_PEEK);
}

START_TEST(error_queues_are_read_of_sockets_that_are_open)
{
	lane_errors_count(&rig.sup, LANE_ERRORS_MOST);
	ck_assert_int_eq(left(), -1); /* it was looked at */
}
END_TEST

START_TEST(error_queues_are_not_read_once_a_shard_closes)
{
	rig.worker.closing = true;
	lane_errors_count(&rig.sup, LANE_ERRORS_MOST);
	ck_assert_int_eq(left(), 7);
}
END_TEST

START_TEST(what_a_closing_shard_has_waits_for_nothing)
{
	struct pending pending = {.sup = &rig.sup};

	ck_assert_int_eq(pending_look(&pending), 0);
	ck_assert_uint_eq(pending.count, 2);
	rig.worker.closing = true;
	ck_assert_int_eq(pending_look(&pending), 0);
	ck_assert_uint_eq(pending.count, 0);
	pending_free(&pending);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("closing");
	SRunner *runner = srunner_create(suite);
	TCase *tc = tcase_create("closing");
	int failed;

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, error_queues_are_read_of_sockets_that_are_open);
	tcase_add_test(tc, error_queues_are_not_read_once_a_shard_closes);
	tcase_add_test(tc, what_a_closing_shard_has_waits_for_nothing);
	suite_add_tcase(suite, tc);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
