/* check_door.c - where the control socket is, who may open it, what stands there already, and who
 * may do what. */
#include "src/run/door.h"

#include <check.h>
#include <errno.h>
#include <grp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "src/base/protocol.h"
#include "src/run/commands.h"
#include "src/setup/options.h"

static char dir[64];
static char path[96];
static struct opt opt;
static struct door door;
static struct err err;

static void setup(void)
{
	snprintf(dir, sizeof(dir), "/tmp/check_door.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/control", dir);
	opt.control = path;
	ck_assert_int_eq(unsetenv("RUNTIME_DIRECTORY"), 0);
}

/* A leak checker looks when the process ends, and has to open files for that. */
static void teardown(void)
{
	struct rlimit all;

	ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &all), 0);
	all.rlim_cur = all.rlim_max;
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &all), 0);
	(void)unlink(path);
	ck_assert_int_eq(rmdir(dir), 0);
}

static int choose_and_open(void)
{
	int rc = door_choose(&opt, &door, &err);

	return rc == 0 ? door_open(&opt, &door, &err) : rc;
}

START_TEST(path_is_what_was_asked_or_what_systemd_made)
{
	ck_assert_int_eq(door_choose(&opt, &door, &err), 0);
	ck_assert_str_eq(door.path, path);
	opt.control = (char *)"off";
	ck_assert_int_eq(setenv("RUNTIME_DIRECTORY", "/run/one:/run/two", 1), 0);
	ck_assert_int_eq(choose_and_open(), 0);
	ck_assert_str_eq(door.path, "");
	ck_assert_int_eq(door.fd, -1);
	opt.control = NULL;
	ck_assert_int_eq(door_choose(&opt, &door, &err), 0);
	ck_assert_str_eq(door.path, "/run/one/control");
}
END_TEST

START_TEST(path_that_is_too_long_is_refused)
{
	static char longer[200]; /* `opt` names it beyond the test */

	memset(longer, 'x', sizeof(longer) - 1);
	longer[0] = '/';
	longer[sizeof(longer) - 1] = '\0';
	opt.control = longer;
	ck_assert_int_eq(door_choose(&opt, &door, &err), -EINVAL);
	ck_assert_ptr_nonnull(strstr(err.text, "expected at most 107 bytes"));
	longer[108] = '\0';
	ck_assert_int_eq(door_choose(&opt, &door, &err), -EINVAL);
	longer[107] = '\0';
	ck_assert_int_eq(door_choose(&opt, &door, &err), 0);
	ck_assert_str_eq(door.path, longer);
}
END_TEST

START_TEST(socket_is_for_user_and_group_and_goes_with_the_door)
{
	struct stat st;

	umask(022);
	ck_assert_int_eq(choose_and_open(), 0);
	ck_assert_uint_eq(umask(0), 022); /* what is made later is made as before */
	ck_assert_int_eq(lstat(path, &st), 0);
	ck_assert(S_ISSOCK(st.st_mode));
	ck_assert_uint_eq(st.st_mode & 07777, 0660);
	door_close(&door);
	ck_assert_int_lt(lstat(path, &st), 0);
	door_close(&door);
}
END_TEST

START_TEST(group_gets_the_socket)
{
	const struct group *group = getgrgid(getegid());
	struct stat st;

	ck_assert_ptr_nonnull(group);
	opt.control_group = group->gr_name;
	ck_assert_int_eq(choose_and_open(), 0);
	ck_assert_int_eq(lstat(path, &st), 0);
	ck_assert_uint_eq(st.st_gid, getegid());
	door_close(&door);
	opt.control_group = (char *)"no-such-group";
	ck_assert_int_lt(choose_and_open(), 0);
	ck_assert_ptr_nonnull(strstr(err.text, "--control-group no-such-group: cannot give it the "
					       "control socket: no such group"));
	ck_assert_int_lt(lstat(path, &st), 0);
}
END_TEST

/* Leaves this process `count' descriptors that it can still open, until teardown. */
static void leave_descriptors(int count)
{
	struct rlimit few;
	const int next = dup(0);

	ck_assert_int_ge(next, 0);
	ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &few), 0);
	few.rlim_cur = (rlim_t)next + (rlim_t)count;
	close(next);
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &few), 0);
}

START_TEST(socket_that_is_not_given_to_its_group_goes_again)
{
	struct stat st;

	opt.control_group = (char *)"no-such-group";
	leave_descriptors(1); /* for the socket, and none to look for the group with */
	ck_assert_int_lt(choose_and_open(), 0);
	ck_assert_ptr_nonnull(strstr(err.text, "--control-group no-such-group: cannot give it the "
					       "control socket"));
	ck_assert_int_lt(lstat(path, &st), 0);
}
END_TEST

START_TEST(one_descriptor_is_enough)
{
	leave_descriptors(1);
	ck_assert_int_eq(choose_and_open(), 0);
	door_close(&door);
	leave_descriptors(0);
	ck_assert_int_eq(choose_and_open(), -EMFILE);
	ck_assert_ptr_nonnull(strstr(err.text, "cannot listen: Too many open files"));
}
END_TEST

START_TEST(socket_of_a_dead_daemon_is_replaced_and_that_of_a_living_is_not)
{
	struct door second;
	char kept[96];

	ck_assert_int_eq(choose_and_open(), 0);
	second = door;
	ck_assert_int_eq(door_choose(&opt, &second, &err), 0);
	ck_assert_int_eq(door_open(&opt, &second, &err), -EADDRINUSE);
	ck_assert_ptr_nonnull(strstr(err.text, "another daemon listens there"));
	snprintf(kept, sizeof(kept), "%s/kept", dir); /* its number is not used again */
	ck_assert_int_eq(link(path, kept), 0);
	close(door.fd); /* dies */
	ck_assert_int_eq(door_open(&opt, &second, &err), 0);
	door.fd = dup(0);
	door_close(&door); /* is not its own any more */
	ck_assert_int_eq(access(path, F_OK), 0);
	door_close(&second);
	ck_assert_int_lt(access(path, F_OK), 0);
	ck_assert_int_eq(unlink(kept), 0);
}
END_TEST

START_TEST(file_that_is_no_socket_stays)
{
	FILE *file = fopen(path, "w");
	struct stat st;

	ck_assert_ptr_nonnull(file);
	fclose(file);
	ck_assert_int_eq(choose_and_open(), -EADDRINUSE);
	ck_assert_int_eq(lstat(path, &st), 0);
	ck_assert(S_ISREG(st.st_mode));
}
END_TEST

START_TEST(directory_that_is_missing_is_told_when_asked_for)
{
	char missing[128];

	snprintf(missing, sizeof(missing), "%s/no/control", dir);
	opt.control = missing;
	ck_assert_int_eq(choose_and_open(), -ENOENT);
	ck_assert_ptr_nonnull(strstr(err.text, "cannot listen: No such file or directory"));
	opt.control = NULL; /* but stops nothing when it is the default */
	snprintf(missing, sizeof(missing), "%s/no", dir);
	ck_assert_int_eq(setenv("RUNTIME_DIRECTORY", missing, 1), 0);
	ck_assert_int_eq(choose_and_open(), 0);
	ck_assert_int_eq(door.fd, -1);
}
END_TEST

/* What the door says of a client whose effective user this is. */
static struct command_peer peer_of(uid_t user)
{
	const uid_t daemon = geteuid();
	struct command_peer peer = {0};
	int ends[2];

	ck_assert_int_eq(seteuid(0), 0);
	ck_assert_int_eq(seteuid(user), 0);
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
	ck_assert_int_eq(seteuid(0), 0);
	ck_assert_int_eq(seteuid(daemon), 0);
	ck_assert(door_get_peer(ends[0], &peer));
	ck_assert_uint_eq(peer.uid, user);
	ck_assert_int_eq(peer.pid, getpid());
	close(ends[0]);
	close(ends[1]);
	return peer;
}

START_TEST(root_and_the_daemons_own_user_change_and_others_look)
{
	if (geteuid() != 0) {
		return; /* and cannot be another one */
	}
	ck_assert(peer_of(0).may_change);
	ck_assert(!peer_of(65533).may_change);
	ck_assert_int_eq(seteuid(65533), 0);
	ck_assert(peer_of(0).may_change);
	ck_assert(peer_of(65533).may_change);
	ck_assert(!peer_of(65532).may_change);
	ck_assert_int_eq(seteuid(0), 0);
}
END_TEST

START_TEST(who_is_no_client_is_nobody)
{
	struct command_peer peer;
	int ends[2];

	ck_assert_int_eq(pipe(ends), 0);
	ck_assert(!door_get_peer(ends[0], &peer));
	close(ends[0]);
	close(ends[1]);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("door");
	TCase *tc = tcase_create("door");
	SRunner *runner = srunner_create(suite);
	int failed;

	suite_add_tcase(suite, tc);
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, path_is_what_was_asked_or_what_systemd_made);
	tcase_add_test(tc, path_that_is_too_long_is_refused);
	tcase_add_test(tc, socket_is_for_user_and_group_and_goes_with_the_door);
	tcase_add_test(tc, group_gets_the_socket);
	tcase_add_test(tc, socket_that_is_not_given_to_its_group_goes_again);
	tcase_add_test(tc, one_descriptor_is_enough);
	tcase_add_test(tc, socket_of_a_dead_daemon_is_replaced_and_that_of_a_living_is_not);
	tcase_add_test(tc, file_that_is_no_socket_stays);
	tcase_add_test(tc, directory_that_is_missing_is_told_when_asked_for);
	tcase_add_test(tc, root_and_the_daemons_own_user_change_and_others_look);
	tcase_add_test(tc, who_is_no_client_is_nobody);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
