/* check_mailbox.c - orders are taken once, none is lost, and whoever posts never waits. */
#include "shard/mailbox.h"

#include <check.h>
#include <poll.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

#define POSTS 20000

static struct mailbox box;

static int wakes(void)
{
	struct pollfd pollfd = {.fd = box.eventfd, .events = POLLIN};

	return poll(&pollfd, 1, 0);
}

START_TEST(orders_gather_and_are_taken_once)
{
	ck_assert_int_eq(mailbox_open(&box), 0);
	ck_assert_uint_eq(mailbox_take(&box), 0);
	ck_assert_int_eq(wakes(), 0);
	mailbox_post(&box, MAIL_DRAIN);
	mailbox_post(&box, MAIL_LOOK);
	mailbox_post(&box, MAIL_DRAIN);
	ck_assert_int_eq(wakes(), 1);
	ck_assert_uint_eq(mailbox_take(&box), MAIL_DRAIN | MAIL_LOOK);
	ck_assert_uint_eq(mailbox_take(&box), 0);
	mailbox_close(&box);
}
END_TEST

START_TEST(post_does_not_wait_when_the_counter_is_full)
{
	uint64_t most = UINT64_MAX - 1;

	ck_assert_int_eq(mailbox_open(&box), 0);
	ck_assert_int_eq(write(box.eventfd, &most, sizeof(most)), sizeof(most));
	mailbox_post(&box, MAIL_QUIT);
	ck_assert_int_eq(wakes(), 1);
	ck_assert_uint_eq(mailbox_take(&box), MAIL_QUIT);
	mailbox_close(&box);
}
END_TEST

static void *post_bits(void *arg)
{
	(void)arg;
	for (uint32_t i = 0; i < POSTS; i++) {
		mailbox_post(&box, 1u << (i % 3));
	}
	return NULL;
}

START_TEST(nothing_posted_by_another_thread_is_lost)
{
	pthread_t thread;
	uint32_t seen = 0;

	ck_assert_int_eq(mailbox_open(&box), 0);
	ck_assert_int_eq(pthread_create(&thread, NULL, post_bits, NULL), 0);
	while (seen != (MAIL_DRAIN | MAIL_QUIT | MAIL_LOOK)) {
		seen |= mailbox_take(&box); /* each bit is posted again and again */
	}
	ck_assert_int_eq(pthread_join(thread, NULL), 0);
	(void)mailbox_take(&box);
	ck_assert_uint_eq(mailbox_take(&box), 0);
	mailbox_close(&box);
}
END_TEST

START_TEST(closing_twice_closes_nobody_elses_file)
{
	int other;

	ck_assert_int_eq(mailbox_open(&box), 0);
	mailbox_close(&box);
	ck_assert_int_eq(box.eventfd, -1);
	other = dup(STDIN_FILENO);
	mailbox_close(&box);
	ck_assert_int_eq(close(other), 0);
}
END_TEST

static Suite *mailbox_suite(void)
{
	Suite *suite = suite_create("mailbox");
	TCase *tcase = tcase_create("mailbox");

	tcase_add_test(tcase, orders_gather_and_are_taken_once);
	tcase_add_test(tcase, post_does_not_wait_when_the_counter_is_full);
	tcase_add_test(tcase, nothing_posted_by_another_thread_is_lost);
	tcase_add_test(tcase, closing_twice_closes_nobody_elses_file);
	suite_add_tcase(suite, tcase);
	return suite;
}

int main(void)
{
	SRunner *runner = srunner_create(mailbox_suite());
	int failed;

	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? 0 : 1;
}
