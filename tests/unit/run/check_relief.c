/* check_relief.c - in a planned change, what each flow is asked to do, and how long it takes. */
#include "src/run/relief.h"

#include <arpa/inet.h>
#include <check.h>
#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "src/base/clock.h"
#include "src/run/report_put.h"
#include "tests/unit/run/supervisor_rig.h"

#define A_WHILE_NS (200 * NS_PER_MS) /* longer than stamps and windows take */
#define NEVER_NS   (60 * NS_PER_S)
#define NONE       "0000000000000000"
#define ONE        "0000000000000001"

static struct sup_rig rig;
static struct relief *relief;

static struct flow_place *place(void)
{
	return &rig.flow_room[0];
}

/* Its flow has a socket, in which one datagram waits. */
static void setup(void)
{
	struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(at);

	sup_rig_open(&rig);
	changer_init(&rig.sup.changer, &rig.sup);
	relief = &rig.sup.changer.duty.relief;
	place()->rule = rig.flow;
	place()->flow.rule = &place()->rule;
	place()->flow.fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	ck_assert_int_ge(place()->flow.fd, 0);
	ck_assert_int_eq(bind(place()->flow.fd, (struct sockaddr *)&at, sizeof(at)), 0);
	ck_assert_int_eq(getsockname(place()->flow.fd, (struct sockaddr *)&at, &len), 0);
	ck_assert_int_eq(sendto(place()->flow.fd, "x", 1, 0, (struct sockaddr *)&at, len), 1);
}

static void teardown(void)
{
	changer_free(&rig.sup.changer);
	close(place()->flow.fd);
	sup_rig_close(&rig);
}

/* What the flow is asked to do; it does it, as its shard would, and control hears of that. `*out'
 * is the answer that is due then; NULL: none is. */
static struct shard_duty told(json_t **out)
{
	struct shard_duty duty = {.standby = place()->rule.standby};
	struct json_t *answer;

	relief_want(relief, 0, place(), &rig.opt.conf.flows[0], &rig.opt.conf, &duty);
	place()->rule.standby = duty.standby;
	place()->flow.held = duty.hold;
	place()->flow.baton = duty.baton;
	(void)relief_told(relief, &answer);
	if (out) {
		*out = answer;
	} else {
		json_decref(answer);
	}
	return duty;
}

static bool passes(uint64_t in_ns)
{
	return relief_tick(relief, clock_now_ns() + in_ns);
}

/* It writes marks down, and its window is over. */
static void note(void)
{
	ck_assert_int_eq(relief_note(relief, NULL), 0);
	ck_assert(!told(NULL).standby); /* until the kernel stamps what comes */
	ck_assert(!passes(0));
	ck_assert(passes(A_WHILE_NS));
	ck_assert(told(NULL).standby);
	ck_assert_ptr_nonnull(place()->flow.baton);
}

START_TEST(marks_wait_until_the_sockets_are_read)
{
	json_t *answer;
	char byte;

	note();
	ck_assert(!passes(A_WHILE_NS));
	ck_assert_int_eq(recv(place()->flow.fd, &byte, 1, 0), 1);
	ck_assert(!passes(0)); /* the window is not over */
	ck_assert(passes(A_WHILE_NS));
	(void)told(&answer);
	ck_assert_uint_eq(report_get(answer, "unread"), 0);
	ck_assert_uint_eq(json_array_size(json_object_get(answer, "marks")), 0);
	json_decref(answer);
}
END_TEST

START_TEST(nobody_is_waited_for_for_ever_and_it_is_told)
{
	json_t *answer;

	logged_start();
	note();
	ck_assert(passes(NEVER_NS));
	ck_assert_ptr_nonnull(strstr(logged(), "standby: shards are too far behind: 1 flows"));
	(void)told(&answer);
	ck_assert_uint_eq(report_get(answer, "unread"), 1);
	json_decref(answer);
}
END_TEST

START_TEST(shards_that_have_begun_to_close_are_not_looked_at)
{
	json_t *answer;

	note();
	rig.worker.closing = true;
	ck_assert(passes(A_WHILE_NS)); /* though something waits in its socket */
	(void)told(&answer);
	ck_assert_uint_eq(report_get(answer, "unread"), 0);
	json_decref(answer);
}
END_TEST

START_TEST(who_stands_by_has_nothing_to_write_down)
{
	place()->rule.standby = true;
	ck_assert_int_eq(relief_note(relief, NULL), 0);
	(void)told(NULL);
	ck_assert(passes(A_WHILE_NS));
	ck_assert_ptr_null(told(NULL).baton);
	ck_assert(passes(A_WHILE_NS)); /* so nobody reads for it */
}
END_TEST

/* Whether the flow is held, as it stands now. */
static bool is_held(void)
{
	ck_assert_int_eq(relief_hold(relief, NULL, NS_PER_S), 0);
	ck_assert(!told(NULL).hold);
	ck_assert(passes(A_WHILE_NS));
	return told(NULL).hold;
}

START_TEST(who_relays_is_not_held)
{
	ck_assert(!is_held());
	rig.output_room[0].output.sourceless = true; /* the other one sends */
	ck_assert(!is_held());
	rig.output_room[1].output.sourceless = true;
	ck_assert(is_held());
	place()->rule.standby = true;
	rig.output_room[0].output.sourceless = false;
	ck_assert(is_held());
}
END_TEST

START_TEST(who_is_held_is_let_go_when_nobody_takes_over)
{
	logged_start();
	place()->rule.standby = true;
	ck_assert(is_held());
	ck_assert(!passes(NS_PER_S / 2));
	ck_assert(passes(NS_PER_S + NS_PER_MS));
	ck_assert_ptr_nonnull(strstr(logged(), "hold: nobody took over within 1000 ms"));
	ck_assert(!told(NULL).hold);
	ck_assert_int_eq(relief->phase, RELIEF_NONE);
}
END_TEST

START_TEST(what_is_no_mark_changes_nothing)
{
	static const char *const texts[] = {
		"",
		"1:2",
		ONE,
		ONE ":",
		":" ONE,
		NONE ":" ONE,
		ONE ":" ONE ",",
		ONE ":" ONE "x",
		ONE ":" ONE ":" ONE,
		ONE "," ONE,
		ONE ": 00000000000001",
		ONE ":-000000000000001",
		ONE ":0x00000000000001",
		ONE ":" ONE "," ONE "," ONE "," ONE "," ONE "," ONE "," ONE "," ONE "," ONE,
	};

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		json_t *marks = json_pack("[s,s]", ONE ":" ONE, texts[i]);

		ck_assert_msg(relief_follow(relief, NULL, marks, 1) == -EINVAL, "%s", texts[i]);
		ck_assert_int_eq(relief->phase, RELIEF_NONE);
		json_decref(marks);
	}
}
END_TEST

START_TEST(a_mark_that_does_not_come_is_waited_for_only_so_long)
{
	json_t *marks = json_pack("[s]", "0000000000000001:0000000000000002"), *answer;

	place()->flow.held = true;
	ck_assert_int_eq(relief_follow(relief, NULL, marks, 1), 0);
	ck_assert(told(NULL).standby);
	ck_assert(!passes(A_WHILE_NS + NS_PER_MS));
	stat_add(&relief->batons[0]->passed, 1); /* its sender goes on without it */
	ck_assert(passes(A_WHILE_NS + NS_PER_MS));
	(void)told(&answer);
	ck_assert_uint_eq(report_get(answer, "marks"), 1);
	ck_assert_uint_eq(report_get(answer, "met"), 0);
	json_decref(answer);
	json_decref(marks);
}
END_TEST

START_TEST(who_is_not_held_and_relays_follows_nobody)
{
	ck_assert_int_eq(relief_follow(relief, NULL, NULL, 1), 0);
	ck_assert(!told(NULL).standby);
	ck_assert_ptr_null(place()->flow.baton);
	ck_assert(passes(A_WHILE_NS + NS_PER_MS));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("relief");
	SRunner *runner = srunner_create(suite);
	TCase *tc = tcase_create("relief");
	int failed;

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, marks_wait_until_the_sockets_are_read);
	tcase_add_test(tc, nobody_is_waited_for_for_ever_and_it_is_told);
	tcase_add_test(tc, shards_that_have_begun_to_close_are_not_looked_at);
	tcase_add_test(tc, who_stands_by_has_nothing_to_write_down);
	tcase_add_test(tc, who_relays_is_not_held);
	tcase_add_test(tc, who_is_held_is_let_go_when_nobody_takes_over);
	tcase_add_test(tc, what_is_no_mark_changes_nothing);
	tcase_add_test(tc, a_mark_that_does_not_come_is_waited_for_only_so_long);
	tcase_add_test(tc, who_is_not_held_and_relays_follows_nobody);
	suite_add_tcase(suite, tc);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
