/* report.c - all counters as one JSON object, by jansson; see report.h for what must add up.
 *
 * The counters come from their tables (shard/counters.h, recheck.h), so a new one is in the report
 * by itself; what is written here is where each family stands, which sums are formed over flows,
 * outputs and rules, and the identities. Sums and identities are computed from the numbers that
 * stand in the report. Control thread.
 */
#include "src/run/report.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "shard/counters.h"
#include "src/base/clock.h"
#include "src/base/must.h"
#include "src/rules/index.h"
#include "src/run/spread.h"
#include "src/run/supervisor.h"

/* Sums over everything in the report so far, each with the members of its family. */
struct totals {
	const struct supervisor *sup; /* for whether something is pending */
	json_t *flow, *flow_drops;
	json_t *output, *output_drops;
	bool consistent;
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
static void put_share(const struct supervisor *sup, const struct ingress_flow *flow,
		      json_t *object);
static json_t *output_object(const struct worker *w, const struct output_place *place,
			     struct totals *totals);
static json_t *add_gone(const struct report_gone *stats, struct totals *totals);
static void finish_rule(json_t *rule);
static json_t *totals_object(const struct totals *totals);
static json_t *family_object(const struct counter_family *family, const void *stats);
static json_t *counter_value(const struct counter *row, const void *stats);
static void put_family(json_t *object, const struct counter_family *family, const void *stats);
static void add_up(json_t *sums, const struct counter_family *family, const json_t *from);
static uint64_t sum_of_all(const json_t *object);
static void copy(json_t *to, const json_t *from, const char *key);
static uint64_t get(const json_t *object, const char *key);
static void put(json_t *object, const char *key, json_t *value);
static void put_state(json_t *object, const char *why);
static void put_number(json_t *object, const char *key, uint64_t value);
static void put_text(json_t *object, const char *key, const char *text);

void report_keep_flow(struct report_gone *gone, const struct flow_stats *stats)
{
	counters_add(&counter_families[COUNTERS_FLOW], &gone->flows, stats);
	counters_add(&counter_families[COUNTERS_FLOW_DROPS], &gone->flows, stats);
}

void report_keep_output(struct report_gone *gone, const struct output_stats *stats)
{
	counters_add(&counter_families[COUNTERS_OUTPUT], &gone->outputs, stats);
	counters_add(&counter_families[COUNTERS_OUTPUT_ZEROCOPY], &gone->outputs, stats);
	counters_add(&counter_families[COUNTERS_OUTPUT_DROPS], &gone->outputs, stats);
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

	put(report, "gone", add_gone(&sup->gone, &totals));
	put_text(report, "version", PACKAGE_VERSION);
	put(report, "uptime_s", json_real((double)(clock_now_ns() - sup->started_ns) / NS_PER_S));
	put_text(report, "engine", ring_engine_name(sup->setup->engine));
	for (uint32_t s = 0; s < sup->worker_count; s++) {
		json_array_append_new(shards, shard_object(&sup->workers[s], &totals));
	}
	put(report, "shards", shards);
	put(report, "rules", rules_array(sup, &totals));
	put(report, "totals", totals_object(&totals));
	put(report, "consistent", json_boolean(totals.consistent));
	json_decref(totals.flow);
	json_decref(totals.flow_drops);
	json_decref(totals.output);
	json_decref(totals.output_drops);
	return report;
}

json_t *report_text(const char *text)
{
	json_t *string = json_string(text);

	if (!string) {
		char *shown = strdup(text);

		must(shown);
		for (char *at = shown; *at; at++) {
			*at = (signed char)*at < 0 ? '?' : *at;
		}
		string = json_string(shown);
		free(shown);
	}
	return string;
}

static json_t *shard_object(const struct worker *w, struct totals *totals)
{
	const struct shard_stats *stats = w->shard->stats;
	json_t *shard = json_object();

	put_number(shard, "shard", w->index);
	put(shard, "cpu", json_integer(w->cpu_os));
	put(shard, "node", json_integer(w->node_os));
	put(shard, "thread", json_integer(w->tid));
	put_number(shard, "arena_bytes", w->arena.len_bytes);
	put_text(shard, "page_size", arena_huge_name(w->mem.got));
	put(shard, "huge_degraded", json_boolean(w->mem.degraded));
	put(shard, "verified", json_boolean(w->mem.verified));
	put_number(shard, "pages", w->mem.pages);
	put_number(shard, "pages_misplaced", w->mem.pages_misplaced);
	put(shard, "placement", family_object(&recheck_counters, &w->placement));
	put_text(shard, "ring_features", w->shard->features.text);
	put(shard, "pool", pool_object(w->shard, totals));
	put(shard, "ring", family_object(&counter_families[COUNTERS_RING], &stats->ring));
	put(shard, "batches", family_object(&counter_families[COUNTERS_BATCHES], &stats->batches));
	return shard;
}

static json_t *pool_object(const struct shard *shard, struct totals *totals)
{
	json_t *pool = json_object();

	for (unsigned c = 0; c < POOL_CLASS_COUNT; c++) {
		const struct pool_class_state *cls = &shard->pool.classes[c];
		json_t *object = json_object();

		put_number(object, "slots", cls->count);
		put_number(object, "payload_bytes", cls->payload_bytes);
		put_family(object, &counter_families[COUNTERS_POOL], &shard->stats->pool[c]);
		put(pool, pool_class_name((enum pool_class)c), object);
		totals->consistent = totals->consistent && pool_agrees(object);
	}
	return pool;
}

/* Each slot is in one place, each that was taken and not returned too, and none has leaked. */
static bool pool_agrees(const json_t *cls)
{
	uint64_t out = get(cls, "in_ring") + get(cls, "held");

	return get(cls, "free") + out == get(cls, "slots") &&
	       get(cls, "taken") == get(cls, "returned") + out && get(cls, "leaked") == 0;
}

static json_t *rules_array(const struct supervisor *sup, struct totals *totals)
{
	const struct conf *conf = &sup->setup->opt->conf;
	json_t *rules = json_array();
	struct conf_index index;
	json_t *rule;
	size_t i;

	for (uint32_t r = 0; r < conf->rule_count; r++) {
		json_array_append_new(rules, rule_object(&conf->rules[r]));
	}
	must(conf_index_build(conf, &index) == 0);
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

	put_text(object, "rule", rule->name);
	put_text(object, "text", rule->text);
	put_text(object, "where", rule->where);
	put(object, "flows", json_array());
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

	if (known) {
		return json_object_get(json_array_get(rules, known->rule), "flows");
	}
	if (last == 0 ||
	    strcmp(json_string_value(json_object_get(json_array_get(rules, last - 1), "rule")),
		   leaving.name) != 0) {
		json_array_append_new(rules, rule_object(&leaving));
		last++;
	}
	return json_object_get(json_array_get(rules, last - 1), "flows");
}

/* Of a flow on one shard. */
static json_t *flow_object(const struct worker *w, const struct ingress_flow *flow,
			   struct totals *totals)
{
	const struct flow_stats *stats = flow->stats;
	const struct counter_family *family = &counter_families[COUNTERS_FLOW];
	const struct counter_family *drop_family = &counter_families[COUNTERS_FLOW_DROPS];
	json_t *object = json_object(), *outputs = json_array();
	json_t *drops = family_object(drop_family, stats);
	const struct rule_ingress *in = &flow->rule->in;
	char text[ENDPOINT_TEXT_MAX];
	char source[RULE_SOURCE_TEXT_MAX];

	put_text(object, "ingress", endpoint_format(&in->at, text));
	put(object, "source",
	    in->source.family ? json_string(rule_format_source(in, source)) : json_null());
	put_number(object, "shard", w->index);
	put_state(object,
		  pending_why(&totals->sup->links.pending, w, place_index(flow->token), false));
	put_family(object, family, stats);
	if (share_is_part(&flow->rule->share)) {
		put_share(totals->sup, flow, object);
	}
	put(object, "drops", drops);
	for (uint32_t o = flow->first_output; o != PLACE_NONE;) {
		const struct output_place *place = shard_output(w->shard, o);
		json_t *output = output_object(w, place, totals);

		/* One that came later has been offered what was relayed since. */
		totals->consistent = totals->consistent &&
				     get(output, "offered") + place->output.relayed_before ==
					     get(object, "relayed");
		put_number(output, "relayed_before", place->output.relayed_before);
		json_array_append_new(outputs, output);
		o = place->output.sibling;
	}
	put(object, "outputs", outputs);
	add_up(totals->flow, family, object);
	add_up(totals->flow_drops, drop_family, drops);
	totals->consistent = totals->consistent &&
			     get(object, "received") == get(object, "relayed") + sum_of_all(drops);
	return object;
}

/* What a shard takes of a divided flow, and what is known of its filter's refusals (spread.h). */
static void put_share(const struct supervisor *sup, const struct ingress_flow *flow, json_t *object)
{
	const struct share *share = &flow->rule->share;
	json_t *part = json_object();
	struct spread_account account;

	put_text(part, "by", share_by_name((enum share_by)share->by));
	put_number(part, "share", share->index);
	put_number(part, "shares", share->count);
	if (share_is_filtered(share, &flow->rule->in.at.addr)) {
		spread_account(sup, flow, &account);
		put_number(part, "pieces", account.pieces);
		put_number(part, "outside", account.outside);
		must(json_integer_set(json_object_get(object, "kernel_drops"),
				      (json_int_t)account.kernel_drops) == 0);
		must(json_integer_set(json_object_get(object, "not_mine"),
				      (json_int_t)account.not_mine) == 0);
	}
	put(object, "spread", part);
}

static json_t *output_object(const struct worker *w, const struct output_place *place,
			     struct totals *totals)
{
	const struct output_stats *stats = place->output.stats;
	const struct counter_family *family = &counter_families[COUNTERS_OUTPUT];
	const struct counter_family *drop_family = &counter_families[COUNTERS_OUTPUT_DROPS];
	json_t *drops = family_object(drop_family, stats);
	json_t *output = json_object();
	char text[ENDPOINT_TEXT_MAX];

	put_text(output, "to", endpoint_format(&place->output.rule->out.to, text));
	put_text(output, "from", addr_format(&place->got.local, text));
	put_state(output, pending_why(&totals->sup->links.pending, w,
				      place_index(place->output.token), true));
	put_family(output, family, stats);
	put(output, "zerocopy", family_object(&counter_families[COUNTERS_OUTPUT_ZEROCOPY], stats));
	put(output, "drops", drops);
	add_up(totals->output, family, output);
	add_up(totals->output_drops, drop_family, drops);
	totals->consistent = totals->consistent &&
			     get(output, "offered") == get(output, "sent") + sum_of_all(drops);
	return output;
}

/* Adds up the rule's flows. */
static void finish_rule(json_t *rule)
{
	json_t *drops = json_object();
	size_t i;
	json_t *flow;

	add_up(rule, &counter_families[COUNTERS_FLOW], NULL);
	add_up(drops, &counter_families[COUNTERS_FLOW_DROPS], NULL);
	json_array_foreach(json_object_get(rule, "flows"), i, flow)
	{
		add_up(rule, &counter_families[COUNTERS_FLOW], flow);
		add_up(drops, &counter_families[COUNTERS_FLOW_DROPS],
		       json_object_get(flow, "drops"));
	}
	put(rule, "drops", drops);
}

/* The sums begin with those, so that each member is there; gives them as they are, too. */
static json_t *add_gone(const struct report_gone *stats, struct totals *totals)
{
	json_t *flows = family_object(&counter_families[COUNTERS_FLOW], &stats->flows);
	json_t *flow_drops = family_object(&counter_families[COUNTERS_FLOW_DROPS], &stats->flows);
	json_t *outputs = family_object(&counter_families[COUNTERS_OUTPUT], &stats->outputs);
	json_t *output_drops =
		family_object(&counter_families[COUNTERS_OUTPUT_DROPS], &stats->outputs);
	json_t *gone = json_object();

	add_up(totals->flow, &counter_families[COUNTERS_FLOW], flows);
	add_up(totals->flow_drops, &counter_families[COUNTERS_FLOW_DROPS], flow_drops);
	add_up(totals->output, &counter_families[COUNTERS_OUTPUT], outputs);
	add_up(totals->output_drops, &counter_families[COUNTERS_OUTPUT_DROPS], output_drops);
	totals->consistent =
		totals->consistent &&
		get(flows, "received") == get(flows, "relayed") + sum_of_all(flow_drops) &&
		get(outputs, "offered") == get(outputs, "sent") + sum_of_all(output_drops);
	put(flows, "drops", flow_drops);
	put(outputs, "drops", output_drops);
	put(gone, "flows", flows);
	put(gone, "outputs", outputs);
	return gone;
}

static json_t *totals_object(const struct totals *totals)
{
	json_t *object = json_object(), *drops = json_object();
	const char *name;
	json_t *count;

	copy(object, totals->flow, "received");
	copy(object, totals->flow, "relayed");
	copy(object, totals->output, "offered");
	copy(object, totals->output, "sent");
	copy(object, totals->flow, "kernel_drops");
	json_object_foreach(totals->flow_drops, name, count)
	{
		copy(drops, totals->flow_drops, name);
	}
	json_object_foreach(totals->output_drops, name, count)
	{
		copy(drops, totals->output_drops, name); /* no name stands in both */
	}
	put(object, "drops", drops);
	return object;
}

static json_t *family_object(const struct counter_family *family, const void *stats)
{
	json_t *object = json_object();

	put_family(object, family, stats);
	return object;
}

static void put_family(json_t *object, const struct counter_family *family, const void *stats)
{
	for (uint32_t i = 0; i < family->count; i++) {
		put(object, family->rows[i].name, counter_value(&family->rows[i], stats));
	}
}

static json_t *counter_value(const struct counter *row, const void *stats)
{
	json_t *buckets;

	if (row->kind == COUNTER_REASON) {
		return json_string(counter_reason(counter_get(row, stats)));
	}
	if (row->kind != COUNTER_HISTOGRAM) {
		return json_integer((json_int_t)counter_get(row, stats));
	}
	buckets = json_array();
	for (unsigned b = 0; b < BATCH_BUCKETS; b++) {
		json_array_append_new(buckets,
				      json_integer((json_int_t)counter_bucket(row, stats, b)));
	}
	return buckets;
}

/* Adds the members of `from' that a sum makes sense of to those of `sums'; NULL: nothing, so that
 * each is there. */
static void add_up(json_t *sums, const struct counter_family *family, const json_t *from)
{
	for (uint32_t i = 0; i < family->count; i++) {
		const struct counter *row = &family->rows[i];
		json_t *sum = json_object_get(sums, row->name);

		if (row->kind != COUNTER_COUNT && row->kind != COUNTER_DROP) {
			continue;
		}
		if (!sum) {
			copy(sums, from, row->name);
		} else {
			must(json_integer_set(sum, json_integer_value(sum) +
							   (json_int_t)get(from, row->name)) == 0);
		}
	}
}

static uint64_t sum_of_all(const json_t *object)
{
	uint64_t sum = 0;
	const char *name;
	json_t *value;

	json_object_foreach((json_t *)object, name, value)
	{
		sum += get(object, name);
	}
	return sum;
}

/* A number of its own: adding to one leaves the other as it is. 0 where there is none yet. */
static void copy(json_t *to, const json_t *from, const char *key)
{
	put_number(to, key, get(from, key));
}

static uint64_t get(const json_t *object, const char *key)
{
	return (uint64_t)json_integer_value(json_object_get(object, key));
}

/* jansson leaves out a member without a name, and replaces one whose name is taken, without a word:
 * a counter would be missing, and the sums would agree all the same. */
static void put(json_t *object, const char *key, json_t *value)
{
	must(key);
	must(!json_object_get(object, key));
	must(json_object_set_new(object, key, value) == 0);
}

/* Of a flow or an output; `why' is NULL when it is live. */
static void put_state(json_t *object, const char *why)
{
	put_text(object, "state", why ? "pending" : "live");
	if (why) {
		put_text(object, "reason", why);
	} else {
		put(object, "reason", json_null());
	}
}

static void put_number(json_t *object, const char *key, uint64_t value)
{
	put(object, key, json_integer((json_int_t)value));
}

static void put_text(json_t *object, const char *key, const char *text)
{
	put(object, key, report_text(text));
}
