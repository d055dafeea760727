/* status.c - puts the sums of a tally into JSON, row by row, each written and forgotten.
 *
 * See status.h. A loss has a member only where there is one, so that ten thousand rules in order
 * stay a few megabytes. Control thread.
 */
#include "src/run/status.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "src/base/clock.h"
#include "src/base/json_reserve.h"
#include "src/base/memfile.h"
#include "src/run/report_put.h"
#include "src/run/supervisor.h"
#include "src/run/tally.h"
#include "src/run/tally_legs.h"

#define RULE_TEXT_SHOWN 400 /* bytes of a rule's text; what is longer is cut off */

static void write_json(struct status *status, json_t *json, size_t flags);
static json_t *daemon_object(const struct supervisor *sup);
static json_t *machine_object(const struct topo *topo);
static json_t *interface_array(const struct supervisor *sup, const struct tally *tally);
static json_t *shard_array(const struct supervisor *sup, const struct tally *tally);
static void put_shard_state(json_t *row, const struct worker *w);
static json_t *cpu_seconds(const struct worker *w);
static json_t *pool_object(const struct shard *shard);
static json_t *rule_row(const struct supervisor *sup, const struct tally *tally, uint32_t rule);
static json_t *shards_of_rule(const struct tally *tally, uint32_t rule);
static void put_rule_state(json_t *row, const struct tally_row *sums);
static json_t *disabled_array(const struct supervisor *sup);
static void put_rule_text(json_t *row, const struct conf_rule *rule);
static void put_reason(json_t *row, const char *state, const char *why);
static void put_sums(json_t *row, const struct supervisor *sup, const struct tally_row *sums);
static json_t *known(int number);

int status_begin(struct status *status, const struct supervisor *sup, const struct tally *tally)
{
	json_t *object, *totals;

	json_reserve_begin();
	object = json_object();
	totals = json_object();
	*status = (struct status){0};
	status->out = memfile_open(&status->text, &status->len);
	report_put_number(object, "version", STATUS_VERSION);
	report_put(object, "uptime_s",
		   json_real((double)(clock_now_ns() - sup->started_ns) / NS_PER_S));
	report_put(object, "daemon", daemon_object(sup));
	report_put(object, "machine", machine_object(&sup->setup->topo));
	put_sums(totals, sup, &tally->all);
	report_put(object, "totals", totals);
	report_put(object, "interfaces", interface_array(sup, tally));
	report_put(object, "shards", shard_array(sup, tally));
	report_put(object, "disabled", disabled_array(sup));
	if (!status->out) {
		json_decref(object);
		return -ENOMEM;
	}
	fputc('{', status->out);
	write_json(status, object, JSON_EMBED);
	fputs(",\"rules\":[", status->out);
	return 0;
}

bool status_add(struct status *status, const struct supervisor *sup, const struct tally *tally,
		uint32_t most)
{
	json_reserve_begin();
	for (; status->rule < tally->rule_count && most > 0; status->rule++, most--) {
		if (status->rule > 0) {
			fputc(',', status->out);
		}
		write_json(status, rule_row(sup, tally, status->rule), 0);
	}
	return status->rule == tally->rule_count;
}

char *status_take(struct status *status, size_t *out_len)
{
	char *text = NULL;

	fputs("]}", status->out);
	if (memfile_close(status->out, &status->text) == 0 && !status->failed) {
		text = status->text;
		*out_len = status->len;
	} else {
		free(status->text);
	}
	*status = (struct status){0};
	return text;
}

void status_free(struct status *status)
{
	if (status->out) {
		(void)memfile_close(status->out, &status->text);
		free(status->text);
	}
	*status = (struct status){0};
}

/* And forgets it. */
static void write_json(struct status *status, json_t *json, size_t flags)
{
	status->failed |=
		json_dumpf(json, status->out, JSON_COMPACT | flags) < 0 || json_reserve_was_short();
	json_decref(json);
}

static json_t *daemon_object(const struct supervisor *sup)
{
	const struct opt *opt = sup->setup->opt;
	json_t *object = json_object();

	report_put_text(object, "version", PACKAGE_VERSION);
	report_put_text(object, "engine", ring_engine_name(sup->setup->engine));
	report_put_number(object, "pid", (uint64_t)getpid());
	report_put_text(object, "state",
			sup->draining || sup->drain_asked ? "draining" : "relaying");
	report_put_number(object, "spin_us", opt->waits.spin_us);
	report_put(object, "sqpoll", json_boolean(opt->sqpoll));
	return object;
}

static json_t *machine_object(const struct topo *topo)
{
	json_t *object = json_object(), *nodes = json_array();

	report_put_text(object, "source", topo->source);
	report_put_number(object, "sockets", topo->package_count);
	report_put_number(object, "cores", topo->core_count);
	report_put_number(object, "cpus", topo->cpu_count);
	for (uint32_t i = 0; i < topo->node_count; i++) {
		json_t *node = json_object();

		report_put(node, "node", json_integer(topo->nodes[i].node_os));
		report_put(node, "socket", known(topo->nodes[i].package_os));
		report_put_number(node, "memory_bytes", topo->nodes[i].memory_bytes);
		json_array_append_new(nodes, node);
	}
	report_put(object, "nodes", nodes);
	return object;
}

static json_t *interface_array(const struct supervisor *sup, const struct tally *tally)
{
	json_t *rows = json_array();

	for (uint32_t i = 0; i <= tally->iface_count; i++) {
		const struct tally_row *sums = &tally->ifaces[i];
		bool named = i < tally->iface_count;
		json_t *row;

		if (!named && sums->flows + sums->outputs == 0) {
			continue;
		}
		row = json_object();
		report_put(row, "interface",
			   named ? report_text(sup->setup->ifaces.list[i].name) : json_null());
		report_put(row, "node",
			   known(named ? sup->setup->ifaces.list[i].node_os : TOPO_UNKNOWN));
		put_sums(row, sup, sums);
		json_array_append_new(rows, row);
	}
	return rows;
}

static json_t *shard_array(const struct supervisor *sup, const struct tally *tally)
{
	json_t *rows = json_array();

	for (uint32_t s = 0; s < sup->worker_count; s++) {
		const struct worker *w = &sup->workers[s];
		json_t *row = json_object();

		report_put_number(row, "shard", w->index);
		report_put(row, "cpu", json_integer(w->cpu_os));
		report_put(row, "node", known(w->node_os));
		put_shard_state(row, w);
		report_put(row, "cpu_s", cpu_seconds(w));
		put_sums(row, sup, &tally->shards[s]);
		report_put(row, "batches",
			   report_family(&counter_families[COUNTERS_BATCHES],
					 &w->shard->stats->batches));
		report_put(row, "pool", pool_object(w->shard));
		json_array_append_new(rows, row);
	}
	return rows;
}

static void put_shard_state(json_t *row, const struct worker *w)
{
	struct err err;

	if (worker_failure(w, &err) < 0) {
		put_reason(row, "failed", err.text);
	} else if (w->placement.cpu_told) {
		put_reason(row, "degraded", "its thread is not on its CPU");
	} else if (w->placement.pages_misplaced > 0) {
		put_reason(row, "degraded", "pages of its memory are not on its node");
	} else {
		put_reason(row, "live", NULL);
	}
}

/* What its thread has used; null where nobody can say. */
static json_t *cpu_seconds(const struct worker *w)
{
	uint64_t used_ns;

	return worker_cpu_ns(w, &used_ns) < 0 ? json_null() : json_real((double)used_ns / NS_PER_S);
}

/* The classes that have slots. */
static json_t *pool_object(const struct shard *shard)
{
	json_t *pool = json_object();

	for (unsigned c = 0; c < POOL_CLASS_COUNT; c++) {
		const struct pool_class_stats *stats = &shard->stats->pool[c];
		json_t *object;

		if (shard->pool.classes[c].count == 0) {
			continue;
		}
		object = json_object();
		report_put_number(object, "slots", shard->pool.classes[c].count);
		report_put_number(object, "free", stat_get(&stats->free));
		report_put_number(object, "in_ring", stat_get(&stats->in_ring));
		report_put_number(object, "held", stat_get(&stats->held));
		report_put_number(object, "high_water", stat_get(&stats->high_water));
		report_put_number(object, "exhausted", stat_get(&stats->exhausted));
		report_put(pool, pool_class_name((enum pool_class)c), object);
	}
	return pool;
}

static json_t *rule_row(const struct supervisor *sup, const struct tally *tally, uint32_t rule)
{
	json_t *row = json_object();

	put_rule_text(row, &sup->setup->opt->conf.rules[rule]);
	put_rule_state(row, &tally->rules[rule]);
	report_put(row, "shards", shards_of_rule(tally, rule));
	put_sums(row, sup, &tally->rules[rule]);
	if (tally->rules[rule].legs) {
		report_put(row, "merge", tally_legs_show(tally->rules[rule].legs));
	}
	return row;
}

static json_t *shards_of_rule(const struct tally *tally, uint32_t rule)
{
	json_t *shards = json_array();

	for (uint32_t s = 0; s < tally->shard_count; s++) {
		if (tally_is_at(tally, rule, s)) {
			json_array_append_new(shards, json_integer(s));
		}
	}
	return shards;
}

/* A rule of which nothing can pass is pending, one of which some can is degraded. One without flows
 * is other machines' alone. */
static void put_rule_state(json_t *row, const struct tally_row *sums)
{
	uint32_t waiting = sums->waiting_flows + sums->waiting_outputs;
	bool silent = sums->standby_flows == sums->flows ||
		      (sums->outputs > 0 && sums->standby_outputs == sums->outputs);
	bool deaf = sums->waiting_flows == sums->flows;
	bool mute = sums->outputs > 0 && sums->waiting_outputs == sums->outputs;

	put_reason(row,
		   waiting + sums->degraded == 0   ? (sums->flows == 0 ? "absent"
						      : silent         ? "standby"
								       : "live")
		   : waiting > 0 && (deaf || mute) ? "pending"
						   : "degraded",
		   sums->why);
}

static json_t *disabled_array(const struct supervisor *sup)
{
	json_t *rows = json_array();

	for (uint32_t r = 0; r < sup->disabled.rule_count; r++) {
		json_t *row = json_object();

		put_rule_text(row, &sup->disabled.rules[r]);
		json_array_append_new(rows, row);
	}
	return rows;
}

static void put_rule_text(json_t *row, const struct conf_rule *rule)
{
	char shown[RULE_TEXT_SHOWN + sizeof("...")];
	int len = RULE_TEXT_SHOWN;

	report_put_text(row, "rule", rule->name);
	if (strlen(rule->text) <= RULE_TEXT_SHOWN) {
		report_put_text(row, "text", rule->text);
		return;
	}
	while (len > 0 && (rule->text[len] & 0xc0) == 0x80) {
		len--; /* not within a character */
	}
	snprintf(shown, sizeof(shown), "%.*s...", len, rule->text);
	report_put_text(row, "text", shown);
}

static void put_reason(json_t *row, const char *state, const char *why)
{
	report_put_text(row, "state", state);
	report_put(row, "reason", why ? report_text(why) : json_null());
}

static void put_sums(json_t *row, const struct supervisor *sup, const struct tally_row *sums)
{
	const struct flow_stats *flows = &sums->sums.flows;
	const struct output_stats *outputs = &sums->sums.outputs;
	json_t *losses = json_object();

	report_put_number(row, "flows", sums->flows);
	report_put_number(row, "outputs", sums->outputs);
	report_put_number(row, "pending", sums->waiting_flows + sums->waiting_outputs);
	report_put_number(row, "degraded", sums->degraded);
	report_put_number(row, "received", stat_get(&flows->received));
	report_put_number(row, "received_bytes", stat_get(&flows->received_bytes));
	report_put_number(row, "pieces", stat_get(&flows->pieces));
	report_put_number(row, "relayed", stat_get(&flows->relayed));
	report_put_number(row, "offered", stat_get(&outputs->offered));
	report_put_number(row, "sent", stat_get(&outputs->sent));
	report_put_number(row, "sent_bytes", stat_get(&outputs->sent_bytes));
	report_put_number(row, "sends", stat_get(&outputs->sends));
	if (lane_is_open(sup)) {
		report_put_number(row, "fast_flows", sums->fast_flows);
		report_put_number(row, "fast_received", sums->fast_received);
		report_put_number(row, "fast_sent", sums->fast_sent);
		report_put(row, "fast_reason",
			   sums->fast_why ? report_text(sums->fast_why) : json_null());
	}
	for (uint32_t cause = 0; cause < TALLY_LOSSES; cause++) {
		if (tally_loss(sums, cause) > 0) {
			report_put_number(losses, tally_loss_name(cause), tally_loss(sums, cause));
		}
	}
	report_put(row, "losses", losses);
}

static json_t *known(int number)
{
	return number == TOPO_UNKNOWN ? json_null() : json_integer(number);
}
