/* difference.c - compares two layouts. See difference.h.
 *
 * The flows of both tables of a shard are sorted by what they are and walked along together; what
 * is then left of either layout is sorted by what it is, over all shards, and walked along once
 * more: a flow that is left of both may have moved. So each flow stands in one list, with where it
 * is and where it is to be. Steps of each kind are gathered over that list, kind after kind: it is
 * walked once for each kind, which costs little and needs no sorting of steps.
 */
#include "src/setup/difference.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "src/base/must.h"

/* A flow in one of the layouts, or in both. */
struct match {
	const struct rule_flow *running,
		*wanted;   /* one may be NULL; both: it was matched already */
	uint32_t from, to; /* their shards */
};

/* All that a walk knows. */
struct walk {
	struct difference *out;
	const struct layout *running, *wanted;
	struct match *matches;
	uint32_t match_count;
	const struct rule_ingress **before; /* all running flows of all shards, sorted */
	uint32_t before_count;
	uint32_t room;
	bool failed; /* out of memory */
};

/* What a walk does with a flow. */
typedef void visit(struct walk *walk, const struct match *match);

static int match_flows(struct walk *walk);
static uint32_t count_flows(const struct layout *layout);
static int match_shard(struct walk *walk, uint32_t shard);
static uint32_t *sort_flows(const struct rule_table *table);
static int compare_positions(const void *left, const void *right, void *context);
static int match_rest(struct walk *walk);
static void find_new_shard(struct match *goes, struct match **rest, struct match *const *end);
static int compare_matches(const void *left, const void *right);
static const struct rule_ingress *ingress_of(const struct match *match);
static int list_before(struct walk *walk);
static int compare_ingresses(const void *left, const void *right);
static void walk_all(struct walk *walk, visit *look);
static visit remove_what_goes;
static visit move_what_moves;
static visit change_what_stays;
static visit add_what_comes;
static bool is_kept(const struct match *match);
static bool is_moved(const struct match *match);
static bool is_same_socket(const struct rule_flow *a, const struct rule_flow *b);
static bool can_move(const struct rule_flow *a, const struct rule_flow *b);
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
	struct walk walk = {.out = &built, .running = running, .wanted = wanted};
	int rc;

	must(running->shard_count == wanted->shard_count);
	rc = match_flows(&walk);
	if (rc == 0) {
		rc = list_before(&walk);
	}
	if (rc == 0) {
		walk_all(&walk, remove_what_goes);
		built.first_move = built.count;
		walk_all(&walk, move_what_moves);
		if (!walk.failed) {
			sort_moves(&built);
		}
		walk_all(&walk, change_what_stays);
		walk_all(&walk, add_what_comes);
		rc = walk.failed ? -ENOMEM : 0;
	}
	free(walk.matches);
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

/* A socket follows hop limit, DSCP, priority and loopback, the shard the rest; where it is bound to
 * and by which interface it sends is decided when it is opened, and so is a priority that is left
 * to the kernel. What has become of an interface, its index and its MTU, is nobody's change here.
 */
int difference_of_output(const struct rule_table_output *running,
			 const struct rule_table_output *wanted)
{
	const struct rule_output *a = &running->out, *b = &wanted->out;

	if (a->sport != b->sport || a->src_keep != b->src_keep || a->sport_keep != b->sport_keep ||
	    a->df != b->df || a->mtu != b->mtu || a->reply != b->reply ||
	    !addr_equal(&a->src, &b->src) ||
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

static int match_flows(struct walk *walk)
{
	uint32_t most = count_flows(walk->running) + count_flows(walk->wanted);
	int rc;

	walk->matches = calloc(most + 1UL, sizeof(*walk->matches));
	rc = walk->matches ? 0 : -ENOMEM;
	for (uint32_t s = 0; rc == 0 && s < walk->running->shard_count; s++) {
		rc = match_shard(walk, s);
	}
	return rc == 0 ? match_rest(walk) : rc;
}

static uint32_t count_flows(const struct layout *layout)
{
	uint32_t count = 0;

	for (uint32_t s = 0; s < layout->shard_count; s++) {
		count += layout->tables[s].flow_count;
	}
	return count;
}

/* The flows of both tables of a shard, in order. */
static int match_shard(struct walk *walk, uint32_t shard)
{
	const struct rule_table *running = &walk->running->tables[shard];
	const struct rule_table *wanted = &walk->wanted->tables[shard];
	uint32_t *running_order = sort_flows(running), *wanted_order = sort_flows(wanted);
	uint32_t i = 0, j = 0;
	int rc = running_order && wanted_order ? 0 : -ENOMEM;

	while (rc == 0 && (i < running->flow_count || j < wanted->flow_count)) {
		const struct rule_flow *old = NULL, *new = NULL;
		int diff;

		if (i < running->flow_count) {
			old = &running->flows[running_order[i]];
		}
		if (j < wanted->flow_count) {
			new = &wanted->flows[wanted_order[j]];
		}
		diff = !old ? 1 : !new ? -1 : rule_compare_flows(&old->in, &new->in);
		i += diff <= 0;
		j += diff >= 0;
		walk->matches[walk->match_count++] = (struct match){
			diff <= 0 ? old : NULL, diff >= 0 ? new : NULL, shard, shard};
	}
	free(running_order);
	free(wanted_order);
	return rc;
}

static uint32_t *sort_flows(const struct rule_table *table)
{
	uint32_t *order = calloc(table->flow_count + 1UL, sizeof(*order));

	for (uint32_t i = 0; order && i < table->flow_count; i++) {
		order[i] = i;
	}
	if (order) {
		qsort_r(order, table->flow_count, sizeof(*order), compare_positions, (void *)table);
	}
	return order;
}

static int compare_positions(const void *left, const void *right, void *context)
{
	const struct rule_table *table = context;
	const uint32_t *a = left, *b = right;

	return rule_compare_flows(&table->flows[*a].in, &table->flows[*b].in);
}

/* Flows that one shard loses and another one gets, which their sockets can follow. */
static int match_rest(struct walk *walk)
{
	struct match **rest = calloc(walk->match_count + 1UL, sizeof(struct match *));
	uint32_t count = 0;

	if (!rest) {
		return -ENOMEM;
	}
	for (uint32_t i = 0; i < walk->match_count; i++) {
		if (!walk->matches[i].running || !walk->matches[i].wanted) {
			rest[count++] = &walk->matches[i];
		}
	}
	qsort(rest, count, sizeof(struct match *), compare_matches);
	for (uint32_t i = 0; i < count; i++) {
		if (rest[i]->running) {
			find_new_shard(rest[i], rest + i + 1, rest + count);
		}
	}
	free(rest);
	return 0;
}

/* Of a flow that is spread several may come. */
static void find_new_shard(struct match *goes, struct match **rest, struct match *const *end)
{
	for (; rest < end; rest++) {
		struct match *comes = *rest;

		if (!comes->wanted || comes->running) {
			continue;
		}
		if (rule_compare_flows(&goes->running->in, &comes->wanted->in) != 0) {
			return;
		}
		if (can_move(goes->running, comes->wanted)) {
			goes->wanted = comes->wanted;
			goes->to = comes->to;
			comes->wanted = NULL;
			return;
		}
	}
}

/* By what they are; of one flow, those that go before those that come. */
static int compare_matches(const void *left, const void *right)
{
	const struct match *const *a = left, *const *b = right;
	int diff = rule_compare_flows(ingress_of(*a), ingress_of(*b));

	return diff != 0 ? diff : (!(*a)->running) - (!(*b)->running);
}

static const struct rule_ingress *ingress_of(const struct match *match)
{
	return match->running ? &match->running->in : &match->wanted->in;
}

static int list_before(struct walk *walk)
{
	const struct layout *running = walk->running;
	uint32_t count = count_flows(running);

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
	for (uint32_t i = 0; i < walk->match_count; i++) {
		if (walk->matches[i].running || walk->matches[i].wanted) {
			look(walk, &walk->matches[i]);
		}
	}
}

static void remove_what_goes(struct walk *walk, const struct match *match)
{
	const struct rule_flow *running = match->running, *wanted = match->wanted;
	const struct rule_table *table = &walk->running->tables[match->from];
	struct difference_step step = {.what = DIFFERENCE_REMOVE_FLOW, .shard = match->from};

	if (!running) {
		return;
	}
	step.flow = (uint32_t)(running - table->flows);
	if (!is_kept(match) && !is_moved(match)) {
		walk->out->flows_removed += !wanted;
		walk->out->flows_changed += wanted != NULL;
		walk->out->outputs_removed += running->output_count;
		add_step(walk, step);
		return;
	}
	walk->out->flows_kept += is_kept(match);
	for (uint32_t o = 0; o < running->output_count; o++) {
		const struct rule_table_output *out = &table->outputs[running->first_output + o];

		if (!find_output(&walk->wanted->tables[match->to], wanted, o, &out->out)) {
			step.what = DIFFERENCE_REMOVE_OUTPUT;
			step.output = running->first_output + o;
			walk->out->outputs_removed++;
			add_step(walk, step);
		}
	}
}

static void move_what_moves(struct walk *walk, const struct match *match)
{
	const struct rule_table *table = &walk->wanted->tables[match->to];

	if (!is_moved(match)) {
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

/* Outputs that are in both, and then those that come. */
static void change_what_stays(struct walk *walk, const struct match *match)
{
	const struct rule_flow *running = match->running, *wanted = match->wanted;
	const struct rule_table *table = &walk->wanted->tables[match->to];

	if (!is_kept(match) && !is_moved(match)) {
		return;
	}
	if (running->in.max_age_ms != wanted->in.max_age_ms) {
		add_step(walk, (struct difference_step){
				       .what = DIFFERENCE_SET_FLOW,
				       .shard = match->to,
				       .flow = (uint32_t)(wanted - table->flows),
			       });
	}
	for (uint32_t o = 0; o < wanted->output_count; o++) {
		const struct rule_table_output *out = &table->outputs[wanted->first_output + o];
		const struct rule_table_output *old =
			find_output(&walk->running->tables[match->from], running, o, &out->out);
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

static void add_what_comes(struct walk *walk, const struct match *match)
{
	const struct rule_flow *wanted = match->wanted;
	struct difference_step step = {.what = DIFFERENCE_ADD_FLOW, .shard = match->to};

	if (!wanted || is_kept(match) || is_moved(match)) {
		return;
	}
	walk->out->flows_added += !match->running;
	walk->out->outputs_added += wanted->output_count;
	step.flow = (uint32_t)(wanted - walk->wanted->tables[match->to].flows);
	step.again = ran_before(walk, &wanted->in);
	add_step(walk, step);
	step.what = DIFFERENCE_ADD_OUTPUT;
	step.again = false;
	for (uint32_t o = 0; o < wanted->output_count; o++) {
		step.output = wanted->first_output + o;
		add_step(walk, step);
	}
	step.what = DIFFERENCE_START_FLOW;
	step.output = 0;
	add_step(walk, step);
}

static bool is_kept(const struct match *match)
{
	return match->running && match->wanted && match->from == match->to &&
	       is_same_socket(match->running, match->wanted);
}

static bool is_moved(const struct match *match)
{
	return match->running && match->wanted && !is_kept(match) &&
	       can_move(match->running, match->wanted);
}

static bool is_same_socket(const struct rule_flow *a, const struct rule_flow *b)
{
	return a->gro == b->gro && a->in.shared == b->in.shared && a->pool_class == b->pool_class &&
	       share_is_same(&a->share, &b->share);
}

/* Trains that are queued in a socket cannot be told from datagrams once it coalesces no more, so it
 * cannot follow; and the shares of a flow became ready together, each for its shard. */
static bool can_move(const struct rule_flow *a, const struct rule_flow *b)
{
	return (!a->gro || b->gro) && !share_is_part(&a->share) && !share_is_part(&b->share);
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
