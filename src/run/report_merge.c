/* report_merge.c - legs and merges in the report. See report_merge.h. */
#include "src/run/report_merge.h"

#include <jansson.h>
#include <string.h>

#include "shard/relay_merge.h"

static json_t *legs_entry(json_t *legs, const json_t *flow, const json_t *leg);
static void add_leg(json_t *entry, const json_t *leg);
static uint64_t percentile(const json_t *buckets, uint64_t percent);

void report_put_leg(const struct ingress_flow *flow, const struct report_want *want, json_t *row)
{
	const struct merge *merge = flow->merge->merge;
	json_t *object;

	if (report_wants(want, "leg")) {
		object = report_family(&counter_families[COUNTERS_LEG],
				       merge->legs[flow->rule->leg].stats);
		report_put_number(object, "leg", flow->rule->leg);
		report_merge_put_skew(object);
		report_put(row, "leg", object);
	}
	if (report_wants(want, "merge") && flow->rule->leg == 0) {
		object = report_family(&counter_families[COUNTERS_MERGE], merge->stats);
		report_put_text(object, "method", report_merge_method(&merge->rule));
		report_put(row, "merge", object);
	}
}

void report_put_merge(json_t *rule)
{
	const struct counter_family *family = &counter_families[COUNTERS_MERGE];
	json_t *sums = json_object(), *legs = json_array();
	json_t *flow, *leg;
	size_t i;

	json_array_foreach(json_object_get(rule, "flows"), i, flow)
	{
		const json_t *merge = json_object_get(flow, "merge");

		leg = json_object_get(flow, "leg");
		if (leg) {
			add_leg(legs_entry(legs, flow, leg), leg);
		}
		if (merge) {
			report_add_up(sums, family, merge);
			(void)json_object_set(sums, "method", json_object_get(merge, "method"));
		}
	}
	if (json_array_size(legs) == 0) {
		json_decref(sums);
		json_decref(legs);
		return;
	}
	json_array_foreach(legs, i, leg)
	{
		report_merge_put_skew(leg);
		(void)json_object_del(leg, "skew_by_us");
	}
	report_put(sums, "legs", legs);
	report_put(rule, "merge", sums);
}

const char *report_merge_method(const struct merge_rule *rule)
{
	if (rule->method == MERGE_FAILOVER) {
		return "failover";
	}
	if (rule->method == MERGE_BY_HASH) {
		return "hash";
	}
	return rule->sequence.rtp ? "rtp" : rule->sequence.mold ? "moldudp64" : "field";
}

void report_merge_put_skew(json_t *leg)
{
	const json_t *buckets = json_object_get(leg, "skew_by_us");
	json_t *skew = json_object();

	report_put_number(skew, "p50", percentile(buckets, 50));
	report_put_number(skew, "p99", percentile(buckets, 99));
	report_put(leg, "skew_us", skew);
}

/* The entry of the flow's leg, with what flows count added to it. */
static json_t *legs_entry(json_t *legs, const json_t *flow, const json_t *leg)
{
	size_t index = (size_t)report_get(leg, "leg");
	const json_t *drops = json_object_get(flow, "drops");
	json_t *entry;

	while (json_array_size(legs) <= index && json_array_append_new(legs, json_object()) == 0) {
		/* one more */
	}
	entry = json_array_get(legs, index);
	if (!json_object_get(entry, "ingress")) {
		(void)json_object_set(entry, "ingress", json_object_get(flow, "ingress"));
		(void)json_object_set_new(entry, "silent", json_integer(0));
	}
	if (report_get(leg, "silent") > 0) {
		(void)json_object_set_new(entry, "silent", json_integer(1));
	}
	report_add_up(entry, &counter_families[COUNTERS_FLOW], flow);
	report_add_up(entry, &counter_families[COUNTERS_FLOW_DROPS], drops);
	return entry;
}

/* What a leg has counted, to the sums of its like. */
static void add_leg(json_t *entry, const json_t *leg)
{
	const json_t *buckets = json_object_get(leg, "skew_by_us");
	json_t *sums = json_object_get(entry, "skew_by_us");

	report_add_up(entry, &counter_families[COUNTERS_LEG], leg);
	if (!sums) {
		report_put(entry, "skew_by_us", json_deep_copy(buckets));
		report_copy(entry, leg, "skew_max_us");
		return;
	}
	for (size_t b = 0; b < json_array_size(buckets); b++) {
		json_t *sum = json_array_get(sums, b);

		report_stored(json_integer_set(
			sum,
			json_integer_value(sum) + json_integer_value(json_array_get(buckets, b))));
	}
	if (report_get(leg, "skew_max_us") > report_get(entry, "skew_max_us")) {
		(void)json_object_set(entry, "skew_max_us", json_object_get(leg, "skew_max_us"));
	}
}

/* The most that the bucket holds in which `percent' of all are reached. */
static uint64_t percentile(const json_t *buckets, uint64_t percent)
{
	uint64_t all = 0, sum = 0;

	for (size_t b = 0; b < json_array_size(buckets); b++) {
		all += (uint64_t)json_integer_value(json_array_get(buckets, b));
	}
	for (size_t b = 0; b < json_array_size(buckets); b++) {
		sum += (uint64_t)json_integer_value(json_array_get(buckets, b));
		if (sum > 0 && sum * 100 >= all * percent) {
			return (1ULL << b) - 1;
		}
	}
	return 0;
}
