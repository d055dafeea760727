/* merge_carry.c - what a merge remembers becomes what another one does (step 7). See merge_carry.h.
 *
 * Legs may stand in another order. Shard thread.
 */
#include "shard/merge_carry.h"

#include <string.h>

#include "shard/merge_hash.h"

static void carry_memory(struct merge *to, struct merge *from, const uint8_t *legs);
static void carry_leg(struct merge *to, const struct merge_leg *leg, unsigned as,
		      const struct merge *from);
static uint32_t carry_bits(uint32_t bits, const struct merge *from, const uint8_t *legs);
static void carry_counters(struct merge *to, const struct merge *from, const uint8_t *legs);
static unsigned choose_leg(const struct merge *to, const struct merge *from, const uint8_t *legs);

void merge_carry(struct merge *to, struct merge *from, const uint8_t legs[MERGE_LEGS_MAX],
		 uint64_t now_ns)
{
	bool leaves = from->lanes > from->rule.leg_count;

	for (unsigned leg = 0; leg < from->rule.leg_count; leg++) {
		leaves = leaves || legs[leg] == MERGE_LEG_LEFT;
	}
	to->lanes = to->rule.leg_count + leaves;
	if (merge_rule_tells_alike(&from->rule, &to->rule)) {
		carry_memory(to, from, legs);
	} else {
		merge_end(from);
		merge_follow(to, choose_leg(to, from, legs), now_ns);
	}
	carry_counters(to, from, legs);
}

void merge_follow(struct merge *to, unsigned speaker, uint64_t now_ns)
{
	to->speaker = speaker;
	to->selected = speaker;
	if (to->rule.method != MERGE_FAILOVER) {
		to->waits_ns = now_ns + to->skew_ns;
	}
}

/* First what does not fit is settled, which counts. */
static void carry_memory(struct merge *to, struct merge *from, const uint8_t *legs)
{
	for (unsigned i = 0; i < MERGE_EPOCHS && to->rule.method == MERGE_BY_NUMBER; i++) {
		merge_epoch_carry(to, &to->epochs[i], from, &from->epochs[i], legs);
	}
	if (to->hash) {
		merge_hash_carry(to, from, legs);
	}
	for (unsigned leg = 0; leg < from->rule.leg_count; leg++) {
		if (legs[leg] != MERGE_LEG_LEFT) {
			carry_leg(to, &from->legs[leg], legs[leg], from);
		}
	}
	to->beat = from->beat;
	to->beat_ns = from->beat_ns;
	to->beat_legs = carry_bits(from->beat_legs, from, legs);
	memcpy(to->retired, from->retired, sizeof(to->retired));
	to->retired_count = from->retired_count;
	to->accepted_ns = from->accepted_ns;
	to->matched = carry_bits(from->matched, from, legs);
	to->selected = choose_leg(to, from, legs);
	to->begun = from->begun;
	to->common = from->common;
	to->waits_ns = from->waits_ns;
	to->speaker = choose_leg(to, from, legs);
}

static void carry_leg(struct merge *to, const struct merge_leg *leg, unsigned as,
		      const struct merge *from)
{
	struct leg_stats *stats = to->legs[as].stats;

	to->legs[as] = *leg;
	to->legs[as].stats = stats;
	if (leg->epoch) {
		to->legs[as].epoch = &to->epochs[leg->epoch - from->epochs];
	}
}

static uint32_t carry_bits(uint32_t bits, const struct merge *from, const uint8_t *legs)
{
	uint32_t carried = 0;

	for (unsigned leg = 0; leg < from->rule.leg_count; leg++) {
		if (legs[leg] != MERGE_LEG_LEFT) {
			carried |= (bits >> leg & 1) << legs[leg];
		}
	}
	return carried;
}

/* What has been settled a leg that comes has not brought, since it was not there. */
static void carry_counters(struct merge *to, const struct merge *from, const uint8_t *legs)
{
	*to->stats = *from->stats;
	for (unsigned leg = 0; leg < to->rule.leg_count; leg++) {
		stat_set(&to->legs[leg].stats->before, stat_get(&from->stats->numbers));
	}
	for (unsigned leg = 0; leg < from->rule.leg_count; leg++) {
		const struct merge_leg *old = &from->legs[leg];

		if (legs[leg] != MERGE_LEG_LEFT) {
			*to->legs[legs[leg]].stats = *old->stats;
			to->legs[legs[leg]].heard_ns = old->heard_ns;
		} else {
			stat_add(&to->stats->only_left, stat_get(&old->stats->only));
		}
	}
}

/* The leg of `to' that goes on: the one that was relayed, or spoke, if it stays; else the first
 * that was heard. */
static unsigned choose_leg(const struct merge *to, const struct merge *from, const uint8_t *legs)
{
	unsigned before = from->rule.method == MERGE_FAILOVER ? from->selected : from->speaker;
	unsigned chosen = to->rule.leg_count;

	if (legs[before] != MERGE_LEG_LEFT) {
		return legs[before];
	}
	for (unsigned leg = 0; leg < from->rule.leg_count; leg++) {
		if (legs[leg] != MERGE_LEG_LEFT && from->legs[leg].heard_ns > 0 &&
		    legs[leg] < chosen) {
			chosen = legs[leg];
		}
	}
	return chosen < to->rule.leg_count ? chosen : 0;
}
