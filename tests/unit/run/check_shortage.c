/* check_shortage.c - what is asked, reported and shown while memory comes to its end, anywhere.
 *
 * The reserve for JSON is taken away first. Then each question is put again and again, with one
 * allocation more that succeeds each time, until all is there: before that nothing is told that
 * lacks a part, and nothing ends the process. JSON's allocations are counted, and the texts that
 * control copies, and those that grow (strdup and realloc, which the linker sends here).
 */
#include <check.h>
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "src/base/json_reserve.h"
#include "src/run/report.h"
#include "src/run/report_file.h"
#include "src/run/status.h"
#include "src/run/survey.h"
#include "src/run/tally.h"
#include "src/web/snapshot.h"
#include "src/web/web.h"
#include "tests/unit/run/supervisor_rig.h"

#define TRIES_MAX 100000
#define PLENTY    UINT32_MAX

char *__real_strdup(const char *text);
char *__wrap_strdup(const char *text);
void *__real_realloc(void *memory, size_t bytes);
void *__wrap_realloc(void *memory, size_t bytes);

static struct sup_rig rig;
static uint32_t left = PLENTY; /* allocations that succeed yet */
static bool refused;           /* one was */
static uint32_t handed_over;   /* to HTTP */
static void *got;

static bool may_have(void)
{
	refused |= left == 0;
	left -= left > 0 && left != PLENTY;
	return !refused;
}

char *__wrap_strdup(const char *text)
{
	return may_have() ? __real_strdup(text) : NULL;
}

void *__wrap_realloc(void *memory, size_t bytes)
{
	return may_have() ? __real_realloc(memory, bytes) : NULL;
}

static void *take(size_t bytes)
{
	return may_have() ? malloc(bytes) : json_reserve_cut(bytes);
}

/* In the place of web.c's: a snapshot is wanted until something was handed over. Check's own macros
 * copy texts, so nothing is asserted here. */
bool web_wants(struct web *web, enum web_part part)
{
	(void)web;
	return part == WEB_SNAPSHOT && handed_over == 0;
}

void web_put(struct web *web, enum web_part which, void *at, size_t len)
{
	(void)web;
	handed_over += which == WEB_SNAPSHOT && len == 0;
	got = at;
}

static void setup(void)
{
	sup_rig_open(&rig);
	ck_assert_int_eq(gate_init(&rig.sup.gate), 0);
	history_note(&rig.sup.history, "SIGHUP", "reload", "done");
	logged_start();
	ck_assert_ptr_nonnull(json_reserve_cut(JSON_RESERVE_BYTES)); /* and kept */
	json_set_alloc_funcs(take, json_reserve_give);
}

static void teardown(void)
{
	left = PLENTY;
	gate_free(&rig.sup.gate);
	sup_rig_close(&rig);
}

static void allow(uint32_t allocations)
{
	left = allocations;
	refused = false;
}

/* From here on there is plenty; whether one was refused. */
static bool was_refused(void)
{
	bool was = refused;

	allow(PLENTY);
	return was;
}

static bool is_ok(const char *text, size_t len)
{
	json_t *answer;
	bool ok;

	ck_assert(len > 1 && text[len - 1] == '\n');
	answer = json_loadb(text, len, 0, NULL);
	ok = json_is_true(json_object_get(answer, "ok"));
	ck_assert_msg(ok || strstr(text, "out of memory"), "%s", text);
	ck_assert(ok || json_is_string(json_object_get(json_object_get(answer, "error"), "code")));
	json_decref(answer);
	return ok;
}

/* Answered as with memory, or refused for want of it. */
static void ask_until_answered(const char *members)
{
	const struct command_peer peer = {.may_change = true};
	bool ok = false;
	uint32_t n = 0;

	for (; !ok; n++) {
		char line[256], *text;
		size_t len = 0;

		ck_assert_uint_lt(n, TRIES_MAX);
		snprintf(line, sizeof(line), "{\"version\":1,\"id\":7,%s}", members);
		allow(n);
		text = sup_rig_ask(&rig, &peer, line, &len);
		ok = !was_refused();
		ck_assert_ptr_nonnull(text);
		ck_assert_msg(is_ok(text, len) == ok, "%s: %u: %s", members, n, text);
		free(text);
	}
	ck_assert_uint_gt(n, 10);
}

START_TEST(requests_are_answered_whole_or_refused)
{
	static const char *const questions[] = {
		"\"command\":\"stats\"",
		"\"command\":\"health\"",
		"\"command\":\"version\"",
		"\"command\":\"log-level\"",
		"\"command\":\"show\",\"what\":\"rules\"",
		"\"command\":\"show\",\"what\":\"flows\",\"members\":[\"ingress\",\"leg\"]",
		"\"command\":\"show\",\"what\":\"outputs\",\"rules\":[\"rule1\"]",
		"\"command\":\"show\",\"what\":\"legs\"",
		"\"command\":\"show\",\"what\":\"shards\"",
		"\"command\":\"show\",\"what\":\"pools\"",
		"\"command\":\"show\",\"what\":\"plan\"",
		"\"command\":\"show\",\"what\":\"topology\"",
		"\"command\":\"show\",\"what\":\"changes\"",
	};

	rig.worker.placement.cpu_told = true;
	if (_i % 2 != 0) {
		sup_rig_merge(&rig);
	}
	ask_until_answered(questions[_i / 2]);
}
END_TEST

START_TEST(late_answer_is_whole_or_refused)
{
	bool ok = false;

	for (uint32_t n = 0; !ok; n++) {
		uint64_t client = 0;
		size_t len = 0;
		char *text;

		ck_assert_uint_lt(n, TRIES_MAX);
		allow(PLENTY);
		rig.sup.order = (struct command_order){.answered = true,
						       .client = 3,
						       .id = json_integer(7),
						       .command = json_string("reload"),
						       .result = json_object(),
						       .text = {"done"}};
		allow(n);
		text = commands_late(&rig.sup, &client, &len);
		ok = !was_refused();
		ck_assert_uint_eq(client, 3);
		ck_assert_ptr_nonnull(text);
		ck_assert(is_ok(text, len) == ok);
		ck_assert(!commands_has_late(&rig.sup));
		free(text);
	}
}
END_TEST

START_TEST(result_that_was_lost_is_not_told_as_whole)
{
	uint64_t client = 0;
	size_t len = 0;
	char *text;

	rig.sup.order = (struct command_order){.answered = true,
					       .client = 3,
					       .id = json_integer(7),
					       .command = json_string("rebalance"),
					       .result_lost = true};
	text = commands_late(&rig.sup, &client, &len);
	ck_assert_ptr_nonnull(strstr(text, "out of memory"));
	ck_assert_ptr_nonnull(strstr(text, "\"id\":7"));
	free(text);
}
END_TEST

START_TEST(report_is_whole_or_none)
{
	json_t *report = NULL;
	char *whole, *text;

	if (_i == 1) {
		sup_rig_merge(&rig);
	}
	report = report_build(&rig.sup);
	whole = json_dumps(json_object_get(report, "rules"), JSON_COMPACT);
	json_decref(report);
	report = NULL;
	for (uint32_t n = 0; !report; n++) {
		ck_assert_uint_lt(n, TRIES_MAX);
		allow(n);
		report = report_build(&rig.sup);
		ck_assert_msg((report != NULL) == !was_refused(), "%u", n);
	}
	text = json_dumps(json_object_get(report, "rules"), JSON_COMPACT);
	ck_assert_str_eq(text, whole);
	free(text);
	free(whole);
	json_decref(report);
}
END_TEST

START_TEST(report_that_cannot_be_made_is_told_and_no_file_is_written)
{
	char path[] = "/tmp/numacast-check-XXXXXX";
	int fd = mkstemp(path), rc;
	char said[512];

	ck_assert_int_ge(fd, 0);
	rig.opt.exit_report = path;
	allow(100);
	rc = report_file_write(&rig.sup);
	ck_assert(was_refused());
	ck_assert_int_eq(rc, -ENOMEM);
	ck_assert_ptr_nonnull(strstr(logged(), "Cannot allocate memory"));
	ck_assert_int_eq(read(fd, said, sizeof(said)), 0); /* it is as it was */
	close(fd);
	(void)unlink(path);
}
END_TEST

START_TEST(status_is_whole_or_none)
{
	char *text = NULL;

	rig.worker.placement.cpu_told = true;
	for (uint32_t n = 0; !text; n++) {
		struct tally tally;
		struct status status;
		size_t len = 0;
		int rc;

		ck_assert_uint_lt(n, TRIES_MAX);
		allow(n);
		rc = tally_take(&rig.sup, &tally);
		if (rc == 0 && status_begin(&status, &rig.sup, &tally) == 0) {
			(void)status_add(&status, &rig.sup, &tally, UINT32_MAX);
			text = status_take(&status, &len);
		}
		ck_assert_msg((text != NULL) == !was_refused(), "%u", n);
		tally_free(&tally);
	}
	free(text);
}
END_TEST

START_TEST(snapshot_is_whole_or_none)
{
	static struct survey survey;
	bool whole;

	rig.worker.placement.cpu_told = true; /* a reason */
	for (uint32_t n = 0; !got; n++) {
		ck_assert_uint_lt(n, TRIES_MAX);
		handed_over = 0;
		allow(n);
		survey_tick(&survey, &rig.sup, NULL);
		whole = !was_refused();
		ck_assert_uint_eq(handed_over, 1);
		ck_assert(!survey_is_busy(&survey));
		ck_assert_msg((got != NULL) == whole, "%u", n);
	}
	snapshot_free(got);
	got = NULL;
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("shortage");
	SRunner *runner = srunner_create(suite);
	TCase *tc = tcase_create("memory");
	int failed;

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(tc, requests_are_answered_whole_or_refused, 0, 26);
	tcase_add_test(tc, late_answer_is_whole_or_refused);
	tcase_add_test(tc, result_that_was_lost_is_not_told_as_whole);
	tcase_add_loop_test(tc, report_is_whole_or_none, 0, 2);
	tcase_add_test(tc, report_that_cannot_be_made_is_told_and_no_file_is_written);
	tcase_add_test(tc, status_is_whole_or_none);
	tcase_add_test(tc, snapshot_is_whole_or_none);
	suite_add_tcase(suite, tc);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
