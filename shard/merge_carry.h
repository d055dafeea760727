/* merge_carry.h - one merge goes on as another, with other legs or by another rule (step 7).
 *
 * What was relayed is remembered beyond the change when both tell datagrams apart in the same way:
 * then a copy that comes late is known, a leg that comes is a copy of the feed from its first
 * datagram on, and what a leg that has left has brought stays known. Without such a memory only one
 * leg, the speaker, is relayed for skew=, since what the others bring may be copies of what it has
 * brought before; what these were ahead of it comes twice. Shard thread.
 */
#pragma once

#include <stdint.h>

#include "shard/merge.h"

/* `to', which was cut as an heir and has judged nothing, goes on from `from', of which nothing more
 * is asked. Leg i of `from' is legs[i] of `to', or MERGE_LEG_LEFT; one stays at least. Unless
 * merge_rule_tells_alike, nothing may be held. All counters go along. */
void merge_carry(struct merge *to, struct merge *from, const uint8_t legs[MERGE_LEGS_MAX],
		 uint64_t now_ns);

/* `to', which has judged nothing, goes on from a flow that is its leg `speaker'. */
void merge_follow(struct merge *to, unsigned speaker, uint64_t now_ns);
