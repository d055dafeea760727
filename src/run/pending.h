/* pending.h - flows and outputs whose sockets could not be opened yet, and are tried again.
 *
 * An interface may come later, a port may be free later, a route too. Each is tried again when
 * something happens to its interface, and every few seconds, ever less often, by the changer
 * (changer.h): the shard gets the socket ready and joined. Who is pending is what stands in the
 * shards' places without a socket: after each change these are looked at again, so what a change
 * adds is pending too, and what it removes is forgotten. Control thread.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "shard/change.h"
#include "src/base/log.h"
#include "src/run/changer.h"

struct supervisor;
struct worker;

/* Known by its place and who holds it. */
struct pending_item {
	uint32_t shard, token;
	bool is_output; /* else a flow */
	bool told;      /* that it is pending */
	struct rule_flow flow;
	struct rule_table_output output;
	uint32_t tries;
	uint64_t tried_ns, next_ns;
	struct err why;
};

struct pending {
	struct supervisor *sup;
	struct pending_item *items; /* sorted by shard, flows and outputs, and place */
	uint32_t count;
	struct changer_step *steps; /* under way, or NULL */
	uint32_t step_count;
	bool started;    /* from then on it is said when one is live */
	uint64_t now_ns; /* of the last tick */
};

/* Finds what is pending, tries it once more, and warns of what stays so. All shards are live;
 * nobody else has a list. 0 or -ENOMEM; pending_free either way, after the shards have ended and
 * the changer has. */
int pending_init(struct pending *pending, struct supervisor *sup, uint64_t now_ns);
void pending_free(struct pending *pending);

/* Looks who is pending by now; no list is under way, and the gate is kept (gate.h). 0 or -ENOMEM:
 * then who was stays. */
int pending_look(struct pending *pending);

/* Something happened to interface `ifindex', which is called `ifname'. */
void pending_wake(struct pending *pending, unsigned ifindex, const char *ifname, uint64_t now_ns);

/* Has what is due tried, unless the changer has something else to do. */
void pending_tick(struct pending *pending, uint64_t now_ns);

/* How long to wait before the next tick at most, in milliseconds: `most_ms' or less, and more than
 * 0. */
int pending_sleep_ms(const struct pending *pending, int most_ms);

/* Why the flow or output in that place is pending; NULL: it is not. No shard has a message. */
const char *pending_why(const struct pending *pending, const struct worker *worker, uint32_t index,
			bool output);
