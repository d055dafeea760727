/* difference_group.c - finds what becomes of merges, and of flows that are merged. See
 * difference_group.h.
 *
 * The flows of each wanted merge are gathered, and those of each running one; a plain flow is
 * looked at only if the other layout merges it. Then feeds that go on are found, each once: by
 * their first legs, and what is left by any leg.
 */
#include "src/setup/difference_group.h"

#include <errno.h>
#include <stdlib.h>

#include "src/setup/difference_match.h"

/* A merge of one of the layouts, or a plain flow of the wanted one that was a leg. */
struct feed {
	uint32_t shard;
	struct difference_match *legs[MERGE_LEGS_MAX];
	uint32_t leg_count;
	struct feed *before;            /* wanted: the running merge that goes on as this */
	struct difference_match *plain; /* wanted: or the running plain flow */
	struct feed *moved;             /* wanted: or the running merge of another shard */
	bool taken;                     /* running: it does already */
	const struct rule_merge *merge;
};

struct find {
	struct difference_matches *all;
	struct feed *running, *wanted; /* by shard, and by place in the table */
	uint32_t *first_running, *first_wanted;
	struct feed *alone; /* wanted plain flows */
	uint32_t alone_count;
};

static uint32_t count_merges(const struct layout *layout);
static int allocate(struct find *f);
static uint32_t *number_merges(const struct layout *layout, struct feed *feeds);
static void gather(struct find *f);
static struct feed *feed_of(struct feed *feeds, const uint32_t *first, const struct layout *layout,
			    uint32_t shard, const struct rule_flow *flow);
static struct feed *running_feed(struct find *f, const struct difference_match *match);
static void claim(struct find *f, struct feed *feed, bool by_lead);
static void claim_elsewhere(struct find *f, struct feed *feed);
static void settle(struct find *f, struct feed *feed, struct difference_groups *out);
static void settle_moved(const struct feed *feed, struct difference_groups *out);
static bool is_of(struct find *f, const struct feed *feed, const struct difference_match *match);
static bool is_moved(const struct feed *feed, const struct difference_match *match);
static bool is_unchanged(const struct feed *feed, uint32_t stay_count);
static void mark(const struct feed *feed, const struct difference_group *group);

int difference_group(struct difference_matches *all, struct difference_groups *out)
{
	uint32_t merges = count_merges(all->running) + count_merges(all->wanted);
	struct find f = {.all = all};
	int rc;

	*out = (struct difference_groups){0};
	if (merges == 0) {
		return 0;
	}
	rc = allocate(&f);
	out->list =
		rc == 0 ? calloc(count_merges(all->wanted) + all->count + 1UL, sizeof(*out->list))
			: NULL;
	if (out->list) {
		uint32_t wanted = count_merges(all->wanted);

		gather(&f);
		for (int by_any = 0; by_any < 2; by_any++) {
			for (uint32_t i = 0; i < wanted; i++) {
				claim(&f, &f.wanted[i], !by_any);
			}
			for (uint32_t i = 0; i < f.alone_count; i++) {
				claim(&f, &f.alone[i], !by_any);
			}
		}
		for (uint32_t i = 0; i < wanted; i++) {
			claim_elsewhere(&f, &f.wanted[i]);
		}
		for (uint32_t i = 0; i < wanted; i++) {
			settle(&f, &f.wanted[i], out);
		}
		for (uint32_t i = 0; i < f.alone_count; i++) {
			settle(&f, &f.alone[i], out);
		}
	}
	free(f.running);
	free(f.wanted);
	free(f.first_running);
	free(f.first_wanted);
	free(f.alone);
	return out->list ? 0 : -ENOMEM;
}

static uint32_t count_merges(const struct layout *layout)
{
	uint32_t count = 0;

	for (uint32_t s = 0; s < layout->shard_count; s++) {
		count += layout->tables[s].merge_count;
	}
	return count;
}

static int allocate(struct find *f)
{
	const struct layout *running = f->all->running, *wanted = f->all->wanted;

	f->running = calloc(count_merges(running) + 1UL, sizeof(*f->running));
	f->wanted = calloc(count_merges(wanted) + 1UL, sizeof(*f->wanted));
	f->alone = calloc(f->all->count + 1UL, sizeof(*f->alone));
	if (!f->running || !f->wanted || !f->alone) {
		return -ENOMEM;
	}
	f->first_running = number_merges(running, f->running);
	f->first_wanted = number_merges(wanted, f->wanted);
	return f->first_running && f->first_wanted ? 0 : -ENOMEM;
}

/* Where those of each shard begin. */
static uint32_t *number_merges(const struct layout *layout, struct feed *feeds)
{
	uint32_t *first = calloc(layout->shard_count + 1UL, sizeof(*first));

	for (uint32_t s = 0; first && s < layout->shard_count; s++) {
		const struct rule_table *table = &layout->tables[s];

		for (uint32_t i = 0; i < table->merge_count; i++) {
			feeds[first[s] + i] = (struct feed){
				.shard = s,
				.merge = &table->merges[i],
				.leg_count = table->merges[i].rule.leg_count,
			};
		}
		first[s + 1] = first[s] + table->merge_count;
	}
	return first;
}

static void gather(struct find *f)
{
	for (uint32_t i = 0; i < f->all->count; i++) {
		struct difference_match *match = &f->all->list[i];
		struct feed *feed = running_feed(f, match);

		if (feed) {
			feed->legs[match->running->leg] = match;
		}
		if (match->wanted && match->wanted->merge) {
			feed = feed_of(f->wanted, f->first_wanted, f->all->wanted, match->to,
				       match->wanted);
			feed->legs[match->wanted->leg] = match;
		} else if (match->wanted && feed) {
			f->alone[f->alone_count++] =
				(struct feed){.shard = match->to, .legs = {match}, .leg_count = 1};
		}
	}
}

static struct feed *feed_of(struct feed *feeds, const uint32_t *first, const struct layout *layout,
			    uint32_t shard, const struct rule_flow *flow)
{
	return &feeds[first[shard] + (uint32_t)(flow->merge - layout->tables[shard].merges)];
}

/* The merge that a flow is a leg of; NULL: none. */
static struct feed *running_feed(struct find *f, const struct difference_match *match)
{
	return match->running && match->running->merge
		       ? feed_of(f->running, f->first_running, f->all->running, match->from,
				 match->running)
		       : NULL;
}

/* By its first leg, if that was one or a plain flow; or by any. */
static void claim(struct find *f, struct feed *feed, bool by_lead)
{
	uint32_t legs = by_lead ? 1 : feed->leg_count;

	for (uint32_t i = 0; i < legs && !feed->before && !feed->plain; i++) {
		struct difference_match *match = feed->legs[i];
		struct feed *before = running_feed(f, match);

		if (!match->running || match->from != feed->shard) {
			continue;
		}
		if (!before) {
			feed->plain = match;
		} else if (!before->taken && (!by_lead || match->running->leg == 0)) {
			feed->before = before;
			before->taken = true;
		}
	}
}

/* By all legs, as they are. */
static void claim_elsewhere(struct find *f, struct feed *feed)
{
	struct feed *before = running_feed(f, feed->legs[0]);

	if (feed->before || feed->plain || !before || before->taken ||
	    before->shard == feed->shard || before->leg_count != feed->leg_count ||
	    !merge_rule_is_same(&before->merge->rule, &feed->merge->rule)) {
		return;
	}
	for (uint32_t i = 0; i < feed->leg_count; i++) {
		if (before->legs[i] != feed->legs[i] || !difference_moves(feed->legs[i])) {
			return;
		}
	}
	feed->moved = before;
	before->taken = true;
}

static void settle(struct find *f, struct feed *feed, struct difference_groups *out)
{
	struct difference_group *group = &out->list[out->count];

	if (feed->moved) {
		settle_moved(feed, out);
		return;
	}
	*group = (struct difference_group){.shard = feed->shard, .lead = feed->legs[0]->wanted};
	for (uint32_t i = 0; i < feed->leg_count; i++) {
		struct difference_match *match = feed->legs[i];

		if (!is_of(f, feed, match)) {
			match->anew = match->anew || (match->running && !is_moved(feed, match));
		} else if (difference_keeps(match)) {
			group->stays[group->stay_count++] = match->wanted;
		}
	}
	if (is_unchanged(feed, group->stay_count)) {
		return;
	}
	if (group->stay_count > 0) {
		const struct merge_rule *before = feed->before ? &feed->before->merge->rule : NULL;

		group->had = feed->plain ? feed->plain->running : feed->before->legs[0]->running;
		out->changed++;
		out->anew += before && feed->merge &&
			     !merge_rule_tells_alike(before, &feed->merge->rule);
		mark(feed, group);
	}
	if (feed->merge || group->had) {
		out->count++;
	}
}

static void settle_moved(const struct feed *feed, struct difference_groups *out)
{
	struct difference_group *group = &out->list[out->count++];

	*group = (struct difference_group){.shard = feed->shard,
					   .lead = feed->legs[0]->wanted,
					   .from = feed->moved->shard,
					   .move_count = feed->leg_count};
	for (uint32_t i = 0; i < feed->leg_count; i++) {
		group->moves[i] = feed->legs[i]->running;
	}
}

/* Whether the flow was part of what goes on as `feed'. */
static bool is_of(struct find *f, const struct feed *feed, const struct difference_match *match)
{
	return feed->plain ? match == feed->plain
			   : feed->before && match->from == feed->shard &&
				     running_feed(f, match) == feed->before;
}

/* Whether the feed, which begins with that leg, is to be another shard's. */
static bool is_moved(const struct feed *feed, const struct difference_match *match)
{
	return match == feed->legs[0] && match->from != match->to &&
	       (!match->running->merge || match->running->leg == 0);
}

static bool is_unchanged(const struct feed *feed, uint32_t stay_count)
{
	const struct feed *before = feed->before;

	if (!before || !feed->merge || stay_count != feed->leg_count ||
	    !merge_rule_is_same(&before->merge->rule, &feed->merge->rule)) {
		return false;
	}
	for (uint32_t i = 0; i < feed->leg_count; i++) {
		if (before->legs[i] != feed->legs[i]) {
			return false;
		}
	}
	return true;
}

/* Whose outputs go where, and who is added to what goes on. */
static void mark(const struct feed *feed, const struct difference_group *group)
{
	struct difference_match *from = feed->plain ? feed->plain : feed->before->legs[0];

	if (from != feed->legs[0]) {
		from->passed = true;
	}
	feed->legs[0]->had = group->had;
	for (uint32_t i = 0; i < feed->leg_count; i++) {
		feed->legs[i]->joins = !difference_keeps(feed->legs[i]);
	}
}
