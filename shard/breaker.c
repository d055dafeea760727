/* breaker.c - the experiment that finds a circle, and the memory that breaks it (step 7).
 *
 * See breaker.h. Which of the suspicious datagrams are kept out is chosen by where their digests
 * lie in a table, which has nothing to do with when they come: so a sender that goes through a list
 * again and again has both kinds everywhere in it. How long is kept out and listened follows from
 * how often they came. Shard thread.
 */
#include "shard/breaker.h"

#include <string.h>

#include "src/base/clock.h"
#include "src/base/must.h"

/* Without a pattern: the golden ratio's and the square root of five's first 64 bits, odd. */
#define DIGEST_GOLDEN    0x9e3779b97f4a7c15ULL
#define MEMORY_TIME_MASK ((1U << MEMORY_TIME_BITS) - 1)
#define DIGEST_ODD       0x3c6ef372fe94f82bULL

static struct exam_mark *find(struct exam *exam, uint64_t digest);
static void watch(struct exam *exam, struct exam_mark *mark, uint32_t who, uint64_t now_ns);
static enum exam_verdict judge_watched(struct exam *exam, bool losing, uint64_t now_ns);
static bool is_suspicious(const struct exam *exam);
static bool is_loud(const struct exam *exam, const struct exam_mark *mark);
static enum exam_verdict start_cut(struct exam *exam, bool losing, uint64_t now_ns);
static bool is_cut(const struct exam *exam, uint64_t now_ns);
static void choose_tests(struct exam *exam);
static unsigned count_loud(const struct exam *exam);
static enum exam_verdict judge_heard(const struct exam *exam, uint64_t now_ns);
static uint32_t since_us(const struct exam *exam, uint64_t now_ns);
static uint64_t fold(uint64_t a, uint64_t b);
static uint64_t load(const unsigned char *bytes, size_t len);

void exam_begin(struct exam *exam, unsigned trial, uint64_t now_ns)
{
	*exam = (struct exam){.rounds = EXAM_ROUNDS << trial,
			      .began_ns = now_ns,
			      .until_ns = now_ns + EXAM_WATCH_NS};
}

bool exam_take(struct exam *exam, uint64_t digest, uint32_t who, uint64_t now_ns)
{
	struct exam_mark *mark = find(exam, digest);

	switch (exam->stage) {
	case EXAM_WATCHES:
		exam->watched++;
		if (mark->digest != 0) {
			watch(exam, mark, who, now_ns);
		} else if (exam->mark_count < EXAM_MARKS_MAX) {
			exam->mark_count++;
			*mark = (struct exam_mark){.digest = digest,
						   .first_us = since_us(exam, now_ns),
						   .last_us = since_us(exam, now_ns),
						   .who = who,
						   .count = 1};
		}
		return false;
	case EXAM_CUTS:
		exam->controls_passed += mark->role == EXAM_CONTROL;
		return mark->role == EXAM_TEST;
	case EXAM_LISTENS:
		exam->tests_heard += mark->role == EXAM_TEST;
		exam->controls_heard += mark->role == EXAM_CONTROL;
		return false;
	}
	return false;
}

enum exam_verdict exam_judge(struct exam *exam, bool losing, uint64_t now_ns)
{
	switch (exam->stage) {
	case EXAM_WATCHES:
		return judge_watched(exam, losing, now_ns);
	case EXAM_CUTS:
		if (is_cut(exam, now_ns)) {
			exam->stage = EXAM_LISTENS;
			exam->until_ns = now_ns + EXAM_LISTEN_NS;
		}
		return EXAM_GOES_ON;
	case EXAM_LISTENS:
		return judge_heard(exam, now_ns);
	}
	return EXAM_GOES_ON;
}

uint32_t exam_population(const struct exam *exam)
{
	uint32_t seen = exam->mark_count + exam->returns;

	return seen > 0 ? (uint32_t)((uint64_t)exam->watched * exam->mark_count / seen) : 0;
}

/* Where there is no room it is the one not seen for longest that is forgotten. */
bool memory_knows(struct breaker_memory *memory, uint64_t digest, uint32_t span_ms, uint64_t now_ns)
{
	uint64_t *set = memory->sets[digest % MEMORY_SETS], *oldest = set;
	uint32_t now_ms = (uint32_t)(now_ns / NS_PER_MS) & MEMORY_TIME_MASK;
	uint32_t oldest_ms = 0;

	for (unsigned way = 0; way < MEMORY_WAYS; way++) {
		uint32_t age_ms = (now_ms - (uint32_t)set[way]) & MEMORY_TIME_MASK;

		if (set[way] >> MEMORY_TIME_BITS == digest >> MEMORY_TIME_BITS) {
			set[way] = (digest & ~(uint64_t)MEMORY_TIME_MASK) | now_ms;
			return age_ms < span_ms;
		}
		if (age_ms >= oldest_ms) {
			oldest = &set[way];
			oldest_ms = age_ms;
		}
	}
	*oldest = (digest & ~(uint64_t)MEMORY_TIME_MASK) | now_ms;
	return false;
}

/* Sixteen bytes a step, folded to half by a multiplication. */
uint64_t breaker_digest(const void *bytes, size_t len, uint64_t seed)
{
	const unsigned char *at = bytes;
	uint64_t key = fold(seed ^ DIGEST_ODD, DIGEST_GOLDEN);
	uint64_t digest = fold(key, len ^ DIGEST_GOLDEN);

	for (; len > 16; at += 16, len -= 16) {
		digest = fold(load(at, 8) ^ key, load(at + 8, 8) ^ digest);
	}
	if (len > 8) {
		digest = fold(load(at, 8) ^ key, load(at + 8, len - 8) ^ digest);
	} else {
		digest = fold(load(at, len) ^ key, digest ^ DIGEST_ODD);
	}
	return digest != 0 ? digest : 1;
}

/* The datagram's mark, or the free slot where it would be; half of all are free. */
static struct exam_mark *find(struct exam *exam, uint64_t digest)
{
	unsigned at = digest % EXAM_SLOTS;

	must(exam->mark_count <= EXAM_MARKS_MAX);
	while (exam->marks[at].digest != 0 && exam->marks[at].digest != digest) {
		at = (at + 1) % EXAM_SLOTS;
	}
	return &exam->marks[at];
}

/* One that is remembered comes again. */
static void watch(struct exam *exam, struct exam_mark *mark, uint32_t who, uint64_t now_ns)
{
	exam->returns++;
	if (who != mark->who && !mark->turned) {
		mark->turned = 1;
		exam->turned_count++;
	}
	mark->last_us = since_us(exam, now_ns);
	if (++mark->count == EXAM_RIPE) {
		exam->ripe_count++;
		if (exam->ripe_count == EXAM_RIPE_MIN) {
			exam->ripe_at = exam->watched;
			exam->ripe_marks = exam->mark_count;
		}
	}
}

/* Once enough are ripe the same time again is given to those that came until then, and so on. */
static enum exam_verdict judge_watched(struct exam *exam, bool losing, uint64_t now_ns)
{
	bool over = exam->watched >= EXAM_WATCHED_MAX || now_ns >= exam->until_ns;

	if (exam->ripe_at > 0 && (over || exam->watched >= 2 * exam->ripe_at)) {
		if (is_suspicious(exam)) {
			return start_cut(exam, losing, now_ns);
		}
		exam->ripe_at = exam->watched;
		exam->ripe_marks = exam->mark_count;
	}
	if (over || (exam->watched >= EXAM_WATCHED_MIN && exam->returns == 0)) {
		return EXAM_INNOCENT;
	}
	return EXAM_GOES_ON;
}

/* What is new for us may still be among what a circle has, and what has a bounded life is not there
 * for long; but then nearly all else comes again. A few that are everywhere, as padding is, are not
 * looked at. */
static bool is_suspicious(const struct exam *exam)
{
	uint32_t watched = exam->watched, returns = exam->returns;

	if (exam->ripe_count >= exam->ripe_marks / 2) {
		return true;
	}
	for (unsigned i = 0; i < EXAM_SLOTS; i++) {
		if (is_loud(exam, &exam->marks[i])) {
			watched -= exam->marks[i].count;
			returns -= exam->marks[i].count - 1;
		}
	}
	return returns >= watched - watched / EXAM_RETURNS;
}

static bool is_loud(const struct exam *exam, const struct exam_mark *mark)
{
	return mark->count * EXAM_LOUD > exam->watched;
}

static enum exam_verdict start_cut(struct exam *exam, bool losing, uint64_t now_ns)
{
	bool multiplies = losing || exam->turned_count >= EXAM_TURNED_MIN;

	choose_tests(exam);
	exam->stage = EXAM_CUTS;
	exam->began_ns = now_ns;
	exam->until_ns = now_ns + (multiplies ? EXAM_CUT_LONG_NS : 0);
	return EXAM_GOES_ON;
}

/* Rounds are counted by the others that came meanwhile, so that nobody has to know how long one
 * takes, or who is held up on the way. */
static bool is_cut(const struct exam *exam, uint64_t now_ns)
{
	return (now_ns >= exam->until_ns &&
		exam->controls_passed >= exam->rounds * exam->controls) ||
	       now_ns >= exam->began_ns + EXAM_CUT_MAX_NS;
}

/* Half of them at most, and none that is loud, for its loss would be felt, unless too few are not.
 */
static void choose_tests(struct exam *exam)
{
	unsigned loud = count_loud(exam);
	bool few = exam->ripe_count - loud < EXAM_RIPE_MIN;
	unsigned half = (few ? exam->ripe_count : exam->ripe_count - loud) / 2;
	unsigned most = half < EXAM_TESTS ? half : EXAM_TESTS;
	unsigned tests = 0;

	for (unsigned i = 0; i < EXAM_SLOTS; i++) {
		struct exam_mark *mark = &exam->marks[i];
		uint64_t mean_ns;

		if (mark->count < EXAM_RIPE || (!few && is_loud(exam, mark))) {
			continue;
		}
		if (tests == most) {
			mark->role = EXAM_CONTROL;
			exam->controls++;
			exam->controls_seen += mark->count;
			continue;
		}
		tests++;
		mark->role = EXAM_TEST;
		exam->tests_seen += mark->count;
		mean_ns = (mark->last_us - mark->first_us) * NS_PER_US / (mark->count - 1);
		exam->round_ns = mean_ns > exam->round_ns ? mean_ns : exam->round_ns;
	}
}

/* Of those that are ripe. */
static unsigned count_loud(const struct exam *exam)
{
	unsigned loud = 0;

	for (unsigned i = 0; i < EXAM_SLOTS; i++) {
		loud += exam->marks[i].count >= EXAM_RIPE && is_loud(exam, &exam->marks[i]);
	}
	return loud;
}

/* Datagrams whose sender sends each a few times, and then others, go by themselves; those that were
 * kept out and all others do so alike. */
static enum exam_verdict judge_heard(const struct exam *exam, uint64_t now_ns)
{
	uint64_t expected = exam->controls_seen > 0 ? (uint64_t)exam->controls_heard *
							      exam->tests_seen / exam->controls_seen
						    : 0;

	if (now_ns < exam->until_ns &&
	    (expected < EXAM_EXPECT_MIN || exam->controls_heard < EXAM_ROUNDS * exam->controls)) {
		return EXAM_GOES_ON;
	}
	if (expected < EXAM_EXPECT_MIN) {
		return EXAM_UNCLEAR;
	}
	return exam->tests_heard * EXAM_FEWER <= expected ? EXAM_CIRCLES : EXAM_ACQUITTED;
}

static uint32_t since_us(const struct exam *exam, uint64_t now_ns)
{
	return (uint32_t)((now_ns - exam->began_ns) / NS_PER_US);
}

static uint64_t fold(uint64_t a, uint64_t b)
{
	unsigned __int128 product = (unsigned __int128)a * b;

	return (uint64_t)product ^ (uint64_t)(product >> 64);
}

/* Up to eight bytes, in the order of this machine. */
static uint64_t load(const unsigned char *bytes, size_t len)
{
	uint64_t word = 0;

	memcpy(&word, bytes, len);
	return word;
}
