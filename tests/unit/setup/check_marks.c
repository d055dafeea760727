/* check_marks.c - who marks an ingress is found by others, until it ends; and many cost little. */
#include "src/setup/marks.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LONG_GROUP "[ff3e:1111:2222:3333:4444:5555:6666:7777%eth0]"

static struct conf conf, other;
static struct iface_table none;
static struct marks mine, theirs;

/* Ports of this process alone, so that tests at the same time do not meet. */
static void add_to(struct conf *to, const char *ingress, const char *egress)
{
	char rule[256];
	struct err err;

	snprintf(rule, sizeof(rule), "%s:%d -> %s:7", ingress, 1024 + (int)getpid() % 60000,
		 egress);
	ck_assert_msg(conf_add_rule(to, rule, "--rule", &err) == 0, "%s", err.text);
}

static void add(struct conf *to, const char *ingress)
{
	add_to(to, ingress, "10.1.1.1");
}

static void teardown(void)
{
	marks_release(&mine);
	marks_release(&theirs);
	conf_free(&conf);
	conf_free(&other);
}

START_TEST(second_one_finds_the_first_and_not_itself)
{
	add(&conf, "239.1.1.1%eth0");
	add(&conf, "[ff3e::1%eth0]");
	add(&other, "239.1.1.2%eth0");
	add(&other, "[ff3e::1%eth0]");
	ck_assert_int_eq(marks_look(&conf, &none, &theirs), 0);
	ck_assert_uint_eq(theirs.taken, 0);
	ck_assert_int_eq(marks_set(&conf, &none, MARKS_MAX, &mine), 0);
	ck_assert_uint_eq(mine.taken, 0);
	ck_assert_uint_eq(mine.count, 2);
	ck_assert_int_eq(marks_look(&other, &none, &theirs), 0);
	ck_assert_uint_eq(theirs.taken, 1);
	ck_assert_ptr_nonnull(strstr(theirs.first, "[ff3e::1%eth0]:"));
	ck_assert_int_eq(marks_set(&other, &none, MARKS_MAX, &theirs), 0);
	ck_assert_uint_eq(theirs.taken, 1);
	ck_assert_uint_eq(theirs.count, 1);
	marks_release(&mine);
	ck_assert_int_eq(marks_look(&conf, &none, &mine), 0);
	ck_assert_uint_eq(mine.taken, 0);
}
END_TEST

START_TEST(sources_and_unicast_are_no_doubles)
{
	add(&conf, "192.0.2.1@232.1.1.1%eth0");
	add(&conf, "10.1.1.1");
	add(&other, "192.0.2.2@232.1.1.1%eth0");
	add(&other, "10.1.1.1");
	ck_assert_uint_eq(marks_wanted(&conf), 1);
	ck_assert_int_eq(marks_set(&conf, &none, MARKS_MAX, &mine), 0);
	ck_assert_int_eq(marks_set(&other, &none, MARKS_MAX, &theirs), 0);
	ck_assert_uint_eq(theirs.taken, 0);
	ck_assert_uint_eq(theirs.count, 1);
}
END_TEST

/* However the files are ordered, and when only a part is the same. */
START_TEST(of_many_few_are_marked_and_the_same)
{
	add_to(&conf, "239.1.0.0/20%eth0", "239.2.0.0/20%eth1");
	add_to(&other, "239.1.8.0/21%eth0", "239.2.8.0/21%eth1");
	add_to(&other, "239.1.0.0/22%eth0", "239.2.0.0/22%eth1");
	ck_assert_uint_eq(marks_wanted(&conf), MARKS_MAX);
	ck_assert_int_eq(marks_set(&conf, &none, MARKS_MAX, &mine), 0);
	ck_assert_uint_eq(mine.count, MARKS_MAX);
	ck_assert_int_eq(marks_look(&other, &none, &theirs), 0);
	ck_assert_uint_gt(theirs.taken, MARKS_MAX / 4);
}
END_TEST

/* As where no more files may be open: others are seen all the same. */
START_TEST(no_more_are_made_than_allowed)
{
	add(&conf, "239.1.1.1%eth0");
	add(&conf, "239.1.1.2%eth0");
	ck_assert_int_eq(marks_set(&conf, &none, 1, &mine), 0);
	ck_assert_uint_eq(mine.count, 1);
	ck_assert_int_eq(marks_set(&conf, &none, 0, &theirs), 0);
	ck_assert_uint_eq(theirs.count, 0);
	ck_assert_uint_eq(theirs.taken, 1);
}
END_TEST

/* What stays is the same socket, so it is never without its mark; and no more than is allowed. */
START_TEST(a_change_leaves_what_stays)
{
	int first, second;

	add(&conf, "239.1.1.1%eth0");
	add(&conf, "239.1.1.2%eth0");
	ck_assert_int_eq(marks_set(&conf, &none, MARKS_MAX, &mine), 0);
	first = mine.fds[0];
	second = mine.fds[1];
	add(&other, "239.1.1.2%eth0");
	add(&other, "239.1.1.3%eth0");
	ck_assert_int_eq(marks_set(&other, &none, MARKS_MAX, &mine), 0);
	ck_assert_uint_eq(mine.count, 2);
	ck_assert_uint_eq(mine.taken, 0);
	ck_assert(mine.fds[0] == first || mine.fds[0] == second);
	ck_assert_int_eq(marks_look(&other, &none, &theirs), 0);
	ck_assert_uint_eq(theirs.taken, 2);
	ck_assert_int_eq(marks_look(&conf, &none, &theirs), 0);
	ck_assert_uint_eq(theirs.taken, 1);
	ck_assert_int_eq(marks_set(&other, &none, 1, &mine), 0);
	ck_assert_uint_eq(mine.count, 1);
	ck_assert_int_eq(marks_look(&other, &none, &theirs), 0);
	ck_assert_uint_eq(theirs.taken, 1);
}
END_TEST

START_TEST(longest_names_are_told_apart)
{
	add(&conf, "[2001:db8:aaaa:bbbb:cccc:dddd:eeee:1111]@" LONG_GROUP);
	add(&other, "[2001:db8:aaaa:bbbb:cccc:dddd:eeee:1112]@" LONG_GROUP);
	ck_assert_int_eq(marks_set(&conf, &none, MARKS_MAX, &mine), 0);
	ck_assert_int_eq(marks_look(&other, &none, &theirs), 0);
	ck_assert_uint_eq(theirs.taken, 0);
	ck_assert_int_eq(marks_look(&conf, &none, &theirs), 0);
	ck_assert_uint_eq(theirs.taken, 1);
}
END_TEST

static Suite *marks_suite(void)
{
	Suite *suite = suite_create("marks");
	TCase *tcase = tcase_create("marks");

	tcase_add_checked_fixture(tcase, NULL, teardown);
	tcase_add_test(tcase, second_one_finds_the_first_and_not_itself);
	tcase_add_test(tcase, sources_and_unicast_are_no_doubles);
	tcase_add_test(tcase, of_many_few_are_marked_and_the_same);
	tcase_add_test(tcase, no_more_are_made_than_allowed);
	tcase_add_test(tcase, a_change_leaves_what_stays);
	tcase_add_test(tcase, longest_names_are_told_apart);
	suite_add_tcase(suite, tcase);
	return suite;
}

int main(void)
{
	SRunner *runner = srunner_create(marks_suite());
	int failed;

	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? 0 : 1;
}
