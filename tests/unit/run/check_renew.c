/* check_renew.c - what is reported again, when, how often, and of whom not.
 *
 * The shard has three flows on two interfaces. Reports are noted in the place of being made.
 */
#include "src/run/renew.h"

#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "src/base/clock.h"
#include "tests/unit/run/supervisor_rig.h"

#define REPORTS_MAX 32
#define NEAR        2 /* index of the interface of the first two groups */
#define FAR         5

struct report {
	int fd;
	unsigned ifindex;
	enum sock_report what;
};

static struct sup_rig rig;
static struct renew renew;
static struct report reports[REPORTS_MAX];
static uint32_t report_count;
static int refusal;
static uint64_t now_ns;

/* In the place of shard/sock_report.c. */
int sock_report(int fd, const struct rule_ingress *in, unsigned ifindex, enum sock_report what)
{
	ck_assert(addr_is_multicast(&in->at.addr));
	ck_assert_uint_lt(report_count, REPORTS_MAX);
	reports[report_count++] = (struct report){fd, ifindex, what};
	return what == SOCK_REPORT_END ? 0 : refusal;
}

static void add_flow(uint32_t at, uint8_t group, unsigned ifindex)
{
	struct flow_place *place = &rig.flow_room[at];

	place->rule = rig.flow;
	place->rule.in.at.addr.ip[3] = group;
	place->rule.ifindex = ifindex;
	place->flow = (struct ingress_flow){
		.rule = &place->rule, .stats = &place->stats, .token = at, .fd = 100 + (int)at};
}

/* Two sockets of one group and one of another by the one interface, one by the other. */
static void setup(void)
{
	sup_rig_open(&rig);
	ck_assert_int_eq(gate_init(&rig.sup.gate), 0);
	for (uint32_t i = 0; i < ROOM_FLOWS; i++) {
		rig.flow_room[i].flow.fd = -1;
	}
	add_flow(0, 1, NEAR);
	add_flow(1, 9, FAR);
	add_flow(2, 2, NEAR);
	add_flow(3, 1, NEAR);
	refusal = 0;
	report_count = 0;
	now_ns = 1000 * NS_PER_S;
	ck_assert_int_eq(renew_init(&renew, &rig.sup), 0);
	logged_start();
}

static void teardown(void)
{
	renew_free(&renew);
	gate_free(&rig.sup.gate);
	sup_rig_close(&rig);
}

/* So long afterwards so many are made. */
static void expect_reports(uint64_t after_ms, uint32_t count)
{
	now_ns += after_ms * NS_PER_MS;
	report_count = 0;
	renew_tick(&renew, now_ns);
	ck_assert_uint_eq(report_count, count);
}

/* Of each socket one and its end. */
static void expect_report(uint32_t at, int fd, enum sock_report what)
{
	ck_assert_int_eq(reports[at].fd, fd);
	ck_assert_int_eq(reports[at].what, what);
}

static void hear(uint32_t flow)
{
	stat_add(&rig.flow_room[flow].stats.received, 1);
}

START_TEST(all_that_is_joined_there_is_reported_at_once)
{
	renew_want(&renew, NEAR, true, now_ns);
	expect_reports(0, 6);
	/* All sockets of a group are changed before the first is as it was. */
	ck_assert_int_eq(reports[0].what, SOCK_REPORT_WHOLE);
	ck_assert_int_eq(reports[1].what, SOCK_REPORT_WHOLE);
	ck_assert_int_eq(reports[0].fd + reports[1].fd, 100 + 103);
	ck_assert_int_eq(reports[2].what, SOCK_REPORT_END);
	ck_assert_int_eq(reports[3].what, SOCK_REPORT_END);
	expect_report(4, 102, SOCK_REPORT_WHOLE);
	expect_report(5, 102, SOCK_REPORT_END);
	for (uint32_t i = 0; i < report_count; i++) {
		ck_assert_uint_eq(reports[i].ifindex, NEAR);
	}
	ck_assert_ptr_nonnull(strstr(logged(), "telling the network of 2 groups"));
}
END_TEST

/* 1, 4, 16 and 35 seconds after the link came. */
START_TEST(what_stays_silent_is_reported_again_and_then_no_more)
{
	static const uint64_t after_s[] = {1, 4, 16, 35};
	uint64_t up_ns = now_ns;

	renew_want(&renew, FAR, true, now_ns);
	expect_reports(0, 2);
	for (unsigned i = 0; i < 4; i++) {
		now_ns = up_ns + after_s[i] * NS_PER_S;
		now_ns -= NS_PER_MS;
		expect_reports(0, 0);
		expect_reports(1, 2);
		expect_report(0, 101, SOCK_REPORT_WHOLE);
	}
	expect_reports(3600 * 1000, 0);
}
END_TEST

START_TEST(group_that_is_heard_is_left_alone)
{
	renew_want(&renew, NEAR, true, now_ns);
	expect_reports(0, 6);
	hear(3); /* one of its two sockets */
	expect_reports(1000, 2);
	expect_report(0, 102, SOCK_REPORT_WHOLE);
	hear(2);
	expect_reports(3000, 0);
	expect_reports(60000, 0); /* all are heard: it has an end */
}
END_TEST

START_TEST(what_was_heard_before_a_report_says_nothing_of_it)
{
	hear(1);
	renew_want(&renew, FAR, true, now_ns);
	expect_reports(0, 2);
	expect_reports(1000, 2);
}
END_TEST

START_TEST(what_may_still_be_heard_is_reported_gently_at_first)
{
	renew_want(&renew, FAR, false, now_ns);
	expect_reports(0, 2);
	expect_report(0, 101, SOCK_REPORT_GENTLY);
	expect_reports(1000, 2);
	expect_report(0, 101, SOCK_REPORT_WHOLE);
}
END_TEST

START_TEST(link_that_flaps_is_reported_once_a_second)
{
	renew_want(&renew, FAR, false, now_ns);
	expect_reports(0, 2);
	renew_want(&renew, FAR, true, now_ns);
	renew_want(&renew, FAR, false, now_ns); /* which does not make it gentle again */
	expect_reports(999, 0);
	expect_reports(1, 2);
	expect_report(0, 101, SOCK_REPORT_WHOLE);
}
END_TEST

START_TEST(socket_that_has_gone_is_not_touched)
{
	rig.flow_room[0].flow.token = 77;
	renew_want(&renew, NEAR, true, now_ns);
	expect_reports(0, 4);
	for (uint32_t i = 0; i < report_count; i++) {
		ck_assert_int_ne(reports[i].fd, 100);
	}
	rig.worker.closing = true;
	expect_reports(1000, 0);
}
END_TEST

START_TEST(failure_is_told_once_for_all_groups)
{
	const char *said;

	refusal = -ENOBUFS;
	renew_want(&renew, NEAR, true, now_ns);
	expect_reports(0, 6); /* the end of each follows all the same */
	said = strstr(logged(), "cannot tell the network again");
	ck_assert_ptr_nonnull(said);
	ck_assert_ptr_null(strstr(said + 1, "cannot tell the network again"));
}
END_TEST

START_TEST(what_is_due_stays_due_when_the_flows_are_others)
{
	renew_want(&renew, NEAR, true, now_ns);
	expect_reports(0, 6);
	rig.flow_room[1].flow.fd = -1; /* the only one of its interface */
	add_flow(4, 3, NEAR);
	add_flow(5, 4, NEAR - 1);
	ck_assert_int_eq(renew_look(&renew), 0);
	expect_reports(999, 0);
	expect_reports(1, 8);
	expect_reports(2999, 0); /* the second time: four seconds after the link came */
	expect_reports(1, 8);
	renew_want(&renew, NEAR - 1, true, now_ns);
	expect_reports(0, 2);
	expect_report(0, 105, SOCK_REPORT_WHOLE);
}
END_TEST

START_TEST(unicast_is_no_membership)
{
	rig.flow_room[1].rule.in.at.addr.ip[0] = 10;
	ck_assert_int_eq(renew_look(&renew), 0);
	renew_want(&renew, FAR, true, now_ns);
	expect_reports(0, 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("renew");
	TCase *tcase = tcase_create("reports");
	SRunner *runner;
	int failed;

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, all_that_is_joined_there_is_reported_at_once);
	tcase_add_test(tcase, what_stays_silent_is_reported_again_and_then_no_more);
	tcase_add_test(tcase, group_that_is_heard_is_left_alone);
	tcase_add_test(tcase, what_was_heard_before_a_report_says_nothing_of_it);
	tcase_add_test(tcase, what_may_still_be_heard_is_reported_gently_at_first);
	tcase_add_test(tcase, link_that_flaps_is_reported_once_a_second);
	tcase_add_test(tcase, socket_that_has_gone_is_not_touched);
	tcase_add_test(tcase, failure_is_told_once_for_all_groups);
	tcase_add_test(tcase, what_is_due_stays_due_when_the_flows_are_others);
	tcase_add_test(tcase, unicast_is_no_membership);
	suite_add_tcase(suite, tcase);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
