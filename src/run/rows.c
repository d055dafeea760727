/* rows.c - see rows.h.
 *
 * Sums come from a tally, rows of flows and outputs from their places in the shards. A flow is its
 * rule's by what it is, as in the exit report; one that no rule has any more, after a change that
 * was broken off, stands behind all others.
 */
#include "src/run/rows.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "src/base/must.h"
#include "src/rules/index.h"
#include "src/run/figures.h"
#include "src/run/report_rows.h"
#include "src/run/supervisor.h"
#include "src/run/tally.h"

/* A flow and its rule. */
struct spot {
	uint32_t rule; /* NO_RULE: it has none */
	uint32_t order;
	const struct worker *worker;
	const struct ingress_flow *flow;
};

#define NO_RULE UINT32_MAX

static void put_sums(const struct rows_ask *ask, const struct tally_row *sums, json_t *row);
static json_t *count_of(const stat_t *counter);
static struct spot *find_spots(const struct rows_ask *ask, size_t *out_count);
static int compare(const void *a, const void *b);
static json_t *rule_name(const struct rows_ask *ask, const struct spot *spot);
static bool is_asked(const struct rows_ask *ask, const char *rule);
static void put_losses(const struct rows_ask *ask, json_t *row, const struct flow_stats *flow,
		       const struct output_stats *output);
static void add_losses(json_t *losses, enum counter_family_id id, const void *stats);
static void put(const struct rows_ask *ask, json_t *row, const char *name, json_t *value);
static void put_family(const struct rows_ask *ask, json_t *row, const char *name,
		       enum counter_family_id id, const void *stats);

json_t *rows_of_rules(const struct rows_ask *ask)
{
	const struct conf *conf = &ask->sup->setup->opt->conf;
	json_t *rows = json_array();
	struct tally tally;

	must(tally_take(ask->sup, &tally) == 0);
	for (uint32_t r = 0; r < conf->rule_count; r++) {
		const struct conf_rule *rule = &conf->rules[r];
		json_t *row;

		if (!is_asked(ask, rule->name)) {
			continue;
		}
		row = json_object();
		put(ask, row, "rule", report_text(rule->name));
		put(ask, row, "text", report_text(rule->text));
		put(ask, row, "where", report_text(rule->where));
		report_put_duty(ask->sup, rule->name, &ask->want, row);
		put(ask, row, "reason",
		    tally.rules[r].why ? report_text(tally.rules[r].why) : json_null());
		put_sums(ask, &tally.rules[r], row);
		put_family(ask, row, "drops", COUNTERS_FLOW_DROPS, &tally.rules[r].sums.flows);
		put_losses(ask, row, &tally.rules[r].sums.flows, &tally.rules[r].sums.outputs);
		must(json_array_append_new(rows, row) == 0);
	}
	tally_free(&tally);
	return rows;
}

json_t *rows_of_flows(const struct rows_ask *ask)
{
	json_t *rows = json_array();
	size_t count;
	struct spot *spots = find_spots(ask, &count);

	for (size_t i = 0; i < count; i++) {
		const struct spot *spot = &spots[i];
		json_t *row = json_object();
		json_int_t outputs = 0;
		struct flow_stats stats;

		for (uint32_t o = spot->flow->first_output; o != PLACE_NONE; outputs++) {
			o = shard_output(spot->worker->shard, o)->output.sibling;
		}
		put(ask, row, "rule", rule_name(ask, spot));
		report_put_flow(ask->sup, spot->worker, spot->flow, &ask->want, row);
		put(ask, row, "outputs", json_integer(outputs));
		figures_flow(ask->sup, spot->flow, &stats);
		put_losses(ask, row, &stats, NULL);
		must(json_array_append_new(rows, row) == 0);
	}
	free(spots);
	return rows;
}

json_t *rows_of_outputs(const struct rows_ask *ask)
{
	json_t *rows = json_array();
	size_t count;
	struct spot *spots = find_spots(ask, &count);

	for (size_t i = 0; i < count; i++) {
		const struct spot *spot = &spots[i];
		const struct rule_ingress *in = &spot->flow->rule->in;
		char ingress[ENDPOINT_TEXT_MAX], source[RULE_SOURCE_TEXT_MAX];

		endpoint_format(&in->at, ingress);
		for (uint32_t o = spot->flow->first_output; o != PLACE_NONE;) {
			const struct report_spot at = {spot->worker, spot->flow,
						       shard_output(spot->worker->shard, o)};
			json_t *row = json_object();
			struct output_stats stats;

			put(ask, row, "rule", rule_name(ask, spot));
			put(ask, row, "ingress", json_string(ingress));
			put(ask, row, "source",
			    in->source.family ? json_string(rule_format_source(in, source))
					      : json_null());
			put(ask, row, "shard", json_integer(spot->worker->index));
			report_put_output(ask->sup, &at, &ask->want, row);
			(void)figures_output(ask->sup, at.flow, at.place, &stats);
			put_losses(ask, row, NULL, &stats);
			must(json_array_append_new(rows, row) == 0);
			o = at.place->output.sibling;
		}
	}
	free(spots);
	return rows;
}

json_t *rows_of_shards(const struct rows_ask *ask)
{
	json_t *rows = json_array();
	struct tally tally;

	must(tally_take(ask->sup, &tally) == 0);
	for (uint32_t s = 0; s < ask->sup->worker_count; s++) {
		json_t *row = json_object();

		report_put_shard(&ask->sup->workers[s], &ask->want, row);
		put_sums(ask, &tally.shards[s], row);
		put_losses(ask, row, &tally.shards[s].sums.flows, &tally.shards[s].sums.outputs);
		must(json_array_append_new(rows, row) == 0);
	}
	tally_free(&tally);
	return rows;
}

json_t *rows_of_pools(const struct rows_ask *ask)
{
	json_t *rows = json_array();

	for (uint32_t s = 0; s < ask->sup->worker_count; s++) {
		for (unsigned c = 0; c < POOL_CLASS_COUNT; c++) {
			json_t *row = json_object();

			put(ask, row, "shard", json_integer(s));
			put(ask, row, "class", json_string(pool_class_name((enum pool_class)c)));
			report_put_pool(ask->sup->workers[s].shard, c, &ask->want, row);
			must(json_array_append_new(rows, row) == 0);
		}
	}
	return rows;
}

/* What rules and shards have of their flows and outputs. */
static void put_sums(const struct rows_ask *ask, const struct tally_row *sums, json_t *row)
{
	const struct counter_family *flows = &ask->want.families[COUNTERS_FLOW];

	put(ask, row, "flows", json_integer(sums->flows));
	put(ask, row, "outputs", json_integer(sums->outputs));
	for (uint32_t i = 0; i < flows->count; i++) {
		if (flows->rows[i].kind == COUNTER_COUNT) {
			report_put_number(row, flows->rows[i].name,
					  counter_get(&flows->rows[i], &sums->sums.flows));
		}
	}
	put(ask, row, "offered", count_of(&sums->sums.outputs.offered));
	put(ask, row, "sent", count_of(&sums->sums.outputs.sent));
	put(ask, row, "sent_bytes", count_of(&sums->sums.outputs.sent_bytes));
	put(ask, row, "sends", count_of(&sums->sums.outputs.sends));
}

static json_t *count_of(const stat_t *counter)
{
	return json_integer((json_int_t)stat_get(counter));
}

/* Of the rules that are asked for, sorted by rule and then by shard; to be freed. */
static struct spot *find_spots(const struct rows_ask *ask, size_t *out_count)
{
	const struct conf *conf = &ask->sup->setup->opt->conf;
	size_t room = 1, count = 0;
	struct conf_index index;
	struct spot *spots;

	for (uint32_t s = 0; s < ask->sup->worker_count; s++) {
		room += ask->sup->workers[s].shard->relay.place_count;
	}
	spots = malloc(room * sizeof(*spots));
	must(spots);
	must(conf_index_build(conf, &index) == 0);
	for (uint32_t s = 0; s < ask->sup->worker_count; s++) {
		const struct worker *w = &ask->sup->workers[s];

		for (uint32_t i = 0; i < w->shard->relay.place_count; i++) {
			const struct ingress_flow *flow = &shard_flow(w->shard, i)->flow;
			const struct conf_flow *known =
				flow->rule ? conf_index_find(&index, &flow->rule->in) : NULL;

			if (flow->rule &&
			    (known ? is_asked(ask, conf->rules[known->rule].name) : !ask->rules)) {
				spots[count] = (struct spot){.rule = known ? known->rule : NO_RULE,
							     .order = (uint32_t)count,
							     .worker = w,
							     .flow = flow};
				count++;
			}
		}
	}
	conf_index_free(&index);
	qsort(spots, count, sizeof(*spots), compare);
	*out_count = count;
	return spots;
}

static int compare(const void *a, const void *b)
{
	const struct spot *one = a, *other = b;

	if (one->rule != other->rule) {
		return one->rule < other->rule ? -1 : 1;
	}
	return one->order < other->order ? -1 : one->order > other->order;
}

static json_t *rule_name(const struct rows_ask *ask, const struct spot *spot)
{
	return spot->rule == NO_RULE
		       ? json_string("(being removed)")
		       : report_text(ask->sup->setup->opt->conf.rules[spot->rule].name);
}

static bool is_asked(const struct rows_ask *ask, const char *rule)
{
	return !ask->rules || json_object_get(ask->rules, rule);
}

/* The causes of loss that there were, of what is not NULL. */
static void put_losses(const struct rows_ask *ask, json_t *row, const struct flow_stats *flow,
		       const struct output_stats *output)
{
	json_t *losses;

	if (!report_wants(&ask->want, "losses")) {
		return;
	}
	losses = json_object();
	if (flow && stat_get(&flow->kernel_drops) > 0) {
		report_put(losses, "kernel_drops", count_of(&flow->kernel_drops));
	}
	add_losses(losses, COUNTERS_FLOW_DROPS, flow);
	add_losses(losses, COUNTERS_OUTPUT_DROPS, output);
	report_put(row, "losses", losses);
}

static void add_losses(json_t *losses, enum counter_family_id id, const void *stats)
{
	const struct counter_family *family = &counter_families[id];

	for (uint32_t i = 0; stats && i < family->count; i++) {
		uint64_t count = counter_get(&family->rows[i], stats);

		bool is_loss = id == COUNTERS_FLOW_DROPS ? !flow_drop_is_copy(i)
							 : !output_drop_is_standby(i);

		if (count > 0 && is_loss) {
			report_put_number(losses, family->rows[i].name, count);
		}
	}
}

/* Takes `value'. */
static void put(const struct rows_ask *ask, json_t *row, const char *name, json_t *value)
{
	if (report_wants(&ask->want, name)) {
		report_put(row, name, value);
	} else {
		json_decref(value);
	}
}

static void put_family(const struct rows_ask *ask, json_t *row, const char *name,
		       enum counter_family_id id, const void *stats)
{
	if (report_wants(&ask->want, name)) {
		report_put(row, name, report_family(&counter_families[id], stats));
	}
}
