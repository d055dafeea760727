/* merge_find.c - finds the epoch that a datagram belongs to (step 7). See merge_find.h.
 *
 * With names, of sessions or of RTP's senders, that is a look-up; by numbers alone it is what they
 * make likely, and then it counts what others brought a moment ago. Times are in nanoseconds. Shard
 * thread.
 */
#include "shard/merge_find.h"

#include "shard/merge_judge.h"

static bool has_ssrc(struct merge *m, const struct merge_epoch *e, unsigned leg, uint64_t ssrc);
static bool is_by_newcomer(const struct merge *m, const struct merge_epoch *e, unsigned leg,
			   const struct sequence *seq);
static bool is_after_base(const struct merge *m, const struct merge_epoch *e,
			  const struct sequence *seq);
static bool goes_back(const struct merge *m, unsigned leg, const struct merge_epoch *e,
		      const struct sequence *seq);
static bool goes_on_elsewhere(const struct merge *m, unsigned leg, const struct merge_epoch *e,
			      uint64_t now_ns);

enum merge_fit merge_find_fit(const struct merge *m, const struct merge_epoch *e,
			      const struct sequence *seq, uint64_t now_ns)
{
	if (e == NULL || !e->live) {
		return MERGE_FIT_NONE;
	}
	return merge_epoch_fit(m, e, merge_epoch_extend(m, e, seq->number), seq->count, now_ns);
}

struct merge_epoch *merge_find_fresh(struct merge *m, unsigned leg, const struct sequence *seq,
				     uint64_t now_ns)
{
	for (unsigned i = 0; i < MERGE_EPOCHS; i++) {
		struct merge_epoch *e = &m->epochs[i];

		if (e != m->legs[leg].epoch &&
		    merge_find_fit(m, e, seq, now_ns) == MERGE_FIT_FRESH &&
		    !merge_epoch_has_all(e, leg, merge_epoch_extend(m, e, seq->number),
					 seq->count)) {
			return e;
		}
	}
	return NULL;
}

struct merge_epoch *merge_find_left(struct merge *m, unsigned leg, const struct sequence *seq,
				    uint64_t now_ns)
{
	const struct merge_leg *l = &m->legs[leg];
	bool was_away = now_ns - l->accepted_ns > m->skew_ns;
	struct merge_epoch *found = NULL;

	for (unsigned i = 0; i < MERGE_EPOCHS; i++) {
		struct merge_epoch *e = &m->epochs[i];
		bool later = e->live && (int64_t)(e->begun_ns - l->epoch->begun_ns) > 0;

		if (e != l->epoch && e->live && (e->joined & 1U << leg || (was_away && later)) &&
		    now_ns - e->advanced_ns <= m->skew_ns &&
		    merge_find_fit(m, e, seq, now_ns) <= MERGE_FIT_FRESH &&
		    (found == NULL || e->advanced_ns > found->advanced_ns)) {
			found = e;
		}
	}
	return found;
}

struct merge_epoch *merge_find_fitting(struct merge *m, const struct merge_epoch *not_this,
				       const struct sequence *seq, uint64_t now_ns)
{
	struct merge_epoch *found = NULL;

	for (unsigned i = 0; i < MERGE_EPOCHS; i++) {
		struct merge_epoch *e = &m->epochs[i];

		if (e != not_this && merge_find_fit(m, e, seq, now_ns) <= MERGE_FIT_FRESH &&
		    (found == NULL || e->advanced_ns > found->advanced_ns)) {
			found = e;
		}
	}
	return found;
}

struct merge_epoch *merge_find_session(struct merge *m, const uint64_t session[2])
{
	for (unsigned i = 0; i < MERGE_EPOCHS; i++) {
		if (m->epochs[i].live && merge_same_session(m->epochs[i].session, session)) {
			return &m->epochs[i];
		}
	}
	return NULL;
}

struct merge_epoch *merge_find_ssrc(struct merge *m, unsigned leg, uint64_t ssrc)
{
	struct merge_epoch *found = NULL;

	for (unsigned i = 0; i < MERGE_EPOCHS; i++) {
		struct merge_epoch *e = &m->epochs[i];

		if (e->live && has_ssrc(m, e, leg, ssrc) &&
		    (found == NULL || (int64_t)(e->begun_ns - found->begun_ns) > 0)) {
			found = e;
		}
	}
	return found;
}

struct merge_epoch *merge_find_unnamed(struct merge *m, unsigned leg, const struct sequence *seq,
				       uint64_t now_ns)
{
	const struct merge_epoch *own = m->legs[leg].epoch;
	struct merge_epoch *found = NULL;
	enum merge_fit best = MERGE_FIT_NONE;

	for (unsigned i = 0; i < MERGE_EPOCHS; i++) {
		struct merge_epoch *e = &m->epochs[i];
		enum merge_fit fit = merge_find_fit(m, e, seq, now_ns);

		if (fit >= MERGE_FIT_FAR ||
		    (e->named & 1U << leg &&
		     !(fit == MERGE_FIT_FRESH && is_by_newcomer(m, e, leg, seq))) ||
		    (own != NULL && (int64_t)(e->begun_ns - own->begun_ns) < 0)) {
			continue;
		}
		if (fit == MERGE_FIT_STALE && !(is_after_base(m, e, seq) &&
						merge_find_others(m, leg, e, m->skew_ns, now_ns))) {
			continue;
		}
		if (found == NULL || fit == MERGE_FIT_FRESH ||
		    (best != MERGE_FIT_FRESH && e->advanced_ns > found->advanced_ns)) {
			found = e;
			best = fit;
		}
	}
	return found;
}

struct merge_epoch *merge_find_ahead(struct merge *m, unsigned leg, const struct sequence *seq,
				     uint64_t now_ns)
{
	for (unsigned i = 0; i < MERGE_EPOCHS; i++) {
		struct merge_epoch *e = &m->epochs[i];

		if (!goes_back(m, leg, e, seq) &&
		    merge_find_fit(m, e, seq, now_ns) == MERGE_FIT_STALE &&
		    is_after_base(m, e, seq) && merge_find_others(m, leg, e, m->skew_ns, now_ns)) {
			return e;
		}
	}
	return NULL;
}

bool merge_find_others(const struct merge *m, unsigned leg, const struct merge_epoch *e,
		       uint64_t within_ns, uint64_t now_ns)
{
	for (unsigned i = 0; i < m->rule.leg_count; i++) {
		const struct merge_leg *l = &m->legs[i];

		if (i != leg && l->delivering && (e == NULL || l->epoch == e) &&
		    now_ns - l->accepted_ns <= within_ns) {
			return true;
		}
	}
	return false;
}

bool merge_is_foreign(struct merge *m, unsigned leg, uint64_t now_ns)
{
	struct merge_leg *l = &m->legs[leg];

	l->foreign = l->foreign && merge_find_others(m, leg, NULL, m->silent_ns, now_ns);
	return l->foreign;
}

bool merge_is_stranger(const struct merge *m, unsigned leg, uint64_t now_ns)
{
	const struct merge_epoch *e = m->legs[leg].epoch;

	if (m->matched & 1U << leg || e == NULL || now_ns - e->begun_ns <= m->skew_ns) {
		return false;
	}
	for (unsigned i = 0; i < m->rule.leg_count; i++) {
		if (i != leg && goes_on_elsewhere(m, i, e, now_ns) &&
		    (m->matched & 1U << i || merge_is_older(m->legs[i].epoch, e))) {
			return true;
		}
	}
	return false;
}

bool merge_is_older(const struct merge_epoch *a, const struct merge_epoch *b)
{
	return a->begun_ns != b->begun_ns ? (int64_t)(a->begun_ns - b->begun_ns) < 0 : a < b;
}

/* A leg's own name counts, and others' where the leg has none yet. */
static bool has_ssrc(struct merge *m, const struct merge_epoch *e, unsigned leg, uint64_t ssrc)
{
	if (e->named & 1U << leg) {
		return e->ssrcs[leg] == ssrc;
	}
	for (unsigned i = 0; i < m->rule.leg_count; i++) {
		if (e->named & 1U << i && e->ssrcs[i] == ssrc) {
			m->common = true;
			return true;
		}
	}
	return false;
}

/* Whether a leg that may be in the wrong epoch, since it never brought what another did, has
 * brought `seq' there, which this one has not. */
static bool is_by_newcomer(const struct merge *m, const struct merge_epoch *e, unsigned leg,
			   const struct sequence *seq)
{
	uint64_t x = merge_epoch_extend(m, e, seq->number);

	for (unsigned i = 0; i < m->rule.leg_count; i++) {
		if (i != leg && !(m->matched & 1U << i) && merge_epoch_has_all(e, i, x, 1)) {
			return !merge_epoch_has_all(e, leg, x, 1);
		}
	}
	return false;
}

static bool is_after_base(const struct merge *m, const struct merge_epoch *e,
			  const struct sequence *seq)
{
	return (int64_t)(merge_epoch_extend(m, e, seq->number) - e->base) >= 0;
}

/* Whether the leg has come farther in `e' than `seq', which it could not by falling behind. */
static bool goes_back(const struct merge *m, unsigned leg, const struct merge_epoch *e,
		      const struct sequence *seq)
{
	const struct merge_leg *l = &m->legs[leg];
	int64_t step = (int64_t)(merge_epoch_extend(m, e, seq->number) - l->last);

	return e == l->epoch && step <= 0 &&
	       (!l->behind || -step > (int64_t)merge_jump_max(&m->rule) / 2);
}

static bool goes_on_elsewhere(const struct merge *m, unsigned leg, const struct merge_epoch *e,
			      uint64_t now_ns)
{
	const struct merge_leg *l = &m->legs[leg];

	return l->delivering && l->epoch != e && l->epoch != NULL &&
	       now_ns - l->accepted_ns <= m->silent_ns &&
	       (int64_t)(l->accepted_ns - e->begun_ns) > (int64_t)m->skew_ns;
}
