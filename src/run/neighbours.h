/* neighbours.h - has the kernel find the hardware addresses that what stands by will need.
 *
 * A unicast output that sends nothing has no neighbour in the kernel's table, and what it sends
 * first would wait there for the answer to a question (ARP, neighbour discovery), at most a few
 * datagrams of it. So while an output stands by, the next hop of its destination is resolved for it
 * every few seconds, as if it were used (NTF_USE): nothing is sent to the destination itself but
 * the question. That needs CAP_NET_ADMIN; without it the first datagrams have to wait. Control
 * thread.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "src/base/addr.h"

struct supervisor;
struct mnl_socket;

/* Begins as all-zero. */
struct neighbours {
	struct mnl_socket *socket; /* NULL: no round is under way that needed it */
	bool given_up;             /* the kernel does not let us */
	uint64_t looked_ns;        /* when a round was begun last */
	uint32_t shard, place;     /* where it is */
	bool amid;
};

/* Looks at some more outputs, when it is time. No shard has a message. */
void neighbours_tick(struct neighbours *neighbours, const struct supervisor *sup, uint64_t now_ns);
void neighbours_free(struct neighbours *neighbours);
