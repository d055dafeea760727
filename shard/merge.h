/* merge.h - several copies of a feed become one (step 7).
 *
 * Each copy is a *leg*, a flow with a socket of its own; all legs of a merge are one shard's. The
 * first arrival of a number is relayed at once and later copies are dropped, so nothing waits and
 * nothing is copied. What is remembered of a feed is an *epoch*: the window of its newest numbers,
 * a bit for each and leg (merge_epoch.h). There are several, since after a restart of the sender
 * some legs still bring the old numbers when others bring new ones, and senders may restart again.
 *
 * What is decided for number x of a leg, in the leg's epoch:
 *
 *     in the window, and nobody has brought it        relayed; `filled' if it is not the newest
 *     in the window, and was brought within skew=     dropped: `duplicate', or `repeated' by its
 *                                                     own leg
 *     ahead of the newest by less than a jump         relayed, and the window moves
 *     brought in the other epoch within skew=         dropped there, and the leg goes on there
 *     fits the epoch that the leg left a moment ago   the same, there: what came after a restart
 *                                                     has overtaken it
 *     older, and goes on from the leg's own last      dropped: `late'. The leg is behind the others
 *                                                     by more than skew=, which is no restart
 *     anything else                                   held; believed when the leg's next such one
 * is near it, which is how a restart of the sender is known, or when others have begun the same;
 * dropped after skew= without
 *
 * A session (seq=..,session=..) decides exactly, and so does the SSRC of RTP if all legs have the
 * same; if each has its own, another one on a leg is a restart. Without names a restart at numbers
 * that were brought within skew= cannot be told from copies: what lands on them is dropped as such.
 * A leg that never brought what another brought, and goes on beside it for longer than skew=, is
 * `unmatched': it is no copy of the feed.
 *
 * With seq=hash there are no numbers: a payload that is remembered is a copy, or repeated on
 * purpose (merge_hash.h).
 *
 * Numbers are settled when they leave the window or skew= is over, when each leg has had its
 * chance; only then they are counted as lost. Laws, whenever nothing is held:
 *
 *     leg:    each datagram judged has one verdict
 *     leg:    numbers settled = seen + lost + before   (before: until its first)
 *     merge:  numbers settled = delivered + lost_all,  delivered = shared + the legs' only
 *
 * Legs may come and go (merge_carry.h): then another merge goes on from what this one remembers.
 *
 * Each datagram takes a bounded number of steps, but for a jump, which walks the window once.
 * Memory is taken once. Shard thread; counters may be read by any.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "shard/counters.h"
#include "shard/merge_epoch.h"
#include "shard/merge_rule.h"
#include "shard/sequence.h"
#include "src/base/arena.h"

struct merge_hash;

#define MERGE_EPOCHS  4
#define MERGE_RETIRED 8 /* sessions remembered after their end */

enum merge_verdict {
	MERGE_NONE, /* of a held datagram: nothing is held, or it still is */
	MERGE_RELAY,
	MERGE_DUPLICATE,
	MERGE_REPEATED,
	MERGE_LATE,
	MERGE_UNMATCHED,
	MERGE_UNSELECTED, /* failover=: another leg is relayed */
	MERGE_UNNUMBERED, /* said by who reads numbers: it has none */
	MERGE_HOLD,       /* keep it: the leg's next datagram decides */
};

struct merge_leg {
	struct merge_epoch *epoch; /* where it is; NULL: it has not come, or must find out anew */
	uint64_t last;             /* number it brought last, as the epoch counts */
	uint64_t heard_ns;         /* whatever it was; 0: nothing yet */
	uint64_t accepted_ns;      /* a copy or a first one; 0: nothing yet */
	uint64_t since_ns;         /* failover=: heard without a pause since */
	uint64_t session[2];       /* RTP: of its sender */
	struct sequence doubted;   /* what it would have to go on from */
	uint64_t doubted_ns;       /* when that came */
	bool doubtful;             /* there is such a thing */
	bool holding;              /* and its datagram is held */
	bool delivering;           /* the last one was accepted */
	bool came;                 /* has been in an epoch */
	bool behind;               /* the last one was behind the others */
	bool foreign;              /* what it brings is not what the others bring */
	struct leg_stats *stats;
};

struct merge {
	struct merge_rule rule;
	uint64_t skew_ns, silent_ns, failover_ns;
	uint64_t number_max; /* of the field's width */
	struct merge_epoch epochs[MERGE_EPOCHS];
	struct merge_hash *hash; /* seq=hash: in place of epochs */
	struct merge_leg legs[MERGE_LEGS_MAX];
	struct sequence beat; /* the last heartbeat that was relayed */
	uint64_t beat_ns;
	uint32_t beat_legs; /* who has brought it, a bit each */
	uint64_t retired[MERGE_RETIRED][2];
	uint32_t retired_count; /* ever */
	uint64_t accepted_ns;   /* of the last datagram of any leg; 0: nothing yet */
	uint64_t settled_ns;    /* when it was looked for what is due */
	uint32_t matched;       /* legs that brought what another brought, a bit each */
	uint32_t selected;      /* failover=: leg that is relayed */
	uint32_t lanes;         /* of an epoch: legs, and one of those that have left, if any */
	uint64_t waits_ns;      /* until then only `speaker' is relayed; 0: all are */
	uint32_t speaker;       /* a leg that was relayed before there was this merge */
	bool begun;             /* there has been an epoch */
	bool common;            /* RTP: two legs have had one SSRC */
	struct merge_stats *stats;
};

/* Cut off `arena' for `rule', as `heir' with room for what legs that leave have brought; NULL from
 * an arena that counts. */
struct merge *merge_cut(const struct merge_rule *rule, bool heir, struct arena *arena);

/* Whether so many numbers at once fit the window. */
static inline bool merge_takes(const struct merge *m, const struct sequence *seq)
{
	return seq->count <= m->rule.window / 2;
}

/* What is to become of a datagram of leg `leg', with seq=hash that of the number that merge_hash.h
 * gives it, and first, in `held', of the one that the leg
 * holds: it is let go unless that is MERGE_NONE. `seq' means nothing to failover=, and else
 * merge_takes it. */
enum merge_verdict merge_judge(struct merge *m, unsigned leg, const struct sequence *seq,
			       uint64_t now_ns, enum merge_verdict *held);

/* Whether what the leg holds has been held for longer than skew=: then it is let go, as
 * MERGE_LATE. Asked while nothing comes. */
bool merge_gives_up(struct merge *m, unsigned leg, uint64_t now_ns);

/* Notes which legs have been silent for silent= while another was heard. */
void merge_look(struct merge *m, uint64_t now_ns);

/* Settles all numbers, since none comes any more. */
void merge_end(struct merge *m);
