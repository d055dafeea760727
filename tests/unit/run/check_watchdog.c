/* check_watchdog.c - the service manager gets a sign of life while every shard turns, and none as
 * soon as one is stuck, which is named; who is not waited for gives none.
 */
#include "src/run/watchdog.h"

#include <check.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "src/base/clock.h"
#include "tests/unit/run/supervisor_rig.h"

static struct sup_rig rig;
static struct watchdog dog;
static int manager;
static uint64_t now_ns;

static void rig_up(const char *usec, const char *pid)
{
	struct sockaddr_un at = {.sun_family = AF_UNIX};
	char name[64];

	snprintf(name, sizeof(name), "@check_watchdog.%d", (int)getpid());
	memcpy(at.sun_path + 1, name + 1, strlen(name) - 1);
	manager = socket(AF_UNIX, SOCK_DGRAM, 0);
	ck_assert_int_eq(bind(manager, (struct sockaddr *)&at,
			      (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(name))),
			 0);
	setenv("NOTIFY_SOCKET", name, 1);
	setenv("WATCHDOG_USEC", usec, 1);
	unsetenv("WATCHDOG_PID");
	if (pid) {
		setenv("WATCHDOG_PID", pid, 1);
	}
	logged_start();
	sup_rig_open(&rig);
	now_ns = 1000 * NS_PER_S;
	ck_assert_int_eq(watchdog_init(&dog, &rig.sup), 0);
}

static void rig_down(void)
{
	watchdog_free(&dog);
	sup_rig_close(&rig);
	close(manager);
}

/* Whether the next second brings a sign of life. */
static bool lives(bool turns)
{
	char got[64] = "";
	ssize_t n;

	now_ns += NS_PER_S;
	stat_add(&rig.stats.ring.turns, turns);
	watchdog_tick(&dog, now_ns);
	n = recv(manager, got, sizeof(got) - 1, MSG_DONTWAIT);
	ck_assert(n < 0 || strcmp(got, "WATCHDOG=1") == 0);
	return n > 0;
}

START_TEST(signs_come_while_the_shard_turns)
{
	rig_up("30000000", NULL);
	for (int i = 0; i < 20; i++) {
		ck_assert(lives(true));
	}
	ck_assert_str_eq(logged(), "");
	rig_down();
}
END_TEST

START_TEST(stuck_shard_ends_them_and_is_named_once)
{
	const char *text;

	rig_up("30000000", NULL);
	ck_assert(lives(true));
	ck_assert(lives(false));
	ck_assert(lives(false));
	ck_assert_str_eq(logged(), "");
	for (int i = 0; i < 10; i++) {
		ck_assert(!lives(false));
	}
	text = logged();
	ck_assert_ptr_nonnull(strstr(text, "shard 0: stuck"));
	ck_assert_ptr_null(strstr(strstr(text, "stuck") + 1, "stuck"));
	ck_assert(lives(true));
	ck_assert_ptr_nonnull(strstr(logged(), "shard 0: turns again"));
	rig_down();
}
END_TEST

/* Between two looks control itself may have been kept, and the shard has done its part. */
START_TEST(late_look_blames_nobody)
{
	rig_up("30000000", NULL);
	ck_assert(lives(true));
	now_ns += 60 * NS_PER_S;
	ck_assert(lives(true));
	ck_assert(lives(false));
	ck_assert_str_eq(logged(), "");
	rig_down();
}
END_TEST

START_TEST(shards_that_end_need_not_turn)
{
	rig_up("30000000", NULL);
	rig.sup.end_by_ns = 1;
	for (int i = 0; i < 10; i++) {
		ck_assert(lives(false));
	}
	ck_assert_str_eq(logged(), "");
	rig_down();
}
END_TEST

START_TEST(nobody_waits_for_signs)
{
	static const char *const rows[][2] = {
		{"", NULL}, {"-1", NULL}, {"30s", NULL}, {"0", NULL}, {"30000000", "1"}};

	rig_up(rows[_i][0], rows[_i][1]);
	ck_assert_uint_eq(watchdog_patience_ns(), 0);
	ck_assert(!lives(true));
	rig_down();
}
END_TEST

START_TEST(signs_are_ours_by_pid)
{
	char pid[16];

	snprintf(pid, sizeof(pid), "%d", (int)getpid());
	rig_up("1000000", pid);
	ck_assert_uint_eq(watchdog_patience_ns(), NS_PER_S);
	ck_assert_ptr_nonnull(strstr(logged(), "expected WatchdogSec=2 or more"));
	ck_assert(lives(true));
	rig_down();
}
END_TEST

static Suite *watchdog_suite(void)
{
	Suite *suite = suite_create("watchdog");
	TCase *tcase = tcase_create("watchdog");

	tcase_add_test(tcase, signs_come_while_the_shard_turns);
	tcase_add_test(tcase, stuck_shard_ends_them_and_is_named_once);
	tcase_add_test(tcase, late_look_blames_nobody);
	tcase_add_test(tcase, shards_that_end_need_not_turn);
	tcase_add_loop_test(tcase, nobody_waits_for_signs, 0, 5);
	tcase_add_test(tcase, signs_are_ours_by_pid);
	suite_add_tcase(suite, tcase);
	return suite;
}

int main(void)
{
	SRunner *runner = srunner_create(watchdog_suite());
	int failed;

	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? 0 : 1;
}
