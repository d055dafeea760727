/* merge_judge.h - what merge.c asks of merge_judge.c; nothing else includes it. Shard thread. */
#pragma once

#include "shard/merge.h"

/* What merge_judge says of a datagram with a number. */
enum merge_verdict merge_judge_number(struct merge *m, unsigned leg, const struct sequence *seq,
				      uint64_t now_ns, enum merge_verdict *held);

/* Settles all of an epoch; legs that are there have to find another. */
void merge_retire(struct merge *m, struct merge_epoch *e);

/* What the leg holds was not gone on from: `held' tells, unless it holds nothing. */
void merge_let_go(struct merge *m, unsigned leg, enum merge_verdict *held);

static inline bool merge_same_session(const uint64_t a[2], const uint64_t b[2])
{
	return a[0] == b[0] && a[1] == b[1];
}
