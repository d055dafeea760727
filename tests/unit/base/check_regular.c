/* check_regular.c - whatever stands in the place of a file, opening it waits for nothing. */
#include "src/base/regular.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

static char dir[] = "/tmp/check_regular.XXXXXX";

static void setup(void)
{
	ck_assert_ptr_nonnull(mkdtemp(dir));
	ck_assert_int_eq(chdir(dir), 0);
}

static void teardown(void)
{
	static const char *const names[] = {"file", "pipe", "socket", "link"};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		(void)unlink(names[i]);
	}
	ck_assert_int_eq(rmdir(dir), 0);
}

static void make_file(const char *text)
{
	int fd = open("file", O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

	ck_assert_int_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	close(fd);
}

START_TEST(regular_file_is_read_also_by_a_link)
{
	static const char *const names[] = {"file", "link"};

	make_file("text");
	ck_assert_int_eq(symlink("file", "link"), 0);
	for (size_t i = 0; i < 2; i++) {
		int fd = regular_open(names[i]);
		char text[8] = "";

		ck_assert_int_ge(fd, 0);
		ck_assert_int_eq(read(fd, text, sizeof(text)), 4);
		ck_assert_str_eq(text, "text");
		ck_assert_int_eq(fcntl(fd, F_GETFD), FD_CLOEXEC);
		close(fd);
	}
}
END_TEST

START_TEST(what_is_not_there_is_told_as_the_kernel_does)
{
	ck_assert_int_eq(regular_open("nothing"), -ENOENT);
	ck_assert_int_eq(regular_open("/proc/self/exe/x"), -ENOTDIR);
	ck_assert_int_eq(regular_open("."), -EISDIR);
}
END_TEST

/* With a writer and without one. */
START_TEST(pipe_is_refused_at_once)
{
	int writer;

	ck_assert_int_eq(mkfifo("pipe", 0600), 0);
	ck_assert_int_eq(symlink("pipe", "link"), 0);
	ck_assert_int_eq(regular_open("pipe"), -ENOSTR);
	ck_assert_int_eq(regular_open("link"), -ENOSTR);
	writer = open("pipe", O_RDWR | O_CLOEXEC);
	ck_assert_int_ge(writer, 0);
	ck_assert_int_eq(regular_open("pipe"), -ENOSTR);
	close(writer);
}
END_TEST

START_TEST(devices_and_sockets_are_refused_at_once)
{
	struct sockaddr_un name = {.sun_family = AF_UNIX, .sun_path = "socket"};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	ck_assert_int_eq(bind(fd, (struct sockaddr *)&name, sizeof(name)), 0);
	ck_assert_int_eq(regular_open("socket"), -ENOSTR);
	ck_assert_int_eq(regular_open("/dev/zero"), -ENOSTR);
	ck_assert_int_eq(regular_open("/dev/null"), -ENOSTR);
	close(fd);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("regular");
	TCase *tc = tcase_create("regular");
	SRunner *runner = srunner_create(suite);
	int failed;

	suite_add_tcase(suite, tc);
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, regular_file_is_read_also_by_a_link);
	tcase_add_test(tc, what_is_not_there_is_told_as_the_kernel_does);
	tcase_add_test(tc, pipe_is_refused_at_once);
	tcase_add_test(tc, devices_and_sockets_are_refused_at_once);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
