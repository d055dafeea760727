/* relief.h - another machine takes over from here, or this one from another, at one datagram.
 *
 *     the machine that comes       the one that goes
 *     hold: receives nothing,
 *     what comes waits
 *                                  notes: relays what the kernel has received by now, stands by,
 *                                  and writes down from which datagram of each sender on it has
 *                                  not relayed (shard/baton.h)
 *     follows: relays from those
 *     on, and drops what came
 *     before
 *
 * Who carries the marks from there to here is not ours to say: numacastctl prints and reads them.
 * A hold that nobody follows ends by itself. Legs of a merged feed are left out: they change by the
 * order alone, and what is doubled or missing by that, the next merge sees. One relief at a time;
 * it goes the way of all duties (duty.h), in one message to each shard. Control thread.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "shard/baton.h"
#include "shard/change.h"
#include "src/rules/conf.h"

struct json_t;
struct supervisor;

#define RELIEF_HOLD_MS 2000 /* unless it is said otherwise */

enum relief_phase {
	RELIEF_NONE,
	RELIEF_STAMPS,  /* the kernel begins to stamp what it receives */
	RELIEF_HOLDS,   /* flows receive nothing */
	RELIEF_NOTES,   /* marks are written down */
	RELIEF_FOLLOWS, /* marks are waited for */
	RELIEF_ENDS,    /* shards are told that it is over */
};

/* Begins as all-zero but for `sup'. */
struct relief {
	struct supervisor *sup;
	enum relief_phase phase, next; /* after the stamps */
	enum relief_phase ended;       /* what it ends after */
	struct json_t *names;          /* of rules; NULL: all */
	struct baton **batons;         /* of each shard */
	uint32_t baton_count;
	uint32_t marks;                  /* that are waited for */
	uint32_t read_shard, read_place; /* flows before have been read (RELIEF_NOTES) */
	uint32_t unread;                 /* flows that had not been when it was over */
	uint64_t hold_ns;                /* how long at most */
	uint64_t look_ns;  /* by clock_now_ns: not over before; 0: shards are not told yet */
	uint64_t end_ns;   /* over then */
	uint64_t since_ns; /* as in shard/baton.h */
};

void relief_free(struct relief *relief);

/* Whether an order is under way that has no answer yet, so that there can be no other. */
bool relief_is_busy(const struct relief *relief);

/* `names': an array of names of rules, or NULL. Shards are to be told afterwards (duty_wake). 0, or
 * -ENOMEM; -EINVAL: a mark is none. */
int relief_hold(struct relief *relief, struct json_t *names, uint64_t for_ns);
int relief_note(struct relief *relief, struct json_t *names);
int relief_follow(struct relief *relief, struct json_t *names, struct json_t *marks,
		  uint64_t since_ns);

/* What a flow of `conf's rule has to do now beside standing by or not, which may be changed. */
void relief_want(const struct relief *relief, uint32_t shard, struct flow_place *place,
		 const struct conf_flow *known, const struct conf *conf, struct shard_duty *duty);

/* Shards have been told. Whether the order is done by that; then `*out' is what its answer has, or
 * NULL. */
bool relief_told(struct relief *relief, struct json_t **out);

/* Whether shards are to be told something, since its time has come. */
bool relief_tick(struct relief *relief, uint64_t now_ns);
int relief_sleep_ms(const struct relief *relief, uint64_t now_ns, int most_ms);
