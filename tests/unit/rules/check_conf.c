/* check_conf.c - one rule at a time: what the grammar takes, and what it makes of it.
 *
 * What it refuses is check_conf_refuse.c; rules among each other are check_twins.c.
 */
#include "src/rules/conf.h"

#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "shard/pool.h"

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

/* Adds a rule that must be taken; its first flow. */
static const struct conf_flow *add(const char *text)
{
	int rc = conf_add_rule(&conf, text, "here", &err);

	ck_assert_msg(rc == 0, "'%s': %s", text, err.text);
	return &conf.flows[conf.rules[conf.rule_count - 1].first_flow];
}

static const struct rule_output *output(const struct conf_flow *flow, uint32_t i)
{
	ck_assert_uint_lt(i, flow->output_count);
	return &conf.outputs[flow->first_output + i];
}

static void expect_endpoint(const struct endpoint *ep, const char *text)
{
	char buf[ENDPOINT_TEXT_MAX];

	ck_assert_str_eq(endpoint_format(ep, buf), text);
}

static void expect_addr(const struct addr *addr, const char *text)
{
	char buf[ADDR_TEXT_MAX];

	ck_assert_str_eq(addr_format(addr, buf), text);
}

START_TEST(plain_rule_has_all_defaults)
{
	const struct conf_flow *flow = add("239.1.1.1%eth0:5000 -> 239.2.2.2%eth1:6000");
	const struct rule_output *out = output(flow, 0);

	ck_assert_uint_eq(conf.rule_count, 1);
	ck_assert_uint_eq(conf.flow_count, 1);
	ck_assert_uint_eq(conf.output_count, 1);
	ck_assert_str_eq(conf.rules[0].name, "rule1");
	ck_assert_str_eq(conf.rules[0].where, "here");
	ck_assert_str_eq(conf.rules[0].text, "239.1.1.1%eth0:5000 -> 239.2.2.2%eth1:6000");
	ck_assert_uint_eq(conf.rules[0].weight, 1);
	ck_assert_uint_eq(conf.rules[0].spread, 1);
	ck_assert_uint_eq(conf.rules[0].shard, CONF_SHARD_ANY);
	ck_assert_uint_eq(conf.rules[0].flow_count, 1);
	expect_endpoint(&flow->in.at, "239.1.1.1%eth0:5000");
	ck_assert_uint_eq(flow->in.source.family, 0);
	ck_assert_int_eq(flow->in.gro, RULE_AUTO);
	ck_assert_int_eq(flow->in.pool_class, RULE_AUTO);
	expect_endpoint(&out->to, "239.2.2.2%eth1:6000");
	ck_assert_uint_eq(out->src.family, 0);
	ck_assert(!out->src_keep);
	ck_assert_uint_eq(out->rate_bps, 0);
	ck_assert_uint_eq(out->sport, 0);
	ck_assert_uint_eq(out->ttl_mode, RULE_TTL_AUTO);
	ck_assert_uint_eq(out->ttl, 0);
	ck_assert_int_eq(out->dscp, RULE_AUTO);
	ck_assert_int_eq(out->priority, RULE_AUTO);
	ck_assert_int_eq(out->gso, RULE_AUTO);
}
END_TEST

START_TEST(blanks_around_arrow_and_comma_are_optional)
{
	static const char *const texts[] = {
		"239.1.1.1%eth0:5000->239.2.2.2%eth1:6000,192.0.2.1:7000",
		"239.1.1.1%eth0:5000 ->239.2.2.2%eth1:6000 ,192.0.2.1:7000",
		"  239.1.1.1%eth0:5000-> 239.2.2.2%eth1:6000, 192.0.2.1:7000\t",
		"239.1.1.1%eth0:5000\n->\r\n239.2.2.2%eth1:6000\n,\v192.0.2.1:7000\f\n",
	};

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		const struct conf_flow *flow = add(texts[i]);

		ck_assert_uint_eq(flow->output_count, 2);
		expect_endpoint(&flow->in.at, "239.1.1.1%eth0:5000");
		expect_endpoint(&output(flow, 0)->to, "239.2.2.2%eth1:6000");
		expect_endpoint(&output(flow, 1)->to, "192.0.2.1:7000");
	}
}
END_TEST

START_TEST(sources_are_read_for_both_families)
{
	const struct conf_flow *flow = add("192.0.2.9@232.1.1.1%eth0:5000 -> 239.2.2.2%eth1:6000");

	expect_addr(&flow->in.source, "192.0.2.9");
	expect_endpoint(&flow->in.at, "232.1.1.1%eth0:5000");
	flow = add("[2001:db8::5]@[ff3e::1%eth0]:5000 -> [ff3e::2%eth1]:6000");
	expect_addr(&flow->in.source, "2001:db8::5");
	expect_endpoint(&flow->in.at, "[ff3e::1%eth0]:5000");
	expect_endpoint(&output(flow, 0)->to, "[ff3e::2%eth1]:6000");
	flow = add("192.0.2.9@192.0.2.1:5000 -> 239.2.2.2%eth1:6000"); /* unicast: allowed sender */
	expect_addr(&flow->in.source, "192.0.2.9");
	ck_assert_str_eq(flow->in.at.ifname, "");
}
END_TEST

START_TEST(unicast_and_families_mix)
{
	const struct conf_flow *flow = add("[2001:db8::1]:5000 -> 239.2.2.2%eth1:6000 ttl=keep "
					   "dscp=keep, [fe80::1%eth2]:1, 127.0.0.1%lo:65535");

	expect_endpoint(&flow->in.at, "[2001:db8::1]:5000");
	expect_endpoint(&output(flow, 0)->to, "239.2.2.2%eth1:6000");
	expect_endpoint(&output(flow, 1)->to, "[fe80::1%eth2]:1");
	expect_endpoint(&output(flow, 2)->to, "127.0.0.1%lo:65535");
}
END_TEST

START_TEST(odd_but_legal_interface_names)
{
	const struct conf_flow *flow = add("239.1.1.1%a@b%c#[]-x.100:5000 -> [ff05::1%]odd[]:6000, "
					   "192.0.2.1%123456789012345:1");

	ck_assert_str_eq(flow->in.at.ifname, "a@b%c#[]-x.100");
	ck_assert_uint_eq(flow->in.source.family, 0);
	ck_assert_str_eq(output(flow, 0)->to.ifname, "]odd[");
	ck_assert_str_eq(output(flow, 1)->to.ifname, "123456789012345");
}
END_TEST

START_TEST(link_local_groups_are_taken_where_they_are_meant)
{
	const struct conf_flow *flow =
		add("224.0.0.251%eth0:5353 link-local=yes -> 224.0.0.251%eth1:5353, "
		    "[ff02::fb%eth1]:5353, 224.0.0.251%eth2:5353 ttl=1, 239.2.2.2%eth1:5353");
	const struct rule_output *out = &conf.outputs[flow->first_output];

	ck_assert_int_eq(flow->in.breaker, RULE_BREAKER_STRICT);
	ck_assert_int_eq(out[0].ttl_mode, RULE_TTL_FIXED);
	ck_assert_uint_eq(out[0].ttl, 255);
	ck_assert_uint_eq(out[1].ttl, 255);
	ck_assert_uint_eq(out[2].ttl, 1);
	ck_assert_int_eq(out[3].ttl_mode, RULE_TTL_AUTO);
	flow = add("[ff02::fb%eth0]:5353 breaker=off link-local=yes -> 239.2.2.2%eth1:5354");
	ck_assert_int_eq(flow->in.breaker, RULE_BREAKER_OFF);
}
END_TEST

START_TEST(ingress_options_are_stored)
{
	const struct conf_flow *flow =
		add("239.1.1.1%eth0:5000 name=studio-1/hd weight=1000000 "
		    "spread=2 class=jumbo gro=off max-age=200 -> 239.2.2.2%eth1:6000, "
		    "239.2.2.3%eth1:6000");

	ck_assert_str_eq(conf.rules[0].name, "studio-1/hd");
	ck_assert_uint_eq(conf.rules[0].weight, 1000000);
	ck_assert_uint_eq(conf.rules[0].spread, 2);
	ck_assert_int_eq(flow->in.pool_class, POOL_JUMBO);
	ck_assert_uint_eq(flow->in.max_age_ms, 200);
	ck_assert_int_eq(flow->in.gro, 0);
	ck_assert_int_eq(flow->in.breaker, RULE_BREAKER_ON);
	flow = add("239.1.1.4%eth0:5000 breaker=strict -> 239.2.2.6%eth1:6000");
	ck_assert_int_eq(flow->in.breaker, RULE_BREAKER_STRICT);
	flow = add("239.1.1.2%eth0:5000 gro=on class=train shard=1023 -> 239.2.2.4%eth1:6000");
	ck_assert_str_eq(conf.rules[2].name, "rule3");
	ck_assert_uint_eq(conf.rules[2].shard, 1023);
	ck_assert_int_eq(flow->in.gro, 1);
	ck_assert_int_eq(flow->in.pool_class, POOL_TRAIN);
}
END_TEST

START_TEST(a_flow_with_one_egress_is_divided_otherwise_than_by_outputs)
{
	(void)add("239.1.1.1%eth0:5000 -> 239.2.2.2%eth1:6000");
	ck_assert_int_eq(conf.rules[0].by, SHARE_BY_OUTPUTS);
	(void)add("239.1.1.2%eth0:5000 spread=64 by=source -> 239.2.2.3%eth1:6000");
	ck_assert_int_eq(conf.rules[1].by, SHARE_BY_SOURCE);
	ck_assert_uint_eq(conf.rules[1].spread, 64);
	(void)add("192.0.2.1:5000 by=cpu spread=2 -> 239.2.2.4%eth1:6000");
	ck_assert_int_eq(conf.rules[2].by, SHARE_BY_CPU);
	/* Of a prefix there are many senders; one shard alone has what it wants. */
	(void)add("10.0.0.0/8@192.0.2.2:5000 by=source spread=2 -> 239.2.2.5%eth1:6000");
	(void)add("10.0.0.1@192.0.2.3:5000 by=source -> 239.2.2.6%eth1:6000 rate=1M");
}
END_TEST

START_TEST(egress_options_belong_to_their_egress)
{
	const struct conf_flow *flow = add(
		"239.1.1.1%eth0:5000 -> 239.2.2.2%eth1:6000 ttl=1 dscp=63 src=192.0.2.1 sport=1 "
		"rate=10Mbit/s priority=7 gso=off df=on mtu=576, "
		"[ff3e::1%eth1]:1 ttl=255 src=[2001:db8::1] "
		"gso=on priority=0, 192.0.2.3:1 ttl=dec src=keep gso=auto rate=1000G, 192.0.2.4:1");
	const struct rule_output *first = output(flow, 0);
	const struct rule_output *second = output(flow, 1);
	const struct rule_output *third = output(flow, 2);

	ck_assert_uint_eq(first->ttl, 1);
	ck_assert_int_eq(first->dscp, 63);
	expect_addr(&first->src, "192.0.2.1");
	ck_assert_uint_eq(first->sport, 1);
	ck_assert_uint_eq(first->rate_bps, 10000000);
	ck_assert_int_eq(first->priority, 7);
	ck_assert_int_eq(first->gso, 0);
	ck_assert(first->df);
	ck_assert_uint_eq(first->mtu, 576);
	ck_assert_uint_eq(second->ttl, 255);
	expect_addr(&second->src, "2001:db8::1");
	ck_assert_int_eq(second->gso, 1);
	ck_assert(!second->df);
	ck_assert_uint_eq(second->mtu, 0);
	ck_assert_int_eq(second->priority, 0);
	ck_assert_int_eq(second->dscp, RULE_AUTO);
	ck_assert_uint_eq(second->rate_bps, 0);
	ck_assert_uint_eq(third->ttl_mode, RULE_TTL_DEC);
	ck_assert(third->src_keep);
	ck_assert_int_eq(third->gso, RULE_AUTO);
	ck_assert_uint_eq(third->rate_bps, 1000000000000ULL);
	ck_assert_uint_eq(output(flow, 3)->ttl_mode, RULE_TTL_AUTO);
	ck_assert(!output(flow, 3)->src_keep);
}
END_TEST

START_TEST(dscp_names_are_the_rfcs)
{
	static const struct {
		const char *name;
		int dscp;
	} names[] = {
		{"BE", 0},    {"DF", 0},    {"LE", 1},    {"EF", 46},   {"VA", 44},   {"CS0", 0},
		{"cs1", 8},   {"CS7", 56},  {"AF11", 10}, {"AF12", 12}, {"af13", 14}, {"AF21", 18},
		{"AF33", 30}, {"AF41", 34}, {"AF43", 38}, {"0", 0},     {"63", 63},   {"keep", -2},
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		char text[100];

		snprintf(text, sizeof(text), "239.1.1.1%%eth0:%zu -> 239.2.2.2%%eth1:1 dscp=%s",
			 i + 1, names[i].name);
		ck_assert_int_eq(output(add(text), 0)->dscp, names[i].dscp);
	}
}
END_TEST

START_TEST(prefixes_map_address_by_address)
{
	const struct conf_flow *flow = add(
		"239.1.1.16/28%eth0:5000 -> 239.2.2.240/28%eth1:6000 ttl=3, [ff3e::fff0/124%e]:9");

	ck_assert_uint_eq(conf.rules[0].flow_count, 16);
	ck_assert_uint_eq(conf.flow_count, 16);
	ck_assert_uint_eq(conf.output_count, 32);
	expect_endpoint(&flow[0].in.at, "239.1.1.16%eth0:5000");
	expect_endpoint(&output(&flow[0], 0)->to, "239.2.2.240%eth1:6000");
	expect_endpoint(&flow[15].in.at, "239.1.1.31%eth0:5000");
	expect_endpoint(&output(&flow[15], 0)->to, "239.2.2.255%eth1:6000");
	expect_endpoint(&output(&flow[15], 1)->to, "[ff3e::ffff%e]:9");
	ck_assert_uint_eq(output(&flow[15], 0)->ttl, 3);
	ck_assert_uint_eq(output(&flow[15], 1)->ttl_mode, RULE_TTL_AUTO);
}
END_TEST

START_TEST(port_ranges_map_port_by_port)
{
	const struct conf_flow *flow = add("239.1.1.1%eth0:5000-5010->192.0.2.1:65525-65535");

	ck_assert_uint_eq(conf.rules[0].flow_count, 11);
	for (uint32_t i = 0; i < 11; i++) {
		ck_assert_uint_eq(flow[i].in.at.addr.port, 5000 + i);
		ck_assert_uint_eq(output(&flow[i], 0)->to.addr.port, 65525 + i);
	}
	ck_assert_uint_eq(add("239.1.1.1%eth0:1-1 -> 239.1.1.2%eth0:7-7")->output_count, 1);
}
END_TEST

START_TEST(address_and_port_ranges_cross)
{
	const struct conf_flow *flow = add(
		"239.1.0.254/31%eth0:10-12 name=x -> 239.2.0.0/31%eth1:20-22, 10.0.0.2/31:30-32");

	ck_assert_uint_eq(conf.flow_count, 6);
	ck_assert_uint_eq(conf.output_count, 12);
	expect_endpoint(&flow[2].in.at, "239.1.0.254%eth0:12");
	expect_endpoint(&flow[3].in.at, "239.1.0.255%eth0:10");
	expect_endpoint(&output(&flow[3], 0)->to, "239.2.0.1%eth1:20");
	expect_endpoint(&output(&flow[5], 0)->to, "239.2.0.1%eth1:22");
	expect_endpoint(&output(&flow[5], 1)->to, "10.0.0.3:32");
	for (uint32_t i = 0; i < 6; i++) {
		ck_assert_uint_eq(flow[i].rule, 0);
		ck_assert_uint_eq(flow[i].first_output, 2UL * i);
	}
}
END_TEST

START_TEST(groups_map_to_ports_of_one_host_and_back)
{
	const struct conf_flow *flow =
		add("239.1.1.0/24%eth0:5000 -> 10.2.0.2:6000-6255, [2001:db8::/128]:1-256");

	ck_assert_uint_eq(conf.flow_count, 256);
	expect_endpoint(&flow[0].in.at, "239.1.1.0%eth0:5000");
	expect_endpoint(&output(&flow[0], 0)->to, "10.2.0.2:6000");
	expect_endpoint(&flow[255].in.at, "239.1.1.255%eth0:5000");
	expect_endpoint(&output(&flow[255], 0)->to, "10.2.0.2:6255");
	expect_endpoint(&output(&flow[255], 1)->to, "[2001:db8::]:256");
	flow = add("10.2.0.2:6000-6255 -> 239.1.1.0/24%eth0:5000, 239.2.0.0/30%eth0:1-64");
	ck_assert_uint_eq(conf.rules[1].flow_count, 256);
	expect_endpoint(&flow[77].in.at, "10.2.0.2:6077");
	expect_endpoint(&output(&flow[77], 0)->to, "239.1.1.77%eth0:5000");
	expect_endpoint(&output(&flow[77], 1)->to, "239.2.0.1%eth0:14"); /* 64 + 13 */
}
END_TEST

/* Where they have as many ports the first flow tells; here they meet elsewhere. */
START_TEST(uneven_egresses_that_meet_in_one_flow_are_refused)
{
	static const char *const rules[] = {
		"239.1.1.0/30%e:1 -> 10.0.0.1:2-5, 10.0.0.0/31:4-5",
		"10.0.0.0/31%e:1-2 -> 10.0.0.1%e:8191-8194, 10.0.0.1%e:65532-65535, "
		"10.0.0.0/31%e:8193-8194",
		"10.0.0.0/31%e:3-4 -> 10.0.0.1%e:1-4",
	};

	for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++) {
		ck_assert_int_eq(conf_add_rule(&conf, rules[i], "f:1", &err), -EINVAL);
		ck_assert_msg(strstr(err.text, "is given twice") ||
				      strstr(err.text, "equals the ingress"),
			      "%s", err.text);
		ck_assert_uint_eq(conf.rule_count + conf.flow_count + conf.output_count, 0);
	}
	add("239.1.1.0/30%e:1 -> 10.0.0.1:2-5, 10.0.0.0/31:5-6");
}
END_TEST

START_TEST(longest_prefixes_are_single_addresses)
{
	expect_endpoint(&add("239.1.1.7/32%eth0:1 -> [ff3e::7/128%eth1]:2")->in.at,
			"239.1.1.7%eth0:1");
	ck_assert_uint_eq(conf.flow_count, 1);
}
END_TEST

START_TEST(rules_follow_one_another)
{
	const struct conf_flow *flow;

	add("239.1.1.0/30%eth0:1 -> 239.2.1.0/30%eth1:1, 239.2.2.0/30%eth1:1");
	flow = add("239.1.2.0/31%eth0:1 -> 239.2.3.0/31%eth1:1");
	ck_assert_uint_eq(conf.rules[1].first_flow, 4);
	ck_assert_uint_eq(conf.rules[1].flow_count, 2);
	ck_assert_uint_eq(flow[0].rule, 1);
	ck_assert_uint_eq(flow[0].first_output, 8);
	ck_assert_uint_eq(flow[1].first_output, 9);
	ck_assert_uint_eq(conf.output_count, 10);
}
END_TEST

START_TEST(refused_rule_leaves_conf_unchanged)
{
	static const char *const refused[] = {
		"239.1.1.0/28%eth0:1 -> 239.2.1.0/28%eth1:1, 239.2.2.0/27%eth1:1",
		"239.1.1.0/28%eth0:1 -> 239.2.1.0/28%eth1:1 ttl=0",
		"239.1.1.0/28%eth0:1 name=x weight=5 -> ",
		"239.1.1.0/28%eth0:1 spread=2 -> 239.2.1.0/28%eth1:1",
	};

	add("239.1.1.1%eth0:5000 -> 239.2.2.2%eth1:6000");
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
		ck_assert_int_eq(conf_add_rule(&conf, refused[i], "there", &err), -EINVAL);
		ck_assert_uint_eq(conf.rule_count, 1);
		ck_assert_uint_eq(conf.flow_count, 1);
		ck_assert_uint_eq(conf.output_count, 1);
		ck_assert_str_eq(conf.rules[0].name, "rule1");
		expect_endpoint(&conf.outputs[0].to, "239.2.2.2%eth1:6000");
	}
	add("239.1.1.2%eth0:5000 -> 239.2.2.3%eth1:6000");
	ck_assert_str_eq(conf.rules[1].name, "rule2");
	expect_endpoint(&conf.outputs[1].to, "239.2.2.3%eth1:6000");
}
END_TEST

/* `count' egresses, each on a port of its own. */
static char *fan_out(unsigned count)
{
	char *text = malloc(64 + (size_t)count * 40);
	int used = sprintf(text, "239.1.1.1%%eth0:5000 -> ");

	ck_assert_ptr_nonnull(text);
	for (unsigned i = 0; i < count; i++) {
		used += sprintf(text + used, "%s239.2.2.2%%eth1:%u", i > 0 ? "," : "", i + 1);
	}
	return text;
}

START_TEST(fan_out_is_bounded)
{
	char *text = fan_out(FLOW_OUTPUTS_MAX);

	ck_assert_uint_eq(add(text)->output_count, FLOW_OUTPUTS_MAX);
	free(text);
	text = fan_out(FLOW_OUTPUTS_MAX + 1);
	ck_assert_int_eq(conf_add_rule(&conf, text, "here", &err), -EINVAL);
	ck_assert_ptr_nonnull(strstr(err.text, "more than 1024 egresses"));
	free(text);
}
END_TEST

START_TEST(flows_and_outputs_are_bounded)
{
	char text[100];

	/* 4 rules of 65536 flows fill a configuration; one more flow is refused. */
	for (int i = 0; i < 4; i++) {
		snprintf(text, sizeof(text), "239.%d.0.0/16%%eth0:5000 -> 239.%d.0.0/16%%eth1:5000",
			 i, i);
		add(text);
	}
	ck_assert_uint_eq(conf.flow_count, CONF_FLOWS_MAX);
	ck_assert_int_eq(conf_add_rule(&conf, "239.9.0.0%e:1 -> 239.9.0.0%f:1", "here", &err),
			 -EINVAL);
	ck_assert_ptr_nonnull(strstr(err.text, "262145 flows"));
	conf_free(&conf);
	ck_assert_int_eq(conf_add_rule(&conf,
				       "239.0.0.0/14%e:1 -> 239.0.0.0/14%f:1, 239.0.0.0/14%g:1, "
				       "239.0.0.0/14%h:1, 239.0.0.0/14%i:1, 239.0.0.0/14%j:1",
				       "here", &err),
			 -EINVAL);
	ck_assert_ptr_nonnull(strstr(err.text, "1310720 outputs"));
}
END_TEST

START_TEST(free_accepts_zero_and_leaves_zero)
{
	conf_free(&conf);
	add("239.1.1.1%eth0:5000 -> 239.2.2.2%eth1:6000");
	conf_free(&conf);
	ck_assert_ptr_null(conf.rules);
	ck_assert_uint_eq(conf.flow_count, 0);
	add("239.1.1.1%eth0:5000 -> 239.2.2.2%eth1:6000");
	ck_assert_uint_eq(conf.flow_count, 1);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("conf");
	TCase *tc = tcase_create("conf");
	SRunner *runner = srunner_create(suite);
	int failed;

	suite_add_tcase(suite, tc);
	tcase_add_checked_fixture(tc, set_up, tear_down);
	tcase_add_test(tc, plain_rule_has_all_defaults);
	tcase_add_test(tc, blanks_around_arrow_and_comma_are_optional);
	tcase_add_test(tc, sources_are_read_for_both_families);
	tcase_add_test(tc, unicast_and_families_mix);
	tcase_add_test(tc, odd_but_legal_interface_names);
	tcase_add_test(tc, link_local_groups_are_taken_where_they_are_meant);
	tcase_add_test(tc, ingress_options_are_stored);
	tcase_add_test(tc, a_flow_with_one_egress_is_divided_otherwise_than_by_outputs);
	tcase_add_test(tc, egress_options_belong_to_their_egress);
	tcase_add_test(tc, dscp_names_are_the_rfcs);
	tcase_add_test(tc, prefixes_map_address_by_address);
	tcase_add_test(tc, port_ranges_map_port_by_port);
	tcase_add_test(tc, address_and_port_ranges_cross);
	tcase_add_test(tc, groups_map_to_ports_of_one_host_and_back);
	tcase_add_test(tc, uneven_egresses_that_meet_in_one_flow_are_refused);
	tcase_add_test(tc, longest_prefixes_are_single_addresses);
	tcase_add_test(tc, rules_follow_one_another);
	tcase_add_test(tc, refused_rule_leaves_conf_unchanged);
	tcase_add_test(tc, fan_out_is_bounded);
	tcase_add_test(tc, flows_and_outputs_are_bounded);
	tcase_add_test(tc, free_accepts_zero_and_leaves_zero);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
