/* check_notify.c - the service manager gets exactly what was said, at a path or an abstract name.
 */
#include "src/run/notify.h"

#include <check.h>
#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

/* A listener; `name' as in NOTIFY_SOCKET. */
static int listen_at(const char *name)
{
	struct sockaddr_un at = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_DGRAM, 0);

	memcpy(at.sun_path, name, strlen(name));
	if (name[0] == '@') {
		at.sun_path[0] = '\0';
	}
	ck_assert_int_eq(bind(fd, (struct sockaddr *)&at,
			      (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(name))),
			 0);
	ck_assert_int_eq(setenv("NOTIFY_SOCKET", name, 1), 0);
	return fd;
}

static void expect_arrival(int fd)
{
	char got[64] = {0};

	ck_assert_int_eq(notify_send("READY=1\nSTATUS=relaying"), 0);
	ck_assert_int_eq(recv(fd, got, sizeof(got), MSG_DONTWAIT), 23);
	ck_assert_str_eq(got, "READY=1\nSTATUS=relaying");
	ck_assert_int_eq(recv(fd, got, sizeof(got), MSG_DONTWAIT), -1);
}

START_TEST(path_and_abstract_name_are_reached)
{
	char dir[] = "/tmp/check_notify.XXXXXX";
	char name[80];
	int fd;

	ck_assert_ptr_nonnull(mkdtemp(dir));
	snprintf(name, sizeof(name), "%s/socket", dir);
	fd = listen_at(name);
	expect_arrival(fd);
	close(fd);
	unlink(name);
	rmdir(dir);
	snprintf(name, sizeof(name), "@check_notify.%d", (int)getpid());
	fd = listen_at(name);
	expect_arrival(fd);
	close(fd);
}
END_TEST

START_TEST(without_a_manager_nothing_happens)
{
	unsetenv("NOTIFY_SOCKET");
	ck_assert_int_eq(notify_send("READY=1"), 0);
	setenv("NOTIFY_SOCKET", "", 1);
	ck_assert_int_eq(notify_send("READY=1"), 0);
}
END_TEST

START_TEST(name_that_cannot_be_one_is_refused)
{
	char longest[200];

	memset(longest, 'x', sizeof(longest));
	longest[0] = '/';
	longest[sizeof(longest) - 1] = '\0';
	setenv("NOTIFY_SOCKET", longest, 1);
	ck_assert_int_eq(notify_send("READY=1"), -EINVAL);
	setenv("NOTIFY_SOCKET", "relative", 1);
	ck_assert_int_eq(notify_send("READY=1"), -EINVAL);
	setenv("NOTIFY_SOCKET", "/tmp/nonexistent/socket", 1);
	ck_assert_int_eq(notify_send("READY=1"), -ENOENT);
}
END_TEST

/* How many more messages the manager has room for, which are sent. */
static int fill(void)
{
	int count = 0;

	while (notify_send_fd("STATUS=before", -1) == 0) {
		ck_assert_int_lt(++count, 10000);
	}
	return count;
}

static void read_all(int fd, char *last, size_t room)
{
	ssize_t got;

	while ((got = recv(fd, last, room - 1, MSG_DONTWAIT)) >= 0) {
		last[got] = '\0';
	}
}

/* Whoever it is, as a process that has hung or a socket that nobody reads. */
START_TEST(manager_that_reads_nothing_is_waited_for_once_and_told_later)
{
	char name[80], last[400] = "";
	struct timespec before, after;
	int fd;

	snprintf(name, sizeof(name), "@check_notify.full.%d", (int)getpid());
	fd = listen_at(name);
	ck_assert_int_gt(fill(), 0);
	ck_assert_int_eq(notify_send_sign("WATCHDOG=1"), -EAGAIN); /* at once */
	read_all(fd, last, sizeof(last));
	ck_assert_int_eq(notify_send_sign("WATCHDOG=1"), 0);
	read_all(fd, last, sizeof(last));
	ck_assert_str_eq(last, "WATCHDOG=1");
	ck_assert_int_gt(fill(), 0);
	clock_gettime(CLOCK_MONOTONIC, &before);
	ck_assert_int_eq(notify_send("READY=1\nSTATUS=relaying"), -EAGAIN);
	clock_gettime(CLOCK_MONOTONIC, &after);
	ck_assert_int_ge(after.tv_sec - before.tv_sec, NOTIFY_WAIT_MS / 1000 - 1);
	for (int i = 0; i < 20; i++) {
		ck_assert_int_eq(notify_send("READY=1\nSTATUS=still"), -EAGAIN);
		notify_tick();
	}
	clock_gettime(CLOCK_MONOTONIC, &before);
	ck_assert_int_lt(before.tv_sec - after.tv_sec, 10 * NOTIFY_WAIT_MS / 1000);
	read_all(fd, last, sizeof(last));
	ck_assert_str_eq(last, "STATUS=before");
	notify_tick();
	read_all(fd, last, sizeof(last));
	ck_assert_str_eq(last, "READY=1\nSTATUS=still");
	strcpy(last, "");
	notify_tick(); /* once */
	read_all(fd, last, sizeof(last));
	ck_assert_str_eq(last, "");
	close(fd);
}
END_TEST

/* A state that comes after one that waits stands for both. */
START_TEST(state_that_came_later_is_the_last_that_is_heard)
{
	char name[80], last[400] = "";
	int fd;

	snprintf(name, sizeof(name), "@check_notify.later.%d", (int)getpid());
	fd = listen_at(name);
	ck_assert_int_gt(fill(), 0);
	ck_assert_int_eq(notify_send("READY=1"), -EAGAIN);
	read_all(fd, last, sizeof(last));
	ck_assert_int_eq(notify_send("STOPPING=1"), 0);
	notify_tick();
	read_all(fd, last, sizeof(last));
	ck_assert_str_eq(last, "STOPPING=1");
	close(fd);
}
END_TEST

static Suite *notify_suite(void)
{
	Suite *suite = suite_create("notify");
	TCase *tcase = tcase_create("notify");

	tcase_add_test(tcase, path_and_abstract_name_are_reached);
	tcase_add_test(tcase, without_a_manager_nothing_happens);
	tcase_add_test(tcase, name_that_cannot_be_one_is_refused);
	tcase_add_test(tcase, manager_that_reads_nothing_is_waited_for_once_and_told_later);
	tcase_add_test(tcase, state_that_came_later_is_the_last_that_is_heard);
	suite_add_tcase(suite, tcase);
	return suite;
}

int main(void)
{
	SRunner *runner = srunner_create(notify_suite());
	int failed;

	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? 0 : 1;
}
