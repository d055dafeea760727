/* merge_find.h - in which epoch a datagram of a leg stands, and whether the leg is a copy of the
 * feed (step 7). What merge_judge.c asks of merge_find.c; nothing else includes it. Nothing here
 * changes an epoch. Shard thread.
 */
#pragma once

#include "shard/merge.h"

/* How `seq' stands to an epoch; NULL, or one that is not live: MERGE_FIT_NONE. */
enum merge_fit merge_find_fit(const struct merge *m, const struct merge_epoch *e,
			      const struct sequence *seq, uint64_t now_ns);

/* The epoch in which another leg has just brought the same, and this one has not, if that is not
 * the leg's own. */
struct merge_epoch *merge_find_fresh(struct merge *m, unsigned leg, const struct sequence *seq,
				     uint64_t now_ns);

/* An epoch that the leg has left a moment ago and where `seq', which was overtaken by what came
 * after a restart, still belongs; or one that began while it was away. The leg has an epoch. */
struct merge_epoch *merge_find_left(struct merge *m, unsigned leg, const struct sequence *seq,
				    uint64_t now_ns);

/* The epoch in which `seq' may stand, but for `not_this'; of several the one that moved last. */
struct merge_epoch *merge_find_fitting(struct merge *m, const struct merge_epoch *not_this,
				       const struct sequence *seq, uint64_t now_ns);

/* That of a session's name. */
struct merge_epoch *merge_find_session(struct merge *m, const uint64_t session[2]);

/* RTP: the epoch in which the leg, or where it has no name yet, any other, has that SSRC; the
 * newest of several. */
struct merge_epoch *merge_find_ssrc(struct merge *m, unsigned leg, uint64_t ssrc);

/* RTP: the epoch that the leg, whose sender is another one, may go over to: where others have
 * brought the same, or where it fits, or where others are far ahead of it. */
struct merge_epoch *merge_find_unnamed(struct merge *m, unsigned leg, const struct sequence *seq,
				       uint64_t now_ns);

/* The epoch whose numbers others have brought long ago, and go on: the leg is behind them. */
struct merge_epoch *merge_find_ahead(struct merge *m, unsigned leg, const struct sequence *seq,
				     uint64_t now_ns);

/* Whether another leg, in epoch `e' or NULL: in any, goes on and did within `within_ns'. */
bool merge_find_others(const struct merge *m, unsigned leg, const struct merge_epoch *e,
		       uint64_t within_ns, uint64_t now_ns);

/* Whether the leg is known to bring another feed. That ends when the others do. */
bool merge_is_foreign(struct merge *m, unsigned leg, uint64_t now_ns);

/* Whether the leg, which has never brought what another brought, is alone where it is while
 * another goes on elsewhere. For skew= after its first it may be the first one there: then it is
 * believed. Of two that are alone it is the one that came later. */
bool merge_is_stranger(const struct merge *m, unsigned leg, uint64_t now_ns);

/* Whether epoch `a' began before `b'. */
bool merge_is_older(const struct merge_epoch *a, const struct merge_epoch *b);
