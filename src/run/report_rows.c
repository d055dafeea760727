/* report_rows.c - see report_rows.h.
 *
 * The counters come from their tables (shard/counters.h, recheck.h), so a new one is in each row by
 * itself; what is written here is where each family stands. Control thread.
 */
#include "src/run/report_rows.h"

#include <jansson.h>

#include "src/fastpath/counts.h"
#include "src/run/figures.h"
#include "src/run/report_merge.h"
#include "src/run/spread.h"
#include "src/run/supervisor.h"

/* Why a row is not live, in words; NULL: it is not so. */
struct row_state {
	const char *pending, *amiss, *standby;
};

static void put_name(const struct supervisor *sup, const struct endpoint *to,
		     const struct report_want *want, json_t *row);
static void put_place(const struct worker *w, const struct report_want *want, json_t *row);
static void put_share(const struct supervisor *sup, const struct ingress_flow *flow,
		      const struct report_want *want, json_t *object);
static json_t *fast_flow(const struct supervisor *sup, const struct ingress_flow *flow);
static json_t *fast_output(const struct supervisor *sup, const struct report_spot *spot);
static void put_state(json_t *object, const struct report_want *want,
		      const struct row_state *state);

void report_put_shard(const struct worker *w, const struct report_want *want, json_t *row)
{
	const struct shard_stats *stats = w->shard->stats;

	put_place(w, want, row);
	if (report_wants(want, "placement")) {
		report_put(row, "placement", report_family(&recheck_counters, &w->placement));
	}
	if (report_wants(want, "ring_features")) {
		report_put_text(row, "ring_features", w->shard->features.text);
	}
	if (report_wants(want, "ring")) {
		report_put(row, "ring",
			   report_family(&counter_families[COUNTERS_RING], &stats->ring));
	}
	if (report_wants(want, "batches")) {
		report_put(row, "batches",
			   report_family(&counter_families[COUNTERS_BATCHES], &stats->batches));
	}
}

void report_put_pool(const struct shard *shard, unsigned class, const struct report_want *want,
		     json_t *row)
{
	const struct pool_class_state *cls = &shard->pool.classes[class];

	if (report_wants(want, "slots")) {
		report_put_number(row, "slots", cls->count);
	}
	if (report_wants(want, "payload_bytes")) {
		report_put_number(row, "payload_bytes", cls->payload_bytes);
	}
	report_put_family(row, &want->families[COUNTERS_POOL], &shard->stats->pool[class]);
}

void report_put_flow(const struct supervisor *sup, const struct worker *w,
		     const struct ingress_flow *flow, const struct report_want *want, json_t *row)
{
	const struct rule_ingress *in = &flow->rule->in;
	char text[ENDPOINT_TEXT_MAX];
	char source[RULE_SOURCE_TEXT_MAX];
	struct flow_stats stats;

	figures_flow(sup, flow, &stats);
	if (report_wants(want, "ingress")) {
		report_put_text(row, "ingress", endpoint_format(&in->at, text));
	}
	if (report_wants(want, "source")) {
		report_put(row, "source",
			   in->source.family ? report_text(rule_format_source(in, source))
					     : json_null());
	}
	if (report_wants(want, "shard")) {
		report_put_number(row, "shard", w->index);
	}
	put_state(row, want,
		  &(const struct row_state){
			  pending_why(&sup->links.pending, w, place_index(flow->token), false),
			  links_flow_amiss(&sup->links, flow),
			  flow->rule->standby ? "its rule stands by" : NULL});
	report_put_family(row, &want->families[COUNTERS_FLOW], &stats);
	if (lane_is_open(sup) && report_wants(want, "fast")) {
		report_put(row, "fast", fast_flow(sup, flow));
	}
	if (share_is_part(&flow->rule->share)) {
		put_share(sup, flow, want, row);
	}
	if (flow->merge) {
		report_put_leg(flow, want, row);
	}
	if (report_wants(want, "drops")) {
		report_put(row, "drops",
			   report_family(&counter_families[COUNTERS_FLOW_DROPS], &stats));
	}
}

void report_put_duty(const struct supervisor *sup, const char *rule, const struct report_want *want,
		     json_t *row)
{
	const struct duty_past *past = duty_past_of(&sup->changer.duty, rule);

	if (report_wants(want, "duty")) {
		report_put_text(row, "duty", duty_state_name(past ? past->state : DUTY_ABSENT));
	}
	if (report_wants(want, "ordered")) {
		report_put(row, "ordered", json_boolean(past && past->ordered));
	}
	if (report_wants(want, "takeovers")) {
		report_put_number(row, "takeovers", past ? past->takeovers : 0);
	}
	if (report_wants(want, "changed_s")) {
		report_put(row, "changed_s",
			   past && past->changed_s > 0 ? json_real(past->changed_s) : json_null());
	}
}

void report_put_output(const struct supervisor *sup, const struct report_spot *spot,
		       const struct report_want *want, json_t *row)
{
	const struct output_place *place = spot->place;
	char text[ENDPOINT_TEXT_MAX];
	struct output_stats stats;
	uint64_t before = figures_output(sup, spot->flow, place, &stats);

	if (report_wants(want, "to")) {
		report_put_text(row, "to", endpoint_format(&place->output.rule->out.to, text));
	}
	if (place->output.rule->out.to.name) {
		put_name(sup, &place->output.rule->out.to, want, row);
	}
	if (report_wants(want, "from")) {
		report_put_text(row, "from", addr_format(&place->got.local, text));
	}
	put_state(row, want,
		  &(const struct row_state){pending_why(&sup->links.pending, spot->w,
							place_index(place->output.token), true),
					    links_output_amiss(&sup->links, place->output.rule),
					    links_output_waits(&sup->links, place->output.rule)});
	report_put_family(row, &want->families[COUNTERS_OUTPUT], &stats);
	if (lane_is_open(sup) && report_wants(want, "fast")) {
		report_put(row, "fast", fast_output(sup, spot));
	}
	if (report_wants(want, "zerocopy")) {
		report_put(row, "zerocopy",
			   report_family(&counter_families[COUNTERS_OUTPUT_ZEROCOPY], &stats));
	}
	if (report_wants(want, "latency")) {
		report_put(row, "latency",
			   report_family(&counter_families[COUNTERS_OUTPUT_LATENCY], &stats));
	}
	if (report_wants(want, "drops")) {
		report_put(row, "drops",
			   report_family(&counter_families[COUNTERS_OUTPUT_DROPS], &stats));
	}
	if (report_wants(want, "relayed_before")) {
		report_put_number(row, "relayed_before", before);
	}
}

/* Of an output to a host by name: the address by now, and how it stands with the name. */
static void put_name(const struct supervisor *sup, const struct endpoint *to,
		     const struct report_want *want, json_t *row)
{
	const char *amiss = names_amiss(&sup->links.names, to->name);
	struct addr addr = to->addr;
	char text[ADDR_TEXT_MAX];

	addr.port = 0;
	if (report_wants(want, "address")) {
		report_put(row, "address",
			   endpoint_is_known(to) ? report_text(addr_format(&addr, text))
						 : json_null());
	}
	if (report_wants(want, "lookup")) {
		report_put_text(row, "lookup", amiss ? amiss : "ok");
	}
}

/* Where it is, and how it stands with its memory. */
static void put_place(const struct worker *w, const struct report_want *want, json_t *row)
{
	const struct {
		const char *name;
		json_t *value;
	} members[] = {
		{"shard", json_integer(w->index)},
		{"cpu", json_integer(w->cpu_os)},
		{"node", json_integer(w->node_os)},
		{"thread", json_integer(w->tid)},
		{"arena_bytes", json_integer((json_int_t)w->arena.len_bytes)},
		{"page_size", report_text(arena_huge_name(w->mem.got))},
		{"huge_degraded", json_boolean(w->mem.degraded)},
		{"verified", json_boolean(w->mem.verified)},
		{"pages", json_integer((json_int_t)w->mem.pages)},
		{"pages_misplaced", json_integer((json_int_t)w->mem.pages_misplaced)},
	};

	for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++) {
		if (report_wants(want, members[i].name)) {
			report_put(row, members[i].name, members[i].value);
		} else {
			json_decref(members[i].value);
		}
	}
}

/* What a shard takes of a divided flow, and what is known of its filter's refusals (spread.h). */
static void put_share(const struct supervisor *sup, const struct ingress_flow *flow,
		      const struct report_want *want, json_t *object)
{
	const struct share *share = &flow->rule->share;
	json_t *part = json_object();
	struct spread_account account;

	report_put_text(part, "by", share_by_name((enum share_by)share->by));
	report_put_number(part, "share", share->index);
	report_put_number(part, "shares", share->count);
	if (share_is_filtered(share, &flow->rule->in.at.addr)) {
		spread_account(sup, flow, &account);
		report_put_number(part, "pieces", account.pieces);
		report_put_number(part, "outside", account.outside);
	}
	if (report_wants(want, "spread")) {
		report_put(object, "spread", part);
	} else {
		json_decref(part);
	}
}

/* What the program has counted of a flow, and whether it carries it now. */
static json_t *fast_flow(const struct supervisor *sup, const struct ingress_flow *flow)
{
	enum fast_reason reason = lane_reason(sup, &flow->rule->in);
	struct fast_flow_counts counts;
	json_t *object;

	lane_read_flow(sup, flow, &counts);
	object = report_family(&fast_flow_counters, &counts);
	report_put(object, "carried", json_boolean(reason == FAST_REASON_NONE));
	report_put(object, "reason",
		   reason == FAST_REASON_NONE ? json_null()
					      : report_text(fast_reason_text(reason)));
	return object;
}

static json_t *fast_output(const struct supervisor *sup, const struct report_spot *spot)
{
	struct fast_output_counts counts;
	uint64_t before;

	lane_read_output(sup, &spot->flow->rule->in, &spot->place->output.rule->out.to, &counts,
			 &before);
	return report_family(&fast_output_counters, &counts);
}

static void put_state(json_t *object, const struct report_want *want, const struct row_state *state)
{
	const char *why = state->pending ? state->pending
			  : state->amiss ? state->amiss
					 : state->standby;

	if (report_wants(want, "state")) {
		report_put_text(object, "state",
				state->pending   ? "pending"
				: state->amiss   ? "degraded"
				: state->standby ? "standby"
						 : "live");
	}
	if (report_wants(want, "reason")) {
		report_put(object, "reason", why ? report_text(why) : json_null());
	}
}
