/* names.h - keeps the addresses of the hosts that rules name.
 *
 * Each name that an egress has is looked up (src/setup/lookup.h), at the start and again when its
 * answer has grown old: after its TTL, but after a second at least and five minutes at most. Nobody
 * waits for that: an output whose address is not known is pending. An address that is new or
 * another one is applied as a reload of the same rules (reload.h), so all else goes on untouched
 * and the output keeps its counters. Of several addresses the one in use is kept while it is among
 * them, else the first is taken, in the order that the library prefers (RFC 6724). While a lookup
 * fails, the last address stays; what cannot be applied for want of something is tried again.
 * Control thread.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "src/base/addr.h"
#include "src/base/log.h"
#include "src/rules/conf.h"
#include "src/setup/lookup.h"

struct supervisor;
struct setup;

struct names_item {
	const struct host_name *name;
	struct names *names;
	struct addr in_force; /* what the rules have; family 0: none, as in the next ones */
	struct addr found;    /* by the last answer that had any */
	struct addr refused;  /* that the rules could not have */
	uint32_t refusals;    /* of that for want of something, in a row */
	uint64_t again_ns;    /* when it is tried again; UINT64_MAX: not by itself */
	uint32_t failures;    /* lookups in a row */
	uint64_t next_ns;     /* when it is looked up again */
	bool asked;           /* and not answered yet */
	bool gone;            /* no rule has it any more */
	bool listed;          /* among the rules that are looked at now */
	bool trying;          /* the reload under way brings what was found */
	struct err why;       /* the last lookup failed, or what it found is refused; "": neither */
};

struct names {
	struct supervisor *sup;
	struct lookup *lookup;     /* NULL: no rule has had a name */
	struct names_item **items; /* sorted by where the names lie */
	uint32_t count;
	const struct setup *known; /* whose names these are */
	bool singly;               /* several were refused together: one at a time */
	uint64_t now_ns;           /* of this tick */
};

/* All zero but for `sup': nothing is looked up yet. */

/* Other rules may be in force. 0, or -errno with `err' when their names cannot be taken in: then
 * those that are known stay, and whoever called does so again later. */
int names_look(struct names *names, struct err *err);

/* Takes answers, asks what is due, and has what is new applied unless another change is under way.
 */
void names_tick(struct names *names, uint64_t now_ns);

/* To be polled for reading, or -1. How long to wait before the next tick at most, in milliseconds:
 * `most_ms' or less. */
int names_fd(const struct names *names);
int names_sleep_ms(const struct names *names, int most_ms);

/* Gives the egresses of `conf' the addresses of their names, as far as they are known. 0, or -errno
 * with `err' when the rules do not do with these. */
int names_fill(const struct names *names, struct conf *conf, struct err *err);

/* What is amiss with `name': why it has no address, or why its last one stays. NULL: nothing. */
const char *names_amiss(const struct names *names, const struct host_name *name);

void names_close(struct names *names);
