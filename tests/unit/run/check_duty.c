/* check_duty.c - which orders hold for which rules, and when. */
#include "src/run/duty.h"

#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "src/base/clock.h"
#include "src/run/supervisor.h"
#include "tests/unit/run/supervisor_rig.h"

static struct sup_rig rig;

static void setup(void)
{
	sup_rig_open(&rig);
	changer_init(&rig.sup.changer, &rig.sup);
}

static void teardown(void)
{
	changer_free(&rig.sup.changer);
	sup_rig_close(&rig);
}

static struct duty *duty(void)
{
	return &rig.sup.changer.duty;
}

/* What the tables of the setup say of the first flow of its first shard that has one. */
static bool stands_by(void)
{
	ck_assert_int_eq(duty_mark(duty(), rig.sup.setup), 0);
	for (uint32_t s = 0; s < rig.sup.setup->layout.shard_count; s++) {
		if (rig.sup.setup->layout.tables[s].flow_count > 0) {
			return rig.sup.setup->layout.tables[s].flows[0].standby;
		}
	}
	ck_abort_msg("no flow");
}

static const char *first_rule(void)
{
	return rig.sup.setup->opt->conf.rules[0].name;
}

static enum duty_state state(void)
{
	ck_assert_int_eq(duty_note(duty()), 0);
	return duty_past_of(duty(), first_rule())->state;
}

START_TEST(an_order_by_name_outdoes_the_one_for_all_before_it)
{
	ck_assert(!stands_by());
	ck_assert_int_eq(duty_say(duty(), "", true, 0), 0);
	ck_assert(stands_by());
	ck_assert_int_eq(duty_say(duty(), first_rule(), false, 0), 0);
	ck_assert(!stands_by());
	ck_assert_int_eq(duty_say(duty(), "another", true, 0), 0);
	ck_assert(!stands_by());
	ck_assert_int_eq(duty_say(duty(), "", true, 0), 0); /* the last word counts */
	ck_assert(stands_by());
}
END_TEST

START_TEST(an_order_outdoes_the_configuration)
{
	rig.opt.conf.flows[0].standby = true; /* standby=yes */
	rig.flow.standby = true;
	ck_assert(stands_by());
	ck_assert_int_eq(state(), DUTY_STANDBY);
	ck_assert_int_eq(duty_say(duty(), "another", false, 0), 0);
	ck_assert(stands_by());
	ck_assert_int_eq(duty_say(duty(), first_rule(), false, 0), 0);
	ck_assert(!stands_by());
	ck_assert_int_eq(state(), DUTY_ACTIVE);
	ck_assert_uint_eq(duty_past_of(duty(), first_rule())->takeovers, 1);
}
END_TEST

START_TEST(an_order_for_later_holds_when_its_time_has_come_and_not_if_another_came)
{
	uint64_t now_ns = clock_now_ns(), later_ns = now_ns + 3 * NS_PER_S;

	ck_assert_int_eq(duty_say(duty(), first_rule(), true, NS_PER_S), 0);
	duty_tick(duty(), now_ns);
	ck_assert(!stands_by());
	ck_assert_int_eq(duty_sleep_ms(duty(), now_ns + NS_PER_S / 2, 1000) > 400, 1);
	ck_assert_int_eq(duty_sleep_ms(duty(), later_ns, 1000), 0);
	duty_tick(duty(), later_ns);
	ck_assert(stands_by());
	ck_assert_int_eq(duty_sleep_ms(duty(), later_ns, 1000), 1000);

	ck_assert_int_eq(duty_say(duty(), first_rule(), false, 0), 0);
	ck_assert_int_eq(duty_say(duty(), "", true, NS_PER_S), 0);
	ck_assert_int_eq(duty_say(duty(), first_rule(), false, 0), 0);
	duty_tick(duty(), later_ns);
	ck_assert(!stands_by()); /* it was for all; this rule has a word of its own since */
	ck_assert_int_eq(duty_say(duty(), first_rule(), true, NS_PER_S), 0);
	ck_assert_int_eq(duty_say(duty(), "", false, 0), 0);
	duty_tick(duty(), later_ns);
	ck_assert(!stands_by());
}
END_TEST

START_TEST(what_has_become_of_a_rule_is_remembered)
{
	ck_assert_ptr_null(duty_past_of(duty(), first_rule()));
	ck_assert_int_eq(state(), DUTY_ACTIVE);
	ck_assert_uint_eq(duty_past_of(duty(), first_rule())->takeovers, 0); /* it began so */
	ck_assert_double_eq(duty_past_of(duty(), first_rule())->changed_s, 0);
	ck_assert_int_eq(duty_say(duty(), "", true, 0), 0);
	ck_assert_int_eq(state(), DUTY_STANDBY);
	ck_assert_double_gt(duty_past_of(duty(), first_rule())->changed_s, 0);
	ck_assert_int_eq(duty_say(duty(), "", false, 0), 0);
	ck_assert_int_eq(state(), DUTY_ACTIVE);
	ck_assert_int_eq(state(), DUTY_ACTIVE);
	ck_assert_uint_eq(duty_past_of(duty(), first_rule())->takeovers, 1);
	ck_assert_ptr_null(duty_past_of(duty(), "no such rule"));
}
END_TEST

/* The next shard that is told something, and what: false, none is. */
static bool next(struct shard_message *m)
{
	uint32_t shard = 1;
	bool any;

	duty_wake(duty());
	any = duty_next(duty(), m, &shard);
	ck_assert(!any || shard == 0);
	return any;
}

START_TEST(a_shard_is_told_what_changes_and_not_while_it_closes)
{
	struct shard_message m;

	rig.flow_room[0].rule = rig.flow;
	rig.flow_room[0].flow.rule = &rig.flow_room[0].rule;
	ck_assert(!next(&m)); /* all is as it is to be */
	ck_assert_int_eq(duty_say(duty(), "", true, 0), 0);
	rig.worker.closing = true;
	ck_assert(!next(&m));
	ck_assert(!duty_is_due(duty()));
	rig.worker.closing = false;
	ck_assert(next(&m));
	ck_assert_int_eq(m.op, SHARD_SET_DUTIES);
	ck_assert_uint_eq(m.duty_count, 1);
	ck_assert_uint_eq(m.duties[0].token, rig.flow_room[0].flow.token);
	ck_assert(m.duties[0].standby);
	ck_assert(!m.duties[0].is_output);
	rig.flow_room[0].rule.standby = true; /* it has done so */
	ck_assert(!next(&m));
}
END_TEST

static int told_rc;
static uint32_t told;

static void note_done(void *context, int rc, bool begun, const struct err *err)
{
	(void)context;
	(void)begun;
	(void)err;
	told_rc = rc;
	told++;
}

static const struct changer_client client = {.done = note_done};

/* A change of no steps, while what comes is held for another machine. */
static void begin_change_amid_hold(void)
{
	told = 0;
	ck_assert_int_eq(relief_hold(&duty()->relief, NULL, 60 * NS_PER_S), 0);
	ck_assert_int_eq(changer_begin(&rig.sup.changer, NULL, 0, &client), 0);
	duty_wake(duty());
	changer_tick(&rig.sup.changer);
	changer_tick(&rig.sup.changer);
	ck_assert_uint_eq(told, 0);
	ck_assert(changer_is_idle(&rig.sup.changer));
}

START_TEST(a_change_waits_until_machines_have_changed_places)
{
	begin_change_amid_hold();
	ck_assert_int_eq(duty()->relief.phase, RELIEF_STAMPS);
	duty()->relief.phase = RELIEF_HOLDS;
	duty()->relief.look_ns = duty()->relief.end_ns = 1; /* over since long */
	logged_start();
	changer_tick(&rig.sup.changer);
	changer_tick(&rig.sup.changer);
	ck_assert_int_eq(duty()->relief.phase, RELIEF_NONE);
	ck_assert_uint_eq(told, 1);
	ck_assert_int_eq(told_rc, 0);
}
END_TEST

START_TEST(a_change_that_waits_is_told_when_the_shards_end)
{
	begin_change_amid_hold();
	changer_end(&rig.sup.changer);
	ck_assert_uint_eq(told, 1);
	ck_assert_int_eq(told_rc, -ESHUTDOWN);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("duty");
	SRunner *runner = srunner_create(suite);
	TCase *tc = tcase_create("duty");
	int failed;

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, an_order_by_name_outdoes_the_one_for_all_before_it);
	tcase_add_test(tc, an_order_outdoes_the_configuration);
	tcase_add_test(tc, an_order_for_later_holds_when_its_time_has_come_and_not_if_another_came);
	tcase_add_test(tc, what_has_become_of_a_rule_is_remembered);
	tcase_add_test(tc, a_shard_is_told_what_changes_and_not_while_it_closes);
	tcase_add_test(tc, a_change_waits_until_machines_have_changed_places);
	tcase_add_test(tc, a_change_that_waits_is_told_when_the_shards_end);
	suite_add_tcase(suite, tc);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
