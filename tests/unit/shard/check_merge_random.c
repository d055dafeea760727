/* check_merge_random.c - simulated feeds by several legs, with all that networks do to them.
 *
 * Each case draws a sender (numbers of some width, sessions, restarts), legs (lag, jitter, loss,
 * repetition, an outage) and a window, and feeds what arrives to a merge in the order of time. The
 * laws of shard/merge.h are looked at in every case. When the sender never restarts, each number
 * that any leg delivers is relayed exactly once, and what is counted as lost is exactly what was
 * not delivered; with sessions nothing is relayed twice. A seed makes a million datagrams.
 *
 *     tests/unit/shard/check_merge_random [SEEDS [FIRST_SEED]]
 *
 * runs that many; `make check' runs a few. What restarts without a session cost is told and not
 * judged: numbers that come again within skew= cannot be told from copies.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shard/merge.h"
#include "src/base/clock.h"

#define SEEDS_QUICK  3
#define DATAGRAMS    1000000
#define MESSAGES_MAX 20000
#define ARRIVALS_MAX ((size_t)MESSAGES_MAX * MERGE_LEGS_MAX * 2)
#define NONE         UINT32_MAX

/* What the sender sent. */
struct message {
	uint64_t number, session, sent_ns;
	uint32_t relayed, delivered;
};

struct arrival {
	uint64_t at_ns;
	uint32_t message, leg;
};

struct leg_model {
	uint64_t lag_ns, jitter_ns, out_from_ns, out_to_ns;
	double loss, again;
	uint64_t verdicts[MERGE_HOLD + 1];
	uint64_t received;
	uint32_t held; /* message, or NONE */
};

struct world {
	struct merge_rule rule;
	struct message messages[MESSAGES_MAX];
	struct arrival *arrivals;
	struct leg_model legs[MERGE_LEGS_MAX];
	size_t arrival_count;
	uint32_t restarts;
	bool sessions, rtp, own_ssrcs;
	bool far;   /* restarts go to numbers that nobody has brought lately */
	bool apart; /* they are farther apart than any copies */
};

struct sums {
	uint64_t datagrams, numbers, restarts, twice, withheld;
};

enum sender {
	STEADY,
	STEADY_NAMED,
	STEADY_RTP,
	RESTARTS_NAMED,
	RESTARTS_RTP,
	RESTARTS_SSRCS,
	RESTARTS_FAR,
	JUDGED,
	RESTARTS_NEAR = JUDGED,
	SENDERS,
};

static const char *const sender_names[SENDERS] = {
	"never restarts, no session",    "never restarts, sessions",
	"never restarts, RTP",           "restarts, sessions",
	"restarts, RTP of one SSRC",     "restarts apart, SSRC by leg",
	"restarts far away, no session", "restarts anywhere, no session",
};

static uint64_t rng;
static struct world world;

static uint64_t draw(uint64_t below)
{
	rng ^= rng << 13;
	rng ^= rng >> 7;
	rng ^= rng << 17;
	return below > 0 ? (rng * 0x2545f4914f6cdd1dULL >> 16) % below : 0;
}

static void draw_rule(struct world *w)
{
	static const uint8_t widths[] = {2, 4, 8};

	w->rule = (struct merge_rule){
		.method = MERGE_BY_NUMBER,
		.leg_count = (uint8_t)(2 + draw(3)),
		.sequence.number.bytes = widths[draw(3)],
		.sequence.session_bytes = w->sessions ? 8 : 0,
		.window = 1024U << draw(w->far ? 3 : 5),
		.skew_ms = 500,
		.silent_ms = 1000,
	};
	if (w->rtp) {
		w->rule.sequence = sequence_rtp;
	}
}

/* Where a sender that has come to `before' begins anew. */
static uint64_t draw_restart(const struct world *w, uint64_t before)
{
	uint64_t most = UINT64_MAX >> (64 - 8 * w->rule.sequence.number.bytes);
	uint64_t far = 2ULL * w->rule.window, number;

	do {
		number = draw(2) ? 0 : draw(UINT64_MAX);
	} while (w->far &&
		 (((number - before) & most) <= far || ((before - number) & most) <= far));
	return number;
}

/* So that all numbers of skew= fit half a window. */
static void draw_messages(struct world *w, bool restarts)
{
	uint64_t skew_ns = w->rule.skew_ms * NS_PER_MS, step_ns = 2 * skew_ns / w->rule.window;
	uint64_t at_ns = NS_PER_S, number = draw(2) ? draw(100) : draw(UINT64_MAX), session = 1;
	uint64_t left = restarts ? 1 + draw(3) : 0, last_ns = at_ns;

	w->restarts = 0;
	for (uint32_t i = 0; i < MESSAGES_MAX; i++) {
		if (left > 0 && draw(MESSAGES_MAX / 4) == 0 &&
		    (!w->apart || at_ns - last_ns > 2 * skew_ns)) {
			left--;
			w->restarts++;
			session++;
			number = draw_restart(w, number);
			at_ns += draw(2) ? 2 * skew_ns : 0;
			last_ns = at_ns;
		}
		w->messages[i] =
			(struct message){.number = number, .session = session, .sent_ns = at_ns};
		number++;
		at_ns += step_ns + draw(step_ns / 2);
	}
}

static void draw_legs(struct world *w)
{
	uint64_t half_ns = w->rule.skew_ms * NS_PER_MS / 2;
	uint64_t end_ns = w->messages[MESSAGES_MAX - 1].sent_ns;

	for (unsigned i = 0; i < w->rule.leg_count; i++) {
		struct leg_model *l = &w->legs[i];

		*l = (struct leg_model){
			.lag_ns = draw(half_ns),
			.jitter_ns = draw(3) ? draw(half_ns) : 0,
			.loss = (double)draw(3) * (double)draw(15) / 100,
			.again = draw(2) ? 0.01 * (double)draw(5) : 0,
			.held = NONE,
		};
		if (draw(3) == 0) {
			l->out_from_ns = draw(end_ns);
			l->out_to_ns = l->out_from_ns + draw(end_ns / 2);
		}
	}
}

static bool happens(double chance)
{
	return (double)draw(1000000) < chance * 1000000;
}

static int compare_arrivals(const void *left, const void *right)
{
	const struct arrival *a = left, *b = right;

	if (a->at_ns != b->at_ns) {
		return a->at_ns < b->at_ns ? -1 : 1;
	}
	return a->message != b->message ? (a->message < b->message ? -1 : 1)
					: (int)a->leg - (int)b->leg;
}

static void make_arrivals(struct world *w)
{
	w->arrival_count = 0;
	for (uint32_t i = 0; i < MESSAGES_MAX; i++) {
		for (uint32_t leg = 0; leg < w->rule.leg_count; leg++) {
			const struct leg_model *l = &w->legs[leg];
			uint64_t sent_ns = w->messages[i].sent_ns;

			if (happens(l->loss) ||
			    (sent_ns >= l->out_from_ns && sent_ns < l->out_to_ns)) {
				continue;
			}
			w->messages[i].delivered |= 1U << leg;
			for (int times = happens(l->again) ? 2 : 1; times > 0; times--) {
				w->arrivals[w->arrival_count++] = (struct arrival){
					.at_ns = sent_ns + l->lag_ns + draw(l->jitter_ns),
					.message = i,
					.leg = leg};
			}
		}
	}
	qsort(w->arrivals, w->arrival_count, sizeof(*w->arrivals), compare_arrivals);
}

static void resolve(struct world *w, uint32_t leg, uint32_t message, enum merge_verdict verdict)
{
	w->legs[leg].verdicts[verdict]++;
	w->messages[message].relayed += verdict == MERGE_RELAY;
}

static void arrive(struct world *w, struct merge *m, const struct arrival *a)
{
	const struct message *message = &w->messages[a->message];
	struct leg_model *l = &w->legs[a->leg];
	struct sequence seq = {
		.number = message->number & m->number_max,
		.count = 1,
		.session = {w->sessions ? message->session
			    : w->rtp    ? message->session * 8 + (w->own_ssrcs ? a->leg : 0)
					: 0}};
	enum merge_verdict held, verdict;

	verdict = merge_judge(m, a->leg, &seq, a->at_ns, &held);
	l->received++;
	if (held != MERGE_NONE) {
		ck_assert_uint_ne(l->held, NONE);
		resolve(w, a->leg, l->held, held);
		l->held = NONE;
	}
	if (verdict == MERGE_HOLD) {
		ck_assert_uint_eq(l->held, NONE);
		l->held = a->message;
	} else {
		resolve(w, a->leg, a->message, verdict);
	}
}

/* The laws of counters, whatever happened. */
static void check_laws(const struct world *w, const struct merge *m)
{
	const struct merge_stats *stats = m->stats;
	uint64_t only = 0;

	for (unsigned i = 0; i < w->rule.leg_count; i++) {
		const struct leg_model *l = &w->legs[i];
		const struct leg_stats *leg = m->legs[i].stats;
		uint64_t sum = l->held != NONE;

		for (unsigned v = 0; v <= MERGE_HOLD; v++) {
			sum += l->verdicts[v];
		}
		ck_assert_uint_eq(l->received, sum);
		ck_assert_uint_eq(stat_get(&leg->behind), l->verdicts[MERGE_LATE]);
		ck_assert_uint_eq(stat_get(&leg->repeats), l->verdicts[MERGE_REPEATED]);
		ck_assert_uint_eq(stat_get(&stats->numbers), stat_get(&leg->seen) +
								     stat_get(&leg->lost) +
								     stat_get(&leg->before));
		only += stat_get(&leg->only);
	}
	ck_assert_uint_eq(stat_get(&stats->numbers),
			  stat_get(&stats->delivered) + stat_get(&stats->lost_all));
	ck_assert_uint_eq(stat_get(&stats->delivered), stat_get(&stats->shared) + only);
}

/* Without restarts all is known: what each leg lacks of what lies between the ends is lost. */
static void check_losses(const struct world *w, const struct merge *m)
{
	uint32_t first = 0, last = MESSAGES_MAX;
	uint64_t lost_all = 0;

	while (first < last && w->messages[first].delivered == 0) {
		first++;
	}
	while (last > first && w->messages[last - 1].delivered == 0) {
		last--;
	}
	for (uint32_t i = first; i < last; i++) {
		lost_all += w->messages[i].delivered == 0;
	}
	ck_assert_uint_eq(stat_get(&m->stats->numbers), last - first);
	ck_assert_uint_eq(stat_get(&m->stats->lost_all), lost_all);
	for (unsigned leg = 0; leg < w->rule.leg_count; leg++) {
		const struct leg_stats *stats = m->legs[leg].stats;
		uint64_t missing = 0;

		for (uint32_t i = first; i < last; i++) {
			missing += !(w->messages[i].delivered & 1U << leg);
		}
		ck_assert_uint_eq(stat_get(&stats->lost) + stat_get(&stats->before), missing);
	}
}

static void run_case(struct world *w, enum sender sender, struct sums *sums)
{
	struct arena arena = {0}, counter = ARENA_COUNTER;
	struct merge *m;

	w->sessions = sender == STEADY_NAMED || sender == RESTARTS_NAMED;
	w->rtp = sender == STEADY_RTP || sender == RESTARTS_RTP || sender == RESTARTS_SSRCS;
	w->own_ssrcs = sender == RESTARTS_SSRCS || draw(2);
	w->own_ssrcs = w->own_ssrcs && sender != RESTARTS_RTP;
	w->far = sender == RESTARTS_FAR;
	w->apart = w->far || sender == RESTARTS_SSRCS;
	draw_rule(w);
	draw_messages(w, sender > STEADY_RTP);
	draw_legs(w);
	make_arrivals(w);
	(void)merge_cut(&w->rule, false, &counter);
	ck_assert_int_eq(arena_map(&arena, counter.used_bytes, ARENA_HUGE_OFF), 0);
	m = merge_cut(&w->rule, false, &arena);
	for (size_t i = 0; i < w->arrival_count; i++) {
		arrive(w, m, &w->arrivals[i]);
	}
	merge_end(m);
	check_laws(w, m);
	if (w->restarts == 0 && stat_get(&m->stats->restarts) == 0) {
		check_losses(w, m);
	}
	for (uint32_t i = 0; i < MESSAGES_MAX; i++) {
		const struct message *message = &w->messages[i];

		sums->twice += message->relayed > 1;
		sums->withheld += message->delivered != 0 && message->relayed == 0;
	}
	sums->datagrams += w->arrival_count;
	sums->numbers += MESSAGES_MAX;
	sums->restarts += w->restarts;
	arena_unmap(&arena);
}

static void run_seed(uint64_t seed, struct sums sums[SENDERS])
{
	uint64_t before = 0, now = 0;

	for (unsigned s = 0; s < SENDERS; s++) {
		before += sums[s].datagrams;
	}
	rng = seed * 0x9e3779b97f4a7c15ULL + 1;
	for (unsigned i = 0; now < before + DATAGRAMS; i++) {
		run_case(&world, (enum sender)(i % SENDERS), &sums[i % SENDERS]);
		now = 0;
		for (unsigned s = 0; s < SENDERS; s++) {
			now += sums[s].datagrams;
		}
	}
	for (unsigned s = 0; s < JUDGED; s++) {
		ck_assert_msg(sums[s].twice == 0 && sums[s].withheld == 0,
			      "seed %llu: %s: %llu relayed twice, %llu withheld",
			      (unsigned long long)seed, sender_names[s],
			      (unsigned long long)sums[s].twice,
			      (unsigned long long)sums[s].withheld);
	}
}

static void print_sums(const struct sums sums[SENDERS])
{
	for (unsigned s = 0; s < SENDERS; s++) {
		printf("%-28s %llu datagrams, %llu numbers, %llu restarts: %llu relayed twice, "
		       "%llu withheld\n",
		       sender_names[s], (unsigned long long)sums[s].datagrams,
		       (unsigned long long)sums[s].numbers, (unsigned long long)sums[s].restarts,
		       (unsigned long long)sums[s].twice, (unsigned long long)sums[s].withheld);
	}
}

static uint64_t seed_count = SEEDS_QUICK, first_seed = 1;

START_TEST(random_feeds_are_merged_by_the_laws)
{
	struct sums sums[SENDERS] = {0};

	world.arrivals = calloc(ARRIVALS_MAX, sizeof(*world.arrivals));
	ck_assert_ptr_nonnull(world.arrivals);
	for (uint64_t seed = first_seed; seed < first_seed + seed_count; seed++) {
		run_seed(seed, sums);
	}
	print_sums(sums);
	free(world.arrivals);
}
END_TEST

int main(int argc, char **argv)
{
	Suite *suite = suite_create("merge_random");
	TCase *tests = tcase_create("random");
	SRunner *runner;
	int failed;

	seed_count = argc > 1 ? strtoull(argv[1], NULL, 10) : seed_count;
	first_seed = argc > 2 ? strtoull(argv[2], NULL, 10) : first_seed;
	tcase_set_timeout(tests, 600);
	tcase_add_test(tests, random_feeds_are_merged_by_the_laws);
	suite_add_tcase(suite, tests);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
