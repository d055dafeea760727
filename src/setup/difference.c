/* difference.c - compares two layouts. See difference.h.
 *
 * The flows of both tables of a shard are sorted by what they are and walked along together. Steps
 * of each kind are gathered over all shards, kind after kind: the tables are walked once for each
 * kind, which costs little and needs no sorting of steps.
 */
#include "src/setup/difference.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "src/base/must.h"

/* One shard's tables, sorted. */
struct shard_pair {
	const struct rule_table *running, *wanted;
	uint32_t *running_order, *wanted_order; /* flows, by rule_compare_flows */
};

/* All that a walk knows. */
struct walk {
	struct difference *out;
	struct shard_pair *pairs;
	uint32_t shard_count;
	const struct rule_ingress **before; /* all running flows of all shards, sorted */
	uint32_t before_count;
	uint32_t room;
	bool failed; /* out of memory */
};

/* What a walk does with the flows of one shard: in one table only (the other is NULL), or both. */
typedef void visit(struct walk *walk, uint32_t shard, const struct rule_flow *running,
		   const struct rule_flow *wanted);

static int sort_pairs(struct walk *walk, const struct layout *running, const struct layout *wanted);
static uint32_t *sort_flows(const struct rule_table *table);
static int compare_positions(const void *left, const void *right, void *context);
static int list_before(struct walk *walk, const struct layout *running);
static int compare_ingresses(const void *left, const void *right);
static void walk_all(struct walk *walk, visit *look);
static void walk_shard(struct walk *walk, uint32_t shard, visit *look);
static visit remove_what_goes;
static visit change_what_stays;
static visit add_what_comes;
static bool is_same_socket(const struct rule_flow *a, const struct rule_flow *b);
static const struct rule_table_output *find_output(const struct rule_table *table,
						   const struct rule_flow *flow, uint32_t hint,
						   const struct rule_output *out);
static bool ran_before(const struct walk *walk, const struct rule_ingress *in);
static void add_step(struct walk *walk, struct difference_step step);

int difference_build(const struct layout *running, const struct layout *wanted,
		     struct difference *out)
{
	struct difference built = {0};
	struct walk walk = {.out = &built, .shard_count = running->shard_count};
	int rc;

	must(running->shard_count == wanted->shard_count);
	rc = sort_pairs(&walk, running, wanted);
	if (rc == 0) {
		rc = list_before(&walk, running);
	}
	if (rc == 0) {
		walk_all(&walk, remove_what_goes);
		walk_all(&walk, change_what_stays);
		walk_all(&walk, add_what_comes);
		rc = walk.failed ? -ENOMEM : 0;
	}
	for (uint32_t s = 0; walk.pairs && s < walk.shard_count; s++) {
		free(walk.pairs[s].running_order);
		free(walk.pairs[s].wanted_order);
	}
	free(walk.pairs);
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

/* A socket follows hop limit, DSCP, priority and loopback, the shard the rest; where it is bound to
 * and by which interface it sends is decided when it is opened, and so is a priority that is left
 * to the kernel. What the network's side of an interface has become (mtu) is nobody's change here.
 */
int difference_of_output(const struct rule_table_output *running,
			 const struct rule_table_output *wanted)
{
	const struct rule_output *a = &running->out, *b = &wanted->out;

	if (running->ifindex != wanted->ifindex || a->sport != b->sport ||
	    a->src_keep != b->src_keep || a->sport_keep != b->sport_keep || a->df != b->df ||
	    a->mtu != b->mtu || a->reply != b->reply || !addr_equal(&a->src, &b->src) ||
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

static int sort_pairs(struct walk *walk, const struct layout *running, const struct layout *wanted)
{
	walk->pairs = calloc(walk->shard_count + 1UL, sizeof(*walk->pairs));
	for (uint32_t s = 0; walk->pairs && s < walk->shard_count; s++) {
		struct shard_pair *pair = &walk->pairs[s];

		pair->running = &running->tables[s];
		pair->wanted = &wanted->tables[s];
		pair->running_order = sort_flows(pair->running);
		pair->wanted_order = sort_flows(pair->wanted);
		if (!pair->running_order || !pair->wanted_order) {
			return -ENOMEM;
		}
	}
	return walk->pairs ? 0 : -ENOMEM;
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

static int list_before(struct walk *walk, const struct layout *running)
{
	uint32_t count = 0;

	for (uint32_t s = 0; s < running->shard_count; s++) {
		count += running->tables[s].flow_count;
	}
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
	for (uint32_t s = 0; s < walk->shard_count; s++) {
		walk_shard(walk, s, look);
	}
}

static void walk_shard(struct walk *walk, uint32_t shard, visit *look)
{
	const struct shard_pair *pair = &walk->pairs[shard];
	uint32_t i = 0, j = 0;

	while (i < pair->running->flow_count || j < pair->wanted->flow_count) {
		const struct rule_flow *running = NULL, *wanted = NULL;
		int diff;

		if (i < pair->running->flow_count) {
			running = &pair->running->flows[pair->running_order[i]];
		}
		if (j < pair->wanted->flow_count) {
			wanted = &pair->wanted->flows[pair->wanted_order[j]];
		}
		diff = !running ? 1 : !wanted ? -1 : rule_compare_flows(&running->in, &wanted->in);
		i += diff <= 0;
		j += diff >= 0;
		look(walk, shard, diff <= 0 ? running : NULL, diff >= 0 ? wanted : NULL);
	}
}

static void remove_what_goes(struct walk *walk, uint32_t shard, const struct rule_flow *running,
			     const struct rule_flow *wanted)
{
	const struct shard_pair *pair = &walk->pairs[shard];
	struct difference_step step = {.what = DIFFERENCE_REMOVE_FLOW, .shard = shard};

	if (!running) {
		return;
	}
	step.flow = (uint32_t)(running - pair->running->flows);
	if (!wanted || !is_same_socket(running, wanted)) {
		walk->out->flows_removed += !wanted;
		walk->out->flows_changed += wanted != NULL;
		walk->out->outputs_removed += running->output_count;
		add_step(walk, step);
		return;
	}
	walk->out->flows_kept++;
	for (uint32_t o = 0; o < running->output_count; o++) {
		const struct rule_table_output *out =
			&pair->running->outputs[running->first_output + o];

		if (!find_output(pair->wanted, wanted, o, &out->out)) {
			step.what = DIFFERENCE_REMOVE_OUTPUT;
			step.output = running->first_output + o;
			walk->out->outputs_removed++;
			add_step(walk, step);
		}
	}
}

/* Outputs that are in both, and then those that come. */
static void change_what_stays(struct walk *walk, uint32_t shard, const struct rule_flow *running,
			      const struct rule_flow *wanted)
{
	const struct shard_pair *pair = &walk->pairs[shard];

	if (!running || !wanted || !is_same_socket(running, wanted)) {
		return;
	}
	for (uint32_t o = 0; o < wanted->output_count; o++) {
		const struct rule_table_output *out =
			&pair->wanted->outputs[wanted->first_output + o];
		const struct rule_table_output *old =
			find_output(pair->running, running, o, &out->out);
		int what = old ? difference_of_output(old, out) : (int)DIFFERENCE_ADD_OUTPUT;

		if (what < 0) {
			walk->out->outputs_kept++;
			continue;
		}
		walk->out->outputs_changed += old != NULL;
		walk->out->outputs_added += !old;
		add_step(walk, (struct difference_step){
				       .what = (enum difference_do)what,
				       .shard = shard,
				       .flow = (uint32_t)(wanted - pair->wanted->flows),
				       .output = wanted->first_output + o,
			       });
	}
}

static void add_what_comes(struct walk *walk, uint32_t shard, const struct rule_flow *running,
			   const struct rule_flow *wanted)
{
	struct difference_step step = {.what = DIFFERENCE_ADD_FLOW, .shard = shard};

	if (!wanted || (running && is_same_socket(running, wanted))) {
		return;
	}
	walk->out->flows_added += !running;
	walk->out->outputs_added += wanted->output_count;
	step.flow = (uint32_t)(wanted - walk->pairs[shard].wanted->flows);
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

/* Trains that are queued in a socket cannot be told from datagrams once it coalesces no more, so it
 * cannot follow; and an interface that came again is another one. */
static bool is_same_socket(const struct rule_flow *a, const struct rule_flow *b)
{
	return a->gro == b->gro && a->in.shared == b->in.shared && a->pool_class == b->pool_class &&
	       a->ifindex == b->ifindex && share_is_same(&a->share, &b->share);
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
