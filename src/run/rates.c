/* rates.c - see rates.h. */
#include "src/run/rates.h"

#include <errno.h>
#include <stdlib.h>

#include "src/run/supervisor.h"

static struct rate rate_of(const struct shard *shard, const struct flow_place *place);
static int compare_rates(const void *left, const void *right);

int rates_take(const struct supervisor *sup, uint64_t now_ns, struct rates *out)
{
	struct rates rates = {.at_ns = now_ns};
	uint32_t most = 0;

	for (uint32_t s = 0; s < sup->worker_count; s++) {
		most += sup->workers[s].shard->relay.place_count;
	}
	rates.list = calloc(most + 1UL, sizeof(*rates.list));
	if (!rates.list) {
		return -ENOMEM;
	}
	for (uint32_t s = 0; s < sup->worker_count; s++) {
		const struct shard *shard = sup->workers[s].shard;

		for (uint32_t i = 0; i < shard->relay.place_count; i++) {
			if (shard_flow(shard, i)->flow.rule) {
				rates.list[rates.count] = rate_of(shard, shard_flow(shard, i));
				rates.list[rates.count++].shard = s;
			}
		}
	}
	qsort(rates.list, rates.count, sizeof(*rates.list), compare_rates);
	*out = rates;
	return 0;
}

void rates_since(struct rates *rates, const struct rates *before)
{
	for (uint32_t i = 0; i < rates->count; i++) {
		struct rate *now = &rates->list[i];
		const struct rate *old = bsearch(now, before->list, before->count,
						 sizeof(*before->list), compare_rates);

		now->received -= old ? old->received : now->received;
		now->sent -= old ? old->sent : now->sent;
		now->work -= old ? old->work : now->work;
	}
}

void rates_free(struct rates *rates)
{
	free(rates->list);
	*rates = (struct rates){0};
}

uint64_t rates_work_of(const struct shard *shard)
{
	uint64_t work = 0;

	for (uint32_t i = 0; i < shard->relay.place_count; i++) {
		if (shard_flow(shard, i)->flow.rule) {
			work += rate_of(shard, shard_flow(shard, i)).work;
		}
	}
	return work;
}

static struct rate rate_of(const struct shard *shard, const struct flow_place *place)
{
	const struct flow_stats *flow = place->flow.stats;
	uint64_t calls = stat_get(&flow->pieces), bytes = stat_get(&flow->received_bytes);
	struct rate rate = {.in = place->flow.rule->in, .received = stat_get(&flow->received)};

	for (uint32_t o = place->flow.first_output; o != PLACE_NONE;
	     o = shard_output(shard, o)->output.sibling) {
		const struct output_stats *output = shard_output(shard, o)->output.stats;

		calls += stat_get(&output->sends);
		bytes += stat_get(&output->sent_bytes);
		rate.sent += stat_get(&output->sent);
	}
	rate.work = calls * RATE_CALL_BYTES + bytes;
	return rate;
}

static int compare_rates(const void *left, const void *right)
{
	const struct rate *a = left, *b = right;
	int diff = rule_compare_flows(&a->in, &b->in);

	return diff != 0 ? diff : (a->shard > b->shard) - (a->shard < b->shard);
}
