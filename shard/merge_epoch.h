/* merge_epoch.h - the newest numbers of a feed, and which leg has brought each (step 7).
 *
 * An epoch counts in 64 bits whatever the width of a number, by the nearest number to its head, so
 * that a wrap is nothing special; differences are signed and may wrap themselves. It is a ring of
 * words of 64 numbers. What is below `tail' is settled: counted as seen or lost for each leg, and
 * never looked at again. The time of each of the newest MERGE_RECENT numbers is kept as it is, that
 * of the others by word: of a slow feed one word lasts long. Shard thread.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "shard/merge_rule.h"

#define MERGE_WORD   64
#define MERGE_RECENT 128

#define MERGE_LEG_LEFT UINT8_MAX /* is no leg any more */

struct merge;

/* 64 numbers. */
struct merge_word {
	uint64_t heard_ns; /* when the last one was first heard; when the word came into the ring */
	uint64_t first_ns; /* when the lowest one was first heard: what skews are measured from */
	uint64_t legs[];   /* for each leg a bit a number */
};

struct merge_epoch {
	unsigned char *words;           /* of the ring, word_bytes each */
	uint64_t *recent_ns;            /* MERGE_RECENT: when a number was first heard */
	uint32_t word_bytes;            /* of a struct merge_word with its legs */
	uint32_t word_count;            /* of the ring */
	bool live;                      /* else it holds nothing */
	uint32_t joined;                /* legs that have brought something, a bit each */
	uint64_t head;                  /* next number after the highest */
	uint64_t open;                  /* lowest number of the newest word in the ring */
	uint64_t tail;                  /* below it all is settled; a multiple of 64 */
	uint64_t base;                  /* lowest number ever brought */
	uint64_t begun_ns;              /* when its first datagram came */
	uint64_t advanced_ns;           /* when the head moved last */
	uint64_t session[2];            /* whose numbers these are */
	uint32_t named;                 /* RTP: legs whose SSRC is known, a bit each */
	uint64_t ssrcs[MERGE_LEGS_MAX]; /* theirs */
	uint64_t first[MERGE_LEGS_MAX]; /* lowest number of each leg that has joined */
};

enum merge_fit {
	MERGE_FIT_AHEAD,  /* beyond the head, or some of its numbers are */
	MERGE_FIT_UNSEEN, /* behind it, and some number nobody has brought */
	MERGE_FIT_FRESH,  /* all were brought, within skew= */
	MERGE_FIT_STALE,  /* settled, or all brought longer ago */
	MERGE_FIT_FAR,    /* ahead by a jump or more */
	MERGE_FIT_NONE,   /* there is no epoch */
};

/* `number' of the field as the epoch counts. */
uint64_t merge_epoch_extend(const struct merge *m, const struct merge_epoch *e, uint64_t number);

/* How `count' numbers from `x' on stand to an epoch; NULL: MERGE_FIT_NONE. */
enum merge_fit merge_epoch_fit(const struct merge *m, const struct merge_epoch *e, uint64_t x,
			       uint32_t count, uint64_t now_ns);

/* Whether any of the numbers was brought; whether `leg' has brought all. */
bool merge_epoch_any_seen(const struct merge *m, const struct merge_epoch *e, uint64_t x,
			  uint32_t count);
bool merge_epoch_has_all(const struct merge_epoch *e, unsigned leg, uint64_t x, uint32_t count);

/* Begins anew with number `x', which is still to be taken. */
void merge_epoch_begin(struct merge_epoch *e, uint64_t x, uint64_t now_ns);

/* Leg `leg' brings numbers that are to be relayed; beyond the head it moves, however far. */
void merge_epoch_take(struct merge *m, struct merge_epoch *e, unsigned leg,
		      const struct sequence *seq, uint64_t now_ns);

/* Leg `leg' brings numbers again that another has brought. */
void merge_epoch_note(struct merge *m, struct merge_epoch *e, unsigned leg,
		      const struct sequence *seq, uint64_t now_ns);

/* Settles a few words for which skew= is over. */
void merge_epoch_settle_due(struct merge *m, struct merge_epoch *e, uint64_t now_ns);

/* `e' of `to', which is new, becomes what `old' of `from' is, whose leg i is legs[i] here, or
 * MERGE_LEG_LEFT. What does not fit is settled there. */
void merge_epoch_carry(const struct merge *to, struct merge_epoch *e, struct merge *from,
		       struct merge_epoch *old, const uint8_t legs[MERGE_LEGS_MAX]);

/* Settles all that there is; then it is not live. */
void merge_epoch_end(struct merge *m, struct merge_epoch *e);
