/* watchdog.c - looks whether shards turn. See watchdog.h. */
#include "src/run/watchdog.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "src/base/clock.h"
#include "src/base/num.h"
#include "src/run/notify.h"
#include "src/run/supervisor.h"

#define STUCK_NS    (3 * NS_PER_S)
#define PATIENCE_NS (2 * NS_PER_S) /* a sign comes once a second */

static bool look_at(struct watchdog_shard *seen, const struct worker *w, uint64_t now_ns);
static bool read_number(const char *name, uint64_t *out);

int watchdog_init(struct watchdog *dog, const struct supervisor *sup)
{
	*dog = (struct watchdog){
		.sup = sup, .patience_ns = watchdog_patience_ns(), .all_turn = true};
	if (dog->patience_ns > 0 && dog->patience_ns < PATIENCE_NS) {
		log_warn("watchdog: a sign of life is given once a second, and systemd waits for "
			 "%u ms only; expected WatchdogSec=2 or more",
			 (unsigned)(dog->patience_ns / NS_PER_MS));
	}
	dog->shards = calloc(sup->worker_count + 1UL, sizeof(*dog->shards));
	return dog->shards ? 0 : -ENOMEM;
}

void watchdog_free(struct watchdog *dog)
{
	free(dog->shards);
	*dog = (struct watchdog){0};
}

void watchdog_tick(struct watchdog *dog, uint64_t now_ns)
{
	bool all_turn = true, ending = dog->sup->end_by_ns > 0; /* they have a time limit then */

	for (uint32_t i = 0; i < dog->sup->worker_count && !ending; i++) {
		all_turn &= look_at(&dog->shards[i], &dog->sup->workers[i], now_ns);
	}
	dog->all_turn = all_turn;
	if (all_turn && dog->patience_ns > 0) {
		(void)notify_send_sign("WATCHDOG=1");
	}
}

uint64_t watchdog_patience_ns(void)
{
	uint64_t usec, pid;

	if (!read_number("WATCHDOG_USEC", &usec) || usec > UINT64_MAX / NS_PER_US) {
		return 0;
	}
	if (getenv("WATCHDOG_PID") &&
	    (!read_number("WATCHDOG_PID", &pid) || pid != (uint64_t)getpid())) {
		return 0; /* meant for whoever started us */
	}
	return usec * NS_PER_US;
}

/* Whether it turns, as far as is known. */
static bool look_at(struct watchdog_shard *seen, const struct worker *w, uint64_t now_ns)
{
	uint64_t turns = stat_get(&w->shard->stats->ring.turns);

	if (turns != seen->turns || seen->asked_ns == 0) {
		if (seen->told) {
			log_notice("shard %u: turns again", w->index);
		}
		*seen = (struct watchdog_shard){.turns = turns, .asked_ns = now_ns};
		return true;
	}
	if (now_ns - seen->asked_ns < STUCK_NS) {
		return true;
	}
	if (!seen->told) {
		seen->told = true;
		log_error("shard %u: stuck: it was woken and has not turned for %u s: its thread "
			  "%d hangs in the kernel, whose log may say why, or gets no time on CPU "
			  "%d; no sign of life is given to systemd meanwhile",
			  w->index, (unsigned)(STUCK_NS / NS_PER_S), (int)w->tid, w->cpu_os);
	}
	return false;
}

static bool read_number(const char *name, uint64_t *out)
{
	const char *text = getenv(name);

	return text && num_parse(text, 1, UINT64_MAX, out) == 0;
}
