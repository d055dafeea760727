/* fuzz_merge.c - any field, and whatever the legs of a feed bring.
 *
 * The input is a description of where the number stands, or that there is none and payloads are
 * compared, then a run of datagrams: a byte for the
 * leg, one for the time that has passed, one for the length, then the bytes. What must hold:
 * nothing beyond a datagram's end is read, each datagram has one verdict, at most one of a leg is
 * held, and the laws of shard/merge.h.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "shard/merge.h"
#include "shard/merge_hash.h"
#include "src/base/clock.h"
#include "src/base/must.h"

#define RULE_BYTES 12
#define ARENA_ROOM (1 << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_laws(const struct merge *m)
{
	const struct merge_stats *stats = m->stats;
	uint64_t only = 0;

	for (unsigned i = 0; i < m->rule.leg_count; i++) {
		const struct leg_stats *leg = m->legs[i].stats;

		must(stat_get(&leg->seen) + stat_get(&leg->lost) + stat_get(&leg->before) ==
		     stat_get(&stats->numbers));
		only += stat_get(&leg->only);
	}
	must(stat_get(&stats->delivered) + stat_get(&stats->lost_all) == stat_get(&stats->numbers));
	must(stat_get(&stats->shared) + only == stat_get(&stats->delivered));
}

static struct merge_rule read_rule(const uint8_t *data)
{
	static const uint8_t widths[] = {1, 2, 4, 8};
	static const uint8_t counts[] = {0, 1, 2, 4};
	struct merge_rule rule = {
		.method = MERGE_BY_NUMBER,
		.leg_count = (uint8_t)(1 + data[0] % MERGE_LEGS_MAX),
		.skew_ms = 1U + data[1],
		.silent_ms = 1U + data[2],
		.sequence = {.number = {widths[data[3] % 4], data[4], data[5] & 1},
			     .count = {counts[data[6] % 4], data[7], data[5] & 2},
			     .session_bytes = data[8] % (SEQUENCE_SESSION_MAX + 1),
			     .session_offset = data[9]},
	};

	if (data[10] % 8 == 7) {
		rule.method = MERGE_BY_HASH;
		rule.leg_count = (uint8_t)(2 + data[0] % (MERGE_LEGS_MAX - 1));
		rule.sequence = (struct sequence_rule){0};
	} else if (data[10] % 4 == 0) {
		rule.sequence = data[10] & 4 ? sequence_rtp : sequence_moldudp64;
	}
	rule.window = 64U << data[11] % 5;
	if (rule.method == MERGE_BY_NUMBER && rule.window > merge_window_max(&rule.sequence)) {
		rule.window = merge_window_max(&rule.sequence);
	}
	return rule;
}

/* Whether the datagram is one to judge. */
static bool read_number(const struct merge *m, const unsigned char *payload, uint32_t bytes,
			struct sequence *seq)
{
	if (m->hash) {
		*seq = (struct sequence){.number = merge_hash_of(m->hash, payload, bytes)};
		return true;
	}
	return sequence_read(&m->rule.sequence, payload, bytes, seq) && merge_takes(m, seq);
}

static void feed(struct merge *m, const uint8_t *data, size_t size)
{
	bool holds[MERGE_LEGS_MAX] = {false};
	uint64_t now_ns = NS_PER_S;

	while (size > 3) {
		unsigned leg = data[0] % m->rule.leg_count;
		uint32_t bytes = data[2] < size - 3 ? data[2] : (uint32_t)(size - 3);
		unsigned char *payload = malloc(bytes + 1UL);
		enum merge_verdict held, verdict;
		struct sequence seq;

		must(payload != NULL);
		memcpy(payload, data + 3, bytes);
		now_ns += data[1] * NS_PER_MS;
		if (read_number(m, payload, bytes, &seq)) {
			verdict = merge_judge(m, leg, &seq, now_ns, &held);
			must(verdict > MERGE_NONE && verdict <= MERGE_HOLD);
			must(held < MERGE_HOLD && (held == MERGE_NONE || holds[leg]));
			holds[leg] = verdict == MERGE_HOLD || (holds[leg] && held == MERGE_NONE);
		}
		free(payload);
		data += 3 + bytes;
		size -= 3 + bytes;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena arena = {0};
	struct merge_rule rule;
	struct merge *m;

	if (size < RULE_BYTES) {
		return 0;
	}
	rule = read_rule(data);
	must(arena_map(&arena, ARENA_ROOM, ARENA_HUGE_OFF) == 0);
	m = merge_cut(&rule, false, &arena);
	feed(m, data + RULE_BYTES, size - RULE_BYTES);
	check_laws(m);
	merge_look(m, UINT64_MAX / 2);
	merge_end(m);
	check_laws(m);
	arena_unmap(&arena);
	return 0;
}
