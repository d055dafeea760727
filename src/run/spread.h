/* spread.h - what the shards that divide one flow cannot do each for itself.
 *
 * With by=source or by=cpu k shards have a socket each for one flow (shard/share.h). The control
 * thread binds these in order and joins them back to back while all shards wait at the gate, lets
 * them leave together, says what the flow has lost, and warns when one share has everything.
 *
 * Where a filter takes the shares (multicast), a socket's drop count D also holds what its filter
 * refused. But each piece, a datagram or a train, that comes while all have joined reaches all k
 * sockets, so for each of them what it received and what it dropped are together the same T = R +
 * D, and the flow has lost
 *
 *     T - sum of all R
 *
 * pieces since all have joined. T is that of the share that joined last and left first: whatever
 * came before or after, the others have more of, and refused it. Control thread.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "src/base/log.h"

struct supervisor;
struct ingress_flow;

/* A divided flow being watched. */
struct spread_watch {
	uint64_t heard_ns; /* when its first datagram was seen; 0: none yet */
	bool judged;
};

/* All shards wait at the gate with their sockets open: binds, joins and opens those of divided
 * flows. 0, or -errno with `err': then all shards must leave. */
int spread_start(const struct supervisor *sup, struct err *err);

/* The shards are about to be told to end: no share takes anything any more, and all have left. */
void spread_end(const struct supervisor *sup);

/* What is known of one share of a flow that filters divide. Units: pieces. */
struct spread_account {
	uint64_t pieces;       /* T: that reached this share's socket */
	uint64_t outside;      /* of these, before all had joined or after the first had left */
	uint64_t kernel_drops; /* the flow's; 0 but for its last share, so that sums are right */
	uint64_t not_mine;     /* at this share, less the flow's kernel drops where these stand */
};

/* `flow' is one that share_is_filtered. Exact when nothing is queued and nothing arrives. */
void spread_account(const struct supervisor *sup, const struct ingress_flow *flow,
		    struct spread_account *out);

/* As many watches as there are divided flows, all zero, to be freed; NULL: out of memory. */
struct spread_watch *spread_watches(const struct supervisor *sup);

/* Says so, once, when after some seconds with traffic one share of several has all of it. */
void spread_tick(const struct supervisor *sup, struct spread_watch *watches);
