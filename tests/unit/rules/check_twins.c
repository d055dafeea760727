/* check_twins.c - rules among each other: twins, cycles, names, and many flows at once.
 *
 * Besides stories with one outcome each, random little configurations are judged a second time by
 * brute force: every pair of flows for twins, the transitive closure for cycles. conf_check_twins
 * sorts and searches instead, and must come to the same verdict. Random numbers have fixed seeds.
 */
#include "src/rules/conf.h"

#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "src/rules/parse.h"

static struct conf conf;
static struct err err;

static void set_up(void)
{
	conf = (struct conf){0};
	strcpy(err.text, "");
}

static void tear_down(void)
{
	conf_free(&conf);
}

static void add(const char *text)
{
	char where[32];

	snprintf(where, sizeof(where), "f:%u", conf.rule_count + 1);
	ck_assert_msg(conf_add_rule(&conf, text, where, &err) == 0, "'%s': %s", text, err.text);
}

static void taken(void)
{
	int rc = conf_check_twins(&conf, &err);

	ck_assert_msg(rc == 0, "%s", err.text);
	conf_free(&conf);
}

/* The refusal begins with `where' and contains `piece'. */
static void refused(const char *where, const char *piece)
{
	int rc = conf_check_twins(&conf, &err);

	ck_assert_int_eq(rc, -EINVAL);
	ck_assert_msg(strncmp(err.text, where, strlen(where)) == 0, "%s", err.text);
	ck_assert_msg(strstr(err.text, piece) != NULL, "%s", err.text);
	conf_free(&conf);
}

START_TEST(no_rule_is_refused)
{
	refused("no rule is given", "--config");
}
END_TEST

START_TEST(names_are_unique)
{
	add("239.1.1.1%eth0:1 name=a -> 239.2.2.2%eth1:1");
	add("239.1.1.2%eth0:1 -> 239.2.2.2%eth1:1");
	add("239.1.1.3%eth0:1 name=a -> 239.2.2.2%eth1:1");
	refused("f:3: ", "at f:1");
	add("239.1.1.1%eth0:1 name=rule2 -> 239.2.2.2%eth1:1");
	add("239.1.1.2%eth0:1 -> 239.2.2.2%eth1:1");
	refused("f:2: ", "the n-th rule without name= is called ruleN");
	add("239.1.1.1%eth0:1 name=a -> 239.2.2.2%eth1:1");
	add("239.1.1.2%eth0:1 name=A -> 239.2.2.2%eth1:1");
	taken();
}
END_TEST

START_TEST(one_flow_has_one_rule)
{
	add("239.1.1.1%eth0:5000 -> 239.2.2.2%eth1:1");
	add("239.9.9.9%eth0:5000 -> 239.2.2.2%eth1:1");
	add("239.1.1.1%eth0:5000 -> 239.2.2.3%eth1:1");
	refused("f:3: ingress 239.1.1.1%eth0:5000", "that of rule1 (at f:1)");
	add("239.1.1.1%eth0:5000 -> 239.2.2.2%eth1:1");
	add("239.1.1.0/30%eth0:4999-5000 -> 239.2.2.0/30%eth1:1-2");
	refused("f:2: ", "f:1");
	add("[ff3e::1%eth0]:1 name=a -> 239.2.2.2%eth1:1");
	add("[ff3e:0:0::1%eth0]:1 -> 239.2.2.3%eth1:1");
	refused("f:2: ", "that of a (at f:1)");
}
END_TEST

START_TEST(other_address_port_or_interface_is_another_flow)
{
	add("239.1.1.1%eth0:5000 -> 239.2.2.2%eth1:1");
	add("239.1.1.1%eth0:5001 -> 239.2.2.2%eth1:1");
	add("239.1.1.2%eth0:5000 -> 239.2.2.2%eth1:1");
	add("239.1.1.1%eth1:5000 -> 239.2.2.2%eth1:1");
	add("[ff3e::1%eth0]:5000 -> 239.2.2.2%eth1:1");
	taken();
}
END_TEST

START_TEST(sources_share_a_group_but_not_with_any)
{
	add("192.0.2.1@232.1.1.1%eth0:5000 -> 239.2.2.2%eth1:1");
	add("192.0.2.2@232.1.1.1%eth0:5000 -> 239.2.2.3%eth1:1");
	taken();
	add("192.0.2.1@232.1.1.1%eth0:5000 -> 239.2.2.2%eth1:1");
	add("192.0.2.2@232.1.1.1%eth0:5000 -> 239.2.2.3%eth1:1");
	add("192.0.2.1@232.1.1.1%eth0:5000 -> 239.2.2.4%eth1:1");
	refused("f:3: ", "at f:1");
	add("192.0.2.1@232.1.1.1%eth0:5000 -> 239.2.2.2%eth1:1");
	add("232.1.1.1%eth0:5000 -> 239.2.2.3%eth1:1");
	refused("f:2: ", "any source includes each source");
	add("192.0.2.1@232.1.1.1%eth0:5000 -> 239.2.2.2%eth1:1");
	add("232.1.1.1%eth2:5000 -> 239.2.2.3%eth1:1");
	taken();
}
END_TEST

START_TEST(unicast_of_any_interface_includes_each)
{
	add("192.0.2.9:5000 -> 239.2.2.2%eth1:1");
	add("192.0.2.9%eth0:5000 -> 239.2.2.3%eth1:1");
	refused("f:2: ", "at f:1");
	add("192.0.2.9%eth0:5000 -> 239.2.2.2%eth1:1");
	add("192.0.2.9%eth1:5000 -> 239.2.2.3%eth1:1");
	taken();
	add("192.0.2.9%eth0:5000 -> 239.2.2.2%eth1:1");
	add("192.0.2.9%eth1:5000 -> 239.2.2.3%eth1:1");
	add("192.0.2.9:5000 -> 239.2.2.3%eth1:1");
	refused("f:3: ", "192.0.2.9:5000");
}
END_TEST

START_TEST(cycles_of_any_length)
{
	add("192.0.2.1%eth0:1 -> 192.0.2.2%eth1:1");
	add("192.0.2.2%eth1:1 -> 192.0.2.1%eth0:1");
	refused("f:2: ", "rule1 (at f:1) -> rule2 (at f:2)");
	add("192.0.2.1%eth0:1 name=a -> 239.9.9.9%eth1:1, 192.0.2.2%eth1:1");
	add("192.0.2.2%eth1:1 name=b -> 192.0.2.3:1");
	add("192.0.2.3:1 name=c -> 192.0.2.1%eth0:1 ttl=1, 239.8.8.8%eth1:1");
	refused("f:", "would go round for ever");
	add("192.0.2.1:1 -> 192.0.2.2%eth0:1"); /* any interface means this one too */
	add("192.0.2.2:1 -> 192.0.2.1%eth1:1");
	refused("f:", "cycle");
	add("192.0.2.1%eth0:1 -> 192.0.2.2:1");
	add("192.0.2.2%eth0:1 -> 192.0.2.1:1");
	refused("f:", "cycle");
	add("10.1.1.0/24%eth0:1 -> 10.1.2.0/24%eth1:1");
	add("10.1.2.77%eth1:1 -> 10.1.1.77%eth0:1");
	refused("f:", "cycle");
	add("[2001:db8::1]:1 -> [2001:db8::2%eth0]:1");
	add("[2001:db8::2%eth0]:1 -> [2001:db8::1]:1");
	refused("f:", "cycle");
}
END_TEST

START_TEST(a_rule_of_ranges_may_feed_itself_round)
{
	/* 5000 to 5001, 5001 to 5002, ...: a chain that ends; then one that does not. */
	add("192.0.2.1%eth0:5000-5003 -> 192.0.2.1%eth0:5001-5004");
	taken();
	add("192.0.2.1%eth0:5000-5003 -> 192.0.2.1%eth0:5001-5004");
	add("192.0.2.1%eth0:5004 -> 192.0.2.1%eth0:5000");
	refused("f:", "cycle");
	add("192.0.2.0/31%eth0:1 -> 192.0.2.2/31%eth0:1");
	add("192.0.2.2/31%eth0:1 -> 192.0.2.0/31%eth0:1");
	refused("f:", "cycle");
}
END_TEST

START_TEST(what_is_not_a_cycle)
{
	add("192.0.2.1%eth0:1 -> 192.0.2.3%eth0:1, 192.0.2.2%eth0:1"); /* a diamond */
	add("192.0.2.2%eth0:1 -> 192.0.2.4%eth0:1");
	add("192.0.2.3%eth0:1 -> 192.0.2.4%eth0:1");
	add("192.0.2.4%eth0:1 -> 192.0.2.5%eth0:1");
	taken();
	add("192.0.2.1%eth0:1 -> 192.0.2.2%eth0:1"); /* unicast on other interfaces */
	add("192.0.2.2%eth1:1 -> 192.0.2.1%eth1:1");
	taken();
	add("192.0.2.1%eth0:1 -> 192.0.2.2%eth0:1"); /* other port */
	add("192.0.2.2%eth0:1 -> 192.0.2.1%eth0:2");
	taken();
}
END_TEST

/* What is sent to a group does not come back to its sender's host. */
START_TEST(groups_may_go_both_ways)
{
	add("239.1.1.1%eth0:1 -> 239.1.1.1%eth1:1");
	add("239.1.1.1%eth1:1 -> 239.1.1.1%eth0:1");
	taken();
	add("239.1.1.1%eth0:1 -> 239.1.1.1%eth1:1, 239.1.1.1%eth2:1");
	add("239.1.1.1%eth1:1 -> 239.1.1.1%eth2:1, 239.1.1.1%eth0:1");
	add("239.1.1.1%eth2:1 -> 239.1.1.1%eth0:1, 239.1.1.1%eth1:1");
	taken();
	add("239.1.1.1%eth0:1 -> [ff3e::1%eth1]:1");
	add("[ff3e::1%eth1]:1 -> 239.1.1.1%eth0:1");
	taken();
	add("239.1.1.1%eth0:1 -> 239.1.1.1%eth1:1 local=yes src=keep"); /* heard, and known */
	add("239.1.1.1%eth1:1 -> 239.1.1.1%eth0:1 local=yes sport=1");
	taken();
	add("239.1.1.1%eth0:1 -> 239.1.1.1%eth1:1 local=yes src=keep sport=1"); /* not known */
	add("239.1.1.1%eth1:1 -> 239.1.1.1%eth0:1 local=yes src=keep sport=1");
	refused("f:", "cycle");
	add("239.1.1.1%eth0:1 -> 239.1.1.1%eth1:1 local=yes src=keep sport=keep");
	add("239.1.1.1%eth1:1 -> 239.1.1.1%eth0:1 local=yes src=keep sport=keep");
	refused("f:", "cycle");
	add("broadcast%eth0:1 -> broadcast%eth1:1 src=keep sport=1");
	add("broadcast%eth1:1 -> broadcast%eth0:1 src=keep sport=1");
	refused("f:", "cycle");
	add("192.0.2.1@232.1.1.1%eth0:1 -> 232.1.1.1%eth1:1 src=keep");
	add("232.1.1.1%eth1:1 -> 232.1.1.1%eth0:1 src=192.0.2.1");
	taken();
	add("239.1.1.1%eth0:1 -> 192.0.2.1:1"); /* a circle with one leg that surely comes back */
	add("192.0.2.1:1 -> 239.1.1.1%eth0:1");
	taken();
}
END_TEST

/* ---- brute force ---- */

static bool are_twins(const struct rule_ingress *a, const struct rule_ingress *b)
{
	bool multicast = addr_is_multicast(&a->at.addr);

	if (!conf_endpoints_meet(&a->at, &b->at)) {
		return false;
	}
	if (strcmp(a->at.ifname, b->at.ifname) != 0) {
		return true;
	}
	if (a->source.family == 0 || b->source.family == 0) {
		return multicast || a->source.family == b->source.family;
	}
	return addr_equal(&a->source, &b->source);
}

static bool feeds(const struct conf_flow *from, const struct conf_flow *to)
{
	for (uint32_t i = 0; i < from->output_count; i++) {
		const struct rule_output *out = &conf.outputs[from->first_output + i];

		if (conf_endpoints_meet(&out->to, &to->in.at) &&
		    !addr_is_multicast(&out->to.addr)) {
			return true;
		}
	}
	return false;
}

static const char *brute_force_verdict(void)
{
	static bool reach[64][64];
	uint32_t n = conf.flow_count;

	for (uint32_t i = 0; i < n; i++) {
		for (uint32_t j = 0; j < n; j++) {
			reach[i][j] = feeds(&conf.flows[i], &conf.flows[j]);
			if (i != j && are_twins(&conf.flows[i].in, &conf.flows[j].in)) {
				return "already that of";
			}
		}
	}
	for (uint32_t k = 0; k < n; k++) {
		for (uint32_t i = 0; i < n; i++) {
			for (uint32_t j = 0; j < n; j++) {
				reach[i][j] |= reach[i][k] && reach[k][j];
			}
		}
	}
	for (uint32_t i = 0; i < n; i++) {
		if (reach[i][i]) {
			return "cycle";
		}
	}
	return "";
}

static uint32_t random_below(uint64_t *state, uint32_t n)
{
	*state = *state * 6364136223846793005ULL + 1442695040888963407ULL;
	return (uint32_t)(*state >> 33) % n;
}

static void random_endpoint(uint64_t *state, char *buf, size_t room)
{
	bool multicast = random_below(state, 2);
	bool anywhere = !multicast && random_below(state, 3) == 0;

	snprintf(buf, room, "%s.%u%s%s:7", multicast ? "239.1.1" : "192.0.2",
		 1 + random_below(state, 3), anywhere ? "" : "%e",
		 anywhere                 ? ""
		 : random_below(state, 2) ? "0"
					  : "1");
}

static void add_random_rule(uint64_t *state)
{
	static const char *const sources[] = {"", "", "10.0.0.1@", "10.0.0.2@"};
	static const char *const srcs[] = {"", " src=keep", " src=10.0.0.1", " src=10.0.0.3"};
	char in[64];
	char first[64];
	char second[64];
	char text[256];

	random_endpoint(state, in, sizeof(in));
	random_endpoint(state, first, sizeof(first));
	random_endpoint(state, second, sizeof(second));
	if (random_below(state, 2)) {
		strcpy(second, "192.0.2.99:9"); /* leads nowhere */
	}
	snprintf(text, sizeof(text), "%s%s -> %s%s, %s", sources[random_below(state, 4)], in, first,
		 srcs[random_below(state, 4)], second);
	conf_add_rule(&conf, text, "f:1", &err); /* egress equal to ingress is left out */
}

START_TEST(sorting_and_searching_agree_with_brute_force)
{
	uint64_t state = 2026;
	unsigned verdicts[3] = {0};

	for (int round = 0; round < 20000; round++) {
		uint32_t want = 2 + random_below(&state, 5);
		const char *verdict;
		int rc;

		while (conf.rule_count < want) {
			add_random_rule(&state);
		}
		verdict = brute_force_verdict();
		rc = conf_check_twins(&conf, &err);
		ck_assert_msg((rc == 0) == (verdict[0] == '\0'), "round %d: '%s' but %d %s", round,
			      verdict, rc, err.text);
		ck_assert_msg(rc == 0 || strstr(err.text, verdict), "round %d: '%s' but %s", round,
			      verdict, err.text);
		verdicts[verdict[0] == 'a' ? 0 : verdict[0] == 'c' ? 1 : 2]++;
		conf_free(&conf);
	}
	/* The generator must have shown all three, or the comparison proves little. */
	for (int i = 0; i < 3; i++) {
		ck_assert_uint_gt(verdicts[i], 300);
	}
}
END_TEST

/* ---- many flows: anything quadratic here outlasts the test's time limit ---- */

START_TEST(hundred_thousand_flows_of_ranges)
{
	add("239.0.0.0/15%eth0:5000 -> 239.2.0.0/15%eth1:6000, 239.4.0.0/15%eth2:7000");
	ck_assert_uint_eq(conf.flow_count, 131072);
	taken();
	/* A chain through all of them, closed at its end. */
	add("192.0.2.1%eth0:1-60000 -> 192.0.2.1%eth0:2-60001");
	add("192.0.2.1%eth0:60001 -> 192.0.2.1%eth0:1");
	refused("f:", "cycle");
}
END_TEST

START_TEST(many_addresses_feed_others)
{
	char text[128];

	for (unsigned i = 0; i < 20000; i++) {
		snprintf(text, sizeof(text), "10.0.%u.%u:1 -> 10.1.%u.%u:1", i >> 8, i & 255,
			 i >> 8, i & 255);
		add(text);
		snprintf(text, sizeof(text), "10.1.%u.%u%%eth0:1 -> 10.2.%u.%u:1", i >> 8, i & 255,
			 i >> 8, i & 255);
		add(text);
	}
	ck_assert_int_eq(conf_check_twins(&conf, &err), 0);
	add("10.2.78.31:1 -> 10.0.78.31%eth0:1");
	refused("f:", "cycle");
}
END_TEST

START_TEST(many_interfaces_of_one_unicast_address)
{
	char text[128];

	for (unsigned i = 0; i < 20000; i++) {
		snprintf(text, sizeof(text), "192.0.2.1%%e%u:1 -> 192.0.2.2:1", i);
		add(text);
		snprintf(text, sizeof(text), "192.0.2.2%%e%u:1 -> 192.0.2.3:1", i);
		add(text);
	}
	ck_assert_int_eq(conf_check_twins(&conf, &err), 0);
	add("192.0.2.3:1 -> 192.0.2.1%e19999:1");
	refused("f:", "cycle");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("conf_check_twins");
	TCase *tc = tcase_create("conf_check_twins");
	SRunner *runner = srunner_create(suite);
	int failed;

	suite_add_tcase(suite, tc);
	tcase_add_checked_fixture(tc, set_up, tear_down);
	tcase_add_test(tc, no_rule_is_refused);
	tcase_add_test(tc, names_are_unique);
	tcase_add_test(tc, one_flow_has_one_rule);
	tcase_add_test(tc, other_address_port_or_interface_is_another_flow);
	tcase_add_test(tc, sources_share_a_group_but_not_with_any);
	tcase_add_test(tc, unicast_of_any_interface_includes_each);
	tcase_add_test(tc, cycles_of_any_length);
	tcase_add_test(tc, a_rule_of_ranges_may_feed_itself_round);
	tcase_add_test(tc, what_is_not_a_cycle);
	tcase_add_test(tc, groups_may_go_both_ways);
	tcase_add_test(tc, sorting_and_searching_agree_with_brute_force);
	tcase_add_test(tc, hundred_thousand_flows_of_ranges);
	tcase_add_test(tc, many_addresses_feed_others);
	tcase_add_test(tc, many_interfaces_of_one_unicast_address);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
