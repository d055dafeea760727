/* check_ending.c - how a relay ends: what the shards are told, by when, and in which order.
 *
 * The linker sends here signals and what is told: the test says which come, and reads the letters
 * that the shards get.
 */
#include "src/run/ending.h"

#include <check.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "src/base/clock.h"
#include "src/run/signals.h"
#include "tests/unit/run/supervisor_rig.h"

#define WORKERS 2
#define SIGNALS 77 /* a descriptor that nobody reads */

int __wrap_signals_next(int fd);
uint32_t __wrap_store_hand_over(struct store *store, struct supervisor *of);
void __wrap_store_forget(struct store *store);
void __wrap_spread_end(struct supervisor *of);
void __wrap_lane_stop(struct supervisor *of);
void __wrap_mailbox_post(struct mailbox *box, uint32_t mail);
void __wrap_reload_again(struct reload *reload, const char *who);
int __wrap_notify_send(const char *text);

static struct sup_rig rig;
static struct supervisor *const sup = &rig.sup;
static struct worker workers[WORKERS];
static int pending[8];  /* signals that wait, 0 behind the last */
static uint32_t stored; /* flows whose sockets the store takes */
static char told[256];  /* what was done since the last look, a letter each */

static void tell(char what)
{
	size_t len = strlen(told);

	ck_assert_uint_lt(len, sizeof(told) - 1);
	told[len] = what;
	told[len + 1] = '\0';
}

int __wrap_signals_next(int fd)
{
	int signo = pending[0];

	ck_assert_int_eq(fd, SIGNALS);
	memmove(&pending[0], &pending[1], sizeof(pending) - sizeof(pending[0]));
	return signo;
}

uint32_t __wrap_store_hand_over(struct store *store, struct supervisor *of)
{
	ck_assert_ptr_eq(store, &sup->store);
	ck_assert_ptr_eq(of, sup);
	tell('S');
	return stored;
}

void __wrap_store_forget(struct store *store)
{
	ck_assert_ptr_eq(store, &sup->store);
	tell('F');
}

void __wrap_spread_end(struct supervisor *of)
{
	ck_assert_ptr_eq(of, sup);
	tell('P');
}

void __wrap_lane_stop(struct supervisor *of)
{
	ck_assert_ptr_eq(of, sup);
	tell('L');
}

void __wrap_mailbox_post(struct mailbox *box, uint32_t mail)
{
	ck_assert(box == &workers[0].mailbox || box == &workers[1].mailbox);
	tell(mail == MAIL_DRAIN       ? 'd'
	     : mail == MAIL_HAND_OVER ? 'h'
	     : mail == MAIL_QUIT      ? 'q'
				      : '?');
}

void __wrap_reload_again(struct reload *reload, const char *who)
{
	ck_assert_ptr_eq(reload, &sup->reload);
	ck_assert_str_eq(who, "SIGHUP");
	tell('R');
}

int __wrap_notify_send(const char *text)
{
	ck_assert(strncmp(text, "STOPPING=1\n", 11) == 0);
	tell('N');
	return 0;
}

static void setup(void)
{
	sup_rig_open(&rig);
	memset(workers, 0, sizeof(workers));
	sup->workers = workers;
	sup->worker_count = WORKERS;
	rig.opt.drain_ms = 1000;
	ck_assert_int_eq(gate_init(&sup->gate), 0);
	memset(pending, 0, sizeof(pending));
	stored = 0;
	told[0] = '\0';
	logged_start();
}

static void teardown(void)
{
	gate_free(&sup->gate);
	sup_rig_close(&rig);
}

/* With these signals waiting, all of it is done in this order. */
static void expect(int first, int second, const char *all)
{
	told[0] = '\0';
	pending[0] = first;
	pending[1] = second;
	ending_look(sup, SIGNALS);
	ck_assert_str_eq(told, all);
}

START_TEST(relay_that_nobody_asks_to_end_goes_on)
{
	expect(0, 0, "");
	gate_arrive(&sup->gate, &sup->gate.live);
	expect(0, 0, "");
	ck_assert_int_eq(sup->ending.asked, 0);
	ck_assert_uint_eq(sup->end_by_ns, 0);
	ck_assert(!sup->draining);
}
END_TEST

START_TEST(shards_drain_once_nothing_takes_their_place)
{
	uint64_t before_ns = clock_now_ns();

	expect(SIGTERM, 0, "SFNLPdd");
	ck_assert_ptr_nonnull(strstr(logged(), "SIGTERM: draining"));
	ck_assert(sup->draining);
	ck_assert_uint_gt(sup->end_by_ns, before_ns + 1000 * NS_PER_MS);
	expect(0, 0, "");
}
END_TEST

START_TEST(sockets_are_left_to_who_comes_next)
{
	stored = 3;
	expect(SIGTERM, 0, "SNLPhh");
	ck_assert_ptr_nonnull(strstr(logged(), "leaving 3 sockets of flows"));
}
END_TEST

START_TEST(sockets_are_not_left_where_nobody_is_to_come)
{
	stored = 3;
	sup->store.on = true;
	expect(SIGINT, 0, "FNLPdd");
}
END_TEST

START_TEST(drain_of_control_is_for_good)
{
	stored = 3;
	sup->store.on = true;
	sup->drain_asked = true;
	expect(0, 0, "FNLPdd");
	ck_assert(!sup->drain_asked);
	ck_assert_int_eq(sup->ending.asked, 1);
	ck_assert_ptr_nonnull(strstr(logged(), "control: draining"));
}
END_TEST

START_TEST(second_request_ends_at_once)
{
	uint64_t end_by_ns;

	expect(SIGTERM, 0, "SFNLPdd");
	end_by_ns = sup->end_by_ns;
	expect(SIGINT, 0, "LPqq");
	ck_assert_ptr_nonnull(strstr(logged(), "SIGINT again: ending at once"));
	ck_assert_uint_lt(sup->end_by_ns, end_by_ns);
	end_by_ns = sup->end_by_ns;
	expect(SIGINT, 0, "LPqq");
	ck_assert_uint_eq(sup->end_by_ns, end_by_ns); /* never later */
}
END_TEST

START_TEST(signals_that_wait_are_all_taken)
{
	expect(SIGTERM, SIGTERM, "SFNLPddLPqq");
	ck_assert_int_eq(sup->ending.asked, 2);
}
END_TEST

START_TEST(rules_are_not_read_again_by_a_relay_that_ends)
{
	expect(SIGHUP, SIGHUP, "RR");
	expect(SIGTERM, SIGHUP, "SFNLPdd");
	expect(SIGHUP, 0, "");
}
END_TEST

START_TEST(one_shard_that_ends_ends_all)
{
	gate_arrive(&sup->gate, &sup->gate.ended);
	stored = 1;
	expect(0, 0, "SNLPhh");
	ck_assert_ptr_nonnull(strstr(logged(), "a shard has ended: leaving"));
	gate_arrive(&sup->gate, &sup->gate.ended);
	expect(0, 0, "");
	expect(SIGTERM, 0, "LPqq"); /* it is the second request */
}
END_TEST

/* A change is under way, and sockets would be left. */
static void amid_a_change(void)
{
	stored = 1;
	sup->store.on = true;
	sup->changer.phase = CHANGER_CHANGING;
	expect(SIGTERM, 0, "");
	ck_assert_ptr_nonnull(strstr(logged(), "the change that is under way comes first"));
	ck_assert(sup->draining);
	expect(0, 0, "");
}

START_TEST(sockets_are_left_once_a_change_is_done)
{
	amid_a_change();
	sup->changer.phase = CHANGER_IDLE;
	expect(0, 0, "SNLPhh");
	ck_assert_ptr_nonnull(strstr(logged(), "SIGTERM: leaving"));
	expect(0, 0, "");
}
END_TEST

START_TEST(change_is_not_waited_for_for_ever)
{
	amid_a_change();
	ck_assert_uint_gt(sup->ending.until_ns, clock_now_ns());
	sup->ending.until_ns = 1;
	expect(0, 0, "SNLPhh");
}
END_TEST

START_TEST(change_is_not_waited_for_when_a_shard_has_ended)
{
	amid_a_change();
	gate_arrive(&sup->gate, &sup->gate.ended);
	expect(0, 0, "SNLPhh");
}
END_TEST

START_TEST(second_request_does_not_wait_for_a_change)
{
	amid_a_change();
	expect(SIGTERM, 0, "LPqq");
	sup->changer.phase = CHANGER_IDLE;
	expect(0, 0, "");
}
END_TEST

START_TEST(change_is_waited_for_only_for_the_sake_of_sockets)
{
	sup->changer.phase = CHANGER_CHANGING;
	expect(SIGTERM, 0, "SFNLPdd");
	sup->ending = (struct ending){0};
	sup->store.on = true;
	expect(SIGINT, 0, "FNLPdd");
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		relay_that_nobody_asks_to_end_goes_on,
		shards_drain_once_nothing_takes_their_place,
		sockets_are_left_to_who_comes_next,
		sockets_are_not_left_where_nobody_is_to_come,
		drain_of_control_is_for_good,
		second_request_ends_at_once,
		signals_that_wait_are_all_taken,
		rules_are_not_read_again_by_a_relay_that_ends,
		one_shard_that_ends_ends_all,
		sockets_are_left_once_a_change_is_done,
		change_is_not_waited_for_for_ever,
		change_is_not_waited_for_when_a_shard_has_ended,
		second_request_does_not_wait_for_a_change,
		change_is_waited_for_only_for_the_sake_of_sockets,
	};
	Suite *suite = suite_create("ending");
	TCase *tcase = tcase_create("ending");
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
