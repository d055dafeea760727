/* check_num.c - numbers are read strictly: all of the text, in range, or not at all. */
#include "src/base/num.h"

#include <check.h>
#include <errno.h>
#include <stdlib.h>

#define UNTOUCHED 77

static void refused(int (*parse)(const char *, uint64_t, uint64_t, uint64_t *), const char *text,
		    int rc)
{
	uint64_t out = UNTOUCHED;

	ck_assert_msg(parse(text, 1, 1000000, &out) == rc, "'%s'", text);
	ck_assert_uint_eq(out, UNTOUCHED);
}

static uint64_t taken(int (*parse)(const char *, uint64_t, uint64_t, uint64_t *), const char *text)
{
	uint64_t out = UNTOUCHED;

	ck_assert_msg(parse(text, 0, 1ULL << 40, &out) == 0, "'%s'", text);
	return out;
}

START_TEST(only_digits_are_a_number)
{
	static const char *const junk[] = {"",    " 1",  "1 ", "+1", "-1", "0x10", "1e3",
					   "1.0", "one", "1K", "\t", "1,", "١",    "1\n"};

	for (size_t i = 0; i < sizeof(junk) / sizeof(junk[0]); i++) {
		refused(num_parse, junk[i], -EINVAL);
	}
	ck_assert_uint_eq(taken(num_parse, "0"), 0);
	ck_assert_uint_eq(taken(num_parse, "007"), 7);
	ck_assert_uint_eq(taken(num_parse, "1099511627776"), 1ULL << 40);
}
END_TEST

START_TEST(range_and_overflow_are_refused_not_clamped)
{
	refused(num_parse, "0", -ERANGE);
	refused(num_parse, "1000001", -ERANGE);
	refused(num_parse, "18446744073709551615", -ERANGE);
	refused(num_parse, "18446744073709551616", -ERANGE);
	refused(num_parse, "99999999999999999999999999999999", -ERANGE);
	refused(num_parse, "99999999999999999999x", -EINVAL);
	refused(num_parse_size, "18446744073709551615G", -ERANGE);
	refused(num_parse_size, "17179869184G", -ERANGE); /* 2^34 * 2^30 is 0 in 64 bits */
	refused(num_parse_rate, "99999999999999999G", -ERANGE);
}
END_TEST

START_TEST(all_64_bits_are_a_range)
{
	uint64_t out = UNTOUCHED;

	ck_assert_int_eq(num_parse("18446744073709551615", 0, UINT64_MAX, &out), 0);
	ck_assert_uint_eq(out, UINT64_MAX);
	out = UNTOUCHED;
	ck_assert_int_eq(num_parse("18446744073709551616", 0, UINT64_MAX, &out), -ERANGE);
	ck_assert_int_eq(num_parse_count("99999999999999999999G", 0, UINT64_MAX, &out), -ERANGE);
	ck_assert_int_eq(num_parse_seconds("18446744073.709551616", 0, UINT64_MAX, &out), -ERANGE);
	ck_assert_uint_eq(out, UNTOUCHED);
	ck_assert_int_eq(num_parse_seconds("18446744073.709551615", 0, UINT64_MAX, &out), 0);
	ck_assert_uint_eq(out, UINT64_MAX);
}
END_TEST

START_TEST(counts_count_in_1000)
{
	ck_assert_uint_eq(taken(num_parse_count, "50000"), 50000);
	ck_assert_uint_eq(taken(num_parse_count, "50k"), 50000);
	ck_assert_uint_eq(taken(num_parse_count, "50K"), 50000);
	ck_assert_uint_eq(taken(num_parse_count, "1M"), 1000000);
	ck_assert_uint_eq(taken(num_parse_count, "2G"), 2000000000);
	refused(num_parse_count, "", -EINVAL);
	refused(num_parse_count, "k", -EINVAL);
	refused(num_parse_count, "1kk", -EINVAL);
	refused(num_parse_count, "1/s", -EINVAL);
	refused(num_parse_count, "2M", -ERANGE);
}
END_TEST

START_TEST(seconds_have_up_to_nine_decimals)
{
	static const char *const junk[] = {"",   ".5",  "1.", "1.2.3", "0.0000000001",
					   "1s", "1e2", "-1", "1 ",    "1,5"};

	for (size_t i = 0; i < sizeof(junk) / sizeof(junk[0]); i++) {
		refused(num_parse_seconds, junk[i], -EINVAL);
	}
	refused(num_parse_seconds, "0", -ERANGE);
	refused(num_parse_seconds, "0.001000001", -ERANGE);
	ck_assert_uint_eq(taken(num_parse_seconds, "2"), 2000000000);
	ck_assert_uint_eq(taken(num_parse_seconds, "2.5"), 2500000000);
	ck_assert_uint_eq(taken(num_parse_seconds, "0.000000001"), 1);
	ck_assert_uint_eq(taken(num_parse_seconds, "0"), 0);
}
END_TEST

START_TEST(sizes_count_in_1024)
{
	ck_assert_uint_eq(taken(num_parse_size, "4096"), 4096);
	ck_assert_uint_eq(taken(num_parse_size, "4K"), 4096);
	ck_assert_uint_eq(taken(num_parse_size, "4k"), 4096);
	ck_assert_uint_eq(taken(num_parse_size, "4M"), 4u << 20);
	ck_assert_uint_eq(taken(num_parse_size, "1G"), 1u << 30);
	refused(num_parse_size, "4KB", -EINVAL);
	refused(num_parse_size, "K", -EINVAL);
	refused(num_parse_size, "4T", -EINVAL);
	refused(num_parse_size, "4 K", -EINVAL);
	refused(num_parse_size, "", -EINVAL);
}
END_TEST

START_TEST(rates_count_in_1000_and_may_name_their_unit)
{
	ck_assert_uint_eq(taken(num_parse_rate, "64000"), 64000);
	ck_assert_uint_eq(taken(num_parse_rate, "64k"), 64000);
	ck_assert_uint_eq(taken(num_parse_rate, "10M"), 10000000);
	ck_assert_uint_eq(taken(num_parse_rate, "10Mbit"), 10000000);
	ck_assert_uint_eq(taken(num_parse_rate, "10Mbit/s"), 10000000);
	ck_assert_uint_eq(taken(num_parse_rate, "10M/s"), 10000000);
	ck_assert_uint_eq(taken(num_parse_rate, "9/s"), 9);
	ck_assert_uint_eq(taken(num_parse_rate, "1G"), 1000000000);
	refused(num_parse_rate, "10MB", -EINVAL);
	refused(num_parse_rate, "10Mbits", -EINVAL);
	refused(num_parse_rate, "10MM", -EINVAL);
	refused(num_parse_rate, "bit/s", -EINVAL);
	refused(num_parse_rate, "1.5M", -EINVAL);
}
END_TEST

START_TEST(ratios_have_at_most_one_point)
{
	static const char *const junk[] = {"",    ".",   "1.",  "1.2.3", "-1",
					   "1e2", "inf", "nan", "0x1",   "1,5"};
	double out = UNTOUCHED;

	for (size_t i = 0; i < sizeof(junk) / sizeof(junk[0]); i++) {
		ck_assert_msg(num_parse_ratio(junk[i], 0, 10, &out) == -EINVAL, "'%s'", junk[i]);
	}
	ck_assert_int_eq(num_parse_ratio("10.1", 0, 10, &out), -ERANGE);
	ck_assert_int_eq(num_parse_ratio("0.5", 1, 10, &out), -ERANGE);
	ck_assert_double_eq(out, UNTOUCHED);
	ck_assert_int_eq(num_parse_ratio("2.5", 0, 10, &out), 0);
	ck_assert_double_eq(out, 2.5);
	ck_assert_int_eq(num_parse_ratio(".5", 0, 10, &out), 0);
	ck_assert_double_eq(out, 0.5);
	ck_assert_int_eq(num_parse_ratio("10", 0, 10, &out), 0);
	ck_assert_double_eq(out, 10);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("num");
	TCase *tc = tcase_create("num");
	SRunner *runner = srunner_create(suite);
	int failed;

	suite_add_tcase(suite, tc);
	tcase_add_test(tc, only_digits_are_a_number);
	tcase_add_test(tc, range_and_overflow_are_refused_not_clamped);
	tcase_add_test(tc, sizes_count_in_1024);
	tcase_add_test(tc, rates_count_in_1000_and_may_name_their_unit);
	tcase_add_test(tc, all_64_bits_are_a_range);
	tcase_add_test(tc, counts_count_in_1000);
	tcase_add_test(tc, seconds_have_up_to_nine_decimals);
	tcase_add_test(tc, ratios_have_at_most_one_point);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
