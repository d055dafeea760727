/* check_ctl_client.c - requests and answers for which memory is short, over a pair of sockets.
 *
 * The linker sends here what jansson would do without memory, a text with a piece less, and each
 * malloc, by which jansson gets its memory.
 */
#include "src/ctl/client.h"

#include <check.h>
#include <errno.h>
#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "src/base/clock.h"
#include "src/base/json_reserve.h"

#define LONG_BYTES (2 * JSON_RESERVE_BYTES)

size_t __real_json_dumpb(const json_t *json, char *buffer, size_t size, size_t flags);
size_t __wrap_json_dumpb(const json_t *json, char *buffer, size_t size, size_t flags);
void *__real_malloc(size_t bytes);
void *__wrap_malloc(size_t bytes);

static int fds[2]; /* the client's, and the daemon's */
static struct client client;
static bool is_short;
static int fails_in; /* allocations, with the one that fails; 0: none */
static bool fails_always;

size_t __wrap_json_dumpb(const json_t *json, char *buffer, size_t size, size_t flags)
{
	size_t len = __real_json_dumpb(json, buffer, size, flags);

	return is_short && !buffer ? len - 1 : len;
}

void *__wrap_malloc(size_t bytes)
{
	bool fails = fails_always || (fails_in > 0 && --fails_in == 0);

	return fails ? NULL : __real_malloc(bytes);
}

static void setup(void)
{
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
	client = (struct client){.fd = fds[0], .timeout_ns = 5 * NS_PER_S};
	is_short = false;
	json_reserve_init();
}

static void teardown(void)
{
	client_close(&client);
	close(fds[1]);
}

START_TEST(request_with_a_piece_less_is_not_sent)
{
	json_t *request = json_pack("{s:s}", "command", "show");
	char line[64] = "";
	struct err err;

	is_short = true;
	ck_assert_int_eq(client_send(&client, request, &err), -ENOMEM);
	ck_assert_ptr_nonnull(strstr(err.text, strerror(ENOMEM)));
	ck_assert_int_eq(recv(fds[1], line, sizeof(line), MSG_DONTWAIT), -1);
	is_short = false;
	ck_assert_int_eq(client_send(&client, request, &err), 0);
	ck_assert_int_gt(recv(fds[1], line, sizeof(line) - 1, MSG_DONTWAIT), 0);
	ck_assert_str_eq(line, "{\"command\":\"show\"}\n");
	json_decref(request);
}
END_TEST

/* jansson itself leaves out a character of the text for some of these, and says nothing. */
START_TEST(answer_is_whole_whatever_allocation_fails)
{
	static const char answer[] = "{\"version\":1,\"ok\":true,\"result\":"
				     "{\"done\":\"239.1.1.1%lo:5000 is added\",\"n\":1}}\n";
	int left = 0;

	for (int nth = 1; left == 0; nth++) {
		json_t *taken = NULL;
		struct err err;
		const char *done;
		int rc;

		ck_assert_int_eq(send(fds[1], answer, sizeof(answer) - 1, 0), sizeof(answer) - 1);
		fails_in = nth;
		rc = client_take(&client, &taken, &err);
		left = fails_in;
		fails_in = 0;
		ck_assert_int_eq(rc, 0);
		done = json_string_value(json_object_get(json_object_get(taken, "result"), "done"));
		ck_assert_str_eq(done, "239.1.1.1%lo:5000 is added");
		json_decref(taken);
	}
}
END_TEST

START_TEST(want_of_memory_is_no_fault_of_the_answer)
{
	static char answer[LONG_BYTES];
	size_t len = (size_t)sprintf(answer, "{\"version\":1,\"ok\":true,\"result\":[1");
	json_t *taken = NULL;
	struct err err;
	int rc;

	while (len < sizeof(answer) - 4) {
		answer[len++] = ',';
		answer[len++] = '1';
	}
	len += (size_t)sprintf(answer + len, "]}\n");
	ck_assert_int_eq(send(fds[1], answer, len, 0), len);
	fails_always = true;
	rc = client_take(&client, &taken, &err);
	fails_always = false;
	ck_assert_int_eq(rc, -ENOMEM);
	ck_assert_ptr_nonnull(strstr(err.text, strerror(ENOMEM)));
	ck_assert_int_eq(client_take(&client, &taken, &err), 0);
	json_decref(taken);
	ck_assert_int_eq(send(fds[1], "no JSON\n", 8, 0), 8);
	ck_assert_int_eq(client_take(&client, &taken, &err), -EPROTO);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("ctl_client");
	TCase *tcase = tcase_create("ctl_client");
	SRunner *runner;
	int failed;

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, request_with_a_piece_less_is_not_sent);
	tcase_add_test(tcase, answer_is_whole_whatever_allocation_fails);
	tcase_add_test(tcase, want_of_memory_is_no_fault_of_the_answer);
	suite_add_tcase(suite, tcase);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
