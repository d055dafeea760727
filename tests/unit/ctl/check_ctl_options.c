/* check_ctl_options.c - the command line of numacastctl, its manual, and the lines of a batch. */
#include "src/ctl/options.h"

#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "src/base/clock.h"
#include "src/ctl/batch.h"
#include "src/ctl/completion.h"

static struct ctl_opt opt;
static struct err err;

/* Parses words that are cut as those of a batch. */
static int parse(const char *words)
{
	static char line[512];
	char *argv[BATCH_WORDS_MAX + 1] = {(char *)"numacastctl"};

	snprintf(line, sizeof(line), "%s", words);
	return ctl_options_parse(1 + batch_split(line, argv + 1, &err), argv, &opt, &err);
}

START_TEST(command_takes_options_and_words_in_any_order)
{
	ck_assert_int_eq(parse("show --json flows one 'two three' --control /x"), 0);
	ck_assert_str_eq(opt.command->table.command, "show");
	ck_assert_uint_eq(opt.operand_count, 3);
	ck_assert_str_eq(opt.operands[2], "two three");
	ck_assert_str_eq(opt.control, "/x");
	ck_assert(opt.json);
	ck_assert_uint_eq(opt.timeout_ns, 10 * NS_PER_S);
	ctl_options_free(&opt);
	ck_assert_int_eq(parse("stats --watch 0.5 --count 3 --rates"), 0);
	ck_assert_uint_eq(opt.watch_ns, NS_PER_S / 2);
	ck_assert_uint_eq(opt.count, 3);
	ctl_options_free(&opt);
	ck_assert_int_eq(parse("show --help"), 0); /* no subject needed */
	ck_assert_int_eq(opt.mode, CTL_MODE_HELP);
	ctl_options_free(&opt);
	ck_assert_int_eq(parse("--version"), 0);
	ck_assert_int_eq(opt.mode, CTL_MODE_VERSION);
	ctl_options_free(&opt);
}
END_TEST

START_TEST(options_stand_before_the_command_as_well)
{
	ck_assert_int_eq(parse("--control show --timeout=2 --json show rules one"), 0);
	ck_assert_str_eq(opt.command->table.command, "show");
	ck_assert_str_eq(opt.control, "show");
	ck_assert_uint_eq(opt.timeout_ns, 2 * NS_PER_S);
	ck_assert(opt.json);
	ck_assert_uint_eq(opt.operand_count, 2);
	ck_assert_str_eq(opt.operands[1], "one");
	ctl_options_free(&opt);
	ck_assert_int_eq(parse("--help stats"), 0);
	ck_assert_int_eq(opt.mode, CTL_MODE_HELP);
	ck_assert_str_eq(opt.command->table.command, "stats");
	ctl_options_free(&opt);
	ck_assert_int_eq(parse("--json --help"), 0);
	ck_assert_int_eq(opt.mode, CTL_MODE_HELP);
	ck_assert_ptr_null(opt.command);
	ctl_options_free(&opt);
}
END_TEST

START_TEST(wrong_command_lines_are_refused_and_say_what_was_expected)
{
	static const struct {
		const char *line, *words;
	} wrong[] = {
		{"", "no command is given"},
		{"--control /x", "no command is given; expected one such as show or stats"},
		{"--contrl /x show rules", "--contrl: unknown option"},
		{"--control", "no command is given"},
		{"--rates drain", "--rates: belongs to numacastctl stats"},
		{"--json show rules --json", "--json: stands twice"},
		{"shwo flows", "did you mean show"},
		{"show", "show: too few words; expected show SUBJECT [RULE]..."},
		{"show flow", "did you mean flows"},
		{"stats flows", "'flows': unexpected argument"},
		{"stats --watch 0", "--watch"},
		{"stats --count 2", "--count: comes without --watch"},
		{"log-level loud", "expected one of error, warn, notice, info, debug"},
		{"log-level info debug", "log-level: too many words"},
		{"drain --rates", "--rates: belongs to numacastctl stats"},
		{"show flows --json --json", "--json: stands twice"},
		{"batch", "batch: too few words"},
		{"completion fish", "expected one of bash, zsh"},
	};

	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		ck_assert_msg(parse(wrong[i].line) == -EINVAL, "%s", wrong[i].line);
		ck_assert_msg(strstr(err.text, wrong[i].words) != NULL, "%s: %s", wrong[i].line,
			      err.text);
	}
}
END_TEST

START_TEST(line_of_a_batch_is_cut_at_blanks_outside_quotes)
{
	char line[] = "add '239.1.1.1%e:5 -> 239.2.2.2%e:6' a\"b c\"d \t'' x#y # rest";
	char both[] = "add \"don't\" '\"'";
	char comment[] = "  # nothing\n", open[] = "show 'flows", end[] = "show flows\n";
	char *words[BATCH_WORDS_MAX];

	ck_assert_int_eq(batch_split(line, words, &err), 5);
	ck_assert_str_eq(words[0], "add");
	ck_assert_str_eq(words[1], "239.1.1.1%e:5 -> 239.2.2.2%e:6");
	ck_assert_str_eq(words[2], "ab cd");
	ck_assert_str_eq(words[3], "");
	ck_assert_str_eq(words[4], "x#y");
	ck_assert_int_eq(batch_split(both, words, &err), 3);
	ck_assert_str_eq(words[1], "don't");
	ck_assert_str_eq(words[2], "\"");
	ck_assert_int_eq(batch_split(comment, words, &err), 0);
	ck_assert_int_eq(batch_split(open, words, &err), -EINVAL);
	ck_assert_ptr_nonnull(strstr(err.text, "a ' is not closed"));
	ck_assert_int_eq(batch_split(end, words, &err), 2);
	ck_assert_str_eq(words[1], "flows");
}
END_TEST

START_TEST(line_of_a_batch_has_a_bounded_number_of_words)
{
	static char line[2 * BATCH_WORDS_MAX + 1];
	char *words[BATCH_WORDS_MAX];

	for (size_t i = 0; i < BATCH_WORDS_MAX; i++) {
		line[2 * i] = 'a';
		line[2 * i + 1] = ' ';
	}
	ck_assert_int_eq(batch_split(line, words, &err), -EINVAL);
}
END_TEST

static char text[65536];

static void read_manual(void)
{
	char path[4096];
	FILE *file;
	size_t len;

	ck_assert_msg(getenv("NC_SRCDIR") != NULL, "NC_SRCDIR is not set: run by make check");
	snprintf(path, sizeof(path), "%s/doc/numacastctl.1", getenv("NC_SRCDIR"));
	file = fopen(path, "r");
	ck_assert_msg(file != NULL, "cannot open %s", path);
	len = fread(text, 1, sizeof(text) - 1, file);
	text[len] = '\0';
	fclose(file);
}

/* How many lines begin so, and are at an end there or at a blank. */
static unsigned count_lines(const char *beginning)
{
	size_t len = strlen(beginning);
	unsigned count = 0;

	for (const char *at = text; (at = strstr(at, beginning)) != NULL; at++) {
		count += at > text && at[-1] == '\n' && (at[len] == '\n' || at[len] == ' ');
	}
	return count;
}

START_TEST(manual_has_one_item_a_command_an_option_and_a_subject)
{
	static const char *const subjects[] = {PROTOCOL_SUBJECTS(PROTOCOL_NAME)};
	const struct cli_row *row;
	char line[64];

	read_manual();
	for (const struct ctl_command *at = ctl_commands; at->table.command; at++) {
		snprintf(line, sizeof(line), ".It Cm %s", at->table.command);
		ck_assert_msg(count_lines(line) == (ctl_command_help(at) != NULL), "%s", line);
		for (size_t i = 0; (row = cli_row_at(&at->table, i)) != NULL; i++) {
			if (row->letter) {
				snprintf(line, sizeof(line), ".It Fl %c , -%s", row->letter,
					 row->name);
			} else {
				snprintf(line, sizeof(line), ".It Fl -%s", row->name);
			}
			ck_assert_msg(count_lines(line) == 1, "%s", line);
		}
	}
	for (int i = 0; i < PROTOCOL_SUBJECT_COUNT; i++) {
		snprintf(line, sizeof(line), ".It Cm %s", subjects[i]);
		ck_assert_msg(count_lines(line) == 1, "%s", line);
	}
}
END_TEST

START_TEST(completion_knows_every_command_and_option)
{
	static const char *const shells[] = {"bash", "zsh"};
	const struct cli_row *row;

	for (size_t s = 0; s < sizeof(shells) / sizeof(shells[0]); s++) {
		FILE *file = fmemopen(text, sizeof(text), "w");

		ck_assert_ptr_nonnull(file);
		completion_print(shells[s], file);
		fclose(file);
		for (const struct ctl_command *at = ctl_commands; at->table.command; at++) {
			char line[64];

			snprintf(line, sizeof(line), "%s)", at->table.command);
			ck_assert_msg(strstr(text, line) != NULL, "%s: %s", shells[s], line);
			for (size_t i = 0; (row = cli_row_at(&at->table, i)) != NULL; i++) {
				snprintf(line, sizeof(line), "--%s", row->name);
				ck_assert_msg(strstr(text, line) != NULL, "%s: %s", shells[s],
					      line);
			}
			for (const char *const *word = at->words; word && *word; word++) {
				ck_assert_msg(strstr(text, *word) != NULL, "%s", *word);
			}
		}
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("ctl_options");
	TCase *tc = tcase_create("ctl_options");
	SRunner *runner = srunner_create(suite);
	int failed;

	suite_add_tcase(suite, tc);
	tcase_add_test(tc, command_takes_options_and_words_in_any_order);
	tcase_add_test(tc, options_stand_before_the_command_as_well);
	tcase_add_test(tc, wrong_command_lines_are_refused_and_say_what_was_expected);
	tcase_add_test(tc, line_of_a_batch_is_cut_at_blanks_outside_quotes);
	tcase_add_test(tc, line_of_a_batch_has_a_bounded_number_of_words);
	tcase_add_test(tc, manual_has_one_item_a_command_an_option_and_a_subject);
	tcase_add_test(tc, completion_knows_every_command_and_option);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
