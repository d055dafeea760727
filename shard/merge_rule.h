/* merge_rule.h - how the copies of a feed become one: what seq=, failover= and the like ask for.
 *
 * The configuration fills it in, a shard's table carries it (rule.h), and merge.c acts by it. All
 * zero: nothing is merged, and nothing is counted. Pure data.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "shard/sequence.h"

#define MERGE_LEGS_MAX       8
#define MERGE_WINDOW_MIN     64
#define MERGE_WINDOW_MAX     1048576
#define MERGE_WINDOW_DEFAULT 16384
#define MERGE_SKEW_MS        500
#define MERGE_SILENT_MS      1000
#define MERGE_MS_MAX         60000

enum merge_method {
	MERGE_OFF,
	MERGE_BY_NUMBER, /* seq=: whoever brings a number first is relayed */
	MERGE_BY_HASH,   /* seq=hash: whoever brings a payload first is */
	MERGE_FAILOVER,  /* failover=: the first leg that is heard is */
};

struct merge_rule {
	uint8_t method; /* enum merge_method */
	uint8_t leg_count;
	struct sequence_rule sequence;
	uint32_t window; /* numbers, a power of two */
	uint32_t skew_ms, silent_ms, failover_ms;
};

/* The widest window= that numbers of the rule's width allow: what is behind and what is ahead must
 * be told apart. */
uint32_t merge_window_max(const struct sequence_rule *sequence);

/* Whether both tell datagrams apart in the same way, so that what one remembers serves the other.
 */
bool merge_rule_tells_alike(const struct merge_rule *a, const struct merge_rule *b);

/* Whether both merge in the same way. */
bool merge_rule_is_same(const struct merge_rule *a, const struct merge_rule *b);

/* How far ahead of the others a number may be at once. */
uint32_t merge_jump_max(const struct merge_rule *rule);
