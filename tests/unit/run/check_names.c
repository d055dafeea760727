/* check_names.c - when names are asked for, which address is used, and what becomes of one that the
 * rules cannot have.
 *
 * In the place of src/setup/lookup.c stands what notes who was asked for, and the linker sends here
 * what reload.c would do: the test answers for both.
 */
#include "src/run/names.h"

#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "src/base/clock.h"
#include "tests/unit/run/supervisor_rig.h"

#define ASKED_MOST 40

struct lookup {
	int unused;
};

int __wrap_reload_move(struct reload *reload, const struct plan *owners,
		       const struct reload_client *told, struct err *err);
bool __wrap_reload_is_busy(const struct reload *reload);

static struct sup_rig rig;
static struct names *names;
static struct lookup the_lookup;
static struct {
	const struct host_name *name;
	lookup_done *done;
	void *context;
} asked[ASKED_MOST]; /* and not answered yet */
static uint32_t asked_count;
static bool busy;
static int refusal; /* of reload_move */
static struct reload_client client;
static uint32_t moves;
static uint64_t now_ns;

bool lookup_is_there(void)
{
	return true;
}

int lookup_open(struct lookup **out, struct err *err)
{
	(void)err;
	*out = &the_lookup;
	return 0;
}

void lookup_begin(struct lookup *lookup, const struct host_name *name, lookup_done *done,
		  void *context)
{
	ck_assert_ptr_eq(lookup, &the_lookup);
	ck_assert_uint_lt(asked_count, ASKED_MOST);
	asked[asked_count].name = name;
	asked[asked_count].done = done;
	asked[asked_count++].context = context;
}

int lookup_fd(const struct lookup *lookup)
{
	(void)lookup;
	return 7;
}

void lookup_tick(struct lookup *lookup)
{
	(void)lookup;
}

int lookup_wait_ms(const struct lookup *lookup, int most_ms)
{
	(void)lookup;
	return most_ms;
}

void lookup_close(struct lookup *lookup)
{
	(void)lookup;
}

int __wrap_reload_move(struct reload *reload, const struct plan *owners,
		       const struct reload_client *told, struct err *err)
{
	ck_assert_ptr_eq(reload, &rig.sup.reload);
	ck_assert_ptr_eq(owners, &rig.setup.plan);
	moves++;
	if (refusal < 0) {
		err_set(err, "a circle");
		return refusal;
	}
	client = *told;
	busy = true;
	return 0;
}

bool __wrap_reload_is_busy(const struct reload *reload)
{
	(void)reload;
	return busy;
}

static void add_rule(const char *text)
{
	struct err err;

	ck_assert_msg(conf_add_rule(&rig.opt.conf, text, "--rule", &err) == 0, "%s", err.text);
}

static void setup(void)
{
	sup_rig_open(&rig);
	add_rule("239.1.1.5%eth0:5000 -> one.example:7001, two.example:7002");
	names = malloc(sizeof(*names));
	ck_assert_ptr_nonnull(names);
	*names = (struct names){.sup = &rig.sup};
	asked_count = moves = 0;
	busy = false;
	refusal = 0;
	now_ns = 1000 * NS_PER_S;
	logged_start();
	ck_assert_int_eq(names_look(names), 0);
	names_tick(names, now_ns);
	ck_assert_uint_eq(asked_count, 2);
	(void)logged();
}

static void teardown(void)
{
	names_close(names);
	free(names);
	sup_rig_close(&rig);
}

static void tick_after_s(uint64_t seconds)
{
	now_ns += seconds * NS_PER_S;
	names_tick(names, now_ns);
}

static struct addr address(uint8_t last)
{
	return (struct addr){.family = AF_INET, .ip = {10, 0, 0, last}};
}

/* Who was asked for this name is told. */
static void answer(const char *name, const struct lookup_answer *with)
{
	for (uint32_t i = 0; i < asked_count; i++) {
		if (strcmp(asked[i].name->text, name) == 0) {
			lookup_done *done = asked[i].done;
			void *context = asked[i].context;

			asked[i] = asked[--asked_count];
			done(context, with);
			return;
		}
	}
	ck_abort_msg("%s was not asked for", name);
}

static void answer_with(const char *name, uint8_t last, uint32_t ttl_s)
{
	answer(name, &(struct lookup_answer){.ttl_s = ttl_s, .count = 1, .addrs = {address(last)}});
}

static void answer_nothing(const char *name)
{
	answer(name, &(struct lookup_answer){.rc = -ENOENT, .why = "nobody knows"});
}

/* The reload that is under way ends. */
static void end_move(int rc, const char *text)
{
	struct err err;

	err_set(&err, "%s", text);
	busy = false;
	client.done(client.context, rc, &err);
}

static const struct rule_output *output_of(const char *name)
{
	for (uint32_t i = 0; i < rig.opt.conf.output_count; i++) {
		const struct rule_output *out = &rig.opt.conf.outputs[i];

		if (out->to.name && strcmp(out->to.name->text, name) == 0) {
			return out;
		}
	}
	ck_abort_msg("no output to %s", name);
}

/* What the reload that is made now would have. */
static void expect_to(const char *name, uint8_t last)
{
	struct err err;
	struct addr wanted = address(last);

	ck_assert_int_eq(names_fill(names, &rig.opt.conf, &err), 0);
	if (last == 0) {
		ck_assert(!endpoint_is_known(&output_of(name)->to));
		return;
	}
	ck_assert(addr_ip_equal(&output_of(name)->to.addr, &wanted));
	ck_assert_uint_ge(output_of(name)->to.addr.port, 7001);
}

static const char *amiss(const char *name)
{
	return names_amiss(names, output_of(name)->to.name);
}

/* Both have addresses. */
static void have_both(void)
{
	answer_with("one.example", 1, 60);
	answer_with("two.example", 2, 60);
	tick_after_s(0);
	ck_assert_uint_eq(moves, 1);
	end_move(0, "done");
	moves = 0;
}

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
		now_ns += after_s[i] * NS_PER_S - 1;
		names_tick(names, now_ns);
		busy = false;
		for (uint32_t k = 0; k < asked_count; k++) {
			ck_assert_str_ne(asked[k].name->text, "one.example");
		}
		now_ns++;
		names_tick(names, now_ns);
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
		now_ns += pause_s[i] * NS_PER_S - 1;
		names_tick(names, now_ns);
		ck_assert_uint_eq(asked_count, 1); /* two.example */
		now_ns++;
		names_tick(names, now_ns);
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
	names->known = NULL;
	ck_assert_int_eq(names_look(names), 0);
	tick_after_s(1);
	ck_assert_uint_eq(names->count, 2); /* its question may be answered yet */
	answer_with("two.example", 8, 60);
	tick_after_s(1);
	ck_assert_uint_eq(names->count, 1);
	ck_assert_uint_eq(moves, 0);
	rig.opt.conf.output_count++;
}
END_TEST

START_TEST(so_many_are_asked_for_at_a_time)
{
	char rule[80];

	for (unsigned i = 0; i < 35; i++) {
		snprintf(rule, sizeof(rule), "239.1.2.%u%%eth0:5000 -> host%u.example:7003", i, i);
		add_rule(rule);
	}
	names->known = NULL;
	ck_assert_int_eq(names_look(names), 0);
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

	tcase_add_checked_fixture(tcase, setup, teardown);
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
	tcase_add_test(tcase, so_many_are_asked_for_at_a_time);
	tcase_add_test(tcase, control_sleeps_until_the_next_is_due);
	suite_add_tcase(suite, tcase);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
