/* change.h - what control asks of a shard that runs, one message at a time (mailbox.h).
 *
 *     SHARD_ADD_ROOM       places for more flows and outputs, in memory that control brings
 *     SHARD_ADD_FLOW       a flow takes a place; it does not receive yet, without a socket not
 *                          before SHARD_OPEN_FLOW
 *     SHARD_ADD_OUTPUT     an output takes a place, behind the others of its flow, with or without
 *                          a socket
 *     SHARD_START_FLOW     the flow receives from now on
 *     SHARD_OPEN_FLOW      a flow that is without a socket gets one, and receives from now on
 *     SHARD_OPEN_OUTPUT    an output that is without a socket gets one
 *     SHARD_CLOSE_FLOW     its interface has gone: receives no more; what it has received is
 *                          relayed, then it is without a socket until SHARD_OPEN_FLOW
 *     SHARD_CLOSE_OUTPUT   the same: what it has is settled, then it is without a socket
 *     SHARD_TRY_PATH       the output finds out anew what its path carries, or that it is dark
 *     SHARD_REMOVE_OUTPUT  takes no more; what it has is sent or counted, then it is gone
 *     SHARD_REMOVE_FLOW    receives no more; what it has received is relayed, then it is gone
 *     SHARD_HOLD_FLOW      receives no more until it is removed; what it has received is relayed.
 *                          A leg of a feed that moves may also be started again
 *     SHARD_SET_FLOW       the flow goes on with another max-age= or breaker=, or stands by, or
 *                          relays again, from the next datagram on
 *     SHARD_SET_DUTIES     the same for many flows at once: which stand by and which relay, which
 *                          receive nothing for now, and from which datagrams on others are to
 *                          (baton.h); and which outputs have the source address that they are to
 *                          send from
 *     SHARD_SET_OUTPUT     the output goes on with other options, from the next datagram on
 *     SHARD_REPLACE_OUTPUT one with another socket goes on in its place, and with its counters
 *     SHARD_SET_ECHOES     the flow refuses other senders of ours
 *     SHARD_SET_MERGE      flows become legs of one feed, or other legs, or a plain flow
 *                          (relay_merge_set.h); with no flow: a feed whose legs are to come
 *     SHARD_SET_WAITS      how long turns wait and draining may take, how much is timed
 *     SHARD_LIST           all that a list of other messages asks, one after the other
 *
 * Sockets are control's to make and unmake: opening, joining, leaving and closing may block. A
 * shard is handed ready descriptors and gives them back; datagrams that wait in one stay there, for
 * the next owner or for control to count. An output whose flow was removed goes on until it is
 * removed too. The counters of a flow without a socket are control's to add to. To move a flow,
 * remove it and its outputs here and add them there, with `goes_on': what the answers to the
 * removals told of them is where they begin. Two lists do that, and then it waits for no more than
 * two answers.
 *
 * Whatever is asked takes a bounded number of steps of a turn, and a list what its messages take
 * together: the outputs of one flow at most are walked along, for a room the ring's small tables of
 * flows and files are copied, and a duty is one store. Adding and starting are answered in the turn
 * that takes the message, removing when nothing is under way any more. Whoever is meant is named by
 * token (room.h), which the answer to an addition tells; a token of somebody who has left is
 * -ENOENT. What a flow or output is (rule_compare_flows, rule_same_output) control compares.
 *
 * A shard that is ending answers what it was sent with -ESHUTDOWN, but for what was under way,
 * which is done then, unless the ring failed; one that has ended answers nothing any more, and
 * control has its message back.
 *
 * The counters laws hold before and after: received = relayed + drops for each flow, offered = sent
 * + drops for each output, with what the answer to a removal tells as the last of it.
 */
#pragma once

#include "shard/egress.h"
#include "shard/ingress.h"
#include "shard/relay.h"
#include "shard/relay_flows.h"

enum shard_op {
	SHARD_ADD_ROOM,
	SHARD_ADD_FLOW,
	SHARD_ADD_OUTPUT,
	SHARD_START_FLOW,
	SHARD_OPEN_FLOW,
	SHARD_OPEN_OUTPUT,
	SHARD_CLOSE_FLOW,
	SHARD_CLOSE_OUTPUT,
	SHARD_TRY_PATH,
	SHARD_REMOVE_OUTPUT,
	SHARD_REMOVE_FLOW,
	SHARD_HOLD_FLOW,
	SHARD_SET_FLOW,
	SHARD_SET_DUTIES,
	SHARD_SET_OUTPUT,
	SHARD_REPLACE_OUTPUT,
	SHARD_SET_ECHOES,
	SHARD_SET_MERGE,
	SHARD_SET_WAITS,
	SHARD_LIST,
};

/* What a flow or an output has to do. */
struct shard_duty {
	uint32_t token;
	bool is_output;
	bool standby; /* of an output: it has no source address to send from */
	bool hold;    /* what comes is to wait in the socket */
	uint64_t salt;
	struct baton *baton; /* NULL: none. Stays control's, and as long as a flow has it */
};

/* A flow that is to be a leg. */
struct shard_leg {
	uint32_t token;
	uint8_t leg;
};

struct shard_message {
	enum shard_op op;
	uint32_t flow;     /* token; told by ADD_FLOW. Not looked at by REMOVE_OUTPUT */
	uint32_t output;   /* token; told by ADD_OUTPUT, asked by those that remove or set one.
			    * REPLACE_OUTPUT is asked for the old and tells the new one */
	uint32_t replaced; /* the shard's own: token of the old one */
	int fd; /* of a flow: what ADD_FLOW and OPEN_FLOW bring; what REMOVE_*, CLOSE_* and
		 * REPLACE_OUTPUT give back. Negative: none */

	struct arena *memory; /* ADD_ROOM: holds change_room_bytes and lives as long as the shard */
	uint32_t flow_rooms, output_rooms;
	const size_t *merge_bytes; /* of a block for each of so many merges: relay_merge_bytes */
	uint32_t merge_blocks;

	struct rule_flow flow_rule; /* ADD_FLOW; first_output and output_count mean nothing.
				     * OPEN_FLOW looks at the `ifindex', SET_FLOW at max_age_ms
				     * and breaker, and at `standby'. REMOVE_FLOW tells it */
	const struct addr *echoes;  /* ADD_FLOW, SET_ECHOES: stay control's, and as long as the flow
				     * or until the next SET_ECHOES was answered */
	uint32_t echo_count;

	/* SET_MERGE: what the feed is to be, as flow_rule.merge says, or with NULL: the one leg is
	 * a plain flow; and who of those that have been legs of it, or were it, stays. `flow' has
	 * the outputs at present; it need not stay. */
	struct shard_leg legs[MERGE_LEGS_MAX];
	uint32_t leg_count;
	/* Of a feed whose legs are to come: they come from another shard, where all are held and
	 * this is their merge; NULL: they do not. */
	struct relay_merge *moves;

	const struct shard_duty *duties; /* SET_DUTIES: stay control's; who has left is left out */
	uint32_t duty_count;

	/* ADD_OUTPUT, REPLACE_OUTPUT; SET_OUTPUT: the same output with other options, which are
	 * those of its datagrams and of its socket's own, not of how that is bound. OPEN_OUTPUT:
	 * its ifindex and mtu. TRY_PATH: its mtu. REMOVE_OUTPUT tells it. */
	struct rule_table_output output_rule;
	struct egress_socket socket; /* ADD_OUTPUT, OPEN_OUTPUT, REPLACE_OUTPUT; its `file' is the
				      * shard's to fill in; a negative `fd': none yet, but for
				      * OPEN_OUTPUT. SET_OUTPUT looks at its `gso' */
	struct sock_got got;         /* of what is added: for reports. REMOVE_* tell it */

	struct ring_waits waits; /* SET_WAITS, see ring_set_waits */
	uint64_t drain_ns;
	uint32_t latency_sample; /* SET_WAITS, see relay_sample */

	/* LIST: its messages, all about `flow', which is the one that an ADD_FLOW among them has
	 * added. Each tells its own result, and -ECANCELED if it was not come to: an output that is
	 * not added is left out, any other refusal ends the list. The rest is the shard's own. */
	struct shard_message *list;
	uint32_t list_count, list_at;
	bool list_begun;

	uint64_t cut_ns; /* by clock_wall_ns; 0: none. ADD_FLOW: the flow takes nothing that the
			  * kernel received before, REMOVE_FLOW: nothing that it did from then on */
	bool empties;    /* REMOVE_FLOW: of one that is held. Nothing comes to its socket any more,
			  * and what is queued there is relayed first; flow_past.drops_seen are its
			  * kernel drops */

	bool dark; /* TRY_PATH: its link has no carrier, and whatever is sent would be lost */

	/* 0; -ENOENT; -ENOSPC: no free place; -ENFILE: no room in the ring; -EEXIST: the flow has
	 * such an output; -E2BIG: it has as many as it may,
	 * or so has the shard; -EINVAL: no buffers of its class;
	 * -EALREADY: it receives, has a socket, has none, or is about to go; -ESHUTDOWN: the shard
	 * is ending. A descriptor that was not taken is still
	 * control's. */
	int result;
	struct flow_stats flow_stats;     /* REMOVE_FLOW: all it ever counted */
	struct output_stats output_stats; /* REMOVE_OUTPUT */

	/* ADD_FLOW, ADD_OUTPUT: it is one that was removed elsewhere, with this socket. It goes on
	 * from the stats above and from what is below, both told by its removal. Of a socket that
	 * is new, too, `flow_past.drops_seen' tells which kernel drops are none of the flow's
	 * (ADD_FLOW, OPEN_FLOW). */
	bool goes_on;
	struct flow_past flow_past;
	struct output_past output_past;
};

/* Bytes of memory that the rooms and blocks of an ADD_ROOM take. Control thread, between messages.
 */
size_t change_room_bytes(const struct relay *r, const struct shard_message *m);

/* Begins what a message asks, and answers it unless something is under way: then relay.change is
 * set, and change_continue answers later. Shard thread, outside of a datagram's steps. */
void change_begin(struct relay *r, struct shard_message *message);
void change_continue(struct relay *r);

/* The shard ends: answers what is not done, or was not taken yet. */
void change_abandon(struct relay *r);
