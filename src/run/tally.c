/* tally.c - walks all flows and outputs once and adds what they counted to their sums.
 *
 * See tally.h. A flow is its rule's by what it is, since a change moves rules; one that no rule has
 * any more is in the sums of its shard, its interface and of all. Control thread.
 */
#include "src/run/tally.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "shard/relay_merge.h"
#include "shard/shard.h"
#include "src/fastpath/counts.h"
#include "src/run/figures.h"
#include "src/run/pending.h"
#include "src/run/supervisor.h"
#include "src/run/tally_legs.h"

#define SET_BITS 64

/* Where a flow or an output is added. */
struct places {
	struct tally_row *rule; /* NULL: it has none any more */
	struct tally_row *shard;
	struct tally_row *all;
	const struct ingress_flow *flow;
	uint64_t relayed; /* by the flow, whose outputs come after it */
};

/* Why a flow or an output is not live; all NULL: it is. */
struct reason {
	const char *pending, *amiss, *standby;
	bool *short_of_memory; /* the tally's */
};

/* What of a flow the kernel relays. */
struct part {
	bool carried; /* now */
	const char *why;
	uint64_t datagrams;
};

/* What a row counts of those that are not. */
struct counts {
	uint32_t *waiting, *standby;
};

static void add_place(const struct supervisor *sup, const struct worker *w,
		      const struct ingress_flow *flow, struct tally *tally);
static uint64_t *set_word(const struct tally *tally, uint32_t rule, uint32_t shard);
static void add_flow(const struct supervisor *sup, const struct worker *w,
		     const struct ingress_flow *flow, struct places *places, struct tally *tally);
static bool flow_agrees(const struct flow_stats *stats, uint64_t held);
static void keep_flow(struct tally_row *row, const struct flow_stats *stats,
		      const struct part *part, const struct reason *reason);
static void keep_state(struct tally_row *row, const struct reason *reason,
		       const struct counts *counts);
static void add_output(const struct supervisor *sup, const struct worker *w,
		       const struct output_place *place, const struct places *places,
		       struct tally *tally);
static bool output_agrees(const struct output_stats *stats);
static bool pools_agree(const struct shard *shard);
static void keep_output(struct tally_row *row, const struct output_stats *stats, uint64_t fast_sent,
			const struct reason *reason);
static struct tally_row *iface_row(const struct supervisor *sup, const char *ifname,
				   struct tally *tally);
static struct tally_row *new_rows(uint32_t count);
static void free_rows(struct tally_row *rows, uint32_t count);

int tally_take(const struct supervisor *sup, struct tally *out)
{
	int rc = tally_begin(sup, out);

	if (rc == 0) {
		(void)tally_add(sup, out, UINT32_MAX);
		rc = out->short_of_memory ? -ENOMEM : 0;
	}
	return rc;
}

int tally_begin(const struct supervisor *sup, struct tally *out)
{
	const struct conf *conf = &sup->setup->opt->conf;

	memset(out, 0, sizeof(*out));
	out->rule_count = conf->rule_count;
	out->shard_count = sup->worker_count;
	out->iface_count = sup->setup->ifaces.count;
	out->rules = new_rows(out->rule_count);
	out->shards = new_rows(out->shard_count);
	out->ifaces = new_rows(out->iface_count);
	out->at = calloc((size_t)out->rule_count * (out->shard_count / SET_BITS + 1) + 1,
			 sizeof(*out->at));
	if (conf_index_build(conf, &out->index) < 0 || !out->rules || !out->shards ||
	    !out->ifaces || !out->at) {
		return -ENOMEM;
	}
	out->all.sums = sup->gone;
	out->consistent = flow_agrees(&sup->gone.flows, 0) && output_agrees(&sup->gone.outputs);
	return 0;
}

bool tally_add(const struct supervisor *sup, struct tally *tally, uint32_t most)
{
	while (tally->worker < sup->worker_count) {
		const struct worker *w = &sup->workers[tally->worker];

		for (; tally->place < w->shard->relay.place_count; tally->place++, most--) {
			const struct ingress_flow *flow = &shard_flow(w->shard, tally->place)->flow;

			if (most == 0) {
				return false;
			}
			if (flow->rule) {
				add_place(sup, w, flow, tally);
			}
		}
		tally->consistent = tally->consistent && pools_agree(w->shard);
		tally->worker++;
		tally->place = 0;
	}
	return true;
}

void tally_free(struct tally *tally)
{
	free_rows(tally->rules, tally->rule_count);
	free_rows(tally->shards, tally->shard_count);
	free_rows(tally->ifaces, tally->iface_count);
	free(tally->all.why);
	free(tally->at);
	conf_index_free(&tally->index);
	memset(tally, 0, sizeof(*tally));
}

bool tally_is_at(const struct tally *tally, uint32_t rule, uint32_t shard)
{
	return (*set_word(tally, rule, shard) >> shard % SET_BITS & 1) != 0;
}

const char *tally_loss_name(uint32_t cause)
{
	if (cause == 0) {
		return "kernel_drops";
	}
	if (cause <= FLOW_DROP_COUNT) {
		return counter_families[COUNTERS_FLOW_DROPS].rows[cause - 1].name;
	}
	return counter_families[COUNTERS_OUTPUT_DROPS].rows[cause - 1 - FLOW_DROP_COUNT].name;
}

uint64_t tally_loss(const struct tally_row *row, uint32_t cause)
{
	if (cause == 0) {
		return stat_get(&row->sums.flows.kernel_drops);
	}
	if (cause <= FLOW_DROP_COUNT) {
		return flow_drop_is_copy(cause - 1) ? 0
						    : stat_get(&row->sums.flows.drops[cause - 1]);
	}
	return output_drop_is_standby(cause - 1 - FLOW_DROP_COUNT)
		       ? 0
		       : stat_get(&row->sums.outputs.drops[cause - 1 - FLOW_DROP_COUNT]);
}

uint64_t tally_lost(const struct tally_row *row)
{
	uint64_t lost = 0;

	for (uint32_t cause = 0; cause < TALLY_LOSSES; cause++) {
		lost += tally_loss(row, cause);
	}
	return lost;
}

/* A flow with its outputs. */
static void add_place(const struct supervisor *sup, const struct worker *w,
		      const struct ingress_flow *flow, struct tally *tally)
{
	const struct conf_flow *known = conf_index_find(&tally->index, &flow->rule->in);
	struct places places = {
		.shard = &tally->shards[w->index], .all = &tally->all, .flow = flow};

	if (known) {
		places.rule = &tally->rules[known->rule];
		*set_word(tally, known->rule, w->index) |= 1ULL << w->index % SET_BITS;
	}
	add_flow(sup, w, flow, &places, tally);
	for (uint32_t o = flow->first_output; o != PLACE_NONE;) {
		const struct output_place *place = shard_output(w->shard, o);

		add_output(sup, w, place, &places, tally);
		o = place->output.sibling;
	}
}

static uint64_t *set_word(const struct tally *tally, uint32_t rule, uint32_t shard)
{
	size_t words = tally->shard_count / SET_BITS + 1;

	return &tally->at[rule * words + shard / SET_BITS];
}

static void add_flow(const struct supervisor *sup, const struct worker *w,
		     const struct ingress_flow *flow, struct places *places, struct tally *tally)
{
	const struct reason why = {
		pending_why(&sup->links.pending, w, place_index(flow->token), false),
		links_flow_amiss(&sup->links, flow),
		flow->rule->standby ? "its rule stands by" : NULL, &tally->short_of_memory};
	struct flow_stats stats;
	struct part part = {.carried = lane_is_open(sup) &&
				       lane_reason(sup, &flow->rule->in) == FAST_REASON_NONE};
	struct fast_image_counts fast;

	figures_flow_parts(sup, flow, &stats, &fast);
	part.datagrams = fast.received;
	part.why = lane_is_open(sup) ? lane_why(sup, &flow->rule->in) : NULL;
	tally->consistent = tally->consistent && flow_agrees(&stats, relay_held(flow));
	places->relayed = flow->merge ? relay_offered(flow)
				      : stat_get(&stats.relayed) + stat_get(&stats.relayed_others);
	if (places->rule) {
		keep_flow(places->rule, &stats, &part, &why);
		if (flow->merge && tally_legs_add(&places->rule->legs, flow, &stats) < 0) {
			tally->short_of_memory = true;
		}
	}
	keep_flow(places->shard, &stats, &part, &why);
	keep_flow(places->all, &stats, &part, &why);
	keep_flow(iface_row(sup, flow->rule->in.at.ifname, tally), &stats, &part, &why);
}

static bool flow_agrees(const struct flow_stats *stats, uint64_t held)
{
	uint64_t drops = 0;

	for (int d = 0; d < FLOW_DROP_COUNT; d++) {
		drops += stat_get(&stats->drops[d]);
	}
	return stat_get(&stats->received) == stat_get(&stats->relayed) + drops + held;
}

static void keep_flow(struct tally_row *row, const struct flow_stats *stats,
		      const struct part *part, const struct reason *reason)
{
	report_keep_flow(&row->sums, stats);
	row->flows++;
	row->fast_flows += part->carried;
	row->fast_received += part->datagrams;
	row->fast_why = row->fast_why ? row->fast_why : part->why;
	keep_state(row, reason, &(const struct counts){&row->waiting_flows, &row->standby_flows});
}

static void add_output(const struct supervisor *sup, const struct worker *w,
		       const struct output_place *place, const struct places *places,
		       struct tally *tally)
{
	const struct egress_output *output = &place->output;
	const struct reason why = {
		pending_why(&sup->links.pending, w, place_index(output->token), true),
		links_output_amiss(&sup->links, output->rule),
		links_output_waits(&sup->links, output->rule), &tally->short_of_memory};
	struct output_stats read; /* once, so that all sums have the same of it */
	const struct output_stats *stats = &read;
	struct fast_output_counts fast;
	uint64_t before = figures_output_parts(sup, places->flow, place, &read, &fast);

	/* One that came later has been offered what was relayed since. */
	tally->consistent = tally->consistent && output_agrees(stats) &&
			    stat_get(&stats->offered) + before == places->relayed;
	if (places->rule) {
		keep_output(places->rule, stats, fast.sent, &why);
	}
	keep_output(places->shard, stats, fast.sent, &why);
	keep_output(places->all, stats, fast.sent, &why);
	keep_output(iface_row(sup, output->rule->out.to.ifname, tally), stats, fast.sent, &why);
}

static bool output_agrees(const struct output_stats *stats)
{
	uint64_t drops = 0;

	for (int d = 0; d < OUTPUT_DROP_COUNT; d++) {
		drops += stat_get(&stats->drops[d]);
	}
	return stat_get(&stats->offered) == stat_get(&stats->sent) + drops;
}

/* Each slot is in one place, each that was taken and not returned too, and none has leaked. */
static bool pools_agree(const struct shard *shard)
{
	bool agree = true;

	for (unsigned c = 0; c < POOL_CLASS_COUNT; c++) {
		const struct pool_class_stats *stats = &shard->stats->pool[c];
		uint64_t out = stat_get(&stats->in_ring) + stat_get(&stats->held);

		agree = agree && stat_get(&stats->free) + out == shard->pool.classes[c].count &&
			stat_get(&stats->taken) == stat_get(&stats->returned) + out &&
			stat_get(&stats->leaked) == 0;
	}
	return agree;
}

static void keep_output(struct tally_row *row, const struct output_stats *stats, uint64_t fast_sent,
			const struct reason *reason)
{
	report_keep_output(&row->sums, stats);
	row->outputs++;
	row->fast_sent += fast_sent;
	keep_state(row, reason,
		   &(const struct counts){&row->waiting_outputs, &row->standby_outputs});
}

/* `counts' are the row's. What stands by is as it should be, so that is no reason to tell. */
static void keep_state(struct tally_row *row, const struct reason *reason,
		       const struct counts *counts)
{
	const char *why = reason->pending ? reason->pending : reason->amiss;

	if (reason->pending) {
		(*counts->waiting)++;
	} else if (reason->amiss) {
		row->degraded++;
	} else if (reason->standby) {
		(*counts->standby)++;
	}
	if (why && !row->why) {
		row->why = strdup(why); /* who knows it may forget it */
		*reason->short_of_memory |= !row->why;
	}
}

/* The last row is that of flows and outputs that name none, and of names that are not known. */
static struct tally_row *iface_row(const struct supervisor *sup, const char *ifname,
				   struct tally *tally)
{
	const struct iface *iface = iface_find(&sup->setup->ifaces, ifname);

	return &tally->ifaces[iface ? iface - sup->setup->ifaces.list : tally->iface_count];
}

/* One more than `count', to be freed. Counters stand on cache lines of their own. */
static struct tally_row *new_rows(uint32_t count)
{
	size_t len = ((size_t)count + 1) * sizeof(struct tally_row);
	struct tally_row *rows = aligned_alloc(_Alignof(struct tally_row), len);

	if (rows) {
		memset(rows, 0, len);
	}
	return rows;
}

static void free_rows(struct tally_row *rows, uint32_t count)
{
	for (uint32_t i = 0; rows && i <= count; i++) {
		free(rows[i].why);
		free(rows[i].legs);
	}
	free(rows);
}
