/* check_web_hand.c - what is handed from control to the thread that answers HTTP, and what that one
 * is told where there is nothing. The test is that thread, since nobody asks by HTTP here.
 */
#include "src/web/web.h"

#include <check.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

static const struct addr at = {.family = AF_INET, .ip = {127, 0, 0, 1}};
static struct web *web;
static const char *text; /* that control has; NULL: none */
static _Atomic bool playing;

static void setup(void)
{
	struct err err;

	ck_assert_int_eq(web_open(&at, 0, NULL, &web, &err), 0);
}

static void teardown(void)
{
	web_close(web);
}

/* Control, which has that text, or none. */
static void *play(void *arg)
{
	while (playing) {
		struct pollfd wanted = {.fd = web_fd(web), .events = POLLIN};

		(void)poll(&wanted, 1, 10);
		if (web_wants(web, WEB_STATUS)) {
			char *copy = text ? strdup(text) : NULL;

			web_put(web, WEB_STATUS, copy, copy ? strlen(copy) : 0);
		}
	}
	return arg;
}

/* What comes of that, however long control takes. */
static const struct web_piece *got(const char *has, const char **why)
{
	const struct web_piece *piece;
	pthread_t control;

	text = has;
	playing = true;
	ck_assert_int_eq(pthread_create(&control, NULL, play, NULL), 0);
	do {
		piece = web_get(web, WEB_STATUS, why);
	} while (!piece && strcmp(*why, "not relaying yet") == 0);
	playing = false;
	ck_assert_int_eq(pthread_join(control, NULL), 0);
	return piece;
}

START_TEST(silence_before_anything_came_is_a_start)
{
	const char *why = NULL;

	ck_assert_ptr_null(web_get(web, WEB_STATUS, &why));
	ck_assert_str_eq(why, "not relaying yet");
}
END_TEST

START_TEST(want_of_memory_is_not_told_as_silence)
{
	const struct web_piece *piece;
	const char *why = NULL;

	ck_assert_ptr_null(got(NULL, &why));
	ck_assert_str_eq(why, "it cannot be made now: Cannot allocate memory");
	piece = got("{}", &why);
	ck_assert_ptr_nonnull(piece);
	ck_assert_uint_eq(piece->len, 2);
	ck_assert_mem_eq(piece->at, "{}", 2);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("web_hand");
	TCase *tc = tcase_create("hand");
	SRunner *runner = srunner_create(suite);
	int failed;

	suite_add_tcase(suite, tc);
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, silence_before_anything_came_is_a_start);
	tcase_add_test(tc, want_of_memory_is_not_told_as_silence);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
