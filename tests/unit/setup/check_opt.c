/* check_opt.c - the command line: defaults, every option's value, what is refused and how.
 *
 * Files are check_opt_file.c, help and manual check_opt_man.c.
 */
#include "src/setup/options.h"

#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define RULE "239.1.1.1%eth0:5000 -> 239.2.2.2%eth1:6000"

static struct opt opt;
static struct err err;

static void set_up(void)
{
	opt = (struct opt){0};
	strcpy(err.text, "");
}

static void tear_down(void)
{
	options_free(&opt);
}

/* Runs options_parse over words that end with NULL. */
static int parse(const char *const *words)
{
	char *argv[32] = {(char *)"numacastd"};
	int argc = 1;

	while (words[argc - 1]) {
		argv[argc] = (char *)words[argc - 1];
		argc++;
	}
	options_free(&opt);
	return options_parse(argc, argv, &opt, &err);
}

#define WORDS(...) ((const char *const[]){__VA_ARGS__, NULL})
#define TAKEN(...) ck_assert_msg(parse(WORDS(__VA_ARGS__)) == 0, "%s", err.text)

/* Refused with a message that begins with `where', has three parts and contains `piece'. */
static void refused(const char *const *words, const char *where, const char *piece)
{
	const char *second;

	ck_assert_msg(parse(words) == -EINVAL, "taken: %s", words[0]);
	ck_assert_msg(strncmp(err.text, where, strlen(where)) == 0, "%s", err.text);
	ck_assert_msg(strstr(err.text, piece) != NULL, "not '%s': %s", piece, err.text);
	second = strstr(err.text, "; ");
	ck_assert_msg(second && strstr(second + 1, "; "), "fewer than three parts: %s", err.text);
	ck_assert_uint_eq(opt.conf.rule_count, 0);
}

START_TEST(defaults)
{
	TAKEN("--rule", RULE);
	ck_assert_int_eq(opt.mode, OPT_MODE_RELAY);
	ck_assert_uint_eq(opt.conf.rule_count, 1);
	ck_assert_str_eq(opt.conf.rules[0].where, "--rule 1");
	ck_assert_ptr_null(opt.topology);
	ck_assert_uint_eq(opt.shards, 0);
	ck_assert_ptr_null(opt.cpus_os);
	ck_assert_int_eq(opt.reserve_cores, -1);
	ck_assert(!opt.smt && !opt.oversubscribe && !opt.require_huge && !opt.sqpoll);
	ck_assert_double_eq(opt.balance, 4);
	ck_assert_int_eq(opt.huge, NODEMEM_HUGE_AUTO);
	ck_assert_uint_eq(opt.pool.count[POOL_SMALL], 512);
	ck_assert_uint_eq(opt.pool.count[POOL_STANDARD], 64);
	ck_assert_uint_eq(opt.pool.count[POOL_JUMBO], 64);
	ck_assert_uint_eq(opt.pool.count[POOL_TRAIN], 92);
	for (int cls = 0; cls < POOL_CLASS_COUNT; cls++) {
		ck_assert_uint_eq(opt.hot[cls], 0);
	}
	ck_assert_int_eq(opt.engine, RING_ENGINE_AUTO);
	ck_assert_uint_eq(opt.sq_entries, 256);
	ck_assert_uint_eq(opt.cq_entries, 4096);
	ck_assert_uint_eq(opt.batch_submit, 0);
	ck_assert_uint_eq(opt.batch_complete, 32);
	ck_assert_uint_eq(opt.waits.batch_us, 0);
	ck_assert_uint_eq(opt.waits.spin_us, 0);
	ck_assert_uint_eq(opt.waits.busy_poll_us, 0);
	ck_assert_int_eq(opt.gro, OPT_AUTO);
	ck_assert_int_eq(opt.gso, OPT_AUTO);
	ck_assert_uint_eq(opt.train_max, 128);
	ck_assert_uint_eq(opt.zerocopy, OPT_AMOUNT_AUTO);
	ck_assert_uint_eq(opt.register_buffers, OPT_AMOUNT_AUTO);
	ck_assert_uint_eq(opt.rcvbuf_bytes, 4u << 20);
	ck_assert_uint_eq(opt.sndbuf_bytes, 4u << 20);
	ck_assert_ptr_null(opt.exit_report);
	ck_assert_uint_eq(opt.drain_ms, 2000);
	ck_assert_ptr_null(opt.user);
	ck_assert(!opt.verbose && !opt.quiet && !opt.json);
}
END_TEST

START_TEST(recheck_options)
{
	TAKEN("--plan", "--topology", "pack:2 core:4", "--shards", "1024", "--cpus", "8,0-3,5",
	      "--reserve-cores=0", "--smt", "--oversubscribe", "--balance", "1.5");
	ck_assert_str_eq(opt.topology, "pack:2 core:4");
	ck_assert_uint_eq(opt.shards, 1024);
	ck_assert_uint_eq(opt.cpus_count, 6);
	ck_assert_int_eq(opt.cpus_os[0], 8);
	ck_assert_int_eq(opt.cpus_os[1], 0);
	ck_assert_int_eq(opt.cpus_os[4], 3);
	ck_assert_int_eq(opt.cpus_os[5], 5);
	ck_assert_int_eq(opt.reserve_cores, 0);
	ck_assert(opt.smt && opt.oversubscribe);
	ck_assert_double_eq(opt.balance, 1.5);
	TAKEN("--plan", "--shards", "auto", "--reserve-cores", "auto", "--balance", "0");
	ck_assert_uint_eq(opt.shards, 0);
	ck_assert_int_eq(opt.reserve_cores, -1);
	ck_assert_double_eq(opt.balance, 0);
}
END_TEST

START_TEST(memory_and_engine_options)
{
	TAKEN("--plan", "--huge", "1G", "--require-huge", "--pool", "train=8,small=0", "--hot",
	      "jumbo=64", "--engine=mmsg", "--sq-entries", "4", "--cq-entries", "4",
	      "--batch-submit", "8", "--batch-complete", "1", "--batch-wait", "50", "--spin",
	      "1000000", "--sqpoll");
	ck_assert_int_eq(opt.huge, NODEMEM_HUGE_1G);
	ck_assert(opt.require_huge && opt.sqpoll);
	ck_assert_uint_eq(opt.pool.count[POOL_SMALL], 0);
	ck_assert_uint_eq(opt.pool.count[POOL_STANDARD], 64);
	ck_assert_uint_eq(opt.pool.count[POOL_TRAIN], 8);
	ck_assert_uint_eq(opt.hot[POOL_JUMBO], 64);
	ck_assert_uint_eq(opt.hot[POOL_SMALL], 0);
	ck_assert_int_eq(opt.engine, RING_ENGINE_MMSG);
	ck_assert_uint_eq(opt.sq_entries, 4);
	ck_assert_uint_eq(opt.cq_entries, 4);
	ck_assert_uint_eq(opt.batch_submit, 8);
	ck_assert_uint_eq(opt.batch_complete, 1);
	ck_assert_uint_eq(opt.waits.batch_us, 50);
	ck_assert_uint_eq(opt.waits.spin_us, 1000000);
	TAKEN("--plan", "--huge", "off", "--engine", "uring");
	ck_assert_int_eq(opt.huge, NODEMEM_HUGE_OFF);
	ck_assert_int_eq(opt.engine, RING_ENGINE_URING);
}
END_TEST

START_TEST(socket_and_running_options)
{
	TAKEN("--rule", RULE, "--gro", "off", "--gso=on", "--train-max", "2", "--rcvbuf", "64K",
	      "--sndbuf", "0", "--exit-report", "-", "--drain-timeout", "0", "--user", "numacast",
	      "--verbose");
	ck_assert_int_eq(opt.gro, OPT_OFF);
	ck_assert_int_eq(opt.gso, OPT_ON);
	ck_assert_uint_eq(opt.train_max, 2);
	ck_assert_uint_eq(opt.rcvbuf_bytes, 65536);
	ck_assert_uint_eq(opt.sndbuf_bytes, 0);
	ck_assert_str_eq(opt.exit_report, "-");
	ck_assert_uint_eq(opt.drain_ms, 0);
	ck_assert_str_eq(opt.user, "numacast");
	ck_assert(opt.verbose);
	TAKEN("--rule", RULE, "--rcvbuf", "1G", "--quiet");
	ck_assert_uint_eq(opt.rcvbuf_bytes, 1u << 30);
	ck_assert(opt.quiet);
	options_free(&opt);
	TAKEN("--rule", RULE, "--exit-report", "off", "--health-file", "off");
	ck_assert_ptr_null(opt.exit_report);
	ck_assert_ptr_null(opt.health_file);
}
END_TEST

START_TEST(amounts_are_words_or_numbers)
{
	TAKEN("--plan");
	ck_assert_uint_eq(opt.fastpath_linger_s, OPT_AMOUNT_AUTO);
	TAKEN("--plan", "--fastpath-linger", "30");
	ck_assert_uint_eq(opt.fastpath_linger_s, 30);
	TAKEN("--plan", "--fastpath-linger", "off");
	ck_assert_uint_eq(opt.fastpath_linger_s, OPT_AMOUNT_OFF);
	TAKEN("--plan", "--zerocopy", "off", "--register-buffers", "off");
	ck_assert_uint_eq(opt.zerocopy, OPT_AMOUNT_OFF);
	ck_assert_uint_eq(opt.register_buffers, OPT_AMOUNT_OFF);
	TAKEN("--plan", "--zerocopy", "32K", "--register-buffers", "on");
	ck_assert_uint_eq(opt.zerocopy, 32768);
	ck_assert_uint_eq(opt.register_buffers, OPT_AMOUNT_ON);
	TAKEN("--plan", "--zerocopy=auto", "--register-buffers=134217728");
	ck_assert_uint_eq(opt.zerocopy, OPT_AMOUNT_AUTO);
	ck_assert_uint_eq(opt.register_buffers, 134217728);
	TAKEN("--plan", "--engine", "mmsg", "--zerocopy", "auto", "--register-buffers", "auto");
	TAKEN("--plan", "--engine", "mmsg", "--zerocopy", "off", "--register-buffers", "off");
}
END_TEST

START_TEST(modes)
{
	TAKEN("--check", "--rule", RULE);
	ck_assert_int_eq(opt.mode, OPT_MODE_CHECK);
	TAKEN("--plan");
	ck_assert_int_eq(opt.mode, OPT_MODE_PLAN);
	ck_assert_int_eq(opt.plan, OPT_PLAN_TEXT);
	TAKEN("--plan=text");
	ck_assert_int_eq(opt.plan, OPT_PLAN_TEXT);
	TAKEN("--plan=json");
	ck_assert_int_eq(opt.plan, OPT_PLAN_JSON);
	TAKEN("--plan=svg", "--rule", RULE);
	ck_assert_int_eq(opt.plan, OPT_PLAN_SVG);
	TAKEN("--plan=hugepages");
	ck_assert_int_eq(opt.plan, OPT_PLAN_HUGEPAGES);
	TAKEN("--check-host", "--json");
	ck_assert_int_eq(opt.mode, OPT_MODE_CHECK_HOST);
	ck_assert(opt.json);
	TAKEN("--version", "--verbose");
	ck_assert_int_eq(opt.mode, OPT_MODE_VERSION);
	ck_assert(opt.verbose);
}
END_TEST

START_TEST(help_and_version_win_over_everything_that_parses)
{
	TAKEN("--rule", "nonsense", "--config", "/tmp/nonexistent/file", "--help");
	ck_assert_int_eq(opt.mode, OPT_MODE_HELP);
	TAKEN("-V", "--shards", "nonsense");
	ck_assert_int_eq(opt.mode, OPT_MODE_VERSION);
	TAKEN("--version", "-h", "--check", "--plan");
	ck_assert_int_eq(opt.mode, OPT_MODE_HELP);
}
END_TEST

START_TEST(rules_repeat_and_options_override)
{
	TAKEN("--rule", RULE, "--shards", "2", "--rule=239.1.1.2%eth0:5000 name=b -> 192.0.2.1:1",
	      "--shards", "3", "--smt", "--smt=off", "--verbose=on");
	ck_assert_uint_eq(opt.conf.rule_count, 2);
	ck_assert_str_eq(opt.conf.rules[1].where, "--rule 2");
	ck_assert_str_eq(opt.conf.rules[1].name, "b");
	ck_assert_uint_eq(opt.shards, 3);
	ck_assert(!opt.smt);
	ck_assert(opt.verbose);
	TAKEN("--plan", "--topology", "a", "--topology", "b", "--cpus", "1", "--cpus", "2-3");
	ck_assert_str_eq(opt.topology, "b");
	ck_assert_uint_eq(opt.cpus_count, 2);
}
END_TEST

START_TEST(unknown_options_name_the_nearest)
{
	refused(WORDS("--shard", "4"), "--shard: unknown option", "did you mean --shards");
	refused(WORDS("--shard=4"), "--shard: unknown option", "did you mean --shards");
	refused(WORDS("--sqentries", "4"), "--sqentries: ", "did you mean --sq-entries");
	refused(WORDS("--"), "'--': unexpected argument", "--rule");
	refused(WORDS("--xyzzyxyzzy"), "--xyzzyxyzzy: ", "check the spelling");
	refused(WORDS("--a\nb\x1b[0m"), "--a\\x0ab\\x1b[0m: ", "check the spelling");
	refused(WORDS("--=4"), "--: unknown option", "--help");
	refused(WORDS("-x"), "-x: unknown option", "--help");
	refused(WORDS("-hV"), "-hV: unknown option", "--help");
	refused(WORDS("-shards", "4"), "-shards: unknown option", "did you mean --shards");
	refused(WORDS("--rules", RULE), "--rules: ", "did you mean --rule");
	refused(WORDS("rule", RULE), "'rule': unexpected argument", "options");
	refused(WORDS("--rule", "239.1.1.1%eth0:5000", "-"), "'-': unexpected argument",
		"quote it");
	refused(WORDS(""), "'': unexpected argument", "quote it");
}
END_TEST

START_TEST(missing_and_superfluous_values)
{
	refused(WORDS("--plan", "--shards"), "--shards: no value follows", "--shards N");
	refused(WORDS("--rule"), "--rule: no value follows", "--rule RULE");
	refused(WORDS("--plan", "json"), "'json': unexpected argument", "options");
	refused(WORDS("--plan=xml"), "--plan: 'xml'", "text, json, svg, hugepages or sysctl");
	refused(WORDS("--plan="), "--plan: ''", "hugepages");
	refused(WORDS("--check=yes"), "--check: 'yes'", "no value");
	refused(WORDS("--help=me"), "--help: 'me'", "no value");
	refused(WORDS("--plan", "--smt=yes"), "--smt: 'yes'", "no value, on or off");
	refused(WORDS("--plan", "--smt="), "--smt: ", "no value, on or off");
	refused(WORDS("--plan", "--topology", ""), "--topology: ''", "not empty");
	refused(WORDS("--plan", "--user="), "--user: ''", "--user numacast");
	refused(WORDS("--config", ""), "--config : cannot be read", "No such file");
}
END_TEST

START_TEST(numbers_are_strict_and_ranges_named)
{
	static const struct {
		const char *name, *value, *piece;
	} rows[] = {
		{"--shards", "0", "1 to 1024, or auto"},
		{"--shards", "1025", "1 to 1024, or auto"},
		{"--shards", "4x", "1 to 1024"},
		{"--shards", "-1", "1 to 1024"},
		{"--shards", "", "'--shards auto'"},
		{"--reserve-cores", "1025", "0 to 1024, or auto"},
		{"--balance", "-1", "0 to 1000"},
		{"--balance", "1e3", "0 to 1000"},
		{"--balance", "1000.5", "0 to 1000"},
		{"--sq-entries", "0", "1 to 32768"},
		{"--sq-entries", "auto", "1 to 32768"},
		{"--cq-entries", "3", "4 to 65536"},
		{"--batch-submit", "32769", "0 to 32768"},
		{"--batch-complete", "0", "1 to 32768"},
		{"--batch-wait", "1000001", "0 to 1000000"},
		{"--spin", "4294967296", "0 to 1000000"},
		{"--latency", "1000001", "0 to 1000000"},
		{"--busy-poll", "1000001", "0 to 1000000"},
		{"--train-max", "1", "2 to 128"},
		{"--train-max", "129", "2 to 128"},
		{"--zerocopy", "on", "off, auto or 1 to 65507 bytes, with K, M or G"},
		{"--zerocopy", "0", "off, auto or 1 to 65507 bytes"},
		{"--zerocopy", "64K", "'--zerocopy 32K'"},
		{"--register-buffers", "1K", "auto, on, off or 1 to 134217728"},
		{"--register-buffers", "0", "auto, on, off or 1 to 134217728"},
		{"--register-buffers", "134217729", "'--register-buffers 1024'"},
		{"--rcvbuf", "1025M", "0 to 1G bytes, with K, M or G"},
		{"--rcvbuf", "4MB", "0 to 1G bytes"},
		{"--sndbuf", "99999999999999999999", "0 to 1G bytes"},
		{"--drain-timeout", "600001", "0 to 600000"},
		{"--huge", "4k", "auto, 1G, 2M, thp or off"},
		{"--engine", "epoll", "auto, uring or mmsg"},
		{"--gro", "yes", "auto, on or off"},
		{"--gso", "", "auto, on or off"},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		refused(WORDS("--plan", rows[i].name, rows[i].value), rows[i].name, rows[i].piece);
	}
}
END_TEST

START_TEST(lists_are_strict)
{
	static const char *const cpus[] = {"",      ",",   "1,",    ",1",   "3-1",   "1-",     "-1",
					   "1-2-3", "1,1", "0-4,2", "1 ,2", "65536", "0-1024", "x"};
	static const char *const pools[] = {
		"",   "small",    "small=",  "small=32769", "big=1", "small=1,", "small=1,small=2",
		"=1", "small=1 ", "Small=1", "small=-1",    "1000"};

	for (size_t i = 0; i < sizeof(cpus) / sizeof(cpus[0]); i++) {
		refused(WORDS("--plan", "--cpus", cpus[i]), "--cpus: ", "'--cpus 0-3,8'");
	}
	for (size_t i = 0; i < sizeof(pools) / sizeof(pools[0]); i++) {
		refused(WORDS("--plan", "--pool", pools[i]), "--pool: ", "CLASS=N");
		refused(WORDS("--plan", "--hot", pools[i]), "--hot: ", "CLASS=N");
	}
	TAKEN("--plan", "--cpus", "65535,0-1022");
	ck_assert_uint_eq(opt.cpus_count, 1024);
}
END_TEST

START_TEST(contradictions)
{
	refused(WORDS("--plan", "--check"), "--check: comes with --plan", "remove one");
	refused(WORDS("--check", "--check-host", "--rule", RULE), "--check-host: ", "--check;");
	refused(WORDS("--plan", "--json"), "--json: ", "--plan=json");
	refused(WORDS("--plan", "--verbose", "--quiet"), "--quiet: ", "--verbose");
	refused(WORDS("--plan", "--require-huge", "--huge", "off"),
		"--require-huge: ", "--huge off");
	refused(WORDS("--rule", RULE, "--topology", "pack:2"), "--topology: ", "--plan");
	refused(WORDS("--check", "--rule", RULE, "--topology", "pack:2"), "--topology: ", "--plan");
	refused(WORDS("--plan", "--hot", "small=48"), "--hot: small=48", "power of two");
	refused(WORDS("--plan", "--hot", "train=128"), "--hot: train=128 with 92 buffers",
		"raise --pool");
	refused(WORDS("--plan", "--pool", "small=0,standard=0,jumbo=0,train=0"),
		"--pool: ", "at least one");
	refused(WORDS("--plan", "--sq-entries", "64", "--cq-entries", "8"),
		"--cq-entries: ", "lower --sq-entries");
	refused(WORDS("--plan", "--engine", "mmsg", "--zerocopy", "32K"),
		"--zerocopy: comes with --engine mmsg", "remove one");
	refused(WORDS("--plan", "--engine", "mmsg", "--zerocopy", "32K"),
		"--zerocopy: comes with --engine mmsg", "expected --engine auto or uring");
	refused(WORDS("--plan", "--engine", "mmsg", "--register-buffers", "on"),
		"--register-buffers: comes with --engine mmsg", "remove one");
	refused(WORDS("--plan", "--zerocopy", "off", "--register-buffers", "64"),
		"--register-buffers: comes with --zerocopy off", "remove one");
	refused(WORDS("--plan", "--latency", "50", "--spin", "1"), "--latency: ", "remove one");
	refused(WORDS("--plan", "--latency", "50", "--batch-wait", "1"),
		"--latency: comes with --batch-wait", "remove one");
	TAKEN("--plan", "--cq-entries", "8"); /* the default submission queue follows */
	ck_assert_uint_eq(opt.sq_entries, 8);
}
END_TEST

START_TEST(rules_are_needed_and_checked)
{
	refused(WORDS("--shards", "1"), "no rule is given", "--rule");
	refused(WORDS("--check"), "no rule is given", "--config");
	refused(WORDS("--rule", RULE, "--rule", RULE), "--rule 2: ingress", "--rule 1");
	refused(WORDS("--rule", RULE, "--rule", "x -> y"), "--rule 2: ", "no port");
	refused(WORDS("--plan", "--rule", RULE, "--rule", RULE), "--rule 2: ", "--rule 1");
	TAKEN("--check-host");
	TAKEN("--plan");
}
END_TEST

/* 0, or what needs a restart: its names stand in `err'. */
static int go_live_to(const char *const *words)
{
	struct opt running;
	int rc;

	TAKEN("--rule", RULE, "--cpus", "0-1", "--spin", "5", "--user", "me");
	running = opt;
	opt = (struct opt){0};
	ck_assert_msg(parse(words) == 0, "%s", err.text);
	rc = options_check_live(&running, &opt, &err);
	options_free(&running);
	return rc;
}

#define LIVE(...)                                                                        \
	go_live_to(WORDS("--rule", RULE, "--cpus", "0-1", "--spin", "5", "--user", "me", \
			 __VA_ARGS__))

START_TEST(what_may_change_while_running)
{
	ck_assert_int_eq(LIVE("--batch-wait", "9", "--spin", "0", "--drain-timeout", "1", "--quiet",
			      "--balance", "2", "--exit-report", "/x", "--latency-sample", "64"),
			 0);
	ck_assert_int_eq(LIVE("--spin", "0", "--latency", "50"), 0);
	ck_assert_int_eq(LIVE("--busy-poll", "50"), 0);
	ck_assert_int_eq(LIVE("--rule", "239.1.1.9%eth0:5000 -> 239.2.2.9%eth1:6000"), 0);
}
END_TEST

START_TEST(what_needs_a_restart_is_named)
{
	ck_assert_int_eq(LIVE("--shards", "3", "--pool", "small=9", "--quiet"), -EINVAL);
	ck_assert_ptr_nonnull(strstr(err.text, "--shards, --pool: needs a restart"));
	ck_assert_int_eq(LIVE("--cpus", "0-2"), -EINVAL);
	ck_assert_ptr_nonnull(strstr(err.text, "--cpus: "));
	ck_assert_int_eq(LIVE("--user", "you"), -EINVAL);
	ck_assert_ptr_nonnull(strstr(err.text, "--user: "));
	ck_assert_int_eq(LIVE("--engine", "mmsg", "--gro", "off", "--rcvbuf", "1M"), -EINVAL);
	ck_assert_ptr_nonnull(strstr(err.text, "--engine, --gro, --rcvbuf: "));
}
END_TEST

START_TEST(a_ring_that_never_span_does_not_begin_to)
{
	struct opt running;

	TAKEN("--rule", RULE);
	running = opt;
	opt = (struct opt){0};
	TAKEN("--rule", RULE, "--spin", "5");
	ck_assert_int_eq(options_check_live(&running, &opt, &err), -EINVAL);
	ck_assert_ptr_nonnull(strstr(err.text, "--spin: "));
	options_free(&opt);
	TAKEN("--rule", RULE, "--latency", "5");
	ck_assert_int_eq(options_check_live(&running, &opt, &err), -EINVAL);
	ck_assert_ptr_nonnull(strstr(err.text, "--latency: "));
	options_free(&running);
}
END_TEST

START_TEST(free_accepts_zero)
{
	options_free(&opt);
	TAKEN("--plan", "--topology", "x", "--cpus", "1", "--exit-report", "-", "--user", "u");
	options_free(&opt);
	ck_assert_ptr_null(opt.topology);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("opt");
	TCase *tc = tcase_create("opt");
	SRunner *runner = srunner_create(suite);
	int failed;

	suite_add_tcase(suite, tc);
	tcase_add_checked_fixture(tc, set_up, tear_down);
	tcase_add_test(tc, defaults);
	tcase_add_test(tc, recheck_options);
	tcase_add_test(tc, memory_and_engine_options);
	tcase_add_test(tc, socket_and_running_options);
	tcase_add_test(tc, amounts_are_words_or_numbers);
	tcase_add_test(tc, modes);
	tcase_add_test(tc, help_and_version_win_over_everything_that_parses);
	tcase_add_test(tc, rules_repeat_and_options_override);
	tcase_add_test(tc, unknown_options_name_the_nearest);
	tcase_add_test(tc, missing_and_superfluous_values);
	tcase_add_test(tc, numbers_are_strict_and_ranges_named);
	tcase_add_test(tc, lists_are_strict);
	tcase_add_test(tc, contradictions);
	tcase_add_test(tc, rules_are_needed_and_checked);
	tcase_add_test(tc, what_may_change_while_running);
	tcase_add_test(tc, what_needs_a_restart_is_named);
	tcase_add_test(tc, a_ring_that_never_span_does_not_begin_to);
	tcase_add_test(tc, free_accepts_zero);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
