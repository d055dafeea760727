/* check_probe_opt.c - the command line of numacast-probe: what is accepted means what it says, and
 * each refusal names the flag and what was expected.
 */
#include "src/probe/options.h"

#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "src/probe/tally.h"

#define ARGS_MAX 64

static struct probe_opt opt;
static struct err err;

/* Parses a command line of words separated by single blanks. */
static int parse(const char *line)
{
	char *words = strdup(line);
	char *argv[ARGS_MAX] = {(char *)"numacast-probe"};
	int argc = 1;
	char *rest = words;
	int rc;

	for (char *word; (word = strsep(&rest, " ")) != NULL && word[0] != '\0';) {
		ck_assert_int_lt(argc, ARGS_MAX - 1);
		argv[argc++] = word;
	}
	probe_options_free(&opt);
	memset(&err, 0, sizeof(err));
	rc = probe_options_parse(argc, argv, &opt, &err);
	free(words);
	return rc;
}

static void tear_down(void)
{
	probe_options_free(&opt);
}

static void accepts(const char *line)
{
	int rc = parse(line);

	ck_assert_msg(rc == 0, "%s: refused: %s", line, err.text);
}

/* Refused with a message of three parts that holds `words'. */
static void refuses(const char *line, const char *words)
{
	const char *second;
	int rc = parse(line);

	ck_assert_msg(rc == -EINVAL, "%s: got %d", line, rc);
	ck_assert_msg(strstr(err.text, words) != NULL, "%s: `%s' does not say `%s'", line, err.text,
		      words);
	second = strstr(err.text, "; ");
	ck_assert_msg(second && strstr(second + 1, "; "), "fewer than three parts: %s", err.text);
}

static void expect_target(uint32_t idx, const char *text)
{
	char got[ENDPOINT_TEXT_MAX];

	ck_assert_uint_lt(idx, opt.targets.count);
	ck_assert_str_eq(endpoint_format(&opt.targets.list[idx].at, got), text);
}

START_TEST(defaults_are_those_of_the_manual)
{
	accepts("send 239.1.1.1%eth0:5000");
	ck_assert_int_eq(opt.mode, PROBE_MODE_SEND);
	ck_assert_int_eq(opt.rate.unit, PROBE_RATE_DATAGRAMS);
	ck_assert_uint_eq(opt.rate.per_s, 1000);
	ck_assert_uint_eq(opt.size.min, 1316);
	ck_assert_uint_eq(opt.size.max, 1316);
	ck_assert_uint_eq(opt.flows, 1);
	ck_assert_uint_eq(opt.train, 1);
	ck_assert_uint_eq(opt.ttl, 0);
	ck_assert_uint_eq(opt.sndbuf_bytes, 8u << 20);
	ck_assert_uint_eq(opt.max_lag_ns, 10000000);
	ck_assert_uint_eq(opt.seed, 1);
	ck_assert_int_eq(opt.clock, PROBE_WIRE_MONOTONIC);
	accepts("recv 239.1.1.1%eth0:5000");
	ck_assert_int_eq(opt.mode, PROBE_MODE_RECV);
	ck_assert_uint_eq(opt.expect, PROBE_UNKNOWN);
	ck_assert_uint_eq(opt.expect_per_flow, PROBE_UNKNOWN);
	ck_assert_uint_eq(opt.expect_flows, PROBE_UNKNOWN);
	ck_assert_uint_eq(opt.ready_fd, PROBE_UNKNOWN);
	ck_assert_uint_eq(opt.missing, 8);
	ck_assert_uint_eq(opt.rcvbuf_bytes, 16u << 20);
}
END_TEST

START_TEST(options_set_what_they_name)
{
	accepts("send --rate 100Mbit --size=64-1400 --count 1M --duration 2.5 --flows 3 --gso 40 "
		"--burst 80 --max-lag 0 --seed 9 --ttl 7 --dscp af41 --source 10.0.0.1 "
		"--source-port 6000 --sndbuf 1M --clock realtime --end-marker 239.1.1.1%eth0:5000");
	ck_assert_int_eq(opt.rate.unit, PROBE_RATE_BITS);
	ck_assert_uint_eq(opt.rate.per_s, 100000000);
	ck_assert_uint_eq(opt.size.min, 64);
	ck_assert_uint_eq(opt.size.max, 1400);
	ck_assert_uint_eq(opt.count, 1000000);
	ck_assert_uint_eq(opt.duration_ns, 2500000000);
	ck_assert_uint_eq(opt.flows, 3);
	ck_assert_uint_eq(opt.train, 40);
	ck_assert_uint_eq(opt.burst, 80);
	ck_assert_uint_eq(opt.max_lag_ns, 0);
	ck_assert_uint_eq(opt.seed, 9);
	ck_assert_uint_eq(opt.ttl, 7);
	ck_assert_uint_eq(opt.dscp, 34);
	ck_assert_uint_eq(opt.source.ip[0], 10);
	ck_assert_uint_eq(opt.source_port, 6000);
	ck_assert_int_eq(opt.clock, PROBE_WIRE_REALTIME);
	ck_assert(opt.end_marker);
	ck_assert(!opt.no_loop);
	accepts("recv --count 5 --duration 1 --idle 0.25 --until-end --expect 0 --expect-per-flow "
		"6 "
		"--expect-flows 7 --ready-fd 4 --gro --no-verify --per-flow --missing 0 --json "
		"--quiet 239.1.1.1%eth0:5000");
	ck_assert_uint_eq(opt.count, 5);
	ck_assert_uint_eq(opt.idle_ns, 250000000);
	ck_assert_uint_eq(opt.expect, 0);
	ck_assert_uint_eq(opt.expect_per_flow, 6);
	ck_assert_uint_eq(opt.expect_flows, 7);
	ck_assert_uint_eq(opt.ready_fd, 4);
	ck_assert(opt.until_end && opt.gro && opt.no_verify && opt.per_flow && opt.json &&
		  opt.quiet);
	ck_assert_uint_eq(opt.missing, 0);
}
END_TEST

START_TEST(rates_have_units)
{
	accepts("send --rate unlimited 10.0.0.1:5000");
	ck_assert_int_eq(opt.rate.unit, PROBE_RATE_UNLIMITED);
	accepts("send --rate 50k 10.0.0.1:5000");
	ck_assert_uint_eq(opt.rate.per_s, 50000);
	accepts("send --rate 2Gbit/s 10.0.0.1:5000");
	ck_assert_int_eq(opt.rate.unit, PROBE_RATE_BITS);
	ck_assert_uint_eq(opt.rate.per_s, 2000000000);
}
END_TEST

START_TEST(sizes_count_in_1024_and_counts_in_1000)
{
	accepts("send --sndbuf 8M --count 2M --size 1K-8K --rate 50K 10.0.0.1:5000");
	ck_assert_uint_eq(opt.sndbuf_bytes, 8u << 20);
	ck_assert_uint_eq(opt.count, 2000000);
	ck_assert_uint_eq(opt.size.min, 1024);
	ck_assert_uint_eq(opt.size.max, 8192);
	ck_assert_uint_eq(opt.rate.per_s, 50000);
	accepts("recv --rcvbuf 64K 10.0.0.1:5000");
	ck_assert_uint_eq(opt.rcvbuf_bytes, 65536);
	accepts("send --seed 18446744073709551615 10.0.0.1:5000");
	ck_assert_uint_eq(opt.seed, UINT64_MAX);
}
END_TEST

START_TEST(switches_may_say_on_or_off)
{
	accepts("recv --json=on --gro=off 10.0.0.1:5000");
	ck_assert(opt.json && !opt.gro);
}
END_TEST

START_TEST(dscp_has_names)
{
	static const struct {
		const char *name;
		uint64_t value;
	} names[] = {{"ef", 46}, {"cs0", 0}, {"cs7", 56}, {"af11", 10}, {"af23", 22}, {"af43", 38},
		     {"63", 63}, {"0", 0},   {"EF", 46},  {"CS5", 40},  {"Af41", 34}, {"LE", 1},
		     {"le", 1},  {"VA", 44}, {"BE", 0},   {"DF", 0},    {"vA", 44}};
	char line[80];

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		snprintf(line, sizeof(line), "send --dscp %s 10.0.0.1:5000", names[i].name);
		accepts(line);
		ck_assert_uint_eq(opt.dscp, names[i].value);
	}
}
END_TEST

START_TEST(targets_expand_address_by_address_and_port_by_port)
{
	accepts("recv 239.1.1.0/30%eth0:5000-5001 [ff3e::10/127%eth1]:6000 10.0.0.1:7000 "
		"[fd00::1]:7001");
	ck_assert_uint_eq(opt.targets.count, 12);
	expect_target(0, "239.1.1.0%eth0:5000");
	expect_target(1, "239.1.1.0%eth0:5001");
	expect_target(7, "239.1.1.3%eth0:5001");
	expect_target(8, "[ff3e::10%eth1]:6000");
	expect_target(9, "[ff3e::11%eth1]:6000");
	expect_target(10, "10.0.0.1:7000");
	expect_target(11, "[fd00::1]:7001");
}
END_TEST

START_TEST(groups_hold_wherever_they_stand)
{
	accepts("recv 239.1.0.255%eth0:5000 --groups 3");
	ck_assert_uint_eq(opt.targets.count, 3);
	expect_target(1, "239.1.1.0%eth0:5000");
	accepts("recv --groups 1024 239.1.0.0%eth0:5000");
	ck_assert_uint_eq(opt.targets.count, 1024);
	expect_target(1023, "239.1.3.255%eth0:5000");
}
END_TEST

START_TEST(sources_stand_before_the_group)
{
	accepts("recv 10.0.0.9@232.1.1.1%eth0:5000 [2001:db8::5]@[ff3e::1%eth0]:5000");
	ck_assert_uint_eq(opt.targets.list[0].source.ip[3], 9);
	ck_assert_uint_eq(opt.targets.list[1].source.ip[15], 5);
	expect_target(1, "[ff3e::1%eth0]:5000");
}
END_TEST

START_TEST(after_two_dashes_come_targets_only)
{
	accepts("recv --json -- 239.1.1.1%eth0:5000");
	ck_assert_uint_eq(opt.targets.count, 1);
	refuses("recv -- --json", "--json");
}
END_TEST

START_TEST(help_and_version_need_nothing_else)
{
	accepts("--help");
	ck_assert_int_eq(opt.mode, PROBE_MODE_HELP);
	accepts("--version");
	ck_assert_int_eq(opt.mode, PROBE_MODE_VERSION);
	accepts("recv --help");
	ck_assert_int_eq(opt.mode, PROBE_MODE_HELP);
	accepts("-V");
	ck_assert_int_eq(opt.mode, PROBE_MODE_VERSION);
	accepts("send --rate nonsense -h");
	ck_assert_int_eq(opt.mode, PROBE_MODE_HELP);
}
END_TEST

/* A command line, and what its refusal must say. */
static const char *const refusals[][2] = {
	{"", "no command is given; expected send or recv; see numacast-probe --help"},
	{"listen 239.1.1.1%eth0:5000",
	 "'listen': unknown command; expected send or recv, as numacast-probe --help"},
	{"sned 239.1.1.1%eth0:5000", "did you mean send"},
	{"--nope", "--nope: unknown option; expected one of those in numacast-probe --help"},
	{"send", "send: no target is given; expected a target"},
	{"send --json", "expected a target"},
	{"send --nope 239.1.1.1%eth0:5000",
	 "--nope: unknown option; expected one of those in numacast-probe send --help"},
	{"send --cou 5 239.1.1.1%eth0:5000",
	 "--cou: unknown option; expected one of those in numacast-probe send --help; did you "
	 "mean --count"},
	{"send -c 5 239.1.1.1%eth0:5000", "-c: unknown option"},
	{"send --gro 239.1.1.1%eth0:5000", "--gro: belongs to numacast-probe recv"},
	{"recv --rate 5 239.1.1.1%eth0:5000", "--rate: belongs to numacast-probe send"},
	{"send 239.1.1.1%eth0:5000 --count",
	 "--count: no value follows; expected --count N; add it"},
	{"send --count 1 --count 2 239.1.1.1%eth0:5000",
	 "--count: stands twice; an option is given once; remove one of the two"},
	{"send --json --json 239.1.1.1%eth0:5000", "--json: stands twice"},
	{"send --json=yes 239.1.1.1%eth0:5000",
	 "--json: 'yes' is not valid; json takes no value, on or off"},
	{"send --count= 239.1.1.1%eth0:5000",
	 "--count: '' is not valid; count takes 1 to 281474976710656, with k, M or G"},
	{"send --count 0 239.1.1.1%eth0:5000",
	 "--count: '0' is not valid; count takes 1 to 281474976710656"},
	{"send --count -1 239.1.1.1%eth0:5000", "--count: '-1' is not valid; count takes 1 to"},
	{"send --count 5x 239.1.1.1%eth0:5000", "--count: '5x' is not valid; count takes 1 to"},
	{"send --count 0x5 239.1.1.1%eth0:5000", "--count: '0x5' is not valid; count takes 1 to"},
	{"send --count 99999999999999999999999 239.1.1.1%eth0:5000", "count takes 1 to"},
	{"send --seed 18446744073709551616 239.1.1.1%eth0:5000",
	 "seed takes 0 to 18446744073709551615"},
	{"send --duration 1s 239.1.1.1%eth0:5000",
	 "--duration: '1s' is not valid; duration takes seconds such as 2 or 0.5"},
	{"send --duration .5 239.1.1.1%eth0:5000", "duration takes seconds such as"},
	{"send --duration 1. 239.1.1.1%eth0:5000", "duration takes seconds such as"},
	{"send --duration 0.0000000001 239.1.1.1%eth0:5000", "duration takes seconds such as"},
	{"send --duration 0 239.1.1.1%eth0:5000", "duration takes seconds such as"},
	{"send --rate 0 239.1.1.1%eth0:5000",
	 "--rate: '0' is not valid; rate takes datagrams a second"},
	{"send --rate 5Mb 239.1.1.1%eth0:5000",
	 "--rate: '5Mb' is not valid; rate takes datagrams a second"},
	{"send --rate fast 239.1.1.1%eth0:5000",
	 "--rate: 'fast' is not valid; rate takes datagrams a second"},
	{"send --size 65508 239.1.1.1%eth0:5000",
	 "--size: '65508' is not valid; size takes 0 to 65507 bytes"},
	{"send --size 9-8 239.1.1.1%eth0:5000",
	 "--size: '9-8' is not valid; size takes 0 to 65507 bytes"},
	{"send --size 9- 239.1.1.1%eth0:5000",
	 "--size: '9-' is not valid; size takes 0 to 65507 bytes"},
	{"send --dscp af14 239.1.1.1%eth0:5000", "--dscp: 'af14' is not valid; dscp takes 0 to 63"},
	{"send --dscp keep 239.1.1.1%eth0:5000", "a name such as EF, AF41, CS5, LE, BE"},
	{"send --dscp 64 239.1.1.1%eth0:5000", "--dscp: '64' is not valid; dscp takes 0 to 63"},
	{"send --ttl 256 239.1.1.1%eth0:5000", "--ttl: '256' is not valid; ttl takes 1 to 255;"},
	{"send --gso 129 239.1.1.1%eth0:5000", "--gso: '129' is not valid; gso takes 1 to 128;"},
	{"send --source 239.1.1.1 239.1.1.1%eth0:5000",
	 "--source: '239.1.1.1' is not valid; source takes a unicast address"},
	{"send --source 0.0.0.0 239.1.1.1%eth0:5000", "source takes a unicast"},
	{"send --clock wall 239.1.1.1%eth0:5000",
	 "--clock: 'wall' is not valid; clock takes monotonic or realtime"},
	{"send --count 1 --count-per-flow 1 239.1.1.1%eth0:5000", "leave one out"},
	{"send --source-port 65535 --flows 2 239.1.1.1%eth0:5000", "run past port 65535"},
	{"send --flows 262144 239.1.1.1%eth0:5000-5001", "at most 262144 flows"},
	{"send 10.0.0.1@239.1.1.1%eth0:5000", "send takes --source"},
	{"send 239.1.1.1%eth0:5000 [ff3e::1%eth0]:5000", "mixes IPv4 and IPv6"},
	{"send --source ::1 239.1.1.1%eth0:5000", "mixes IPv4 and IPv6"},
	{"send 239.1.1.1%eth0:5000 239.1.1.2%eth1:5000", "different interfaces"},
	{"send --frames --gso 2 239.1.1.1%eth0:5000", "--frames: comes with --gso"},
	{"send --frames --size 43-100 239.1.1.1%eth0:5000", "--frames: comes with a --size"},
	{"send --frames 239.1.1.1%eth0:5000 10.0.0.1%eth0:5000", "--frames: is for IPv4 groups"},
	{"send --frames [ff3e::1%eth0]:5000", "--frames: is for IPv4 groups"},
	{"recv --expect-per-flow 5 --late-start 239.1.1.1%eth0:5000", "leave one out"},
	{"recv 239.1.1.1:5000", "needs its interface"},
	{"recv 239.1.1.1%:5000", "interface"},
	{"recv 239.1.1.1%interfacenamelong:5000", "1 to 15 characters"},
	{"recv 239.1.1.1%eth0", "expected [SOURCE@]ADDR"},
	{"recv :5000", "expected [SOURCE@]ADDR"},
	{"recv 239.1.1.1%eth0:0", "port 0 is not valid; expected 1 to 65535"},
	{"recv 239.1.1.1%eth0:65536", "port 65536 is not valid; expected"},
	{"recv 239.1.1.1%eth0:5000-", "port 5000- is not valid; expected"},
	{"recv 239.1.1.1%eth0:6000-5000", "runs downwards"},
	{"recv 239.1.1%eth0:5000", "address 239.1.1 is not valid; expected"},
	{"recv 239.1.1.1/28%eth0:5000", "has bits set beyond /28"},
	{"recv 239.1.1.0/33%eth0:5000", "prefix /33 is not valid; expected a length of 0 to 32"},
	{"recv [ff3e::/129%eth0]:5000", "prefix /129 is not valid; expected a length of 0 to 128"},
	{"recv [ff3e::/8%eth0]:5000", "has bits set beyond /8"},
	{"recv [ff3e::/64%eth0]:5000", "more than 65536"},
	{"recv 239.1.0.0/16%eth0:1-2", "more than 65536"},
	{"recv --groups 2 239.1.1.0/28%eth0:5000", "--groups"},
	{"recv --groups 3 239.255.255.254%eth0:5000", "run out of the address space"},
	{"recv --groups 2 255.255.255.255:5000", "run out of the address space"},
	{"recv [ff3e::1%eth0:5000", "expected [SOURCE@]ADDR"},
	{"recv ff3e::1%eth0:5000", "expected [SOURCE@]ADDR"},
	{"recv [239.1.1.1%eth0]:5000", "expected [SOURCE@]ADDR"},
	{"recv 239.1.1.2@239.1.1.1%eth0:5000", "source 239.1.1.2 is not valid; expected a unicast"},
	{"recv ::1@239.1.1.1%eth0:5000", "source ::1 is not valid; expected a unicast"},
	{"recv []@[ff3e::1%eth0]:5000", "expected [SOURCE@]ADDR"},
	{"recv 10.0.0.1@10.0.0.2:5000", "only be chosen for a multicast group"},
};

#define REFUSAL_COUNT ((int)(sizeof(refusals) / sizeof(refusals[0])))

START_TEST(refusals_say_what_was_expected)
{
	refuses(refusals[_i][0], refusals[_i][1]);
}
END_TEST

static bool is_name_byte(char byte)
{
	return (byte >= 'a' && byte <= 'z') || byte == '-';
}

/* The item of option `name' in the manual from `.It' to the next, in `item'; false: there is none.
 */
static bool find_item(const char *manual, const char *name, char *item, size_t room)
{
	size_t len = strlen(name);

	for (const char *at = manual; (at = strstr(at, "\n.It Fl ")) != NULL; at++) {
		const char *next = strstr(at + 1, "\n.It ");
		const char *end = strchr(at + 1, '\n');
		const char *flag = strstr(at, name);

		if (flag && flag < end && flag[-1] == '-' && !is_name_byte(flag[-2]) &&
		    !is_name_byte(flag[len])) {
			snprintf(item, room, "%.*s", (int)(next ? next - at : 200), at);
			return true;
		}
	}
	return false;
}

START_TEST(manual_has_every_option_and_names_each_default)
{
	static char manual[65536];
	char path[4096];
	FILE *file;

	ck_assert_msg(getenv("NC_SRCDIR") != NULL, "NC_SRCDIR is not set: run by make check");
	snprintf(path, sizeof(path), "%s/doc/numacast-probe.1", getenv("NC_SRCDIR"));
	file = fopen(path, "r");
	ck_assert_msg(file != NULL, "cannot open %s", path);
	ck_assert_uint_gt(fread(manual, 1, sizeof(manual) - 1, file), 0);
	fclose(file);
	for (int command = 0; command < 2; command++) {
		const struct cli_table *table = probe_options_commands[command];
		const struct cli_row *row;

		for (size_t i = 0; (row = cli_row_at(table, i)) != NULL; i++) {
			char item[2000];

			ck_assert_msg(find_item(manual, row->name, item, sizeof(item)),
				      "no item for --%s", row->name);
			ck_assert_msg(!row->initial || strstr(item, row->initial) != NULL,
				      "--%s: the manual does not say %s", row->name, row->initial);
		}
	}
}
END_TEST

/* What --help prints, line by line, fits a terminal of 100 columns. */
START_TEST(help_fits_100_columns)
{
	static char text[65536];
	FILE *file = tmpfile();
	int saved = dup(STDOUT_FILENO);

	ck_assert_ptr_nonnull(file);
	fflush(stdout);
	ck_assert_int_ge(dup2(fileno(file), STDOUT_FILENO), 0);
	probe_options_print_help(NULL);
	fflush(stdout);
	ck_assert_int_ge(dup2(saved, STDOUT_FILENO), 0);
	close(saved);
	rewind(file);
	ck_assert_uint_gt(fread(text, 1, sizeof(text) - 1, file), 1000);
	fclose(file);
	ck_assert_ptr_nonnull(strstr(text, "Options of send:"));
	ck_assert_ptr_nonnull(strstr(text, "Options of recv:"));
	for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n")) {
		ck_assert_msg(strlen(line) <= 100, "%zu columns: %s", strlen(line), line);
	}
}
END_TEST

START_TEST(overlong_targets_are_refused)
{
	char line[600] = "recv ";

	memset(line + 5, '1', 500);
	refuses(line, "at most 255 characters");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("probe_opt");
	TCase *tcase = tcase_create("opt");
	SRunner *runner;
	int failed;

	tcase_add_checked_fixture(tcase, NULL, tear_down);
	tcase_add_test(tcase, defaults_are_those_of_the_manual);
	tcase_add_test(tcase, options_set_what_they_name);
	tcase_add_test(tcase, rates_have_units);
	tcase_add_test(tcase, sizes_count_in_1024_and_counts_in_1000);
	tcase_add_test(tcase, switches_may_say_on_or_off);
	tcase_add_test(tcase, dscp_has_names);
	tcase_add_test(tcase, targets_expand_address_by_address_and_port_by_port);
	tcase_add_test(tcase, groups_hold_wherever_they_stand);
	tcase_add_test(tcase, sources_stand_before_the_group);
	tcase_add_test(tcase, after_two_dashes_come_targets_only);
	tcase_add_test(tcase, help_and_version_need_nothing_else);
	tcase_add_loop_test(tcase, refusals_say_what_was_expected, 0, REFUSAL_COUNT);
	tcase_add_test(tcase, manual_has_every_option_and_names_each_default);
	tcase_add_test(tcase, help_fits_100_columns);
	tcase_add_test(tcase, overlong_targets_are_refused);
	suite_add_tcase(suite, tcase);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? 0 : 1;
}
