/* check_layout.c - rules and a plan become one table per shard: nothing twice, nothing left out. */
#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "src/rules/conf.h"
#include "src/rules/index.h"
#include "src/setup/layout.h"
#include "src/setup/options.h"

static struct conf conf;
static struct iface_table ifaces;
static struct err err;
static struct layout layout;

static const struct layout_options options = {.pool = {{1000, 500, 200, 32}}, .gro = true};

static void add_rule(const char *text)
{
	ck_assert_msg(conf_add_rule(&conf, text, "--rule", &err) == 0, "%s", err.text);
}

/* A plan by hand: flow i is owned by the `spread' shards from owners[i] on. */
static struct plan make_plan(uint32_t shards, const uint32_t *owners, uint32_t spread)
{
	struct plan plan = {.shard_count = shards, .flow_count = conf.flow_count};

	plan.shards = calloc(shards, sizeof(*plan.shards));
	for (uint32_t s = 0; s < shards; s++) {
		plan.shards[s].cpu_os = 10 + (int)s;
	}
	plan.owners = calloc((size_t)conf.flow_count * spread, sizeof(*plan.owners));
	plan.first_owner = calloc(conf.flow_count + 1UL, sizeof(*plan.first_owner));
	for (uint32_t i = 0; i < conf.flow_count; i++) {
		plan.first_owner[i + 1] = (i + 1) * spread;
		for (uint32_t k = 0; k < spread; k++) {
			plan.owners[i * spread + k].shard = (owners[i] + k) % shards;
		}
	}
	return plan;
}

static int build(uint32_t shards, const uint32_t *owners, uint32_t spread,
		 const struct layout_options *with)
{
	struct plan plan = make_plan(shards, owners, spread);
	int rc = layout_build(&conf, &ifaces, &plan, with, &layout, &err);

	free(plan.shards);
	free(plan.owners);
	free(plan.first_owner);
	return rc;
}

static void setup(void)
{
	conf = (struct conf){0};
	ifaces = (struct iface_table){0};
	layout = (struct layout){0};
}

static void teardown(void)
{
	layout_free(&layout);
	conf_free(&conf);
	free(ifaces.list);
}

START_TEST(shards_that_flows_can_use_are_counted)
{
	ck_assert_uint_eq(layout_shards_max(&conf), 0);
	add_rule("239.1.1.1%eth0:5000 -> 239.2.2.1%eth1:6000");
	ck_assert_uint_eq(layout_shards_max(&conf), 1);
	add_rule("239.1.2.0/30%eth0:5000 -> 239.2.2.0/30%eth1:6000");
	ck_assert_uint_eq(layout_shards_max(&conf), 5);
	add_rule("239.1.1.2%eth0:5000 spread=2 -> 239.2.2.1%eth1:6000, 239.2.2.2%eth1:6000");
	ck_assert_uint_eq(layout_shards_max(&conf), 7);
	add_rule("239.1.1.3%eth0:5000 shard=7 -> 239.2.2.1%eth1:6000");
	ck_assert_uint_eq(layout_shards_max(&conf), 8);
	add_rule("239.1.1.4%eth0:5000 shard=20 -> 239.2.2.1%eth1:6000");
	ck_assert_uint_eq(layout_shards_max(&conf), 21);
}
END_TEST

START_TEST(each_flow_stands_in_its_owners_table_only)
{
	const uint32_t owners[] = {1, 0};

	add_rule("239.1.1.1%eth0:5000 -> 239.2.2.1%eth1:6000, 192.0.2.1:7000");
	add_rule("239.1.1.2%eth0:5000 -> 239.2.2.2%eth1:6000");
	ck_assert_int_eq(build(2, owners, 1, &options), 0);
	ck_assert_uint_eq(layout.tables[0].flow_count, 1);
	ck_assert_int_eq(rule_compare_flows(&layout.tables[0].flows[0].in, &conf.flows[1].in), 0);
	ck_assert_uint_eq(layout.tables[0].output_count, 1);
	ck_assert_uint_eq(layout.tables[1].flow_count, 1);
	ck_assert_int_eq(rule_compare_flows(&layout.tables[1].flows[0].in, &conf.flows[0].in), 0);
	ck_assert_uint_eq(layout.tables[1].flows[0].output_count, 2);
	ck_assert_uint_eq(layout.tables[1].outputs[1].out.to.addr.port, 7000);
}
END_TEST

START_TEST(spread_gives_each_output_to_exactly_one_shard)
{
	const uint32_t owners[] = {0};
	unsigned seen[5] = {0};

	add_rule("239.1.1.1%eth0:5000 spread=3 -> 239.2.2.1%e:6000, 239.2.2.2%e:6000, "
		 "239.2.2.3%e:6000, 239.2.2.4%e:6000, 239.2.2.5%e:6000");
	ck_assert_int_eq(build(4, owners, 3, &options), 0);
	for (uint32_t s = 0; s < 4; s++) {
		ck_assert_uint_eq(layout.tables[s].flow_count, s < 3 ? 1 : 0);
		for (uint32_t o = 0; o < layout.tables[s].output_count; o++) {
			const struct rule_output *out = &layout.tables[s].outputs[o].out;

			for (int i = 0; i < 5; i++) {
				seen[i] += rule_same_output(out, &conf.outputs[i]);
			}
		}
	}
	for (int i = 0; i < 5; i++) {
		ck_assert_uint_eq(seen[i], 1);
	}
}
END_TEST

START_TEST(by_source_gives_each_owner_all_outputs_and_a_share_of_its_own)
{
	const uint32_t owners[] = {1, 3, 0};

	add_rule("239.1.1.1%eth0:5000 spread=3 by=source -> 239.2.2.1%e:6000, 239.2.2.2%e:6000");
	add_rule("192.0.2.1:5000 spread=3 by=cpu -> 239.2.2.3%e:6000");
	add_rule("239.1.1.3%eth0:5000 spread=3 -> 239.2.2.4%e:6000, 239.2.2.5%e:6000, "
		 "239.2.2.6%e:6000");
	ck_assert_int_eq(build(5, owners, 3, &options), 0);
	ck_assert_uint_eq(layout.share_count, 6);
	for (uint32_t i = 0; i < 6; i++) {
		const struct layout_share *at = &layout.shares[i];
		const struct rule_flow *flow = &layout.tables[at->shard].flows[at->flow];

		ck_assert_uint_eq(at->shard, (owners[i / 3] + i % 3) % 5);
		ck_assert_int_eq(rule_compare_flows(&flow->in, &conf.flows[i / 3].in), 0);
		ck_assert_uint_eq(flow->output_count, conf.flows[i / 3].output_count);
		ck_assert_uint_eq(flow->share.by, i < 3 ? SHARE_BY_SOURCE : SHARE_BY_CPU);
		ck_assert_uint_eq(flow->share.index, i % 3);
		ck_assert_uint_eq(flow->share.count, 3);
		ck_assert_int_eq(flow->share.cpus_os[i % 3], 10 + (int)at->shard);
	}
	for (uint32_t s = 0; s < 3; s++) { /* what is divided by outputs is nobody's share */
		const struct rule_table *table = &layout.tables[s];

		ck_assert(!share_is_part(&table->flows[table->flow_count - 1].share));
	}
}
END_TEST

START_TEST(one_owner_has_no_share)
{
	const uint32_t owners[] = {0};

	add_rule("192.0.2.1:5000 by=source -> 239.2.2.1%e:6000, 239.2.2.2%e:6000");
	ck_assert_int_eq(build(2, owners, 1, &options), 0);
	ck_assert_uint_eq(layout.share_count, 0);
	ck_assert(!share_is_part(&layout.tables[0].flows[0].share));
	ck_assert_uint_eq(layout.tables[0].output_count, 2);
}
END_TEST

START_TEST(owners_of_shares_count_a_part_of_the_weight)
{
	struct plan_flow *flows;

	add_rule("239.1.1.1%eth0:5000 weight=10 spread=4 by=source -> 239.2.2.1%e:6000");
	add_rule("239.1.1.2%eth0:5000 weight=10 spread=2 -> 239.2.2.2%e:6000, 239.2.2.3%e:6000");
	add_rule("239.1.1.3%eth0:5000 weight=1 spread=4 by=cpu -> 239.2.2.4%e:6000");
	flows = layout_plan_flows(&conf, &ifaces);
	ck_assert_ptr_nonnull(flows);
	ck_assert_uint_eq(flows[0].weight, 3);
	ck_assert_uint_eq(flows[1].weight, 10);
	ck_assert_uint_eq(flows[2].weight, 1);
	free(flows);
}
END_TEST

START_TEST(a_port_that_rules_have_together_is_not_divided)
{
	const uint32_t owners[] = {0, 0};

	add_rule("10.0.0.1@192.0.2.1:5000 -> 239.2.2.1%e:6000");
	add_rule("192.0.2.1:5000 spread=2 by=source -> 239.2.2.2%e:6000");
	ck_assert_int_eq(conf_mark_shared(&conf), 0);
	ck_assert_int_eq(build(2, owners, 2, &options), -EINVAL);
	ck_assert_ptr_nonnull(strstr(err.text, "by=source on an address and port"));
}
END_TEST

START_TEST(spread_beyond_the_outputs_is_refused)
{
	const uint32_t owners[] = {0};

	/* A rule that says so is refused as it is read: only a caller's mistake comes this far. */
	add_rule("239.1.1.1%eth0:5000 spread=2 -> 239.2.2.1%e:6000, 239.2.2.2%e:6000");
	conf.rules[0].spread = 3;
	ck_assert_int_eq(build(4, owners, 3, &options), -EINVAL);
	ck_assert_ptr_nonnull(strstr(err.text, "spread=3"));
}
END_TEST

START_TEST(spread_of_a_unicast_ingress_is_refused)
{
	const uint32_t owners[] = {0};

	add_rule("192.0.2.9:5000 -> 239.2.2.1%e:6000, 239.2.2.2%e:6000");
	conf.rules[0].spread = 2;
	ck_assert_int_eq(build(2, owners, 2, &options), -EINVAL);
	ck_assert_ptr_nonnull(strstr(err.text, "unicast"));
}
END_TEST

START_TEST(more_flows_than_a_shard_can_have_are_refused)
{
	static uint32_t owners[2 * SHARD_FLOWS_MAX];

	add_rule("239.2.0.0/15%eth0:5000 -> 239.4.0.0/15%e:6000");
	ck_assert_uint_eq(conf.flow_count, 2 * SHARD_FLOWS_MAX);
	ck_assert_int_eq(build(1, owners, 1, &options), -EINVAL);
	ck_assert_ptr_nonnull(strstr(err.text, "65536"));
	ck_assert_ptr_nonnull(strstr(err.text, "--shards"));
	for (uint32_t i = 0; i < conf.flow_count; i++) {
		owners[i] = i % 2;
	}
	ck_assert_int_eq(build(2, owners, 1, &options), 0);
}
END_TEST

START_TEST(coalescing_flows_use_train_slots_and_named_classes_are_obeyed)
{
	const uint32_t owners[] = {0, 0, 0};

	add_rule("239.1.1.1%eth0:5000 -> 239.2.2.1%e:6000");
	add_rule("239.1.1.2%eth0:5000 gro=off -> 239.2.2.2%e:6000");
	add_rule("239.1.1.3%eth0:5000 class=jumbo -> 239.2.2.3%e:6000");
	ck_assert_int_eq(build(1, owners, 1, &options), 0);
	ck_assert_uint_eq(layout.tables[0].flows[0].pool_class, POOL_TRAIN);
	ck_assert(layout.tables[0].flows[0].gro);
	ck_assert_uint_eq(layout.tables[0].flows[1].pool_class, POOL_SMALL);
	ck_assert(!layout.tables[0].flows[1].gro);
	ck_assert_uint_eq(layout.tables[0].flows[2].pool_class, POOL_JUMBO);
	ck_assert(!layout.tables[0].flows[2].gro);
}
END_TEST

START_TEST(outputs_learn_from_which_size_on_they_do_not_copy)
{
	const uint32_t owners[] = {0};
	struct iface list[] = {{.name = "card", .physical = true}, {.name = "veth"}};
	struct layout_options avoiding = options;

	list[0].features = (struct ethtool_features){
		.known = true, .uso = true, .scatter = true, .checksum_v4 = true};
	ifaces.list = calloc(2, sizeof(list[0]));
	memcpy(ifaces.list, list, sizeof(list));
	ifaces.count = 2;
	add_rule("239.1.1.1%veth:5000 -> 239.2.2.1%card:6000, 239.2.2.1%veth:6000, "
		 "[ff15::1%card]:6000, 192.0.2.1:6000");
	ck_assert_int_eq(build(1, owners, 1, &options), 0);
	ck_assert(!rule_table_zerocopy(&layout.tables[0]));
	layout_free(&layout);
	avoiding.zerocopy = OPT_AMOUNT_AUTO;
	ck_assert_int_eq(build(1, owners, 1, &avoiding), 0);
	ck_assert(rule_table_zerocopy(&layout.tables[0]));
	ck_assert_uint_eq(layout.tables[0].outputs[0].zerocopy_bytes, ZEROCOPY_AUTO_BYTES);
	for (int o = 1; o < 4; o++) {
		ck_assert_uint_eq(layout.tables[0].outputs[o].zerocopy_bytes, 0);
	}
}
END_TEST

START_TEST(large_mtu_without_coalescing_takes_a_larger_class)
{
	const uint32_t owners[] = {0};

	ifaces.list = calloc(1, sizeof(*ifaces.list));
	ifaces.count = 1;
	ifaces.list[0] = (struct iface){.name = "eth0", .ifindex = 7, .mtu = 9000};
	add_rule("239.1.1.1%eth0:5000 gro=off -> 239.2.2.1%eth0:6000");
	ck_assert_int_eq(build(1, owners, 1, &options), 0);
	ck_assert_uint_eq(layout.tables[0].flows[0].pool_class, POOL_JUMBO);
	ck_assert_uint_eq(layout.tables[0].flows[0].ifindex, 7);
	ck_assert_uint_eq(layout.tables[0].outputs[0].mtu, 9000);
}
END_TEST

START_TEST(own_senders_towards_a_listening_flow_are_known)
{
	const uint32_t owners[] = {0, 1};

	add_rule("239.1.1.1%eth0:5000 -> 239.2.2.2%eth1:6000");
	add_rule("239.2.2.2%eth2:6000 -> 239.3.3.3%eth3:7000");
	ck_assert_int_eq(build(2, owners, 1, &options), 0);
	ck_assert_uint_eq(layout.echo_count, 1);
	ck_assert_uint_eq(layout.echo_counts[1], 1);
	ck_assert_uint_eq(layout.echoes[0].shard, 1);
	ck_assert_uint_eq(layout.echoes[0].flow, 0);
	ck_assert_uint_eq(layout.echoes[0].from_shard, 0);
	ck_assert_uint_eq(layout.echoes[0].from_output, 0);
}
END_TEST

/* Of any address of an interface that is who may broadcast there. */
START_TEST(senders_towards_any_address_are_known)
{
	const uint32_t owners[] = {0, 0};

	add_rule("any%eth0:5000 -> 239.2.2.1%eth1:1");
	add_rule("239.1.1.1%eth1:5000 -> 10.0.0.255%eth0:5000, broadcast%eth0:5000, "
		 "10.0.0.254:5000, broadcast%eth1:5000, 239.1.1.1%eth0:5000, 10.0.0.255%eth0:5001");
	ck_assert_int_eq(build(1, owners, 1, &options), 0);
	ck_assert_uint_eq(layout.echo_count, 4); /* and one of our own group on the other side */
	for (uint32_t i = 0; i < 3; i++) {
		ck_assert_uint_eq(layout.echoes[i].flow, 0);
	}
	ck_assert_uint_eq(layout.echoes[3].flow, 1);
}
END_TEST

static Suite *layout_suite(void)
{
	Suite *suite = suite_create("layout");
	TCase *tcase = tcase_create("tables");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, shards_that_flows_can_use_are_counted);
	tcase_add_test(tcase, each_flow_stands_in_its_owners_table_only);
	tcase_add_test(tcase, spread_gives_each_output_to_exactly_one_shard);
	tcase_add_test(tcase, senders_towards_any_address_are_known);
	tcase_add_test(tcase, by_source_gives_each_owner_all_outputs_and_a_share_of_its_own);
	tcase_add_test(tcase, one_owner_has_no_share);
	tcase_add_test(tcase, owners_of_shares_count_a_part_of_the_weight);
	tcase_add_test(tcase, a_port_that_rules_have_together_is_not_divided);
	tcase_add_test(tcase, spread_beyond_the_outputs_is_refused);
	tcase_add_test(tcase, spread_of_a_unicast_ingress_is_refused);
	tcase_add_test(tcase, more_flows_than_a_shard_can_have_are_refused);
	tcase_add_test(tcase, coalescing_flows_use_train_slots_and_named_classes_are_obeyed);
	tcase_add_test(tcase, outputs_learn_from_which_size_on_they_do_not_copy);
	tcase_add_test(tcase, large_mtu_without_coalescing_takes_a_larger_class);
	tcase_add_test(tcase, own_senders_towards_a_listening_flow_are_known);
	suite_add_tcase(suite, tcase);
	return suite;
}

int main(void)
{
	SRunner *runner = srunner_create(layout_suite());
	int failed;

	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? 0 : 1;
}
