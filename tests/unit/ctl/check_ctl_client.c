/* check_ctl_client.c - requests and answers for which memory is short, over a pair of sockets.
 *
 * The linker sends here what jansson would do without memory: a text with a piece less, and no
 * object.
 */
#include "src/ctl/client.h"

#include <check.h>
#include <errno.h>
#include <jansson.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "src/base/clock.h"

size_t __real_json_dumpb(const json_t *json, char *buffer, size_t size, size_t flags);
size_t __wrap_json_dumpb(const json_t *json, char *buffer, size_t size, size_t flags);
json_t *__real_json_loadb(const char *buffer, size_t len, size_t flags, json_error_t *error);
json_t *__wrap_json_loadb(const char *buffer, size_t len, size_t flags, json_error_t *error);

static int fds[2]; /* the client's, and the daemon's */
static struct client client;
static bool is_short;

size_t __wrap_json_dumpb(const json_t *json, char *buffer, size_t size, size_t flags)
{
	size_t len = __real_json_dumpb(json, buffer, size, flags);

	return is_short && !buffer ? len - 1 : len;
}

json_t *__wrap_json_loadb(const char *buffer, size_t len, size_t flags, json_error_t *error)
{
	if (is_short) {
		errno = ENOMEM;
		return NULL;
	}
	return __real_json_loadb(buffer, len, flags, error);
}

static void setup(void)
{
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
	client = (struct client){.fd = fds[0], .timeout_ns = 5 * NS_PER_S};
	is_short = false;
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

START_TEST(want_of_memory_is_no_fault_of_the_answer)
{
	static const char answer[] = "{\"version\":1,\"ok\":true,\"result\":{}}\n";
	json_t *taken = NULL;
	struct err err;

	ck_assert_int_eq(send(fds[1], answer, sizeof(answer) - 1, 0), sizeof(answer) - 1);
	is_short = true;
	ck_assert_int_eq(client_take(&client, &taken, &err), -ENOMEM);
	ck_assert_ptr_nonnull(strstr(err.text, strerror(ENOMEM)));
	is_short = false;
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
	tcase_add_test(tcase, want_of_memory_is_no_fault_of_the_answer);
	suite_add_tcase(suite, tcase);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
