/* ending.c - see ending.h.
 *
 * SIGTERM is what a service manager sends before it starts the next process, so with a store it
 * leaves the sockets to that one. SIGINT and `numacastctl drain' end the relay for good.
 */
#include "src/run/ending.h"

#include <signal.h>
#include <unistd.h>

#include "shard/limits.h"
#include "src/base/clock.h"
#include "src/base/log.h"
#include "src/run/notify.h"
#include "src/run/signals.h"
#include "src/run/supervisor.h"

/* After the time for draining: what a shard may take at most to release its memory and to see that
 * its ring answers nothing, and as much again for a busy machine. */
#define END_WAIT_NS (2 * (RELEASE_WAIT_US + SILENCE_MAX_US) * NS_PER_US)
/* For a change that is under way: ten thousand rules take less. */
#define CHANGE_WAIT_NS (5 * NS_PER_S)

static void act_on(struct supervisor *sup, int signo);
static void end_as_asked(struct supervisor *sup, const char *who, bool next);
static void end_after_change(struct supervisor *sup);
static uint32_t begin_end(struct supervisor *sup, const char *who, bool next);
static void ask_to_end(struct supervisor *sup, uint32_t mail);

void ending_look(struct supervisor *sup, int signals)
{
	uint64_t changes;
	int signo;

	while ((signo = signals_next(signals)) != 0) {
		act_on(sup, signo);
	}
	if (sup->drain_asked) {
		sup->drain_asked = false;
		end_as_asked(sup, "control", false);
	}
	if (read(sup->gate.eventfd, &changes, sizeof(changes)) > 0 &&
	    gate_passed(&sup->gate, &sup->gate.ended, 1) && sup->ending.asked == 0) {
		sup->ending.asked = 1; /* one shard alone is no relay: end them all */
		ask_to_end(sup, begin_end(sup, "a shard has ended", true));
	}
	end_after_change(sup);
}

void ending_post(struct supervisor *sup, uint32_t mail)
{
	for (uint32_t i = 0; i < sup->worker_count; i++) {
		mailbox_post(&sup->workers[i].mailbox, mail);
	}
}

static void act_on(struct supervisor *sup, int signo)
{
	if (signo == SIGHUP) {
		if (sup->ending.asked == 0) {
			reload_again(&sup->reload, "SIGHUP");
		}
		return;
	}
	end_as_asked(sup, signals_name(signo), signo == SIGTERM);
}

/* `next': another process may come after us, for which sockets are kept. */
static void end_as_asked(struct supervisor *sup, const char *who, bool next)
{
	struct ending *ending = &sup->ending;

	sup->draining = true;
	ending->asked++;
	if (ending->asked > 1) {
		ending->until_ns = 0;
		log_notice("%s again: ending at once", who);
		ask_to_end(sup, MAIL_QUIT);
	} else if (next && sup->store.on && !changer_is_idle(&sup->changer)) {
		ending->who = who;
		ending->until_ns = clock_now_ns() + CHANGE_WAIT_NS;
		log_info("%s: the change that is under way comes first", who);
	} else {
		ask_to_end(sup, begin_end(sup, who, next));
	}
}

/* Whoever was asked to end amid a change does when that is done, no other one begins, and a shard
 * that has failed will not do its part. */
static void end_after_change(struct supervisor *sup)
{
	struct ending *ending = &sup->ending;

	if (ending->until_ns != 0 &&
	    (changer_is_idle(&sup->changer) || clock_now_ns() >= ending->until_ns ||
	     gate_passed(&sup->gate, &sup->gate.ended, 1))) {
		ending->until_ns = 0;
		ask_to_end(sup, begin_end(sup, ending->who, true));
	}
}

/* How it is to be asked of the shards. */
static uint32_t begin_end(struct supervisor *sup, const char *who, bool next)
{
	uint32_t stored = next ? store_hand_over(&sup->store, sup) : 0;

	if (stored > 0) {
		log_notice("%s: leaving %u sockets of flows to the next process, draining the "
			   "others",
			   who, stored);
		(void)notify_send("STOPPING=1\nSTATUS=handing over");
		return MAIL_HAND_OVER;
	}
	store_forget(&sup->store);
	log_notice("%s: draining", who);
	(void)notify_send("STOPPING=1\nSTATUS=draining");
	return MAIL_DRAIN;
}

static void ask_to_end(struct supervisor *sup, uint32_t mail)
{
	uint64_t drain_ns = mail != MAIL_QUIT ? sup->setup->opt->drain_ms * NS_PER_MS : 0;
	uint64_t end_by_ns = clock_now_ns() + drain_ns + END_WAIT_NS;

	lane_stop(sup);
	sup->end_by_ns =
		sup->end_by_ns > 0 && sup->end_by_ns < end_by_ns ? sup->end_by_ns : end_by_ns;
	spread_end(sup);
	ending_post(sup, mail);
}
