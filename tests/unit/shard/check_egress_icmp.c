/* check_egress_icmp.c - what an ICMP error may cost an output, and what it is not taken for; and
 * how long an output does without trains that were refused in earnest.
 *
 * The answers to sends come from the fake engine, the error queue is that of a socket of the
 * kernel's that sends to a port where nobody listens.
 */
#include <arpa/inet.h>
#include <check.h>
#include <errno.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "src/base/clock.h"
#include "tests/unit/shard/relay_rig.h"

static struct rig rig;

static const struct rig_options trains = {
	.outputs = 1, .train_max = 64, .mtu = 1500, .slots = 32, .out = {.ttl = 16}};
static const struct rig_options singles = {
	.outputs = 1, .train_max = 1, .mtu = 1500, .slots = 32, .out = {.ttl = 16}};

static const int icmp_errnos[] = {ECONNREFUSED, EHOSTUNREACH, EMSGSIZE, EOPNOTSUPP, EPROTO, EACCES};

#define ICMP_ERRNO_COUNT (sizeof(icmp_errnos) / sizeof(icmp_errnos[0]))

static struct output_stats *stats(void)
{
	return &rig.output_stats[0];
}

static uint64_t drops(enum output_drop drop)
{
	return stat_get(&stats()->drops[drop]);
}

/* A socket that hears by ICMP that nobody listens where it sends to. */
static int open_refused(void)
{
	struct sockaddr_in nobody = {.sin_family = AF_INET};
	socklen_t len = sizeof(nobody);
	int on = 1;
	int other = socket(AF_INET, SOCK_DGRAM, 0);
	int fd = socket(AF_INET, SOCK_DGRAM, 0);

	nobody.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	ck_assert_int_eq(bind(other, (struct sockaddr *)&nobody, len), 0);
	ck_assert_int_eq(getsockname(other, (struct sockaddr *)&nobody, &len), 0);
	ck_assert_int_eq(connect(fd, (struct sockaddr *)&nobody, len), 0);
	ck_assert_int_eq(setsockopt(fd, IPPROTO_IP, IP_RECVERR, &on, sizeof(on)), 0);
	close(other);
	return fd;
}

/* Leaves one ICMP error in the queue. */
static void hear_icmp(int fd)
{
	while (send(fd, "x", 1, MSG_DONTWAIT) < 0) {
		ck_assert_int_eq(errno, ECONNREFUSED); /* of the error before */
	}
}

struct weather {
	int fd;
	int err;
	uint32_t from, count; /* these sends meet an error */
	uint32_t made;
	bool icmp; /* and it is there to be read */
};

static int32_t decide(void *context, const struct fake_send *send)
{
	struct weather *w = context;
	uint32_t n = w->made++;

	(void)send;
	if (n < w->from || n >= w->from + w->count) {
		return FAKE_SUCCESS;
	}
	if (w->icmp) {
		hear_icmp(w->fd);
	}
	return -w->err;
}

static void open_rig(const struct rig_options *options, struct weather *weather)
{
	rig_open(&rig, options);
	weather->fd = open_refused();
	egress_output(&rig.egress, 0)->fd = weather->fd;
	fake_decide_sends(rig.ring, decide, weather);
}

static void close_rig(const struct weather *weather)
{
	egress_output(&rig.egress, 0)->fd = -1;
	close(weather->fd);
	rig_close(&rig);
}

START_TEST(datagram_that_meets_an_icmp_error_is_sent_again)
{
	struct weather weather = {.err = icmp_errnos[_i], .count = 1, .icmp = true};

	open_rig(&singles, &weather);
	rig_deliver(&rig, 100);
	rig_settle(&rig);
	rig_expect_all_in_order(&rig, 0);
	ck_assert_uint_eq(rig_drops(&rig, 0), 0);
	ck_assert_uint_eq(stat_get(&stats()->sends), 2);
	ck_assert_uint_eq(stat_get(&stats()->icmp_errors), 1);
	close_rig(&weather);
}
END_TEST

START_TEST(train_that_meets_an_icmp_error_is_sent_again_as_a_train)
{
	struct weather weather = {
		.err = icmp_errnos[_i], .from = 0, .count = SEND_RETRIES_MAX, .icmp = true};

	open_rig(&trains, &weather);
	rig_deliver_train(&rig, 20, 500, 100);
	rig_settle(&rig);
	rig_deliver_train(&rig, 20, 500, 100);
	rig_settle(&rig);
	rig_expect_all_in_order(&rig, 0);
	ck_assert_uint_eq(stat_get(&stats()->trains), 2);
	ck_assert_uint_eq(stat_get(&stats()->gso_off), 0);
	ck_assert_uint_eq(stat_get(&stats()->resent), 0);
	ck_assert_uint_eq(rig_drops(&rig, 0), 0);
	close_rig(&weather);
}
END_TEST

START_TEST(uncopied_train_that_meets_an_icmp_error_is_not_refused)
{
	struct weather weather = {.err = icmp_errnos[_i], .from = 1, .count = 1, .icmp = true};
	struct rig_options options = trains;

	options.zerocopy = 8000;
	open_rig(&options, &weather);
	rig_deliver_train(&rig, 10, 1000, 1000);
	rig_settle(&rig);
	rig_deliver_train(&rig, 10, 1000, 999);
	rig_settle(&rig);
	rig_expect_all_in_order(&rig, 0);
	ck_assert(fake_send_at(rig.ring, 1)->zerocopy);
	ck_assert(fake_send_at(rig.ring, 2)->zerocopy);
	ck_assert_uint_eq(stat_get(&stats()->zc_refused), 0);
	ck_assert_uint_eq(rig_drops(&rig, 0), 0);
	close_rig(&weather);
}
END_TEST

START_TEST(datagrams_sent_singly_meet_icmp_errors_each_for_itself)
{
	/* The train is refused, then each of its datagrams meets as many errors as it may. */
	struct weather weather = {.err = EIO, .count = 1};

	open_rig(&trains, &weather);
	rig_deliver_train(&rig, 3, 500, 500);
	ck_assert_int_eq(relay_turn(&rig.relay), 0);
	ck_assert_int_eq(relay_turn(&rig.relay), 0);
	ck_assert_uint_eq(stat_get(&stats()->gso_off), EIO);
	for (int i = 0; i < 3; i++) {
		weather = (struct weather){.fd = weather.fd,
					   .err = ECONNREFUSED,
					   .from = i == 0 ? 0 : 1,
					   .count = SEND_RETRIES_MAX,
					   .icmp = true};
		for (int turn = 0; turn <= SEND_RETRIES_MAX; turn++) {
			ck_assert_int_eq(relay_turn(&rig.relay), 0);
		}
	}
	fake_decide_sends(rig.ring, NULL, NULL);
	rig_settle(&rig);
	rig_expect_all_in_order(&rig, 0);
	ck_assert_uint_eq(rig_drops(&rig, 0), 0);
	close_rig(&weather);
}
END_TEST

START_TEST(endless_icmp_errors_end_in_a_drop)
{
	struct weather weather = {.err = icmp_errnos[_i], .count = UINT32_MAX, .icmp = true};

	open_rig(&trains, &weather);
	rig_deliver_train(&rig, 12, 500, 500);
	rig_settle(&rig);
	ck_assert_uint_eq(stat_get(&stats()->sends), 1 + SEND_RETRIES_MAX);
	ck_assert_uint_eq(drops(OUTPUT_DROP_UNREACHABLE), 12);
	ck_assert_uint_eq(stat_get(&stats()->gso_off), 0);
	close_rig(&weather);
}
END_TEST

START_TEST(error_that_no_icmp_error_explains_is_meant_for_the_datagram)
{
	struct weather weather = {.err = EHOSTUNREACH, .count = 1};

	open_rig(&singles, &weather);
	rig_deliver(&rig, 100);
	rig_settle(&rig);
	ck_assert_uint_eq(stat_get(&stats()->sends), 1);
	ck_assert_uint_eq(drops(OUTPUT_DROP_UNREACHABLE), 1);
	close_rig(&weather);
}
END_TEST

START_TEST(error_that_repeats_itself_is_believed_though_icmp_could_reach_the_socket)
{
	struct weather weather = {.err = EHOSTUNREACH, .count = UINT32_MAX};

	open_rig(&singles, &weather);
	egress_output(&rig.egress, 0)->connected = true;
	rig_deliver(&rig, 100);
	rig_settle(&rig);
	ck_assert_uint_eq(stat_get(&stats()->sends), 1 + SEND_DOUBTS_MAX);
	ck_assert_uint_eq(drops(OUTPUT_DROP_UNREACHABLE), 1);
	ck_assert_uint_eq(stat_get(&stats()->send_errno), EHOSTUNREACH);
	close_rig(&weather);
}
END_TEST

START_TEST(nothing_is_sent_again_once_it_was_overtaken)
{
	struct weather weather = {.err = EMSGSIZE, .from = 1, .count = 1, .icmp = true};
	uint32_t numbers[64];

	open_rig(&trains, &weather);
	rig_deliver_train(&rig, 10, 400, 400); /* shows that trains pass */
	rig_settle(&rig);
	for (uint32_t i = 0; i < 3; i++) {
		rig_deliver_train(&rig, 10, 500 + i, 500);
	}
	rig_settle(&rig);
	/* The first of three, which had left together. */
	ck_assert_uint_eq(drops(OUTPUT_DROP_UNREACHABLE), 10);
	ck_assert_uint_eq(rig_sent_numbers(&rig, 0, numbers, 64), 30);
	for (uint32_t i = 0; i < 30; i++) {
		ck_assert_uint_eq(numbers[i], i < 10 ? i : i + 10);
	}
	ck_assert_uint_eq(stat_get(&stats()->gso_off), 0);
	close_rig(&weather);
}
END_TEST

START_TEST(two_sends_in_flight_may_both_have_met_what_the_queue_held)
{
	struct weather weather = {.err = EMSGSIZE, .from = 1, .count = 3, .icmp = true};

	open_rig(&trains, &weather);
	rig_deliver_train(&rig, 10, 400, 400);
	rig_settle(&rig);
	for (uint32_t i = 0; i < 3; i++) {
		rig_deliver_train(&rig, 10, 500 + i, 500);
	}
	rig_settle(&rig);
	/* All are read when the first is answered; the last was not overtaken. */
	ck_assert_uint_eq(stat_get(&stats()->icmp_errors), 3);
	ck_assert_uint_eq(drops(OUTPUT_DROP_UNREACHABLE), 20);
	ck_assert_uint_eq(stat_get(&stats()->sent), 20);
	ck_assert_uint_eq(stat_get(&stats()->gso_off), 0);
	close_rig(&weather);
}
END_TEST

/* Three trains of different segments, with all answers held; how many were sent. */
static uint32_t sent_at_once(void)
{
	uint32_t before = fake_send_count(rig.ring);
	uint32_t count;

	fake_hold_sends(rig.ring, true);
	for (uint32_t i = 0; i < 3; i++) {
		rig_deliver_train(&rig, 10, 500 + i, 500);
	}
	for (int i = 0; i < 4; i++) {
		ck_assert_int_eq(relay_turn(&rig.relay), 0);
	}
	count = fake_send_count(rig.ring) - before;
	fake_hold_sends(rig.ring, false);
	rig_settle(&rig);
	return count;
}

START_TEST(while_icmp_errors_come_in_nothing_overtakes)
{
	struct weather weather = {.err = ECONNREFUSED, .from = 1, .count = 1, .icmp = true};

	open_rig(&trains, &weather);
	rig_deliver_train(&rig, 10, 400, 400);
	rig_settle(&rig);
	rig_deliver_train(&rig, 10, 400, 400);
	rig_settle(&rig);
	ck_assert_uint_eq(sent_at_once(), 1);
	/* As if the time were over. */
	ck_assert_uint_gt(egress_output(&rig.egress, 0)->wary_until_ns, clock_now_ns());
	ck_assert_uint_le(egress_output(&rig.egress, 0)->wary_until_ns, clock_now_ns() + WARY_NS);
	egress_output(&rig.egress, 0)->wary_until_ns = 1;
	ck_assert_uint_eq(sent_at_once(), 3);
	rig_expect_all_in_order(&rig, 0);
	close_rig(&weather);
}
END_TEST

/* ---- what the interface says ---- */

START_TEST(without_an_interface_that_is_up_what_is_unreachable_is_its_links)
{
	struct weather weather = {.err = ENETUNREACH, .count = UINT32_MAX};

	open_rig(&singles, &weather);
	egress_output(&rig.egress, 0)->path.ifindex = if_nametoindex("lo");
	rig_deliver(&rig, 100);
	rig_settle(&rig);
	ck_assert_uint_eq(drops(OUTPUT_DROP_UNREACHABLE), 1);
	egress_output(&rig.egress, 0)->path.ifindex = INT32_MAX; /* there is none of this number */
	rig_deliver(&rig, 100);
	rig_settle(&rig);
	ck_assert_uint_eq(drops(OUTPUT_DROP_LINK_DOWN), 1);
	ck_assert_uint_eq(drops(OUTPUT_DROP_UNREACHABLE), 1);
	close_rig(&weather);
}
END_TEST

START_TEST(path_that_has_become_narrower_is_looked_at_again)
{
	struct weather weather = {.err = EINVAL, .count = 1};
	struct egress_output *o;

	open_rig(&trains, &weather);
	o = egress_output(&rig.egress, 0);
	o->path.ifindex = if_nametoindex("lo");
	o->mtu = 1 << 20; /* as if it had been wider */
	rig_deliver_train(&rig, 10, 500, 500);
	rig_settle(&rig);
	ck_assert_uint_gt(o->mtu_again_ns, clock_now_ns());
	ck_assert_uint_le(o->mtu_again_ns, clock_now_ns() + GSO_WAIT_MIN_NS);
	rig_expect_all_in_order(&rig, 0);
	close_rig(&weather);
}
END_TEST

/* ---- trains that the path does refuse ---- */

static int32_t refuse_trains(void *context, const struct fake_send *send)
{
	(void)context;
	return send->segment_bytes ? -EIO : FAKE_SUCCESS;
}

/* How long trains are given up for, with one delivered and refused. What a turn gathers before it
 * looks at the clock still leaves in singles, so it takes two. */
static uint64_t refused_for_ns(void)
{
	uint64_t now_ns = clock_now_ns();

	for (int i = 0; i < 2; i++) {
		rig_deliver_train(&rig, 10, 500, 500);
		rig_settle(&rig);
	}
	ck_assert_uint_eq(stat_get(&stats()->gso_off), EIO);
	ck_assert_uint_gt(egress_output(&rig.egress, 0)->gso_again_ns, now_ns);
	return (egress_output(&rig.egress, 0)->gso_again_ns - now_ns) / NS_PER_S;
}

/* As if that time had gone by. */
static void let_time_pass(void)
{
	egress_output(&rig.egress, 0)->gso_again_ns = 1;
}

START_TEST(refused_trains_are_tried_again_ever_more_seldom)
{
	static const uint64_t waits_s[] = {10, 20, 40, 80, 160, 320, 600, 600};

	rig_open(&rig, &trains);
	fake_decide_sends(rig.ring, refuse_trains, NULL);
	for (size_t i = 0; i < sizeof(waits_s) / sizeof(waits_s[0]); i++) {
		uint64_t wait_s = refused_for_ns();

		ck_assert_uint_ge(wait_s, waits_s[i]);
		ck_assert_uint_le(wait_s, waits_s[i] + waits_s[i] / 2);
		/* Before it is over nothing is tried. */
		rig_deliver_train(&rig, 10, 500, 500);
		rig_settle(&rig);
		ck_assert_uint_eq(stat_get(&stats()->resent), 10 * (i + 1));
		let_time_pass();
	}
	rig_expect_all_in_order(&rig, 0);
	rig_close(&rig);
}
END_TEST

START_TEST(trains_come_back_when_the_path_takes_them_again)
{
	rig_open(&rig, &trains);
	fake_decide_sends(rig.ring, refuse_trains, NULL);
	refused_for_ns();
	let_time_pass();
	fake_decide_sends(rig.ring, NULL, NULL);
	rig_deliver_train(&rig, 10, 500, 500);
	rig_settle(&rig);
	rig_deliver_train(&rig, 10, 500, 500);
	rig_settle(&rig);
	ck_assert_uint_eq(stat_get(&stats()->gso_off), 0);
	ck_assert_uint_ge(stat_get(&stats()->trains), 1);
	ck_assert_uint_eq(egress_output(&rig.egress, 0)->gso_again_ns, 0);
	/* A refusal after that is a first one. */
	fake_decide_sends(rig.ring, refuse_trains, NULL);
	ck_assert_uint_le(refused_for_ns(), 15);
	rig_expect_all_in_order(&rig, 0);
	rig_close(&rig);
}
END_TEST

START_TEST(output_that_is_to_send_no_trains_never_does)
{
	rig_open(&rig, &singles);
	rig_deliver_train(&rig, 10, 500, 500);
	rig_settle(&rig);
	ck_assert_uint_eq(egress_output(&rig.egress, 0)->gso_again_ns, 0);
	ck_assert_uint_eq(stat_get(&stats()->sends), 10);
	rig_close(&rig);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("egress_icmp");
	TCase *tcase = tcase_create("egress_icmp");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_loop_test(tcase, datagram_that_meets_an_icmp_error_is_sent_again, 0,
			    ICMP_ERRNO_COUNT);
	tcase_add_loop_test(tcase, train_that_meets_an_icmp_error_is_sent_again_as_a_train, 0,
			    ICMP_ERRNO_COUNT);
	tcase_add_loop_test(tcase, uncopied_train_that_meets_an_icmp_error_is_not_refused, 0,
			    ICMP_ERRNO_COUNT);
	tcase_add_test(tcase, datagrams_sent_singly_meet_icmp_errors_each_for_itself);
	tcase_add_loop_test(tcase, endless_icmp_errors_end_in_a_drop, 0, ICMP_ERRNO_COUNT);
	tcase_add_test(tcase, error_that_no_icmp_error_explains_is_meant_for_the_datagram);
	tcase_add_test(tcase,
		       error_that_repeats_itself_is_believed_though_icmp_could_reach_the_socket);
	tcase_add_test(tcase, nothing_is_sent_again_once_it_was_overtaken);
	tcase_add_test(tcase, two_sends_in_flight_may_both_have_met_what_the_queue_held);
	tcase_add_test(tcase, while_icmp_errors_come_in_nothing_overtakes);
	tcase_add_test(tcase, without_an_interface_that_is_up_what_is_unreachable_is_its_links);
	tcase_add_test(tcase, path_that_has_become_narrower_is_looked_at_again);
	tcase_add_test(tcase, refused_trains_are_tried_again_ever_more_seldom);
	tcase_add_test(tcase, trains_come_back_when_the_path_takes_them_again);
	tcase_add_test(tcase, output_that_is_to_send_no_trains_never_does);
	suite_add_tcase(suite, tcase);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? 0 : 1;
}
