/* report.c - all counters as one JSON object, by jansson; see report.h for what must add up.
 *
 * The counters come from their tables (shard/counters.h, recheck.h), so a new one is in the report
 * by itself (report_rows.h); what is written here is the tree of rows, which sums are formed
 * over flows, outputs and rules, and the identities. Sums and identities are computed from the
 * numbers that stand in the report. Control thread.
 */
#include "src/run/report.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "shard/counters.h"
#include "shard/relay_merge.h"
#include "src/base/clock.h"
#include "src/base/json_reserve.h"
#include "src/rules/index.h"
#include "src/run/refusals.h"
#include "src/run/report_merge.h"
#include "src/run/report_rows.h"
#include "src/run/supervisor.h"

/* Sums over everything in the report so far, each with the members of its family. */
struct totals {
	const struct supervisor *sup; /* for whether something is pending */
	struct report_want want;      /* everything */
	json_t *flow, *flow_drops;
	json_t *output, *output_drops;
	bool consistent, short_of_memory;
};

static json_t *shard_object(const struct worker *w, struct totals *totals);
static json_t *pool_object(const struct shard *shard, struct totals *totals);
static bool pool_agrees(const json_t *cls);
static json_t *rules_array(const struct supervisor *sup, struct totals *totals);
static json_t *rule_object(const struct conf_rule *rule);
static json_t *flows_of(const struct conf_flow *known, json_t *rules);
static void add_worker_flows(const struct worker *w, const struct conf_index *index, json_t *rules,
			     struct totals *totals);
static json_t *flow_object(const struct worker *w, const struct ingress_flow *flow,
			   struct totals *totals);
static json_t *output_object(const struct report_spot *spot, struct totals *totals);
static json_t *add_gone(const struct report_gone *stats, struct totals *totals);
static void finish_rule(json_t *rule);
static json_t *totals_object(const struct totals *totals);

void report_keep_flow(struct report_gone *gone, const struct flow_stats *stats)
{
	counters_add(&counter_families[COUNTERS_FLOW], &gone->flows, stats);
	counters_add(&counter_families[COUNTERS_FLOW_DROPS], &gone->flows, stats);
}

void report_keep_output(struct report_gone *gone, const struct output_stats *stats)
{
	for (int f = COUNTERS_OUTPUT; f <= COUNTERS_OUTPUT_LATENCY; f++) {
		counters_add(&counter_families[f], &gone->outputs, stats);
	}
}

double report_uptime_s(const struct supervisor *sup)
{
	return (double)(clock_now_ns() - sup->started_ns) / NS_PER_S;
}

json_t *report_build(const struct supervisor *sup)
{
	struct totals totals = {
		.sup = sup,
		.flow = json_object(),
		.flow_drops = json_object(),
		.output = json_object(),
		.output_drops = json_object(),
		.consistent = true,
	};
	json_t *report = json_object(), *shards = json_array();

	json_reserve_begin();
	report_want(NULL, &totals.want);
	report_put(report, "gone", add_gone(&sup->gone, &totals));
	report_put_text(report, "version", PACKAGE_VERSION);
	report_put(report, "uptime_s", json_real(report_uptime_s(sup)));
	report_put_text(report, "engine", ring_engine_name(sup->setup->engine));
	report_put_number(report, "latency_sample", sup->setup->opt->latency_sample);
	report_put_number(report, "refused_calls", refusals_sum());
	for (uint32_t s = 0; s < sup->worker_count; s++) {
		json_array_append_new(shards, shard_object(&sup->workers[s], &totals));
	}
	report_put(report, "shards", shards);
	report_put(report, "rules", rules_array(sup, &totals));
	report_put(report, "totals", totals_object(&totals));
	report_put(report, "consistent", json_boolean(totals.consistent));
	json_decref(totals.flow);
	json_decref(totals.flow_drops);
	json_decref(totals.output);
	json_decref(totals.output_drops);
	if (totals.short_of_memory || json_reserve_was_short()) {
		json_decref(report);
		report = NULL;
	}
	return report;
}

static json_t *shard_object(const struct worker *w, struct totals *totals)
{
	json_t *shard = json_object();

	report_put_shard(w, &totals->want, shard);
	report_put(shard, "pool", pool_object(w->shard, totals));
	return shard;
}

static json_t *pool_object(const struct shard *shard, struct totals *totals)
{
	json_t *pool = json_object();

	for (unsigned c = 0; c < POOL_CLASS_COUNT; c++) {
		json_t *object = json_object();

		report_put_pool(shard, c, &totals->want, object);
		totals->consistent = totals->consistent && pool_agrees(object);
		report_put(pool, pool_class_name((enum pool_class)c), object);
	}
	return pool;
}

/* Each slot is in one place, each that was taken and not returned too, and none has leaked. */
static bool pool_agrees(const json_t *cls)
{
	uint64_t out = report_get(cls, "in_ring") + report_get(cls, "held");

	return report_get(cls, "free") + out == report_get(cls, "slots") &&
	       report_get(cls, "taken") == report_get(cls, "returned") + out &&
	       report_get(cls, "leaked") == 0;
}

static json_t *rules_array(const struct supervisor *sup, struct totals *totals)
{
	const struct conf *conf = &sup->setup->opt->conf;
	json_t *rules = json_array();
	struct conf_index index;
	json_t *rule;
	size_t i;

	for (uint32_t r = 0; r < conf->rule_count; r++) {
		rule = rule_object(&conf->rules[r]);
		report_put_duty(sup, conf->rules[r].name, &totals->want, rule);
		json_array_append_new(rules, rule);
	}
	if (conf_index_build(conf, &index) < 0) {
		totals->short_of_memory = true;
		return rules;
	}
	for (uint32_t s = 0; s < sup->worker_count; s++) {
		add_worker_flows(&sup->workers[s], &index, rules, totals);
	}
	conf_index_free(&index);
	json_array_foreach(rules, i, rule)
	{
		finish_rule(rule);
	}
	return rules;
}

static json_t *rule_object(const struct conf_rule *rule)
{
	json_t *object = json_object();

	report_put_text(object, "rule", rule->name);
	report_put_text(object, "text", rule->text);
	report_put_text(object, "where", rule->where);
	report_put(object, "flows", json_array());
	return object;
}

/* Each flow under its rule, which is found by what the flow is. */
static void add_worker_flows(const struct worker *w, const struct conf_index *index, json_t *rules,
			     struct totals *totals)
{
	for (uint32_t i = 0; i < w->shard->relay.place_count; i++) {
		const struct ingress_flow *flow = &shard_flow(w->shard, i)->flow;
		const struct conf_flow *known;

		if (!flow->rule) {
			continue;
		}
		known = conf_index_find(index, &flow->rule->in);
		json_array_append_new(flows_of(known, rules), flow_object(w, flow, totals));
	}
}

/* A change that was broken off may leave a flow that no rule has: it stands under one of its own,
 * behind the others. */
static json_t *flows_of(const struct conf_flow *known, json_t *rules)
{
	static char nothing[] = "";
	static const struct conf_rule leaving = {
		.text = nothing, .where = nothing, .name = "(being removed)"};
	size_t last = json_array_size(rules);
	const char *name;

	if (known) {
		return json_object_get(json_array_get(rules, known->rule), "flows");
	}
	name = json_string_value(json_object_get(json_array_get(rules, last - 1), "rule"));
	if (!name || strcmp(name, leaving.name) != 0) {
		json_array_append_new(rules, rule_object(&leaving));
		last++;
	}
	return json_object_get(json_array_get(rules, last - 1), "flows");
}

/* Of a flow on one shard. */
static json_t *flow_object(const struct worker *w, const struct ingress_flow *flow,
			   struct totals *totals)
{
	json_t *object = json_object(), *outputs = json_array();
	const json_t *drops;

	report_put_flow(totals->sup, w, flow, &totals->want, object);
	drops = json_object_get(object, "drops");
	for (uint32_t o = flow->first_output; o != PLACE_NONE;) {
		const struct report_spot spot = {w, flow, shard_output(w->shard, o)};
		json_t *output = output_object(&spot, totals);

		/* One that came later has been offered what was relayed since. */
		totals->consistent =
			totals->consistent &&
			report_get(output, "offered") + report_get(output, "relayed_before") ==
				(flow->merge ? relay_offered(flow)
					     : report_get(object, "relayed") +
						       report_get(object, "relayed_others"));
		json_array_append_new(outputs, output);
		o = spot.place->output.sibling;
	}
	report_put(object, "outputs", outputs);
	report_add_up(totals->flow, &counter_families[COUNTERS_FLOW], object);
	report_add_up(totals->flow_drops, &counter_families[COUNTERS_FLOW_DROPS], drops);
	totals->consistent = totals->consistent &&
			     report_get(object, "received") == report_get(object, "relayed") +
								       report_sum(drops) +
								       relay_held(flow);
	return object;
}

static json_t *output_object(const struct report_spot *spot, struct totals *totals)
{
	json_t *output = json_object();
	const json_t *drops;

	report_put_output(totals->sup, spot, &totals->want, output);
	drops = json_object_get(output, "drops");
	report_add_up(totals->output, &counter_families[COUNTERS_OUTPUT], output);
	report_add_up(totals->output_drops, &counter_families[COUNTERS_OUTPUT_DROPS], drops);
	totals->consistent =
		totals->consistent &&
		report_get(output, "offered") == report_get(output, "sent") + report_sum(drops);
	return output;
}

/* Adds up the rule's flows. */
static void finish_rule(json_t *rule)
{
	json_t *drops = json_object();
	size_t i;
	json_t *flow;

	report_add_up(rule, &counter_families[COUNTERS_FLOW], NULL);
	report_add_up(drops, &counter_families[COUNTERS_FLOW_DROPS], NULL);
	json_array_foreach(json_object_get(rule, "flows"), i, flow)
	{
		report_add_up(rule, &counter_families[COUNTERS_FLOW], flow);
		report_add_up(drops, &counter_families[COUNTERS_FLOW_DROPS],
			      json_object_get(flow, "drops"));
	}
	report_put(rule, "drops", drops);
	report_put_merge(rule);
}

/* The sums begin with those, so that each member is there; gives them as they are, too. */
static json_t *add_gone(const struct report_gone *stats, struct totals *totals)
{
	json_t *flows = report_family(&counter_families[COUNTERS_FLOW], &stats->flows);
	json_t *flow_drops = report_family(&counter_families[COUNTERS_FLOW_DROPS], &stats->flows);
	json_t *outputs = report_family(&counter_families[COUNTERS_OUTPUT], &stats->outputs);
	json_t *output_drops =
		report_family(&counter_families[COUNTERS_OUTPUT_DROPS], &stats->outputs);
	json_t *gone = json_object();

	report_add_up(totals->flow, &counter_families[COUNTERS_FLOW], flows);
	report_add_up(totals->flow_drops, &counter_families[COUNTERS_FLOW_DROPS], flow_drops);
	report_add_up(totals->output, &counter_families[COUNTERS_OUTPUT], outputs);
	report_add_up(totals->output_drops, &counter_families[COUNTERS_OUTPUT_DROPS], output_drops);
	totals->consistent = totals->consistent &&
			     report_get(flows, "received") ==
				     report_get(flows, "relayed") + report_sum(flow_drops) &&
			     report_get(outputs, "offered") ==
				     report_get(outputs, "sent") + report_sum(output_drops);
	report_put(flows, "drops", flow_drops);
	report_put(outputs, "drops", output_drops);
	report_put(gone, "flows", flows);
	report_put(gone, "outputs", outputs);
	return gone;
}

static json_t *totals_object(const struct totals *totals)
{
	json_t *object = json_object(), *drops = json_object();
	const char *name;
	json_t *count;

	report_copy(object, totals->flow, "received");
	report_copy(object, totals->flow, "relayed");
	report_copy(object, totals->output, "offered");
	report_copy(object, totals->output, "sent");
	report_copy(object, totals->flow, "kernel_drops");
	json_object_foreach(totals->flow_drops, name, count)
	{
		report_copy(drops, totals->flow_drops, name);
	}
	json_object_foreach(totals->output_drops, name, count)
	{
		report_copy(drops, totals->output_drops, name); /* no name stands in both */
	}
	report_put(object, "drops", drops);
	return object;
}
