/* merge_hash.h - which payloads the legs of a feed without numbers have brought (step 7).
 *
 * For seq=hash. What is remembered is each *copy* that was relayed, for skew=, and at most window=
 * of them: a ring in the order of time. Copies of one payload are counted together, with how many
 * of them each leg has still to bring. A leg that has some to bring brings one of those; else what
 * it brings is news. So a payload that the sender repeats passes as often as the leg that brings it
 * most often did, and what one leg has lost is forgotten with the copy, so that nobody stays
 * behind.
 *
 * Payloads are told apart by 64 bits of XXH3 with a secret drawn at start: with n remembered, one
 * in 2^64/n that are different passes for a copy. With 16384 and a million a second that is one in
 * 35 years. Nobody who does not know the secret can choose one.
 *
 * Each datagram takes a look-up, and is forgotten once. Memory is taken once. Shard thread.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "shard/merge.h"
#include "src/base/arena.h"

/* Cut off `arena' for `rule' and, as `heir', for what legs that leave have brought; NULL from an
 * arena that counts. */
struct merge_hash *merge_hash_cut(const struct merge_rule *rule, bool heir, struct arena *arena);

/* The number of a payload, as merge_judge takes it. */
uint64_t merge_hash_of(const struct merge_hash *h, const unsigned char *payload, uint32_t bytes);

/* What is to become of a datagram of leg `leg': MERGE_RELAY or MERGE_DUPLICATE. */
enum merge_verdict merge_hash_judge(struct merge *m, unsigned leg, uint64_t hash, uint64_t now_ns);

/* What `from' remembers is what `to', which is new, does; what does not fit is forgotten there. Leg
 * i of `from' is legs[i] of `to', or MERGE_LEG_LEFT. */
void merge_hash_carry(struct merge *to, struct merge *from, const uint8_t legs[MERGE_LEGS_MAX]);

/* Forgets, and counts, what was brought longer ago than skew=; all: whatever there is. */
void merge_hash_settle(struct merge *m, uint64_t now_ns, bool all);
