/* check_legs.c - several ingresses of one rule: what is read, what it makes of them, and what is
 * refused.
 */
#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "src/rules/conf.h"

#define A  "239.1.1.1%eth0:5000"
#define B  "239.1.1.2%eth1:5000"
#define TO " -> 239.2.2.2%eth2:6000"

static struct conf conf;
static struct err err;

static void set_up(void)
{
	conf = (struct conf){0};
}

static void tear_down(void)
{
	conf_free(&conf);
}

static const struct conf_rule *add(const char *text)
{
	int rc = conf_add_rule(&conf, text, "here", &err);

	ck_assert_msg(rc == 0, "'%s': %s", text, err.text);
	return &conf.rules[conf.rule_count - 1];
}

START_TEST(legs_of_a_feed_share_the_outputs_of_the_first)
{
	const struct conf_rule *rule = add("239.1.1.0/30%eth0:5000 + [ff3e::/126%eth1]:5000 "
					   "seq=rtp -> 239.2.2.0/30%eth2:6000, "
					   "239.3.3.0/30%eth2:6000");

	ck_assert_uint_eq(rule->flow_count, 8);
	ck_assert_uint_eq(rule->merge.leg_count, 2);
	ck_assert_int_eq(rule->merge.method, MERGE_BY_NUMBER);
	ck_assert(rule->merge.sequence.rtp);
	ck_assert_uint_eq(conf.output_count, 8);
	for (uint32_t i = 0; i < 8; i++) {
		const struct conf_flow *flow = &conf.flows[i];

		ck_assert_uint_eq(flow->leg, i % 2);
		ck_assert_uint_eq(flow->output_count, i % 2 == 0 ? 2 : 0);
		ck_assert_ptr_eq(conf_lead(flow), &conf.flows[i - i % 2]);
		ck_assert_int_eq(flow->in.at.addr.ip[i % 2 == 0 ? 3 : 15], i / 2);
	}
}
END_TEST

START_TEST(payloads_tell_copies_apart)
{
	const struct conf_rule *rule = add(A " + " B " seq=hash skew=100" TO);

	ck_assert_int_eq(rule->merge.method, MERGE_BY_HASH);
	ck_assert_uint_eq(rule->merge.skew_ms, 100);
	ck_assert_uint_eq(rule->merge.window, MERGE_WINDOW_DEFAULT);
	ck_assert_int_eq(conf_add_rule(&conf, "239.1.1.9%eth0:5000 seq=hash" TO, "here", &err),
			 -EINVAL);
	ck_assert_ptr_nonnull(strstr(err.text, "seq=hash with one ingress"));
}
END_TEST

START_TEST(options_of_the_rule_stand_behind_any_leg)
{
	const struct conf_rule *rule =
		add(A " gro=off class=jumbo + " B " name=feed seq=u16be@2 gro=on weight=7 skew=20 "
		      "window=1024 silent=300" TO);

	ck_assert_str_eq(rule->name, "feed");
	ck_assert_uint_eq(rule->weight, 7);
	ck_assert_uint_eq(rule->merge.skew_ms, 20);
	ck_assert_uint_eq(rule->merge.window, 1024);
	ck_assert_uint_eq(rule->merge.silent_ms, 300);
	ck_assert_int_eq(conf.flows[0].in.gro, 0);
	ck_assert_int_eq(conf.flows[1].in.gro, 1);
	ck_assert_int_eq(conf.flows[1].in.pool_class, RULE_AUTO);
}
END_TEST

START_TEST(field_is_read_with_count_and_session)
{
	const struct sequence_rule *seq =
		&add(A " + " B " seq=u64le@17,session=10@3,count=u8@255" TO)->merge.sequence;

	ck_assert_uint_eq(seq->number.bytes, 8);
	ck_assert_uint_eq(seq->number.offset, 17);
	ck_assert(seq->number.little);
	ck_assert_uint_eq(seq->count.bytes, 1);
	ck_assert_uint_eq(seq->count.offset, 255);
	ck_assert_uint_eq(seq->session_bytes, 10);
	ck_assert_uint_eq(seq->session_offset, 3);
	ck_assert(!seq->rtp);
}
END_TEST

START_TEST(defaults_follow_the_width_of_the_number)
{
	ck_assert_uint_eq(add(A " + " B " seq=u32be@0" TO)->merge.window, 16384);
	ck_assert_uint_eq(add(A " + " B " seq=u8@0" TO)->merge.window, 64);
	ck_assert_uint_eq(conf.rules[0].merge.skew_ms, 500);
	ck_assert_uint_eq(conf.rules[0].merge.silent_ms, 1000);
}
END_TEST

START_TEST(failover_needs_no_number)
{
	const struct conf_rule *rule = add(A " + " B " failover=250" TO);

	ck_assert_int_eq(rule->merge.method, MERGE_FAILOVER);
	ck_assert_uint_eq(rule->merge.failover_ms, 250);
}
END_TEST

START_TEST(one_leg_may_be_counted)
{
	const struct conf_rule *rule = add(A " seq=moldudp64" TO);

	ck_assert_uint_eq(rule->merge.leg_count, 1);
	ck_assert_uint_eq(rule->flow_count, 1);
	ck_assert(rule->merge.sequence.mold);
	ck_assert_int_eq(add(A TO)->merge.method, MERGE_OFF);
}
END_TEST

static const struct {
	const char *text, *piece;
} refusals[] = {
	{A " + " B TO, "2 ingresses need seq= or failover=; expected seq=rtp"},
	{A " + " TO, "no ingress"},
	{"+ " A TO, "no ingress"},
	{A " + + " B TO, "no ingress"},
	{A "+" B " seq=rtp" TO, "interface name"},
	{A " failover=5" TO, "failover= with one ingress"},
	{A " + " B " failover=5 seq=rtp" TO, "both seq= and failover="},
	{A " skew=5" TO, "skew= without seq="},
	{A " + " B " failover=5 window=64" TO, "window= without seq="},
	{A " silent=500" TO, "silent= without seq="},
	{A " + " B " seq=rtp seq=rtp" TO, "another seq= of the same rule"},
	{A " seq=rtp + " B " seq=rtp" TO, "another seq= of the same rule"},
	{A " name=a + " B " seq=rtp name=b" TO, "another name= of the same rule"},
	{A " seq=rtp breaker=on" TO, "breaker= with seq= or failover="},
	{A " + " B " seq=rtp by=source spread=2" TO, "by=source with seq= or failover="},
	{A " + 239.1.2.0/30%eth1:5000 seq=rtp" TO, "ingress 2 has 4 address(es)"},
	{A " + " B " seq=rtp -> 239.2.2.2%eth2:6000 src=keep", "src=keep of egress"},
	{A " + " B " seq=rtp window=32768" TO, "window=32768 with numbers of 16 bits"},
	{A " + " B " seq=u8@0 window=128" TO, "window=128 with numbers of 8 bits"},
	{A " + " B " seq=u32be@0 window=1000" TO, "is not valid; window= takes"},
	{A " + " B " seq=u16@0" TO, "is not valid; seq= takes"},
	{A " + " B " seq=u8be@0" TO, "is not valid; seq= takes"},
	{A " + " B " seq=u32be@256" TO, "is not valid; seq= takes"},
	{A " + " B " seq=u32be" TO, "is not valid; seq= takes"},
	{A " + " B " seq=u32be@0," TO, "is not valid; seq= takes"},
	{A " + " B " seq=u32be@0,count=2" TO, "is not valid; seq= takes"},
	{A " + " B " seq=u32be@0,session=17@0" TO, "is not valid; seq= takes"},
	{A " + " B " seq=u32be@0,session=8" TO, "is not valid; seq= takes"},
	{A " + " B " seq=u32be@0,count=u8@1,count=u8@2" TO, "is not valid; seq= takes"},
	{A " + " B " seq=rtp -> " B, "ingress"},
};

START_TEST(legs_may_divide_their_flows_otherwise)
{
	static const char text[] = "10.2.0.2%wan0:6000-6003 + 239.1.3.0/31%wan1:1-2 seq=rtp"
				   " -> 239.1.1.0/30%lan0:5000";
	char at[ENDPOINT_TEXT_MAX];

	add(text);
	ck_assert_uint_eq(conf.flow_count, 8);
	ck_assert_str_eq(endpoint_format(&conf.flows[4].in.at, at), "10.2.0.2%wan0:6002");
	ck_assert_str_eq(endpoint_format(&conf.flows[5].in.at, at), "239.1.3.1%wan1:1");
	ck_assert_str_eq(endpoint_format(&conf.outputs[2].to, at), "239.1.1.2%lan0:5000");
}
END_TEST

START_TEST(what_cannot_be_merged_is_refused)
{
	ck_assert_int_eq(conf_add_rule(&conf, refusals[_i].text, "here", &err), -EINVAL);
	ck_assert_msg(strstr(err.text, refusals[_i].piece) != NULL, "not '%s' but: %s",
		      refusals[_i].piece, err.text);
	ck_assert_uint_eq(conf.rule_count, 0);
	ck_assert_uint_eq(conf.flow_count, 0);
}
END_TEST

START_TEST(more_than_eight_legs_are_refused)
{
	char text[1024] = A " seq=rtp";

	for (int i = 0; i < 8; i++) {
		strcat(text, " + " B);
	}
	strcat(text, TO);
	ck_assert_int_eq(conf_add_rule(&conf, text, "here", &err), -EINVAL);
	ck_assert_ptr_nonnull(strstr(err.text, "more than 8 ingresses"));
}
END_TEST

START_TEST(same_leg_twice_is_one_flow_too_many)
{
	add(A " + " A " seq=rtp" TO);
	ck_assert_int_eq(conf_check_twins(&conf, &err), -EINVAL);
	ck_assert_ptr_nonnull(strstr(err.text, "is already that of"));
}
END_TEST

/* What any leg hears goes to the outputs. */
START_TEST(cycle_through_a_second_leg_is_found)
{
	add("239.1.1.1%eth0:5000 + 10.0.0.1:5000 seq=rtp -> 10.0.0.2:6000");
	add("10.0.0.2:6000 -> 10.0.0.1:5000");
	ck_assert_int_eq(conf_check_twins(&conf, &err), -EINVAL);
	ck_assert_ptr_nonnull(strstr(err.text, "cycle"));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("legs");
	TCase *tests = tcase_create("legs");
	SRunner *runner;
	int failed;

	tcase_add_checked_fixture(tests, set_up, tear_down);
	tcase_add_test(tests, legs_of_a_feed_share_the_outputs_of_the_first);
	tcase_add_test(tests, payloads_tell_copies_apart);
	tcase_add_test(tests, options_of_the_rule_stand_behind_any_leg);
	tcase_add_test(tests, field_is_read_with_count_and_session);
	tcase_add_test(tests, defaults_follow_the_width_of_the_number);
	tcase_add_test(tests, failover_needs_no_number);
	tcase_add_test(tests, one_leg_may_be_counted);
	tcase_add_test(tests, legs_may_divide_their_flows_otherwise);
	tcase_add_loop_test(tests, what_cannot_be_merged_is_refused, 0,
			    (int)(sizeof(refusals) / sizeof(refusals[0])));
	tcase_add_test(tests, more_than_eight_legs_are_refused);
	tcase_add_test(tests, same_leg_twice_is_one_flow_too_many);
	tcase_add_test(tests, cycle_through_a_second_leg_is_found);
	suite_add_tcase(suite, tests);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
