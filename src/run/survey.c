/* survey.c - see survey.h. */
#include "src/run/survey.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "shard/relay_merge.h"
#include "src/base/clock.h"
#include "src/base/must.h"
#include "src/fastpath/counts.h"
#include "src/run/figures.h"
#include "src/run/reasons.h"
#include "src/run/refusals.h"
#include "src/run/report_rows.h"
#include "src/run/status.h"
#include "src/run/supervisor.h"
#include "src/web/snapshot.h"
#include "src/web/web.h"

static_assert(sizeof(struct recheck) <= SNAPSHOT_PLACEMENT_SIZE, "it is copied whole");
static_assert(sizeof(struct fast_flow_counts) <= SNAPSHOT_FAST_SIZE, "so is this");
static_assert(sizeof(struct fast_output_counts) <= SNAPSHOT_FAST_SIZE, "and this");

static void make_texts(struct survey *survey, struct supervisor *sup, struct web *web);
static bool find_text(struct web *web, enum web_part *out);
static bool begin_texts(struct survey *survey, const struct supervisor *sup);
static bool put_text(struct survey *survey, struct supervisor *sup, struct web *web,
		     enum web_part part, uint32_t most);
static void stop_texts(struct survey *survey);
static bool begin(struct survey *survey, const struct supervisor *sup);
static void copy_all_else(struct survey *survey, const struct supervisor *sup);
static void copy_rules(struct survey *survey, const struct supervisor *sup);
static void copy_shard(struct survey *survey, const struct worker *w, struct snapshot_shard *to);
static void take_reason(void *context, const char *text);
static bool copy_flows(struct survey *survey, const struct supervisor *sup, uint32_t most);
static void copy_flow(struct survey *survey, const struct supervisor *sup, const struct worker *w,
		      const struct ingress_flow *flow);
static void copy_output(struct survey *survey, const struct supervisor *sup,
			const struct report_spot *spot);
static void hand_over(struct survey *survey, struct web *web);
static char *copy_text(struct survey *survey, const char *text);
static void stop(struct survey *survey);

bool survey_is_busy(const struct survey *survey)
{
	return survey->making != NULL || survey->tallying;
}

void survey_tick(struct survey *survey, struct supervisor *sup, struct web *web)
{
	uint32_t most;

	make_texts(survey, sup, web);
	if (survey->making && survey->changes != sup->changer.lists) {
		stop(survey);
		survey->tries++;
	}
	if (!survey->making && !web_wants(web, WEB_SNAPSHOT)) {
		return;
	}
	if (!survey->making && !begin(survey, sup)) {
		web_put(web, WEB_SNAPSHOT, NULL, 0);
		return;
	}
	most = survey->tries < SURVEY_TRIES ? SURVEY_PIECE : UINT32_MAX;
	if (copy_flows(survey, sup, most)) {
		copy_all_else(survey, sup);
		hand_over(survey, web);
	}
}

void survey_free(struct survey *survey)
{
	stop(survey);
	stop_texts(survey);
}

/* One at a time: who answers HTTP waits for one. */
static void make_texts(struct survey *survey, struct supervisor *sup, struct web *web)
{
	enum web_part part;
	bool patient;

	if (survey->tallying && survey->tally_changes != sup->changer.lists) {
		stop_texts(survey);
		survey->tally_tries++;
	}
	if (!find_text(web, &part)) {
		stop_texts(survey);
		return;
	}
	if (!survey->tallying && !begin_texts(survey, sup)) {
		web_put(web, part, NULL, 0);
		return;
	}
	patient = survey->tally_tries < SURVEY_TRIES;
	if (!survey->tallied) {
		survey->tallied =
			tally_add(sup, &survey->tally, patient ? SURVEY_PIECE : UINT32_MAX);
	}
	if (survey->tally.short_of_memory) {
		web_put(web, part, NULL, 0);
		stop_texts(survey);
		return;
	}
	if (survey->tallied &&
	    put_text(survey, sup, web, part, patient ? SURVEY_ROWS : UINT32_MAX)) {
		stop_texts(survey);
		survey->tally_tries = 0;
	}
}

/* The first that is wanted. */
static bool find_text(struct web *web, enum web_part *out)
{
	for (int part = WEB_STATUS; part <= WEB_PLAN_NARROW; part++) {
		if (web_wants(web, (enum web_part)part)) {
			*out = (enum web_part)part;
			return true;
		}
	}
	return false;
}

static bool begin_texts(struct survey *survey, const struct supervisor *sup)
{
	survey->tallying = true;
	survey->tally_changes = sup->changer.lists;
	if (tally_begin(sup, &survey->tally) < 0) {
		stop_texts(survey);
		return false;
	}
	return true;
}

/* Or some rows of it; whether it is handed over. */
static bool put_text(struct survey *survey, struct supervisor *sup, struct web *web,
		     enum web_part part, uint32_t most)
{
	static const double widths[] = WEB_PLAN_WIDTHS;
	size_t len = 0;
	char *text = NULL;

	if (part != WEB_STATUS) {
		text = scene_text(&sup->scene, sup, &survey->tally, widths[part - WEB_PLAN], &len);
	} else if (survey->status.out || status_begin(&survey->status, sup, &survey->tally) == 0) {
		if (!status_add(&survey->status, sup, &survey->tally, most)) {
			return false;
		}
		text = status_take(&survey->status, &len);
	}
	web_put(web, part, text, len);
	return true;
}

static void stop_texts(struct survey *survey)
{
	tally_free(&survey->tally);
	status_free(&survey->status);
	survey->tallying = survey->tallied = false;
}

/* Room for all places, though some of them may be free. */
static bool begin(struct survey *survey, const struct supervisor *sup)
{
	const struct conf *conf = &sup->setup->opt->conf;
	uint32_t flows = 0, outputs = 0;

	for (uint32_t s = 0; s < sup->worker_count; s++) {
		flows += sup->workers[s].shard->relay.place_count;
		outputs += sup->workers[s].shard->egress.place_count;
	}
	survey->making = snapshot_new(sup->worker_count, conf->rule_count, flows, outputs);
	if (!survey->making || conf_index_build(conf, &survey->index) < 0) {
		stop(survey);
		return false;
	}
	survey->flow_room = flows;
	survey->output_room = outputs;
	survey->worker = survey->place = 0;
	survey->short_of_memory = false;
	survey->changes = sup->changer.lists;
	return true;
}

static void copy_all_else(struct survey *survey, const struct supervisor *sup)
{
	struct snapshot *snapshot = survey->making;
	uint64_t now_ns = clock_now_ns();
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	snapshot->uptime_ns = now_ns - sup->started_ns;
	if (survey->started_s == 0) {
		survey->started_s = (double)now.tv_sec + (double)now.tv_nsec / NS_PER_S -
				    (double)snapshot->uptime_ns / NS_PER_S;
	}
	snapshot->started_s = survey->started_s;
	snapshot->engine = ring_engine_name(sup->setup->engine);
	snapshot->draining = sup->draining || sup->drain_asked;
	snapshot->changes = sup->history.count;
	snapshot->members = sup->setup->partition.members.count;
	snapshot->members_hash = sup->setup->partition.members.hash;
	snapshot->member = copy_text(survey, sup->setup->opt->member);
	snapshot->disabled = sup->disabled.rule_count;
	for (int kind = 0; kind < CONFINE_COUNT; kind++) {
		snapshot->refused[kind] = refusals_count((enum confine_kind)kind);
	}
	snapshot->gone_flows = sup->gone.flows;
	snapshot->gone_outputs = sup->gone.outputs;
	snapshot->rows = (struct snapshot_rows){&recheck_counters, &fast_flow_counters,
						&fast_output_counters};
	snapshot->fast = lane_is_open(sup);
	snapshot->timed = sup->setup->opt->latency_sample > 0;
	copy_rules(survey, sup);
	for (uint32_t s = 0; s < sup->worker_count; s++) {
		copy_shard(survey, &sup->workers[s], &snapshot->shards[s]);
		snapshot->shard_count++;
	}
	snapshot->reasons = calloc(REASONS_MAX + 1, sizeof(*snapshot->reasons));
	if (!snapshot->reasons) {
		survey->short_of_memory = true;
		return;
	}
	snapshot->failures = reasons_tell(sup, take_reason, survey);
}

static void copy_rules(struct survey *survey, const struct supervisor *sup)
{
	const struct conf *conf = &sup->setup->opt->conf;
	struct snapshot *snapshot = survey->making;

	for (uint32_t r = 0; r < conf->rule_count; r++) {
		const struct duty_past *past =
			duty_past_of(&sup->changer.duty, conf->rules[r].name);

		snapshot->rules[r] = (struct snapshot_rule){
			.name = copy_text(survey, conf->rules[r].name),
			.text = copy_text(survey, conf->rules[r].text),
			.where = copy_text(survey, conf->rules[r].where),
			.state = past ? past->state : DUTY_ABSENT,
			.takeovers = past ? past->takeovers : 0,
			.changed_s = past ? past->changed_s : 0,
		};
	}
	snapshot->rule_count = conf->rule_count;
}

static void copy_shard(struct survey *survey, const struct worker *w, struct snapshot_shard *to)
{
	const struct shard *shard = w->shard;
	struct err err;

	figures_copy(&to->ring, &shard->stats->ring, sizeof(to->ring));
	figures_copy(&to->batches, &shard->stats->batches, sizeof(to->batches));
	for (unsigned c = 0; c < POOL_CLASS_COUNT; c++) {
		figures_copy(&to->pool[c].stats, &shard->stats->pool[c], sizeof(to->pool[c].stats));
		to->pool[c].slots = shard->pool.classes[c].count;
		to->pool[c].payload_bytes = shard->pool.classes[c].payload_bytes;
	}
	memcpy(to->placement, &w->placement, sizeof(w->placement));
	to->cpu_os = w->cpu_os;
	to->node_os = w->node_os;
	to->tid = w->tid;
	to->arena_bytes = w->arena.len_bytes;
	to->page_size = arena_huge_name(w->mem.got);
	to->huge_degraded = w->mem.degraded;
	to->verified = w->mem.verified;
	to->failed = worker_failure(w, &err) < 0;
	to->pages = w->mem.pages;
	to->pages_misplaced = w->mem.pages_misplaced;
	to->features = copy_text(survey, shard->features.text);
}

static void take_reason(void *context, const char *text)
{
	struct survey *survey = context;
	struct snapshot *snapshot = survey->making;

	snapshot->reasons[snapshot->reason_count++] = copy_text(survey, text);
}

/* At most so many places of flows, free ones as well; whether that was the last. */
static bool copy_flows(struct survey *survey, const struct supervisor *sup, uint32_t most)
{
	while (survey->worker < sup->worker_count) {
		const struct worker *w = &sup->workers[survey->worker];

		for (; survey->place < w->shard->relay.place_count; survey->place++, most--) {
			const struct ingress_flow *flow =
				&shard_flow(w->shard, survey->place)->flow;

			if (most == 0) {
				return false;
			}
			if (flow->rule) {
				copy_flow(survey, sup, w, flow);
			}
		}
		survey->worker++;
		survey->place = 0;
	}
	return true;
}

static void copy_flow(struct survey *survey, const struct supervisor *sup, const struct worker *w,
		      const struct ingress_flow *flow)
{
	struct snapshot *snapshot = survey->making;
	struct snapshot_flow *to = &snapshot->flows[snapshot->flow_count];
	const struct conf_flow *known = conf_index_find(&survey->index, &flow->rule->in);

	must(snapshot->flow_count < survey->flow_room);
	figures_flow(sup, flow, &to->stats);
	to->in = flow->rule->in;
	to->share = flow->rule->share;
	to->share.cpus_os = NULL;
	to->rule = known ? known->rule : SNAPSHOT_NO_RULE;
	to->shard = w->index;
	to->first_output = snapshot->output_count;
	to->why = copy_text(survey,
			    pending_why(&sup->links.pending, w, place_index(flow->token), false));
	if (flow->merge) {
		const struct merge *merge = flow->merge->merge;

		to->merged = true;
		to->leg = flow->rule->leg;
		figures_copy(&to->leg_stats, merge->legs[to->leg].stats, sizeof(to->leg_stats));
		figures_copy(&to->merge_stats, merge->stats, sizeof(to->merge_stats));
	}
	to->degraded = !to->why && links_flow_amiss(&sup->links, flow) != NULL;
	if (lane_is_open(sup)) {
		struct fast_flow_counts counts;

		lane_read_flow(sup, flow, &counts);
		memcpy(to->fast, &counts, sizeof(counts));
		to->carried = lane_reason(sup, &flow->rule->in) == FAST_REASON_NONE;
		to->by_shard = lane_why(sup, &flow->rule->in);
	}
	for (uint32_t o = flow->first_output; o != PLACE_NONE;) {
		const struct report_spot spot = {w, flow, shard_output(w->shard, o)};

		copy_output(survey, sup, &spot);
		o = spot.place->output.sibling;
	}
	to->output_count = snapshot->output_count - to->first_output;
	snapshot->flow_count++;
}

static void copy_output(struct survey *survey, const struct supervisor *sup,
			const struct report_spot *spot)
{
	struct snapshot *snapshot = survey->making;
	struct snapshot_output *to = &snapshot->outputs[snapshot->output_count];
	const struct output_place *place = spot->place;

	must(snapshot->output_count < survey->output_room);
	to->relayed_before = figures_output(sup, spot->flow, place, &to->stats);
	to->to = place->output.rule->out.to;
	to->from = place->got.local;
	to->flow = snapshot->flow_count;
	to->why = copy_text(survey, pending_why(&sup->links.pending, spot->w,
						place_index(place->output.token), true));
	to->degraded = !to->why && links_output_amiss(&sup->links, place->output.rule) != NULL;
	if (lane_is_open(sup)) {
		struct fast_output_counts counts;
		uint64_t ignored;

		lane_read_output(sup, &spot->flow->rule->in, &to->to, &counts, &ignored);
		memcpy(to->fast, &counts, sizeof(counts));
	}
	snapshot->output_count++;
}

/* Of which a part may be missing: then nothing is handed over, and who waits need not. */
static void hand_over(struct survey *survey, struct web *web)
{
	struct snapshot *made = survey->making;

	if (survey->short_of_memory) {
		snapshot_free(made);
		made = NULL;
	}
	survey->making = NULL;
	survey->tries = 0;
	web_put(web, WEB_SNAPSHOT, made, 0);
	stop(survey);
}

static char *copy_text(struct survey *survey, const char *text)
{
	char *copy = text ? strdup(text) : NULL;

	survey->short_of_memory |= text && !copy;
	return copy;
}

static void stop(struct survey *survey)
{
	snapshot_free(survey->making);
	survey->making = NULL;
	conf_index_free(&survey->index);
	survey->index = (struct conf_index){0};
}
