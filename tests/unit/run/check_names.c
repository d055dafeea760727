/* check_names.c - when names are asked for, which address is used, and what becomes of one that the
 * rules cannot have.
 */
#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "src/base/clock.h"
#include "tests/unit/run/names_rig.h"

START_TEST(both_are_applied_together_and_keep_their_ports)
{
	ck_assert_str_eq(amiss("one.example"), "its name is being looked up");
	expect_to("one.example", 0);
	answer_with("one.example", 1, 60);
	answer_with("two.example", 2, 60);
	tick_after_s(0);
	ck_assert_uint_eq(moves, 1);
	expect_to("one.example", 1);
	expect_to("two.example", 2);
	ck_assert_uint_eq(output_of("two.example")->to.addr.port, 7002);
	end_move(0, "done");
	ck_assert_ptr_null(amiss("one.example"));
	ck_assert_uint_eq(rig.sup.history.count, 2);
	tick_after_s(1);
	ck_assert_uint_eq(moves, 1); /* nothing is new */
}
END_TEST

START_TEST(address_waits_while_another_change_is_under_way)
{
	busy = true;
	answer_with("one.example", 1, 60);
	tick_after_s(0);
	ck_assert_uint_eq(moves, 0);
	busy = false;
	tick_after_s(1);
	ck_assert_uint_eq(moves, 1);
}
END_TEST

/* A second at least, five minutes at most; what has no TTL, ten seconds. */
START_TEST(name_is_asked_for_again_when_its_answer_is_old)
{
	static const uint32_t ttl_s[] = {1, 7, 300, 301, 0};
	static const uint32_t after_s[] = {1, 7, 300, 300, 10};

	answer_nothing("two.example");
	tick_after_s(0);
	for (unsigned i = 0; i < 5; i++) {
		answer_with("one.example", 1, ttl_s[i]);
		ck_assert_ptr_nonnull(output_of("one.example")->to.name);
		rig_now_ns += after_s[i] * NS_PER_S - 1;
		names_tick(names, rig_now_ns);
		busy = false;
		for (uint32_t k = 0; k < asked_count; k++) {
			ck_assert_str_ne(asked[k].name->text, "one.example");
		}
		rig_now_ns++;
		names_tick(names, rig_now_ns);
	}
	answer_with("one.example", 1, 1);
}
END_TEST

/* 1, 2, 4 seconds and so on, a minute at most; it is logged once. */
START_TEST(name_that_nobody_knows_is_asked_for_less_and_less)
{
	static const uint64_t pause_s[] = {1, 2, 4, 8, 16, 32, 60, 60};

	have_both();
	(void)logged();
	tick_after_s(60);
	for (unsigned i = 0; i < 8; i++) {
		answer_nothing("one.example");
		rig_now_ns += pause_s[i] * NS_PER_S - 1;
		names_tick(names, rig_now_ns);
		ck_assert_uint_eq(asked_count, 1); /* two.example */
		rig_now_ns++;
		names_tick(names, rig_now_ns);
		ck_assert_uint_eq(asked_count, 2);
	}
	ck_assert_ptr_nonnull(strstr(amiss("one.example"), "the last address stays: 10.0.0.1"));
	expect_to("one.example", 1);
	ck_assert_uint_eq(moves, 0);
	answer_with("one.example", 1, 60);
	ck_assert_ptr_null(amiss("one.example"));
	ck_assert_ptr_nonnull(strstr(logged(), "can be looked up again"));
}
END_TEST

START_TEST(address_in_use_is_kept_while_it_is_among_the_answers)
{
	have_both();
	tick_after_s(60);
	answer("one.example",
	       &(struct lookup_answer){
		       .ttl_s = 60, .count = 3, .addrs = {address(8), address(1), address(9)}});
	tick_after_s(0);
	ck_assert_uint_eq(moves, 0);
	tick_after_s(60);
	answer("one.example",
	       &(struct lookup_answer){.ttl_s = 60, .count = 2, .addrs = {address(8), address(9)}});
	tick_after_s(0);
	ck_assert_uint_eq(moves, 1);
	expect_to("one.example", 8);
	expect_to("two.example", 2);
}
END_TEST

/* One makes a circle: both are tried alone, and the other one gets its own. */
START_TEST(one_that_is_refused_keeps_no_other_from_its_address)
{
	refusal = -EINVAL;
	answer_with("one.example", 1, 60);
	answer_with("two.example", 2, 60);
	tick_after_s(0);
	ck_assert_uint_eq(moves, 1);
	ck_assert_ptr_null(strstr(logged(), "is not used"));
	tick_after_s(1);
	ck_assert_uint_eq(moves, 2);
	ck_assert_ptr_nonnull(strstr(logged(), "is not used: a circle"));
	refusal = 0;
	tick_after_s(1);
	ck_assert_uint_eq(moves, 3);
	end_move(0, "done");
	ck_assert_uint_eq((amiss("one.example") == NULL) + (amiss("two.example") == NULL), 1);
	tick_after_s(1);
	ck_assert_uint_eq(moves, 3); /* what was refused is not tried again */
}
END_TEST

START_TEST(what_is_refused_is_forgotten_with_another_address)
{
	have_both();
	tick_after_s(60);
	answer_with("one.example", 8, 60);
	tick_after_s(0);
	end_move(-EINVAL, "a circle");
	ck_assert_ptr_nonnull(strstr(amiss("one.example"), "10.0.0.8 is not used: a circle"));
	expect_to("one.example", 1);
	tick_after_s(60);
	ck_assert_uint_eq(moves, 1);
	answer_with("one.example", 8, 60);
	ck_assert_ptr_nonnull(amiss("one.example"));
	tick_after_s(60);
	answer_with("one.example", 9, 60);
	ck_assert_ptr_null(amiss("one.example"));
	tick_after_s(0);
	ck_assert_uint_eq(moves, 2);
	expect_to("one.example", 9);
}
END_TEST

START_TEST(those_that_come_later_are_tried_together_again)
{
	refusal = -EINVAL;
	answer_with("one.example", 1, 1);
	answer_with("two.example", 2, 1);
	tick_after_s(0);
	tick_after_s(0);
	tick_after_s(0);
	ck_assert_uint_eq(moves, 3); /* together, and each alone */
	refusal = 0;
	tick_after_s(1);
	ck_assert_uint_eq(moves, 3);
	answer_with("one.example", 3, 1);
	answer_with("two.example", 4, 1);
	tick_after_s(0);
	ck_assert_uint_eq(moves, 4);
	expect_to("one.example", 3);
	expect_to("two.example", 4);
}
END_TEST

/* Some of it was done, and these are the rules by now. */
START_TEST(change_that_was_done_in_part_is_in_force)
{
	answer_with("one.example", 1, 60);
	tick_after_s(0);
	rig.sup.reload.partly = true;
	end_move(-EIO, "a shard refuses a part");
	ck_assert_ptr_null(amiss("one.example"));
	ck_assert_ptr_nonnull(strstr(logged(), "a shard refuses a part"));
	tick_after_s(1);
	ck_assert_uint_eq(moves, 1);
}
END_TEST

START_TEST(name_that_has_left_the_rules_is_asked_for_no_more)
{
	have_both();
	tick_after_s(60);
	ck_assert_uint_eq(asked_count, 2);
	busy = true;
	answer_with("two.example", 9, 60);
	tick_after_s(60);
	busy = false;
	ck_assert_uint_eq(asked_count, 2);
	rig.opt.conf.output_count--; /* two.example, whose other address is not in force yet */
	ck_assert_int_eq(look(), 0);
	tick_after_s(1);
	ck_assert_uint_eq(names->count, 2); /* its question may be answered yet */
	answer_with("two.example", 8, 60);
	tick_after_s(1);
	ck_assert_uint_eq(names->count, 1);
	ck_assert_uint_eq(moves, 0);
	rig.opt.conf.output_count++;
}
END_TEST

START_TEST(names_that_are_known_stay_when_others_cannot_be_taken_in)
{
	have_both();
	add_rule("239.1.1.6%eth0:5000 -> three.example:7003, four.example:7003");
	for (uint32_t i = 1; i <= 3; i++) { /* the list, and what is new */
		short_after = i;
		ck_assert_int_eq(look(), -ENOMEM);
		tick_after_s(1);
		expect_to("one.example", 1);
		ck_assert_ptr_null(amiss("two.example"));
		ck_assert_uint_eq(names->count, 2);
		ck_assert_ptr_null(names->known); /* whatever setup comes next is looked at */
	}
	ck_assert_int_eq(look(), 0);
	ck_assert_uint_eq(names->count, 4);
	tick_after_s(0);
	ck_assert_uint_eq(asked_count, 2);
}
END_TEST

START_TEST(what_could_not_be_had_for_want_of_memory_is_tried_again)
{
	answer_with("two.example", 2, 60);
	tick_after_s(0);
	end_move(0, "done");
	answer_with("one.example", 1, 60);
	refusal = -ENOMEM;
	moves = 0;
	(void)logged();
	tick_after_s(0);
	tick_after_s(0);
	ck_assert_uint_eq(moves, 1);
	ck_assert_ptr_nonnull(strstr(logged(), "10.0.0.1 is not used yet: a circle; it is tried"));
	ck_assert_ptr_nonnull(strstr(amiss("one.example"), "is not used yet"));
	tick_after_s(1);
	ck_assert_uint_eq(moves, 2);
	refusal = 0;
	tick_after_s(1);
	ck_assert_uint_eq(moves, 2); /* after two seconds now */
	tick_after_s(1);
	ck_assert_uint_eq(moves, 3);
	end_move(-EMFILE, "no descriptor");
	tick_after_s(4);
	ck_assert_uint_eq(moves, 4);
	ck_assert_ptr_null(strstr(logged(), "is not used")); /* that is known */
	end_move(0, "done");
	ck_assert_ptr_null(amiss("one.example"));
	tick_after_s(30);
	ck_assert_uint_eq(moves, 4);
}
END_TEST

START_TEST(so_many_are_asked_for_at_a_time)
{
	char rule[80];

	for (unsigned i = 0; i < 35; i++) {
		snprintf(rule, sizeof(rule), "239.1.2.%u%%eth0:5000 -> host%u.example:7003", i, i);
		add_rule(rule);
	}
	ck_assert_int_eq(look(), 0);
	tick_after_s(1);
	ck_assert_uint_eq(asked_count, 32);
	answer_with("one.example", 1, 60);
	tick_after_s(0);
	ck_assert_uint_eq(asked_count, 32);
}
END_TEST

START_TEST(control_sleeps_until_the_next_is_due)
{
	have_both();
	ck_assert_int_eq(names_sleep_ms(names, 500000), 60001);
	ck_assert_int_eq(names_sleep_ms(names, 300), 301);
	tick_after_s(60);
	ck_assert_int_eq(names_sleep_ms(names, 300), 301); /* both are asked for */
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("names");
	TCase *tcase = tcase_create("names");
	SRunner *runner;
	int failed;

	tcase_add_checked_fixture(tcase, names_rig_open, names_rig_close);
	tcase_add_test(tcase, both_are_applied_together_and_keep_their_ports);
	tcase_add_test(tcase, address_waits_while_another_change_is_under_way);
	tcase_add_test(tcase, name_is_asked_for_again_when_its_answer_is_old);
	tcase_add_test(tcase, name_that_nobody_knows_is_asked_for_less_and_less);
	tcase_add_test(tcase, address_in_use_is_kept_while_it_is_among_the_answers);
	tcase_add_test(tcase, one_that_is_refused_keeps_no_other_from_its_address);
	tcase_add_test(tcase, what_is_refused_is_forgotten_with_another_address);
	tcase_add_test(tcase, those_that_come_later_are_tried_together_again);
	tcase_add_test(tcase, change_that_was_done_in_part_is_in_force);
	tcase_add_test(tcase, name_that_has_left_the_rules_is_asked_for_no_more);
	tcase_add_test(tcase, names_that_are_known_stay_when_others_cannot_be_taken_in);
	tcase_add_test(tcase, what_could_not_be_had_for_want_of_memory_is_tried_again);
	tcase_add_test(tcase, so_many_are_asked_for_at_a_time);
	tcase_add_test(tcase, control_sleeps_until_the_next_is_due);
	suite_add_tcase(suite, tcase);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
