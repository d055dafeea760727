/* check_endpoint.c - what else than a group or an address may stand in an endpoint: broadcasts, any
 * address, prefixes of senders, interfaces by long names, names of hosts.
 */
#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "src/rules/conf.h"

void *__real_malloc(size_t size);
void *__wrap_malloc(size_t size);

static bool memory_is_short;

void *__wrap_malloc(size_t size)
{
	return memory_is_short ? NULL : __real_malloc(size);
}

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

START_TEST(sources_may_be_prefixes_of_unicast)
{
	static const struct {
		const char *text, *source;
		unsigned bits;
	} rows[] = {
		{"10.0.0.0/24@192.0.2.1:5000 -> 239.2.2.2%eth1:1", "10.0.0.0/24", 24},
		{"10.0.0.128/25@192.0.2.1:5000 -> 239.2.2.2%eth1:1", "10.0.0.128/25", 25},
		{"10.0.0.1/32@192.0.2.1:5000 -> 239.2.2.2%eth1:1", "10.0.0.1", 0},
		{"10.0.0.1@192.0.2.1:5000 -> 239.2.2.2%eth1:1", "10.0.0.1", 0},
		{"[2001:db8::/48]@[2001:db8::1]:5000 -> 239.2.2.2%eth1:1", "2001:db8::/48", 48},
		{"10.0.0.0/8@any%eth0:5000 -> 239.2.2.2%eth1:1", "10.0.0.0/8", 8},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct conf_flow *flow = add(rows[i].text);
		char text[RULE_SOURCE_TEXT_MAX];

		ck_assert_str_eq(rule_format_source(&flow->in, text), rows[i].source);
		ck_assert_uint_eq(flow->in.source_bits, rows[i].bits);
	}
}
END_TEST

START_TEST(any_stands_for_an_interfaces_addresses)
{
	expect_endpoint(&add("any%eth0:5000 -> 239.2.2.2%eth1:1")->in.at, "0.0.0.0%eth0:5000");
	expect_endpoint(&add("any:5001%eth0 -> 239.2.2.2%eth1:1")->in.at, "0.0.0.0%eth0:5001");
	expect_endpoint(&add("0.0.0.0%eth0:5002 -> 239.2.2.2%eth1:1")->in.at, "0.0.0.0%eth0:5002");
	expect_endpoint(&add("any%eth0:1-2 -> 239.2.2.2%eth1:1-2")[1].in.at, "0.0.0.0%eth0:2");
	expect_endpoint(&add("[any%eth0]:5000 -> [ff3e::1%eth1]:1")->in.at, "[::%eth0]:5000");
	expect_endpoint(&add("[::%eth1]:5000 -> [ff3e::1%eth1]:1")->in.at, "[::%eth1]:5000");
	ck_assert_int_eq(conf_check_twins(&conf, &err), 0);
}
END_TEST

START_TEST(senders_ports_are_kept_with_their_addresses)
{
	const struct conf_flow *flow = add("239.1.1.1%eth0:5000 -> 239.2.2.2%eth1:1 sport=keep "
					   "src=keep, 239.2.2.3%eth1:1 src=keep");

	ck_assert(output(flow, 0)->sport_keep);
	ck_assert(output(flow, 0)->src_keep);
	ck_assert_uint_eq(output(flow, 0)->sport, 0);
	ck_assert(rule_output_is_valid(output(flow, 0)));
	ck_assert(!output(flow, 1)->sport_keep);
}
END_TEST

START_TEST(replies_are_asked_for)
{
	const struct conf_flow *flow = add("239.1.1.1%eth0:5000 -> 239.2.2.2%eth1:1 reply=yes, "
					   "192.0.2.1:1 reply=no, 192.0.2.2:1");

	ck_assert(output(flow, 0)->reply);
	ck_assert(rule_output_is_valid(output(flow, 0)));
	ck_assert(!output(flow, 1)->reply);
	ck_assert(!output(flow, 2)->reply);
}
END_TEST

START_TEST(local_receivers_are_asked_for)
{
	const struct conf_flow *flow = add("239.1.1.1%eth0:5000 -> 239.2.2.2%eth1:1 local=yes, "
					   "239.2.2.3%eth1:1 local=no, 239.2.2.4%eth1:1");

	ck_assert(output(flow, 0)->local);
	ck_assert(!output(flow, 1)->local);
	ck_assert(!output(flow, 2)->local);
}
END_TEST

START_TEST(broadcasts_come_in_and_go_out)
{
	const struct conf_flow *flow =
		add("broadcast%eth0:5000 -> broadcast%eth1:6000, 255.255.255.255%eth2:6000 ttl=3, "
		    "239.1.1.1%eth1:1");

	expect_endpoint(&flow->in.at, "255.255.255.255%eth0:5000");
	expect_endpoint(&output(flow, 0)->to, "255.255.255.255%eth1:6000");
	expect_endpoint(&output(flow, 1)->to, "255.255.255.255%eth2:6000");
	/* What comes by broadcast counts its hops also as a broadcast. */
	ck_assert_uint_eq(output(flow, 0)->ttl_mode, RULE_TTL_AUTO);
	ck_assert_uint_eq(output(flow, 0)->ttl, RULE_TTL_DEFAULT);
	ck_assert_uint_eq(output(flow, 1)->ttl, 3);
	flow = add("239.1.1.1%eth0:5000 -> broadcast%eth1:6000");
	ck_assert_uint_eq(output(flow, 0)->ttl_mode, RULE_TTL_AUTO);
	ck_assert_uint_eq(output(flow, 0)->ttl, 0);
	ck_assert_int_eq(conf_check_twins(&conf, &err), 0);
	add("broadcast%eth1:5000 -> broadcast%eth0:5000"); /* both ways: we know our own */
	add("broadcast%eth0:5001 -> broadcast%eth1:5001");
	add("broadcast%eth1:5001 -> broadcast%eth0:5001");
	ck_assert_int_eq(conf_check_twins(&conf, &err), 0);
}
END_TEST

/* Alternative names are longer than an endpoint's: an alias stands there, the same for the same. */
START_TEST(long_interface_names_have_aliases)
{
	const struct conf_flow *flow = add("239.1.1.1%enp197s0f1np1v12:1 -> "
					   "239.2.2.2%enp197s0f1np1v13:1, [ff3e::1%eth1]:1");
	const char *first = flow->in.at.ifname;
	const char *second = output(flow, 0)->to.ifname;

	ck_assert_str_eq(first, "enp197s0f/0");
	ck_assert_str_eq(second, "enp197s0f/1");
	ck_assert_str_eq(conf_ifname(&conf, first), "enp197s0f1np1v12");
	ck_assert_str_eq(conf_ifname(&conf, second), "enp197s0f1np1v13");
	ck_assert_str_eq(conf_ifname(&conf, "eth1"), "eth1");
	ck_assert_str_eq(conf_ifname(&conf, ""), "");
	flow = add("239.1.1.2%enp197s0f1np1v13:1 -> 239.2.2.2%eth1:1");
	ck_assert_str_eq(flow->in.at.ifname, "enp197s0f/1");
	ck_assert_uint_eq(conf.long_ifname_count, 2);
}
END_TEST

START_TEST(hosts_are_named_as_destinations)
{
	const struct conf_flow *flow =
		add("239.1.1.0/31%eth0:1 -> Host.Example:2-3, [host.example%eth1]:2-3, "
		    "h_1.example:2-3 src=192.0.2.1, [x.example]:2-3 src=2001:db8::1, "
		    "y.example:2-3 mtu=1000, z.example:2-3 src=keep");
	static const int families[] = {0, AF_INET6, AF_INET, AF_INET6, AF_INET, AF_INET};
	static const char *const texts[] = {"host.example:3", "[host.example%eth1]:3",
					    "h_1.example:3",  "[x.example]:3",
					    "y.example:3",    "z.example:3"};

	for (uint32_t i = 0; i < flow->output_count; i++) {
		const struct endpoint *to = &output(flow + 1, i)->to;

		expect_endpoint(to, texts[i]);
		ck_assert_int_eq(to->name->family, families[i]);
		ck_assert(!endpoint_is_known(to));
		ck_assert(addr_is_any(&to->addr));
		ck_assert_ptr_eq(to->name, output(flow, i)->to.name);
	}
	ck_assert_ptr_eq(flow[0].in.at.name, NULL);
	ck_assert_int_eq(conf_check_twins(&conf, &err), 0);
}
END_TEST

/* What a name means may be what a rule hears, which shows once it is known only. */
START_TEST(want_of_memory_for_a_name_is_no_mistake_in_the_rule)
{
	int rc;

	memory_is_short = true; /* not for the test itself */
	rc = conf_add_rule(&conf, "239.1.1.1%eth0:1 -> new.example:2", "here", &err);
	memory_is_short = false;
	ck_assert_int_eq(rc, -ENOMEM);
	ck_assert_ptr_nonnull(strstr(err.text, "out of memory for the name 'new.example'"));
	add("239.1.1.1%eth0:1 -> new.example:2");
}
END_TEST

START_TEST(a_name_is_no_place_until_it_is_known)
{
	const struct conf_flow *flow =
		add("any%eth0:6000 -> host.example%eth0:6000, other.example%eth0:6000");
	struct rule_output *first = &conf.outputs[flow->first_output];

	ck_assert_int_eq(conf_rename(&conf, NULL, 0, &err), 0);
	ck_assert_int_eq(addr_parse_ip("192.0.2.7", &first[0].to.addr), 0);
	first[0].to.addr.port = 6000;
	first[1].to.addr = first[0].to.addr; /* two names of one host are two places */
	ck_assert_int_eq(conf_rename(&conf, NULL, 0, &err), 0);
	conf_free(&conf);
	flow = add("192.0.2.7%eth0:6000 -> host.example%eth0:6000");
	conf.outputs[flow->first_output].to.addr = flow->in.at.addr;
	ck_assert_int_eq(conf_rename(&conf, NULL, 0, &err), -EINVAL);
	ck_assert_msg(strstr(err.text, "egress host.example%eth0:6000 equals the ingress"), "%s",
		      err.text);
}
END_TEST

START_TEST(a_name_is_the_same_place_whatever_it_means)
{
	const struct conf_flow *flow =
		add("239.1.1.1%eth0:1 -> a.example%eth2:2, b.example%eth2:2, "
		    "a.example%eth2:3, a.example%eth1:2, [a.example%eth2]:2");
	struct rule_output moved = *output(flow, 0);

	ck_assert_int_eq(addr_parse_ip("192.0.2.7", &moved.to.addr), 0);
	moved.to.addr.port = 2;
	ck_assert(rule_same_output(&moved, output(flow, 0)));
	for (uint32_t i = 1; i < flow->output_count; i++) {
		ck_assert(!rule_same_output(&moved, output(flow, i)));
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("conf_endpoint");
	TCase *tc = tcase_create("conf_endpoint");
	SRunner *runner = srunner_create(suite);
	int failed;

	suite_add_tcase(suite, tc);
	tcase_add_checked_fixture(tc, set_up, tear_down);
	tcase_add_test(tc, sources_may_be_prefixes_of_unicast);
	tcase_add_test(tc, any_stands_for_an_interfaces_addresses);
	tcase_add_test(tc, senders_ports_are_kept_with_their_addresses);
	tcase_add_test(tc, replies_are_asked_for);
	tcase_add_test(tc, local_receivers_are_asked_for);
	tcase_add_test(tc, broadcasts_come_in_and_go_out);
	tcase_add_test(tc, long_interface_names_have_aliases);
	tcase_add_test(tc, hosts_are_named_as_destinations);
	tcase_add_test(tc, want_of_memory_for_a_name_is_no_mistake_in_the_rule);
	tcase_add_test(tc, a_name_is_no_place_until_it_is_known);
	tcase_add_test(tc, a_name_is_the_same_place_whatever_it_means);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
