/* check_baton.c - marks written down by one machine are met by the other. */
#include "shard/baton.h"

#include <arpa/inet.h>
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "src/base/clock.h"

#define MOST 4
#define SALT 7

static struct baton *notes, *follows;
static unsigned char payload[64];
static struct sockaddr_in from = {.sin_family = AF_INET};

static struct baton *make(bool waits, uint32_t most)
{
	struct baton *b = calloc(1, baton_bytes(most));

	ck_assert_ptr_nonnull(b);
	b->follows = waits;
	b->room = baton_room(most);
	b->since_ns = 1000 * NS_PER_MS;
	b->end_ns = UINT64_MAX;
	return b;
}

static void setup(void)
{
	notes = make(false, MOST);
	follows = make(true, MOST);
}

static void teardown(void)
{
	free(notes);
	free(follows);
}

/* What sender `port' sends: datagrams of one byte, `first' and those after it. */
static struct datagram train(uint16_t port, unsigned char first, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++) {
		payload[i] = (unsigned char)(first + i);
	}
	from.sin_port = htons(port);
	return (struct datagram){.payload = payload,
				 .bytes = count,
				 .segment_bytes = 1,
				 .count = count,
				 .from = (const struct sockaddr *)&from};
}

static uint32_t note(uint16_t port, unsigned char first, uint32_t count)
{
	struct datagram d = train(port, first, count);

	return baton_take(notes, SALT, &d, 0);
}

static uint32_t follow(uint16_t port, unsigned char first, uint32_t count, uint64_t stamp_ns)
{
	struct datagram d = train(port, first, count);

	return baton_take(follows, SALT, &d, stamp_ns);
}

/* Carries the marks over. */
static void pass(void)
{
	for (uint32_t m = 0; m < notes->room; m++) {
		if (notes->marks[m].sender != 0) {
			ck_assert(baton_add(follows, &notes->marks[m]));
		}
	}
}

START_TEST(each_sender_goes_on_at_its_own_mark)
{
	ck_assert_uint_eq(note(1, 10, 1), 1);
	ck_assert_uint_eq(note(2, 50, 1), 1);
	ck_assert_uint_eq(note(1, 11, 1), 1);
	ck_assert_uint_eq(notes->count, 2);
	pass();
	ck_assert_uint_eq(follow(1, 9, 1, 0), 1);
	ck_assert_uint_eq(follow(2, 10, 1, 0), 1); /* another's */
	ck_assert_uint_eq(follow(1, 10, 1, 0), 0);
	ck_assert_uint_eq(follow(2, 49, 1, 0), 1);
	ck_assert_uint_eq(follow(1, 9, 1, 0), 0); /* for good */
	ck_assert_uint_eq(follow(2, 50, 1, 0), 0);
	ck_assert_uint_eq(stat_get(&follows->met), 2);
	ck_assert_uint_eq(stat_get(&follows->passed), 0);
}
END_TEST

START_TEST(trains_need_not_be_the_same_ones)
{
	ck_assert_uint_eq(note(1, 10, 5), 5);
	pass();
	ck_assert_uint_eq(follow(1, 4, 4, 0), 4);
	ck_assert_uint_eq(follow(1, 8, 6, 0), 2); /* 8 and 9 were relayed there */
	ck_assert_uint_eq(follow(1, 14, 3, 0), 0);
}
END_TEST

START_TEST(a_mark_that_was_lost_on_the_way_has_two_after_it)
{
	ck_assert_uint_eq(note(1, 10, 1), 1);
	ck_assert_uint_eq(note(1, 11, 4), 4);
	pass();
	ck_assert_uint_eq(follow(1, 9, 1, 0), 1);
	ck_assert_uint_eq(follow(1, 12, 1, 0), 0);
	ck_assert_uint_eq(stat_get(&follows->met), 1);
}
END_TEST

START_TEST(who_was_silent_is_told_by_the_clock)
{
	ck_assert_uint_eq(follow(3, 1, 2, follows->since_ns - 1), 2);
	ck_assert_uint_eq(follow(3, 3, 1, follows->since_ns), 0);
	ck_assert_uint_eq(follow(4, 1, 1, 0), 0); /* whose time nobody knows */
}
END_TEST

START_TEST(what_came_before_is_relayed_by_who_goes)
{
	struct datagram d = train(1, 8, 2);

	ck_assert_uint_eq(baton_take(notes, SALT, &d, notes->since_ns - 1), 0);
	ck_assert_uint_eq(notes->count, 0);
	d = train(1, 10, 1);
	ck_assert_uint_eq(baton_take(notes, SALT, &d, notes->since_ns), 1);
	pass();
	ck_assert_uint_eq(follow(1, 9, 3, 0), 1);
	notes->end_ns = 1; /* a clock that was set back is to hold nothing up */
	ck_assert_uint_eq(baton_take(notes, SALT, &d, notes->since_ns - 1), 1);
}
END_TEST

START_TEST(nobody_is_waited_for_without_end)
{
	ck_assert_uint_eq(note(1, 10, 1), 1);
	ck_assert_uint_eq(note(2, 10, 1), 1);
	pass();
	ck_assert_uint_eq(follow(1, 1, 1, follows->since_ns), 1);
	ck_assert_uint_eq(follow(1, 2, 1, follows->since_ns + NS_PER_S), 0);
	ck_assert_uint_eq(stat_get(&follows->passed), 1);
	ck_assert_uint_eq(follow(2, 1, 1, 0), 1);
	follows->end_ns = 1;
	ck_assert_uint_eq(follow(2, 1, 1, 0), 0);
	ck_assert_uint_eq(follow(3, 1, 1, 1), 0);
	ck_assert_uint_eq(stat_get(&follows->passed), 2);
	ck_assert_uint_eq(stat_get(&follows->met), 0);
}
END_TEST

START_TEST(there_is_room_for_so_many_senders)
{
	uint32_t most = notes->room / 2;

	ck_assert_uint_ge(most, MOST);
	for (uint16_t port = 1; port < 40; port++) {
		ck_assert_uint_eq(note(port, 1, 1), 1);
	}
	ck_assert_uint_eq(notes->count, most);
	ck_assert(!baton_add(notes, &(struct baton_mark){.sender = 1, .count = 1}));
	ck_assert(!baton_add(follows, &(struct baton_mark){.sender = 0, .count = 1}));
}
END_TEST

START_TEST(an_empty_datagram_is_one_too)
{
	struct datagram d = train(1, 0, 1);

	d.bytes = d.segment_bytes = 0;
	ck_assert_uint_eq(baton_take(notes, SALT, &d, 0), 1);
	pass();
	ck_assert_uint_eq(follow(1, 1, 1, 0), 1);
	d = train(1, 0, 1);
	d.bytes = d.segment_bytes = 0;
	ck_assert_uint_eq(baton_take(follows, SALT, &d, 0), 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("baton");
	SRunner *runner = srunner_create(suite);
	TCase *tc = tcase_create("baton");
	int failed;

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, each_sender_goes_on_at_its_own_mark);
	tcase_add_test(tc, trains_need_not_be_the_same_ones);
	tcase_add_test(tc, a_mark_that_was_lost_on_the_way_has_two_after_it);
	tcase_add_test(tc, who_was_silent_is_told_by_the_clock);
	tcase_add_test(tc, what_came_before_is_relayed_by_who_goes);
	tcase_add_test(tc, nobody_is_waited_for_without_end);
	tcase_add_test(tc, there_is_room_for_so_many_senders);
	tcase_add_test(tc, an_empty_datagram_is_one_too);
	suite_add_tcase(suite, tc);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
