/* check_status.c - what a page reads is JSON, has each sum under its stable name, and says of each
 * rule whether it is live; a row names the losses that it has and no others. */
#include "src/run/status.h"

#include <check.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "src/base/clock.h"
#include "src/run/tally.h"
#include "tests/unit/run/supervisor_rig.h"

#define MANY 9007199254740993ULL /* 2^53 + 1: no double holds it */

static struct sup_rig rig;
static struct iface ifaces[] = {{.name = "eth0", .node_os = 1},
				{.name = "eth1", .node_os = TOPO_UNKNOWN}};
static struct pending_item waiting;

static void setup(void)
{
	sup_rig_open(&rig);
	rig.setup.ifaces = (struct iface_table){.list = ifaces, .count = 2};
	rig.sup.started_ns = clock_now_ns();
	rig.output_room[1].output.token = place_token(1, 0);
}

static void teardown(void)
{
	sup_rig_close(&rig);
}

static json_t *status(void)
{
	size_t len = 0;
	char *text;
	json_t *object;
	struct status status;
	struct tally tally;

	ck_assert_int_eq(tally_take(&rig.sup, &tally), 0);
	ck_assert_int_eq(status_begin(&status, &rig.sup, &tally), 0);
	while (!status_add(&status, &rig.sup, &tally, 1)) {
		continue;
	}
	text = status_take(&status, &len);
	tally_free(&tally);
	ck_assert_ptr_nonnull(text);
	ck_assert_uint_eq(len, strlen(text));
	object = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
	ck_assert_ptr_nonnull(object);
	free(text);
	return object;
}

static json_int_t number(const json_t *object, const char *key)
{
	const json_t *value = json_object_get(object, key);

	ck_assert_msg(json_is_integer(value), "%s is no integer", key);
	return json_integer_value(value);
}

static const char *text(const json_t *object, const char *key)
{
	const json_t *value = json_object_get(object, key);

	ck_assert_msg(json_is_string(value), "%s is no text", key);
	return json_string_value(value);
}

static json_t *row(const json_t *object, const char *key, size_t i)
{
	json_t *element = json_array_get(json_object_get(object, key), i);

	ck_assert_msg(json_is_object(element), "%s has no row %zu", key, i);
	return element;
}

/* Of `n' datagrams one was a loop, and one was dropped by output 1. */
static void count_run(uint64_t n)
{
	stat_set(&rig.flow_stats.received, n);
	stat_set(&rig.flow_stats.relayed, n - 1);
	stat_set(&rig.flow_stats.drops[FLOW_DROP_LOOP], 1);
	stat_set(&rig.flow_stats.kernel_drops, 7);
	for (int o = 0; o < SUP_RIG_OUTPUTS; o++) {
		stat_set(&rig.output_stats[o].offered, n - 1);
		stat_set(&rig.output_stats[o].sent, n - 1 - (uint64_t)o);
	}
	stat_set(&rig.output_stats[1].drops[OUTPUT_DROP_QDISC], 1);
}

static void has_sums(const json_t *sums, json_int_t received, json_int_t sent)
{
	ck_assert_int_eq(number(sums, "received"), received);
	ck_assert_int_eq(number(sums, "sent"), sent);
}

START_TEST(each_sum_stands_with_its_rule_its_shard_its_interface_and_the_total)
{
	json_t *object, *losses;

	count_run(MANY);
	object = status();
	ck_assert_int_eq(number(object, "version"), STATUS_VERSION);
	has_sums(json_object_get(object, "totals"), (json_int_t)MANY, 2 * (json_int_t)MANY - 3);
	has_sums(row(object, "rules", 0), (json_int_t)MANY, 2 * (json_int_t)MANY - 3);
	has_sums(row(object, "shards", 0), (json_int_t)MANY, 2 * (json_int_t)MANY - 3);
	has_sums(row(object, "interfaces", 0), (json_int_t)MANY, 0);
	has_sums(row(object, "interfaces", 1), 0, 2 * (json_int_t)MANY - 3);
	ck_assert_str_eq(text(row(object, "interfaces", 1), "interface"), "eth1");
	ck_assert(json_is_null(json_object_get(row(object, "interfaces", 1), "node")));
	ck_assert_uint_eq(json_array_size(json_object_get(object, "interfaces")), 2);
	losses = json_object_get(row(object, "rules", 0), "losses");
	ck_assert_uint_eq(json_object_size(losses), 3);
	ck_assert_int_eq(number(losses, "kernel_drops"), 7);
	ck_assert_int_eq(number(losses, "loop"), 1);
	ck_assert_int_eq(number(losses, "qdisc"), 1);
	json_decref(object);
}
END_TEST

START_TEST(what_has_gone_is_in_the_totals_and_in_no_rule)
{
	struct flow_stats gone = {0};
	json_t *object;

	stat_set(&gone.received, 40);
	report_keep_flow(&rig.sup.gone, &gone);
	stat_set(&rig.flow_stats.received, 2);
	object = status();
	ck_assert_int_eq(number(json_object_get(object, "totals"), "received"), 42);
	ck_assert_int_eq(number(row(object, "rules", 0), "received"), 2);
	json_decref(object);
}
END_TEST

START_TEST(a_flow_without_a_named_interface_has_a_row_of_its_own)
{
	json_t *object;

	rig.setup.ifaces.count = 1; /* the outputs' is not among them */
	object = status();
	ck_assert_uint_eq(json_array_size(json_object_get(object, "interfaces")), 2);
	ck_assert(json_is_null(json_object_get(row(object, "interfaces", 1), "interface")));
	ck_assert_int_eq(number(row(object, "interfaces", 1), "outputs"), SUP_RIG_OUTPUTS);
	json_decref(object);
}
END_TEST

/* Makes the flow or an output of the rig wait. */
static void wait_for(bool output)
{
	waiting = (struct pending_item){.is_output = output, .why = {"eth9 is not there"}};
	rig.sup.links.pending.items = &waiting;
	rig.sup.links.pending.count = 1;
}

START_TEST(a_rule_is_live_degraded_or_pending_and_says_why)
{
	json_t *object = status();

	ck_assert_str_eq(text(row(object, "rules", 0), "state"), "live");
	ck_assert(json_is_null(json_object_get(row(object, "rules", 0), "reason")));
	json_decref(object);
	wait_for(true);
	object = status();
	ck_assert_str_eq(text(row(object, "rules", 0), "state"), "degraded");
	ck_assert_str_eq(text(row(object, "rules", 0), "reason"), "eth9 is not there");
	json_decref(object);
	wait_for(false);
	object = status();
	ck_assert_str_eq(text(row(object, "rules", 0), "state"), "pending");
	ck_assert_int_eq(number(row(object, "rules", 0), "pending"), 1);
	json_decref(object);
}
END_TEST

START_TEST(a_rule_whose_link_is_down_is_degraded)
{
	static struct ifwatch_link link = {.ifindex = 7, .running = false};
	json_t *object;

	rig.sup.links.watch.table = (struct ifwatch_table){.links = &link, .count = 1};
	rig.outputs[1].ifindex = 7;
	object = status();
	ck_assert_str_eq(text(row(object, "rules", 0), "state"), "degraded");
	ck_assert_str_eq(text(row(object, "rules", 0), "reason"),
			 "the link of its interface is down");
	ck_assert_int_eq(number(row(object, "rules", 0), "degraded"), 1);
	ck_assert_int_eq(number(row(object, "rules", 0), "pending"), 0);
	json_decref(object);
}
END_TEST

START_TEST(a_rule_says_on_which_shards_it_is)
{
	json_t *object = status();
	json_t *shards = json_object_get(row(object, "rules", 0), "shards");

	ck_assert_uint_eq(json_array_size(shards), 1);
	ck_assert_int_eq(json_integer_value(json_array_get(shards, 0)), 0);
	json_decref(object);
}
END_TEST

START_TEST(a_name_with_any_bytes_is_still_json)
{
	json_t *object;

	snprintf(rig.opt.conf.rules[0].name, CONF_NAME_MAX, "</script>\"\\\n\x01\xff");
	object = status();
	ck_assert_str_eq(text(row(object, "rules", 0), "rule"), "</script>\"\\\n\x01?");
	json_decref(object);
}
END_TEST

START_TEST(a_long_rule_is_cut_off_between_characters)
{
	struct conf_rule *rule = &rig.opt.conf.rules[0];
	char *kept = rule->text;
	char longer[2000] = "x"; /* then characters of two bytes, so that one lies across the end */
	json_t *object;
	size_t len;

	for (size_t i = 1; i + 2 < sizeof(longer); i += 2) {
		memcpy(&longer[i], "\xc3\xa9", 3);
	}
	rule->text = longer;
	object = status();
	rule->text = kept;
	len = strlen(text(row(object, "rules", 0), "text"));
	ck_assert_uint_eq(len, 399 + strlen("..."));
	ck_assert_ptr_null(strchr(text(row(object, "rules", 0), "text"), '?'));
	json_decref(object);
}
END_TEST

START_TEST(a_pool_has_its_levels_and_a_class_without_slots_no_row)
{
	json_t *object, *pool;

	rig.shard.pool.classes[POOL_SMALL].count = 10;
	stat_set(&rig.stats.pool[POOL_SMALL].free, 7);
	stat_set(&rig.stats.pool[POOL_SMALL].held, 3);
	stat_set(&rig.stats.batches.sends[2], 5);
	object = status();
	pool = json_object_get(row(object, "shards", 0), "pool");
	ck_assert_uint_eq(json_object_size(pool), 1);
	ck_assert_int_eq(number(json_object_get(pool, "small"), "slots"), 10);
	ck_assert_int_eq(number(json_object_get(pool, "small"), "free"), 7);
	ck_assert_int_eq(
		json_integer_value(json_array_get(
			json_object_get(json_object_get(row(object, "shards", 0), "batches"),
					"sends_per_turn"),
			2)),
		5);
	ck_assert(json_is_null(json_object_get(row(object, "shards", 0), "cpu_s")));
	json_decref(object);
}
END_TEST

START_TEST(a_rule_that_merges_has_its_legs)
{
	json_t *object, *merge, *leg;

	count_run(10);
	object = status();
	ck_assert_ptr_null(json_object_get(row(object, "rules", 0), "merge"));
	json_decref(object);
	sup_rig_merge(&rig);
	stat_set(&rig.merge_stats.relayed, 9);
	stat_set(&rig.merge_stats.lost_all, 3);
	stat_set(&rig.leg_stats.lost, 5);
	stat_set(&rig.leg_stats.silent, 1);
	stat_set(&rig.leg_stats.skew_max_us, 700);
	stat_set(&rig.leg_stats.skew[4], 1);
	stat_set(&rig.flow_stats.drops[FLOW_DROP_DUPLICATE], 6);
	object = status();
	merge = json_object_get(row(object, "rules", 0), "merge");
	ck_assert_str_eq(text(merge, "method"), "hash");
	ck_assert_int_eq(number(merge, "relayed"), 9);
	ck_assert_int_eq(number(merge, "lost_all"), 3);
	ck_assert_uint_eq(json_array_size(json_object_get(merge, "legs")), 1);
	leg = row(merge, "legs", 0);
	ck_assert_str_eq(text(leg, "ingress"), "239.1.1.1%eth0:5000");
	ck_assert_int_eq(number(leg, "leg"), 0);
	ck_assert_int_eq(number(leg, "received"), 10);
	ck_assert_int_eq(number(leg, "duplicate"), 6);
	ck_assert_int_eq(number(leg, "lost"), 5);
	ck_assert_int_eq(number(leg, "silent"), 1);
	ck_assert_int_eq(number(leg, "skew_max_us"), 700);
	ck_assert_int_eq(number(json_object_get(leg, "skew_us"), "p50"), 15);
	ck_assert_ptr_null(json_object_get(leg, "skew_by_us"));
	json_decref(object);
}
END_TEST

START_TEST(each_cause_of_loss_is_counted_once_and_has_a_name_of_its_own)
{
	struct tally_row sums = {0};

	stat_set(&sums.sums.flows.kernel_drops, 1);
	for (uint32_t i = 0; i < FLOW_DROP_COUNT; i++) {
		stat_set(&sums.sums.flows.drops[i], 1);
	}
	for (uint32_t i = 0; i < OUTPUT_DROP_COUNT; i++) {
		stat_set(&sums.sums.outputs.drops[i], 1);
	}
	for (uint32_t i = 0; i < TALLY_LOSSES; i++) {
		bool copy = i > FLOW_DROP_COUNT ? output_drop_is_standby(i - 1 - FLOW_DROP_COUNT)
						: i > 0 && flow_drop_is_copy(i - 1);

		ck_assert_uint_eq(tally_loss(&sums, i), copy ? 0 : 1);
		for (uint32_t other = 0; other < i; other++) {
			ck_assert_str_ne(tally_loss_name(i), tally_loss_name(other));
		}
	}
	ck_assert_uint_eq(tally_lost(&sums), TALLY_LOSSES - 5); /* copies are no losses */
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("status");
	TCase *tc = tcase_create("status");
	SRunner *runner;
	int failed;

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, each_sum_stands_with_its_rule_its_shard_its_interface_and_the_total);
	tcase_add_test(tc, what_has_gone_is_in_the_totals_and_in_no_rule);
	tcase_add_test(tc, a_flow_without_a_named_interface_has_a_row_of_its_own);
	tcase_add_test(tc, a_rule_is_live_degraded_or_pending_and_says_why);
	tcase_add_test(tc, a_rule_whose_link_is_down_is_degraded);
	tcase_add_test(tc, a_rule_says_on_which_shards_it_is);
	tcase_add_test(tc, a_name_with_any_bytes_is_still_json);
	tcase_add_test(tc, a_long_rule_is_cut_off_between_characters);
	tcase_add_test(tc, a_pool_has_its_levels_and_a_class_without_slots_no_row);
	tcase_add_test(tc, a_rule_that_merges_has_its_legs);
	tcase_add_test(tc, each_cause_of_loss_is_counted_once_and_has_a_name_of_its_own);
	suite_add_tcase(suite, tc);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
