/* check_finish_note.c - how a process tells the next one that it has ended, and how. */
#include "src/run/finish_note.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static int ends[2];
static struct refusals_news refused;

static void open_note(void)
{
	ck_assert_int_eq(finish_note_open(&ends[0], &ends[1]), 0);
}

static enum finish_note await(struct finish *done)
{
	enum finish_note note = finish_note_await(ends[0], done, &refused);

	close(ends[0]);
	return note;
}

START_TEST(an_end_in_order_is_told)
{
	struct finish done = {.sent = 7};

	open_note();
	finish_note_write(ends[1], NULL, NULL);
	close(ends[1]);
	ck_assert_int_eq(await(&done), FINISH_NOTE_ORDERLY);
	ck_assert_uint_eq(done.sent, 7);
}
END_TEST

START_TEST(what_was_finished_is_told)
{
	const struct finish told = {.sent = UINT64_MAX, .lost = 3};
	struct finish done;

	open_note();
	finish_note_write(ends[1], &told, &(struct refusals_news){0});
	close(ends[1]);
	ck_assert_int_eq(await(&done), FINISH_NOTE_FINISHED);
	ck_assert_uint_eq(done.sent, UINT64_MAX);
	ck_assert_uint_eq(done.lost, 3);
	ck_assert_uint_eq(refused.count, 0);
}
END_TEST

START_TEST(what_was_refused_and_not_told_is_told_with_it)
{
	const struct finish told = {.sent = 5};
	const struct refusals_news news = {UINT32_MAX, CONFINE_SHARD_URING, 511};
	struct finish done;

	open_note();
	finish_note_write(ends[1], &told, &news);
	close(ends[1]);
	ck_assert_int_eq(await(&done), FINISH_NOTE_FINISHED);
	ck_assert_uint_eq(done.sent, 5);
	ck_assert_uint_eq(refused.count, UINT32_MAX);
	ck_assert_int_eq(refused.kind, CONFINE_SHARD_URING);
	ck_assert_int_eq(refused.number, 511);
}
END_TEST

START_TEST(a_kind_that_another_build_has_is_left_out)
{
	struct finish done;

	open_note();
	dprintf(ends[1], "finished: 1 sent, 0 lost\nrefused: 1, gardener 7\n");
	close(ends[1]);
	ck_assert_int_eq(await(&done), FINISH_NOTE_FINISHED);
	ck_assert_uint_eq(refused.count, 0);
}
END_TEST

START_TEST(when_all_were_killed_nothing_is_told)
{
	struct finish done;

	open_note();
	close(ends[1]);
	ck_assert_int_eq(await(&done), FINISH_NOTE_NONE);
}
END_TEST

START_TEST(what_another_build_tells_is_not_believed)
{
	struct finish done;

	open_note();
	ck_assert_int_eq(write(ends[1], "finished: well\n", 15), 15);
	close(ends[1]);
	ck_assert_int_eq(await(&done), FINISH_NOTE_NONE);
}
END_TEST

/* Whoever has written may still be there, and in the sockets. */
START_TEST(a_note_is_awaited_until_nobody_can_write)
{
	struct finish done;

	open_note();
	finish_note_write(ends[1], NULL, NULL);
	ck_assert_int_eq(await(&done), FINISH_NOTE_LATE);
	close(ends[1]);
}
END_TEST

/* It is on its way: that much time is given to it. */
START_TEST(an_end_that_comes_in_a_moment_is_awaited)
{
	struct finish done;
	pid_t child;

	open_note();
	child = fork();
	ck_assert_int_ge(child, 0);
	if (child == 0) {
		finish_note_write(ends[1], NULL, NULL);
		usleep(100000);
		_exit(0);
	}
	close(ends[1]);
	ck_assert_int_eq(await(&done), FINISH_NOTE_ORDERLY);
	ck_assert_int_eq(waitpid(child, NULL, 0), child);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("finish_note");
	TCase *tcase = tcase_create("finish_note");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_test(tcase, an_end_in_order_is_told);
	tcase_add_test(tcase, what_was_finished_is_told);
	tcase_add_test(tcase, what_was_refused_and_not_told_is_told_with_it);
	tcase_add_test(tcase, a_kind_that_another_build_has_is_left_out);
	tcase_add_test(tcase, when_all_were_killed_nothing_is_told);
	tcase_add_test(tcase, what_another_build_tells_is_not_believed);
	tcase_add_test(tcase, a_note_is_awaited_until_nobody_can_write);
	tcase_add_test(tcase, an_end_that_comes_in_a_moment_is_awaited);
	suite_add_tcase(suite, tcase);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
