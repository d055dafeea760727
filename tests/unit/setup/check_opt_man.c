/* check_opt_man.c - help, manual and sample configuration say what the table of options says.
 *
 * Reads doc/numacastd.8 and etc/numacastd.conf.sample below NC_SRCDIR. In the manual each option
 * has one item in section OPTIONS, `.It Fl -NAME', and the text of that item contains the default;
 * each key of a rule has one item, `.It Cm KEY='. In the sample each option that may stand in a
 * file has one line, commented out unless it is a rule, with its default.
 */
#include <check.h>
#include <regex.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "src/cli/file.h"
#include "src/rules/keys.h"
#include "src/setup/options.h"

#define FILE_ROOM 131072

static char text[FILE_ROOM];

/* The file below NC_SRCDIR, in `text'. */
static void read_source_file(const char *name)
{
	const char *top = getenv("NC_SRCDIR");
	char path[4096];
	FILE *file;
	size_t len;

	ck_assert_msg(top != NULL, "NC_SRCDIR is not set: run by make check");
	snprintf(path, sizeof(path), "%s/%s", top, name);
	file = fopen(path, "r");
	ck_assert_msg(file != NULL, "cannot open %s", path);
	len = fread(text, 1, sizeof(text) - 1, file);
	ck_assert_uint_lt(len, sizeof(text) - 1);
	text[len] = '\0';
	fclose(file);
}

/* What `print' writes to standard output, in `text'. */
static void capture(void (*print)(void))
{
	int saved = dup(STDOUT_FILENO);
	FILE *file = tmpfile();
	size_t len;

	ck_assert_ptr_nonnull(file);
	fflush(stdout);
	ck_assert_int_ge(dup2(fileno(file), STDOUT_FILENO), 0);
	print();
	fflush(stdout);
	ck_assert_int_ge(dup2(saved, STDOUT_FILENO), 0);
	close(saved);
	rewind(file);
	len = fread(text, 1, sizeof(text) - 1, file);
	text[len] = '\0';
	fclose(file);
}

/* How many options there are. */
static size_t count_rows(void)
{
	size_t count = 0;

	while (cli_row_at(&options_table, count)) {
		count++;
	}
	return count;
}

static bool is_name_byte(char byte)
{
	return (byte >= 'a' && byte <= 'z') || byte == '-';
}

/* The item of option `name' in the manual, from its `.It' on; NULL when there is none. */
static char *find_item(char *from, const char *name)
{
	char line[64];
	size_t len;

	snprintf(line, sizeof(line), "Fl -%s", name);
	len = strlen(line);
	for (char *at = from; (at = strstr(at, "\n.It Fl ")) != NULL; at++) {
		char *end = strchr(at + 1, '\n');
		char *flag = strstr(at, line);

		if (flag && flag < end && !is_name_byte(flag[len])) {
			return at + 1;
		}
	}
	return NULL;
}

START_TEST(manual_has_one_item_an_option)
{
	size_t items = 0;
	char *options;

	read_source_file("doc/numacastd.8");
	options = strstr(text, "\n.Sh OPTIONS\n");
	ck_assert_ptr_nonnull(options);
	*strstr(options, "\n.Sh CONFIGURATION FILE\n") = '\0';
	for (char *at = options; (at = strstr(at, "\n.It Fl ")) != NULL; at++) {
		items++;
	}
	ck_assert_uint_eq(items, count_rows());
	for (size_t i = 0; i < count_rows(); i++) {
		const char *name = cli_row_at(&options_table, i)->name;
		char *item = find_item(options, name);

		ck_assert_msg(item != NULL, "no item for --%s", name);
		ck_assert_msg(find_item(item, name) == NULL, "two items for --%s", name);
	}
}
END_TEST

/* Whether the text from `item' to the next item contains `needle' as the argument of a `.Cm'. */
static bool item_says(const char *item, const char *needle)
{
	const char *end = strstr(item + 1, "\n.It ");
	char macro[128];
	size_t len;

	snprintf(macro, sizeof(macro), "\n.Cm %s", needle);
	len = strlen(macro);
	for (const char *at = item; (at = strstr(at, macro)) != NULL && (!end || at < end); at++) {
		if (at[len] == '\n' || at[len] == ' ') {
			return true;
		}
	}
	return false;
}

START_TEST(manual_names_each_default)
{
	read_source_file("doc/numacastd.8");
	for (size_t i = 0; i < count_rows(); i++) {
		const struct cli_row *row = cli_row_at(&options_table, i);

		ck_assert_msg(!row->initial || item_says(find_item(text, row->name), row->initial),
			      "--%s: the manual does not say .Cm %s", row->name, row->initial);
	}
}
END_TEST

/* The item of a key in the manual, cut off where the next one begins. */
static const char *key_item(const struct conf_key *key)
{
	static char item[4096];
	char start[64];
	char *at, *end;

	snprintf(start, sizeof(start), "\n.It Cm %s= ", key->name);
	at = strstr(text, start);
	ck_assert_msg(at != NULL, "no item for %s=", key->name);
	ck_assert_msg(strstr(at + 1, start) == NULL, "two items for %s=", key->name);
	snprintf(item, sizeof(item), "%s", at + 1);
	end = strstr(item, "\n.It ");
	if (end) {
		*end = '\0';
	}
	return item;
}

/* "The default is N", as a word of its own or of a `.Cm'. */
static bool item_has_default(const char *item, const char *initial)
{
	char plain[64], macro[64];

	snprintf(plain, sizeof(plain), "The default is %s", initial);
	snprintf(macro, sizeof(macro), "The default is\n.Cm %s ", initial);
	return strstr(item, plain) || strstr(item, macro);
}

START_TEST(manual_has_one_item_a_key_with_its_default)
{
	size_t keys = 0;
	size_t items = 0;

	read_source_file("doc/numacastd.8");
	for (int side = CONF_INGRESS; side <= CONF_EGRESS; side++) {
		const struct conf_key *key = conf_keys((enum conf_side)side);

		for (; key->name; key++, keys++) {
			const char *item = key_item(key);

			ck_assert_msg(!key->initial || item_has_default(item, key->initial),
				      "%s=: the manual does not say that its default is %s",
				      key->name, key->initial);
		}
	}
	for (char *at = text; (at = strstr(at, "\n.It Cm ")) != NULL; at++) {
		items++;
	}
	ck_assert_uint_gt(keys, 10);
	ck_assert_uint_eq(items, keys);
}
END_TEST

/* Each line of `help' stands somewhere in `at'. */
static void expect_lines(const char *at, const char *help)
{
	char lines[512];

	ck_assert_uint_lt(strlen(help), sizeof(lines));
	strcpy(lines, help);
	for (char *line = lines, *next; line; line = next) {
		next = strchr(line, '\n');
		if (next) {
			*next++ = '\0';
		}
		ck_assert_msg(strstr(at, line) != NULL, "not in the help: %s", line);
	}
}

START_TEST(help_explains_every_key_of_a_rule)
{
	capture(options_print_help);
	for (int side = CONF_INGRESS; side <= CONF_EGRESS; side++) {
		const struct conf_key *key = conf_keys((enum conf_side)side);

		for (; key->name; key++) {
			char entry[64];
			const char *at;

			snprintf(entry, sizeof(entry), "\n  %s=%s", key->name, key->arg);
			at = strstr(text, entry);
			ck_assert_msg(at != NULL && strchr(" \n", at[strlen(entry)]) != NULL,
				      "%s= is not in the help", key->name);
			expect_lines(at, key->help);
		}
	}
}
END_TEST

START_TEST(help_is_complete_and_fits_100_columns)
{
	capture(options_print_help);
	ck_assert_uint_gt(strlen(text), 1000);
	for (size_t i = 0; i < count_rows(); i++) {
		const char *name = cli_row_at(&options_table, i)->name;
		char flag[64];
		size_t len = (size_t)snprintf(flag, sizeof(flag), "--%s", name);
		bool found = false;

		for (char *at = text; !found && (at = strstr(at, flag)) != NULL; at++) {
			found = !is_name_byte(at[len]);
		}
		ck_assert_msg(found, "%s is not in the help", flag);
	}
	for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n")) {
		ck_assert_msg(strlen(line) <= 100, "%zu columns: %s", strlen(line), line);
		ck_assert_msg(line[strlen(line) - 1] != ' ', "blank at the end: %s", line);
	}
}
END_TEST

/* When privileges go decides about ports below 1024, so all three say the same. */
START_TEST(user_is_changed_at_one_time_in_manual_sample_and_help)
{
	static const char when[] = "ecomes? this user before anything is opened";
	static const char *const files[] = {"doc/numacastd.8", "etc/numacastd.conf.sample", NULL};
	regex_t regex;

	ck_assert_int_eq(regcomp(&regex, when, REG_EXTENDED | REG_NOSUB), 0);
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		if (files[i]) {
			read_source_file(files[i]);
		} else {
			capture(options_print_help);
		}
		ck_assert_msg(regexec(&regex, text, 0, NULL, 0) == 0, "%s does not say `%s'",
			      files[i] ? files[i] : "the help", when);
	}
	regfree(&regex);
}
END_TEST

static void print_version(void)
{
	options_print_version(false);
}

static void print_build(void)
{
	options_print_version(true);
}

START_TEST(version_is_one_line_and_verbose_says_how_it_was_built)
{
	capture(print_version);
	ck_assert_str_eq(text, "numacastd " PACKAGE_VERSION "\n");
	capture(print_build);
	ck_assert_ptr_nonnull(strstr(text, "numacastd " PACKAGE_VERSION "\n"));
	ck_assert_ptr_nonnull(strstr(text, "liburing      " NC_BUILD_LIBURING "\n"));
	ck_assert_ptr_nonnull(strstr(text, "compiler      " NC_BUILD_CC "\n"));
}
END_TEST

START_TEST(sample_is_valid)
{
	char path[4096];
	char *argv[] = {(char *)"numacastd", (char *)"--check", (char *)"--config", path};
	struct opt opt;
	struct err err;

	snprintf(path, sizeof(path), "%s/etc/numacastd.conf.sample", getenv("NC_SRCDIR"));
	ck_assert_msg(options_parse(4, argv, &opt, &err) == 0, "%s", err.text);
	ck_assert_uint_ge(opt.conf.rule_count, 5);
	options_free(&opt);
}
END_TEST

/* Each line that is commented out, and is no prose, is valid by itself. */
START_TEST(sample_shows_every_default)
{
	bool shown[CLI_ROWS_MAX] = {false};
	struct cli_fill fill;
	struct err err;

	read_source_file("etc/numacastd.conf.sample");
	for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n")) {
		size_t len = strcspn(line + 1, " ");
		const struct cli_row *row = cli_row_find(&options_table, line + 1, len);
		struct opt opt = {0};
		size_t position;

		if (line[0] != '#' || len == 0) {
			continue;
		}
		ck_assert_msg(row != NULL, "unknown: %s", line);
		position = cli_row_position(&options_table, row);
		ck_assert_msg(!shown[position], "twice: %s", line);
		shown[position] = true;
		ck_assert_int_eq(cli_fill_init(&fill, &options_table, &opt, &err), 0);
		ck_assert_msg(cli_file_apply(&fill, line + 1, strlen(line + 1), "x", &err) == 0,
			      "%s", err.text);
		options_free(&opt);
		ck_assert_msg(!row->initial || strcmp(line + 1 + len + 1, row->initial) == 0,
			      "not the default: %s", line);
	}
	for (size_t i = 0; i < count_rows(); i++) {
		const struct cli_row *row = cli_row_at(&options_table, i);

		ck_assert_msg(shown[i] || (row->flags & (CLI_NOT_IN_FILE | CLI_REPEATS)),
			      "%s is not in the sample", row->name);
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("opt_man");
	TCase *tc = tcase_create("opt_man");
	SRunner *runner = srunner_create(suite);
	int failed;

	suite_add_tcase(suite, tc);
	tcase_add_test(tc, manual_has_one_item_an_option);
	tcase_add_test(tc, manual_names_each_default);
	tcase_add_test(tc, manual_has_one_item_a_key_with_its_default);
	tcase_add_test(tc, help_explains_every_key_of_a_rule);
	tcase_add_test(tc, help_is_complete_and_fits_100_columns);
	tcase_add_test(tc, user_is_changed_at_one_time_in_manual_sample_and_help);
	tcase_add_test(tc, version_is_one_line_and_verbose_says_how_it_was_built);
	tcase_add_test(tc, sample_is_valid);
	tcase_add_test(tc, sample_shows_every_default);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
