/* check_store_shares.c - the sockets of a divided flow are one set: a process that is passed them
 * takes all of them over, or none.
 *
 * Two shares of a port of the loopback interface, in one shard of a supervisor built by hand.
 */
#include <check.h>
#include <fcntl.h>
#include <stdio.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "src/run/store.h"
#include "src/run/store_name.h"
#include "tests/unit/run/supervisor_rig.h"

#define SHARES       2
#define PASSED_FIRST 3
#define OUT_OF_WAY   50

static struct sup_rig rig;
static struct rule_flow rules[SHARES];
static struct layout_share shares[SHARES] = {{.flow = 0}, {.flow = 1}};
static int fds[SHARES];

/* As a shard opens it, and control after all have been opened. */
static int open_share(struct rule_flow *rule)
{
	const struct sock_want want = {.share = rule->share};
	struct sock_got got;
	struct err err;
	int fd = sock_open_ingress(&rule->in, 0, &want, &got, &err);

	ck_assert_msg(fd >= 0, "%s", err.text);
	ck_assert_msg(sock_share_bind(fd, &rule->in, 0, &rule->share, &got, &err) == 0, "%s",
		      err.text);
	ck_assert_msg(sock_share_open(fd, &rule->in, &rule->share, &err) == 0, "%s", err.text);
	rules[1].in.at.addr = rule->in.at.addr = got.local;
	return fcntl(fd, F_DUPFD_CLOEXEC, OUT_OF_WAY);
}

/* A service manager, which does not read what it is told. */
static void listen_as_manager(void)
{
	struct sockaddr_un at = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	char path[64];

	snprintf(path, sizeof(path), "@check_store_shares.%d", (int)getpid());
	memcpy(at.sun_path + 1, path + 1, strlen(path) - 1);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(bind(fd, (struct sockaddr *)&at,
			      (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(path))),
			 0);
	ck_assert_int_ge(fcntl(fd, F_DUPFD_CLOEXEC, OUT_OF_WAY), 0);
	setenv("NOTIFY_SOCKET", path, 1);
}

static void setup(void)
{
	logged_start();
	listen_as_manager();
	sup_rig_open(&rig);
	rig.flow.in = (struct rule_ingress)RULE_INGRESS_UNSET;
	ck_assert_int_eq(addr_parse_ip("127.0.0.1", &rig.flow.in.at.addr), 0);
	for (uint32_t i = 0; i < SHARES; i++) {
		rules[i] = rig.flow;
		rules[i].share =
			(struct share){.by = SHARE_BY_SOURCE, .index = (uint8_t)i, .count = SHARES};
	}
	for (uint32_t i = 0; i < SHARES; i++) {
		fds[i] = open_share(&rules[i]);
	}
	rig.table.flows = rules;
	rig.table.flow_count = SHARES;
	rig.setup.layout.shares = shares;
	rig.setup.layout.share_count = SHARES;
}

static void teardown(void)
{
	store_close(&rig.sup.store);
	sup_rig_close(&rig);
}

/* Passes some, as the manager does. */
static void pass(uint32_t first, uint32_t count)
{
	char names[SHARES][STORE_NAME_ROOM], both[SHARES * STORE_NAME_ROOM], pid[16], number[16];
	struct err err;

	for (uint32_t i = 0; i < SHARES; i++) {
		(void)store_name(store_id(&rules[i].in) + store_share_id(&rules[i].share),
				 names[i]);
	}
	for (uint32_t i = 0; i < count; i++) {
		ck_assert_int_eq(dup2(fds[first + i], PASSED_FIRST + (int)i),
				 PASSED_FIRST + (int)i);
	}
	snprintf(both, sizeof(both), "%s:%s", names[first], names[1]);
	snprintf(pid, sizeof(pid), "%d", (int)getpid());
	snprintf(number, sizeof(number), "%u", count);
	setenv("LISTEN_PID", pid, 1);
	setenv("LISTEN_FDS", number, 1);
	setenv("LISTEN_FDNAMES", both, 1);
	ck_assert_int_eq(store_open(&rig.sup.store, &rig.opt, &err), 0);
	ck_assert_int_eq(store_adopt(&rig.sup.store, &rig.sup, &err), 0);
	ck_assert(rig.sup.store.on);
}

START_TEST(all_that_were_passed_are_taken)
{
	const struct shard_kept *kept;

	pass(0, SHARES);
	kept = store_kept(&rig.sup.store, 0);
	ck_assert_int_ge(kept[0].fd, 0);
	ck_assert_int_ge(kept[1].fd, 0);
	ck_assert_uint_eq(rig.sup.store.adopted, SHARES); /* one each */
	ck_assert_uint_eq(rig.sup.store.wanted, SHARES);
}
END_TEST

START_TEST(one_alone_is_not_taken)
{
	const struct shard_kept *kept;

	pass((uint32_t)_i, 1);
	kept = store_kept(&rig.sup.store, 0);
	ck_assert_int_eq(kept[0].fd, -1);
	ck_assert_int_eq(kept[1].fd, -1);
	ck_assert_uint_eq(rig.sup.store.adopted, 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("store_shares");
	TCase *tc = tcase_create("store_shares");
	SRunner *runner = srunner_create(suite);
	int failed;

	suite_add_tcase(suite, tc);
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, all_that_were_passed_are_taken);
	tcase_add_loop_test(tc, one_alone_is_not_taken, 0, SHARES);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
