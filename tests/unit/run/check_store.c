/* check_store.c - the service manager keeps exactly the sockets that flows have, and a flow takes
 * over its own only.
 *
 * One flow on the loopback interface in a supervisor built by hand; the test plays the manager.
 */
#include "src/run/store.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "src/base/clock.h"
#include "src/run/finish_note.h"
#include "src/run/notify.h"
#include "src/run/store_name.h"
#include "src/run/store_socket.h"
#include "tests/unit/run/supervisor_rig.h"

#define PASSED_FIRST 3

static struct sup_rig rig;
static struct store *store;
static struct flow_place *place;
static int manager;
static uint64_t now_ns = 1000 * NS_PER_S;
static char name[STORE_NAME_ROOM];

static void listen_as_manager(void)
{
	struct sockaddr_un at = {.sun_family = AF_UNIX};
	char path[64];

	snprintf(path, sizeof(path), "@check_store.%d", (int)getpid());
	memcpy(at.sun_path + 1, path + 1, strlen(path) - 1);
	manager = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	manager = fcntl(manager, F_DUPFD_CLOEXEC, 100);
	ck_assert_int_eq(bind(manager, (struct sockaddr *)&at,
			      (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(path))),
			 0);
	setenv("NOTIFY_SOCKET", path, 1);
}

/* The socket of the rig's flow. */
static int open_flow(void)
{
	struct sock_want want = {0};
	struct sock_got got;
	struct err err;
	int fd = sock_open_ingress(&rig.flow.in, 0, &want, &got, &err);

	ck_assert_msg(fd >= 0, "%s", err.text);
	rig.flow.in.at.addr = got.local;
	place->rule = rig.flow;
	return fd;
}

static void rig_up(void)
{
	logged_start();
	listen_as_manager();
	sup_rig_open(&rig);
	place = &rig.flow_room[0];
	store = &rig.sup.store;
	rig.flow.in = (struct rule_ingress)RULE_INGRESS_UNSET;
	ck_assert_int_eq(addr_parse_ip("127.0.0.1", &rig.flow.in.at.addr), 0);
	for (uint32_t i = 1; i < ROOM_FLOWS; i++) {
		rig.flow_room[i].flow.fd = -1;
	}
	place->flow.fd = open_flow();
	place->flow.first_output = PLACE_NONE;
	setenv("FDSTORE", "512", 1);
}

static void rig_down(void)
{
	store_close(store);
	sup_rig_close(&rig);
}

static uint64_t inode_of(int fd)
{
	return store_inode(fd);
}

/* What the manager is told next; with `inode' of what comes with it, 0: nothing. */
static const char *told(uint64_t *inode)
{
	static char text[256];
	union {
		struct cmsghdr head;
		char room[CMSG_SPACE(sizeof(int))];
	} control;
	struct iovec iov = {text, sizeof(text) - 1};
	struct msghdr msg = {.msg_iov = &iov,
			     .msg_iovlen = 1,
			     .msg_control = &control,
			     .msg_controllen = sizeof(control)};
	ssize_t n = recvmsg(manager, &msg, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);

	*inode = 0;
	if (n < 0) {
		return "";
	}
	text[n] = '\0';
	if (msg.msg_controllen > 0) {
		int fd;

		memcpy(&fd, CMSG_DATA(&control.head), sizeof(fd));
		*inode = inode_of(fd);
		close(fd);
	}
	return text;
}

/* The end that tells how a process ended is stored at once, in place of the last one's. */
static void open_store(void)
{
	struct err err;
	uint64_t inode;

	ck_assert_int_eq(store_open(store, &rig.opt, &err), 0);
	if (store->on) {
		ck_assert_str_eq(told(&inode), "FDSTOREREMOVE=1\nFDNAME=" FINISH_NOTE_NAME);
		ck_assert_str_eq(told(&inode), "FDSTORE=1\nFDPOLL=0\nFDNAME=" FINISH_NOTE_NAME);
		ck_assert_uint_eq(inode, inode_of(store->note_fds[0]));
	}
}

static void expect_told(const char *what, const char *more, uint64_t wanted_inode)
{
	char wanted[128];
	uint64_t inode;

	snprintf(wanted, sizeof(wanted), "%s=1\nFDNAME=%s%s", what,
		 store_name(store_id(&rig.flow.in), name), more);
	ck_assert_str_eq(told(&inode), wanted);
	ck_assert_uint_eq(inode, wanted_inode);
}

static void expect_silence(void)
{
	uint64_t inode;

	ck_assert_str_eq(told(&inode), "");
}

static void tick(void)
{
	now_ns += NS_PER_S;
	store_tick(store, &rig.sup, now_ns);
}

START_TEST(socket_is_stored_once_and_removed_when_its_flow_goes)
{
	rig_up();
	open_store();
	tick();
	expect_told("FDSTORE", "\nFDPOLL=0", inode_of(place->flow.fd));
	tick();
	expect_silence();
	place->flow.rule = NULL;
	tick();
	expect_told("FDSTOREREMOVE", "", 0);
	expect_silence();
	rig_down();
}
END_TEST

START_TEST(flow_with_another_socket_has_that_stored)
{
	rig_up();
	open_store();
	tick();
	expect_told("FDSTORE", "\nFDPOLL=0", inode_of(place->flow.fd));
	close(place->flow.fd);
	place->flow.fd = open_flow();
	tick();
	expect_told("FDSTOREREMOVE", "", 0);
	expect_told("FDSTORE", "\nFDPOLL=0", inode_of(place->flow.fd));
	expect_silence();
	rig_down();
}
END_TEST

START_TEST(pending_flows_are_not_stored)
{
	int fd;

	rig_up();
	open_store();
	fd = place->flow.fd;
	place->flow.fd = -1;
	tick();
	expect_silence();
	place->flow.fd = fd;
	tick();
	expect_told("FDSTORE", "\nFDPOLL=0", inode_of(fd));
	rig_down();
}
END_TEST

/* All of its sockets are kept or none is, and the other one is nowhere. */
START_TEST(of_a_divided_flow_all_sockets_are_handed_over_or_none)
{
	struct layout_share shares[2] = {{.flow = 0}, {.flow = 1}};
	struct rule_flow rules[2];
	uint64_t inode;

	rig_up();
	open_store();
	rig.flow.share = (struct share){.by = SHARE_BY_SOURCE, .count = 2};
	rules[0] = rules[1] = place->rule = rig.flow;
	rules[1].share.index = 1;
	rig.table.flows = rules;
	ck_assert_uint_ne(store_share_id(&rules[0].share), store_share_id(&rules[1].share));
	rig.setup.layout.shares = shares;
	rig.setup.layout.share_count = 2;
	tick();
	ck_assert_str_ne(told(&inode), "");
	ck_assert_uint_eq(inode, inode_of(place->flow.fd));
	ck_assert_uint_eq(store_hand_over(store, &rig.sup), 0);
	ck_assert(!place->stored);
	rig.table.flows = &rig.flow;
	rig.setup.layout.share_count = 0;
	rig_down();
}
END_TEST

START_TEST(nothing_is_compared_amid_a_change)
{
	rig_up();
	open_store();
	rig.sup.changer.phase = CHANGER_CHANGING;
	tick();
	expect_silence();
	ck_assert_uint_eq(store_hand_over(store, &rig.sup), 0);
	rig_down();
}
END_TEST

START_TEST(manager_that_does_not_read_is_told_later)
{
	uint64_t inode;
	int filled = 0;

	rig_up();
	open_store();
	while (notify_send_fd("X=1", -1) == 0) {
		filled++;
	}
	tick();
	ck_assert(store->behind);
	ck_assert_int_lt(store_wait_ms(store, 1000), 1000);
	ck_assert_str_eq(told(&inode), "X=1");
	store_tick(store, &rig.sup, now_ns + 1);
	ck_assert(!store->behind);
	ck_assert_int_eq(store_wait_ms(store, 1000), 1000);
	while (--filled > 0) {
		ck_assert_str_eq(told(&inode), "X=1");
	}
	expect_told("FDSTORE", "\nFDPOLL=0", inode_of(place->flow.fd));
	rig_down();
}
END_TEST

START_TEST(who_has_no_store_tells_nothing)
{
	rig_up();
	if (_i == 0) {
		unsetenv("FDSTORE");
	} else if (_i == 1) {
		setenv("FDSTORE", "0", 1);
	} else if (_i == 2) {
		rig.opt.store = OPT_OFF;
	} else {
		rig.opt.store = OPT_ON;
		unsetenv("NOTIFY_SOCKET");
	}
	open_store();
	ck_assert(!store->on);
	ck_assert_int_eq(strstr(logged(), "--store on") != NULL, _i == 3);
	tick();
	expect_silence();
	ck_assert_uint_eq(store_hand_over(store, &rig.sup), 0);
	rig_down();
}
END_TEST

/* Passes descriptors as a manager does; the first is the flow's socket under its name, the second a
 * socket of no flow, the third somebody else's. */
static void pass(void)
{
	char names[128], other[STORE_NAME_ROOM], pid[16];

	ck_assert_int_eq(dup2(place->flow.fd, PASSED_FIRST), PASSED_FIRST);
	ck_assert_int_eq(dup2(open("/dev/null", O_RDONLY), PASSED_FIRST + 1), PASSED_FIRST + 1);
	ck_assert_int_eq(dup2(open("/dev/null", O_RDONLY), PASSED_FIRST + 2), PASSED_FIRST + 2);
	snprintf(names, sizeof(names), "%s:%s:stored", store_name(store_id(&rig.flow.in), name),
		 store_name(1234, other));
	snprintf(pid, sizeof(pid), "%d", (int)getpid());
	setenv("LISTEN_PID", pid, 1);
	setenv("LISTEN_FDS", "3", 1);
	setenv("LISTEN_FDNAMES", names, 1);
}

/* What rig_up opened stands where descriptors are passed. */
static void make_way(void)
{
	int fd = fcntl(place->flow.fd, F_DUPFD_CLOEXEC, 50);

	close(place->flow.fd);
	place->flow.fd = fd;
}

START_TEST(flow_takes_its_socket_and_what_is_left_is_removed)
{
	struct shard_kept *kept;
	struct err err;
	uint64_t inode;

	rig_up();
	make_way();
	pass();
	unsetenv("FDSTORE"); /* what was passed tells that there is a store */
	open_store();
	ck_assert(store->on);
	ck_assert_ptr_null(getenv("LISTEN_FDS"));
	ck_assert_int_eq(fcntl(PASSED_FIRST, F_GETFD), FD_CLOEXEC);
	ck_assert_int_eq(store_adopt(store, &rig.sup, &err), 0);
	kept = store_kept(store, 0);
	ck_assert_ptr_nonnull(kept);
	ck_assert_int_ge(kept->fd, 0);
	ck_assert_uint_eq(inode_of(kept->fd), inode_of(place->flow.fd));
	/* The engine was refused: the shards start once more. */
	ck_assert_int_eq(store_adopt(store, &rig.sup, &err), 0);
	kept = store_kept(store, 0);
	close(place->flow.fd);
	place->flow.fd = kept->fd;
	kept->fd = -1;
	store_settle(store, &rig.sup);
	ck_assert_str_eq(told(&inode), "FDSTOREREMOVE=1\nFDNAME=stored");
	ck_assert_ptr_nonnull(strstr(told(&inode), store_name(1234, name)));
	expect_silence();
	ck_assert_int_eq(fcntl(PASSED_FIRST, F_GETFD), -1);
	tick();
	expect_silence(); /* it is stored already */
	ck_assert_uint_eq(store_hand_over(store, &rig.sup), 1);
	ck_assert(place->stored);
	rig_down();
}
END_TEST

START_TEST(socket_that_is_not_what_it_is_said_to_be_is_not_taken)
{
	struct err err;

	rig_up();
	make_way();
	pass();
	sock_refuse_all(place->flow.fd);
	open_store();
	ck_assert_int_eq(store_adopt(store, &rig.sup, &err), 0);
	ck_assert_int_eq(store_kept(store, 0)->fd, -1);
	ck_assert_ptr_nonnull(strstr(logged(), "its filter differs"));
	rig_down();
}
END_TEST

START_TEST(what_was_opened_here_is_not_taken_for_passed)
{
	rig_up();
	make_way();
	pass();
	ck_assert_int_eq(dup3(PASSED_FIRST, 60, O_CLOEXEC), 60);
	setenv("LISTEN_FDS", "58", 1); /* 3 to 60 */
	open_store();
	store_settle(store, &rig.sup);
	ck_assert_int_eq(fcntl(60, F_GETFD), FD_CLOEXEC);
	rig_down();
}
END_TEST

START_TEST(who_wants_no_store_takes_nothing_over)
{
	struct err err;
	uint64_t inode;

	rig_up();
	make_way();
	pass();
	rig.opt.store = OPT_OFF;
	open_store();
	ck_assert_int_eq(store_adopt(store, &rig.sup, &err), 0);
	ck_assert_int_eq(store_kept(store, 0)->fd, -1);
	store_settle(store, &rig.sup);
	for (int i = 0; i < 3; i++) {
		ck_assert_int_eq(strncmp(told(&inode), "FDSTOREREMOVE=1\n", 16), 0);
	}
	rig_down();
}
END_TEST

START_TEST(descriptors_for_another_process_are_left_alone)
{
	rig_up();
	make_way();
	pass();
	setenv(_i == 0 ? "LISTEN_PID" : "LISTEN_FDS", _i == 1 ? "-3" : "1", 1);
	if (_i == 2) {
		unsetenv("LISTEN_PID");
	}
	open_store();
	ck_assert_uint_eq(store->passed_count, 0);
	ck_assert_int_eq(fcntl(PASSED_FIRST, F_GETFD), 0);
	rig_down();
}
END_TEST

START_TEST(end_for_good_leaves_nothing_in_the_store)
{
	uint64_t inode;

	rig_up();
	open_store();
	tick();
	expect_told("FDSTORE", "\nFDPOLL=0", inode_of(place->flow.fd));
	store_forget(store);
	expect_told("FDSTOREREMOVE", "", 0);
	ck_assert_str_eq(told(&inode), "FDSTOREREMOVE=1\nFDNAME=" FINISH_NOTE_NAME);
	ck_assert_uint_eq(store_hand_over(store, &rig.sup), 0);
	tick();
	expect_silence();
	rig_down();
}
END_TEST

START_TEST(parts_of_a_flow_are_known_by_their_outputs)
{
	uint64_t first, second;

	rig_up();
	rig.flow_room[1] = rig.flow_room[0];
	rig.flow_room[0].flow.first_output = 0;
	rig.output_room[0].output.sibling = PLACE_NONE;
	rig.flow_room[1].flow.first_output = 1;
	rig.flow_room[1].flow.fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	for (uint32_t o = 0; o < 2; o++) {
		rig.output_room[o].rule = rig.outputs[o];
	}
	rig.flow_room[1].rule = rig.flow_room[0].rule;
	open_store();
	tick();
	ck_assert_ptr_nonnull(strstr(told(&first), "FDSTORE=1"));
	ck_assert_ptr_nonnull(strstr(told(&second), "FDSTORE=1"));
	ck_assert_uint_ne(first, second);
	ck_assert_uint_ne(store->sockets[0].id, store->sockets[1].id);
	tick();
	expect_silence();
	rig_down();
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("store");
	TCase *tcase = tcase_create("store");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_test(tcase, socket_is_stored_once_and_removed_when_its_flow_goes);
	tcase_add_test(tcase, flow_with_another_socket_has_that_stored);
	tcase_add_test(tcase, pending_flows_are_not_stored);
	tcase_add_test(tcase, of_a_divided_flow_all_sockets_are_handed_over_or_none);
	tcase_add_test(tcase, nothing_is_compared_amid_a_change);
	tcase_add_test(tcase, manager_that_does_not_read_is_told_later);
	tcase_add_loop_test(tcase, who_has_no_store_tells_nothing, 0, 4);
	tcase_add_test(tcase, flow_takes_its_socket_and_what_is_left_is_removed);
	tcase_add_test(tcase, socket_that_is_not_what_it_is_said_to_be_is_not_taken);
	tcase_add_test(tcase, what_was_opened_here_is_not_taken_for_passed);
	tcase_add_test(tcase, who_wants_no_store_takes_nothing_over);
	tcase_add_loop_test(tcase, descriptors_for_another_process_are_left_alone, 0, 3);
	tcase_add_test(tcase, end_for_good_leaves_nothing_in_the_store);
	tcase_add_test(tcase, parts_of_a_flow_are_known_by_their_outputs);
	suite_add_tcase(suite, tcase);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? 0 : 1;
}
