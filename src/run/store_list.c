/* store_list.c - see store_list.h. */
#include "src/run/store_list.h"

#include <errno.h>
#include <stdlib.h>

#include "src/run/store_name.h"
#include "src/run/supervisor.h"

/* What makes a part of a flow another one than its other parts. */
typedef uint64_t outputs_id(const struct supervisor *sup, const struct store_flow *flow);

static outputs_id table_outputs, place_outputs;
static uint64_t id_of(const struct rule_flow *flow);
static void tell_parts_apart(const struct supervisor *sup, struct store_flow *list, uint32_t count,
			     outputs_id *outputs);
static int compare_ids(const void *left, const void *right);

int store_list_tables(const struct supervisor *sup, struct store_flow **out, uint32_t *count)
{
	const struct layout *layout = &sup->setup->layout;
	struct store_flow *list;
	uint32_t most = 0, n = 0;

	for (uint32_t s = 0; s < layout->shard_count; s++) {
		most += layout->tables[s].flow_count;
	}
	list = calloc(most + 1UL, sizeof(*list));
	if (!list) {
		return -ENOMEM;
	}
	for (uint32_t s = 0; s < layout->shard_count; s++) {
		for (uint32_t i = 0; i < layout->tables[s].flow_count; i++) {
			const struct rule_flow *flow = &layout->tables[s].flows[i];

			list[n++] = (struct store_flow){id_of(flow), s, i};
		}
	}
	*out = list;
	*count = n;
	tell_parts_apart(sup, list, n, table_outputs);
	return 0;
}

int store_list_places(const struct supervisor *sup, struct store_flow **out, uint32_t *count)
{
	struct store_flow *list;
	uint32_t most = 0, n = 0;

	for (uint32_t s = 0; s < sup->worker_count; s++) {
		most += sup->workers[s].shard->relay.place_count;
	}
	list = calloc(most + 1UL, sizeof(*list));
	if (!list) {
		return -ENOMEM;
	}
	for (uint32_t s = 0; s < sup->worker_count; s++) {
		const struct shard *shard = sup->workers[s].shard;

		for (uint32_t i = 0; i < shard->relay.place_count; i++) {
			const struct flow_place *place = shard_flow(shard, i);

			if (place->flow.rule && place->flow.fd >= 0) {
				list[n++] = (struct store_flow){id_of(&place->rule), s, i};
			}
		}
	}
	*out = list;
	*count = n;
	tell_parts_apart(sup, list, n, place_outputs);
	return 0;
}

static uint64_t id_of(const struct rule_flow *flow)
{
	return store_id(&flow->in) +
	       (share_is_part(&flow->share) ? store_share_id(&flow->share) : 0);
}

static uint64_t table_outputs(const struct supervisor *sup, const struct store_flow *flow)
{
	const struct rule_table *table = &sup->setup->layout.tables[flow->shard];
	const struct rule_flow *rule = &table->flows[flow->index];
	uint64_t sum = 0;

	for (uint32_t i = 0; i < rule->output_count; i++) {
		sum += store_output_id(&table->outputs[rule->first_output + i].out);
	}
	return sum;
}

static uint64_t place_outputs(const struct supervisor *sup, const struct store_flow *flow)
{
	const struct shard *shard = sup->workers[flow->shard].shard;
	uint64_t sum = 0;

	for (uint32_t o = shard_flow(shard, flow->index)->flow.first_output; o != PLACE_NONE;
	     o = shard_output(shard, o)->output.sibling) {
		sum += store_output_id(&shard_output(shard, o)->rule.out);
	}
	return sum;
}

/* Neighbours of one id are parts of one flow. */
static void tell_parts_apart(const struct supervisor *sup, struct store_flow *list, uint32_t count,
			     outputs_id *outputs)
{
	bool any = false;

	qsort(list, count, sizeof(*list), compare_ids);
	for (uint32_t first = 0, end; first < count; first = end) {
		uint64_t id = list[first].id;

		for (end = first + 1; end < count && list[end].id == id; end++) {
			continue;
		}
		for (uint32_t i = first; i < end && end - first > 1; i++) {
			list[i].id += outputs(sup, &list[i]);
			any = true;
		}
	}
	if (any) {
		qsort(list, count, sizeof(*list), compare_ids);
	}
}

static int compare_ids(const void *left, const void *right)
{
	const struct store_flow *a = left, *b = right;

	return a->id < b->id ? -1 : a->id > b->id;
}
