/* check_store_name.c - each flow has a name of its own, short enough for thousands, and only such
 * names are read.
 */
#include "src/run/store_name.h"

#include <check.h>
#include <stdio.h>
#include <string.h>

static struct rule_ingress flow_at(const char *ip, const char *ifname, uint16_t port)
{
	struct rule_ingress in = RULE_INGRESS_UNSET;

	ck_assert_int_eq(addr_parse_ip(ip, &in.at.addr), 0);
	in.at.addr.port = port;
	snprintf(in.at.ifname, sizeof(in.at.ifname), "%s", ifname);
	return in;
}

START_TEST(whatever_tells_flows_apart_tells_names_apart)
{
	struct rule_ingress flows[] = {
		flow_at("239.1.1.1", "eth0", 5000),  flow_at("239.1.1.1", "eth0", 5001),
		flow_at("239.1.1.1", "eth1", 5000),  flow_at("239.1.1.2", "eth0", 5000),
		flow_at("239.1.1.1", "", 5000),      flow_at("ff3e::1", "eth0", 5000),
		flow_at("239.1.1.1", "eth0", 5000),  flow_at("239.1.1.1", "eth0", 5000),
		flow_at("239.1.1.1", "eth0", 60808), flow_at("239.1.1.1", "eth00", 5000),
	};
	const size_t count = sizeof(flows) / sizeof(flows[0]);

	ck_assert_int_eq(addr_parse_ip("10.0.0.1", &flows[6].source), 0);
	flows[7].source = flows[6].source;
	flows[7].source_bits = 24;
	for (size_t i = 0; i < count; i++) {
		for (size_t j = 0; j < count; j++) {
			ck_assert_int_eq(store_id(&flows[i]) == store_id(&flows[j]),
					 rule_compare_flows(&flows[i], &flows[j]) == 0);
		}
	}
}
END_TEST

START_TEST(shares_of_a_flow_have_names_of_their_own)
{
	const int cpus[2] = {1, 2}, others[2] = {1, 3};
	const struct share shares[] = {
		{.by = SHARE_BY_SOURCE, .index = 0, .count = 2},
		{.by = SHARE_BY_SOURCE, .index = 1, .count = 2},
		{.by = SHARE_BY_SOURCE, .index = 1, .count = 3},
		{.by = SHARE_BY_CPU, .index = 1, .count = 2, .cpus_os = cpus},
		{.by = SHARE_BY_CPU, .index = 1, .count = 2, .cpus_os = others},
	};
	const size_t count = sizeof(shares) / sizeof(shares[0]);

	for (size_t i = 0; i < count; i++) {
		for (size_t j = 0; j < count; j++) {
			ck_assert_int_eq(store_share_id(&shares[i]) == store_share_id(&shares[j]),
					 i == j);
		}
	}
}
END_TEST

START_TEST(how_a_flow_is_received_changes_no_name)
{
	struct rule_ingress a = flow_at("239.1.1.1", "eth0", 5000), b = a;

	b.gro = 1;
	b.pool_class = 2;
	b.shared = true;
	ck_assert_uint_eq(store_id(&a), store_id(&b));
}
END_TEST

/* Sockets of another build are believed by these names: they must not change by accident. */
START_TEST(names_are_the_same_in_every_build)
{
	struct rule_ingress in = flow_at("239.1.1.1", "eth0", 5000);
	char name[STORE_NAME_ROOM];

	ck_assert_str_eq(store_name(store_id(&in), name), "n1-bjLITVLP9eI");
	ck_assert_str_eq(store_name(0, name), "n1-AAAAAAAAAAA");
	ck_assert_str_eq(store_name(UINT64_MAX, name), "n1-__________P");
}
END_TEST

START_TEST(outputs_tell_parts_apart)
{
	struct rule_output out = RULE_OUTPUT_UNSET, other;

	ck_assert_int_eq(addr_parse_ip("239.2.2.2", &out.to.addr), 0);
	other = out;
	other.ttl = 9;
	ck_assert_uint_eq(store_output_id(&out), store_output_id(&other));
	other.to.addr.port = 7;
	ck_assert_uint_ne(store_output_id(&out), store_output_id(&other));
}
END_TEST

START_TEST(list_of_names_is_read_one_by_one)
{
	char text[128], name[STORE_NAME_ROOM];
	struct store_word word;
	const char *at = text;

	snprintf(text, sizeof(text), "connection:%s::x", store_name(77, name));
	ck_assert(store_next_word(&at, &word));
	ck_assert(!word.ours);
	ck_assert_uint_eq(word.len, strlen("connection"));
	ck_assert(store_next_word(&at, &word));
	ck_assert(word.ours);
	ck_assert_uint_eq(word.id, 77);
	ck_assert(store_next_word(&at, &word));
	ck_assert_uint_eq(word.len, 0);
	ck_assert(store_next_word(&at, &word));
	ck_assert(!word.ours);
	ck_assert(!store_next_word(&at, &word));
}
END_TEST

START_TEST(what_is_no_name_of_ours_is_not_read)
{
	static const char *const rows[] = {
		"",
		"n1",
		"n1-AAAAAAAAAA",
		"n1-AAAAAAAAAAAA",
		"n2-AAAAAAAAAAA",
		"N1-AAAAAAAAAAA",
		"n1-AAAAAAAAA=A",
		"n1-AAAAAAAAAAQ",
		"n1-AAAAAAAAA A",
		"n1_AAAAAAAAAAA",
	};
	struct store_word word;
	const char *at = rows[_i];

	ck_assert(store_next_word(&at, &word));
	ck_assert(!word.ours);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("store_name");
	TCase *tcase = tcase_create("store_name");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_test(tcase, whatever_tells_flows_apart_tells_names_apart);
	tcase_add_test(tcase, how_a_flow_is_received_changes_no_name);
	tcase_add_test(tcase, shares_of_a_flow_have_names_of_their_own);
	tcase_add_test(tcase, names_are_the_same_in_every_build);
	tcase_add_test(tcase, outputs_tell_parts_apart);
	tcase_add_test(tcase, list_of_names_is_read_one_by_one);
	tcase_add_loop_test(tcase, what_is_no_name_of_ours_is_not_read, 0, 10);
	suite_add_tcase(suite, tcase);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? 0 : 1;
}
