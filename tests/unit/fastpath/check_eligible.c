/* check_eligible.c - what the fast path may carry: a verdict for each key of a rule, and more. */
#include "src/fastpath/eligible.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "src/fastpath/abi.h"
#include "src/rules/keys.h"

static struct conf conf;
static struct device in, outs[FAST_OUTPUTS_MAX + 1];
static struct hop hops[FAST_OUTPUTS_MAX + 1];
static struct fast_question question;

static void set_up(void)
{
	in = (struct device){.ifindex = 2, .mtu = 1500, .ethernet = true};
	for (int i = 0; i <= FAST_OUTPUTS_MAX; i++) {
		outs[i] = (struct device){.ifindex = 3, .mtu = 1500, .ethernet = true};
		hops[i] = (struct hop){.way = HOP_NEIGHBOUR, .ifindex = 3};
	}
}

static void tear_down(void)
{
	conf_free(&conf);
}

static enum fast_reason ask(const char *rule)
{
	struct err err;

	conf_free(&conf);
	ck_assert_msg(conf_add_rule(&conf, rule, "here", &err) == 0, "%s", err.text);
	question = (struct fast_question){.conf = &conf,
					  .flow = &conf.flows[0],
					  .wanted = true,
					  .trains = true,
					  .in = in,
					  .outs = outs,
					  .hops = hops};
	return fast_eligible(&question);
}

/* What a key means for the fast path, in the words that its row has for an example. A new key
 * belongs here once somebody has thought about it. (A flow that another machine of member= relays
 * stands by here, which is no matter of its rule.) */
static const struct {
	const char *key;
	enum fast_reason reason;
} verdicts[] = {
	{"name", FAST_REASON_NONE},       {"weight", FAST_REASON_NONE},
	{"spread", FAST_REASON_DIVIDED},  {"by", FAST_REASON_NONE},
	{"member", FAST_REASON_NONE},     {"shard", FAST_REASON_NONE},
	{"fast", FAST_REASON_UNWANTED},   {"class", FAST_REASON_NONE},
	{"gro", FAST_REASON_NONE},        {"max-age", FAST_REASON_NONE},
	{"seq", FAST_REASON_MERGED},      {"skew", FAST_REASON_MERGED},
	{"window", FAST_REASON_MERGED},   {"silent", FAST_REASON_MERGED},
	{"failover", FAST_REASON_MERGED}, {"ttl", FAST_REASON_NONE},
	{"dscp", FAST_REASON_NONE},       {"src", FAST_REASON_NONE},
	{"sport", FAST_REASON_NONE},      {"rate", FAST_REASON_RATE},
	{"priority", FAST_REASON_NONE},   {"gso", FAST_REASON_GSO},
	{"df", FAST_REASON_NONE},         {"mtu", FAST_REASON_MTU},
	{"reply", FAST_REASON_REPLY},     {"local", FAST_REASON_LOCAL},
	{"breaker", FAST_REASON_BREAKER}, {"link-local", FAST_REASON_BREAKER},
};

static const char *companion(const char *key)
{
	if (strcmp(key, "failover") == 0) {
		return " + 239.1.1.2%eth0:5000";
	}
	return strcmp(key, "skew") == 0 || strcmp(key, "window") == 0 || strcmp(key, "silent") == 0
		       ? " seq=u32be@0"
		       : "";
}

START_TEST(each_key_has_a_verdict)
{
	enum conf_side side = (enum conf_side)_i;

	for (const struct conf_key *key = conf_keys(side); key->name; key++) {
		char word[128], text[512];
		size_t v = 0;

		while (v < sizeof(verdicts) / sizeof(verdicts[0]) &&
		       strcmp(verdicts[v].key, key->name) != 0) {
			v++;
		}
		ck_assert_msg(v < sizeof(verdicts) / sizeof(verdicts[0]),
			      "%s=: may the fast path carry it? see src/fastpath/eligible.c",
			      key->name);
		snprintf(word, sizeof(word), " %s=%s%s", key->name, key->example,
			 side == CONF_INGRESS ? companion(key->name) : "");
		snprintf(text, sizeof(text),
			 "239.1.1.1%%eth0:5000%s -> 239.2.2.2%%eth1:6000%s, "
			 "239.2.2.3%%eth1:6000",
			 side == CONF_INGRESS ? word : "", side == CONF_EGRESS ? word : "");
		ck_assert_msg(ask(text) == verdicts[v].reason, "%s: %s", text,
			      fast_reason_text(fast_eligible(&question)));
	}
}
END_TEST

START_TEST(endpoints_that_the_program_does_not_know)
{
	ck_assert_int_eq(ask("10.1.1.1%eth0:5000 -> 239.2.2.2%eth1:6000"),
			 FAST_REASON_INGRESS_UNICAST);
	ck_assert_int_eq(ask("[ff3e::1%eth0]:5000 -> [ff3e::2%eth1]:6000"), FAST_REASON_NONE);
	ck_assert_int_eq(ask("[ff3e::1%eth0]:5000 -> 239.2.2.2%eth1:6000"), FAST_REASON_FAMILY);
	ck_assert_int_eq(ask("10.1.1.1@239.1.1.1%eth0:5000 -> 239.2.2.2%eth1:6000 src=keep"),
			 FAST_REASON_NONE);
}
END_TEST

START_TEST(interfaces_that_it_cannot_use)
{
	const char *rule = "239.1.1.1%eth0:5000 -> 239.2.2.2%eth1:6000";

	ck_assert_int_eq(ask(rule), FAST_REASON_NONE);
	in.mtu = 1501;
	ck_assert_int_eq(ask(rule), FAST_REASON_MTU);
	in.mtu = 1400;
	ck_assert_int_eq(ask(rule), FAST_REASON_NONE);
	in.tagged = true;
	ck_assert_int_eq(ask(rule), FAST_REASON_INGRESS_KIND);
	in = (struct device){0};
	ck_assert_int_eq(ask(rule), FAST_REASON_INGRESS_IFACE);
	set_up();
	outs[0].tagged = true; /* it sets the tag of what is sent by it in any case */
	ck_assert_int_eq(ask(rule), FAST_REASON_NONE);
	outs[0].ethernet = false;
	ck_assert_int_eq(ask(rule), FAST_REASON_KIND);
	outs[0] = (struct device){0};
	ck_assert_int_eq(ask(rule), FAST_REASON_IFACE);
}
END_TEST

START_TEST(unicast_outputs_go_where_their_route_leads)
{
	static const struct {
		enum hop_way way;
		enum fast_reason reason;
	} ways[] = {
		{HOP_NEIGHBOUR, FAST_REASON_NONE},  {HOP_NOWHERE, FAST_REASON_ROUTE},
		{HOP_HERE, FAST_REASON_HERE},       {HOP_TUNNEL, FAST_REASON_TUNNEL},
		{HOP_SEVERAL, FAST_REASON_SEVERAL}, {HOP_POLICY, FAST_REASON_POLICY},
	};
	const char *rule = "239.1.1.1%eth0:5000 -> 239.2.2.2%eth1:6000, 10.2.2.2:6000";

	for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
		hops[0].way = ways[i].way; /* a group has none */
		hops[1].way = HOP_NEIGHBOUR;
		ck_assert_int_eq(ask(rule), FAST_REASON_NONE);
		hops[1].way = ways[i].way;
		ck_assert_int_eq(ask(rule), ways[i].reason);
		ck_assert_int_eq(ask("[ff3e::1%eth0]:5000 -> [ff3e::2%eth1]:6000, [fd00::1]:6000"),
				 ways[i].reason);
	}
	set_up();
	ck_assert_int_eq(ask("239.1.1.1%eth0:5000 -> [fd00::1]:6000"), FAST_REASON_FAMILY);
	outs[1].ethernet = false;
	ck_assert_int_eq(ask(rule), FAST_REASON_KIND);
	set_up();
	(void)ask("239.1.1.1%eth0:5000 -> 10.2.2.2:6000");
	question.hops = NULL;
	ck_assert_int_eq(fast_eligible(&question), FAST_REASON_NONE);
}
END_TEST

/* What is known of a path counts where the socket would go by it. */
START_TEST(path_that_carries_less_than_the_ingress)
{
	hops[0].mtu = 1400;
	ck_assert_int_eq(ask("239.1.1.1%eth0:5000 -> 10.2.2.2:6000"), FAST_REASON_NONE);
	ck_assert_int_eq(ask("239.1.1.1%eth0:5000 -> 10.2.2.2:6000 df=on"), FAST_REASON_MTU);
	ck_assert_int_eq(ask("[ff3e::1%eth0]:5000 -> [fd00::1]:6000"), FAST_REASON_MTU);
	ck_assert_int_eq(ask("[ff3e::1%eth0]:5000 -> [ff3e::2%eth1]:6000"), FAST_REASON_NONE);
	in.mtu = 1400;
	ck_assert_int_eq(ask("[ff3e::1%eth0]:5000 -> [fd00::1]:6000"), FAST_REASON_NONE);
	ck_assert_uint_eq(fast_output_mtu(conf.outputs, &outs[0], &hops[0]), 1400);
	ck_assert_uint_eq(fast_output_mtu(conf.outputs, &outs[0], NULL), 1500);
}
END_TEST

/* More than a rule may have for a shard: there is no way to say so, yet. */
START_TEST(as_many_outputs_as_a_rule_may_have)
{
	static char text[32768] = "239.1.1.1%eth0:5000 -> 239.2.2.2%eth1:6000";

	for (int i = 1; i < FAST_OUTPUTS_MAX; i++) {
		size_t len = strlen(text);

		snprintf(text + len, sizeof(text) - len, ", 239.2.2.2%%eth1:%d", 6000 + i);
	}
	ck_assert_int_eq(ask(text), FAST_REASON_NONE);
	outs[FAST_OUTPUTS_MAX - 1].ethernet = false;
	ck_assert_int_eq(ask(text), FAST_REASON_KIND);
	conf.flows[0].output_count++;
	ck_assert_int_eq(fast_eligible(&question), FAST_REASON_OUTPUTS);
}
END_TEST

START_TEST(rule_wins_over_the_option)
{
	(void)ask("239.1.1.1%eth0:5000 fast=on -> 239.2.2.2%eth1:6000");
	question.wanted = false;
	ck_assert_int_eq(fast_eligible(&question), FAST_REASON_NONE);
	(void)ask("239.1.1.1%eth0:5000 -> 239.2.2.2%eth1:6000");
	question.wanted = false;
	ck_assert_int_eq(fast_eligible(&question), FAST_REASON_UNWANTED);
	question.wanted = true;
	question.trains = false;
	ck_assert_int_eq(fast_eligible(&question), FAST_REASON_GSO);
}
END_TEST

START_TEST(each_reason_has_a_text)
{
	for (int reason = 0; reason < FAST_REASON_COUNT; reason++) {
		ck_assert_uint_gt(strlen(fast_reason_text((enum fast_reason)reason)), 6);
	}
}
END_TEST

static Suite *eligible_suite(void)
{
	Suite *suite = suite_create("eligible");
	TCase *tcase = tcase_create("eligible");

	tcase_add_checked_fixture(tcase, set_up, tear_down);
	tcase_add_loop_test(tcase, each_key_has_a_verdict, CONF_INGRESS, CONF_EGRESS + 1);
	tcase_add_test(tcase, endpoints_that_the_program_does_not_know);
	tcase_add_test(tcase, interfaces_that_it_cannot_use);
	tcase_add_test(tcase, unicast_outputs_go_where_their_route_leads);
	tcase_add_test(tcase, path_that_carries_less_than_the_ingress);
	tcase_add_test(tcase, as_many_outputs_as_a_rule_may_have);
	tcase_add_test(tcase, rule_wins_over_the_option);
	tcase_add_test(tcase, each_reason_has_a_text);
	suite_add_tcase(suite, tcase);
	return suite;
}

int main(void)
{
	SRunner *runner = srunner_create(eligible_suite());
	int failed;

	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? 0 : 1;
}
