/* rebalance.h - plans again with what was measured, and moves flows to where they are to be.
 *
 * The rates of a window say what each flow costs; numa/plan_moves.h finds which of them are to move
 * and where to, and the reload carries that out as a change of owners alone (reload_move). Flows
 * whose rule names a shard stay, and so do those that are divided by source or CPU.
 *
 * It is done when somebody asks, or with --rebalance auto=RATIO by itself: when one shard has
 * carried more than RATIO times the mean for a minute on end, and more than a trifle. One at a
 * time. Control thread.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "numa/plan_moves.h"
#include "src/base/log.h"
#include "src/run/rates.h"

struct supervisor;

#define REBALANCE_TOLERANCE 1.2 /* of who asks: the heaviest shard may carry so many means */
#define REBALANCE_AUTO_NS   (60 * NS_PER_S)
#define REBALANCE_PAUSE_NS  (600 * NS_PER_S) /* after one that found no way to be better */

/* What was found. Valid during the call that tells it. */
struct rebalance_finding {
	double seconds; /* of the window */
	const struct plan *plan;
	const struct conf *conf;
	const struct plan_moves *moves;
	const struct plan_part *parts; /* by owner of the plan: work in the window */
	const struct rate **rates;     /* the same; NULL: none is known */
};

/* Who asked. */
struct rebalance_client {
	void (*found)(void *context, const struct rebalance_finding *finding);
	/* After that: 0 and what was done, or -errno and what was wrong. */
	void (*done)(void *context, int rc, const struct err *text);
	void *context;
};

/* All zero but for `sup': nothing is under way. */
struct rebalance {
	struct supervisor *sup;
	struct rates before;
	uint64_t until_ns; /* the window's end; 0: none is under way */
	bool dry_run;
	bool by_itself;
	double tolerance;
	struct rebalance_client client;
	/* what is seen each second: */
	const void *seen_setup; /* of it: after a change nothing compares */
	uint64_t *seen_work;    /* by shard */
	uint64_t seen_ns, pause_ns;
};

/* Begins a window; when it is over `client' will be told. 0, or -EBUSY, -ENOMEM with `err'. One
 * that has begun by itself gives way. */
int rebalance_begin(struct rebalance *r, uint64_t window_ns, bool dry_run,
		    const struct rebalance_client *client, struct err *err);

/* Goes on; no change is under way. */
void rebalance_tick(struct rebalance *r, uint64_t now_ns);

/* How long one may sleep before the next tick, at most `most_ms'. */
int rebalance_sleep_ms(const struct rebalance *r, uint64_t now_ns, int most_ms);

/* The relay ends: who asked is told that nothing came of it. Accepts all-zero. */
void rebalance_end(struct rebalance *r);

/* "shard 2 carries 1.9 times the mean, shard 0 0.1 times". */
void rebalance_why(const struct rebalance_finding *finding, const struct plan_move *move,
		   struct err *out);
