/* check_mailbox.c - orders are taken once, none is lost, and whoever posts never waits. */
#include "shard/mailbox.h"

#include <check.h>
#include <poll.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

#define POSTS    20000
#define MESSAGES 5000

/* What the mailbox carries is nothing to it but an address. */
struct shard_message {
	uint32_t number;
	uint32_t answer;
};

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

static int answered(void)
{
	struct pollfd pollfd = {.fd = box.answerfd, .events = POLLIN};

	return poll(&pollfd, 1, 0);
}

START_TEST(a_message_is_handed_over_once_and_answered_once)
{
	struct shard_message first = {.number = 1}, second = {.number = 2};

	ck_assert_int_eq(mailbox_open(&box), 0);
	ck_assert_ptr_null(mailbox_receive(&box));
	ck_assert_ptr_null(mailbox_take_answer(&box));
	ck_assert(mailbox_send(&box, &first));
	ck_assert(!mailbox_send(&box, &second)); /* one at a time */
	ck_assert_int_eq(wakes(), 1);
	ck_assert_uint_eq(mailbox_take(&box), MAIL_MESSAGE);
	ck_assert_ptr_eq(mailbox_receive(&box), &first);
	ck_assert_ptr_null(mailbox_receive(&box));
	ck_assert(!mailbox_send(&box, &second)); /* taken is not answered */
	ck_assert_ptr_null(mailbox_take_answer(&box));
	ck_assert_int_eq(answered(), 0);
	mailbox_answer(&box, &first);
	ck_assert_int_eq(answered(), 1);
	ck_assert(!mailbox_send(&box, &second)); /* answered is not taken */
	ck_assert_ptr_eq(mailbox_take_answer(&box), &first);
	ck_assert_int_eq(answered(), 0);
	ck_assert_ptr_null(mailbox_take_answer(&box));
	ck_assert(mailbox_send(&box, &second));
	ck_assert_ptr_eq(mailbox_receive(&box), &second);
	mailbox_close(&box);
}
END_TEST

START_TEST(flags_and_a_message_do_not_disturb_each_other)
{
	struct shard_message message = {.number = 1};

	ck_assert_int_eq(mailbox_open(&box), 0);
	mailbox_post(&box, MAIL_LOOK);
	ck_assert(mailbox_send(&box, &message));
	mailbox_post(&box, MAIL_DRAIN);
	ck_assert_uint_eq(mailbox_take(&box), MAIL_LOOK | MAIL_MESSAGE | MAIL_DRAIN);
	ck_assert_ptr_eq(mailbox_receive(&box), &message);
	mailbox_close(&box);
}
END_TEST

/* The shard's side: answers until the number is 0. */
static void *answer_all(void *arg)
{
	uint32_t *sum = arg;
	struct pollfd pollfd = {.fd = box.eventfd, .events = POLLIN};

	for (;;) {
		struct shard_message *message;
		uint32_t number;
		uint64_t count;

		ck_assert_int_eq(poll(&pollfd, 1, -1), 1);
		ck_assert_int_eq(read(box.eventfd, &count, sizeof(count)), sizeof(count));
		message = (mailbox_take(&box) & MAIL_MESSAGE) ? mailbox_receive(&box) : NULL;
		if (!message) {
			continue;
		}
		number = message->number;
		*sum += number;
		message->answer = number * 2;
		mailbox_answer(&box, message);
		if (number == 0) {
			return NULL;
		}
	}
}

/* Without release and acquire on each hand-over a thread sanitizer says so here. */
START_TEST(what_a_message_says_crosses_with_it)
{
	struct pollfd pollfd = {.events = POLLIN};
	struct shard_message message;
	pthread_t thread;
	uint32_t sum = 0;

	ck_assert_int_eq(mailbox_open(&box), 0);
	pollfd.fd = box.answerfd;
	ck_assert_int_eq(pthread_create(&thread, NULL, answer_all, &sum), 0);
	for (uint32_t i = MESSAGES; i-- > 0;) {
		message = (struct shard_message){.number = i};
		ck_assert(mailbox_send(&box, &message));
		while (!mailbox_take_answer(&box)) {
			(void)poll(&pollfd, 1, -1);
		}
		ck_assert_uint_eq(message.answer, i * 2);
	}
	ck_assert_int_eq(pthread_join(thread, NULL), 0);
	ck_assert_uint_eq(sum, MESSAGES * (MESSAGES - 1) / 2);
	mailbox_close(&box);
}
END_TEST

static Suite *mailbox_suite(void)
{
	Suite *suite = suite_create("mailbox");
	TCase *tcase = tcase_create("mailbox");

	tcase_add_test(tcase, orders_gather_and_are_taken_once);
	tcase_add_test(tcase, post_does_not_wait_when_the_counter_is_full);
	tcase_add_test(tcase, nothing_posted_by_another_thread_is_lost);
	tcase_add_test(tcase, a_message_is_handed_over_once_and_answered_once);
	tcase_add_test(tcase, flags_and_a_message_do_not_disturb_each_other);
	tcase_add_test(tcase, what_a_message_says_crosses_with_it);
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
