/* rebalance.c - see rebalance.h.
 *
 * A window is two looks at all counters. By itself it begins one when a second was uneven, and
 * gives it up at the first second that was not: so a whole window means that it was uneven all the
 * while. What is seen each second is the sums of the shards, which no change of rules leaves
 * comparable: after one it begins again.
 */
#include "src/run/rebalance.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "src/base/clock.h"
#include "src/rules/index.h"
#include "src/run/supervisor.h"

#define LOOK_NS   NS_PER_S
#define MOVES_MAX 1024                     /* of one rebalance; more by the next */
#define TRIFLE    (1000 * RATE_CALL_BYTES) /* work of a second that no shard suffers from */
#define SAID_MAX  20                       /* moves in the log, one by one */

/* All that one finding is made of. */
struct found {
	struct rebalance_finding finding;
	struct rates rates;
	struct plan_part *parts;
	struct plan_flow *flows;
	int *nodes_os;
	struct plan_moves moves;
};

static bool is_quiet(const struct supervisor *sup);
static int begin(struct rebalance *r, uint64_t now_ns, uint64_t window_ns, double tolerance);
static void forget(struct rebalance *r);
static void end_window(struct rebalance *r, uint64_t now_ns);
static int find(struct rebalance *r, uint64_t now_ns, struct found *f);
static int look_back(struct rebalance *r, uint64_t now_ns, struct found *f);
static void note_rates(const struct rebalance *r, struct found *f, const struct conf_index *index);
static void note_rate(struct found *f, const struct plan *plan, uint32_t flow,
		      const struct rate *rate);
static bool must_stay(const struct conf *conf, uint32_t flow);
static void free_found(struct found *f);
static int move(struct rebalance *r, const struct found *f, struct err *err);
static void moved(void *context, int rc, const struct err *text);
static void log_moves(const struct rebalance_finding *finding);
static void tell(struct rebalance *r, int rc, const struct err *text);
static void look_by_itself(struct rebalance *r, uint64_t now_ns);
static bool was_uneven(struct rebalance *r, uint64_t now_ns, double ratio);
static void log_found(void *context, const struct rebalance_finding *finding);
static void log_done(void *context, int rc, const struct err *text);
static double in_means(const struct rebalance_finding *finding, uint32_t shard);

int rebalance_begin(struct rebalance *r, uint64_t window_ns, bool dry_run,
		    const struct rebalance_client *client, struct err *err)
{
	int rc;

	if (r->until_ns > 0 && r->by_itself) {
		forget(r);
		r->client = (struct rebalance_client){0};
	}
	if (r->client.done || !is_quiet(r->sup)) {
		err_set(err, "another change is under way; try again");
		return -EBUSY;
	}
	rc = begin(r, clock_now_ns(), window_ns, REBALANCE_TOLERANCE);
	if (rc < 0) {
		err_set(err, "rebalance: out of memory");
		return rc;
	}
	r->client = *client;
	r->dry_run = dry_run;
	r->by_itself = false;
	return 0;
}

void rebalance_tick(struct rebalance *r, uint64_t now_ns)
{
	if (!is_quiet(r->sup)) {
		return;
	}
	if (now_ns - r->seen_ns >= LOOK_NS) {
		look_by_itself(r, now_ns);
	}
	if (r->until_ns > 0 && now_ns >= r->until_ns) {
		end_window(r, now_ns);
	}
}

int rebalance_sleep_ms(const struct rebalance *r, uint64_t now_ns, int most_ms)
{
	uint64_t left_ms = r->until_ns > now_ns ? (r->until_ns - now_ns) / NS_PER_MS + 1 : 0;

	return r->until_ns == 0 || left_ms > (uint64_t)most_ms ? most_ms : (int)left_ms;
}

void rebalance_end(struct rebalance *r)
{
	struct err text = {0};

	if (r->client.done && !r->by_itself) {
		err_set(&text, "the relay is ending");
		tell(r, -ESHUTDOWN, &text);
	}
	forget(r);
	free(r->seen_work);
	*r = (struct rebalance){0};
}

void rebalance_why(const struct rebalance_finding *finding, const struct plan_move *move,
		   struct err *out)
{
	err_set(out, "shard %u carries %.2f times the mean, shard %u %.2f times", move->from,
		in_means(finding, move->from), move->to, in_means(finding, move->to));
}

/* Whether no shard has a message, by which its places may change. */
static bool is_quiet(const struct supervisor *sup)
{
	for (uint32_t s = 0; s < sup->worker_count; s++) {
		if (sup->workers[s].mailbox.waiting) {
			return false;
		}
	}
	return true;
}

static int begin(struct rebalance *r, uint64_t now_ns, uint64_t window_ns, double tolerance)
{
	int rc = rates_take(r->sup, now_ns, &r->before);

	if (rc == 0) {
		r->until_ns = now_ns + window_ns;
		r->tolerance = tolerance;
	}
	return rc;
}

static void forget(struct rebalance *r)
{
	rates_free(&r->before);
	r->until_ns = 0;
	r->by_itself = false;
}

static void end_window(struct rebalance *r, uint64_t now_ns)
{
	struct found f = {0};
	struct err text = {0};
	bool wait = false;
	int rc = find(r, now_ns, &f);

	r->pause_ns = r->by_itself && (rc < 0 || f.moves.count == 0) ? now_ns + REBALANCE_PAUSE_NS
								     : r->pause_ns;
	forget(r);
	if (rc < 0) {
		err_set(&text, "rebalance: out of memory");
	} else {
		r->client.found(r->client.context, &f.finding);
		if (!r->dry_run) {
			log_moves(&f.finding);
		}
		if (f.moves.count == 0) {
			err_set(&text, "nothing is to be moved");
		} else if (r->dry_run) {
			err_set(&text, "%u flows would move", f.moves.count);
		} else {
			rc = move(r, &f, &text);
			wait = rc == 0;
		}
	}
	free_found(&f);
	if (!wait) {
		tell(r, rc, &text);
	}
}

static int find(struct rebalance *r, uint64_t now_ns, struct found *f)
{
	const struct setup *setup = r->sup->setup;
	const struct plan_moves_policy policy = {
		.tolerance = r->tolerance, .balance = setup->opt->balance, .most = MOVES_MAX};
	int rc = look_back(r, now_ns, f);

	if (rc == 0) {
		rc = plan_moves_find(&setup->topo, &setup->plan, f->nodes_os, f->parts, &policy,
				     &f->moves);
	}
	f->finding.plan = &setup->plan;
	f->finding.conf = &setup->opt->conf;
	f->finding.parts = f->parts;
	f->finding.moves = &f->moves;
	f->finding.seconds = (double)(now_ns - r->before.at_ns) / NS_PER_S;
	return rc;
}

/* What each owner of the plan has carried since the window began. */
static int look_back(struct rebalance *r, uint64_t now_ns, struct found *f)
{
	const struct setup *setup = r->sup->setup;
	const struct plan *plan = &setup->plan;
	size_t owners = plan->first_owner[plan->flow_count] + 1UL;
	struct conf_index index;
	int rc = rates_take(r->sup, now_ns, &f->rates);

	f->parts = calloc(owners, sizeof(*f->parts));
	f->finding.rates = calloc(owners, sizeof(const struct rate *));
	f->nodes_os = calloc(plan->flow_count + 1UL, sizeof(*f->nodes_os));
	f->flows = layout_plan_flows(&setup->opt->conf, &setup->ifaces);
	if (rc < 0 || !f->parts || !f->finding.rates || !f->nodes_os || !f->flows ||
	    conf_index_build(&setup->opt->conf, &index) < 0) {
		return -ENOMEM;
	}
	rates_since(&f->rates, &r->before);
	note_rates(r, f, &index);
	conf_index_free(&index);
	for (uint32_t i = 0; i < plan->flow_count; i++) {
		f->nodes_os[i] = f->flows[i].node_os;
		for (uint32_t o = plan->first_owner[i]; o < plan->first_owner[i + 1]; o++) {
			f->parts[o].fixed = must_stay(&setup->opt->conf, i);
		}
	}
	return 0;
}

static void note_rates(const struct rebalance *r, struct found *f, const struct conf_index *index)
{
	const struct setup *setup = r->sup->setup;

	for (uint32_t i = 0; i < f->rates.count; i++) {
		const struct conf_flow *flow = conf_index_find(index, &f->rates.list[i].in);

		if (flow) {
			note_rate(f, &setup->plan, (uint32_t)(flow - setup->opt->conf.flows),
				  &f->rates.list[i]);
		}
	}
}

static void note_rate(struct found *f, const struct plan *plan, uint32_t flow,
		      const struct rate *rate)
{
	for (uint32_t o = plan->first_owner[flow]; o < plan->first_owner[flow + 1]; o++) {
		if (plan->owners[o].shard == rate->shard) {
			f->parts[o].load = rate->work;
			f->finding.rates[o] = rate;
		}
	}
}

/* The shares of a flow became ready together, each for its shard (spread.h); the legs of a merge
 * are one shard's. */
static bool must_stay(const struct conf *conf, uint32_t flow)
{
	const struct conf_rule *rule = &conf->rules[conf->flows[flow].rule];

	return rule->shard != CONF_SHARD_ANY || rule->merge.method != MERGE_OFF ||
	       (rule->spread > 1 && rule->by != SHARE_BY_OUTPUTS);
}

static void free_found(struct found *f)
{
	rates_free(&f->rates);
	free(f->parts);
	free(f->finding.rates);
	free(f->nodes_os);
	free(f->flows);
	plan_moves_free(&f->moves);
}

/* The plan that runs, with other owners, is what the reload keeps to. */
static int move(struct rebalance *r, const struct found *f, struct err *err)
{
	const struct reload_client client = {.done = moved, .context = r};
	struct plan plan = r->sup->setup->plan;
	size_t bytes = plan.first_owner[plan.flow_count] * sizeof(*plan.owners);
	int rc = -ENOMEM;

	plan.owners = malloc(bytes);
	if (!plan.owners) {
		err_set(err, "rebalance: out of memory");
		return rc;
	}
	memcpy(plan.owners, r->sup->setup->plan.owners, bytes);
	for (uint32_t i = 0; i < f->moves.count; i++) {
		plan.owners[f->moves.moves[i].owner].shard = f->moves.moves[i].to;
	}
	rc = reload_move(&r->sup->reload, &plan, &client, err);
	free(plan.owners);
	return rc;
}

static void moved(void *context, int rc, const struct err *text)
{
	tell(context, rc, text);
}

static void log_moves(const struct rebalance_finding *finding)
{
	const struct plan_moves *moves = finding->moves;

	for (uint32_t i = 0; i < moves->count && i < SAID_MAX; i++) {
		const struct plan_move *move = &moves->moves[i];
		char at[ENDPOINT_TEXT_MAX];
		struct err why;

		rebalance_why(finding, move, &why);
		log_notice("rebalance: %s goes from shard %u to shard %u: %s",
			   endpoint_format(&finding->conf->flows[move->flow].in.at, at), move->from,
			   move->to, why.text);
	}
	if (moves->count > SAID_MAX) {
		log_notice("rebalance: %u more flows go to other shards", moves->count - SAID_MAX);
	}
}

/* Whoever is told may begin the next one. */
static void tell(struct rebalance *r, int rc, const struct err *text)
{
	struct rebalance_client client = r->client;

	r->client = (struct rebalance_client){0};
	client.done(client.context, rc, text);
}

/* Each second, with --rebalance auto=RATIO. */
static void look_by_itself(struct rebalance *r, uint64_t now_ns)
{
	const struct rebalance_client client = {log_found, log_done, r->sup};
	double ratio = r->sup->setup->opt->rebalance;
	bool uneven = ratio > 0 && was_uneven(r, now_ns, ratio);

	r->seen_ns = now_ns;
	if (r->by_itself && r->until_ns > 0 && !uneven) {
		forget(r);
		r->client = (struct rebalance_client){0};
	} else if (uneven && r->until_ns == 0 && !r->client.done && now_ns >= r->pause_ns &&
		   begin(r, now_ns, REBALANCE_AUTO_NS, ratio) == 0) {
		r->client = client;
		r->dry_run = false;
		r->by_itself = true;
	}
}

/* Since the last look. */
static bool was_uneven(struct rebalance *r, uint64_t now_ns, double ratio)
{
	uint32_t count = r->sup->worker_count;
	bool comparable = r->seen_setup == r->sup->setup;
	uint64_t grown[SHARDS_MAX], most = 0;

	if (!r->seen_work) {
		r->seen_work = calloc(count, sizeof(*r->seen_work));
	}
	if (!r->seen_work) {
		return false;
	}
	for (uint32_t s = 0; s < count; s++) {
		uint64_t work = rates_work_of(r->sup->workers[s].shard);

		grown[s] = work - r->seen_work[s];
		most = grown[s] > most ? grown[s] : most;
		r->seen_work[s] = work;
	}
	r->seen_setup = r->sup->setup;
	return comparable && plan_moves_peak(grown, count) > ratio &&
	       (double)most * NS_PER_S > (double)TRIFLE * (double)(now_ns - r->seen_ns);
}

static void log_found(void *context, const struct rebalance_finding *finding)
{
	(void)context;
	if (finding->moves->count == 0) {
		log_notice("rebalance: one shard carries %.2f times the mean, and no flow that may "
			   "move would make it better; it is tried again in 10 minutes",
			   plan_moves_peak(finding->moves->before, finding->plan->shard_count));
	}
}

static void log_done(void *context, int rc, const struct err *text)
{
	struct supervisor *sup = context;

	if (rc < 0) {
		log_error("rebalance: not done: %s", text->text);
	} else {
		log_notice("rebalance: done: %s", text->text);
	}
	history_note(&sup->history, "--rebalance auto", "rebalance", rc < 0 ? text->text : "done");
}

static double in_means(const struct rebalance_finding *finding, uint32_t shard)
{
	const struct plan_moves *moves = finding->moves;

	return moves->total > 0 ? (double)moves->before[shard] * finding->plan->shard_count /
					  (double)moves->total
				: 0;
}
