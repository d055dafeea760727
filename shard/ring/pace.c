/* pace.c - sleeps, gathers or spins; see pace.h.
 *
 * The rate is taken over windows of a millisecond or more, and halfway from one to the next, so
 * that a burst of some datagrams does not change the way and a change of rate does within two or
 * three windows. A silence is a window too, and counts like a gap of a millisecond or the budget:
 * nothing is gathered after it for what came before, and it is forgotten as soon as any other.
 *
 * What the ways cost, which `bench/run waits' measures: to sleep, a wake-up for each event; to
 * gather, one and a timer for each time, which is dearer for one event and cheaper for two; to
 * spin, the time until the next event. Gathering never delays the first event after a silence: it
 * counts from the moment when the wait began.
 */
#include "shard/ring/pace.h"

#include "src/base/clock.h"
#include "src/base/must.h"

#define WINDOW_NS     NS_PER_MS
#define GATHER_TENTHS 15   /* of an event must come within the budget, or the timer is dearer */
#define GATHER_MOST   64   /* with so many, what a wake-up costs is shared well enough */
#define SPIN_MOST_NS  5000 /* a wake-up's cost: a longer gap is slept through */
#define SPIN_GAPS     2    /* events do not come by a beat */

static void look(struct pace *pace, uint64_t now_ns, uint32_t events);

void pace_begin(struct pace *pace, uint32_t latency_us)
{
	*pace = (struct pace){.latency_us = latency_us};
}

enum pace_way pace_choose(struct pace *pace, uint64_t now_ns, uint32_t events,
			  struct ring_waits *waits)
{
	uint64_t budget_ns = pace->latency_us * NS_PER_US;

	must(budget_ns > 0);
	look(pace, now_ns, events);
	waits->batch_us = 0;
	waits->spin_us = 0;
	if (pace->gap_ns == 0) {
		return PACE_SLEEP;
	}
	if (10 * budget_ns >= GATHER_TENTHS * pace->gap_ns) {
		uint64_t enough_us = (GATHER_MOST * pace->gap_ns + NS_PER_US - 1) / NS_PER_US;

		waits->batch_us =
			enough_us < pace->latency_us ? (uint32_t)enough_us : pace->latency_us;
		return PACE_GATHER;
	}
	if (pace->gap_ns <= SPIN_MOST_NS) {
		waits->spin_us = (uint32_t)((SPIN_GAPS * pace->gap_ns + NS_PER_US - 1) / NS_PER_US);
		return PACE_SPIN;
	}
	return PACE_SLEEP;
}

static void look(struct pace *pace, uint64_t now_ns, uint32_t events)
{
	uint64_t elapsed_ns = now_ns - pace->since_ns;
	uint64_t budget_ns = pace->latency_us * NS_PER_US;
	uint64_t longest_ns = budget_ns > WINDOW_NS ? budget_ns : WINDOW_NS;
	uint64_t gap_ns;

	if (pace->since_ns == 0) {
		pace->since_ns = now_ns;
		return;
	}
	pace->events += events;
	if (elapsed_ns < WINDOW_NS) {
		return;
	}
	gap_ns = elapsed_ns / (pace->events > 0 ? pace->events : 1);
	gap_ns = gap_ns > 0 ? gap_ns : 1;
	gap_ns = gap_ns < longest_ns ? gap_ns : longest_ns;
	pace->gap_ns = pace->gap_ns > 0 ? (pace->gap_ns + gap_ns) / 2 : gap_ns;
	pace->since_ns = now_ns;
	pace->events = 0;
}
