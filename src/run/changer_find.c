/* changer_find.c - see changer_find.h. */
#include "src/run/changer_find.h"

#include <errno.h>
#include <stdlib.h>

#include "src/base/must.h"
#include "src/run/supervisor.h"

static int index_flows(struct changer *c, uint32_t s);
static int compare_places(const void *left, const void *right, void *context);
static const struct flow_place *search_flows(const struct shard *shard,
					     const struct rule_ingress *in);

const struct flow_place *changer_find_flow(struct changer *c, uint32_t s,
					   const struct rule_ingress *in)
{
	const struct shard *shard = c->sup->workers[s].shard;
	struct changer_shard *known = &c->shards[s];
	uint32_t low = 0, high;

	if (!known->order && index_flows(c, s) < 0) {
		return search_flows(shard, in);
	}
	must(known->order);
	for (high = known->count; low < high;) {
		uint32_t mid = low + (high - low) / 2;
		const struct flow_place *place = shard_flow(shard, known->order[mid]);
		int diff = rule_compare_flows(&place->rule.in, in);

		if (diff == 0) {
			return place->flow.rule ? place : NULL;
		}
		if (diff < 0) {
			low = mid + 1;
		} else {
			high = mid;
		}
	}
	return NULL;
}

const struct output_place *changer_find_output(struct changer *c, uint32_t s,
					       const struct rule_ingress *in,
					       const struct rule_output *out)
{
	const struct flow_place *place = changer_find_flow(c, s, in);

	return place ? changer_find_among(c->sup->workers[s].shard, place->flow.first_output, out)
		     : NULL;
}

const struct output_place *changer_find_among(const struct shard *shard, uint32_t first,
					      const struct rule_output *out)
{
	for (uint32_t o = first; o != PLACE_NONE; o = shard_output(shard, o)->output.sibling) {
		if (rule_same_output(&shard_output(shard, o)->rule.out, out)) {
			return shard_output(shard, o);
		}
	}
	return NULL;
}

void changer_forget_places(struct changer *c, uint32_t s)
{
	free(c->shards[s].order);
	c->shards[s].order = NULL;
}

/* A place that was given back keeps its rule until the next holder comes, so the order holds as
 * long as no flow is added; then the index is made anew. */
static int index_flows(struct changer *c, uint32_t s)
{
	const struct shard *shard = c->sup->workers[s].shard;
	struct changer_shard *known = &c->shards[s];

	known->order = calloc(shard->relay.place_count + 1UL, sizeof(*known->order));
	known->count = 0;
	if (!known->order) {
		return -ENOMEM;
	}
	for (uint32_t i = 0; i < shard->relay.place_count; i++) {
		if (shard_flow(shard, i)->flow.rule) {
			known->order[known->count++] = i;
		}
	}
	qsort_r(known->order, known->count, sizeof(*known->order), compare_places, (void *)shard);
	return 0;
}

static int compare_places(const void *left, const void *right, void *context)
{
	const uint32_t *a = left, *b = right;

	return rule_compare_flows(&shard_flow(context, *a)->rule.in,
				  &shard_flow(context, *b)->rule.in);
}

/* Without memory for an index. To take what is there for gone would leave it there for ever. */
static const struct flow_place *search_flows(const struct shard *shard,
					     const struct rule_ingress *in)
{
	for (uint32_t i = 0; i < shard->relay.place_count; i++) {
		const struct flow_place *place = shard_flow(shard, i);

		if (place->flow.rule && rule_compare_flows(&place->rule.in, in) == 0) {
			return place;
		}
	}
	return NULL;
}
