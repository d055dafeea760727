/* merge_judge.c - decides by a datagram's number (step 7). See merge.h.
 *
 * First the three ways in which numbers are told apart, by session, by SSRC, or not at all; then
 * what becomes of what fits nowhere. `Believed' is what a leg goes on from after a doubt.
 * merge_find.c finds the epochs. Times are in nanoseconds. Shard thread.
 */
#include "shard/merge_judge.h"

#include <string.h>

#include "shard/merge_find.h"

static enum merge_verdict judge_session(struct merge *m, unsigned leg, const struct sequence *seq,
					uint64_t now_ns, enum merge_verdict *held);
static enum merge_verdict judge_rtp(struct merge *m, unsigned leg, const struct sequence *seq,
				    uint64_t now_ns, enum merge_verdict *held);
static enum merge_verdict judge_number(struct merge *m, unsigned leg, const struct sequence *seq,
				       uint64_t now_ns, enum merge_verdict *held);
static enum merge_verdict go_on(struct merge *m, unsigned leg, const struct sequence *seq,
				uint64_t now_ns, enum merge_verdict *held);
static enum merge_verdict visit(struct merge *m, unsigned leg, struct merge_epoch *e,
				const struct sequence *seq, uint64_t now_ns);
static bool is_behind(const struct merge *m, unsigned leg, const struct sequence *seq,
		      uint64_t now_ns);
static enum merge_verdict doubt(struct merge *m, unsigned leg, const struct sequence *seq,
				uint64_t now_ns, enum merge_verdict *held);
static void settle_held(struct merge *m, unsigned leg, uint64_t now_ns, enum merge_verdict *held);
static bool is_same(const struct merge *m, const struct sequence *a, const struct sequence *b);
static bool is_near(const struct merge *m, const struct sequence *a, const struct sequence *b);
static enum merge_verdict believe(struct merge *m, unsigned leg, const struct sequence *seq,
				  uint64_t now_ns);
static bool has_names(const struct merge *m);
static struct merge_epoch *find_target(struct merge *m, unsigned leg, const struct sequence *seq,
				       uint64_t now_ns);
static enum merge_verdict refuse(struct merge *m, unsigned leg, enum merge_verdict verdict);
static enum merge_verdict accept(struct merge *m, unsigned leg, const struct sequence *seq,
				 enum merge_fit fit, uint64_t now_ns);
static void match(struct merge *m, const struct merge_epoch *e, unsigned leg, uint64_t x);
static void name(struct merge_epoch *e, unsigned leg, const struct sequence *seq);
static void enter(struct merge *m, unsigned leg, struct merge_epoch *e, const struct sequence *seq);
static bool may_begin(struct merge *m, unsigned leg, uint64_t now_ns);
static struct merge_epoch *find_oldest(struct merge *m);
static struct merge_epoch *begin(struct merge *m, const struct sequence *seq, uint64_t now_ns);
static enum merge_verdict refuse_stranger(struct merge *m, unsigned leg);
static bool is_empty(const struct merge *m);
static bool is_retired(const struct merge *m, const uint64_t session[2]);

enum merge_verdict merge_judge_number(struct merge *m, unsigned leg, const struct sequence *seq,
				      uint64_t now_ns, enum merge_verdict *held)
{
	if (m->rule.sequence.rtp) {
		return judge_rtp(m, leg, seq, now_ns, held);
	}
	if (m->rule.sequence.session_bytes > 0) {
		return judge_session(m, leg, seq, now_ns, held);
	}
	return judge_number(m, leg, seq, now_ns, held);
}

void merge_retire(struct merge *m, struct merge_epoch *e)
{
	if (!e->live) {
		return;
	}
	memcpy(m->retired[m->retired_count++ % MERGE_RETIRED], e->session, sizeof(e->session));
	merge_epoch_end(m, e);
	for (unsigned i = 0; i < m->rule.leg_count; i++) {
		if (m->legs[i].epoch == e) {
			m->legs[i].epoch = NULL;
		}
	}
}

void merge_let_go(struct merge *m, unsigned leg, enum merge_verdict *held)
{
	struct merge_leg *l = &m->legs[leg];

	if (l->holding) {
		*held = refuse(m, leg, MERGE_LATE);
	}
	l->doubtful = false;
	l->holding = false;
}

/* A session that nobody brings any more may come again, once nothing else comes; and so may old
 * numbers of the same. */
static enum merge_verdict judge_session(struct merge *m, unsigned leg, const struct sequence *seq,
					uint64_t now_ns, enum merge_verdict *held)
{
	bool quiet = now_ns - m->accepted_ns > m->silent_ns;
	struct merge_epoch *e = merge_find_session(m, seq->session);
	enum merge_fit fit;

	if (e == NULL || m->legs[leg].epoch != e) {
		merge_let_go(m, leg, held);
	}
	if (e == NULL) {
		if (!may_begin(m, leg, now_ns)) {
			return refuse(m, leg, MERGE_UNMATCHED);
		}
		if (is_retired(m, seq->session) && !quiet) {
			return refuse(m, leg, MERGE_LATE);
		}
		e = begin(m, seq, now_ns);
	}
	if (m->legs[leg].epoch != e) {
		enter(m, leg, e, seq);
	}
	if (merge_is_stranger(m, leg, now_ns)) {
		return refuse_stranger(m, leg);
	}
	fit = merge_find_fit(m, e, seq, now_ns);
	if (fit == MERGE_FIT_FAR || (fit == MERGE_FIT_STALE && quiet)) {
		return doubt(m, leg, seq, now_ns, held);
	}
	return accept(m, leg, seq, fit, now_ns);
}

/* The legs of RTP may have senders of their own, but on one leg another SSRC is another sender. */
static enum merge_verdict judge_rtp(struct merge *m, unsigned leg, const struct sequence *seq,
				    uint64_t now_ns, enum merge_verdict *held)
{
	struct merge_leg *l = &m->legs[leg];
	struct merge_epoch *e = merge_find_ssrc(m, leg, seq->session[0]), *better;

	if (!m->common && e != NULL && merge_find_fit(m, e, seq, now_ns) != MERGE_FIT_FRESH) {
		better = merge_find_unnamed(m, leg, seq, now_ns);
		if (better != NULL && merge_find_fit(m, better, seq, now_ns) == MERGE_FIT_FRESH) {
			e->named &= ~(1U << leg); /* it was taken for another one */
			e = better;
		}
	}
	if (e == NULL) {
		merge_let_go(m, leg, held);
		e = m->common ? NULL : merge_find_unnamed(m, leg, seq, now_ns);
		if (e == NULL && !may_begin(m, leg, now_ns)) {
			return refuse(m, leg, MERGE_UNMATCHED);
		}
		e = e != NULL ? e : begin(m, seq, now_ns);
	}
	name(e, leg, seq);
	if (l->epoch != NULL && merge_is_older(e, l->epoch)) {
		return visit(m, leg, e, seq, now_ns);
	}
	if (l->epoch != e) {
		enter(m, leg, e, seq);
	}
	return go_on(m, leg, seq, now_ns, held);
}

static enum merge_verdict judge_number(struct merge *m, unsigned leg, const struct sequence *seq,
				       uint64_t now_ns, enum merge_verdict *held)
{
	struct merge_leg *l = &m->legs[leg];
	enum merge_fit fit = merge_find_fit(m, l->epoch, seq, now_ns);
	struct merge_epoch *e = NULL;

	if (fit == MERGE_FIT_NONE) {
		e = is_empty(m) ? begin(m, seq, now_ns) : merge_find_fitting(m, NULL, seq, now_ns);
	} else if (fit != MERGE_FIT_FRESH) {
		e = merge_find_fresh(m, leg, seq, now_ns);
		if (e == NULL && fit > MERGE_FIT_FRESH) {
			e = merge_find_left(m, leg, seq, now_ns);
		}
	}
	if (e != NULL && l->epoch != NULL && merge_is_older(e, l->epoch) &&
	    (now_ns - l->epoch->begun_ns <= m->skew_ns ||
	     merge_find_others(m, leg, l->epoch, m->silent_ns, now_ns))) {
		return visit(m, leg, e, seq, now_ns);
	}
	if (e != NULL) {
		enter(m, leg, e, seq);
	}
	return go_on(m, leg, seq, now_ns, held);
}

/* In the epoch where the leg is, or else in doubt. */
static enum merge_verdict go_on(struct merge *m, unsigned leg, const struct sequence *seq,
				uint64_t now_ns, enum merge_verdict *held)
{
	struct merge_leg *l = &m->legs[leg];
	enum merge_fit fit = merge_find_fit(m, l->epoch, seq, now_ns);

	if (fit != MERGE_FIT_FRESH && merge_is_stranger(m, leg, now_ns)) {
		return refuse_stranger(m, leg);
	}
	if (fit <= MERGE_FIT_FRESH) {
		if (l->holding) {
			settle_held(m, leg, now_ns, held);
		}
		return accept(m, leg, seq, merge_find_fit(m, l->epoch, seq, now_ns), now_ns);
	}
	if (fit == MERGE_FIT_STALE && is_behind(m, leg, seq, now_ns)) {
		l->last = merge_epoch_extend(m, l->epoch, seq->number);
		l->behind = true;
		return refuse(m, leg, MERGE_LATE);
	}
	return doubt(m, leg, seq, now_ns, held);
}

/* The leg goes on where it is, but this one belongs to `e', where it was before. */
static enum merge_verdict visit(struct merge *m, unsigned leg, struct merge_epoch *e,
				const struct sequence *seq, uint64_t now_ns)
{
	struct merge_leg *l = &m->legs[leg];
	enum merge_fit fit = merge_find_fit(m, e, seq, now_ns);
	struct merge_epoch *own = l->epoch;
	uint64_t last = l->last;
	enum merge_verdict verdict;

	l->epoch = e;
	verdict = accept(m, leg, seq, fit == MERGE_FIT_FAR ? MERGE_FIT_STALE : fit, now_ns);
	l->epoch = own;
	l->last = last;
	return verdict;
}

/* Whether the leg goes on from its own last number, far behind others that go on as well. */
static bool is_behind(const struct merge *m, unsigned leg, const struct sequence *seq,
		      uint64_t now_ns)
{
	const struct merge_leg *l = &m->legs[leg];
	int64_t step = (int64_t)(merge_epoch_extend(m, l->epoch, seq->number) - l->last);

	return step > 0 && step <= (int64_t)m->rule.window &&
	       merge_find_others(m, leg, NULL, m->silent_ns, now_ns);
}

/* One is held, two that are near each other are believed. What was not believed is not held a
 * second time. */
static enum merge_verdict doubt(struct merge *m, unsigned leg, const struct sequence *seq,
				uint64_t now_ns, enum merge_verdict *held)
{
	struct merge_leg *l = &m->legs[leg];
	struct sequence before = l->doubted;
	bool holding = l->holding;

	if (holding && is_same(m, &before, seq)) {
		stat_add(&l->stats->repeats, 1);
		return refuse(m, leg, MERGE_REPEATED);
	}
	if (!l->doubtful || !is_near(m, &before, seq)) {
		merge_let_go(m, leg, held);
		l->delivering = false;
		l->doubtful = true;
		l->doubted = *seq;
		l->doubted_ns = now_ns;
		l->holding = true;
		return MERGE_HOLD;
	}
	l->doubted = *seq;
	l->doubted_ns = now_ns;
	l->holding = false;
	if (!holding) {
		return believe(m, leg, seq, now_ns);
	}
	*held = believe(m, leg, &before, now_ns);
	if (*held == MERGE_LATE || *held == MERGE_UNMATCHED) {
		return believe(m, leg, seq, now_ns);
	}
	l->doubtful = false;
	return accept(m, leg, seq, merge_find_fit(m, l->epoch, seq, now_ns), now_ns);
}

/* What the leg holds is judged where the leg goes on now, if it belongs there. */
static void settle_held(struct merge *m, unsigned leg, uint64_t now_ns, enum merge_verdict *held)
{
	struct merge_leg *l = &m->legs[leg];
	struct sequence doubted = l->doubted;
	enum merge_fit fit = merge_find_fit(m, l->epoch, &doubted, now_ns);

	if (fit <= MERGE_FIT_FRESH) {
		l->doubtful = false;
		l->holding = false;
		*held = accept(m, leg, &doubted, fit, now_ns);
	}
}

static bool is_same(const struct merge *m, const struct sequence *a, const struct sequence *b)
{
	return a->number == b->number &&
	       (!has_names(m) || merge_same_session(a->session, b->session));
}

/* Whether both are of one feed: datagrams may overtake each other, and some may be lost. */
static bool is_near(const struct merge *m, const struct sequence *a, const struct sequence *b)
{
	uint64_t step = (b->number - a->number) & m->number_max;
	uint64_t most = merge_jump_max(&m->rule) / 2;

	return (step <= most || (-step & m->number_max) <= most) &&
	       (!has_names(m) || merge_same_session(a->session, b->session));
}

/* Finds or begins an epoch for a leg that has left its own. */
static enum merge_verdict believe(struct merge *m, unsigned leg, const struct sequence *seq,
				  uint64_t now_ns)
{
	struct merge_epoch *e = find_target(m, leg, seq, now_ns);

	if (e == NULL && has_names(m) && m->legs[leg].epoch != NULL) {
		merge_retire(m, m->legs[leg].epoch);
	} else if (e == NULL) {
		e = merge_find_ahead(m, leg, seq, now_ns);
		if (e != NULL) {
			enter(m, leg, e, seq);
			m->legs[leg].doubtful = false;
			m->legs[leg].behind = true;
			return refuse(m, leg, MERGE_LATE);
		}
		if (!may_begin(m, leg, now_ns)) {
			return refuse(m, leg, MERGE_UNMATCHED);
		}
	}
	e = e != NULL ? e : begin(m, seq, now_ns);
	enter(m, leg, e, seq);
	return accept(m, leg, seq, merge_find_fit(m, e, seq, now_ns), now_ns);
}

/* Whether numbers are told apart by the names of their sessions. */
static bool has_names(const struct merge *m)
{
	return m->rule.sequence.session_bytes > 0 && !m->rule.sequence.rtp;
}

/* An epoch that is there and fits; of one with a name it is that one, however far ahead. */
static struct merge_epoch *find_target(struct merge *m, unsigned leg, const struct sequence *seq,
				       uint64_t now_ns)
{
	struct merge_epoch *own = m->legs[leg].epoch;

	if (has_names(m)) {
		return merge_find_fit(m, own, seq, now_ns) == MERGE_FIT_FAR ? own : NULL;
	}
	return merge_find_fitting(m, own, seq, now_ns);
}

static enum merge_verdict refuse(struct merge *m, unsigned leg, enum merge_verdict verdict)
{
	m->legs[leg].delivering = false;
	if (verdict == MERGE_LATE) {
		stat_add(&m->legs[leg].stats->behind, 1);
	}
	return verdict;
}

/* The leg goes on in its epoch, where the datagram stands as `fit' says. */
static enum merge_verdict accept(struct merge *m, unsigned leg, const struct sequence *seq,
				 enum merge_fit fit, uint64_t now_ns)
{
	struct merge_leg *l = &m->legs[leg];
	struct merge_epoch *e = l->epoch;
	uint64_t x = merge_epoch_extend(m, e, seq->number);

	if (fit == MERGE_FIT_STALE) {
		return refuse(m, leg, MERGE_LATE);
	}
	l->last = (int64_t)(x - l->last) > 0 ? x : l->last;
	l->delivering = true;
	l->behind = false;
	l->accepted_ns = now_ns;
	m->accepted_ns = now_ns;
	if (fit == MERGE_FIT_FRESH) {
		bool own = merge_epoch_has_all(e, leg, x, seq->count);

		stat_add(&l->stats->repeats, own);
		merge_epoch_note(m, e, leg, seq, now_ns);
		match(m, e, leg, x);
		return own ? MERGE_REPEATED : MERGE_DUPLICATE;
	}
	if (fit == MERGE_FIT_UNSEEN) {
		stat_add(&l->stats->filled, 1);
		stat_add(&m->stats->filled, 1);
	}
	if (seq->count > 1 && merge_epoch_any_seen(m, e, x, seq->count)) {
		stat_add(&l->stats->overlap, 1);
		stat_add(&m->stats->overlap, 1);
	}
	merge_epoch_take(m, e, leg, seq, now_ns);
	return MERGE_RELAY;
}

/* All that brought `x' bring the same feed. */
static void match(struct merge *m, const struct merge_epoch *e, unsigned leg, uint64_t x)
{
	if (m->matched == (1U << m->rule.leg_count) - 1) {
		return;
	}
	for (unsigned i = 0; i < m->rule.leg_count; i++) {
		if (i != leg && merge_epoch_has_all(e, i, x, 1)) {
			m->matched |= 1U << i | 1U << leg;
			m->legs[i].foreign = m->legs[leg].foreign = false;
		}
	}
}

static void name(struct merge_epoch *e, unsigned leg, const struct sequence *seq)
{
	e->named |= 1U << leg;
	e->ssrcs[leg] = seq->session[0];
}

static void enter(struct merge *m, unsigned leg, struct merge_epoch *e, const struct sequence *seq)
{
	struct merge_leg *l = &m->legs[leg];

	if (l->epoch != e && l->came) {
		stat_add(&l->stats->restarts, 1);
	}
	if (m->rule.sequence.rtp) {
		name(e, leg, seq);
	}
	l->came = true;
	l->epoch = e;
	l->last = merge_epoch_extend(m, e, seq->number);
}

/* A leg that is no copy of the others, as far as is known, does not take their place. */
static bool may_begin(struct merge *m, unsigned leg, uint64_t now_ns)
{
	return !merge_is_foreign(m, leg, now_ns) &&
	       (m->matched & 1U << leg ||
		!merge_find_others(m, leg, find_oldest(m), m->skew_ns, now_ns));
}

/* The epoch that the next one takes the place of: it has stood still for longest, if there is none
 * that is free. */
static struct merge_epoch *find_oldest(struct merge *m)
{
	struct merge_epoch *e = &m->epochs[0];

	for (unsigned i = 1; i < MERGE_EPOCHS && e->live; i++) {
		struct merge_epoch *other = &m->epochs[i];

		if (!other->live || other->advanced_ns < e->advanced_ns) {
			e = other;
		}
	}
	return e;
}

static struct merge_epoch *begin(struct merge *m, const struct sequence *seq, uint64_t now_ns)
{
	struct merge_epoch *e = find_oldest(m);

	stat_add(&m->stats->crowded, e->live && now_ns - e->advanced_ns <= m->skew_ns);
	if (m->begun) {
		stat_add(&m->stats->restarts, 1);
	}
	m->begun = true;
	merge_retire(m, e);
	merge_epoch_begin(e, seq->number, now_ns);
	memcpy(e->session, seq->session, sizeof(e->session));
	return e;
}

static enum merge_verdict refuse_stranger(struct merge *m, unsigned leg)
{
	merge_retire(m, m->legs[leg].epoch);
	m->legs[leg].foreign = true;
	return refuse(m, leg, MERGE_UNMATCHED);
}

static bool is_empty(const struct merge *m)
{
	for (unsigned i = 0; i < MERGE_EPOCHS; i++) {
		if (m->epochs[i].live) {
			return false;
		}
	}
	return true;
}

static bool is_retired(const struct merge *m, const uint64_t session[2])
{
	uint32_t count = m->retired_count < MERGE_RETIRED ? m->retired_count : MERGE_RETIRED;

	for (uint32_t i = 0; i < count; i++) {
		if (merge_same_session(m->retired[i], session)) {
			return true;
		}
	}
	return false;
}
