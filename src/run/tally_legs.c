/* tally_legs.c - see tally_legs.h. The names of members are those of the exit report. */
#include "src/run/tally_legs.h"

#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "shard/relay_merge.h"
#include "src/run/figures.h"
#include "src/run/report_merge.h"
#include "src/run/report_put.h"

static struct tally_legs *make(const struct merge_rule *rule);
static json_t *leg_row(const struct tally_legs *sums, uint32_t number);

int tally_legs_add(struct tally_legs **at, const struct ingress_flow *flow,
		   const struct flow_stats *stats)
{
	const struct merge *merge = flow->merge->merge;
	struct tally_legs *sums = *at ? *at : make(&merge->rule);
	struct tally_leg *leg;
	struct leg_stats counted;

	if (!sums) {
		return -ENOMEM;
	}
	*at = sums;
	leg = &sums->legs[flow->rule->leg];
	figures_copy(&counted, merge->legs[flow->rule->leg].stats, sizeof(counted));
	if (!leg->ingress[0]) {
		endpoint_format(&flow->rule->in.at, leg->ingress);
	}
	counters_add(&counter_families[COUNTERS_FLOW], &leg->flows, stats);
	counters_add(&counter_families[COUNTERS_FLOW_DROPS], &leg->flows, stats);
	counters_add(&counter_families[COUNTERS_LEG], &leg->stats, &counted);
	leg->silent = leg->silent || stat_get(&counted.silent) != 0;
	if (stat_get(&counted.skew_max_us) > stat_get(&leg->stats.skew_max_us)) {
		stat_set(&leg->stats.skew_max_us, stat_get(&counted.skew_max_us));
	}
	if (flow->rule->leg == 0) {
		counters_add(&counter_families[COUNTERS_MERGE], &sums->merges, merge->stats);
	}
	return 0;
}

json_t *tally_legs_show(const struct tally_legs *sums)
{
	json_t *object = report_family(&counter_families[COUNTERS_MERGE], &sums->merges);
	json_t *legs = json_array();

	for (uint32_t leg = 0; leg < MERGE_LEGS_MAX; leg++) {
		if (sums->legs[leg].ingress[0]) {
			report_stored(json_array_append_new(legs, leg_row(sums, leg)));
		}
	}
	report_put_text(object, "method", report_merge_method(&sums->rule));
	report_put(object, "legs", legs);
	return object;
}

/* Counters stand on cache lines of their own. NULL: out of memory. */
static struct tally_legs *make(const struct merge_rule *rule)
{
	struct tally_legs *sums = aligned_alloc(_Alignof(struct tally_legs), sizeof(*sums));

	if (sums) {
		memset(sums, 0, sizeof(*sums));
		sums->rule = *rule;
	}
	return sums;
}

static json_t *leg_row(const struct tally_legs *sums, uint32_t number)
{
	const struct tally_leg *leg = &sums->legs[number];
	static const enum flow_drop drops[] = {FLOW_DROP_DUPLICATE, FLOW_DROP_REPEATED,
					       FLOW_DROP_LATE, FLOW_DROP_UNMATCHED,
					       FLOW_DROP_UNSELECTED};
	json_t *row = report_family(&counter_families[COUNTERS_LEG], &leg->stats);

	report_merge_put_skew(row);
	(void)json_object_del(row, "skew_by_us");
	report_put_number(row, "leg", number);
	report_put_text(row, "ingress", leg->ingress);
	report_put_number(row, "received", stat_get(&leg->flows.received));
	report_put_number(row, "relayed", stat_get(&leg->flows.relayed));
	for (size_t d = 0; d < sizeof(drops) / sizeof(drops[0]); d++) {
		report_put_number(row, counter_families[COUNTERS_FLOW_DROPS].rows[drops[d]].name,
				  stat_get(&leg->flows.drops[drops[d]]));
	}
	report_stored(json_object_set_new(row, "silent", json_integer(leg->silent)));
	return row;
}
