/* check_links.c - what becomes of a change whose flows and outputs could not be looked at.
 *
 * The linker sends here what looks at them: the test says which fails.
 */
#include "src/run/links.h"

#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/run/supervisor_rig.h"

int __wrap_pending_look(struct pending *of);
int __wrap_renew_look(struct renew *of);
int __wrap_names_look(struct names *of, struct err *err);
int __wrap_replies_look(struct replies *of, struct supervisor *sup, struct err *err);
void __wrap_lane_changed(struct supervisor *sup);

static struct sup_rig rig;
static struct links *links;
static int pending, renew, names, replies; /* what each returns */
static uint32_t looks;

int __wrap_pending_look(struct pending *of)
{
	ck_assert_ptr_eq(of, &links->pending);
	looks++;
	return pending;
}

int __wrap_renew_look(struct renew *of)
{
	ck_assert_ptr_eq(of, &links->renew);
	return renew;
}

int __wrap_names_look(struct names *of, struct err *err)
{
	ck_assert_ptr_eq(of, &links->names);
	if (names < 0) {
		err_set(err, "names");
	}
	return names;
}

int __wrap_replies_look(struct replies *of, struct supervisor *sup, struct err *err)
{
	ck_assert_ptr_eq(of, &sup->replies);
	if (replies < 0) {
		err_set(err, "replies");
	}
	return replies;
}

void __wrap_lane_changed(struct supervisor *sup)
{
	ck_assert_ptr_eq(sup, &rig.sup);
}

static void setup(void)
{
	sup_rig_open(&rig);
	links = &rig.sup.links;
	links->sup = &rig.sup;
	links->watch.fd = -1;
	links->pending.sup = links->renew.sup = links->follow.sup = &rig.sup;
	rig.sup.changer.sup = &rig.sup;
	ck_assert_int_eq(gate_init(&rig.sup.gate), 0);
	pending = renew = names = replies = 0;
	logged_start();
}

static void teardown(void)
{
	gate_free(&rig.sup.gate);
	sup_rig_close(&rig);
}

/* A change has come, and something of it fails; then all is there again, and a second is over. */
static void expect_another_look(const char *said)
{
	looks = 0;
	links_changed(links);
	ck_assert_uint_eq(looks, 1);
	ck_assert_ptr_nonnull(strstr(logged(), said));
	links->again_ns = UINT64_MAX;
	links_tick(links);
	ck_assert_uint_eq(looks, 1); /* the second is to pass */
	links->again_ns = 1;
	links_tick(links);
	ck_assert_uint_eq(looks, 2);
	ck_assert_str_eq(logged(), ""); /* it was said */
	pending = renew = names = replies = 0;
	links->again_ns = 1;
	links_tick(links);
	links_tick(links);
	ck_assert_uint_eq(looks, 3);
	ck_assert_uint_eq(links->again_ns, 0);
}

START_TEST(change_that_could_not_be_looked_at_is_looked_at_again)
{
	pending = -ENOMEM;
	expect_another_look("interfaces: out of memory; ");
	renew = -ENOMEM;
	expect_another_look("not known yet to be pending");
	names = -ENOMEM;
	expect_another_look("names; it is tried again each second");
	replies = -EMFILE;
	expect_another_look("replies; it is tried again each second");
}
END_TEST

START_TEST(what_was_looked_at_is_left_alone)
{
	looks = 0;
	links_changed(links);
	ck_assert_uint_eq(looks, 1);
	ck_assert_uint_eq(links->again_ns, 0);
	links_tick(links);
	ck_assert_uint_eq(looks, 1);
	ck_assert_str_eq(logged(), "");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("links");
	TCase *tcase = tcase_create("links");
	SRunner *runner;
	int failed;

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, change_that_could_not_be_looked_at_is_looked_at_again);
	tcase_add_test(tcase, what_was_looked_at_is_left_alone);
	suite_add_tcase(suite, tcase);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
