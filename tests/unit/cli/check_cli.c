/* check_cli.c - a program of two commands that is nobody's: its command line, its files, its help.
 *
 * `cook' has actions and takes no operands; `eat' takes some, and an option once only. They share
 * a group of rows. What one row makes of one text is check_cli_value.c.
 */
#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "src/cli/file.h"
#include "src/cli/help.h"
#include "src/cli/line.h"
#include "src/cli/nearest.h"
#include "src/cli/program.h"

enum mode {
	MODE_RUN,
	MODE_HELP,
	MODE_VERSION,
	MODE_CHECK,
	MODE_PLAN
};

struct meal {
	enum mode mode;
	uint32_t plates, salt;
	bool hot;
	char steps[256]; /* what `step' said, and where it stood */
};

#define AT(member) CLI_AT(struct meal, member)

static int add_step(struct cli_fill *fill, const char *value, const char *where, struct err *err)
{
	struct meal *meal = fill->into;
	size_t used = strlen(meal->steps);

	if (strcmp(value, "burn") == 0) {
		err_set(err, "%s: burns; expected anything else; leave it out", where);
		return -EINVAL;
	}
	snprintf(meal->steps + used, sizeof(meal->steps) - used, "[%s=%s salt %u]", where, value,
		 meal->salt);
	return 0;
}

static int read_recipe(struct cli_fill *fill, const char *value, const char *where, struct err *err)
{
	return cli_file_apply(fill, value, strlen(value), "recipe", err);
}

static const struct cli_row shared_rows[] = {
	{.name = "plates",
	 .letter = 'p',
	 .kind = CLI_NUMBER,
	 .arg = "N",
	 AT(plates),
	 .min = 1,
	 .max = 100,
	 .initial = "4",
	 .help = "how many"},
	{.name = "help",
	 .letter = 'h',
	 .flags = CLI_FIRST | CLI_NOT_IN_FILE,
	 .kind = CLI_ACTION,
	 AT(mode),
	 .min = MODE_HELP,
	 .help = "print this"},
	{.name = "version",
	 .flags = CLI_FIRST | CLI_NOT_IN_FILE,
	 .kind = CLI_ACTION,
	 AT(mode),
	 .min = MODE_VERSION,
	 .help = "print that"},
	{0},
};

static const struct cli_row cook_rows[] = {
	{.name = "step",
	 .flags = CLI_REPEATS,
	 .kind = CLI_CALL,
	 .arg = "STEP",
	 .call = add_step,
	 .help = "do STEP"},
	{.name = "recipe",
	 .flags = CLI_REPEATS | CLI_NOT_IN_FILE,
	 .kind = CLI_CALL,
	 .arg = "TEXT",
	 .call = read_recipe,
	 .help = "read TEXT"},
	{.name = "salt",
	 .kind = CLI_NUMBER,
	 .arg = "N",
	 AT(salt),
	 .max = 9,
	 .initial = "1",
	 .help = "first line\nsecond line"},
	{.name = "check",
	 .flags = CLI_NOT_IN_FILE,
	 .kind = CLI_ACTION,
	 AT(mode),
	 .min = MODE_CHECK,
	 .help = "only look"},
	{.name = "plan",
	 .flags = CLI_NOT_IN_FILE,
	 .kind = CLI_ACTION,
	 AT(mode),
	 .min = MODE_PLAN,
	 .help = "only think"},
	{0},
};

static const struct cli_row eat_rows[] = {
	{.name = "hot", .kind = CLI_FLAG, AT(hot), .help = "while it is"},
	{0},
};

static const struct cli_group shared_group = {"Both", shared_rows};
static const struct cli_group cook_group = {"Cooking", cook_rows};
static const struct cli_group eat_group = {"Eating", eat_rows};

static const struct cli_table cook;
static const struct cli_table eat;
static const struct cli_table *const commands[] = {&cook, &eat, NULL};

static const struct cli_table cook = {
	.program = "kitchen",
	.command = "cook",
	.groups = (const struct cli_group *const[]){&cook_group, &shared_group, NULL},
	.commands = commands,
	.no_operands = "cooking takes steps; write --step",
};

static const struct cli_table eat = {
	.program = "kitchen",
	.command = "eat",
	.groups = (const struct cli_group *const[]){&eat_group, &shared_group, NULL},
	.commands = commands,
	.operands = "DISH",
	.once = true,
};

static const struct cli_table look = {
	.program = "kitchen",
	.groups = (const struct cli_group *const[]){&shared_group, NULL},
	.no_operands = "expected a command",
};

static const struct cli_program program = {commands, &look, "cook or eat"};

static struct meal meal;
static struct cli_fill fill;
static struct cli_line line;
static struct err err;
static const struct cli_row *shown;

static void tear_down(void)
{
	cli_line_free(&line);
}

/* All three steps over words that end with NULL. */
static int parse(const struct cli_table *table, const char *const *words)
{
	int argc = 0;
	int rc;

	while (words[argc]) {
		argc++;
	}
	meal = (struct meal){0};
	cli_line_free(&line);
	ck_assert_int_eq(cli_fill_init(&fill, table, &meal, &err), 0);
	rc = cli_line_split(table, argc, (char **)words, &line, &err);
	rc = rc == 0 ? cli_line_look(&line, &fill, &shown, &err) : rc;
	return rc == 0 && !shown ? cli_line_apply(&line, &fill, &err) : rc;
}

#define WORDS(...)        ((const char *const[]){__VA_ARGS__, NULL})
#define TAKEN(table, ...) ck_assert_msg(parse(&table, WORDS(__VA_ARGS__)) == 0, "%s", err.text)
#define REFUSED(table, says, ...)                                             \
	do {                                                                  \
		ck_assert_int_eq(parse(&table, WORDS(__VA_ARGS__)), -EINVAL); \
		ck_assert_str_eq(err.text, says);                             \
	} while (0)

START_TEST(values_follow_or_stand_behind_an_equals_sign)
{
	TAKEN(cook, "--salt", "3", "--plates=7");
	ck_assert_uint_eq(meal.salt, 3);
	ck_assert_uint_eq(meal.plates, 7);
	ck_assert(cli_fill_was_given(&fill, "salt"));
	TAKEN(cook, "-p", "9");
	ck_assert_uint_eq(meal.plates, 9);
	ck_assert_uint_eq(meal.salt, 1);
	ck_assert(!cli_fill_was_given(&fill, "salt"));
	REFUSED(cook, "--salt: no value follows; expected --salt N; add it", "--salt");
}
END_TEST

START_TEST(what_repeats_comes_first_in_order_with_its_number)
{
	TAKEN(cook, "--salt", "5", "--step", "chop", "--recipe", "salt 2\nstep boil", "--step",
	      "fry");
	ck_assert_str_eq(meal.steps, "[--step 1=chop salt 1][recipe:2=boil salt 2]"
				     "[--step 2=fry salt 2]");
	ck_assert_uint_eq(meal.salt, 5); /* the command line wins over the file */
	REFUSED(cook, "--step 2: burns; expected anything else; leave it out", "--step", "chop",
		"--step", "burn");
}
END_TEST

START_TEST(the_last_wins_unless_an_option_stands_once)
{
	TAKEN(cook, "--salt", "2", "--salt", "3");
	ck_assert_uint_eq(meal.salt, 3);
	REFUSED(eat, "--plates: stands twice; an option is given once; remove one of the two",
		"--plates", "2", "-p", "2");
}
END_TEST

START_TEST(help_wins_over_everything_that_splits)
{
	TAKEN(cook, "--salt", "nonsense", "--version", "--check", "--plan", "-h");
	ck_assert_ptr_eq(shown, &shared_rows[1]);
	ck_assert_int_eq(meal.mode, MODE_HELP);
	TAKEN(cook, "--version");
	ck_assert_int_eq(meal.mode, MODE_VERSION);
	REFUSED(cook, "--help: 'me' is not valid; help takes no value; correct or remove it",
		"--help=me");
}
END_TEST

START_TEST(one_run_does_one_thing)
{
	TAKEN(cook, "--plan", "--plan");
	ck_assert_int_eq(meal.mode, MODE_PLAN);
	REFUSED(cook, "--check: comes with --plan; one run does one of the two; remove one",
		"--plan", "--check");
}
END_TEST

START_TEST(operands_stand_anywhere_where_there_may_be_any)
{
	TAKEN(eat, "soup", "--hot", "-", "--plates", "2", "--", "--hot", "--");
	ck_assert_uint_eq(line.operand_count, 4);
	ck_assert_str_eq(line.operands[0], "soup");
	ck_assert_str_eq(line.operands[1], "-");
	ck_assert_str_eq(line.operands[2], "--hot");
	ck_assert_str_eq(line.operands[3], "--");
	ck_assert(meal.hot);
	REFUSED(cook, "'soup': unexpected argument; cooking takes steps; write --step", "soup");
	REFUSED(cook, "'--': unexpected argument; cooking takes steps; write --step", "--");
}
END_TEST

START_TEST(unknown_options_name_the_nearest_or_the_command_that_has_them)
{
	REFUSED(cook,
		"--sald: unknown option; expected one of those in kitchen cook --help; "
		"did you mean --salt",
		"--sald=3");
	REFUSED(cook,
		"-x: unknown option; expected one of those in kitchen cook --help; "
		"check the spelling",
		"-x");
	REFUSED(eat,
		"--salt: belongs to kitchen cook; expected one of those in kitchen eat --help; "
		"leave it out",
		"--salt=3");
}
END_TEST

START_TEST(commands_are_found_by_name)
{
	const struct cli_table *table = NULL;

	ck_assert_int_eq(cli_table_find(commands, "eat", &table, &err), 0);
	ck_assert_ptr_eq(table, &eat);
	ck_assert_int_eq(cli_table_find(commands, "coock", &table, &err), -EINVAL);
	ck_assert_str_eq(err.text, "'coock': unknown command; expected cook or eat, as kitchen "
				   "--help explains; did you mean cook");
	ck_assert_int_eq(cli_table_find(commands, "", &table, &err), -EINVAL);
	ck_assert_str_eq(err.text, "'': unknown command; expected cook or eat, as kitchen --help "
				   "explains; write one of them first");
	ck_assert_ptr_eq(table, &eat);
}
END_TEST

/* Reads words that end with NULL; the first is the program's name. */
static int read_program(char **words, struct cli_given *out)
{
	int argc = 0;

	while (words[argc]) {
		argc++;
	}
	meal = (struct meal){0};
	return cli_program_read(&program, argc, words, &meal, out, &err);
}

START_TEST(command_is_the_first_word_that_is_no_option_and_no_value)
{
	char *before[] = {(char *)"kitchen", (char *)"--plates", (char *)"7",
			  (char *)"--hot",   (char *)"eat",      (char *)"cook",
			  (char *)"--",      (char *)"-p",       NULL};
	char *none[] = {(char *)"kitchen", (char *)"--hot", (char *)"--salt", (char *)"eat", NULL};
	char *looks[] = {(char *)"kitchen", (char *)"--hot", (char *)"--version", NULL};
	char *unknown[] = {(char *)"kitchen", (char *)"--cold", (char *)"eat", NULL};
	struct cli_given given;

	ck_assert_int_eq(read_program(before, &given), 0);
	ck_assert_ptr_eq(given.table, &eat);
	ck_assert(!given.looks);
	ck_assert_uint_eq(meal.plates, 7);
	ck_assert(meal.hot);
	ck_assert_uint_eq(given.line.operand_count, 2);
	ck_assert_str_eq(given.line.operands[0], "cook");
	ck_assert_str_eq(given.line.operands[1], "-p");
	cli_line_free(&given.line);
	ck_assert_int_eq(read_program(none, &given), -EINVAL);
	ck_assert_str_eq(err.text, "no command is given; expected cook or eat; see kitchen --help");
	ck_assert_int_eq(read_program(looks, &given), 0);
	ck_assert(given.looks && !given.table && meal.mode == MODE_VERSION);
	cli_line_free(&given.line);
	ck_assert_int_eq(read_program(unknown, &given), -EINVAL);
	ck_assert_ptr_nonnull(strstr(err.text, "--cold: unknown option"));
}
END_TEST

START_TEST(shared_rows_have_a_position_in_each_table)
{
	ck_assert_uint_eq(cli_row_position(&cook, &shared_rows[0]), 5);
	ck_assert_uint_eq(cli_row_position(&eat, &shared_rows[0]), 1);
	ck_assert_ptr_eq(cli_row_at(&eat, 1), &shared_rows[0]);
	ck_assert_ptr_null(cli_row_at(&eat, 4));
	ck_assert_ptr_null(cli_row_find(&eat, "salt", 4));
	ck_assert_ptr_eq(cli_row_find(&cook, "salty", 4), &cook_rows[2]);
}
END_TEST

START_TEST(nearest_is_the_closest_of_what_is_close)
{
	struct cli_nearest meant = cli_nearest_to("platter", 7);

	ck_assert(!cli_nearest_offer(&meant, "salt"));
	ck_assert(cli_nearest_offer(&meant, "plates"));
	ck_assert(!cli_nearest_offer(&meant, "plates")); /* no closer than before */
	ck_assert(cli_nearest_offer(&meant, "platters"));
	meant = cli_nearest_to("", 0);
	ck_assert(!cli_nearest_offer(&meant, "a"));
	meant = cli_nearest_to("plates", 6);
	ck_assert(!cli_nearest_offer(&meant, "a-name-much-longer-than-any-of-our-options"));
}
END_TEST

static void refused_in_file(const char *text, const char *says)
{
	ck_assert_int_eq(cli_fill_init(&fill, &cook, &meal, &err), 0);
	ck_assert_int_eq(cli_file_apply(&fill, text, strlen(text), "r", &err), -EINVAL);
	ck_assert_str_eq(err.text, says);
}

START_TEST(files_name_the_program_and_what_does_not_belong_there)
{
	refused_in_file("salt 1\nsald 2\n",
			"r:2: unknown option 'sald'; expected a long option of kitchen without its "
			"dashes; did you mean salt");
	refused_in_file("x", "r:1: unknown option 'x'; expected a long option of kitchen without "
			     "its dashes; see kitchen --help");
	refused_in_file("plan\n", "r:1: plan does not belong into a file; it asks for something to "
				  "be done now; give --plan on the command line");
	refused_in_file("salt 1\nsalt 2\n",
			"r:2: salt stands in line 1 already; an option is given "
			"once a file; remove one of the two lines");
	refused_in_file("step burn\n", "r:1: burns; expected anything else; leave it out");
	refused_in_file("salt=1\n", "r:1: 'salt=1' has a '='; in a file a blank separates option "
				    "and value; write one instead");
}
END_TEST

START_TEST(a_file_that_cannot_be_read_is_refused_with_its_flag)
{
	ck_assert_int_eq(cli_fill_init(&fill, &cook, &meal, &err), 0);
	ck_assert_int_eq(cli_file_read(&fill, "--recipe", "/nonexistent", &err), -EINVAL);
	ck_assert_str_eq(err.text, "--recipe /nonexistent: cannot be read: No such file or "
				   "directory; expected a file that this user may read; check the "
				   "path and its permissions");
}
END_TEST

START_TEST(help_shows_every_group_and_every_row_with_its_default)
{
	static const char want[] = "\nCooking:\n"
				   "  --step STEP             do STEP\n"
				   "  --recipe TEXT           read TEXT\n"
				   "  --salt N                first line\n"
				   "                          second line [1]\n"
				   "  --check                 only look\n"
				   "  --plan                  only think\n"
				   "\nBoth:\n"
				   "  -p, --plates N          how many [4]\n"
				   "  -h, --help              print this\n"
				   "  --version               print that\n";
	char got[1024] = "";
	FILE *file = tmpfile();
	int saved = dup(STDOUT_FILENO);

	ck_assert_ptr_nonnull(file);
	fflush(stdout);
	ck_assert_int_ge(dup2(fileno(file), STDOUT_FILENO), 0);
	cli_help_print(&cook);
	fflush(stdout);
	ck_assert_int_ge(dup2(saved, STDOUT_FILENO), 0);
	close(saved);
	rewind(file);
	ck_assert_uint_gt(fread(got, 1, sizeof(got) - 1, file), 0);
	fclose(file);
	ck_assert_str_eq(got, want);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("cli");
	TCase *tc = tcase_create("cli");
	SRunner *runner = srunner_create(suite);
	int failed;

	suite_add_tcase(suite, tc);
	tcase_add_checked_fixture(tc, NULL, tear_down);
	tcase_add_test(tc, values_follow_or_stand_behind_an_equals_sign);
	tcase_add_test(tc, what_repeats_comes_first_in_order_with_its_number);
	tcase_add_test(tc, the_last_wins_unless_an_option_stands_once);
	tcase_add_test(tc, help_wins_over_everything_that_splits);
	tcase_add_test(tc, one_run_does_one_thing);
	tcase_add_test(tc, operands_stand_anywhere_where_there_may_be_any);
	tcase_add_test(tc, unknown_options_name_the_nearest_or_the_command_that_has_them);
	tcase_add_test(tc, commands_are_found_by_name);
	tcase_add_test(tc, command_is_the_first_word_that_is_no_option_and_no_value);
	tcase_add_test(tc, shared_rows_have_a_position_in_each_table);
	tcase_add_test(tc, nearest_is_the_closest_of_what_is_close);
	tcase_add_test(tc, files_name_the_program_and_what_does_not_belong_there);
	tcase_add_test(tc, a_file_that_cannot_be_read_is_refused_with_its_flag);
	tcase_add_test(tc, help_shows_every_group_and_every_row_with_its_default);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
