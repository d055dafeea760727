/* merge.c - which arrival of a feed's datagrams is relayed (step 7). See merge.h.
 *
 * Here is what needs no epoch: failover=, heartbeats, silence; and the memory of a merge.
 * merge_judge.c decides by numbers. Times are in nanoseconds. Shard thread.
 */
#include "shard/merge.h"

#include "shard/merge_hash.h"
#include "shard/merge_judge.h"
#include "shard/slot.h"
#include "src/base/clock.h"

#define SETTLE_EVERY_NS NS_PER_MS /* not for each datagram: that costs more than judging it */

#define JUMP_MAX_16 3000 /* numbers of 16 bits: as RFC 3550 takes for a gap and no restart */

static bool same_field(const struct sequence_field *a, const struct sequence_field *b);
static enum merge_verdict fail_over(struct merge *m, unsigned leg, uint64_t now_ns);
static bool is_silent(const struct merge_leg *l, uint64_t after_ns, uint64_t now_ns);
static bool must_wait(struct merge *m, unsigned leg, uint64_t now_ns);
static enum merge_verdict judge_beat(struct merge *m, unsigned leg, const struct sequence *beat,
				     uint64_t now_ns);
static void settle_due(struct merge *m, uint64_t now_ns);
static bool is_left(const struct merge *m, const struct merge_epoch *e);

uint32_t merge_window_max(const struct sequence_rule *sequence)
{
	switch (sequence->number.bytes) {
	case 1:
		return MERGE_WINDOW_MIN;
	case 2:
		return 16384;
	default:
		return MERGE_WINDOW_MAX;
	}
}

bool merge_rule_tells_alike(const struct merge_rule *a, const struct merge_rule *b)
{
	const struct sequence_rule *s = &a->sequence, *t = &b->sequence;

	return a->method == b->method && same_field(&s->number, &t->number) &&
	       same_field(&s->count, &t->count) && s->session_bytes == t->session_bytes &&
	       s->session_offset == t->session_offset && s->rtp == t->rtp && s->mold == t->mold;
}

bool merge_rule_is_same(const struct merge_rule *a, const struct merge_rule *b)
{
	return merge_rule_tells_alike(a, b) && a->leg_count == b->leg_count &&
	       a->window == b->window && a->skew_ms == b->skew_ms && a->silent_ms == b->silent_ms &&
	       a->failover_ms == b->failover_ms;
}

uint32_t merge_jump_max(const struct merge_rule *rule)
{
	return rule->sequence.number.bytes == 2 && rule->window > JUMP_MAX_16 ? JUMP_MAX_16
									      : rule->window;
}

struct merge *merge_cut(const struct merge_rule *rule, bool heir, struct arena *arena)
{
	struct merge *m = arena_alloc(arena, sizeof(*m), CACHE_LINE_BYTES);
	uint32_t word_count = rule->window / MERGE_WORD > 2 ? rule->window / MERGE_WORD : 2;
	uint32_t word_bytes =
		(uint32_t)(sizeof(struct merge_word) + (rule->leg_count + heir) * sizeof(uint64_t));
	struct merge cut = {
		.rule = *rule,
		.lanes = rule->leg_count,
		.skew_ns = rule->skew_ms * NS_PER_MS,
		.silent_ns = rule->silent_ms * NS_PER_MS,
		.failover_ns = rule->failover_ms * NS_PER_MS,
		.number_max = UINT64_MAX >> (64 - 8 * (rule->sequence.number.bytes & 0xfU)) % 64,
	};

	cut.stats = arena_alloc(arena, sizeof(*cut.stats), CACHE_LINE_BYTES);
	for (unsigned i = 0; i < rule->leg_count; i++) {
		cut.legs[i].stats = arena_alloc(arena, sizeof(struct leg_stats), CACHE_LINE_BYTES);
	}
	for (unsigned i = 0; i < MERGE_EPOCHS && rule->method == MERGE_BY_NUMBER; i++) {
		cut.epochs[i].word_count = word_count;
		cut.epochs[i].word_bytes = word_bytes;
		cut.epochs[i].words =
			arena_alloc(arena, (size_t)word_count * word_bytes, CACHE_LINE_BYTES);
		cut.epochs[i].recent_ns =
			arena_alloc(arena, MERGE_RECENT * sizeof(uint64_t), CACHE_LINE_BYTES);
	}
	if (rule->method == MERGE_BY_HASH) {
		cut.hash = merge_hash_cut(rule, heir, arena);
	}
	if (m) {
		*m = cut;
	}
	return m;
}

enum merge_verdict merge_judge(struct merge *m, unsigned leg, const struct sequence *seq,
			       uint64_t now_ns, enum merge_verdict *held)
{
	struct merge_leg *l = &m->legs[leg];
	enum merge_verdict verdict;

	*held = MERGE_NONE;
	if (m->rule.method == MERGE_FAILOVER) {
		verdict = fail_over(m, leg, now_ns);
		l->heard_ns = now_ns;
		return verdict;
	}
	l->heard_ns = now_ns;
	if (m->waits_ns != 0 && must_wait(m, leg, now_ns)) {
		merge_let_go(m, leg, held);
		stat_add(&l->stats->behind, 1);
		return MERGE_LATE;
	}
	if (m->rule.method == MERGE_BY_HASH) {
		return merge_hash_judge(m, leg, seq->number, now_ns);
	}
	settle_due(m, now_ns);
	if (l->doubtful && now_ns - l->doubted_ns > m->skew_ns) {
		merge_let_go(m, leg, held);
	}
	if (seq->beat) {
		return judge_beat(m, leg, seq, now_ns);
	}
	return merge_judge_number(m, leg, seq, now_ns, held);
}

bool merge_gives_up(struct merge *m, unsigned leg, uint64_t now_ns)
{
	struct merge_leg *l = &m->legs[leg];
	enum merge_verdict held = MERGE_NONE;

	if (l->doubtful && now_ns - l->doubted_ns > m->skew_ns) {
		merge_let_go(m, leg, &held);
	}
	return held != MERGE_NONE;
}

void merge_look(struct merge *m, uint64_t now_ns)
{
	bool heard = false;

	for (unsigned i = 0; i < m->rule.leg_count; i++) {
		heard = heard || !is_silent(&m->legs[i], m->silent_ns, now_ns);
	}
	for (unsigned i = 0; i < m->rule.leg_count; i++) {
		struct leg_stats *stats = m->legs[i].stats;
		bool silent = is_silent(&m->legs[i], m->silent_ns, now_ns);

		if (silent && heard && stat_get(&stats->silent) == 0) {
			stat_add(&stats->silences, 1);
			stat_set(&stats->silent, 1);
		} else if (!silent) {
			stat_set(&stats->silent, 0);
		}
	}
}

void merge_end(struct merge *m)
{
	if (m->hash) {
		merge_hash_settle(m, 0, true);
	}
	for (unsigned i = 0; i < MERGE_EPOCHS; i++) {
		merge_epoch_end(m, &m->epochs[i]);
	}
}

static bool same_field(const struct sequence_field *a, const struct sequence_field *b)
{
	return a->bytes == b->bytes && a->offset == b->offset && a->little == b->little;
}

/* Relays the first leg listed that is not silent, and goes back to one listed before the selected
 * one when that has been heard for as long. */
static enum merge_verdict fail_over(struct merge *m, unsigned leg, uint64_t now_ns)
{
	struct merge_leg *l = &m->legs[leg];
	bool silent = is_silent(&m->legs[m->selected], m->failover_ns, now_ns);

	if (is_silent(l, m->failover_ns, now_ns)) {
		l->since_ns = now_ns;
	}
	if (leg != m->selected && !silent &&
	    (leg > m->selected || now_ns - l->since_ns < m->failover_ns)) {
		return MERGE_UNSELECTED;
	}
	for (unsigned i = 0; i < leg && leg != m->selected && silent; i++) {
		if (!is_silent(&m->legs[i], m->failover_ns, now_ns)) {
			return MERGE_UNSELECTED; /* it is that one's turn */
		}
	}
	stat_add(&m->stats->switches, m->selected != leg);
	m->selected = leg;
	return MERGE_RELAY;
}

static bool is_silent(const struct merge_leg *l, uint64_t after_ns, uint64_t now_ns)
{
	return l->heard_ns == 0 || now_ns - l->heard_ns > after_ns;
}

/* Another leg was relayed before there was this merge, and what this one brings may be a copy. */
static bool must_wait(struct merge *m, unsigned leg, uint64_t now_ns)
{
	if ((int64_t)(now_ns - m->waits_ns) >= 0) {
		m->waits_ns = 0;
	}
	return m->waits_ns != 0 && leg != m->speaker;
}

/* A heartbeat has the number of the datagram that is to come, and comes again and again. */
static enum merge_verdict judge_beat(struct merge *m, unsigned leg, const struct sequence *beat,
				     uint64_t now_ns)
{
	uint32_t bit = 1U << leg;
	bool again = m->beat.beat && m->beat.number == beat->number &&
		     merge_same_session(m->beat.session, beat->session) &&
		     now_ns - m->beat_ns <= m->skew_ns;

	if (!again) {
		m->beat = *beat;
		m->beat_ns = now_ns;
		m->beat_legs = bit;
		return MERGE_RELAY;
	}
	if (m->beat_legs & bit) {
		stat_add(&m->legs[leg].stats->repeats, 1);
		return MERGE_REPEATED;
	}
	m->beat_legs |= bit;
	return MERGE_DUPLICATE;
}

static void settle_due(struct merge *m, uint64_t now_ns)
{
	unsigned live = 0;

	if (now_ns - m->settled_ns < SETTLE_EVERY_NS) {
		return;
	}
	m->settled_ns = now_ns;
	for (unsigned i = 0; i < MERGE_EPOCHS; i++) {
		live += m->epochs[i].live;
	}
	for (unsigned i = 0; i < MERGE_EPOCHS; i++) {
		struct merge_epoch *e = &m->epochs[i];

		if (e->live) {
			merge_epoch_settle_due(m, e, now_ns);
		}
		if (live > 1 && e->live && now_ns - e->advanced_ns > m->skew_ns && is_left(m, e)) {
			merge_retire(m, e);
		}
	}
}

static bool is_left(const struct merge *m, const struct merge_epoch *e)
{
	for (unsigned i = 0; i < m->rule.leg_count; i++) {
		if (m->legs[i].epoch == e) {
			return false;
		}
	}
	return true;
}
