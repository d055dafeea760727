/* check_view_fast.c - a plan with flows that the kernel may relay, by every printer: what stands in
 * the way of each, and the CPUs of their interface's interrupts, with interfaces of the test's own
 * and made-up files of theirs.
 */
#include <check.h>
#include <ftw.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "src/setup/options.h"
#include "src/setup/setup.h"
#include "src/view/fast.h"
#include "src/view/view.h"
#include "tests/unit/sock_help.h"

#define FLOWS 4

static char root[] = "/tmp/numacast-view.XXXXXX";
static struct opt opt;
static struct setup planned;
static struct view_flow flows[FLOWS];
static struct view_fast fast;
static struct view view;
static char *text;

static void put(const char *path, const char *words)
{
	char at[256];
	FILE *file;

	snprintf(at, sizeof(at), "%s%s", root, path);
	for (char *slash = strchr(at + strlen(root) + 1, '/'); slash;
	     slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		(void)mkdir(at, 0755);
		*slash = '/';
	}
	file = fopen(at, "w");
	ck_assert_ptr_nonnull(file);
	fputs(words, file);
	ck_assert_int_eq(fclose(file), 0);
}

/* Flows by a1, which has two interrupts, but one; and of that one nobody knows where it goes. */
static void set_up(void)
{
	const char *argv[] = {
		"numacastd",  "--plan",
		"--topology", "package:2 numanode:1 core:4 pu:1",
		"--fastpath", "auto",
		"--shards",   "1",
		"--rule",     "239.1.1.1%a1:5000 name=may -> 239.2.2.2%b1:6000",
		"--rule",     "239.1.1.2%a1:5000 name=paced -> 239.2.2.2%b1:6000 rate=1G",
		"--rule",     "239.1.1.3%a1:5000 name=off fast=off -> 239.2.2.2%b1:6000",
		"--rule",     "239.1.1.4%b1:5000 name=odd -> 239.2.2.2%a1:6000"};
	struct err err = {0};

	net_make();
	ck_assert_ptr_nonnull(mkdtemp(root));
	put("/sys/class/net/a1/device/msi_irqs/40", "msix\n");
	put("/sys/class/net/a1/device/msi_irqs/41", "msix\n");
	put("/proc/irq/40/smp_affinity_list", "4-5\n");
	put("/proc/irq/41/effective_affinity_list", "2\n");
	ck_assert_msg(options_parse(sizeof(argv) / sizeof(argv[0]), (char **)argv, &opt, &err) == 0,
		      "%s", err.text);
	ck_assert_msg(setup_prepare(&planned, &opt, false, &err) == 0, "%s", err.text);
	ck_assert_uint_eq(opt.conf.flow_count, FLOWS);
	planned.topo.this_machine = true;
	for (int f = 0; f < FLOWS; f++) {
		flows[f] = (struct view_flow){.name = opt.conf.rules[opt.conf.flows[f].rule].name,
					      .ingress = "an ingress",
					      .ifname = opt.conf.flows[f].in.at.ifname,
					      .node_os = TOPO_UNKNOWN,
					      .weight = 1,
					      .output_count = 1,
					      .in = &opt.conf.flows[f].in};
	}
	ck_assert_int_eq(view_fast_build(&planned, root, flows, &fast), 0);
	view = (struct view){.topo = &planned.topo,
			     .plan = &planned.plan,
			     .flows = flows,
			     .conf = &opt.conf,
			     .arena_bytes = 4096,
			     .page = ARENA_HUGE_OFF};
}

static int remove_it(const char *path, const struct stat *stat, int kind, struct FTW *at)
{
	(void)stat;
	(void)kind;
	(void)at;
	return remove(path);
}

static void tear_down(void)
{
	nftw(root, remove_it, 8, FTW_DEPTH | FTW_PHYS);
	free(text);
	view_fast_free(&fast);
	setup_free(&planned);
	options_free(&opt);
}

static const char *print(int (*printer)(const struct view *, FILE *))
{
	size_t len;
	FILE *out = open_memstream(&text, &len);

	ck_assert_ptr_nonnull(out);
	ck_assert_int_eq(printer(&view, out), 0);
	ck_assert_int_eq(fclose(out), 0);
	return text;
}

static void expect_words(const char *words)
{
	ck_assert_msg(strstr(text, words) != NULL, "not '%s' in:\n%s", words, text);
}

static uint32_t count_words(const char *words)
{
	uint32_t count = 0;

	for (const char *at = text; (at = strstr(at, words)) != NULL; at++) {
		count++;
	}
	return count;
}

START_TEST(text_says_where_each_is_relayed_or_why_not)
{
	print(view_text);
	expect_words("; in the kernel on CPUs 2,4-5\n");
	expect_words("; not in the kernel: an output has rate=\n");
	expect_words("; in the kernel, nobody knows on which CPUs\n");
	ck_assert_uint_eq(count_words(" kernel"), 4);
	expect_words("\n2 flows may be relayed in the kernel, 1 on unknown CPUs\n");
}
END_TEST

START_TEST(json_has_cpus_and_reason_of_what_asks_for_it)
{
	json_t *plan = json_loads(print(view_json), 0, NULL), *list;
	const char *reason, *expected[FLOWS] = {"[2, 4, 5]", "[2, 4, 5]", NULL, "null"};

	list = json_object_get(plan, "flows");
	ck_assert_uint_eq(json_array_size(list), FLOWS);
	for (size_t f = 0; f < FLOWS; f++) {
		json_t *of = json_object_get(json_array_get(list, f), "fast");
		char *cpus = json_dumps(json_object_get(of, "cpus"), JSON_ENCODE_ANY);

		ck_assert_int_eq(of != NULL, expected[f] != NULL);
		ck_assert(!of || strcmp(cpus, expected[f]) == 0);
		reason = json_string_value(json_object_get(of, "reason"));
		ck_assert_int_eq(reason != NULL, f == 1);
		ck_assert(!reason || strcmp(reason, "an output has rate=") == 0);
		free(cpus);
	}
	json_decref(plan);
}
END_TEST

START_TEST(picture_marks_the_cores_that_take_the_interrupts)
{
	print(view_picture);
	ck_assert_uint_eq(count_words("1 flow(s) may be relayed in the kernel here"), 3);
	expect_words("; 2 may be relayed in the kernel, 1 on unknown CPUs<");
	expect_words(">so many flows in the kernel<");
}
END_TEST

START_TEST(who_does_not_ask_is_told_nothing)
{
	view_fast_free(&fast);
	for (int f = 0; f < FLOWS; f++) {
		flows[f].fast = false;
	}
	opt.fastpath = OPT_FASTPATH_OFF;
	ck_assert_int_eq(view_fast_build(&planned, root, flows, &fast), 0);
	print(view_text);
	ck_assert_uint_eq(count_words("kernel"), 0);
	free(text);
	print(view_picture);
	ck_assert_uint_eq(count_words("kernel"), 0);
	free(text);
	print(view_json);
	ck_assert_uint_eq(count_words("\"fast\""), 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("view_fast");
	TCase *tcase = tcase_create("view_fast");
	SRunner *runner;
	int failed;

	if (!net_possible()) {
		return 77;
	}
	tcase_add_checked_fixture(tcase, set_up, tear_down);
	tcase_add_test(tcase, text_says_where_each_is_relayed_or_why_not);
	tcase_add_test(tcase, json_has_cpus_and_reason_of_what_asks_for_it);
	tcase_add_test(tcase, picture_marks_the_cores_that_take_the_interrupts);
	tcase_add_test(tcase, who_does_not_ask_is_told_nothing);
	suite_add_tcase(suite, tcase);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? 0 : 1;
}
