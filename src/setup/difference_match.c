/* difference_match.c - finds who of one layout is who in another. See difference_match.h.
 *
 * The flows of both tables of a shard are sorted by what they are and walked along together; what
 * is then left of either layout is sorted by what it is, over all shards, and walked along once
 * more: a flow that is left of both may have moved. The shares of a divided flow are one set of
 * sockets: when one of them cannot stay as it is, none can.
 */
#include "src/setup/difference_match.h"

#include <errno.h>
#include <stdlib.h>

static int match_shard(struct difference_matches *all, uint32_t shard);
static uint32_t *sort_flows(const struct rule_table *table);
static int compare_positions(const void *left, const void *right, void *context);
static int match_rest(struct difference_matches *all);
static int match_shares(struct difference_matches *all);
static void find_new_shard(struct difference_match *goes, struct difference_match **rest,
			   struct difference_match *const *end);
static int compare_matches(const void *left, const void *right);
static bool is_cut(struct difference_match *const *sorted, uint32_t count);
static void renew_divided(struct difference_match *const *sorted, uint32_t count);
static bool is_share(const struct difference_match *match);
static bool goes_on(const struct difference_match *match);
static const struct rule_ingress *ingress_of(const struct difference_match *match);
static bool is_same_socket(const struct rule_flow *a, const struct rule_flow *b);
static bool can_move(const struct rule_flow *a, const struct rule_flow *b);

int difference_match(struct difference_matches *all)
{
	uint32_t most = difference_flows(all->running) + difference_flows(all->wanted);
	int rc;

	all->list = calloc(most + 1UL, sizeof(*all->list));
	all->count = 0;
	rc = all->list ? 0 : -ENOMEM;
	for (uint32_t s = 0; rc == 0 && s < all->running->shard_count; s++) {
		rc = match_shard(all, s);
	}
	rc = rc == 0 ? match_rest(all) : rc;
	return rc == 0 ? match_shares(all) : rc;
}

const struct rule_flow *difference_had(const struct difference_match *match)
{
	if (match->had || match->passed) {
		return match->wanted ? match->had : NULL;
	}
	return difference_keeps(match) || difference_moves(match) ? match->running : NULL;
}

bool difference_keeps(const struct difference_match *match)
{
	return match->running && match->wanted && !match->anew && match->from == match->to &&
	       is_same_socket(match->running, match->wanted);
}

bool difference_moves(const struct difference_match *match)
{
	return match->running && match->wanted && !match->anew && !difference_keeps(match) &&
	       can_move(match->running, match->wanted);
}

/* Sockets of one group can be there side by side. Legs of a merge stay as they are. */
struct difference_match **difference_cuts(const struct difference_matches *all, uint32_t *count)
{
	struct difference_match **sorted =
		calloc(all->count + 1UL, sizeof(struct difference_match *));
	uint32_t n = 0, cuts = 0, k;

	for (uint32_t i = 0; sorted && i < all->count; i++) {
		if (all->list[i].running || all->list[i].wanted) {
			sorted[n++] = &all->list[i];
		}
	}
	if (sorted) {
		qsort(sorted, n, sizeof(struct difference_match *), compare_matches);
	}
	for (uint32_t i = 0; i < n; i += k) {
		k = difference_same_flow(sorted + i, n - i);
		if (is_cut(sorted + i, k)) {
			for (uint32_t j = 0; j < k; j++) {
				sorted[i + j]->cut = true;
				sorted[cuts++] = sorted[i + j];
			}
		}
	}
	*count = cuts;
	return sorted;
}

uint32_t difference_same_flow(struct difference_match *const *sorted, uint32_t count)
{
	uint32_t k = 1;

	while (k < count && rule_compare_flows(ingress_of(sorted[0]), ingress_of(sorted[k])) == 0) {
		k++;
	}
	return k;
}

uint32_t difference_flows(const struct layout *layout)
{
	uint32_t count = 0;

	for (uint32_t s = 0; s < layout->shard_count; s++) {
		count += layout->tables[s].flow_count;
	}
	return count;
}

/* The flows of both tables of a shard, in order. */
static int match_shard(struct difference_matches *all, uint32_t shard)
{
	const struct rule_table *running = &all->running->tables[shard];
	const struct rule_table *wanted = &all->wanted->tables[shard];
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
		all->list[all->count++] = (struct difference_match){
			.running = diff <= 0 ? old : NULL,
			.wanted = diff >= 0 ? new : NULL,
			.from = shard,
			.to = shard,
		};
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
static int match_rest(struct difference_matches *all)
{
	struct difference_match **rest =
		calloc(all->count + 1UL, sizeof(struct difference_match *));
	uint32_t count = 0;

	if (!rest) {
		return -ENOMEM;
	}
	for (uint32_t i = 0; i < all->count; i++) {
		if (!all->list[i].running || !all->list[i].wanted) {
			rest[count++] = &all->list[i];
		}
	}
	qsort(rest, count, sizeof(struct difference_match *), compare_matches);
	for (uint32_t i = 0; i < count; i++) {
		if (rest[i]->running) {
			find_new_shard(rest[i], rest + i + 1, rest + count);
		}
	}
	free(rest);
	return 0;
}

/* Of a flow that is spread several may come. */
static void find_new_shard(struct difference_match *goes, struct difference_match **rest,
			   struct difference_match *const *end)
{
	for (; rest < end; rest++) {
		struct difference_match *comes = *rest;

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
	const struct difference_match *const *a = left, *const *b = right;
	int diff = rule_compare_flows(ingress_of(*a), ingress_of(*b));

	return diff != 0 ? diff : (!(*a)->running) - (!(*b)->running);
}

/* What is in neither layout any more has been matched otherwise. */
static int match_shares(struct difference_matches *all)
{
	struct difference_match **shares =
		calloc(all->count + 1UL, sizeof(struct difference_match *));
	uint32_t count = 0, k;

	if (!shares) {
		return -ENOMEM;
	}
	for (uint32_t i = 0; i < all->count; i++) {
		if (is_share(&all->list[i])) {
			shares[count++] = &all->list[i];
		}
	}
	qsort(shares, count, sizeof(struct difference_match *), compare_matches);
	for (uint32_t i = 0; i < count; i += k) {
		k = difference_same_flow(shares + i, count - i);
		renew_divided(shares + i, k);
	}
	free(shares);
	return 0;
}

static bool is_cut(struct difference_match *const *sorted, uint32_t count)
{
	bool before = false, after = false;

	for (uint32_t i = 0; i < count; i++) {
		const struct rule_flow *running = sorted[i]->running, *wanted = sorted[i]->wanted;

		if (goes_on(sorted[i]) || (running && running->merge) ||
		    (wanted && wanted->merge)) {
			return false;
		}
		before = before || running;
		after = after || wanted;
	}
	return before && after && addr_is_multicast(&ingress_of(sorted[0])->at.addr);
}

/* `sorted' are the shares of one flow, before and after. */
static void renew_divided(struct difference_match *const *sorted, uint32_t count)
{
	bool all = true;

	for (uint32_t i = 0; i < count; i++) {
		all = all && goes_on(sorted[i]);
	}
	for (uint32_t i = 0; i < count; i++) {
		sorted[i]->anew = !all;
	}
}

static bool is_share(const struct difference_match *match)
{
	return (match->running && share_is_part(&match->running->share)) ||
	       (match->wanted && share_is_part(&match->wanted->share));
}

static bool goes_on(const struct difference_match *match)
{
	return difference_keeps(match) || difference_moves(match);
}

static const struct rule_ingress *ingress_of(const struct difference_match *match)
{
	return match->running ? &match->running->in : &match->wanted->in;
}

static bool is_same_socket(const struct rule_flow *a, const struct rule_flow *b)
{
	return a->gro == b->gro && a->in.shared == b->in.shared && a->pool_class == b->pool_class &&
	       share_is_same(&a->share, &b->share);
}

/* Trains that are queued in a socket cannot be told from datagrams once it coalesces no
 * more, so it cannot follow; and the shares of a flow became ready together, each for its
 * shard. */
static bool can_move(const struct rule_flow *a, const struct rule_flow *b)
{
	return (!a->gro || b->gro) && share_is_same(&a->share, &b->share);
}
