/* check_cli_value.c - one row and one text: what is stored, in members of every width, and what a
 * refusal says.
 */
#include "src/cli/value.h"

#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "src/cli/fill.h"

enum colour {
	RED,
	GREEN,
};

/* A struct that is nobody's. */
struct gadget {
	bool loud;
	uint32_t count;
	int level;
	uint64_t big, bytes, wait_ns;
	double ratio;
	enum colour colour;
	enum colour shade;
	char *name;
	uint32_t mode, format;
	uint32_t even;
};

#define AT(member) CLI_AT(struct gadget, member)

static int read_even(const struct cli_row *row, void *into, const char *value)
{
	struct gadget *gadget = into;
	unsigned number = (unsigned)atoi(value);

	if (number % 2 != 0) {
		return -EINVAL;
	}
	gadget->even = number;
	return 0;
}

static const char *const any[] = {"any", NULL};
static const uint64_t minus_one[] = {(uint64_t)-1};
static const char *const colours[] = {"red", "green", NULL};
static const uint64_t shades[] = {7, 9};

static const struct cli_row rows[] = {
	{.name = "loud", .kind = CLI_FLAG, AT(loud)},
	{.name = "count", .kind = CLI_NUMBER, .arg = "N", AT(count), .min = 1, .max = 10},
	{.name = "level",
	 .kind = CLI_NUMBER,
	 .arg = "N",
	 AT(level),
	 .max = 5,
	 .choices = any,
	 .meanings = minus_one,
	 .initial = "any"},
	{.name = "big",
	 .kind = CLI_COUNT,
	 .arg = "N",
	 AT(big),
	 .max = UINT64_MAX,
	 .initial = "5k",
	 .example = "1M"},
	{.name = "bytes",
	 .kind = CLI_SIZE,
	 .arg = "BYTES",
	 AT(bytes),
	 .min = 1,
	 .max = 2u << 30,
	 .choices = colours,
	 .meanings = shades},
	{.name = "wait",
	 .kind = CLI_SECONDS,
	 .arg = "SECONDS",
	 AT(wait_ns),
	 .max = 60000000000,
	 .initial = "0.25"},
	{.name = "ratio", .kind = CLI_RATIO, .arg = "R", AT(ratio), .max = 2, .initial = "1.5"},
	{.name = "colour", .kind = CLI_CHOICE, .arg = "C", AT(colour), .choices = colours},
	{.name = "shade",
	 .kind = CLI_CHOICE,
	 .arg = "C",
	 AT(shade),
	 .choices = colours,
	 .meanings = shades,
	 .initial = "green"},
	{.name = "name", .kind = CLI_TEXT, .arg = "NAME", AT(name), .example = "me"},
	{.name = "show",
	 .kind = CLI_ACTION,
	 AT(mode),
	 .min = 3,
	 .choices = colours,
	 .detail = offsetof(struct gadget, format)},
	{.name = "even", .kind = CLI_OWN, .arg = "N", .read = read_even, .takes = "an even number"},
	{0},
};

static const struct cli_group group = {"All", rows};
static const struct cli_table table = {
	.program = "gadget",
	.groups = (const struct cli_group *const[]){&group, NULL},
};

static struct gadget gadget;
static struct err err;

static void tear_down(void)
{
	free(gadget.name);
	gadget = (struct gadget){0};
}

static int set(const char *name, const char *value, const char *where)
{
	const struct cli_row *row = cli_row_find(&table, name, strlen(name));

	ck_assert_ptr_nonnull(row);
	return cli_value_set(row, &gadget, value, where, &err);
}

static void taken(const char *name, const char *value)
{
	ck_assert_msg(set(name, value, name) == 0, "%s %s: %s", name, value, err.text);
}

START_TEST(defaults_are_read_like_arguments)
{
	struct cli_fill fill;

	ck_assert_int_eq(cli_fill_init(&fill, &table, &gadget, &err), 0);
	ck_assert_int_eq(gadget.level, -1);
	ck_assert_uint_eq(gadget.big, 5000);
	ck_assert_uint_eq(gadget.wait_ns, 250000000);
	ck_assert_double_eq(gadget.ratio, 1.5);
	ck_assert_uint_eq(gadget.shade, 9);
	ck_assert_uint_eq(gadget.count, 0); /* none in its row */
	ck_assert(!cli_fill_was_given(&fill, "level"));
	ck_assert_int_eq(cli_fill_set(&fill, &rows[2], "3", "--level", &err), 0);
	ck_assert(cli_fill_was_given(&fill, "level"));
	ck_assert_int_eq(cli_fill_set(&fill, &rows[1], "99", "--count", &err), -EINVAL);
	ck_assert(!cli_fill_was_given(&fill, "count"));
}
END_TEST

START_TEST(values_fill_members_of_their_width)
{
	gadget.level = 1;
	taken("loud", NULL);
	ck_assert(gadget.loud);
	taken("loud", "off");
	ck_assert(!gadget.loud);
	taken("count", "10");
	ck_assert_uint_eq(gadget.count, 10);
	ck_assert_int_eq(gadget.level, 1); /* the neighbour stays */
	taken("level", "any");
	ck_assert_int_eq(gadget.level, -1);
	taken("big", "18446744073709551615");
	ck_assert_uint_eq(gadget.big, UINT64_MAX);
	taken("bytes", "2G");
	ck_assert_uint_eq(gadget.bytes, 2u << 30);
	taken("bytes", "red");
	ck_assert_uint_eq(gadget.bytes, 7);
	taken("wait", "60");
	ck_assert_uint_eq(gadget.wait_ns, 60000000000);
	taken("ratio", "0.5");
	ck_assert_double_eq(gadget.ratio, 0.5);
	taken("colour", "green");
	ck_assert_int_eq(gadget.colour, GREEN);
	taken("shade", "red");
	ck_assert_uint_eq(gadget.shade, 7);
	taken("name", "one");
	taken("name", "two");
	ck_assert_str_eq(gadget.name, "two");
	taken("even", "4");
	ck_assert_uint_eq(gadget.even, 4);
}
END_TEST

START_TEST(actions_set_their_mode_and_their_detail)
{
	gadget.format = 5;
	taken("show", NULL);
	ck_assert_uint_eq(gadget.mode, 3);
	ck_assert_uint_eq(gadget.format, 5);
	taken("show", "green");
	ck_assert_uint_eq(gadget.format, 1);
}
END_TEST

/* An option, a value that it does not take, and the whole refusal behind the first word. */
static const struct {
	const char *name, *value, *says;
} refusals[] = {
	{"loud", "yes", "'yes' is not valid; loud takes no value, on or off; correct or remove it"},
	{"loud", "", "'' is not valid; loud takes no value, on or off; correct or remove it"},
	{"count", "0", "'0' is not valid; count takes 1 to 10; correct or remove it"},
	{"count", "any", "'any' is not valid; count takes 1 to 10; correct or remove it"},
	{"level", "6",
	 "'6' is not valid; level takes 0 to 5, or any; write for instance '--level any'"},
	{"big", "1T",
	 "'1T' is not valid; big takes 0 to 18446744073709551615, with k, M or G for powers of "
	 "1000; write for instance '--big 1M'"},
	{"bytes", "3G",
	 "'3G' is not valid; bytes takes red, green or 1 to 2G bytes, with K, M or G; correct or "
	 "remove it"},
	{"wait", "61",
	 "'61' is not valid; wait takes seconds such as 2 or 0.5, 0 to 60; write for instance "
	 "'--wait 0.25'"},
	{"ratio", "3", "'3' is not valid; ratio takes 0 to 2; write for instance '--ratio 1.5'"},
	{"colour", "blue", "'blue' is not valid; colour takes red or green; correct or remove it"},
	{"name", "",
	 "'' is not valid; name takes a text that is not empty; write for instance '--name me'"},
	{"show", "blue", "'blue' is not valid; show takes red or green; correct or remove it"},
	{"even", "3", "'3' is not valid; even takes an even number; correct or remove it"},
};

START_TEST(refusals_are_made_from_the_row)
{
	char where[32];
	size_t len = (size_t)snprintf(where, sizeof(where), "--%s", refusals[_i].name);

	ck_assert_int_eq(set(refusals[_i].name, refusals[_i].value, where), -EINVAL);
	ck_assert_msg(strncmp(err.text, where, len) == 0, "%s", err.text);
	ck_assert_str_eq(err.text + len + 2, refusals[_i].says);
	ck_assert(!gadget.loud && gadget.count + gadget.mode + gadget.format + gadget.even == 0);
	ck_assert(gadget.big + gadget.bytes + gadget.wait_ns == 0 && gadget.level == 0);
	ck_assert(gadget.ratio == 0 && gadget.colour == RED && gadget.shade == RED);
	ck_assert_ptr_null(gadget.name);
}
END_TEST

START_TEST(a_refusal_in_a_file_shows_the_line_as_it_stands_there)
{
	ck_assert_int_eq(set("wait", "x", "a.conf:3"), -EINVAL);
	ck_assert_str_eq(err.text, "a.conf:3: 'x' is not valid; wait takes seconds such as 2 or "
				   "0.5, 0 to 60; write for instance 'wait 0.25'");
}
END_TEST

int main(void)
{
	const int refusal_count = (int)(sizeof(refusals) / sizeof(refusals[0]));
	Suite *suite = suite_create("cli_value");
	TCase *tc = tcase_create("cli_value");
	SRunner *runner = srunner_create(suite);
	int failed;

	suite_add_tcase(suite, tc);
	tcase_add_checked_fixture(tc, NULL, tear_down);
	tcase_add_test(tc, defaults_are_read_like_arguments);
	tcase_add_test(tc, values_fill_members_of_their_width);
	tcase_add_test(tc, actions_set_their_mode_and_their_detail);
	tcase_add_loop_test(tc, refusals_are_made_from_the_row, 0, refusal_count);
	tcase_add_test(tc, a_refusal_in_a_file_shows_the_line_as_it_stands_there);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
