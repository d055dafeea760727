/* check_nft_rules.c - a packet's way through nftables' rules, as the kernel would take it.
 *
 * Rulesets are written as `nft -j list ruleset' prints them (nft 1.0.6; iptables-nft 1.8.9 for the
 * xt statements).
 */
#include "src/host/nft_rules.h"

#include <check.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>

#define HEAD "{\"nftables\": [{\"metainfo\": {\"version\": \"1.0.6\"}}"
#define TAIL "]}"
#define CHAIN(family, name, hook, policy)                                                \
	", {\"chain\": {\"family\": \"" family "\", \"table\": \"t\", \"name\": \"" name \
	"\", \"handle\": 1, \"type\": \"filter\", \"hook\": \"" hook                     \
	"\", \"prio\": 0, \"policy\": \"" policy "\"}}"
#define SUBCHAIN(family, name)                                                           \
	", {\"chain\": {\"family\": \"" family "\", \"table\": \"t\", \"name\": \"" name \
	"\", \"handle\": 2}}"
#define RULE(family, chain, handle, expr)                                                 \
	", {\"rule\": {\"family\": \"" family "\", \"table\": \"t\", \"chain\": \"" chain \
	"\", \"handle\": " handle ", \"expr\": [" expr "]}}"
#define MATCH(op, left, right) \
	"{\"match\": {\"op\": \"" op "\", \"left\": " left ", \"right\": " right "}}, "
#define META(key) "{\"meta\": {\"key\": \"" key "\"}}"
#define FIELD(header, field) \
	"{\"payload\": {\"protocol\": \"" header "\", \"field\": \"" field "\"}}"
#define ACCEPT "{\"accept\": null}"
#define DROP   "{\"drop\": null}"
#define INPUT(policy, rules)                      \
	HEAD CHAIN("inet", "in", "input", policy) \
	rules TAIL
#define ONE(expr) INPUT("drop", RULE("inet", "in", "7", expr))

static struct nft_answers answers;

static enum nft_verdict judge_packet(const char *ruleset, const struct nft_packet *packet)
{
	struct nft_rules *rules = NULL;

	ck_assert_int_eq(nft_rules_parse(ruleset, &rules), 0);
	nft_rules_judge(rules, packet, &answers);
	nft_rules_free(rules);
	return answers.verdict;
}

/* A datagram to `to' that arrives by in0. */
static enum nft_verdict judge(const char *ruleset, const char *to, uint16_t port)
{
	struct nft_packet packet = {.ifname = "in0", .protocol = IPPROTO_UDP};

	ck_assert_int_eq(addr_parse_ip(to, &packet.to), 0);
	packet.to.port = port;
	return judge_packet(ruleset, &packet);
}

#define group(ruleset) judge(ruleset, "239.1.1.1", 5000)

START_TEST(without_base_chains_everything_passes)
{
	struct nft_rules *rules = NULL;

	ck_assert_int_eq(group(HEAD TAIL), NFT_PASS);
	ck_assert_int_eq(nft_rules_parse(HEAD SUBCHAIN("inet", "x") TAIL, &rules), 0);
	ck_assert_uint_eq(nft_rules_chains(rules), 0);
	nft_rules_free(rules);
}
END_TEST

START_TEST(policy_decides_what_no_rule_does)
{
	ck_assert_int_eq(group(INPUT("accept", "")), NFT_PASS);
	ck_assert_int_eq(group(INPUT("drop", "")), NFT_DROP);
	ck_assert_uint_eq(answers.count, 1);
	ck_assert_int_eq(answers.list[0].handle, 0);
	ck_assert_str_eq(answers.list[0].chain, "inet t in");
}
END_TEST

START_TEST(dropping_rule_is_named_by_its_handle)
{
	ck_assert_int_eq(
		group(INPUT("accept", RULE("inet", "in", "41", "{\"counter\": {}}, " DROP))),
		NFT_DROP);
	ck_assert_int_eq(answers.list[0].handle, 41);
}
END_TEST

START_TEST(interface_names_match_with_wildcards)
{
	ck_assert_int_eq(group(ONE(MATCH("==", META("iifname"), "\"in0\"") ACCEPT)), NFT_PASS);
	ck_assert_int_eq(group(ONE(MATCH("==", META("iifname"), "\"in*\"") ACCEPT)), NFT_PASS);
	ck_assert_int_eq(group(ONE(MATCH("==", META("iifname"), "\"out*\"") ACCEPT)), NFT_DROP);
	ck_assert_int_eq(group(ONE(MATCH("!=", META("iifname"), "\"lo\"") ACCEPT)), NFT_PASS);
	ck_assert_int_eq(group(ONE(MATCH("==", META("oifname"), "\"in0\"") ACCEPT)), NFT_DROP);
}
END_TEST

START_TEST(addresses_match_by_value_prefix_range_and_set)
{
	static const struct {
		const char *right;
		enum nft_verdict wanted;
	} cases[] = {
		{"\"239.1.1.1\"", NFT_PASS},
		{"\"239.1.1.2\"", NFT_DROP},
		{"{\"prefix\": {\"addr\": \"239.1.0.0\", \"len\": 16}}", NFT_PASS},
		{"{\"prefix\": {\"addr\": \"239.1.1.2\", \"len\": 31}}", NFT_DROP},
		{"{\"prefix\": {\"addr\": \"239.1.1.0\", \"len\": 31}}", NFT_PASS},
		{"{\"range\": [\"239.1.0.255\", \"239.1.1.1\"]}", NFT_PASS},
		{"{\"range\": [\"239.1.1.2\", \"239.1.1.9\"]}", NFT_DROP},
		{"{\"set\": [\"239.9.9.9\", {\"prefix\": {\"addr\": \"239.1.0.0\", \"len\": 16}}]}",
		 NFT_PASS},
		{"\"@groups\"", NFT_PASS},
		{"\"@nothing\"", NFT_DROP},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char ruleset[2048];

		snprintf(ruleset, sizeof(ruleset),
			 HEAD CHAIN("inet", "in", "input",
				    "drop") ", {\"set\": {\"family\": \"inet\", \"name\": "
					    "\"groups\", \"table\": \"t\", "
					    "\"elem\": [{\"elem\": {\"val\": \"239.1.1.1\", "
					    "\"timeout\": 9}}]}}" RULE(
						    "inet", "in", "7",
						    MATCH("==", FIELD("ip", "daddr"), "%s") ACCEPT)
						    TAIL,
			 cases[i].right);
		ck_assert_msg(group(ruleset) == cases[i].wanted, "%s", cases[i].right);
	}
}
END_TEST

START_TEST(ports_match_by_value_range_and_order)
{
	ck_assert_int_eq(group(ONE(MATCH("==", FIELD("udp", "dport"), "5000") ACCEPT)), NFT_PASS);
	ck_assert_int_eq(group(ONE(MATCH("!=", FIELD("udp", "dport"), "5000") ACCEPT)), NFT_DROP);
	ck_assert_int_eq(
		group(ONE(MATCH("==", FIELD("th", "dport"), "{\"range\": [4000, 5000]}") ACCEPT)),
		NFT_PASS);
	ck_assert_int_eq(group(ONE(MATCH(">", FIELD("udp", "dport"), "5000") ACCEPT)), NFT_DROP);
	ck_assert_int_eq(group(ONE(MATCH(">=", FIELD("udp", "dport"), "5000") ACCEPT)), NFT_PASS);
	ck_assert_int_eq(group(ONE(MATCH("==", FIELD("tcp", "dport"), "5000") ACCEPT)), NFT_DROP);
	ck_assert_int_eq(group(ONE(MATCH("!=", FIELD("tcp", "dport"), "22") ACCEPT)), NFT_DROP);
}
END_TEST

START_TEST(what_cannot_be_known_leaves_the_verdict_open)
{
	ck_assert_int_eq(group(ONE(MATCH("==", FIELD("udp", "sport"), "7") ACCEPT)), NFT_MAYBE);
	ck_assert_int_eq(group(ONE(MATCH("==", META("mark"), "1") ACCEPT)), NFT_MAYBE);
	ck_assert_int_eq(group(ONE("{\"limit\": {\"rate\": 10, \"per\": \"second\"}}, " ACCEPT)),
			 NFT_MAYBE);
	ck_assert_int_eq(group(INPUT("accept",
				     RULE("inet", "in", "9", MATCH("==", META("mark"), "1") DROP))),
			 NFT_MAYBE);
	ck_assert_int_eq(answers.list[0].handle, 9);
	ck_assert_int_eq(group(INPUT("accept", RULE("inet", "in", "8", "{\"queue\": null}"))),
			 NFT_MAYBE);
}
END_TEST

START_TEST(source_decides_only_when_it_is_known)
{
	const char *ruleset = ONE(MATCH("==", FIELD("ip", "saddr"), "\"10.1.1.1\"") ACCEPT);
	struct nft_packet packet = {.ifname = "in0", .protocol = IPPROTO_UDP};

	ck_assert_int_eq(addr_parse_ip("239.1.1.1", &packet.to), 0);
	ck_assert_int_eq(judge_packet(ruleset, &packet), NFT_MAYBE);
	ck_assert_int_eq(addr_parse_ip("10.1.1.1", &packet.from), 0);
	ck_assert_int_eq(judge_packet(ruleset, &packet), NFT_PASS);
	ck_assert_int_eq(addr_parse_ip("10.1.1.2", &packet.from), 0);
	ck_assert_int_eq(judge_packet(ruleset, &packet), NFT_DROP);
}
END_TEST

START_TEST(multicast_is_new_to_connection_tracking)
{
	ck_assert_int_eq(group(ONE(MATCH("in", "{\"ct\": {\"key\": \"state\"}}",
					 "[\"established\", \"related\"]") ACCEPT)),
			 NFT_DROP);
	ck_assert_int_eq(group(ONE("{\"vmap\": {\"key\": {\"ct\": {\"key\": \"state\"}}, \"data\": "
				   "{\"set\": [[\"invalid\", {\"drop\": null}], [\"new\", "
				   "{\"accept\": null}]]}}}")),
			 NFT_PASS);
}
END_TEST

START_TEST(verdict_maps_choose_by_key)
{
#define MAP                                                                                  \
	HEAD CHAIN("inet", "in", "input",                                                    \
		   "accept") ", {\"map\": {\"family\": \"inet\", "                           \
			     "\"name\": \"ports\", \"table\": \"t\", \"map\": \"verdict\", " \
			     "\"elem\": [[6000, "                                            \
			     "{\"drop\": null}], [5000, {\"accept\": null}]]}}" RULE(        \
				     "inet", "in", "7",                                      \
				     "{\"vmap\": {\"key\": " FIELD(                          \
					     "udp", "dport") ", \"data\": \"@ports\"}}") TAIL
	ck_assert_int_eq(judge(MAP, "239.1.1.1", 5000), NFT_PASS);
	ck_assert_int_eq(judge(MAP, "239.1.1.1", 6000), NFT_DROP);
	ck_assert_int_eq(judge(MAP, "239.1.1.1", 7000), NFT_PASS);
#undef MAP
}
END_TEST

START_TEST(concatenations_need_every_part)
{
#define PAIR "{\"concat\": [" FIELD("ip", "daddr") ", " FIELD("udp", "dport") "]}"
	ck_assert_int_eq(
		group(ONE(MATCH("==", PAIR, "{\"set\": [{\"concat\": [\"239.1.1.1\", 5000]}]}")
				  ACCEPT)),
		NFT_PASS);
	ck_assert_int_eq(
		group(ONE(MATCH("==", PAIR, "{\"set\": [{\"concat\": [\"239.1.1.1\", 5001]}]}")
				  ACCEPT)),
		NFT_DROP);
#undef PAIR
}
END_TEST

START_TEST(jumps_come_back_and_gotos_do_not)
{
#define JUMP(how, inner)                                                                   \
	INPUT("drop", SUBCHAIN("inet", "sub") RULE("inet", "in", "3",                      \
						   "{\"" how "\": {\"target\": \"sub\"}}") \
			      RULE("inet", "in", "4", ACCEPT) RULE("inet", "sub", "5", inner))
	ck_assert_int_eq(group(JUMP("jump", "{\"counter\": {}}")), NFT_PASS);
	ck_assert_int_eq(group(JUMP("jump", "{\"return\": null}")), NFT_PASS);
	ck_assert_int_eq(group(JUMP("jump", DROP)), NFT_DROP);
	ck_assert_int_eq(answers.list[0].handle, 5);
	ck_assert_int_eq(group(JUMP("goto", "{\"counter\": {}}")), NFT_DROP);
	ck_assert_int_eq(group(JUMP("goto", ACCEPT)), NFT_PASS);
#undef JUMP
}
END_TEST

START_TEST(circles_of_jumps_end)
{
	ck_assert_int_eq(
		group(INPUT("accept",
			    SUBCHAIN("inet", "sub") RULE("inet", "in", "3",
							 "{\"jump\": {\"target\": \"sub\"}}")
				    RULE("inet", "sub", "4", "{\"jump\": {\"target\": \"sub\"}}"))),
		NFT_MAYBE);
}
END_TEST

/* From each of sixteen chains eight jumps to the next, for what arrives; what leaves is accepted.
 */
static char *branching(void)
{
	size_t room = 65536, len = 0;
	char *text = malloc(room);

	ck_assert_ptr_nonnull(text);
	len += (size_t)snprintf(text, room,
				HEAD CHAIN("inet", "in", "input", "accept")
					CHAIN("inet", "out", "output", "drop")
						RULE("inet", "out", "3", ACCEPT));
	for (int depth = 0; depth < 16; depth++) {
		char from[16];

		snprintf(from, sizeof(from), depth == 0 ? "in" : "c%d", depth);
		for (int i = 0; i < 8; i++) {
			len += (size_t)snprintf(
				text + len, room - len,
				RULE("inet", "%s", "9", "{\"jump\": {\"target\": \"c%d\"}}"), from,
				depth + 1);
		}
	}
	ck_assert_int_lt(snprintf(text + len, room - len, TAIL), (int)(room - len));
	return text;
}

START_TEST(ways_without_number_are_not_all_walked)
{
	char *text = branching();

	ck_assert_int_eq(group(text), NFT_UNKNOWN);
	ck_assert_uint_eq(answers.count, 1);
	ck_assert_str_eq(answers.list[0].chain, "inet t in");
	free(text);
}
END_TEST

START_TEST(packets_together_are_walked_so_far_and_no_farther)
{
	struct nft_packet in = {.ifname = "in0", .protocol = IPPROTO_UDP}, out;
	struct nft_rules *rules = NULL;
	char *text = branching();

	ck_assert_int_eq(addr_parse_ip("239.1.1.1", &in.to), 0);
	out = in;
	out.out = true;
	ck_assert_int_eq(nft_rules_parse(text, &rules), 0);
	for (int i = 0; i < 50; i++) {
		nft_rules_judge(rules, &out, &answers);
		ck_assert_int_eq(answers.verdict, NFT_PASS);
		nft_rules_judge(rules, &in, &answers);
		ck_assert_int_eq(answers.verdict, NFT_UNKNOWN);
	}
	nft_rules_judge(rules, &out, &answers);
	ck_assert_int_eq(answers.verdict, NFT_UNKNOWN);
	nft_rules_free(rules);
	free(text);
}
END_TEST

START_TEST(sets_that_name_sets_leave_the_verdict_open)
{
#define SET(name, elem)                                                          \
	", {\"set\": {\"family\": \"inet\", \"table\": \"t\", \"name\": \"" name \
	"\", \"elem\": [" elem "]}}"
	ck_assert_int_eq(
		group(INPUT("drop", SET("a", "\"@a\"") RULE(
					    "inet", "in", "7",
					    MATCH("==", FIELD("ip", "daddr"), "\"@a\"") ACCEPT))),
		NFT_MAYBE);
#undef SET
}
END_TEST

START_TEST(families_see_their_own_packets)
{
	const char *v4 = HEAD CHAIN("ip", "in", "input", "drop") TAIL;
	const char *v6 = HEAD CHAIN("ip6", "in", "input", "drop") TAIL;

	ck_assert_int_eq(judge(v4, "239.1.1.1", 5000), NFT_DROP);
	ck_assert_int_eq(judge(v4, "ff3e::1", 5000), NFT_PASS);
	ck_assert_int_eq(judge(v6, "239.1.1.1", 5000), NFT_PASS);
	ck_assert_int_eq(judge(v6, "ff3e::1", 5000), NFT_DROP);
	ck_assert_int_eq(
		judge(ONE(MATCH("==", FIELD("ip6", "daddr"),
				"{\"prefix\": {\"addr\": \"ff3e::\", \"len\": 32}}") ACCEPT),
		      "ff3e::1", 5000),
		NFT_PASS);
}
END_TEST

START_TEST(hooks_of_the_other_direction_do_not_count)
{
	const char *ruleset = HEAD CHAIN("inet", "fw", "forward", "drop")
		CHAIN("inet", "out", "output", "drop") TAIL;
	struct nft_packet packet = {.out = true, .ifname = "out0", .protocol = IPPROTO_UDP};

	ck_assert_int_eq(group(ruleset), NFT_PASS);
	ck_assert_int_eq(addr_parse_ip("239.2.2.2", &packet.to), 0);
	ck_assert_int_eq(judge_packet(ruleset, &packet), NFT_DROP);
}
END_TEST

START_TEST(every_dropping_chain_is_answered)
{
	ck_assert_int_eq(group(HEAD CHAIN("inet", "pre", "prerouting", "drop")
				       CHAIN("ip", "in", "input", "drop") TAIL),
			 NFT_DROP);
	ck_assert_uint_eq(answers.count, 2);
	ck_assert_str_eq(answers.list[1].chain, "ip t in");
}
END_TEST

START_TEST(device_hooks_are_for_their_devices)
{
#define NETDEV(dev)                                                                         \
	HEAD ", {\"chain\": {\"family\": \"netdev\", \"table\": \"t\", \"name\": \"ing\", " \
	     "\"type\": \"filter\", \"hook\": \"ingress\", " dev "\"policy\": \"drop\"}}" TAIL
	ck_assert_int_eq(group(NETDEV("\"dev\": \"in0\", ")), NFT_DROP);
	ck_assert_int_eq(group(NETDEV("\"dev\": [\"x\", \"in0\"], ")), NFT_DROP);
	ck_assert_int_eq(group(NETDEV("\"dev\": \"eth0\", ")), NFT_PASS);
	ck_assert_int_eq(group(NETDEV("")), NFT_MAYBE);
#undef NETDEV
}
END_TEST

START_TEST(iptables_matches_and_targets_are_kept_apart)
{
#define XT(type, name) "{\"xt\": {\"type\": \"" type "\", \"name\": \"" name "\"}}"
	ck_assert_int_eq(group(ONE(XT("match", "multiport") ", " ACCEPT)), NFT_MAYBE);
	ck_assert_int_eq(group(INPUT("accept", RULE("inet", "in", "6", XT("target", "LOG")))),
			 NFT_PASS);
	ck_assert_int_eq(group(INPUT("accept", RULE("inet", "in", "6", XT("target", "REJECT")))),
			 NFT_DROP);
	ck_assert_int_eq(group(INPUT("accept", RULE("inet", "in", "6", XT("target", "NFQUEUE")))),
			 NFT_MAYBE);
	ck_assert_int_eq(group(INPUT("accept", RULE("inet", "in", "6", "{\"xt\": null}"))),
			 NFT_MAYBE);
#undef XT
}
END_TEST

START_TEST(membership_traffic_is_told_from_datagrams)
{
	const char *ruleset = INPUT(
		"drop", RULE("inet", "in", "3", MATCH("==", META("l4proto"), "\"igmp\"") ACCEPT)
				RULE("inet", "in", "4",
				     MATCH("==", FIELD("icmpv6", "type"),
					   "{\"set\": [\"mld-listener-query\"]}") ACCEPT));
	struct nft_packet query = {.ifname = "in0", .protocol = IPPROTO_IGMP};

	ck_assert_int_eq(group(ruleset), NFT_DROP);
	ck_assert_int_eq(addr_parse_ip("224.0.0.1", &query.to), 0);
	ck_assert_int_eq(judge_packet(ruleset, &query), NFT_PASS);
	ck_assert_int_eq(addr_parse_ip("ff02::1", &query.to), 0);
	query.protocol = IPPROTO_ICMPV6;
	query.type = "mld-listener-query";
	ck_assert_int_eq(judge_packet(ruleset, &query), NFT_PASS);
	query.type = "echo-request";
	ck_assert_int_eq(judge_packet(ruleset, &query), NFT_DROP);
}
END_TEST

START_TEST(what_is_no_ruleset_is_refused)
{
	struct nft_rules *rules = NULL;

	ck_assert_int_eq(nft_rules_parse("", &rules), -EINVAL);
	ck_assert_int_eq(nft_rules_parse("[]", &rules), -EINVAL);
	ck_assert_int_eq(nft_rules_parse("{\"nftables\": 1}", &rules), -EINVAL);
	ck_assert_ptr_null(rules);
	/* Odd, but a ruleset: nothing in it is understood, nothing drops. */
	ck_assert_int_eq(group("{\"nftables\": [1, null, {\"chain\": 3}, {\"rule\": []}]}"),
			 NFT_PASS);
}
END_TEST

static Suite *nft_rules_suite(void)
{
	const TTest *const tests[] = {
		without_base_chains_everything_passes,
		policy_decides_what_no_rule_does,
		dropping_rule_is_named_by_its_handle,
		interface_names_match_with_wildcards,
		addresses_match_by_value_prefix_range_and_set,
		ports_match_by_value_range_and_order,
		what_cannot_be_known_leaves_the_verdict_open,
		source_decides_only_when_it_is_known,
		multicast_is_new_to_connection_tracking,
		verdict_maps_choose_by_key,
		concatenations_need_every_part,
		jumps_come_back_and_gotos_do_not,
		circles_of_jumps_end,
		ways_without_number_are_not_all_walked,
		packets_together_are_walked_so_far_and_no_farther,
		sets_that_name_sets_leave_the_verdict_open,
		families_see_their_own_packets,
		hooks_of_the_other_direction_do_not_count,
		every_dropping_chain_is_answered,
		device_hooks_are_for_their_devices,
		iptables_matches_and_targets_are_kept_apart,
		membership_traffic_is_told_from_datagrams,
		what_is_no_ruleset_is_refused,
	};
	Suite *suite = suite_create("nft_rules");
	TCase *tcase = tcase_create("verdicts");

	for (size_t i = 0; i < sizeof(tests) / sizeof(tests[0]); i++) {
		tcase_add_test(tcase, tests[i]);
	}
	suite_add_tcase(suite, tcase);
	return suite;
}

int main(void)
{
	SRunner *runner = srunner_create(nft_rules_suite());
	int failed;

	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
