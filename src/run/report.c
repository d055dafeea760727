/* report.c - all counters as one JSON object, by jansson; see report.h for what must add up.
 *
 * Built bottom-up: output, flow instance (a flow on one shard), rule, then shards and totals.
 */
#include "src/run/report.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "src/base/clock.h"
#include "src/base/must.h"
#include "src/run/supervisor.h"

/* Sums over everything printed so far. */
struct report_totals {
	uint64_t received, relayed, offered, sent, kernel_drops;
	uint64_t flow_drops[FLOW_DROP_COUNT];
	uint64_t output_drops[OUTPUT_DROP_COUNT];
	bool consistent;
};

/* jansson leaves out a member without a name, and replaces one whose name is taken, without a word:
 * a counter would be missing, and the sums would agree all the same. */
static void report_put(json_t *object, const char *key, json_t *value)
{
	must(key);
	must(!json_object_get(object, key));
	must(json_object_set_new(object, key, value) == 0);
}

static void report_set(json_t *object, const char *key, uint64_t value)
{
	report_put(object, key, json_integer((json_int_t)value));
}

/* JSON takes UTF-8 only, and a file's name may be any bytes: those are shown as `?' then. */
static void report_text(json_t *object, const char *key, const char *text)
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
	report_put(object, key, string);
}

static json_t *report_flow_drops(const uint64_t *drops)
{
	json_t *object = json_object();

	for (int d = 0; d < FLOW_DROP_COUNT; d++) {
		report_set(object, flow_drop_name((enum flow_drop)d), drops[d]);
	}
	return object;
}

static json_t *report_output_drops(const uint64_t *drops)
{
	json_t *object = json_object();

	for (int d = 0; d < OUTPUT_DROP_COUNT; d++) {
		report_set(object, output_drop_name((enum output_drop)d), drops[d]);
	}
	return object;
}

/* ---- outputs and flows ---- */

static json_t *report_zerocopy(const struct output_stats *stats)
{
	static const char *const why[] = {
		[ZEROCOPY_OFF_NOT] = "no",
		[ZEROCOPY_OFF_COPIED] = "copied",
		[ZEROCOPY_OFF_REFUSED] = "refused",
	};
	json_t *object = json_object();

	report_set(object, "sent", stat_get(&stats->zc_sent));
	report_set(object, "copied", stat_get(&stats->zc_copied));
	report_set(object, "refused", stat_get(&stats->zc_refused));
	report_set(object, "refused_errno", stat_get(&stats->zc_errno));
	report_text(object, "off", why[stat_get(&stats->zc_off)]);
	return object;
}

static json_t *report_output(const struct shard *shard, uint32_t o, uint64_t relayed,
			     struct report_totals *totals)
{
	const struct output_stats *stats = &shard->stats->outputs[o];
	uint64_t offered = stat_get(&stats->offered), sent = stat_get(&stats->sent);
	uint64_t drops[OUTPUT_DROP_COUNT], dropped = 0;
	char text[ENDPOINT_TEXT_MAX];
	json_t *out = json_object();

	for (int d = 0; d < OUTPUT_DROP_COUNT; d++) {
		drops[d] = stat_get(&stats->drops[d]);
		dropped += drops[d];
		totals->output_drops[d] += drops[d];
	}
	report_text(out, "to", endpoint_format(&shard->table.outputs[o].out.to, text));
	report_text(out, "from", addr_format(&shard->egress_got[o].local, text));
	report_set(out, "offered", offered);
	report_set(out, "sent", sent);
	report_set(out, "sent_bytes", stat_get(&stats->sent_bytes));
	report_set(out, "trains", stat_get(&stats->trains));
	report_set(out, "sends", stat_get(&stats->sends));
	report_set(out, "resent", stat_get(&stats->resent));
	report_set(out, "gso_off", stat_get(&stats->gso_off));
	report_put(out, "zerocopy", report_zerocopy(stats));
	report_put(out, "drops", report_output_drops(drops));
	totals->offered += offered;
	totals->sent += sent;
	totals->consistent = totals->consistent && offered == relayed && offered == sent + dropped;
	return out;
}

static json_t *report_flow(const struct worker *w, uint32_t f, struct report_totals *totals)
{
	const struct rule_flow *rule = &w->shard->table.flows[f];
	const struct flow_stats *stats = &w->shard->stats->flows[f];
	uint64_t received = stat_get(&stats->received), relayed = stat_get(&stats->relayed);
	uint64_t drops[FLOW_DROP_COUNT], dropped = 0;
	json_t *flow = json_object(), *outputs = json_array();
	char text[ENDPOINT_TEXT_MAX];

	for (int d = 0; d < FLOW_DROP_COUNT; d++) {
		drops[d] = stat_get(&stats->drops[d]);
		dropped += drops[d];
		totals->flow_drops[d] += drops[d];
	}
	report_text(flow, "ingress", endpoint_format(&rule->in.at, text));
	report_set(flow, "shard", w->index);
	report_set(flow, "received", received);
	report_set(flow, "received_bytes", stat_get(&stats->received_bytes));
	report_set(flow, "relayed", relayed);
	report_put(flow, "drops", report_flow_drops(drops));
	report_set(flow, "kernel_drops", stat_get(&stats->kernel_drops));
	report_set(flow, "trains", stat_get(&stats->trains));
	report_set(flow, "rearms", stat_get(&stats->rearms));
	report_set(flow, "starved", stat_get(&stats->starved));
	report_set(flow, "recv_errors", stat_get(&stats->recv_errors));
	for (uint32_t o = 0; o < rule->output_count; o++) {
		json_array_append_new(
			outputs, report_output(w->shard, rule->first_output + o, relayed, totals));
	}
	report_put(flow, "outputs", outputs);
	totals->received += received;
	totals->relayed += relayed;
	totals->kernel_drops += stat_get(&stats->kernel_drops);
	totals->consistent = totals->consistent && received == relayed + dropped;
	return flow;
}

/* ---- rules ---- */

static json_t *report_new_rule(const struct conf_rule *rule)
{
	json_t *object = json_object();

	report_text(object, "rule", rule->name);
	report_text(object, "text", rule->text);
	report_text(object, "where", rule->where);
	report_put(object, "flows", json_array());
	return object;
}

/* Adds up one key over the flows of a rule. */
static uint64_t report_sum(const json_t *flows, const char *key)
{
	uint64_t sum = 0;
	size_t i;
	json_t *flow;

	json_array_foreach((json_t *)flows, i, flow)
	{
		sum += (uint64_t)json_integer_value(json_object_get(flow, key));
	}
	return sum;
}

static json_t *report_sum_drops(const json_t *flows)
{
	uint64_t drops[FLOW_DROP_COUNT] = {0};
	size_t i;
	json_t *flow;

	json_array_foreach((json_t *)flows, i, flow)
	{
		const json_t *from = json_object_get(flow, "drops");

		for (int d = 0; d < FLOW_DROP_COUNT; d++) {
			drops[d] += (uint64_t)json_integer_value(
				json_object_get(from, flow_drop_name((enum flow_drop)d)));
		}
	}
	return report_flow_drops(drops);
}

static void report_finish_rule(json_t *rule)
{
	const json_t *flows = json_object_get(rule, "flows");
	static const char *const keys[] = {"received", "received_bytes", "relayed", "kernel_drops"};

	for (size_t k = 0; k < sizeof(keys) / sizeof(keys[0]); k++) {
		report_set(rule, keys[k], report_sum(flows, keys[k]));
	}
	report_put(rule, "drops", report_sum_drops(flows));
}

static json_t *report_rules(const struct supervisor *sup, struct report_totals *totals)
{
	const struct conf *conf = &sup->setup->opt->conf;
	json_t *rules = json_array();
	json_t *rule;
	size_t i;

	for (uint32_t r = 0; r < conf->rule_count; r++) {
		json_array_append_new(rules, report_new_rule(&conf->rules[r]));
	}
	for (uint32_t s = 0; s < sup->worker_count; s++) {
		const struct worker *w = &sup->workers[s];

		for (uint32_t f = 0; f < w->shard->table.flow_count; f++) {
			uint32_t r = conf->flows[w->shard->table.flows[f].flow_id].rule;
			json_t *flows = json_object_get(json_array_get(rules, r), "flows");

			json_array_append_new(flows, report_flow(w, f, totals));
		}
	}
	json_array_foreach(rules, i, rule)
	{
		report_finish_rule(rule);
	}
	return rules;
}

/* ---- shards ---- */

static json_t *report_pool(const struct shard *shard, struct report_totals *totals)
{
	json_t *pool = json_object();

	for (unsigned c = 0; c < POOL_CLASS_COUNT; c++) {
		const struct pool_class_state *cls = &shard->pool.classes[c];
		const struct pool_class_stats *stats = &shard->stats->pool[c];
		uint64_t in_ring = stat_get(&stats->in_ring);
		uint64_t held = stat_get(&stats->in_use) - in_ring;
		json_t *object = json_object();

		report_set(object, "slots", cls->count);
		report_set(object, "payload_bytes", cls->payload_bytes);
		report_set(object, "free", cls->free_count);
		report_set(object, "in_ring", in_ring);
		report_set(object, "held", held);
		report_set(object, "taken", stat_get(&stats->taken));
		report_set(object, "returned", stat_get(&stats->returned));
		report_set(object, "high_water", stat_get(&stats->high_water));
		report_set(object, "exhausted", stat_get(&stats->exhausted));
		report_put(pool, pool_class_name((enum pool_class)c), object);
		totals->consistent =
			totals->consistent && cls->free_count + in_ring + held == cls->count;
	}
	return pool;
}

static json_t *report_ring(const struct ring_stats *stats)
{
	json_t *ring = json_object();

	report_set(ring, "syscalls", stat_get(&stats->syscalls));
	report_set(ring, "turns", stat_get(&stats->turns));
	report_set(ring, "sends_queued", stat_get(&stats->sends_queued));
	report_set(ring, "sq_full", stat_get(&stats->sq_full));
	report_set(ring, "cq_overflow", stat_get(&stats->cq_overflow));
	report_set(ring, "early_submits", stat_get(&stats->early_submits));
	report_set(ring, "registered_bytes", stat_get(&stats->buffers_bytes));
	report_set(ring, "registered_refused", stat_get(&stats->buffers_refused));
	report_set(ring, "registered_hits", stat_get(&stats->buffer_hits));
	report_set(ring, "registered_misses", stat_get(&stats->buffer_misses));
	return ring;
}

static json_t *report_histogram(const stat_t *buckets)
{
	json_t *array = json_array();

	for (int b = 0; b < BATCH_BUCKETS; b++) {
		json_array_append_new(array, json_integer((json_int_t)stat_get(&buckets[b])));
	}
	return array;
}

/* Bucket b counts batches of 2^(b-1) to 2^b - 1; bucket 0 empty ones. */
static json_t *report_batches(const struct batch_stats *batches)
{
	json_t *object = json_object();

	report_put(object, "received_per_turn", report_histogram(batches->received));
	report_put(object, "sends_per_turn", report_histogram(batches->sends));
	report_put(object, "datagrams_per_send", report_histogram(batches->trains));
	return object;
}

static json_t *report_placement(const struct recheck *placement)
{
	json_t *object = json_object();

	report_set(object, "checks", placement->checks);
	report_set(object, "cpu_deviations", placement->cpu_deviations);
	report_set(object, "page_deviations", placement->page_deviations);
	report_set(object, "pages_misplaced_now", placement->pages_misplaced);
	return object;
}

static json_t *report_shard(const struct worker *w, struct report_totals *totals)
{
	json_t *shard = json_object();

	report_set(shard, "shard", w->index);
	report_put(shard, "cpu", json_integer(w->cpu_os));
	report_put(shard, "node", json_integer(w->node_os));
	report_put(shard, "thread", json_integer(w->tid));
	report_set(shard, "arena_bytes", w->arena.len_bytes);
	report_text(shard, "page_size", arena_huge_name(w->mem.got));
	report_put(shard, "huge_degraded", json_boolean(w->mem.degraded));
	report_put(shard, "verified", json_boolean(w->mem.verified));
	report_set(shard, "pages", w->mem.pages);
	report_set(shard, "pages_misplaced", w->mem.pages_misplaced);
	report_put(shard, "placement", report_placement(&w->placement));
	report_text(shard, "ring_features", w->shard->features.text);
	report_put(shard, "pool", report_pool(w->shard, totals));
	report_put(shard, "ring", report_ring(&w->shard->stats->ring));
	report_put(shard, "batches", report_batches(&w->shard->stats->batches));
	return shard;
}

static json_t *report_totals(const struct report_totals *totals)
{
	json_t *object = json_object();
	json_t *drops = report_flow_drops(totals->flow_drops);
	json_t *output_drops = report_output_drops(totals->output_drops);
	const char *name;
	json_t *count;

	report_set(object, "received", totals->received);
	report_set(object, "relayed", totals->relayed);
	report_set(object, "offered", totals->offered);
	report_set(object, "sent", totals->sent);
	report_set(object, "kernel_drops", totals->kernel_drops);
	json_object_foreach(output_drops, name, count)
	{
		report_put(drops, name, json_incref(count)); /* no name stands in both */
	}
	json_decref(output_drops);
	report_put(object, "drops", drops);
	return object;
}

json_t *report_build(const struct supervisor *sup)
{
	struct report_totals totals = {.consistent = true};
	json_t *report = json_object(), *shards = json_array();

	report_text(report, "version", PACKAGE_VERSION);
	report_put(report, "uptime_s",
		   json_real((double)(clock_now_ns() - sup->started_ns) / NS_PER_S));
	report_text(report, "engine", ring_engine_name(sup->setup->engine));
	for (uint32_t s = 0; s < sup->worker_count; s++) {
		json_array_append_new(shards, report_shard(&sup->workers[s], &totals));
	}
	report_put(report, "shards", shards);
	report_put(report, "rules", report_rules(sup, &totals));
	report_put(report, "totals", report_totals(&totals));
	report_put(report, "consistent", json_boolean(totals.consistent));
	return report;
}
