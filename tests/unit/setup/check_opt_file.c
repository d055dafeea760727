/* check_opt_file.c - configuration files: their lines, their limits, and who wins.
 *
 * Most tests give cli_file_apply the text; those about reading write files of their own into a
 * temporary directory.
 */
#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "src/cli/file.h"
#include "src/setup/options.h"

#define RULE "239.1.1.1%eth0:5000 -> 239.2.2.2%eth1:6000"

static struct opt opt;
static struct cli_fill fill;
static struct err err;
static char dir[] = "/tmp/check_opt_file.XXXXXX";

static void set_up(void)
{
	opt = (struct opt){0};
	strcpy(err.text, "");
	ck_assert_int_eq(cli_fill_init(&fill, &options_table, &opt, &err), 0);
	ck_assert_ptr_nonnull(mkdtemp(dir));
}

static void tear_down(void)
{
	char command[64];

	options_free(&opt);
	snprintf(command, sizeof(command), "rm -r %s", dir);
	ck_assert_int_eq(system(command), 0);
}

/* The path of a file with `len' bytes of `text'; valid until the next call of the same `slot'. */
static const char *file_of_bytes(int slot, const char *text, size_t len)
{
	static char paths[2][64];
	FILE *file;

	snprintf(paths[slot], sizeof(paths[slot]), "%s/%d.conf", dir, slot);
	file = fopen(paths[slot], "wb");
	ck_assert_ptr_nonnull(file);
	ck_assert_uint_eq(fwrite(text, 1, len, file), len);
	ck_assert_int_eq(fclose(file), 0);
	return paths[slot];
}

static const char *file_of(int slot, const char *text)
{
	return file_of_bytes(slot, text, strlen(text));
}

/* Reads from memory of exactly that size, so that a sanitizer sees a step beyond. */
static int read_bytes(const char *text, size_t len)
{
	char *copy = malloc(len + (len == 0));
	int rc;

	ck_assert_ptr_nonnull(copy);
	memcpy(copy, text, len);
	rc = cli_file_apply(&fill, copy, len, "a.conf", &err);
	free(copy);
	return rc;
}

static void taken(const char *text)
{
	ck_assert_msg(read_bytes(text, strlen(text)) == 0, "%s", err.text);
}

static void refused(const char *text, const char *where, const char *piece)
{
	const char *second;

	ck_assert_msg(read_bytes(text, strlen(text)) == -EINVAL, "taken: %s", text);
	ck_assert_msg(strncmp(err.text, where, strlen(where)) == 0, "%s", err.text);
	ck_assert_msg(strstr(err.text, piece) != NULL, "not '%s': %s", piece, err.text);
	second = strstr(err.text, "; ");
	ck_assert_msg(second && strstr(second + 1, "; "), "fewer than three parts: %s", err.text);
}

static int parse(int argc, const char *const *words)
{
	char *argv[16] = {(char *)"numacastd"};

	for (int i = 0; i < argc; i++) {
		argv[i + 1] = (char *)words[i];
	}
	options_free(&opt);
	return options_parse(argc + 1, argv, &opt, &err);
}

START_TEST(lines_are_options_without_dashes)
{
	taken("shards 8\nsmt\nrule " RULE "\n  rcvbuf\t 64K  \nverbose on\nsqpoll off\r\n"
	      "exit-report /tmp/my report#1.json\n");
	ck_assert_uint_eq(opt.shards, 8);
	ck_assert(opt.smt && opt.verbose && !opt.sqpoll);
	ck_assert_uint_eq(opt.rcvbuf_bytes, 65536);
	ck_assert_str_eq(opt.exit_report, "/tmp/my report#1.json");
	ck_assert_uint_eq(opt.conf.rule_count, 1);
	ck_assert_str_eq(opt.conf.rules[0].where, "a.conf:3");
	ck_assert_str_eq(opt.conf.rules[0].text, RULE);
	ck_assert(cli_fill_was_given(&fill, "shards"));
	ck_assert(!cli_fill_was_given(&fill, "cpus"));
}
END_TEST

START_TEST(comments_and_empty_lines_are_skipped)
{
	taken("");
	taken("\n\n   \n\t\r\n# shards 9\n   # nonsense\nshards 4 # four\nspin 5\t#five\n#");
	ck_assert_uint_eq(opt.shards, 4);
	ck_assert_uint_eq(opt.waits.spin_us, 5);
	taken("rule " RULE " ttl=3 # to the studio -> x\n");
	ck_assert_str_eq(opt.conf.rules[0].text, RULE " ttl=3");
	taken("rule 239.1.1.1%e#1:5000 -> 239.2.2.2%e#2:6000\n");
	ck_assert_str_eq(opt.conf.flows[1].in.at.ifname, "e#1");
}
END_TEST

START_TEST(what_editors_add_is_skipped)
{
	static const char text[] = "\xef\xbb\xbfrule\xc2\xa0" RULE "\xc2\xa0\n"
				   "\xc2\xa0shards \xc2\xa0 2\xc2\xa0\n\xc2\xa0# comment\n";

	ck_assert_int_eq(read_bytes(text, sizeof(text) - 1), 0);
	ck_assert_uint_eq(opt.conf.rule_count, 1);
	ck_assert_str_eq(opt.conf.rules[0].text, RULE);
	ck_assert_uint_eq(opt.shards, 2);
	ck_assert_int_eq(read_bytes("\xef\xbb\xbf", 3), 0);
	ck_assert_int_eq(read_bytes("\xef\xbb", 2), -EINVAL);
}
END_TEST

START_TEST(last_line_needs_no_newline)
{
	taken("smt\nshards 8");
	ck_assert_uint_eq(opt.shards, 8);
	taken("oversubscribe");
	ck_assert(opt.oversubscribe);
}
END_TEST

START_TEST(refusals_name_file_and_line)
{
	refused("\n\nshards 0\n", "a.conf:3: '0' is not valid", "1 to 1024");
	refused("smt\n\nrule 239.1.1.1:5000 -> x\n", "a.conf:3: ", "no interface");
	refused("nonsense 5\n", "a.conf:1: unknown option 'nonsense'", "--help");
	refused("shard 5\n", "a.conf:1: unknown option 'shard'", "did you mean shards");
	refused("--shards 5\n", "a.conf:1: '--shards'", "without their dashes");
	refused("shards=5\n", "a.conf:1: 'shards=5'", "a blank separates");
	refused("shards\n", "a.conf:1: shards has no value", "'shards N'");
	refused("rule # nothing\n", "a.conf:1: rule has no value", "'rule RULE'");
	refused("shards '5'\n", "a.conf:1: the value is in quotes", "remove the quotes");
	refused("rule \"" RULE "\"\n", "a.conf:1: the value is in quotes", "remove");
	refused("smt yes\n", "a.conf:1: 'yes'", "no value, on or off");
	refused("shards 5 6\n", "a.conf:1: '5 6'", "1 to 1024");
	refused("smt\n\xef\xbb\xbfshards 5\n", "a.conf:2: unknown option", "shards");
}
END_TEST

START_TEST(what_asks_to_act_now_is_for_the_command_line)
{
	static const char *const names[] = {"config", "help",       "version", "check",
					    "plan",   "check-host", "json"};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		char text[64];

		snprintf(text, sizeof(text), "%s x\n", names[i]);
		refused(text, "a.conf:1: ", "on the command line");
	}
}
END_TEST

START_TEST(an_option_stands_once_a_file)
{
	refused("shards 4\nsmt\nshards 4\n", "a.conf:3: shards stands in line 1 already",
		"remove one");
	taken("shards 5\n");
	ck_assert_uint_eq(opt.shards, 5);
}
END_TEST

START_TEST(nul_bytes_are_refused)
{
	ck_assert_int_eq(read_bytes("smt\nshards 1\0002\n", 14), -EINVAL);
	ck_assert_ptr_nonnull(strstr(err.text, "a.conf:2: the line contains a NUL byte"));
	ck_assert_int_eq(read_bytes("\0", 1), -EINVAL);
	ck_assert_int_eq(read_bytes("# \0\n", 4), -EINVAL);
}
END_TEST

START_TEST(overlong_lines_are_refused)
{
	size_t max = CLI_LINE_BYTES_MAX;
	char *text = malloc(max + 2);

	ck_assert_ptr_nonnull(text);
	memset(text, ' ', max + 1);
	strcpy(text, "shards 7");
	text[8] = ' ';
	text[max] = '\n';
	ck_assert_int_eq(read_bytes(text, max + 1), 0);
	ck_assert_uint_eq(opt.shards, 7);
	text[max] = '#';
	text[max + 1] = '\n';
	ck_assert_int_eq(read_bytes(text, max + 2), -EINVAL);
	ck_assert_ptr_nonnull(strstr(err.text, "a.conf:1: the line has 69633 bytes"));
	memset(text, 'x', max);
	ck_assert_int_eq(read_bytes(text, max), -EINVAL);
	ck_assert_ptr_nonnull(strstr(err.text, "unknown option 'xxxxxxxx"));
	free(text);
}
END_TEST

START_TEST(command_line_wins_wherever_it_stands)
{
	const char *path = file_of(0, "shards 2\nspin 7\nsmt\n");

	ck_assert_msg(parse(7, (const char *[]){"--shards", "3", "--config", path, "--smt=off",
						"--plan", "--verbose"}) == 0,
		      "%s", err.text);
	ck_assert_uint_eq(opt.shards, 3);
	ck_assert_uint_eq(opt.waits.spin_us, 7);
	ck_assert(!opt.smt);
}
END_TEST

START_TEST(later_files_win_and_rules_add_up)
{
	const char *first = file_of(0, "shards 2\nspin 7\nrule 239.1.1.1%e:1 -> 239.2.1.1%e:1");
	const char *second = file_of(1, "shards 3\nrule 239.1.1.3%e:1 -> 239.2.1.3%e:1\n");
	char where[80];

	ck_assert_msg(parse(6, (const char *[]){"--config", first, "--rule",
						"239.1.1.2%e:1 -> 239.2.1.2%e:1", "--config",
						second}) == 0,
		      "%s", err.text);
	ck_assert_uint_eq(opt.shards, 3);
	ck_assert_uint_eq(opt.waits.spin_us, 7);
	ck_assert_uint_eq(opt.conf.rule_count, 3);
	snprintf(where, sizeof(where), "%s:3", first);
	ck_assert_str_eq(opt.conf.rules[0].where, where);
	ck_assert_str_eq(opt.conf.rules[1].where, "--rule 1");
	snprintf(where, sizeof(where), "%s:2", second);
	ck_assert_str_eq(opt.conf.rules[2].where, where);
}
END_TEST

START_TEST(unreadable_files_are_refused_with_their_cause)
{
	char *big;

	ck_assert_int_eq(parse(2, (const char *[]){"--config", "/nonexistent"}), -EINVAL);
	ck_assert_ptr_nonnull(
		strstr(err.text, "--config /nonexistent: cannot be read: No such file"));
	ck_assert_int_eq(parse(2, (const char *[]){"--config", dir}), -EINVAL);
	ck_assert_ptr_nonnull(strstr(err.text, "Is a directory"));
	big = calloc(1, CLI_FILE_BYTES_MAX + 1);
	ck_assert_ptr_nonnull(big);
	memset(big, '\n', CLI_FILE_BYTES_MAX + 1);
	ck_assert_int_eq(parse(2, (const char *[]){"--config",
						   file_of_bytes(0, big, CLI_FILE_BYTES_MAX + 1)}),
			 -EINVAL);
	ck_assert_ptr_nonnull(strstr(err.text, "File too large"));
	free(big);
}
END_TEST

START_TEST(long_paths_leave_room_for_the_message)
{
	char path[4000];

	strcpy(path, "/begin");
	memset(path + 6, 'p', sizeof(path) - 6);
	strcpy(path + sizeof(path) - 10, "/end.conf");
	ck_assert_int_eq(cli_file_apply(&fill, "shards x", 8, path, &err), -EINVAL);
	ck_assert_msg(strncmp(err.text, "...ppp", 6) == 0, "%s", err.text);
	ck_assert_ptr_nonnull(
		strstr(err.text, "/end.conf:1: 'x' is not valid; shards takes 1 to 1024"));
	ck_assert_int_eq(parse(2, (const char *[]){"--config", path}), -EINVAL);
	ck_assert_ptr_nonnull(strstr(err.text, "/end.conf: cannot be read: File name too long"));
}
END_TEST

START_TEST(pipes_can_be_read)
{
	int fds[2];
	char path[32];

	ck_assert_int_eq(pipe(fds), 0);
	ck_assert_int_eq(write(fds[1], "shards 6\n", 9), 9);
	close(fds[1]);
	snprintf(path, sizeof(path), "/dev/fd/%d", fds[0]);
	ck_assert_msg(parse(3, (const char *[]){"--plan", "--config", path}) == 0, "%s", err.text);
	ck_assert_uint_eq(opt.shards, 6);
	close(fds[0]);
}
END_TEST

/* Else who may write to its directory could have the daemon wait at the next reload for ever. */
START_TEST(of_what_runs_only_regular_files_are_read_again)
{
	char path[80], config[] = "--config";
	char *argv[] = {(char *)"numacastd", config, path};

	snprintf(path, sizeof(path), "%s", file_of(0, "rule " RULE "\n"));
	ck_assert_msg(options_parse_again(3, argv, &opt, &err) == 0, "%s", err.text);
	options_free(&opt);
	ck_assert_int_eq(unlink(path), 0);
	ck_assert_int_eq(mkfifo(path, 0600), 0);
	ck_assert_int_eq(options_parse_again(3, argv, &opt, &err), -EINVAL);
	ck_assert_msg(strstr(err.text, "0.conf: cannot be read again: it is a pipe, a device") !=
			      NULL,
		      "%s", err.text);
	snprintf(path, sizeof(path), "/dev/zero");
	ck_assert_int_eq(options_parse_again(3, argv, &opt, &err), -EINVAL);
	ck_assert_ptr_nonnull(strstr(err.text, "put one there, or restart"));
	snprintf(path, sizeof(path), "%s/nothing", dir);
	ck_assert_int_eq(options_parse_again(3, argv, &opt, &err), -EINVAL);
	ck_assert_ptr_nonnull(strstr(err.text, "No such file"));
}
END_TEST

START_TEST(a_long_file_of_rules)
{
	size_t room = 100000UL * 64;
	char *text = malloc(room);
	size_t len = 0;

	ck_assert_ptr_nonnull(text);
	for (unsigned i = 0; i < 100000; i++) {
		len += (size_t)snprintf(text + len, room - len,
					"rule 239.%u.%u.%u%%eth0:5000 -> 239.%u.%u.%u%%eth1:6000\n",
					i >> 16, i >> 8 & 255, i & 255, i >> 16, i >> 8 & 255,
					i & 255);
	}
	ck_assert_msg(
		parse(3, (const char *[]){"--check", "--config", file_of_bytes(0, text, len)}) == 0,
		"%s", err.text);
	ck_assert_uint_eq(opt.conf.flow_count, 100000);
	free(text);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("opt_file");
	TCase *tc = tcase_create("opt_file");
	SRunner *runner = srunner_create(suite);
	int failed;

	suite_add_tcase(suite, tc);
	tcase_add_checked_fixture(tc, set_up, tear_down);
	tcase_add_test(tc, lines_are_options_without_dashes);
	tcase_add_test(tc, comments_and_empty_lines_are_skipped);
	tcase_add_test(tc, what_editors_add_is_skipped);
	tcase_add_test(tc, last_line_needs_no_newline);
	tcase_add_test(tc, refusals_name_file_and_line);
	tcase_add_test(tc, what_asks_to_act_now_is_for_the_command_line);
	tcase_add_test(tc, an_option_stands_once_a_file);
	tcase_add_test(tc, nul_bytes_are_refused);
	tcase_add_test(tc, overlong_lines_are_refused);
	tcase_add_test(tc, command_line_wins_wherever_it_stands);
	tcase_add_test(tc, later_files_win_and_rules_add_up);
	tcase_add_test(tc, unreadable_files_are_refused_with_their_cause);
	tcase_add_test(tc, long_paths_leave_room_for_the_message);
	tcase_add_test(tc, pipes_can_be_read);
	tcase_add_test(tc, of_what_runs_only_regular_files_are_read_again);
	tcase_add_test(tc, a_long_file_of_rules);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
