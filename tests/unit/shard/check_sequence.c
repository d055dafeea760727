/* check_sequence.c - a datagram's number is read where the rule says, and never beyond its end. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "shard/sequence.h"

static const struct field_case {
	struct sequence_field field;
	unsigned char payload[12];
	uint32_t bytes;
	bool ok;
	uint64_t number;
} field_cases[] = {
	{{1, 0, false}, {0xab}, 1, true, 0xab},
	{{1, 3, true}, {0, 0, 0, 0x7f}, 4, true, 0x7f},
	{{1, 3, true}, {0, 0, 0, 0x7f}, 3, false, 0},
	{{2, 0, false}, {0x12, 0x34}, 2, true, 0x1234},
	{{2, 0, true}, {0x12, 0x34}, 2, true, 0x3412},
	{{2, 1, true}, {0, 0x12, 0x34}, 2, false, 0},
	{{4, 0, false}, {1, 2, 3, 4}, 4, true, 0x01020304},
	{{4, 0, true}, {1, 2, 3, 4}, 4, true, 0x04030201},
	{{4, 5, true}, {0, 0, 0, 0, 0, 1, 2, 3, 4}, 9, true, 0x04030201},
	{{4, 5, true}, {0, 0, 0, 0, 0, 1, 2, 3, 4}, 8, false, 0},
	{{8, 0, false}, {1, 2, 3, 4, 5, 6, 7, 8}, 8, true, 0x0102030405060708},
	{{8, 0, true}, {1, 2, 3, 4, 5, 6, 7, 8}, 8, true, 0x0807060504030201},
	{{8, 4, true}, {0}, 11, false, 0},
	{{8, 255, false}, {0}, 12, false, 0},
	{{2, 0, false}, {0}, 0, false, 0},
};

START_TEST(field_is_read_in_its_order_and_place)
{
	const struct field_case *c = &field_cases[_i];
	struct sequence_rule rule = {.number = c->field};
	/* As long as the datagram and no longer: what reads on is found by the sanitizer. */
	unsigned char *payload = malloc(c->bytes > 0 ? c->bytes : 1);
	struct sequence seq;

	ck_assert_ptr_nonnull(payload);
	memcpy(payload, c->payload, c->bytes);
	ck_assert_int_eq(sequence_read(&rule, payload, c->bytes, &seq), c->ok);
	if (c->ok) {
		ck_assert_uint_eq(seq.number, c->number);
		ck_assert_uint_eq(seq.count, 1);
		ck_assert(!seq.beat);
	}
	free(payload);
}
END_TEST

START_TEST(rtp_has_number_and_sender)
{
	unsigned char rtp[12] = {0x80, 0x60, 0x12, 0x34, 0, 0, 0, 0, 1, 2, 3, 4};
	const unsigned char ssrc[16] = {1, 2, 3, 4};
	struct sequence seq;

	ck_assert(sequence_read(&sequence_rtp, rtp, sizeof(rtp), &seq));
	ck_assert_uint_eq(seq.number, 0x1234);
	ck_assert_mem_eq(seq.session, ssrc, sizeof(ssrc));
	ck_assert(!sequence_read(&sequence_rtp, rtp, sizeof(rtp) - 1, &seq));
	rtp[0] = 0x40;
	ck_assert(!sequence_read(&sequence_rtp, rtp, sizeof(rtp), &seq));
	rtp[0] = 0x80;
	rtp[1] = 200; /* a sender's report */
	ck_assert(!sequence_read(&sequence_rtp, rtp, sizeof(rtp), &seq));
	rtp[1] = 0x80 | 96; /* the marker */
	ck_assert(sequence_read(&sequence_rtp, rtp, sizeof(rtp), &seq));
}
END_TEST

START_TEST(moldudp64_counts_messages_and_beats)
{
	unsigned char mold[20] = "SESSION001\0\0\0\0\0\0\1\2\0\3";
	struct sequence seq;

	ck_assert(sequence_read(&sequence_moldudp64, mold, sizeof(mold), &seq));
	ck_assert_uint_eq(seq.number, 0x102);
	ck_assert_uint_eq(seq.count, 3);
	ck_assert_mem_eq(seq.session, "SESSION001\0\0\0\0\0\0", 16);
	ck_assert(!seq.beat);
	mold[19] = 0;
	ck_assert(sequence_read(&sequence_moldudp64, mold, sizeof(mold), &seq));
	ck_assert(seq.beat);
	for (uint32_t bytes = 0; bytes < sizeof(mold); bytes++) {
		ck_assert(!sequence_read(&sequence_moldudp64, mold, bytes, &seq));
	}
	mold[18] = mold[19] = 0xff;
	ck_assert(sequence_read(&sequence_moldudp64, mold, sizeof(mold), &seq));
	ck_assert(seq.beat);
}
END_TEST

/* Only MoldUDP64 ends a session so. */
START_TEST(count_of_all_ones_is_a_count)
{
	const struct sequence_rule rule = {.number = {.bytes = 1},
					   .count = {.bytes = 8, .offset = 1}};
	unsigned char payload[9];
	struct sequence seq;

	memset(payload, 0xff, sizeof(payload));
	ck_assert(sequence_read(&rule, payload, sizeof(payload), &seq));
	ck_assert(!seq.beat);
	ck_assert_uint_eq(seq.count, UINT32_MAX);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("sequence");
	TCase *tests = tcase_create("reader");
	SRunner *runner;
	int failed;

	tcase_add_loop_test(tests, field_is_read_in_its_order_and_place, 0,
			    (int)(sizeof(field_cases) / sizeof(field_cases[0])));
	tcase_add_test(tests, rtp_has_number_and_sender);
	tcase_add_test(tests, moldudp64_counts_messages_and_beats);
	tcase_add_test(tests, count_of_all_ones_is_a_count);
	suite_add_tcase(suite, tests);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
