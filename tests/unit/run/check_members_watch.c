/* check_members_watch.c - which lists of machines are gone by, and when again.
 *
 * The linker sends here what reads the list, and what would reload: the test answers for both.
 */
#include "src/run/members_watch.h"

#include <check.h>
#include <errno.h>
#include <stdlib.h>

#include "src/setup/machines.h"
#include "tests/unit/run/supervisor_rig.h"

const char *__wrap_machines_file(const struct opt *opt);
int __wrap_machines_read(const struct opt *opt, struct members *out, struct err *err);
void __wrap_reload_again(struct reload *reload, const char *who);

static struct sup_rig rig;
static struct members_watch members_watch;
static uint64_t hash; /* of the list; 0: it cannot be read, */
static int why;       /* and this is why */
static uint32_t reloads;

const char *__wrap_machines_file(const struct opt *opt)
{
	ck_assert_ptr_eq(opt, &rig.opt);
	return "/etc/numacast/members";
}

int __wrap_machines_read(const struct opt *opt, struct members *out, struct err *err)
{
	ck_assert_ptr_eq(opt, &rig.opt);
	err_set(err, "cannot be read");
	out->hash = hash;
	return hash == 0 ? why : 0;
}

void __wrap_reload_again(struct reload *reload, const char *who)
{
	ck_assert_ptr_eq(reload, &rig.sup.reload);
	ck_assert_str_eq(who, "--members");
	reloads++;
}

/* A second later. */
static void tick(void)
{
	members_watch.looked_ns = 0;
	members_watch_tick(&members_watch, &rig.sup);
}

static void setup(void)
{
	sup_rig_open(&rig);
	logged_start();
	hash = rig.setup.partition.members.hash = 1;
	members_watch = (struct members_watch){.seen = 1};
	reloads = 0;
	tick();
	ck_assert_uint_eq(reloads, 0);
}

static void teardown(void)
{
	sup_rig_close(&rig);
}

START_TEST(list_that_is_refused_is_tried_once)
{
	hash = 2;
	tick();
	ck_assert_uint_eq(reloads, 1);
	members_watch.asked_ns = 0;
	tick();
	ck_assert_uint_eq(reloads, 1);
	hash = 3;
	tick();
	ck_assert_uint_eq(reloads, 2);
}
END_TEST

START_TEST(list_that_cannot_be_read_for_a_moment_is_no_change)
{
	hash = 0;
	why = -EMFILE;
	tick();
	ck_assert_uint_eq(reloads, 0);
	hash = 1;
	tick();
	ck_assert_uint_eq(reloads, 0);
	hash = 0;
	why = -EINVAL;
	tick();
	tick();
	ck_assert_uint_eq(reloads, 1); /* which says why */
}
END_TEST

START_TEST(list_is_tried_again_when_something_was_short)
{
	hash = 2;
	tick();
	ck_assert_uint_eq(reloads, 1);
	rig.sup.reload.lacked = true;
	tick();
	ck_assert_uint_eq(reloads, 1); /* not at once */
	members_watch.asked_ns = 0;
	tick();
	ck_assert_uint_eq(reloads, 2);
	rig.setup.partition.members.hash = 2; /* it is in force */
	members_watch.asked_ns = 0;
	tick();
	ck_assert_uint_eq(reloads, 2);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("members_watch");
	TCase *tcase = tcase_create("members_watch");
	SRunner *runner;
	int failed;

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, list_that_is_refused_is_tried_once);
	tcase_add_test(tcase, list_that_cannot_be_read_for_a_moment_is_no_change);
	tcase_add_test(tcase, list_is_tried_again_when_something_was_short);
	suite_add_tcase(suite, tcase);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
