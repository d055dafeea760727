/* difference.c - compares two layouts. See difference.h.
 *
 * Each flow stands in one list, with where it is and where it is to be (difference_match.h). Steps
 * of each kind are gathered over that list, kind after kind: it is walked once for each kind, which
 * costs little and needs no sorting of steps.
 */
#include "src/setup/difference.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "src/base/must.h"
#include "src/setup/difference_match.h"

#define CUTS_AT_ONCE 128 /* flows, or a few more: what comes meanwhile waits for all of them */

/* All that a walk knows. */
struct walk {
	struct difference *out;
	const struct layout *running, *wanted;
	struct difference_matches matches;
	const struct rule_ingress **before; /* all running flows of all shards, sorted */
	uint32_t before_count;
	uint32_t room;
	bool failed; /* out of memory */
};

/* What a walk does with a flow. */
typedef void visit(struct walk *walk, const struct difference_match *match);

static int list_before(struct walk *walk);
static int compare_ingresses(const void *left, const void *right);
static void walk_all(struct walk *walk, visit *look);
static void walk_cuts(struct walk *walk, struct difference_match *const *cuts, uint32_t count);
static visit cut_what_goes;
static visit remove_what_goes;
static visit remove_outputs;
static uint32_t shard_of_had(const struct difference_match *match);
static void set_merges(struct walk *walk);
static visit move_what_moves;
static visit join_what_comes;
static visit change_what_stays;
static visit add_what_comes;
static void add_flow(struct walk *walk, const struct difference_match *match, bool with_outputs);
static const struct rule_table_output *find_output(const struct rule_table *table,
						   const struct rule_flow *flow, uint32_t hint,
						   const struct rule_output *out);
static bool ran_before(const struct walk *walk, const struct rule_ingress *in);
static void sort_moves(struct difference *out);
static int compare_moves(const void *left, const void *right);
static void add_step(struct walk *walk, struct difference_step step);

int difference_build(const struct layout *running, const struct layout *wanted,
		     struct difference *out)
{
	struct difference built = {0};
	struct walk walk = {.out = &built,
			    .running = running,
			    .wanted = wanted,
			    .matches = {.running = running, .wanted = wanted}};
	struct difference_match **cuts;
	uint32_t cut_count = 0;
	int rc;

	must(running->shard_count == wanted->shard_count);
	rc = difference_match(&walk.matches);
	rc = rc == 0 ? difference_group(&walk.matches, &built.groups) : rc;
	if (rc == 0) {
		rc = list_before(&walk);
	}
	cuts = rc == 0 ? difference_cuts(&walk.matches, &cut_count) : NULL;
	rc = rc == 0 && !cuts ? -ENOMEM : rc;
	if (rc == 0) {
		walk_all(&walk, remove_outputs);
		set_merges(&walk);
		walk_all(&walk, remove_what_goes);
		built.first_move = built.count;
		walk_all(&walk, move_what_moves);
		if (!walk.failed) {
			sort_moves(&built);
		}
		walk_all(&walk, join_what_comes);
		walk_all(&walk, change_what_stays);
		walk_all(&walk, add_what_comes);
		walk_cuts(&walk, cuts, cut_count);
		rc = walk.failed ? -ENOMEM : 0;
	}
	free(cuts);
	free(walk.matches.list);
	free(walk.before);
	if (rc < 0) {
		difference_free(&built);
		return rc;
	}
	*out = built;
	return 0;
}

void difference_free(struct difference *difference)
{
	free(difference->steps);
	free(difference->groups.list);
	*difference = (struct difference){0};
}

uint32_t difference_runs_at(const struct difference *difference, uint32_t shard, uint32_t flow)
{
	struct difference_step key = {.shard = shard, .flow = flow};
	const struct difference_step *move = NULL;

	if (difference->flows_moved > 0) {
		move = bsearch(&key, difference->steps + difference->first_move,
			       difference->flows_moved, sizeof(key), compare_moves);
	}
	return move ? move->from : shard;
}

/* The address of a name may be another one. A socket follows hop limit, DSCP, priority and
 * loopback, the shard the rest; where it is bound to and by which interface it sends is decided
 * when it is opened, and so is a priority that is left to the kernel. What has become of an
 * interface, its index and its MTU, is nobody's change here.
 */
int difference_of_output(const struct rule_table_output *running,
			 const struct rule_table_output *wanted)
{
	const struct rule_output *a = &running->out, *b = &wanted->out;

	if (a->sport != b->sport || a->src_keep != b->src_keep || a->sport_keep != b->sport_keep ||
	    a->df != b->df || a->mtu != b->mtu || a->reply != b->reply ||
	    !addr_equal(&a->src, &b->src) || !addr_equal(&a->to.addr, &b->to.addr) ||
	    (a->priority != b->priority && b->priority == RULE_AUTO)) {
		return DIFFERENCE_REPLACE_OUTPUT;
	}
	if (a->rate_bps != b->rate_bps || a->ttl_mode != b->ttl_mode || a->ttl != b->ttl ||
	    a->dscp != b->dscp || a->priority != b->priority || a->gso != b->gso ||
	    a->local != b->local) {
		return DIFFERENCE_SET_OUTPUT;
	}
	return -1;
}

static int list_before(struct walk *walk)
{
	const struct layout *running = walk->running;
	uint32_t count = difference_flows(running);

	walk->before = calloc(count + 1UL, sizeof(const struct rule_ingress *));
	if (!walk->before) {
		return -ENOMEM;
	}
	for (uint32_t s = 0; s < running->shard_count; s++) {
		for (uint32_t i = 0; i < running->tables[s].flow_count; i++) {
			walk->before[walk->before_count++] = &running->tables[s].flows[i].in;
		}
	}
	qsort(walk->before, count, sizeof(const struct rule_ingress *), compare_ingresses);
	return 0;
}

static int compare_ingresses(const void *left, const void *right)
{
	const struct rule_ingress *const *a = left, *const *b = right;

	return rule_compare_flows(*a, *b);
}

static void walk_all(struct walk *walk, visit *look)
{
	for (uint32_t i = 0; i < walk->matches.count; i++) {
		if ((walk->matches.list[i].running || walk->matches.list[i].wanted) &&
		    !walk->matches.list[i].cut) {
			look(walk, &walk->matches.list[i]);
		}
	}
}

/* Some groups at a time, as they stand, whole. */
static void walk_cuts(struct walk *walk, struct difference_match *const *cuts, uint32_t count)
{
	static visit *const looks[] = {cut_what_goes, remove_what_goes, add_what_comes};
	uint32_t k;

	for (uint32_t i = 0; i < count; i += k) {
		for (k = 0; i + k < count && k < CUTS_AT_ONCE;) {
			k += difference_same_flow(cuts + i + k, count - i - k);
		}
		for (unsigned n = 0; n < sizeof(looks) / sizeof(looks[0]); n++) {
			for (uint32_t j = 0; j < k; j++) {
				looks[n](walk, cuts[i + j]);
			}
		}
	}
}

static void cut_what_goes(struct walk *walk, const struct difference_match *match)
{
	if (match->running) {
		const struct rule_table *table = &walk->running->tables[match->from];

		add_step(walk, (struct difference_step){
				       .what = DIFFERENCE_HOLD_FLOW,
				       .shard = match->from,
				       .flow = (uint32_t)(match->running - table->flows),
			       });
	}
}

static void remove_what_goes(struct walk *walk, const struct difference_match *match)
{
	const struct rule_flow *running = match->running;
	const struct rule_table *table = &walk->running->tables[match->from];

	if (!running || difference_keeps(match) || difference_moves(match)) {
		return;
	}
	walk->out->flows_removed += !match->wanted;
	walk->out->flows_changed += match->wanted != NULL;
	walk->out->outputs_removed += match->passed || match->had ? 0 : running->output_count;
	add_step(walk, (struct difference_step){.what = DIFFERENCE_REMOVE_FLOW,
						.shard = match->from,
						.flow = (uint32_t)(running - table->flows),
						.cut = match->cut});
}

static void remove_outputs(struct walk *walk, const struct difference_match *match)
{
	const struct rule_flow *had = difference_had(match);
	uint32_t shard = shard_of_had(match);
	const struct rule_table *table = &walk->running->tables[shard];

	walk->out->flows_kept += difference_keeps(match);
	for (uint32_t o = 0; had && o < had->output_count; o++) {
		const struct rule_table_output *out = &table->outputs[had->first_output + o];

		if (find_output(&walk->wanted->tables[match->to], match->wanted, o, &out->out)) {
			continue;
		}
		walk->out->outputs_removed++;
		add_step(walk, (struct difference_step){.what = DIFFERENCE_REMOVE_OUTPUT,
							.shard = shard,
							.flow = (uint32_t)(had - table->flows),
							.output = had->first_output + o});
	}
}

/* A feed that changes does not move; a plain flow may. */
static uint32_t shard_of_had(const struct difference_match *match)
{
	return match->had ? match->to : match->from;
}

/* Of a feed that goes on, or of one that is to be there before its legs come, be it from another
 * shard. */
static void set_merges(struct walk *walk)
{
	for (uint32_t i = 0; i < walk->out->groups.count; i++) {
		const struct difference_group *group = &walk->out->groups.list[i];
		const struct rule_table *table = &walk->wanted->tables[group->shard];

		for (uint32_t leg = 0; leg < group->move_count; leg++) {
			const struct rule_flow *flows = walk->running->tables[group->from].flows;

			add_step(walk, (struct difference_step){
					       .what = DIFFERENCE_HOLD_LEG,
					       .shard = group->from,
					       .flow = (uint32_t)(group->moves[leg] - flows),
				       });
		}
		add_step(walk, (struct difference_step){
				       .what = DIFFERENCE_SET_MERGE,
				       .shard = group->shard,
				       .flow = (uint32_t)(group->lead - table->flows),
				       .group = group,
			       });
	}
}

static void move_what_moves(struct walk *walk, const struct difference_match *match)
{
	const struct rule_table *table = &walk->wanted->tables[match->to];

	if (!difference_moves(match)) {
		return;
	}
	walk->out->flows_moved++;
	add_step(walk, (struct difference_step){
			       .what = DIFFERENCE_MOVE_FLOW,
			       .shard = match->to,
			       .flow = (uint32_t)(match->wanted - table->flows),
			       .from = match->from,
		       });
}

/* To a feed that goes on: its outputs are there already. */
static void join_what_comes(struct walk *walk, const struct difference_match *match)
{
	if (match->joins) {
		walk->out->flows_added += !match->running;
		add_flow(walk, match, false);
	}
}

/* Outputs that are in both, and then those that come. */
static void change_what_stays(struct walk *walk, const struct difference_match *match)
{
	const struct rule_flow *had = difference_had(match), *wanted = match->wanted;
	const struct rule_table *table = &walk->wanted->tables[match->to];
	bool goes_on = difference_keeps(match) || difference_moves(match);
	const struct rule_flow *before = goes_on ? match->running : NULL;

	if (before &&
	    (before->in.max_age_ms != wanted->in.max_age_ms ||
	     before->in.breaker != wanted->in.breaker || before->standby != wanted->standby)) {
		add_step(walk, (struct difference_step){
				       .what = DIFFERENCE_SET_FLOW,
				       .shard = match->to,
				       .flow = (uint32_t)(wanted - table->flows),
			       });
	}
	for (uint32_t o = 0; had && o < wanted->output_count; o++) {
		const struct rule_table_output *out = &table->outputs[wanted->first_output + o];
		const struct rule_table_output *old =
			find_output(&walk->running->tables[shard_of_had(match)], had, o, &out->out);
		int what = old ? difference_of_output(old, out) : (int)DIFFERENCE_ADD_OUTPUT;

		if (what < 0) {
			walk->out->outputs_kept++;
			continue;
		}
		walk->out->outputs_changed += old != NULL;
		walk->out->outputs_added += !old;
		add_step(walk, (struct difference_step){
				       .what = (enum difference_do)what,
				       .shard = match->to,
				       .flow = (uint32_t)(wanted - table->flows),
				       .output = wanted->first_output + o,
			       });
	}
}

static void add_what_comes(struct walk *walk, const struct difference_match *match)
{
	if (!match->wanted || match->joins || difference_keeps(match) || difference_moves(match)) {
		return;
	}
	walk->out->flows_added += !match->running;
	walk->out->outputs_added += match->wanted->output_count;
	add_flow(walk, match, true);
}

static void add_flow(struct walk *walk, const struct difference_match *match, bool with_outputs)
{
	const struct rule_flow *wanted = match->wanted;
	struct difference_step step = {
		.what = DIFFERENCE_ADD_FLOW,
		.shard = match->to,
		.flow = (uint32_t)(wanted - walk->wanted->tables[match->to].flows),
		.again = ran_before(walk, &wanted->in),
		.cut = match->cut,
	};

	add_step(walk, step);
	step.what = DIFFERENCE_ADD_OUTPUT;
	step.again = step.cut = false;
	for (uint32_t o = 0; with_outputs && o < wanted->output_count; o++) {
		step.output = wanted->first_output + o;
		add_step(walk, step);
	}
	step.what = DIFFERENCE_START_FLOW;
	step.output = 0;
	add_step(walk, step);
}

/* The output of `flow' that is the same as `out'; most likely where it stood before. */
static const struct rule_table_output *find_output(const struct rule_table *table,
						   const struct rule_flow *flow, uint32_t hint,
						   const struct rule_output *out)
{
	const struct rule_table_output *outputs = &table->outputs[flow->first_output];

	if (hint < flow->output_count && rule_same_output(&outputs[hint].out, out)) {
		return &outputs[hint];
	}
	for (uint32_t i = 0; i < flow->output_count; i++) {
		if (rule_same_output(&outputs[i].out, out)) {
			return &outputs[i];
		}
	}
	return NULL;
}

static bool ran_before(const struct walk *walk, const struct rule_ingress *in)
{
	return bsearch(&in, walk->before, walk->before_count, sizeof(const struct rule_ingress *),
		       compare_ingresses) != NULL;
}

/* By where they go. */
static void sort_moves(struct difference *out)
{
	if (out->steps && out->flows_moved > 0) {
		qsort(out->steps + out->first_move, out->flows_moved, sizeof(*out->steps),
		      compare_moves);
	}
}

static int compare_moves(const void *left, const void *right)
{
	const struct difference_step *a = left, *b = right;

	if (a->shard != b->shard) {
		return a->shard < b->shard ? -1 : 1;
	}
	return a->flow == b->flow ? 0 : a->flow < b->flow ? -1 : 1;
}

static void add_step(struct walk *walk, struct difference_step step)
{
	struct difference *out = walk->out;

	if (out->count == walk->room) {
		uint32_t room = walk->room ? walk->room * 2 : 16;
		void *grown = realloc(out->steps, room * sizeof(*out->steps));

		if (!grown) {
			walk->failed = true;
			return;
		}
		out->steps = grown;
		walk->room = room;
	}
	out->steps[out->count++] = step;
}
