/* changer_merge.c - makes the message of a feed that changes, and finds memory for it. See
 * changer_merge.h.
 *
 * A shard takes for each merge the smallest free block that is large enough. That is what is looked
 * for here as well, so what is not found is just what it would not find.
 */
#include "src/run/changer_merge.h"

#include <errno.h>
#include <stdlib.h>

#include "shard/relay_merge.h"
#include "src/run/changer_find.h"
#include "src/run/supervisor.h"
#include "src/setup/difference_group.h"

static size_t *list_free(const struct relay *relay, uint32_t *count);
static bool take_smallest(size_t *free_bytes, uint32_t count, size_t bytes);

int changer_want_merge(struct changer *c, const struct changer_step *step)
{
	struct changer_shard *wanted = &c->shards[step->shard];

	if (!step->flow->merge) {
		return 0;
	}
	if (wanted->merges_wanted == wanted->merges_room) {
		uint32_t room = wanted->merges_room ? 2 * wanted->merges_room : 8;
		void *grown = realloc(wanted->merge_bytes, room * sizeof(*wanted->merge_bytes));

		if (!grown) {
			err_set(&c->err, "out of memory");
			return -ENOMEM;
		}
		wanted->merge_bytes = grown;
		wanted->merges_room = room;
	}
	wanted->merge_bytes[wanted->merges_wanted++] = relay_merge_bytes(&step->flow->merge->rule);
	return 0;
}

int changer_find_blocks(const struct worker *w, struct changer_shard *wanted, struct err *err)
{
	uint32_t count = 0, missing = 0;
	size_t *free_bytes;

	if (wanted->merges_wanted == 0) {
		return 0;
	}
	free_bytes = list_free(&w->shard->relay, &count);
	if (!free_bytes) {
		err_set(err, "shard %u: out of memory for more rules", w->index);
		return -ENOMEM;
	}
	for (uint32_t i = 0; i < wanted->merges_wanted; i++) {
		if (!take_smallest(free_bytes, count, wanted->merge_bytes[i])) {
			wanted->merge_bytes[missing++] = wanted->merge_bytes[i];
		}
	}
	wanted->merges_wanted = missing;
	free(free_bytes);
	return 0;
}

int changer_ask_merge(struct changer *c, const struct changer_step *step)
{
	const struct difference_group *group = step->group;
	const struct sock_want want = {.ttl = true, .tos = true};
	const struct flow_place *place;

	c->message.flow_rule = *step->flow;
	c->message.flow = PLACE_NONE;
	if (group->move_count > 0) {
		place = changer_find_flow(c, group->from, &group->moves[0]->in);
		if (!place || !place->flow.merge) {
			return -ENOENT;
		}
		c->message.moves = place->flow.merge;
	}
	if (!group->had) {
		return 0;
	}
	place = changer_find_flow(c, step->shard, &group->had->in);
	if (!place) {
		return -ENOENT;
	}
	c->message.flow = place->flow.token;
	for (uint32_t i = 0; i < group->stay_count; i++) {
		int rc = 0;

		place = changer_find_flow(c, step->shard, &group->stays[i]->in);
		if (!place) {
			return -ENOENT;
		}
		if (step->flow->merge && place->flow.fd >= 0) {
			rc = sock_want_more(place->flow.fd, &place->rule.in, &want, &c->err);
		}
		if (rc < 0) {
			return rc;
		}
		c->message.legs[c->message.leg_count++] =
			(struct shard_leg){place->flow.token, group->stays[i]->leg};
	}
	return 0;
}

void changer_keep_feed(struct changer *c, const struct changer_step *failed)
{
	const struct rule_merge *merge = failed->flow ? failed->flow->merge : NULL;

	for (uint32_t i = c->at; i < c->count && merge; i++) {
		struct changer_step *step = &c->steps[i];

		if (step->op == SHARD_REMOVE_FLOW && step->moved && step->flow->merge == merge) {
			step->op = SHARD_START_FLOW;
			step->moved = false;
			step->shard = step->from;
		}
	}
}

/* How large the free blocks of a shard are. */
static size_t *list_free(const struct relay *relay, uint32_t *count)
{
	uint32_t all = 0;
	size_t *list;

	for (const struct relay_merge *rm = relay->merges; rm; rm = rm->next) {
		all++;
	}
	list = calloc(all + 1UL, sizeof(*list));
	for (const struct relay_merge *rm = relay->merges; list && rm; rm = rm->next) {
		if (relay_merge_is_free(rm)) {
			list[(*count)++] = rm->memory_bytes;
		}
	}
	return list;
}

static bool take_smallest(size_t *free_bytes, uint32_t count, size_t bytes)
{
	size_t *best = NULL;

	for (uint32_t i = 0; i < count; i++) {
		if (free_bytes[i] >= bytes && (!best || free_bytes[i] < *best)) {
			best = &free_bytes[i];
		}
	}
	if (best) {
		*best = 0;
	}
	return best;
}
