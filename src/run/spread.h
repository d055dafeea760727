/* spread.h - what the shards that divide one flow cannot do each for itself.
 *
 * With by=source or by=cpu k shards have a socket each for one flow (shard/share.h). The control
 * thread binds these in order and joins them back to back, at start while all shards wait at the
 * gate, later before any of them has its socket (changer_shares.h). It lets them leave together,
 * says what the flow has lost, and warns when one share has everything.
 *
 * Where a filter takes the shares (multicast), a socket's drop count D also holds what its filter
 * refused. But each piece, a datagram or a train, that comes while all have joined reaches all k
 * sockets, so for each of them what it received and what it dropped are together the same T = R +
 * D, and the flow has lost
 *
 *     T - sum of all R
 *
 * pieces since all have joined. T is that of the share that joined last and left first: whatever
 * came before or after, the others have more of, and refused it. When a flow loses its sockets,
 * with its interface or for good, the account of these is closed: what was lost goes from what the
 * last share refused to its kernel drops, and the next sockets begin at zero. Control thread.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "shard/rule.h"
#include "src/base/log.h"

struct supervisor;
struct ingress_flow;
struct rule_flow;
struct shard_message;

/* CPUs of shares, for as long as anybody may look at them. */
struct spread_cpus {
	struct spread_cpus *next;
	uint32_t count;
	int cpus_os[];
};

/* A divided flow whose shares are being removed, one after the other. */
struct spread_going {
	struct spread_going *next;
	struct rule_ingress in;
	uint32_t left;           /* shares */
	uint64_t seen, received; /* pieces: by the last share, by all that have gone */
};

/* A divided flow whose sockets the next process is to have. */
struct spread_kept {
	struct spread_kept *next;
	uint32_t first, count; /* in the layout */
	int fds[SHARES_MAX];   /* copies, until all is counted */
};

struct spread {
	struct spread_cpus *cpus;
	struct spread_going *going;
	struct spread_kept *kept;
};

/* All shards wait at the gate with their sockets open: binds, joins and opens those of divided
 * flows. One that cannot be is pending from then on, unless --strict. 0, or -errno with `err': then
 * all shards must leave. */
int spread_start(const struct supervisor *sup, struct err *err);

/* The shards are about to be told to end: no share takes anything any more, and all have left, but
 * of flows that are kept. */
void spread_end(struct supervisor *sup);

/* In spread_kept.c. Flows have been marked as stored: of a divided flow of whose sockets some are
 * not, none is kept. How many of the sockets marked are not. */
uint32_t spread_hand_over(struct supervisor *sup);

/* In spread_kept.c. The shards have ended: notes on the sockets that are kept what was told of
 * them, before anybody is told. */
void spread_note(struct supervisor *sup);

/* The same of the flow that `rule' is a share of, before the first of its shares is removed
 * (`for_good') or loses its socket. Does nothing for any other flow, and nothing twice. No shard
 * has a message. */
void spread_leave(struct supervisor *sup, const struct rule_flow *rule, bool for_good);

/* A share has given its socket back, which was emptied: with the last of them the account of these
 * sockets is closed. Does nothing for any other flow. */
void spread_closed(const struct supervisor *sup, const struct ingress_flow *flow);

/* The same of a share that was removed, with all it has counted, in `told'. */
void spread_removed(struct supervisor *sup, struct shard_message *told);

/* Has the CPUs of `share', which is about to be a shard's, stay for as long as that does. 0 or
 * -ENOMEM. */
int spread_lend_cpus(struct supervisor *sup, struct share *share);

void spread_free(struct supervisor *sup);

/* What is known of one share of a flow that filters divide. Units: pieces. */
struct spread_account {
	uint64_t pieces;       /* T: that reached this share's sockets */
	uint64_t outside;      /* of these, before all had joined or after the first had left */
	uint64_t kernel_drops; /* the flow's; 0 but for its last share, so that sums are right */
	uint64_t not_mine;     /* at this share, less the flow's kernel drops where these stand */
};

/* `flow' is one that share_is_filtered. Exact when nothing is queued and nothing arrives. */
void spread_account(const struct supervisor *sup, const struct ingress_flow *flow,
		    struct spread_account *out);

/* Waits, so that whatever datagram was on its way through a group's sockets has passed them all:
 * the kernel gives it to one after the other. What their filters refused until then and what they
 * let in was of the same datagrams, so nothing seems to be lost that one was shown before, another
 * after they were opened, counted, shut or left. What comes meanwhile is let in and not seen to be
 * refused: of a flow that also loses, as much less may be told. */
void spread_settle(void);

/* Says so, once, when after some seconds with traffic one share of several has all of it. */
void spread_tick(const struct supervisor *sup);
