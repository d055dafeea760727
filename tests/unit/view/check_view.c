/* check_view.c - what the four printers say of one small plan, made by hand.
 *
 * Two nodes with huge-page pools, one of them too small; an interface with a hostile name; flows
 * that are local, remote and of unknown place. Whole plans of real machines, as text and JSON, are
 * compared by tests/topologies.
 */
#include "src/view/view.h"

#include <check.h>
#include <errno.h>
#include <jansson.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "src/view/sum.h"

static struct topo_cpu cpus[4];
static struct topo_node nodes[2];
static struct topo_nic nics[2];
static struct topo topo;
static struct plan_shard shards[2];
static struct plan_owner owners[4];
static uint32_t first_owner[] = {0, 1, 2, 4};
static int reserved[] = {0};
static struct plan plan;
static struct view_flow flows[3];
static struct rule_ingress ingresses[3]; /* of any source */
static struct view view;
static char *text;
static size_t text_len;

static void make_machine(void)
{
	for (int i = 0; i < 4; i++) {
		cpus[i] = (struct topo_cpu){.cpu_os = i,
					    .core_idx = i,
					    .package_os = i / 2,
					    .home_os = i / 2,
					    .node_os = i / 2,
					    .efficiency = TOPO_UNKNOWN,
					    .l3_idx = TOPO_UNKNOWN,
					    .allowed = i != 3};
	}
	for (int i = 0; i < 2; i++) {
		nodes[i] = (struct topo_node){.node_os = i,
					      .package_os = i,
					      .memory_bytes = UINT64_C(3) << 29,
					      .cpu_count = 2,
					      .allowed = true,
					      .huge_2m_total = 10,
					      .huge_2m_free = i == 0 ? 10 : 1,
					      .huge_1g_total = TOPO_UNKNOWN,
					      .huge_1g_free = TOPO_UNKNOWN};
	}
	nics[0] = (struct topo_nic){.name = "<&\">", .node_os = 1, .via = "pci 0000:81:00.0"};
	nics[1] = (struct topo_nic){.name = "veth0", .node_os = TOPO_UNKNOWN, .via = "virtual"};
	topo = (struct topo){.cpus = cpus,
			     .nodes = nodes,
			     .nics = nics,
			     .cpu_count = 4,
			     .node_count = 2,
			     .nic_count = 2,
			     .core_count = 4,
			     .package_count = 2,
			     .source = "a machine <made> by hand"};
}

static struct view_flow make_flow(int i, const char *name, const char *ingress, const char *ifname,
				  uint32_t outputs)
{
	struct view_flow flow = {.name = name, .ingress = ingress, .ifname = ifname, .weight = 1};

	flow.node_os = i == 1 ? TOPO_UNKNOWN : 1;
	flow.output_count = outputs;
	flow.in = &ingresses[i];
	return flow;
}

static void make_plan(void)
{
	shards[0] = (struct plan_shard){
		.cpu_os = 1, .home_os = 0, .node_os = 0, .flow_count = 2, .load = 3};
	shards[1] = (struct plan_shard){
		.cpu_os = 2, .home_os = 1, .node_os = 1, .flow_count = 2, .load = 3};
	owners[0] = (struct plan_owner){.shard = 1, .why = PLAN_WHY_LOCAL};
	owners[1] = (struct plan_owner){.shard = 0, .why = PLAN_WHY_NODE_UNKNOWN};
	owners[2] = (struct plan_owner){.shard = 1, .why = PLAN_WHY_LOCAL};
	owners[3] = (struct plan_owner){.shard = 0, .why = PLAN_WHY_SPREAD};
	plan = (struct plan){.shards = shards,
			     .shard_count = 2,
			     .owners = owners,
			     .first_owner = first_owner,
			     .flow_count = 3,
			     .cpus_reserved = 1,
			     .reserved_os = reserved};
	for (int i = 0; i < 3; i++) {
		ck_assert_int_eq(
			addr_parse_ip(i == 1 ? "ff3e::1" : "239.1.1.1", &ingresses[i].at.addr), 0);
	}
	flows[0] = make_flow(0, "near", "239.1.1.1%<&\">:5000", "<&\">", 2);
	flows[1] = make_flow(1, "odd", "[ff3e::1%veth0]:5000", "veth0", 1);
	flows[2] = make_flow(2, "hot", "239.1.1.2%<&\">:5000", "<&\">", 4);
	flows[2].weight = 2;
	view = (struct view){.topo = &topo,
			     .plan = &plan,
			     .flows = flows,
			     .arena_bytes = (UINT64_C(4) << 21) - 100,
			     .page = ARENA_HUGE_2M};
}

static void setup(void)
{
	make_machine();
	make_plan();
}

static void teardown(void)
{
	free(text);
	text = NULL;
}

static void print(int (*printer)(const struct view *, FILE *))
{
	FILE *out;

	free(text);
	out = open_memstream(&text, &text_len);
	ck_assert_ptr_nonnull(out);
	ck_assert_int_eq(printer(&view, out), 0);
	ck_assert_int_eq(fclose(out), 0);
}

/* Check cannot quote texts as long as these; from the first difference on it can. */
static void expect_text(const char *expected)
{
	size_t same = 0;

	while (expected[same] && expected[same] == text[same]) {
		same++;
	}
	ck_assert_msg(strcmp(expected, text) == 0, "expected '%.80s' got '%.80s'", expected + same,
		      text + same);
}

START_TEST(text_says_what_is_where_and_what_is_wrong)
{
	print(view_text);
	expect_text(
		"a machine <made> by hand: 2 sockets, 2 nodes, 4 cores, 4 CPUs, of which 3 may be "
		"used\n"
		"2 shards with 7.9 MiB each in 2M pages; CPU 0 left to the rest of the system\n"
		"\n"
		"NODE  SOCKET      MEMORY  CPUS  SHARDS  FLOWS  HUGE PAGES  AVAILABLE\n"
		"   0       0     1.5 GiB     2       1      0           4         10\n"
		"   1       1     1.5 GiB     2       1      2           4          1\n"
		"\n"
		"INTERFACE        NODE  FOUND BY\n"
		"<&\">                1  pci 0000:81:00.0\n"
		"veth0               ?  virtual\n"
		"\n"
		"SHARD   CPU  NODE  MEMORY NODE  FLOWS        LOAD\n"
		"    0     1     0            0      2           3\n"
		"    1     2     1            1      2           3\n"
		"\n"
		"  FLOW  NAME  INGRESS               NODE  WEIGHT  OUTPUTS  SHARD  WHY\n"
		"     0  near  239.1.1.1%<&\">:5000      1       1        2      1  local\n"
		"     1  odd   [ff3e::1%veth0]:5000     ?       1        1      0  interface node "
		"unknown\n"
		"     2  hot   239.1.1.2%<&\">:5000      1       2        4      1  local\n"
		"                                                               0  remote: spread\n"
		"\n"
		"3 flows: 1 local, 1 remote, 1 with unknown interface node\n"
		"note: node 1: 1 owner of its flows on another node: spread= asks for more shards "
		"than it has; lower it or give it more shards\n"
		"note: node 1 needs 4 huge pages and has 1 available: echo 13 > "
		"/sys/devices/system/node/node1/hugepages/hugepages-2048kB/nr_hugepages\n");
}
END_TEST

#define POOL_2M "/sys/devices/system/node/node1/hugepages/hugepages-2048kB/nr_hugepages"
#define POOL_1G "/sys/devices/system/node/node1/hugepages/hugepages-1048576kB/nr_hugepages"

START_TEST(huge_pages_are_added_to_what_others_hold)
{
	print(view_hugepages);
	expect_text("# a machine <made> by hand: 2 shards, 7.9 MiB each, in 2M pages\n"
		    "# node 0: 1 shard x 4 = 4 pages, 10 available: nothing to do\n"
		    "# node 1: 1 shard x 4 = 4 pages, 1 of 10 available\n"
		    "echo 13 > " POOL_2M "\n"
		    "test \"$(cat " POOL_2M ")\" -ge 13 || { "
		    "echo 'node 1: fewer than 13 huge pages could be had' >&2; exit 1; }\n");
}
END_TEST

START_TEST(huge_pages_of_a_machine_far_away_are_what_shards_need)
{
	view.page = ARENA_HUGE_1G;
	nodes[0].allowed = false;
	shards[0].node_os = TOPO_UNKNOWN;
	print(view_hugepages);
	expect_text("# a machine <made> by hand: 2 shards, 7.9 MiB each, in 1G pages\n"
		    "# node 0: no shard takes memory here\n"
		    "# node 1: 1 shard x 1 = 1 page\n"
		    "echo 1 > " POOL_1G "\n"
		    "test \"$(cat " POOL_1G ")\" -ge 1 || { "
		    "echo 'node 1: fewer than 1 huge pages could be had' >&2; exit 1; }\n"
		    "# 1 shard with unknown memory node: 1 more, on any node\n");
	view.page = ARENA_HUGE_THP;
	print(view_hugepages);
	ck_assert_ptr_nonnull(strstr(text, "need no reservation"));
	ck_assert_ptr_null(strstr(text, "echo"));
}
END_TEST

static json_int_t integer(const json_t *object, const char *name)
{
	const json_t *value = json_object_get(object, name);

	ck_assert_msg(json_is_integer(value), "%s is no number", name);
	return json_integer_value(value);
}

/* The text has these words. */
static void has(const char *format, ...)
{
	char words[512];
	va_list args;

	va_start(args, format);
	vsnprintf(words, sizeof(words), format, args);
	va_end(args);
	ck_assert_msg(strstr(text, words) != NULL, "not '%s' in:\n%s", words, text);
}

START_TEST(json_is_whole_and_null_where_nothing_is_known)
{
	json_t *root, *flow, *owner;

	print(view_json);
	root = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
	ck_assert_ptr_nonnull(root);
	ck_assert_int_eq(integer(root, "format"), 1);
	ck_assert_uint_eq(json_array_size(json_object_get(root, "nodes")), 2);
	ck_assert_uint_eq(json_array_size(json_object_get(root, "interfaces")), 2);
	ck_assert_uint_eq(json_array_size(json_object_get(root, "shards")), 2);
	ck_assert_uint_eq(json_array_size(json_object_get(root, "flows")), 3);
	flow = json_array_get(json_object_get(root, "flows"), 1);
	ck_assert(json_is_null(json_object_get(flow, "node")));
	ck_assert_str_eq(json_string_value(json_object_get(flow, "ingress")),
			 "[ff3e::1%veth0]:5000");
	flow = json_array_get(json_object_get(root, "flows"), 2);
	owner = json_array_get(json_object_get(flow, "owners"), 1);
	ck_assert_int_eq(integer(owner, "shard"), 0);
	ck_assert(json_is_false(json_object_get(owner, "local")));
	ck_assert_str_eq(json_string_value(json_object_get(owner, "why")), "spread");
	ck_assert_int_eq(integer(json_object_get(root, "summary"), "remote"), 1);
	json_decref(root);
}
END_TEST

START_TEST(shares_and_their_sources_are_named_by_every_printer)
{
	struct addr source;
	json_t *root, *flow, *owner, *asked;
	static const char *const from = "10.1.2.5"; /* share 1 of 2 */

	flows[2].by = SHARE_BY_SOURCE;
	ck_assert_int_eq(addr_parse_ip(from, &source), 0);
	view.source = &source;
	print(view_text);
	has("remote: spread, share 1 of 2\n");
	has("\nsource %s:\n  near: 239.1.1.1%%<&\">:5000: shard 1\n", from);
	has("\n  hot: 239.1.1.2%%<&\">:5000: shard 0, share 1 of 2\n");
	has("\nhot: 239.1.1.2%%<&\">:5000 by source over shards 1 0: share ((x * 2654435761 mod "
	    "2^32) >> 16) mod 2, x being the address; a filter on each socket\n");
	ck_assert_ptr_null(strstr(text, "is offered to"));
	print(view_picture);
	has("share 1 of 2: %s", from);
	print(view_json);
	root = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
	flow = json_array_get(json_object_get(root, "flows"), 2);
	owner = json_array_get(json_object_get(flow, "owners"), 1);
	ck_assert_str_eq(json_string_value(json_object_get(flow, "mechanism")), "filter");
	ck_assert_int_eq(integer(owner, "share"), 1);
	ck_assert_int_eq(integer(owner, "shares"), 2);
	ck_assert_str_eq(json_string_value(json_object_get(owner, "by")), "source");
	asked = json_object_get(json_object_get(root, "source"), "flows");
	ck_assert_uint_eq(json_array_size(asked), 2); /* the other flow is of IPv6 */
	ck_assert_int_eq(integer(json_array_get(asked, 1), "share"), 1);
	ck_assert_int_eq(integer(json_array_get(asked, 1), "shard"), 0);
	json_decref(root);
}
END_TEST

START_TEST(what_decides_otherwise_than_the_source_is_said)
{
	struct addr source;

	ck_assert_int_eq(addr_parse_ip("10.1.2.3", &source), 0);
	view.source = &source;
	flows[2].by = SHARE_BY_CPU;
	ck_assert_int_eq(addr_parse_ip("192.0.2.1", &ingresses[2].at.addr), 0);
	ingresses[0].source = source;
	print(view_text);
	has("\n  hot: 239.1.1.2%%<&\">:5000: by the CPU that it comes in on, shards 1 0\n");
	has("by cpu over shards 1 0: the shard whose CPU receives; SO_REUSEPORT, and one program "
	    "that chooses\n");
	has("note: 1 flow names its source: its shard joins that source alone");
	flows[2].by = SHARE_BY_OUTPUTS;
	print(view_text);
	has("\n  hot: 239.1.1.2%%<&\">:5000: each for its outputs, shards 1 0\n");
	source.ip[0] = 11;
	ingresses[0].source.ip[0] = 12;
	ingresses[2].source = ingresses[0].source;
	print(view_text);
	has("\nsource 11.1.2.3:\n  no flow takes it\n");
}
END_TEST

START_TEST(json_of_names_that_are_not_utf8_is_still_json)
{
	json_t *root;

	snprintf(topo.source, sizeof(topo.source), "caf\xe9.xml");
	print(view_json);
	root = json_loads(text, 0, NULL);
	ck_assert_ptr_nonnull(root);
	ck_assert_ptr_nonnull(strstr(text, "\"caf?.xml\""));
	json_decref(root);
}
END_TEST

/* Every element is closed in its order, and no bare text has broken out. */
static void check_markup(const char *svg)
{
	const char *open[16];
	int depth = 0;

	for (const char *c = strchr(svg, '<'); c; c = strchr(c + 1, '<')) {
		const char *end = strchr(c, '>');

		ck_assert_ptr_nonnull(end);
		if (c[1] == '/') {
			size_t len = strcspn(c + 2, ">");

			ck_assert_int_gt(depth, 0);
			ck_assert_int_eq(strncmp(open[--depth], c + 2, len), 0);
			ck_assert_ptr_nonnull(strchr(" >", open[depth][len]));
		} else if (end[-1] != '/') {
			ck_assert_int_lt(depth, 16);
			open[depth++] = c + 1;
		}
	}
	ck_assert_int_eq(depth, 0);
}

START_TEST(picture_survives_hostile_names)
{
	print(view_picture);
	check_markup(text);
	ck_assert_ptr_nonnull(strstr(text, "&lt;&amp;\""));
	ck_assert_ptr_nonnull(strstr(text, "a machine &lt;made&gt; by hand"));
	ck_assert_ptr_nonnull(strstr(text, "prefers-color-scheme:dark"));
}
END_TEST

START_TEST(picture_shows_every_shard_and_node)
{
	print(view_picture);
	ck_assert_ptr_nonnull(strstr(text, ">s0<"));
	ck_assert_ptr_nonnull(strstr(text, ">s1<"));
	ck_assert_ptr_nonnull(strstr(text, ">node 0: 1.5 GiB<"));
	ck_assert_ptr_nonnull(strstr(text, ">node 1: 1.5 GiB<"));
	ck_assert_ptr_nonnull(strstr(text, "b-system"));
	ck_assert_ptr_nonnull(strstr(text, ">cpu 3<"));
	ck_assert_ptr_nonnull(strstr(text, "7.9 MiB: 4 huge pages, 1 free"));
	ck_assert_ptr_nonnull(strstr(text, "1 from &lt;&amp;\"&gt;, node 1"));
}
END_TEST

START_TEST(plan_without_flows_is_printed_too)
{
	static uint32_t none[1];

	plan.flow_count = 0;
	plan.first_owner = none;
	print(view_text);
	ck_assert_ptr_nonnull(strstr(text, "no flows: add --rule"));
	print(view_json);
	ck_assert_ptr_nonnull(strstr(text, "\"flows\": []"));
	print(view_picture);
	check_markup(text);
}
END_TEST

START_TEST(full_disk_is_an_error)
{
	static int (*const printers[])(const struct view *, FILE *) = {
		view_text, view_json, view_picture, view_hugepages};

	for (size_t i = 0; i < sizeof(printers) / sizeof(printers[0]); i++) {
		FILE *full = fopen("/dev/full", "w");

		ck_assert_ptr_nonnull(full);
		setvbuf(full, NULL, _IONBF, 0);
		ck_assert_int_eq(printers[i](&view, full), -ENOSPC);
		fclose(full);
	}
}
END_TEST

START_TEST(cpus_that_wait_to_be_named_are_told_with_the_option)
{
	print(view_text);
	ck_assert_ptr_null(strstr(text, "--cpus"));
	cpus[3].nameable = true;
	print(view_text);
	ck_assert_ptr_nonnull(strstr(text, "note: CPU 3 is not in the affinity mask "
					   "(CPUAffinity=, taskset) and without a shard: --cpus 3 "
					   "gives it one"));
	cpus[3].isolated = true;
	print(view_text);
	ck_assert_ptr_nonnull(strstr(text, "note: CPU 3 is isolated (isolcpus=, nohz_full=) and"));
	print(view_json);
	ck_assert_ptr_nonnull(strstr(text, "\"isolated_cpus\": [3],\n\"nameable_cpus\": [3]"));
	shards[1].cpu_os = 3; /* named */
	print(view_text);
	ck_assert_ptr_null(strstr(text, "isolated"));
}
END_TEST

START_TEST(bytes_are_written_with_a_fitting_unit)
{
	static const struct {
		uint64_t bytes;
		const char *text;
	} rows[] = {
		{0, "0 B"},
		{1023, "1023 B"},
		{1024, "1 KiB"},
		{1536, "1.5 KiB"},
		{UINT64_C(64) << 30, "64 GiB"},
		{(UINT64_C(100) << 30) + (UINT64_C(1) << 29), "100 GiB"},
		{UINT64_C(2048) << 40, "2048 TiB"},
	};
	char buf[VIEW_BYTES_TEXT_MAX];

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		ck_assert_str_eq(view_sum_bytes(rows[i].bytes, buf), rows[i].text);
	}
}
END_TEST

START_TEST(number_lists_are_written_as_ranges)
{
	static const int numbers[] = {0, 1, 2, 5, 7, 8};
	FILE *out = open_memstream(&text, &text_len);

	view_sum_print_list(numbers, 6, out);
	fclose(out);
	ck_assert_str_eq(text, "0-2,5,7-8");
}
END_TEST

static Suite *plan_print_suite(void)
{
	Suite *suite = suite_create("plan_print");
	TCase *tc = tcase_create("plan_print");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, text_says_what_is_where_and_what_is_wrong);
	tcase_add_test(tc, huge_pages_are_added_to_what_others_hold);
	tcase_add_test(tc, huge_pages_of_a_machine_far_away_are_what_shards_need);
	tcase_add_test(tc, json_is_whole_and_null_where_nothing_is_known);
	tcase_add_test(tc, shares_and_their_sources_are_named_by_every_printer);
	tcase_add_test(tc, what_decides_otherwise_than_the_source_is_said);
	tcase_add_test(tc, json_of_names_that_are_not_utf8_is_still_json);
	tcase_add_test(tc, picture_survives_hostile_names);
	tcase_add_test(tc, picture_shows_every_shard_and_node);
	tcase_add_test(tc, plan_without_flows_is_printed_too);
	tcase_add_test(tc, full_disk_is_an_error);
	tcase_add_test(tc, cpus_that_wait_to_be_named_are_told_with_the_option);
	tcase_add_test(tc, bytes_are_written_with_a_fitting_unit);
	tcase_add_test(tc, number_lists_are_written_as_ranges);
	suite_add_tcase(suite, tc);
	return suite;
}

int main(void)
{
	SRunner *runner = srunner_create(plan_print_suite());
	int failed;

	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
