/* pending.h - flows and outputs whose sockets could not be opened yet, and are tried again.
 *
 * An interface may come later, a port may be free later, a route too. Each is tried again when
 * something happens to its interface, and every few seconds, ever less often; the shard gets the
 * socket ready and joined, by message. Control thread.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "shard/change.h"
#include "src/base/log.h"

struct supervisor;
struct worker;

struct pending_item {
	struct worker *worker;
	uint32_t index; /* of its place in the shard, and in its table */
	bool output;    /* else a flow */
	bool live;      /* it has its socket: only remembered */
	int fd;         /* open, and not yet the shard's; -1: none */
	unsigned ifindex;
	struct sock_got got;
	uint32_t tries;
	uint64_t tried_ns, next_ns;
	struct err why;
};

struct pending {
	struct supervisor *sup;
	struct pending_item *items;
	uint32_t count;
	uint32_t waiting; /* of them not live */
	bool warned;      /* of those: from then on it is said when one is live */

	struct shard_message message; /* one at a time */
	struct worker *asked;         /* it has not answered yet */
	struct pending_item *opening; /* what that was about, when it was to open */
	struct addr **echoes;         /* what flows were told, theirs until they end */
	uint32_t echo_count;
};

/* Finds what is pending, tries it once more, and warns of what stays so. All shards are live. 0 or
 * -ENOMEM; pending_free either way, after the shards have ended. */
int pending_init(struct pending *pending, struct supervisor *sup, uint64_t now_ns);
void pending_free(struct pending *pending);

/* Something happened to interface `ifindex', which is called `ifname'. */
void pending_wake(struct pending *pending, unsigned ifindex, const char *ifname, uint64_t now_ns);

/* Tries what is due; whether a flow became live. Waits some milliseconds for a shard at most. Not
 * after the shards were told to end. */
bool pending_tick(struct pending *pending, uint64_t now_ns);

/* Why the flow or output in that place is pending; NULL: it is live. */
const char *pending_why(const struct pending *pending, const struct worker *worker, uint32_t index,
			bool output);
