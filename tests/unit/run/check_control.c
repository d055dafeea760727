/* check_control.c - clients of the control socket, the bad ones above all: each is bounded, and no
 * other notices.
 */
#include "src/run/control.h"

#include <check.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "src/base/clock.h"
#include "src/base/protocol.h"
#include "src/run/commands.h"
#include "src/run/supervisor.h"
#include "tests/unit/run/control_rig.h"

#define ASK      "{\"version\":1,\"command\":\"version\"}\n"
#define HALF     "{\"version\":1,\"comm"
#define MEGABYTE (1u << 20)
#define PLACES   16
#define LOOKERS  12 /* of these at most */

static struct control_rig rig;

static void setup(void)
{
	logged_start();
	control_rig_open(&rig);
}

static void teardown(void)
{
	control_rig_close(&rig);
}

static void tell(int fd, const char *text)
{
	ck_assert_uint_eq(control_rig_send(&rig, fd, text, strlen(text)), strlen(text));
}

/* The next line that `fd' gets contains `words'. */
static void expect_answer(int fd, const char *words)
{
	const char *line = control_rig_read(&rig, fd);

	ck_assert_msg(line && strstr(line, words), "not `%s': %s", words, line ? line : "nothing");
}

static void expect_end(int fd)
{
	const char *line = control_rig_read(&rig, fd);

	ck_assert_ptr_nonnull(line);
	ck_assert_str_eq(line, "");
}

/* The control serves as if nothing had happened. */
static void expect_served(void)
{
	int fd = control_rig_connect(&rig);

	tell(fd, ASK);
	expect_answer(fd, "\"ok\":true");
	close(fd);
	control_rig_pump(&rig);
}

START_TEST(requests_are_answered_one_by_one_in_order)
{
	int fd = control_rig_connect(&rig);

	tell(fd, "{\"version\":1,\"id\":\"a\",\"command\":\"version\"}\n"
		 "{\"version\":1,\"id\":2,\"command\":\"health\"}\nnonsense\n" HALF);
	expect_answer(fd, "\"id\":\"a\",\"command\":\"version\"");
	expect_answer(fd, "\"id\":2,\"command\":\"health\"");
	expect_answer(fd, "not_json");
	ck_assert_ptr_null(control_rig_read(&rig, fd));
	tell(fd, "and\":\"stats\"}\n");
	expect_answer(fd, "\"command\":\"stats\"");
}
END_TEST

/* That of two clients, which come together, and of one before whose answer was taken. */
START_TEST(orders_are_taken_one_after_the_other)
{
	static const char active[] = "{\"version\":1,\"command\":\"active\"}\n";
	static const char standby[] = "{\"version\":1,\"command\":\"standby\"}\n";
	int fd = control_rig_connect(&rig), other = control_rig_connect(&rig), first;

	changer_init(&rig.sup.sup.changer, &rig.sup.sup);
	control_rig_pump(&rig);
	ck_assert_int_gt(send(fd, active, strlen(active), 0), 0);
	ck_assert_int_gt(send(other, standby, strlen(standby), 0), 0);
	control_serve(rig.control, rig.now_ns);
	ck_assert(rig.sup.sup.duty_order.under_way);
	ck_assert_int_gt(control_sleep_ms(rig.control, rig.now_ns, 1000), 0);
	ck_assert_int_lt(control_sleep_ms(rig.control, rig.now_ns, 1000), 10);
	ck_assert_ptr_null(control_rig_read(&rig, fd));
	ck_assert_ptr_null(control_rig_read(&rig, other));
	first = strstr(rig.sup.sup.duty_order.what, "active") ? fd : other;
	commands_duty_done(&rig.sup.sup, NULL);
	expect_answer(first, "all rules");
	ck_assert(rig.sup.sup.duty_order.under_way);
	ck_assert_ptr_null(control_rig_read(&rig, first == fd ? other : fd));
	commands_duty_done(&rig.sup.sup, NULL);
	expect_answer(first == fd ? other : fd, "all rules");
	changer_free(&rig.sup.sup.changer);
}
END_TEST

START_TEST(client_that_sends_and_closes_its_side_is_answered)
{
	int fd = control_rig_connect(&rig);

	ck_assert_int_gt(send(fd, ASK ASK HALF, strlen(ASK ASK HALF), 0), 0);
	ck_assert_int_eq(shutdown(fd, SHUT_WR), 0);
	expect_answer(fd, "\"ok\":true");
	expect_answer(fd, "\"ok\":true");
	expect_end(fd); /* the half one has no answer */
}
END_TEST

START_TEST(client_that_goes_without_its_answer_harms_nobody)
{
	int fd = control_rig_connect(&rig);

	ck_assert_int_gt(send(fd, ASK ASK, strlen(ASK ASK), 0), 0);
	close(fd);
	control_rig_pump(&rig);
	expect_served();
}
END_TEST

/* The sums first, and then the rows: nobody waits for both. */
START_TEST(others_are_answered_while_rows_are_made)
{
	static const char show[] = "{\"version\":1,\"command\":\"show\",\"what\":\"rules\"}\n";
	int fd = control_rig_connect(&rig), other = control_rig_connect(&rig);
	char byte;

	control_rig_pump(&rig);
	ck_assert_int_gt(send(fd, show, strlen(show), 0), 0);
	ck_assert_int_gt(send(other, ASK, strlen(ASK), 0), 0);
	control_serve(rig.control, rig.now_ns);
	ck_assert_int_eq(recv(other, &byte, 1, MSG_PEEK | MSG_DONTWAIT), 1);
	ck_assert_int_eq(recv(fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT), -1);
	ck_assert_int_eq(control_sleep_ms(rig.control, rig.now_ns, 1000), 0);
	control_serve(rig.control, rig.now_ns);
	ck_assert_int_eq(recv(fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT), -1);
	expect_answer(fd, "\"rules\":[{\"rule\":\"rule1\"");
	ck_assert_int_gt(control_sleep_ms(rig.control, rig.now_ns, 1000), 0);
}
END_TEST

START_TEST(client_that_goes_while_its_rows_are_made_is_forgotten)
{
	static const char show[] = "{\"version\":1,\"command\":\"show\",\"what\":\"rules\"}\n";
	int fd = control_rig_connect(&rig);

	control_rig_pump(&rig);
	ck_assert_int_gt(send(fd, show, strlen(show), 0), 0);
	control_serve(rig.control, rig.now_ns);
	close(fd);
	control_rig_pump(&rig);
	expect_served();
}
END_TEST

START_TEST(half_a_request_is_dropped_in_time_and_not_before)
{
	int fd = control_rig_connect(&rig);

	tell(fd, HALF);
	rig.now_ns += 9 * NS_PER_S;
	tell(fd, "an"); /* a byte now and then gains no time */
	ck_assert_ptr_null(control_rig_read(&rig, fd));
	expect_served();
	rig.now_ns += 2 * NS_PER_S;
	expect_end(fd);
}
END_TEST

START_TEST(client_that_is_idle_long_is_dropped)
{
	int fd = control_rig_connect(&rig);

	tell(fd, ASK);
	expect_answer(fd, "\"ok\":true");
	rig.now_ns += 299 * NS_PER_S;
	ck_assert_ptr_null(control_rig_read(&rig, fd));
	ck_assert_int_le(control_sleep_ms(rig.control, rig.now_ns, 5000), 1001);
	rig.now_ns += 2 * NS_PER_S;
	expect_end(fd);
}
END_TEST

START_TEST(line_of_ten_megabytes_is_refused_and_ends_the_client)
{
	char *flood = malloc(10 * MEGABYTE);
	int fd = control_rig_connect(&rig);
	size_t sent;

	memset(flood, '"', 10 * MEGABYTE);
	sent = control_rig_send(&rig, fd, flood, 10 * MEGABYTE);
	ck_assert_uint_lt(sent, 10 * MEGABYTE);
	ck_assert_uint_gt(sent, PROTOCOL_REPLACE_MAX);
	expect_answer(fd, "too_long");
	expect_end(fd);
	expect_served();
	free(flood);
}
END_TEST

START_TEST(deep_json_is_refused)
{
	char *deep = malloc(MEGABYTE);
	int fd = control_rig_connect(&rig);

	memset(deep, '[', MEGABYTE);
	deep[MEGABYTE - 1] = '\n';
	ck_assert_uint_eq(control_rig_send(&rig, fd, deep, MEGABYTE), MEGABYTE);
	expect_answer(fd, "not_json");
	tell(fd, ASK);
	expect_answer(fd, "\"ok\":true");
	free(deep);
}
END_TEST

START_TEST(thousand_clients_leave_those_that_came_first_in_peace)
{
	int first[PLACES], fds[1000];

	for (int i = 0; i < PLACES; i++) {
		first[i] = control_rig_connect(&rig);
		control_rig_pump(&rig);
	}
	for (int i = 0; i < 1000; i++) {
		fds[i] = control_rig_connect(&rig);
		control_rig_pump(&rig);
		expect_answer(fds[i], "busy");
		expect_end(fds[i]);
		close(fds[i]);
	}
	for (int i = 0; i < PLACES; i++) {
		tell(first[i], ASK);
		expect_answer(first[i], "\"ok\":true");
	}
	close(first[0]);
	control_rig_pump(&rig);
	expect_served(); /* in the place that is free again */
}
END_TEST

/* A client of another user than the control's: it may look, and change nothing. */
static int connect_looker(void)
{
	int fd;

	ck_assert_int_eq(seteuid(65533), 0);
	fd = control_rig_connect(&rig);
	ck_assert_int_eq(seteuid(0), 0);
	control_rig_pump(&rig);
	return fd;
}

START_TEST(lookers_leave_places_for_who_may_change)
{
	int first, fd;

	if (geteuid() != 0) {
		return; /* there are no others */
	}
	first = connect_looker();
	for (int i = 1; i < LOOKERS; i++) {
		(void)connect_looker();
	}
	fd = connect_looker();
	expect_answer(fd, "busy");
	expect_end(fd);
	for (int i = LOOKERS; i < PLACES; i++) {
		fd = control_rig_connect(&rig);
		tell(fd, ASK);
		expect_answer(fd, "\"ok\":true");
	}
	fd = control_rig_connect(&rig);
	expect_answer(fd, "busy");
	expect_end(fd);
	tell(first, ASK);
	expect_answer(first, "\"ok\":true");
}
END_TEST

/* Who may change may send a configuration, and who may not has nothing that is so long. */
START_TEST(lines_of_lookers_are_short)
{
	static char line[PROTOCOL_REQUEST_MAX + 2];
	int fd;

	memset(line, ' ', sizeof(line));
	memcpy(line, ASK, sizeof(ASK) - 2); /* without its end */
	line[sizeof(line) - 1] = '\n';
	fd = control_rig_connect(&rig);
	ck_assert_uint_eq(control_rig_send(&rig, fd, line, sizeof(line)), sizeof(line));
	expect_answer(fd, "too_long"); /* as a `version' is, and the next one is heard */
	tell(fd, ASK);
	expect_answer(fd, "\"ok\":true");
	if (geteuid() != 0) {
		return; /* there are no others */
	}
	fd = connect_looker();
	(void)control_rig_send(&rig, fd, line, sizeof(line));
	expect_answer(fd, "too_long");
	expect_end(fd);
	line[sizeof(line) - 2] = '\n';
	fd = connect_looker();
	ck_assert_uint_eq(control_rig_send(&rig, fd, line, sizeof(line) - 1), sizeof(line) - 1);
	expect_answer(fd, "\"ok\":true");
}
END_TEST

START_TEST(client_that_never_reads_is_answered_so_far_and_then_dropped)
{
	int fd = control_rig_connect(&rig);
	int asked = 0;

	/* What it asks is not even read any more. */
	while (send(fd, ASK, strlen(ASK), MSG_NOSIGNAL) > 0) {
		asked++;
		control_rig_pump(&rig);
		ck_assert_int_lt(asked, 100000);
	}
	expect_served();
	rig.now_ns += 31 * NS_PER_S;
	control_rig_pump(&rig);
	ck_assert_int_lt(send(fd, ASK, strlen(ASK), MSG_NOSIGNAL), 0);
	expect_served();
}
END_TEST

START_TEST(door_is_left_alone_while_no_file_can_be_had)
{
	struct rlimit limit;
	int fd = control_rig_connect(&rig), top = dup(0);

	/* From here on there is no number for another file. */
	ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
	limit.rlim_cur = (rlim_t)top;
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
	close(top);
	while (dup(0) >= 0) {
	}
	control_rig_pump(&rig); /* would never end */
	ck_assert_ptr_null(control_rig_read(&rig, fd));
	limit.rlim_cur = limit.rlim_max;
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
	rig.now_ns += 2 * NS_PER_S;
	tell(fd, ASK);
	expect_answer(fd, "\"ok\":true");
}
END_TEST

START_TEST(no_door_is_no_control)
{
	struct door door = {.fd = -1};
	struct control *control = rig.control;
	struct err err;

	ck_assert_int_eq(control_open(&rig.sup.sup, &door, &control, &err), 0);
	ck_assert_ptr_null(control);
	ck_assert_int_eq(control_fd(NULL), -1);
	ck_assert_int_eq(control_sleep_ms(NULL, 1, 1000), 1000);
	control_serve(NULL, 1);
	control_close(NULL);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("control");
	TCase *tc = tcase_create("control");
	SRunner *runner = srunner_create(suite);
	int failed;

	suite_add_tcase(suite, tc);
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, requests_are_answered_one_by_one_in_order);
	tcase_add_test(tc, orders_are_taken_one_after_the_other);
	tcase_add_test(tc, client_that_sends_and_closes_its_side_is_answered);
	tcase_add_test(tc, client_that_goes_without_its_answer_harms_nobody);
	tcase_add_test(tc, others_are_answered_while_rows_are_made);
	tcase_add_test(tc, client_that_goes_while_its_rows_are_made_is_forgotten);
	tcase_add_test(tc, half_a_request_is_dropped_in_time_and_not_before);
	tcase_add_test(tc, client_that_is_idle_long_is_dropped);
	tcase_add_test(tc, line_of_ten_megabytes_is_refused_and_ends_the_client);
	tcase_add_test(tc, deep_json_is_refused);
	tcase_add_test(tc, thousand_clients_leave_those_that_came_first_in_peace);
	tcase_add_test(tc, lookers_leave_places_for_who_may_change);
	tcase_add_test(tc, lines_of_lookers_are_short);
	tcase_add_test(tc, client_that_never_reads_is_answered_so_far_and_then_dropped);
	tcase_add_test(tc, door_is_left_alone_while_no_file_can_be_had);
	tcase_add_test(tc, no_door_is_no_control);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
