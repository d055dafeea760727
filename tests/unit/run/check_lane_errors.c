/* check_lane_errors.c - whose error queues are looked at, how often, and that each error is counted
 * for the output that it is about.
 *
 * Two shards with a flow each. The linker sends here what empties a queue and what is counted: a
 * descriptor is a number of the test, behind which stands what its queue holds.
 */
#include "src/run/lane_errors.h"

#include <check.h>
#include <stdlib.h>

#include "shard/sock.h"
#include "src/run/lane_look.h"
#include "tests/unit/run/supervisor_rig.h"

#define WORKERS 2
#define SOCKETS (WORKERS * SUP_RIG_OUTPUTS)
#define FD      1000 /* the first of them */

struct sock_errors __wrap_sock_drain_errors(int fd);
void __wrap_fast_add_errors(struct fast *fast, const struct rule_ingress *in,
			    const struct endpoint *to, uint64_t errors);

static struct sup_rig rigs[WORKERS];
static struct worker workers[WORKERS];
static struct supervisor *const sup = &rigs[0].sup;
static struct lane_verdict verdicts[WORKERS];
static uint32_t queued[SOCKETS];  /* errors */
static uint32_t reads[SOCKETS];   /* of each queue */
static uint64_t counted[SOCKETS]; /* for each output */

/* A queue gives a dozen at a time. */
struct sock_errors __wrap_sock_drain_errors(int fd)
{
	uint32_t *left = &queued[fd - FD];
	struct sock_errors seen = {.icmp = *left < 12 ? *left : 12};

	ck_assert_int_ge(fd, FD);
	ck_assert_int_lt(fd, FD + SOCKETS);
	reads[fd - FD]++;
	*left -= seen.icmp;
	return seen;
}

void __wrap_fast_add_errors(struct fast *fast, const struct rule_ingress *in,
			    const struct endpoint *to, uint64_t errors)
{
	ck_assert_ptr_eq(fast, &sup->lane.fast);
	ck_assert_uint_gt(errors, 0);
	for (uint32_t i = 0; i < SOCKETS; i++) {
		const struct sup_rig *rig = &rigs[i / SUP_RIG_OUTPUTS];

		if (rule_compare_flows(in, &rig->flow.in) == 0 &&
		    addr_equal(&to->addr, &rig->outputs[i % SUP_RIG_OUTPUTS].out.to.addr)) {
			counted[i] += errors;
			return;
		}
	}
	ck_abort_msg("errors of nobody's output");
}

/* All outputs go to hosts, and all flows are carried. */
static void setup(void)
{
	for (uint32_t w = 0; w < WORKERS; w++) {
		struct sup_rig *rig = &rigs[w];

		sup_rig_open(rig);
		rig->flow.in.at.addr.port += (uint16_t)w;
		rig->shard.relay.place_count = 1;
		for (uint32_t o = 0; o < SUP_RIG_OUTPUTS; o++) {
			rig->outputs[o].out.to.addr.ip[0] = 10;
			rig->output_room[o].output.fd = (int)(FD + w * SUP_RIG_OUTPUTS + o);
		}
		verdicts[w] = (struct lane_verdict){.in = rig->flow.in};
		workers[w] = rig->worker;
		workers[w].gate = &sup->gate;
	}
	ck_assert_int_eq(gate_init(&sup->gate), 0);
	sup->workers = workers;
	sup->worker_count = WORKERS;
	sup->lane.verdicts = verdicts;
	sup->lane.verdict_count = WORKERS;
}

static void teardown(void)
{
	gate_free(&sup->gate);
	for (uint32_t w = 0; w < WORKERS; w++) {
		sup_rig_close(&rigs[w]);
	}
}

/* How often each queue was looked at since the last time. */
static void expect_reads(uint32_t a, uint32_t b, uint32_t c, uint32_t d)
{
	const uint32_t expected[SOCKETS] = {a, b, c, d};

	for (uint32_t i = 0; i < SOCKETS; i++) {
		ck_assert_msg(reads[i] == expected[i], "queue %u: %u reads, expected %u", i,
			      reads[i], expected[i]);
		reads[i] = 0;
	}
}

START_TEST(all_errors_are_counted_for_the_output_they_are_about)
{
	queued[1] = 30;
	queued[2] = 1;
	lane_errors_count(sup, LANE_ERRORS_MOST);
	ck_assert_uint_eq(counted[0], 0);
	ck_assert_uint_eq(counted[1], 30);
	ck_assert_uint_eq(counted[2], 1);
	ck_assert_uint_eq(counted[3], 0);
	expect_reads(1, 4, 2, 1); /* until nothing is left, and all once */
}
END_TEST

START_TEST(queue_that_is_always_full_is_left_after_a_while)
{
	queued[0] = UINT32_MAX;
	lane_errors_count(sup, LANE_ERRORS_MOST);
	ck_assert_uint_eq(counted[0], 64 * 12);
}
END_TEST

START_TEST(only_outputs_to_hosts_that_have_sockets_are_looked_at)
{
	rigs[0].outputs[0].out.to.addr.ip[0] = 239;
	rigs[0].outputs[1].out.src_keep = true;
	rigs[1].output_room[0].output.fd = -1;
	lane_errors_count(sup, LANE_ERRORS_MOST);
	expect_reads(0, 0, 0, 1);
}
END_TEST

START_TEST(only_flows_that_are_carried_are_looked_at)
{
	verdicts[0].reason = FAST_REASON_CHEAPER;
	lane_errors_count(sup, LANE_ERRORS_MOST);
	expect_reads(0, 0, 1, 1);
	rigs[1].flow_room[0].flow.rule = NULL;
	lane_errors_count(sup, LANE_ERRORS_MOST);
	expect_reads(0, 0, 0, 0);
}
END_TEST

START_TEST(who_was_not_looked_at_is_the_next)
{
	lane_errors_count(sup, 1);
	expect_reads(1, 1, 0, 0); /* a flow as a whole */
	lane_errors_count(sup, 2);
	expect_reads(0, 0, 1, 1);
	lane_errors_count(sup, 3);
	expect_reads(1, 1, 1, 1);
	lane_errors_count(sup, 0);
	expect_reads(0, 0, 0, 0);
}
END_TEST

START_TEST(place_that_was_next_may_have_gone)
{
	lane_errors_count(sup, 1);
	rigs[1].shard.relay.place_count = 0;
	lane_errors_count(sup, 1);
	expect_reads(2, 2, 0, 0);
	sup->lane.errors = (struct lane_errors){.worker = WORKERS + 3, .place = 7};
	lane_errors_count(sup, LANE_ERRORS_MOST);
	expect_reads(1, 1, 0, 0);
}
END_TEST

START_TEST(nobody_is_looked_for_where_there_is_no_place)
{
	rigs[0].shard.relay.place_count = rigs[1].shard.relay.place_count = 0;
	lane_errors_count(sup, LANE_ERRORS_MOST);
	expect_reads(0, 0, 0, 0);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		all_errors_are_counted_for_the_output_they_are_about,
		queue_that_is_always_full_is_left_after_a_while,
		only_outputs_to_hosts_that_have_sockets_are_looked_at,
		only_flows_that_are_carried_are_looked_at,
		who_was_not_looked_at_is_the_next,
		place_that_was_next_may_have_gone,
		nobody_is_looked_for_where_there_is_no_place,
	};
	Suite *suite = suite_create("lane_errors");
	TCase *tcase = tcase_create("lane_errors");
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
