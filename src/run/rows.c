/* rows.c - see rows.h.
 *
 * Sums come from a tally, rows of flows and outputs from their places in the shards. A flow is its
 * rule's by what it is, as in the exit report; one that no rule has any more, after a change that
 * was broken off, stands behind all others.
 */
#include "src/run/rows.h"

#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "src/base/json_reserve.h"
#include "src/rules/index.h"
#include "src/run/figures.h"
#include "src/run/report_rows.h"
#include "src/run/supervisor.h"
#include "src/run/tally.h"

/* A flow and its rule. */
struct rows_spot {
	uint32_t rule; /* NO_RULE: it has none */
	uint32_t order;
	const struct worker *worker;
	const struct ingress_flow *flow;
};

#define NO_RULE UINT32_MAX

static uint32_t count_of_rows(const struct rows *rows);
static void write_rule(struct rows *rows, uint32_t number, FILE *out);
static void write_flow(struct rows *rows, const struct rows_spot *spot, FILE *out);
static uint32_t write_outputs(struct rows *rows, const struct rows_spot *spot, FILE *out);
static void write_shard(struct rows *rows, uint32_t shard, FILE *out);
static void write_pool(struct rows *rows, uint32_t number, FILE *out);
static void write_row(struct rows *rows, json_t *row, FILE *out);
static void put_sums(const struct rows_ask *ask, const struct tally_row *sums, json_t *row);
static json_t *fast_sums(const struct tally_row *sums);
static json_t *count_of(const stat_t *counter);
static struct rows_spot *find_spots(const struct rows_ask *ask, uint32_t *out_count);
static int compare(const void *a, const void *b);
static json_t *rule_name(const struct rows_ask *ask, const struct rows_spot *spot);
static bool is_asked(const struct rows_ask *ask, const char *rule);
static void put_losses(const struct rows_ask *ask, json_t *row, const struct flow_stats *flow,
		       const struct output_stats *output);
static void add_losses(json_t *losses, enum counter_family_id id, const void *stats);
static void put(const struct rows_ask *ask, json_t *row, const char *name, json_t *value);
static void put_family(const struct rows_ask *ask, json_t *row, const char *name,
		       enum counter_family_id id, const void *stats);

int rows_begin(struct rows *rows, const struct rows_ask *ask, enum rows_of of)
{
	*rows = (struct rows){.ask = ask, .of = of};
	switch (of) {
	case ROWS_OF_RULES:
	case ROWS_OF_SHARDS:
		return tally_begin(ask->sup, &rows->tally);
	case ROWS_OF_FLOWS:
	case ROWS_OF_OUTPUTS:
	case ROWS_OF_LEGS:
		rows->spots = find_spots(ask, &rows->spot_count);
		if (!rows->spots) {
			return -ENOMEM;
		}
		break;
	case ROWS_OF_POOLS:
		break;
	}
	rows->tallied = true;
	return 0;
}

bool rows_add(struct rows *rows, uint32_t most_places, uint32_t most_rows, FILE *out)
{
	uint32_t count = count_of_rows(rows);

	if (!rows->tallied) {
		rows->tallied = tally_add(rows->ask->sup, &rows->tally, most_places);
		rows->failed = rows->tally.short_of_memory;
		return rows->failed;
	}
	json_reserve_begin();
	for (uint32_t used = 1; rows->next < count && most_rows > 0; rows->next++) {
		switch (rows->of) {
		case ROWS_OF_RULES:
			write_rule(rows, rows->next, out);
			break;
		case ROWS_OF_FLOWS:
		case ROWS_OF_LEGS:
			write_flow(rows, &rows->spots[rows->next], out);
			break;
		case ROWS_OF_OUTPUTS:
			used = write_outputs(rows, &rows->spots[rows->next], out);
			break;
		case ROWS_OF_SHARDS:
			write_shard(rows, rows->next, out);
			break;
		case ROWS_OF_POOLS:
			write_pool(rows, rows->next, out);
			break;
		}
		most_rows -= used < most_rows ? used : most_rows;
	}
	rows->failed |= json_reserve_was_short();
	return rows->next == count || rows->failed;
}

void rows_free(struct rows *rows)
{
	tally_free(&rows->tally);
	free(rows->spots);
	*rows = (struct rows){0};
}

static uint32_t count_of_rows(const struct rows *rows)
{
	const struct supervisor *sup = rows->ask->sup;

	switch (rows->of) {
	case ROWS_OF_RULES:
		return sup->setup->opt->conf.rule_count;
	case ROWS_OF_SHARDS:
		return sup->worker_count;
	case ROWS_OF_POOLS:
		return sup->worker_count * POOL_CLASS_COUNT;
	case ROWS_OF_FLOWS:
	case ROWS_OF_OUTPUTS:
	case ROWS_OF_LEGS:
		break;
	}
	return rows->spot_count;
}

static void write_rule(struct rows *rows, uint32_t number, FILE *out)
{
	const struct rows_ask *ask = rows->ask;
	const struct conf_rule *rule = &ask->sup->setup->opt->conf.rules[number];
	const struct tally_row *sums = &rows->tally.rules[number];
	json_t *row;

	if (!is_asked(ask, rule->name)) {
		return;
	}
	row = json_object();
	put(ask, row, "rule", report_text(rule->name));
	put(ask, row, "text", report_text(rule->text));
	put(ask, row, "where", report_text(rule->where));
	report_put_duty(ask->sup, rule->name, &ask->want, row);
	put(ask, row, "reason", sums->why ? report_text(sums->why) : json_null());
	put_sums(ask, sums, row);
	put_family(ask, row, "drops", COUNTERS_FLOW_DROPS, &sums->sums.flows);
	put_losses(ask, row, &sums->sums.flows, &sums->sums.outputs);
	write_row(rows, row, out);
}

static void write_flow(struct rows *rows, const struct rows_spot *spot, FILE *out)
{
	const struct rows_ask *ask = rows->ask;
	json_int_t outputs = 0;
	struct flow_stats stats;
	json_t *row;

	if (rows->of == ROWS_OF_LEGS && !spot->flow->merge) {
		return;
	}
	row = json_object();
	for (uint32_t o = spot->flow->first_output; o != PLACE_NONE; outputs++) {
		o = shard_output(spot->worker->shard, o)->output.sibling;
	}
	put(ask, row, "rule", rule_name(ask, spot));
	report_put_flow(ask->sup, spot->worker, spot->flow, &ask->want, row);
	put(ask, row, "outputs", json_integer(outputs));
	figures_flow(ask->sup, spot->flow, &stats);
	put_losses(ask, row, &stats, NULL);
	write_row(rows, row, out);
}

/* All of the flow, and how many there are, or 1. */
static uint32_t write_outputs(struct rows *rows, const struct rows_spot *spot, FILE *out)
{
	const struct rows_ask *ask = rows->ask;
	const struct rule_ingress *in = &spot->flow->rule->in;
	char ingress[ENDPOINT_TEXT_MAX], source[RULE_SOURCE_TEXT_MAX];
	uint32_t count = 0;

	endpoint_format(&in->at, ingress);
	for (uint32_t o = spot->flow->first_output; o != PLACE_NONE;) {
		const struct report_spot at = {spot->worker, spot->flow,
					       shard_output(spot->worker->shard, o)};
		json_t *row = json_object();
		struct output_stats stats;

		put(ask, row, "rule", rule_name(ask, spot));
		put(ask, row, "ingress", report_text(ingress));
		put(ask, row, "source",
		    in->source.family ? report_text(rule_format_source(in, source)) : json_null());
		put(ask, row, "shard", json_integer(spot->worker->index));
		report_put_output(ask->sup, &at, &ask->want, row);
		(void)figures_output(ask->sup, at.flow, at.place, &stats);
		put_losses(ask, row, NULL, &stats);
		write_row(rows, row, out);
		o = at.place->output.sibling;
		count++;
	}
	return count > 0 ? count : 1;
}

static void write_shard(struct rows *rows, uint32_t shard, FILE *out)
{
	const struct rows_ask *ask = rows->ask;
	const struct tally_row *sums = &rows->tally.shards[shard];
	json_t *row = json_object();

	report_put_shard(&ask->sup->workers[shard], &ask->want, row);
	put_sums(ask, sums, row);
	put_losses(ask, row, &sums->sums.flows, &sums->sums.outputs);
	write_row(rows, row, out);
}

static void write_pool(struct rows *rows, uint32_t number, FILE *out)
{
	const struct rows_ask *ask = rows->ask;
	uint32_t shard = number / POOL_CLASS_COUNT, class = number % POOL_CLASS_COUNT;
	json_t *row = json_object();

	put(ask, row, "shard", json_integer(shard));
	put(ask, row, "class", report_text(pool_class_name((enum pool_class) class)));
	report_put_pool(ask->sup->workers[shard].shard, class, &ask->want, row);
	write_row(rows, row, out);
}

/* And forgets it. */
static void write_row(struct rows *rows, json_t *row, FILE *out)
{
	if (rows->second) {
		fputc(',', out);
	}
	rows->second = true;
	rows->failed |= json_dumpf(row, out, JSON_COMPACT) < 0;
	json_decref(row);
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
	if (lane_is_open(ask->sup)) {
		put(ask, row, "fast", fast_sums(sums));
	}
}

/* How many of these flows the kernel relays now, and its part of what there is. */
static json_t *fast_sums(const struct tally_row *sums)
{
	json_t *object = json_object();

	report_put_number(object, "flows", sums->fast_flows);
	report_put_number(object, "received", sums->fast_received);
	report_put_number(object, "sent", sums->fast_sent);
	report_put(object, "reason", sums->fast_why ? report_text(sums->fast_why) : json_null());
	return object;
}

static json_t *count_of(const stat_t *counter)
{
	return json_integer((json_int_t)stat_get(counter));
}

/* Of the rules that are asked for, sorted by rule and then by shard; to be freed. NULL: out of
 * memory. */
static struct rows_spot *find_spots(const struct rows_ask *ask, uint32_t *out_count)
{
	const struct conf *conf = &ask->sup->setup->opt->conf;
	size_t room = 1;
	uint32_t count = 0;
	struct conf_index index;
	struct rows_spot *spots;

	for (uint32_t s = 0; s < ask->sup->worker_count; s++) {
		room += ask->sup->workers[s].shard->relay.place_count;
	}
	spots = malloc(room * sizeof(*spots));
	if (!spots || conf_index_build(conf, &index) < 0) {
		free(spots);
		return NULL;
	}
	for (uint32_t s = 0; s < ask->sup->worker_count; s++) {
		const struct worker *w = &ask->sup->workers[s];

		for (uint32_t i = 0; i < w->shard->relay.place_count; i++) {
			const struct ingress_flow *flow = &shard_flow(w->shard, i)->flow;
			const struct conf_flow *known =
				flow->rule ? conf_index_find(&index, &flow->rule->in) : NULL;

			if (flow->rule &&
			    (known ? is_asked(ask, conf->rules[known->rule].name) : !ask->rules)) {
				spots[count] =
					(struct rows_spot){.rule = known ? known->rule : NO_RULE,
							   .order = count,
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
	const struct rows_spot *one = a, *other = b;

	if (one->rule != other->rule) {
		return one->rule < other->rule ? -1 : 1;
	}
	return one->order < other->order ? -1 : one->order > other->order;
}

static json_t *rule_name(const struct rows_ask *ask, const struct rows_spot *spot)
{
	return spot->rule == NO_RULE
		       ? report_text("(being removed)")
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
