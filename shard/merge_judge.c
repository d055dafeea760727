/* merge_judge.c - decides by a datagram's number (step 7). See merge.h.
 *
 * First the three ways in which numbers are told apart, by session, by SSRC, or not at all; then
 * how legs find epochs, and what becomes of what fits nowhere. `Believed' is what a leg goes on
 * from after a doubt, or what another SSRC says. Times are in nanoseconds. Shard thread.
 */
#include "shard/merge_judge.h"

#include <string.h>

static enum merge_verdict judge_session(struct merge *m, unsigned leg, const struct sequence *seq,
					uint64_t now_ns, enum merge_verdict *held);
static enum merge_verdict judge_rtp(struct merge *m, unsigned leg, const struct sequence *seq,
				    uint64_t now_ns, enum merge_verdict *held);
static enum merge_verdict judge_number(struct merge *m, unsigned leg, const struct sequence *seq,
				       uint64_t now_ns, enum merge_verdict *held);
static enum merge_fit fit_of(const struct merge *m, const struct merge_epoch *e,
			     const struct sequence *seq, uint64_t now_ns);
static struct merge_epoch *find_fresh(struct merge *m, unsigned leg, const struct sequence *seq,
				      uint64_t now_ns);
static struct merge_epoch *find_fitting(struct merge *m, const struct merge_epoch *not_this,
					const struct sequence *seq, uint64_t now_ns);
static struct merge_epoch *find_session(struct merge *m, const uint64_t session[2]);
static bool is_behind(const struct merge *m, unsigned leg, const struct sequence *seq,
		      uint64_t now_ns);
static enum merge_verdict doubt(struct merge *m, unsigned leg, const struct sequence *seq,
				uint64_t now_ns, enum merge_verdict *held);
static bool is_same(const struct merge *m, const struct sequence *a, const struct sequence *b);
static bool is_near(const struct merge *m, const struct sequence *a, const struct sequence *b);
static enum merge_verdict believe(struct merge *m, unsigned leg, const struct sequence *seq,
				  uint64_t now_ns, bool sure);
static bool has_names(const struct merge *m);
static struct merge_epoch *find_target(struct merge *m, unsigned leg, const struct sequence *seq,
				       uint64_t now_ns);
static struct merge_epoch *find_ahead(struct merge *m, unsigned leg, const struct sequence *seq,
				      uint64_t now_ns, bool sure);
static enum merge_verdict refuse(struct merge *m, unsigned leg, enum merge_verdict verdict);
static enum merge_verdict accept(struct merge *m, unsigned leg, const struct sequence *seq,
				 enum merge_fit fit, uint64_t now_ns);
static void match(struct merge *m, const struct merge_epoch *e, unsigned leg, uint64_t x);
static void enter(struct merge *m, unsigned leg, struct merge_epoch *e, const struct sequence *seq);
static struct merge_epoch *begin(struct merge *m, const struct sequence *seq, uint64_t now_ns);
static bool is_stranger(const struct merge *m, unsigned leg, uint64_t now_ns);
static bool others_deliver(const struct merge *m, unsigned leg, const struct merge_epoch *e,
			   uint64_t within_ns, uint64_t now_ns);
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
	struct merge_epoch *e = find_session(m, seq->session);
	enum merge_fit fit;

	if (e == NULL || m->legs[leg].epoch != e) {
		merge_let_go(m, leg, held);
	}
	if (e == NULL) {
		if (is_retired(m, seq->session) && !quiet) {
			return refuse(m, leg, MERGE_LATE);
		}
		if (is_stranger(m, leg, now_ns)) {
			return refuse(m, leg, MERGE_UNMATCHED);
		}
		e = begin(m, seq, now_ns);
	}
	if (m->legs[leg].epoch != e) {
		enter(m, leg, e, seq);
	}
	fit = fit_of(m, e, seq, now_ns);
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
	bool changed = l->epoch != NULL && !merge_same_session(l->session, seq->session);

	memcpy(l->session, seq->session, sizeof(l->session));
	if (!changed) {
		return judge_number(m, leg, seq, now_ns, held);
	}
	merge_let_go(m, leg, held);
	return believe(m, leg, seq, now_ns, true);
}

static enum merge_verdict judge_number(struct merge *m, unsigned leg, const struct sequence *seq,
				       uint64_t now_ns, enum merge_verdict *held)
{
	struct merge_leg *l = &m->legs[leg];
	enum merge_fit fit = fit_of(m, l->epoch, seq, now_ns);

	if (fit != MERGE_FIT_UNSEEN && fit != MERGE_FIT_FRESH) {
		struct merge_epoch *e = fit == MERGE_FIT_NONE ? find_fitting(m, NULL, seq, now_ns)
							      : find_fresh(m, leg, seq, now_ns);

		if (e == NULL && !m->epochs[0].live && !m->epochs[1].live) {
			e = begin(m, seq, now_ns);
		}
		if (e != NULL) {
			enter(m, leg, e, seq);
			fit = fit_of(m, e, seq, now_ns);
		}
	}
	if (fit <= MERGE_FIT_FRESH) {
		return accept(m, leg, seq, fit, now_ns);
	}
	if (fit == MERGE_FIT_STALE && is_behind(m, leg, seq, now_ns)) {
		l->last = merge_epoch_extend(m, l->epoch, seq->number);
		return refuse(m, leg, MERGE_LATE);
	}
	return doubt(m, leg, seq, now_ns, held);
}

static enum merge_fit fit_of(const struct merge *m, const struct merge_epoch *e,
			     const struct sequence *seq, uint64_t now_ns)
{
	if (e == NULL || !e->live) {
		return MERGE_FIT_NONE;
	}
	return merge_epoch_fit(m, e, merge_epoch_extend(m, e, seq->number), seq->count, now_ns);
}

/* The epoch in which another leg has just brought the same, if that is not the leg's own. */
static struct merge_epoch *find_fresh(struct merge *m, unsigned leg, const struct sequence *seq,
				      uint64_t now_ns)
{
	for (unsigned i = 0; i < MERGE_EPOCHS; i++) {
		struct merge_epoch *e = &m->epochs[i];

		if (e != m->legs[leg].epoch && fit_of(m, e, seq, now_ns) == MERGE_FIT_FRESH &&
		    !merge_epoch_has_all(e, leg, merge_epoch_extend(m, e, seq->number),
					 seq->count)) {
			return e;
		}
	}
	return NULL;
}

/* The epoch in which `seq' may stand; of several the one that moved last. */
static struct merge_epoch *find_fitting(struct merge *m, const struct merge_epoch *not_this,
					const struct sequence *seq, uint64_t now_ns)
{
	struct merge_epoch *found = NULL;

	for (unsigned i = 0; i < MERGE_EPOCHS; i++) {
		struct merge_epoch *e = &m->epochs[i];

		if (e != not_this && fit_of(m, e, seq, now_ns) <= MERGE_FIT_FRESH &&
		    (found == NULL || e->advanced_ns > found->advanced_ns)) {
			found = e;
		}
	}
	return found;
}

static struct merge_epoch *find_session(struct merge *m, const uint64_t session[2])
{
	for (unsigned i = 0; i < MERGE_EPOCHS; i++) {
		if (m->epochs[i].live && merge_same_session(m->epochs[i].session, session)) {
			return &m->epochs[i];
		}
	}
	return NULL;
}

/* Whether the leg goes on from its own last number, far behind others that go on as well. */
static bool is_behind(const struct merge *m, unsigned leg, const struct sequence *seq,
		      uint64_t now_ns)
{
	const struct merge_leg *l = &m->legs[leg];
	int64_t step = (int64_t)(merge_epoch_extend(m, l->epoch, seq->number) - l->last);

	return step > 0 && step <= (int64_t)m->rule.window &&
	       others_deliver(m, leg, NULL, m->silent_ns, now_ns);
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
		return believe(m, leg, seq, now_ns, false);
	}
	*held = believe(m, leg, &before, now_ns, false);
	if (*held == MERGE_LATE || *held == MERGE_UNMATCHED) {
		return believe(m, leg, seq, now_ns, false);
	}
	l->doubtful = false;
	return accept(m, leg, seq, fit_of(m, l->epoch, seq, now_ns), now_ns);
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

/* Finds or begins an epoch for a leg that has left its own. `sure': it surely has. */
static enum merge_verdict believe(struct merge *m, unsigned leg, const struct sequence *seq,
				  uint64_t now_ns, bool sure)
{
	struct merge_epoch *e = find_target(m, leg, seq, now_ns);

	if (e == NULL && has_names(m) && m->legs[leg].epoch != NULL) {
		merge_retire(m, m->legs[leg].epoch);
	} else if (e == NULL) {
		e = find_ahead(m, leg, seq, now_ns, sure);
		if (e != NULL) {
			enter(m, leg, e, seq);
			m->legs[leg].doubtful = false;
			return refuse(m, leg, MERGE_LATE);
		}
		if (is_stranger(m, leg, now_ns)) {
			return refuse(m, leg, MERGE_UNMATCHED);
		}
	}
	e = e != NULL ? e : begin(m, seq, now_ns);
	enter(m, leg, e, seq);
	return accept(m, leg, seq, fit_of(m, e, seq, now_ns), now_ns);
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
		return fit_of(m, own, seq, now_ns) == MERGE_FIT_FAR ? own : NULL;
	}
	return find_fitting(m, own, seq, now_ns);
}

/* The epoch whose numbers others have brought long ago, and go on: the leg is behind them. */
static struct merge_epoch *find_ahead(struct merge *m, unsigned leg, const struct sequence *seq,
				      uint64_t now_ns, bool sure)
{
	for (unsigned i = 0; i < MERGE_EPOCHS; i++) {
		struct merge_epoch *e = &m->epochs[i];

		if (fit_of(m, e, seq, now_ns) == MERGE_FIT_STALE &&
		    (int64_t)(merge_epoch_extend(m, e, seq->number) - e->base) >= 0 &&
		    !(sure && e == m->legs[leg].epoch) &&
		    others_deliver(m, leg, e, m->skew_ns, now_ns)) {
			return e;
		}
	}
	return NULL;
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
		}
	}
}

static void enter(struct merge *m, unsigned leg, struct merge_epoch *e, const struct sequence *seq)
{
	struct merge_leg *l = &m->legs[leg];

	if (l->epoch != e && l->came) {
		stat_add(&l->stats->restarts, 1);
	}
	l->came = true;
	l->epoch = e;
	l->last = merge_epoch_extend(m, e, seq->number);
}

/* In place of the one that has stood still for longer. */
static struct merge_epoch *begin(struct merge *m, const struct sequence *seq, uint64_t now_ns)
{
	struct merge_epoch *e = &m->epochs[0], *other = &m->epochs[1];

	if (e->live && (!other->live || other->advanced_ns < e->advanced_ns)) {
		e = other;
	}
	if (m->begun) {
		stat_add(&m->stats->restarts, 1);
	}
	m->begun = true;
	merge_retire(m, e);
	merge_epoch_begin(e, seq->number, now_ns);
	memcpy(e->session, seq->session, sizeof(e->session));
	return e;
}

/* Whether the leg has never brought what another brought, and another delivers. */
static bool is_stranger(const struct merge *m, unsigned leg, uint64_t now_ns)
{
	return !(m->matched & 1U << leg) && others_deliver(m, leg, NULL, m->silent_ns, now_ns);
}

/* Whether another leg, in epoch `e' or NULL: in any, goes on and did within `within_ns'. */
static bool others_deliver(const struct merge *m, unsigned leg, const struct merge_epoch *e,
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
