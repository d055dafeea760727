/* merge_epoch.c - the window of a feed's numbers (step 7). See merge_epoch.h.
 *
 * A word's place in the ring is its number modulo the ring's length. When the head moves to words
 * that are not in the ring, those that held their places before are settled and cleared; a word is
 * settled earlier when its last new number came longer ago than skew=. Times are in nanoseconds.
 * Shard thread.
 */
#include "shard/merge_epoch.h"

#include <string.h>

#include "shard/merge.h"

#define FAR (1ULL << 62) /* of numbers: twice as far is neither ahead nor behind */

#define SETTLE_MAX \
	128 /* words at a time, which is once a millisecond: 8 million numbers a second */

static struct merge_word *word_at(const struct merge_epoch *e, uint64_t word);
static uint64_t mask_of(uint64_t from, uint64_t to, uint64_t word);
static uint64_t any_of(const struct merge *m, const struct merge_word *w);
static bool all_seen(const struct merge *m, const struct merge_epoch *e, uint64_t x,
		     uint32_t count);
static uint64_t heard_ns(const struct merge_epoch *e, uint64_t x);
static uint64_t later(uint64_t a, uint64_t b);
static void join(struct merge_epoch *e, unsigned leg, uint64_t x);
static void mark(struct merge *m, struct merge_epoch *e, unsigned leg, uint64_t x, uint32_t count,
		 uint64_t now_ns);
static void advance(struct merge *m, struct merge_epoch *e, uint64_t head, uint64_t now_ns);
static void skip_to(struct merge *m, struct merge_epoch *e, uint64_t tail);
static void leave_behind(const struct merge *m, struct merge_epoch *e);
static void clear(struct merge_epoch *e, uint64_t word, uint64_t now_ns);
static void settle_up_to(struct merge *m, struct merge_epoch *e, uint64_t tail);
static void settle_word(struct merge *m, struct merge_epoch *e, uint64_t word);
static void settle_gap(struct merge *m, const struct merge_epoch *e, uint64_t count);
static void carry_word(const struct merge *to, struct merge_word *w, const struct merge *from,
		       const struct merge_word *old, const uint8_t legs[MERGE_LEGS_MAX]);
static void sample_skew(struct leg_stats *stats, uint64_t skew_ns);

uint64_t merge_epoch_extend(const struct merge *m, const struct merge_epoch *e, uint64_t number)
{
	uint64_t ahead = (number - e->head) & m->number_max;

	if (ahead > m->number_max / 2) {
		return e->head - ((e->head - number) & m->number_max);
	}
	return e->head + ahead;
}

enum merge_fit merge_epoch_fit(const struct merge *m, const struct merge_epoch *e, uint64_t x,
			       uint32_t count, uint64_t now_ns)
{
	if (e == NULL || !e->live) {
		return MERGE_FIT_NONE;
	}
	if ((int64_t)(x - e->head) >= (int64_t)merge_jump_max(&m->rule)) {
		return MERGE_FIT_FAR;
	}
	if ((int64_t)(x + count - e->head) > 0) {
		return MERGE_FIT_AHEAD;
	}
	if ((int64_t)(x - e->tail) < 0) {
		return MERGE_FIT_STALE;
	}
	if (!all_seen(m, e, x, count)) {
		return MERGE_FIT_UNSEEN;
	}
	return now_ns - heard_ns(e, x) <= m->skew_ns ? MERGE_FIT_FRESH : MERGE_FIT_STALE;
}

bool merge_epoch_any_seen(const struct merge *m, const struct merge_epoch *e, uint64_t x,
			  uint32_t count)
{
	uint64_t from = later(x, e->tail);
	uint64_t to = (int64_t)(x + count - e->head) < 0 ? x + count : e->head;

	for (uint64_t word = from / MERGE_WORD; (int64_t)(word * MERGE_WORD - to) < 0; word++) {
		if (any_of(m, word_at(e, word)) & mask_of(from, to, word)) {
			return true;
		}
	}
	return false;
}

bool merge_epoch_has_all(const struct merge_epoch *e, unsigned leg, uint64_t x, uint32_t count)
{
	for (uint64_t word = x / MERGE_WORD; (int64_t)(word * MERGE_WORD - (x + count)) < 0;
	     word++) {
		uint64_t mask = mask_of(x, x + count, word);

		if ((word_at(e, word)->legs[leg] & mask) != mask) {
			return false;
		}
	}
	return true;
}

void merge_epoch_begin(struct merge_epoch *e, uint64_t x, uint64_t now_ns)
{
	e->live = true;
	e->joined = 0;
	e->named = 0;
	e->head = x;
	e->base = x;
	e->open = x - x % MERGE_WORD;
	e->tail = e->open - (e->word_count - 1ULL) * MERGE_WORD;
	e->begun_ns = now_ns;
	e->advanced_ns = now_ns;
	for (uint32_t i = 0; i < e->word_count; i++) {
		clear(e, i, now_ns);
	}
}

void merge_epoch_take(struct merge *m, struct merge_epoch *e, unsigned leg,
		      const struct sequence *seq, uint64_t now_ns)
{
	uint64_t x = merge_epoch_extend(m, e, seq->number);

	if ((int64_t)(x + seq->count - e->head) > 0) {
		advance(m, e, x + seq->count, now_ns);
	}
	if ((int64_t)(x - e->base) < 0) {
		e->base = x;
	}
	mark(m, e, leg, x, seq->count, now_ns);
}

void merge_epoch_note(struct merge *m, struct merge_epoch *e, unsigned leg,
		      const struct sequence *seq, uint64_t now_ns)
{
	uint64_t x = merge_epoch_extend(m, e, seq->number);
	const struct merge_word *w = word_at(e, x / MERGE_WORD);

	if (x % MERGE_WORD == 0 && (int64_t)(x - e->tail) >= 0 && !(w->legs[leg] & 1)) {
		sample_skew(m->legs[leg].stats, now_ns - w->first_ns);
	}
	join(e, leg, x);
	for (uint64_t word = later(x, e->tail) / MERGE_WORD;
	     (int64_t)(word * MERGE_WORD - (x + seq->count)) < 0; word++) {
		word_at(e, word)->legs[leg] |= mask_of(x, x + seq->count, word);
	}
}

void merge_epoch_settle_due(struct merge *m, struct merge_epoch *e, uint64_t now_ns)
{
	for (unsigned i = 0; i < SETTLE_MAX; i++) {
		uint64_t word = e->tail / MERGE_WORD;

		if ((int64_t)(e->tail + MERGE_WORD - e->head) > 0 ||
		    now_ns - word_at(e, word)->heard_ns <= m->skew_ns) {
			return;
		}
		settle_up_to(m, e, e->tail + MERGE_WORD);
	}
}

void merge_epoch_carry(const struct merge *to, struct merge_epoch *e, struct merge *from,
		       struct merge_epoch *old, const uint8_t legs[MERGE_LEGS_MAX])
{
	uint64_t lowest = old->open + MERGE_WORD - (uint64_t)e->word_count * MERGE_WORD;
	struct merge_epoch carried;

	if (!old->live) {
		return;
	}
	if ((int64_t)(old->tail - lowest) < 0) {
		settle_up_to(from, old, lowest);
	}
	carried = *old;
	carried.words = e->words;
	carried.recent_ns = e->recent_ns;
	carried.word_bytes = e->word_bytes;
	carried.word_count = e->word_count;
	carried.joined = carried.named = 0;
	for (unsigned leg = 0; leg < from->rule.leg_count; leg++) {
		if (legs[leg] != MERGE_LEG_LEFT) {
			carried.joined |= (old->joined >> leg & 1) << legs[leg];
			carried.named |= (old->named >> leg & 1) << legs[leg];
			carried.ssrcs[legs[leg]] = old->ssrcs[leg];
			carried.first[legs[leg]] = old->first[leg];
		}
	}
	*e = carried;
	memcpy(e->recent_ns, old->recent_ns, MERGE_RECENT * sizeof(*e->recent_ns));
	for (uint64_t word = e->tail / MERGE_WORD; (int64_t)(word * MERGE_WORD - e->open) <= 0;
	     word++) {
		carry_word(to, word_at(e, word), from, word_at(old, word), legs);
	}
}

void merge_epoch_end(struct merge *m, struct merge_epoch *e)
{
	if (e->live) {
		settle_up_to(m, e, e->head);
	}
	e->live = false;
}

static struct merge_word *word_at(const struct merge_epoch *e, uint64_t word)
{
	return (struct merge_word *)(void *)(e->words +
					     (word & (e->word_count - 1)) * e->word_bytes);
}

/* The bits of the numbers from `from' to before `to' in word `word'. */
static uint64_t mask_of(uint64_t from, uint64_t to, uint64_t word)
{
	int64_t low = (int64_t)(from - word * MERGE_WORD);
	int64_t high = (int64_t)(to - word * MERGE_WORD);
	uint64_t mask = UINT64_MAX;

	if (low >= MERGE_WORD || high <= 0 || low >= high) {
		return 0;
	}
	if (low > 0) {
		mask <<= low;
	}
	if (high < MERGE_WORD) {
		mask &= UINT64_MAX >> (MERGE_WORD - high);
	}
	return mask;
}

static uint64_t any_of(const struct merge *m, const struct merge_word *w)
{
	uint64_t any = 0;

	for (unsigned lane = 0; lane < m->lanes; lane++) {
		any |= w->legs[lane];
	}
	return any;
}

static bool all_seen(const struct merge *m, const struct merge_epoch *e, uint64_t x, uint32_t count)
{
	for (uint64_t word = x / MERGE_WORD; (int64_t)(word * MERGE_WORD - (x + count)) < 0;
	     word++) {
		uint64_t mask = mask_of(x, x + count, word);

		if ((any_of(m, word_at(e, word)) & mask) != mask) {
			return false;
		}
	}
	return true;
}

/* When `x', which is neither settled nor beyond the head, was first heard, or later. */
static uint64_t heard_ns(const struct merge_epoch *e, uint64_t x)
{
	return e->head - x <= MERGE_RECENT ? e->recent_ns[x % MERGE_RECENT]
					   : word_at(e, x / MERGE_WORD)->heard_ns;
}

static uint64_t later(uint64_t a, uint64_t b)
{
	return (int64_t)(a - b) < 0 ? b : a;
}

static void join(struct merge_epoch *e, unsigned leg, uint64_t x)
{
	if (!(e->joined & 1U << leg) || (int64_t)(x - e->first[leg]) < 0) {
		e->joined |= 1U << leg;
		e->first[leg] = x;
	}
}

/* Of numbers that somebody has brought already only those are new that nobody has. */
static void mark(struct merge *m, struct merge_epoch *e, unsigned leg, uint64_t x, uint32_t count,
		 uint64_t now_ns)
{
	uint64_t from = later(x, e->tail), to = x + count;

	join(e, leg, x);
	for (uint64_t word = from / MERGE_WORD; (int64_t)(word * MERGE_WORD - to) < 0; word++) {
		struct merge_word *w = word_at(e, word);
		uint64_t mask = mask_of(from, to, word);

		w->heard_ns = now_ns;
		if (mask & ~any_of(m, w) & 1) {
			w->first_ns = now_ns;
		}
		w->legs[leg] |= mask;
	}
	from = later(from, e->head - MERGE_RECENT);
	for (; (int64_t)(from - to) < 0; from++) {
		e->recent_ns[from % MERGE_RECENT] = now_ns;
	}
}

/* Moves the head; words that leave the ring are settled, those that come are empty. */
static void advance(struct merge *m, struct merge_epoch *e, uint64_t head, uint64_t now_ns)
{
	uint64_t last = head - 1 - (head - 1) % MERGE_WORD;
	uint64_t ring = (uint64_t)e->word_count * MERGE_WORD;

	/* It is ahead, by up to 2^63 numbers and the ring; as signed, so many would be behind. */
	if (last - e->open >= ring) {
		skip_to(m, e, last - ring + MERGE_WORD);
		e->open = last - ring;
	}
	while (e->open != last) {
		uint64_t tail = e->open + 2 * MERGE_WORD - ring;

		/* What was sent before this one may come later by skew=, but no more. */
		word_at(e, e->open / MERGE_WORD)->heard_ns = now_ns;
		if ((int64_t)(e->tail - tail) < 0) {
			settle_up_to(m, e, tail);
		}
		e->open += MERGE_WORD;
		clear(e, e->open / MERGE_WORD, now_ns);
	}
	e->head = head;
	e->advanced_ns = now_ns;
}

/* The head is about to move by more than the window: what lies between it and the new tail nobody
 * has brought. */
static void skip_to(struct merge *m, struct merge_epoch *e, uint64_t tail)
{
	settle_up_to(m, e, e->head);
	settle_gap(m, e, tail - e->head);
	e->tail = tail;
	if (tail - e->base > FAR) {
		leave_behind(m, e);
	}
}

/* All before the tail is settled. What began farther back than half of all numbers would be ahead
 * of those that come. */
static void leave_behind(const struct merge *m, struct merge_epoch *e)
{
	e->base = e->tail;
	for (unsigned leg = 0; leg < m->rule.leg_count; leg++) {
		e->first[leg] = e->tail - e->first[leg] > FAR ? e->tail : e->first[leg];
	}
}

static void clear(struct merge_epoch *e, uint64_t word, uint64_t now_ns)
{
	struct merge_word *w = word_at(e, word);

	memset(w, 0, e->word_bytes);
	w->heard_ns = now_ns;
}

/* Settles the words from the tail to the one before `tail', or with a part of one, that too. */
static void settle_up_to(struct merge *m, struct merge_epoch *e, uint64_t tail)
{
	while ((int64_t)(e->tail - tail) < 0) {
		settle_word(m, e, e->tail / MERGE_WORD);
		e->tail += MERGE_WORD;
	}
}

static void settle_word(struct merge *m, struct merge_epoch *e, uint64_t word)
{
	const struct merge_word *w = word_at(e, word);
	uint64_t all = mask_of(e->base, e->head, word), any = 0, several = 0, left;

	if (all == 0) {
		return;
	}
	for (unsigned lane = 0; lane < m->lanes; lane++) {
		several |= any & w->legs[lane];
		any |= w->legs[lane];
	}
	left = m->lanes > m->rule.leg_count ? w->legs[m->rule.leg_count] & all & ~several : 0;
	for (unsigned leg = 0; leg < m->rule.leg_count; leg++) {
		struct leg_stats *stats = m->legs[leg].stats;
		uint64_t has = w->legs[leg] & all;
		uint64_t since = e->joined & 1U << leg ? mask_of(e->first[leg], e->head, word) : 0;

		stat_add(&stats->seen, (uint64_t)__builtin_popcountll(has));
		stat_add(&stats->lost, (uint64_t)__builtin_popcountll(all & since & ~has));
		stat_add(&stats->before, (uint64_t)__builtin_popcountll(all & ~since & ~has));
		stat_add(&stats->only, (uint64_t)__builtin_popcountll(has & ~several));
	}
	stat_add(&m->stats->numbers, (uint64_t)__builtin_popcountll(all));
	stat_add(&m->stats->delivered, (uint64_t)__builtin_popcountll(all & any));
	stat_add(&m->stats->shared, (uint64_t)__builtin_popcountll(all & several));
	stat_add(&m->stats->only_left, (uint64_t)__builtin_popcountll(left));
	stat_add(&m->stats->lost_all, (uint64_t)__builtin_popcountll(all & ~any));
}

static void settle_gap(struct merge *m, const struct merge_epoch *e, uint64_t count)
{
	for (unsigned leg = 0; leg < m->rule.leg_count; leg++) {
		struct leg_stats *stats = m->legs[leg].stats;

		stat_add(e->joined & 1U << leg ? &stats->lost : &stats->before, count);
	}
	stat_add(&m->stats->numbers, count);
	stat_add(&m->stats->lost_all, count);
}

/* What legs have brought that have left stands in a lane of its own. */
static void carry_word(const struct merge *to, struct merge_word *w, const struct merge *from,
		       const struct merge_word *old, const uint8_t legs[MERGE_LEGS_MAX])
{
	memset(w, 0, sizeof(*w) + to->lanes * sizeof(w->legs[0]));
	w->heard_ns = old->heard_ns;
	w->first_ns = old->first_ns;
	for (unsigned lane = 0; lane < from->lanes; lane++) {
		bool stays = lane < from->rule.leg_count && legs[lane] != MERGE_LEG_LEFT;

		if (stays) {
			w->legs[legs[lane]] = old->legs[lane];
		} else {
			w->legs[to->rule.leg_count] |= old->legs[lane];
		}
	}
}

static void sample_skew(struct leg_stats *stats, uint64_t skew_ns)
{
	uint64_t us = skew_ns / 1000;

	stat_add(&stats->skew[counter_bucket_of(us, LATENCY_BUCKETS)], 1);
	if (us > stat_get(&stats->skew_max_us)) {
		stat_set(&stats->skew_max_us, us);
	}
}
